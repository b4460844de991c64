//! Receivers of webhooks, what happened, and what became of each message.

use jiff::Timestamp;
use kernel::{Fault, Result, RowName, Sealed};
use store::{Row, Scoped, args};

use crate::model::{Author, FieldId, ProductId};
use crate::webhooks::event::{Event, EventKind};
use crate::webhooks::receiver::{ReceiverBody, ReceiverState, Secrets, WebhookId};

const LIST: &str = "SELECT id, version, state, body, secrets, made_at, failing_since, failures, held_until FROM webhook \
     WHERE tenant = $1 ORDER BY made_at, id LIMIT 100";
const GET: &str = "SELECT id, version, state, body, secrets, made_at, failing_since, failures, held_until FROM webhook \
     WHERE tenant = $1 AND id = $2";
const ANY: &str = "SELECT id FROM webhook WHERE tenant = $1 LIMIT 1";
const INSERT: &str = "INSERT INTO webhook (tenant, id, version, state, body, secrets, made_at, failures) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, 0)";
// Whoever changes a receiver gives it another chance.
const UPDATE: &str = "UPDATE webhook SET version = $3, state = $4, body = $5, failing_since = NULL, failures = 0, \
     held_until = NULL WHERE tenant = $1 AND id = $2 AND version = $6";
const SECRETS: &str = "UPDATE webhook SET version = $3, secrets = $4 WHERE tenant = $1 AND id = $2";
const DELETE: &str = "DELETE FROM webhook WHERE tenant = $1 AND id = $2 AND version = $3";
const DELETE_LOG: &str = "DELETE FROM webhook_delivery WHERE tenant = $1 AND webhook = $2";
const CLAIM: &str = "UPDATE webhook SET busy_until = $3 WHERE tenant = $1 AND id = $2 AND state = 'on' \
     AND (busy_until IS NULL OR busy_until <= $4)";
const EXTEND: &str = "UPDATE webhook SET busy_until = $3 WHERE tenant = $1 AND id = $2";
const HEALTH: &str = "UPDATE webhook SET failing_since = $3, failures = $4, held_until = $5, state = $6 \
     WHERE tenant = $1 AND id = $2 AND state = 'on'";
const EVENT_INSERT: &str = "INSERT INTO webhook_event (tenant, seq, id, kind, owner, member, field, actor, at) \
     VALUES {rows}";
const EVENT_LIST: &str = "SELECT seq, id, kind, owner, member, field, actor, at FROM webhook_event \
     WHERE tenant = $1 AND seq >= $2 AND seq <= $3 ORDER BY seq LIMIT $4";
const EVENT_GET: &str = "SELECT seq, id, kind, owner, member, field, actor, at FROM webhook_event \
     WHERE tenant = $1 AND seq = $2";
const EVENT_SPAN: &str = "SELECT MIN(seq) AS first, MAX(seq) AS last FROM webhook_event \
     WHERE tenant = $1 AND at >= $2 AND at <= $3";
const DELIVERY_PUT: &str = "INSERT INTO webhook_delivery (tenant, webhook, seq, state, attempts, due_at, event_at) \
     VALUES ($1, $2, $3, 'waiting', 0, $4, $5) ON CONFLICT (tenant, webhook, seq) DO NOTHING";
const DELIVERY_REPLAY: &str = "UPDATE webhook_delivery SET state = 'waiting', attempts = 0, due_at = $4 \
     WHERE tenant = $1 AND webhook = $2 AND seq = $3 AND state IN ('failed', $5)";
const DELIVERY_GET: &str = "SELECT seq, state, attempts, due_at, attempted_at, status, error, event_at \
     FROM webhook_delivery WHERE tenant = $1 AND webhook = $2 AND seq = $3";
const DELIVERY_DUE: &str = "SELECT seq, attempts FROM webhook_delivery WHERE tenant = $1 AND webhook = $2 \
     AND state = 'waiting' AND due_at <= $3 ORDER BY due_at, seq LIMIT $4";
const DELIVERY_NEXT: &str = "SELECT MIN(due_at) AS due_at FROM webhook_delivery WHERE tenant = $1 AND webhook = $2 \
     AND state = 'waiting'";
