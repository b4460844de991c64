//! A tenant that left (K-07): its keys leave the shelf at once, its rows follow, the receipt comes last.

use std::sync::Arc;

use async_trait::async_trait;
use jobs::{Handler, Outcome};
use kernel::{Cx, Result};
use serde_json::Value;
use store::{TenantFiles, ledger, sweep, tenants};

use crate::Room;

pub(crate) fn handlers(room: &Room) -> Vec<Arc<dyn Handler>> {
    vec![Arc::new(Departure { room: room.clone() })]
}

struct Departure {
    room: Room,
}

#[async_trait]
impl Handler for Departure {
    fn kind(&self) -> &'static str {
        "trust.destroy_tenant"
    }

    fn topic(&self) -> Option<&'static str> {
        Some("tenant.gone")
    }

    fn runs_for_departed(&self) -> bool {
        true
    }

    async fn run(&self, cx: &Cx, _payload: &Value) -> Result<Outcome> {
        let Room { store, blobs, vault, files: places } = &self.room;
        // Only what the lifecycle marked as gone is destroyed; a message alone is not enough.
        if tenants::state_of(store, cx.tenant()).await? != Some(tenants::State::Gone) {
            return Ok(Outcome::Done);
        }
        let destroyed = vault.destroy_tenant(cx.tenant()).await?;
        let mut files = blobs.remove(cx.tenant()).await?;
        for place in places {
            files += place.remove(cx.tenant()).await?;
        }
        let rows = sweep::tenant_rows(store, cx.tenant()).await?;
        let mut scoped = store.write(cx).await?;
        let last = sweep::tenant_last_rows(store, &mut scoped).await?;
        let count = last + rows.iter().map(|(_, count)| count).sum::<u64>();
        let object = format!("keys {} salts {} rows {count} files {files}", destroyed.keys, destroyed.salts);
        let receipt =
            ledger::Entry { kind: "trust.tenant_destroyed", object: Some(&object), ..ledger::Entry::default() };
        ledger::append(&mut scoped, cx, receipt).await?;
        scoped.commit().await?;
        Ok(Outcome::Done)
    }
}
