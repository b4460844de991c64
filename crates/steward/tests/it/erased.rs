//! Somebody whose salt is gone: what is left of their rows opens for nobody, and fails nothing that shows others beside them.

use axum::http::Method;
use serde_json::{Value, json};

use crate::imports::{Importing, counts};
use crate::queries::found;
use crate::world::World;

on_both!(
    what_an_erased_person_left_fails_no_list,
    what_an_erased_person_left_is_shown_as_emptied,
    an_erased_person_is_written_of_anew,
);

/// A field, somebody who was erased with two values in their history, and somebody who was not.
struct Setting {
    animal: String,
    gone: String,
    stays: String,
    /// A change of the former's.
    change: String,
}

async fn setting(world: &World) -> Setting {
    let animal = world.admin().defines_text("Animal", "agents").await;
    let (gone, stays) = (world.customer().account(), world.other_customer().account());
    let agent = world.agent();
    for (owner, value) in [(&gone, "quoll"), (&gone, "thylacine"), (&stays, "numbat")] {
        agent.writes(owner, &animal, json!(value)).await.expect(200);
    }
    let history = agent.get(&format!("/api/v1/customers/{gone}/history")).await.expect(200).body;
    let change = history["items"][0]["id"].as_str().unwrap().to_owned();
    let account = kernel::AccountId::new(gone.clone()).unwrap();
    assert!(world.program.vault.destroy_subject(world.tenant().await, &account).await.unwrap());
    Setting { animal, gone, stays, change }
}

async fn what_an_erased_person_left_fails_no_list(world: &World) {
    let Setting { animal, gone, stays, .. } = setting(world).await;
    let agent = world.agent();
    // Looked at one by one where the index answers, and where it does not.
    for (query, expected) in [
        ("Animal = numbat", vec![&stays]),
        ("Animal IS NOT EMPTY", vec![&stays]),
        ("Animal ~ \"thyla*\"", vec![]),
        ("Animal WAS thylacine OR Animal WAS quoll", vec![]),
        ("Animal CHANGED", vec![&stays]),
        ("Animal CHANGED ORDER BY Animal", vec![&stays]),
        ("updated > -1d ORDER BY Animal", vec![&stays, &gone]),
        ("updated > -1d AND Animal IS EMPTY", vec![&gone]),
    ] {
        assert_eq!(found(&agent, "customers", query, 100).await.iter().collect::<Vec<_>>(), expected, "{query}");
    }
    let everybody = found(&agent, "customers", "ORDER BY Animal, name", 7).await;
    assert_eq!((everybody.first(), everybody.contains(&gone)), (Some(&stays), true));
    assert!(found(&agent, "customers", "Animal IS EMPTY", 100).await.contains(&gone));

    let asked = json!({"ids": [gone, stays], "fields": [animal]});
    let rows = agent.post("/api/v1/customers/values:read", asked).await.expect(200).body;
    assert_eq!(rows["items"][0]["values"][0]["value"], Value::Null, "{rows}");
    assert_eq!(rows["items"][1]["values"][0]["value"], "numbat");
    let mut asked = json!({"format": "json", "query": "updated > -1d ORDER BY Animal", "columns": ["name", animal]});
    let file = agent.post("/api/v1/customers/export", asked.clone()).await.expect(200).body;
    let told: Vec<_> = file["items"].as_array().unwrap().iter().map(|one| (&one["accountId"], &one[&animal])).collect();
    assert_eq!(told, [(&json!(stays), &json!("numbat")), (&json!(gone), &Value::Null)]);
    for format in ["csv", "xlsx"] {
        asked["format"] = json!(format);
        let file = agent.post("/api/v1/customers/export", asked.clone()).await.expect(200);
        assert!(!file.text.contains("thylacine"));
    }
}

async fn what_an_erased_person_left_is_shown_as_emptied(world: &World) {
    let Setting { gone, change, .. } = setting(world).await;
    let agent = world.agent();
    let values = agent.get(&format!("/api/v1/customers/{gone}/values")).await.expect(200);
    assert_eq!(values.body["values"][0]["value"], Value::Null, "{}", values.text);
    let history = agent.get(&format!("/api/v1/customers/{gone}/history")).await.expect(200).body;
    assert_eq!(history["items"], json!([]));
    let version = values.body["values"][0]["version"].as_i64().unwrap();
    let path = format!("/api/v1/customers/{gone}/history/{change}/restore");
    agent.ask(Method::POST, &path, Some(&format!("\"v{version}\"")), None).await.expect(404);
    agent.get(&format!("/api/v1/customers/{gone}")).await.expect(200);
    let mut beside = world.on_page("agent", "customer-panel");
    beside.issue = Some(world.issue());
    let panel = beside.get(&format!("/api/v1/panel?issue={}", world.issue())).await.expect(200).body;
    assert_eq!(panel["selected"]["customer"]["accountId"], gone);
    assert_eq!(panel["selected"]["values"]["values"][0]["value"], Value::Null, "{panel}");
    let held = world.admin().get(&format!("/api/v1/customers/{gone}/held")).await.expect(200);
    assert_eq!((&held.body["values"], &held.body["hiddenFields"]), (&json!([]), &json!(0)), "nothing is held of them");
    let copy = format!("/api/v1/customers/{gone}/copy");
    world.admin().ask(Method::POST, &copy, None, None).await.expect(200);
}

async fn an_erased_person_is_written_of_anew(world: &World) {
    let Setting { animal, gone, .. } = setting(world).await;
    let file = format!("Account ID,Animal\n{gone},bilby\n");
    let import = Importing::of(world, "customer", file.as_bytes(), 100_000).await;
    assert_eq!(counts(&import.checks_as_suggested(json!({})).await), [1, 0, 0, 0]);
    let change = import.rows("changed").await[0]["changes"][0].clone();
    assert_eq!((&change["from"], &change["to"]), (&Value::Null, &json!("bilby")));
    assert_eq!(import.runs().await["valuesWritten"], 1);
    let agent = world.agent();
    agent.writes(&gone, &animal, json!("bettong")).await.expect(200);
    let history = agent.get(&format!("/api/v1/customers/{gone}/history")).await.expect(200).body;
    let seen: Vec<_> = history["items"].as_array().unwrap().iter().map(|one| (&one["from"], &one["to"])).collect();
    assert_eq!(seen, [(&json!("bilby"), &json!("bettong")), (&Value::Null, &json!("bilby"))]);
    assert_eq!(found(&agent, "customers", "Animal = bettong", 100).await, [gone]);
}
