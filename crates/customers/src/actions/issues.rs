//! Values that stand on issues in Jira: which fields administrators chose, what has to be written anew, and how far it is.
//!
//! Whatever changes marks issues in its own transaction, or wakes who follows the change sequence; `jobs/issues.rs` sends. It never
//! keeps what it sends.

use host::issue_property::Slot;
use jiff::{SignedDuration, Timestamp};
use jobs::enqueue;
use kernel::{AccountId, Cx, Fault, OrganizationId, ProjectId, Result};
use serde_json::{Value as Json, json};
use store::{Scoped, changes, ledger};
use uuid::Uuid;
use vault::{Keys, Open};

use crate::Room;
use crate::actions::announce::announce_field;
use crate::actions::fields::{self, OpenField};
use crate::actions::turned::Turned;
use crate::actions::{access, copies, values};
use crate::jobs::issues::{FIND, FOLLOW, SEND};
use crate::model::{Entity, FieldBody, FieldId, OnIssues, Owner, Value};
use crate::rules::issues as rules;
use crate::sql;
use crate::sql::issues as marks;
use crate::webhooks::event::EventKind;

/// Issues that are told by name when Jira does not take theirs.
const FAILURES_TOLD: u32 = 20;
/// Changes followed in one transaction.
const FOLLOWED_AT_ONCE: u32 = 500;
/// A search for all issues that did not end within so long is begun anew.
const FINDING_LASTS: SignedDuration = SignedDuration::from_hours(6);
/// What somebody else wrote into our property, or a lost event, is put right within so long.
const FOUND_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// How far the search looks back each hour: as far as an hour's reading may be late.
const LOOKS_BACK_MINUTES: u32 = 150;

/// How values on issues are.
pub(crate) struct State {
    /// The fields that stand there.
    pub(crate) fields: Vec<OpenField>,
    /// Whether the site's search knows their places.
    pub(crate) searchable: bool,
    /// Issues that are known.
    pub(crate) known: i64,
    /// Those that are yet to be written.
    pub(crate) waiting: i64,
    /// Those that Jira does not take.
    pub(crate) failed: i64,
    /// The first of those, each with why.
    pub(crate) failures: Vec<(String, Option<String>)>,
    /// Until when Jira is left alone, and why.
    pub(crate) held: Option<(Timestamp, Option<String>)>,
    /// Whether all issues are being looked for.
    pub(crate) finding: bool,
    /// When they were last looked for to the end.
    pub(crate) found_at: Option<Timestamp>,
}

/// A field that stands on issues, and where.
pub(crate) fn standing(field: &OpenField) -> Option<(&OnIssues, Slot)> {
    let on = field.body.peek().on_issues.as_ref()?;
    // What a field may be is asked again here: nothing leaves for having been chosen once.
    rules::check_choice(field.kind, field.audience, field.retired).ok()?;
    Some((on, Slot::parse(&on.slot)?))
}

/// The fields that stand on issues.
pub(crate) async fn chosen(cx: &Cx, room: &Room) -> Result<Vec<OpenField>> {
    Ok(fields::all(cx, room).await?.into_iter().filter(|field| standing(field).is_some()).collect())
}

/// How it is, for administrators.
pub(crate) async fn state(cx: &Cx, room: &Room) -> Result<State> {
    let searchable = room.shared.host.searches_properties(cx).await?;
    let fields = chosen(cx, room).await?;
    let mut scoped = room.shared.store.read(cx).await?;
    let sending = marks::sending_get(&mut scoped).await?;
    let counts = marks::mark_counts(&mut scoped).await?;
    let of = |state: &str| counts.iter().filter(|(name, _)| name == state).map(|(_, count)| *count).sum();
    let known = counts.iter().map(|(_, count)| *count).sum();
    let failures = marks::mark_failed(&mut scoped, FAILURES_TOLD).await?;
    let held = sending.as_ref().and_then(|sending| {
        let until = sending.held_until.filter(|until| *until > cx.now())?;
        Some((until, sending.error.clone()))
    });
    let since = sending.as_ref().and_then(|sending| sending.finding_since);
    Ok(State {
        fields,
        searchable,
        known,
        waiting: of("waiting"),
        failed: of("failed"),
        failures,
        held,
        finding: since.is_some_and(|since| is_recent(cx, since)),
        found_at: sending.and_then(|sending| sending.found_at),
    })
}

