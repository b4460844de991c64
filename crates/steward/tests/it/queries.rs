//! Queries, completion and exports, as people and scripts meet them: on both databases.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::world::{Actor, World};

on_both!(
    customers_are_found_by_what_is_known_of_them,
    pages_follow_the_querys_order,
    an_order_that_is_kept_says_what_stands,
    a_page_of_rows_is_read_at_once,
    a_list_says_when_it_is_looked_through,
    a_text_is_searched_as_before,
    mistakes_are_told_at_their_place,
    people_are_named_and_kept_by_id,
    what_may_stand_there_is_offered,
    organizations_are_found_too,
    customers_are_found_by_their_projects,
    a_list_leaves_as_a_file,
    a_long_list_leaves_whole,
    a_token_asks_within_its_scopes,
);

pub(crate) fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

/// Everybody whom a query finds, in its order, read page by page.
pub(crate) async fn found(actor: &Actor<'_>, list: &str, query: &str, limit: u32) -> Vec<String> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/{list}?limit={limit}&query={}{cursor}", encoded(query));
        let page = actor.get(&path).await.expect(200).body;
        let key = if list == "customers" { "accountId" } else { "id" };
        ids.extend(page["items"].as_array().unwrap().iter().map(|item| item[key].as_str().unwrap().to_owned()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={}", encoded(next)),
            None => return ids,
        }
    }
}

/// A tier for the customer, two fields more, and who they are.
struct Setting {
    customer: String,
    other: String,
    tier: Value,
    renewal: String,
}

async fn setting(world: &World) -> Setting {
    let admin = world.admin();
    let tier = admin
        .defines(json!({"entity": "customer", "type": "select", "name": "Support tier",
            "options": [{"label": "Gold"}, {"label": "Very gold"}]}))
        .await;
    let renewal = id(&admin.defines(json!({"entity": "customer", "type": "date", "name": "Renewal"})).await);
    let (customer, other) = (world.customer().account(), world.other_customer().account());
    let agent = world.agent();
    let option = |at: usize| tier["options"][at]["id"].clone();
    agent.writes(&customer, &id(&tier), option(0)).await.expect(200);
    // A value that stood for no time at all never was.
    world.clock.advance(std::time::Duration::from_secs(60));
    agent.writes(&customer, &id(&tier), option(1)).await.expect(200);
    agent.writes(&other, &id(&tier), option(0)).await.expect(200);
    // The world stands at 2026-11-22.
    agent.writes(&customer, &renewal, json!("2026-12-01")).await.expect(200);
    agent.writes(&other, &renewal, json!("2027-12-01")).await.expect(200);
    Setting { customer, other, tier, renewal }
}

async fn customers_are_found_by_what_is_known_of_them(world: &World) {
    let Setting { customer, other, .. } = setting(world).await;
    let region = id(&world.admin().defines(json!({"entity": "organization", "type": "text", "name": "Country"})).await);
    let agent = world.agent();
    let whole = agent.get(&format!("/api/v1/customers/{customer}")).await.expect(200).body;
    let organization = id(&whole["organizations"][0]);
    let path = format!("/api/v1/organizations/{organization}/values/{region}");
    agent.put(&path, "\"v0\"", json!({"value": "DE"})).await.expect(200);
    let everybody: BTreeSet<String> = found(&agent, "customers", "", 100).await.into_iter().collect();
    for (query, expected) in [
        ("\"Support tier\" = \"Very gold\"", vec![&customer]),
        ("\"support tier\" in (gold)", vec![&other]),
        ("\"Support tier\" IS NOT EMPTY AND renewal < 30d", vec![&customer]),
        ("renewal > 1y", vec![&other]),
        ("\"Support tier\" WAS Gold AND \"Support tier\" != Gold", vec![&customer]),
        ("\"Support tier\" CHANGED FROM Gold TO \"Very gold\" BY currentUser() AFTER -1d", vec![&customer]),
        ("organization.country = de AND renewal IS NOT EMPTY AND \"Support tier\" = \"Very gold\"", vec![&customer]),
        ("updated > -1d ORDER BY renewal DESC", vec![&other, &customer]),
        ("updated > -1d ORDER BY renewal", vec![&customer, &other]),
        ("\"Support tier\" = Gold AND \"Support tier\" IS EMPTY", vec![]),
    ] {
        assert_eq!(found(&agent, "customers", query, 50).await.iter().collect::<Vec<_>>(), expected, "{query}");
    }
    let not: BTreeSet<String> = found(&agent, "customers", "NOT updated > -1d", 7).await.into_iter().collect();
    let two = BTreeSet::from([customer, other]);
    assert_eq!(not, everybody.difference(&two).cloned().collect(), "who is not found is found by NOT");
}

