//! Search by words, and queries narrowed by the index, as people meet them: on both databases.

use std::collections::BTreeSet;

use kernel::Clock;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::world::{Actor, Script, World};

on_both!(
    words_find_records_by_what_any_field_says,
    what_somebody_may_not_see_finds_nothing,
    the_index_follows_what_is_written,
    an_index_that_does_not_open_is_made_anew,
    an_erased_person_is_in_no_file,
    lists_are_searched_by_every_field,
    whoever_is_named_by_a_field_is_found_by_the_name_that_stands,
);

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

async fn hits(actor: &Actor<'_>, words: &str) -> Vec<Value> {
    let body = actor.get(&format!("/api/v1/search?q={}", encoded(words))).await.expect(200).body;
    assert_eq!(body["ready"], true);
    body["items"].as_array().unwrap().clone()
}

#[track_caller]
fn ids(hits: &[Value]) -> Vec<&str> {
    hits.iter().map(|hit| hit["id"].as_str().unwrap()).collect()
}

async fn words_find_records_by_what_any_field_says(world: &World) {
    let admin = world.admin();
    let note = id(&admin.defines(json!({"entity": "customer", "type": "longText", "name": "Note"})).await);
    let tier = admin
        .defines(json!({"entity": "customer", "type": "select", "name": "Tier",
            "options": [{"label": "Quokka plan"}, {"label": "Wombat plan"}]}))
        .await;
    let phone = id(&admin.defines(json!({"entity": "customer", "type": "phone", "name": "Telephone"})).await);
    let country = id(&admin.defines(json!({"entity": "organization", "type": "text", "name": "Country"})).await);
    let (customer, other) = (world.customer().account(), world.other_customer().account());
    let agent = world.agent();
    agent.writes(&customer, &note, json!("Zürich, Straßenbahn numbat 9")).await.expect(200);
    agent.writes(&customer, &id(&tier), tier["options"][0]["id"].clone()).await.expect(200);
    agent.writes(&other, &id(&tier), tier["options"][1]["id"].clone()).await.expect(200);
    agent.writes(&customer, &phone, json!("+49 30 901820")).await.expect(200);
    let whole = agent.get(&format!("/api/v1/customers/{customer}")).await.expect(200).body;
    let organization = id(&whole["organizations"][0]);
    let path = format!("/api/v1/organizations/{organization}/values/{country}");
    agent.put(&path, "\"v0\"", json!({"value": "Numbatland"})).await.expect(200);

    for (words, expected) in [
        ("strassenbahn", vec![customer.as_str()]),
        ("zurich num", vec![&customer]),
        ("numbat zur", vec![&customer]),
        ("num zurich", vec![]),
        ("numbat ", vec![&customer]),
        ("numb", vec![&customer, &organization]),
        ("zurich quokka", vec![&customer]),
        ("plan wom", vec![&other]),
        ("4930901", vec![&customer]),
        // One letter wrong in seven, and two exchanged in twelve.
        ("quokka zuric", vec![&customer]),
        ("strasesnbahn", vec![&customer]),
        ("numbatlend", vec![&organization]),
        ("zurich wombat", vec![]),
        ("zorro", vec![]),
        ("", vec![]),
        ("?!", vec![]),
    ] {
        let found = hits(&agent, words).await;
        let (found, expected): (BTreeSet<_>, BTreeSet<_>) =
            (ids(&found).into_iter().collect(), expected.into_iter().collect());
        assert_eq!(found, expected, "{words}");
    }
    let found = hits(&agent, "numbat").await;
    assert_eq!(found[0]["field"], json!({"id": note, "value": "Zürich, Straßenbahn numbat 9"}), "{found:?}");
    let name = &whole["displayName"].as_str().unwrap();
    let found = hits(&agent, name).await;
    assert_eq!((found[0]["id"].as_str(), &found[0]["field"]), (Some(customer.as_str()), &Value::Null));
    let long = agent.get(&format!("/api/v1/search?q={}", "x".repeat(256))).await.expect(422);
    assert_eq!((&long.body["errors"][0]["pointer"], &long.body["errors"][0]["limit"]), (&json!("/q"), &json!(255)));
    for limit in [0, 21] {
        let refused = agent.get(&format!("/api/v1/search?q=x&limit={limit}")).await.expect(422);
        assert_eq!(
            (&refused.body["errors"][0]["pointer"], &refused.body["errors"][0]["limit"]),
            (&json!("/limit"), &json!(20))
        );
    }
}

