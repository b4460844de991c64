//! Products and entitlements as people and scripts meet them: given, changed, withdrawn, gone back to, asked of, carried
//! out in files, and shown to whom they may be. On both databases.

use axum::http::Method;
use serde_json::{Value, json};

use crate::world::{Actor, Answer, World};

on_both!(
    an_entitlement_is_given_changed_withdrawn_and_gone_back_to,
    what_was_changed_meanwhile_is_not_overwritten,
    mistakes_are_told_at_their_place,
    a_retired_product_stands_and_is_given_to_nobody,
    customers_see_what_is_open_to_them_without_notes,
    it_stands_beside_the_request_and_in_files,
    queries_ask_of_it_whether_by_the_index_or_by_looking,
    a_script_needs_its_scope,
);

async fn product(world: &World, name: &str, audience: &str) -> String {
    let wanted = json!({"name": name, "audience": audience});
    world.admin().post("/api/v1/products", wanted).await.expect(201).body["id"].as_str().unwrap().to_owned()
}

/// The first organization of the customer.
async fn organization(world: &World) -> String {
    let customer = world.customer().account();
    let whole = world.agent().get(&format!("/api/v1/customers/{customer}")).await.expect(200).body;
    whole["organizations"][0]["id"].as_str().unwrap().to_owned()
}

fn at(organization: &str, product: &str) -> String {
    format!("/api/v1/organizations/{organization}/entitlements/{product}")
}

async fn listed(actor: &Actor<'_>, organization: &str) -> Vec<Value> {
    let page = actor.get(&format!("/api/v1/organizations/{organization}/entitlements")).await.expect(200).body;
    page["items"].as_array().unwrap().clone()
}

async fn changes(actor: &Actor<'_>, organization: &str) -> Vec<Value> {
    let page = actor.get(&format!("/api/v1/organizations/{organization}/entitlement-history")).await.expect(200).body;
    page["items"].as_array().unwrap().clone()
}

async fn withdraws(actor: &Actor<'_>, path: &str, etag: &str) -> Answer {
    actor.ask(Method::DELETE, path, Some(etag), None).await
}

async fn an_entitlement_is_given_changed_withdrawn_and_gone_back_to(world: &World) {
    let (premium, of) = (product(world, "Premium support", "agents").await, organization(world).await);
    let agent = world.agent();
    let terms =
        json!({"startsOn": "2026-01-01", "endsOn": "2026-12-10", "limit": 25.0, "unit": "seats", "note": "By phone."});
    let given = agent.put(&at(&of, &premium), "\"v0\"", terms.clone()).await.expect(200);
    assert_eq!((&given.body["terms"], &given.body["state"]), (&terms, &json!("expiring")));
    assert_eq!(given.body["updatedBy"]["accountId"], agent.account());
    let renewed =
        json!({"startsOn": "2026-01-01", "endsOn": "2027-12-10", "limit": 30.0, "unit": "seats", "note": null});
    let changed = agent.put(&at(&of, &premium), &given.etag(), renewed.clone()).await.expect(200);
    assert_eq!((&changed.body["terms"], &changed.body["state"]), (&renewed, &json!("active")));
    let same = agent.put(&at(&of, &premium), &changed.etag(), renewed.clone()).await.expect(200);
    assert_eq!(same.body["version"], changed.body["version"], "what says the same changes nothing");
    let gone = withdraws(&agent, &at(&of, &premium), &changed.etag()).await.expect(200);
    assert_eq!((&gone.body["terms"], &gone.body["state"]), (&Value::Null, &Value::Null));
    assert!(listed(&agent, &of).await.is_empty());

    let kept = changes(&agent, &of).await;
    let told: Vec<_> = kept.iter().map(|entry| (&entry["action"], &entry["from"], &entry["to"])).collect();
    let (set, cleared) = (json!("set"), json!("cleared"));
    let expected = [(&cleared, &renewed, &Value::Null), (&set, &terms, &renewed), (&set, &Value::Null, &terms)];
    assert_eq!(told, expected);
    let first = kept[2]["id"].as_str().unwrap();
    let back = format!("/api/v1/organizations/{of}/entitlement-history/{first}/restore");
    let restored = agent.ask(Method::POST, &back, Some(&gone.etag()), None).await.expect(200);
    assert_eq!(restored.body["terms"], terms);
    assert_eq!(changes(&agent, &of).await[0]["action"], "restored");
    assert_eq!(listed(&agent, &of).await.len(), 1);
    let page = agent.get(&format!("/api/v1/organizations/{of}/entitlement-history?limit=3")).await.expect(200).body;
    let next = page["nextCursor"].as_str().unwrap();
    let path = format!("/api/v1/organizations/{of}/entitlement-history?limit=3&cursor={next}");
    assert_eq!(agent.get(&path).await.expect(200).body["items"].as_array().unwrap().len(), 1);

    let ledger = crate::queries::ledger(world).await;
    let kinds: Vec<_> =
        ledger.iter().map(|entry| entry.kind.as_str()).filter(|kind| kind.contains("entitlement")).collect();
    let (set, withdrawn) = ("customers.entitlement_set", "customers.entitlement_withdrawn");
    assert_eq!(kinds, [set, set, withdrawn, "customers.entitlement_restored"]);
}

