//! Values of many customers and organizations at once: each item whole or not at all, and one commit for all.

use serde_json::{Value, json};

use crate::imports::value;
use crate::merges::{merge_into, unmerge};
use crate::world::World;

on_both!(
    each_item_is_written_whole_or_not_at_all,
    a_thousand_items_are_one_request,
    organizations_are_written_alike,
    who_was_merged_is_refused_and_told_where_they_went,
    the_request_itself_is_bounded_and_walled,
);

const CUSTOMERS: &str = "/api/v1/customers/values:bulk";
const ORGANIZATIONS: &str = "/api/v1/organizations/values:bulk";

fn statuses(answer: &Value) -> Vec<(u64, String)> {
    let told = |item: &Value| {
        let errors = &item["problem"]["errors"][0];
        let code = errors["code"].as_str().or(item["problem"]["code"].as_str()).unwrap_or_default();
        (item["status"].as_u64().unwrap(), code.to_owned())
    };
    answer["items"].as_array().unwrap().iter().map(told).collect()
}

async fn each_item_is_written_whole_or_not_at_all(world: &World) {
    let admin = world.admin();
    let plan = admin.defines_text("Plan", "agents").await;
    let size = admin.defines(json!({"entity": "customer", "type": "number", "name": "Size"})).await["id"].clone();
    let size = size.as_str().unwrap();
    let friend = admin.defines(json!({"entity": "customer", "type": "user", "name": "Friend"})).await["id"].clone();
    let friend = friend.as_str().unwrap();
    let listed = world.agent().get("/api/v1/customers?limit=10").await.expect(200).body;
    let ids: Vec<_> = listed["items"].as_array().unwrap().iter().map(|item| item["accountId"].clone()).collect();
    let script = world.script("Nightly import", &["customers:write"]).await;
    let written = json!({"items": [
        {"accountId": ids[0], "values": {&plan: "Gold", size: 12}},
        {"accountId": ids[1], "values": {&plan: "Silver"}, "ifMatch": "\"v0\""},
    ]});
    let first = script.post(CUSTOMERS, written).await.expect(200).body;
    assert_eq!((&first["written"], &first["refused"]), (&json!(2), &json!(0)));
    let version = first["items"][0]["version"].as_i64().unwrap();
    let mixed = json!({"items": [
        {"accountId": ids[0], "values": {&plan: "Bronze", size: "twelve"}},
        {"accountId": ids[1], "values": {&plan: "Silver"}},
        {"accountId": ids[2], "values": {&plan: "Gold"}, "ifMatch": "\"v7\""},
        {"accountId": "712020:nobody", "values": {&plan: "Gold"}},
        {"accountId": ids[3], "values": {"01900000-0000-7000-8000-000000000000": "Gold"}},
        {"accountId": ids[4], "values": {friend: "712020:nobody"}},
        {"accountId": ids[5], "values": {&plan: "Gold", size: null}},
        {"accountId": ids[5], "values": {&plan: "Silver"}},
        {"accountId": ids[6], "values": {}},
    ]});
    let second = script.post(CUSTOMERS, mixed).await.expect(200).body;
    let expected = [
        (422, "format"),
        (200, ""),
        (412, "conflict"),
        (404, "not_found"),
        (422, "unknown"),
        (422, "unknown"),
        (200, ""),
        (422, "not_unique"),
        (200, ""),
    ];
    assert_eq!(statuses(&second), expected.map(|(status, code)| (status, code.to_owned())));
    assert_eq!((&second["written"], &second["refused"]), (&json!(3), &json!(6)));
    assert_eq!(second["items"][0]["problem"]["errors"][0]["pointer"], format!("/values/{size}"));
    assert_eq!(second["items"][1]["version"], first["items"][1]["version"], "what stands already is no change");
    let values = async |place: usize| {
        let id = ids[place].as_str().unwrap();
        let set = world.agent().get(&format!("/api/v1/customers/{id}/values")).await.expect(200).body;
        let mut values: Vec<_> = set["values"].as_array().unwrap().iter().map(|v| v["value"].clone()).collect();
        values.sort_by_key(ToString::to_string);
        (set["version"].as_i64().unwrap(), values)
    };
    assert_eq!(values(0).await, (version, vec![json!("Gold"), json!(12.0)]));
    assert_eq!(values(2).await.1, Vec::<Value>::new());
    assert_eq!(values(5).await.1, [json!("Gold")]);
    // The answer's version is the next request's ETag.
    let next = json!({"items": [{"accountId": ids[0], "values": {size: 13}, "ifMatch": format!("\"v{version}\"")}]});
    script.post(CUSTOMERS, next.clone()).await.expect(200);
    assert_eq!(statuses(&script.post(CUSTOMERS, next).await.expect(200).body)[0].0, 412);
    // History, ledger and change sequence are as for single writes.
    let id = ids[0].as_str().unwrap();
    let history = world.agent().get(&format!("/api/v1/customers/{id}/history")).await.expect(200).body;
    assert_eq!(history["items"].as_array().unwrap().len(), 3);
    assert_eq!(history["items"][0]["by"]["displayName"], "Nightly import");
    assert_eq!((&history["items"][0]["from"], &history["items"][0]["to"]), (&json!(12.0), &json!(13.0)));
    let cx = world.reader().await;
    let mut scoped = world.program.store.read(&cx).await.unwrap();
    let entries = store::ledger::list(&mut scoped, 0, 1000).await.unwrap();
    assert_eq!(store::ledger::first_break(&entries), None);
    assert_eq!(entries.iter().filter(|entry| entry.kind == "customers.value_set").count(), 5);
    let changes = store::changes::since(&mut scoped, 0, 1000).await.unwrap();
    let of_first = changes.iter().find(|change| change.kind == "customer" && change.row_id == id).unwrap();
    assert_eq!(of_first.seq, history["items"][0]["id"].as_str().unwrap().parse::<i64>().unwrap());
}

