//! Chosen values on issues: JQL finds by them, they are kept right, and what may not stand there never does.

mod deliveries;

use std::time::Duration;

use axum::http::Method;
use sandbox::events::Actor as Somebody;
use sandbox::faults::{Misfortune, Reason, RequestFault};
use sandbox::state::{FieldValue, NewIssue};
use serde_json::{Value, json};

use crate::leaks::{Canaries, search_files};
use crate::world::{Answer, World};

const KEY: &str = "stewardCustomers";
const STATE: &str = "/api/v1/settings/in-jira";

on_both!(
    jql_finds_by_a_value,
    they_follow_changes_of_the_definition,
    they_follow_issues_and_members,
    what_may_not_stand_there_never_does,
    jira_has_it_in_the_end,
    somebody_who_was_merged_has_what_is_kept,
);

impl World {
    /// Has a field stand on issues.
    async fn puts_on_issues(&self, field: &str) -> Answer {
        self.asks_of(Method::PUT, field).await
    }

    async fn takes_off_issues(&self, field: &str) -> Answer {
        self.asks_of(Method::DELETE, field).await
    }

    async fn asks_of(&self, method: Method, field: &str) -> Answer {
        let etag = self.admin().get(&format!("/api/v1/fields/{field}")).await.expect(200).etag();
        self.admin().ask(method, &format!("{STATE}/fields/{field}"), Some(&etag), None).await
    }

    async fn in_jira(&self) -> Value {
        self.admin().get(STATE).await.expect(200).body
    }

    async fn settles(&self) {
        self.jira.deliveries_settled().await;
        self.program.runner.drain().await.unwrap();
    }

    async fn settles_after(&self, pause: Duration) {
        self.clock.advance(pause);
        self.settles().await;
    }

    fn property(&self, issue: &str) -> Option<Value> {
        let state = self.jira.state();
        let store = state.read();
        store.issue(issue).unwrap().properties.get(KEY).cloned()
    }

    /// Issues that have the property, with who reported them.
    fn with_property(&self) -> Vec<(String, Option<String>)> {
        let state = self.jira.state();
        let store = state.read();
        let has = store.issues.values().filter(|issue| issue.properties.contains_key(KEY));
        has.map(|issue| (issue.key.clone(), issue.reporter.clone())).collect()
    }

    /// What an agent finds in Jira, by keys.
    pub(crate) async fn jql(&self, jql: &str) -> Vec<String> {
        let agent = self.jira.visitor("admin").unwrap();
        #[expect(clippy::disallowed_methods, reason = "a client of the stand-in Jira")]
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let ask = json!({"jql": jql, "fields": ["summary"], "maxResults": 100});
        let asked = client
            .post(format!("{}/rest/api/3/search/jql", self.jira.url()))
            .basic_auth(&agent.email, agent.api_token.as_ref())
            .json(&ask);
        let answer: Value = asked.send().await.unwrap().json().await.unwrap();
        let issues = answer["issues"].as_array().unwrap_or_else(|| panic!("{jql}: {answer}"));
        issues.iter().map(|issue| issue["key"].as_str().unwrap().to_owned()).collect()
    }

    /// Befalls the next writes of properties.
    fn writing_meets(&self, next: Option<u64>, what: Misfortune) {
        let rule = |method| RequestFault {
            method: Some(method),
            path: Some("/rest/api/3/issue/".to_owned()),
            next,
            chance: 1.0,
            what: what.clone(),
        };
        let requests = vec![rule(Method::PUT), rule(Method::DELETE)];
        self.jira.state().faults().command(sandbox::Faults { requests, ..sandbox::Faults::none() }, None);
    }
}

