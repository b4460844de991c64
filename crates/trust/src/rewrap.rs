//! Tenants' keys under the newest version of the current root key, so that an older version of it can be shut and a
//! former root key laid away. Of the server as a whole: keys of tenants that are locked are moved too.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jobs::{Handler, Outcome, Schedule};
use kernel::{Cx, Fault, Result};
use serde_json::Value;
use vault::Rewrap;

const REWRAP: &str = "trust.rewrap_keys";
/// A root key gets a new version every some months; a day later everything lies under it.
const EVERY: Duration = Duration::from_secs(24 * 3600);
/// Two calls of a few milliseconds each, so that a slice ends within a minute.
const MOVED_A_SLICE: u64 = 5_000;

pub(crate) fn handler(rewrap: Rewrap) -> Arc<dyn Handler> {
    Arc::new(RewrapKeys { rewrap })
}

pub(crate) const SCHEDULE: Schedule = Schedule { kind: REWRAP, every: EVERY, per_tenant: false };

struct RewrapKeys {
    rewrap: Rewrap,
}

#[async_trait]
impl Handler for RewrapKeys {
    fn kind(&self) -> &'static str {
        REWRAP
    }

    async fn run(&self, _cx: &Cx, _payload: &Value) -> Result<Outcome> {
        let done = self.rewrap.run(MOVED_A_SLICE, |_| {}).await?;
        if done.moved > 0 {
            tracing::info!(event = "keys_rewrapped", moved = done.moved, seen = done.seen);
        }
        if done.shut > 0 {
            return Err(Fault::broken(
                "trust_rewrap",
                format!("{} keys open under no root key that there is", done.shut),
            ));
        }
        Ok(if done.moved == MOVED_A_SLICE { Outcome::Again(serde_json::json!({})) } else { Outcome::Done })
    }
}
