//! Saved views as people meet them: their own, shared ones, and what becomes of both when fields change. On both databases.

use axum::http::Method;
use serde_json::{Value, json};

use crate::world::{Actor, Answer, World};

on_both!(
    a_view_keeps_what_it_means_when_names_change,
    a_view_whose_field_is_gone_says_so,
    another_persons_own_view_is_as_one_that_never_was,
    a_shared_view_is_changed_by_its_owner_and_by_who_configures,
    a_view_is_deleted_and_taken_back,
    each_person_begins_with_a_view_of_their_choice,
    mistakes_are_told_at_their_field,
    a_view_leaves_as_a_file,
);

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

fn etag(view: &Value) -> String {
    format!("\"v{}\"", view["version"])
}

/// A select field and one of people, with a value of each for one customer.
async fn setting(world: &World) -> (Value, Value, String) {
    let admin = world.admin();
    let tier = admin
        .defines(json!({"entity": "customer", "type": "select", "name": "Tier",
            "options": [{"label": "Gold"}, {"label": "Silver"}]}))
        .await;
    let manager = admin.defines(json!({"entity": "customer", "type": "user", "name": "Manager"})).await;
    let customer = world.customer().account();
    let agent = world.agent();
    agent.writes(&customer, &id(&tier), tier["options"][0]["id"].clone()).await.expect(200);
    agent.writes(&customer, &id(&manager), json!(agent.account())).await.expect(200);
    (tier, manager, customer)
}

async fn saved(actor: &Actor<'_>, view: Value) -> Value {
    actor.post("/api/v1/views", view).await.expect(201).body
}

async fn deletes(actor: &Actor<'_>, path: &str, etag: &str) -> Answer {
    actor.ask(Method::DELETE, path, Some(etag), None).await
}

/// Takes a view, or a field, back.
async fn restores(actor: &Actor<'_>, path: &str, etag: &str) -> Answer {
    actor.ask(Method::POST, &format!("{path}/restore"), Some(etag), None).await
}

/// Begins with a view, or no longer.
async fn begins(actor: &Actor<'_>, method: Method, view: &str) {
    actor.ask(method, &format!("{view}/default"), None, None).await.expect(204);
}

async fn names(actor: &Actor<'_>) -> Vec<String> {
    let list = actor.get("/api/v1/views?entity=customer").await.expect(200).body;
    list["items"].as_array().unwrap().iter().map(|view| view["name"].as_str().unwrap().to_owned()).collect()
}

async fn found(actor: &Actor<'_>, view: &str) -> Vec<String> {
    let page = actor.get(&format!("/api/v1/customers?view={view}")).await.expect(200).body;
    page["items"].as_array().unwrap().iter().map(|item| item["accountId"].as_str().unwrap().to_owned()).collect()
}

async fn a_view_keeps_what_it_means_when_names_change(world: &World) {
    let (tier, manager, customer) = setting(world).await;
    let agent = world.agent();
    let me = agent.get("/api/v1/me").await.expect(200).body;
    let query = format!("Tier = gold AND Manager = \"{}\" ORDER BY Tier DESC", me["displayName"].as_str().unwrap());
    let columns = json!([{"key": "name", "width": 240, "pinned": true}, {"key": id(&tier)}]);
    let view = saved(&agent, json!({"entity": "customer", "name": "Mine", "query": query, "columns": columns})).await;
    assert_eq!(view["query"], format!("Tier = Gold AND Manager = {} ORDER BY Tier DESC", agent.account()));
    assert_eq!(view["columns"][0], json!({"key": "name", "width": 240, "pinned": true}));
    assert_eq!(found(&agent, &id(&view)).await, std::slice::from_ref(&customer));

    // The field, its option and the other field are called otherwise now, one of them like a word of the language.
    let admin = world.admin();
    let mut options = tier["options"].clone();
    options[0]["label"] = json!("Very gold");
    let renamed = json!({"entity": "customer", "type": "select", "name": "Support level", "options": options});
    admin.put(&format!("/api/v1/fields/{}", id(&tier)), &etag(&tier), renamed).await.expect(200);
    let renamed = json!({"entity": "customer", "type": "user", "name": "updated"});
    admin.put(&format!("/api/v1/fields/{}", id(&manager)), &etag(&manager), renamed).await.expect(200);
    let now = agent.get(&format!("/api/v1/views/{}", id(&view))).await.expect(200).body;
    let expected = format!(
        "\"Support level\" = \"Very gold\" AND {} = {} ORDER BY \"Support level\" DESC",
        id(&manager),
        agent.account()
    );
    assert_eq!(now["query"], expected, "a name that means something else in a query stays an id");
    assert_eq!(now["gone"], json!([]));
    assert_eq!(found(&agent, &id(&view)).await, [customer]);
}

