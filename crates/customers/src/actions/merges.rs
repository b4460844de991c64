//! Merging a customer into another one: values are moved as a person chose, one by one; nothing of either's history goes; it
//! can be taken back for a month. Jira's accounts stay what they are; what changes there is in `places`.

pub(crate) mod places;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use kernel::{AccountId, Cx, Fault, FieldFault, OrganizationId, Result};
use store::{Scoped, changes, ledger};
use vault::{Open, Place};
use zeroize::Zeroizing;

use crate::Room;
use crate::actions::announce::announce;
use crate::actions::directory::{self, CustomerRecord, Name};
use crate::actions::fields::OpenField;
use crate::actions::reach::{Reach, reach};
use crate::actions::turned::{Turned, check_kinds};
use crate::actions::values::{self, OpenValue, ValueSet, Writer};
use crate::actions::{access, history};
use crate::model::{Action, Author, Entity, FieldId, Merge, MergeBody, MergeId, Owner, Permission, Value};
use crate::webhooks::event::{Event, EventKind};
use crate::{schema, sql};

/// For so long a merge can be taken back: what an import's undo has.
pub(crate) const UNDO: SignedDuration = SignedDuration::from_hours(30 * 24);

pub(crate) type OpenMerge = Merge<Open<MergeBody>>;

/// Whose value is to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Kept,
    Merged,
}

/// What becomes of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Becomes {
    /// Nothing changes.
    Stays,
    /// Only the merged one has it.
    Moves,
    /// Both have it and differ.
    Asks,
}

/// What of a field's two values becomes of the kept one's.
pub(crate) fn becomes(kept: &Value, merged: &Value) -> Becomes {
    match (kept.is_empty(), merged.is_empty()) {
        (_, true) => Becomes::Stays,
        (true, false) => Becomes::Moves,
        (false, false) if kept == merged => Becomes::Stays,
        (false, false) => Becomes::Asks,
    }
}

/// Two customers beside each other.
pub(crate) struct Preview {
    pub(crate) kept: CustomerRecord,
    pub(crate) merged: CustomerRecord,
    pub(crate) kept_values: ValueSet,
    pub(crate) merged_values: ValueSet,
    /// What moves by itself, and what somebody has to choose.
    pub(crate) moves: Vec<FieldId>,
    pub(crate) asks: Vec<FieldId>,
    /// Organizations that only the merged one belongs to.
    pub(crate) joins: Vec<(OrganizationId, Name)>,
}

/// What somebody wants of a merge.
pub(crate) struct Wanted {
    pub(crate) choices: BTreeMap<FieldId, Side>,
    /// Whether the kept one is to join the other's organizations in Jira.
    pub(crate) organizations: bool,
    /// The versions that were shown.
    pub(crate) kept_version: i64,
    pub(crate) merged_version: i64,
}

/// A merge that was done or taken back.
pub(crate) struct Outcome {
    pub(crate) merge: OpenMerge,
    /// Of one that was taken back: values that somebody changed since, and that stay.
    pub(crate) stayed: usize,
}

fn place(id: MergeId) -> Place {
    Place::new(&schema::MERGE_BODY, sql::merge_row(id))
}

fn owner(account: &AccountId) -> Owner {
    Owner::Customer(account.clone())
}

async fn open(cx: &Cx, room: &Room, sealed: sql::SealedMerge) -> Result<OpenMerge> {
    let keys = access::tenant_keys(cx, room).await?;
    let body = keys.open(&place(sealed.id), &sealed.body)?;
    Ok(with(&sealed, body))
}

/// The same merge with another body.
fn with<A, B>(merge: &Merge<A>, body: B) -> Merge<B> {
    let Merge { id, at, undone_at, version, .. } = *merge;
    let (merged, kept, by) = (merge.merged.clone(), merge.kept.clone(), merge.by.clone());
    Merge { id, merged, kept, by, at, undone_at, version, body }
}

