//! What undoing an import that made customers takes, and what it cannot; and the whole way on a Data Center.

use std::time::Duration;

use axum::http::Method;
use sandbox::events::Actor;
use sandbox::faults::Misfortune;
use serde_json::{Value, json};

use super::{CUSTOMER, accounts, befalls, counts, file, is_in, later, made, make, places};
use crate::imports::{Importing, value};
use crate::site::{Browser, joins, signs_in_through};
use crate::world::{Joined, World};

on_both!(undoing_takes_access_if_it_is_said, what_cannot_be_taken_is_told, who_lost_access_stays_listed);

pub(super) async fn undone(import: &Importing<'_>, how: &str) -> Value {
    import.does(how).await.expect(200);
    import.world.program.runner.drain().await.unwrap();
    import.reads().await
}

async fn undoing_takes_access_if_it_is_said(world: &World) {
    let plan = world.admin().defines_text("Plan", "agents").await;
    let (project, organization) = places(world).await;
    let people = [("one@example.com", "One", "Gold"), ("two@example.com", "Two", "Silver")];
    let import = Importing::of(world, "customer", &file(&people), 100_000).await;
    import.checks_as_suggested(make(&project, &organization)).await;
    let done = import.runs().await;
    assert_eq!(done["undoUntil"], "2026-12-22T09:00:00Z");
    let (one, two) = (accounts(world, "one@example.com").remove(0), accounts(world, "two@example.com").remove(0));
    // Somebody goes on working with one of them: that stays.
    let set = world.agent().get(&format!("/api/v1/customers/{two}/values")).await.expect(200).body;
    let version = set["values"].as_array().unwrap().iter().find(|v| v["fieldId"] == plan).unwrap()["version"].clone();
    let path = format!("/api/v1/customers/{two}/values/{plan}");
    world.agent().put(&path, &format!("\"v{version}\""), json!({"value": "Bronze"})).await.expect(200);
    let of_project = format!("/api/v1/customers?query=project%20%3D%20{project}&limit=100");
    assert!(world.agent().get(&of_project).await.expect(200).text.contains(&one), "the lists know at once");
    // An answer that is lost here changes nothing either.
    befalls(world, Method::DELETE, "/rest/servicedeskapi/", 1, Misfortune::Lose);
    import.does("undo?takeAccess=true").await.expect(200);
    for _ in 0..3 {
        later(world, 1).await;
    }
    let after = import.reads().await;
    assert_eq!(
        (&after["state"], &after["valuesReturned"], &after["valuesKept"]),
        (&json!("undone"), &json!(1), &json!(1))
    );
    assert_eq!(value(world, &one, &plan).await, Value::Null);
    assert_eq!(value(world, &two, &plan).await, "Bronze");
    for account in [&one, &two] {
        assert_eq!(is_in(world, account, &project, &organization), (false, false));
    }
    let states: Vec<Value> = made(&import).await.into_iter().map(|person| person["state"].clone()).collect();
    assert_eq!(states, ["taken", "taken"]);
    let members = world.agent().get(&format!("/api/v1/organizations/{organization}")).await.expect(200).body;
    assert!(!members.to_string().contains(&one), "{members}");
    assert!(!world.agent().get(&of_project).await.expect(200).text.contains(&one));
    let cx = world.reader().await;
    let entries = store::ledger::list(&mut world.program.store.read(&cx).await.unwrap(), 0, 1_000).await.unwrap();
    assert_eq!(store::ledger::first_break(&entries), None);
    let taken: Vec<_> = entries.iter().filter(|entry| entry.kind == "customers.import_access_taken").collect();
    assert_eq!(taken.len(), 1);

    // Without a word of it, they keep it.
    let import = Importing::of(world, "customer", &file(&[("three@example.com", "Three", "Gold")]), 100_000).await;
    import.checks_as_suggested(make(&project, &organization)).await;
    import.runs().await;
    assert_eq!(undone(&import, "undo").await["state"], "undone");
    let three = accounts(world, "three@example.com").remove(0);
    assert_eq!(is_in(world, &three, &project, &organization), (true, true));
    assert_eq!(made(&import).await[0]["state"], "placed");
    // A month after, nothing is kept of who was made.
    world.clock.advance(Duration::from_secs(31 * 24 * 3600));
    world.program.runner.drain().await.unwrap();
    assert!(made(&import).await.is_empty());
}

