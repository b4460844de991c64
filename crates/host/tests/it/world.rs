//! Databases, keys, a Jira, and the address that it calls.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Uri};
use base64::Engine;
use host::{Call, Deployment, ForgeHeaders, Host, HostConfig, Joining, Login, Look, Networks, OauthClient};
use jiff::Timestamp;
use kernel::{AccountId, Actor, Clock, Cx, KeyClass, Registry, RequestId, Standing, SystemClock, TenantId};
use sandbox::forge::{ForgeApp, ForgeConfig};
use serde_json::{Value, json};
use store::{Store, StoreUrl, shelf, tenants};
use tokio::sync::{Mutex, mpsc};
use url::Url;
use vault::{FileRootKey, KeyShelf, ShelfKey, Vault};

use crate::databases::Database;
use crate::kept_keys::kept_keys;

pub(crate) const APP: &str = "ari:cloud:ecosystem::app/6f2c1a52-9d0e-4b57-8a33-51c7f0e2d914";

struct TestShelf {
    shelf: Store,
    store: Store,
}

#[async_trait]
impl KeyShelf for TestShelf {
    async fn keys(&self, tenant: TenantId, class: KeyClass) -> kernel::Result<Vec<ShelfKey>> {
        let keys = shelf::keys(&self.shelf, tenant, class).await?;
        let key = |key: shelf::WrappedKey| ShelfKey {
            version: key.version,
            wrapped: key.wrapped,
            created_at: key.created_at,
        };
        Ok(keys.into_iter().map(key).collect())
    }
    async fn put_key(&self, t: TenantId, c: KeyClass, v: u32, wrapped: &[u8], at: Timestamp) -> kernel::Result<bool> {
        shelf::put_key(&self.shelf, t, c, v, wrapped, at).await
    }
    async fn drop_key(&self, tenant: TenantId, class: KeyClass, version: u32) -> kernel::Result<()> {
        shelf::drop_key(&self.shelf, tenant, class, version).await
    }
    async fn drop_tenant(&self, tenant: TenantId) -> kernel::Result<(u64, u64)> {
        shelf::drop_tenant(&self.shelf, tenant).await
    }
    async fn is_gone(&self, tenant: TenantId) -> kernel::Result<bool> {
        Ok(tenants::state_of(&self.store, tenant).await? == Some(tenants::State::Gone))
    }
    async fn salt(&self, tenant: TenantId, subject: &str) -> kernel::Result<Option<Vec<u8>>> {
        shelf::salt(&self.shelf, tenant, subject).await
    }
    async fn put_salt(&self, t: TenantId, subject: &str, salt: &[u8], at: Timestamp) -> kernel::Result<Vec<u8>> {
        shelf::put_salt(&self.shelf, t, subject, salt, at).await
    }
    async fn drop_salt(&self, tenant: TenantId, subject: &str) -> kernel::Result<bool> {
        shelf::drop_salt(&self.shelf, tenant, subject).await
    }
}

/// Databases and keys.
pub(crate) struct Base {
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    pub(crate) clock: Arc<dyn Clock>,
    _folder: tempfile::TempDir,
}

pub(crate) async fn base(database: &Database) -> Base {
    base_at(database, Arc::new(SystemClock)).await
}

async fn base_at(database: &Database, clock: Arc<dyn Clock>) -> Base {
    // Fails only where another test was first.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let store = database.migrated(Registry::new(vec![store::ROOM, jobs::ROOM, host::ROOM])).await;
    let shelf_url = StoreUrl::Sqlite(folder.path().join("shelf.db"));
    let shelf = Store::open(&shelf_url, Registry::new(vec![store::SHELF_ROOM])).await.unwrap();
    shelf.migrate().await.unwrap();
    let root = folder.path().join("root.key");
    FileRootKey::create(&root).unwrap();
    let root = Arc::new(FileRootKey::read(&root).unwrap());
    let vault = Vault::new(Arc::new(TestShelf { shelf, store: store.clone() }), root);
    Base { store, vault, clock, _folder: folder }
}

/// A file or folder that stands beside the project: missing, it fails in CI and is a loud skip elsewhere.
pub(crate) fn shared(name: &str) -> Option<std::path::PathBuf> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(name);
    if path.exists() {
        return Some(path);
    }
    if std::env::var("CI").is_ok_and(|ci| ci == "true") {
        panic!("{} is missing", path.display());
    }
    eprintln!("SKIPPED: {} is missing; the contract is not checked", path.display());
    None
}

/// What Jira sent to our address.
pub(crate) struct Sent {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Sent {
    pub(crate) fn forge(&self) -> ForgeHeaders<'_> {
        let header = |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok());
        ForgeHeaders {
            authorization: header("authorization"),
            system_token: header("x-forge-oauth-system"),
            user_token: header("x-forge-oauth-user"),
        }
    }
}

