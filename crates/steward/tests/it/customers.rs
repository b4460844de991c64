//! Fields, values, history, permissions, the panel: what users see.

use std::sync::Arc;
use std::time::Duration;

use sandbox::events::Actor;
use sandbox::faults::{Misfortune, RequestFault};
use serde_json::{Value, json};

use crate::world::World;

on_both!(
    an_agent_edits_the_reporters_fields_beside_an_issue,
    a_participant_is_looked_at_as_the_reporter_is,
    the_language_of_whoever_is_looked_at_is_told,
    of_many_it_is_said_how_many_more_there_are,
    beside_many_organizations_jira_is_asked_little,
    two_people_edit_one_value,
    a_set_is_written_whole_or_not_at_all,
    history_tells_and_restores,
    options_are_renamed_and_retired_without_losing_values,
    a_customer_sees_and_edits_what_the_audience_allows,
    permissions_are_granted_by_group_and_role,
    fields_are_limited_to_projects,
    lists_are_paged_and_searched,
    people_are_found_by_the_whole_of_what_they_are_called,
);

async fn an_agent_edits_the_reporters_fields_beside_an_issue(world: &World) {
    let tier = world
        .admin()
        .defines(json!({
            "entity": "customer", "type": "select", "name": "Tier", "options": [{"label": "Gold"}, {"label": "Silver"}],
        }))
        .await;
    let region = world.admin().defines(json!({"entity": "organization", "type": "text", "name": "Region"})).await;
    let mut agent = world.on_page("agent", "customer-panel");
    agent.issue = Some(world.issue());
    let panel = agent.get(&format!("/api/v1/panel?issue={}", world.issue())).await.expect(200).body;
    let customer = world.customer().account();
    assert_eq!(panel["selected"]["customer"]["accountId"], customer);
    assert_eq!(panel["people"][0]["roles"][0], "reporter");
    assert!(
        panel["selected"]["counts"]["open"].as_i64().unwrap() + panel["selected"]["counts"]["closed"].as_i64().unwrap()
            > 0
    );
    assert_eq!(panel["fields"].as_array().unwrap().len(), 2);
    let gold = tier["options"][0]["id"].as_str().unwrap();
    let written = agent.writes(&customer, tier["id"].as_str().unwrap(), json!(gold)).await.expect(200);
    assert_eq!(written.body["value"], gold);
    assert_eq!(written.body["updatedBy"]["accountId"], agent.account());
    let organization = panel["selected"]["organizations"][0]["id"].as_str().unwrap();
    let path = format!("/api/v1/organizations/{organization}/values/{}", region["id"].as_str().unwrap());
    agent.put(&path, "\"v0\"", json!({"value": "North"})).await.expect(200);
    let panel = agent.get(&format!("/api/v1/panel?issue={}", world.issue())).await.expect(200).body;
    assert_eq!(panel["selected"]["values"]["values"][0]["value"], gold);
    assert_eq!(panel["selected"]["organizations"][0]["values"]["values"][0]["value"], "North");
}

/// Lets these and nobody else take part in an issue.
fn take_part(world: &World, issue: &str, accounts: &[String]) {
    let state = world.jira.state();
    let mut store = state.write();
    let issue = store.issues.values_mut().find(|known| known.key == issue).unwrap();
    Arc::make_mut(issue).participants = accounts.to_vec();
}

async fn a_participant_is_looked_at_as_the_reporter_is(world: &World) {
    let plan = world.admin().defines_text("Plan", "agents").await;
    let (reporter, other) = (world.customer().account(), world.other_customer().account());
    let issue = world.issue();
    take_part(world, &issue, std::slice::from_ref(&other));
    let mut agent = world.on_page("agent", "customer-panel");
    agent.issue = Some(issue.clone());
    agent.writes(&reporter, &plan, json!("Silver")).await.expect(200);
    agent.writes(&other, &plan, json!("Gold")).await.expect(200);
    let path = format!("/api/v1/panel?issue={issue}");
    let panel = agent.get(&path).await.expect(200).body;
    let people: Vec<_> =
        panel["people"].as_array().unwrap().iter().map(|one| (&one["accountId"], &one["roles"])).collect();
    let expected = [(json!(reporter), json!(["reporter"])), (json!(other), json!(["participant"]))];
    assert_eq!(people, expected.iter().map(|(account, roles)| (account, roles)).collect::<Vec<_>>());
    assert_eq!((&panel["morePeople"], &panel["selected"]["moreOrganizations"]), (&json!(0), &json!(0)));
    assert_eq!(panel["selected"]["values"]["values"][0]["value"], "Silver", "the reporter's, where nobody is named");
    let theirs = agent.get(&format!("{path}&person={other}")).await.expect(200).body["selected"].clone();
    assert_eq!(theirs["customer"]["accountId"], json!(other));
    assert_eq!(theirs["values"]["values"][0]["value"], "Gold");
    // Whoever takes no part is not looked at beside the issue.
    take_part(world, &issue, &[]);
    agent.get(&format!("{path}&person={other}")).await.expect(404);
}

