//! A site moves to another region: two whole servers, each with its own databases and root key, and a Jira that calls the hooks as Atlassian's
//! service does. Everything arrives, nothing stays, nothing is written meanwhile, and whatever breaks off ends on one side.

mod codes;
mod regions;

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::json;
use store::{ledger, tenants};

use crate::imports::{Importing, customers};
use crate::leaks::{Canaries, log, postgres_folder, search_files};
use crate::world::World;
use regions::{Regions, left};

const STAYS: [&str; 2] = ["ledger", "tenant"];

macro_rules! on_both_regions {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let regions = Box::pin(super::Regions::start(false)).await.unwrap();
                Box::pin(super::$name(regions)).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if let Some(regions) = Box::pin(super::Regions::start(true)).await {
                    Box::pin(super::$name(regions)).await;
                }
            })*
        }
    };
}

on_both_regions!(
    everything_moves_and_nothing_stays,
    what_is_called_back_is_as_it_was,
    a_move_that_breaks_off_goes_on_or_ends,
);

fn said(answer: &crate::world::Answer) -> (u16, &str) {
    (answer.status, answer.body["code"].as_str().unwrap_or_default())
}

async fn everything_moves_and_nothing_stays(regions: Regions) {
    log();
    let mut canaries = Canaries(Vec::new());
    let (first, second, name) = (canaries.plant("first"), canaries.plant("second"), canaries.plant("name"));
    let us = &regions.us;
    let tenant = us.tenant().await;
    let field = us.admin().defines_text(&name, "agents").await;
    let owner = us.customer().account();
    us.agent().writes(&owner, &field, json!(first)).await.expect(200);
    us.agent().writes(&owner, &field, json!(second)).await.expect(200);
    let script = us.script("Nightly", &["customers:read", "fields:read"]).await;
    // An import on its way: its file and its report are objects.
    us.admin().defines_text("Plan", "agents").await;
    let other = customers(us, 2).await.into_iter().map(|one| one.0).find(|one| *one != owner).unwrap();
    let import = {
        let file = format!("Account ID,Plan\n{other},Gold\n");
        let import = Importing::of(us, "customer", file.as_bytes(), 1_000).await;
        import.checks_as_suggested(json!({})).await;
        import.id.clone()
    };
    let values = format!("/api/v1/customers/{owner}/values");
    let before = us.agent().get(&values).await.expect(200).body;
    let (rows_before, keys_before, objects_before) = left(&us.program, &us.config, tenant).await;
    assert!(objects_before > 0 && keys_before > 4, "there is something to move");

    let migration = regions.migration(57_500, "EU");
    regions.hears("schedule", &migration).await;
    assert_eq!(regions.status(&migration).await, "scheduled");
    regions.hears("schedule", &migration).await;
    regions.hears("start", &migration).await;
    regions.hears("start", &migration).await;
    assert_eq!(regions.status(&migration).await, "in-progress");

    // Read as before, by whoever it is; and not written.
    let path = format!("{values}/{field}");
    us.clock.advance(Duration::from_secs(60));
    assert_eq!(us.agent().get(&values).await.expect(200).body["values"], before["values"]);
    let by_script = script.get(&values).await;
    assert!(by_script.expect(200).text.contains(&second));
    let version = before["values"][0]["version"].as_i64().unwrap();
    let refused = us.agent().put(&path, &format!("\"v{version}\""), json!({"value": "late"})).await;
    assert_eq!(said(&refused), (503, "site_moving"), "{}", refused.text);
    assert_eq!(refused.headers[header::RETRY_AFTER], "60");
    for refused in [
        us.admin().post("/api/v1/fields", json!({"entity": "customer", "type": "text", "name": "Late"})).await,
        us.admin().post("/api/v1/tokens", json!({"name": "Late", "scopes": ["fields:read"]})).await,
        us.admin().post(&format!("/api/v1/imports/{import}/run"), json!(null)).await,
    ] {
        assert_eq!(said(&refused), (503, "site_moving"), "{}", refused.text);
    }

    us.program.runner.drain().await.unwrap();
    assert_eq!(regions.status(&migration).await, "ready-to-commit");
    assert_eq!(said(&regions.gets_eu(&values).await), (503, "site_arriving"));
    // Somebody is seen while all is copied already: that goes along at the end.
    us.clock.advance(Duration::from_secs(60));
    let colleague = us.colleague();
    assert!(colleague.get(&values).await.expect(200).text.contains(&second));

    regions.hears("commit", &migration).await;
    assert_eq!(said(&us.agent().get(&values).await), (401, "tenant_moved"));
    us.jira.forge().settle_in(&steward::demo::app_id().unwrap(), "EU").unwrap();
    assert_eq!(regions.gets_eu(&values).await.expect(200).body["values"], before["values"]);
    let history = regions.gets_eu(&format!("/api/v1/customers/{owner}/history")).await.expect(200);
    assert!(history.text.contains(&first) && history.text.contains(&second), "{}", history.text);
    let request = Request::get(&values).header(header::AUTHORIZATION, format!("Bearer {}", script.secret));
    World::send_to(&regions.eu.program, request.body(Body::empty()).unwrap()).await.expect(200);
    regions.asks_eu("admin", Method::POST, &format!("/api/v1/imports/{import}/run"), None, None).await.expect(200);
    regions.eu.program.runner.drain().await.unwrap();
    let done =
        regions.asks_eu("admin", Method::GET, &format!("/api/v1/imports/{import}"), None, None).await.expect(200);
    assert_eq!((&done.body["state"], &done.body["valuesWritten"]), (&json!("done"), &json!(1)), "{}", done.text);
    let etag = format!("\"v{version}\"");
    regions.asks_eu("agent", Method::PUT, &path, Some(&etag), Some(json!({"value": "third"}))).await.expect(200);
    let readings =
        regions.asks_eu("admin", Method::GET, &format!("/api/v1/customers/{owner}/readings"), None, None).await;
    let readings = readings.expect(200);
    assert!(readings.text.contains(&colleague.account()), "who saw whom came along: {}", readings.text);

    // The ledger goes on where it was.
    let cx = regions.cx(tenant);
    let entries = ledger::list(&mut regions.eu.program.store.read(&cx).await.unwrap(), 0, 10_000).await.unwrap();
    assert_eq!(ledger::first_break(&entries), None);
    for kind in ["tenant.installed", "tenant.move_started", "tenant.moved_here"] {
        assert_eq!(entries.iter().filter(|entry| entry.kind == kind).count(), 1, "{kind}");
    }

    // At the old place all lies closed for an hour, and is gone then.
    let (rows, keys, _) = left(&us.program, &us.config, tenant).await;
    assert!(rows.len() >= rows_before.len() && keys >= keys_before);
    us.clock.advance(Duration::from_secs(2 * 3600));
    us.program.runner.drain().await.unwrap();
    let (rows, keys, objects) = left(&us.program, &us.config, tenant).await;
    let tables: Vec<_> = rows.iter().map(|(table, _)| *table).collect();
    assert!(tables.iter().all(|table| STAYS.contains(table)) && (keys, objects) == (0, 0), "{rows:?} {keys} {objects}");
    let entries = ledger::list(&mut us.program.store.read(&cx).await.unwrap(), 0, 10_000).await.unwrap();
    assert_eq!(ledger::first_break(&entries), None);
    let last: Vec<_> = entries.iter().rev().take(3).map(|entry| entry.kind.as_str()).collect();
    assert_eq!(last, ["trust.tenant_destroyed", "tenant.gone", "tenant.moved_away"]);

    // And back again: what stayed here gives way.
    regions.eu.program.runner.drain().await.unwrap();
    let back = regions.migration(57_501, "US");
    regions.hears("schedule", &back).await;
    regions.hears("start", &back).await;
    regions.eu.program.runner.drain().await.unwrap();
    assert_eq!(regions.status(&back).await, "ready-to-commit");
    regions.hears("commit", &back).await;
    us.jira.forge().settle_in(&steward::demo::app_id().unwrap(), "US").unwrap();
    assert!(us.agent().get(&values).await.expect(200).text.contains("third"));
    let entries = ledger::list(&mut us.program.store.read(&cx).await.unwrap(), 0, 10_000).await.unwrap();
    assert_eq!(ledger::first_break(&entries), None);
    assert_eq!(entries.last().unwrap().kind, "tenant.moved_here");
    us.program.runner.drain().await.unwrap();
    us.clock.advance(Duration::from_secs(2 * 3600));
    regions.eu.program.runner.drain().await.unwrap();
    us.program.runner.drain().await.unwrap();
    let (rows, keys, objects) = left(&regions.eu.program, &regions.eu.config, tenant).await;
    assert!(
        rows.iter().all(|(table, _)| STAYS.contains(table)) && (keys, objects) == (0, 0),
        "{rows:?} {keys} {objects}"
    );

    // Nothing of it was to be read on the way, at either end, or in the log.
    let heard = regions.line.heard.lock().unwrap().clone();
    assert!(heard.len() > 20_000, "the line was listened to: {}", heard.len());
    canaries.search("the line", &heard);
    if us.config.data.database.is_some() {
        search_files(&canaries, &postgres_folder());
    } else {
        search_files(&canaries, &regions.eu.config.data.directory);
        search_files(&canaries, &us.config.data.directory);
    }
    canaries.search("the log", &log().0.lock().unwrap());
    Box::pin(regions.end()).await;
}

