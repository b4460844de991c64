//! What is wrong with this server, and how to mend it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use kernel::{Clock, Registry};
use store::{Store, StoreUrl};
use vault::{Rewrap, Vault, harden_process};

use crate::config::{Config, UNTOUCHED_APP, UNTOUCHED_ORIGIN, UNTOUCHED_ROLE};
use crate::join::StoreShelf;
use crate::keys::{RootKeys, probe};
use crate::{listen, program};

/// The bits of a file's mode that let others than its owner do anything.
const OTHERS: u32 = 0o077;
/// Settings that are better given by the environment.
const SECRETS: [(&str, &str); 4] =
    [("data", "database"), ("data", "shelf"), ("server", "metrics_token"), ("objects", "secret_key")];

/// One thing looked at.
pub(crate) enum Finding {
    /// As it should be.
    Good(String),
    /// Works, and is not as it should be.
    Warning(String),
    /// Does not work.
    Bad(String),
}

/// Looks at everything that can be looked at without serving. Changes nothing and makes no file.
pub(crate) async fn examine(file: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let config = match Config::read(file) {
        Ok(config) => config,
        Err(fault) => return vec![Finding::Bad(format!("configuration: {fault}"))],
    };
    findings.push(Finding::Good(format!("configuration: {} is whole", file.display())));
    findings.extend(written(file));
    findings.extend(untouched(&config));
    findings.extend(reached(&config));
    findings.push(joining(&config));
    let keys = root_keys(&config, &mut findings).await;
    findings.push(folder(&config.data.directory));
    findings.extend(databases(&config, keys).await);
    findings.push(process());
    findings.push(swap());
    findings.push(pages());
    findings
}

/// Whether others can read secrets that stand in the file.
fn written(file: &Path) -> Option<Finding> {
    let mode = std::fs::metadata(file).ok()?.permissions().mode();
    let table: toml::Table = std::fs::read_to_string(file).ok()?.parse().ok()?;
    let holds = |(section, key): &(&str, &str)| table.get(*section).is_some_and(|section| section.get(*key).is_some());
    let (section, key) = SECRETS.iter().find(|place| holds(place))?;
    (mode & OTHERS != 0).then(|| {
        Finding::Warning(format!(
            "configuration: {section}.{key} is a secret, and others can read {0}; `chmod 600 {0}`, or give it by the environment",
            file.display()
        ))
    })
}

/// What the template says for somebody to fill in.
fn untouched(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    if config.server.origin.as_str().trim_end_matches('/') == UNTOUCHED_ORIGIN {
        findings
            .push(Finding::Bad("server.origin: it is the template's; say where people reach this server".to_owned()));
    }
    let roles = [&config.data.root_key_service, &config.data.former_root_key_service].into_iter().flatten();
    if roles.filter_map(|service| service.role_id.as_deref()).any(|role| role == UNTOUCHED_ROLE) {
        findings.push(Finding::Bad(
            "data.root_key_service.role_id: it is the template's; say the id of this server's role".to_owned(),
        ));
    }
    if config.forge.apps.iter().any(|app| app == UNTOUCHED_APP) {
        findings.push(Finding::Bad(
            "forge.apps: it is the template's; say the id of the app that you registered".to_owned(),
        ));
    }
    findings
}

/// TLS, the proxy, and who reads metrics.
fn reached(config: &Config) -> Vec<Finding> {
    let server = &config.server;
    let mut findings = Vec::new();
    if let (Some(certificate), Some(key)) = (&server.tls_certificate, &server.tls_key) {
        findings.push(match listen::tls_config(certificate, key) {
            Ok(_) => Finding::Good("tls: the certificate and its key can be read and belong together".to_owned()),
            Err(error) => Finding::Bad(format!("tls: {error:#}")),
        });
    }
    if server.proxy_on_other_machine {
        findings.push(Finding::Warning(format!(
            "server.proxy_on_other_machine: whoever reaches {} beside the proxy speaks to it without TLS; keep all others out",
            server.listen
        )));
    }
    if server.behind_proxy && server.metrics_token.is_none() {
        findings.push(Finding::Warning(
            "server.metrics_token: without it nobody reads /metrics behind a proxy, this machine neither".to_owned(),
        ));
    }
    findings
}

fn joining(config: &Config) -> Finding {
    if config.forge.apps.is_empty() {
        return Finding::Good("forge.apps: none; sites join by `steward site add` alone".to_owned());
    }
    if config.forge.sites.is_empty() {
        return Finding::Warning(
            "forge.sites: any site that installs this app and names this server becomes a tenant; name yours"
                .to_owned(),
        );
    }
    Finding::Good(format!("forge.sites: {} may become tenants", config.forge.sites.len()))
}

/// Reads files, and tries services.
async fn root_keys(config: &Config, findings: &mut Vec<Finding>) -> Option<RootKeys> {
    let clock: Arc<dyn Clock> = Arc::new(kernel::SystemClock);
    let keys = match RootKeys::open(&config.data, &clock) {
        Ok(keys) => keys,
        Err(error) => {
            findings.push(Finding::Bad(format!("root key: {error:#}")));
            return None;
        }
    };
    if config.data.root_key.is_some() || config.data.former_root_key.is_some() {
        findings.push(Finding::Good("root key: the file is readable by this user alone".to_owned()));
    }
    for service in &keys.services {
        findings.extend(probe::examine(service).await);
    }
    Some(keys)
}

