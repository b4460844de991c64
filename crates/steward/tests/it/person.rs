//! What is held about a person and who saw it: each way of seeing a value leaves its record before the value leaves, once a
//! day; the person is told kinds, an administrator names; and it goes, with time and with the person. On both databases.

mod held;

use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use store::sweep;

use crate::bulk_actions::Acting;
use crate::imports::Importing;
use crate::type_changes::Changing;
use crate::walls;
use crate::webhooks::Receiver;
use crate::world::{self, Actor, World};

const DAY: Duration = Duration::from_secs(24 * 3600);

on_both!(
    each_way_of_seeing_a_value_leaves_its_record,
    what_is_refused_or_ones_own_leaves_none,
    every_operation_that_shows_a_value_leaves_a_record,
    a_table_of_a_hundred_is_recorded_at_once,
    the_person_is_told_kinds_and_an_administrator_names,
    records_go_after_a_year,
    they_go_with_the_person,
);

/// Who saw something of this account, all of it, as somebody is told.
async fn readings(actor: &Actor<'_>, account: &str) -> Vec<Value> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/v1/customers/{account}/readings?limit=3{cursor}");
        let page = actor.get(&path).await.expect(200).body;
        found.extend(page["items"].as_array().unwrap().clone());
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

/// The ways, and what the readers are.
fn ways(readings: &[Value]) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    readings.iter().map(|one| (text(&one["way"]), text(&one["by"]))).collect()
}

async fn rows(world: &World) -> i64 {
    let tenant = world.tenant().await;
    let counts = sweep::tenant_row_count(&world.program.store, tenant).await.unwrap();
    counts.into_iter().find(|(table, _)| *table == "reading").unwrap().1
}

async fn each_way_of_seeing_a_value_leaves_its_record(world: &World) {
    let (admin, agent) = (world.admin(), world.agent());
    let field = admin.defines_text("Animal", "customerView").await;
    let (account, other) = (world.customer().account(), world.other_customer().account());
    let receiver = Receiver::listen().await;
    world.names(&receiver, true).await;
    let script = world.script("Nightly", &["customers:read"]).await;
    assert_eq!(readings(&admin, &account).await, [] as [Value; 0]);

    let mut seen = BTreeSet::new();
    let mut expected: Vec<(&str, &str)> = Vec::new();
    macro_rules! leaves {
        ($way:literal, $by:literal, $asked:expr) => {{
            $asked;
            expected.push(($way, $by));
            let now = ways(&readings(&admin, &account).await);
            let new: Vec<_> = now.difference(&seen).cloned().collect();
            assert_eq!(new, [($way.to_owned(), $by.to_owned())]);
            seen = now;
        }};
    }
    leaves!("page", "supportTeam", agent.writes(&account, &field, json!("lynx")).await.expect(200));
    leaves!("message", "receiver", {
        world.program.runner.drain().await.unwrap();
        assert_eq!(receiver.told().last().unwrap()["data"]["to"], "lynx");
    });
    let values = format!("/api/v1/customers/{account}/values");
    leaves!("page", "automation", script.get(&values).await.expect(200));
    let issue = world.issue();
    leaves!(
        "panel",
        "supportTeam",
        agent.get(&format!("/api/v1/panel?issue={issue}&person={account}")).await.expect(200)
    );
    let asked = json!({"ids": [account, other], "fields": [field]});
    leaves!("table", "supportTeam", agent.post("/api/v1/customers/values:read", asked).await.expect(200));
    // Whom a query finds has the value, whatever the list shows.
    let query = "/api/v1/customers?query=Animal%20%3D%20lynx";
    leaves!("table", "administrator", admin.get(query).await.expect(200));
    leaves!("search", "supportTeam", {
        let found = agent.get("/api/v1/search?q=lynx").await.expect(200).body;
        assert_eq!(found["items"][0]["field"]["value"], "lynx");
    });
    leaves!("history", "supportTeam", agent.get(&format!("/api/v1/customers/{account}/history")).await.expect(200));
    let file = json!({"format": "csv", "columns": ["name", field]});
    leaves!("export", "automation", script.post("/api/v1/customers/export", file).await.expect(200));
    let csv = format!("Account ID,Animal\n{account},ocelot\n");
    leaves!("import", "administrator", {
        let import = Importing::of(world, "customer", csv.as_bytes(), 1_000).await;
        import.checks_as_suggested(json!({})).await;
        assert_eq!(import.rows("changed").await[0]["changes"][0]["from"], "lynx");
    });
    leaves!("bulkAction", "supportTeam", {
        let bulk = Acting::of(world, &field, &[account.as_str()], json!("serval")).await;
        let rows = agent.get(&format!("/api/v1/customers/bulk-actions/{}/rows", bulk.id)).await.expect(200).body;
        assert_eq!(rows["items"][0]["from"], "lynx");
    });
    leaves!("typeChange", "administrator", {
        let change = Changing::of(world, &field, json!({"type": "longText"})).await;
        let rows = admin.get(&change.at("/rows")).await.expect(200).body;
        assert_eq!(rows["items"][0]["from"], "lynx");
    });
    leaves!("merge", "supportTeam", agent.get(&format!("/api/v1/customers/{other}/merge/{account}")).await.expect(200));
    leaves!("held", "administrator", admin.get(&format!("/api/v1/customers/{account}/held")).await.expect(200));

    // The other one has no value: nothing of theirs was seen.
    assert_eq!(readings(&admin, &other).await, [] as [Value; 0]);
    // Again on the same day it is the same row; on the next it is one more.
    let before = rows(world).await;
    assert_eq!((before, seen.len()), (expected.len() as i64, expected.len()));
    agent.get(&values).await.expect(200);
    script.get(&values).await.expect(200);
    assert_eq!(rows(world).await, before);
    world.clock.advance(DAY);
    agent.get(&values).await.expect(200);
    agent.get(&values).await.expect(200);
    assert_eq!(rows(world).await, before + 1);
    let newest = &readings(&admin, &account).await[0];
    assert_eq!((&newest["day"], &newest["reader"]["accountId"]), (&json!("2026-11-23"), &json!(agent.account())));
    world.program.runner.drain().await.unwrap();
}