async fn what_is_called_back_is_as_it_was(regions: Regions) {
    let us = &regions.us;
    let tenant = us.tenant().await;
    let field = us.admin().defines_text("Plan", "agents").await;
    let owner = us.customer().account();
    us.agent().writes(&owner, &field, json!("Gold")).await.expect(200);
    let nothing = async |what: &str| {
        regions.eu.program.runner.drain().await.unwrap();
        let found = left(&regions.eu.program, &regions.eu.config, tenant).await;
        assert!(found.0.is_empty() && (found.1, found.2) == (0, 0), "{what}: {found:?}");
    };
    let goes_on = async |value: &str| {
        us.program.runner.drain().await.unwrap();
        us.agent().writes(&owner, &field, json!(value)).await.expect(200);
    };

    // Before it began; while it is copied; when it is; and after it was committed, if nothing happened there.
    let one = regions.migration(1, "EU");
    regions.hears("schedule", &one).await;
    regions.hears("rollback", &one).await;
    regions.refuses("start", &one, "E0001").await;
    goes_on("Silver").await;

    let two = regions.migration(2, "EU");
    regions.hears("schedule", &two).await;
    regions.hears("start", &two).await;
    regions.hears("rollback", &two).await;
    goes_on("Bronze").await;
    nothing("while it was copied").await;

    let three = regions.migration(3, "EU");
    regions.copied(&three).await;
    regions.hears("rollback", &three).await;
    regions.hears("rollback", &three).await;
    assert_eq!(regions.status(&three).await, "rolled-back");
    regions.refuses("commit", &three, "E9999").await;
    goes_on("Iron").await;
    nothing("when it was copied").await;

    let four = regions.migration(4, "EU");
    regions.copied(&four).await;
    regions.hears("commit", &four).await;
    regions.hears("rollback", &four).await;
    goes_on("Lead").await;
    nothing("after it was committed").await;

    // Somebody used it there: it stays there.
    let five = regions.migration(5, "EU");
    regions.copied(&five).await;
    regions.hears("commit", &five).await;
    let values = format!("/api/v1/customers/{owner}/values");
    let standing = regions.gets_eu(&values).await.expect(200).body;
    let etag = format!("\"v{}\"", standing["values"][0]["version"]);
    let path = format!("{values}/{field}");
    regions.asks_eu("agent", Method::PUT, &path, Some(&etag), Some(json!({"value": "Tin"}))).await.expect(200);
    regions.refuses("rollback", &five, "E9999").await;
    assert_eq!(regions.status(&five).await, "committed");
    assert!(regions.gets_eu(&values).await.expect(200).text.contains("Tin"));
    regions.eu.program.runner.drain().await.unwrap();
    us.program.runner.drain().await.unwrap();
    Box::pin(regions.end()).await;
}

