//! Many workers, many nodes, and nodes that die.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jobs::Outcome;
use kernel::Fault;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::databases::Database;
use crate::on_both_databases;
use crate::world::{World, doer, states};

on_both_databases!(
    nodes_never_run_one_job_at_once,
    a_dead_nodes_job_runs_elsewhere_when_its_lease_is_over,
    a_node_slower_than_its_lease_changes_nothing_any_more,
    a_job_that_takes_every_node_down_is_laid_aside,
    a_stopping_runner_ends_what_it_began,
);

const JOBS: usize = 120;
const LEASE: Duration = Duration::from_secs(300);

async fn nodes_never_run_one_job_at_once(database: &Database) {
    let world = World::new(database).await;
    let cx = world.tenant().await;
    let running = Arc::new(Mutex::new(BTreeSet::new()));
    let counts = Arc::new(Mutex::new(BTreeMap::<String, usize>::new()));
    let done = Arc::new(Semaphore::new(0));
    let work = {
        let (running, counts, done) = (running.clone(), counts.clone(), done.clone());
        doer("test.work", move |_, payload| {
            let (running, counts, done) = (running.clone(), counts.clone(), done.clone());
            async move {
                let key = payload.to_string();
                assert!(running.lock().unwrap().insert(key.clone()), "two at once");
                for _ in 0..5 {
                    tokio::task::yield_now().await;
                }
                running.lock().unwrap().remove(&key);
                *counts.lock().unwrap().entry(key).or_default() += 1;
                done.add_permits(1);
                Ok(Outcome::Done)
            }
        })
    };
    for job in 0..JOBS {
        world.enqueue(&cx, "test.work", &job.to_string()).await;
    }
    let stop = CancellationToken::new();
    // A node has a connection pool of its own.
    let beside = World { store: database.open(world.store.registry().clone()).await, clock: world.clock.clone() };
    let nodes: Vec<_> =
        [&world, &beside].into_iter().map(|node| tokio::spawn(node.runner(&[&work], &[]).run(stop.clone()))).collect();
    done.acquire_many(u32::try_from(JOBS).unwrap()).await.unwrap().forget();
    stop.cancel();
    for node in nodes {
        node.await.unwrap();
    }
    let counts = counts.lock().unwrap().clone();
    assert_eq!(counts.len(), JOBS);
    assert!(counts.values().all(|runs| *runs == 1));
    assert!(world.waiting().await.is_empty());
    beside.store.close().await;
    world.store.close().await;
}

async fn a_dead_nodes_job_runs_elsewhere_when_its_lease_is_over(database: &Database) {
    let world = World::new(database).await;
    let cx = world.tenant().await;
    let began = Arc::new(Semaphore::new(0));
    let stuck = {
        let began = began.clone();
        doer("test.work", move |_, _| {
            began.add_permits(1);
            std::future::pending()
        })
    };
    let work = doer("test.work", |_, _| async { Ok(Outcome::Done) });
    let (dying, living) = (world.runner(&[&stuck], &[]), world.runner(&[&work], &[]));
    world.enqueue(&cx, "test.work", "1").await;
    let node = tokio::spawn(async move { dying.drain().await });
    began.acquire().await.unwrap().forget();
    node.abort();
    assert!(node.await.unwrap_err().is_cancelled());

    living.drain().await.unwrap();
    world.clock.advance(LEASE);
    living.drain().await.unwrap();
    assert_eq!(work.runs(), 0);
    world.clock.advance(Duration::from_secs(1));
    living.drain().await.unwrap();
    assert_eq!(work.runs(), 1);
    assert!(world.waiting().await.is_empty());
    world.store.close().await;
}

