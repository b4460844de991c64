//! The key shelf: wrapped tenant keys and subjects' salts, in a database of its own with short backups. Deleting
//! a row here is what makes data unreadable.

use jiff::Timestamp;
use kernel::{KeyClass, Result, TenantId};

use crate::args;
use crate::stores::Store;

const KEYS: &str = "SELECT version, wrapped, created_at, retired_at FROM tenant_key \
     WHERE tenant = $1 AND keys = $2 ORDER BY version";
const WRAPS: &str = "SELECT tenant, keys, version, wrapped FROM tenant_key \
     WHERE (tenant, keys, version) > ($1, $2, $3) ORDER BY tenant, keys, version LIMIT $4";
const REPLACE_WRAPPED: &str = "UPDATE tenant_key SET wrapped = $5 \
     WHERE tenant = $1 AND keys = $2 AND version = $3 AND wrapped = $4";
const PUT_KEY: &str = "INSERT INTO tenant_key (tenant, keys, version, wrapped, created_at, retired_at) \
     VALUES ($1, $2, $3, $4, $5, NULL) ON CONFLICT (tenant, keys, version) DO NOTHING";
const RETIRE_BELOW: &str = "UPDATE tenant_key SET retired_at = $4 \
     WHERE tenant = $1 AND keys = $2 AND version < $3 AND retired_at IS NULL";
const DROP_KEY: &str = "DELETE FROM tenant_key WHERE tenant = $1 AND keys = $2 AND version = $3";
const DROP_KEYS: &str = "DELETE FROM tenant_key WHERE tenant = $1";
const DROP_SALTS: &str = "DELETE FROM subject_salt WHERE tenant = $1";
const SALT: &str = "SELECT salt FROM subject_salt WHERE tenant = $1 AND subject = $2";
const SALTS: &str = "WITH asked (tenant, subject) AS (VALUES {rows}) \
     SELECT held.subject, salt FROM asked CROSS JOIN subject_salt AS held \
     WHERE asked.tenant = $1 AND held.tenant = asked.tenant AND held.subject = asked.subject";
const PUT_SALT: &str = "INSERT INTO subject_salt (tenant, subject, salt, created_at) VALUES {rows} \
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

/// A wrapped key and where it lies.
pub struct WrapRow {
    /// Whose.
    pub tenant: TenantId,
    /// Of which family, by its stored name.
    pub keys: String,
    /// Which version.
    pub version: u32,
    /// Ciphertext under a root key.
    pub wrapped: Vec<u8>,
}

