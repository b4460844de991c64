//! Duplicates as people meet them: found alike, said not to be the same, merged value by value, taken back. On both databases.

use std::time::Duration;

use axum::http::Method;
use sandbox::faults::{Misfortune, RequestFault};
use serde_json::{Value, json};

use crate::world::{Actor, World};

on_both!(
    two_alike_are_told_and_can_be_said_not_to_be_the_same,
    a_merge_moves_what_is_chosen_and_is_taken_back,
    what_was_changed_meanwhile_is_not_merged_over,
    the_merged_one_is_left_out_of_lists_and_still_found,
    memberships_follow_in_jira,
    what_jira_refuses_is_said_and_the_merge_stands,
    what_jira_did_not_answer_is_asked_for_again,
    a_jira_that_is_away_is_asked_ever_more_seldom,
    what_may_have_been_done_is_taken_back_too,
    what_is_undone_while_jira_is_asked_leaves_nobody_in,
    two_merges_of_one_pair_at_once_are_one,
    a_merge_and_a_write_at_once_lose_neither,
    what_cannot_be_merged_is_said,
);

/// Two customers of the site, and fields of theirs.
struct Two {
    kept: String,
    merged: String,
    phone: String,
    note: String,
    plan: String,
}

async fn two(world: &World) -> Two {
    let admin = world.admin();
    let defined = |kind: &'static str, name: &'static str| {
        let admin = &admin;
        async move {
            let field = json!({"entity": "customer", "type": kind, "name": name, "audience": "customerEdit"});
            admin.defines(field).await["id"].as_str().unwrap().to_owned()
        }
    };
    let (phone, note, plan) =
        (defined("phone", "Telephone").await, defined("longText", "Note").await, defined("text", "Plan").await);
    let (kept, merged) = (world.customer().account(), world.other_customer().account());
    let agent = world.agent();
    for account in [&kept, &merged] {
        agent.writes(account, &phone, json!("+49 40 123456")).await.expect(200);
    }
    agent.writes(&kept, &plan, json!("Basic")).await.expect(200);
    agent.writes(&merged, &plan, json!("Premium")).await.expect(200);
    agent.writes(&merged, &note, json!("Calls before noon.")).await.expect(200);
    Two { kept, merged, phone, note, plan }
}

async fn alike(actor: &Actor<'_>) -> Vec<Value> {
    actor.get("/api/v1/duplicates?limit=100").await.expect(200).body["items"].as_array().unwrap().clone()
}

/// The pair of these two, if it is told.
async fn pair_of(actor: &Actor<'_>, two: &Two) -> Option<Value> {
    let is = |pair: &Value| {
        let ids = [&pair["first"]["accountId"], &pair["second"]["accountId"]];
        ids.contains(&&json!(two.kept)) && ids.contains(&&json!(two.merged))
    };
    alike(actor).await.into_iter().find(is)
}

async fn value(actor: &Actor<'_>, account: &str, field: &str) -> Value {
    let body = actor.get(&format!("/api/v1/customers/{account}/values")).await.expect(200).body;
    let values = body["values"].as_array().unwrap();
    values.iter().find(|value| value["fieldId"] == field).map_or(Value::Null, |value| value["value"].clone())
}

fn at(two: &Two) -> String {
    format!("/api/v1/customers/{}/merge/{}", two.kept, two.merged)
}

async fn wanted(actor: &Actor<'_>, two: &Two, choices: Value) -> Value {
    let preview = actor.get(&at(two)).await.expect(200).body;
    json!({"choices": choices, "keptVersion": preview["keptValues"]["version"], "mergedVersion": preview["mergedValues"]["version"]})
}

async fn merges(actor: &Actor<'_>, two: &Two, choices: Value) -> Value {
    let body = wanted(actor, two, choices).await;
    actor.post(&at(two), body).await.expect(201).body["merge"].clone()
}

async fn undoes(actor: &Actor<'_>, merge: &Value) -> crate::world::Answer {
    actor.post(&format!("/api/v1/merges/{}/undo", merge["id"].as_str().unwrap()), json!({})).await
}

