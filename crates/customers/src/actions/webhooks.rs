//! Receivers of webhooks: named, changed, tried out and removed by Jira's administrators; what became of their
//! messages, and sending those once more.

use jiff::Timestamp;
use kernel::{Cx, Fault, KeyClass, Result};
use serde_json::{Value, json};
use store::{Scoped, changes, ledger};
use url::Url;
use vault::{Keys, Open, Place, Subject};

use crate::Room;
use crate::actions::access;
use crate::jobs::webhooks::{DELIVER, REPLAY};
use crate::model::Author;
use crate::schema;
use crate::sql::webhooks::{self as sql, Delivery, Receiver, SealedReceiver};
use crate::webhooks::event::{Event, EventKind};
use crate::webhooks::receiver::{self, RECEIVERS_MAX, ReceiverBody, ReceiverState, Secrets, WebhookId};
use crate::webhooks::signature;

/// A receiver whose body is open; its secrets stay sealed.
pub(crate) type OpenReceiver = Receiver<Open<ReceiverBody>, ()>;

fn body_place(id: WebhookId) -> Place {
    Place::new(&schema::WEBHOOK_BODY, sql::webhook_row(id))
}

fn secrets_place(id: WebhookId) -> Place {
    Place::new(&schema::WEBHOOK_SECRETS, sql::webhook_row(id))
}

/// Opens what administrators said of a receiver.
pub(crate) fn open(keys: &Keys, sealed: SealedReceiver) -> Result<OpenReceiver> {
    Ok(Receiver {
        body: keys.open(&body_place(sealed.id), &sealed.body)?,
        secrets: (),
        id: sealed.id,
        version: sealed.version,
        state: sealed.state,
        made_at: sealed.made_at,
        failing_since: sealed.failing_since,
        failures: sealed.failures,
        held_until: sealed.held_until,
    })
}

/// Opens what a receiver's messages are signed with.
pub(crate) async fn open_secrets(cx: &Cx, room: &Room, sealed: &SealedReceiver) -> Result<Open<Secrets>> {
    secret_keys(cx, room).await?.open(&secrets_place(sealed.id), &sealed.secrets)
}

async fn secret_keys(cx: &Cx, room: &Room) -> Result<Keys> {
    room.shared.vault.keys(cx, KeyClass::Credential, Subject::Tenant).await
}

/// All receivers, oldest first, each with how many messages were given up.
pub(crate) async fn list_webhooks(cx: &Cx, room: &Room) -> Result<Vec<(OpenReceiver, i64)>> {
    let keys = access::tenant_keys(cx, room).await?;
    let mut scoped = room.shared.store.read(cx).await?;
    let mut found = Vec::new();
    for sealed in sql::webhook_list(&mut scoped).await? {
        let failed = sql::delivery_failed(&mut scoped, sealed.id).await?;
        found.push((open(&keys, sealed)?, failed));
    }
    Ok(found)
}

async fn read(cx: &Cx, room: &Room, id: WebhookId) -> Result<(OpenReceiver, i64)> {
    let keys = access::tenant_keys(cx, room).await?;
    let mut scoped = room.shared.store.read(cx).await?;
    let sealed = sql::webhook_get(&mut scoped, id).await?.ok_or_else(Fault::not_found)?;
    let failed = sql::delivery_failed(&mut scoped, id).await?;
    Ok((open(&keys, sealed)?, failed))
}

/// What somebody wants, if its address may be called.
fn checked(room: &Room, wanted: &ReceiverBody) -> Result<ReceiverBody> {
    let wanted = receiver::check(wanted)?;
    let reachable = Url::parse(&wanted.url).is_ok_and(|url| room.shared.host.door.check_receiver(&url).is_ok());
    if reachable {
        return Ok(wanted);
    }
    Err(Fault::invalid_field(
        "/url",
        "not_allowed",
        "Give an https address on the open internet, without a name or password in it. Private networks are not called.",
    ))
}

