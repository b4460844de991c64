//! Objects in a folder and in a bucket of a real server that speaks S3: what is kept, what goes, whose it is, and what happens where
//! the place is down, full, or another's.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kernel::{Actor, Clock, Cx, Kind, ManualClock, RequestId, Standing, TenantId};
use store::blobs::{self, S3};
use store::{BlobPlace, Blobs, ObjectId, Store, TenantFiles, args};
use tempfile::TempDir;

use crate::databases::Database;

/// What `scripts/seaweedfs.sh start` prints: `http://127.0.0.1:PORT BUCKET ACCESS_KEY SECRET_KEY`.
pub(crate) fn s3() -> Option<[String; 4]> {
    let Ok(told) = std::env::var("STEWARD_TEST_S3") else {
        let missing = "SKIPPED: needs a server that speaks S3: STEWARD_TEST_S3=$(scripts/seaweedfs.sh start)";
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{missing}");
        eprintln!("{missing}");
        return None;
    };
    let parts: Vec<String> = told.split_whitespace().map(str::to_owned).collect();
    Some(parts.try_into().expect("four words"))
}

fn bucket(prefix: &str) -> Option<BlobPlace> {
    let [endpoint, bucket, access_key, secret_key] = s3()?;
    let client = host::store_client(&endpoint.parse().unwrap(), None).unwrap();
    Some(BlobPlace::S3(Box::new(S3 {
        endpoint,
        bucket,
        region: "us-east-1".to_owned(),
        prefix: Some(prefix.to_owned()),
        access_key,
        secret_key,
        path_style: true,
        client,
    })))
}

/// A place of one's own, on each kind of database.
struct Ground {
    store: Store,
    blobs: Blobs,
    place: BlobPlace,
    clock: Arc<ManualClock>,
    database: Database,
    folder: TempDir,
}

impl Ground {
    async fn on(database: Database, in_bucket: bool) -> Option<Self> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let place = match in_bucket {
            true => bucket(&format!("test/{}", uuid::Uuid::now_v7()))?,
            false => BlobPlace::Folder(folder.path().join("objects")),
        };
        let store = database.migrated(steward::program::registry()).await;
        let blobs = Blobs::open(store.clone(), &place).unwrap();
        let clock = Arc::new(ManualClock::new("2026-11-28T09:00:00Z".parse().unwrap()));
        Some(Self { store, blobs, place, clock, database, folder })
    }

    fn cx(&self) -> Cx {
        let id = TenantId::fresh();
        Cx::mint(id, Actor::System("test"), Standing::default(), self.clock.clone(), RequestId::fresh())
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn objects(&self) -> PathBuf {
        self.folder.path().join("objects")
    }

    async fn put(&self, cx: &Cx, bytes: &[u8]) -> ObjectId {
        let id = ObjectId::begun(cx.now());
        self.blobs.put(cx, id, bytes.to_vec()).await.unwrap();
        id
    }

    /// Writes the row that names it.
    async fn name(&self, cx: &Cx, id: ObjectId) -> kernel::Result<()> {
        let mut scoped = self.store.write(cx).await?;
        let row =
            "INSERT INTO import_chunk (tenant, import, number, object, key, written_at) VALUES ($1, $2, 0, $2, $3, $4)";
        scoped.run(row, args![id.0, &b"key"[..], cx.now()]).await?;
        blobs::keep(&mut scoped, id).await?;
        scoped.commit().await
    }

    async fn unname(&self, cx: &Cx, id: ObjectId) {
        let mut scoped = self.store.write(cx).await.unwrap();
        scoped.run("DELETE FROM import_chunk WHERE tenant = $1 AND object = $2", args![id.0]).await.unwrap();
        scoped.commit().await.unwrap();
    }

    async fn rows(&self, cx: &Cx) -> i64 {
        let mut scoped = self.store.read(cx).await.unwrap();
        let count = scoped.row("SELECT COUNT(*) AS n FROM object WHERE tenant = $1", Vec::new()).await.unwrap();
        count.unwrap().int("n").unwrap()
    }

    async fn end(self) {
        self.store.close().await;
        self.database.remove().await;
    }
}

/// Makes each test run in a folder beside SQLite, and in a bucket beside PostgreSQL.
macro_rules! in_both_places {
    ($($name:ident),* $(,)?) => {
        mod folder {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let database = crate::databases::Database::sqlite().await.unwrap();
                let ground = super::Ground::on(database, false).await.unwrap();
                super::$name(&ground).await;
                ground.end().await;
            })*
        }
        mod bucket {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let Some(database) = crate::databases::Database::postgres().await else { return };
                let Some(ground) = super::Ground::on(database, true).await else { return };
                super::$name(&ground).await;
                ground.end().await;
            })*
        }
    };
}

in_both_places!(
    what_is_kept_stays_and_is_its_tenants_alone,
    what_was_never_kept_goes_and_whoever_comes_late_is_refused,
    what_no_row_names_goes,
    what_no_row_knows_goes_after_a_day,
    of_two_that_put_one_name_one_is_told,
    a_place_is_one_servers_and_a_server_has_one_place,
    nodes_that_start_at_once_find_one_place,
    a_tenants_objects_go_together,
);

