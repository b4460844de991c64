//! The command line.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the program's voice on a terminal")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use clap::{Parser, Subcommand};
use futures::FutureExt;
use kernel::SystemClock;
use tokio::signal::unix::{SignalKind, signal};
use url::Url;
use vault::FileRootKey;

use crate::config::{Config, RootKeyLines, SECRET_ID};
use crate::doctor::{Finding, cause};
use crate::program::{Parts, Program};
use crate::{config, demo, doctor, import, listen, manual, moving, objects, rekey, sandbox, site, telemetry};

/// Fields and history for the customers and organizations of a Jira Service Management site, on your own machine.
#[derive(Parser)]
#[command(
    name = "steward",
    version,
    about = "Fields and history for the customers and organizations of a Jira Service Management site, on your own machine"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show everything at once: a stand-in Jira of a believable company, with Steward in it
    Demo(demo::Options),
    /// The stand-in Jira alone, for whoever writes an app for Jira
    Sandbox(sandbox::Options),
    /// Serve a real site
    Serve(ConfigFile),
    /// Make a configuration file for a new server, and a root key unless a key service holds it
    Init {
        /// The folder for the configuration and the root key
        #[arg(long, default_value = "/etc/steward")]
        directory: PathBuf,
        /// The folder for the data
        #[arg(long, default_value = "/var/lib/steward")]
        data: PathBuf,
        /// The address of a key service (OpenBao, Vault) that holds the root key, instead of a file
        #[arg(long, value_name = "URL")]
        key_service: Option<Url>,
    },
    /// Join sites by an account's token, look after them, leave them
    Site {
        #[command(flatten)]
        config: ConfigFile,
        #[command(subcommand)]
        action: site::Action,
    },
    /// Bring the databases up to date
    Migrate(ConfigFile),
    /// Look at jobs that were laid aside, and run them again
    Jobs {
        #[command(flatten)]
        config: ConfigFile,
        #[command(subcommand)]
        action: Option<JobsAction>,
    },
    /// Wrap all keys anew, under the root key that the configuration names now
    Rekey(ConfigFile),
    /// Carry everything to another database and another place for objects, while no server runs
    Move {
        #[command(flatten)]
        config: ConfigFile,
        /// The configuration of the place to move to
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Ask this machine's server whether it answers: 0 if it does. For container runtimes
    Healthcheck {
        #[command(flatten)]
        config: ConfigFile,
        /// Ask whether it is ready to serve, not only whether it lives
        #[arg(long)]
        ready: bool,
    },
    /// Look after where objects lie
    Objects {
        #[command(flatten)]
        config: ConfigFile,
        #[command(subcommand)]
        action: objects::Action,
    },
    /// Say what is wrong with a configuration or a server, and how to mend it
    Doctor(ConfigFile),
    /// Work with customers through a running server
    Customers {
        #[command(subcommand)]
        action: RecordsAction,
    },
    /// Work with organizations through a running server
    Organizations {
        #[command(subcommand)]
        action: RecordsAction,
    },
    /// Print the API's description
    ExportOpenapi,
    /// Print every class of data held, as docs/data.md
    DataMap,
    /// Print a script that completes commands and options in a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Write manual pages, one a command
    Man {
        /// The folder for them, such as /usr/local/share/man/man1
        directory: PathBuf,
    },
}

#[derive(clap::Args)]
pub(crate) struct ConfigFile {
    /// The configuration file
    #[arg(long, env = "STEWARD_CONFIG", default_value = "/etc/steward/steward.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Subcommand)]
enum RecordsAction {
    /// Import values from a CSV file: a dry run, then the run
    Import(import::Options),
}

#[derive(Subcommand)]
enum JobsAction {
    /// List jobs that were laid aside
    List,
    /// Run one again
    Run {
        /// Its id
        id: uuid::Uuid,
    },
}

/// The commands, for what describes them.
pub(crate) fn described() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// An unoptimized build keeps every temporary of a handler on the stack: twice tokio's default leaves it room.
const STACK_BYTES: usize = 4 * 1024 * 1024;

/// Runs the command that the arguments name.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().thread_stack_size(STACK_BYTES).enable_all().build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("steward: {error}");
            return ExitCode::FAILURE;
        }
    };
    quiet_panics();
    // One provider for all TLS; fails only when it is set already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match runtime.block_on(dispatch(cli.command)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("steward: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A panic's message may quote what it was about: the log gets the place, and never the words.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(event = "panic", place);
    }));
}

async fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo(options) => demo::run(options).boxed().await?,
        Command::Sandbox(options) => sandbox::run(options).await?,
        Command::Serve(file) => serve(&file.config).await?,
        Command::Init { directory, data, key_service } => init(&directory, &data, key_service.as_ref())?,
        Command::Site { config, action } => return site::run(&config.config, action).await,
        Command::Rekey(file) => rekey::run(&file.config).await?,
        Command::Move { config, to } => moving::run(&config.config, &to).await?,
        Command::Healthcheck { config, ready } => return healthcheck(&config.config, ready).await,
        Command::Objects { config, action } => objects::run(&config.config, &action).await?,
        Command::Migrate(file) => migrate(&file.config).await?,
        Command::Jobs { config, action } => jobs(&config.config, action.unwrap_or(JobsAction::List)).await?,
        Command::Doctor(file) => return doctor(&file.config).await,
        Command::Customers { action: RecordsAction::Import(options) } => return import::run("customer", options).await,
        Command::Organizations { action: RecordsAction::Import(options) } => {
            return import::run("organization", options).await;
        }
        Command::ExportOpenapi => println!("{}", openapi().await?),
        Command::DataMap => print!("{}", data_map()),
        Command::Completions { shell } => manual::completions(described(), shell, &mut std::io::stdout()),
        Command::Man { directory } => manual::pages(described(), &directory)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A fault, for the operator's eyes.
pub(crate) fn told(fault: kernel::Fault) -> anyhow::Error {
    anyhow!("{}", cause(&fault))
}

async fn serve(file: &Path) -> anyhow::Result<()> {
    let config = Config::read(file)?;
    let clock: Arc<dyn kernel::Clock> = Arc::new(SystemClock);
    let traces = telemetry::Traces::open(&config.traces, &config.data.region, clock.clone())?;
    telemetry::log_to(&config.log, traces.as_ref(), std::io::stderr)?;
    vault::harden_process();
    let parts = Parts { traces, ..Parts::of(&config, clock)? };
    // Held as long as it serves: `steward move` is refused meanwhile.
    let _serving = moving::Lock::shared(&config.data.directory)?;
    let listener = listen::bind(config.server.listen)?;
    let program = Program::open(&config, parts).await.map_err(told)?;
    program.start();
    let stop = program.stopping();
    stop_on_signal(stop.clone())?;
    let reload = signal(SignalKind::hangup()).context("SIGHUP cannot be heard")?;
    supervisor(sd_notify::NotifyState::Ready);
    tracing::info!(event = "serving", address = %listener.local_addr()?, version = env!("CARGO_PKG_VERSION"));
    listen::serve(listener, &config.server, program.router.clone(), stop, Some(reload)).await?;
    supervisor(sd_notify::NotifyState::Stopping);
    program.close().await.map_err(told)?;
    tracing::info!(event = "stopped");
    Ok(())
}

async fn healthcheck(file: &Path, ready: bool) -> anyhow::Result<ExitCode> {
    let config = Config::read(file)?;
    let certificate = config.server.tls_certificate.as_deref().map(crate::keys::authority).transpose()?;
    let own = certificate.and_then(|chain| chain.into_iter().next());
    let path = if ready { "/readyz" } else { "/healthz" };
    let status = host::ask_self(config.server.listen, own, path).await.map_err(told)?;
    println!("{path} answers {status}");
    Ok(if status == 200 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Tells systemd, if it started this program and asked to be told.
fn supervisor(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(event = "supervisor_not_told", %error);
    }
}

/// SIGTERM and Ctrl-C ask it to stop; it finishes what it began. Heard from the moment in which this returns.
pub(crate) fn stop_on_signal(stop: tokio_util::sync::CancellationToken) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be heard")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("Ctrl-C cannot be heard")?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
    });
    Ok(())
}

