//! Canaries wherever words can be put, and every kind of mistake with them.

use axum::body::Body;
use axum::http::{Request, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Value, json};

use super::{Canaries, checked, many, newcomers};
use crate::imports::Importing;
use crate::type_changes::Changing;
use crate::world::{CONNECT_APP, Joined, World};

/// Every type of field.
const KINDS: [&str; 12] = [
    "text",
    "longText",
    "url",
    "email",
    "select",
    "multiSelect",
    "phone",
    "number",
    "date",
    "dateTime",
    "user",
    "boolean",
];

/// Plants canaries wherever words can be put, reads them back, and makes every kind of mistake with them.
pub(super) async fn use_everything(world: &World, joined: Joined) -> Canaries {
    let mut canaries = Canaries::new();
    let admin = world.admin();
    let section = canaries.plant("section");
    let section = admin.post("/api/v1/sections", json!({"entity": "customer", "name": section})).await.expect(201).body;
    let mut fields = Vec::new();
    for kind in KINDS {
        let mut field = json!({
            "entity": "customer", "type": kind, "name": canaries.plant("name"), "help": canaries.plant("help"),
            "audience": "customerEdit", "sectionId": section["id"],
        });
        if kind.ends_with("elect") {
            field["options"] = json!([{"label": canaries.plant("option")}]);
        }
        fields.push(admin.defines(field).await);
    }
    let of_organizations = json!({
        "entity": "organization", "type": "text", "name": canaries.plant("name"), "audience": "customerView",
    });
    let of_organizations = admin.defines(of_organizations).await;
    // A customer and an organization whose names are canaries in Jira itself.
    let named = canaries.plant("person");
    let address = format!("{}@example.com", canaries.plant("address"));
    let nobody = sandbox::events::Actor::default();
    let state = world.jira.state();
    let account = state.create_customer(&nobody, &address, &named).unwrap().account_id;
    let account = world.known_as(&account).await;
    let organization = state.create_organization(&nobody, &canaries.plant("organization")).id;
    let agent = world.agent();
    agent.get(&format!("/api/v1/customers/{account}")).await.expect(200);
    agent.get(&format!("/api/v1/organizations/{organization}")).await.expect(200);

    for field in &fields {
        let id = field["id"].as_str().unwrap();
        let value = match field["type"].as_str().unwrap() {
            "url" => json!(format!("https://example.com/{}", canaries.plant("url"))),
            "email" => json!(format!("{}@example.com", canaries.plant("email"))),
            "select" => field["options"][0]["id"].clone(),
            "multiSelect" => json!([field["options"][0]["id"]]),
            // Digits and days that are nothing else's.
            "phone" => json!(format!("+49{}", canaries.keep("15127309184"))),
            "number" => canaries.keep("7309184620571").parse().unwrap(),
            "date" => json!(canaries.keep("2187-03-29")),
            "dateTime" => json!(format!("{}Z", canaries.keep("2191-08-17T05:43:21"))),
            // Ids join rows, and lie in the clear: what is looked for is what somebody is called who is told of in a value alone.
            "user" => {
                let (address, called) =
                    (format!("{}@example.com", canaries.plant("mail")), canaries.plant("colleague"));
                let made = state.create_customer(&nobody, &address, &called).unwrap();
                json!(world.known_as(&made.account_id).await)
            }
            // Of two values neither is like nothing else.
            "boolean" => json!(true),
            _ => json!(canaries.plant("value")),
        };
        agent.writes(&account, id, value).await.expect(200);
        if matches!(field["type"].as_str(), Some("number" | "date")) {
            let (name, value) = (field["name"].as_str().unwrap(), canaries.0.last().unwrap());
            agent.get(&format!("/api/v1/customers?query={name}%20=%20{value}")).await.expect(200);
        }
        if field["type"] == "text" {
            agent.writes(&account, id, json!(canaries.plant("second"))).await.expect(200);
            agent.writes(&account, id, Value::Null).await.expect(200);
        }
    }
    let id = of_organizations["id"].as_str().unwrap();
    agent
        .put(
            &format!("/api/v1/organizations/{organization}/values/{id}"),
            "\"v0\"",
            json!({"value": canaries.plant("value")}),
        )
        .await
        .expect(200);
    // A member reads it.
    let member = world.jira.visitor(&world.customer().who).unwrap().account_id;
    state.edit_organization(&nobody, &organization, |one| one.members.extend([member])).unwrap();
    world.customer().get("/api/v1/me/organizations").await.expect(200);
    Box::pin(use_entitlements(world, &mut canaries, &organization)).await;
    agent.get(&format!("/api/v1/customers/{account}/history")).await.expect(200);
    for path in ["held", "readings"] {
        admin.get(&format!("/api/v1/customers/{account}/{path}")).await.expect(200);
    }
    admin.post(&format!("/api/v1/customers/{account}/copy"), json!({})).await.expect(200);
    agent.get(&format!("/api/v1/customers?query={named}")).await.expect(200);
    // The index holds it, and lies among the files.
    let text = fields.iter().find(|field| field["type"] == "text").unwrap()["id"].as_str().unwrap();
    let (known, indexed) = (world.customer().account(), canaries.plant("indexed"));
    agent.writes(&known, text, json!(indexed)).await.expect(200);
    let found = agent.get(&format!("/api/v1/search?q={indexed}")).await.expect(200).body;
    assert_eq!(found["items"][0]["id"], known.as_str(), "{found}");
    agent.get(&format!("/api/v1/search?q={}", canaries.plant("sought"))).await.expect(200);
    let name = fields[0]["name"].as_str().unwrap();
    let query = json!(format!("{name} ~ {} AND {name} IS EMPTY", canaries.plant("asked")));
    agent.post("/api/v1/queries/check", json!({"entity": "customer", "query": query})).await.expect(200);
    agent.get(&format!("/api/v1/customers?query={name}%20IS%20EMPTY%20ORDER%20BY%20{name}")).await.expect(200);
    let (view, kept) = (canaries.plant("view"), canaries.plant("queried"));
    let view = json!({"entity": "customer", "name": view, "query": format!("{name} ~ {kept}")});
    agent.post("/api/v1/views", view).await.expect(201);
    for (format, entity) in [("csv", "customers"), ("xlsx", "customers"), ("json", "organizations")] {
        let file = agent.post(&format!("/api/v1/{entity}/export"), json!({"format": format, "search": "zq"})).await;
        assert!(file.expect(200).text.len() > 100);
    }
    Box::pin(use_a_webhook(world, &mut canaries, &account)).await;
    if joined == Joined::Forge {
        let ticket = agent.post("/api/v1/session/tickets", json!({})).await.expect(200);
        let ticket = ticket.body["url"].as_str().unwrap().split('=').nth(1).unwrap().to_owned();
        canaries.0.push(ticket.splitn(3, '_').nth(2).unwrap().to_owned());
        Box::pin(use_connect(world, &mut canaries)).await;
    } else {
        Box::pin(super::joined::use_an_operators_site(world, &mut canaries, joined)).await;
    }
    Box::pin(crate::customer_sign_in::planted::use_a_customers_site(world, &mut canaries)).await;
    Box::pin(use_a_script(world, &mut canaries, fields[0]["id"].as_str().unwrap(), &account)).await;
    Box::pin(use_imports(world, &mut canaries, &fields[0], &account)).await;
    Box::pin(newcomers::make_people(world, &mut canaries)).await;
    Box::pin(change_a_type(world, &mut canaries, &account)).await;
    Box::pin(many::change_many(world, &mut canaries, &account)).await;
    Box::pin(many::merge_two(world, &mut canaries)).await;
    Box::pin(many::copy_into_an_issue(world, &mut canaries)).await;
    let holders = json!({"browse": [{"kind": "agents"}], "edit": [{"kind": "agents"}],
        "configure": [{"kind": "group", "id": "a1", "name": canaries.plant("group")}]});
    admin.put("/api/v1/settings/permissions", "\"v0\"", holders).await.expect(200);

    Box::pin(mistakes(world, &mut canaries, &account, fields[0]["id"].as_str().unwrap())).await;
    world.program.runner.drain().await.unwrap();
    canaries
}

