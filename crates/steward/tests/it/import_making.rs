//! Imports that make customers: once each, whatever is lost on the way; found, told or refused by Jira; and what an undo takes.

mod undoing;

use std::time::Duration;

use axum::http::Method;
use sandbox::faults::{Misfortune, Reason, RequestFault};
use serde_json::{Value, json};

use crate::imports::{Importing, customers, value};
use crate::world::World;

on_both!(
    who_is_not_there_is_made_once,
    two_rows_of_one_address_are_one_person,
    an_answer_that_is_lost_makes_nobody_twice,
    a_search_that_is_behind_is_waited_for,
    an_address_that_is_withheld_is_told,
    whom_jira_has_already_is_found_or_told,
    whom_jira_does_not_take_keeps_nobody_out,
    jiras_limits_are_waited_for,
    it_pauses_where_jira_lets_nobody_be_made,
    another_dry_run_makes_nobody_anew,
    scripts_need_the_scope_of_customers,
    what_makes_no_sense_is_told_where,
);

const CUSTOMER: &str = "/rest/servicedeskapi/customer";

/// A file of people and their plans.
fn file(rows: &[(&str, &str, &str)]) -> Vec<u8> {
    let lines: String = rows.iter().map(|(email, name, plan)| format!("{email},{name},{plan}\n")).collect();
    format!("E-mail,Name,Plan\n{lines}").into_bytes()
}

/// A project that not everybody may use, and an organization.
async fn places(world: &World) -> (String, String) {
    let project = {
        let state = world.jira.state();
        let store = state.read();
        store.service_desks.values().find(|desk| !desk.open_access).unwrap().project_id.clone()
    };
    let listed = world.admin().get("/api/v1/organizations?limit=1").await.expect(200).body;
    (project, listed["items"][0]["id"].as_str().unwrap().to_owned())
}

fn make(project: &str, organization: &str) -> Value {
    json!({"makeCustomers": {"projectIds": [project], "organizationIds": [organization]}})
}

/// Accounts of this address in Jira.
fn accounts(world: &World, email: &str) -> Vec<String> {
    let state = world.jira.state();
    let store = state.read();
    let of = store.accounts.values().filter(|account| account.email.eq_ignore_ascii_case(email));
    of.map(|account| account.account_id.clone()).collect()
}

/// Whether somebody is in a project and in an organization.
fn is_in(world: &World, account: &str, project: &str, organization: &str) -> (bool, bool) {
    let state = world.jira.state();
    let store = state.read();
    let desk = store.desk_of(project).unwrap();
    (desk.customers.contains(account), store.organizations[organization].members.contains(account))
}

fn counts(import: &Value) -> [i64; 5] {
    ["changed", "made", "unchanged", "refused", "overtaken"].map(|name| import["rows"][name].as_i64().unwrap())
}

async fn made(import: &Importing<'_>) -> Vec<Value> {
    import.world.admin().get(&import.at("/made")).await.expect(200).body["items"].as_array().unwrap().clone()
}

/// Befalls the next calls of a kind.
fn befalls(world: &World, method: Method, path: &str, next: u64, what: Misfortune) {
    let rule = RequestFault { method: Some(method), path: Some(path.to_owned()), next: Some(next), chance: 1.0, what };
    let faults = sandbox::Faults { requests: vec![rule], ..sandbox::Faults::none() };
    world.jira.state().faults().command(faults, None);
}

/// Lets what waits be tried again.
async fn later(world: &World, minutes: u64) {
    world.clock.advance(Duration::from_secs(minutes * 60));
    world.program.runner.drain().await.unwrap();
}

