//! How terms are written: what an index finds by.
//!
//! A word of a text is `w` word NUL tag, so that everything that begins alike lies together whatever field it stands in; a fact
//! of a field is `f` tag NUL fact. A tag names a field and holds no NUL.

/// Bytes of a word or text within a term; what is longer is cut there.
pub const CUT_BYTES: usize = 200;

/// A word that begins so is no word of a text, and no mistake in it is forgiven: the end of a number.
pub const AS_IT_IS: &str = "#";

/// The text up to [`CUT_BYTES`], and whether that is all of it.
pub fn cut(text: &str) -> (&str, bool) {
    if text.len() <= CUT_BYTES {
        return (text, true);
    }
    let end = (0..=CUT_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    (text.get(..end).unwrap_or_default(), false)
}

/// A word of a field's text.
pub fn word(tag: &str, word: &str) -> String {
    format!("w{}\0{tag}", cut(word).0)
}

/// A word that is found only as it is written.
pub fn as_it_is(word: &str) -> String {
    format!("{AS_IT_IS}{word}")
}

/// What all words begin with that begin so.
pub fn words_from(beginning: &str) -> String {
    format!("w{}", cut(beginning).0)
}

/// The word and the tag of a word's term.
pub(crate) fn word_and_tag(term: &[u8]) -> Option<(&[u8], &str)> {
    let rest = term.strip_prefix(b"w")?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    let (word, tag) = rest.split_at_checked(end)?;
    Some((word, std::str::from_utf8(tag.get(1..)?).ok()?))
}

/// What all facts of a field begin with.
pub fn facts(tag: &str) -> String {
    format!("f{tag}\0")
}

/// A fact of a field.
pub fn fact(tag: &str, fact: &str) -> String {
    format!("f{tag}\0{fact}")
}

/// A number, written so that texts sort as numbers do.
pub fn number(value: f64) -> String {
    // Both zeroes are one number.
    let bits = (value + 0.0).to_bits();
    let sorted = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    format!("{sorted:016x}")
}

/// An integer, likewise.
pub fn integer(value: i64) -> String {
    format!("{:016x}", value.cast_unsigned() ^ 1 << 63)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_sort_as_numbers(a in -1e300..1e300f64, b in -1e300..1e300f64, c: i64, d: i64) {
            prop_assert_eq!(number(a).cmp(&number(b)), a.total_cmp(&b));
            prop_assert_eq!(integer(c).cmp(&integer(d)), c.cmp(&d));
        }
    }

    #[test]
    fn zero_is_zero() {
        assert_eq!(number(-0.0), number(0.0));
        assert!(number(-1.0) < number(0.0) && number(0.0) < number(f64::MIN_POSITIVE));
    }

    #[test]
    fn a_word_is_read_as_it_was_written() {
        assert_eq!(word_and_tag(word("name", "ada").as_bytes()), Some((b"ada".as_slice(), "name")));
        assert_eq!(word_and_tag(fact("name", "p").as_bytes()), None);
    }

    #[test]
    fn what_is_long_is_cut_between_letters() {
        assert_eq!(cut("short"), ("short", true));
        let long = "ä".repeat(CUT_BYTES);
        assert_eq!(cut(&long), ("ä".repeat(CUT_BYTES / 2).as_str(), false));
    }
}
