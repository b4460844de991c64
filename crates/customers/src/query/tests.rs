//! Rows of queries and what they mean; laws; and texts that mean nothing.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops where it is wrong")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Zoned;
use kernel::AccountId;
use proptest::prelude::*;

use super::ast::{self, Expr, Operand, OperandKind, Operator, Query, Span, When};
use super::catalogue::{Catalogue, Known};
use super::complete;
use super::evaluate::{Facts, Past, Peek, Record};
use super::mistake::{Mistake, byte_at, utf16};
use super::resolve::{Typed, resolve, settle_people};
use super::{is_query, parse};
use crate::model::{Change, Entity, FieldBody, FieldId, FieldOption, FieldType, Value};

impl Peek<Value> for Value {
    fn look(&self) -> &Value {
        self
    }
}

impl Peek<Change> for Change {
    fn look(&self) -> &Change {
        self
    }
}

type Customer = Record<Value, Change>;

/// A small company: its fields, its customers.
struct Company {
    fields: Vec<(FieldId, Entity, FieldType, FieldBody)>,
    customers: Vec<Customer>,
    now: Zoned,
}

fn options(labels: &[&str]) -> Vec<FieldOption> {
    labels
        .iter()
        .map(|label| FieldOption { id: format!("o-{label}"), label: (*label).to_owned(), retired: *label == "Tin" })
        .collect()
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

impl Company {
    fn new() -> Self {
        let definitions: [(&str, Entity, FieldType, &[&str]); 14] = [
            ("Tier", Entity::Customer, FieldType::Select, &["Gold", "Silver", "Very gold", "Tin"]),
            ("Renewal", Entity::Customer, FieldType::Date, &[]),
            ("Phone", Entity::Customer, FieldType::Phone, &[]),
            ("Bikes", Entity::Customer, FieldType::Number, &[]),
            ("Speaks", Entity::Customer, FieldType::MultiSelect, &["French", "German", "Greek"]),
            ("Newsletter", Entity::Customer, FieldType::Boolean, &[]),
            ("Notes", Entity::Customer, FieldType::LongText, &[]),
            ("Account manager", Entity::Customer, FieldType::User, &[]),
            ("Last call", Entity::Customer, FieldType::DateTime, &[]),
            ("Plan", Entity::Customer, FieldType::Text, &[]),
            ("Nr. 5", Entity::Customer, FieldType::Text, &[]),
            ("Country", Entity::Organization, FieldType::Text, &[]),
            ("Hours", Entity::Organization, FieldType::Number, &[]),
            ("Agreement", Entity::Organization, FieldType::Select, &["Fleet", "Trial"]),
        ];
        let fields = definitions
            .into_iter()
            .map(|(name, entity, kind, labels)| {
                let default = if name == "Plan" { text("Basic") } else { Value::Empty };
                let body =
                    FieldBody { name: name.to_owned(), options: options(labels), default, ..FieldBody::default() };
                (FieldId::fresh(), entity, kind, body)
            })
            .collect();
        let now = "2026-11-25T10:00:00+01:00[Europe/Berlin]".parse().unwrap();
        let mut company = Self { fields, customers: Vec::new(), now };
        company.customers = company.people();
        company
    }

    fn id(&self, name: &str) -> FieldId {
        self.fields.iter().find(|(_, _, _, body)| body.name == name).unwrap().0
    }

    fn facts(&self, id: &str, name: &str, values: &[(&str, Value)]) -> Facts<Value, Change> {
        Facts {
            id: id.to_owned(),
            name: name.to_owned().into(),
            email: (id != "dora").then(|| format!("{id}@example.com").into()),
            active: id != "dora",
            time_zone: Some("Europe/Berlin".to_owned()),
            members: 3,
            updated: Some("2026-11-20T12:00:00Z".parse().unwrap()),
            values: values.iter().map(|(name, value)| (self.id(name), value.clone())).collect(),
            history: BTreeMap::new(),
        }
    }

    fn people(&self) -> Vec<Customer> {
        let acme = Arc::new(self.facts("71", "Acme GmbH", &[("Country", text("DE")), ("Hours", Value::Number(4.0))]));
        let velo = Arc::new(self.facts("72", "Vélo & Cie", &[("Country", text("FR")), ("Agreement", text("o-Fleet"))]));
        let list = |labels: &[&str]| Value::List(labels.iter().map(|label| format!("o-{label}")).collect());
        let mut anna = self.facts(
            "anna",
            "Anna Müller",
            &[
                ("Tier", text("o-Gold")),
                ("Renewal", text("2026-12-10")),
                ("Phone", text("+4940123456")),
                ("Bikes", Value::Number(12.0)),
                ("Speaks", list(&["French", "German"])),
                ("Newsletter", Value::Bool(true)),
                ("Notes", text("Waits for the battery firmware; call before noon.")),
                ("Account manager", text("agent-1")),
                ("Last call", text("2026-11-24T23:30:00Z")),
                ("Plan", text("Premium")),
            ],
        );
        let past = |at: &str, by: &str, from: Value, to: Value| Past {
            at: at.parse().unwrap(),
            by: AccountId::new(by).unwrap(),
            change: Change { from, to },
        };
        anna.history.insert(
            self.id("Tier"),
            vec![
                past("2025-06-01T08:00:00Z", "agent-1", Value::Empty, text("o-Silver")),
                past("2026-03-01T08:00:00Z", "agent-2", text("o-Silver"), text("o-Gold")),
            ],
        );
        let bob = self.facts(
            "bob",
            "Bob Straße",
            &[
                ("Tier", text("o-Very gold")),
                ("Renewal", text("2027-06-01")),
                ("Bikes", Value::Number(-3.0)),
                ("Speaks", list(&["Greek"])),
                ("Newsletter", Value::Bool(false)),
                ("Plan", Value::Empty),
                ("Account manager", text("agent-2")),
            ],
        );
        let mut carl = self.facts(
            "carl",
            "Carl",
            &[("Tier", text("o-Tin")), ("Renewal", text("2026-11-25")), ("Nr. 5", text("AND"))],
        );
        carl.history
            .insert(self.id("Tier"), vec![past("2026-11-24T08:00:00Z", "agent-1", Value::Empty, text("o-Tin"))]);
        let dora = self.facts("dora", "Dora", &[]);
        vec![
            Record { own: anna, organizations: vec![acme.clone(), velo] },
            Record { own: bob, organizations: vec![acme] },
            Record { own: carl, organizations: vec![] },
            Record { own: dora, organizations: vec![] },
        ]
    }

    fn catalogue(&self) -> Catalogue<'_> {
        let of = |wanted: Entity| {
            self.fields
                .iter()
                .filter(|(_, entity, ..)| *entity == wanted)
                .map(|(id, _, kind, body)| Known { id: *id, kind: *kind, body })
                .collect()
        };
        Catalogue { entity: Entity::Customer, own: of(Entity::Customer), organizations: of(Entity::Organization) }
    }

    fn typed(&self, query: &str) -> Result<Typed, Vec<Mistake>> {
        let mut query = parse(query).map_err(|mistake| vec![mistake])?;
        self.typed_tree(&mut query)
    }

    fn typed_tree(&self, query: &mut Query) -> Result<Typed, Vec<Mistake>> {
        let catalogue = self.catalogue();
        let account = |id: &str| AccountId::new(id).unwrap();
        let known = BTreeMap::from([
            ("agent-1".to_owned(), vec![account("agent-1")]),
            ("Zoe".to_owned(), vec![account("agent-2")]),
            ("Kim".to_owned(), vec![account("agent-1"), account("agent-2")]),
        ]);
        let mistakes = settle_people(query, &catalogue, &known);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        resolve(query, &catalogue, &account("agent-1"), &self.now)
    }

    fn matching(&self, typed: &Typed) -> Vec<String> {
        let mut found: Vec<&Customer> = self.customers.iter().filter(|record| typed.matches(record)).collect();
        found.sort_by_key(|record| typed.keys(record));
        found.into_iter().map(|record| record.own.id.clone()).collect()
    }
}

