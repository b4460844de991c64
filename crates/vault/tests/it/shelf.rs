//! A shelf in memory that can be looked into, made to fail, and held in the middle of an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use kernel::{
    AccountId, Audience, Column, DataClass, Export, Fault, KeyClass, Result, Retention, RowName, Sealed, TenantId,
    sealed_column,
};
use tokio::sync::Semaphore;
use vault::{FileRootKey, KeyShelf, Place, ShelfKey, Vault, Wrap, WrapShelf};

type StoredKey = (Vec<u8>, Timestamp);

#[derive(Default)]
struct Kept {
    keys: BTreeMap<(TenantId, KeyClass), BTreeMap<u32, StoredKey>>,
    salts: BTreeMap<(TenantId, String), Vec<u8>>,
    gone: BTreeSet<TenantId>,
}

pub(crate) struct MemoryShelf {
    kept: Mutex<Kept>,
    pub(crate) down: AtomicBool,
    pub(crate) key_reads: AtomicUsize,
    /// Each reading of keys waits for a permit after it has read: without any, it stands in the middle.
    gate: Semaphore,
    /// Counts readings that have read and stand at the gate.
    pub(crate) at_gate: Semaphore,
}

impl MemoryShelf {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            kept: Mutex::default(),
            down: AtomicBool::new(false),
            key_reads: AtomicUsize::new(0),
            gate: Semaphore::new(Semaphore::MAX_PERMITS >> 1),
            at_gate: Semaphore::new(0),
        })
    }

    pub(crate) fn shut_gate(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS >> 1);
    }

    pub(crate) fn open_gate(&self) {
        self.gate.add_permits(1000);
    }

    pub(crate) fn mark_gone(&self, tenant: TenantId) {
        self.kept.lock().unwrap().gone.insert(tenant);
    }

    /// Every stored key and salt, as bytes.
    pub(crate) fn contents(&self) -> Vec<Vec<u8>> {
        let kept = self.kept.lock().unwrap();
        let keys = kept.keys.values().flat_map(BTreeMap::values).map(|(wrapped, _)| wrapped.clone());
        keys.chain(kept.salts.values().cloned()).collect()
    }

    /// Puts one tenant's wrapped keys where another's would lie.
    pub(crate) fn copy_keys(&self, from: TenantId, to: TenantId) {
        let mut kept = self.kept.lock().unwrap();
        let copies: Vec<_> =
            kept.keys.iter().filter(|((owner, _), _)| *owner == from).map(|(k, v)| (k.1, v.clone())).collect();
        kept.keys.extend(copies.into_iter().map(|(class, versions)| ((to, class), versions)));
    }

    /// As keys were wrapped before root keys had names.
    pub(crate) fn take_names_away(&self) {
        for (wrapped, _) in self.kept.lock().unwrap().keys.values_mut().flat_map(BTreeMap::values_mut) {
            if wrapped.len() > 60 {
                *wrapped = wrapped[2 + usize::from(wrapped[1])..].to_vec();
            }
        }
    }

    pub(crate) fn damage(&self, tenant: TenantId) {
        let mut kept = self.kept.lock().unwrap();
        let of_tenant = kept.keys.iter_mut().filter(|((owner, _), _)| *owner == tenant);
        for (wrapped, _) in of_tenant.flat_map(|(_, versions)| versions.values_mut()) {
            *wrapped.last_mut().unwrap() ^= 1;
        }
    }

    fn reachable(&self) -> Result<()> {
        if self.down.load(Ordering::SeqCst) {
            return Err(Fault::busy("store_unavailable", "The shelf is away.", None));
        }
        Ok(())
    }
}

#[async_trait]
impl KeyShelf for MemoryShelf {
    async fn keys(&self, tenant: TenantId, class: KeyClass) -> Result<Vec<ShelfKey>> {
        self.reachable()?;
        self.key_reads.fetch_add(1, Ordering::SeqCst);
        let read = {
            let kept = self.kept.lock().unwrap();
            let versions = kept.keys.get(&(tenant, class));
            let found = versions.into_iter().flatten().map(|(version, (wrapped, created_at))| ShelfKey {
                version: *version,
                wrapped: wrapped.clone(),
                created_at: *created_at,
            });
            found.collect()
        };
        self.at_gate.add_permits(1);
        self.gate.acquire().await.unwrap().forget();
        Ok(read)
    }

    async fn put_key(
        &self,
        tenant: TenantId,
        class: KeyClass,
        version: u32,
        wrapped: &[u8],
        at: Timestamp,
    ) -> Result<bool> {
        self.reachable()?;
        let mut kept = self.kept.lock().unwrap();
        let versions = kept.keys.entry((tenant, class)).or_default();
        if versions.contains_key(&version) {
            return Ok(false);
        }
        versions.insert(version, (wrapped.to_vec(), at));
        Ok(true)
    }

