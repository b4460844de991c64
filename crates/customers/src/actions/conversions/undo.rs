//! Undoing: the field has its former type again already, and everybody reads so. Here each value that is still what the
//! change made of it goes back to what it was, from the history; what somebody wrote since is converted back, and listed.

use kernel::{Cx, Result};
use store::changes;

use super::run::Work;
use super::{AT_ONCE, BATCHES_A_SLICE, turn_of};
use crate::Room;
use crate::actions::batches::undo::take_back;
use crate::actions::batches::{self, author_pseudonym, owner_of};
use crate::actions::turned::Turned;
use crate::actions::{access, fields};
use crate::model::{FieldId, ImportState, Owner, Value};
use crate::sql::{self, Made, SealedImport};

/// One slice; true when there is more.
pub(super) async fn slice(cx: &Cx, room: &Room, change: SealedImport, field: FieldId) -> Result<bool> {
    for _ in 0..BATCHES_A_SLICE {
        match returns(cx, room, &change, field).await? {
            Some(true) => {}
            Some(false) => return converts_back(cx, room, change, field).await,
            None => return Ok(false),
        }
    }
    Ok(true)
}

/// Takes some back: whether there were any; none when the change goes another way by now.
async fn returns(cx: &Cx, room: &Room, seen: &SealedImport, field: FieldId) -> Result<Option<bool>> {
    let mut read = room.shared.store.read(cx).await?;
    let made = sql::import_change_list(&mut read, seen.id, "made", i64::MAX, AT_ONCE).await?;
    drop(read);
    if made.is_empty() {
        return Ok(Some(false));
    }
    let turned = Turned::of([&fields::read_field(cx, room, field).await?]);
    let owned = made.iter().map(|made| owner_of(seen.entity, &made.owner)).collect::<Result<Vec<Owner>>>()?;
    let keys = access::keys_of_owners(cx, room, &owned.iter().collect::<Vec<_>>()).await?;
    let actor = author_pseudonym(cx, room, &seen.author).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    changes::take_turn(&mut scoped).await?;
    let Some(mut change) = sql::import_get(&mut scoped, seen.id).await? else { return Ok(None) };
    if change.state != ImportState::Undoing {
        return Ok(None);
    }
    // Another node may have gone on: what is still to do, is asked again.
    let still = sql::import_change_list(&mut scoped, seen.id, "made", i64::MAX, AT_ONCE).await?;
    if still.first().map(|made| made.id) != made.first().map(|made| made.id) {
        return Ok(Some(true));
    }
    let of = (change.author.clone(), &turned);
    let was = |_: &Made, from: &Value| from.clone();
    let returned = take_back(&mut scoped, cx, &change, of, (&made, &owned, &keys), was).await?;
    change.returned += returned;
    change.kept += i64::try_from(made.len()).unwrap_or_default() - returned;
    let object = format!("{} returned={} kept={}", change.id, change.returned, change.kept);
    batches::note(&mut scoped, cx, "customers.type_change_returned", actor, &object).await?;
    batches::save(&mut scoped, cx, change).await?;
    scoped.commit().await?;
    Ok(Some(true))
}

/// What was written since the change of type, and is of the type that it had until now.
async fn converts_back(cx: &Cx, room: &Room, change: SealedImport, field: FieldId) -> Result<bool> {
    let keys = access::tenant_keys(cx, room).await?;
    let (_, turn) = turn_of(&keys, &change)?;
    let mut work = Work {
        cx,
        room,
        keys,
        seen: change,
        field,
        written: (turn.since, turn.undone),
        previewed: 0,
        state: ImportState::Undoing,
        after: String::new(),
    };
    for _ in 0..BATCHES_A_SLICE {
        if !work.batch().await? {
            return Ok(false);
        }
    }
    Ok(true)
}
