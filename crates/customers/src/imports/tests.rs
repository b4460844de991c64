//! What an import decides, as rows of data; and that a file means the same however it arrives.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops where it is wrong")]

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::cells::{Dates, Decimal, Reading, read_cell, says, without_prefix};
use super::mapping::{EmptyCells, Known, MakeCustomers, Mapping, Settings, Target, check, guess};
use super::plan::{Mapped, Outcome, PlannedRow, Standing, cells_of, is_blank, plan_values};
use super::text::{
    COLUMNS, Delimiter, Dialect, Encoding, ROW_BYTES, RawRow, Rows, Unreadable, detect, detect_encoding, may_be_utf8,
};
use crate::model::{Entity, FieldBody, FieldId, FieldOption, FieldType, Value};

const UTF8: Dialect = Dialect { encoding: Encoding::Utf8, delimiter: Delimiter::Comma, says_delimiter: false };

fn rows(bytes: &[u8], dialect: Dialect, piece: usize) -> Vec<RawRow> {
    let (mut reader, mut found) = (Rows::new(dialect), Vec::new());
    for some in bytes.chunks(piece.max(1)) {
        reader.push(some, false, &mut found);
        // One row of the longest kind, and what is on its way to one.
        assert!(reader.held() < ROW_BYTES + 100_000, "{} bytes", reader.held());
    }
    reader.push(&[], true, &mut found);
    found
}

fn cells(row: &RawRow) -> Vec<&str> {
    row.cells.as_ref().unwrap().iter().map(String::as_str).collect()
}

#[track_caller]
fn check_rows(bytes: &[u8], dialect: Dialect, expected: &[(u64, &[&str])]) {
    for piece in [1, 2, 3, 7, 100_000] {
        let found = rows(bytes, dialect, piece);
        let found: Vec<(u64, Vec<&str>)> = found.iter().map(|row| (row.line, cells(row))).collect();
        let expected: Vec<(u64, Vec<&str>)> = expected.iter().map(|(line, cells)| (*line, cells.to_vec())).collect();
        assert_eq!(found, expected, "{piece} bytes at a time");
    }
}

fn utf16(text: &str, to: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to).collect()
}

#[test]
fn rows_are_what_the_file_says_however_it_arrives() {
    let semicolon = Dialect { delimiter: Delimiter::Semicolon, ..UTF8 };
    check_rows("a,b\r\n1,ä\r\n".as_bytes(), UTF8, &[(1, &["a", "b"]), (2, &["1", "ä"])]);
    check_rows("\u{feff}a,b\n1,2".as_bytes(), UTF8, &[(1, &["a", "b"]), (2, &["1", "2"])]);
    check_rows(b"a\r\n\"x\r\ny\",\"q\"\"q\"\r\nz\r\n", UTF8, &[(1, &["a"]), (2, &["x\r\ny", "q\"q"]), (4, &["z"])]);
    check_rows(b"a\n\n\nb\n", UTF8, &[(1, &["a"]), (4, &["b"])]);
    check_rows(b"a;b\n1,5;2\n", semicolon, &[(1, &["a", "b"]), (2, &["1,5", "2"])]);
    let said = Dialect { says_delimiter: true, ..semicolon };
    check_rows(b"sep=;\r\na;b\r\n1;2\r\n", said, &[(2, &["a", "b"]), (3, &["1", "2"])]);
    for (encoding, to) in
        [(Encoding::Utf16le, u16::to_le_bytes as fn(u16) -> [u8; 2]), (Encoding::Utf16be, u16::to_be_bytes)]
    {
        let wide = Dialect { encoding, ..semicolon };
        check_rows(&utf16("\u{feff}a;b\r\nGröße;😀\r\n", to), wide, &[(1, &["a", "b"]), (2, &["Größe", "😀"])]);
    }
    let latin = Dialect { encoding: Encoding::Windows1252, ..UTF8 };
    check_rows(b"a,b\nM\xfcller,\x80\n", latin, &[(1, &["a", "b"]), (2, &["Müller", "€"])]);
    check_rows(b"a,b\n1\0,2\n", UTF8, &[(1, &["a", "b"]), (2, &["1\0", "2"])]);
    check_rows(b"", UTF8, &[]);
}

