//! A server's rows, shelf, vault and queue, with one sealed column of each family of keys, and a clock.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use jiff::Timestamp;
use jobs::{Runner, RunnerParts};
use kernel::ColumnKind::{Int, Text, Uuid};
use kernel::{
    AccountId, Actor, Audience, Clock, Column, Cx, DataClass, Export, INSTANT, KeyClass, ManualClock, Migration,
    OPAQUE_ID, Registry, RequestId, Retention, Room, RowName, STATE, Sealed, Standing, Step, TenantId, sealed_column,
    table,
};
use store::{Store, StoreUrl, args, outbox, tenants};
use tempfile::TempDir;
use vault::{FileRootKey, Keys, Place, Subject, Vault};

use crate::databases::Database;
use crate::shelf::Shelf;

pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

const fn class(name: &'static str, retention: Retention) -> DataClass {
    DataClass {
        name,
        purpose: "What a test keeps.",
        audience: Audience::Tenant,
        retention,
        regional: true,
        export: Export::Tenant,
    }
}

static VALUE_CLASS: DataClass = class("value", Retention::Tenancy);
static TOKEN_CLASS: DataClass = class("token", Retention::Tenancy);
static NAME_CLASS: DataClass = class("name", Retention::Days(7));

const V: &str = "value";
pub(crate) static VALUE: Column = sealed_column(V, "text", KeyClass::Data, &VALUE_CLASS);
table!(VALUES, "value", Tenant, [
    Column::new(V, "tenant", Uuid, &OPAQUE_ID),
    Column::new(V, "account", Text, &OPAQUE_ID),
    Column::new(V, "id", Int, &STATE),
    VALUE,
], key ["tenant", "account", "id"], row ["tenant", "account", "id"], subject "account");

const T: &str = "token";
static TOKEN: Column = sealed_column(T, "secret", KeyClass::Credential, &TOKEN_CLASS);
table!(TOKENS, "token", Tenant, [Column::new(T, "tenant", Uuid, &OPAQUE_ID), TOKEN,], key["tenant"], row["tenant"]);

const N: &str = "name";
pub(crate) static NAME: Column = sealed_column(N, "name", KeyClass::Names, &NAME_CLASS);
table!(NAMES, "name", Tenant, [
    Column::new(N, "tenant", Uuid, &OPAQUE_ID),
    Column::new(N, "account", Text, &OPAQUE_ID),
    NAME,
    Column::new(N, "fetched_at", Int, &INSTANT),
], key ["tenant", "account"], row ["tenant", "account"], subject "account", written "fetched_at");

static ROOM: Room = Room {
    name: "kept",
    tables: &[&VALUES, &TOKENS, &NAMES],
    migrations: &[Migration {
        version: 1,
        steps: &[Step::Create(&VALUES), Step::Create(&TOKENS), Step::Create(&NAMES)],
    }],
};

const PUT_VALUE: &str = "INSERT INTO value (tenant, account, id, text) VALUES ($1, $2, $3, $4)";
const PUT_TOKEN: &str = "INSERT INTO token (tenant, secret) VALUES ($1, $2)";
const PUT_NAME: &str = "INSERT INTO name (tenant, account, name, fetched_at) VALUES ($1, $2, $3, $4)";
const LIST_VALUES: &str = "SELECT account, id, text FROM value WHERE tenant = $1 ORDER BY account, id LIMIT 10000";
const LIST_NAMES: &str = "SELECT account, name FROM name WHERE tenant = $1 LIMIT 10000";
const GET_TOKEN: &str = "SELECT secret FROM token WHERE tenant = $1";

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) keys: Store,
    pub(crate) vault: Vault,
    pub(crate) clock: Arc<ManualClock>,
    folder: TempDir,
    /// The shelf's own database on PostgreSQL; on SQLite it lies in the folder.
    beside: Option<Database>,
}

pub(crate) fn alice() -> AccountId {
    AccountId::new("alice").unwrap()
}

pub(crate) fn value_place(cx: &Cx, account: &AccountId, id: i64) -> Place {
    Place::new(&VALUE, RowName::new().uuid(cx.tenant().0).text(account.as_str()).int(id))
}

pub(crate) fn name_place(cx: &Cx, account: &AccountId) -> Place {
    Place::new(&NAME, RowName::new().uuid(cx.tenant().0).text(account.as_str()))
}

