//! Imports: their record, their staged file, their plan and report, what they changed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kernel::{Fault, Result, RowName, Sealed};
use store::{ObjectId, Row, Scoped, args};
use uuid::Uuid;
use vault::ObjectKey;

use crate::imports::mapping::Settings;
use crate::imports::plan::Outcome;
use crate::model::{ActKind, Author, Counts, Entity, FieldId, Import, ImportId, ImportPlan, ImportState};

const INSERT: &str = "INSERT INTO import (tenant, id, entity, state, reason, author, parts, bytes, utf8, cursor, pages, \
     changed, unchanged, refused, overtaken, written, returned, kept, version, created_at, updated_at, name, plan, \
     field, act) VALUES ($1, $2, $3, $4, NULL, $5, $6, $7, $8, 0, 0, 0, 0, 0, 0, 0, 0, 0, $9, $10, $10, $11, $12, $13, $14)";
const GET: &str = "SELECT id, entity, state, reason, author, parts, bytes, utf8, cursor, pages, changed, unchanged, \
     refused, overtaken, written, returned, kept, version, created_at, updated_at, name, plan, field, act, made, people, \
     takes_access \
     FROM import WHERE tenant = $1 AND id = $2";
const LIST: &str = "SELECT id, entity, state, reason, author, parts, bytes, utf8, cursor, pages, changed, unchanged, \
     refused, overtaken, written, returned, kept, version, created_at, updated_at, name, plan, field, act, made, people, \
     takes_access \
     FROM import WHERE tenant = $1 AND field IS NULL AND act IS NULL AND id < $2 ORDER BY id DESC LIMIT $3";
const LIST_OF_FIELD: &str = "SELECT id, entity, state, reason, author, parts, bytes, utf8, cursor, pages, changed, \
     unchanged, refused, overtaken, written, returned, kept, version, created_at, updated_at, name, plan, field, act, made, people, \
     takes_access \
     FROM import WHERE tenant = $1 AND field = $2 AND id < $3 ORDER BY id DESC LIMIT $4";
const LIST_OF_ACTS: &str = "SELECT id, entity, state, reason, author, parts, bytes, utf8, cursor, pages, changed, \
     unchanged, refused, overtaken, written, returned, kept, version, created_at, updated_at, name, plan, field, act, made, people, \
     takes_access \
     FROM import WHERE tenant = $1 AND act IS NOT NULL AND entity = $2 AND id < $3 ORDER BY id DESC LIMIT $4";
const LIST_OF_ACTS_BY: &str = "SELECT id, entity, state, reason, author, parts, bytes, utf8, cursor, pages, changed, \
     unchanged, refused, overtaken, written, returned, kept, version, created_at, updated_at, name, plan, field, act, made, people, \
     takes_access \
     FROM import WHERE tenant = $1 AND act IS NOT NULL AND entity = $2 AND id < $3 AND author = $5 \
     ORDER BY id DESC LIMIT $4";
const UPDATE: &str = "UPDATE import SET state = $3, reason = $4, parts = $5, bytes = $6, utf8 = $7, cursor = $8, \
     pages = $9, changed = $10, unchanged = $11, refused = $12, overtaken = $13, written = $14, returned = $15, kept = $16, \
     version = $17, updated_at = $18, plan = $19, made = $21, people = $22, takes_access = $23 \
     WHERE tenant = $1 AND id = $2 AND version = $20";
const UNFINISHED: &str = "SELECT COUNT(*) AS n FROM import WHERE tenant = $1 \
     AND field IS NULL AND act IS NULL AND state IN ('uploading', 'checking', 'checked', 'running', 'paused', 'undoing') AND updated_at > $2";
const ACTS_UNFINISHED: &str = "SELECT COUNT(*) AS n FROM import WHERE tenant = $1 \
     AND act IS NOT NULL AND state IN ('checking', 'checked', 'running', 'paused', 'undoing') AND updated_at > $2";
const CHUNK_PUT: &str =
    "INSERT INTO import_chunk (tenant, import, number, object, key, written_at) VALUES ($1, $2, $3, $4, $5, $6)";
