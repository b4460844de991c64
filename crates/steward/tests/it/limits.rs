//! What a site can have very much of, and only so much of is taken at once: who wants more is told what it is of, and how much is
//! taken. The program has smaller limits here than a server has: a million rows tell nothing that four do not.

use customers::Limits;
use serde_json::{Value, json};

use crate::imports::{Importing, customers};
use crate::world::World;

#[track_caller]
fn names(refused: &Value, pointer: &str, limit: u64) {
    let told = &refused["errors"][0];
    assert_eq!((&told["pointer"], &told["code"], &told["limit"]), (&json!(pointer), &json!("too_many"), &json!(limit)));
    assert!(told["detail"].as_str().unwrap().contains(&limit.to_string()), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_too_many_rows_is_given_up() {
    let world = World::start().await.limited(Limits { import_rows: 3, ..Limits::default() }).await;
    let plan = world.admin().defines_text("Plan", "agents").await;
    let people = customers(&world, 4).await;
    for (rows, state, reason) in [(3, "checked", Value::Null), (4, "cancelled", json!("too_many_rows"))] {
        let lines: String = people[..rows].iter().map(|(account, _)| format!("{account},Gold\n")).collect();
        let import = Importing::of(&world, "customer", format!("Account ID,Plan\n{lines}").as_bytes(), 1_000).await;
        let seen = import.checks(json!({"columns": ["accountId", plan]})).await;
        assert_eq!((&seen["state"], &seen["reason"]), (&json!(state), &reason), "{seen}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_too_many_records_is_refused() {
    let world = World::start().await.limited(Limits { export_rows: 2, ..Limits::default() }).await;
    let people = customers(&world, 2).await;
    let agent = world.agent();
    for wanted in [
        json!({"format": "json"}),
        json!({"format": "json", "query": "active = true"}),
        json!({"format": "json", "query": "active = true ORDER BY name"}),
    ] {
        names(&agent.post("/api/v1/customers/export", wanted).await.expect(422).body, "/query", 2);
    }
    let two = format!("accountId IN (\"{}\", \"{}\")", people[0].0, people[1].0);
    let whole = agent.post("/api/v1/customers/export", json!({"format": "json", "query": two})).await.expect(200).body;
    assert_eq!(whole["items"].as_array().map(Vec::len), Some(2));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_change_of_too_many_records_is_refused() {
    let world = World::start().await.limited(Limits { bulk_records: 2, ..Limits::default() }).await;
    let plan = world.admin().defines_text("Plan", "agents").await;
    let people = customers(&world, 3).await;
    for (account, _) in &people {
        world.agent().writes(account, &plan, json!("Silver")).await.expect(200);
    }
    let wanted = |selection: Value| json!({"selection": selection, "change": {"type": "setValue", "fieldId": plan, "value": "Gold"}});
    let path = "/api/v1/customers/bulk-actions";
    for selection in [json!({}), json!({"query": "plan = Silver"})] {
        let refused = world.agent().post(path, wanted(selection)).await.expect(422).body;
        names(&refused, "/selection", 2);
    }
    // One less is not too many, and is what was left.
    let but_one = json!({"query": "plan = Silver", "except": [people[0].0]});
    let begun = world.agent().post(path, wanted(but_one)).await.expect(201).body;
    assert_eq!(begun["records"], 2);
    world.program.runner.drain().await.unwrap();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicates_that_were_not_looked_for_are_said_to_be_possible() {
    for (duplicate_values, more) in [(4, false), (2, true)] {
        let world = World::start().await.limited(Limits { duplicate_values, ..Limits::default() }).await;
        let people = customers(&world, 2).await;
        for (kind, name, value) in [("phone", "Telephone", "+49 40 123456"), ("email", "Second address", "a@b.example")]
        {
            let field = world.admin().defines(json!({"entity": "customer", "type": kind, "name": name})).await;
            for (account, _) in &people {
                world.agent().writes(account, field["id"].as_str().unwrap(), json!(value)).await.expect(200);
            }
        }
        let told = world.agent().get("/api/v1/duplicates?limit=100").await.expect(200).body;
        let pair = |pair: &&Value| {
            people.iter().all(|(account, _)| ["first", "second"].iter().any(|of| pair[of]["accountId"] == **account))
        };
        let found = told["items"].as_array().unwrap().iter().find(pair).expect("both have the same number");
        let reasons = found["reasons"].as_array().unwrap();
        assert!(reasons.contains(&json!("phone")) && reasons.contains(&json!("email")) != more, "{found}");
        assert_eq!(told["more"], more);
        world.end().await;
    }
}