/// What is said of a write to somebody who was merged: it would land where nobody looks.
pub(crate) fn moved(kept: &AccountId) -> String {
    format!("This customer was merged into {kept}. Write to that account, or undo the merge.")
}

/// What receivers of webhooks are told of a merge or of its end, under the number that the merged one got by it.
fn event(cx: &Cx, kind: EventKind, (kept, merged): (&AccountId, &AccountId), number: i64) -> Event {
    Event {
        owner: Some(kept.as_str().to_owned()),
        member: Some(merged.as_str().to_owned()),
        by: Author::of(cx.actor()),
        ..Event::new(kind, number, cx.now())
    }
}

/// Lets in whoever may merge these two.
async fn admit(cx: &Cx, room: &Room, kept: &AccountId, merged: &AccountId) -> Result<()> {
    access::require_about(cx, room, Entity::Customer, Permission::Edit).await?;
    for account in [kept, merged] {
        if !directory::exists(cx, room, &owner(account)).await? {
            return Err(Fault::not_found());
        }
    }
    if kept == merged {
        return Err(Fault::invalid_field("/otherId", "same", "A customer cannot be merged into themselves."));
    }
    check_free(&mut room.shared.store.read(cx).await?, kept, merged).await
}

/// Neither of them is part of another merge that would be lost sight of.
async fn check_free(scoped: &mut Scoped, kept: &AccountId, merged: &AccountId) -> Result<()> {
    for account in [kept, merged] {
        if sql::merged_into(scoped, account).await?.is_some() {
            return Err(Fault::invalid("merged", "One of them was merged already. Merge the one that was kept."));
        }
    }
    if sql::has_merged(scoped, merged).await? {
        let text = "Others were merged into this customer. Keep this one, or undo those merges first.";
        return Err(Fault::invalid("has_merged", text));
    }
    Ok(())
}

/// Fields that a merge looks at.
async fn looked_at(cx: &Cx, room: &Room) -> Result<BTreeMap<FieldId, OpenField>> {
    let mut fields = values::visible(cx, room, Entity::Customer, &Reach::Agent).await?;
    fields.retain(|_, field| !field.retired);
    Ok(fields)
}

fn said(values: &[OpenValue], field: FieldId) -> Value {
    let held = values.iter().find(|value| value.field == field);
    held.map(|value| value.value.peek().clone()).unwrap_or_default()
}

/// What a merge would do.
pub(crate) async fn preview_merge(cx: &Cx, room: &Room, kept: &AccountId, merged: &AccountId) -> Result<Preview> {
    admit(cx, room, kept, merged).await?;
    let kept_values = values::read_values(cx, room, &owner(kept)).await?;
    let merged_values = values::read_values(cx, room, &owner(merged)).await?;
    let (mut moves, mut asks) = (Vec::new(), Vec::new());
    for id in looked_at(cx, room).await?.into_keys() {
        let (ours, theirs) = (said(&kept_values.values, id), said(&merged_values.values, id));
        match becomes(&Zeroizing::new(ours), &Zeroizing::new(theirs)) {
            Becomes::Moves => moves.push(id),
            Becomes::Asks => asks.push(id),
            Becomes::Stays => {}
        }
    }
    let joins = joins(cx, room, kept, merged).await?;
    Ok(Preview {
        kept: directory::record(cx, room, kept).await?,
        merged: directory::record(cx, room, merged).await?,
        kept_values,
        merged_values,
        moves,
        asks,
        joins: joins.into_iter().map(|(id, name)| (id, name.into())).collect(),
    })
}

/// Organizations of the merged one that the kept one does not belong to, as Jira has it now.
async fn joins(
    cx: &Cx,
    room: &Room,
    kept: &AccountId,
    merged: &AccountId,
) -> Result<Vec<(OrganizationId, Open<String>)>> {
    let own = directory::organizations_of(cx, room, kept).await?;
    let mut theirs = directory::organizations_of(cx, room, merged).await?;
    theirs.retain(|(id, _)| !own.iter().any(|(known, _)| known == id));
    Ok(theirs)
}

