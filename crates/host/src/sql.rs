//! The statements of this room.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kernel::{AccountId, Cx, Result, Sealed};
use store::{Scoped, args};

use crate::connect::Shared;
use crate::people::Profile;
use crate::service::{Login, OauthClient};

const INVOCATION_RECORD: &str = "INSERT INTO host_invocation (tenant, jti_hash, seen_at) VALUES ($1, $2, $3) \
     ON CONFLICT (tenant, jti_hash) DO NOTHING";
/// Tokens used up in one statement.
const INVOCATIONS_AT_ONCE: usize = 16;
const INVOCATIONS_RECORD: &str = "INSERT INTO host_invocation (tenant, jti_hash, seen_at) VALUES ($1, $3, $2), \
     ($1, $4, $2), ($1, $5, $2), ($1, $6, $2), ($1, $7, $2), ($1, $8, $2), ($1, $9, $2), ($1, $10, $2), ($1, $11, $2), \
     ($1, $12, $2), ($1, $13, $2), ($1, $14, $2), ($1, $15, $2), ($1, $16, $2), ($1, $17, $2), ($1, $18, $2) \
     ON CONFLICT (tenant, jti_hash) DO NOTHING RETURNING jti_hash";
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
const SERVICE: &str = "SELECT login, hook, client FROM host_service WHERE tenant = $1";
const SERVICE_PUT: &str =
    "INSERT INTO host_service (tenant, login, hook, client, changed_at) VALUES ($1, $2, $3, $4, $5)";
const SERVICE_LOGIN: &str = "UPDATE host_service SET login = $2, changed_at = $3 WHERE tenant = $1";
const SERVICE_CLIENT: &str = "UPDATE host_service SET client = $2, changed_at = $3 WHERE tenant = $1";
const CONNECT_SECRET: &str = "SELECT secret FROM host_connect WHERE tenant = $1";
const CONNECT_SECRET_PUT: &str = "INSERT INTO host_connect (tenant, secret, changed_at) VALUES ($1, $2, $3) \
     ON CONFLICT (tenant) DO UPDATE SET secret = excluded.secret, changed_at = excluded.changed_at";
const CONNECT_SECRET_DROP: &str = "DELETE FROM host_connect WHERE tenant = $1";
const REFRESH_TOKEN: &str = "SELECT token FROM host_refresh_token WHERE tenant = $1 AND account = $2";
const REFRESH_TOKEN_KEEP: &str = "INSERT INTO host_refresh_token (tenant, account, token, received_at) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (tenant, account) DO UPDATE SET token = excluded.token, \
     received_at = excluded.received_at";
const REFRESH_TOKEN_DROP: &str = "DELETE FROM host_refresh_token WHERE tenant = $1 AND account = $2";
/// People asked for in one statement.
const PEOPLE_AT_ONCE: usize = 50;
const PEOPLE: &str = "SELECT account, profile, active, fetched_at FROM person WHERE tenant = $1 AND account IN (\
     $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, \
     $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, \
     $48, $49, $50, $51) ORDER BY account LIMIT 50";
const USER_KEYS: &str = "SELECT account, user_key FROM host_user WHERE tenant = $1 AND account IN (\
     $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, \
     $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, \
     $48, $49, $50, $51) ORDER BY account LIMIT 50";
const USER_KEY_KEEP: &str = "INSERT INTO host_user (tenant, account, user_key, changed_at) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (tenant, account) DO UPDATE SET user_key = excluded.user_key, changed_at = excluded.changed_at";
const USER_NAMES: &str = "SELECT account, name, fetched_at FROM host_user_name WHERE tenant = $1 AND account IN (\
     $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, \
     $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, \
     $48, $49, $50, $51) ORDER BY account LIMIT 50";