/// What a query finds, by the first letters.
#[track_caller]
fn check(query: &str, expected: &str) {
    let company = Company::new();
    let typed = company.typed(query).unwrap_or_else(|mistakes| panic!("{query}: {mistakes:?}"));
    let found: String = company.matching(&typed).iter().filter_map(|id| id.chars().next()).collect();
    assert_eq!(found, expected, "{query}");
}

/// The code of the first mistake, what it stands on, and what may have been meant.
#[track_caller]
fn check_wrong(query: &str, code: &str, at: &str, meant: Option<&str>) {
    let mistakes = Company::new().typed(query).err().unwrap_or_else(|| panic!("{query} is not wrong"));
    let found = &mistakes[0];
    assert_eq!(
        (found.code, &query[found.span.start..found.span.end], found.meaning()),
        (code, at, meant),
        "{query}: {}",
        found.detail
    );
}

#[test]
fn queries_mean_what_they_say() {
    for (query, expected) in [
        ("", "abcd"),
        ("tier = Gold", "a"),
        ("TIER = gOLD", "a"),
        ("tier = \"Very gold\"", "b"),
        ("tier != Gold", "bcd"),
        ("tier IN (Gold, Tin)", "ac"),
        ("tier in (Gold, EMPTY)", "ad"),
        ("tier NOT IN (Gold, Tin)", "bd"),
        ("tier IS EMPTY", "d"),
        ("tier is not null", "abc"),
        ("tier = EMPTY", "d"),
        ("tier ~ gold", "ab"),
        ("tier !~ gold", "cd"),
        ("bikes > 0", "a"),
        ("bikes <= -3", "b"),
        ("bikes = 12.0", "a"),
        ("renewal < 30d", "ac"),
        ("renewal <= 0d", "c"),
        ("renewal = today()", "c"),
        ("renewal > endOfYear()", "b"),
        ("renewal >= startOfMonth() AND renewal <= endOfMonth(+1)", "ac"),
        ("renewal = 2026-12-10", "a"),
        ("renewal < startOfWeek(1)", "c"),
        ("phone IS EMPTY", "bcd"),
        ("phone = \"+49 40 123456\"", "a"),
        ("phone ~ \"40 123\"", "a"),
        ("speaks = German", "a"),
        ("speaks != German", "bcd"),
        ("speaks IN (German, Greek)", "ab"),
        ("newsletter = yes", "a"),
        ("newsletter = false", "b"),
        ("notes ~ \"BATTERY noon\"", "a"),
        ("notes ~ batt", ""),
        ("notes ~ batt*", "a"),
        ("notes ~ \"firmware telephone\"", ""),
        ("name ~ muller", "a"),
        ("name = \"bob strasse\"", "b"),
        ("email ~ example.com", "abc"),
        ("email = ANNA@example.com", "a"),
        ("active = false", "d"),
        ("accountId = carl", "c"),
        // 23:30 UTC is the next day in Berlin.
        ("\"last call\" = 2026-11-25", "a"),
        ("\"last call\" < -9h", "a"),
        ("\"last call\" < 2026-11-25", ""),
        ("\"last call\" >= 2026-11-24T23:30:00Z", "a"),
        ("\"account manager\" = currentUser()", "a"),
        ("\"account manager\" = Zoe", "b"),
        // What nobody wrote is the default, as the table shows it; what was emptied is empty.
        ("plan = basic", "cd"),
        ("plan IS EMPTY", "b"),
        ("\"Nr. 5\" = \"AND\"", "c"),
        ("organization = \"acme gmbh\"", "ab"),
        ("organization = 72", "a"),
        ("organization IS EMPTY", "cd"),
        ("organization ~ velo", "a"),
        ("organization.country = FR", "a"),
        ("organization.country != FR", "bcd"),
        ("organization.country IN (DE, FR) AND phone IS EMPTY", "b"),
        ("organization.hours < 8", "ab"),
        ("organization.agreement IS EMPTY", "bcd"),
        ("organization.agreement IN (Fleet, EMPTY)", "abcd"),
        ("organization.name = \"Acme GmbH\"", "ab"),
        ("organization.members >= 3", "ab"),
        ("tier = Gold OR tier = Tin AND renewal > 30d", "a"),
        ("(tier = Gold OR tier = Tin) AND renewal > 30d", ""),
        ("NOT (tier = Gold OR tier = Tin)", "bd"),
        ("NOT NOT tier = Gold", "a"),
        ("updated > -7d", "abcd"),
        ("updated < -2w", ""),
        ("ORDER BY name DESC", "dcba"),
        // Nothing stands last, whichever the direction.
        ("ORDER BY tier", "abcd"),
        ("ORDER BY tier DESC", "cbad"),
        ("ORDER BY renewal", "cabd"),
        ("bikes IS NOT EMPTY ORDER BY bikes", "ba"),
        ("ORDER BY active, name DESC", "dcba"),
    ] {
        check(query, expected);
    }
}

