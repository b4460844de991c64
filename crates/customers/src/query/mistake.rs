//! What is wrong with a query: where, why, what may stand there, and what may have been meant. A mistake quotes nothing
//! of the query; only its suggestion holds words of the tenant's, and those leave through an audited exit.

use vault::Exit;
use zeroize::Zeroizing;

use super::ast::Span;

/// What may stand at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Expected {
    Field,
    Operator,
    Value,
    List,
    Empty,
    Moment,
    Person,
    History,
    Junction,
    Order,
    Direction,
    Comma,
    Close,
    End,
}

impl Expected {
    /// In words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Field => "a field",
            Self::Operator => "an operator",
            Self::Value => "a value",
            Self::List => "a list in parentheses",
            Self::Empty => "EMPTY",
            Self::Moment => "a date",
            Self::Person => "a person",
            Self::History => "BEFORE, AFTER, ON, DURING or BY",
            Self::Junction => "AND or OR",
            Self::Order => "ORDER BY",
            Self::Direction => "ASC or DESC",
            Self::Comma => "a comma",
            Self::Close => "a closing parenthesis",
            Self::End => "the end",
        }
    }
}

/// One mistake.
#[derive(Clone, Debug)]
pub(crate) struct Mistake {
    /// Stable code.
    pub(crate) code: &'static str,
    /// Where, in bytes of the query.
    pub(crate) span: Span,
    /// What to do, in a sentence.
    pub(crate) detail: String,
    /// What may stand there.
    pub(crate) expected: Vec<Expected>,
    /// The bound that was passed.
    pub(crate) limit: Option<usize>,
    suggestion: Option<Zeroizing<String>>,
}

impl Mistake {
    pub(crate) fn new(code: &'static str, span: Span, detail: impl Into<String>) -> Self {
        Self { code, span, detail: detail.into(), expected: Vec::new(), limit: None, suggestion: None }
    }

    /// Adds what may have been meant, as it would stand in the query.
    #[must_use]
    pub(crate) fn meant(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion.map(Zeroizing::new);
        self
    }

    #[must_use]
    pub(crate) fn expecting(mut self, expected: Vec<Expected>) -> Self {
        self.expected = expected;
        self
    }

    #[must_use]
    pub(crate) fn limited(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// What may have been meant; it names things of the tenant's.
    pub(crate) fn suggestion(&self, _exit: &Exit) -> Option<String> {
        self.suggestion.as_ref().map(|suggestion| suggestion.as_str().to_owned())
    }

    #[cfg(test)]
    pub(crate) fn meaning(&self) -> Option<&str> {
        self.suggestion.as_ref().map(|suggestion| suggestion.as_str())
    }
}

/// A place as editors of text count it: UTF-16 code units before `byte`, as JavaScript, Java and the language server
/// protocol do.
pub(crate) fn utf16(text: &str, byte: usize) -> usize {
    text.char_indices().take_while(|(at, _)| *at < byte).map(|(_, c)| c.len_utf16()).sum()
}

/// The byte at which so many UTF-16 code units are passed; the end if there are fewer.
pub(crate) fn byte_at(text: &str, utf16: usize) -> usize {
    let mut passed = 0;
    for (at, c) in text.char_indices() {
        if passed >= utf16 {
            return at;
        }
        passed += c.len_utf16();
    }
    text.len()
}
