//! `steward customers import`: a file into a running server, over its API with a token. It does not open the data: a
//! server is at work on it, and the token's scope, the ledger and the walls hold for this command as for any script.
//!
//! Exit codes: 0 all rows are in (or would be); 1 it failed; 3 some rows were refused or overtaken.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the program's voice on a terminal")]

use std::cell::Cell;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use host::door::Outward;
use host::{OperatorDoor, Purpose};
use indicatif::{ProgressBar, ProgressStyle};
use kernel::SystemClock;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::cli::ConfigFile;
use crate::config::Config;
use crate::site::is_named;

/// Bytes of one part of the file: the server's own bound.
const PART_BYTES: usize = 524_288;
/// Before the first look at how far it is; each after it waits a quarter longer, up to [`LOOK`]: a small file is not waited for.
const FIRST_LOOK: Duration = Duration::from_millis(50);
/// Between two looks at how far a large one is.
const LOOK: Duration = Duration::from_secs(1);
/// Refused rows that are told on a terminal; the report has all of them.
const TOLD: usize = 20;
/// Tries of one call after the first: a server that is started anew is back by then.
const RETRIES: u32 = 6;
const SOME_REFUSED: u8 = 3;
/// Where imports are begun.
const IMPORTS: &str = "/imports";

/// What to import, and how.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The CSV file
    file: PathBuf,
    /// The server, such as https://steward.example.com; left out, the one whose configuration is on this machine
    #[arg(long, env = "STEWARD_SERVER", value_name = "URL")]
    server: Option<Url>,
    #[command(flatten)]
    config: ConfigFile,
    /// The site, by its address or id: a token of another site is refused before anything is sent
    #[arg(long)]
    site: Option<String>,
    /// A file that holds an API token with the scope imports:write; `-` reads it from standard input
    #[arg(long, value_name = "FILE", required_unless_present = "token")]
    token_file: Option<PathBuf>,
    /// The token itself, from the environment alone: arguments can be read by others on this machine
    #[arg(long, env = "STEWARD_TOKEN", hide = true, hide_env_values = true)]
    token: Option<String>,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
    /// Write the good rows although others are refused; else nothing is written then
    #[arg(long)]
    partial: bool,
    /// A JSON file with settings as the API takes them, instead of what the headers suggest
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Make customers in Jira whose e-mail address nobody has; the token needs customers:write, too
    #[arg(long)]
    make_customers: bool,
    /// A service project, by its id, that they may use; may be repeated
    #[arg(long, value_name = "ID", requires = "make_customers")]
    project: Vec<String>,
    /// An organization, by its id, that they belong to; may be repeated, and needs organizations:write
    #[arg(long, value_name = "ID", requires = "make_customers")]
    organization: Vec<String>,
    /// Print one line of JSON at the end, and nothing else
    #[arg(long)]
    json: bool,
}

/// What the server says of the token.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfToken {
    site_id: String,
    site_url: Option<String>,
}

/// What the server says of an import.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    id: String,
    state: String,
    reason: Option<String>,
    rows_read: u64,
    done: f64,
    rows: Counts,
    values_written: u64,
    customers_made: u64,
    headers: Vec<String>,
}

#[derive(Deserialize)]
struct Counts {
    changed: u64,
    made: u64,
    unchanged: u64,
    refused: u64,
    overtaken: u64,
}

/// Why it does not do what it was asked.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    detail: Option<String>,
    errors: Vec<Wrong>,
}

#[derive(Deserialize)]
struct Wrong {
    #[serde(default)]
    pointer: String,
    detail: String,
    column: Option<usize>,
}

#[derive(Deserialize)]
struct Preview {
    suggested: Value,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Row>,
}

/// A row that was refused.
#[derive(Deserialize)]
struct Row {
    line: u64,
    errors: Vec<Wrong>,
}

/// An answer, as it is and as it is understood.
struct Answer {
    raw: Value,
}

