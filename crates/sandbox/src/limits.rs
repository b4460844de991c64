//! Jira's three limits: requests a second of an endpoint, writes to one issue, and points an hour of
//! an app. All answer 429 with the headers that say which one it was.
//!
//! Counting is by the site's clock, so that a test can move it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::{
    Json,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode},
    response::{IntoResponse as _, Response},
};
use jiff::Timestamp;
use serde_json::json;

use crate::{
    auth::{Caller, Means},
    config::{Clock, Config, RateLimits},
    faults::Reason,
    rest::error::ApiError,
    state::State,
};

/// Header by which handlers say how many objects they read.
const OBJECTS_READ: &str = "x-sandbox-objects-read";
/// Share of a limit below which an answer warns.
const NEAR: f64 = 0.2;
/// Issues whose writes are remembered before old ones are dropped.
const MAX_ISSUES: usize = 10_000;
/// The two windows of writes to one issue, in milliseconds.
const SHORT_MS: i64 = 2_000;
const LONG_MS: i64 = 30_000;

/// What a call counts as.
pub(crate) struct Call {
    endpoint: String,
    method: Method,
    issue: Option<u64>,
    app_id: Option<String>,
}

impl Call {
    /// `path` is the pattern of the operation.
    pub(crate) fn new(request: &Request, path: &str, caller: &Caller, state: &State) -> Self {
        let write = request.method() != Method::GET && request.method() != Method::HEAD;
        let named = path
            .split('/')
            .zip(request.uri().path().split('/'))
            .find(|(pattern, _)| *pattern == "{issueIdOrKey}")
            .map(|(_, key)| key.to_owned());
        let issue = named.filter(|_| write).and_then(|key| state.read().issue(&key).map(|issue| issue.id));
        let app_id = match &caller.means {
            Means::App { app_id, .. } => Some(app_id.clone()),
            _ => None,
        };
        Self { endpoint: path.to_owned(), method: request.method().clone(), issue, app_id }
    }
}

struct Bucket {
    tokens: f64,
    at_ms: i64,
}

struct Points {
    hour: i64,
    used: u64,
}

#[derive(Default)]
struct Counters {
    buckets: HashMap<(Method, String), Bucket>,
    issues: HashMap<u64, Vec<i64>>,
    points: HashMap<String, Points>,
}

/// The counters.
pub(crate) struct Limits {
    limits: RateLimits,
    clock: Clock,
    counters: Mutex<Counters>,
}

impl Limits {
    pub(crate) fn new(limits: RateLimits, clock: Clock) -> Self {
        Self { limits, clock, counters: Mutex::default() }
    }