async fn pages_follow_the_querys_order(world: &World) {
    let Setting { customer, other, .. } = setting(world).await;
    let agent = world.agent();
    let by_name = found(&agent, "customers", "", 100).await;
    for query in
        ["ORDER BY name", "name IS NOT EMPTY", "ORDER BY \"Support tier\", name DESC", "active = true ORDER BY renewal"]
    {
        let at_once = found(&agent, "customers", query, 100).await;
        assert_eq!(found(&agent, "customers", query, 3).await, at_once, "{query}: no page repeats or leaves out");
        assert!(at_once.len() > 20);
    }
    let backwards = found(&agent, "customers", "ORDER BY name DESC", 9).await;
    assert_eq!(backwards.len(), by_name.len());
    let sorted = found(&agent, "customers", "ORDER BY renewal", 5).await;
    assert_eq!(sorted[..2], [customer.clone(), other], "what has nothing stands last");
    let unknown = format!("/api/v1/customers?query={}&cursor=nobody", encoded("ORDER BY renewal"));
    assert_eq!(agent.get(&unknown).await.expect(422).body["errors"][0]["pointer"], "/cursor");
    // The cursor's record left the query in between: what follows is still what stands behind it.
    let first = agent
        .get(&format!("/api/v1/customers?limit=1&query={}", encoded("updated > -1d ORDER BY renewal")))
        .await
        .expect(200)
        .body;
    assert_eq!(first["nextCursor"], customer);
    world.clock.advance(std::time::Duration::from_secs(48 * 3600));
    let next = format!(
        "/api/v1/customers?query={}&cursor={}",
        encoded("renewal IS NOT EMPTY AND updated < -1d ORDER BY renewal"),
        encoded(&customer)
    );
    assert_eq!(agent.get(&next).await.expect(200).body["items"].as_array().unwrap().len(), 1);
}

/// The order is worked out once; whatever is written afterwards stands where it belongs, and what no longer matches is gone.
async fn an_order_that_is_kept_says_what_stands(world: &World) {
    let Setting { customer, other, tier, renewal } = setting(world).await;
    let agent = world.agent();
    let third =
        found(&agent, "customers", "", 100).await.into_iter().find(|id| *id != customer && *id != other).unwrap();
    let query = "renewal IS NOT EMPTY ORDER BY renewal";
    assert_eq!(found(&agent, "customers", query, 1).await, [customer.clone(), other.clone()]);
    agent.writes(&third, &renewal, json!("2027-01-01")).await.expect(200);
    assert_eq!(found(&agent, "customers", query, 1).await, [customer.clone(), third.clone(), other.clone()]);
    agent.writes(&customer, &renewal, json!("2027-01-09")).await.expect(200);
    agent.writes(&other, &renewal, Value::Null).await.expect(200);
    assert_eq!(found(&agent, "customers", query, 1).await, [third.clone(), customer.clone()]);
    // Options in another order, and a field that is gone, are another order.
    let by_tier = "\"Support tier\" IS NOT EMPTY ORDER BY \"Support tier\"";
    assert_eq!(found(&agent, "customers", by_tier, 1).await, [other.clone(), customer.clone()]);
    let field = world.admin().get(&format!("/api/v1/fields/{}", id(&tier))).await.expect(200);
    let mut turned = field.body.clone();
    turned["options"].as_array_mut().unwrap().reverse();
    let input = json!({"entity": "customer", "type": "select", "name": "Support tier", "options": turned["options"]});
    let etag = format!("\"v{}\"", field.body["version"]);
    world.admin().put(&format!("/api/v1/fields/{}", id(&tier)), &etag, input).await.expect(200);
    assert_eq!(found(&agent, "customers", by_tier, 1).await, [customer, other]);
    // Time passes: a condition about it means others.
    let soon = "renewal < 45d ORDER BY renewal";
    assert_eq!(found(&agent, "customers", soon, 1).await, std::slice::from_ref(&third));
    world.clock.advance(std::time::Duration::from_secs(5 * 24 * 3600));
    let later = found(&world.agent(), "customers", soon, 1).await;
    assert_eq!(later.first(), Some(&third));
    assert_eq!(later.len(), 2, "{later:?}");
}

