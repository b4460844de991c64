//! With which token a call is made. A person who is not there is acted for with a token that the app asks for.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use kernel::{AccountId, Fault, Result};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use serde_json::json;
use store::tenants::Mode;
use url::Url;

use super::{As, Jira};
use crate::connect::{Granted, Signer, Signing, asking};
use crate::door::{Outward, Purpose};
use crate::fault::unexpected;
use crate::sites::Known;
use crate::tokens::Presented;

const ASK_TIME: Duration = Duration::from_secs(10);
const ANSWER_BYTES: usize = 64 * 1024;

/// The code of a fault: Forge has brought no token yet with which Jira could be called.
pub(crate) const ACCESS_MISSING: &str = "jira_access_missing";

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

pub(crate) fn header(token: &str) -> Result<HeaderValue> {
    let mut value =
        HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| unexpected("a token that is no header"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// With what a call is made, and where to: the two go together.
pub(crate) struct Access {
    credential: Credential,
    /// The API base that takes it.
    pub(crate) base: Url,
}

enum Credential {
    /// The same for every call: the value of `Authorization`.
    Token(HeaderValue),
    /// Each call is signed for itself.
    Signer(Signer),
}

impl Access {
    fn with(header: HeaderValue, base: Url) -> Self {
        Self { credential: Credential::Token(header), base }
    }

    /// The value of `Authorization` for one call.
    pub(crate) fn header(&self, method: &Method, url: &Url, now: Timestamp) -> Result<HeaderValue> {
        match &self.credential {
            Credential::Token(header) => Ok(header.clone()),
            Credential::Signer(signer) => signer.header(method, &self.base, url, now),
        }
    }
}

impl Jira<'_> {
    /// With which token a call is made: what differs by how the site is joined.
    pub(crate) async fn access(&self, known: &Known) -> Result<Access> {
        match known.mode {
            Mode::Forge => Ok(Access::with(self.forge_authorization().await?, known.site.api_base.clone())),
            Mode::CloudToken | Mode::DataCenter => self.service_access(known).await,
            Mode::Connect => self.connect_access(known).await,
        }
    }

    /// Forgets a token that was refused; whether another one can be had. The app's own stays for a while, since right
    /// after an installation Jira refuses it too, but gives way to the next one that is received.
    pub(crate) async fn renew_token(&self, known: &Known) -> Result<bool> {
        let parts = &self.cloud.0;
        match (self.by(), known.mode) {
            (As::App, Mode::Forge) => {
                parts.tokens.doubt_system(self.cx).await?;
                Ok(false)
            }
            // Only the operator has another one, or the next install.
            (As::App, Mode::CloudToken | Mode::Connect | Mode::DataCenter) => Ok(false),
            (As::Person(account), _) => {
                parts.tokens.drop_user(self.cx, account).await?;
                Ok(true)
            }
        }
    }

    /// A site that an operator joined: its own address takes the account's token, or the gateway where it has scopes, as was found out;
    /// the gateway takes what people granted. Data Center has no gateway.
    async fn service_access(&self, known: &Known) -> Result<Access> {
        let parts = &self.cloud.0;
        match self.by() {
            As::App => {
                let login = parts.services.login(self.cx).await?;
                Ok(Access::with(login.peek().header()?, known.site.api_base.clone()))
            }
            As::Person(account) => {
                let token = match parts.tokens.user(self.cx, account).await? {
                    Some(token) => token,
                    None => {
                        parts.sign_in.refresh(self.cx, known, account).await?;
                        parts.tokens.user(self.cx, account).await?.ok_or_else(no_stand_in)?
                    }
                };
                let base = match known.mode {
                    Mode::DataCenter => known.site.api_base.clone(),
                    _ => parts.sign_in.base_of(&known.cloud)?,
                };
                Ok(Access::with(header(token.peek())?, base))
            }
        }
    }

    /// A site with the Connect app: the app signs each call, and asks for a token to act as a person.
    async fn connect_access(&self, known: &Known) -> Result<Access> {
        let parts = &self.cloud.0;
        let base = known.site.api_base.clone();
        let signing = parts.connect.as_ref().ok_or_else(connect_off)?;
        if let As::Person(account) = self.by()
            && let Some(token) = parts.tokens.user(self.cx, account).await?
        {
            return Ok(Access::with(header(token.peek())?, base));
        }
        let shared = signing.secrets.of(self.cx).await?;
        let shared = shared.ok_or_else(|| Fault::broken("connect_secret", "a site of Connect's, and no secret"))?;
        let signer = signing.signer(shared.peek());
        match self.by() {
            As::App => Ok(Access { credential: Credential::Signer(signer), base }),
            As::Person(account) => {
                let client = shared.peek().oauth_client().ok_or_else(no_stand_in)?;
                let (token, life) = self.ask_connect(signing, &signer, client, account, known).await?;
                parts.tokens.keep_user(self.cx, account, &token, life).await?;
                Ok(Access::with(header(token.text())?, base))
            }
        }
    }

    async fn ask_connect(
        &self,
        signing: &Signing,
        signer: &Signer,
        client: &str,
        account: &AccountId,
        known: &Known,
    ) -> Result<(Presented, Duration)> {
        let parts = &self.cloud.0;
        let mut call = asking(signing, signer, client, account, &known.site.api_base, parts.clock.now())?;
        call.time = ASK_TIME.min(self.until.saturating_sub(parts.limits.timer().now()));
        call.body_limit = ANSWER_BYTES;
        let reply = parts.door.send(self.cx.tenant(), Purpose::ConnectToken, call).await?;
        match reply.status.as_u16() {
            200 => {}
            // Customers of the portal, closed accounts: Connect gives no token for them.
            400 | 401 | 403 => return Err(no_stand_in()),
            429 => return Err(crate::fault::paced(Duration::from_secs(60))),
            _ => return Err(unexpected("the authorization server answers without success")),
        }
        let granted: Granted =
            serde_json::from_slice(&reply.body).map_err(|_| unexpected("the authorization server's answer"))?;
        let token = Presented::read(Some(&granted.access_token)).ok_or_else(|| unexpected("a token that is none"))?;
        Ok((token, Duration::from_secs(granted.expires_in)))
    }

    async fn forge_authorization(&self) -> Result<HeaderValue> {
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
        call.time = ASK_TIME.min(self.until.saturating_sub(parts.limits.timer().now()));
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
            _ => Err(no_stand_in()),
        }
    }
}

/// Callers ask as the app then, about the person.
pub(crate) fn no_stand_in() -> Fault {
    Fault::refused("Jira does not let Steward act for this person.")
}

fn connect_off() -> Fault {
    Fault::busy(
        "connect_off",
        "This site is joined by Connect, which this server's configuration has switched off. Ask its operator.",
        None,
    )
}

pub(crate) fn no_access() -> Fault {
    Fault::busy(
        ACCESS_MISSING,
        "Jira has not given Steward access yet. It does so every hour, and when a page of Steward is opened.",
        Some(Duration::from_secs(60)),
    )
}
