//! Deliveries: signed, identified, tried again; and with misfortune, late, twice, or lost.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Uri},
    routing::post,
};
use serde_json::{Value, json};

use crate::support::{As, Site, calm};

type Received = Arc<Mutex<Vec<(HeaderMap, Value)>>>;

async fn receive(
    State((received, fail)): State<(Received, usize)>,
    headers: HeaderMap,
    body: Bytes,
) -> axum::http::StatusCode {
    let mut received = received.lock().unwrap();
    received.push((headers, serde_json::from_slice(&body).unwrap_or(Value::Null)));
    if received.len() <= fail { axum::http::StatusCode::SERVICE_UNAVAILABLE } else { axum::http::StatusCode::OK }
}

/// A receiver that fails so many times first.
async fn receiver(fail: usize) -> (String, Received) {
    let received = Received::default();
    let router = Router::new().route("/hook", post(receive)).with_state((received.clone(), fail));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, received)
}

async fn hook(site: &Site, url: &str, events: &[&str], jql: &str) {
    let body = json!({"name": "Hook", "url": url, "events": events, "secret": "s3cret",
        "filters": {"issue-related-events-section": jql}});
    site.expect(201, As::Person("alice"), "POST", "/rest/webhooks/1.0/webhook", Some(body)).await;
}

async fn create(site: &Site, project: &str) {
    let body = json!({"fields": {"project": {"key": project}, "summary": "One",
        "issuetype": {"name": "Bug"}, "description": {"type": "doc", "version": 1, "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": "words"}]}]}}});
    site.expect(201, As::Person("alice"), "POST", "/rest/api/3/issue", Some(body)).await;
}

#[tokio::test]
async fn deliveries_are_signed_filtered_and_tried_again() {
    let (url, received) = receiver(1).await;
    let site = Site::start(calm()).await;
    hook(&site, &url, &["jira:issue_created"], "project = DEV").await;
    create(&site, "DEV").await;
    create(&site, "HELP").await;
    site.running.deliveries_settled().await;
    let got = received.lock().unwrap().clone();
    assert_eq!(got.len(), 2, "one event of one project, tried twice");
    let (first, again) = (&got[0].0, &got[1].0);
    assert_eq!(first["x-atlassian-webhook-identifier"], again["x-atlassian-webhook-identifier"]);
    assert!(!first.contains_key("x-atlassian-webhook-retry"));
    assert_eq!(again["x-atlassian-webhook-retry"], "1");
    assert!(first["x-hub-signature"].to_str().unwrap().starts_with("sha256="));
    let body = &got[0].1;
    assert_eq!(body["webhookEvent"], "jira:issue_created");
    assert_eq!(body["issue"]["fields"]["description"], "words");
    assert!(body["issue"]["fields"].get("comment").is_none());
    site.end().await;
}

#[tokio::test]
async fn an_address_that_asks_for_ids_has_them_and_the_body_can_be_left_out() {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let router = Router::new().fallback(move |uri: Uri, headers: HeaderMap, body: Bytes| async move {
        let signature = headers["x-hub-signature"].to_str().unwrap().to_owned();
        tell.send((uri.to_string(), signature, body)).unwrap();
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?issue=${{issue.id}}&of=${{project.key}}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let site = Site::start(calm()).await;
    let new = json!({"name": "Hook", "url": url, "events": ["jira:issue_created"], "secret": "s3cret",
        "filters": {"issue-related-events-section": "projectType = service_desk"}, "excludeBody": true});
    let made = site.expect(201, As::Person("alice"), "POST", "/rest/webhooks/1.0/webhook", Some(new)).await;
    assert_eq!((&made["url"], &made["excludeBody"]), (&json!(url), &json!(true)));
    create(&site, "DEV").await;
    create(&site, "HELP").await;
    site.running.deliveries_settled().await;
    let (address, signature, body) = told.recv().await.unwrap();
    let id = site.running.state().read().issues.values().next_back().unwrap().id;
    assert_eq!(address, format!("/hook?issue={id}&of=HELP"));
    assert!(body.is_empty());
    // A signature of nothing is the same for each.
    assert!(signature.starts_with("sha256="));
    assert!(told.try_recv().is_err(), "the other project is no service project");
    site.end().await;
}

#[tokio::test]
async fn with_misfortune_some_come_twice_and_some_never() {
    let (url, received) = receiver(0).await;
    let mut config = calm();
    config.rate_limits.enabled = false;
    config.faults.delivery_twice = 0.3;
    config.faults.delivery_dropped = 0.3;
    config.faults.delivery_delay = (Duration::ZERO, Duration::from_millis(30));
    let site = Site::start(config).await;
    hook(&site, &url, &["jira:issue_created"], "").await;
    const MADE: usize = 60;
    for _ in 0..MADE {
        create(&site, "DEV").await;
    }
    site.running.deliveries_settled().await;
    let got = received.lock().unwrap().clone();
    let ids: Vec<String> =
        got.iter().map(|(h, _)| h["x-atlassian-webhook-identifier"].to_str().unwrap().to_owned()).collect();
    let mut distinct = ids.clone();
    distinct.sort();
    distinct.dedup();
    assert!(distinct.len() < MADE, "none was lost");
    assert!(ids.len() > distinct.len(), "none came twice");
    let keys: Vec<u64> = got.iter().map(|(_, b)| b["issue"]["id"].as_str().unwrap().parse().unwrap()).collect();
    assert!(!keys.is_sorted(), "all came in order");
    site.end().await;
}
