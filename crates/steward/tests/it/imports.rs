//! Imports: a file that arrives, is looked at, checked, carried out, undone; and whatever is wrong with files.

mod long_lines;

use std::time::Duration;

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use store::ledger;

use crate::world::{Answer, World};

on_both!(
    a_file_is_checked_carried_out_and_undone,
    what_is_wrong_is_told_by_row_and_column,
    somebody_was_faster_than_the_run,
    ones_own_export_changes_nothing,
    files_of_every_kind_say_the_same,
    a_mapping_is_remembered_by_its_headers,
    organizations_are_imported_alike,
    only_administrators_and_their_tokens_import,
    the_file_goes_when_the_import_ends_and_in_a_week_at_most,
    an_import_is_paused_resumed_and_given_up,
);

/// An administrator with a file.
pub(crate) struct Importing<'w> {
    pub(crate) world: &'w World,
    pub(crate) id: String,
}

impl<'w> Importing<'w> {
    /// Begins an import and sends its file, in parts of so many bytes.
    pub(crate) async fn of(world: &'w World, entity: &str, file: &[u8], part: usize) -> Self {
        let begun = json!({"entity": entity, "fileName": "people.csv"});
        let made = world.admin().post("/api/v1/imports", begun).await.expect(201).body;
        let import = Self { world, id: made["id"].as_str().unwrap().to_owned() };
        for (number, bytes) in file.chunks(part).enumerate() {
            import.sends(number, bytes).await.expect(200);
        }
        import
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("/api/v1/imports/{}{path}", self.id)
    }

    async fn sends(&self, part: usize, bytes: &[u8]) -> Answer {
        let body = json!({"base64": STANDARD.encode(bytes)});
        self.world.admin().ask(Method::PUT, &self.at(&format!("/parts/{part}")), None, Some(body)).await
    }

    pub(crate) async fn does(&self, what: &str) -> Answer {
        self.world.admin().ask(Method::POST, &self.at(&format!("/{what}")), None, None).await
    }

    /// Begins the dry run with these settings, and lets it end.
    pub(crate) async fn checks(&self, settings: Value) -> Value {
        self.world.admin().post(&self.at("/check"), settings).await.expect(200);
        self.world.program.runner.drain().await.unwrap();
        self.reads().await
    }

    /// Checks with what the headers suggest, and this beside it.
    pub(crate) async fn checks_as_suggested(&self, beside: Value) -> Value {
        let mut settings = self.world.admin().get(&self.at("/preview")).await.expect(200).body["suggested"].clone();
        settings.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
        self.checks(settings).await
    }

    /// Carries it out.
    pub(crate) async fn runs(&self) -> Value {
        self.does("run").await.expect(200);
        self.world.program.runner.drain().await.unwrap();
        self.reads().await
    }

    pub(crate) async fn reads(&self) -> Value {
        self.world.admin().get(&self.at("")).await.expect(200).body
    }

    pub(crate) async fn rows(&self, outcome: &str) -> Vec<Value> {
        let path = self.at(&format!("/rows?limit=100&outcome={outcome}"));
        self.world.admin().get(&path).await.expect(200).body["items"].as_array().unwrap().clone()
    }
}

pub(crate) fn counts(import: &Value) -> [i64; 4] {
    ["changed", "unchanged", "refused", "overtaken"].map(|name| import["rows"][name].as_i64().unwrap())
}

/// Customers of the demo, with their addresses where Jira tells them.
pub(crate) async fn customers(world: &World, count: usize) -> Vec<(String, String)> {
    let listed = world.agent().get(&format!("/api/v1/customers?limit={count}")).await.expect(200).body;
    let items = listed["items"].as_array().unwrap().iter();
    let text = |item: &Value, key: &str| item[key].as_str().unwrap_or_default().to_owned();
    items.map(|item| (text(item, "accountId"), text(item, "emailAddress"))).collect()
}

