//! The report of an import, row by row: what would change and did, and what was refused and why. In pages, or as a file.

use std::collections::BTreeMap;

use axum::body::Bytes;
use futures::Stream;
use futures::stream::try_unfold;
use kernel::{Cx, Result};
use vault::Exit;

use super::require;
use crate::Room;
use crate::actions::access;
use crate::actions::batches::note;
use crate::actions::batches::report::{Place, StagedRows, staged_rows};
use crate::actions::fields::{self, OpenField};
use crate::files::{Cell, Format, Heading, Sheet};
use crate::imports::cells;
use crate::imports::plan::{Outcome, PlannedRow};
use crate::model::{FieldId, ImportId, Value};

/// Rows of one piece of the file.
const ROWS_A_PIECE: usize = 200;

/// Some rows of the report, those of one outcome if one is asked for, and where to go on. Rows leave as they are: whoever
/// may import may see what the file said.
pub(crate) async fn read_rows(
    cx: &Cx,
    room: &Room,
    id: ImportId,
    outcome: Option<Outcome>,
    place: Place,
    limit: usize,
) -> Result<(StagedRows, Option<Place>)> {
    require(cx)?;
    let import = super::find(cx, room, id).await?;
    staged_rows(cx, room, (import.entity, id), outcome, place, limit).await
}

/// A report on its way out as a file.
pub(crate) struct Report {
    cx: Cx,
    room: Room,
    id: ImportId,
    fields: BTreeMap<FieldId, OpenField>,
    headers: Vec<String>,
}

/// Writes it on the ledger that the report leaves.
pub(crate) async fn prepare_report(cx: &Cx, room: &Room, id: ImportId) -> Result<Report> {
    let import = super::read_import(cx, room, id).await?;
    let headers = import.plan.as_ref().map(|plan| plan.peek().headers.clone()).unwrap_or_default();
    let fields = fields::all(cx, room).await?.into_iter().map(|field| (field.id, field)).collect();
    let actor = access::actor_pseudonym(cx, room).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    note(&mut scoped, cx, "customers.import_report_exported", actor, &id.to_string()).await?;
    scoped.commit().await?;
    Ok(Report { cx: cx.clone(), room: room.clone(), id, fields, headers })
}

impl Report {
    /// The file, page by page: a line for each value that changes, and for each thing that is wrong.
    pub(crate) fn stream(self, exit: Exit) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
        let names = ["Line", "Outcome", "ID", "As named in the file", "Field", "From", "To", "Code", "Why"];
        let heading = |name: &&str| Heading { key: (*name).to_owned(), name: (*name).to_owned(), instants: false };
        let sheet = Sheet::new(Format::Csv, names.iter().map(heading).collect());
        try_unfold(Some((self, exit, sheet, Place::default())), |state| async move {
            let Some((report, exit, mut sheet, place)) = state else { return Ok(None) };
            let (rows, next) = read_rows(&report.cx, &report.room, report.id, None, place, ROWS_A_PIECE).await?;
            let lines = rows.release(&exit).flat_map(|row| report.lines(row)).collect();
            let mut bytes = sheet.rows(lines)?;
            if next.is_none() && bytes.is_empty() {
                bytes = sheet.finish()?;
                return Ok(Some((bytes, None)));
            }
            Ok(Some((bytes, next.map(|next| (report, exit, sheet, next)))))
        })
    }

    fn lines(&self, row: &PlannedRow) -> Vec<Vec<Cell>> {
        let text = |text: &str| if text.is_empty() { Cell::Empty } else { Cell::Text(text.to_owned()) };
        let line = |field: &str, from: String, to: String, code: &str, why: &str| {
            vec![
                Cell::Number(row.line as f64),
                text(row.outcome.column()),
                text(row.owner.as_deref().unwrap_or_default()),
                text(&row.named),
                text(field),
                text(&from),
                text(&to),
                text(code),
                text(why),
            ]
        };
        let mut lines = Vec::new();
        for change in &row.changes {
            let field = self.fields.get(&FieldId(change.field));
            let said = |value: &Value| {
                field.map(|field| cells::written(field.kind, field.body.peek(), value, None)).unwrap_or_default()
            };
            let name = field.map(|field| field.body.peek().name.clone()).unwrap_or_default();
            lines.push(line(&name, said(&change.from), said(&change.to), "", ""));
        }
        for refusal in &row.refusals {
            let column = refusal.column.and_then(|column| self.headers.get(column)).map(String::as_str);
            lines.push(line(column.unwrap_or_default(), String::new(), String::new(), &refusal.code, &refusal.detail));
        }
        if lines.is_empty() {
            lines.push(line("", String::new(), String::new(), "", ""));
        }
        lines
    }
}
