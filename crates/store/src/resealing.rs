//! Rows whose ciphertexts are to be sealed anew: found and replaced by the registry's description. The new
//! ciphertext is the caller's; this room cannot open the old one.

use kernel::{Column, ColumnKind, Cx, Fault, Result, RowName, Table};

use crate::row::{Row, Value};
use crate::scoped::Scoped;
use crate::stores::Store;

/// A ciphertext and where it lies.
pub struct Found {
    /// Its row's name in associated data.
    pub row_name: RowName,
    /// The subject whose key it is under, if the table has one.
    pub subject: Option<String>,
    /// The bytes that lie there now.
    pub bytes: Vec<u8>,
    /// The row's primary key.
    pub key: Key,
}

/// A row's primary key without the tenant.
#[derive(Clone)]
pub struct Key(Vec<Value>);

fn value(row: &Row, table: &Table, name: &str) -> Result<Value> {
    let column = table
        .columns
        .iter()
        .find(|column| column.name == name)
        .ok_or_else(|| Fault::broken("store_registry", "a column that is not there"))?;
    Ok(match column.kind {
        ColumnKind::Int => Value::Int(row.opt_int(name)?),
        ColumnKind::Bool => Value::Bool(Some(row.bool(name)?)),
        ColumnKind::Text => Value::Text(row.opt_text(name)?),
        ColumnKind::Bytes => Value::Bytes(row.opt_bytes(name)?),
        ColumnKind::Uuid => Value::Uuid(row.opt_uuid(name)?),
    })
}

fn row_name(row: &Row, table: &Table) -> Result<RowName> {
    let mut named = RowName::new();
    for column in table.row {
        named = match value(row, table, column)? {
            Value::Int(Some(v)) => named.int(v),
            Value::Text(Some(v)) => named.text(&v),
            Value::Bytes(Some(v)) => named.bytes(&v),
            Value::Uuid(Some(v)) => named.uuid(v),
            Value::Int(None) | Value::Text(None) | Value::Bytes(None) | Value::Uuid(None) => named.bytes(&[]),
            Value::Bool(_) => return Err(Fault::broken("store_registry", "a truth cannot name a row")),
        };
    }
    Ok(named)
}

fn own_key(table: &Table) -> Vec<&'static str> {
    table.primary_key.iter().copied().filter(|name| *name != "tenant").collect()
}

/// Ciphertexts of a column whose header is not `newest`: those still to be sealed anew, in the order of their keys, those
/// after one of them if one is given. What is done no longer matches, so a reading that begins anew after a crash does
/// nothing twice.
pub async fn stale(
    store: &Store,
    cx: &Cx,
    table: &'static Table,
    column: &'static Column,
    newest: &[u8],
    after: Option<&Key>,
    limit: u32,
) -> Result<Vec<Found>> {
    let key = own_key(table);
    if after.is_some() && key.is_empty() {
        // The tenant's only row.
        return Ok(Vec::new());
    }
    let mut names: Vec<&str> = key.clone();
    names.extend(table.row.iter().filter(|name| !key.contains(name)));
    names.extend(table.subject.iter().filter(|name| !key.contains(name) && !table.row.contains(name)));
    names.push(column.name);
    let mut words = format!(
        "SELECT {names} FROM {table} WHERE tenant = $1 AND {column} IS NOT NULL \
         AND substr({column}, 1, {bytes}) <> $2",
        names = names.join(", "),
        table = table.name,
        column = column.name,
        bytes = newest.len(),
    );
    let mut args = vec![Value::from(newest)];
    if let Some(Key(after)) = after {
        let places: Vec<String> = (3..).take(after.len()).map(|place| format!("${place}")).collect();
        words.push_str(&format!(" AND ({}) > ({})", key.join(", "), places.join(", ")));
        args.extend(after.iter().cloned());
    }
    if !key.is_empty() {
        words.push_str(&format!(" ORDER BY {}", key.join(", ")));
    }
    words.push_str(&format!(" LIMIT {limit}"));
    let mut scoped = store.read(cx).await?;
    scoped
        .made(words, args)
        .await?
        .iter()
        .map(|row| {
            Ok(Found {
                row_name: row_name(row, table)?,
                subject: table.subject.map(|name| row.text(name)).transpose()?,
                bytes: row.bytes(column.name)?,
                key: Key(key.iter().map(|name| value(row, table, name)).collect::<Result<_>>()?),
            })
        })
        .collect()
}

/// Puts the new ciphertext where the old one lies, unless somebody changed it since; answers whether it did.
pub async fn replace(
    scoped: &mut Scoped,
    table: &'static Table,
    column: &'static Column,
    found: &Found,
    fresh: Vec<u8>,
) -> Result<bool> {
    let mut words =
        format!("UPDATE {} SET {} = $2 WHERE tenant = $1 AND {} = $3", table.name, column.name, column.name);
    let mut args = vec![Value::from(fresh), Value::from(found.bytes.clone())];
    for (place, (name, value)) in (4..).zip(own_key(table).into_iter().zip(&found.key.0)) {
        words.push_str(&format!(" AND {name} = ${place}"));
        args.push(value.clone());
    }
    Ok(scoped.made_run(words, args).await? == 1)
}

/// The distinct headers (format, key class, key version) of a column's live ciphertexts.
pub async fn headers(
    store: &Store,
    cx: &Cx,
    table: &'static Table,
    column: &'static Column,
    header_bytes: usize,
) -> Result<Vec<Vec<u8>>> {
    let words = format!(
        "SELECT DISTINCT substr({0}, 1, {header_bytes}) AS header FROM {1} WHERE tenant = $1 AND {0} IS NOT NULL",
        column.name, table.name
    );
    let mut scoped = store.read(cx).await?;
    scoped.made(words, Vec::new()).await?.iter().map(|row| row.bytes("header")).collect()
}
