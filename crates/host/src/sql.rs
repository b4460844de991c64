//! The statements of this room.

use jiff::Timestamp;
use kernel::{AccountId, Cx, Result, Sealed};
use store::{Scoped, args};

use crate::people::Profile;

const INVOCATION_RECORD: &str = "INSERT INTO host_invocation (tenant, jti_hash, seen_at) VALUES ($1, $2, $3) \
     ON CONFLICT (tenant, jti_hash) DO NOTHING";
const SYSTEM_TOKEN: &str = "SELECT token, expires_at FROM host_system_token WHERE tenant = $1";
const SYSTEM_TOKEN_KEEP: &str = "INSERT INTO host_system_token (tenant, token, expires_at, received_at) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (tenant) DO UPDATE SET token = excluded.token, \
     expires_at = excluded.expires_at, received_at = excluded.received_at \
     WHERE host_system_token.expires_at <= excluded.expires_at";
const SYSTEM_TOKEN_SHORTEN: &str = "UPDATE host_system_token SET expires_at = $2 WHERE tenant = $1 AND expires_at > $2";
const USER_TOKEN: &str = "SELECT token, expires_at FROM host_user_token WHERE tenant = $1 AND account = $2";
const USER_TOKEN_KEEP: &str = "INSERT INTO host_user_token (tenant, account, token, expires_at, received_at) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant, account) DO UPDATE SET token = excluded.token, \
     expires_at = excluded.expires_at, received_at = excluded.received_at \
     WHERE host_user_token.expires_at <= excluded.expires_at";
const USER_TOKEN_DROP: &str = "DELETE FROM host_user_token WHERE tenant = $1 AND account = $2";
const PERSON: &str = "SELECT profile, active, fetched_at FROM person WHERE tenant = $1 AND account = $2";
const PERSON_KEEP: &str = "INSERT INTO person (tenant, account, profile, active, fetched_at) \
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant, account) DO UPDATE SET profile = excluded.profile, \
     active = excluded.active, fetched_at = excluded.fetched_at";
const PERSON_DROP: &str = "DELETE FROM person WHERE tenant = $1 AND account = $2";
const PERSON_OLDEST: &str = "SELECT account, fetched_at FROM person WHERE tenant = $1 AND fetched_at < $2 \
     ORDER BY fetched_at LIMIT $3";

/// False when the token was used before.
pub(crate) async fn invocation_record(scoped: &mut Scoped, cx: &Cx, jti_hash: &[u8]) -> Result<bool> {
    Ok(scoped.run(INVOCATION_RECORD, args![jti_hash, cx.now()]).await? == 1)
}

pub(crate) struct TokenRow {
    pub(crate) token: Sealed<String>,
    pub(crate) expires_at: Timestamp,
}

fn token_row(row: &store::Row) -> Result<TokenRow> {
    Ok(TokenRow { token: row.sealed("token")?, expires_at: row.instant("expires_at")? })
}

pub(crate) async fn system_token(scoped: &mut Scoped) -> Result<Option<TokenRow>> {
    scoped.row(SYSTEM_TOKEN, Vec::new()).await?.as_ref().map(token_row).transpose()
}

/// The one that lives longest wins: tokens arrive in any order.
pub(crate) async fn system_token_keep(scoped: &mut Scoped, cx: &Cx, row: TokenRow) -> Result<()> {
    scoped.run(SYSTEM_TOKEN_KEEP, args![row.token, row.expires_at, cx.now()]).await.map(drop)
}

/// Ends it at `end`, if it would live longer: the next one that is received takes its place.
pub(crate) async fn system_token_shorten(scoped: &mut Scoped, end: Timestamp) -> Result<()> {
    scoped.run(SYSTEM_TOKEN_SHORTEN, args![end]).await.map(drop)
}

pub(crate) async fn user_token(scoped: &mut Scoped, account: &AccountId) -> Result<Option<TokenRow>> {
    scoped.row(USER_TOKEN, args![account]).await?.as_ref().map(token_row).transpose()
}

pub(crate) async fn user_token_keep(scoped: &mut Scoped, cx: &Cx, account: &AccountId, row: TokenRow) -> Result<()> {
    scoped.run(USER_TOKEN_KEEP, args![account, row.token, row.expires_at, cx.now()]).await.map(drop)
}

pub(crate) async fn user_token_drop(scoped: &mut Scoped, account: &AccountId) -> Result<()> {
    scoped.run(USER_TOKEN_DROP, args![account]).await.map(drop)
}

pub(crate) struct PersonRow {
    pub(crate) profile: Sealed<Profile>,
    pub(crate) active: bool,
    pub(crate) fetched_at: Timestamp,
}

pub(crate) async fn person(scoped: &mut Scoped, account: &AccountId) -> Result<Option<PersonRow>> {
    let row = scoped.row(PERSON, args![account]).await?;
    row.map(|row| {
        Ok(PersonRow {
            profile: row.sealed("profile")?,
            active: row.bool("active")?,
            fetched_at: row.instant("fetched_at")?,
        })
    })
    .transpose()
}

pub(crate) async fn person_keep(scoped: &mut Scoped, account: &AccountId, row: PersonRow) -> Result<()> {
    scoped.run(PERSON_KEEP, args![account, row.profile, row.active, row.fetched_at]).await.map(drop)
}

pub(crate) async fn person_drop(scoped: &mut Scoped, account: &AccountId) -> Result<bool> {
    Ok(scoped.run(PERSON_DROP, args![account]).await? > 0)
}

/// People last fetched before `before`, the oldest first.
pub(crate) async fn person_oldest(scoped: &mut Scoped, before: Timestamp, limit: u32) -> Result<Vec<AccountId>> {
    let rows = scoped.rows(PERSON_OLDEST, args![before, limit]).await?;
    rows.iter().map(|row| AccountId::new(row.text("account")?)).collect()
}
