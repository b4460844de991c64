//! Several nodes on one PostgreSQL: what one did holds on the others, also what it put into their bucket; nodes come and go
//! behind a proxy and nothing acknowledged is lost or done twice; and an older node goes on while a newer one changes the
//! schema.

mod behind_nginx;
mod bucket;

use axum::body::Body;
use axum::http::{Method, Request, header};
use kernel::{Column, ColumnKind, Migration, Registry, Room, STATE, Step};
use serde_json::{Value, json};
use steward::program::{self, Parts, Program};
use store::{Store, pending};

use crate::world::{self, Answer, World};

async fn ask(node: &Program, method: Method, path: &str, token: &str, body: Option<(&str, Value)>) -> Answer {
    let mut request =
        Request::builder().method(method).uri(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
    let body = body.map_or_else(Body::empty, |(key, body)| {
        let headers = request.headers_mut().unwrap();
        headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        if !key.is_empty() {
            headers.insert("idempotency-key", key.parse().unwrap());
        }
        Body::from(body.to_string())
    });
    World::send_to(node, request.body(body).unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_did_holds_on_the_other() {
    let Some(world) = World::start_on_postgres().await else { return };
    let (one, two) = (&world.program, &world::open(&world.config, &world.clock).await);
    for node in [one, two] {
        ask(node, Method::GET, "/readyz", "", None).await.expect(200);
    }

    // A proof that is good once is good once on all of them.
    let proof = world.agent().token().await;
    ask(one, Method::GET, "/api/v1/me", &proof, None).await.expect(200);
    let again = ask(two, Method::GET, "/api/v1/me", &proof, None).await.expect(401);
    assert_eq!(again.body["code"], "token_replayed");

    // Each has an index of its own, and finds what the other wrote at once.
    let elsewhere = tempfile::tempdir().unwrap();
    let mut config = world.config.clone();
    config.objects.directory = Some(config.data.directory.join("objects"));
    config.data.directory = elsewhere.path().join("data");
    std::fs::create_dir(&config.data.directory).unwrap();
    let three = &world::open(&config, &world.clock).await;
    let animal = world.admin().defines_text("Animal", "agents").await;
    for (word, here, owner) in [("echidna", one, world.other_customer()), ("kowari", three, world.customer())] {
        let owner = owner.account();
        let path = format!("/api/v1/customers/{owner}/values");
        let token = world.agent().token().await;
        let read = ask(here, Method::GET, &path, &token, None).await.expect(200);
        let write = Request::patch(&path)
            .header(header::AUTHORIZATION, format!("Bearer {}", world.agent().token().await))
            .header(header::IF_MATCH, &read.headers[header::ETAG])
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(json!({"values": {&animal: word}}).to_string()));
        World::send_to(here, write.unwrap()).await.expect(200);
        for node in [one, three] {
            let token = world.agent().token().await;
            let found =
                ask(node, Method::GET, &format!("/api/v1/search?q={word}"), &token, None).await.expect(200).body;
            assert_eq!((&found["ready"], &found["items"][0]["id"]), (&json!(true), &json!(owner)), "{word}: {found}");
        }
    }

    // So does the list, of whom the other made a customer.
    for node in [one, two] {
        let token = world.agent().token().await;
        ask(node, Method::GET, "/api/v1/customers?search=hopper", &token, None).await.expect(200);
    }
    let grace = json!({"email": "grace@navy.example", "displayName": "Grace Hopper"});
    world.admin().post("/api/v1/customers", grace).await.expect(201);
    let token = world.agent().token().await;
    let found = ask(two, Method::GET, "/api/v1/customers?search=hopper", &token, None).await.expect(200).body;
    assert_eq!(found["items"][0]["displayName"], "Grace Hopper", "{found}");

    // Sessions, tokens, and the end of a token.
    let session = world.agent().post("/api/v1/session/bearer", json!({})).await.expect(200).body;
    let session = session["token"].as_str().unwrap();
    ask(two, Method::GET, "/api/v1/me", session, None).await.expect(200);
    let script = world.script("Setup", &["fields:write", "fields:read", "customers:write"]).await;
    let field = json!({"entity": "customer", "type": "text", "name": "Plan"});
    let made =
        ask(one, Method::POST, "/api/v1/fields", &script.secret, Some(("key-1", field.clone()))).await.expect(201);

    // Settings, at once; and what was done once is not done again elsewhere.
    let seen = ask(two, Method::GET, "/api/v1/fields", &script.secret, None).await.expect(200);
    assert!(seen.body["items"].as_array().unwrap().iter().any(|field| field["id"] == made.body["id"]));
    let again = ask(two, Method::POST, "/api/v1/fields", &script.secret, Some(("key-1", field))).await.expect(201);
    assert_eq!((&again.headers["idempotency-replayed"], &again.text), (&"true".parse().unwrap(), &made.text));

    // A change that did not see the other node's is refused.
    let owner = world.customer().account();
    let id = made.body["id"].as_str().unwrap();
    let first = world.agent().writes(&owner, id, json!("Gold")).await.expect(200);
    let stale = Request::put(format!("/api/v1/customers/{owner}/values/{id}"))
        .header(header::AUTHORIZATION, format!("Bearer {session}"))
        .header(header::IF_MATCH, "\"v0\"")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(json!({"value": "Silver"}).to_string()));
    World::send_to(two, stale.unwrap()).await.expect(412);
    let values = ask(two, Method::GET, &format!("/api/v1/customers/{owner}/values"), session, None).await.expect(200);
    assert!(values.text.contains("Gold") && first.text.contains("Gold"), "{}", values.text);

    let path = format!("/api/v1/tokens/{}", script.id);
    let admin = world.admin().token().await;
    let revoked = ask(two, Method::DELETE, &path, &admin, None).await;
    assert!((200..300).contains(&revoked.status), "{}", revoked.text);
    ask(one, Method::GET, "/api/v1/fields", &script.secret, None).await.expect(401);

    // What one was told, the other does: the site leaves through the first node, and the second destroys its keys.
    let tenant = world.tenant().await;
    world.jira.forge().uninstall(&steward::demo::app_id().unwrap()).await.unwrap();
    two.runner.drain().await.unwrap();
    let keys = store::shelf::keys(&one.shelf, tenant, kernel::KeyClass::Data).await.unwrap();
    assert!(keys.is_empty(), "the keys have left the shelf");
    assert_eq!(one.runner.drain().await.unwrap(), 0, "nothing is left for the first");
    for table in ["session", "value"] {
        let left = store::sweep::tenant_row_count(&one.store, tenant).await.unwrap();
        assert!(left.iter().all(|(name, count)| *name != table || *count == 0), "{left:?}");
    }
    two.store.close().await;
    two.shelf.close().await;
    world.end().await;
}

/// The next release, which adds a column to each table there is and tells of it in a migration of each room.
fn next_release() -> Registry {
    let further = |room: &Room| {
        let steps = room.tables.iter().map(|table| {
            let column = Column::new(table.name, "of_the_next_release", ColumnKind::Text, &STATE).or_null();
            Step::Add(Box::leak(Box::new(column)))
        });
        let next = Migration { version: 10_000, steps: Box::leak(steps.collect::<Box<[_]>>()) };
        let migrations = room.migrations.iter().copied().chain([next]).collect::<Box<[_]>>();
        Room { migrations: Box::leak(migrations), ..*room }
    };
    Registry::new(program::registry().rooms().iter().map(further).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_node_goes_on_while_a_newer_one_migrates() {
    let Some(world) = World::start_on_postgres().await else { return };
    let field = world.admin().defines_text("Plan", "agents").await;
    let owner = world.customer().account();
    let session = world.agent().post("/api/v1/session/bearer", json!({})).await.expect(200).body;
    let session = session["token"].as_str().unwrap();
    let values = format!("/api/v1/customers/{owner}/values");
    // Before, so that each connection has its statements prepared for tables as they were.
    world.agent().writes(&owner, &field, json!("before")).await.expect(200);
    ask(&world.program, Method::GET, &values, session, None).await.expect(200);

    let newer = Store::open(&world.config.store_url(), next_release()).await.unwrap();
    let migrated = std::sync::atomic::AtomicBool::new(false);
    let reading = async || {
        let mut during = 0;
        while !migrated.load(std::sync::atomic::Ordering::SeqCst) {
            ask(&world.program, Method::GET, &values, session, None).await.expect(200);
            during += 1;
        }
        during
    };
    let migrating = async {
        let ran = newer.migrate().await;
        migrated.store(true, std::sync::atomic::Ordering::SeqCst);
        ran.unwrap()
    };
    let (ran, one, two) = tokio::join!(migrating, reading(), reading());
    assert_eq!(ran.len(), next_release().rooms().len());
    assert!(one > 0 && two > 0);
    assert!(pending(&newer).await.unwrap().is_empty());

    // It reads, writes and works as before, until it is restarted.
    world.agent().writes(&owner, &field, json!("after")).await.expect(200);
    let standing = ask(&world.program, Method::GET, &values, session, None).await.expect(200);
    assert!(standing.text.contains("after"), "{}", standing.text);
    world.admin().defines_text("Further", "agents").await;
    ask(&world.program, Method::GET, "/readyz", "", None).await.expect(200);
    world.clock.advance(std::time::Duration::from_secs(3 * 86_400));
    assert!(world.program.runner.drain().await.unwrap() > 5, "every schedule came, on tables that have grown");
    let dead = jobs::dead_letters(&world.program.store, 10).await.unwrap();
    assert!(dead.is_empty(), "{:?}", dead.iter().map(|job| &job.kind).collect::<Vec<_>>());

    // Then it must be the newer one: it refuses a database that it does not know.
    let parts = Parts::of(&world.config, world.clock.clone()).unwrap();
    let refused = Program::open(&world.config, parts).await.err().unwrap();
    assert_eq!(refused.code(), "store_newer");
    newer.close().await;
    world.end().await;
}
