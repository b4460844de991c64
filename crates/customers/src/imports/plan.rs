//! What a row would change, decided from the row and from what stands. The plan keeps what it saw: the run writes over
//! nothing else.

use std::collections::BTreeMap;

use kernel::FieldFault;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroize;

use super::cells;
use super::mapping::{EmptyCells, Mapping, Target};
use super::text::{COLUMNS, ROW_BYTES, RawRow, Unreadable};
use crate::model::{FieldBody, FieldId, FieldType, Value};
use crate::rules;

/// Mistakes told of one row.
const ERRORS_TOLD: usize = 10;

/// What becomes of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ImportOutcome)]
pub(crate) enum Outcome {
    /// Values change.
    Changed,
    /// Jira makes this customer, who is not there yet; then values are written.
    Made,
    /// All values are what the row says already.
    Unchanged,
    /// Nothing of it is written, because.
    #[default]
    Refused,
    /// Somebody changed a value between the dry run and the run: nothing of the row was written.
    Overtaken,
}

impl Outcome {
    /// The column that counts it.
    pub(crate) fn column(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Made => "made",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
            Self::Overtaken => "overtaken",
        }
    }
}

/// One value that changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct PlannedChange {
    pub(crate) field: uuid::Uuid,
    pub(crate) from: Value,
    pub(crate) to: Value,
    /// The version that was seen; 0: never written.
    pub(crate) version: i64,
}

/// Why a row is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refusal {
    /// The column, from 0; none: the row as a whole.
    pub(crate) column: Option<usize>,
    pub(crate) code: String,
    pub(crate) detail: String,
    pub(crate) limit: Option<u64>,
}

/// Somebody who is not in Jira yet, as a row names them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Newcomer {
    /// A valid address.
    pub(crate) email: String,
    /// What they are called.
    pub(crate) name: String,
}

impl Zeroize for Newcomer {
    fn zeroize(&mut self) {
        self.email.zeroize();
        self.name.zeroize();
    }
}

/// A row, its plan, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct PlannedRow {
    /// From 1, the header not counted.
    pub(crate) row: i64,
    /// The line of the file.
    pub(crate) line: u64,
    /// Whose: an account id or an organization's id.
    pub(crate) owner: Option<String>,
    /// As the file names them.
    pub(crate) named: String,
    pub(crate) outcome: Outcome,
    pub(crate) changes: Vec<PlannedChange>,
    pub(crate) refusals: Vec<Refusal>,
    /// Whom Jira is to make for it; `owner` is known afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) newcomer: Option<Newcomer>,
}

impl Zeroize for PlannedRow {
    fn zeroize(&mut self) {
        self.named.zeroize();
        self.newcomer.zeroize();
        for change in &mut self.changes {
            change.from.zeroize();
            change.to.zeroize();
        }
        self.changes.clear();
        self.refusals.clear();
    }
}

/// A field that a column is mapped to.
pub(crate) struct Mapped {
    pub(crate) kind: FieldType,
    pub(crate) required: bool,
    pub(crate) body: FieldBody,
}

/// What stands of an owner, for one row.
#[derive(Default)]
pub(crate) struct Standing {
    /// Values and their versions.
    pub(crate) values: BTreeMap<FieldId, (Value, i64)>,
}

/// Who a cell of a user field means: an account, or why it is nobody.
pub(crate) type People<'a> = dyn Fn(&str) -> Result<String, cells::Wrong> + Send + Sync + 'a;
/// How a person is called.
pub(crate) type Called<'a> = dyn Fn(&str) -> Option<String> + Send + Sync + 'a;

impl Refusal {
    pub(crate) fn of_row(code: &str, detail: impl Into<String>) -> Self {
        Self { column: None, code: code.to_owned(), detail: detail.into(), limit: None }
    }

    pub(crate) fn of_cell(column: usize, wrong: FieldFault) -> Self {
        Self { column: Some(column), code: wrong.code.to_owned(), detail: wrong.detail, limit: wrong.limit }
    }
}

impl PlannedRow {
    /// A row that is refused as a whole.
    pub(crate) fn refuse(&mut self, refusal: Refusal) {
        self.outcome = Outcome::Refused;
        self.changes.clear();
        self.newcomer = None;
        self.refusals = vec![refusal];
    }

    /// What comes of a row whose values are planned, where nothing is wrong with them.
    pub(crate) fn came_to(&self) -> Outcome {
        match (&self.newcomer, self.changes.is_empty()) {
            (Some(_), _) => Outcome::Made,
            (None, true) => Outcome::Unchanged,
            (None, false) => Outcome::Changed,
        }
    }
}