const CHUNK_LIST: &str = "SELECT number, object, key FROM import_chunk WHERE tenant = $1 AND import = $2 AND number >= $3 \
     ORDER BY number LIMIT $4";
const CHUNK_DROP: &str = "DELETE FROM import_chunk WHERE tenant = $1 AND import = $2 AND number < $3";
const PAGE_PUT: &str = "INSERT INTO import_page (tenant, import, number, changed, unchanged, refused, overtaken, lost, \
     object, key, written_at, made) VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, $8, $9, $10, $11)";
const PAGE_GET: &str =
    "SELECT object, key, lost, written_at FROM import_page WHERE tenant = $1 AND import = $2 AND number = $3";
const PAGE_LOSE: &str = "UPDATE import_page SET changed = $4, made = $5, overtaken = $6, lost = $7 \
     WHERE tenant = $1 AND import = $2 AND number = $3";
const PAGE_DROP: &str = "DELETE FROM import_page WHERE tenant = $1 AND import = $2 AND number >= $3 AND number < $4";
const PAGE_COUNTS: &str = "SELECT number, changed, unchanged, refused, overtaken, made FROM import_page WHERE tenant = $1 \
     AND import = $2 AND number >= $3 ORDER BY number LIMIT $4";
const OWNER_PUT: &str = "INSERT INTO import_owner (tenant, import, owner, line, digest, written_at) \
     VALUES {rows} ON CONFLICT (tenant, import, owner) DO NOTHING";
const OWNER_LIST_OF: &str = "WITH asked (tenant, import, owner) AS (VALUES {rows}) \
     SELECT held.owner, line, digest FROM asked CROSS JOIN import_owner AS held WHERE asked.tenant = $1 \
     AND held.tenant = asked.tenant AND held.import = asked.import AND held.owner = asked.owner";
const OWNER_DROP: &str = "DELETE FROM import_owner WHERE tenant = $1 AND import = $2";
const CHANGE_PUT: &str =
    "INSERT INTO import_change (tenant, import, id, owner, field, state, written_at) VALUES {rows}";
const CHANGE_LIST: &str = "SELECT id, owner, field FROM import_change WHERE tenant = $1 AND import = $2 AND state = $3 \
     AND id < $4 ORDER BY id DESC LIMIT $5";
const CHANGE_SET: &str = "WITH new (tenant, import, id, state) AS (VALUES {rows}) \
     INSERT INTO import_change (tenant, import, id, owner, field, state, written_at) \
     SELECT made.tenant, made.import, made.id, made.owner, made.field, new.state, made.written_at \
     FROM new CROSS JOIN import_change AS made WHERE new.tenant = $1 AND made.tenant = new.tenant \
     AND made.import = new.import AND made.id = new.id ON CONFLICT (tenant, import, id) DO UPDATE SET state = excluded.state";
const MAPPING_PUT: &str = "INSERT INTO import_mapping (tenant, source, body, written_at) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (tenant, source) DO UPDATE SET body = excluded.body, written_at = excluded.written_at";
const MAPPING_GET: &str = "SELECT body FROM import_mapping WHERE tenant = $1 AND source = $2";

/// The row's name of an import in associated data.
pub(crate) fn import_row(id: ImportId) -> RowName {
    RowName::new().uuid(id.0)
}

/// The row's name of a part of the file, or of a page of the report.
pub(crate) fn import_staged_row(id: ImportId, number: i64) -> RowName {
    RowName::new().uuid(id.0).int(number)
}

/// The row's name of a remembered mapping.
pub(crate) fn import_mapping_row(source: &[u8]) -> RowName {
    RowName::new().bytes(source)
}

/// An import as it lies.
pub(crate) type SealedImport = Import<Sealed<String>, Sealed<ImportPlan>>;

