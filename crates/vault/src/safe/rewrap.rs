//! All keys under the current root key and its newest version: what lets an operator change the root key, raise a key
//! service's `min_decryption_version`, or leave a service. A tenant's key stays the same one; nothing that lies under
//! it changes.
//!
//! Each key is one small write, and says itself which root key it is under: stopped anywhere, it goes on where it was.

use std::collections::BTreeMap;
use std::sync::Arc;

use kernel::{Kind, Result};

use super::roots::{Roots, printable};
use crate::hazmat::format::read_wrap;
use crate::shelf::{Wrap, WrapShelf};

/// Keys that are read at once.
const KEYS_AT_ONCE: u32 = 100;

/// Wraps anew. Cheap to clone.
#[derive(Clone)]
pub struct Rewrap {
    shelf: Arc<dyn WrapShelf>,
    roots: Roots,
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewrapped {
    /// Wrapped anew.
    pub moved: u64,
    /// Looked at.
    pub seen: u64,
    /// Opened by no root key that there is: another server's, or damaged. They lie as they lay.
    pub shut: u64,
}

impl Rewrap {
    /// Joins a shelf and the root keys.
    pub fn new(shelf: Arc<dyn WrapShelf>, roots: Roots) -> Self {
        Self { shelf, roots }
    }

    /// Goes through the whole shelf, until `at_most` keys are moved; tells after each key how far it is. Repeatable, and safe beside a server that
    /// makes, rotates and destroys keys meanwhile.
    ///
    /// # Errors
    /// A root key or a shelf that cannot be asked ends it; what is moved by then stays moved.
    pub async fn run(&self, at_most: u64, mut tell: impl FnMut(Rewrapped) + Send) -> Result<Rewrapped> {
        let newest = self.roots.newest().await?;
        let mut done = Rewrapped::default();
        let mut last: Option<Wrap> = None;
        'shelf: loop {
            let wraps = self.shelf.wraps(last.as_ref(), KEYS_AT_ONCE).await?;
            let Some(end) = wraps.last().cloned() else { break };
            for wrap in &wraps {
                if done.moved == at_most {
                    break 'shelf;
                }
                match self.step(wrap, &newest).await {
                    Ok(moved) => done.moved += u64::from(moved),
                    Err(fault) if fault.kind() == Kind::Broken => done.shut += 1,
                    Err(fault) => return Err(fault),
                }
                done.seen += 1;
                tell(done);
            }
            last = Some(end);
        }
        if done.moved > 0 {
            // The older root key opens what is left of them on the disk.
            self.shelf.forget_replaced().await?;
        }
        Ok(done)
    }

    async fn step(&self, wrap: &Wrap, newest: &[u8]) -> Result<bool> {
        if !self.roots.is_stale(&wrap.wrapped, newest) {
            return Ok(false);
        }
        let (tenant, class, version) = (wrap.tenant, wrap.class, wrap.version);
        let key = self.roots.unwrap(tenant, class, version, &wrap.wrapped).await?;
        let new = self.roots.wrap(tenant, class, version, &key).await?;
        self.shelf.replace_wrap(wrap, &new).await
    }

    /// How many keys lie under which root key, by its name; `None` stands for those that name none. Asks no root key.
    pub async fn census(&self) -> Result<BTreeMap<Option<String>, u64>> {
        let mut counts = BTreeMap::new();
        let mut last: Option<Wrap> = None;
        loop {
            let wraps = self.shelf.wraps(last.as_ref(), KEYS_AT_ONCE).await?;
            for wrap in &wraps {
                let name = read_wrap(&wrap.wrapped).and_then(|(name, _)| name).map(printable);
                *counts.entry(name).or_insert(0) += 1;
            }
            let Some(end) = wraps.last().cloned() else { return Ok(counts) };
            last = Some(end);
        }
    }
}