fn is_recent(cx: &Cx, since: Timestamp) -> bool {
    since.checked_add(FINDING_LASTS).is_ok_and(|end| end > cx.now())
}

/// Has a field that has version `before` stand on issues. One that does already stays where it stands.
pub(crate) async fn choose(cx: &Cx, room: &Room, id: FieldId, before: i64) -> Result<OpenField> {
    let place = |field: &OpenField, others: &[OpenField]| {
        let kind = rules::check_choice(field.kind, field.audience, field.retired)
            .map_err(|wrong| Fault::invalid_fields(vec![wrong]))?;
        if field.body.peek().on_issues.is_some() {
            return Ok(field.body.peek().clone());
        }
        let taken: Vec<(Entity, OnIssues)> =
            others.iter().filter_map(|other| Some((other.entity, other.body.peek().on_issues.clone()?))).collect();
        let given = rules::assign(kind, (field.entity, &field.body.peek().name), &taken);
        let on_issues = Some(given.map_err(|wrong| Fault::invalid_fields(vec![wrong]))?);
        Ok(FieldBody { on_issues, ..field.body.peek().clone() })
    };
    change(cx, room, (id, before), "customers.field_put_on_issues", place).await
}

/// Takes a field that has version `before` off issues.
pub(crate) async fn take_off(cx: &Cx, room: &Room, id: FieldId, before: i64) -> Result<OpenField> {
    let place = |field: &OpenField, _: &[OpenField]| Ok(FieldBody { on_issues: None, ..field.body.peek().clone() });
    change(cx, room, (id, before), "customers.field_taken_off_issues", place).await
}

/// Changes what becomes of a field's values in Jira, and lets follow what follows from it.
pub(crate) async fn change(
    cx: &Cx,
    room: &Room,
    (id, before): (FieldId, i64),
    told: &'static str,
    place: impl FnOnce(&OpenField, &[OpenField]) -> Result<FieldBody>,
) -> Result<OpenField> {
    let keys = access::tenant_keys(cx, room).await?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let named = fields::read_field(cx, room, id).await?;
    let hash = access::name_hash(cx, room, "field name", &named.body.peek().name).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    let version = changes::record(&mut scoped, cx, "field", &id.to_string()).await?;
    let all = fields::all_in(&mut scoped, &keys).await?;
    let (mut own, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|field| field.id == id);
    let old = own.pop().ok_or_else(Fault::not_found)?;
    fields::check_version(&old, before)?;
    let body = place(&old, &others)?;
    let moves = body.on_issues != old.body.peek().on_issues;
    let copies = body.copied_to != old.body.peek().copied_to;
    let sealed = keys.seal(&fields::place(id), &body)?;
    fields::write(&mut scoped, crate::model::Field { version, ..old.with(|_| sealed) }, &hash, before).await?;
    if moves {
        settle_choice(&mut scoped, cx, &keys).await?;
    }
    if copies {
        copies::settle(&mut scoped, cx, &keys).await?;
    }
    fields::note(&mut scoped, cx, told, actor, id).await?;
    announce_field(&mut scoped, cx, EventKind::FieldChanged, id, version).await?;
    scoped.commit().await?;
    (room.shared.wake)();
    fields::read_field(cx, room, id).await
}

/// What follows from another choice, or from another form of what was chosen: every issue is looked at again, and issues are
/// looked for where none were.
pub(crate) async fn settle_choice(scoped: &mut Scoped, cx: &Cx, keys: &Keys) -> Result<()> {
    let active = fields::all_in(scoped, keys).await?.iter().any(|field| standing(field).is_some());
    let seq = changes::latest(scoped).await?;
    // What nothing stood on is known no more: it is looked for anew.
    let was = is_active(scoped).await?;
    marks::sending_activate(scoped, active, seq).await?;
    marks::mark_all(scoped, cx.now()).await?;
    send(scoped, cx, cx.now()).await?;
    let sending = marks::sending_get(scoped).await?;
    let found = sending.as_ref().is_some_and(|sending| {
        sending.found_at.is_some() || sending.finding_since.is_some_and(|since| is_recent(cx, since))
    });
    if active && !(was && found) {
        marks::sending_finding(scoped, Some(cx.now()), None).await?;
        find(scoped, cx, &format!("all {seq}"), &json!({"all": true}), cx.now()).await?;
    }
    Ok(())
}

