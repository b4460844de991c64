//! Telephone numbers: read as people write them, kept as E.164. Pure.

use kernel::FieldFault;
use phonenumber::metadata::DATABASE;
use phonenumber::{Mode, PhoneNumber, country};

use super::fault;

/// What to do where no country is given.
pub(crate) const WITHOUT_COUNTRY: &str = "Write the number with + and the country's code, such as +49 30 123456, or give the field a country in its settings.";
/// What to do where one is.
pub(crate) const WITH_COUNTRY: &str = "Write the number as it is dialled in the field's country, with its area code, or with + and another country's code, such as +49 30 123456.";

/// Digits that a number is found by as it is typed: fewer are in nearly every number.
pub(crate) const FOUND_BY: usize = 4;
/// Digits of a number at most, in E.164.
pub(crate) const DIGITS: usize = 15;

/// The number that is meant, in E.164: one that names no country is of this one (ISO 3166-1 alpha-2), and without one it is none.
pub(crate) fn read(text: &str, country: Option<&str>) -> Option<String> {
    let text = text.trim();
    let abroad = |text: &str| valid(phonenumber::parse(None, text));
    let number = match country.and_then(known) {
        Some(country) if !text.starts_with(['+', '\u{ff0b}']) => dialled(country, text)
            .and_then(|plus| abroad(&plus))
            .or_else(|| valid(phonenumber::parse(Some(country), text))),
        _ => abroad(text),
    };
    Some(number?.format().mode(Mode::E164).to_string())
}

fn valid(parsed: Result<PhoneNumber, phonenumber::ParseError>) -> Option<PhoneNumber> {
    parsed.ok().filter(PhoneNumber::is_valid)
}

/// What is dialled from a country to reach another one, with the plus that it stands for.
fn dialled(country: country::Id, text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let prefix = DATABASE.by_id(country.as_ref())?.international_prefix()?.find(&digits)?;
    let rest = digits.get(prefix.end()..).filter(|_| prefix.start() == 0)?;
    Some(format!("+{rest}"))
}

/// A country whose numbers are known.
fn known(country: &str) -> Option<country::Id> {
    country.parse::<country::Id>().ok().filter(|_| DATABASE.by_id(country).is_some())
}

/// The digits that a stored number has where somebody looks for it by these groups: without the zeroes that one dials before an
/// area, a country, or, in brackets, between the two.
pub(crate) fn joined<'g>(groups: impl IntoIterator<Item = &'g str>) -> String {
    let groups = groups.into_iter().enumerate().filter(|(place, group)| *place == 0 || *group != "0");
    let digits: String = groups.map(|(_, group)| group).collect();
    digits.trim_start_matches('0').to_owned()
}

/// What a stored number is found by: its digits, from each of them on.
pub(crate) fn ends(number: &str) -> impl Iterator<Item = &str> {
    let digits = number.trim_start_matches('+');
    let ends = (0..DIGITS).map_while(move |from| digits.get(from..));
    ends.take_while(|end| end.len() >= FOUND_BY)
}

/// A country fit for a field or an import, in capital letters; none if it is empty.
pub(crate) fn check_country(pointer: &str, country: Option<&str>) -> Result<Option<String>, FieldFault> {
    let Some(written) = country.map(str::trim).filter(|written| !written.is_empty()) else { return Ok(None) };
    let country = written.to_ascii_uppercase();
    match known(&country) {
        Some(_) => Ok(Some(country)),
        None => {
            let detail = "A country is named by its two letters of ISO 3166, such as DE.";
            Err(fault(pointer, "unknown", detail, None))
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[track_caller]
    fn check(text: &str, country: Option<&str>, expected: Option<&str>) {
        assert_eq!(read(text, country).as_deref(), expected, "{text} in {country:?}");
    }

    #[test]
    fn numbers_as_people_write_them() {
        let berlin = Some("+4930901820");
        for text in ["030 901820", "030-90 18 20", "(030) 901820", "0049 30 901820", "+49 30 901820", " 030/901820 "] {
            check(text, Some("DE"), berlin);
        }
        check("+49 30 901820", None, berlin);
        check("030 901820", None, None);
        check("030 901820", Some("??"), None);
        check("+49 30 901820", Some("??"), berlin);
        // What is written with a plus, or dialled abroad, is of the country that it names; Italy keeps its zero.
        check("+39 06 4991 2345", Some("DE"), Some("+390649912345"));
        check("0039 06 4991 2345", Some("DE"), Some("+390649912345"));
        check("06 4991 2345", Some("IT"), Some("+390649912345"));
        check("011 49 30 901820", Some("US"), berlin);
        check("(202) 555-0123", Some("US"), Some("+12025550123"));
        check("01 42 68 53 00", Some("FR"), Some("+33142685300"));
        for nothing in ["", "call me", "+", "00", "1", "0", "++", "011"] {
            check(nothing, Some("DE"), None);
            check(nothing, Some("US"), None);
            check(nothing, None, None);
        }
    }

    #[test]
    fn what_is_looked_for() {
        for (written, expected) in [
            ("+49 30 901820", "4930901820"),
            ("+49 (0)30 901820", "4930901820"),
            ("0049-30-901820", "4930901820"),
            ("030 901820", "30901820"),
            ("90 18 20", "901820"),
            ("00", ""),
            ("100 0", "100"),
        ] {
            let groups = written.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty());
            assert_eq!(joined(groups), expected, "{written}");
        }
    }

    #[test]
    fn what_it_is_found_by() {
        let ends: Vec<&str> = ends("+4930901820").collect();
        assert_eq!(ends, ["4930901820", "930901820", "30901820", "0901820", "901820", "01820", "1820"]);
        assert_eq!(super::ends("+12").count(), 0);
        assert_eq!(super::ends(&"1".repeat(1_000)).count(), DIGITS);
    }

    #[test]
    fn countries() {
        assert_eq!(check_country("/country", Some(" de ")).unwrap().as_deref(), Some("DE"));
        assert_eq!(check_country("/country", Some("")).unwrap(), None);
        assert_eq!(check_country("/country", None).unwrap(), None);
        for wrong in ["Germany", "D", "001", "QQ", "AN", "ß"] {
            assert_eq!(check_country("/country", Some(wrong)).unwrap_err().code, "unknown", "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_is_written_stops_it(text in "[0-9+() x/.#*-]{0,24}", country in "[A-Z]{2}") {
            for number in [read(&text, Some(&country)), read(&text, None)].into_iter().flatten() {
                proptest::prop_assert!(number.starts_with('+') && number.len() > 3, "{}", number);
            }
        }
    }
}