async fn a_view_whose_field_is_gone_says_so(world: &World) {
    let (tier, ..) = setting(world).await;
    let agent = world.agent();
    let columns = json!([{"key": id(&tier)}, {"key": "email"}]);
    let view =
        saved(&agent, json!({"entity": "customer", "name": "Gold ones", "query": "Tier = Gold", "columns": columns}))
            .await;
    let path = format!("/api/v1/views/{}", id(&view));
    deletes(&world.admin(), &format!("/api/v1/fields/{}", id(&tier)), &etag(&tier)).await.expect(204);
    let now = agent.get(&path).await.expect(200).body;
    assert_eq!(now["gone"], json!([{"fieldId": id(&tier), "name": "Tier"}]));
    assert_eq!(now["query"], "Tier = Gold");
    let wrong = agent.get(&format!("/api/v1/customers?view={}", id(&view))).await.expect(422).body;
    assert_eq!(wrong["mistakes"][0]["code"], "unknown_field");
    // It can still be renamed, and its query is what it was: with the field comes what it means.
    let renamed = json!({"name": "Once gold", "query": now["query"], "columns": now["columns"]});
    let renamed = agent.put(&path, &etag(&now), renamed).await.expect(200).body;
    assert_eq!(renamed["name"], "Once gold");
    let retired = world.admin().get(&format!("/api/v1/fields/{}", id(&tier))).await.expect(200).body;
    restores(&world.admin(), &format!("/api/v1/fields/{}", id(&tier)), &etag(&retired)).await.expect(200);
    assert_eq!(agent.get(&path).await.expect(200).body["gone"], json!([]));
    assert_eq!(found(&agent, &id(&view)).await.len(), 1);
}

async fn another_persons_own_view_is_as_one_that_never_was(world: &World) {
    let agent = world.agent();
    let view = saved(&agent, json!({"entity": "customer", "name": "Nobody else's"})).await;
    let never = "0193a6f2-7c00-7d41-9b1e-2f6c1f0e8a11";
    for other in [world.colleague(), world.admin()] {
        assert_eq!(names(&other).await, [""; 0]);
        let tag = etag(&view);
        let taken = json!({"name": "Taken", "shared": true});
        let tries = [
            (Method::GET, "/api/v1/views/{}", None),
            (Method::GET, "/api/v1/customers?view={}", None),
            (Method::PUT, "/api/v1/views/{}", Some(taken)),
            (Method::DELETE, "/api/v1/views/{}", None),
            (Method::POST, "/api/v1/views/{}/restore", None),
            (Method::PUT, "/api/v1/views/{}/default", None),
            (Method::DELETE, "/api/v1/views/{}/default", None),
            (Method::POST, "/api/v1/customers/export", Some(json!({"format": "csv", "view": "{}"}))),
        ];
        for (method, path, body) in tries {
            let ask = async |id: &str| {
                let body = body.as_ref().map(|body| body.to_string().replace("{}", id).parse().unwrap());
                other.ask(method.clone(), &path.replace("{}", id), Some(&tag), body).await.expect(404).text
            };
            assert_eq!(ask(&id(&view)).await, ask(never).await, "{method} {path}");
        }
        // Nor does its name stand in anybody's way.
        saved(&other, json!({"entity": "customer", "name": "Nobody else's"})).await;
    }
    assert_eq!(agent.get(&format!("/api/v1/views/{}", id(&view))).await.expect(200).body, view);
}

