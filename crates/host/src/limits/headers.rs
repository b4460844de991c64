//! What Jira's headers say of its limits, in all the forms that they take. Pure.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderMap;

/// Entries read of one list; Jira sends two or three.
const LIST_ENTRIES: usize = 16;
/// No limit of Jira's resets later than this.
const LONGEST: Duration = Duration::from_secs(2 * 3600);

/// Which limit was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The hour's points of the app, over all its tenants.
    AppQuota,
    /// The hour's points of the app at this tenant.
    TenantQuota,
    /// Calls a second to one endpoint.
    Burst,
    /// Writes to one issue.
    Issue,
}

impl Reason {
    /// Reads a reason or a policy's name.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_matches('"').to_ascii_lowercase();
        let has = |word: &str| text.contains(word);
        if has("per-issue") {
            Some(Self::Issue)
        } else if has("burst") {
            Some(Self::Burst)
        } else if has("global") && (has("quota") || has("app")) {
            Some(Self::AppQuota)
        } else if has("tenant") && has("quota") {
            Some(Self::TenantQuota)
        } else {
            None
        }
    }
}

/// One limit's state, as a structured header tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The policy's name.
    pub name: String,
    /// How much there is of it in all, as the policy of this name says (`RateLimit-Policy`).
    pub whole: Option<u64>,
    /// What is left, if told.
    pub remaining: Option<u64>,
    /// When it is whole again, from now.
    pub reset_in: Option<Duration>,
}

impl Window {
    /// Whether less than a fifth is left.
    pub fn is_near(&self) -> bool {
        matches!((self.remaining, self.whole), (Some(left), Some(whole)) if left < whole / 5)
    }
}

/// All that the headers of one answer say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// `Retry-After`.
    pub retry_after: Option<Duration>,
    /// `RateLimit-Reason`.
    pub reason: Option<Reason>,
    /// `X-RateLimit-Reset`, from now.
    pub reset_in: Option<Duration>,
    /// `X-RateLimit-Remaining`.
    pub remaining: Option<u64>,
    /// `X-RateLimit-Interval-Seconds`: how often Data Center fills a budget again.
    pub fills_every: Option<Duration>,
    /// `RateLimit`, also as `Beta-RateLimit`.
    pub windows: Vec<Window>,
}

/// Reads an answer's headers at `now`.
pub fn read(headers: &HeaderMap, now: Timestamp) -> Signals {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let lists = |names: [&str; 2]| -> Vec<Window> {
        let values = names.into_iter().flat_map(|name| headers.get_all(name)).filter_map(|value| value.to_str().ok());
        values.flat_map(list).take(LIST_ENTRIES).collect()
    };
    let policies = lists(["ratelimit-policy", "beta-ratelimit-policy"]);
    let mut windows = lists(["ratelimit", "beta-ratelimit"]);
    for window in &mut windows {
        window.whole = policies.iter().find(|policy| policy.name == window.name).and_then(|policy| policy.whole);
    }
    Signals {
        retry_after: text("retry-after").and_then(|value| delay(value, now)),
        reason: text("ratelimit-reason").or_else(|| text("beta-ratelimit-reason")).and_then(Reason::parse),
        reset_in: text("x-ratelimit-reset").and_then(|value| delay(value, now)),
        remaining: text("x-ratelimit-remaining").and_then(|value| value.parse().ok()),
        fills_every: text("x-ratelimit-interval-seconds")
            .and_then(|value| value.parse().ok())
            .map(|seconds| Duration::from_secs(seconds).min(LONGEST)),
        windows,
    }
}

/// Seconds from now, an ISO 8601 instant (seen without seconds), or an HTTP date.
fn delay(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(LONGEST));
    }
    let at = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok())?;
    let left = at.duration_since(now);
    Some(if left.is_negative() { Duration::ZERO } else { left.unsigned_abs().min(LONGEST) })
}

/// A structured list: `"name";r=11000;t=600, "other";t=30`, or of policies `"name";q=65000;w=3600`. What does not parse is passed over.
fn list(text: &str) -> Vec<Window> {
    let mut windows = Vec::new();
    for entry in split(text, ',').into_iter().take(LIST_ENTRIES) {
        let mut parts = split(&entry, ';').into_iter();
        let name = parts.next().unwrap_or_default().trim().trim_matches('"').to_owned();
        if name.is_empty() {
            continue;
        }
        let (mut whole, mut remaining, mut reset_in) = (None, None, None);
        for part in parts {
            match part.split_once('=').map(|(key, value)| (key.trim(), value.trim().parse::<u64>())) {
                Some(("q", Ok(value))) => whole = Some(value),
                Some(("r", Ok(value))) => remaining = Some(value),
                Some(("t", Ok(value))) => reset_in = Some(Duration::from_secs(value).min(LONGEST)),
                _ => {}
            }
        }
        windows.push(Window { name, whole, remaining, reset_in });
    }
    windows
}