async fn what_is_refused_or_ones_own_leaves_none(world: &World) {
    let (admin, customer) = (world.admin(), world.customer());
    let field = admin.defines_text("Animal", "customerEdit").await;
    let account = customer.account();
    let values = format!("/api/v1/customers/{account}/values");
    customer.writes(&account, &field, json!("lynx")).await.expect(200);
    for path in ["values", "history", "held", "readings"] {
        customer.get(&format!("/api/v1/customers/{account}/{path}")).await.expect(200);
    }
    let own = customer.ask(Method::POST, &format!("/api/v1/customers/{account}/copy"), None, None).await.expect(200);
    assert_eq!(own.body["values"][0]["text"], "lynx");
    let other = world.other_customer();
    for path in ["values", "history", "held", "readings"] {
        other.get(&format!("/api/v1/customers/{account}/{path}")).await.expect(404);
    }
    other.ask(Method::POST, &format!("/api/v1/customers/{account}/copy"), None, None).await.expect(404);
    // An agent may see values, and not who saw them.
    for path in ["held", "readings"] {
        world.agent().get(&format!("/api/v1/customers/{account}/{path}")).await.expect(403);
    }
    let script = world.script("Fields alone", &["fields:read"]).await;
    script.get(&values).await.expect(403);
    script.get(&format!("/api/v1/customers/{account}/readings")).await.expect(403);
    let etag = customer.get(&values).await.expect(200).etag();
    world.agent().put(&format!("{values}/{field}"), &etag, json!({"value": true})).await.expect(422);
    assert_eq!(rows(world).await, 0);
    assert_eq!(readings(&admin, &account).await, [] as [Value; 0]);

    // What stands instead of one's change is seen too.
    world.agent().put(&format!("{values}/{field}"), "\"v0\"", json!({"value": "ocelot"})).await.expect(412);
    assert_eq!(ways(&readings(&admin, &account).await), [("page".to_owned(), "supportTeam".to_owned())].into());
}

