//! People and groups of a Jira Data Center, which knows no account ids: a person is a key and a name there, a group a
//! name, and any of these may say who somebody is.
//!
//! Here each gets an id that says nothing: a keyed hash of the key, the same for as long as the tenant lives, so that no
//! table is asked for it and two nodes never disagree. The key, which leads back, lies sealed under the person's own key, and the
//! name in a cache that ends within a week, as other names do. It must
//! never hand out a key or a name but to a call to that Jira. Start at [`Users::introduce`].

mod answer;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use kernel::{AccountId, Column, Cx, Fault, KeyClass, Result, RowName, Sealed, TenantId};
use moka::future::Cache;
use serde_json::Value;
use store::Store;
use vault::{Keys, Place, Subject, Vault};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::client::GroupId;
use crate::schema;
use crate::sql::{self, UserNameRow};

/// People whose names are kept in memory, so that a list that is read again writes nothing.
const KNOWN: u64 = 20_000;
/// Names of people who left the site are gone from memory after so long.
const KNOWN_TIME: Duration = Duration::from_secs(600);
/// A name that Jira says again is written again when it is older, so that one in use does not end.
const FRESH: SignedDuration = SignedDuration::from_hours(24);
/// After so long a name is not used at all; the sweep takes it away.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Bytes of a keyed hash that an id holds: enough that no two people of a site ever share one.
const ID_BYTES: usize = 16;

/// How Data Center names a person. No `Debug`, wiped on drop.
#[derive(Clone, Default, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Named {
    /// Stays when the person is renamed.
    pub(crate) key: String,
    /// What the person signs in with: often an e-mail address.
    pub(crate) name: String,
}

/// The people of all tenants on Data Center; cheap to clone.
#[derive(Clone)]
pub(crate) struct Users {
    store: Store,
    vault: Vault,
    known: Cache<(TenantId, AccountId), Arc<Named>>,
}

fn id(keys: &Keys, domain: &str, text: &str) -> Result<String> {
    let hash = keys.hash(domain, text.as_bytes())?;
    Ok(format!("dc-{}", hex::encode(hash.get(..ID_BYTES).unwrap_or_default())))
}

fn place(cx: &Cx, column: &'static Column, account: &AccountId) -> Place {
    Place::new(column, RowName::new().uuid(cx.tenant().0).text(account.as_str()))
}

impl Users {
    pub(crate) fn new(store: Store, vault: Vault) -> Self {
        let known = Cache::builder().max_capacity(KNOWN).time_to_live(KNOWN_TIME).build();
        Self { store, vault, known }
    }

    /// The keys of ids: they are not rotated, so an id stays.
    async fn keys(&self, cx: &Cx) -> Result<Keys> {
        self.vault.keys(cx, KeyClass::Index, Subject::Tenant).await
    }

    /// The id of whoever has this key.
    pub(crate) async fn account(&self, cx: &Cx, key: &str) -> Result<AccountId> {
        AccountId::new(id(&self.keys(cx).await?, "data-center-user", key)?)
    }

    /// The id of the group of this name.
    pub(crate) async fn group(&self, cx: &Cx, name: &str) -> Result<GroupId> {
        GroupId::new(id(&self.keys(cx).await?, "data-center-group", name)?)
    }

    /// Gives each person in an answer of Jira's an id, where Cloud would have one, and keeps how Jira names them.
    pub(crate) async fn introduce(&self, cx: &Cx, answer: &mut Value) -> Result<()> {
        let people = answer::people(answer);
        if people.is_empty() {
            return Ok(());
        }
        let accounts = self.keep(cx, people).await?;
        answer::identify(answer, &accounts);
        Ok(())
    }

    /// The key of a person.
    ///
    /// # Errors
    /// `NotFound` for somebody of whom this Jira never told.
    pub(crate) async fn key(&self, cx: &Cx, account: &AccountId) -> Result<Zeroizing<String>> {
        if let Some(known) = self.known.get(&(cx.tenant(), account.clone())).await {
            return Ok(Zeroizing::new(known.key.clone()));
        }
        self.kept_keys(cx, std::slice::from_ref(account)).await?.remove(account).ok_or_else(Fault::not_found)
    }

    /// What a person signs in with, if it is known here: else Jira is asked for them by their key, and introduces them.
    pub(crate) async fn name(&self, cx: &Cx, account: &AccountId) -> Result<Option<Zeroizing<String>>> {
        if let Some(known) = self.known.get(&(cx.tenant(), account.clone())).await {
            return Ok(Some(Zeroizing::new(known.name.clone())));
        }
        Ok(self.kept_names(cx, std::slice::from_ref(account)).await?.remove(account).map(|(name, _)| name))
    }

