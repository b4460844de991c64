//! An app that was not written here is installed ([`Foreign`]): it proves what the site signs, and the site proves what it signs, as the
//! app itself and as a person.

use serde_json::{Value, json};

use crate::foreign::Foreign;
use crate::support::{AGENT, As, CARLA, Site, calm};

const APP: &str = "com.example.foreign";

#[tokio::test]
async fn an_app_by_atlassians_framework_works_here() {
    let site = Site::start(calm()).await;
    let jira = &site.running;
    let connect = jira.connect();
    let authorization = jira.url();
    let further = [("AUTHORIZATION_SERVER", authorization.as_str()), ("CUSTOMER", CARLA)];
    let Some(mut app) = Foreign::start(&connect.install_keys_url(), &further).await else { return };
    let descriptor = format!("{}/atlassian-connect.json", app.url);
    let installed = connect.install(&descriptor, None).await.unwrap();
    for event in ["installed", "enabled"] {
        assert_eq!(app.says(event).await["value"], installed.client_key);
    }

    // It is told of an issue.
    let summary = "Told by a webhook";
    let fields = json!({"project": {"key": "HELP"}, "issuetype": {"name": "Incident"}, "summary": summary});
    let made =
        site.expect(201, As::Person("bob"), "POST", "/rest/api/3/issue", Some(json!({ "fields": fields }))).await;
    let issue = made["key"].as_str().unwrap().to_owned();
    assert_eq!(app.says("webhook").await["all"]["issue"], issue);

    // Its page is opened, and asks the site: as itself and as who looks, what its scopes let it.
    let http = &site.http;
    let page = jira.connect_page(APP, AGENT, "hello", Some(&issue)).unwrap();
    let shown: Value = http.get(&page.url).send().await.unwrap().json().await.unwrap();
    assert_eq!(shown["person"], AGENT, "{shown}");
    assert_eq!(
        (&shown["me"]["accountId"], &shown["summary"]),
        (&json!(installed.account_id), &json!(summary)),
        "{shown}"
    );
    assert_eq!(shown["said"], installed.account_id, "a comment of its own: {shown}");
    assert_eq!((&shown["seen"], &shown["theirs"]), (&json!(AGENT), &json!(AGENT)), "as the person: {shown}");
    assert_eq!(shown["customer"], "invalid_grant", "nobody acts as a customer: {shown}");
    assert_eq!(shown["refused"], 403, "WRITE does not delete: {shown}");
    assert_eq!(shown["kept"], json!({ "issue": issue }), "{shown}");
    // What was signed for one page opens no other; a context token opens what takes one, and no page.
    let other = page.url.replace(&format!("issue={issue}"), "issue=HELP-9");
    assert_eq!(http.get(&other).send().await.unwrap().status(), 401);
    let hello = http.get(format!("{}/hello?jwt={}", app.url, page.token)).send().await.unwrap();
    assert_eq!(hello.status(), 401);
    let address = app.url.clone();
    let api = async |token: &str| {
        let asked = http.get(format!("{address}/api")).header("authorization", format!("JWT {token}"));
        asked.send().await.unwrap()
    };
    let own: Value = api(&page.token).await.json().await.unwrap();
    assert_eq!(own, json!({"person": AGENT, "issue": issue}));
    assert_eq!(api("").await.status(), 401, "without a token");

    // A new secret; switched off and on; an uninstall.
    connect.install(&descriptor, None).await.unwrap();
    app.says("installed").await;
    app.says("enabled").await;
    // So does the framework answer a signature that does not fit.
    assert_eq!(api(&page.token).await.status(), 400, "signed with the secret before");
    assert_eq!(http.get(&page.url).send().await.unwrap().status(), 400, "signed with the secret before");
    let page = jira.connect_page(APP, AGENT, "hello", Some(&issue)).unwrap();
    assert_eq!(http.get(&page.url).send().await.unwrap().status(), 200);
    connect.disable(APP).await.unwrap();
    assert_eq!(app.says("disabled").await["value"], installed.client_key);
    assert!(jira.connect_page(APP, AGENT, "hello", Some(&issue)).is_err(), "it is switched off");
    connect.install(&descriptor, None).await.unwrap();
    assert_eq!(app.says("enabled").await["value"], installed.client_key);
    connect.uninstall(APP).await.unwrap();
    assert_eq!(app.says("uninstalled").await["value"], installed.client_key);
    assert!(jira.connect_page(APP, AGENT, "hello", None).is_err());
    site.end().await;
}
