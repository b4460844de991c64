//! One call: its place in the limits, its tries, its answer.

use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use kernel::{Fault, Kind, Result};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::tenants::Mode;
use url::Url;

use super::{As, Jira};
use crate::door::{Outward, Purpose, Reply};
use crate::fault::{answer_lost, paced, unexpected};
use crate::limits::backoff::{Ending, retry_in};
use crate::limits::headers;
use crate::limits::pauses::{App, Budget, Target};
use crate::sites::Known;

/// No single try takes longer, so that a second one fits into a page's time.
const TRY_TIME: Duration = Duration::from_secs(20);

/// The code of a fault: Jira does not take the access that was asked with, and no other can be had.
pub(crate) const ACCESS_ENDED: &str = "jira_access_ended";

/// The code of a fault of the door's: no connection came about, so nothing was sent.
const UNREACHED: &str = "outward_connect";

/// Where the version stands in a path of the platform: `rest`, `api`, `3`. Data Center has none but 2.
const VERSION_AT: usize = 2;

/// What is asked.
pub(crate) struct Call {
    method: Method,
    template: &'static str,
    places: Vec<String>,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
    experimental: bool,
    writes_issue: Option<String>,
    makes: bool,
}

impl Call {
    pub(crate) fn new(method: Method, template: &'static str) -> Self {
        Self {
            method,
            template,
            places: Vec::new(),
            query: Vec::new(),
            body: None,
            experimental: false,
            writes_issue: None,
            makes: false,
        }
    }

    pub(crate) fn get(template: &'static str) -> Self {
        Self::new(Method::GET, template)
    }

    pub(crate) fn post(template: &'static str, body: Value) -> Self {
        let mut call = Self::new(Method::POST, template);
        call.body = Some(body);
        call
    }

    /// Fills the next `{…}` of the template.
    pub(crate) fn place(mut self, value: impl Into<String>) -> Self {
        self.places.push(value.into());
        self
    }

    pub(crate) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(crate) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Opts in to an operation that Atlassian calls experimental.
    pub(crate) fn experimental(mut self) -> Self {
        self.experimental = true;
        self
    }

    /// It counts among the writes to an issue.
    pub(crate) fn writes(mut self, issue: impl Into<String>) -> Self {
        self.writes_issue = Some(issue.into());
        self
    }

    /// What it makes is there twice when it is made twice: an answer that was not heard is told as that.
    pub(crate) fn makes(mut self) -> Self {
        self.makes = true;
        self
    }

    /// The fault of a call that ended so, as whoever called may know it.
    fn told(&self, ending: Ending, fault: Fault) -> Fault {
        let unheard = match ending {
            Ending::Status(status, _) => status >= 500,
            // Whoever was not reached did nothing.
            Ending::Lost => fault.code() != UNREACHED,
        };
        if self.makes && unheard { answer_lost(&fault) } else { fault }
    }

    fn purpose(&self) -> Purpose {
        if self.template.starts_with("/rest/servicedeskapi/") { Purpose::ServiceDesk } else { Purpose::Jira }
    }

    /// The address under a site's API base.
    fn url(&self, base: &Url, data_center: bool) -> Result<Url> {
        let mut url = base.clone();
        let mut places = self.places.iter();
        {
            let mut path = url.path_segments_mut().map_err(|()| unexpected("an API base that has no paths"))?;
            path.pop_if_empty();
            for (at, part) in self.template.split('/').skip(1).enumerate() {
                if data_center && at == VERSION_AT && part == "3" {
                    path.push("2");
                } else if part.starts_with('{') {
                    let value = places.next().ok_or_else(|| unexpected("a path with an empty place"))?;
                    if value.is_empty() || value == "." || value == ".." {
                        return Err(unexpected("a path's place that would lead elsewhere"));
                    }
                    path.push(value);
                } else {
                    path.push(part);
                }
            }
        }
        if places.next().is_some() {
            return Err(unexpected("a path with too few places"));
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok(url)
    }
}

impl Jira<'_> {
    /// Makes a call whose answer has a body.
    pub(crate) async fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T> {
        let makes = call.makes;
        let reply = self.answer(call).boxed().await?;
        // What was made is there, also where nobody can read what was said of it.
        self.read(&reply).await.map_err(|fault| if makes { answer_lost(&fault) } else { fault })
    }

    async fn read<T: DeserializeOwned>(&self, reply: &Reply) -> Result<T> {
        let shape = |_| unexpected("an answer of another shape than documented");
        if self.is_data_center().await? {
            let mut answer = serde_json::from_slice(&reply.body).map_err(shape)?;
            self.cloud.0.users.introduce(self.cx, &mut answer).boxed().await?;
            return serde_json::from_value(answer).map_err(shape);
        }
        serde_json::from_slice(&reply.body).map_err(shape)
    }