fn folder(directory: &Path) -> Finding {
    match std::fs::metadata(directory) {
        Ok(folder) if folder.is_dir() && folder.permissions().mode() & OTHERS != 0 => {
            Finding::Warning(format!("data: others can look into {0}; `chmod 700 {0}`", directory.display()))
        }
        Ok(folder) if folder.is_dir() => Finding::Good(format!("data: {} is there", directory.display())),
        _ => Finding::Bad(format!("data: {} is not a folder; make it, owned by this user", directory.display())),
    }
}

async fn databases(config: &Config, keys: Option<RootKeys>) -> Vec<Finding> {
    let (found, store) = database("database", &config.store_url(), program::registry()).await;
    let (of_shelf, shelf) = database("shelf", &config.shelf_url(), program::shelf_registry()).await;
    let mut findings = vec![found, of_shelf];
    if let (Some(store), Some(shelf), Some(keys)) = (&store, &shelf, keys) {
        findings.extend(tried(store, shelf, keys, config.data.former_root_key().is_some()).await);
    }
    if let Some(store) = &store {
        findings.extend(objects(config, store).await);
    }
    for opened in [store, shelf].into_iter().flatten() {
        opened.close().await;
    }
    findings
}

/// Asks a bucket whether it answers; a folder is the data directory's, which was looked at.
async fn objects(config: &Config, store: &Store) -> Option<Finding> {
    if config.objects.endpoint.is_none() {
        return (config.objects.directory.is_none() && store.dialect() == store::Dialect::Postgres).then(|| {
            Finding::Warning("objects: they lie in this machine's folder; several nodes need [objects]".to_owned())
        });
    }
    let asked = match crate::objects::open(config, store) {
        Ok(blobs) => blobs.ping().await,
        Err(fault) => Err(fault),
    };
    Some(match asked {
        Ok(called) => Finding::Good(format!("objects: {called} answers")),
        Err(fault) => Finding::Bad(format!("objects: {}", cause(&fault))),
    })
}

/// Looks at one, and leaves it open if it is there and up to date.
async fn database(name: &str, url: &StoreUrl, registry: Registry) -> (Finding, Option<Store>) {
    if let StoreUrl::Sqlite(path) = url
        && !path.exists()
    {
        return (Finding::Good(format!("{name}: {} will be made at the first start", path.display())), None);
    }
    let store = match Store::open(url, registry).await {
        Ok(store) => store,
        Err(fault) => return (Finding::Bad(format!("{name}: cannot be opened: {}", cause(&fault))), None),
    };
    let found = match store::pending(&store).await {
        Ok(pending) if pending.is_empty() => return (Finding::Good(format!("{name}: up to date")), Some(store)),
        Ok(pending) => Finding::Warning(format!(
            "{name}: {} migrations wait; `steward migrate` runs them, and so does a start",
            pending.len()
        )),
        Err(fault) => Finding::Bad(format!("{name}: {}", cause(&fault))),
    };
    store.close().await;
    (found, None)
}

/// Tries the root key on the server's own keys, and says which keys are to be moved; where there are none yet, none
/// are made.
async fn tried(store: &Store, shelf: &Store, keys: RootKeys, moving: bool) -> Vec<Finding> {
    let joined = Arc::new(StoreShelf { shelf: shelf.clone(), store: store.clone() });
    let census = match Rewrap::new(joined.clone(), keys.roots.clone()).census().await {
        Ok(census) if census.is_empty() => return Vec::new(),
        Ok(census) => census,
        Err(fault) => return vec![Finding::Bad(format!("root key: the shelf cannot be read: {}", cause(&fault)))],
    };
    let current = keys.roots.current_name().to_owned();
    let elsewhere: u64 =
        census.iter().filter(|(name, _)| name.as_ref() != Some(&current)).map(|(_, count)| count).sum();
    let mut findings = Vec::new();
    match (elsewhere, moving) {
        (0, true) => findings.push(Finding::Warning(format!(
            "root key: every key lies under {current}; take the former root key out of the configuration"
        ))),
        (0, false) => {}
        (count, _) => findings.push(Finding::Warning(format!(
            "root key: {count} keys lie under another than {current}; `steward rekey` moves them, and so does a job once a day"
        ))),
    }
    let vault = Vault::with_roots(joined, keys.roots);
    findings.push(match vault.prove(now()).await {
        Ok(()) => Finding::Good("root key: it opens the shelf".to_owned()),
        Err(fault) => {
            Finding::Bad(format!("root key: it does not open the shelf; is it another server's? {}", cause(&fault)))
        }
    });
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
        _ => Finding::Warning(
            "process: its memory could be dumped; run it without CAP_SYS_PTRACE and with LimitCORE=0".to_owned(),
        ),
    }
}