/// The whole: a Jira with a believable company, our app installed there, and this room.
pub(crate) struct World {
    pub(crate) base: Base,
    pub(crate) jira: sandbox::Running,
    pub(crate) host: Host,
    pub(crate) http: reqwest::Client,
    sent: Mutex<mpsc::UnboundedReceiver<Sent>>,
}

pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// This room as it is told of a Jira.
pub(crate) fn host_config(jira: &sandbox::Running) -> HostConfig {
    let url = |text: String| Url::parse(&text).unwrap();
    let mut config = HostConfig::atlassian(vec![APP.to_owned()], "eu".to_owned()).unwrap();
    config.networks = Networks { private: false, loopback: true };
    config.signing_keys = url(jira.forge().jwks_url());
    config.api_bases = vec![url(format!("{}/ex/jira/", jira.url()))];
    config.sign_in = url(jira.url());
    config.granted_sites = url(format!("{}/oauth/token/accessible-resources", jira.url()));
    config.graphql = url(format!("{}/graphql", jira.url()));
    config
}

/// The manifest that is deployed.
pub(crate) fn deployed() -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/forge/manifest.yml");
    std::fs::read_to_string(path).unwrap()
}

/// The same, with what the client can do beyond the deployed app: hearing of comments.
fn manifest() -> String {
    let user = "        - avi:jira:updated:user\n";
    let wider = deployed().replace(user, &format!("{user}        - avi:jira:commented:issue\n"));
    assert!(wider.contains("commented:issue"));
    wider
}

impl World {
    pub(crate) async fn start(database: &Database) -> Self {
        Self::with(database, |_| {}).await
    }

    pub(crate) async fn with(database: &Database, change: impl FnOnce(&mut sandbox::Config)) -> Self {
        Self::by(database, Arc::new(SystemClock), change, |_, _| {}).await
    }

