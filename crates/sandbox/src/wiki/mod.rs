//! Jira's wiki markup: to a document and back, as service management's API and old issues need it.
//!
//! Every word of the text is in the document: what is not understood stays as it was written.
//! Start reading at [`to_adf`].

mod inline;
mod write;

use serde_json::{Value, json};

use inline::inline;
pub(crate) use write::from_adf;

/// Depth of lists within lists.
const MAX_DEPTH: usize = 6;
/// Quotes and panels within such beyond this stay as text: whoever writes thousands must not take the stack.
const MAX_BLOCKS: usize = 6;
/// Macros that make blocks.
const MACROS: [&str; 4] = ["code", "noformat", "quote", "panel"];
/// Those with no blocks in them.
const LEAVES: [&str; 2] = ["code", "noformat"];

/// Wiki text as a document.
pub(crate) fn to_adf(text: &str) -> Value {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = text.split('\n').collect();
    json!({"type": "doc", "version": 1, "content": blocks(&lines, Place::Top, 0)})
}

/// Where blocks stand: quotes take fewer kinds than the top.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Top,
    Quote,
}

fn blocks(lines: &[&str], place: Place, depth: usize) -> Vec<Value> {
    let mut out = Vec::new();
    let mut paragraph: Vec<String> = Vec::new();
    let mut at = 0;
    // A line goes on behind a block that ends within it.
    let mut behind: Option<&str> = None;
    while let Some(line) = behind.take().or_else(|| lines.get(at).copied()) {
        let following = lines.get(at + 1..).unwrap_or_default();
        if let Some(block) = macro_block(line, following, place, depth) {
            if !block.before.trim().is_empty() {
                paragraph.push(block.before.to_owned());
            }
            flush(&mut paragraph, &mut out);
            out.extend(block.made);
            at += block.used;
            if block.after.trim().is_empty() {
                at += 1;
            } else {
                behind = Some(block.after);
            }
            continue;
        }
        let rest = std::iter::once(line).chain(following.iter().copied());
        let trimmed = line.trim();
        if trimmed.is_empty() {
            flush(&mut paragraph, &mut out);
            at += 1;
        } else if let Some((level, title)) = heading(trimmed) {
            flush(&mut paragraph, &mut out);
            let content = inline(title, &[]);
            out.push(match place {
                Place::Top => {
                    json!({"type": "heading", "attrs": {"level": level}, "content": content})
                }
                Place::Quote => json!({"type": "paragraph", "content": content}),
            });
            at += 1;
        } else if let Some(quoted) = trimmed.strip_prefix("bq. ") {
            flush(&mut paragraph, &mut out);
            let inner = json!({"type": "paragraph", "content": inline(quoted, &[])});
            out.push(match place {
                Place::Top => json!({"type": "blockquote", "content": [inner]}),
                Place::Quote => inner,
            });
            at += 1;
        } else if trimmed == "----" && place == Place::Top {
            flush(&mut paragraph, &mut out);
            out.push(json!({"type": "rule"}));
            at += 1;
        } else if marker(line).is_some() {
            flush(&mut paragraph, &mut out);
            let items: Vec<(String, String)> = rest.map_while(marker).collect();
            at += items.len();
            out.extend(list(&items, 1));
        } else if trimmed.starts_with('|') && trimmed.len() > 1 && place == Place::Top {
            flush(&mut paragraph, &mut out);
            let rows: Vec<&str> = rest.map(str::trim).take_while(|l| l.starts_with('|')).collect();
            at += rows.len();
            out.push(json!({"type": "table", "content": rows.iter().map(|r| row(r)).collect::<Vec<_>>()}));
        } else {
            paragraph.push(line.to_owned());
            at += 1;
        }
    }
    flush(&mut paragraph, &mut out);
    if place == Place::Quote && out.is_empty() {
        out.push(json!({"type": "paragraph", "content": []}));
    }
    out
}

fn flush(paragraph: &mut Vec<String>, out: &mut Vec<Value>) {
    if paragraph.is_empty() {
        return;
    }
    let mut content = Vec::new();
    for (at, line) in paragraph.drain(..).enumerate() {
        if at > 0 {
            content.push(json!({"type": "hardBreak"}));
        }
        content.extend(inline(line.trim_end(), &[]));
    }
    out.push(json!({"type": "paragraph", "content": content}));
}

fn heading(line: &str) -> Option<(u8, &str)> {
    let rest = line.strip_prefix('h')?;
    let level = rest.bytes().next().filter(|b| (b'1'..=b'6').contains(b))? - b'0';
    let title = rest.get(1..)?.strip_prefix('.')?.trim();
    (!title.is_empty()).then_some((level, title))
}