fn swap() -> Finding {
    let active = std::fs::read_to_string("/proc/swaps").map(|text| text.lines().count() > 1).unwrap_or(false);
    if active {
        return Finding::Warning(
            "swap: it is on, and keys in memory may reach the disk; switch it off or encrypt it".to_owned(),
        );
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::fs::Permissions;
    use std::path::PathBuf;

    use kernel::{KeyClass, TenantId};
    use vault::FileRootKey;

    use super::*;
    use crate::config::{RootKeyLines, template};

    struct Server {
        folder: tempfile::TempDir,
        file: PathBuf,
    }

    /// What `steward init` leaves behind, after `change`.
    fn server(change: impl FnOnce(String) -> String) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let (data, root, file) =
            (folder.path().join("data"), folder.path().join("root.key"), folder.path().join("steward.toml"));
        std::fs::create_dir(&data).unwrap();
        std::fs::set_permissions(&data, Permissions::from_mode(0o700)).unwrap();
        FileRootKey::create(&root).unwrap();
        std::fs::write(&file, change(template(&data, &RootKeyLines::File(&root)))).unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        Server { folder, file }
    }

    /// Filled in, on this machine without TLS.
    fn filled(text: String) -> String {
        let text = text.replace(UNTOUCHED_ORIGIN, "https://steward.nordlicht.example").replace("0.0.0.0", "127.0.0.1");
        let text = text.replace(UNTOUCHED_APP, "ari:cloud:ecosystem::app/6f2c1a52-9d0e-4b57-8a33-51c7f0e2d914");
        text.lines().filter(|line| !line.starts_with("tls_")).map(|line| format!("{line}\n")).collect()
    }

    async fn told(server: &Server) -> Vec<String> {
        let findings = examine(&server.file).await;
        findings
            .into_iter()
            .map(|finding| match finding {
                Finding::Good(text) => format!("ok {text}"),
                Finding::Warning(text) => format!("warning {text}"),
                Finding::Bad(text) => format!("wrong {text}"),
            })
            .collect()
    }

    #[track_caller]
    fn check(told: &[String], expected: &str) {
        assert!(told.iter().any(|text| text.starts_with(expected)), "{expected}: {told:#?}");
    }

    #[tokio::test]
    async fn an_untouched_template_is_wrong_and_nothing_is_made() {
        let server = server(|text| text);
        let told = told(&server).await;
        check(&told, "wrong server.origin: ");
        check(&told, "wrong forge.apps: ");
        check(&told, "wrong tls: server.tls_certificate: ");
        check(&told, "warning forge.sites: any site that installs this app");
        check(&told, "ok database: ");
        assert!(std::fs::read_dir(server.folder.path().join("data")).unwrap().next().is_none());
    }

    #[tokio::test]
    async fn what_others_can_read_is_told() {
        let secret = |text: String| filled(text).replace("[data]", "metrics_token = \"hunter2\"\n[data]");
        let server = server(secret);
        let before = told(&server).await;
        assert!(!before.iter().any(|text| text.starts_with("wrong") || text.contains("others can")), "{before:#?}");
        std::fs::set_permissions(&server.file, Permissions::from_mode(0o644)).unwrap();
        std::fs::set_permissions(server.folder.path().join("data"), Permissions::from_mode(0o755)).unwrap();
        let after = told(&server).await;
        check(&after, "warning configuration: server.metrics_token is a secret");
        check(&after, "warning data: others can look into");
        assert!(after.iter().all(|text| !text.contains("hunter2")));
    }

    #[tokio::test]
    async fn a_proxy_without_a_token_is_told() {
        let server = server(|text| {
            let text = filled(text).replace("[data]", "behind_proxy = true\nproxy_on_other_machine = true\n[data]");
            text + "sites = [\"https://example.atlassian.net\"]\n"
        });
        let told = told(&server).await;
        check(&told, "warning server.metrics_token: ");
        check(&told, "warning server.proxy_on_other_machine: ");
        check(&told, "ok forge.sites: 1 may");
    }

    #[tokio::test]
    async fn a_root_key_is_tried_on_the_shelf() {
        let server = server(filled);
        let config = Config::read(&server.file).unwrap();
        let store = Store::open(&config.store_url(), program::registry()).await.unwrap();
        let shelf = Store::open(&config.shelf_url(), program::shelf_registry()).await.unwrap();
        store.migrate().await.unwrap();
        shelf.migrate().await.unwrap();
        // No keys yet: none are made by looking.
        assert!(!told(&server).await.iter().any(|text| text.contains("the shelf;") || text.contains("it opens")));
        assert!(store::shelf::keys(&shelf, TenantId::SERVER, KeyClass::Data).await.unwrap().is_empty());
        let path = config.data.root_key.unwrap();
        let root = Arc::new(FileRootKey::read(&path).unwrap());
        Vault::new(Arc::new(StoreShelf { shelf, store }), root).prove(now()).await.unwrap();
        check(&told(&server).await, "ok root key: it opens the shelf");
        std::fs::remove_file(&path).unwrap();
        FileRootKey::create(&path).unwrap();
        check(&told(&server).await, "wrong root key: it does not open the shelf");
    }
}
