//! People who sign in on our own pages, at a site that an operator joined: OAuth 2.0 with Atlassian's authorization
//! server, or with the Data Center itself (an authorization code, PKCE, rotating refresh tokens).
//!
//! What Jira then lets us do as a person is what that person granted, and no more. Who they are is what Jira says to the
//! token itself; that it is this tenant's site, what the authorization server says, or that it is the site's own. Start at [`SignIn::begin`].

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures::future::BoxFuture;
use kernel::{AccountId, Cx, Fault, KeyClass, Result, RowName, TenantId};
use oauth2::basic::{BasicClient, BasicErrorResponseType, BasicTokenResponse};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, Scope, TokenResponse, TokenUrl,
};
use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderValue};
use serde::Deserialize;
use store::Store;
use url::Url;
use vault::{Place, Subject, Vault};

use crate::client::User;
use crate::client::authorize::{header, no_stand_in};
use crate::data_center::Users;
use crate::door::{Door, Outward, Purpose};
use crate::fault::unexpected;
use crate::service::{OauthClient, Services};
use crate::sites::Known;
use crate::tokens::{Presented, Tokens};
use crate::{schema, sql};

/// What is asked for: to read what the person may read, and to ask again within the day.
const SCOPES: [&str; 4] = ["read:jira-user", "read:jira-work", "read:servicedesk-request", "offline_access"];
/// The same of Data Center, which knows no finer ones and always lets one ask again.
const DATA_CENTER_SCOPE: &str = "READ";
/// Where Atlassian's authorization server hands out tokens.
pub(crate) const TOKEN_AT: &str = "oauth/token";
/// Where a Data Center does.
pub(crate) const DATA_CENTER_TOKEN_AT: &str = "rest/oauth2/latest/token";
/// Whose API the grant is for.
const AUDIENCE: &str = "api.atlassian.com";
const ASK_TIME: Duration = Duration::from_secs(10);
/// Tokens and a list of sites are a few KB; a person may have granted many sites.
const ANSWER_BYTES: usize = 256 * 1024;
/// The life taken for granted when an answer does not say.
const UNTOLD_LIFE: Duration = Duration::from_secs(600);
/// A code is a few hundred characters.
const CODE_CHARS: usize = 4096;

/// The code of a fault: whoever signed in must do so again.
pub(crate) const SIGN_IN_OVER: &str = "sign_in_over";

/// One try to sign in, bound to one browser: all of it follows from a secret that only that browser has.
pub struct Attempt {
    state: String,
    verifier: String,
}

impl Attempt {
    /// From the browser's secret.
    pub fn of(secret: &str) -> Self {
        let derive = |purpose: &[u8]| {
            let mut context = digest::Context::new(&digest::SHA256);
            context.update(purpose);
            context.update(secret.as_bytes());
            URL_SAFE_NO_PAD.encode(context.finish())
        };
        Self { state: derive(b"steward sign-in state 1 "), verifier: derive(b"steward sign-in verifier 1 ") }
    }

    /// Whether an answer of the authorization server belongs to it.
    pub fn is_answered_by(&self, state: &str) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(self.state.as_bytes(), state.as_bytes()).is_ok()
    }
}

/// Who signed in.
pub struct Signed {
    /// Their account.
    pub account: AccountId,
    /// Language tag.
    pub locale: Option<String>,
    /// IANA name of their time zone.
    pub time_zone: Option<String>,
}

pub(crate) struct Parts {
    /// The authorization server's origin.
    pub(crate) authority: Url,
    /// Where browsers come back to.
    pub(crate) callback: Option<Url>,
    /// What lists the sites that a token is good for.
    pub(crate) granted_sites: Url,
    /// Where a granted token is taken: the API base of a site is its cloud id behind it.
    pub(crate) gateway: Url,
    pub(crate) door: Door,
    pub(crate) services: Services,
    pub(crate) tokens: Tokens,
    pub(crate) users: Users,
    pub(crate) store: Store,
    pub(crate) vault: Vault,
}

