//! Every operation of openapi.json, tried as nobody, as a lesser role, as another customer, as another tenant.
//!
//! What is open to whom is listed here; what is not listed is closed. The lists may only shrink. Each wall stands on a site of every kind, however
//! it was joined; where a kind of site does otherwise, [`PROOFS`] says so. What proves nothing stands in `proofs`, agents to whom little or nothing was
//! granted in `readers`, other tenants in `tenants`.

mod proofs;
mod readers;
mod tenants;

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};

use crate::bulk_actions::Acting;
use crate::customer_sign_in::{SignKey, Visitor};
use crate::imports::Importing;
use crate::type_changes::Changing;
use crate::world::{Actor, Answer, Joined, World};
pub(crate) use tenants::OF_ONE_TENANT;

/// Open to nobody in particular: the door that takes the ticket itself as proof.
const OPEN_TO_NOBODY: [&str; 1] = ["POST /api/v1/session"];

/// Open to a customer, who gets only what is theirs.
const OPEN_TO_CUSTOMERS: [&str; 25] = [
    "GET /api/v1/changes",
    "GET /api/v1/me",
    "GET /api/v1/me/organizations",
    "GET /api/v1/me/requests",
    "GET /api/v1/portal",
    "GET /api/v1/fields",
    "GET /api/v1/fields/{id}",
    "GET /api/v1/sections",
    "GET /api/v1/customers/{accountId}",
    "GET /api/v1/customers/{accountId}/values",
    "PATCH /api/v1/customers/{accountId}/values",
    "PUT /api/v1/customers/{accountId}/values/{fieldId}",
    "GET /api/v1/customers/{accountId}/history",
    "GET /api/v1/customers/{accountId}/held",
    "GET /api/v1/customers/{accountId}/readings",
    "POST /api/v1/customers/{accountId}/copy",
    "GET /api/v1/customers/{accountId}/entitlements",
    "POST /api/v1/customers/{accountId}/history/{changeId}/restore",
    "POST /api/v1/session",
    "GET /api/v1/session",
    "DELETE /api/v1/session",
    "POST /api/v1/session/tickets",
    "POST /api/v1/session/bearer",
    "GET /openapi.json",
    "GET /healthz",
];

/// The two operations at which kinds of sites differ: what begins with the host's own word. Whoever signed in on our own pages has a session, which
/// begins no other; what Connect gives its pages begins a ticket and no more.
const PROOFS: [(Joined, &str, u16); 8] = [
    (Joined::Forge, "POST /api/v1/session/tickets", 200),
    (Joined::Forge, "POST /api/v1/session/bearer", 200),
    (Joined::Connect, "POST /api/v1/session/tickets", 200),
    (Joined::Connect, "POST /api/v1/session/bearer", 403),
    (Joined::CloudToken, "POST /api/v1/session/tickets", 403),
    (Joined::CloudToken, "POST /api/v1/session/bearer", 403),
    (Joined::DataCenter, "POST /api/v1/session/tickets", 403),
    (Joined::DataCenter, "POST /api/v1/session/bearer", 403),
];

/// What this kind of site answers to an operation that is not the same on all.
fn of_its_own(joined: Joined, operation: &str) -> Option<u16> {
    PROOFS.into_iter().find(|(kind, name, _)| *kind == joined && *name == operation).map(|(_, _, status)| status)
}

/// A test on a site of each kind.
macro_rules! on_sites {
    ($($site:ident $joined:ident: $($name:ident),+;)+) => {$(
        mod $site {$(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let world = crate::world::World::joined_by(crate::world::Joined::$joined, Vec::new()).await;
                Box::pin(super::$name(&world, crate::world::Joined::$joined)).await;
                world.program.runner.drain().await.unwrap();
                world.end().await;
            }
        )+}
    )+};
}
pub(crate) use on_sites;

on_sites!(
    forge Forge: nobody_gets_in, a_customer_gets_only_what_is_theirs, another_customer_gets_nothing_of_this_one, an_agent_gets_no_settings,
        whoever_comes_with_a_token_is_a_customer_and_no_more;
    connect Connect: nobody_gets_in, a_customer_gets_only_what_is_theirs, another_customer_gets_nothing_of_this_one, an_agent_gets_no_settings;
    cloud_by_token CloudToken: nobody_gets_in, a_customer_gets_only_what_is_theirs, another_customer_gets_nothing_of_this_one,
        an_agent_gets_no_settings, whoever_comes_with_a_token_is_a_customer_and_no_more;
    data_center DataCenter: nobody_gets_in, a_customer_gets_only_what_is_theirs, another_customer_gets_nothing_of_this_one,
        an_agent_gets_no_settings, whoever_comes_with_a_token_is_a_customer_and_no_more;
);

