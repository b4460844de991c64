//! The deployed app asks for what the program does, and for nothing else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::world::deployed;

/// Method, path, classic scopes and granular scopes of each operation.
const OPERATIONS: &str = include_str!("../../../sandbox/src/rest/operations.tsv");
/// Scopes that no operation asks for: Forge hands tokens to a remote only with them.
const FOR_TOKENS: [&str; 2] = ["read:app-system-token", "read:app-user-token"];
/// The rooms that are not the program itself.
const STAND_INS: [&str; 1] = ["sandbox"];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The program's own text, without its tests and without lines of comment.
fn program() -> String {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    for room in std::fs::read_dir(crates).unwrap() {
        let room = room.unwrap();
        if !STAND_INS.iter().any(|name| room.file_name() == *name) && room.path().join("src").is_dir() {
            files(&room.path().join("src"), &mut found);
        }
    }
    found.iter().map(|path| code(path)).collect()
}

fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]").next().unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}

/// What a function of the client calls: the method, and the path with its places left open.
fn calls(body: &str) -> Vec<(String, String)> {
    let mut calls = Vec::new();
    for (start, method) in [("Call::get(", Some("GET")), ("Call::post(", Some("POST")), ("Call::new(Method::", None)] {
        for rest in body.split(start).skip(1) {
            let method = method.map_or_else(|| rest.split(',').next().unwrap().trim().to_owned(), str::to_owned);
            calls.push((method, open_places(rest.split('"').nth(1).unwrap())));
        }
    }
    calls
}

fn open_places(path: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "{}".to_owned() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Scopes of the operations that the program calls, by the functions of the client that something calls.
fn needed() -> BTreeSet<String> {
    let program = program();
    let mut client = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/client"), &mut client);
    let client: String = client.iter().map(|path| code(path)).collect();
    let mut scopes = BTreeSet::new();
    let mut seen = 0;
    for function in client.split("pub async fn ").skip(1) {
        let name = function.split(['(', '<']).next().unwrap();
        if !program.contains(&format!(".{name}(")) {
            continue;
        }
        for (method, path) in calls(function) {
            let line = OPERATIONS
                .lines()
                .map(|line| line.split('\t').collect::<Vec<_>>())
                .find(|line| line[0] == method && open_places(line[1]) == path)
                .unwrap_or_else(|| panic!("{method} {path} is not an operation of Jira's that is known"));
            scopes.extend(line[2].split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned));
            seen += 1;
        }
    }
    assert!(seen > 10, "the client's calls were not found");
    scopes
}

#[test]
fn it_asks_for_the_scopes_that_are_used_and_no_others() {
    let manifest = deployed();
    let scopes = manifest.split("  scopes:\n").nth(1).unwrap().split("  external:").next().unwrap();
    let asked: BTreeSet<String> =
        scopes.lines().filter_map(|line| line.trim().strip_prefix("- ")).map(str::to_owned).collect();
    let mut used = needed();
    used.extend(FOR_TOKENS.map(str::to_owned));
    assert_eq!(asked, used);
}

/// The manifest is a file; what stands in the property's places is decided by the program.
#[test]
fn it_declares_the_places_of_the_property_that_is_written() {
    let manifest = sandbox::forge::Manifest::parse(&deployed()).unwrap();
    let declared: Vec<_> = manifest.properties.iter().flat_map(|(_, values)| values).collect();
    let wanted: Vec<_> = host::issue_property::Slot::all().collect();
    assert_eq!(declared.len(), wanted.len());
    for (declared, slot) in declared.iter().zip(wanted) {
        assert_eq!(declared.property_key, host::issue_property::KEY);
        assert_eq!((declared.path.clone(), declared.kind.as_str()), (slot.path(), slot.kind.name()));
        assert_eq!(declared.alias, Some(slot.alias()));
    }
}

#[test]
fn it_hears_of_what_something_handles_and_of_nothing_else() {
    let manifest = deployed();
    let events = manifest.lines().filter_map(|line| line.trim().strip_prefix("- avi:"));
    let program = program();
    let mut seen = 0;
    for event in events {
        let mut words = event.split(':');
        let (product, verb, thing) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        let body = serde_json::json!({"eventType": format!("avi:{event}"), "user": {"accountId": "someone-1"},
            "issue": {"id": "1"}, "comment": {"id": "1"}});
        let told = host::events::read(&body).unwrap_or_else(|| panic!("{product} {verb} {thing} is not read"));
        // An upgrade is asked for as an installation is: for the token that comes with it.
        let constant = match told.topic {
            host::events::USER_TOPIC => "USER_TOPIC",
            host::events::ISSUE_TOPIC => "ISSUE_TOPIC",
            host::events::COMMENT_TOPIC => "COMMENT_TOPIC",
            host::events::UPGRADED_TOPIC | host::events::INSTALLED_TOPIC => "INSTALLED_TOPIC",
            other => panic!("{other}"),
        };
        let handled = ["", "crate::events::", "host::events::"].map(|path| format!("Some({path}{constant})"));
        assert!(handled.iter().any(|text| program.contains(text)), "nobody handles {event}");
        seen += 1;
    }
    assert!(seen >= 3);
}
