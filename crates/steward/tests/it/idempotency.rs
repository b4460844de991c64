//! A request with an `Idempotency-Key` is done once, however often and from wherever it is sent.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use sqlx::{Connection, Executor};

use crate::world::World;

fn field(name: &str) -> Value {
    json!({"entity": "customer", "type": "text", "name": name})
}

async fn count(world: &World, name: &str) -> usize {
    let fields = world.admin().get("/api/v1/fields").await.expect(200).body;
    fields["items"].as_array().unwrap().iter().filter(|field| field["name"] == name).count()
}

on_both!(
    the_first_answer_is_given_again,
    what_was_refused_may_be_sent_again,
    a_key_is_its_callers_own,
    of_many_at_once_one_is_done,
    whoever_hangs_up_finds_it_done_once,
);

async fn the_first_answer_is_given_again(world: &World) {
    let script = world.script("Setup", &["fields:write", "customers:write"]).await;
    let first = script.posts_once("\"key-1\"", "/api/v1/fields", field("Plan")).await.expect(201);
    assert!(!first.headers.contains_key("idempotency-replayed"));
    let again = script.posts_once("key-1", "/api/v1/fields", field("Plan")).await.expect(201);
    assert_eq!(again.text, first.text);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    for name in ["etag", "location", "content-type"] {
        assert_eq!(again.headers[name], first.headers[name], "{name}");
    }
    assert_ne!(again.headers["x-request-id"], first.headers["x-request-id"]);
    assert_eq!(count(world, "Plan").await, 1);
    let other = script.posts_once("key-1", "/api/v1/fields", field("Other")).await.expect(422);
    assert_eq!(other.body["code"], "idempotency_mismatch");
    // A PATCH that is sent again is not told that somebody changed what it changed itself.
    let owner = world.customer().account();
    let path = format!("/api/v1/customers/{owner}/values");
    let body = json!({"values": {first.body["id"].as_str().unwrap(): "Gold"}});
    let headers = [("if-match", "\"v0\""), ("idempotency-key", "key-2")];
    let wrote = script.ask(Method::PATCH, &path, &headers, Some(body.clone())).await.expect(200);
    let again = script.ask(Method::PATCH, &path, &headers, Some(body.clone())).await.expect(200);
    assert_eq!(again.text, wrote.text);
    let headers = [("if-match", "\"v7\""), ("idempotency-key", "key-2")];
    script.ask(Method::PATCH, &path, &headers, Some(body)).await.expect(422);
    let history = world.agent().get(&format!("/api/v1/customers/{owner}/history")).await.expect(200).body;
    assert_eq!(history["items"].as_array().unwrap().len(), 1);
    // After a day it is forgotten, and swept.
    let rows = async || {
        let counts = store::sweep::tenant_row_count(&world.program.store, world.tenant().await).await.unwrap();
        counts.into_iter().find(|(table, _)| *table == "idempotency").unwrap().1
    };
    assert_eq!(rows().await, 2);
    world.clock.advance(Duration::from_secs(27 * 3600));
    world.program.runner.drain().await.unwrap();
    assert_eq!(rows().await, 0);
    script.posts_once("key-1", "/api/v1/fields", field("Other")).await.expect(201);
}

async fn what_was_refused_may_be_sent_again(world: &World) {
    let script = world.script("Setup", &["fields:write"]).await;
    script.posts_once("key", "/api/v1/fields", field("")).await.expect(422);
    script.posts_once("key", "/api/v1/fields", field("Plan")).await.expect(201);
    let wrong = script.posts_once("a b", "/api/v1/fields", field("Plan")).await.expect(422);
    assert_eq!(wrong.body["errors"][0]["pointer"], "/Idempotency-Key");
    let page = axum::http::Request::post("/api/v1/fields")
        .header("authorization", format!("Bearer {}", world.admin().token().await))
        .header("content-type", "application/json")
        .header("idempotency-key", "key")
        .body(axum::body::Body::from(field("From a page").to_string()))
        .unwrap();
    assert_eq!(world.send(page).await.expect(422).body["errors"][0]["code"], "not_allowed");
    assert_eq!(count(world, "From a page").await, 0);
}

