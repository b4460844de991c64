//! What a value becomes when its field's type changes, and what a value of before such a change says now. Pure.
//!
//! A change of type is one small write to the definition, which from then on lists the type that was ([`PastType`]). A value
//! that was written before reads as the new type at once, whoever looks at it; a job writes the values anew afterwards, by
//! the same rule. Start at [`convert`].

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroize;

use crate::imports::cells::{self, Dates, Decimal, Reading, Wrong};
use crate::model::{Action, Change, FieldBody, FieldOption, FieldType, Value};
use crate::rules;

/// Types that a field had and that are remembered; older history reads as of the oldest of them.
const PAST_TYPES: usize = 20;

/// How values are written, where their text leaves a choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = TypeChangeReading)]
pub(crate) struct How {
    /// How days are written.
    pub(crate) dates: Dates,
    /// How numbers are written.
    pub(crate) decimal: Decimal,
    /// What stands between several options in a text; `;` if left out.
    #[schema(max_length = 5)]
    pub(crate) list_separator: String,
    /// The zone of dates with time that name none, and the one in which a date with time becomes a day; UTC if left out.
    #[schema(example = "Europe/Berlin")]
    pub(crate) time_zone: String,
}

impl Default for How {
    fn default() -> Self {
        Self {
            dates: Dates::default(),
            decimal: Decimal::default(),
            list_separator: ";".to_owned(),
            time_zone: "UTC".to_owned(),
        }
    }
}

impl How {
    fn reading(&self) -> Reading {
        Reading {
            dates: self.dates,
            decimal: self.decimal,
            between: self.list_separator.clone(),
            zone: TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC),
            country: None,
        }
    }
}

/// A type that a field had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastType {
    /// Values with a change number below were of it.
    pub(crate) until: i64,
    /// What it held.
    pub(crate) kind: FieldType,
    /// What could be chosen.
    pub(crate) options: Vec<FieldOption>,
    /// How it was read into the next one.
    pub(crate) how: How,
}

impl Zeroize for PastType {
    fn zeroize(&mut self) {
        self.options.zeroize();
    }
}

impl PastType {
    fn body(&self) -> FieldBody {
        FieldBody { options: self.options.clone(), ..FieldBody::default() }
    }
}

/// Whether values of one type can become another; else why not.
pub(crate) fn may_turn(from: FieldType, to: FieldType) -> Result<(), &'static str> {
    match (from, to) {
        (from, to) if from == to => Err("This is the field's type already."),
        (_, FieldType::User) => Err("Values do not become people: who there is, Jira alone says. Make a new field."),
        (FieldType::User, FieldType::Text | FieldType::LongText) => Ok(()),
        (FieldType::User, _) => Err("People become a text, which holds their account id, and nothing else."),
        _ => Ok(()),
    }
}

/// What a value of one type, with its options, is as another.
pub(crate) fn convert(
    (from, of): (FieldType, &FieldBody),
    value: &Value,
    (to, body): (FieldType, &FieldBody),
    how: &How,
) -> Result<Value, Wrong> {
    if value.is_empty() || from == to {
        return Ok(value.clone());
    }
    let said = match (from, to, value) {
        (FieldType::Boolean, FieldType::Number, Value::Bool(truth)) => Value::Number(f64::from(u8::from(*truth))),
        (FieldType::Boolean, FieldType::Select | FieldType::MultiSelect, Value::Bool(truth)) => {
            let words = if *truth { ["Yes", "true"] } else { ["No", "false"] };
            let [people, programs] = words.map(|word| cells::read_cell(to, body, word, &how.reading()));
            people.or(programs)?
        }
        (FieldType::DateTime, FieldType::Date, Value::Text(at)) => {
            let at: Timestamp = at.parse().map_err(|_| not_so())?;
            Value::Text(at.to_zoned(how.reading().zone).date().to_string())
        }
        (FieldType::MultiSelect, FieldType::Select, Value::List(chosen)) if chosen.len() > 1 => {
            return Err(Wrong { code: "several", detail: "More than one is chosen, and the new type holds one." });
        }
        (_, FieldType::LongText, _) => Value::Text(written((from, of), value, how)),
        // One line: what stood on several stands beside one another.
        (_, FieldType::Text, _) => {
            let lines = written((from, of), value, how);
            Value::Text(lines.split_whitespace().collect::<Vec<_>>().join(" "))
        }
        _ => cells::read_cell(to, body, &written((from, of), value, how), &how.reading())?,
    };
    rules::check_value("", to, body, false, &said, Some(&said)).map_err(|fault| match fault.code {
        "too_long" => Wrong { code: "too_long", detail: "This is longer than the new type holds." },
        "too_large" => Wrong { code: "too_large", detail: "This number is greater than a number field holds." },
        _ => Wrong { code: "format", detail: expected(to) },
    })
}

