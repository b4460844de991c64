//! Our own pace, kept below Jira's limits, so that its refusals stay rare.
//!
//! A token bucket lets burst plus refill through in one window, so half of each limit is burst and half is refill:
//! no window of Jira's, wherever it begins, sees more than its limit from this node.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use kernel::TenantId;
use reqwest::Method;

use super::pauses::{Moment, Target};

/// Keys kept before those at rest are dropped.
const KEPT: usize = 10_000;

/// Reads the process's own clock; tests put their own.
#[derive(Clone)]
pub struct Ticks(pub Arc<dyn Fn() -> Moment + Send + Sync>);

impl Clock for Ticks {
    type Instant = Moment;

    fn now(&self) -> Moment {
        (self.0)()
    }
}

type Limiter<K> = RateLimiter<K, DashMapStateStore<K>, Ticks, NoOpMiddleware<Moment>>;

/// At most `limit` in any `window`: half at once, the other half as it comes back.
fn quota(limit: u32, window: Duration) -> Quota {
    let burst = (limit / 2).max(1);
    let refill = (limit - burst).max(1);
    let one = NonZeroU32::MIN;
    Quota::with_period(window / refill)
        .unwrap_or_else(|| Quota::per_second(one))
        .allow_burst(NonZeroU32::new(burst).unwrap_or(one))
}

/// Calls a second that Jira lets through to an endpoint of a tenant.
pub fn per_second(method: &Method, endpoint: &str) -> u32 {
    match (method.as_str(), endpoint) {
        ("GET", "/rest/api/3/issue/{issue}") => 150,
        ("GET", "/rest/servicedeskapi/servicedesk/{desk}/customer") => 5,
        ("GET" | "POST", _) => 100,
        _ => 50,
    }
}

/// Jira's windows for writes to one issue.
pub const ISSUE_WINDOWS: [(u32, Duration); 2] = [(20, Duration::from_secs(2)), (100, Duration::from_secs(30))];

