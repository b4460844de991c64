//! Telling receivers of webhooks what happened: noted by ids in the transaction that makes it true, and handed to the
//! outbox. Without a receiver nothing is noted.

use kernel::{AccountId, Cx, Fault, OrganizationId, Result};
use serde_json::json;
use store::{Scoped, changes, outbox};

use crate::actions::issues;
use crate::model::{Author, FieldId};
use crate::sql::webhooks as sql;
use crate::webhooks::event::{Event, EventKind};

/// What the outbox calls it.
pub(crate) const TOPIC: &str = "customers.happened";

/// Notes what happened, in the caller's transaction. The events' numbers were taken in it, and grow.
pub(crate) async fn announce(scoped: &mut Scoped, cx: &Cx, events: &[Event]) -> Result<()> {
    let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(()) };
    issues::happened(scoped, cx, last.seq).await?;
    if !sql::webhook_any(scoped).await? {
        return Ok(());
    }
    sql::events_insert(scoped, events).await?;
    outbox::put(scoped, cx, TOPIC, &json!({"first": first.seq, "last": last.seq})).await
}

/// Notes that a definition changed.
pub(crate) async fn announce_field(
    scoped: &mut Scoped,
    cx: &Cx,
    kind: EventKind,
    field: FieldId,
    version: i64,
) -> Result<()> {
    let event = Event { field: Some(field), by: Author::of(cx.actor()), ..Event::new(kind, version, cx.now()) };
    announce(scoped, cx, &[event]).await
}

/// Tells receivers of webhooks who came and went.
pub(crate) async fn announce_members(
    scoped: &mut Scoped,
    cx: &Cx,
    kind: EventKind,
    members: Vec<(OrganizationId, AccountId)>,
) -> Result<()> {
    announce_members_of(scoped, cx, kind, members, Author::of(cx.actor())).await
}

/// The same, where a job does what somebody wanted.
pub(crate) async fn announce_members_of(
    scoped: &mut Scoped,
    cx: &Cx,
    kind: EventKind,
    members: Vec<(OrganizationId, AccountId)>,
    by: Option<Author>,
) -> Result<()> {
    issues::members_changed(scoped, cx, &members).await?;
    let count = u32::try_from(members.len()).map_err(|error| Fault::broken("customers_members", error))?;
    if count == 0 || !sql::webhook_any(scoped).await? {
        return Ok(());
    }
    let numbers = changes::reserve(scoped, count).await?..;
    let events: Vec<_> = members
        .into_iter()
        .zip(numbers)
        .map(|((organization, account), number)| Event {
            owner: Some(organization.as_str().to_owned()),
            member: Some(account.as_str().to_owned()),
            by: by.clone(),
            ..Event::new(kind, number, cx.now())
        })
        .collect();
    announce(scoped, cx, &events).await
}
