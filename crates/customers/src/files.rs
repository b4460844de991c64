//! Files that people open: CSV, XLSX, JSON, made some rows at a time. What a cell holds never runs as a formula.

mod workbook;

use axum::body::Bytes;
use jiff::Zoned;
use jiff::civil::Date;
use kernel::{Fault, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use workbook::Book;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ExportFormat)]
pub(crate) enum Format {
    /// Comma-separated, UTF-8 with a byte order mark, so that spreadsheets read accents right.
    Csv,
    /// A workbook with one sheet; dates and numbers are dates and numbers.
    Xlsx,
    /// `{columns, items}`; each item is keyed by its columns' keys.
    Json,
}

impl Format {
    /// Also the ending of its files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Json => "json",
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Json => "application/json",
        }
    }
}

/// A column's heading.
pub(crate) struct Heading {
    /// Names it in JSON.
    pub(crate) key: String,
    /// As people read it.
    pub(crate) name: String,
    /// Whether instants stand under it, which need more room than most cells.
    pub(crate) instants: bool,
}

/// What stands in a cell.
pub(crate) enum Cell {
    Empty,
    Text(String),
    Texts(Vec<String>),
    Number(f64),
    Truth(bool),
    Day(Date),
    Instant(Zoned),
}

/// Between several texts of one cell.
const BETWEEN: &str = "; ";

/// A text that a spreadsheet would take for a formula, made a plain text: with an apostrophe before it.
fn harmless(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

fn plain(cell: Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => harmless(text),
        Cell::Texts(texts) => harmless(texts.join(BETWEEN)),
        // A number is no formula, also when it is negative.
        Cell::Number(number) => number.to_string(),
        Cell::Truth(truth) => truth.to_string(),
        Cell::Day(day) => day.to_string(),
        Cell::Instant(at) => at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
    }
}

fn value(cell: Cell) -> Value {
    match cell {
        Cell::Empty => Value::Null,
        Cell::Text(text) => json!(text),
        Cell::Texts(texts) => json!(texts),
        // 12 and not 12.0, as it was sent.
        Cell::Number(number) => serde_json::from_str(&number.to_string()).unwrap_or_else(|_| json!(number)),
        Cell::Truth(truth) => json!(truth),
        Cell::Day(day) => json!(day.to_string()),
        Cell::Instant(at) => json!(at.timestamp().to_string()),
    }
}

/// A file that is being made.
pub(crate) enum Sheet {
    /// The headings until they are written.
    Csv(Option<Vec<Heading>>),
    Json {
        headings: Vec<Heading>,
        begun: bool,
    },
    Xlsx(Box<Book>),
}

fn broken(error: impl std::error::Error + Send + Sync + 'static) -> Fault {
    Fault::broken("export_write", error)
}

impl Sheet {
    pub(crate) fn new(format: Format, headings: Vec<Heading>) -> Self {
        match format {
            Format::Csv => Self::Csv(Some(headings)),
            Format::Json => Self::Json { headings, begun: false },
            Format::Xlsx => Self::Xlsx(Box::new(Book::new(headings))),
        }
    }

    /// Adds rows; answers what of the file is ready.
    pub(crate) fn rows(&mut self, rows: Vec<Vec<Cell>>) -> Result<Bytes> {
        match self {
            Self::Csv(headings) => csv_rows(headings.take(), rows),
            Self::Json { headings, begun } => json_rows(headings, begun, rows),
            Self::Xlsx(book) => book.rows(rows),
        }
    }

    /// What is left of the file.
    pub(crate) fn finish(self) -> Result<Bytes> {
        match self {
            Self::Csv(headings) => csv_rows(headings, Vec::new()),
            Self::Json { headings, mut begun } => {
                let mut bytes = json_rows(&headings, &mut begun, Vec::new())?.to_vec();
                bytes.extend_from_slice(b"\n]}\n");
                Ok(bytes.into())
            }
            Self::Xlsx(book) => book.finish(),
        }
    }
}

fn csv_rows(headings: Option<Vec<Heading>>, rows: Vec<Vec<Cell>>) -> Result<Bytes> {
    let mut bytes = Vec::new();
    if headings.is_some() {
        bytes.extend_from_slice("\u{feff}".as_bytes());
    }
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(bytes);
    if let Some(headings) = headings {
        writer.write_record(headings.into_iter().map(|heading| harmless(heading.name))).map_err(broken)?;
    }
    for row in rows {
        writer.write_record(row.into_iter().map(plain)).map_err(broken)?;
    }
    writer.into_inner().map(Bytes::from).map_err(|error| broken(error.into_error()))
}

