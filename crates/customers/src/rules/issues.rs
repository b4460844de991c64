//! What of a field may stand on issues, under which name, and what then stands there.
//!
//! Whoever reads an issue reads all of it: a field that agents alone see is refused here, and left out again when the property
//! is made.

use std::collections::BTreeSet;

use host::issue_property::{Slot, SlotKind};
use jiff::Timestamp;
use kernel::FieldFault;
use serde_json::{Map, Value as Json, json};
use unicode_normalization::UnicodeNormalization;

use super::fault;
use crate::model::{Entity, FieldAudience, FieldOption, FieldType, OnIssues, Value};

/// Issues of one tenant that are kept right, the newest: more than a year of a busy desk.
pub const ISSUES: u32 = 100_000;
/// Organizations of a reporter whose values stand on their issues; as many as their panel shows.
pub const ORGANIZATIONS: u32 = 20;
/// Characters of a field's name on issues.
const NAME_CHARS: usize = 40;

/// How a field's values are indexed; none where they do not fit on an issue: long texts would fill it, and people's ids may
/// be ours and not the host's.
pub fn slot_kind(kind: FieldType) -> Option<SlotKind> {
    match kind {
        FieldType::Text
        | FieldType::Url
        | FieldType::Email
        | FieldType::Phone
        | FieldType::Boolean
        | FieldType::Select
        | FieldType::MultiSelect => Some(SlotKind::String),
        FieldType::Number => Some(SlotKind::Number),
        FieldType::Date | FieldType::DateTime => Some(SlotKind::Date),
        FieldType::LongText | FieldType::User => None,
    }
}

/// Whether a field may stand on issues, as what; or why not.
pub fn check_choice(kind: FieldType, audience: FieldAudience, retired: bool) -> Result<SlotKind, FieldFault> {
    if retired {
        return Err(fault("/fieldId", "retired", "This field is retired. Restore it first.", None));
    }
    if audience == FieldAudience::Agents {
        return Err(fault(
            "/fieldId",
            "audience",
            "Only agents may see this field, but everybody who reads an issue in Jira could read it there. Let customers see the field first.",
            None,
        ));
    }
    let detail = "Long texts and people do not stand on issues. Choose a field of another type.";
    slot_kind(kind).ok_or_else(|| fault("/fieldId", "type", detail, None))
}

/// A name and a place for a field that was chosen; `taken` is what the others of all fields have.
pub fn assign(
    kind: SlotKind,
    (entity, name): (Entity, &str),
    taken: &[(Entity, OnIssues)],
) -> Result<OnIssues, FieldFault> {
    let used: BTreeSet<&str> = taken.iter().map(|(_, other)| other.slot.as_str()).collect();
    let free = Slot::all().filter(|slot| slot.kind == kind).map(Slot::path).find(|path| !used.contains(path.as_str()));
    let count = Slot::all().filter(|slot| slot.kind == kind).count();
    let slot = free.ok_or_else(|| {
        let detail = format!("Jira's search takes {count} fields of this type. Take another one off issues first.");
        fault("/fieldId", "too_many", detail, Some(count))
    })?;
    let names: BTreeSet<&str> =
        taken.iter().filter(|(of, _)| *of == entity).map(|(_, other)| other.name.as_str()).collect();
    let wanted = name_on_issues(name);
    let numbered = (2..).map(|number: u32| format!("{wanted}{number}"));
    let name = std::iter::once(wanted.clone()).chain(numbered).find(|name| !names.contains(name.as_str()));
    Ok(OnIssues { name: name.unwrap_or(wanted), slot })
}

/// A name that automation can write after a dot: `Support tier` is `supportTier`.
fn name_on_issues(name: &str) -> String {
    let mut made = String::new();
    let plain: String = name.nfkd().filter(|c| !unicode_normalization::char::is_combining_mark(*c)).collect();
    for word in plain.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let mut letters = word.chars();
        let Some(first) = letters.next() else { continue };
        made.push(if made.is_empty() { first.to_ascii_lowercase() } else { first.to_ascii_uppercase() });
        made.extend(letters);
    }
    made.truncate(NAME_CHARS);
    if made.starts_with(|c: char| c.is_ascii_alphabetic()) { made } else { format!("field{made}") }
}

