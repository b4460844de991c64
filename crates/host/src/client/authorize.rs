//! With which token a call is made. A person who is not there is acted for with a token that the app asks for.

use std::time::Duration;

use bytes::Bytes;
use kernel::{AccountId, Fault, Result};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::{As, Jira};
use crate::door::{Outward, Purpose};
use crate::fault::unexpected;
use crate::tokens::Presented;

const ASK_TIME: Duration = Duration::from_secs(10);
const ANSWER_BYTES: usize = 64 * 1024;

const MUTATION: &str = "mutation forge_remote_offlineUserAuthToken($input: OfflineUserAuthTokenInput!) { \
     offlineUserAuthToken(input: $input) { success errors { message } authToken { token ttl } } }";

#[derive(Deserialize)]
struct Envelope {
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    offline_user_auth_token: Option<Answer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    success: bool,
    auth_token: Option<AuthToken>,
}

#[derive(Deserialize)]
struct AuthToken {
    token: String,
    ttl: serde_json::Number,
}

fn header(token: &str) -> Result<HeaderValue> {
    let mut value =
        HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| unexpected("a token that is no header"))?;
    value.set_sensitive(true);
    Ok(value)
}

impl Jira<'_> {
    pub(crate) async fn authorization(&self) -> Result<HeaderValue> {
        let tokens = &self.cloud.0.tokens;
        match self.by() {
            As::App => header(tokens.system(self.cx).await?.ok_or_else(no_access)?.peek()),
            As::Person(account) => {
                if let Some(user) = tokens.user(self.cx, account).await? {
                    return header(user.peek());
                }
                let (token, life) = self.ask_for(account).await?;
                tokens.keep_user(self.cx, account, &token, life).await?;
                header(token.text())
            }
        }
    }

    /// Forgets a token that was refused; whether another one can be had. The app's own stays for a while, since right
    /// after an installation Jira refuses it too, but gives way to the next one that is received.
    pub(crate) async fn renew_token(&self) -> Result<bool> {
        match self.by() {
            As::App => {
                self.cloud.0.tokens.doubt_system(self.cx).await?;
                Ok(false)
            }
            As::Person(account) => {
                self.cloud.0.tokens.drop_user(self.cx, account).await?;
                Ok(true)
            }
        }
    }

    /// Asks for a token to act as a person who is not there.
    async fn ask_for(&self, account: &AccountId) -> Result<(Presented, Duration)> {
        let parts = &self.cloud.0;
        let system = parts.tokens.system(self.cx).await?.ok_or_else(no_access)?;
        let known = parts.sites.of(self.cx.tenant()).await?;
        let ask = json!({
            "query": MUTATION,
            "variables": {"input": {
                "contextIds": [format!("ari:cloud:jira::site/{}", known.cloud)],
                "userId": account.as_str(),
            }},
        });
        let mut call = Outward::new(Method::POST, parts.graphql.clone());
        call.time = ASK_TIME.min(self.until.saturating_duration_since(Instant::now()));
        call.body_limit = ANSWER_BYTES;
        call.authorization = Some(header(system.peek())?);
        call.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        call.body = Some(Bytes::from(ask.to_string()));
        let reply = parts.door.send(self.cx.tenant(), Purpose::PersonToken, call).await?;
        match reply.status.as_u16() {
            200 => {}
            429 => return Err(crate::fault::paced(Duration::from_secs(60))),
            401 => {
                parts.tokens.doubt_system(self.cx).await?;
                return Err(no_access());
            }
            _ => return Err(unexpected("the token service answers without success")),
        }
        let answer: Envelope =
            serde_json::from_slice(&reply.body).map_err(|_| unexpected("the token service's answer"))?;
        let given = answer.data.and_then(|data| data.offline_user_auth_token);
        match given {
            Some(Answer { success: true, auth_token: Some(given) }) => {
                let life = given.ttl.as_f64().filter(|ttl| (1.0..1e6).contains(ttl));
                let token = Presented::read(Some(&given.token)).ok_or_else(|| unexpected("a token that is none"))?;
                Ok((token, life.map_or(Duration::from_secs(60), Duration::from_secs_f64)))
            }
            _ => Err(Fault::refused("Jira does not let Steward act for this person.")),
        }
    }
}

fn no_access() -> Fault {
    Fault::busy(
        "jira_access_missing",
        "Jira has not given Steward access yet. It does so every hour, and when a page of Steward is opened.",
        Some(Duration::from_secs(60)),
    )
}
