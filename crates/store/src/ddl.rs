//! The registry's description as DDL, and a live database's schema as a description to compare.

use std::collections::BTreeMap;

use kernel::{Column, ColumnKind, Result, Scope, Table};

use crate::scoped::Server;
use crate::stores::Store;

/// Which database speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

fn type_name(kind: ColumnKind, dialect: Dialect) -> &'static str {
    match (kind, dialect) {
        (ColumnKind::Int, Dialect::Sqlite) | (ColumnKind::Bool, Dialect::Sqlite) => "INTEGER",
        (ColumnKind::Int, Dialect::Postgres) => "BIGINT",
        (ColumnKind::Bool, Dialect::Postgres) => "BOOLEAN",
        (ColumnKind::Text, _) => "TEXT",
        (ColumnKind::Bytes, Dialect::Sqlite) | (ColumnKind::Uuid, Dialect::Sqlite) => "BLOB",
        (ColumnKind::Bytes, Dialect::Postgres) => "BYTEA",
        (ColumnKind::Uuid, Dialect::Postgres) => "UUID",
    }
}

fn column(column: &Column, dialect: Dialect) -> String {
    let null = if column.null { "" } else { " NOT NULL" };
    format!("{} {}{null}", column.name, type_name(column.kind, dialect))
}

/// The statements that make a table, its keys, its indexes and, on PostgreSQL, its wall.
pub(crate) fn create(table: &Table, dialect: Dialect) -> Vec<String> {
    let name = table.name;
    let mut parts: Vec<String> = table.columns.iter().map(|c| column(c, dialect)).collect();
    parts.push(format!("PRIMARY KEY ({})", table.primary_key.join(", ")));
    parts.extend(table.unique.iter().map(|key| format!("UNIQUE ({})", key.join(", "))));
    // SQLite would number the rows and keep them by that number, and the key in a second tree: here the rows lie by their key, and
    // what belongs to one person lies together.
    let kept = match dialect {
        Dialect::Sqlite => " STRICT, WITHOUT ROWID",
        Dialect::Postgres => "",
    };
    let mut statements = vec![format!("CREATE TABLE {name} ({}){kept}", parts.join(", "))];
    statements.extend(
        table
            .indexes
            .iter()
            .map(|columns| format!("CREATE INDEX {name}_by_{} ON {name} ({})", columns.join("_"), columns.join(", "))),
    );
    if dialect == Dialect::Postgres && table.scope == Scope::Tenant {
        statements.push(format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"));
        statements.push(format!("ALTER TABLE {name} FORCE ROW LEVEL SECURITY"));
        statements.push(format!(
            "CREATE POLICY tenant_wall ON {name} USING \
             (tenant = nullif(current_setting('steward.tenant', true), '')::uuid)"
        ));
    }
    statements
}

/// The statement that adds a column to a table that exists.
pub(crate) fn add(new: &Column, dialect: Dialect) -> String {
    format!("ALTER TABLE {} ADD COLUMN {}", new.table, column(&Column { null: true, ..*new }, dialect))
}

/// What lies in the live database: table → column → (type of ours, may be NULL). The migration table is left
/// out. Types are named as SQLite's and PostgreSQL's map to ours.
pub async fn describe_live(store: &Store) -> Result<BTreeMap<String, BTreeMap<String, (String, bool)>>> {
    let mut server = store.server_read().await?;
    match store.dialect() {
        Dialect::Sqlite => describe(
            &mut server,
            "SELECT m.name AS table_name, p.name AS column_name, p.type AS type_name, \
             p.\"notnull\" = 0 AS nullable FROM sqlite_master m, pragma_table_info(m.name) p \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> 'migration'",
        )
        .await,
        Dialect::Postgres => describe(
            &mut server,
            "SELECT table_name::text AS table_name, column_name::text AS column_name, upper(data_type::text) AS type_name, \
             is_nullable = 'YES' AS nullable FROM information_schema.columns \
             WHERE table_schema = current_schema() AND table_name <> 'migration'",
        )
        .await,
    }
}

async fn describe(
    server: &mut Server,
    sql: &'static str,
) -> Result<BTreeMap<String, BTreeMap<String, (String, bool)>>> {
    let mut tables: BTreeMap<String, BTreeMap<String, (String, bool)>> = BTreeMap::new();
    for row in server.rows(sql, Vec::new()).await? {
        tables
            .entry(row.text("table_name")?)
            .or_default()
            .insert(row.text("column_name")?, (row.text("type_name")?, row.bool("nullable")?));
    }
    Ok(tables)
}

/// The type that a column of `kind` shows in [`describe_live`].
pub fn live_type(kind: ColumnKind, dialect: Dialect) -> &'static str {
    type_name(kind, dialect)
}
