//! History: what was changed, and the way back.

use std::collections::BTreeMap;

use kernel::{Cx, Fault, Result};
use vault::Keys;

use crate::Room;
use crate::actions::access;
use crate::actions::fields::OpenField;
use crate::actions::reach::reach;
use crate::actions::turned::Turned;
use crate::actions::values::{self, OpenChange, OpenValue, Written};
use crate::model::{FieldId, HistoryEntry, Owner, Permission};
use crate::sql;

/// Changes of an owner's values that the caller may see, newest first, older than `before`. With the fields that they
/// are of.
pub(crate) async fn read_history(
    cx: &Cx,
    room: &Room,
    owner: &Owner,
    field: Option<FieldId>,
    before: i64,
    limit: u32,
) -> Result<(Vec<OpenChange>, BTreeMap<FieldId, OpenField>, Option<i64>)> {
    let reach = reach(cx, room, owner, Permission::Browse).await?;
    let fields = values::visible(cx, room, owner.entity(), &reach).await?;
    let keys = access::owner_keys(cx, room, owner).await?;
    let page = sql::history_list(&mut room.shared.store.read(cx).await?, owner, field, before, limit + 1).await?;
    let more = page.len() > limit as usize;
    let shown: Vec<_> = page.into_iter().take(limit as usize).collect();
    let next = if more { shown.last().map(|entry| entry.id) } else { None };
    let changes = shown
        .into_iter()
        .filter(|entry| fields.contains_key(&entry.field))
        .filter_map(|entry| open_unless_erased(&keys, owner, entry).transpose())
        .collect::<Result<_>>()?;
    Ok((changes, fields, next))
}

pub(crate) fn open_change(keys: &Keys, owner: &Owner, sealed: sql::SealedChange) -> Result<OpenChange> {
    Ok(HistoryEntry {
        id: sealed.id,
        field: sealed.field,
        change: keys.open(&values::change_place(owner, sealed.id), &sealed.change)?,
        at: sealed.at,
        by: sealed.by,
        action: sealed.action,
    })
}

/// The same; none of what an erased person left, which opens for nobody any more.
pub(crate) fn open_unless_erased(keys: &Keys, owner: &Owner, sealed: sql::SealedChange) -> Result<Option<OpenChange>> {
    match open_change(keys, owner, sealed) {
        Err(fault) if values::is_erased(owner, &fault) => Ok(None),
        opened => opened.map(Some),
    }
}

/// Sets a field back to what a change made of it, if its value still has version `before`.
pub(crate) async fn restore_value(
    cx: &Cx,
    room: &Room,
    owner: &Owner,
    change: i64,
    before: i64,
) -> Result<Written<OpenValue>> {
    let reach = reach(cx, room, owner, Permission::Edit).await?;
    let keys = access::owner_keys(cx, room, owner).await?;
    let sealed = sql::history_get(&mut room.shared.store.read(cx).await?, owner, change).await?;
    let entry = open_unless_erased(&keys, owner, sealed.ok_or_else(Fault::not_found)?)?.ok_or_else(Fault::not_found)?;
    // Before anything is said of the change: of a field that the caller may not see there is none.
    let fields = values::visible(cx, room, owner.entity(), &reach).await?;
    let field = fields.get(&entry.field).ok_or_else(Fault::not_found)?;
    let to = Turned::of([field]).said(entry.field, entry.id, &entry.change.peek().to);
    if to.is_empty() && !entry.change.peek().to.is_empty() {
        let text = "The field's type changed since, and this does not convert into the one that it has.";
        return Err(Fault::invalid("not_convertible", text));
    }
    values::write_one(cx, room, owner, &reach, entry.field, before, to, true).await
}
