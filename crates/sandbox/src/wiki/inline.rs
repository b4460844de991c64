//! Marks within a line of wiki text.

use serde_json::{Value, json};

/// Nested marks beyond this stay as text.
const MAX_MARKS: usize = 4;

/// The inline nodes of a line.
pub(super) fn inline(text: &str, marks: &[Value]) -> Vec<Value> {
    let mut out = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    let mut before: Option<char> = None;
    while let Some(c) = rest.chars().next() {
        if let Some((node, used)) = special(rest, before, marks) {
            push_text(&mut out, &mut plain, marks);
            out.extend(node);
            before = rest.get(..used).and_then(|t| t.chars().last());
            rest = rest.get(used..).unwrap_or_default();
            continue;
        }
        plain.push(c);
        before = Some(c);
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    push_text(&mut out, &mut plain, marks);
    out
}

fn push_text(out: &mut Vec<Value>, plain: &mut String, marks: &[Value]) {
    if plain.is_empty() {
        return;
    }
    out.push(node(&std::mem::take(plain), marks));
}

fn node(text: &str, marks: &[Value]) -> Value {
    if marks.is_empty() {
        json!({"type": "text", "text": text})
    } else {
        json!({"type": "text", "text": text, "marks": marks})
    }
}

/// What begins here, and how many bytes it takes.
fn special(rest: &str, before: Option<char>, marks: &[Value]) -> Option<(Vec<Value>, usize)> {
    if rest.starts_with("\\\\") {
        return Some((vec![json!({"type": "hardBreak"})], 2));
    }
    if let Some(inner) = rest.strip_prefix("{{") {
        let end = inner.find("}}").filter(|end| *end > 0)?;
        let text = inner.get(..end)?;
        // Code takes no other mark than a link.
        let kept: Vec<Value> = marks
            .iter()
            .filter(|m| m.get("type").and_then(Value::as_str) == Some("link"))
            .cloned()
            .chain([json!({"type": "code"})])
            .collect();
        return Some((vec![node(text, &kept)], end + 4));
    }
    if rest.starts_with('[') {
        return link(rest, marks);
    }
    let word_before = before.is_some_and(char::is_alphanumeric);
    if !word_before && (rest.starts_with("http://") || rest.starts_with("https://")) {
        let end = rest.find(|c: char| c.is_whitespace() || "|]}<>\"".contains(c)).unwrap_or(rest.len());
        let url = rest.get(..end)?.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '*', '_']);
        return Some((vec![node(url, &linked(marks, url))], url.len()));
    }
    delimited(rest, word_before, marks)
}

fn linked(marks: &[Value], url: &str) -> Vec<Value> {
    let mut all: Vec<Value> =
        marks.iter().filter(|m| m.get("type").and_then(Value::as_str) != Some("link")).cloned().collect();
    all.push(json!({"type": "link", "attrs": {"href": url}}));
    all
}

/// `[text|url]`, `[url]`, `[~person]`.
fn link(rest: &str, marks: &[Value]) -> Option<(Vec<Value>, usize)> {
    let end = rest.find(']')?;
    let inner = rest.get(1..end)?;
    if let Some(person) = inner.strip_prefix('~') {
        let id = person.strip_prefix("accountid:").unwrap_or(person);
        let mention = json!({"type": "mention", "attrs": {"id": id, "text": format!("@{id}")}});
        return (!id.is_empty()).then_some((vec![mention], end + 1));
    }
    let (title, url) = match inner.split_once('|') {
        Some((title, url)) => (title, url.split('|').next().unwrap_or(url)),
        None => (inner, inner),
    };
    let good = ["http://", "https://", "mailto:", "ftp://"].iter().any(|p| url.starts_with(p));
    if !good || title.is_empty() {
        return None;
    }
    Some((inline_without_links(title, &linked(marks, url)), end + 1))
}

fn inline_without_links(text: &str, marks: &[Value]) -> Vec<Value> {
    vec![node(text, marks)]
}

fn delimited(rest: &str, word_before: bool, marks: &[Value]) -> Option<(Vec<Value>, usize)> {
    let delimiter = rest.chars().next()?;
    let mark = match delimiter {
        '*' => json!({"type": "strong"}),
        '_' => json!({"type": "em"}),
        '-' => json!({"type": "strike"}),
        '+' => json!({"type": "underline"}),
        _ => return None,
    };
    if word_before || marks.len() >= MAX_MARKS || marks.contains(&mark) {
        return None;
    }
    let inner = rest.get(1..)?;
    if inner.starts_with(|c: char| c.is_whitespace() || c == delimiter) {
        return None;
    }
    let end = inner.match_indices(delimiter).map(|(at, _)| at).find(|at| {
        let before = inner.get(..*at).and_then(|t| t.chars().last());
        let after = inner.get(at + 1..).and_then(|t| t.chars().next());
        *at > 0
            && before.is_some_and(|c| !c.is_whitespace())
            && after.is_none_or(|c| !c.is_alphanumeric() && c != delimiter)
    })?;
    let all: Vec<Value> = marks.iter().cloned().chain([mark]).collect();
    Some((inline(inner.get(..end)?, &all), end + 2))
}
