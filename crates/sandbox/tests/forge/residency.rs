//! An app moves to another region: which hooks its remote is called with, where, how often, and what follows from its answers.

use serde_json::{Value, json};

use crate::{
    remote::{Answer, Remote},
    site,
};

const GOOD: fn() -> Answer = || Answer::Json(200, json!({}));

async fn two() -> (sandbox::Running, Remote, Remote) {
    let (us, eu) = (Remote::start().await, Remote::start().await);
    let manifest = site::regional()
        .replace("https://steward-us.example.com", &us.url)
        .replace("https://steward-eu.example.com", &eu.url);
    let mut config = site::config(&us.url);
    config.forge.apps = vec![(site::app(manifest), None)];
    let running = site::start(config).await;
    running.deliveries_settled().await;
    (running, us, eu)
}

async fn moves(site: &sandbox::Running, body: Value) -> (u16, Value) {
    let answer = site::client().post(format!("{}/sandbox/migration", site.url())).json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn hooks(remote: &Remote) -> Vec<String> {
    let arrived = remote.arrived();
    let hooks = arrived.iter().filter_map(|one| one.uri.path().strip_prefix("/forge/migration/").map(str::to_owned));
    hooks.collect()
}

#[tokio::test]
async fn hooks_come_in_their_order_at_the_old_region() {
    let (site, us, eu) = two().await;
    us.answers([GOOD()]);
    us.answers([GOOD()]);
    us.answers([Answer::Json(200, json!({"status": "in-progress"}))]);
    us.answers([Answer::Json(200, json!({"status": "ready-to-commit"}))]);
    us.answers([GOOD()]);
    let moved = moves(&site, json!({"location": "EU", "pollSeconds": 1})).await;
    assert_eq!(moved, (200, json!({"outcome": "moved", "region": "EU"})));
    assert_eq!(hooks(&us), ["schedule", "start", "status", "status", "commit"]);
    assert!(hooks(&eu).is_empty());
    let arrived = us.arrived();
    let schedule = arrived.iter().find(|one| one.uri.path().ends_with("/schedule")).unwrap();
    assert_eq!(schedule.body["location"], "EU");
    assert!(schedule.body["migrationId"].is_u64() && schedule.body["startTime"].is_string());
    assert_eq!(site::claims(schedule.token())["iss"], "forge/invocation-token");
    let status = arrived.iter().find(|one| one.uri.path().ends_with("/status")).unwrap();
    assert_eq!(status.uri.query(), Some(format!("migrationId={}", schedule.body["migrationId"]).as_str()));
    // From here on the other region is called, by the hooks too.
    eu.answers([Answer::Json(422, json!({"errorResponseCode": "E0002"}))]);
    let back = moves(&site, json!({"location": "US"})).await;
    assert_eq!(back, (200, json!({"outcome": "rolled-back", "because": "schedule"})));
    // A code of the app's own is not asked about again.
    assert_eq!(hooks(&eu), ["schedule", "rollback"]);
}

#[tokio::test]
async fn what_fails_is_called_back_and_nonsense_is_refused() {
    let (site, us, eu) = two().await;
    us.answers([GOOD()]);
    us.answers([GOOD()]);
    us.answers([Answer::Json(200, json!({"status": "failed", "errorResponseCode": "E9999"}))]);
    let failed = moves(&site, json!({"location": "EU", "pollSeconds": 1})).await;
    assert_eq!(failed, (200, json!({"outcome": "rolled-back", "because": "failed"})));
    assert_eq!(hooks(&us), ["schedule", "start", "status", "rollback"]);
    for (body, words) in [
        (json!({"location": "AU"}), "no address of the region AU"),
        (json!({"location": "EU", "pollSeconds": 0}), "pollSeconds: 1 to 300"),
        (json!({}), "location"),
    ] {
        let (status, answer) = moves(&site, body).await;
        assert!(status == 422 && answer["error"].as_str().unwrap().contains(words), "{status} {answer}");
    }
    assert_eq!(moves(&site, json!({"location": "EU", "app": "nobody"})).await.0, 404);
    assert!(hooks(&eu).is_empty());
}
