//! Opening a database: which one, with which settings, and the ways in.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use futures::FutureExt;
use kernel::{Cx, Fault, Registry, Result, TenantId};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, PgPool};
use tracing::Instrument;

use crate::ddl::Dialect;
use crate::migrate;
use crate::scoped::{Conn, Link, Scoped, Server, Statement, fault};
use crate::sqlite_readers::Readers;
use crate::sqlite_writer::Writer;
use crate::tenants::State;

/// Connections to PostgreSQL from one node.
const POSTGRES_CONNECTIONS: u32 = 16;
/// How long a request waits for a connection before it is told that the database is busy.
pub(crate) const ACQUIRE_TIME: Duration = Duration::from_secs(5);

/// Where a database is.
#[derive(Clone)]
pub enum StoreUrl {
    /// A file; made if missing.
    Sqlite(PathBuf),
    /// A server, as `postgres://…`. May hold a password: never printed.
    Postgres(String),
}

#[derive(Clone)]
enum Db {
    Sqlite { readers: Readers, writer: Writer },
    Postgres(PgPool),
}

/// One database and what lies in it.
#[derive(Clone)]
pub struct Store {
    db: Db,
    registry: std::sync::Arc<Registry>,
    /// Whether tenants lie here: the key shelf has none.
    tenants: bool,
}

/// What is about to be written of a tenant's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writes {
    /// What stands still while the tenant moves.
    Data,
    /// What reading leaves behind.
    Notes,
}

const STATE: &str = "SELECT state FROM tenant WHERE tenant = $1";
/// The row is held until the transaction ends, so that whoever begins to move the tenant waits for what was begun before.
const WALL_AND_STATE: &str = "SELECT set_config('steward.tenant', $1::uuid::text, true) AS wall, \
     (SELECT state FROM tenant WHERE tenant = $1::uuid FOR KEY SHARE) AS state";
/// When to try again: a move takes minutes, and Jira itself is down for most of it.
const AFTER_THE_MOVE: Duration = Duration::from_secs(60);

impl Store {
    /// Opens the database; does not migrate it.
    pub async fn open(url: &StoreUrl, registry: Registry) -> Result<Self> {
        let mistakes = registry.mistakes();
        if !mistakes.is_empty() {
            return Err(Fault::broken("store_registry", mistakes.join("; ")));
        }
        let db = match url {
            StoreUrl::Sqlite(path) => open_sqlite(path).await?,
            StoreUrl::Postgres(url) => {
                let options = PgConnectOptions::from_str(url).map_err(|error| Fault::broken("store_url", error))?;
                // Statements are never logged: their arguments are ciphertexts, but their errors may quote them.
                let pool = PgPoolOptions::new()
                    .max_connections(POSTGRES_CONNECTIONS)
                    .acquire_timeout(ACQUIRE_TIME)
                    .connect_with(options.disable_statement_logging())
                    .boxed()
                    .await
                    .map_err(fault)?;
                Db::Postgres(pool)
            }
        };
        let tenants = registry.tables().any(|table| table.name == "tenant");
        Ok(Self { db, registry: std::sync::Arc::new(registry), tenants })
    }

    /// Brings the schema to what the registry says; answers the migrations that ran.
    pub async fn migrate(&self) -> Result<Vec<String>> {
        migrate::run(self).await
    }

    /// What lies in it.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Which database it is.
    pub fn dialect(&self) -> Dialect {
        match self.db {
            Db::Sqlite { .. } => Dialect::Sqlite,
            Db::Postgres(_) => Dialect::Postgres,
        }
    }

    /// The tenant's rows, for reading.
    pub async fn read(&self, cx: &Cx) -> Result<Scoped> {
        self.scoped(cx.tenant(), false).boxed().await
    }

    /// The tenant's rows, for writing; on SQLite it waits for its turn.
    ///
    /// # Errors
    /// `site_moving` (busy) while the tenant is on its way to another region, or from one.
    pub async fn write(&self, cx: &Cx) -> Result<Scoped> {
        // On the heap: what carries these futures about must fit a stack.
        let mut scoped = self.for_writing(cx.tenant(), Writes::Data).boxed().await?;
        scoped.claim = cx.claim().cloned();
        Ok(scoped)
    }

    /// The tenant's rows, for what reading leaves behind: uses of proofs, tokens that came along, names that were read, who saw whom.
    /// It goes on while the tenant is copied elsewhere, and follows it at the end: only tables that
    /// `trust::realm` sends once more are written by this.
    ///
    /// # Errors
    /// `site_moving` (busy) once nothing is served here any more, or not yet.
    pub async fn note(&self, cx: &Cx) -> Result<Scoped> {
        self.for_writing(cx.tenant(), Writes::Notes).boxed().await
    }

    /// The tenant's rows, for whoever moves or ends it: no state of its keeps that out.
    pub async fn beyond(&self, cx: &Cx) -> Result<Scoped> {
        self.scoped(cx.tenant(), true).await
    }

    /// The tenant's rows, for an object that somebody begins to keep.
    pub(crate) async fn write_of(&self, tenant: TenantId) -> Result<Scoped> {
        self.for_writing(tenant, Writes::Data).boxed().await
    }

