//! The vault's need of a shelf, met by the store.

use async_trait::async_trait;
use jiff::Timestamp;
use kernel::{KeyClass, Result, TenantId};
use store::{Store, shelf, tenants};
use vault::{KeyShelf, ShelfKey};

/// The shelf's database, and the main one for who has left.
pub(crate) struct StoreShelf {
    pub(crate) shelf: Store,
    pub(crate) store: Store,
}

#[async_trait]
impl KeyShelf for StoreShelf {
    async fn keys(&self, tenant: TenantId, class: KeyClass) -> Result<Vec<ShelfKey>> {
        let keys = shelf::keys(&self.shelf, tenant, class).await?;
        Ok(keys
            .into_iter()
            .map(|key| ShelfKey { version: key.version, wrapped: key.wrapped, created_at: key.created_at })
            .collect())
    }

    async fn put_key(
        &self,
        tenant: TenantId,
        class: KeyClass,
        version: u32,
        wrapped: &[u8],
        at: Timestamp,
    ) -> Result<bool> {
        shelf::put_key(&self.shelf, tenant, class, version, wrapped, at).await
    }

    async fn drop_key(&self, tenant: TenantId, class: KeyClass, version: u32) -> Result<()> {
        shelf::drop_key(&self.shelf, tenant, class, version).await
    }

    async fn drop_tenant(&self, tenant: TenantId) -> Result<(u64, u64)> {
        shelf::drop_tenant(&self.shelf, tenant).await
    }

    async fn is_gone(&self, tenant: TenantId) -> Result<bool> {
        Ok(tenants::state_of(&self.store, tenant).await? == Some(tenants::State::Gone))
    }

    async fn salt(&self, tenant: TenantId, subject: &str) -> Result<Option<Vec<u8>>> {
        shelf::salt(&self.shelf, tenant, subject).await
    }

    async fn put_salt(&self, tenant: TenantId, subject: &str, salt: &[u8], at: Timestamp) -> Result<Vec<u8>> {
        shelf::put_salt(&self.shelf, tenant, subject, salt, at).await
    }

    async fn put_salts(&self, tenant: TenantId, salts: &[(&str, &[u8])], at: Timestamp) -> Result<()> {
        shelf::put_salts(&self.shelf, tenant, salts, at).await
    }

    async fn drop_salt(&self, tenant: TenantId, subject: &str) -> Result<bool> {
        shelf::drop_salt(&self.shelf, tenant, subject).await
    }
}
