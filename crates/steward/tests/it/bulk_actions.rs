//! Bulk changes: a choice that is frozen and looked at, one change to all of it by a job, and the way back.

use axum::http::Method;
use serde_json::{Value, json};

use crate::imports::{customers, value};
use crate::merges::merge_into;
use crate::world::{Answer, World};

on_both!(
    a_field_is_set_for_many_and_undone,
    what_a_query_finds_is_frozen,
    who_writes_meanwhile_is_left_and_told,
    who_was_merged_is_refused_and_told_where_they_went,
    what_makes_no_sense_is_told_where,
    one_is_its_authors_and_administrators,
    scripts_need_the_scope,
    a_field_that_changes_stops_it,
    customers_join_an_organization_and_leave_it,
    whom_jira_does_not_take_keeps_nobody_out,
    somebody_who_is_gone_alone_on_the_last_page_stops_nothing,
    a_place_that_is_gone_stops_it,
    customers_are_let_into_a_project,
);

/// A bulk change of customers, as whoever began it goes on with it.
pub(crate) struct Acting<'w> {
    pub(crate) world: &'w World,
    pub(crate) id: String,
}

impl<'w> Acting<'w> {
    /// The agent previews setting a field to the end.
    pub(crate) async fn of(world: &'w World, field: &str, ids: &[&str], value: Value) -> Self {
        Self::begun(world, json!({"ids": ids}), json!({"type": "setValue", "fieldId": field, "value": value})).await
    }

    async fn begun(world: &'w World, selection: Value, change: Value) -> Self {
        let wanted = json!({"selection": selection, "change": change});
        let begun = world.agent().post("/api/v1/customers/bulk-actions", wanted).await.expect(201);
        assert_eq!(begun.body["state"], "checking");
        let id = begun.body["id"].as_str().unwrap().to_owned();
        assert_eq!(begun.headers["location"], format!("/api/v1/customers/bulk-actions/{id}"));
        world.program.runner.drain().await.unwrap();
        Self { world, id }
    }

    fn at(&self, path: &str) -> String {
        format!("/api/v1/customers/bulk-actions/{}{path}", self.id)
    }

    async fn reads(&self) -> Value {
        self.world.agent().get(&self.at("")).await.expect(200).body
    }

    async fn does(&self, what: &str) -> Answer {
        self.world.agent().ask(Method::POST, &self.at(&format!("/{what}")), None, None).await
    }

    /// Does it and lets the job end.
    pub(crate) async fn ends(&self, what: &str) -> Value {
        self.does(what).await.expect(200);
        self.world.program.runner.drain().await.unwrap();
        self.reads().await
    }

    pub(crate) async fn rows(&self, outcome: &str) -> Vec<Value> {
        let path = self.at(&format!("/rows?limit=100&outcome={outcome}"));
        self.world.agent().get(&path).await.expect(200).body["items"].as_array().unwrap().clone()
    }
}

fn counts(action: &Value) -> [i64; 4] {
    ["changed", "unchanged", "refused", "overtaken"].map(|name| action["rows"][name].as_i64().unwrap())
}

async fn people(world: &World, count: usize) -> Vec<String> {
    customers(world, count).await.into_iter().map(|(account, _)| account).collect()
}

async fn history(world: &World, owner: &str) -> Vec<Value> {
    let path = format!("/api/v1/customers/{owner}/history");
    world.agent().get(&path).await.expect(200).body["items"].as_array().unwrap().clone()
}

async fn writes_over(world: &World, owner: &str, field: &str, to: Value) {
    let set = world.agent().get(&format!("/api/v1/customers/{owner}/values")).await.expect(200).body;
    let held = set["values"].as_array().unwrap().iter().find(|value| value["fieldId"] == field).unwrap();
    let path = format!("/api/v1/customers/{owner}/values/{field}");
    world.agent().put(&path, &format!("\"v{}\"", held["version"]), json!({"value": to})).await.expect(200);
}

