//! Whom the cells and rows of a file name and no list of customers does: agents in fields of people, by address and by name; people whose
//! address Jira tells nobody but whoever looks for it; and how many are looked for.

use sandbox::events::Actor;
use sandbox::state::model::Account;
use serde_json::{Value, json};

use crate::imports::{Importing, counts, customers, value};
use crate::world::{Joined, World};

on_both!(
    an_agent_is_named_by_address_or_by_name,
    two_of_one_name_are_nobody,
    organizations_have_their_people_too,
    whose_address_is_withheld_is_found_or_told,
);

/// A field of people; its id.
async fn manager(world: &World, entity: &str) -> String {
    let field = json!({"entity": entity, "type": "user", "name": "Manager"});
    world.admin().defines(field).await["id"].as_str().unwrap().to_owned()
}

/// Somebody who works here and is nobody's customer; as Steward knows them.
async fn colleague(world: &World, email: &str, name: &str) -> String {
    let account = world.jira.state().create_colleague(&Actor::default(), email, name).unwrap().account_id;
    world.jira.deliveries_settled().await;
    world.program.runner.drain().await.unwrap();
    world.known_as(&account).await
}

/// The first error of each row that is refused.
async fn refusals(import: &Importing<'_>) -> Vec<String> {
    let rows = import.rows("refused").await;
    rows.iter().map(|row| row["errors"][0]["code"].as_str().unwrap().to_owned()).collect()
}

async fn an_agent_is_named_by_address_or_by_name(world: &World) {
    let manager = manager(world, "customer").await;
    let berta = colleague(world, "berta.manager@example.com", "Berta Manager").await;
    let people = customers(world, 100).await;
    assert!(people.iter().all(|(id, _)| *id != berta), "no list of customers has her");
    let owner = |place: usize| people[place].0.as_str();
    let file = format!(
        "Account ID,Manager\n{},Berta.Manager@example.com\n{},berta manager\n{},{berta}\n{},Berta\n{},nobody@example.com\n",
        owner(0),
        owner(1),
        owner(2),
        owner(3),
        owner(4)
    );
    let import = Importing::of(world, "customer", file.as_bytes(), 100_000).await;
    let checked = import.checks_as_suggested(json!({})).await;
    assert_eq!(counts(&checked), [3, 0, 2, 0], "{:?}", import.rows("refused").await);
    // A part of a name is nobody's.
    assert_eq!(refusals(&import).await, ["unknown", "unknown"]);
    import.runs().await;
    for place in 0..3 {
        assert_eq!(value(world, owner(place), &manager).await, json!(berta));
    }
    // One's own export names her, and brings her back where she was taken out since.
    let exported = world.agent().post("/api/v1/customers/export", json!({"format": "csv"})).await.expect(200).text;
    assert!(exported.contains("Berta Manager"), "{exported}");
    world.agent().writes(owner(0), &manager, Value::Null).await.expect(200);
    let import = Importing::of(world, "customer", exported.as_bytes(), 100_000).await;
    let checked = import.checks_as_suggested(json!({})).await;
    assert_eq!((counts(&checked)[0], counts(&checked)[2]), (1, 0), "{:?}", import.rows("refused").await);
    import.runs().await;
    assert_eq!(value(world, owner(0), &manager).await, json!(berta));
}

async fn two_of_one_name_are_nobody(world: &World) {
    manager(world, "customer").await;
    colleague(world, "berta.manager@example.com", "Berta Manager").await;
    colleague(world, "cleo.manager@example.com", "Cleo Manager").await;
    colleague(world, "cleo.too@example.com", "Cleo Manager").await;
    let people = customers(world, 3).await;
    let named = |account: &mut Account| account.display_name = "Berta Manager".to_owned();
    world.jira.state().edit_account(&Actor::default(), &people[2].0, named).unwrap();
    world.jira.deliveries_settled().await;
    world.program.runner.drain().await.unwrap();
    let file = format!(
        "Account ID,Manager\n{0},Berta Manager\n{1},Cleo Manager\n{2},berta.manager@example.com\n",
        people[0].0, people[1].0, people[2].0
    );
    let import = Importing::of(world, "customer", file.as_bytes(), 100_000).await;
    assert_eq!(counts(&import.checks_as_suggested(json!({})).await), [1, 0, 2, 0]);
    assert_eq!(
        refusals(&import).await,
        ["ambiguous", "ambiguous"],
        "a customer of her name, and two colleagues of one"
    );
    assert_eq!(import.rows("changed").await[0]["ownerId"], json!(people[2].0), "an address is one person's");
}

async fn organizations_have_their_people_too(world: &World) {
    let field = manager(world, "organization").await;
    let berta = colleague(world, "berta.manager@example.com", "Berta Manager").await;
    let customer = world.customer().account();
    let named = |account: &mut Account| account.display_name = "Only One Of This Name".to_owned();
    let in_jira = world.jira.visitor("customer").unwrap().account_id;
    world.jira.state().edit_account(&Actor::default(), &in_jira, named).unwrap();
    world.jira.deliveries_settled().await;
    world.program.runner.drain().await.unwrap();
    let listed = world.agent().get("/api/v1/organizations?limit=3").await.expect(200).body;
    let ids: Vec<&str> = (0..3).map(|place| listed["items"][place]["id"].as_str().unwrap()).collect();
    let file = format!(
        "Organization ID,Manager\n{},berta.manager@example.com\n{},Berta Manager\n{},Only One Of This Name\n",
        ids[0], ids[1], ids[2]
    );
    let import = Importing::of(world, "organization", file.as_bytes(), 100_000).await;
    let checked = import.checks_as_suggested(json!({})).await;
    assert_eq!(counts(&checked), [3, 0, 0, 0], "{:?}", import.rows("refused").await);
    import.runs().await;
    for (id, expected) in [(ids[0], &berta), (ids[1], &berta), (ids[2], &customer)] {
        let values = world.agent().get(&format!("/api/v1/organizations/{id}/values")).await.expect(200).body;
        let values = values["values"].as_array().unwrap().iter();
        let held: Vec<_> = values.filter(|value| value["fieldId"] == field.as_str()).map(|one| &one["value"]).collect();
        assert_eq!(held, [&json!(expected)]);
    }
}