/// What stands in the places of a path, and in bodies.
pub(crate) struct Things {
    field: String,
    section: String,
    pub(crate) account: String,
    organization: String,
    change: String,
    issue: String,
    project: String,
    request_type: String,
    token: String,
    key: String,
    webhook: String,
    import: String,
    type_change: String,
    bulk_action: String,
    view: String,
    product: String,
    other: String,
    merge: String,
}

pub(crate) fn operations(world: &World) -> Vec<(Method, String)> {
    let description: Value = serde_json::from_str(&world.program.openapi.to_json().unwrap()).unwrap();
    let mut found = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "patch", "delete"] {
            if item.get(method).is_some() {
                found.push((method.to_uppercase().parse().unwrap(), path.clone()));
            }
        }
    }
    assert!(found.len() > 30, "{found:?}");
    found
}

pub(crate) fn filled(path: &str, things: &Things) -> String {
    let section = path.starts_with("/api/v1/sections");
    let path = path
        .replace("{id}", if section { &things.section } else { &things.field })
        .replace("{accountId}", &things.account)
        .replace("{organizationId}", &things.organization)
        .replace("{fieldId}", &things.field)
        .replace("{changeId}", &things.change)
        .replace("{projectId}", &things.project)
        .replace("{requestTypeId}", &things.request_type)
        .replace("{tokenId}", &things.token)
        .replace("{keyId}", &things.key)
        .replace("{webhookId}", &things.webhook)
        .replace("{sequence}", "1")
        .replace("{importId}", &things.import)
        .replace("{typeChangeId}", &things.type_change)
        .replace("{bulkActionId}", &things.bulk_action)
        .replace("{viewId}", &things.view)
        .replace("{productId}", &things.product)
        .replace("{otherId}", &things.other)
        .replace("{mergeId}", &things.merge)
        .replace("{part}", "0");
    assert!(!path.contains('{'), "nothing is known that could stand in {path}");
    match path.as_str() {
        "/api/v1/panel" => format!("{path}?issue={}", things.issue),
        "/api/v1/changes" => format!("{path}?after=0"),
        "/api/v1/views" => format!("{path}?entity=customer"),
        "/api/v1/queries/completions" => format!("{path}?entity=customer&query=can"),
        _ => path,
    }
}

