//! What people write in comments: one document type, to and from the form that the host keeps it in.
//!
//! Only this room knows Atlassian's document format. Reading keeps every text, also inside of what is not known;
//! writing makes nothing that the format does not allow. Start at [`Document`].

mod adf;
mod wiki;

use kernel::AccountId;
use url::Url;

/// A document: blocks, one after the other. Somebody's words: it has no `Debug` outside of this room's tests.
#[derive(Clone, Default, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct Document(pub Vec<Block>);

/// A block.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub enum Block {
    /// A paragraph.
    Paragraph(Vec<Inline>),
    /// A heading of level 1 to 6.
    Heading(u8, Vec<Inline>),
    /// A list, with bullets or numbers.
    List {
        /// Whether it is numbered.
        ordered: bool,
        /// Its items.
        items: Vec<Vec<Block>>,
    },
    /// Code, with its language if told.
    Code {
        /// The language.
        language: Option<String>,
        /// The text.
        text: String,
    },
    /// Somebody else's words.
    Quote(Vec<Block>),
    /// A line across.
    Rule,
}

/// Something within a line.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub enum Inline {
    /// Text.
    Text(String, Marks),
    /// A person, and the name that was shown.
    Mention(AccountId, String),
    /// A new line.
    Break,
}

/// How text looks, and where it leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Bold.
    pub strong: bool,
    /// Italic.
    pub em: bool,
    /// Struck through.
    pub strike: bool,
    /// Underlined.
    pub underline: bool,
    /// Code; goes with a link only.
    pub code: bool,
    /// Where it leads: http, https or mailto.
    pub link: Option<Url>,
}

impl Document {
    /// Plain text: an empty line begins a paragraph, a line's end is kept.
    pub fn from_text(text: &str) -> Self {
        let text = text.replace("\r\n", "\n");
        let paragraph = |lines: &str| {
            let mut inline = Vec::new();
            for (at, line) in lines.trim_matches('\n').split('\n').enumerate() {
                if at > 0 {
                    inline.push(Inline::Break);
                }
                if !line.is_empty() {
                    inline.push(Inline::Text(line.to_owned(), Marks::default()));
                }
            }
            Block::Paragraph(inline)
        };
        Self(text.split("\n\n").filter(|part| !part.trim().is_empty()).map(paragraph).collect())
    }

    /// The same below a first line.
    #[must_use]
    pub fn below(&self, line: &str) -> Self {
        let first = Block::Paragraph(vec![Inline::Text(line.to_owned(), Marks::default())]);
        Self(std::iter::once(first).chain(self.0.iter().cloned()).collect())
    }

    /// All text, blocks on lines of their own.
    pub fn text(&self) -> String {
        let mut text = String::new();
        blocks_text(&self.0, &mut text);
        text
    }

    /// The people mentioned, in order, each once.
    pub fn mentions(&self) -> Vec<&AccountId> {
        let mut found = Vec::new();
        mentioned(&self.0, &mut found);
        found
    }
}

fn blocks_text(blocks: &[Block], text: &mut String) {
    for block in blocks {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        match block {
            Block::Paragraph(inline) | Block::Heading(_, inline) => {
                for part in inline {
                    match part {
                        Inline::Text(part, _) | Inline::Mention(_, part) => text.push_str(part),
                        Inline::Break => text.push('\n'),
                    }
                }
            }
            Block::List { items, .. } => items.iter().for_each(|item| blocks_text(item, text)),
            Block::Code { text: code, .. } => text.push_str(code),
            Block::Quote(inner) => blocks_text(inner, text),
            Block::Rule => {}
        }
    }
}

fn mentioned<'a>(blocks: &'a [Block], found: &mut Vec<&'a AccountId>) {
    for block in blocks {
        match block {
            Block::Paragraph(inline) | Block::Heading(_, inline) => {
                for part in inline {
                    if let Inline::Mention(account, _) = part
                        && !found.contains(&account)
                    {
                        found.push(account);
                    }
                }
            }
            Block::List { items, .. } => items.iter().for_each(|item| mentioned(item, found)),
            Block::Quote(inner) => mentioned(inner, found),
            Block::Code { .. } | Block::Rule => {}
        }
    }
}