pub(crate) async fn value(world: &World, owner: &str, field: &str) -> Value {
    let set = world.agent().get(&format!("/api/v1/customers/{owner}/values")).await.expect(200).body;
    let values = set["values"].as_array().unwrap().iter();
    values.filter(|value| value["fieldId"] == field).map(|value| value["value"].clone()).next().unwrap_or(Value::Null)
}

async fn a_file_is_checked_carried_out_and_undone(world: &World) {
    let plan = world.admin().defines_text("Plan", "agents").await;
    let people = customers(world, 4).await;
    let (first, second) = (&people[0].0, &people[1].0);
    world.agent().writes(first, &plan, json!("Silver")).await.expect(200);
    world.agent().writes(second, &plan, json!("Gold")).await.expect(200);
    let file = format!("Account ID,Plan\r\n{first},Gold\r\n{second},Gold\r\n{},\"=1+1\"\r\n", people[2].0);
    let import = Importing::of(world, "customer", file.as_bytes(), 40).await;
    let preview = world.admin().get(&import.at("/preview")).await.expect(200).body;
    assert_eq!(preview["suggested"]["columns"], json!(["accountId", plan]));
    assert_eq!((&preview["encoding"], &preview["delimiter"]), (&json!("utf8"), &json!("comma")));
    assert_eq!(preview["rows"][0], json!({"line": 2, "cells": [first, "Gold"]}));
    let checked = import.checks_as_suggested(json!({})).await;
    assert_eq!((&checked["state"], counts(&checked)), (&json!("checked"), [2, 1, 0, 0]));
    assert_eq!(value(world, first, &plan).await, "Silver", "a dry run changes nothing");
    let rows = import.rows("changed").await;
    assert_eq!((&rows[0]["line"], &rows[0]["ownerId"]), (&json!(2), &json!(first)));
    assert_eq!(rows[0]["changes"], json!([{"fieldId": plan, "from": "Silver", "to": "Gold"}]));
    let report = import.does("report").await.expect(200).text;
    assert!(report.contains(&format!("2,changed,{first},{first},Plan,Silver,Gold,,")), "{report}");
    assert!(report.contains("'=1+1"), "a report's cells never run as formulas: {report}");
    let done = import.runs().await;
    assert_eq!((&done["state"], &done["valuesWritten"], &done["done"]), (&json!("done"), &json!(2), &json!(1.0)));
    assert_eq!(done["undoUntil"], "2026-12-22T09:00:00Z");
    assert_eq!(value(world, first, &plan).await, "Gold");
    assert_eq!(value(world, &people[2].0, &plan).await, "=1+1", "text stays text");
    let history = world.agent().get(&format!("/api/v1/customers/{first}/history")).await.expect(200).body;
    let by = &history["items"][0]["by"];
    assert_eq!((&by["importId"], &by["accountId"]), (&json!(import.id), &json!(world.admin().account())));
    // Somebody goes on working: that value stays when the import is undone.
    world.agent().writes(&people[2].0, &plan, json!("Bronze")).await.expect(200);
    import.does("undo").await.expect(200);
    world.program.runner.drain().await.unwrap();
    let undone = import.reads().await;
    assert_eq!(
        (&undone["state"], &undone["valuesReturned"], &undone["valuesKept"]),
        (&json!("undone"), &json!(1), &json!(1))
    );
    assert_eq!(value(world, first, &plan).await, "Silver");
    assert_eq!(value(world, &people[2].0, &plan).await, "Bronze");
    let kept = world.admin().get(&import.at("/kept")).await.expect(200).body;
    assert_eq!((&kept["items"][0]["ownerId"], &kept["items"][0]["fieldId"]), (&json!(people[2].0), &json!(plan)));
    import.does("undo").await.expect(422);
    let cx = world.reader().await;
    let entries = ledger::list(&mut world.program.store.read(&cx).await.unwrap(), 0, 1_000).await.unwrap();
    assert_eq!(ledger::first_break(&entries), None);
    let written: Vec<_> = entries.iter().filter(|entry| entry.kind.starts_with("customers.import_")).collect();
    let kinds: Vec<&str> = written.iter().map(|entry| entry.kind.trim_start_matches("customers.import_")).collect();
    let expected = ["begun", "report_exported", "started", "written", "done", "undo_started", "returned", "undone"];
    assert_eq!(kinds, expected);
    assert!(written.iter().all(|entry| entry.actor.is_some() && entry.actor == written[0].actor), "who began it");
}

