//! Another tenant of the same server, its people and what they may there: ids alone open nothing.

use super::{attempt, operations, things};
use crate::world::{Actor, Joined, World};

/// Places of a path at which an id stands that is one tenant's alone: to everybody else it is not there.
pub(crate) const OF_ONE_TENANT: [&str; 12] = [
    "{id}",
    "{fieldId}",
    "{changeId}",
    "{tokenId}",
    "{keyId}",
    "{importId}",
    "{typeChangeId}",
    "{bulkActionId}",
    "{webhookId}",
    "{viewId}",
    "{productId}",
    "{mergeId}",
];

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_gets_nothing_on_sqlite() {
    Box::pin(another_tenant_gets_nothing(World::start().await, Joined::Forge)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_gets_nothing_on_postgres() {
    if let Some(world) = World::start_on_postgres().await {
        Box::pin(another_tenant_gets_nothing(world, Joined::Forge)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_of_connect_gets_nothing_on_sqlite() {
    let world = World::joined_by(Joined::Connect, Vec::new()).await;
    Box::pin(another_tenant_gets_nothing(world, Joined::Connect)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_gets_nothing_of_one_by_token_on_sqlite() {
    let world = World::joined_by(Joined::CloudToken, Vec::new()).await;
    Box::pin(another_tenant_gets_nothing(world, Joined::CloudToken)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_data_center_gets_nothing_on_sqlite() {
    let world = World::joined_by(Joined::DataCenter, Vec::new()).await;
    Box::pin(another_tenant_gets_nothing(world, Joined::DataCenter)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_data_center_gets_nothing_on_postgres() {
    if let Some(world) = World::joined_on_postgres(Joined::DataCenter).await {
        Box::pin(another_tenant_gets_nothing(world, Joined::DataCenter)).await;
    }
}

async fn another_tenant_gets_nothing(mut world: World, joined: Joined) {
    let things = things(&world).await;
    // Another site, of the same cloud if there is one, with the same people in it: ids alone open nothing.
    let second = world.neighbour(joined).await;
    for (who, module) in [("admin", "settings-page"), ("agent", "customers-page"), ("customer", "portal-profile")] {
        let stranger =
            Actor { world: &world, jira: &second, who: who.to_owned(), module: module.to_owned(), issue: None };
        stranger.get("/api/v1/me").await.expect(200);
        for (method, path) in operations(&world) {
            let name = format!("{who}: {method} {path}");
            let answer = attempt(&stranger, &method, &path, &things).await;
            assert!(!answer.text.contains("anary"), "{name}: {}", answer.text);
            assert!(answer.status != 500, "{name}: {}", answer.text);
            if OF_ONE_TENANT.iter().any(|place| path.contains(place)) {
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