async fn what_somebody_may_not_see_finds_nothing(world: &World) {
    let field = world.admin().defines_text("Secret", "agents").await;
    let customer = world.customer().account();
    world.agent().writes(&customer, &field, json!("bandicoot")).await.expect(200);
    assert_eq!(ids(&hits(&world.agent(), "bandicoot").await), [customer.as_str()]);
    world.customer().get("/api/v1/search?q=bandicoot").await.expect(403);
    world.other_customer().get("/api/v1/search?q=bandicoot").await.expect(403);
    let stands = world.admin().get(&format!("/api/v1/fields/{field}")).await.expect(200);
    let path = format!("/api/v1/fields/{field}");
    world.admin().ask(axum::http::Method::DELETE, &path, Some(&stands.etag()), None).await.expect(204);
    assert!(hits(&world.agent(), "bandicoot").await.is_empty(), "a retired field finds nothing");
}

async fn the_index_follows_what_is_written(world: &World) {
    let field = world.admin().defines_text("Animal", "agents").await;
    let customer = world.customer().account();
    let agent = world.agent();
    assert!(hits(&agent, "potoroo").await.is_empty());
    let written = agent.writes(&customer, &field, json!("potoroo")).await.expect(200);
    assert_eq!(ids(&hits(&agent, "potoroo").await), [customer.as_str()]);
    let path = format!("/api/v1/customers/{customer}/values/{field}");
    agent.put(&path, &written.etag(), json!({"value": "bettong"})).await.expect(200);
    assert!(hits(&agent, "potoroo").await.is_empty(), "what was there before is not found");
    assert_eq!(ids(&hits(&agent, "bettong").await), [customer.as_str()]);
}

fn index_files(world: &World, tenant: kernel::TenantId) -> Vec<std::path::PathBuf> {
    let folder = world.folder.path().join("data/search").join(tenant.to_string());
    let files = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    files.filter(|path| path.metadata().unwrap().len() > 0).collect()
}

async fn an_index_that_does_not_open_is_made_anew(world: &World) {
    let field = world.admin().defines_text("Animal", "agents").await;
    let customer = world.customer().account();
    let agent = world.agent();
    agent.writes(&customer, &field, json!("quoll")).await.expect(200);
    assert_eq!(hits(&agent, "quoll").await.len(), 1);
    let tenant = world.tenant().await;
    let files = index_files(world, tenant);
    assert!(files.len() > 3, "it lies on the disk: {files:?}");
    // A byte flipped in each file, as another program finds them that starts here.
    for path in &files {
        let mut bytes = std::fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(path, bytes).unwrap();
    }
    // A new key of the week: what lies under an older one is not gone on with.
    world.program.vault.rotate(tenant, kernel::KeyClass::Names, world.clock.now()).await.unwrap();
    assert_eq!(ids(&hits(&agent, "quoll").await), [customer.as_str()]);
}

async fn an_erased_person_is_in_no_file(world: &World) {
    let field = world.admin().defines_text("Animal", "agents").await;
    let (customer, other) = (world.customer().account(), world.other_customer().account());
    let agent = world.agent();
    agent.writes(&customer, &field, json!("thylacine")).await.expect(200);
    agent.writes(&other, &field, json!("thylacoleo")).await.expect(200);
    assert_eq!(hits(&agent, "thyla").await.len(), 2);
    let tenant = world.tenant().await;
    let before: Vec<(std::path::PathBuf, Vec<u8>)> =
        index_files(world, tenant).into_iter().map(|path| (path.clone(), std::fs::read(&path).unwrap())).collect();
    let keys = || async {
        let subject = vault::Subject::Cache(vault::Cache::Search);
        world.program.vault.keys_of(tenant, kernel::KeyClass::Names, subject, world.clock.now()).await.unwrap()
    };
    let opens = |keys: &vault::Keys, path: &std::path::Path, bytes: &[u8]| {
        let name = path.file_name().unwrap().to_str().unwrap();
        let place = vault::Place::new(customers::FILES[0], kernel::RowName::new().text(name));
        keys.open_file(&place, bytes).ok()
    };
    let old = keys().await;
    assert!(before.iter().all(|(path, bytes)| opens(&old, path, bytes).is_some()), "sealed under the cache's key");
    drop(old);

    let account = kernel::AccountId::new(customer.clone()).unwrap();
    assert!(world.program.vault.destroy_subject(tenant, &account).await.unwrap());
    let new = keys().await;
    assert!(before.iter().all(|(path, bytes)| opens(&new, path, bytes).is_none()), "what was copied before is shut");
    // It is made anew without them, and others are still found.
    assert_eq!(ids(&hits(&agent, "thylacoleo").await), [other.as_str()]);
    assert!(hits(&agent, "thylacine").await.iter().all(|hit| hit["id"] != customer.as_str()));
    let after = index_files(world, tenant);
    let opens_now = |path: &std::path::PathBuf| opens(&new, path, &std::fs::read(path).unwrap()).is_some();
    assert!(after.iter().all(opens_now), "nothing is left of the index before");
}

