//! How fast a script may ask: each token and each session of ours has a pace of its own, told in the headers of every
//! answer (draft-ietf-httpapi-ratelimit-headers-10). A person on a page in Jira has none here, so no script's haste is
//! ever theirs to wait for.
//!
//! Each node counts for itself.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use governor::clock::Clock;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use kernel::{Fault, Result, micros};

/// Keys kept before those at rest are dropped.
const KEPT: usize = 10_000;
/// What the policy counts over.
const WINDOW: Duration = Duration::from_secs(60);

/// Whom a pace is kept for: the hash of what they proved themselves by.
type Key = Vec<u8>;

/// The program's clock, as time that only goes forward: a machine's clock that is set back stops nobody.
#[derive(Clone)]
struct Forward {
    clock: Arc<dyn kernel::Clock>,
    /// The last reading, and all that went by until then; both in microseconds.
    seen: Arc<Mutex<(i64, u64)>>,
}

impl Clock for Forward {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let now = micros(self.clock.now());
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let step = u64::try_from(now.saturating_sub(seen.0)).unwrap_or(0);
        *seen = (now, seen.1.saturating_add(step));
        Nanos::new(seen.1.saturating_mul(1_000))
    }
}

/// One node's paces.
pub struct Pace {
    limit: NonZeroU32,
    limiter: RateLimiter<Key, DashMapStateStore<Key>, Forward, StateInformationMiddleware>,
    clock: Forward,
}

/// What a caller has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    limit: u32,
    left: u32,
    /// When the next request is let through, if this one is not.
    wait: Option<Duration>,
}

impl Pace {
    /// So many requests a minute for each; as many at once, if they rested.
    pub fn new(per_minute: NonZeroU32, clock: Arc<dyn kernel::Clock>) -> Self {
        let start = micros(clock.now());
        let clock = Forward { clock, seen: Arc::new(Mutex::new((start, 0))) };
        let limiter = RateLimiter::dashmap_with_clock(Quota::per_minute(per_minute), clock.clone())
            .with_middleware::<StateInformationMiddleware>();
        Self { limit: per_minute, limiter, clock }
    }

    /// Takes a place for a request.
    pub(crate) fn take(&self, key: &Key) -> Reading {
        if self.limiter.len() > KEPT {
            self.limiter.retain_recent();
        }
        let limit = self.limit.get();
        match self.limiter.check_key(key) {
            Ok(state) => Reading { limit, left: state.remaining_burst_capacity(), wait: None },
            Err(until) => Reading { limit, left: 0, wait: Some(until.wait_time_from(self.clock.now())) },
        }
    }
}

impl Reading {
    /// 429 when there is no place.
    pub(crate) fn admit(self) -> Result<()> {
        let Some(wait) = self.wait else { return Ok(()) };
        Err(Fault::busy(
            "rate_limited",
            format!("At most {} requests a minute. Wait as long as `Retry-After` says, then go on.", self.limit),
            Some(rounded_up(wait)),
        ))
    }

    /// Seconds until all of the quota is there again.
    fn reset(self) -> u64 {
        let used = u64::from(self.limit.saturating_sub(self.left));
        (used * WINDOW.as_secs()).div_ceil(u64::from(self.limit.max(1)))
    }

    fn put(self, headers: &mut HeaderMap) {
        let policy = format!("\"default\";q={};w={}", self.limit, WINDOW.as_secs());
        let state = format!("\"default\";r={};t={}", self.left, self.reset());
        for (name, value) in [("ratelimit-policy", policy), ("ratelimit", state)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
}

fn rounded_up(wait: Duration) -> Duration {
    Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
}

/// Carries what a caller has left from where they are proven to the headers of their answer.
#[derive(Clone, Default)]
pub(crate) struct Meter(Arc<OnceLock<Reading>>);

impl Meter {
    pub(crate) fn note(&self, reading: Reading) {
        // A request is proven once.
        let _ = self.0.set(reading);
    }
}

/// Says in each answer what its caller has left, if they are counted.
pub(crate) async fn tell(mut request: Request, next: Next) -> Response {
    let meter = Meter::default();
    request.extensions_mut().insert(meter.clone());
    let mut response = next.run(request).await;
    if let Some(reading) = meter.0.get() {
        reading.put(response.headers_mut());
    }
    response
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use kernel::ManualClock;

    use super::*;

    fn pace(limit: u32) -> (Arc<ManualClock>, Pace) {
        let clock = Arc::new(ManualClock::new("2026-11-22T09:00:00Z".parse().unwrap()));
        let pace = Pace::new(NonZeroU32::new(limit).unwrap(), clock.clone());
        (clock, pace)
    }

    #[test]
    fn headers_say_what_is_left() {
        #[track_caller]
        fn check(limit: u32, taken: u32, expected: &str) {
            let (_, pace) = pace(limit);
            let mut last = pace.take(&vec![1]);
            for _ in 1..taken {
                last = pace.take(&vec![1]);
            }
            let mut headers = HeaderMap::new();
            last.put(&mut headers);
            assert_eq!(headers.get("ratelimit-policy").unwrap(), &format!("\"default\";q={limit};w=60"));
            assert_eq!(headers.get("ratelimit").unwrap(), expected);
        }
        check(600, 1, "\"default\";r=599;t=1");
        check(600, 100, "\"default\";r=500;t=10");
        check(600, 600, "\"default\";r=0;t=60");
        check(600, 700, "\"default\";r=0;t=60");
        check(1, 1, "\"default\";r=0;t=60");
    }

    #[test]
    fn each_key_has_a_pace_of_its_own_that_comes_back() {
        let (clock, pace) = pace(6);
        for _ in 0..6 {
            pace.take(&vec![1]).admit().unwrap();
        }
        let refused = pace.take(&vec![1]).admit().unwrap_err();
        assert_eq!(refused.code(), "rate_limited");
        assert_eq!(refused.retry_after(), Some(Duration::from_secs(10)));
        pace.take(&vec![2]).admit().unwrap();
        clock.advance(Duration::from_secs(9));
        assert!(pace.take(&vec![1]).admit().is_err());
        clock.advance(Duration::from_secs(1));
        pace.take(&vec![1]).admit().unwrap();
        assert!(pace.take(&vec![1]).admit().is_err());
    }

    #[test]
    fn a_clock_that_is_set_back_stops_nobody() {
        let (clock, pace) = pace(1);
        pace.take(&vec![1]).admit().unwrap();
        clock.set("2026-11-21T09:00:00Z".parse().unwrap());
        assert!(pace.take(&vec![1]).admit().is_err());
        clock.advance(Duration::from_secs(60));
        pace.take(&vec![1]).admit().unwrap();
    }
}
