//! Ciphertexts under an older key: found with the name of their row, replaced unless somebody wrote meanwhile.

use kernel::RowName;
use store::{Store, args, resealing};

use crate::databases::Database;
use crate::on_both_databases;
use crate::tables::{self, NOTES};

on_both_databases!(
    stale_ciphertexts_are_found_and_replaced,
    what_was_written_meanwhile_is_left_alone,
    a_reading_goes_on_where_a_cut_left_it,
    a_reading_passes_what_stays_as_it_is,
);

const OLD: &[u8] = b"\x01\x01\0\0\0\x01";
const NEW: &[u8] = b"\x01\x01\0\0\0\x02";

fn sealed(header: &[u8], body: &str) -> Vec<u8> {
    [header, body.as_bytes()].concat()
}

async fn write(store: &Store, cx: &kernel::Cx, id: i64, text: Vec<u8>, aside: Option<Vec<u8>>) {
    let mut scoped = store.write(cx).await.unwrap();
    let put = "INSERT INTO note (tenant, id, person, text, aside, done, at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let person = format!("person {}", id % 2);
    scoped.run(put, args![id, person, text, aside, true, cx.now()]).await.unwrap();
    scoped.commit().await.unwrap();
}

async fn stale_ciphertexts_are_found_and_replaced(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let (cx, other) = (tables::tenant(&store).await, tables::tenant(&store).await);
    write(&store, &cx, 1, sealed(OLD, "one"), None).await;
    write(&store, &cx, 2, sealed(NEW, "two"), Some(sealed(OLD, "aside"))).await;
    write(&store, &other, 3, sealed(OLD, "theirs"), None).await;
    let column = |name: &str| NOTES.columns.iter().find(|column| column.name == name).unwrap();

    let found = resealing::stale(&store, &cx, NOTES, column("text"), NEW, None, 10).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].row_name, RowName::new().uuid(cx.tenant().0).int(1));
    assert_eq!((found[0].subject.as_deref(), found[0].bytes.as_slice()), (Some("person 1"), &sealed(OLD, "one")[..]));
    let aside = resealing::stale(&store, &cx, NOTES, column("aside"), NEW, None, 10).await.unwrap();
    assert_eq!(aside.len(), 1);
    assert_eq!(aside[0].row_name, RowName::new().uuid(cx.tenant().0).int(2));

    for (column, found) in [(column("text"), &found[0]), (column("aside"), &aside[0])] {
        let mut scoped = store.write(&cx).await.unwrap();
        assert!(resealing::replace(&mut scoped, NOTES, column, found, sealed(NEW, "anew")).await.unwrap());
        scoped.commit().await.unwrap();
        assert!(resealing::stale(&store, &cx, NOTES, column, NEW, None, 10).await.unwrap().is_empty());
        assert_eq!(resealing::headers(&store, &cx, NOTES, column, 6).await.unwrap(), [NEW]);
    }
    let theirs = resealing::headers(&store, &other, NOTES, column("text"), 6).await.unwrap();
    assert_eq!(theirs, [OLD]);
    // The tenant's own row, whose key is nothing but the tenant.
    let table = store.registry().tables().find(|table| table.name == "tenant").unwrap();
    let found = resealing::stale(&store, &cx, table, store::tenants::SITE, NEW, None, 10).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].row_name, store::tenants::row_name(cx.tenant()));
    let mut scoped = store.write(&cx).await.unwrap();
    assert!(resealing::replace(&mut scoped, table, store::tenants::SITE, &found[0], sealed(NEW, "x")).await.unwrap());
    scoped.commit().await.unwrap();
    let untouched = store::tenants::by_id::<String>(&store, other.tenant()).await.unwrap().unwrap();
    assert!(untouched.site.as_bytes().starts_with(OLD));
    store.close().await;
}

async fn what_was_written_meanwhile_is_left_alone(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    write(&store, &cx, 1, sealed(OLD, "one"), None).await;
    let column = NOTES.columns.iter().find(|column| column.name == "text").unwrap();
    let found = resealing::stale(&store, &cx, NOTES, column, NEW, None, 10).await.unwrap();
    let mut scoped = store.write(&cx).await.unwrap();
    scoped.run("UPDATE note SET text = $2 WHERE tenant = $1", args![sealed(NEW, "newer")]).await.unwrap();
    scoped.commit().await.unwrap();
    let mut scoped = store.write(&cx).await.unwrap();
    assert!(!resealing::replace(&mut scoped, NOTES, column, &found[0], sealed(NEW, "anew")).await.unwrap());
    let text = scoped.row("SELECT text FROM note WHERE tenant = $1", args![]).await.unwrap().unwrap();
    assert_eq!(text.bytes("text").unwrap(), sealed(NEW, "newer"));
    drop(scoped);
    store.close().await;
}

async fn a_reading_goes_on_where_a_cut_left_it(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    for id in 0..25 {
        write(&store, &cx, id, sealed(OLD, "text"), None).await;
    }
    let column = NOTES.columns.iter().find(|column| column.name == "text").unwrap();
    let mut batches = Vec::new();
    loop {
        let found = resealing::stale(&store, &cx, NOTES, column, NEW, None, 10).await.unwrap();
        if found.is_empty() {
            break;
        }
        let mut scoped = store.write(&cx).await.unwrap();
        for found in &found {
            assert!(resealing::replace(&mut scoped, NOTES, column, found, sealed(NEW, "text")).await.unwrap());
        }
        // The second transaction is cut.
        if batches.len() == 1 {
            drop(scoped);
        } else {
            scoped.commit().await.unwrap();
        }
        batches.push(found.len());
    }
    assert_eq!(batches, [10, 10, 10, 5]);
    store.close().await;
}

async fn a_reading_passes_what_stays_as_it_is(database: &Database) {
    let store = database.migrated(tables::registry()).await;
    let (cx, other) = (tables::tenant(&store).await, tables::tenant(&store).await);
    for id in [3, 1, 5, 2, 4] {
        write(&store, &cx, id, sealed(OLD, &id.to_string()), None).await;
    }
    write(&store, &other, 6, sealed(OLD, "theirs"), None).await;
    let column = NOTES.columns.iter().find(|column| column.name == "text").unwrap();
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let found = resealing::stale(&store, &cx, NOTES, column, NEW, after.as_ref(), 2).await.unwrap();
        let Some(last) = found.last() else { break };
        after = Some(last.key.clone());
        seen.extend(found.into_iter().map(|found| found.bytes));
    }
    assert_eq!(seen, ["1", "2", "3", "4", "5"].map(|id| sealed(OLD, id)));
    // After the tenant's own row there is no other.
    let table = store.registry().tables().find(|table| table.name == "tenant").unwrap();
    let own = resealing::stale(&store, &cx, table, store::tenants::SITE, NEW, None, 2).await.unwrap();
    let after = Some(&own[0].key);
    assert!(resealing::stale(&store, &cx, table, store::tenants::SITE, NEW, after, 2).await.unwrap().is_empty());
    store.close().await;
}
