//! The sweep: what has outlived its data class goes, by the registry; then the objects that no row names any more.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jobs::{Handler, Outcome, Schedule};
use kernel::{Cx, Result, TenantId};
use serde_json::Value;
use store::sweep;

use crate::Room;

const SWEEP: &str = "trust.sweep";
const SWEEP_SERVER: &str = "trust.sweep_server";
/// Data classes count in minutes at the shortest; nothing is promised below an hour.
const EVERY: Duration = Duration::from_secs(900);
const SWEEP_OBJECTS: &str = "trust.sweep_objects";
/// Reads where the objects lie, which a bucket charges for. It finds what an older database, put back, knows nothing of.
const OBJECTS_EVERY: Duration = Duration::from_secs(24 * 3600);

pub(crate) fn handlers(room: &Room) -> Vec<Arc<dyn Handler>> {
    vec![
        Arc::new(Sweep { room: room.clone(), kind: SWEEP }),
        Arc::new(Sweep { room: room.clone(), kind: SWEEP_SERVER }),
        Arc::new(SweepObjects { room: room.clone() }),
    ]
}

pub(crate) fn schedules() -> Vec<Schedule> {
    vec![
        Schedule { kind: SWEEP, every: EVERY, per_tenant: true },
        Schedule { kind: SWEEP_SERVER, every: EVERY, per_tenant: false },
        Schedule { kind: SWEEP_OBJECTS, every: OBJECTS_EVERY, per_tenant: true },
    ]
}

struct Sweep {
    room: Room,
    kind: &'static str,
}

#[async_trait]
impl Handler for Sweep {
    fn kind(&self) -> &'static str {
        self.kind
    }

    async fn run(&self, cx: &Cx, _payload: &Value) -> Result<Outcome> {
        for (table, count) in sweep::expired(&self.room.store, cx.tenant(), cx.now()).await? {
            if count > 0 {
                metrics::counter!("steward_swept_rows_total", "table" => table).increment(count);
            }
        }
        if cx.tenant() != TenantId::SERVER {
            swept_objects(self.room.blobs.collect(cx.tenant(), cx.now()).await?);
        }
        Ok(Outcome::Done)
    }
}

fn swept_objects(count: u64) {
    if count > 0 {
        metrics::counter!("steward_swept_objects_total").increment(count);
    }
}

struct SweepObjects {
    room: Room,
}

#[async_trait]
impl Handler for SweepObjects {
    fn kind(&self) -> &'static str {
        SWEEP_OBJECTS
    }

    async fn run(&self, cx: &Cx, _payload: &Value) -> Result<Outcome> {
        swept_objects(self.room.blobs.collect_unknown(cx.tenant(), cx.now()).await?);
        Ok(Outcome::Done)
    }
}
