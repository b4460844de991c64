//! The stand-in Jira alone, without Steward in it: for whoever writes an app for Jira, in any language.

#![expect(clippy::print_stdout, reason = "the command speaks to whoever started it")]

mod addresses;

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use sandbox::forge::{ForgeApp, ForgeConfig, Manifest};
use sandbox::{DataCenter, Deployment, Faults, OauthClient, RateLimit, RateLimits, Running, Source, Version, faults};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use self::addresses::Addresses;
use crate::cli::stop_on_signal;
use crate::config::{LogConfig, LogFormat};
use crate::{demo, telemetry};

/// The company and the run of faults, unless another is chosen.
const SEED: u64 = 1;
/// Largest file of an app's pages that is served, in bytes: bundles are far smaller, and each is read at once.
const MAX_RESOURCE: u64 = 64 * 1024 * 1024;

/// Options of `steward sandbox`.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    addresses: Addresses,
    /// The site's name
    #[arg(long)]
    site_name: Option<String>,
    /// Which Jira it is
    #[arg(long, value_enum, default_value_t = Which::Cloud)]
    deployment: Which,
    /// The version that a Data Center says it is, and behaves as
    #[arg(long, value_name = "VERSION", default_value_t = Version::default())]
    version: Version,
    /// A Data Center's limit: requests that a person may save, that come back in each interval, and its seconds
    #[arg(long, value_name = "LIMIT,FILL,SECONDS", value_parser = server_limit)]
    server_limit: Option<RateLimit>,
    /// The path below which a Data Center is, such as /jira
    #[arg(long, value_name = "PATH", default_value_t = String::new(), hide_default_value = true)]
    context_path: String,
    /// Fill it with an archive: issues in Jira's REST shape, one a line, plain or gzipped
    #[arg(long, conflicts_with = "empty")]
    archive: Option<PathBuf>,
    /// A new site: three people, a service desk, a software project, and not one issue
    #[arg(long)]
    empty: bool,
    /// Chooses the demo's conversations and the run of faults: the same number brings the same
    #[arg(long, default_value_t = SEED)]
    seed: u64,
    /// Nothing goes wrong and nothing is late
    #[arg(long, conflicts_with = "faults")]
    calm: bool,
    /// Faults from the start: the document of `PUT /sandbox/faults`, or @FILE
    #[arg(long, value_name = "JSON")]
    faults: Option<String>,
    /// No rate limits
    #[arg(long, conflicts_with = "limit")]
    no_limits: bool,
    /// Set a rate limit: burst-read, burst-write, burst-issue, burst-customers (a second), points-per-hour,
    /// issue-writes-short (in 2 s), issue-writes-long (in 30 s)
    #[arg(long, value_name = "NAME=NUMBER")]
    limit: Vec<String>,
    /// Check each answer, and each request that was done, against Atlassian's OpenAPI files in this folder
    #[arg(long, value_name = "DIR")]
    contract: Option<PathBuf>,
    /// Install this Forge app
    #[arg(long, value_name = "MANIFEST")]
    forge_app: Option<PathBuf>,
    /// The folder that the manifest's resource paths start from; without it, the manifest's own
    #[arg(long, value_name = "DIR", requires = "forge_app")]
    resources: Option<PathBuf>,
    /// The address of the app's customer-managed remote
    #[arg(long, value_name = "URL", requires = "forge_app")]
    remote: Option<String>,
    /// Have an OAuth 2.0 app, `sandbox-client` with the secret `sandbox-secret`, that sends people back to this address
    #[arg(long, value_name = "URL")]
    oauth_callback: Option<String>,
    /// Print one line of JSON once it is ready, and nothing else
    #[arg(long)]
    json: bool,
}

/// Which Jira.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    Cloud,
    DataCenter,
}

/// `3000,1000,60`.
fn server_limit(given: &str) -> Result<RateLimit, String> {
    let numbers: Vec<u32> = given.split(',').map_while(|part| part.parse().ok().filter(|number| *number > 0)).collect();
    match *numbers.as_slice() {
        [limit, fill, interval_s] if given.split(',').count() == 3 => Ok(RateLimit { limit, fill, interval_s }),
        _ => Err("write three numbers above 0, as 3000,1000,60".to_owned()),
    }
}

