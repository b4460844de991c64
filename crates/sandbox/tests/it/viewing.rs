//! Whom a Data Center lists as people who may see an issue.

use serde_json::json;

use crate::data_center::server;

#[tokio::test]
async fn whoever_fits_the_name_is_suggested() {
    let site = server("10.3").await;
    // Who may see an issue is not what this says: whoever fits the name is suggested, customers too.
    let new = json!({"fields": {"project": {"key": "HELP"}, "issuetype": {"name": "Incident"}, "summary": "Mail"}});
    assert_eq!(site.expect(201, "alice", "POST", "/rest/api/2/issue", Some(new)).await["key"], "HELP-1");
    let path = "/rest/api/2/user/viewissue/search";
    let suggested = site.expect(200, "alice", "GET", &format!("{path}?issueKey=HELP-1&username=ca"), None).await;
    assert_eq!((suggested.as_array().unwrap().len(), &suggested[0]["name"]), (1, &json!("carla@example.com")));
    let page = format!("{path}?projectKey=HELP&username=.&startAt=99&maxResults=20");
    assert!(site.expect(200, "alice", "GET", &page, None).await.as_array().unwrap().is_empty());
    assert_eq!(site.expect(200, "alice", "GET", &format!("{path}?issueKey=HELP-1"), None).await, json!([]));
    for (status, who, query) in [
        (400, "alice", "username=ca"),
        (404, "alice", "username=ca&issueKey=HELP-999"),
        (403, "carla", "username=ca&issueKey=HELP-1"),
        (401, "nobody", "username=ca&issueKey=HELP-1"),
    ] {
        site.expect(status, who, "GET", &format!("{path}?{query}"), None).await;
    }
}

/// Before 8.19.1 it was asked what they may.
#[tokio::test]
async fn an_old_one_names_those_who_may_see_an_issue() {
    let site = server("8.19").await;
    let new = json!({"fields": {"project": {"key": "HELP"}, "issuetype": {"name": "Incident"}, "summary": "Mail"}});
    site.expect(201, "alice", "POST", "/rest/api/2/issue", Some(new)).await;
    let path = "/rest/api/2/user/viewissue/search?issueKey=HELP-1&username=.";
    let found = site.expect(200, "alice", "GET", path, None).await;
    let names: Vec<&str> = found.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"bob") && !names.contains(&"carla@example.com"), "{names:?}");
}
