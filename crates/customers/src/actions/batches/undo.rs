//! Undoing an import: each value that is still what the import made of it goes back to what it was, latest first. One that
//! somebody changed since stays, and is listed.

use std::collections::BTreeMap;

use kernel::{Cx, Result};
use store::{Scoped, changes};
use vault::Keys;
use zeroize::Zeroizing;

use super::{Step, author_of, author_pseudonym, note, owner_of, save};
use crate::Room;
use crate::actions::access;
use crate::actions::announce::announce;
use crate::actions::fields;
use crate::actions::history;
use crate::actions::imports::made::take_access;
use crate::actions::turned::{Turned, check_kinds};
use crate::actions::values::Writer;
use crate::model::{Action, ImportId, ImportState, Owner};
use crate::sql::{self, Made, SealedImport};
use crate::webhooks::event::Event;

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
    let (mut returned, mut kept) = (0, 0);
    let mut events = Vec::new();
    for (made, owner) in made.iter().zip(&owned) {
        match take_back(&mut scoped, cx, &import, made, owner, (&keys, &turned)).await? {
            Some(event) => {
                returned += 1;
                events.push(event);
            }
            None => kept += 1,
        }
    }
    announce(&mut scoped, cx, &events).await?;
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

/// Takes one value back, if it is still what the import made of it; answers what receivers of webhooks are told then.
async fn take_back(
    scoped: &mut Scoped,
    cx: &Cx,
    import: &SealedImport,
    made: &Made,
    owner: &Owner,
    (keys, turned): (&BTreeMap<&str, (&Owner, Keys)>, &Turned),
) -> Result<Option<Event>> {
    let standing = sql::value_get(scoped, owner, made.field).await?.filter(|value| value.version == made.id);
    let history = sql::history_get(scoped, owner, made.id).await?;
    let (Some(standing), Some(history), Some((_, own))) = (standing, history, keys.get(owner.id())) else {
        sql::import_change_set(scoped, import.id, made.id, "kept").await?;
        return Ok(None);
    };
    let was = history::open_change(own, owner, history)?;
    // A type that changed since, and whose job has not come here yet.
    let said = turned.said(made.field, made.id, &was.change.peek().from);
    let was = Zeroizing::new(said);
    let writer = Writer::with(cx, owner, author_of(import), (None, None), own.clone());
    let held = turned.value(writer.open(standing)?);
    let number = changes::reserve(scoped, 1).await?;
    writer.write(scoped, Some(&held), made.field, &was, Action::Restored, number).await?;
    writer.note(scoped, number).await?;
    sql::import_change_set(scoped, import.id, made.id, "returned").await?;
    Ok(Some(writer.event(made.field, number)))
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
