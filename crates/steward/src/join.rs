//! The vault's need of a shelf, met by the store.

use async_trait::async_trait;
use jiff::Timestamp;
use kernel::{Fault, KeyClass, Result, TenantId};
use store::{Store, shelf, tenants};
use vault::{KeyShelf, ShelfKey, Wrap, WrapShelf};

/// The shelf's database, and the main one for who has left.
#[derive(Clone)]
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

    async fn salts(&self, tenant: TenantId, subjects: &[&str]) -> Result<Vec<(String, Vec<u8>)>> {
        shelf::salts(&self.shelf, tenant, subjects).await
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

#[async_trait]
impl WrapShelf for StoreShelf {
    async fn wraps(&self, after: Option<&Wrap>, limit: u32) -> Result<Vec<Wrap>> {
        // No family of keys has an empty name: the first of all comes after it.
        let after = after.map_or((TenantId::SERVER, "", 0), |wrap| (wrap.tenant, wrap.class.name(), wrap.version));
        let rows = shelf::wraps(&self.shelf, after, limit).await?;
        let read = |row: shelf::WrapRow| {
            let class = KeyClass::ALL.into_iter().find(|class| class.name() == row.keys);
            let class = class.ok_or_else(|| Fault::broken("shelf_class", "a key of no known family"))?;
            Ok(Wrap { tenant: row.tenant, class, version: row.version, wrapped: row.wrapped })
        };
        rows.into_iter().map(read).collect()
    }

    async fn replace_wrap(&self, old: &Wrap, new: &[u8]) -> Result<bool> {
        let place = (old.tenant, old.class, old.version);
        shelf::replace_wrapped(&self.shelf, place, &old.wrapped, new).await
    }

    async fn forget_replaced(&self) -> Result<()> {
        self.shelf.forget_deleted().await
    }
}