fn json_rows(headings: &[Heading], begun: &mut bool, rows: Vec<Vec<Cell>>) -> Result<Bytes> {
    let mut bytes = Vec::new();
    let mut first = !*begun;
    if first {
        let columns: Vec<Value> =
            headings.iter().map(|heading| json!({"key": heading.key, "name": heading.name})).collect();
        bytes.extend_from_slice(b"{\"columns\":");
        serde_json::to_writer(&mut bytes, &columns).map_err(broken)?;
        bytes.extend_from_slice(b",\"items\":[");
    }
    for row in rows {
        let item: Map<String, Value> =
            headings.iter().zip(row).map(|(heading, cell)| (heading.key.clone(), value(cell))).collect();
        bytes.extend_from_slice(if first { b"\n" } else { b",\n" });
        first = false;
        serde_json::to_writer(&mut bytes, &item).map_err(broken)?;
    }
    // Without a row the list has not begun: the next one is still its first.
    *begun = true;
    Ok(bytes.into())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where it is wrong")]
mod tests {
    use super::*;

    fn made(format: Format, rows: Vec<Vec<Cell>>) -> Vec<u8> {
        let heading = |key: &str, name: &str| Heading { key: key.to_owned(), name: name.to_owned(), instants: false };
        let mut sheet = Sheet::new(format, vec![heading("id", "=Account"), heading("n", "Größe")]);
        let mut bytes = Vec::new();
        for row in rows {
            bytes.extend_from_slice(&sheet.rows(vec![row]).unwrap());
        }
        bytes.extend_from_slice(&sheet.finish().unwrap());
        bytes
    }

    #[track_caller]
    fn check_csv(cell: Cell, expected: &str) {
        let text = String::from_utf8(made(Format::Csv, vec![vec![Cell::Text("a".to_owned()), cell]])).unwrap();
        assert_eq!(text, format!("\u{feff}'=Account,Größe\r\na,{expected}\r\n"));
    }

    #[test]
    fn formulas_are_made_harmless_and_values_stay_what_they_are() {
        let text = |text: &str| Cell::Text(text.to_owned());
        for (cell, expected) in [
            (text("=1+1"), "'=1+1"),
            (text("+49"), "'+49"),
            (text("-x"), "'-x"),
            (text("@SUM(A1)"), "'@SUM(A1)"),
            (text("\tx"), "'\tx"),
            (text("\rx"), "\"'\rx\""),
            (text("a=1"), "a=1"),
            (text("a,\"b\"\nc"), "\"a,\"\"b\"\"\nc\""),
            (Cell::Texts(vec!["=a".to_owned(), "b".to_owned()]), "'=a; b"),
            (Cell::Number(-3.5), "-3.5"),
            (Cell::Number(12.0), "12"),
            (Cell::Truth(true), "true"),
            (Cell::Day("2026-01-31".parse().unwrap()), "2026-01-31"),
            (Cell::Instant("2026-01-31T13:45:00+01:00[Europe/Berlin]".parse().unwrap()), "2026-01-31T13:45:00+01:00"),
            (Cell::Empty, ""),
        ] {
            check_csv(cell, expected);
        }
    }

    #[test]
    fn json_is_whole_whatever_its_length() {
        for count in 0..3 {
            let rows = (0..count).map(|_| vec![Cell::Text("=a".to_owned()), Cell::Number(12.0)]).collect();
            let read: Value = serde_json::from_slice(&made(Format::Json, rows)).unwrap();
            assert_eq!(read["columns"][0], json!({"key": "id", "name": "=Account"}));
            assert_eq!(read["items"], json!(vec![json!({"id": "=a", "n": 12}); count]));
        }
    }

    #[test]
    fn a_workbook_holds_texts_and_no_formulas() {
        let rows = vec![
            vec![Cell::Text("=1+1".to_owned()), Cell::Day("2026-01-31".parse().unwrap())],
            vec![Cell::Text("x".repeat(40_000)), Cell::Day("0004-01-31".parse().unwrap())],
        ];
        let bytes = made(Format::Xlsx, rows);
        assert!(bytes.starts_with(b"PK"));
        assert!(made(Format::Xlsx, Vec::new()).starts_with(b"PK"));
    }
}
