//! Customers who come with a token that their own site signed: who gets in and who does not, what they then may, what ends it; on a Cloud site and a Data
//! Center that an operator joined, on both databases.

pub(crate) mod planted;
mod refusals;
mod signing;
mod visitor;

use std::time::Duration;

use axum::http::Method;
use sandbox::Version;
use sandbox::events::Actor;
use sandbox::state::FieldValue;
use sandbox::state::model::Account;
use serde_json::{Value, json};
use store::ledger;

use crate::databases::Database;
use crate::leaks::{Canaries, log, search_files};
use crate::site::{Browser, joins, signs_in_through};
use crate::world::{World, open};
pub(crate) use visitor::{SignKey, Visitor};

/// A site that was joined by a token, and its administrator on our pages.
struct Joined<'w> {
    world: &'w World,
    admin: Browser<'w>,
    csrf: String,
}

impl<'w> Joined<'w> {
    async fn of(world: &'w World) -> Self {
        let joined = joins(world).await;
        signs_in_through(world).await;
        let mut admin = Browser::of(world, "admin");
        let csrf = admin.signs_in(joined["id"].as_str().unwrap()).await;
        Self { world, admin, csrf }
    }

    async fn asks(&mut self, method: Method, path: &str, body: Option<Value>) -> crate::world::Answer {
        self.admin.asks(method, path, Some(&self.csrf.clone()), body).await
    }

    async fn key(&mut self, name: &str) -> SignKey {
        let made = self.asks(Method::POST, "/api/v1/customer-keys", Some(json!({"name": name}))).await.expect(201);
        let listed = self.admin.goes("/api/v1/customer-keys").await.expect(200);
        assert!(!listed.text.contains(made.body["secret"].as_str().unwrap()), "{}", listed.text);
        SignKey::of(self.world, &made.body, &listed.body)
    }

    /// Why the newest token of this key was refused.
    async fn reason(&mut self, key: &SignKey) -> Value {
        let listed = self.admin.goes("/api/v1/customer-keys").await.expect(200).body;
        let all = listed["items"].as_array().unwrap();
        all.iter().find(|one| one["id"] == key.id.as_str()).unwrap()["lastRefusal"]["reason"].clone()
    }

