//! The run: everybody reads the new type already; here the values are written anew, some at a time, each with its history
//! and what is needed to take it back. A slice goes on behind the last value that was written, so that whatever happens to
//! this process, none is written twice and none is left out.

use std::collections::BTreeMap;

use kernel::{Cx, Fault, Result};
use store::{Scoped, changes};
use vault::Keys;
use zeroize::Zeroizing;

use super::{AT_ONCE, BATCHES_A_SLICE, settle, turn_of};
use crate::Room;
use crate::actions::announce::announce;
use crate::actions::batches::owner_of;
use crate::actions::batches::{self, author_pseudonym, staged};
use crate::actions::turned::Turned;
use crate::actions::values::{OpenValue, Writer};
use crate::actions::{access, fields, values};
use crate::conversion;
use crate::imports::plan::{Outcome, PlannedChange, PlannedRow, Refusal};
use crate::model::{Action, FieldBody, FieldId, FieldType, ImportState, Owner, Value};
use crate::sql::{self, Made, SealedImport};

/// What is told of a value that the preview did not see.
const OVERTAKEN: &str = "Somebody wrote this after the preview, and it does not convert. History keeps it.";

/// One slice; true when there is more.
pub(super) async fn slice(cx: &Cx, room: &Room, change: SealedImport, field: FieldId) -> Result<bool> {
    let keys = access::tenant_keys(cx, room).await?;
    let (_, turn) = turn_of(&keys, &change)?;
    let mut read = room.shared.store.read(cx).await?;
    let last = sql::import_change_list(&mut read, change.id, "made", i64::MAX, 1).await?;
    drop(read);
    let mut work = Work {
        cx,
        room,
        keys,
        seen: change,
        field,
        written: (0, turn.since),
        previewed: turn.seen,
        state: ImportState::Running,
        after: last.into_iter().next().map(|made| made.owner).unwrap_or_default(),
    };
    for _ in 0..BATCHES_A_SLICE {
        if !work.batch().await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Values that are written anew in the order of their owners: by the run, and by undoing, of what was written since.
pub(super) struct Work<'a> {
    pub(super) cx: &'a Cx,
    pub(super) room: &'a Room,
    pub(super) keys: Keys,
    pub(super) seen: SealedImport,
    pub(super) field: FieldId,
    /// Between which numbers they were written.
    pub(super) written: (i64, i64),
    /// Values that do not convert and were written later are told: no preview showed them.
    pub(super) previewed: i64,
    /// What the change must still be.
    pub(super) state: ImportState,
    pub(super) after: String,
}

impl Work<'_> {
    /// Writes some anew, or ends the work; false then, and when the change goes another way by now.
    pub(super) async fn batch(&mut self) -> Result<bool> {
        let (cx, room) = (self.cx, self.room);
        let mine = (self.seen.entity, self.field);
        let mut read = room.shared.store.read(cx).await?;
        let found = sql::value_list_of_field(&mut read, mine, &self.after, self.written, AT_ONCE).await?;
        let Some(before) = sql::import_get(&mut read, self.seen.id).await? else { return Ok(false) };
        drop(read);
        let field = fields::read_field(cx, room, self.field).await?;
        let (turned, kind) = (Turned::of([&field]), field.kind);
        let owners = found.iter().map(|(owner, _)| owner_of(mine.0, owner)).collect::<Result<Vec<Owner>>>()?;
        let of_owners = access::keys_of_owners(cx, room, &owners.iter().collect::<Vec<_>>()).await?;
        let actor = author_pseudonym(cx, room, &self.seen.author).await?;
        let hash = access::name_hash(cx, room, "field name", &field.body.peek().name).await?;
        let seen: Vec<(String, i64)> = found.iter().map(|(owner, value)| (owner.clone(), value.version)).collect();
        let mut told = Zeroizing::new(Vec::new());
        for (owner, sealed) in found {
            let Some((whose, own)) = of_owners.get(owner.as_str()) else { continue };
            // What opens for nobody any more is an erased person's.
            let Ok(held) = values::open_value(own, whose, sealed) else { continue };
            if self.is_lost(&held, &turned.said(self.field, held.version, held.value.peek())) {
                told.push(self.lost((kind, field.body.peek()), &owner, (held.version, held.value.peek())));
            }
        }
        let page = (before.id, before.pages);
        let laid = match told.is_empty() {
            true => None,
            false => Some(staged::lay_page(cx, room, &self.keys, page, &told).await?),
        };
        let mut scoped = room.shared.store.write(cx).await?;
        changes::take_turn(&mut scoped).await?;
        let Some(mut change) = sql::import_get(&mut scoped, self.seen.id).await? else { return Ok(false) };
        if change.state != self.state {
            return Ok(false);
        }
        if seen.is_empty() {
            self.end(&mut scoped, change, &hash, actor).await?;
            scoped.commit().await?;
            return Ok(false);
        }
        let count = u32::try_from(seen.len()).map_err(|error| Fault::broken("customers_type_change", error))?;
        let numbers = changes::reserve(&mut scoped, count).await?..;
        let named = seen.iter().map(|(owner, _)| (owner.as_str(), self.field)).collect();
        let standing = sql::value_list_of_one(&mut scoped, mine.0, named).await?;
        let mut standing: BTreeMap<String, sql::SealedValue> = standing.into_iter().collect();
        let (mut writes, mut made, mut changed, mut events) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut lost, mut written) = (0, 0);
        for ((owner, version), number) in seen.iter().zip(numbers) {
            let Some((whose, own)) = of_owners.get(owner.as_str()) else { continue };
            // Somebody may have written it since it was read; then it is of the new type.
            let standing = standing.remove(owner);
            let Some(sealed) = standing.filter(|standing| standing.version == *version) else { continue };
            // What opens for nobody any more is an erased person's.
            let Ok(held) = values::open_value(own, whose, sealed) else { continue };
            if held.value.peek().is_empty() {
                continue;
            }
            let to = turned.said(self.field, held.version, held.value.peek());
            lost += usize::from(self.is_lost(&held, &to));
            let writer = Writer::with(cx, whose, change.author.clone(), (None, None), own.clone());
            writes.push(writer.seal(Some(&held), self.field, &to, Action::Converted, number)?);
            changed.push((whose.id(), number));
            events.push(writer.event(self.field, number));
            if self.state == ImportState::Running {
                made.push(Made { id: number, owner: owner.clone(), field: self.field });
            }
            written += 1;
        }
        values::write_sealed(&mut scoped, mine.0, writes).await?;
        sql::import_changes_put(&mut scoped, change.id, &made, cx.now()).await?;
        changes::note_all(&mut scoped, cx, mine.0.name(), changed).await?;
        announce(&mut scoped, cx, &events).await?;
        if lost != told.len() || change.pages != before.pages {
            // Somebody was faster than the page that was laid: it is read anew.
            return Ok(true);
        }
        if let Some(laid) = laid {
            staged::put_page(&mut scoped, page, laid, cx.now()).await?;
            change.pages += 1;
            change.counts.add(Outcome::Overtaken, i64::try_from(told.len()).unwrap_or_default());
        }
        if self.state == ImportState::Running {
            change.written += written;
        }
        let object = format!("{} values={written}", change.id);
        batches::note(&mut scoped, cx, "customers.type_change_written", actor, &object).await?;
        batches::save(&mut scoped, cx, change).await?;
        scoped.commit().await?;
        self.after = seen.last().map(|(owner, _)| owner.clone()).unwrap_or_default();
        Ok(true)
    }

    /// Whether a value is emptied without that a preview told of it.
    fn is_lost(&self, held: &OpenValue, to: &Value) -> bool {
        !held.value.peek().is_empty() && to.is_empty() && held.version > self.previewed
    }

    /// A value that was emptied and that no preview told of.
    fn lost(&self, (kind, body): (FieldType, &FieldBody), owner: &str, (version, value): (i64, &Value)) -> PlannedRow {
        let change = crate::model::Change { from: value.clone(), to: Value::Empty };
        let (from, _) = conversion::change_then(body, version, Action::Set, &change);
        let from = from.unwrap_or_else(|| conversion::written((kind, body), value, &conversion::How::default()));
        PlannedRow {
            owner: Some(owner.to_owned()),
            outcome: Outcome::Overtaken,
            changes: vec![PlannedChange { from: Value::Text(from), version, ..PlannedChange::default() }],
            refusals: vec![Refusal::of_row("conflict", OVERTAKEN)],
            ..PlannedRow::default()
        }
    }

    async fn end(
        &self,
        scoped: &mut Scoped,
        mut change: SealedImport,
        hash: &[u8],
        actor: Option<Vec<u8>>,
    ) -> Result<()> {
        settle(scoped, self.cx, (&self.keys, hash), self.field).await?;
        let (state, told) = match self.state {
            ImportState::Undoing => (ImportState::Undone, "customers.type_change_undone"),
            _ => (ImportState::Done, "customers.type_change_done"),
        };
        change.state = state;
        let object =
            format!("{} written={} returned={} kept={}", change.id, change.written, change.returned, change.kept);
        batches::note(scoped, self.cx, told, actor, &object).await?;
        batches::save(scoped, self.cx, change).await
    }
}