impl Answer {
    fn read<T: for<'a> Deserialize<'a>>(&self) -> anyhow::Result<T> {
        T::deserialize(&self.raw).context("the server does not answer as Steward does")
    }
}

struct Server {
    door: OperatorDoor,
    origin: Url,
    token: SecretString,
}

/// Imports a file of customers or organizations.
pub(crate) async fn run(entity: &'static str, options: Options) -> anyhow::Result<ExitCode> {
    let file = std::fs::File::open(&options.file).with_context(|| format!("{}", options.file.display()))?;
    let length = file.metadata()?.len();
    let settings = options.settings.as_deref().map(read_settings).transpose()?;
    let server = Server::at(origin(&options)?, token(&options)?)?;
    if let Some(site) = &options.site {
        server.is_for(site).await?;
    }
    let name = options.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let begun = server.post(IMPORTS, Some(json!({"entity": entity, "fileName": name}))).await?;
    let import = Import { server, id: begun.read::<Told>()?.id, quiet: options.json, running: Cell::new(false) };
    match import.go(file, length, settings, &options).await {
        Ok(code) => Ok(code),
        Err(error) if import.running.get() => {
            Err(error.context("the server goes on with it: see Steward's settings, Imports"))
        }
        Err(error) => {
            // What is of no use to anybody need not lie there for a week.
            let _ = import.post("/cancel", None).await;
            Err(error)
        }
    }
}

/// Where the server is, as it is said or as its own configuration says.
fn origin(options: &Options) -> anyhow::Result<Url> {
    if let Some(server) = &options.server {
        return Ok(server.clone());
    }
    let config = Config::read(&options.config.config);
    Ok(config.context("without --server, the configuration on this machine says where it is")?.server.origin)
}

fn token(options: &Options) -> anyhow::Result<SecretString> {
    let text = match (&options.token_file, &options.token) {
        (Some(path), _) if path == Path::new("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("standard input")?;
            text
        }
        (Some(path), _) => std::fs::read_to_string(path).with_context(|| format!("{}", path.display()))?,
        (None, Some(token)) => token.clone(),
        (None, None) => bail!("name a file with an API token: --token-file"),
    };
    Ok(text.trim().to_owned().into())
}

fn read_settings(path: &Path) -> anyhow::Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{}: it is not JSON", path.display()))
}

impl Server {
    fn at(origin: Url, token: SecretString) -> anyhow::Result<Self> {
        let agent = concat!("steward/", env!("CARGO_PKG_VERSION"));
        let door = OperatorDoor::new(Purpose::Server, &origin, None, agent, Arc::new(SystemClock))
            .map_err(|_| anyhow!("--server: write https://host, or http://127.0.0.1:port on this machine"))?;
        Ok(Self { door, origin, token })
    }

    /// Refuses to go on with a token of another site than this.
    async fn is_for(&self, site: &str) -> anyhow::Result<()> {
        let of: OfToken = self.call(Method::GET, "/tokens/current", None).await?.read()?;
        if is_named(&of.site_id, of.site_url.as_deref(), site) {
            return Ok(());
        }
        let its = of.site_url.unwrap_or(of.site_id);
        bail!("--site: the token is of {its}, not of {site}. Take one that was made in Steward's settings there")
    }

    async fn post(&self, path: &str, body: Option<Value>) -> anyhow::Result<Answer> {
        let body = body.map(|body| (body.to_string().into_bytes(), "application/json"));
        self.call(Method::POST, path, body).await
    }