/// Merges one customer into another.
pub(crate) async fn merge_customers(
    cx: &Cx,
    room: &Room,
    kept: &AccountId,
    merged: &AccountId,
    wanted: Wanted,
) -> Result<Outcome> {
    let by = cx.person().cloned().ok_or_else(|| Fault::refused("Only people merge customers."))?;
    admit(cx, room, kept, merged).await?;
    let joins = if wanted.organizations { joins(cx, room, kept, merged).await? } else { Vec::new() };
    let refused = if joins.is_empty() { None } else { places::refused(cx, room).await? };
    let fields = looked_at(cx, room).await?;
    let turned = Turned::of(fields.values());
    let (ours, theirs) = (owner(kept), owner(merged));
    let writer = Writer::prepare(cx, room, &ours).await?;
    let their_keys = access::owner_keys(cx, room, &theirs).await?;
    let keys = access::tenant_keys(cx, room).await?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let subject = Some(access::pseudonym(cx, room, merged).await?);

    let mut scoped = room.shared.store.write(cx).await?;
    changes::take_turn(&mut scoped).await?;
    check_free(&mut scoped, kept, merged).await?;
    places::check_settled(&mut scoped, &keys, kept).await?;
    check_kinds(&mut scoped, Entity::Customer, &values::kinds(&fields, fields.keys())).await?;
    let (held, given) = (sql::value_list(&mut scoped, &ours).await?, sql::value_list(&mut scoped, &theirs).await?);
    if values::set_version(&held) != wanted.kept_version || values::set_version(&given) != wanted.merged_version {
        return Err(Fault::conflict("Somebody changed one of them since you looked. Look at both again."));
    }
    let here = |value: &sql::SealedValue| fields.contains_key(&value.field);
    let held = held.into_iter().filter(here).map(|value| writer.open(value).map(|value| turned.value(value)));
    let held = held.collect::<Result<Vec<OpenValue>>>()?;
    let given = given.into_iter().filter(here);
    let given = given.map(|value| values::open_value(&their_keys, &theirs, value).map(|value| turned.value(value)));
    let given = given.collect::<Result<Vec<OpenValue>>>()?;
    let joins = joins.into_iter().map(|(organization, _)| organization.to_string()).collect();
    let mut body = MergeBody { joins, ..MergeBody::default() };
    if let Some(code) = refused {
        body.refuse(code);
    }
    let mut events: Vec<Event> = Vec::new();
    for id in chosen(&held, &given, &wanted.choices)? {
        let to = Zeroizing::new(said(&given, id));
        let number = changes::record(&mut scoped, cx, Entity::Customer.name(), kept.as_str()).await?;
        let standing = held.iter().find(|value| value.field == id);
        writer.write(&mut scoped, standing, id, &to, Action::Merged, number).await?;
        ledger::append(&mut scoped, cx, writer.entry(Action::Merged, &writer.object(id))).await?;
        events.push(writer.event(id, number));
        body.written.push((id.to_string(), number));
    }
    let id = MergeId::fresh();
    // Lists and indexes of every node hear of it by this number.
    let version = changes::record(&mut scoped, cx, Entity::Customer.name(), merged.as_str()).await?;
    events.push(event(cx, EventKind::CustomerMerged, (kept, merged), version));
    announce(&mut scoped, cx, &events).await?;
    let sealed = keys.seal(&place(id), &body)?;
    let (merged, kept, at) = (merged.clone(), kept.clone(), cx.now());
    let opened = keys.open(&place(id), &sealed)?;
    let made = Merge { id, merged, kept, by, at, undone_at: None, version, body: opened };
    sql::merge_insert(&mut scoped, with(&made, sealed)).await?;
    if body.is_under_way() {
        places::carry_out(&mut scoped, cx, id, version).await?;
    }
    let object = format!("customer_merge {id} values={}", body.written.len());
    let entry = ledger::Entry { kind: "customers.customer_merged", actor, subject, object: Some(&object) };
    ledger::append(&mut scoped, cx, entry).await?;
    directory::changed(&mut scoped, cx).await?;
    scoped.commit().await?;
    (room.shared.wake)();
    Ok(Outcome { merge: made, stayed: 0 })
}