#[test]
fn what_cannot_be_read_is_one_row_and_the_next_is_read() {
    #[track_caller]
    fn check(bytes: &[u8], expected: Unreadable, line: u64) {
        let found = rows(bytes, UTF8, 60_000);
        assert_eq!((found[1].cells.clone(), found[1].line), (Err(expected), 2));
        assert_eq!((cells(&found[2]), found[2].line), (vec!["good", "row"], line));
    }
    check(b"a,b\nM\xfcller,1\ngood,row\n", Unreadable::NotText, 3);
    // Forty megabytes between quotation marks, with line breaks among them.
    let long = format!("a,b\n\"{}\",1\ngood,row\n", "x".repeat(999).to_owned() + "\n");
    let long = long.replace(&"x".repeat(999), &format!("{}\n", "x".repeat(1_999)).repeat(20_000));
    assert!(long.len() > 40_000_000);
    check(long.as_bytes(), Unreadable::TooLong, 20_004);
    check(format!("a,b\n{}\ngood,row\n", ",".repeat(COLUMNS)).as_bytes(), Unreadable::TooManyColumns, 3);
    let longest = format!("a\n{}\n", "x".repeat(ROW_BYTES - 1));
    assert_eq!(cells(&rows(longest.as_bytes(), UTF8, 50_000)[1])[0].len(), ROW_BYTES - 1);
}

#[test]
fn a_file_is_taken_for_what_it_is() {
    #[track_caller]
    fn check(bytes: &[u8], encoding: Encoding, delimiter: Delimiter, said: bool) {
        let found = detect(bytes, may_be_utf8(bytes), None, None);
        assert_eq!(found, Dialect { encoding, delimiter, says_delimiter: said }, "{bytes:?}");
    }
    use Delimiter::{Comma, Semicolon, Tab};
    use Encoding::{Utf8, Utf16be, Utf16le, Windows1252};
    check(b"name,tier\nAna,Gold\n", Utf8, Comma, false);
    check("name;note\nAna;\"Kommt, geht\"\nBo;a,b,c\n".as_bytes(), Utf8, Semicolon, false);
    check(b"name\ttier\nAna\tGold, or not\n", Utf8, Tab, false);
    check(b"sep=;\r\na,b;c\r\n1;2\r\n", Utf8, Semicolon, true);
    check(b"sep=\t\r\na\tc\r\n1\t2\r\n", Utf8, Tab, true);
    check(b"name;city\nAna;M\xfcnchen\n", Windows1252, Semicolon, false);
    check(&utf16("\u{feff}name\ttier\r\nAna\tGold\r\n", u16::to_le_bytes), Utf16le, Tab, false);
    check(&utf16("name\ttier\r\nAna\tGold\r\n", u16::to_le_bytes), Utf16le, Tab, false);
    check(&utf16("name,tier\r\nAna,Gold\r\n", u16::to_be_bytes), Utf16be, Comma, false);
    check(b"only\none\n", Utf8, Comma, false);
    assert_eq!(detect_encoding(b"\xef\xbb\xbfx", false), Utf8);
    // A letter of two bytes that is cut between two parts is no evidence against UTF-8.
    let umlauts = "üüü".as_bytes();
    assert!(may_be_utf8(&umlauts[1..]) && may_be_utf8(&umlauts[..5]) && !may_be_utf8(b"M\xfcller"));
}

fn options() -> FieldBody {
    let option = |id: &str, label: &str| FieldOption { id: id.to_owned(), label: label.to_owned(), retired: false };
    FieldBody {
        options: vec![option("o1", "Gold"), option("o2", "Silver"), option("o3", "Rock; Roll")],
        ..FieldBody::default()
    }
}

