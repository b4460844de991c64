//! Migrations: each runs once, in order, and a half-run set is never left behind.

use std::collections::BTreeSet;

use kernel::{Fault, Migration, Result, Room, Step};

use crate::ddl::{self, Dialect};
use crate::stores::Store;

const MAKE_TABLE: &str = "CREATE TABLE IF NOT EXISTS migration (\
    room TEXT NOT NULL, version BIGINT NOT NULL, applied_at BIGINT NOT NULL, PRIMARY KEY (room, version))";
const MAKE_TABLE_SQLITE: &str = "CREATE TABLE IF NOT EXISTS migration (\
    room TEXT NOT NULL, version INTEGER NOT NULL, applied_at INTEGER NOT NULL, PRIMARY KEY (room, version)) STRICT";
const DONE: &str = "SELECT room, version FROM migration";
const RECORD: &str = "INSERT INTO migration (room, version, applied_at) VALUES ($1, $2, $3)";
/// Two nodes that start at once take turns; the number is any fixed one.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7239114582)::text AS locked";

/// Migrations that the registry has and the database lacks, as `room 1`, `room 2`; and an error if the database
/// is ahead of this program.
pub async fn pending(store: &Store) -> Result<Vec<String>> {
    let mut server = store.server_write().await?;
    server.run((MAKE_TABLE_SQLITE, MAKE_TABLE), Vec::new()).await?;
    let done = done(&mut server).await?;
    server.commit().await?;
    Ok(missing(store, &done)?.into_iter().map(|(room, m)| format!("{} {}", room.name, m.version)).collect())
}

async fn done(server: &mut crate::Server) -> Result<BTreeSet<(String, i64)>> {
    server.rows(DONE, Vec::new()).await?.iter().map(|row| Ok((row.text("room")?, row.int("version")?))).collect()
}

fn missing(store: &Store, done: &BTreeSet<(String, i64)>) -> Result<Vec<(Room, Migration)>> {
    let known: BTreeSet<(String, i64)> = store
        .registry()
        .rooms()
        .iter()
        .flat_map(|room| room.migrations.iter().map(|m| (room.name.to_owned(), i64::from(m.version))))
        .collect();
    if let Some((room, version)) = done.difference(&known).next() {
        return Err(Fault::broken(
            "store_newer",
            format!("the database has migration {room} {version}, which this program does not know: start a newer one"),
        ));
    }
    Ok(store
        .registry()
        .rooms()
        .iter()
        .flat_map(|room| room.migrations.iter().map(|m| (*room, *m)))
        .filter(|(room, m)| !done.contains(&(room.name.to_owned(), i64::from(m.version))))
        .collect())
}

/// Runs what is missing, all in one transaction (both databases have transactional DDL).
pub(crate) async fn run(store: &Store) -> Result<Vec<String>> {
    let dialect = store.dialect();
    let mut server = store.server_write().await?;
    if dialect == Dialect::Postgres {
        server.rows(LOCK, Vec::new()).await?;
    }
    server.run((MAKE_TABLE_SQLITE, MAKE_TABLE), Vec::new()).await?;
    let done = done(&mut server).await?;
    let mut ran = Vec::new();
    let mut created = BTreeSet::new();
    for (room, migration) in missing(store, &done)? {
        for step in migration.steps {
            let statements = match step {
                Step::Create(table) => {
                    created.insert(table.name);
                    ddl::create(table, dialect)
                }
                // A table made just now has all its columns already.
                Step::Add(column) if created.contains(column.table) => Vec::new(),
                Step::Add(column) => vec![ddl::add(column, dialect)],
            };
            for statement in statements {
                server.made_run(statement).await?;
            }
        }
        let now = kernel::Clock::now(&kernel::SystemClock);
        server.run(RECORD, crate::args![room.name, migration.version, now]).await?;
        ran.push(format!("{} {}", room.name, migration.version));
    }
    server.commit().await?;
    Ok(ran)
}