    /// Makes a call, again where that may help: the server is busy, being started anew, or counts this token's haste.
    async fn call(&self, method: Method, path: &str, body: Option<(Vec<u8>, &'static str)>) -> anyhow::Result<Answer> {
        let url = self.origin.join(&format!("/api/v1{path}"))?;
        // Beginning an import, and nothing else here, is not the same when it is done twice.
        let repeatable = !(method == Method::POST && path == IMPORTS);
        let mut tries = 0;
        loop {
            let mut call = Outward::new(method.clone(), url.clone());
            let mut bearer = HeaderValue::from_str(&format!("Bearer {}", self.token.expose_secret()))
                .map_err(|_| anyhow!("the token is none: it holds what no header carries"))?;
            bearer.set_sensitive(true);
            call.authorization = Some(bearer);
            if let Some((bytes, kind)) = &body {
                call.headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
                call.body = Some(bytes.clone().into());
            }
            let wait = match self.door.send(call).await {
                Ok(reply) if reply.status.is_success() => {
                    return Ok(Answer { raw: serde_json::from_slice(&reply.body)? });
                }
                Ok(reply) if matches!(reply.status.as_u16(), 429 | 503) => {
                    let asked = reply.headers.get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse().ok());
                    Some(Duration::from_secs(asked.unwrap_or(1)))
                }
                Ok(reply) => return Err(refused(reply.status.as_u16(), &reply.body)),
                Err(_) if repeatable => None,
                Err(fault) => {
                    return Err(crate::cli::told(fault).context(format!("{} does not answer", self.origin)));
                }
            };
            if tries == RETRIES {
                bail!("{} does not answer", self.origin);
            }
            tokio::time::sleep(wait.unwrap_or(LOOK * 2u32.pow(tries))).await;
            tries += 1;
        }
    }
}

/// What the server said, in its own words: they name what is wrong and never quote the file.
fn refused(status: u16, body: &[u8]) -> anyhow::Error {
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    let mut said: Vec<String> =
        problem.errors.iter().map(|error| format!("{}: {}", error.pointer, error.detail)).collect();
    if said.is_empty() {
        said.push(problem.detail.unwrap_or_else(|| "it did not say why".to_owned()));
    }
    anyhow!("the server refused it ({status}): {}", said.join("; "))
}

struct Import {
    server: Server,
    id: String,
    quiet: bool,
    /// From here on the server carries it out, whatever becomes of this command.
    running: Cell<bool>,
}

impl Import {
    fn at(&self, path: &str) -> String {
        format!("{IMPORTS}/{}{path}", self.id)
    }

    async fn post(&self, path: &str, body: Option<Value>) -> anyhow::Result<Answer> {
        self.server.post(&self.at(path), body).await
    }