/// A product by its name, and what is written of an entitlement to it, now and before.
async fn use_entitlements(world: &World, canaries: &mut Canaries, organization: &str) {
    let name = canaries.plant("product");
    let product = world.admin().post("/api/v1/products", json!({"name": name})).await.expect(201).body;
    let path = format!("/api/v1/organizations/{organization}/entitlements/{}", product["id"].as_str().unwrap());
    let mut etag = "\"v0\"".to_owned();
    for _ in 0..2 {
        let terms = json!({"limit": 5, "unit": canaries.plant("unit"), "note": canaries.plant("note")});
        etag = world.agent().put(&path, &etag, terms).await.expect(200).etag();
    }
    let wrong = json!({"startsOn": canaries.plant("day"), "unit": canaries.plant("nothing")});
    checked(canaries, world.agent().put(&path, &etag, wrong).await);
    checked(canaries, world.admin().post("/api/v1/products", json!({"name": name})).await);
    let query = format!("entitlement%20=%20{name}");
    world.agent().get(&format!("/api/v1/organizations?query={query}")).await.expect(200);
}

/// Files with canaries in their names, headers, cells and mistakes: one carried out, one left where it is staged.
async fn use_imports(world: &World, canaries: &mut Canaries, field: &Value, account: &str) {
    for carried_out in [true, false] {
        let begun = json!({"entity": "customer", "fileName": format!("{}.csv", canaries.plant("file"))});
        let id = world.admin().post("/api/v1/imports", begun).await.expect(201).body["id"].clone();
        let import = Importing { world, id: id.as_str().unwrap().to_owned() };
        let mut plant = |what| canaries.plant(what);
        let name = field["name"].as_str().unwrap();
        let file = format!(
            "Account ID,{name},{}\n{account},{},{}\n{},\"{}\n{}\",\n{}\n",
            plant("header"),
            plant("imported"),
            plant("leftout"),
            plant("unknown"),
            plant("twolines"),
            plant("line"),
            plant("narrow")
        );
        let bytes = json!({"base64": STANDARD_NO_PAD.encode(&file) + &"=".repeat((3 - file.len() % 3) % 3)});
        world.admin().ask(axum::http::Method::PUT, &import.at("/parts/0"), None, Some(bytes)).await.expect(200);
        import.checks_as_suggested(json!({})).await;
        import.does("report").await.expect(200);
        if carried_out {
            import.runs().await;
            import.does("undo").await.expect(200);
        }
        let word = canaries.plant("wrong");
        let admin = world.admin();
        for body in [
            json!({"columns": [word, word, word]}),
            json!({"columns": [], "timeZone": word, "listSeparator": word}),
            json!({"columns": [], &word: 1}),
        ] {
            checked(canaries, admin.post(&import.at("/check"), body).await);
        }
        checked(canaries, admin.get(&import.at(&format!("/rows?cursor={word}"))).await);
        checked(canaries, admin.get(&import.at(&format!("/preview?encoding={word}"))).await);
        let body = json!({"base64": word});
        checked(canaries, admin.ask(axum::http::Method::PUT, &import.at("/parts/1"), None, Some(body)).await);
    }
}