    async fn drop_key(&self, tenant: TenantId, class: KeyClass, version: u32) -> Result<()> {
        self.reachable()?;
        if let Some(versions) = self.kept.lock().unwrap().keys.get_mut(&(tenant, class)) {
            versions.remove(&version);
        }
        Ok(())
    }

    async fn drop_tenant(&self, tenant: TenantId) -> Result<(u64, u64)> {
        self.reachable()?;
        let mut kept = self.kept.lock().unwrap();
        let (mut keys, mut salts) = (0, 0);
        kept.keys.retain(|(owner, _), versions| {
            keys += if *owner == tenant { versions.len() as u64 } else { 0 };
            *owner != tenant
        });
        kept.salts.retain(|(owner, _), _| {
            salts += u64::from(*owner == tenant);
            *owner != tenant
        });
        Ok((keys, salts))
    }

    async fn is_gone(&self, tenant: TenantId) -> Result<bool> {
        self.reachable()?;
        Ok(self.kept.lock().unwrap().gone.contains(&tenant))
    }

    async fn salt(&self, tenant: TenantId, subject: &str) -> Result<Option<Vec<u8>>> {
        self.reachable()?;
        Ok(self.kept.lock().unwrap().salts.get(&(tenant, subject.to_owned())).cloned())
    }

    async fn put_salt(&self, tenant: TenantId, subject: &str, salt: &[u8], _at: Timestamp) -> Result<Vec<u8>> {
        self.reachable()?;
        let mut kept = self.kept.lock().unwrap();
        Ok(kept.salts.entry((tenant, subject.to_owned())).or_insert_with(|| salt.to_vec()).clone())
    }

    async fn drop_salt(&self, tenant: TenantId, subject: &str) -> Result<bool> {
        self.reachable()?;
        Ok(self.kept.lock().unwrap().salts.remove(&(tenant, subject.to_owned())).is_some())
    }
}

#[async_trait]
impl WrapShelf for MemoryShelf {
    async fn wraps(&self, after: Option<&Wrap>, limit: u32) -> Result<Vec<Wrap>> {
        self.reachable()?;
        let kept = self.kept.lock().unwrap();
        let all = kept.keys.iter().flat_map(|((tenant, class), versions)| {
            versions.iter().map(|(version, (wrapped, _))| Wrap {
                tenant: *tenant,
                class: *class,
                version: *version,
                wrapped: wrapped.clone(),
            })
        });
        let place = |wrap: &Wrap| (wrap.tenant, wrap.class, wrap.version);
        Ok(all.filter(|wrap| after.is_none_or(|after| place(wrap) > place(after))).take(limit as usize).collect())
    }

    async fn replace_wrap(&self, old: &Wrap, new: &[u8]) -> Result<bool> {
        self.reachable()?;
        let mut kept = self.kept.lock().unwrap();
        let found = kept.keys.get_mut(&(old.tenant, old.class)).and_then(|versions| versions.get_mut(&old.version));
        let Some((wrapped, _)) = found.filter(|(wrapped, _)| *wrapped == old.wrapped) else { return Ok(false) };
        *wrapped = new.to_vec();
        Ok(true)
    }

    async fn forget_replaced(&self) -> Result<()> {
        Ok(())
    }
}

static VALUE: DataClass = DataClass {
    name: "value",
    purpose: "Something to seal.",
    audience: Audience::Tenant,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Never,
};
pub(crate) static TEXT: Column = sealed_column("note", "text", KeyClass::Data, &VALUE);

pub(crate) fn place() -> Place {
    Place::new(&TEXT, RowName::new().text("1"))
}

pub(crate) fn now() -> Timestamp {
    "2026-03-01T00:00:00Z".parse().unwrap()
}

pub(crate) fn person(name: &str) -> AccountId {
    AccountId::new(name).unwrap()
}

pub(crate) fn again(sealed: &[u8]) -> Sealed<String> {
    Sealed::from_stored(sealed.to_vec())
}

/// A vault over `shelf`, with the root key that lies in `folder` (made if it is not there).
pub(crate) fn vault(shelf: &Arc<MemoryShelf>, folder: &Path) -> Vault {
    let path = folder.join("root.key");
    if !path.exists() {
        FileRootKey::create(&path).unwrap();
    }
    Vault::new(shelf.clone(), Arc::new(FileRootKey::read(&path).unwrap()))
}
