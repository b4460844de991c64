//! The document that commands faults: its shape, and what it says of each knob.
//!
//! Start reading at [`RequestFault`]; a document is read in `read`.

use std::time::Duration;

use axum::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::config::Faults;

/// Which limit a 429 names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The app's points of the hour, over all its tenants.
    QuotaGlobal,
    /// The app's points of the hour, of this tenant.
    QuotaTenant,
    /// Requests a second of one endpoint.
    Burst,
    /// Writes to one issue.
    PerIssue,
    /// None: a gateway's 429 without `Retry-After` and without a reason.
    Gateway,
}

/// How an outage is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// The connection is closed without an answer.
    Close,
    /// The gateway answers 503.
    Gateway,
}

/// What happens to a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Misfortune {
    /// 429.
    RateLimit {
        /// Which limit.
        reason: Reason,
        /// Seconds until the caller may try again; `None`: what the limit itself would say.
        retry_after_s: Option<u32>,
    },
    /// An error of the gateway.
    Error {
        /// 500, 502, 503 or 504.
        status: u16,
    },
    /// It is answered late.
    Slow {
        /// A random time in this range.
        wait: (Duration, Duration),
    },
    /// It is done, and the connection is closed before the answer: whoever asked does not know.
    Lose,
    /// It is done, and its answer is an error all the same.
    Stumble {
        /// 500, 502, 503 or 504.
        status: u16,
    },
    /// Nobody is there.
    Down {
        /// Seconds from the command on.
        for_s: u32,
        /// How that is met.
        how: How,
    },
}

/// A fault of requests.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestFault {
    /// Of this method only.
    pub method: Option<Method>,
    /// Of paths that begin so only (without the gateway's prefix).
    pub path: Option<String>,
    /// For so many requests; `None`: until it is taken back.
    pub next: Option<u64>,
    /// How probable it is for each, from 0 to 1.
    pub chance: f64,
    /// What happens.
    pub what: Misfortune,
}

