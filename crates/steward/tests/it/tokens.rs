//! API tokens: who makes them, what they open, when they stop, how fast they may be used.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use crate::walls;
use crate::world::{Script, World};

/// What an operation's security says of tokens: alternatives, of each the scopes that are needed together. None where it is closed to
/// them, an empty one where any token will do.
fn scopes_of(operation: &Value) -> Vec<Vec<String>> {
    let named =
        |scopes: &Value| scopes.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect();
    let alternatives = operation["security"].as_array().into_iter().flatten();
    alternatives.filter_map(|alternative| alternative.get("token")).map(named).collect()
}

const SCOPES: [&str; 7] = [
    "customers:read",
    "customers:write",
    "organizations:read",
    "organizations:write",
    "fields:read",
    "fields:write",
    "imports:write",
];

/// Each operation, with the scopes that open it to tokens.
fn operations(world: &World) -> Vec<(Method, String, Vec<Vec<String>>)> {
    let description: Value = serde_json::from_str(&world.program.openapi.to_json().unwrap()).unwrap();
    let mut found = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "patch", "delete"] {
            if let Some(operation) = item.get(method) {
                found.push((method.to_uppercase().parse().unwrap(), path.clone(), scopes_of(operation)));
            }
        }
    }
    found
}

/// A path with ids of things that are not there: whoever is let in is told 404 or 422, and never 403.
fn filled(path: &str) -> String {
    const ID: &str = "01900000-0000-7000-8000-000000000000";
    let path = path
        .replace("{accountId}", "712020:nobody")
        .replace("{otherId}", "712020:nobody-else")
        .replace("{organizationId}", "999999")
        .replace("{projectId}", "999999")
        .replace("{requestTypeId}", "999999")
        .replace("{changeId}", "1")
        .replace("{id}", ID)
        .replace("{fieldId}", ID)
        .replace("{tokenId}", ID)
        .replace("{keyId}", ID)
        .replace("{webhookId}", ID)
        .replace("{sequence}", "1")
        .replace("{typeChangeId}", ID)
        .replace("{importId}", ID)
        .replace("{bulkActionId}", ID)
        .replace("{viewId}", ID)
        .replace("{productId}", ID)
        .replace("{mergeId}", ID)
        .replace("{part}", "0");
    assert!(!path.contains('{'), "nothing is known that could stand in {path}");
    path
}

