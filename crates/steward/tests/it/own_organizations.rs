//! What is shared of organizations, as their members see it: of their own and of no others, as Jira has them, in the fields that are shared
//! and in no others. On both databases; and on sites that were joined by a token, for whoever signs in and whoever their own site sends.

use std::collections::BTreeMap;
use std::time::Duration;

use sandbox::events::Actor as Somebody;
use serde_json::{Value, json};
use store::args;

use crate::customer_sign_in::{SignKey, Visitor};
use crate::world::{Actor, Joined, World};

const OWN: &str = "/api/v1/me/organizations";

on_both!(
    members_see_what_is_shared_and_nothing_else,
    who_left_sees_nothing_more,
    it_is_for_people_without_a_licence_too,
    limits_to_projects_hold,
    many_come_page_by_page,
    no_member_is_given_a_value_to_change,
);

/// What Jira calls somebody.
fn in_jira(world: &World, actor: &Actor<'_>) -> String {
    world.jira.visitor(&actor.who).unwrap().account_id
}

/// An organization of these people, whom Jira calls so.
fn organization(world: &World, name: &str, members: &[String]) -> String {
    let (state, nobody) = (world.jira.state(), Somebody::default());
    let id = state.create_organization(&nobody, name).id;
    state.edit_organization(&nobody, &id, |one| one.members.extend(members.iter().cloned())).unwrap();
    id
}

async fn defines(world: &World, name: &str, audience: &str, more: Value) -> String {
    let mut field = json!({"entity": "organization", "type": "text", "name": name, "audience": audience});
    field.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.admin().defines(field).await["id"].as_str().unwrap().to_owned()
}

async fn writes(world: &World, organization: &str, field: &str, value: Value) {
    let path = format!("/api/v1/organizations/{organization}/values/{field}");
    world.agent().put(&path, "\"v0\"", json!({"value": value})).await.expect(200);
}

/// What is told of an organization, by its fields; none where nothing is.
fn told(page: &Value, organization: &str) -> Option<BTreeMap<String, Value>> {
    let one = page["items"].as_array().unwrap().iter().find(|one| one["id"] == organization)?;
    let values = one["values"].as_array().unwrap().iter();
    Some(values.map(|held| (held["fieldId"].as_str().unwrap().to_owned(), held["value"].clone())).collect())
}

/// What such an organization is told with.
fn holds<const N: usize>(values: [(&String, Value); N]) -> Option<BTreeMap<String, Value>> {
    Some(values.into_iter().map(|(field, value)| (field.clone(), value)).collect())
}