/// The Jira asked for; what only one of the two has is refused for the other.
fn deployment(options: &Options) -> anyhow::Result<Deployment> {
    if options.deployment == Which::Cloud {
        if options.server_limit.is_some() {
            bail!("--server-limit is a Data Center's: give --deployment data-center too");
        }
        if !options.context_path.is_empty() {
            bail!("--context-path is a Data Center's: give --deployment data-center too");
        }
        return Ok(Deployment::Cloud);
    }
    let clouds = [
        ("--forge-app", options.forge_app.is_some()),
        ("--contract", options.contract.is_some()),
        ("--limit", !options.limit.is_empty()),
    ];
    if let Some((name, _)) = clouds.iter().find(|(_, given)| *given) {
        bail!("{name} is Cloud's, and a Data Center has none");
    }
    Ok(Deployment::DataCenter(DataCenter { version: options.version, rate_limit: options.server_limit }))
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let log = LogConfig { level: "warn".to_owned(), format: LogFormat::Text };
    telemetry::log_to(&log, None, std::io::stderr)?;
    let (faults, seed) = faults_of(&options)?;
    let (source, name) = match &options.archive {
        Some(file) => (Source::Archive(file.clone()), "Archive"),
        None if options.empty => (Source::New, "Sandbox"),
        None => (Source::Demo(options.seed), demo::SITE_NAME),
    };
    let addresses = options.addresses.choose()?;
    if let Some(reason) = options.addresses.warning() {
        tracing::warn!(event = "sandbox_reachable", reason);
    }
    let config = sandbox::Config {
        listen: addresses.site,
        public_url: addresses.site_url,
        site_name: options.site_name.clone().unwrap_or_else(|| name.to_owned()),
        deployment: deployment(&options)?,
        context_path: options.context_path.clone(),
        source,
        seed,
        faults,
        rate_limits: limits_of(&options)?,
        contract: options.contract.clone(),
        forge: ForgeConfig {
            apps: forge_app(&options)?.map(|app| (app, options.remote.clone())).into_iter().collect(),
            frames_listen: addresses.frames,
            frames_url: addresses.frames_url,
            ..ForgeConfig::default()
        },
        oauth: options.oauth_callback.iter().map(|callback| oauth_client(callback)).collect(),
        ..sandbox::Config::default()
    };
    let jira = sandbox::start(config).await.context("the stand-in Jira did not start")?;
    let stop = CancellationToken::new();
    stop_on_signal(stop.clone())?;
    announce(&options, &jira);
    stop.cancelled().await;
    let differences = jira.contract_violations().len();
    jira.shutdown().await;
    if differences > 0 {
        bail!("{differences} differences from Atlassian's OpenAPI; each was reported when it was met");
    }
    Ok(())
}

/// The app that signs people in.
fn oauth_client(callback: &str) -> OauthClient {
    OauthClient { id: "sandbox-client".to_owned(), secret: "sandbox-secret".to_owned(), callback: callback.to_owned() }
}

/// The faults to start with, and the seed of chance.
fn faults_of(options: &Options) -> anyhow::Result<(Faults, u64)> {
    let Some(given) = &options.faults else {
        return Ok((if options.calm { Faults::none() } else { Faults::default() }, options.seed));
    };
    let text = match given.strip_prefix('@') {
        Some(file) => std::fs::read(file).with_context(|| format!("--faults: cannot read {file}"))?,
        None => given.clone().into_bytes(),
    };
    let (faults, seed) = faults::read(&text).map_err(|mistakes| {
        let told: Vec<String> = mistakes.iter().map(|m| format!("{}: {}", m.field, m.message)).collect();
        anyhow!("--faults: {}", told.join("; "))
    })?;
    Ok((faults, seed.unwrap_or(options.seed)))
}

/// The limits, with what was set by name.
fn limits_of(options: &Options) -> anyhow::Result<RateLimits> {
    let mut limits = RateLimits { enabled: !options.no_limits, ..RateLimits::default() };
    for given in &options.limit {
        let (name, number) = given.split_once('=').ok_or_else(|| anyhow!("--limit {given}: write NAME=NUMBER"))?;
        let number: u32 = number
            .parse()
            .ok()
            .filter(|number| *number > 0)
            .ok_or_else(|| anyhow!("--limit {name}: must be a number between 1 and {}", u32::MAX))?;
        match name {
            "burst-read" => limits.burst_read = number,
            "burst-write" => limits.burst_write = number,
            "burst-issue" => limits.burst_issue = number,
            "burst-customers" => limits.burst_customers = number,
            "points-per-hour" => limits.points_per_hour = u64::from(number),
            "issue-writes-short" => limits.issue_writes_short = number,
            "issue-writes-long" => limits.issue_writes_long = number,
            _ => bail!("--limit {name}: there is no such limit; `steward sandbox --help` names them"),
        }
    }
    Ok(limits)
}

