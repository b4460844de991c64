//! Faults on command, as they are met over HTTP: each with its headers, for what it names, as long as it says; and
//! taken back.

use sandbox::{Config, Source};
use serde_json::{Value, json};

use crate::support::{APP, As, Hand, Site, calm, seed};

const FAULTS: &str = "/sandbox/faults";
const MYSELF: &str = "/rest/api/3/myself";
const BOB: As<'_> = As::Person("bob");

async fn command(site: &Site, faults: Value) -> Value {
    site.expect(200, As::Nobody, "PUT", FAULTS, Some(faults)).await
}

#[tokio::test]
async fn each_limit_says_which_it_is_and_a_gateways_says_nothing() {
    let hand = Hand::new();
    let site = Site::start(Config { clock: hand.clock(), ..calm() }).await;
    // Hand's instant is 320 s after the hour.
    let rest_of_hour = (3600 - 1_795_000_000 % 3600).to_string();
    for (reason, header, retry, policy) in [
        ("quota-global", Some("jira-quota-global-based"), Some(rest_of_hour.as_str()), Some("global-app-quota")),
        ("quota-tenant", Some("jira-quota-tenant-based"), Some(rest_of_hour.as_str()), Some("tenant-app-quota")),
        ("burst", Some("jira-burst-based"), Some("1"), None),
        ("per-issue", Some("jira-per-issue-on-write"), Some("2"), None),
        ("gateway", None, None, None),
    ] {
        command(&site, json!({"requests": [{"do": "rateLimit", "reason": reason, "next": 1}]})).await;
        let refused = site.raw(BOB, "GET", MYSELF, None).await;
        assert_eq!(refused.status(), 429, "{reason}");
        let headers = refused.headers();
        let said = |name: &str| headers.get(name).map(|v| v.to_str().unwrap());
        assert_eq!(said("ratelimit-reason"), header, "{reason}");
        assert_eq!(said("retry-after"), retry, "{reason}");
        assert_eq!(said("x-sandbox-fault"), Some("1"), "{reason}");
        let expected = policy.map(|name| format!("\"{name}\";q=65000;w=3600"));
        assert_eq!(said("ratelimit-policy"), expected.as_deref(), "{reason}");
        if let Some(name) = policy {
            assert_eq!(said("ratelimit"), Some(format!("\"{name}\";r=0;t={rest_of_hour}").as_str()));
            assert!(said("x-ratelimit-reset").unwrap().ends_with(":00Z"));
        }
        site.expect(200, BOB, "GET", MYSELF, None).await;
    }
    let after = json!({"requests": [{"do": "rateLimit", "reason": "burst", "retryAfterS": 9}]});
    command(&site, after).await;
    let refused = site.raw(BOB, "GET", MYSELF, None).await;
    assert_eq!(refused.headers()["retry-after"], "9");
    site.end().await;
}

#[tokio::test]
async fn a_fault_strikes_what_it_names_on_both_addresses_and_never_its_own_door() {
    let site = Site::start(calm()).await;
    site.token("system", APP, &["read:jira-work", "read:jira-user"]);
    let rule = json!({"do": "error", "status": 502, "method": "GET", "path": "/rest/api/3/project"});
    command(&site, json!({"requests": [rule]})).await;
    let body = site.expect(502, BOB, "GET", "/rest/api/3/project", None).await;
    assert_eq!(body, json!({"code": 502, "message": "Bad Gateway"}));
    site.expect(502, As::Token("system"), "GET", "/rest/api/3/project/search", None).await;
    site.expect(200, BOB, "GET", MYSELF, None).await;
    let told = site.expect(200, As::Nobody, "GET", FAULTS, None).await;
    assert_eq!(told["met"][0], json!({"matched": 2, "struck": 2, "left": null, "ended": false}));
    assert!(
        told["knobs"].as_array().unwrap().iter().all(|knob| knob["unit"].is_string() && knob["bounds"].is_string())
    );
    command(&site, json!({"requests": [{"do": "error", "status": 503}]})).await;
    site.expect(503, BOB, "GET", MYSELF, None).await;
    site.expect(503, As::Nobody, "GET", "/jira/projects", None).await;
    let calmed = site.expect(200, As::Nobody, "DELETE", FAULTS, None).await;
    assert_eq!(calmed["faults"]["requests"], json!([]));
    site.expect(200, BOB, "GET", MYSELF, None).await;
    site.end().await;
}