pub(crate) fn body(method: &Method, path: &str, things: &Things) -> Option<Value> {
    let field =
        json!({"entity": "customer", "type": "text", "name": "Made by a wall test", "audience": "customerEdit"});
    match (method.as_str(), path) {
        ("POST" | "PUT", path) if path.starts_with("/api/v1/fields/order") => {
            Some(json!({"entity": "customer", "ids": [things.field]}))
        }
        ("POST", path) if path.ends_with("/restore") || path.ends_with("/undo") => None,
        ("PUT", path) if path.ends_with("/dismissal") => None,
        ("POST", path) if path.contains("/merge/") => Some(json!({"keptVersion": 0, "mergedVersion": 0})),
        ("POST", "/api/v1/fields") => Some(field),
        ("PUT", path) if path.starts_with("/api/v1/fields/") => Some(field),
        ("POST", "/api/v1/sections") => Some(json!({"entity": "customer", "name": "Made by a wall test"})),
        ("PUT", path) if path.starts_with("/api/v1/sections/") => Some(json!({"name": "Renamed", "position": 0})),
        ("POST" | "PUT", "/api/v1/webhooks" | "/api/v1/webhooks/{webhookId}") => {
            Some(json!({"name": "Made by a wall test", "url": "https://example.com/", "events": ["field.defined"]}))
        }
        ("POST", "/api/v1/webhooks/{webhookId}/replay") => {
            Some(json!({"from": "2026-11-22T00:00:00Z", "to": "2026-11-23T00:00:00Z"}))
        }
        ("PUT", "/api/v1/settings/permissions") => Some(json!({"browse": [], "edit": [], "configure": []})),
        ("POST", "/api/v1/customers/values:bulk") => {
            Some(json!({"items": [{"accountId": things.account, "values": {&things.field: "by a wall test"}}]}))
        }
        ("POST", "/api/v1/customers") => {
            Some(json!({"email": "wall@example.com", "displayName": "Made by a wall test"}))
        }
        ("POST", "/api/v1/organizations") => Some(json!({"name": "Made by a wall test"})),
        ("POST", "/api/v1/organizations/{organizationId}/members" | "/api/v1/projects/{projectId}/customers") => {
            Some(json!({"accountIds": [things.account]}))
        }
        ("POST", "/api/v1/requests") => Some(json!({
            "accountId": things.account, "projectId": things.project, "requestTypeId": things.request_type,
            "summary": "Made by a wall test",
        })),
        ("POST", "/api/v1/fields/{id}/type-changes") => Some(json!({"type": "longText"})),
        ("POST", "/api/v1/customers/bulk-actions") => Some(json!({
            "selection": {"ids": [things.account]},
            "change": {"type": "setValue", "fieldId": things.field, "value": "by a wall test"},
        })),
        ("POST", "/api/v1/organizations/bulk-actions") => Some(json!({
            "selection": {}, "change": {"type": "setValue", "fieldId": things.field, "value": "by a wall test"},
        })),
        ("POST", "/api/v1/customers/values:read") => Some(json!({"ids": [things.account], "fields": [things.field]})),
        ("POST", "/api/v1/organizations/values:read") => {
            Some(json!({"ids": [things.organization], "fields": [things.field]}))
        }
        ("POST", "/api/v1/imports") => Some(json!({"entity": "customer", "fileName": "wall.csv"})),
        ("POST", path) if path.ends_with("/check") && path.starts_with("/api/v1/imports/") => {
            Some(json!({"columns": ["accountId", things.field]}))
        }
        ("PUT", path) if path.starts_with("/api/v1/imports/") => Some(json!({"base64": "eA=="})),
        ("POST", "/api/v1/organizations/values:bulk") => Some(json!({"items": []})),
        ("POST" | "PUT", path) if path.starts_with("/api/v1/products") => Some(json!({"name": "Made by a wall test"})),
        ("PUT", path) if path.contains("/entitlements/") => Some(json!({"note": "by a wall test"})),
        ("POST", "/api/v1/views") => Some(json!({"entity": "customer", "name": "Made by a wall test"})),
        ("PUT", "/api/v1/views/{viewId}") => Some(json!({"name": "Made by a wall test"})),
        ("PUT", "/api/v1/views/{viewId}/default") => None,
        ("PATCH", _) => Some(json!({"values": {&things.field: "by a wall test"}})),
        ("PUT", path) if path.starts_with("/api/v1/settings/in-jira/copies/") => {
            Some(json!({"issueFieldId": "labels"}))
        }
        ("PUT", _) => Some(json!({"value": "by a wall test"})),
        ("POST", "/api/v1/queries/check") => Some(json!({"entity": "customer", "query": "Canari = x"})),
        ("POST", path) if path.ends_with("/export") => Some(json!({"format": "csv"})),
        ("POST", "/api/v1/tokens") => Some(json!({"name": "Made by a wall test", "scopes": ["fields:read"]})),
        ("POST", "/api/v1/customer-keys") => Some(json!({"name": "Made by a wall test"})),
        ("POST", "/api/v1/session") => Some(json!({"ticket": "stwt_0_0"})),
        _ => None,
    }
}

pub(crate) async fn attempt(actor: &Actor<'_>, method: &Method, template: &str, things: &Things) -> Answer {
    let path = filled(template, things);
    // The strongest precondition there is: the version is right only for whoever could read it.
    let etag = (*method != Method::GET && *method != Method::POST || path.ends_with("/restore")).then_some("\"v1\"");
    actor.ask(method.clone(), &path, etag, body(method, template, things)).await
}

pub(crate) async fn things(world: &World) -> Things {
    things_of(world, world.customer().account(), world.issue()).await
}