fn import(row: &Row) -> Result<SealedImport> {
    let strange = |column: &str| Fault::broken("customers_row", format!("import.{column} is not from its closed set"));
    Ok(Import {
        id: ImportId(row.uuid("id")?),
        entity: Entity::parse(&row.text("entity")?).ok_or_else(|| strange("entity"))?,
        field: row.opt_uuid("field")?.map(FieldId),
        act: row.opt_text("act")?.map(|act| ActKind::parse(&act).ok_or_else(|| strange("act"))).transpose()?,
        state: ImportState::parse(&row.text("state")?).ok_or_else(|| strange("state"))?,
        reason: row.opt_text("reason")?,
        author: Author::parse(&row.text("author")?)?,
        parts: row.int("parts")?,
        bytes: row.int("bytes")?,
        utf8: row.bool("utf8")?,
        cursor: row.int("cursor")?,
        pages: row.int("pages")?,
        counts: Counts {
            changed: row.int("changed")?,
            unchanged: row.int("unchanged")?,
            refused: row.int("refused")?,
            overtaken: row.int("overtaken")?,
            // What is older than this column made nobody.
            made: row.opt_int("made")?.unwrap_or_default(),
        },
        written: row.int("written")?,
        returned: row.int("returned")?,
        kept: row.int("kept")?,
        people: row.opt_int("people")?.unwrap_or_default(),
        takes_access: row.opt_bool("takes_access")?.unwrap_or_default(),
        version: row.int("version")?,
        created_at: row.instant("created_at")?,
        updated_at: row.instant("updated_at")?,
        name: row.sealed("name")?,
        plan: row.opt_sealed("plan")?,
    })
}

pub(crate) async fn import_insert(scoped: &mut Scoped, new: SealedImport) -> Result<()> {
    let words = args![
        new.id.0,
        new.entity.name(),
        new.state.name(),
        new.author.stored(),
        new.parts,
        new.bytes,
        new.utf8,
        new.version,
        new.created_at,
        new.name,
        new.plan,
        new.field.map(|field| field.0),
        new.act.map(ActKind::name)
    ];
    scoped.run(INSERT, words).await.map(drop)
}

pub(crate) async fn import_get(scoped: &mut Scoped, id: ImportId) -> Result<Option<SealedImport>> {
    scoped.row(GET, args![id.0]).await?.as_ref().map(import).transpose()
}

/// Imports that were begun before `before`, newest first: their ids grow with time.
pub(crate) async fn import_list(scoped: &mut Scoped, before: Uuid, limit: u32) -> Result<Vec<SealedImport>> {
    scoped.rows(LIST, args![before, limit]).await?.iter().map(import).collect()
}

/// Changes of one field's type, as [`import_list`].
pub(crate) async fn type_change_list(
    scoped: &mut Scoped,
    field: FieldId,
    before: Uuid,
    limit: u32,
) -> Result<Vec<SealedImport>> {
    scoped.rows(LIST_OF_FIELD, args![field.0, before, limit]).await?.iter().map(import).collect()
}

/// Bulk actions on one entity, of one author if one is named, as [`import_list`].
pub(crate) async fn bulk_action_list(
    scoped: &mut Scoped,
    entity: Entity,
    by: Option<&Author>,
    before: Uuid,
    limit: u32,
) -> Result<Vec<SealedImport>> {
    let rows = match by {
        Some(author) => scoped.rows(LIST_OF_ACTS_BY, args![entity.name(), before, limit, author.stored()]).await?,
        None => scoped.rows(LIST_OF_ACTS, args![entity.name(), before, limit]).await?,
    };
    rows.iter().map(import).collect()
}

/// Bulk actions that are not at their end, and that something happened to since.
pub(crate) async fn bulk_action_unfinished(scoped: &mut Scoped, since: Timestamp) -> Result<i64> {
    scoped.row(ACTS_UNFINISHED, args![since]).await?.map_or(Ok(0), |row| row.int("n"))
}

