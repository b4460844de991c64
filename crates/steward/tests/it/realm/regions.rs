//! Two servers of one operator's, each with its own databases and root key, and a line between them that is listened to.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, header};
use kernel::{Actor, Clock, Cx, RequestId, Standing};
use sandbox::forge::{Answered, ForgeApp, Migration};
use serde_json::Value;
use steward::config::{Config, RealmConfig};
use steward::demo;
use steward::program::Program;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::databases::Database;
use crate::world::{self, Answer, World};

const REGIONS: &str = include_str!("../../../../../deploy/forge/regions.yml");

/// Everything that went over the line, and how many connections it still lets through.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) heard: Arc<Mutex<Vec<u8>>>,
    pub(super) lets: Arc<AtomicUsize>,
}

impl Line {
    async fn to(target: SocketAddr) -> (Self, SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let line = Self { heard: Arc::default(), lets: Arc::new(AtomicUsize::new(usize::MAX)) };
        let own = line.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let line = own.clone();
                tokio::spawn(async move { line.carry(client, target).await });
            }
        });
        (line, address)
    }

    async fn carry(&self, client: TcpStream, target: SocketAddr) {
        let Ok(server) = TcpStream::connect(target).await else { return };
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::join!(self.one_way(from_client, to_server, true), self.one_way(from_server, to_client, false));
    }

    /// A request counts where its head begins.
    async fn one_way(
        &self,
        mut from: tokio::net::tcp::OwnedReadHalf,
        mut to: tokio::net::tcp::OwnedWriteHalf,
        counts: bool,
    ) {
        let mut bytes = vec![0; 65_536];
        while let Ok(read @ 1..) = from.read(&mut bytes).await {
            if counts && bytes.starts_with(b"POST ") {
                let left = self.lets.load(Ordering::SeqCst);
                if left == 0 {
                    return;
                }
                if left != usize::MAX {
                    self.lets.store(left - 1, Ordering::SeqCst);
                }
            }
            self.heard.lock().unwrap().extend_from_slice(&bytes[..read]);
            if to.write_all(&bytes[..read]).await.is_err() {
                return;
            }
        }
    }
}

/// The other region.
pub(super) struct Region {
    pub(super) program: Program,
    pub(super) config: Config,
    pub(super) address: SocketAddr,
    _folder: tempfile::TempDir,
    databases: Vec<Database>,
}

/// A site that is served in one region, and another region.
pub(super) struct Regions {
    pub(super) us: World,
    pub(super) eu: Region,
    pub(super) line: Line,
}

fn secret(folder: &std::path::Path, byte: u8) -> std::path::PathBuf {
    use base64::Engine;
    let file = folder.join("realm.secret");
    std::fs::write(&file, base64::engine::general_purpose::STANDARD.encode([byte; 32])).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    file
}

/// The manifest as docs/install-forge.md says to make it for several regions, with these addresses.
pub(super) fn app(us: &str, eu: &str) -> ForgeApp {
    let ours = demo::app();
    let (remotes, module) = REGIONS.split_once("\nmodules:\n").unwrap();
    let remotes = remotes.replace("https://steward-us.example.com", us).replace("https://steward-eu.example.com", eu);
    let (head, rest) = ours.manifest_yaml.split_once("  external:\n").unwrap();
    let (_, rest) = rest.split_once("\nresources:\n").unwrap();
    let rest = rest.replacen("\nmodules:\n", &format!("\nmodules:\n{module}"), 1);
    let manifest_yaml = format!("{head}\n{remotes}\n\nresources:\n{rest}");
    ForgeApp { manifest_yaml, ..ours }
}

impl Regions {
    pub(super) async fn start(postgres: bool) -> Option<Self> {
        let mut databases = Vec::new();
        for _ in 0..if postgres { 4 } else { 0 } {
            databases.push(Database::postgres().await?);
        }
        let of_eu: Vec<Database> = databases.drain(..databases.len() / 2).collect();
        Some(Box::pin(Self::with(databases, of_eu, 7, 7)).await)
    }

    /// With the secret that each of both has.
    pub(super) async fn with(of_us: Vec<Database>, of_eu: Vec<Database>, us_secret: u8, eu_secret: u8) -> Self {
        let mut us = World::unjoined(of_us).await;
        let bind = async || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (us_listener, eu_listener) = (bind().await, bind().await);
        let (us_address, eu_address) = (us_listener.local_addr().unwrap(), eu_listener.local_addr().unwrap());
        let (line, line_address) = Line::to(eu_address).await;

        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        vault::FileRootKey::create(&folder.path().join("root.key")).unwrap();
        let mut config = world::config(folder.path(), &of_eu, &[&us.jira], eu_address);
        config.data.region = "EU".to_owned();
        config.realm = RealmConfig {
            secret_file: Some(secret(folder.path(), eu_secret)),
            regions: vec![format!("US=http://{us_address}")],
        };
        let program = world::open(&config, &us.clock).await;
        let router = program.router.clone();
        tokio::spawn(async move { axum::serve(eu_listener, router).await.unwrap() });
        let eu = Region { program, config, address: eu_address, _folder: folder, databases: of_eu };

        let mut config = us.config.clone();
        config.server.origin = format!("http://{us_address}").parse().unwrap();
        config.server.listen = us_address;
        config.data.region = "US".to_owned();
        config.realm = RealmConfig {
            secret_file: Some(secret(us.folder.path(), us_secret)),
            regions: vec![format!("EU=http://{line_address}")],
        };
        assert_eq!(config.mistakes(), Vec::<String>::new());
        us.listens(config, us_listener).await;
        us.jira.forge().install(app(&format!("http://{us_address}"), &format!("http://{eu_address}")), None).unwrap();
        us.jira.deliveries_settled().await;
        us.program.runner.drain().await.unwrap();
        Self { us, eu, line }
    }

