//! Who is calling: nobody, a person by API token or by the pages' session, or an app by Bearer token.
//!
//! A wrong API token is no error: Jira then answers as to an anonymous caller. What a caller may do
//! is decided in [`crate::access`], never here.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::{
    App,
    events::Actor,
    gateway::ThroughGateway,
    rest::error::ApiError,
    state::{SESSION_COOKIE, State, model::AccountId},
};

/// How the caller proved who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Means {
    /// Not at all.
    Anonymous,
    /// Basic with an API token.
    ApiToken,
    /// An API token that has scopes.
    ScopedToken {
        /// What it is good for.
        scopes: Arc<[String]>,
    },
    /// The pages' cookie.
    Session,
    /// A token of an app.
    App {
        /// Which app.
        app_id: String,
        /// Whether it acts as a person.
        on_behalf: bool,
        /// What it was granted.
        scopes: Arc<[String]>,
    },
}

/// Who is calling.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The account; none for anonymous.
    pub(crate) account_id: Option<AccountId>,
    /// By what proof.
    pub(crate) means: Means,
}

impl Caller {
    /// Nobody.
    pub(crate) fn anonymous() -> Self {
        Self { account_id: None, means: Means::Anonymous }
    }

    /// A person at the site's own pages.
    pub(crate) fn person(account_id: &str) -> Self {
        Self { account_id: Some(account_id.to_owned()), means: Means::Session }
    }

    /// The account id, or an id that no account has.
    pub(crate) fn account(&self) -> &str {
        self.account_id.as_deref().unwrap_or_default()
    }

    pub(crate) fn is_anonymous(&self) -> bool {
        self.account_id.is_none()
    }

    /// Whether this is an app acting as itself.
    pub(crate) fn is_app_itself(&self) -> bool {
        matches!(self.means, Means::App { on_behalf: false, .. })
    }

    /// What the token is good for, if not for all that the account may.
    pub(crate) fn scopes(&self) -> Option<&[String]> {
        match &self.means {
            Means::App { scopes, .. } | Means::ScopedToken { scopes } => Some(scopes),
            _ => None,
        }
    }

    /// The app, if one.
    pub(crate) fn app_id(&self) -> Option<&str> {
        match &self.means {
            Means::App { app_id, .. } => Some(app_id),
            _ => None,
        }
    }

    /// For events and histories.
    pub(crate) fn actor(&self) -> Actor {
        Actor { account_id: self.account_id.clone(), app_id: self.app_id().map(str::to_owned) }
    }
}

/// Reads the proof. `gateway` says whether the call came by `api.atlassian.com`'s paths.
///
/// # Errors
/// 401 for a Bearer token that is unknown or expired (and for anonymous calls at the gateway), 403
/// for a Bearer token at the site's own address.
pub(crate) fn identify(state: &State, headers: &HeaderMap, gateway: bool) -> Result<Caller, ApiError> {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let (scheme, value) = authorization.split_once(' ').unwrap_or((authorization, ""));
    let caller = if scheme.eq_ignore_ascii_case("basic") {
        basic(state, value, gateway)
    } else if scheme.eq_ignore_ascii_case("bearer") {
        match bearer(state, value, gateway).or_else(|| scoped(state, None, value).filter(|_| gateway)) {
            Some(caller) => Some(caller),
            None if gateway => return Err(ApiError::gateway_unauthorized()),
            None => return Err(ApiError::bearer_at_site()),
        }
    } else if gateway {
        None
    } else {
        session(state, headers)
    };
    match caller {
        None if gateway => Err(ApiError::gateway_unauthorized()),
        None => Ok(Caller::anonymous()),
        Some(caller) => Ok(caller),
    }
}

fn basic(state: &State, value: &str, gateway: bool) -> Option<Caller> {
    let decoded = String::from_utf8(BASE64_STANDARD.decode(value.trim()).ok()?).ok()?;
    let (email, token) = decoded.split_once(':')?;
    let store = state.read();
    let account = store.account_by_email(email)?;
    let known = account.active && !token.is_empty() && account.api_tokens.iter().any(|t| t == token);
    if known {
        return Some(Caller { account_id: Some(account.account_id.clone()), means: Means::ApiToken });
    }
    let account_id = account.account_id.clone();
    drop(store);
    scoped(state, Some(&account_id), token).filter(|_| gateway)
}

/// By a token that has scopes, with the account that it is of or by itself, as it was made.
fn scoped(state: &State, with: Option<&str>, token: &str) -> Option<Caller> {
    let store = state.read();
    let known = store.scoped_tokens.get(token.trim())?;
    let fits = if known.alone { with.is_none() } else { with == Some(known.account_id.as_str()) };
    let active = store.account(&known.account_id).is_some_and(|account| account.active);
    (fits && active).then(|| Caller {
        account_id: Some(known.account_id.clone()),
        means: Means::ScopedToken { scopes: known.scopes.clone().into() },
    })
}

/// Each token is good at one of the two addresses.
fn bearer(state: &State, token: &str, gateway: bool) -> Option<Caller> {
    let now = state.now();
    let store = state.read();
    let grant =
        store.app_tokens.get(token.trim()).filter(|grant| grant.expires_at > now && grant.at_site != gateway)?;
    // Who is deactivated does nothing by an app either.
    if grant.on_behalf && store.account(&grant.account_id).is_none_or(|account| !account.active) {
        return None;
    }
    Some(Caller {
        account_id: Some(grant.account_id.clone()),
        means: Means::App {
            app_id: grant.app_id.clone(),
            on_behalf: grant.on_behalf,
            scopes: grant.scopes.clone().into(),
        },
    })
}

/// The session of the pages, from the cookie.
pub(crate) fn session(state: &State, headers: &HeaderMap) -> Option<Caller> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == SESSION_COOKIE)
        .and_then(|(_, token)| state.session_account(token))
        .filter(|id| state.read().account(id).is_some_and(|account| account.active))
        .map(|account_id| Caller { account_id: Some(account_id), means: Means::Session })
}

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        if let Some(caller) = parts.extensions.get::<Self>() {
            return Ok(caller.clone());
        }
        let gateway = parts.extensions.get::<ThroughGateway>().is_some();
        identify(&app.state, &parts.headers, gateway)
    }
}
