//! Where a stand-in's keys are kept from one test to the next: to make them takes longer than the rest of its start.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A folder for the keys of one stand-in; each of a process has its own.
pub(crate) fn kept_keys() -> Option<PathBuf> {
    static STARTED: AtomicUsize = AtomicUsize::new(0);
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sandbox-keys-{number}")))
}