/// Merges one customer into another one, where nothing has to be chosen between them; answers the merge.
pub(crate) async fn merge_into(world: &World, kept: &str, merged: &str) -> String {
    let agent = world.agent();
    let path = format!("/api/v1/customers/{kept}/merge/{merged}");
    let seen = agent.get(&path).await.expect(200).body;
    let versions =
        json!({"keptVersion": seen["keptValues"]["version"], "mergedVersion": seen["mergedValues"]["version"]});
    agent.post(&path, versions).await.expect(201).body["merge"]["id"].as_str().unwrap().to_owned()
}

/// Takes it back.
pub(crate) async fn unmerge(world: &World, merge: &str) {
    world.agent().post(&format!("/api/v1/merges/{merge}/undo"), json!({})).await.expect(200);
}

async fn two_alike_are_told_and_can_be_said_not_to_be_the_same(world: &World) {
    let two = two(world).await;
    let agent = world.agent();
    let pair = pair_of(&agent, &two).await.expect("the same telephone number");
    assert_eq!(pair["reasons"], json!(["phone"]));
    let path = format!("/api/v1/duplicates/{}/{}/dismissal", two.merged, two.kept);
    agent.ask(Method::PUT, &path, None, None).await.expect(204);
    assert!(pair_of(&agent, &two).await.is_none());
    // It is remembered whichever way round, and whatever is written.
    agent.writes(&two.kept, &two.plan, json!("Other")).await.expect(200);
    assert!(pair_of(&agent, &two).await.is_none());
    let other_way = format!("/api/v1/duplicates/{}/{}/dismissal", two.kept, two.merged);
    agent.ask(Method::DELETE, &other_way, None, None).await.expect(204);
    assert!(pair_of(&agent, &two).await.is_some());
    agent.ask(Method::DELETE, &other_way, None, None).await.expect(404);
    // A number that changes is no longer alike.
    agent.writes(&two.kept, &two.phone, json!("+49 40 654321")).await.expect(200);
    assert!(pair_of(&agent, &two).await.is_none());
    world.customer().get("/api/v1/duplicates").await.expect(403);
}

async fn a_merge_moves_what_is_chosen_and_is_taken_back(world: &World) {
    let two = two(world).await;
    let agent = world.agent();
    let preview = agent.get(&at(&two)).await.expect(200).body;
    assert_eq!((&preview["moves"], &preview["asks"]), (&json!([two.note]), &json!([two.plan])));
    let missing = wanted(&agent, &two, json!({})).await;
    let missing = agent.post(&at(&two), missing).await.expect(422).body;
    assert_eq!(missing["errors"][0]["pointer"], format!("/choices/{}", two.plan));
    assert_eq!(value(&agent, &two.kept, &two.note).await, Value::Null, "nothing was written");

    let merge = merges(&agent, &two, json!({&two.plan: "merged"})).await;
    assert_eq!((&merge["values"], &merge["byId"]), (&json!(2), &json!(agent.account())));
    assert_eq!(value(&agent, &two.kept, &two.plan).await, "Premium");
    assert_eq!(value(&agent, &two.kept, &two.note).await, "Calls before noon.");
    assert_eq!(value(&agent, &two.merged, &two.note).await, "Calls before noon.", "the merged one keeps theirs");
    let history = agent.get(&format!("/api/v1/customers/{}/history", two.kept)).await.expect(200).body;
    assert_eq!(history["items"][0]["action"], "merged");
    let shown = agent.get(&format!("/api/v1/customers/{}", two.merged)).await.expect(200).body;
    assert_eq!(shown["mergedInto"], two.kept.as_str());
    let listed = agent.get(&format!("/api/v1/customers/{}/merges", two.kept)).await.expect(200).body;
    assert_eq!(listed["items"][0]["mergedId"], two.merged.as_str());
    assert!(pair_of(&agent, &two).await.is_none(), "who was merged is nobody's duplicate");
    let refused = agent.writes(&two.merged, &two.plan, json!("Late")).await.expect(422).body;
    assert_eq!(refused["code"], "merged");

    // What somebody changed since stays; all else goes back.
    agent.writes(&two.kept, &two.note, json!("Calls after noon.")).await.expect(200);
    let undone = undoes(&agent, &merge).await.expect(200).body;
    assert_eq!(undone["stayed"], 1);
    assert_eq!(value(&agent, &two.kept, &two.plan).await, "Basic");
    assert_eq!(value(&agent, &two.kept, &two.note).await, "Calls after noon.");
    let shown = agent.get(&format!("/api/v1/customers/{}", two.merged)).await.expect(200).body;
    assert_eq!(shown.get("mergedInto"), None);
    assert!(pair_of(&agent, &two).await.is_some());
    assert_eq!(undoes(&agent, &merge).await.expect(422).body["code"], "undone");
    let ledger = crate::queries::ledger(world).await;
    let kinds: Vec<_> = ledger.iter().map(|entry| entry.kind.as_str()).filter(|kind| kind.contains("merge")).collect();
    let moved = "customers.value_merged";
    assert_eq!(kinds, [moved, moved, "customers.customer_merged", "customers.merge_undone"]);
}