async fn a_shared_view_is_changed_by_its_owner_and_by_who_configures(world: &World) {
    let (agent, colleague, admin) = (world.agent(), world.colleague(), world.admin());
    let view = saved(&agent, json!({"entity": "customer", "name": "Ours", "shared": true})).await;
    let path = format!("/api/v1/views/{}", id(&view));
    let seen = colleague.get(&path).await.expect(200).body;
    assert_eq!((&seen["mine"], &seen["mayChange"]), (&json!(false), &json!(false)));
    let wanted = json!({"name": "Theirs", "shared": true});
    colleague.put(&path, &etag(&view), wanted.clone()).await.expect(403);
    deletes(&colleague, &path, &etag(&view)).await.expect(403);
    let changed = admin.put(&path, &etag(&view), wanted.clone()).await.expect(200).body;
    assert_eq!((&changed["name"], &changed["mine"]), (&json!("Theirs"), &json!(false)));
    agent.put(&path, &etag(&view), wanted).await.expect(412);
    admin.put(&path, &etag(&changed), json!({"name": "Theirs", "shared": false})).await.expect(403);
    let taken = agent.put(&path, &etag(&changed), json!({"name": "Mine again"})).await.expect(200).body;
    assert_eq!(taken["shared"], json!(false));
    colleague.get(&path).await.expect(404);
    // Shared names are told apart; a person's own does not count among them.
    saved(&admin, json!({"entity": "customer", "name": "Mine again", "shared": true})).await;
    let twice = agent.put(&path, &etag(&taken), json!({"name": "mine  AGAIN", "shared": true})).await.expect(422).body;
    assert_eq!((&twice["errors"][0]["pointer"], &twice["errors"][0]["code"]), (&json!("/name"), &json!("not_unique")));
}

async fn a_view_is_deleted_and_taken_back(world: &World) {
    let agent = world.agent();
    let view = saved(&agent, json!({"entity": "customer", "name": "Short-lived", "query": "name ~ a"})).await;
    let path = format!("/api/v1/views/{}", id(&view));
    begins(&agent, Method::PUT, &path).await;
    deletes(&agent, &path, "\"v0\"").await.expect(412);
    deletes(&agent, &path, &etag(&view)).await.expect(204);
    assert_eq!(names(&agent).await, [""; 0]);
    agent.get(&path).await.expect(404);
    let back = restores(&agent, &path, "\"v1\"").await.expect(200).body;
    assert_eq!((&back["query"], &back["isDefault"]), (&json!("name ~ a"), &json!(true)));
    let again = restores(&agent, &path, "\"v1\"").await.expect(200).body;
    assert_eq!(again["version"], back["version"], "one that stands stays as it is");
    // A month later there is nothing left to take back; what was not deleted stays.
    deletes(&agent, &path, &etag(&back)).await.expect(204);
    saved(&agent, json!({"entity": "customer", "name": "Long-lived"})).await;
    world.clock.advance(std::time::Duration::from_secs(30 * 24 * 3600));
    world.program.runner.drain().await.unwrap();
    restores(&agent, &path, "\"v1\"").await.expect(404);
    assert_eq!(names(&agent).await, ["Long-lived"]);
}