fn init(directory: &Path, data: &Path, key_service: Option<&Url>) -> anyhow::Result<()> {
    std::fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    std::fs::create_dir_all(data).with_context(|| format!("cannot make {}", data.display()))?;
    std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o700))
        .with_context(|| format!("cannot keep {} to this user", data.display()))?;
    let (file, key) = (directory.join("steward.toml"), directory.join("root.key"));
    if file.exists() {
        return Err(anyhow!("{} is there already; nothing was changed", file.display()));
    }
    let write = |root_key: RootKeyLines<'_>| {
        std::fs::write(&file, config::template(data, &root_key))
            .with_context(|| format!("cannot write {}", file.display()))
    };
    if let Some(address) = key_service {
        write(RootKeyLines::Service(address, directory))?;
        println!("Made {}. In the key service, make the key, its policy and a role for this server:\n", file.display());
        println!("{KEY_SERVICE_STEPS}");
        println!("The role's id goes into the file; its secret id into {}.", directory.join(SECRET_ID).display());
    } else {
        FileRootKey::create(&key).map_err(|fault| anyhow!("{}: {fault}", key.display()))?;
        write(RootKeyLines::File(&key))?;
        println!("Made {} and {}.", file.display(), key.display());
        println!("Keep a copy of the root key in a safe place: without it nothing can be read, with it everything.");
    }
    println!(
        "Next: edit the file, then `steward doctor --config {0}` and `steward serve --config {0}`.",
        file.display()
    );
    Ok(())
}

/// What an operator of OpenBao types; Vault's `vault` takes the same words.
const KEY_SERVICE_STEPS: &str = r#"bao secrets enable transit
bao write -f transit/keys/steward
bao policy write steward - <<'END'
path "transit/encrypt/steward" { capabilities = ["update"] }
path "transit/decrypt/steward" { capabilities = ["update"] }
END
bao auth enable approle
bao write auth/approle/role/steward token_policies=steward token_ttl=1h token_max_ttl=24h
bao read auth/approle/role/steward/role-id
bao write -f -field=secret_id auth/approle/role/steward/secret-id
"#;

pub(crate) async fn stores(config: &Config) -> anyhow::Result<(store::Store, store::Store)> {
    let main = store::Store::open(&config.store_url(), crate::program::registry()).await.map_err(told)?;
    let shelf = store::Store::open(&config.shelf_url(), crate::program::shelf_registry()).await.map_err(told)?;
    Ok((main, shelf))
}

async fn migrate(file: &Path) -> anyhow::Result<()> {
    let (main, shelf) = stores(&Config::read(file)?).await?;
    for (name, store) in [("database", main), ("shelf", shelf)] {
        let ran = store.migrate().await.map_err(told)?;
        println!("{name}: {}", if ran.is_empty() { "up to date".to_owned() } else { ran.join(", ") });
        store.close().await;
    }
    Ok(())
}

async fn jobs(file: &Path, action: JobsAction) -> anyhow::Result<()> {
    /// More are a sign of something else than single jobs.
    const SHOWN: u32 = 100;
    let (store, _) = stores(&Config::read(file)?).await?;
    match action {
        JobsAction::List => {
            for (state, count) in jobs::waiting(&store).await.map_err(told)? {
                println!("{state}: {count}");
            }
            let dead = jobs::dead_letters(&store, SHOWN).await.map_err(told)?;
            if dead.is_empty() {
                println!("No job was laid aside.");
            }
            for job in dead {
                let error = job.error.as_deref().unwrap_or("-");
                println!(
                    "{}  {}  tenant {}  {error}  {} tries  since {}",
                    job.id, job.kind, job.tenant, job.attempts, job.created_at
                );
            }
        }
        JobsAction::Run { id } => {
            if !jobs::run_again(&store, id, doctor::now()).await.map_err(told)? {
                return Err(anyhow!("no job of this id was laid aside; `steward jobs list` shows them"));
            }
            println!("{id} runs again.");
        }
    }
    store.close().await;
    Ok(())
}

async fn doctor(file: &Path) -> anyhow::Result<ExitCode> {
    let mut bad = false;
    for finding in doctor::examine(file).await {
        match finding {
            Finding::Good(text) => println!("ok       {text}"),
            Finding::Warning(text) => println!("warning  {text}"),
            Finding::Bad(text) => {
                bad = true;
                println!("WRONG    {text}");
            }
        }
    }
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The API's description, from the wired program on an empty database.
async fn openapi() -> anyhow::Result<String> {
    let scratch = demo::Scratch::make(None)?;
    let program = demo::open_scratch(&scratch).await?;
    let text = program.openapi.to_pretty_json()?;
    program.close().await.map_err(told)?;
    Ok(text)
}

/// docs/data.md.
pub fn data_map() -> String {
    trust::data_map(&[
        ("The database", &crate::program::registry()),
        ("The key shelf, a database of its own", &crate::program::shelf_registry()),
    ])
}
