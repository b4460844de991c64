//! What is said of imports.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vault::Exit;

use crate::actions::batches::report::Called;
use crate::actions::batches::{self, OpenBatch};
use crate::actions::imports::Preview;
use crate::actions::imports::made::gave_access;
use crate::http::values::{AuthorView, Authors};
use crate::imports::mapping::Settings;
use crate::imports::plan::{Outcome, PlannedRow};
use crate::imports::text::{Delimiter, Encoding, RawRow};
use crate::model::{Entity, ImportState, MadePerson, MadeState, Value};
use crate::sql::Made;

/// A file to import.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ImportInput {
    /// Whose values.
    pub(super) entity: Entity,
    /// What the file is called.
    #[schema(max_length = 255)]
    pub(super) file_name: String,
}

/// A part of a file, for whoever cannot send bytes.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PartInput {
    /// Up to 524,288 bytes, as base64.
    pub(super) base64: String,
}

/// How many rows came to what.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImportCounts {
    /// Values change; once it ran, they did.
    changed: i64,
    /// Jira makes a customer, who is not there yet; then values are written.
    made: i64,
    /// All is as the row says.
    unchanged: i64,
    /// The row cannot be taken; its errors say why.
    refused: i64,
    /// Somebody changed a value between the dry run and the run: nothing of the row was written.
    overtaken: i64,
}

/// An import.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImportView {
    /// Its id.
    id: String,
    /// Whose values.
    entity: Entity,
    /// What the file is called.
    file_name: String,
    /// How far it is.
    state: ImportState,
    /// Why it stopped by itself: `fields_changed`, `file_gone`, `too_many_rows`; `refused_by_jira` where it makes customers.
    reason: Option<String>,
    /// Bytes that arrived.
    bytes: i64,
    /// Parts that arrived: the number of the next one.
    parts: i64,
    /// While checking: rows of the file that were read.
    rows_read: i64,
    /// While running: how much of the plan was carried out, 0 to 1.
    done: f64,
    /// Rows of the dry run, by what came of them.
    rows: ImportCounts,
    /// Values written.
    values_written: i64,
    /// Values that went back.
    values_returned: i64,
    /// Values that did not go back: somebody changed them since.
    values_kept: i64,
    /// Customers whom Jira made for it; `made` lists them.
    customers_made: i64,
    /// Whether undoing it can take them out of the projects and organizations that it put them into.
    access_given: bool,
    /// How the file is read; null before the dry run.
    settings: Option<Settings>,
    /// The file's headers; empty before the dry run.
    headers: Vec<String>,
    /// Who began it.
    created_by: AuthorView,
    /// When it was begun.
    created_at: String,
    /// When its last step was.
    updated_at: String,
    /// Until when it can be undone; null when it cannot.
    undo_until: Option<String>,
}

impl ImportView {
    pub(super) fn of(import: OpenBatch, authors: &Authors, exit: &Exit) -> Self {
        let access_given = gave_access(&import, import.plan.as_ref().map(|plan| plan.peek()));
        let undoable = import.written > 0 || access_given;
        let ended = matches!(import.state, ImportState::Done | ImportState::Cancelled) && undoable;
        let undo_until = ended.then(|| batches::undo_until(import.updated_at)).flatten();
        let plan = import.plan.map(|plan| plan.release(exit));
        let ran = !matches!(import.state, ImportState::Uploading | ImportState::Checking | ImportState::Checked);
        Self {
            id: import.id.to_string(),
            entity: import.entity,
            file_name: import.name.release(exit),
            state: import.state,
            reason: import.reason,
            bytes: import.bytes,
            parts: import.parts,
            rows_read: if import.state == ImportState::Checking { import.cursor } else { import.counts.total() },
            done: if ran && import.pages > 0 { import.cursor as f64 / import.pages as f64 } else { 0.0 },
            rows: ImportCounts {
                changed: import.counts.changed,
                made: import.counts.made,
                unchanged: import.counts.unchanged,
                refused: import.counts.refused,
                overtaken: import.counts.overtaken,
            },
            values_written: import.written,
            values_returned: import.returned,
            values_kept: import.kept,
            customers_made: import.people,
            access_given,
            headers: plan.as_ref().map(|plan| plan.headers.clone()).unwrap_or_default(),
            settings: plan.map(|plan| plan.settings),
            created_by: AuthorView::of(&import.author, authors, exit),
            created_at: import.created_at.to_string(),
            updated_at: import.updated_at.to_string(),
            undo_until: undo_until.map(|at| at.to_string()),
        }
    }
}

/// A row at the beginning of a file.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PreviewRow {
    /// The line of the file that it begins on.
    line: u64,
    /// Its cells, at most 200 characters of each; null where the row cannot be read.
    cells: Option<Vec<String>>,
}