    async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.server.call(Method::GET, &self.at(path), None).await
    }

    async fn go(
        &self,
        file: std::fs::File,
        length: u64,
        settings: Option<Value>,
        options: &Options,
    ) -> anyhow::Result<ExitCode> {
        self.send(file, length).await?;
        let mut settings = match settings {
            Some(settings) => settings,
            None => self.get("/preview").await?.read::<Preview>()?.suggested,
        };
        if let (true, Some(settings)) = (options.make_customers, settings.as_object_mut()) {
            let make = json!({"projectIds": options.project, "organizationIds": options.organization});
            settings.insert("makeCustomers".to_owned(), make);
        }
        self.post("/check", Some(settings)).await?;
        let (checked, raw) = self.wait("Dry run", "checked", |told| told.rows_read, None).await?;
        let Counts { changed, made, refused, .. } = checked.rows;
        let changed = changed + made;
        if !self.quiet {
            self.tell(&checked).await?;
        }
        if options.dry_run || changed == 0 || refused > 0 && !options.partial {
            if refused > 0 && !options.dry_run && changed > 0 && !self.quiet {
                eprintln!("Nothing was written. Correct the file, or send the good rows alone with --partial.");
            }
            self.post("/cancel", None).await?;
            return Ok(self.end(&raw, refused));
        }
        self.running.set(true);
        self.post("/run", None).await?;
        let (done, raw) = self.wait("Import", "done", |told| (told.done * 100.0) as u64, Some(100)).await?;
        let overtaken = done.rows.overtaken;
        if !self.quiet {
            if done.customers_made > 0 {
                println!("{} customers made in Jira.", done.customers_made);
            }
            println!("{} values written. Undo it in Steward's settings, Imports, for 30 days.", done.values_written);
            if overtaken > 0 {
                println!("{overtaken} rows were overtaken: somebody changed them after the dry run.");
            }
        }
        // Some whom Jira did not make may have joined them.
        let refused = done.rows.refused;
        if !self.quiet && refused > checked.rows.refused {
            println!("{} more rows were refused by Jira:", refused - checked.rows.refused);
            self.tell_refused(&done).await?;
        }
        Ok(self.end(&raw, refused + overtaken))
    }

    fn end(&self, raw: &Value, not_in: u64) -> ExitCode {
        if self.quiet {
            println!("{raw}");
        }
        if not_in == 0 { ExitCode::SUCCESS } else { ExitCode::from(SOME_REFUSED) }
    }

    /// Sends the file, a part at a time.
    async fn send(&self, file: std::fs::File, length: u64) -> anyhow::Result<()> {
        let bar = self.bar("Sending", Some(length));
        let mut rest = file.take(length);
        for part in 0.. {
            let mut bytes = Vec::with_capacity(PART_BYTES);
            rest.by_ref().take(PART_BYTES as u64).read_to_end(&mut bytes)?;
            if bytes.is_empty() {
                break;
            }
            bar.inc(bytes.len() as u64);
            let path = self.at(&format!("/parts/{part}"));
            self.server.call(Method::PUT, &path, Some((bytes, "application/octet-stream"))).await?;
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// Waits until it is in that state; one that stops elsewhere has a reason.
    async fn wait(
        &self,
        what: &'static str,
        state: &str,
        far: impl Fn(&Told) -> u64,
        whole: Option<u64>,
    ) -> anyhow::Result<(Told, Value)> {
        let bar = self.bar(what, whole);
        let mut wait = FIRST_LOOK;
        loop {
            let answer = self.get("").await?;
            let told: Told = answer.read()?;
            if told.state == state {
                bar.finish_and_clear();
                return Ok((told, answer.raw));
            }
            if !matches!(told.state.as_str(), "checking" | "running") {
                bar.finish_and_clear();
                let reason = told.reason.as_deref().unwrap_or("somebody stopped it");
                bail!("the import is {}: {reason}", told.state);
            }
            bar.set_position(far(&told));
            tokio::time::sleep(wait).await;
            wait = LOOK.min(wait * 5 / 4);
        }
    }

    /// What the dry run says, and the first of the refused rows.
    async fn tell(&self, checked: &Told) -> anyhow::Result<()> {
        let Counts { changed, made, unchanged, refused, .. } = checked.rows;
        println!("{changed} rows change, {unchanged} stay as they are, {refused} are refused.");
        if made > 0 {
            println!("{made} rows are about customers who will be made in Jira.");
        }
        if refused == 0 { Ok(()) } else { self.tell_refused(checked).await }
    }

    async fn tell_refused(&self, told: &Told) -> anyhow::Result<()> {
        let refused = told.rows.refused;
        let page: Page = self.get(&format!("/rows?outcome=refused&limit={TOLD}")).await?.read()?;
        for row in &page.items {
            for error in &row.errors {
                let column = error.column.and_then(|column| told.headers.get(column));
                let column = column.map(|column| format!("{column}: ")).unwrap_or_default();
                println!("  line {}: {column}{}", row.line, error.detail);
            }
        }
        if refused > TOLD as u64 {
            println!("  … and {} more; the report in Steward's settings has all of them.", refused - TOLD as u64);
        }
        Ok(())
    }

    /// A bar on a terminal, and nothing in a script's log.
    fn bar(&self, what: &'static str, whole: Option<u64>) -> ProgressBar {
        if self.quiet || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let (bar, template) = match whole {
            Some(whole) => (ProgressBar::new(whole), "{prefix:8} {bar:40} {percent}%, {eta} left"),
            None => (ProgressBar::new_spinner(), "{prefix:8} {spinner} {pos} rows"),
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.with_style(style).with_prefix(what)
    }
}
