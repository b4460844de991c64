//! A Forge host as Atlassian's: it installs apps from their manifests, shows their pages in frames,
//! signs invocation tokens, carries `invokeRemote` calls and events to their remotes, and hands out
//! the tokens with which a remote calls the site back.
//!
//! It must never be kinder than Forge: tokens live 25 s, events come late, twice or never, redirects
//! and slow answers are failures, and without a product scope no OAuth token is minted. Start reading
//! at [`Host`]; the way of a call from a page is `invoke` → `remote`, of an event `trigger` → `remote`.

mod carried;
mod context;
mod doors;
mod frames;
mod graphql;
mod installation;
mod invoke;
mod keys;
mod lifecycle;
mod lint;
mod manifest;
mod oauth;
mod payload;
mod permissions;
mod personal_data;
mod remote;
mod residency;
mod token;
mod trigger;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, OnceLock, PoisonError, RwLock},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State as Shared,
    routing::{get, post},
};
use indexmap::IndexMap;
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use carried::Carried;
pub use context::{OpenError, Place};
pub use installation::{AddressError, Installation};
pub use lifecycle::InstallError;
pub(crate) use lifecycle::install;
pub use manifest::{Configurable, Manifest, ManifestError, Remote, UiKind, UiModule};
pub use residency::{Answered, Migration, MigrationError, Outcome};
pub(crate) use trigger::Delivery;

use crate::{App, Config, deliveries, state::State};

/// Forge's own waiting time before a failed event is sent again.
const EVENT_RETRY: Duration = Duration::from_secs(60);
/// Forge's limit for a remote to answer an event.
const EVENT_TIMEOUT: Duration = Duration::from_secs(5);
/// Forge's limit for a remote to answer a page.
const INVOKE_TIMEOUT: Duration = Duration::from_secs(25);

/// Gives a file of an app's resource: the argument is `<resource key>/<path>`.
pub type Resources = Arc<dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync>;

/// An app as `forge deploy` would take it.
#[derive(Clone)]
pub struct ForgeApp {
    /// Name shown (in Atlassian's cloud it is registered apart from the manifest).
    pub name: String,
    /// Text of `manifest.yml`.
    pub manifest_yaml: String,
    /// Built files of its Custom UI.
    pub resources: Resources,
}

impl std::fmt::Debug for ForgeApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ForgeApp").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Where an event's payload stands in the body that a remote gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EventBody {
    /// Under `payload`, as Forge's page on retries shows it.
    #[default]
    Wrapped,
    /// At the top, as Forge's pages on single events show it.
    Bare,
}

/// How the Forge host is set up.
#[derive(Debug, Clone)]
pub struct ForgeConfig {
    /// Apps installed at start, each with its remote's address where it is customer-managed.
    pub apps: Vec<(ForgeApp, Option<String>)>,
    /// Where apps' frames are served: another origin than the site, as in Atlassian's cloud.
    pub frames_listen: SocketAddr,
    /// The frames' origin as browsers reach it, when it isn't `http://{frames_listen}`.
    pub frames_url: Option<String>,
    /// Waiting time before a failed event is sent again.
    pub event_retry: Duration,
    /// Limit for a remote to answer an event.
    pub event_timeout: Duration,
    /// Limit for a remote to answer a page.
    pub invoke_timeout: Duration,
    /// How long the hour of `interval: hour` lasts; the other intervals follow it.
    pub hour: Duration,
    /// Shape of an event's body.
    pub event_body: EventBody,
    /// Another site of the same cloud: its Forge signs for both, as Atlassian's does for all sites.
    pub same_cloud_as: Option<Arc<Host>>,
}

impl Default for ForgeConfig {
    fn default() -> Self {
        Self {
            apps: Vec::new(),
            frames_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            frames_url: None,
            event_retry: EVENT_RETRY,
            event_timeout: EVENT_TIMEOUT,
            invoke_timeout: INVOKE_TIMEOUT,
            hour: Duration::from_secs(3600),
            event_body: EventBody::default(),
            same_cloud_as: None,
        }
    }
}

/// What the host needs of the running site (all of it but itself, so that nothing holds itself).
struct Site {
    state: Arc<State>,
    http: reqwest::Client,
    tasks: TaskTracker,
    stop: CancellationToken,
    deliveries: Arc<deliveries::Log>,
}

/// The Forge host.
pub struct Host {
    key: Arc<keys::SigningKey>,
    settings: ForgeConfig,
    site: OnceLock<Site>,
    frames_url: OnceLock<String>,
    installed: RwLock<IndexMap<String, Arc<Installation>>>,
    oauth: oauth::Oauth,
    personal_data: personal_data::Changes,
    offline_calls: graphql::Calls,
    under_way: watch::Sender<usize>,
    /// Events of the site that were looked at, and sent to whoever wants them.
    heard: watch::Sender<u64>,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("jwks", &self.jwks_url()).finish_non_exhaustive()
    }
}

