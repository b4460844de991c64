//! Many customers' or organizations' values at once: what a script that keeps them in step with another system sends.
//!
//! All that is written is written in one transaction, with its numbers taken at once: a thousand items cost one commit.
//! Each item is written whole or not at all, and one that is refused keeps no other back.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{AccountId, Cx, Fault, FieldFault, KeyClass, Result};
use store::{Scoped, changes, ledger};

use crate::Room;
use crate::actions::announce::announce;
use crate::actions::fields::{self, OpenField};
use crate::actions::reach::Reach;
use crate::actions::turned::{Turned, check_kinds};
use crate::actions::values::{self, OpenValue, Writer};
use crate::actions::{access, directory, merges};
use crate::model::{Author, Entity, FieldId, Owner, Permission, Value};
use crate::{rules, sql};

/// Items of one request. With the body's own bound it keeps a transaction well below a second.
pub(crate) const ITEMS_AT_ONCE: usize = 1_000;
/// Values of one request, of all items together.
const VALUES_AT_ONCE: usize = 5_000;
/// Organizations that the directory does not know yet and that Jira is asked about, one by one.
const ASKED_AT_ONCE: usize = 20;
/// Mistakes told of one item.
const ERRORS_TOLD: usize = 10;

/// What is wanted of one customer or organization.
pub(crate) struct Item {
    pub(crate) owner: Owner,
    /// The version that the writer saw; none: whatever stands is written over.
    pub(crate) before: Option<i64>,
    pub(crate) wanted: BTreeMap<FieldId, Value>,
}

/// The version of the set that stands now, or why nothing was written.
pub(crate) type Outcome = Result<i64>;

/// One value that is to change.
struct Step {
    field: FieldId,
    held: Option<OpenValue>,
    to: Value,
}

/// An item that was checked: its steps, and the version that stands before them.
struct Plan<'a> {
    place: usize,
    writer: Writer<'a>,
    steps: Vec<Step>,
    version: i64,
}

/// Writes what can be written. Answers what became of each item, in their order.
pub(crate) async fn write_bulk(cx: &Cx, room: &Room, entity: Entity, items: &[Item]) -> Result<Vec<Outcome>> {
    access::require_about(cx, room, entity, Permission::Edit).await?;
    if items.len() > ITEMS_AT_ONCE {
        return Err(fields::too_many("items in one request", ITEMS_AT_ONCE));
    }
    if items.iter().map(|item| item.wanted.len()).sum::<usize>() > VALUES_AT_ONCE {
        return Err(fields::too_many("values in one request", VALUES_AT_ONCE));
    }
    let reach = Reach::Agent;
    let fields = values::visible(cx, room, entity, &reach).await?;
    let mut outcomes: Vec<Option<Fault>> = once_each(items);
    let known = known(cx, room, items).await?;
    for (outcome, known) in outcomes.iter_mut().zip(known) {
        *outcome = outcome.take().or(known);
    }
    check_people(cx, room, &fields, items, &mut outcomes).await?;
    let people: Vec<&AccountId> = items
        .iter()
        .zip(&outcomes)
        .filter(|(_, refused)| refused.is_none())
        .filter_map(|(item, _)| match &item.owner {
            Owner::Customer(account) => Some(account),
            Owner::Organization(_) => None,
        })
        .collect();
    let writers = writers(cx, room, items, &outcomes, &people).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    changes::take_turn(&mut scoped).await?;
    let named = items.iter().flat_map(|item| item.wanted.keys());
    check_kinds(&mut scoped, entity, &values::kinds(&fields, named)).await?;
    let owners: Vec<Owner> = writers.iter().map(|(_, writer)| writer.owner().clone()).collect();
    let mut standing: BTreeMap<String, Vec<sql::SealedValue>> = BTreeMap::new();
    for (owner, value) in sql::value_list_of(&mut scoped, &owners).await? {
        standing.entry(owner).or_default().push(value);
    }
    let merged = sql::merged_of(&mut scoped, &owners).await?;
    let mut plans = Vec::new();
    for (place, writer) in writers {
        let Some(item) = items.get(place) else { continue };
        let sealed = standing.remove(item.owner.id()).unwrap_or_default();
        let planned = match merged.get(item.owner.id()) {
            Some(kept) => Err(Fault::invalid("merged", merges::moved(kept))),
            None => plan(&fields, &reach, writer, (item, place), sealed)?,
        };
        match planned {
            Ok(plan) => plans.push(plan),
            Err(refused) => {
                if let Some(outcome) = outcomes.get_mut(place) {
                    *outcome = Some(refused);
                }
            }
        }
    }
    let versions = carry_out(cx, &mut scoped, entity, plans).await?;
    scoped.commit().await?;
    Ok(outcomes
        .into_iter()
        .enumerate()
        .map(|(place, refused)| match refused {
            Some(fault) => Err(fault),
            None => Ok(versions.get(&place).copied().unwrap_or_default()),
        })
        .collect())
}

