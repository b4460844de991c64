//! The vault: from a tenant and a subject to their [`Keys`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use kernel::{AccountId, Cx, Fault, KeyClass, Result, TenantId};
use moka::future::Cache;
use zeroize::Zeroizing;

use super::keys::{KeySet, Keys, Subject};
use crate::hazmat::format::wrapping_context;
use crate::hazmat::kdf::{KEY_BYTES, Secret};
use crate::root::{RootKey, RootKeyFault};
use crate::shelf::KeyShelf;

/// Derived keys kept in memory: one a person who is being looked at. 50,000 are about 60 MB.
const CACHED_KEY_SETS: u64 = 50_000;
/// How long another node's destruction may take to be felt here; this node's is felt at once.
const CACHE_TIME: Duration = Duration::from_secs(30);

type CacheKey = (TenantId, KeyClass, Option<String>);

/// Seals and opens; cheap to clone.
#[derive(Clone)]
pub struct Vault {
    shelf: Arc<dyn KeyShelf>,
    root: Arc<dyn RootKey>,
    sets: Cache<CacheKey, Keys>,
    /// Counts what was forgotten: a derivation that began before and ended after may hold what is destroyed.
    forgotten: Arc<AtomicU64>,
}

/// How old a tenant's keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAge {
    /// Which version.
    pub version: u32,
    /// Since when.
    pub created_at: Timestamp,
}

/// What a destruction took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destroyed {
    /// Versions of tenant keys.
    pub keys: u64,
    /// Subjects' salts.
    pub salts: u64,
}

fn root_fault(fault: RootKeyFault) -> Fault {
    Fault::broken("vault_root_key", fault)
}

fn fresh_secret() -> Result<Secret> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    aws_lc_rs::rand::fill(key.as_mut_slice()).map_err(|_| Fault::broken("vault_random", "no randomness"))?;
    Ok(key)
}

impl Vault {
    /// Joins a shelf and a root key.
    pub fn new(shelf: Arc<dyn KeyShelf>, root: Arc<dyn RootKey>) -> Self {
        Self {
            shelf,
            root,
            sets: Cache::builder()
                .max_capacity(CACHED_KEY_SETS)
                .time_to_live(CACHE_TIME)
                .support_invalidation_closures()
                .build(),
            forgotten: Arc::default(),
        }
    }

    /// The keys of a subject, of the context's tenant.
    pub async fn keys(&self, cx: &Cx, class: KeyClass, subject: Subject<'_>) -> Result<Keys> {
        self.keys_of(cx.tenant(), class, subject, cx.now()).await
    }

    /// The same for doors that have no context yet. Makes the first version, and a subject's salt, where missing; a
    /// tenant that left gets none.
    pub async fn keys_of(
        &self,
        tenant: TenantId,
        class: KeyClass,
        subject: Subject<'_>,
        now: Timestamp,
    ) -> Result<Keys> {
        loop {
            let before = self.forgotten.load(Ordering::SeqCst);
            let keys = Box::pin(self.cached(tenant, class, subject, now)).await?;
            if self.forgotten.load(Ordering::SeqCst) == before {
                return Ok(keys);
            }
            let key = (tenant, class, subject.name().map(str::to_owned));
            if self.sets.get(&key).await.is_some_and(|cached| Arc::ptr_eq(&cached.0, &keys.0)) {
                self.sets.invalidate(&key).await;
            }
        }
    }

    /// Sees to it that each of these people has a salt, in one write of the shelf: for whoever is about to ask for the
    /// keys of many.
    pub async fn meet(&self, cx: &Cx, people: &[&AccountId]) -> Result<()> {
        let tenant = cx.tenant();
        if self.shelf.is_gone(tenant).await? {
            return Err(Fault::not_found());
        }
        let mut fresh = Vec::new();
        for account in people {
            if self.shelf.salt(tenant, account.as_str()).await?.is_none() {
                fresh.push((account.as_str(), fresh_secret()?));
            }
        }
        if fresh.is_empty() {
            return Ok(());
        }
        let salts: Vec<(&str, &[u8])> = fresh.iter().map(|(subject, salt)| (*subject, salt.as_slice())).collect();
        self.shelf.put_salts(tenant, &salts, cx.now()).await
    }

    async fn cached(&self, tenant: TenantId, class: KeyClass, subject: Subject<'_>, now: Timestamp) -> Result<Keys> {
        let name = subject.name().map(str::to_owned);
        let made = self.sets.try_get_with((tenant, class, name.clone()), async move {
            if self.shelf.is_gone(tenant).await? {
                return Err(Fault::not_found());
            }
            let tenant_keys = self.tenant_keys(tenant, class, now).await?;
            let salt = match &name {
                None => Vec::new(),
                Some(subject) => self.salt(tenant, subject, now).await?,
            };
            Ok(Keys(Arc::new(KeySet::derive(tenant, class, name.as_deref(), &salt, &tenant_keys)?)))
        });
        made.await.map_err(|shared: Arc<Fault>| again(&shared))
    }

