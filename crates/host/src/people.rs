//! Who somebody is: names and addresses from Jira, kept in a cache that is sealed, short-lived and never the truth.
//!
//! Everywhere else people are ids. A profile is fetched when a page first shows it, again after a day, and is gone
//! after seven at the latest, whatever happens. Start at [`People::profiles`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use jobs::{Handler, Outcome};
use kernel::{AccountId, Cx, Fault, KeyClass, Kind, Result, RowName, TenantId};
use moka::future::Cache;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Store;
use vault::{Open, Place, Vault};
use zeroize::Zeroize;

use crate::client::{As, Cloud, Customer, Jira, User};
use crate::schema;
use crate::sql::{self, PersonRow};

/// After so long a profile is asked for again when it is next shown.
const FRESH: SignedDuration = SignedDuration::from_hours(24);
/// After so long it is not shown at all; the sweep takes it away.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The nightly refresh takes what would not live another two days.
const REFRESH_AFTER: SignedDuration = SignedDuration::from_hours(5 * 24);
/// Profiles asked for at once: a page of a list, and as many again.
pub const PROFILES: usize = 200;
/// Profiles refreshed in one slice of a job.
const SLICE: u32 = 90;
/// Accounts that Jira did not know are not asked for again for a while.
const UNKNOWN_TIME: Duration = Duration::from_secs(300);
const UNKNOWN_KEPT: u64 = 10_000;

/// What the cache holds of a person. No `Debug`, no `Display`; sealed at rest, wiped with the [`Open`] that holds it.
#[derive(Default, Serialize, Deserialize, Zeroize)]
pub struct Profile {
    /// The name that Jira shows.
    pub name: String,
    /// The address; Jira may withhold it.
    pub email: Option<String>,
    /// False for closed and deactivated accounts.
    pub active: bool,
    /// IANA name of the time zone.
    pub time_zone: Option<String>,
    /// Language tag.
    pub locale: Option<String>,
    /// Whether Jira said all of this of the person alone, and not as one of a list that says less.
    #[serde(default)]
    pub whole: bool,
}

impl From<&User> for Profile {
    fn from(user: &User) -> Self {
        Self {
            name: user.display_name.as_ref().map(|name| name.peek().to_owned()).unwrap_or_default(),
            email: user.email_address.as_ref().map(|email| email.peek().to_owned()),
            active: user.active,
            time_zone: user.time_zone.clone(),
            locale: user.locale.clone(),
            whole: true,
        }
    }
}

impl From<&Customer> for Profile {
    fn from(customer: &Customer) -> Self {
        Self {
            name: customer.display_name.as_ref().map(|name| name.peek().to_owned()).unwrap_or_default(),
            email: customer.email_address.as_ref().map(|email| email.peek().to_owned()),
            active: customer.active,
            time_zone: customer.time_zone.clone(),
            locale: None,
            whole: false,
        }
    }
}

/// The cache; cheap to clone.
#[derive(Clone)]
pub struct People {
    store: Store,
    vault: Vault,
    cloud: Cloud,
    unknown: Cache<(TenantId, AccountId), ()>,
}

struct Cached {
    profile: Open<Profile>,
    fetched_at: Timestamp,
}

impl People {
    pub(crate) fn new(store: Store, vault: Vault, cloud: Cloud) -> Self {
        Self {
            store,
            vault,
            cloud,
            unknown: Cache::builder().max_capacity(UNKNOWN_KEPT).time_to_live(UNKNOWN_TIME).build(),
        }
    }