async fn lists_are_searched_by_every_field(world: &World) {
    let field = world.admin().defines_text("Animal", "agents").await;
    let customer = world.customer().account();
    let agent = world.agent();
    agent.writes(&customer, &field, json!("greater bilby")).await.expect(200);
    for path in ["search=bilb", "search=BILBY%20gr", "query=bilby"] {
        let page = agent.get(&format!("/api/v1/customers?{path}")).await.expect(200).body;
        let found: Vec<_> = page["items"].as_array().unwrap().iter().map(|item| item["accountId"].clone()).collect();
        assert_eq!(found, [json!(customer)], "{path}");
    }
}

async fn whoever_is_named_by_a_field_is_found_by_the_name_that_stands(world: &World) {
    let field =
        id(&world.admin().defines(json!({"entity": "customer", "type": "user", "name": "Looked after by"})).await);
    let colleague = world.colleague().account();
    let calls = |name: &'static str| {
        let colleague = &colleague;
        async move {
            let rename = |account: &mut sandbox::state::model::Account| account.display_name = name.to_owned();
            let nobody = sandbox::events::Actor::default();
            world.jira.state().edit_account(&nobody, colleague, rename).unwrap();
            world.jira.deliveries_settled().await;
            world.program.runner.drain().await.unwrap();
            // The directory is read again after two minutes at most.
            world.clock.advance(std::time::Duration::from_secs(180));
        }
    };
    let customer = world.customer().account();
    let agent = world.agent();
    calls("Wilhelmina Wallaroo").await;
    agent.writes(&customer, &field, json!(colleague)).await.expect(200);
    assert!(ids(&hits(&agent, "wallaroo").await).contains(&customer.as_str()));
    calls("Wilhelmina Quokka").await;
    assert!(ids(&hits(&agent, "quokka").await).contains(&customer.as_str()));
    assert!(hits(&agent, "wallaroo").await.is_empty(), "nobody is called so any more");
    // What is asked for by the person is asked by the id, and stays.
    let query = encoded(&format!("\"Looked after by\" = \"{colleague}\""));
    let page = agent.get(&format!("/api/v1/customers?query={query}")).await.expect(200).body;
    assert_eq!(page["items"][0]["accountId"], customer.as_str());
}

/// The fields of a company, with values for a third of its people, and queries about them that nobody thought of.
struct Company {
    /// What each is called in a query, and what it is compared with.
    fields: Vec<(String, Vec<String>)>,
    /// Those that a list can be put in the order of.
    orders: Vec<String>,
    /// Who wrote the values, as a query names them.
    author: String,
}