/// Signing in; cheap to clone.
#[derive(Clone)]
pub struct SignIn(Arc<Parts>);

#[derive(Deserialize)]
struct GrantedSite {
    id: String,
}

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// A call of the library's that did not leave or did not arrive.
#[derive(Debug)]
struct Unsent(&'static str);

impl std::fmt::Display for Unsent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Unsent {}

fn not_set_up() -> Fault {
    Fault::unauthenticated(
        "sign_in_not_set_up",
        "Nobody can sign in to this site here yet. Its operator sets it up with `steward site sign-in`.",
    )
}

fn over() -> Fault {
    Fault::unauthenticated(SIGN_IN_OVER, "Signing in took too long or was begun elsewhere. Sign in again.")
}

/// Jira lets nobody act for them any more: what they granted was taken back, ended, or was never told here.
pub(crate) fn ended() -> Fault {
    Fault::unauthenticated(SIGN_IN_OVER, "Jira does not let Steward ask as you any more. Sign in again.")
}

fn unavailable() -> Fault {
    Fault::busy("sign_in_unavailable", "Jira does not answer at the moment. Try again.", Some(ASK_TIME))
}

impl SignIn {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The API base that takes what people of a site granted.
    pub(crate) fn base_of(&self, cloud: &str) -> Result<Url> {
        under(&self.0.gateway, &[cloud])
    }

    async fn client(&self, cx: &Cx, known: &Known) -> Result<Client> {
        let client = self.0.services.client(cx).await?.ok_or_else(not_set_up)?;
        let OauthClient { id, secret } = client.peek();
        let (authority, authorize, token) = if known.is_data_center() {
            (&known.site.api_base, "rest/oauth2/latest/authorize", DATA_CENTER_TOKEN_AT)
        } else {
            (&self.0.authority, "authorize", TOKEN_AT)
        };
        let at = |path: &str| authority.join(path).map_err(|error| Fault::broken("sign_in", error));
        Ok(BasicClient::new(ClientId::new(id.clone()))
            .set_client_secret(ClientSecret::new(secret.clone()))
            .set_auth_type(AuthType::RequestBody)
            .set_auth_uri(AuthUrl::from_url(at(authorize)?))
            .set_token_uri(TokenUrl::from_url(at(token)?)))
    }

    /// Where the browser goes to sign in. `callback` is where it comes back to.
    ///
    /// # Errors
    /// `sign_in_not_set_up`.
    pub async fn begin(&self, cx: &Cx, known: &Known, attempt: &Attempt, callback: &Url) -> Result<Url> {
        let verifier = PkceCodeVerifier::new(attempt.verifier.clone());
        let client = self.client(cx, known).await?.set_redirect_uri(RedirectUrl::from_url(callback.clone()));
        let state = attempt.state.clone();
        let asking = client
            .authorize_url(|| CsrfToken::new(state))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        let asking = if known.is_data_center() {
            asking.add_scope(Scope::new(DATA_CENTER_SCOPE.to_owned()))
        } else {
            asking
                .add_scopes(SCOPES.map(|scope| Scope::new(scope.to_owned())))
                .add_extra_param("audience", AUDIENCE)
                .add_extra_param("prompt", "consent")
        };
        Ok(asking.url().0)
    }

    /// Whoever came back with a code: their account, once the tokens that they granted are kept.
    ///
    /// # Errors
    /// `sign_in_over` for a code that is none or was used; `sign_in_other_site` for a grant that does not open this
    /// tenant's site; `sign_in_unavailable`.
    pub async fn finish(
        &self,
        cx: &Cx,
        known: &Known,
        attempt: &Attempt,
        code: &str,
        callback: &Url,
    ) -> Result<Signed> {
        if code.is_empty() || code.len() > CODE_CHARS {
            return Err(over());
        }
        let client = self.client(cx, known).await?.set_redirect_uri(RedirectUrl::from_url(callback.clone()));
        let http = self.way(cx.tenant());
        let granted = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier.clone()))
            .request_async(&http)
            .await
            .map_err(|error| refused(&error).unwrap_or_else(over))?;
        let bearer = header(granted.access_token().secret())?;
        if known.is_data_center() {
            let me = under(&known.site.api_base, &["rest", "api", "2", "myself"])?;
            let mut user: serde_json::Value = self.ask(cx, me, bearer).await?;
            self.0.users.introduce(cx, &mut user).await?;
            let user = serde_json::from_value(user).map_err(|_| unexpected("an answer of another shape"))?;
            return self.signed(cx, user, &granted).await;
        }
        let sites: Vec<GrantedSite> = self.ask(cx, self.0.granted_sites.clone(), bearer.clone()).await?;
        if !sites.iter().any(|site| site.id == known.cloud) {
            return Err(Fault::unauthenticated(
                "sign_in_other_site",
                "You signed in, but not to this site. Sign in again, and choose this site where Atlassian asks which one.",
            ));
        }
        let me = under(&self.base_of(&known.cloud)?, &["rest", "api", "3", "myself"])?;
        let user: User = self.ask(cx, me, bearer).await?;
        self.signed(cx, user, &granted).await
    }

    async fn signed(&self, cx: &Cx, user: User, granted: &BasicTokenResponse) -> Result<Signed> {
        self.keep(cx, &user.account_id, granted).await?;
        Ok(Signed { account: user.account_id, locale: user.locale, time_zone: user.time_zone })
    }

    /// Asks for access as a person anew, with what is left of their signing in.
    ///
    /// # Errors
    /// `refused` for whoever did not sign in here; `sign_in_over` once Atlassian does not take it any more.
    pub(crate) async fn refresh(&self, cx: &Cx, known: &Known, account: &AccountId) -> Result<()> {
        let kept = sql::refresh_token(&mut self.0.store.read(cx).await?, account).await?;
        let Some(kept) = kept else { return Err(no_stand_in()) };
        let keys = self.0.vault.keys(cx, KeyClass::Credential, Subject::Person(account)).await?;
        let kept = keys.open(&place(cx, account), &kept)?;
        let client = self.client(cx, known).await?;
        let http = self.way(cx.tenant());
        let token = RefreshToken::new(kept.peek().clone());
        let mut asking = client.exchange_refresh_token(&token);
        if let (true, Some(callback)) = (known.is_data_center(), &self.0.callback) {
            asking = asking.add_extra_param("redirect_uri", callback.as_str());
        }
        match asking.request_async(&http).await {
            Ok(granted) => self.keep(cx, account, &granted).await,
            Err(error) => Err(match refused(&error) {
                Some(fault) => fault,
                None => {
                    self.forget(cx, account).await?;
                    ended()
                }
            }),
        }
    }

    /// Whether a person signed in and granted something that has not ended.
    pub(crate) async fn is_granted(&self, cx: &Cx, account: &AccountId) -> Result<bool> {
        let renewable = sql::refresh_token(&mut self.0.store.read(cx).await?, account).await?.is_some();
        Ok(renewable || self.0.tokens.user(cx, account).await?.is_some())
    }

    /// Forgets what a person granted: they signed out.
    pub async fn forget(&self, cx: &Cx, account: &AccountId) -> Result<()> {
        let mut scoped = self.0.store.write(cx).await?;
        sql::refresh_token_drop(&mut scoped, account).await?;
        sql::user_token_drop(&mut scoped, account).await?;
        scoped.commit().await
    }

    async fn keep(&self, cx: &Cx, account: &AccountId, granted: &BasicTokenResponse) -> Result<()> {
        let token = |text: &str| Presented::read(Some(text)).ok_or_else(|| unexpected("a token that is none"));
        let access = token(granted.access_token().secret())?;
        let life = granted.expires_in().unwrap_or(UNTOLD_LIFE);
        // One that was refused must not stay because it claimed a longer life.
        self.0.tokens.drop_user(cx, account).await?;
        self.0.tokens.keep_user(cx, account, &access, life).await?;
        let Some(refresh) = granted.refresh_token() else { return Ok(()) };
        let refresh = token(refresh.secret())?;
        let keys = self.0.vault.keys(cx, KeyClass::Credential, Subject::Person(account)).await?;
        let sealed = keys.seal(&place(cx, account), &refresh.text().to_owned())?;
        let mut scoped = self.0.store.write(cx).await?;
        sql::refresh_token_keep(&mut scoped, cx, account, sealed).await?;
        scoped.commit().await
    }

    async fn ask<T: serde::de::DeserializeOwned>(&self, cx: &Cx, url: Url, bearer: HeaderValue) -> Result<T> {
        let mut call = bounded(Method::GET, url);
        call.authorization = Some(bearer);
        call.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let reply = self.0.door.send(cx.tenant(), Purpose::SignIn, call).await?;
        match reply.status.as_u16() {
            200 => serde_json::from_slice(&reply.body).map_err(|_| unexpected("an answer of another shape")),
            401 | 403 => Err(Fault::unauthenticated(
                "sign_in_no_access",
                "Jira does not let you in here: this account has no access to Jira on this site. Ask its administrator.",
            )),
            _ => Err(unavailable()),
        }
    }

    fn way(&self, tenant: TenantId) -> Way {
        Way { door: self.0.door.clone(), tenant }
    }
}

