//! What is found, for eyes and for programs.

use std::fmt::Write;

use host::{Deployment, Finding, HookAddress, Listed, Probed, Telling};
use jiff::Timestamp;
use serde_json::{Value, json};
use store::tenants::State;
use url::Url;

use super::desk::{Silent, address_of};

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

/// Which webhooks stand, and what goes without those that do not.
pub(super) fn hooks(before: Option<Telling>, now: Telling) -> String {
    let Some(before) = before else {
        return "  Whether the webhooks are there cannot be seen: Jira shows them to administrators, and to no token that has scopes. Look \
                in Jira's settings, System, Webhooks.\n"
            .to_owned();
    };
    let mut text = String::new();
    let mut says = |stood: bool, stands: bool, of: &str, without: &str| {
        let _ = match (stood, stands) {
            (true, true) => writeln!(text, "  The webhook that tells of {of} is there."),
            (false, true) => writeln!(text, "  The webhook that tells of {of} was missing. It is there now."),
            (_, false) => writeln!(text, "  The webhook that tells of {of} is MISSING: {without}"),
        };
    };
    says(
        before.accounts,
        now.accounts,
        "accounts",
        "changed names arrive a day later. Jira does not take it, or the account may not see it: `steward site token` with one \
         that administers Jira mends the second.",
    );
    says(
        before.issues,
        now.issues,
        "requests",
        "values come onto a new request up to five minutes later. Jira does not take it, or would send the requests' texts along.",
    );
    text
}

/// What an administrator pastes where Jira did not take a webhook.
pub(super) fn by_hand(hook: &HookAddress) -> String {
    let mut text = format!(
        "Jira did not take a webhook. In Jira's settings, System, Webhooks, make it:\n  URL     {}\n  Secret  {}\n  Events  {}\n",
        hook.url,
        hook.secret.as_deref().unwrap_or("none: this version does not sign, so keep the URL to yourself"),
        hook.events.join(", "),
    );
    if hook.without_body {
        let _ = write!(
            text,
            "  JQL     {}\n  Exclude body: yes. Where Jira cannot, leave this one out: values then come onto a new request up to five minutes later.\n",
            hook.filter
        );
    }
    text
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

pub(super) fn sites(all: &[Listed], silent: &Silent) -> String {
    let head = ["Id", "Joined by", "State", "Since", "Silent since", "Address"].map(str::to_owned);
    let day = |at: &jiff::Timestamp| at.strftime("%Y-%m-%d").to_string();
    let rows = all.iter().map(|one| {
        [
            one.tenant.to_string(),
            one.mode.name().to_owned(),
            state(one.state).to_owned(),
            day(&one.created_at),
            silent.get(&one.tenant).map(day).unwrap_or_default(),
            address_of(one).map(ToString::to_string).unwrap_or_default(),
        ]
    });
    aligned(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

pub(super) fn sites_json(all: &[Listed], silent: &Silent) -> Value {
    all.iter()
        .map(|one| {
            json!({
                "id": one.tenant.to_string(), "joinedBy": one.mode.name(), "state": state(one.state),
                "since": one.created_at.to_string(), "address": address_of(one),
                "cloudId": one.known.as_ref().map(|known| &known.cloud),
                "silentSince": silent.get(&one.tenant).map(ToString::to_string),
            })
        })
        .collect()
}
