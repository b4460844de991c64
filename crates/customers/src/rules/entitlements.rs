//! What an entitlement must say, and what it is on a day.

use jiff::civil::Date;
use kernel::FieldFault;

use super::{NAME_CHARS, NUMBER_MAX, fault};
use crate::model::{EntitlementState, Terms};

/// Products of one tenant: more than a list to choose from shows well.
pub const PRODUCTS: usize = 200;
/// Characters of a note on an entitlement: a screen of text.
pub const NOTE_CHARS: usize = 2_000;
/// From so many days before its last one an entitlement is said to expire: a month to renew it in.
pub const EXPIRING_DAYS: i32 = 30;

/// The terms in the one form in which they are stored, or everything that is wrong with them.
pub fn check_terms(wanted: &Terms) -> Result<Terms, Vec<FieldFault>> {
    let mut faults = Vec::new();
    let mut day = |pointer: &str, text: &Option<String>| {
        let text = text.as_deref().map(str::trim).filter(|text| !text.is_empty())?;
        match text.parse::<Date>() {
            Ok(day) if text.len() == 10 => Some(day),
            _ => {
                faults.push(fault(pointer, "format", "A day is written 2026-01-31.", None));
                None
            }
        }
    };
    let (starts, ends) = (day("/startsOn", &wanted.starts), day("/endsOn", &wanted.ends));
    if let (Some(starts), Some(ends)) = (starts, ends)
        && ends < starts
    {
        faults.push(fault("/endsOn", "order", "The last day is not before the first one.", None));
    }
    let unit = line(&wanted.unit);
    if let Some(limit) = wanted.limit
        && !(limit.is_finite() && (0.0..=NUMBER_MAX).contains(&limit))
    {
        let detail = "A limit is 0 or more, and at most 9,007,199,254,740,991.";
        faults.push(fault("/limit", "range", detail, Some(NUMBER_MAX as usize)));
    }
    match &unit {
        Some(unit) if unit.chars().count() > NAME_CHARS => {
            let detail = format!("A unit has at most {NAME_CHARS} characters.");
            faults.push(fault("/unit", "too_long", detail, Some(NAME_CHARS)));
        }
        Some(unit) if unit.chars().any(char::is_control) => {
            faults.push(fault("/unit", "format", "A unit stands on one line.", None));
        }
        Some(_) if wanted.limit.is_none() => {
            faults.push(fault(
                "/limit",
                "required",
                "A unit without a number limits nothing. Give the number too.",
                None,
            ));
        }
        _ => {}
    }
    let note = line(&wanted.note);
    if let Some(note) = &note {
        if note.chars().count() > NOTE_CHARS {
            let detail = format!("A note has at most {NOTE_CHARS} characters.");
            faults.push(fault("/note", "too_long", detail, Some(NOTE_CHARS)));
        } else if note.chars().any(|c| c.is_control() && c != '\n' && c != '\t' && c != '\r') {
            faults.push(fault("/note", "format", "A note has no control characters.", None));
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let written = |day: Option<Date>| day.map(|day| day.to_string());
    Ok(Terms { starts: written(starts), ends: written(ends), limit: wanted.limit, unit, note })
}

fn line(text: &Option<String>) -> Option<String> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A day as it was stored.
pub fn stored_day(day: &Option<String>) -> Option<Date> {
    day.as_deref().and_then(|day| day.parse().ok())
}

/// Whether days from `starts` to `ends`, both included, have this one.
pub fn in_force(starts: Option<Date>, ends: Option<Date>, today: Date) -> bool {
    starts.is_none_or(|starts| starts <= today) && ends.is_none_or(|ends| today <= ends)
}

/// What an entitlement is on a day.
pub fn state_on(terms: &Terms, today: Date) -> EntitlementState {
    let (starts, ends) = (stored_day(&terms.starts), stored_day(&terms.ends));
    match ends {
        Some(ends) if ends < today => EntitlementState::Expired,
        _ if starts.is_some_and(|starts| starts > today) => EntitlementState::Upcoming,
        Some(ends) if today.until(ends).is_ok_and(|left| left.get_days() <= EXPIRING_DAYS) => {
            EntitlementState::Expiring
        }
        _ => EntitlementState::Active,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::Date;

    use super::*;

    fn terms(starts: &str, ends: &str) -> Terms {
        let day = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Terms { starts: day(starts), ends: day(ends), ..Terms::default() }
    }

    #[test]
    fn a_day_decides_what_an_entitlement_is() {
        let today: Date = jiff::civil::date(2026, 11, 22);
        for (starts, ends, expected) in [
            ("", "", EntitlementState::Active),
            ("2026-11-22", "", EntitlementState::Active),
            ("2026-11-23", "", EntitlementState::Upcoming),
            ("2026-11-23", "2026-11-24", EntitlementState::Upcoming),
            ("", "2026-11-21", EntitlementState::Expired),
            ("", "2026-11-22", EntitlementState::Expiring),
            ("", "2026-12-22", EntitlementState::Expiring),
            ("", "2026-12-23", EntitlementState::Active),
            ("2020-01-01", "2021-01-01", EntitlementState::Expired),
        ] {
            let terms = terms(starts, ends);
            assert_eq!(state_on(&terms, today), expected, "{starts} to {ends}");
            let held = in_force(stored_day(&terms.starts), stored_day(&terms.ends), today);
            let is = matches!(expected, EntitlementState::Active | EntitlementState::Expiring);
            assert_eq!(held, is, "{starts} to {ends}");
        }
    }

    #[test]
    fn terms_are_checked_and_have_one_form() {
        let long = "x".repeat(NOTE_CHARS + 1);
        for (wanted, expected) in [
            (terms("2026-01-01", "2025-12-31"), vec![("/endsOn", "order")]),
            (terms("01.02.2026", "2026-02-30"), vec![("/startsOn", "format"), ("/endsOn", "format")]),
            (Terms { limit: Some(-1.0), ..Terms::default() }, vec![("/limit", "range")]),
            (Terms { limit: Some(f64::NAN), ..Terms::default() }, vec![("/limit", "range")]),
            (Terms { unit: Some("seats".to_owned()), ..Terms::default() }, vec![("/limit", "required")]),
            (Terms { limit: Some(1.0), unit: Some("a\nb".to_owned()), ..Terms::default() }, vec![("/unit", "format")]),
            (Terms { note: Some(long), ..Terms::default() }, vec![("/note", "too_long")]),
            (Terms { note: Some("a\u{0}".to_owned()), ..Terms::default() }, vec![("/note", "format")]),
        ] {
            let faults = check_terms(&wanted).err().unwrap_or_default();
            let found: Vec<_> = faults.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect();
            assert_eq!(found, expected, "{wanted:?}");
        }
        let kept = check_terms(&Terms {
            starts: Some(" 2026-01-01 ".to_owned()),
            ends: Some(String::new()),
            limit: Some(25.0),
            unit: Some(" seats ".to_owned()),
            note: Some(" \n ".to_owned()),
        });
        let expected = Terms {
            starts: Some("2026-01-01".to_owned()),
            limit: Some(25.0),
            unit: Some("seats".to_owned()),
            ..Terms::default()
        };
        assert_eq!(kept, Ok(expected));
    }
}