fn reading(dates: Dates, decimal: Decimal) -> Reading {
    Reading { dates, decimal, between: ";".to_owned(), zone: TimeZone::get("Europe/Berlin").unwrap(), country: None }
}

#[test]
fn a_cell_says_what_its_type_makes_of_it() {
    #[track_caller]
    fn check(kind: FieldType, text: &str, how: &Reading, expected: Result<Value, &str>) {
        let found = read_cell(kind, &options(), text, how).map_err(|wrong| wrong.code);
        assert_eq!(found, expected, "{kind:?} {text:?}");
    }
    let text = |text: &str| Ok(Value::Text(text.to_owned()));
    let number = |number: f64| Ok(Value::Number(number));
    let list = |ids: &[&str]| Ok(Value::List(ids.iter().map(|id| (*id).to_owned()).collect()));
    let iso = reading(Dates::Iso, Decimal::Point);
    let european = reading(Dates::DayFirst, Decimal::Comma);
    let american = reading(Dates::MonthFirst, Decimal::Point);
    use FieldType::{Boolean, Date, DateTime, MultiSelect, Number, Phone, Select, Text};
    check(Text, "'=1+1", &iso, text("=1+1"));
    check(Text, "=1+1", &iso, text("=1+1"));
    check(Text, "'quoted'", &iso, text("'quoted'"));
    check(Text, "  ", &iso, Ok(Value::Empty));
    check(Phone, "'+49 30 123456", &iso, text("+49 30 123456"));
    // What no country is given for, the field's own decides.
    check(Phone, "030 123456", &iso, text("030 123456"));
    let swiss = Reading { country: Some("CH".to_owned()), ..reading(Dates::Iso, Decimal::Point) };
    check(Phone, "044 668 18 00", &swiss, text("+41446681800"));
    check(Phone, "+49 30 901820", &swiss, text("+4930901820"));
    check(Phone, "call me", &swiss, Err("format"));
    check(Number, "1,234.5", &iso, number(1234.5));
    check(Number, "1.234,5", &european, number(1234.5));
    check(Number, "-3.5", &iso, number(-3.5));
    check(Number, "'-3.5", &iso, number(-3.5));
    check(Number, "1\u{a0}234", &iso, number(1234.0));
    check(Number, "1,5", &iso, Err("format"));
    check(Number, "1.5.5", &iso, Err("format"));
    check(Number, "NaN", &iso, Err("format"));
    check(Number, "twelve", &iso, Err("format"));
    check(Date, "2026-01-31", &european, text("2026-01-31"));
    check(Date, "31.01.2026", &european, text("2026-01-31"));
    check(Date, "1/2/2026", &european, text("2026-02-01"));
    check(Date, "1/2/2026", &american, text("2026-01-02"));
    check(Date, "31.01.2026", &iso, Err("format"));
    check(Date, "31.02.2026", &european, Err("format"));
    check(DateTime, "2026-01-31T13:45:00+01:00", &iso, text("2026-01-31T12:45:00Z"));
    check(DateTime, "2026-07-31 13:45", &iso, text("2026-07-31T11:45:00Z"));
    check(DateTime, "31.01.2026 13:45", &european, text("2026-01-31T12:45:00Z"));
    check(DateTime, "yesterday", &iso, Err("format"));
    check(Boolean, "Yes", &iso, Ok(Value::Bool(true)));
    check(Boolean, "0", &iso, Ok(Value::Bool(false)));
    check(Boolean, "perhaps", &iso, Err("format"));
    check(Select, " gold ", &iso, text("o1"));
    check(Select, "o2", &iso, text("o2"));
    check(Select, "Platinum", &iso, Err("unknown"));
    check(MultiSelect, "Gold; silver", &iso, list(&["o1", "o2"]));
    check(MultiSelect, "Rock; Roll", &iso, list(&["o3"]));
    check(MultiSelect, "Gold;;", &iso, list(&["o1"]));
    check(MultiSelect, "Gold; Bronze", &iso, Err("unknown"));
}