async fn what_cannot_be_taken_is_told(world: &World) {
    world.admin().defines_text("Plan", "agents").await;
    let (project, organization) = places(world).await;
    let import = Importing::of(world, "customer", &file(&[("one@example.com", "One", "")]), 100_000).await;
    import.checks_as_suggested(make(&project, &organization)).await;
    let done = import.runs().await;
    assert_eq!((&done["valuesWritten"], done["undoUntil"].is_string()), (&json!(0), true));
    assert_eq!(import.does("undo").await.expect(422).body["code"], "nothing_to_undo", "but for the access");
    // The project is opened to everybody meanwhile: from such a one nobody can be taken.
    let desk = world.jira.state().read().desk_of(&project).unwrap().id.clone();
    world.jira.state().write().service_desks.get_mut(&desk).unwrap().open_access = true;
    let undone = undone(&import, "undo?takeAccess=true").await;
    assert_eq!(undone["state"], "undone");
    let one = accounts(world, "one@example.com").remove(0);
    assert_eq!(is_in(world, &one, &project, &organization), (true, false));
    assert_eq!(made(&import).await[0]["state"], "kept");
}

/// Whether Jira lets somebody use a project's portal.
fn may_use(world: &World, account: &str, project: &str) -> bool {
    let state = world.jira.state();
    let store = state.read();
    store.is_desk_customer(store.desk_of(project).unwrap(), account)
}

/// Those of this name in the list of customers, in its order.
async fn listed(world: &World, name: &str) -> Vec<Value> {
    let found = world.agent().get(&format!("/api/v1/customers?search={name}")).await.expect(200).body;
    found["items"].as_array().unwrap().iter().map(|item| item["accountId"].clone()).collect()
}

