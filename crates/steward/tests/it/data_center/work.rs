//! What people do on a Data Center beside writing values: duplicates and a merge, entitlements, a shared view, a change of a field's type; and a receiver
//! that is told of it, by ids that are ours.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};

use super::names;
use crate::imports::{customers, value};
use crate::merges::{merge_into, unmerge};
use crate::type_changes::Changing;
use crate::webhooks::Receiver;
use crate::world::{Joined, World};

#[tokio::test(flavor = "multi_thread")]
async fn customers_are_worked_with_as_elsewhere() {
    let world = World::joined_by(Joined::DataCenter, Vec::new()).await;
    let receiver = Receiver::listen().await;
    world.names(&receiver, true).await;
    let people = customers(&world, 2).await;
    let (kept, merged) = (people[0].0.as_str(), people[1].0.as_str());
    let plan = world.admin().defines_text("Plan", "customerView").await;

    two_are_alike_and_merged(&world, (kept, merged), &plan).await;
    an_organization_is_entitled(&world).await;
    a_view_is_shared(&world, merged).await;
    a_text_becomes_a_longer_one(&world, merged, &plan).await;

    world.program.runner.drain().await.unwrap();
    let told = receiver.told();
    let kinds: BTreeSet<&str> = told.iter().map(|body| body["type"].as_str().unwrap()).collect();
    for kind in [
        "field.defined",
        "customer.value.changed",
        "customer.merged",
        "customer.unmerged",
        "organization.entitlement.added",
        "organization.entitlement.removed",
    ] {
        assert!(kinds.contains(kind), "{kind} is missing: {kinds:?}");
    }
    let accounts: BTreeSet<&str> = told.iter().filter_map(|body| body["data"]["accountId"].as_str()).collect();
    assert!(accounts.contains(kept) && accounts.iter().all(|account| account.starts_with("dc-")), "{accounts:?}");
    names(&world).search("what a receiver is told", Value::from(told).to_string().as_bytes());
    world.end().await;
}

/// Whether two are told as perhaps the same.
async fn alike(world: &World, two: (&str, &str)) -> bool {
    let listed = world.agent().get("/api/v1/duplicates?limit=100").await.expect(200).body;
    let is = |pair: &Value| {
        let ids = [&pair["first"]["accountId"], &pair["second"]["accountId"]].map(|id| id.as_str().unwrap());
        ids.contains(&two.0) && ids.contains(&two.1)
    };
    listed["items"].as_array().unwrap().iter().any(is)
}

async fn two_are_alike_and_merged(world: &World, (kept, merged): (&str, &str), plan: &str) {
    let agent = world.agent();
    let phone = json!({"entity": "customer", "type": "phone", "name": "Telephone", "audience": "agents"});
    let phone = world.admin().defines(phone).await["id"].as_str().unwrap().to_owned();
    for account in [kept, merged] {
        agent.writes(account, &phone, json!("+49 40 123456")).await.expect(200);
    }
    agent.writes(merged, plan, json!("Premium")).await.expect(200);
    assert!(alike(world, (kept, merged)).await);
    let path = format!("/api/v1/duplicates/{kept}/{merged}/dismissal");
    agent.ask(Method::PUT, &path, None, None).await.expect(204);
    assert!(!alike(world, (kept, merged)).await);
    agent.ask(Method::DELETE, &path, None, None).await.expect(204);

    let merge = merge_into(world, kept, merged).await;
    assert_eq!(value(world, kept, plan).await, "Premium");
    let gone = agent.get(&format!("/api/v1/customers/{merged}")).await.expect(200).body;
    assert_eq!(gone["mergedInto"], kept);
    assert!(!alike(world, (kept, merged)).await);
    unmerge(world, &merge).await;
    assert_eq!(value(world, kept, plan).await, Value::Null);
    assert!(alike(world, (kept, merged)).await);
}

async fn an_organization_is_entitled(world: &World) {
    let agent = world.agent();
    let product = world.admin().post("/api/v1/products", json!({"name": "Fleet"})).await.expect(201).body;
    let listed = agent.get("/api/v1/organizations?limit=1").await.expect(200).body;
    let organization = format!("/api/v1/organizations/{}", listed["items"][0]["id"].as_str().unwrap());
    let path = format!("{organization}/entitlements/{}", product["id"].as_str().unwrap());
    let given = agent.put(&path, "\"v0\"", json!({"limit": 5, "note": "By phone."})).await.expect(200);
    let found = agent.get("/api/v1/organizations?query=entitlement%20=%20Fleet").await.expect(200).body;
    assert_eq!(found["items"][0]["id"], listed["items"][0]["id"], "{found}");
    let gone = agent.ask(Method::DELETE, &path, Some(&given.etag()), None).await.expect(200);
    let changes = agent.get(&format!("{organization}/entitlement-history")).await.expect(200).body;
    let first = changes["items"][1]["id"].as_str().unwrap();
    let path = format!("{organization}/entitlement-history/{first}/restore");
    let back = agent.ask(Method::POST, &path, Some(&gone.etag()), None).await.expect(200).body;
    assert_eq!(back["terms"]["note"], "By phone.");
}

/// The agent's, as the administrator sees it.
async fn a_view_is_shared(world: &World, premium: &str) {
    let wanted = json!({"entity": "customer", "name": "Premium ones", "shared": true, "query": "Plan = Premium"});
    let view = world.agent().post("/api/v1/views", wanted).await.expect(201).body;
    let path = format!("/api/v1/views/{}", view["id"].as_str().unwrap());
    let found = world.admin().get(&format!("/api/v1/customers?view={}", view["id"].as_str().unwrap())).await;
    let found = found.expect(200).body;
    assert_eq!((found["items"].as_array().unwrap().len(), &found["items"][0]["accountId"]), (1, &json!(premium)));
    world.admin().ask(Method::PUT, &format!("{path}/default"), None, None).await.expect(204);
    let etag = format!("\"v{}\"", view["version"]);
    world.agent().ask(Method::DELETE, &path, Some(&etag), None).await.expect(204);
    world.admin().get(&path).await.expect(404);
}

async fn a_text_becomes_a_longer_one(world: &World, premium: &str, plan: &str) {
    let change = Changing::of(world, plan, json!({"type": "longText"})).await;
    for (what, kind) in [("run", "longText"), ("undo", "text")] {
        change.does(what).await.expect(200);
        world.program.runner.drain().await.unwrap();
        let field = world.agent().get(&format!("/api/v1/fields/{plan}")).await.expect(200).body;
        assert_eq!(field["type"], kind);
        assert_eq!(value(world, premium, plan).await, "Premium");
    }
}
