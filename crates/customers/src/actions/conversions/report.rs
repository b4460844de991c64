//! What a preview found, value by value: in pages, or as a file; whose they are is asked of the directory when it is told.

use axum::body::Bytes;
use futures::Stream;
use futures::stream::try_unfold;
use kernel::{Cx, Result};
use vault::Exit;

use crate::Room;
use crate::actions::access;
use crate::actions::batches::report::{Called, Place, StagedRows, called, staged_rows};
use crate::actions::batches::{self, undo};
use crate::files::{Cell, Format, Heading, Sheet};
use crate::imports::plan::{Outcome, PlannedRow};
use crate::model::{ImportId, Value};
use crate::sql::Made;

/// Rows of one piece of the file.
const ROWS_A_PIECE: usize = 200;

/// Some rows, those that came to this if it is asked for, and where to go on.
pub(crate) async fn read_rows(
    cx: &Cx,
    room: &Room,
    id: ImportId,
    outcome: Option<Outcome>,
    place: Place,
    limit: usize,
) -> Result<(StagedRows, Called, Option<Place>)> {
    let (change, _) = super::find(cx, room, id).await?;
    let (rows, next) = staged_rows(cx, room, (change.entity, id), outcome, place, limit).await?;
    let called = called(cx, room, change.entity, rows.owners()).await?;
    Ok((rows, called, next))
}

/// Values that did not go back to what they were, and where to go on.
pub(crate) async fn list_kept(
    cx: &Cx,
    room: &Room,
    id: ImportId,
    before: Option<i64>,
    limit: u32,
) -> Result<(Vec<Made>, Called, Option<i64>)> {
    let (change, _) = super::find(cx, room, id).await?;
    let (kept, next) = undo::kept_of(cx, room, id, before, limit).await?;
    let called = called(cx, room, change.entity, kept.iter().map(|made| made.owner.as_str())).await?;
    Ok((kept, called, next))
}

/// A report on its way out as a file.
pub(crate) struct Report {
    cx: Cx,
    room: Room,
    id: ImportId,
}

/// Writes it on the ledger that the report leaves.
pub(crate) async fn prepare_report(cx: &Cx, room: &Room, id: ImportId) -> Result<Report> {
    super::find(cx, room, id).await?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    batches::note(&mut scoped, cx, "customers.type_change_report_exported", actor, &id.to_string()).await?;
    scoped.commit().await?;
    Ok(Report { cx: cx.clone(), room: room.clone(), id })
}

impl Report {
    /// The file, a line a value.
    pub(crate) fn stream(self, exit: Exit) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
        let heading = |name: &str| Heading { key: name.to_owned(), name: name.to_owned(), instants: false };
        let sheet = Sheet::new(Format::Csv, Vec::from(["ID", "Name", "Outcome", "Was", "Becomes", "Why"].map(heading)));
        try_unfold(Some((self, exit, sheet, Place::default())), |state| async move {
            let Some((report, exit, mut sheet, place)) = state else { return Ok(None) };
            let (cx, room) = (&report.cx, &report.room);
            let (rows, called, next) = read_rows(cx, room, report.id, None, place, ROWS_A_PIECE).await?;
            let shown = rows.release(&exit).filter(|row| row.outcome != Outcome::Unchanged);
            let bytes = sheet.rows(shown.map(|row| line(row, &called)).collect())?;
            if next.is_none() && bytes.is_empty() {
                return Ok(Some((sheet.finish()?, None)));
            }
            Ok(Some((bytes, next.map(|next| (report, exit, sheet, next)))))
        })
    }
}

fn line(row: &PlannedRow, called: &Called) -> Vec<Cell> {
    let text = |text: &str| if text.is_empty() { Cell::Empty } else { Cell::Text(text.to_owned()) };
    let owner = row.owner.as_deref().unwrap_or_default();
    let change = row.changes.first();
    let outcome = match row.outcome {
        Outcome::Changed => "converts",
        Outcome::Unchanged => "empty",
        Outcome::Made | Outcome::Refused | Outcome::Overtaken => "does not convert",
    };
    vec![
        text(owner),
        text(called.get(owner).map(String::as_str).unwrap_or_default()),
        text(outcome),
        text(said(change.map(|change| &change.from)).unwrap_or_default()),
        text(said(change.map(|change| &change.to)).unwrap_or_default()),
        text(row.refusals.first().map(|refusal| refusal.detail.as_str()).unwrap_or_default()),
    ]
}

/// A staged value, which is text always.
pub(crate) fn said(value: Option<&Value>) -> Option<&str> {
    match value {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}
