//! How much is held about one person, class by class: read from the registry, so that a new table is not forgotten.

use jiff::Timestamp;
use kernel::{AccountId, Cx, DataClass, INSTANT, OPAQUE_ID, Result, STATE, Table};

use crate::args;
use crate::stores::Store;

/// What is held of a class.
pub struct Holding {
    /// The class.
    pub class: &'static DataClass,
    /// Rows.
    pub rows: u64,
    /// The oldest of them, where they say.
    pub since: Option<Timestamp>,
}

/// What a table of somebody's rows is about: its first class that says more than ids, instants and states.
fn class_of(table: &'static Table) -> Option<&'static DataClass> {
    let general = [&OPAQUE_ID, &INSTANT, &STATE];
    table.columns.iter().map(|column| column.class).find(|class| !general.contains(class))
}

/// The instant that says how old a row is.
fn since_of(table: &Table) -> Option<&'static str> {
    table.written_at.or_else(|| table.columns.iter().find(|column| *column.class == INSTANT).map(|column| column.name))
}

/// What lies about a person in tables whose rows belong to somebody, those of which there is nothing too.
pub async fn of_person(store: &Store, cx: &Cx, account: &AccountId) -> Result<Vec<Holding>> {
    let mut found: Vec<Holding> = Vec::new();
    let mut scoped = store.read(cx).await?;
    for table in store.registry().tables() {
        let (Some(subject), Some(class)) = (table.subject, class_of(table)) else { continue };
        let since = since_of(table).map_or_else(String::new, |column| format!(", MIN({column}) AS since"));
        let words = format!("SELECT COUNT(*) AS n{since} FROM {} WHERE tenant = $1 AND {subject} = $2", table.name);
        let Some(row) = scoped.made(words, args![account]).await?.into_iter().next() else { continue };
        let rows = row.int("n")?.unsigned_abs();
        let since = if since.is_empty() { None } else { row.opt_instant("since")? };
        match found.iter_mut().find(|holding| holding.class.name == class.name) {
            Some(holding) => {
                holding.rows += rows;
                holding.since = [holding.since, since].into_iter().flatten().min();
            }
            None => found.push(Holding { class, rows, since }),
        }
    }
    Ok(found)
}
