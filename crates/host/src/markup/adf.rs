//! Atlassian's document format.

use kernel::AccountId;
use serde_json::{Map, Value, json};
use url::Url;

use super::{Block, Document, Inline, Marks};

/// Deeper nesting than anybody writes; below it only text is kept.
const DEPTH: usize = 24;
/// Nodes read of one document; Jira's bound of 32,767 characters leaves room for fewer.
const NODES: usize = 20_000;
/// A language name, and a mention's shown name.
const SHORT_TEXT: usize = 255;

impl Document {
    /// To the format.
    pub fn to_adf(&self) -> Value {
        let content: Vec<Value> = self.0.iter().filter_map(|block| block_node(block, false)).collect();
        json!({"type": "doc", "version": 1, "content": content})
    }

    /// From the format. Of nodes that are not known, their text is kept.
    pub fn from_adf(adf: &Value) -> Self {
        let mut reader = Reader { nodes: 0 };
        Self(reader.blocks(adf, 0))
    }
}

fn node(kind: &str, content: Vec<Value>) -> Value {
    json!({"type": kind, "content": content})
}

/// `inner`: inside a list item or a quote, where headings and rules may not stand.
fn block_node(block: &Block, inner: bool) -> Option<Value> {
    Some(match block {
        Block::Paragraph(inline) => node("paragraph", inline_nodes(inline)),
        Block::Heading(_, inline) if inner => node("paragraph", inline_nodes(inline)),
        Block::Heading(level, inline) => {
            json!({"type": "heading", "attrs": {"level": (*level).clamp(1, 6)}, "content": inline_nodes(inline)})
        }
        Block::List { ordered, items } => {
            let items: Vec<Value> = items.iter().map(|item| node("listItem", item_nodes(item))).collect();
            if items.is_empty() {
                return None;
            }
            node(if *ordered { "orderedList" } else { "bulletList" }, items)
        }
        Block::Code { language, text } => {
            let content = if text.is_empty() { Vec::new() } else { vec![json!({"type": "text", "text": text})] };
            match language {
                Some(language) => {
                    json!({"type": "codeBlock", "attrs": {"language": language}, "content": content})
                }
                None => node("codeBlock", content),
            }
        }
        Block::Quote(blocks) => {
            let mut content = Vec::new();
            unquoted(blocks, &mut content);
            if content.is_empty() {
                content.push(node("paragraph", Vec::new()));
            }
            node("blockquote", content)
        }
        Block::Rule if inner => return None,
        Block::Rule => json!({"type": "rule"}),
    })
}

/// Quotes stand in no quote and no list item: their blocks do.
fn unquoted(blocks: &[Block], content: &mut Vec<Value>) {
    for block in blocks {
        match block {
            Block::Quote(nested) => unquoted(nested, content),
            block => content.extend(block_node(block, true)),
        }
    }
}

/// A list item begins with a paragraph or code, then more of these and lists.
fn item_nodes(blocks: &[Block]) -> Vec<Value> {
    let mut content: Vec<Value> = Vec::new();
    unquoted(blocks, &mut content);
    let begins_well = content.first().and_then(|first| first.get("type")).and_then(Value::as_str);
    if !matches!(begins_well, Some("paragraph" | "codeBlock")) {
        content.insert(0, node("paragraph", Vec::new()));
    }
    content
}

fn inline_nodes(inline: &[Inline]) -> Vec<Value> {
    inline
        .iter()
        .filter_map(|part| match part {
            Inline::Text(text, _) if text.is_empty() => None,
            Inline::Text(text, marks) => {
                let marks = mark_nodes(marks);
                Some(if marks.is_empty() {
                    json!({"type": "text", "text": text})
                } else {
                    json!({"type": "text", "text": text, "marks": marks})
                })
            }
            Inline::Mention(account, name) => {
                Some(json!({"type": "mention", "attrs": {"id": account.as_str(), "text": name}}))
            }
            Inline::Break => Some(json!({"type": "hardBreak"})),
        })
        .collect()
}

fn mark_nodes(marks: &Marks) -> Vec<Value> {
    let mut nodes = Vec::new();
    // Code stands with a link and nothing else.
    if marks.code {
        nodes.push(json!({"type": "code"}));
    } else {
        let looks =
            [("strong", marks.strong), ("em", marks.em), ("strike", marks.strike), ("underline", marks.underline)];
        nodes.extend(looks.iter().filter(|(_, on)| *on).map(|(kind, _)| json!({"type": kind})));
    }
    if let Some(link) = &marks.link {
        nodes.push(json!({"type": "link", "attrs": {"href": link.as_str()}}));
    }
    nodes
}

struct Reader {
    nodes: usize,
}

fn kind(node: &Value) -> &str {
    node.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn children(node: &Value) -> &[Value] {
    node.get("content").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn attribute<'a>(node: &'a Value, name: &str) -> Option<&'a Value> {
    node.get("attrs").and_then(|attributes: &Value| attributes.as_object()).and_then(|map: &Map<_, _>| map.get(name))
}

impl Reader {
    fn count(&mut self) -> bool {
        self.nodes += 1;
        self.nodes <= NODES
    }

