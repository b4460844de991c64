//! Receivers: what administrators say of one, and what it may be.

use jiff::{SignedDuration, Timestamp};
use kernel::{Fault, FieldFault, own_id};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroize;

use super::event::EventKind;
use crate::model::FieldAudience;
use crate::rules;

own_id!(
    /// A receiver of webhooks.
    WebhookId
);

/// Characters of an address: what browsers and proxies all take.
pub(crate) const URL_CHARS: usize = 2_000;
/// Receivers of a tenant: each change is told to each of them.
pub(crate) const RECEIVERS_MAX: usize = 20;
/// How long the former secret signs too: a day, for whoever has to put the new one in its place by hand.
const FORMER_LIVES: SignedDuration = SignedDuration::from_hours(24);

/// Whether messages go to a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ReceiverState {
    /// They do.
    On,
    /// An administrator switched it off.
    Paused,
    /// Steward switched it off: nothing reached it for five days, or it said that it is gone.
    Dead,
}

impl ReceiverState {
    /// As stored.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Paused => "paused",
            Self::Dead => "dead",
        }
    }

    /// From the store.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::On, Self::Paused, Self::Dead].into_iter().find(|state| state.name() == name)
    }
}

/// What administrators said of a receiver: sealed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Zeroize)]
pub(crate) struct ReceiverBody {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) events: Vec<EventKind>,
    /// Whether values are told, of fields that their customer may see.
    pub(crate) values: bool,
}

/// What messages are signed with: sealed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Zeroize)]
pub(crate) struct Secrets {
    pub(crate) now: String,
    /// The one before, and until when it signs too, in Unix microseconds.
    pub(crate) former: Option<(String, i64)>,
}

impl Secrets {
    /// A first secret.
    pub(crate) fn first(secret: String) -> Self {
        Self { now: secret, former: None }
    }

    /// With a new secret; the one that was good signs on for a day.
    pub(crate) fn rotated(self, secret: String, at: Timestamp) -> Self {
        let until = at.checked_add(FORMER_LIVES).unwrap_or(Timestamp::MAX);
        Self { former: Some((self.now.clone(), kernel::micros(until))), now: secret }
    }

    /// Those that sign, the newest first.
    pub(crate) fn good(&self, at: Timestamp) -> Vec<&str> {
        let former = self.former.as_ref().filter(|(_, until)| kernel::micros(at) < *until);
        std::iter::once(self.now.as_str()).chain(former.map(|(secret, _)| secret.as_str())).collect()
    }
}

/// Whether a field's values may be told to a receiver: those that agents alone see stay here.
pub(crate) fn may_leave(audience: FieldAudience) -> bool {
    audience != FieldAudience::Agents
}

/// A receiver as somebody wants it, with every mistake named. Whether its address may be called is the door's to say.
pub(crate) fn check(wanted: &ReceiverBody) -> Result<ReceiverBody, Fault> {
    let mut faults = Vec::new();
    let mut wrong = |pointer: &str, code, detail: String, limit: Option<usize>| {
        faults.push(FieldFault {
            pointer: pointer.to_owned(),
            code,
            detail,
            limit: limit.and_then(|limit| u64::try_from(limit).ok()),
        });
    };
    let url = wanted.url.trim();
    if url.chars().count() > URL_CHARS {
        wrong("/url", "too_long", format!("An address has at most {URL_CHARS} characters."), Some(URL_CHARS));
    } else if url::Url::parse(url).is_err() {
        wrong("/url", "format", "Give the receiver's address, such as https://example.com/steward.".to_owned(), None);
    }
    let mut events = wanted.events.clone();
    events.sort();
    events.dedup();
    if events.is_empty() {
        wrong("/events", "required", "Choose what it is told.".to_owned(), None);
    }
    if events.contains(&EventKind::Test) {
        wrong(
            "/events",
            "unknown",
            "Test messages go out when you ask for one; nothing listens to them.".to_owned(),
            None,
        );
    }
    let name = match rules::check_name("/name", &wanted.name) {
        Ok(name) => name,
        Err(fault) => {
            faults.push(fault);
            String::new()
        }
    };
    if !faults.is_empty() {
        return Err(Fault::invalid_fields(faults));
    }
    Ok(ReceiverBody { name, url: url.to_owned(), events, values: wanted.values })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_receiver_is_checked_as_a_whole() {
        #[track_caller]
        fn check_one(name: &str, url: &str, events: &[EventKind], expected: &[(&str, &str)]) {
            let wanted =
                ReceiverBody { name: name.to_owned(), url: url.to_owned(), events: events.to_vec(), values: false };
            let told = check(&wanted).err();
            let told = told.as_ref().map(Fault::fields).unwrap_or_default();
            assert_eq!(told.iter().map(|f| (f.pointer.as_str(), f.code)).collect::<Vec<_>>(), expected);
        }
        let all = &EventKind::CHOSEN;
        check_one(" CRM ", " https://example.com/in ", all, &[]);
        check_one("CRM", "example.com", all, &[("/url", "format")]);
        check_one("CRM", &format!("https://example.com/{}", "x".repeat(URL_CHARS)), all, &[("/url", "too_long")]);
        check_one("CRM", "https://example.com", &[], &[("/events", "required")]);
        check_one("CRM", "https://example.com", &[EventKind::Test], &[("/events", "unknown")]);
        check_one("", "", &[], &[("/url", "format"), ("/events", "required"), ("/name", "required")]);
    }

    #[test]
    fn two_secrets_are_good_for_a_day() {
        let at: Timestamp = "2026-11-22T09:00:00Z".parse().unwrap();
        let later = |hours| at + SignedDuration::from_hours(hours);
        let first = Secrets::first("a".to_owned());
        assert_eq!(first.good(at), ["a"]);
        let second = first.rotated("b".to_owned(), at);
        assert_eq!(second.good(later(23)), ["b", "a"]);
        assert_eq!(second.good(later(24)), ["b"]);
        assert_eq!(second.rotated("c".to_owned(), later(1)).good(later(2)), ["c", "b"], "two at most");
    }

    #[test]
    fn what_agents_alone_see_stays_here() {
        assert!(!may_leave(FieldAudience::Agents));
        assert!(may_leave(FieldAudience::CustomerView) && may_leave(FieldAudience::CustomerEdit));
    }
}
