//! A site, the program joined to it, a clock that stands still, and people who act.

mod actor;
mod joined;
mod script;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, header};
use kernel::{Clock, ManualClock};
use serde_json::{Value, json};
use steward::config::{
    ApiConfig, Config, ConnectSection, DataConfig, ForgeConfig, ImportsConfig, JobsConfig, LogConfig, NetworkConfig,
    ObjectsConfig, RealmConfig, ServerConfig, SignInConfig, TracesConfig,
};
use steward::demo;
use steward::program::{Parts, Program};
use tower::ServiceExt;
use vault::FileRootKey;

use crate::databases::Database;
use crate::kept_keys::kept_keys;
pub(crate) use actor::Actor;
pub(crate) use joined::Joined;
pub(crate) use script::Script;

/// The key of the Connect app that the program is.
pub(crate) const CONNECT_APP: &str = "com.steward.app";

/// Where Atlassian's OpenAPI files lie, if they are here.
pub(crate) fn specs() -> Option<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/specs");
    if folder.exists() {
        return Some(folder);
    }
    let missing = "SKIPPED: answers of the sandbox are not checked: ../shared/specs is missing";
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{missing}");
    eprintln!("{missing}");
    None
}

/// A site of its own with the program joined to it.
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) jira: sandbox::Running,
    pub(crate) program: Program,
    pub(crate) config: Config,
    pub(crate) folder: tempfile::TempDir,
    databases: Vec<Database>,
    /// Customers with an account at Atlassian, where people sign in there: the customers of this world then.
    account_holders: Vec<String>,
    /// Who signed in on our own pages.
    sessions: joined::Sessions,
}

/// What somebody was answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn etag(&self) -> String {
        self.headers[header::ETAG].to_str().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }
}

pub(crate) fn clocked(clock: &Arc<ManualClock>) -> sandbox::Clock {
    let clock = clock.clone();
    Arc::new(move || clock.now())
}

pub(crate) async fn site(clock: &Arc<ManualClock>, cloud: &str, beside: Option<&sandbox::Running>) -> sandbox::Running {
    site_with(clock, cloud, beside, Vec::new(), (sandbox::Deployment::Cloud, "")).await
}

/// The same, with clients of its authorization server; which Jira it is, and below which path.
async fn site_with(
    clock: &Arc<ManualClock>,
    cloud: &str,
    beside: Option<&sandbox::Running>,
    oauth: Vec<sandbox::OauthClient>,
    (deployment, context_path): (sandbox::Deployment, &str),
) -> sandbox::Running {
    let mut config = sandbox::Config {
        cloud_id: cloud.to_owned(),
        // Ids of installations come from it: two sites must not share theirs.
        seed: cloud.bytes().map(u64::from).sum(),
        clock: clocked(clock),
        source: sandbox::Source::Demo(1),
        faults: sandbox::Faults::none(),
        // Atlassian describes Cloud.
        contract: specs().filter(|_| deployment == sandbox::Deployment::Cloud),
        deployment,
        context_path: context_path.to_owned(),
        oauth,
        keys: kept_keys(),
        ..sandbox::Config::default()
    };
    config.forge.same_cloud_as = beside.map(sandbox::Running::forge);
    config.connect_keys_of = beside.map(sandbox::Running::connect);
    sandbox::start(config).await.unwrap()
}

/// A site on the machine's clock, for programs of their own: its limits would only make jobs wait.
pub(crate) async fn site_of_its_own() -> sandbox::Running {
    let config = sandbox::Config {
        source: sandbox::Source::Demo(1),
        faults: sandbox::Faults::none(),
        rate_limits: sandbox::RateLimits { enabled: false, ..Default::default() },
        contract: specs(),
        keys: kept_keys(),
        ..Default::default()
    };
    sandbox::start(config).await.unwrap()
}