/// A value that is to stand on an issue.
pub struct Standing<'v> {
    /// Whose.
    pub entity: Entity,
    /// The field's type.
    pub kind: FieldType,
    /// What may be chosen in it.
    pub options: &'v [FieldOption],
    /// Where it stands.
    pub on: &'v OnIssues,
    /// The value.
    pub value: &'v Value,
}

/// The property of an issue; none where nothing is to stand there. Organizations' values are lists, since a reporter may be in several.
/// `slots`: whether the host's search knows them.
pub fn property(standing: &[Standing<'_>], slots: bool) -> Option<Json> {
    let mut whole = Map::new();
    for one in standing {
        let said = said(one.kind, one.options, one.value);
        if said.is_empty() {
            continue;
        }
        let of = match one.entity {
            Entity::Customer => "customer",
            Entity::Organization => "organization",
        };
        let listed = one.entity == Entity::Organization || one.kind == FieldType::MultiSelect;
        if let Json::Object(named) = whole.entry(of).or_insert_with(|| json!({})) {
            put(named, &one.on.name, said.clone(), listed);
        }
        if slots {
            put(&mut whole, &one.on.slot, said.into_iter().map(indexed).collect(), listed);
        }
    }
    (!whole.is_empty()).then_some(Json::Object(whole))
}

fn put(map: &mut Map<String, Json>, name: &str, values: Vec<Json>, listed: bool) {
    if !listed {
        map.extend(values.into_iter().next().map(|value| (name.to_owned(), value)));
        return;
    }
    if let Json::Array(all) = map.entry(name).or_insert_with(|| json!([])) {
        for value in values {
            if !all.contains(&value) {
                all.push(value);
            }
        }
    }
}

/// As search compares it: a truth is a word there.
fn indexed(value: Json) -> Json {
    match value {
        Json::Bool(truth) => Json::String(truth.to_string()),
        other => other,
    }
}

/// What a value says, in plain texts, numbers and truths.
pub(crate) fn said(kind: FieldType, options: &[FieldOption], value: &Value) -> Vec<Json> {
    let label = |id: &String| options.iter().find(|option| option.id == *id).map(|option| json!(option.label));
    match (kind, value) {
        (FieldType::LongText | FieldType::User, _) | (_, Value::Empty) => Vec::new(),
        (FieldType::Select, Value::Text(id)) => label(id).into_iter().collect(),
        (_, Value::List(ids)) => ids.iter().filter_map(label).collect(),
        (FieldType::DateTime, Value::Text(text)) => text.parse().ok().map(minute).into_iter().collect(),
        (_, Value::Text(text)) => vec![json!(text)],
        (_, Value::Number(number)) => vec![whole(*number).map_or_else(|| json!(number), |whole| json!(whole))],
        (_, Value::Bool(truth)) => vec![json!(truth)],
    }
}

/// A number without a part behind the point, as people write it.
fn whole(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "values lie within 2^53, see NUMBER_MAX")]
    let cut = number as i64;
    #[expect(clippy::cast_precision_loss, reason = "the same")]
    (cut as f64 == number).then_some(cut)
}

