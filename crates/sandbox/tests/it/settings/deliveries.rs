//! Deliveries by hand: seen, sent again, hurried, taken back.

use std::time::Duration;

use serde_json::json;

use super::{Browser, Receiver, hook};
use crate::support::{As, Site, calm};

const HERE: &str = "/sandbox/settings/deliveries";

async fn create(site: &Site) {
    let body = json!({"fields": {"project": {"key": "DEV"}, "summary": "One <i>", "issuetype": {"name": "Bug"}}});
    site.expect(201, As::Person("alice"), "POST", "/rest/api/3/issue", Some(body)).await;
}

/// Asks for the page until it says so.
async fn until(browser: &Browser, path: &str, words: &str) -> String {
    for _ in 0..200 {
        let (_, page) = browser.get(path).await;
        if page.contains(words) {
            return page;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{path} never says {words}");
}

#[tokio::test]
async fn a_delivery_is_seen_with_its_answer_and_sent_again_as_it_was() {
    let receiver = Receiver::start().await;
    let site = Site::start(calm()).await;
    let admin = Browser::of(&site, "alice").await;
    assert!(admin.get(HERE).await.1.contains("Nothing was sent yet"));
    let id = hook(&site, &receiver.url, &["jira:issue_created"]).await;
    receiver.answer(404);
    create(&site).await;
    site.running.deliveries_settled().await;
    let (_, page) = admin.get(HERE).await;
    assert!(page.contains("jira:issue_created") && page.contains("Mine &amp; yours"), "{page}");
    assert!(page.contains("1 try, 404") && page.contains("Not taken"));
    let (_, one) = admin.get(&format!("{HERE}/1")).await;
    assert!(one.contains("&lt;b&gt;heard&lt;&#x2f;b&gt;"), "the answer, escaped: {one}");
    assert!(one.contains("&quot;webhookEvent&quot;: &quot;jira:issue_created&quot;"), "the body: {one}");

    receiver.answer(200);
    let again = [("delivery", "1"), ("act", "again")];
    assert_eq!(admin.post(HERE, &again).await, (303, format!("{HERE}?done=again")));
    site.running.deliveries_settled().await;
    let got = receiver.got();
    assert_eq!(got.len(), 2);
    assert_eq!(got[0].1, got[1].1, "the same body");
    for name in ["x-atlassian-webhook-identifier", "x-hub-signature"] {
        assert_eq!(got[0].0[name], got[1].0[name], "{name}");
    }
    assert!(admin.get(HERE).await.1.contains("#1 again"));
    assert!(admin.get(&format!("{HERE}?which=failed")).await.1.contains("deliveries/1\""));
    assert!(!admin.get(&format!("{HERE}?which=failed")).await.1.contains("deliveries/2\""));

    site.expect(204, As::Person("alice"), "DELETE", &format!("/rest/webhooks/1.0/webhook/{id}"), None).await;
    let (status, page) = admin.post(HERE, &again).await;
    assert_eq!(status, 409);
    assert!(page.contains("The webhook is no longer registered."));
    site.end().await;
}

#[tokio::test]
async fn what_waits_is_sent_now_or_dropped() {
    let receiver = Receiver::start().await;
    let mut config = calm();
    config.faults.delivery_delay = (Duration::from_secs(600), Duration::from_secs(600));
    let site = Site::start(config).await;
    let admin = Browser::of(&site, "alice").await;
    hook(&site, &receiver.url, &["jira:issue_created"]).await;
    create(&site).await;
    until(&admin, HERE, ">Waiting<").await;
    assert!(receiver.got().is_empty());
    assert_eq!(admin.post(HERE, &[("delivery", "1"), ("act", "now")]).await.0, 303);
    until(&admin, HERE, ">Taken<").await;
    assert_eq!(receiver.got().len(), 1);
    let (status, page) = admin.post(HERE, &[("delivery", "1"), ("act", "now"), ("from", "one")]).await;
    assert_eq!(status, 409);
    assert!(page.contains("It does not wait any more."));

    create(&site).await;
    until(&admin, HERE, "deliveries/2\"").await;
    until(&admin, HERE, ">Waiting<").await;
    assert_eq!(admin.post(HERE, &[("delivery", "2"), ("act", "drop")]).await.0, 303);
    site.running.deliveries_settled().await;
    assert!(admin.get(HERE).await.1.contains("Dropped by hand"));
    assert_eq!(receiver.got().len(), 1, "what was dropped never came");
    site.end().await;
}

#[tokio::test]
async fn what_a_fault_lost_is_seen_and_the_last_five_hundred_are_kept() {
    let receiver = Receiver::start().await;
    let mut config = calm();
    config.rate_limits.enabled = false;
    config.contract = None;
    config.faults.delivery_dropped = 1.0;
    let site = Site::start(config).await;
    let admin = Browser::of(&site, "alice").await;
    hook(&site, &receiver.url, &["jira:issue_created"]).await;
    for _ in 0..501 {
        create(&site).await;
    }
    site.running.deliveries_settled().await;
    let (_, page) = admin.get(HERE).await;
    assert!(page.contains("Lost by a fault") && page.contains("1–50 of 500"), "{page}");
    assert_eq!(admin.get(&format!("{HERE}/1")).await.0, 404, "the oldest is forgotten");
    assert_eq!(admin.get(&format!("{HERE}/501")).await.0, 200);
    assert_eq!(admin.get(&format!("{HERE}/x")).await.0, 404);
    assert_eq!(admin.post(HERE, &[("delivery", "1"), ("act", "again")]).await.0, 404);
    assert_eq!(admin.post(HERE, &[("delivery", "501"), ("act", "again")]).await.0, 303);
    site.running.deliveries_settled().await;
    assert_eq!(receiver.got().len(), 1, "no fault is drawn for what is sent by hand");
    site.end().await;
}

#[tokio::test]
async fn only_administrators_and_only_by_the_pages_own_forms() {
    let site = Site::start(calm()).await;
    for who in ["bob", "carla"] {
        let other = Browser::of(&site, who).await;
        for path in [HERE, "/sandbox/settings/deliveries/1", "/sandbox/settings/faults"] {
            assert_eq!(other.get(path).await.0, 403, "{who} {path}");
        }
        assert_eq!(other.post(HERE, &[("delivery", "1"), ("act", "again")]).await.0, 403);
    }
    let admin = Browser::of(&site, "alice").await;
    let (status, page) = admin.forged(HERE, &[("delivery", "1"), ("act", "again"), ("_token", "x")]).await;
    assert_eq!(status, 403);
    assert!(page.contains("This form has expired"));
    site.end().await;
}