#[tokio::test]
async fn a_mistake_is_told_by_field_and_changes_nothing() {
    let site = Site::start(calm()).await;
    command(&site, json!({"requests": [{"do": "error", "status": 500, "path": "/rest/api/3/myself"}]})).await;
    let wrong = json!({"searchLagMs": 700_000, "requests": [{"do": "down"}]});
    let told = site.expect(400, As::Nobody, "PUT", FAULTS, Some(wrong)).await;
    let fields: Vec<&Value> = told["errors"].as_array().unwrap().iter().map(|e| &e["field"]).collect();
    assert_eq!(fields, ["searchLagMs", "requests[0].forS"]);
    assert!(told["errors"][0]["message"].as_str().unwrap().contains("600000 milliseconds"));
    site.expect(500, BOB, "GET", MYSELF, None).await;
    site.end().await;
}

#[tokio::test]
async fn a_site_that_is_down_hangs_up_until_its_time_is_over() {
    let hand = Hand::new();
    let site = Site::start(Config { clock: hand.clock(), ..calm() }).await;
    command(&site, json!({"requests": [{"do": "down", "forS": 30}]})).await;
    let ask =
        || site.http.get(format!("{}{MYSELF}", site.running.url())).basic_auth("bob@example.com", Some("bob-token"));
    for _ in 0..3 {
        let failed = ask().send().await.unwrap_err();
        assert!(failed.is_request() && failed.status().is_none(), "{failed:?}");
    }
    hand.forward(30_000);
    assert_eq!(ask().send().await.unwrap().status(), 200);
    command(&site, json!({"requests": [{"do": "down", "forS": 30, "by": "gateway"}]})).await;
    assert_eq!(ask().send().await.unwrap().status(), 503);
    site.end().await;
}

#[tokio::test]
async fn a_slow_answer_holds_up_nobody_else_and_ends_when_it_is_taken_back() {
    let mut config = calm();
    // How often the others ask until then is nobody's to say.
    config.rate_limits.enabled = false;
    let site = Site::start(config).await;
    command(&site, json!({"requests": [{"do": "slow", "ms": 600_000, "path": MYSELF}]})).await;
    let slow =
        site.http.get(format!("{}{MYSELF}", site.running.url())).basic_auth("bob@example.com", Some("bob-token"));
    let slow = tokio::spawn(slow.send());
    // Others are answered meanwhile, and the door tells when it has been met.
    while site.expect(200, As::Nobody, "GET", FAULTS, None).await["met"][0]["struck"] != 1 {
        site.expect(200, BOB, "GET", "/rest/api/3/serverInfo", None).await;
    }
    assert!(!slow.is_finished());
    site.expect(200, As::Nobody, "DELETE", FAULTS, None).await;
    assert_eq!(slow.await.unwrap().unwrap().status(), 200);
    site.end().await;
}