/// Writes all that changes of an import, if it still has version `before`.
pub(crate) async fn import_update(scoped: &mut Scoped, new: SealedImport, before: i64) -> Result<bool> {
    let words = args![
        new.id.0,
        new.state.name(),
        new.reason,
        new.parts,
        new.bytes,
        new.utf8,
        new.cursor,
        new.pages,
        new.counts.changed,
        new.counts.unchanged,
        new.counts.refused,
        new.counts.overtaken,
        new.written,
        new.returned,
        new.kept,
        new.version,
        new.updated_at,
        new.plan,
        before,
        new.counts.made,
        new.people,
        new.takes_access
    ];
    Ok(scoped.run(UPDATE, words).await? == 1)
}

/// Imports that are not at their end, and that something happened to since.
pub(crate) async fn import_unfinished(scoped: &mut Scoped, since: Timestamp) -> Result<i64> {
    scoped.row(UNFINISHED, args![since]).await?.map_or(Ok(0), |row| row.int("n"))
}

/// An object that a row names, and the key to it.
pub(crate) struct Laid {
    pub(crate) object: ObjectId,
    pub(crate) key: Sealed<ObjectKey>,
}

fn laid(row: &Row) -> Result<Laid> {
    Ok(Laid { object: ObjectId(row.uuid("object")?), key: row.sealed("key")? })
}

pub(crate) async fn import_chunk_put(
    scoped: &mut Scoped,
    (id, number): (ImportId, i64),
    laid: Laid,
    at: Timestamp,
) -> Result<()> {
    scoped.run(CHUNK_PUT, args![id.0, number, laid.object.0, laid.key, at]).await.map(drop)
}

/// Parts of the file from `from` on.
pub(crate) async fn import_chunk_list(
    scoped: &mut Scoped,
    id: ImportId,
    from: i64,
    limit: u32,
) -> Result<Vec<(i64, Laid)>> {
    let rows = scoped.rows(CHUNK_LIST, args![id.0, from, limit]).await?;
    rows.iter().map(|row| Ok((row.int("number")?, laid(row)?))).collect()
}

/// Drops the parts of the file before `below`; answers how many there were.
pub(crate) async fn import_chunk_drop(scoped: &mut Scoped, id: ImportId, below: i64) -> Result<u64> {
    scoped.run(CHUNK_DROP, args![id.0, below]).await
}

/// Puts a page.
pub(crate) async fn import_page_put(
    scoped: &mut Scoped,
    (id, number): (ImportId, i64),
    counts: Counts,
    laid: Laid,
    at: Timestamp,
) -> Result<()> {
    let words = args![
        id.0,
        number,
        counts.changed,
        counts.unchanged,
        counts.refused,
        counts.overtaken,
        laid.object.0,
        laid.key,
        at,
        counts.made
    ];
    scoped.run(PAGE_PUT, words).await.map(drop)
}

/// Where a page lies, the places of its rows that somebody was faster than, and since when it is there.
pub(crate) async fn import_page_get(
    scoped: &mut Scoped,
    id: ImportId,
    number: i64,
) -> Result<Option<(Laid, Option<String>, Timestamp)>> {
    let row = scoped.row(PAGE_GET, args![id.0, number]).await?;
    row.map(|row| Ok((laid(&row)?, row.opt_text("lost")?, row.instant("written_at")?))).transpose()
}

/// Notes that somebody was faster than the rows of a page at these places, and what its rows came to with that.
pub(crate) async fn import_page_lose(
    scoped: &mut Scoped,
    (id, number): (ImportId, i64),
    counts: Counts,
    places: &str,
) -> Result<()> {
    scoped.run(PAGE_LOSE, args![id.0, number, counts.changed, counts.made, counts.overtaken, places]).await.map(drop)
}

/// Drops pages from `from` up to, and without, `below`.
pub(crate) async fn import_page_drop(scoped: &mut Scoped, id: ImportId, from: i64, below: i64) -> Result<u64> {
    scoped.run(PAGE_DROP, args![id.0, from, below]).await
}

