//! A document as wiki text, as service management's API answers it.

use serde_json::Value;

use crate::adf;

/// The wiki text of a document.
pub(crate) fn from_adf(doc: &Value) -> String {
    let mut out = String::new();
    for block in children(doc) {
        if !out.is_empty() {
            out.push_str("\n\n");
        }
        out.push_str(&written(block));
    }
    out
}

fn children(node: &Value) -> impl Iterator<Item = &Value> {
    node.get("content").and_then(Value::as_array).into_iter().flatten()
}

fn kind(node: &Value) -> &str {
    node.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn written(node: &Value) -> String {
    let attribute = |name: &str| node.pointer(&format!("/attrs/{name}"));
    let within = |node: &Value| children(node).map(written).collect::<Vec<_>>().join("\n");
    match kind(node) {
        "paragraph" => spans(node),
        "heading" => {
            let level = attribute("level").and_then(Value::as_u64).unwrap_or(1);
            format!("h{level}. {}", spans(node))
        }
        "codeBlock" => {
            let language = attribute("language").and_then(Value::as_str);
            let tag = language.map(|l| format!(":{l}")).unwrap_or_default();
            format!("{{code{tag}}}\n{}\n{{code}}", adf::plain_text(node))
        }
        "blockquote" => format!("{{quote}}\n{}\n{{quote}}", within(node)),
        "panel" => format!("{{panel}}\n{}\n{{panel}}", within(node)),
        "rule" => "----".to_owned(),
        "bulletList" => items(node, "*"),
        "orderedList" => items(node, "#"),
        "table" => children(node).map(row).collect::<Vec<_>>().join("\n"),
        _ => adf::plain_text(node),
    }
}

fn items(list: &Value, marker: &str) -> String {
    let mut lines = Vec::new();
    for item in children(list) {
        for (at, part) in children(item).enumerate() {
            match kind(part) {
                "bulletList" => lines.push(items(part, &format!("{marker}*"))),
                "orderedList" => lines.push(items(part, &format!("{marker}#"))),
                _ if at == 0 => lines.push(format!("{marker} {}", written(part))),
                _ => lines.push(written(part)),
            }
        }
    }
    lines.join("\n")
}

fn row(row: &Value) -> String {
    let header = children(row).any(|cell| kind(cell) == "tableHeader");
    let bar = if header { "||" } else { "|" };
    let cells: Vec<String> =
        children(row).map(|cell| children(cell).map(written).collect::<Vec<_>>().join(" ")).collect();
    format!("{bar}{}{bar}", cells.join(bar))
}

fn spans(node: &Value) -> String {
    children(node).map(span).collect()
}

fn span(node: &Value) -> String {
    if kind(node) != "text" {
        if kind(node) == "mention" {
            let id = node.pointer("/attrs/id").and_then(Value::as_str).unwrap_or_default();
            return format!("[~accountid:{id}]");
        }
        return if kind(node) == "hardBreak" { "\n".to_owned() } else { adf::plain_text(node) };
    }
    let mut text = node.get("text").and_then(Value::as_str).unwrap_or_default().to_owned();
    for mark in node.get("marks").and_then(Value::as_array).into_iter().flatten() {
        text = match kind(mark) {
            "strong" => format!("*{text}*"),
            "em" => format!("_{text}_"),
            "strike" => format!("-{text}-"),
            "underline" => format!("+{text}+"),
            "code" => format!("{{{{{text}}}}}"),
            "link" => {
                let href = mark.pointer("/attrs/href").and_then(Value::as_str).unwrap_or_default();
                if href == text { text } else { format!("[{text}|{href}]") }
            }
            _ => text,
        };
    }
    text
}
