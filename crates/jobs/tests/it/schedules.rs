//! What comes by itself.

use std::time::Duration;

use jobs::{Outcome, Schedule};
use store::tenants;

use crate::databases::Database;
use crate::on_both_databases;
use crate::world::{World, doer};

on_both_databases!(
    a_turn_comes_when_it_is_due_and_missed_ones_are_made_up_by_one,
    each_active_tenant_gets_its_turn,
    nodes_share_a_schedule,
);

const HOUR: Duration = Duration::from_secs(3600);
const HOURLY: Schedule = Schedule { kind: "test.turn", every: HOUR, per_tenant: false };

async fn a_turn_comes_when_it_is_due_and_missed_ones_are_made_up_by_one(database: &Database) {
    let world = World::new(database).await;
    let turn = doer("test.turn", |_, _| async { Ok(Outcome::Done) });
    let runner = world.runner(&[&turn], &[HOURLY]);
    runner.drain().await.unwrap();
    assert_eq!(turn.runs(), 0);
    world.clock.advance(HOUR - Duration::from_secs(1));
    runner.drain().await.unwrap();
    assert_eq!(turn.runs(), 0);
    world.clock.advance(Duration::from_secs(1));
    runner.drain().await.unwrap();
    runner.drain().await.unwrap();
    assert_eq!(turn.runs(), 1);
    // Down for a day and a bit: one turn, and the next an hour from now.
    world.clock.advance(26 * HOUR);
    runner.drain().await.unwrap();
    assert_eq!(turn.runs(), 2);
    world.clock.advance(HOUR - Duration::from_secs(1));
    runner.drain().await.unwrap();
    assert_eq!(turn.runs(), 2);
    world.clock.advance(Duration::from_secs(1));
    // A program that starts anew finds the same plan.
    world.runner(&[&turn], &[HOURLY]).drain().await.unwrap();
    assert_eq!(turn.runs(), 3);
    world.store.close().await;
}

async fn each_active_tenant_gets_its_turn(database: &Database) {
    let world = World::new(database).await;
    let turn = doer("test.turn", |_, _| async { Ok(Outcome::Done) });
    let runner = world.runner(&[&turn], &[Schedule { per_tenant: true, ..HOURLY }]);
    runner.drain().await.unwrap();
    let tenants = [world.tenant().await, world.tenant().await, world.tenant().await, world.tenant().await];
    let [gone, locked, _, _] = &tenants;
    world.set_state(gone, tenants::State::Gone).await;
    world.set_state(locked, tenants::State::Locked).await;
    for turns in 1..=3 {
        world.clock.advance(HOUR);
        runner.drain().await.unwrap();
        assert_eq!(turn.runs(), 2 * turns);
    }
    world.store.close().await;
}

async fn nodes_share_a_schedule(database: &Database) {
    let world = World::new(database).await;
    let turn = doer("test.turn", |_, _| async { Ok(Outcome::Done) });
    let nodes: Vec<_> = (0..4).map(|_| world.runner(&[&turn], &[HOURLY])).collect();
    for turns in 0..5 {
        let ran = futures::future::join_all(nodes.iter().map(|node| node.drain())).await;
        assert!(ran.into_iter().all(|ran| ran.is_ok()));
        assert_eq!(turn.runs(), turns);
        world.clock.advance(HOUR);
    }
    world.store.close().await;
}
