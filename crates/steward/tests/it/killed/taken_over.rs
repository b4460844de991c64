//! Two nodes on one PostgreSQL, and one of them is killed in the middle of a bulk change, with a page open: the other leaves the
//! job alone for as long as the dead one's lease stands, then goes on behind the last page that was written. Each value is
//! written once.

use std::sync::Arc;

use kernel::{Actor, Cx, RequestId, Standing, SystemClock, TenantId};
use serde_json::{Value, json};
use store::{Scoped, Store, args, tenants};

use super::batches::{CROWD, crowd, owners, stands};
use super::writers::Api;
use super::{Experiment, HANGS, Serving, address, launch, toml};
use crate::databases::Database;

/// Whose value is held by somebody else while the change comes to it: pages stand before its page, and one is behind it.
const HELD: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_node_began_the_other_ends() {
    if let (Some(main), Some(shelf)) = (Database::postgres().await, Database::postgres().await) {
        Box::pin(taken_over(vec![main, shelf])).await;
    }
}

async fn taken_over(databases: Vec<Database>) {
    let _turn = super::TURN.lock().await;
    let mut experiment = Experiment::start(databases, 41).await;
    crowd(&experiment);
    let one = experiment.join().await;
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
    let path = previewed(&admin, &owners, &field, "all alike").await;

    // Somebody holds one value, so that the run stands still with a page open, for as long as it takes to start another node.
    let store = experiment.store().await;
    let held = hold(&store, &owners[HELD], &field).await;
    admin.post(&format!("{path}/run"), Value::Null).await;
    let written = stuck(&admin, &path, &store).await;
    let (two, by_two) = second_node(&experiment, &admin).await;
    let until = lease(&store, &path).await;
    one.kill().await;
    drop(held);

    // The second node works, and what the first began is not its own yet.
    previewed(&by_two, &owners[..1], &field, "something else").await;
    assert_eq!(lease(&store, &path).await, until, "taken before its lease ended");
    let shown = by_two.get(&path).await;
    assert_eq!((&shown["state"], &shown["written"]), (&json!("running"), &written), "{shown}");

    // The lease is over at once, instead of in five minutes.
    let mut server = store.server_write().await.unwrap();
    let words = "UPDATE job SET lease_until = 0 WHERE state = 'running' AND lease_until = $1";
    assert_eq!(server.run(words, args![until]).await.unwrap(), 1);
    server.commit().await.unwrap();
    store.close().await;
    let shown = reaches(&by_two, &path, "done").await;
    assert_eq!((&shown["written"], &shown["rows"]["changed"]), (&json!(owners.len()), &json!(owners.len())), "{shown}");
    stands(&by_two, &owners, &field, |at| vec![json!(at.to_string()), json!("all alike")]).await;

    experiment.kill(two).await;
    experiment.finish_jobs().await;
    experiment.end().await;
}

/// A change of these customers' field that was looked through; answers where it is.
async fn previewed(api: &Api, owners: &[String], field: &str, value: &str) -> String {
    let change = json!({"type": "setValue", "fieldId": field, "value": value});
    let wanted = json!({"selection": {"ids": owners}, "change": change});
    let begun = api.post("/api/v1/customers/bulk-actions", wanted).await;
    let path = format!("/api/v1/customers/bulk-actions/{}", begun["id"].as_str().unwrap());
    reaches(api, &path, "checked").await;
    path
}

async fn reaches(api: &Api, path: &str, state: &str) -> Value {
    let reached = async {
        loop {
            let shown = api.get(path).await;
            if shown["state"] == state {
                return shown;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(HANGS, reached).await.unwrap_or_else(|_| panic!("{path} does not come to be {state}"))
}

/// Takes the row of a customer's value, until what this answers is dropped.
async fn hold(store: &Store, owner: &str, field: &str) -> Scoped {
    let tenant = tenants::list::<host::Site>(store, TenantId::SERVER, 2).await.unwrap().first().unwrap().id;
    let cx = Cx::mint(tenant, Actor::System("test"), Standing::default(), Arc::new(SystemClock), RequestId::fresh());
    let mut scoped = store.write(&cx).await.unwrap();
    let words = "SELECT version FROM customer_value WHERE tenant = $1 AND owner = $2 AND field = $3 FOR UPDATE";
    let field = field.parse::<uuid::Uuid>().unwrap();
    assert!(scoped.row(words, args![owner, field]).await.unwrap().is_some(), "{owner} has a value");
    scoped
}

/// Waits until the run has pages that stand and one that waits for a row; answers how many values stand.
async fn stuck(api: &Api, path: &str, store: &Store) -> Value {
    let words = "SELECT COUNT(*) AS waiting FROM pg_stat_activity \
         WHERE wait_event_type = 'Lock' AND datname = current_database()";
    let stuck = async {
        loop {
            let shown = api.get(path).await;
            let waiting = store.server_read().await.unwrap().row(words, Vec::new()).await.unwrap().unwrap();
            if shown["written"].as_u64().is_some_and(|written| written > 0) && waiting.int("waiting").unwrap() > 0 {
                assert_eq!(shown["state"], "running", "{shown}");
                return shown["written"].clone();
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(HANGS, stuck).await.expect("the run does not come to the value that is held")
}

/// Another process beside the first, with a folder of its own; objects lie where the first puts them.
async fn second_node(experiment: &Experiment, admin: &Api) -> (Serving, Api) {
    let mut config = experiment.config.clone();
    config.objects.directory = Some(config.data.directory.join("objects"));
    config.data.directory = config.data.directory.with_file_name("second");
    config.server.listen = address();
    std::fs::create_dir(&config.data.directory).unwrap();
    let file = experiment.file.with_file_name("second.toml");
    std::fs::write(&file, toml(&config)).unwrap();
    let serving = launch(&file, &config).await;
    (serving, Api { origin: format!("http://{}", config.server.listen), ..admin.clone() })
}

/// Until when the job of a change is somebody's.
async fn lease(store: &Store, path: &str) -> i64 {
    let id = path.rsplit('/').next().unwrap();
    let words = "SELECT lease_until FROM job WHERE state = 'running' AND key LIKE $1 || ' %'";
    let mut server = store.server_read().await.unwrap();
    let rows = server.rows(words, args![id]).await.unwrap();
    assert_eq!(rows.len(), 1, "one job carries it on");
    rows[0].int("lease_until").unwrap()
}
