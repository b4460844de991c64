//! The rows of one tenant, out of here and into here, table by table, as the registry describes them. Whatever comes in is of the
//! tenant that moves, whoever sent it: a row that names another one is refused before anything is written.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jiff::Timestamp;
use kernel::{ColumnKind, Fault, Registry, Result, Scope, Table, TenantId};
use serde_json::{Value as Json, json};

use crate::args;
use crate::moving::{self, ROWS_AT_ONCE, Sum};
use crate::row::Value;
use crate::scoped::Scoped;
use crate::stores::Store;
use crate::tenants::State;

/// The row of the tenant itself.
const TENANT: &str = "tenant";
/// What belongs to a server and not to those whom it serves.
const OF_THE_SERVER: [&str; 3] = [TENANT, "realm_move", "object_place"];
/// What is written beside a tenant's rows by the server itself, in tables of all tenants.
const OF_THE_QUEUE: [&str; 2] = ["job", "outbox"];

/// A column that tells when a row was written, and since when rows are wanted.
pub type Since = (&'static str, Timestamp);

/// Some rows, and after which key it goes on; none when there are no more.
pub struct Page {
    /// The rows, a value a column.
    pub rows: Vec<Vec<Json>>,
    /// The key of the last, if there may be more.
    pub next: Option<Vec<Json>>,
}

/// Every table with rows of tenants, in the order of the registry; the queue's are not among them.
pub fn tables(registry: &Registry) -> Vec<&'static Table> {
    let left = |table: &&'static Table| !OF_THE_SERVER.contains(&table.name) && !OF_THE_QUEUE.contains(&table.name);
    registry.tables().filter(left).filter(|table| of_tenants(table)).collect()
}

/// A table with rows of tenants, by its name.
pub fn table(registry: &Registry, name: &str) -> Option<&'static Table> {
    let found = registry.tables().find(|table| table.name == name)?;
    (of_tenants(found) && !OF_THE_SERVER.contains(&name)).then_some(found)
}

fn of_tenants(table: &Table) -> bool {
    table.scope == Scope::Tenant || table.columns.first().is_some_and(|column| column.name == "tenant")
}

/// What both sides must have in common: the last migration of each room.
pub fn schema(registry: &Registry) -> BTreeMap<String, u32> {
    let last = |room: &kernel::Room| room.migrations.iter().map(|migration| migration.version).max().unwrap_or(0);
    registry.rooms().iter().map(|room| (room.name.to_owned(), last(room))).collect()
}

/// Some of the tenant's rows of a table, in the order of its key.
pub async fn page(
    scoped: &mut Scoped,
    table: &'static Table,
    after: Option<&[Json]>,
    since: Option<Since>,
) -> Result<Page> {
    let after = after.map(|after| key_from(table, after)).transpose()?;
    let since = since.map(|(column, at)| (column, kernel::micros(at)));
    let tenant = Some(scoped.tenant);
    let rows = moving::page(&mut scoped.conn, table, tenant, after.as_deref(), since).await?;
    let full = rows.len() == ROWS_AT_ONCE;
    let last = rows.last().filter(|_| full).map(|row| moving::key_of(table, row)).transpose()?;
    Ok(Page {
        rows: rows.iter().map(|row| row.iter().map(to_json).collect()).collect(),
        next: last.map(|key| key.iter().map(to_json).collect()),
    })
}

/// Puts rows that came, over those of the same key; answers how many.
///
/// # Errors
/// `realm_row` (broken): a row of another shape, or of another tenant.
pub async fn put(scoped: &mut Scoped, table: &'static Table, rows: &[Vec<Json>]) -> Result<u64> {
    let rows = rows.iter().map(|row| row_from(scoped.tenant, table, row)).collect::<Result<Vec<_>>>()?;
    moving::put_over(&mut scoped.conn, table, &rows).await?;
    u64::try_from(rows.len()).map_err(|error| Fault::broken("realm_row", error))
}

/// What lies in a table of the tenant's: how many rows, and the sum of their hashes.
pub async fn sum(scoped: &mut Scoped, table: &'static Table) -> Result<Sum> {
    let tenant = Some(scoped.tenant);
    moving::sum(&mut scoped.conn, table, tenant).await
}

fn tenant_table(registry: &Registry) -> Result<&'static Table> {
    let found = registry.tables().find(|table| table.name == TENANT);
    found.ok_or_else(|| Fault::broken("realm_row", "a database without tenants"))
}

/// The row of the tenant itself, as it stands.
pub async fn tenant_row(store: &Store, scoped: &mut Scoped) -> Result<Vec<Json>> {
    let table = tenant_table(store.registry())?;
    let tenant = Some(scoped.tenant);
    let rows = moving::page(&mut scoped.conn, table, tenant, None, None).await?;
    let row = rows.first().ok_or_else(Fault::not_found)?;
    Ok(row.iter().map(to_json).collect())
}

