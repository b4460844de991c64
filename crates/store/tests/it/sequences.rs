//! What must have no gap and no fork: the ledger's chain, the change sequence, the outbox.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use store::ledger::{Entry, append, first_break, list};
use store::{Scoped, changes, outbox};

use crate::databases::Database;
use crate::on_both_databases;
use crate::tables;

on_both_databases!(
    the_ledgers_chain_holds_under_many_writers,
    what_is_taken_back_leaves_no_entry,
    a_changed_ledger_is_found_out,
    the_change_sequence_has_no_gap_for_any_reader,
    a_turn_keeps_others_of_the_tenant_waiting,
    outbox_messages_are_held_and_dropped_once,
);

const ENTRY: Entry<'static> = Entry { kind: "test.written", actor: None, subject: None, object: None };

async fn the_ledgers_chain_holds_under_many_writers(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let tenants = [tables::tenant(&store).await, tables::tenant(&store).await];
    let writers: Vec<_> = (0..48u8)
        .map(|writer| {
            let (store, cx) = (store.clone(), tenants[usize::from(writer % 2)].clone());
            tokio::spawn(async move {
                let mut scoped = store.write(&cx).await.unwrap();
                let (actor, object) = ((writer % 3 == 0).then(|| vec![writer]), format!("thing {writer}"));
                let entry = Entry { actor, object: (writer % 5 != 0).then_some(object.as_str()), ..ENTRY };
                append(&mut scoped, &cx, entry).await.unwrap();
                append(&mut scoped, &cx, ENTRY).await.unwrap();
                scoped.commit().await.unwrap();
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    for cx in &tenants {
        let entries = list(&mut store.read(cx).await.unwrap(), 0, 1000).await.unwrap();
        assert_eq!(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), (1..=48).collect::<Vec<_>>());
        assert_eq!(first_break(&entries), None);
    }
    let page = list(&mut store.read(&tenants[0]).await.unwrap(), 40, 3).await.unwrap();
    assert_eq!(page.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [41, 42, 43]);
    store.close().await;
}

async fn what_is_taken_back_leaves_no_entry(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    for commits in [true, false, true] {
        let mut scoped = store.write(&cx).await.unwrap();
        append(&mut scoped, &cx, ENTRY).await.unwrap();
        if commits {
            scoped.commit().await.unwrap();
        }
    }
    let entries = list(&mut store.read(&cx).await.unwrap(), 0, 10).await.unwrap();
    assert_eq!((entries.len(), first_break(&entries)), (2, None));
    let nobody = tables::cx_at(kernel::TenantId::fresh(), tables::start());
    let mut scoped = store.write(&nobody).await.unwrap();
    assert_eq!(append(&mut scoped, &nobody, ENTRY).await.unwrap_err().kind(), kernel::Kind::NotFound);
    drop(scoped);
    store.close().await;
}

async fn a_changed_ledger_is_found_out(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    for (tampering, found) in [
        ("UPDATE ledger SET kind = 'test.else' WHERE tenant = $1 AND seq = 3", Some(3)),
        ("UPDATE ledger SET at = at + 1 WHERE tenant = $1 AND seq = 2", Some(2)),
        ("UPDATE ledger SET object = '' WHERE tenant = $1 AND seq = 4", Some(4)),
        ("UPDATE ledger SET actor = subject, subject = actor WHERE tenant = $1 AND seq = 5", Some(5)),
        (
            "UPDATE ledger SET hash = (SELECT hash FROM ledger l WHERE l.tenant = $1 AND l.seq = 1) WHERE tenant = $1 AND seq = 5",
            Some(5),
        ),
        ("DELETE FROM ledger WHERE tenant = $1 AND seq = 1", Some(2)),
        ("DELETE FROM ledger WHERE tenant = $1 AND seq = 4", Some(5)),
        ("UPDATE ledger SET seq = 7 - seq + 100 WHERE tenant = $1 AND seq > 4", Some(101)),
        ("UPDATE ledger SET seq = seq WHERE tenant = $1", None),
    ] {
        let cx = tables::tenant(&store).await;
        let mut scoped = store.write(&cx).await.unwrap();
        for seq in 1..=6u8 {
            append(&mut scoped, &cx, Entry { actor: Some(vec![seq]), ..ENTRY }).await.unwrap();
        }
        scoped.run(tampering, Vec::new()).await.unwrap();
        scoped.commit().await.unwrap();
        let entries = list(&mut store.read(&cx).await.unwrap(), 0, 10).await.unwrap();
        assert_eq!(first_break(&entries), found, "{tampering}");
    }
    store.close().await;
}

async fn the_change_sequence_has_no_gap_for_any_reader(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (store, cx, done) = (store.clone(), cx.clone(), done.clone());
        tokio::spawn(async move {
            let mut last = 0;
            loop {
                let finished = done.load(Ordering::SeqCst);
                for change in changes::since(&mut store.read(&cx).await.unwrap(), last, 10).await.unwrap() {
                    // A number that became visible later than its follower would be lost to a cache.
                    assert_eq!(change.seq, last + 1, "a gap");
                    last = change.seq;
                }
                if finished && last == 200 {
                    return;
                }
                assert!(!finished || last <= 200);
                tokio::task::yield_now().await;
            }
        })
    };
    let writers: Vec<_> = (0..20)
        .map(|writer| {
            let (store, cx) = (store.clone(), cx.clone());
            tokio::spawn(async move {
                for turn in 0..10 {
                    let row = format!("{writer} {turn}");
                    let mut scoped = store.write(&cx).await.unwrap();
                    changes::record(&mut scoped, &cx, "note", &row).await.unwrap();
                    tokio::task::yield_now().await;
                    if turn % 3 == 0 {
                        // Taken back, and done again: its number must not be missing.
                        drop(scoped);
                        scoped = store.write(&cx).await.unwrap();
                        changes::record(&mut scoped, &cx, "note", &row).await.unwrap();
                    }
                    scoped.commit().await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    reader.await.unwrap();

    // A thing that changes again keeps one line, at its new number.
    let mut scoped = store.write(&cx).await.unwrap();
    assert_eq!(changes::record(&mut scoped, &cx, "note", "0 0").await.unwrap(), 201);
    scoped.commit().await.unwrap();
    let all = changes::since(&mut store.read(&cx).await.unwrap(), 0, 1000).await.unwrap();
    assert_eq!((all.len(), all.last().unwrap().row_id.as_str()), (200, "0 0"));
    store.close().await;
}

async fn a_turn_keeps_others_of_the_tenant_waiting(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let (cx, other) = (tables::tenant(&store).await, tables::tenant(&store).await);
    let count = async |scoped: &mut Scoped| {
        let row = scoped.row("SELECT COUNT(*) AS n FROM note WHERE tenant = $1", Vec::new()).await.unwrap();
        row.unwrap().int("n").unwrap()
    };
    // Each reads how many there are and adds the next one: without a turn two would add the same.
    let writers = (0..16).map(|_| async {
        let mut scoped = store.write(&cx).await.unwrap();
        changes::take_turn(&mut scoped).await.unwrap();
        let next = count(&mut scoped).await;
        tokio::task::yield_now().await;
        tables::put(&mut scoped, &cx, next).await.unwrap();
        scoped.commit().await.unwrap();
    });
    futures::future::join_all(writers).await;
    assert_eq!(tables::ids(&store, &cx).await, (0..16).collect::<Vec<_>>());
    let mut scoped = store.write(&other).await.unwrap();
    changes::take_turn(&mut scoped).await.unwrap();
    scoped.commit().await.unwrap();
    let nobody = tables::cx_at(kernel::TenantId::fresh(), tables::start());
    let mut scoped = store.write(&nobody).await.unwrap();
    assert_eq!(changes::take_turn(&mut scoped).await.unwrap_err().kind(), kernel::Kind::NotFound);
    drop(scoped);
    store.close().await;
}

async fn outbox_messages_are_held_and_dropped_once(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    let mut scoped = store.write(&cx).await.unwrap();
    outbox::put(&mut scoped, &cx, "note.lost", &json!({"id": 0})).await.unwrap();
    drop(scoped);
    assert!(outbox::is_empty(&mut store.server_read().await.unwrap()).await.unwrap());
    for id in 1..=30 {
        let mut scoped = store.write(&cx).await.unwrap();
        outbox::put(&mut scoped, &cx, "note.added", &json!({"id": id})).await.unwrap();
        scoped.commit().await.unwrap();
    }
    // Two nodes take messages at the same time; one of them dies with its hands full, and takes none away.
    let mut dying = store.server_write().await.unwrap();
    assert_eq!(outbox::next(&mut dying, 5).await.unwrap().len(), 5);
    drop(dying);
    let take = async || {
        let mut taken = Vec::new();
        loop {
            let mut server = store.server_write().await.unwrap();
            let messages = outbox::next(&mut server, 4).await.unwrap();
            for message in &messages {
                outbox::drop_message(&mut server, message).await.unwrap();
                assert_eq!((message.tenant, message.topic.as_str()), (cx.tenant(), "note.added"));
                taken.push(serde_json::from_str::<serde_json::Value>(&message.body).unwrap()["id"].as_i64().unwrap());
            }
            server.commit().await.unwrap();
            // None may also mean that another holds them.
            if messages.is_empty() && outbox::is_empty(&mut store.server_read().await.unwrap()).await.unwrap() {
                return taken;
            }
        }
    };
    let (mut one, two) = futures::join!(take(), take());
    one.extend(two);
    one.sort_unstable();
    assert_eq!(one, (1..=30).collect::<Vec<_>>());
    assert!(outbox::is_empty(&mut store.server_read().await.unwrap()).await.unwrap());
    store.close().await;
}
