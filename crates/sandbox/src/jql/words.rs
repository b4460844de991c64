//! What `~` looks for: words, `"phrases"`, and `*` at the end of a word.

/// A text to look for: every part must be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Word(String),
    Prefix(String),
    Phrase(Vec<String>),
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Jira's sentence for a pattern that begins with a wildcard or says nothing.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        for (at, piece) in text.to_lowercase().split('"').enumerate() {
            if at % 2 == 1 {
                parts.push(Part::Phrase(words(piece).map(str::to_owned).collect()));
                continue;
            }
            for word in piece.split_whitespace() {
                if word.starts_with(['*', '?']) {
                    return Err(format!(
                        "The text query '{text}' is not allowed to start with '{}'.",
                        word.chars().next().unwrap_or('*')
                    ));
                }
                match word.strip_suffix('*') {
                    Some(prefix) => parts.push(Part::Prefix(prefix.to_owned())),
                    None => parts.extend(words(word).map(|w| Part::Word(w.to_owned()))),
                }
            }
        }
        if parts.is_empty() {
            return Err(format!("The text query '{text}' is not valid."));
        }
        Ok(Self(parts))
    }

    /// Whether every part is found in a lower-case text.
    pub(super) fn found_in(&self, text: &str) -> bool {
        self.0.iter().all(|part| match part {
            Part::Word(word) => text.contains(word.as_str()) && words(text).any(|w| w == word),
            Part::Prefix(prefix) => words(text).any(|w| w.starts_with(prefix.as_str())),
            Part::Phrase(phrase) => {
                let all: Vec<&str> = words(text).collect();
                phrase.is_empty() || all.windows(phrase.len()).any(|window| window == phrase)
            }
        })
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty())
}