async fn a_field_is_set_for_many_and_undone(world: &World) {
    let plan = world.admin().defines_text("Plan", "agents").await;
    let people = people(world, 4).await;
    world.agent().writes(&people[0], &plan, json!("Silver")).await.expect(200);
    world.agent().writes(&people[1], &plan, json!("Gold")).await.expect(200);
    let nobody = "5b10ac8d82e05b22cc7d4fff";
    let ids = [people[0].as_str(), &people[1], &people[2], nobody, &people[0]];
    let action = Acting::of(world, &plan, &ids, json!(" Gold ")).await;
    let seen = action.reads().await;
    assert_eq!((&seen["state"], &seen["records"], counts(&seen)), (&json!("checked"), &json!(4), [2, 1, 1, 0]));
    assert_eq!(seen["change"], json!({"type": "setValue", "fieldId": plan, "value": "Gold"}));
    assert_eq!(seen["called"], "Plan");
    assert_eq!(value(world, &people[0], &plan).await, "Silver", "nothing changed yet");
    let changes = action.rows("changed").await;
    assert_eq!((&changes[0]["from"], &changes[0]["to"]), (&json!("Silver"), &json!("Gold")));
    assert!(changes[0]["ownerName"].as_str().is_some_and(|name| !name.is_empty()), "{changes:?}");
    let refused = action.rows("refused").await;
    assert_eq!(refused[0]["ownerId"], nobody);
    assert!(refused[0]["detail"].as_str().unwrap().contains("Jira knows"), "{refused:?}");
    assert_eq!(action.does("undo").await.expect(422).body["code"], "import_state");

    let done = action.ends("run").await;
    assert_eq!((&done["state"], &done["written"]), (&json!("done"), &json!(2)));
    assert_eq!(done["undoUntil"], "2026-12-22T09:00:00Z");
    for account in &people[..3] {
        assert_eq!(value(world, account, &plan).await, "Gold");
    }
    let entry = history(world, &people[0]).await.remove(0);
    assert_eq!((&entry["from"], &entry["to"], &entry["action"]), (&json!("Silver"), &json!("Gold"), &json!("set")));
    assert_eq!(entry["by"]["accountId"], json!(world.agent().account()), "history names the person");
    assert_eq!(entry["by"]["bulkActionId"], json!(action.id), "and with what it was made");
    assert_eq!(action.does("run").await.expect(422).body["code"], "import_state");

    // Somebody goes on working: that stays, and is told.
    writes_over(world, &people[0], &plan, json!("Platinum")).await;
    let undone = action.ends("undo").await;
    assert_eq!(
        (&undone["state"], &undone["returned"], &undone["kept"], &undone["undoUntil"]),
        (&json!("undone"), &json!(1), &json!(1), &Value::Null)
    );
    assert_eq!(value(world, &people[0], &plan).await, "Platinum");
    assert_eq!(value(world, &people[2], &plan).await, Value::Null);
    let kept = world.agent().get(&action.at("/kept")).await.expect(200).body;
    assert_eq!(kept["items"][0]["ownerId"], json!(people[0]));
    let listed = world.agent().get("/api/v1/customers/bulk-actions").await.expect(200).body;
    assert_eq!(listed["items"][0]["id"], json!(action.id));
    // It is no import and no change of a type, and it is one of customers.
    world.admin().get(&format!("/api/v1/imports/{}", action.id)).await.expect(404);
    world.admin().get(&format!("/api/v1/type-changes/{}", action.id)).await.expect(404);
    world.admin().get(&format!("/api/v1/organizations/bulk-actions/{}", action.id)).await.expect(404);
    let imports = world.admin().get("/api/v1/imports").await.expect(200).body;
    assert_eq!(imports["items"], json!([]));
}

async fn what_a_query_finds_is_frozen(world: &World) {
    let plan = world.admin().defines_text("Plan", "agents").await;
    let people = people(world, 3).await;
    for account in &people {
        world.agent().writes(account, &plan, json!("Silver")).await.expect(200);
    }
    let selection = json!({"query": "plan = Silver", "except": [people[2]]});
    let change = json!({"type": "setValue", "fieldId": plan, "value": null});
    let action = Acting::begun(world, selection, change).await;
    assert_eq!(action.reads().await["records"], 2);
    // Another one is found by then: it was not looked at.
    let other = customers(world, 4).await.remove(3).0;
    world.agent().writes(&other, &plan, json!("Silver")).await.expect(200);
    let done = action.ends("run").await;
    assert_eq!((&done["written"], counts(&done)), (&json!(2), [2, 0, 0, 0]));
    assert_eq!(value(world, &people[0], &plan).await, Value::Null);
    assert_eq!(value(world, &people[2], &plan).await, "Silver");
    assert_eq!(value(world, &other, &plan).await, "Silver");
    // The list tells how many it finds, and all of them are meant without a query.
    let listed = world.agent().get("/api/v1/customers?limit=1").await.expect(200).body;
    let change = json!({"type": "setValue", "fieldId": plan, "value": "Basic"});
    let all = Acting::begun(world, json!({}), change).await;
    assert_eq!(all.reads().await["records"], listed["total"]);
    let searched = world.agent().get("/api/v1/customers?limit=1&search=zzz-nobody").await.expect(200).body;
    assert_eq!(searched["total"], 0);
    let nothing =
        json!({"selection": {"search": "zzz-nobody"}, "change": {"type": "setValue", "fieldId": plan, "value": null}});
    let refused = world.agent().post("/api/v1/customers/bulk-actions", nothing).await.expect(422).body;
    assert_eq!(refused["errors"][0]["code"], "empty");
    let left = all.does("cancel").await.expect(200).body;
    assert_eq!(left["state"], "cancelled");
    world.program.runner.drain().await.unwrap();
}

