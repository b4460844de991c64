//! What a customer, an organization or a request must be before Jira is asked to make it.

use std::collections::BTreeSet;

use kernel::FieldFault;

use super::{LONG_TEXT_CHARS, TEXT_CHARS, fault};

/// Projects and organizations that somebody new is put into at once: each is a call to Jira, while a page waits.
pub const PLACES_AT_ONCE: usize = 10;

/// A line: something in it, on one line, not too long.
pub fn check_line(pointer: &str, text: &str, what: &str) -> Result<String, FieldFault> {
    let text = text.trim();
    if text.is_empty() {
        return Err(fault(pointer, "required", format!("{what} is missing."), None));
    }
    if text.chars().any(char::is_control) {
        return Err(fault(pointer, "format", format!("{what} is one line of text."), None));
    }
    within(pointer, text, TEXT_CHARS)
}

/// An e-mail address.
pub fn check_address(pointer: &str, text: &str) -> Result<String, FieldFault> {
    match text.trim().parse::<email_address::EmailAddress>() {
        Ok(address) => within(pointer, address.as_str(), TEXT_CHARS),
        Err(_) => Err(fault(pointer, "format", "An e-mail address is written name@example.com.", None)),
    }
}

/// Text of several lines, or none.
pub fn check_text(pointer: &str, text: &str) -> Result<String, FieldFault> {
    within(pointer, text.trim(), LONG_TEXT_CHARS)
}

/// At most so many ids, each once.
pub fn check_few<T: Ord + Clone>(pointer: &str, ids: Vec<T>, most: usize) -> Result<Vec<T>, FieldFault> {
    if ids.len() > most {
        return Err(fault(pointer, "too_many", format!("At most {most} at once."), Some(most)));
    }
    let mut seen = BTreeSet::new();
    Ok(ids.into_iter().filter(|id| seen.insert(id.clone())).collect())
}

fn within(pointer: &str, text: &str, most: usize) -> Result<String, FieldFault> {
    if text.chars().count() > most {
        return Err(fault(pointer, "too_long", format!("At most {most} characters."), Some(most)));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[track_caller]
    fn check(read: Result<String, FieldFault>, expected: Result<&str, &str>) {
        assert_eq!(read.as_deref().map_err(|fault| fault.code), expected);
    }

    #[test]
    fn lines_addresses_and_texts() {
        check(check_line("/name", "  Ævar  ", "A name"), Ok("Ævar"));
        check(check_line("/name", " \t ", "A name"), Err("required"));
        check(check_line("/name", "two\nlines", "A name"), Err("format"));
        check(check_line("/name", &"x".repeat(TEXT_CHARS + 1), "A name"), Err("too_long"));
        check(check_address("/email", " ana@example.com "), Ok("ana@example.com"));
        check(check_address("/email", "ana"), Err("format"));
        check(check_address("/email", "ana@example.com\r\nbcc: all@example.com"), Err("format"));
        check(check_text("/description", "two\nlines\n"), Ok("two\nlines"));
        check(check_text("/description", ""), Ok(""));
        check(check_text("/description", &"x".repeat(LONG_TEXT_CHARS + 1)), Err("too_long"));
    }

    #[test]
    fn few_ids() {
        assert_eq!(check_few("/ids", vec![2, 1, 2], 3).unwrap(), [2, 1]);
        assert_eq!(check_few("/ids", vec![1, 2, 3], 2).unwrap_err().limit, Some(2));
    }
}