    /// A migration for an hour and a half from now.
    pub(super) fn migration(&self, id: u64, location: &str) -> Migration {
        let start = self.us.clock.now();
        let end = start.checked_add(Duration::from_secs(5_400)).unwrap();
        Migration { id, location: location.to_owned(), start, end }
    }

    pub(super) async fn hook(&self, name: &str, migration: &Migration) -> Answered {
        self.us.jira.forge().hook(&demo::app_id().unwrap(), name, migration).await.unwrap()
    }

    #[track_caller]
    fn good(name: &str, answered: &Answered) {
        assert!(answered.is_good(), "{name}: {answered:?}");
    }

    pub(super) async fn hears(&self, name: &str, migration: &Migration) {
        Self::good(name, &self.hook(name, migration).await);
    }

    pub(super) async fn refuses(&self, name: &str, migration: &Migration, code: &str) {
        let answered = self.hook(name, migration).await;
        assert!(!answered.is_good() && answered.code() == Some(code), "{name}: {answered:?}");
    }

    pub(super) async fn status(&self, migration: &Migration) -> String {
        let answered = self.hook("status", migration).await;
        Self::good("status", &answered);
        answered.body["status"].as_str().unwrap().to_owned()
    }

    /// Announced, begun, and all of it copied.
    pub(super) async fn copied(&self, migration: &Migration) {
        self.hears("schedule", migration).await;
        self.hears("start", migration).await;
        self.us.program.runner.drain().await.unwrap();
        assert_eq!(self.status(migration).await, "ready-to-commit");
    }

    /// Somebody on a page of ours asks the other region.
    pub(super) async fn asks_eu(
        &self,
        who: &str,
        method: Method,
        path: &str,
        etag: Option<&str>,
        body: Option<Value>,
    ) -> Answer {
        let token = self.us.on_page(who, "customers-page").token().await;
        let mut request =
            Request::builder().method(method).uri(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
        if let Some(etag) = etag {
            request = request.header(header::IF_MATCH, etag);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = request.header(header::CONTENT_TYPE, "application/json").body(body).unwrap();
        World::send_to(&self.eu.program, request).await
    }

    pub(super) async fn gets_eu(&self, path: &str) -> Answer {
        self.asks_eu("agent", Method::GET, path, None, None).await
    }

    /// A context of the site's, for looking at rows.
    pub(super) fn cx(&self, tenant: kernel::TenantId) -> Cx {
        Cx::mint(tenant, Actor::System("test"), Standing::default(), self.us.clock.clone(), RequestId::fresh())
    }

    pub(super) async fn end(self) {
        assert_eq!(self.eu.program.runner.due().await.unwrap(), 0, "jobs are left");
        for program in [&self.us.program, &self.eu.program] {
            let dead = jobs::dead_letters(&program.store, 10).await.unwrap();
            let dead: Vec<_> = dead.iter().map(|job| (&job.kind, &job.error)).collect();
            assert!(dead.is_empty(), "{dead:?}");
        }
        self.eu.program.close().await.unwrap();
        for database in self.eu.databases {
            database.remove().await;
        }
        self.us.end().await;
    }
}

/// What a server has of a tenant: rows by table, keys, salts and objects.
pub(super) async fn left(
    program: &Program,
    config: &Config,
    tenant: kernel::TenantId,
) -> (Vec<(&'static str, i64)>, usize, usize) {
    let rows = store::sweep::tenant_row_count(&program.store, tenant).await.unwrap();
    let rows = rows.into_iter().filter(|(_, count)| *count > 0).collect();
    let mut keys = store::shelf::salt_rows(&program.shelf, tenant, "", 10_000).await.unwrap().len();
    for class in kernel::KeyClass::ALL {
        keys += store::shelf::keys(&program.shelf, tenant, class).await.unwrap().len();
    }
    let objects = config.data.directory.join("objects").join(tenant.to_string());
    let objects = std::fs::read_dir(objects).map_or(0, |all| all.flatten().count());
    (rows, keys, objects)
}

/// The token that a hook of a site is called with, taken by a server that answers nothing else.
pub(super) async fn token_of_a_hook(site: &sandbox::Running, migration: &Migration) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let taken: Arc<Mutex<Option<String>>> = Arc::default();
    let takes = taken.clone();
    let router = axum::Router::new().fallback(move |headers: axum::http::HeaderMap| async move {
        *takes.lock().unwrap() = Some(headers[header::AUTHORIZATION].to_str().unwrap().to_owned());
        "{}"
    });
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    site.forge().upgrade(app(&address, &address)).unwrap();
    site.deliveries_settled().await;
    site.forge().hook(&demo::app_id().unwrap(), "status", migration).await.unwrap();
    let token = taken.lock().unwrap().take();
    token.expect("the hook came")
}
