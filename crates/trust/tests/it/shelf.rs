//! The key shelf in a database of its own, as the program joins it to the vault.

use async_trait::async_trait;
use jiff::Timestamp;
use kernel::{KeyClass, Result, TenantId};
use store::{Store, shelf, tenants};
use vault::{KeyShelf, ShelfKey};

pub(crate) struct Shelf {
    pub(crate) keys: Store,
    pub(crate) rows: Store,
}

#[async_trait]
impl KeyShelf for Shelf {
    async fn keys(&self, tenant: TenantId, class: KeyClass) -> Result<Vec<ShelfKey>> {
        let keys = shelf::keys(&self.keys, tenant, class).await?;
        let read = |key: shelf::WrappedKey| ShelfKey {
            version: key.version,
            wrapped: key.wrapped,
            created_at: key.created_at,
        };
        Ok(keys.into_iter().map(read).collect())
    }

    async fn put_key(
        &self,
        tenant: TenantId,
        class: KeyClass,
        version: u32,
        wrapped: &[u8],
        at: Timestamp,
    ) -> Result<bool> {
        shelf::put_key(&self.keys, tenant, class, version, wrapped, at).await
    }

    async fn drop_key(&self, tenant: TenantId, class: KeyClass, version: u32) -> Result<()> {
        shelf::drop_key(&self.keys, tenant, class, version).await
    }

    async fn drop_tenant(&self, tenant: TenantId) -> Result<(u64, u64)> {
        shelf::drop_tenant(&self.keys, tenant).await
    }

    async fn is_gone(&self, tenant: TenantId) -> Result<bool> {
        Ok(tenants::state_of(&self.rows, tenant).await? == Some(tenants::State::Gone))
    }

    async fn salt(&self, tenant: TenantId, subject: &str) -> Result<Option<Vec<u8>>> {
        shelf::salt(&self.keys, tenant, subject).await
    }

    async fn put_salt(&self, tenant: TenantId, subject: &str, salt: &[u8], at: Timestamp) -> Result<Vec<u8>> {
        shelf::put_salt(&self.keys, tenant, subject, salt, at).await
    }

    async fn drop_salt(&self, tenant: TenantId, subject: &str) -> Result<bool> {
        shelf::drop_salt(&self.keys, tenant, subject).await
    }
}
