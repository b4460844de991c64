//! Every operation of openapi.json, tried as nobody, as a lesser role, as another customer, as another tenant.
//!
//! What is open to whom is listed here; what is not listed is closed. The lists may only shrink.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};

use crate::world::{Actor, Answer, World, site};

/// Open to nobody in particular: the door that takes the ticket itself as proof.
const OPEN_TO_NOBODY: [&str; 1] = ["POST /api/v1/session"];

/// Open to a customer, who gets only what is theirs.
const OPEN_TO_CUSTOMERS: [&str; 17] = [
    "GET /api/v1/me",
    "GET /api/v1/fields",
    "GET /api/v1/fields/{id}",
    "GET /api/v1/sections",
    "GET /api/v1/customers/{accountId}",
    "GET /api/v1/customers/{accountId}/values",
    "PATCH /api/v1/customers/{accountId}/values",
    "PUT /api/v1/customers/{accountId}/values/{fieldId}",
    "GET /api/v1/customers/{accountId}/history",
    "POST /api/v1/customers/{accountId}/history/{changeId}/restore",
    "POST /api/v1/session",
    "GET /api/v1/session",
    "DELETE /api/v1/session",
    "POST /api/v1/session/tickets",
    "POST /api/v1/session/bearer",
    "GET /openapi.json",
    "GET /healthz",
];

/// What stands in the places of a path, and in bodies.
struct Things {
    field: String,
    section: String,
    account: String,
    organization: String,
    change: String,
    issue: String,
    token: String,
}

fn operations(world: &World) -> Vec<(Method, String)> {
    let description: Value = serde_json::from_str(&world.program.openapi.to_json().unwrap()).unwrap();
    let mut found = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "patch", "delete"] {
            if item.get(method).is_some() {
                found.push((method.to_uppercase().parse().unwrap(), path.clone()));
            }
        }
    }
    assert!(found.len() > 30, "{found:?}");
    found
}

fn filled(path: &str, things: &Things) -> String {
    let section = path.starts_with("/api/v1/sections");
    let path = path
        .replace("{id}", if section { &things.section } else { &things.field })
        .replace("{accountId}", &things.account)
        .replace("{organizationId}", &things.organization)
        .replace("{fieldId}", &things.field)
        .replace("{changeId}", &things.change)
        .replace("{tokenId}", &things.token);
    match path.as_str() {
        "/api/v1/panel" => format!("{path}?issue={}", things.issue),
        "/api/v1/queries/completions" => format!("{path}?entity=customer&query=can"),
        _ => path,
    }
}

fn body(method: &Method, path: &str, things: &Things) -> Option<Value> {
    let field =
        json!({"entity": "customer", "type": "text", "name": "Made by a wall test", "audience": "customerEdit"});
    match (method.as_str(), path) {
        ("POST" | "PUT", path) if path.starts_with("/api/v1/fields/order") => {
            Some(json!({"entity": "customer", "ids": [things.field]}))
        }
        ("POST", path) if path.ends_with("/restore") => None,
        ("POST", "/api/v1/fields") => Some(field),
        ("PUT", path) if path.starts_with("/api/v1/fields/") => Some(field),
        ("POST", "/api/v1/sections") => Some(json!({"entity": "customer", "name": "Made by a wall test"})),
        ("PUT", path) if path.starts_with("/api/v1/sections/") => Some(json!({"name": "Renamed", "position": 0})),
        ("PUT", "/api/v1/settings/permissions") => Some(json!({"browse": [], "edit": [], "configure": []})),
        ("POST", "/api/v1/customers/values:bulk") => {
            Some(json!({"items": [{"accountId": things.account, "values": {&things.field: "by a wall test"}}]}))
        }
        ("POST", "/api/v1/organizations/values:bulk") => Some(json!({"items": []})),
        ("PATCH", _) => Some(json!({"values": {&things.field: "by a wall test"}})),
        ("PUT", _) => Some(json!({"value": "by a wall test"})),
        ("POST", "/api/v1/queries/check") => Some(json!({"entity": "customer", "query": "Canari = x"})),
        ("POST", path) if path.ends_with("/export") => Some(json!({"format": "csv"})),
        ("POST", "/api/v1/tokens") => Some(json!({"name": "Made by a wall test", "scopes": ["fields:read"]})),
        ("POST", "/api/v1/session") => Some(json!({"ticket": "stwt_0_0"})),
        _ => None,
    }
}

async fn attempt(actor: &Actor<'_>, method: &Method, template: &str, things: &Things) -> Answer {
    let path = filled(template, things);
    // The strongest precondition there is: the version is right only for whoever could read it.
    let etag = (*method != Method::GET && *method != Method::POST || path.ends_with("/restore")).then_some("\"v1\"");
    actor.ask(method.clone(), &path, etag, body(method, template, things)).await
}