async fn what_is_wrong_is_told_by_row_and_column(world: &World) {
    let admin = world.admin();
    let plan = admin.defines_text("Plan", "agents").await;
    let tier = json!({"entity": "customer", "type": "select", "name": "Tier", "options": [{"label": "Gold", "retired": false}]});
    admin.defines(tier).await;
    let people = customers(world, 100).await;
    let (one, email) = people.iter().find(|(_, email)| !email.is_empty()).unwrap().clone();
    let other = people.iter().find(|(id, _)| *id != one).unwrap().0.clone();
    let rows = [
        format!("{one},Gold,gold"),
        format!("{one},Gold,gold"),
        format!("{one},Silver,gold"),
        format!("{other},{},Platinum", "x".repeat(256)),
        "712020:00000000-0000-4000-8000-000000000000,Gold,".to_owned(),
        "not an id,Gold,".to_owned(),
        ",Gold,".to_owned(),
        "a,b".to_owned(),
        ",,".to_owned(),
        "a,b,c,d".to_owned(),
        format!("{other},\"NUL\0\",Gold"),
    ];
    let file = format!("Account ID,Plan,Tier\n{}\n", rows.join("\n"));
    let import = Importing::of(world, "customer", file.as_bytes(), 500_000).await;
    let checked = import.checks_as_suggested(json!({})).await;
    assert_eq!(counts(&checked), [1, 1, 8, 0]);
    let refused = import.rows("refused").await;
    let told: Vec<(i64, Vec<(Value, &str)>)> = refused
        .iter()
        .map(|row| {
            let errors = row["errors"].as_array().unwrap().iter();
            let errors = errors.map(|error| (error["column"].clone(), error["code"].as_str().unwrap())).collect();
            (row["line"].as_i64().unwrap(), errors)
        })
        .collect();
    let whole = |code| vec![(Value::Null, code)];
    assert_eq!(
        told,
        [
            (4, whole("not_unique")),
            (5, vec![(json!(1), "too_long"), (json!(2), "unknown")]),
            (6, whole("unknown")),
            (7, whole("unknown")),
            (8, whole("required")),
            (9, whole("columns")),
            (11, whole("columns")),
            (12, vec![(json!(1), "format")]),
        ]
    );
    assert_eq!(refused[1]["errors"][0]["limit"], 255);
    // By address; and two people of one address are nobody.
    let file = format!("email;Plan\n{};ByMail\nnobody@example.com;x\n", email.to_uppercase());
    let import = Importing::of(world, "customer", file.as_bytes(), 500_000).await;
    assert_eq!(counts(&import.checks_as_suggested(json!({})).await), [1, 0, 1, 0]);
    assert_eq!(import.rows("changed").await[0]["ownerId"], one);
    // Settings, and files that hold nothing.
    let wrong = json!({"columns": ["email", "email"], "timeZone": "Mars"});
    let told = admin.post(&import.at("/check"), wrong).await.expect(422).body;
    assert_eq!(told["errors"][0]["pointer"], "/columns/1");
    for (file, code) in [("", "empty"), ("\n\n", "empty"), ("email,Plan\n", "no_rows")] {
        let import = Importing::of(world, "customer", file.as_bytes(), 100).await;
        let told = admin.post(&import.at("/check"), json!({"columns": ["email", plan]})).await.expect(422).body;
        assert_eq!(told["errors"][0]["code"], code);
        import.does("cancel").await.expect(200);
    }
    let begun = json!({"entity": "customer", "fileName": "a\nb"});
    admin.post("/api/v1/imports", begun).await.expect(422);
    world.program.runner.drain().await.unwrap();
}

