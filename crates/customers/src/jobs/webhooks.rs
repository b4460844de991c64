//! Sending webhooks: from what happened to one planned message for each receiver, and from those to tries.
//!
//! One deliverer at a time works for a receiver, for less than a minute at once; a receiver that does not answer is left
//! alone for longer each time, so that it holds nobody else. It must never keep what it sends. Start at [`Deliver`].

use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use futures::future::join_all;
use host::Purpose;
use host::door::Outward;
use jiff::{SignedDuration, Timestamp};
use jobs::{Handler, Outcome};
use kernel::{AccountId, Cx, Fault, OrganizationId, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Scoped, ledger};
use url::Url;
use vault::Open;

use crate::Room;
use crate::actions::announce::TOPIC;
use crate::actions::webhooks::{self, OpenReceiver, deliver_at, deliver_now};
use crate::actions::{access, fields, history};
use crate::model::{Change, Entity, Owner};
use crate::sql;
use crate::sql::webhooks::Attempted;
use crate::webhooks::event::{self, Event, Told};
use crate::webhooks::receiver::{ReceiverState, Secrets, WebhookId, may_leave};
use crate::webhooks::retry::{self, Next, Tried};
use crate::webhooks::signature;

pub(crate) const FAN_OUT: &str = "customers.fan_out_webhooks";
pub(crate) const REPLAY: &str = "customers.replay_webhook";
pub(crate) const DELIVER: &str = "customers.deliver_webhooks";

/// Events planned in one transaction, for 20 receivers at most.
const EVENTS_A_SLICE: u32 = 100;
/// Messages under way to one receiver: enough to be quick, few enough for a small one.
const AT_ONCE: u32 = 8;
/// Such handfuls in one run of the job; each takes [`TRY_TIME`] at most.
const HANDFULS: usize = 5;
/// How long a receiver may take to answer. It should note the message, answer, and work afterwards.
const TRY_TIME: Duration = Duration::from_secs(10);
/// How long a deliverer that died keeps a receiver: longer than a handful takes, shorter than a job's lease.
const CLAIM: SignedDuration = SignedDuration::from_secs(120);

/// Plans messages of what happened.
pub(crate) struct FanOut(pub(crate) Room);

/// Plans messages of what happened before, for one receiver.
pub(crate) struct Replay(pub(crate) Room);

/// Sends what is due to one receiver.
pub(crate) struct Deliver(pub(crate) Room);

#[derive(Deserialize, Serialize)]
struct Span {
    first: i64,
    last: i64,
}

#[derive(Deserialize, Serialize)]
struct Replayed {
    webhook: String,
    delivered: bool,
    #[serde(flatten)]
    span: Span,
}

fn read<T: DeserializeOwned>(payload: &Value) -> Result<T> {
    T::deserialize(payload).map_err(|_| Fault::invalid("jobs_payload", "not of this job's form"))
}

fn id_in(text: &str) -> Result<WebhookId> {
    text.parse().map_err(|_| Fault::invalid("jobs_payload", "no id"))
}

/// Where to go on after these events, if there are more.
fn rest(events: &[Event], span: Span) -> Option<Span> {
    let last = events.last().filter(|_| events.len() >= EVENTS_A_SLICE as usize)?;
    (last.seq < span.last).then_some(Span { first: last.seq + 1, last: span.last })
}

#[async_trait]
impl Handler for FanOut {
    fn kind(&self) -> &'static str {
        FAN_OUT
    }

    fn topic(&self) -> Option<&'static str> {
        Some(TOPIC)
    }

    async fn run(&self, cx: &Cx, payload: &Value) -> Result<Outcome> {
        let span: Span = read(payload)?;
        let keys = access::tenant_keys(cx, &self.0).await?;
        let mut scoped = self.0.shared.store.write(cx).await?;
        let events = sql::webhooks::event_list(&mut scoped, span.first, span.last, EVENTS_A_SLICE).await?;
        for sealed in sql::webhooks::webhook_list(&mut scoped).await? {
            let receiver = webhooks::open(&keys, sealed)?;
            let mut planned = false;
            for event in events.iter().filter(|event| hears(&receiver, event)) {
                planned |= sql::webhooks::delivery_put(&mut scoped, receiver.id, event, cx.now()).await?;
            }
            if planned {
                deliver_now(&mut scoped, cx, receiver.id, &format!("event {}", span.first)).await?;
            }
        }
        scoped.commit().await?;
        Ok(rest(&events, span).map_or(Outcome::Done, |span| Outcome::Again(json!(span))))
    }
}