    /// The profiles of up to [`PROFILES`] accounts. Those that Jira does not know are left out. While Jira does not
    /// answer, what is kept serves for up to seven days; an account that is not kept is then left out too.
    pub async fn profiles(&self, cx: &Cx, accounts: &[AccountId]) -> Result<BTreeMap<AccountId, Open<Profile>>> {
        if accounts.len() > PROFILES {
            return Err(Fault::broken("people_too_many", "more profiles than a page shows"));
        }
        let mut found = self.cached(cx, accounts).await?;
        let mut wanted = Vec::new();
        for account in accounts {
            let young = found.get(account).is_some_and(|cached| age(cx, cached.fetched_at) < FRESH);
            let unknown = self.unknown.get(&(cx.tenant(), account.clone())).await.is_some();
            if !young && !unknown && !wanted.contains(account) {
                wanted.push(account.clone());
            }
        }
        if !wanted.is_empty() {
            let jira = Jira::for_tenant(&self.cloud, cx, As::App);
            match self.refresh(cx, &jira, &wanted).await {
                Ok(fresh) => found.extend(fresh),
                Err(fault) if fault.kind() == Kind::Busy => {
                    tracing::warn!(event = "profiles_not_refreshed", code = fault.code());
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(found.into_iter().map(|(account, cached)| (account, cached.profile)).collect())
    }

    /// One profile.
    pub async fn profile(&self, cx: &Cx, account: &AccountId) -> Result<Option<Open<Profile>>> {
        Ok(self.profiles(cx, std::slice::from_ref(account)).await?.remove(account))
    }

    /// Somebody with all that Jira says of them, where what is kept came from a list that says less: a desk's customers have no language. While
    /// Jira does not answer, what is kept serves. It grows no younger by this, so that what was read of everybody stands.
    pub async fn whole(&self, cx: &Cx, account: &AccountId, kept: Open<Profile>) -> Result<Open<Profile>> {
        if kept.peek().whole {
            return Ok(kept);
        }
        let Some(cached) = self.cached(cx, std::slice::from_ref(account)).await?.remove(account) else {
            return Ok(kept);
        };
        let jira = Jira::for_tenant(&self.cloud, cx, As::App);
        let users = match jira.users(std::slice::from_ref(account)).await {
            Ok(users) => users,
            Err(fault) => {
                tracing::warn!(event = "profiles_not_refreshed", code = fault.code());
                return Ok(kept);
            }
        };
        let Some(user) = users.first() else { return Ok(kept) };
        let mut profile = Profile::from(user);
        // Lists tell addresses that this answer withholds.
        if profile.email.is_none() {
            profile.email.clone_from(&kept.peek().email);
        }
        let mut now = self.seal_and_keep(cx, &[(account.clone(), profile)], cached.fetched_at).await?;
        Ok(now.remove(account).map_or(kept, |cached| cached.profile))
    }

    /// How many people are kept, and when the newest was: what was read of them stands while this does.
    pub async fn stamp(&self, cx: &Cx) -> Result<(i64, Option<i64>)> {
        sql::person_stamp(&mut self.store.read(cx).await?).await
    }

    /// Keeps what Jira just said of people in another answer, so that it need not be asked for again.
    pub async fn keep(&self, cx: &Cx, people: &[(AccountId, Profile)]) -> Result<()> {
        self.seal_and_keep(cx, people, cx.now()).await.map(drop)
    }

    /// Forgets a person: an account was closed or changed.
    pub async fn forget(&self, cx: &Cx, account: &AccountId) -> Result<()> {
        self.cloud.0.users.forget(cx, account).await?;
        let mut scoped = self.store.note(cx).await?;
        sql::person_drop(&mut scoped, account).await?;
        scoped.commit().await
    }

    async fn cached(&self, cx: &Cx, accounts: &[AccountId]) -> Result<BTreeMap<AccountId, Cached>> {
        let mut rows = sql::people(&mut self.store.read(cx).await?, accounts).await?;
        rows.retain(|(_, row)| age(cx, row.fetched_at) < KEPT);
        let people: Vec<&AccountId> = rows.iter().map(|(account, _)| account).collect();
        let keys = self.vault.keys_of_people(cx, KeyClass::Names, &people).await?;
        let mut found = BTreeMap::new();
        for ((account, row), keys) in rows.iter().zip(keys) {
            // Its key of the week may be gone: then so is the entry.
            if let Ok(profile) = keys.open(&place(cx, account), &row.profile) {
                found.insert(account.clone(), Cached { profile, fetched_at: row.fetched_at });
            }
        }
        Ok(found)
    }

    async fn refresh(&self, cx: &Cx, jira: &Jira<'_>, accounts: &[AccountId]) -> Result<BTreeMap<AccountId, Cached>> {
        let users = jira.users(accounts).await?;
        let people: Vec<_> = users.iter().map(|user| (user.account_id.clone(), Profile::from(user))).collect();
        for account in accounts.iter().filter(|account| !people.iter().any(|(known, _)| known == *account)) {
            self.forget(cx, account).await?;
            self.unknown.insert((cx.tenant(), account.clone()), ()).await;
        }
        self.seal_and_keep(cx, &people, cx.now()).await
    }

    async fn seal_and_keep(
        &self,
        cx: &Cx,
        people: &[(AccountId, Profile)],
        fetched_at: Timestamp,
    ) -> Result<BTreeMap<AccountId, Cached>> {
        let accounts: Vec<&AccountId> = people.iter().map(|(account, _)| account).collect();
        let keys = self.vault.keys_of_people(cx, KeyClass::Names, &accounts).await?;
        let (mut kept, mut rows) = (BTreeMap::new(), BTreeMap::new());
        for ((account, profile), keys) in people.iter().zip(keys) {
            let place = place(cx, account);
            let sealed = keys.seal(&place, profile)?;
            let opened = keys.open(&place, &sealed)?;
            kept.insert(account.clone(), Cached { profile: opened, fetched_at });
            rows.insert(account, PersonRow { profile: sealed, active: profile.active, fetched_at });
        }
        if !rows.is_empty() {
            let mut scoped = self.store.note(cx).await?;
            sql::people_keep(&mut scoped, rows).await?;
            scoped.commit().await?;
        }
        Ok(kept)
    }
}

fn age(cx: &Cx, at: Timestamp) -> SignedDuration {
    cx.now().duration_since(at)
}

fn place(cx: &Cx, account: &AccountId) -> Place {
    Place::new(&schema::PROFILE, RowName::new().uuid(cx.tenant().0).text(account.as_str()))
}

/// The job that forgets a person whom Jira tells a change of.
pub(crate) struct ForgetChanged(pub(crate) People);

#[async_trait]
impl Handler for ForgetChanged {
    fn kind(&self) -> &'static str {
        "host.forget_person"
    }

    fn topic(&self) -> Option<&'static str> {
        Some(crate::events::USER_TOPIC)
    }

    async fn run(&self, cx: &Cx, payload: &Value) -> Result<Outcome> {
        let account = payload.get("account").and_then(Value::as_str);
        if let Some(account) = account.and_then(|account| AccountId::new(account).ok()) {
            self.0.forget(cx, &account).await?;
        }
        Ok(Outcome::Done)
    }
}

/// The job that refreshes a tenant's profiles before they end, a slice at a time.
pub(crate) struct RefreshProfiles(pub(crate) People);

/// Its kind, for the schedule.
pub(crate) const REFRESH_KIND: &str = "host.refresh_profiles";

#[async_trait]
impl Handler for RefreshProfiles {
    fn kind(&self) -> &'static str {
        REFRESH_KIND
    }

    async fn run(&self, cx: &Cx, _: &Value) -> Result<Outcome> {
        let before = cx.now().checked_sub(REFRESH_AFTER).unwrap_or(Timestamp::MIN);
        let due = sql::person_oldest(&mut self.0.store.read(cx).await?, before, SLICE).await?;
        if due.is_empty() {
            return Ok(Outcome::Done);
        }
        let jira = Jira::for_tenant(&self.0.cloud, cx, As::App).in_background();
        self.0.refresh(cx, &jira, &due).await?;
        Ok(Outcome::Again(Value::Null))
    }
}

pub(crate) fn handlers(people: &People) -> Vec<Arc<dyn Handler>> {
    vec![Arc::new(ForgetChanged(people.clone())), Arc::new(RefreshProfiles(people.clone()))]
}
