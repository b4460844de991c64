//! Rotation (K-02, K-03): a new version before the old one is too old, everything sealed anew under it, old versions
//! destroyed once nothing needs them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use jobs::{Handler, Outcome, Schedule};
use kernel::{AccountId, Column, Cx, Fault, KeyClass, Result, Table, TenantId};
use serde_json::Value;
use store::{Store, ledger, resealing};
use vault::{HEADER_BYTES, Keys, Place, Subject, Vault};

use crate::Room;

/// A key seals for this long. Two weeks short of the promised 90 days, so that a server that was down for a week
/// still keeps it.
const SEALING_DAYS: i64 = 75;
/// Keys of the week.
const NAMES_DAYS: i64 = 6;
/// How long a retired version stays for restores after nothing live needs it.
const RETIRED_DAYS: i64 = 30;
/// Retired keys of the week: by then the sweep has dropped what lay under them.
const NAMES_RETIRED_DAYS: i64 = 8;
/// Ciphertexts sealed anew in one transaction.
const RESEALED_AT_ONCE: u32 = 200;
/// Transactions before a job notes how far it is.
const BATCHES_A_SLICE: usize = 20;

const ROTATE: &str = "trust.rotate_keys";
const ROTATE_SERVER: &str = "trust.rotate_server_keys";

pub(crate) fn handlers(room: &Room) -> Vec<Arc<dyn Handler>> {
    vec![
        Arc::new(Rotate { room: room.clone(), kind: ROTATE }),
        Arc::new(Rotate { room: room.clone(), kind: ROTATE_SERVER }),
    ]
}

pub(crate) fn schedules() -> Vec<Schedule> {
    let daily = Duration::from_secs(24 * 3600);
    vec![
        Schedule { kind: ROTATE, every: daily, per_tenant: true },
        Schedule { kind: ROTATE_SERVER, every: daily, per_tenant: false },
    ]
}

struct Rotate {
    room: Room,
    kind: &'static str,
}

fn older_than(at: Timestamp, days: i64, now: Timestamp) -> bool {
    now.duration_since(at) >= SignedDuration::from_hours(24 * days)
}

#[async_trait]
impl Handler for Rotate {
    fn kind(&self) -> &'static str {
        self.kind
    }

    async fn run(&self, cx: &Cx, _payload: &Value) -> Result<Outcome> {
        let Room { store, vault, .. } = &self.room;
        for (class, days) in
            [(KeyClass::Data, SEALING_DAYS), (KeyClass::Credential, SEALING_DAYS), (KeyClass::Names, NAMES_DAYS)]
        {
            let versions = vault.versions(cx.tenant(), class).await?;
            if versions.last().is_some_and(|newest| older_than(newest.created_at, days, cx.now())) {
                let version = vault.rotate(cx.tenant(), class, cx.now()).await?;
                note(cx, store, "trust.key_rotated", &format!("{} {version}", class.name())).await?;
            }
        }
        for class in [KeyClass::Data, KeyClass::Credential] {
            if !reseal(cx, store, vault, class).await? {
                return Ok(Outcome::Again(serde_json::json!({})));
            }
        }
        for (class, days) in [
            (KeyClass::Data, RETIRED_DAYS),
            (KeyClass::Credential, RETIRED_DAYS),
            (KeyClass::Names, NAMES_RETIRED_DAYS),
        ] {
            destroy_retired(cx, store, vault, class, days).await?;
        }
        Ok(Outcome::Done)
    }
}

/// Writes on the tenant's ledger; the server itself has none.
async fn note(cx: &Cx, store: &Store, kind: &'static str, object: &str) -> Result<()> {
    if cx.tenant() == TenantId::SERVER {
        tracing::info!(event = "server_key", kind, object);
        return Ok(());
    }
    let mut scoped = store.write(cx).await?;
    ledger::append(&mut scoped, cx, ledger::Entry { kind, object: Some(object), ..Default::default() }).await?;
    scoped.commit().await
}