#[test]
fn history_is_asked_of() {
    for (query, expected) in [
        ("tier WAS Silver", "a"),
        ("tier WAS Gold", "a"),
        ("tier WAS NOT Silver", "bcd"),
        ("tier WAS IN (Silver, Tin)", "ac"),
        ("tier WAS NOT IN (Silver, Tin)", "bd"),
        ("tier WAS Silver BEFORE 2026-01-01", "a"),
        ("tier WAS Silver BEFORE 2025-06-01", ""),
        ("tier WAS Silver ON 2025-06-01", "a"),
        ("tier WAS Silver AFTER 2026-03-01", ""),
        ("tier WAS Silver AFTER 2026-02-01", "a"),
        ("tier WAS Gold BEFORE 2026-01-01", ""),
        ("tier WAS Silver DURING (2026-01-01, 2026-01-31)", "a"),
        ("tier WAS Gold AFTER 1d", ""),
        ("tier WAS EMPTY BEFORE 2025-01-01", "abcd"),
        ("tier WAS EMPTY ON today()", "bd"),
        ("tier WAS Silver BY agent-1", "a"),
        ("tier WAS Silver BY Zoe", ""),
        ("tier CHANGED", "ac"),
        ("tier CHANGED AFTER -7d", "c"),
        ("tier CHANGED BEFORE -7d", "a"),
        ("tier CHANGED FROM Silver TO Gold", "a"),
        ("tier CHANGED FROM EMPTY", "ac"),
        ("tier CHANGED TO Gold BY Zoe ON 2026-03-01", "a"),
        ("tier CHANGED TO Gold BY currentUser()", ""),
        ("tier CHANGED BY currentUser() AFTER 2025-01-01 BEFORE 2026-01-01", "a"),
        ("NOT tier CHANGED", "bd"),
    ] {
        check(query, expected);
    }
}