#[test]
fn what_an_export_writes_is_known_again() {
    #[track_caller]
    fn check(kind: FieldType, text: &str, held: Value, expected: bool) {
        assert_eq!(says(kind, &options(), text, &held, Some("Ana Ferreira")), expected, "{kind:?} {text:?}");
    }
    let text = |text: &str| Value::Text(text.to_owned());
    let list = |ids: &[&str]| Value::List(ids.iter().map(|id| (*id).to_owned()).collect());
    use FieldType::{DateTime, LongText, MultiSelect, Number, Phone, Select, Text, User};
    check(Text, "'=1", text("=1"), true);
    check(Text, "'=1", text("'=1"), true);
    check(Text, "a", text("b"), false);
    check(LongText, " a\nb", text(" a\nb"), true);
    check(Phone, "'+4930123456", text("+4930123456"), true);
    check(Number, "-3.5", Value::Number(-3.5), true);
    check(Select, "Gold", text("o1"), true);
    check(Select, "Gold", text("o2"), false);
    check(MultiSelect, "Gold; Rock; Roll", list(&["o1", "o3"]), true);
    check(User, "Ana Ferreira", text("712020:ana"), true);
    check(DateTime, "2026-01-31T13:45:00+01:00", text("2026-01-31T12:45:00.25Z"), true);
    check(DateTime, "2026-01-31T13:45:01+01:00", text("2026-01-31T12:45:00.25Z"), false);
    assert_eq!(without_prefix("'\tx"), "\tx");
}

fn field(name: &str) -> (FieldId, String) {
    (FieldId::fresh(), name.to_owned())
}

#[test]
fn headers_suggest_what_columns_are() {
    let (tier, phone) = (field("Tier"), field("E-mail"));
    let known = |pair: &(FieldId, String), retired| Known { id: pair.0, name: pair.1.clone().leak(), retired };
    let fields = [known(&tier, false), known(&phone, true)];
    let strings = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let tier_id = tier.0.to_string();
    // The headers of an export.
    let headers = strings(&["Account ID", "Name", "E-mail", "Organizations", "Time zone", "Active", " tier "]);
    let id = Some(tier_id.clone());
    assert_eq!(
        guess(&headers, Entity::Customer, &fields),
        [Some("accountId"), Some("displayName"), Some("email"), None, None, None, Some(&*tier_id)]
            .map(|of| of.map(str::to_owned))
    );
    let named = field("Name");
    let expected = [Some(named.0.to_string())];
    assert_eq!(guess(&strings(&["Name"]), Entity::Customer, &[known(&named, false)]), expected, "a field of that name");
    let headers = strings(&["Organization ID", "Name", &tier_id, "Tier"]);
    let expected = [Some("organizationId".to_owned()), Some("name".to_owned()), id, None];
    assert_eq!(guess(&headers, Entity::Organization, &fields), expected, "a field is guessed once");
}

