//! The house's rules that no compiler checks: which room may know which, where SQL stands, who mints a context, who
//! lets values out, who reads the clock, how long a file may be. Each rule names the place where its subject belongs.
//! Text in comments is not looked at, nor is code that is compiled for tests only.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

#[path = "tidy/statements.rs"]
mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::buffer::Cursor;
use syn::parse::Parser;
use texts::{goes_key_by_key, is_sql, names_its_tenant};

const ROOM_NAMES: [&str; 11] =
    ["kernel", "vault", "store", "search", "jobs", "host", "web", "customers", "trust", "sandbox", "steward"];

/// Which room may use which. A new arrow is a decision first (docs/decisions).
const ARROWS: &[(&str, &[&str])] = &[
    ("kernel", &[]),
    ("vault", &["kernel"]),
    ("store", &["kernel"]),
    ("jobs", &["kernel", "store"]),
    ("host", &["kernel", "vault", "store", "jobs"]),
    ("web", &["kernel", "vault", "store", "jobs", "host"]),
    ("search", &["kernel", "vault"]),
    ("customers", &["kernel", "vault", "store", "search", "jobs", "host", "web"]),
    ("trust", &["kernel", "vault", "store", "jobs", "host", "web"]),
    // It is a Jira, not a mock of our calls to one.
    ("sandbox", &[]),
    ("steward", &ROOM_NAMES),
    // It measures the whole program beside its parts.
    ("bench", &["kernel", "vault", "search", "sandbox", "steward"]),
];

/// Arrows that tests may follow besides.
const TEST_ARROWS: &[(&str, &[&str])] = &[("host", &["sandbox"])];

/// No source file is longer: one that is holds two rooms.
const FILE_LINES: usize = 500;

/// A word, a sign, a string, or a group's end; enough to recognise a call by.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Sign(char),
    Text(String),
}

struct Source {
    path: String,
    text: String,
    tokens: Vec<Token>,
    /// Modules declared for tests only, as files.
    test_files: Vec<PathBuf>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every file of the tree that people write.
fn files() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            // In a working tree beside another, `.git` is a file that says where that one is.
            let made = ["target", "node_modules", "dist", ".git", "test-results", ".demo"];
            if made.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root(), &mut found);
    found.sort();
    found
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().into_owned()
}

fn flatten(mut cursor: Cursor<'_>, tokens: &mut Vec<Token>) {
    while !cursor.eof() {
        if let Some((word, next)) = cursor.ident() {
            tokens.push(Token::Word(word.to_string()));
            cursor = next;
        } else if let Some((sign, next)) = cursor.punct() {
            tokens.push(Token::Sign(sign.as_char()));
            cursor = next;
        } else if let Some((literal, next)) = cursor.literal() {
            let literal = literal.to_string();
            let text = syn::parse_str::<syn::LitStr>(&literal).map_or(literal, |text| text.value());
            tokens.push(Token::Text(text));
            cursor = next;
        } else if let Some((inner, delimiter, _, next)) = cursor.any_group() {
            let signs = group_signs(&format!("{delimiter:?}"));
            tokens.push(Token::Sign(signs.0));
            flatten(inner, tokens);
            tokens.push(Token::Sign(signs.1));
            cursor = next;
        } else if let Some((lifetime, next)) = cursor.lifetime() {
            tokens.push(Token::Word(lifetime.to_string()));
            cursor = next;
        } else {
            return;
        }
    }
}

fn group_signs(delimiter: &str) -> (char, char) {
    match delimiter {
        "Parenthesis" => ('(', ')'),
        "Brace" => ('{', '}'),
        "Bracket" => ('[', ']'),
        _ => ('\u{ab}', '\u{bb}'),
    }
}

fn tokens_of(text: &str) -> Vec<Token> {
    let parse = |input: syn::parse::ParseStream<'_>| {
        input.step(|cursor| {
            let mut tokens = Vec::new();
            let mut rest = *cursor;
            flatten(rest, &mut tokens);
            while let Some((_, next)) = rest.token_tree() {
                rest = next;
            }
            Ok((tokens, rest))
        })
    };
    parse.parse_str(text).unwrap()
}

fn words(text: &str) -> Vec<Token> {
    tokens_of(text)
}

fn starts(tokens: &[Token], pattern: &[Token]) -> bool {
    tokens.len() >= pattern.len() && tokens[..pattern.len()] == *pattern
}

