//! Statements about the keys of customers' sites, and the tokens that were taken.

use host::customer_token::KeyText;
use jiff::Timestamp;
use kernel::{AccountId, Cx, Result, Sealed};
use store::{Row, Scoped, args};
use uuid::Uuid;

use crate::customer_keys::KeyBody;

const INSERT: &str = "INSERT INTO customer_key (tenant, id, kid_hash, body, material, algorithm, made_by, made_at, expires_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const BY_KID: &str = "SELECT id, material, expires_at FROM customer_key WHERE tenant = $1 AND kid_hash = $2";
const LIST: &str = "SELECT id, body, algorithm, made_by, made_at, expires_at, used_on, refused_at, refused_why \
     FROM customer_key WHERE tenant = $1 ORDER BY made_at, id LIMIT $2";
const COUNT: &str = "SELECT COUNT(*) AS n FROM customer_key WHERE tenant = $1";
const STANDS: &str = "SELECT id FROM customer_key WHERE tenant = $1 AND id = $2 AND expires_at > $3";
const DELETE: &str = "DELETE FROM customer_key WHERE tenant = $1 AND id = $2";
const USED: &str = "UPDATE customer_key SET used_on = $3 \
     WHERE tenant = $1 AND id = $2 AND (used_on IS NULL OR used_on < $3)";
const REFUSED: &str = "UPDATE customer_key SET refused_at = $3, refused_why = $4 WHERE tenant = $1 AND id = $2";
const TOKEN_RECORD: &str = "INSERT INTO customer_token (tenant, token_hash, seen_at) VALUES ($1, $2, $3) \
     ON CONFLICT (tenant, token_hash) DO NOTHING";

pub(crate) struct NewKey<'a> {
    pub(crate) id: Uuid,
    pub(crate) kid_hash: &'a [u8],
    pub(crate) body: Sealed<KeyBody>,
    pub(crate) material: Sealed<KeyText>,
    pub(crate) algorithm: &'a str,
    pub(crate) made_by: &'a AccountId,
    pub(crate) made_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// What is needed to verify a token.
pub(crate) struct FoundKey {
    pub(crate) id: Uuid,
    pub(crate) material: Sealed<KeyText>,
    pub(crate) expires_at: Timestamp,
}

/// A key as it is shown; `B` is its body, sealed or opened.
pub(crate) struct StoredKey<B> {
    pub(crate) id: Uuid,
    pub(crate) body: B,
    pub(crate) algorithm: String,
    pub(crate) made_by: AccountId,
    pub(crate) made_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) used_on: Option<Timestamp>,
    pub(crate) refused_at: Option<Timestamp>,
    pub(crate) refused_why: Option<String>,
}

fn stored(row: &Row) -> Result<StoredKey<Sealed<KeyBody>>> {
    Ok(StoredKey {
        id: row.uuid("id")?,
        body: row.sealed("body")?,
        algorithm: row.text("algorithm")?,
        made_by: AccountId::new(row.text("made_by")?)?,
        made_at: row.instant("made_at")?,
        expires_at: row.instant("expires_at")?,
        used_on: row.opt_instant("used_on")?,
        refused_at: row.opt_instant("refused_at")?,
        refused_why: row.opt_text("refused_why")?,
    })
}

pub(crate) async fn customer_key_insert(scoped: &mut Scoped, new: NewKey<'_>) -> Result<()> {
    let values =
        args![new.id, new.kid_hash, new.body, new.material, new.algorithm, new.made_by, new.made_at, new.expires_at];
    scoped.run(INSERT, values).await.map(drop)
}

pub(crate) async fn customer_key_by_kid(scoped: &mut Scoped, kid_hash: &[u8]) -> Result<Option<FoundKey>> {
    let Some(row) = scoped.row(BY_KID, args![kid_hash]).await? else { return Ok(None) };
    Ok(Some(FoundKey {
        id: row.uuid("id")?,
        material: row.sealed("material")?,
        expires_at: row.instant("expires_at")?,
    }))
}

/// Oldest first.
pub(crate) async fn customer_key_list(scoped: &mut Scoped, limit: u32) -> Result<Vec<StoredKey<Sealed<KeyBody>>>> {
    scoped.rows(LIST, args![limit]).await?.iter().map(stored).collect()
}

pub(crate) async fn customer_key_count(scoped: &mut Scoped) -> Result<i64> {
    scoped.row(COUNT, Vec::new()).await?.map_or(Ok(0), |row| row.int("n"))
}

/// Whether a key is there and has not ended.
pub(crate) async fn customer_key_stands(scoped: &mut Scoped, id: Uuid, now: Timestamp) -> Result<bool> {
    Ok(scoped.row(STANDS, args![id, now]).await?.is_some())
}

/// False when there is none.
pub(crate) async fn customer_key_delete(scoped: &mut Scoped, id: Uuid) -> Result<bool> {
    Ok(scoped.run(DELETE, args![id]).await? == 1)
}

/// Notes the day of a use.
pub(crate) async fn customer_key_used(scoped: &mut Scoped, id: Uuid, day: Timestamp) -> Result<()> {
    scoped.run(USED, args![id, day]).await.map(drop)
}

/// Notes why a token of it opened nothing.
pub(crate) async fn customer_key_refused(scoped: &mut Scoped, id: Uuid, at: Timestamp, why: &str) -> Result<()> {
    scoped.run(REFUSED, args![id, at, why]).await.map(drop)
}

/// False when the token was taken before.
pub(crate) async fn customer_token_record(scoped: &mut Scoped, cx: &Cx, token_hash: &[u8]) -> Result<bool> {
    Ok(scoped.run(TOKEN_RECORD, args![token_hash, cx.now()]).await? == 1)
}