const USER_NAME_KEEP: &str = "INSERT INTO host_user_name (tenant, account, name, fetched_at) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (tenant, account) DO UPDATE SET name = excluded.name, fetched_at = excluded.fetched_at";
const USER_NAME_DROP: &str = "DELETE FROM host_user_name WHERE tenant = $1 AND account = $2";
const PERSON_STAMP: &str = "SELECT COUNT(*) AS n, MAX(fetched_at) AS newest FROM person WHERE tenant = $1";
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

/// Those of these tokens that were not used before. They are used up in the order of their hashes, so that two nodes wait for
/// each other one way around.
pub(crate) async fn invocations_record(
    scoped: &mut Scoped,
    cx: &Cx,
    jti_hashes: &BTreeSet<&[u8]>,
) -> Result<BTreeSet<Vec<u8>>> {
    let mut fresh = BTreeSet::new();
    let all: Vec<&[u8]> = jti_hashes.iter().copied().collect();
    for some in all.chunks(INVOCATIONS_AT_ONCE) {
        if let [one] = some {
            if invocation_record(scoped, cx, one).await? {
                fresh.insert(one.to_vec());
            }
            continue;
        }
        // A place that is left over uses the last up once more, which changes nothing.
        let padded = some.iter().chain(some.last().into_iter().cycle()).take(INVOCATIONS_AT_ONCE);
        let mut values = args![cx.now()];
        values.extend(padded.map(|hash| store::Value::from(*hash)));
        for row in scoped.rows(INVOCATIONS_RECORD, values).await? {
            fresh.insert(row.bytes("jti_hash")?);
        }
    }
    Ok(fresh)
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

pub(crate) struct ServiceRow {
    pub(crate) login: Sealed<Login>,
    pub(crate) hook: Sealed<String>,
    pub(crate) client: Option<Sealed<OauthClient>>,
}

pub(crate) async fn service(scoped: &mut Scoped) -> Result<Option<ServiceRow>> {
    let row = scoped.row(SERVICE, Vec::new()).await?;
    row.map(|row| {
        Ok(ServiceRow { login: row.sealed("login")?, hook: row.sealed("hook")?, client: row.opt_sealed("client")? })
    })
    .transpose()
}

pub(crate) async fn service_put(scoped: &mut Scoped, cx: &Cx, row: ServiceRow) -> Result<()> {
    scoped.run(SERVICE_PUT, args![row.login, row.hook, row.client, cx.now()]).await.map(drop)
}

pub(crate) async fn service_login(scoped: &mut Scoped, cx: &Cx, login: Sealed<Login>) -> Result<()> {
    scoped.run(SERVICE_LOGIN, args![login, cx.now()]).await.map(drop)
}

pub(crate) async fn service_client(scoped: &mut Scoped, cx: &Cx, client: Sealed<OauthClient>) -> Result<()> {
    scoped.run(SERVICE_CLIENT, args![client, cx.now()]).await.map(drop)
}

pub(crate) async fn connect_secret(scoped: &mut Scoped) -> Result<Option<Sealed<Shared>>> {
    scoped.row(CONNECT_SECRET, Vec::new()).await?.map(|row| row.sealed("secret")).transpose()
}

pub(crate) async fn connect_secret_put(scoped: &mut Scoped, cx: &Cx, secret: Sealed<Shared>) -> Result<()> {
    scoped.run(CONNECT_SECRET_PUT, args![secret, cx.now()]).await.map(drop)
}

pub(crate) async fn connect_secret_drop(scoped: &mut Scoped) -> Result<()> {
    scoped.run(CONNECT_SECRET_DROP, Vec::new()).await.map(drop)
}

pub(crate) async fn refresh_token(scoped: &mut Scoped, account: &AccountId) -> Result<Option<Sealed<String>>> {
    scoped.row(REFRESH_TOKEN, args![account]).await?.map(|row| row.sealed("token")).transpose()
}

pub(crate) async fn refresh_token_keep(
    scoped: &mut Scoped,
    cx: &Cx,
    account: &AccountId,
    token: Sealed<String>,
) -> Result<()> {
    scoped.run(REFRESH_TOKEN_KEEP, args![account, token, cx.now()]).await.map(drop)
}

pub(crate) async fn refresh_token_drop(scoped: &mut Scoped, account: &AccountId) -> Result<()> {
    scoped.run(REFRESH_TOKEN_DROP, args![account]).await.map(drop)
}

pub(crate) struct PersonRow {
    pub(crate) profile: Sealed<Profile>,
    pub(crate) active: bool,
    pub(crate) fetched_at: Timestamp,
}

/// A place that is left over asks for the first once more.
fn fifty(accounts: &[AccountId]) -> Vec<store::Value> {
    let ids = accounts.iter().chain(accounts.iter().take(1).cycle()).take(PEOPLE_AT_ONCE);
    ids.map(store::Value::from).collect()
}

/// The keys of those of these people of whom a Data Center told.
pub(crate) async fn user_keys(scoped: &mut Scoped, accounts: &[AccountId]) -> Result<Vec<(AccountId, Sealed<String>)>> {
    let mut found = Vec::with_capacity(accounts.len());
    for some in accounts.chunks(PEOPLE_AT_ONCE) {
        for row in scoped.rows(USER_KEYS, fifty(some)).await? {
            found.push((AccountId::new(row.text("account")?)?, row.sealed("user_key")?));
        }
    }
    Ok(found)
}

pub(crate) async fn user_key_keep(
    scoped: &mut Scoped,
    cx: &Cx,
    account: &AccountId,
    key: Sealed<String>,
) -> Result<()> {
    scoped.run(USER_KEY_KEEP, args![account, key, cx.now()]).await.map(drop)
}

pub(crate) struct UserNameRow {
    pub(crate) account: AccountId,
    pub(crate) name: Sealed<String>,
    pub(crate) fetched_at: Timestamp,
}

/// What those of these people sign in with whose names are kept.
pub(crate) async fn user_names(scoped: &mut Scoped, accounts: &[AccountId]) -> Result<Vec<UserNameRow>> {
    let mut found = Vec::with_capacity(accounts.len());
    for some in accounts.chunks(PEOPLE_AT_ONCE) {
        for row in scoped.rows(USER_NAMES, fifty(some)).await? {
            found.push(UserNameRow {
                account: AccountId::new(row.text("account")?)?,
                name: row.sealed("name")?,
                fetched_at: row.instant("fetched_at")?,
            });
        }
    }
    Ok(found)
}

pub(crate) async fn user_name_keep(
    scoped: &mut Scoped,
    cx: &Cx,
    account: &AccountId,
    name: Sealed<String>,
) -> Result<()> {
    scoped.run(USER_NAME_KEEP, args![account, name, cx.now()]).await.map(drop)
}

pub(crate) async fn user_name_drop(scoped: &mut Scoped, account: &AccountId) -> Result<()> {
    scoped.run(USER_NAME_DROP, args![account]).await.map(drop)
}

/// Those of these people that are kept.
pub(crate) async fn people(scoped: &mut Scoped, accounts: &[AccountId]) -> Result<Vec<(AccountId, PersonRow)>> {
    let mut found = Vec::with_capacity(accounts.len());
    for some in accounts.chunks(PEOPLE_AT_ONCE) {
        for row in scoped.rows(PEOPLE, fifty(some)).await? {
            let person = PersonRow {
                profile: row.sealed("profile")?,
                active: row.bool("active")?,
                fetched_at: row.instant("fetched_at")?,
            };
            found.push((AccountId::new(row.text("account")?)?, person));
        }
    }
    Ok(found)
}

/// How many people are kept, and when the newest was.
pub(crate) async fn person_stamp(scoped: &mut Scoped) -> Result<(i64, Option<i64>)> {
    match scoped.row(PERSON_STAMP, Vec::new()).await? {
        Some(row) => Ok((row.int("n")?, row.opt_int("newest")?)),
        None => Ok((0, None)),
    }
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
