//! Sites that say nothing any more: seen once a day, shown to the operator since when, forgotten when they are heard again, and left by the operator if
//! they left without a word.

use std::time::Duration;

use kernel::{Clock, TenantId};
use serde_json::{Value, json};
use store::tenants::{self, State};

use crate::connect::opens_by_forge;
use crate::site::{done, refused, steward};
use crate::world::{Joined, World};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Since when the only site is silent, as the operator is told.
async fn silent_since(world: &World) -> Value {
    let list: Value = serde_json::from_str(&done(&steward(world, &["list", "--json"], "").await)).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
    list[0]["silentSince"].clone()
}

async fn passes(world: &World, time: Duration) {
    world.clock.advance(time);
    world.program.runner.drain().await.unwrap();
}

async fn state(world: &World, tenant: TenantId) -> Option<State> {
    tenants::state_of(&world.program.store, tenant).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_whose_app_left_without_a_word() {
    let world = World::start().await;
    let (tenant, url) = (world.tenant().await, world.jira.url());
    assert_eq!(silent_since(&world).await, Value::Null);

    // No hourly call comes, and the token of the last one is over.
    passes(&world, DAY + MINUTE).await;
    assert!(silent_since(&world).await.is_string());
    let shown = done(&steward(&world, &["list"], "").await);
    assert!(shown.contains("Silent since"), "{shown}");

    // It is heard again before the next look.
    world.clock.advance(DAY - HOUR);
    opens_by_forge(&world, &world.jira, "/api/v1/me").await.expect(200);
    passes(&world, HOUR).await;
    assert_eq!(silent_since(&world).await, Value::Null);
    refused(&steward(&world, &["remove", &url, "--yes"], "").await, "leaves by uninstalling the app");

    // The app goes while nobody listens. Its token would live for a while yet, and Jira takes it no more.
    world.clock.advance(DAY - 3 * HOUR - 30 * MINUTE);
    opens_by_forge(&world, &world.jira, "/api/v1/me").await.expect(200);
    let last_heard = world.clock.now();
    let app = steward::demo::app_id().unwrap();
    let forge = world.jira.forge().installation(&app).unwrap();
    forge.set_remote_address("backend", Some("http://127.0.0.1:9")).unwrap();
    world.jira.forge().uninstall(&app).await.unwrap();
    assert_eq!(state(&world, tenant).await, Some(State::Active), "nobody told us");
    passes(&world, 3 * HOUR + 30 * MINUTE).await;
    assert_eq!(silent_since(&world).await, json!(last_heard.to_string()));
    // Each further day says the same.
    passes(&world, 2 * DAY).await;
    assert_eq!(silent_since(&world).await, json!(last_heard.to_string()));
    assert_eq!(state(&world, tenant).await, Some(State::Active), "silence alone ends nothing");

    let left = done(&steward(&world, &["remove", &url, "--yes"], "").await);
    assert!(!left.contains("Revoke"), "{left}");
    world.program.runner.drain().await.unwrap();
    assert_eq!(state(&world, tenant).await, Some(State::Gone));
    let keys = store::shelf::keys(&world.program.shelf, tenant, kernel::KeyClass::Data).await.unwrap();
    assert!(keys.is_empty());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_takes_its_accounts_token_no_more() {
    let world = World::joined_by(Joined::CloudToken, Vec::new()).await;
    passes(&world, DAY + MINUTE).await;
    assert_eq!(silent_since(&world).await, Value::Null);

    let admin = world.jira.visitor("admin").unwrap();
    let token = admin.api_token.clone().unwrap();
    let has = |tokens: Vec<String>| {
        let change = |account: &mut sandbox::state::model::Account| account.api_tokens = tokens;
        world.jira.state().edit_account(&sandbox::events::Actor::default(), &admin.account_id, change).unwrap();
    };
    has(Vec::new());
    passes(&world, DAY + MINUTE).await;
    assert_eq!(silent_since(&world).await, json!(world.clock.now().to_string()));
    has(vec![token]);
    passes(&world, DAY + MINUTE).await;
    assert_eq!(silent_since(&world).await, Value::Null);
    world.end().await;
}
