//! What is wrong with this server, and how to mend it.

use std::path::Path;

use kernel::Clock;
use store::Store;
use vault::{FileRootKey, harden_process};

use crate::config::Config;
use crate::program;

/// One thing looked at.
pub(crate) enum Finding {
    /// As it should be.
    Good(String),
    /// Works, and is not as it should be.
    Warning(String),
    /// Does not work.
    Bad(String),
}

/// Looks at everything that can be looked at without serving.
pub(crate) async fn examine(file: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let config = match Config::read(file) {
        Ok(config) => config,
        Err(fault) => return vec![Finding::Bad(format!("configuration: {fault}"))],
    };
    findings.push(Finding::Good(format!("configuration: {} is whole", file.display())));
    findings.push(match FileRootKey::read(&config.data.root_key) {
        Ok(_) => Finding::Good("root key: readable by this user alone".to_owned()),
        Err(fault) => Finding::Bad(format!("root key: {fault}")),
    });
    findings.push(match std::fs::metadata(&config.data.directory) {
        Ok(folder) if folder.is_dir() => Finding::Good(format!("data: {} is there", config.data.directory.display())),
        _ => Finding::Bad(format!("data: {} is not a folder; make it, owned by this user", config.data.directory.display())),
    });
    findings.extend(databases(&config).await);
    findings.push(process());
    findings.push(swap());
    findings.push(pages());
    findings
}

async fn databases(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let both = [
        ("database", config.store_url(), program::registry()),
        ("shelf", config.shelf_url(), program::shelf_registry()),
    ];
    for (name, url, registry) in both {
        let found = match Store::open(&url, registry).await {
            Ok(store) => {
                let found = match store::pending(&store).await {
                    Ok(pending) if pending.is_empty() => Finding::Good(format!("{name}: up to date")),
                    Ok(pending) => Finding::Warning(format!(
                        "{name}: {} migrations wait; `steward migrate` runs them, and so does a start",
                        pending.len()
                    )),
                    Err(fault) => Finding::Bad(format!("{name}: {}", cause(&fault))),
                };
                store.close().await;
                found
            }
            Err(fault) => Finding::Bad(format!("{name}: cannot be opened: {}", cause(&fault))),
        };
        findings.push(found);
    }
    findings
}

/// For the operator's eyes: the private half of a fault.
pub(crate) fn cause(fault: &kernel::Fault) -> String {
    match fault.private_source() {
        Some(source) => format!("{} ({source})", fault.code()),
        None => format!("{} ({})", fault.code(), fault.text()),
    }
}

fn process() -> Finding {
    let report = harden_process();
    match (report.not_dumpable, report.no_core_files) {
        (true, true) => Finding::Good("process: no other program reads its memory, no core file is written".to_owned()),
        _ => Finding::Warning("process: its memory could be dumped; run it without CAP_SYS_PTRACE and with LimitCORE=0".to_owned()),
    }
}

fn swap() -> Finding {
    let active = std::fs::read_to_string("/proc/swaps").map(|text| text.lines().count() > 1).unwrap_or(false);
    if active {
        return Finding::Warning("swap: it is on, and keys in memory may reach the disk; switch it off or encrypt it".to_owned());
    }
    Finding::Good("swap: off".to_owned())
}

fn pages() -> Finding {
    match web::ui_file("index.html") {
        Some(_) => Finding::Good("pages: in this build".to_owned()),
        None => Finding::Warning("pages: not in this build; run `make ui` and build again".to_owned()),
    }
}

/// The time, for commands that do not serve.
pub(crate) fn now() -> jiff::Timestamp {
    kernel::SystemClock.now()
}