/// The same, of the customer whom Steward calls so, who raised this issue.
async fn things_of(world: &World, account: String, issue: String) -> Things {
    let admin = world.admin();
    let section = admin.post("/api/v1/sections", json!({"entity": "customer", "name": "Walls"})).await.expect(201).body;
    let field = admin.defines_text("Canary field of the first tenant", "agents").await;
    world.agent().writes(&account, &field, json!("canary value of the first tenant")).await.expect(200);
    let projects = admin.get("/api/v1/projects").await.expect(200).body;
    let project = projects["items"][0]["id"].as_str().unwrap().to_owned();
    let kinds = admin.get(&format!("/api/v1/projects/{project}/request-types")).await.expect(200).body;
    let history = world.agent().get(&format!("/api/v1/customers/{account}/history")).await.expect(200).body;
    let organizations = world.agent().get("/api/v1/organizations").await.expect(200).body;
    // It hears of nothing that these tests do: nobody is called.
    let receiver = json!({"name": "Canary webhook", "url": "https://example.com/canary", "events": ["field.retired"]});
    let webhook = admin.post("/api/v1/webhooks", receiver).await.expect(201).body;
    let file = format!("Account ID,Canary field of the first tenant\n{account},canary of a file\n");
    let import = Importing::of(world, "customer", file.as_bytes(), 1_000).await;
    import.checks_as_suggested(json!({})).await;
    let type_change = Changing::of(world, &field, json!({"type": "longText"})).await;
    let bulk_action = Acting::of(world, &field, &[account.as_str()], json!("canary of a bulk change")).await;
    let view = json!({"entity": "customer", "name": "Canary view", "shared": true,
        "query": "\"Canary field of the first tenant\" ~ canary", "columns": [{"key": field}]});
    let view = world.agent().post("/api/v1/views", view).await.expect(201).body;
    let product = json!({"name": "Canary product"});
    let product = admin.post("/api/v1/products", product).await.expect(201).body["id"].as_str().unwrap().to_owned();
    let organization = organizations["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/organizations/{organization}/entitlements/{product}");
    world.agent().put(&path, "\"v0\"", json!({"note": "canary of a note"})).await.expect(200);
    // What is hidden in an organization of theirs, and what is shared of one in which nobody is.
    let nobodys = world.jira.state().create_organization(&sandbox::events::Actor::default(), "Nobody's").id;
    for (of, audience) in [(&organization, "agents"), (&nobodys, "customerView")] {
        let field = json!({"entity": "organization", "type": "text", "name": audience, "audience": audience});
        let field = admin.defines(field).await["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/organizations/{of}/values/{field}");
        world.agent().put(&path, "\"v0\"", json!({"value": "canary of an organization"})).await.expect(200);
    }
    let key = admin.post("/api/v1/customer-keys", json!({"name": "Canary key"})).await.expect(201).body;
    // Two whom nobody plays: one was merged into the other.
    let nobody = sandbox::events::Actor::default();
    let mut people = Vec::new();
    for name in ["kept", "gone"] {
        let (state, email) = (world.jira.state(), format!("{name}@example.com"));
        let made = state.create_customer(&nobody, &email, &format!("{name} by a wall test")).unwrap();
        people.push(world.known_as(&made.account_id).await);
    }
    let path = format!("/api/v1/customers/{}/merge/{}", people[0], people[1]);
    let merged = json!({"keptVersion": 0, "mergedVersion": 0});
    let merge = world.agent().post(&path, merged).await.expect(201).body["merge"]["id"].as_str().unwrap().to_owned();
    Things {
        merge,
        other: people[0].clone(),
        product,
        import: import.id,
        type_change: type_change.id,
        bulk_action: bulk_action.id,
        view: view["id"].as_str().unwrap().to_owned(),
        webhook: webhook["id"].as_str().unwrap().to_owned(),
        field,
        section: section["id"].as_str().unwrap().to_owned(),
        account,
        organization,
        change: history["items"][0]["id"].as_str().unwrap().to_owned(),
        issue,
        request_type: kinds["items"][0]["id"].as_str().unwrap().to_owned(),
        project,
        key: key["id"].as_str().unwrap().to_owned(),
        token: world.script("Canary token of the first tenant", &["customers:read"]).await.id,
    }
}

async fn nobody_gets_in(world: &World, _: Joined) {
    let things = things(world).await;
    for (method, path) in operations(world) {
        let name = format!("{method} {path}");
        let mut request =
            Request::builder().method(method.clone()).uri(filled(&path, &things)).header(header::IF_MATCH, "\"v1\"");
        let sent = body(&method, &path, &things).unwrap_or(json!({}));
        request = request.header(header::CONTENT_TYPE, "application/json");
        let answer = world.send(request.body(Body::from(sent.to_string())).unwrap()).await;
        assert_eq!(answer.status, 401, "{name}: {}", answer.text);
        let code = answer.body["code"].as_str().unwrap();
        let expected = if OPEN_TO_NOBODY.contains(&name.as_str()) { "session_unknown" } else { "unauthenticated" };
        assert_eq!(code, expected, "{name}");
    }
}

async fn a_customer_gets_only_what_is_theirs(world: &World, joined: Joined) {
    let things = things(world).await;
    let open: BTreeSet<&str> = OPEN_TO_CUSTOMERS.into_iter().collect();
    let customer = world.customer();
    for (method, path) in operations(world) {
        let name = format!("{method} {path}");
        let answer = attempt(&customer, &method, &path, &things).await;
        assert!(!answer.text.contains("anary"), "{name}: {}", answer.text);
        if let Some(status) = of_its_own(joined, &name) {
            assert_eq!(answer.status, status, "{name}: {}", answer.text);
        } else if open.contains(name.as_str()) {
            assert!(answer.status < 500, "{name}: {}", answer.text);
        } else {
            assert!([403, 404].contains(&answer.status), "{name}: {} {}", answer.status, answer.text);
        }
    }
    // None of it ended the session, or was a mistake of who they are.
    assert_eq!(customer.get("/api/v1/me").await.expect(200).body["role"], "customer");
}

