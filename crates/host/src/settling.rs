//! Calls of one tenant that come at about the same time are settled together: one transaction uses up all their tokens and keeps
//! what they brought. Nobody is answered before it is on disk, and none waits for company: whoever comes while one is being
//! written is in the next.
//!
//! A caller that vanishes has asked for its token to be used up, and it is. Start at [`Settling::settle`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use kernel::{Cx, Fault, Result, TenantId};
use store::Store;
use tokio::sync::oneshot;
use tracing::Instrument;

use crate::fault::shared;
use crate::forge::token::Refusal;
use crate::install::{Brought, welcome};
use crate::sql;

/// Calls in one transaction.
const AT_ONCE: usize = 64;
/// Calls of one tenant that wait: more than a server answers within the time that it has for them.
const WAITING: usize = 10_000;

struct Waiting {
    hash: Vec<u8>,
    brought: Brought,
    /// Hears whether the token was used up by this call, and not before.
    told: oneshot::Sender<Result<bool>>,
}

/// What is to be settled; cheap to clone.
#[derive(Clone)]
pub(crate) struct Settling {
    store: Store,
    /// Those who wait, of each tenant that somebody writes for.
    waiting: Arc<Mutex<HashMap<TenantId, Vec<Waiting>>>>,
}

/// Whoever writes for a tenant. Cut off in the middle, it leaves nobody waiting for nothing.
struct Writing {
    settling: Settling,
    tenant: TenantId,
    done: bool,
}

impl Drop for Writing {
    fn drop(&mut self) {
        if !self.done {
            self.settling.waiting().remove(&self.tenant);
        }
    }
}

impl Writing {
    /// Those who wait, up to what fits; nobody: the writing ends.
    fn next(&mut self) -> Vec<Waiting> {
        let mut waiting = self.settling.waiting();
        let Some(queue) = waiting.get_mut(&self.tenant).filter(|queue| !queue.is_empty()) else {
            waiting.remove(&self.tenant);
            drop(waiting);
            self.done = true;
            return Vec::new();
        };
        queue.drain(..queue.len().min(AT_ONCE)).collect()
    }

    async fn run(mut self, cx: Cx, young: bool) {
        loop {
            let group = self.next();
            if group.is_empty() {
                return;
            }
            let (mut calls, mut told) = (Vec::with_capacity(group.len()), Vec::with_capacity(group.len()));
            for one in group {
                calls.push((one.hash, one.brought));
                told.push(one.told);
            }
            // On the heap: the transaction's own is large.
            let written = write(&self.settling.store, &cx, young, calls).boxed().await.map_err(Arc::new);
            for (number, told) in told.into_iter().enumerate() {
                let outcome = match &written {
                    Ok(fresh) => Ok(fresh.get(number).copied().unwrap_or(false)),
                    Err(fault) => Err(shared(fault)),
                };
                // Who went away hears nothing.
                let _ = told.send(outcome);
            }
        }
    }
}

impl Settling {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, waiting: Arc::default() }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<TenantId, Vec<Waiting>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Uses up the token with this hash, and keeps what its call brought. `young`: the tenant may have to be welcomed.
    ///
    /// # Errors
    /// `token_replayed` (Unauthenticated); `too_many_calls` (Busy).
    pub(crate) async fn settle(&self, cx: &Cx, young: bool, hash: Vec<u8>, brought: Brought) -> Result<()> {
        let (told, hears) = oneshot::channel();
        if self.enter(cx.tenant(), Waiting { hash, brought, told })? {
            let writing = Writing { settling: self.clone(), tenant: cx.tenant(), done: false };
            tokio::spawn(writing.run(cx.clone(), young).in_current_span());
        }
        match hears.await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(Refusal::Replayed.fault()),
            Ok(Err(fault)) => Err(fault),
            Err(_cut_off) => Err(Fault::busy("stopping", "The server is stopping. Send it again.", None)),
        }
    }

    /// Waits with the others; true for the first, who sees to it that somebody writes.
    fn enter(&self, tenant: TenantId, one: Waiting) -> Result<bool> {
        let mut waiting = self.waiting();
        match waiting.get_mut(&tenant) {
            Some(queue) if queue.len() >= WAITING => {
                Err(Fault::busy("too_many_calls", "Too many calls of this site are waiting. Try again shortly.", None))
            }
            Some(queue) => {
                queue.push(one);
                Ok(false)
            }
            None => {
                waiting.insert(tenant, vec![one]);
                Ok(true)
            }
        }
    }
}

/// Settles these calls in one transaction; answers of each whether its token was used up by it. Of two with one token it is the
/// first. What a refused call brought is not kept.
async fn write(store: &Store, cx: &Cx, young: bool, calls: Vec<(Vec<u8>, Brought)>) -> Result<Vec<bool>> {
    let mut scoped = store.note(cx).await?;
    let hashes: BTreeSet<&[u8]> = calls.iter().map(|(hash, _)| hash.as_slice()).collect();
    let mut fresh = sql::invocations_record(&mut scoped, cx, &hashes).await?;
    let (mut taken, mut system, mut users) = (Vec::with_capacity(calls.len()), None, BTreeMap::new());
    for (hash, brought) in calls {
        let first = fresh.remove(&hash);
        taken.push(first);
        if !first {
            continue;
        }
        let ends = |row: &sql::TokenRow| row.expires_at;
        system = [system, brought.system].into_iter().flatten().max_by_key(ends);
        if let Some((account, row)) = brought.user {
            let kept = users.remove(&account);
            if let Some(longest) = [kept, Some(row)].into_iter().flatten().max_by_key(ends) {
                users.insert(account, longest);
            }
        }
    }
    if !taken.contains(&true) {
        return Ok(taken);
    }
    if let Some(row) = system {
        sql::system_token_keep(&mut scoped, cx, row).await?;
    }
    for (account, row) in users {
        sql::user_token_keep(&mut scoped, cx, &account, row).await?;
    }
    welcome(&mut scoped, cx, young).await?;
    scoped.commit().await?;
    Ok(taken)
}