async fn what_was_changed_meanwhile_is_not_merged_over(world: &World) {
    let two = two(world).await;
    let agent = world.agent();
    let seen = wanted(&agent, &two, json!({&two.plan: "kept"})).await;
    agent.writes(&two.kept, &two.plan, json!("Changed meanwhile")).await.expect(200);
    agent.post(&at(&two), seen).await.expect(412);
    let merge = merges(&agent, &two, json!({&two.plan: "kept"})).await;
    assert_eq!(value(&agent, &two.kept, &two.plan).await, "Changed meanwhile");
    // A month later it stays what it is.
    world.clock.advance(std::time::Duration::from_secs(31 * 24 * 3600));
    world.program.runner.drain().await.unwrap();
    assert_eq!(undoes(&agent, &merge).await.expect(422).body["code"], "too_late");
}

async fn the_merged_one_is_left_out_of_lists_and_still_found(world: &World) {
    let two = two(world).await;
    let agent = world.agent();
    let listed = |query: &'static str| {
        let (agent, merged) = (&agent, two.merged.clone());
        async move {
            let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
            let page = agent.get(&format!("/api/v1/customers?limit=100&query={query}")).await.expect(200).body;
            page["items"].as_array().unwrap().iter().any(|item| item["accountId"] == merged.as_str())
        }
    };
    assert!(listed("").await && listed("plan = Premium").await && !listed("merged = true").await);
    let merge = merges(&agent, &two, json!({&two.plan: "kept"})).await;
    for query in ["", "plan = Premium", "plan = Premium ORDER BY name", "merged = false"] {
        assert!(!listed(query).await, "{query}");
    }
    for query in ["merged = true", "merged = true AND plan = Premium", "merged = true OR plan = Basic"] {
        assert!(listed(query).await, "{query}");
    }
    let found = agent.get("/api/v1/search?q=premium").await.expect(200).body;
    assert!(found["items"].as_array().unwrap().iter().all(|hit| hit["id"] != two.merged.as_str()), "{found}");
    let file = agent.post("/api/v1/customers/export", json!({"format": "json"})).await.expect(200);
    assert!(!file.text.contains(&two.merged));
    undoes(&agent, &merge).await.expect(200);
    assert!(listed("").await && listed("plan = Premium").await && !listed("merged = true").await);
}