const DELIVERY_TRIED: &str = "UPDATE webhook_delivery SET state = $4, attempts = $5, due_at = $6, attempted_at = $7, \
     status = $8, error = $9 WHERE tenant = $1 AND webhook = $2 AND seq = $3 AND attempts = $10";
const DELIVERY_GIVE_UP: &str = "UPDATE webhook_delivery SET state = 'failed', error = $3 \
     WHERE tenant = $1 AND webhook = $2 AND state = 'waiting'";
const LOG: &str = "SELECT d.seq, d.state, d.attempts, d.due_at, d.attempted_at, d.status, d.error, d.event_at, e.kind \
     FROM webhook_delivery d JOIN webhook_event e ON e.tenant = $1 AND e.seq = d.seq \
     WHERE d.tenant = $1 AND d.webhook = $2 AND d.seq < $3 AND (d.state = $4 OR $4 = 'all') ORDER BY d.seq DESC LIMIT $5";
const FAILED: &str =
    "SELECT COUNT(*) AS n FROM webhook_delivery WHERE tenant = $1 AND webhook = $2 AND state = 'failed'";

/// A receiver.
pub(crate) struct Receiver<B, S> {
    pub(crate) id: WebhookId,
    pub(crate) version: i64,
    pub(crate) state: ReceiverState,
    pub(crate) body: B,
    pub(crate) secrets: S,
    pub(crate) made_at: Timestamp,
    /// Since when nothing reached it.
    pub(crate) failing_since: Option<Timestamp>,
    /// Tries in a row that it did not take.
    pub(crate) failures: i64,
    /// Until when it is left alone.
    pub(crate) held_until: Option<Timestamp>,
}

pub(crate) type SealedReceiver = Receiver<Sealed<ReceiverBody>, Sealed<Secrets>>;

/// What became of one message.
pub(crate) struct Delivery {
    pub(crate) seq: i64,
    /// `waiting`, `delivered`, `failed`.
    pub(crate) state: String,
    pub(crate) attempts: i64,
    pub(crate) due_at: Timestamp,
    pub(crate) attempted_at: Option<Timestamp>,
    pub(crate) status: Option<i64>,
    pub(crate) error: Option<String>,
    pub(crate) event_at: Timestamp,
}

/// What a try leaves behind.
pub(crate) struct Attempted<'a> {
    pub(crate) state: &'static str,
    pub(crate) attempts: i64,
    pub(crate) due_at: Timestamp,
    pub(crate) at: Timestamp,
    pub(crate) status: Option<i64>,
    pub(crate) error: Option<&'a str>,
}

/// The row's name of a receiver in associated data.
pub(crate) fn webhook_row(id: WebhookId) -> RowName {
    RowName::new().uuid(id.0)
}

fn receiver(row: &Row) -> Result<SealedReceiver> {
    Ok(Receiver {
        id: WebhookId(row.uuid("id")?),
        version: row.int("version")?,
        state: ReceiverState::parse(&row.text("state")?)
            .ok_or_else(|| Fault::broken("customers_row", "webhook.state is not from its closed set"))?,
        body: row.sealed("body")?,
        secrets: row.sealed("secrets")?,
        made_at: row.instant("made_at")?,
        failing_since: row.opt_instant("failing_since")?,
        failures: row.int("failures")?,
        held_until: row.opt_instant("held_until")?,
    })
}

fn event(row: &Row) -> Result<Event> {
    let kind = EventKind::parse(&row.text("kind")?)?;
    // What of its owner's changed: a field, or the product of an entitlement. The kind says which.
    let about = row.opt_uuid("field")?;
    let (field, product) =
        if kind.is_of_entitlement() { (None, about.map(ProductId)) } else { (about.map(FieldId), None) };
    Ok(Event {
        seq: row.int("seq")?,
        id: row.uuid("id")?,
        kind,
        owner: row.opt_text("owner")?,
        member: row.opt_text("member")?,
        field,
        product,
        by: row.opt_text("actor")?.as_deref().map(Author::parse).transpose()?,
        at: row.instant("at")?,
    })
}

