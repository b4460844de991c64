//! Reads the document that commands faults, and tells each mistake in it by its field.
//!
//! What a document leaves out is as on a calm day: nothing waits and nothing goes wrong. Start reading
//! at [`read`].

use std::{fmt::Display, ops::RangeInclusive, time::Duration};

use axum::http::Method;
use serde::Serialize;

use super::plan::{Act, Between, Document, How, Misfortune, Range, Reason, Request, RequestFault};
use crate::config::Faults;

/// Longest delay of a request, a delivery or the search, in milliseconds: longer than clients wait.
const MAX_WAIT_MS: u64 = 600_000;
/// Longest time before a webhook is sent again, in milliseconds: the fifteen minutes of a real site.
const MAX_RETRY_MS: u64 = 900_000;
/// Longest `Retry-After`, in seconds: quotas come back with the hour.
const MAX_RETRY_AFTER_S: u64 = 3_600;
/// Longest outage, in seconds: a day.
const MAX_DOWN_S: u64 = 86_400;
/// Most requests that one rule counts down.
const MAX_NEXT: u64 = 1_000_000;
/// Most rules: each request asks all of them.
const MAX_RULES: usize = 100;
/// Longest path prefix, in characters.
const MAX_PATH: usize = 500;
/// Errors that a gateway answers.
const STATUSES: [u64; 4] = [500, 502, 503, 504];
/// Methods that a rule may name.
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// A mistake in a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// Which field, as a path; empty for the document as a whole.
    pub field: String,
    /// What is wrong with it, and what would be right.
    pub message: String,
}

/// Reads the document of `PUT /sandbox/faults`: the faults, and the seed if it names one.
///
/// # Errors
/// Every mistake, by field.
pub fn read(text: &[u8]) -> Result<(Faults, Option<u64>), Vec<Mistake>> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let document: Document = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = error.path().to_string();
        let field = if field == "." { String::new() } else { field };
        vec![Mistake { field, message: error.into_inner().to_string() }]
    })?;
    json.end().map_err(|error| vec![Mistake { field: String::new(), message: error.to_string() }])?;
    let mut check = Check(Vec::new());
    let calm = Faults::none();
    let delivery = document.delivery.unwrap_or_default();
    let rules = document.requests.unwrap_or_default();
    if rules.len() > MAX_RULES {
        check.wrong("requests", format!("has {} rules; at most {MAX_RULES} are allowed", rules.len()));
    }
    let faults = Faults {
        search_lag: check.range("searchLagMs", document.search_lag_ms),
        delivery_delay: check.range("delivery.delayMs", delivery.delay_ms),
        delivery_twice: check.chance("delivery.twice", delivery.twice.unwrap_or(0.0)),
        delivery_reordered: check.chance("delivery.disordered", delivery.disordered.unwrap_or(0.0)),
        delivery_dropped: check.chance("delivery.dropped", delivery.dropped.unwrap_or(0.0)),
        delivery_retry: delivery.retry_ms.map_or(calm.delivery_retry, |ms| {
            Duration::from_millis(check.number("delivery.retryMs", ms, 0..=MAX_RETRY_MS, "milliseconds"))
        }),
        requests: rules
            .into_iter()
            .enumerate()
            .filter_map(|(at, rule)| check.rule(&format!("requests[{at}]"), rule))
            .collect(),
    };
    if check.0.is_empty() { Ok((faults, document.seed)) } else { Err(check.0) }
}

/// Collects what is wrong.
struct Check(Vec<Mistake>);

impl Check {
    fn wrong(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(Mistake { field: field.to_owned(), message: message.into() });
    }

    fn number<T: PartialOrd + Display + Copy>(
        &mut self,
        field: &str,
        value: T,
        bounds: RangeInclusive<T>,
        unit: &str,
    ) -> T {
        if !bounds.contains(&value) {
            self.wrong(field, format!("must be between {} and {} {unit}", bounds.start(), bounds.end()));
        }
        value
    }

    fn chance(&mut self, field: &str, value: f64) -> f64 {
        self.number(field, value, 0.0..=1.0, "(a probability)")
    }

