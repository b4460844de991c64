//! A Cloud site that is joined by a token with scopes, or by a service account's: taken at Atlassian's gateway alone, each scope looked
//! at before anything is kept. What such a one does then is tried with the other kinds (`hosts.rs`).

use host::client::{As, Jira};
use sandbox::state::ScopedToken;
use serde_json::{Value, json};

use crate::site::{done, joins, refused, steward};
use crate::world::World;

/// Those that are needed.
const SCOPES: [&str; 6] = [
    "read:jira-user",
    "read:jira-work",
    "write:jira-work",
    "read:servicedesk-request",
    "write:servicedesk-request",
    "manage:servicedesk-customer",
];

/// A token of the administrator's.
fn token(world: &World, scopes: &[&str], alone: bool) -> String {
    let account_id = world.jira.visitor("admin").unwrap().account_id;
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    world.jira.state().give_scoped_token(ScopedToken { account_id, scopes, alone })
}

async fn adds(world: &World, token: &str) -> std::process::Output {
    let (url, admin) = (world.jira.url(), world.jira.visitor("admin").unwrap());
    let arguments = ["add", "--address", &url, "--account", &admin.email, "--token-file", "-"];
    steward(world, &arguments, token).await
}

/// Joins the world's site by such a token, and makes the webhooks by hand that Jira takes from none of them.
pub(crate) async fn joins_with_scopes(world: &World, alone: bool) -> Value {
    let said = done(&adds(world, &token(world, &SCOPES, alone)).await);
    pastes(world, &said).await;
    world.program.runner.drain().await.unwrap();
    let listed: Value = serde_json::from_str(&done(&steward(world, &["list", "--json"], "").await)).unwrap();
    listed[0].clone()
}

/// An administrator makes the webhooks that they are told to make.
async fn pastes(world: &World, said: &str) {
    let mut hooks: Vec<Value> = Vec::new();
    for line in said.lines().map(str::trim) {
        if let Some(url) = line.strip_prefix("URL ") {
            hooks.push(json!({"name": "By hand", "url": url.trim(), "excludeBody": false}));
        }
        let Some(hook) = hooks.last_mut() else { continue };
        if let Some(secret) = line.strip_prefix("Secret ") {
            hook["secret"] = json!(secret.trim());
        } else if let Some(events) = line.strip_prefix("Events ") {
            hook["events"] = json!(events.split(',').map(str::trim).collect::<Vec<_>>());
        } else if let Some(jql) = line.strip_prefix("JQL ") {
            hook["filters"] = json!({"issue-related-events-section": jql.trim()});
        } else if line.starts_with("Exclude body: yes") {
            hook["excludeBody"] = json!(true);
        }
    }
    assert_eq!(hooks.len(), 2, "{said}");
    let admin = world.jira.visitor("admin").unwrap();
    #[expect(clippy::disallowed_methods, reason = "an administrator at the stand-in Jira")]
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for hook in hooks {
        let made = client.post(format!("{}/rest/webhooks/1.0/webhook", world.jira.url()));
        let made = made.basic_auth(&admin.email, admin.api_token.as_ref()).json(&hook).send().await.unwrap();
        assert_eq!(made.status().as_u16(), 201, "{hook}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_scope_is_looked_at_before_anything_is_kept() {
    let world = World::unjoined(Vec::new()).await;
    for alone in [false, true] {
        for missing in SCOPES {
            let others: Vec<&str> = SCOPES.into_iter().filter(|scope| *scope != missing).collect();
            let said = adds(&world, &token(&world, &others, alone)).await;
            refused(&said, &format!("Scope {missing}: Make another token and choose this scope"));
            let text = String::from_utf8_lossy(&said.stdout).into_owned();
            assert_eq!(text.matches(": Make another token").count(), 1, "that one and no other: {text}");
            assert!(!text.contains("Check the e-mail address"), "{text}");
        }
    }
    // A scope gives nobody what their account may not.
    let agent = world.jira.visitor("agent").unwrap();
    let scopes = SCOPES.map(str::to_owned).to_vec();
    let weak = ScopedToken { account_id: agent.account_id, scopes, alone: false };
    let weak = world.jira.state().give_scoped_token(weak);
    let (url, named) = (world.jira.url(), agent.email);
    let arguments = ["add", "--address", &url, "--account", &named, "--token-file", "-"];
    refused(&steward(&world, &arguments, &weak).await, "Administer Jira: Put the account");
    // Somebody else's is nobody's.
    refused(&adds(&world, &weak).await, "The account signs in: Check the e-mail address");
    assert_eq!(done(&steward(&world, &["list", "--json"], "").await).trim(), "[]");
    world.end().await;
}

/// From one kind to another, and back: where it is taken goes with the token.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_one_kind_takes_the_place_of_another() {
    let world = World::unjoined(Vec::new()).await;
    joins(&world).await;
    let (url, admin) = (world.jira.url(), world.jira.visitor("admin").unwrap());
    let cx = world.reader().await;
    let base = async || {
        let host = world.program.host();
        host.sites.forget(cx.tenant()).await;
        let me = Jira::for_tenant(&host.cloud, &cx, As::App).myself().await.unwrap();
        assert_eq!(me.account_id.as_str(), admin.account_id);
        host.sites.of(cx.tenant()).await.unwrap().site.api_base.to_string()
    };
    let (site, gateway) = (format!("{url}/"), format!("{url}/ex/jira/{}/", world.jira.state().cloud_id()));
    assert_eq!(base().await, site);
    let replaces = ["token", &url, "--account", &admin.email, "--token-file", "-"];
    for alone in [false, true] {
        let said = done(&steward(&world, &replaces, &token(&world, &SCOPES, alone)).await);
        assert!(said.contains("The token was replaced"), "{said}");
        assert_eq!(base().await, gateway);
        // The account is looked at again by what is kept; webhooks are shown to no such token.
        let check = done(&steward(&world, &["check"], "").await);
        assert!(check.contains("cannot be seen"), "{check}");
        let check: Value = serde_json::from_str(&done(&steward(&world, &["check", "--json"], "").await)).unwrap();
        assert_eq!((&check[0]["webhook"], &check[0]["checks"][0]["found"]), (&Value::Null, &json!("has")), "{check}");
    }
    let few = token(&world, &SCOPES[..4], false);
    refused(&steward(&world, &replaces, &few).await, "Nothing was replaced");
    assert_eq!(base().await, gateway);
    done(&steward(&world, &replaces, admin.api_token.as_deref().unwrap()).await);
    assert_eq!(base().await, site);
    let check = done(&steward(&world, &["check"], "").await);
    assert!(check.contains("The webhook that tells of accounts is there."), "{check}");
    world.end().await;
}
