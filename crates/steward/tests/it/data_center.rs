//! A Jira Data Center that an operator joins by a personal access token: looked at before anything is kept, read, shown to
//! people who sign in at it, changed, told of people by its version's own webhooks, left. And no name of anybody's anywhere.

mod work;

use axum::http::Method;
use host::client::{As, Jira};
use kernel::{AccountId, KeyClass};
use sandbox::Version;
use sandbox::events::Actor;
use serde_json::{Value, json};
use store::{sweep, tenants};

use crate::databases::Database;
use crate::leaks::{Canaries, log, search_files};
use crate::site::{Browser, done, joins, refused, signs_in_through, steward, tells};
use crate::world::World;

/// The last one before webhooks moved.
const OLD: Version = Version::new(9, 12);
/// One that knows tokens, and has nobody to sign in at.
const OLDER: Version = Version::new(8, 20);

#[tokio::test(flavor = "multi_thread")]
async fn a_day_on_sqlite() {
    log();
    let world = World::data_center(Vec::new(), Version::default()).await;
    a_day(&world).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_on_postgres() {
    log();
    let (Some(main), Some(shelf)) = (Database::postgres().await, Database::postgres().await) else { return };
    let world = World::data_center(vec![main, shelf], Version::default()).await;
    a_day(&world).await;
    world.end().await;
}

/// Everything by which Jira names people.
fn names(world: &World) -> Canaries {
    let state = world.jira.state();
    let store = state.read();
    let mut names = Vec::new();
    for account in store.accounts.values() {
        for name in [&account.username, &account.user_key, &account.display_name, &account.email] {
            // Shorter ones may be anything.
            if name.len() >= 9 && !names.contains(name) {
                names.push(name.clone());
            }
        }
    }
    assert!(names.len() > 30, "{names:?}");
    Canaries(names)
}

async fn a_day(world: &World) {
    let (admin, agent) = (world.jira.visitor("admin").unwrap(), world.jira.visitor("agent").unwrap());
    let url = world.jira.url();
    let adds = async |token: &str| steward(world, &["add", "--address", &url, "--token-file", "-"], token).await;

    // A token that is none is answered by Data Center as nobody's, and is no token here.
    refused(&adds("wrong-token").await, "The token signs in: Make one as the account");
    refused(&adds(agent.api_token.as_deref().unwrap()).await, "Administer Jira: Grant it to a group");
    assert_eq!(done(&steward(world, &["list", "--json"], "").await).trim(), "[]");

    // From whatever page was open.
    let page = format!("{url}/secure/Dashboard.jspa?x=1");
    let arguments = ["add", "--address", &page, "--token-file", "-", "--json"];
    let joined = done(&steward(world, &arguments, admin.api_token.as_deref().unwrap()).await);
    let joined: Value = serde_json::from_str(&joined).unwrap();
    assert_eq!((&joined["deployment"], &joined["webhook"]), (&json!("data-center"), &json!(true)), "{joined}");
    world.program.runner.drain().await.unwrap();
    assert!(jobs::dead_letters(&world.program.store, 10).await.unwrap().is_empty());
    refused(&adds(admin.api_token.as_deref().unwrap()).await, "This site is joined already, by a token");
    let list: Value = serde_json::from_str(&done(&steward(world, &["list", "--json"], "").await)).unwrap();
    assert_eq!(
        (&list[0]["joinedBy"], &list[0]["address"]),
        (&json!("data-center"), &json!(format!("{url}/"))),
        "{list}"
    );
    done(&steward(world, &["check"], "").await);
    let site = joined["id"].as_str().unwrap();

    // The directory was read, by ids that are ours.
    let cx = world.reader().await;
    let rows = sweep::tenant_row_count(&world.program.store, cx.tenant()).await.unwrap();
    let count = |table: &str| rows.iter().find(|(name, _)| *name == table).map_or(0, |(_, count)| *count);
    assert!(count("customer") > 10 && count("organization") > 2 && count("membership") > 5, "{rows:?}");

    // Nobody is let in before the operator said by which client, and nobody acted for who did not come.
    let mut people = Browser::of(world, "agent");
    people.goes(&format!("/sign-in/{site}")).await.expect(401);
    signs_in_through(world).await;
    let csrf = people.signs_in(site).await;
    assert_eq!(people.goes("/api/v1/me").await.expect(200).body["role"], "agent");
    let issue = world.issue();
    let panel = people.goes(&format!("/api/v1/panel?issue={issue}")).await.expect(200);
    let customer = reporter(&panel.body);
    assert!(customer.starts_with("dc-"), "{customer}");
    let shown = world.jira.visitor("customer").unwrap();
    assert!(panel.text.contains(&shown.display_name), "{}", panel.text);
    for name in [&shown.account_id, &shown.email] {
        assert!(!customer.contains(name.as_str()));
    }
    people.goes(&format!("/api/v1/panel?issue={}-99999", issue.split('-').next().unwrap())).await.expect(404);

    // The lists know names, organizations and how many requests there are; all asked by name, none kept.
    let word = shown.display_name.split_whitespace().next().unwrap();
    let found = people.goes(&format!("/api/v1/customers?search={word}")).await.expect(200);
    assert!(
        found.body["items"].as_array().unwrap().iter().any(|one| one["accountId"] == customer.as_str()),
        "{}",
        found.text
    );
    let one = people.goes(&format!("/api/v1/customers/{customer}")).await.expect(200);
    assert!(one.body["counts"]["open"].is_u64(), "{}", one.text);

    an_administrator_sets_it_up_and_values_are_kept(world, &mut people, &csrf, site, &customer).await;

    // Access is asked for anew when it ends, and nobody who did not sign in is acted for.
    world.clock.advance(std::time::Duration::from_secs(3 * 3600));
    people.goes(&format!("/api/v1/panel?issue={issue}")).await.expect(200);
    let cloud = &world.program.host().cloud;
    let stranger = AccountId::new(customer.clone()).unwrap();
    let refusal = Jira::for_tenant(cloud, &cx, As::Person(stranger)).myself().await.err().unwrap();
    assert_eq!(refusal.code(), "refused");

    // From here on names are looked for in every byte that was written.
    let canaries = names(world);
    if world.config.data.database.is_none() {
        search_files(&canaries, &world.folder.path().join("data"));
    }
    webhooks_are_signed_and_taken_once(world, &joined, &cx, &customer).await;
    a_token_that_ended_reads_nothing(world, &cx).await;

    refused(&steward(world, &["remove", &url], "").await, "--yes is needed");
    done(&steward(world, &["remove", &url, "--yes"], "").await);
    people.goes("/api/v1/me").await.expect(404);
    world.program.runner.drain().await.unwrap();
    assert_eq!(tenants::state_of(&world.program.store, cx.tenant()).await.unwrap(), Some(tenants::State::Gone));
    for class in [KeyClass::Data, KeyClass::Credential, KeyClass::Index] {
        assert!(store::shelf::keys(&world.program.shelf, cx.tenant(), class).await.unwrap().is_empty());
    }
    let left = sweep::tenant_row_count(&world.program.store, cx.tenant()).await.unwrap();
    let left: Vec<_> =
        left.into_iter().filter(|(table, count)| *count > 0 && !["tenant", "ledger", "job"].contains(table)).collect();
    assert_eq!(left, []);
    canaries.search("the log", &log().0.lock().unwrap());
}

/// The id of whom a panel shows as the reporter.
fn reporter(panel: &Value) -> String {
    let people = panel["people"].as_array().unwrap();
    let one = people.iter().find(|one| one["roles"].as_array().is_some_and(|roles| roles.contains(&json!("reporter"))));
    one.unwrap()["accountId"].as_str().unwrap().to_owned()
}

async fn an_administrator_sets_it_up_and_values_are_kept(
    world: &World,
    agent: &mut Browser<'_>,
    csrf: &str,
    site: &str,
    customer: &str,
) {
    let mut admin = Browser::of(world, "admin");
    let admins = admin.signs_in(site).await;
    assert_eq!(admin.goes("/api/v1/me").await.expect(200).body["role"], "admin");
    let field = json!({"entity": "customer", "type": "text", "name": "Contract", "audience": "customerView"});
    let made = admin.asks(Method::POST, "/api/v1/fields", Some(&admins), Some(field.clone())).await.expect(201);
    agent.asks(Method::POST, "/api/v1/fields", Some(csrf), Some(field)).await.expect(403);
    let path = format!("/api/v1/customers/{customer}/values/{}", made.body["id"].as_str().unwrap());
    for (version, value) in [(0, "K-17"), (1, "K-18")] {
        agent.saw = Some(version_of(agent, customer, &made.body["id"], version).await);
        agent.asks(Method::PUT, &path, Some(csrf), Some(json!({"value": value}))).await.expect(200);
    }
    agent.saw = Some(0);
    agent.asks(Method::PUT, &path, Some(csrf), Some(json!({"value": "stale"}))).await.expect(412);
    let history = agent.goes(&format!("/api/v1/customers/{customer}/history")).await.expect(200);
    assert!(history.text.contains("K-17") && history.text.contains("K-18"), "{}", history.text);
}

/// The version of a value that stands, none being 0.
async fn version_of(agent: &mut Browser<'_>, customer: &str, field: &Value, none: i64) -> i64 {
    let standing = agent.goes(&format!("/api/v1/customers/{customer}/values")).await.expect(200);
    let values = standing.body["values"].as_array().unwrap();
    values.iter().find(|value| value["fieldId"] == *field).and_then(|value| value["version"].as_i64()).unwrap_or(none)
}

async fn webhooks_are_signed_and_taken_once(world: &World, joined: &Value, cx: &kernel::Cx, customer: &str) {
    let account = AccountId::new(customer).unwrap();
    let people = &world.program.host().people;
    let name = async || {
        let found = people.profiles(cx, std::slice::from_ref(&account)).await.unwrap();
        found.get(&account).map(|profile| profile.peek().name.clone())
    };
    assert_ne!(name().await.as_deref(), Some("Renamed Meanwhile"));
    let theirs = world.jira.visitor("customer").unwrap().account_id;
    let rename = |account: &mut sandbox::state::model::Account| account.display_name = "Renamed Meanwhile".to_owned();
    world.jira.state().edit_account(&Actor::default(), &theirs, rename).unwrap();
    world.jira.deliveries_settled().await;
    world.program.runner.drain().await.unwrap();
    assert_eq!(name().await.as_deref(), Some("Renamed Meanwhile"));

    // The address alone is not enough where Jira signs, nor any other address.
    let registered = world.jira.state().read().webhooks.values().next().unwrap().url.clone();
    let path = format!("/{}", registered.strip_prefix(world.config.server.origin.as_str()).unwrap());
    let key = world.jira.state().read().account(&theirs).unwrap().user_key.clone();
    let body = json!({"timestamp": 1, "webhookEvent": "user_updated", "user": {"key": key, "name": "n"}}).to_string();
    let secret = world.program.host().joining.hook_secret(cx).await.unwrap();
    let signature = {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
        format!("sha256={}", hex::encode(aws_lc_rs::hmac::sign(&key, body.as_bytes())))
    };
    let cut = path.rsplit_once('/').unwrap().0;
    let refusals = [
        tells(world, "/hooks/nothing/here", None, body.as_bytes()).await,
        tells(world, &path, None, body.as_bytes()).await,
        tells(world, &path, Some("sha256=00"), body.as_bytes()).await,
        tells(world, cut, Some(&signature), body.as_bytes()).await,
        tells(world, &format!("{cut}/{}", "A".repeat(43)), Some(&signature), body.as_bytes()).await,
        tells(
            world,
            &path.replace(joined["id"].as_str().unwrap(), &kernel::TenantId::fresh().to_string()),
            Some(&signature),
            body.as_bytes(),
        )
        .await,
    ];
    for refusal in &refusals {
        assert_eq!((refusal.status, &refusal.text), (404, &refusals[0].text), "the same to the byte");
    }
    let seen = async || {
        let rows = sweep::tenant_row_count(&world.program.store, cx.tenant()).await.unwrap();
        rows.iter().find(|(table, _)| *table == "host_invocation").map_or(0, |(_, count)| *count)
    };
    let before = seen().await;
    for _ in 0..3 {
        tells(world, &path, Some(&signature), body.as_bytes()).await.expect(204);
    }
    assert_eq!(seen().await, before + 1, "told again, it does nothing");
    world.program.runner.drain().await.unwrap();
}

/// Data Center answers a token that ended as nobody's, with what nobody may see: that is no empty directory.
async fn a_token_that_ended_reads_nothing(world: &World, cx: &kernel::Cx) {
    let url = world.jira.url();
    let kept = world.jira.visitor("admin").unwrap().api_token.unwrap();
    #[expect(clippy::disallowed_methods, reason = "an administrator at the stand-in Jira")]
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let tokens = format!("{}/rest/pat/latest/tokens", url.trim_end_matches('/'));
    let own: Value = client.get(&tokens).bearer_auth(&kept).send().await.unwrap().json().await.unwrap();
    let made = client.post(&tokens).bearer_auth(&kept).json(&json!({"name": "Another", "expirationDuration": 90}));
    let made: Value = made.send().await.unwrap().json().await.unwrap();
    let another = made["rawToken"].as_str().unwrap().to_owned();
    for one in own.as_array().unwrap() {
        let gone = client.delete(format!("{tokens}/{}", one["id"])).bearer_auth(&another).send().await.unwrap();
        assert_eq!(gone.status().as_u16(), 204);
    }
    let app = Jira::for_tenant(&world.program.host().cloud, cx, As::App);
    assert_eq!(app.service_projects(0).await.err().unwrap().code(), "jira_access_ended");
    let check = steward(world, &["check", "--json"], "").await;
    let checked: Value = serde_json::from_slice(&check.stdout).unwrap();
    assert_eq!(checked[0]["checks"][0]["found"], "lacks", "{checked}");
    let token = ["token", &url, "--token-file", "-"];
    refused(&steward(world, &token, "wrong").await, "Nothing was replaced");
    done(&steward(world, &token, &another).await);
    app.service_projects(0).await.unwrap();
}

/// Until Jira 9 nothing is signed: the address is the proof, and what it tells makes Steward ask Jira again, no more.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_one_tells_at_an_address_that_nobody_knows() {
    let world = World::data_center(Vec::new(), OLD).await;
    let joined = joins(&world).await;
    assert_eq!(joined["webhook"], true, "{joined}");
    let registered = world.jira.state().read().webhooks.values().next().unwrap().url.clone();
    assert_eq!(registered.rsplit('/').next().unwrap().len(), 43, "{registered}");
    let cx = world.reader().await;
    let theirs = world.jira.visitor("customer").unwrap();
    let jira = Jira::for_tenant(&world.program.host().cloud, &cx, As::App);
    let found = jira.user_search(&theirs.email).await.unwrap();
    let account = found[0].account_id.clone();
    let people = &world.program.host().people;
    let name = async || {
        let found = people.profiles(&cx, std::slice::from_ref(&account)).await.unwrap();
        found.get(&account).map(|profile| profile.peek().name.clone())
    };
    assert_eq!(name().await.as_deref(), Some(theirs.display_name.as_str()));
    let rename = |account: &mut sandbox::state::model::Account| account.display_name = "Renamed Meanwhile".to_owned();
    world.jira.state().edit_account(&Actor::default(), &theirs.account_id, rename).unwrap();
    world.jira.deliveries_settled().await;
    world.program.runner.drain().await.unwrap();
    assert_eq!(name().await.as_deref(), Some("Renamed Meanwhile"));
    done(&steward(&world, &["remove", &world.jira.url(), "--yes"], "").await);
    assert!(world.jira.state().read().webhooks.is_empty());
    world.jira.deliveries_settled().await;
    world.program.runner.drain().await.unwrap();
    world.end().await;
}