async fn who_writes_meanwhile_is_left_and_told(world: &World) {
    let plan = world.admin().defines_text("Plan", "agents").await;
    let people = people(world, 2).await;
    let action = Acting::of(world, &plan, &[&people[0], &people[1]], json!("Gold")).await;
    world.agent().writes(&people[0], &plan, json!("Bronze")).await.expect(200);
    let done = action.ends("run").await;
    assert_eq!((&done["written"], counts(&done)), (&json!(1), [1, 0, 0, 1]));
    assert_eq!(value(world, &people[0], &plan).await, "Bronze");
    assert_eq!(action.rows("overtaken").await[0]["ownerId"], json!(people[0]));
}

async fn who_was_merged_is_refused_and_told_where_they_went(world: &World) {
    let plan = world.admin().defines_text("Plan", "agents").await;
    let people = people(world, 3).await;
    let (kept, merged, later) = (people[0].as_str(), people[1].as_str(), people[2].as_str());
    merge_into(world, kept, merged).await;
    let action = Acting::of(world, &plan, &[kept, merged, later], json!("Gold")).await;
    assert_eq!(counts(&action.reads().await), [2, 0, 1, 0]);
    let refused = action.rows("refused").await;
    assert_eq!(refused[0]["ownerId"], json!(merged));
    assert!(refused[0]["detail"].as_str().unwrap().contains(kept), "{refused:?}");
    // Whom somebody merges between the preview and the run is left, and told.
    merge_into(world, kept, later).await;
    let done = action.ends("run").await;
    assert_eq!((&done["written"], counts(&done)), (&json!(1), [1, 0, 1, 1]));
    assert_eq!(action.rows("overtaken").await[0]["ownerId"], json!(later));
    for (account, expected) in [(kept, json!("Gold")), (merged, Value::Null), (later, Value::Null)] {
        assert_eq!(value(world, account, &plan).await, expected, "{account}");
    }
    // Where they belong in Jira is their account's, and is changed.
    let organizations = world.agent().get("/api/v1/organizations?limit=1").await.expect(200).body;
    let change = json!({"type": "addToOrganization", "organizationId": organizations["items"][0]["id"]});
    let places = Acting::begun(world, json!({"ids": [merged]}), change).await;
    assert_eq!(counts(&places.reads().await)[2], 0);
}

async fn what_makes_no_sense_is_told_where(world: &World) {
    let tier = json!({"entity": "customer", "type": "select", "name": "Tier", "required": true, "options": [{"label": "Gold"}]});
    let tier = world.admin().defines(tier).await;
    let (field, gold) = (tier["id"].as_str().unwrap(), tier["options"][0]["id"].as_str().unwrap());
    let account = world.customer().account();
    let one = json!({"ids": [account]});
    let set = |value: Value| json!({"type": "setValue", "fieldId": field, "value": value});
    for (selection, change, pointer) in [
        (one.clone(), set(json!("no option")), "/change/value"),
        (one.clone(), set(Value::Null), "/change/value"),
        (
            one.clone(),
            json!({"type": "setValue", "fieldId": "0198c0de-0000-7000-8000-000000000000", "value": 1}),
            "/change/fieldId",
        ),
        (one.clone(), json!({"type": "addToOrganization", "organizationId": "99999999"}), "/change/organizationId"),
        (one.clone(), json!({"type": "addToProject", "projectId": "99999999"}), "/change/projectId"),
        (json!({"ids": []}), set(json!(gold)), "/selection"),
        (json!({"ids": [account, "no id at all \u{7}"]}), set(json!(gold)), "/selection/ids/1"),
        (json!({"ids": [account], "query": "tier = Gold"}), set(json!(gold)), "/selection"),
        (json!({"ids": vec![account.as_str(); 5_001]}), set(json!(gold)), "/selection/ids"),
    ] {
        let wanted = json!({"selection": selection, "change": change});
        let refused = world.admin().post("/api/v1/customers/bulk-actions", wanted).await.expect(422).body;
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{change}: {refused}");
    }
    let mistaken = json!({"selection": {"query": "teir = Gold"}, "change": set(json!(gold))});
    let mistaken = world.agent().post("/api/v1/customers/bulk-actions", mistaken).await.expect(422).body;
    assert_eq!(mistaken["mistakes"][0]["suggestion"], "Tier", "{mistaken}");
    let other = json!({"selection": {}, "change": {"type": "addToOrganization", "organizationId": "1"}});
    let refused = world.agent().post("/api/v1/organizations/bulk-actions", other).await.expect(422).body;
    assert_eq!(refused["errors"][0]["pointer"], "/change/type");
}

