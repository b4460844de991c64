//! Typed configuration: whole at start, unknown keys refused, secrets never printed.
//!
//! A file in TOML, and environment variables over it: `STEWARD_SERVER__ORIGIN` sets `server.origin`. The one place that
//! reads the environment. Start at [`Config::read`].

mod read;

use std::net::SocketAddr;
use std::num::NonZeroU32;
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
    /// The REST API.
    #[serde(default)]
    pub api: ApiConfig,
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
    /// Sites that may become tenants, by cloud id (`https://<site>/_edge/tenant_info` tells it) or origin. Empty: each
    /// site that installs one of the apps and names this server.
    #[serde(default)]
    pub sites: Vec<String>,
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
        if self.forge.apps.is_empty() {
            wrong.push(
                "forge.apps: name the app's id (ari:cloud:ecosystem::app/…), else no call from Forge is accepted."
                    .to_owned(),
            );
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
        if self.data.root_key.starts_with(&self.data.directory) {
            wrong.push(
                "data.root_key: keep it outside data.directory, or a backup of the data holds its key.".to_owned(),
            );
        }
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

/// What the template says until somebody edits it: `steward doctor` finds it.
pub(crate) const UNTOUCHED_ORIGIN: &str = "https://steward.example.com";
/// Likewise: no app has this id.
pub(crate) const UNTOUCHED_APP: &str = "ari:cloud:ecosystem::app/00000000-0000-0000-0000-000000000000";

/// The file that `steward init` writes.
pub fn template(directory: &Path, root_key: &Path) -> String {
    format!(
        r#"# Steward. Environment variables go over this file: STEWARD_SERVER__ORIGIN sets server.origin.
# `steward doctor` says what is wrong with it.

[server]
# Where people and Forge reach this server.
origin = "{UNTOUCHED_ORIGIN}"
listen = "0.0.0.0:8443"
# Its own TLS; or, if a proxy in front of it speaks TLS, without these two lines:
#   listen = "127.0.0.1:8443"
#   behind_proxy = true
# A proxy on another machine or in another container cannot reach 127.0.0.1. Then listen on an address that only the
# proxy reaches (whoever else does, speaks to Steward without TLS) and say so:
#   proxy_on_other_machine = true
tls_certificate = "/etc/steward/tls/fullchain.pem"
tls_key = "/etc/steward/tls/privkey.pem"
# Who reads /metrics sends this as a bearer token. Without it: this machine only, and behind a proxy nobody.
# metrics_token = "…"          or STEWARD_SERVER__METRICS_TOKEN

[data]
directory = "{directory}"
# Never in the backups of the directory above.
root_key = "{root_key}"
region = "EU"
# PostgreSQL instead of the files in the directory: two databases, backed up apart; on another machine with
# sslmode=verify-full.
# database = "postgres://…"    or STEWARD_DATA__DATABASE
# shelf = "postgres://…"       or STEWARD_DATA__SHELF

[forge]
# The id of the app that you registered; see deploy/forge.
apps = ["{UNTOUCHED_APP}"]
# Sites that may become tenants, by cloud id (https://<site>/_edge/tenant_info tells it) or origin. Without this line any
# site that installs the app and names this server becomes a tenant: name yours if others can install the app.
# sites = ["https://example.atlassian.net"]
"#,
        directory = directory.display(),
        root_key = root_key.display()
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn from(text: &str) -> Config {
        toml::from_str(text).unwrap()
    }

    fn template_with(change: impl FnOnce(&mut Config)) -> Vec<String> {
        let mut config = from(&template(Path::new("/var/lib/steward"), Path::new("/etc/steward/root.key")));
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
        default_jwks();
        default_api_bases();
        default_graphql();
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
