//! Whom an import had Jira make: one row a person, by a keyed hash of the address. It holds no address and no name.

use std::collections::HashSet;

use jiff::Timestamp;
use kernel::{AccountId, Fault, Result};
use store::{Row, Scoped, args};

use crate::model::{ImportId, MadePerson, MadeState};

const ASK: &str = "INSERT INTO import_made (tenant, import, address, number, state, account, reason, asked_at, written_at) \
     VALUES ($1, $2, $3, $4, 'asked', NULL, NULL, $5, $5) ON CONFLICT (tenant, import, address) DO NOTHING";
const PUT: &str = "INSERT INTO import_made (tenant, import, address, number, state, account, reason, asked_at, written_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (tenant, import, address) DO UPDATE \
     SET number = excluded.number, state = excluded.state, account = excluded.account, reason = excluded.reason, \
     written_at = excluded.written_at";
const SET: &str = "UPDATE import_made SET state = $4 WHERE tenant = $1 AND import = $2 AND address = $3";
const UNASK: &str = "DELETE FROM import_made WHERE tenant = $1 AND import = $2 AND address = $3 AND state = 'asked'";
const FORGET: &str = "DELETE FROM import_made WHERE tenant = $1 AND import = $2 AND state IN ('found', 'refused')";
const GET: &str = "SELECT address, number, state, account, reason, asked_at FROM import_made WHERE tenant = $1 \
     AND import = $2 AND address = $3";
const UNPLACED: &str = "SELECT address, number, state, account, reason, asked_at FROM import_made WHERE tenant = $1 \
     AND import = $2 AND state = 'made' ORDER BY number";
const OPEN: &str = "SELECT address FROM import_made WHERE tenant = $1 AND import = $2 AND state IN ('asked', 'made')";
const LIST: &str = "SELECT address, number, state, account, reason, asked_at FROM import_made WHERE tenant = $1 \
     AND import = $2 AND number > $3 AND state <> 'found' AND state <> 'refused' ORDER BY number LIMIT $4";
const STANDING: &str = "SELECT address, number, state, account, reason, asked_at FROM import_made WHERE tenant = $1 \
     AND import = $2 AND state IN ('made', 'placed', 'partly') ORDER BY number LIMIT $3";

fn made(row: &Row) -> Result<MadePerson> {
    let strange = || Fault::broken("customers_row", "import_made.state is not from its closed set");
    Ok(MadePerson {
        address: row.bytes("address")?,
        row: row.int("number")?,
        state: MadeState::parse(&row.text("state")?).ok_or_else(strange)?,
        account: row.opt_text("account")?.map(AccountId::new).transpose()?,
        reason: row.opt_text("reason")?,
        asked_at: row.instant("asked_at")?,
    })
}

/// Notes that Jira is being asked for somebody, if that was not noted before.
pub(crate) async fn import_made_ask(scoped: &mut Scoped, id: ImportId, person: &MadePerson) -> Result<()> {
    scoped.run(ASK, args![id.0, person.address.as_slice(), person.row, person.asked_at]).await.map(drop)
}

/// Notes that Jira was not asked, or said that it will not.
pub(crate) async fn import_made_unask(scoped: &mut Scoped, id: ImportId, address: &[u8]) -> Result<()> {
    scoped.run(UNASK, args![id.0, address]).await.map(drop)
}

/// Forgets who was not made: before the file is read anew.
pub(crate) async fn import_made_forget(scoped: &mut Scoped, id: ImportId) -> Result<()> {
    scoped.run(FORGET, args![id.0]).await.map(drop)
}

/// Notes what became of somebody.
pub(crate) async fn import_made_put(
    scoped: &mut Scoped,
    id: ImportId,
    person: &MadePerson,
    at: Timestamp,
) -> Result<()> {
    let words = args![
        id.0,
        person.address.as_slice(),
        person.row,
        person.state.name(),
        person.account.as_ref(),
        person.reason.as_deref(),
        person.asked_at,
        at
    ];
    scoped.run(PUT, words).await.map(drop)
}

/// Notes where somebody is now.
pub(crate) async fn import_made_set(scoped: &mut Scoped, id: ImportId, address: &[u8], state: MadeState) -> Result<()> {
    scoped.run(SET, args![id.0, address, state.name()]).await.map(drop)
}

/// What is known of somebody.
pub(crate) async fn import_made_get(scoped: &mut Scoped, id: ImportId, address: &[u8]) -> Result<Option<MadePerson>> {
    scoped.row(GET, args![id.0, address]).await?.as_ref().map(made).transpose()
}

/// Those who were made and are in none of their places yet: a slice's, and what a crash left.
pub(crate) async fn import_made_unplaced(scoped: &mut Scoped, id: ImportId) -> Result<Vec<MadePerson>> {
    scoped.rows(UNPLACED, args![id.0]).await?.iter().map(made).collect()
}

/// Hashes of the addresses of those who are on their way: a few, where a run was stopped.
pub(crate) async fn import_made_open(scoped: &mut Scoped, id: ImportId) -> Result<HashSet<Vec<u8>>> {
    scoped.rows(OPEN, args![id.0]).await?.iter().map(|row| row.bytes("address")).collect()
}

/// Those who were made, or may have been, after row `after`, in the order of the file.
pub(crate) async fn import_made_list(
    scoped: &mut Scoped,
    id: ImportId,
    after: i64,
    limit: u32,
) -> Result<Vec<MadePerson>> {
    scoped.rows(LIST, args![id.0, after, limit]).await?.iter().map(made).collect()
}

/// Those who were made and have what access they were given.
pub(crate) async fn import_made_standing(scoped: &mut Scoped, id: ImportId, limit: u32) -> Result<Vec<MadePerson>> {
    scoped.rows(STANDING, args![id.0, limit]).await?.iter().map(made).collect()
}