/// The marker of a list item (`*`, `##`, `-`), and its text.
fn marker(line: &str) -> Option<(String, String)> {
    let line = line.trim_start();
    let end = line.find(|c: char| !matches!(c, '*' | '#' | '-'))?;
    let (marker, rest) = line.split_at(end);
    let text = rest.strip_prefix(' ')?.trim();
    let good = !marker.is_empty() && marker.len() <= MAX_DEPTH && !text.is_empty() && marker != "--" && marker != "---";
    good.then(|| (marker.to_owned(), text.to_owned()))
}

fn list(items: &[(String, String)], depth: usize) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::new();
    let mut at = 0;
    while let Some((first, _)) = items.get(at) {
        let kind = if first.chars().nth(depth - 1).or(first.chars().last()) == Some('#') {
            "orderedList"
        } else {
            "bulletList"
        };
        let mut content = Vec::new();
        while let Some((own, text)) = items.get(at) {
            let same = own.chars().nth(depth - 1).or(own.chars().last());
            let ordered = same == Some('#');
            if ordered != (kind == "orderedList") {
                break;
            }
            at += 1;
            let deeper = items.get(at..).unwrap_or_default().iter().take_while(|(m, _)| m.len() > depth).count();
            let mut item = vec![json!({"type": "paragraph", "content": inline(text, &[])})];
            let nested = items.get(at..at + deeper).unwrap_or_default();
            if !nested.is_empty() {
                item.extend(list(nested, depth + 1));
            }
            at += deeper;
            content.push(json!({"type": "listItem", "content": item}));
        }
        out.push(json!({"type": kind, "content": content}));
    }
    out
}

fn row(line: &str) -> Value {
    let header = line.starts_with("||");
    let (separator, kind) = if header { ("||", "tableHeader") } else { ("|", "tableCell") };
    let inner = line.trim_matches('|');
    let cells: Vec<Value> = split_cells(inner, separator)
        .iter()
        .map(|cell| {
            let content = inline(cell.trim(), &[]);
            json!({"type": kind, "attrs": {}, "content": [{"type": "paragraph", "content": content}]})
        })
        .collect();
    json!({"type": "tableRow", "content": cells})
}

/// Cells, but not at the bars of links.
fn split_cells(line: &str, separator: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut depth = 0usize;
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        if depth == 0
            && let Some(after) = rest.strip_prefix(separator)
        {
            cells.push(String::new());
            rest = after;
            continue;
        }
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if let Some(cell) = cells.last_mut() {
            cell.push(c);
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    cells
}

/// What a macro makes.
struct Block<'a> {
    /// The text before it on its first line.
    before: &'a str,
    made: Vec<Value>,
    /// Lines that it takes besides its first.
    used: usize,
    /// The text behind it on its last line.
    after: &'a str,
}