async fn what_was_changed_meanwhile_is_not_overwritten(world: &World) {
    let (premium, of) = (product(world, "Premium support", "agents").await, organization(world).await);
    let agent = world.agent();
    agent.put(&at(&of, &premium), "\"v0\"", json!({"limit": 1})).await.expect(200);
    let late = world.admin().put(&at(&of, &premium), "\"v0\"", json!({"limit": 2})).await.expect(412);
    assert_eq!(late.body["current"]["terms"]["limit"], 1.0);
    assert_eq!(listed(&agent, &of).await[0]["terms"]["limit"], 1.0);
    agent.ask(Method::PUT, &at(&of, &premium), None, Some(json!({}))).await.expect(428);
    let products = world.admin().get("/api/v1/products").await.expect(200).body["items"].clone();
    let path = format!("/api/v1/products/{premium}");
    let etag = format!("\"v{}\"", products[0]["version"]);
    world.admin().put(&path, &etag, json!({"name": "Gold support"})).await.expect(200);
    world.admin().put(&path, &etag, json!({"name": "Silver support"})).await.expect(412);
    assert_eq!(listed(&agent, &of).await[0]["productName"], "Gold support");
}

async fn mistakes_are_told_at_their_place(world: &World) {
    let (premium, of) = (product(world, "Premium support", "agents").await, organization(world).await);
    let agent = world.agent();
    for (terms, pointer, code) in [
        (json!({"startsOn": "01.02.2026"}), "/startsOn", "format"),
        (json!({"startsOn": "2026-02-01", "endsOn": "2026-01-31"}), "/endsOn", "order"),
        (json!({"limit": -1}), "/limit", "range"),
        (json!({"unit": "seats"}), "/limit", "required"),
        (json!({"note": "x".repeat(2_001)}), "/note", "too_long"),
    ] {
        let wrong = agent.put(&at(&of, &premium), "\"v0\"", terms.clone()).await.expect(422).body;
        assert_eq!((&wrong["errors"][0]["pointer"], &wrong["errors"][0]["code"]), (&json!(pointer), &json!(code)));
    }
    withdraws(&agent, &at(&of, &premium), "\"v0\"").await.expect(404);
    agent.put(&at("9999", &premium), "\"v0\"", json!({})).await.expect(404);
    let nothing = uuid::Uuid::nil().to_string();
    agent.put(&at(&of, &nothing), "\"v0\"", json!({})).await.expect(404);
    let admin = world.admin();
    let twice = admin.post("/api/v1/products", json!({"name": " premium  SUPPORT "})).await.expect(422).body;
    assert_eq!((&twice["errors"][0]["pointer"], &twice["errors"][0]["code"]), (&json!("/name"), &json!("not_unique")));
    world.agent().post("/api/v1/products", json!({"name": "Mine"})).await.expect(403);
}

async fn a_retired_product_stands_and_is_given_to_nobody(world: &World) {
    let (premium, of) = (product(world, "Premium support", "agents").await, organization(world).await);
    let (admin, agent) = (world.admin(), world.agent());
    let given = agent.put(&at(&of, &premium), "\"v0\"", json!({"limit": 1})).await.expect(200);
    let product = admin.get("/api/v1/products").await.expect(200).body["items"][0].clone();
    let path = format!("/api/v1/products/{premium}");
    let retired = json!({"name": "Premium support", "retired": true});
    let retired = admin.put(&path, &format!("\"v{}\"", product["version"]), retired).await.expect(200);
    assert_eq!(listed(&agent, &of).await[0]["productRetired"], true);
    let changed = agent.put(&at(&of, &premium), &given.etag(), json!({"limit": 2})).await.expect(200);
    let gone = withdraws(&agent, &at(&of, &premium), &changed.etag()).await.expect(200);
    let refused = agent.put(&at(&of, &premium), &gone.etag(), json!({"limit": 3})).await.expect(422).body;
    assert_eq!(refused["code"], "retired");
    admin.put(&path, &retired.etag(), json!({"name": "Premium support"})).await.expect(200);
    agent.put(&at(&of, &premium), &gone.etag(), json!({"limit": 3})).await.expect(200);
}

