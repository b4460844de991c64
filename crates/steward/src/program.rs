//! The wiring: from a configuration to a program that can be listened with, run and stopped.

use std::sync::{Arc, Weak};

use axum::Router;
use kernel::{Clock, Registry, Result};
use store::Store;
use tokio_util::sync::CancellationToken;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use vault::{Rewrap, Vault};

use crate::config::Config;
use crate::join::StoreShelf;
use crate::keys::{RootKeys, Transit};
use crate::{examples, objects, operator, telemetry};

/// Every table of the main database.
pub fn registry() -> Registry {
    Registry::new(vec![store::ROOM, jobs::ROOM, host::ROOM, web::ROOM, customers::ROOM]).with_files(&customers::FILES)
}

/// Every table of the key shelf.
pub fn shelf_registry() -> Registry {
    Registry::new(vec![store::SHELF_ROOM])
}

/// What a program is made of besides its configuration.
pub struct Parts {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The operator's keys.
    pub keys: RootKeys,
    /// What collects metrics.
    pub metrics: telemetry::Metrics,
    /// Where traces go, if anywhere.
    pub traces: Option<telemetry::Traces>,
    /// How much is taken at once.
    pub limits: customers::Limits,
}

impl Parts {
    /// What the configuration names, with this clock.
    pub fn of(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        Ok(Self {
            keys: RootKeys::open(&config.data, &clock)?,
            clock,
            metrics: telemetry::Metrics::install()?,
            traces: None,
            limits: customers::Limits::default(),
        })
    }
}

