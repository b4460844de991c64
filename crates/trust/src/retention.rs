//! The sweep: what has outlived its data class goes, by the registry.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jobs::{Handler, Outcome, Schedule};
use kernel::{Cx, Result};
use serde_json::Value;
use store::sweep;

use crate::Room;

const SWEEP: &str = "trust.sweep";
const SWEEP_SERVER: &str = "trust.sweep_server";
/// Data classes count in minutes at the shortest; nothing is promised below an hour.
const EVERY: Duration = Duration::from_secs(900);

pub(crate) fn handlers(room: &Room) -> Vec<Arc<dyn Handler>> {
    vec![
        Arc::new(Sweep { room: room.clone(), kind: SWEEP }),
        Arc::new(Sweep { room: room.clone(), kind: SWEEP_SERVER }),
    ]
}

pub(crate) fn schedules() -> Vec<Schedule> {
    vec![
        Schedule { kind: SWEEP, every: EVERY, per_tenant: true },
        Schedule { kind: SWEEP_SERVER, every: EVERY, per_tenant: false },
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
        Ok(Outcome::Done)
    }
}
