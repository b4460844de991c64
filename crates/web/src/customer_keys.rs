//! Keys with which customers' own sites sign: made or pasted by an administrator, until they end or are deleted.
//!
//! Each token's key is looked up where they lie, in no cache, so that one that was deleted opens nothing from the commit on; the sessions that it opened go
//! with it. The secret is told once. Start at [`make_key`]; signing in is `customer_sign_in`.

use aws_lc_rs::rand;
use host::customer_token::{CustomerKey, KeyText};
use jiff::{SignedDuration, Timestamp};
use kernel::{AccountId, Cx, Fault, FieldFault, KeyClass, Result, RowName};
use serde::{Deserialize, Serialize};
use store::{changes, ledger};
use uuid::Uuid;
use vault::{Open, Place, Subject};
use zeroize::Zeroize;

use crate::router::Shared;
use crate::sql::{self, NewKey, StoredKey};
use crate::{actor, schema, secret};

/// Characters of a key's name.
const NAME_CHARS: usize = 100;
/// Days that a key lives when nobody says, and at most: whoever keeps the other half may be gone by then.
pub(crate) const DAYS_MAX: u32 = 365;
/// Keys of a tenant: one for each of its sites, with room for their successors.
pub(crate) const KEYS_MAX: u32 = 20;
/// Begins a secret of ours, so that a scanner of sources can tell one.
const SECRET: &str = "stwk";
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What people call a key, and how tokens name it.
#[derive(Clone, Default, Serialize, Deserialize, Zeroize)]
pub(crate) struct KeyBody {
    pub(crate) name: String,
    pub(crate) kid: String,
}

/// A key whose name is open.
pub(crate) type OpenKey = StoredKey<Open<KeyBody>>;

/// What somebody wants a key to be.
pub(crate) struct Wanted {
    pub(crate) name: String,
    /// Of a site that has a pair of its own; else a secret is made.
    pub(crate) public: Option<String>,
    pub(crate) days: u32,
}

fn body_place(id: Uuid) -> Place {
    Place::new(&schema::CUSTOMER_KEY_BODY, RowName::new().uuid(id))
}

fn material_place(id: Uuid) -> Place {
    Place::new(&schema::CUSTOMER_KEY_MATERIAL, RowName::new().uuid(id))
}

fn fault(pointer: &str, code: &'static str, detail: String, limit: Option<u64>) -> FieldFault {
    FieldFault { pointer: pointer.to_owned(), code, detail, limit }
}

/// The name as it is kept, with every mistake named.
fn check(wanted: &Wanted) -> Result<String, Vec<FieldFault>> {
    let mut faults = Vec::new();
    let name = wanted.name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() {
        faults.push(fault("/name", "required", "Give it a name: that of the site that signs.".to_owned(), None));
    }
    if name.chars().count() > NAME_CHARS {
        let detail = format!("A name has at most {NAME_CHARS} characters.");
        faults.push(fault("/name", "too_long", detail, Some(NAME_CHARS as u64)));
    }
    if name.chars().any(char::is_control) {
        let detail = "A name stands on one line, without control characters.".to_owned();
        faults.push(fault("/name", "format", detail, None));
    }
    if !(1..=DAYS_MAX).contains(&wanted.days) {
        let detail = format!("A key lives for 1 to {DAYS_MAX} days.");
        faults.push(fault("/expiresInDays", "out_of_range", detail, Some(DAYS_MAX.into())));
    }
    if faults.is_empty() { Ok(name) } else { Err(faults) }
}

async fn kid_hash(shared: &Shared, cx: &Cx, kid: &str) -> Result<Vec<u8>> {
    let keys = shared.vault.keys(cx, KeyClass::Index, Subject::Tenant).await?;
    Ok(keys.hash("customer key", kid.as_bytes())?.to_vec())
}