/// On their own site's word somebody gets what a customer gets, and nothing that Jira or a permission would give them beside.
async fn whoever_comes_with_a_token_is_a_customer_and_no_more(world: &World, _: Joined) {
    let customer = world.jira.visitor("customer").unwrap();
    let account = world.known_as(&customer.account_id).await;
    let things = things_of(world, account, world.issue_of(&customer.account_id)).await;
    let key = SignKey::made_in(world).await;
    let seen = |account: &mut sandbox::state::model::Account| account.email_visible = true;
    world.jira.state().edit_account(&sandbox::events::Actor::default(), &customer.account_id, seen).unwrap();
    let mut visitor = Visitor::of(world);
    visitor.comes_in(&key, &customer.email).await;
    assert_eq!(visitor.account, things.account);
    // Whoever holds every permission by a group of theirs has none of it here.
    let everybody = json!({"browse": [{"kind": "agents"}, {"kind": "jiraAdmins"}], "edit": [{"kind": "agents"}], "configure": [{"kind": "jiraAdmins"}]});
    world.admin().put("/api/v1/settings/permissions", "\"v0\"", everybody).await.expect(200);
    let open: BTreeSet<&str> = OPEN_TO_CUSTOMERS.into_iter().collect();
    for (method, path) in operations(world) {
        let name = format!("{method} {path}");
        if name == "DELETE /api/v1/session" {
            continue;
        }
        if method != Method::GET && method != Method::POST || path.ends_with("/restore") {
            visitor.saw = Some(1);
        }
        let sent = body(&method, &path, &things);
        let answer = visitor.asks(method.clone(), &filled(&path, &things), sent).await;
        assert!(!answer.text.contains("anary"), "{name}: {}", answer.text);
        if open.contains(name.as_str()) {
            assert!(answer.status < 500, "{name}: {}", answer.text);
        } else {
            assert!([403, 404].contains(&answer.status), "{name}: {} {}", answer.status, answer.text);
        }
        // And another customer's, of whom only the place in a path differs.
        let other = filled(&path, &things).replace(&things.account, &things.other);
        let answer = visitor.asks(method.clone(), &other, body(&method, &path, &things)).await;
        assert!(!answer.text.contains("anary") && answer.status != 500, "{name}: {}", answer.text);
        if path.contains("{accountId}") {
            assert!([403, 404].contains(&answer.status), "{name}: {} {}", answer.status, answer.text);
        }
    }
    // An agent's session of the same browser does not make it more, nor it that less: each counts where its page says.
    visitor.says_so = false;
    visitor.gets("/api/v1/me").await.expect(401);
}

async fn another_customer_gets_nothing_of_this_one(world: &World, _: Joined) {
    let things = things(world).await;
    let other = world.other_customer();
    for (method, path) in operations(world) {
        let name = format!("{method} {path}");
        let answer = attempt(&other, &method, &path, &things).await;
        assert!(!answer.text.contains("anary"), "{name}: {}", answer.text);
        assert!(answer.status != 500, "{name}: {}", answer.text);
        if path.contains("{accountId}") || path.contains("{organizationId}") {
            assert!([403, 404].contains(&answer.status), "{name}: {} {}", answer.status, answer.text);
        }
    }
}

async fn an_agent_gets_no_settings(world: &World, _: Joined) {
    let things = things(world).await;
    let agent = world.agent();
    let mut closed = 0;
    for (method, path) in operations(world) {
        let configuring = path.starts_with("/api/v1/settings")
            || path.starts_with("/api/v1/tokens")
            || path.starts_with("/api/v1/customer-keys")
            || path.starts_with("/api/v1/webhooks")
            || path.starts_with("/api/v1/imports")
            || path.starts_with("/api/v1/type-changes")
            || path.ends_with("/type-changes")
            || ["fields", "sections", "products"].iter().any(|of| path.starts_with(&format!("/api/v1/{of}")))
                && method != Method::GET;
        if configuring {
            closed += 1;
            let answer = attempt(&agent, &method, &path, &things).await;
            assert_eq!(answer.status, 403, "{method} {path}: {}", answer.text);
        }
    }
    assert!(closed >= 10);
    // It is an agent of whom this holds.
    assert!(agent.get("/api/v1/customers").await.expect(200).body["items"].as_array().unwrap().len() > 3);
}