/// Values that convert and that do not, options made of them, and mistakes: carried out, undone, and left staged.
async fn change_a_type(world: &World, canaries: &mut Canaries, account: &str) {
    let admin = world.admin();
    let field = admin.defines_text(&canaries.plant("turning"), "agents").await;
    world.agent().writes(account, &field, json!(canaries.plant("turned"))).await.expect(200);
    for wanted in [json!({"type": "select", "createOptions": true}), json!({"type": "number"})] {
        let change = Changing::of(world, &field, wanted).await;
        change.does("report").await.expect(200);
        change.does("run").await.expect(200);
        world.program.runner.drain().await.unwrap();
        change.does("undo").await.expect(200);
        world.program.runner.drain().await.unwrap();
    }
    let staged = Changing::of(world, &field, json!({"type": "select", "options": [canaries.plant("option")]})).await;
    let word = canaries.plant("wrong");
    let path = format!("/api/v1/fields/{field}/type-changes");
    for body in [
        json!({"type": word}),
        json!({"type": "select", "options": [format!("{word}\n{word}")]}),
        json!({"type": "dateTime", "reading": {"timeZone": word}}),
        json!({"type": "dateTime", &word: 1}),
    ] {
        checked(canaries, admin.post(&path, body).await);
    }
    checked(canaries, admin.get(&staged.at(&format!("/rows?cursor={word}"))).await);
}

