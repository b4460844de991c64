//! `invokeRemote` as the page's script carries it.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    remote::{Answer, Remote},
    site::{self, APP_ID, Browser},
};

#[tokio::test]
async fn a_call_reaches_the_remote_as_forge_sends_it() {
    let remote = Remote::start().await;
    let site = site::start(site::config(&remote.url)).await;
    let agent = Browser::sign_in(&site, "agent").await;
    remote.wait("/forge/events", 1).await;
    remote.answers([Answer::Json(201, json!({"made": 1}))]);
    let input = json!({
        "path": "/api/v1/fields?entity=customer", "method": "POST", "body": {"name": "Größe"},
        "headers": {"If-Match": "\"v1\"", "Authorization": "Bearer mine", "X-Forge-OAuth-System": "mine", "Cookie": "a=b"},
    });
    let (status, answer) = agent.invoke(input).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["success"], true);
    assert_eq!(answer["payload"]["status"], 201);
    assert_eq!(answer["payload"]["body"], json!({"made": 1}));
    assert_eq!(answer["payload"]["headers"]["x-two"], json!(["a"]), "headers are lists");
    let arrived = remote.wait("/api/v1/fields", 1).await;
    let [call] = arrived.as_slice() else { panic!("once, and never again") };
    assert_eq!(call.method, "POST");
    assert_eq!(call.uri.query(), Some("entity=customer"));
    assert_eq!(call.body, json!({"name": "Größe"}));
    assert_eq!(call.header("if-match"), Some("\"v1\""));
    assert_eq!(call.header("cookie"), None);
    assert!(call.header("x-b3-traceid").is_some_and(|id| id.len() == 32));
    assert!(call.header("x-b3-spanid").is_some_and(|id| id.len() == 16));
    let claims = site::claims(call.token());
    assert_eq!(claims["context"]["extension"]["type"], "jira:globalPage");
    assert!(claims["principal"].is_string());
    assert_ne!(call.header("x-forge-oauth-system"), Some("mine"));
    assert!(call.header("x-forge-oauth-user").is_some());
    site.shutdown().await;
}

#[tokio::test]
async fn what_comes_back_is_told_in_forges_words() {
    let remote = Remote::start().await;
    let mut config = site::config(&remote.url);
    config.forge.invoke_timeout = Duration::from_millis(300);
    let site = site::start(config).await;
    let agent = Browser::sign_in(&site, "agent").await;
    remote.wait("/forge/events", 1).await;
    let rows = [
        (Answer::Json(401, json!({})), "Remote could not verify the Forge Invocation Token"),
        (
            Answer::Text(500, "text/html", "<h1>no</h1>"),
            "Invalid response from remote - content-type header must be set to application/json and is currently: text/html. Status: 500.",
        ),
        (
            Answer::Text(200, "application/json", "{"),
            "Invalid response from remote - cannot parse body as JSON. Status: 200.",
        ),
        (
            Answer::Text(404, "application/json", ""),
            "Invalid response from remote - cannot parse body as JSON. Status: 404.",
        ),
        (
            Answer::Redirect(format!("{}/elsewhere", remote.url)),
            "Invalid response from remote - cannot parse body as JSON. Status: 302.",
        ),
        (Answer::Never, "Remote invocation timed out after 0 seconds"),
    ];
    for (answer, message) in rows {
        remote.answers([answer]);
        let (status, told) = agent.invoke(json!({"path": "/x", "method": "GET"})).await;
        assert_eq!(status, StatusCode::BAD_GATEWAY);
        assert_eq!(told, json!({"message": message}));
    }
    assert!(remote.arrived().iter().all(|one| one.uri.path() != "/elsewhere"), "redirects are not followed");
    remote.answers([Answer::Json(412, json!({"code": "conflict"})), Answer::Text(204, "text/plain", "")]);
    let (status, told) = agent.invoke(json!({"path": "/x", "method": "PUT", "body": {}})).await;
    assert_eq!((status, &told["success"], &told["error"]["status"]), (StatusCode::OK, &json!(false), &json!(412)));
    assert_eq!(told["error"]["body"], json!({"code": "conflict"}));
    let (_, told) = agent.invoke(json!({"path": "/x", "method": "DELETE"})).await;
    assert_eq!((&told["success"], &told["payload"]["status"]), (&json!(true), &json!(204)));
    site.shutdown().await;
}

