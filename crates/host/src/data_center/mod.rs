//! People and groups of a Jira Data Center, which knows no account ids: a person is a key and a name there, a group a
//! name, and any of these may say who somebody is.
//!
//! Here each gets an id that says nothing: a keyed hash of the key, the same for as long as the tenant lives, so that no
//! table is asked for it and two nodes never disagree. What leads back lies sealed under the person's own key. It must
//! never hand out a key or a name but to a call to that Jira. Start at [`Users::introduce`].

mod answer;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kernel::{AccountId, Cx, Fault, KeyClass, Result, RowName, TenantId};
use moka::future::Cache;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Store;
use vault::{Keys, Place, Subject, Vault};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::client::GroupId;
use crate::schema;
use crate::sql::{self, UserRow};

/// People whose names are kept in memory, so that a list that is read again writes nothing.
const KNOWN: u64 = 20_000;
/// Names of people who left the site are gone from memory after so long.
const KNOWN_TIME: Duration = Duration::from_secs(600);
/// Bytes of a keyed hash that an id holds: enough that no two people of a site ever share one.
const ID_BYTES: usize = 16;

/// How Data Center names a person. No `Debug`, wiped on drop.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
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

fn place(cx: &Cx, account: &AccountId) -> Place {
    Place::new(&schema::USER_IDENTITY, RowName::new().uuid(cx.tenant().0).text(account.as_str()))
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

    /// How Jira names a person.
    ///
    /// # Errors
    /// `NotFound` for somebody of whom this Jira never told.
    pub(crate) async fn named(&self, cx: &Cx, account: &AccountId) -> Result<Arc<Named>> {
        if let Some(named) = self.known.get(&(cx.tenant(), account.clone())).await {
            return Ok(named);
        }
        let found = self.kept(cx, std::slice::from_ref(account)).await?.remove(account);
        let named = Arc::new(found.ok_or_else(Fault::not_found)?);
        self.known.insert((cx.tenant(), account.clone()), named.clone()).await;
        Ok(named)
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
        let kept = self.kept(cx, &asked).await?;
        let changed: Vec<(&AccountId, &Named)> =
            news.iter().filter(|(account, person)| kept.get(*account) != Some(*person)).collect();
        let people: Vec<&AccountId> = changed.iter().map(|(account, _)| *account).collect();
        let keys = self.vault.keys_of_people(cx, KeyClass::Data, &people).await?;
        let mut rows = Vec::with_capacity(changed.len());
        for ((account, person), keys) in changed.into_iter().zip(keys) {
            rows.push((account, keys.seal(&place(cx, account), person)?));
        }
        if !rows.is_empty() {
            let mut scoped = self.store.write(cx).await?;
            for (account, identity) in rows {
                sql::user_keep(&mut scoped, cx, account, identity).await?;
            }
            scoped.commit().await?;
        }
        for (account, person) in news {
            self.known.insert((cx.tenant(), account), Arc::new(person)).await;
        }
        Ok(())
    }

    async fn kept(&self, cx: &Cx, accounts: &[AccountId]) -> Result<BTreeMap<AccountId, Named>> {
        let rows: Vec<UserRow> = sql::users(&mut self.store.read(cx).await?, accounts).await?;
        let people: Vec<&AccountId> = rows.iter().map(|row| &row.account).collect();
        let keys = self.vault.keys_of_people(cx, KeyClass::Data, &people).await?;
        let mut found = BTreeMap::new();
        for (row, keys) in rows.iter().zip(keys) {
            // The key of somebody who was erased is gone: then so is this.
            if let Ok(named) = keys.open(&place(cx, &row.account), &row.identity) {
                found.insert(row.account.clone(), named.peek().clone());
            }
        }
        Ok(found)
    }
}