/// Where the group that opens at `open` ends.
fn group_end(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0usize;
    for (place, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Sign('(' | '[' | '{' | '\u{ab}') => depth += 1,
            Token::Sign(')' | ']' | '}' | '\u{bb}') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return place;
        }
    }
    tokens.len()
}

/// Takes away attributes (documentation among them) and what is compiled for tests only; the second half of the
/// answer names the test modules that are files of their own.
fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<String>) {
    let for_tests = words("[cfg(test)]");
    let (mut kept, mut modules) = (Vec::new(), Vec::new());
    let mut place = 0;
    while place < tokens.len() {
        if tokens[place] != Token::Sign('#') {
            kept.push(tokens[place].clone());
            place += 1;
            continue;
        }
        let open = place + 1 + usize::from(tokens.get(place + 1) == Some(&Token::Sign('!')));
        if tokens.get(open) != Some(&Token::Sign('[')) {
            kept.push(tokens[place].clone());
            place += 1;
            continue;
        }
        let is_test = starts(&tokens[open..], &for_tests);
        place = group_end(tokens, open) + 1;
        if is_test {
            let item = place;
            while place < tokens.len() && !matches!(tokens[place], Token::Sign('{' | ';')) {
                place += 1;
            }
            if tokens.get(place) == Some(&Token::Sign(';'))
                && let Some(at) = tokens[item..place].iter().position(|token| *token == Token::Word("mod".to_owned()))
                && let Some(Token::Word(name)) = tokens.get(item + at + 1)
            {
                modules.push(name.clone());
            }
            place = if tokens.get(place) == Some(&Token::Sign('{')) { group_end(tokens, place) } else { place } + 1;
        }
    }
    (kept, modules)
}

fn source(path: &Path) -> Source {
    let text = std::fs::read_to_string(path).unwrap();
    let (tokens, modules) = without_tests(&tokens_of(&text));
    let (folder, stem) = (path.parent().unwrap(), path.file_stem().unwrap().to_string_lossy().into_owned());
    let inside = if ["lib", "main", "mod"].contains(&stem.as_str()) { folder.to_owned() } else { folder.join(&stem) };
    let test_files = modules
        .iter()
        .flat_map(|name| [&inside, folder].map(|at| [at.join(format!("{name}.rs")), at.join(name).join("mod.rs")]))
        .flatten()
        .collect();
    Source { path: relative(path), text, tokens, test_files }
}

/// The program's own Rust files: no tests among them.
fn sources() -> Vec<Source> {
    let rust = files().into_iter().filter(|path| path.extension().is_some_and(|ext| ext == "rs"));
    let of_program = rust.filter(|path| {
        let path = relative(path);
        path.starts_with("crates/") && path.split('/').nth(2) == Some("src")
    });
    let sources: Vec<(PathBuf, Source)> = of_program.map(|path| (path.clone(), source(&path))).collect();
    let test_files: BTreeSet<PathBuf> = sources.iter().flat_map(|(_, source)| source.test_files.clone()).collect();
    sources.into_iter().filter(|(path, _)| !test_files.contains(path)).map(|(_, source)| source).collect()
}

fn room(path: &str) -> &str {
    path.split('/').nth(1).unwrap_or_default()
}

/// Every use of `pattern` outside the files that `belongs` names.
fn misplaced(sources: &[Source], pattern: &str, belongs: impl Fn(&str) -> bool) -> Vec<String> {
    let pattern_tokens = words(pattern);
    let used = |source: &&Source| source.tokens.windows(pattern_tokens.len()).any(|window| window == pattern_tokens);
    sources
        .iter()
        .filter(|source| !belongs(&source.path))
        .filter(used)
        .map(|source| format!("{}: `{pattern}`", source.path))
        .collect()
}