async fn jql_finds_by_a_value(world: &World) {
    let (account, issue) = (world.customer().account(), world.issue());
    let tier = world.admin().defines_text("Support tier", "customerView").await;
    world.agent().writes(&account, &tier, json!("Gold")).await.expect(200);
    let chosen = world.puts_on_issues(&tier).await.expect(200).body;
    assert_eq!(chosen["alias"], "stewardString1");
    assert_eq!(chosen["smartValue"], "{{issue.properties.stewardCustomers.customer.supportTier}}");
    world.settles().await;

    assert_eq!(world.property(&issue), Some(json!({"customer": {"supportTier": "Gold"}, "string1": "Gold"})));
    let found = world.jql("stewardString1 = Gold").await;
    assert!(found.contains(&issue), "{found:?}");
    assert_eq!(world.jql(&format!("issue.property[{KEY}].string1 = Gold")).await, found);
    let all = world.with_property();
    assert!(all.iter().all(|(_, reporter)| reporter.as_deref() == Some(&account)), "{all:?}");
    assert_eq!(all.len(), found.len());
    let state = world.in_jira().await;
    assert_eq!((&state["waiting"], &state["failed"], &state["finding"]), (&json!(0), &json!(0), &json!(false)));
    assert!(state["known"].as_i64().unwrap() > i64::try_from(found.len()).unwrap(), "{state}");
    assert_eq!((&state["searchable"], &state["propertyKey"]), (&json!(true), &json!(KEY)));

    // A change arrives; of many, the last; what is what it was is not sent.
    for value in ["Silver", "Bronze", "Platinum"] {
        world.agent().writes(&account, &tier, json!(value)).await.expect(200);
    }
    world.settles().await;
    assert_eq!(world.jql("stewardString1 = Platinum").await, found);
    assert_eq!(world.jql("stewardString1 = Gold").await, Vec::<String>::new());
    world.agent().writes(&account, &tier, Value::Null).await.expect(200);
    world.settles().await;
    assert_eq!(world.property(&issue), None);

    // That it stands there is a reading.
    world.agent().writes(&account, &tier, json!("Gold")).await.expect(200);
    world.settles().await;
    let path = format!("/api/v1/customers/{account}/readings");
    let told = world.customer().get(&path).await.expect(200).body;
    let ways: Vec<_> = told["items"].as_array().unwrap().iter().map(|one| (&one["by"], &one["way"])).collect();
    assert!(ways.contains(&(&json!("issueReaders"), &json!("issue"))), "{ways:?}");
    world.takes_off_issues(&tier).await.expect(204);
    world.settles().await;
    assert_eq!(world.with_property(), Vec::new());
    let state = world.in_jira().await;
    assert_eq!((&state["fields"], &state["known"]), (&json!([]), &json!(0)));
}

async fn they_follow_changes_of_the_definition(world: &World) {
    let (account, issue) = (world.customer().account(), world.issue());
    let admin = world.admin();
    let mut field = json!({"entity": "customer", "type": "select", "name": "Plan", "audience": "customerEdit",
        "options": [{"label": "Gold"}, {"label": "Silver"}]});
    let plan = admin.defines(field.clone()).await;
    let id = plan["id"].as_str().unwrap();
    let gold = plan["options"][0]["id"].clone();
    world.agent().writes(&account, id, gold.clone()).await.expect(200);
    world.puts_on_issues(id).await.expect(200);
    world.settles().await;
    assert_eq!(world.property(&issue).unwrap()["customer"], json!({"plan": "Gold"}));

    // An option is renamed, the field keeps its name there.
    let path = format!("/api/v1/fields/{id}");
    field["name"] = json!("Contract");
    field["options"] = json!([{"id": gold, "label": "Golden"}, {"id": plan["options"][1]["id"], "label": "Silver"}]);
    let etag = admin.get(&path).await.etag();
    admin.put(&path, &etag, field.clone()).await.expect(200);
    world.settles().await;
    assert_eq!(world.property(&issue), Some(json!({"customer": {"plan": "Golden"}, "string1": "Golden"})));

    // Limited to another project, it leaves this one; then narrowed to agents, it leaves all of them.
    field["projects"] = json!(["99999"]);
    let etag = admin.get(&path).await.etag();
    admin.put(&path, &etag, field.clone()).await.expect(200);
    world.settles().await;
    assert_eq!(world.property(&issue), None);
    (field["projects"], field["audience"]) = (json!([]), json!("customerEdit"));
    let etag = admin.get(&path).await.etag();
    admin.put(&path, &etag, field.clone()).await.expect(200);
    world.settles().await;
    assert!(world.property(&issue).is_some());
    field["audience"] = json!("agents");
    let etag = admin.get(&path).await.etag();
    admin.put(&path, &etag, field.clone()).await.expect(200);
    world.settles().await;
    assert_eq!(world.with_property(), Vec::new());
    assert_eq!(world.in_jira().await["fields"], json!([]));

    // What is retired leaves too, and does not come back by itself.
    field["audience"] = json!("customerView");
    let etag = admin.get(&path).await.etag();
    admin.put(&path, &etag, field).await.expect(200);
    world.puts_on_issues(id).await.expect(200);
    world.settles().await;
    assert!(world.property(&issue).is_some());
    let etag = admin.get(&path).await.etag();
    admin.ask(Method::DELETE, &path, Some(&etag), None).await.expect(204);
    world.settles().await;
    assert_eq!(world.with_property(), Vec::new());
    let etag = admin.get(&path).await.etag();
    admin.ask(Method::POST, &format!("{path}/restore"), Some(&etag), None).await.expect(200);
    world.settles().await;
    assert_eq!(world.with_property(), Vec::new());
}