#[test]
fn settings_are_checked_as_a_whole() {
    let (tier, old) = (field("Tier"), field("Old"));
    let fields = [Known { id: tier.0, name: "Tier", retired: false }, Known { id: old.0, name: "Old", retired: true }];
    let check = |columns: &[Option<&str>], change: fn(&mut Settings)| {
        let columns = columns.iter().map(|column| column.map(str::to_owned)).collect();
        let mut settings = Settings { columns, ..Settings::default() };
        change(&mut settings);
        let checked = check(&settings, 2, Entity::Customer, &fields);
        checked
            .err()
            .map(|faults| faults.iter().map(|fault| format!("{} {}", fault.pointer, fault.code)).collect::<Vec<_>>())
    };
    let (tier, old) = (tier.0.to_string(), old.0.to_string());
    let (tier, old) = (tier.as_str(), old.as_str());
    let told = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
    assert_eq!(check(&[Some("email"), Some(tier)], |_| {}), None);
    assert_eq!(check(&[Some("email")], |_| {}), told(&["/columns length"]));
    assert_eq!(check(&[None, Some(tier)], |_| {}), told(&["/columns required"]));
    assert_eq!(check(&[Some("accountId"), None], |_| {}), told(&["/columns required"]));
    assert_eq!(check(&[Some("email"), Some("email")], |_| {}), told(&["/columns/1 not_unique"]));
    assert_eq!(check(&[Some("email"), Some(old)], |_| {}), told(&["/columns/1 retired"]));
    assert_eq!(check(&[Some("email"), Some("organizationId")], |_| {}), told(&["/columns/1 unknown"]));
    let wrong: fn(&mut Settings) = |settings| {
        settings.time_zone = Some("Mars/Olympus".to_owned());
        settings.list_separator = Some(" ".to_owned());
    };
    assert_eq!(check(&[Some("email"), Some(tier)], wrong), told(&["/listSeparator format", "/timeZone unknown"]));
    let makes: fn(&mut Settings) = |settings| settings.make_customers = Some(MakeCustomers::default());
    assert_eq!(check(&[Some("email"), Some("displayName")], |_| {}), told(&["/columns required"]));
    assert_eq!(check(&[Some("email"), Some("displayName")], makes), None, "people are enough");
    assert_eq!(
        check(&[Some("accountId"), Some(tier)], makes),
        told(&["/columns required"]),
        "by what would they be known?"
    );
    let ill: fn(&mut Settings) = |settings| {
        let (project_ids, organization_ids) = (vec!["10001".to_owned(), "a b".to_owned()], vec!["1".to_owned(); 11]);
        settings.make_customers = Some(MakeCustomers { project_ids, organization_ids });
    };
    let faults = ["/makeCustomers/projectIds/1 format", "/makeCustomers/organizationIds too_many"];
    assert_eq!(check(&[Some("email"), Some(tier)], ill), told(&faults));
}

struct Planning {
    mapping: Mapping,
    fields: BTreeMap<FieldId, Mapped>,
    tier: FieldId,
    since: FieldId,
}

fn planning(empty_cells: EmptyCells, required: bool) -> Planning {
    let (tier, since) = (FieldId::fresh(), FieldId::fresh());
    let tier_body = FieldBody { default: Value::Text("o2".to_owned()), ..options() };
    Planning {
        mapping: Mapping {
            targets: vec![Target::Email, Target::Field(tier), Target::Field(since)],
            reading: reading(Dates::Iso, Decimal::Point),
            empty_cells,
            make: None,
        },
        fields: BTreeMap::from([
            (tier, Mapped { kind: FieldType::Select, required, body: tier_body }),
            (since, Mapped { kind: FieldType::Date, required: false, body: FieldBody::default() }),
        ]),
        tier,
        since,
    }
}

impl Planning {
    fn plan(&self, texts: [&str; 3], standing: &Standing) -> PlannedRow {
        let mut row = PlannedRow::default();
        let cells = texts.map(str::to_owned);
        let nobody = |_: &str| Err(super::cells::Wrong { code: "unknown", detail: "" });
        plan_values(&mut row, &cells, &self.mapping, &self.fields, standing, (&nobody, &|_| None));
        row
    }
}

