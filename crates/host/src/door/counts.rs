//! The door's side of the outward-call ledger: a line is on disk before the first call of its hour leaves; counts
//! follow in batches. It must never hold a host's name in the clear for longer than the call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use kernel::{KeyClass, Result, TenantId};
use moka::future::Cache;
use store::outward::Line;
use store::{Store, outward};
use vault::{Place, Subject, Vault};

use crate::fault::shared;

/// Lines known to be open: one a tenant, host and purpose in the present hour. 10,000 are about 2 MB.
const KNOWN_LINES: u64 = 10_000;
/// Two hours: a line is never asked for after its own.
const LINE_TIME: Duration = Duration::from_secs(2 * 3600);
/// Lines with counts that wait. Beyond it the caller flushes itself: memory stays bounded without the background.
const WAITING_LINES: usize = 2_000;

pub(crate) struct Counts {
    store: Store,
    vault: Vault,
    open: Cache<Line, ()>,
    waiting: Mutex<HashMap<Line, i64>>,
}

impl Counts {
    pub(crate) fn new(store: Store, vault: Vault) -> Self {
        Self {
            store,
            vault,
            open: Cache::builder().max_capacity(KNOWN_LINES).time_to_live(LINE_TIME).build(),
            waiting: Mutex::new(HashMap::new()),
        }
    }

    /// Notes calls of one hour. When this returns, the hour's line is on disk. A tenant that left has no keys, so
    /// nothing leaves for it.
    pub(crate) async fn note(
        &self,
        tenant: TenantId,
        purpose: &'static str,
        host: &str,
        now: Timestamp,
        calls: i64,
    ) -> Result<()> {
        let keys = self.vault.keys_of(tenant, KeyClass::Data, Subject::Tenant, now).await?;
        let index = self.vault.keys_of(tenant, KeyClass::Index, Subject::Tenant, now).await?;
        let line = Line {
            tenant,
            hour_at: outward::hour_of(now),
            target_hash: index.hash("outward-call", host.as_bytes())?.to_vec(),
            purpose,
        };
        let opening = async {
            let row = outward::row_name(line.tenant, line.hour_at, &line.target_hash, line.purpose);
            let target = keys.seal(&Place::new(outward::TARGET, row), &host.to_owned())?;
            outward::open(&self.store, &line, target, now).await
        };
        self.open.try_get_with(line.clone(), opening).await.map_err(|fault: Arc<_>| shared(&fault))?;
        let full = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            *waiting.entry(line).or_insert(0) += calls;
            waiting.len() >= WAITING_LINES
        };
        if full { self.flush(now).await } else { Ok(()) }
    }

    /// Writes what waits. What cannot be written waits on.
    pub(crate) async fn flush(&self, now: Timestamp) -> Result<()> {
        let taken: Vec<(Line, i64)> = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).drain().collect();
        if taken.is_empty() {
            return Ok(());
        }
        let written = outward::count(&self.store, &taken, now).await;
        if written.is_err() {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            for (line, calls) in taken {
                *waiting.entry(line).or_insert(0) += calls;
            }
        }
        written
    }
}