/// Whatever answers with somebody's value has left a record on that day, however it came to be an operation.
async fn every_operation_that_shows_a_value_leaves_a_record(world: &World) {
    const CANARY: &str = "canary value of the first tenant";
    let things = walls::things(world).await;
    let admin = world.admin();
    let mut showing = BTreeSet::new();
    for who in ["agent", "admin"] {
        let actor = world.on_page(who, if who == "admin" { "settings-page" } else { "customers-page" });
        let reads = |(method, path): &(Method, String)| {
            *method == Method::GET || ["/export", ":read", "/report", "/copy"].iter().any(|end| path.ends_with(end))
        };
        for (method, path) in walls::operations(world).into_iter().filter(reads) {
            world.clock.advance(DAY / 8);
            let answer = walls::attempt(&actor, &method, &path, &things).await;
            if !answer.text.contains(CANARY) {
                continue;
            }
            // The same once more, on a day of its own.
            world.clock.advance(DAY);
            walls::attempt(&actor, &method, &path, &things).await.expect(200);
            let today = world.clock_day();
            let newest = readings(&admin, &things.account).await;
            let own = |one: &&Value| one["day"] == today && one["reader"]["accountId"] == actor.account();
            assert_eq!(newest.iter().filter(own).count(), 1, "{who}: {method} {path}");
            showing.insert(format!("{method} {path}"));
        }
    }
    assert!(showing.len() >= 7, "{showing:?}");
    world.program.runner.drain().await.unwrap();
}

impl World {
    fn clock_day(&self) -> String {
        kernel::Clock::now(&*self.clock).to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
    }
}

/// So many customers with a value each.
async fn filled(world: &World, field: &str, count: usize) -> Vec<String> {
    let nobody = sandbox::events::Actor::default();
    let accounts: Vec<String> = (0..count)
        .map(|number| {
            let state = world.jira.state();
            let (email, name) = (format!("seen{number}@example.com"), format!("Seen {number}"));
            state.create_customer(&nobody, &email, &name).unwrap().account_id
        })
        .collect();
    let items: Vec<Value> =
        accounts.iter().map(|account| json!({"accountId": account, "values": {field: "lynx"}})).collect();
    world.agent().post("/api/v1/customers/values:bulk", json!({"items": items})).await.expect(200);
    accounts
}

async fn a_table_of_a_hundred_is_recorded_at_once(world: &World) {
    let field = world.admin().defines_text("Animal", "agents").await;
    let accounts = filled(world, &field, 100).await;
    assert_eq!(rows(world).await, 0, "who writes many at once is shown none");
    let asked = json!({"ids": accounts, "fields": [field]});
    let page = world.agent().post("/api/v1/customers/values:read", asked.clone()).await.expect(200).body;
    assert_eq!(page["items"].as_array().unwrap().iter().filter(|row| row["values"][0]["value"] == "lynx").count(), 100);
    assert_eq!(rows(world).await, 100);
    for account in [&accounts[0], &accounts[57], &accounts[99]] {
        assert_eq!(
            ways(&readings(&world.admin(), account).await),
            [("table".to_owned(), "supportTeam".to_owned())].into()
        );
    }
    // A node that knows nothing of it looks before it writes.
    let node = world::open(&world.config, &world.clock).await;
    let path = "/api/v1/customers/values:read";
    let again = axum::http::Request::post(path)
        .header("authorization", format!("Bearer {}", world.agent().token().await))
        .header("content-type", "application/json")
        .body(axum::body::Body::from(asked.to_string()));
    World::send_to(&node, again.unwrap()).await.expect(200);
    assert_eq!(rows(world).await, 100);
    // Some of a page are new: those are added.
    let one = json!({"ids": [accounts[3], accounts[4]], "fields": [field]});
    let admin = world.admin();
    admin.post(path, json!({"ids": [accounts[3]], "fields": [field]})).await.expect(200);
    admin.post(path, one).await.expect(200);
    assert_eq!(rows(world).await, 102);
    world.program.runner.drain().await.unwrap();
}

