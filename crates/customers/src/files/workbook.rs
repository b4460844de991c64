//! A workbook with one sheet: Office Open XML in a ZIP archive, made while it leaves. What is ready of it is handed on after
//! each piece, so that neither the memory nor a file ever holds it whole. Texts stand in their cells, not in the table of
//! shared texts that workbooks often have: that one could only be written at the end.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use axum::body::Bytes;
use jiff::civil::{Date, Time, date};
use kernel::{Fault, Result};
use quick_xml::escape::partial_escape;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

use super::{BETWEEN, Cell, Heading, broken};

const DECLARATION: &str = concat!(r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"#, "\n");

/// What the archive holds besides the sheet, which comes last.
const PARTS: [(&str, &str); 5] = [
    (
        "[Content_Types].xml",
        concat!(
            r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">"#,
            r#"<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>"#,
            r#"<Default Extension="xml" ContentType="application/xml"/>"#,
            r#"<Override PartName="/xl/workbook.xml" "#,
            r#"ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>"#,
            r#"<Override PartName="/xl/styles.xml" "#,
            r#"ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>"#,
            r#"<Override PartName="/xl/worksheets/sheet1.xml" "#,
            r#"ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>"#,
            r#"</Types>"#
        ),
    ),
    (
        "_rels/.rels",
        concat!(
            r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">"#,
            r#"<Relationship Id="rId1" Target="xl/workbook.xml" "#,
            r#"Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/>"#,
            r#"</Relationships>"#
        ),
    ),
    (
        "xl/workbook.xml",
        concat!(
            r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" "#,
            r#"xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">"#,
            r#"<bookViews><workbookView/></bookViews>"#,
            r#"<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>"#
        ),
    ),
    (
        "xl/_rels/workbook.xml.rels",
        concat!(
            r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">"#,
            r#"<Relationship Id="rId1" Target="worksheets/sheet1.xml" "#,
            r#"Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"/>"#,
            r#"<Relationship Id="rId2" Target="styles.xml" "#,
            r#"Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles"/>"#,
            r#"</Relationships>"#
        ),
    ),
    (
        "xl/styles.xml",
        concat!(
            r#"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">"#,
            r#"<numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy-mm-dd"/>"#,
            r#"<numFmt numFmtId="165" formatCode="yyyy-mm-dd hh:mm"/></numFmts>"#,
            r#"<fonts count="2"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font>"#,
            r#"<font><b/><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>"#,
            // The first two are the format's own, whoever uses them.
            r#"<fills count="2"><fill><patternFill patternType="none"/></fill>"#,
            r#"<fill><patternFill patternType="gray125"/></fill></fills>"#,
            r#"<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>"#,
            r#"<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>"#,
            // In the order of the looks below.
            r#"<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>"#,
            r#"<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>"#,
            r#"<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>"#,
            r#"<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>"#,
            r#"<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>"#,
            r#"</styleSheet>"#
        ),
    ),
];

const SHEET: &str = "xl/worksheets/sheet1.xml";
/// Up to the widths of the columns. The headings stay where they are when one scrolls.
const SHEET_BEGINS: &str = concat!(
    r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">"#,
    r#"<sheetViews><sheetView tabSelected="1" workbookViewId="0">"#,
    r#"<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/><selection pane="bottomLeft"/>"#,
    r#"</sheetView></sheetViews><sheetFormatPr defaultRowHeight="15"/><cols>"#
);
const SHEET_ENDS: &str = "</sheetData></worksheet>";

/// Looks of a cell, as it names them: by their place among the styles.
const PLAIN: &str = "";
const BOLD: &str = r#" s="1""#;
const DAY: &str = r#" s="2""#;
const INSTANT: &str = r#" s="3""#;

/// Longest text of a cell, in units of UTF-16: Excel's own bound, counted as Excel counts.
const TEXT_UNITS: usize = 32_767;

/// Widths of columns, in characters. A number that does not fit its column is shown as `####`: each has room for a day, and
/// those of instants for an instant.
const DAY_CHARS: usize = 10;
const INSTANT_CHARS: usize = 16;
const TRUTH_CHARS: usize = 5;
/// Widest column: longer texts are read in the cell.
const MOST_CHARS: usize = 42;

/// Bytes of a sheet before they are compressed. Beyond four gigabytes an archive needs ZIP's 64-bit extensions, and those are
/// not read by every program in an archive that was written as a stream.
const SHEET_BYTES: usize = 4_000_000_000;

/// A workbook that is being made.
pub(crate) struct Book {
    archive: ZipWriter<StreamWriter<Ready>>,
    headings: Vec<Heading>,
    /// How the sheet names its columns.
    columns: Vec<String>,
    /// Rows that the sheet has. Without any the file has not begun.
    rows: u32,
    /// Bytes that the sheet may still take.
    left: usize,
}

/// What of the archive is ready and not handed on yet. The archive lends what it writes to only for reading: hence the lock,
/// which nobody waits for.
#[derive(Default)]
struct Ready(Mutex<Vec<u8>>);

impl Ready {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Write for Ready {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Book {
    pub(super) fn new(headings: Vec<Heading>) -> Self {
        let columns = (0..headings.len()).map(column_name).collect();
        let archive = ZipWriter::new_stream(Ready::default());
        Self { archive, headings, columns, rows: 0, left: SHEET_BYTES }
    }

    /// Adds rows; answers what is ready. That may be nothing: rows are compressed together with those before and after them.
    pub(super) fn rows(&mut self, rows: Vec<Vec<Cell>>) -> Result<Bytes> {
        self.begin(&rows)?;
        for row in rows {
            self.add(row, PLAIN)?;
        }
        Ok(self.archive.get_ref().map(|stream| stream.get_ref().take()).unwrap_or_default())
    }

    /// What is left of the file.
    pub(super) fn finish(mut self) -> Result<Bytes> {
        self.begin(&[])?;
        self.put(SHEET_ENDS.as_bytes())?;
        Ok(self.archive.finish().map_err(broken)?.into_inner().take())
    }

    /// Writes what stands before the rows. Widths do too: they are of the headings and of the rows that come first, since no
    /// others are known yet.
    fn begin(&mut self, first: &[Vec<Cell>]) -> Result<()> {
        if self.rows > 0 {
            return Ok(());
        }
        let deflated = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        for (name, xml) in PARTS {
            self.archive.start_file(name, deflated).map_err(broken)?;
            self.put(DECLARATION.as_bytes())?;
            self.put(xml.as_bytes())?;
        }
        self.archive.start_file(SHEET, deflated).map_err(broken)?;
        let mut xml = [DECLARATION, SHEET_BEGINS].concat().into_bytes();
        for (place, heading) in self.headings.iter().enumerate() {
            let shown = first.iter().filter_map(|row| row.get(place)).map(shown_chars);
            let least = if heading.instants { INSTANT_CHARS } else { DAY_CHARS };
            let most = shown.chain([line_chars(&heading.name)]).fold(least, usize::max).min(MOST_CHARS);
            let (column, width) = (place + 1, most + 1);
            write!(xml, r#"<col min="{column}" max="{column}" width="{width}" customWidth="1"/>"#).map_err(broken)?;
        }
        xml.extend_from_slice(b"</cols><sheetData>");
        self.put(&xml)?;
        let names = self.headings.iter().map(|heading| Cell::Text(heading.name.clone())).collect();
        self.add(names, BOLD)
    }

    /// Adds a row whose texts look like this.
    fn add(&mut self, cells: Vec<Cell>, look: &str) -> Result<()> {
        self.rows += 1;
        let mut xml = Vec::new();
        write!(xml, r#"<row r="{}">"#, self.rows).map_err(broken)?;
        for (column, cell) in self.columns.iter().zip(cells) {
            write_cell(&mut xml, (column.as_str(), self.rows), look, cell).map_err(broken)?;
        }
        xml.extend_from_slice(b"</row>");
        self.put(&xml)
    }

    fn put(&mut self, xml: &[u8]) -> Result<()> {
        let Some(left) = self.left.checked_sub(xml.len()) else {
            return Err(Fault::broken("export_write", "the sheet is larger than an archive's part may be"));
        };
        self.left = left;
        self.archive.write_all(xml).map_err(broken)
    }
}

/// Writes a cell that stands there: its column and its row. A text stays a text, whatever it begins with; no cell is a formula.
fn write_cell(xml: &mut Vec<u8>, at: (&str, u32), look: &str, cell: Cell) -> io::Result<()> {
    match cell {
        Cell::Empty => Ok(()),
        Cell::Text(text) => write_text(xml, at, look, &text),
        Cell::Texts(texts) => write_text(xml, at, look, &texts.join(BETWEEN)),
        Cell::Number(number) if number.is_finite() => write_number(xml, at, PLAIN, number),
        // Such a number would make the whole sheet unreadable.
        Cell::Number(number) => write_text(xml, at, look, &number.to_string()),
        Cell::Truth(truth) => {
            let ((column, row), held) = (at, u8::from(truth));
            write!(xml, r#"<c r="{column}{row}" t="b"><v>{held}</v></c>"#)
        }
        Cell::Day(day) => match day_number(day) {
            Some(days) => write_number(xml, at, DAY, f64::from(days)),
            None => write_text(xml, at, look, &day.to_string()),
        },
        Cell::Instant(moment) => match day_number(moment.date()) {
            Some(days) => write_number(xml, at, INSTANT, f64::from(days) + part_of_day(moment.time())),
            None => write_text(xml, at, look, &moment.timestamp().to_string()),
        },
    }
}

fn write_number(xml: &mut Vec<u8>, (column, row): (&str, u32), look: &str, number: f64) -> io::Result<()> {
    write!(xml, r#"<c r="{column}{row}"{look}><v>{number}</v></c>"#)
}

fn write_text(xml: &mut Vec<u8>, (column, row): (&str, u32), look: &str, text: &str) -> io::Result<()> {
    const BLANKS: [char; 3] = [' ', '\t', '\n'];
    let text = cut(text);
    if text.is_empty() {
        return Ok(());
    }
    // Readers take blanks at the ends of a text away unless they are told.
    let kept = text.starts_with(BLANKS) || text.ends_with(BLANKS);
    let space = if kept { r#" xml:space="preserve""# } else { "" };
    let held = partial_escape(coded(text));
    write!(xml, r#"<c r="{column}{row}"{look} t="inlineStr"><is><t{space}>{held}</t></is></c>"#)
}

/// As much of a text as a cell holds.
fn cut(text: &str) -> &str {
    let mut units = 0;
    let end = text.char_indices().find_map(|(at, character)| {
        units += character.len_utf16();
        (units > TEXT_UNITS).then_some(at)
    });
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// A text without the characters that XML has no place for, or would not give back as they were (a carriage return): workbooks
/// have codes for them, `_x000B_`. What only reads like a code gets one for its underscore.
fn coded(text: &str) -> String {
    let mut held = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        match character {
            '\t' | '\n' => held.push(character),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => held.push_str(&format!("_x{:04X}_", u32::from(character))),
            '_' if text.get(at..).is_some_and(reads_like_code) => held.push_str("_x005F_"),
            _ => held.push(character),
        }
    }
    held
}

fn reads_like_code(text: &str) -> bool {
    match text.as_bytes() {
        [b'_', b'x', one, two, three, four, b'_', ..] => [one, two, three, four].iter().all(|b| b.is_ascii_hexdigit()),
        _ => false,
    }
}

/// How sheets name their columns: A, B, … Z, AA.
fn column_name(place: usize) -> String {
    let mut letters: Vec<char> = Vec::new();
    // Counted from one: these numerals have no zero.
    let mut rest = place + 1;
    while rest > 0 {
        rest -= 1;
        letters.extend(('A'..='Z').nth(rest % 26));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

/// A day as Excel counts them: the first of 1900 is one, and that year has a 29th of February. None before.
fn day_number(day: Date) -> Option<i32> {
    const ZEROTH: Date = date(1899, 12, 31);
    match (day - ZEROTH).get_days() {
        ..=0 => None,
        days @ 1..=59 => Some(days),
        days => Some(days + 1),
    }
}

fn part_of_day(time: Time) -> f64 {
    let (hour, minute, second) = (i32::from(time.hour()), i32::from(time.minute()), i32::from(time.second()));
    f64::from(hour * 3_600 + minute * 60 + second) / 86_400.0
}

/// Characters that a cell shows, about.
fn shown_chars(cell: &Cell) -> usize {
    match cell {
        Cell::Empty => 0,
        Cell::Text(text) => line_chars(text),
        Cell::Texts(texts) => texts.iter().map(|text| line_chars(text) + BETWEEN.len()).sum(),
        Cell::Number(number) => number.to_string().len(),
        Cell::Truth(_) => TRUTH_CHARS,
        Cell::Day(_) => DAY_CHARS,
        Cell::Instant(_) => INSTANT_CHARS,
    }
}

/// Characters of a text's longest line.
fn line_chars(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests;