/// Names a receiver. Its secret is in the answer and nowhere else.
pub(crate) async fn make_webhook(cx: &Cx, room: &Room, wanted: &ReceiverBody) -> Result<((OpenReceiver, i64), String)> {
    let body = checked(room, wanted)?;
    let id = WebhookId::fresh();
    let secret = signature::make_secret()?;
    let secrets = secret_keys(cx, room).await?.seal(&secrets_place(id), &Secrets::first(secret.clone()))?;
    let sealed = access::tenant_keys(cx, room).await?.seal(&body_place(id), &body)?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    let version = changes::record(&mut scoped, cx, "webhook", &id.to_string()).await?;
    if sql::webhook_list(&mut scoped).await?.len() >= RECEIVERS_MAX {
        return Err(crate::actions::fields::too_many("webhooks", RECEIVERS_MAX));
    }
    let new = Receiver {
        id,
        version,
        state: ReceiverState::On,
        body: sealed,
        secrets,
        made_at: cx.now(),
        failing_since: None,
        failures: 0,
        held_until: None,
    };
    sql::webhook_insert(&mut scoped, new).await?;
    note(&mut scoped, cx, "customers.webhook_made", actor, id, body.values).await?;
    scoped.commit().await?;
    Ok((read(cx, room, id).await?, secret))
}

/// Changes a receiver that has version `before`, and switches it on or off. What waits for one that is switched off is
/// given up; it can be replayed.
pub(crate) async fn change_webhook(
    cx: &Cx,
    room: &Room,
    id: WebhookId,
    before: i64,
    wanted: &ReceiverBody,
    on: bool,
) -> Result<(OpenReceiver, i64)> {
    let body = checked(room, wanted)?;
    let sealed = access::tenant_keys(cx, room).await?.seal(&body_place(id), &body)?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    let version = changes::record(&mut scoped, cx, "webhook", &id.to_string()).await?;
    let old = sql::webhook_get(&mut scoped, id).await?.ok_or_else(Fault::not_found)?;
    let state = match (on, old.state) {
        (true, _) => ReceiverState::On,
        (false, ReceiverState::Dead) => ReceiverState::Dead,
        (false, _) => ReceiverState::Paused,
    };
    if !sql::webhook_update(&mut scoped, id, version, state, sealed, before).await? {
        return Err(changed());
    }
    if on {
        deliver_now(&mut scoped, cx, id, &format!("change {version}")).await?;
    } else {
        sql::delivery_give_up(&mut scoped, id, "switched_off").await?;
    }
    note(&mut scoped, cx, "customers.webhook_changed", actor, id, body.values).await?;
    scoped.commit().await?;
    read(cx, room, id).await
}

/// Removes a receiver that has version `before`, with what became of its messages.
pub(crate) async fn delete_webhook(cx: &Cx, room: &Room, id: WebhookId, before: i64) -> Result<()> {
    let actor = access::actor_pseudonym(cx, room).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    changes::record(&mut scoped, cx, "webhook", &id.to_string()).await?;
    sql::webhook_get(&mut scoped, id).await?.ok_or_else(Fault::not_found)?;
    if !sql::webhook_delete(&mut scoped, id, before).await? {
        return Err(changed());
    }
    note(&mut scoped, cx, "customers.webhook_deleted", actor, id, false).await?;
    scoped.commit().await
}

/// Gives a receiver a new secret; the one that was good signs too for a day.
pub(crate) async fn rotate_secret(cx: &Cx, room: &Room, id: WebhookId) -> Result<((OpenReceiver, i64), String)> {
    let keys = secret_keys(cx, room).await?;
    let secret = signature::make_secret()?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    let version = changes::record(&mut scoped, cx, "webhook", &id.to_string()).await?;
    let old = sql::webhook_get(&mut scoped, id).await?.ok_or_else(Fault::not_found)?;
    let standing = keys.open(&secrets_place(id), &old.secrets)?;
    let sealed = keys.seal(&secrets_place(id), &standing.peek().clone().rotated(secret.clone(), cx.now()))?;
    sql::webhook_set_secrets(&mut scoped, id, version, sealed).await?;
    note(&mut scoped, cx, "customers.webhook_secret_made", actor, id, false).await?;
    scoped.commit().await?;
    Ok((read(cx, room, id).await?, secret))
}

/// Sends a test message; answers its number.
pub(crate) async fn test_webhook(cx: &Cx, room: &Room, id: WebhookId) -> Result<i64> {
    let mut scoped = room.shared.store.write(cx).await?;
    let seq = changes::reserve(&mut scoped, 1).await?;
    on(&mut scoped, id).await?;
    let event = Event { by: Author::of(cx.actor()), ..Event::new(EventKind::Test, seq, cx.now()) };
    sql::events_insert(&mut scoped, std::slice::from_ref(&event)).await?;
    sql::delivery_put(&mut scoped, id, &event, cx.now()).await?;
    deliver_now(&mut scoped, cx, id, &format!("test {seq}")).await?;
    scoped.commit().await?;
    (room.shared.wake)();
    Ok(seq)
}

