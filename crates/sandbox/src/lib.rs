//! A stand-in Jira with Jira Service Management, Cloud or Data Center, in memory: for the demo, for tests, and
//! for developers of other apps.
//!
//! It is a Jira, not a mock of anyone's calls to one, and it is never kinder than Jira: a repeated
//! POST makes a second comment, search lags behind writes, limits are on, events come late, twice,
//! in the wrong order, or not at all. It must never import another crate of this workspace.
//!
//! Start reading at [`start`]; the site's data is in [`state`], its APIs in `rest`, the Forge host
//! in [`forge`], Connect's in [`connect`], what Data Center does otherwise in `data_center`, its pages in `pages`.

mod access;
pub(crate) mod adf;
mod archive;
mod auth;
pub mod config;
pub mod connect;
mod context_path;
mod contract;
mod data_center;
mod deliveries;
mod demo;
pub mod events;
pub mod faults;
pub mod forge;
mod fresh;
mod gateway;
mod jql;
mod keys;
#[cfg(any(test, feature = "fuzzing"))]
pub mod laws;
mod limits;
mod line;
mod media;
mod oauth;
mod pages;
mod rest;
pub mod state;
mod visitor;
mod webhooks;
mod wiki;

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::Router;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use config::{Clock, Config, Faults, OauthClient, RateLimits, Source};
pub use contract::Violation;
pub use data_center::{DataCenter, Deployment, RateLimit, Version};
pub use visitor::Visitor;
pub use webhooks::Registration;

use contract::Contract;
use limits::Limits;
use state::State;

/// How long a stop waits for deliveries under way.
const STOP_WAITS: Duration = Duration::from_secs(5);

/// How long an outbound call of the site may take in all; the callers set shorter limits.
const OUTBOUND_TIMEOUT: Duration = Duration::from_secs(60);

/// Why a sandbox didn't start.
#[derive(Debug)]
pub enum Error {
    /// The context path is none, or the site is not one that has one.
    ContextPath(String),
    /// The address could not be bound.
    Listen(SocketAddr, io::Error),
    /// The archive could not be read.
    Archive(PathBuf, String),
    /// The OpenAPI files could not be read.
    Contract(PathBuf, String),
    /// An app could not be hosted.
    Forge(String),
    /// The Connect host could not be made.
    Connect(String),
    /// The client for outbound calls could not be made.
    Outbound(String),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ContextPath(path) => {
                write!(
                    f,
                    "cannot be below {path}: a Data Center's context path is written as /jira, and Cloud has none"
                )
            }
            Self::Listen(address, why) => write!(f, "cannot listen on {address}: {why}"),
            Self::Archive(path, why) => write!(f, "cannot read {}: {why}", path.display()),
            Self::Contract(path, why) => write!(f, "no OpenAPI in {}: {why}", path.display()),
            Self::Forge(why) => write!(f, "cannot host the app: {why}"),
            Self::Connect(why) => write!(f, "no Connect host: {why}"),
            Self::Outbound(why) => write!(f, "no outbound client: {why}"),
        }
    }
}

impl std::error::Error for Error {}

/// What every handler shares.
#[derive(Clone)]
pub(crate) struct App {
    /// The site.
    pub(crate) state: Arc<State>,
    /// What it was started with.
    pub(crate) config: Arc<Config>,
    /// Counters of the rate limits.
    pub(crate) limits: Arc<Limits>,
    /// The OpenAPI check, when on.
    pub(crate) contract: Option<Arc<Contract>>,
    /// For webhooks, and for the Forge host's calls to remotes. Follows no redirect.
    pub(crate) http: reqwest::Client,
    /// How far webhook deliveries are.
    pub(crate) webhooks: Arc<webhooks::Progress>,
    /// The last deliveries.
    pub(crate) deliveries: Arc<deliveries::Log>,
    /// Background work, waited for at stop.
    pub(crate) tasks: TaskTracker,
    /// Fires at stop.
    pub(crate) stop: CancellationToken,
    /// Counters of a Data Center's limit.
    pub(crate) server_limits: Arc<data_center::Limits>,
    /// The Forge host.
    pub(crate) forge: Arc<forge::Host>,
    /// The Connect host.
    pub(crate) connect: Arc<connect::Host>,
    /// What people said yes to.
    pub(crate) grants: Arc<oauth::Grants>,
}

/// A running sandbox. Dropping it stops the server without waiting.
pub struct Running {
    app: App,
    address: SocketAddr,
    server: Option<JoinHandle<io::Result<()>>>,
}