#[test]
fn mistakes_are_shown_at_their_place() {
    for (query, code, at, meant) in [
        ("teir = Gold", "unknown_field", "teir", Some("Tier")),
        ("manager = Zoe", "unknown_field", "manager", None),
        ("acount_manager = Zoe", "unknown_field", "acount_manager", Some("\"Account manager\"")),
        ("country = DE", "unknown_field", "country", Some("organization.Country")),
        ("organization.contry = DE", "unknown_field", "organization.contry", Some("organization.Country")),
        ("secret = x", "unknown_field", "secret", None),
        ("tier = Glod", "unknown_option", "Glod", Some("Gold")),
        ("tier = Platinum", "unknown_option", "Platinum", None),
        ("tier == Gold", "syntax", "==", Some("=")),
        ("tier <> Gold", "syntax", "<>", Some("!=")),
        ("tier = Gold && bikes > 1", "syntax", "&&", Some("AND")),
        ("tier = Very gold", "syntax", "gold", None),
        ("tier", "syntax", "", None),
        ("tier =", "syntax", "", None),
        ("tier = Gold AND", "syntax", "", None),
        ("(tier = Gold", "syntax", "", None),
        ("tier = \"Gold", "not_closed", "\"Gold", None),
        ("tier IN Gold", "syntax", "Gold", None),
        ("tier < Gold", "operator", "<", Some("~")),
        ("newsletter > yes", "operator", ">", Some("=")),
        ("bikes ~ 3", "operator", "~", Some("=")),
        ("bikes = many", "value", "many", None),
        ("newsletter = perhaps", "value", "perhaps", None),
        ("phone = 12", "value", "12", None),
        ("renewal < soon", "date", "soon", None),
        ("renewal < 2026-02-30", "date", "2026-02-30", None),
        ("renewal < startOfMont()", "unknown_function", "startOfMont()", Some("startOfMonth()")),
        ("renewal < startOfMonth(x)", "function", "startOfMonth(x)", None),
        ("renewal < EMPTY", "value", "EMPTY", None),
        ("renewal < 99999y", "date", "99999y", None),
        ("renewal < 9999y", "date", "9999y", None),
        ("renewal < startOfYear(9999)", "date", "startOfYear(9999)", None),
        ("\"account manager\" = Nobody", "unknown_person", "Nobody", None),
        ("\"account manager\" = Kim", "ambiguous_person", "Kim", None),
        ("name WAS Anna", "no_history", "name", None),
        ("tier CHANGED BY Kim", "ambiguous_person", "Kim", None),
        ("tier CHANGED TO Gold TO Silver", "twice", "TO Silver", None),
        ("ORDER BY organization.country", "not_sortable", "organization.country", None),
        ("ORDER BY \"account manager\"", "not_sortable", "\"account manager\"", None),
        ("ORDER BY teir", "unknown_field", "teir", Some("Tier")),
        ("notes ~ \"!?\"", "value", "\"!?\"", None),
    ] {
        check_wrong(query, code, at, meant);
    }
    let several = Company::new().typed("teir = Gold AND bikes = many").err().unwrap();
    assert_eq!(several.len(), 2, "each mistake is told, not only the first");
}

