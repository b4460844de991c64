//! What the vault needs of the shelf where wrapped keys and salts lie. `steward` joins it to `store`.

use async_trait::async_trait;
use jiff::Timestamp;
use kernel::{KeyClass, Result, TenantId};

/// One wrapped version of a tenant's key.
pub struct ShelfKey {
    /// 1, 2, 3 …
    pub version: u32,
    /// Under the root key.
    pub wrapped: Vec<u8>,
    /// Since when it seals.
    pub created_at: Timestamp,
}

/// One wrapped key and where it lies, whoever's it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrap {
    /// Whose.
    pub tenant: TenantId,
    /// Of which family.
    pub class: KeyClass,
    /// Which version.
    pub version: u32,
    /// Under a root key.
    pub wrapped: Vec<u8>,
}

/// What wrapping all keys anew needs of the shelf: it goes through the keys of all tenants, those that are locked or
/// leaving too.
#[async_trait]
pub trait WrapShelf: Send + Sync {
    /// Wrapped keys in the order of tenant, class and version, from the first after `after`.
    async fn wraps(&self, after: Option<&Wrap>, limit: u32) -> Result<Vec<Wrap>>;
    /// Puts `new` where `old` lies; false when that is gone, or something else lies there by now.
    async fn replace_wrap(&self, old: &Wrap, new: &[u8]) -> Result<bool>;
    /// Takes what was replaced off the disk, as far as the database can.
    async fn forget_replaced(&self) -> Result<()>;
}

/// The shelf.
#[async_trait]
pub trait KeyShelf: Send + Sync {
    /// All versions, oldest first.
    async fn keys(&self, tenant: TenantId, class: KeyClass) -> Result<Vec<ShelfKey>>;
    /// Puts a version, retiring the older ones; false when it is there already.
    async fn put_key(
        &self,
        tenant: TenantId,
        class: KeyClass,
        version: u32,
        wrapped: &[u8],
        at: Timestamp,
    ) -> Result<bool>;
    /// Destroys a version.
    async fn drop_key(&self, tenant: TenantId, class: KeyClass, version: u32) -> Result<()>;
    /// Destroys all that a tenant has; answers how many keys and salts.
    async fn drop_tenant(&self, tenant: TenantId) -> Result<(u64, u64)>;
    /// Whether the tenant left: from then on no key of its is made or handed out.
    async fn is_gone(&self, tenant: TenantId) -> Result<bool>;
    /// A subject's salt.
    async fn salt(&self, tenant: TenantId, subject: &str) -> Result<Option<Vec<u8>>>;
    /// The salts of those of the subjects that have one.
    async fn salts(&self, tenant: TenantId, subjects: &[&str]) -> Result<Vec<(String, Vec<u8>)>> {
        let mut found = Vec::new();
        for subject in subjects {
            if let Some(salt) = self.salt(tenant, subject).await? {
                found.push(((*subject).to_owned(), salt));
            }
        }
        Ok(found)
    }
    /// Puts a salt unless there is one; answers the one that stands.
    async fn put_salt(&self, tenant: TenantId, subject: &str, salt: &[u8], at: Timestamp) -> Result<Vec<u8>>;
    /// Puts a salt for each subject that has none.
    async fn put_salts(&self, tenant: TenantId, salts: &[(&str, &[u8])], at: Timestamp) -> Result<()> {
        for (subject, salt) in salts {
            self.put_salt(tenant, subject, salt, at).await?;
        }
        Ok(())
    }
    /// Destroys a salt; false when there was none.
    async fn drop_salt(&self, tenant: TenantId, subject: &str) -> Result<bool>;
}
