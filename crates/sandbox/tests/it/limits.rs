//! Rate limits as they are met over HTTP, on by default.

use sandbox::Config;
use serde_json::json;

use crate::support::{APP, As, Hand, Site, calm};

fn stopped() -> (Config, Hand) {
    let hand = Hand::new();
    (Config { clock: hand.clock(), ..calm() }, hand)
}

#[tokio::test]
async fn the_customers_of_a_desk_are_five_a_second() {
    let (config, hand) = stopped();
    let site = Site::start(config).await;
    let path = "/rest/servicedeskapi/servicedesk/1/customer";
    for left in ["4", "3", "2", "1", "0"] {
        let answer = site.raw(As::Person("bob"), "GET", path, None).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["x-ratelimit-remaining"], left);
    }
    let refused = site.raw(As::Person("bob"), "GET", path, None).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["ratelimit-reason"], "jira-burst-based");
    assert_eq!(refused.headers()["retry-after"], "1");
    hand.forward(1000);
    site.expect(200, As::Person("bob"), "GET", path, None).await;
    site.end().await;
}

#[tokio::test]
async fn one_issue_takes_twenty_writes_in_two_seconds() {
    let (config, hand) = stopped();
    let site = Site::start(config).await;
    let made = json!({"fields": {"project": {"key": "HELP"}, "summary": "One",
        "issuetype": {"name": "Incident"}}});
    let agent = As::Person("bob");
    let made = site.expect(201, agent, "POST", "/rest/api/3/issue", Some(made)).await;
    let key = made["key"].as_str().unwrap();
    let property = |n: u32| format!("/rest/api/3/issue/{key}/properties/p{n}");
    for n in 0..20 {
        site.expect(201, agent, "PUT", &property(n), Some(json!(n))).await;
    }
    let refused = site.raw(agent, "PUT", &property(20), Some(json!(1))).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["ratelimit-reason"], "jira-per-issue-on-write");
    site.expect(200, agent, "GET", &format!("/rest/api/3/issue/{key}"), None).await;
    hand.forward(2000);
    site.expect(201, agent, "PUT", &property(20), Some(json!(1))).await;
    site.end().await;
}

#[tokio::test]
async fn apps_have_points_and_people_have_not() {
    let (mut config, hand) = stopped();
    config.rate_limits.points_per_hour = 4;
    let site = Site::start(config).await;
    site.token("system", APP, &["read:jira-work", "read:jira-user"]);
    let app = As::Token("system");
    let answer = site.raw(app, "GET", "/rest/api/3/project", None).await;
    assert_eq!(answer.headers()["ratelimit-policy"], "\"global-app-quota\";q=4;w=3600");
    assert!(answer.headers()["ratelimit"].to_str().unwrap().contains("r=2;"));
    site.expect(200, app, "GET", "/rest/api/3/project", None).await;
    let refused = site.raw(app, "GET", "/rest/api/3/project", None).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["ratelimit-reason"], "jira-quota-global-based");
    site.expect(200, As::Person("bob"), "GET", "/rest/api/3/project", None).await;
    hand.forward(3_600_000);
    site.token("system", APP, &["read:jira-work", "read:jira-user"]);
    site.expect(200, app, "GET", "/rest/api/3/project", None).await;
    site.end().await;
}
