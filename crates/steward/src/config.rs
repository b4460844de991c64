//! Typed configuration: whole at start, unknown keys refused, secrets never printed.
//!
//! A file in TOML, and environment variables over it: `STEWARD_SERVER__ORIGIN` sets `server.origin`. The one place that
//! reads the environment. Start at [`Config::read`].

mod connect;
mod keys;
mod objects;
mod read;
mod realm;
mod template;
mod traces;

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use store::StoreUrl;
use url::Url;

pub use connect::ConnectSection;
pub use keys::KeyServiceConfig;
pub use objects::ObjectsConfig;
pub use realm::RealmConfig;
pub use template::{RootKeyLines, template};
pub(crate) use template::{SECRET_ID, UNTOUCHED_APP, UNTOUCHED_ORIGIN, UNTOUCHED_ROLE};
pub use traces::TracesConfig;

/// Everything an operator decides.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where it listens and how it is reached.
    pub server: ServerConfig,
    /// Where data lies.
    pub data: DataConfig,
    /// The Forge app that it is the remote of; without one, sites join by a token alone.
    #[serde(default)]
    pub forge: ForgeConfig,
    /// Where people of sites without a Forge app sign in.
    #[serde(default)]
    pub sign_in: SignInConfig,
    /// The Connect app that it is, for sites that still have it; off without a key.
    #[serde(default)]
    pub connect: ConnectSection,
    /// Where objects lie, if not in the data folder.
    #[serde(default)]
    pub objects: ObjectsConfig,
    /// The operator's servers in other regions.
    #[serde(default)]
    pub realm: RealmConfig,
    /// What it may call.
    #[serde(default)]
    pub network: NetworkConfig,
    /// What it logs.
    #[serde(default)]
    pub log: LogConfig,
    /// Where traces go.
    #[serde(default)]
    pub traces: TracesConfig,
    /// Background work.
    #[serde(default)]
    pub jobs: JobsConfig,
    /// The REST API.
    #[serde(default)]
    pub api: ApiConfig,
    /// Imports of files.
    #[serde(default)]
    pub imports: ImportsConfig,
}

/// Where it listens and how it is reached.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Where people and Forge reach it: `https://steward.example.com`.
    pub origin: Url,
    /// The address to listen on.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// A certificate chain in PEM, for its own TLS listener.
    pub tls_certificate: Option<PathBuf>,
    /// The certificate's key in PEM.
    pub tls_key: Option<PathBuf>,
    /// True when a proxy in front of it speaks TLS.
    #[serde(default)]
    pub behind_proxy: bool,
    /// With `behind_proxy`: the proxy is on another machine or in another container, so that it listens for others.
    /// Whoever else reaches that address speaks to it without TLS.
    #[serde(default)]
    pub proxy_on_other_machine: bool,
    /// Who may read /metrics, by this bearer token. Without one: this machine only, and behind a proxy nobody, since
    /// what a proxy on this machine passes on comes from this machine too.
    pub metrics_token: Option<SecretString>,
}

/// Where data lies.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// A folder of Steward's own; SQLite files lie in it unless `database` says otherwise.
    pub directory: PathBuf,
    /// `postgres://…` instead of SQLite. Better given by `STEWARD_DATA__DATABASE` than written in a file.
    pub database: Option<SecretString>,
    /// `postgres://…` of the key shelf: another database than `database`, with backups of its own.
    pub shelf: Option<SecretString>,
    /// The root key's file, mode 0600, outside the data folder's backups.
    pub root_key: Option<PathBuf>,
    /// Or a key of a key service.
    pub root_key_service: Option<Box<KeyServiceConfig>>,
    /// A root key that was before, a file: it opens what it wrapped and wraps nothing, until `steward rekey` is done.
    pub former_root_key: Option<PathBuf>,
    /// Or a key of a key service that was before.
    pub former_root_key_service: Option<Box<KeyServiceConfig>>,
    /// The region that this deployment stands in.
    #[serde(default = "default_region")]
    pub region: String,
}

/// The Forge app that it is the remote of.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ForgeConfig {
    /// App ids whose invocation tokens are accepted. Empty: none are.
    pub apps: Vec<String>,
    /// Sites that may become tenants, by cloud id (`https://<site>/_edge/tenant_info` tells it) or origin. Empty: each
    /// site that installs one of the apps and names this server.
    pub sites: Vec<String>,
    /// Where Forge publishes its keys.
    pub jwks: Url,
    /// Beginnings of the API addresses that an installation may have; at the first, what people granted is taken.
    pub api_bases: Vec<Url>,
    /// Where tokens of absent people are asked for.
    pub graphql: Url,
}