async fn a_page_of_rows_is_read_at_once(world: &World) {
    let Setting { customer, other, tier, renewal } = setting(world).await;
    let agent = world.agent();
    let nobody = "nobody-of-this-site";
    let asked = json!({"ids": [other, nobody, customer], "fields": [renewal, "0193a6f2-7c00-7d41-9b1e-2f6c1f0e8a11"]});
    let rows = agent.post("/api/v1/customers/values:read", asked).await.expect(200).body;
    let ids: Vec<_> = rows["items"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [other.as_str(), nobody, customer.as_str()]);
    let values = |at: usize| rows["items"][at]["values"].as_array().unwrap().clone();
    assert_eq!((values(0).len(), values(1).len(), values(2).len()), (1, 0, 1), "only what was asked for: {rows}");
    assert_eq!(values(2)[0]["value"], "2026-12-01");
    let whole = agent.get(&format!("/api/v1/customers/{customer}/values")).await.expect(200).body;
    assert_eq!(rows["items"][2]["version"], whole["version"], "the version is that of all values");
    let many: Vec<String> = (0..101).map(|at| format!("account-{at}")).collect();
    let wrong = agent.post("/api/v1/customers/values:read", json!({"ids": many, "fields": []})).await.expect(422).body;
    assert_eq!((&wrong["errors"][0]["pointer"], &wrong["errors"][0]["limit"]), (&json!("/ids"), &json!(100)));
    let script = world.script("Reader", &["organizations:read"]).await;
    let none = json!({"ids": [], "fields": [id(&tier)]});
    script.post("/api/v1/customers/values:read", none.clone()).await.expect(403);
    script.post("/api/v1/organizations/values:read", none).await.expect(200);
}

async fn a_list_says_when_it_is_looked_through(world: &World) {
    setting(world).await;
    for (query, looked_through) in
        [("", false), ("renewal IS NOT EMPTY", false), ("ORDER BY renewal", false), ("renewal CHANGED AFTER -1d", true)]
    {
        let page = world.agent().get(&format!("/api/v1/customers?query={}", encoded(query))).await.expect(200).body;
        assert_eq!(page["lookedThrough"], looked_through, "{query}");
    }
}

async fn a_text_is_searched_as_before(world: &World) {
    let agent = world.agent();
    let customer = world.jira.visitor("customer").unwrap();
    for path in ["query", "search"] {
        let text = encoded(&customer.display_name);
        let page = agent.get(&format!("/api/v1/customers?{path}={text}")).await.expect(200).body;
        assert!(
            page["items"].as_array().unwrap().iter().any(|item| item["accountId"] == customer.account_id),
            "{path}"
        );
    }
    let both =
        format!("/api/v1/customers?search={}&query={}", encoded(&customer.display_name), encoded("active = false"));
    assert_eq!(agent.get(&both).await.expect(200).body["items"], json!([]));
    agent.get(&format!("/api/v1/customers?search={}", "x".repeat(256))).await.expect(422);
}

