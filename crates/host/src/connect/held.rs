//! What is held open between calls: for seconds, and no longer than whoever changes it lets it.
//!
//! A look at the rows that began before a change is not held after it ([`Held::look`]). What its time is over for is dropped
//! then, also when nobody calls. Start at [`Held::get`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kernel::TenantId;

/// How long another node's change may take to be felt here; this node's is felt at once.
pub(crate) const HELD_TIME: Duration = Duration::from_secs(10);
/// Tenants of whom something is held: as many as call within that time. Of more, each call reads.
const TENANTS: usize = 10_000;

struct All<V> {
    of: HashMap<TenantId, Arc<V>>,
    /// Counts changes.
    changes: u64,
}

/// What is held, a thing a tenant; cheap to clone.
pub(crate) struct Held<V>(Arc<Mutex<All<V>>>);

impl<V> Clone for Held<V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<V> Default for Held<V> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(All { of: HashMap::new(), changes: 0 })))
    }
}

/// The changes that a look at the rows knows of.
#[derive(Clone, Copy)]
pub(crate) struct Looking(u64);

impl<V: Send + Sync + 'static> Held<V> {
    fn all(&self) -> MutexGuard<'_, All<V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is held of a tenant.
    pub(crate) fn get(&self, tenant: TenantId) -> Option<Arc<V>> {
        self.all().of.get(&tenant).cloned()
    }

    /// Begins to look at the rows.
    pub(crate) fn look(&self) -> Looking {
        Looking(self.all().changes)
    }

    /// Holds what was found, unless something changed meanwhile.
    pub(crate) fn put(&self, tenant: TenantId, found: Arc<V>, looking: Looking) {
        let mut all = self.all();
        let room = all.of.len() < TENANTS || all.of.contains_key(&tenant);
        if all.changes != looking.0 || !room {
            return;
        }
        let (held, weak) = (Arc::downgrade(&self.0), Arc::downgrade(&found));
        all.of.insert(tenant, found);
        drop(all);
        tokio::spawn(async move {
            tokio::time::sleep(HELD_TIME).await;
            let Some(held) = held.upgrade().map(Self) else { return };
            let mut all = held.all();
            // What was found later has a time of its own.
            if all.of.get(&tenant).is_some_and(|held| std::ptr::eq(Arc::as_ptr(held), weak.as_ptr())) {
                all.of.remove(&tenant);
            }
        });
    }

    /// Holds nothing of a tenant's any more, after a change.
    pub(crate) fn forget(&self, tenant: TenantId) {
        let mut all = self.all();
        all.changes += 1;
        all.of.remove(&tenant);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_held_and_for_how_long() {
        let held = Held::default();
        let (one, other) = (TenantId::fresh(), TenantId::fresh());
        let has = |tenant| held.get(tenant).map(|found: Arc<i32>| *found);
        held.put(one, Arc::new(1), held.look());
        held.put(other, Arc::new(2), held.look());
        assert_eq!((has(one), has(other)), (Some(1), Some(2)));
        held.forget(one);
        assert_eq!((has(one), has(other)), (None, Some(2)), "a change ends what is held");

        let looking = held.look();
        held.forget(one);
        held.put(one, Arc::new(3), looking);
        assert_eq!(has(one), None, "what was seen before a change is not held after it");

        tokio::time::sleep(HELD_TIME / 2).await;
        let second = Arc::new(4);
        held.put(other, second.clone(), held.look());
        tokio::time::sleep(HELD_TIME / 2 + Duration::from_millis(2)).await;
        assert_eq!(has(other), Some(4), "what was found later has a time of its own");
        tokio::time::sleep(HELD_TIME / 2 + Duration::from_millis(2)).await;
        assert_eq!(has(other), None);
        assert_eq!(Arc::strong_count(&second), 1, "dropped, though nobody asked");
    }

    #[tokio::test]
    async fn more_tenants_than_are_held() {
        let held = Held::default();
        let first = TenantId::fresh();
        held.put(first, Arc::new(0), held.look());
        for number in 1..=TENANTS {
            held.put(TenantId::fresh(), Arc::new(number), held.look());
        }
        held.put(first, Arc::new(1), held.look());
        assert_eq!(held.get(first).as_deref(), Some(&1));
        assert_eq!(held.all().of.len(), TENANTS);
    }
}
