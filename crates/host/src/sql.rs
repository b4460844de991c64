//! The statements of this room.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kernel::{AccountId, Cx, Result, Sealed};
use store::{Row, Scoped, args};

use crate::connect::Shared;
use crate::people::Profile;
use crate::service::{Login, OauthClient};

const INVOCATIONS_RECORD: &str = "INSERT INTO host_invocation (tenant, jti_hash, seen_at) VALUES {rows} \
     ON CONFLICT (tenant, jti_hash) DO NOTHING RETURNING jti_hash";
const SYSTEM_TOKEN: &str = "SELECT token, expires_at FROM host_system_token WHERE tenant = $1";
const SYSTEM_TOKEN_KEEP: &str = "INSERT INTO host_system_token (tenant, token, expires_at, received_at) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (tenant) DO UPDATE SET token = excluded.token, \
     expires_at = excluded.expires_at, received_at = excluded.received_at \
     WHERE host_system_token.expires_at <= excluded.expires_at";
const SYSTEM_TOKEN_RECEIVED: &str = "SELECT received_at FROM host_system_token WHERE tenant = $1";
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
const SERVICE_HEARD: &str = "UPDATE host_service SET heard_at = $2 WHERE tenant = $1";
const SERVICE_HEARD_AT: &str = "SELECT heard_at FROM host_service WHERE tenant = $1";
const CONNECT_SECRET: &str = "SELECT secret FROM host_connect WHERE tenant = $1";
const CONNECT_SECRET_PUT: &str = "INSERT INTO host_connect (tenant, secret, changed_at) VALUES ($1, $2, $3) \
     ON CONFLICT (tenant) DO UPDATE SET secret = excluded.secret, changed_at = excluded.changed_at";
const CONNECT_SECRET_DROP: &str = "DELETE FROM host_connect WHERE tenant = $1";
const SILENCE: &str = "SELECT since_at FROM host_silence WHERE tenant = $1";
const SILENCE_KEEP: &str = "INSERT INTO host_silence (tenant, since_at, looked_at) VALUES ($1, $2, $3) \
     ON CONFLICT (tenant) DO UPDATE SET since_at = excluded.since_at, looked_at = excluded.looked_at";
const SILENCE_END: &str = "DELETE FROM host_silence WHERE tenant = $1";
const REFRESH_TOKEN: &str = "SELECT token FROM host_refresh_token WHERE tenant = $1 AND account = $2";
const REFRESH_TOKEN_KEEP: &str = "INSERT INTO host_refresh_token (tenant, account, token, received_at) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (tenant, account) DO UPDATE SET token = excluded.token, \
     received_at = excluded.received_at";
const REFRESH_TOKEN_DROP: &str = "DELETE FROM host_refresh_token WHERE tenant = $1 AND account = $2";
const PEOPLE: &str = "WITH asked (tenant, account) AS (VALUES {rows}) \
     SELECT held.account, profile, active, fetched_at FROM asked CROSS JOIN person AS held \
     WHERE asked.tenant = $1 AND held.tenant = asked.tenant AND held.account = asked.account";
const USER_KEYS: &str = "WITH asked (tenant, account) AS (VALUES {rows}) \
     SELECT held.account, user_key FROM asked CROSS JOIN host_user AS held \
     WHERE asked.tenant = $1 AND held.tenant = asked.tenant AND held.account = asked.account";
const USER_KEY_KEEP: &str = "INSERT INTO host_user (tenant, account, user_key, changed_at) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (tenant, account) DO UPDATE SET user_key = excluded.user_key, changed_at = excluded.changed_at";
const USER_NAMES: &str = "WITH asked (tenant, account) AS (VALUES {rows}) \
     SELECT held.account, name, fetched_at FROM asked CROSS JOIN host_user_name AS held \
     WHERE asked.tenant = $1 AND held.tenant = asked.tenant AND held.account = asked.account";
const USER_NAME_KEEP: &str = "INSERT INTO host_user_name (tenant, account, name, fetched_at) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (tenant, account) DO UPDATE SET name = excluded.name, fetched_at = excluded.fetched_at";
const USER_NAME_DROP: &str = "DELETE FROM host_user_name WHERE tenant = $1 AND account = $2";
const PERSON_STAMP: &str = "SELECT COUNT(*) AS n, MAX(fetched_at) AS newest FROM person WHERE tenant = $1";
const PERSON_KEEP: &str = "INSERT INTO person (tenant, account, profile, active, fetched_at) \
     VALUES {rows} ON CONFLICT (tenant, account) DO UPDATE SET profile = excluded.profile, \
     active = excluded.active, fetched_at = excluded.fetched_at";
const PERSON_DROP: &str = "DELETE FROM person WHERE tenant = $1 AND account = $2";
const PERSON_OLDEST: &str = "SELECT account, fetched_at FROM person WHERE tenant = $1 AND fetched_at < $2 \
     ORDER BY fetched_at LIMIT $3";

