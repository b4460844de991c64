//! Events and schedules on their way to the remote.

use std::time::Duration;

use sandbox::{Faults, Running, events::Actor, forge::EventBody, state::NewIssue};
use serde_json::{Value, json};

use crate::{
    remote::{Answer, Arrived, Remote},
    site,
};

const EVENTS: &str = "/forge/events";

fn report(site: &Running) -> u64 {
    let state = site.state();
    let customer =
        state.read().accounts.values().find(|a| a.display_name == "Amélie Fournier").unwrap().account_id.clone();
    let new = NewIssue {
        project_id: "10000".to_owned(),
        issue_type_id: "10002".to_owned(),
        summary: "Le voyant clignote".to_owned(),
        channel: "portal".to_owned(),
        fields: Vec::new(),
        properties: std::collections::BTreeMap::new(),
    };
    state.create_issue(&Actor::person(&customer), new).unwrap().id
}

fn named<'a>(arrived: &'a [Arrived], event: &str) -> Vec<&'a Value> {
    let payloads = arrived.iter().map(|one| &one.body["payload"]);
    payloads.filter(|payload| payload["eventType"] == event).collect()
}

#[tokio::test]
async fn events_carry_what_forge_says() {
    let remote = Remote::start().await;
    let site = site::start(site::config(&remote.url)).await;
    remote.wait(EVENTS, 1).await;
    let id = report(&site);
    let arrived = remote.wait(EVENTS, 2).await;
    let call = &arrived[1];
    assert_eq!(call.method, "POST");
    let payload = &call.body["payload"];
    assert_eq!(payload["eventType"], "avi:jira:created:issue");
    assert_eq!(payload["selfGenerated"], false);
    assert_eq!(payload["issue"]["id"], id.to_string());
    assert_eq!(payload["issue"]["fields"]["summary"], "Le voyant clignote");
    assert_eq!(payload["issue"]["fields"]["status"]["statusCategory"]["key"], "new");
    assert_eq!(payload["atlassianId"], payload["issue"]["fields"]["creator"]["accountId"]);
    assert!(payload.get("retryContext").is_none());
    let claims = site::claims(call.token());
    assert!(claims.get("principal").is_none(), "nobody is in session");
    assert_eq!(claims["app"]["module"], json!({"type": "core:endpoint", "key": "events"}));
    assert!(call.header("x-forge-oauth-system").is_some());
    assert!(call.header("x-forge-oauth-user").is_none());

    let state = site.state();
    let agent = state.read().accounts.values().find(|a| a.display_name == "Jonas Brandt").unwrap().account_id.clone();
    let actor = Actor::person(&agent);
    let assign = sandbox::state::FieldValue::Assignee(Some(agent.clone()));
    state.edit_issue(&actor, id, vec![assign]).unwrap();
    let body = json!({"type": "doc", "version": 1, "content": []});
    let comment = state.add_comment(&actor, id, body, false, None, Default::default()).unwrap();
    state.delete_comment(&actor, id, comment.id).unwrap();
    let own = Actor { account_id: Some(agent.clone()), app_id: Some(site::APP_ID.to_owned()) };
    state.transition_issue(&own, id, "11", Vec::new()).unwrap();
    state.delete_issue(&actor, id).unwrap();
    site.deliveries_settled().await;
    let arrived = remote.arrived();
    let assigned = named(&arrived, "avi:jira:assigned:issue");
    assert_eq!(assigned[0]["changelog"]["items"][0]["to"], agent);
    let commented = named(&arrived, "avi:jira:commented:issue");
    assert_eq!(
        (&commented[0]["comment"]["id"], &commented[0]["comment"]["jsdPublic"]),
        (&json!(comment.id.to_string()), &json!(false))
    );
    assert_eq!(named(&arrived, "avi:jira:deleted:comment").len(), 1);
    assert_eq!(named(&arrived, "avi:jira:deleted:issue").len(), 1);
    let updated = named(&arrived, "avi:jira:updated:issue");
    assert_eq!(updated.len(), 2);
    let moved = updated.iter().find(|p| p["associatedStatuses"].is_object()).unwrap();
    assert_eq!(moved["selfGenerated"], true);
    site.shutdown().await;
}

