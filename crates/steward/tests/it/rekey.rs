//! A root key in a real OpenBao, and the way there and back: `steward rekey`, killed in the middle; a service that goes
//! away while the program serves; a start without it.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use kernel::{
    Audience, Clock, Column, DataClass, Export, KeyClass, Kind, ManualClock, Retention, RowName, Sealed, SystemClock,
    TenantId, sealed_column,
};
use steward::config::Config;
use steward::keys::RootKeys;
use steward::program::{Parts, Program};
use vault::{FileRootKey, Place, Subject};

use crate::openbao::{Bao, Key, Wire};
use crate::world;

/// Tenants whose keys move: with those of the server some dozen keys.
const TENANTS: usize = 30;

static VALUE: DataClass = DataClass {
    name: "value",
    purpose: "Something to seal.",
    audience: Audience::Tenant,
    retention: Retention::Tenancy,
    regional: true,
    export: Export::Never,
};
static TEXT: Column = sealed_column("note", "text", KeyClass::Data, &VALUE);

fn place() -> Place {
    Place::new(&TEXT, RowName::new().text("1"))
}

/// A server's folder, its site, and what it sealed.
pub(crate) struct Server {
    pub(crate) folder: tempfile::TempDir,
    jira: sandbox::Running,
    sealed: Mutex<Vec<(TenantId, Sealed<String>)>>,
}

/// The root key in a file.
pub(crate) const FILE: &str = "[data]\nroot_key = \"ROOT\"\n";

impl Server {
    pub(crate) async fn new() -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        FileRootKey::create(&folder.path().join("root.key")).unwrap();
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let jira = world::site(&clock, "rekey", None).await;
        Self { folder, jira, sealed: Mutex::default() }
    }

    /// Writes a configuration whose root keys are these lines; `[data]` begins them.
    pub(crate) fn configure(&self, name: &str, root_keys: &str) -> PathBuf {
        let data = self.folder.path().join("data");
        let root = self.folder.path().join("root.key");
        let root_keys = root_keys.replace("ROOT", root.to_str().unwrap());
        let lines = root_keys.replacen("[data]", &format!("[data]\ndirectory = {data:?}"), 1);
        let site = self.jira.url();
        let text = format!(
            "{lines}\n[server]\norigin = \"http://127.0.0.1:9\"\nlisten = \"127.0.0.1:0\"\n\
             [forge]\napps = [\"{}\"]\njwks = \"{}\"\napi_bases = [\"{site}/ex/jira/\"]\ngraphql = \"{site}/graphql\"\n\
             [network]\nallow_loopback = true\n",
            steward::demo::app_id().unwrap(),
            self.jira.forge().jwks_url(),
        );
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    async fn open(&self, file: &Path, clock: &Arc<ManualClock>) -> Result<Program, kernel::Fault> {
        let config = Config::read(file).unwrap();
        Program::open(&config, Parts::of(&config, clock.clone()).unwrap()).await
    }

    /// Seals something for each tenant.
    async fn seal(&self, file: &Path) {
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let program = self.open(file, &clock).await.unwrap();
        for _ in 0..TENANTS {
            let tenant = TenantId::fresh();
            let keys = program.vault.keys_of(tenant, KeyClass::Data, Subject::Tenant, clock.now()).await.unwrap();
            self.sealed.lock().unwrap().push((tenant, keys.seal(&place(), &"hello".to_owned()).unwrap()));
        }
        program.close().await.unwrap();
    }

    /// Everything that was sealed opens with the root keys of this configuration.
    async fn opens(&self, file: &Path) {
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let program = self.open(file, &clock).await.unwrap();
        let sealed: Vec<_> =
            self.sealed.lock().unwrap().iter().map(|(tenant, sealed)| (*tenant, sealed.as_bytes().to_vec())).collect();
        for (tenant, sealed) in sealed {
            let keys = program.vault.keys_of(tenant, KeyClass::Data, Subject::Tenant, clock.now()).await.unwrap();
            let sealed: Sealed<String> = Sealed::from_stored(sealed);
            assert_eq!(keys.open(&place(), &sealed).unwrap().peek(), "hello");
        }
        program.close().await.unwrap();
    }

    /// How many wrapped keys name a root key that begins so.
    async fn under(&self, name: &str) -> usize {
        let url = store::StoreUrl::Sqlite(self.folder.path().join("data/shelf.db"));
        let shelf = store::Store::open(&url, steward::program::shelf_registry()).await.unwrap();
        let rows = store::shelf::wraps(&shelf, (TenantId::SERVER, "", 0), 1000).await.unwrap();
        shelf.close().await;
        rows.iter().filter(|row| row.wrapped[2..].starts_with(name.as_bytes())).count()
    }
}

