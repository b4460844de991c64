//! Workbooks, read back by other means than they are written with.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where it is wrong")]

use std::io::{Cursor, Read};

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::*;

/// A cell as it stands in the sheet.
#[derive(Clone, Debug, Default, PartialEq)]
struct Seen {
    at: String,
    kind: String,
    look: String,
    held: String,
}

fn heading(key: &str, name: &str, instants: bool) -> Heading {
    Heading { key: key.to_owned(), name: name.to_owned(), instants }
}

fn book() -> Book {
    Book::new(vec![heading("id", "=Account", false), heading("n", "Größe", false)])
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

/// Each piece as it leaves; the last one is the file's end.
fn pieces(mut book: Book, rows: Vec<Vec<Vec<Cell>>>) -> Vec<Bytes> {
    let mut pieces: Vec<Bytes> = rows.into_iter().map(|rows| book.rows(rows).unwrap()).collect();
    pieces.push(book.finish().unwrap());
    pieces
}

fn file(rows: Vec<Vec<Cell>>) -> Vec<u8> {
    pieces(book(), vec![rows]).concat()
}

fn part(file: &[u8], name: &str) -> String {
    let mut archive = ZipArchive::new(Cursor::new(file)).unwrap();
    let mut text = String::new();
    archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> String {
    let found = tag.try_get_attribute(name).unwrap();
    found.map(|found| String::from_utf8(found.value.into_owned()).unwrap()).unwrap_or_default()
}

/// The sheet's rows. That it is XML is seen on the way, but for characters that no XML has.
fn rows(file: &[u8]) -> Vec<Vec<Seen>> {
    let sheet = part(file, SHEET);
    assert!(sheet.chars().all(|held| matches!(held, '\t' | '\n' | ' '..='\u{fffd}' | '\u{10000}'..)));
    let mut reader = Reader::from_str(&sheet);
    let (mut rows, mut held): (Vec<Vec<Seen>>, String) = Default::default();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) => match tag.name().as_ref() {
                b"row" => {
                    rows.push(Vec::new());
                    assert_eq!(attribute(&tag, "r"), rows.len().to_string());
                }
                b"c" => {
                    let (at, kind, look) = (attribute(&tag, "r"), attribute(&tag, "t"), attribute(&tag, "s"));
                    rows.last_mut().unwrap().push(Seen { at, kind, look, held: String::new() });
                }
                b"t" | b"v" => held.clear(),
                name => assert_ne!(name, b"f", "no formula"),
            },
            Event::Text(text) => held.push_str(&text.decode().unwrap()),
            Event::GeneralRef(entity) => {
                held.push_str(resolve_predefined_entity(&entity.decode().unwrap()).unwrap());
            }
            Event::End(tag) if tag.name().as_ref() == b"c" => {
                rows.last_mut().unwrap().last_mut().unwrap().held = std::mem::take(&mut held);
            }
            Event::Eof => return rows,
            _ => {}
        }
    }
}

#[track_caller]
fn check(cell: Cell, kind: &str, look: &str, held: &str) {
    let rows = rows(&file(vec![vec![text("a"), cell]]));
    let seen = |at: &str, kind: &str, look: &str, held: &str| Seen {
        at: at.to_owned(),
        kind: kind.to_owned(),
        look: look.to_owned(),
        held: held.to_owned(),
    };
    assert_eq!(rows[0], [seen("A1", "inlineStr", "1", "=Account"), seen("B1", "inlineStr", "1", "Größe")]);
    assert_eq!(rows[1], [seen("A2", "inlineStr", "", "a"), seen("B2", kind, look, held)]);
    assert_eq!(rows.len(), 2);
}

#[test]
fn every_kind_of_cell_is_what_it_was() {
    check(text("Größe"), "inlineStr", "", "Größe");
    check(Cell::Texts(vec!["=a".to_owned(), "b".to_owned()]), "inlineStr", "", "=a; b");
    for (number, held) in [(-3.5, "-3.5"), (12.0, "12"), (0.1, "0.1"), (1e15, "1000000000000000")] {
        check(Cell::Number(number), "", "", held);
    }
    check(Cell::Number(f64::NAN), "inlineStr", "", "NaN");
    check(Cell::Truth(true), "b", "", "1");
    check(Cell::Truth(false), "b", "", "0");
    for (day, held) in [
        ("1900-01-01", "1"),
        ("1900-02-28", "59"),
        ("1900-03-01", "61"),
        ("2026-01-31", "46053"),
        ("9999-12-31", "2958465"),
    ] {
        check(Cell::Day(day.parse().unwrap()), "", "2", held);
    }
    for (moment, held) in [
        ("2026-01-31T12:00:00+01:00[Europe/Berlin]", "46053.5"),
        ("2026-01-31T18:00:00+00:00[UTC]", "46053.75"),
        ("1900-01-01T00:00:00+00:00[UTC]", "1"),
    ] {
        check(Cell::Instant(moment.parse().unwrap()), "", "3", held);
    }
    // What was before 1900 is no day of Excel's.
    for day in ["1899-12-31", "0004-01-31"] {
        check(Cell::Day(day.parse().unwrap()), "inlineStr", "", day);
    }
    let before = "1899-12-31T12:00:00+00:00[UTC]".parse().unwrap();
    check(Cell::Instant(before), "inlineStr", "", "1899-12-31T12:00:00Z");
}