    fn range(&mut self, field: &str, range: Option<Range>) -> (Duration, Duration) {
        let (from, to) = match range {
            None => (0, 0),
            Some(Range::Fixed(ms)) => (ms, ms),
            Some(Range::Between(Between { from, to })) => (from, to),
        };
        if from > to {
            self.wrong(field, "must not have a `from` above its `to`");
        }
        let to = self.number(field, to, 0..=MAX_WAIT_MS, "milliseconds");
        (Duration::from_millis(from), Duration::from_millis(to))
    }

    /// A field that this kind of fault needs.
    fn needed<T>(&mut self, field: &str, value: Option<T>, what: &str) -> Option<T> {
        if value.is_none() {
            self.wrong(field, format!("is missing: {what}"));
        }
        value
    }

    fn rule(&mut self, at: &str, rule: Request) -> Option<RequestFault> {
        let field = |name: &str| format!("{at}.{name}");
        let others = [
            ("reason", rule.reason.is_some(), Act::RateLimit),
            ("retryAfterS", rule.retry_after_s.is_some(), Act::RateLimit),
            ("status", rule.status.is_some() && rule.act != Act::Stumble, Act::Error),
            ("ms", rule.ms.is_some(), Act::Slow),
            ("forS", rule.for_s.is_some(), Act::Down),
            ("by", rule.by.is_some(), Act::Down),
        ];
        for (name, given, of) in others {
            if given && of != rule.act {
                let word = serde_json::to_value(of).unwrap_or_default();
                self.wrong(&field(name), format!("belongs to `do: {}` only", word.as_str().unwrap_or_default()));
            }
        }
        let method = rule.method.and_then(|name| {
            let known = METHODS.contains(&name.as_str());
            if !known {
                self.wrong(&field("method"), format!("must be one of {}", METHODS.join(", ")));
            }
            Method::from_bytes(name.as_bytes()).ok().filter(|_| known)
        });
        if let Some(path) = &rule.path
            && (!path.starts_with('/') || path.chars().count() > MAX_PATH)
        {
            self.wrong(&field("path"), format!("must start with / and have at most {MAX_PATH} characters"));
        }
        let next = rule.next.map(|next| self.number(&field("next"), next, 1..=MAX_NEXT, "requests"));
        let chance = self.chance(&field("chance"), rule.chance.unwrap_or(1.0));
        let seconds = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        let what = match rule.act {
            Act::RateLimit => {
                let reason = self.needed(&field("reason"), rule.reason, "say which limit the 429 names");
                let wait =
                    rule.retry_after_s.map(|s| self.number(&field("retryAfterS"), s, 0..=MAX_RETRY_AFTER_S, "seconds"));
                if reason == Some(Reason::Gateway) && wait.is_some() {
                    self.wrong(&field("retryAfterS"), "has no place in a gateway's 429: it names no time");
                }
                Misfortune::RateLimit { reason: reason?, retry_after_s: wait.map(seconds) }
            }
            act @ (Act::Error | Act::Stumble) => {
                let status = self.needed(&field("status"), rule.status, "say what the gateway answers")?;
                if !STATUSES.contains(&status) {
                    self.wrong(&field("status"), "must be 500, 502, 503 or 504");
                }
                let status = u16::try_from(status).unwrap_or(503);
                if act == Act::Stumble { Misfortune::Stumble { status } } else { Misfortune::Error { status } }
            }
            Act::Slow => {
                let ms = self.needed(&field("ms"), rule.ms, "say how late, in milliseconds")?;
                Misfortune::Slow { wait: self.range(&field("ms"), Some(ms)) }
            }
            Act::Lose => Misfortune::Lose,
            Act::Down => {
                let for_s = self.needed(&field("forS"), rule.for_s, "say how long, in seconds")?;
                let for_s = self.number(&field("forS"), for_s, 1..=MAX_DOWN_S, "seconds");
                Misfortune::Down { for_s: seconds(for_s), how: rule.by.unwrap_or(How::Close) }
            }
        };
        Some(RequestFault { method, path: rule.path, next, chance, what })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::plan::write, *};

