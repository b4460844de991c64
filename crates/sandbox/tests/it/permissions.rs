//! Who sees what: roles, customers, internal notes, tokens and their scopes.

use serde_json::{Value, json};

use crate::support::{AGENT, APP, As, CARLA, DAVID, Site, calm};

const PORTAL: &str = "/rest/servicedeskapi/request";

async fn raise(site: &Site, who: As<'_>, desk: &str, kind: &str) -> String {
    let body = json!({"serviceDeskId": desk, "requestTypeId": kind,
        "requestFieldValues": {"summary": "Help me"}});
    let made = site.expect(201, who, "POST", PORTAL, Some(body)).await;
    made["issueKey"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn customers_see_their_requests_and_nothing_else() {
    let site = Site::start(calm()).await;
    let (agent, carla, david) = (As::Person("bob"), As::Person("carla"), As::Person("david"));
    let key = raise(&site, carla, "1", "25").await;
    let one = format!("{PORTAL}/{key}");
    // One organization of hers uses the desk: the request is shared with it.
    site.expect(200, david, "GET", &one, None).await;
    let unshare = json!({"fields": {"customfield_10002": []}});
    site.expect(204, agent, "PUT", &format!("/rest/api/3/issue/{key}"), Some(unshare)).await;
    site.expect(404, david, "GET", &one, None).await;
    let join = json!({"accountIds": [DAVID]});
    site.expect(200, carla, "POST", &format!("{one}/participant"), Some(join)).await;
    site.expect(200, david, "GET", &one, None).await;
    // The platform shows customers nothing, not even that it exists.
    let hidden = site.expect(404, carla, "GET", &format!("/rest/api/3/issue/{key}"), None).await;
    let absent = site.expect(404, carla, "GET", "/rest/api/3/issue/HELP-999", None).await;
    assert_eq!(hidden, absent);
    site.expect(404, As::Nobody, "GET", &format!("/rest/api/3/issue/{key}"), None).await;
    site.expect(401, As::Nobody, "GET", &one, None).await;
    // A licensed person without a role in the desk.
    site.expect(404, As::Person("olga"), "GET", &format!("/rest/api/3/issue/{key}"), None).await;
    site.expect(404, As::Person("olga"), "GET", &one, None).await;
    site.end().await;
}

#[tokio::test]
async fn internal_notes_never_reach_customers() {
    let site = Site::start(calm()).await;
    let (agent, carla) = (As::Person("bob"), As::Person("carla"));
    let key = raise(&site, carla, "1", "25").await;
    let comments = format!("{PORTAL}/{key}/comment");
    let note = json!({"body": "between us", "public": false});
    let made = site.expect(201, agent, "POST", &comments, Some(note.clone())).await;
    site.expect(403, carla, "POST", &comments, Some(note)).await;
    site.expect(201, carla, "POST", &comments, Some(json!({"body": "thanks"}))).await;
    let own = format!("{comments}/{}", made["id"].as_str().unwrap());
    site.expect(404, carla, "GET", &own, None).await;
    let seen = site.expect(200, carla, "GET", &comments, None).await;
    assert_eq!(seen["values"].as_array().unwrap().len(), 1);
    let with = site.expect(200, carla, "GET", &format!("{PORTAL}/{key}?expand=comment"), None).await;
    assert!(!with.to_string().contains("between us"));
    let all = site.expect(200, agent, "GET", &comments, None).await;
    assert_eq!(all["size"], 2);
    // The property alone makes a comment internal, and taking it away makes it public.
    let id = seen["values"][0]["id"].as_str().unwrap();
    let property = format!("/rest/api/3/comment/{id}/properties/sd.public.comment");
    site.expect(201, agent, "PUT", &property, Some(json!({"internal": true}))).await;
    let seen = site.expect(200, carla, "GET", &comments, None).await;
    assert_eq!(seen["size"], 0);
    site.end().await;
}

#[tokio::test]
async fn tokens_are_bound_to_the_gateway_scopes_and_time() {
    let site = Site::start(calm()).await;
    site.token("reader", APP, &["read:jira-work"]);
    site.token("person", CARLA, &["read:servicedesk-request", "write:servicedesk-request"]);
    let reader = As::Token("reader");
    let key = raise(&site, As::Person("carla"), "1", "25").await;
    let issue = format!("/rest/api/3/issue/{key}");
    site.expect(200, reader, "GET", &issue, None).await;
    let refused = site.expect(401, reader, "PUT", &issue, Some(json!({"fields": {}}))).await;
    assert_eq!(refused["message"], "Unauthorized; scope does not match");
    site.expect(401, As::Token("unknown"), "GET", &issue, None).await;
    // At the site's own address an app's token is worth nothing.
    let url = format!("{}{issue}", site.running.url());
    let at_site = site.http.get(url).bearer_auth("reader").send().await.unwrap();
    assert_eq!(at_site.status(), 403);
    // As a person: that person's rights, no more.
    let person = As::Token("person");
    site.expect(200, person, "GET", &format!("{PORTAL}/{key}"), None).await;
    site.expect(401, person, "GET", &issue, None).await;
    // A wrong API token is nobody, not an error.
    let url = format!("{}/rest/api/3/myself", site.running.url());
    let wrong = site.http.get(url).basic_auth("bob@example.com", Some("x")).send().await.unwrap();
    assert_eq!(wrong.status(), 401);
    let url = format!("{}/rest/api/3/serverInfo", site.running.url());
    let wrong = site.http.get(url).basic_auth("bob@example.com", Some("x")).send().await.unwrap();
    assert_eq!(wrong.status(), 200);
    let url = format!("{}/ex/jira/00000000-0000-4000-8000-000000000000{issue}", site.running.url());
    let other = site.http.get(url).bearer_auth("reader").send().await.unwrap();
    assert_eq!(other.status(), 404);
    site.running.state().revoke_app_tokens("app-1");
    site.expect(401, reader, "GET", &issue, None).await;
    site.end().await;
}

#[tokio::test]
async fn addresses_are_shown_as_profiles_allow() {
    let site = Site::start(calm()).await;
    site.token("system", APP, &["read:jira-user", "manage:servicedesk-customer"]);
    let path = format!("/rest/api/3/user?accountId={CARLA}");
    let email = |v: &Value| v["emailAddress"].as_str().map(str::to_owned);
    let seen = site.expect(200, As::Person("bob"), "GET", &path, None).await;
    assert_eq!(email(&seen).as_deref(), Some("carla@example.com"));
    let seen = site.expect(200, As::Person("olga"), "GET", &path, None).await;
    assert_eq!(email(&seen), None);
    let seen = site.expect(200, As::Token("system"), "GET", &path, None).await;
    assert_eq!(email(&seen), None);
    let path = format!("/rest/api/3/user?accountId={AGENT}");
    let seen = site.expect(200, As::Token("system"), "GET", &path, None).await;
    assert_eq!(email(&seen).as_deref(), Some("bob@example.com"));
    site.expect(403, As::Person("carla"), "GET", &path, None).await;
    site.end().await;
}

#[tokio::test]
async fn experimental_operations_need_the_header() {
    let site = Site::start(calm()).await;
    let url = format!("{}/rest/servicedeskapi/servicedesk/1/customer", site.running.url());
    let request = site.http.get(url).basic_auth("bob@example.com", Some("bob-token"));
    assert_eq!(request.send().await.unwrap().status(), 412);
    site.running.shutdown().await;
}

#[tokio::test]
async fn bodies_that_are_no_documents_are_refused() {
    let site = Site::start(calm()).await;
    let agent = As::Person("bob");
    let key = raise(&site, As::Person("carla"), "1", "25").await;
    let comments = format!("/rest/api/3/issue/{key}/comment");
    for body in [
        json!("plain"),
        json!({"type": "doc"}),
        json!(null),
        json!({"type": "doc",
        "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": ""}]}]}),
    ] {
        let refused = site.expect(400, agent, "POST", &comments, Some(json!({"body": body}))).await;
        assert!(refused["errors"]["comment"].is_string(), "{refused}");
    }
    let fields = json!({"fields": {"description": "plain"}});
    let path = format!("/rest/api/3/issue/{key}");
    let refused = site.expect(400, agent, "PUT", &path, Some(fields)).await;
    assert!(refused["errors"]["description"].as_str().unwrap().contains("Atlassian Document"));
    // The same comment twice is two comments.
    let twice = json!({"body": {"type": "doc", "version": 1, "content": []}});
    site.expect(201, agent, "POST", &comments, Some(twice.clone())).await;
    site.expect(201, agent, "POST", &comments, Some(twice)).await;
    assert_eq!(site.expect(200, agent, "GET", &comments, None).await["total"], 2);
    site.end().await;
}
