//! From bytes to rows, some bytes at a time: encodings, separators, quoted line breaks. What is held never grows beyond one
//! row of the longest kind, whatever the file holds.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use encoding_rs::{Decoder, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Bytes of one row, as UTF-8. A row of twenty long texts at their limit fits; a file that forgot a closing quote ends here.
pub(crate) const ROW_BYTES: usize = 1_048_576;
/// Columns of a file: all fields there can be, what the directory tells, and as many that are left out.
pub(crate) const COLUMNS: usize = 500;
/// Of a file's beginning, what is looked at to tell what it is.
pub(crate) const HEAD_BYTES: usize = 131_072;
/// Rows that decide which separator it is.
const SAMPLE_ROWS: usize = 50;
const FIRST_BUFFER: usize = 65_536;

/// How characters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = ImportEncoding)]
pub(crate) enum Encoding {
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// UTF-16, little end first: what Excel calls Unicode text.
    Utf16le,
    /// UTF-16, big end first.
    Utf16be,
    /// Windows-1252, of which Latin-1 is a part: what Excel in Western Europe calls CSV.
    Windows1252,
}

/// What stands between cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ImportDelimiter)]
pub(crate) enum Delimiter {
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// A tab.
    Tab,
}

impl Delimiter {
    const ALL: [Self; 3] = [Self::Comma, Self::Semicolon, Self::Tab];

    fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) encoding: Encoding,
    pub(crate) delimiter: Delimiter,
    /// Whether the first line is Excel's `sep=;`, which is no row.
    pub(crate) says_delimiter: bool,
}

/// Why a row has no cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unreadable {
    /// It has more bytes than a row may have.
    TooLong,
    /// It has more columns than a file may have.
    TooManyColumns,
    /// It holds bytes that are no character in this encoding.
    NotText,
}

/// A row as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawRow {
    /// The line of the file that it begins on, from 1.
    pub(crate) line: u64,
    pub(crate) cells: Result<Vec<String>, Unreadable>,
}

/// How the characters of a file that begins with `head` are written. `all_utf8`: whether all of it would be UTF-8.
pub(crate) fn detect_encoding(head: &[u8], all_utf8: bool) -> Encoding {
    match head {
        [0xef, 0xbb, 0xbf, ..] => return Encoding::Utf8,
        [0xff, 0xfe, ..] => return Encoding::Utf16le,
        [0xfe, 0xff, ..] => return Encoding::Utf16be,
        _ => {}
    }
    // Without a mark: of Latin letters in UTF-16 every other byte is zero.
    let zeros = |first: usize| head.iter().skip(first).step_by(2).filter(|byte| **byte == 0).count();
    let many = head.len() / 6;
    if head.len() >= 6 && zeros(1) > many && zeros(0) <= zeros(1) / 8 {
        return Encoding::Utf16le;
    }
    if head.len() >= 6 && zeros(0) > many && zeros(1) <= zeros(0) / 8 {
        return Encoding::Utf16be;
    }
    if all_utf8 { Encoding::Utf8 } else { Encoding::Windows1252 }
}

/// Whether a part of a file may be UTF-8: what is cut at its edges is no evidence.
pub(crate) fn may_be_utf8(part: &[u8]) -> bool {
    let begins = part.iter().take(3).take_while(|byte| (0x80..0xc0).contains(*byte)).count();
    match std::str::from_utf8(part.get(begins..).unwrap_or_default()) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    }
}

/// What a file that begins with `head` is, as far as nobody says otherwise.
pub(crate) fn detect(head: &[u8], all_utf8: bool, encoding: Option<Encoding>, delimiter: Option<Delimiter>) -> Dialect {
    let encoding = encoding.unwrap_or_else(|| detect_encoding(head, all_utf8));
    let said = said_delimiter(head, encoding);
    let delimiter = delimiter.or(said).unwrap_or_else(|| {
        let score = |delimiter| {
            let rows = first_rows(head, Dialect { encoding, delimiter, says_delimiter: false }, SAMPLE_ROWS);
            let widths: Vec<usize> = rows.iter().filter_map(|row| row.cells.as_ref().ok().map(Vec::len)).collect();
            let width = widths.first().copied().unwrap_or_default();
            // A separator that cuts every row into as many cells as the first is the one; one that cuts nothing is none.
            if width < 2 {
                0
            } else {
                widths.iter().filter(|other| **other == width).count() * 1_000 / widths.len() * width
            }
        };
        let mut best = Delimiter::Comma;
        for delimiter in Delimiter::ALL {
            if score(delimiter) > score(best) {
                best = delimiter;
            }
        }
        best
    });
    Dialect { encoding, delimiter, says_delimiter: said.is_some() }
}

/// Excel's own first line, if there is one.
fn said_delimiter(head: &[u8], encoding: Encoding) -> Option<Delimiter> {
    let mut text = String::with_capacity(64);
    let beginning = head.get(..head.len().min(24)).unwrap_or_default();
    let _ = decoder(encoding).decode_to_string(beginning, &mut text, false);
    let line = text.split(['\r', '\n']).next().unwrap_or_default();
    let said = line.trim_matches('"').strip_prefix("sep=").or_else(|| line.strip_prefix("SEP="))?;
    Delimiter::ALL.into_iter().find(|delimiter| said.as_bytes() == [delimiter.byte()])
}