/// Makes a key. A secret is in the answer and nowhere else.
pub(crate) async fn make_key(
    shared: &Shared,
    cx: &Cx,
    by: &AccountId,
    wanted: Wanted,
) -> Result<(OpenKey, Option<String>)> {
    let name = check(&wanted).map_err(Fault::invalid_fields)?;
    let pasted = wanted.public.as_deref().map(CustomerKey::pasted).transpose()?;
    let told = if pasted.is_none() { Some(secret::make(SECRET, cx.tenant())?) } else { None };
    let (key, kid) = match (pasted, &told) {
        (Some((key, kid)), _) => (key, kid),
        (None, Some(secret)) => (CustomerKey::secret(secret), None),
        (None, None) => return Err(Fault::broken("customer_key", "a key of neither kind")),
    };
    let id = fresh_id()?;
    let body = KeyBody { name, kid: kid.unwrap_or_else(|| id.to_string()) };
    let hash = kid_hash(shared, cx, &body.kid).await?;
    let data = shared.vault.keys(cx, KeyClass::Data, Subject::Tenant).await?;
    let credential = shared.vault.keys(cx, KeyClass::Credential, Subject::Tenant).await?;
    let sealed = data.seal(&body_place(id), &body)?;
    let material = credential.seal(&material_place(id), &key.text())?;
    let actor = actor::pseudonym(cx, &shared.vault).await?;
    let expires_at = cx.now().checked_add(DAY * i32::try_from(wanted.days).unwrap_or(1)).unwrap_or(Timestamp::MAX);
    let algorithm = key.algorithm().name();
    let mut scoped = shared.store.write(cx).await?;
    // Takes the tenant's turn: what is counted next stays true.
    changes::record(&mut scoped, cx, "customer_key", &id.to_string()).await?;
    if sql::customer_key_count(&mut scoped).await? >= i64::from(KEYS_MAX) {
        let detail = format!("There are at most {KEYS_MAX} keys. Delete those that are no longer used.");
        return Err(Fault::invalid_fields(vec![fault("", "too_many", detail, Some(KEYS_MAX.into()))]));
    }
    if sql::customer_key_by_kid(&mut scoped, &hash).await?.is_some() {
        let detail = "Another key has the same `kid`. Delete that one first, or give this one another.".to_owned();
        return Err(Fault::invalid_fields(vec![fault("/publicKey", "not_unique", detail, None)]));
    }
    let new = NewKey {
        id,
        kid_hash: &hash,
        body: sealed.clone(),
        material,
        algorithm,
        made_by: by,
        made_at: cx.now(),
        expires_at,
    };
    sql::customer_key_insert(&mut scoped, new).await?;
    let object = format!("{id} {algorithm}");
    let entry = ledger::Entry { kind: "web.customer_key_made", actor, subject: None, object: Some(&object) };
    ledger::append(&mut scoped, cx, entry).await?;
    scoped.commit().await?;
    let made = StoredKey {
        id,
        body: data.open(&body_place(id), &sealed)?,
        algorithm: algorithm.to_owned(),
        made_by: by.clone(),
        made_at: cx.now(),
        expires_at,
        used_on: None,
        refused_at: None,
        refused_why: None,
    };
    Ok((made, told))
}

/// Random, and not by time: it stands in tokens that are seen elsewhere.
fn fresh_id() -> Result<Uuid> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| Fault::broken("customer_key_random", "no randomness"))?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

/// All keys, oldest first; those that ended among them.
pub(crate) async fn list_keys(shared: &Shared, cx: &Cx) -> Result<Vec<OpenKey>> {
    let keys = shared.vault.keys(cx, KeyClass::Data, Subject::Tenant).await?;
    let stored = sql::customer_key_list(&mut shared.store.read(cx).await?, KEYS_MAX).await?;
    stored
        .into_iter()
        .map(|key| {
            Ok(StoredKey {
                body: keys.open(&body_place(key.id), &key.body)?,
                id: key.id,
                algorithm: key.algorithm,
                made_by: key.made_by,
                made_at: key.made_at,
                expires_at: key.expires_at,
                used_on: key.used_on,
                refused_at: key.refused_at,
                refused_why: key.refused_why,
            })
        })
        .collect()
}

/// Deletes a key, and ends the sessions that it opened.
pub(crate) async fn delete_key(shared: &Shared, cx: &Cx, id: Uuid) -> Result<()> {
    let actor = actor::pseudonym(cx, &shared.vault).await?;
    let mut scoped = shared.store.write(cx).await?;
    changes::record(&mut scoped, cx, "customer_key", &id.to_string()).await?;
    if !sql::customer_key_delete(&mut scoped, id).await? {
        return Err(Fault::not_found());
    }
    sql::session_drop_signed(&mut scoped, id).await?;
    let object = id.to_string();
    let entry = ledger::Entry { kind: "web.customer_key_deleted", actor, subject: None, object: Some(&object) };
    ledger::append(&mut scoped, cx, entry).await?;
    scoped.commit().await
}

/// The key that a token names, opened.
pub(crate) struct Named {
    pub(crate) id: Uuid,
    pub(crate) key: CustomerKey,
    pub(crate) expires_at: Timestamp,
}

/// The key of this `kid`, if the context's tenant has it.
pub(crate) async fn find(shared: &Shared, door: &Cx, kid: &str) -> Result<Option<Named>> {
    let hash = kid_hash(shared, door, kid).await?;
    let found = sql::customer_key_by_kid(&mut shared.store.read(door).await?, &hash).await?;
    let Some(found) = found else { return Ok(None) };
    let credential = shared.vault.keys(door, KeyClass::Credential, Subject::Tenant).await?;
    let text: Open<KeyText> = credential.open(&material_place(found.id), &found.material)?;
    Ok(Some(Named { id: found.id, key: CustomerKey::of(text.peek())?, expires_at: found.expires_at }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_checked_as_a_whole() {
        #[track_caller]
        fn check_one(name: &str, days: u32, expected: &[(&str, &str)]) {
            let faults = check(&Wanted { name: name.to_owned(), public: None, days }).err().unwrap_or_default();
            let told: Vec<_> = faults.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
            assert_eq!(told, expected);
        }
        check_one("Shop", 365, &[]);
        check_one("Shop", 1, &[]);
        check_one("Shop", 0, &[("/expiresInDays", "out_of_range")]);
        check_one("Shop", 366, &[("/expiresInDays", "out_of_range")]);
        check_one(" ", 90, &[("/name", "required")]);
        check_one("a\u{1}b", 90, &[("/name", "format")]);
        check_one(&"n".repeat(101), 0, &[("/name", "too_long"), ("/expiresInDays", "out_of_range")]);
    }
}
