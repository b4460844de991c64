//! Two clients that were not written here do a day's work: PyPI `jira` and `atlassian-python-api`, by a script in
//! `tests/contract/python`.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::{
    data_center,
    support::{a_days_work_on, calm},
};

/// The interpreter of an environment with the pinned clients, made under `target/` if it isn't there; none if this
/// machine cannot make one.
async fn interpreter(folder: &Path) -> Option<PathBuf> {
    let requirements = folder.join("requirements.txt");
    let pinned = std::fs::read(&requirements).unwrap();
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("python-clients");
    let (python, stamp) = (home.join("bin/python"), home.join("requirements.txt"));
    if std::fs::read(&stamp).is_ok_and(|made| made == pinned) {
        return Some(python);
    }
    let made = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home).output().await;
    if !made.is_ok_and(|made| made.status.success()) {
        return None;
    }
    let installed = Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r"])
        .arg(&requirements)
        .output()
        .await
        .unwrap();
    assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
    std::fs::write(stamp, pinned).unwrap();
    Some(python)
}

/// A script does its day on the site of this configuration.
async fn day(script: &str, config: sandbox::Config) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/contract/python");
    let Some(python) = interpreter(&folder).await else {
        assert!(std::env::var_os("CI").is_none(), "python3 with venv and pip is missing");
        eprintln!("SKIPPED: python3 with venv and pip is not installed (Debian: python3-venv)");
        return;
    };
    let mut command = Command::new(python);
    a_days_work_on(config, command.arg(script).current_dir(&folder).env("NO_PROXY", "*")).await;
}

// One after another: both need the same environment, which the first may have to make.
#[tokio::test]
async fn python_clients_do_a_days_work() {
    day("day.py", calm()).await;
    for version in ["9.12", "10.3"] {
        day("server_day.py", data_center::config(version)).await;
    }
}