async fn who_is_not_there_is_made_once(world: &World) {
    let plan = world.admin().defines_text("Plan", "agents").await;
    let (project, organization) = places(world).await;
    let address =
        customers(world, 100).await.into_iter().map(|(_, email)| email).find(|email| !email.is_empty()).unwrap();
    let file = file(&[
        ("Grace.Hopper@navy.example", "Grace Hopper", "Gold"),
        ("ada@engine.example", "", ""),
        ("not an address", "Nobody", "Gold"),
        ("long@example.com", &"x".repeat(300), "Gold"),
        (&address, "Not their name", "Silver"),
    ]);
    let import = Importing::of(world, "customer", &file, 100_000).await;
    // Off unless it is said; and it is said each time.
    let refused = import.checks_as_suggested(json!({})).await;
    assert_eq!(counts(&refused), [1, 0, 0, 4, 0]);
    let checked = import.checks_as_suggested(make(&project, &organization)).await;
    assert_eq!((&checked["state"], counts(&checked)), (&json!("checked"), [1, 2, 0, 2, 0]));
    let preview = world.admin().get(&import.at("/preview")).await.expect(200).body;
    assert_eq!((&preview["remembered"], &preview["suggested"]["makeCustomers"]), (&json!(true), &Value::Null));
    assert_eq!(preview["suggested"]["columns"], json!(["email", "displayName", plan]));
    let rows = import.rows("made").await;
    assert_eq!((&rows[0]["named"], &rows[0]["ownerId"]), (&json!("Grace.Hopper@navy.example"), &Value::Null));
    let refused = import.rows("refused").await;
    assert_eq!((&refused[0]["errors"][0]["code"], &refused[0]["errors"][0]["column"]), (&json!("format"), &json!(0)));
    assert_eq!((&refused[1]["errors"][0]["code"], &refused[1]["errors"][0]["column"]), (&json!("too_long"), &json!(1)));
    assert!(accounts(world, "ada@engine.example").is_empty(), "a dry run makes nobody");

    let done = import.runs().await;
    assert_eq!((&done["state"], counts(&done)), (&json!("done"), [1, 2, 0, 2, 0]));
    assert_eq!(
        (&done["customersMade"], &done["valuesWritten"], &done["accessGiven"]),
        (&json!(2), &json!(2), &json!(true))
    );
    let grace = accounts(world, "grace.hopper@navy.example").remove(0);
    let ada = accounts(world, "ada@engine.example").remove(0);
    assert_eq!(value(world, &grace, &plan).await, "Gold");
    for account in [&grace, &ada] {
        assert_eq!(is_in(world, account, &project, &organization), (true, true));
    }
    assert_eq!(world.jira.state().read().display_name(&ada), "ada", "what stands before the @");
    let listed = made(&import).await;
    assert_eq!(listed[0], json!({"accountId": grace, "displayName": "Grace Hopper", "row": 1, "state": "placed"}));
    assert_eq!(listed.len(), 2);
    assert_eq!(import.rows("made").await[0]["ownerId"], json!(grace));
    let report = import.does("report").await.expect(200).text;
    assert!(report.contains(&format!("2,made,{grace},Grace.Hopper@navy.example,Plan,,Gold,,")), "{report}");
    let state = world.jira.state();
    assert!(state.read().accounts.values().all(|account| account.display_name != "Not their name"));
    // Here at once, by the address that Jira withholds.
    let found = world.agent().get("/api/v1/customers?search=grace.hopper").await.expect(200).body;
    assert_eq!(found["items"][0]["accountId"], json!(grace), "{found}");
    let again = Importing::of(world, "customer", &file, 100_000).await;
    assert_eq!(counts(&again.checks_as_suggested(make(&project, &organization)).await), [0, 0, 3, 2, 0]);
}

async fn two_rows_of_one_address_are_one_person(world: &World) {
    world.admin().defines_text("Plan", "agents").await;
    let file = file(&[
        ("ada@engine.example", "Ada", "Gold"),
        ("ADA@engine.example", "Ada Lovelace", "Gold"),
        ("Ada@Engine.Example", "Ada", "Silver"),
    ]);
    let import = Importing::of(world, "customer", &file, 100_000).await;
    let checked = import.checks_as_suggested(json!({"makeCustomers": {}})).await;
    assert_eq!(counts(&checked), [0, 1, 1, 1, 0]);
    assert_eq!(import.rows("refused").await[0]["errors"][0]["code"], "not_unique");
    let done = import.runs().await;
    assert_eq!((&done["customersMade"], &done["accessGiven"]), (&json!(1), &json!(false)));
    assert_eq!(accounts(world, "ada@engine.example").len(), 1);
    let refused = import.does("undo?takeAccess=true").await.expect(422).body;
    assert_eq!(refused["code"], "nothing_to_take", "{refused}");
    let undone = undoing::undone(&import, "undo").await;
    assert_eq!((&undone["state"], &undone["valuesReturned"]), (&json!("undone"), &json!(1)));
    assert_eq!(accounts(world, "ada@engine.example").len(), 1, "nobody can unmake an account");
}