async fn each_person_begins_with_a_view_of_their_choice(world: &World) {
    let (agent, colleague) = (world.agent(), world.colleague());
    let view = saved(&agent, json!({"entity": "customer", "name": "First", "shared": true})).await;
    let path = format!("/api/v1/views/{}", id(&view));
    begins(&agent, Method::PUT, &path).await;
    let first = async |actor: &Actor<'_>| {
        let list = actor.get("/api/v1/views?entity=customer").await.expect(200).body;
        list["items"][0]["isDefault"].clone()
    };
    assert_eq!((first(&agent).await, first(&colleague).await), (json!(true), json!(false)));
    begins(&agent, Method::DELETE, &path).await;
    assert_eq!(first(&agent).await, json!(false));
}

async fn mistakes_are_told_at_their_field(world: &World) {
    let agent = world.agent();
    for (wrong, pointer, code) in [
        (json!({"name": " "}), "/name", "required"),
        (json!({"name": "x".repeat(101)}), "/name", "too_long"),
        (json!({"name": "A", "query": "nmae ~ a"}), "/query", "unknown_field"),
        (json!({"name": "A", "columns": [{"key": "salary"}]}), "/columns/0/key", "unknown"),
        (json!({"name": "A", "columns": [{"key": "members"}]}), "/columns/0/key", "unknown"),
        (json!({"name": "A", "columns": [{"key": "name"}, {"key": "name"}]}), "/columns/1/key", "not_unique"),
        (json!({"name": "A", "columns": [{"key": "name", "width": 9}]}), "/columns/0/width", "range"),
    ] {
        let mut input = wrong.clone();
        input["entity"] = json!("customer");
        let answer = agent.post("/api/v1/views", input).await.expect(422).body;
        let first = &answer["errors"][0];
        assert_eq!((&first["pointer"], &first["code"]), (&json!(pointer), &json!(code)), "{wrong}: {answer}");
    }
    let many: Vec<Value> = (0..211).map(|at| json!({"key": at.to_string()})).collect();
    let answer = agent.post("/api/v1/views", json!({"entity": "customer", "name": "A", "columns": many})).await;
    assert_eq!(answer.expect(422).body["errors"][0]["limit"], 210);
    for at in 0..100 {
        saved(&agent, json!({"entity": "customer", "name": format!("View {at}")})).await;
    }
    let full = agent.post("/api/v1/views", json!({"entity": "customer", "name": "One more"})).await.expect(422).body;
    assert_eq!(full["errors"][0]["code"], "too_many");
    saved(&agent, json!({"entity": "organization", "name": "One more"})).await;
}

async fn a_view_leaves_as_a_file(world: &World) {
    let (tier, _, customer) = setting(world).await;
    let columns = json!([{"key": id(&tier)}, {"key": "name"}]);
    let view =
        json!({"entity": "customer", "name": "File", "query": "Tier IS NOT EMPTY", "columns": columns, "shared": true});
    let view = id(&saved(&world.agent(), view).await);
    let script = world.script("Reader", &["customers:read"]).await;
    let lines = async |body: Value| {
        let file = script.post("/api/v1/customers/export", body).await.expect(200).text;
        file.trim_start_matches('\u{feff}').lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let file = lines(json!({"format": "csv", "view": view})).await;
    assert_eq!(file[0], "Account ID,Tier,Name");
    assert!(file.len() == 2 && file[1].starts_with(&format!("{customer},Gold,")), "{file:?}");
    let file = lines(json!({"format": "csv", "view": view, "columns": ["name"]})).await;
    assert_eq!(file[0], "Account ID,Name");
    // A column that is gone is left out.
    let field = world.admin().get(&format!("/api/v1/fields/{}", id(&tier))).await.expect(200).body;
    deletes(&world.admin(), &format!("/api/v1/fields/{}", id(&tier)), &etag(&field)).await.expect(204);
    let file = lines(json!({"format": "csv", "view": view, "query": "name IS NOT EMPTY"})).await;
    assert_eq!(file[0], "Account ID,Name");
    script.post("/api/v1/organizations/export", json!({"format": "csv", "view": view})).await.expect(403);
    world.agent().post("/api/v1/organizations/export", json!({"format": "csv", "view": view})).await.expect(404);
}
