//! K-02 and K-03: no key older than 90 days opens live data, and nothing is lost on the way.

use std::time::Duration;

use kernel::{AccountId, KeyClass, Sealed, TenantId};
use store::outward;
use vault::{Place, Subject, key_of};

use crate::databases::Database;
use crate::on_both_databases;
use crate::world::{DAY, World, alice, cut_after, name_place, value_place};

on_both_databases!(
    no_key_older_than_its_limit_opens_live_data,
    names_lie_under_keys_of_the_week,
    sealing_anew_is_gone_on_with_after_a_cut,
    more_than_one_slice_is_sealed_anew,
    what_an_erased_person_left_keeps_nothing_from_being_sealed_anew,
    the_servers_own_keys_age_too,
    an_old_copy_opens_until_its_version_is_destroyed_and_never_after,
);

async fn no_key_older_than_its_limit_opens_live_data(database: &Database) {
    let world = World::new(database).await;
    let runner = world.runner();
    let tenants = [world.tenant(3).await, world.tenant(1).await];
    let mut oldest_seen = 0;
    for day in 0..=240 {
        runner.drain().await.unwrap();
        for cx in &tenants {
            let reports = trust::oldest_live_keys(cx, &world.room()).await.unwrap();
            assert_eq!(
                reports.iter().map(|report| report.class).collect::<Vec<_>>(),
                [KeyClass::Data, KeyClass::Credential]
            );
            for report in reports {
                let age = world.days_since(report.created_at);
                assert!(age < 90, "day {day}: {:?} version {} is {age} days old", report.class, report.version);
                oldest_seen = oldest_seen.max(age);
            }
        }
        if day % 40 == 0 {
            for cx in &tenants {
                world.everything_opens(cx).await;
            }
        }
        world.clock.advance(DAY);
    }
    // The limit was near: the test would see a rotation that never came.
    assert!(oldest_seen > 60, "{oldest_seen}");
    for cx in &tenants {
        for class in [KeyClass::Data, KeyClass::Credential] {
            let versions = world.vault.versions(cx.tenant(), class).await.unwrap();
            assert!(
                versions.iter().map(|age| age.version).eq([4]) || versions.iter().map(|age| age.version).eq([3, 4])
            );
        }
        let entries = store::ledger::list(&mut world.store.read(cx).await.unwrap(), 0, 100).await.unwrap();
        assert_eq!(store::ledger::first_break(&entries), None);
        let count = |kind: &str| entries.iter().filter(|entry| entry.kind == kind).count();
        assert_eq!(count("trust.key_rotated"), 6);
        assert!(count("trust.key_destroyed") >= 4);
    }
    world.end().await;
}

/// A server that was down for two weeks around the day of rotation still keeps the limit.
#[tokio::test(flavor = "multi_thread")]
async fn two_weeks_of_silence_break_nothing() {
    let database = Database::sqlite().await.unwrap();
    let world = World::new(&database).await;
    let runner = world.runner();
    let cx = world.tenant(2).await;
    for days in [0, 1, 73, 14, 1] {
        world.clock.advance(days * DAY);
        runner.drain().await.unwrap();
        for report in trust::oldest_live_keys(&cx, &world.room()).await.unwrap() {
            assert!(world.days_since(report.created_at) < 90);
        }
    }
    let versions = world.vault.versions(cx.tenant(), KeyClass::Data).await.unwrap();
    assert_eq!(versions.last().unwrap().version, 2);
    world.everything_opens(&cx).await;
    world.end().await;
}

async fn names_lie_under_keys_of_the_week(database: &Database) {
    let world = World::new(database).await;
    let runner = world.runner();
    let cx = world.tenant(0).await;
    runner.drain().await.unwrap();
    let first = world.put_name(&cx, &alice()).await;
    assert_eq!(world.names(&cx).await, 1);
    for day in 1..=40 {
        world.clock.advance(DAY);
        runner.drain().await.unwrap();
        let names = world.names(&cx).await;
        assert_eq!(names, usize::from(day % 7 != 0), "day {day}");
        if names == 0 {
            world.put_name(&cx, &alice()).await;
        }
        let versions = world.vault.versions(cx.tenant(), KeyClass::Names).await.unwrap();
        let newest = versions.last().unwrap();
        assert!(world.days_since(newest.created_at) <= 7, "day {day}");
        assert!(world.days_since(versions.first().unwrap().created_at) <= 22, "day {day}: {versions:?}");
    }
    // A copy of the first name, in whatever backup, is no name any more.
    let keys = world.person_keys(&cx, KeyClass::Names, &alice()).await;
    let opened = keys.open(&name_place(&cx, &alice()), &Sealed::<String>::from_stored(first));
    assert_eq!(opened.err().unwrap().code(), "vault_open");
    world.end().await;
}