    async fn for_writing(&self, tenant: TenantId, writes: Writes) -> Result<Scoped> {
        let mut conn = self.conn(true).await?;
        if !self.tenants || tenant == TenantId::SERVER {
            wall(&mut conn, tenant).await?;
            return Ok(Scoped { conn, tenant, claim: None, claimed: false });
        }
        let words = if conn.is_postgres() { WALL_AND_STATE } else { STATE };
        let rows = conn.rows(Statement::Fixed(words.into()), crate::args![tenant]).await?;
        let state = rows.first().map_or(Ok(None), |row| row.opt_text("state"))?;
        let open = match state.as_deref().map(State::parse).transpose()? {
            None | Some(State::Active | State::Locked | State::Gone) => true,
            Some(State::Moving) => writes == Writes::Notes,
            Some(State::Moved | State::Arriving) => false,
        };
        if open { Ok(Scoped { conn, tenant, claim: None, claimed: false }) } else { Err(moving()) }
    }

    pub(crate) async fn scoped(&self, tenant: TenantId, write: bool) -> Result<Scoped> {
        let mut conn = self.conn(write).await?;
        wall(&mut conn, tenant).await?;
        Ok(Scoped { conn, tenant, claim: None, claimed: false })
    }

    /// The server's own rows, for reading.
    pub async fn server_read(&self) -> Result<Server> {
        Ok(Server { conn: self.conn(false).await? })
    }

    /// The server's own rows, for writing.
    pub async fn server_write(&self) -> Result<Server> {
        Ok(Server { conn: self.conn(true).await? })
    }

    pub(crate) async fn conn(&self, write: bool) -> Result<Conn> {
        Ok(Conn::new(match &self.db {
            Db::Sqlite { writer, .. } if write => Link::SqliteWrite(
                writer.begin().instrument(tracing::info_span!(target: kernel::SPANS, "store.wait")).await?,
            ),
            Db::Sqlite { readers, .. } => Link::SqliteRead(readers.acquire().await.map_err(fault)?),
            // On the heap: the pool's own future is large, and all that reads or writes would carry it about.
            Db::Postgres(pool) => Link::Postgres(pool.begin().boxed().await.map_err(fault)?),
        }))
    }

    /// Takes what was deleted off this machine's disk: on SQLite it lies in the write-ahead log until that is emptied.
    /// PostgreSQL recycles its log by itself; there the shelf's short backups are what counts.
    pub async fn forget_deleted(&self) -> Result<()> {
        match &self.db {
            Db::Sqlite { writer, .. } => writer.truncate_log().await,
            Db::Postgres(_) => Ok(()),
        }
    }

    /// Whether it answers.
    pub async fn ping(&self) -> Result<()> {
        let mut conn = self.conn(false).await?;
        conn.rows(Statement::Fixed("SELECT 1 AS one".into()), Vec::new()).await?;
        Ok(())
    }

    /// Whether it takes writes: a full disk answers reads for a long time.
    pub async fn ping_write(&self) -> Result<()> {
        let mut conn = self.conn(true).await?;
        if let Db::Sqlite { .. } = &self.db {
            // A transaction without a change writes nothing: this one writes the first page as it is.
            conn.run(Statement::Fixed("PRAGMA user_version = 0".into()), Vec::new()).await?;
        }
        conn.commit().await
    }

    /// Finishes what is pending and closes.
    pub async fn close(&self) {
        match &self.db {
            Db::Sqlite { readers, writer } => {
                writer.close().await;
                readers.close().await;
            }
            Db::Postgres(pool) => pool.close().await,
        }
    }
}

async fn wall(conn: &mut Conn, tenant: TenantId) -> Result<()> {
    if conn.is_postgres() {
        let wall = Statement::Fixed("SELECT set_config('steward.tenant', $1::uuid::text, true)".into());
        conn.rows(wall, crate::args![tenant]).await?;
    }
    Ok(())
}

/// Nothing of a tenant's changes while it is copied.
pub(crate) fn moving() -> Fault {
    Fault::busy(
        "site_moving",
        "This site is moving to another region: nothing can be changed until that is done. Try again shortly.",
        Some(AFTER_THE_MOVE),
    )
}

/// Pages that the writer holds, in KiB; SQLite's own 2 MiB are fewer than a page of an import touches, and it would write
/// each of them several times.
const WRITER_CACHE_KIB: u32 = 32 * 1024;
/// The same of each reader.
const READER_CACHE_KIB: u32 = 8 * 1024;
/// Rows that a connection's thread reads ahead of whoever takes them: a piece of an export whole, without a change of threads
/// every fifty rows. A statement bounds its rows by itself.
const ROWS_AHEAD: usize = 2_048;

async fn open_sqlite(path: &std::path::Path) -> Result<Db> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(ACQUIRE_TIME)
        .row_buffer_size(ROWS_AHEAD)
        .pragma("secure_delete", "ON")
        .pragma("temp_store", "MEMORY")
        // An index of all of a tenant's rows, made anew for one statement, is what SQLite may think the best way to a few hundred keys
        // whose order is asked for. There is a key for whatever is looked for here.
        .pragma("automatic_index", "OFF")
        .disable_statement_logging();
    // Below zero it is a size, above it a number of pages.
    let with_cache = |kib: u32| options.clone().pragma("cache_size", format!("-{kib}"));
    let writer = with_cache(WRITER_CACHE_KIB).connect().await.map_err(fault)?;
    // Rows are ciphertexts, yet whose rows there are is nobody's business either.
    restrict(path)?;
    let readers =
        Readers::open(with_cache(READER_CACHE_KIB).read_only(true).create_if_missing(false)).await.map_err(fault)?;
    Ok(Db::Sqlite { readers, writer: Writer::start(writer) })
}

fn restrict(path: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .map_err(|error| Fault::broken("store_mode", error))
}
