//! Atlassian Document Format to HTML for the pages.
//!
//! What people write is hostile here: every text and attribute is escaped, addresses are allowed by
//! scheme, unknown nodes show their text and nothing else, and depth and size are bounded. It must
//! never copy anything from a document into markup unescaped. Start reading at [`to_html`].
#![expect(clippy::indexing_slicing, reason = "only JSON values are indexed, which answer null for what they have not")]

use serde_json::Value;
use url::Url;

/// Deepest nesting rendered; Jira's own editor makes no more than a dozen levels.
const DEPTH_MAX: usize = 32;
/// Longest HTML made of one document: many times a full comment of 32,767 characters.
const HTML_MAX: usize = 1024 * 1024;
/// Schemes that a link may have.
const SCHEMES: [&str; 4] = ["http", "https", "mailto", "tel"];
const CLOSED: &str = "<p class=\"muted\">(not shown: too long)</p>";

/// HTML of a document; empty for null and for what isn't a document.
#[must_use]
pub(super) fn to_html(document: &Value) -> String {
    let mut html = String::new();
    if document["type"] == "doc" {
        children(document, &mut html, 0);
    }
    html
}

/// Escapes for text and for double-quoted attributes.
pub(super) fn escape(text: &str, html: &mut String) {
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
}

fn children(node: &Value, html: &mut String, depth: usize) {
    if depth > DEPTH_MAX {
        return;
    }
    for child in node["content"].as_array().into_iter().flatten() {
        if html.len() > HTML_MAX {
            html.push_str(CLOSED);
            return;
        }
        render(child, html, depth + 1);
    }
}

fn wrap(open: &str, close: &str, node: &Value, html: &mut String, depth: usize) {
    html.push_str(open);
    children(node, html, depth);
    html.push_str(close);
}

fn render(node: &Value, html: &mut String, depth: usize) {
    let attrs = &node["attrs"];
    let mut tag = |open: &str, close: &str| wrap(open, close, node, html, depth);
    match node["type"].as_str().unwrap_or_default() {
        // `dir=auto` lets each paragraph take the direction of its own script.
        "paragraph" => tag("<p dir=\"auto\">", "</p>"),
        "heading" => match attrs["level"].as_u64().unwrap_or(3) {
            // The page has the first two levels; a document starts at the third.
            1 | 2 => tag("<h3 dir=\"auto\">", "</h3>"),
            3 => tag("<h4 dir=\"auto\">", "</h4>"),
            _ => tag("<h5 dir=\"auto\">", "</h5>"),
        },
        "bulletList" => tag("<ul>", "</ul>"),
        "orderedList" => {
            let from = attrs["order"].as_u64().unwrap_or(1);
            wrap(&format!("<ol start=\"{from}\">"), "</ol>", node, html, depth);
        }
        "listItem" => tag("<li>", "</li>"),
        "taskList" => tag("<ul class=\"tasks\">", "</ul>"),
        "taskItem" => {
            let done = attrs["state"] == "DONE";
            wrap(if done { "<li><span>☑</span> " } else { "<li><span>☐</span> " }, "</li>", node, html, depth);
        }
        "decisionList" => tag("<ul>", "</ul>"),
        "decisionItem" => tag("<li>", "</li>"),
        "codeBlock" => tag("<pre tabindex=\"0\"><code>", "</code></pre>"),
        "blockquote" => tag("<blockquote>", "</blockquote>"),
        "panel" => {
            let kind = match attrs["panelType"].as_str().unwrap_or("info") {
                kind @ ("note" | "warning" | "success" | "error") => kind,
                _ => "info",
            };
            wrap(&format!("<div class=\"panel panel-{kind}\">"), "</div>", node, html, depth);
        }
        "expand" | "nestedExpand" => {
            html.push_str("<details><summary>");
            escape(attrs["title"].as_str().filter(|t| !t.is_empty()).unwrap_or("More"), html);
            wrap("</summary>", "</details>", node, html, depth);
        }
        "table" => tag("<div class=\"scroll\" tabindex=\"0\"><table>", "</table></div>"),
        "tableRow" => tag("<tr>", "</tr>"),
        "tableHeader" => cell("th", node, html, depth),
        "tableCell" => cell("td", node, html, depth),
        "rule" => html.push_str("<hr>"),
        "hardBreak" => html.push_str("<br>"),
        "text" => text(node, html),
        "mention" => chip("mention", attrs["text"].as_str().unwrap_or("@unknown"), html),
        "status" => chip("lozenge", attrs["text"].as_str().unwrap_or_default(), html),
        "emoji" => {
            let shown = attrs["text"].as_str().or_else(|| attrs["shortName"].as_str());
            escape(shown.unwrap_or_default(), html);
        }
        "date" => date(attrs, html),
        "inlineCard" | "blockCard" | "embedCard" => {
            let address = attrs["url"].as_str().unwrap_or_default();
            link(address, html, |html| escape(address, html));
        }
        "mediaSingle" | "mediaGroup" | "mediaInline" | "media" => {
            html.push_str("<p class=\"muted\">📎 ");
            escape(alt(node), html);
            html.push_str("</p>");
        }
        _ => children(node, html, depth),
    }
}

