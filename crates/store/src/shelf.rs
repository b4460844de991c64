//! The key shelf: wrapped tenant keys and subjects' salts, in a database of its own with short backups. Deleting
//! a row here is what makes data unreadable.

use jiff::Timestamp;
use kernel::{KeyClass, Result, TenantId};

use crate::args;
use crate::stores::Store;

const KEYS: &str = "SELECT version, wrapped, created_at, retired_at FROM tenant_key \
     WHERE tenant = $1 AND keys = $2 ORDER BY version";
const PUT_KEY: &str = "INSERT INTO tenant_key (tenant, keys, version, wrapped, created_at, retired_at) \
     VALUES ($1, $2, $3, $4, $5, NULL) ON CONFLICT (tenant, keys, version) DO NOTHING";
const RETIRE_BELOW: &str = "UPDATE tenant_key SET retired_at = $4 \
     WHERE tenant = $1 AND keys = $2 AND version < $3 AND retired_at IS NULL";
const DROP_KEY: &str = "DELETE FROM tenant_key WHERE tenant = $1 AND keys = $2 AND version = $3";
const DROP_KEYS: &str = "DELETE FROM tenant_key WHERE tenant = $1";
const DROP_SALTS: &str = "DELETE FROM subject_salt WHERE tenant = $1";
const SALT: &str = "SELECT salt FROM subject_salt WHERE tenant = $1 AND subject = $2";
const PUT_SALT: &str = "INSERT INTO subject_salt (tenant, subject, salt, created_at) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (tenant, subject) DO NOTHING";
const DROP_SALT: &str = "DELETE FROM subject_salt WHERE tenant = $1 AND subject = $2";
const TENANTS: &str = "SELECT DISTINCT tenant FROM tenant_key WHERE tenant > $1 ORDER BY tenant LIMIT $2";

/// One version of a tenant's key, wrapped.
#[derive(Clone)]
pub struct WrappedKey {
    /// 1, 2, 3 …
    pub version: u32,
    /// Ciphertext under the root key.
    pub wrapped: Vec<u8>,
    /// Since when it seals.
    pub created_at: Timestamp,
    /// Since when it only opens.
    pub retired_at: Option<Timestamp>,
}

/// All versions of a tenant's key of one class, oldest first.
pub async fn keys(shelf: &Store, tenant: TenantId, class: KeyClass) -> Result<Vec<WrappedKey>> {
    let mut server = shelf.server_read().await?;
    server
        .rows(KEYS, args![tenant, class.name()])
        .await?
        .iter()
        .map(|row| {
            Ok(WrappedKey {
                version: u32::try_from(row.int("version")?).unwrap_or(0),
                wrapped: row.bytes("wrapped")?,
                created_at: row.instant("created_at")?,
                retired_at: row.opt_instant("retired_at")?,
            })
        })
        .collect()
}

/// Puts a version and retires those below it; false when another node was first.
pub async fn put_key(
    shelf: &Store,
    tenant: TenantId,
    class: KeyClass,
    version: u32,
    wrapped: &[u8],
    at: Timestamp,
) -> Result<bool> {
    let mut server = shelf.server_write().await?;
    let made = server.run(PUT_KEY, args![tenant, class.name(), version, wrapped, at]).await?;
    if made == 1 {
        server.run(RETIRE_BELOW, args![tenant, class.name(), version, at]).await?;
    }
    server.commit().await?;
    Ok(made == 1)
}

/// Destroys one version.
pub async fn drop_key(shelf: &Store, tenant: TenantId, class: KeyClass, version: u32) -> Result<()> {
    let mut server = shelf.server_write().await?;
    server.run(DROP_KEY, args![tenant, class.name(), version]).await?;
    server.commit().await?;
    shelf.forget_deleted().await
}

/// Destroys all that a tenant has here; answers how many keys and salts.
pub async fn drop_tenant(shelf: &Store, tenant: TenantId) -> Result<(u64, u64)> {
    let mut server = shelf.server_write().await?;
    let keys = server.run(DROP_KEYS, args![tenant]).await?;
    let salts = server.run(DROP_SALTS, args![tenant]).await?;
    server.commit().await?;
    shelf.forget_deleted().await?;
    Ok((keys, salts))
}

/// A subject's salt.
pub async fn salt(shelf: &Store, tenant: TenantId, subject: &str) -> Result<Option<Vec<u8>>> {
    let mut server = shelf.server_read().await?;
    server.row(SALT, args![tenant, subject]).await?.map(|row| row.bytes("salt")).transpose()
}

/// Puts a salt unless there is one; answers the one that stands.
pub async fn put_salt(shelf: &Store, tenant: TenantId, subject: &str, salt: &[u8], at: Timestamp) -> Result<Vec<u8>> {
    let mut server = shelf.server_write().await?;
    server.run(PUT_SALT, args![tenant, subject, salt, at]).await?;
    let standing = server.row(SALT, args![tenant, subject]).await?.map(|row| row.bytes("salt")).transpose()?;
    server.commit().await?;
    Ok(standing.unwrap_or_else(|| salt.to_vec()))
}

/// Puts a salt for each subject that has none, all in one transaction.
pub async fn put_salts(shelf: &Store, tenant: TenantId, salts: &[(&str, &[u8])], at: Timestamp) -> Result<()> {
    let mut server = shelf.server_write().await?;
    for (subject, salt) in salts {
        server.run(PUT_SALT, args![tenant, *subject, *salt, at]).await?;
    }
    server.commit().await
}

/// Destroys a subject's salt; false when there was none.
pub async fn drop_salt(shelf: &Store, tenant: TenantId, subject: &str) -> Result<bool> {
    let mut server = shelf.server_write().await?;
    let dropped = server.run(DROP_SALT, args![tenant, subject]).await?;
    server.commit().await?;
    shelf.forget_deleted().await?;
    Ok(dropped == 1)
}

/// Tenants that have keys, in the order of their ids.
pub async fn tenants(shelf: &Store, after: TenantId, limit: u32) -> Result<Vec<TenantId>> {
    let mut server = shelf.server_read().await?;
    server.rows(TENANTS, args![after, limit]).await?.iter().map(|row| Ok(TenantId(row.uuid("tenant")?))).collect()
}