async fn what_is_kept_stays_and_is_its_tenants_alone(ground: &Ground) {
    let (cx, other) = (ground.cx(), ground.cx());
    let long = vec![7; 3_000_000];
    let (short, long_one) = (ground.put(&cx, b"sealed").await, ground.put(&cx, &long).await);
    for id in [short, long_one] {
        ground.name(&cx, id).await.unwrap();
    }
    ground.clock.advance(Duration::from_secs(90 * 24 * 3600));
    assert_eq!(ground.blobs.collect(cx.tenant(), ground.now()).await.unwrap(), 0);
    assert_eq!(ground.blobs.collect_unknown(cx.tenant(), ground.now()).await.unwrap(), 0);
    assert_eq!(ground.blobs.get(&cx, short).await.unwrap().unwrap().as_ref(), b"sealed");
    assert_eq!(ground.blobs.get(&cx, long_one).await.unwrap().unwrap().as_ref(), long);
    // Another tenant's is as one that never was, and cannot be kept.
    assert!(ground.blobs.get(&other, short).await.unwrap().is_none());
    assert_eq!(ground.name(&other, short).await.unwrap_err().code(), "objects_late");
    assert_eq!(ground.blobs.collect(other.tenant(), ground.now()).await.unwrap(), 0);
    assert!(ground.blobs.get(&cx, short).await.unwrap().is_some());
}

async fn what_was_never_kept_goes_and_whoever_comes_late_is_refused(ground: &Ground) {
    let cx = ground.cx();
    // As after a kill between the object and the row that names it.
    let left = ground.put(&cx, b"sealed").await;
    assert_eq!(ground.blobs.collect(cx.tenant(), ground.now()).await.unwrap(), 0, "it may be kept yet");
    ground.clock.advance(Duration::from_secs(3601));
    let fresh = ground.put(&cx, b"sealed").await;
    assert_eq!(ground.blobs.collect(cx.tenant(), ground.now()).await.unwrap(), 1);
    assert!(ground.blobs.get(&cx, left).await.unwrap().is_none());
    assert_eq!(ground.rows(&cx).await, 1);
    let late = ground.name(&cx, left).await.unwrap_err();
    assert_eq!((late.kind(), late.code()), (Kind::Busy, "objects_late"));
    ground.name(&cx, fresh).await.unwrap();
    // What is kept is not kept by another row.
    assert_eq!(ground.name(&cx, fresh).await.unwrap_err().kind(), Kind::Broken, "the row is there");
}

async fn what_no_row_names_goes(ground: &Ground) {
    let cx = ground.cx();
    let (gone, kept) = (ground.put(&cx, b"one").await, ground.put(&cx, b"two").await);
    for id in [gone, kept] {
        ground.name(&cx, id).await.unwrap();
    }
    ground.unname(&cx, gone).await;
    assert_eq!(ground.blobs.collect(cx.tenant(), ground.now()).await.unwrap(), 1);
    assert_eq!(ground.blobs.collect(cx.tenant(), ground.now()).await.unwrap(), 0);
    assert!(ground.blobs.get(&cx, gone).await.unwrap().is_none());
    assert_eq!(ground.blobs.get(&cx, kept).await.unwrap().unwrap().as_ref(), b"two");
    assert_eq!(ground.rows(&cx).await, 1);
}

async fn what_no_row_knows_goes_after_a_day(ground: &Ground) {
    let cx = ground.cx();
    let (known, lost) = (ground.put(&cx, b"one").await, ground.put(&cx, b"two").await);
    ground.name(&cx, known).await.unwrap();
    // As after an older database was put back.
    let mut scoped = ground.store.write(&cx).await.unwrap();
    scoped.run("DELETE FROM object WHERE tenant = $1 AND id = $2", args![lost.0]).await.unwrap();
    scoped.commit().await.unwrap();
    assert_eq!(ground.blobs.collect_unknown(cx.tenant(), ground.now()).await.unwrap(), 0, "it may be put right yet");
    ground.clock.advance(Duration::from_secs(24 * 3600 + 60));
    let mut expected = 1;
    if matches!(ground.place, BlobPlace::Folder(_)) {
        // What a process was killed at while it wrote.
        let cut = ground.objects().join(cx.tenant().to_string()).join(format!("{}#1", lost.0));
        std::fs::write(&cut, b"tw").unwrap();
        expected = 2;
    }
    assert_eq!(ground.blobs.collect_unknown(cx.tenant(), ground.now()).await.unwrap(), expected);
    assert!(ground.blobs.get(&cx, lost).await.unwrap().is_none());
    assert!(ground.blobs.get(&cx, known).await.unwrap().is_some());
}