async fn one_is_its_authors_and_administrators(world: &World) {
    let plan = world.admin().defines_text("Plan", "agents").await;
    let account = world.customer().account();
    let action = Acting::of(world, &plan, &[&account], json!("Gold")).await;
    let colleague = world.colleague();
    for path in ["", "/rows", "/kept"] {
        colleague.get(&action.at(path)).await.expect(404);
        world.admin().get(&action.at(path)).await.expect(200);
    }
    for what in ["run", "pause", "cancel", "undo"] {
        colleague.ask(Method::POST, &action.at(&format!("/{what}")), None, None).await.expect(404);
    }
    assert_eq!(colleague.get("/api/v1/customers/bulk-actions").await.expect(200).body["items"], json!([]));
    world.customer().get(&action.at("")).await.expect(403);
    let seen = world.admin().get("/api/v1/customers/bulk-actions").await.expect(200).body;
    assert_eq!(seen["items"][0]["id"], json!(action.id));
    world.admin().ask(Method::POST, &action.at("/run"), None, None).await.expect(200);
    world.program.runner.drain().await.unwrap();
    let entry = history(world, &account).await.remove(0);
    assert_eq!(entry["by"]["accountId"], json!(world.agent().account()), "it stays whose it was");
}

async fn scripts_need_the_scope(world: &World) {
    let plan = world.admin().defines_text("Plan", "agents").await;
    let account = world.customer().account();
    let wanted =
        json!({"selection": {"ids": [account]}, "change": {"type": "setValue", "fieldId": plan, "value": "Gold"}});
    let path = "/api/v1/customers/bulk-actions";
    world.script("reader", &["customers:read"]).await.post(path, wanted.clone()).await.expect(403);
    let writer = world.script("writer", &["customers:write"]).await;
    let begun = writer.posts_once("once", path, wanted.clone()).await.expect(201).body;
    let again = writer.posts_once("once", path, wanted).await.expect(201).body;
    assert_eq!(begun["id"], again["id"], "sent twice, done once");
    world.program.runner.drain().await.unwrap();
    let at = format!("{path}/{}", begun["id"].as_str().unwrap());
    writer.post(&format!("{at}/run"), json!({})).await.expect(200);
    world.program.runner.drain().await.unwrap();
    assert_eq!(value(world, &account, &plan).await, "Gold");
    // Who belongs where is organizations' too.
    let organization =
        world.agent().get("/api/v1/organizations?limit=1").await.expect(200).body["items"][0]["id"].clone();
    let join = json!({"selection": {"ids": [account]}, "change": {"type": "addToOrganization", "organizationId": organization}});
    writer.post(path, join).await.expect(403);
    world.script("other", &["customers:write"]).await.get(&at).await.expect(404);
}

async fn a_field_that_changes_stops_it(world: &World) {
    let plan = world.admin().defines_text("Plan", "agents").await;
    let account = world.customer().account();
    let action = Acting::of(world, &plan, &[&account], json!("Gold")).await;
    let read = world.admin().get(&format!("/api/v1/fields/{plan}")).await.expect(200);
    let renamed = json!({"entity": "customer", "type": "text", "name": "Plan renamed", "audience": "agents"});
    world.admin().put(&format!("/api/v1/fields/{plan}"), &read.etag(), renamed).await.expect(200);
    assert_eq!(action.does("run").await.expect(422).body["code"], "fields_changed");
    action.does("cancel").await.expect(200);
    world.program.runner.drain().await.unwrap();
    assert_eq!(value(world, &account, &plan).await, Value::Null);
}