#[tokio::test]
async fn the_same_seed_brings_the_same_run() {
    let rule = json!({"do": "error", "status": 500, "chance": 0.5});
    let mut runs = Vec::new();
    for seed_of_run in [7, 7, 8] {
        let config = Config { source: Source::Seed(Box::new(seed())), ..calm() };
        let site = Site::start(config).await;
        command(&site, json!({"seed": seed_of_run, "requests": [rule]})).await;
        let mut run = Vec::new();
        for _ in 0..32 {
            run.push(site.raw(BOB, "GET", MYSELF, None).await.status().as_u16());
        }
        assert!(run.contains(&200) && run.contains(&500));
        runs.push(run);
        site.end().await;
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn search_lags_as_long_as_it_is_told() {
    let hand = Hand::new();
    let site = Site::start(Config { clock: hand.clock(), ..calm() }).await;
    command(&site, json!({"searchLagMs": 5_000})).await;
    let new = json!({"fields": {"project": {"key": "DEV"}, "summary": "Late", "issuetype": {"name": "Bug"}}});
    site.expect(201, BOB, "POST", "/rest/api/3/issue", Some(new)).await;
    let found = async || {
        let jql = json!({"jql": "project = DEV"});
        site.expect(200, BOB, "POST", "/rest/api/3/search/jql", Some(jql)).await["issues"].as_array().unwrap().len()
    };
    assert_eq!(found().await, 0);
    hand.forward(4_999);
    assert_eq!(found().await, 0);
    hand.forward(1);
    assert_eq!(found().await, 1);
    site.end().await;
}

/// An error does not say that nothing was done.
#[tokio::test]
async fn what_is_answered_with_an_error_may_be_done() {
    const ORGANIZATION: &str = "/rest/servicedeskapi/organization";
    let site = Site::start(calm()).await;
    let stumble = json!({"do": "stumble", "status": 502, "method": "POST", "path": ORGANIZATION, "next": 1});
    command(&site, json!({"requests": [stumble]})).await;
    let known = async || {
        let listed = site.expect(200, BOB, "GET", ORGANIZATION, None).await;
        listed["values"].as_array().unwrap().iter().filter(|one| one["name"] == "Made all the same").count()
    };
    let new = json!({"name": "Made all the same"});
    site.expect(502, BOB, "POST", ORGANIZATION, Some(new.clone())).await;
    assert_eq!(known().await, 1);
    // Asked again, Jira answers the one that there is, in whichever case it is named.
    let first = site.expect(201, BOB, "POST", ORGANIZATION, Some(new)).await;
    let other_case = json!({"name": " MADE all the same "});
    let again = site.expect(201, BOB, "POST", ORGANIZATION, Some(other_case)).await;
    assert_eq!((&again["id"], &again["name"]), (&first["id"], &first["name"]));
    assert_eq!(known().await, 1);
    site.end().await;
}

/// Jira makes a customer, nobody hears of it, and its search of people does not know them for a while.
#[tokio::test]
async fn what_is_lost_is_done_and_found_late() {
    const CUSTOMER: &str = "/rest/servicedeskapi/customer";
    let hand = Hand::new();
    let site = Site::start(Config { clock: hand.clock(), ..calm() }).await;
    let admin = As::Person("alice");
    let lose = json!({"do": "lose", "method": "POST", "path": CUSTOMER, "next": 1});
    command(&site, json!({"searchLagMs": 60_000, "requests": [lose]})).await;
    let made = json!({"email": "new@example.com", "displayName": "New One"});
    let ask = || site.http.post(format!("{}{CUSTOMER}", site.running.url())).json(&made);
    let failed = ask().basic_auth("alice@example.com", Some("alice-token")).send().await.unwrap_err();
    assert!(failed.is_request() && failed.status().is_none(), "{failed:?}");
    let refused = site.expect(400, admin, "POST", CUSTOMER, Some(made.clone())).await;
    assert_eq!(refused["errorMessage"], "An account already exists for this email address.");
    let strict = format!("{CUSTOMER}?strictConflictStatusCode=true");
    site.expect(409, admin, "POST", &strict, Some(made)).await;
    let search = "/rest/api/3/user/search?query=new@example.com";
    assert_eq!(site.expect(200, admin, "GET", search, None).await, json!([]));
    hand.forward(60_000);
    let found = site.expect(200, admin, "GET", search, None).await;
    let account = found[0]["accountId"].clone();
    // A desk takes those whom it knows, whatever it says of the others; none of an open one can be taken off it.
    let some = json!({"accountIds": [account, "nobody"]});
    site.expect(400, admin, "POST", "/rest/servicedeskapi/servicedesk/1/customer", Some(some)).await;
    let state = site.running.state();
    let is_in = || state.read().service_desks["1"].customers.contains(account.as_str().unwrap());
    assert!(is_in());
    let one = json!({"accountIds": [account]});
    site.expect(400, admin, "DELETE", "/rest/servicedeskapi/servicedesk/2/customer", Some(one.clone())).await;
    site.expect(204, admin, "DELETE", "/rest/servicedeskapi/servicedesk/1/customer", Some(one)).await;
    assert!(!is_in());
    site.end().await;
}
