//! How jobs come into the queue, and which of them are not run.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jobs::{Outcome, Runner, RunnerParts};
use kernel::TenantId;
use serde_json::json;
use store::{outbox, sweep, tenants};

use crate::databases::Database;
use crate::on_both_databases;
use crate::world::{World, doer, doer_of, states};

on_both_databases!(
    a_job_comes_with_its_transaction_or_not_at_all,
    a_key_runs_once_a_day,
    a_job_waits_for_its_time,
    outbox_messages_become_jobs,
    a_departed_tenants_jobs_are_dropped_and_a_locked_ones_wait,
    a_slice_is_gone_on_with,
);

async fn a_job_comes_with_its_transaction_or_not_at_all(database: &Database) {
    let world = World::new(database).await;
    let cx = world.tenant().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = {
        let seen = seen.clone();
        doer("test.note", move |cx, payload| {
            seen.lock().unwrap().push((cx.tenant(), payload));
            async { Ok(Outcome::Done) }
        })
    };
    let runner = world.runner(&[&note], &[]);
    let mut scoped = world.store.write(&cx).await.unwrap();
    assert!(jobs::enqueue(&mut scoped, &cx, "test.note", "1", &json!({}), world.now()).await.unwrap());
    drop(scoped);
    assert_eq!(runner.drain().await.unwrap(), 0);
    assert!(world.enqueue(&cx, "test.note", "1").await);
    assert_eq!(runner.due().await.unwrap(), 1);
    assert_eq!(runner.drain().await.unwrap(), 1);
    assert_eq!(*seen.lock().unwrap(), [(cx.tenant(), json!({"key": "1"}))]);
    assert_eq!(runner.due().await.unwrap(), 0);
    assert!(world.waiting().await.is_empty());
    world.store.close().await;
}

async fn a_key_runs_once_a_day(database: &Database) {
    let world = World::new(database).await;
    let (cx, other) = (world.tenant().await, world.tenant().await);
    let note = doer("test.note", |_, _| async { Ok(Outcome::Done) });
    let runner = world.runner(&[&note], &[]);
    assert!(world.enqueue(&cx, "test.note", "event").await);
    assert!(!world.enqueue(&cx, "test.note", "event").await);
    // Another tenant's, another kind's and another key's are others.
    assert!(world.enqueue(&other, "test.note", "event").await);
    assert!(world.enqueue(&cx, "test.note", "another").await);
    assert_eq!(runner.drain().await.unwrap(), 3);
    assert!(!world.enqueue(&cx, "test.note", "event").await);
    assert_eq!((runner.drain().await.unwrap(), note.runs()), (0, 3));

    world.clock.advance(Duration::from_secs(24 * 3600 + 1));
    sweep::expired(&world.store, TenantId::SERVER, world.now()).await.unwrap();
    assert!(world.enqueue(&cx, "test.note", "event").await);
    assert_eq!((runner.drain().await.unwrap(), note.runs()), (1, 4));
    world.store.close().await;
}

async fn a_job_waits_for_its_time(database: &Database) {
    let world = World::new(database).await;
    let cx = world.tenant().await;
    let note = doer("test.note", |_, _| async { Ok(Outcome::Done) });
    let runner = world.runner(&[&note], &[]);
    let mut scoped = world.store.write(&cx).await.unwrap();
    let later = world.now() + Duration::from_secs(60);
    assert!(jobs::enqueue(&mut scoped, &cx, "test.note", "1", &json!({}), later).await.unwrap());
    scoped.commit().await.unwrap();
    world.clock.advance(Duration::from_secs(59));
    assert_eq!((runner.due().await.unwrap(), runner.drain().await.unwrap()), (0, 0));
    assert_eq!(world.waiting().await, states(&[("ready", 1)]));
    world.clock.advance(Duration::from_secs(1));
    assert_eq!((runner.due().await.unwrap(), runner.drain().await.unwrap()), (1, 1));
    world.store.close().await;
}