impl Default for ForgeConfig {
    fn default() -> Self {
        Self {
            apps: Vec::new(),
            sites: Vec::new(),
            jwks: url("https://forge.cdn.prod.atlassian-dev.net/.well-known/jwks.json"),
            api_bases: vec![url("https://api.atlassian.com/ex/jira/")],
            graphql: url("https://api.atlassian.com/graphql"),
        }
    }
}

/// Where people of sites without a Forge app sign in.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignInConfig {
    /// The authorization server.
    pub authority: Url,
    /// What lists the sites that a person granted access to.
    pub granted_sites: Url,
}

impl Default for SignInConfig {
    fn default() -> Self {
        Self {
            authority: url("https://auth.atlassian.com/"),
            granted_sites: url("https://api.atlassian.com/oauth/token/accessible-resources"),
        }
    }
}

/// What it may call.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkConfig {
    /// Private networks (10.0.0.0/8 and the like).
    pub allow_private: bool,
    /// This machine itself, without TLS too.
    pub allow_loopback: bool,
}

/// What it logs.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// `error`, `warn`, `info` or `debug`.
    pub level: String,
    /// `json` or `text`.
    pub format: LogFormat,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Json }
    }
}

/// Background work.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobsConfig {
    /// Jobs at once on this node.
    pub workers: usize,
}

impl Default for JobsConfig {
    fn default() -> Self {
        Self { workers: 4 }
    }
}

/// Imports of files.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImportsConfig {
    /// Bytes of a file. Up to five files of a site lie sealed among the objects until their imports end.
    pub file_bytes: NonZeroU64,
    /// People whom one dry run looks for in Jira; 0: none.
    pub look_ups: u32,
}

impl Default for ImportsConfig {
    fn default() -> Self {
        // 1 GiB: a million rows of a thousand bytes.
        Self { file_bytes: NonZeroU64::MIN.saturating_add((1 << 30) - 1), look_ups: 10_000 }
    }
}

/// The REST API.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiConfig {
    /// Requests a minute that each API token, and each session of Steward's own, may make of this node; as many at once
    /// after a rest. People on pages in Jira are not counted.
    pub requests_per_minute: NonZeroU32,
}

impl Default for ApiConfig {
    fn default() -> Self {
        // Ten a second, for ever: a script that reads a page of a hundred customers each time has a hundred thousand in
        // under two hours, and no single one can keep the server to itself.
        Self { requests_per_minute: NonZeroU32::MIN.saturating_add(599) }
    }
}

/// Above this a limit is none.
const REQUESTS_PER_MINUTE_MAX: u32 = 60_000;

fn default_listen() -> SocketAddr {
    SocketAddr::from(([0, 0, 0, 0], 8443))
}

fn default_region() -> String {
    "self-hosted".to_owned()
}

fn url(text: &str) -> Url {
    // The texts below are constants of this file; a test parses each.
    Url::parse(text).unwrap_or_else(|_| unreachable!("a constant address"))
}

/// What is wrong with a configuration, and how to mend it. Never quotes a secret.
#[derive(Debug)]
pub struct ConfigFault(pub String);

impl std::fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigFault {}