fn names(items: &Value) -> Vec<&str> {
    items.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

async fn members_see_what_is_shared_and_nothing_else(world: &World) {
    let (admin, agent) = (world.admin(), world.agent());
    let (customer, other) = (world.customer(), world.other_customer());
    let section = json!({"entity": "organization", "name": "Contract"});
    let section = admin.post("/api/v1/sections", section).await.expect(201).body["id"].clone();
    admin.post("/api/v1/sections", json!({"entity": "organization", "name": "Between us"})).await.expect(201);
    let shown = defines(world, "Plan", "customerView", json!({"sectionId": section})).await;
    let hidden = defines(world, "Risk", "agents", json!({})).await;
    let manager = defines(world, "Manager", "customerView", json!({"type": "user"})).await;
    let theirs = organization(world, "Harbour", &[in_jira(world, &customer)]);
    let others = organization(world, "Elsewhere", &[in_jira(world, &other)]);
    for (of, plan) in [(&theirs, "of the harbour"), (&others, "of elsewhere")] {
        writes(world, of, &shown, json!(plan)).await;
        writes(world, of, &hidden, json!("a secret")).await;
    }
    writes(world, &theirs, &manager, json!(agent.account())).await;

    let page = customer.get(OWN).await.expect(200);
    for word in ["a secret", "Risk", "lsewhere", "Between us", "updatedBy"] {
        assert!(!page.text.contains(word), "{word}: {}", page.text);
    }
    let expected = holds([(&shown, json!("of the harbour")), (&manager, json!(agent.account()))]);
    assert_eq!(told(&page.body, &theirs), expected);
    assert_eq!(names(&page.body["fields"]), ["Plan", "Manager"]);
    assert_eq!(names(&page.body["sections"]), ["Contract"]);
    // Customers cannot look people up: whom a value names is told with it.
    let name = world.jira.visitor("agent").unwrap().display_name;
    assert!(page.text.contains(&format!("\"text\":{}", json!(name))), "{}", page.text);

    let page = other.get(OWN).await.expect(200);
    assert_eq!(told(&page.body, &others), holds([(&shown, json!("of elsewhere"))]));
    assert!(told(&page.body, &theirs).is_none() && !page.text.contains("arbour"), "{}", page.text);

    // It is the only way: ids open nothing, and fields are told with what stands in them.
    for path in ["", "/values", "/history", "/entitlements"] {
        let refused = customer.get(&format!("/api/v1/organizations/{theirs}{path}")).await;
        assert!([403, 404].contains(&refused.status), "{path}: {}", refused.text);
    }
    let path = format!("/api/v1/organizations/{theirs}/values/{shown}");
    customer.put(&path, "\"v1\"", json!({"value": "by a member"})).await.expect(404);
    customer.get(&format!("/api/v1/fields/{shown}")).await.expect(404);
    for path in ["fields", "sections"] {
        let listed = customer.get(&format!("/api/v1/{path}?entity=organization")).await.expect(200).body;
        assert_eq!(listed["items"], json!([]), "{path}");
    }
    let script = world.script("Reads", &["organizations:read", "customers:read", "fields:read"]).await;
    script.get(OWN).await.expect(403);
    // Nobody's own values were seen.
    let readings = admin.get(&format!("/api/v1/customers/{}/readings", customer.account())).await.expect(200).body;
    assert_eq!(readings["items"], json!([]));
    world.program.runner.drain().await.unwrap();
}

async fn who_left_sees_nothing_more(world: &World) {
    let customer = world.customer();
    let account = in_jira(world, &customer);
    let shown = defines(world, "Plan", "customerView", json!({})).await;
    let theirs = organization(world, "Harbour", std::slice::from_ref(&account));
    writes(world, &theirs, &shown, json!("of the harbour")).await;
    let page = customer.get(OWN).await.expect(200).body;
    assert_eq!(told(&page, &theirs), holds([(&shown, json!("of the harbour"))]));

    // What is shared no more is gone at once, and so is what stands in a field that is out of use.
    let path = format!("/api/v1/fields/{shown}");
    let mut field = json!({"entity": "organization", "type": "text", "name": "Plan", "audience": "agents"});
    let standing = world.admin().get(&path).await.expect(200).etag();
    let narrowed = world.admin().put(&path, &standing, field.clone()).await.expect(200);
    let page = customer.get(OWN).await.expect(200);
    assert_eq!(told(&page.body, &theirs), holds([]), "{}", page.text);
    field["audience"] = json!("customerView");
    let shared = world.admin().put(&path, &narrowed.etag(), field).await.expect(200);
    assert_eq!(told(&customer.get(OWN).await.expect(200).body, &theirs).unwrap().len(), 1);
    world.admin().ask(axum::http::Method::DELETE, &path, Some(&shared.etag()), None).await.expect(204);
    assert_eq!(told(&customer.get(OWN).await.expect(200).body, &theirs), holds([]));

    let leaves = |one: &mut sandbox::state::model::Organization| one.members.retain(|member| *member != account);
    world.jira.state().edit_organization(&Somebody::default(), &theirs, leaves).unwrap();
    let page = customer.get(OWN).await.expect(200);
    assert!(told(&page.body, &theirs).is_none() && !page.text.contains("arbour"), "{}", page.text);
    world.program.runner.drain().await.unwrap();
}

async fn it_is_for_people_without_a_licence_too(world: &World) {
    let shown = defines(world, "Plan", "customerView", json!({})).await;
    let unlicensed = world.unlicensed();
    let theirs = organization(world, "Works council", &[in_jira(world, &unlicensed)]);
    writes(world, &theirs, &shown, json!("of the council")).await;
    let page = unlicensed.get(OWN).await.expect(200).body;
    assert_eq!(told(&page, &theirs), holds([(&shown, json!("of the council"))]));
    // Whoever belongs to no organization is told of no field either.
    let lone = world.jira.state().create_customer(&Somebody::default(), "lone@example.com", "Lone Person").unwrap();
    let page = world.on_page(&lone.account_id, "portal-profile").get(OWN).await.expect(200).body;
    assert_eq!(page, json!({"items": [], "nextCursor": null, "fields": [], "sections": []}));
    world.program.runner.drain().await.unwrap();
}

async fn limits_to_projects_hold(world: &World) {
    let (admin, customer) = (world.admin(), world.customer());
    let account = customer.account();
    let (mut mine, mut others) = (None, None);
    for project in admin.get("/api/v1/projects").await.expect(200).body["items"].as_array().unwrap() {
        let (id, query) = (project["id"].clone(), format!("project = {}", project["key"].as_str().unwrap()));
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let listed = admin.get(&format!("/api/v1/customers?limit=100&query={query}")).await.expect(200).text;
        if listed.contains(&account) { mine = Some(id) } else { others = Some(id) }
    }
    let near = defines(world, "Near", "customerView", json!({"projects": [mine.unwrap()]})).await;
    let far = defines(world, "Far", "customerView", json!({"projects": [others.unwrap()]})).await;
    let theirs = organization(world, "Harbour", &[in_jira(world, &customer)]);
    writes(world, &theirs, &near, json!("near by")).await;
    writes(world, &theirs, &far, json!("far away")).await;
    let page = customer.get(OWN).await.expect(200);
    assert_eq!(told(&page.body, &theirs), holds([(&near, json!("near by"))]));
    assert_eq!(names(&page.body["fields"]), ["Near"]);
    assert!(!page.text.contains("far away"), "{}", page.text);
    world.program.runner.drain().await.unwrap();
}

async fn many_come_page_by_page(world: &World) {
    let customer = world.customer();
    let account = in_jira(world, &customer);
    for place in 0..25 {
        organization(world, &format!("Branch {place:02}"), std::slice::from_ref(&account));
    }
    let (mut seen, mut sizes, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = customer.get(&format!("{OWN}{cursor}")).await.expect(200).body;
        seen.extend(names(&page["items"]).into_iter().map(str::to_lowercase));
        sizes.push(page["items"].as_array().unwrap().len());
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = format!("?cursor={next}");
    }
    let whole = customer.get(&format!("/api/v1/customers/{}", customer.account())).await.expect(200).body;
    assert_eq!((sizes[0], seen.len()), (20, whole["organizations"].as_array().unwrap().len()));
    assert!(seen.len() >= 25 && seen.is_sorted(), "{seen:?}");
    for cursor in ["x", "999999999", "%22"] {
        let wrong = customer.get(&format!("{OWN}?cursor={cursor}")).await.expect(422).body;
        assert_eq!(wrong["errors"][0]["pointer"], "/cursor", "{wrong}");
    }
    world.program.runner.drain().await.unwrap();
}

async fn no_member_is_given_a_value_to_change(world: &World) {
    let (admin, customer) = (world.admin(), world.customer());
    let mut wanted = json!({"entity": "organization", "type": "text", "name": "Plan", "audience": "customerEdit"});
    let refusal = json!({"pointer": "/audience", "code": "not_allowed"});
    let refused = |body: &Value| json!({"pointer": body["errors"][0]["pointer"], "code": body["errors"][0]["code"]});
    assert_eq!(refused(&admin.post("/api/v1/fields", wanted.clone()).await.expect(422).body), refusal);
    // With everything else that is wrong.
    wanted["name"] = json!("");
    let body = admin.post("/api/v1/fields", wanted.clone()).await.expect(422).body;
    assert_eq!((refused(&body), &body["errors"][1]["pointer"]), (refusal.clone(), &json!("/name")));
    wanted["name"] = json!("Plan");
    let plan = defines(world, "Plan", "customerView", json!({})).await;
    let path = format!("/api/v1/fields/{plan}");
    let standing = admin.get(&path).await.expect(200);
    assert_eq!(refused(&admin.put(&path, &standing.etag(), wanted.clone()).await.expect(422).body), refusal);

    // One of before is one that members see, and is kept as that when it is next changed.
    let cx = world.reader().await;
    let mut scoped = world.program.store.write(&cx).await.unwrap();
    let id: uuid::Uuid = plan.parse().unwrap();
    let words = "UPDATE field SET audience = 'customerEdit' WHERE tenant = $1 AND id = $2";
    assert_eq!(scoped.run(words, args![id]).await.unwrap(), 1);
    scoped.commit().await.unwrap();
    let read = admin.get(&path).await.expect(200);
    assert_eq!(read.body["audience"], "customerView");
    let theirs = organization(world, "Harbour", &[in_jira(world, &customer)]);
    writes(world, &theirs, &plan, json!("of the harbour")).await;
    let page = customer.get(OWN).await.expect(200).body;
    assert_eq!(told(&page, &theirs), holds([(&plan, json!("of the harbour"))]));
    assert_eq!(page["fields"][0]["audience"], "customerView");
    let value = format!("/api/v1/organizations/{theirs}/values/{plan}");
    customer.put(&value, "\"v1\"", json!({"value": "by a member"})).await.expect(404);
    wanted["audience"] = read.body["audience"].clone();
    admin.put(&path, &read.etag(), wanted).await.expect(200);
    world.program.runner.drain().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn members_come_to_a_cloud_site() {
    let world = World::joined_by(Joined::CloudToken, Vec::new()).await;
    Box::pin(members_come(&world)).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_come_to_a_data_center() {
    let world = World::joined_by(Joined::DataCenter, Vec::new()).await;
    Box::pin(members_come(&world)).await;
    world.end().await;
}

/// An hour, within which the directory was read: a Data Center tells an organization's people, and not a person's organizations.
async fn an_hour(world: &World) {
    world.clock.advance(Duration::from_secs(3_700));
    world.program.runner.drain().await.unwrap();
}

async fn members_come(world: &World) {
    let (state, nobody) = (world.jira.state(), Somebody::default());
    let sent = world.jira.visitor("customer").unwrap();
    let seen = |account: &mut sandbox::state::model::Account| account.email_visible = true;
    state.edit_account(&nobody, &sent.account_id, seen).unwrap();
    let signed_in = in_jira(world, &world.customer());
    let shown = defines(world, "Plan", "customerView", json!({})).await;
    let hidden = defines(world, "Risk", "agents", json!({})).await;
    let theirs = organization(world, "Harbour", &[sent.account_id.clone(), signed_in]);
    let others = organization(world, "Elsewhere", &[]);
    for (of, plan) in [(&theirs, "of the harbour"), (&others, "of elsewhere")] {
        writes(world, of, &shown, json!(plan)).await;
        writes(world, of, &hidden, json!("a secret")).await;
    }
    an_hour(world).await;
    let key = SignKey::made_in(world).await;
    let mut visitor = Visitor::of(world);
    visitor.comes_in(&key, &sent.email).await;
    for page in [visitor.gets(OWN).await.expect(200), world.customer().get(OWN).await.expect(200)] {
        assert_eq!(told(&page.body, &theirs), holds([(&shown, json!("of the harbour"))]), "{}", page.text);
        for word in ["a secret", "Risk", "lsewhere"] {
            assert!(!page.text.contains(word), "{word}: {}", page.text);
        }
    }
    let other = world.other_customer().get(OWN).await.expect(200);
    assert!(told(&other.body, &theirs).is_none() && !other.text.contains("of the harbour"), "{}", other.text);

    state.edit_organization(&nobody, &theirs, |one| one.members.clear()).unwrap();
    an_hour(world).await;
    for page in [visitor.gets(OWN).await.expect(200), world.customer().get(OWN).await.expect(200)] {
        assert!(told(&page.body, &theirs).is_none() && !page.text.contains("arbour"), "{}", page.text);
    }
    world.program.runner.drain().await.unwrap();
}