async fn the_language_of_whoever_is_looked_at_is_told(world: &World) {
    let account = kernel::AccountId::new(world.customer().account()).unwrap();
    let speaks = |account: &mut sandbox::state::model::Account| {
        account.locale = "pt_PT".to_owned();
        account.email_visible = false;
    };
    world.jira.state().edit_account(&Actor::default(), account.as_str(), speaks).unwrap();
    world.jira.deliveries_settled().await;
    world.program.runner.drain().await.unwrap();
    // As the lists of a desk's customers say it: with an address and without a language.
    let listed = host::Profile {
        name: "As Listed".to_owned(),
        email: Some("listed@example.com".to_owned()),
        active: true,
        ..host::Profile::default()
    };
    let cx = world.reader().await;
    world.program.host().people.keep(&cx, &[(account.clone(), listed)]).await.unwrap();
    let mut agent = world.on_page("agent", "customer-panel");
    agent.issue = Some(world.issue());
    for _ in 0..2 {
        let panel = agent.get(&format!("/api/v1/panel?issue={}", world.issue())).await.expect(200).body;
        let selected = &panel["selected"];
        assert_eq!(selected["customer"]["accountId"], json!(account.as_str()));
        assert_eq!(selected["locale"], "pt_PT");
        assert_eq!(selected["customer"]["displayName"], json!(world.jira.visitor("customer").unwrap().display_name));
        assert_eq!(selected["customer"]["emailAddress"], "listed@example.com", "what a list told is not forgotten");
    }
}

async fn of_many_it_is_said_how_many_more_there_are(world: &World) {
    let nobody = Actor::default();
    let state = world.jira.state();
    let customer = world.customer().account();
    let many: Vec<String> = (0..230)
        .map(|place| {
            let (address, name) = (format!("part{place}@example.com"), format!("Part {place}"));
            state.create_customer(&nobody, &address, &name).unwrap().account_id
        })
        .collect();
    let issue = world.issue();
    take_part(world, &issue, &many);
    for place in 0..25 {
        let organization = state.create_organization(&nobody, &format!("Branch {place:02}")).id;
        state.edit_organization(&nobody, &organization, |one| one.members.extend([customer.clone()])).unwrap();
    }
    let mut agent = world.on_page("agent", "customer-panel");
    agent.issue = Some(issue.clone());
    let whole = agent.get(&format!("/api/v1/customers/{customer}")).await.expect(200).body;
    let organizations = whole["organizations"].as_array().unwrap().len();
    assert!(organizations >= 25, "{organizations}");
    let path = format!("/api/v1/panel?issue={issue}");
    let panel = agent.get(&path).await.expect(200).body;
    assert_eq!((panel["people"].as_array().unwrap().len(), &panel["morePeople"]), (200, &json!(31)));
    let selected = &panel["selected"];
    let shown = selected["organizations"].as_array().unwrap().len();
    assert_eq!((shown, &selected["moreOrganizations"]), (20, &json!(organizations - 20)));
    // Whoever stands behind Jira's first page can be looked at, and whoever stands behind those that are shown too.
    for (place, more) in [(60, 31), (229, 30)] {
        let one = agent.get(&format!("{path}&person={}", many[place])).await.expect(200).body;
        assert_eq!(one["selected"]["customer"]["accountId"], json!(many[place]));
        assert_eq!(one["morePeople"], more);
        assert!(one["people"].as_array().unwrap().iter().any(|person| person["accountId"] == json!(many[place])));
    }
    world.program.runner.drain().await.unwrap();
}