/// A wrong secret is told to the operator who typed it, and not to the first person who tries to sign in.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_asked_about_before_it_is_kept() {
    let world = World::data_center(Vec::new(), Version::default()).await;
    let url = world.jira.url();
    let token = world.folder.path().join("token");
    std::fs::write(&token, world.jira.visitor("admin").unwrap().api_token.unwrap()).unwrap();
    let (token, words) = (token.to_str().unwrap(), "client: Jira does not know this client id, or not by this secret");
    let adds = async |secret: &str| {
        let of_site = ["add", "--address", &url, "--token-file", token, "--json"];
        let of_client = ["--client", "steward-client", "--secret-file", "-"];
        steward(&world, &[of_site.as_slice(), of_client.as_slice()].concat(), secret).await
    };
    refused(&adds("another-secret").await, words);
    assert_eq!(done(&steward(&world, &["list", "--json"], "").await).trim(), "[]", "nothing was joined");
    let joined: Value = serde_json::from_str(&done(&adds("steward-secret").await)).unwrap();
    assert_eq!((&joined["joined"], &joined["signInProven"]), (&json!(true), &json!(true)), "{joined}");
    world.program.runner.drain().await.unwrap();

    // The one before stays in use where the next one is none.
    for (client, secret) in [("steward-client", "another-secret"), ("another-client", "steward-secret")] {
        let named = ["sign-in", &url, "--client", client, "--secret-file", "-"];
        refused(&steward(&world, &named, secret).await, words);
    }
    Browser::of(&world, "agent").signs_in(joined["id"].as_str().unwrap()).await;
    world.end().await;
}