/// Sends all of it once more, whatever Jira had.
pub(crate) async fn send_again(cx: &Cx, room: &Room) -> Result<()> {
    let actor = access::actor_pseudonym(cx, room).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    changes::take_turn(&mut scoped).await?;
    all_again(&mut scoped, cx).await?;
    let entry = ledger::Entry { kind: "customers.issues_sent_again", actor, ..Default::default() };
    ledger::append(&mut scoped, cx, entry).await?;
    scoped.commit().await?;
    (room.shared.wake)();
    Ok(())
}

/// The same, in the caller's transaction: all issues are looked for again, and nothing counts as sent.
pub(crate) async fn all_again(scoped: &mut Scoped, cx: &Cx) -> Result<()> {
    let Some(sending) = marks::sending_get(scoped).await? else { return Ok(()) };
    marks::mark_forget_sent(scoped).await?;
    marks::mark_all(scoped, cx.now()).await?;
    marks::sending_health(scoped, None, 0, None).await?;
    send(scoped, cx, cx.now()).await?;
    if sending.active {
        marks::sending_finding(scoped, Some(cx.now()), None).await?;
        find(scoped, cx, &format!("again {}", Uuid::now_v7()), &json!({"all": true}), cx.now()).await?;
    }
    Ok(())
}

/// Wakes who follows changes, if any field stands on issues; in the transaction of the change that has this number.
pub(crate) async fn happened(scoped: &mut Scoped, cx: &Cx, seq: i64) -> Result<()> {
    if is_active(scoped).await? {
        enqueue(scoped, cx, FOLLOW, &seq.to_string(), &json!({}), cx.now()).await?;
    }
    Ok(())
}

async fn is_active(scoped: &mut Scoped) -> Result<bool> {
    Ok(marks::sending_get(scoped).await?.is_some_and(|sending| sending.active))
}

/// Marks the issues of people who came into an organization or left it.
pub(crate) async fn members_changed(
    scoped: &mut Scoped,
    cx: &Cx,
    members: &[(OrganizationId, AccountId)],
) -> Result<()> {
    if members.is_empty() || !is_active(scoped).await? {
        return Ok(());
    }
    for (_, account) in members {
        marks::mark_owner(scoped, account.as_str(), cx.now()).await?;
    }
    send(scoped, cx, cx.now()).await
}

/// Marks issues of whoever changed since this was last asked; false when all was followed.
pub(crate) async fn follow(cx: &Cx, room: &Room) -> Result<bool> {
    let mut scoped = room.shared.store.write(cx).await?;
    let Some(sending) = marks::sending_get(&mut scoped).await?.filter(|sending| sending.active) else {
        return Ok(false);
    };
    let found = changes::since(&mut scoped, sending.seq, FOLLOWED_AT_ONCE).await?;
    let Some(last) = found.last() else { return Ok(false) };
    for change in &found {
        match Entity::parse(&change.kind) {
            Some(Entity::Customer) => marks::mark_owner(&mut scoped, &change.row_id, cx.now()).await?,
            Some(Entity::Organization) => marks::mark_organization(&mut scoped, &change.row_id, cx.now()).await?,
            None => {}
        }
    }
    marks::sending_followed(&mut scoped, last.seq).await?;
    send(&mut scoped, cx, cx.now()).await?;
    scoped.commit().await?;
    Ok(found.len() == FOLLOWED_AT_ONCE as usize)
}

