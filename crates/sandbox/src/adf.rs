//! Atlassian Document Format as far as a Jira needs it: refusing what is no document, reading it as
//! plain text, and making one from text.
//!
//! The structural check is the sandbox's own (Jira's words for refusals); it must never accept a
//! node that the format does not have.

use serde_json::{Map, Value, json};

/// Depth at which a document is refused; Jira has a limit of this order.
const MAX_DEPTH: usize = 50;

/// Longest text of a comment or description, in characters.
pub(crate) const MAX_TEXT: usize = 32_767;

/// A document of plain paragraphs, one for each block of lines; single line ends become breaks.
#[must_use]
pub(crate) fn from_text(text: &str) -> Value {
    let text = text.replace("\r\n", "\n");
    let content: Vec<Value> = text
        .split("\n\n")
        .filter(|block| !block.trim().is_empty())
        .map(|block| {
            let mut inline = Vec::new();
            for (at, line) in block.trim_matches('\n').split('\n').enumerate() {
                if at > 0 {
                    inline.push(json!({"type": "hardBreak"}));
                }
                if !line.is_empty() {
                    inline.push(json!({"type": "text", "text": line}));
                }
            }
            json!({"type": "paragraph", "content": inline})
        })
        .collect();
    json!({"type": "doc", "version": 1, "content": content})
}

/// The text of a document; blocks are separated by line ends.
#[must_use]
pub(crate) fn plain_text(doc: &Value) -> String {
    let mut out = String::new();
    collect(doc, &mut out);
    out.trim_end().to_owned()
}

fn collect(node: &Value, out: &mut String) {
    let kind = node.get("type").and_then(Value::as_str).unwrap_or_default();
    let attribute = |name: &str| node.pointer(&format!("/attrs/{name}")).and_then(Value::as_str);
    match kind {
        "text" => out.push_str(node.get("text").and_then(Value::as_str).unwrap_or_default()),
        "hardBreak" => out.push('\n'),
        "mention" | "status" => out.push_str(attribute("text").unwrap_or_default()),
        "emoji" => out.push_str(attribute("text").or(attribute("shortName")).unwrap_or_default()),
        "inlineCard" | "blockCard" | "embedCard" => {
            out.push_str(attribute("url").unwrap_or_default());
        }
        _ => {
            for child in node.get("content").and_then(Value::as_array).into_iter().flatten() {
                collect(child, out);
            }
            let block = matches!(
                kind,
                "paragraph" | "heading" | "codeBlock" | "rule" | "tableRow" | "taskItem" | "decisionItem"
            );
            if block && !out.is_empty() && !out.ends_with('\n') {
                out.push('\n');
            }
        }
    }
}

/// Checks that a value is a document.
///
/// # Errors
/// The place and reason of the first fault, for the log; Jira itself only says that the value must
/// be an Atlassian Document.
pub(crate) fn check(doc: &Value) -> Result<(), String> {
    let node = doc.as_object().ok_or("not an object")?;
    if node.get("type").and_then(Value::as_str) != Some("doc") {
        return Err("type is not doc".to_owned());
    }
    if node.get("version").and_then(Value::as_u64) != Some(1) {
        return Err("version is not 1".to_owned());
    }
    if !node.get("content").is_some_and(Value::is_array) {
        return Err("content is missing".to_owned());
    }
    children(node, "doc", "/content", 0)
}

/// Which nodes each node may contain; `None` for an unknown node.
fn allowed(parent: &str) -> Option<&'static [&'static str]> {
    const INLINE: &[&str] = &[
        "text",
        "hardBreak",
        "mention",
        "emoji",
        "inlineCard",
        "date",
        "status",
        "placeholder",
        "inlineExtension",
        "mediaInline",
    ];
    const BLOCK: &[&str] = &[
        "paragraph",
        "heading",
        "bulletList",
        "orderedList",
        "codeBlock",
        "blockquote",
        "rule",
        "panel",
        "expand",
        "table",
        "mediaSingle",
        "mediaGroup",
        "taskList",
        "decisionList",
        "blockCard",
        "embedCard",
        "extension",
        "bodiedExtension",
        "layoutSection",
        "nestedExpand",
    ];
    Some(match parent {
        "doc" | "expand" | "nestedExpand" | "layoutColumn" | "bodiedExtension" | "tableCell" | "tableHeader"
        | "panel" => BLOCK,
        "paragraph" | "heading" | "taskItem" | "decisionItem" | "caption" => INLINE,
        "codeBlock" => &["text"],
        "bulletList" | "orderedList" => &["listItem"],
        "listItem" => &[
            "paragraph",
            "bulletList",
            "orderedList",
            "codeBlock",
            "mediaSingle",
            "mediaGroup",
            "taskList",
            "extension",
        ],
        "blockquote" => {
            &["paragraph", "bulletList", "orderedList", "codeBlock", "mediaSingle", "mediaGroup", "extension"]
        }
        "table" => &["tableRow"],
        "tableRow" => &["tableCell", "tableHeader"],
        "taskList" => &["taskItem", "taskList", "blockTaskItem"],
        "decisionList" => &["decisionItem"],
        "mediaSingle" => &["media", "caption"],
        "mediaGroup" => &["media"],
        "layoutSection" => &["layoutColumn"],
        "text" | "hardBreak" | "mention" | "emoji" | "inlineCard" | "date" | "status" | "rule" | "media"
        | "placeholder" | "inlineExtension" | "mediaInline" | "blockCard" | "embedCard" | "extension" => &[],
        _ => return None,
    })
}