const HERE: &str = "SELECT state FROM tenant WHERE tenant = $1";
const TAKEN: &str = "SELECT tenant FROM tenant WHERE installation = $2 AND tenant <> $1";
const FORGET_TENANT: &str = "DELETE FROM tenant WHERE tenant = $1 AND state IN ('gone', 'arriving')";
const FORGET_LEDGER: &str = "DELETE FROM ledger WHERE tenant = $1";
const FORGET_QUEUE: &str = "DELETE FROM job WHERE tenant = $1";
const FORGET_OUTBOX: &str = "DELETE FROM outbox WHERE tenant = $1";

/// Whether a tenant may come here: neither is it here, nor has another one its installation.
pub async fn may_come(scoped: &mut Scoped, installation: &str) -> Result<bool> {
    if scoped.row(TAKEN, args![installation]).await?.is_some() {
        return Ok(false);
    }
    let state = scoped.row(HERE, Vec::new()).await?.map(|row| State::parse(&row.text("state")?)).transpose()?;
    Ok(matches!(state, None | Some(State::Gone)))
}

/// Puts the row of a tenant that comes, in this region, not served yet. One that was here once and left gives up what stayed of it:
/// what comes continues its ledger.
///
/// # Errors
/// `realm_row` (broken): another tenant's row, or none at all.
pub async fn tenant_comes(store: &Store, scoped: &mut Scoped, row: &[Json], region: &str) -> Result<()> {
    let table = tenant_table(store.registry())?;
    let mut row = row_from(scoped.tenant, table, row)?;
    for (column, value) in table.columns.iter().zip(&mut row) {
        match column.name {
            "state" => *value = Value::from(State::Arriving.name()),
            "region" => *value = Value::from(region),
            _ => {}
        }
    }
    forget_rest(scoped).await?;
    moving::put_over(&mut scoped.conn, table, &[row]).await
}

/// Takes away what a tenant keeps until the last: itself, its ledger and its jobs. Only of one that is gone or never was served.
pub async fn forget_rest(scoped: &mut Scoped) -> Result<()> {
    if scoped.row(HERE, Vec::new()).await?.is_some() && scoped.run(FORGET_TENANT, Vec::new()).await? != 1 {
        return Err(Fault::broken("realm_row", "a tenant that is served here"));
    }
    for words in [FORGET_LEDGER, FORGET_QUEUE, FORGET_OUTBOX] {
        scoped.run(words, Vec::new()).await?;
    }
    Ok(())
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Int(value) => json!(value),
        Value::Bool(value) => json!(value),
        Value::Text(value) => json!(value),
        Value::Bytes(value) => json!(value.as_ref().map(|bytes| STANDARD_NO_PAD.encode(bytes))),
        Value::Uuid(value) => json!(value),
    }
}

fn strange() -> Fault {
    Fault::broken("realm_row", "a row of another shape than this server's")
}

fn from_json(kind: ColumnKind, value: &Json) -> Result<Value> {
    let null = value.is_null();
    let text = || if null { Ok(None) } else { value.as_str().map(Some).ok_or_else(strange) };
    Ok(match kind {
        ColumnKind::Int if null => Value::Int(None),
        ColumnKind::Int => Value::Int(Some(value.as_i64().ok_or_else(strange)?)),
        ColumnKind::Bool if null => Value::Bool(None),
        ColumnKind::Bool => Value::Bool(Some(value.as_bool().ok_or_else(strange)?)),
        ColumnKind::Text => Value::Text(text()?.map(str::to_owned)),
        ColumnKind::Bytes => {
            let decoded = text()?.map(|text| STANDARD_NO_PAD.decode(text)).transpose();
            Value::Bytes(decoded.map_err(|_| strange())?)
        }
        ColumnKind::Uuid => Value::Uuid(text()?.map(str::parse).transpose().map_err(|_| strange())?),
    })
}

fn row_from(tenant: TenantId, table: &'static Table, row: &[Json]) -> Result<Vec<Value>> {
    if row.len() != table.columns.len() {
        return Err(strange());
    }
    let values = table.columns.iter().zip(row).map(|(column, value)| from_json(column.kind, value));
    let values = values.collect::<Result<Vec<_>>>()?;
    let whose = table.columns.iter().position(|column| column.name == "tenant").and_then(|place| values.get(place));
    match whose {
        Some(Value::Uuid(Some(whose))) if *whose == tenant.0 => Ok(values),
        _ => Err(Fault::broken("realm_row", "a row of another tenant than the one that moves")),
    }
}

fn key_from(table: &'static Table, key: &[Json]) -> Result<Vec<Value>> {
    if key.len() != table.primary_key.len() {
        return Err(strange());
    }
    let kind = |name: &str| table.columns.iter().find(|column| column.name == name).map(|column| column.kind);
    let parts = table.primary_key.iter().zip(key);
    parts.map(|(name, value)| from_json(kind(name).ok_or_else(strange)?, value)).collect()
}