type EndpointKey = (TenantId, Method, &'static str);
type IssueKey = (TenantId, String);

/// One node's pace.
pub struct Pace {
    endpoints: Vec<(u32, Limiter<EndpointKey>)>,
    issues: Vec<Limiter<IssueKey>>,
    ticks: Ticks,
}

impl Pace {
    /// At rest.
    pub fn new(ticks: Ticks) -> Self {
        Self {
            endpoints: [150, 100, 50, 5]
                .into_iter()
                .map(|limit| {
                    (limit, RateLimiter::dashmap_with_clock(quota(limit, Duration::from_secs(1)), ticks.clone()))
                })
                .collect(),
            issues: ISSUE_WINDOWS
                .into_iter()
                .map(|(limit, window)| RateLimiter::dashmap_with_clock(quota(limit, window), ticks.clone()))
                .collect(),
            ticks,
        }
    }

    /// Takes a place for a call, or says how long until there is one.
    pub fn take(&self, target: &Target) -> Result<(), Duration> {
        let now = self.ticks.now();
        if let Some(issue) = &target.writes_issue {
            let key = (target.tenant, issue.clone());
            for limiter in &self.issues {
                if limiter.len() > KEPT {
                    limiter.retain_recent();
                }
                limiter.check_key(&key).map_err(|not_until| not_until.wait_time_from(now))?;
            }
        }
        let limit = per_second(&target.method, target.endpoint);
        if let Some((_, limiter)) = self.endpoints.iter().find(|(of, _)| *of == limit) {
            if limiter.len() > KEPT {
                limiter.retain_recent();
            }
            let key = (target.tenant, target.method.clone(), target.endpoint);
            limiter.check_key(&key).map_err(|not_until| not_until.wait_time_from(now))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use proptest::prelude::*;

    use super::super::pauses::{App, Budget};
    use super::*;

    fn fullest(times: &[Duration], window: Duration) -> usize {
        let mut first = 0;
        let mut most = 0;
        for (last, at) in times.iter().enumerate() {
            while times.get(first).is_some_and(|start| *at - *start >= window) {
                first += 1;
            }
            most = most.max(last + 1 - first);
        }
        most
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn no_window_is_ever_overfull(steps in proptest::collection::vec((0u64..40, 0u8..6), 10_000)) {
            let millis = Arc::new(AtomicU64::new(0));
            let reading = millis.clone();
            let pace = Pace::new(Ticks(Arc::new(move || Duration::from_millis(reading.load(Ordering::SeqCst)))));
            let mut writes = Vec::new();
            let mut slow = Vec::new();
            let mut puts = Vec::new();
            for (pause, what) in steps {
                // Mostly a storm, now and then a rest.
                millis.fetch_add(if what == 5 { pause * 50 } else { pause / 8 }, Ordering::SeqCst);
                let now = Duration::from_millis(millis.load(Ordering::SeqCst));
                let customers = Target {
                    tenant: TenantId::SERVER,
                    method: Method::GET,
                    endpoint: "/rest/servicedeskapi/servicedesk/{desk}/customer",
                    writes_issue: None,
                    budget: Budget::Several(App::Forge),
                    background: false,
                };
                let put = |issue: &str| Target {
                    tenant: TenantId::SERVER,
                    method: Method::PUT,
                    endpoint: "/rest/api/3/issue/{issue}/properties/{key}",
                    writes_issue: Some(issue.to_owned()),
                    budget: Budget::Several(App::Forge),
                    background: false,
                };
                match what {
                    0 => if pace.take(&customers).is_ok() { slow.push(now) },
                    1 | 2 => if pace.take(&put("1")).is_ok() { writes.push(now); puts.push(now) },
                    _ => if pace.take(&put(&pause.to_string())).is_ok() { puts.push(now) },
                }
            }
            for (limit, window) in ISSUE_WINDOWS {
                prop_assert!(fullest(&writes, window) <= limit as usize);
            }
            prop_assert!(fullest(&slow, Duration::from_secs(1)) <= 5);
            prop_assert!(fullest(&puts, Duration::from_secs(1)) <= 50);
            // And it does let calls through.
            prop_assert!(writes.len() > 50 && slow.len() > 50);
        }
    }

    #[test]
    fn the_wait_that_is_told_suffices() {
        let millis = Arc::new(AtomicU64::new(0));
        let reading = millis.clone();
        let pace = Pace::new(Ticks(Arc::new(move || Duration::from_millis(reading.load(Ordering::SeqCst)))));
        let target = Target {
            tenant: TenantId::SERVER,
            method: Method::POST,
            endpoint: "/rest/api/3/issue/{issue}/comment",
            writes_issue: Some("7".to_owned()),
            budget: Budget::Several(App::Forge),
            background: false,
        };
        let mut through = 0;
        while pace.take(&target).is_ok() {
            through += 1;
        }
        assert_eq!(through, 10);
        let wait = pace.take(&target).err().unwrap_or_default();
        assert!(wait > Duration::ZERO && wait <= Duration::from_millis(200), "{wait:?}");
        millis.fetch_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX) + 1, Ordering::SeqCst);
        assert!(pace.take(&target).is_ok());
    }

    #[test]
    fn limits_of_endpoints() {
        #[track_caller]
        fn check(method: Method, endpoint: &str, expected: u32) {
            assert_eq!(per_second(&method, endpoint), expected);
        }
        check(Method::GET, "/rest/api/3/issue/{issue}", 150);
        check(Method::PUT, "/rest/api/3/issue/{issue}", 50);
        check(Method::GET, "/rest/servicedeskapi/servicedesk/{desk}/customer", 5);
        check(Method::GET, "/rest/api/3/user/bulk", 100);
        check(Method::POST, "/rest/api/3/search/jql", 100);
        check(Method::DELETE, "/rest/api/3/issue/{issue}/properties/{key}", 50);
    }
}