pub(crate) fn config(folder: &Path, databases: &[Database], sites: &[&sandbox::Running], listen: SocketAddr) -> Config {
    let secret = |database: &Database| match &database.url {
        store::StoreUrl::Postgres(url) => Some(url.clone().into()),
        store::StoreUrl::Sqlite(_) => None,
    };
    Config {
        server: ServerConfig {
            origin: format!("http://{listen}").parse().unwrap(),
            listen,
            tls_certificate: None,
            tls_key: None,
            behind_proxy: false,
            proxy_on_other_machine: false,
            metrics_token: None,
        },
        data: DataConfig {
            directory: folder.join("data"),
            database: databases.first().and_then(secret),
            shelf: databases.get(1).and_then(secret),
            root_key: Some(folder.join("root.key")),
            root_key_service: None,
            former_root_key: None,
            former_root_key_service: None,
            region: "test".to_owned(),
        },
        forge: ForgeConfig {
            apps: vec![demo::app_id().unwrap()],
            jwks: sites[0].forge().jwks_url().parse().unwrap(),
            api_bases: sites.iter().map(|site| format!("{}/ex/jira/", site.url()).parse().unwrap()).collect(),
            graphql: format!("{}/graphql", sites[0].url()).parse().unwrap(),
            sites: Vec::new(),
        },
        sign_in: SignInConfig {
            authority: sites[0].url().parse().unwrap(),
            granted_sites: format!("{}/oauth/token/accessible-resources", sites[0].url()).parse().unwrap(),
        },
        connect: ConnectSection {
            key: Some(CONNECT_APP.to_owned()),
            sites: sites.iter().map(|site| site.url().parse().unwrap()).collect(),
            install_keys: sites[0].connect().install_keys_url().parse().unwrap(),
            authorization: sites[0].url().parse().unwrap(),
            bridge: sites[0].connect().bridge_url().parse().unwrap(),
        },
        objects: ObjectsConfig::default(),
        network: NetworkConfig { allow_private: false, allow_loopback: true },
        log: LogConfig::default(),
        traces: TracesConfig::default(),
        realm: RealmConfig::default(),
        jobs: JobsConfig::default(),
        api: ApiConfig::default(),
        imports: ImportsConfig::default(),
    }
}

pub(crate) async fn open(config: &Config, clock: &Arc<ManualClock>) -> Program {
    let parts = Parts::of(config, clock.clone()).unwrap();
    Program::open(config, parts).await.unwrap()
}

impl World {
    /// On SQLite, with the directory read.
    pub(crate) async fn start() -> Self {
        let databases = Vec::new();
        Self::on(databases).await
    }

    /// On PostgreSQL, if there is one.
    pub(crate) async fn start_on_postgres() -> Option<Self> {
        let databases = vec![Database::postgres().await?, Database::postgres().await?];
        Some(Self::on(databases).await)
    }

    async fn on(databases: Vec<Database>) -> Self {
        let world = Self::unjoined(databases).await;
        world.join(&world.jira).await;
        world
    }

    /// With a site that nobody joined yet.
    pub(crate) async fn unjoined(databases: Vec<Database>) -> Self {
        Self::beside(databases, (sandbox::Deployment::Cloud, "")).await
    }

    /// With a Data Center of this version, that nobody joined yet.
    pub(crate) async fn data_center(databases: Vec<Database>, version: sandbox::Version) -> Self {
        Self::data_center_below(databases, version, "").await
    }

    /// The same below a path.
    pub(crate) async fn data_center_below(
        databases: Vec<Database>,
        version: sandbox::Version,
        context_path: &str,
    ) -> Self {
        let server = sandbox::DataCenter { version, rate_limit: None };
        Self::beside(databases, (sandbox::Deployment::DataCenter(server), context_path)).await
    }

