//! The outbox: what one room tells the others, written in the transaction that made it true, and turned into
//! jobs afterwards. Bodies carry ids only.

use kernel::{Cx, Result, TenantId};
use uuid::Uuid;

use crate::args;
use crate::scoped::{Scoped, Server};

const PUT: &str = "INSERT INTO outbox (tenant, id, topic, body, at) VALUES ($1, $2, $3, $4, $5)";
const NEXT: (&str, &str) = (
    "SELECT tenant, id, topic, body FROM outbox ORDER BY id LIMIT $1",
    "SELECT tenant, id, topic, body FROM outbox ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED",
);
const ANY: &str = "SELECT id FROM outbox LIMIT 1";
const DROP: &str = "DELETE FROM outbox WHERE tenant = $1 AND id = $2";

/// A message that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Whose.
    pub tenant: TenantId,
    /// Its id: the idempotency key of what follows.
    pub id: Uuid,
    /// What it is about.
    pub topic: String,
    /// Ids, as JSON.
    pub body: String,
}

/// Puts a message, in the caller's transaction.
pub async fn put(scoped: &mut Scoped, cx: &Cx, topic: &'static str, body: &serde_json::Value) -> Result<()> {
    scoped.run(PUT, args![Uuid::now_v7(), topic, body.to_string(), cx.now()]).await?;
    Ok(())
}

/// Whether nothing waits: a look that takes no turn among the writers.
pub async fn is_empty(server: &mut Server) -> Result<bool> {
    Ok(server.row(ANY, Vec::new()).await?.is_none())
}

/// The oldest messages, held for this transaction.
pub async fn next(server: &mut Server, limit: u32) -> Result<Vec<Message>> {
    server
        .rows(NEXT, args![limit])
        .await?
        .iter()
        .map(|row| {
            Ok(Message {
                tenant: TenantId(row.uuid("tenant")?),
                id: row.uuid("id")?,
                topic: row.text("topic")?,
                body: row.text("body")?,
            })
        })
        .collect()
}

/// Takes a message away, in the transaction that made its jobs.
pub async fn drop_message(server: &mut Server, message: &Message) -> Result<()> {
    server.run(DROP, args![message.tenant, message.id]).await?;
    Ok(())
}
