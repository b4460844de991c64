//! The program is killed while merges let customers into organizations, and while undoing lets them out again: at the end each
//! is in all organizations that a merge of theirs stands for, and in none of one that was undone.

use std::time::Duration;

use rand::RngExt;
use serde_json::{Value, json};
use store::args;

use super::writers::Api;
use super::{Experiment, HANGS, Serving};
use crate::databases::Database;

/// Two customers each, who are merged; of every second pair that is undone.
const PAIRS: usize = 24;
/// Organizations that the merged ones are in.
const ORGANIZATIONS: usize = 3;
/// How long the program may work before it is killed: from before the job begins to after it ended.
const WORK_MILLIS: std::ops::Range<u64> = 0..120;

#[tokio::test(flavor = "multi_thread")]
async fn merges_are_killed_over_and_over_on_sqlite() {
    Box::pin(killed_while_merging(Vec::new())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn merges_are_killed_over_and_over_on_postgres() {
    if let (Some(main), Some(shelf)) = (Database::postgres().await, Database::postgres().await) {
        Box::pin(killed_while_merging(vec![main, shelf])).await;
    }
}

async fn killed_while_merging(databases: Vec<Database>) {
    let _turn = super::TURN.lock().await;
    let mut experiment = Experiment::start(databases, 25).await;
    let (pairs, organizations) = pairs(&experiment);
    let mut serving = experiment.join().await;
    let agent = experiment.session("agent", "customers-page").await;
    let mut undone = Vec::new();
    for (at, [kept, merged]) in pairs.iter().enumerate() {
        let wanted = json!({"keptVersion": 0, "mergedVersion": 0, "organizations": true});
        let made = agent.post(&format!("/api/v1/customers/{kept}/merge/{merged}"), wanted).await;
        serving = experiment.killed_at_it(serving).await;
        undone.push(at % 2 == 1);
        if at % 2 == 1 {
            let merge = made["merge"]["id"].as_str().unwrap();
            agent.post(&format!("/api/v1/merges/{merge}/undo"), Value::Null).await;
            serving = experiment.killed_at_it(serving).await;
        }
    }
    let mut joined = 0;
    for ([kept, _], undone) in pairs.iter().zip(undone) {
        let merge = settled(&agent, kept).await;
        assert_eq!((&merge["refused"], merge["undoneAt"].is_null()), (&json!([]), !undone), "{merge}");
        joined += usize::from(!undone);
        if !undone {
            assert_eq!(merge["organizations"], json!(ORGANIZATIONS), "{merge}");
        }
        let state = experiment.jira.state();
        let store = state.read();
        for organization in &organizations {
            assert_eq!(store.organizations[organization].members.contains(kept), !undone, "{merge}");
        }
    }
    assert_eq!(joined, PAIRS / 2);
    eprintln!("killed {} times while merging {PAIRS} pairs", PAIRS + PAIRS / 2);
    experiment.kill(serving).await;
    experiment.finish_jobs().await;
    experiment.end().await;
}

/// Makes customers in Jira, and organizations that the second of each pair is in.
fn pairs(experiment: &Experiment) -> (Vec<[String; 2]>, Vec<String>) {
    let (state, actor) = (experiment.jira.state(), sandbox::events::Actor::default());
    let person = |at: usize, what: &str| {
        let (email, name) = (format!("{what}{at}@example.com"), format!("{what} {at}"));
        state.create_customer(&actor, &email, &name).unwrap().account_id
    };
    let pairs: Vec<[String; 2]> = (0..PAIRS).map(|at| ["Kept", "Merged"].map(|what| person(at, what))).collect();
    let organizations = (0..ORGANIZATIONS).map(|at| {
        let made = state.create_organization(&actor, &format!("Of the merged {at}")).id;
        let members = pairs.iter().map(|[_, merged]| merged.clone());
        state.edit_organization(&actor, &made, |organization| organization.members.extend(members)).unwrap();
        made
    });
    let organizations = organizations.collect();
    (pairs, organizations)
}

/// The merge that somebody was kept by, once nothing of it is under way. Of whoever was asking when the program died, it is
/// waited for whether they still are.
async fn settled(agent: &Api, kept: &str) -> Value {
    let asked = async {
        loop {
            let merge = agent.get(&format!("/api/v1/customers/{kept}/merges")).await["items"][0].clone();
            if merge["joining"] == json!([]) && merge["leaving"] == json!([]) {
                break merge;
            }
            // How long a claim lasts is the experiment itself.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(HANGS * 2, asked).await.expect("a merge is never at its end")
}

impl Experiment {
    /// Kills the program in the middle of it, and starts it again. A job of a program that died is its own for as long as its
    /// lease: here that time is over at once.
    async fn killed_at_it(&mut self, serving: Serving) -> Serving {
        // When the kill comes is the experiment itself.
        tokio::time::sleep(Duration::from_millis(self.random.random_range(WORK_MILLIS))).await;
        self.kill(serving).await;
        let store = self.store().await;
        let mut server = store.server_write().await.unwrap();
        let words = "UPDATE job SET lease_until = 0, attempts = 0 WHERE state = 'running' AND kind = $1";
        server.run(words, args!["customers.carry_out_merge"]).await.unwrap();
        server.commit().await.unwrap();
        store.close().await;
        // Its writer is closed with it.
        drop(store);
        self.serve().await
    }
}
