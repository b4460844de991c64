//! Documents there and back.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use proptest::prelude::*;

use super::*;

fn looks() -> impl Strategy<Value = Marks> {
    let link =
        proptest::option::of("[a-z]{1,8}".prop_map(|host| Url::parse(&format!("https://{host}.example/")).unwrap()));
    (any::<[bool; 5]>(), link).prop_map(|([strong, em, strike, underline, code], link)| {
        // What the format cannot say does not come back.
        let plain = !code;
        Marks {
            strong: strong && plain,
            em: em && plain,
            strike: strike && plain,
            underline: underline && plain,
            code,
            link,
        }
    })
}

fn inline() -> impl Strategy<Value = Inline> {
    prop_oneof![
        4 => ("\\PC{1,20}", looks()).prop_map(|(text, marks)| Inline::Text(text, marks)),
        1 => ("[a-z0-9:-]{1,20}", "@\\PC{0,10}").prop_map(|(id, name)| Inline::Mention(AccountId::new(id).unwrap(), name)),
        1 => Just(Inline::Break),
    ]
}

fn simple() -> impl Strategy<Value = Block> {
    prop_oneof![
        proptest::collection::vec(inline(), 0..5).prop_map(Block::Paragraph),
        (proptest::option::of("[a-z]{1,8}"), "\\PC{0,40}").prop_map(|(language, text)| Block::Code { language, text }),
    ]
}

fn document() -> impl Strategy<Value = Document> {
    let lines = || proptest::collection::vec(simple(), 1..4);
    let block = prop_oneof![
        4 => simple(),
        1 => (1u8..=6, proptest::collection::vec(inline(), 0..4)).prop_map(|(level, inline)| Block::Heading(level, inline)),
        1 => (any::<bool>(), proptest::collection::vec(lines(), 1..4)).prop_map(|(ordered, items)| Block::List { ordered, items }),
        1 => lines().prop_map(Block::Quote),
        1 => Just(Block::Rule),
    ];
    proptest::collection::vec(block, 0..6).prop_map(Document)
}

fn schema() -> Option<jsonschema::Validator> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/specs/adf-57.7.22.json");
    match std::fs::read(&path) {
        Ok(bytes) => Some(jsonschema::validator_for(&serde_json::from_slice(&bytes).unwrap()).unwrap()),
        Err(_) if std::env::var("CI").is_ok_and(|ci| ci == "true") => panic!("{} is missing", path.display()),
        Err(_) => {
            #[expect(clippy::print_stderr, reason = "a skipped test says so")]
            {
                eprintln!("SKIPPED: Atlassian's document schema is not at {}", path.display());
            }
            None
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(document in document()) {
        prop_assert!(Document::from_adf(&document.to_adf()) == document);
    }

    #[test]
    fn nothing_that_is_read_stops_the_reader(text in "\\PC{0,200}") {
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Document::from_adf(&value).text();
    }
}

#[test]
fn what_is_written_is_allowed_by_the_schema() {
    let Some(schema) = schema() else { return };
    let mut runner = proptest::test_runner::TestRunner::default();
    runner
        .run(&document(), |document| {
            let adf = document.to_adf();
            prop_assert!(schema.is_valid(&adf), "{}", adf);
            Ok(())
        })
        .unwrap();
    // Shapes that our own documents can have and the format cannot.
    let odd = Document(vec![
        Block::Quote(vec![Block::Quote(vec![Block::Rule, Block::Heading(2, vec![])]), Block::Rule]),
        Block::List {
            ordered: true,
            items: vec![vec![], vec![Block::List { ordered: false, items: vec![vec![Block::Rule]] }]],
        },
        Block::List { ordered: true, items: vec![] },
        Block::Quote(vec![]),
        Block::Heading(9, vec![Inline::Text(String::new(), Marks::default())]),
        Block::Paragraph(vec![Inline::Text("x".into(), Marks { code: true, strong: true, ..Marks::default() })]),
    ]);
    assert!(schema.is_valid(&odd.to_adf()), "{}", odd.to_adf());
}

#[test]
fn the_words_of_unknown_nodes_stay() {
    let adf = serde_json::json!({"type": "doc", "version": 1, "content": [
        {"type": "panel", "attrs": {"panelType": "info"}, "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": "in a panel"}]}]},
        {"type": "table", "content": [{"type": "tableRow", "content": [
            {"type": "tableCell", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "in a cell"}]}]}]}]},
        {"type": "taskList", "content": [{"type": "taskItem", "content": [{"type": "text", "text": "to do"}]}]},
        {"type": "paragraph", "content": [
            {"type": "status", "attrs": {"text": "DONE", "color": "green"}},
            {"type": "emoji", "attrs": {"shortName": ":smile:"}},
            {"type": "inlineCard", "attrs": {"url": "https://example.com/a"}},
            {"type": "inlineCard", "attrs": {"url": "javascript:alert(1)"}},
            {"type": "date", "attrs": {"timestamp": "1700000000000"}},
            {"type": "hologram", "content": [{"type": "text", "text": "from the future"}]},
            {"type": "text", "text": "a trap", "marks": [{"type": "link", "attrs": {"href": "javascript:alert(1)"}}]},
        ]},
    ]});
    let document = Document::from_adf(&adf);
    let text = document.text();
    for words in [
        "in a panel",
        "in a cell",
        "to do",
        "DONE",
        ":smile:",
        "https://example.com/a",
        "2023-11-14",
        "from the future",
    ] {
        assert!(text.contains(words), "{words:?} in {text:?}");
    }
    assert!(!document.to_adf().to_string().contains("\"href\":\"javascript"));
}

#[test]
fn depth_is_bounded() {
    let mut adf = serde_json::json!({"type": "paragraph", "content": [{"type": "text", "text": "deep"}]});
    for _ in 0..100 {
        adf = serde_json::json!({"type": "blockquote", "content": [adf]});
    }
    let document = Document::from_adf(&serde_json::json!({"type": "doc", "content": [adf]}));
    // Beyond the bound the structure goes; so does what is deeper than text can be.
    document.text();
}

#[test]
fn plain_text_becomes_paragraphs() {
    let document = Document::from_text("one\r\ntwo\n\n\n\nthree\n");
    assert_eq!(document.text(), "one\ntwo\nthree");
    assert_eq!(document.0.len(), 2);
    assert!(Document::from_text(" \n\n").0.is_empty());
}