impl Running {
    /// The site's address, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        self.app.state.site_url().to_owned()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The site itself, to look at or to change behind the API's back.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        self.app.state.clone()
    }

    /// What Data Center it is, if one.
    #[must_use]
    pub fn data_center(&self) -> Option<DataCenter> {
        self.app.config.deployment.data_center()
    }

    /// The Forge host, to install apps and make tokens.
    #[must_use]
    pub fn forge(&self) -> Arc<forge::Host> {
        self.app.forge.clone()
    }

    /// Installs a Forge app as the site's admin, with the address of its customer-managed remote if it has one. One that carries a Connect app on
    /// takes that app's place, and Connect tells it so before Forge does.
    ///
    /// # Errors
    /// As [`forge::Host::install`]; [`forge::InstallError::Connect`] when the app does not take what Connect tells it.
    pub async fn install(
        &self,
        app: forge::ForgeApp,
        remote: Option<&str>,
    ) -> Result<Arc<forge::Installation>, forge::InstallError> {
        forge::install(&self.app, app, remote).await
    }

    /// The Connect host, to install apps.
    #[must_use]
    pub fn connect(&self) -> Arc<connect::Host> {
        self.app.connect.clone()
    }

    /// Answers, and requests that were done, that differed from Atlassian's OpenAPI so far; empty when the check is off.
    #[must_use]
    pub fn contract_violations(&self) -> Vec<Violation> {
        self.app.contract.as_ref().map(|c| c.violations()).unwrap_or_default()
    }

    /// Operations (`METHOD path`) answered so far, with whether the OpenAPI files know them.
    #[must_use]
    pub fn contract_seen(&self) -> Vec<(String, bool)> {
        self.app.contract.as_ref().map(|c| c.seen()).unwrap_or_default()
    }

    /// How often deliveries of an event were tried, of those that are still kept.
    #[must_use]
    pub fn attempts_of(&self, event: &str) -> usize {
        self.app.deliveries.list(|one| one.made.event == event).iter().map(|one| one.attempts.len()).sum()
    }

    /// Waits until no webhook and no Forge event is on its way.
    pub async fn deliveries_settled(&self) {
        self.app.forge.settled().await;
        webhooks::settled(&self.app).await;
    }

    /// Stops: no new connection, requests under way answered, deliveries given a few seconds.
    pub async fn shutdown(mut self) {
        self.app.stop.cancel();
        self.app.tasks.close();
        // What is still running after the wait is abandoned, as a site's power cut would.
        let _ = tokio::time::timeout(STOP_WAITS, self.app.tasks.wait()).await;
        if let Some(server) = self.server.take() {
            let abort = server.abort_handle();
            if tokio::time::timeout(STOP_WAITS, server).await.is_err() {
                abort.abort();
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.app.stop.cancel();
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

/// Starts a site.
///
/// # Errors
/// [`Error`]: the address is taken, or what the configuration names cannot be read.
pub async fn start(config: Config) -> Result<Running, Error> {
    let has_path = !config.context_path.is_empty();
    if has_path && (config.deployment == Deployment::Cloud || !context_path::is_one(&config.context_path)) {
        return Err(Error::ContextPath(config.context_path));
    }
    let listener = TcpListener::bind(config.listen).await.map_err(|why| Error::Listen(config.listen, why))?;
    let address = listener.local_addr().map_err(|why| Error::Listen(config.listen, why))?;
    let state = Arc::new(State::new(&config));
    let url = config.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    state.set_site_url(format!("{}{}", url.trim_end_matches('/'), config.context_path));
    match &config.source {
        Source::Seed(seed) => state.load((**seed).clone()),
        Source::Archive(path) => {
            let seed = archive::load(path, config.seed).map_err(|why| Error::Archive(path.clone(), why))?;
            state.load(seed);
        }
        Source::Demo(number) => {
            let mut seed = demo::generate(*number, state.now());
            if config.more_customers > 0 {
                demo::enlarge(&mut seed, *number, config.more_customers, state.now());
            }
            if config.deployment.data_center().is_some() {
                data_center::age(&mut seed);
            }
            state.load(seed);
        }
        Source::New => state.load(fresh::seed()),
    }
    let contract = match &config.contract {
        Some(folder) => Some(Arc::new(Contract::open(folder).map_err(|why| Error::Contract(folder.clone(), why))?)),
        None => None,
    };
    // Inside a test's program nobody else may have chosen the provider yet; a second choice is no error.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(OUTBOUND_TIMEOUT)
        .build()
        .map_err(|why| Error::Outbound(why.to_string()))?;
    let forge = Arc::new(forge::Host::new(&config).map_err(Error::Forge)?);
    let connect = Arc::new(connect::Host::new(&config).map_err(Error::Connect)?);
    connect.start(state.clone(), http.clone()).map_err(Error::Connect)?;
    let server_limits =
        Arc::new(data_center::Limits::new(config.deployment.data_center().and_then(|it| it.rate_limit)));
    // Cloud's limits are Cloud's.
    let enabled = config.rate_limits.enabled && config.deployment == Deployment::Cloud;
    let rate_limits = RateLimits { enabled, ..config.rate_limits.clone() };
    let clock = config.clock.clone();
    let app = App {
        server_limits,
        limits: Arc::new(Limits::new(rate_limits, config.clock.clone())),
        config: Arc::new(config),
        contract,
        http,
        webhooks: Arc::default(),
        deliveries: Arc::new(deliveries::Log::new(clock)),
        tasks: TaskTracker::new(),
        stop: CancellationToken::new(),
        forge,
        connect,
        grants: Arc::default(),
        state,
    };
    webhooks::start(&app);
    forge::start(&app).await.map_err(Error::Forge)?;
    let stop = app.stop.clone();
    let service = router(&app).into_make_service_with_connect_info::<line::Cut>();
    let listener = line::Listening(listener);
    let server =
        tokio::spawn(
            async move { axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned()).await },
        );
    let running = Running { app, address, server: Some(server) };
    // Only now: an app that Connect tells of it asks the site for the key that it is signed with.
    for (forge_app, remote) in running.app.config.forge.apps.clone() {
        running.install(forge_app, remote.as_deref()).await.map_err(|error| Error::Forge(error.to_string()))?;
    }
    Ok(running)
}

fn router(app: &App) -> Router {
    let site = rest::router(app)
        .merge(forge::router(app))
        .merge(connect::router(app))
        .merge(pages::router(app))
        .merge(faults::door::router(app))
        .merge(oauth::router(app));
    let whole = match app.config.deployment {
        Deployment::Cloud => gateway::wrap(site, app),
        Deployment::DataCenter(_) => data_center::wrap(site, app),
    };
    context_path::below(&app.config.context_path, whole)
}