fn delivery(row: &Row) -> Result<Delivery> {
    Ok(Delivery {
        seq: row.int("seq")?,
        state: row.text("state")?,
        attempts: row.int("attempts")?,
        due_at: row.instant("due_at")?,
        attempted_at: row.opt_instant("attempted_at")?,
        status: row.opt_int("status")?,
        error: row.opt_text("error")?,
        event_at: row.instant("event_at")?,
    })
}

/// All receivers, oldest first; their number is bounded by the rules.
pub(crate) async fn webhook_list(scoped: &mut Scoped) -> Result<Vec<SealedReceiver>> {
    scoped.rows(LIST, Vec::new()).await?.iter().map(receiver).collect()
}

pub(crate) async fn webhook_get(scoped: &mut Scoped, id: WebhookId) -> Result<Option<SealedReceiver>> {
    scoped.row(GET, args![id.0]).await?.as_ref().map(receiver).transpose()
}

/// Whether there is any receiver: without one, nothing is noted.
pub(crate) async fn webhook_any(scoped: &mut Scoped) -> Result<bool> {
    Ok(scoped.row(ANY, Vec::new()).await?.is_some())
}

pub(crate) async fn webhook_insert(scoped: &mut Scoped, new: SealedReceiver) -> Result<()> {
    let values = args![new.id.0, new.version, new.state.name(), new.body, new.secrets, new.made_at];
    scoped.run(INSERT, values).await.map(drop)
}

/// Changes a receiver that has version `before`; false when somebody was faster.
pub(crate) async fn webhook_update(
    scoped: &mut Scoped,
    id: WebhookId,
    version: i64,
    state: ReceiverState,
    body: Sealed<ReceiverBody>,
    before: i64,
) -> Result<bool> {
    Ok(scoped.run(UPDATE, args![id.0, version, state.name(), body, before]).await? == 1)
}

pub(crate) async fn webhook_set_secrets(
    scoped: &mut Scoped,
    id: WebhookId,
    version: i64,
    secrets: Sealed<Secrets>,
) -> Result<()> {
    scoped.run(SECRETS, args![id.0, version, secrets]).await.map(drop)
}

/// Deletes a receiver that has version `before`, and what became of its messages.
pub(crate) async fn webhook_delete(scoped: &mut Scoped, id: WebhookId, before: i64) -> Result<bool> {
    let gone = scoped.run(DELETE, args![id.0, before]).await? == 1;
    if gone {
        scoped.run(DELETE_LOG, args![id.0]).await?;
    }
    Ok(gone)
}

/// Takes a receiver for one deliverer until `until`; false when another has it, or it is off.
pub(crate) async fn webhook_claim(
    scoped: &mut Scoped,
    id: WebhookId,
    until: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    Ok(scoped.run(CLAIM, args![id.0, until, now]).await? == 1)
}

/// Holds a claimed receiver for longer; with an instant that has come, gives it back.
pub(crate) async fn webhook_extend(scoped: &mut Scoped, id: WebhookId, until: Timestamp) -> Result<()> {
    scoped.run(EXTEND, args![id.0, until]).await.map(drop)
}

/// Notes how a receiver does, unless somebody switched it off meanwhile.
pub(crate) async fn webhook_health(
    scoped: &mut Scoped,
    id: WebhookId,
    failing_since: Option<Timestamp>,
    failures: i64,
    held_until: Option<Timestamp>,
    state: ReceiverState,
) -> Result<()> {
    scoped.run(HEALTH, args![id.0, failing_since, failures, held_until, state.name()]).await.map(drop)
}

pub(crate) async fn events_insert(scoped: &mut Scoped, events: &[Event]) -> Result<()> {
    let row = |event: &Event| {
        args![
            event.seq,
            event.id,
            event.kind.name(),
            event.owner.clone(),
            event.member.clone(),
            event.field.map(|field| field.0).or(event.product.map(|product| product.0)),
            event.by.as_ref().map(Author::stored),
            event.at
        ]
    };
    scoped.run_rows(EVENT_INSERT, events.iter().map(row).collect()).await.map(drop)
}