/// Jira made somebody, and nobody heard: the next try finds whom it made.
async fn an_answer_that_is_lost_makes_nobody_twice(world: &World) {
    let plan = world.admin().defines_text("Plan", "agents").await;
    let (project, organization) = places(world).await;
    let file = file(&[
        ("one@example.com", "One", "Gold"),
        ("two@example.com", "Two", "Silver"),
        ("three@example.com", "Three", ""),
    ]);
    let import = Importing::of(world, "customer", &file, 100_000).await;
    import.checks_as_suggested(make(&project, &organization)).await;
    befalls(world, Method::POST, CUSTOMER, 1, Misfortune::Lose);
    let waits = import.runs().await;
    assert_eq!((&waits["state"], &waits["customersMade"]), (&json!("running"), &json!(0)));
    assert_eq!(accounts(world, "one@example.com").len(), 1, "Jira did it");
    assert_eq!(made(&import).await[0], json!({"accountId": null, "displayName": null, "row": 1, "state": "asked"}));
    later(world, 1).await;
    let done = import.reads().await;
    assert_eq!((&done["state"], counts(&done)), (&json!("done"), [0, 3, 0, 0, 0]));
    assert_eq!((&done["customersMade"], &done["valuesWritten"]), (&json!(3), &json!(2)));
    let one = accounts(world, "one@example.com");
    assert_eq!((one.len(), value(world, &one[0], &plan).await), (1, json!("Gold")));
    assert_eq!(is_in(world, &one[0], &project, &organization), (true, true));

    // A gateway's error says as little; so does an answer that is lost while they are put into their places.
    let file = self::file(&[("four@example.com", "Four", "Gold"), ("five@example.com", "Five", "Gold")]);
    let import = Importing::of(world, "customer", &file, 100_000).await;
    import.checks_as_suggested(make(&project, &organization)).await;
    befalls(world, Method::POST, CUSTOMER, 1, Misfortune::Error { status: 504 });
    assert_eq!(import.runs().await["state"], "running");
    let desk = world.jira.state().read().desk_of(&project).unwrap().id.clone();
    befalls(world, Method::POST, &format!("/rest/servicedeskapi/servicedesk/{desk}/customer"), 1, Misfortune::Lose);
    later(world, 1).await;
    assert_eq!(import.reads().await["state"], "running");
    later(world, 1).await;
    let done = import.reads().await;
    assert_eq!((&done["state"], &done["customersMade"]), (&json!("done"), &json!(2)));
    let four = accounts(world, "four@example.com");
    assert_eq!((four.len(), is_in(world, &four[0], &project, &organization)), (1, (true, true)));
    let cx = world.reader().await;
    let entries = store::ledger::list(&mut world.program.store.read(&cx).await.unwrap(), 0, 1_000).await.unwrap();
    let added = entries.iter().filter(|entry| entry.kind == "customers.customer_added").count();
    assert_eq!(added, 5, "a line for each person who was made, and no second one");
}

async fn a_search_that_is_behind_is_waited_for(world: &World) {
    world.admin().defines_text("Plan", "agents").await;
    let import = Importing::of(world, "customer", &file(&[("one@example.com", "One", "Gold")]), 100_000).await;
    import.checks_as_suggested(json!({"makeCustomers": {}})).await;
    let lose = RequestFault {
        method: Some(Method::POST),
        path: Some(CUSTOMER.to_owned()),
        next: Some(1),
        chance: 1.0,
        what: Misfortune::Lose,
    };
    let lag = Duration::from_secs(5 * 60);
    let faults = sandbox::Faults { requests: vec![lose], search_lag: (lag, lag), ..sandbox::Faults::none() };
    world.jira.state().faults().command(faults, None);
    import.runs().await;
    later(world, 1).await;
    assert_eq!(import.reads().await["state"], "running", "Jira says that the address is taken, and not yet by whom");
    later(world, 5).await;
    let done = import.reads().await;
    assert_eq!((&done["state"], &done["customersMade"]), (&json!("done"), &json!(1)));
}