/// A token's name and secret, an idempotency key, an answer that is kept, and mistakes with each.
async fn use_a_script(world: &World, canaries: &mut Canaries, field: &str, account: &str) {
    let script = world.script(&canaries.plant("token"), &["customers:write"]).await;
    canaries.0.push(script.secret.splitn(3, '_').nth(2).unwrap().to_owned());
    script.get("/api/v1/tokens/current").await.expect(200);
    let (key, value) = (canaries.plant("key"), canaries.plant("kept"));
    let values = format!("/api/v1/customers/{account}/values");
    let etag = script.get(&values).await.expect(200).etag();
    let headers = [("if-match", etag.as_str()), ("idempotency-key", key.as_str())];
    for _ in 0..2 {
        let body = json!({"values": {field: value}});
        script.ask(axum::http::Method::PATCH, &values, &headers, Some(body)).await.expect(200);
    }
    // What stands is told on a conflict: let nothing stand.
    world.agent().writes(account, field, Value::Null).await.expect(200);
    let word = canaries.plant("wrong");
    let other = json!({"values": {field: word}});
    checked(canaries, script.ask(axum::http::Method::PATCH, &values, &headers, Some(other)).await);
    checked(canaries, script.posts_once(&format!("{word} {word}"), "/api/v1/fields", json!({})).await);
    let admin = world.admin();
    for body in [
        json!({"name": word.repeat(20), "scopes": ["customers:read"]}),
        json!({"name": "x", "scopes": [word]}),
        json!({"name": "x", "scopes": [], &word: 1}),
    ] {
        checked(canaries, admin.post("/api/v1/tokens", body).await);
    }
    admin.ask(axum::http::Method::DELETE, &format!("/api/v1/tokens/{}", script.id), None, None).await.expect(204);
    checked(canaries, script.get(&values).await);
}