/// An instant as the host's documentation writes it: to the minute, in UTC.
fn minute(at: Timestamp) -> Json {
    json!(at.strftime("%Y-%m-%dT%H:%MZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_agents_alone_see_stays_off_issues() {
        #[track_caller]
        fn check(kind: FieldType, audience: FieldAudience, retired: bool, expected: Result<SlotKind, &str>) {
            assert_eq!(check_choice(kind, audience, retired).map_err(|wrong| wrong.code), expected);
        }
        let (agents, seen, edited) = (FieldAudience::Agents, FieldAudience::CustomerView, FieldAudience::CustomerEdit);
        check(FieldType::Text, agents, false, Err("audience"));
        check(FieldType::Text, seen, false, Ok(SlotKind::String));
        check(FieldType::Number, edited, false, Ok(SlotKind::Number));
        check(FieldType::DateTime, seen, false, Ok(SlotKind::Date));
        check(FieldType::Text, seen, true, Err("retired"));
        check(FieldType::LongText, seen, false, Err("type"));
        check(FieldType::User, seen, false, Err("type"));
    }

    #[test]
    fn names_and_places() {
        #[track_caller]
        fn check(name: &str, expected: &str) {
            assert_eq!(name_on_issues(name), expected);
        }
        check("Tier", "tier");
        check("Support tier", "supportTier");
        check("Größe (cm)", "groECm");
        check("Numéro", "numero");
        check("2nd line", "field2ndLine");
        check("等級", "field");
        check(&"x".repeat(100), &"x".repeat(40));
        let mut taken = Vec::new();
        for number in 0..16 {
            let given = assign(SlotKind::String, (Entity::Customer, "Tier"), &taken).unwrap_or_default();
            assert_eq!(given.slot, format!("string{}", number + 1));
            taken.push((Entity::Customer, given));
        }
        assert_eq!(taken.get(1).map(|(_, on)| on.name.as_str()), Some("tier2"));
        let full = assign(SlotKind::String, (Entity::Customer, "Tier"), &taken);
        assert_eq!(full.map_err(|wrong| (wrong.code, wrong.limit)), Err(("too_many", Some(16))));
        let other = assign(SlotKind::Number, (Entity::Organization, "Tier"), &taken).unwrap_or_default();
        assert_eq!((other.name.as_str(), other.slot.as_str()), ("tier", "number1"));
    }

    #[test]
    fn what_stands_on_an_issue() {
        let on = |name: &str, slot: &str| OnIssues { name: name.to_owned(), slot: slot.to_owned() };
        let options = [
            FieldOption { id: "1".to_owned(), label: "Gold".to_owned(), retired: false },
            FieldOption { id: "2".to_owned(), label: "Silver".to_owned(), retired: true },
        ];
        let (tier, seats, since, vip, plan) = (
            on("tier", "string1"),
            on("seats", "number1"),
            on("since", "date1"),
            on("vip", "string2"),
            on("plan", "string3"),
        );
        let text = |text: &str| Value::Text(text.to_owned());
        let (gold, many, at, yes, both, nothing) = (
            text("1"),
            Value::Number(3.5),
            text("2026-01-31T13:45:59Z"),
            Value::Bool(true),
            Value::List(vec!["1".to_owned(), "2".to_owned()]),
            Value::Empty,
        );
        let standing = |entity, kind, on, value| Standing { entity, kind, options: &options, on, value };
        let (customer, organization) = (Entity::Customer, Entity::Organization);
        let all = [
            standing(customer, FieldType::Select, &tier, &gold),
            standing(customer, FieldType::Number, &seats, &many),
            standing(customer, FieldType::DateTime, &since, &at),
            standing(customer, FieldType::Boolean, &vip, &yes),
            standing(organization, FieldType::MultiSelect, &plan, &both),
            standing(organization, FieldType::MultiSelect, &plan, &both),
        ];
        assert_eq!(
            property(&all, true),
            Some(json!({
                "customer": {"tier": "Gold", "seats": 3.5, "since": "2026-01-31T13:45Z", "vip": true},
                "organization": {"plan": ["Gold", "Silver"]},
                "string1": "Gold", "number1": 3.5, "date1": "2026-01-31T13:45Z", "string2": "true", "string3": ["Gold", "Silver"],
            }))
        );
        let named = property(&all, false).unwrap_or_default();
        assert_eq!(named.as_object().map(Map::len), Some(2));
        assert_eq!(property(&[standing(customer, FieldType::Text, &tier, &nothing)], true), None);
        assert_eq!(property(&[standing(customer, FieldType::User, &tier, &gold)], true), None);
    }
}
