//! What is found, for eyes and for programs.

use std::fmt::Write;

use host::{Deployment, Finding, Listed, Probed};
use jiff::Timestamp;
use serde_json::{Value, json};
use store::tenants::State;
use url::Url;

use super::address_of;

/// What kind of Jira it is, for programs.
pub(super) fn deployment(deployment: Deployment) -> &'static str {
    match deployment {
        Deployment::Cloud => "cloud",
        Deployment::DataCenter => "data-center",
    }
}

fn word(finding: &Finding) -> String {
    match finding {
        Finding::Has => "has".to_owned(),
        Finding::Partly(some, all) => format!("{some} of {all}"),
        Finding::Lacks => "HAS NOT".to_owned(),
        Finding::Unknown => "unknown".to_owned(),
    }
}

/// Rows with each column as wide as its widest cell.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let _ = write!(line, "  {cell:<width$}", width = width(column));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// What was found, what for, and how to mend what is missing.
pub(super) fn probes(probed: &Probed) -> String {
    let head = ["What", "The account", "Needed for"].map(str::to_owned);
    let rows =
        probed.probes.iter().map(|probe| [probe.what.to_owned(), word(&probe.finding), probe.needed_for.to_owned()]);
    let mut text = aligned(&std::iter::once(head).chain(rows).collect::<Vec<_>>());
    for probe in probed.probes.iter().filter(|probe| !matches!(probe.finding, Finding::Has | Finding::Unknown)) {
        let _ = write!(text, "\n  {}: {}\n", probe.what, probe.mend);
    }
    text
}

/// Whether the webhook stands.
pub(super) fn hook(stands: bool) -> &'static str {
    if stands {
        "  The webhook is there."
    } else {
        "  The webhook is MISSING, or the account may not see it: changed names arrive a day later. `steward site token` \
         with an account that administers Jira mends the second."
    }
}

pub(super) fn json(probed: &Probed) -> Value {
    let of = |finding: &Finding| match finding {
        Finding::Has => json!("has"),
        Finding::Partly(some, all) => json!({"some": some, "of": all}),
        Finding::Lacks => json!("lacks"),
        Finding::Unknown => json!("unknown"),
    };
    probed
        .probes
        .iter()
        .map(|probe| {
            json!({"code": probe.code, "what": probe.what, "neededFor": probe.needed_for, "found": of(&probe.finding), "mend": probe.mend, "blocks": probe.blocks})
        })
        .collect()
}

/// Whether Jira reaches this server.
pub(super) fn heard(at: Option<Timestamp>, url: &Url) -> String {
    match at {
        Some(at) => format!("  The last webhook came {}.", at.strftime("%Y-%m-%d %H:%M UTC")),
        None => format!(
            "  NO webhook came yet. Change somebody's name in Jira: if that is not told within minutes, Jira does not reach {url}. Look at \
             the firewall, the name and the certificate."
        ),
    }
}

fn state(state: State) -> &'static str {
    match state {
        State::Active => "active",
        State::Locked => "locked",
        State::Gone => "gone",
        State::Moving => "moving",
        State::Moved => "moved",
        State::Arriving => "arriving",
    }
}

pub(super) fn sites(all: &[Listed]) -> String {
    let head = ["Id", "Joined by", "State", "Since", "Address"].map(str::to_owned);
    let rows = all.iter().map(|one| {
        [
            one.tenant.to_string(),
            one.mode.name().to_owned(),
            state(one.state).to_owned(),
            one.created_at.strftime("%Y-%m-%d").to_string(),
            address_of(one).map(ToString::to_string).unwrap_or_default(),
        ]
    });
    aligned(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

pub(super) fn sites_json(all: &[Listed]) -> Value {
    all.iter()
        .map(|one| {
            json!({
                "id": one.tenant.to_string(), "joinedBy": one.mode.name(), "state": state(one.state),
                "since": one.created_at.to_string(), "address": address_of(one),
                "cloudId": one.known.as_ref().map(|known| &known.cloud),
            })
        })
        .collect()
}
