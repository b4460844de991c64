//! What becomes of a job that failed: pure.

use std::time::Duration;

use kernel::Kind;

/// Tries before a job is laid aside. With the back-off below, about eight hours.
pub(crate) const MAX_ATTEMPTS: i64 = 14;
const FIRST_DELAY: Duration = Duration::from_secs(2);
const LONGEST_DELAY: Duration = Duration::from_secs(4 * 3600);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Try again after this long.
    Retry(Duration),
    /// Lay it aside for a person to look at.
    Dead,
}

/// `jitter` lies in 0..1 and spreads the delay over 0.7 to 1.3 of itself. An attempt that cannot ever succeed is
/// not repeated.
pub(crate) fn after_failure(kind: Kind, attempts: i64, retry_after: Option<Duration>, jitter: f64) -> Next {
    let hopeless = matches!(kind, Kind::Invalid | Kind::Refused | Kind::Unauthenticated);
    if hopeless || attempts >= MAX_ATTEMPTS {
        return Next::Dead;
    }
    let doubled = FIRST_DELAY.saturating_mul(1 << attempts.clamp(0, 20)).min(LONGEST_DELAY);
    let spread = doubled.mul_f64(0.7 + 0.6 * jitter.clamp(0.0, 1.0));
    Next::Retry(retry_after.map_or(spread, |floor| spread.max(floor)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: Kind, attempts: i64, retry_after: Option<u64>, expected: Next) {
        assert_eq!(after_failure(kind, attempts, retry_after.map(Duration::from_secs), 0.5), expected);
    }

    #[test]
    fn what_follows_a_failure() {
        check(Kind::Busy, 0, None, Next::Retry(Duration::from_secs(2)));
        check(Kind::Broken, 3, None, Next::Retry(Duration::from_secs(16)));
        check(Kind::Busy, 1, Some(600), Next::Retry(Duration::from_secs(600)));
        check(Kind::Busy, 13, None, Next::Retry(LONGEST_DELAY));
        check(Kind::Busy, 14, None, Next::Dead);
        check(Kind::Invalid, 0, None, Next::Dead);
        check(Kind::Refused, 0, Some(1), Next::Dead);
        check(Kind::NotFound, 0, None, Next::Retry(Duration::from_secs(2)));
    }

    proptest::proptest! {
        #[test]
        fn a_delay_is_never_zero_and_never_above_its_bound(attempts in 0i64..14, jitter in 0.0f64..1.0) {
            if let Next::Retry(delay) = after_failure(Kind::Busy, attempts, None, jitter) {
                proptest::prop_assert!(delay >= Duration::from_millis(1400));
                proptest::prop_assert!(delay <= LONGEST_DELAY.mul_f64(1.3));
            }
        }
    }
}