impl RequestFault {
    pub(super) fn matches(&self, method: &Method, path: &str) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted == method)
            && self.path.as_ref().is_none_or(|prefix| path.starts_with(prefix.as_str()))
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(untagged, expecting = "milliseconds as a number, or {\"from\": …, \"to\": …} for a random time between")]
pub(super) enum Range {
    Fixed(u64),
    Between(Between),
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Between {
    pub(super) from: u64,
    pub(super) to: u64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Document {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seed: Option<u64>,
    pub(super) search_lag_ms: Option<Range>,
    pub(super) delivery: Option<Delivery>,
    pub(super) requests: Option<Vec<Request>>,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Delivery {
    pub(super) delay_ms: Option<Range>,
    pub(super) twice: Option<f64>,
    pub(super) disordered: Option<f64>,
    pub(super) dropped: Option<f64>,
    pub(super) retry_ms: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Act {
    RateLimit,
    Error,
    Slow,
    Lose,
    Stumble,
    Down,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Request {
    #[serde(rename = "do")]
    pub(super) act: Act,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) chance: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retry_after_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ms: Option<Range>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) for_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<How>,
}

/// Every knob: its place in the document, its unit and bounds, and what it does.
const KNOBS: [(&str, &str, &str, &str); 19] = [
    ("seed", "number", "0 or more", "Chooses the run: the same seed brings the same faults. Default: the site's own"),
    ("searchLagMs", "ms, or {from, to} in ms", "0 to 600000", "How long search does not know a write"),
    ("delivery.delayMs", "ms, or {from, to} in ms", "0 to 600000", "How late webhooks and Forge events leave"),
    ("delivery.twice", "probability", "0 to 1", "A delivery is made twice"),
    ("delivery.disordered", "probability", "0 to 1", "A delivery is held back for 1500 ms, behind later ones"),
    ("delivery.dropped", "probability", "0 to 1", "A delivery is never made"),
    ("delivery.retryMs", "ms", "0 to 900000", "Time before a webhook that was not taken is sent again"),
    ("requests", "list", "at most 100", "Rules for requests, asked in their order; the first that strikes decides"),
    ("requests[].do", "word", "rateLimit, error, slow, lose, stumble, down", "What happens"),
    ("requests[].method", "word", "GET, HEAD, POST, PUT, PATCH, DELETE", "Only requests of this method"),
    ("requests[].path", "prefix", "starts with /, at most 500 characters", "Only paths that begin so"),
    ("requests[].next", "requests", "1 to 1000000", "Ends after so many; without it, when it is taken back"),
    ("requests[].chance", "probability", "0 to 1", "How probable it is for each request. Default: 1"),
    (
        "requests[].reason",
        "word",
        "quota-global, quota-tenant, burst, per-issue, gateway",
        "rateLimit: which limit the 429 names; gateway names none and has no Retry-After",
    ),
    ("requests[].retryAfterS", "s", "0 to 3600", "rateLimit: Retry-After. Default: what that limit says"),
    (
        "requests[].status",
        "HTTP status",
        "500, 502, 503, 504",
        "error: what the gateway answers; stumble: what is answered although it was done",
    ),
    (
        "requests[].ms",
        "ms, or {from, to} in ms",
        "0 to 600000",
        "slow: how late the answer is; later rules still apply",
    ),
    ("requests[].forS", "s", "1 to 86400", "down: how long, by the site's clock"),
    (
        "requests[].by",
        "word",
        "close, gateway",
        "down: the connection is closed without an answer (default), or the gateway answers 503",
    ),
];

/// The knobs, for whoever asks.
pub(super) fn knobs() -> Value {
    KNOBS
        .iter()
        .map(|(field, unit, bounds, about)| json!({"field": field, "unit": unit, "bounds": bounds, "about": about}))
        .collect()
}

/// The document that would command these faults.
pub(super) fn write(faults: &Faults, seed: u64) -> Value {
    let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let range = |(from, to): (Duration, Duration)| {
        Some(if from == to { Range::Fixed(ms(from)) } else { Range::Between(Between { from: ms(from), to: ms(to) }) })
    };
    let rule = |fault: &RequestFault| {
        let mut rule = Request {
            act: Act::Slow,
            method: fault.method.as_ref().map(ToString::to_string),
            path: fault.path.clone(),
            next: fault.next,
            chance: Some(fault.chance),
            reason: None,
            retry_after_s: None,
            status: None,
            ms: None,
            for_s: None,
            by: None,
        };
        match &fault.what {
            Misfortune::RateLimit { reason, retry_after_s } => {
                rule.act = Act::RateLimit;
                rule.reason = Some(*reason);
                rule.retry_after_s = retry_after_s.map(u64::from);
            }
            Misfortune::Error { status } => {
                rule.act = Act::Error;
                rule.status = Some(u64::from(*status));
            }
            Misfortune::Slow { wait } => rule.ms = range(*wait),
            Misfortune::Lose => rule.act = Act::Lose,
            Misfortune::Stumble { status } => {
                rule.act = Act::Stumble;
                rule.status = Some(u64::from(*status));
            }
            Misfortune::Down { for_s, how } => {
                rule.act = Act::Down;
                rule.for_s = Some(u64::from(*for_s));
                rule.by = Some(*how);
            }
        }
        rule
    };
    let document = Document {
        seed: Some(seed),
        search_lag_ms: range(faults.search_lag),
        delivery: Some(Delivery {
            delay_ms: range(faults.delivery_delay),
            twice: Some(faults.delivery_twice),
            disordered: Some(faults.delivery_reordered),
            dropped: Some(faults.delivery_dropped),
            retry_ms: Some(ms(faults.delivery_retry)),
        }),
        requests: Some(faults.requests.iter().map(rule).collect()),
    };
    serde_json::to_value(document).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_knob_is_listed_and_nothing_else() {
        let full = write(
            &Faults {
                requests: vec![
                    RequestFault {
                        method: Some(Method::GET),
                        path: Some("/".to_owned()),
                        next: Some(1),
                        chance: 1.0,
                        what: Misfortune::RateLimit { reason: Reason::Burst, retry_after_s: Some(1) },
                    },
                    RequestFault {
                        method: None,
                        path: None,
                        next: None,
                        chance: 1.0,
                        what: Misfortune::Down { for_s: 1, how: How::Close },
                    },
                    RequestFault {
                        method: None,
                        path: None,
                        next: None,
                        chance: 1.0,
                        what: Misfortune::Error { status: 500 },
                    },
                    RequestFault {
                        method: None,
                        path: None,
                        next: None,
                        chance: 1.0,
                        what: Misfortune::Slow { wait: (Duration::ZERO, Duration::ZERO) },
                    },
                ],
                ..Faults::default()
            },
            1,
        );
        let mut fields = std::collections::BTreeSet::new();
        for (name, value) in full.as_object().into_iter().flatten() {
            match (name.as_str(), value) {
                ("delivery", Value::Object(parts)) => {
                    fields.extend(parts.keys().map(|part| format!("delivery.{part}")))
                }
                ("requests", Value::Array(rules)) => {
                    fields.insert("requests".to_owned());
                    let parts = rules.iter().filter_map(Value::as_object).flat_map(|rule| rule.keys());
                    fields.extend(parts.map(|part| format!("requests[].{part}")));
                }
                _ => {
                    fields.insert(name.clone());
                }
            }
        }
        let listed: std::collections::BTreeSet<String> = KNOBS.iter().map(|knob| knob.0.to_owned()).collect();
        assert_eq!(fields, listed);
    }
}