async fn the_person_is_told_kinds_and_an_administrator_names(world: &World) {
    let (admin, customer, agent, colleague) = (world.admin(), world.customer(), world.agent(), world.colleague());
    let field = admin.defines_text("Animal", "customerEdit").await;
    let account = customer.account();
    customer.writes(&account, &field, json!("lynx")).await.expect(200);
    let values = format!("/api/v1/customers/{account}/values");
    let script = world.script("Nightly import", &["customers:read"]).await;
    for actor in [&agent, &colleague, &admin] {
        actor.get(&values).await.expect(200);
    }
    script.get(&values).await.expect(200);

    let told = readings(&customer, &account).await;
    let counted: BTreeSet<_> =
        told.iter().map(|one| (one["by"].as_str().unwrap(), one["readers"].as_i64().unwrap())).collect();
    assert_eq!(counted, [("supportTeam", 2), ("administrator", 1), ("automation", 1)].into());
    let said = json!(told).to_string();
    for name in [agent.account(), colleague.account(), admin.account(), script.id.clone(), "Nightly".to_owned()] {
        assert!(!said.contains(&name), "{name} in {said}");
    }
    let named = readings(&admin, &account).await;
    let names: BTreeSet<&str> = named.iter().map(|one| one["reader"]["displayName"].as_str().unwrap()).collect();
    assert_eq!((named.len(), names.len()), (4, 4));
    assert!(names.contains("Nightly import"), "{names:?}");
    // Neither who gave a value, nor who changed it, is told by name to the person.
    agent.writes(&account, &field, json!("ocelot")).await.expect(200);
    let held = customer.get(&format!("/api/v1/customers/{account}/held")).await.expect(200).body;
    assert_eq!((&held["values"][0]["givenBy"], &held["values"][0]["text"]), (&json!("supportTeam"), &json!("ocelot")));
    let name = agent.get("/api/v1/me").await.expect(200).body["displayName"].as_str().unwrap().to_owned();
    for path in ["values", "history", "held", "readings"] {
        let answer = customer.get(&format!("/api/v1/customers/{account}/{path}")).await.expect(200);
        assert!(!answer.text.contains(&name), "{path}: {}", answer.text);
    }
    let history = customer.get(&format!("/api/v1/customers/{account}/history")).await.expect(200).body;
    let by = |at: usize| history["items"][at]["by"]["displayName"].clone();
    assert_eq!(by(0), Value::Null);
    assert!(by(1).is_string(), "one's own name is one's own");
    // What is wrong with a cursor is said.
    let path = format!("/api/v1/customers/{account}/readings?cursor=yesterday");
    assert_eq!(customer.get(&path).await.expect(422).body["errors"][0]["pointer"], "/cursor");
}

async fn records_go_after_a_year(world: &World) {
    let field = world.admin().defines_text("Animal", "agents").await;
    let account = world.customer().account();
    world.agent().writes(&account, &field, json!("lynx")).await.expect(200);
    assert_eq!(rows(world).await, 1);
    world.clock.advance(364 * DAY);
    world.program.runner.drain().await.unwrap();
    assert_eq!(rows(world).await, 1, "what somebody may still ask for is there");
    world.clock.advance(DAY);
    world.program.runner.drain().await.unwrap();
    assert_eq!(rows(world).await, 0);
}

async fn they_go_with_the_person(world: &World) {
    let field = world.admin().defines_text("Animal", "agents").await;
    let (account, other) = (world.customer().account(), world.other_customer().account());
    for owner in [&account, &other] {
        world.agent().writes(owner, &field, json!("lynx")).await.expect(200);
    }
    assert_eq!(readings(&world.admin(), &account).await.len(), 1);
    let tenant = world.tenant().await;
    let gone = kernel::AccountId::new(account.clone()).unwrap();
    assert!(world.program.vault.destroy_subject(tenant, &gone).await.unwrap());
    assert_eq!(readings(&world.admin(), &account).await, [] as [Value; 0], "nobody can say any more whom it was about");
    assert_eq!(readings(&world.admin(), &other).await.len(), 1);
    // With the tenant the rows themselves go; that none is left of any table is `departure`'s.
    world.jira.forge().uninstall(&steward::demo::app_id().unwrap()).await.unwrap();
    world.program.runner.drain().await.unwrap();
    let counts = sweep::tenant_row_count(&world.program.store, tenant).await.unwrap();
    assert!(counts.contains(&("reading", 0)), "{counts:?}");
}

/// Two nodes that are asked the same at the same moment write one row.
#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_record_the_same_at_once() {
    let Some(world) = World::start_on_postgres().await else { return };
    let field = world.admin().defines_text("Animal", "agents").await;
    let all = filled(&world, &field, 100).await;
    let other = world::open(&world.config, &world.clock).await;
    for accounts in all.chunks(20) {
        let before = rows(&world).await;
        let asks = futures::future::join_all((0..6).map(|number| {
            let (node, world, accounts) = (if number % 2 == 0 { &world.program } else { &other }, &world, accounts);
            let body = json!({"ids": accounts, "fields": [&field]}).to_string();
            async move {
                let request = axum::http::Request::post("/api/v1/customers/values:read")
                    .header("authorization", format!("Bearer {}", world.agent().token().await))
                    .header("content-type", "application/json")
                    .body(axum::body::Body::from(body));
                World::send_to(node, request.unwrap()).await.expect(200);
            }
        }));
        asks.await;
        assert_eq!(rows(&world).await, before + 20);
    }
    world.program.runner.drain().await.unwrap();
    other.close().await.unwrap();
    world.end().await;
}