impl Company {
    async fn of(world: &World) -> Self {
        let admin = world.admin();
        let agent = world.agent();
        let people: Vec<Value> =
            agent.get("/api/v1/customers?limit=100").await.expect(200).body["items"].as_array().unwrap().clone();
        let organizations: Vec<Value> =
            agent.get("/api/v1/organizations?limit=100").await.expect(200).body["items"].as_array().unwrap().clone();
        let product = |name: &'static str| async move {
            let made = world.admin().post("/api/v1/products", json!({"name": name})).await.expect(201).body;
            id(&made)
        };
        let products = [product("Premium").await, product("Fleet").await];
        // One in force, one that is over, one to come, one without an end; to each of two products.
        let terms = [
            json!({"startsOn": "2026-01-01", "endsOn": "2026-12-10", "limit": 5}),
            json!({"endsOn": "2026-06-30"}),
            json!({"startsOn": "2027-01-01", "limit": 100}),
            json!({}),
        ];
        for (place, owner) in organizations.iter().enumerate().filter(|(place, _)| place % 3 != 0) {
            for (nth, product) in products.iter().enumerate().filter(|(nth, _)| *nth == 0 || place % 2 == 0) {
                let path = format!("/api/v1/organizations/{}/entitlements/{product}", owner["id"].as_str().unwrap());
                agent.put(&path, "\"v0\"", terms[(place + nth) % terms.len()].clone()).await.expect(200);
            }
        }
        let words = |some: &[&str]| some.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
        // By their ids, which Jira need not be asked about.
        let (viewer, somebody) = (agent.account(), people[0]["accountId"].as_str().unwrap().to_owned());
        let named = [&viewer, &somebody].map(|account| format!("\"{account}\""));
        // More words than the index reads of a text.
        let long = format!("{}ending", "many words ".repeat(1_500));
        let kinds: [(&str, Value, Vec<String>); 12] = [
            (
                "text",
                json!(["alpha beta", "Beta", "gamma delta", ""]),
                words(&["alpha", "\"alpha beta\"", "beta", "del*", "EMPTY"]),
            ),
            (
                "longText",
                json!(["Calls before noon.\nNever on Mondays.", long, "Noon"]),
                words(&["noon", "\"before noon\"", "mond*", "ending", "\"many ending\"", "EMPTY"]),
            ),
            (
                "url",
                json!(["https://example.com/a?b=c", "https://sub.example.org/"]),
                words(&["\"https://example.com/a?b=c\"", "example", "sub*", "EMPTY"]),
            ),
            (
                "email",
                json!(["ana@example.com", "ben.b@example.org"]),
                words(&["\"ana@example.com\"", "example", "ben*", "EMPTY"]),
            ),
            ("number", json!([1, -2.5, 1000, 0]), words(&["1", "-2.5", "0", "999", "EMPTY"])),
            (
                "date",
                json!(["2026-11-22", "2026-12-31", "2025-01-01"]),
                words(&["2026-11-22", "0d", "40d", "-1y", "EMPTY"]),
            ),
            (
                "dateTime",
                json!(["2026-11-22T23:30:00Z", "2026-11-23T01:00:00Z"]),
                words(&["2026-11-22", "2026-11-23", "0d", "1d", "EMPTY"]),
            ),
            ("boolean", json!([true, false]), words(&["true", "false", "EMPTY"])),
            ("select", json!(["Gold", "Silver"]), words(&["Gold", "Silver", "EMPTY"])),
            ("multiSelect", json!(["Gold", "Silver"]), words(&["Gold", "Silver", "EMPTY"])),
            ("phone", json!(["+4930901820", "+12025550123"]), words(&["+4930901820", "EMPTY"])),
            ("user", json!([viewer, somebody]), words(&["currentUser()", &named[0], &named[1], "EMPTY"])),
        ];
        // Of every third who has a value, what is written over it later.
        let mut later = Vec::new();
        let mut orders = words(&["name", "email", "active", "updated", "timeZone", "accountId"]);
        let mut fields = vec![
            ("name".to_owned(), words(&["a*", "EMPTY", "nobody"])),
            ("email".to_owned(), words(&["EMPTY", "example"])),
            ("active".to_owned(), words(&["true", "false"])),
            ("organization".to_owned(), words(&["EMPTY", "nobody"])),
            ("project".to_owned(), words(&["IT", "CARE", "EMPTY"])),
            ("updated".to_owned(), words(&["-1d", "1d"])),
            ("organization.entitlement".to_owned(), words(&["Premium", "Fleet", "EMPTY"])),
            ("organization.entitlement.ends".to_owned(), words(&["30d", "0d", "2026-06-30", "EMPTY"])),
            ("organization.entitlement.starts".to_owned(), words(&["2027-01-01", "0d", "EMPTY"])),
            ("organization.entitlement.limit".to_owned(), words(&["5", "100", "EMPTY"])),
        ];
        for (entity, list, owners, key) in
            [("customer", "customers", &people, "accountId"), ("organization", "organizations", &organizations, "id")]
        {
            for (kind, values, wanted) in &kinds {
                let mut body = json!({"entity": entity, "type": kind, "name": format!("{entity} {kind}")});
                let labels = values.as_array().unwrap();
                if kind.ends_with("elect") {
                    body["options"] = labels.iter().map(|label| json!({"label": label})).collect();
                }
                if *kind == "boolean" {
                    body["default"] = json!(true);
                }
                let field = admin.defines(body).await;
                let options: Vec<Value> =
                    field["options"].as_array().unwrap().iter().map(|option| option["id"].clone()).collect();
                let value = |nth: usize| match *kind {
                    "select" => options[nth % options.len()].clone(),
                    "multiSelect" => json!([options[nth % options.len()]]),
                    _ => labels[nth % labels.len()].clone(),
                };
                for (place, owner) in owners.iter().enumerate().filter(|(place, _)| place % 3 == 0) {
                    let path = format!("/api/v1/{list}/{}/values/{}", owner[key].as_str().unwrap(), id(&field));
                    let written = agent.put(&path, "\"v0\"", json!({"value": value(place)})).await.expect(200);
                    if place % 9 == 0 {
                        later.push((path, written.etag(), value(place + 1)));
                    }
                }
                let scope = if entity == "organization" { "organization." } else { "" };
                fields.push((format!("{scope}\"{entity} {kind}\""), wanted.clone()));
                // People give no order, and neither do organizations, of which a customer may have several.
                if entity == "customer" && *kind != "user" {
                    orders.push(format!("\"customer {kind}\""));
                }
            }
        }
        world.clock.advance(std::time::Duration::from_secs(3_600));
        for (path, etag, value) in later {
            agent.put(&path, &etag, json!({"value": value})).await.expect(200);
        }
        let [author, _] = named;
        Self { fields, orders, author }
    }

    fn order(&self, field: usize, descending: bool) -> String {
        let field = &self.orders[field % self.orders.len()];
        format!(" ORDER BY {field}{}", if descending { " DESC" } else { "" })
    }

    /// What a field of the company's own was, or how it changed, before and after the later ones were written.
    fn history(&self, field: usize, form: usize, value: usize) -> String {
        const BETWEEN: &str = "2026-11-22T09:30:00Z";
        let own: Vec<_> = self.fields.iter().filter(|(name, _)| name.contains('"')).collect();
        let (name, wanted) = own[field % own.len()];
        let (wanted, first) = (&wanted[value % wanted.len()], &wanted[0]);
        match form % 9 {
            0 => format!("{name} WAS {wanted}"),
            1 => format!("{name} WAS NOT {wanted}"),
            2 => format!("{name} WAS IN ({wanted}, {first})"),
            3 => format!("{name} WAS {wanted} BEFORE {BETWEEN}"),
            4 => format!("{name} WAS {wanted} AFTER {BETWEEN} BY {}", self.author),
            5 => format!("{name} CHANGED"),
            6 => format!("{name} CHANGED FROM {wanted}"),
            7 => format!("{name} CHANGED TO {wanted} AFTER {BETWEEN}"),
            _ => format!("{name} CHANGED BY {} BEFORE {BETWEEN}", self.author),
        }
    }

    fn condition(&self, field: usize, operator: usize, value: usize) -> String {
        // Some: each has histories read, record by record.
        if operator >= 94 {
            return self.history(field, value, value / 9);
        }
        let (name, wanted) = &self.fields[field % self.fields.len()];
        let wanted = &wanted[value % wanted.len()];
        match operator % 8 {
            0 => format!("{name} IS EMPTY"),
            1 => format!("{name} IS NOT EMPTY"),
            2 => format!("{name} = {wanted}"),
            3 => format!("{name} != {wanted}"),
            4 => format!("{name} < {wanted}"),
            5 => format!("{name} >= {wanted}"),
            6 => format!("{name} ~ {wanted}"),
            _ => format!("{name} IN ({wanted}, {})", self.fields[field % self.fields.len()].1[0]),
        }
    }
}