/// A `{code}`, `{noformat}`, `{quote}` or `{panel}` that begins in a line.
fn macro_block<'a>(line: &'a str, following: &[&'a str], place: Place, depth: usize) -> Option<Block<'a>> {
    let known = if depth < MAX_BLOCKS { MACROS.as_slice() } else { LEAVES.as_slice() };
    let (start, name) = opening(line, known)?;
    let (before, tag) = line.split_at(start);
    let close = tag.find('}')?;
    let arguments = tag.get(name.len() + 1..close)?.trim_start_matches(':');
    let closing = format!("{{{name}}}");
    let mut body: Vec<&str> = Vec::new();
    let mut rest = tag.get(close + 1..)?;
    let mut used = 0;
    let after = loop {
        if let Some(end) = rest.find(&closing) {
            body.push(rest.get(..end)?);
            break rest.get(end + closing.len()..)?;
        }
        body.push(rest);
        match following.get(used) {
            Some(&next) => rest = next,
            // Never closed: Jira shows the rest as the block.
            None => break "",
        }
        used += 1;
    };
    let made: Vec<Value> = match name {
        "code" | "noformat" => {
            let block = code(&body, arguments, name == "code");
            title(arguments).into_iter().chain([block]).collect()
        }
        "quote" if place == Place::Top => {
            vec![json!({"type": "blockquote", "content": blocks(&body, Place::Quote, depth + 1)})]
        }
        "panel" if place == Place::Top => {
            let content: Vec<Value> =
                title(arguments).into_iter().chain(blocks(&body, Place::Quote, depth + 1)).collect();
            vec![json!({"type": "panel", "attrs": {"panelType": "info"}, "content": content})]
        }
        _ => blocks(&body, Place::Quote, depth + 1),
    };
    Some(Block { before, made, used, after })
}

/// The first macro of these that opens in a line, and where.
fn opening(line: &str, known: &[&'static str]) -> Option<(usize, &'static str)> {
    line.match_indices('{').find_map(|(at, _)| {
        let tag = line.get(at + 1..)?;
        let opens = |name: &&str| tag.strip_prefix(*name).is_some_and(|rest| rest.starts_with(['}', ':']));
        let name = known.iter().copied().find(opens)?;
        tag.contains('}').then_some((at, name))
    })
}

/// The title of a block, as a paragraph before what it names.
fn title(arguments: &str) -> Option<Value> {
    let mut bare = arguments.split('|').filter(|a| !a.contains('=') && !a.trim().is_empty());
    let named = arguments.split('|').find_map(|a| a.trim().strip_prefix("title="));
    // The first word without a name is the language, a second one the title.
    let title = named.or_else(|| bare.nth(1))?;
    let strong = inline(title, &[json!({"type": "strong"})]);
    Some(json!({"type": "paragraph", "content": strong}))
}

fn code(body: &[&str], arguments: &str, highlighted: bool) -> Value {
    let text = body.join("\n");
    let text = text.trim_matches('\n');
    let language = arguments
        .split('|')
        .map(|a| a.trim().strip_prefix("lang=").unwrap_or(a))
        .find(|a| !a.contains('=') && !a.trim().is_empty())
        .map(|a| a.trim().to_lowercase());
    let content = if text.is_empty() { json!([]) } else { json!([{"type": "text", "text": text}]) };
    match language.filter(|_| highlighted) {
        Some(language) => {
            json!({"type": "codeBlock", "attrs": {"language": language}, "content": content})
        }
        None => json!({"type": "codeBlock", "attrs": {}, "content": content}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adf;

    #[test]
    fn every_form_becomes_a_document() {
        let text = "h2. Steps\n\n* one *bold*\n** deeper\n# first\n# second\n\nbq. said _so_\n\
            {code:java}\nint x = 1; // *not bold*\n{code}\n{quote}\nquoted {{mono}}\n{quote}\n----\n\
            ||A||B||\n|1|[site|https://e.org/a|b]|\nsee https://e.org/x. and -gone-\nlast";
        let doc = to_adf(text);
        assert_eq!(adf::check(&doc), Ok(()), "{doc:#}");
        let kinds: Vec<&str> = doc
            .get("content")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|n| n.get("type").and_then(Value::as_str))
            .collect();
        assert_eq!(
            kinds,
            [
                "heading",
                "bulletList",
                "orderedList",
                "blockquote",
                "codeBlock",
                "blockquote",
                "rule",
                "table",
                "paragraph"
            ]
        );
        let plain = adf::plain_text(&doc);
        for word in ["Steps", "bold", "deeper", "int x = 1; // *not bold*", "mono", "https://e.org/x", "gone", "last"] {
            assert!(plain.contains(word), "{word} is lost in {plain}");
        }
    }

    #[test]
    fn what_is_not_understood_stays() {
        for text in [
            "{color:red}x{color}",
            "a * b * c",
            "snake_case_name",
            "{unknown} !pic.png!",
            "2-3-4 [x",
            "{code} open",
            "*",
        ] {
            let doc = to_adf(text);
            assert_eq!(adf::check(&doc), Ok(()), "{text}: {doc}");
            let words = |t: &str| {
                t.split(|c: char| !c.is_alphanumeric())
                    .filter(|w| !w.is_empty() && *w != "code")
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            assert_eq!(words(&adf::plain_text(&doc)), words(text), "{doc}");
        }
    }

    #[test]
    fn lines_go_on_behind_a_block() {
        let doc = to_adf("before {code}a{code} between {code}b\nc{code} behind\nand on");
        let words = "before\na\nbetween\nb\nc\nbehind\nand on";
        let lines: Vec<String> = adf::plain_text(&doc).lines().map(|line| line.trim().to_owned()).collect();
        assert_eq!(lines.join("\n"), words, "{doc:#}");
        let blocks = doc.get("content").and_then(Value::as_array).map(Vec::len);
        assert_eq!(blocks, Some(5), "{doc:#}");
    }

    /// Each text is as long as a comment may be, and is read with less stack than a request has.
    #[test]
    fn however_often_something_is_said() {
        for form in
            ["{quote:}", "{panel:}", "{panel:}{quote:}", "{code}{code}", "{quote}{quote}", "[", "*_-+", "|", "* "]
        {
            let text = form.repeat(adf::MAX_TEXT / form.len());
            let reading = std::thread::Builder::new().stack_size(512 * 1024).spawn(move || {
                let doc = to_adf(&text);
                (adf::check(&doc), from_adf(&doc).len())
            });
            let read = reading.map(std::thread::JoinHandle::join);
            assert!(matches!(read, Ok(Ok((Ok(()), _)))), "{form}: {read:?}");
        }
    }

    #[test]
    fn text_survives_there_and_back() {
        for text in [
            "plain",
            "*bold* and _em_",
            "one\ntwo\n\nthree",
            "* a\n* b",
            "{code:rust}\nfn x() {}\n{code}",
            "[site|https://e.org]",
        ] {
            assert_eq!(from_adf(&to_adf(text)), text);
        }
    }
}
