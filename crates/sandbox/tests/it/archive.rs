//! A real archive, and one of the size that the sandbox promises.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    time::Instant,
};

use sandbox::Source;
use serde_json::{Value, json};

use crate::support::{Site, calm, shared};

/// Names of macros and of their looks: structure, not words.
const MACROS: [&str; 7] = ["code", "quote", "noformat", "panel", "title", "borderstyle", "solid"];

/// How many issues must load.
const PROMISED: usize = 22_000;

fn config(path: std::path::PathBuf) -> sandbox::Config {
    let mut config = calm();
    config.source = Source::Archive(path);
    config.rate_limits.enabled = false;
    config
}

/// Gives the archive's first agent a known token, and answers its address.
fn agent(site: &Site) -> (String, String) {
    let state = site.running.state();
    let mut store = state.write();
    let id = store.groups["jira-administrators"].members.first().unwrap().clone();
    let account = store.accounts.get_mut(&id).unwrap();
    account.api_tokens = vec!["known".to_owned()];
    (account.email.clone(), "known".to_owned())
}

async fn get(site: &Site, who: &(String, String), path: &str) -> Value {
    let request = site.http.get(format!("{}{path}", site.running.url()));
    let answer = request.basic_auth(&who.0, Some(&who.1)).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn the_archive_becomes_a_site() {
    let Some(path) = shared("data/jira-archive.ndjson.gz") else { return };
    let site = Site::start(config(path)).await;
    let who = agent(&site);
    let desks = get(&site, &who, "/rest/servicedeskapi/servicedesk").await;
    assert_eq!(desks["size"], 3, "{desks}");
    let issue = get(&site, &who, "/rest/api/3/issue/ALOY-2?expand=changelog").await;
    let text = issue["fields"]["description"].to_string();
    assert!(text.contains("fails immediately on mobileweb"), "{text}");
    assert_eq!(issue["fields"]["comment"]["total"], 3);
    assert!(issue["fields"]["comment"].to_string().contains("codeBlock"));
    {
        let state = site.running.state();
        let store = state.read();
        let comments: usize = store.issues.values().map(|i| i.comments.len()).sum();
        let customers = store.accounts.values().filter(|a| a.account_type.as_str() == "customer").count();
        assert_eq!((store.issues.len(), comments), (2183, 6431));
        assert!(customers > 100, "{customers} customers");
        assert!(store.issues.values().filter(|i| i.parent.is_some()).count() > 150);
        assert!(store.links.len() > 300, "{} links", store.links.len());
        assert!(store.organizations.len() > 5);
        for desk in store.service_desks.values() {
            assert!(!desk.customers.is_empty());
        }
    }
    for desk in desks["values"].as_array().unwrap() {
        let key = desk["projectKey"].as_str().unwrap();
        let body = json!({"jql": format!("project = {key} AND resolution = Unresolved"),
            "fields": ["*all"], "maxResults": 100});
        let request = site.http.post(format!("{}/rest/api/3/search/jql", site.running.url()));
        let answer = request.basic_auth(&who.0, Some(&who.1)).json(&body).send().await.unwrap();
        let found: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert!(found["issues"][0].is_object(), "{key}: {found}");
    }
    site.end().await;
}

#[tokio::test]
async fn every_text_of_the_archive_is_a_document_with_all_its_words() {
    let Some(path) = shared("data/jira-archive.ndjson.gz") else { return };
    let site = Site::start(config(path.clone())).await;
    let state = site.running.state();
    let file = std::fs::File::open(path).unwrap();
    let lines = BufReader::new(flate2::read::GzDecoder::new(file)).lines();
    let words = |text: &str| -> Vec<String> {
        let mut words: Vec<String> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|w| w.chars().count() > 3)
            .map(str::to_lowercase)
            .collect();
        words.sort();
        words.dedup();
        words
    };
    let (mut all, mut lost) = (0usize, Vec::new());
    for line in lines {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let key = line["key"].as_str().unwrap();
        let store = state.read();
        let issue = store.issue(key).unwrap();
        let texts = issue.description.iter().chain(issue.comments.iter().map(|c| &c.body));
        let made: String = texts.map(Value::to_string).collect();
        let made = made.to_lowercase();
        let mut given: String = line["fields"]["description"].as_str().unwrap_or_default().to_owned();
        for comment in line["fields"]["comment"]["comments"].as_array().unwrap() {
            given.push('\n');
            given.push_str(comment["body"].as_str().unwrap_or_default());
        }
        for word in words(&given) {
            all += 1;
            if !made.contains(&word) && !MACROS.contains(&word.as_str()) {
                lost.push(format!("{key}: {word}"));
            }
        }
    }
    assert!(all > 50_000, "{all}");
    assert!(lost.is_empty(), "{} of {all} lost: {:?}", lost.len(), &lost[..lost.len().min(40)]);
    site.end().await;
}

#[tokio::test]
async fn the_promised_size_loads_and_is_searched_quickly() {
    let Some(path) = shared("data/jira-archive.ndjson.gz") else { return };
    let file = std::fs::File::open(path).unwrap();
    let lines: Vec<String> = BufReader::new(flate2::read::GzDecoder::new(file)).lines().map(Result::unwrap).collect();
    let big = std::env::temp_dir().join(format!("sandbox-archive-{}.ndjson", std::process::id()));
    let mut out = std::io::BufWriter::new(std::fs::File::create(&big).unwrap());
    let mut written = 0;
    let mut round = 0;
    while written < PROMISED {
        for line in lines.iter().take(PROMISED - written) {
            let mut issue: Value = serde_json::from_str(line).unwrap();
            let id: u64 = issue["id"].as_str().unwrap().parse().unwrap();
            issue["id"] = json!((id + round * 10_000_000).to_string());
            let (project, number) = issue["key"].as_str().unwrap().rsplit_once('-').unwrap();
            let number: u64 = number.parse().unwrap();
            issue["key"] = json!(format!("{project}-{}", number + round * 100_000));
            writeln!(out, "{issue}").unwrap();
            written += 1;
        }
        round += 1;
    }
    out.flush().unwrap();
    drop(out);
    let began = Instant::now();
    let mut config = config(big.clone());
    config.contract = None;
    let site = Site::start(config).await;
    let loaded = began.elapsed();
    std::fs::remove_file(&big).unwrap();
    assert_eq!(site.running.state().read().issues.len(), PROMISED);
    let who = agent(&site);
    for jql in [
        "project = ALOY AND resolution = Unresolved ORDER BY priority DESC, created",
        "text ~ \"logger runtime\" ORDER BY updated DESC",
        "assignee = currentUser()",
    ] {
        let began = Instant::now();
        let body = json!({"jql": jql, "fields": ["*all"]});
        let request = site.http.post(format!("{}/rest/api/3/search/jql", site.running.url()));
        let answer = request.basic_auth(&who.0, Some(&who.1)).json(&body).send().await.unwrap();
        let status = answer.status();
        let said = answer.text().await.unwrap();
        assert!(status.is_success(), "{jql}: {status} {said}");
        eprintln!("{jql}: {:?}", began.elapsed());
    }
    eprintln!("{PROMISED} issues loaded in {loaded:?}");
    site.end().await;
}
