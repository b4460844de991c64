//! Many sites joined to one server of ours, as they would join: a Jira each, the app installed, people who define
//! fields and write values through the API. All of it on this machine.
//!
//! The Jiras live in this process, on another core than what is measured, and go on answering what the server asks
//! them. Start at [`Sites::join`].

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use futures::{StreamExt, TryStreamExt};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// The key of the Connect app that the server is.
pub(crate) const CONNECT_APP: &str = "com.steward.bench";
/// Calls that are made at the same time.
const CALLS_AT_ONCE: usize = 32;
/// Sites that join at the same time.
const JOINING_AT_ONCE: usize = 4;
/// A site whose directory is not read by then never will be.
const JOINING_TIME: Duration = Duration::from_secs(120);
/// Between two looks at what a job has done.
const LOOK: Duration = Duration::from_millis(50);
/// Fields of customers that each site defines, and customers whose values are written.
const FIELDS: usize = 12;
const CUSTOMERS: usize = 10;

/// A configuration of the program, and where it will be reached.
pub(crate) struct Server {
    pub(crate) origin: String,
    pub(crate) file: PathBuf,
}

impl Server {
    /// In `folder`, which must be there; `sites` are those that may join.
    pub(crate) fn configure(folder: &Path, sites: &[sandbox::Running]) -> Result<Self> {
        let data = folder.join("data");
        std::fs::create_dir_all(&data)?;
        let key = folder.join("root.key");
        if !key.exists() {
            vault::FileRootKey::create(&key)?;
        }
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let origin = format!("http://127.0.0.1:{port}");
        // Without a site the server knows Atlassian's own addresses, which nothing asks.
        let cloud = sites.first().map_or_else(String::new, |first| {
            let bases: Vec<String> = sites.iter().map(|site| format!("{}/ex/jira/", site.url())).collect();
            let jwks = first.forge().jwks_url();
            let origins: Vec<String> = sites.iter().map(sandbox::Running::url).collect();
            format!(
                "jwks = \"{jwks}\"\napi_bases = {bases:?}\ngraphql = \"{0}/graphql\"\n\
                 [connect]\nkey = \"{CONNECT_APP}\"\nsites = {origins:?}\ninstall_keys = {1:?}\nauthorization = {0:?}\nbridge = {2:?}\n",
                first.url(),
                first.connect().install_keys_url(),
                first.connect().bridge_url()
            )
        });
        let file = folder.join("steward.toml");
        let text = format!(
            "[server]\norigin = \"{origin}\"\nlisten = \"127.0.0.1:{port}\"\n\
             [data]\ndirectory = {data:?}\nroot_key = {key:?}\n[forge]\napps = [\"{}\"]\n{cloud}\
             [network]\nallow_loopback = true\n[log]\nlevel = \"warn\"\n\
             # What is measured is the server, not how it holds scripts back.\n[api]\nrequests_per_minute = 60000\n",
            steward::demo::app_id()?,
        );
        std::fs::write(&file, text)?;
        Ok(Self { origin, file })
    }
}

/// A customer's values to be read by an agent of that customer's site.
pub(crate) struct Target {
    pub(crate) path: String,
    pub(crate) token: String,
}

/// Sites in this process, and the runtime that they live on.
pub(crate) struct Sites {
    pub(crate) running: Vec<sandbox::Running>,
    runtime: Runtime,
}

impl Sites {
    pub(crate) fn start(count: usize) -> Result<Self> {
        Self::with(count, 0)
    }

    /// Sites with so many customers more than those who wrote requests.
    pub(crate) fn with(count: usize, more_customers: usize) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let mut running: Vec<sandbox::Running> = Vec::with_capacity(count);
        for number in 0..count {
            let mut config = sandbox::Config {
                cloud_id: format!("00000000-0000-4000-8000-{number:012}"),
                seed: number as u64,
                source: sandbox::Source::Demo(number as u64),
                more_customers,
                faults: sandbox::Faults::none(),
                // A hundred directories are to be read now, not within an hour.
                rate_limits: sandbox::RateLimits { enabled: false, ..Default::default() },
                ..sandbox::Config::default()
            };
            config.connect_keys_of = running.first().map(sandbox::Running::connect);
            config.forge.same_cloud_as = running.first().map(sandbox::Running::forge);
            running.push(runtime.block_on(sandbox::start(config))?);
        }
        Ok(Self { running, runtime })
    }

    /// Joins each site to the server that runs at `origin`, and has [`FIELDS`] values of [`CUSTOMERS`] customers written
    /// on it. Answers what an agent may read of them, a customer of every site in turn.
    pub(crate) fn join(&self, origin: &str) -> Result<Vec<Target>> {
        #[expect(clippy::disallowed_methods, reason = "a client of the server's own API")]
        let client = reqwest::Client::builder().no_proxy().build()?;
        let joined = futures::stream::iter(&self.running)
            .map(|site| join(site, Api { client: client.clone(), origin: origin.to_owned(), token: String::new() }))
            .buffered(JOINING_AT_ONCE)
            .try_collect::<Vec<_>>();
        let by_site: Vec<Vec<Target>> = self.runtime.block_on(joined)?;
        let mut turns: Vec<_> = by_site.into_iter().map(Vec::into_iter).collect();
        Ok((0..CUSTOMERS).flat_map(|_| turns.iter_mut().filter_map(Iterator::next).collect::<Vec<_>>()).collect())
    }
}