/// Name of the picture, wherever the node keeps it; the sandbox holds no bytes to show.
fn alt(node: &Value) -> &str {
    let own = node["attrs"]["alt"].as_str();
    own.or_else(|| node["content"][0]["attrs"]["alt"].as_str()).unwrap_or("attachment")
}

fn cell(name: &str, node: &Value, html: &mut String, depth: usize) {
    let span = |key: &str| node["attrs"][key].as_u64().filter(|n| (2..=100).contains(n));
    let mut open = format!("<{name}");
    for (key, attribute) in [("colspan", "colspan"), ("rowspan", "rowspan")] {
        if let Some(count) = span(key) {
            open.push_str(&format!(" {attribute}=\"{count}\""));
        }
    }
    open.push('>');
    wrap(&open, &format!("</{name}>"), node, html, depth);
}

fn chip(class: &str, text: &str, html: &mut String) {
    html.push_str("<span class=\"");
    html.push_str(class);
    html.push_str("\">");
    escape(text, html);
    html.push_str("</span>");
}

fn date(attrs: &Value, html: &mut String) {
    let millis = attrs["timestamp"].as_str().and_then(|t| t.parse::<i64>().ok());
    let instant = millis.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    if let Some(instant) = instant {
        chip("lozenge", &instant.strftime("%-d %b %Y").to_string(), html);
    }
}

