//! The process keeps its memory to itself.

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// What could and could not be arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HardeningReport {
    /// No other process of the same user may read this one's memory.
    pub not_dumpable: bool,
    /// No core file is written.
    pub no_core_files: bool,
}

/// Makes the process not dumpable and forbids core files. Call it before any key is read.
pub fn harden_process() -> HardeningReport {
    let not_dumpable = set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok();
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    HardeningReport { not_dumpable, no_core_files: getrlimit(Resource::Core).current == Some(0) }
}