/// How many rows of which outcome each page has, from page `from` on.
pub(crate) async fn import_page_counts(
    scoped: &mut Scoped,
    id: ImportId,
    from: i64,
    limit: u32,
) -> Result<Vec<(i64, Counts)>> {
    let rows = scoped.rows(PAGE_COUNTS, args![id.0, from, limit]).await?;
    let counts = |row: &Row| {
        let count = |outcome: Outcome| row.int(outcome.column());
        Ok(Counts {
            changed: count(Outcome::Changed)?,
            unchanged: count(Outcome::Unchanged)?,
            refused: count(Outcome::Refused)?,
            overtaken: count(Outcome::Overtaken)?,
            made: row.opt_int("made")?.unwrap_or_default(),
        })
    };
    rows.iter().map(|row| Ok((row.int("number")?, counts(row)?))).collect()
}

/// Which line of the file was the first about each of these owners, and what it says.
pub(crate) async fn import_owner_list_of(
    scoped: &mut Scoped,
    id: ImportId,
    owners: &[&str],
) -> Result<BTreeMap<String, (i64, Vec<u8>)>> {
    let keys: Vec<_> = owners.iter().map(|owner| args![id.0, *owner]).collect();
    let rows = scoped.rows_of(OWNER_LIST_OF, &keys).await?;
    rows.iter().map(|row| Ok((row.text("owner")?, (row.int("line")?, row.bytes("digest")?)))).collect()
}

/// Notes that rows of the file are about these owners; false when one was before.
pub(crate) async fn import_owners_put(
    scoped: &mut Scoped,
    id: ImportId,
    owners: &BTreeMap<String, (i64, Vec<u8>)>,
    at: Timestamp,
) -> Result<bool> {
    let row = |(owner, (line, digest)): (&String, &(i64, Vec<u8>))| args![id.0, owner, *line, digest.as_slice(), at];
    let put = scoped.run_rows(OWNER_PUT, owners.iter().map(row).collect()).await?;
    Ok(put == owners.len() as u64)
}

pub(crate) async fn import_owner_drop(scoped: &mut Scoped, id: ImportId) -> Result<u64> {
    scoped.run(OWNER_DROP, args![id.0]).await
}

/// One value that an import changed: the number of the change, whose, which.
pub(crate) struct Made {
    pub(crate) id: i64,
    pub(crate) owner: String,
    pub(crate) field: FieldId,
}

pub(crate) async fn import_changes_put(
    scoped: &mut Scoped,
    import: ImportId,
    made: &[Made],
    at: Timestamp,
) -> Result<()> {
    let row = |made: &Made| args![import.0, made.id, made.owner.as_str(), made.field.0, "made", at];
    scoped.run_rows(CHANGE_PUT, made.iter().map(row).collect()).await.map(drop)
}

/// Changes in this state before `before`, latest first.
pub(crate) async fn import_change_list(
    scoped: &mut Scoped,
    import: ImportId,
    state: &'static str,
    before: i64,
    limit: u32,
) -> Result<Vec<Made>> {
    let rows = scoped.rows(CHANGE_LIST, args![import.0, state, before, limit]).await?;
    let made =
        |row: &Row| Ok(Made { id: row.int("id")?, owner: row.text("owner")?, field: FieldId(row.uuid("field")?) });
    rows.iter().map(made).collect()
}

/// Sets what became of changes, by their numbers.
pub(crate) async fn import_changes_set(
    scoped: &mut Scoped,
    import: ImportId,
    states: Vec<(i64, &'static str)>,
) -> Result<()> {
    let rows = states.into_iter().map(|(id, state)| args![import.0, id, state]).collect();
    scoped.run_rows(CHANGE_SET, rows).await.map(drop)
}

pub(crate) async fn import_mapping_put(
    scoped: &mut Scoped,
    source: &[u8],
    body: Sealed<Settings>,
    at: Timestamp,
) -> Result<()> {
    scoped.run(MAPPING_PUT, args![source, body, at]).await.map(drop)
}

pub(crate) async fn import_mapping_get(scoped: &mut Scoped, source: &[u8]) -> Result<Option<Sealed<Settings>>> {
    scoped.row(MAPPING_GET, args![source]).await?.map(|row| row.sealed("body")).transpose()
}