    /// By a clock of its own; `tell_of` may change what this room is told of the Jira.
    pub(crate) async fn by(
        database: &Database,
        clock: Arc<dyn Clock>,
        change: impl FnOnce(&mut sandbox::Config),
        tell_of: impl FnOnce(&sandbox::Running, &mut HostConfig),
    ) -> Self {
        let base = base_at(database, clock).await;
        let (tell, sent) = mpsc::unbounded_channel();
        let remote = Router::new().fallback(move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let sent = tell.send(Sent { path: uri.path().to_owned(), headers, body });
            async move { sent.map_or("{}", |()| "{}") }
        });
        let remote = format!("http://{}", serve(remote).await);
        let app =
            ForgeApp { name: "Steward".into(), manifest_yaml: manifest(), resources: Arc::new(|_| Some(Vec::new())) };
        let mut config = sandbox::Config {
            source: sandbox::Source::Demo(1),
            faults: sandbox::Faults::none(),
            keys: kept_keys(),
            forge: ForgeConfig { apps: vec![(app, Some(remote))], ..ForgeConfig::default() },
            ..sandbox::Config::default()
        };
        change(&mut config);
        let jira = sandbox::start(config).await.unwrap();
        let mut config = host_config(&jira);
        tell_of(&jira, &mut config);
        let host = Host::new(config, base.store.clone(), base.vault.clone(), base.clock.clone()).unwrap();
        #[expect(clippy::disallowed_methods, reason = "asks the sandbox for tokens, as a page does")]
        let http = reqwest::Client::new();
        Self { base, jira, host, http, sent: Mutex::new(sent) }
    }

    /// The next call of Jira's to our address.
    pub(crate) async fn next_sent(&self) -> Sent {
        self.sent.lock().await.recv().await.unwrap()
    }

    /// The next one to a path; others are passed over.
    pub(crate) async fn next_sent_to(&self, path: &str) -> Sent {
        loop {
            let sent = self.next_sent().await;
            if sent.path == path {
                return sent;
            }
        }
    }

    /// What a page would send, as that person.
    pub(crate) async fn page(&self, user: &str, module: &str, issue: Option<&str>) -> Sent {
        let mut ask = json!({"user": user, "module": module, "headers": true});
        if let Some(issue) = issue {
            ask["issue"] = issue.into();
        }
        let answer = self.http.post(format!("{}/sandbox/token", self.jira.url())).json(&ask).send().await.unwrap();
        let status = answer.status();
        let answer: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{answer}");
        let mut headers = HeaderMap::new();
        let bearer = format!("Bearer {}", answer["token"].as_str().unwrap());
        headers.insert("authorization", bearer.parse().unwrap());
        for (name, value) in answer["headers"].as_object().unwrap() {
            let name: axum::http::HeaderName = name.parse().unwrap();
            headers.insert(name, value.as_str().unwrap().parse().unwrap());
        }
        Sent { path: String::new(), headers, body: Bytes::new() }
    }

    pub(crate) fn cx(&self, tenant: TenantId) -> Cx {
        self.acting(tenant, Actor::System("test"))
    }

    pub(crate) fn acting(&self, tenant: TenantId, actor: Actor) -> Cx {
        Cx::mint(tenant, actor, Standing::default(), self.base.clock.clone(), RequestId::fresh())
    }

    /// A person's call, verified and settled.
    pub(crate) async fn enter(&self, user: &str, module: &str, issue: Option<&str>) -> (Call, Cx, AccountId) {
        let page = self.page(user, module, issue).await;
        let call = self.host.inbound.verify(&page.forge()).await.unwrap();
        let cx = self.cx(call.tenant);
        self.host.inbound.settle(&cx, &call).await.unwrap();
        let person = call.person().unwrap().clone();
        (call, cx, person)
    }

    /// With what an operator calls Jira as somebody.
    pub(crate) fn login(&self, who: &str) -> Login {
        let visitor = self.jira.visitor(who).unwrap();
        let token = visitor.api_token.unwrap();
        match self.jira.data_center() {
            Some(_) => Login::personal(&token).unwrap(),
            None => Login::new(&visitor.email, &token).unwrap(),
        }
    }

    /// A look at the site, as an operator who typed this address.
    pub(crate) async fn look(&self, typed: &str) -> Look {
        let networks = Networks { private: false, loopback: true };
        let address = Joining::address_in(networks, typed).unwrap();
        let gateway = Url::parse(&format!("{}/ex/jira/", self.jira.url())).unwrap();
        let mut look = Look::at(&address, &gateway, networks, "test", Arc::new(SystemClock)).unwrap();
        let found = look.recognise().await.unwrap();
        assert_eq!(found == Deployment::DataCenter, self.jira.data_center().is_some());
        look
    }

    /// The site joined by its administrator's token.
    pub(crate) async fn joined(&self, client: Option<&OauthClient>) -> Cx {
        let login = self.login("admin");
        let probed = self.look(&self.jira.url()).await.probe(&login).await.unwrap();
        assert!(probed.is_enough(), "{probed:?}");
        let cx = self.cx(TenantId::fresh());
        self.host.joining.join(&cx, &probed, &login, client).await.unwrap();
        cx
    }

    /// A request of the company's that `agent` works on: its issue's id and key, and its reporter.
    pub(crate) fn some_request(&self) -> (String, String, AccountId) {
        let state = self.jira.state();
        let store = state.read();
        let team = sandbox::state::model::ROLE_TEAM;
        let works = |id: &str| store.projects.values().any(|project| store.holds_role(project, team, id));
        let agent = store
            .accounts
            .values()
            .map(|account| account.account_id.as_str())
            .find(|id| !store.is_site_admin(id) && works(id) && store.account(id).is_some_and(|account| account.active))
            .unwrap();
        let desk_projects: Vec<String> = store
            .service_desks
            .values()
            .map(|desk| desk.project_id.clone())
            .filter(|id| store.holds_role(&store.projects[id.as_str()], team, agent))
            .collect();
        let customer = |id: &str| store.account(id).is_some_and(|account| account.account_type.as_str() == "customer");
        let issue = store
            .issues
            .values()
            .find(|issue| desk_projects.contains(&issue.project_id) && issue.reporter.as_deref().is_some_and(customer))
            .unwrap();
        (issue.id.to_string(), issue.key.clone(), AccountId::new(issue.reporter.clone().unwrap()).unwrap())
    }

    /// Text shaped like a token that ends in a day, signed by nobody.
    pub(crate) fn long_lived_text(&self) -> String {
        let end = self.base.clock.now().as_second() + 86_400;
        let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.c2ln", encode("{}"), encode(&format!("{{\"exp\":{end}}}")))
    }

    /// So many issues' ids, at most.
    pub(crate) fn issue_ids(&self, most: usize) -> Vec<kernel::IssueId> {
        let state = self.jira.state();
        let store = state.read();
        store.issues.values().take(most).map(|issue| kernel::IssueId::new(issue.id.to_string()).unwrap()).collect()
    }

    /// The role that desks' teams hold.
    pub(crate) fn team_roles(&self) -> Vec<host::client::RoleId> {
        vec![host::client::RoleId::new(sandbox::state::model::ROLE_TEAM.to_string()).unwrap()]
    }

    /// A customer who has nothing to do with an issue.
    pub(crate) fn customer_without(&self, key: &str) -> AccountId {
        let state = self.jira.state();
        let store = state.read();
        let issue = store.issue(key).unwrap();
        let shared = |id: &str| store.organizations_of(id).any(|one| issue.organizations.contains(&one.id));
        let account = store
            .accounts
            .values()
            .filter(|account| account.account_type.as_str() == "customer" && account.active)
            .find(|account| {
                let id = &account.account_id;
                issue.reporter.as_ref() != Some(id) && !issue.participants.contains(id) && !shared(id)
            })
            .unwrap();
        AccountId::new(account.account_id.clone()).unwrap()
    }
}
