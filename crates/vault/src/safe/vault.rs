//! The vault: from a tenant and a subject to their [`Keys`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use kernel::{AccountId, Cx, Fault, KeyClass, Result, TenantId};
use moka::future::Cache;
use zeroize::Zeroizing;

use super::channel::{Line, Said};
use super::keys::{self, KeySet, Keys, Subject};
use super::roots::Roots;
use crate::hazmat::format::wrapping_context;
use crate::hazmat::kdf::{KEY_BYTES, Secret};
use crate::root::RootKey;
use crate::shelf::{KeyShelf, ShelfKey};

/// Derived keys kept in memory: one a person who is being looked at. 50,000 are about 60 MB.
const CACHED_KEY_SETS: u64 = 50_000;
/// How long another node's destruction may take to be felt here; this node's is felt at once.
const CACHE_TIME: Duration = Duration::from_secs(30);
/// What a key service unwrapped: one entry a tenant, class and version. 20,000 are about 6 MB.
const KEPT_KEYS: u64 = 20_000;
/// After so long the service is asked again: a root key that it refuses from then on is felt within the hour.
const ASKED_AGAIN: Duration = Duration::from_secs(3600);
/// While the service does not answer, what it unwrapped goes on for a day: long enough for somebody to be called.
const KEPT_TIME: Duration = Duration::from_secs(24 * 3600);

/// A wrapped key with all that its wrapping is bound to: moved elsewhere on the shelf, it is not found.
type KeptKey = (TenantId, KeyClass, u32, Vec<u8>);
type CacheKey = (TenantId, KeyClass, Option<String>);

struct Parts {
    shelf: Arc<dyn KeyShelf>,
    roots: Roots,
    sets: Cache<CacheKey, Keys>,
    /// The tenant keys that only a call unwraps, and when they were.
    kept: Cache<KeptKey, (Arc<Secret>, Timestamp)>,
    /// Counts what was forgotten: a derivation that began before and ended after may hold what is destroyed.
    forgotten: AtomicU64,
}

/// Seals and opens; cheap to clone.
#[derive(Clone)]
pub struct Vault(Arc<Parts>);

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

fn fresh_secret() -> Result<Secret> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    aws_lc_rs::rand::fill(key.as_mut_slice()).map_err(|_| Fault::broken("vault_random", "no randomness"))?;
    Ok(key)
}

impl Vault {
    /// Joins a shelf and a root key.
    pub fn new(shelf: Arc<dyn KeyShelf>, root: Arc<dyn RootKey>) -> Self {
        Self::with_roots(shelf, Roots::new(root))
    }