impl Sites {
    /// Installs the Connect app of this descriptor on each site.
    pub(crate) fn connect(&self, descriptor: &str) -> Result<()> {
        self.runtime.block_on(async {
            for site in &self.running {
                site.connect().install(descriptor, None).await?;
            }
            Ok(())
        })
    }

    /// A page of a Connect app as the agent of each site is shown it.
    pub(crate) fn pages(&self, app: &str, module: &str) -> Result<Vec<String>> {
        let page = |site: &sandbox::Running| {
            site.connect_page(app, "agent", module, None).map(|opened| opened.url).map_err(|why| anyhow!("{why}"))
        };
        self.running.iter().map(page).collect()
    }

    /// Installs the Forge app on the first site.
    pub(crate) fn install_forge(&self, origin: &str) -> Result<()> {
        let site = self.running.first().context("no site")?;
        self.runtime.block_on(async {
            site.forge().install(steward::demo::app(), Some(origin)).map_err(|why| anyhow!("{why}"))?;
            site.deliveries_settled().await;
            Ok(())
        })
    }

    /// Invocation tokens of the first site's agent.
    pub(crate) fn invocations(&self, count: usize) -> Result<Vec<String>> {
        let site = self.running.first().context("no site")?;
        self.runtime.block_on(async {
            let mut tokens = Vec::with_capacity(count);
            for _ in 0..count {
                let token = site.page_token("agent", "customers-page", None).await.map_err(|why| anyhow!("{why}"))?;
                tokens.push(token);
            }
            Ok(tokens)
        })
    }

    /// Makes a call with each of these tokens; every one must succeed.
    pub(crate) fn invoke(&self, origin: &str, path: &str, tokens: Vec<String>) -> Result<()> {
        #[expect(clippy::disallowed_methods, reason = "a client of the server's own API")]
        let client = reqwest::Client::builder().no_proxy().build()?;
        let url = format!("{origin}{path}");
        let calls = futures::stream::iter(tokens).map(|token| client.get(&url).bearer_auth(token).send());
        let made =
            calls.buffer_unordered(CALLS_AT_ONCE).map(|answer| anyhow::Ok(answer?.error_for_status().map(drop)?));
        self.runtime.block_on(made.try_collect::<Vec<()>>()).map(drop)
    }

    /// An export of the first site's customers by an API token, with all of its own fields, read to its end. Answers its bytes.
    pub(crate) fn export(&self, origin: &str, token: &str) -> Result<usize> {
        #[expect(clippy::disallowed_methods, reason = "a client of the server's own API")]
        let client = reqwest::Client::builder().no_proxy().build()?;
        let api = Api { client, origin: origin.to_owned(), token: token.to_owned() };
        self.runtime.block_on(async {
            let fields = api.ask(reqwest::Method::GET, "/api/v1/fields?entity=customer", None).await?;
            let items = fields.get("items").and_then(Value::as_array).context("no fields")?;
            let columns = items.iter().map(|field| text(field, "id")).collect::<Result<Vec<_>>>()?;
            let wanted = json!({"format": "csv", "columns": columns});
            let path = format!("{origin}/api/v1/customers/export");
            let sent = api.client.post(path).bearer_auth(token).json(&wanted).send().await?;
            if !sent.status().is_success() {
                return Err(anyhow!("the export: {} {}", sent.status(), sent.text().await?));
            }
            let (mut answer, mut bytes) = (sent, 0);
            while let Some(piece) = answer.chunk().await? {
                bytes += piece.len();
            }
            Ok(bytes)
        })
    }

