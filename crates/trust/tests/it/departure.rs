//! K-07: a tenant that left is unreadable at once, then gone, and the receipt comes last.

use std::time::Duration;

use kernel::{KeyClass, Kind, Sealed, TenantId};
use store::{ledger, outbox, shelf, sweep, tenants};
use vault::Subject;

use crate::databases::Database;
use crate::on_both_databases;
use crate::world::{DAY, World, alice, cut_after, value_place};

on_both_databases!(
    keys_go_first_then_rows_then_the_receipt_is_written,
    a_departure_cut_anywhere_ends_in_a_receipt,
    a_message_alone_destroys_nobody,
    a_departed_tenant_gets_no_keys_and_no_jobs_again,
);

async fn rows_left(world: &World, tenant: TenantId) -> Vec<(&'static str, i64)> {
    let counts = sweep::tenant_row_count(&world.store, tenant).await.unwrap();
    counts.into_iter().filter(|(_, rows)| *rows > 0).collect()
}

async fn receipts(world: &World, cx: &kernel::Cx) -> Vec<ledger::Written> {
    let entries = ledger::list(&mut world.store.read(cx).await.unwrap(), 0, 1000).await.unwrap();
    assert_eq!(ledger::first_break(&entries), None);
    let (receipts, others): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|entry| entry.kind == "trust.tenant_destroyed");
    assert!(others.iter().all(|other| receipts.iter().all(|receipt| other.seq < receipt.seq)), "not the last");
    receipts
}

async fn keys_go_first_then_rows_then_the_receipt_is_written(database: &Database) {
    let world = World::new(database).await;
    let runner = world.runner();
    let (leaving, staying) = (world.tenant(30).await, world.tenant(2).await);
    world.put_name(&leaving, &alice()).await;
    runner.drain().await.unwrap();
    let copy = Sealed::<String>::from_stored(world.everything_opens(&leaving).await.pop().unwrap());

    world.uninstall(&leaving).await;
    // Nothing opens from the moment it is marked, whatever was in memory.
    let fault = world.vault.keys(&leaving, KeyClass::Data, Subject::Tenant).await.err().unwrap();
    assert_eq!(fault.kind(), Kind::NotFound);
    runner.drain().await.unwrap();

    for class in KeyClass::ALL {
        assert!(shelf::keys(&world.keys, leaving.tenant(), class).await.unwrap().is_empty());
    }
    assert!(shelf::salt(&world.keys, leaving.tenant(), "alice").await.unwrap().is_none());
    let tenant = tenants::by_id::<String>(&world.store, leaving.tenant()).await.unwrap().unwrap();
    assert_eq!((tenant.state, tenant.site.as_bytes().len(), tenant.cloud.as_str()), (tenants::State::Gone, 0, ""));
    let receipt = receipts(&world, &leaving).await;
    // Keys: data, credential, names. Rows: 30 values, a token, a name, and the jobs.
    let told = receipt[0].object.clone().unwrap();
    assert!(receipt.len() == 1 && told.starts_with("keys 3 salts 1 rows 3"), "{told}");
    assert_eq!(rows_left(&world, leaving.tenant()).await, [("tenant", 1), ("ledger", receipt[0].seq)]);
    // A backup of the rows does not open under whatever is asked for.
    let keys = world.person_keys(&staying, KeyClass::Data, &alice()).await;
    assert_eq!(keys.open(&value_place(&leaving, &alice(), 29), &copy).err().unwrap().code(), "vault_open");

    assert_eq!(world.everything_opens(&staying).await.len(), 2);
    runner.drain().await.unwrap();
    assert_eq!(receipts(&world, &leaving).await.len(), 1);
    world.end().await;
}

async fn a_departure_cut_anywhere_ends_in_a_receipt(database: &Database) {
    let world = World::new(database).await;
    world.runner().drain().await.unwrap();
    let mut ended = 0;
    for round in 0..400 {
        if ended == 3 {
            break;
        }
        let cx = world.tenant(2).await;
        world.put_name(&cx, &alice()).await;
        world.uninstall(&cx).await;
        ended += usize::from(cut_after(world.runner().drain(), round).await);
        world.clock.advance(Duration::from_secs(301));
        world.settle().await;
        assert!(!receipts(&world, &cx).await.is_empty(), "no receipt after a cut at {round}");
        assert_eq!(
            rows_left(&world, cx.tenant()).await.into_iter().map(|(table, _)| table).collect::<Vec<_>>(),
            ["tenant", "ledger"],
            "after a cut at {round}"
        );
        for class in KeyClass::ALL {
            assert!(shelf::keys(&world.keys, cx.tenant(), class).await.unwrap().is_empty());
        }
    }
    assert_eq!(ended, 3, "no round was long enough");
    world.end().await;
}

async fn a_message_alone_destroys_nobody(database: &Database) {
    let world = World::new(database).await;
    let cx = world.tenant(3).await;
    let mut scoped = world.store.write(&cx).await.unwrap();
    outbox::put(&mut scoped, &cx, "tenant.gone", &serde_json::json!({})).await.unwrap();
    scoped.commit().await.unwrap();
    world.runner().drain().await.unwrap();
    assert_eq!(world.everything_opens(&cx).await.len(), 3);
    assert!(receipts(&world, &cx).await.is_empty());
    world.end().await;
}

async fn a_departed_tenant_gets_no_keys_and_no_jobs_again(database: &Database) {
    let world = World::new(database).await;
    let runner = world.runner();
    let cx = world.tenant(3).await;
    runner.drain().await.unwrap();
    world.uninstall(&cx).await;
    for _ in 0..100 {
        runner.drain().await.unwrap();
        world.clock.advance(DAY);
    }
    for class in KeyClass::ALL {
        assert!(shelf::keys(&world.keys, cx.tenant(), class).await.unwrap().is_empty());
        assert_eq!(world.vault.rotate(cx.tenant(), class, cx.now()).await.unwrap_err().kind(), Kind::NotFound);
    }
    assert_eq!(
        rows_left(&world, cx.tenant()).await.into_iter().map(|(table, _)| table).collect::<Vec<_>>(),
        ["tenant", "ledger"]
    );
    world.end().await;
}