fn hears(receiver: &OpenReceiver, event: &Event) -> bool {
    receiver.state == ReceiverState::On && receiver.body.peek().events.contains(&event.kind)
}

#[async_trait]
impl Handler for Replay {
    fn kind(&self) -> &'static str {
        REPLAY
    }

    async fn run(&self, cx: &Cx, payload: &Value) -> Result<Outcome> {
        let Replayed { webhook, delivered, span } = read(payload)?;
        let id = id_in(&webhook)?;
        let keys = access::tenant_keys(cx, &self.0).await?;
        let mut scoped = self.0.shared.store.write(cx).await?;
        let Some(sealed) = sql::webhooks::webhook_get(&mut scoped, id).await? else { return Ok(Outcome::Done) };
        let receiver = webhooks::open(&keys, sealed)?;
        let events = sql::webhooks::event_list(&mut scoped, span.first, span.last, EVENTS_A_SLICE).await?;
        for event in events.iter().filter(|event| hears(&receiver, event)) {
            if !sql::webhooks::delivery_put(&mut scoped, id, event, cx.now()).await? {
                sql::webhooks::delivery_replay(&mut scoped, id, event.seq, delivered, cx.now()).await?;
            }
        }
        // By the instant: the same span may be replayed again, after it was tried.
        deliver_now(&mut scoped, cx, id, &format!("span {} {}", span.first, kernel::micros(cx.now()))).await?;
        scoped.commit().await?;
        let next = rest(&events, span).map(|span| json!(Replayed { webhook, delivered, span }));
        Ok(next.map_or(Outcome::Done, Outcome::Again))
    }
}

#[async_trait]
impl Handler for Deliver {
    fn kind(&self) -> &'static str {
        DELIVER
    }

    async fn run(&self, cx: &Cx, payload: &Value) -> Result<Outcome> {
        let id = id_in(payload.get("webhook").and_then(Value::as_str).unwrap_or_default())?;
        let mut scoped = self.0.shared.store.write(cx).await?;
        let claimed = sql::webhooks::webhook_claim(&mut scoped, id, later(cx, CLAIM), cx.now()).await?;
        let standing = sql::webhooks::webhook_get(&mut scoped, id).await?;
        if !claimed && standing.is_some_and(|receiver| receiver.state == ReceiverState::On) {
            // Whoever has it sends this too. Should they die, somebody looks again; once for each minute is enough.
            let again = later(cx, CLAIM);
            let minute = again.as_second().div_euclid(60);
            deliver_at(&mut scoped, cx, id, &format!("again {minute}"), again).await?;
        }
        scoped.commit().await?;
        if !claimed {
            return Ok(Outcome::Done);
        }
        let outcome = self.handfuls(cx, id).await;
        if outcome.is_err() {
            // The job is tried again soon: it must find the receiver free.
            let mut scoped = self.0.shared.store.write(cx).await?;
            sql::webhooks::webhook_extend(&mut scoped, id, cx.now()).await?;
            scoped.commit().await?;
        }
        Ok(if outcome? { Outcome::Again(payload.clone()) } else { Outcome::Done })
    }
}

impl Deliver {
    /// Sends what is due, some handfuls of it; true when more may be.
    async fn handfuls(&self, cx: &Cx, id: WebhookId) -> Result<bool> {
        for _ in 0..HANDFULS {
            let Some((receiver, secrets, due)) = self.next(cx, id).await? else { return Ok(false) };
            let tries = due.iter().map(|(seq, _)| self.attempt(cx, &receiver, &secrets, *seq));
            let outcomes: Vec<_> = join_all(tries).await.into_iter().collect::<Result<_>>()?;
            if !self.settle(cx, &receiver, &due, &outcomes).await? {
                break;
            }
        }
        let mut scoped = self.0.shared.store.write(cx).await?;
        sql::webhooks::webhook_extend(&mut scoped, id, cx.now()).await?;
        scoped.commit().await?;
        Ok(true)
    }

