//! Text as it is compared: without regard to case, accents and runs of spaces; and its words.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;
use zeroize::Zeroizing;

/// The form in which two texts are the same: `Ærø  STRASSE` and `ærø straße` are, `Müller` and `muller` too.
pub(crate) fn fold(text: &str) -> Zeroizing<String> {
    let folded: Zeroizing<String> =
        Zeroizing::new(caseless::default_case_fold_str(text).nfkd().filter(|c| !is_combining_mark(*c)).collect());
    let mut spaced = Zeroizing::new(String::with_capacity(folded.len()));
    for word in folded.split_whitespace() {
        if !spaced.is_empty() {
            spaced.push(' ');
        }
        spaced.push_str(word);
    }
    spaced
}

/// One word that is looked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Word {
    folded: String,
    /// Written with `*` behind: any word that begins so.
    begins: bool,
}

/// The words of what is looked for. A `*` behind a word stands for any ending.
pub(crate) fn wanted_words(text: &str) -> Vec<Word> {
    let folded = fold(text);
    let mut words: Vec<Word> = Vec::new();
    for part in folded.split_word_bounds() {
        match (part, words.last_mut()) {
            ("*", Some(word)) => word.begins = true,
            _ if part.chars().any(char::is_alphanumeric) => {
                words.extend(within(part).map(|word| Word { folded: word.to_owned(), begins: false }));
            }
            _ => {}
        }
    }
    words
}

impl Word {
    /// As it is looked for, and whether it may go on.
    pub(crate) fn parts(&self) -> (&str, bool) {
        (&self.folded, self.begins)
    }
}

/// The words of a text, as they are found by.
pub(crate) fn words(folded: &str) -> impl Iterator<Item = &str> {
    folded.unicode_words().flat_map(within)
}

/// What Unicode takes for one word still holds parts that people look for by themselves: `anna.schmidt@example.com`.
fn within(word: &str) -> impl Iterator<Item = &str> {
    word.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty())
}

/// Whether each word is one of the text's, in whatever order.
pub(crate) fn contains(text: &str, wanted: &[Word]) -> bool {
    let folded = fold(text);
    let words: Vec<&str> = words(&folded).collect();
    wanted.iter().all(|wanted| {
        words.iter().any(|word| if wanted.begins { word.starts_with(&wanted.folded) } else { *word == wanted.folded })
    })
}

/// Of what may have been meant, what is most like `text`; none if nothing is much like it.
pub(crate) fn nearest<'n>(text: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    /// Below this, two names have little in common.
    const ALIKE: f64 = 0.6;
    let wanted = fold(text);
    let alike = |name: &str| {
        let folded = fold(name);
        if folded.starts_with(wanted.as_str()) && wanted.chars().count() >= 3 {
            return 0.95;
        }
        strsim::normalized_damerau_levenshtein(&wanted, &folded)
    };
    names
        .map(|name| (alike(name), name))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