/// The app to install, its pages read from disk at each request, so that a rebuilt one shows on reload.
fn forge_app(options: &Options) -> anyhow::Result<Option<ForgeApp>> {
    let Some(file) = &options.forge_app else { return Ok(None) };
    let manifest_yaml = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let manifest = Manifest::parse(&manifest_yaml).map_err(|why| anyhow!("{}: {why}", file.display()))?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let base = options.resources.as_deref().unwrap_or(folder);
    let mut folders = Vec::new();
    for resource in &manifest.resources {
        let path = base.join(&resource.path);
        let real = path.canonicalize().with_context(|| {
            format!("resource {}: {} is not there; build the app first", resource.key, path.display())
        })?;
        folders.push((resource.key.clone(), real));
    }
    let name = folder.canonicalize()?.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok(Some(ForgeApp {
        name: name.unwrap_or_else(|| "App".to_owned()),
        manifest_yaml,
        resources: Arc::new(move |path| {
            let (key, path) = path.split_once('/')?;
            let (_, folder) = folders.iter().find(|(known, _)| known == key)?;
            read_within(folder, Path::new(path))
        }),
    }))
}

/// A file of a folder; nothing that lies outside it, not by a link either.
fn read_within(folder: &Path, path: &Path) -> Option<Vec<u8>> {
    if !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    let real = folder.join(path).canonicalize().ok().filter(|real| real.starts_with(folder))?;
    std::fs::metadata(&real).ok().filter(|file| file.is_file() && file.len() <= MAX_RESOURCE)?;
    std::fs::read(real).ok()
}

/// An administrator, an agent and a customer of a site, by these words.
pub(crate) fn people(jira: &Running) -> Vec<(&'static str, sandbox::Visitor)> {
    let roles = ["admin", "agent", "customer"];
    roles.into_iter().filter_map(|role| jira.visitor(role).map(|visitor| (role, visitor))).collect()
}

/// The same for a program.
pub(crate) fn people_json(jira: &Running) -> Map<String, Value> {
    people(jira)
        .into_iter()
        .map(|(role, who)| {
            let shown = json!({
                "accountId": who.account_id, "displayName": who.display_name, "email": who.email,
                "apiToken": who.api_token, "signIn": who.sign_in,
            });
            (role.to_owned(), shown)
        })
        .collect()
}

/// People of a Data Center, for a program.
fn server_people(jira: &Running) -> Map<String, Value> {
    people(jira)
        .into_iter()
        .map(|(role, who)| {
            let shown = json!({
                "name": who.username, "key": who.user_key, "displayName": who.display_name, "email": who.email,
                "apiToken": who.api_token, "signIn": who.sign_in,
            });
            (role.to_owned(), shown)
        })
        .collect()
}

fn announce_server(options: &Options, jira: &Running, server: DataCenter) {
    let (url, version) = (jira.url(), server.version.to_string());
    if options.json {
        let ready = json!({
            "jira": url, "listen": jira.address(), "deployment": "data-center", "version": version,
            "users": server_people(jira),
        });
        println!("{ready}");
        return;
    }
    println!("\n  Open  {url}\n");
    for (role, who) in people(jira) {
        println!("  as {role:<9} {} ({})  {}", who.display_name, who.username, who.sign_in);
    }
    println!();
    for (role, who) in people(jira) {
        if let Some(token) = who.api_token {
            println!("  {role:<9} -H 'Authorization: Bearer {token}'");
        }
    }
    println!("\n  Data Center {version}");
    println!("  Faults                  {url}/sandbox/faults");
    println!("\n  What it serves and how it differs from Jira: docs/sandbox.md. Everything goes when this stops.");
    println!("  Ctrl-C stops it.\n");
}

