//! A room for the tests: notes, some of which are somebody's, one column of which is sealed, and which go after a week.

use std::sync::Arc;

use jiff::Timestamp;
use kernel::ColumnKind::{Bool, Bytes, Int, Text, Uuid};
use kernel::{
    Actor, Audience, Column, Cx, DataClass, Export, INSTANT, KeyClass, ManualClock, Migration, OPAQUE_ID, Registry,
    RequestId, Retention, Room, STATE, Sealed, Standing, Step, TenantId, sealed_column, table,
};
use store::{Scoped, Store, args, tenants};

static NOTE_CLASS: DataClass = DataClass {
    name: "note",
    purpose: "What a test writes.",
    audience: Audience::Tenant,
    retention: Retention::Days(7),
    regional: true,
    export: Export::Tenant,
};

const N: &str = "note";
table!(NOTE, "note", Tenant, [
    Column::new(N, "tenant", Uuid, &OPAQUE_ID),
    Column::new(N, "id", Int, &STATE),
    Column::new(N, "person", Text, &OPAQUE_ID),
    sealed_column(N, "text", KeyClass::Data, &NOTE_CLASS),
    sealed_column(N, "aside", KeyClass::Data, &NOTE_CLASS).or_null(),
    Column::new(N, "done", Bool, &STATE),
    Column::new(N, "hash", Bytes, &STATE).or_null(),
    Column::new(N, "parent", Uuid, &OPAQUE_ID).or_null(),
    Column::new(N, "at", Int, &INSTANT),
], key ["tenant", "id"], unique [&["tenant", "person", "id"] as &[&str]], index [&["tenant", "at"] as &[&str]],
    row ["tenant", "id"], subject "person", written "at");
pub(crate) static NOTES: &kernel::Table = &NOTE;

pub(crate) static ROOM: Room =
    Room { name: "notes", tables: &[&NOTE], migrations: &[Migration { version: 1, steps: &[Step::Create(&NOTE)] }] };

pub(crate) fn registry() -> Registry {
    Registry::new(vec![store::ROOM, ROOM])
}

pub(crate) fn start() -> Timestamp {
    "2026-03-01T00:00:00Z".parse().unwrap()
}

pub(crate) fn cx_at(tenant: TenantId, at: Timestamp) -> Cx {
    let clock = Arc::new(ManualClock::new(at));
    Cx::mint(tenant, Actor::System("test"), Standing::default(), clock, RequestId::fresh())
}

/// A tenant that is there.
pub(crate) async fn tenant(store: &Store) -> Cx {
    let id = TenantId::fresh();
    let new = tenants::NewTenant {
        id,
        installation: &format!("installation {id}"),
        cloud: "cloud",
        mode: tenants::Mode::Forge,
        region: "eu",
        site: Sealed::<String>::from_stored(b"\x01\x01\0\0\0\x01site".to_vec()),
        at: start(),
    };
    assert!(tenants::install(store, new).await.unwrap());
    cx_at(id, start())
}

const PUT: &str = "INSERT INTO note (tenant, id, person, text, done, at) VALUES ($1, $2, 'alice', $3, $4, $5)";
const IDS: &str = "SELECT id FROM note WHERE tenant = $1 ORDER BY id LIMIT 10000";

pub(crate) async fn put(scoped: &mut Scoped, cx: &Cx, id: i64) -> kernel::Result<()> {
    scoped.run(PUT, args![id, b"\x01\x01\0\0\0\x01text".as_slice(), false, cx.now()]).await.map(drop)
}

/// One note in a transaction of its own.
pub(crate) async fn add(store: &Store, cx: &Cx, id: i64) -> kernel::Result<()> {
    let mut scoped = store.write(cx).await?;
    put(&mut scoped, cx, id).await?;
    scoped.commit().await
}

pub(crate) async fn ids(store: &Store, cx: &Cx) -> Vec<i64> {
    let mut scoped = store.read(cx).await.unwrap();
    scoped.rows(IDS, args![]).await.unwrap().iter().map(|row| row.int("id").unwrap()).collect()
}