/// The first rows of a file: the header among them. What may be cut at the end of `head` is left out.
pub(crate) fn first_rows(head: &[u8], dialect: Dialect, count: usize) -> Vec<RawRow> {
    let mut rows = Vec::new();
    // A head that is not full is the whole file.
    Rows::new(dialect).push(head, head.len() < HEAD_BYTES, &mut rows);
    rows.truncate(count);
    rows
}

fn decoder(encoding: Encoding) -> Decoder {
    match encoding {
        Encoding::Utf8 => UTF_8,
        Encoding::Utf16le => UTF_16LE,
        Encoding::Utf16be => UTF_16BE,
        Encoding::Windows1252 => WINDOWS_1252,
    }
    .new_decoder_with_bom_removal()
}

/// A file on its way from bytes to rows.
pub(crate) struct Rows {
    decoder: Decoder,
    reader: Reader,
    text: Vec<u8>,
    cells: Vec<u8>,
    ends: Vec<usize>,
    filled: usize,
    ended: usize,
    /// Line breaks in what was thrown away of a row that is too long.
    breaks: u64,
    wrong: Option<Unreadable>,
    skip: bool,
}

impl Rows {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            decoder: decoder(dialect.encoding),
            reader: ReaderBuilder::new().delimiter(dialect.delimiter.byte()).build(),
            text: vec![0; FIRST_BUFFER],
            cells: vec![0; FIRST_BUFFER],
            ends: vec![0; COLUMNS],
            filled: 0,
            ended: 0,
            breaks: 0,
            wrong: None,
            skip: dialect.says_delimiter,
        }
    }

    /// Takes some bytes, and adds the rows that end in them. `last`: nothing comes after.
    pub(crate) fn push(&mut self, mut bytes: &[u8], last: bool, rows: &mut Vec<RawRow>) {
        loop {
            let mut text = std::mem::take(&mut self.text);
            let (result, read, written, _) = self.decoder.decode_to_utf8(bytes, &mut text, last);
            self.read(text.get(..written).unwrap_or_default(), rows);
            self.text = text;
            bytes = bytes.get(read..).unwrap_or_default();
            if result == encoding_rs::CoderResult::InputEmpty {
                break;
            }
        }
        if last {
            self.finish(rows);
        }
    }

    /// Bytes that are held, whatever came.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.text.capacity() + self.cells.capacity() + self.ends.capacity() * size_of::<usize>()
    }

    fn read(&mut self, mut text: &[u8], rows: &mut Vec<RawRow>) {
        while !text.is_empty() {
            let taken = self.step(text, rows);
            text = text.get(taken..).unwrap_or_default();
        }
    }

    fn finish(&mut self, rows: &mut Vec<RawRow>) {
        loop {
            let before = rows.len();
            let was = (self.filled, self.ended, self.wrong);
            self.step(&[], rows);
            if rows.len() == before && was == (self.filled, self.ended, self.wrong) {
                return;
            }
        }
    }

    /// One step of the parser; answers how many bytes it took.
    fn step(&mut self, text: &[u8], rows: &mut Vec<RawRow>) -> usize {
        let (cells, ends) = (
            self.cells.get_mut(self.filled..).unwrap_or_default(),
            self.ends.get_mut(self.ended..).unwrap_or_default(),
        );
        let (result, taken, filled, ended) = self.reader.read_record(text, cells, ends);
        self.filled += filled;
        self.ended += ended;
        match result {
            ReadRecordResult::OutputFull if self.cells.len() < ROW_BYTES => {
                let longer = (self.cells.len() * 2).min(ROW_BYTES);
                self.cells.resize(longer, 0);
            }
            ReadRecordResult::OutputFull => self.give_up(Unreadable::TooLong),
            ReadRecordResult::OutputEndsFull => self.give_up(Unreadable::TooManyColumns),
            ReadRecordResult::Record => self.row(text.get(..taken).and_then(<[u8]>::last) == Some(&b'\n'), rows),
            ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
        }
        taken
    }

    /// The row has no cells that can be kept; it is read to its end all the same.
    fn give_up(&mut self, why: Unreadable) {
        self.breaks += line_breaks(self.cells.get(..self.filled).unwrap_or_default());
        self.wrong = self.wrong.or(Some(why));
        (self.filled, self.ended) = (0, 0);
    }

    fn row(&mut self, ends_line: bool, rows: &mut Vec<RawRow>) {
        let bytes = self.cells.get(..self.filled).unwrap_or_default();
        // The parser has counted the break that ended the row, unless it was a carriage return.
        let last = self.reader.line() - u64::from(ends_line);
        let line = last.saturating_sub(self.breaks + line_breaks(bytes));
        let cells = match self.wrong.take() {
            Some(wrong) => Err(wrong),
            None => std::str::from_utf8(bytes).map_err(|_| Unreadable::NotText).and_then(|text| {
                if text.contains(char::REPLACEMENT_CHARACTER) {
                    return Err(Unreadable::NotText);
                }
                let mut start = 0;
                let ends = self.ends.get(..self.ended).unwrap_or_default().iter();
                Ok(ends
                    .map(|end| text.get(std::mem::replace(&mut start, *end)..*end).unwrap_or_default().to_owned())
                    .collect())
            }),
        };
        (self.filled, self.ended, self.breaks) = (0, 0, 0);
        if !std::mem::take(&mut self.skip) {
            rows.push(RawRow { line, cells });
        }
    }
}

fn line_breaks(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}
