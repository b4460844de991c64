//! The demo: a stand-in Jira of a believable company with Steward joined to it, as a real site would be, through its
//! Forge host. Nothing here is a short cut: fields and values are written through the API, as people of that site.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the demo speaks to whoever started it")]

mod content;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use kernel::SystemClock;
use sandbox::forge::{ForgeApp, ForgeConfig};
use serde_json::json;
use url::Url;
use vault::FileRootKey;

use crate::cli::{stop_on_signal, told};
use crate::config::{self, Config, LogConfig, LogFormat};
use crate::program::{Parts, Program};
use crate::sandbox::{people, people_json};
use crate::{listen, telemetry};

/// The key of the Connect app that the demo is.
const CONNECT_APP: &str = "com.steward.demo";
/// The manifest of the Forge app, as a real site installs it.
const MANIFEST: &str = include_str!("../../../deploy/forge/manifest.yml");
/// The company, always the same one.
const COMPANY: u64 = 1;
/// Its site's name.
pub(crate) const SITE_NAME: &str = "Nordlicht Mobility";
/// How long the demo waits for its own Jira to tell of the installation.
const JOINING: Duration = Duration::from_secs(60);
/// How much longer it waits for each customer more: all are read before the first organization.
const A_CUSTOMER: Duration = Duration::from_millis(20);
/// Where the demo is, for this machine alone.
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Ports after the first that are tried when it is taken.
const PORTS_TRIED: u16 = 20;

/// Options of `steward demo`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The port of the stand-in Jira; Steward itself takes the next one
    #[arg(long, env = "PORT")]
    port: Option<u16>,
    /// Fill Jira with an archive instead: issues in Jira's REST shape, one a line, plain or gzipped
    #[arg(long)]
    archive: Option<PathBuf>,
    /// Add so many customers to the company, to see how large tables feel; reading them takes a while
    #[arg(long, value_name = "COUNT", default_value_t = 0, conflicts_with = "archive")]
    customers: usize,
    /// Keep Steward's data in this folder; without it, it is thrown away
    #[arg(long)]
    data: Option<PathBuf>,
    /// Print one line of JSON once it is ready, and nothing else
    #[arg(long)]
    json: bool,
    /// Check each of Jira's answers, and what was asked, against the OpenAPI files in this folder
    #[arg(long, hide = true)]
    contract: Option<PathBuf>,
}

/// Folders of a demo: its data and, beside it, its root key.
pub(crate) struct Scratch {
    data: PathBuf,
    root_key: PathBuf,
    temporary: Option<PathBuf>,
}

impl Scratch {
    /// In `kept`, or in a new folder that goes when this goes.
    pub(crate) fn make(kept: Option<&std::path::Path>) -> anyhow::Result<Self> {
        let (folder, temporary) = match kept {
            Some(folder) => (folder.to_owned(), None),
            None => {
                let folder = std::env::temp_dir().join(format!("steward-{}", uuid::Uuid::new_v4()));
                (folder.clone(), Some(folder))
            }
        };
        let data = folder.join("data");
        std::fs::create_dir_all(&data).with_context(|| format!("cannot make {}", data.display()))?;
        let root_key = folder.join("root.key");
        if !root_key.exists() {
            FileRootKey::create(&root_key)?;
        }
        Ok(Self { data, root_key, temporary })
    }

