//! Customers: fields and history for customers and organizations, next to the ticket.
//!
//! Administrators define fields; agents, and customers where a field's audience allows it, write values; every change
//! is kept and can be taken back. It refuses to overwrite what somebody wrote meanwhile, to tell a customer of others,
//! and to keep names that come from Jira for longer than a week.
//!
//! Routes: [`Room::routes`]. Jobs: [`Room::handlers`]. Data classes: [`ROOM`]. Start at `actions`.

mod actions;
mod conversion;
mod files;
mod http;
mod imports;
mod jobs;
mod likeness;
mod limits;
mod model;
mod query;
mod rules;
mod schema;
mod sql;
mod webhooks;

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::FromRef;
use host::client::RoleId;
use kernel::{Cx, Result};
use utoipa_axum::router::OpenApiRouter;

pub use limits::Limits;
pub use schema::{FILES, ROOM};

/// A key of the week is out of use for days before it goes, and a tenant's files may stay for as long.
const SWEPT_EVERY: std::time::Duration = std::time::Duration::from_secs(3600);

/// This room, as the program holds it: one pointer, which each request takes.
#[derive(Clone)]
pub struct Room(Arc<RoomParts>);

/// What stands behind a [`Room`].
pub struct RoomParts {
    pub(crate) shared: web::Shared,
    pub(crate) directory: actions::directory::Cache,
    pub(crate) orders: actions::lists::Orders,
    pub(crate) duplicates: actions::duplicates::Cache,
    pub(crate) indexes: actions::search::Indexes,
    pub(crate) sought: actions::imports::seeking::Cache,
    pub(crate) limits: Limits,
}

impl Deref for Room {
    type Target = RoomParts;

    fn deref(&self) -> &RoomParts {
        &self.0
    }
}

impl Room {
    /// Joins it to what all rooms share. Search indexes lie in `search`, a folder of their own.
    pub fn new(shared: web::Shared, limits: Limits, search: PathBuf) -> Self {
        let indexes = actions::search::Indexes::new(search);
        let (directory, orders) = (actions::directory::cache(), actions::lists::orders());
        let (duplicates, sought) = (actions::duplicates::cache(), actions::imports::seeking::cache());
        Self(Arc::new(RoomParts { shared, directory, orders, duplicates, indexes, sought, limits }))
    }

    /// What lies outside the databases, for whoever takes a tenant's data away.
    pub fn files(&self) -> Arc<dyn store::TenantFiles> {
        Arc::new(self.indexes.clone())
    }

    /// Takes away what this node keeps in files and nobody can use any more, now and every hour.
    pub async fn keep_tidy(&self) {
        loop {
            if let Err(fault) = self.sweep_files().await {
                tracing::warn!(event = "search_index_not_swept", code = fault.code());
            }
            tokio::time::sleep(SWEPT_EVERY).await;
        }
    }

    /// The same, once; answers how many folders it took away.
    pub async fn sweep_files(&self) -> Result<usize> {
        self.indexes.sweep(&self.shared.store, &self.shared.vault).await
    }

    /// Its routes, relative to /api/v1.
    pub fn routes(&self) -> OpenApiRouter<()> {
        http::routes().with_state(self.clone())
    }

    /// Its jobs.
    pub fn handlers(&self) -> Vec<Arc<dyn ::jobs::Handler>> {
        jobs::handlers(self)
    }

    /// What comes by itself.
    pub fn schedules() -> Vec<::jobs::Schedule> {
        jobs::schedules()
    }
}

/// Which project roles this room's permissions name.
pub struct Roles {
    /// Where they are stored.
    pub store: store::Store,
    /// What opens them.
    pub vault: vault::Vault,
}

#[async_trait]
impl web::RoleSource for Roles {
    async fn roles_in_use(&self, cx: &Cx) -> Result<Vec<RoleId>> {
        actions::access::roles_in_use(cx, &self.store, &self.vault).await
    }
}

impl FromRef<Room> for web::Shared {
    fn from_ref(room: &Room) -> Self {
        room.shared.clone()
    }
}
