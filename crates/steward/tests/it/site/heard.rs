//! Whether Jira reaches the server at all: `site check` says when a webhook last came.

use std::time::Duration;

use kernel::Clock;
use sandbox::events::Actor;
use serde_json::{Value, json};

use super::{done, joins, steward, tells};
use crate::world::World;

/// What `site check` says for eyes, and when the last one came.
async fn checked(world: &World) -> (String, Value) {
    let text = done(&steward(world, &["check"], "").await);
    let json: Value = serde_json::from_str(&done(&steward(world, &["check", "--json"], "").await)).unwrap();
    (text, json[0]["webhookCameAt"].clone())
}

/// A change of a name in Jira, told by its own webhook.
async fn renamed(world: &World, name: &str) {
    let customer = world.jira.visitor("customer").unwrap().account_id;
    let change = |account: &mut sandbox::state::model::Account| name.clone_into(&mut account.display_name);
    world.jira.state().edit_account(&Actor::default(), &customer, change).unwrap();
    world.jira.deliveries_settled().await;
    world.program.runner.drain().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn site_check_says_whether_webhooks_arrive() {
    let world = World::unjoined(Vec::new()).await;
    let joined = joins(&world).await;
    let address = joined["webhookUrl"].as_str().unwrap();
    let (text, came) = checked(&world).await;
    assert!(text.contains("NO webhook came yet") && text.contains(address), "{text}");
    assert_eq!(came, Value::Null);
    // One that is not Jira's is none.
    let path = format!("/{}", address.strip_prefix(world.config.server.origin.as_str()).unwrap());
    tells(&world, &path, Some("sha256=00"), b"{}").await.expect(404);
    assert_eq!(checked(&world).await.1, Value::Null);

    renamed(&world, "Told at once").await;
    let first = world.clock.now();
    let (text, came) = checked(&world).await;
    assert_eq!(came, json!(first.to_string()));
    assert!(text.contains(&format!("The last webhook came {}", first.strftime("%Y-%m-%d %H:%M UTC"))), "{text}");

    // It is known to the minute.
    world.clock.advance(Duration::from_secs(30));
    renamed(&world, "Told soon after").await;
    assert_eq!(checked(&world).await.1, came);
    world.clock.advance(Duration::from_secs(60));
    renamed(&world, "Told later").await;
    assert_eq!(checked(&world).await.1, json!(world.clock.now().to_string()));
    world.end().await;
}
