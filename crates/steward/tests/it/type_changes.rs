//! Changing a field's type: a preview that changes nothing, a change that everybody reads at once, and the way back.

use axum::http::Method;
use serde_json::{Value, json};

use crate::imports::{customers, value};
use crate::world::{Answer, World};

on_both!(
    a_type_is_previewed_changed_and_undone,
    everybody_reads_the_new_type_before_a_value_is_written_anew,
    what_values_say_becomes_options_and_text_again,
    lists_search_and_files_follow,
    who_writes_meanwhile_is_kept_and_told,
    a_change_that_makes_no_sense_is_told_where,
    tokens_need_the_scopes_for_what_they_see_and_write,
    history_is_read_as_it_was,
    a_customer_is_told_nothing_of_a_hidden_field_that_was_changed,
);

/// A change of a field's type, as an administrator goes on with it.
pub(crate) struct Changing<'w> {
    pub(crate) world: &'w World,
    pub(crate) id: String,
}

impl<'w> Changing<'w> {
    /// Previews it to the end.
    pub(crate) async fn of(world: &'w World, field: &str, wanted: Value) -> Self {
        let begun = world.admin().post(&format!("/api/v1/fields/{field}/type-changes"), wanted).await.expect(201);
        assert_eq!(begun.body["state"], "checking");
        world.program.runner.drain().await.unwrap();
        Self { world, id: begun.body["id"].as_str().unwrap().to_owned() }
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("/api/v1/type-changes/{}{path}", self.id)
    }

    pub(crate) async fn reads(&self) -> Value {
        self.world.admin().get(&self.at("")).await.expect(200).body
    }

    pub(crate) async fn does(&self, what: &str) -> Answer {
        self.world.admin().ask(Method::POST, &self.at(&format!("/{what}")), None, None).await
    }

    /// Does it and lets the job end.
    async fn ends(&self, what: &str) -> Value {
        self.does(what).await.expect(200);
        self.world.program.runner.drain().await.unwrap();
        self.reads().await
    }

    async fn rows(&self, outcome: &str) -> Vec<Value> {
        let path = self.at(&format!("/rows?limit=100&outcome={outcome}"));
        self.world.admin().get(&path).await.expect(200).body["items"].as_array().unwrap().clone()
    }
}

fn counts(change: &Value) -> [i64; 3] {
    ["changed", "refused", "overtaken"].map(|name| change["rows"][name].as_i64().unwrap())
}

async fn kind(world: &World, field: &str) -> Value {
    world.agent().get(&format!("/api/v1/fields/{field}")).await.expect(200).body["type"].clone()
}

async fn history(world: &World, owner: &str) -> Vec<Value> {
    let path = format!("/api/v1/customers/{owner}/history");
    world.agent().get(&path).await.expect(200).body["items"].as_array().unwrap().clone()
}

/// Writes over what stands.
async fn writes_over(world: &World, owner: &str, field: &str, to: Value) {
    let set = world.agent().get(&format!("/api/v1/customers/{owner}/values")).await.expect(200).body;
    let held = set["values"].as_array().unwrap().iter().find(|value| value["fieldId"] == field).unwrap();
    let path = format!("/api/v1/customers/{owner}/values/{field}");
    world.agent().put(&path, &format!("\"v{}\"", held["version"]), json!({"value": to})).await.expect(200);
}

/// Who is found, in the order of the list.
async fn found(world: &World, query: &str) -> Vec<String> {
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let path = format!("/api/v1/customers?limit=100&query={query}");
    let listed = world.agent().get(&path).await.expect(200).body;
    listed["items"].as_array().unwrap().iter().map(|item| item["accountId"].as_str().unwrap().to_owned()).collect()
}

/// A text field with what these customers hold in it.
async fn field_of(world: &World, name: &str, said: &[&str]) -> (String, Vec<String>) {
    let field = world.admin().defines_text(name, "agents").await;
    let people: Vec<String> = customers(world, said.len()).await.into_iter().map(|(account, _)| account).collect();
    for (account, said) in people.iter().zip(said) {
        world.agent().writes(account, &field, json!(said)).await.expect(200);
    }
    (field, people)
}