async fn mistakes_are_told_at_their_place(world: &World) {
    setting(world).await;
    let agent = world.agent();
    let written = "name ~ \"é😀\" AND renewl < 30d";
    let wrong = agent.get(&format!("/api/v1/customers?query={}", encoded(written))).await.expect(422);
    assert_eq!(wrong.headers["content-type"], "application/problem+json");
    let mistake = &wrong.body["mistakes"][0];
    let offset = written.split("renewl").next().unwrap().encode_utf16().count();
    assert_eq!(
        (&mistake["code"], &mistake["offset"], &mistake["length"]),
        (&json!("unknown_field"), &json!(offset), &json!(6))
    );
    assert_eq!(mistake["suggestion"], "Renewal");
    assert_eq!(wrong.body["errors"][0]["pointer"], "/query");
    assert!(!wrong.text.contains("renewl"), "an error quotes nothing");
    let check = agent
        .post("/api/v1/queries/check", json!({"entity": "customer", "query": "renewal < 30d order by name"}))
        .await
        .expect(200)
        .body;
    assert_eq!(check, json!({"normal": "renewal < 30d ORDER BY name", "mistakes": []}));
    let check =
        agent.post("/api/v1/queries/check", json!({"entity": "customer", "query": "renewal <"})).await.expect(200).body;
    assert_eq!(check["normal"], Value::Null);
    assert_eq!((&check["mistakes"][0]["code"], &check["mistakes"][0]["offset"]), (&json!("syntax"), &json!(9)));
    // A field that is retired is as one that never was.
    let admin = world.admin();
    let field = admin.defines(json!({"entity": "customer", "type": "text", "name": "Hidden thing"})).await;
    let path = format!("/api/v1/fields/{}", id(&field));
    let etag = admin.get(&path).await.expect(200).etag();
    admin.ask(axum::http::Method::DELETE, &path, Some(&etag), None).await.expect(204);
    let ask = |query: &str| json!({"entity": "customer", "query": query});
    let of_retired = agent.post("/api/v1/queries/check", ask("\"Hidden thing\" = x")).await.expect(200).body;
    let of_nothing = agent.post("/api/v1/queries/check", ask("\"Hidden qwert\" = x")).await.expect(200).body;
    assert_eq!(of_retired, of_nothing);
}

async fn people_are_named_and_kept_by_id(world: &World) {
    let manager = id(&world.admin().defines(json!({"entity": "customer", "type": "user", "name": "Manager"})).await);
    let agent = world.agent();
    let visitor = world.jira.visitor("agent").unwrap();
    let customer = world.customer().account();
    agent.writes(&customer, &manager, json!(visitor.account_id)).await.expect(200);
    for name in [&visitor.display_name, &visitor.account_id] {
        let query = format!("manager = \"{name}\"");
        assert_eq!(found(&agent, "customers", &query, 50).await, std::slice::from_ref(&customer), "{query}");
        let check =
            agent.post("/api/v1/queries/check", json!({"entity": "customer", "query": query})).await.expect(200).body;
        assert!(check["normal"].as_str().unwrap().contains(&visitor.account_id), "{check}");
    }
    assert_eq!(found(&agent, "customers", "manager = currentUser()", 50).await, [customer]);
    let unknown = agent.get(&format!("/api/v1/customers?query={}", encoded("manager = Nobody"))).await.expect(422);
    assert_eq!(unknown.body["mistakes"][0]["code"], "unknown_person");
}

async fn what_may_stand_there_is_offered(world: &World) {
    setting(world).await;
    let agent = world.agent();
    let offered = |query: &'static str| {
        let agent = &agent;
        async move {
            let path = format!("/api/v1/queries/completions?entity=customer&query={}", encoded(query));
            agent.get(&path).await.expect(200).body
        }
    };
    let fields = offered("sup").await;
    assert_eq!((&fields["offset"], &fields["length"]), (&json!(0), &json!(3)));
    assert_eq!(
        fields["items"][0],
        json!({"kind": "field", "label": "Support tier", "insert": "\"Support tier\"", "holds": "select"})
    );
    let values = offered("\"Support tier\" = ").await;
    assert_eq!(values["items"][1]["insert"], "\"Very gold\"");
    let organizations = offered("organization = ").await;
    assert!(!organizations["items"].as_array().unwrap().is_empty(), "the directory's own");
    world.customer().get("/api/v1/queries/completions?entity=customer&query=sup").await.expect(403);
}

