//! Laws of what reads text from outside: for the fuzzers in `fuzz/`, and for the seeds that they left, which the tests try again.
//! Compiled for these two only.
//!
//! Each takes whatever bytes and panics where a law is broken.

use serde_json::Value;

use crate::{adf, wiki};

/// Bytes of a document to one of its text, at most: each sign may be a cell, or have all marks.
const GROWTH: usize = 256;
/// Words that say how the line goes on.
const SIGNS: [&str; 7] = ["h1", "h2", "h3", "h4", "h5", "h6", "bq"];

/// Wiki text that a client posts, as a document and back; and a document that one posts, as wiki text and back.
pub fn wiki_parser(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let document = wiki::to_adf(&text);
    assert_eq!(adf::check(&document), Ok(()), "what is read is no document");
    assert!(document.to_string().len() <= GROWTH * (text.len() + 1), "a document out of proportion");
    // Macros have arguments, links have addresses; all else is text.
    if !text.contains(['{', '[']) {
        let plain = adf::plain_text(&document);
        assert!(words(&text).filter(|word| !SIGNS.contains(word)).all(|word| plain.contains(word)), "a word is lost");
    }
    written(&document);
    if let Ok(posted) = serde_json::from_slice::<Value>(data)
        && adf::check(&posted).is_ok()
    {
        written(&posted);
    }
}

/// What is written of a document has its words, and is a document again.
fn written(document: &Value) {
    let wiki = wiki::from_adf(document);
    let mut texts = Vec::new();
    gather(document, &mut texts);
    assert!(texts.iter().flat_map(|text| words(text)).all(|word| wiki.contains(word)), "a word is lost in writing");
    assert_eq!(adf::check(&wiki::to_adf(&wiki)), Ok(()), "what is written is no document");
}

fn gather<'a>(node: &'a Value, texts: &mut Vec<&'a str>) {
    if node.get("type").is_some_and(|kind| kind == "text") {
        texts.extend(node.get("text").and_then(Value::as_str));
    }
    for child in node.get("content").and_then(Value::as_array).into_iter().flatten() {
        gather(child, texts);
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|sign: char| !sign.is_alphanumeric()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    #[test]
    fn what_the_fuzzers_found() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/wiki_parser");
        let mut tried = 0;
        for entry in std::fs::read_dir(&folder).unwrap() {
            super::wiki_parser(&std::fs::read(entry.unwrap().path()).unwrap());
            tried += 1;
        }
        assert!(tried > 0, "{} is empty", folder.display());
    }
}