#[tokio::test]
async fn an_event_is_sent_once_more_by_hand_and_hurried() {
    let remote = Remote::start().await;
    let mut config = site::config(&remote.url);
    // Nobody waits that long.
    config.forge.event_retry = Duration::from_secs(600);
    let site = site::start(config).await;
    site.deliveries_settled().await;
    const HERE: &str = "/sandbox/settings/deliveries";
    let admin = site::Browser::sign_in(&site, "admin").await;
    remote.answers([Answer::Json(503, json!({"why": "asleep"}))]);
    report(&site);
    remote.wait(EVENTS, 2).await;
    let mut page = String::new();
    while !page.contains("To be tried again") {
        page = admin.get(&format!("{HERE}/2")).await.1;
    }
    assert!(page.contains("asleep") && page.contains("503") && page.contains(">Steward<"), "{page}");
    assert_eq!(admin.post(HERE, &[("delivery", "2"), ("act", "now")]).await.0, 303);
    let arrived = remote.wait(EVENTS, 3).await;
    assert_eq!(arrived[2].body["payload"]["retryContext"]["retryCount"], 1, "it is the next try");
    site.deliveries_settled().await;
    assert_eq!(admin.post(HERE, &[("delivery", "2"), ("act", "again")]).await.0, 303);
    let arrived = remote.wait(EVENTS, 4).await;
    assert_eq!(arrived[3].body, arrived[1].body, "the same as at first");
    assert_ne!(arrived[3].token(), arrived[1].token(), "with a token of its own");
    site.forge().uninstall(site::APP_ID).await.unwrap();
    let (status, page) = admin.post(HERE, &[("delivery", "2"), ("act", "again")]).await;
    assert_eq!(status, 409);
    assert!(page.contains("The app is not installed any more."));
    assert!(admin.get(HERE).await.1.contains("before uninstalling"));
    site.shutdown().await;
}

#[tokio::test]
async fn failed_events_are_sent_again_four_times() {
    let remote = Remote::start().await;
    let mut config = site::config(&remote.url);
    config.forge.event_timeout = Duration::from_millis(200);
    let site = site::start(config).await;
    site.deliveries_settled().await;
    remote.answers([
        Answer::Json(500, json!({})),
        Answer::Json(401, json!({})),
        Answer::Never,
        Answer::Redirect("/x".to_owned()),
        Answer::Text(200, "text/html", "fine"),
    ]);
    report(&site);
    site.deliveries_settled().await;
    let arrived = remote.wait(EVENTS, 6).await;
    assert_eq!(arrived.len(), 6, "given up after four retries");
    let told: Vec<Value> = arrived[1..].iter().map(|one| one.body["payload"]["retryContext"].clone()).collect();
    let context = |count: u32, reason: &str| json!({"retryCount": count, "retryReason": reason, "retryData": null});
    assert_eq!(
        told,
        [
            Value::Null,
            context(1, "INVALID_REMOTE_INVOCATION_ERROR"),
            context(2, "INVALID_FORGE_INVOCATION_TOKEN"),
            context(3, "TIMEOUT_ERROR"),
            context(4, "INVALID_REMOTE_INVOCATION_ERROR"),
        ]
    );
    let ids: std::collections::BTreeSet<String> =
        arrived.iter().map(|one| site::claims(one.token())["jti"].to_string()).collect();
    assert_eq!(ids.len(), 6, "each attempt has a token of its own");
    site.shutdown().await;
}

#[tokio::test]
async fn events_come_twice_or_never() {
    for (twice, dropped, times) in [(1.0, 0.0, 2), (0.0, 1.0, 0)] {
        let remote = Remote::start().await;
        let mut config = site::config(&remote.url);
        config.faults = Faults { delivery_twice: twice, delivery_dropped: dropped, ..Faults::none() };
        let site = site::start(config).await;
        site.deliveries_settled().await;
        report(&site);
        // The event is fanned out by the host's own task: wait for what it does to show.
        if times > 0 {
            remote.wait(EVENTS, 2 + times).await;
        }
        site.deliveries_settled().await;
        assert_eq!(named(&remote.arrived(), "avi:jira:created:issue").len(), times);
        site.shutdown().await;
    }
}

#[tokio::test]
async fn schedules_come_around() {
    let remote = Remote::start().await;
    let mut config = site::config(&remote.url);
    config.forge.hour = Duration::from_millis(120);
    config.forge.event_body = EventBody::Bare;
    let site = site::start(config).await;
    let arrived = remote.wait("/forge/schedule", 2).await;
    assert_eq!(arrived[0].body["context"]["moduleKey"], "hourly");
    assert!(arrived[0].header("x-forge-oauth-system").is_some());
    site.shutdown().await;
}