/// Splits outside of quotes.
fn split(text: &str, at: char) -> Vec<String> {
    let (mut parts, mut quoted) = (vec![String::new()], false);
    for c in text.chars() {
        quoted ^= c == '"';
        if c == at && !quoted {
            parts.push(String::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    fn now() -> Timestamp {
        "2026-03-26T15:40:00Z".parse().unwrap()
    }

    #[track_caller]
    fn check(headers: &[(&str, &str)], expected: Signals) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        assert_eq!(read(&map, now()), expected, "{headers:?}");
    }

    fn seconds(n: u64) -> Option<Duration> {
        Some(Duration::from_secs(n))
    }

    #[test]
    fn forms() {
        check(&[], Signals::default());
        check(&[("Retry-After", "7")], Signals { retry_after: seconds(7), ..Signals::default() });
        check(
            &[("Retry-After", "Thu, 26 Mar 2026 15:41:00 GMT")],
            Signals { retry_after: seconds(60), ..Signals::default() },
        );
        check(&[("Retry-After", "soon")], Signals::default());
        check(&[("Retry-After", "-3")], Signals::default());
        check(&[("Retry-After", "99999999")], Signals { retry_after: Some(LONGEST), ..Signals::default() });
        // Seen without seconds, with them, with a fraction and an offset; one that passed.
        for text in ["2026-03-26T16:00Z", "2026-03-26T16:00:00Z", "2026-03-26T17:00:00.000+01:00"] {
            check(&[("X-RateLimit-Reset", text)], Signals { reset_in: seconds(1200), ..Signals::default() });
        }
        check(&[("X-RateLimit-Reset", "2026-03-26T15:00Z")], Signals { reset_in: seconds(0), ..Signals::default() });
        check(&[("X-RateLimit-Remaining", "3")], Signals { remaining: Some(3), ..Signals::default() });
        // All that a Data Center says.
        check(
            &[
                ("X-RateLimit-Limit", "100"),
                ("X-RateLimit-Remaining", "0"),
                ("X-RateLimit-FillRate", "10"),
                ("X-RateLimit-Interval-Seconds", "60"),
                ("Retry-After", "12"),
            ],
            Signals { remaining: Some(0), retry_after: seconds(12), fills_every: seconds(60), ..Signals::default() },
        );
        check(&[("X-RateLimit-Interval-Seconds", "a minute")], Signals::default());
        check(
            &[("X-RateLimit-Interval-Seconds", "99999999")],
            Signals { fills_every: Some(LONGEST), ..Signals::default() },
        );
        let reasons = [
            ("jira-quota-global-based", Reason::AppQuota),
            ("jira-quota-tenant-based", Reason::TenantQuota),
            ("jira-burst-based", Reason::Burst),
            ("jira-per-issue-on-write", Reason::Issue),
        ];
        for (text, reason) in reasons {
            check(&[("RateLimit-Reason", text)], Signals { reason: Some(reason), ..Signals::default() });
        }
        check(&[("RateLimit-Reason", "something-new")], Signals::default());
    }

    #[test]
    fn structured_lists() {
        let window = |name: &str, remaining, reset| Window {
            name: name.to_owned(),
            whole: None,
            remaining,
            reset_in: Option::map(reset, Duration::from_secs),
        };
        let expect = |windows| Signals { windows, ..Signals::default() };
        check(
            &[("RateLimit", "\"global-app-quota\";r=11000;t=600")],
            expect(vec![window("global-app-quota", Some(11000), Some(600))]),
        );
        check(
            &[("Beta-RateLimit", "\"global-app-quota\"; t=600 ;r=0 , \"a,b;c\";t=5")],
            expect(vec![window("global-app-quota", Some(0), Some(600)), window("a,b;c", None, Some(5))]),
        );
        check(
            &[("RateLimit", "\"one\";t=1"), ("RateLimit", "\"two\";r=x;t=2")],
            expect(vec![window("one", None, Some(1)), window("two", None, Some(2))]),
        );
        check(&[("RateLimit", ",,;;\"\"")], Signals::default());
        // How much there is in all stands in a list of its own, in an order of its own.
        let policy = "\"other\";q=7;w=1, \"global-app-quota\";w=3600;q=65000";
        for (left, near) in [(13_000, false), (12_999, true)] {
            let told = Window { whole: Some(65_000), ..window("global-app-quota", Some(left), Some(600)) };
            assert_eq!(told.is_near(), near);
            let limit = format!("\"global-app-quota\";r={left};t=600");
            check(&[("RateLimit", &limit), ("Beta-RateLimit-Policy", policy)], expect(vec![told]));
        }
        assert!(!window("global-app-quota", Some(0), Some(600)).is_near(), "of how much?");
        check(&[("RateLimit-Policy", policy)], Signals::default());
        assert_eq!(Reason::parse("\"global-app-quota\""), Some(Reason::AppQuota));
        assert_eq!(Reason::parse("tenant-app-quota"), Some(Reason::TenantQuota));
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_a_header_says_stops_us_for_long(text in "[ -~]{0,80}") {
            let mut map = HeaderMap::new();
            let names =
                ["retry-after", "x-ratelimit-reset", "x-ratelimit-interval-seconds", "ratelimit", "ratelimit-policy", "ratelimit-reason"];
            for name in names {
                map.insert(HeaderName::from_static(name), HeaderValue::from_str(&text).unwrap());
            }
            let signals = read(&map, now());
            let all = signals.windows.iter().filter_map(|window| window.reset_in);
            for delay in all.chain(signals.retry_after).chain(signals.reset_in).chain(signals.fills_every) {
                proptest::prop_assert!(delay <= LONGEST);
            }
        }
    }
}
