//! Webhooks that name an issue and say no word of it: asked for when a site is joined, put back by a check, taken at an address that
//! nobody else was told, believed as a hint and no more.

use sandbox::{Registration, Version};
use serde_json::{Value, json};
use store::sweep;

use crate::site::{done, joins, steward, tells};
use crate::world::World;

/// The last one whose addresses have a sign before their places.
const OLD: Version = Version::new(9, 12);

#[tokio::test(flavor = "multi_thread")]
async fn of_a_cloud_site() {
    let world = World::unjoined(Vec::new()).await;
    issues_are_named_and_nothing_is_said(&world, "${issue.id}", true).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_data_center() {
    let world = World::data_center(Vec::new(), Version::default()).await;
    issues_are_named_and_nothing_is_said(&world, "{issue.id}", true).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_older_data_center() {
    let world = World::data_center(Vec::new(), OLD).await;
    issues_are_named_and_nothing_is_said(&world, "${issue.id}", false).await;
    world.end().await;
}

fn hooks(world: &World) -> Vec<Registration> {
    world.jira.state().read().webhooks.values().cloned().collect()
}

#[track_caller]
fn of_issues(world: &World) -> Registration {
    let mut found = hooks(world).into_iter().filter(|hook| hook.url.contains("issue="));
    let (one, another) = (found.next(), found.next());
    assert!(another.is_none(), "there are two");
    one.expect("Jira was asked to name issues")
}

async fn checked(world: &World) -> String {
    done(&steward(world, &["check"], "").await)
}

async fn count(world: &World, table: &str) -> i64 {
    let rows = sweep::tenant_row_count(&world.program.store, world.tenant().await).await.unwrap();
    rows.iter().find(|(name, _)| *name == table).map_or(0, |(_, count)| *count)
}

async fn issues_are_named_and_nothing_is_said(world: &World, place: &str, signs: bool) {
    let joined = joins(world).await;
    assert_eq!((&joined["webhook"], &joined["issueWebhook"]), (&json!(true), &json!(true)), "{joined}");
    let hook = of_issues(world);
    assert!(hook.url.ends_with(&format!("?issue={place}")), "{}", hook.url);
    assert_eq!((hook.exclude_body, hook.secret.is_some()), (true, signs));
    assert_eq!(hook.jql, "projectType = service_desk");
    assert!(checked(world).await.contains("The webhook that tells of requests is there."));

    // A site that was joined before there was one is given it by the next check; one that says more than it should is taken away.
    world.jira.state().write().webhooks.remove(&hook.id);
    assert!(checked(world).await.contains("tells of requests was missing. It is there now."));
    let again = of_issues(world);
    assert_eq!(again.url, hook.url);
    world.jira.state().write().webhooks.get_mut(&again.id).unwrap().exclude_body = false;
    let check = done(&steward(world, &["check", "--json"], "").await);
    let check: Value = serde_json::from_str(&check).unwrap();
    assert_eq!((&check[0]["webhook"], &check[0]["issueWebhook"]), (&json!(true), &json!(true)), "{check}");
    assert!(of_issues(world).exclude_body && hooks(world).len() == 2);

    only_who_was_told_the_address_names_one(world, &hook, signs).await;

    done(&steward(world, &["remove", &world.jira.url(), "--yes"], "").await);
    assert!(hooks(world).is_empty());
    world.jira.deliveries_settled().await;
    world.program.runner.drain().await.unwrap();
}

async fn only_who_was_told_the_address_names_one(world: &World, hook: &Registration, signs: bool) {
    let path = format!("/{}", hook.url.strip_prefix(world.config.server.origin.as_str()).unwrap());
    let (at, _) = path.split_once('?').unwrap();
    let cx = world.reader().await;
    let secret = world.program.host().joining.hook_secret(&cx).await.unwrap();
    let signature = |body: &[u8]| {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
        format!("sha256={}", hex::encode(aws_lc_rs::hmac::sign(&key, body)))
    };
    let (base, _) = at.rsplit_once('/').unwrap();
    let nothing = tells(world, "/hooks/nothing/here", None, b"").await;
    for (path, signature) in [
        (format!("{at}?issue=10001"), Some("sha256=00".to_owned())),
        (format!("{at}?issue=10001"), Some(signature(b"another body"))),
        (format!("{base}/{}?issue=10001", "A".repeat(43)), Some(signature(b""))),
        (format!("/hooks/{}/{}?issue=10001", kernel::TenantId::fresh(), at.rsplit('/').next().unwrap()), None),
    ] {
        let refusal = tells(world, &path, signature.as_deref(), b"").await;
        assert_eq!((refusal.status, &refusal.text), (404, &nothing.text), "{path}: the same to the byte");
    }
    // Where accounts are told of, an issue is nothing.
    let before = (count(world, "host_invocation").await, count(world, "job").await);
    if signs {
        let accounts = hooks(world).into_iter().find(|hook| !hook.url.contains("issue=")).unwrap().url;
        let accounts = format!("/{}?issue=10001", accounts.strip_prefix(world.config.server.origin.as_str()).unwrap());
        tells(world, &accounts, Some(&signature(b"")), b"").await.expect(204);
    }
    // What names nothing is taken and forgotten.
    for query in ["", "?issue=", "?issue=${issue.id}", "?issue=none", "?of=10001"] {
        tells(world, &format!("{at}{query}"), None, b"").await.expect(204);
    }
    assert_eq!((count(world, "host_invocation").await, count(world, "job").await), before);

    // Told ten times within seconds, by a Jira that signs nothing or does, it is looked at twice; and what is said of it is not read.
    let id = world.jira.state().read().issue(&world.issue()).unwrap().id;
    let named = format!("{at}?issue={id}");
    let said = json!({"webhookEvent": "jira:issue_deleted", "issue": {"id": "1", "key": "zqcanary"}}).to_string();
    for _ in 0..5 {
        tells(world, &named, None, said.as_bytes()).await.expect(204);
        tells(world, &named, Some(&signature(b"")), b"").await.expect(204);
    }
    assert_eq!(count(world, "host_invocation").await, before.0 + 1);
    assert_eq!(count(world, "job").await, before.1 + 1, "the look at the end, once");
    world.program.runner.drain().await.unwrap();
    world.clock.advance(std::time::Duration::from_secs(11));
    world.program.runner.drain().await.unwrap();
    assert!(jobs::dead_letters(&world.program.store, 10).await.unwrap().is_empty());
}