    fn counters(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn burst(&self, call: &Call) -> f64 {
        f64::from(match (call.method.as_str(), call.endpoint.as_str()) {
            ("GET", "/rest/api/3/issue/{issueIdOrKey}") => self.limits.burst_issue,
            ("GET", "/rest/servicedeskapi/servicedesk/{serviceDeskId}/customer") => self.limits.burst_customers,
            ("PUT" | "DELETE", _) => self.limits.burst_write,
            _ => self.limits.burst_read,
        })
    }

    /// Lets a call in, or says why not.
    ///
    /// # Errors
    /// The finished 429.
    #[expect(clippy::result_large_err, reason = "the refusal is the finished answer, made once")]
    pub(crate) fn admit(&self, call: &Call) -> Result<(), Response> {
        if !self.limits.enabled {
            return Ok(());
        }
        let now = (self.clock)();
        let now_ms = now.as_millisecond();
        let mut counters = self.counters();
        if let Some(app_id) = &call.app_id {
            let hour = now.as_second().div_euclid(3600);
            let used = counters.points.get(app_id).filter(|p| p.hour == hour).map_or(0, |p| p.used);
            if used >= self.limits.points_per_hour {
                let wait = 3600 - now.as_second().rem_euclid(3600);
                return Err(refusal("jira-quota-global-based", wait, self.limits.points_per_hour, now));
            }
        }
        let burst = self.burst(call);
        let bucket = counters
            .buckets
            .entry((call.method.clone(), call.endpoint.clone()))
            .or_insert(Bucket { tokens: burst, at_ms: now_ms });
        let passed = (now_ms - bucket.at_ms).max(0);
        #[expect(clippy::cast_precision_loss, reason = "milliseconds between two requests")]
        let refill = passed as f64 / 1000.0 * burst;
        bucket.tokens = (bucket.tokens + refill).min(burst);
        bucket.at_ms = now_ms;
        if bucket.tokens < 1.0 {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a limit")]
            return Err(refusal("jira-burst-based", 1, burst as u64, now));
        }
        bucket.tokens -= 1.0;
        if let Some(issue) = call.issue {
            if counters.issues.len() > MAX_ISSUES {
                counters.issues.retain(|_, w| w.last().is_some_and(|at| now_ms - at < LONG_MS));
            }
            let writes = counters.issues.entry(issue).or_default();
            writes.retain(|at| now_ms - at < LONG_MS);
            let recent = writes.iter().filter(|at| now_ms - **at < SHORT_MS).count();
            let (short, long) = (self.limits.issue_writes_short, self.limits.issue_writes_long);
            if recent >= short as usize {
                return Err(refusal("jira-per-issue-on-write", 2, u64::from(short), now));
            }
            if writes.len() >= long as usize {
                return Err(refusal("jira-per-issue-on-write", 30, u64::from(long), now));
            }
            writes.push(now_ms);
        }
        Ok(())
    }

    /// Counts the points of an answer and writes the headers.
    pub(crate) fn settle(&self, call: &Call, mut answer: Response) -> Response {
        let objects =
            answer.headers_mut().remove(OBJECTS_READ).and_then(|v| v.to_str().ok().and_then(|v| v.parse::<u64>().ok()));
        if !self.limits.enabled {
            return answer;
        }
        let now = (self.clock)();
        let burst = self.burst(call);
        let mut counters = self.counters();
        let left =
            counters.buckets.get(&(call.method.clone(), call.endpoint.clone())).map_or(burst, |b| b.tokens.floor());
        let headers = answer.headers_mut();
        put(headers, "x-ratelimit-limit", &format!("{burst}"));
        put(headers, "x-ratelimit-remaining", &format!("{left}"));
        if left < burst * NEAR {
            put(headers, "x-ratelimit-nearlimit", "true");
        }
        if let Some(app_id) = &call.app_id {
            let hour = now.as_second().div_euclid(3600);
            let points = counters.points.entry(app_id.clone()).or_insert(Points { hour, used: 0 });
            if points.hour != hour {
                *points = Points { hour, used: 0 };
            }
            points.used += cost(call, objects, answer.status());
            let quota = self.limits.points_per_hour;
            let left = quota.saturating_sub(points.used);
            let reset = 3600 - now.as_second().rem_euclid(3600);
            let headers = answer.headers_mut();
            put(headers, "ratelimit-policy", &format!("\"global-app-quota\";q={quota};w=3600"));
            put(headers, "ratelimit", &format!("\"global-app-quota\";r={left};t={reset}"));
        }
        answer
    }
}

/// 1, and for reads 1 for each core object or 2 for each user, group, role or permission object.
fn cost(call: &Call, objects: Option<u64>, status: StatusCode) -> u64 {
    let read = call.method == Method::GET || objects.is_some();
    if !read || !status.is_success() {
        return 1;
    }
    let identity = ["/user", "/group", "/role", "permissions", "/myself", "/customer", "/participant"];
    let each = if identity.iter().any(|part| call.endpoint.contains(part)) { 2 } else { 1 };
    1 + objects.unwrap_or(1) * each
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn refusal(reason: &str, wait_s: i64, limit: u64, now: Timestamp) -> Response {
    let body = json!({"errorMessages": ["Rate limit exceeded."], "errors": {}});
    let mut answer = (StatusCode::TOO_MANY_REQUESTS, Json(body)).into_response();
    let reset = Timestamp::from_second(now.as_second() + wait_s).unwrap_or(now);
    let headers = answer.headers_mut();
    put(headers, "retry-after", &wait_s.to_string());
    put(headers, "ratelimit-reason", reason);
    put(headers, "x-ratelimit-limit", &limit.to_string());
    put(headers, "x-ratelimit-remaining", "0");
    put(headers, "x-ratelimit-reset", &reset.strftime("%Y-%m-%dT%H:%MZ").to_string());
    answer
}

/// A 429 that somebody commanded, in the words and headers of the limit it names.
pub(crate) fn commanded(reason: Reason, wait_s: Option<u32>, now: Timestamp, config: &Config) -> Response {
    let limits = &config.rate_limits;
    let rest_of_hour = 3600 - now.as_second().rem_euclid(3600);
    let (name, usual_s, limit, policy) = match reason {
        Reason::Gateway => return ApiError::gateway(429).into_response(),
        Reason::QuotaGlobal => {
            ("jira-quota-global-based", rest_of_hour, limits.points_per_hour, Some("global-app-quota"))
        }
        Reason::QuotaTenant => {
            ("jira-quota-tenant-based", rest_of_hour, limits.points_per_hour, Some("tenant-app-quota"))
        }
        Reason::Burst => ("jira-burst-based", 1, u64::from(limits.burst_read), None),
        Reason::PerIssue => ("jira-per-issue-on-write", 2, u64::from(limits.issue_writes_short), None),
    };
    let wait_s = wait_s.map_or(usual_s, i64::from);
    let mut answer = refusal(name, wait_s, limit, now);
    if let Some(policy) = policy {
        let headers = answer.headers_mut();
        put(headers, "ratelimit-policy", &format!("\"{policy}\";q={limit};w=3600"));
        put(headers, "ratelimit", &format!("\"{policy}\";r=0;t={wait_s}"));
    }
    answer
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    };

    use super::*;

    fn call(method: Method, endpoint: &str, issue: Option<u64>, app: Option<&str>) -> Call {
        Call { endpoint: endpoint.to_owned(), method, issue, app_id: app.map(str::to_owned) }
    }

    fn limits(config: RateLimits) -> (Limits, Arc<AtomicI64>) {
        let at = Arc::new(AtomicI64::new(1_770_000_000_000));
        let clock = at.clone();
        let clock: Clock = Arc::new(move || Timestamp::from_millisecond(clock.load(Ordering::Relaxed)).unwrap());
        (Limits::new(config, clock), at)
    }

    fn reason(refused: &Response) -> &str {
        refused.headers().get("ratelimit-reason").unwrap().to_str().unwrap()
    }

    #[test]
    fn bursts_are_per_endpoint_and_refill() {
        let (limits, clock) = limits(RateLimits { burst_write: 3, ..RateLimits::default() });
        let put = call(Method::PUT, "/a", None, None);
        for _ in 0..3 {
            assert!(limits.admit(&put).is_ok());
        }
        let refused = limits.admit(&put).unwrap_err();
        assert_eq!((refused.status().as_u16(), reason(&refused)), (429, "jira-burst-based"));
        assert!(limits.admit(&call(Method::PUT, "/b", None, None)).is_ok());
        clock.fetch_add(1000, Ordering::Relaxed);
        assert!(limits.admit(&put).is_ok());
    }

    #[test]
    fn writes_to_one_issue_have_two_windows() {
        let (limits, clock) = limits(RateLimits::default());
        let write = call(Method::POST, "/w", Some(7), None);
        for _ in 0..20 {
            assert!(limits.admit(&write).is_ok());
        }
        assert_eq!(reason(&limits.admit(&write).unwrap_err()), "jira-per-issue-on-write");
        assert!(limits.admit(&call(Method::POST, "/w", Some(8), None)).is_ok());
        for _ in 0..4 {
            clock.fetch_add(2000, Ordering::Relaxed);
            for _ in 0..20 {
                assert!(limits.admit(&write).is_ok());
            }
        }
        clock.fetch_add(2000, Ordering::Relaxed);
        let refused = limits.admit(&write).unwrap_err();
        assert_eq!(refused.headers().get("retry-after").unwrap(), "30");
    }

    #[test]
    fn points_end_with_the_hour() {
        let (limits, clock) = limits(RateLimits { points_per_hour: 5, ..RateLimits::default() });
        let read = call(Method::GET, "/rest/api/3/user", None, Some("app"));
        for _ in 0..2 {
            assert!(limits.admit(&read).is_ok());
            let answer = limits.settle(&read, StatusCode::OK.into_response());
            assert!(answer.headers().contains_key("ratelimit-policy"));
        }
        let refused = limits.admit(&read).unwrap_err();
        assert_eq!(reason(&refused), "jira-quota-global-based");
        assert!(limits.admit(&call(Method::GET, "/rest/api/3/user", None, None)).is_ok());
        clock.fetch_add(3_600_000, Ordering::Relaxed);
        assert!(limits.admit(&read).is_ok());
    }
}