/// False when the token was used before.
pub(crate) async fn invocation_record(scoped: &mut Scoped, cx: &Cx, jti_hash: &[u8]) -> Result<bool> {
    Ok(!invocations_record(scoped, cx, &BTreeSet::from([jti_hash])).await?.is_empty())
}

/// Those of these tokens that were not used before. They are used up in the order of their hashes, so that two nodes wait for
/// each other one way around.
pub(crate) async fn invocations_record(
    scoped: &mut Scoped,
    cx: &Cx,
    jti_hashes: &BTreeSet<&[u8]>,
) -> Result<BTreeSet<Vec<u8>>> {
    let tokens: Vec<_> = jti_hashes.iter().map(|hash| args![*hash, cx.now()]).collect();
    scoped.run_rows_returning(INVOCATIONS_RECORD, tokens).await?.iter().map(|row| row.bytes("jti_hash")).collect()
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

/// When Forge last brought one, as long as it is kept.
pub(crate) async fn system_token_received(scoped: &mut Scoped) -> Result<Option<Timestamp>> {
    scoped.row(SYSTEM_TOKEN_RECEIVED, Vec::new()).await?.map(|row| row.instant("received_at")).transpose()
}

/// Since when the site is silent, if it is.
pub(crate) async fn silence(scoped: &mut Scoped) -> Result<Option<Timestamp>> {
    scoped.row(SILENCE, Vec::new()).await?.map(|row| row.instant("since_at")).transpose()
}

pub(crate) async fn silence_keep(scoped: &mut Scoped, cx: &Cx, since: Timestamp) -> Result<()> {
    scoped.run(SILENCE_KEEP, args![since, cx.now()]).await.map(drop)
}

pub(crate) async fn silence_end(scoped: &mut Scoped) -> Result<()> {
    scoped.run(SILENCE_END, Vec::new()).await.map(drop)
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

pub(crate) async fn service_heard(scoped: &mut Scoped, cx: &Cx) -> Result<()> {
    scoped.run(SERVICE_HEARD, args![cx.now()]).await.map(drop)
}

pub(crate) async fn service_heard_at(scoped: &mut Scoped) -> Result<Option<Timestamp>> {
    scoped.row(SERVICE_HEARD_AT, Vec::new()).await?.map_or(Ok(None), |row| row.opt_instant("heard_at"))
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

async fn of_people(scoped: &mut Scoped, text: &'static str, accounts: &[AccountId]) -> Result<Vec<Row>> {
    let keys: Vec<_> = accounts.iter().map(|account| args![account]).collect();
    scoped.rows_of(text, &keys).await
}

/// The keys of those of these people of whom a Data Center told.
pub(crate) async fn user_keys(scoped: &mut Scoped, accounts: &[AccountId]) -> Result<Vec<(AccountId, Sealed<String>)>> {
    let rows = of_people(scoped, USER_KEYS, accounts).await?;
    rows.iter().map(|row| Ok((AccountId::new(row.text("account")?)?, row.sealed("user_key")?))).collect()
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
    let read = |row: &Row| {
        Ok(UserNameRow {
            account: AccountId::new(row.text("account")?)?,
            name: row.sealed("name")?,
            fetched_at: row.instant("fetched_at")?,
        })
    };
    of_people(scoped, USER_NAMES, accounts).await?.iter().map(read).collect()
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
    let read = |row: &Row| {
        let person = PersonRow {
            profile: row.sealed("profile")?,
            active: row.bool("active")?,
            fetched_at: row.instant("fetched_at")?,
        };
        Ok((AccountId::new(row.text("account")?)?, person))
    };
    of_people(scoped, PEOPLE, accounts).await?.iter().map(read).collect()
}

/// How many people are kept, and when the newest was.
pub(crate) async fn person_stamp(scoped: &mut Scoped) -> Result<(i64, Option<i64>)> {
    match scoped.row(PERSON_STAMP, Vec::new()).await? {
        Some(row) => Ok((row.int("n")?, row.opt_int("newest")?)),
        None => Ok((0, None)),
    }
}

/// Keeps people, each of whom is named once.
pub(crate) async fn people_keep(scoped: &mut Scoped, people: BTreeMap<&AccountId, PersonRow>) -> Result<()> {
    let row = |(account, row): (&AccountId, PersonRow)| args![account, row.profile, row.active, row.fetched_at];
    scoped.run_rows(PERSON_KEEP, people.into_iter().map(row).collect()).await.map(drop)
}

pub(crate) async fn person_drop(scoped: &mut Scoped, account: &AccountId) -> Result<bool> {
    Ok(scoped.run(PERSON_DROP, args![account]).await? > 0)
}

/// People last fetched before `before`, the oldest first.
pub(crate) async fn person_oldest(scoped: &mut Scoped, before: Timestamp, limit: u32) -> Result<Vec<AccountId>> {
    let rows = scoped.rows(PERSON_OLDEST, args![before, limit]).await?;
    rows.iter().map(|row| AccountId::new(row.text("account")?)).collect()
}
