//! A client that was not written here does a day's work: npm `jira.js`, by a script in
//! `tests/contract/jirajs`.

use std::{path::PathBuf, process::Stdio};

use tokio::process::Command;

use crate::support::a_days_work;

#[tokio::test]
async fn jirajs_does_a_days_work() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/contract/jirajs");
    let node = Command::new("node").arg("--version").stdout(Stdio::null()).status().await;
    if node.is_err() {
        assert!(std::env::var_os("CI").is_none(), "node is missing");
        eprintln!("SKIPPED: node is not installed");
        return;
    }
    if !folder.join("node_modules/jira.js/package.json").exists() {
        let installed = Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
            .current_dir(&folder)
            .status()
            .await
            .unwrap();
        assert!(installed.success(), "npm ci failed");
    }
    let mut script = Command::new("node");
    a_days_work(script.arg("day.mjs").current_dir(&folder)).await;
}