async fn a_thousand_items_are_one_request(world: &World) {
    let plan = world.admin().defines_text("Plan", "agents").await;
    let script = world.script("Nightly import", &["customers:write"]).await;
    let nobody = sandbox::events::Actor::default();
    let made = (0..1_000).map(|place| {
        let (address, name) = (format!("bulk{place}@example.com"), format!("Bulk {place}"));
        world.jira.state().create_customer(&nobody, &address, &name).unwrap().account_id
    });
    let items: Vec<_> = made.map(|id| json!({"accountId": id, "values": {&plan: format!("Plan of {id}")}})).collect();
    let body = json!({"items": items});
    let first = script.posts_once("import-1", CUSTOMERS, body.clone()).await.expect(200);
    assert_eq!(
        (&first.body["written"], &first.body["refused"]),
        (&json!(1_000), &json!(0)),
        "{}",
        first.body["items"][0]
    );
    let again = script.posts_once("import-1", CUSTOMERS, body).await.expect(200);
    assert_eq!(again.text, first.text);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let cx = world.reader().await;
    let mut scoped = world.program.store.read(&cx).await.unwrap();
    let entries = store::ledger::list(&mut scoped, 0, 10_000).await.unwrap();
    assert_eq!(store::ledger::first_break(&entries), None);
    assert_eq!(entries.iter().filter(|entry| entry.kind == "customers.value_set").count(), 1_000);
}

async fn organizations_are_written_alike(world: &World) {
    let field = json!({"entity": "organization", "type": "text", "name": "Region"});
    let region = world.admin().defines(field).await["id"].as_str().unwrap().to_owned();
    let listed = world.agent().get("/api/v1/organizations?limit=3").await.expect(200).body;
    let known = listed["items"][0]["id"].clone();
    // One that the directory has not read yet: Jira is asked.
    let nobody = sandbox::events::Actor::default();
    let new = world.jira.state().create_organization(&nobody, "Newcomer").id;
    let script = world.script("Nightly import", &["organizations:write"]).await;
    let body = json!({"items": [
        {"organizationId": known, "values": {&region: "North"}},
        {"organizationId": new, "values": {&region: "South"}},
        {"organizationId": "99999999", "values": {&region: "East"}},
    ]});
    let answer = script.post(ORGANIZATIONS, body).await.expect(200).body;
    assert_eq!(statuses(&answer).iter().map(|told| told.0).collect::<Vec<_>>(), [200, 200, 404]);
    let values = script.get(&format!("/api/v1/organizations/{new}/values")).await.expect(200).body;
    assert_eq!(values["values"][0]["value"], "South");
}

async fn who_was_merged_is_refused_and_told_where_they_went(world: &World) {
    let plan = world.admin().defines_text("Plan", "agents").await;
    let (kept, merged) = (world.customer().account(), world.other_customer().account());
    let merge = merge_into(world, &kept, &merged).await;
    let script = world.script("Nightly import", &["customers:write"]).await;
    let items = json!({"items": [
        {"accountId": merged, "values": {&plan: "Gold"}},
        {"accountId": kept, "values": {&plan: "Silver"}},
    ]});
    let answer = script.post(CUSTOMERS, items.clone()).await.expect(200).body;
    assert_eq!(statuses(&answer), [(422, "merged".to_owned()), (200, String::new())]);
    let told = answer["items"][0]["problem"]["detail"].as_str().unwrap();
    assert!(told.contains(&kept), "{told}");
    assert_eq!(value(world, &merged, &plan).await, Value::Null);
    assert_eq!(value(world, &kept, &plan).await, "Silver");
    unmerge(world, &merge).await;
    assert_eq!(script.post(CUSTOMERS, items).await.expect(200).body["written"], 2);
}

async fn the_request_itself_is_bounded_and_walled(world: &World) {
    let plan = world.admin().defines_text("Plan", "customerEdit").await;
    let customer = world.customer();
    let own = json!({"items": [{"accountId": customer.account(), "values": {&plan: "Gold"}}]});
    customer.post(CUSTOMERS, own.clone()).await.expect(403);
    let reader = world.script("Reader", &["customers:read", "organizations:write"]).await;
    reader.post(CUSTOMERS, own.clone()).await.expect(403);
    let script = world.script("Writer", &["customers:write"]).await;
    script.post(ORGANIZATIONS, json!({"items": []})).await.expect(403);
    let empty = script.post(CUSTOMERS, json!({"items": []})).await.expect(200).body;
    assert_eq!(empty, json!({"written": 0, "refused": 0, "items": []}));
    let many: Vec<_> = (0..1_001).map(|id| json!({"accountId": format!("712020:{id}"), "values": {}})).collect();
    let told = script.post(CUSTOMERS, json!({"items": many})).await.expect(422).body;
    assert_eq!(told["errors"][0]["limit"], 1_000);
    let wrong = json!({"items": [{"accountId": customer.account(), "values": {}, "ifMatch": "12"}]});
    let told = script.post(CUSTOMERS, wrong).await.expect(422).body;
    assert_eq!(told["errors"][0]["pointer"], "/items/0/ifMatch");
    let wrong = json!({"items": [own["items"][0], {"accountId": "no id!", "values": {}}]});
    let told = script.post(CUSTOMERS, wrong).await.expect(422).body;
    assert_eq!(told["errors"][0]["pointer"], "/items/1/accountId");
    let large = json!({"items": [{"accountId": customer.account(), "values": {&plan: "x".repeat(1_100_000)}}]});
    script.post(CUSTOMERS, large).await.expect(413);
    world.agent().post(CUSTOMERS, own).await.expect(200);
}
