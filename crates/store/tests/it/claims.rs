//! A request's claim on its idempotency key, and its change: both stand, or neither does.

use std::sync::Arc;

use kernel::{Claim, Cx, Sealed};
use store::claims::{self, Came, answered, get, lost};
use store::{Store, changes};

use crate::databases::Database;
use crate::on_both_databases;
use crate::tables;

on_both_databases!(
    a_change_and_its_claim_stand_or_fall_together,
    of_many_at_once_one_is_done,
    a_key_is_forgotten_after_a_day,
    another_tenants_key_is_another,
    an_answer_is_kept_once,
);

fn claiming(cx: &Cx, key: u8, request: u8) -> (Cx, Arc<Claim>) {
    let claim = Arc::new(Claim::new([key; 32], [request; 32], cx.now()));
    (cx.clone().claiming(claim.clone()), claim)
}

async fn change(store: &Store, cx: &Cx, note: i64, commits: bool) -> kernel::Result<()> {
    let mut scoped = store.write(cx).await?;
    changes::take_turn(&mut scoped).await?;
    tables::put(&mut scoped, cx, note).await?;
    changes::record(&mut scoped, cx, "note", &note.to_string()).await?;
    if commits { scoped.commit().await } else { Ok(()) }
}

async fn known(store: &Store, cx: &Cx, key: u8) -> Option<claims::Standing<String>> {
    get(&mut store.read(cx).await.unwrap(), &[key; 32], cx.now()).await.unwrap()
}

async fn a_change_and_its_claim_stand_or_fall_together(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    let (first, claim) = claiming(&cx, 1, 1);
    change(&store, &first, 1, false).await.unwrap();
    assert!(!claim.stands() && known(&store, &cx, 1).await.is_none());
    change(&store, &first, 1, true).await.unwrap();
    assert!(claim.stands() && tables::ids(&store, &cx).await == [1]);
    assert!(matches!(known(&store, &cx, 1).await.unwrap().came, Came::Begun));
    // What else the same request changes is of the same claim.
    change(&store, &first, 2, true).await.unwrap();
    let (second, late) = claiming(&cx, 1, 1);
    let refused = change(&store, &second, 3, true).await.unwrap_err();
    assert_eq!(refused.code(), "idempotency_in_progress");
    assert!(!late.stands() && tables::ids(&store, &cx).await == [1, 2]);
    change(&store, &cx, 4, true).await.unwrap();
    store.close().await;
}

async fn of_many_at_once_one_is_done(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    let all = (0..24).map(|note| {
        let (store, (cx, _)) = (store.clone(), claiming(&cx, 1, 1));
        tokio::spawn(async move { change(&store, &cx, note, true).await.is_ok() })
    });
    let done = futures::future::join_all(all).await.into_iter().filter(|done| *done.as_ref().unwrap()).count();
    assert_eq!((done, tables::ids(&store, &cx).await.len()), (1, 1));
    store.close().await;
}

async fn a_key_is_forgotten_after_a_day(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    change(&store, &claiming(&cx, 1, 1).0, 1, true).await.unwrap();
    let at = |hours| tables::cx_at(cx.tenant(), cx.now() + jiff::SignedDuration::from_hours(hours));
    assert!(known(&store, &at(23), 1).await.is_some());
    assert!(change(&store, &claiming(&at(23), 1, 2).0, 2, true).await.is_err());
    assert!(known(&store, &at(24), 1).await.is_none());
    change(&store, &claiming(&at(24), 1, 2).0, 2, true).await.unwrap();
    assert_eq!(known(&store, &at(25), 1).await.unwrap().request, [2; 32]);
    // The sweep keeps a key for the whole day, and not much longer.
    store::sweep::expired(&store, cx.tenant(), at(48).now()).await.unwrap();
    assert!(known(&store, &at(47), 1).await.is_some());
    store::sweep::expired(&store, cx.tenant(), at(50).now()).await.unwrap();
    assert!(known(&store, &at(47), 1).await.is_none());
    store.close().await;
}

async fn another_tenants_key_is_another(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let (one, two) = (tables::tenant(&store).await, tables::tenant(&store).await);
    change(&store, &claiming(&one, 1, 1).0, 1, true).await.unwrap();
    assert!(known(&store, &two, 1).await.is_none());
    change(&store, &claiming(&two, 1, 1).0, 1, true).await.unwrap();
    store.close().await;
}

async fn an_answer_is_kept_once(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    let (first, claim) = claiming(&cx, 1, 1);
    change(&store, &first, 1, true).await.unwrap();
    for answer in [b"one".to_vec(), b"two".to_vec()] {
        let mut scoped = store.write(&cx).await.unwrap();
        answered(&mut scoped, &claim, Sealed::<String>::from_stored(answer)).await.unwrap();
        lost(&mut scoped, &claim).await.unwrap();
        scoped.commit().await.unwrap();
    }
    let kept = known(&store, &cx, 1).await.unwrap().came;
    assert!(matches!(kept, Came::Answered(answer) if answer.as_bytes() == b"one"));
    let (second, claim) = claiming(&cx, 2, 1);
    change(&store, &second, 2, true).await.unwrap();
    let mut scoped = store.write(&cx).await.unwrap();
    lost(&mut scoped, &claim).await.unwrap();
    scoped.commit().await.unwrap();
    assert!(matches!(known(&store, &cx, 2).await.unwrap().came, Came::Lost));
    store.close().await;
}