/// Rules that strike nobody, and so count what these paths are asked for.
fn counts(world: &World, paths: &[&str]) {
    let rule = |path: &&str| RequestFault {
        method: None,
        path: Some((*path).to_owned()),
        next: None,
        chance: 0.0,
        what: Misfortune::Slow { wait: (Duration::ZERO, Duration::ZERO) },
    };
    let requests = paths.iter().map(rule).collect();
    world.jira.state().faults().command(sandbox::Faults { requests, ..sandbox::Faults::none() }, None);
}

async fn beside_many_organizations_jira_is_asked_little(world: &World) {
    let (state, nobody, customer) = (world.jira.state(), sandbox::events::Actor::default(), world.customer().account());
    for at in 0..22 {
        let made = state.create_organization(&nobody, &format!("One of many {at}")).id;
        state.edit_organization(&nobody, &made, |of| of.members.insert(customer.clone())).unwrap();
    }
    let mut agent = world.on_page("agent", "customer-panel");
    agent.issue = Some(world.issue());
    let path = format!("/api/v1/panel?issue={}", world.issue());
    // What is kept for a while is there by then: names, rights.
    agent.get(&path).await.expect(200);
    counts(world, &["/rest/api/3/search/approximate-count", "/rest/api/3/project/search", "/rest/"]);
    let panel = agent.get(&path).await.expect(200).body;
    let organizations = panel["selected"]["organizations"].as_array().unwrap();
    assert_eq!(organizations.len(), 20);
    assert!(organizations.iter().all(|of| of["counts"]["open"].is_u64()) && panel["selected"]["counts"].is_object());
    let asked = state.faults().matched();
    assert_eq!(asked[..2], [42, 1], "two counts each, and the projects once");
    assert!(asked[2] <= 42 + 10, "and hardly anything besides: {asked:?}");
}

async fn two_people_edit_one_value(world: &World) {
    let field = world.admin().defines_text("Nickname", "agents").await;
    let owner = world.customer().account();
    let path = format!("/api/v1/customers/{owner}/values/{field}");
    let (first, second) = (world.agent(), world.colleague());
    let wrote = first.put(&path, "\"v0\"", json!({"value": "Ada"})).await.expect(200);
    let late = second.put(&path, "\"v0\"", json!({"value": "Countess"})).await.expect(412);
    assert_eq!(late.body["code"], "conflict");
    assert_eq!(late.body["current"]["value"], "Ada");
    assert_eq!(late.body["current"]["updatedBy"]["accountId"], first.account());
    let standing = first.get(&format!("/api/v1/customers/{owner}/values")).await.expect(200);
    assert_eq!(standing.body["values"][0]["value"], "Ada");
    second.put(&path, &wrote.etag(), json!({"value": "Countess"})).await.expect(200);
    first.ask(axum::http::Method::PUT, &path, None, Some(json!({"value": "x"}))).await.expect(428);
}

async fn a_set_is_written_whole_or_not_at_all(world: &World) {
    let admin = world.admin();
    let name = admin.defines_text("First", "agents").await;
    let day = admin.defines(json!({"entity": "customer", "type": "date", "name": "Day"})).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let owner = world.customer().account();
    let path = format!("/api/v1/customers/{owner}/values");
    let agent = world.agent();
    let etag = agent.get(&path).await.expect(200).etag();
    let wrong = agent.patch(&path, &etag, json!({"values": {&name: "kept?", &day: "tomorrow"}})).await.expect(422);
    assert_eq!(wrong.body["errors"][0]["pointer"], format!("/values/{day}"));
    assert!(!wrong.text.contains("tomorrow"), "an error quotes nothing");
    assert_eq!(agent.get(&path).await.body["values"], json!([]));
    let both = agent.patch(&path, &etag, json!({"values": {&name: "kept", &day: "2026-02-03"}})).await.expect(200);
    assert_eq!(both.body["values"].as_array().unwrap().len(), 2);
    let late = agent.patch(&path, &etag, json!({"values": {&name: "late"}})).await.expect(412);
    assert_eq!(late.body["conflicts"][0]["value"], "kept");
}