async fn a_type_is_previewed_changed_and_undone(world: &World) {
    let (seats, people) = field_of(world, "Seats", &["12", "a dozen", "1.234,5", "=1+1"]).await;
    let change = Changing::of(world, &seats, json!({"type": "number", "reading": {"decimal": "comma"}})).await;
    let seen = change.reads().await;
    assert_eq!((&seen["state"], counts(&seen)), (&json!("checked"), [2, 2, 0]));
    assert_eq!((&seen["from"], &seen["to"], &seen["fieldName"]), (&json!("text"), &json!("number"), &json!("Seats")));
    assert_eq!((kind(world, &seats).await, value(world, &people[0], &seats).await), (json!("text"), json!("12")));
    let refused = change.rows("refused").await;
    let lost = refused.iter().find(|row| row["ownerId"] == json!(people[1])).unwrap();
    assert_eq!((&lost["from"], &lost["to"]), (&json!("a dozen"), &Value::Null));
    assert!(lost["ownerName"].as_str().is_some_and(|name| !name.is_empty()), "people are named: {lost}");
    assert!(lost["detail"].as_str().unwrap().contains("number"), "{lost}");
    let report = change.does("report").await.expect(200).text;
    assert!(report.contains(",does not convert,a dozen,,"), "{report}");
    assert!(report.contains(",converts,\"1.234,5\",1234.5,"), "{report}");
    assert!(report.contains("'=1+1"), "a report's cells never run as formulas: {report}");

    let done = change.ends("run").await;
    assert_eq!((&done["state"], &done["valuesWritten"]), (&json!("done"), &json!(4)));
    assert_eq!(done["undoUntil"], "2026-12-22T09:00:00Z");
    assert_eq!(kind(world, &seats).await, "number");
    assert_eq!(value(world, &people[0], &seats).await, json!(12.0));
    assert_eq!(value(world, &people[2], &seats).await, json!(1234.5));
    assert_eq!(value(world, &people[1], &seats).await, Value::Null, "what does not convert is empty");
    let entry = history(world, &people[1]).await.remove(0);
    assert_eq!((&entry["action"], &entry["from"]), (&json!("converted"), &json!("a dozen")), "and history keeps it");
    assert_eq!(entry["by"]["accountId"], json!(world.admin().account()));

    // Somebody goes on working: that is kept, in the former type.
    writes_over(world, &people[0], &seats, json!(13)).await;
    let undone = change.ends("undo").await;
    assert_eq!(
        (&undone["state"], &undone["valuesReturned"], &undone["valuesKept"]),
        (&json!("undone"), &json!(3), &json!(1))
    );
    assert_eq!(kind(world, &seats).await, "text");
    for (account, said) in people.iter().zip(["13", "a dozen", "1.234,5", "=1+1"]) {
        assert_eq!(value(world, account, &seats).await, said);
    }
    let kept = world.admin().get(&change.at("/kept")).await.expect(200).body;
    assert_eq!(kept["items"][0]["ownerId"], json!(people[0]));
    change.does("undo").await.expect(422);
}

async fn everybody_reads_the_new_type_before_a_value_is_written_anew(world: &World) {
    let (seats, people) = field_of(world, "Seats", &["7", "30", "many"]).await;
    let change = Changing::of(world, &seats, json!({"type": "number"})).await;
    // Nobody has done anything but the definition yet: the job waits.
    change.does("run").await.expect(200);
    assert_eq!(change.reads().await["valuesWritten"], 0);
    assert_eq!(value(world, &people[1], &seats).await, json!(30.0));
    assert_eq!(value(world, &people[2], &seats).await, Value::Null);
    assert_eq!(found(world, "seats > 8").await, [people[1].clone()]);
    assert_eq!(found(world, "seats IS NOT EMPTY ORDER BY seats DESC").await, [people[1].clone(), people[0].clone()]);
    world.program.runner.drain().await.unwrap();
    assert_eq!(change.reads().await["valuesWritten"], 3);
    assert_eq!(found(world, "seats > 8").await, [people[1].clone()]);
    // And back, at once.
    change.does("undo").await.expect(200);
    assert_eq!(kind(world, &seats).await, "text");
    assert_eq!(found(world, "seats ~ 30").await, [people[1].clone()]);
    world.program.runner.drain().await.unwrap();
    assert_eq!(value(world, &people[2], &seats).await, "many");
    assert_eq!(found(world, "seats ~ many").await, [people[2].clone()]);
}

