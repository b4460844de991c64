//! An app that is installed from its descriptor: what it keeps on the site, and who is shown its pages.

use std::sync::Arc;

use aws_lc_rs::digest;
use axum::{Json, Router, http::StatusCode, routing::get};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use sandbox::{connect::Installation, state::AppToken};
use serde_json::{Value, json};

use crate::support::{ADMIN, AGENT, As, CARLA, OTHER, Site, calm};

const APP: &str = "com.example.kept";
const PROPERTIES: &str = "/rest/atlassian-connect/1/addons/com.example.kept/properties";

/// Installs an app that takes whatever it is told.
async fn installs(site: &Site, key: &str, modules: Value) -> Arc<Installation> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let descriptor = json!({
        "key": key, "baseUrl": base, "authentication": {"type": "jwt"}, "apiMigrations": {"signed-install": true},
        "lifecycle": {"installed": "/installed", "uninstalled": "/uninstalled"}, "scopes": ["READ", "ACT_AS_USER"],
        "modules": modules,
    });
    let router = Router::new()
        .route("/atlassian-connect.json", get(move || async move { Json(descriptor) }))
        .fallback(|| async { StatusCode::NO_CONTENT });
    tokio::spawn(async move { axum::serve(listener, router).await });
    site.running.connect().install(&format!("{base}/atlassian-connect.json"), None).await.unwrap()
}

/// An app asks the site, by a token that it signs for just this.
async fn asks(site: &Site, app: &Installation, method: &str, path: &str, body: &str) -> (u16, Value) {
    let hash = digest::digest(&digest::SHA256, format!("{method}&{path}&").as_bytes());
    let now = site.running.state().now().as_second();
    let claims = json!({"iss": app.descriptor.key, "iat": now, "exp": now + 180, "qsh": hex::encode(hash)});
    let secret = EncodingKey::from_secret(app.secret().as_bytes());
    let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &secret).unwrap();
    let request = site.http.request(method.parse().unwrap(), format!("{}{path}", site.running.url()));
    let request = request.header("authorization", format!("JWT {token}")).header("content-type", "application/json");
    let answer = request.body(body.to_owned()).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
}

