//! A Connect host as Atlassian's was: it reads an app's descriptor, installs the app, shares a secret with it, shows its pages
//! with tokens in their addresses, signs its webhooks, and lets it call the site with tokens of its own.
//!
//! It must never be kinder than Connect: an install whose call is not answered 200 or 204 is none, a token whose hash is
//! another request's opens nothing, and a scope that the descriptor does not name is not there. Start reading at
//! [`Host::install`] for what the site says, at [`Host::caller`] for what apps say.

mod assertion;
mod conditions;
mod descriptor;
mod doors;
mod frames;
mod keys;
mod lifecycle;
mod token;

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use axum::Router;
use axum::http::{HeaderMap, Method, Uri, header};
use indexmap::IndexMap;
use serde_json::Value;

pub use descriptor::{Descriptor, DescriptorError, Page};
pub use frames::Opened;
pub(crate) use frames::Place;
pub use lifecycle::InstallError;

use crate::auth::{Caller, Means};
use crate::rest::error::ApiError;
use crate::state::State;

/// The request as it came, before the site rewrote its address: what a token is signed for.
#[derive(Debug, Clone)]
pub(crate) struct AsSent(pub(crate) Uri);

/// An app that is installed.
#[derive(Debug)]
pub struct Installation {
    /// What it said of itself when it was installed.
    pub descriptor: Descriptor,
    /// Its own account on the site.
    pub account_id: String,
    /// Names the site to the app, for ever.
    pub client_key: String,
    /// Names the app at the authorization server.
    pub oauth_client: String,
    /// False while an admin switched it off.
    pub enabled: bool,
    /// What site and app share; the one before it, until the app has taken the new one.
    secrets: Vec<String>,
}

impl Installation {
    /// What site and app share.
    #[must_use]
    pub fn secret(&self) -> &str {
        self.secrets.first().map_or("", String::as_str)
    }
}

struct Site {
    state: Arc<State>,
    http: reqwest::Client,
}

/// The Connect host.
pub struct Host {
    key: Arc<keys::InstallKey>,
    site: OnceLock<Site>,
    installed: RwLock<IndexMap<String, Arc<Installation>>>,
    /// By which name each app knows the site: the same again when it comes back.
    client_keys: RwLock<IndexMap<String, String>>,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("install_keys", &self.install_keys_url()).finish_non_exhaustive()
    }
}

impl Host {
    pub(crate) fn new(config: &crate::Config) -> Result<Self, String> {
        let key = match &config.connect_keys_of {
            Some(other) => other.key.clone(),
            None => Arc::new(keys::InstallKey::open(config.keys.as_deref())?),
        };
        Ok(Self { key, site: OnceLock::new(), installed: RwLock::default(), client_keys: RwLock::default() })
    }

    pub(crate) fn start(&self, state: Arc<State>, http: reqwest::Client) -> Result<(), String> {
        self.site.set(Site { state, http }).map_err(|_| "the Connect host was started twice".to_owned())
    }

    fn site(&self) -> Result<&Site, String> {
        self.site.get().ok_or_else(|| "the site has not started".to_owned())
    }

    fn site_url(&self) -> &str {
        self.site.get().map_or("", |site| site.state.site_url())
    }

    /// Under this address, each by its id, the keys that installs are signed with.
    #[must_use]
    pub fn install_keys_url(&self) -> String {
        format!("{}/connect/install-keys/", self.site_url())
    }

    /// The script that pages of apps load.
    #[must_use]
    pub fn bridge_url(&self) -> String {
        format!("{}/connect/all.js", self.site_url())
    }

    /// The installed apps.
    #[must_use]
    pub fn installed(&self) -> Vec<Arc<Installation>> {
        self.installed.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// An installed app by its key.
    #[must_use]
    pub fn installation(&self, key: &str) -> Option<Arc<Installation>> {
        self.installed.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// By which name an app knows the site, if it ever was installed here.
    pub(crate) fn client_key(&self, key: &str) -> Option<String> {
        self.client_keys.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn put(&self, installed: Installation) -> Arc<Installation> {
        let installed = Arc::new(installed);
        let key = installed.descriptor.key.clone();
        self.installed.write().unwrap_or_else(PoisonError::into_inner).insert(key, installed.clone());
        installed
    }

    /// Who calls with a token of Connect's; none if there is none. Only `Authorization` is looked at: that is where the
    /// libraries of apps put it.
    ///
    /// # Errors
    /// 401 for a token that is not one of an installed app's for just this request.
    pub(crate) fn caller(
        &self,
        state: &State,
        method: &Method,
        sent: &Uri,
        headers: &HeaderMap,
    ) -> Result<Option<Caller>, ApiError> {
        let sent_token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some((scheme, token)) = sent_token.and_then(|value| value.split_once(' ')) else { return Ok(None) };
        if !scheme.eq_ignore_ascii_case("jwt") {
            return Ok(None);
        }
        let refused = || ApiError::connect_unauthorized();
        let app = token::issuer(token).and_then(|key| self.installation(&key)).filter(|app| app.enabled);
        let app = app.ok_or_else(refused)?;
        let hash = token::hash(method.as_str(), sent.path(), sent.query().unwrap_or_default());
        let now = state.now();
        let good = app.secrets.iter().any(|secret| token::is_apps(token, secret, &app, &hash, now));
        if !good {
            return Err(refused());
        }
        Ok(Some(Caller {
            account_id: Some(app.account_id.clone()),
            means: Means::App {
                app_id: app.descriptor.key.clone(),
                on_behalf: false,
                scopes: app.descriptor.granted().into(),
            },
        }))
    }

    /// The value of `Authorization` with which the site tells an app of something at `url`; none once it is gone.
    pub(crate) fn signature(&self, key: &str, method: &str, url: &str) -> Option<String> {
        let app = self.installation(key).filter(|app| app.enabled)?;
        let (path, query) = app.descriptor.below(url)?;
        let state = &self.site().ok()?.state;
        let hash = token::hash(method, &path, &query);
        token::of_site(&app, &hash, None, &Value::Null, state.now()).map(|token| format!("JWT {token}"))
    }
}

pub(crate) fn router(app: &crate::App) -> Router {
    doors::router().merge(frames::router()).merge(assertion::router()).with_state(app.clone())
}
