//! docs/sandbox.md names every operation that is served, and no other. `UPDATE=1` writes the list.

use std::{collections::BTreeMap, path::PathBuf};

const TABLE: &str = include_str!("../../src/rest/operations.tsv");
const BEGIN: &str = "<!-- operations -->\n";
const END: &str = "<!-- /operations -->";

/// A line for each path, its methods before it.
fn list() -> String {
    let mut methods: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in TABLE.lines() {
        let mut cells = line.split('\t');
        let (method, path) = (cells.next().unwrap(), cells.next().unwrap());
        methods.entry(path).or_default().push(method);
    }
    let lines = methods.into_iter().map(|(path, mut methods)| {
        methods.sort_unstable();
        format!("{:<22} {path}\n", methods.join(" "))
    });
    format!("```\n{}```\n", lines.collect::<String>())
}

#[test]
fn the_documents_list_of_operations_is_the_served_one() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/sandbox.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (listed, after) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, format!("{before}{BEGIN}{}{END}{after}", list())).unwrap();
        return;
    }
    assert_eq!(listed, list(), "run with UPDATE=1");
}
