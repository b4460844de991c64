//! The command line.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the program's voice on a terminal")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use clap::{Parser, Subcommand};
use kernel::SystemClock;
use vault::FileRootKey;

use crate::config::Config;
use crate::doctor::{Finding, cause};
use crate::program::{Parts, Program};
use crate::{config, demo, doctor, listen, sandbox, telemetry};

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
    /// Make a configuration file and a root key for a new server
    Init {
        /// The folder for the configuration and the root key
        #[arg(long, default_value = "/etc/steward")]
        directory: PathBuf,
        /// The folder for the data
        #[arg(long, default_value = "/var/lib/steward")]
        data: PathBuf,
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
    /// Say what is wrong with a configuration or a server, and how to mend it
    Doctor(ConfigFile),
    /// Print the API's description
    ExportOpenapi,
    /// Print every class of data held, as docs/data.md
    DataMap,
}

#[derive(clap::Args)]
struct ConfigFile {
    /// The configuration file
    #[arg(long, env = "STEWARD_CONFIG", default_value = "/etc/steward/steward.toml")]
    config: PathBuf,
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
        Command::Demo(options) => demo::run(options).await?,
        Command::Sandbox(options) => sandbox::run(options).await?,
        Command::Serve(file) => serve(&file.config).await?,
        Command::Init { directory, data } => init(&directory, &data)?,
        Command::Migrate(file) => migrate(&file.config).await?,
        Command::Jobs { config, action } => jobs(&config.config, action.unwrap_or(JobsAction::List)).await?,
        Command::Doctor(file) => return doctor(&file.config).await,
        Command::ExportOpenapi => println!("{}", openapi().await?),
        Command::DataMap => print!("{}", data_map()),
    }
    Ok(ExitCode::SUCCESS)
}

/// A fault, for the operator's eyes.
pub(crate) fn told(fault: kernel::Fault) -> anyhow::Error {
    anyhow!("{}", cause(&fault))
}

async fn serve(file: &Path) -> anyhow::Result<()> {
    let config = Config::read(file)?;
    telemetry::log_to(&config.log, std::io::stderr)?;
    vault::harden_process();
    let root = FileRootKey::read(&config.data.root_key)?;
    let listener = listen::bind(config.server.listen)?;
    let parts = Parts { clock: Arc::new(SystemClock), root: Arc::new(root), metrics: telemetry::Metrics::install()? };
    let program = Program::open(&config, parts).await.map_err(told)?;
    program.start();
    let stop = program.stopping();
    stop_on_signal(stop.clone());
    tracing::info!(event = "serving", address = %listener.local_addr()?, version = env!("CARGO_PKG_VERSION"));
    listen::serve(listener, &config.server, program.router.clone(), stop).await?;
    program.close().await.map_err(told)?;
    tracing::info!(event = "stopped");
    Ok(())
}

/// SIGTERM and Ctrl-C ask it to stop; it finishes what it began.
pub(crate) fn stop_on_signal(stop: tokio_util::sync::CancellationToken) {
    tokio::spawn(async move {
        let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(terminate) => terminate,
            Err(error) => {
                tracing::error!(event = "signals_unavailable", %error);
                return;
            }
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        stop.cancel();
    });
}

fn init(directory: &Path, data: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    std::fs::create_dir_all(data).with_context(|| format!("cannot make {}", data.display()))?;
    std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o700))
        .with_context(|| format!("cannot keep {} to this user", data.display()))?;
    let (file, key) = (directory.join("steward.toml"), directory.join("root.key"));
    if file.exists() {
        return Err(anyhow!("{} is there already; nothing was changed", file.display()));
    }
    FileRootKey::create(&key).map_err(|fault| anyhow!("{}: {fault}", key.display()))?;
    std::fs::write(&file, config::template(data, &key)).with_context(|| format!("cannot write {}", file.display()))?;
    println!("Made {} and {}.", file.display(), key.display());
    println!("Keep a copy of the root key in a safe place: without it nothing can be read, with it everything.");
    println!(
        "Next: edit the file, then `steward doctor --config {0}` and `steward serve --config {0}`.",
        file.display()
    );
    Ok(())
}

async fn stores(config: &Config) -> anyhow::Result<(store::Store, store::Store)> {
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
