//! Typed configuration: whole at start, unknown keys refused, secrets never printed.
//!
//! A file in TOML, and environment variables over it: `STEWARD_SERVER__ORIGIN` sets `server.origin`. The one place that
//! reads the environment.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use store::StoreUrl;
use url::Url;

/// Everything an operator decides.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where it listens and how it is reached.
    pub server: ServerConfig,
    /// Where data lies.
    pub data: DataConfig,
    /// The Forge app that it is the remote of.
    pub forge: ForgeConfig,
    /// What it may call.
    #[serde(default)]
    pub network: NetworkConfig,
    /// What it logs.
    #[serde(default)]
    pub log: LogConfig,
    /// Background work.
    #[serde(default)]
    pub jobs: JobsConfig,
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
    /// Who may read /metrics besides this machine, by a bearer token.
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
    pub root_key: PathBuf,
    /// The region that this deployment stands in.
    #[serde(default = "default_region")]
    pub region: String,
}

/// The Forge app that it is the remote of.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForgeConfig {
    /// App ids whose invocation tokens are accepted.
    pub apps: Vec<String>,
    /// Where Forge publishes its keys.
    #[serde(default = "default_jwks")]
    pub jwks: Url,
    /// Beginnings of the API addresses that an installation may have.
    #[serde(default = "default_api_bases")]
    pub api_bases: Vec<Url>,
    /// Where tokens of absent people are asked for.
    #[serde(default = "default_graphql")]
    pub graphql: Url,
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

fn default_jwks() -> Url {
    url("https://forge.cdn.prod.atlassian-dev.net/.well-known/jwks.json")
}

fn default_api_bases() -> Vec<Url> {
    vec![url("https://api.atlassian.com/ex/jira/")]
}

fn default_graphql() -> Url {
    url("https://api.atlassian.com/graphql")
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
    /// Reads the file, lays the environment over it, and checks the whole.
    pub fn read(file: &Path) -> Result<Self, ConfigFault> {
        if !file.exists() {
            return Err(ConfigFault(format!(
                "{} is not there. Run `steward init` to make one, or name another with --config.",
                file.display()
            )));
        }
        let read = config::Config::builder()
            .add_source(config::File::from(file).format(config::FileFormat::Toml))
            .add_source(
                config::Environment::with_prefix("STEWARD")
                    .prefix_separator("_")
                    .separator("__")
                    .list_separator(",")
                    .with_list_parse_key("forge.apps")
                    .with_list_parse_key("forge.api_bases")
                    .try_parsing(true)
                    .ignore_empty(true),
            )
            .build()
            .and_then(config::Config::try_deserialize::<Self>)
            .map_err(|error| ConfigFault(format!("{}: {error}", file.display())))?;
        let wrong = read.mistakes();
        if wrong.is_empty() {
            return Ok(read);
        }
        Err(ConfigFault(format!("{}:\n- {}", file.display(), wrong.join("\n- "))))
    }

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
        let plain_origin = server.origin.scheme() != "https";
        if plain_origin && !loopback {
            wrong.push("server.origin: it must start with https://.".to_owned());
        }
        if server.origin.path() != "/" || server.origin.query().is_some() {
            wrong.push("server.origin: an origin has no path; write https://host or https://host:port.".to_owned());
        }
        if self.forge.apps.is_empty() {
            wrong.push("forge.apps: name the app's id (ari:cloud:ecosystem::app/…), else no call from Forge is accepted.".to_owned());
        }
        if self.data.database.is_some() != self.data.shelf.is_some() {
            wrong.push("data: database and shelf go together: two PostgreSQL databases, backed up apart.".to_owned());
        }
        if let (Some(database), Some(shelf)) = (&self.data.database, &self.data.shelf)
            && database.expose_secret() == shelf.expose_secret()
        {
            wrong.push("data.shelf: it must be another database than data.database, or deleting a key would not delete it from the backups.".to_owned());
        }
        if self.data.root_key.starts_with(&self.data.directory) {
            wrong.push("data.root_key: keep it outside data.directory, or a backup of the data holds its key.".to_owned());
        }
        if self.jobs.workers == 0 || self.jobs.workers > 64 {
            wrong.push("jobs.workers: 1 to 64.".to_owned());
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
            signing_keys: self.forge.jwks.clone(),
            api_bases: self.forge.api_bases.clone(),
            graphql: self.forge.graphql.clone(),
            networks: host::Networks {
                private: self.network.allow_private,
                loopback: self.network.allow_loopback,
            },
            ..host::HostConfig::atlassian(self.forge.apps.clone(), self.data.region.clone())?
        })
    }
}

/// The file that `steward init` writes.
pub fn template(directory: &Path, root_key: &Path) -> String {
    format!(
        r#"# Steward. Environment variables go over this file: STEWARD_SERVER__ORIGIN sets server.origin.
# `steward doctor` says what is wrong with it.

[server]
# Where people and Forge reach this server.
origin = "https://steward.example.com"
listen = "0.0.0.0:8443"
# Its own TLS, or behind_proxy = true if a proxy in front of it speaks TLS.
tls_certificate = "/etc/steward/tls/fullchain.pem"
tls_key = "/etc/steward/tls/privkey.pem"

[data]
directory = "{directory}"
# Never in the backups of the directory above.
root_key = "{root_key}"
region = "EU"
# PostgreSQL instead of the files in the directory: two databases, backed up apart.
# database = "postgres://…"    or STEWARD_DATA__DATABASE
# shelf = "postgres://…"       or STEWARD_DATA__SHELF

[forge]
# The id of the app that you registered; see deploy/forge.
apps = ["ari:cloud:ecosystem::app/00000000-0000-0000-0000-000000000000"]
"#,
        directory = directory.display(),
        root_key = root_key.display()
    )
}