    fn blocks(&mut self, parent: &Value, depth: usize) -> Vec<Block> {
        let mut blocks = Vec::new();
        for child in children(parent) {
            if !self.count() {
                break;
            }
            if depth >= DEPTH {
                let mut inline = Vec::new();
                self.inline_of(child, &mut inline, 0);
                blocks.extend(paragraph(inline));
                continue;
            }
            match kind(child) {
                "paragraph" => blocks.push(Block::Paragraph(self.inline(child))),
                "heading" => {
                    let level = attribute(child, "level").and_then(Value::as_u64).unwrap_or(1).clamp(1, 6);
                    blocks.push(Block::Heading(u8::try_from(level).unwrap_or(1), self.inline(child)));
                }
                list @ ("bulletList" | "orderedList") => {
                    let items = children(child).iter().map(|item| self.blocks(item, depth + 1)).collect();
                    blocks.push(Block::List { ordered: list == "orderedList", items });
                }
                "codeBlock" => {
                    let text = self.plain(child);
                    let language = attribute(child, "language").and_then(Value::as_str);
                    let language = language.filter(|language| language.len() <= SHORT_TEXT).map(str::to_owned);
                    blocks.push(Block::Code { language, text });
                }
                "blockquote" => blocks.push(Block::Quote(self.blocks(child, depth + 1))),
                "rule" => blocks.push(Block::Rule),
                // Panels, expanders, tables, tasks and whatever comes: their words stay.
                _ if has_blocks(child) => blocks.extend(self.blocks(child, depth + 1)),
                _ => {
                    let mut inline = Vec::new();
                    self.inline_of(child, &mut inline, depth);
                    blocks.extend(paragraph(inline));
                }
            }
        }
        blocks
    }

    fn inline(&mut self, parent: &Value) -> Vec<Inline> {
        let mut inline = Vec::new();
        for child in children(parent) {
            self.inline_of(child, &mut inline, 0);
        }
        inline
    }

    fn inline_of(&mut self, node: &Value, inline: &mut Vec<Inline>, depth: usize) {
        if !self.count() {
            return;
        }
        let text = |name: &str| attribute(node, name).and_then(Value::as_str).map(str::to_owned);
        match kind(node) {
            "text" => {
                if let Some(text) = node.get("text").and_then(Value::as_str).filter(|text| !text.is_empty()) {
                    inline.push(Inline::Text(text.to_owned(), marks(node)));
                }
            }
            "hardBreak" => inline.push(Inline::Break),
            "mention" => {
                let name = text("text").unwrap_or_default();
                match text("id").and_then(|id| AccountId::new(id).ok()) {
                    Some(account) => inline.push(Inline::Mention(account, name)),
                    None => push_text(inline, name),
                }
            }
            "emoji" => push_text(inline, text("text").or_else(|| text("shortName")).unwrap_or_default()),
            "inlineCard" | "blockCard" | "embedCard" => {
                let url = text("url").unwrap_or_default();
                let link = link(&url);
                if !url.is_empty() {
                    inline.push(Inline::Text(url, Marks { link, ..Marks::default() }));
                }
            }
            "date" => {
                let millis = text("timestamp").and_then(|millis| millis.parse().ok());
                let date = millis.and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
                push_text(inline, date.map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default());
            }
            _ => {
                if let Some(own) = node.get("text").and_then(Value::as_str).map(str::to_owned).or_else(|| text("text"))
                {
                    push_text(inline, own);
                }
                if depth < DEPTH * 2 {
                    for child in children(node) {
                        self.inline_of(child, inline, depth + 1);
                    }
                }
            }
        }
    }

    fn plain(&mut self, node: &Value) -> String {
        let mut all = String::new();
        for child in children(node) {
            if !self.count() {
                break;
            }
            if let Some(text) = child.get("text").and_then(Value::as_str) {
                all.push_str(text);
            }
        }
        all
    }
}

fn push_text(inline: &mut Vec<Inline>, text: String) {
    if !text.is_empty() {
        inline.push(Inline::Text(text, Marks::default()));
    }
}

fn paragraph(inline: Vec<Inline>) -> Option<Block> {
    (!inline.is_empty()).then_some(Block::Paragraph(inline))
}

fn has_blocks(node: &Value) -> bool {
    children(node).iter().any(|child| {
        !matches!(
            kind(child),
            "text"
                | "hardBreak"
                | "mention"
                | "emoji"
                | "inlineCard"
                | "date"
                | "status"
                | "mediaInline"
                | "placeholder"
        )
    })
}

fn link(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https" | "mailto"))
}

fn marks(node: &Value) -> Marks {
    let mut marks = Marks::default();
    for mark in node.get("marks").and_then(Value::as_array).map_or(&[][..], Vec::as_slice) {
        match kind(mark) {
            "strong" => marks.strong = true,
            "em" => marks.em = true,
            "strike" => marks.strike = true,
            "underline" => marks.underline = true,
            "code" => marks.code = true,
            "link" => marks.link = attribute(mark, "href").and_then(Value::as_str).and_then(link),
            _ => {}
        }
    }
    marks
}

#[cfg(test)]
mod tests;