async fn what_values_say_becomes_options_and_text_again(world: &World) {
    let (tier, people) = field_of(world, "Tier", &["Gold", "gold ", "Silver; Gold", "Tin"]).await;
    let change =
        Changing::of(world, &tier, json!({"type": "multiSelect", "options": ["Tin"], "createOptions": true})).await;
    let seen = change.reads().await;
    assert_eq!(counts(&seen), [4, 0, 0]);
    let mut labels: Vec<String> =
        seen["options"].as_array().unwrap().iter().map(|label| label.as_str().unwrap().to_lowercase()).collect();
    labels.sort_unstable();
    assert_eq!(labels, ["gold", "silver", "tin"], "each once, in whichever case it was met first");
    change.ends("run").await;
    let mut gold = found(world, "tier = Gold").await;
    gold.sort();
    let mut expected = people[..3].to_vec();
    expected.sort();
    assert_eq!(gold, expected);
    // A choice of one: who has several loses them, and is told before.
    let one = Changing::of(world, &tier, json!({"type": "select"})).await;
    assert_eq!(counts(&one.reads().await), [3, 1, 0]);
    assert_eq!(one.rows("refused").await[0]["from"].as_str().map(|from| from.contains("; ")), Some(true));
    one.ends("run").await;
    let text = Changing::of(world, &tier, json!({"type": "text"})).await;
    text.ends("run").await;
    assert_eq!(value(world, &people[3], &tier).await, "Tin");
    // Only the latest is undone: what values were before is in the history by then.
    assert_eq!(one.does("undo").await.expect(422).body["code"], "type_changed_since");
    text.ends("undo").await;
    assert_eq!(kind(world, &tier).await, "select");
    assert_eq!(one.does("undo").await.expect(422).body["code"], "type_changed_since");
    assert_eq!(found(world, "tier = Tin").await, [people[3].clone()]);
}

async fn lists_search_and_files_follow(world: &World) {
    let (renewal, people) = field_of(world, "Renewal", &["31.12.2026", "01.02.2027", "quokka"]).await;
    let hits = |words: &'static str| async move {
        let found = world.agent().get(&format!("/api/v1/search?q={words}")).await.expect(200).body;
        found["items"].as_array().unwrap().len()
    };
    assert_eq!(hits("quokka").await, 1);
    Changing::of(world, &renewal, json!({"type": "date", "reading": {"dates": "dayFirst"}})).await.ends("run").await;
    assert_eq!(hits("quokka").await, 0, "what nobody holds is found by nobody");
    assert!(hits("2027").await > 0);
    assert_eq!(found(world, "renewal < 2027-01-01").await, [people[0].clone()]);
    assert_eq!(found(world, "renewal was 2026-12-31").await, [people[0].clone()], "the past reads as the new type");
    let file = json!({"format": "csv", "columns": [renewal], "query": "renewal IS NOT EMPTY ORDER BY renewal"});
    let file = world.agent().post("/api/v1/customers/export", file).await.expect(200).text;
    let lines: Vec<&str> = file.trim_start_matches('\u{feff}').split("\r\n").skip(1).collect();
    assert_eq!(lines[0], format!("{},2026-12-31", people[0]));
    assert_eq!(lines[1], format!("{},2027-02-01", people[1]));
}