/// The beginning of a file, as it would be read.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PreviewView {
    /// How characters are written.
    encoding: Encoding,
    /// What stands between cells.
    delimiter: Delimiter,
    /// The headers.
    headers: Vec<String>,
    /// The first rows.
    rows: Vec<PreviewRow>,
    /// What the columns seem to be, ready to be sent back.
    suggested: Settings,
    /// Whether that is how a file with these headers was read before.
    remembered: bool,
}

impl PreviewView {
    pub(super) fn of(preview: Preview) -> Self {
        let row = |row: RawRow| PreviewRow { line: row.line, cells: row.cells.ok() };
        Self {
            encoding: preview.encoding,
            delimiter: preview.delimiter,
            headers: preview.headers,
            rows: preview.rows.into_iter().map(row).collect(),
            suggested: preview.suggested,
            remembered: preview.remembered,
        }
    }
}

/// How to look at the beginning of a file.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(super) struct PreviewQuery {
    /// Read it so, whatever it seems to be.
    pub(super) encoding: Option<Encoding>,
    /// Divide it so, whatever it seems to be.
    pub(super) delimiter: Option<Delimiter>,
}

/// Which rows of a report.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(super) struct RowsQuery {
    /// Only rows that came to this.
    pub(super) outcome: Option<Outcome>,
    /// `nextCursor` of the page before.
    pub(super) cursor: Option<String>,
    /// Rows a page, 1 to 100; 50 if left out.
    #[param(minimum = 1, maximum = 100)]
    pub(super) limit: Option<u32>,
}

/// One value that changes.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangePlanned {
    /// Of which field.
    field_id: String,
    /// What it was at the dry run.
    from: Value,
    /// What the row makes of it.
    to: Value,
}

/// Why a row was not taken.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RowError {
    /// The column, from 0; null: the row as a whole.
    column: Option<usize>,
    /// Stable code.
    #[schema(example = "unknown")]
    code: String,
    /// What to do.
    detail: String,
    /// The bound that was passed.
    limit: Option<u64>,
}

/// A row of the report.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImportRowView {
    /// From 1, the header not counted.
    row: i64,
    /// The line of the file that it begins on.
    line: u64,
    /// The `accountId` or organization's id; null where nobody was found.
    owner_id: Option<String>,
    /// As the file names them.
    named: String,
    /// What comes of it.
    outcome: Outcome,
    /// Values that change.
    changes: Vec<ChangePlanned>,
    /// Why it is refused or was overtaken; at most ten.
    errors: Vec<RowError>,
}

impl ImportRowView {
    pub(super) fn of(row: &PlannedRow, _exit: &Exit) -> Self {
        let changes = row.changes.iter().map(|change| ChangePlanned {
            field_id: change.field.to_string(),
            from: change.from.clone(),
            to: change.to.clone(),
        });
        let errors = row.refusals.iter().map(|refusal| RowError {
            column: refusal.column,
            code: refusal.code.clone(),
            detail: refusal.detail.clone(),
            limit: refusal.limit,
        });
        Self {
            row: row.row,
            line: row.line,
            owner_id: row.owner.clone(),
            named: row.named.clone(),
            outcome: row.outcome,
            changes: changes.collect(),
            errors: errors.collect(),
        }
    }
}

/// How to undo an import.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(super) struct UndoQuery {
    /// Whether customers whom Jira made for it are taken out of the projects and organizations that it put them into. Their
    /// accounts stay.
    #[serde(default)]
    pub(super) take_access: bool,
}

/// A customer whom Jira made for an import.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MadeView {
    /// The account; null while Jira did not answer.
    account_id: Option<String>,
    /// What they are called; null where Jira does not say.
    display_name: Option<String>,
    /// The row of the file that names them, from 1.
    row: i64,
    /// Where they are.
    state: MadeState,
}

impl MadeView {
    pub(super) fn of(person: MadePerson, called: &Called, _exit: &Exit) -> Self {
        let account_id = person.account.map(|account| account.as_str().to_owned());
        let display_name = account_id.as_ref().and_then(|account| called.get(account)).cloned();
        Self { account_id, display_name, row: person.row, state: person.state }
    }
}

/// A value that did not go back when its import was undone.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeptView {
    /// The `accountId` or organization's id.
    owner_id: String,
    /// Of which field.
    field_id: String,
    /// The change that the import made, in the history.
    change_id: String,
}

impl KeptView {
    pub(super) fn of(made: Made) -> Self {
        Self { owner_id: made.owner, field_id: made.field.to_string(), change_id: made.id.to_string() }
    }
}
