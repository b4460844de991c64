//! Statements about API tokens.

use jiff::Timestamp;
use kernel::{AccountId, Result, Sealed, TokenId};
use store::{Row, Scoped, args};

const INSERT: &str = "INSERT INTO api_token (tenant, id, token_hash, name_hash, name, scopes, made_by, made_at, expires_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const BY_HASH: &str = "SELECT id, scopes, expires_at, used_on FROM api_token \
     WHERE tenant = $1 AND token_hash = $2 AND revoked_at IS NULL";
const BY_ID: &str = "SELECT id, name, scopes, made_by, made_at, expires_at, used_on FROM api_token \
     WHERE tenant = $1 AND id = $2 AND revoked_at IS NULL";
const LIST: &str = "SELECT id, name, scopes, made_by, made_at, expires_at, used_on FROM api_token \
     WHERE tenant = $1 AND revoked_at IS NULL ORDER BY made_at, id LIMIT $2";
const NAME: &str = "SELECT name FROM api_token WHERE tenant = $1 AND id = $2";
const NAMED: &str = "SELECT id FROM api_token WHERE tenant = $1 AND name_hash = $2";
const COUNTS: &str = "SELECT COUNT(*) AS ever, COUNT(token_hash) AS live FROM api_token WHERE tenant = $1";
const REVOKE: &str = "UPDATE api_token SET token_hash = NULL, name_hash = NULL, revoked_at = $3 \
     WHERE tenant = $1 AND id = $2 AND revoked_at IS NULL";
const USED: &str = "UPDATE api_token SET used_on = $3 \
     WHERE tenant = $1 AND id = $2 AND (used_on IS NULL OR used_on < $3)";

pub(crate) struct NewToken<'a> {
    pub(crate) id: TokenId,
    pub(crate) hash: &'a [u8],
    pub(crate) name_hash: &'a [u8],
    pub(crate) name: Sealed<String>,
    pub(crate) scopes: &'a str,
    pub(crate) made_by: &'a AccountId,
    pub(crate) made_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// What is needed to let a token in.
pub(crate) struct FoundToken {
    pub(crate) id: TokenId,
    pub(crate) scopes: String,
    pub(crate) expires_at: Timestamp,
    pub(crate) used_on: Option<Timestamp>,
}

/// A token as it is shown; `N` is its name, sealed or opened.
pub(crate) struct StoredToken<N> {
    pub(crate) id: TokenId,
    pub(crate) name: N,
    pub(crate) scopes: String,
    pub(crate) made_by: AccountId,
    pub(crate) made_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) used_on: Option<Timestamp>,
}

pub(crate) async fn token_insert(scoped: &mut Scoped, new: NewToken<'_>) -> Result<()> {
    let values =
        args![new.id.0, new.hash, new.name_hash, new.name, new.scopes, new.made_by, new.made_at, new.expires_at];
    scoped.run(INSERT, values).await.map(drop)
}

pub(crate) async fn token_by_hash(scoped: &mut Scoped, hash: &[u8]) -> Result<Option<FoundToken>> {
    let Some(row) = scoped.row(BY_HASH, args![hash]).await? else { return Ok(None) };
    Ok(Some(FoundToken {
        id: TokenId(row.uuid("id")?),
        scopes: row.text("scopes")?,
        expires_at: row.instant("expires_at")?,
        used_on: row.opt_instant("used_on")?,
    }))
}

fn stored(row: &Row) -> Result<StoredToken<Sealed<String>>> {
    Ok(StoredToken {
        id: TokenId(row.uuid("id")?),
        name: row.sealed("name")?,
        scopes: row.text("scopes")?,
        made_by: AccountId::new(row.text("made_by")?)?,
        made_at: row.instant("made_at")?,
        expires_at: row.instant("expires_at")?,
        used_on: row.opt_instant("used_on")?,
    })
}

pub(crate) async fn token_by_id(scoped: &mut Scoped, id: TokenId) -> Result<Option<StoredToken<Sealed<String>>>> {
    scoped.row(BY_ID, args![id.0]).await?.as_ref().map(stored).transpose()
}

/// Tokens that were not revoked, oldest first.
pub(crate) async fn token_list(scoped: &mut Scoped, limit: u32) -> Result<Vec<StoredToken<Sealed<String>>>> {
    scoped.rows(LIST, args![limit]).await?.iter().map(stored).collect()
}

/// The name of a token, revoked or not.
pub(crate) async fn token_name(scoped: &mut Scoped, id: TokenId) -> Result<Option<Sealed<String>>> {
    scoped.row(NAME, args![id.0]).await?.map(|row| row.sealed("name")).transpose()
}

/// Whether a token that was not revoked has this name.
pub(crate) async fn token_named(scoped: &mut Scoped, name_hash: &[u8]) -> Result<bool> {
    Ok(scoped.row(NAMED, args![name_hash]).await?.is_some())
}

/// How many tokens there ever were, and how many were not revoked.
pub(crate) async fn token_counts(scoped: &mut Scoped) -> Result<(i64, i64)> {
    match scoped.row(COUNTS, Vec::new()).await? {
        Some(row) => Ok((row.int("ever")?, row.int("live")?)),
        None => Ok((0, 0)),
    }
}

/// Revokes; false when there is no such token, or no more.
pub(crate) async fn token_revoke(scoped: &mut Scoped, id: TokenId, at: Timestamp) -> Result<bool> {
    Ok(scoped.run(REVOKE, args![id.0, at]).await? == 1)
}

/// Notes the day of a use.
pub(crate) async fn token_used(scoped: &mut Scoped, id: TokenId, day: Timestamp) -> Result<()> {
    scoped.run(USED, args![id.0, day]).await.map(drop)
}