#[test]
fn everything_is_bounded() {
    let long = |text: String| parse(&text).err().map(|mistake| (mistake.code, mistake.limit));
    assert_eq!(long("x".repeat(super::LENGTH_CHARS + 1)), Some(("too_long", Some(super::LENGTH_CHARS))));
    let deep = |n: usize| format!("{}a = 1{}", "(".repeat(n), ")".repeat(n));
    // A worker of the program has twice this stack.
    let small = std::thread::Builder::new().stack_size(1 << 20).spawn(move || parse(&deep(super::DEPTH)).is_ok());
    assert!(small.unwrap().join().unwrap());
    assert_eq!(long(deep(super::DEPTH + 1)), Some(("too_deep", Some(super::DEPTH))));
    assert_eq!(long(format!("a = {}", "\"((((((((((((((((((((((\"")), None, "parentheses in quotes are text");
    assert_eq!(long(format!("{} a = 1", "NOT ".repeat(super::DEPTH + 1))), Some(("too_deep", Some(super::DEPTH))));
    let many = |n: usize| vec!["a = 1"; n].join(" OR ");
    assert_eq!(long(many(super::TERMS)), None);
    assert_eq!(long(many(super::TERMS + 1)), Some(("too_many", Some(super::TERMS))));
    let listed = |n: usize| format!("a IN ({})", vec!["1"; n].join(", "));
    assert_eq!(long(listed(super::LIST_ITEMS)), None);
    assert_eq!(long(listed(super::LIST_ITEMS + 1)), Some(("too_many", Some(super::LIST_ITEMS))));
    assert_eq!(
        long(format!("ORDER BY {}", ["a"; super::SORTS + 1].join(", "))),
        Some(("too_many", Some(super::SORTS)))
    );
}