/// Events with these numbers, in their order.
pub(crate) async fn event_list(scoped: &mut Scoped, first: i64, last: i64, limit: u32) -> Result<Vec<Event>> {
    scoped.rows(EVENT_LIST, args![first, last, limit]).await?.iter().map(event).collect()
}

pub(crate) async fn event_get(scoped: &mut Scoped, seq: i64) -> Result<Option<Event>> {
    scoped.row(EVENT_GET, args![seq]).await?.as_ref().map(event).transpose()
}

/// The first and last number of what happened within a span of time.
pub(crate) async fn event_span(scoped: &mut Scoped, from: Timestamp, to: Timestamp) -> Result<Option<(i64, i64)>> {
    let Some(row) = scoped.row(EVENT_SPAN, args![from, to]).await? else { return Ok(None) };
    Ok(row.opt_int("first")?.zip(row.opt_int("last")?))
}

/// Plans a message, unless it is planned already.
pub(crate) async fn delivery_put(scoped: &mut Scoped, to: WebhookId, event: &Event, due: Timestamp) -> Result<bool> {
    Ok(scoped.run(DELIVERY_PUT, args![to.0, event.seq, due, event.at]).await? == 1)
}

/// Sends a message that was given up once more; with `delivered`, one that arrived too.
pub(crate) async fn delivery_replay(
    scoped: &mut Scoped,
    to: WebhookId,
    seq: i64,
    delivered: bool,
    due: Timestamp,
) -> Result<bool> {
    let too = if delivered { "delivered" } else { "failed" };
    Ok(scoped.run(DELIVERY_REPLAY, args![to.0, seq, due, too]).await? == 1)
}

pub(crate) async fn delivery_get(scoped: &mut Scoped, to: WebhookId, seq: i64) -> Result<Option<Delivery>> {
    scoped.row(DELIVERY_GET, args![to.0, seq]).await?.as_ref().map(delivery).transpose()
}

/// Numbers and tries so far of messages that are due.
pub(crate) async fn delivery_due(
    scoped: &mut Scoped,
    to: WebhookId,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(i64, i64)>> {
    let rows = scoped.rows(DELIVERY_DUE, args![to.0, now, limit]).await?;
    rows.iter().map(|row| Ok((row.int("seq")?, row.int("attempts")?))).collect()
}

/// When the next message that waits is due.
pub(crate) async fn delivery_next(scoped: &mut Scoped, to: WebhookId) -> Result<Option<Timestamp>> {
    scoped.row(DELIVERY_NEXT, args![to.0]).await?.map_or(Ok(None), |row| row.opt_instant("due_at"))
}

/// Notes a try of a message that had `before` of them; a try that was noted already changes nothing.
pub(crate) async fn delivery_tried(
    scoped: &mut Scoped,
    to: WebhookId,
    seq: i64,
    tried: Attempted<'_>,
    before: i64,
) -> Result<()> {
    let values =
        args![to.0, seq, tried.state, tried.attempts, tried.due_at, tried.at, tried.status, tried.error, before];
    scoped.run(DELIVERY_TRIED, values).await.map(drop)
}

/// Gives up all that waits.
pub(crate) async fn delivery_give_up(scoped: &mut Scoped, to: WebhookId, error: &'static str) -> Result<u64> {
    scoped.run(DELIVERY_GIVE_UP, args![to.0, error]).await
}

/// What became of messages before `before`, newest first; `state` is one, or `all`.
pub(crate) async fn delivery_log(
    scoped: &mut Scoped,
    to: WebhookId,
    before: i64,
    state: &str,
    limit: u32,
) -> Result<Vec<(Delivery, EventKind)>> {
    let rows = scoped.rows(LOG, args![to.0, before, state, limit]).await?;
    rows.iter().map(|row| Ok((delivery(row)?, EventKind::parse(&row.text("kind")?)?))).collect()
}

/// How many messages were given up.
pub(crate) async fn delivery_failed(scoped: &mut Scoped, to: WebhookId) -> Result<i64> {
    scoped.row(FAILED, args![to.0]).await?.map_or(Ok(0), |row| row.int("n"))
}