/// To an administrator Jira tells addresses that it keeps from the app itself, as whom a script's import looks.
async fn whose_address_is_withheld_is_found_or_told(world: &World) {
    let plan = world.admin().defines_text("Plan", "agents").await;
    let made = world.jira.state().create_customer(&Actor::default(), "hidden@example.com", "Hidden").unwrap();
    world.jira.deliveries_settled().await;
    world.program.runner.drain().await.unwrap();
    let file = b"E-mail,Plan\nHidden@example.com,Gold\nnew@example.com,Gold\n";
    let import = Importing::of(world, "customer", file, 100_000).await;
    let checked = import.checks_as_suggested(json!({"makeCustomers": {}})).await;
    assert_eq!((counts(&checked), &checked["rows"]["made"]), ([1, 0, 0, 0], &json!(1)), "who is there is not made");
    assert_eq!(import.rows("changed").await[0]["ownerId"], json!(made.account_id));
    assert_eq!(import.runs().await["customersMade"], 1);
    assert_eq!(value(world, &made.account_id, &plan).await, "Gold");

    let script = world.script("Importer", &["imports:write", "customers:write"]).await;
    let begun = json!({"entity": "customer", "fileName": "people.csv"});
    for settings in [json!({}), json!({"makeCustomers": {}})] {
        let id =
            script.post("/api/v1/imports", begun.clone()).await.expect(201).body["id"].as_str().unwrap().to_owned();
        let import = Importing { world, id };
        let request = axum::http::Request::put(import.at("/parts/0"))
            .header("authorization", format!("Bearer {}", script.secret))
            .header("content-type", "text/csv");
        let file = "E-mail,Plan\nhidden.too@example.com,Silver\n";
        if accounts(world, "hidden.too@example.com") == 0 {
            world.jira.state().create_customer(&Actor::default(), "hidden.too@example.com", "Hidden too").unwrap();
            world.jira.deliveries_settled().await;
        }
        world.send(request.body(file.into()).unwrap()).await.expect(200);
        let mut wanted = script.get(&import.at("/preview")).await.expect(200).body["suggested"].clone();
        wanted.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        script.post(&import.at("/check"), wanted).await.expect(200);
        world.program.runner.drain().await.unwrap();
        assert_eq!(refusals(&import).await, ["address_withheld"], "{settings}");
        import.does("cancel").await.expect(200);
        world.program.runner.drain().await.unwrap();
    }
}

/// How many accounts have this address in Jira.
fn accounts(world: &World, email: &str) -> usize {
    let state = world.jira.state();
    let store = state.read();
    store.accounts.values().filter(|account| account.email == email).count()
}

/// Where an operator joined the site, by a token of Cloud or of a Data Center.
async fn named_where(joined: Joined) {
    let world = World::joined_by(joined, Vec::new()).await;
    Box::pin(an_agent_is_named_by_address_or_by_name(&world)).await;
    let plan = world.admin().defines_text("Plan", "agents").await;
    let dora = colleague(&world, "dora@example.com", "Dora").await;
    let import = Importing::of(&world, "customer", b"E-mail,Plan\ndora@example.com,Gold\n", 100_000).await;
    let checked = import.checks_as_suggested(json!({"makeCustomers": {}})).await;
    assert_eq!(counts(&checked), [1, 0, 0, 0], "{:?}", import.rows("refused").await);
    import.runs().await;
    assert_eq!(value(&world, &dora, &plan).await, "Gold");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_named_by_a_token_of_cloud() {
    Box::pin(named_where(Joined::CloudToken)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_named_on_data_center() {
    Box::pin(named_where(Joined::DataCenter)).await;
}

/// As many as the operator lets: the rows after say so, are made where people are made, and another dry run begins anew.
#[tokio::test(flavor = "multi_thread")]
async fn so_many_are_looked_for() {
    let mut world = World::start().await;
    let mut config = world.config.clone();
    config.imports.look_ups = 3;
    world.goes_on(config, Vec::new()).await;
    let world = world;
    world.admin().defines_text("Plan", "agents").await;
    let here = colleague(&world, "here@example.com", "Here").await;
    // One address is looked for once, however it is written.
    let rows = ["HERE@example.com", "here@example.com", "a@example.com", "b@example.com", "c@example.com"];
    let lines: String = rows.iter().map(|email| format!("{email},Gold\n")).collect();
    let import = Importing::of(&world, "customer", format!("E-mail,Plan\n{lines}").as_bytes(), 100_000).await;
    for _ in 0..2 {
        let checked = import.checks_as_suggested(json!({})).await;
        assert_eq!(counts(&checked), [1, 1, 3, 0], "{:?}", import.rows("refused").await);
        assert_eq!(import.rows("changed").await[0]["ownerId"], json!(here));
        let mut told = refusals(&import).await;
        told.sort();
        assert_eq!(told, ["not_looked_for", "unknown", "unknown"]);
    }
    let checked = import.checks_as_suggested(json!({"makeCustomers": {}})).await;
    assert_eq!((counts(&checked), &checked["rows"]["made"]), ([1, 1, 0, 0], &json!(3)));
    import.does("cancel").await.expect(200);
    world.program.runner.drain().await.unwrap();
    world.end().await;
}