    /// Makes a call whose answer's body is of no interest.
    pub(crate) async fn tell(&self, call: Call) -> Result<()> {
        self.answer(call).boxed().await.map(drop)
    }

    async fn answer(&self, call: Call) -> Result<Reply> {
        let parts = &self.cloud.0;
        let known = parts.sites.of(self.cx.tenant()).await?;
        let body = match &call.body {
            Some(body) => {
                Some(Bytes::from(serde_json::to_vec(body).map_err(|error| Fault::broken("jira_encode", error))?))
            }
            None => None,
        };
        let target = Target {
            tenant: self.cx.tenant(),
            method: call.method.clone(),
            endpoint: call.template,
            writes_issue: call.writes_issue.clone(),
            budget: self.budget(&known),
            background: self.background,
        };
        let timer = parts.limits.timer();
        let (mut tried, mut renewed) = (0, false);
        loop {
            let access = self.access(&known).await?;
            parts.limits.admit(&target, self.until).await?;
            let url = call.url(&access.base, known.is_data_center())?;
            let authorization = access.header(&call.method, &url, parts.clock.now())?;
            let mut outward = Outward::new(call.method.clone(), url);
            outward.time = TRY_TIME.min(self.until.saturating_sub(timer.now()));
            outward.authorization = Some(authorization);
            outward.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
            if body.is_some() {
                outward.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            }
            if call.experimental {
                let opt_in = HeaderName::from_static("x-experimentalapi");
                outward.headers.insert(opt_in, HeaderValue::from_static("opt-in"));
            }
            outward.body = body.clone();
            let sent = parts.door.send(self.cx.tenant(), call.purpose(), outward).await;
            let (ending, fault) = match sent {
                Ok(reply) => {
                    let now = parts.clock.now();
                    let signals = headers::read(&reply.headers, now);
                    let status = match reply.status.as_u16() {
                        // Data Center takes a token that is none for nobody's, and answers what nobody may see.
                        200..=299 | 400..=404 if known.is_data_center() && is_nobody(&reply.headers) => 401,
                        status => status,
                    };
                    parts.limits.hear(&target, status, &signals, now);
                    count(call.purpose(), status);
                    if (200..300).contains(&status) {
                        return Ok(reply);
                    }
                    // A token may end before its time. It is renewed once; a fresh one that is refused is refused.
                    if status == 401 && !renewed && self.renew_token(&known).await? {
                        renewed = true;
                        continue;
                    }
                    (Ending::Status(status, signals.retry_after), refused(status, signals.retry_after))
                }
                Err(fault) if is_lost(&fault) => (Ending::Lost, fault),
                Err(fault) => return Err(fault),
            };
            let Some(wait) = retry_in(&call.method, ending, tried, timer.spread()) else {
                return Err(call.told(ending, fault));
            };
            if timer.now() + wait > self.until {
                return Err(match ending {
                    Ending::Status(429, _) => paced(wait),
                    _ => call.told(ending, fault),
                });
            }
            tried += 1;
            timer.sleep(wait).await;
        }
    }

    /// As whom.
    pub(crate) fn by(&self) -> &As {
        &self.by
    }

    /// Whose budget a call is taken from: Data Center keeps one for each person, Cloud several for whoever asks.
    fn budget(&self, known: &Known) -> Budget {
        match (known.mode, &self.by) {
            (Mode::Forge, _) => Budget::Several(App::Forge),
            (Mode::Connect, _) => Budget::Several(App::Connect),
            (Mode::CloudToken, As::App) => Budget::Several(App::Token(known.tenant)),
            (Mode::CloudToken, As::Person(_)) => Budget::Several(App::SignIn(known.tenant)),
            (Mode::DataCenter, As::App) => Budget::Account,
            (Mode::DataCenter, As::Person(account)) => Budget::Person(account.clone()),
        }
    }
}

/// Whether Data Center says that nobody asked: it names whoever did.
pub(crate) fn is_nobody(headers: &HeaderMap) -> bool {
    headers.get("x-ausername").and_then(|name| name.to_str().ok()).is_none_or(|name| name == "anonymous")
}

fn is_lost(fault: &Fault) -> bool {
    fault.kind() == Kind::Busy && fault.code().starts_with("outward_")
}

fn count(purpose: Purpose, status: u16) {
    let class = match status {
        200..300 => "2xx",
        300..400 => "3xx",
        401 | 403 => "denied",
        404 => "404",
        429 => "429",
        400..500 => "4xx",
        _ => "5xx",
    };
    metrics::counter!("steward_jira_answers_total", "purpose" => purpose.code(), "status" => class).increment(1);
}