async fn sealing_anew_is_gone_on_with_after_a_cut(database: &Database) {
    let world = World::new(database).await;
    let cx = world.tenant(450).await;
    world.runner().drain().await.unwrap();
    world.clock.advance(76 * DAY);
    let (mut polls, mut cuts) = (5, 0);
    // Cut after ever more steps, until it ends; each time the node is dead for as long as its lease.
    while !cut_after(world.runner().drain(), polls).await {
        world.everything_opens(&cx).await;
        world.clock.advance(Duration::from_secs(301));
        polls += 40;
        cuts += 1;
        assert!(cuts < 500, "it never ended");
    }
    // How many depends on how often the database makes a node wait. A job that is cut off much more often counts as one that
    // takes nodes down, and is left for an operator.
    assert!(cuts >= 2, "{cuts}");
    world.clock.advance(Duration::from_secs(301));
    world.settle().await;
    let newest = world.vault.versions(cx.tenant(), KeyClass::Data).await.unwrap().last().unwrap().version;
    let ciphertexts = world.everything_opens(&cx).await;
    assert_eq!(ciphertexts.len(), 450);
    assert!(newest >= 2);
    assert!(ciphertexts.iter().all(|bytes| key_of(bytes) == Some((KeyClass::Data, newest))));
    world.end().await;
}

async fn more_than_one_slice_is_sealed_anew(database: &Database) {
    let world = World::new(database).await;
    let cx = world.tenant(4_300).await;
    let runner = world.runner();
    runner.drain().await.unwrap();
    world.clock.advance(76 * DAY);
    runner.drain().await.unwrap();
    let ciphertexts = world.everything_opens(&cx).await;
    assert_eq!(ciphertexts.len(), 4_300);
    assert!(ciphertexts.iter().all(|bytes| key_of(bytes) == Some((KeyClass::Data, 2))));
    world.end().await;
}

async fn what_an_erased_person_left_keeps_nothing_from_being_sealed_anew(database: &Database) {
    let world = World::new(database).await;
    let cx = world.tenant(3).await;
    // More than one slice of it, all before what is Alice's.
    let aaron = AccountId::new("aaron").unwrap();
    world.put_values(&cx, &aaron, 4_300).await;
    let runner = world.runner();
    runner.drain().await.unwrap();
    assert!(world.vault.destroy_subject(cx.tenant(), &aaron).await.unwrap());
    for newest in [2, 3] {
        world.clock.advance(76 * DAY);
        runner.drain().await.unwrap();
        let ciphertexts = world.everything_opens(&cx).await;
        assert_eq!(ciphertexts.len(), 3);
        assert!(ciphertexts.iter().all(|bytes| key_of(bytes) == Some((KeyClass::Data, newest))), "{newest}");
    }
    world.clock.advance(31 * DAY);
    runner.drain().await.unwrap();
    // The first would open it if it were damaged and mended; the second opens nothing.
    let versions = world.vault.versions(cx.tenant(), KeyClass::Data).await.unwrap();
    assert_eq!(versions.iter().map(|age| age.version).collect::<Vec<_>>(), [1, 3]);
    assert!(jobs::dead_letters(&world.store, 10).await.unwrap().is_empty());
    assert!(jobs::waiting(&world.store).await.unwrap().is_empty());
    world.end().await;
}

async fn the_servers_own_keys_age_too(database: &Database) {
    let world = World::new(database).await;
    let cx = world.cx(TenantId::SERVER);
    let runner = world.runner();
    runner.drain().await.unwrap();
    for day in 0..=120 {
        if day % 50 == 0 {
            let line = outward::Line {
                tenant: TenantId::SERVER,
                hour_at: outward::hour_of(cx.now()),
                target_hash: vec![1],
                purpose: "jwks",
            };
            let keys = world.vault.keys(&cx, KeyClass::Data, Subject::Tenant).await.unwrap();
            let row = outward::row_name(line.tenant, line.hour_at, &line.target_hash, line.purpose);
            let target = keys.seal(&Place::new(outward::TARGET, row), &"forge.example".to_owned()).unwrap();
            outward::open(&world.store, &line, target, cx.now()).await.unwrap();
        }
        for report in trust::oldest_live_keys(&cx, &world.room()).await.unwrap() {
            assert!(world.days_since(report.created_at) < 90, "day {day}");
        }
        world.clock.advance(DAY);
        runner.drain().await.unwrap();
    }
    assert_eq!(world.vault.versions(TenantId::SERVER, KeyClass::Data).await.unwrap().last().unwrap().version, 2);
    let lines = outward::list(&world.store, TenantId::SERVER, 10).await.unwrap();
    assert_eq!(lines.len(), 2);
    let keys = world.vault.keys(&cx, KeyClass::Data, Subject::Tenant).await.unwrap();
    for line in lines {
        let row = outward::row_name(TenantId::SERVER, line.hour_at, &line.target_hash, &line.purpose);
        assert_eq!(keys.open(&Place::new(outward::TARGET, row), &line.target).unwrap().peek(), "forge.example");
    }
    world.end().await;
}

async fn an_old_copy_opens_until_its_version_is_destroyed_and_never_after(database: &Database) {
    let world = World::new(database).await;
    let runner = world.runner();
    let cx = world.tenant(1).await;
    runner.drain().await.unwrap();
    let copy = Sealed::<String>::from_stored(world.everything_opens(&cx).await.pop().unwrap());
    let mut opened_on = Vec::new();
    for day in 1..=130 {
        world.clock.advance(DAY);
        runner.drain().await.unwrap();
        let keys = world.person_keys(&cx, KeyClass::Data, &alice()).await;
        if keys.open(&value_place(&cx, &alice(), 0), &copy).is_ok() {
            opened_on.push(day);
        }
    }
    // It seals for 75 days and is kept for restores for 30 more.
    assert_eq!(opened_on, (1..=opened_on.len()).collect::<Vec<_>>());
    assert!((104..=107).contains(&opened_on.len()), "{}", opened_on.len());
    world.end().await;
}
