//! Trust: what is promised about data, kept. For now: keys rotate and what lies under old ones is sealed anew; what
//! has outlived its class is swept; a tenant that leaves becomes unreadable, then gone, with a receipt on the ledger;
//! the register of data classes becomes docs/data.md; and a site moves to another region, whole ([`realm`]).
//!
//! It refuses to measure a promise by reading its own setting. Start at [`handlers`].

mod departure;
mod keys;
pub mod realm;
mod register;
mod retention;
mod rewrap;

use std::sync::Arc;

use jobs::{Handler, Schedule};
use store::{Blobs, Store, TenantFiles};
use vault::{Rewrap, Vault};

pub use keys::{KeyReport, oldest_live_keys};
pub use realm::{Realm, Regions};
pub use register::data_map;

/// What this room works with.
#[derive(Clone)]
pub struct Room {
    /// The rows.
    pub store: Store,
    /// The objects.
    pub blobs: Blobs,
    /// The keys.
    pub vault: Vault,
    /// What lies outside the databases.
    pub files: Vec<Arc<dyn TenantFiles>>,
}

/// This room's jobs.
pub fn handlers(room: &Room) -> Vec<Arc<dyn Handler>> {
    let mut handlers = keys::handlers(room);
    handlers.extend(departure::handlers(room));
    handlers.extend(retention::handlers(room));
    handlers
}

/// The job that wraps all keys anew, and when it comes; apart from the others because the root keys are the
/// program's to know.
pub fn rewrapping(rewrap: Rewrap) -> (Arc<dyn Handler>, Schedule) {
    (rewrap::handler(rewrap), rewrap::SCHEDULE)
}

/// What comes by itself.
pub fn schedules() -> Vec<Schedule> {
    let mut schedules = keys::schedules();
    schedules.extend(retention::schedules());
    schedules
}