/// Everything else works there.
#[tokio::test(flavor = "multi_thread")]
async fn one_without_a_provider_says_so() {
    let world = World::data_center(Vec::new(), OLDER).await;
    let joined = joins(&world).await;
    assert_eq!(joined["joined"], true, "{joined}");
    let url = world.jira.url();
    let named = ["sign-in", &url, "--client", "steward-client", "--secret-file", "-"];
    let said = steward(&world, &named, "steward-secret").await;
    refused(&said, "This Jira has no OAuth 2.0 provider, at which people would sign in: Jira has one since 8.22");
    let site = joined["id"].as_str().unwrap();
    let unset = Browser::of(&world, "agent").goes(&format!("/sign-in/{site}")).await.expect(401);
    assert!(unset.text.contains("steward site sign-in"), "{}", unset.text);
    world.end().await;
}

/// What an administrator makes from the lists is made in Jira in its own words.
#[tokio::test(flavor = "multi_thread")]
async fn customers_and_requests_are_made_from_the_lists() {
    let world = World::data_center(Vec::new(), Version::default()).await;
    let joined = joins(&world).await;
    signs_in_through(&world).await;
    let site = joined["id"].as_str().unwrap();
    let mut admin = Browser::of(&world, "admin");
    let csrf = admin.signs_in(site).await;
    let projects = admin.goes("/api/v1/projects").await.expect(200).body;
    let organizations = admin.goes("/api/v1/organizations?limit=1").await.expect(200).body;
    let organization = organizations["items"][0]["id"].as_str().unwrap();
    let wanted = json!({
        "email": "grace.hopper@navy.example", "displayName": "Grace Hopper",
        "projectIds": [projects["items"][0]["id"]], "organizationIds": [organization],
    });
    let made = admin.asks(Method::POST, "/api/v1/customers", Some(&csrf), Some(wanted.clone())).await.expect(201);
    assert_eq!(made.body["refused"], json!([]), "{}", made.text);
    let account = made.body["customer"]["accountId"].as_str().unwrap();
    assert!(account.starts_with("dc-"), "{account}");
    let members = admin.goes(&format!("/api/v1/organizations/{organization}")).await.expect(200);
    assert!(members.text.contains(account), "{}", members.text);
    let again = admin.asks(Method::POST, "/api/v1/customers", Some(&csrf), Some(wanted)).await.expect(409);
    assert_eq!(again.body["code"], "email_in_use", "{}", again.text);
    // Whoever may not, may not here: the token of the site is not theirs.
    let mut agent = Browser::of(&world, "agent");
    let agents = agent.signs_in(site).await;
    let other = json!({"email": "ada@engine.example", "displayName": "Ada"});
    agent.asks(Method::POST, "/api/v1/customers", Some(&agents), Some(other)).await.expect(403);
    world.program.runner.drain().await.unwrap();
    world.end().await;
}

