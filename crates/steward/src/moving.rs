//! `steward move`: everything from the database, shelf and objects that one configuration names to those of another, while no
//! server runs. The rows of the main database come last, in one transaction, compared before it is committed.

#![expect(clippy::print_stdout, reason = "this is the program's voice on a terminal")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use kernel::{Clock, SystemClock, TenantId};
use rustix::fs::{FlockOperation, flock};
use secrecy::{ExposeSecret, SecretString};
use store::{Store, moving};
use url::Url;
use vault::Vault;

use crate::cli::{stores, told};
use crate::config::Config;
use crate::join::StoreShelf;
use crate::keys::RootKeys;
use crate::objects;

/// The file that says, by a lock on it, whether a server has the data directory. It is empty, and stays.
const LOCK: &str = "serving.lock";

/// How often it looks whether the last connection of a stopped server is gone: for five seconds.
const LOOKS: u32 = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// A lock on a data directory, as long as it lives.
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// For a server.
    pub(crate) fn shared(directory: &Path) -> anyhow::Result<Self> {
        Self::take(directory, FlockOperation::NonBlockingLockShared)
            .with_context(|| format!("{} is being moved", directory.display()))
    }

    /// For a move: nobody else has it.
    fn alone(directory: &Path) -> anyhow::Result<Self> {
        Self::take(directory, FlockOperation::NonBlockingLockExclusive)
            .with_context(|| format!("a server has {}: stop it first", directory.display()))
    }

    fn take(directory: &Path, operation: FlockOperation) -> anyhow::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        let path = directory.join(LOCK);
        let mut options = File::options();
        let file = options.create(true).append(true).mode(0o600).open(&path);
        let file = file.with_context(|| format!("{} cannot be written", path.display()))?;
        flock(&file, operation)?;
        Ok(Self { _file: file })
    }
}

/// One of the two places, opened and nobody else's.
struct Side {
    config: Config,
    keys: RootKeys,
    main: Store,
    shelf: Store,
    _lock: Option<Lock>,
}

impl Side {
    async fn open(file: &Path, lock: bool) -> anyhow::Result<Self> {
        let mut config = Config::read(file)?;
        std::fs::create_dir_all(&config.data.directory)
            .with_context(|| format!("{} cannot be made", config.data.directory.display()))?;
        let lock = if lock { Some(Lock::alone(&config.data.directory)?) } else { None };
        // A connection that is not one of these is a server's, or somebody's who looks.
        for url in [&mut config.data.database, &mut config.data.shelf].into_iter().flatten() {
            *url = named(url)?;
        }
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let keys = RootKeys::open(&config.data, &clock)?;
        let (main, shelf) = stores(&config).await?;
        for (name, store) in [("data.database", &main), ("data.shelf", &shelf)] {
            let others = others_after_a_moment(store).await?;
            ensure!(others == 0, "{}: {others} other connections to {name}: stop every server first", file.display());
        }
        Ok(Self { config, keys, main, shelf, _lock: lock })
    }

    fn vault(&self) -> Vault {
        let joined = StoreShelf { shelf: self.shelf.clone(), store: self.main.clone() };
        Vault::with_roots(Arc::new(joined), self.keys.roots.clone())
    }

    /// Where the main database lies; never printed.
    fn place(&self) -> String {
        let data = &self.config.data;
        data.database
            .as_ref()
            .map_or_else(|| data.directory.display().to_string(), |url| url.expose_secret().to_owned())
    }

    async fn close(self) {
        self.main.close().await;
        self.shelf.close().await;
    }
}

