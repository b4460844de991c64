//! What a site that an operator joined has beside what all have: the account's token, the client's secret, what people granted, their sessions, the
//! webhook's secret; and on Data Center how Jira names people, which no answer tells either.

use axum::body::Body;
use axum::http::{Method, Request};
use sandbox::events::Actor;
use serde_json::json;

use super::{Canaries, checked};
use crate::site::tells;
use crate::world::{Joined, World};

pub(super) async fn use_an_operators_site(world: &World, canaries: &mut Canaries, joined: Joined) {
    let state = world.jira.state();
    canaries.0.push(world.jira.visitor("admin").unwrap().api_token.unwrap());
    canaries.0.push("steward-secret".to_owned());
    let customer = world.customer();
    for who in ["admin", "agent", customer.who.as_str()] {
        let session = world.session(&world.jira, who).await;
        let secret = session.cookie.split(['=', ';']).find(|part| part.starts_with("stw")).unwrap().to_owned();
        canaries.0.push(secret.splitn(3, '_').nth(2).unwrap().to_owned());
        canaries.0.push(session.csrf);
    }
    // What they granted first, and what that was renewed to.
    canaries.0.extend(world.jira.granted_tokens());
    world.clock.advance(std::time::Duration::from_secs(3 * 3600));
    for actor in [world.admin(), world.agent(), world.customer()] {
        let account = kernel::AccountId::new(actor.account()).unwrap();
        world.program.host().callers.forget(world.tenant().await, &account).await;
        actor.get("/api/v1/me").await.expect(200);
    }
    world.agent().get(&format!("/api/v1/panel?issue={}", world.issue())).await.expect(200);
    let before = canaries.0.len();
    let renewed = world.jira.granted_tokens().into_iter().filter(|token| !canaries.0.contains(token));
    let renewed: Vec<String> = renewed.collect();
    canaries.0.extend(renewed);
    assert!(canaries.0.len() > before, "access was asked for anew");

    // Signing in that goes wrong, with words where its parts should be.
    let get = |path: String| Request::get(path).body(Body::empty()).unwrap();
    let (word, site) = (canaries.plant("signing"), world.tenant().await);
    for path in [
        format!("/sign-in/callback?code={word}&state={word}"),
        format!("/sign-in/callback?error={word}&error_description={word}&state={word}"),
        format!("/sign-in/{word}"),
    ] {
        checked(canaries, world.send(get(path)).await);
    }
    // Webhooks: theirs, and whatever else comes to their address.
    let cx = world.reader().await;
    canaries.0.push(world.program.host().joining.hook_secret(&cx).await.unwrap().to_string());
    let registered = state.read().webhooks.values().next().unwrap().url.clone();
    let path = format!("/{}", registered.strip_prefix(world.config.server.origin.as_str()).unwrap());
    let word = canaries.plant("hook");
    let body = json!({"webhookEvent": word, "user": {"key": word, "name": word, "accountId": word}}).to_string();
    for path in [path.clone(), format!("/hooks/{word}"), format!("/hooks/{site}/{word}")] {
        checked(canaries, tells(world, &path, Some(&format!("sha256={word}")), body.as_bytes()).await);
    }
    // Where issues are named, the end of the address is a proof of its own.
    let named = state.read().webhooks.values().find(|hook| hook.url.contains("issue=")).unwrap().url.clone();
    let named = format!("/{}", named.strip_prefix(world.config.server.origin.as_str()).unwrap());
    let (at, _) = named.split_once('?').unwrap();
    canaries.0.push(at.rsplit('/').next().unwrap().to_owned());
    let path = format!("{at}?issue={word}&user_id={word}");
    tells(world, &path, None, body.as_bytes()).await.expect(204);
    checked(canaries, tells(world, &path, Some(&format!("sha256={word}")), body.as_bytes()).await);
    if joined == Joined::DataCenter {
        // The end of the address is a proof of its own.
        canaries.0.push(path.rsplit('/').next().unwrap().to_owned());
        names_are_jiras_alone(world, canaries).await;
    }
}

/// Somebody whose name to sign in with is like nothing else, and whose name and key no answer of ours tells; the key lies nowhere.
async fn names_are_jiras_alone(world: &World, canaries: &mut Canaries) {
    let (state, nobody) = (world.jira.state(), Actor::default());
    let (name, address, shown) = (canaries.plant("username"), canaries.plant("mail"), canaries.plant("shown"));
    let made = state.create_customer(&nobody, &format!("{address}@example.com"), &shown).unwrap().account_id;
    let rename = |account: &mut sandbox::state::model::Account| account.username = name.clone();
    state.edit_account(&nobody, &made, rename).unwrap();
    let key = state.read().account(&made).unwrap().user_key.clone();
    assert!(key.len() > 8, "{key}");
    canaries.0.push(key.clone());
    let account = world.known_as(&made).await;
    world.jira.deliveries_settled().await;
    world.program.runner.drain().await.unwrap();
    let values = format!("/api/v1/customers/{account}/values");
    let field = world.admin().defines_text("Told of", "agents").await;
    world.agent().writes(&account, &field, json!("seen")).await.expect(200);
    let mut told = 0;
    for path in [
        format!("/api/v1/customers/{account}"),
        format!("/api/v1/customers/{account}/history"),
        format!("/api/v1/customers/{account}/held"),
        format!("/api/v1/customers/{account}/readings"),
        "/api/v1/customers?limit=100".to_owned(),
        format!("/api/v1/customers?search={shown}"),
        values,
        "/api/v1/me".to_owned(),
        "/api/v1/organizations".to_owned(),
    ] {
        let answer = world.admin().get(&path).await.expect(200);
        told += usize::from(answer.text.contains(&shown));
        // The addresses at which one goes on in Jira name people in Jira's words, to that Jira.
        let mut text = answer.text.clone();
        for address in ["openUrl", "closedUrl"] {
            text = text.replace(answer.body["counts"][address].as_str().unwrap_or("no address"), "");
        }
        is_not_named(&text, &[&name, &key], &path);
    }
    for (path, sent) in [
        (format!("/api/v1/customers/{account}/copy"), json!({})),
        ("/api/v1/customers/export".to_owned(), json!({"format": "csv"})),
        ("/api/v1/customers/export".to_owned(), json!({"format": "json"})),
    ] {
        let answer = world.admin().ask(Method::POST, &path, None, Some(sent)).await.expect(200);
        is_not_named(&answer.text, &[&name, &key], &path);
    }
    assert!(told > 0, "somebody is told of by the name that is shown");
}

#[track_caller]
fn is_not_named(text: &str, names: &[&str], place: &str) {
    for name in names {
        assert!(!text.contains(name), "{place} tells {name}: {text}");
    }
}