/// What a query finds, in its order, or that it means nothing; `looks` where each record must be looked at for it.
async fn found(script: &Script<'_>, query: &str, looks: bool) -> Option<Vec<String>> {
    // Within its limit.
    script.world.clock.advance(std::time::Duration::from_secs(1));
    let answer = script.get(&format!("/api/v1/customers?limit=100&query={}", encoded(query))).await;
    if answer.status == 422 {
        return None;
    }
    let body = answer.expect(200).body;
    assert!(!looks || body["lookedThrough"] == true, "the index answers: {query}");
    Some(body["items"].as_array().unwrap().iter().map(|item| item["accountId"].as_str().unwrap().to_owned()).collect())
}

/// Queries that are asked of each in CI. On a laptop fewer meet every pair of kinds and operators many times too.
const QUERIES: usize = 10_000;

/// `STEWARD_QUERIES` says another number.
fn queries() -> usize {
    let ci = std::env::var("CI").as_deref() == Ok("true");
    let asked = std::env::var("STEWARD_QUERIES").map(|count| count.parse().unwrap());
    let count = asked.unwrap_or(if ci { QUERIES } else { QUERIES / 4 });
    assert!(!ci || count >= QUERIES, "fewer STEWARD_QUERIES are for laptops");
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_and_a_look_at_each_record_agree() {
    let world = World::start().await;
    Box::pin(agree(&world, queries())).await;
    world.end().await;
}

/// A few of them: what differs is how records are read, not what queries mean.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_and_a_look_at_each_record_agree_on_postgres() {
    let Some(world) = World::start_on_postgres().await else { return };
    Box::pin(agree(&world, queries() / 20)).await;
    world.end().await;
}

