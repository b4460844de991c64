//! A database of one's own for one test, on each of the two servers; other rooms' tests share this file.
//!
//! `STEWARD_TEST_POSTGRES` is the URL of a role that may create databases and is no superuser, as
//! `scripts/postgres.sh start` prints it.

use kernel::Registry;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use store::{Store, StoreUrl};
use tempfile::TempDir;

pub(crate) struct Database {
    pub(crate) url: StoreUrl,
    _folder: Option<TempDir>,
    /// PostgreSQL: whence to create and drop, and the database's name.
    made_by: Option<(String, String)>,
}

impl Database {
    pub(crate) async fn sqlite() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        Some(Self { url: StoreUrl::Sqlite(folder.path().join("store.db")), _folder: Some(folder), made_by: None })
    }

    pub(crate) async fn postgres() -> Option<Self> {
        let Ok(admin) = std::env::var("STEWARD_TEST_POSTGRES") else {
            let missing = "SKIPPED: needs PostgreSQL: STEWARD_TEST_POSTGRES=$(scripts/postgres.sh start)";
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{missing}");
            eprintln!("{missing}");
            return None;
        };
        let name = format!("test_{}", uuid::Uuid::now_v7().simple());
        let mut conn = PgConnection::connect(&admin).await.unwrap();
        conn.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        let mut url = url::Url::parse(&admin).unwrap();
        url.set_path(&name);
        Some(Self { url: StoreUrl::Postgres(url.into()), _folder: None, made_by: Some((admin, name)) })
    }

    /// Opens it without bringing it up to date.
    pub(crate) async fn open(&self, registry: Registry) -> Store {
        Store::open(&self.url, registry).await.unwrap()
    }

    /// Opens it, up to date.
    pub(crate) async fn migrated(&self, registry: Registry) -> Store {
        let store = self.open(registry).await;
        store.migrate().await.unwrap();
        store
    }

    pub(crate) async fn remove(self) {
        if let Some((admin, name)) = self.made_by {
            let mut conn = PgConnection::connect(&admin).await.unwrap();
            // Refused while the server's own vacuum is at work in it; what is left goes with the server.
            let _ = conn.execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await;
        }
    }
}

/// Makes each test run once on SQLite and once on PostgreSQL. A test is an `async fn(&Database)`.
#[macro_export]
macro_rules! on_both_databases {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if let Some(database) = $crate::databases::Database::sqlite().await {
                    super::$name(&database).await;
                }
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if let Some(database) = $crate::databases::Database::postgres().await {
                    super::$name(&database).await;
                    database.remove().await;
                }
            })*
        }
    };
}
