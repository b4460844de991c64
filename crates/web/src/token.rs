//! API tokens: made by an administrator, acting for themselves, until they expire or are revoked.
//!
//! Each use is looked up where the tokens lie, so a revocation holds at once, on every node. Start at [`find`].

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kernel::{AccountId, Cx, Fault, FieldFault, KeyClass, Result, RowName, Token, TokenId, TokenScope};
use store::{changes, ledger};
use vault::{Open, Place, Subject};

use crate::router::Shared;
use crate::secret;
use crate::sql::{self, NewToken, StoredToken};
use crate::{actor, schema};

/// Characters of a token's name.
pub(crate) const NAME_CHARS: usize = 100;
/// Days that a token lives when nobody says: a quarter, after which somebody should look at it again.
pub(crate) const DAYS_DEFAULT: u32 = 90;
/// Days that a token lives at most. None lives for ever: whoever made it may be gone, and what it is for too.
pub(crate) const DAYS_MAX: u32 = 365;
/// Tokens of a tenant that are not revoked: one for each script, with room for their successors.
pub(crate) const LIVE_MAX: u32 = 50;
/// Tokens that a tenant ever made: the names of revoked ones stay, because history names them.
const EVER_MAX: i64 = 5_000;
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A token whose name is open.
pub(crate) type OpenToken = StoredToken<Open<String>>;

/// What somebody wants a token to be.
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) days: u32,
}

fn place(id: TokenId) -> Place {
    Place::new(&schema::API_TOKEN_NAME, RowName::new().uuid(id.0))
}

fn unknown() -> Fault {
    Fault::unauthenticated(
        "token_unknown",
        "This API token is not known here, or was revoked. A Jira administrator can make one in Steward's settings.",
    )
}

fn fault(pointer: impl Into<String>, code: &'static str, detail: String, limit: Option<u32>) -> FieldFault {
    FieldFault { pointer: pointer.into(), code, detail, limit: limit.map(u64::from) }
}

/// A token as somebody wants it, with every mistake named.
fn check(wanted: &Wanted) -> Result<(String, Vec<TokenScope>), Vec<FieldFault>> {
    let mut faults = Vec::new();
    let name = wanted.name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() {
        faults.push(fault("/name", "required", "Give it a name: history shows it.".to_owned(), None));
    }
    if name.chars().count() > NAME_CHARS {
        let detail = format!("A name has at most {NAME_CHARS} characters.");
        faults.push(fault("/name", "too_long", detail, u32::try_from(NAME_CHARS).ok()));
    }
    if name.chars().any(char::is_control) {
        let detail = "A name stands on one line, without control characters.".to_owned();
        faults.push(fault("/name", "format", detail, None));
    }
    let mut scopes = Vec::new();
    for (place, scope) in wanted.scopes.iter().enumerate().take(TokenScope::ALL.len() + 1) {
        match TokenScope::parse(scope) {
            Some(scope) => scopes.push(scope),
            None => {
                let known = TokenScope::ALL.map(TokenScope::name).join(", ");
                faults.push(fault(format!("/scopes/{place}"), "unknown", format!("A scope is one of {known}."), None));
            }
        }
    }
    scopes.sort();
    scopes.dedup();
    if scopes.is_empty() && faults.is_empty() {
        faults.push(fault("/scopes", "required", "Choose what the token may do.".to_owned(), None));
    }
    if !(1..=DAYS_MAX).contains(&wanted.days) {
        let detail = format!("A token lives for 1 to {DAYS_MAX} days.");
        faults.push(fault("/expiresInDays", "out_of_range", detail, Some(DAYS_MAX)));
    }
    if faults.is_empty() { Ok((name, scopes)) } else { Err(faults) }
}

/// Names as stored, from the closed set; what a later version wrote and this one does not know gives nothing.
fn parse_scopes(stored: &str) -> impl Iterator<Item = TokenScope> + '_ {
    stored.split(' ').filter_map(TokenScope::parse)
}

impl<N> StoredToken<N> {
    /// What it may do, by name.
    pub(crate) fn scope_names(&self) -> Vec<&'static str> {
        parse_scopes(&self.scopes).map(TokenScope::name).collect()
    }
}

