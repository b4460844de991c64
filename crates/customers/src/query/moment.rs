//! Dates and times as they are written in a query: days, instants, distances from now, functions.

use jiff::civil::{Date, Weekday};
use jiff::{Span as Distance, Timestamp, ToSpan, Unit, Zoned, ZonedRound};

use super::ast::{Operand, OperandKind};
use super::mistake::Mistake;
use super::text::nearest;

/// When something is, as exactly as it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Moment {
    /// A whole day, in the viewer's time zone.
    Day(Date),
    /// One instant.
    Instant(Timestamp),
}

/// So many of a unit.
type Unitary = fn(i64) -> Distance;

/// The units, by the letter that `30d` writes. `m` are minutes and `M` months, as in JQL.
const UNITS: [(char, Unitary); 6] = [
    ('m', |n| n.minutes()),
    ('h', |n| n.hours()),
    ('d', |n| n.days()),
    ('w', |n| n.weeks()),
    ('M', |n| n.months()),
    ('y', |n| n.years()),
];

/// Distances and steps beyond this are no plans of anybody, and leave the calendar.
const DISTANCE: i64 = 10_000;

/// The functions that give a moment.
pub(crate) const FUNCTIONS: [&str; 10] = [
    "now",
    "today",
    "startOfDay",
    "startOfWeek",
    "startOfMonth",
    "startOfYear",
    "endOfDay",
    "endOfWeek",
    "endOfMonth",
    "endOfYear",
];

const FORMS: &str = "A date is written 2026-01-31, 2026-01-31T13:45:00Z, 30d or -2w (m, h, d, w, M, y), or as a function such as startOfMonth().";

/// Reads a moment; `now` carries the viewer's time zone.
pub(crate) fn read(operand: &Operand, now: &Zoned) -> Result<Moment, Mistake> {
    let wrong = || Mistake::new("date", operand.span, FORMS);
    let beyond = || Mistake::new("date", operand.span, "This date lies beyond the calendar.");
    match &operand.kind {
        OperandKind::Empty => Err(wrong()),
        OperandKind::Function { name, argument } => {
            let known = FUNCTIONS.iter().find(|known| known.eq_ignore_ascii_case(name)).ok_or_else(|| {
                let meant = nearest(name, FUNCTIONS.into_iter()).map(|name| format!("{name}()"));
                Mistake::new("unknown_function", operand.span, "There is no function of this name.").meant(meant)
            })?;
            let by = match argument.as_deref().map(str::trim) {
                None | Some("") => 0,
                Some(text) => {
                    text.trim_start_matches('+').parse::<i64>().ok().filter(|by| by.abs() <= DISTANCE).ok_or_else(
                        || {
                            Mistake::new(
                                "function",
                                operand.span,
                                "Between the parentheses stands a whole number, such as -1 for the one before.",
                            )
                        },
                    )?
                }
            };
            function(known, by, now).ok_or_else(beyond)
        }
        OperandKind::Text(text) => {
            let text = text.trim();
            if let Ok(at) = text.parse::<Timestamp>() {
                return Ok(Moment::Instant(at));
            }
            if let Some((amount, unit)) = distance(text) {
                let at = now.checked_add(unit(amount)).map_err(|_| beyond())?;
                return Ok(Moment::Instant(at.timestamp()));
            }
            match text.parse::<Date>() {
                // Jiff reads the date out of a longer text, too; then it is no day.
                Ok(day) if text.len() <= "2026-01-31".len() && (1..=9999).contains(&day.year()) => Ok(Moment::Day(day)),
                _ => match text.parse::<jiff::civil::DateTime>() {
                    Ok(local) => local
                        .to_zoned(now.time_zone().clone())
                        .map(|at| Moment::Instant(at.timestamp()))
                        .map_err(|_| beyond()),
                    Err(_) => Err(wrong()),
                },
            }
        }
    }
}

fn distance(text: &str) -> Option<(i64, Unitary)> {
    let unit = text.chars().last()?;
    let (_, make) = UNITS.into_iter().find(|(letter, _)| *letter == unit)?;
    let number = text.get(..text.len() - 1)?;
    let digits = number.trim_start_matches(['+', '-']);
    let plain = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()) && number.len() - digits.len() <= 1;
    let amount: i64 = number.trim_start_matches('+').parse().ok().filter(|_| plain)?;
    (amount.abs() <= DISTANCE).then_some((amount, make))
}

fn function(name: &str, by: i64, now: &Zoned) -> Option<Moment> {
    if name == "now" {
        return Some(Moment::Instant(now.timestamp()));
    }
    if name == "today" {
        return now.date().checked_add(by.days()).ok().map(Moment::Day);
    }
    let (ends, unit) = name
        .strip_prefix("startOf")
        .map(|unit| (false, unit))
        .or_else(|| name.strip_prefix("endOf").map(|unit| (true, unit)))?;
    let today = now.date();
    let by = by + i64::from(ends);
    let day = match unit {
        "Day" => today.checked_add(by.days()).ok()?,
        "Week" => monday(today)?.checked_add(by.weeks()).ok()?,
        "Month" => today.first_of_month().checked_add(by.months()).ok()?,
        _ => today.first_of_year().checked_add(by.years()).ok()?,
    };
    let begins = start_of(day, now)?;
    // The end of a month is the last instant in it.
    Some(Moment::Instant(if ends { begins.checked_sub(1.microsecond()).ok()? } else { begins }))
}

/// Weeks begin on Monday, as ISO 8601 has it.
fn monday(day: Date) -> Option<Date> {
    if day.weekday() == Weekday::Monday { Some(day) } else { day.nth_weekday(-1, Weekday::Monday).ok() }
}

/// The instant at which a day begins for the viewer.
pub(crate) fn start_of(day: Date, now: &Zoned) -> Option<Timestamp> {
    let noon = day.to_zoned(now.time_zone().clone()).ok()?;
    noon.round(ZonedRound::new().smallest(Unit::Day).mode(jiff::RoundMode::Trunc)).ok().map(|at| at.timestamp())
}

impl Moment {
    /// The day that it is in or on.
    pub(crate) fn day(self, now: &Zoned) -> Date {
        match self {
            Self::Day(day) => day,
            Self::Instant(at) => at.to_zoned(now.time_zone().clone()).date(),
        }
    }

    /// The instant with which it begins.
    pub(crate) fn begins(self, now: &Zoned) -> Option<Timestamp> {
        match self {
            Self::Day(day) => start_of(day, now),
            Self::Instant(at) => Some(at),
        }
    }

    /// The first instant after it.
    pub(crate) fn ends(self, now: &Zoned) -> Option<Timestamp> {
        match self {
            Self::Day(day) => start_of(day.tomorrow().ok()?, now),
            Self::Instant(at) => at.checked_add(1.microsecond()).ok(),
        }
    }
}