fn children(node: &Map<String, Value>, kind: &str, at: &str, depth: usize) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!("{at}: too deep"));
    }
    let allowed = allowed(kind).ok_or_else(|| format!("{at}: unknown node {kind}"))?;
    let Some(content) = node.get("content") else {
        let needs = matches!(
            kind,
            "bulletList"
                | "orderedList"
                | "listItem"
                | "table"
                | "tableRow"
                | "panel"
                | "blockquote"
                | "taskList"
                | "decisionList"
                | "mediaSingle"
                | "mediaGroup"
        );
        return if needs { Err(format!("{at}: {kind} without content")) } else { Ok(()) };
    };
    let content = content.as_array().ok_or_else(|| format!("{at}: content is no array"))?;
    for (index, child) in content.iter().enumerate() {
        let at = format!("{at}/{index}");
        let child = child.as_object().ok_or_else(|| format!("{at}: no object"))?;
        let name = child.get("type").and_then(Value::as_str).unwrap_or_default();
        if !allowed.contains(&name) {
            return Err(format!("{at}: {name} not allowed in {kind}"));
        }
        attributes(child, name, &at)?;
        children(child, name, &at, depth + 1)?;
    }
    Ok(())
}

fn attributes(node: &Map<String, Value>, kind: &str, at: &str) -> Result<(), String> {
    let attribute = |name: &str| node.get("attrs").and_then(|a| a.get(name));
    let text = |name: &str| attribute(name).is_some_and(Value::is_string);
    let good = match kind {
        "text" => {
            let filled = node.get("text").and_then(Value::as_str).is_some_and(|text| !text.is_empty());
            filled && marks(node)
        }
        "heading" => attribute("level").and_then(Value::as_u64).is_some_and(|l| (1..=6).contains(&l)),
        "panel" => attribute("panelType")
            .and_then(Value::as_str)
            .is_some_and(|t| matches!(t, "info" | "note" | "tip" | "warning" | "success" | "error" | "custom")),
        "mention" => text("id"),
        "emoji" => text("shortName"),
        "date" => text("timestamp"),
        "status" => text("text") && text("color"),
        "inlineCard" => text("url") || attribute("data").is_some(),
        "media" => attribute("type").is_some(),
        "taskItem" => text("localId") && text("state"),
        _ => true,
    };
    if good { Ok(()) } else { Err(format!("{at}: {kind} has wrong attributes")) }
}

fn marks(node: &Map<String, Value>) -> bool {
    let Some(marks) = node.get("marks") else { return true };
    marks.as_array().is_some_and(|marks| {
        marks.iter().all(|mark| match mark.get("type").and_then(Value::as_str) {
            Some("link") => mark.pointer("/attrs/href").is_some_and(Value::is_string),
            Some("textColor" | "backgroundColor") => mark.pointer("/attrs/color").is_some_and(Value::is_string),
            Some("subsup") => {
                mark.pointer("/attrs/type").and_then(Value::as_str).is_some_and(|t| matches!(t, "sub" | "sup"))
            }
            Some("strong" | "em" | "strike" | "underline" | "code" | "annotation" | "border") => true,
            _ => false,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_documents_and_refuses_the_rest() {
        let good = [
            from_text("one\n\ntwo\nthree"),
            json!({"type":"doc","version":1,"content":[]}),
            json!({"type":"doc","version":1,"content":[{"type":"bulletList","content":[
                {"type":"listItem","content":[{"type":"paragraph","content":[
                    {"type":"text","text":"x","marks":[{"type":"link","attrs":{"href":"https://e.org"}}]}]}]}]}]}),
        ];
        for doc in good {
            assert_eq!(check(&doc), Ok(()), "{doc}");
        }
        let bad = [
            json!("plain"),
            json!({"type":"doc","content":[]}),
            json!({"type":"doc","version":1}),
            json!({"type":"doc","version":1,"content":[{"type":"text","text":"loose"}]}),
            json!({"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":""}]}]}),
            json!({"type":"doc","version":1,"content":[{"type":"marquee"}]}),
            json!({"type":"doc","version":1,"content":[{"type":"heading","attrs":{"level":7},"content":[]}]}),
            json!({"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":"x","marks":[{"type":"blink"}]}]}]}),
        ];
        for doc in bad {
            assert!(check(&doc).is_err(), "{doc}");
        }
    }

    #[test]
    fn text_survives() {
        assert_eq!(plain_text(&from_text("one\n\ntwo\nthree")), "one\ntwo\nthree");
    }
}
