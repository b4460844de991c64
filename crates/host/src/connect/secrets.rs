//! The secret that a site and this server share since its install: sealed under keys of the class `credential`; never logged,
//! never in an answer. Calls to the site read it anew; calls of the site's are judged by what is [`held`](Held) open for seconds.

use std::sync::Arc;

use aws_lc_rs::digest;
use jiff::{SignedDuration, Timestamp};
use kernel::{Cx, KeyClass, Result, RowName, TenantId};
use serde::{Deserialize, Serialize};
use store::{Scoped, Store};
use vault::{Keys, Open, Place, Subject, Vault};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::held::{Held, Looking};
use super::token;
use crate::schema;
use crate::sql;

/// How long what was signed with the secret before is still taken: as long as Jira's tokens of pages live, of which one
/// may have been given out just before.
const FORMER_TIME: SignedDuration = SignedDuration::from_mins(15);

/// What an install brings. No `Debug`, wiped on drop.
#[derive(Clone, Default, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Shared {
    client_key: String,
    secret: String,
    oauth_client: Option<String>,
    former: Option<Former>,
}

#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct Former {
    secret: String,
    /// Unix seconds.
    until: i64,
}

impl Shared {
    pub(crate) fn new(client_key: &str, secret: &str, oauth_client: Option<&str>) -> Self {
        let oauth_client = oauth_client.map(str::to_owned);
        Self { client_key: client_key.to_owned(), secret: secret.to_owned(), oauth_client, former: None }
    }

    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    pub(crate) fn client_key(&self) -> &str {
        &self.client_key
    }

    /// The app's id at the authorization server, where the site named one.
    pub(crate) fn oauth_client(&self) -> Option<&str> {
        self.oauth_client.as_deref()
    }

    /// The secret before this one, while it is still taken.
    pub(crate) fn former(&self, now: Timestamp) -> Option<&str> {
        self.former.as_ref().filter(|former| now.as_second() < former.until).map(|former| former.secret.as_str())
    }

    /// Takes the place of another.
    fn after(mut self, before: &Self, now: Timestamp) -> Self {
        self.former = if before.secret == self.secret {
            before.former.clone()
        } else {
            let until = now.checked_add(FORMER_TIME).unwrap_or(now).as_second();
            Some(Former { secret: before.secret.clone(), until })
        };
        self
    }
}

/// The secrets of all tenants; cheap to clone.
#[derive(Clone)]
pub(crate) struct Secrets {
    store: Store,
    vault: Vault,
    held: Held<Open<Shared>>,
}

/// What a site shares with us, as it stands.
pub(crate) struct Read {
    shared: Open<Shared>,
    looking: Looking,
}

impl Read {
    pub(crate) fn peek(&self) -> &Shared {
        self.shared.peek()
    }
}

fn place(cx: &Cx) -> Place {
    Place::new(&schema::CONNECT_SECRET, RowName::new().uuid(cx.tenant().0))
}

impl Secrets {
    pub(crate) fn new(store: Store, vault: Vault) -> Self {
        Self { store, vault, held: Held::default() }
    }

    /// The keys that secrets are sealed with; fetched before a transaction begins.
    pub(crate) async fn keys(&self, cx: &Cx) -> Result<Keys> {
        self.vault.keys(cx, KeyClass::Credential, Subject::Tenant).await
    }

    /// What the tenant's site shares with us, if it has Connect.
    pub(crate) async fn of(&self, cx: &Cx) -> Result<Option<Open<Shared>>> {
        let Some(sealed) = sql::connect_secret(&mut self.store.read(cx).await?).await? else { return Ok(None) };
        self.keys(cx).await?.open(&place(cx), &sealed).map(Some)
    }

    /// The same, if it is held open.
    pub(crate) fn held(&self, tenant: TenantId) -> Option<Arc<Open<Shared>>> {
        self.held.get(tenant)
    }

    /// The same, whatever is held; to be [held](Self::hold) if it proves something.
    pub(crate) async fn read(&self, cx: &Cx) -> Result<Option<Read>> {
        let looking = self.held.look();
        Ok(self.of(cx).await?.map(|shared| Read { shared, looking }))
    }

    /// Holds open what was read.
    pub(crate) fn hold(&self, tenant: TenantId, read: Read) {
        self.held.put(tenant, Arc::new(read.shared), read.looking);
    }

    /// Holds nothing of the tenant's open any more, after a change.
    pub(crate) fn forget(&self, tenant: TenantId) {
        self.held.forget(tenant);
    }

    /// Puts what an install brought in the place of what was, in the caller's transaction.
    pub(crate) async fn put(&self, scoped: &mut Scoped, cx: &Cx, keys: &Keys, new: Shared) -> Result<()> {
        let new = match sql::connect_secret(scoped).await? {
            Some(sealed) => new.after(keys.open(&place(cx), &sealed)?.peek(), cx.now()),
            None => new,
        };
        sql::connect_secret_put(scoped, cx, keys.seal(&place(cx), &new)?).await
    }
}

/// By what a token is known again: what it signs, since a signature may be written in more than one way.
pub(crate) fn token_hash(token: &str) -> Vec<u8> {
    hash(token.rsplit_once('.').map_or(token, |(signed, _)| signed).as_bytes())
}

pub(crate) fn hash(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

/// Whether a secret is one of Connect's.
pub(crate) fn is_secret(text: &str) -> bool {
    token::SECRET_BYTES.contains(&text.len()) && text.chars().all(|sign| sign.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_secret_before_is_taken_for_a_while_and_no_longer() {
        let start: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let later = |minutes: i64| start.checked_add(SignedDuration::from_mins(minutes)).unwrap();
        let shared = |secret: &str| Shared::new("site", secret, None);
        let first = shared("one");
        assert_eq!(first.former(start), None);
        let second = shared("two").after(&first, start);
        assert_eq!((second.secret(), second.former(later(14))), ("two", Some("one")));
        assert_eq!(second.former(later(15)), None);
        // Told once more: the time does not begin anew.
        let again = shared("two").after(&second, later(10));
        assert_eq!((again.former(later(14)), again.former(later(15))), (Some("one"), None));
        // Only one before is taken.
        let third = shared("three").after(&second, later(1));
        assert_eq!(third.former(later(2)), Some("two"));
    }
}
