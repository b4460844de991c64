//! One call of an app's remote, as Forge makes it: no redirects, a time limit, JSON back.
//!
//! It must never call an address outside the remote that the admin approved. Start reading at
//! [`Call::send`].

use std::{collections::BTreeMap, time::Duration};

use reqwest::{Method, StatusCode, header};
use serde_json::Value;
use url::Url;

use super::oauth::OauthHeaders;

/// Largest answer that Forge carries.
const ANSWER_MAX: usize = 5 * 1024 * 1024;
/// Headers that belong to Forge or to the connection; an app's own values for them are dropped.
const RESERVED: [&str; 9] =
    ["authorization", "host", "cookie", "content-length", "connection", "transfer-encoding", "te", "upgrade", "expect"];
const RESERVED_PREFIXES: [&str; 4] = ["x-forge-", "x-b3-", "proxy-", "sec-"];

/// A call that is ready to go.
pub(super) struct Call {
    pub(super) url: Url,
    pub(super) method: Method,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Option<Value>,
    pub(super) invocation_token: String,
    pub(super) oauth: OauthHeaders,
    pub(super) timeout: Duration,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, Vec<String>>,
    pub(super) body: Option<Value>,
}

/// Why a call failed, in Forge's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CallError {
    /// The remote said 401: kept for tokens that it could not verify.
    Token,
    /// No answer in time; seconds.
    Timeout(u64),
    /// No connection, or it broke.
    Network,
    /// An error that isn't JSON.
    ContentType { header: String, status: u16 },
    /// A body that isn't JSON.
    Body { status: u16 },
    /// A redirect: not followed.
    Redirect { status: u16 },
}

impl std::fmt::Display for CallError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let invalid = "Invalid response from remote";
        match self {
            Self::Token => f.write_str("Remote could not verify the Forge Invocation Token"),
            Self::Timeout(seconds) => write!(f, "Remote invocation timed out after {seconds} seconds"),
            Self::Network => write!(f, "{invalid} - remote network error"),
            Self::ContentType { header, status } => write!(
                f,
                "{invalid} - content-type header must be set to application/json and is currently: {header}. Status: {status}."
            ),
            Self::Body { status } | Self::Redirect { status } => {
                write!(f, "{invalid} - cannot parse body as JSON. Status: {status}.")
            }
        }
    }
}

/// Joins a path to a remote's address by the rules for relative addresses; `None` when that would
/// leave the remote.
pub(super) fn resolve(base: &Url, path: &str) -> Option<Url> {
    let url = base.join(path).ok()?;
    let same = url.origin() == base.origin() && url.username().is_empty() && url.password().is_none();
    same.then_some(url)
}

/// A remote's address with a trigger's route behind it.
pub(super) fn append(base: &Url, route: &str) -> Option<Url> {
    let url = Url::parse(&format!("{}{route}", base.as_str().trim_end_matches('/'))).ok()?;
    (url.origin() == base.origin()).then_some(url)
}

impl Call {
    /// Makes the call once.
    pub(super) async fn send(self, http: &reqwest::Client) -> Result<Answer, CallError> {
        let seconds = self.timeout.as_secs();
        let limit = self.timeout;
        match tokio::time::timeout(limit, self.exchange(http)).await {
            Ok(answer) => answer,
            Err(_) => Err(CallError::Timeout(seconds)),
        }
    }

    async fn exchange(self, http: &reqwest::Client) -> Result<Answer, CallError> {
        let mut request = http.request(self.method, self.url);
        for (name, value) in &self.headers {
            if !reserved(name) {
                request = request.header(name, value);
            }
        }
        let (trace, span) = (uuid::Uuid::new_v4().simple().to_string(), uuid::Uuid::new_v4());
        request = request
            .bearer_auth(&self.invocation_token)
            .header(header::ACCEPT, "application/json")
            .header("x-b3-traceid", trace)
            .header("x-b3-spanid", format!("{:016x}", span.as_u64_pair().0));
        if let Some(token) = &self.oauth.system {
            request = request.header("x-forge-oauth-system", token);
        }
        if let Some(token) = &self.oauth.user {
            request = request.header("x-forge-oauth-user", token);
        }
        if let Some(body) = &self.body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|_| CallError::Network)?;
        read(response).await
    }
}

async fn read(mut response: reqwest::Response) -> Result<Answer, CallError> {
    let status = response.status();
    if status == StatusCode::UNAUTHORIZED {
        return Err(CallError::Token);
    }
    if status.is_redirection() {
        return Err(CallError::Redirect { status: status.as_u16() });
    }
    let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in response.headers() {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        headers.entry(name.as_str().to_owned()).or_default().push(value);
    }
    let content_type = headers.get("content-type").and_then(|values| values.first()).cloned();
    if let Some(header) = content_type.filter(|value| !status.is_success() && !is_json(value)) {
        return Err(CallError::ContentType { header, status: status.as_u16() });
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| CallError::Network)? {
        if bytes.len() + chunk.len() > ANSWER_MAX {
            return Err(CallError::Network);
        }
        bytes.extend_from_slice(&chunk);
    }
    let body = match serde_json::from_slice(&bytes) {
        Ok(body) => Some(body),
        Err(_) if bytes.is_empty() && status.is_success() => None,
        Err(_) => return Err(CallError::Body { status: status.as_u16() }),
    };
    Ok(Answer { status: status.as_u16(), headers, body })
}

/// `application/json` itself: Forge takes no relative of it.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn reserved(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    RESERVED.contains(&name.as_str()) || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]
    use super::*;

    #[test]
    fn paths_stay_on_the_remote() {
        let base = Url::parse("https://steward.example.com:8443/base/").unwrap();
        let rows = [
            ("/api/v1/me?x=1", Some("https://steward.example.com:8443/api/v1/me?x=1")),
            ("tasks", Some("https://steward.example.com:8443/base/tasks")),
            ("//evil.example/x", None),
            ("https://evil.example/x", None),
            ("https://a@steward.example.com:8443/x", None),
            ("\\\\evil.example/x", None),
            ("http://steward.example.com:8443/x", None),
            ("javascript:1", None),
        ];
        for (path, expected) in rows {
            assert_eq!(resolve(&base, path).map(String::from).as_deref(), expected, "{path}");
        }
        assert_eq!(
            append(&base, "/forge/events").unwrap().as_str(),
            "https://steward.example.com:8443/base/forge/events"
        );
    }
}
