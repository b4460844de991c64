//! Handlers that fail, panic, or cannot ever succeed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jobs::Outcome;
use kernel::Fault;
use uuid::Uuid;

use crate::databases::Database;
use crate::on_both_databases;
use crate::world::{World, doer, states};

on_both_databases!(
    a_failure_is_tried_again_after_its_delay,
    what_the_host_asks_to_wait_is_waited,
    a_panic_is_a_failure_and_the_runner_goes_on,
    what_cannot_succeed_is_laid_aside_and_run_again_by_hand,
    a_job_of_an_unknown_kind_waits_for_a_node_that_knows_it,
);

async fn a_failure_is_tried_again_after_its_delay(database: &Database) {
    let world = World::new(database).await;
    let cx = world.tenant().await;
    let failing = doer("test.fails", |_, _| async { Err(Fault::busy("away", "Away.", None)) });
    let runner = world.runner(&[&failing], &[]);
    world.enqueue(&cx, "test.fails", "1").await;
    let mut before = 0;
    // Each delay is 2 s doubled with each try, times 0.7 to 1.3, never above 4 h times 1.3.
    for attempt in 0..14u32 {
        runner.drain().await.unwrap();
        assert_eq!(failing.runs(), before + 1, "attempt {attempt}");
        before = failing.runs();
        let delay = Duration::from_secs(2 << attempt).min(Duration::from_secs(4 * 3600));
        world.clock.advance(delay.mul_f64(0.69));
        runner.drain().await.unwrap();
        assert_eq!(failing.runs(), before, "too early, after attempt {attempt}");
        world.clock.advance(delay.mul_f64(0.62));
    }
    runner.drain().await.unwrap();
    assert_eq!(failing.runs(), 15);
    assert_eq!(world.waiting().await, states(&[("dead", 1)]));
    let dead = jobs::dead_letters(&world.store, 10).await.unwrap();
    let letter = dead.first().unwrap();
    assert_eq!(
        (letter.tenant, letter.kind.as_str(), letter.error.as_deref()),
        (cx.tenant(), "test.fails", Some("away"))
    );
    assert_eq!(letter.attempts, 15);
    world.clock.advance(Duration::from_secs(30 * 24 * 3600));
    runner.drain().await.unwrap();
    assert_eq!(failing.runs(), 15);
    world.store.close().await;
}

async fn what_the_host_asks_to_wait_is_waited(database: &Database) {
    let world = World::new(database).await;
    let cx = world.tenant().await;
    let limited =
        doer("test.limited", |_, _| async { Err(Fault::busy("limited", "Wait.", Some(Duration::from_secs(900)))) });
    let runner = world.runner(&[&limited], &[]);
    world.enqueue(&cx, "test.limited", "1").await;
    runner.drain().await.unwrap();
    world.clock.advance(Duration::from_secs(899));
    runner.drain().await.unwrap();
    assert_eq!(limited.runs(), 1);
    world.clock.advance(Duration::from_secs(1));
    runner.drain().await.unwrap();
    assert_eq!(limited.runs(), 2);
    world.store.close().await;
}

async fn a_panic_is_a_failure_and_the_runner_goes_on(database: &Database) {
    let world = World::new(database).await;
    let cx = world.tenant().await;
    let mended = Arc::new(AtomicBool::new(false));
    let panicking = {
        let mended = mended.clone();
        doer("test.panics", move |_, _| {
            let mended = mended.load(Ordering::SeqCst);
            async move { if mended { Ok(Outcome::Done) } else { panic!("as the test asked") } }
        })
    };
    let quiet = doer("test.quiet", |_, _| async { Ok(Outcome::Done) });
    let runner = world.runner(&[&panicking, &quiet], &[]);
    world.enqueue(&cx, "test.panics", "1").await;
    world.enqueue(&cx, "test.quiet", "1").await;
    runner.drain().await.unwrap();
    assert_eq!((panicking.runs(), quiet.runs()), (1, 1));
    assert_eq!(world.waiting().await, states(&[("ready", 1)]));
    mended.store(true, Ordering::SeqCst);
    world.clock.advance(Duration::from_secs(3));
    runner.drain().await.unwrap();
    assert_eq!(panicking.runs(), 2);
    assert!(world.waiting().await.is_empty());
    world.store.close().await;
}

async fn what_cannot_succeed_is_laid_aside_and_run_again_by_hand(database: &Database) {
    let world = World::new(database).await;
    let cx = world.tenant().await;
    let allowed = Arc::new(AtomicBool::new(false));
    let refused = {
        let allowed = allowed.clone();
        doer("test.refused", move |_, _| {
            let allowed = allowed.load(Ordering::SeqCst);
            async move { if allowed { Ok(Outcome::Done) } else { Err(Fault::refused("No.")) } }
        })
    };
    let runner = world.runner(&[&refused], &[]);
    world.enqueue(&cx, "test.refused", "1").await;
    runner.drain().await.unwrap();
    assert_eq!(refused.runs(), 1);
    let letter = jobs::dead_letters(&world.store, 10).await.unwrap().pop().unwrap();
    assert_eq!((letter.error.as_deref(), letter.attempts), (Some("refused"), 1));
    assert!(!world.enqueue(&cx, "test.refused", "1").await, "a dead job keeps its key");

    assert!(!jobs::run_again(&world.store, Uuid::now_v7(), world.now()).await.unwrap());
    allowed.store(true, Ordering::SeqCst);
    assert!(jobs::run_again(&world.store, letter.id, world.now()).await.unwrap());
    assert!(!jobs::run_again(&world.store, letter.id, world.now()).await.unwrap());
    runner.drain().await.unwrap();
    assert_eq!(refused.runs(), 2);
    assert!(jobs::dead_letters(&world.store, 10).await.unwrap().is_empty());
    assert!(world.waiting().await.is_empty());
    world.store.close().await;
}

async fn a_job_of_an_unknown_kind_waits_for_a_node_that_knows_it(database: &Database) {
    let world = World::new(database).await;
    let cx = world.tenant().await;
    let note = doer("test.new_kind", |_, _| async { Ok(Outcome::Done) });
    let (old, new) = (world.runner(&[], &[]), world.runner(&[&note], &[]));
    world.enqueue(&cx, "test.new_kind", "1").await;
    old.drain().await.unwrap();
    assert_eq!(world.waiting().await, states(&[("ready", 1)]));
    world.clock.advance(Duration::from_secs(3));
    new.drain().await.unwrap();
    assert_eq!(note.runs(), 1);
    world.store.close().await;
}