async fn a_node_slower_than_its_lease_changes_nothing_any_more(database: &Database) {
    let world = World::new(database).await;
    let cx = world.tenant().await;
    // What the slow node ends with, whichever it is, does not touch the job that another runs by now.
    for (round, ending) in ["done", "again", "retry", "dead"].into_iter().enumerate() {
        let gates = [Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0))];
        let began = Arc::new(Semaphore::new(0));
        let node = |gate: &Arc<Semaphore>, ending: &'static str| {
            let (gate, began) = (gate.clone(), began.clone());
            let work = doer("test.work", move |_, _| {
                let (gate, began) = (gate.clone(), began.clone());
                async move {
                    began.add_permits(1);
                    gate.acquire().await.unwrap().forget();
                    match ending {
                        "done" => Ok(Outcome::Done),
                        "again" => Ok(Outcome::Again(serde_json::json!({}))),
                        "retry" => Err(Fault::busy("away", "Away.", None)),
                        _ => Err(Fault::refused("No.")),
                    }
                }
            });
            world.runner(&[&work], &[])
        };
        let [slow_gate, quick_gate] = &gates;
        let (slow, quick) = (node(slow_gate, ending), node(quick_gate, "done"));
        world.enqueue(&cx, "test.work", &format!("round {round}")).await;
        let slow = tokio::spawn(async move { slow.drain().await });
        began.acquire().await.unwrap().forget();
        world.clock.advance(LEASE + Duration::from_secs(1));
        let quick = tokio::spawn(async move { quick.drain().await });
        began.acquire().await.unwrap().forget();

        slow_gate.add_permits(1);
        slow.await.unwrap().unwrap();
        assert_eq!(world.waiting().await, states(&[("running", 1)]), "{ending}");
        let third = doer("test.work", |_, _| async { Ok(Outcome::Done) });
        world.runner(&[&third], &[]).drain().await.unwrap();
        assert_eq!(third.runs(), 0, "{ending}");

        quick_gate.add_permits(1);
        quick.await.unwrap().unwrap();
        assert!(world.waiting().await.is_empty(), "{ending}");
    }
    world.store.close().await;
}

async fn a_job_that_takes_every_node_down_is_laid_aside(database: &Database) {
    let world = World::new(database).await;
    let cx = world.tenant().await;
    world.enqueue(&cx, "test.deadly", "1").await;
    let began = Arc::new(Semaphore::new(0));
    let deadly = {
        let began = began.clone();
        doer("test.deadly", move |_, _| {
            began.add_permits(1);
            std::future::pending()
        })
    };
    for _ in 0..15 {
        let runner = world.runner(&[&deadly], &[]);
        let node = tokio::spawn(async move { runner.drain().await });
        began.acquire().await.unwrap().forget();
        node.abort();
        assert!(node.await.unwrap_err().is_cancelled());
        world.clock.advance(LEASE + Duration::from_secs(1));
    }
    world.runner(&[&deadly], &[]).drain().await.unwrap();
    assert_eq!(deadly.runs(), 15);
    let letter = jobs::dead_letters(&world.store, 10).await.unwrap().pop().unwrap();
    assert_eq!(letter.error.as_deref(), Some("job_lost"));
    world.store.close().await;
}

async fn a_stopping_runner_ends_what_it_began(database: &Database) {
    let world = World::new(database).await;
    let cx = world.tenant().await;
    let (began, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let work = {
        let (began, gate) = (began.clone(), gate.clone());
        doer("test.work", move |_, _| {
            let (began, gate) = (began.clone(), gate.clone());
            async move {
                began.add_permits(1);
                gate.acquire().await.unwrap().forget();
                Ok(Outcome::Done)
            }
        })
    };
    // Its one worker is busy when it is told to stop; another might have been about to claim.
    let runner = world.runner_of(1, &[&work], &[]);
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.clone().run(stop.clone()));
    // One job, told of by a wake and not only by the next look.
    world.enqueue(&cx, "test.work", "1").await;
    runner.wake();
    began.acquire().await.unwrap().forget();
    stop.cancel();
    // What comes after the stop stays for others.
    world.enqueue(&cx, "test.work", "2").await;
    gate.add_permits(1);
    running.await.unwrap();
    assert_eq!(work.runs(), 1);
    assert_eq!(world.waiting().await, states(&[("ready", 1)]));
    world.store.close().await;
}
