//! The two ways to the rows: [`Scoped`], bound to a tenant, and [`Server`], for the few statements
//! that are nobody's.

use std::sync::Arc;

use futures::FutureExt;
use kernel::{Claim, Fault, Result, TenantId};
use sqlx::postgres::PgArguments;
use sqlx::sqlite::{SqliteArguments, SqliteError};
use sqlx::{Arguments, AssertSqlSafe, Postgres, SqlSafeStr, SqlStr, Transaction};
use tracing::Instrument;

use crate::many::{self, Marks};
use crate::row::{Row, Value};
use crate::sqlite_readers::Reader;
use crate::sqlite_writer::Held;

/// A statement: one text for both databases, or a pair where they really differ.
#[derive(Clone, Copy)]
pub enum Text {
    /// The same words for both.
    Both(&'static str),
    /// SQLite's, then PostgreSQL's.
    Pair(&'static str, &'static str),
}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Self::Both(text)
    }
}

impl Text {
    fn of(self, postgres: bool) -> &'static str {
        match self {
            Self::Both(text) => text,
            Self::Pair(_, text) if postgres => text,
            Self::Pair(text, _) => text,
        }
    }
}

impl From<(&'static str, &'static str)> for Text {
    fn from((sqlite, postgres): (&'static str, &'static str)) -> Self {
        Self::Pair(sqlite, postgres)
    }
}

/// A statement ready to run: fixed words, or words that `store` made from the registry's names.
pub(crate) enum Statement {
    Fixed(Text),
    Made(String),
}

pub(crate) enum Link {
    SqliteRead(Reader),
    SqliteWrite(Held),
    Postgres(Transaction<'static, Postgres>),
}

/// A connection in a transaction. One failed statement fails the transaction, as PostgreSQL has it: whoever overlooks
/// the fault is not told at the commit that all is well, and on SQLite nothing runs after a batch that the database
/// took back by itself.
pub(crate) struct Conn {
    link: Link,
    failed: bool,
}

/// A database error, as the caller may know it: a busy database is not a broken one.
pub(crate) fn fault(error: sqlx::Error) -> Fault {
    let passing = match &error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => true,
        sqlx::Error::Database(database) => match database.try_downcast_ref::<SqliteError>() {
            Some(_) => database.code().is_some_and(|code| sqlite_passes(&code)),
            // Serialization, deadlock, shutdown, too many connections, disk full.
            None => {
                matches!(database.code().as_deref(), Some("40001" | "40P01" | "57P01" | "57P03" | "53300" | "53100"))
            }
        },
        _ => false,
    };
    if passing {
        Fault::busy("store_unavailable", "The database is busy. Try again.", None).because(error)
    } else {
        Fault::broken("store", error)
    }
}

/// Busy, locked, I/O error, full; SQLite says more in the bits above the lowest eight.
fn sqlite_passes(code: &str) -> bool {
    code.parse::<i32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 10 | 13))
}

macro_rules! bind {
    ($arguments:expr, $args:expr) => {
        for value in $args {
            match value {
                Value::Int(v) => $arguments.add(v),
                Value::Bool(v) => $arguments.add(v),
                Value::Text(v) => $arguments.add(v),
                Value::Bytes(v) => $arguments.add(v),
                Value::Uuid(v) => $arguments.add(v),
            }
            .map_err(|error| Fault::broken("store_bind", error))?;
        }
    };
}

fn sqlite_arguments(args: Vec<Value>) -> Result<SqliteArguments> {
    let mut arguments = SqliteArguments::default();
    bind!(arguments, args);
    Ok(arguments)
}

fn postgres_arguments(args: Vec<Value>) -> Result<PgArguments> {
    let mut arguments = PgArguments::default();
    bind!(arguments, args);
    Ok(arguments)
}

impl Statement {
    fn sql(self, postgres: bool) -> SqlStr {
        match self {
            Self::Fixed(text) => text.of(postgres).into_sql_str(),
            Self::Made(text) => AssertSqlSafe(text).into_sql_str(),
        }
    }
}

