//! Documents as the wiki text that Data Center keeps. Written only: what people wrote there is read as plain text, with its
//! marks as they stand.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::{Block, Document, Inline, Marks};

/// Signs that mean something in wiki text, wherever they stand.
const SIGNS: [char; 14] = ['\\', '*', '_', '-', '+', '^', '~', '?', '{', '}', '[', ']', '!', '|'];

/// What would end a link early, or begin something in it. An address stays the same with these written as their bytes.
const IN_LINK: AsciiSet =
    CONTROLS.add(b' ').add(b'{').add(b'}').add(b'[').add(b']').add(b'|').add(b'!').add(b'\\').add(b'^');

fn escaped(text: &str) -> String {
    let mut wiki = String::with_capacity(text.len());
    for (at, sign) in text.chars().enumerate() {
        // A line that begins with these would be a list, a quote or a heading's like.
        if SIGNS.contains(&sign) || (at == 0 && sign == '#') {
            wiki.push('\\');
        }
        wiki.push(sign);
    }
    wiki
}

fn marked(text: &str, marks: &Marks) -> String {
    let mut wiki = escaped(text);
    if marks.code {
        wiki = format!("{{{{{wiki}}}}}");
    }
    let around = [(marks.strong, "*"), (marks.em, "_"), (marks.strike, "-"), (marks.underline, "+")];
    for (_, sign) in around.into_iter().filter(|(wanted, _)| *wanted) {
        wiki = format!("{{{sign}}}{wiki}{{{sign}}}", sign = sign);
    }
    match &marks.link {
        Some(url) => format!("[{wiki}|{}]", utf8_percent_encode(url.as_str(), &IN_LINK)),
        None => wiki,
    }
}

fn inline(parts: &[Inline]) -> String {
    parts
        .iter()
        .map(|part| match part {
            Inline::Text(text, marks) => marked(text, marks),
            // Data Center would want a name to sign in with; what was shown says who is meant.
            Inline::Mention(_, shown) => escaped(shown),
            Inline::Break => "\n".to_owned(),
        })
        .collect()
}

fn blocks(all: &[Block], bullets: &str, wiki: &mut Vec<String>) {
    for block in all {
        match block {
            Block::Paragraph(parts) => wiki.push(inline(parts)),
            Block::Heading(level, parts) => wiki.push(format!("h{}. {}", level.clamp(&1, &6), inline(parts))),
            Block::List { ordered, items } => {
                let bullets = format!("{bullets}{}", if *ordered { '#' } else { '*' });
                let mut lines = Vec::new();
                for item in items {
                    let mut parts = Vec::new();
                    blocks(item, &bullets, &mut parts);
                    for (at, part) in parts.into_iter().enumerate() {
                        // An item's first block stands behind its bullets; a list within brings its own.
                        let own = at == 0
                            && !part.starts_with(&format!("{bullets}*"))
                            && !part.starts_with(&format!("{bullets}#"));
                        lines.push(if own { format!("{bullets} {}", part.replace('\n', " ")) } else { part });
                    }
                }
                wiki.push(lines.join("\n"));
            }
            Block::Code { language, text } => {
                let language = language.as_deref().filter(|name| name.chars().all(|sign| sign.is_ascii_alphanumeric()));
                let named = language.map(|name| format!(":{name}")).unwrap_or_default();
                // The one thing that would end it early.
                let text = text.replace("{code", "{ code");
                wiki.push(format!("{{code{named}}}\n{text}\n{{code}}"));
            }
            Block::Quote(inner) => {
                let mut parts = Vec::new();
                blocks(inner, "", &mut parts);
                wiki.push(format!("{{quote}}\n{}\n{{quote}}", parts.join("\n\n")));
            }
            Block::Rule => wiki.push("----".to_owned()),
        }
    }
}

impl Document {
    /// As wiki text.
    pub(crate) fn to_wiki(&self) -> String {
        let mut wiki = Vec::new();
        blocks(&self.0, "", &mut wiki);
        wiki.join("\n\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_as_wiki_text() {
        #[track_caller]
        fn check(blocks: Vec<Block>, expected: &str) {
            assert_eq!(Document(blocks).to_wiki(), expected);
        }
        let text = |text: &str| Inline::Text(text.to_owned(), Marks::default());
        let line = |words: &str| Block::Paragraph(vec![text(words)]);
        check(vec![line("Good day"), line("and *more*")], "Good day\n\nand \\*more\\*");
        check(vec![line("# not a list")], "\\# not a list");
        check(vec![Block::Paragraph(vec![text("a"), Inline::Break, text("{code}")])], "a\n\\{code\\}");
        let link = Marks { link: "https://a.example/?b={code}]|c%20d".parse().ok(), ..Marks::default() };
        let linked = vec![Block::Paragraph(vec![Inline::Text("here".to_owned(), link)])];
        check(linked, "[here|https://a.example/?b=%7Bcode%7D%5D%7Cc%20d]");
        let strong = Marks { strong: true, em: true, ..Marks::default() };
        check(vec![Block::Paragraph(vec![Inline::Text("loud".to_owned(), strong)])], "{_}{*}loud{*}{_}");
        let items =
            vec![vec![line("one"), Block::List { ordered: true, items: vec![vec![line("in")]] }], vec![line("two")]];
        check(vec![Block::List { ordered: false, items }], "* one\n*# in\n* two");
        let code = Block::Code { language: Some("rust".to_owned()), text: "a {code} b".to_owned() };
        check(vec![Block::Heading(2, vec![text("Head")]), code], "h2. Head\n\n{code:rust}\na { code} b\n{code}");
        check(vec![Block::Quote(vec![line("said")]), Block::Rule], "{quote}\nsaid\n{quote}\n\n----");
        check(Document::from_text("one\ntwo\n\nthree").0, "one\ntwo\n\nthree");
    }
}