/// Makes a token. The secret is in the answer and nowhere else.
pub(crate) async fn make_token(
    shared: &Shared,
    cx: &Cx,
    by: &AccountId,
    wanted: Wanted,
) -> Result<(OpenToken, String)> {
    let (name, scopes) = check(&wanted).map_err(Fault::invalid_fields)?;
    let scopes = scopes.into_iter().map(TokenScope::name).collect::<Vec<_>>().join(" ");
    let id = TokenId::fresh();
    let secret = secret::make_api_token(cx.tenant())?;
    let keys = shared.vault.keys(cx, KeyClass::Data, Subject::Tenant).await?;
    let index = shared.vault.keys(cx, KeyClass::Index, Subject::Tenant).await?;
    let name_hash = index.hash("token name", name.to_lowercase().as_bytes())?;
    let actor = actor::pseudonym(cx, &shared.vault).await?;
    let expires_at = cx.now().checked_add(DAY * i32::try_from(wanted.days).unwrap_or(1)).unwrap_or(Timestamp::MAX);
    let sealed = keys.seal(&place(id), &name)?;
    let new = NewToken {
        id,
        hash: &secret::hash(&secret),
        name_hash: &name_hash,
        name: sealed.clone(),
        scopes: &scopes,
        made_by: by,
        made_at: cx.now(),
        expires_at,
    };
    let mut scoped = shared.store.write(cx).await?;
    // Takes the tenant's turn: what is counted next stays true.
    changes::record(&mut scoped, cx, "token", &id.to_string()).await?;
    let (ever, live) = sql::token_counts(&mut scoped).await?;
    if live >= i64::from(LIVE_MAX) || ever >= EVER_MAX {
        let detail = format!("There are at most {LIVE_MAX} tokens. Revoke those that are no longer used.");
        return Err(Fault::invalid_fields(vec![fault("", "too_many", detail, Some(LIVE_MAX))]));
    }
    if sql::token_named(&mut scoped, &name_hash).await? {
        let detail = "Another token has this name. Revoke that one first, or choose another name.".to_owned();
        return Err(Fault::invalid_fields(vec![fault("/name", "not_unique", detail, None)]));
    }
    sql::token_insert(&mut scoped, new).await?;
    let object = format!("{id} {scopes}");
    let entry = ledger::Entry { kind: "web.token_made", actor, subject: None, object: Some(&object) };
    ledger::append(&mut scoped, cx, entry).await?;
    scoped.commit().await?;
    let made = StoredToken {
        id,
        name: keys.open(&place(id), &sealed)?,
        scopes,
        made_by: by.clone(),
        made_at: cx.now(),
        expires_at,
        used_on: None,
    };
    Ok((made, secret))
}

/// Tokens that were not revoked, oldest first; those that expired among them.
pub(crate) async fn list_tokens(shared: &Shared, cx: &Cx) -> Result<Vec<OpenToken>> {
    let keys = shared.vault.keys(cx, KeyClass::Data, Subject::Tenant).await?;
    let stored = sql::token_list(&mut shared.store.read(cx).await?, LIVE_MAX).await?;
    stored.into_iter().map(|token| open(&keys, token)).collect()
}

/// The token that acts.
pub(crate) async fn read_token(shared: &Shared, cx: &Cx, id: TokenId) -> Result<OpenToken> {
    let keys = shared.vault.keys(cx, KeyClass::Data, Subject::Tenant).await?;
    let stored = sql::token_by_id(&mut shared.store.read(cx).await?, id).await?;
    open(&keys, stored.ok_or_else(unknown)?)
}

fn open(keys: &vault::Keys, token: StoredToken<kernel::Sealed<String>>) -> Result<OpenToken> {
    Ok(StoredToken {
        name: keys.open(&place(token.id), &token.name)?,
        id: token.id,
        scopes: token.scopes,
        made_by: token.made_by,
        made_at: token.made_at,
        expires_at: token.expires_at,
        used_on: token.used_on,
    })
}

/// Revokes a token: its hash is gone, so nothing opens with it from the commit on.
pub(crate) async fn revoke_token(shared: &Shared, cx: &Cx, id: TokenId) -> Result<()> {
    let actor = actor::pseudonym(cx, &shared.vault).await?;
    let mut scoped = shared.store.write(cx).await?;
    changes::record(&mut scoped, cx, "token", &id.to_string()).await?;
    if !sql::token_revoke(&mut scoped, id, cx.now()).await? {
        return Err(Fault::not_found());
    }
    let object = id.to_string();
    let entry = ledger::Entry { kind: "web.token_revoked", actor, subject: None, object: Some(&object) };
    ledger::append(&mut scoped, cx, entry).await?;
    scoped.commit().await
}