#[test]
fn what_has_no_operator_is_no_query() {
    for (text, expected) in [
        ("Anna", false),
        ("Rock and Roll", false),
        ("Was ist das", false),
        ("Er was hier", true),
        ("O'Brien (Sales)", false),
        ("anna@example.com", false),
        ("This is it", false),
        ("all in one", false),
        ("tier = Gold", true),
        ("tier IS EMPTY", true),
        ("tier in (a)", true),
        ("ORDER BY name", true),
        ("tier CHANGED", true),
        ("", false),
        ("name~anna", true),
        ("Wow!", false),
    ] {
        assert_eq!(is_query(text), expected, "{text}");
    }
}

#[test]
fn places_are_counted_as_editors_count_them() {
    let text = "nämé = 😀x";
    for byte in text.char_indices().map(|(at, _)| at).chain([text.len()]) {
        assert_eq!(byte_at(text, utf16(text, byte)), byte);
    }
    assert_eq!(utf16(text, text.len()), text.encode_utf16().count());
    assert_eq!(byte_at(text, 1_000), text.len());
}

/// What may stand where `|` is, the first few, and what it would replace.
#[track_caller]
fn check_completion(written: &str, replaces: &str, first: &[&str], never: &[&str]) {
    let cursor = written.find('|').unwrap();
    let text = written.replacen('|', "", 1);
    let company = Company::new();
    let offered = complete::complete(&text, cursor, &company.catalogue());
    assert_eq!(&text[offered.replaces.start..offered.replaces.end], replaces, "{written}");
    let inserts: Vec<&str> = offered.items.iter().map(|item| item.insert.as_str()).collect();
    assert_eq!(inserts[..first.len().min(inserts.len())], *first, "{written}: {inserts:?}");
    for word in never {
        assert!(!inserts.contains(word), "{written}: {inserts:?}");
    }
}

#[test]
fn completion_offers_what_may_stand_there() {
    for (written, replaces, first, never) in [
        ("|", "", &["Tier", "Renewal"][..], &["=", "AND"][..]),
        ("ti|", "ti", &["Tier"], &["Renewal"]),
        ("t|ier = Gold", "tier", &["Tier"], &[]),
        ("acc|", "acc", &["\"Account manager\"", "accountId"], &[]),
        ("\"Account m|", "\"Account m", &["\"Account manager\""], &[]),
        ("organization.c|", "organization.c", &["organization.Country"], &["Country"]),
        ("tier |", "", &["=", "!=", "IN (", "NOT IN (", "IS EMPTY"], &["<", "AND"]),
        ("bikes |", "", &["=", "!=", "<", "<="], &["~"]),
        ("renewal |", "", &["=", "!=", "<"], &["~"]),
        ("name |", "", &["=", "!=", "~"], &["WAS", "<"]),
        ("tier = |", "", &["Gold", "Silver", "\"Very gold\"", "Tin"], &["AND"]),
        ("tier = ve|", "ve", &["\"Very gold\""], &["Gold"]),
        ("tier IN (Gold, s|", "s", &["Silver"], &["Gold"]),
        ("tier IN (Gold |", "", &[",", ")"], &["AND"]),
        ("newsletter = |", "", &["true", "false"], &[]),
        ("renewal < |", "", &["7d", "30d"], &["true"]),
        ("renewal < start|", "start", &["startOfDay()", "startOfWeek()"], &["now()"]),
        ("\"Account manager\" = |", "", &["currentUser()"], &[]),
        ("tier WAS |", "", &["Gold"], &[]),
        ("tier WAS Gold |", "", &["BEFORE", "AFTER"], &["="]),
        ("tier WAS Gold BEFORE |", "", &["-7d"], &["Gold"]),
        ("tier CHANGED BY |", "", &["currentUser()"], &["Gold"]),
        ("tier CHANGED |", "", &["FROM", "TO", "BEFORE"], &["="]),
        ("tier = Gold |", "", &["AND", "OR", "ORDER BY"], &["="]),
        ("tier = Gold and |", "", &["Tier", "Renewal"], &["AND"]),
        ("(tier = Gold |", "", &["AND", "OR"], &["ORDER BY"]),
        ("tier = Gold ORDER BY |", "", &["Tier", "Renewal"], &["\"Account manager\"", "organization.Country"]),
        ("ORDER BY tier |", "", &["DESC", ","], &["AND"]),
        ("teir = Gold = |", "", &[], &["AND", "Tier"]),
    ] {
        check_completion(written, replaces, first, never);
    }
}