async fn who_writes_meanwhile_is_kept_and_told(world: &World) {
    let (seats, people) = field_of(world, "Seats", &["1", "2", "3", "4"]).await;
    let change = Changing::of(world, &seats, json!({"type": "number"})).await;
    // After the preview, before the change: it does not convert, and nobody saw it.
    writes_over(world, &people[0], &seats, json!("one")).await;
    change.does("run").await.expect(200);
    // After the change, before its job: of the new type by then.
    writes_over(world, &people[1], &seats, json!(22)).await;
    let path = format!("/api/v1/customers/{}/values/{seats}", people[2]);
    world.agent().put(&path, "\"v0\"", json!({"value": "three"})).await.expect(412);
    world.program.runner.drain().await.unwrap();
    let done = change.reads().await;
    assert_eq!((&done["state"], counts(&done)), (&json!("done"), [4, 0, 1]));
    assert_eq!(change.rows("overtaken").await[0]["from"], "one");
    assert_eq!(value(world, &people[1], &seats).await, json!(22.0));
    let held = history(world, &people[1]).await;
    assert_eq!((&held[0]["from"], &held[0]["to"]), (&json!(2.0), &json!(22.0)));
    // What was restored from before is converted too, or refused.
    let set = world.agent().get(&format!("/api/v1/customers/{}/values", people[1])).await.expect(200).body;
    let version =
        set["values"].as_array().unwrap().iter().find(|held| held["fieldId"] == seats).unwrap()["version"].clone();
    let restore = format!("/api/v1/customers/{}/history/{}/restore", people[1], held[1]["id"].as_str().unwrap());
    let restored = world.agent().ask(Method::POST, &restore, Some(&format!("\"v{version}\"")), None).await.expect(200);
    assert_eq!(restored.body["value"], json!(2.0));
    // A field that is being changed is changed by nobody else.
    change.does("undo").await.expect(200);
    let again = world.admin().post(&format!("/api/v1/fields/{seats}/type-changes"), json!({"type": "date"})).await;
    assert_eq!(again.expect(422).body["code"], "type_change_running");
    world.program.runner.drain().await.unwrap();
    assert_eq!(value(world, &people[1], &seats).await, "2");
    assert_eq!(value(world, &people[0], &seats).await, "one");
}

async fn a_change_that_makes_no_sense_is_told_where(world: &World) {
    let (field, _) = field_of(world, "Thing", &["x"]).await;
    let path = format!("/api/v1/fields/{field}/type-changes");
    for (wanted, pointer) in [
        (json!({"type": "text"}), "/type"),
        (json!({"type": "user"}), "/type"),
        (json!({"type": "select"}), "/options"),
        (json!({"type": "number", "options": ["x"]}), "/options"),
        (json!({"type": "select", "options": ["a", " "]}), "/options/1"),
        (json!({"type": "dateTime", "reading": {"timeZone": "Mars/Olympus"}}), "/reading/timeZone"),
        (
            json!({"type": "multiSelect", "createOptions": true, "reading": {"listSeparator": ""}}),
            "/reading/listSeparator",
        ),
    ] {
        let refused = world.admin().post(&path, wanted.clone()).await.expect(422).body;
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{wanted}: {refused}");
    }
    world
        .admin()
        .post("/api/v1/fields/0198c0de-0000-7000-8000-000000000000/type-changes", json!({"type": "date"}))
        .await
        .expect(404);
    let first = Changing::of(world, &field, json!({"type": "number"})).await;
    let second = Changing::of(world, &field, json!({"type": "select", "createOptions": true})).await;
    assert_eq!(first.reads().await["state"], "cancelled", "another preview takes its place");
    first.does("run").await.expect(422);
    second.does("undo").await.expect(422);
    // The field changes: what was seen is old.
    let read = world.admin().get(&format!("/api/v1/fields/{field}")).await.expect(200);
    let renamed = json!({"entity": "customer", "type": "text", "name": "Thing renamed", "audience": "agents"});
    world.admin().put(&format!("/api/v1/fields/{field}"), &read.etag(), renamed.clone()).await.expect(200);
    assert_eq!(second.does("run").await.expect(422).body["code"], "fields_changed");
    second.does("cancel").await.expect(200);
    world.program.runner.drain().await.unwrap();
    // The definition alone changes no type.
    let read = world.admin().get(&format!("/api/v1/fields/{field}")).await.expect(200);
    let mut other = renamed;
    other["type"] = json!("number");
    let fixed = world.admin().put(&format!("/api/v1/fields/{field}"), &read.etag(), other).await.expect(422).body;
    assert_eq!(fixed["errors"][0]["code"], "fixed");
    // No import, and no change of a type, is the other.
    let as_import = world.admin().get(&format!("/api/v1/imports/{}", second.id)).await;
    as_import.expect(404);
    let listed = world.admin().get("/api/v1/imports").await.expect(200).body;
    assert_eq!(listed["items"], json!([]));
    let listed = world.admin().get(&path).await.expect(200).body;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2));
}