    /// The next handful; with nothing due, gives the receiver back and sees to it that somebody comes when something is.
    async fn next(&self, cx: &Cx, id: WebhookId) -> Result<Option<(OpenReceiver, Open<Secrets>, Vec<(i64, i64)>)>> {
        let keys = access::tenant_keys(cx, &self.0).await?;
        let mut scoped = self.0.shared.store.write(cx).await?;
        // First, so that what is planned from here on waits for this transaction before it looks for a deliverer.
        sql::webhooks::webhook_extend(&mut scoped, id, later(cx, CLAIM)).await?;
        let sealed = sql::webhooks::webhook_get(&mut scoped, id).await?;
        let Some(sealed) = sealed.filter(|sealed| sealed.state == ReceiverState::On) else {
            sql::webhooks::webhook_extend(&mut scoped, id, cx.now()).await?;
            scoped.commit().await?;
            return Ok(None);
        };
        let held = sealed.held_until.filter(|until| *until > cx.now());
        let due = match held {
            Some(_) => Vec::new(),
            None => sql::webhooks::delivery_due(&mut scoped, id, cx.now(), AT_ONCE).await?,
        };
        if due.is_empty() {
            sql::webhooks::webhook_extend(&mut scoped, id, cx.now()).await?;
            if let Some(next) = sql::webhooks::delivery_next(&mut scoped, id).await? {
                let at = held.map_or(next, |held| held.max(next));
                deliver_at(&mut scoped, cx, id, &format!("due {}", kernel::micros(at)), at).await?;
            }
            scoped.commit().await?;
            return Ok(None);
        }
        scoped.commit().await?;
        let secrets = webhooks::open_secrets(cx, &self.0, &sealed).await?;
        Ok(Some((webhooks::open(&keys, sealed)?, secrets, due)))
    }

