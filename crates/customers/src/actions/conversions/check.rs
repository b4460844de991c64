//! The preview: reads every value of the field in the order of their owners, and writes down, page by page, what becomes of
//! each, as people read it. A slice goes on behind the last page's last owner.

use kernel::{Cx, Fault, Result};
use store::changes;

use super::{AT_ONCE, BATCHES_A_SLICE, add_option, turn_of};
use crate::Room;
use crate::actions::batches::owner_of;
use crate::actions::batches::{self, plan_place, staged};
use crate::actions::turned::Turned;
use crate::actions::{access, fields, values};
use crate::conversion;
use crate::imports::plan::{Outcome, PlannedChange, PlannedRow, Refusal};
use crate::model::{FieldBody, FieldId, ImportId, ImportState, Owner, Turn, Value};
use crate::rules::OPTIONS_PER_FIELD;
use crate::sql::{self, SealedImport};

/// One slice; true when there is more.
pub(super) async fn slice(cx: &Cx, room: &Room, change: SealedImport, field: FieldId) -> Result<bool> {
    let mut after = match change.pages {
        0 => String::new(),
        pages => last_owner(cx, room, change.id, pages - 1).await?,
    };
    for _ in 0..BATCHES_A_SLICE {
        match page(cx, room, change.id, field, &after).await? {
            Some(last) => after = last,
            None => return Ok(false),
        }
    }
    Ok(true)
}

async fn last_owner(cx: &Cx, room: &Room, id: ImportId, number: i64) -> Result<String> {
    let page = staged::page(cx, room, id, number).await?;
    let last = page.and_then(|(rows, _)| rows.last().and_then(|row| row.owner.clone()));
    last.ok_or_else(|| Fault::broken("customers_type_change", "a page of the preview is gone"))
}

/// Stages a page; answers its last owner, and none at the end or when the change goes another way by now.
async fn page(cx: &Cx, room: &Room, id: ImportId, field: FieldId, after: &str) -> Result<Option<String>> {
    let keys = access::tenant_keys(cx, room).await?;
    let mut read = room.shared.store.read(cx).await?;
    let Some(seen) = sql::import_get(&mut read, id).await? else { return Ok(None) };
    let mine = (seen.entity, field);
    let found = sql::value_list_of_field(&mut read, mine, after, (0, i64::MAX), AT_ONCE).await?;
    drop(read);
    let field = fields::read_field(cx, room, field).await?;
    let turned = Turned::of([&field]);
    let (mut plan, mut turn) = turn_of(&keys, &seen)?;
    let owners = found.iter().map(|(owner, _)| owner_of(seen.entity, owner)).collect::<Result<Vec<Owner>>>()?;
    let of_owners = access::keys_of_owners(cx, room, &owners.iter().collect::<Vec<_>>()).await?;
    let last = found.last().map(|(owner, _)| owner.clone());
    let mut rows = zeroize::Zeroizing::new(Vec::new());
    for (owner, sealed) in found {
        let Some((whose, own)) = of_owners.get(owner.as_str()) else { continue };
        // What opens for nobody any more is an erased person's.
        let Ok(stored) = values::open_value(own, whose, sealed) else { continue };
        let stored = turned.value(stored);
        let end = last.as_ref() == Some(&owner);
        // What is empty stays so; a page's last owner stands there all the same, as the place to go on from.
        if !stored.value.peek().is_empty() || end {
            let number = seen.cursor + i64::try_from(rows.len()).unwrap_or_default() + 1;
            rows.push(judge(field.body.peek(), &mut turn, stored.value.peek(), (owner, number, stored.version)));
        }
    }
    if let (Some(owner), true) = (&last, rows.last().and_then(|row| row.owner.as_ref()) != last.as_ref()) {
        rows.push(PlannedRow { owner: Some(owner.clone()), outcome: Outcome::Unchanged, ..PlannedRow::default() });
    }
    let page = (id, seen.pages);
    let laid = match last.is_some() {
        true => Some(staged::lay_page(cx, room, &keys, page, &rows).await?),
        false => None,
    };
    let mut scoped = room.shared.store.write(cx).await?;
    changes::take_turn(&mut scoped).await?;
    let Some(mut change) = sql::import_get(&mut scoped, id).await? else { return Ok(None) };
    if change.state != ImportState::Checking {
        return Ok(None);
    }
    if change.version != seen.version {
        return Err(Fault::busy("type_change_elsewhere", "Another node goes on with it.", None));
    }
    if let Some(laid) = laid {
        staged::put_page(&mut scoped, page, laid, cx.now()).await?;
        change.pages += 1;
        for row in rows.iter() {
            change.counts.add(row.outcome, 1);
        }
        change.cursor = change.counts.total();
        plan.turn = Some(turn);
        change.plan = Some(keys.seal(&plan_place(id), &plan)?);
    } else {
        change.state = ImportState::Checked;
    }
    batches::save(&mut scoped, cx, change).await?;
    scoped.commit().await?;
    Ok(last)
}

/// What becomes of one value, as people read it.
fn judge(body: &FieldBody, turn: &mut Turn, value: &Value, (owner, number, version): (String, i64, i64)) -> PlannedRow {
    let of = (turn.from, body);
    let mut after = FieldBody { options: turn.options.clone(), ..FieldBody::default() };
    let mut row = PlannedRow { row: number, owner: Some(owner), ..PlannedRow::default() };
    if value.is_empty() {
        row.outcome = Outcome::Unchanged;
        return row;
    }
    if turn.create {
        for label in conversion::labels_missing(of, value, (turn.to, &after), &turn.how) {
            if turn.options.len() < OPTIONS_PER_FIELD {
                add_option(&mut turn.options, &label);
            }
        }
        after.options.clone_from(&turn.options);
    }
    let said = |text: String| Value::Text(text);
    let from = said(conversion::written(of, value, &turn.how));
    let (outcome, to) = match conversion::convert(of, value, (turn.to, &after), &turn.how) {
        Ok(to) => (Outcome::Changed, said(conversion::written((turn.to, &after), &to, &turn.how))),
        Err(wrong) => {
            let detail = match wrong.code {
                "unknown" if turn.options.len() >= OPTIONS_PER_FIELD => "A field has at most 500 options.",
                "unknown" => "The field would have no option of this name.",
                _ => wrong.detail,
            };
            row.refusals = vec![Refusal::of_row(wrong.code, detail)];
            (Outcome::Refused, Value::Empty)
        }
    };
    row.outcome = outcome;
    row.changes = vec![PlannedChange { from, to, version, ..PlannedChange::default() }];
    row
}