async fn organizations_are_found_too(world: &World) {
    let hours = id(&world.admin().defines(json!({"entity": "organization", "type": "number", "name": "Hours"})).await);
    let agent = world.agent();
    let all = found(&agent, "organizations", "", 100).await;
    for (place, organization) in all.iter().enumerate().take(3) {
        let path = format!("/api/v1/organizations/{organization}/values/{hours}");
        agent.put(&path, "\"v0\"", json!({"value": place})).await.expect(200);
    }
    assert_eq!(
        found(&agent, "organizations", "hours >= 1 ORDER BY hours DESC", 1).await,
        [all[2].clone(), all[1].clone()]
    );
    assert_eq!(found(&agent, "organizations", "hours IS EMPTY", 2).await, all[3..]);
    assert!(found(&agent, "organizations", "members > 0 ORDER BY members DESC", 50).await.len() > 1);
    agent.get(&format!("/api/v1/organizations?query={}", encoded("email = x"))).await.expect(422);
}

async fn a_list_leaves_as_a_file(world: &World) {
    let Setting { customer, other, tier, renewal } = setting(world).await;
    let note = world.admin().defines_text("=Note", "agents").await;
    let agent = world.agent();
    agent.writes(&customer, &note, json!("=HYPERLINK(\"x\")")).await.expect(200);
    let tenant_rows = ledger(world).await;
    let mut asked = json!({"format": "csv", "query": "updated > -1d ORDER BY renewal", "columns": ["name", id(&tier), renewal, note]});
    let file = agent.post("/api/v1/customers/export", asked.clone()).await.expect(200);
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8; header=present");
    assert_eq!(file.headers["content-disposition"], "attachment; filename=\"customers-2026-11-22.csv\"");
    let lines: Vec<&str> = file.text.trim_start_matches('\u{feff}').split("\r\n").collect();
    assert_eq!(lines[0], "Account ID,Name,Support tier,Renewal,'=Note");
    assert!(
        lines[1].starts_with(&customer) && lines[1].ends_with(",Very gold,2026-12-01,\"'=HYPERLINK(\"\"x\"\")\""),
        "{}",
        lines[1]
    );
    assert!(lines[2].starts_with(&other) && lines[2].ends_with(",Gold,2027-12-01,"), "{}", lines[2]);
    assert_eq!(lines.len(), 4);
    asked["format"] = json!("json");
    let items = agent.post("/api/v1/customers/export", asked.clone()).await.expect(200).body["items"].clone();
    assert_eq!(items[0][note.as_str()], "=HYPERLINK(\"x\")", "JSON is no spreadsheet: the value as it is");
    assert_eq!(items[1]["accountId"], other);
    asked["format"] = json!("xlsx");
    let file = agent.post("/api/v1/customers/export", asked).await.expect(200);
    if let Some(rows) = crate::workbook::rows(&file.bytes) {
        let cell = |at: &str, kind: &str, held: &str| {
            let shown = (kind == "n").then_some("yyyy-mm-dd");
            json!({"at": at, "kind": kind, "held": held, "shown": shown, "formula": false})
        };
        let texts: Vec<_> = rows[0].iter().map(|cell| cell["held"].as_str().unwrap()).collect();
        assert_eq!(texts, ["Account ID", "Name", "Support tier", "Renewal", "=Note"]);
        assert_eq!(rows.len(), 3, "{rows:?}");
        // A day is a number, counted as Excel counts days; what looks like a formula is a text.
        let text = |at: &str, held: &str| cell(at, "inlineStr", held);
        assert_eq!(rows[1][0], text("A2", &customer));
        let told = [text("C2", "Very gold"), cell("D2", "n", "46357"), text("E2", "=HYPERLINK(\"x\")")];
        assert_eq!(rows[1][2..], told);
        assert_eq!(rows[2][0], text("A3", &other));
        assert_eq!(rows[2][2..], [text("C3", "Gold"), cell("D3", "n", "46722")]);
    }
    let whole = agent.post("/api/v1/organizations/export", json!({"format": "json"})).await.expect(200).body;
    assert_eq!(whole["items"].as_array().unwrap().len(), found(&agent, "organizations", "", 100).await.len());
    let written = ledger(world).await;
    let exports: Vec<_> =
        written[tenant_rows.len()..].iter().filter(|entry| entry.kind == "customers.exported").collect();
    assert_eq!(exports.len(), 4);
    let object = exports[0].object.clone().unwrap();
    assert_eq!(object, format!("customer csv rows=2 columns=id,name,{},{renewal},{note}", id(&tier)));
    assert!(exports[0].actor.is_some());
    for wrong in [
        json!({"format": "csv", "columns": ["nothing"]}),
        json!({"format": "csv", "query": "renewl = 1"}),
        json!({"format": "doc"}),
    ] {
        agent.post("/api/v1/customers/export", wrong).await.expect(422);
    }
    world.customer().post("/api/v1/customers/export", json!({"format": "csv"})).await.expect(403);
    assert_eq!(ledger(world).await.len(), written.len(), "what was refused is not on the ledger");
}

