//! A site uninstalls: refused at once, unreadable at once, gone soon, with a receipt.

use axum::body::Body;
use axum::http::{Request, header};
use kernel::TenantId;
use serde_json::json;
use store::{ledger, sweep, tenants};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    let world = World::start().await;
    a_site_uninstalls(&world).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres() {
    if let Some(world) = World::start_on_postgres().await {
        a_site_uninstalls(&world).await;
        world.end().await;
    }
}

async fn a_site_uninstalls(world: &World) {
    let field = world.admin().defines_text("Secret", "agents").await;
    let owner = world.customer().account();
    world.agent().writes(&owner, &field, json!("what must not survive")).await.expect(200);
    let tenant = world.tenant().await;
    let session = world.agent().post("/api/v1/session/bearer", json!({})).await.expect(200);
    let late = world.agent().token().await;
    world.agent().get("/api/v1/search?q=survive").await.expect(200);
    let index = world.folder.path().join("data/search").join(tenant.to_string());
    assert!(index.exists(), "what is searched lies in files");
    world.jira.forge().uninstall(&steward::demo::app_id().unwrap()).await.unwrap();

    let refused = bearer(world, &late).await;
    assert_eq!(refused.status, 401, "{}", refused.text);
    let session = bearer(world, session.body["token"].as_str().unwrap()).await;
    assert_eq!(session.status, 401, "a session of ours ends too: {}", session.text);

    world.program.runner.drain().await.unwrap();
    let keys = store::shelf::keys(&world.program.shelf, tenant, kernel::KeyClass::Data).await.unwrap();
    assert!(keys.is_empty(), "the keys have left the shelf");
    assert!(!index.exists(), "its search index is gone");
    // One that another node had is gone as soon as that looks.
    std::fs::create_dir_all(&index).unwrap();
    assert_eq!(world.program.customers().sweep_files().await.unwrap(), 1);
    assert!(!index.exists());
    let left: Vec<_> = sweep::tenant_row_count(&world.program.store, tenant)
        .await
        .unwrap()
        .into_iter()
        .filter(|(table, count)| *count > 0 && !["tenant", "ledger", "job"].contains(table))
        .collect();
    assert_eq!(left, []);
    assert_eq!(tenants::state_of(&world.program.store, tenant).await.unwrap(), Some(tenants::State::Gone));
    let entries = receipts(world, tenant).await;
    assert_eq!(ledger::first_break(&entries), None);
    let kinds: Vec<&str> = entries.iter().rev().take(2).map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["trust.tenant_destroyed", "tenant.gone"]);

    // Installing again is another tenant, which sees nothing of the first.
    world.join(&world.jira).await;
    assert_eq!(world.admin().get("/api/v1/fields").await.expect(200).body["items"], json!([]));
}

async fn bearer(world: &World, token: &str) -> crate::world::Answer {
    let request = Request::get("/api/v1/fields").header(header::AUTHORIZATION, format!("Bearer {token}"));
    world.send(request.body(Body::empty()).unwrap()).await
}

async fn receipts(world: &World, tenant: TenantId) -> Vec<ledger::Written> {
    let cx = kernel::Cx::mint(
        tenant,
        kernel::Actor::System("test"),
        kernel::Standing::default(),
        world.clock.clone(),
        kernel::RequestId::fresh(),
    );
    ledger::list(&mut world.program.store.read(&cx).await.unwrap(), 0, 10_000).await.unwrap()
}
