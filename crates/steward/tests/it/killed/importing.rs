//! The program is killed in the middle of an import's dry run, run and undo, over and over: each row is written once, and
//! each value goes back.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::RngExt;
use serde_json::{Value, json};

use super::writers::Api;
use super::{Experiment, HANGS};
use crate::databases::Database;

/// Characters of a value: some rows fill a page, so that a few customers make many.
const VALUE_CHARS: usize = 30_000;
/// How long the program may work before it is killed.
const WORK_MILLIS: std::ops::Range<u64> = 5..250;
/// Far more tries than a run needs: each moves it on, or is killed before it could.
const TRIES: u32 = 400;

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_killed_over_and_over_on_sqlite() {
    Box::pin(killed_while_importing(Vec::new())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_killed_over_and_over_on_postgres() {
    if let (Some(main), Some(shelf)) = (Database::postgres().await, Database::postgres().await) {
        Box::pin(killed_while_importing(vec![main, shelf])).await;
    }
}

async fn killed_while_importing(databases: Vec<Database>) {
    let _turn = super::TURN.lock().await;
    let mut experiment = Experiment::start(databases, 16).await;
    let serving = experiment.join().await;
    let admin = experiment.session("admin", "settings-page").await;
    let field = json!({"entity": "customer", "type": "longText", "name": "Imported"});
    let field = admin.post("/api/v1/fields", field).await["id"].as_str().unwrap().to_owned();
    let listed = admin.get("/api/v1/customers?limit=100").await;
    let owners: Vec<String> =
        listed["items"].as_array().unwrap().iter().map(|item| item["accountId"].as_str().unwrap().to_owned()).collect();
    let wanted: BTreeMap<&String, String> =
        owners.iter().enumerate().map(|(at, owner)| (owner, format!("{at}{}", "x".repeat(VALUE_CHARS)))).collect();
    let import = begin(&admin, &wanted).await;
    experiment.kill(serving).await;
    let settings = json!({"columns": ["accountId", field]});
    let mut kills = 0;
    for (what, body, end) in
        [("check", settings, "checked"), ("run", json!(null), "done"), ("undo", json!(null), "undone")]
    {
        kills += until(&mut experiment, &admin, &import, (what, body, end)).await;
        let serving = experiment.serve().await;
        let shown = admin.get(&import).await;
        assert_eq!(shown["rows"]["changed"], owners.len(), "{shown}");
        if what != "check" {
            assert_eq!(shown["valuesWritten"], owners.len(), "{shown}");
        }
        for (owner, text) in &wanted {
            let history = admin.get(&format!("/api/v1/customers/{owner}/history?limit=100")).await;
            let changes: Vec<&Value> =
                history["items"].as_array().unwrap().iter().filter(|change| change["fieldId"] == field).collect();
            let tos: Vec<&str> = changes.iter().rev().map(|change| change["to"].as_str().unwrap_or_default()).collect();
            let expected: &[&str] = match what {
                "check" => &[],
                "run" => &[text],
                _ => &[text, ""],
            };
            assert!(tos == expected, "{what}: {} changes of {owner}", tos.len());
        }
        experiment.kill(serving).await;
    }
    eprintln!("killed {kills} times while importing {} rows", owners.len());
    experiment.finish_jobs().await;
    experiment.end().await;
}

/// Sends the file.
async fn begin(admin: &Api, wanted: &BTreeMap<&String, String>) -> String {
    let begun = json!({"entity": "customer", "fileName": "killed.csv"});
    let id = admin.post("/api/v1/imports", begun).await["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/imports/{id}");
    let mut file = "Account ID,Imported\n".to_owned();
    for (owner, text) in wanted {
        file.push_str(&format!("{owner},{text}\n"));
    }
    for (number, part) in file.as_bytes().chunks(500_000).enumerate() {
        admin.put(&format!("{path}/parts/{number}"), json!({"base64": STANDARD.encode(part)})).await;
    }
    path
}

/// Asks for a step and kills the program, until the step is at its end; answers how often it was killed before that. Each
/// start asks anew: the job of a program that died is still its own, for as long as its lease.
async fn until(experiment: &mut Experiment, admin: &Api, import: &str, (what, body, end): (&str, Value, &str)) -> u32 {
    for tries in 0..TRIES {
        let serving = experiment.serve().await;
        let state = admin.get(import).await["state"].as_str().unwrap().to_owned();
        if state == end {
            experiment.kill(serving).await;
            return tries;
        }
        admin.post(&format!("{import}/{what}"), body.clone()).await;
        // A dry run begins anew each time: after some tries it is given the time that it needs.
        let work = if tries < 15 { experiment.random.random_range(WORK_MILLIS) } else { WORK_MILLIS.end * 8 };
        // When the kill comes is the experiment itself.
        tokio::time::timeout(HANGS, tokio::time::sleep(Duration::from_millis(work))).await.unwrap();
        experiment.kill(serving).await;
    }
    panic!("{what} does not end");
}