    /// Forgets what somebody signs in with: the account was closed or changed.
    pub(crate) async fn forget(&self, cx: &Cx, account: &AccountId) -> Result<()> {
        let mut scoped = self.store.write(cx).await?;
        sql::user_name_drop(&mut scoped, account).await?;
        scoped.commit().await?;
        self.known.invalidate(&(cx.tenant(), account.clone())).await;
        Ok(())
    }

    /// Their ids, in the same order.
    async fn keep(&self, cx: &Cx, people: Vec<Named>) -> Result<Vec<AccountId>> {
        let keys = self.keys(cx).await?;
        let (mut accounts, mut news) = (Vec::with_capacity(people.len()), BTreeMap::new());
        for person in people {
            let account = AccountId::new(id(&keys, "data-center-user", &person.key)?)?;
            let known = self.known.get(&(cx.tenant(), account.clone())).await;
            if known.is_none_or(|known| *known != person) {
                news.insert(account.clone(), person);
            }
            accounts.push(account);
        }
        if !news.is_empty() {
            self.write(cx, news).await?;
        }
        Ok(accounts)
    }

    async fn write(&self, cx: &Cx, news: BTreeMap<AccountId, Named>) -> Result<()> {
        let asked: Vec<AccountId> = news.keys().cloned().collect();
        let keys = self.kept_keys(cx, &asked).await?;
        let keys = self.sealed(
            cx,
            &schema::USER_KEY,
            KeyClass::Data,
            news.iter().filter_map(|(account, person)| (!keys.contains_key(account)).then_some((account, &person.key))),
        );
        let keys = keys.await?;
        let names = self.kept_names(cx, &asked).await?;
        let names = self.sealed(
            cx,
            &schema::USER_NAME,
            KeyClass::Names,
            news.iter().filter_map(|(account, person)| {
                let stands = names.get(account).is_some_and(|(name, age)| **name == person.name && *age < FRESH);
                (!stands).then_some((account, &person.name))
            }),
        );
        let names = names.await?;
        if !keys.is_empty() || !names.is_empty() {
            let mut scoped = self.store.write(cx).await?;
            for (account, key) in keys {
                sql::user_key_keep(&mut scoped, cx, account, key).await?;
            }
            for (account, name) in names {
                sql::user_name_keep(&mut scoped, cx, account, name).await?;
            }
            scoped.commit().await?;
        }
        for (account, person) in news {
            self.known.insert((cx.tenant(), account), Arc::new(person)).await;
        }
        Ok(())
    }

    /// Each text sealed under its person's own key.
    async fn sealed<'a>(
        &self,
        cx: &Cx,
        column: &'static Column,
        class: KeyClass,
        texts: impl Iterator<Item = (&'a AccountId, &'a String)>,
    ) -> Result<Vec<(&'a AccountId, Sealed<String>)>> {
        let texts: Vec<_> = texts.collect();
        let people: Vec<&AccountId> = texts.iter().map(|(account, _)| *account).collect();
        let keys = self.vault.keys_of_people(cx, class, &people).await?;
        let sealing = texts.into_iter().zip(keys);
        sealing.map(|((account, text), keys)| Ok((account, keys.seal(&place(cx, column, account), text)?))).collect()
    }

    async fn kept_keys(&self, cx: &Cx, accounts: &[AccountId]) -> Result<BTreeMap<AccountId, Zeroizing<String>>> {
        let rows = sql::user_keys(&mut self.store.read(cx).await?, accounts).await?;
        let people: Vec<&AccountId> = rows.iter().map(|(account, _)| account).collect();
        let keys = self.vault.keys_of_people(cx, KeyClass::Data, &people).await?;
        let mut found = BTreeMap::new();
        for ((account, key), keys) in rows.iter().zip(keys) {
            // The key of somebody who was erased is gone: then so is this.
            if let Ok(key) = keys.open(&place(cx, &schema::USER_KEY, account), key) {
                found.insert(account.clone(), Zeroizing::new(key.peek().clone()));
            }
        }
        Ok(found)
    }

    /// Names, and how old they are.
    async fn kept_names(
        &self,
        cx: &Cx,
        accounts: &[AccountId],
    ) -> Result<BTreeMap<AccountId, (Zeroizing<String>, SignedDuration)>> {
        let mut rows = sql::user_names(&mut self.store.read(cx).await?, accounts).await?;
        let age = |row: &UserNameRow| cx.now().duration_since(row.fetched_at);
        rows.retain(|row| age(row) < KEPT);
        let people: Vec<&AccountId> = rows.iter().map(|row| &row.account).collect();
        let keys = self.vault.keys_of_people(cx, KeyClass::Names, &people).await?;
        let mut found = BTreeMap::new();
        for (row, keys) in rows.iter().zip(keys) {
            // Its key of the week may be gone: then so is the entry.
            if let Ok(name) = keys.open(&place(cx, &schema::USER_NAME, &row.account), &row.name) {
                found.insert(row.account.clone(), (Zeroizing::new(name.peek().clone()), age(row)));
            }
        }
        Ok(found)
    }
}