fn announce(options: &Options, jira: &Running) {
    if let Some(server) = jira.data_center() {
        return announce_server(options, jira, server);
    }
    let (url, state, forge) = (jira.url(), jira.state(), jira.forge());
    let gateway = format!("{url}/ex/jira/{}", state.cloud_id());
    let apps = forge.installed();
    if options.json {
        let apps: Vec<Value> = apps
            .iter()
            .map(|app| json!({"id": app.app_id(), "name": app.name, "installationId": app.installation_id()}))
            .collect();
        let ready = json!({
            "jira": url, "listen": jira.address(), "cloudId": state.cloud_id(), "gateway": gateway,
            "jwks": forge.jwks_url(), "graphql": format!("{url}/graphql"), "frames": forge.frames_url(),
            "users": people_json(jira), "apps": apps,
        });
        println!("{ready}");
        return;
    }
    println!("\n  Open  {url}\n");
    for (role, who) in people(jira) {
        println!("  as {role:<9} {}  {}", who.display_name, who.sign_in);
    }
    println!();
    for (role, who) in people(jira) {
        if let Some(token) = who.api_token {
            println!("  {role:<9} -u {}:{token}", who.email);
        }
    }
    println!("\n  REST for apps' tokens   {gateway}");
    println!("  Forge's signing keys    {}", forge.jwks_url());
    println!("  Faults                  {url}/sandbox/faults");
    for app in apps {
        println!("  Installed               {} ({})", app.name, app.app_id());
    }
    println!("\n  What it serves and how it differs from Jira: docs/sandbox.md. Everything goes when this stops.");
    println!("  Ctrl-C stops it.\n");
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn options(given: &[&str]) -> Result<Options, String> {
        let line = std::iter::once("sandbox").chain(given.iter().copied());
        Line::try_parse_from(line).map(|line| line.options).map_err(|error| error.to_string())
    }

    #[test]
    fn wrong_options_are_told_by_name() {
        let check = |given: &[&str], word: &str| {
            let told = options(given).and_then(|options| {
                faults_of(&options)
                    .and_then(|_| limits_of(&options))
                    .and_then(|_| deployment(&options))
                    .and_then(|_| forge_app(&options))
                    .and_then(|_| options.addresses.check())
                    .map_err(|error| format!("{error:#}"))
            });
            match told {
                Ok(()) => assert!(word.is_empty(), "{given:?} was taken"),
                Err(told) => assert!(!word.is_empty() && told.contains(word), "{given:?}: {told}"),
            }
        };
        check(&[], "");
        check(&["--calm", "--no-limits", "--seed", "7"], "");
        check(&["--limit", "burst-read=5", "--limit", "points-per-hour=100"], "");
        check(&["--limit", "burst-read"], "NAME=NUMBER");
        check(&["--limit", "burst-read=0"], "burst-read");
        check(&["--limit", "speed=1"], "no such limit");
        check(&["--limit", "burst-read=1", "--no-limits"], "cannot be used with");
        check(&["--faults", "{\"searchLagMs\": -1}"], "searchLagMs");
        check(&["--faults", "{\"requests\": [{\"do\": \"slow\"}]}"], "requests[0].ms");
        check(&["--faults", "@/no/such/file"], "/no/such/file");
        check(&["--faults", "{}", "--calm"], "cannot be used with");
        check(&["--archive", "x", "--empty"], "cannot be used with");
        check(&["--forge-app", "/no/such/manifest.yml"], "/no/such/manifest.yml");
        check(&["--remote", "https://x.example"], "--forge-app");
        check(&["--deployment", "data-center"], "");
        check(&["--deployment", "data-center", "--version", "9.12", "--server-limit", "5,5,1"], "");
        check(&["--deployment", "server"], "data-center");
        check(&["--deployment", "data-center", "--version", "ten"], "10.3");
        check(&["--deployment", "data-center", "--server-limit", "5,5"], "3000,1000,60");
        check(&["--server-limit", "5,5,1"], "--deployment data-center");
        check(&["--deployment", "data-center", "--context-path", "/jira"], "");
        check(&["--context-path", "/jira"], "--deployment data-center");
        check(&["--deployment", "data-center", "--limit", "burst-read=5"], "--limit is Cloud's");
        check(&["--deployment", "data-center", "--contract", "x"], "--contract is Cloud's");
        check(&["--listen", "10.0.0.7", "--frames-port", "7801"], "");
        check(&["--listen", "0.0.0.0", "--url", "http://jira:7800"], "");
        check(&["--listen", "0.0.0.0"], "give --url too");
        check(&["--listen", "::"], "give --url too");
        check(&["--listen", "jira"], "--listen");
        for url in ["jira:7800", "ftp://jira", "http://jira/x", "http://jira?x", "http://me@jira", "http://"] {
            check(&["--url", url], "--url");
        }
    }

    #[test]
    fn whoever_opens_it_to_others_is_warned() {
        let check = |listen: &str, expected: bool| {
            let warning = options(&["--listen", listen]).map(|options| options.addresses.warning());
            assert_eq!(warning.map(|warning| warning.is_some()), Ok(expected), "{listen}");
        };
        check("127.0.0.1", false);
        check("127.0.0.2", false);
        check("::1", false);
        check("0.0.0.0", true);
        check("10.0.0.7", true);
        check("fd00::1", true);
    }

    #[test]
    fn an_app_serves_its_own_files_and_no_others() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let pages = folder.path().join("pages");
        std::fs::create_dir_all(pages.join("deep"))?;
        std::fs::write(folder.path().join("secret"), "no")?;
        std::fs::write(pages.join("index.html"), "page")?;
        std::fs::write(pages.join("deep/a.js"), "script")?;
        std::os::unix::fs::symlink(folder.path().join("secret"), pages.join("link"))?;
        let pages = pages.canonicalize()?;
        for (path, found) in [
            ("index.html", true),
            ("deep/a.js", true),
            ("deep", false),
            ("missing", false),
            ("../secret", false),
            ("deep/../../secret", false),
            ("/etc/hostname", false),
            ("link", false),
        ] {
            assert_eq!(read_within(&pages, Path::new(path)).is_some(), found, "{path}");
        }
        Ok(())
    }
}