async fn things(world: &World) -> Things {
    let admin = world.admin();
    let section = admin.post("/api/v1/sections", json!({"entity": "customer", "name": "Walls"})).await.expect(201).body;
    let field = admin.defines_text("Canary field of the first tenant", "agents").await;
    let account = world.customer().account();
    world.agent().writes(&account, &field, json!("canary value of the first tenant")).await.expect(200);
    let history = world.agent().get(&format!("/api/v1/customers/{account}/history")).await.expect(200).body;
    let organizations = world.agent().get("/api/v1/organizations").await.expect(200).body;
    Things {
        field,
        section: section["id"].as_str().unwrap().to_owned(),
        account,
        organization: organizations["items"][0]["id"].as_str().unwrap().to_owned(),
        change: history["items"][0]["id"].as_str().unwrap().to_owned(),
        issue: world.issue(),
        token: world.script("Canary token of the first tenant", &["customers:read"]).await.id,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in() {
    let world = World::start().await;
    let things = things(&world).await;
    for (method, path) in operations(&world) {
        let name = format!("{method} {path}");
        let mut request =
            Request::builder().method(method.clone()).uri(filled(&path, &things)).header(header::IF_MATCH, "\"v1\"");
        let sent = body(&method, &path, &things).unwrap_or(json!({}));
        request = request.header(header::CONTENT_TYPE, "application/json");
        let answer = world.send(request.body(Body::from(sent.to_string())).unwrap()).await;
        assert_eq!(answer.status, 401, "{name}: {}", answer.text);
        let code = answer.body["code"].as_str().unwrap();
        let expected = if OPEN_TO_NOBODY.contains(&name.as_str()) { "session_unknown" } else { "unauthenticated" };
        assert_eq!(code, expected, "{name}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_gets_only_what_is_theirs() {
    let world = World::start().await;
    let things = things(&world).await;
    let open: BTreeSet<&str> = OPEN_TO_CUSTOMERS.into_iter().collect();
    let customer = world.customer();
    for (method, path) in operations(&world) {
        let name = format!("{method} {path}");
        let answer = attempt(&customer, &method, &path, &things).await;
        assert!(!answer.text.contains("anary"), "{name}: {}", answer.text);
        if open.contains(name.as_str()) {
            assert!(answer.status < 500, "{name}: {}", answer.text);
        } else {
            assert!([403, 404].contains(&answer.status), "{name}: {} {}", answer.status, answer.text);
        }
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_customer_gets_nothing_of_this_one() {
    let world = World::start().await;
    let things = things(&world).await;
    let other = world.other_customer();
    for (method, path) in operations(&world) {
        let name = format!("{method} {path}");
        let answer = attempt(&other, &method, &path, &things).await;
        assert!(!answer.text.contains("anary"), "{name}: {}", answer.text);
        assert!(answer.status != 500, "{name}: {}", answer.text);
        if path.contains("{accountId}") || path.contains("{organizationId}") {
            assert!([403, 404].contains(&answer.status), "{name}: {} {}", answer.status, answer.text);
        }
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_gets_no_settings() {
    let world = World::start().await;
    let things = things(&world).await;
    let agent = world.agent();
    let mut closed = 0;
    for (method, path) in operations(&world) {
        let configuring = path.starts_with("/api/v1/settings")
            || path.starts_with("/api/v1/tokens")
            || (path.starts_with("/api/v1/fields") || path.starts_with("/api/v1/sections")) && method != Method::GET;
        if configuring {
            closed += 1;
            let answer = attempt(&agent, &method, &path, &things).await;
            assert_eq!(answer.status, 403, "{method} {path}: {}", answer.text);
        }
    }
    assert!(closed >= 10);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_gets_nothing_on_sqlite() {
    Box::pin(another_tenant_gets_nothing(World::start().await)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_gets_nothing_on_postgres() {
    if let Some(world) = World::start_on_postgres().await {
        Box::pin(another_tenant_gets_nothing(world)).await;
    }
}

async fn another_tenant_gets_nothing(mut world: World) {
    let things = things(&world).await;
    // Another site of the same cloud, with the same people in it: ids alone open nothing.
    let second = site(&world.clock, "22222222-2222-4222-8222-222222222222", Some(&world.jira)).await;
    world.admit(&second).await;
    world.join(&second).await;
    for (who, module) in [("admin", "settings-page"), ("agent", "customers-page"), ("customer", "portal-profile")] {
        let stranger =
            Actor { world: &world, jira: &second, who: who.to_owned(), module: module.to_owned(), issue: None };
        stranger.get("/api/v1/me").await.expect(200);
        for (method, path) in operations(&world) {
            let name = format!("{who}: {method} {path}");
            let answer = attempt(&stranger, &method, &path, &things).await;
            assert!(!answer.text.contains("anary"), "{name}: {}", answer.text);
            assert!(answer.status != 500, "{name}: {}", answer.text);
            if ["{id}", "{fieldId}", "{changeId}", "{tokenId}"].iter().any(|place| path.contains(place)) {
                assert!([403, 404].contains(&answer.status), "{name}: {} {}", answer.status, answer.text);
            }
        }
    }
    let here = world.agent().get(&format!("/api/v1/customers/{}/values", things.account)).await.expect(200).body;
    assert_eq!(here["values"][0]["value"], "canary value of the first tenant", "nothing was changed either");
    let violations = second.contract_violations();
    assert!(violations.is_empty(), "{violations:#?}");
    second.shutdown().await;
    world.program.runner.drain().await.unwrap();
    world.end().await;
}
