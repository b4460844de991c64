//! Each pair of types, as rows; and that what reads back says what it said.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn options(labels: &[&str]) -> FieldBody {
    let options = labels.iter().enumerate().map(|(place, label)| FieldOption {
        id: format!("o{place}"),
        label: (*label).to_owned(),
        retired: false,
    });
    FieldBody { options: options.collect(), ..FieldBody::default() }
}

fn value(json: serde_json::Value) -> Value {
    serde_json::from_value(json).unwrap()
}

fn how() -> How {
    How { dates: Dates::DayFirst, decimal: Decimal::Comma, time_zone: "Europe/Berlin".to_owned(), ..How::default() }
}

/// Converts as the rows say; an error by its code.
fn check(from: FieldType, to: FieldType, rows: &[(serde_json::Value, Result<serde_json::Value, &str>)]) {
    let body = options(&["Gold", "Silver", "Yes", "3"]);
    for (said, wanted) in rows {
        let became = convert((from, &body), &value(said.clone()), (to, &body), &how());
        let became = became.map(|value| serde_json::to_value(value).unwrap()).map_err(|wrong| wrong.code);
        assert_eq!(became, *wanted, "{from:?} {said} to {to:?}");
    }
}

#[test]
fn text_becomes_what_it_says() {
    use FieldType::{Boolean, Date, DateTime, Email, LongText, MultiSelect, Number, Phone, Select, Text, Url};
    check(
        Text,
        Number,
        &[
            (json!("12"), Ok(json!(12.0))),
            (json!("1.234,5"), Ok(json!(1234.5))),
            (json!("1,23,4"), Err("format")),
            (json!("a dozen"), Err("format")),
            (json!("1e300"), Err("too_large")),
            (json!(null), Ok(json!(null))),
        ],
    );
    check(
        Text,
        Date,
        &[
            (json!("2026-01-31"), Ok(json!("2026-01-31"))),
            (json!("31.01.2026"), Ok(json!("2026-01-31"))),
            (json!("01/31/2026"), Err("format")),
            (json!("soon"), Err("format")),
        ],
    );
    check(
        Text,
        DateTime,
        &[
            (json!("2026-01-31 13:45"), Ok(json!("2026-01-31T12:45:00Z"))),
            (json!("2026-01-31T13:45:00Z"), Ok(json!("2026-01-31T13:45:00Z"))),
            (json!("noon"), Err("format")),
        ],
    );
    check(
        Text,
        Boolean,
        &[(json!("yes"), Ok(json!(true))), (json!("0"), Ok(json!(false))), (json!("perhaps"), Err("format"))],
    );
    check(Text, Select, &[(json!("gold"), Ok(json!("o0"))), (json!("Iron"), Err("unknown"))]);
    check(
        Text,
        MultiSelect,
        &[(json!("Silver; Gold"), Ok(json!(["o0", "o1"]))), (json!("Gold; Iron"), Err("unknown"))],
    );
    check(
        Text,
        Url,
        &[(json!("https://example.com"), Ok(json!("https://example.com/"))), (json!("example"), Err("format"))],
    );
    check(Text, Email, &[(json!("a@example.com"), Ok(json!("a@example.com"))), (json!("a at b"), Err("format"))]);
    check(Text, Phone, &[(json!("+49 30 901820"), Ok(json!("+4930901820"))), (json!("030 901820"), Err("format"))]);
    check(Text, LongText, &[(json!("'=1+1"), Ok(json!("'=1+1")))]);
    check(LongText, Text, &[(json!("one\ntwo"), Ok(json!("one two"))), (json!("x".repeat(256)), Err("too_long"))]);
}

#[test]
fn everything_becomes_text_and_what_it_says_in_text() {
    use FieldType::{Boolean, Date, DateTime, LongText, MultiSelect, Number, Select, Text, User};
    check(Number, Text, &[(json!(12.5), Ok(json!("12.5"))), (json!(3.0), Ok(json!("3")))]);
    check(Number, Select, &[(json!(3.0), Ok(json!("o3"))), (json!(4.0), Err("unknown"))]);
    check(Number, Date, &[(json!(20260131.0), Err("format"))]);
    check(Number, Boolean, &[(json!(1.0), Ok(json!(true))), (json!(7.0), Err("format"))]);
    check(Boolean, Text, &[(json!(true), Ok(json!("Yes"))), (json!(false), Ok(json!("No")))]);
    check(Boolean, Number, &[(json!(true), Ok(json!(1.0)))]);
    check(Boolean, Select, &[(json!(true), Ok(json!("o2"))), (json!(false), Err("unknown"))]);
    check(Date, Text, &[(json!("2026-01-31"), Ok(json!("2026-01-31")))]);
    check(Date, DateTime, &[(json!("2026-01-31"), Ok(json!("2026-01-30T23:00:00Z")))]);
    check(DateTime, Date, &[(json!("2026-01-30T23:30:00Z"), Ok(json!("2026-01-31")))]);
    check(Select, Text, &[(json!("o1"), Ok(json!("Silver")))]);
    check(Select, MultiSelect, &[(json!("o1"), Ok(json!(["o1"])))]);
    check(Select, Number, &[(json!("o3"), Ok(json!(3.0))), (json!("o0"), Err("format"))]);
    check(MultiSelect, Select, &[(json!(["o1"]), Ok(json!("o1"))), (json!(["o0", "o1"]), Err("several"))]);
    check(MultiSelect, LongText, &[(json!(["o0", "o1"]), Ok(json!("Gold; Silver")))]);
    check(User, Text, &[(json!("5b10ac8d82e05b22cc7d4ef5"), Ok(json!("5b10ac8d82e05b22cc7d4ef5")))]);
}

