//! What follows a call that did not work out. Pure.

use std::time::Duration;

use reqwest::Method;

const FIRST: Duration = Duration::from_secs(2);
const CAP: Duration = Duration::from_secs(30);
/// Tries after the first.
pub const RETRIES: u32 = 4;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With a status, and perhaps `Retry-After`.
    Status(u16, Option<Duration>),
    /// Without an answer.
    Lost,
}

/// How long to wait before the next try; `None` when there is to be none. `tried` counts the retries so far, `jitter`
/// lies in 0..1.
pub fn retry_in(method: &Method, ending: Ending, tried: u32, jitter: f64) -> Option<Duration> {
    // A POST that was answered by nobody, or by a stumbling server, may have been carried out.
    let repeatable = *method != Method::POST && *method != Method::PATCH;
    let again = match ending {
        Ending::Status(429, _) => true,
        Ending::Status(500 | 502 | 503 | 504, _) | Ending::Lost => repeatable,
        Ending::Status(..) => false,
    };
    if !again || tried >= RETRIES {
        return None;
    }
    let doubled = FIRST.saturating_mul(1 << tried.min(16)).min(CAP);
    let spread = doubled.mul_f64(0.7 + 0.6 * jitter.clamp(0.0, 1.0));
    match ending {
        Ending::Status(_, Some(floor)) => Some(spread.max(floor)),
        _ => Some(spread),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: Method, ending: Ending, tried: u32, expected: Option<u64>) {
        assert_eq!(retry_in(&method, ending, tried, 0.5), expected.map(Duration::from_millis), "{method} {ending:?}");
    }

    #[test]
    fn what_is_tried_again() {
        use Ending::{Lost, Status};
        let told = |seconds| Some(Duration::from_secs(seconds));
        check(Method::GET, Status(429, None), 0, Some(2_000));
        check(Method::GET, Status(429, None), 1, Some(4_000));
        check(Method::GET, Status(429, None), 2, Some(8_000));
        check(Method::GET, Status(429, None), 3, Some(16_000));
        check(Method::GET, Status(429, None), 4, None);
        check(Method::POST, Status(429, told(9)), 0, Some(9_000));
        check(Method::POST, Status(429, told(1)), 0, Some(2_000));
        check(Method::GET, Status(429, told(120)), 0, Some(120_000));
        check(Method::POST, Status(503, told(1)), 0, None);
        check(Method::POST, Lost, 0, None);
        check(Method::PUT, Lost, 0, Some(2_000));
        check(Method::DELETE, Status(502, None), 0, Some(2_000));
        check(Method::GET, Status(503, told(7)), 0, Some(7_000));
        for status in [200, 301, 400, 401, 403, 404, 409, 413, 501] {
            check(Method::GET, Status(status, None), 0, None);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_wait_stays_within_its_spread(tried in 0u32..4, jitter in 0.0f64..1.0) {
            let wait = retry_in(&Method::GET, Ending::Lost, tried, jitter);
            let bounds = FIRST.mul_f64(0.7)..=CAP.mul_f64(1.3);
            proptest::prop_assert!(wait.is_some_and(|wait| bounds.contains(&wait)));
        }
    }
}
