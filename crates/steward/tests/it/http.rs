//! What every answer looks like: headers, problem details, bounds.

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_its_headers() {
    let world = World::start().await;
    for path in ["/healthz", "/readyz", "/openapi.json", "/app/", "/api/v1/me", "/nowhere"] {
        let answer = world.send(Request::get(path).body(Body::empty()).unwrap()).await;
        for (name, value) in [
            ("strict-transport-security", "max-age=31536000; includeSubDomains"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(answer.headers[name], value, "{path}");
        }
        assert!(answer.headers.contains_key("content-security-policy"), "{path}");
        assert!(answer.headers.contains_key("cache-control"), "{path}");
        assert!(answer.headers.contains_key("x-request-id"), "{path}");
    }
    let api = world.agent().get("/api/v1/me").await.expect(200);
    assert_eq!(api.headers[header::CACHE_CONTROL], "no-store");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_input_is_told_by_field_and_limit_and_never_quoted() {
    let world = World::start().await;
    let admin = world.admin();
    let long = "n".repeat(101);
    let check = |answer: crate::world::Answer, status: u16, code: &str| {
        let answer = answer.expect(status);
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(answer.body["status"], status);
        assert!(answer.text.len() < 2_000);
        let told = answer.body["errors"].as_array().is_some_and(|errors| errors.iter().any(|e| e["code"] == code));
        assert!(told || answer.body["code"] == code, "{}", answer.text);
        answer
    };
    let field = |name: &str| json!({"entity": "customer", "type": "text", "name": name});
    let told = check(admin.post("/api/v1/fields", field(&long)).await, 422, "too_long");
    assert_eq!(told.body["errors"][0]["limit"], 100);
    assert_eq!(told.body["errors"][0]["pointer"], "/name");
    check(admin.post("/api/v1/fields", field("  ")).await, 422, "required");
    check(admin.post("/api/v1/fields", field("a\u{0}b")).await, 422, "format");
    check(
        admin.post("/api/v1/fields", json!({"entity": "customer", "type": "text", "name": "x", "extra": 1})).await,
        422,
        "format",
    );
    check(admin.post("/api/v1/fields", field(&"m".repeat(1_100_000))).await, 413, "too_large");
    check(admin.post("/api/v1/fields", field(&"m".repeat(10_000_000))).await, 413, "too_large");
    admin.post("/api/v1/fields", field("Tier")).await.expect(201);
    check(admin.post("/api/v1/fields", field("  tIER ")).await, 422, "not_unique");
    check(admin.get("/api/v1/fields/not-an-id").await, 404, "not_found");
    check(admin.ask(Method::PUT, "/api/v1/me", None, None).await, 405, "method");
    let plain = Request::post("/api/v1/fields")
        .header(header::AUTHORIZATION, format!("Bearer {}", admin.token().await))
        .body(Body::from("name=x"))
        .unwrap();
    check(world.send(plain).await, 415, "media_type");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn not_there_and_not_yours_are_the_same_to_the_byte() {
    let world = World::start().await;
    let field = world.admin().defines_text("Agents only", "agents").await;
    let never = "01900000-0000-7000-8000-000000000000";
    let (hidden, missing) = (
        world.customer().get(&format!("/api/v1/fields/{field}")).await.expect(404),
        world.customer().get(&format!("/api/v1/fields/{never}")).await.expect(404),
    );
    assert_eq!(hidden.text, missing.text);
    let other = world.other_customer().account();
    let (theirs, nobodys) = (
        world.customer().get(&format!("/api/v1/customers/{other}/values")).await.expect(404),
        world.customer().get("/api/v1/customers/712020:nobody/values").await.expect(404),
    );
    assert_eq!(theirs.text, nobodys.text);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jira_down_is_busy_and_says_so() {
    let world = World::start().await;
    let issue = world.issue();
    let mut agent = world.on_page("agent", "customer-panel");
    agent.issue = Some(issue.clone());
    agent.get(&format!("/api/v1/panel?issue={issue}")).await.expect(200);
    let token = agent.token().await;
    world.jira.state().write().accounts.clear();
    let request = Request::get(format!("/api/v1/panel?issue={issue}"))
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::empty())
        .unwrap();
    let answer = world.send(request).await;
    // A site that answers nonsense is not there for the caller; it is never a broken server of ours.
    assert!([401, 403, 404, 503].contains(&answer.status), "{} {}", answer.status, answer.text);
    assert_ne!(answer.body["code"], Value::from("broken"));
    world.program.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_says_as_what_refusals_are_sent() {
    let world = World::start().await;
    let description = world.send(Request::get("/openapi.json").body(Body::empty()).unwrap()).await.expect(200).body;
    let mut refusals = 0;
    for operation in
        description["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values())
    {
        let Some(responses) = operation["responses"].as_object() else { continue };
        for (status, response) in responses {
            let Some(content) = response["content"].as_object() else { continue };
            let kinds: Vec<&str> = content.keys().map(String::as_str).collect();
            if status.as_str() < "400" {
                assert!(!kinds.contains(&"application/problem+json"), "{status}");
            } else {
                assert_eq!(kinds, ["application/problem+json"], "{status}");
                refusals += 1;
            }
        }
    }
    assert!(refusals > 100, "{refusals}");
    world.end().await;
}
