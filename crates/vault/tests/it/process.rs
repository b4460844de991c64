//! A process that called `harden_process` keeps its memory to itself. It is a child, so that this one stays as it is.

use std::process::Command;

use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};
use vault::harden_process;

const CHILD: &str = "STEWARD_TEST_HARDENED_CHILD";

#[test]
fn child_hardens_itself() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    assert_ne!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    let report = harden_process();
    assert!(report.not_dumpable && report.no_core_files);
    assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    let core = getrlimit(Resource::Core);
    assert_eq!((core.current, core.maximum), (Some(0), Some(0)));
}

#[test]
fn a_hardened_process_is_not_dumpable_and_leaves_no_core() {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "process::child_hardens_itself", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}
