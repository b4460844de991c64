//! What makes a request that is sent twice be done once.

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;

/// The claim of one request on its idempotency key. The first change that the request makes writes it, in the same
/// transaction, so that the change stands if and only if the claim does.
#[derive(Debug)]
pub struct Claim {
    /// Keyed hash of who asks and of the key that they gave.
    pub key: [u8; 32],
    /// Keyed hash of what was asked.
    pub request: [u8; 32],
    /// When it was asked.
    pub at: Timestamp,
    stands: AtomicBool,
}

impl Claim {
    /// A claim that nothing was written for yet.
    pub fn new(key: [u8; 32], request: [u8; 32], at: Timestamp) -> Self {
        Self { key, request, at, stands: AtomicBool::new(false) }
    }

    /// Whether the change was committed, and the claim with it.
    pub fn stands(&self) -> bool {
        self.stands.load(Ordering::SeqCst)
    }

    /// Said by the store, once the commit is on disk.
    pub fn committed(&self) {
        self.stands.store(true, Ordering::SeqCst);
    }
}