/// Looks after all of it, each hour: what was missed is followed, and issues are looked for.
pub(crate) async fn look(cx: &Cx, room: &Room) -> Result<()> {
    while follow(cx, room).await? {}
    let mut scoped = room.shared.store.write(cx).await?;
    let Some(sending) = marks::sending_get(&mut scoped).await? else { return Ok(()) };
    send(&mut scoped, cx, cx.now()).await?;
    marks::copy_forget(&mut scoped, copies::told_since(cx)).await?;
    if sending.active || sending.copying {
        let key = format!("hour {}", kernel::micros(cx.now()));
        let until = sending.found_at.and_then(|at| at.checked_add(FOUND_EVERY).ok());
        let going = sending.finding_since.is_some_and(|since| is_recent(cx, since));
        let all = sending.active && until.is_none_or(|until| until <= cx.now()) && !going;
        if all {
            marks::sending_finding(&mut scoped, Some(cx.now()), None).await?;
        }
        let what = if all { json!({"all": true}) } else { json!({"minutes": LOOKS_BACK_MINUTES}) };
        find(&mut scoped, cx, &key, &what, cx.now()).await?;
    }
    scoped.commit().await
}

/// Has what waits sent, at an instant.
pub(crate) async fn send(scoped: &mut Scoped, cx: &Cx, at: Timestamp) -> Result<()> {
    enqueue(scoped, cx, SEND, &Uuid::now_v7().to_string(), &json!({}), at).await.map(drop)
}

/// Has issues looked for, once for each key.
pub(crate) async fn find(scoped: &mut Scoped, cx: &Cx, key: &str, what: &Json, at: Timestamp) -> Result<()> {
    enqueue(scoped, cx, FIND, key, what, at).await.map(drop)
}

/// The values that are to stand on an issue now, each with its field's place among those that were chosen.
#[derive(Default)]
pub(crate) struct Content {
    pub(crate) values: Vec<(usize, Open<Value>)>,
    /// Whose own are among them: the reporter's, or of whom they were merged into.
    pub(crate) personal: Option<AccountId>,
}

/// What is to stand on an issue, as the rows say it now. Of somebody who was merged into another: what is kept.
pub(crate) async fn content(
    cx: &Cx,
    room: &Room,
    chosen: &[OpenField],
    reporter: &AccountId,
    project: &ProjectId,
) -> Result<Content> {
    let mut content = Content::default();
    let mut scoped = room.shared.store.read(cx).await?;
    let kept = sql::merged_into(&mut scoped, reporter).await?;
    let reporter = kept.as_ref().unwrap_or(reporter);
    let mut owners = vec![Owner::Customer(reporter.clone())];
    if chosen.iter().any(|field| field.entity == Entity::Organization) {
        let organizations = marks::organizations_of(&mut scoped, reporter, rules::ORGANIZATIONS).await?;
        owners.extend(organizations.into_iter().map(Owner::Organization));
    }
    let turned = Turned::of(chosen);
    let place = |id: FieldId, entity: Entity| {
        chosen.iter().position(|field| {
            let here = crate::rules::applies_to_project(&field.body.peek().projects, project.as_str());
            field.id == id && field.entity == entity && here
        })
    };
    let mut found = Vec::new();
    for owner in owners {
        let sealed = sql::value_list(&mut scoped, &owner).await?;
        let here = sealed.into_iter().filter_map(|value| Some((place(value.field, owner.entity())?, value)));
        let here: Vec<_> = here.collect();
        if !here.is_empty() {
            found.push((owner, here));
        }
    }
    drop(scoped);
    for (owner, here) in found {
        if let Owner::Customer(account) = &owner {
            content.personal = Some(account.clone());
        }
        let keys = access::owner_keys(cx, room, &owner).await?;
        for (at, sealed) in here {
            content.values.push((at, turned.value(values::open_value(&keys, &owner, sealed)?).value));
        }
    }
    // The order of fields, so that equal contents are equal.
    content.values.sort_by_key(|(at, _)| *at);
    Ok(content)
}

/// The property that these values make.
pub(crate) fn property<'v>(
    chosen: &[OpenField],
    values: impl IntoIterator<Item = (usize, &'v Value)>,
    slots: bool,
) -> Option<Json> {
    let all: Vec<rules::Standing<'_>> = values
        .into_iter()
        .filter_map(|(at, value)| {
            let field = chosen.get(at)?;
            let (on, _) = standing(field)?;
            let options = &field.body.peek().options;
            Some(rules::Standing { entity: field.entity, kind: field.kind, options, on, value })
        })
        .collect();
    rules::property(&all, slots)
}