async fn somebody_was_faster_than_the_run(world: &World) {
    let plan = world.admin().defines_text("Plan", "agents").await;
    let people = customers(world, 3).await;
    let file = format!("Account ID,Plan\n{},Gold\n{},Gold\n{},Gold\n", people[0].0, people[1].0, people[2].0);
    let import = Importing::of(world, "customer", file.as_bytes(), 100_000).await;
    import.checks_as_suggested(json!({})).await;
    world.agent().writes(&people[1].0, &plan, json!("Silver")).await.expect(200);
    let done = import.runs().await;
    assert_eq!((counts(&done), &done["valuesWritten"]), ([2, 0, 0, 1], &json!(2)));
    assert_eq!(value(world, &people[1].0, &plan).await, "Silver", "nothing is overwritten unseen");
    assert_eq!(import.rows("overtaken").await[0]["errors"][0]["code"], "conflict");
    // A definition that changed makes the whole plan stale.
    let file = format!("Account ID,Plan\n{},Bronze\n", people[0].0);
    let import = Importing::of(world, "customer", file.as_bytes(), 100_000).await;
    import.checks_as_suggested(json!({})).await;
    let field = world.admin().get(&format!("/api/v1/fields/{plan}")).await.expect(200);
    let changed = json!({"entity": "customer", "type": "text", "name": "Plan of service", "audience": "agents"});
    world.admin().put(&format!("/api/v1/fields/{plan}"), &field.etag(), changed).await.expect(200);
    assert_eq!(import.does("run").await.expect(422).body["code"], "fields_changed");
    let settings = import.reads().await["settings"].clone();
    assert_eq!(counts(&import.checks(settings).await), [1, 0, 0, 0]);
    assert_eq!(import.runs().await["state"], "done");
}

async fn ones_own_export_changes_nothing(world: &World) {
    let person = customers(world, 3).await.remove(2).0;
    for (entity, list, key) in [("customer", "customers", "accountId"), ("organization", "organizations", "id")] {
        let listed = world.agent().get(&format!("/api/v1/{list}?limit=1")).await.expect(200).body;
        let owner = listed["items"][0][key].as_str().unwrap();
        has_a_value_of_each_type(world, entity, &format!("/api/v1/{list}/{owner}/values"), &person).await;
        // A default shows where nothing was written, in the file too.
        let with_default = json!({"entity": entity, "type": "text", "name": "Language", "default": "German"});
        world.admin().defines(with_default).await;
        let export = format!("/api/v1/{list}/export");
        let exported = world.agent().post(&export, json!({"format": "csv"})).await.expect(200).text;
        let import = Importing::of(world, entity, exported.as_bytes(), 3_000).await;
        let checked = import.checks_as_suggested(json!({"emptyCells": "clear"})).await;
        let mapped = checked["settings"]["columns"].as_array().unwrap().iter().filter(|column| !column.is_null());
        assert!(mapped.count() > 13, "each field and whose it is: {checked}");
        assert_eq!(counts(&checked)[0], 0, "{:?}", import.rows("changed").await);
        assert_eq!(counts(&checked)[2], 0, "{:?}", import.rows("refused").await);
        let all = listed["total"].as_i64().unwrap();
        assert!(all > 3 && counts(&checked)[1] == all, "{all} {entity}s: {checked}");
    }
}