    /// One try of one message.
    async fn attempt(&self, cx: &Cx, receiver: &OpenReceiver, secrets: &Open<Secrets>, seq: i64) -> Result<Tried> {
        let event = sql::webhooks::event_get(&mut self.0.shared.store.read(cx).await?, seq).await?;
        let Some(event) = event else { return Ok(Tried::Unreached("webhook_expired")) };
        let body = self.message(cx, receiver, &event).await?;
        let at = cx.now().as_second();
        let signature = signature::sign(&secrets.peek().good(cx.now()), &event.message_id(), at, &body)?;
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in [
            ("webhook-id", event.message_id()),
            ("webhook-timestamp", at.to_string()),
            ("webhook-signature", signature),
        ] {
            let value = HeaderValue::from_str(&value).map_err(|error| Fault::broken("webhook_header", error))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        let url = Url::parse(&receiver.body.peek().url).map_err(|error| Fault::broken("webhook_url", error))?;
        let call = Outward {
            headers,
            body: Some(Bytes::from(body)),
            time: TRY_TIME,
            // What a receiver says besides its status is nobody's business here.
            body_limit: 0,
            ..Outward::new(Method::POST, url)
        };
        Ok(match self.0.shared.host.door.send(cx.tenant(), Purpose::Webhook, call).await {
            Ok(reply) if reply.status.is_success() => Tried::Accepted(reply.status.as_u16()),
            Ok(reply) => Tried::Answered(reply.status.as_u16(), retry_after(&reply.headers)),
            Err(fault) => Tried::Unreached(fault.code()),
        })
    }

    /// The body of an event's message, with the value where it may leave.
    async fn message(&self, cx: &Cx, receiver: &OpenReceiver, event: &Event) -> Result<Vec<u8>> {
        let (Some(entity), Some(owner), Some(field)) = (event.kind.entity_of_value(), &event.owner, event.field) else {
            return Ok(event::message(event, None));
        };
        let owner = match entity {
            Entity::Customer => Owner::Customer(AccountId::new(owner.as_str())?),
            Entity::Organization => Owner::Organization(OrganizationId::new(owner.as_str())?),
        };
        let tenant = access::tenant_keys(cx, &self.0).await?;
        let mut scoped = self.0.shared.store.read(cx).await?;
        let Some(entry) = sql::history_get(&mut scoped, &owner, event.seq).await? else {
            return Ok(event::message(event, None));
        };
        let field = fields::in_transaction(&mut scoped, &tenant, field).await?;
        drop(scoped);
        let action = entry.action;
        let told = receiver.body.peek().values && field.is_some_and(|field| may_leave(field.audience));
        let change = if told {
            let keys = access::owner_keys(cx, &self.0, &owner).await?;
            match history::open_change(&keys, &owner, entry) {
                Ok(entry) => Some(entry.change),
                // Its person was forgotten since: told by ids.
                Err(fault) if fault.kind() == kernel::Kind::Broken => None,
                Err(fault) => return Err(fault),
            }
        } else {
            None
        };
        web::reply::for_receiver((cx, &self.0.shared, receiver.id.0), |exit| {
            let change: Option<Change> = change.map(|change| change.release(exit));
            event::message(event, Some(&Told { action, change: change.as_ref() }))
        })
        .await
    }

    /// Notes what tries came to, of the messages and of the receiver. False when the receiver is left alone for now.
    async fn settle(&self, cx: &Cx, of: &OpenReceiver, due: &[(i64, i64)], outcomes: &[Tried]) -> Result<bool> {
        let now = cx.now();
        let mut scoped = self.0.shared.store.write(cx).await?;
        for ((seq, before), tried) in due.iter().zip(outcomes) {
            note_try(&mut scoped, of.id, *seq, *before, *tried, now).await?;
        }
        let accepted = outcomes.iter().any(|tried| matches!(tried, Tried::Accepted(_)));
        let held = outcomes.iter().filter_map(|tried| retry::hold(*tried, of.failures)).max();
        let held_until = held.map(|pause| now.checked_add(pause).unwrap_or(Timestamp::MAX));
        let failures = if accepted { 0 } else { of.failures + 1 };
        let since = if accepted { None } else { Some(of.failing_since.unwrap_or(now)) };
        let dead = since.is_some_and(|since| outcomes.iter().any(|tried| retry::gives_up(*tried, since, now)));
        let state = if dead { ReceiverState::Dead } else { ReceiverState::On };
        sql::webhooks::webhook_health(&mut scoped, of.id, since, failures, held_until, state).await?;
        if dead {
            sql::webhooks::delivery_give_up(&mut scoped, of.id, "switched_off").await?;
            let object = of.id.to_string();
            let entry = ledger::Entry { kind: "customers.webhook_off", object: Some(&object), ..Default::default() };
            ledger::append(&mut scoped, cx, entry).await?;
        }
        scoped.commit().await?;
        Ok(!dead && held.is_none())
    }
}

async fn note_try(
    scoped: &mut Scoped,
    to: WebhookId,
    seq: i64,
    before: i64,
    tried: Tried,
    now: Timestamp,
) -> Result<()> {
    let attempts = before + 1;
    let (state, due_at) = match retry::after(tried, attempts, jitter()) {
        Next::Delivered => ("delivered", now),
        Next::Again(pause) => ("waiting", now.checked_add(pause).unwrap_or(Timestamp::MAX)),
        Next::Failed => ("failed", now),
    };
    let (status, error) = match tried {
        Tried::Accepted(status) => (Some(status), None),
        Tried::Answered(status, _) => (Some(status), Some("webhook_answer")),
        Tried::Unreached(code) => (None, Some(code)),
    };
    let tried = Attempted { state, attempts, due_at, at: now, status: status.map(i64::from), error };
    sql::webhooks::delivery_tried(scoped, to, seq, tried, before).await
}

fn later(cx: &Cx, by: SignedDuration) -> Timestamp {
    cx.now().checked_add(by).unwrap_or(Timestamp::MAX)
}

fn jitter() -> f64 {
    f64::from(rand::random::<u16>()) / f64::from(u16::MAX)
}

/// How long a receiver asks to be left alone, where it says so in seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}