/// Seals anew what lies under older versions; true when nothing is left to do.
async fn reseal(cx: &Cx, store: &Store, vault: &Vault, class: KeyClass) -> Result<bool> {
    let Some(newest) = vault.versions(cx.tenant(), class).await?.last().map(|newest| newest.version) else {
        return Ok(true);
    };
    let header = vault::header_of(class, newest);
    let columns: Vec<_> = store.registry().sealed().filter(|(_, _, keys)| *keys == class).collect();
    let mut batches = 0;
    for (table, column, _) in columns {
        let (mut after, mut shut) = (None, 0);
        loop {
            let stale = resealing::stale(store, cx, table, column, &header, after.as_ref(), RESEALED_AT_ONCE).await?;
            let Some(last) = stale.last() else { break };
            if batches == BATCHES_A_SLICE {
                return Ok(false);
            }
            after = Some(last.key.clone());
            let found = stale.len();
            let left = reseal_batch(cx, store, vault, class, (table, column), stale).await?;
            // The next slice meets what was left again: if that counted, there might be no end of slices.
            batches += usize::from(left < found);
            shut += left;
        }
        if shut > 0 {
            let (table, column) = (table.name, column.name);
            tracing::warn!(event = "left_unopened", tenant = %cx.tenant(), table, column, rows = shut);
        }
    }
    Ok(true)
}

/// Answers how many were left as they are: what an erased person left opens for nobody. Damage cannot be told from it, so
/// the version that it lies under counts as needed.
async fn reseal_batch(
    cx: &Cx,
    store: &Store,
    vault: &Vault,
    class: KeyClass,
    (table, column): (&'static Table, &'static Column),
    stale: Vec<resealing::Found>,
) -> Result<usize> {
    let (mut fresh, mut left) = (Vec::with_capacity(stale.len()), 0);
    for found in stale {
        let keys = keys_for(cx, vault, class, found.subject.as_deref()).await?;
        match keys.reseal(&Place::new(column, found.row_name.clone()), &found.bytes) {
            Ok(Some(bytes)) => fresh.push((found, bytes)),
            Ok(None) => {}
            Err(fault) if found.subject.is_some() && fault.code() == vault::SHUT => left += 1,
            Err(fault) => return Err(fault),
        }
    }
    if fresh.is_empty() {
        return Ok(left);
    }
    let mut scoped = store.write(cx).await?;
    for (found, bytes) in fresh {
        // False when somebody wrote it meanwhile: then it lies under the newest version already.
        resealing::replace(&mut scoped, table, column, &found, bytes).await?;
    }
    scoped.commit().await?;
    Ok(left)
}

async fn keys_for(cx: &Cx, vault: &Vault, class: KeyClass, subject: Option<&str>) -> Result<Keys> {
    match subject {
        None => vault.keys(cx, class, Subject::Tenant).await,
        Some(account) => vault.keys(cx, class, Subject::Person(&AccountId::new(account)?)).await,
    }
}

async fn destroy_retired(cx: &Cx, store: &Store, vault: &Vault, class: KeyClass, days: i64) -> Result<()> {
    let versions = vault.versions(cx.tenant(), class).await?;
    let in_use = live_versions(cx, store, class).await?;
    for pair in versions.windows(2) {
        let [old, next] = pair else { continue };
        // A version retires when the next one is made.
        if older_than(next.created_at, days, cx.now()) && !in_use.contains(&old.version) {
            vault.destroy_version(cx.tenant(), class, old.version).await?;
            note(cx, store, "trust.key_destroyed", &format!("{} {}", class.name(), old.version)).await?;
        }
    }
    Ok(())
}

/// The versions that live ciphertexts of a tenant lie under, read from the ciphertexts themselves.
async fn live_versions(cx: &Cx, store: &Store, class: KeyClass) -> Result<Vec<u32>> {
    let mut versions = Vec::new();
    let columns: Vec<_> = store.registry().sealed().filter(|(_, _, keys)| *keys == class).collect();
    for (table, column, _) in columns {
        for header in resealing::headers(store, cx, table, column, HEADER_BYTES).await? {
            let (_, version) =
                vault::key_of(&header).ok_or_else(|| Fault::broken("trust_header", "a ciphertext without a header"))?;
            versions.push(version);
        }
    }
    versions.sort_unstable();
    versions.dedup();
    Ok(versions)
}

/// How old the oldest key is that still opens live data, by class of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyReport {
    /// The class.
    pub class: KeyClass,
    /// The oldest version with live ciphertexts.
    pub version: u32,
    /// Since when that version is.
    pub created_at: Timestamp,
}

/// Measures K-02 and K-03 for the context's tenant, from the ciphertexts and the shelf.
pub async fn oldest_live_keys(cx: &Cx, room: &Room) -> Result<Vec<KeyReport>> {
    let mut reports = Vec::new();
    for class in KeyClass::ALL {
        let live = live_versions(cx, &room.store, class).await?;
        let versions = room.vault.versions(cx.tenant(), class).await?;
        if let Some(oldest) = versions.into_iter().find(|known| live.contains(&known.version)) {
            reports.push(KeyReport { class, version: oldest.version, created_at: oldest.created_at });
        }
    }
    Ok(reports)
}
