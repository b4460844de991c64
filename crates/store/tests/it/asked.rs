//! What was asked of others and not heard of: noted before, refused while it is being asked, told afterwards, forgotten when heard.

use std::time::Duration;

use jiff::Timestamp;
use kernel::{Cx, limits};
use store::{Store, asked};

use crate::databases::Database;
use crate::on_both_databases;
use crate::tables;

on_both_databases!(
    what_was_not_heard_is_told_until_it_is,
    whoever_is_gone_counts_as_unheard,
    of_many_at_once_one_asks,
    it_is_forgotten_after_a_day,
);

const WHAT: [u8; 32] = [7; 32];

async fn before(store: &Store, cx: &Cx) -> kernel::Result<Option<Timestamp>> {
    asked::before(&mut store.read(cx).await.unwrap(), &WHAT, cx.now()).await
}

async fn ask(store: &Store, cx: &Cx, before: Option<Timestamp>) -> kernel::Result<()> {
    let mut scoped = store.write(cx).await.unwrap();
    asked::ask(&mut scoped, &WHAT, before, cx.now()).await?;
    scoped.commit().await
}

fn later(cx: &Cx, time: Duration) -> Cx {
    tables::cx_at(cx.tenant(), cx.now() + time)
}

async fn what_was_not_heard_is_told_until_it_is(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    assert_eq!(before(&store, &cx).await.unwrap(), None);
    ask(&store, &cx, None).await.unwrap();
    assert_eq!(before(&store, &cx).await.unwrap_err().code(), "idempotency_in_progress");
    let mut scoped = store.write(&cx).await.unwrap();
    asked::unheard(&mut scoped, &WHAT, cx.now()).await.unwrap();
    scoped.commit().await.unwrap();
    let soon = later(&cx, Duration::from_secs(60));
    assert_eq!(before(&store, &soon).await.unwrap(), Some(cx.now()));
    // Whoever does not know of it is not who may ask again.
    assert_eq!(ask(&store, &soon, None).await.unwrap_err().code(), "idempotency_in_progress");
    ask(&store, &soon, Some(cx.now())).await.unwrap();
    let mut scoped = store.write(&soon).await.unwrap();
    // What another asking heard is not this one's.
    asked::heard(&mut scoped, &WHAT, cx.now()).await.unwrap();
    scoped.commit().await.unwrap();
    assert!(before(&store, &soon).await.is_err());
    let mut scoped = store.write(&soon).await.unwrap();
    asked::heard(&mut scoped, &WHAT, soon.now()).await.unwrap();
    scoped.commit().await.unwrap();
    assert_eq!(before(&store, &soon).await.unwrap(), None);
    // Another tenant's is another.
    ask(&store, &cx, None).await.unwrap();
    let other = tables::tenant(&store).await;
    assert_eq!(before(&store, &other).await.unwrap(), None);
    store.close().await;
}

async fn whoever_is_gone_counts_as_unheard(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    ask(&store, &cx, None).await.unwrap();
    let almost = later(&cx, limits::REQUEST_TIME - Duration::from_millis(1));
    assert!(before(&store, &almost).await.is_err());
    let gone = later(&cx, limits::REQUEST_TIME);
    assert_eq!(before(&store, &gone).await.unwrap(), Some(cx.now()));
    ask(&store, &gone, Some(cx.now())).await.unwrap();
    store.close().await;
}

async fn of_many_at_once_one_asks(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    let all = (0..24).map(|_| {
        let (store, cx) = (store.clone(), cx.clone());
        tokio::spawn(async move { ask(&store, &cx, None).await.is_ok() })
    });
    let asked = futures::future::join_all(all).await.into_iter().filter(|asked| *asked.as_ref().unwrap()).count();
    assert_eq!(asked, 1);
    store.close().await;
}

async fn it_is_forgotten_after_a_day(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    ask(&store, &cx, None).await.unwrap();
    let day = |hours: u64| later(&cx, Duration::from_secs(hours * 3_600));
    assert_eq!(before(&store, &day(23)).await.unwrap(), Some(cx.now()));
    assert_eq!(before(&store, &day(24)).await.unwrap(), None);
    ask(&store, &day(24), None).await.unwrap();
    store::sweep::expired(&store, cx.tenant(), day(50).now() + Duration::from_secs(3_600)).await.unwrap();
    assert_eq!(before(&store, &day(47)).await.unwrap(), None);
    store.close().await;
}