async fn history_tells_and_restores(world: &World) {
    let field = world.admin().defines_text("Plan", "agents").await;
    let owner = world.customer().account();
    let agent = world.agent();
    for value in [json!("one"), json!("two"), Value::Null] {
        agent.writes(&owner, &field, value).await.expect(200);
    }
    let history = agent.get(&format!("/api/v1/customers/{owner}/history")).await.expect(200).body;
    let seen: Vec<_> = history["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["from"].clone(), c["to"].clone(), c["action"].clone()))
        .collect();
    assert_eq!(
        seen,
        [
            (json!("two"), Value::Null, json!("cleared")),
            (json!("one"), json!("two"), json!("set")),
            (Value::Null, json!("one"), json!("set")),
        ]
    );
    let first = history["items"][2]["id"].as_str().unwrap();
    let version = agent.get(&format!("/api/v1/customers/{owner}/values")).await.body["values"][0]["version"].clone();
    let path = format!("/api/v1/customers/{owner}/history/{first}/restore");
    agent.ask(axum::http::Method::POST, &path, Some("\"v1\""), None).await.expect(412);
    let back = agent.ask(axum::http::Method::POST, &path, Some(&format!("\"v{version}\"")), None).await.expect(200);
    assert_eq!(back.body["value"], "one");
    let page = agent.get(&format!("/api/v1/customers/{owner}/history?limit=1")).await.expect(200).body;
    assert_eq!(page["items"][0]["action"], "restored");
    let cursor = page["nextCursor"].as_str().unwrap();
    let next = agent.get(&format!("/api/v1/customers/{owner}/history?limit=1&cursor={cursor}")).await.expect(200).body;
    assert_eq!(next["items"][0]["action"], "cleared");
}

async fn options_are_renamed_and_retired_without_losing_values(world: &World) {
    let admin = world.admin();
    let mut field = admin
        .defines(json!({
            "entity": "customer", "type": "select", "name": "Size", "options": [{"label": "Small"}, {"label": "Big"}],
        }))
        .await;
    let id = field["id"].as_str().unwrap().to_owned();
    let (small, big) = (field["options"][0]["id"].clone(), field["options"][1]["id"].clone());
    let owner = world.customer().account();
    world.agent().writes(&owner, &id, small.clone()).await.expect(200);
    let version = field["version"].clone();
    for gone in ["id", "position", "version", "retired"] {
        field.as_object_mut().unwrap().remove(gone);
    }
    field["options"] =
        json!([{"id": small, "label": "Tiny", "retired": true}, {"id": big, "label": "Big"}, {"label": "Huge"}]);
    let changed =
        admin.put(&format!("/api/v1/fields/{id}"), &format!("\"v{version}\""), field.clone()).await.expect(200);
    let values = world.agent().get(&format!("/api/v1/customers/{owner}/values")).await.body;
    assert_eq!(values["values"][0]["value"], small, "a value outlives its option's retirement");
    let other = world.other_customer().account();
    let refused = world.agent().writes(&other, &id, small.clone()).await.expect(422);
    assert_eq!(refused.body["errors"][0]["code"], "retired");
    field["options"] = json!([{"id": big, "label": "Big"}]);
    let lost = admin.put(&format!("/api/v1/fields/{id}"), &changed.etag(), field.clone()).await.expect(422);
    assert_eq!(lost.body["errors"][0]["code"], "missing");
    field["type"] = json!("text");
    admin.put(&format!("/api/v1/fields/{id}"), &changed.etag(), field).await.expect(422);
}

async fn a_customer_sees_and_edits_what_the_audience_allows(world: &World) {
    let admin = world.admin();
    let hidden = admin.defines_text("Hidden", "agents").await;
    let shown = admin.defines_text("Shown", "customerView").await;
    let open = admin.defines_text("Open", "customerEdit").await;
    let customer = world.customer();
    let own = customer.account();
    for field in [&hidden, &shown, &open] {
        world.agent().writes(&own, field, json!("by the agent")).await.expect(200);
    }
    let fields = customer.get("/api/v1/fields").await.expect(200).body;
    assert_eq!(fields["items"].as_array().unwrap().len(), 2);
    customer.get(&format!("/api/v1/fields/{hidden}")).await.expect(404);
    let values = customer.get(&format!("/api/v1/customers/{own}/values")).await.expect(200).body;
    assert_eq!(values["values"].as_array().unwrap().len(), 2);
    customer.writes(&own, &open, json!("by the customer")).await.expect(200);
    let refused = customer.writes(&own, &shown, json!("no")).await.expect(422);
    assert_eq!(refused.body["errors"][0]["code"], "read_only");
    let path = format!("/api/v1/customers/{own}/values/{hidden}");
    customer.put(&path, "\"v0\"", json!({"value": "no"})).await.expect(404);
    let history = customer.get(&format!("/api/v1/customers/{own}/history")).await.expect(200).body;
    assert!(history["items"].as_array().unwrap().iter().all(|change| change["fieldId"] != hidden));
    assert_eq!(customer.get("/api/v1/me").await.expect(200).body["role"], "customer");
}

async fn permissions_are_granted_by_group_and_role(world: &World) {
    let admin = world.admin();
    let agent = world.agent();
    agent.post("/api/v1/fields", json!({"entity": "customer", "type": "text", "name": "No"})).await.expect(403);
    agent.get("/api/v1/settings/permissions").await.expect(403);
    let standing = admin.get("/api/v1/settings/permissions").await.expect(200);
    let holders = admin.get("/api/v1/settings/holders").await.expect(200).body;
    let role = holders["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|holder| holder["kind"] == "projectRole" && holder["name"].as_str().unwrap().contains("Team"))
        .cloned()
        .expect("the service desk team is a role");
    let wanted = json!({"browse": [{"kind": "agents"}], "edit": [], "configure": [role]});
    let changed = admin.put("/api/v1/settings/permissions", &standing.etag(), wanted.clone()).await.expect(200);
    admin.put("/api/v1/settings/permissions", &standing.etag(), wanted).await.expect(412);
    // Standing is at most a minute old.
    world.clock.advance(std::time::Duration::from_secs(61));
    world.program.runner.drain().await.unwrap();
    world.forget_standing().await;
    world
        .agent()
        .post("/api/v1/fields", json!({"entity": "customer", "type": "text", "name": "Yes"}))
        .await
        .expect(201);
    let nobody = json!({"browse": [], "edit": [], "configure": []});
    admin.put("/api/v1/settings/permissions", &changed.etag(), nobody).await.expect(200);
    world.agent().get("/api/v1/customers").await.expect(403);
    admin.get("/api/v1/settings/permissions").await.expect(200);
}

async fn fields_are_limited_to_projects(world: &World) {
    let admin = world.admin();
    let projects = admin.get("/api/v1/projects").await.expect(200).body;
    assert!(projects["items"].as_array().unwrap().len() > 1);
    let mut agent = world.on_page("agent", "customer-panel");
    agent.issue = Some(world.issue());
    let panel = format!("/api/v1/panel?issue={}", world.issue());
    let here = agent.get(&panel).await.expect(200).body["issue"]["projectId"].clone();
    let elsewhere =
        projects["items"].as_array().unwrap().iter().map(|p| p["id"].clone()).find(|id| *id != here).unwrap();
    for (name, project) in [("Here", here), ("Elsewhere", elsewhere)] {
        admin.defines(json!({"entity": "customer", "type": "text", "name": name, "projects": [project]})).await;
    }
    let shown = agent.get(&panel).await.expect(200).body;
    let names: Vec<_> = shown["fields"].as_array().unwrap().iter().map(|field| field["name"].clone()).collect();
    assert_eq!(names, ["Here"]);

    // Customers have those of the projects whose customers they are.
    let (customer, account) = (world.customer(), world.customer().account());
    let (mut mine, mut others) = (None, None);
    for project in projects["items"].as_array().unwrap() {
        let (id, query) = (project["id"].as_str().unwrap(), format!("project = {}", project["key"].as_str().unwrap()));
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let listed = admin.get(&format!("/api/v1/customers?limit=100&query={query}")).await.expect(200).text;
        if listed.contains(&account) { mine = Some(id) } else { others = Some(id) }
    }
    let (mine, others) = (mine.unwrap(), others.unwrap());
    let limited = async |name: &str, project: &str| {
        let field = json!({"entity": "customer", "type": "text", "name": name, "audience": "customerEdit",
            "required": true, "projects": [project]});
        admin.defines(field).await["id"].as_str().unwrap().to_owned()
    };
    let (near, far) = (limited("Near", mine).await, limited("Far", others).await);
    world.agent().writes(&account, &far, json!("theirs alone")).await.expect(200);
    let listed = customer.get("/api/v1/fields?entity=customer").await.expect(200).body;
    let names: Vec<_> = listed["items"].as_array().unwrap().iter().map(|field| field["name"].clone()).collect();
    assert_eq!(names, ["Near"]);
    customer.get(&format!("/api/v1/fields/{near}")).await.expect(200);
    customer.get(&format!("/api/v1/fields/{far}")).await.expect(404);
    customer.writes(&account, &near, json!("mine")).await.expect(200);
    let refused = customer.writes(&account, &far, json!("mine")).await;
    assert!(matches!(refused.status, 404 | 422), "{}", refused.text);
    let values = customer.get(&format!("/api/v1/customers/{account}/values")).await.expect(200).text;
    assert!(values.contains("mine") && !values.contains("theirs alone"), "{values}");
    let copy = customer.post(&format!("/api/v1/customers/{account}/copy"), Value::Null).await.expect(200);
    assert!(copy.text.contains("mine") && !copy.text.contains("theirs alone"), "{}", copy.text);
}

async fn lists_are_paged_and_searched(world: &World) {
    let agent = world.agent();
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = agent.get(&format!("/api/v1/customers?limit=20{cursor}")).await.expect(200).body;
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|customer| customer["displayName"].as_str().unwrap().to_lowercase()),
        );
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert!(seen.len() > 20);
    assert!(seen.is_sorted(), "by name");
    let customer = world.jira.visitor("customer").unwrap();
    let part: String = customer.display_name.chars().take(4).collect();
    let query = url::form_urlencoded::byte_serialize(part.as_bytes()).collect::<String>();
    let found = agent.get(&format!("/api/v1/customers?query={query}")).await.expect(200).body;
    assert!(found["items"].as_array().unwrap().iter().any(|item| item["accountId"] == customer.account_id));
    agent.get("/api/v1/customers?limit=101").await.expect(422);
    agent.get("/api/v1/customers?cursor=nobody").await.expect(422);
    let organizations = agent.get("/api/v1/organizations").await.expect(200).body;
    let one = organizations["items"].as_array().unwrap().iter().find(|o| o["memberCount"].as_i64() > Some(0)).unwrap();
    let whole = agent.get(&format!("/api/v1/organizations/{}", one["id"].as_str().unwrap())).await.expect(200).body;
    assert!(!whole["members"].as_array().unwrap().is_empty());
}