async fn tokens_need_the_scopes_for_what_they_see_and_write(world: &World) {
    let (field, _) = field_of(world, "Scoped", &["1"]).await;
    let path = format!("/api/v1/fields/{field}/type-changes");
    let blind = world.script("blind", &["fields:write"]).await;
    blind.post(&path, json!({"type": "number"})).await.expect(403);
    let reader = world.script("reader", &["fields:write", "customers:read"]).await;
    let begun = reader.post(&path, json!({"type": "number"})).await.expect(201).body;
    world.program.runner.drain().await.unwrap();
    let at = format!("/api/v1/type-changes/{}", begun["id"].as_str().unwrap());
    reader.get(&format!("{at}/rows")).await.expect(200);
    blind.get(&format!("{at}/rows")).await.expect(403);
    reader.post(&format!("{at}/run"), json!({})).await.expect(403);
    let writer = world.script("writer", &["fields:write", "customers:write"]).await;
    writer.post(&format!("{at}/run"), json!({})).await.expect(200);
    world.program.runner.drain().await.unwrap();
    assert_eq!(kind(world, &field).await, "number");
    world.agent().get(&at).await.expect(403);
}

async fn history_is_read_as_it_was(world: &World) {
    let tier = world
        .admin()
        .defines(json!({"entity": "customer", "type": "select", "name": "Tier", "options": [{"label": "Gold"}, {"label": "Tin"}]}))
        .await;
    let field = tier["id"].as_str().unwrap().to_owned();
    let account = world.customer().account();
    world.agent().writes(&account, &field, tier["options"][0]["id"].clone()).await.expect(200);
    Changing::of(world, &field, json!({"type": "text"})).await.ends("run").await;
    let entries = history(world, &account).await;
    assert_eq!((&entries[0]["fromText"], &entries[0]["to"]), (&json!("Gold"), &json!("Gold")));
    assert_eq!(entries[0].get("toText"), None, "it is of the type that stands");
    assert_eq!(entries[1]["toText"], "Gold", "an option is told by its label, and never by its id");
}

async fn a_customer_is_told_nothing_of_a_hidden_field_that_was_changed(world: &World) {
    let seats = world.admin().defines_text("Seats", "agents").await;
    let (account, customer) = (world.customer().account(), world.customer());
    world.agent().writes(&account, &seats, json!("a dozen")).await.expect(200);
    let written = history(world, &account).await[0]["id"].as_str().unwrap().to_owned();
    Changing::of(world, &seats, json!({"type": "number"})).await.ends("run").await;
    let (hidden, never) = (written.as_str(), "999999999");
    let at = |change: &str| format!("/api/v1/customers/{account}/history/{change}/restore");
    let told = customer.ask(Method::POST, &at(hidden), Some("\"v1\""), None).await.expect(404);
    let nothing = customer.ask(Method::POST, &at(never), Some("\"v1\""), None).await.expect(404);
    assert_eq!(told.text, nothing.text, "it is as if it had never been");
    let agent = world.agent().ask(Method::POST, &at(hidden), Some("\"v1\""), None).await.expect(422).body;
    assert_eq!(agent["code"], "not_convertible");
}
