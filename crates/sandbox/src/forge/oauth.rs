//! The tokens that a remote gets to call the site: as the app, and as the person who looks.
//!
//! They are opaque to an app, which may only read `exp`. As Forge does, one token is handed out again
//! and again until less than two hours of its four are left. Start reading at [`Host::system_token`].

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::json;

use super::{Host, Installation, manifest::Endpoint};
use crate::state::AppToken;

/// Longest life of a token.
const LIFETIME: SignedDuration = SignedDuration::from_hours(4);
/// What is left at least when a token is handed out.
const LEFT_AT_LEAST: SignedDuration = SignedDuration::from_hours(2);

/// Tokens handed out, by installation and person (the empty id for the app itself).
#[derive(Default)]
pub(super) struct Oauth {
    handed_out: Mutex<HashMap<(String, String), (String, Timestamp)>>,
}

/// The two headers of a call to a remote.
#[derive(Debug, Clone, Default)]
pub(super) struct OauthHeaders {
    pub(super) system: Option<String>,
    pub(super) user: Option<String>,
}

impl Host {
    /// The headers that this endpoint asks for. `account_id` is the person in session, if one.
    pub(super) fn oauth_headers(
        &self,
        app: &Installation,
        endpoint: Option<&Endpoint>,
        account_id: Option<&str>,
    ) -> Result<OauthHeaders, String> {
        let Some(endpoint) = endpoint else { return Ok(OauthHeaders::default()) };
        let system = if endpoint.system_token { self.system_token(app)? } else { None };
        let user = match account_id.filter(|_| endpoint.user_token) {
            Some(account_id) => self.user_token(app, account_id)?,
            None => None,
        };
        Ok(OauthHeaders { system, user })
    }

    /// A token as the app; none when the manifest asks for no product scope.
    pub(super) fn system_token(&self, app: &Installation) -> Result<Option<String>, String> {
        self.hand_out(app, &app.account_id, false)
    }

    /// A token as a person; none when the manifest asks for no product scope.
    pub(super) fn user_token(&self, app: &Installation, account_id: &str) -> Result<Option<String>, String> {
        self.hand_out(app, account_id, true)
    }

    /// Seconds that a token handed out now still has.
    pub(super) fn seconds_left(&self, token: &str) -> i64 {
        let Some(site) = self.site.get() else { return 0 };
        let expires_at = site.state.read().app_tokens.get(token).map(|grant| grant.expires_at);
        expires_at.map_or(0, |at| at.duration_since(site.state.now()).as_secs())
    }

    fn hand_out(&self, app: &Installation, account_id: &str, on_behalf: bool) -> Result<Option<String>, String> {
        if app.manifest.product_scopes().is_empty() {
            return Ok(None);
        }
        let state = &self.site()?.state;
        let now = state.now();
        let whose = if on_behalf { account_id } else { "" };
        let key = (app.installation_id(), whose.to_owned());
        let mut handed_out = self.oauth.handed_out.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((token, expires_at)) = handed_out.get(&key)
            && expires_at.duration_since(now) >= LEFT_AT_LEAST
        {
            return Ok(Some(token.clone()));
        }
        let expires_at = now.checked_add(LIFETIME).map_err(|error| error.to_string())?;
        let token = opaque(account_id, now, expires_at)?;
        state.put_app_token(
            &token,
            AppToken {
                app_id: app.app_id().to_owned(),
                account_id: account_id.to_owned(),
                on_behalf,
                scopes: app.manifest.product_scopes(),
                expires_at,
                at_site: false,
            },
        );
        handed_out.insert(key, (token.clone(), expires_at));
        Ok(Some(token))
    }

    pub(super) fn forget_tokens(&self, app: &Installation) {
        let installation = app.installation_id();
        let mut handed_out = self.oauth.handed_out.lock().unwrap_or_else(PoisonError::into_inner);
        handed_out.retain(|(owner, _), _| *owner != installation);
        if let Some(site) = self.site.get() {
            site.state.revoke_app_tokens(app.app_id());
        }
    }
}

/// A JWT signed with a key that nobody keeps: good only because the site's table has it.
fn opaque(account_id: &str, now: Timestamp, expires_at: Timestamp) -> Result<String, String> {
    let claims = json!({
        "jti": uuid::Uuid::new_v4(), "sub": account_id, "iss": "https://auth.atlassian.com",
        "iat": now.as_second(), "exp": expires_at.as_second(),
    });
    let key = EncodingKey::from_secret(uuid::Uuid::new_v4().as_bytes());
    jsonwebtoken::encode(&Header::default(), &claims, &key).map_err(|error| error.to_string())
}