async fn they_follow_issues_and_members(world: &World) {
    let customer = world.customer().account();
    let other = world.other_customer().account();
    let admin = world.admin();
    let tier = admin.defines_text("Tier", "customerView").await;
    let plan = json!({"entity": "organization", "type": "text", "name": "Plan", "audience": "customerView"});
    let plan = admin.defines(plan).await["id"].as_str().unwrap().to_owned();
    world.agent().writes(&customer, &tier, json!("Gold")).await.expect(200);
    world.agent().writes(&other, &tier, json!("Silver")).await.expect(200);
    for field in [&tier, &plan] {
        world.puts_on_issues(field).await.expect(200);
    }
    world.settles().await;

    // A new issue is told by an event, and so is another reporter.
    let state = world.jira.state();
    let (project_id, issue_type_id) = {
        let store = state.read();
        let known = store.issue(&world.issue()).unwrap().clone();
        (known.project_id.clone(), known.issue_type_id.clone())
    };
    let new = NewIssue {
        project_id,
        issue_type_id,
        summary: "A new one".to_owned(),
        channel: "portal".to_owned(),
        fields: vec![FieldValue::Reporter(Some(customer.clone()))],
        properties: Default::default(),
    };
    let issue = state.create_issue(&Somebody::person(&customer), new).unwrap();
    world.settles().await;
    assert_eq!(world.property(&issue.key).unwrap()["customer"], json!({"tier": "Gold"}));
    let changed = vec![FieldValue::Reporter(Some(other.clone()))];
    state.edit_issue(&Somebody::person(&customer), issue.id, changed).unwrap();
    world.settles().await;
    assert_eq!(world.property(&issue.key).unwrap()["customer"], json!({"tier": "Silver"}));

    // Whoever comes into an organization has its values on their issues, and loses them when they leave.
    let organization = admin.post("/api/v1/organizations", json!({"name": "Newcomers"})).await.expect(201).body;
    let organization = organization["organizationId"].as_str().unwrap();
    let path = format!("/api/v1/organizations/{organization}/values/{plan}");
    world.agent().put(&path, "\"v0\"", json!({"value": "Pro"})).await.expect(200);
    let members = format!("/api/v1/organizations/{organization}/members");
    world.agent().post(&members, json!({"accountIds": [other]})).await.expect(204);
    world.settles().await;
    let stands = world.property(&issue.key).unwrap();
    assert_eq!(stands["organization"], json!({"plan": ["Pro"]}), "{stands}");
    assert!(world.jql("stewardString2 = Pro").await.contains(&issue.key));
    world
        .agent()
        .put(&path, &world.agent().get(&path.replace(&format!("/{plan}"), "")).await.etag(), json!({"value": "Max"}))
        .await
        .expect(200);
    world.settles().await;
    assert_eq!(world.property(&issue.key).unwrap()["organization"], json!({"plan": ["Max"]}));
    world.agent().ask(Method::DELETE, &format!("{members}/{other}"), None, None).await.expect(204);
    world.settles().await;
    assert_eq!(world.property(&issue.key).unwrap().get("organization"), None);

    // Where nobody is its reporter any more nothing stands, and with the next one it is theirs.
    let reporter = |account: Option<String>| vec![FieldValue::Reporter(account)];
    state.edit_issue(&Somebody::person(&customer), issue.id, reporter(None)).unwrap();
    world.settles().await;
    assert_eq!(world.property(&issue.key), None);
    state.edit_issue(&Somebody::person(&customer), issue.id, reporter(Some(customer.clone()))).unwrap();
    world.settles().await;
    assert_eq!(world.property(&issue.key).unwrap()["customer"], json!({"tier": "Gold"}));

    // A deleted one is known no more.
    let known = world.in_jira().await["known"].as_i64().unwrap();
    state.delete_issue(&Somebody::person(&customer), issue.id).unwrap();
    world.settles().await;
    assert_eq!(world.in_jira().await["known"].as_i64().unwrap(), known - 1);
}