/// The fields whose values of the merged one are written to the kept one; what is missing of choices is told.
fn chosen(held: &[OpenValue], given: &[OpenValue], choices: &BTreeMap<FieldId, Side>) -> Result<Vec<FieldId>> {
    let mut faults = Vec::new();
    let mut written = Vec::new();
    for value in given {
        let ours = Zeroizing::new(said(held, value.field));
        match (becomes(&ours, value.value.peek()), choices.get(&value.field)) {
            (Becomes::Moves, _) | (Becomes::Asks, Some(Side::Merged)) => written.push(value.field),
            (Becomes::Stays, _) | (Becomes::Asks, Some(Side::Kept)) => {}
            (Becomes::Asks, None) => faults.push(FieldFault {
                pointer: format!("/choices/{}", value.field),
                code: "required",
                detail: "Both have a value here. Choose the one that is to stand.".to_owned(),
                limit: None,
            }),
        }
    }
    if faults.is_empty() { Ok(written) } else { Err(Fault::invalid_fields(faults)) }
}

async fn find(cx: &Cx, room: &Room, id: MergeId) -> Result<OpenMerge> {
    let sealed = sql::merge_get(&mut room.shared.store.read(cx).await?, id).await?;
    open(cx, room, sealed.ok_or_else(Fault::not_found)?).await
}

/// Merges that a customer was part of, the latest first.
pub(crate) async fn list_merges(cx: &Cx, room: &Room, account: &AccountId) -> Result<Vec<OpenMerge>> {
    access::require_about(cx, room, Entity::Customer, Permission::Browse).await?;
    reach(cx, room, &owner(account), Permission::Browse).await?;
    let sealed = sql::merge_list(&mut room.shared.store.read(cx).await?, account).await?;
    let mut merges = Vec::with_capacity(sealed.len());
    for merge in sealed {
        merges.push(open(cx, room, merge).await?);
    }
    Ok(merges)
}

/// Until when a merge can be taken back.
pub(crate) fn undoable_until<B>(merge: &Merge<B>) -> Timestamp {
    merge.at.checked_add(UNDO).unwrap_or(Timestamp::MAX)
}