/// What became of a receiver's messages before number `before`, newest first, and where the next page begins.
pub(crate) async fn list_deliveries(
    cx: &Cx,
    room: &Room,
    id: WebhookId,
    state: &str,
    before: i64,
    limit: u32,
) -> Result<(Vec<(Delivery, EventKind)>, Option<i64>)> {
    let mut scoped = room.shared.store.read(cx).await?;
    sql::webhook_get(&mut scoped, id).await?.ok_or_else(Fault::not_found)?;
    let mut page = sql::delivery_log(&mut scoped, id, before, state, limit + 1).await?;
    let more = page.len() > limit as usize;
    page.truncate(limit as usize);
    let next = page.last().filter(|_| more).map(|(delivery, _)| delivery.seq);
    Ok((page, next))
}

/// Sends one message once more, whether it arrived or not.
pub(crate) async fn replay_delivery(cx: &Cx, room: &Room, id: WebhookId, seq: i64) -> Result<Delivery> {
    let actor = access::actor_pseudonym(cx, room).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    let turn = changes::reserve(&mut scoped, 1).await?;
    on(&mut scoped, id).await?;
    sql::delivery_get(&mut scoped, id, seq).await?.ok_or_else(Fault::not_found)?;
    sql::delivery_replay(&mut scoped, id, seq, true, cx.now()).await?;
    deliver_now(&mut scoped, cx, id, &format!("replay {turn}")).await?;
    let planned = sql::delivery_get(&mut scoped, id, seq).await?.ok_or_else(Fault::not_found)?;
    note(&mut scoped, cx, "customers.webhook_replayed", actor, id, false).await?;
    scoped.commit().await?;
    (room.shared.wake)();
    Ok(planned)
}

/// Sends what happened within a span of time once more: what was given up or never planned; with `delivered`, all.
/// Answers the numbers that it goes through, if anything happened.
pub(crate) async fn replay_span(
    cx: &Cx,
    room: &Room,
    id: WebhookId,
    from: Timestamp,
    to: Timestamp,
    delivered: bool,
) -> Result<Option<(i64, i64)>> {
    if from > to {
        return Err(Fault::invalid_field("/to", "out_of_range", "The end of the span lies before its beginning."));
    }
    let actor = access::actor_pseudonym(cx, room).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    let turn = changes::reserve(&mut scoped, 1).await?;
    on(&mut scoped, id).await?;
    let span = sql::event_span(&mut scoped, from, to).await?;
    if let Some((first, last)) = span {
        let payload = json!({"webhook": id.to_string(), "first": first, "last": last, "delivered": delivered});
        jobs::enqueue(&mut scoped, cx, REPLAY, &format!("{id} {turn}"), &payload, cx.now()).await?;
        note(&mut scoped, cx, "customers.webhook_replayed", actor, id, false).await?;
    }
    scoped.commit().await?;
    (room.shared.wake)();
    Ok(span)
}

/// Refuses to send to a receiver that is off.
async fn on(scoped: &mut Scoped, id: WebhookId) -> Result<()> {
    match sql::webhook_get(scoped, id).await?.ok_or_else(Fault::not_found)?.state {
        ReceiverState::On => Ok(()),
        ReceiverState::Paused | ReceiverState::Dead => {
            Err(Fault::invalid("webhook_off", "This webhook is switched off. Switch it on first."))
        }
    }
}

/// Has a receiver's due messages sent; `why` makes the job's key unlike any before.
pub(crate) async fn deliver_now(scoped: &mut Scoped, cx: &Cx, id: WebhookId, why: &str) -> Result<()> {
    deliver_at(scoped, cx, id, why, cx.now()).await
}

/// The same, at an instant.
pub(crate) async fn deliver_at(scoped: &mut Scoped, cx: &Cx, id: WebhookId, why: &str, at: Timestamp) -> Result<()> {
    let payload: Value = json!({"webhook": id.to_string()});
    jobs::enqueue(scoped, cx, DELIVER, &format!("{id} {why}"), &payload, at).await.map(drop)
}

async fn note(
    scoped: &mut Scoped,
    cx: &Cx,
    kind: &'static str,
    actor: Option<Vec<u8>>,
    id: WebhookId,
    values: bool,
) -> Result<()> {
    // That values leave is for an auditor to see.
    let object = if values { format!("{id} values") } else { id.to_string() };
    ledger::append(scoped, cx, ledger::Entry { kind, actor, subject: None, object: Some(&object) }).await.map(drop)
}

fn changed() -> Fault {
    Fault::conflict("Somebody changed this webhook since you opened it. Read it again.")
}