/// A value as people read it, and as another type takes it.
pub(crate) fn written((from, of): (FieldType, &FieldBody), value: &Value, how: &How) -> String {
    match value {
        Value::Bool(true) => "Yes".to_owned(),
        Value::Bool(false) => "No".to_owned(),
        Value::List(ids) => {
            let labels = ids.iter().map(|id| cells::written(FieldType::Select, of, &Value::Text(id.clone()), None));
            labels.collect::<Vec<_>>().join(&format!("{} ", how.list_separator))
        }
        _ => cells::written(from, of, value, None),
    }
}

/// The labels that a value would need as options and that a select field has not.
pub(crate) fn labels_missing(
    from: (FieldType, &FieldBody),
    value: &Value,
    (to, body): (FieldType, &FieldBody),
    how: &How,
) -> Vec<String> {
    if value.is_empty() || !to.has_options() || convert(from, value, (to, body), how).is_ok() {
        return Vec::new();
    }
    let text = written(from, value, how);
    let parts: Vec<&str> = match (to, value) {
        (FieldType::Select, Value::List(ids)) if ids.len() > 1 => Vec::new(),
        (FieldType::MultiSelect, _) => text.split(how.list_separator.as_str()).collect(),
        _ => vec![text.as_str()],
    };
    let known =
        |label: &str| body.options.iter().any(|option| rules::name_key(&option.label) == rules::name_key(label));
    let fit = |part: &str| rules::check_name("", &part.split_whitespace().collect::<Vec<_>>().join(" ")).ok();
    let mut labels: Vec<String> = Vec::new();
    for label in parts.into_iter().filter_map(fit).filter(|label| !known(label)) {
        if !labels.iter().any(|other| rules::name_key(other) == rules::name_key(&label)) {
            labels.push(label);
        }
    }
    labels
}

/// Which type a value was of that was written under this number, and how it reads on; none: of the one that stands.
fn past_of(body: &FieldBody, version: i64) -> Option<&PastType> {
    body.past.iter().find(|past| version < past.until)
}

/// What a value of before a change of type says now; none where it is of the type that stands. What does not convert
/// says nothing: history keeps it.
pub(crate) fn now(kind: FieldType, body: &FieldBody, version: i64, value: &Value) -> Option<Value> {
    let past = past_of(body, version).filter(|_| version > 0)?;
    Some(convert((past.kind, &past.body()), value, (kind, body), &past.how).unwrap_or_default())
}

/// The same of a change in the history. What a conversion began with is of the type before.
pub(crate) fn change_now(
    kind: FieldType,
    body: &FieldBody,
    id: i64,
    action: Action,
    change: &Change,
) -> Option<Change> {
    if body.past.is_empty() {
        return None;
    }
    let from = now(kind, body, before(body, id, action), &change.from).unwrap_or_else(|| change.from.clone());
    let to = now(kind, body, id, &change.to).unwrap_or_else(|| change.to.clone());
    Some(Change { from, to })
}

/// A change as people read it then, where the field was of another type.
pub(crate) fn change_then(
    body: &FieldBody,
    id: i64,
    action: Action,
    change: &Change,
) -> (Option<String>, Option<String>) {
    let then = |version: i64, value: &Value| {
        past_of(body, version).map(|past| written((past.kind, &past.body()), value, &past.how))
    };
    (then(before(body, id, action), &change.from), then(id, &change.to))
}

/// A number under which what a change began with was written.
fn before(body: &FieldBody, id: i64, action: Action) -> i64 {
    let last = body.past.iter().rev().find(|past| past.until <= id);
    match (action, last) {
        (Action::Converted, Some(past)) => past.until - 1,
        _ => id,
    }
}

/// The definition under another type: what stood is remembered, and what the default says is converted.
pub(crate) fn turn(
    (kind, body): (FieldType, &FieldBody),
    to: FieldType,
    options: Vec<FieldOption>,
    how: &How,
    until: i64,
) -> FieldBody {
    let mut past = body.past.clone();
    past.push(PastType { until, kind, options: body.options.clone(), how: how.clone() });
    let excess = past.len().saturating_sub(PAST_TYPES);
    past.drain(..excess);
    let turned = FieldBody { options, past, turning: true, default: Value::Empty, ..body.clone() };
    let default = convert((kind, body), &body.default, (to, &turned), how).unwrap_or_default();
    FieldBody { default, ..turned }
}

fn not_so() -> Wrong {
    Wrong { code: "format", detail: "This is not of the type that its field has." }
}

fn expected(to: FieldType) -> &'static str {
    match to {
        FieldType::Text | FieldType::LongText => "This holds characters that a text cannot.",
        FieldType::Number => "This is no number.",
        FieldType::Date => "This is no date.",
        FieldType::DateTime => "This is no date with time.",
        FieldType::Boolean => "This is neither yes nor no.",
        FieldType::Select | FieldType::MultiSelect => "The field has no such option.",
        FieldType::Url => "This is no address that starts with https:// or http://.",
        FieldType::Email => "This is no e-mail address.",
        FieldType::Phone => "This is no telephone number with + and the country in front.",
        FieldType::User => "This is nobody whom Jira knows.",
    }
}

#[cfg(test)]
mod tests;
