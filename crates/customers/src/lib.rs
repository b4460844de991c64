//! Customers: fields and history for customers and organizations, next to the ticket.
//!
//! Administrators define fields; agents, and customers where a field's audience allows it, write values; every change
//! is kept and can be taken back. It refuses to overwrite what somebody wrote meanwhile, to tell a customer of others,
//! and to keep names that come from Jira for longer than a week.
//!
//! Routes: [`Room::routes`]. Jobs: [`Room::handlers`]. Data classes: [`ROOM`]. Start at `actions`.

mod actions;
mod files;
mod http;
mod jobs;
mod model;
mod query;
mod rules;
mod schema;
mod sql;

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::FromRef;
use host::client::RoleId;
use kernel::{Cx, Result};
use utoipa_axum::router::OpenApiRouter;

pub use schema::ROOM;

/// This room, as the program holds it.
#[derive(Clone)]
pub struct Room {
    pub(crate) shared: web::Shared,
    pub(crate) directory: actions::directory::Cache,
}

impl Room {
    /// Joins it to what all rooms share.
    pub fn new(shared: web::Shared) -> Self {
        Self { shared, directory: actions::directory::cache() }
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
