//! From one database to another: every row as it is, by the registry, in one transaction; and the comparison of both before
//! it is committed. It opens nothing. Start at [`copy`].

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use kernel::{ColumnKind, Fault, Result, Scope, Table, TenantId};

use crate::row::{Row, Value};
use crate::scoped::{Conn, Statement};
use crate::stores::Store;
use crate::{Dialect, args, tenants};

/// Rows that are read at once.
pub(crate) const ROWS_AT_ONCE: usize = 500;
/// Placeholders of one statement: both databases take tens of thousands, and a statement of this length is planned quickly.
const PLACEHOLDERS: usize = 1_000;
/// Tenants that are listed at once.
const TENANTS_AT_ONCE: u32 = 500;
/// What is each place's own.
const OF_THE_PLACE: [&str; 1] = ["object_place"];

const OTHERS: &str = "SELECT COUNT(*) AS n FROM pg_stat_activity WHERE datname = current_database() \
     AND usename IS NOT NULL AND COALESCE(backend_type, 'client backend') = 'client backend' \
     AND COALESCE(application_name, '') <> $1";

/// What a connection calls itself while it moves, so that others are told from it.
pub const APPLICATION: &str = "steward-move";

/// What lies in a table: how many rows, and the sum of their hashes, in which no order matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Rows.
    pub rows: u64,
    hash: [u64; 4],
}

impl Sum {
    /// The hashes' sum, to be compared with another server's.
    pub fn text(&self) -> String {
        self.hash.iter().map(|word| format!("{word:016x}")).collect()
    }

    fn add(&mut self, row: &[Value]) {
        let mut bytes = Vec::new();
        for value in row {
            let (kind, part) = encoded(value);
            bytes.push(kind);
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(&part);
        }
        let made = digest(&SHA256, &bytes);
        let (words, _) = made.as_ref().as_chunks::<8>();
        for (sum, word) in self.hash.iter_mut().zip(words) {
            *sum = sum.wrapping_add(u64::from_be_bytes(*word));
        }
        self.rows += 1;
    }
}

/// A value as bytes, the same from both databases.
fn encoded(value: &Value) -> (u8, Vec<u8>) {
    match value {
        Value::Int(Some(value)) => (1, value.to_be_bytes().to_vec()),
        Value::Bool(Some(value)) => (2, vec![u8::from(*value)]),
        Value::Text(Some(value)) => (3, value.clone().into_bytes()),
        Value::Bytes(Some(value)) => (4, value.clone()),
        Value::Uuid(Some(value)) => (5, value.as_bytes().to_vec()),
        _ => (0, Vec::new()),
    }
}

/// Connections to the database beside those of whoever moves. SQLite is one process's: its lock is the caller's to take.
pub async fn other_connections(store: &Store) -> Result<i64> {
    if store.dialect() == Dialect::Sqlite {
        return Ok(0);
    }
    let mut server = store.server_read().await?;
    server.row(OTHERS, args![APPLICATION]).await?.map_or(Ok(0), |row| row.int("n"))
}

/// Every tenant that there ever was, and the server itself.
pub async fn everybody(store: &Store) -> Result<Vec<TenantId>> {
    let mut all = vec![TenantId::SERVER];
    let mut after = TenantId::SERVER;
    loop {
        let some = tenants::list::<serde_json::Value>(store, after, TENANTS_AT_ONCE).await?;
        let Some(last) = some.last() else { return Ok(all) };
        after = last.id;
        all.extend(some.iter().map(|tenant| tenant.id));
    }
}

/// One move of a database. Dropped before [`commit`](Self::commit), it moved nothing.
pub struct Move {
    from: Store,
    to: Store,
    tenants: Vec<TenantId>,
    conn: Conn,
}

/// Begins to move what lies in `from` into `to`, which is up to date. `tenants` are those whose rows there are.
pub async fn begin(from: &Store, to: &Store, tenants: Vec<TenantId>) -> Result<Move> {
    Ok(Move { from: from.clone(), to: to.clone(), tenants, conn: to.conn(true).await? })
}

impl Move {
    /// How many rows lie in the target by now, as far as its walls let that be seen.
    pub async fn rows_there(&mut self) -> Result<u64> {
        let mut rows = 0;
        for (table, tenant) in parts(&self.to, &self.tenants) {
            rows += sum(&mut self.conn, table, tenant).await?.rows;
        }
        Ok(rows)
    }