#[test]
fn a_normal_form_names_people_by_id_and_means_the_same() {
    let company = Company::new();
    let mut query = parse("\"account manager\"=Zoe and tier changed by agent-1 order by tier").unwrap();
    company.typed_tree(&mut query).unwrap();
    assert_eq!(query.to_string(), "\"account manager\" = agent-2 AND tier CHANGED BY agent-1 ORDER BY tier");
}

fn words() -> BoxedStrategy<String> {
    prop_oneof![
        Just("and".to_owned()),
        Just("IS".to_owned()),
        Just(String::new()),
        Just("a\\b".to_owned()),
        Just("x\"y'z".to_owned()),
        Just("organization".to_owned()),
        "[A-Za-zäß0-9 .,:()=<>~!*+@-]{0,12}",
        "\\PC{0,6}",
    ]
    .boxed()
}

fn operands() -> BoxedStrategy<Operand> {
    let kind = prop_oneof![
        1 => Just(OperandKind::Empty),
        4 => words().prop_map(OperandKind::Text),
        1 => ("[a-zA-Z]{1,10}", proptest::option::of(words())).prop_map(|(name, argument)| OperandKind::Function { name, argument }),
    ];
    kind.prop_map(|kind| Operand { kind, span: Span::default() }).boxed()
}

fn filled(operand: Operand) -> Operand {
    match operand.kind {
        OperandKind::Empty => Operand { kind: OperandKind::Text("x".to_owned()), ..operand },
        _ => operand,
    }
}

fn field_names() -> impl Strategy<Value = ast::FieldName> {
    (any::<bool>(), words()).prop_map(|(organization, name)| ast::FieldName {
        organization,
        name,
        span: Span::default(),
    })
}

fn tests() -> BoxedStrategy<ast::Test> {
    let when = || {
        let moment = || operands().prop_map(filled);
        proptest::collection::vec(
            prop_oneof![
                moment().prop_map(When::Before),
                moment().prop_map(When::After),
                moment().prop_map(When::On),
                (moment(), moment()).prop_map(|(from, until)| When::During(from, until)),
            ],
            0..3,
        )
    };
    let by = || proptest::option::of(operands().prop_map(filled));
    let operator = (0..Operator::ALL.len()).prop_map(|at| Operator::ALL[at].0);
    prop_oneof![
        (operator, operands()).prop_map(|(operator, operand)| ast::Test::Compare {
            operator,
            span: Span::default(),
            operand
        }),
        (any::<bool>(), proptest::collection::vec(operands(), 1..4))
            .prop_map(|(negated, any_of)| ast::Test::In { negated, any_of }),
        any::<bool>().prop_map(|negated| ast::Test::Empty { negated }),
        (any::<bool>(), proptest::collection::vec(operands(), 1..3), when(), by())
            .prop_map(|(negated, any_of, when, by)| ast::Test::Was { negated, any_of, when, by }),
        (proptest::option::of(operands()), proptest::option::of(operands()), when(), by())
            .prop_map(|(from, to, when, by)| ast::Test::Changed { from, to, when, by }),
    ]
    .boxed()
}