/// A server that was just stopped is not gone from PostgreSQL's list at once.
async fn others_after_a_moment(store: &Store) -> anyhow::Result<i64> {
    for _ in 0..LOOKS {
        if moving::other_connections(store).await.map_err(told)? == 0 {
            return Ok(0);
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    moving::other_connections(store).await.map_err(told)
}

fn named(url: &SecretString) -> anyhow::Result<SecretString> {
    // Its text may be a password: what is wrong with it was told by the configuration.
    let mut url = Url::parse(url.expose_secret()).map_err(|_| anyhow!("an address that is none"))?;
    url.query_pairs_mut().append_pair("application_name", moving::APPLICATION);
    Ok(SecretString::from(String::from(url)))
}

/// Moves.
pub(crate) async fn run(from: &Path, to: &Path) -> anyhow::Result<()> {
    let from = Side::open(from, true).await?;
    let same_folder = Config::read(to)?.data.directory == from.config.data.directory;
    let to = Side::open(to, !same_folder).await?;
    ensure!(from.place() != to.place(), "both configurations name the same database: there is nothing to move");
    ensure!(
        from.keys.roots.current_name() == to.keys.roots.current_name(),
        "the configurations name two root keys. Move with one; `steward rekey` changes it before or after"
    );
    for (name, store) in [("database", &from.main), ("shelf", &from.shelf)] {
        let waiting = store::pending(store).await.map_err(told)?;
        ensure!(waiting.is_empty(), "the {name} is not up to date: `steward migrate` first");
    }
    for store in [&to.main, &to.shelf] {
        store.migrate().await.map_err(told)?;
    }
    let everybody = moving::everybody(&from.main).await.map_err(told)?;
    let mut rows = moving::begin(&from.main, &to.main, everybody.clone()).await.map_err(told)?;
    ensure!(
        moving::everybody(&to.main).await.map_err(told)?.len() == 1 && rows.rows_there().await.map_err(told)? == 0,
        "the target's database is not empty: nothing was moved"
    );

    let bar = progress();
    // The shelf first: a second try finds it as it was left.
    let mut shelf = moving::begin(&from.shelf, &to.shelf, vec![TenantId::SERVER]).await.map_err(told)?;
    shelf.copy(true, |table, rows| step(&bar, table, rows)).await.map_err(told)?;
    let keys = shelf.compare().await.map_err(|fault| {
        anyhow!("{}. The target's shelf holds something else: empty it. Nothing was moved", told(fault))
    })?;
    shelf.commit().await.map_err(told)?;

    let clock = SystemClock;
    let owner = objects::owner(&from.vault(), clock.now()).await.map_err(told)?;
    let here = objects::open(&from.config, &from.main).map_err(told)?;
    here.claim(&owner).await.map_err(told)?;
    let there = objects::open(&to.config, &to.main).map_err(told)?;
    there.reserve(&owner).await.map_err(told)?;
    let same_place = here.called() == there.called();
    let (mut copied, mut missing) = (0, 0);
    for tenant in everybody.iter().filter(|_| !same_place) {
        let done = there.copy_from(&here, *tenant, |one| step(&bar, "objects", one)).await.map_err(told)?;
        copied += done.0;
        missing += done.1;
    }

    rows.copy(false, |table, rows| step(&bar, table, rows)).await.map_err(told)?;
    bar.set_message("comparing");
    let counts = rows.compare().await.map_err(|fault| anyhow!("{}. Nothing was moved", told(fault)))?;
    rows.commit().await.map_err(told)?;
    // The target's database knows its place from here on; a start would do the same.
    there.claim(&objects::owner(&to.vault(), clock.now()).await.map_err(told)?).await.map_err(told)?;
    bar.finish_and_clear();
    report(&counts, &keys, (copied, missing), same_place);
    from.close().await;
    to.close().await;
    Ok(())
}

fn report(
    counts: &BTreeMap<&'static str, u64>,
    keys: &BTreeMap<&'static str, u64>,
    (copied, missing): (u64, u64),
    same_place: bool,
) {
    for (table, rows) in counts.iter().chain(keys).filter(|(_, rows)| **rows > 0) {
        println!("{rows:>12}  {table}");
    }
    if same_place {
        println!("Objects stay where they are.");
    } else {
        println!("{copied:>12}  objects");
    }
    if missing > 0 {
        println!("{missing} objects were missing before already: imports that need them say so.");
    }
    println!(
        "Moved, and compared row by row. Start the server with the new configuration; keep the old place until you are \
         content, and never start a server on it again once the new one was written to."
    );
}

fn step(bar: &ProgressBar, what: &'static str, count: u64) {
    bar.set_message(what);
    bar.inc(count);
}

/// How far it is, on a terminal, and nothing in a script's log.
fn progress() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {pos} rows and objects, {elapsed}: {msg}");
    ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}