/// Defines a field of each type, and writes a value of each.
async fn has_a_value_of_each_type(world: &World, entity: &str, values: &str, person: &str) {
    let option = |label: &str| json!({"label": label, "retired": false});
    let kinds = [
        ("text", json!("'=not a formula"), Value::Null),
        ("longText", json!("=1+1\n  indented, \"quoted\""), Value::Null),
        ("number", json!(-1234.5), Value::Null),
        ("date", json!("2026-01-31"), Value::Null),
        ("dateTime", json!("2026-01-31T13:45:00.5Z"), Value::Null),
        ("boolean", json!(false), Value::Null),
        ("select", Value::Null, json!([option("Gold"), option("=Silver")])),
        ("multiSelect", Value::Null, json!([option("Rock; Roll"), option("Jazz")])),
        ("url", json!("https://example.com/?a=b"), Value::Null),
        ("email", json!("ana@example.com"), Value::Null),
        ("phone", json!("+4930123456"), Value::Null),
        ("user", json!(person), Value::Null),
    ];
    for (kind, held, options) in kinds {
        let mut wanted = json!({"entity": entity, "type": kind, "name": format!("A {kind}")});
        if !options.is_null() {
            wanted["options"] = options;
        }
        let field = world.admin().defines(wanted).await;
        let option = |at: usize| field["options"][at]["id"].clone();
        let held = match kind {
            "select" => option(1),
            "multiSelect" => json!([option(0), option(1)]),
            _ => held,
        };
        let path = format!("{values}/{}", field["id"].as_str().unwrap());
        world.agent().put(&path, "\"v0\"", json!({"value": held})).await.expect(200);
    }
}

async fn files_of_every_kind_say_the_same(world: &World) {
    let plan = world.admin().defines_text("Größe", "agents").await;
    let one = customers(world, 1).await.remove(0).0;
    let wide = |text: &str, to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<u8>>();
    let text = |between: char| format!("Account ID{between}Größe\r\n{one}{between}\"müde,\r\n;groß\"\r\n");
    let latin: Vec<u8> = text(';').chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let files = [
        (text(',').into_bytes(), "utf8", "comma"),
        (format!("\u{feff}{}", text('\t')).into_bytes(), "utf8", "tab"),
        (format!("sep=;\r\n{}", text(';')).into_bytes(), "utf8", "semicolon"),
        (wide(&format!("\u{feff}{}", text('\t')), u16::to_le_bytes), "utf16le", "tab"),
        (wide(&format!("\u{feff}{}", text(';')), u16::to_be_bytes), "utf16be", "semicolon"),
        (latin, "windows1252", "semicolon"),
    ];
    for (file, encoding, delimiter) in files {
        // In small parts, which cut letters in two.
        let import = Importing::of(world, "customer", &file, 37).await;
        let preview = world.admin().get(&import.at("/preview")).await.expect(200).body;
        assert_eq!((&preview["encoding"], &preview["delimiter"]), (&json!(encoding), &json!(delimiter)));
        assert_eq!(preview["headers"], json!(["Account ID", "Größe"]));
        let columns = json!({"columns": ["accountId", plan]});
        let checked = import.checks(columns).await;
        assert_eq!(counts(&checked), [0, 0, 1, 0], "a text has one line");
        assert_eq!(import.rows("refused").await[0]["errors"][0]["code"], "format");
        import.does("cancel").await.expect(200);
    }
    // Somebody knows better.
    let import = Importing::of(world, "customer", text(',').as_bytes(), 1_000).await;
    let path = import.at("/preview?encoding=windows1252&delimiter=semicolon");
    let preview = world.admin().get(&path).await.expect(200).body;
    assert_eq!(preview["headers"], json!(["Account ID,GrÃ¶ÃŸe"]));
    world.program.runner.drain().await.unwrap();
}

async fn a_mapping_is_remembered_by_its_headers(world: &World) {
    let plan = world.admin().defines_text("Plan", "agents").await;
    let one = customers(world, 1).await.remove(0).0;
    let file = format!("who;what;when\n{one};Gold;never\n");
    let import = Importing::of(world, "customer", file.as_bytes(), 1_000).await;
    let preview = world.admin().get(&import.at("/preview")).await.expect(200).body;
    assert_eq!((&preview["remembered"], &preview["suggested"]["columns"]), (&json!(false), &json!([null, null, null])));
    import.checks(json!({"columns": ["accountId", plan, null], "emptyCells": "clear"})).await;
    let again = Importing::of(world, "customer", b"who;what;when\nx;y;z\n", 1_000).await;
    let preview = world.admin().get(&again.at("/preview")).await.expect(200).body;
    assert_eq!(preview["remembered"], true);
    assert_eq!(preview["suggested"]["columns"], json!(["accountId", plan, null]));
    assert_eq!(preview["suggested"]["emptyCells"], "clear");
    let other = Importing::of(world, "organization", b"who;what;when\nx;y;z\n", 1_000).await;
    assert_eq!(world.admin().get(&other.at("/preview")).await.expect(200).body["remembered"], false);
}

