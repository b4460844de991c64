//! The queue as other rooms and the operator see it.

use jiff::Timestamp;
use kernel::{Cx, Result, TenantId};
use serde_json::Value;
use store::{Scoped, Store};
use uuid::Uuid;

use crate::sql;

/// Puts a job into the caller's transaction. False when the tenant has had a job of this kind and key within the last
/// day: the same event told twice.
pub async fn enqueue(
    scoped: &mut Scoped,
    cx: &Cx,
    kind: &'static str,
    key: &str,
    payload: &Value,
    run_at: Timestamp,
) -> Result<bool> {
    sql::job_enqueue(scoped, cx, kind, key, payload, run_at).await
}

/// A job that was laid aside.
pub struct DeadLetter {
    /// Whose.
    pub tenant: TenantId,
    /// Its id, for running it again.
    pub id: Uuid,
    /// What it does.
    pub kind: String,
    /// Why it failed: a fault's code.
    pub error: Option<String>,
    /// How often it was tried.
    pub attempts: i64,
    /// Since when it is there.
    pub created_at: Timestamp,
}

/// Jobs that were laid aside, oldest first.
pub async fn dead_letters(store: &Store, limit: u32) -> Result<Vec<DeadLetter>> {
    let mut server = store.server_read().await?;
    sql::dead_list(&mut server, limit)
        .await?
        .iter()
        .map(|row| {
            Ok(DeadLetter {
                tenant: TenantId(row.uuid("tenant")?),
                id: row.uuid("id")?,
                kind: row.text("kind")?,
                error: row.opt_text("error")?,
                attempts: row.int("attempts")?,
                created_at: row.instant("created_at")?,
            })
        })
        .collect()
}

/// Runs a job that was laid aside again; false when there is none of that id.
pub async fn run_again(store: &Store, id: Uuid, now: Timestamp) -> Result<bool> {
    let mut server = store.server_write().await?;
    let revived = sql::dead_revive(&mut server, id, now).await?;
    server.commit().await?;
    Ok(revived)
}

/// How many jobs are in which state.
pub async fn waiting(store: &Store) -> Result<Vec<(String, i64)>> {
    let mut server = store.server_read().await?;
    sql::job_counts(&mut server).await
}