#[track_caller]
fn none(found: Vec<String>, rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

/// The statements of a file: strings, and what `concat!` puts together, with `_` for what is no string in it.
fn statements(source: &Source) -> Vec<String> {
    let concat = words("concat!()");
    let mut found = Vec::new();
    let mut place = 0;
    while place < source.tokens.len() {
        let mut text = String::new();
        if starts(&source.tokens[place..], &concat[..3]) {
            let end = group_end(&source.tokens, place + 2);
            for part in source.tokens[place + 3..end].split(|token| *token == Token::Sign(',')) {
                match part {
                    [Token::Text(words)] => text.push_str(words),
                    _ => text.push('_'),
                }
            }
            place = end;
        } else if let Token::Text(words) = &source.tokens[place] {
            text.push_str(words);
        }
        if is_sql(&text) {
            found.push(text);
        }
        place += 1;
    }
    found
}

fn sql_belongs(path: &str) -> bool {
    room(path) == "store" || path.ends_with("/sql.rs") || path.ends_with("/schema.rs") || path.contains("/src/sql/")
}

#[test]
fn arrows_point_the_right_way() {
    let metadata = cargo_metadata::MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec();
    let packages = metadata.unwrap().packages;
    let names: BTreeSet<String> = packages.iter().map(|package| package.name.to_string()).collect();
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let for_tests: BTreeMap<&str, &[&str]> = TEST_ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    for package in &packages {
        let from = package.name.as_str();
        let Some(known) = allowed.get(from) else {
            wrong.push(format!("{from}: a room that the map does not have"));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| names.contains(&dependency.name)) {
            let to = dependency.name.as_str();
            let testing = dependency.kind == cargo_metadata::DependencyKind::Development
                && for_tests.get(from).is_some_and(|tests| tests.contains(&to));
            if !known.contains(&to) && !testing {
                wrong.push(format!("{from} → {to}"));
            }
        }
    }
    none(wrong, "an arrow that the house does not have");
}

#[test]
fn sql_stands_where_sql_stands() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !sql_belongs(&source.path)) {
        wrong.extend(statements(source).into_iter().map(|sql| format!("{}: {sql}", source.path)));
    }
    none(wrong, "SQL stands in sql.rs, in sql/, in schema.rs and in store");
}

#[test]
fn many_keys_are_looked_for_one_by_one() {
    let all = sources().iter().flat_map(statements).filter(|sql| sql.contains("{rows}")).collect::<Vec<_>>();
    assert!(all.len() > 20, "{} statements of many rows", all.len());
    none(all.into_iter().filter(|sql| !goes_key_by_key(sql)).collect(), "keys are joined by CROSS JOIN");
}

#[test]
fn every_scoped_statement_names_its_tenant() {
    let mut wrong = Vec::new();
    // The rooms whose statements may go across tenants.
    let of_tenants = |source: &&Source| !["store", "jobs"].contains(&room(&source.path));
    let mut seen = 0;
    for source in sources().iter().filter(of_tenants) {
        for sql in statements(source) {
            seen += 1;
            if !names_its_tenant(&sql) {
                wrong.push(format!("{}: {sql}", source.path));
            }
        }
    }
    assert!(seen > 20, "the statements were not found");
    none(wrong, "each table of a scoped statement is bound to `tenant = $1`");
}

#[test]
fn what_is_dangerous_is_called_in_its_one_place() {
    let sources = sources();
    let sandbox = |path: &str| room(path) == "sandbox";
    let only = |files: &'static [&'static str]| move |path: &str| files.contains(&path);
    none(
        misplaced(
            &sources,
            "Cx::mint",
            only(&["crates/web/src/caller.rs", "crates/jobs/src/runner.rs", "crates/steward/src/site/desk.rs"]),
        ),
        "a context is minted by the callers' extractors, by the job runner, and for an operator at the command line",
    );
    none(
        misplaced(&sources, "Exit::audited", only(&["crates/web/src/reply.rs"])),
        "values leave through the replies of `web`",
    );
    for looked_at in [".value.peek", ".change.peek"] {
        let belongs = |path: &str| !path.starts_with("crates/customers/src/http/");
        none(
            misplaced(&sources, looked_at, belongs),
            "a value in an answer goes through the exit, which notes whose it is",
        );
    }
    for call in [".server_read", ".server_write"] {
        let belongs = |path: &str| ["store", "jobs"].contains(&room(path));
        none(misplaced(&sources, call, belongs), "statements across tenants are in `store` and `jobs`");
    }
    for client in ["Client::builder", "Client::new", "reqwest::get", "ClientBuilder::new"] {
        let belongs = |path: &str| path.starts_with("crates/host/src/door/") || sandbox(path);
        none(misplaced(&sources, client, belongs), "every outward call goes through the door of `host`");
    }
    for now in ["SystemTime::now", "Timestamp::now", "Zoned::now"] {
        let belongs = |path: &str| path == "crates/kernel/src/clock.rs" || sandbox(path);
        none(misplaced(&sources, now, belongs), "the time is asked of the context's clock");
    }
    for variable in ["env::var", "env::var_os", "env::vars"] {
        let belongs = |path: &str| path.starts_with("crates/steward/src/config") || sandbox(path);
        none(misplaced(&sources, variable, belongs), "the environment is read by the configuration");
    }
}