async fn memberships_follow_in_jira(world: &World) {
    let two = two(world).await;
    let agent = world.agent();
    let name = json!({"name": "Only theirs"});
    let made = agent.post("/api/v1/organizations", name).await.expect(201).body;
    let organization = made["organizationId"].as_str().unwrap();
    let members = format!("/api/v1/organizations/{organization}/members");
    agent.post(&members, json!({"accountIds": [two.merged]})).await.expect(204);
    let belongs = |account: String| {
        let agent = &agent;
        async move {
            let whole = agent.get(&format!("/api/v1/customers/{account}")).await.expect(200).body;
            whole["organizations"].as_array().unwrap().iter().any(|of| of["name"] == "Only theirs")
        }
    };
    let preview = agent.get(&at(&two)).await.expect(200).body;
    assert!(preview["joins"].as_array().unwrap().iter().any(|of| of["name"] == "Only theirs"), "{preview}");
    let joins: Vec<&Value> = preview["joins"].as_array().unwrap().iter().map(|of| &of["id"]).collect();
    let mut body = wanted(&agent, &two, json!({&two.plan: "kept"})).await;
    body["organizations"] = json!(true);
    let done = agent.post(&at(&two), body).await.expect(201).body["merge"].clone();
    assert_eq!((&done["joining"], &done["organizations"], &done["refused"]), (&json!(joins), &json!(0), &json!([])));
    world.program.runner.drain().await.unwrap();
    let seen = latest(&agent, &two).await;
    assert_eq!(
        (&seen["joining"], &seen["organizations"], &seen["refused"]),
        (&json!([]), &json!(joins.len()), &json!([]))
    );
    assert!(belongs(two.kept.clone()).await && belongs(two.merged.clone()).await);
    let undone = undoes(&agent, &done).await.expect(200).body["merge"].clone();
    assert_eq!((&undone["leaving"], &undone["joining"]), (&json!(joins), &json!([])));
    // Until that is done, who is kept would join what they are about to leave.
    let again = wanted(&agent, &two, json!({&two.plan: "kept"})).await;
    assert_eq!(agent.post(&at(&two), again).await.expect(422).body["code"], "under_way");
    world.program.runner.drain().await.unwrap();
    assert_eq!(latest(&agent, &two).await["leaving"], json!([]));
    assert!(!belongs(two.kept.clone()).await && belongs(two.merged.clone()).await);
    merges(&agent, &two, json!({&two.plan: "kept"})).await;
}

const ORGANIZATION: &str = "/rest/servicedeskapi/organization";

/// The merge of these two that was made last.
async fn latest(actor: &Actor<'_>, two: &Two) -> Value {
    let listed = actor.get(&format!("/api/v1/customers/{}/merges", two.kept)).await.expect(200).body;
    listed["items"][0].clone()
}

/// Merges them where only the merged one is in one organization, and in no other; answers it and the merge. Nobody has asked
/// Jira for anything yet.
async fn joining(world: &World, two: &Two) -> (String, Value) {
    let (state, nobody) = (world.jira.state(), sandbox::events::Actor::default());
    for organization in state.write().organizations.values_mut() {
        organization.members.remove(&two.merged);
    }
    let organization = state.create_organization(&nobody, "Only theirs").id;
    state.edit_organization(&nobody, &organization, |of| of.members.insert(two.merged.clone())).unwrap();
    let mut body = wanted(&world.agent(), two, json!({&two.plan: "kept"})).await;
    body["organizations"] = json!(true);
    let merge = world.agent().post(&at(two), body).await.expect(201).body["merge"].clone();
    assert_eq!(merge["joining"], json!([organization]));
    (organization, merge)
}

fn is_in(world: &World, organization: &str, account: &str) -> bool {
    world.jira.state().read().organizations[organization].members.contains(account)
}

/// Befalls the next call that lets somebody into an organization.
fn befalls(world: &World, what: Misfortune) {
    befall(world, Some(1), what);
}

/// Befalls so many of them, or all.
fn befall(world: &World, next: Option<u64>, what: Misfortune) {
    let (method, path) = (Some(Method::POST), Some(ORGANIZATION.to_owned()));
    let rule = RequestFault { method, path, next, chance: 1.0, what };
    let faults = sandbox::Faults { requests: vec![rule], ..sandbox::Faults::none() };
    world.jira.state().faults().command(faults, None);
}