async fn what_may_not_stand_there_never_does(world: &World) {
    let (account, issue) = (world.customer().account(), world.issue());
    let admin = world.admin();
    let secret = admin.defines_text("Rating", "agents").await;
    let open = admin.defines_text("Tier", "customerView").await;
    let long = json!({"entity": "customer", "type": "longText", "name": "Notes", "audience": "customerView"});
    let long = admin.defines(long).await["id"].as_str().unwrap().to_owned();
    world.agent().writes(&account, &secret, json!("zqcanary of the agents")).await.expect(200);
    world.agent().writes(&account, &long, json!("zqcanary of notes")).await.expect(200);
    world.agent().writes(&account, &open, json!("Gold")).await.expect(200);
    let refused = world.puts_on_issues(&secret).await.expect(422).body;
    assert_eq!(
        (&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]),
        (&json!("/fieldId"), &json!("audience"))
    );
    assert_eq!(world.puts_on_issues(&long).await.expect(422).body["errors"][0]["code"], "type");
    // Nobody but an administrator chooses; a stale look is told.
    let etag = admin.get(&format!("/api/v1/fields/{open}")).await.etag();
    let path = format!("{STATE}/fields/{open}");
    for other in [world.agent(), world.customer()] {
        other.ask(Method::PUT, &path, Some(&etag), None).await.expect(403);
    }
    admin.ask(Method::PUT, &path, Some("\"v1\""), None).await.expect(412);
    admin.ask(Method::PUT, &path, None, None).await.expect(428);
    world.puts_on_issues(&open).await.expect(200);
    world.settles().await;
    assert_eq!(world.property(&issue), Some(json!({"customer": {"tier": "Gold"}, "string1": "Gold"})));
    admin.ask(Method::POST, &format!("{STATE}/send"), None, None).await.expect(204);
    world.settles().await;
    let state = world.jira.state();
    let all: String = state.read().issues.values().map(|issue| format!("{:?}", issue.properties)).collect();
    assert!(all.contains("Gold") && !all.contains("zqcanary"));
}