fn trees(clause: impl Strategy<Value = Expr> + 'static) -> impl Strategy<Value = Expr> {
    clause.boxed().prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Expr::All),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Expr::Any),
            inner.prop_map(|inner| Expr::Not(Box::new(inner))),
        ]
    })
}

fn queries() -> impl Strategy<Value = Query> {
    let clause = (field_names(), tests()).prop_map(|(field, test)| Expr::Clause(Box::new(ast::Clause { field, test })));
    let sort = (field_names(), any::<bool>()).prop_map(|(field, descending)| ast::Sort { field, descending });
    (proptest::option::of(trees(clause)), proptest::collection::vec(sort, 0..3))
        .prop_map(|(filter, order)| Query { filter, order })
}

/// Trees of conditions that have a meaning in the company.
fn meaningful() -> impl Strategy<Value = Expr> {
    let clauses = [
        "tier = Gold",
        "tier != Gold",
        "tier IS EMPTY",
        "bikes > 0",
        "bikes <= -3",
        "renewal < 30d",
        "speaks IN (German, EMPTY)",
        "organization.country = DE",
        "organization.hours > 1",
        "tier WAS Silver",
        "tier CHANGED AFTER -7d",
        "name ~ anna",
        "plan = basic",
    ];
    trees((0..clauses.len()).prop_map(move |at| parse(clauses[at]).unwrap().filter.unwrap()))
}

fn found(company: &Company, filter: Expr) -> BTreeSet<String> {
    let typed = company.typed_tree(&mut Query { filter: Some(filter), order: Vec::new() }).unwrap();
    company.matching(&typed).into_iter().collect()
}

fn not(expr: Expr) -> Expr {
    Expr::Not(Box::new(expr))
}

proptest! {
    #[test]
    fn what_is_printed_parses_to_the_same(query in queries()) {
        let printed = query.to_string();
        if printed.chars().count() <= super::LENGTH_CHARS {
            prop_assert_eq!(parse(&printed).map_err(|mistake| format!("{mistake:?} in {printed}")), Ok(query));
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}|[a-c \"'()=<>!~,.*\\\\]{0,40}", cursor in 0usize..70) {
        let company = Company::new();
        let _ = company.typed(&text);
        let _ = is_query(&text);
        let cursor = byte_at(&text, cursor);
        let offered = complete::complete(&text, cursor, &company.catalogue());
        prop_assert!(text.get(offered.replaces.start..offered.replaces.end).is_some());
        if let Err(mistake) = parse(&text) {
            prop_assert!(text.get(mistake.span.start..mistake.span.end).is_some());
        }
    }

    #[test]
    fn not_is_the_complement(filter in meaningful()) {
        let company = Company::new();
        let everybody: BTreeSet<String> = company.customers.iter().map(|record| record.own.id.clone()).collect();
        let (yes, no) = (found(&company, filter.clone()), found(&company, not(filter.clone())));
        prop_assert!(yes.is_disjoint(&no));
        prop_assert_eq!(yes.union(&no).cloned().collect::<BTreeSet<_>>(), everybody);
        prop_assert_eq!(found(&company, not(not(filter))), yes);
    }

    #[test]
    fn de_morgan_holds(a in meaningful(), b in meaningful()) {
        let company = Company::new();
        let left = not(Expr::All(vec![a.clone(), b.clone()]));
        let right = Expr::Any(vec![not(a.clone()), not(b.clone())]);
        prop_assert_eq!(found(&company, left), found(&company, right));
        let left = not(Expr::Any(vec![a.clone(), b.clone()]));
        prop_assert_eq!(found(&company, left), found(&company, Expr::All(vec![not(a), not(b)])));
    }

    #[test]
    fn a_printed_query_means_the_same(filter in meaningful()) {
        let company = Company::new();
        let printed = parse(&filter.to_string()).unwrap().filter.unwrap();
        prop_assert_eq!(found(&company, printed), found(&company, filter));
    }
}