    /// How long the first site's agent waits for each of these answers, one after the other.
    pub(crate) fn waits(&self, origin: &str, paths: &[String]) -> Result<Vec<Duration>> {
        #[expect(clippy::disallowed_methods, reason = "a client of the server's own API")]
        let client = reqwest::Client::builder().no_proxy().build()?;
        let api = Api { client, origin: origin.to_owned(), token: String::new() };
        let site = self.running.first().context("no site")?;
        self.runtime.block_on(async {
            let agent = api.as_on(site, "agent", "customers-page").await?;
            let mut waits = Vec::with_capacity(paths.len());
            for path in paths {
                let since = Instant::now();
                agent.ask(reqwest::Method::GET, path, None).await?;
                waits.push(since.elapsed());
            }
            Ok(waits)
        })
    }

    /// An API token of the first site, with these scopes.
    pub(crate) fn api_token(&self, origin: &str, scopes: &[&str]) -> Result<String> {
        #[expect(clippy::disallowed_methods, reason = "a client of the server's own API")]
        let client = reqwest::Client::builder().no_proxy().build()?;
        let api = Api { client, origin: origin.to_owned(), token: String::new() };
        let site = self.running.first().context("no site")?;
        let asked = async {
            let token = site.page_token("admin", "settings-page", None).await.map_err(|why| anyhow!("{why}"))?;
            let wanted = json!({"name": "Bench", "scopes": scopes});
            Api { token, ..api }.ask(reqwest::Method::POST, "/api/v1/tokens", Some(wanted)).await
        };
        text(&self.runtime.block_on(asked)?, "secret")
    }
}

#[derive(Clone)]
struct Api {
    client: reqwest::Client,
    origin: String,
    token: String,
}

impl Api {
    async fn ask(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Result<Value> {
        let mut request = self.client.request(method, format!("{}{path}", self.origin)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.header("if-match", "\"v0\"").json(&body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            return Err(anyhow!("{path}: {status} {text}"));
        }
        Ok(serde_json::from_str(&text)?)
    }

    /// The same for whoever opens `module` on the site.
    async fn as_on(&self, site: &sandbox::Running, who: &str, module: &str) -> Result<Self> {
        let token = site.page_token(who, module, None).await.map_err(|why| anyhow!("{why}"))?;
        let own = Self { token, ..self.clone() };
        let session = own.ask(reqwest::Method::POST, "/api/v1/session/bearer", Some(json!({}))).await?;
        Ok(Self { token: text(&session, "token")?, ..self.clone() })
    }
}

fn text(value: &Value, key: &str) -> Result<String> {
    value.get(key).and_then(Value::as_str).map(str::to_owned).with_context(|| format!("no {key} in the answer"))
}

async fn join(site: &sandbox::Running, api: Api) -> Result<Vec<Target>> {
    site.forge().install(steward::demo::app(), Some(&api.origin)).map_err(|why| anyhow!("{why}"))?;
    site.deliveries_settled().await;
    let admin = api.as_on(site, "admin", "settings-page").await?;
    let mut fields = Vec::with_capacity(FIELDS);
    for number in 0..FIELDS {
        let field = json!({"entity": "customer", "type": "text", "name": format!("Field {number}")});
        fields.push(text(&admin.ask(reqwest::Method::POST, "/api/v1/fields", Some(field)).await?, "id")?);
    }
    let agent = api.as_on(site, "agent", "customers-page").await?;
    let since = Instant::now();
    let customers = loop {
        let path = format!("/api/v1/customers?limit={CUSTOMERS}");
        let page = agent.ask(reqwest::Method::GET, &path, None).await?;
        let items = page.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        if items.len() == CUSTOMERS {
            break items;
        }
        if since.elapsed() > JOINING_TIME {
            return Err(anyhow!("the directory of {} was not read", site.url()));
        }
        tokio::time::sleep(LOOK).await;
    };
    let mut reads = Vec::with_capacity(CUSTOMERS);
    for (number, customer) in customers.iter().enumerate() {
        let path = format!("/api/v1/customers/{}/values", text(customer, "accountId")?);
        let values: serde_json::Map<String, Value> = fields
            .iter()
            .enumerate()
            .map(|(field, id)| {
                (id.clone(), json!(format!("value {field} of customer {number}: gold, until further notice")))
            })
            .collect();
        agent.ask(reqwest::Method::PATCH, &path, Some(json!({ "values": values }))).await?;
        reads.push(Target { path, token: agent.token.clone() });
    }
    Ok(reads)
}