fn long(path: &str, text: &str) -> bool {
    let source = [".rs", ".ts", ".tsx", ".mjs"].iter().any(|ending| path.ends_with(ending));
    source && !path.ends_with(".d.ts") && text.lines().count() > FILE_LINES
}

/// Words that say where the tree was made, put together so that they do not stand here.
fn of_one_machine(text: &str) -> Option<&'static str> {
    let words = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/home", "/"), concat!("target", "-t/")];
    words.into_iter().find(|word| text.contains(word))
}

#[test]
fn files_are_short_say_what_they_are_and_nothing_of_the_machine() {
    let mut wrong = Vec::new();
    for file in files() {
        let path = relative(&file);
        // Pictures and archives are no text.
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        if long(&path, &text) {
            wrong.push(format!("{path}: {} lines, {FILE_LINES} at most", text.lines().count()));
        }
        if let Some(word) = of_one_machine(&text) {
            wrong.push(format!("{path}: says `{word}`"));
        }
        if path.ends_with("Cargo.lock") {
            let sources = text.lines().filter_map(|line| line.strip_prefix("source = "));
            let elsewhere = sources.filter(|line| !line.contains("github.com/rust-lang/crates.io-index"));
            wrong.extend(elsewhere.map(|line| format!("{path}: {line}")));
        }
        if path.ends_with("package-lock.json") {
            let resolved = text.lines().filter(|line| line.trim_start().starts_with("\"resolved\""));
            let elsewhere = resolved.filter(|line| !line.contains("https://registry.npmjs.org/"));
            wrong.extend(elsewhere.map(|line| format!("{path}: {}", line.trim())));
        }
    }
    none(wrong, "what a file may be");
}

#[test]
fn each_rust_file_says_what_it_is_and_silences_no_lint() {
    let mut wrong = Vec::new();
    let allow = Token::Word("allow".to_owned());
    let outer = [Token::Sign('#'), Token::Sign('['), allow.clone()];
    let inner = [Token::Sign('#'), Token::Sign('!'), Token::Sign('['), allow];
    for file in files().into_iter().filter(|file| file.extension().is_some_and(|ext| ext == "rs")) {
        let (path, text) = (relative(&file), std::fs::read_to_string(&file).unwrap());
        if !text.starts_with("//!") {
            wrong.push(format!("{path}: does not begin with `//!`"));
        }
        let tokens = tokens_of(&text);
        if tokens.windows(3).any(|at| *at == outer) || tokens.windows(4).any(|at| *at == inner) {
            wrong.push(format!("{path}: `allow`; write `expect` with its reason"));
        }
    }
    none(wrong, "what a Rust file begins with and never holds");
}

#[test]
fn the_rules_find_what_they_look_for() {
    let planted = r#"
        //! `Cx::mint` in a comment is none.
        /// SELECT nothing FROM a comment
        fn f() { let cx = Cx :: mint(1); query(format!("DELETE FROM note WHERE {}", 1)); }
        const G: &str = concat!("SELECT a FROM ", $table, " WHERE tenant = $1");
        #[cfg(test)]
        mod tests { fn g() { store.server_read(); } }
        #[cfg(test)] mod more;
    "#;
    let (tokens, modules) = without_tests(&tokens_of(planted));
    let planted =
        Source { path: "crates/customers/src/a.rs".to_owned(), text: planted.to_owned(), tokens, test_files: vec![] };
    assert_eq!(statements(&planted), ["DELETE FROM note WHERE {}", "SELECT a FROM _ WHERE tenant = $1"]);
    assert_eq!(modules, ["more"]);
    assert!(planted.text.contains("server_read"));
    let planted = [planted];
    assert_eq!(misplaced(&planted, "Cx::mint", |_| false).len(), 1);
    assert!(misplaced(&planted, ".server_read", |_| false).is_empty());
    assert!(long("a.rs", &"\n".repeat(501)) && !long("a.rs", &"\n".repeat(500)) && !long("a.css", &"\n".repeat(900)));
    assert!(of_one_machine(&["/wo", "rk/main"].concat()).is_some() && of_one_machine("/network/").is_none());
}