    async fn salt(&self, tenant: TenantId, subject: &str, now: Timestamp) -> Result<Vec<u8>> {
        if let Some(salt) = self.shelf.salt(tenant, subject).await? {
            return Ok(salt);
        }
        self.shelf.put_salt(tenant, subject, fresh_secret()?.as_slice(), now).await
    }

    async fn tenant_keys(&self, tenant: TenantId, class: KeyClass, now: Timestamp) -> Result<BTreeMap<u32, Secret>> {
        let mut stored = self.shelf.keys(tenant, class).await?;
        if stored.is_empty() {
            self.put_version(tenant, class, 1, now).await?;
            stored = self.shelf.keys(tenant, class).await?;
        }
        let mut keys = BTreeMap::new();
        for key in stored {
            let context = wrapping_context(tenant, class, key.version);
            let bytes = self.root.unwrap(&context, &key.wrapped).await.map_err(root_fault)?;
            let secret: [u8; KEY_BYTES] = bytes
                .as_slice()
                .try_into()
                .map_err(|_| Fault::broken("vault_key", "a wrapped key of the wrong length"))?;
            keys.insert(key.version, Zeroizing::new(secret));
        }
        Ok(keys)
    }

    async fn put_version(&self, tenant: TenantId, class: KeyClass, version: u32, now: Timestamp) -> Result<bool> {
        let secret = fresh_secret()?;
        let context = wrapping_context(tenant, class, version);
        let wrapped = self.root.wrap(&context, secret.as_slice()).await.map_err(root_fault)?;
        self.shelf.put_key(tenant, class, version, &wrapped, now).await
    }

    /// Makes a new version, which seals from now on; answers its number. Older ones still open until they are
    /// destroyed. Two nodes that rotate at once make one version. A tenant that left gets none.
    pub async fn rotate(&self, tenant: TenantId, class: KeyClass, now: Timestamp) -> Result<u32> {
        if self.shelf.is_gone(tenant).await? {
            return Err(Fault::not_found());
        }
        let newest = self.shelf.keys(tenant, class).await?.last().map_or(0, |key| key.version);
        self.put_version(tenant, class, newest + 1, now).await?;
        self.forget(tenant).await;
        Ok(newest + 1)
    }

    /// The versions on the shelf, oldest first.
    pub async fn versions(&self, tenant: TenantId, class: KeyClass) -> Result<Vec<KeyAge>> {
        let keys = self.shelf.keys(tenant, class).await?;
        Ok(keys.into_iter().map(|key| KeyAge { version: key.version, created_at: key.created_at }).collect())
    }

    /// Destroys one version. What lies under it does not open again.
    pub async fn destroy_version(&self, tenant: TenantId, class: KeyClass, version: u32) -> Result<()> {
        self.shelf.drop_key(tenant, class, version).await?;
        self.forget(tenant).await;
        Ok(())
    }

    /// Destroys a person's salt: nothing of theirs opens again. False when there was none.
    pub async fn destroy_subject(&self, tenant: TenantId, account: &AccountId) -> Result<bool> {
        let dropped = self.shelf.drop_salt(tenant, account.as_str()).await?;
        self.forget(tenant).await;
        Ok(dropped)
    }

    /// Destroys all of a tenant's keys and salts. Repeatable.
    pub async fn destroy_tenant(&self, tenant: TenantId) -> Result<Destroyed> {
        let (keys, salts) = self.shelf.drop_tenant(tenant).await?;
        self.forget(tenant).await;
        Ok(Destroyed { keys, salts })
    }

    /// Drops what is kept in memory of a tenant.
    pub async fn forget(&self, tenant: TenantId) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        // Fails only on a cache built without closures, which this one is not.
        let _ = self.sets.invalidate_entries_if(move |(owner, _, _), _| *owner == tenant);
        self.sets.run_pending_tasks().await;
    }

    /// Whether the root key opens the shelf: proven on the keys of the server itself.
    pub async fn prove(&self, now: Timestamp) -> Result<()> {
        self.keys_of(TenantId::SERVER, KeyClass::Data, Subject::Tenant, now).await.map(|_| ())
    }
}

/// Waiters on one failed derivation share its fault; each gets its own.
fn again(shared: &Fault) -> Fault {
    match shared.kind() {
        kernel::Kind::NotFound => Fault::not_found(),
        kernel::Kind::Busy => Fault::busy(shared.code(), shared.text().to_owned(), shared.retry_after()),
        _ => Fault::broken(
            shared.code(),
            shared.private_source().map_or_else(|| shared.code().to_owned(), ToString::to_string),
        ),
    }
}
