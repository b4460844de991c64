//! `steward move`, by the program itself: from SQLite and a folder to PostgreSQL and a bucket, and back; and what it refuses.

use std::path::{Path, PathBuf};
use std::process::Output;

use rustix::fs::{FlockOperation, flock};
use serde_json::json;
use steward::config::Config;

use crate::databases::Database;
use crate::imports::{Importing, customers, value};
use crate::objects::s3;
use crate::world::World;

/// Writes a place's configuration; `database` and `bucket` are lines of their sections.
fn configure(folder: &Path, name: &str, data: &Path, database: &str, bucket: &str) -> PathBuf {
    let root = folder.join("root.key");
    let text = format!(
        "[server]\norigin = \"http://127.0.0.1:9\"\nlisten = \"127.0.0.1:0\"\n\
         [data]\ndirectory = {data:?}\nroot_key = {root:?}\n{database}\n{bucket}\n",
    );
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn postgres(main: &Database, shelf: &Database) -> String {
    let url = |database: &Database| match &database.url {
        store::StoreUrl::Postgres(url) => url.clone(),
        store::StoreUrl::Sqlite(_) => unreachable!("it is PostgreSQL"),
    };
    format!("database = {:?}\nshelf = {:?}", url(main), url(shelf))
}

fn bucket() -> Option<String> {
    let [endpoint, bucket, access_key, secret_key] = s3()?;
    Some(format!(
        "[objects]\nendpoint = {endpoint:?}\nbucket = {bucket:?}\naccess_key = {access_key:?}\nsecret_key = {secret_key:?}\n\
         prefix = \"move/{}\"",
        uuid::Uuid::now_v7()
    ))
}

async fn moves(from: &Path, to: &Path) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_steward"));
    command.arg("move").arg("--config").arg(from).arg("--to").arg(to).output().await.unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The world's own configuration at another place.
fn at(world: &World, file: &Path) -> Config {
    let place = Config::read(file).unwrap();
    Config { data: place.data, objects: place.objects, ..world.config.clone() }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_moves_there_and_back() {
    let (Some(main), Some(shelf)) = (Database::postgres().await, Database::postgres().await) else { return };
    let Some(bucket) = bucket() else { return };
    let mut world = World::start().await;
    world.admin().defines_text("Plan", "agents").await;
    let one = customers(&world, 1).await.remove(0).0;
    // An import on its way: its file and its report are objects.
    let file = format!("Account ID,Plan\n{one},Gold\n");
    let id = {
        let import = Importing::of(&world, "customer", file.as_bytes(), 1_000).await;
        import.checks_as_suggested(json!({})).await;
        import.id.clone()
    };
    let folder = world.folder.path().to_owned();
    let here = configure(&folder, "here.toml", &folder.join("data"), "", "");
    let there = configure(&folder, "there.toml", &folder.join("there"), &postgres(&main, &shelf), &bucket);
    let back = configure(&folder, "back.toml", &folder.join("back"), "", "");

    let moved = moves(&here, &there).await;
    assert!(moved.status.success(), "{}", said(&moved));
    assert!(said(&moved).contains("Moved, and compared"), "{}", said(&moved));
    assert!(said(&moved).contains("2  objects"), "{}", said(&moved));
    // Twice is not on top of it.
    let twice = moves(&here, &there).await;
    assert!(!twice.status.success() && said(&twice).contains("not empty"), "{}", said(&twice));

    let next = at(&world, &there);
    world.goes_on(next, vec![]).await;
    let path = format!("/api/v1/imports/{id}");
    world.admin().post(&format!("{path}/run"), json!(null)).await.expect(200);
    world.program.runner.drain().await.unwrap();
    let done = world.admin().get(&path).await.expect(200).body;
    assert_eq!((&done["state"], &done["valuesWritten"]), (&json!("done"), &json!(1)));
    let field =
        world.admin().get("/api/v1/fields").await.expect(200).body["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(value(&world, &one, &field).await, "Gold");

    // A server that is connected is in the way.
    let refused = moves(&there, &back).await;
    assert!(!refused.status.success() && said(&refused).contains("other connections"), "{}", said(&refused));
    world.program.store.close().await;
    world.program.shelf.close().await;
    let moved = moves(&there, &back).await;
    assert!(moved.status.success(), "{}", said(&moved));
    let next = at(&world, &back);
    world.goes_on(next, vec![main, shelf]).await;
    assert_eq!(value(&world, &one, &field).await, "Gold");
    world.admin().post(&format!("{path}/undo"), json!(null)).await.expect(200);
    world.program.runner.drain().await.unwrap();
    assert_eq!(world.admin().get(&path).await.expect(200).body["valuesReturned"], 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_moved_is_refused_and_nothing_is() {
    let world = World::start().await;
    let folder = world.folder.path().to_owned();
    let here = configure(&folder, "here.toml", &folder.join("data"), "", "");
    let there = configure(&folder, "there.toml", &folder.join("there"), "", "");
    let refuses = async |from: &Path, to: &Path, words: &str| {
        let output = moves(from, to).await;
        assert!(!output.status.success() && said(&output).contains(words), "{}", said(&output));
    };
    refuses(&here, &here, "the same database").await;
    // A server that serves.
    let lock = std::fs::File::create(folder.join("data/serving.lock")).unwrap();
    flock(&lock, FlockOperation::NonBlockingLockShared).unwrap();
    refuses(&here, &there, "stop it first").await;
    drop(lock);
    // Another root key.
    std::fs::copy(folder.join("root.key"), folder.join("former.key")).unwrap();
    std::fs::remove_file(folder.join("root.key")).unwrap();
    vault::FileRootKey::create(&folder.join("root.key")).unwrap();
    let other = configure(&folder, "other.toml", &folder.join("there"), "", "");
    let former = std::fs::read_to_string(&here).unwrap().replace("root.key", "former.key");
    std::fs::write(&here, former).unwrap();
    refuses(&here, &other, "two root keys").await;
    // A shelf that holds something else.
    let there = folder.join("there.toml");
    let same = std::fs::read_to_string(&there).unwrap().replace("root.key", "former.key");
    std::fs::write(&there, same).unwrap();
    let url = store::StoreUrl::Sqlite(folder.join("there/shelf.db"));
    let shelf = store::Store::open(&url, steward::program::shelf_registry()).await.unwrap();
    shelf.migrate().await.unwrap();
    let at = kernel::Clock::now(&kernel::SystemClock);
    let strange = kernel::TenantId::SERVER;
    store::shelf::put_key(&shelf, strange, kernel::KeyClass::Names, 9, b"strange", at).await.unwrap();
    shelf.close().await;
    refuses(&here, &there, "something else").await;
    let main = store::StoreUrl::Sqlite(folder.join("there/steward.db"));
    let main = store::Store::open(&main, steward::program::registry()).await.unwrap();
    assert_eq!(store::moving::everybody(&main).await.unwrap().len(), 1, "no tenant came");
    main.close().await;
    world.end().await;
}
