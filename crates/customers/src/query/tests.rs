//! Rows of queries and what they mean, of mistakes and completions; laws in `laws.rs`.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops where it is wrong")]

mod company;
mod laws;

use company::Company;

use super::mistake::{byte_at, utf16};
use super::{complete, is_query, parse};

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
        ("phone = \"040 123456\"", "a"),
        ("phone IN (\"0049 40 123456\")", "a"),
        ("phone ~ \"40 123\"", "a"),
        ("phone ~ \"040-123\"", "a"),
        ("phone ~ \"+49 (0)40 123456\"", "a"),
        ("phone ~ \"0049 40\"", "a"),
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
        ("merged = true", "c"),
        ("merged = no", "abd"),
        ("accountId = carl", "c"),
        ("project = HELP", "d"),
        ("project = \"human resources\"", "cd"),
        ("project != hr", "ab"),
        ("project IN (10000, EMPTY)", "abd"),
        ("project IS EMPTY", "ab"),
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
        ("organization.entitlement = \"premium support\"", "ab"),
        ("organization.entitlement != \"Premium support\"", "cd"),
        // It begins in a week.
        ("organization.entitlement = \"Fleet tracker\"", ""),
        ("organization.entitlement IN (\"Fleet tracker\", EMPTY)", "acd"),
        ("organization.entitlement IS EMPTY", "cd"),
        ("organization.entitlement IS NOT EMPTY", "ab"),
        ("organization.entitlement.ends < 30d", "ab"),
        ("organization.entitlement.ends < 0d", "a"),
        ("organization.Entitlement.Ends = 2026-12-10", "ab"),
        ("organization.\"entitlement.ends\" IS EMPTY", "cd"),
        ("organization.entitlement.starts > 0d", "a"),
        ("organization.entitlement.limit >= 100", "a"),
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
        ("tier = Gold \"x\"", "syntax", "\"x\"", None),
        ("tier = Gold \"", "not_closed", "\"", None),
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
        ("project = HLEP", "unknown_project", "HLEP", Some("HELP")),
        ("project ~ help", "operator", "~", Some("=")),
        ("ORDER BY project", "not_sortable", "project", None),
        ("project WAS HELP", "no_history", "project", None),
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
        ("account man|", "account man", &["\"Account manager\""], &["="]),
        ("tier = Gold or account |", "account ", &["\"Account manager\""], &[]),
        ("tier IN (very g|", "very g", &["\"Very gold\""], &[]),
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