/// An organization, and two customers who are not in it and one who is.
async fn organization_and_people(world: &World) -> (String, Vec<String>, String) {
    let listed = world.agent().get("/api/v1/organizations?limit=100").await.expect(200).body;
    for item in listed["items"].as_array().unwrap() {
        let id = item["id"].as_str().unwrap().to_owned();
        let members = world.agent().get(&format!("/api/v1/organizations/{id}")).await.expect(200).body;
        let members: Vec<&str> =
            members["members"].as_array().unwrap().iter().map(|member| member["accountId"].as_str().unwrap()).collect();
        let outside: Vec<String> = people(world, 100)
            .await
            .into_iter()
            .filter(|account| !members.contains(&account.as_str()))
            .take(2)
            .collect();
        if let (Some(member), 2) = (members.first(), outside.len()) {
            return (id, outside, (*member).to_owned());
        }
    }
    panic!("the demo has no organization with a member and two strangers");
}

fn members(world: &World, organization: &str) -> Vec<String> {
    let state = world.jira.state();
    let state = state.read();
    state.organizations[organization].members.iter().map(ToString::to_string).collect()
}

async fn customers_join_an_organization_and_leave_it(world: &World) {
    let (organization, outside, member) = organization_and_people(world).await;
    let ids = json!({"ids": [outside[0], outside[1], member]});
    let change = json!({"type": "addToOrganization", "organizationId": organization});
    let action = Acting::begun(world, ids.clone(), change).await;
    let seen = action.reads().await;
    assert_eq!(counts(&seen), [2, 1, 0, 0], "who is in it already is told");
    assert!(seen["called"].as_str().is_some_and(|name| !name.is_empty()), "{seen}");
    let done = action.ends("run").await;
    assert_eq!((&done["state"], &done["written"]), (&json!("done"), &json!(2)));
    assert!(outside.iter().all(|account| members(world, &organization).contains(account)), "Jira has them");
    let shown = world.agent().get(&format!("/api/v1/organizations/{organization}")).await.expect(200).body;
    assert!(shown.to_string().contains(&outside[0]), "and the lists, at once");
    let undone = action.ends("undo").await;
    assert_eq!((&undone["state"], &undone["returned"]), (&json!("undone"), &json!(2)));
    let now = members(world, &organization);
    assert!(!now.contains(&outside[0]) && now.contains(&member), "who was in it before stays");

    let change = json!({"type": "removeFromOrganization", "organizationId": organization});
    let action = Acting::begun(world, ids, change).await;
    assert_eq!(counts(&action.reads().await), [1, 2, 0, 0]);
    action.ends("run").await;
    assert!(!members(world, &organization).contains(&member));
    action.ends("undo").await;
    assert!(members(world, &organization).contains(&member));
}

async fn whom_jira_does_not_take_keeps_nobody_out(world: &World) {
    let (organization, outside, _) = organization_and_people(world).await;
    let change = json!({"type": "addToOrganization", "organizationId": organization});
    let action = Acting::begun(world, json!({"ids": [outside[0], outside[1]]}), change.clone()).await;
    // The account goes between the preview and the run.
    world.jira.state().write().accounts.shift_remove(outside[1].as_str()).unwrap();
    let done = action.ends("run").await;
    assert_eq!((&done["state"], &done["written"], counts(&done)), (&json!("done"), &json!(1), [1, 0, 1, 0]));
    assert_eq!(action.rows("refused").await[0]["ownerId"], json!(outside[1]));
    assert!(members(world, &organization).contains(&outside[0]));
}

/// Customers whom Jira just made, and an organization that none of them is in.
fn newcomers(world: &World, count: usize) -> (Vec<String>, String) {
    let (state, nobody) = (world.jira.state(), sandbox::events::Actor::default());
    let made = (0..count).map(|at| {
        let (email, name) = (format!("page{at}@example.com"), format!("One of a page {at}"));
        state.create_customer(&nobody, &email, &name).unwrap().account_id
    });
    (made.collect(), state.create_organization(&nobody, "Of a whole page").id)
}

/// Somebody's account goes, and with it their memberships.
fn deletes(world: &World, account: &str) {
    let state = world.jira.state();
    let mut store = state.write();
    store.accounts.shift_remove(account).unwrap();
    for organization in store.organizations.values_mut() {
        organization.members.remove(account);
    }
}

