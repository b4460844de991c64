//! The wiring: from a configuration to a program that can be listened with, run and stopped.

use std::sync::{Arc, Weak};

use axum::Router;
use kernel::{Clock, Registry, Result};
use store::Store;
use tokio_util::sync::CancellationToken;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use vault::{RootKey, Vault};

use crate::config::Config;
use crate::join::StoreShelf;
use crate::{operator, telemetry};

/// Every table of the main database.
pub fn registry() -> Registry {
    Registry::new(vec![store::ROOM, jobs::ROOM, host::ROOM, web::ROOM, customers::ROOM])
}

/// Every table of the key shelf.
pub fn shelf_registry() -> Registry {
    Registry::new(vec![store::SHELF_ROOM])
}

/// What a program is made of besides its configuration.
pub struct Parts {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The operator's key.
    pub root: Arc<dyn RootKey>,
    /// What collects metrics.
    pub metrics: telemetry::Metrics,
}

/// The program, wired.
pub struct Program {
    /// Everything that is answered.
    pub router: Router,
    /// What it is, as OpenAPI.
    pub openapi: OpenApi,
    /// Background work.
    pub runner: Arc<jobs::Runner>,
    /// The rows.
    pub store: Store,
    /// The wrapped keys.
    pub shelf: Store,
    /// The keys.
    pub vault: Vault,
    host: host::Host,
    stop: CancellationToken,
    tasks: tokio_util::task::TaskTracker,
}

impl Program {
    /// Opens the databases, migrates them, proves the root key, and wires the rooms. Starts nothing.
    pub async fn open(config: &Config, parts: Parts) -> Result<Self> {
        let store = Store::open(&config.store_url(), registry()).await?;
        let shelf = Store::open(&config.shelf_url(), shelf_registry()).await?;
        for (name, database) in [("main", &store), ("shelf", &shelf)] {
            for migration in database.migrate().await? {
                tracing::info!(event = "migrated", database = name, migration);
            }
        }
        let joined = StoreShelf { shelf: shelf.clone(), store: store.clone() };
        let vault = Vault::new(Arc::new(joined), parts.root);
        vault.prove(parts.clock.now()).await?;
        let host = host::Host::new(config.host()?, store.clone(), vault.clone(), parts.clock.clone())?;
        // The runner's handlers hold this: were it to hold the runner, neither would ever go, nor their databases.
        let waker: Arc<std::sync::OnceLock<Weak<jobs::Runner>>> = Arc::default();
        let wake = {
            let waker = waker.clone();
            Arc::new(move || waker.get().and_then(Weak::upgrade).into_iter().for_each(|runner| runner.wake()))
        };
        let shared = web::Shared {
            host: host.clone(),
            store: store.clone(),
            vault: vault.clone(),
            clock: parts.clock.clone(),
            config: Arc::new(web::WebConfig { origin: config.server.origin.clone(), secure: config.secure() }),
            roles: vec![Arc::new(customers::Roles { store: store.clone(), vault: vault.clone() })],
            pace: Arc::new(web::Pace::new(config.api.requests_per_minute, parts.clock.clone())),
            in_flight: web::InFlight::default(),
            wake,
        };
        let customers = customers::Room::new(shared.clone());
        let trust = trust::Room { store: store.clone(), vault: vault.clone() };
        let mut handlers = host.handlers();
        handlers.extend(customers.handlers());
        handlers.extend(trust::handlers(&trust));
        let mut schedules = host.schedules();
        schedules.extend(customers::Room::schedules());
        schedules.extend(trust::schedules());
        let runner = jobs::Runner::new(jobs::RunnerParts {
            store: store.clone(),
            clock: parts.clock.clone(),
            handlers,
            schedules,
            workers: config.jobs.workers,
        })?;
        // Set once, here.
        let _ = waker.set(Arc::downgrade(&runner));
        let stop = CancellationToken::new();
        let operator = operator::routes(operator::Operator {
            store: store.clone(),
            shelf: shelf.clone(),
            vault: vault.clone(),
            clock: parts.clock.clone(),
            metrics: parts.metrics,
            metrics_token: config.server.metrics_token.clone(),
            behind_proxy: config.server.behind_proxy,
            stopping: stop.clone(),
        });
        let api = OpenApiRouter::with_openapi(description()).nest("/api/v1", customers.routes());
        let server = web::serve_routes(shared, api, operator);
        Ok(Self {
            router: server.router,
            openapi: server.openapi,
            runner,
            store,
            shelf,
            vault,
            host,
            stop,
            tasks: tokio_util::task::TaskTracker::new(),
        })
    }

    /// The way to Jira.
    pub fn host(&self) -> &host::Host {
        &self.host
    }

    /// Starts background work.
    pub fn start(&self) {
        self.tasks.spawn(self.runner.clone().run(self.stop.clone()));
        let (door, stop) = (self.host.door.clone(), self.stop.clone());
        self.tasks.spawn(async move { stop.run_until_cancelled(door.keep_counting()).await });
    }

    /// Cancelled when the program is asked to stop.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Finishes what was begun: running jobs, outward counts, pending commits.
    pub async fn close(self) -> Result<()> {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.host.door.flush().await?;
        self.store.close().await;
        self.shelf.close().await;
        Ok(())
    }
}

/// What stands at the top of openapi.json.
fn description() -> OpenApi {
    use utoipa::openapi::security::{
        ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
    };
    use utoipa::openapi::{ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApiBuilder};
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "An API token, `stwa_…`, that a Jira administrator makes in Steward's settings. An operation says which scope \
             it needs; one that names none is closed to tokens.",
        ))
        .build();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "An invocation token from Forge, good once, or a bearer session from POST /api/v1/session/bearer.",
        ))
        .build();
    let cookie = ApiKey::Cookie(ApiKeyValue::with_description(
        "__Host-steward",
        "A session of Steward's own origin; changes carry `X-CSRF-Token` too.",
    ));
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Steward")
                .version("1")
                .description(Some("Fields and history for customers and organizations of a Jira Service Management site. Errors are problem details (RFC 9457)."))
                .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
                .build(),
        )
        .components(Some(
            ComponentsBuilder::new()
                .security_scheme("token", SecurityScheme::Http(token))
                .security_scheme("bearer", SecurityScheme::Http(bearer))
                .security_scheme("session", SecurityScheme::ApiKey(cookie))
                .build(),
        ))
        .security(Some([
            SecurityRequirement::new("bearer", Vec::<String>::new()),
            SecurityRequirement::new("session", Vec::<String>::new()),
        ]))
        .build()
}
