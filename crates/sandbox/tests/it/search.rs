//! Search: pages by token, the lag behind writes, and how to reconcile it.

use std::time::Duration;

use sandbox::Config;
use serde_json::{Value, json};

use crate::support::{As, Hand, Site, calm};

const SEARCH: &str = "/rest/api/3/search/jql";

async fn create(site: &Site, summary: &str) -> Value {
    let body = json!({"fields": {"project": {"key": "HELP"}, "summary": summary,
        "issuetype": {"name": "Incident"}}});
    site.expect(201, As::Person("bob"), "POST", "/rest/api/3/issue", Some(body)).await
}

#[tokio::test]
async fn search_lags_behind_writes() {
    let hand = Hand::new();
    let mut config = Config { clock: hand.clock(), ..calm() };
    config.faults.search_lag = (Duration::from_millis(300), Duration::from_millis(900));
    let site = Site::start(config).await;
    let agent = As::Person("bob");
    let made = create(&site, "Before").await;
    let (key, id) = (made["key"].as_str().unwrap(), made["id"].as_str().unwrap());
    let query = json!({"jql": "project = HELP", "fields": ["summary"]});
    let found = site.expect(200, agent, "POST", SEARCH, Some(query.clone())).await;
    assert_eq!(found["issues"].as_array().unwrap().len(), 0, "{found}");
    // Read directly it is there, and so it is when search is told of it.
    site.expect(200, agent, "GET", &format!("/rest/api/3/issue/{key}"), None).await;
    let mut told = query.clone();
    told["reconcileIssues"] = json!([id.parse::<u64>().unwrap()]);
    let found = site.expect(200, agent, "POST", SEARCH, Some(told.clone())).await;
    assert_eq!(found["issues"][0]["key"], key);
    hand.forward(900);
    let found = site.expect(200, agent, "POST", SEARCH, Some(query.clone())).await;
    assert_eq!(found["issues"][0]["fields"]["summary"], "Before");
    // An edit shows late as well, and a deletion too.
    let edit = json!({"fields": {"summary": "After"}});
    let path = format!("/rest/api/3/issue/{key}");
    site.expect(204, agent, "PUT", &path, Some(edit)).await;
    let found = site.expect(200, agent, "POST", SEARCH, Some(query.clone())).await;
    assert_eq!(found["issues"][0]["fields"]["summary"], "Before");
    let found = site.expect(200, agent, "POST", SEARCH, Some(told)).await;
    assert_eq!(found["issues"][0]["fields"]["summary"], "After");
    hand.forward(900);
    site.expect(204, As::Person("alice"), "DELETE", &path, None).await;
    let found = site.expect(200, agent, "POST", SEARCH, Some(query.clone())).await;
    assert_eq!(found["issues"][0]["key"], key);
    hand.forward(900);
    let found = site.expect(200, agent, "POST", SEARCH, Some(query)).await;
    assert_eq!(found["issues"].as_array().unwrap().len(), 0);
    site.end().await;
}

#[tokio::test]
async fn pages_follow_by_token_and_have_no_total() {
    let hand = Hand::new();
    let site = Site::start(Config { clock: hand.clock(), ..calm() }).await;
    let agent = As::Person("bob");
    for number in 0..5 {
        create(&site, &format!("Number {number}")).await;
    }
    let mut query = json!({"jql": "project = HELP ORDER BY key", "maxResults": 2, "fields": ["key"]});
    let mut keys = Vec::new();
    loop {
        let page = site.expect(200, agent, "POST", SEARCH, Some(query.clone())).await;
        assert!(page.get("total").is_none());
        keys.extend(page["issues"].as_array().unwrap().iter().map(|i| i["key"].clone()));
        if page["isLast"] == true {
            assert!(page.get("nextPageToken").is_none());
            break;
        }
        query["nextPageToken"] = page["nextPageToken"].clone();
    }
    assert_eq!(keys, ["HELP-1", "HELP-2", "HELP-3", "HELP-4", "HELP-5"]);
    // A token belongs to its query, and ends.
    let mut other = query.clone();
    other["jql"] = json!("project = HELP");
    site.expect(400, agent, "POST", SEARCH, Some(other)).await;
    hand.forward(7 * 24 * 3600 * 1000 + 1000);
    site.expect(400, agent, "POST", SEARCH, Some(query)).await;
    site.expect(400, agent, "POST", SEARCH, Some(json!({"jql": "project = HELP", "startAt": 1}))).await;
    let plain = site.expect(200, agent, "POST", SEARCH, Some(json!({"jql": "project = HELP"}))).await;
    assert_eq!(plain["issues"][0].as_object().unwrap().keys().collect::<Vec<_>>(), ["id"]);
    site.end().await;
}

#[tokio::test]
async fn desk_pages_have_links() {
    let site = Site::start(calm()).await;
    let path = "/rest/servicedeskapi/servicedesk?limit=1";
    let first = site.expect(200, As::Person("carla"), "GET", path, None).await;
    assert_eq!((first["isLastPage"].as_bool(), first["size"].as_u64()), (Some(false), Some(1)));
    let next = first["_links"]["next"].as_str().unwrap().replace(&site.running.url(), "");
    let second = site.expect(200, As::Person("carla"), "GET", &next, None).await;
    assert_eq!(second["isLastPage"], true);
    assert!(second["_links"]["prev"].is_string() && second["_links"]["next"].is_null());
    site.end().await;
}