/// Takes a merge back: each value that is still what it made of it, and memberships that it made, which a job does.
pub(crate) async fn undo_merge(cx: &Cx, room: &Room, id: MergeId) -> Result<Outcome> {
    let by = cx.person().cloned().ok_or_else(|| Fault::refused("Only people undo merges."))?;
    access::require_about(cx, room, Entity::Customer, Permission::Edit).await?;
    let seen = find(cx, room, id).await?;
    if seen.is_undone() {
        return Err(Fault::invalid("undone", "This merge was undone already."));
    }
    if undoable_until(&seen) < cx.now() {
        let text = "A merge can be undone for 30 days. Its history tells what each of them had.";
        return Err(Fault::invalid("too_late", text));
    }
    let in_jira = !seen.body.peek().joined.is_empty() || seen.body.peek().is_under_way();
    let refused = if in_jira { places::refused(cx, room).await? } else { None };
    let ours = owner(&seen.kept);
    let fields = values::visible(cx, room, Entity::Customer, &Reach::Agent).await?;
    let turned = Turned::of(fields.values());
    let writer = Writer::prepare(cx, room, &ours).await?;
    let own_keys = access::owner_keys(cx, room, &ours).await?;
    let keys = access::tenant_keys(cx, room).await?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let subject = Some(access::pseudonym(cx, room, &seen.merged).await?);
    let written: Vec<(FieldId, i64)> =
        seen.body.peek().written.iter().filter_map(|(field, number)| Some((field.parse().ok()?, *number))).collect();

    let mut scoped = room.shared.store.write(cx).await?;
    changes::take_turn(&mut scoped).await?;
    check_kinds(&mut scoped, Entity::Customer, &values::kinds(&fields, written.iter().map(|(field, _)| field))).await?;
    let standing = sql::merge_get(&mut scoped, id).await?.ok_or_else(Fault::not_found)?;
    if standing.version != seen.version || standing.is_undone() {
        return Err(Fault::conflict("Somebody undid this merge at the same moment."));
    }
    let mut stayed = 0;
    let mut events = Vec::new();
    for (field, number) in &written {
        let standing = sql::value_get(&mut scoped, &ours, *field).await?.filter(|value| value.version == *number);
        let change = sql::history_get(&mut scoped, &ours, *number).await?;
        let (Some(standing), Some(change), true) = (standing, change, fields.contains_key(field)) else {
            stayed += 1;
            continue;
        };
        let Some(change) = history::open_unless_erased(&own_keys, &ours, change)? else {
            stayed += 1;
            continue;
        };
        let was = Zeroizing::new(turned.said(*field, *number, &change.change.peek().from));
        let held = turned.value(writer.open(standing)?);
        let back = changes::record(&mut scoped, cx, Entity::Customer.name(), seen.kept.as_str()).await?;
        writer.write(&mut scoped, Some(&held), *field, &was, Action::Restored, back).await?;
        ledger::append(&mut scoped, cx, writer.entry(Action::Restored, &writer.object(*field))).await?;
        events.push(writer.event(*field, back));
    }
    let version = changes::record(&mut scoped, cx, Entity::Customer.name(), seen.merged.as_str()).await?;
    events.push(event(cx, EventKind::CustomerUnmerged, (&seen.kept, &seen.merged), version));
    announce(&mut scoped, cx, &events).await?;
    // Not what was seen before: a job may have gone on with it.
    let mut body = keys.open(&place(id), &standing.body)?.peek().clone();
    body.undo(&by);
    if let Some(code) = refused {
        body.refuse(code);
    }
    let sealed = keys.seal(&place(id), &body)?;
    let opened = keys.open(&place(id), &sealed)?;
    let undone = Merge { undone_at: Some(cx.now()), version, ..with(&standing, opened) };
    if !sql::merge_update(&mut scoped, with(&undone, sealed), standing.version).await? {
        return Err(Fault::conflict("Somebody undid this merge at the same moment."));
    }
    if body.is_under_way() {
        places::carry_out(&mut scoped, cx, id, version).await?;
    }
    let object = format!("customer_merge {id} stayed={stayed}");
    let entry = ledger::Entry { kind: "customers.merge_undone", actor, subject, object: Some(&object) };
    ledger::append(&mut scoped, cx, entry).await?;
    directory::changed(&mut scoped, cx).await?;
    scoped.commit().await?;
    (room.shared.wake)();
    Ok(Outcome { merge: undone, stayed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_of_two_values() {
        let text = |text: &str| Value::Text(text.to_owned());
        for (kept, merged, expected) in [
            (Value::Empty, Value::Empty, Becomes::Stays),
            (text("a"), Value::Empty, Becomes::Stays),
            (Value::Empty, text("b"), Becomes::Moves),
            (text("a"), text("a"), Becomes::Stays),
            (text("a"), text("A"), Becomes::Asks),
            (Value::Bool(false), Value::Empty, Becomes::Stays),
            (Value::Number(0.0), Value::Number(1.0), Becomes::Asks),
        ] {
            assert_eq!(becomes(&kept, &merged), expected, "{kept:?} {merged:?}");
        }
    }
}