async fn outbox_messages_become_jobs(database: &Database) {
    let world = World::new(database).await;
    let cx = world.tenant().await;
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let listener = |kind| {
        let bodies = bodies.clone();
        doer_of(kind, Some("note.added"), false, move |_, payload| {
            bodies.lock().unwrap().push((kind, payload));
            async { Ok(Outcome::Done) }
        })
    };
    let (one, two) = (listener("test.one"), listener("test.two"));
    let deaf = doer_of("test.deaf", Some("note.removed"), false, |_, _| async { Ok(Outcome::Done) });
    let runner = world.runner(&[&one, &two, &deaf], &[]);
    for (topic, id) in [("note.added", 1), ("note.renamed", 2), ("note.added", 3)] {
        let mut scoped = world.store.write(&cx).await.unwrap();
        outbox::put(&mut scoped, &cx, topic, &json!({"id": id})).await.unwrap();
        scoped.commit().await.unwrap();
    }
    runner.drain().await.unwrap();
    let mut seen = bodies.lock().unwrap().clone();
    seen.sort_by_key(|(kind, body)| (*kind, body.to_string()));
    let expected = [("test.one", 1), ("test.one", 3), ("test.two", 1), ("test.two", 3)];
    assert_eq!(seen, expected.map(|(kind, id)| (kind, json!({"id": id}))));
    assert_eq!(deaf.runs(), 0);
    assert!(outbox::is_empty(&mut world.store.server_read().await.unwrap()).await.unwrap());
    world.store.close().await;
}

async fn a_departed_tenants_jobs_are_dropped_and_a_locked_ones_wait(database: &Database) {
    let world = World::new(database).await;
    let (gone, locked, active) = (world.tenant().await, world.tenant().await, world.tenant().await);
    let note = doer("test.note", |_, _| async { Ok(Outcome::Done) });
    let burial = doer_of("test.burial", None, true, |_, _| async { Ok(Outcome::Done) });
    let runner = world.runner(&[&note, &burial], &[]);
    for cx in [&gone, &locked, &active] {
        world.enqueue(cx, "test.note", "1").await;
    }
    world.enqueue(&gone, "test.burial", "1").await;
    world.enqueue(&world.cx(TenantId::fresh()), "test.note", "nobody's").await;
    world.set_state(&gone, tenants::State::Gone).await;
    world.set_state(&locked, tenants::State::Locked).await;
    runner.drain().await.unwrap();
    assert_eq!((note.runs(), burial.runs()), (1, 1));
    assert_eq!(world.waiting().await, states(&[("ready", 1)]));

    world.set_state(&locked, tenants::State::Active).await;
    world.clock.advance(Duration::from_secs(3 * 3600));
    runner.drain().await.unwrap();
    assert_eq!(note.runs(), 2);
    assert!(world.waiting().await.is_empty());
    world.store.close().await;
}

async fn a_slice_is_gone_on_with(database: &Database) {
    let world = World::new(database).await;
    let cx = world.tenant().await;
    let slices = doer("test.slices", |_, payload| async move {
        let at = payload.get("at").and_then(serde_json::Value::as_i64).unwrap();
        Ok(if at == 5 { Outcome::Done } else { Outcome::Again(json!({"at": at + 1})) })
    });
    // Another program starts after the third slice: the place lies in the queue, not in anyone's memory.
    let cut = doer("test.slices", |_, payload| async move {
        assert_ne!(payload, json!({"at": 3}));
        let at = payload.get("at").and_then(serde_json::Value::as_i64).unwrap();
        Ok(Outcome::Again(json!({"at": at + 1})))
    });
    world.enqueue_with(&cx, "test.slices", "1", &json!({"at": 0})).await;
    let dying = world.runner(&[&cut], &[]);
    // The fourth slice panics and is put off.
    dying.drain().await.unwrap();
    assert_eq!(cut.runs(), 4);
    world.clock.advance(Duration::from_secs(10));
    world.runner(&[&slices], &[]).drain().await.unwrap();
    assert_eq!(slices.runs(), 3);
    assert!(world.waiting().await.is_empty());
    world.store.close().await;
}

#[tokio::test]
async fn two_handlers_of_one_kind_are_refused() {
    let database = Database::sqlite().await.unwrap();
    let world = World::new(&database).await;
    let one = doer("test.note", |_, _| async { Ok(Outcome::Done) });
    let refused = Runner::new(RunnerParts {
        store: world.store.clone(),
        clock: world.clock.clone(),
        handlers: vec![one.clone(), one],
        schedules: Vec::new(),
        workers: 1,
    });
    assert_eq!(refused.unwrap_err().code(), "jobs_twice");
    world.store.close().await;
}