async fn of_two_that_put_one_name_one_is_told(ground: &Ground) {
    let elsewhere = Database::sqlite().await.unwrap();
    let store = elsewhere.migrated(steward::program::registry()).await;
    let other = Blobs::open(store.clone(), &ground.place).unwrap();
    for _ in 0..10 {
        let cx = ground.cx();
        let id = ObjectId::begun(cx.now());
        let (one, two) = tokio::join!(ground.blobs.put(&cx, id, b"one".to_vec()), other.put(&cx, id, b"two".to_vec()));
        let stands = ground.blobs.get(&cx, id).await.unwrap().unwrap();
        let (winner, loser) = if one.is_ok() { (&b"one"[..], two) } else { (&b"two"[..], one) };
        assert_eq!(stands.as_ref(), winner);
        assert_eq!(loser.unwrap_err().kind(), Kind::Conflict);
    }
    store.close().await;
}

async fn a_place_is_one_servers_and_a_server_has_one_place(ground: &Ground) {
    ground.blobs.claim("one").await.unwrap();
    ground.blobs.claim("one").await.unwrap();
    assert_eq!(ground.blobs.claim("two").await.unwrap_err().code(), "objects_foreign");
    // The same database beside another place, as on a second node with a folder of its own.
    let folder = tempfile::tempdir().unwrap();
    let own = Blobs::open(ground.store.clone(), &BlobPlace::Folder(folder.path().join("objects"))).unwrap();
    assert_eq!(own.claim("one").await.unwrap_err().code(), "objects_elsewhere");
    own.adopt("one").await.unwrap();
    own.claim("one").await.unwrap();
    assert_eq!(ground.blobs.claim("one").await.unwrap_err().code(), "objects_elsewhere");
}

async fn nodes_that_start_at_once_find_one_place(ground: &Ground) {
    let nodes: Vec<Blobs> = (0..8).map(|_| Blobs::open(ground.store.clone(), &ground.place).unwrap()).collect();
    for claimed in futures::future::join_all(nodes.iter().map(|node| node.claim("one"))).await {
        claimed.unwrap();
    }
}

async fn a_tenants_objects_go_together(ground: &Ground) {
    let (cx, other) = (ground.cx(), ground.cx());
    for tenant in [&cx, &other] {
        for _ in 0..3 {
            let id = ground.put(tenant, b"sealed").await;
            ground.name(tenant, id).await.unwrap();
        }
    }
    let staying = ground.put(&other, b"stays").await;
    assert_eq!(ground.blobs.remove(cx.tenant()).await.unwrap(), 3);
    assert_eq!(ground.blobs.remove(cx.tenant()).await.unwrap(), 0);
    assert!(ground.blobs.get(&other, staying).await.unwrap().is_some());
    if matches!(ground.place, BlobPlace::Folder(_)) {
        assert!(!ground.objects().join(cx.tenant().to_string()).exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_is_down_is_busy_and_leaves_nothing_half_done() {
    let ground = Ground::on(Database::sqlite().await.unwrap(), false).await.unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("http://{closed}");
    let down = S3 {
        client: host::store_client(&endpoint.parse().unwrap(), None).unwrap(),
        endpoint,
        bucket: "steward".to_owned(),
        region: "us-east-1".to_owned(),
        prefix: None,
        access_key: "key".to_owned(),
        secret_key: "hunter2".to_owned(),
        path_style: true,
    };
    let down = Blobs::open(ground.store.clone(), &BlobPlace::S3(Box::new(down))).unwrap();
    let cx = ground.cx();
    let id = ObjectId::begun(cx.now());
    let fault = down.put(&cx, id, b"sealed".to_vec()).await.unwrap_err();
    assert_eq!((fault.kind(), fault.code()), (Kind::Busy, "objects_unavailable"));
    assert!(!fault.private_source().unwrap().to_string().contains("hunter2"));
    assert_eq!(down.get(&cx, id).await.unwrap_err().kind(), Kind::Busy);
    assert_eq!(down.claim("one").await.unwrap_err().kind(), Kind::Busy);
    // The row that says `coming` goes once the place is there again.
    ground.clock.advance(Duration::from_secs(3601));
    assert_eq!(down.collect(cx.tenant(), ground.now()).await.unwrap_err().kind(), Kind::Busy);
    assert_eq!(ground.rows(&cx).await, 1);
    ground.blobs.collect(cx.tenant(), ground.now()).await.unwrap();
    assert_eq!(ground.rows(&cx).await, 0);
    ground.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_refuses_the_key_says_so() {
    let Some([endpoint, bucket, access_key, _]) = s3() else { return };
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let ground = Ground::on(Database::sqlite().await.unwrap(), false).await.unwrap();
    let wrong = S3 {
        client: host::store_client(&endpoint.parse().unwrap(), None).unwrap(),
        endpoint,
        bucket,
        region: "us-east-1".to_owned(),
        prefix: None,
        access_key,
        secret_key: "another".to_owned(),
        path_style: true,
    };
    let wrong = Blobs::open(ground.store.clone(), &BlobPlace::S3(Box::new(wrong))).unwrap();
    let fault = wrong.claim("one").await.unwrap_err();
    assert_eq!((fault.kind(), fault.code()), (Kind::Broken, "objects_refused"));
    ground.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let ground = Ground::on(Database::sqlite().await.unwrap(), false).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&ground.objects()), 0o700);
    ground.end().await;
}
