//! Faults that several parts of this room raise, with their stable codes.
//!
//! Jira's own words never go into a fault's public text: they may quote a customer. The private source holds
//! codes, hosts and numbers only.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Fault, Kind};

/// The code of a fault: Jira may have made what it was asked for. Whoever asks again looks for it first.
pub const ANSWER_LOST: &str = "jira_answer_lost";

/// Waiters on one failed look-up share its fault; each gets its own.
pub(crate) fn shared(fault: &Arc<Fault>) -> Fault {
    let source = fault.private_source().map_or_else(|| fault.code().to_owned(), ToString::to_string);
    match fault.kind() {
        Kind::NotFound => Fault::not_found(),
        Kind::Unauthenticated => Fault::unauthenticated(fault.code(), fault.text().to_owned()),
        Kind::Refused => Fault::refused(fault.text().to_owned()),
        Kind::Invalid => Fault::invalid(fault.code(), fault.text().to_owned()),
        Kind::Conflict => Fault::conflict(fault.text().to_owned()),
        Kind::Busy => Fault::busy(fault.code(), fault.text().to_owned(), fault.retry_after()),
        Kind::Broken => Fault::broken(fault.code(), source.clone()),
    }
    .because(source)
}

/// The door does not open for this call: a configuration that does not fit, or an attempt to be led astray.
pub(crate) fn door_refuses(rule: &'static str) -> Fault {
    Fault::broken("outward_refused", rule)
}

/// Jira did not answer in time, or not at all.
pub(crate) fn unreachable(code: &'static str, cause: impl Into<String>) -> Fault {
    Fault::busy(code, "Jira does not answer at the moment. Try again.", Some(Duration::from_secs(5)))
        .because(cause.into())
}

/// Nobody heard whether Jira made something that would be there twice if it were made again. It names no time after which to ask
/// again: what helps is a look.
pub(crate) fn answer_lost(fault: &Fault) -> Fault {
    let cause = fault.private_source().map_or_else(|| fault.code().to_owned(), ToString::to_string);
    Fault::busy(ANSWER_LOST, "Jira did not say whether it did this. Look for it before you try again.", None)
        .because(cause)
}

/// Jira's answer is not what its documentation says.
pub(crate) fn unexpected(what: &'static str) -> Fault {
    Fault::broken("jira_unexpected", what)
}

/// Jira's limits, or our own pacing ahead of them, leave no room within the caller's time.
pub(crate) fn paced(after: Duration) -> Fault {
    Fault::busy("jira_rate_limited", "Jira takes no more calls at the moment. Try again shortly.", Some(after))
}