    async fn beside(databases: Vec<Database>, which: (sandbox::Deployment, &str)) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        FileRootKey::create(&folder.path().join("root.key")).unwrap();
        let clock = Arc::new(ManualClock::new("2026-11-22T09:00:00Z".parse().unwrap()));
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = sandbox::OauthClient {
            id: "steward-client".to_owned(),
            secret: "steward-secret".to_owned(),
            callback: format!("http://{address}/sign-in/callback"),
        };
        let jira = site_with(&clock, "11111111-1111-4111-8111-111111111111", None, vec![client], which).await;
        let config = config(folder.path(), &databases, &[&jira], address);
        let program = open(&config, &clock).await;
        let router = program.router.clone();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let (account_holders, sessions) = (Vec::new(), joined::Sessions::default());
        Self { clock, jira, program, config, folder, databases, account_holders, sessions }
    }

    /// The same world with less of everything that is limited.
    pub(crate) async fn limited(mut self, limits: customers::Limits) -> Self {
        let parts = Parts { limits, ..Parts::of(&self.config, self.clock.clone()).unwrap() };
        self.program = Program::open(&self.config, parts).await.unwrap();
        self
    }

    /// Starts the program anew, on the same data, with a further site allowed.
    pub(crate) async fn admit(&mut self, further: &sandbox::Running) {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        self.listens(config(self.folder.path(), &self.databases, &[&self.jira, further], address), listener).await;
    }

    /// Starts the program anew, so configured, at another address.
    pub(crate) async fn listens(&mut self, config: Config, listener: tokio::net::TcpListener) {
        self.config = config;
        self.program = open(&self.config, &self.clock).await;
        let router = self.program.router.clone();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    }

    /// Goes on at another place.
    pub(crate) async fn goes_on(&mut self, config: Config, databases: Vec<Database>) {
        self.program = open(&config, &self.clock).await;
        self.config = config;
        self.databases.extend(databases);
    }

    /// Installs the app on a site and lets the first reading of the directory happen.
    pub(crate) async fn join(&self, jira: &sandbox::Running) {
        jira.forge().install(demo::app(), Some(self.config.server.origin.as_str())).unwrap();
        jira.deliveries_settled().await;
        self.program.runner.drain().await.unwrap();
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        Self::send_to(&self.program, request).await
    }

    /// Sends to a node of choice.
    pub(crate) async fn send_to(node: &Program, request: Request<Body>) -> Answer {
        let response = node.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 10_000_000).await.unwrap();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            bytes,
        }
    }

    pub(crate) fn agent(&self) -> Actor<'_> {
        self.on_page("agent", "customers-page")
    }

    pub(crate) fn admin(&self) -> Actor<'_> {
        self.on_page("admin", "settings-page")
    }

    /// The demo's customer, or one who can sign in where that takes an account at Atlassian.
    pub(crate) fn customer(&self) -> Actor<'_> {
        self.on_page(self.account_holders.first().map_or("customer", String::as_str), "portal-profile")
    }

    /// Somebody with an account at Atlassian and without a licence, who asks for help as customers do.
    pub(crate) fn unlicensed(&self) -> Actor<'_> {
        let state = self.jira.state();
        let store = state.read();
        let found = store.accounts.values().find(|account| {
            account.active
                && account.account_type == sandbox::state::model::AccountType::Atlassian
                && !store.is_licensed(&account.account_id)
        });
        self.on_page(&found.expect("the demo has colleagues without a licence").account_id, "portal-profile")
    }

    /// Somebody who has a page of ours open.
    pub(crate) fn on_page(&self, who: &str, module: &str) -> Actor<'_> {
        Actor { world: self, jira: &self.jira, who: who.to_owned(), module: module.to_owned(), issue: None }
    }

    /// Makes an API token with these scopes, and answers a script that has it.
    pub(crate) async fn script(&self, name: &str, scopes: &[&str]) -> Script<'_> {
        let made = self.admin().post("/api/v1/tokens", json!({"name": name, "scopes": scopes})).await.expect(201).body;
        let text = |key: &str| made[key].as_str().unwrap().to_owned();
        Script { world: self, id: text("id"), secret: text("secret") }
    }

    /// Another agent of the same site.
    pub(crate) fn colleague(&self) -> Actor<'_> {
        let first = self.jira.visitor("agent").unwrap().account_id;
        let state = self.jira.state();
        let store = state.read();
        let other = store
            .accounts
            .values()
            .find(|account| {
                account.active
                    && account.account_id != first
                    && !store.is_site_admin(&account.account_id)
                    && store.projects.values().any(|p| {
                        store.desk_of(&p.id).is_some()
                            && store.holds_role(p, sandbox::state::model::ROLE_TEAM, &account.account_id)
                    })
            })
            .map(|account| account.account_id.clone());
        drop(store);
        self.on_page(&other.expect("the demo has two agents"), "customers-page")
    }

    /// A customer who is not the first one.
    pub(crate) fn other_customer(&self) -> Actor<'_> {
        if let Some(other) = self.account_holders.get(1) {
            return self.on_page(other, "portal-profile");
        }
        let first = self.jira.visitor("customer").unwrap().account_id;
        let state = self.jira.state();
        let store = state.read();
        let other = store
            .accounts
            .values()
            .find(|a| {
                a.active && a.account_id != first && a.account_type == sandbox::state::model::AccountType::Customer
            })
            .map(|a| a.account_id.clone());
        drop(store);
        self.on_page(&other.unwrap(), "portal-profile")
    }

    /// The tenant of the world's own site.
    pub(crate) async fn tenant(&self) -> kernel::TenantId {
        let all = store::tenants::list::<host::Site>(&self.program.store, kernel::TenantId::SERVER, 10).await.unwrap();
        all.first().expect("the site is joined").id
    }

    /// A context that reads the tenant's rows.
    pub(crate) async fn reader(&self) -> kernel::Cx {
        kernel::Cx::mint(
            self.tenant().await,
            kernel::Actor::System("test"),
            kernel::Standing::default(),
            self.clock.clone(),
            kernel::RequestId::fresh(),
        )
    }

    /// What Jira said of the agents is kept for a minute of real time; this forgets it.
    pub(crate) async fn forget_standing(&self) {
        let tenant = self.tenant().await;
        for who in ["agent", "admin", "customer"] {
            let account = kernel::AccountId::new(self.jira.visitor(who).unwrap().account_id).unwrap();
            self.program.host().callers.forget(tenant, &account).await;
        }
    }

    /// An issue that the customer raised.
    pub(crate) fn issue(&self) -> String {
        self.issue_of(&self.jira.visitor(&self.customer().who).unwrap().account_id)
    }

    /// An issue of the agent's desk that whoever Jira knows by this id raised.
    pub(crate) fn issue_of(&self, customer: &str) -> String {
        let state = self.jira.state();
        let store = state.read();
        let agent = self.jira.visitor("agent").unwrap().account_id;
        store
            .issues
            .values()
            .find(|issue| {
                issue.reporter.as_deref() == Some(customer)
                    && store
                        .project(&issue.project_id)
                        .is_some_and(|p| store.holds_role(p, sandbox::state::model::ROLE_TEAM, &agent))
            })
            .map(|issue| issue.key.clone())
            .unwrap()
    }

    /// Stops; fails on jobs left undone and on answers of the sandbox that Atlassian's OpenAPI does not allow.
    pub(crate) fn end(self) -> futures::future::BoxFuture<'static, ()> {
        Box::pin(async move {
            let due = self.program.runner.due().await;
            let due = due.unwrap_or_else(|fault| panic!("{fault:?}: {:?}", fault.private_source()));
            assert_eq!(due, 0, "jobs are left");
            let violations = self.jira.contract_violations();
            assert!(violations.is_empty(), "{violations:#?}");
            self.program.close().await.unwrap();
            for database in self.databases {
                database.remove().await;
            }
            self.jira.shutdown().await;
        })
    }
}