/// An answer without success, as our caller may know it. Jira's own text stays unread: it may quote a customer.
fn refused(status: u16, retry_after: Option<Duration>) -> Fault {
    let fault = match status {
        400 | 413 | 415 | 422 => Fault::invalid("jira_rejected", "Jira did not accept what was sent."),
        401 => Fault::busy(
            ACCESS_ENDED,
            "Jira does not take Steward's access at the moment. Reload the page, or try again later.",
            Some(Duration::from_secs(60)),
        ),
        403 => Fault::refused("Jira does not allow this."),
        404 | 410 => Fault::not_found(),
        409 | 412 => Fault::conflict("This was changed in Jira meanwhile."),
        429 => paced(retry_after.unwrap_or(Duration::from_secs(2))),
        500.. => Fault::busy(
            "jira_unavailable",
            "Jira has a problem at the moment. Try again.",
            Some(retry_after.unwrap_or(Duration::from_secs(10))),
        ),
        _ => unexpected("a status that is not documented"),
    };
    fault.because(format!("Jira answered {status}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::fault::unreachable;

    #[track_caller]
    fn check(call: &Call, expected: Option<&str>) {
        let base = Url::parse("https://api.example.com/ex/jira/cloud-1").unwrap();
        assert_eq!(call.url(&base, false).ok().map(String::from).as_deref(), expected);
    }

    #[test]
    fn addresses() {
        let property = "/rest/api/3/issue/{issue}/properties/{key}";
        check(
            &Call::get(property).place("HELP-1").place("a b/c?d#e%"),
            Some("https://api.example.com/ex/jira/cloud-1/rest/api/3/issue/HELP-1/properties/a%20b%2Fc%3Fd%23e%25"),
        );
        check(&Call::get(property).place("..").place("x"), None);
        check(&Call::get(property).place("1").place(""), None);
        check(&Call::get(property).place("1"), None);
        check(&Call::get(property).place("1").place("2").place("3"), None);
        check(
            &Call::get("/rest/api/3/user").query("accountId", "a:b&c=d +é"),
            Some("https://api.example.com/ex/jira/cloud-1/rest/api/3/user?accountId=a%3Ab%26c%3Dd+%2B%C3%A9"),
        );
    }

    #[test]
    fn addresses_of_data_center() {
        #[track_caller]
        fn check(base: &str, call: &Call, expected: &str) {
            assert_eq!(call.url(&Url::parse(base).unwrap(), true).unwrap().as_str(), expected);
        }
        let issue = Call::get("/rest/api/3/issue/{issue}").place("3");
        check("https://jira.acme.example/", &issue, "https://jira.acme.example/rest/api/2/issue/3");
        check("https://acme.example/jira/", &issue, "https://acme.example/jira/rest/api/2/issue/3");
        let desk = Call::get("/rest/servicedeskapi/servicedesk/{desk}/customer").place("3");
        check(
            "https://acme.example/jira/",
            &desk,
            "https://acme.example/jira/rest/servicedeskapi/servicedesk/3/customer",
        );
    }

    #[test]
    fn who_may_have_made_something_says_so() {
        #[track_caller]
        fn check(call: &Call, ending: Ending, fault: Fault, code: &str) {
            let told = call.told(ending, fault);
            assert_eq!((told.kind(), told.code()), (Kind::Busy, code), "{ending:?}");
        }
        let make = Call::post("/rest/servicedeskapi/organization", Value::Null).makes();
        let read = Call::post("/rest/api/3/search/jql", Value::Null);
        for status in [500, 502, 503, 504] {
            let stumbled = || refused(status, Some(Duration::from_secs(1)));
            check(&make, Ending::Status(status, None), stumbled(), "jira_answer_lost");
            check(&read, Ending::Status(status, None), stumbled(), "jira_unavailable");
        }
        let lost = |code| unreachable(code, "");
        for code in ["outward_timeout", "outward_interrupted"] {
            check(&make, Ending::Lost, lost(code), "jira_answer_lost");
            check(&read, Ending::Lost, lost(code), code);
        }
        check(&make, Ending::Lost, lost(UNREACHED), UNREACHED);
        check(&make, Ending::Status(429, None), refused(429, None), "jira_rate_limited");
        assert_eq!(
            make.told(Ending::Status(503, None), refused(503, Some(Duration::from_secs(9)))).retry_after(),
            None
        );
    }

    #[test]
    fn statuses() {
        #[track_caller]
        fn check(status: u16, kind: Kind, code: &str) {
            let fault = refused(status, None);
            assert_eq!((fault.kind(), fault.code()), (kind, code), "{status}");
        }
        check(400, Kind::Invalid, "jira_rejected");
        check(401, Kind::Busy, "jira_access_ended");
        check(403, Kind::Refused, "refused");
        check(404, Kind::NotFound, "not_found");
        check(409, Kind::Conflict, "conflict");
        check(413, Kind::Invalid, "jira_rejected");
        check(429, Kind::Busy, "jira_rate_limited");
        check(500, Kind::Busy, "jira_unavailable");
        check(503, Kind::Busy, "jira_unavailable");
        check(302, Kind::Broken, "jira_unexpected");
    }
}