#[test]
fn a_row_changes_what_differs_and_nothing_else() {
    let text = |text: &str| Value::Text(text.to_owned());
    let leave = planning(EmptyCells::Leave, false);
    let nothing = Standing::default();
    let row = leave.plan(["a@x.y", "Gold", "2026-01-31"], &nothing);
    assert_eq!((row.outcome, row.changes.len(), row.changes[0].version), (Outcome::Changed, 2, 0));
    // The default shows as if it were a value, and is exported as one.
    assert_eq!(leave.plan(["a@x.y", "Silver", ""], &nothing).outcome, Outcome::Unchanged);
    let held = |planning: &Planning| Standing {
        values: BTreeMap::from([(planning.tier, (text("o1"), 7)), (planning.since, (text("2026-01-31"), 8))]),
    };
    let row = leave.plan(["a@x.y", "Silver", "2026-01-31"], &held(&leave));
    assert_eq!((row.changes.len(), row.changes[0].version), (1, 7));
    assert_eq!((&row.changes[0].from, &row.changes[0].to), (&text("o1"), &text("o2")));
    assert_eq!(leave.plan(["a@x.y", "", ""], &held(&leave)).outcome, Outcome::Unchanged);
    let row = leave.plan(["a@x.y", "Gold", "soon"], &held(&leave));
    assert_eq!((row.outcome, row.changes.len(), row.refusals[0].column), (Outcome::Refused, 0, Some(2)));
    let clear = planning(EmptyCells::Clear, false);
    let row = clear.plan(["a@x.y", "", "2026-01-31"], &held(&clear));
    assert_eq!((row.outcome, &row.changes[0].to), (Outcome::Changed, &Value::Empty));
    assert_eq!(clear.plan(["a@x.y", "", ""], &nothing).outcome, Outcome::Unchanged);
    let required = planning(EmptyCells::Clear, true);
    let row = required.plan(["a@x.y", "", ""], &held(&required));
    assert_eq!((row.outcome, row.refusals[0].code.as_str()), (Outcome::Refused, "required"));
}

#[test]
fn a_row_of_another_width_is_refused_and_a_blank_one_is_none() {
    let row = |cells: &[&str]| RawRow { line: 2, cells: Ok(cells.iter().map(|cell| (*cell).to_owned()).collect()) };
    let code = |raw: &RawRow| cells_of(raw, 2).err().map(|refusal| refusal.code);
    assert_eq!(code(&row(&["a", "b"])), None);
    assert_eq!(code(&row(&["a"])).as_deref(), Some("columns"));
    assert_eq!(code(&row(&["a", "b", ""])).as_deref(), Some("columns"));
    let long = RawRow { line: 2, cells: Err(Unreadable::TooLong) };
    assert_eq!(cells_of(&long, 2).err().and_then(|refusal| refusal.limit), Some(ROW_BYTES as u64));
    assert!(is_blank(&row(&["", " "])) && !is_blank(&row(&["", "x"])) && !is_blank(&long));
}

proptest! {
    #[test]
    fn any_table_comes_back_as_it_was_written(
        table in prop::collection::vec(prop::collection::vec("[ -~äß€\n\"',;\t]{0,12}", 3), 1..12),
        piece in 1usize..40,
        semicolon in any::<bool>(),
    ) {
        // A row of nothing but one empty cell is an empty line, which is no row.
        let delimiter = if semicolon { b';' } else { b',' };
        let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
        for row in &table {
            writer.write_record(row).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let delimiter = if semicolon { Delimiter::Semicolon } else { Delimiter::Comma };
        let found = rows(&bytes, Dialect { delimiter, ..UTF8 }, piece);
        let found: Vec<Vec<String>> = found.into_iter().map(|row| row.cells.unwrap()).collect();
        prop_assert_eq!(found, table);
    }

    #[test]
    fn whatever_bytes_arrive_nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..400), piece in 1usize..50) {
        for encoding in [Encoding::Utf8, Encoding::Utf16le, Encoding::Utf16be, Encoding::Windows1252] {
            let all = rows(&bytes, Dialect { encoding, ..UTF8 }, piece);
            prop_assert_eq!(all, rows(&bytes, Dialect { encoding, ..UTF8 }, 1_000));
        }
    }
}
