//! What goes: objects that were never kept, those that no row names, those that no row knows, and all of a tenant's.

use jiff::{SignedDuration, Timestamp};
use kernel::{Fault, Result, TenantId};
use object_store::path::Path;

use super::{Blobs, ObjectId, place};
use crate::TenantFiles;
use crate::args;

/// A request takes seconds and a slice of a job minutes: what was not kept by then never is.
const NEVER_KEPT: SignedDuration = SignedDuration::from_hours(1);
/// What no row knows lies there after an older database was put back; for a day that may be put right.
const UNKNOWN_FOR: SignedDuration = SignedDuration::from_hours(24);
/// Objects of one step.
const AT_ONCE: u32 = 500;

const LATE: &str = "UPDATE object SET state = 'going' WHERE tenant = $1 AND state = 'coming' AND written_at < $2";
const GOING: &str = "SELECT id FROM object WHERE tenant = $1 AND state = 'going' ORDER BY id LIMIT $2";
const DROP: &str = "DELETE FROM object WHERE tenant = $1 AND id = $2 AND state = 'going'";
const KNOWN: &str = "SELECT id FROM object WHERE tenant = $1 AND id = $2";

fn id_of(name: &str) -> Option<ObjectId> {
    name.parse().ok().map(ObjectId)
}

impl Blobs {
    /// Takes away what no row names any more, and what was never kept; answers how many objects. Repeatable, and safe
    /// beside whoever puts and keeps.
    pub async fn collect(&self, tenant: TenantId, now: Timestamp) -> Result<u64> {
        let mut scoped = self.store.scoped(tenant, true).await?;
        scoped.run(LATE, args![now.checked_sub(NEVER_KEPT).unwrap_or(Timestamp::MIN)]).await?;
        let mut unnamed = "UPDATE object SET state = 'going' WHERE tenant = $1 AND state = 'kept'".to_owned();
        for (table, column) in self.store.registry().objects() {
            let (table, column) = (table.name, column.name);
            unnamed.push_str(&format!(
                " AND NOT EXISTS (SELECT 1 FROM {table} WHERE {table}.tenant = $1 AND {table}.{column} = object.id)"
            ));
        }
        scoped.made_run(unnamed, Vec::new()).await?;
        scoped.commit().await?;
        let mut gone = 0;
        loop {
            let rows = self.store.scoped(tenant, false).await?.rows(GOING, args![AT_ONCE]).await?;
            let ids = rows.iter().map(|row| Ok(ObjectId(row.uuid("id")?))).collect::<Result<Vec<_>>>()?;
            if ids.is_empty() {
                return Ok(gone);
            }
            gone += self.place.delete_all(ids.iter().map(|id| place::name(tenant, *id)).collect()).await?;
            let mut scoped = self.store.scoped(tenant, true).await?;
            for id in ids {
                scoped.run(DROP, args![id.0]).await?;
            }
            scoped.commit().await?;
        }
    }

    /// Takes away what lies there of a tenant's and no row knows; answers how many objects.
    pub async fn collect_unknown(&self, tenant: TenantId, now: Timestamp) -> Result<u64> {
        let before = now.checked_sub(UNKNOWN_FOR).unwrap_or(Timestamp::MIN);
        let mut gone = self.leftovers(tenant, before)?;
        // A folder has no order: it is read as a whole, as names alone.
        let at_once = if self.place.folder().is_some() { usize::MAX } else { AT_ONCE as usize };
        let mut after: Option<Path> = None;
        loop {
            let names = self.place.list(&place::of_tenant(tenant), after.as_ref(), at_once).await?;
            let mut unknown = Vec::new();
            let mut scoped = self.store.scoped(tenant, false).await?;
            for name in &names {
                let id = name.filename().and_then(id_of);
                let Some(id) = id.filter(|id| id.begun_at().is_some_and(|begun| begun < before)) else { continue };
                if scoped.row(KNOWN, args![id.0]).await?.is_none() {
                    unknown.push(name.clone());
                }
            }
            drop(scoped);
            gone += self.place.delete_all(unknown).await?;
            match names.last() {
                Some(last) if names.len() == at_once => after = Some(last.clone()),
                _ => return Ok(gone),
            }
        }
    }

    /// In a folder, an object that a process was killed at lies beside its name, as `id#number`.
    fn leftovers(&self, tenant: TenantId, before: Timestamp) -> Result<u64> {
        let Some(folder) = self.place.folder() else { return Ok(0) };
        let broken = |error: std::io::Error| Fault::broken("objects_folder", error);
        let entries = match std::fs::read_dir(folder.join(tenant.to_string())) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(broken(error)),
        };
        let mut gone = 0;
        for entry in entries {
            let entry = entry.map_err(broken)?;
            let name = entry.file_name();
            let id = name.to_str().and_then(|name| name.split_once('#')).and_then(|(id, _)| id_of(id));
            if id.and_then(ObjectId::begun_at).is_some_and(|begun| begun < before) {
                std::fs::remove_file(entry.path()).map_err(broken)?;
                gone += 1;
            }
        }
        Ok(gone)
    }
}

#[async_trait::async_trait]
impl TenantFiles for Blobs {
    async fn remove(&self, tenant: TenantId) -> Result<u64> {
        let mut gone = self.leftovers(tenant, Timestamp::MAX)?;
        loop {
            let names = self.place.list(&place::of_tenant(tenant), None, AT_ONCE as usize).await?;
            if names.is_empty() {
                break;
            }
            gone += self.place.delete_all(names).await?;
        }
        if let Some(folder) = self.place.folder() {
            // Its name is a tenant's. What is not there, or holds something of somebody else's, stays.
            let _ = std::fs::remove_dir(folder.join(tenant.to_string()));
        }
        Ok(gone)
    }
}