/// Nobody unmakes an account: whoever was made is a customer for as long as Jira has it in use, with access and without,
/// with a value and with none.
async fn who_lost_access_stays_listed(world: &World) {
    world.admin().defines_text("Plan", "agents").await;
    let (project, organization) = places(world).await;
    let people = [("one@example.com", "Ada Quillfeather", "Gold"), ("two@example.com", "Bo Quillfeather", "")];
    let import = Importing::of(world, "customer", &file(&people), 100_000).await;
    import.checks_as_suggested(make(&project, &organization)).await;
    assert_eq!(import.runs().await["customersMade"], 2);
    let accounts = people.map(|(email, _, _)| accounts(world, email).remove(0));
    assert!(accounts.iter().all(|account| may_use(world, account, &project)), "they got access");
    let mut known = Vec::new();
    for account in &accounts {
        known.push(Value::from(world.known_as(account).await));
    }
    assert_eq!(undone(&import, "undo?takeAccess=true").await["state"], "undone");
    assert!(accounts.iter().all(|account| !may_use(world, account, &project)), "they lost access");
    assert!(accounts.iter().all(|account| is_in(world, account, &project, &organization) == (false, false)));

    // Beside the import and among the customers, and so it stays when the directory was read anew.
    for hour in 0..3 {
        let of_import = made(&import).await;
        let of_import: Vec<_> = of_import.iter().map(|person| (&person["accountId"], &person["state"])).collect();
        let taken = json!("taken");
        assert_eq!(of_import, [(&known[0], &taken), (&known[1], &taken)], "after {hour} hours");
        assert_eq!(listed(world, "quillfeather").await, known, "after {hour} hours");
        later(world, 61).await;
    }
    let whole = world.agent().get(&format!("/api/v1/customers/{}", known[0].as_str().unwrap())).await.expect(200).body;
    assert_eq!((&whole["displayName"], &whole["organizations"]), (&json!("Ada Quillfeather"), &json!([])));
    world.jira.state().edit_account(&Actor::default(), &accounts[0], |account| account.active = false).unwrap();
    world.jira.deliveries_settled().await;
    for _ in 0..2 {
        later(world, 61).await;
    }
    assert_eq!(listed(world, "quillfeather").await, known[1..], "whose account was closed is no customer");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_data_center_too_who_lost_access_stays_listed() {
    let world = Box::pin(World::joined_by(Joined::DataCenter, Vec::new())).await;
    Box::pin(who_lost_access_stays_listed(&world)).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_data_center_with_postgres_too_who_lost_access_stays_listed() {
    if let Some(world) = Box::pin(World::joined_on_postgres(Joined::DataCenter)).await {
        Box::pin(who_lost_access_stays_listed(&world)).await;
        world.end().await;
    }
}

/// People are names there, an address that is taken is told as one that is none, and nothing is invited.
#[tokio::test(flavor = "multi_thread")]
async fn on_a_data_center() {
    let world = World::data_center(Vec::new(), sandbox::Version::default()).await;
    let joined = joins(&world).await;
    signs_in_through(&world).await;
    let site = joined["id"].as_str().unwrap();
    let mut admin = Browser::of(&world, "admin");
    let csrf = admin.signs_in(site).await;
    let (project, organization) = {
        let state = world.jira.state();
        let store = state.read();
        let project = store.service_desks.values().find(|desk| !desk.open_access).unwrap().project_id.clone();
        (project, store.organizations.keys().next().unwrap().clone())
    };
    let field = json!({"entity": "customer", "type": "text", "name": "Plan"});
    let plan =
        admin.asks(Method::POST, "/api/v1/fields", Some(&csrf), Some(field)).await.expect(201).body["id"].clone();
    let begun = json!({"entity": "customer", "fileName": "people.csv"});
    let begun = admin.asks(Method::POST, "/api/v1/imports", Some(&csrf), Some(begun)).await.expect(201).body;
    let path = format!("/api/v1/imports/{}", begun["id"].as_str().unwrap());
    let people = file(&[
        ("one@example.com", "One", "Gold"),
        ("two@example.com", "Two", "Gold"),
        ("ada@localhost", "Ada", "Gold"),
    ]);
    let part = json!({"base64": base64::Engine::encode(&base64::engine::general_purpose::STANDARD, people)});
    admin.asks(Method::PUT, &format!("{path}/parts/0"), Some(&csrf), Some(part)).await.expect(200);
    let settings = json!({
        "columns": ["email", "displayName", plan],
        "makeCustomers": {"projectIds": [project], "organizationIds": [organization]},
    });
    admin.asks(Method::POST, &format!("{path}/check"), Some(&csrf), Some(settings)).await.expect(200);
    world.program.runner.drain().await.unwrap();
    befalls(&world, Method::POST, CUSTOMER, 1, Misfortune::Lose);
    admin.asks(Method::POST, &format!("{path}/run"), Some(&csrf), None).await.expect(200);
    world.program.runner.drain().await.unwrap();
    later(&world, 1).await;
    let done = admin.goes(&path).await.expect(200).body;
    assert_eq!((&done["state"], counts(&done)), (&json!("done"), [0, 2, 0, 1, 0]));
    assert_eq!((&done["customersMade"], &done["valuesWritten"]), (&json!(2), &json!(2)));
    let listed = admin.goes(&format!("{path}/made")).await.expect(200).body;
    assert!(listed["items"][0]["accountId"].as_str().unwrap().starts_with("dc-"), "{listed}");
    assert_eq!(listed["items"][0]["displayName"], "One");
    let one = accounts(&world, "one@example.com");
    assert_eq!((one.len(), is_in(&world, &one[0], &project, &organization)), (1, (true, true)));
    admin.asks(Method::POST, &format!("{path}/undo?takeAccess=true"), Some(&csrf), None).await.expect(200);
    world.program.runner.drain().await.unwrap();
    assert_eq!(admin.goes(&path).await.expect(200).body["state"], "undone");
    assert_eq!(is_in(&world, &one[0], &project, &organization), (false, false));
    world.end().await;
}
