//! Migrations, and what they leave in the live database compared with the registry.

use std::collections::BTreeMap;

use kernel::{Column, ColumnKind, Migration, Registry, Room, STATE, Scope, Step, Table};
use store::{describe_live, live_type, pending};

use crate::databases::Database;
use crate::on_both_databases;
use crate::tables;

on_both_databases!(
    live_schema_is_what_the_registry_says,
    migrations_run_once,
    nodes_that_migrate_at_once_take_turns,
    a_column_is_added_to_a_table_with_rows,
    a_failed_set_of_migrations_leaves_nothing,
    a_newer_database_is_refused,
);

async fn live_schema_is_what_the_registry_says(database: &Database) {
    let registry = Registry::new(vec![store::ROOM, store::SHELF_ROOM, tables::ROOM]);
    let store = database.migrated(registry.clone()).await;
    let expected: BTreeMap<String, BTreeMap<String, (String, bool)>> = registry
        .tables()
        .map(|table| {
            let columns = table.columns.iter().map(|column| {
                (column.name.to_owned(), (live_type(column.kind, store.dialect()).to_owned(), column.null))
            });
            (table.name.to_owned(), columns.collect())
        })
        .collect();
    assert_eq!(describe_live(&store).await.unwrap(), expected);
    store.close().await;
}

async fn migrations_run_once(database: &Database) {
    let store = database.open(tables::registry()).await;
    assert_eq!(pending(&store).await.unwrap(), ["store 1", "store 2", "store 3", "store 4", "store 5", "notes 1"]);
    assert_eq!(store.migrate().await.unwrap(), ["store 1", "store 2", "store 3", "store 4", "store 5", "notes 1"]);
    assert!(pending(&store).await.unwrap().is_empty());
    assert!(store.migrate().await.unwrap().is_empty());
    store.close().await;
    let reopened = database.open(tables::registry()).await;
    assert!(pending(&reopened).await.unwrap().is_empty());
    reopened.close().await;
}

async fn nodes_that_migrate_at_once_take_turns(database: &Database) {
    let mut nodes = Vec::new();
    for _ in 0..4 {
        nodes.push(database.open(tables::registry()).await);
    }
    let ran = futures::future::join_all(nodes.iter().map(|node| node.migrate())).await;
    let mut counts: Vec<usize> = ran.into_iter().map(|ran| ran.unwrap().len()).collect();
    counts.sort_unstable();
    assert_eq!(counts, [0, 0, 0, 6]);
    futures::future::join_all(nodes.iter().map(|node| node.close())).await;
}

const G: &str = "growing";
const LATER: Column = Column::new(G, "later", ColumnKind::Text, &STATE).or_null();
static SMALL: Table = growing(&[Column::new(G, "id", ColumnKind::Int, &STATE)]);
static GROWN: Table = growing(&[Column::new(G, "id", ColumnKind::Int, &STATE), LATER]);
const fn growing(columns: &'static [Column]) -> Table {
    Table {
        name: G,
        scope: Scope::Server,
        columns,
        primary_key: &["id"],
        unique: &[],
        indexes: &[],
        subject: None,
        row: &[],
        written_at: None,
    }
}
static BEFORE: Room = Room {
    name: "growing",
    tables: &[&SMALL],
    migrations: &[Migration { version: 1, steps: &[Step::Create(&SMALL)] }],
};
static AFTER: Room = Room {
    name: "growing",
    tables: &[&GROWN],
    migrations: &[
        Migration { version: 1, steps: &[Step::Create(&GROWN)] },
        Migration { version: 2, steps: &[Step::Add(&LATER)] },
    ],
};

async fn a_column_is_added_to_a_table_with_rows(database: &Database) {
    let old = database.migrated(Registry::new(vec![BEFORE])).await;
    let mut server = old.server_write().await.unwrap();
    server.run("INSERT INTO growing (id) VALUES (7)", Vec::new()).await.unwrap();
    server.commit().await.unwrap();
    old.close().await;

    let new = database.open(Registry::new(vec![AFTER])).await;
    assert_eq!(new.migrate().await.unwrap(), ["growing 2"]);
    let row = new.server_read().await.unwrap().row("SELECT id, later FROM growing", Vec::new()).await.unwrap().unwrap();
    assert_eq!((row.int("id").unwrap(), row.opt_text("later").unwrap()), (7, None));
    let grown = describe_live(&new).await.unwrap();
    new.close().await;

    // A database made by the newer program looks the same as one that grew.
    let fresh = Database::sqlite().await.unwrap();
    if matches!(database.url, store::StoreUrl::Sqlite(_)) {
        let store = fresh.migrated(Registry::new(vec![AFTER])).await;
        assert_eq!(describe_live(&store).await.unwrap(), grown);
        store.close().await;
    }
}

static BROKEN: Room = Room {
    name: "broken",
    tables: &[],
    // The table is not there to be added to.
    migrations: &[Migration { version: 1, steps: &[Step::Add(&LATER)] }],
};

async fn a_failed_set_of_migrations_leaves_nothing(database: &Database) {
    let store = database.open(Registry::new(vec![store::ROOM, BROKEN])).await;
    assert!(store.migrate().await.is_err());
    assert!(describe_live(&store).await.unwrap().is_empty());
    store.close().await;
    // What was refused with the set runs without it.
    let mended = database.open(Registry::new(vec![store::ROOM])).await;
    assert_eq!(mended.migrate().await.unwrap(), ["store 1", "store 2", "store 3", "store 4", "store 5"]);
    mended.close().await;
}

async fn a_newer_database_is_refused(database: &Database) {
    let newer = database.migrated(tables::registry()).await;
    let tenant = tables::tenant(&newer).await;
    tables::add(&newer, &tenant, 1).await.unwrap();
    newer.close().await;

    let older = database.open(Registry::new(vec![store::ROOM])).await;
    assert_eq!(pending(&older).await.unwrap_err().code(), "store_newer");
    let fault = older.migrate().await.unwrap_err();
    assert_eq!(fault.code(), "store_newer");
    let told = fault.private_source().unwrap().to_string();
    assert!(told.contains("notes 1") && told.contains("newer"), "{told}");
    older.close().await;

    let newer = database.open(tables::registry()).await;
    assert_eq!(tables::ids(&newer, &tenant).await, [1]);
    newer.close().await;
}

/// A tenant's table whose key does not start with the tenant.
static MISTAKEN: Table = Table { scope: Scope::Tenant, ..growing(&[Column::new(G, "id", ColumnKind::Int, &STATE)]) };

static MISTAKEN_ROOM: Room = Room { name: "mistaken", tables: &[&MISTAKEN], migrations: &[] };

#[tokio::test]
async fn a_registry_with_a_mistake_opens_nothing() {
    let database = Database::sqlite().await.unwrap();
    let fault = store::Store::open(&database.url, Registry::new(vec![MISTAKEN_ROOM])).await.err().unwrap();
    assert_eq!(fault.code(), "store_registry");
    assert!(matches!(&database.url, store::StoreUrl::Sqlite(path) if !path.exists()));
}
