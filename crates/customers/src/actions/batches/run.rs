//! The run: carries the plan out, page by page. A page's values, its place, its ledger line and what is needed to undo it
//! are one transaction, so that whatever happens to this process, no row is written twice and none is left out. Where
//! somebody changed a value since the dry run, nothing of the row is written.

use std::collections::BTreeMap;

use kernel::{Cx, Fault, Result};
use store::{Scoped, changes};
use vault::Keys;

use super::{
    Step, author_of, author_pseudonym, note, owner_of, plan_place, same_fields, same_plan, save, staged, stop,
};
use crate::Room;
use crate::actions::access::{self, OwnerKeys};
use crate::actions::announce::announce;
use crate::actions::fields;
use crate::actions::imports::making::{self, Making};
use crate::actions::turned::{Turned, check_kinds};
use crate::actions::values::{Writer, write_sealed};
use crate::imports::plan::{Outcome, PlannedChange, PlannedRow};
use crate::model::{Counts, FieldId, FieldType, ImportState, Owner};
use crate::rules;
use crate::sql::{self, Made, SealedImport, SealedValue};

/// Pages of one slice of the job.
const PAGES_A_SLICE: usize = 100;

/// What came of a page.
enum Page {
    /// It was carried out.
    Done,
    /// The next slice goes on with it.
    More,
    /// The import goes another way by now.
    Stopped,
}

/// What is the same for all pages of a slice.
struct Run<'a> {
    cx: &'a Cx,
    room: &'a Room,
    seen: &'a SealedImport,
    keys: &'a Keys,
    turned: &'a Turned,
    kinds: &'a [(FieldId, FieldType)],
    actor: Option<Vec<u8>>,
}

/// One slice; true when there is more.
pub(crate) async fn slice(cx: &Cx, room: &Room, import: SealedImport) -> Result<bool> {
    let keys = access::tenant_keys(cx, room).await?;
    let Some(sealed) = &import.plan else { return Ok(false) };
    let plan = keys.open(&plan_place(import.id), sealed)?;
    let fields = fields::all(cx, room).await?;
    if !same_fields(&fields, plan.peek()) {
        stop(cx, room, import.id, ImportState::Running, ImportState::Paused, "fields_changed").await?;
        return Ok(false);
    }
    let planned = fields.iter().filter(|field| plan.peek().fields.iter().any(|(id, _)| *id == field.id.0));
    let kinds: Vec<_> = planned.map(|field| (field.id, field.kind)).collect();
    let turned = Turned::of(&fields);
    let actor = author_pseudonym(cx, room, &import.author).await?;
    let mut making = match making::places_of(plan.peek())? {
        None => None,
        Some(places) => match Making::of(cx, room, &import, places, actor.clone()).await? {
            Some(making) => Some(making),
            None => return Ok(false),
        },
    };
    let run = Run { cx, room, seen: &import, keys: &keys, turned: &turned, kinds: &kinds, actor };
    for number in (import.cursor..).take(PAGES_A_SLICE) {
        if number >= import.pages {
            return finish(cx, room, &import, run.actor.clone()).await;
        }
        match run.page(number, making.as_mut()).await? {
            Page::Done => {}
            Page::More => return Ok(true),
            Page::Stopped => return Ok(false),
        }
    }
    Ok(true)
}

/// Ends what was carried out to its last page; what is left to do is to drop what was staged.
pub(crate) async fn finish(cx: &Cx, room: &Room, seen: &SealedImport, actor: Option<Vec<u8>>) -> Result<bool> {
    let mut scoped = room.shared.store.write(cx).await?;
    changes::take_turn(&mut scoped).await?;
    let Some(mut import) = sql::import_get(&mut scoped, seen.id).await? else { return Ok(false) };
    if import.state != ImportState::Running || import.cursor < import.pages {
        return Ok(false);
    }
    import.state = ImportState::Done;
    note(&mut scoped, cx, Step::Done.of(&import), actor, &format!("{} values={}", import.id, import.written)).await?;
    save(&mut scoped, cx, import).await?;
    scoped.commit().await?;
    // What is left is to drop the file.
    Ok(true)
}

/// A row whose values are to be written.
struct Due<'a> {
    place: usize,
    owner: Owner,
    row: &'a PlannedRow,
}