/// To an app itself Jira tells no customer's address: whom a lost answer was about stays unknown, and is told so.
async fn an_address_that_is_withheld_is_told(world: &World) {
    world.admin().defines_text("Plan", "agents").await;
    let script = world.script("Importer", &["imports:write", "customers:write"]).await;
    let begun = json!({"entity": "customer", "fileName": "people.csv"});
    let id = script.post("/api/v1/imports", begun).await.expect(201).body["id"].as_str().unwrap().to_owned();
    let import = Importing { world, id };
    let request = axum::http::Request::put(import.at("/parts/0"))
        .header("authorization", format!("Bearer {}", script.secret))
        .header("content-type", "text/csv");
    let people = file(&[("one@example.com", "One", "Gold"), ("two@example.com", "Two", "Gold")]);
    world.send(request.body(people.into()).unwrap()).await.expect(200);
    let mut settings = script.get(&import.at("/preview")).await.expect(200).body["suggested"].clone();
    settings["makeCustomers"] = json!({});
    script.post(&import.at("/check"), settings).await.expect(200);
    world.program.runner.drain().await.unwrap();
    befalls(world, Method::POST, CUSTOMER, 1, Misfortune::Lose);
    script.post(&import.at("/run"), json!({})).await.expect(200);
    world.program.runner.drain().await.unwrap();
    later(world, 1).await;
    assert_eq!(import.reads().await["state"], "running", "perhaps its search is behind");
    later(world, 11).await;
    let done = import.reads().await;
    assert_eq!((&done["state"], counts(&done)), (&json!("done"), [0, 1, 0, 1, 0]));
    let refused = import.rows("refused").await;
    assert_eq!((&refused[0]["errors"][0]["code"], &refused[0]["line"]), (&json!("answer_lost"), &json!(2)));
    assert_eq!(accounts(world, "one@example.com").len(), 1, "asked again, Jira makes no second one");
}

async fn whom_jira_has_already_is_found_or_told(world: &World) {
    let plan = world.admin().defines_text("Plan", "agents").await;
    let (project, organization) = places(world).await;
    let file = file(&[
        ("there@example.com", "There", "Gold"),
        ("held@example.com", "Held", "Gold"),
        ("closed@example.com", "Closed", "Gold"),
    ]);
    let import = Importing::of(world, "customer", &file, 100_000).await;
    assert_eq!(counts(&import.checks_as_suggested(make(&project, &organization)).await), [0, 3, 0, 0, 0]);
    // They come while somebody looks at the report; one has a value by then, one is closed and found by nobody.
    let state = world.jira.state();
    let actor = sandbox::events::Actor::default();
    let comes = |email: &str| state.create_customer(&actor, email, "Somebody else").unwrap().account_id;
    let (there, held, closed) = (comes("there@example.com"), comes("held@example.com"), comes("closed@example.com"));
    state.edit_account(&actor, &closed, |account| account.active = false).unwrap();
    world.agent().writes(&held, &plan, json!("Silver")).await.expect(200);
    let done = import.runs().await;
    assert_eq!((&done["state"], counts(&done)), (&json!("done"), [1, 0, 0, 1, 1]));
    assert_eq!((&done["customersMade"], &done["accessGiven"]), (&json!(0), &json!(false)));
    assert_eq!(value(world, &there, &plan).await, "Gold");
    assert_eq!(value(world, &held, &plan).await, "Silver", "nothing is overwritten unseen");
    assert_eq!(import.rows("refused").await[0]["errors"][0]["code"], "email_in_use");
    assert_eq!(is_in(world, &there, &project, &organization), (false, false), "only who is made is put somewhere");
    assert!(made(&import).await.is_empty());
    let named = world.agent().get(&format!("/api/v1/customers/{there}")).await.expect(200).body;
    assert_eq!(named["displayName"], "Somebody else", "{named}");
}

