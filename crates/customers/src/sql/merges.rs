//! Merges, and pairs that somebody said are not the same.

use std::collections::HashMap;

use jiff::Timestamp;
use kernel::{AccountId, Result, RowName, Sealed};
use store::{Row, Scoped, args};

use crate::model::{Entity, Merge, MergeBody, MergeId, Owner};

const INSERT: &str = "INSERT INTO customer_merge (tenant, id, merged, kept, actor, at, undone_at, version, body) \
     VALUES ($1, $2, $3, $4, $5, $6, NULL, $7, $8)";
const UPDATE: &str = "UPDATE customer_merge SET undone_at = $3, version = $4, body = $5 \
     WHERE tenant = $1 AND id = $2 AND version = $6";
const GET: &str = "SELECT id, merged, kept, actor, at, undone_at, version, body FROM customer_merge \
     WHERE tenant = $1 AND id = $2";
const OF: &str = "SELECT id, merged, kept, actor, at, undone_at, version, body FROM customer_merge \
     WHERE tenant = $1 AND (merged = $2 OR kept = $2) ORDER BY version DESC LIMIT 100";
const STANDING: &str = "SELECT merged, kept FROM customer_merge WHERE tenant = $1 AND undone_at IS NULL \
     AND merged > $2 ORDER BY merged LIMIT $3";
const INTO: &str = "SELECT kept FROM customer_merge WHERE tenant = $1 AND merged = $2 AND undone_at IS NULL";
const INTO_OF: &str = "WITH asked (tenant, merged) AS (VALUES {rows}) \
     SELECT held.merged, kept FROM asked CROSS JOIN customer_merge AS held WHERE asked.tenant = $1 \
     AND held.tenant = asked.tenant AND held.merged = asked.merged AND undone_at IS NULL";
const HAS_MERGED: &str =
    "SELECT merged FROM customer_merge WHERE tenant = $1 AND kept = $2 AND undone_at IS NULL LIMIT 1";
const DISMISS: &str = "INSERT INTO duplicate_dismissal (tenant, first, second, at, actor) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (tenant, first, second) DO NOTHING";
const RECALL: &str = "DELETE FROM duplicate_dismissal WHERE tenant = $1 AND first = $2 AND second = $3";
const DISMISSED: &str = "SELECT first, second FROM duplicate_dismissal WHERE tenant = $1 \
     AND (first > $2 OR (first = $2 AND second > $3)) ORDER BY first, second LIMIT $4";

/// Rows read in one statement.
const PAGE: u32 = 1_000;

pub(crate) type SealedMerge = Merge<Sealed<MergeBody>>;

/// The row's name of a merge in associated data.
pub(crate) fn merge_row(id: MergeId) -> RowName {
    RowName::new().uuid(id.0)
}

fn merge(row: &Row) -> Result<SealedMerge> {
    Ok(Merge {
        id: MergeId(row.uuid("id")?),
        merged: AccountId::new(row.text("merged")?)?,
        kept: AccountId::new(row.text("kept")?)?,
        by: AccountId::new(row.text("actor")?)?,
        at: row.instant("at")?,
        undone_at: row.opt_instant("undone_at")?,
        version: row.int("version")?,
        body: row.sealed("body")?,
    })
}

pub(crate) async fn merge_insert(scoped: &mut Scoped, new: SealedMerge) -> Result<()> {
    let words = args![new.id.0, &new.merged, &new.kept, &new.by, new.at, new.version, new.body];
    scoped.run(INSERT, words).await.map(drop)
}

/// Writes a merge that has version `before`.
pub(crate) async fn merge_update(scoped: &mut Scoped, merge: SealedMerge, before: i64) -> Result<bool> {
    let undone_at: Option<Timestamp> = merge.undone_at;
    Ok(scoped.run(UPDATE, args![merge.id.0, undone_at, merge.version, merge.body, before]).await? == 1)
}

pub(crate) async fn merge_get(scoped: &mut Scoped, id: MergeId) -> Result<Option<SealedMerge>> {
    scoped.row(GET, args![id.0]).await?.as_ref().map(merge).transpose()
}

/// Merges of a customer into others and of others into them, the latest first.
pub(crate) async fn merge_list(scoped: &mut Scoped, account: &AccountId) -> Result<Vec<SealedMerge>> {
    scoped.rows(OF, args![account]).await?.iter().map(merge).collect()
}

/// Into whom somebody was merged, if that stands.
pub(crate) async fn merged_into(scoped: &mut Scoped, account: &AccountId) -> Result<Option<AccountId>> {
    scoped.row(INTO, args![account]).await?.map(|row| AccountId::new(row.text("kept")?)).transpose()
}

/// The same of many of one kind: who of them was merged, and into whom. Of organizations none is.
pub(crate) async fn merged_of(scoped: &mut Scoped, owners: &[Owner]) -> Result<HashMap<String, AccountId>> {
    let people = owners.iter().filter(|owner| owner.entity() == Entity::Customer);
    let keys: Vec<_> = people.map(|owner| args![owner.id()]).collect();
    let rows = scoped.rows_of(INTO_OF, &keys).await?;
    rows.iter().map(|row| Ok((row.text("merged")?, AccountId::new(row.text("kept")?)?))).collect()
}

/// Whether others were merged into somebody, and that stands.
pub(crate) async fn has_merged(scoped: &mut Scoped, account: &AccountId) -> Result<bool> {
    Ok(scoped.row(HAS_MERGED, args![account]).await?.is_some())
}

/// All that stand: who was merged, and into whom.
pub(crate) async fn merges_standing(scoped: &mut Scoped) -> Result<Vec<(AccountId, AccountId)>> {
    let mut all: Vec<(AccountId, AccountId)> = Vec::new();
    loop {
        let after = all.last().map(|(merged, _)| merged.as_str().to_owned()).unwrap_or_default();
        let rows = scoped.rows(STANDING, args![after.as_str(), PAGE]).await?;
        for row in &rows {
            all.push((AccountId::new(row.text("merged")?)?, AccountId::new(row.text("kept")?)?));
        }
        if rows.len() < PAGE as usize {
            return Ok(all);
        }
    }
}

/// Notes that two are not the same; the first id is the smaller one.
pub(crate) async fn dismissal_put(
    scoped: &mut Scoped,
    (first, second): (&AccountId, &AccountId),
    at: Timestamp,
    by: &AccountId,
) -> Result<()> {
    scoped.run(DISMISS, args![first, second, at, by]).await.map(drop)
}

pub(crate) async fn dismissal_delete(scoped: &mut Scoped, (first, second): (&AccountId, &AccountId)) -> Result<bool> {
    Ok(scoped.run(RECALL, args![first, second]).await? == 1)
}

/// All pairs that are not the same.
pub(crate) async fn dismissal_list(scoped: &mut Scoped) -> Result<Vec<(AccountId, AccountId)>> {
    let mut all: Vec<(AccountId, AccountId)> = Vec::new();
    loop {
        let (first, second) = all
            .last()
            .map(|(first, second)| (first.as_str().to_owned(), second.as_str().to_owned()))
            .unwrap_or_default();
        let rows = scoped.rows(DISMISSED, args![first.as_str(), second.as_str(), PAGE]).await?;
        for row in &rows {
            all.push((AccountId::new(row.text("first")?)?, AccountId::new(row.text("second")?)?));
        }
        if rows.len() < PAGE as usize {
            return Ok(all);
        }
    }
}