async fn a_move_that_breaks_off_goes_on_or_ends(regions: Regions) {
    let us = &regions.us;
    let tenant = us.tenant().await;
    let field = us.admin().defines_text("Plan", "agents").await;
    let owner = us.customer().account();
    us.agent().writes(&owner, &field, json!("Gold")).await.expect(200);
    let values = format!("/api/v1/customers/{owner}/values");

    // The other side is not there: the host may ask again.
    let one = regions.migration(1, "EU");
    regions.line.lets.store(0, Ordering::SeqCst);
    let answered = regions.hook("schedule", &one).await;
    assert_eq!((answered.status, answered.code()), (Some(503), None), "{answered:?}");
    // It goes away after each few things that are said, and the copying goes on where it was.
    regions.line.lets.store(usize::MAX, Ordering::SeqCst);
    regions.hears("schedule", &one).await;
    regions.hears("start", &one).await;
    for round in 0.. {
        regions.line.lets.store(9, Ordering::SeqCst);
        // Each time a process that knows nothing of the one before.
        let next = crate::world::open(&us.config, &us.clock).await;
        next.runner.drain().await.unwrap();
        next.close().await.unwrap();
        if regions.status(&one).await == "ready-to-commit" {
            assert!(round > 1, "it never broke off");
            break;
        }
        assert!(round < 20, "it does not get on");
        us.clock.advance(Duration::from_secs(120));
    }
    // It breaks off in the commit: nobody serves the site until the other side has answered.
    regions.line.lets.store(2, Ordering::SeqCst);
    assert_eq!(regions.hook("commit", &one).await.status, Some(503));
    assert_eq!(said(&us.agent().get(&values).await), (401, "tenant_moved"));
    assert_eq!(said(&regions.gets_eu(&values).await), (503, "site_arriving"));
    regions.line.lets.store(usize::MAX, Ordering::SeqCst);
    // The host never asks again: it is gone on with.
    us.clock.advance(Duration::from_secs(120));
    us.program.runner.drain().await.unwrap();
    assert_eq!(regions.status(&one).await, "committed");
    assert!(regions.gets_eu(&values).await.expect(200).text.contains("Gold"));
    regions.hears("commit", &one).await;
    // Called back, and moved again, and nobody says commit: it opens again when the window is over, and nothing stays there.
    regions.hears("rollback", &one).await;
    us.program.runner.drain().await.unwrap();
    regions.eu.program.runner.drain().await.unwrap();
    let two = regions.migration(2, "EU");
    regions.copied(&two).await;
    us.clock.advance(Duration::from_secs(5_400 + 60));
    us.program.runner.drain().await.unwrap();
    assert_eq!(regions.status(&two).await, "ready-to-commit", "the host still asks");
    us.clock.advance(Duration::from_secs(15 * 60));
    regions.line.lets.store(0, Ordering::SeqCst);
    us.program.runner.drain().await.unwrap();
    assert_eq!(regions.status(&two).await, "failed");
    regions.refuses("commit", &two, "E9999").await;
    us.agent().writes(&owner, &field, json!("Silver")).await.expect(200);
    // The other side was not told, and knows by itself.
    regions.eu.program.runner.drain().await.unwrap();
    let found = left(&regions.eu.program, &regions.eu.config, tenant).await;
    assert!(found.0.is_empty() && (found.1, found.2) == (0, 0), "{found:?}");
    assert_eq!(tenants::state_of(&regions.eu.program.store, tenant).await.unwrap(), None);
    regions.line.lets.store(usize::MAX, Ordering::SeqCst);
    us.clock.advance(Duration::from_secs(600));
    us.program.runner.drain().await.unwrap();
    regions.eu.program.runner.drain().await.unwrap();
    Box::pin(regions.end()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_forge_and_the_other_region_are_heard_each_for_its_own_site() {
    let mut regions = Box::pin(Regions::start(false)).await.unwrap();
    // Another site of the same server's.
    let other =
        crate::world::site(&regions.us.clock, "22222222-2222-4222-8222-222222222222", Some(&regions.us.jira)).await;
    let listener = tokio::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let mut config = regions.us.config.clone();
    config.forge.api_bases.push(format!("{}/ex/jira/", other.url()).parse().unwrap());
    config.server.origin = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let here = config.server.origin.to_string();
    regions.us.listens(config, listener).await;
    let here = here.trim_end_matches('/');
    let app = regions::app(here, &format!("http://{}", regions.eu.address));
    other.forge().install(app.clone(), None).unwrap();
    regions.us.jira.forge().upgrade(app).unwrap();
    other.deliveries_settled().await;
    regions.us.jira.deliveries_settled().await;
    regions.us.program.runner.drain().await.unwrap();

    let one = regions.migration(1, "EU");
    regions.copied(&one).await;
    let id = steward::demo::app_id().unwrap();
    for name in ["start", "commit"] {
        let answered = other.forge().hook(&id, name, &one).await.unwrap();
        assert_eq!(answered.code(), Some("E0001"), "{name}: {answered:?}");
    }
    let status = other.forge().hook(&id, "status", &one).await.unwrap();
    assert_eq!((&status.body["status"], status.code()), (&json!("failed"), Some("E0001")));
    assert!(other.forge().hook(&id, "rollback", &one).await.unwrap().is_good());
    assert_eq!(regions.status(&one).await, "ready-to-commit", "the other site's is untouched");

    let hooks = [("POST", "schedule"), ("POST", "start"), ("GET", "status"), ("POST", "commit"), ("POST", "rollback")];
    for (method, name) in hooks {
        let request = Request::builder().method(method).uri(format!("/forge/migration/{name}"));
        let answer = World::send_to(&regions.us.program, request.body(Body::from("{}")).unwrap()).await;
        assert_eq!(answer.status, 401, "{name}: {}", answer.text);
    }
    // A token is good once.
    let token = regions::token_of_a_hook(&other, &one).await;
    let status = || {
        let request = Request::get("/forge/migration/status?migrationId=1");
        request.header(header::AUTHORIZATION, &token).body(Body::empty()).unwrap()
    };
    World::send_to(&regions.us.program, status()).await.expect(200);
    assert_eq!(said(&World::send_to(&regions.us.program, status()).await), (401, "token_replayed"));
    // Whoever looks at a page chooses what it calls.
    for (who, module) in [("customer", "portal-profile"), ("agent", "customers-page"), ("admin", "settings-page")] {
        for (method, name) in hooks {
            let token = regions.us.on_page(who, module).token().await;
            let request = Request::builder().method(method).uri(format!("/forge/migration/{name}"));
            let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
            let body = Body::from(json!({"migrationId": 1}).to_string());
            let answer = World::send_to(&regions.us.program, request.body(body).unwrap()).await;
            assert_eq!(answer.status, 403, "{who} {name}: {}", answer.text);
        }
    }
    assert_eq!(regions.status(&one).await, "ready-to-commit");

    // What was said once is not heard again, what is made up is not heard at all, and both look like nothing at all.
    let none = World::send_to(&regions.eu.program, Request::post("/realm/v2").body(Body::empty()).unwrap()).await;
    let heard = regions.line.heard.lock().unwrap().clone();
    let heads: Vec<usize> =
        heard.windows(15).enumerate().filter(|(_, part)| *part == b"POST /realm/v1 ").map(|(at, _)| at).collect();
    let head = String::from_utf8_lossy(&heard[heads[0]..heads[0] + 600]).into_owned();
    let of = |name: &str| {
        let line = head.lines().find(|line| line.to_lowercase().starts_with(name)).unwrap();
        line.split_once(": ").unwrap().1.to_owned()
    };
    let (region, moved, gate) = (of("x-steward-region"), of("x-steward-move"), of("x-steward-gate"));
    for (region, moved, gate) in [
        ("", "", ""),
        ("EU", moved.as_str(), gate.as_str()),
        (region.as_str(), "00000000-0000-4000-8000-000000000000", gate.as_str()),
        (region.as_str(), moved.as_str(), "AAAA"),
        // The gate is genuine, and what stands behind it is not.
        (region.as_str(), moved.as_str(), gate.as_str()),
    ] {
        let request = Request::post("/realm/v1")
            .header("x-steward-region", region)
            .header("x-steward-move", moved)
            .header("x-steward-gate", gate)
            .body(Body::from("made up"));
        let answer = World::send_to(&regions.eu.program, request.unwrap()).await;
        assert_eq!((answer.status, &answer.text), (404, &none.text), "{region} {moved} {gate}");
    }
    regions.us.clock.advance(Duration::from_secs(301));
    let late = Request::post("/realm/v1")
        .header("x-steward-region", &region)
        .header("x-steward-move", &moved)
        .header("x-steward-gate", &gate);
    let late = World::send_to(&regions.eu.program, late.body(Body::from("late")).unwrap()).await;
    assert_eq!((late.status, &late.text), (404, &none.text));
    regions.hears("rollback", &one).await;
    regions.us.program.runner.drain().await.unwrap();
    regions.eu.program.runner.drain().await.unwrap();
    other.shutdown().await;
    Box::pin(regions.end()).await;
}
