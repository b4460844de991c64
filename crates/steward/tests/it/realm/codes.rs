//! What cannot move, and by which code Forge is told; and rows that are not the moving site's.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use kernel::Clock;
use serde_json::{Value, json};
use store::tenants;

use super::regions::{self, Regions, left};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_move_is_told_by_its_code() {
    let regions = Box::pin(Regions::start(false)).await.unwrap();
    let us = &regions.us;
    regions.refuses("start", &regions.migration(9, "EU"), "E0001").await;
    regions.refuses("commit", &regions.migration(9, "EU"), "E0001").await;
    regions.refuses("schedule", &regions.migration(1, "AU"), "E0002").await;
    regions.refuses("schedule", &regions.migration(1, "US"), "E0002").await;
    let mut over = regions.migration(1, "EU");
    over.start = us.clock.now().checked_sub(Duration::from_secs(7_200)).unwrap();
    over.end = us.clock.now().checked_sub(Duration::from_secs(3_600)).unwrap();
    regions.refuses("schedule", &over, "E9999").await;
    let mut odd = regions.migration(1, "EU");
    odd.location = "E U".to_owned();
    let answered = regions.hook("schedule", &odd).await;
    assert_eq!((answered.code(), &answered.body["fields"][0]["pointer"]), (Some("E9999"), &json!("/location")));
    // A second migration while one goes on.
    let one = regions.migration(1, "EU");
    regions.copied(&one).await;
    regions.refuses("schedule", &regions.migration(2, "EU"), "E0004").await;
    // The app is uninstalled meanwhile: it ends here, and there.
    let tenant = us.tenant().await;
    us.jira.forge().uninstall(&steward::demo::app_id().unwrap()).await.unwrap();
    us.program.runner.drain().await.unwrap();
    assert_eq!(tenants::state_of(&us.program.store, tenant).await.unwrap(), Some(tenants::State::Gone));
    us.clock.advance(Duration::from_secs(5_400 + 16 * 60));
    regions.eu.program.runner.drain().await.unwrap();
    us.program.runner.drain().await.unwrap();
    let found = left(&regions.eu.program, &regions.eu.config, tenant).await;
    assert!(found.0.is_empty() && (found.1, found.2) == (0, 0), "{found:?}");
    Box::pin(regions.end()).await;

    // Regions that do not share the secret.
    let regions = Box::pin(Regions::with(Vec::new(), Vec::new(), 7, 8)).await;
    let answered = regions.hook("schedule", &regions.migration(1, "EU")).await;
    assert_eq!((answered.status, answered.code()), (Some(503), None), "{answered:?}");
    Box::pin(regions.end()).await;

    // A server that stands in one region.
    let world = World::unjoined(Vec::new()).await;
    let origin = world.config.server.origin.to_string();
    let app = regions::app(origin.trim_end_matches('/'), "http://127.0.0.1:9");
    world.jira.forge().install(app, None).unwrap();
    world.jira.deliveries_settled().await;
    world.program.runner.drain().await.unwrap();
    let start = world.clock.now();
    let end = start.checked_add(Duration::from_secs(3_600)).unwrap();
    let migration = sandbox::forge::Migration { id: 1, location: "EU".to_owned(), start, end };
    let answered = world.jira.forge().hook(&steward::demo::app_id().unwrap(), "schedule", &migration).await.unwrap();
    assert_eq!((answered.is_good(), answered.code()), (false, Some("E0003")), "{answered:?}");
    let none = World::send_to(&world.program, Request::post("/realm/v1").body(Body::empty()).unwrap()).await;
    let nowhere = World::send_to(&world.program, Request::post("/realm/v2").body(Body::empty()).unwrap()).await;
    assert_eq!((none.status, &none.text), (nowhere.status, &nowhere.text));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_another_tenant_is_not_written() {
    let world = World::start().await;
    world.admin().defines_text("Plan", "agents").await;
    let tenant = world.tenant().await;
    let stranger = kernel::TenantId::fresh();
    let cx = world.reader().await;
    let registry = steward::program::registry();
    let mut tables = 0;
    for table in store::realm::rows::tables(&registry) {
        let mut scoped = world.program.store.read(&cx).await.unwrap();
        let page = store::realm::rows::page(&mut scoped, table, None, None).await.unwrap();
        drop(scoped);
        if page.rows.is_empty() {
            continue;
        }
        tables += 1;
        let of_stranger = kernel::Cx::mint(
            stranger,
            kernel::Actor::System("test"),
            kernel::Standing::default(),
            world.clock.clone(),
            kernel::RequestId::fresh(),
        );
        let mut scoped = world.program.store.beyond(&of_stranger).await.unwrap();
        let refused = store::realm::rows::put(&mut scoped, table, &page.rows).await.unwrap_err();
        assert_eq!(refused.code(), "realm_row", "{}", table.name);
        let short: Vec<Vec<Value>> = vec![page.rows[0][..1].to_vec()];
        assert_eq!(store::realm::rows::put(&mut scoped, table, &short).await.unwrap_err().code(), "realm_row");
        scoped.commit().await.unwrap();
    }
    assert!(tables > 5, "{tables} tables of {tenant} had rows");
    world.end().await;
}