impl Host {
    pub(crate) fn new(config: &Config) -> Result<Self, String> {
        let key = match &config.forge.same_cloud_as {
            Some(other) => other.key.clone(),
            None => Arc::new(keys::SigningKey::open(config.keys.as_deref()).map_err(|error| error.to_string())?),
        };
        Ok(Self {
            key,
            settings: config.forge.clone(),
            site: OnceLock::new(),
            frames_url: OnceLock::new(),
            installed: RwLock::default(),
            oauth: oauth::Oauth::default(),
            personal_data: personal_data::Changes::default(),
            offline_calls: graphql::Calls::default(),
            under_way: watch::channel(0).0,
            heard: watch::channel(0).0,
        })
    }

    /// Waits until every event so far was looked at, and none is on its way to a remote, retries included.
    pub(crate) async fn settled(&self) {
        if let Some(site) = self.site.get() {
            let emitted = site.state.events_emitted();
            let mut heard = self.heard.subscribe();
            tokio::select! {
                () = site.stop.cancelled() => return,
                _ = heard.wait_for(|heard| *heard >= emitted) => {}
            }
        }
        let mut under_way = self.under_way.subscribe();
        // The sender lives in `self`, so waiting can only end with the condition.
        let _ = under_way.wait_for(|count| *count == 0).await;
    }

    /// Address of the key set that verifies invocation tokens.
    #[must_use]
    pub fn jwks_url(&self) -> String {
        self.site
            .get()
            .map_or_else(String::new, |site| format!("{}/forge/.well-known/jwks.json", site.state.site_url()))
    }

    /// Origin of the apps' frames, without a trailing slash; empty until the site has started.
    #[must_use]
    pub fn frames_url(&self) -> &str {
        self.frames_url.get().map_or("", String::as_str)
    }

    /// The installed apps.
    #[must_use]
    pub fn installed(&self) -> Vec<Arc<Installation>> {
        let installed = self.installed.read().unwrap_or_else(PoisonError::into_inner);
        installed.values().cloned().collect()
    }

    /// An installed app by its ARI or the UUID in it.
    #[must_use]
    pub fn installation(&self, app: &str) -> Option<Arc<Installation>> {
        self.installed().into_iter().find(|one| one.app_id() == app || one.app_uuid() == app)
    }

    /// The app that has a module of this key, with the module.
    #[must_use]
    pub fn find_module(&self, key: &str) -> Option<(Arc<Installation>, UiModule)> {
        self.installed().into_iter().find_map(|one| {
            let module = one.manifest.module(key)?.clone();
            Some((one, module))
        })
    }

    fn site(&self) -> Result<&Site, String> {
        self.site.get().ok_or_else(|| "the site has not started".to_owned())
    }
}

/// Opens the frames' listener, and listens to the site's events.
pub(crate) async fn start(app: &App) -> Result<(), String> {
    let host = &app.forge;
    let site = Site {
        state: app.state.clone(),
        http: app.http.clone(),
        tasks: app.tasks.clone(),
        stop: app.stop.clone(),
        deliveries: app.deliveries.clone(),
    };
    host.site.set(site).map_err(|_| "the Forge host was started twice".to_owned())?;
    let address = host.settings.frames_listen;
    let listener =
        TcpListener::bind(address).await.map_err(|why| format!("frames cannot listen on {address}: {why}"))?;
    let bound = listener.local_addr().map_err(|why| why.to_string())?;
    let url = host.settings.frames_url.clone().unwrap_or_else(|| format!("http://{bound}"));
    host.frames_url
        .set(url.trim_end_matches('/').to_owned())
        .map_err(|_| "the Forge host was started twice".to_owned())?;
    let (router, stop) = (frames::router(app).merge(crate::media::router(app)), app.stop.clone());
    app.tasks.spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(%error, "frames are no longer served");
        }
    });
    trigger::listen(host);
    Ok(())
}

pub(crate) fn router(app: &App) -> Router {
    Router::new()
        .route("/forge/.well-known/jwks.json", get(jwks))
        .route("/forge/bridge/invoke", post(invoke::invoke))
        .route("/forge/bridge/context", post(invoke::context))
        .route("/forge/bridge/product", post(invoke::product))
        .route("/forge/bridge/remotes", post(permissions::get).put(permissions::set))
        .route("/sandbox/token", post(doors::token))
        .route("/sandbox/migration", post(residency::migrate))
        .route("/graphql", post(graphql::graphql))
        .route("/app/report-accounts/", post(personal_data::report))
        .with_state(app.clone())
}

async fn jwks(Shared(app): Shared<App>) -> Json<Value> {
    Json(app.forge.key.jwks())
}