async fn customers_see_what_is_open_to_them_without_notes(world: &World) {
    let (shown, hidden) = (product(world, "Shown", "customerView").await, product(world, "Hidden", "agents").await);
    let of = organization(world).await;
    let agent = world.agent();
    for product in [&shown, &hidden] {
        agent.put(&at(&of, product), "\"v0\"", json!({"limit": 7, "note": "between us"})).await.expect(200);
    }
    let customer = world.customer();
    let path = format!("/api/v1/customers/{}/entitlements", customer.account());
    let own = customer.get(&path).await.expect(200);
    assert!(!own.text.contains("between us") && !own.text.contains("Hidden"), "{}", own.text);
    let held = &own.body["items"][0]["entitlements"];
    assert_eq!(own.body["items"][0]["organizationId"], of.as_str());
    assert_eq!((held.as_array().unwrap().len(), &held[0]["terms"]["limit"]), (1, &json!(7.0)));
    assert_eq!(held[0].get("updatedBy"), None);
    let whole = agent.get(&path).await.expect(200);
    assert_eq!(whole.body["items"][0]["entitlements"].as_array().unwrap().len(), 2);
    assert!(whole.text.contains("between us"));
    world.other_customer().get(&path).await.expect(404);
    customer.get(&format!("/api/v1/organizations/{of}/entitlements")).await.expect(404);
    customer.get(&format!("/api/v1/organizations/{of}/entitlement-history")).await.expect(404);
    customer.put(&at(&of, &shown), "\"v1\"", json!({})).await.expect(404);
    customer.get("/api/v1/products").await.expect(403);
}

async fn it_stands_beside_the_request_and_in_files(world: &World) {
    let (premium, of) = (product(world, "Premium support", "agents").await, organization(world).await);
    let agent = world.agent();
    let terms = json!({"startsOn": "2026-01-01", "endsOn": "2026-12-31", "limit": 25, "unit": "seats"});
    agent.put(&at(&of, &premium), "\"v0\"", terms).await.expect(200);
    let panel = agent.get(&format!("/api/v1/panel?issue={}", world.issue())).await.expect(200).body;
    let organizations = panel["selected"]["organizations"].as_array().unwrap();
    let beside = organizations.iter().find(|organization| organization["id"] == of.as_str()).unwrap();
    assert_eq!(beside["entitlements"][0]["productName"], "Premium support");
    let asked = json!({"format": "json", "columns": ["name", "entitlements"]});
    let file = agent.post("/api/v1/organizations/export", asked).await.expect(200).text;
    assert!(file.contains("Premium support, 2026-01-01 to 2026-12-31, 25 seats"), "{file}");
}

async fn found(agent: &Actor<'_>, entity: &str, query: &str) -> (Vec<String>, bool) {
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let page = agent.get(&format!("/api/v1/{entity}?limit=100&query={query}")).await.expect(200).body;
    let key = if entity == "customers" { "accountId" } else { "id" };
    let ids = page["items"].as_array().unwrap().iter().map(|item| item[key].as_str().unwrap().to_owned());
    (ids.collect(), page["lookedThrough"] == true)
}