impl Run<'_> {
    /// Carries out one page.
    async fn page(&self, number: i64, making: Option<&mut Making<'_>>) -> Result<Page> {
        let (cx, room, id) = (self.cx, self.room, self.seen.id);
        let Some((mut rows, at)) = staged::page(cx, room, id, number).await? else {
            stop(cx, room, id, ImportState::Running, ImportState::Cancelled, "file_gone").await?;
            return Ok(Page::Stopped);
        };
        let before = Counts::of_rows(&rows);
        let mut laid = None;
        if let Some(making) = making
            && before.made > 0
        {
            match making.page(number, &rows).await? {
                making::Step::Ready(people) => making::settle(&mut rows, &people),
                making::Step::More => return Ok(Page::More),
                making::Step::Stopped => return Ok(Page::Stopped),
            }
            laid = Some(staged::lay_page(cx, room, self.keys, (id, number), &rows).await?);
        }
        let mut due = Vec::new();
        let changes = |row: &PlannedRow| matches!(row.outcome, Outcome::Changed | Outcome::Made);
        for (place, row) in rows.iter().enumerate().filter(|(_, row)| changes(row)) {
            if let Some(owner) = &row.owner {
                due.push(Due { place, owner: owner_of(self.seen.entity, owner)?, row });
            }
        }
        let owners: Vec<&Owner> = due.iter().map(|due| &due.owner).collect();
        let keys = access::keys_of_owners(cx, room, &owners).await?;
        let mut scoped = room.shared.store.write(cx).await?;
        changes::take_turn(&mut scoped).await?;
        let Some(mut import) = sql::import_get(&mut scoped, id).await? else { return Ok(Page::Stopped) };
        if import.state != ImportState::Running || import.cursor != number {
            return Ok(Page::Stopped);
        }
        same_plan(self.seen, &import)?;
        check_kinds(&mut scoped, import.entity, self.kinds).await?;
        if let Some(laid) = laid {
            sql::import_page_drop(&mut scoped, id, number, number + 1).await?;
            staged::put_page(&mut scoped, (id, number), laid, at).await?;
        }
        let (written, overtaken) = write(&mut scoped, cx, &import, &due, (&keys, self.turned)).await?;
        let written_rows = due.len() - overtaken.len();
        for place in &overtaken {
            if let Some(row) = rows.get_mut(*place) {
                row.outcome = Outcome::Overtaken;
            }
        }
        let after = Counts::of_rows(&rows);
        if !overtaken.is_empty() {
            staged::lose(&mut scoped, (id, number), &overtaken, after).await?;
        }
        import.counts.replace(before, after);
        import.written += written;
        import.cursor = number + 1;
        if written > 0 {
            let object = format!("{id} page={number} rows={written_rows} values={written}");
            note(&mut scoped, cx, Step::Written.of(&import), self.actor.clone(), &object).await?;
        }
        save(&mut scoped, cx, import).await?;
        scoped.commit().await?;
        Ok(Page::Done)
    }
}

/// Writes the values of rows that stand as the dry run saw them. Answers how many values, and the places of the rows that
/// somebody was faster than: who changed a value, or merged whom the row is about.
async fn write(
    scoped: &mut Scoped,
    cx: &Cx,
    import: &SealedImport,
    due: &[Due<'_>],
    (keys, turned): (&OwnerKeys<'_>, &Turned),
) -> Result<(i64, Vec<usize>)> {
    let owners: Vec<Owner> = due.iter().map(|due| due.owner.clone()).collect();
    let mut standing: BTreeMap<(String, FieldId), SealedValue> = BTreeMap::new();
    let values = sql::value_list_of(scoped, &owners).await?;
    standing.extend(values.into_iter().map(|(owner, value)| ((owner, value.field), value)));
    let merged = sql::merged_of(scoped, &owners).await?;
    let (mut good, mut overtaken) = (Vec::new(), Vec::new());
    for due in due {
        let is_same = |change: &PlannedChange| {
            let key = (due.owner.id().to_owned(), FieldId(change.field));
            standing.get(&key).map_or(0, |value| value.version) == change.version
        };
        let as_seen = !merged.contains_key(due.owner.id()) && due.row.changes.iter().all(is_same);
        if as_seen { good.push(due) } else { overtaken.push(due.place) }
    }
    let count = good.iter().map(|due| due.row.changes.len()).sum::<usize>();
    let count = u32::try_from(count).map_err(|error| Fault::broken("customers_import", error))?;
    if count == 0 {
        return Ok((0, overtaken));
    }
    let mut numbers = changes::reserve(scoped, count).await?..;
    let (mut writes, mut made, mut changed, mut events) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for due in good {
        let Some((_, own)) = keys.get(due.owner.id()) else { continue };
        let writer = Writer::with(cx, &due.owner, author_of(import), (None, None), own.clone());
        for (change, number) in due.row.changes.iter().zip(numbers.by_ref()) {
            let field = FieldId(change.field);
            let held =
                standing.remove(&(due.owner.id().to_owned(), field)).map(|held| writer.open(held)).transpose()?;
            let held = held.map(|held| turned.value(held));
            writes.push(writer.seal(held.as_ref(), field, &change.to, rules::action_of(&change.to, false), number)?);
            events.push(writer.event(field, number));
            made.push(Made { id: number, owner: due.owner.id().to_owned(), field });
        }
        if let Some(last) = made.last().filter(|last| last.owner == due.owner.id()) {
            changed.push((due.owner.id(), last.id));
        }
    }
    write_sealed(scoped, import.entity, writes).await?;
    sql::import_changes_put(scoped, import.id, &made, cx.now()).await?;
    changes::note_all(scoped, cx, import.entity.name(), changed).await?;
    announce(scoped, cx, &events).await?;
    Ok((i64::from(count), overtaken))
}
