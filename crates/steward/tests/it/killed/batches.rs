//! The program is killed in the middle of a change of a field's type, and of a bulk change: in the preview, in the run and on the
//! way back, over and over. Each goes on where it was: every value is written once, and every one goes back.

use std::time::Duration;

use rand::RngExt;
use serde_json::{Value, json};
use store::args;

use super::writers::Api;
use super::{Experiment, HANGS};
use crate::databases::Database;

/// Customers besides those of the demo: several pages of a preview and several transactions of a run.
pub(super) const CROWD: usize = 450;
/// How long the program may work before it is killed.
const WORK_MILLIS: std::ops::Range<u64> = 5..250;
/// From then on it is given the time that it needs.
const HURRIED: u32 = 5;
/// Far more tries than a step needs.
const TRIES: u32 = 60;

#[tokio::test(flavor = "multi_thread")]
async fn a_type_change_and_a_bulk_change_are_killed_over_and_over_on_sqlite() {
    Box::pin(killed_while_changing(Vec::new())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_change_and_a_bulk_change_are_killed_over_and_over_on_postgres() {
    if let (Some(main), Some(shelf)) = (Database::postgres().await, Database::postgres().await) {
        Box::pin(killed_while_changing(vec![main, shelf])).await;
    }
}

async fn killed_while_changing(databases: Vec<Database>) {
    let _turn = super::TURN.lock().await;
    let mut experiment = Experiment::start(databases, 28).await;
    crowd(&experiment);
    let serving = experiment.join().await;
    let admin = experiment.session("admin", "settings-page").await;
    let field = json!({"entity": "customer", "type": "text", "name": "Seats"});
    let field = admin.post("/api/v1/fields", field).await["id"].as_str().unwrap().to_owned();
    let owners = owners(&admin).await;
    assert!(owners.len() >= CROWD, "{} customers", owners.len());
    let items: Vec<Value> = owners
        .iter()
        .enumerate()
        .map(|(at, owner)| json!({"accountId": owner, "values": {&field: at.to_string()}}))
        .collect();
    admin.post("/api/v1/customers/values:bulk", json!({"items": items})).await;

    let begun = admin.post(&format!("/api/v1/fields/{field}/type-changes"), json!({"type": "number"})).await;
    let path = format!("/api/v1/type-changes/{}", begun["id"].as_str().unwrap());
    experiment.kill(serving).await;
    let mut kills = 0;
    kills += experiment.through(&admin, &path, None, "checked").await;
    kills += experiment.through(&admin, &path, Some("run"), "done").await;
    let serving = experiment.serve().await;
    stands(&admin, &owners, &field, |at| vec![json!(at.to_string()), json!(at)]).await;
    experiment.kill(serving).await;
    kills += experiment.through(&admin, &path, Some("undo"), "undone").await;
    let serving = experiment.serve().await;
    stands(&admin, &owners, &field, |at| vec![json!(at.to_string()), json!(at), json!(at.to_string())]).await;

    let wanted = json!({"selection": {}, "change": {"type": "setValue", "fieldId": field, "value": "all alike"}});
    let begun = admin.post("/api/v1/customers/bulk-actions", wanted).await;
    assert_eq!(begun["records"], owners.len());
    let path = format!("/api/v1/customers/bulk-actions/{}", begun["id"].as_str().unwrap());
    experiment.kill(serving).await;
    kills += experiment.through(&admin, &path, None, "checked").await;
    kills += experiment.through(&admin, &path, Some("run"), "done").await;
    kills += experiment.through(&admin, &path, Some("undo"), "undone").await;
    let serving = experiment.serve().await;
    let shown = admin.get(&path).await;
    assert_eq!((&shown["written"], &shown["returned"]), (&json!(owners.len()), &json!(owners.len())), "{shown}");
    stands(&admin, &owners, &field, |at| {
        let text = json!(at.to_string());
        vec![text.clone(), json!(at), text.clone(), json!("all alike"), text]
    })
    .await;
    experiment.kill(serving).await;
    eprintln!("killed {kills} times while changing {} customers", owners.len());
    experiment.finish_jobs().await;
    experiment.end().await;
}

/// Makes many customers in Jira, all at one desk.
pub(super) fn crowd(experiment: &Experiment) {
    let state = experiment.jira.state();
    let desk = state.read().service_desks.keys().next().unwrap().clone();
    let actor = sandbox::events::Actor::default();
    let accounts: Vec<_> = (0..CROWD)
        .map(|at| {
            let name = format!("One of many {at}");
            state.create_customer(&actor, &format!("many{at}@example.com"), &name).unwrap().account_id
        })
        .collect();
    state.change_desk_customers(&desk, &accounts, &[]).unwrap();
}

/// All customers, in the order of the list.
pub(super) async fn owners(admin: &Api) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("/api/v1/customers?limit=100{cursor}")).await;
        let items = page["items"].as_array().unwrap();
        found.extend(items.iter().map(|item| item["accountId"].as_str().unwrap().to_owned()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

/// What the history of each customer's field must say, oldest first; numbers as such.
pub(super) async fn stands(admin: &Api, owners: &[String], field: &str, expected: impl Fn(usize) -> Vec<Value>) {
    for (at, owner) in owners.iter().enumerate() {
        let history = admin.get(&format!("/api/v1/customers/{owner}/history?fieldId={field}")).await;
        let tos: Vec<String> =
            history["items"].as_array().unwrap().iter().rev().map(|entry| said(&entry["to"])).collect();
        let wanted: Vec<String> = expected(at).iter().map(said).collect();
        assert_eq!(tos, wanted, "{owner}");
    }
}

/// A number and its text are the same here: history is read as the type that the field has by now.
fn said(value: &Value) -> String {
    value.as_f64().map_or_else(|| value.as_str().unwrap_or_default().to_owned(), |number| number.to_string())
}

impl Experiment {
    /// Asks for a step once, if it is one that is asked for, and kills the program until the step is at its end; answers how
    /// often it was killed before that.
    pub(super) async fn through(&mut self, admin: &Api, path: &str, step: Option<&str>, end: &str) -> u32 {
        let mut asked = step;
        for tries in 0..TRIES {
            self.let_leases_end().await;
            let serving = self.serve().await;
            if let Some(step) = asked.take() {
                admin.post(&format!("{path}/{step}"), Value::Null).await;
            }
            if admin.get(path).await["state"] == end {
                self.kill(serving).await;
                return tries;
            }
            let work = if tries < HURRIED { self.random.random_range(WORK_MILLIS) } else { WORK_MILLIS.end * 8 };
            // When the kill comes is the experiment itself.
            tokio::time::timeout(HANGS, tokio::time::sleep(Duration::from_millis(work))).await.unwrap();
            self.kill(serving).await;
        }
        panic!("{path} does not come to be {end}");
    }

    /// A job of a program that died is its own for as long as its lease, and has one try less: here that time is over at once.
    async fn let_leases_end(&self) {
        let store = self.store().await;
        let mut server = store.server_write().await.unwrap();
        let words = "UPDATE job SET lease_until = CASE WHEN state = 'running' THEN 0 END, run_at = 0, attempts = 0 \
             WHERE finished_at IS NULL AND kind = $1";
        server.run(words, args!["customers.carry_on_import"]).await.unwrap();
        server.commit().await.unwrap();
        store.close().await;
    }
}
