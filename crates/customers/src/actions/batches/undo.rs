//! Undoing an import: each value that is still what the import made of it goes back to what it was, latest first. One that
//! somebody changed since stays, and is listed.

use std::collections::BTreeMap;

use kernel::{Cx, Fault, Result};
use store::{Scoped, changes};
use zeroize::Zeroizing;

use super::{Step, author_of, author_pseudonym, note, owner_of, save};
use crate::Room;
use crate::actions::access::{self, OwnerKeys};
use crate::actions::announce::announce;
use crate::actions::fields;
use crate::actions::history;
use crate::actions::imports::made::take_access;
use crate::actions::turned::{Turned, check_kinds};
use crate::actions::values::{Writer, write_sealed};
use crate::model::{Action, Author, FieldId, ImportId, ImportState, Owner, Value};
use crate::sql::{self, Made, SealedImport};

/// Values that go back in one transaction.
const AT_ONCE: u32 = 500;
/// Transactions of one slice of the job.
const BATCHES_A_SLICE: usize = 50;

/// One slice; true when there is more.
pub(crate) async fn slice(cx: &Cx, room: &Room, import: SealedImport) -> Result<bool> {
    let actor = author_pseudonym(cx, room, &import.author).await?;
    for _ in 0..BATCHES_A_SLICE {
        if !batch(cx, room, import.id, actor.clone()).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Takes back some; false when nothing is left, or the import goes another way by now.
async fn batch(cx: &Cx, room: &Room, id: ImportId, actor: Option<Vec<u8>>) -> Result<bool> {
    let mut read = room.shared.store.read(cx).await?;
    let Some(seen) = sql::import_get(&mut read, id).await? else { return Ok(false) };
    let made = sql::import_change_list(&mut read, id, "made", i64::MAX, AT_ONCE).await?;
    drop(read);
    if made.is_empty() && seen.takes_access && seen.state == ImportState::Undoing {
        // Values first: whoever is out of reach by then has none of ours.
        if let Some(goes_on) = take_access(cx, room, &seen).await? {
            return Ok(goes_on);
        }
    }
    let owned = made.iter().map(|made| owner_of(seen.entity, &made.owner)).collect::<Result<Vec<Owner>>>()?;
    let keys = access::keys_of_owners(cx, room, &owned.iter().collect::<Vec<_>>()).await?;
    let fields = fields::all(cx, room).await?;
    let turned = Turned::of(&fields);
    let kinds: Vec<_> = fields.iter().filter(|field| made.iter().any(|made| made.field == field.id)).collect();
    let kinds: Vec<_> = kinds.iter().map(|field| (field.id, field.kind)).collect();
    let mut scoped = room.shared.store.write(cx).await?;
    changes::take_turn(&mut scoped).await?;
    check_kinds(&mut scoped, seen.entity, &kinds).await?;
    let Some(mut import) = sql::import_get(&mut scoped, id).await? else { return Ok(false) };
    if import.state != ImportState::Undoing {
        return Ok(false);
    }
    if import.version != seen.version {
        // Another node went on with it: what was read is old.
        return Ok(true);
    }
    // A type that changed since, and whose job has not come here yet.
    let was = |made: &Made, from: &Value| turned.said(made.field, made.id, from);
    let of = (author_of(&import), &turned);
    let returned = take_back(&mut scoped, cx, &import, of, (&made, &owned, &keys), was).await?;
    let kept = i64::try_from(made.len()).unwrap_or_default() - returned;
    import.returned += returned;
    import.kept += kept;
    let end = made.is_empty();
    if end {
        import.state = ImportState::Undone;
    }
    let object = format!("{} returned={returned} kept={kept}", import.id);
    let kind = if end { Step::Undone } else { Step::Returned }.of(&import);
    note(&mut scoped, cx, kind, actor, &object).await?;
    save(&mut scoped, cx, import).await?;
    scoped.commit().await?;
    Ok(!end)
}

/// Takes back those values that are still what was made of them: each becomes what `was` says of what it was then. Notes
/// what became of each; answers how many went back.
pub(crate) async fn take_back(
    scoped: &mut Scoped,
    cx: &Cx,
    import: &SealedImport,
    (author, turned): (Author, &Turned),
    (made, owned, keys): (&[Made], &[Owner], &OwnerKeys<'_>),
    was: impl Fn(&Made, &Value) -> Value,
) -> Result<i64> {
    let named = made.iter().map(|made| (made.owner.as_str(), made.field)).collect();
    let values = sql::value_list_of_one(scoped, import.entity, named).await?;
    let mut standing: BTreeMap<(String, FieldId), sql::SealedValue> =
        values.into_iter().map(|(owner, value)| ((owner, value.field), value)).collect();
    let named = made.iter().map(|made| (made.owner.as_str(), made.id)).collect();
    let history = sql::history_list_of(scoped, import.entity, named).await?;
    let mut history: BTreeMap<(String, i64), sql::SealedChange> =
        history.into_iter().map(|(owner, change)| ((owner, change.id), change)).collect();
    let mut states = Vec::with_capacity(made.len());
    let mut back = Vec::new();
    for (made, owner) in made.iter().zip(owned) {
        let standing = standing.remove(&(made.owner.clone(), made.field)).filter(|value| value.version == made.id);
        let change = history.remove(&(made.owner.clone(), made.id));
        let back_to = match (standing, change, keys.get(owner.id())) {
            // What opens for nobody any more is an erased person's.
            (Some(standing), Some(change), Some((_, own))) => history::open_change(own, owner, change)
                .ok()
                .map(|change| (made, owner, standing, Zeroizing::new(was(made, &change.change.peek().from)), own)),
            _ => None,
        };
        states.push((made.id, if back_to.is_some() { "returned" } else { "kept" }));
        back.extend(back_to);
    }
    sql::import_changes_set(scoped, import.id, states).await?;
    let count = u32::try_from(back.len()).map_err(|error| Fault::broken("customers_import", error))?;
    if count == 0 {
        return Ok(0);
    }
    let numbers = changes::reserve(scoped, count).await?..;
    let (mut writes, mut events, mut last_of) = (Vec::new(), Vec::new(), BTreeMap::new());
    for ((made, owner, standing, was, own), number) in back.into_iter().zip(numbers) {
        let writer = Writer::with(cx, owner, author.clone(), (None, None), own.clone());
        let held = turned.value(writer.open(standing)?);
        writes.push(writer.seal(Some(&held), made.field, &was, Action::Restored, number)?);
        events.push(writer.event(made.field, number));
        last_of.insert(owner.id(), number);
    }
    write_sealed(scoped, import.entity, writes).await?;
    changes::note_all(scoped, cx, import.entity.name(), last_of.into_iter().collect()).await?;
    announce(scoped, cx, &events).await?;
    Ok(i64::from(count))
}

/// Those that did not go back, latest first, and where to go on; for whoever may see them.
pub(crate) async fn kept_of(
    cx: &Cx,
    room: &Room,
    id: ImportId,
    before: Option<i64>,
    limit: u32,
) -> Result<(Vec<Made>, Option<i64>)> {
    let mut scoped = room.shared.store.read(cx).await?;
    let mut kept = sql::import_change_list(&mut scoped, id, "kept", before.unwrap_or(i64::MAX), limit + 1).await?;
    let more = kept.len() > limit as usize;
    kept.truncate(limit as usize);
    let next = if more { kept.last().map(|made| made.id) } else { None };
    Ok((kept, next))
}
