//! The site in memory: one [`Store`] behind one lock, changed only by the methods of [`State`], each
//! of which emits one [`Event`].
//!
//! Nothing here checks permissions (that is [`crate::auth`]) and nothing here knows HTTP. Start
//! reading at [`State`]; changes to issues are in `changes`, to people in `people` and `groups`,
//! to projects and desks in `projects`.

mod approval;
mod changes;
mod fields;
pub(crate) mod files;
pub(crate) mod groups;
mod index;
pub mod issue;
pub mod model;
mod names;
pub(crate) mod people;
pub(crate) mod projects;
mod seed;
mod session;
mod store;

use std::sync::{
    Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::{AtomicU64, Ordering},
};

use jiff::Timestamp;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::sync::broadcast;

pub use approval::{Approval, Decision};
pub use changes::NewIssue;
pub use fields::FieldValue;
pub use index::IndexEntry;
pub use issue::{Attachment, ChangeItem, Comment, History, Issue, Link, PUBLIC_COMMENT_PROPERTY, Visibility, Worklog};
pub use names::PersonalToken;
pub use projects::NewProject;
pub(crate) use seed::PROPERTY_TYPES;
pub use seed::{PropertyIndex, Seed, base_seed};
pub use session::{AppToken, SESSION_COOKIE, ScopedToken, Session};
pub use store::Store;

use crate::{
    config::{Clock, Config},
    events::{Actor, Event, EventKind},
    faults::Control,
};

/// Events kept for a slow subscriber; beyond it the oldest are lost to that subscriber (and logged).
const EVENTS_KEPT: usize = 16_384;

/// Why a change was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateError {
    /// There is no such thing.
    NotFound,
    /// It exists already, or the state doesn't allow it.
    Conflict(String),
    /// The value makes no sense; Jira's words.
    Invalid(String),
    /// There is no room for it.
    Full(String),
}

/// The whole site. Cheap to share (`Arc`), safe to use from many tasks; no method blocks for long.
pub struct State {
    store: RwLock<Store>,
    events: broadcast::Sender<Arc<Event>>,
    sequence: AtomicU64,
    /// Held while an event gets its number and is sent.
    emitting: Mutex<()>,
    clock: Clock,
    rng: Mutex<StdRng>,
    faults: Control,
    cloud_id: String,
    site_name: String,
    site_url: OnceLock<String>,
}

impl State {
    /// An empty site.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            store: RwLock::new(Store::on(config.deployment)),
            events: broadcast::channel(EVENTS_KEPT).0,
            sequence: AtomicU64::new(0),
            emitting: Mutex::default(),
            clock: config.clock.clone(),
            rng: Mutex::new(StdRng::seed_from_u64(config.seed)),
            faults: Control::new(config.faults.clone(), config.seed, config.clock.clone()),
            cloud_id: config.cloud_id.clone(),
            site_name: config.site_name.clone(),
            site_url: OnceLock::new(),
        }
    }

    /// To read; hold it briefly, and never across an await.
    pub fn read(&self) -> RwLockReadGuard<'_, Store> {
        self.store.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// To change what emits no event (configuration, tokens, webhooks).
    pub fn write(&self) -> RwLockWriteGuard<'_, Store> {
        let mut store = self.store.write().unwrap_or_else(PoisonError::into_inner);
        store.forget_lists();
        store
    }

    /// Everything that happens from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.events.subscribe()
    }

    /// How many events were emitted so far.
    #[must_use]
    pub fn events_emitted(&self) -> u64 {
        self.sequence.load(Ordering::SeqCst)
    }

    /// The site's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The site's cloud id.
    #[must_use]
    pub fn cloud_id(&self) -> &str {
        &self.cloud_id
    }

    /// The site's name.
    #[must_use]
    pub fn site_name(&self) -> &str {
        &self.site_name
    }

    /// The site's address without a trailing slash; empty until the server listens.
    #[must_use]
    pub fn site_url(&self) -> &str {
        self.site_url.get().map_or("", String::as_str)
    }

    pub(crate) fn set_site_url(&self, url: String) {
        // The address is set once, by `start`; a second call would be a second server on one state.
        let _ = self.site_url.set(url);
    }

    /// How the site misbehaves, to command otherwise.
    #[must_use]
    pub fn faults(&self) -> &Control {
        &self.faults
    }

    /// A random (version 4 shaped) UUID from the seeded source.
    #[must_use]
    pub fn random_uuid(&self) -> uuid::Uuid {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        uuid::Builder::from_random_bytes(rng.random()).into_uuid()
    }

    fn emit(&self, actor: &Actor, kind: EventKind) {
        // In the order of their numbers: whoever has seen one has seen all before it, and who waits for the last one sees it.
        let _turn = self.emitting.lock().unwrap_or_else(PoisonError::into_inner);
        let sequence = self.sequence.fetch_add(1, Ordering::SeqCst) + 1;
        let event = Event { sequence, at: self.now(), actor: actor.clone(), kind };
        // No subscriber is no error: a site without apps and webhooks has none.
        let _ = self.events.send(Arc::new(event));
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn events_of_many_at_once_arrive_in_the_order_of_their_numbers() {
        let state = State::new(&Config::default());
        let mut events = state.subscribe();
        let actor = Actor { account_id: None, app_id: None };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    (0..500).for_each(|_| state.emit(&actor, EventKind::ProjectCreated { project_id: "1".to_owned() }))
                });
            }
        });
        for number in 1..=2000 {
            assert_eq!(events.try_recv().unwrap().sequence, number);
        }
        assert_eq!(state.events_emitted(), 2000);
    }
}