async fn jira_has_it_in_the_end(world: &World) {
    let (account, issue) = (world.customer().account(), world.issue());
    let tier = world.admin().defines_text("Tier", "customerView").await;
    world.agent().writes(&account, &tier, json!("Gold")).await.expect(200);
    world.puts_on_issues(&tier).await.expect(200);
    world.settles().await;
    let gold = Some(json!({"customer": {"tier": "Gold"}, "string1": "Gold"}));
    assert_eq!(world.property(&issue), gold);

    // Jira is busy, broken, away: it is left alone, the page says so, and in the end it has it.
    let troubles = [Misfortune::Error { status: 503 }, Misfortune::Lose];
    for (trouble, value) in troubles.into_iter().zip(["Silver", "Bronze"]) {
        world.writing_meets(None, trouble);
        world.agent().writes(&account, &tier, json!(value)).await.expect(200);
        world.settles().await;
        let state = world.in_jira().await;
        assert!(state["waiting"].as_i64().unwrap() > 0 && state["heldUntil"].is_string(), "{value}: {state}");
        world.jira.state().faults().take_back();
        world.settles_after(Duration::from_secs(1_000)).await;
        assert_eq!(world.property(&issue).unwrap()["string1"], value);
        let state = world.in_jira().await;
        assert_eq!((&state["waiting"], &state["failed"], &state["heldUntil"]), (&json!(0), &json!(0), &Value::Null));
    }

    // The one who sends dies in the middle: whoever takes its place goes on when its lease is over.
    world.agent().writes(&account, &tier, json!("Iron")).await.expect(200);
    world.writing_meets(None, Misfortune::Slow { wait: (Duration::from_secs(600), Duration::from_secs(600)) });
    let runner = world.program.runner.clone();
    let sender = tokio::spawn(async move { runner.drain().await });
    while world.in_jira().await["waiting"].as_i64().is_none_or(|waiting| waiting == 0) {
        tokio::task::yield_now().await;
    }
    sender.abort();
    assert!(sender.await.unwrap_err().is_cancelled());
    world.jira.state().faults().take_back();
    world.settles_after(Duration::from_secs(1_000)).await;
    assert_eq!(world.property(&issue).unwrap()["string1"], "Iron");

    // What Jira has no room for stands alone: said, not tried for ever, and nothing stale is left there.
    for number in 0..9 {
        let field =
            json!({"entity": "customer", "type": "url", "name": format!("Page {number}"), "audience": "customerView"});
        let field = world.admin().defines(field).await["id"].as_str().unwrap().to_owned();
        let address = format!("https://example.com/{}", "x".repeat(2_000));
        world.agent().writes(&account, &field, json!(address)).await.expect(200);
        world.puts_on_issues(&field).await.expect(200);
    }
    world.settles().await;
    let told = world.in_jira().await;
    let own = world.jira.state().read().issues.values().filter(|one| one.reporter.as_deref() == Some(&account)).count();
    assert_eq!((&told["waiting"], &told["failures"][0]["code"]), (&json!(0), &json!("too_long")), "{told}");
    assert!(told["failed"].as_u64().is_some_and(|failed| failed >= 1 && failed <= own as u64), "{told}");
    assert_eq!(world.property(&issue), None);

    // What it asks for is heeded: the whole site is left alone for so long.
    let rest = json!({"entity": "organization", "type": "text", "name": "Plan", "audience": "customerView"});
    let rest = world.admin().defines(rest).await["id"].as_str().unwrap().to_owned();
    let asked = Misfortune::RateLimit { reason: Reason::QuotaTenant, retry_after_s: Some(1_200) };
    world.writing_meets(None, asked);
    for field in world.in_jira().await["fields"].as_array().unwrap().iter().skip(1) {
        world.takes_off_issues(field["fieldId"].as_str().unwrap()).await.expect(204);
    }
    world.puts_on_issues(&rest).await.expect(200);
    world.settles().await;
    let told = world.in_jira().await;
    assert_eq!(told["heldBecause"], "jira_rate_limited", "{told}");
    let until: jiff::Timestamp = told["heldUntil"].as_str().unwrap().parse().unwrap();
    let pause = until.duration_since(kernel::Clock::now(&*world.clock));
    assert!(pause >= jiff::SignedDuration::from_secs(1_190), "{pause}");
}

async fn somebody_who_was_merged_has_what_is_kept(world: &World) {
    let (account, issue) = (world.customer().account(), world.issue());
    let tier = world.admin().defines_text("Tier", "customerView").await;
    world.agent().writes(&account, &tier, json!("Gold")).await.expect(200);
    world.puts_on_issues(&tier).await.expect(200);
    world.settles().await;
    assert!(world.property(&issue).is_some());
    let other = world.other_customer().account();
    let set = world.agent().get(&format!("/api/v1/customers/{account}/values")).await.expect(200).body;
    let path = format!("/api/v1/customers/{other}/merge/{account}");
    let merge = json!({"keptVersion": 0, "mergedVersion": set["version"]});
    let merge = world.agent().post(&path, merge).await.expect(201).body;
    world.settles().await;
    // Their requests have what stands with the one who is kept, and follow it.
    let says = |tier: &str| Some(json!({"customer": {"tier": tier}, "string1": tier}));
    assert_eq!(world.property(&issue), says("Gold"));
    world.agent().writes(&other, &tier, json!("Silver")).await.expect(200);
    world.settles().await;
    assert_eq!(world.property(&issue), says("Silver"));
    let mut agent = world.on_page("agent", "customer-panel");
    agent.issue = Some(issue.clone());
    let panel = agent.get(&format!("/api/v1/panel?issue={issue}")).await.expect(200).body;
    let selected = &panel["selected"];
    assert_eq!((&selected["customer"]["accountId"], &selected["mergedAccountId"]), (&json!(other), &json!(account)));
    assert_eq!(selected["values"]["values"][0]["value"], "Silver", "{selected}");
    // Taken back, each has their own again.
    let undo = format!("/api/v1/merges/{}/undo", merge["merge"]["id"].as_str().unwrap());
    world.agent().post(&undo, json!({})).await.expect(200);
    world.settles().await;
    assert_eq!(world.property(&issue), says("Gold"));
}