/// A receiver's name, address and secrets; a value on its way to it, which does not arrive and waits.
async fn use_a_webhook(world: &World, canaries: &mut Canaries, account: &str) {
    let admin = world.admin();
    let (name, path) = (canaries.plant("receiver"), canaries.plant("path"));
    // Nobody listens there: what is to be sent is made, signed, refused, and waits.
    let wanted = |name: &str, path: &str| {
        json!({"name": name, "url": format!("http://127.0.0.1:9/{path}?key={path}"), "includeValues": true,
            "events": ["customer.value.changed", "field.defined"]})
    };
    let made = admin.post("/api/v1/webhooks", wanted(&name, &path)).await.expect(201).body;
    let id = made["id"].as_str().unwrap();
    let renewed = admin.post(&format!("/api/v1/webhooks/{id}/secret"), json!({})).await.expect(200).body;
    for body in [&made, &renewed] {
        canaries.0.push(body["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap().to_owned());
    }
    let field = admin.defines_text(&canaries.plant("name"), "customerEdit").await;
    world.agent().writes(account, &field, json!(canaries.plant("told"))).await.expect(200);
    world.program.runner.drain().await.unwrap();
    let log = admin.get(&format!("/api/v1/webhooks/{id}/deliveries")).await.expect(200).body;
    assert_eq!(log["items"][0]["error"], "outward_connect", "{log}");
    let word = canaries.plant("wrong");
    for body in [
        wanted(&word.repeat(20), "x"),
        json!({"name": "x", "url": word, "events": ["field.defined"]}),
        json!({"name": "x", "url": "https://example.com", "events": [word]}),
        json!({"name": "x", "url": format!("https://10.0.0.1/{word}"), "events": ["field.defined"]}),
    ] {
        checked(canaries, admin.post("/api/v1/webhooks", body).await);
    }
    checked(canaries, admin.get(&format!("/api/v1/webhooks/{id}/deliveries?cursor={word}")).await);
}

/// The secret of an install, and the tokens that are signed with it, wherever they may come.
async fn use_connect(world: &World, canaries: &mut Canaries) {
    world.connect().await;
    let app = world.jira.connect().installation(CONNECT_APP).unwrap();
    canaries.0.push(app.secret().to_owned());
    let page = world.agent().connect_page();
    canaries.0.push(page.token.clone());
    let target = format!("/{}", page.url.strip_prefix(world.config.server.origin.as_str()).unwrap());
    canaries.0.push(target.split_once("jwt=").unwrap().1.to_owned());
    let get = |target: &str| Request::get(target).body(Body::empty()).unwrap();
    world.send(get(&target)).await.expect(200);
    checked(canaries, world.send(get(&target.replace("xdm_e=", "xdm_f="))).await);
    let asks = |token: &str| {
        let request = Request::get("/api/v1/me").header(header::AUTHORIZATION, format!("JWT {token}"));
        request.body(Body::empty()).unwrap()
    };
    world.send(asks(&page.token)).await.expect(200);
    checked(canaries, world.send(asks(page.token.trim_end_matches(|sign| sign != '.'))).await);
}

async fn mistakes(world: &World, canaries: &mut Canaries, account: &str, field: &str) {
    let (admin, agent) = (world.admin(), world.agent());
    let word = canaries.plant("wrong");
    let values = format!("/api/v1/customers/{account}/values");
    for body in [
        json!({"entity": word, "type": "text", "name": "x"}),
        json!({"entity": "customer", "type": "number", "name": "x", "default": word}),
        json!({"entity": "customer", "type": "text", "name": "x", &word: 1}),
        json!({"entity": "customer", "type": "text", "name": "x", "projects": [word]}),
        json!({"entity": "customer", "type": "text", "name": word.repeat(40)}),
        json!(word),
    ] {
        checked(canaries, admin.post("/api/v1/fields", body).await);
    }
    for body in [
        json!({"values": {&word: "x"}}),
        json!({"values": {field: {"a": word}}}),
        json!({"values": {field: word.repeat(100)}}),
    ] {
        checked(canaries, agent.patch(&values, "\"v1\"", body).await);
    }
    for body in [
        json!({"format": "csv", "columns": [word]}),
        json!({"format": word}),
        json!({"format": "csv", "query": format!("updated < {word}")}),
    ] {
        checked(canaries, agent.post("/api/v1/customers/export", body).await);
    }
    checked(canaries, agent.patch(&values, &format!("\"{word}\""), json!({"values": {}})).await);
    for path in [
        format!("/api/v1/fields/{word}"),
        format!("/api/v1/customers/{word}/values"),
        format!("/api/v1/customers?cursor={word}"),
        format!("/api/v1/customers?limit={word}"),
        format!("/api/v1/customers?query={word}%20%3D%20{word}"),
        format!("/api/v1/customers?query={word}%20%3D%20%22{word}"),
        format!("/api/v1/customers?query=name%20%3D%20{word}%20{word}"),
        format!("/api/v1/queries/completions?entity={word}"),
        format!("/api/v1/search?limit={word}"),
        format!("/api/v1/panel?issue={word}"),
        format!("/{word}"),
    ] {
        checked(canaries, agent.get(&path).await);
    }
}
