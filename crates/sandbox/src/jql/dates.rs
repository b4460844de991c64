//! Dates and times as JQL writes them: absolute, relative (`-7d`, `"4w 2d"`), and by function.

use jiff::{SignedDuration, Span, Timestamp, ToSpan as _, Zoned, civil, tz::TimeZone};

/// Reads a value.
///
/// # Errors
/// `None` when it is none of the forms.
pub(super) fn read(text: &str, now: &Zoned) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(at) = absolute(text, now.time_zone()) {
        return Some(at);
    }
    let duration = relative(text)?;
    now.timestamp().checked_add(duration).ok()
}

fn absolute(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    for format in ["%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M"] {
        if let Ok(at) = civil::DateTime::strptime(format, text) {
            return at.to_zoned(zone.clone()).ok().map(|z| z.timestamp());
        }
    }
    for format in ["%Y-%m-%d", "%Y/%m/%d"] {
        if let Ok(day) = civil::Date::strptime(format, text) {
            return day.to_zoned(zone.clone()).ok().map(|z| z.timestamp());
        }
    }
    None
}

/// `-1w 2d`, `4h`, `+30m`: one sign for all parts.
fn relative(text: &str) -> Option<SignedDuration> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut total = SignedDuration::ZERO;
    let mut parts = 0;
    for part in rest.split_whitespace() {
        let unit = part.chars().last()?;
        let number: i64 = part.get(..part.len() - unit.len_utf8())?.parse().ok()?;
        let seconds = match unit {
            'w' => 604_800,
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            _ => return None,
        };
        total = total.checked_add(SignedDuration::from_secs(number.checked_mul(seconds)?))?;
        parts += 1;
    }
    (parts > 0).then_some(if sign < 0 { -total } else { total })
}

/// `now()`, `startOfDay("-1d")`, `endOfWeek()` and so on; weeks begin on Sunday, as on a new site.
pub(super) fn function(name: &str, arguments: &[String], now: &Zoned) -> Option<Timestamp> {
    let lower = name.to_lowercase();
    if lower == "now" {
        return Some(now.timestamp());
    }
    let (end, unit) = match lower.strip_prefix("startof") {
        Some(unit) => (false, unit),
        None => (true, lower.strip_prefix("endof")?),
    };
    let shift: Span = match arguments.first() {
        None => Span::new(),
        Some(text) => shift(text, unit)?,
    };
    let at = now.checked_add(shift).ok()?;
    let day = at.date();
    let first = match unit {
        "day" => day,
        "week" => {
            let back = i64::from(day.weekday().to_sunday_zero_offset());
            day.checked_sub(back.days()).ok()?
        }
        "month" => day.first_of_month(),
        "year" => day.first_of_year(),
        _ => return None,
    };
    let start = first.to_zoned(now.time_zone().clone()).ok()?;
    if !end {
        return Some(start.timestamp());
    }
    let length = match unit {
        "day" => 1.day(),
        "week" => 1.week(),
        "month" => 1.month(),
        _ => 1.year(),
    };
    let next = start.checked_add(length).ok()?;
    next.timestamp().checked_sub(SignedDuration::from_millis(1)).ok()
}

/// The argument of a function: `-1`, `+2`, `-1d`, `2w`, `-1M`, `1y`; without a unit, the function's own.
fn shift(text: &str, own: &str) -> Option<Span> {
    let text = text.trim();
    let (number, unit) = match text.chars().last()? {
        c if c.is_ascii_digit() => (text, own.chars().next()?),
        c => (text.get(..text.len() - c.len_utf8())?, c),
    };
    let number: i64 = number.trim_start_matches('+').parse().ok()?;
    // A lower-case m is minutes except as the unit of a month function.
    let months = unit == 'M' || (unit == 'm' && own == "month" && text.ends_with(|c: char| c.is_ascii_digit()));
    Some(match unit {
        _ if months => Span::new().try_months(number).ok()?,
        'y' => Span::new().try_years(number).ok()?,
        'w' => Span::new().try_weeks(number).ok()?,
        'd' => Span::new().try_days(number).ok()?,
        'h' => Span::new().try_hours(number).ok()?,
        'm' => Span::new().try_minutes(number).ok()?,
        _ => return None,
    })
}