async fn organizations_are_imported_alike(world: &World) {
    let field = json!({"entity": "organization", "type": "text", "name": "Region"});
    let region = world.admin().defines(field).await["id"].as_str().unwrap().to_owned();
    let listed = world.agent().get("/api/v1/organizations?limit=2").await.expect(200).body;
    let (first, second) = (&listed["items"][0], &listed["items"][1]);
    let file = format!(
        "Organization ID\tName\tRegion\n{}\t\tNorth\n\t{}\tSouth\n99999999\t\tEast\n",
        first["id"].as_str().unwrap(),
        second["name"].as_str().unwrap().to_uppercase()
    );
    let import = Importing::of(world, "organization", file.as_bytes(), 1_000).await;
    assert_eq!(counts(&import.checks_as_suggested(json!({})).await), [2, 0, 1, 0]);
    assert_eq!(import.runs().await["valuesWritten"], 2);
    let path = format!("/api/v1/organizations/{}/values", second["id"].as_str().unwrap());
    let values = world.agent().get(&path).await.expect(200).body;
    assert_eq!((&values["values"][0]["fieldId"], &values["values"][0]["value"]), (&json!(region), &json!("South")));
    import.does("undo").await.expect(200);
    world.program.runner.drain().await.unwrap();
    let values = world.agent().get(&path).await.expect(200).body;
    assert_eq!(values["values"][0]["value"], Value::Null);
}

async fn only_administrators_and_their_tokens_import(world: &World) {
    let begun = json!({"entity": "customer", "fileName": "people.csv"});
    world.agent().post("/api/v1/imports", begun.clone()).await.expect(403);
    world.customer().post("/api/v1/imports", begun.clone()).await.expect(403);
    let writer = world.script("Writer", &["customers:write", "fields:write"]).await;
    writer.post("/api/v1/imports", begun.clone()).await.expect(403);
    let script = world.script("Importer", &["imports:write"]).await;
    let plan = world.admin().defines_text("Plan", "agents").await;
    let one = customers(world, 1).await.remove(0).0;
    let made = script.post("/api/v1/imports", begun.clone()).await.expect(201).body;
    let path = format!("/api/v1/imports/{}", made["id"].as_str().unwrap());
    let file = format!("Account ID,Plan\n{one},Gold\n");
    let request = axum::http::Request::put(format!("{path}/parts/0"))
        .header("authorization", format!("Bearer {}", script.secret))
        .header("content-type", "text/csv");
    world.send(request.body(file.into()).unwrap()).await.expect(200);
    script.post(&format!("{path}/check"), json!({"columns": ["accountId", plan]})).await.expect(200);
    world.program.runner.drain().await.unwrap();
    script.post(&format!("{path}/run"), json!({})).await.expect(200);
    world.program.runner.drain().await.unwrap();
    let history = world.agent().get(&format!("/api/v1/customers/{one}/history")).await.expect(200).body;
    let by = &history["items"][0]["by"];
    assert_eq!((&by["tokenId"], &by["displayName"]), (&json!(script.id), &json!("Importer")));
    // Bounds of what may lie here at once.
    for _ in 0..5 {
        script.post("/api/v1/imports", begun.clone()).await.expect(201);
    }
    assert_eq!(script.post("/api/v1/imports", begun).await.expect(422).body["code"], "too_many");
}