/// Whoever asked Jira asks no more.
async fn a_minute_later(world: &World) {
    world.clock.advance(Duration::from_secs(60));
    world.program.runner.drain().await.unwrap();
}

async fn what_jira_refuses_is_said_and_the_merge_stands(world: &World) {
    let two = two(world).await;
    let agent = world.agent();
    let (organization, merge) = joining(world, &two).await;
    world.jira.state().delete_organization(&sandbox::events::Actor::default(), &organization).unwrap();
    world.program.runner.drain().await.unwrap();
    let seen = latest(&agent, &two).await;
    assert_eq!((&seen["joining"], &seen["organizations"], &seen["undoneAt"]), (&json!([]), &json!(0), &Value::Null));
    let refused = seen["refused"].as_array().unwrap();
    assert_eq!(refused.len(), 1, "{seen}");
    assert_eq!(refused[0]["pointer"], format!("/organizations/{organization}"));
    assert!(refused[0]["problem"]["detail"].as_str().unwrap().contains("no longer"), "{seen}");
    let undone = undoes(&agent, &merge).await.expect(200).body["merge"].clone();
    assert_eq!((&undone["leaving"], &undone["refused"]), (&json!([]), &json!([])));
}

async fn what_jira_did_not_answer_is_asked_for_again(world: &World) {
    let two = two(world).await;
    let agent = world.agent();
    let (organization, _) = joining(world, &two).await;
    befalls(world, Misfortune::Error { status: 503 });
    world.program.runner.drain().await.unwrap();
    let seen = latest(&agent, &two).await;
    assert_eq!((&seen["joining"], is_in(world, &organization, &two.kept)), (&json!([organization]), false));
    a_minute_later(world).await;
    let seen = latest(&agent, &two).await;
    assert_eq!((&seen["joining"], &seen["organizations"]), (&json!([]), &json!(1)));
    assert!(is_in(world, &organization, &two.kept));
}

async fn a_jira_that_is_away_is_asked_ever_more_seldom(world: &World) {
    let two = two(world).await;
    let (organization, _) = joining(world, &two).await;
    befall(world, None, Misfortune::Error { status: 503 });
    world.program.runner.drain().await.unwrap();
    for _ in 0..20 {
        a_minute_later(world).await;
    }
    let asked = world.jira.state().faults().matched()[0];
    assert!((2..=6).contains(&asked), "{asked} times in twenty minutes");
    assert_eq!(latest(&world.agent(), &two).await["joining"], json!([organization]));
    world.jira.state().faults().command(sandbox::Faults::none(), None);
    for _ in 0..15 {
        a_minute_later(world).await;
    }
    assert!(is_in(world, &organization, &two.kept));
    assert_eq!(latest(&world.agent(), &two).await["joining"], json!([]));
}

async fn what_may_have_been_done_is_taken_back_too(world: &World) {
    let two = two(world).await;
    let agent = world.agent();
    let (organization, merge) = joining(world, &two).await;
    befalls(world, Misfortune::Lose);
    world.program.runner.drain().await.unwrap();
    assert!(is_in(world, &organization, &two.kept), "Jira did it");
    assert_eq!(latest(&agent, &two).await["joining"], json!([organization]), "and nobody heard of it");
    let undone = undoes(&agent, &merge).await.expect(200).body["merge"].clone();
    assert_eq!(undone["leaving"], json!([organization]));
    world.program.runner.drain().await.unwrap();
    assert!(is_in(world, &organization, &two.kept), "whoever asked may be asking still");
    a_minute_later(world).await;
    assert!(!is_in(world, &organization, &two.kept));
    assert_eq!(latest(&agent, &two).await["leaving"], json!([]));
}