/// More records than a piece of a file is made of: none is missing, none stands twice, whatever the file is.
async fn a_long_list_leaves_whole(world: &World) {
    let animal = world.admin().defines_text("Animal", "agents").await;
    let (nobody, state) = (sandbox::events::Actor::default(), world.jira.state());
    let made = |at: usize| state.create_customer(&nobody, &format!("many{at}@example.com"), &format!("Many {at}"));
    let accounts: Vec<String> = (0..150).map(|at| made(at).unwrap().account_id).collect();
    let desk = state.read().service_desks.keys().next().unwrap().clone();
    state.change_desk_customers(&desk, &accounts, &[]).unwrap();
    world.jira.deliveries_settled().await;
    world.clock.advance(std::time::Duration::from_secs(3_700));
    world.program.runner.drain().await.unwrap();
    let animals: Vec<String> = (0..150).map(|at| format!("<lynx> & \u{1f98a} {at}")).collect();
    let items: Vec<Value> = accounts
        .iter()
        .zip(&animals)
        .map(|(account, name)| json!({"accountId": account, "values": {animal.as_str(): name}}))
        .collect();
    let agent = world.agent();
    let written = agent.post("/api/v1/customers/values:bulk", json!({"items": items})).await.expect(200).body;
    assert_eq!(written["written"], 150, "{written}");
    let mut asked = json!({"format": "json", "query": "Animal IS NOT EMPTY ORDER BY name", "columns": [animal]});
    let whole = agent.post("/api/v1/customers/export", asked.clone()).await.expect(200).body;
    let listed =
        |item: &Value| [&item["accountId"], &item[animal.as_str()]].map(|held| held.as_str().unwrap().to_owned());
    let items: Vec<[String; 2]> = whole["items"].as_array().unwrap().iter().map(listed).collect();
    let given: BTreeSet<[String; 2]> = accounts.into_iter().zip(animals).map(|(one, name)| [one, name]).collect();
    assert_eq!((items.len(), items.iter().cloned().collect::<BTreeSet<_>>()), (150, given));
    asked["format"] = json!("xlsx");
    let file = agent.post("/api/v1/customers/export", asked.clone()).await.expect(200);
    if let Some(rows) = crate::workbook::rows(&file.bytes) {
        let held = |row: &Vec<Value>| [&row[0]["held"], &row[1]["held"]].map(|held| held.as_str().unwrap().to_owned());
        assert_eq!(rows[1..].iter().map(held).collect::<Vec<_>>(), items);
        assert_eq!(rows[150][1]["at"], "B151");
    }
    asked["format"] = json!("csv");
    let file = agent.post("/api/v1/customers/export", asked).await.expect(200);
    assert_eq!(file.text.lines().count(), 151);
}

async fn a_token_asks_within_its_scopes(world: &World) {
    let Setting { other, .. } = setting(world).await;
    world.admin().defines(json!({"entity": "organization", "type": "text", "name": "Country"})).await;
    let script = world.script("Reader", &["customers:read"]).await;
    let gold = encoded("\"Support tier\" = Gold");
    let page = script.get(&format!("/api/v1/customers?query={gold}")).await.expect(200).body;
    assert_eq!(page["items"][0]["accountId"], other);
    let path = format!("/api/v1/customers?query={}", encoded("organization.Country = DE"));
    let mistake = script.get(&path).await.expect(422).body["mistakes"][0].clone();
    assert_eq!(mistake["code"], "unknown_field", "a field that it may not see is as one that never was: {mistake}");
    assert_eq!(mistake["suggestion"], Value::Null);
    script.get(&format!("/api/v1/organizations?query={gold}")).await.expect(403);
    script.post("/api/v1/organizations/export", json!({"format": "csv"})).await.expect(403);
    // A file is no change: it is made anew, and no copy of it is kept under the key.
    for _ in 0..2 {
        let file = script.posts_once("again", "/api/v1/customers/export", json!({"format": "csv"})).await.expect(200);
        assert!(!file.headers.contains_key("idempotency-replayed"));
    }
}