async fn agree(world: &World, count: usize) {
    let company = Company::of(world).await;
    let script = world.script("Queries", &["customers:read", "organizations:read", "fields:read"]).await;
    let mut runner = TestRunner::deterministic();
    let one = (0..100usize, 0..100usize, 0..100usize);
    let parts = proptest::collection::vec((one, proptest::bool::ANY, proptest::bool::ANY), 1..4);
    let shape = (parts, proptest::option::weighted(0.25, (0..100usize, proptest::bool::ANY)));
    let (mut meant, mut narrowed, mut ordered, mut mixed) = (0, 0, 0, 0);
    let somebody = world.jira.visitor("agent").unwrap().account_id;
    for at in 1..=count {
        // Jira's access, which lasts some hours, comes with whatever it tells.
        if at % 2_000 == 0 {
            world.jira.state().edit_account(&sandbox::events::Actor::default(), &somebody, |_| {}).unwrap();
            world.jira.deliveries_settled().await;
            world.program.runner.drain().await.unwrap();
        }
        let (parts, order) = shape.new_tree(&mut runner).unwrap().current();
        let mut query = String::new();
        for ((field, operator, value), and, not) in parts {
            if !query.is_empty() {
                query = format!("({query}) {} ", if and { "AND" } else { "OR" });
            }
            let condition = company.condition(field, operator, value);
            query += &if not { format!("NOT {condition}") } else { condition };
        }
        let order = order.map(|(field, descending)| company.order(field, descending)).unwrap_or_default();
        let Some(by_index) = found(&script, &format!("{query}{order}"), false).await else { continue };
        meant += 1;
        ordered += usize::from(!order.is_empty() && by_index.len() > 1);
        // What is asked of now beside what is asked of before.
        let of_before = query.contains(" WAS ") || query.contains(" CHANGED");
        mixed += usize::from(of_before && query.contains('(') && !by_index.is_empty());
        // Nothing was changed in what is yet to come; the index knows nothing of when, so each record is looked at.
        let looked_at = format!("({query}) OR updated > 9000d{order}");
        let by_looking = found(&script, &looked_at, true).await.unwrap();
        narrowed += usize::from(!by_looking.is_empty());
        let (index, looks): (BTreeSet<_>, BTreeSet<_>) = (by_index.iter().collect(), by_looking.iter().collect());
        let (more, less) = (index.difference(&looks).count(), looks.difference(&index).count());
        assert_eq!((more, less), (0, 0), "found too many, too few: {query}{order}");
        assert_eq!(by_index, by_looking, "in another order: {query}{order}");
    }
    let told =
        format!("{meant} meant something, {narrowed} found somebody, {ordered} some in an order, {mixed} by histories");
    assert!(meant > count / 3 && narrowed > count / 10 && ordered > count / 50 && mixed >= count / 200, "{told}");
}