impl Config {
    /// Each mistake in a sentence that says what to do.
    pub fn mistakes(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let server = &self.server;
        if server.tls_certificate.is_some() != server.tls_key.is_some() {
            wrong.push("server: tls_certificate and tls_key go together; one of them is missing.".to_owned());
        }
        let own_tls = server.tls_certificate.is_some();
        if own_tls && server.behind_proxy {
            wrong.push("server: either its own tls_certificate or behind_proxy, not both.".to_owned());
        }
        let loopback = server.listen.ip().is_loopback();
        if !own_tls && !server.behind_proxy && !loopback {
            wrong.push(format!(
                "server: without TLS it listens on this machine only, and {} is reachable from others. Give \
                 tls_certificate and tls_key, or say behind_proxy = true if a proxy in front of it speaks TLS.",
                server.listen
            ));
        }
        if server.behind_proxy && !loopback && !server.proxy_on_other_machine {
            wrong.push(format!(
                "server: behind_proxy believes that what arrives came over TLS, and {} is reachable without the proxy. \
                 Listen on 127.0.0.1; or, if the proxy is on another machine or in another container, keep everybody \
                 else from that address and say proxy_on_other_machine = true.",
                server.listen
            ));
        }
        if server.proxy_on_other_machine && !server.behind_proxy {
            wrong.push("server: proxy_on_other_machine goes with behind_proxy = true.".to_owned());
        }
        let plain_origin = server.origin.scheme() != "https";
        if plain_origin && !loopback {
            wrong.push("server.origin: it must start with https://.".to_owned());
        }
        if server.origin.path() != "/" || server.origin.query().is_some() {
            wrong.push("server.origin: an origin has no path; write https://host or https://host:port.".to_owned());
        }
        if self.forge.apps.iter().any(|app| !app.starts_with("ari:cloud:ecosystem::app/")) {
            wrong.push("forge.apps: an app's id is written ari:cloud:ecosystem::app/….".to_owned());
        }
        for (key, url) in [("database", &self.data.database), ("shelf", &self.data.shelf)] {
            if let Some(why) = url.as_ref().and_then(|url| unprotected(url.expose_secret())) {
                wrong.push(format!("data.{key}: {why}"));
            }
        }
        if self.data.database.is_some() != self.data.shelf.is_some() {
            wrong.push("data: database and shelf go together: two PostgreSQL databases, backed up apart.".to_owned());
        }
        if let (Some(database), Some(shelf)) = (&self.data.database, &self.data.shelf)
            && database.expose_secret() == shelf.expose_secret()
        {
            wrong.push("data.shelf: it must be another database than data.database, or deleting a key would not delete it from the backups.".to_owned());
        }
        wrong.extend(self.data.key_mistakes());
        wrong.extend(self.connect.mistakes());
        wrong.extend(self.objects.mistakes());
        wrong.extend(self.traces.mistakes());
        wrong.extend(self.realm.mistakes(&self.data.region));
        if self.jobs.workers == 0 || self.jobs.workers > 64 {
            wrong.push("jobs.workers: 1 to 64.".to_owned());
        }
        if self.api.requests_per_minute.get() > REQUESTS_PER_MINUTE_MAX {
            wrong.push(format!("api.requests_per_minute: 1 to {REQUESTS_PER_MINUTE_MAX}."));
        }
        wrong
    }

    /// Where the rows lie.
    pub fn store_url(&self) -> StoreUrl {
        match &self.data.database {
            Some(url) => StoreUrl::Postgres(url.expose_secret().to_owned()),
            None => StoreUrl::Sqlite(self.data.directory.join("steward.db")),
        }
    }

    /// Where the wrapped keys lie.
    pub fn shelf_url(&self) -> StoreUrl {
        match &self.data.shelf {
            Some(url) => StoreUrl::Postgres(url.expose_secret().to_owned()),
            None => StoreUrl::Sqlite(self.data.directory.join("shelf.db")),
        }
    }

    /// Whether requests count as arriving over TLS.
    pub fn secure(&self) -> bool {
        self.server.tls_certificate.is_some() || self.server.behind_proxy
    }

    /// What `host` needs to know.
    pub fn host(&self) -> kernel::Result<host::HostConfig> {
        Ok(host::HostConfig {
            sites: self.forge.sites.clone(),
            signing_keys: self.forge.jwks.clone(),
            api_bases: self.forge.api_bases.clone(),
            graphql: self.forge.graphql.clone(),
            sign_in: self.sign_in.authority.clone(),
            granted_sites: self.sign_in.granted_sites.clone(),
            callback: self.server.origin.join("sign-in/callback").ok(),
            connect: self.connect.host(&self.server.origin),
            regions: self.realm.addresses().into_values().collect(),
            networks: host::Networks { private: self.network.allow_private, loopback: self.network.allow_loopback },
            ..host::HostConfig::atlassian(self.forge.apps.clone(), self.data.region.clone())?
        })
    }
}