#[tokio::test]
async fn what_a_page_may_not_ask() {
    let remote = Remote::start().await;
    let site = site::start(site::config(&remote.url)).await;
    let agent = Browser::sign_in(&site, "agent").await;
    remote.wait("/forge/events", 1).await;
    let large = "x".repeat(500_000);
    let rows = [
        (json!({"path": "/x", "method": "POST", "body": {"text": large}}), 413, "at most 500 KB"),
        (json!({"path": "//evil.example/x", "method": "GET"}), 400, "stay on the remote"),
        (json!({"path": "https://evil.example/x", "method": "GET"}), 400, "stay on the remote"),
        (json!({"method": "GET"}), 400, "stay on the remote"),
        (json!({"path": "/x", "method": "TRACE"}), 400, "TRACE is not one of"),
        (json!({"path": "/x", "method": "POST", "body": "text"}), 400, "JSON object"),
        (json!({"path": "/x", "method": "GET", "invokeType": "ui-container-fetch"}), 400, "Only invokeRemote"),
    ];
    for (input, status, words) in rows {
        let (found, told) = agent.invoke(input).await;
        assert_eq!(found.as_u16(), status, "{told}");
        assert!(told["message"].as_str().unwrap().contains(words), "{told}");
    }
    let under = "x".repeat(499_900);
    let (status, _) = agent.invoke(json!({"path": "/big", "method": "POST", "body": {"text": under}})).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(remote.wait("/big", 1).await.len(), 1);
    site.shutdown().await;
}

#[tokio::test]
async fn only_pages_of_the_viewers_own_session_may_call() {
    let remote = Remote::start().await;
    let site = site::start(site::config(&remote.url)).await;
    let agent = Browser::sign_in(&site, "agent").await;
    let customer = Browser::sign_in(&site, "customer").await;
    remote.wait("/forge/events", 1).await;
    let body = |module: &str| json!({"frame": {"app": APP_ID, "module": module}, "input": {"path": "/x", "method": "GET", "invokeType": "ui-remote-fetch"}});
    let rows = [
        (&agent, "customers-page", "", 403),
        (&agent, "customers-page", customer.page_token.as_str(), 403),
        (&agent, "settings-page", agent.page_token.as_str(), 403),
        (&agent, "nothing", agent.page_token.as_str(), 404),
        (&customer, "customers-page", customer.page_token.as_str(), 403),
        (&customer, "portal-profile", customer.page_token.as_str(), 200),
        (&agent, "customers-page", agent.page_token.as_str(), 200),
    ];
    for (browser, module, token, status) in rows {
        for path in ["/forge/bridge/invoke", "/forge/bridge/context"] {
            let whole = body(module);
            let sent = if path.ends_with("context") { &whole["frame"] } else { &whole };
            let (found, told) = browser.bridge(path, sent, token).await;
            assert_eq!(found.as_u16(), status, "{module} {path} {told}");
        }
    }
    assert_eq!(remote.wait("/x", 2).await.len(), 2);
    site.shutdown().await;
}

#[tokio::test]
async fn a_page_learns_its_place_and_asks_jira_as_the_viewer() {
    let remote = Remote::start().await;
    let site = site::start(site::config(&remote.url)).await;
    let agent = Browser::sign_in(&site, "agent").await;
    let key = {
        let state = site.state();
        let store = state.read();
        store.issues.values().find(|issue| issue.key.starts_with("CARE")).unwrap().key.clone()
    };
    let frame = json!({"app": APP_ID, "module": "customer-panel", "issue": key});
    let (status, context) = agent.bridge("/forge/bridge/context", &frame, &agent.page_token).await;
    assert_eq!(status, StatusCode::OK, "{context}");
    for name in [
        "accountId",
        "cloudId",
        "siteUrl",
        "moduleKey",
        "localId",
        "environmentId",
        "environmentType",
        "locale",
        "timezone",
    ] {
        assert!(context[name].is_string(), "{name}");
    }
    assert_eq!(context["timezone"], "Europe/Berlin");
    assert_eq!(context["extension"]["issue"]["key"], key.as_str());
    let ask = json!({"frame": frame, "restPath": "/rest/api/3/myself"});
    let (_, answer) = agent.bridge("/forge/bridge/product", &ask, &agent.page_token).await;
    let me: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!((&answer["status"], &me["displayName"]), (&json!(200), &json!("Jonas Brandt")));
    site.shutdown().await;
}