async fn what_is_undone_while_jira_is_asked_leaves_nobody_in(world: &World) {
    let two = two(world).await;
    let agent = world.agent();
    for wait in [0, 20, 100, 400].map(Duration::from_millis) {
        let (organization, merge) = joining(world, &two).await;
        befalls(world, Misfortune::Slow { wait: (wait, wait) });
        let (ran, undone) = tokio::join!(world.program.runner.drain(), undoes(&agent, &merge));
        ran.unwrap();
        undone.expect(200);
        for _ in 0..2 {
            a_minute_later(world).await;
        }
        let seen = latest(&agent, &two).await;
        assert_eq!((&seen["joining"], &seen["leaving"], &seen["refused"]), (&json!([]), &json!([]), &json!([])));
        assert!(!is_in(world, &organization, &two.kept), "{wait:?}");
    }
}

async fn two_merges_of_one_pair_at_once_are_one(world: &World) {
    let two = two(world).await;
    let agent = world.agent();
    let (path, back) = (at(&two), format!("/api/v1/customers/{}/merge/{}", two.merged, two.kept));
    for other in [&path, &back] {
        let body = wanted(&agent, &two, json!({&two.plan: "kept"})).await;
        let mut sent = body.clone();
        if other == &back {
            (sent["keptVersion"], sent["mergedVersion"]) = (body["mergedVersion"].clone(), body["keptVersion"].clone());
        }
        let (first, second) = tokio::join!(agent.post(&path, body), agent.post(other, sent));
        let (done, refused) = if first.status == 201 { (first, second) } else { (second, first) };
        let done = done.expect(201).body["merge"].clone();
        let code = refused.expect(422).body["code"].clone();
        assert!(code == "merged" || code == "has_merged", "{code}");
        let listed = agent.get(&format!("/api/v1/customers/{}/merges", two.kept)).await.expect(200).body;
        let standing = listed["items"].as_array().unwrap().iter().filter(|merge| merge["undoneAt"].is_null());
        assert_eq!(standing.map(|merge| &merge["id"]).collect::<Vec<_>>(), [&done["id"]]);
        undoes(&agent, &done).await.expect(200);
    }
}

async fn a_merge_and_a_write_at_once_lose_neither(world: &World) {
    let two = two(world).await;
    let agent = world.agent();
    for round in 0..6 {
        let before = value(&agent, &two.merged, &two.plan).await;
        let (body, late) = (wanted(&agent, &two, json!({&two.plan: "kept"})).await, json!(format!("Late {round}")));
        let path = at(&two);
        let (merge, write) = tokio::join!(agent.post(&path, body), agent.writes(&two.merged, &two.plan, late.clone()));
        match (merge.status, write.status) {
            (201, 422) => {
                assert_eq!(write.body["code"], "merged");
                assert_eq!(value(&agent, &two.merged, &two.plan).await, before);
                undoes(&agent, &merge.body["merge"]).await.expect(200);
            }
            (412, 200) => assert_eq!(value(&agent, &two.merged, &two.plan).await, late),
            (merged, wrote) => panic!("{merged} and {wrote}: {} {}", merge.text, write.text),
        }
    }
}

async fn what_cannot_be_merged_is_said(world: &World) {
    let two = two(world).await;
    let agent = world.agent();
    let itself = format!("/api/v1/customers/{0}/merge/{0}", two.kept);
    assert_eq!(agent.get(&itself).await.expect(422).body["errors"][0]["code"], "same");
    agent.get(&format!("/api/v1/customers/{}/merge/nobody", two.kept)).await.expect(404);
    merges(&agent, &two, json!({&two.plan: "kept"})).await;
    assert_eq!(agent.get(&at(&two)).await.expect(422).body["code"], "merged");
    let back = format!("/api/v1/customers/{}/merge/{}", two.merged, two.kept);
    assert_eq!(agent.get(&back).await.expect(422).body["code"], "merged");
    // Who was merged asks for their own and gets it, and nothing of the other one.
    let own = world.other_customer().get(&format!("/api/v1/customers/{}", two.merged)).await.expect(200);
    assert!(!own.text.contains(&two.kept), "{}", own.text);
    world.other_customer().get(&format!("/api/v1/customers/{}/merges", two.merged)).await.expect(403);
}
