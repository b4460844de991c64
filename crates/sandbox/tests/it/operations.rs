//! docs/sandbox.md names every operation that is served, and no other, on Cloud and on Data Center. `UPDATE=1` writes the lists.

use std::{collections::BTreeMap, path::PathBuf};

const CLOUD: &str = include_str!("../../src/rest/operations.tsv");
const SERVER: &str = include_str!("../../src/data_center/operations.tsv");

/// A line for each path, its methods before it, and what else is said of it behind.
fn list(table: &str, said: impl Fn(&[&str]) -> String) -> String {
    let mut lines: BTreeMap<(&str, String), Vec<&str>> = BTreeMap::new();
    for line in table.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        lines.entry((cells[1], said(&cells))).or_default().push(cells[0]);
    }
    let lines = lines.into_iter().map(|((path, said), mut methods)| {
        methods.sort_unstable();
        format!("{:<22} {path}{said}\n", methods.join(" "))
    });
    format!("```\n{}```\n", lines.collect::<String>())
}

/// Which versions have it.
fn versions(cells: &[&str]) -> String {
    match cells[3] {
        "-" => String::new(),
        said => match said.strip_prefix('-') {
            Some(until) => format!("  before {until}"),
            None => format!("  since {said}"),
        },
    }
}

#[test]
fn the_documents_lists_of_operations_are_the_served_ones() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/sandbox.md");
    for (name, served) in [("operations", list(CLOUD, |_| String::new())), ("server", list(SERVER, versions))] {
        let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
        let text = std::fs::read_to_string(&file).unwrap();
        let (before, rest) = text.split_once(&begin).unwrap();
        let (listed, after) = rest.split_once(&end).unwrap();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&file, format!("{before}{begin}{served}{end}{after}")).unwrap();
            continue;
        }
        assert_eq!(listed, served, "run with UPDATE=1");
    }
}
