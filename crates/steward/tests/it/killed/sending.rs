//! The program is killed while a file is sent to it, over and over: each part is taken once and whole, and in the end no
//! object lies there that no row names.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::{Clock, SystemClock, TenantId};
use rand::RngExt;
use reqwest::Method;
use serde_json::json;
use store::{BlobPlace, Blobs, args, tenants};

use super::{Experiment, HANGS};
use crate::databases::Database;

/// From a part's first byte to the kill: objects and rows take a few milliseconds each.
const MILLIS: std::ops::Range<u64> = 0..25;
/// Kills; the rest of the file is sent in peace.
const KILLS: u32 = 25;
/// Parts of the file, each of which makes several objects.
const PARTS: usize = 12;
const PART_BYTES: usize = 400_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_killed_on_its_way_over_and_over_on_sqlite() {
    Box::pin(killed_while_sending(Vec::new())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_killed_on_its_way_over_and_over_on_postgres() {
    if let (Some(main), Some(shelf)) = (Database::postgres().await, Database::postgres().await) {
        Box::pin(killed_while_sending(vec![main, shelf])).await;
    }
}

async fn killed_while_sending(databases: Vec<Database>) {
    let _turn = super::TURN.lock().await;
    let mut experiment = Experiment::start(databases, 22).await;
    let mut serving = experiment.join().await;
    let admin = experiment.session("admin", "settings-page").await;
    let field = json!({"entity": "customer", "type": "longText", "name": "Sent"});
    let field = admin.post("/api/v1/fields", field).await["id"].as_str().unwrap().to_owned();
    let listed = admin.get("/api/v1/customers?limit=100").await;
    let owners: Vec<&str> =
        listed["items"].as_array().unwrap().iter().map(|item| item["accountId"].as_str().unwrap()).collect();
    // As many long rows as fill the parts; whoever comes again says the same again.
    let mut file = "Account ID,Sent\n".to_owned();
    for row in 0.. {
        if file.len() > PARTS * PART_BYTES {
            break;
        }
        let at = row % owners.len();
        file.push_str(&format!("{},{at}{}\n", owners[at], "x".repeat(20_000)));
    }
    let begun = json!({"entity": "customer", "fileName": "sent.csv"});
    let import = format!("/api/v1/imports/{}", admin.post("/api/v1/imports", begun).await["id"].as_str().unwrap());

    let mut kills = 0;
    for (number, part) in file.as_bytes().chunks(PART_BYTES).enumerate() {
        let (path, body) = (format!("{import}/parts/{number}"), json!({"base64": STANDARD.encode(part)}));
        loop {
            let (api, path, body) = (admin.clone(), path.clone(), body.clone());
            let sending = tokio::spawn(async move { api.ask(Method::PUT, &path, None, body).await });
            if kills < KILLS && experiment.random.random_bool(0.8) {
                // When the kill comes is the experiment itself.
                tokio::time::sleep(Duration::from_millis(experiment.random.random_range(MILLIS))).await;
                experiment.kill(serving).await;
                kills += 1;
                serving = experiment.serve().await;
            }
            match sending.await.unwrap() {
                Ok((200, _)) => break,
                Ok((status, answer)) => panic!("{status} {answer}"),
                // It was killed before it answered: whether it took the part, the next try need not know.
                Err(_) => {}
            }
        }
    }
    assert!(kills > 10, "{kills}");

    admin.post(&format!("{import}/check"), json!({"columns": ["accountId", field]})).await;
    let checked = async {
        loop {
            let shown = admin.get(&import).await;
            if !["checking", "arriving"].contains(&shown["state"].as_str().unwrap()) {
                return shown;
            }
            tokio::task::yield_now().await;
        }
    };
    let shown = tokio::time::timeout(2 * HANGS, checked).await.expect("it is not checked");
    assert_eq!((&shown["state"], &shown["rows"]["changed"]), (&json!("checked"), &json!(owners.len())), "{shown}");
    assert_eq!(shown["rows"]["refused"], 0, "{shown}");
    experiment.kill(serving).await;
    experiment.finish_jobs().await;
    nothing_is_left_over(&experiment).await;
    experiment.end().await;
}

/// A day later each object has its row, and each row that names one finds it.
async fn nothing_is_left_over(experiment: &Experiment) {
    let store = experiment.store().await;
    let tenant = tenants::list::<host::Site>(&store, TenantId::SERVER, 2).await.unwrap().first().unwrap().id;
    let folder = experiment.config.data.directory.join("objects");
    let blobs = Blobs::open(store.clone(), &BlobPlace::Folder(folder.clone())).unwrap();
    let later = SystemClock.now() + jiff::SignedDuration::from_hours(25);
    blobs.collect(tenant, later).await.unwrap();
    blobs.collect_unknown(tenant, later).await.unwrap();
    let actor = kernel::Actor::System("test");
    let standing = kernel::Standing::default();
    let cx = kernel::Cx::mint(tenant, actor, standing, Arc::new(SystemClock), kernel::RequestId::fresh());
    let mut scoped = store.read(&cx).await.unwrap();
    let rows = scoped.rows("SELECT id, state FROM object WHERE tenant = $1", args![]).await.unwrap();
    let mut known: Vec<String> = Vec::new();
    for row in rows {
        assert_eq!(row.text("state").unwrap(), "kept");
        known.push(row.uuid("id").unwrap().to_string());
    }
    drop(scoped);
    let files = std::fs::read_dir(folder.join(tenant.to_string())).unwrap();
    let mut found: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    known.sort();
    found.sort();
    assert!(known.len() > PARTS, "{known:?}");
    assert_eq!(found, known);
    store.close().await;
}