    fn config(&self, site: &Url, origin: &Url, listen: SocketAddr, app: &str, jwks: &str) -> anyhow::Result<Config> {
        Ok(Config {
            server: config::ServerConfig {
                origin: origin.clone(),
                listen,
                tls_certificate: None,
                tls_key: None,
                behind_proxy: false,
                proxy_on_other_machine: false,
                metrics_token: None,
            },
            data: config::DataConfig {
                directory: self.data.clone(),
                database: None,
                shelf: None,
                root_key: Some(self.root_key.clone()),
                root_key_service: None,
                former_root_key: None,
                former_root_key_service: None,
                region: "demo".to_owned(),
            },
            forge: config::ForgeConfig {
                apps: vec![app.to_owned()],
                sites: Vec::new(),
                jwks: jwks.parse()?,
                api_bases: vec![site.join("ex/jira/")?],
                graphql: site.join("graphql")?,
            },
            sign_in: config::SignInConfig {
                authority: site.clone(),
                granted_sites: site.join("oauth/token/accessible-resources")?,
            },
            // Nobody has it installed: `/sandbox/connect` of the demo's Jira does that.
            connect: config::ConnectSection {
                key: Some(CONNECT_APP.to_owned()),
                sites: vec![site.clone()],
                install_keys: site.join("connect/install-keys/")?,
                authorization: site.clone(),
                bridge: site.join("connect/all.js")?,
            },
            objects: config::ObjectsConfig::default(),
            traces: config::TracesConfig::default(),
            realm: config::RealmConfig::default(),
            network: config::NetworkConfig { allow_private: false, allow_loopback: true },
            log: LogConfig::default(),
            jobs: config::JobsConfig::default(),
            api: config::ApiConfig::default(),
            imports: config::ImportsConfig::default(),
        })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(folder) = &self.temporary {
            // Best effort: it lies in the system's folder for such things.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// A wired program on an empty database, for what needs no Jira.
pub(crate) async fn open_scratch(scratch: &Scratch) -> anyhow::Result<Program> {
    let nowhere: Url = "http://127.0.0.1:9/".parse()?;
    let app = "ari:cloud:ecosystem::app/00000000-0000-0000-0000-000000000000";
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let config = scratch.config(&nowhere, &nowhere, listen, app, nowhere.as_str())?;
    open(&config).await
}

async fn open(config: &Config) -> anyhow::Result<Program> {
    let parts = Parts::of(config, Arc::new(SystemClock))?;
    Program::open(config, parts).await.map_err(told)
}

/// The id of the Forge app, as the manifest names it.
pub fn app_id() -> anyhow::Result<String> {
    let line = MANIFEST.lines().find_map(|line| line.trim().strip_prefix("id: ")).map(str::trim);
    line.filter(|id| id.starts_with("ari:")).map(str::to_owned).ok_or_else(|| anyhow!("the manifest names no app"))
}

/// The Forge app as it is deployed: the manifest, and the built pages.
pub fn app() -> ForgeApp {
    ForgeApp {
        name: "Steward".to_owned(),
        manifest_yaml: MANIFEST.to_owned(),
        resources: Arc::new(|path| path.strip_prefix("main/").and_then(web::ui_file)),
    }
}

/// Binds the asked-for port, or the first free one from the usual.
pub(crate) fn bind(ip: IpAddr, asked: Option<u16>, usual: u16) -> anyhow::Result<std::net::TcpListener> {
    let address = |port| SocketAddr::new(ip, port);
    match asked {
        Some(port) => listen::bind(address(port)),
        None => (usual..usual + PORTS_TRIED)
            .find_map(|port| listen::bind(address(port)).ok())
            .map_or_else(|| listen::bind(address(0)), Ok),
    }
}

/// The Jira that the demo stands beside.
async fn jira(options: &Options, listen: SocketAddr) -> anyhow::Result<sandbox::Running> {
    let source = match &options.archive {
        Some(file) => sandbox::Source::Archive(file.clone()),
        None => sandbox::Source::Demo(COMPANY),
    };
    let config = sandbox::Config {
        listen,
        site_name: if options.archive.is_some() { "Archive" } else { SITE_NAME }.to_owned(),
        source,
        contract: options.contract.clone(),
        more_customers: options.customers,
        // Jira's own limits would stretch the reading of many over hours.
        rate_limits: sandbox::RateLimits { enabled: options.customers == 0, ..sandbox::RateLimits::default() },
        forge: ForgeConfig::default(),
        ..sandbox::Config::default()
    };
    sandbox::start(config).await.context("the stand-in Jira did not start")
}

/// The usual port of the stand-in Jira.
pub(crate) const JIRA_PORT: u16 = 7800;

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    // What goes wrong is said on stderr; the rest would only hide the address.
    let log = LogConfig { level: "warn".to_owned(), format: LogFormat::Text };
    telemetry::log_to(&log, None, std::io::stderr)?;
    vault::harden_process();
    if web::ui_file("index.html").is_none() {
        eprintln!("The pages are not in this build: run `make ui` first, or `make demo`, which does it all.");
    }
    let scratch = Scratch::make(options.data.as_deref())?;
    let chosen = bind(LOOPBACK, options.port, JIRA_PORT)?.local_addr()?;
    let jira = jira(&options, chosen).await?;
    let listener = bind(LOOPBACK, options.port.map(|port| port + 1), JIRA_PORT + 1)?;
    let address = listener.local_addr()?;
    let (site, origin): (Url, Url) = (jira.url().parse()?, format!("http://{address}").parse()?);
    let config = scratch.config(&site, &origin, address, &app_id()?, &jira.forge().jwks_url())?;
    let program = open(&config).await?;
    program.start();
    let stop = program.stopping();
    stop_on_signal(stop.clone())?;
    let server = tokio::spawn(serve(listener, config, program.router.clone(), stop.clone()));
    jira.forge().install(app(), Some(origin.as_str())).context("the app was not installed")?;
    let joining = JOINING + A_CUSTOMER * u32::try_from(options.customers)?;
    let joined = tokio::select! {
        joined = tokio::time::timeout(joining, content::fill(&jira, &program)) => {
            joined.map_err(|_| anyhow!("the stand-in Jira did not tell of the installation in time"))?
        }
        () = stop.cancelled() => Ok(()),
    };
    joined.context("the demo could not be filled")?;
    if !stop.is_cancelled() {
        announce(&options, &jira, &origin)?;
    }
    stop.cancelled().await;
    server.await??;
    program.close().await.map_err(told)?;
    jira.shutdown().await;
    Ok(())
}

async fn serve(
    listener: std::net::TcpListener,
    config: Config,
    router: axum::Router,
    stop: tokio_util::sync::CancellationToken,
) -> anyhow::Result<()> {
    // Whoever closes the terminal ends the demo.
    listen::serve(listener, &config.server, router, stop, None).await
}

fn announce(options: &Options, jira: &sandbox::Running, steward: &Url) -> anyhow::Result<()> {
    let origin = steward.origin().ascii_serialization();
    if options.json {
        println!("{}", json!({"steward": origin, "jira": jira.url(), "users": people_json(jira)}));
        return Ok(());
    }
    println!("\n  Open  {}\n", jira.url());
    for (role, who) in people(jira) {
        println!("  as {role:<9} {}  {}", who.display_name, who.sign_in);
    }
    println!("\n  An issue with the customer's fields beside it: sign in as the agent, open any request of a queue.");
    println!("  Steward's API: {origin}/openapi.json");
    match &options.data {
        Some(folder) => println!("  Steward's data is kept in {}.", folder.display()),
        None => println!("  Nothing is kept: it all goes when this stops (--data DIR keeps Steward's data)."),
    }
    println!("  Ctrl-C stops it.\n");
    Ok(())
}
