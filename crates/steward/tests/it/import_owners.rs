//! Whom the rows of a file are about, where that is not plain: two of one address, and somebody who was merged.

use std::time::Duration;

use sandbox::events::Actor;
use sandbox::state::model::Account;
use serde_json::{Value, json};

use crate::imports::{Importing, counts, value};
use crate::merges::{merge_into, unmerge};
use crate::world::World;

on_both!(two_of_one_address_are_nobody, who_was_merged_is_refused_and_told_where_they_went);

/// Gives customers an address, which Jira tells us.
async fn have_address(world: &World, accounts: &[&str], email: &str) {
    for account in accounts {
        let change = |account: &mut Account| {
            account.email = email.to_owned();
            account.email_visible = true;
        };
        world.jira.state().edit_account(&Actor::default(), account, change).unwrap();
    }
    world.jira.deliveries_settled().await;
    // A directory in memory is looked at anew before it is older than two minutes.
    world.clock.advance(Duration::from_secs(180));
    world.program.runner.drain().await.unwrap();
}

async fn by_address<'w>(world: &'w World, email: &str) -> Importing<'w> {
    let import = Importing::of(world, "customer", format!("email,Plan\n{email},Gold\n").as_bytes(), 1_000).await;
    import.checks_as_suggested(json!({})).await;
    import
}

async fn by_id<'w>(world: &'w World, accounts: &[&str], plan: &str) -> Importing<'w> {
    let lines: String = accounts.iter().map(|account| format!("{account},{plan}\n")).collect();
    let import = Importing::of(world, "customer", format!("Account ID,Plan\n{lines}").as_bytes(), 1_000).await;
    import.checks_as_suggested(json!({})).await;
    import
}

/// Why a file's one refused row is, and who it is about.
async fn refused(import: &Importing<'_>) -> (Value, String, Value) {
    let rows = import.rows("refused").await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    let error = &rows[0]["errors"][0];
    assert_eq!(error["column"], Value::Null, "the row as a whole");
    (error["code"].clone(), error["detail"].as_str().unwrap().to_owned(), rows[0]["ownerId"].clone())
}

async fn two_of_one_address_are_nobody(world: &World) {
    let plan = world.admin().defines_text("Plan", "agents").await;
    let (one, other) = (world.customer().account(), world.other_customer().account());
    have_address(world, &[&one, &other], "shared@example.com").await;
    let import = by_address(world, "Shared@Example.com").await;
    let (code, detail, owner) = refused(&import).await;
    assert_eq!((code, owner), (json!("ambiguous"), Value::Null), "{detail}");
    assert!(detail.contains("account id"), "{detail}");
    import.does("cancel").await.expect(200);
    // By its id each is somebody, and where one was merged into the other the address means the one that was kept.
    let import = by_id(world, &[&one, &other], "Silver").await;
    assert_eq!(counts(&import.runs().await), [2, 0, 0, 0]);
    let merge = merge_into(world, &one, &other).await;
    let import = by_address(world, "shared@example.com").await;
    assert_eq!(import.rows("changed").await[0]["ownerId"], json!(one));
    assert_eq!(counts(&import.runs().await), [1, 0, 0, 0]);
    assert_eq!(value(world, &one, &plan).await, "Gold");
    assert_eq!(value(world, &other, &plan).await, "Silver", "what the merged one had is theirs");
    unmerge(world, &merge).await;
    let import = by_address(world, "shared@example.com").await;
    assert_eq!(refused(&import).await.0, "ambiguous");
    import.does("cancel").await.expect(200);
    world.program.runner.drain().await.unwrap();
}

async fn who_was_merged_is_refused_and_told_where_they_went(world: &World) {
    let plan = world.admin().defines_text("Plan", "agents").await;
    let (kept, merged) = (world.customer().account(), world.other_customer().account());
    have_address(world, &[&merged], "gone@example.com").await;
    let merge = merge_into(world, &kept, &merged).await;
    let import = by_id(world, &[&merged, &kept], "Gold").await;
    let (code, detail, owner) = refused(&import).await;
    assert_eq!((code, owner), (json!("merged"), json!(merged)));
    assert!(detail.contains(&kept), "{detail}");
    assert_eq!(counts(&import.runs().await), [1, 0, 1, 0]);
    assert_eq!(value(world, &kept, &plan).await, "Gold");
    assert_eq!(value(world, &merged, &plan).await, Value::Null);
    let import = by_address(world, "gone@example.com").await;
    assert_eq!(refused(&import).await.0, "merged");
    import.does("cancel").await.expect(200);
    // Taken back, they are themselves again; and whom somebody merges after the dry run is overtaken.
    unmerge(world, &merge).await;
    let import = by_id(world, &[&merged], "Silver").await;
    assert_eq!(counts(&import.reads().await), [1, 0, 0, 0]);
    merge_into(world, &kept, &merged).await;
    assert_eq!(counts(&import.runs().await), [0, 0, 0, 1]);
    assert!(import.rows("overtaken").await[0]["errors"][0]["detail"].as_str().unwrap().contains("merged"));
    assert_eq!(value(world, &merged, &plan).await, Value::Null);
    world.program.runner.drain().await.unwrap();
}