async fn somebody_who_is_gone_alone_on_the_last_page_stops_nothing(world: &World) {
    let page = host::client::ACCOUNTS_AT_ONCE;
    let (people, organization) = newcomers(world, page + 2);
    let change = json!({"type": "addToOrganization", "organizationId": organization});
    let action = Acting::begun(world, json!({"ids": people[..=page]}), change.clone()).await;
    let done = action.ends("run").await;
    assert_eq!((&done["state"], &done["written"]), (&json!("done"), &json!(page + 1)));
    // The way back comes to whoever was first last.
    deletes(world, &people[0]);
    let undone = action.ends("undo").await;
    assert_eq!(
        (&undone["state"], &undone["returned"], &undone["kept"]),
        (&json!("undone"), &json!(page), &json!(1)),
        "{undone}"
    );
    assert!(members(world, &organization).is_empty());

    let action = Acting::begun(world, json!({"ids": people[1..]}), change).await;
    assert_eq!(action.reads().await["records"], page + 1);
    deletes(world, &people[page + 1]);
    let done = action.ends("run").await;
    let whole = i64::try_from(page).unwrap();
    assert_eq!((&done["state"], &done["written"], counts(&done)), (&json!("done"), &json!(page), [whole, 0, 1, 0]));
    assert_eq!(action.rows("refused").await[0]["ownerId"], json!(people[page + 1]));
    assert_eq!(members(world, &organization).len(), page);
}

async fn a_place_that_is_gone_stops_it(world: &World) {
    let (people, organization) = newcomers(world, 2);
    let change = json!({"type": "addToOrganization", "organizationId": organization});
    let action = Acting::begun(world, json!({"ids": people}), change).await;
    world.jira.state().delete_organization(&sandbox::events::Actor::default(), &organization).unwrap();
    let paused = action.ends("run").await;
    assert_eq!((&paused["state"], &paused["reason"]), (&json!("paused"), &json!("refused_by_jira")), "{paused}");
    assert_eq!((&paused["written"], counts(&paused)), (&json!(0), [2, 0, 0, 0]), "it is nobody's fault");
    assert_eq!(action.ends("cancel").await["state"], "cancelled");
}

async fn customers_are_let_into_a_project(world: &World) {
    let wanted = json!({"email": "new@newcomers.example", "displayName": "Nia New"});
    let made = world.admin().post("/api/v1/customers", wanted).await.expect(201);
    let account = made.body["customer"]["accountId"].as_str().unwrap().to_owned();
    let projects = world.admin().get("/api/v1/projects").await.expect(200).body;
    let project = projects["items"][0]["id"].as_str().unwrap().to_owned();
    let inside = || {
        let state = world.jira.state();
        let store = state.read();
        let desk = store.service_desks.values().find(|desk| desk.project_id == project).unwrap();
        desk.customers.contains(&account)
    };
    // Out of a desk that is open to everybody Jira takes nobody.
    for desk in world.jira.state().write().service_desks.values_mut() {
        desk.open_access = false;
    }
    assert!(!inside());
    let wanted = json!({"selection": {"ids": [account]}, "change": {"type": "addToProject", "projectId": project}});
    let begin = || async {
        let begun = world.admin().post("/api/v1/customers/bulk-actions", wanted.clone()).await.expect(201).body;
        world.program.runner.drain().await.unwrap();
        format!("/api/v1/customers/bulk-actions/{}", begun["id"].as_str().unwrap())
    };
    let at = begin().await;
    let moves = |way: &'static str| {
        let at = at.clone();
        async move {
            world.admin().post(&format!("{at}/{way}"), json!({})).await.expect(200);
            world.program.runner.drain().await.unwrap();
            world.admin().get(&at).await.expect(200).body
        }
    };
    let done = moves("run").await;
    assert_eq!((&done["state"], &done["written"]), (&json!("done"), &json!(1)));
    assert!(done["undoUntil"].is_string() && inside(), "{done}");

    // Who is there already is not let in once more, so that undoing takes nobody out who was.
    let again = begin().await;
    let seen = world.admin().get(&again).await.expect(200).body;
    assert_eq!(counts(&seen), [0, 1, 0, 0], "{seen}");
    // While the desk is open to everybody Jira lets nobody out: that is told, and can be tried again.
    let opens = |open: bool| {
        for desk in world.jira.state().write().service_desks.values_mut() {
            desk.open_access = open;
        }
    };
    opens(true);
    let stopped = moves("undo").await;
    assert_eq!((&stopped["state"], &stopped["reason"]), (&json!("cancelled"), &json!("refused_by_jira")), "{stopped}");
    opens(false);
    let undone = moves("undo").await;
    assert_eq!((&undone["state"], &undone["returned"]), (&json!("undone"), &json!(1)), "{undone}");
    assert!(!inside());
}
