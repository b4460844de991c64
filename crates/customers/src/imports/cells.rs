//! What a cell says, by the type of its field. Text stays text: nothing is evaluated, and the apostrophe that our own
//! exports put before what a spreadsheet would take for a formula is taken off again.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::{FieldBody, FieldType, Value};
use crate::rules::{name_key, phone};

/// How days are written, beside 2026-01-31, which is always understood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ImportDates)]
pub(crate) enum Dates {
    /// 2026-01-31 and nothing else.
    #[default]
    Iso,
    /// 31.01.2026, 31/01/2026, 31-01-2026.
    DayFirst,
    /// 01/31/2026, 01-31-2026.
    MonthFirst,
}

/// What stands before the fraction of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ImportDecimal)]
pub(crate) enum Decimal {
    /// 1234.5 or 1,234.5
    #[default]
    Point,
    /// 1234,5 or 1.234,5
    Comma,
}

/// How cells are written.
pub(crate) struct Reading {
    pub(crate) dates: Dates,
    pub(crate) decimal: Decimal,
    /// Between the options of a multi-select.
    pub(crate) between: String,
    /// Of a date with time that names none.
    pub(crate) zone: TimeZone,
    /// Of a telephone number that names none, over that of its field.
    pub(crate) country: Option<String>,
}

/// Why a cell is refused: a stable code, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) code: &'static str,
    pub(crate) detail: &'static str,
}

fn wrong<T>(code: &'static str, detail: &'static str) -> Result<T, Wrong> {
    Err(Wrong { code, detail })
}

/// Without the apostrophe that an export puts before a formula.
pub(crate) fn without_prefix(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@', '\t', '\r']) => rest,
        _ => text,
    }
}

/// What a cell says. What it may say, `rules::check_value` decides. Of a person it says what is written there: an account,
/// an address or a name.
pub(crate) fn read_cell(kind: FieldType, body: &FieldBody, text: &str, how: &Reading) -> Result<Value, Wrong> {
    let text = without_prefix(text);
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Ok(Value::Empty);
    }
    match kind {
        FieldType::Text | FieldType::LongText => Ok(Value::Text(text.to_owned())),
        FieldType::Phone => match how.country.as_deref() {
            Some(country) => match phone::read(trimmed, Some(country)) {
                Some(number) => Ok(Value::Text(number)),
                None => wrong("format", "This is no telephone number of the country that the settings say."),
            },
            None => Ok(Value::Text(trimmed.to_owned())),
        },
        FieldType::Url | FieldType::Email | FieldType::User => Ok(Value::Text(trimmed.to_owned())),
        FieldType::Number => number(trimmed, how.decimal),
        FieldType::Boolean => truth(trimmed),
        FieldType::Date => match day(trimmed, how.dates) {
            Some(day) => Ok(Value::Text(day.to_string())),
            None => wrong("format", "This is no date in the form that the settings say."),
        },
        FieldType::DateTime => instant(trimmed, how),
        FieldType::Select => option(body, trimmed).map(Value::Text),
        FieldType::MultiSelect => {
            // One option's label may hold the separator.
            if let Ok(id) = option(body, trimmed) {
                return Ok(Value::List(vec![id]));
            }
            let parts = trimmed.split(how.between.as_str()).map(str::trim).filter(|part| !part.is_empty());
            parts.map(|part| option(body, part)).collect::<Result<_, _>>().map(Value::List)
        }
    }
}

fn option(body: &FieldBody, text: &str) -> Result<String, Wrong> {
    let wanted = name_key(text);
    let by_label = body.options.iter().find(|option| name_key(&option.label) == wanted);
    match by_label.or_else(|| body.options.iter().find(|option| option.id == text)) {
        Some(option) => Ok(option.id.clone()),
        None => wrong("unknown", "The field has no option of this name. Add it in the settings, or correct the cell."),
    }
}