fn rekey(file: &Path) -> tokio::process::Child {
    tokio::process::Command::new(env!("CARGO_BIN_EXE_steward"))
        .arg("rekey")
        .arg("--config")
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

async fn rekeyed(file: &Path) -> Output {
    let output = rekey(file).wait_with_output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn section(name: &str, key: &Key<'_>, wire: Option<&Wire>) -> String {
    format!("[data.{name}]\n{}", key.toml(wire))
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_move_to_a_service_and_back_whatever_stops_it() {
    let Some(bao) = Bao::here() else { return };
    let (key, server) = (bao.key().await, Server::new().await);
    let file = server.configure("file.toml", FILE);
    server.seal(&file).await;
    let all = server.under("file:").await;
    assert!(all > TENANTS);

    // The process that is to end, and after which piece on its way to the service.
    let victim: Arc<Mutex<Option<u32>>> = Arc::default();
    let after = Arc::new(AtomicUsize::new(usize::MAX));
    let (at, pid) = (after.clone(), victim.clone());
    let wire = Wire::lay(&bao, move |pieces| {
        if pieces >= at.load(Ordering::SeqCst)
            && let Some(pid) = pid.lock().unwrap().take()
        {
            let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
    })
    .await;
    let there = format!("[data]\nformer_root_key = \"ROOT\"\n{}", section("root_key_service", &key, Some(&wire)));
    let there = server.configure("there.toml", &there);
    let mut moved = 0;
    for pieces in [3, 7, 9, 11] {
        after.store(wire.pieces.load(Ordering::SeqCst) + pieces, Ordering::SeqCst);
        let child = rekey(&there);
        *victim.lock().unwrap() = child.id();
        let output = child.wait_with_output().await.unwrap();
        assert!(!output.status.success(), "it was not killed: {}", String::from_utf8_lossy(&output.stdout));
        let left = server.under("file:").await;
        assert!(left > 0 && left <= all - moved, "{moved} {left} {all}");
        moved = all - left;
        assert_eq!(server.under("transit:").await + left, server.under("").await, "a key is under neither");
        // The server opens both kinds meanwhile; its ledger makes a key of its own the first time.
        server.opens(&there).await;
    }
    assert!(moved > 0, "nothing was moved before a kill");
    let all = server.under("").await;
    after.store(usize::MAX, Ordering::SeqCst);
    let told = String::from_utf8(rekeyed(&there).await.stdout).unwrap();
    assert!(told.contains(&format!("of {all} keys")) && told.contains("former_root_key"), "{told}");
    assert_eq!(server.under("transit:").await, all);
    assert!(String::from_utf8(rekeyed(&there).await.stdout).unwrap().starts_with("The keys move to transit:"));

    // The service alone, over TLS; then a newer version of its key, and the older one shut.
    let alone = server.configure("alone.toml", &format!("[data]\n{}", section("root_key_service", &key, None)));
    server.opens(&alone).await;
    key.rotate().await;
    server.opens(&alone).await;
    rekeyed(&alone).await;
    key.shut_before(2).await;
    server.opens(&alone).await;

    // And back to the file, which by then opens nothing.
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let fault = server.open(&file, &clock).await.err().unwrap();
    assert!(fault.private_source().unwrap().to_string().contains("transit:"));
    let back = format!("[data]\nroot_key = \"ROOT\"\n{}", section("former_root_key_service", &key, None));
    let back = server.configure("back.toml", &back);
    rekeyed(&back).await;
    assert_eq!((server.under("file:").await, server.under("transit:").await), (all, 0));
    server.opens(&file).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_goes_on_without_its_key_service_and_does_not_start_without() {
    let Some(bao) = Bao::here() else { return };
    let (key, server) = (bao.key().await, Server::new().await);
    let wire = Wire::lay(&bao, |_| {}).await;
    let file = server.configure("wire.toml", &format!("[data]\n{}", section("root_key_service", &key, Some(&wire))));
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let program = server.open(&file, &clock).await.unwrap();
    let keys_of = async |tenant| program.vault.keys_of(tenant, KeyClass::Data, Subject::Tenant, clock.now()).await;
    let (known, unknown) = (TenantId::fresh(), TenantId::fresh());
    let sealed = keys_of(known).await.unwrap().seal(&place(), &"hello".to_owned()).unwrap();

    wire.cut();
    clock.advance(std::time::Duration::from_secs(3 * 3600));
    assert_eq!(keys_of(known).await.unwrap().open(&place(), &sealed).unwrap().peek(), "hello");
    // Of a person whose keys were never derived here: the tenant's own are in memory.
    let person = kernel::AccountId::new("alice").unwrap();
    program.vault.keys_of(known, KeyClass::Data, Subject::Person(&person), clock.now()).await.unwrap();
    let fault = keys_of(unknown).await.err().unwrap();
    assert_eq!((fault.kind(), fault.code()), (Kind::Busy, "root_key_unavailable"));
    assert!(program.vault.versions(unknown, KeyClass::Data).await.unwrap().is_empty());
    // A second node cannot start, and says why.
    let fault = server.open(&file, &clock).await.err().unwrap();
    assert!(fault.private_source().unwrap().to_string().contains(&wire.address), "it does not say where");
    wire.mend();
    keys_of(unknown).await.unwrap();

    // What was asked of the service is on the ledger.
    program.host().door.flush().await.unwrap();
    let lines = store::outward::list(&program.store, TenantId::SERVER, 100).await.unwrap();
    let asked: i64 = lines.iter().filter(|line| line.purpose == "operator.key_service").map(|line| line.calls).sum();
    assert!(asked >= 5, "{asked}");
    program.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_root_key_twice_is_refused() {
    let server = Server::new().await;
    let file = server.configure("twice.toml", "[data]\nroot_key = \"ROOT\"\nformer_root_key = \"ROOT\"\n");
    let config = Config::read(&file).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let told = RootKeys::open(&config.data, &clock).err().unwrap().to_string();
    assert!(told.contains("former root key is the one that wraps"), "{told}");
}