    /// Joins a shelf and the root keys that open it.
    pub fn with_roots(shelf: Arc<dyn KeyShelf>, roots: Roots) -> Self {
        Self(Arc::new(Parts {
            shelf,
            roots,
            kept: Cache::builder()
                .max_capacity(KEPT_KEYS)
                .time_to_live(KEPT_TIME)
                .support_invalidation_closures()
                .build(),
            sets: Cache::builder()
                .max_capacity(CACHED_KEY_SETS)
                .time_to_live(CACHE_TIME)
                .support_invalidation_closures()
                .build(),
            forgotten: AtomicU64::new(0),
        }))
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
            let before = self.0.forgotten.load(Ordering::SeqCst);
            let keys = Box::pin(self.cached(tenant, class, subject, now)).await?;
            if self.0.forgotten.load(Ordering::SeqCst) == before {
                return Ok(keys);
            }
            let key = (tenant, class, subject.name().map(str::to_owned));
            if self.0.sets.get(&key).await.is_some_and(|cached| Arc::ptr_eq(&cached.0, &keys.0)) {
                self.0.sets.invalidate(&key).await;
            }
        }
    }

    /// The keys of many people, in their order: the shelf is read once for all of them, and written at most once. For
    /// bulk writes, which would else wait for each person in turn. They are not kept in memory: whoever goes through a
    /// whole site would push out the keys of those who are being looked at.
    pub async fn keys_of_people(&self, cx: &Cx, class: KeyClass, people: &[&AccountId]) -> Result<Vec<Keys>> {
        if people.is_empty() {
            return Ok(Vec::new());
        }
        let (tenant, now) = (cx.tenant(), cx.now());
        if self.0.shelf.is_gone(tenant).await? {
            return Err(Fault::not_found());
        }
        let tenant_keys = self.tenant_keys(tenant, class, now).await?;
        let mut names: Vec<&str> = people.iter().map(|account| account.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let salts = self.salts(tenant, &names, now).await?;
        let derive = |account: &&AccountId| {
            let name = account.as_str();
            let salt = salts.get(name).ok_or_else(|| Fault::broken("vault_salt", "a salt that was put is gone"))?;
            Ok(Keys(Arc::new(KeySet::derive(tenant, class, Some(name), salt, &tenant_keys)?)))
        };
        people.iter().map(derive).collect()
    }

    /// The salts of these subjects; those that have none get one, all in one write.
    async fn salts(&self, tenant: TenantId, names: &[&str], now: Timestamp) -> Result<BTreeMap<String, Vec<u8>>> {
        let mut salts: BTreeMap<_, _> = self.0.shelf.salts(tenant, names).await?.into_iter().collect();
        let without: Vec<&str> = names.iter().filter(|name| !salts.contains_key(**name)).copied().collect();
        if !without.is_empty() {
            let fresh = without.iter().map(|name| Ok((*name, fresh_secret()?))).collect::<Result<Vec<_>>>()?;
            let put: Vec<(&str, &[u8])> = fresh.iter().map(|(name, salt)| (*name, salt.as_slice())).collect();
            self.0.shelf.put_salts(tenant, &put, now).await?;
            // Another node may have been first: what stands is what counts.
            salts.extend(self.0.shelf.salts(tenant, &without).await?);
        }
        Ok(salts)
    }

    async fn cached(&self, tenant: TenantId, class: KeyClass, subject: Subject<'_>, now: Timestamp) -> Result<Keys> {
        let name = subject.name().map(str::to_owned);
        let made = self.0.sets.try_get_with((tenant, class, name.clone()), async move {
            if self.0.shelf.is_gone(tenant).await? {
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
        if let Some(salt) = self.0.shelf.salt(tenant, subject).await? {
            return Ok(salt);
        }
        self.0.shelf.put_salt(tenant, subject, fresh_secret()?.as_slice(), now).await
    }

    async fn tenant_keys(&self, tenant: TenantId, class: KeyClass, now: Timestamp) -> Result<BTreeMap<u32, Secret>> {
        let mut stored = self.0.shelf.keys(tenant, class).await?;
        if stored.is_empty() {
            self.put_version(tenant, class, 1, now).await?;
            stored = self.0.shelf.keys(tenant, class).await?;
        }
        let mut keys = BTreeMap::new();
        for key in stored {
            keys.insert(key.version, self.unwrapped(tenant, class, &key, now).await?);
        }
        Ok(keys)
    }

    /// A tenant key, from memory if only a call would unwrap it. The shelf was asked just now: what is no longer on it
    /// is not found here either.
    async fn unwrapped(&self, tenant: TenantId, class: KeyClass, key: &ShelfKey, now: Timestamp) -> Result<Secret> {
        let unwrap = self.0.roots.unwrap(tenant, class, key.version, &key.wrapped);
        if !self.0.roots.is_far(&key.wrapped) {
            return unwrap.await;
        }
        let place = (tenant, class, key.version, key.wrapped.clone());
        let kept = self.0.kept.get(&place).await;
        if let Some((secret, at)) = &kept
            && now.duration_since(*at).unsigned_abs() < ASKED_AGAIN
        {
            return Ok(Secret::clone(secret));
        }
        match (unwrap.await, kept) {
            (Ok(secret), _) => {
                self.0.kept.insert(place, (Arc::new(secret.clone()), now)).await;
                Ok(secret)
            }
            (Err(fault), Some((secret, _))) if fault.kind() == kernel::Kind::Busy => Ok(Secret::clone(&secret)),
            (Err(fault), _) => {
                self.0.kept.invalidate(&place).await;
                Err(fault)
            }
        }
    }

    async fn put_version(&self, tenant: TenantId, class: KeyClass, version: u32, now: Timestamp) -> Result<bool> {
        let secret = fresh_secret()?;
        let wrapped = self.0.roots.wrap(tenant, class, version, &secret).await?;
        self.0.shelf.put_key(tenant, class, version, &wrapped, now).await
    }

    /// Makes a new version, which seals from now on; answers its number. Older ones still open until they are
    /// destroyed. Two nodes that rotate at once make one version. A tenant that left gets none.
    pub async fn rotate(&self, tenant: TenantId, class: KeyClass, now: Timestamp) -> Result<u32> {
        if self.0.shelf.is_gone(tenant).await? {
            return Err(Fault::not_found());
        }
        let newest = self.0.shelf.keys(tenant, class).await?.last().map_or(0, |key| key.version);
        self.put_version(tenant, class, newest + 1, now).await?;
        self.forget(tenant).await;
        Ok(newest + 1)
    }

    /// The versions on the shelf, oldest first.
    pub async fn versions(&self, tenant: TenantId, class: KeyClass) -> Result<Vec<KeyAge>> {
        let keys = self.0.shelf.keys(tenant, class).await?;
        Ok(keys.into_iter().map(|key| KeyAge { version: key.version, created_at: key.created_at }).collect())
    }

    /// Destroys one version. What lies under it does not open again.
    pub async fn destroy_version(&self, tenant: TenantId, class: KeyClass, version: u32) -> Result<()> {
        self.0.shelf.drop_key(tenant, class, version).await?;
        self.forget(tenant).await;
        Ok(())
    }

    /// Destroys a person's salt: nothing of theirs opens again, and no cache that may hold something of theirs does.
    /// False when they had none.
    pub async fn destroy_subject(&self, tenant: TenantId, account: &AccountId) -> Result<bool> {
        let dropped = self.0.shelf.drop_salt(tenant, account.as_str()).await?;
        for cache in keys::Cache::ALL {
            self.0.shelf.drop_salt(tenant, cache.name()).await?;
        }
        self.forget(tenant).await;
        Ok(dropped)
    }

    /// Destroys all of a tenant's keys and salts. Repeatable.
    pub async fn destroy_tenant(&self, tenant: TenantId) -> Result<Destroyed> {
        let (keys, salts) = self.0.shelf.drop_tenant(tenant).await?;
        self.forget(tenant).await;
        Ok(Destroyed { keys, salts })
    }

    /// A tenant's key as it lies here, wrapped anew for another server of the same operator's.
    pub async fn hand_over(
        &self,
        line: &Line,
        (tenant, class, version): (TenantId, KeyClass, u32),
        wrapped: &[u8],
    ) -> Result<Vec<u8>> {
        let key = self.0.roots.unwrap(tenant, class, version, wrapped).await?;
        line.seal(Said::Key, &[&wrapping_context(tenant, class, version)], key.as_slice())
    }

    /// A tenant's key that another server of the same operator's handed over, wrapped by this one's root key.
    pub async fn take_over(
        &self,
        line: &Line,
        (tenant, class, version): (TenantId, KeyClass, u32),
        handed: &[u8],
    ) -> Result<Vec<u8>> {
        let key = line.open(Said::Key, &[&wrapping_context(tenant, class, version)], handed)?;
        let secret: [u8; KEY_BYTES] =
            key.as_slice().try_into().map_err(|_| Fault::broken("vault_key", "a key of the wrong length"))?;
        self.0.roots.wrap(tenant, class, version, &Zeroizing::new(secret)).await
    }

    /// Drops what is kept in memory of a tenant.
    pub async fn forget(&self, tenant: TenantId) {
        self.0.forgotten.fetch_add(1, Ordering::SeqCst);
        // Fails only on a cache built without closures, which this one is not.
        let _ = self.0.sets.invalidate_entries_if(move |(owner, _, _), _| *owner == tenant);
        let _ = self.0.kept.invalidate_entries_if(move |(owner, ..), _| *owner == tenant);
        self.0.sets.run_pending_tasks().await;
        self.0.kept.run_pending_tasks().await;
    }

    /// Whether the root key opens the shelf: proven on the keys of the server itself.
    pub async fn prove(&self, now: Timestamp) -> Result<()> {
        self.keys_of(TenantId::SERVER, KeyClass::Data, Subject::Tenant, now).await.map(|_| ())
    }
}

/// Waiters on one failed derivation share its fault; each gets its own.
fn again(shared: &Fault) -> Fault {
    let source = shared.private_source().map_or_else(|| shared.code().to_owned(), ToString::to_string);
    match shared.kind() {
        kernel::Kind::NotFound => Fault::not_found(),
        kernel::Kind::Busy => {
            Fault::busy(shared.code(), shared.text().to_owned(), shared.retry_after()).because(source)
        }
        _ => Fault::broken(shared.code(), source),
    }
}