async fn queries_ask_of_it_whether_by_the_index_or_by_looking(world: &World) {
    let premium = product(world, "Premium support", "agents").await;
    let fleet = product(world, "Fleet tracker", "agents").await;
    let agent = world.agent();
    let all = agent.get("/api/v1/organizations?limit=100").await.expect(200).body["items"].clone();
    let ids: Vec<&str> = all.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    let (first, second) = (ids[0], ids[1]);
    let soon = json!({"startsOn": "2026-01-01", "endsOn": "2026-12-10", "limit": 25});
    agent.put(&at(first, &premium), "\"v0\"", soon).await.expect(200);
    agent.put(&at(second, &premium), "\"v0\"", json!({"endsOn": "2026-06-30"})).await.expect(200);
    agent.put(&at(second, &fleet), "\"v0\"", json!({"startsOn": "2027-01-01", "limit": 300})).await.expect(200);
    for (query, expected) in [
        ("entitlement = \"premium support\"", vec![first]),
        ("entitlement = \"Fleet tracker\"", vec![]),
        ("entitlement IN (\"Fleet tracker\", \"Premium support\")", vec![first]),
        ("entitlement IS NOT EMPTY", vec![first]),
        ("entitlement.ends < 30d", vec![first, second]),
        ("entitlement.ends < 30d AND entitlement.ends >= 0d", vec![first]),
        ("entitlement.ends < 0d", vec![second]),
        ("entitlement.starts > 0d", vec![second]),
        ("entitlement.limit > 100", vec![second]),
        ("entitlement.limit = 25", vec![first]),
    ] {
        for query in [query.to_owned(), format!("({query}) OR updated > 9000d")] {
            let (mut found, _) = found(&agent, "organizations", &query).await;
            let mut expected = expected.clone();
            found.sort();
            expected.sort();
            assert_eq!(found, expected, "{query}");
        }
    }
    let (none, _) = found(&agent, "organizations", "entitlement IS EMPTY").await;
    assert!(!none.contains(&first.to_owned()) && none.contains(&second.to_owned()) && none.len() == ids.len() - 1);
    let (_, looked) = found(&agent, "organizations", "entitlement.ends < 30d").await;
    assert!(!looked, "the index knows last days");
    let (customers, _) = found(&agent, "customers", "organization.entitlement = \"Premium support\"").await;
    let (members, _) = found(&agent, "customers", &format!("organization = {first}")).await;
    assert!(!members.is_empty());
    assert_eq!(customers, members);

    let asked = json!({"entity": "organization", "query": "entitlement = \"Premium suport\""});
    let wrong = agent.post("/api/v1/queries/check", asked).await.expect(200).body;
    let mistake = &wrong["mistakes"][0];
    assert_eq!((&mistake["code"], &mistake["suggestion"]), (&json!("unknown_product"), &json!("\"Premium support\"")));
    for (typed, offered) in
        [("entitl", "entitlement.ends"), ("entitlement.en", "entitlement.ends"), ("entitlement = ", "Fleet tracker")]
    {
        let query: String = url::form_urlencoded::byte_serialize(typed.as_bytes()).collect();
        let path = format!("/api/v1/queries/completions?entity=organization&query={query}");
        let items = agent.get(&path).await.expect(200).body["items"].clone();
        assert!(items.as_array().unwrap().iter().any(|item| item["label"] == offered), "{typed}: {items}");
    }
    // A view keeps what it means when a product is renamed.
    let view = json!({"entity": "organization", "name": "Supported", "query": "entitlement = \"Premium support\""});
    let view = agent.post("/api/v1/views", view).await.expect(201).body;
    let products = agent.get("/api/v1/products").await.expect(200).body["items"].clone();
    let known = products.as_array().unwrap().iter().find(|product| product["id"] == premium.as_str()).unwrap();
    let path = format!("/api/v1/products/{premium}");
    let etag = format!("\"v{}\"", known["version"]);
    world.admin().put(&path, &etag, json!({"name": "Gold support"})).await.expect(200);
    let read = agent.get(&format!("/api/v1/views/{}", view["id"].as_str().unwrap())).await.expect(200).body;
    assert_eq!(read["query"], "entitlement = \"Gold support\"");
}

async fn a_script_needs_its_scope(world: &World) {
    let (premium, of) = (product(world, "Premium support", "agents").await, organization(world).await);
    let path = format!("/api/v1/organizations/{of}/entitlements");
    let reads = world.script("Reads organizations", &["organizations:read"]).await;
    reads.get(&path).await.expect(200);
    reads.ask(Method::PUT, &at(&of, &premium), &[("if-match", "\"v0\"")], Some(json!({}))).await.expect(403);
    let writes = world.script("Writes organizations", &["organizations:write"]).await;
    let given = writes.ask(Method::PUT, &at(&of, &premium), &[("if-match", "\"v0\"")], Some(json!({}))).await;
    assert_eq!(given.expect(200).body["updatedBy"]["displayName"], "Writes organizations");
    world.script("Reads customers", &["customers:read"]).await.get(&path).await.expect(403);
}