fn token_place(cx: &Cx) -> Place {
    Place::new(&TOKEN, RowName::new().uuid(cx.tenant().0))
}

fn site_place(cx: &Cx) -> Place {
    Place::new(tenants::SITE, tenants::row_name(cx.tenant()))
}

impl World {
    pub(crate) async fn new(database: &Database) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let beside = match database.url {
            StoreUrl::Sqlite(_) => None,
            StoreUrl::Postgres(_) => Database::postgres().await,
        };
        let shelf = beside
            .as_ref()
            .map_or_else(|| StoreUrl::Sqlite(folder.path().join("shelf.db")), |database| database.url.clone());
        let store = database.migrated(Registry::new(vec![store::ROOM, jobs::ROOM, ROOM])).await;
        let keys = Store::open(&shelf, Registry::new(vec![store::SHELF_ROOM])).await.unwrap();
        keys.migrate().await.unwrap();
        let root = folder.path().join("root.key");
        FileRootKey::create(&root).unwrap();
        let shelf = Shelf { keys: keys.clone(), rows: store.clone() };
        let vault = Vault::new(Arc::new(shelf), Arc::new(FileRootKey::read(&root).unwrap()));
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        Self { store, keys, vault, clock: Arc::new(ManualClock::new(start)), folder, beside }
    }

    pub(crate) async fn end(self) {
        self.store.close().await;
        self.keys.close().await;
        if let Some(beside) = self.beside {
            beside.remove().await;
        }
        self.folder.close().unwrap();
    }

    pub(crate) fn room(&self) -> trust::Room {
        let place = store::BlobPlace::Folder(self.folder.path().join("objects"));
        let blobs = store::Blobs::open(self.store.clone(), &place).unwrap();
        trust::Room { store: self.store.clone(), blobs, vault: self.vault.clone(), files: Vec::new() }
    }

    pub(crate) fn runner(&self) -> Arc<Runner> {
        Runner::new(RunnerParts {
            store: self.store.clone(),
            clock: self.clock.clone(),
            handlers: trust::handlers(&self.room()),
            schedules: trust::schedules(),
            workers: 1,
        })
        .unwrap()
    }

    /// Drains until nothing is due: what a cut transaction still holds is skipped for a moment, until the database has
    /// taken it back.
    pub(crate) async fn settle(&self) {
        let runner = self.runner();
        loop {
            runner.drain().await.unwrap();
            let outbox_empty = outbox::is_empty(&mut self.store.server_read().await.unwrap()).await.unwrap();
            let waiting = jobs::waiting(&self.store).await.unwrap().into_iter().any(|(state, _)| state != "dead");
            if outbox_empty && !waiting {
                return;
            }
            if outbox_empty && runner.due().await.unwrap() == 0 {
                // A busy database put a job off: its turn comes.
                self.clock.advance(Duration::from_secs(60));
            }
            tokio::task::yield_now().await;
        }
    }

    pub(crate) fn cx(&self, tenant: TenantId) -> Cx {
        Cx::mint(tenant, Actor::System("test"), Standing::default(), self.clock.clone(), RequestId::fresh())
    }

    pub(crate) async fn person_keys(&self, cx: &Cx, class: KeyClass, account: &AccountId) -> Keys {
        self.vault.keys(cx, class, Subject::Person(account)).await.unwrap()
    }

    async fn tenant_keys(&self, cx: &Cx, class: KeyClass) -> Keys {
        self.vault.keys(cx, class, Subject::Tenant).await.unwrap()
    }

    /// A tenant with a site, a token, and `values` values of Alice's.
    pub(crate) async fn tenant(&self, values: i64) -> Cx {
        let cx = self.cx(TenantId::fresh());
        let site = self.tenant_keys(&cx, KeyClass::Data).await.seal(&site_place(&cx), &"acme".to_owned()).unwrap();
        let new = tenants::NewTenant {
            id: cx.tenant(),
            installation: &cx.tenant().to_string(),
            cloud: "cloud",
            mode: tenants::Mode::Forge,
            region: "eu",
            site,
            at: cx.now(),
        };
        assert!(tenants::install(&self.store, new).await.unwrap());
        let token = self.tenant_keys(&cx, KeyClass::Credential).await.seal(&token_place(&cx), &"secret".to_owned());
        let mut scoped = self.store.write(&cx).await.unwrap();
        scoped.run(PUT_TOKEN, args![token.unwrap()]).await.unwrap();
        scoped.commit().await.unwrap();
        self.put_values(&cx, &alice(), values).await;
        cx
    }

    pub(crate) async fn put_values(&self, cx: &Cx, account: &AccountId, values: i64) {
        let keys = self.person_keys(cx, KeyClass::Data, account).await;
        let mut scoped = self.store.write(cx).await.unwrap();
        for id in 0..values {
            let sealed = keys.seal(&value_place(cx, account, id), &format!("value {id}")).unwrap();
            scoped.run(PUT_VALUE, args![account, id, sealed]).await.unwrap();
        }
        scoped.commit().await.unwrap();
    }

    pub(crate) async fn put_name(&self, cx: &Cx, account: &AccountId) -> Vec<u8> {
        let keys = self.person_keys(cx, KeyClass::Names, account).await;
        let sealed = keys.seal(&name_place(cx, account), &"Alice Example".to_owned()).unwrap();
        let bytes = sealed.as_bytes().to_vec();
        let mut scoped = self.store.write(cx).await.unwrap();
        scoped.run(PUT_NAME, args![account, sealed, cx.now()]).await.unwrap();
        scoped.commit().await.unwrap();
        bytes
    }

    /// How many names there are; each of them opens.
    pub(crate) async fn names(&self, cx: &Cx) -> usize {
        let rows = self.store.read(cx).await.unwrap().rows(LIST_NAMES, args![]).await.unwrap();
        for row in &rows {
            let account = AccountId::new(row.text("account").unwrap()).unwrap();
            let keys = self.person_keys(cx, KeyClass::Names, &account).await;
            let name: Sealed<String> = row.sealed("name").unwrap();
            assert_eq!(keys.open(&name_place(cx, &account), &name).unwrap().peek(), "Alice Example");
        }
        rows.len()
    }

    /// Opens all that the tenant keeps, and of people what is Alice's; answers the ciphertexts of her values.
    pub(crate) async fn everything_opens(&self, cx: &Cx) -> Vec<Vec<u8>> {
        let tenant = tenants::by_id::<String>(&self.store, cx.tenant()).await.unwrap().unwrap();
        let site = self.tenant_keys(cx, KeyClass::Data).await.open(&site_place(cx), &tenant.site).unwrap();
        assert_eq!(site.peek(), "acme");
        let mut scoped = self.store.read(cx).await.unwrap();
        let token: Sealed<String> = scoped.row(GET_TOKEN, args![]).await.unwrap().unwrap().sealed("secret").unwrap();
        let keys = self.tenant_keys(cx, KeyClass::Credential).await;
        assert_eq!(keys.open(&token_place(cx), &token).unwrap().peek(), "secret");
        let rows = scoped.rows(LIST_VALUES, args![]).await.unwrap();
        let keys = self.person_keys(cx, KeyClass::Data, &alice()).await;
        let hers = rows.iter().filter(|row| row.text("account").unwrap() == alice().as_str());
        let ciphertexts = hers.map(|row| {
            let (id, text) = (row.int("id").unwrap(), row.sealed::<String>("text").unwrap());
            let opened = keys.open(&value_place(cx, &alice(), id), &text).unwrap();
            assert_eq!(*opened.peek(), format!("value {id}"));
            text.into_bytes()
        });
        ciphertexts.collect()
    }

    /// What the lifecycle does when a site uninstalls.
    pub(crate) async fn uninstall(&self, cx: &Cx) {
        let mut scoped = self.store.write(cx).await.unwrap();
        assert!(tenants::set_state(&mut scoped, tenants::State::Gone, cx.now()).await.unwrap());
        outbox::put(&mut scoped, cx, "tenant.gone", &serde_json::json!({})).await.unwrap();
        scoped.commit().await.unwrap();
        self.vault.forget(cx.tenant()).await;
    }

    pub(crate) fn days_since(&self, at: Timestamp) -> i64 {
        self.clock.now().duration_since(at).as_hours() / 24
    }
}

/// Lets `future` be polled `polls` times and then drops it, as a process that ends does; true if it ended before.
pub(crate) async fn cut_after<F: Future>(future: F, polls: usize) -> bool {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if left == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