    #[test]
    fn every_mistake_is_told_by_its_field() {
        let check = |document: &str, fields: &[&str]| {
            let mistakes = read(document.as_bytes()).err().unwrap_or_default();
            let found: Vec<&str> = mistakes.iter().map(|m| m.field.as_str()).collect();
            assert_eq!(found, fields, "{document}: {mistakes:?}");
        };
        check("{}", &[]);
        check("", &[""]);
        check("{} {}", &[""]);
        check(r#"{"lag": 1}"#, &["lag"]);
        check(r#"{"searchLagMs": 600001}"#, &["searchLagMs"]);
        check(r#"{"searchLagMs": {"from": 2, "to": 1}}"#, &["searchLagMs"]);
        check(r#"{"searchLagMs": "soon"}"#, &["searchLagMs"]);
        check(r#"{"searchLagMs": -1}"#, &["searchLagMs"]);
        check(r#"{"delivery": {"twice": 1.5, "dropped": -0.1}}"#, &["delivery.twice", "delivery.dropped"]);
        check(r#"{"delivery": {"retryMs": 900001}}"#, &["delivery.retryMs"]);
        check(r#"{"requests": [{"do": "explode"}]}"#, &["requests[0].do"]);
        check(r#"{"requests": [{"do": "slow"}]}"#, &["requests[0].ms"]);
        check(r#"{"requests": [{"do": "slow", "ms": 1}, {"do": "error"}]}"#, &["requests[1].status"]);
        check(r#"{"requests": [{"do": "error", "status": 404}]}"#, &["requests[0].status"]);
        check(r#"{"requests": [{"do": "error", "status": 500, "ms": 4}]}"#, &["requests[0].ms"]);
        check(r#"{"requests": [{"do": "lose", "status": 500}]}"#, &["requests[0].status"]);
        check(r#"{"requests": [{"do": "stumble"}]}"#, &["requests[0].status"]);
        check(r#"{"requests": [{"do": "stumble", "status": 404}]}"#, &["requests[0].status"]);
        check(r#"{"requests": [{"do": "down"}]}"#, &["requests[0].forS"]);
        check(r#"{"requests": [{"do": "down", "forS": 0}]}"#, &["requests[0].forS"]);
        check(r#"{"requests": [{"do": "down", "forS": 5, "by": "fire"}]}"#, &["requests[0].by"]);
        check(r#"{"requests": [{"do": "rateLimit"}]}"#, &["requests[0].reason"]);
        check(
            r#"{"requests": [{"do": "rateLimit", "reason": "gateway", "retryAfterS": 1}]}"#,
            &["requests[0].retryAfterS"],
        );
        check(
            r#"{"requests": [{"do": "error", "status": 500, "method": "get", "path": "x", "next": 0, "chance": 2}]}"#,
            &["requests[0].method", "requests[0].path", "requests[0].next", "requests[0].chance"],
        );
        let many = format!(r#"{{"requests": [{}]}}"#, vec![r#"{"do": "slow", "ms": 1}"#; 101].join(","));
        check(&many, &["requests"]);
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let text = r#"{"seed": 7, "searchLagMs": {"from": 1, "to": 5},
            "delivery": {"delayMs": 3, "twice": 0.5, "disordered": 0.25, "dropped": 1, "retryMs": 9},
            "requests": [
                {"do": "rateLimit", "reason": "quota-tenant", "retryAfterS": 4, "method": "POST", "next": 2},
                {"do": "rateLimit", "reason": "gateway"},
                {"do": "error", "status": 504, "path": "/rest/", "chance": 0.1},
                {"do": "slow", "ms": {"from": 1, "to": 2}},
                {"do": "lose", "method": "POST", "next": 1},
                {"do": "stumble", "status": 502, "next": 1},
                {"do": "down", "forS": 60, "by": "gateway"}]}"#;
        let first = read(text.as_bytes());
        let again = first.as_ref().map(|(faults, seed)| write(faults, seed.unwrap_or_default()).to_string());
        let second = again.map_or_else(|_| read(b""), |text| read(text.as_bytes()));
        assert!(first.is_ok());
        assert_eq!(first, second);
    }
}