/// An app keeps properties, and nobody but it reaches them.
pub(crate) async fn keeps_its_properties(site: &Site) {
    let app = installs(site, APP, json!({})).await;
    let other = installs(site, "com.example.other", json!({})).await;
    let one = format!("{PROPERTIES}/state");
    let said =
        |word: &str, status: u16| (status, json!({"message": format!("Property {word}."), "statusCode": status}));
    assert_eq!(asks(site, &app, "PUT", &one, r#"{"a": 1}"#).await, said("created", 201));
    assert_eq!(asks(site, &app, "PUT", &one, r#"{"a": 2}"#).await, said("updated", 200));
    assert_eq!(asks(site, &app, "GET", &one, "").await, (200, json!({"key": "state", "value": {"a": 2}})));
    let (status, listed) = asks(site, &app, "GET", PROPERTIES, "").await;
    let address = format!("{}{one}", site.running.url());
    assert_eq!((status, listed), (200, json!({"keys": [{"key": "state", "self": address}]})));

    // What is no property, or too long to be one.
    let long = format!("{PROPERTIES}/{}", "k".repeat(128));
    let fits = format!("{PROPERTIES}/{}", "k".repeat(127));
    let large = format!("\"{}\"", "v".repeat(32_767));
    for (method, path, body, expected) in [
        ("GET", format!("{PROPERTIES}/none"), "", 404),
        ("DELETE", format!("{PROPERTIES}/none"), "", 404),
        ("GET", long.clone(), "", 400),
        ("PUT", long, "1", 400),
        ("PUT", fits.clone(), "1", 201),
        ("DELETE", fits, "", 204),
        ("PUT", one.clone(), large.as_str(), 400),
        ("PUT", one.clone(), "", 400),
        ("PUT", one.clone(), "{", 400),
    ] {
        let (status, told) = asks(site, &app, method, &path, body).await;
        assert_eq!(status, expected, "{method} {path}: {told}");
    }

    // Not another app, not the app as a person, and nobody else.
    for (method, path) in [("GET", PROPERTIES), ("GET", one.as_str()), ("PUT", one.as_str()), ("DELETE", one.as_str())]
    {
        let body = if method == "PUT" { "1" } else { "" };
        assert_eq!(asks(site, &other, method, path, body).await.0, 404, "{method} {path}");
        for who in [As::Person("alice"), As::Nobody] {
            let body = (method == "PUT").then(|| json!(1));
            assert_eq!(site.call(who, method, path, body).await.0, 401, "{method} {path}");
        }
    }
    let acting = AppToken {
        app_id: APP.to_owned(),
        account_id: AGENT.to_owned(),
        on_behalf: true,
        scopes: vec!["READ".to_owned()],
        expires_at: site.running.state().now() + jiff::SignedDuration::from_hours(1),
        at_site: true,
    };
    site.running.state().put_app_token("acting", acting);
    let asked = site.http.get(format!("{}{one}", site.running.url())).bearer_auth("acting").send().await.unwrap();
    assert_eq!(asked.status(), 401);

    // A hundred, and they end with the app.
    for at in 1..100 {
        assert_eq!(asks(site, &app, "PUT", &format!("{PROPERTIES}/{at}"), "true").await.0, 201);
    }
    assert_eq!(asks(site, &app, "PUT", &format!("{PROPERTIES}/100"), "true").await.0, 409);
    assert_eq!(asks(site, &app, "PUT", &one, "true").await.0, 200);
    assert_eq!(asks(site, &app, "DELETE", &one, "").await, (204, Value::Null));
    site.running.connect().uninstall(APP).await.unwrap();
    let app = installs(site, APP, json!({})).await;
    assert_eq!(asks(site, &app, "GET", PROPERTIES, "").await, (200, json!({"keys": []})));
}

/// Who is shown a page that stands below these conditions: its key, the conditions, and a letter for each who is.
type Shown = (&'static str, Value, &'static str);

fn named(condition: &str) -> Value {
    json!({ "condition": condition })
}

fn with(condition: &str, params: &Value) -> Value {
    json!({"condition": condition, "params": params})
}

/// Wherever they are.
fn anywhere() -> Vec<Shown> {
    let permission = |key: &str| with("has_global_permission", &json!({"permission": key}));
    let desk = || with("can_use_application", &json!({"applicationKey": "jira-servicedesk"}));
    let flagged = || json!({"entity": "addon", "propertyKey": "on", "objectName": "for.agents", "value": "true"});
    let (admin, unknown) = (|| named("user_is_admin"), || named("feature_flag"));
    vec![
        ("none", json!([]), "aboc"),
        ("signed-in", json!([named("user_is_logged_in")]), "aboc"),
        ("signed-out", json!([{"condition": "user_is_logged_in", "invert": true}]), ""),
        ("admin", json!([admin()]), "a"),
        ("no-admin", json!([{"condition": "user_is_admin", "invert": true}]), "boc"),
        ("no-list", admin(), "a"),
        ("administer", json!([permission("ADMINISTER")]), "a"),
        ("administer-of-old", json!([permission("administer")]), "a"),
        ("picker", json!([permission("USER_PICKER")]), "abo"),
        ("no-permission", json!([permission("BE_HAPPY")]), ""),
        ("desk", json!([desk()]), "ab"),
        ("two", json!([desk(), admin()]), "a"),
        ("either", json!([{"or": [admin(), desk()]}]), "ab"),
        ("both", json!([{"and": [admin(), desk()]}]), "a"),
        ("either-of-old", json!([{"type": "OR", "conditions": [admin(), desk()]}]), "ab"),
        ("not-either", json!([{"or": [admin(), desk()], "invert": true}]), "oc"),
        ("licensed-app", json!([named("addon_is_licensed")]), ""),
        ("unknown", json!([unknown()]), ""),
        ("not-unknown", json!([{"condition": "feature_flag", "invert": true}]), ""),
        ("unknown-or", json!([{"or": [unknown(), admin()]}]), "a"),
        ("unknown-and", json!([{"and": [unknown(), admin()]}]), ""),
        ("misspelt", json!([{"conditon": "user_is_logged_in"}]), ""),
        ("of-a-project", json!([named("user_is_project_admin")]), ""),
        ("exists", json!([with("entity_property_exists", &json!({"entity": "addon", "propertyKey": "on"}))]), ""),
        ("equal", json!([with("entity_property_equal_to", &flagged())]), ""),
        ("not-equal", json!([{"condition": "entity_property_equal_to", "params": flagged(), "invert": true}]), "aboc"),
    ]
}

/// Beside an issue of Bob's desk.
fn beside_an_issue() -> Vec<Shown> {
    let project = |key: &str| with("has_project_permission", &json!({"permission": key}));
    let issue = |key: &str| with("has_issue_permission", &json!({"permission": key}));
    let region = |value: &str| {
        let params = json!({"entity": "issue", "propertyKey": "steward", "objectName": "region", "value": value});
        json!([with("entity_property_equal_to", &params)])
    };
    vec![
        ("project-admin", json!([named("user_is_project_admin")]), "a"),
        ("agents", json!([project("SERVICEDESK_AGENT")]), "ab"),
        ("deletes", json!([issue("DELETE_ISSUES")]), "a"),
        ("edits", json!([issue("EDIT_ISSUES")]), "ab"),
        ("open", json!([named("is_issue_unresolved")]), "ab"),
        ("mine", json!([named("is_issue_assigned_to_current_user")]), "b"),
        ("in-europe", region("EU"), "ab"),
        ("in-europe-as-json", region("\"EU\""), "ab"),
        ("in-asia", region("AP"), ""),
        (
            "of-the-project",
            json!([with("entity_property_exists", &json!({"entity": "project", "propertyKey": "x"}))]),
            "",
        ),
    ]
}

/// A letter for each of four people who is shown a page.
fn seen(site: &Site, module: &str, issue: Option<&str>) -> String {
    let people = [('a', ADMIN), ('b', AGENT), ('o', OTHER), ('c', CARLA)];
    let sees = |who: &str| site.running.connect_page(APP, who, module, issue).is_ok();
    people.into_iter().filter(|(_, who)| sees(who)).map(|(letter, _)| letter).collect()
}

#[tokio::test]
async fn pages_are_shown_to_whom_their_conditions_name() {
    let mut config = calm();
    config.rate_limits.enabled = false;
    let site = Site::start(config).await;
    let rows = [anywhere(), beside_an_issue()].concat();
    let panel = |(key, conditions, _): &Shown| {
        let place = "atl.jira.view.issue.right.context";
        json!({"key": key, "url": format!("/{key}"), "location": place, "conditions": conditions})
    };
    let panels: Vec<Value> = rows.iter().map(panel).collect();
    let app = installs(&site, APP, json!({"webPanels": panels})).await;
    for (key, _, expected) in anywhere() {
        assert_eq!(seen(&site, key, None), expected, "{key}");
    }

    let fields = json!({"project": {"key": "HELP"}, "issuetype": {"name": "Incident"}, "summary": "Shown",
        "assignee": {"accountId": AGENT}});
    let made = json!({"fields": fields, "properties": [{"key": "steward", "value": {"region": "EU"}}]});
    let made = site.expect(201, As::Person("bob"), "POST", "/rest/api/3/issue", Some(made)).await;
    let issue = made["key"].as_str().unwrap();
    for (key, _, expected) in beside_an_issue() {
        assert_eq!(seen(&site, key, Some(issue)), expected, "{key}");
    }

    // What the app keeps switches its own pages.
    for (value, expected) in [(r#"{"for": {"agents": true}}"#, ["aboc", "aboc", ""]), ("7", ["aboc", "", "aboc"])] {
        asks(&site, &app, "PUT", &format!("{PROPERTIES}/on"), value).await;
        assert_eq!(["exists", "equal", "not-equal"].map(|key| seen(&site, key, None)), expected);
    }
    site.end().await;
}