/// The cells of a row that has as many as the header; else why it is refused.
pub(crate) fn cells_of(raw: &RawRow, width: usize) -> Result<&[String], Refusal> {
    let cells = raw.cells.as_ref().map_err(|why| match why {
        Unreadable::TooLong => Refusal {
            limit: Some(ROW_BYTES as u64),
            ..Refusal::of_row(
                "too_long",
                format!("This row has more than {ROW_BYTES} bytes. A quotation mark may be missing."),
            )
        },
        Unreadable::TooManyColumns => Refusal {
            limit: Some(COLUMNS as u64),
            ..Refusal::of_row("too_many", format!("This row has more than {COLUMNS} cells."))
        },
        Unreadable::NotText => Refusal::of_row("encoding", "This row holds what is no text in the chosen encoding."),
    })?;
    if cells.len() == width {
        return Ok(cells);
    }
    let detail = format!(
        "This row has {} cells, the header {width}. A quotation mark or a separator may be missing.",
        cells.len()
    );
    Err(Refusal::of_row("columns", detail))
}

/// Whether a row says nothing at all, as the last rows of a spreadsheet often do.
pub(crate) fn is_blank(raw: &RawRow) -> bool {
    raw.cells.as_ref().is_ok_and(|cells| cells.iter().all(|cell| cell.trim().is_empty()))
}

/// What setting one field to one value would change of what is held, with the version that was seen.
pub(crate) fn plan_value(
    row: &mut PlannedRow,
    (id, kind, required): (FieldId, FieldType, bool),
    body: &FieldBody,
    wanted: &Value,
    held: Option<&(Value, i64)>,
) {
    let (standing, version) = held.map_or((None, 0), |(value, version)| (Some(value), *version));
    row.changes.clear();
    match rules::check_value("/value", kind, body, required, wanted, standing) {
        Ok(to) => {
            let from = standing.cloned().unwrap_or_default();
            row.outcome = if from == to { Outcome::Unchanged } else { Outcome::Changed };
            row.changes.push(PlannedChange { field: id.0, from, to, version });
        }
        Err(wrong) => row.refuse(Refusal { limit: wrong.limit, ..Refusal::of_row(wrong.code, wrong.detail) }),
    }
}

/// Whether a cell says what shows already.
fn shows(field: &Mapped, text: &str, held: Option<&Value>, called: &Called<'_>) -> bool {
    // What was never written shows as the default, and so it was exported.
    let shown = held.unwrap_or(&field.body.default);
    let name = match (field.kind, shown) {
        (FieldType::User, Value::Text(account)) => called(account),
        _ => None,
    };
    cells::says(field.kind, &field.body, text, shown, name.as_deref())
}

/// The people whom the cells of a row name, and who do not show there already.
pub(crate) fn people_named<'c>(
    cells: &'c [String],
    mapping: &Mapping,
    fields: &BTreeMap<FieldId, Mapped>,
    standing: &Standing,
    called: &Called<'_>,
) -> Vec<&'c str> {
    let mut named = Vec::new();
    for (target, text) in mapping.targets.iter().zip(cells) {
        let Target::Field(id) = target else { continue };
        let Some(field) = fields.get(id).filter(|field| field.kind == FieldType::User) else { continue };
        let held = standing.values.get(id).map(|(value, _)| value);
        let person = cells::without_prefix(text).trim();
        if !person.is_empty() && !shows(field, text, held, called) {
            named.push(person);
        }
    }
    named
}

/// What the cells of a row would change of what stands.
pub(crate) fn plan_values(
    row: &mut PlannedRow,
    cells: &[String],
    mapping: &Mapping,
    fields: &BTreeMap<FieldId, Mapped>,
    standing: &Standing,
    (people, called): (&People<'_>, &Called<'_>),
) {
    row.changes.clear();
    for (column, (target, text)) in mapping.targets.iter().zip(cells).enumerate() {
        let Target::Field(id) = target else { continue };
        let Some(field) = fields.get(id) else { continue };
        let (held, version) = standing.values.get(id).map_or((None, 0), |(value, version)| (Some(value), *version));
        let empty = text.trim().is_empty();
        if empty && mapping.empty_cells == EmptyCells::Leave {
            continue;
        }
        if !empty && shows(field, text, held, called) {
            continue;
        }
        let pointer = format!("/{column}");
        let read = cells::read_cell(field.kind, &field.body, text, &mapping.reading).and_then(|value| match value {
            Value::Text(who) if field.kind == FieldType::User => people(&who).map(Value::Text),
            value => Ok(value),
        });
        let checked = read
            .map_err(|wrong| FieldFault {
                pointer: pointer.clone(),
                code: wrong.code,
                detail: wrong.detail.to_owned(),
                limit: None,
            })
            .and_then(|value| rules::check_value(&pointer, field.kind, &field.body, field.required, &value, held));
        match checked {
            Ok(to) if held.cloned().unwrap_or_default() == to => {}
            Ok(to) => {
                row.changes.push(PlannedChange { field: id.0, from: held.cloned().unwrap_or_default(), to, version })
            }
            Err(wrong) => row.refusals.push(Refusal::of_cell(column, wrong)),
        }
    }
    row.refusals.truncate(ERRORS_TOLD);
    row.outcome = if row.refusals.is_empty() { row.came_to() } else { Outcome::Refused };
    if row.outcome == Outcome::Refused {
        row.changes.clear();
        row.newcomer = None;
    }
}