async fn attempt(script: &Script<'_>, method: &Method, path: &str) -> crate::world::Answer {
    let body = (*method != Method::GET && *method != Method::DELETE).then(|| json!({}));
    script.ask(method.clone(), &filled(path), &[("if-match", "\"v1\"")], body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_what_its_scope_says_and_nothing_else() {
    let world = World::start().await;
    let mut scripts = Vec::new();
    for scope in SCOPES {
        scripts.push((scope, world.script(scope, &[scope]).await));
    }
    let (mut open, mut closed) = (0, 0);
    for (method, path, needed) in operations(&world) {
        for (scope, script) in &scripts {
            let name = format!("{scope}: {method} {path}");
            // Writing brings reading of the same with it.
            let has = |needed: &String| needed == scope || *needed == scope.replace(":write", ":read");
            let lets_in = needed.iter().any(|all| all.iter().all(has));
            let answer = attempt(script, &method, &path).await;
            if lets_in {
                open += 1;
                assert!(![401, 403].contains(&answer.status) && answer.status < 500, "{name}: {}", answer.text);
            } else {
                closed += 1;
                let expected = if path == "/api/v1/session" && method == Method::POST { 422 } else { 403 };
                assert_eq!(answer.status, expected, "{name}: {}", answer.text);
            }
        }
    }
    assert!(open >= 30 && closed >= 150, "{open} {closed}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_opens_nothing() {
    let mut world = World::start().await;
    let second = crate::world::site(&world.clock, "22222222-2222-4222-8222-222222222222", Some(&world.jira)).await;
    world.admit(&second).await;
    world.join(&second).await;
    let all = SCOPES.as_slice();
    let revoked = world.script("Revoked", all).await;
    revoked.get("/api/v1/tokens/current").await.expect(200);
    let path = format!("/api/v1/tokens/{}", revoked.id);
    world.admin().ask(Method::DELETE, &path, None, None).await.expect(204);
    world.admin().ask(Method::DELETE, &path, None, None).await.expect(404);
    let short = json!({"name": "Short", "scopes": all, "expiresInDays": 1});
    let made = world.admin().post("/api/v1/tokens", short).await.expect(201).body;
    let expired = Script {
        world: &world,
        id: made["id"].as_str().unwrap().to_owned(),
        secret: made["secret"].as_str().unwrap().to_owned(),
    };
    expired.get("/api/v1/tokens/current").await.expect(200);
    let foreign = {
        let stranger = crate::world::Actor {
            world: &world,
            jira: &second,
            who: "admin".to_owned(),
            module: "settings-page".to_owned(),
            issue: None,
        };
        let wanted = json!({"name": "Of another tenant", "scopes": all});
        let made = stranger.post("/api/v1/tokens", wanted).await.expect(201).body;
        // The same secret under this tenant's name is no token at all: its checksum is wrong, and so is its hash.
        let own = world.tenant().await.0.simple().to_string();
        let secret = made["secret"].as_str().unwrap().to_owned();
        let theirs = secret.split('_').nth(1).unwrap().to_owned();
        Script { world: &world, id: String::new(), secret: secret.replace(&theirs, &own) }
    };
    let made_up = Script { world: &world, id: String::new(), secret: format!("stwa_{}", "0".repeat(80)) };
    world.clock.advance(Duration::from_secs(24 * 3600));
    world.program.runner.drain().await.unwrap();
    for (method, path, _) in operations(&world) {
        if (&method, path.as_str()) == (&Method::POST, "/api/v1/session") {
            continue;
        }
        for (script, code) in [
            (&revoked, "token_unknown"),
            (&expired, "token_expired"),
            (&foreign, "token_unknown"),
            (&made_up, "token_unknown"),
        ] {
            let answer = attempt(script, &method, &path).await;
            assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text);
            assert_eq!(answer.body["code"], code, "{method} {path}");
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
        }
    }
    let listed = world.admin().get("/api/v1/tokens").await.expect(200).body;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "the expired one is listed until it is revoked");
    second.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_tenant_sees_nothing_of_this_one() {
    let mut world = World::start().await;
    let things = Box::pin(walls::things(&world)).await;
    let second = crate::world::site(&world.clock, "22222222-2222-4222-8222-222222222222", Some(&world.jira)).await;
    world.admit(&second).await;
    world.join(&second).await;
    let stranger = crate::world::Actor {
        world: &world,
        jira: &second,
        who: "admin".to_owned(),
        module: "settings-page".to_owned(),
        issue: None,
    };
    let wanted = json!({"name": "Of another tenant", "scopes": SCOPES});
    let made = stranger.post("/api/v1/tokens", wanted).await.expect(201).body;
    let script = Script { world: &world, id: String::new(), secret: made["secret"].as_str().unwrap().to_owned() };
    let mut tried = 0;
    for (method, path, needed) in operations(&world) {
        let (name, sent) = (format!("{method} {path}"), walls::body(&method, &path, &things));
        let etag = [("if-match", "\"v1\"")];
        let answer = script.ask(method, &walls::filled(&path, &things), &etag, sent).await;
        assert!(!answer.text.contains("anary"), "{name}: {}", answer.text);
        assert_ne!(answer.status, 500, "{name}: {}", answer.text);
        if walls::OF_ONE_TENANT.iter().any(|place| path.contains(place)) {
            // What the token opens is asked for these very ids, and has none of them.
            let expected = if needed.is_empty() { 403 } else { 404 };
            assert_eq!(answer.status, expected, "{name}: {}", answer.text);
            tried += usize::from(!needed.is_empty());
        }
    }
    assert!(tried > 30, "{tried}");
    let path = format!("/api/v1/customers/{}/values", things.account);
    let here = world.agent().get(&path).await.expect(200).body;
    assert_eq!(here["values"][0]["value"], "canary value of the first tenant", "nothing was changed either");
    second.shutdown().await;
    world.program.runner.drain().await.unwrap();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_departed_tenants_token_opens_nothing() {
    let world = World::start().await;
    let script = world.script("Nightly", &["customers:read"]).await;
    script.get("/api/v1/customers").await.expect(200);
    world.jira.forge().uninstall(&steward::demo::app_id().unwrap()).await.unwrap();
    assert_eq!(script.get("/api/v1/customers").await.expect(401).body["code"], "tenant_gone");
    world.program.runner.drain().await.unwrap();
    assert_eq!(script.get("/api/v1/customers").await.expect(401).body["code"], "tenant_gone");
    world.end().await;
}

on_both!(
    history_names_the_token,
    a_script_reads_what_it_needs_for_what_it_may,
    only_administrators_make_tokens_and_the_secret_is_told_once,
    a_use_is_noted_by_its_day,
    a_script_is_paced_and_nobody_else,
);

async fn history_names_the_token(world: &World) {
    let field = world.admin().defines_text("Plan", "customerView").await;
    let customer = world.customer();
    let owner = customer.account();
    let script = world.script("Nightly import", &["customers:write"]).await;
    let values = format!("/api/v1/customers/{owner}/values");
    let written = script.patch(&values, "\"v0\"", json!({"values": {&field: "Gold"}})).await.expect(200);
    let by = &written.body["values"][0]["updatedBy"];
    assert_eq!(by["displayName"], "Nightly import");
    assert_eq!(by["tokenId"], script.id);
    assert_eq!(by["accountId"], Value::Null);
    script.get("/api/v1/organizations").await.expect(403);
    script.get("/api/v1/fields").await.expect(403);
    // The name outlives the token.
    world.admin().ask(Method::DELETE, &format!("/api/v1/tokens/{}", script.id), None, None).await.expect(204);
    let history = world.agent().get(&format!("/api/v1/customers/{owner}/history")).await.expect(200).body;
    assert_eq!(history["items"][0]["by"]["displayName"], "Nightly import");
    // What administrators call their scripts is not told to customers.
    let own = customer.get(&format!("/api/v1/customers/{owner}/history")).await.expect(200).body;
    assert_eq!(own["items"][0]["by"]["tokenId"], script.id);
    assert_eq!(own["items"][0]["by"]["displayName"], Value::Null);
    // The ledger has one actor more, and a person's change has another.
    world.agent().writes(&owner, &field, json!("Silver")).await.expect(200);
    let cx = world.reader().await;
    let entries = store::ledger::list(&mut world.program.store.read(&cx).await.unwrap(), 0, 1000).await.unwrap();
    let of = |kind: &str| entries.iter().filter(|entry| entry.kind == kind).collect::<Vec<_>>();
    let set = of("customers.value_set");
    assert!(set[0].actor.is_some() && set[0].actor != set[1].actor);
    assert_eq!((of("web.token_made").len(), of("web.token_revoked").len()), (1, 1));
    assert_eq!(of("web.token_made")[0].object.as_deref(), Some(format!("{} customers:write", script.id).as_str()));
    assert_eq!(store::ledger::first_break(&entries), None);
}

async fn a_script_reads_what_it_needs_for_what_it_may(world: &World) {
    let customers = world.script("Customers", &["customers:write"]).await;
    let organizations = world.script("Organizations", &["organizations:write"]).await;
    let both = world.script("Both", &["customers:read", "organizations:read"]).await;
    let fields = world.script("Fields", &["fields:read"]).await;
    // Whoever lets customers into projects learns which there are.
    let seen = world.admin().get("/api/v1/projects").await.expect(200).body;
    assert_eq!(customers.get("/api/v1/projects").await.expect(200).body, seen);
    organizations.get("/api/v1/projects").await.expect(403);
    // Whoever asks for a list may ask whether their query means something.
    let check = "/api/v1/queries/check";
    let query = |entity: &str| json!({"entity": entity, "query": "name ~ ana"});
    for (script, customer, organization) in [(&customers, 200, 403), (&organizations, 403, 200), (&both, 200, 200)] {
        script.post(check, query("customer")).await.expect(customer);
        script.post(check, query("organization")).await.expect(organization);
    }
    let refused = fields.post(check, query("customer")).await.expect(403).body;
    let told = "This needs an API token with the scope `customers:read` or the scope `organizations:read`.";
    assert_eq!(refused["detail"], told);
    // What a customer's organizations are entitled to is told to whoever may read both.
    let product = world.admin().post("/api/v1/products", json!({"name": "Premium support"})).await.expect(201).body;
    let account = world.customer().account();
    let whole = world.agent().get(&format!("/api/v1/customers/{account}")).await.expect(200).body;
    let organization = whole["organizations"][0]["id"].as_str().unwrap();
    let path = format!("/api/v1/organizations/{organization}/entitlements/{}", product["id"].as_str().unwrap());
    world.agent().put(&path, "\"v0\"", json!({"limit": 7})).await.expect(200);
    let path = format!("/api/v1/customers/{account}/entitlements");
    let held = both.get(&path).await.expect(200).body;
    assert_eq!(held, world.agent().get(&path).await.expect(200).body);
    assert_eq!(held["items"][0]["entitlements"][0]["productName"], "Premium support");
    organizations.get(&path).await.expect(403);
    let refused = customers.get(&path).await.expect(403).body;
    let told = "This needs an API token with the scope `customers:read` and the scope `organizations:read`.";
    assert_eq!(refused["detail"], told);
}

async fn only_administrators_make_tokens_and_the_secret_is_told_once(world: &World) {
    let wanted = json!({"name": "Nightly import", "scopes": ["customers:write", "fields:read"]});
    world.agent().post("/api/v1/tokens", wanted.clone()).await.expect(403);
    world.customer().post("/api/v1/tokens", wanted.clone()).await.expect(403);
    let session = world.admin().post("/api/v1/session/bearer", json!({})).await.expect(200).body;
    let script = Script { world, id: String::new(), secret: session["token"].as_str().unwrap().to_owned() };
    script.post("/api/v1/tokens", wanted.clone()).await.expect(403);
    let made = world.admin().post("/api/v1/tokens", wanted.clone()).await.expect(201);
    let secret = made.body["secret"].as_str().unwrap().to_owned();
    assert_eq!(made.headers["location"], format!("/api/v1/tokens/{}", made.body["id"].as_str().unwrap()));
    assert_eq!(made.body["expiresAt"], "2027-02-20T09:00:00Z", "90 days");
    assert_eq!(made.body["madeBy"]["accountId"], world.admin().account());
    let listed = world.admin().get("/api/v1/tokens").await.expect(200);
    assert_eq!(listed.body["items"][0]["scopes"], json!(["customers:write", "fields:read"]));
    assert_eq!(listed.body["items"][0]["lastUsedOn"], Value::Null);
    assert!(!listed.text.contains(&secret));
    let same = json!({"name": " nightly  IMPORT", "scopes": ["fields:read"]});
    let again = world.admin().post("/api/v1/tokens", same).await.expect(422);
    assert_eq!(again.body["errors"][0]["code"], "not_unique");
    let script = Script { world, id: made.body["id"].as_str().unwrap().to_owned(), secret };
    let current = script.get("/api/v1/tokens/current").await.expect(200).body;
    assert_eq!(current["name"], "Nightly import");
    assert_eq!(current["siteId"], world.tenant().await.to_string());
    assert_eq!(current["siteUrl"].as_str().unwrap().trim_end_matches('/'), world.jira.url());
    // A token makes neither tokens nor sessions, and reads no list of them.
    script.post("/api/v1/tokens", wanted.clone()).await.expect(403);
    script.post("/api/v1/session/bearer", json!({})).await.expect(403);
    script.post("/api/v1/session/tickets", json!({})).await.expect(403);
    script.get("/api/v1/tokens").await.expect(403);
    world.admin().get("/api/v1/tokens/current").await.expect(403);
    // Its name is free again once it is revoked.
    world.admin().ask(Method::DELETE, &format!("/api/v1/tokens/{}", script.id), None, None).await.expect(204);
    world.admin().post("/api/v1/tokens", wanted).await.expect(201);
    for place in 1..50 {
        let wanted = json!({"name": format!("Number {place}"), "scopes": ["fields:read"]});
        world.admin().post("/api/v1/tokens", wanted).await.expect(201);
    }
    let further = json!({"name": "One too many", "scopes": ["fields:read"]});
    let many = world.admin().post("/api/v1/tokens", further).await.expect(422);
    assert_eq!(many.body["errors"][0]["code"], "too_many");
}

async fn a_use_is_noted_by_its_day(world: &World) {
    let script = world.script("Nightly import", &["fields:read"]).await;
    let used = async || world.admin().get("/api/v1/tokens").await.expect(200).body["items"][0]["lastUsedOn"].clone();
    assert_eq!(used().await, Value::Null);
    script.get("/api/v1/customers").await.expect(403);
    assert_eq!(used().await, "2026-11-22");
    world.clock.advance(Duration::from_secs(24 * 3600));
    world.program.runner.drain().await.unwrap();
    assert_eq!(used().await, "2026-11-22");
    script.get("/api/v1/fields").await.expect(200);
    script.get("/api/v1/fields").await.expect(200);
    assert_eq!(used().await, "2026-11-23");
}

async fn a_script_is_paced_and_nobody_else(world: &World) {
    let (script, other) =
        (world.script("Hasty", &["fields:read"]).await, world.script("Patient", &["fields:read"]).await);
    let first = script.get("/api/v1/fields").await.expect(200);
    assert_eq!(first.headers["ratelimit-policy"], "\"default\";q=600;w=60");
    assert_eq!(first.headers["ratelimit"], "\"default\";r=599;t=1");
    for _ in 1..600 {
        script.get("/api/v1/tokens").await.expect(403);
    }
    let refused = script.get("/api/v1/fields").await.expect(429);
    assert_eq!(refused.body["code"], "rate_limited");
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(refused.headers["ratelimit"], "\"default\";r=0;t=60");
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    other.get("/api/v1/fields").await.expect(200);
    let page = world.admin().get("/api/v1/fields").await.expect(200);
    assert!(!page.headers.contains_key("ratelimit"), "people on pages are not counted");
    world.clock.advance(Duration::from_secs(1));
    script.get("/api/v1/fields").await.expect(200);
}
