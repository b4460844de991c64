//! A vault whose shelf is in memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::{Result, anyhow};
use async_trait::async_trait;
use jiff::Timestamp;
use kernel::{KeyClass, TenantId};
use vault::{FileRootKey, KeyShelf, ShelfKey, Vault};

pub(crate) fn fault(fault: kernel::Fault) -> anyhow::Error {
    anyhow!("the vault or the index failed: {}", fault.code())
}

/// A vault under a new root key in `folder`.
pub(crate) fn vault(folder: &Path) -> Result<Vault> {
    let root = folder.join("root.key");
    FileRootKey::create(&root)?;
    Ok(Vault::new(Arc::new(MemoryShelf::default()), Arc::new(FileRootKey::read(&root)?)))
}

/// A shelf that costs nothing, so that what is measured is the vault.
#[derive(Default)]
struct MemoryShelf {
    keys: Mutex<BTreeMap<u32, Vec<u8>>>,
    salt: Mutex<Option<Vec<u8>>>,
}

fn unusable<T>(_: T) -> kernel::Fault {
    kernel::Fault::broken("bench_shelf", "a lock is poisoned")
}

#[async_trait]
impl KeyShelf for MemoryShelf {
    async fn keys(&self, _: TenantId, _: KeyClass) -> kernel::Result<Vec<ShelfKey>> {
        let keys = self.keys.lock().map_err(unusable)?;
        let key = |(version, wrapped): (&u32, &Vec<u8>)| ShelfKey {
            version: *version,
            wrapped: wrapped.clone(),
            created_at: Timestamp::UNIX_EPOCH,
        };
        Ok(keys.iter().map(key).collect())
    }

    async fn put_key(
        &self,
        _: TenantId,
        _: KeyClass,
        version: u32,
        wrapped: &[u8],
        _: Timestamp,
    ) -> kernel::Result<bool> {
        Ok(self.keys.lock().map_err(unusable)?.insert(version, wrapped.to_vec()).is_none())
    }

    async fn drop_key(&self, _: TenantId, _: KeyClass, _: u32) -> kernel::Result<()> {
        Ok(())
    }

    async fn drop_tenant(&self, _: TenantId) -> kernel::Result<(u64, u64)> {
        Ok((0, 0))
    }

    async fn is_gone(&self, _: TenantId) -> kernel::Result<bool> {
        Ok(false)
    }

    async fn salt(&self, _: TenantId, _: &str) -> kernel::Result<Option<Vec<u8>>> {
        Ok(self.salt.lock().map_err(unusable)?.clone())
    }

    async fn put_salt(&self, _: TenantId, _: &str, salt: &[u8], _: Timestamp) -> kernel::Result<Vec<u8>> {
        *self.salt.lock().map_err(unusable)? = Some(salt.to_vec());
        Ok(salt.to_vec())
    }

    async fn drop_salt(&self, _: TenantId, _: &str) -> kernel::Result<bool> {
        Ok(false)
    }
}