/// The program, wired.
pub struct Program {
    /// Everything that is answered.
    pub router: Router,
    /// What it is, as OpenAPI.
    pub openapi: Box<OpenApi>,
    /// Background work.
    pub runner: Arc<jobs::Runner>,
    /// The rows.
    pub store: Store,
    /// The wrapped keys.
    pub shelf: Store,
    /// The objects.
    pub blobs: store::Blobs,
    /// The keys.
    pub vault: Vault,
    host: host::Host,
    customers: customers::Room,
    services: Vec<Transit>,
    metrics: telemetry::Metrics,
    traces: Option<telemetry::Traces>,
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
        let rewrap = Rewrap::new(Arc::new(joined.clone()), parts.keys.roots.clone());
        let vault = Vault::with_roots(Arc::new(joined), parts.keys.roots);
        vault.prove(parts.clock.now()).await?;
        let blobs = objects::claimed(config, &store, &vault, parts.clock.now()).await?;
        let mut of_host = config.host()?;
        let traces = parts.traces.iter().map(telemetry::Traces::way);
        of_host.operator = parts.keys.services.iter().map(Transit::way).chain(traces).collect();
        let host = host::Host::new(of_host, store.clone(), vault.clone(), parts.clock.clone())?;
        // The runner's handlers hold this: were it to hold the runner, neither would ever go, nor their databases.
        let waker: Arc<std::sync::OnceLock<Weak<jobs::Runner>>> = Arc::default();
        let wake = {
            let waker = waker.clone();
            Arc::new(move || waker.get().and_then(Weak::upgrade).into_iter().for_each(|runner| runner.wake()))
        };
        let stop = CancellationToken::new();
        let shared = web::Shared::from(web::SharedParts {
            host: host.clone(),
            store: store.clone(),
            blobs: blobs.clone(),
            vault: vault.clone(),
            clock: parts.clock.clone(),
            config: Arc::new(web::WebConfig {
                origin: config.server.origin.clone(),
                secure: config.secure(),
                behind_proxy: config.server.behind_proxy,
            }),
            roles: vec![Arc::new(customers::Roles { store: store.clone(), vault: vault.clone() })],
            pace: Arc::new(web::Pace::new(config.api.requests_per_minute, parts.clock.clone())),
            in_flight: web::InFlight::default(),
            readings: web::Readings::new(store.clone(), vault.clone()),
            watch: web::Watch::new(store.clone(), stop.clone()),
            wake,
        });
        let limits = customers::Limits {
            import_bytes: config.imports.file_bytes.get(),
            import_look_ups: config.imports.look_ups as usize,
            ..parts.limits
        };
        let customers = customers::Room::new(shared.clone(), limits, config.data.directory.join("search"));
        let trust = trust::Room {
            store: store.clone(),
            blobs: blobs.clone(),
            vault: vault.clone(),
            files: vec![customers.files()],
        };
        let realm = trust::Realm::new(
            trust.clone(),
            shelf.clone(),
            host.clone(),
            config.realm.regions(&config.data)?,
            shared.wake.clone(),
        );
        let (hooks, regions) = realm.routes(&shared);
        let mut handlers = host.handlers();
        handlers.extend(realm.handlers());
        handlers.extend(customers.handlers());
        handlers.extend(trust::handlers(&trust));
        let (rewrapping, rewrapped) = trust::rewrapping(rewrap);
        handlers.push(rewrapping);
        let mut schedules = host.schedules();
        schedules.extend(customers::Room::schedules());
        schedules.extend(trust::schedules());
        schedules.push(rewrapped);
        let runner = jobs::Runner::new(jobs::RunnerParts {
            store: store.clone(),
            clock: parts.clock.clone(),
            handlers,
            schedules,
            workers: config.jobs.workers,
        })?;
        // Set once, here.
        let _ = waker.set(Arc::downgrade(&runner));
        let operator = operator::routes(operator::Operator {
            store: store.clone(),
            shelf: shelf.clone(),
            vault: vault.clone(),
            clock: parts.clock.clone(),
            metrics: parts.metrics.clone(),
            metrics_token: config.server.metrics_token.clone(),
            behind_proxy: config.server.behind_proxy,
            stopping: stop.clone(),
        });
        let api = OpenApiRouter::with_openapi(description()).nest("/api/v1", customers.routes());
        let server = web::serve_routes(shared, api, operator.merge(hooks), regions, examples::describe);
        Ok(Self {
            router: server.router,
            openapi: Box::new(server.openapi),
            runner,
            store,
            shelf,
            blobs,
            vault,
            host,
            customers,
            services: parts.keys.services,
            metrics: parts.metrics,
            traces: parts.traces,
            stop,
            tasks: tokio_util::task::TaskTracker::new(),
        })
    }

    /// The way to Jira.
    pub fn host(&self) -> &host::Host {
        &self.host
    }

    /// The room of customers.
    pub fn customers(&self) -> &customers::Room {
        &self.customers
    }

    /// Starts background work.
    pub fn start(&self) {
        self.tasks.spawn(self.runner.clone().run(self.stop.clone()));
        let (door, stop) = (self.host.door.clone(), self.stop.clone());
        self.tasks.spawn(async move { stop.run_until_cancelled(door.keep_counting()).await });
        let (customers, stop) = (self.customers.clone(), self.stop.clone());
        self.tasks.spawn(async move { stop.run_until_cancelled(customers.keep_tidy()).await });
        let (metrics, stop) = (self.metrics.clone(), self.stop.clone());
        self.tasks.spawn(async move { stop.run_until_cancelled(metrics.keep_summing()).await });
        for service in self.services.clone() {
            let stop = self.stop.clone();
            self.tasks.spawn(async move { stop.run_until_cancelled(service.keep_ready()).await });
        }
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
        if let Some(traces) = self.traces {
            traces.close().await;
        }
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
    let customer = ApiKey::Cookie(ApiKeyValue::with_description(
        "__Host-steward-portal",
        "A customer's session, begun with a token of their own site. It counts only with `X-Steward-Session: customer`; changes carry \
         `X-CSRF-Token` too. It opens what is open to customers, whoever they are in Jira.",
    ));
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
                .security_scheme("customer", SecurityScheme::ApiKey(customer))
                .build(),
        ))
        .security(Some([
            SecurityRequirement::new("bearer", Vec::<String>::new()),
            SecurityRequirement::new("session", Vec::<String>::new()),
        ]))
        .build()
}
