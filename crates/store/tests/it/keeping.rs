//! What goes by age, and what goes with its tenant.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::{KeyClass, Registry, Sealed, TenantId};
use store::{ledger, outward, shelf, sweep};

use crate::databases::Database;
use crate::on_both_databases;
use crate::tables::{self, add, cx_at, ids, start};

on_both_databases!(
    rows_go_when_their_class_says,
    outward_calls_are_counted_by_the_hour,
    a_departed_tenants_rows_go_and_others_stay,
    wraps_are_walked_in_order_and_replaced_only_where_they_lie
);

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn rows_go_when_their_class_says(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let (a, b) = (tables::tenant(&store).await, tables::tenant(&store).await);
    for (cx, id, day) in [(&a, 1, 0), (&a, 2, 1), (&a, 3, 6), (&b, 1, 0)] {
        add(&store, &cx_at(cx.tenant(), start() + day * DAY), id).await.unwrap();
    }
    let expired = async |day: u32| {
        let gone = sweep::expired(&store, a.tenant(), start() + day * DAY).await.unwrap();
        (gone.into_iter().collect::<BTreeMap<_, _>>()["note"], ids(&store, &a).await)
    };
    assert_eq!(expired(6).await, (0, vec![1, 2, 3]));
    // No row is ever found as old as its class allows: it goes an hour before.
    assert_eq!(expired(7).await, (1, vec![2, 3]));
    assert_eq!(expired(30).await, (2, vec![]));
    assert_eq!(ids(&store, &b).await, [1]);
    store.close().await;
}

async fn outward_calls_are_counted_by_the_hour(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    let at = start() + Duration::from_secs(1800);
    let line = outward::Line {
        tenant: cx.tenant(),
        hour_at: outward::hour_of(at),
        target_hash: vec![1; 32],
        purpose: "jira.read",
    };
    assert_eq!(line.hour_at, start());
    for _ in 0..2 {
        outward::open(&store, &line, Sealed::from_stored(vec![1]), at).await.unwrap();
    }
    let nodes = (0..8).map(|_| async { outward::count(&store, &[(line.clone(), 5)], at).await.unwrap() });
    futures::future::join_all(nodes).await;
    let lines = outward::list(&store, cx.tenant(), 10).await.unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!((lines[0].calls, lines[0].hour_at, lines[0].last_at), (40, start(), at));

    let swept = async |day: u32| {
        let gone = sweep::expired(&store, TenantId::SERVER, start() + day * DAY).await.unwrap();
        gone.into_iter().collect::<BTreeMap<_, _>>()["outward_call"]
    };
    assert_eq!(swept(89).await, 0);
    assert_eq!(swept(90).await, 1);
    store.close().await;
}

async fn a_departed_tenants_rows_go_and_others_stay(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let (leaving, staying) = (tables::tenant(&store).await, tables::tenant(&store).await);
    for cx in [&leaving, &staying] {
        for id in 0..25 {
            add(&store, cx, id).await.unwrap();
        }
        let mut scoped = store.write(cx).await.unwrap();
        ledger::append(&mut scoped, cx, ledger::Entry { kind: "test.written", ..Default::default() }).await.unwrap();
        store::changes::record(&mut scoped, cx, "note", "1").await.unwrap();
        store::outbox::put(&mut scoped, cx, "note.added", &serde_json::json!({})).await.unwrap();
        scoped.commit().await.unwrap();
    }
    let gone: BTreeMap<_, _> = sweep::tenant_rows(&store, leaving.tenant()).await.unwrap().into_iter().collect();
    assert_eq!((gone["note"], gone["change"], gone["outbox"], gone["outward_call"]), (25, 1, 1, 0));
    let left: BTreeMap<_, _> = sweep::tenant_row_count(&store, leaving.tenant()).await.unwrap().into_iter().collect();
    assert_eq!(left.into_iter().filter(|(_, rows)| *rows > 0).collect::<Vec<_>>(), [("ledger", 1), ("tenant", 1)]);
    let left: BTreeMap<_, _> = sweep::tenant_row_count(&store, staying.tenant()).await.unwrap().into_iter().collect();
    assert_eq!((left["note"], left["change"], left["outbox"]), (25, 1, 1));
    store.close().await;
}

async fn wraps_are_walked_in_order_and_replaced_only_where_they_lie(database: &Database) {
    let keys = database.migrated(Registry::new(vec![store::SHELF_ROOM])).await;
    let mut places = Vec::new();
    for tenant in [TenantId::SERVER, TenantId::fresh(), TenantId::fresh()] {
        for class in [KeyClass::Credential, KeyClass::Data] {
            for version in 1..=3 {
                shelf::put_key(&keys, tenant, class, version, &[u8::try_from(version).unwrap()], start())
                    .await
                    .unwrap();
                places.push((tenant, class.name(), version));
            }
        }
    }
    // A few at a time, with none left out and none twice, the server's first.
    let mut walked: Vec<(TenantId, String, u32)> = Vec::new();
    loop {
        let last = walked.last().cloned().unwrap_or((TenantId::SERVER, String::new(), 0));
        let rows = shelf::wraps(&keys, (last.0, &last.1, last.2), 4).await.unwrap();
        if rows.is_empty() {
            break;
        }
        walked.extend(rows.into_iter().map(|row| (row.tenant, row.keys, row.version)));
    }
    let mut expected: Vec<_> =
        places.iter().map(|(tenant, class, version)| (*tenant, (*class).to_owned(), *version)).collect();
    expected.sort();
    assert_eq!(walked, expected);

    let (tenant, place) = (places[0].0, (places[0].0, KeyClass::Credential, 2));
    assert!(!shelf::replace_wrapped(&keys, place, &[9], &[8]).await.unwrap());
    assert!(shelf::replace_wrapped(&keys, place, &[2], &[8]).await.unwrap());
    assert!(!shelf::replace_wrapped(&keys, place, &[2], &[7]).await.unwrap());
    let of_class = shelf::keys(&keys, tenant, KeyClass::Credential).await.unwrap();
    assert_eq!(of_class.iter().map(|key| key.wrapped[0]).collect::<Vec<_>>(), [1, 8, 3]);
    keys.close().await;
}