/// Carries the library's calls through the door.
struct Way {
    door: Door,
    tenant: TenantId,
}

impl<'c> AsyncHttpClient<'c> for Way {
    type Error = Unsent;
    type Future = BoxFuture<'c, Result<HttpResponse, Unsent>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let url = Url::parse(&head.uri.to_string()).map_err(|_| Unsent("an address that is none"))?;
            let mut call = bounded(head.method, url);
            call.headers = head.headers;
            call.body = Some(Bytes::from(body));
            let sent = self.door.send(self.tenant, Purpose::SignIn, call).await;
            let reply = sent.map_err(|fault| Unsent(fault.code()))?;
            let mut response = HttpResponse::new(reply.body.to_vec());
            (*response.status_mut(), *response.headers_mut()) = (reply.status, reply.headers);
            Ok(response)
        })
    }
}

/// A place below an address, each part of its path written as it must be.
fn under(base: &Url, parts: &[&str]) -> Result<Url> {
    let mut url = base.clone();
    {
        let mut path = url.path_segments_mut().map_err(|()| unexpected("an API base that has no paths"))?;
        path.pop_if_empty().extend(parts);
    }
    Ok(url)
}

fn bounded(method: Method, url: Url) -> Outward {
    let mut call = Outward::new(method, url);
    call.time = ASK_TIME;
    call.body_limit = ANSWER_BYTES;
    call
}