async fn whom_jira_does_not_take_keeps_nobody_out(world: &World) {
    world.admin().defines_text("Plan", "agents").await;
    let (project, organization) = places(world).await;
    // An address that ours takes for one, and Jira does not.
    let file = file(&[("ada@localhost", "Ada", "Gold"), ("grace@navy.example", "Grace", "Gold")]);
    let import = Importing::of(world, "customer", &file, 100_000).await;
    assert_eq!(counts(&import.checks_as_suggested(make(&project, &organization)).await), [0, 2, 0, 0, 0]);
    let done = import.runs().await;
    assert_eq!((&done["state"], counts(&done)), (&json!("done"), [0, 1, 0, 1, 0]));
    let refused = import.rows("refused").await;
    assert_eq!((&refused[0]["errors"][0]["code"], &refused[0]["line"]), (&json!("jira_rejected"), &json!(2)));
    assert_eq!(accounts(world, "grace@navy.example").len(), 1);
}

async fn jiras_limits_are_waited_for(world: &World) {
    world.admin().defines_text("Plan", "agents").await;
    let (project, organization) = places(world).await;
    // More than one slice.
    let people: Vec<(String, String)> =
        (0..60).map(|at| (format!("many{at}@example.com"), format!("Many {at}"))).collect();
    let rows: Vec<(&str, &str, &str)> = people.iter().map(|(email, name)| (&**email, &**name, "Gold")).collect();
    let import = Importing::of(world, "customer", &file(&rows), 100_000).await;
    import.checks_as_suggested(make(&project, &organization)).await;
    // The dry run looked for each of them: the site's own limit is whole again.
    world.clock.advance(Duration::from_secs(60));
    // The limit's own time, on the machine's clock: the client waits it out.
    let limited = Misfortune::RateLimit { reason: Reason::Burst, retry_after_s: Some(1) };
    befalls(world, Method::POST, CUSTOMER, 2, limited);
    import.runs().await;
    let done = import.reads().await;
    assert_eq!(
        (&done["state"], &done["customersMade"], &done["valuesWritten"]),
        (&json!("done"), &json!(60), &json!(60))
    );
    for (email, _) in &people {
        let account = accounts(world, email);
        assert_eq!((account.len(), is_in(world, &account[0], &project, &organization)), (1, (true, true)), "{email}");
    }
}

async fn it_pauses_where_jira_lets_nobody_be_made(world: &World) {
    world.admin().defines_text("Plan", "agents").await;
    let (project, organization) = places(world).await;
    let import = Importing::of(world, "customer", &file(&[("ada@engine.example", "Ada", "Gold")]), 100_000).await;
    import.checks_as_suggested(make(&project, &organization)).await;
    // Whoever began it administers Jira no more when the job comes to it.
    import.does("run").await.expect(200);
    let admin = world.admin().account();
    let leave = |in_it: bool| {
        let state = world.jira.state();
        let mut store = state.write();
        for group in store.groups.values_mut().filter(|group| group.name.contains("admin")) {
            if in_it {
                group.members.insert(admin.clone());
            } else {
                group.members.remove(&admin);
            }
        }
    };
    leave(false);
    world.program.runner.drain().await.unwrap();
    leave(true);
    let paused = import.reads().await;
    assert_eq!((&paused["state"], &paused["reason"]), (&json!("paused"), &json!("refused_by_jira")));
    assert!(made(&import).await.is_empty(), "nobody was asked for");
    assert_eq!(import.runs().await["customersMade"], 1);
}

/// Whoever was made under one reading of the file is the same person under another.
async fn another_dry_run_makes_nobody_anew(world: &World) {
    world.admin().defines_text("Plan", "agents").await;
    let (project, organization) = places(world).await;
    let people = [("one@example.com", "One", "Gold"), ("two@example.com", "Two", "Gold")];
    let import = Importing::of(world, "customer", &file(&people), 100_000).await;
    import.checks_as_suggested(make(&project, &organization)).await;
    befalls(world, Method::POST, CUSTOMER, 2, Misfortune::Lose);
    import.runs().await;
    import.does("pause").await.expect(200);
    later(world, 1).await;
    let paused = import.reads().await;
    assert_eq!((&paused["state"], &paused["customersMade"]), (&json!("paused"), &json!(0)));
    world.jira.state().faults().take_back();
    import.checks_as_suggested(make(&project, &organization)).await;
    let done = import.runs().await;
    assert_eq!((&done["state"], &done["customersMade"]), (&json!("done"), &json!(2)));
    for (email, _, _) in people {
        assert_eq!(accounts(world, email).len(), 1);
    }
}

