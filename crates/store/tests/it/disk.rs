//! SQLite's files, and a disk that is full.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use kernel::Kind;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use store::StoreUrl;

use crate::databases::Database;
use crate::tables::{self, add, ids, put};

#[tokio::test]
async fn a_database_is_its_owners_alone() {
    let database = Database::sqlite().await.unwrap();
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    add(&store, &cx, 1).await.unwrap();
    let mut seen = Vec::new();
    for file in std::fs::read_dir(folder(&database)).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600, "{:?}", file.file_name());
        seen.push(file.file_name().into_string().unwrap());
    }
    seen.sort();
    assert_eq!(seen, ["store.db", "store.db-shm", "store.db-wal"]);
    store.close().await;
}

/// SQLite says that the file may not grow (`SQLITE_FULL`): to the statement, and it takes the whole batch back.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_database_is_busy_and_works_again() {
    let database = Database::sqlite().await.unwrap();
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    add(&store, &cx, 0).await.unwrap();

    let mut server = store.server_write().await.unwrap();
    server.rows("PRAGMA max_page_count = 1", Vec::new()).await.unwrap();
    server.commit().await.unwrap();
    let mut kept = 1;
    let refused = loop {
        match add(&store, &cx, kept).await {
            Ok(()) => kept += 1,
            Err(fault) => break fault,
        }
        assert!(kept < 10_000, "it never filled");
    };
    assert_eq!((refused.kind(), refused.code()), (Kind::Busy, "store_unavailable"));
    assert_eq!(ids(&store, &cx).await, (0..kept).collect::<Vec<_>>());
    // Many at once, each of several rows: all refused, none by halves.
    let writers = (0..8).map(|writer| {
        let (store, cx) = (store.clone(), cx.clone());
        async move {
            let mut scoped = store.write(&cx).await?;
            for row in 0..200 {
                put(&mut scoped, &cx, 100_000 + writer * 1000 + row).await?;
            }
            scoped.commit().await
        }
    });
    for refused in futures::future::join_all(writers).await {
        assert_eq!(refused.unwrap_err().kind(), Kind::Busy);
    }
    assert_eq!(ids(&store, &cx).await, (0..kept).collect::<Vec<_>>());

    let mut server = store.server_write().await.unwrap();
    server.rows("PRAGMA max_page_count = 1000000", Vec::new()).await.unwrap();
    server.commit().await.unwrap();
    add(&store, &cx, kept).await.unwrap();
    store.ping_write().await.unwrap();
    assert_eq!(ids(&store, &cx).await, (0..=kept).collect::<Vec<_>>());
    store.close().await;
}

const CHILD: &str = "STEWARD_TEST_FULL_DISK_CHILD";

/// The system refuses to let files grow, while a write is on its way to the disk: a limit of the process, which needs
/// a process of its own. The signal that would end it is ignored by the shell that starts it.
#[test]
fn a_disk_that_refuses_is_busy_and_works_again() {
    let child = Command::new("bash")
        .args(["-c", "trap '' XFSZ; exec \"$0\" --exact disk::child_meets_a_full_disk --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .env(CHILD, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}\n{}", String::from_utf8_lossy(&child.stderr));
}

fn folder(database: &Database) -> &Path {
    let StoreUrl::Sqlite(path) = &database.url else { unreachable!("only SQLite lies in a folder") };
    path.parent().unwrap()
}

fn limit_file_size(bytes: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: bytes.or(maximum), maximum }).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn child_meets_a_full_disk() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let database = Database::sqlite().await.unwrap();
    let store = database.migrated(tables::registry()).await;
    let cx = tables::tenant(&store).await;
    add(&store, &cx, 0).await.unwrap();
    let wal = folder(&database).join("store.db-wal");
    // Room for some commits more, and then for half of one.
    limit_file_size(Some(std::fs::metadata(&wal).unwrap().len() + 60_000));
    let mut kept = 1;
    let refused = loop {
        match add(&store, &cx, kept).await {
            Ok(()) => kept += 1,
            Err(fault) => break fault,
        }
        assert!(kept < 10_000, "it never filled");
    };
    assert_eq!((refused.kind(), refused.code()), (Kind::Busy, "store_unavailable"));
    let writers = (0..16).map(|writer| {
        let (store, cx) = (store.clone(), cx.clone());
        async move {
            let mut scoped = store.write(&cx).await?;
            for row in 0..20 {
                put(&mut scoped, &cx, 100_000 + writer * 100 + row).await?;
            }
            scoped.commit().await
        }
    });
    for refused in futures::future::join_all(writers).await {
        assert_eq!(refused.unwrap_err().kind(), Kind::Busy);
    }
    assert_eq!(store.ping_write().await.map_err(|fault| fault.kind()), Ok(()));
    assert_eq!(ids(&store, &cx).await, (0..kept).collect::<Vec<_>>());

    limit_file_size(None);
    add(&store, &cx, kept).await.unwrap();
    store.close().await;
    let reopened = database.open(tables::registry()).await;
    assert_eq!(ids(&reopened, &cx).await, (0..=kept).collect::<Vec<_>>());
    reopened.close().await;
}