fn place(cx: &Cx, account: &AccountId) -> Place {
    Place::new(&schema::REFRESH_TOKEN, RowName::new().uuid(cx.tenant().0).text(account.as_str()))
}

type TokenFault = RequestTokenError<Unsent, oauth2::basic::BasicErrorResponse>;

/// What went wrong that is not the code's or the refresh token's fault; `None` when it is.
fn refused(error: &TokenFault) -> Option<Fault> {
    match error {
        RequestTokenError::ServerResponse(said) => match said.error() {
            // Atlassian names an ended refresh token `unauthorized_client` or `access_denied` too.
            BasicErrorResponseType::InvalidClient => Some(Fault::unauthenticated(
                "sign_in_not_set_up",
                "Jira does not know this server's sign-in any more. Its operator mends it with `steward site sign-in`.",
            )),
            _ => None,
        },
        RequestTokenError::Request(Unsent(code)) => Some(unavailable().because(*code)),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            Some(unavailable().because("an answer of another shape"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_its_browsers_alone() {
        let (one, same, other) = (Attempt::of("a"), Attempt::of("a"), Attempt::of("b"));
        assert!(one.is_answered_by(&same.state) && one.verifier == same.verifier);
        assert!(!one.is_answered_by(&other.state) && one.verifier != other.verifier);
        assert!(!one.is_answered_by("") && !one.is_answered_by(&one.verifier));
        // RFC 7636, 4.1: 43 to 128 characters.
        assert_eq!(one.verifier.len(), 43);
    }
}