/// Wrapped keys of all tenants in the order of tenant, family and version, from the first after that place.
pub async fn wraps(shelf: &Store, after: (TenantId, &str, u32), limit: u32) -> Result<Vec<WrapRow>> {
    let mut server = shelf.server_read().await?;
    let rows = server.rows(WRAPS, args![after.0, after.1, after.2, limit]).await?;
    let read = |row: &crate::Row| {
        Ok(WrapRow {
            tenant: TenantId(row.uuid("tenant")?),
            keys: row.text("keys")?,
            version: u32::try_from(row.int("version")?).unwrap_or(0),
            wrapped: row.bytes("wrapped")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Puts `new` where `old` lies; false when something else lies there by now, or nothing. What was there may still lie
/// in the write-ahead log until [`Store::forget_deleted`].
pub async fn replace_wrapped(
    shelf: &Store,
    (tenant, class, version): (TenantId, KeyClass, u32),
    old: &[u8],
    new: &[u8],
) -> Result<bool> {
    let mut server = shelf.server_write().await?;
    let replaced = server.run(REPLACE_WRAPPED, args![tenant, class.name(), version, old, new]).await?;
    server.commit().await?;
    Ok(replaced == 1)
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

/// The salts of those of the subjects that have one.
pub async fn salts(shelf: &Store, tenant: TenantId, subjects: &[&str]) -> Result<Vec<(String, Vec<u8>)>> {
    let mut server = shelf.server_read().await?;
    let keys: Vec<_> = subjects.iter().map(|subject| args![*subject]).collect();
    let rows = server.rows_of(SALTS, tenant.into(), &keys).await?;
    rows.iter().map(|row| Ok((row.text("subject")?, row.bytes("salt")?))).collect()
}

/// Puts a salt unless there is one; answers the one that stands.
pub async fn put_salt(shelf: &Store, tenant: TenantId, subject: &str, salt: &[u8], at: Timestamp) -> Result<Vec<u8>> {
    let mut server = shelf.server_write().await?;
    server.run_rows(PUT_SALT, tenant.into(), vec![args![subject, salt, at]]).await?;
    let standing = server.row(SALT, args![tenant, subject]).await?.map(|row| row.bytes("salt")).transpose()?;
    server.commit().await?;
    Ok(standing.unwrap_or_else(|| salt.to_vec()))
}

/// Puts a salt for each subject that has none, all in one transaction.
pub async fn put_salts(shelf: &Store, tenant: TenantId, salts: &[(&str, &[u8])], at: Timestamp) -> Result<()> {
    let mut server = shelf.server_write().await?;
    let rows = salts.iter().map(|(subject, salt)| args![*subject, *salt, at]).collect();
    server.run_rows(PUT_SALT, tenant.into(), rows).await?;
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

const SALT_ROWS: &str = "SELECT subject, salt, created_at FROM subject_salt WHERE tenant = $1 AND subject > $2 \
     ORDER BY subject LIMIT $3";
const COME_KEY: &str = "INSERT INTO tenant_key (tenant, keys, version, wrapped, created_at, retired_at) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, keys, version) DO UPDATE SET wrapped = excluded.wrapped, \
     created_at = excluded.created_at, retired_at = excluded.retired_at";

/// A subject's salt and since when it is there.
pub struct SaltRow {
    /// Whose.
    pub subject: String,
    /// The salt.
    pub salt: Vec<u8>,
    /// Since when.
    pub created_at: Timestamp,
}

/// Some of a tenant's salts in the order of their subjects, after `after`.
pub async fn salt_rows(shelf: &Store, tenant: TenantId, after: &str, limit: u32) -> Result<Vec<SaltRow>> {
    let mut server = shelf.server_read().await?;
    let rows = server.rows(SALT_ROWS, args![tenant, after, limit]).await?;
    let read = |row: &crate::Row| {
        Ok(SaltRow { subject: row.text("subject")?, salt: row.bytes("salt")?, created_at: row.instant("created_at")? })
    };
    rows.iter().map(read).collect()
}

/// Puts the keys of a tenant that comes from another server, wrapped by this one's root key, in place of all that it has here.
pub async fn keys_come(shelf: &Store, tenant: TenantId, keys: &[(KeyClass, WrappedKey)]) -> Result<()> {
    let mut server = shelf.server_write().await?;
    server.run(DROP_KEYS, args![tenant]).await?;
    for (class, key) in keys {
        let wrapped = key.wrapped.as_slice();
        let values = args![tenant, class.name(), key.version, wrapped, key.created_at, key.retired_at];
        server.run(COME_KEY, values).await?;
    }
    server.commit().await?;
    shelf.forget_deleted().await
}

/// Puts salts of a tenant that comes from another server; the first of them in place of all that it has here.
pub async fn salts_come(shelf: &Store, tenant: TenantId, first: bool, salts: &[SaltRow]) -> Result<()> {
    let mut server = shelf.server_write().await?;
    if first {
        server.run(DROP_SALTS, args![tenant]).await?;
    }
    let rows = salts.iter().map(|row| args![row.subject.as_str(), row.salt.as_slice(), row.created_at]).collect();
    server.run_rows(PUT_SALT, tenant.into(), rows).await?;
    server.commit().await?;
    if first { shelf.forget_deleted().await } else { Ok(()) }
}
