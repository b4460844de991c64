//! Statements about sessions.

use jiff::Timestamp;
use kernel::{AccountId, Result, Sealed};
use store::{Scoped, args};
use uuid::Uuid;

use crate::session::{Context, Kind};

const PUT: &str = "INSERT INTO session (tenant, token_hash, kind, account, context, made_at, expires_at, signed_by) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const GET: &str = "SELECT account, context FROM session \
     WHERE tenant = $1 AND token_hash = $2 AND kind = $3 AND expires_at > $4";
const TAKE: &str = "DELETE FROM session WHERE tenant = $1 AND token_hash = $2 AND kind = $3 AND expires_at > $4 \
     RETURNING account, context";
const ANY: &str =
    "SELECT made_at FROM session WHERE tenant = $1 AND account = $2 AND kind = $3 AND expires_at > $4 LIMIT 1";
const DROP_SIGNED: &str = "DELETE FROM session WHERE tenant = $1 AND signed_by = $2";
const DROP: &str = "DELETE FROM session WHERE tenant = $1 AND token_hash = $2";

pub(crate) struct NewSession<'a> {
    pub(crate) hash: &'a [u8],
    pub(crate) kind: Kind,
    pub(crate) account: &'a AccountId,
    pub(crate) context: Sealed<Context>,
    pub(crate) made_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) signed_by: Option<Uuid>,
}

pub(crate) async fn session_put(scoped: &mut Scoped, new: NewSession<'_>) -> Result<()> {
    let values = args![new.hash, new.kind.name(), new.account, new.context, new.made_at, new.expires_at, new.signed_by];
    scoped.run(PUT, values).await.map(drop)
}

fn found(row: &store::Row) -> Result<(AccountId, Sealed<Context>)> {
    Ok((AccountId::new(row.text("account")?)?, row.sealed("context")?))
}

pub(crate) async fn session_get(
    scoped: &mut Scoped,
    hash: &[u8],
    kind: Kind,
    now: Timestamp,
) -> Result<Option<(AccountId, Sealed<Context>)>> {
    scoped.row(GET, args![hash, kind.name(), now]).await?.as_ref().map(found).transpose()
}

/// Gets a session and ends it in the same statement: a ticket is good once, on whichever node.
pub(crate) async fn session_take(
    scoped: &mut Scoped,
    hash: &[u8],
    kind: Kind,
    now: Timestamp,
) -> Result<Option<(AccountId, Sealed<Context>)>> {
    scoped.row(TAKE, args![hash, kind.name(), now]).await?.as_ref().map(found).transpose()
}

pub(crate) async fn session_drop(scoped: &mut Scoped, hash: &[u8]) -> Result<()> {
    scoped.run(DROP, args![hash]).await.map(drop)
}

/// Ends the sessions that began with a token signed by this key.
pub(crate) async fn session_drop_signed(scoped: &mut Scoped, key: Uuid) -> Result<()> {
    scoped.run(DROP_SIGNED, args![key]).await.map(drop)
}

/// Whether a person has a session of a kind.
pub(crate) async fn session_any(scoped: &mut Scoped, account: &AccountId, kind: Kind, now: Timestamp) -> Result<bool> {
    Ok(scoped.row(ANY, args![account, kind.name(), now]).await?.is_some())
}
