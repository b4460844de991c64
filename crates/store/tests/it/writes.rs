//! Transactions: what was acknowledged is there, what was not changed nothing, and none of them touches another.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use store::{StoreUrl, args};
use tokio::sync::Barrier;

use crate::databases::Database;
use crate::on_both_databases;
use crate::tables::{self, add, ids, put};

on_both_databases!(
    sixty_four_writers_at_once,
    failed_and_dropped_transactions_touch_nobody_else,
    a_failed_statement_takes_back_its_transaction,
    a_caller_that_vanishes_anywhere_leaves_no_half,
    nothing_is_seen_before_it_is_committed,
    a_dropped_transaction_is_taken_back_without_another_writer,
);

const WRITERS: i64 = 64;

async fn sixty_four_writers_at_once(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    let start = Arc::new(Barrier::new(WRITERS as usize));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (store, cx, start) = (store.clone(), cx.clone(), start.clone());
            tokio::spawn(async move {
                start.wait().await;
                for turn in 0..5 {
                    add(&store, &cx, turn * WRITERS + writer).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    store.close().await;
    // From the disk, not from anyone's memory.
    let reopened = database.open(tables::registry()).await;
    assert_eq!(ids(&reopened, &cx).await, (0..5 * WRITERS).collect::<Vec<_>>());
    reopened.close().await;
}

async fn failed_and_dropped_transactions_touch_nobody_else(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    add(&store, &cx, 10_000).await.unwrap();
    let start = Arc::new(Barrier::new(WRITERS as usize));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (store, cx, start) = (store.clone(), cx.clone(), start.clone());
            tokio::spawn(async move {
                start.wait().await;
                let mut scoped = store.write(&cx).await.unwrap();
                put(&mut scoped, &cx, writer).await.unwrap();
                match writer % 4 {
                    // Breaks a key, and lets its fault end the transaction.
                    0 => {
                        assert_eq!(put(&mut scoped, &cx, 10_000).await.unwrap_err().code(), "store");
                    }
                    // Goes away.
                    1 => drop(scoped),
                    _ => scoped.commit().await.unwrap(),
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let expected: Vec<i64> = (0..WRITERS).filter(|writer| writer % 4 > 1).chain([10_000]).collect();
    assert_eq!(ids(&store, &cx).await, expected);
    store.close().await;
}

async fn a_failed_statement_takes_back_its_transaction(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    add(&store, &cx, 1).await.unwrap();
    let mut scoped = store.write(&cx).await.unwrap();
    put(&mut scoped, &cx, 2).await.unwrap();
    put(&mut scoped, &cx, 1).await.unwrap_err();
    drop(scoped);
    assert_eq!(ids(&store, &cx).await, [1]);
    // A caller that overlooks the fault is not told that all is well.
    let mut scoped = store.write(&cx).await.unwrap();
    put(&mut scoped, &cx, 2).await.unwrap();
    put(&mut scoped, &cx, 1).await.unwrap_err();
    assert_eq!(put(&mut scoped, &cx, 3).await.unwrap_err().code(), "store_failed");
    assert_eq!(scoped.commit().await.unwrap_err().code(), "store_failed");
    assert_eq!(ids(&store, &cx).await, [1]);
    store.close().await;
}

/// Lets `future` be polled `polls` times and then drops it; `None` if that was too early for it to end.
async fn polled<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Whoever is dropped, at whichever await: both of its rows are there or neither; the next writer is not held up; and
/// those who share its commit are acknowledged.
async fn a_caller_that_vanishes_anywhere_leaves_no_half(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    let mut acknowledged = Vec::new();
    let mut ended = 0;
    let mut round = 0;
    // Until it has ended by itself often enough that every await before its end was cut at least once.
    while ended < 20 {
        let first = round * 10;
        let vanishing = async {
            let mut scoped = store.write(&cx).await?;
            put(&mut scoped, &cx, first).await?;
            put(&mut scoped, &cx, first + 1).await?;
            scoped.commit().await
        };
        let polls = usize::try_from(round % 40).unwrap();
        let (ending, a, b) =
            futures::join!(polled(vanishing, polls), add(&store, &cx, first + 2), add(&store, &cx, first + 3));
        a.unwrap();
        b.unwrap();
        acknowledged.extend([first + 2, first + 3]);
        if let Some(result) = ending {
            result.unwrap();
            ended += 1;
            acknowledged.extend([first, first + 1]);
        }
        round += 1;
        assert!(round < 2000, "it never ended");
    }
    add(&store, &cx, 1_000_000).await.unwrap();
    let there = ids(&store, &cx).await;
    assert!(acknowledged.iter().all(|id| there.contains(id)));
    for first in (0..round).map(|round| round * 10) {
        assert_eq!(there.contains(&first), there.contains(&(first + 1)), "half of {first}");
    }
    store.close().await;
}

async fn nothing_is_seen_before_it_is_committed(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    let mut scoped = store.write(&cx).await.unwrap();
    put(&mut scoped, &cx, 1).await.unwrap();
    let own = scoped.row("SELECT id FROM note WHERE tenant = $1", args![]).await.unwrap();
    assert_eq!(own.unwrap().int("id").unwrap(), 1);
    assert!(ids(&store, &cx).await.is_empty());
    scoped.commit().await.unwrap();
    assert_eq!(ids(&store, &cx).await, [1]);
    store.close().await;
}

/// Another process (the command line beside a running server) must be able to write although nobody here does.
async fn a_dropped_transaction_is_taken_back_without_another_writer(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    let beside = database.open(tables::registry()).await;
    for id in 0..5 {
        let mut scoped = store.write(&cx).await.unwrap();
        put(&mut scoped, &cx, 100 + id).await.unwrap();
        drop(scoped);
        add(&beside, &cx, id).await.unwrap();
    }
    assert_eq!(ids(&store, &cx).await, [0, 1, 2, 3, 4]);
    if let StoreUrl::Sqlite(path) = &database.url {
        assert!(path.exists());
    }
    beside.close().await;
    store.close().await;
}
