//! Pages that are open hear of what others change.

use axum::http::{Method, Request, header};
use serde_json::{Value, json};

use crate::world::{self, Actor, World};

on_both!(a_page_hears_of_what_somebody_else_writes, only_what_one_may_see_is_told);

async fn now(who: &Actor<'_>) -> i64 {
    let told = who.get("/api/v1/changes").await.expect(200).body;
    assert_eq!(told["changes"], json!([]));
    told["after"].as_i64().unwrap()
}

async fn since(who: &Actor<'_>, after: i64, wait: u64) -> (Value, i64) {
    let told = who.get(&format!("/api/v1/changes?after={after}&wait={wait}")).await.expect(200).body;
    (told["changes"].clone(), told["after"].as_i64().unwrap())
}

async fn a_page_hears_of_what_somebody_else_writes(world: &World) {
    let field = world.admin().defines_text("Ship", "agents").await;
    let owner = world.customer().account();
    let (agent, colleague) = (world.agent(), world.colleague());
    let after = now(&agent).await;
    let (told, ()) = tokio::join!(since(&agent, after, 20), async {
        colleague.writes(&owner, &field, json!("Hopper")).await.expect(200);
    });
    assert_eq!(told.0, json!([{"kind": "customer", "id": owner}]));
    // Heard once; and nothing more is there.
    assert_eq!(since(&agent, told.1, 0).await.0, json!([]));
    // Many changes of one thing are one.
    colleague.writes(&owner, &field, json!("Grace")).await.expect(200);
    colleague.writes(&owner, &field, json!("Hopper")).await.expect(200);
    let other = world.admin().defines_text("Port", "agents").await;
    let (changes, after) = since(&agent, told.1, 0).await;
    assert_eq!(changes, json!([{"kind": "customer", "id": owner}, {"kind": "field", "id": other}]));
    assert_eq!(since(&agent, after, 0).await.0, json!([]));
    agent.get("/api/v1/changes?wait=21").await.expect(422);
    agent.get("/api/v1/changes?after=-1").await.expect(422);
}

async fn only_what_one_may_see_is_told(world: &World) {
    let field = world.admin().defines_text("Ship", "agents").await;
    let (customer, other) = (world.customer(), world.other_customer());
    let after = now(&customer).await;
    world.agent().writes(&other.account(), &field, json!("Nautilus")).await.expect(200);
    let organization = world.agent().get("/api/v1/organizations?limit=1").await.expect(200).body;
    let organization = organization["items"][0]["id"].as_str().unwrap();
    let region = world.admin().defines(json!({"entity": "organization", "type": "text", "name": "Region"})).await;
    let path = format!("/api/v1/organizations/{organization}/values/{}", region["id"].as_str().unwrap());
    world.agent().put(&path, "\"v0\"", json!({"value": "North"})).await.expect(200);
    let (changes, after) = since(&customer, after, 0).await;
    assert_eq!(changes, json!([{"kind": "field", "id": region["id"]}]), "nobody else's");
    world.agent().writes(&customer.account(), &field, json!("Hopper")).await.expect(200);
    assert_eq!(since(&customer, after, 0).await.0, json!([{"kind": "customer", "id": customer.account()}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_nodes_change_is_heard_of_and_a_stop_ends_the_wait() {
    let Some(world) = World::start_on_postgres().await else { return };
    let two = world::open(&world.config, &world.clock).await;
    let field = world.admin().defines_text("Ship", "agents").await;
    let owner = world.customer().account();
    let after = now(&world.agent()).await;
    let ask = async |after: i64| {
        let token = world.agent().token().await;
        let request = Request::builder()
            .method(Method::GET)
            .uri(format!("/api/v1/changes?after={after}&wait=20"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        World::send_to(&two, request.body(axum::body::Body::empty()).unwrap()).await.expect(200).body
    };
    let (told, ()) = tokio::join!(ask(after), async {
        world.agent().writes(&owner, &field, json!("Hopper")).await.expect(200);
    });
    assert_eq!(told["changes"], json!([{"kind": "customer", "id": owner}]));
    two.stopping().cancel();
    let told = ask(told["after"].as_i64().unwrap()).await;
    assert_eq!(told["changes"], json!([]));
    two.store.close().await;
    two.shelf.close().await;
    world.end().await;
}