/// The tenant's ledger.
pub(crate) async fn ledger(world: &World) -> Vec<store::ledger::Written> {
    let cx = kernel::Cx::mint(
        world.tenant().await,
        kernel::Actor::System("test"),
        kernel::Standing::default(),
        world.clock.clone(),
        kernel::RequestId::fresh(),
    );
    store::ledger::list(&mut world.program.store.read(&cx).await.unwrap(), 0, 10_000).await.unwrap()
}

async fn customers_are_found_by_their_projects(world: &World) {
    let (admin, agent) = (world.admin(), world.agent());
    let projects = admin.get("/api/v1/projects").await.expect(200).body["items"].as_array().unwrap().clone();
    let desks: Vec<(Value, BTreeSet<String>)> = {
        let state = world.jira.state();
        let store = state.read();
        let customers = |project: &Value| {
            let desk = store.desk_of(project["id"].as_str().unwrap()).unwrap();
            store.desk_customers(desk).iter().cloned().collect()
        };
        projects.into_iter().map(|project| (project.clone(), customers(&project))).collect()
    };
    assert!(desks.len() > 1 && desks.iter().all(|(_, customers)| !customers.is_empty()), "{desks:?}");
    let everybody: BTreeSet<String> = found(&agent, "customers", "", 100).await.into_iter().collect();
    let mut somewhere = BTreeSet::new();
    for (project, customers) in &desks {
        somewhere.extend(customers.clone());
        let (id, key) = (project["id"].as_str().unwrap(), project["key"].as_str().unwrap());
        for word in [id.to_owned(), key.to_owned(), key.to_lowercase(), project["name"].to_string()] {
            let hit: BTreeSet<String> =
                found(&agent, "customers", &format!("project = {word}"), 7).await.into_iter().collect();
            assert_eq!(hit, *customers, "{word}");
        }
    }
    let nowhere: BTreeSet<String> = found(&agent, "customers", "project IS EMPTY", 100).await.into_iter().collect();
    assert_eq!(nowhere, everybody.difference(&somewhere).cloned().collect());

    // Kept by its key; offered by key and name; what is none is told.
    let (project, customers) = &desks[0];
    let named = json!({"entity": "customer", "query": format!("project = {}", project["name"])});
    let checked = agent.post("/api/v1/queries/check", named.clone()).await.expect(200);
    assert_eq!(checked.body["mistakes"], json!([]), "{}", checked.text);
    let view = json!({"entity": "customer", "name": "Of a project", "query": named["query"]});
    let view = agent.post("/api/v1/views", view).await.expect(201).body;
    assert_eq!(view["query"], format!("project = {}", project["key"].as_str().unwrap()), "{view}");
    let offered = agent.get("/api/v1/queries/completions?entity=customer&query=project%20%3D%20").await.expect(200);
    assert!(offered.text.contains(project["key"].as_str().unwrap()), "{}", offered.text);
    let wrong = agent.get("/api/v1/customers?query=project%20%3D%20nowhere").await.expect(422);
    assert_eq!(wrong.body["mistakes"][0]["code"], "unknown_project", "{}", wrong.text);

    // Whoever is added here is found at once; whoever was taken out in Jira, after it was read again.
    let new = everybody.difference(customers).next().expect("somebody is not in it").clone();
    let path = format!("/api/v1/projects/{}/customers", project["id"].as_str().unwrap());
    let added = admin.post(&path, json!({"accountIds": [new]})).await;
    assert!(added.status < 300, "{}", added.text);
    let query = format!("project = {}", project["key"].as_str().unwrap());
    assert!(found(&agent, "customers", &query, 100).await.contains(&new));
}