async fn people_are_found_by_the_whole_of_what_they_are_called(world: &World) {
    let agent = world.agent();
    let visitor = world.jira.visitor("agent").unwrap();
    let found = async |text: &str, exact: bool| -> Vec<String> {
        let query: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let page = agent.get(&format!("/api/v1/users?query={query}&exact={exact}")).await.expect(200).body;
        let items = page["items"].as_array().unwrap();
        items.iter().map(|item| item["accountId"].as_str().unwrap().to_owned()).collect()
    };
    let theirs = std::slice::from_ref(&visitor.account_id);
    for whole in [&visitor.account_id, &visitor.display_name, &visitor.email, &visitor.email.to_uppercase()] {
        assert_eq!(found(whole, true).await, theirs, "{whole}");
    }
    for whole in [&visitor.display_name, &visitor.email] {
        let part: String = whole.chars().take(whole.chars().count() - 1).collect();
        assert!(found(&part, false).await.contains(&visitor.account_id), "{part}");
        assert!(found(&part, true).await.is_empty(), "{part} is not the whole");
    }
    assert!(found("", true).await.is_empty());
    // Customers are found too, and two of one name are both told.
    let customer = world.jira.visitor("customer").unwrap();
    assert!(found(&customer.display_name, true).await.contains(&customer.account_id));
    let name = visitor.display_name.clone();
    world.jira.state().create_colleague(&Actor::default(), "namesake@example.com", &name).unwrap();
    world.jira.deliveries_settled().await;
    // Jira's search is behind.
    world.clock.advance(Duration::from_secs(180));
    world.program.runner.drain().await.unwrap();
    assert_eq!(found(&name, true).await.len(), 2);
    agent.get("/api/v1/users?query=a&exact=perhaps").await.expect(422);
}