impl Link {
    async fn rows(&mut self, statement: Statement, args: Vec<Value>) -> Result<Vec<Row>> {
        match self {
            Self::SqliteRead(reader) => {
                let query = sqlx::query_with(statement.sql(false), sqlite_arguments(args)?);
                let found = query.fetch_all(reader.conn().map_err(fault)?).await;
                Ok(found.map_err(|error| fault(reader.outlives(error)))?.into_iter().map(Row::Sqlite).collect())
            }
            Self::SqliteWrite(held) => {
                let query = sqlx::query_with(statement.sql(false), sqlite_arguments(args)?);
                Ok(query.fetch_all(held.conn()).await.map_err(fault)?.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres(tx) => {
                let query = sqlx::query_with(statement.sql(true), postgres_arguments(args)?);
                Ok(query.fetch_all(&mut **tx).await.map_err(fault)?.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    async fn run(&mut self, statement: Statement, args: Vec<Value>) -> Result<u64> {
        match self {
            Self::SqliteRead(_) => Err(Fault::broken("store_read_only", "a write on a reading connection")),
            Self::SqliteWrite(held) => {
                let query = sqlx::query_with(statement.sql(false), sqlite_arguments(args)?);
                Ok(query.execute(held.conn()).await.map_err(fault)?.rows_affected())
            }
            Self::Postgres(tx) => {
                let query = sqlx::query_with(statement.sql(true), postgres_arguments(args)?);
                Ok(query.execute(&mut **tx).await.map_err(fault)?.rows_affected())
            }
        }
    }
}

impl Conn {
    pub(crate) fn new(link: Link) -> Self {
        Self { link, failed: false }
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.link, Link::Postgres(_))
    }

    fn usable(&self) -> Result<()> {
        if self.failed {
            return Err(Fault::broken("store_failed", "a statement of this transaction failed before"));
        }
        Ok(())
    }

    pub(crate) async fn rows(&mut self, statement: Statement, args: Vec<Value>) -> Result<Vec<Row>> {
        self.usable()?;
        let rows = self.link.rows(statement, args).boxed().await;
        self.failed = rows.is_err();
        rows
    }

    pub(crate) async fn run(&mut self, statement: Statement, args: Vec<Value>) -> Result<u64> {
        self.usable()?;
        let changed = self.link.run(statement, args).boxed().await;
        self.failed = changed.is_err();
        changed
    }

    fn marks(&self) -> Marks {
        if self.is_postgres() { Marks::Numbered } else { Marks::Counted }
    }

    /// As [`run`](Self::run), for many rows that begin with `first`.
    async fn run_rows(&mut self, text: Text, first: Value, rows: Vec<Vec<Value>>) -> Result<u64> {
        let mut changed = 0;
        for (words, args) in self.marks().for_rows(listing(text.of(self.is_postgres()))?, &first, rows) {
            changed += self.run(Statement::Made(words), args).await?;
        }
        Ok(changed)
    }

    /// As [`rows`](Self::rows), for many rows that begin with `first`.
    async fn run_rows_returning(&mut self, text: Text, first: Value, rows: Vec<Vec<Value>>) -> Result<Vec<Row>> {
        let mut found = Vec::new();
        for (words, args) in self.marks().for_rows(listing(text.of(self.is_postgres()))?, &first, rows) {
            found.extend(self.rows(Statement::Made(words), args).await?);
        }
        Ok(found)
    }

    /// As [`rows`](Self::rows), for many keys that begin with `first`.
    async fn rows_of(&mut self, text: Text, first: Value, keys: &[Vec<Value>]) -> Result<Vec<Row>> {
        let mut found = Vec::new();
        for (words, args) in self.marks().for_keys(listing(text.of(self.is_postgres()))?, &first, keys) {
            found.extend(self.rows(Statement::Made(words), args).await?);
        }
        Ok(found)
    }

    pub(crate) async fn commit(self) -> Result<()> {
        self.usable()?;
        match self.link {
            Link::SqliteRead(_) => Ok(()),
            Link::SqliteWrite(held) => held.commit().instrument(committing()).boxed().await,
            Link::Postgres(tx) => tx.commit().instrument(committing()).boxed().await.map_err(fault),
        }
    }
}

fn listing(text: &'static str) -> Result<&'static str> {
    if text.contains(many::ROWS) {
        return Ok(text);
    }
    Err(Fault::broken("store_rows", "a statement for many rows does not say where they are listed"))
}

fn committing() -> tracing::Span {
    tracing::info_span!(target: kernel::SPANS, "store.commit")
}

/// The rows of one tenant. In every statement `$1` is the tenant, bound here and nowhere else; in
/// PostgreSQL row-level security holds the same wall a second time. Dropped without
/// [`commit`](Self::commit), it changes nothing.
pub struct Scoped {
    pub(crate) conn: Conn,
    pub(crate) tenant: TenantId,
    /// What the first change of a request that is to be done once writes.
    pub(crate) claim: Option<Arc<Claim>>,
    /// Whether this transaction wrote it.
    pub(crate) claimed: bool,
}

impl Scoped {
    /// The tenant it is bound to.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    fn bound(&self, text: Text, args: Vec<Value>) -> Result<(Statement, Vec<Value>)> {
        let scoped = match text {
            Text::Both(words) => words.contains("$1"),
            Text::Pair(sqlite, postgres) => sqlite.contains("$1") && postgres.contains("$1"),
        };
        if !scoped {
            return Err(Fault::broken("store_unscoped", "a scoped statement does not name its tenant"));
        }
        let mut all = Vec::with_capacity(args.len() + 1);
        all.push(Value::from(self.tenant));
        all.extend(args);
        Ok((Statement::Fixed(text), all))
    }

    /// All rows. Bound them with LIMIT.
    pub async fn rows(&mut self, text: impl Into<Text>, args: Vec<Value>) -> Result<Vec<Row>> {
        let (statement, args) = self.bound(text.into(), args)?;
        self.conn.rows(statement, args).await
    }

    /// The one row, if there is one.
    pub async fn row(&mut self, text: impl Into<Text>, args: Vec<Value>) -> Result<Option<Row>> {
        Ok(self.rows(text, args).await?.into_iter().next())
    }

    /// Changes rows; answers how many.
    pub async fn run(&mut self, text: impl Into<Text>, args: Vec<Value>) -> Result<u64> {
        let (statement, args) = self.bound(text.into(), args)?;
        self.conn.run(statement, args).await
    }

    /// Changes many rows in few statements: `text` says `VALUES {rows}`, and each row is the tenant and then what `rows`
    /// has of it, all of one length. Answers how many.
    pub async fn run_rows(&mut self, text: impl Into<Text>, rows: Vec<Vec<Value>>) -> Result<u64> {
        self.conn.run_rows(text.into(), Value::from(self.tenant), rows).await
    }

    /// The same for rows of which the text answers some (`RETURNING`).
    pub async fn run_rows_returning(&mut self, text: impl Into<Text>, rows: Vec<Vec<Value>>) -> Result<Vec<Row>> {
        self.conn.run_rows_returning(text.into(), Value::from(self.tenant), rows).await
    }

    /// The rows of many keys in few statements: `text` says `WITH asked (tenant, …) AS (VALUES {rows})`, as
    /// [`run_rows`](Self::run_rows) has them, and `CROSS JOIN`s what it reads to it: SQLite then takes one key after the other, and
    /// would read all of the tenant's rows otherwise. What the text says of order holds for the rows of one key.
    pub async fn rows_of(&mut self, text: impl Into<Text>, keys: &[Vec<Value>]) -> Result<Vec<Row>> {
        self.conn.rows_of(text.into(), Value::from(self.tenant), keys).await
    }

    /// Makes the changes last. Returns once they are on disk.
    pub async fn commit(self) -> Result<()> {
        self.conn.commit().await?;
        if let Some(claim) = self.claim.filter(|_| self.claimed) {
            claim.committed();
        }
        Ok(())
    }

    /// A statement whose table and column names come from the registry.
    pub(crate) async fn made(&mut self, words: String, args: Vec<Value>) -> Result<Vec<Row>> {
        let mut all = vec![Value::from(self.tenant)];
        all.extend(args);
        self.conn.rows(Statement::Made(words), all).await
    }

    pub(crate) async fn made_run(&mut self, words: String, args: Vec<Value>) -> Result<u64> {
        let mut all = vec![Value::from(self.tenant)];
        all.extend(args);
        self.conn.run(Statement::Made(words), all).await
    }
}

/// The server's own rows: tenants, jobs, schedules, doors. Used by `store` and `jobs` only; the tidy
/// test keeps the list of places.
pub struct Server {
    pub(crate) conn: Conn,
}

impl Server {
    /// All rows. Bound them with LIMIT.
    pub async fn rows(&mut self, text: impl Into<Text>, args: Vec<Value>) -> Result<Vec<Row>> {
        self.conn.rows(Statement::Fixed(text.into()), args).await
    }

    /// The one row, if there is one.
    pub async fn row(&mut self, text: impl Into<Text>, args: Vec<Value>) -> Result<Option<Row>> {
        Ok(self.rows(text, args).await?.into_iter().next())
    }

    /// Changes rows; answers how many.
    pub async fn run(&mut self, text: impl Into<Text>, args: Vec<Value>) -> Result<u64> {
        self.conn.run(Statement::Fixed(text.into()), args).await
    }

    /// Changes many rows in few statements, as [`Scoped::run_rows`] does; each begins with `first`.
    pub async fn run_rows(&mut self, text: impl Into<Text>, first: Value, rows: Vec<Vec<Value>>) -> Result<u64> {
        self.conn.run_rows(text.into(), first, rows).await
    }

    /// The rows of many keys in few statements, as [`Scoped::rows_of`] does; each begins with `first`.
    pub async fn rows_of(&mut self, text: impl Into<Text>, first: Value, keys: &[Vec<Value>]) -> Result<Vec<Row>> {
        self.conn.rows_of(text.into(), first, keys).await
    }

    /// Makes the changes last.
    pub async fn commit(self) -> Result<()> {
        self.conn.commit().await
    }

    pub(crate) async fn made_run(&mut self, words: String) -> Result<u64> {
        self.conn.run(Statement::Made(words), Vec::new()).await
    }
}