    /// What Jira says of people is kept for a minute of real time; this forgets it.
    async fn forget(&self, account: &str) {
        let account = kernel::AccountId::new(account).unwrap();
        let tenant = self.world.tenant().await;
        self.world.program.host().callers.forget(tenant, &account).await;
        self.world.program.host().customers.forget(tenant, &account).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_site_on_sqlite() {
    log();
    let world = World::unjoined(Vec::new()).await;
    Box::pin(a_day(&world)).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_site_on_postgres() {
    log();
    let (Some(main), Some(shelf)) = (Database::postgres().await, Database::postgres().await) else { return };
    let world = World::unjoined(vec![main, shelf]).await;
    Box::pin(a_day(&world)).await;
    Box::pin(two_nodes(&world)).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_center_on_sqlite() {
    log();
    let world = World::data_center(Vec::new(), Version::default()).await;
    Box::pin(a_day(&world)).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_center_on_postgres() {
    log();
    let (Some(main), Some(shelf)) = (Database::postgres().await, Database::postgres().await) else { return };
    let world = World::data_center(vec![main, shelf], Version::new(9, 12)).await;
    Box::pin(a_day(&world)).await;
    Box::pin(two_nodes(&world)).await;
    world.end().await;
}

fn edit(world: &World, account: &str, change: impl FnOnce(&mut Account)) {
    world.jira.state().edit_account(&Actor::default(), account, change).unwrap();
}

async fn a_day(world: &World) {
    let mut joined = Joined::of(world).await;
    let customer = world.jira.visitor("customer").unwrap();
    only_administrators_keep_keys(&mut joined).await;
    let key = joined.key("Shop").await;

    // Somebody comes, and is who they are.
    let mut ana = Visitor::of(world);
    let token = key.token(&customer.email);
    let welcome = ana.posts(&key, &token, Some("/portal/#/profile")).await.expect(200);
    assert!(welcome.text.contains("http-equiv=\"refresh\"") && welcome.text.contains("profile"), "{}", welcome.text);
    let set = welcome.headers["set-cookie"].to_str().unwrap();
    assert!(
        set.starts_with("steward-portal=stwp_") && set.contains("HttpOnly") && set.contains("SameSite=Strict"),
        "{set}"
    );
    // Once.
    let refused = Visitor::of(world).posts(&key, &token, None).await.expect(401);
    assert_eq!(joined.reason(&key).await, "replayed");
    let me = ana.gets("/api/v1/me").await.expect(200).body;
    assert_eq!((&me["role"], &me["permissions"]), (&json!("customer"), &json!([])), "{me}");
    assert_eq!(me["displayName"], customer.display_name.as_str(), "{me}");
    ana.account = me["accountId"].as_str().unwrap().to_owned();
    a_session_is_its_pages_alone(&mut ana).await;
    a_profile_is_ones_own(&mut joined, &mut ana).await;
    requests_are_ones_own(&joined, &mut ana, &customer.account_id).await;

    refusals::everybody_else_reads_the_same(&mut joined, &key, &customer.email, &refused.text).await;
    sessions_end(&mut joined, &key, &customer.email, &customer.account_id).await;

    // What was said is nowhere.
    let mut canaries = vec![key.secret.clone(), token.clone(), ana.cookie_value(), customer.email.clone()];
    canaries.push(token.rsplit('.').next().unwrap().to_owned());
    let canaries = Canaries(canaries);
    if world.config.data.database.is_none() {
        search_files(&canaries, &world.folder.path().join("data"));
    }
    canaries.search("the log", &log().0.lock().unwrap());
    world.program.runner.drain().await.unwrap();
}

async fn only_administrators_keep_keys(joined: &mut Joined<'_>) {
    let world = joined.world;
    let site = world.tenant().await.to_string();
    let mut agent = Browser::of(world, "agent");
    let csrf = agent.signs_in(&site).await;
    agent.goes("/api/v1/customer-keys").await.expect(403);
    let wanted = json!({"name": "Shop"});
    agent.asks(Method::POST, "/api/v1/customer-keys", Some(&csrf), Some(wanted.clone())).await.expect(403);
    let empty = joined.admin.goes("/api/v1/customer-keys").await.expect(200).body;
    assert_eq!(empty["items"], json!([]));
    assert_eq!(empty["signInUrl"], format!("{}portal/{site}/sign-in", world.config.server.origin));
    let made = joined.asks(Method::POST, "/api/v1/customer-keys", Some(wanted)).await.expect(201).body;
    assert_eq!(
        (&made["algorithm"], &made["lastUsedOn"], &made["lastRefusal"]),
        (&json!("HS256"), &Value::Null, &Value::Null)
    );
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("stwk_") && secret.len() > 70, "{secret}");
    let path = format!("/api/v1/customer-keys/{}", made["id"].as_str().unwrap());
    agent.asks(Method::DELETE, &path, Some(&csrf), None).await.expect(403);
    joined.asks(Method::DELETE, &path, None).await.expect(204);
    joined.asks(Method::DELETE, &path, None).await.expect(404);
    for (body, pointer) in [
        (json!({"name": ""}), "/name"),
        (json!({"name": "x", "expiresInDays": 366}), "/expiresInDays"),
        (
            json!({"name": "x", "publicKey": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"}),
            "/publicKey",
        ),
        (json!({"name": "x", "publicKey": "nothing"}), "/publicKey"),
    ] {
        let wrong = joined.asks(Method::POST, "/api/v1/customer-keys", Some(body)).await.expect(422);
        assert_eq!(wrong.body["errors"][0]["pointer"], pointer, "{}", wrong.text);
    }
    let cx = world.reader().await;
    let entries = ledger::list(&mut world.program.store.read(&cx).await.unwrap(), 0, 1000).await.unwrap();
    let of = |kind: &str| entries.iter().filter(|entry| entry.kind == kind).collect::<Vec<_>>();
    let (made_entries, deleted) = (of("web.customer_key_made"), of("web.customer_key_deleted"));
    assert_eq!((made_entries.len(), deleted.len()), (1, 1));
    assert!(made_entries[0].actor.is_some() && made_entries[0].actor == deleted[0].actor);
    assert_eq!(made_entries[0].object.as_deref(), Some(format!("{} HS256", made["id"].as_str().unwrap()).as_str()));
}

/// The cookie counts on the portal's pages and nowhere else, and starts nothing.
async fn a_session_is_its_pages_alone(ana: &mut Visitor<'_>) {
    ana.says_so = false;
    ana.gets("/api/v1/me").await.expect(401);
    ana.gets("/api/v1/session").await.expect(401);
    ana.says_so = true;
    let csrf = ana.gets("/api/v1/session").await.expect(200).body["csrf"].as_str().unwrap().to_owned();
    ana.asks(Method::POST, "/api/v1/session/bearer", None).await.expect(403);
    ana.csrf = Some("wrong".to_owned());
    ana.asks(Method::DELETE, "/api/v1/session", None).await.expect(403);
    ana.csrf = Some(csrf);
    ana.asks(Method::POST, "/api/v1/session/bearer", None).await.expect(403);
    ana.asks(Method::POST, "/api/v1/session/tickets", None).await.expect(403);
    let page = ana.gets("/portal/").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.ends_with("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
}

async fn a_profile_is_ones_own(joined: &mut Joined<'_>, ana: &mut Visitor<'_>) {
    let mut fields = Vec::new();
    for (name, audience) in [("Nickname", "customerEdit"), ("Tier", "customerView"), ("Risk", "agents")] {
        let field = json!({"entity": "customer", "type": "text", "name": name, "audience": audience});
        let made = joined.asks(Method::POST, "/api/v1/fields", Some(field)).await.expect(201).body;
        fields.push(made["id"].as_str().unwrap().to_owned());
    }
    let listed = ana.gets("/api/v1/fields?entity=customer").await.expect(200);
    assert!(listed.text.contains("Nickname") && !listed.text.contains("Risk"), "{}", listed.text);
    let path = |field: &str| format!("/api/v1/customers/{}/values/{field}", ana.account);
    let paths: Vec<String> = fields.iter().map(|field| path(field)).collect();
    for (path, status) in paths.iter().zip([200, 422, 404]) {
        ana.saw = Some(0);
        ana.asks(Method::PUT, path, Some(json!({"value": "Annie"}))).await.expect(status);
    }
    let seen = joined.admin.goes(&format!("/api/v1/customers/{}/values", ana.account)).await.expect(200);
    assert!(seen.text.contains("Annie"), "{}", seen.text);
    let own = ana.gets(&format!("/api/v1/customers/{}", ana.account)).await.expect(200).body;
    assert!(own["organizations"].is_array(), "{own}");
    ana.gets(&format!("/api/v1/customers/{}/entitlements", ana.account)).await.expect(200);
    let portal = ana.gets("/api/v1/portal").await.expect(200).body;
    assert_eq!(portal["siteName"], joined.world.jira.state().site_name(), "{portal}");
    assert!(portal["jiraPortalUrl"].as_str().unwrap().ends_with("/servicedesk/customer/portals"), "{portal}");
}

/// Keys of what the portal shows, all pages.
async fn shown(ana: &mut Visitor<'_>) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = ana.gets(&format!("/api/v1/me/requests{cursor}")).await.expect(200).body;
        all.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["nextCursor"].as_str() else { return all };
        cursor = format!("?cursor={}", url::form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>());
    }
}

async fn requests_are_ones_own(joined: &Joined<'_>, ana: &mut Visitor<'_>, account: &str) {
    let world = joined.world;
    let state = world.jira.state();
    let own = || {
        let store = state.read();
        let mut own: Vec<(jiff::Timestamp, u64, String)> = store
            .issues
            .values()
            .filter(|issue| issue.request_type_id.is_some())
            .filter(|issue| {
                issue.reporter.as_deref() == Some(account) || issue.participants.iter().any(|one| one == account)
            })
            .map(|issue| (issue.updated_at, issue.id, issue.key.clone()))
            .collect();
        own.sort();
        own.into_iter().rev().map(|(_, id, key)| (id, key)).collect::<Vec<_>>()
    };
    let expected = own();
    assert!(!expected.is_empty());
    let found = shown(ana).await;
    let mut keys: Vec<&str> = found.iter().map(|one| one["key"].as_str().unwrap()).collect();
    let mut wanted: Vec<&str> = expected.iter().map(|(_, key)| key.as_str()).collect();
    keys.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(keys, wanted);
    let one = &found[0];
    assert!(
        one["url"].as_str().unwrap().starts_with(&format!("{}/servicedesk/customer/portal/", world.jira.url())),
        "{one}"
    );
    assert!(
        one["createdAt"].is_string() && one["updatedAt"].is_string() && !one["status"].as_str().unwrap().is_empty(),
        "{one}"
    );

    // Handed to somebody else, and no request any more: at once, whatever the search's index still says.
    let nobody = Actor::default();
    let other = state.create_customer(&nobody, "bo@shop.example", "Bo Other").unwrap().account_id;
    let (given, key) = expected[0].clone();
    state
        .edit_issue(
            &nobody,
            given,
            vec![FieldValue::Reporter(Some(other.clone())), FieldValue::Participants(Vec::new())],
        )
        .unwrap();
    assert!(shown(ana).await.iter().all(|one| one["key"] != key.as_str()));
    state.edit_issue(&nobody, given, vec![FieldValue::Participants(vec![account.to_owned()])]).unwrap();
    world.clock.advance(Duration::from_secs(120));
    let shared = shown(ana).await;
    let shared = shared.iter().find(|one| one["key"] == key.as_str()).expect("a participant sees it");
    assert_eq!(shared["part"], "participant");
    state
        .edit_issue(&nobody, given, vec![FieldValue::Reporter(Some(account.to_owned())), FieldValue::RequestType(None)])
        .unwrap();
    world.clock.advance(Duration::from_secs(120));
    assert!(shown(ana).await.iter().all(|one| one["key"] != key.as_str()), "an issue that no portal shows");
    for cursor in ["x", "-1", "%22", "999999999999999999999"] {
        ana.gets(&format!("/api/v1/me/requests?cursor={cursor}")).await.expect(422);
    }
}

async fn sessions_end(joined: &mut Joined<'_>, key: &SignKey, email: &str, account: &str) {
    let world = joined.world;
    let comes = async |key: &SignKey| {
        let mut visitor = Visitor::of(world);
        visitor.posts(key, &key.token(email), None).await.expect(200);
        visitor.csrf =
            Some(visitor.gets("/api/v1/session").await.expect(200).body["csrf"].as_str().unwrap().to_owned());
        visitor
    };
    // By signing out, and no other session with it.
    let (mut one, mut two) = (comes(key).await, comes(key).await);
    one.account = two.gets("/api/v1/me").await.expect(200).body["accountId"].as_str().unwrap().to_owned();
    let out = one.asks(Method::DELETE, "/api/v1/session", None).await.expect(204);
    assert!(out.headers["set-cookie"].to_str().unwrap().starts_with("steward-portal=;"));
    one.gets("/api/v1/me").await.expect(401);
    two.gets("/api/v1/me").await.expect(200);
    // With its key, and not with another one.
    let other = joined.key("Second site").await;
    let mut three = comes(&other).await;
    joined.asks(Method::DELETE, &format!("/api/v1/customer-keys/{}", other.id), None).await.expect(204);
    three.gets("/api/v1/me").await.expect(401);
    two.gets("/api/v1/me").await.expect(200);
    let mut late = Visitor::of(world);
    late.posts(&other, &other.token(email), None).await.expect(401);
    // When the account is closed; for good.
    joined.forget(&one.account).await;
    edit(world, account, |account| account.active = false);
    two.gets("/api/v1/me").await.expect(401);
    edit(world, account, |account| account.active = true);
    joined.forget(&one.account).await;
    two.gets("/api/v1/me").await.expect(401);
    let mut four = comes(key).await;
    // After its hours.
    four.gets("/api/v1/me").await.expect(200);
    world.clock.advance(Duration::from_secs(8 * 3600));
    four.gets("/api/v1/me").await.expect(401);
}

/// The same token at two nodes at once opens one session.
async fn two_nodes(world: &World) {
    let mut admin = Browser::of(world, "admin");
    let csrf = admin.signs_in(&world.tenant().await.to_string()).await;
    let made = admin.asks(Method::POST, "/api/v1/customer-keys", Some(&csrf), Some(json!({"name": "Two"}))).await;
    let key = SignKey::of(world, &made.expect(201).body, &admin.goes("/api/v1/customer-keys").await.body);
    let email = world.jira.visitor("customer").unwrap().email;
    let second = open(&world.config, &world.clock).await;
    for _ in 0..4 {
        let token = key.token(&email);
        let (mut here, mut there) = (Visitor::of(world), Visitor::of(world));
        let (one, other) = tokio::join!(here.posts(&key, &token, None), there.posts_to(&second, &key, &token));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401]);
    }
    second.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_hurries_waits() {
    let world = World::unjoined(Vec::new()).await;
    let mut joined = Joined::of(&world).await;
    let key = joined.key("Shop").await;
    let email = world.jira.visitor("customer").unwrap().email;
    let mut ana = Visitor::of(&world);
    for _ in 0..10 {
        ana.posts(&key, &key.token(&email), None).await.expect(200);
    }
    let waits = ana.posts(&key, &key.token(&email), None).await.expect(429);
    assert_eq!(waits.headers["retry-after"], "6");
    // Another person of the same site does not.
    ana.posts(&key, &key.token("bo@shop.example"), None).await.expect(401);
    ana.from = "203.0.113.7:1".parse().unwrap();
    for _ in 0..60 {
        ana.posts(&key, "a.b.c", None).await.expect(401);
    }
    ana.posts(&key, "a.b.c", None).await.expect(429);
    ana.from = "203.0.113.8:1".parse().unwrap();
    ana.posts(&key, "a.b.c", None).await.expect(401);
    // What a proxy would say is believed of a declared one alone.
    ana.from = "203.0.113.7:2".parse().unwrap();
    ana.forwarded = Some("198.51.100.9".to_owned());
    ana.posts(&key, "a.b.c", None).await.expect(429);
    // A household's share of the sixth version's addresses is one.
    ana.forwarded = None;
    for last in 0..60 {
        ana.from = format!("[2001:db8:1:2::{last:x}]:1").parse().unwrap();
        ana.posts(&key, "a.b.c", None).await.expect(401);
    }
    ana.posts(&key, "a.b.c", None).await.expect(429);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_of_ones_own_and_an_end() {
    let world = World::unjoined(Vec::new()).await;
    let mut joined = Joined::of(&world).await;
    let email = world.jira.visitor("customer").unwrap().email;
    let pair = signing::ec_pair();
    let wanted = json!({"name": "Pair", "publicKey": pair.jwk, "expiresInDays": 1});
    let made = joined.asks(Method::POST, "/api/v1/customer-keys", Some(wanted.clone())).await.expect(201).body;
    assert_eq!((&made["algorithm"], &made["kid"], &made["secret"]), (&json!("ES256"), &json!("site-1"), &Value::Null));
    let twice = joined.asks(Method::POST, "/api/v1/customer-keys", Some(wanted)).await.expect(422);
    assert_eq!(twice.body["errors"][0]["code"], "not_unique");
    let listed = joined.admin.goes("/api/v1/customer-keys").await.expect(200).body;
    let key = SignKey { pair: Some(pair.signs), ..SignKey::of(&world, &made, &listed) };
    let mut ana = Visitor::of(&world);
    ana.posts(&key, &key.token(&email), None).await.expect(200);
    world.clock.advance(Duration::from_secs(24 * 3600));
    world.program.runner.drain().await.unwrap();
    ana.posts(&key, &key.token(&email), None).await.expect(401);
    joined.admin = Browser::of(&world, "admin");
    joined.csrf = joined.admin.signs_in(&world.tenant().await.to_string()).await;
    assert_eq!(joined.reason(&key).await, "key_expired");
    for n in 0..19 {
        let name = json!({"name": format!("Key {n}")});
        joined.asks(Method::POST, "/api/v1/customer-keys", Some(name)).await.expect(201);
    }
    let full = joined.asks(Method::POST, "/api/v1/customer-keys", Some(json!({"name": "One more"}))).await.expect(422);
    assert_eq!(full.body["errors"][0]["code"], "too_many");
    world.end().await;
}

/// A Forge app is not told most people's addresses: nobody is found by one that it is not told.
#[tokio::test(flavor = "multi_thread")]
async fn where_addresses_are_withheld_nobody_comes_in() {
    let world = World::start().await;
    let key = SignKey::made_in(&world).await;
    let customer = world.jira.visitor("customer").unwrap();
    edit(&world, &customer.account_id, |account| account.email_visible = false);
    let mut ana = Visitor::of(&world);
    ana.posts(&key, &key.token(&customer.email), None).await.expect(401);
    let listed = world.admin().get("/api/v1/customer-keys").await.expect(200).body;
    assert_eq!(listed["items"][0]["lastRefusal"]["reason"], "address_withheld");
    edit(&world, &customer.account_id, |account| account.email_visible = true);
    ana.posts(&key, &key.token(&customer.email), None).await.expect(200);
    assert_eq!(ana.gets("/api/v1/me").await.expect(200).body["role"], "customer");
    // It goes with the site.
    world.jira.forge().uninstall(&steward::demo::app_id().unwrap()).await.unwrap();
    ana.gets("/api/v1/me").await.expect(401);
    ana.posts(&key, &key.token(&customer.email), None).await.expect(401);
    world.program.runner.drain().await.unwrap();
    world.end().await;
}