async fn scripts_need_the_scope_of_customers(world: &World) {
    world.admin().defines_text("Plan", "agents").await;
    let (project, organization) = places(world).await;
    let import = Importing::of(world, "customer", &file(&[("one@example.com", "One", "Gold")]), 100_000).await;
    let mut settings = world.admin().get(&import.at("/preview")).await.expect(200).body["suggested"].clone();
    settings["makeCustomers"] = json!({"projectIds": [project]});
    let path = import.at("/check");
    world.script("Importer", &["imports:write"]).await.post(&path, settings.clone()).await.expect(403);
    let maker = world.script("Maker", &["imports:write", "customers:write"]).await;
    settings["makeCustomers"]["organizationIds"] = json!([organization]);
    maker.post(&path, settings.clone()).await.expect(403);
    settings["makeCustomers"]["organizationIds"] = json!([]);
    maker.post(&path, settings).await.expect(200);
    world.program.runner.drain().await.unwrap();
    // What one may prepare, another may not carry out, nor take back.
    let importer = world.script("Importer too", &["imports:write"]).await;
    importer.post(&import.at("/run"), json!({})).await.expect(403);
    maker.post(&import.at("/run"), json!({})).await.expect(200);
    world.program.runner.drain().await.unwrap();
    assert_eq!(import.reads().await["customersMade"], 1);
    importer.post(&import.at("/undo?takeAccess=true"), json!({})).await.expect(403);
    importer.get(&import.at("/made")).await.expect(200);
    world.agent().get(&import.at("/made")).await.expect(403);
}

async fn what_makes_no_sense_is_told_where(world: &World) {
    let plan = world.admin().defines_text("Plan", "agents").await;
    let region = json!({"entity": "organization", "type": "text", "name": "Region"});
    let region = world.admin().defines(region).await["id"].clone();
    let people = Importing::of(world, "customer", &file(&[("one@example.com", "One", "Gold")]), 100_000).await;
    let firms = Importing::of(world, "organization", b"Name,Region\nX,North\n", 100_000).await;
    let columns = json!(["email", "displayName", plan]);
    for (import, columns, make, pointer) in [
        (&people, json!(["accountId", "displayName", plan]), json!({}), "/columns"),
        (&people, columns.clone(), json!({"projectIds": ["999999"]}), "/makeCustomers/projectIds/0"),
        (&people, columns.clone(), json!({"projectIds": ["x y"]}), "/makeCustomers/projectIds/0"),
        (&people, columns.clone(), json!({"projectIds": vec!["1"; 11]}), "/makeCustomers/projectIds"),
        (&people, columns.clone(), json!({"organizationIds": ["999999"]}), "/makeCustomers/organizationIds/0"),
        (&people, columns.clone(), json!({"organizationIds": vec!["1"; 11]}), "/makeCustomers/organizationIds"),
        (&firms, json!(["name", region]), json!({}), "/makeCustomers"),
    ] {
        let settings = json!({"columns": columns, "makeCustomers": make});
        let refused = world.admin().post(&import.at("/check"), settings).await.expect(422).body;
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{make}: {refused}");
    }
    // Names and addresses alone are enough, if people are made of them.
    let only = json!({"columns": ["email", "displayName", null]});
    world.admin().post(&people.at("/check"), only.clone()).await.expect(422);
    let mut only = only;
    only["makeCustomers"] = json!({});
    assert_eq!(counts(&people.checks(only).await), [0, 1, 0, 0, 0]);
    let done = people.runs().await;
    assert_eq!(
        (&done["customersMade"], &done["valuesWritten"], &done["undoUntil"]),
        (&json!(1), &json!(0), &Value::Null)
    );
}