#[test]
fn pairs_that_lead_nowhere_are_refused_before_anything_is_read() {
    use FieldType::{Number, Select, Text, User};
    for (from, to, may) in
        [(Text, Text, false), (Text, User, false), (User, Text, true), (User, Number, false), (Select, Number, true)]
    {
        assert_eq!(may_turn(from, to).is_ok(), may, "{from:?} to {to:?}");
    }
}

#[test]
fn labels_that_are_missing_are_told_once_each() {
    let body = options(&["Gold"]);
    let missing = |to, text: &str| {
        labels_missing(
            (FieldType::Text, &FieldBody::default()),
            &Value::Text(text.to_owned()),
            (to, &body),
            &How::default(),
        )
    };
    assert_eq!(missing(FieldType::Select, "gold"), Vec::<String>::new());
    assert_eq!(missing(FieldType::Select, " Iron  ore "), ["Iron ore"]);
    assert_eq!(missing(FieldType::MultiSelect, "Gold; Iron; iron; Tin"), ["Iron", "Tin"]);
    assert_eq!(missing(FieldType::Select, &"x".repeat(101)), Vec::<String>::new());
    assert_eq!(missing(FieldType::Number, "Iron"), Vec::<String>::new());
}

#[test]
fn a_value_reads_as_of_now_whenever_it_was_written() {
    let tier = FieldBody { default: Value::Text("o1".to_owned()), ..options(&["Gold", "7"]) };
    let text = turn((FieldType::Select, &tier), FieldType::Text, Vec::new(), &How::default(), 10);
    assert_eq!(text.default, Value::Text("7".to_owned()));
    let number = turn((FieldType::Text, &text), FieldType::Number, Vec::new(), &How::default(), 20);
    let reads = |version, said: &str| now(FieldType::Number, &number, version, &Value::Text(said.to_owned()));
    assert_eq!(reads(5, "o1"), Some(Value::Number(7.0)), "an option of the first type");
    assert_eq!(reads(5, "o0"), Some(Value::Empty), "what does not convert");
    assert_eq!(reads(15, "8"), Some(Value::Number(8.0)), "a text of the second");
    assert_eq!(now(FieldType::Number, &number, 25, &Value::Number(9.0)), None, "what is of the type that stands");
    let change = Change { from: Value::Text("o1".to_owned()), to: Value::Text("7".to_owned()) };
    assert_eq!(
        change_then(&number, 12, Action::Converted, &change),
        (Some("7".to_owned()), Some("7".to_owned())),
        "an option is told by its label"
    );
    let same = change_now(FieldType::Number, &number, 12, Action::Converted, &change).unwrap();
    assert_eq!((same.from, same.to), (Value::Number(7.0), Value::Number(7.0)));
}

#[test]
fn types_of_long_ago_are_forgotten() {
    let mut body = FieldBody::default();
    let mut kind = FieldType::Text;
    for until in 1..=30 {
        let to = if kind == FieldType::Text { FieldType::LongText } else { FieldType::Text };
        body = turn((kind, &body), to, Vec::new(), &How::default(), until);
        kind = to;
    }
    assert_eq!((body.past.len(), body.past.first().map(|past| past.until)), (PAST_TYPES, Some(11)));
}

proptest! {
    /// What became a text and back is what it was.
    #[test]
    fn numbers_dates_and_options_survive_a_text(number in -1e12..1e12f64, day in 0..20_000i64, option in 0..3usize) {
        let body = options(&["Gold", "Silver", "Tin ore"]);
        let date = jiff::civil::date(1990, 1, 1).saturating_add(jiff::Span::new().days(day));
        for (kind, held) in [
            (FieldType::Number, Value::Number(number)),
            (FieldType::Date, Value::Text(date.to_string())),
            (FieldType::Select, Value::Text(format!("o{option}"))),
            (FieldType::MultiSelect, Value::List(vec![format!("o{option}")])),
            (FieldType::Boolean, Value::Bool(option == 0)),
        ] {
            let text = convert((kind, &body), &held, (FieldType::Text, &body), &How::default());
            let text = text.unwrap_or_default();
            let back = convert((FieldType::Text, &body), &text, (kind, &body), &How::default());
            prop_assert_eq!(back.unwrap_or_default(), held);
        }
    }

    /// Nothing that converts breaks a rule of the type that it became.
    #[test]
    fn what_converts_is_valid(text in ".{0,300}", to in 0..11usize) {
        let kinds = [FieldType::Text, FieldType::LongText, FieldType::Number, FieldType::Date, FieldType::DateTime,
            FieldType::Boolean, FieldType::Select, FieldType::MultiSelect, FieldType::Url, FieldType::Email, FieldType::Phone];
        let (to, body) = (kinds[to], options(&["Gold"]));
        // What is of the type already is what stands, and stays.
        let from = if to == FieldType::LongText { FieldType::Text } else { FieldType::LongText };
        if let Ok(value) = convert((from, &body), &Value::Text(text), (to, &body), &How::default()) {
            prop_assert!(rules::check_value("", to, &body, false, &value, None).is_ok());
        }
    }
}
