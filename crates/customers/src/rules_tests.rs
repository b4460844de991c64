//! The rules, as data: one check function, many rows.

#![expect(clippy::unwrap_used, reason = "a test stops where it is wrong")]

use super::*;
use crate::model::Author;

fn body() -> FieldBody {
    let option = |id: &str, retired| FieldOption { id: id.to_owned(), label: format!("Label {id}"), retired };
    FieldBody {
        name: "Tier".to_owned(),
        options: vec![option("gold", false), option("silver", false), option("old", true)],
        ..FieldBody::default()
    }
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

#[track_caller]
fn accepts(kind: FieldType, value: Value, stored: Value) {
    assert_eq!(check_value("/value", kind, &body(), false, &value, None), Ok(stored));
}

#[track_caller]
fn refuses(kind: FieldType, value: Value, code: &str) {
    assert_eq!(check_value("/value", kind, &body(), false, &value, None).unwrap_err().code, code);
}

#[test]
fn values_are_brought_into_their_stored_form() {
    accepts(FieldType::Text, text("  Ada  "), text("Ada"));
    accepts(FieldType::Text, text("   "), Value::Empty);
    accepts(FieldType::Text, text(&"é".repeat(TEXT_CHARS)), text(&"é".repeat(TEXT_CHARS)));
    accepts(FieldType::LongText, text("one\n\ttwo\n"), text("one\n\ttwo"));
    accepts(FieldType::Number, Value::Number(-12.5), Value::Number(-12.5));
    accepts(FieldType::Date, text("2026-02-28"), text("2026-02-28"));
    accepts(FieldType::DateTime, text("2026-01-31T14:00:00+01:00"), text("2026-01-31T13:00:00Z"));
    accepts(FieldType::Boolean, Value::Bool(false), Value::Bool(false));
    accepts(FieldType::Select, text("gold"), text("gold"));
    let chosen = Value::List(vec!["silver".into(), "gold".into(), "silver".into()]);
    accepts(FieldType::MultiSelect, chosen, Value::List(vec!["gold".into(), "silver".into()]));
    accepts(FieldType::MultiSelect, Value::List(Vec::new()), Value::Empty);
    accepts(FieldType::Url, text("HTTPS://Example.com"), text("https://example.com/"));
    accepts(FieldType::Email, text("ada@example.com"), text("ada@example.com"));
    accepts(FieldType::Phone, text("+49 30 901820"), text("+4930901820"));
    accepts(FieldType::User, text("712020:abc"), text("712020:abc"));
}

#[test]
fn wrong_values_are_refused_by_code() {
    refuses(FieldType::Text, text("two\nlines"), "format");
    refuses(FieldType::Text, text(&"x".repeat(TEXT_CHARS + 1)), "too_long");
    refuses(FieldType::Text, Value::Number(1.0), "format");
    refuses(FieldType::LongText, text("a\u{0}b"), "format");
    refuses(FieldType::LongText, text(&"x".repeat(LONG_TEXT_CHARS + 1)), "too_long");
    refuses(FieldType::Number, text("12"), "format");
    refuses(FieldType::Number, Value::Number(1e300), "too_large");
    refuses(FieldType::Date, text("2026-02-30"), "format");
    refuses(FieldType::DateTime, text("yesterday"), "format");
    refuses(FieldType::Boolean, text("yes"), "format");
    refuses(FieldType::Select, text("bronze"), "unknown");
    refuses(FieldType::Select, text("old"), "retired");
    refuses(FieldType::MultiSelect, text("gold"), "format");
    refuses(FieldType::MultiSelect, Value::List(vec!["bronze".into()]), "unknown");
    refuses(FieldType::Url, text("javascript:alert(1)"), "format");
    refuses(FieldType::Url, text("https://"), "format");
    refuses(FieldType::Email, text("not an address"), "format");
    refuses(FieldType::Phone, text("030 901820"), "format");
    refuses(FieldType::User, text("a b"), "format");
}

#[test]
fn a_number_without_a_country_is_of_the_fields_own() {
    let german = FieldBody { country: Some("DE".to_owned()), ..body() };
    let read = |value: &str| check_value("/value", FieldType::Phone, &german, false, &text(value), None);
    assert_eq!(read("030 901820"), Ok(text("+4930901820")));
    assert_eq!(read("+41 44 668 18 00"), Ok(text("+41446681800")));
    let told = |body: &FieldBody, value: &str| {
        check_value("/value", FieldType::Phone, body, false, &text(value), None).unwrap_err().detail
    };
    assert_eq!(told(&german, "call me"), phone::WITH_COUNTRY);
    assert_eq!(told(&body(), "030 901820"), phone::WITHOUT_COUNTRY);
    let plain = FieldBody { options: Vec::new(), default: text("030 901820"), ..german };
    let checked = check_body(FieldType::Phone, &FieldBody { country: Some("de".to_owned()), ..plain.clone() }).unwrap();
    assert_eq!((checked.country.as_deref(), checked.default), (Some("DE"), text("+4930901820")));
    for (kind, country, code) in [(FieldType::Phone, "Germany", "unknown"), (FieldType::Text, "DE", "not_allowed")] {
        let body = FieldBody { country: Some(country.to_owned()), default: Value::Empty, ..plain.clone() };
        let faults = check_body(kind, &body).unwrap_err();
        let faults: Vec<_> = faults.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
        assert_eq!(faults, [("/country", code)]);
    }
}

#[test]
fn a_required_field_is_not_emptied_and_a_held_retired_option_stays() {
    let empty = check_value("/value", FieldType::Text, &body(), true, &text(" "), None);
    assert_eq!(empty.unwrap_err().code, "required");
    let held = check_value("/value", FieldType::Select, &body(), true, &text("old"), Some(&text("old")));
    assert_eq!(held, Ok(text("old")));
}

#[test]
fn options_keep_their_ids_and_none_is_lost() {
    let old = body().options;
    let renamed = FieldOption { label: "Golden".to_owned(), ..old.first().unwrap().clone() };
    let added = FieldOption { label: "Bronze".to_owned(), ..FieldOption::default() };
    let all = vec![renamed.clone(), old.get(1).unwrap().clone(), old.get(2).unwrap().clone(), added];
    let merged = merge_options(&old, all, || "fresh".to_owned()).unwrap();
    assert_eq!(merged.first(), Some(&renamed));
    assert_eq!(merged.last().unwrap().id, "fresh");
    let lost = merge_options(&old, vec![renamed.clone()], String::new).unwrap_err();
    assert_eq!(lost.iter().map(|fault| fault.code).collect::<Vec<_>>(), ["missing", "missing"]);
    let strange = FieldOption { id: "nobody's".to_owned(), ..FieldOption::default() };
    assert_eq!(merge_options(&[], vec![strange], String::new).unwrap_err().first().unwrap().code, "unknown");
}

#[test]
fn permissions_follow_from_standing() {
    let nobody = Permissions { browse: Vec::new(), edit: Vec::new(), configure: Vec::new() };
    let agent = Standing { agent: true, ..Standing::default() };
    let admin = Standing { admin: true, ..Standing::default() };
    let all = [Permission::Browse, Permission::Edit, Permission::Configure];
    assert!(permissions_of(&agent, &nobody).is_empty());
    assert_eq!(permissions_of(&admin, &nobody), all.into());
    assert_eq!(permissions_of(&agent, &Permissions::default()), [Permission::Browse, Permission::Edit].into());
    let grouped = Standing { groups: ["g1".to_owned()].into(), ..Standing::default() };
    let group = Holder::Group { id: "g1".to_owned(), name: String::new() };
    let granted = Permissions { browse: vec![group], ..nobody };
    assert_eq!(permissions_of(&grouped, &granted), [Permission::Browse].into());
    assert!(permissions_of(&Standing::default(), &granted).is_empty());
}

#[test]
fn customers_see_what_is_shared_and_change_what_is_theirs_alone() {
    for (audience, view, edit) in [
        (FieldAudience::Agents, false, false),
        (FieldAudience::CustomerView, true, false),
        (FieldAudience::CustomerEdit, true, true),
    ] {
        assert_eq!(customer_may(audience, Entity::Customer, false), view);
        assert_eq!(customer_may(audience, Entity::Customer, true), edit);
        assert_eq!(customer_may(audience, Entity::Organization, false), view);
        assert!(!customer_may(audience, Entity::Organization, true));
        assert_eq!(check_audience(Entity::Customer, audience), Ok(()));
        let refused = check_audience(Entity::Organization, audience).err().map(|wrong| (wrong.pointer, wrong.code));
        assert_eq!(refused, edit.then(|| ("/audience".to_owned(), "not_allowed")));
    }
}

#[test]
fn a_name_is_the_same_however_it_is_spaced_and_cased() {
    assert_eq!(name_key("  Contract \t Number "), name_key("contract NUMBER"));
    assert_ne!(name_key("Contract"), name_key("Contracts"));
}

proptest::proptest! {
    #[test]
    fn what_was_accepted_once_is_accepted_again(typed in ".{0,60}") {
        for kind in [FieldType::Text, FieldType::LongText, FieldType::Url, FieldType::Email, FieldType::Phone] {
            if let Ok(stored) = check_value("/value", kind, &body(), false, &text(&typed), None) {
                proptest::prop_assert_eq!(check_value("/value", kind, &body(), false, &stored, None), Ok(stored.clone()));
            }
        }
    }
}

#[test]
fn a_token_may_what_its_scopes_say_and_nothing_else() {
    #[track_caller]
    fn check(granted: &[TokenScope], about: Option<Entity>, may: &[Permission]) {
        let token = Token::new(kernel::TokenId::fresh(), granted.iter().copied());
        assert_eq!(permissions_of_token(&token, about), may.iter().copied().collect(), "{granted:?} {about:?}");
    }
    use Permission::{Browse, Configure, Edit};
    use TokenScope::{CustomersRead, CustomersWrite, FieldsRead, FieldsWrite, OrganizationsRead, OrganizationsWrite};
    let (customers, organizations) = (Some(Entity::Customer), Some(Entity::Organization));
    check(&[], customers, &[]);
    check(&[CustomersRead], customers, &[Browse]);
    check(&[CustomersRead], organizations, &[]);
    check(&[CustomersWrite], customers, &[Browse, Edit]);
    check(&[OrganizationsWrite], organizations, &[Browse, Edit]);
    check(&[OrganizationsWrite], customers, &[]);
    // What is asked without saying of whom needs both.
    check(&[CustomersWrite], None, &[]);
    check(&[CustomersWrite, OrganizationsRead], None, &[Browse]);
    check(&[CustomersWrite, OrganizationsWrite], None, &[Browse, Edit]);
    check(&[FieldsRead], customers, &[]);
    check(&[FieldsWrite], customers, &[Configure]);
    check(&TokenScope::ALL, None, &[Browse, Edit, Configure]);
}

#[test]
fn an_author_is_stored_and_read_back() {
    #[track_caller]
    fn check(author: Author, stored: &str) {
        assert_eq!(author.stored(), stored);
        assert_eq!(Author::parse(stored).unwrap(), author);
    }
    let id = "01900000-0000-7000-8000-000000000000";
    check(Author::Person(AccountId::new("712020:ada").unwrap()), "712020:ada");
    check(Author::Token(id.parse().unwrap()), &format!("token:{id}"));
    assert!(Author::parse("token:none").is_err());
    assert!(Author::parse("").is_err());
}
