//! When a message is tried again, and what becomes of a receiver that nothing reaches. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Pauses before each further try: a day in all, close together at first. After the last, the message is given up and
/// can be replayed.
const PAUSES_S: [u64; 8] = [5, 60, 300, 1_800, 7_200, 18_000, 28_800, 28_800];
/// After so long without one delivery, a receiver is switched off.
pub(crate) const OFF_AFTER: SignedDuration = SignedDuration::from_hours(5 * 24);
/// A receiver that cannot be reached is left alone for so long at first, twice as long each time after…
const HOLD_FIRST_S: u64 = 5;
/// …and at most so long, so that it is found alive again within the hour.
const HOLD_LONGEST_S: u64 = 1_800;
/// 410: the receiver says that it is gone for good (Standard Webhooks).
const GONE: u16 = 410;

/// What one try came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tried {
    /// Answered 2xx.
    Accepted(u16),
    /// Answered otherwise; when it asks to be left alone for a while, how long.
    Answered(u16, Option<Duration>),
    /// No answer: why, as a code.
    Unreached(&'static str),
}

/// What follows for the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It is there.
    Delivered,
    /// Once more after this long.
    Again(Duration),
    /// Given up.
    Failed,
}

/// After the try that is number `attempt`, from 1. `jitter` lies in 0..1 and spreads a pause over 0.8 to 1.2 of itself.
pub(crate) fn after(tried: Tried, attempt: i64, jitter: f64) -> Next {
    let floor = match tried {
        Tried::Accepted(_) => return Next::Delivered,
        Tried::Answered(GONE, _) => return Next::Failed,
        Tried::Answered(_, asked) => asked,
        Tried::Unreached(_) => None,
    };
    let place = usize::try_from(attempt - 1).unwrap_or(usize::MAX);
    let Some(pause) = PAUSES_S.get(place) else { return Next::Failed };
    let pause = Duration::from_secs(*pause).mul_f64(0.8 + 0.4 * jitter.clamp(0.0, 1.0));
    let longest = Duration::from_secs(PAUSES_S.into_iter().max().unwrap_or_default());
    Next::Again(floor.map_or(pause, |floor| pause.max(floor.min(longest))))
}

/// How long a receiver is left alone after so many tries in a row that it did not answer, or answered with 429 or 5xx.
/// Other answers are about the one message.
pub(crate) fn hold(tried: Tried, failures: i64) -> Option<Duration> {
    match tried {
        Tried::Accepted(_) => None,
        Tried::Answered(status, _) if status != 429 && status < 500 => None,
        Tried::Answered(..) | Tried::Unreached(_) => {
            let doublings = u32::try_from(failures.clamp(0, 16)).unwrap_or_default();
            let pause = HOLD_FIRST_S.saturating_mul(1 << doublings).min(HOLD_LONGEST_S);
            Some(Duration::from_secs(pause))
        }
    }
}

/// Whether a receiver is switched off after a try that failed.
pub(crate) fn gives_up(tried: Tried, failing_since: Timestamp, now: Timestamp) -> bool {
    matches!(tried, Tried::Answered(GONE, _)) || now.duration_since(failing_since) >= OFF_AFTER
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_follows_a_try() {
        #[track_caller]
        fn check(tried: Tried, attempt: i64, expected: Next) {
            assert_eq!(after(tried, attempt, 0.5), expected);
        }
        let seconds = |s| Next::Again(Duration::from_secs(s));
        check(Tried::Accepted(204), 1, Next::Delivered);
        check(Tried::Answered(500, None), 1, seconds(5));
        check(Tried::Answered(302, None), 2, seconds(60));
        check(Tried::Unreached("outward_timeout"), 8, seconds(28_800));
        check(Tried::Unreached("outward_timeout"), 9, Next::Failed);
        check(Tried::Answered(429, Some(Duration::from_secs(600))), 1, seconds(600));
        check(Tried::Answered(429, Some(Duration::from_secs(3))), 2, seconds(60));
        check(Tried::Answered(503, Some(Duration::from_secs(999_999))), 1, seconds(28_800));
        check(Tried::Answered(410, None), 1, Next::Failed);
    }

    #[test]
    fn a_receiver_is_left_alone_when_it_is_ill_and_not_for_one_bad_message() {
        #[track_caller]
        fn check(tried: Tried, failures: i64, seconds: Option<u64>) {
            assert_eq!(hold(tried, failures), seconds.map(Duration::from_secs));
        }
        check(Tried::Accepted(200), 9, None);
        check(Tried::Answered(422, None), 9, None);
        check(Tried::Answered(429, None), 0, Some(5));
        check(Tried::Answered(502, None), 1, Some(10));
        check(Tried::Unreached("outward_connect"), 5, Some(160));
        check(Tried::Unreached("outward_connect"), 5_000, Some(1_800));
    }

    #[test]
    fn what_nothing_reaches_for_days_is_switched_off() {
        let since: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
        let check = |now: &str, tried| gives_up(tried, since, now.parse().unwrap());
        assert!(!check("2026-11-05T23:59:59Z", Tried::Answered(500, None)));
        assert!(check("2026-11-06T00:00:00Z", Tried::Answered(500, None)));
        assert!(check("2026-11-01T00:00:00Z", Tried::Answered(410, None)));
    }

    proptest::proptest! {
        #[test]
        fn all_tries_lie_within_two_days(jitter in 0.0f64..1.0) {
            let mut total = Duration::ZERO;
            for attempt in 1.. {
                match after(Tried::Unreached("x"), attempt, jitter) {
                    Next::Again(pause) => total += pause,
                    Next::Failed => break,
                    Next::Delivered => unreachable!(),
                }
            }
            proptest::prop_assert!(total >= Duration::from_secs(18 * 3600) && total <= Duration::from_secs(29 * 3600));
        }
    }
}