fn text(node: &Value, html: &mut String) {
    let marks = node["marks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let content = node["text"].as_str().unwrap_or_default();
    let mut closing = Vec::new();
    let mut address = None;
    for mark in marks.iter().take(DEPTH_MAX) {
        let name = match mark["type"].as_str().unwrap_or_default() {
            "strong" => "strong",
            "em" => "em",
            "strike" => "s",
            "underline" => "u",
            "code" => "code",
            "subsup" if mark["attrs"]["type"] == "sup" => "sup",
            "subsup" => "sub",
            "link" => {
                address = mark["attrs"]["href"].as_str();
                continue;
            }
            // Colours of the author's own would break contrast in one of the two themes.
            _ => continue,
        };
        html.push_str(&format!("<{name}>"));
        closing.push(name);
    }
    match address {
        Some(address) => link(address, html, |html| escape(content, html)),
        None => escape(content, html),
    }
    for name in closing.iter().rev() {
        html.push_str(&format!("</{name}>"));
    }
}

/// A link where the scheme is allowed, else only its text.
fn link(address: &str, html: &mut String, content: impl FnOnce(&mut String)) {
    let allowed = Url::parse(address).is_ok_and(|url| SCHEMES.contains(&url.scheme()));
    if !allowed {
        content(html);
        return;
    }
    html.push_str("<a rel=\"noopener noreferrer nofollow\" href=\"");
    escape(address, html);
    html.push_str("\">");
    content(html);
    html.push_str("</a>");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn doc(content: Value) -> String {
        to_html(&json!({"type": "doc", "version": 1, "content": content}))
    }

    #[test]
    fn renders_what_the_editor_makes() {
        let rows = [
            (
                json!([{"type":"paragraph","content":[{"type":"text","text":"a"},{"type":"hardBreak"},{"type":"text","text":"b","marks":[{"type":"strong"},{"type":"em"}]}]}]),
                "<p dir=\"auto\">a<br><strong><em>b</em></strong></p>",
            ),
            (
                json!([{"type":"orderedList","attrs":{"order":3},"content":[{"type":"listItem","content":[{"type":"paragraph","content":[{"type":"text","text":"x"}]}]}]}]),
                "<ol start=\"3\"><li><p dir=\"auto\">x</p></li></ol>",
            ),
            (
                json!([{"type":"codeBlock","attrs":{"language":"rust"},"content":[{"type":"text","text":"if a < b {}"}]}]),
                "<pre tabindex=\"0\"><code>if a &lt; b {}</code></pre>",
            ),
            (
                json!([{"type":"panel","attrs":{"panelType":"warning"},"content":[{"type":"paragraph","content":[{"type":"mention","attrs":{"id":"1","text":"@Ana"}}]}]}]),
                "<div class=\"panel panel-warning\"><p dir=\"auto\"><span class=\"mention\">@Ana</span></p></div>",
            ),
            (
                json!([{"type":"paragraph","content":[{"type":"text","text":"site","marks":[{"type":"link","attrs":{"href":"https://example.com/?a=1&b=2"}}]}]}]),
                "<p dir=\"auto\"><a rel=\"noopener noreferrer nofollow\" href=\"https://example.com/?a=1&amp;b=2\">site</a></p>",
            ),
            (json!([{"type":"future","content":[{"type":"text","text":"kept"}]}]), "kept"),
        ];
        for (content, expected) in rows {
            assert_eq!(doc(content), expected);
        }
        assert_eq!(to_html(&Value::Null), "");
    }

    /// Whatever is put in, the only tags and attributes that come out are the renderer's own.
    #[test]
    fn scripts_do_not_get_through() {
        let evil = "\"><script>alert(1)</script><img src=x onerror='alert(1)'>";
        let address = |href: &str| json!([{"type":"paragraph","content":[{"type":"text","text":"t","marks":[{"type":"link","attrs":{"href":href}}]}]}]);
        let documents = [
            json!([{"type":"paragraph","content":[{"type":"text","text":evil}]}]),
            json!([{"type":evil,"content":[{"type":"text","text":evil}]}]),
            json!([{"type":"codeBlock","attrs":{"language":evil},"content":[{"type":"text","text":evil}]}]),
            json!([{"type":"expand","attrs":{"title":evil},"content":[]}]),
            json!([{"type":"panel","attrs":{"panelType":evil},"content":[]}]),
            json!([{"type":"heading","attrs":{"level":evil},"content":[{"type":"text","text":evil,"marks":[{"type":evil}]}]}]),
            json!([{"type":"orderedList","attrs":{"order":evil},"content":[]}]),
            json!([{"type":"mention","attrs":{"id":evil,"text":evil}},{"type":"status","attrs":{"text":evil,"color":evil}},
                   {"type":"emoji","attrs":{"shortName":evil}},{"type":"date","attrs":{"timestamp":evil}},
                   {"type":"inlineCard","attrs":{"url":evil}},{"type":"media","attrs":{"alt":evil}}]),
            json!([{"type":"tableCell","attrs":{"colspan":evil},"content":[]}]),
            address(evil),
            address(&format!("https://example.com/{evil}")),
        ];
        for document in documents {
            let html = doc(document);
            assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
            assert!(!html.contains("onerror='"), "{html}");
        }
        for href in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            " java\tscript:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "//evil.example",
            "/relative",
            "file:///etc/passwd",
        ] {
            assert_eq!(doc(address(href)), "<p dir=\"auto\">t</p>", "{href}");
        }
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let mut node = json!({"type":"text","text":"deep"});
        for _ in 0..100 {
            node = json!({"type":"blockquote","content":[node]});
        }
        let html = doc(json!([node]));
        assert!(!html.contains("deep"));
        assert_eq!(html.matches("<blockquote>").count(), html.matches("</blockquote>").count());
        let many: Vec<Value> = (0..30_000)
            .map(|_| json!({"type":"paragraph","content":[{"type":"text","text":"x".repeat(100)}]}))
            .collect();
        let html = doc(Value::Array(many));
        assert!(html.len() < HTML_MAX + 1024 && html.ends_with(CLOSED));
    }
}