#[test]
fn any_text_stays_a_text() {
    for same in [
        "=1+1",
        "+49",
        "-x",
        "@SUM(A1)",
        "=HYPERLINK(\"http://example.com\",\"x\")",
        "<b>&amp;</b> ]]> \"'",
        "\u{1f98a} \u{65e5}\u{8f2a} e\u{301} \u{200f}",
        " in the middle ",
        "\tx\n",
        "a\nb",
        " ",
        "_x",
        "_x00_ _x000G_ _X0041_ __x004_",
        "_x00\u{e9}1_",
    ] {
        check(text(same), "inlineStr", "", same);
    }
    for (given, held) in [
        ("a\u{b}b\0", "a_x000B_b_x0000_"),
        ("a\r\nb", "a_x000D_\nb"),
        ("\u{1f}\u{ffff}\u{fffe}", "_x001F__xFFFF__xFFFE_"),
        ("_x000D_", "_x005F_x000D_"),
        ("_x0041_x0042_", "_x005F_x0041_x005F_x0042_"),
    ] {
        check(text(given), "inlineStr", "", held);
    }
    let preserved = |given: &str| part(&file(vec![vec![text(given)]]), SHEET).contains("xml:space=\"preserve\"");
    assert!(preserved(" a") && preserved("a\n") && !preserved("a b\nc"));
}

#[test]
fn a_cell_without_anything_is_left_out() {
    let rows = rows(&file(vec![vec![Cell::Empty, text("a")], vec![text(""), Cell::Texts(Vec::new())]]));
    assert_eq!(rows[1].iter().map(|cell| cell.at.as_str()).collect::<Vec<_>>(), ["B2"]);
    assert!(rows[2].is_empty(), "{:?}", rows[2]);
}

#[test]
fn a_text_is_cut_where_excel_cuts_it() {
    for (given, held) in [
        ("x".repeat(TEXT_UNITS), "x".repeat(TEXT_UNITS)),
        ("x".repeat(TEXT_UNITS + 1), "x".repeat(TEXT_UNITS)),
        // Two units each; the last one does not fit.
        ("\u{1f98a}".repeat(20_000), "\u{1f98a}".repeat(16_383)),
        ("<".repeat(40_000), "<".repeat(TEXT_UNITS)),
    ] {
        check(text(&given), "inlineStr", "", &held);
    }
}

#[test]
fn many_pieces_are_one_sheet_and_leave_as_they_come() {
    // Looks like chance, so that compressing it does not make it vanish.
    let word = |place: u64| format!("{:016x}", (place + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let piece =
        |piece: u64| (piece * 64..(piece + 1) * 64).map(|row| vec![text(&word(row)), text("&")]).collect::<Vec<_>>();
    let pieces = pieces(book(), (0..400).map(piece).collect());
    let whole = pieces.concat();
    let rows = rows(&whole);
    assert_eq!(rows.len(), 400 * 64 + 1);
    for (place, row) in (0..).zip(&rows[1..]) {
        let held: Vec<(&str, &str)> = row.iter().map(|cell| (cell.at.as_str(), cell.held.as_str())).collect();
        let at = place + 2;
        assert_eq!(held, [(format!("A{at}").as_str(), word(place).as_str()), (format!("B{at}").as_str(), "&")]);
    }
    // Neither does the end hold back what came before, nor any piece.
    let largest = pieces.iter().map(Bytes::len).max().unwrap();
    assert!(largest * 4 < whole.len(), "{largest} of {}", whole.len());
}

#[test]
fn a_workbook_has_all_its_parts_even_without_a_row() {
    for pieces in [pieces(book(), Vec::new()), pieces(book(), vec![Vec::new(), Vec::new()])] {
        let whole = pieces.concat();
        assert_eq!(rows(&whole).len(), 1, "the headings");
        let archive = ZipArchive::new(Cursor::new(&whole)).unwrap();
        let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
        assert_eq!(names, PARTS.iter().map(|(name, _)| *name).chain([SHEET]).collect::<Vec<_>>());
        for name in names {
            let xml = part(&whole, &name);
            assert!(xml.starts_with(DECLARATION), "{name}");
            let mut reader = Reader::from_str(&xml);
            while reader.read_event().unwrap() != Event::Eof {}
        }
    }
}

#[test]
fn columns_are_as_wide_as_what_comes_first() {
    let headings = vec![
        heading("a", "Short", false),
        heading("b", "A heading of thirty-two letters!", false),
        heading("c", "Seen", true),
        heading("d", "Note", false),
        heading("e", "Tags", false),
    ];
    let row = |note: &str| {
        let tags = vec!["twelve chars".to_owned(), "and".to_owned()];
        vec![text("x"), Cell::Truth(true), Cell::Empty, text(note), Cell::Texts(tags)]
    };
    let pieces = pieces(Book::new(headings), vec![vec![row("first line\nsecond")], vec![row(&"x".repeat(200))]]);
    let sheet = part(&pieces.concat(), SHEET);
    let widths: Vec<&str> = sheet.split(" width=\"").skip(1).map(|rest| rest.split_once('"').unwrap().0).collect();
    assert_eq!(widths, ["11", "33", "17", "11", "20"]);
    assert!(sheet.contains("<pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/>"));
    let long = Book::new(vec![heading("a", &"x".repeat(200), false)]);
    let sheet = part(&long.finish().unwrap(), SHEET);
    assert!(sheet.contains(" width=\"43\""), "{sheet}");
}

#[test]
fn columns_have_names() {
    for (place, name) in
        [(0, "A"), (25, "Z"), (26, "AA"), (27, "AB"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")]
    {
        assert_eq!(column_name(place), name);
    }
}

#[test]
fn a_sheet_that_no_archive_holds_breaks_off() {
    let mut book = book();
    book.left = 100_000;
    let row = || vec![vec![text(&"x".repeat(30_000))]];
    for _ in 0..3 {
        book.rows(row()).unwrap();
    }
    let fault = book.rows(row()).unwrap_err();
    assert_eq!((fault.kind(), fault.code()), (kernel::Kind::Broken, "export_write"));
}
