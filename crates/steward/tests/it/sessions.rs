//! Proofs: invocation tokens are good once, tickets once and for a minute, sessions until they end.

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::json;

use crate::world::World;

async fn with(
    world: &World,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&str>,
) -> crate::world::Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    world.send(request.body(Body::from(body.unwrap_or_default().to_owned())).unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invocation_token_is_good_once() {
    let world = World::start().await;
    let token = format!("Bearer {}", world.agent().token().await);
    let headers = [(header::AUTHORIZATION.as_str(), token.as_str())];
    with(&world, Method::GET, "/api/v1/me", &headers, None).await.expect(200);
    let again = with(&world, Method::GET, "/api/v1/me", &headers, None).await.expect(401);
    assert_eq!(again.body["code"], "token_replayed");
    let late = format!("Bearer {}", world.agent().token().await);
    world.clock.advance(std::time::Duration::from_secs(60));
    let late = with(&world, Method::GET, "/api/v1/me", &[("authorization", &late)], None).await.expect(401);
    assert_eq!(late.body["code"], "token_expired");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_opens_one_session_within_a_minute() {
    let world = World::start().await;
    let ticket = async || {
        let answer = world.agent().post("/api/v1/session/tickets", json!({})).await.expect(200);
        let url: url::Url = answer.body["url"].as_str().unwrap().parse().unwrap();
        url.query_pairs().find(|(name, _)| name == "ticket").unwrap().1.into_owned()
    };
    let json_type = ("content-type", "application/json");
    let first = ticket().await;
    let body = json!({"ticket": first}).to_string();
    let started = with(&world, Method::POST, "/api/v1/session", &[json_type], Some(&body)).await.expect(200);
    let set = started.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict") && set.contains("Path=/"), "{set}");
    let cookie = set.split(';').next().unwrap();
    let csrf = started.body["csrf"].as_str().unwrap();
    with(&world, Method::POST, "/api/v1/session", &[json_type], Some(&body)).await.expect(401);
    with(&world, Method::GET, "/api/v1/me", &[("cookie", cookie)], None).await.expect(200);
    let page = with(&world, Method::GET, "/app/", &[("cookie", cookie)], None).await;
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.ends_with(&format!("frame-ancestors {}", world.jira.url())), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    with(&world, Method::POST, "/api/v1/sections", &[("cookie", cookie), json_type], Some("{}")).await.expect(403);
    let wrong = [("cookie", cookie), ("x-csrf-token", "wrong"), json_type];
    with(&world, Method::POST, "/api/v1/sections", &wrong, Some("{}")).await.expect(403);
    let right = [("cookie", cookie), ("x-csrf-token", csrf), json_type];
    with(&world, Method::POST, "/api/v1/sections", &right, Some("{}")).await.expect(422);
    with(&world, Method::POST, "/api/v1/session/bearer", &right, None).await.expect(403);
    with(&world, Method::DELETE, "/api/v1/session", &right, None).await.expect(204);
    with(&world, Method::GET, "/api/v1/me", &[("cookie", cookie)], None).await.expect(401);

    let stale = json!({"ticket": ticket().await}).to_string();
    world.clock.advance(std::time::Duration::from_secs(61));
    with(&world, Method::POST, "/api/v1/session", &[json_type], Some(&stale)).await.expect(401);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bearer_session_serves_a_script_for_ten_minutes() {
    let world = World::start().await;
    let made = world.agent().post("/api/v1/session/bearer", json!({})).await.expect(200);
    let bearer = format!("Bearer {}", made.body["token"].as_str().unwrap());
    for _ in 0..3 {
        with(&world, Method::GET, "/api/v1/me", &[("authorization", &bearer)], None).await.expect(200);
    }
    with(&world, Method::POST, "/api/v1/session/bearer", &[("authorization", &bearer)], None).await.expect(403);
    let ticket = bearer.replace("stwb_", "stwt_").replace("Bearer ", "");
    let body = json!({"ticket": ticket}).to_string();
    with(&world, Method::POST, "/api/v1/session", &[("content-type", "application/json")], Some(&body))
        .await
        .expect(401);
    world.clock.advance(std::time::Duration::from_secs(601));
    with(&world, Method::GET, "/api/v1/me", &[("authorization", &bearer)], None).await.expect(401);
    world.end().await;
}
