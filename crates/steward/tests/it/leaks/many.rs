//! Canaries in what is done to many at once, in what one customer takes from another, and in what is copied into Jira's own fields.

use std::time::Duration;

use serde_json::json;

use super::{Canaries, checked};
use crate::bulk_actions::Acting;
use crate::copies::CONTRACT;
use crate::merges::{merge_into, unmerge};
use crate::world::World;

/// Bulk changes that set a value: one carried out and undone, one left where it is staged.
pub(super) async fn change_many(world: &World, canaries: &mut Canaries, account: &str) {
    let field = world.admin().defines_text(&canaries.plant("many"), "agents").await;
    world.agent().writes(account, &field, json!(canaries.plant("replaced"))).await.expect(200);
    for carried_out in [true, false] {
        let action = Acting::of(world, &field, &[account], json!(canaries.plant("forall"))).await;
        assert_eq!(action.rows("changed").await.len(), 1);
        if carried_out {
            action.ends("run").await;
            action.ends("undo").await;
        }
    }
    let (path, word) = ("/api/v1/customers/bulk-actions", canaries.plant("wrong"));
    let setting = |value: &str| json!({"type": "setValue", "fieldId": field, "value": value});
    for wanted in [
        json!({"selection": {"ids": [account]}, "change": setting(&word.repeat(100))}),
        json!({"selection": {"query": format!("{word} = {word}")}, "change": setting("x")}),
        json!({"selection": {"search": word.repeat(100)}, "change": setting("x")}),
        json!({"selection": {"ids": [account]}, "change": {"type": word}}),
    ] {
        checked(canaries, world.agent().post(path, wanted).await);
    }
}

/// Two people, one of whom takes what only the other has: taken back, and done once more.
pub(super) async fn merge_two(world: &World, canaries: &mut Canaries) {
    let field = world.admin().defines_text(&canaries.plant("twice"), "agents").await;
    let mut people = Vec::new();
    for _ in 0..2 {
        let (address, name) = (format!("{}@example.com", canaries.plant("twin")), canaries.plant("alike"));
        let made = world.jira.state().create_customer(&sandbox::events::Actor::default(), &address, &name).unwrap();
        people.push(world.known_as(&made.account_id).await);
    }
    let (kept, merged) = (&people[0], &people[1]);
    let agent = world.agent();
    agent.writes(merged, &field, json!(canaries.plant("inherited"))).await.expect(200);
    let merge = merge_into(world, kept, merged).await;
    agent.get(&format!("/api/v1/customers/{kept}/merges")).await.expect(200);
    unmerge(world, &merge).await;
    merge_into(world, kept, merged).await;
    let word = canaries.plant("wrong");
    let path = format!("/api/v1/customers/{kept}/merge/{merged}");
    for wanted in [
        json!({"keptVersion": 0, "mergedVersion": 0, "choices": {&word: "kept"}}),
        json!({"keptVersion": 0, "mergedVersion": 0, &word: 1}),
    ] {
        checked(canaries, agent.post(&path, wanted).await);
    }
    checked(canaries, agent.get(&format!("/api/v1/customers/{kept}/merge/{word}")).await);
}

/// A rule, whose field in Jira has a name, and an issue that takes its value.
pub(super) async fn copy_into_an_issue(world: &World, canaries: &mut Canaries) {
    let called = canaries.plant("jirafield");
    world.jira.state().write().custom_fields.get_mut(CONTRACT).unwrap().name.clone_from(&called);
    let field = world.admin().defines_text(&canaries.plant("copied"), "customerView").await;
    let account = world.jira.visitor("customer").unwrap().account_id;
    let value = canaries.plant("ontoissue");
    world.agent().writes(&world.known_as(&account).await, &field, json!(value)).await.expect(200);
    let rule = world.copies(&field, CONTRACT).await.expect(200);
    assert!(rule.text.contains(&called), "{}", rule.text);
    world.passes(Duration::from_secs(60)).await;
    let issue = world.raises(&account, vec![]);
    // Where Jira tells of no issue they are looked for.
    for _ in 0..3 {
        world.passes(Duration::from_secs(310)).await;
    }
    assert_eq!(world.has(&issue, CONTRACT), json!(value));
    let word = canaries.plant("wrong");
    let path = format!("/api/v1/settings/in-jira/copies/{field}");
    checked(canaries, world.admin().put(&path, "\"v1\"", json!({"issueFieldId": word})).await);
}