/// A second item for the same owner is refused: which of the two is meant is not ours to say.
fn once_each(items: &[Item]) -> Vec<Option<Fault>> {
    let mut seen = BTreeSet::new();
    let pointer = |owner: &Owner| match owner.entity() {
        Entity::Customer => "/accountId",
        Entity::Organization => "/organizationId",
    };
    items
        .iter()
        .map(|item| {
            let first = seen.insert(item.owner.id());
            let detail = "An earlier item of this request is about the same one. Put their values into one item.";
            (!first).then(|| Fault::invalid_field(pointer(&item.owner), "not_unique", detail))
        })
        .collect()
}

/// Whether there are such customers and organizations; what Steward's directory does not know, Jira is asked.
async fn known(cx: &Cx, room: &Room, items: &[Item]) -> Result<Vec<Option<Fault>>> {
    let owners: Vec<Owner> = items.iter().map(|item| item.owner.clone()).collect();
    let there = sql::known_of(&mut room.shared.store.read(cx).await?, &owners).await?;
    let missing: BTreeSet<&str> = owners.iter().map(Owner::id).filter(|id| !there.contains(*id)).collect();
    let accounts: Vec<AccountId> = items
        .iter()
        .filter(|item| missing.contains(item.owner.id()))
        .filter_map(|item| match &item.owner {
            Owner::Customer(account) => Some(account.clone()),
            Owner::Organization(_) => None,
        })
        .collect();
    let people = directory::names(cx, room, &accounts).await?;
    let mut asked = 0;
    let mut told = Vec::with_capacity(items.len());
    for item in items {
        told.push(match &item.owner {
            owner if !missing.contains(owner.id()) => None,
            Owner::Customer(account) if people.contains_key(account) => None,
            Owner::Customer(_) => Some(Fault::not_found()),
            Owner::Organization(_) if asked >= ASKED_AT_ONCE => Some(Fault::busy(
                "directory_behind",
                "Jira is asked about a few new organizations at a time. Send this item again.",
                None,
            )),
            owner @ Owner::Organization(_) => {
                asked += 1;
                (!directory::exists(cx, room, owner).await?).then(Fault::not_found)
            }
        });
    }
    Ok(told)
}

/// People named by values must be ones that the site knows.
async fn check_people(
    cx: &Cx,
    room: &Room,
    fields: &BTreeMap<FieldId, OpenField>,
    items: &[Item],
    outcomes: &mut [Option<Fault>],
) -> Result<()> {
    let named: Vec<_> = items.iter().map(|item| values::people_named(fields, &item.wanted)).collect();
    let accounts: Vec<AccountId> = named.iter().flatten().map(|(_, account)| account.clone()).collect();
    if accounts.is_empty() {
        return Ok(());
    }
    let known = directory::names(cx, room, &accounts).await?;
    for (outcome, named) in outcomes.iter_mut().zip(named) {
        let unknown = values::people_unknown(&named, &known, |id| format!("/values/{id}"));
        if outcome.is_none() && !unknown.is_empty() {
            *outcome = Some(invalid(unknown));
        }
    }
    Ok(())
}

/// The first mistakes of an item; a script that is told ten of them knows enough.
fn invalid(mut faults: Vec<FieldFault>) -> Fault {
    faults.truncate(ERRORS_TOLD);
    Fault::invalid_fields(faults)
}