/// Why rows would travel to this PostgreSQL unprotected, if so. Says nothing of the address: it may hold a password.
fn unprotected(url: &str) -> Option<&'static str> {
    let Ok(url) = Url::parse(url) else {
        return Some("it is not an address of PostgreSQL; write postgres://user:password@host/database.");
    };
    if !["postgres", "postgresql"].contains(&url.scheme()) {
        return Some("it is not an address of PostgreSQL; write postgres://user:password@host/database.");
    }
    let named =
        |name: &str| url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).last();
    let host = named("hostaddr").or_else(|| named("host")).or_else(|| url.host_str().map(str::to_owned));
    let verified = named("sslmode").or_else(|| named("ssl-mode")).is_some_and(|mode| mode == "verify-full");
    (!verified && !host.is_none_or(|host| on_this_machine(&host))).then_some(
        "it is on another machine, and nothing proves which one answers; add sslmode=verify-full to the address \
         (and sslrootcert=… if its authority is your own).",
    )
}

fn on_this_machine(host: &str) -> bool {
    let socket = host.starts_with('/') || host.to_ascii_lowercase().starts_with("%2f");
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    let loopback = literal.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    host.is_empty() || socket || host.eq_ignore_ascii_case("localhost") || loopback
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::path::Path;

    use super::*;

    fn from(text: &str) -> Config {
        toml::from_str(text).unwrap()
    }

    fn template_with(change: impl FnOnce(&mut Config)) -> Vec<String> {
        let mut config =
            from(&template(Path::new("/var/lib/steward"), &RootKeyLines::File(Path::new("/etc/steward/root.key"))));
        change(&mut config);
        config.mistakes()
    }

    #[track_caller]
    fn check(mistakes: &[String], expected: Option<&str>) {
        match expected {
            Some(words) => assert!(mistakes.iter().any(|text| text.contains(words)), "{mistakes:?}"),
            None => assert!(mistakes.is_empty(), "{mistakes:?}"),
        }
    }

    #[test]
    fn the_template_is_whole() {
        check(&template_with(|_| {}), None);
        let address = Url::parse("https://bao.internal:8200").unwrap();
        let service = RootKeyLines::Service(&address, Path::new("/etc/steward"));
        check(&from(&template(Path::new("/var/lib/steward"), &service)).mistakes(), None);
        ForgeConfig::default();
        SignInConfig::default();
        ConnectSection::default();
    }

    #[test]
    fn who_may_reach_the_plain_listener() {
        let proxied = |listen: &str, behind: bool, other: bool| {
            template_with(|config| {
                (config.server.tls_certificate, config.server.tls_key) = (None, None);
                config.server.listen = listen.parse().unwrap();
                config.server.behind_proxy = behind;
                config.server.proxy_on_other_machine = other;
            })
        };
        check(&proxied("127.0.0.1:8443", true, false), None);
        check(&proxied("[::1]:8443", true, false), None);
        check(&proxied("0.0.0.0:8443", true, false), Some("proxy_on_other_machine = true"));
        check(&proxied("10.0.0.8:8443", true, false), Some("proxy_on_other_machine = true"));
        check(&proxied("0.0.0.0:8443", true, true), None);
        check(&proxied("127.0.0.1:8443", false, true), Some("goes with behind_proxy"));
        check(&proxied("0.0.0.0:8443", false, false), Some("without TLS"));
    }

    #[test]
    fn which_postgres_may_be_spoken_to_how() {
        let on = |url: &str| {
            template_with(|config| {
                config.data.database = Some(url.into());
                config.data.shelf = Some(SecretString::from("postgres:///shelf"));
            })
        };
        check(&on("postgres://steward:hunter2@localhost/main"), None);
        check(&on("postgres://steward:hunter2@127.0.0.1:5432/main"), None);
        check(&on("postgres://steward:hunter2@[::1]/main"), None);
        check(&on("postgres:///main?host=/run/postgresql"), None);
        check(&on("postgres://steward@%2Frun%2Fpostgresql/main"), None);
        check(&on("postgres://steward:hunter2@db.example.com/main?sslmode=verify-full"), None);
        for url in [
            "postgres://steward:hunter2@db.example.com/main",
            "postgres://steward:hunter2@db.example.com/main?sslmode=require",
            "postgres://steward:hunter2@localhost/main?host=db.example.com",
            "postgres://steward:hunter2@localhost/main?hostaddr=10.0.0.8",
            "postgres://steward:hunter2@10.0.0.8/main?sslmode=verify-ca",
        ] {
            check(&on(url), Some("data.database: it is on another machine"));
        }
        check(&on("hunter2"), Some("data.database: it is not an address"));
        check(&on("mysql://localhost/hunter2"), Some("data.database: it is not an address"));
        assert!(on("postgres://steward:hunter2@db/main").iter().all(|text| !text.contains("hunter2")));
    }
}