    /// Copies every row; tells after each part of it how many. With `again`, a row that lies there already is left, for what is compared
    /// afterwards.
    pub async fn copy(&mut self, again: bool, mut tell: impl FnMut(&'static str, u64)) -> Result<()> {
        for (table, tenant) in parts(&self.from, &self.tenants) {
            let mut source = self.from.conn(false).await?;
            wall(&mut source, tenant).await?;
            wall(&mut self.conn, tenant).await?;
            let mut last: Option<Vec<Value>> = None;
            loop {
                let rows = page(&mut source, table, tenant, last.as_deref(), None).await?;
                let Some(end) = rows.last() else { break };
                last = Some(key_of(table, end)?);
                insert(&mut self.conn, table, &rows, again).await?;
                tell(table.name, rows.len() as u64);
                if rows.len() < ROWS_AT_ONCE {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Reads both sides anew; answers the rows by table.
    ///
    /// # Errors
    /// `move_differs`: names the table and the tenant.
    pub async fn compare(&mut self) -> Result<BTreeMap<&'static str, u64>> {
        let mut counts = BTreeMap::new();
        for (table, tenant) in parts(&self.from, &self.tenants) {
            let mut source = self.from.conn(false).await?;
            let there = sum(&mut self.conn, table, tenant).await?;
            let here = sum(&mut source, table, tenant).await?;
            if here != there {
                let whose = tenant.map_or_else(String::new, |tenant| format!(" of tenant {tenant}"));
                return Err(Fault::broken(
                    "move_differs",
                    format!(
                        "table {}{whose}: {} rows here and {} there, or not the same ones",
                        table.name, here.rows, there.rows
                    ),
                ));
            }
            *counts.entry(table.name).or_insert(0) += here.rows;
        }
        if self.from.dialect() == Dialect::Sqlite {
            self.nobodys(&counts).await?;
        }
        Ok(counts)
    }

    /// Where no wall hides them: rows of tenants that there are not.
    async fn nobodys(&mut self, counts: &BTreeMap<&'static str, u64>) -> Result<()> {
        for (table, known) in counts {
            let mut source = self.from.conn(false).await?;
            let words = Statement::Made(format!("SELECT COUNT(*) AS n FROM {table}"));
            let all = source.rows(words, Vec::new()).await?.first().map_or(Ok(0), |row| row.int("n"))?;
            if u64::try_from(all).ok() != Some(*known) {
                let why = format!("table {table}: {all} rows, and {known} of known tenants");
                return Err(Fault::broken("move_nobodys", why));
            }
        }
        Ok(())
    }

    /// Makes it last.
    pub async fn commit(self) -> Result<()> {
        self.conn.commit().await
    }
}

/// Each table, and of those of tenants each tenant's part.
fn parts(store: &Store, tenants: &[TenantId]) -> Vec<(&'static Table, Option<TenantId>)> {
    let mut parts = Vec::new();
    for table in store.registry().tables().filter(|table| !OF_THE_PLACE.contains(&table.name)) {
        match table.scope {
            Scope::Server => parts.push((table, None)),
            Scope::Tenant => parts.extend(tenants.iter().map(|tenant| (table, Some(*tenant)))),
        }
    }
    parts
}

async fn wall(conn: &mut Conn, tenant: Option<TenantId>) -> Result<()> {
    if let Some(tenant) = tenant.filter(|_| conn.is_postgres()) {
        let wall = Statement::Fixed("SELECT set_config('steward.tenant', $1::uuid::text, true)".into());
        conn.rows(wall, args![tenant]).await?;
    }
    Ok(())
}

pub(crate) async fn sum(conn: &mut Conn, table: &'static Table, tenant: Option<TenantId>) -> Result<Sum> {
    wall(conn, tenant).await?;
    let mut sum = Sum::default();
    let mut last: Option<Vec<Value>> = None;
    loop {
        let rows = page(conn, table, tenant, last.as_deref(), None).await?;
        for row in &rows {
            sum.add(row);
        }
        match rows.last() {
            Some(end) if rows.len() == ROWS_AT_ONCE => last = Some(key_of(table, end)?),
            _ => return Ok(sum),
        }
    }
}

/// Some rows in the order of their key, after `last`; of those since an instant that a column tells, if one is named.
pub(crate) async fn page(
    conn: &mut Conn,
    table: &'static Table,
    tenant: Option<TenantId>,
    last: Option<&[Value]>,
    since: Option<(&'static str, i64)>,
) -> Result<Vec<Vec<Value>>> {
    let columns: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
    let key = table.primary_key.join(", ");
    let mut words = format!("SELECT {} FROM {}", columns.join(", "), table.name);
    let mut values: Vec<Value> = Vec::new();
    let mut conditions = Vec::new();
    if let Some(tenant) = tenant {
        values.push(tenant.into());
        conditions.push("tenant = $1".to_owned());
    }
    if let Some(last) = last {
        let places: Vec<String> = (0..last.len()).map(|place| format!("${}", values.len() + place + 1)).collect();
        conditions.push(format!("({key}) > ({})", places.join(", ")));
        values.extend(last.iter().cloned());
    }
    if let Some((column, since)) = since {
        values.push(Value::Int(Some(since)));
        conditions.push(format!("{column} >= ${}", values.len()));
    }
    if !conditions.is_empty() {
        words.push_str(&format!(" WHERE {}", conditions.join(" AND ")));
    }
    words.push_str(&format!(" ORDER BY {key} LIMIT {ROWS_AT_ONCE}"));
    let rows = conn.rows(Statement::Made(words), values).await?;
    rows.iter().map(|row| table.columns.iter().map(|column| value(row, column.kind, column.name)).collect()).collect()
}

fn value(row: &Row, kind: ColumnKind, name: &str) -> Result<Value> {
    Ok(match kind {
        ColumnKind::Int => Value::Int(row.opt_int(name)?),
        ColumnKind::Bool => Value::Bool(row.opt_bool(name)?),
        ColumnKind::Text => Value::Text(row.opt_text(name)?),
        ColumnKind::Bytes => Value::Bytes(row.opt_bytes(name)?),
        ColumnKind::Uuid => Value::Uuid(row.opt_uuid(name)?),
    })
}

pub(crate) fn key_of(table: &'static Table, row: &[Value]) -> Result<Vec<Value>> {
    let of = |name: &&str| {
        let place = table.columns.iter().position(|column| column.name == *name)?;
        row.get(place).cloned()
    };
    let key: Option<Vec<Value>> = table.primary_key.iter().map(of).collect();
    key.ok_or_else(|| Fault::broken("move_key", "a key that the table does not have"))
}

async fn insert(conn: &mut Conn, table: &'static Table, rows: &[Vec<Value>], again: bool) -> Result<()> {
    put(conn, table, rows, if again { " ON CONFLICT DO NOTHING" } else { "" }).await
}

/// Puts rows, over those of the same key.
pub(crate) async fn put_over(conn: &mut Conn, table: &'static Table, rows: &[Vec<Value>]) -> Result<()> {
    let of_key = |name: &&str| table.primary_key.contains(name);
    let others = table.columns.iter().map(|column| column.name).filter(|name| !of_key(name));
    let set: Vec<String> = others.map(|name| format!("{name} = excluded.{name}")).collect();
    let key = table.primary_key.join(", ");
    let over = match set.as_slice() {
        [] => format!(" ON CONFLICT ({key}) DO NOTHING"),
        set => format!(" ON CONFLICT ({key}) DO UPDATE SET {}", set.join(", ")),
    };
    put(conn, table, rows, &over).await
}

async fn put(conn: &mut Conn, table: &'static Table, rows: &[Vec<Value>], leave: &str) -> Result<()> {
    let width = table.columns.len().max(1);
    let columns: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
    for some in rows.chunks((PLACEHOLDERS / width).max(1)) {
        let groups: Vec<String> = (0..some.len())
            .map(|row| {
                let places: Vec<String> = (0..width).map(|column| format!("${}", row * width + column + 1)).collect();
                format!("({})", places.join(", "))
            })
            .collect();
        let words = format!("INSERT INTO {} ({}) VALUES {}{leave}", table.name, columns.join(", "), groups.join(", "));
        conn.run(Statement::Made(words), some.iter().flatten().cloned().collect()).await?;
    }
    Ok(())
}
