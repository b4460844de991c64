//! Laws of the words that every room speaks: names of rows never coincide, ids are what Jira writes, a registry with
//! a mistake is found out, a fault shows its public half only.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use kernel::{
    AccountId, Audience, Clock, Column, ColumnKind, DataClass, Export, Fault, INSTANT, IssueId, KeyClass, Kind,
    ManualClock, OPAQUE_ID, Registry, Retention, Room, RowName, STATE, Scope, Table, from_micros, micros,
    sealed_column,
};
use proptest::prelude::*;

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Int(i64),
    Uuid(u128),
    Bytes(Vec<u8>),
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        "[a-c]{0,3}".prop_map(Part::Text),
        (-2i64..2).prop_map(Part::Int),
        (0u128..3).prop_map(Part::Uuid),
        proptest::collection::vec(0u8..2, 0..4).prop_map(Part::Bytes),
    ]
}

fn named(parts: &[Part]) -> RowName {
    parts.iter().fold(RowName::new(), |name, part| match part {
        Part::Text(text) => name.text(text),
        Part::Int(int) => name.int(*int),
        Part::Uuid(id) => name.uuid(uuid::Uuid::from_u128(*id)),
        Part::Bytes(bytes) => name.bytes(bytes),
    })
}

fn bytes(parts: &[Part]) -> Vec<Vec<u8>> {
    let bytes = |part: &Part| match part {
        Part::Text(text) => text.as_bytes().to_vec(),
        Part::Int(int) => int.to_be_bytes().to_vec(),
        Part::Uuid(id) => id.to_be_bytes().to_vec(),
        Part::Bytes(bytes) => bytes.clone(),
    };
    parts.iter().map(bytes).collect()
}

proptest! {
    #[test]
    fn two_rows_share_a_name_only_if_their_columns_are_the_same(
        one in proptest::collection::vec(part(), 0..4),
        other in proptest::collection::vec(part(), 0..4),
    ) {
        prop_assert_eq!(named(&one) == named(&other), bytes(&one) == bytes(&other));
    }

    #[test]
    fn an_instant_survives_being_stored(at in -62_000_000_000_000_000i64..253_000_000_000_000_000) {
        prop_assert_eq!(micros(from_micros(at)), at);
    }

    #[test]
    fn whatever_is_no_id_is_refused_and_not_repeated(text in "\\PC{0,200}") {
        if let Err(fault) = AccountId::new(text.clone()) {
            prop_assert_eq!(fault.kind(), Kind::Invalid);
            let told = format!("{fault:?}{}", fault.text());
            prop_assert!(text.len() < 4 || !told.contains(&text));
        } else {
            prop_assert!(!text.is_empty() && text.len() <= 128);
            prop_assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || "-:_".contains(c)));
        }
        prop_assert_eq!(IssueId::new(text.clone()).is_ok(), (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()));
    }
}

#[test]
fn the_ends_of_the_calendar_are_held() {
    assert_eq!(from_micros(i64::MIN), jiff::Timestamp::MIN);
    assert_eq!(from_micros(i64::MAX), jiff::Timestamp::MAX);
    let clock = ManualClock::new(from_micros(5));
    clock.advance(std::time::Duration::from_secs(2));
    assert_eq!(micros(clock.now()), 2_000_005);
    clock.set(from_micros(-1));
    assert_eq!(micros(clock.now()), -1);
}

#[test]
fn a_fault_shows_its_public_half() {
    let secret = "postgres://steward:hunter2@db";
    let fault = Fault::broken("store", secret.to_owned());
    assert!(!format!("{fault:?}").contains("hunter2") && !fault.text().contains("hunter2"));
    assert_eq!(fault.private_source().unwrap().to_string(), secret);
    let (one, other) = (Fault::not_found(), Fault::not_found().because(secret.to_owned()));
    assert_eq!((one.code(), one.text()), (other.code(), other.text()));
}

static AGING: DataClass = DataClass {
    name: "aging",
    purpose: "What goes by age.",
    audience: Audience::Nobody,
    retention: Retention::Days(1),
    regional: true,
    export: Export::Never,
};

const T: &str = "t";
const TENANT: Column = Column::new(T, "tenant", ColumnKind::Uuid, &OPAQUE_ID);
const ID: Column = Column::new(T, "id", ColumnKind::Int, &STATE);
const GOOD: Table = Table {
    name: T,
    scope: Scope::Tenant,
    columns: &[TENANT, ID],
    primary_key: &["tenant", "id"],
    unique: &[],
    indexes: &[],
    subject: None,
    row: &["tenant", "id"],
    written_at: None,
};

#[track_caller]
fn check(table: Table, mistake: &str) {
    let table: &'static Table = Box::leak(Box::new(table));
    let tables: &'static [&'static Table] = Box::leak(Box::new([table]));
    let found = Registry::new(vec![Room { name: "room", tables, migrations: &[] }]).mistakes();
    assert_eq!(found.iter().any(|line| line.contains(mistake)), !mistake.is_empty(), "{found:?}");
    assert_eq!(found.is_empty(), mistake.is_empty(), "{found:?}");
}

#[test]
fn a_registrys_mistakes_are_found() {
    check(GOOD, "");
    check(Table { columns: &[ID, TENANT], ..GOOD }, "the first column is not `tenant`");
    check(Table { primary_key: &["id", "tenant"], ..GOOD }, "a key does not start with `tenant`");
    check(Table { unique: &[&["id"]], ..GOOD }, "a key does not start with `tenant`");
    check(Table { indexes: &[&["tenant", "lost"]], ..GOOD }, "names `lost`");
    check(Table { subject: Some("lost"), ..GOOD }, "names `lost`");
    check(Table { row: &["lost"], ..GOOD }, "names `lost`");
    check(Table { written_at: Some("lost"), ..GOOD }, "names `lost`");
    check(Table { name: "other", ..GOOD }, "says it is of t");
    const SEALED: Column = sealed_column(T, "text", KeyClass::Data, &STATE);
    check(Table { columns: &[TENANT, ID, SEALED], ..GOOD }, "");
    check(Table { columns: &[TENANT, ID, SEALED], row: &[], ..GOOD }, "no bytes or no row name");
    const TEXT: Column = Column { kind: ColumnKind::Text, ..SEALED };
    check(Table { columns: &[TENANT, ID, TEXT], ..GOOD }, "no bytes or no row name");
    const OLD: Column = Column::new(T, "old", ColumnKind::Int, &AGING);
    check(Table { columns: &[TENANT, ID, OLD], ..GOOD }, "goes by age, but the table has no instant");
    const AT: Column = Column::new(T, "at", ColumnKind::Int, &INSTANT);
    check(Table { columns: &[TENANT, ID, OLD, AT], written_at: Some("at"), ..GOOD }, "");
    let twice: &'static Table = Box::leak(Box::new(GOOD));
    let tables: &'static [&'static Table] = Box::leak(Box::new([twice, twice]));
    let found = Registry::new(vec![Room { name: "room", tables, migrations: &[] }]).mistakes();
    assert!(found.iter().any(|line| line.contains("described twice")));
}

#[test]
fn key_classes_keep_their_numbers() {
    let numbers = KeyClass::ALL.map(|class| (class.code(), class.name()));
    assert_eq!(numbers, [(1, "data"), (2, "credential"), (3, "names"), (4, "index")]);
    assert!((0..=255).all(|code| KeyClass::from_code(code).is_none_or(|class| class.code() == code)));
}