/// What people sign in with is often an address: it is kept for a week, and asked for again by who they are.
#[tokio::test(flavor = "multi_thread")]
async fn names_to_sign_in_with_end_within_a_week() {
    let mut world = World::data_center(Vec::new(), Version::default()).await;
    joins(&world).await;
    let cx = world.reader().await;
    let kept = async |world: &World| {
        let rows = sweep::tenant_row_count(&world.program.store, cx.tenant()).await.unwrap();
        let count = |table: &str| rows.iter().find(|(name, _)| *name == table).map_or(0, |(_, count)| *count);
        (count("host_user"), count("host_user_name"))
    };
    let (keys, names) = kept(&world).await;
    assert!(keys > 10 && names == keys, "{keys} {names}");

    // Another process, with nothing in its memory, eight days later: the old name is used no more.
    let theirs = world.jira.visitor("customer").unwrap();
    let found = world.program.host().cloud.clone();
    let account =
        Jira::for_tenant(&found, &cx, As::App).user_search(&theirs.email).await.unwrap()[0].account_id.clone();
    let counts = async |world: &World| {
        let whose = host::jql::Whose::Customer(&account);
        world.program.host().request_counts(&cx, As::App, whose).await.unwrap()
    };
    let before = counts(&world).await;
    assert!(before.open + before.closed > 0, "{before:?}");
    let renamed = |account: &mut sandbox::state::model::Account| account.username = "another.name".to_owned();
    world.jira.state().edit_account(&Actor::default(), &theirs.account_id, renamed).unwrap();
    world.clock.advance(std::time::Duration::from_secs(8 * 24 * 3600));
    let config = world.config.clone();
    world.goes_on(config, Vec::new()).await;
    let after = counts(&world).await;
    assert_eq!((after.open, after.closed), (before.open, before.closed));
    assert!(after.open_url.unwrap().query().unwrap().contains("another.name"), "asked for by the name of now");

    // The sweep takes what nobody used for so long; the directory, which is read meanwhile, brings back who is there.
    world.jira.deliveries_settled().await;
    world.program.runner.drain().await.unwrap();
    let old = "SELECT COUNT(*) AS n FROM host_user_name WHERE tenant = $1 AND fetched_at < $2";
    let week_ago = kernel::Clock::now(&*world.clock) - jiff::SignedDuration::from_hours(7 * 24);
    let mut scoped = world.program.store.read(&cx).await.unwrap();
    let left = scoped.row(old, store::args![week_ago]).await.unwrap().unwrap().int("n").unwrap();
    drop(scoped);
    assert_eq!(left, 0);
    assert!(kept(&world).await.0 >= keys);
    world.end().await;
}
