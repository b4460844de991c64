//! Waiting for a tenant's next change, however many pages wait.
//!
//! The number of the last change is read once a second for a tenant that is waited for, from the database, so that a change
//! of another node's is seen as soon as one of this node's. It tells that something changed and nothing of what: who
//! waits asks for that with their own permission. Start at [`Watch::past`].

use std::sync::Arc;
use std::time::Duration;

use kernel::{Cx, Fault, Result, TenantId};
use store::{Store, changes};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often it is looked, for all who wait together.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Tenants whose number is remembered.
const TENANTS: u64 = 10_000;
/// Requests that wait on this node: each holds a connection. Who comes later is answered at once.
const WAITING_MOST: usize = 10_000;

/// What waits; cheap to clone.
#[derive(Clone)]
pub struct Watch {
    store: Store,
    stop: CancellationToken,
    latest: moka::future::Cache<TenantId, i64>,
    room: Arc<Semaphore>,
}

impl Watch {
    /// Until `stop` is cancelled; then nobody waits any more.
    pub fn new(store: Store, stop: CancellationToken) -> Self {
        let latest = moka::future::Cache::builder().max_capacity(TENANTS).time_to_live(LOOK_EVERY).build();
        Self { store, stop, latest, room: Arc::new(Semaphore::new(WAITING_MOST)) }
    }

    /// The number of the tenant's last change: at once when it is past `seq`, else when it is or the time is over.
    pub async fn past(&self, cx: &Cx, seq: i64, within: Duration) -> Result<i64> {
        let until = Instant::now() + within;
        let latest = self.read(cx).await?;
        let Ok(_place) = self.room.try_acquire() else { return Ok(latest) };
        let mut latest = latest;
        while latest <= seq && Instant::now() < until {
            let next = (Instant::now() + LOOK_EVERY).min(until);
            if self.stop.run_until_cancelled(tokio::time::sleep_until(next)).await.is_none() {
                break;
            }
            latest = self.read(cx).await?;
        }
        Ok(latest)
    }

    async fn read(&self, cx: &Cx) -> Result<i64> {
        let read = async { changes::latest(&mut self.store.read(cx).await?).await };
        self.latest.try_get_with(cx.tenant(), read).await.map_err(|fault: Arc<Fault>| {
            let text = "What changed cannot be asked just now. Try again.";
            Fault::busy("changes_unavailable", text, None).because(fault.code())
        })
    }
}