/// What stands in Jira in the clear lies here sealed as before: no table, no index, no log of a database has it.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_it_lies_in_the_clear_here() {
    let world = World::start().await;
    let canaries = Canaries(["zqnamed0", "zqchosen1", "zqchanged2"].map(str::to_owned).to_vec());
    let (account, issue) = (world.customer().account(), world.issue());
    let field = world.admin().defines_text("zqnamed0", "customerEdit").await;
    world.agent().writes(&account, &field, json!("zqchosen1")).await.expect(200);
    world.puts_on_issues(&field).await.expect(200);
    world.settles().await;
    world.writing_meets(None, Misfortune::Error { status: 503 });
    world.agent().writes(&account, &field, json!("zqchanged2")).await.expect(200);
    world.settles().await;
    assert_eq!(world.property(&issue).unwrap()["customer"], json!({"zqnamed0": "zqchosen1"}));
    search_files(&canaries, &world.folder.path().join("data"));
    world.end().await;
}

/// Where no app declares anything the named values stand there all the same; issues are named by a webhook, and looked for every few
/// minutes in case it is lost.
#[tokio::test(flavor = "multi_thread")]
async fn on_a_data_center_names_stand_alone() {
    let world = World::data_center(Vec::new(), sandbox::Version::default()).await;
    let joined = crate::site::joins(&world).await;
    crate::site::signs_in_through(&world).await;
    let mut admin = crate::site::Browser::of(&world, "admin");
    let csrf = admin.signs_in(joined["id"].as_str().unwrap()).await;
    let field = json!({"entity": "customer", "type": "number", "name": "Seats", "audience": "customerView"});
    let made = admin.asks(Method::POST, "/api/v1/fields", Some(csrf.as_str()), Some(field)).await.expect(201).body;
    let id = made["id"].as_str().unwrap().to_owned();
    let issue = world.issue();
    let panel = admin.asks(Method::GET, &format!("/api/v1/panel?issue={issue}"), None, None).await.expect(200).body;
    let people = panel["people"].as_array().unwrap();
    let account = people.iter().find(|one| one["roles"].as_array().unwrap().contains(&json!("reporter"))).unwrap();
    let account = account["accountId"].as_str().unwrap().to_owned();
    admin.saw = Some(0);
    let path = format!("/api/v1/customers/{account}/values/{id}");
    admin.asks(Method::PUT, &path, Some(csrf.as_str()), Some(json!({"value": 12}))).await.expect(200);
    admin.saw = made["version"].as_i64();
    let chosen = admin.asks(Method::PUT, &format!("{STATE}/fields/{id}"), Some(csrf.as_str()), None).await;
    assert_eq!(chosen.expect(200).body["alias"], Value::Null);
    world.settles().await;
    assert_eq!(world.property(&issue), Some(json!({"customer": {"seats": 12}})));

    // A new issue has them at once; one that nobody told of is found within minutes.
    let state = world.jira.state();
    let reporter = state.read().issue(&issue).unwrap().reporter.clone().unwrap();
    let told = world.raises(&reporter, Vec::new());
    world.settles().await;
    assert_eq!(world.property(&told), Some(json!({"customer": {"seats": 12}})));
    state.faults().command(sandbox::Faults { delivery_dropped: 1.0, ..sandbox::Faults::none() }, None);
    let found = world.raises(&reporter, Vec::new());
    world.settles().await;
    assert_eq!(world.property(&found), None);
    world.settles_after(Duration::from_secs(301)).await;
    assert_eq!(world.property(&found), Some(json!({"customer": {"seats": 12}})));

    // Whoever deletes one leaves nothing of it here.
    let known = async || {
        let rows = store::sweep::tenant_row_count(&world.program.store, world.tenant().await).await.unwrap();
        rows.iter().find(|(table, _)| *table == "issue_mark").map_or(0, |(_, count)| *count)
    };
    let before = known().await;
    state.faults().take_back();
    let id = state.read().issue(&told).unwrap().id;
    state.delete_issue(&Somebody::default(), id).unwrap();
    world.settles().await;
    assert_eq!(known().await, before - 1);
    world.end().await;
}
