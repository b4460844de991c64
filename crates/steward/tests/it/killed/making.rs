//! The program is killed while an import makes customers in Jira, and while it takes their access away again: each is made
//! once, is found again where nobody noted it, and is in all places, then in none.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Experiment;
use crate::databases::Database;

/// More than a slice, and more than one call puts into a place.
const PEOPLE: usize = 120;

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_makes_customers_is_killed_over_and_over_on_sqlite() {
    Box::pin(killed_while_making(Vec::new())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_makes_customers_is_killed_over_and_over_on_postgres() {
    if let (Some(main), Some(shelf)) = (Database::postgres().await, Database::postgres().await) {
        Box::pin(killed_while_making(vec![main, shelf])).await;
    }
}

async fn killed_while_making(databases: Vec<Database>) {
    let _turn = super::TURN.lock().await;
    let mut experiment = Experiment::start(databases, 32).await;
    let serving = experiment.join().await;
    let admin = experiment.session("admin", "settings-page").await;
    let field = json!({"entity": "customer", "type": "text", "name": "Seats"});
    let field = admin.post("/api/v1/fields", field).await["id"].as_str().unwrap().to_owned();
    let (desk, project, organization) = {
        let state = experiment.jira.state();
        let store = state.read();
        let desk = store.service_desks.values().find(|desk| !desk.open_access).unwrap();
        (desk.id.clone(), desk.project_id.clone(), store.organizations.keys().next().unwrap().clone())
    };
    let begun = json!({"entity": "customer", "fileName": "killed.csv"});
    let begun = admin.post("/api/v1/imports", begun).await;
    let path = format!("/api/v1/imports/{}", begun["id"].as_str().unwrap());
    let lines: String = (0..PEOPLE).map(|at| format!("new{at}@example.com,New {at},{at}\n")).collect();
    let file = STANDARD.encode(format!("E-mail,Name,Seats\n{lines}"));
    admin.put(&format!("{path}/parts/0"), json!({"base64": file})).await;
    let make = json!({"projectIds": [project], "organizationIds": [organization]});
    let settings = json!({"columns": ["email", "displayName", field], "makeCustomers": make});
    admin.post(&format!("{path}/check"), settings).await;
    experiment.kill(serving).await;

    let mut kills = experiment.through(&admin, &path, None, "checked").await;
    kills += experiment.through(&admin, &path, Some("run"), "done").await;
    let serving = experiment.serve().await;
    let shown = admin.get(&path).await;
    assert_eq!((&shown["rows"]["made"], &shown["rows"]["refused"]), (&json!(PEOPLE), &json!(0)), "{shown}");
    assert_eq!((&shown["customersMade"], &shown["valuesWritten"]), (&json!(PEOPLE), &json!(PEOPLE)), "{shown}");
    let people = made(&admin, &path, "placed").await;
    for (at, account) in people.iter().enumerate() {
        let history = admin.get(&format!("/api/v1/customers/{account}/history?fieldId={field}")).await;
        let written: Vec<&Value> = history["items"].as_array().unwrap().iter().map(|entry| &entry["to"]).collect();
        assert_eq!(written, [&json!(at.to_string())], "{account}");
        let state = experiment.jira.state();
        let store = state.read();
        assert_eq!(store.account(account).unwrap().email, format!("new{at}@example.com"));
        assert!(store.service_desks[&desk].customers.contains(account), "{account}");
        assert!(store.organizations[&organization].members.contains(account), "{account}");
    }
    experiment.kill(serving).await;

    kills += experiment.through(&admin, &path, Some("undo?takeAccess=true"), "undone").await;
    let serving = experiment.serve().await;
    let shown = admin.get(&path).await;
    assert_eq!((&shown["valuesReturned"], &shown["valuesKept"]), (&json!(PEOPLE), &json!(0)), "{shown}");
    for account in made(&admin, &path, "taken").await {
        let state = experiment.jira.state();
        let store = state.read();
        assert!(!store.service_desks[&desk].customers.contains(&account), "{account}");
        assert!(!store.organizations[&organization].members.contains(&account), "{account}");
    }
    experiment.kill(serving).await;
    eprintln!("killed {kills} times while making {PEOPLE} customers");
    experiment.finish_jobs().await;
    experiment.end().await;
}

/// Those who were made, in the order of the file: all of them are there.
async fn made(admin: &super::Api, path: &str, state: &str) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("{path}/made?limit=100{cursor}")).await;
        for person in page["items"].as_array().unwrap() {
            assert_eq!((&person["state"], &person["row"]), (&json!(state), &json!(found.len() + 1)), "{person}");
            found.push(person["accountId"].as_str().unwrap().to_owned());
        }
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found.len(), PEOPLE);
    found
}