/// The token that a secret belongs to, with what it may; the day of its use is noted.
pub(crate) async fn find(shared: &Shared, door: &Cx, secret: &str) -> Result<Token> {
    let found = sql::token_by_hash(&mut shared.store.read(door).await?, &secret::hash(secret)).await?;
    let found = found.ok_or_else(unknown)?;
    if found.expires_at <= door.now() {
        return Err(Fault::unauthenticated(
            "token_expired",
            "This API token has expired. A Jira administrator can make a new one in Steward's settings.",
        ));
    }
    let today = day_of(door.now());
    if found.used_on.is_none_or(|day| day < today) {
        note_use(shared, door, found.id, today).await?;
    }
    Ok(Token::new(found.id, parse_scopes(&found.scopes)))
}

/// While the tenant is copied to another region its tokens open what they opened, and the day is not noted.
async fn note_use(shared: &Shared, door: &Cx, id: TokenId, today: Timestamp) -> Result<()> {
    let mut scoped = match shared.store.write(door).await {
        Ok(scoped) => scoped,
        Err(fault) if fault.code() == "site_moving" => return Ok(()),
        Err(fault) => return Err(fault),
    };
    sql::token_used(&mut scoped, id, today).await?;
    scoped.commit().await
}

/// The tenant of a token that has the right form; whether it is good is for [`find`] to say.
pub(crate) fn claimed_tenant(secret: &str) -> Result<kernel::TenantId> {
    secret::tenant_of_api_token(secret).ok_or_else(unknown)
}

/// The beginning of the day in UTC.
pub(crate) fn day_of(at: Timestamp) -> Timestamp {
    const DAY_SECONDS: i64 = Duration::from_secs(24 * 3600).as_secs() as i64;
    Timestamp::from_second(at.as_second().div_euclid(DAY_SECONDS) * DAY_SECONDS).unwrap_or(at)
}

/// Names of tokens, revoked ones too, for history that names them as authors.
pub async fn token_names(
    shared: &Shared,
    cx: &Cx,
    ids: impl IntoIterator<Item = TokenId>,
) -> Result<BTreeMap<TokenId, Open<String>>> {
    let mut names = BTreeMap::new();
    let keys = shared.vault.keys(cx, KeyClass::Data, Subject::Tenant).await?;
    for id in ids {
        if names.contains_key(&id) {
            continue;
        }
        let sealed = sql::token_name(&mut shared.store.read(cx).await?, id).await?;
        if let Some(sealed) = sealed {
            names.insert(id, keys.open(&place(id), &sealed)?);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_checked_as_a_whole() {
        #[track_caller]
        fn check_one(name: &str, scopes: &[&str], days: u32, expected: &[(&str, &str)]) {
            let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
            let faults = check(&Wanted { name: name.to_owned(), scopes, days }).err().unwrap_or_default();
            let told: Vec<_> = faults.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
            assert_eq!(told, expected);
        }
        check_one("Nightly import", &["customers:write", "customers:write"], 90, &[]);
        check_one("x", &["fields:read"], 1, &[]);
        check_one("x", &["fields:read"], 365, &[]);
        check_one("x", &["fields:read"], 366, &[("/expiresInDays", "out_of_range")]);
        check_one("x", &["fields:read"], 0, &[("/expiresInDays", "out_of_range")]);
        check_one("x", &[], 90, &[("/scopes", "required")]);
        check_one("x", &["fields:read", "everything"], 90, &[("/scopes/1", "unknown")]);
        check_one("  ", &["fields:read"], 90, &[("/name", "required")]);
        check_one("a\u{1}b", &["fields:read"], 90, &[("/name", "format")]);
        check_one(&"n".repeat(100), &["fields:read"], 90, &[]);
        check_one(&"n".repeat(101), &["fields:read"], 90, &[("/name", "too_long")]);
        check_one(
            "",
            &["x"],
            0,
            &[("/name", "required"), ("/scopes/0", "unknown"), ("/expiresInDays", "out_of_range")],
        );
    }

    #[test]
    fn a_use_is_noted_by_its_day() {
        #[track_caller]
        fn check(at: &str, expected: &str) {
            assert_eq!(at.parse().map(day_of).ok(), expected.parse().ok());
        }
        check("2026-11-22T23:59:59.999Z", "2026-11-22T00:00:00Z");
        check("2026-11-22T00:00:00Z", "2026-11-22T00:00:00Z");
        check("1969-12-31T12:00:00Z", "1969-12-31T00:00:00Z");
    }
}