async fn a_key_is_its_callers_own(world: &World) {
    let (one, two) = (world.script("One", &["fields:write"]).await, world.script("Two", &["fields:write"]).await);
    let first = one.posts_once("key", "/api/v1/fields", field("Plan")).await.expect(201);
    two.posts_once("key", "/api/v1/fields", field("Plan")).await.expect(422).body["errors"][0]["code"]
        .as_str()
        .filter(|code| *code == "not_unique")
        .expect("the second token's request was done, and found the name taken");
    let bearer = world.admin().post("/api/v1/session/bearer", json!({})).await.expect(200).body;
    let session =
        crate::world::Script { world, id: String::new(), secret: bearer["token"].as_str().unwrap().to_owned() };
    session.posts_once("key", "/api/v1/fields", field("Other")).await.expect(201);
    session.posts_once("key", "/api/v1/fields", field("Other")).await.expect(201);
    // A revoked token is not told what it once was answered.
    world.admin().ask(Method::DELETE, &format!("/api/v1/tokens/{}", one.id), None, None).await.expect(204);
    let late = one.posts_once("key", "/api/v1/fields", field("Plan")).await.expect(401);
    assert!(!late.text.contains(first.body["id"].as_str().unwrap()));
}

async fn of_many_at_once_one_is_done(world: &World) {
    let script = world.script("Setup", &["fields:write"]).await;
    let all = (0..16).map(|_| script.posts_once("key", "/api/v1/fields", field("Plan")));
    let answers = futures::future::join_all(all).await;
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert!(!made.is_empty() && made.iter().all(|answer| answer.text == made[0].text));
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!((answer.status, &answer.body["code"]), (409, &json!("idempotency_in_progress")));
        assert_eq!(answer.headers["retry-after"], "1");
    }
    assert_eq!(count(world, "Plan").await, 1);
}

async fn whoever_hangs_up_finds_it_done_once(world: &World) {
    for turns in 0..24 {
        // One for each: asking again and again is counted too.
        let script = world.script(&format!("Setup {turns}"), &["fields:write"]).await;
        let name = format!("Plan {turns}");
        let key = format!("key-{turns}");
        {
            let mut asking = Box::pin(script.posts_once(&key, "/api/v1/fields", field(&name)));
            for _ in 0..turns {
                if futures::poll!(&mut asking).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        let answer = loop {
            let answer = script.posts_once(&key, "/api/v1/fields", field(&name)).await;
            if answer.status != 409 {
                break answer;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(answer.expect(201).body["name"], name.as_str());
        assert_eq!(count(world, &name).await, 1);
    }
}

/// What a crash between the change and its answer leaves: a claim that stands, and no answer.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_it_is_not_done_again() {
    let world = World::start().await;
    let script = world.script("Setup", &["fields:write"]).await;
    script.posts_once("key", "/api/v1/fields", field("Plan")).await.expect(201);
    let file = world.config.data.directory.join("steward.db");
    let mut database = sqlx::SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    database.execute("UPDATE idempotency SET state = 'begun', answer = NULL").await.unwrap();
    database.close().await.unwrap();
    let soon = script.posts_once("key", "/api/v1/fields", field("Plan")).await.expect(409);
    assert_eq!(soon.body["code"], "idempotency_in_progress");
    world.clock.advance(Duration::from_secs(25));
    let late = script.posts_once("key", "/api/v1/fields", field("Plan")).await.expect(409);
    assert_eq!(late.body["code"], "idempotency_answer_lost");
    assert!(!late.headers.contains_key("retry-after"));
    script.posts_once("key", "/api/v1/fields", field("Other")).await.expect(422);
    assert_eq!(count(&world, "Plan").await, 1);
    world.end().await;
}