async fn staged(world: &World, import: &str) -> (i64, i64) {
    let cx = world.reader().await;
    let id = uuid::Uuid::parse_str(import).unwrap();
    let mut scoped = world.program.store.read(&cx).await.unwrap();
    let mut count =
        async |sql: &'static str| scoped.row(sql, store::args![id]).await.unwrap().unwrap().int("n").unwrap();
    (
        count("SELECT COUNT(*) AS n FROM import_chunk WHERE tenant = $1 AND import = $2").await,
        count("SELECT COUNT(*) AS n FROM import_page WHERE tenant = $1 AND import = $2").await,
    )
}

async fn the_file_goes_when_the_import_ends_and_in_a_week_at_most(world: &World) {
    world.admin().defines_text("Plan", "agents").await;
    let one = customers(world, 1).await.remove(0).0;
    let file = format!("Account ID,Plan\n{one},Gold\n");
    let ended = Importing::of(world, "customer", file.as_bytes(), 1_000).await;
    ended.checks_as_suggested(json!({})).await;
    ended.runs().await;
    assert_eq!(staged(world, &ended.id).await, (0, 1), "the report stays for the week");
    let left = Importing::of(world, "customer", file.as_bytes(), 1_000).await;
    left.checks_as_suggested(json!({})).await;
    assert_eq!(staged(world, &left.id).await, (1, 1));
    world.clock.advance(Duration::from_secs(7 * 24 * 3600));
    world.program.runner.drain().await.unwrap();
    assert_eq!((staged(world, &ended.id).await, staged(world, &left.id).await), ((0, 0), (0, 0)));
    // What is left of it can neither be carried out nor stand in the way.
    left.does("run").await.expect(200);
    world.program.runner.drain().await.unwrap();
    let stopped = left.reads().await;
    assert_eq!((&stopped["state"], &stopped["reason"]), (&json!("cancelled"), &json!("file_gone")));
    // A month after, it is history.
    ended.does("undo").await.expect(200);
    world.program.runner.drain().await.unwrap();
    assert_eq!(ended.reads().await["valuesReturned"], 1);
}

async fn an_import_is_paused_resumed_and_given_up(world: &World) {
    let plan = world.admin().defines_text("Plan", "agents").await;
    let people = customers(world, 100).await;
    let lines: String = people.iter().map(|(id, _)| format!("{id},Gold\n")).collect();
    let import = Importing::of(world, "customer", format!("Account ID,Plan\n{lines}").as_bytes(), 100_000).await;
    assert_eq!(import.sends(7, b"x").await.expect(422).body["errors"][0]["code"], "order");
    import.sends(0, b"other bytes").await.expect(200);
    import.does("run").await.expect(422);
    import.checks_as_suggested(json!({})).await;
    import.sends(1, b"x").await.expect(422);
    import.does("pause").await.expect(422);
    import.does("run").await.expect(200);
    import.does("pause").await.expect(200);
    world.program.runner.drain().await.unwrap();
    let paused = import.reads().await;
    assert_eq!((&paused["state"], &paused["valuesWritten"]), (&json!("paused"), &json!(0)));
    import.does("run").await.expect(200);
    // Twice the wish is once the work.
    import.does("run").await.expect(200);
    world.program.runner.drain().await.unwrap();
    let done = import.reads().await;
    assert_eq!((&done["state"], &done["valuesWritten"]), (&json!("done"), &json!(people.len())));
    let history = world.agent().get(&format!("/api/v1/customers/{}/history", people[0].0)).await.expect(200).body;
    assert_eq!(history["items"].as_array().unwrap().iter().filter(|entry| entry["fieldId"] == plan).count(), 1);
    let given_up = Importing::of(world, "customer", b"Account ID,Plan\n", 100).await;
    given_up.does("cancel").await.expect(200);
    given_up.does("cancel").await.expect(422);
    world.program.runner.drain().await.unwrap();
    assert_eq!(staged(world, &given_up.id).await, (0, 0));
}