fn truth(text: &str) -> Result<Value, Wrong> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "y" | "1" | "x" => Ok(Value::Bool(true)),
        "false" | "no" | "n" | "0" => Ok(Value::Bool(false)),
        _ => wrong("format", "Write true or false, yes or no, 1 or 0."),
    }
}

fn number(text: &str, decimal: Decimal) -> Result<Value, Wrong> {
    let (point, group) = match decimal {
        Decimal::Point => ('.', ','),
        Decimal::Comma => (',', '.'),
    };
    let bare: String = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '\u{2019}')).collect();
    let (whole, fraction) = bare.split_once(point).map_or((bare.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    // Thousands come in threes: 1,23 where a point is the sign is a mistake, and no 123.
    let mut groups = whole.split(group);
    let first = groups.next().unwrap_or_default();
    let mut plain = first.to_owned();
    for group in groups {
        if group.len() != 3 || plain.trim_start_matches(['-', '+']).is_empty() {
            return wrong("format", "This is no number in the form that the settings say.");
        }
        plain.push_str(group);
    }
    if let Some(fraction) = fraction {
        plain.push('.');
        plain.push_str(fraction);
    }
    let only = plain.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E'));
    match plain.parse() {
        Ok(number) if only => Ok(Value::Number(number)),
        _ => wrong("format", "This is no number in the form that the settings say."),
    }
}

fn day(text: &str, dates: Dates) -> Option<Date> {
    let forms: &[&str] = match dates {
        Dates::Iso => &[],
        Dates::DayFirst => &["%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y"],
        Dates::MonthFirst => &["%m/%d/%Y", "%m-%d-%Y", "%m.%d.%Y"],
    };
    let iso = text.parse().ok().filter(|_| text.len() == 10);
    iso.or_else(|| forms.iter().find_map(|form| Date::strptime(form, text).ok()))
}

fn instant(text: &str, how: &Reading) -> Result<Value, Wrong> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(Value::Text(at.to_string()));
    }
    let local = text.parse::<DateTime>().ok().or_else(|| {
        let (date, time) = text.split_once([' ', 'T'])?;
        let time = ["%H:%M:%S", "%H:%M"].iter().find_map(|form| jiff::civil::Time::strptime(form, time.trim()).ok())?;
        Some(day(date, how.dates)?.to_datetime(time))
    });
    match local.and_then(|local| local.to_zoned(how.zone.clone()).ok()) {
        Some(at) => Ok(Value::Text(at.timestamp().to_string())),
        None => wrong("format", "This is no date with time in the form that the settings say."),
    }
}

/// Whether a cell is what our own export writes of this value: importing one's own export changes nothing. `name` is that
/// of the person whom the value names.
pub(crate) fn says(kind: FieldType, body: &FieldBody, text: &str, held: &Value, name: Option<&str>) -> bool {
    if let (FieldType::DateTime, Value::Text(at)) = (kind, held) {
        // To the second, in whichever zone.
        let seconds = |text: &str| text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second);
        return seconds(text).is_some_and(|written| Some(written) == seconds(at));
    }
    let exported = written(kind, body, held, name);
    exported == text || without_prefix(text) == exported
}

/// A value as files of ours write it: options by their names, people by theirs.
pub(crate) fn written(kind: FieldType, body: &FieldBody, value: &Value, name: Option<&str>) -> String {
    let label = |id: &String| {
        let option = body.options.iter().find(|option| option.id == *id);
        option.map_or(id.clone(), |option| option.label.clone())
    };
    match (kind, value) {
        (_, Value::Empty) => String::new(),
        (_, Value::Bool(truth)) => truth.to_string(),
        (_, Value::Number(number)) => number.to_string(),
        (_, Value::List(ids)) => ids.iter().map(label).collect::<Vec<_>>().join("; "),
        (FieldType::Select, Value::Text(id)) => label(id),
        (FieldType::User, Value::Text(id)) => name.unwrap_or(id).to_owned(),
        (_, Value::Text(text)) => text.clone(),
    }
}
