//! Addresses that are Forge's own to call: a page's frame reaches them too, with a genuine token and a body of its viewer's choice.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::json;
use store::tenants::{State, state_of};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_page_opens_no_door_of_forges_own() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    for (who, module) in [("customer", "portal-profile"), ("agent", "customers-page"), ("admin", "settings-page")] {
        for path in ["/forge/events", "/forge/schedule", "/forge/uninstall"] {
            let token = world.on_page(who, module).token().await;
            let request = Request::post(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
            let body = json!({"payload": {"eventType": "avi:jira:deleted:user", "user": {"accountId": "x"}}});
            let answer = world.send(request.body(Body::from(body.to_string())).unwrap()).await;
            assert_eq!(answer.status, 403, "{who} {path}: {}", answer.text);
            assert_eq!(state_of(&world.program.store, tenant).await.unwrap(), Some(State::Active), "{who} {path}");
        }
    }
    // Forge itself is heard as before.
    world.jira.forge().uninstall(&steward::demo::app_id().unwrap()).await.unwrap();
    assert_eq!(state_of(&world.program.store, tenant).await.unwrap(), Some(State::Gone));
    world.program.runner.drain().await.unwrap();
    world.end().await;
}