/// Keys and pseudonyms, fetched for all at once and before the transaction, which then waits for nothing else.
async fn writers<'a>(
    cx: &'a Cx,
    room: &Room,
    items: &'a [Item],
    outcomes: &[Option<Fault>],
    people: &[&AccountId],
) -> Result<Vec<(usize, Writer<'a>)>> {
    let vault = &room.shared.vault;
    let author = Author::of(cx.actor()).ok_or_else(|| Fault::refused("Only somebody changes values."))?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let of_tenant = access::tenant_keys(cx, room).await?;
    let mut data = vault.keys_of_people(cx, KeyClass::Data, people).await?.into_iter();
    let mut index = vault.keys_of_people(cx, KeyClass::Index, people).await?.into_iter();
    let open = items.iter().enumerate().filter(|(place, _)| outcomes.get(*place).is_some_and(Option::is_none));
    let writer = |(place, item): (usize, &'a Item)| {
        let missing = || Fault::broken("customers_keys", "fewer keys than people");
        let (keys, subject) = match &item.owner {
            Owner::Customer(_) => {
                let own = index.next().ok_or_else(missing)?;
                (data.next().ok_or_else(missing)?, Some(web::pseudonym_under(&own)?))
            }
            Owner::Organization(_) => (of_tenant.clone(), None),
        };
        Ok((place, Writer::with(cx, &item.owner, author.clone(), (actor.clone(), subject), keys)))
    };
    open.map(writer).collect()
}

/// Checks an item against what stands.
fn plan<'a>(
    fields: &BTreeMap<FieldId, OpenField>,
    reach: &Reach,
    writer: Writer<'a>,
    (item, place): (&Item, usize),
    sealed: Vec<sql::SealedValue>,
) -> Result<Result<Plan<'a>, Fault>> {
    let version = values::set_version(&sealed);
    if item.before.is_some_and(|before| before != version) {
        return Ok(Err(Fault::conflict(
            "Somebody changed this since you read it. Read it again, then send this item.",
        )));
    }
    let turned = Turned::of(fields.values());
    let mut held = BTreeMap::new();
    for value in sealed.into_iter().filter(|value| item.wanted.contains_key(&value.field)) {
        held.insert(value.field, turned.value(writer.open(value)?));
    }
    let (mut steps, mut faults) = (Vec::new(), Vec::new());
    for (id, value) in &item.wanted {
        let pointer = format!("/values/{id}");
        let now = held.remove(id);
        let standing = now.as_ref().map(|held| held.value.peek());
        let checked = values::writable(fields, reach, *id, &pointer).and_then(|field| {
            rules::check_value(&pointer, field.kind, field.body.peek(), field.required, value, standing)
        });
        match checked {
            Ok(to) if standing.cloned().unwrap_or_default() == to => {}
            Ok(to) => steps.push(Step { field: *id, held: now, to }),
            Err(wrong) => faults.push(wrong),
        }
    }
    Ok(if faults.is_empty() { Ok(Plan { place, writer, steps, version }) } else { Err(invalid(faults)) })
}

/// Writes all steps of all plans, under numbers that are taken at once. Answers the version of each item's set.
async fn carry_out(cx: &Cx, scoped: &mut Scoped, entity: Entity, plans: Vec<Plan<'_>>) -> Result<BTreeMap<usize, i64>> {
    let mut versions: BTreeMap<usize, i64> = plans.iter().map(|plan| (plan.place, plan.version)).collect();
    let count = plans.iter().map(|plan| plan.steps.len()).sum::<usize>();
    let count = u32::try_from(count).map_err(|error| Fault::broken("customers_bulk", error))?;
    if count == 0 {
        return Ok(versions);
    }
    let mut numbers = changes::reserve(scoped, count).await?..;
    let (mut writes, mut changed) = (Vec::new(), Vec::new());
    let (mut told, mut events) = (Vec::new(), Vec::new());
    for plan in &plans {
        let mut last = None;
        for (step, number) in plan.steps.iter().zip(numbers.by_ref()) {
            let action = rules::action_of(&step.to, false);
            writes.push(plan.writer.seal(step.held.as_ref(), step.field, &step.to, action, number)?);
            told.push((action, plan, plan.writer.object(step.field)));
            events.push(plan.writer.event(step.field, number));
            last = Some(number);
        }
        if let Some(last) = last {
            versions.insert(plan.place, last);
            changed.push((plan.writer.owner().id(), last));
        }
    }
    values::write_sealed(scoped, entity, writes).await?;
    changes::note_all(scoped, cx, entity.name(), changed).await?;
    let entries = told.iter().map(|(action, plan, object)| plan.writer.entry(*action, object)).collect();
    ledger::append_all(scoped, cx, entries).await?;
    announce(scoped, cx, &events).await?;
    Ok(versions)
}
