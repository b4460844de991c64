//! Sites that fell silent: Forge tells that its app goes once, at best, and who joined a site by a token tells nothing at all. Once a day each site is asked,
//! as the app, who calls; since when one neither calls nor takes a call is kept, and told to the operator. Nothing of it is locked or destroyed by that.
//! Start at [`LookForSilence`].

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use jobs::{Handler, Outcome};
use kernel::{Cx, Fault, Kind, Result};
use serde_json::Value;
use store::Store;
use store::tenants::Mode;

use crate::client::{ACCESS_ENDED, ACCESS_MISSING, As, BACKGROUND, Cloud, Jira};
use crate::sql;

/// Its kind, for the schedule.
pub(crate) const LOOK_KIND: &str = "host.look_for_silence";
/// Forge calls each hour: one that called so lately is there.
const HEARD_WITHIN: SignedDuration = SignedDuration::from_hours(3);
/// A shorter silence is told to nobody: a site may be away for some hours.
const TOLD_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// What a site says when it is asked.
enum Answer {
    /// It takes a call.
    Heard,
    /// It does not know us any more, or nobody is there.
    Silent,
    /// It has another trouble. Tomorrow is another day.
    Unclear,
}

/// The job that asks a tenant's site.
pub(crate) struct LookForSilence {
    pub(crate) cloud: Cloud,
    pub(crate) store: Store,
}

impl LookForSilence {
    async fn ask(&self, cx: &Cx) -> Result<Answer> {
        match Jira::for_tenant(&self.cloud, cx, As::App).within(BACKGROUND).myself().await {
            Ok(_) => Ok(Answer::Heard),
            Err(fault) if is_silence(&fault) => Ok(Answer::Silent),
            Err(fault) if fault.kind() == Kind::Busy => Ok(Answer::Unclear),
            Err(fault) => Err(fault),
        }
    }
}

/// Whether a site that is still there would have answered otherwise.
fn is_silence(fault: &Fault) -> bool {
    match fault.kind() {
        Kind::Refused | Kind::NotFound => true,
        Kind::Busy => [ACCESS_ENDED, ACCESS_MISSING].contains(&fault.code()) || fault.code().starts_with("outward_"),
        _ => false,
    }
}

#[async_trait]
impl Handler for LookForSilence {
    fn kind(&self) -> &'static str {
        LOOK_KIND
    }

    async fn run(&self, cx: &Cx, _: &Value) -> Result<Outcome> {
        let known = self.cloud.0.sites.of(cx.tenant()).await?;
        let (kept, heard) = {
            let mut scoped = self.store.read(cx).await?;
            let heard = if known.mode == Mode::Forge { sql::system_token_received(&mut scoped).await? } else { None };
            (sql::silence(&mut scoped).await?, heard)
        };
        let lately = heard.is_some_and(|at| cx.now().duration_since(at) < HEARD_WITHIN);
        let answer = if lately { Answer::Heard } else { self.ask(cx).await? };
        let since = match answer {
            Answer::Unclear => return Ok(Outcome::Done),
            Answer::Heard if kept.is_none() => return Ok(Outcome::Done),
            Answer::Heard => None,
            // It may have called since it was silent before.
            Answer::Silent => Some([kept, heard].into_iter().flatten().max().unwrap_or_else(|| cx.now())),
        };
        let mut scoped = self.store.note(cx).await?;
        match since {
            Some(since) => sql::silence_keep(&mut scoped, cx, since).await?,
            None => sql::silence_end(&mut scoped).await?,
        }
        scoped.commit().await?;
        if let Some(since) = since {
            tell(cx, since);
        }
        Ok(Outcome::Done)
    }
}

/// Once a day, until it is heard again or left.
fn tell(cx: &Cx, since: Timestamp) {
    let silent = cx.now().duration_since(since);
    if silent >= TOLD_AFTER {
        metrics::counter!("steward_silent_sites_total").increment(1);
        tracing::warn!(event = "site_silent", tenant = %cx.tenant(), hours = silent.as_hours());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_silence() {
        #[track_caller]
        fn check(fault: Fault, expected: bool) {
            assert_eq!(is_silence(&fault), expected, "{}", fault.code());
        }
        let busy = |code| Fault::busy(code, "", None);
        check(busy(ACCESS_ENDED), true);
        check(busy(ACCESS_MISSING), true);
        check(busy("outward_connect"), true);
        check(busy("jira_unavailable"), false);
        check(busy("jira_rate_limited"), false);
        check(busy("connect_off"), false);
        check(Fault::refused("Jira does not allow this."), true);
        check(Fault::not_found(), true);
        check(Fault::broken("jira_unexpected", "another shape"), false);
    }
}
