//! The program is killed while it writes, over and over, and nothing that it acknowledged is lost, nothing is half
//! written.
//!
//! The real binary serves a site; writers change values of several customers and organizations at once; SIGKILL ends
//! it after a seeded time; started again, it must show, for every field, the last acknowledged value or a later one
//! that was tried, with a history that says the same. Now and then the databases are looked at from inside, while
//! nobody serves. `STEWARD_KILLS` sets another number of kills: few on a laptop, 200 before a release. Start at
//! [`kill_over_and_over`].

mod batches;
mod full;
mod importing;
mod inside;
mod making;
mod merging;
mod owners;
mod sending;
mod taken_over;
mod writers;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kernel::{Clock, ManualClock, SystemClock};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use steward::config::Config;
use steward::{demo, program};
use store::{Store, StoreUrl};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::{Mutex, Notify};
use vault::FileRootKey;

use crate::databases::Database;
use crate::world;

use owners::Owner;
use writers::{Api, Writer};

/// Kills of each database's program, unless `STEWARD_KILLS` says another number: as many as fit the time that CI has on a slow
/// machine.
const KILLS: u32 = 80;
/// From a round's first acknowledgement to the kill: from the middle of the next commits to some dozen commits later.
const MILLIS: RangeInclusive<u64> = 3..=60;
/// From a start with schedules due to the kill.
const START_MILLIS: RangeInclusive<u64> = 0..=30;
/// Owners written to in one round; the first of them by two writers who compete.
const WRITTEN_AT_ONCE: usize = 6;
/// Customers who take part; each one's first value also makes a key of theirs on the shelf.
const CUSTOMERS: usize = 30;
/// Rounds between two looks into the databases.
const LOOK_EVERY: u32 = 10;
/// Fields of an owner: the first is written alone, the others always together.
const FIELDS: usize = 3;
/// After this a session, good for ten minutes, is made anew.
const SESSION_TIME: Duration = Duration::from_secs(300);
/// A job that was killed is taken up again when its lease has ended.
const PAST_ANY_LEASE: Duration = Duration::from_secs(600);
/// What hangs for so long fails; nothing is measured by it.
const HANGS: Duration = Duration::from_secs(60);

/// One at a time: each needs the whole machine to be in the middle of something when it is killed.
static TURN: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    kill_over_and_over("SQLite", Vec::new(), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres() {
    if let Some(main) = Database::postgres().await {
        let shelf = Database::postgres().await.unwrap();
        kill_over_and_over("PostgreSQL", vec![main, shelf], 2).await;
    }
}

fn kills() -> u32 {
    let Ok(fewer) = std::env::var("STEWARD_KILLS") else { return KILLS };
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "STEWARD_KILLS is for laptops");
    fewer.parse().unwrap()
}

async fn kill_over_and_over(name: &str, databases: Vec<Database>, seed: u64) {
    let _turn = TURN.lock().await;
    let began = Instant::now();
    let mut experiment = Experiment::start(databases, seed).await;
    let mut serving = experiment.join().await;
    for round in 1..=kills() {
        let written = experiment.write_until_killed(serving).await;
        if round % LOOK_EVERY == 0 {
            experiment.look_inside(true).await;
            experiment.kill_at_its_start().await;
        }
        serving = experiment.serve().await;
        experiment.verify(&written).await;
    }
    experiment.retrace().await;
    experiment.kill(serving).await;
    experiment.finish_jobs().await;
    experiment.look_inside(false).await;
    let Tally { kills, acknowledged, unanswered, durable, starting } = &experiment.tally;
    let slowest = starting.iter().max().unwrap();
    let mean = starting.iter().sum::<Duration>() / u32::try_from(starting.len()).unwrap();
    eprintln!(
        "{name}: {kills} kills while writing, {acknowledged} writes acknowledged, {unanswered} unanswered of which \
         {durable} were durable; ready after {mean:.0?}, {slowest:.0?} at most; {:.0?} in all",
        began.elapsed()
    );
    experiment.end().await;
}

/// The program, serving in a process of its own.
pub(crate) struct Serving {
    child: tokio::process::Child,
    log: tokio::task::JoinHandle<Vec<String>>,
}

impl Serving {
    /// Kills it, and fails if it had ended by itself or had something serious to say.
    pub(crate) async fn kill(mut self) {
        self.child.start_kill().unwrap();
        let status = self.child.wait().await.unwrap();
        let log = self.log.await.unwrap();
        assert_eq!(status.signal(), Some(9), "{log:#?}");
        fine(&log);
    }

    /// Kills it, whatever it had to say.
    async fn dies(mut self) {
        self.child.start_kill().unwrap();
        self.child.wait().await.unwrap();
    }

    /// Asks it to stop, as a service manager does, and waits until it has: it ends well, and has nothing serious to say.
    pub(crate) async fn stop(mut self) {
        let pid = rustix::process::Pid::from_raw(self.child.id().unwrap().try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let status = tokio::time::timeout(HANGS, self.child.wait()).await.expect("it does not stop").unwrap();
        let log = self.log.await.unwrap();
        assert!(status.success(), "{status}: {log:#?}");
        fine(&log);
    }
}

/// Fails where a log has something serious to say.
fn fine(log: &[String]) {
    let serious: Vec<_> = log.iter().filter(|line| line.contains("\"ERROR\"") || line.contains("panicked")).collect();
    assert!(serious.is_empty(), "{serious:#?}");
}

#[derive(Default)]
struct Tally {
    kills: u32,
    acknowledged: usize,
    unanswered: usize,
    durable: usize,
    starting: Vec<Duration>,
}

struct Experiment {
    config: Config,
    file: PathBuf,
    databases: Vec<Database>,
    jira: sandbox::Running,
    api: Api,
    session_made: Instant,
    owners: Vec<Owner>,
    numbers: Arc<AtomicU64>,
    random: StdRng,
    /// Jobs that were seen, by kind and key: none of them may vanish.
    jobs: BTreeSet<(String, String)>,
    /// When each schedule was last made due.
    due: BTreeMap<String, i64>,
    tally: Tally,
    /// The last to go.
    _folder: tempfile::TempDir,
}

/// A port below those that the system hands out by itself, so that nobody takes it while the program is down.
fn address() -> SocketAddr {
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    let mut tried = (first..first + 1_000).map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    tried.find(|address| std::net::TcpListener::bind(address).is_ok()).unwrap()
}

pub(crate) fn toml(config: &Config) -> String {
    let (server, data, forge) = (&config.server, &config.data, &config.forge);
    let objects = config.objects.directory.as_ref().map(|folder| format!("[objects]\ndirectory = {folder:?}\n"));
    format!(
        "[server]\norigin = \"{}\"\nlisten = \"{}\"\nbehind_proxy = {}\n[data]\ndirectory = {:?}\nroot_key = {:?}\n{}\
         [forge]\napps = {:?}\njwks = \"{}\"\napi_bases = [\"{}\"]\ngraphql = \"{}\"\n[network]\nallow_loopback = true\n\
         # Several writers share a session, as fast as they can.\n[api]\nrequests_per_minute = 60000\n",
        server.origin,
        server.listen,
        server.behind_proxy,
        data.directory,
        data.root_key.as_ref().unwrap(),
        objects.unwrap_or_default(),
        forge.apps,
        forge.jwks,
        forge.api_bases[0],
        forge.graphql,
    )
}

/// Starts the program with a file of settings, on the databases of `config`, and waits until it says that it serves.
pub(crate) async fn launch(file: &Path, config: &Config) -> Serving {
    launch_by(tokio::process::Command::new(env!("CARGO_BIN_EXE_steward")), file, config).await
}

/// The same, by a command that is the program's name, or ends with it.
async fn launch_by(mut command: tokio::process::Command, file: &Path, config: &Config) -> Serving {
    command.arg("serve").arg("--config").arg(file);
    // Whatever is set for tests is unknown to the program, which would refuse it.
    for (variable, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STEWARD_")) {
        command.env_remove(variable);
    }
    for (variable, url) in [("STEWARD_DATA__DATABASE", config.store_url()), ("STEWARD_DATA__SHELF", config.shelf_url())]
    {
        if let StoreUrl::Postgres(url) = url {
            command.env(variable, url);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut log = Vec::new();
    while !log.last().is_some_and(|line: &String| line.contains("\"event\":\"serving\"")) {
        let line = tokio::time::timeout(HANGS, lines.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("it does not start: {log:#?}"));
        log.push(line.unwrap().unwrap_or_else(|| panic!("it does not start: {log:#?}")));
    }
    let log = tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            log.push(line);
        }
        log
    });
    Serving { child, log }
}

impl Experiment {
    async fn start(databases: Vec<Database>, seed: u64) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        FileRootKey::create(&folder.path().join("root.key")).unwrap();
        let jira = world::site_of_its_own().await;
        let config = world::config(folder.path(), &databases, &[&jira], address());
        let file = folder.path().join("steward.toml");
        std::fs::write(&file, toml(&config)).unwrap();
        #[expect(clippy::disallowed_methods, reason = "a client of the program's own API")]
        let client = reqwest::Client::builder().no_proxy().timeout(HANGS).build().unwrap();
        let api = Api { client, origin: format!("http://{}", config.server.listen), token: String::new() };
        Self {
            config,
            file,
            databases,
            jira,
            api,
            session_made: Instant::now(),
            owners: Vec::new(),
            numbers: Arc::new(AtomicU64::new(1)),
            random: StdRng::seed_from_u64(seed),
            jobs: BTreeSet::new(),
            due: BTreeMap::new(),
            tally: Tally::default(),
            _folder: folder,
        }
    }

    /// Starts the program, once nobody else has a file of its open.
    async fn launch(&self) -> Serving {
        self.let_go().await;
        launch(&self.file, &self.config).await
    }

    /// Starts the program and waits until it is ready.
    async fn serve(&mut self) -> Serving {
        let began = Instant::now();
        let serving = self.launch().await;
        let ready = self.api.get("/readyz").await;
        self.tally.starting.push(began.elapsed());
        assert_eq!(ready["database"], true, "{ready}");
        if self.session_made.elapsed() > SESSION_TIME {
            self.api.token = self.session("agent", "customers-page").await.token;
            self.session_made = Instant::now();
        }
        serving
    }

    /// Kills the program while it makes jobs of schedules that are due, and begins them.
    async fn kill_at_its_start(&mut self) {
        let serving = self.launch().await;
        // The experiment itself, here too.
        tokio::time::sleep(Duration::from_millis(self.random.random_range(START_MILLIS))).await;
        self.kill(serving).await;
    }

    /// Kills the program and waits until nothing of it is left: PostgreSQL ends its transactions when it finds that
    /// nobody is there, and commits one whose COMMIT had arrived; a table's lock is given when they have ended.
    async fn kill(&self, serving: Serving) {
        serving.kill().await;
        if self.databases.is_empty() {
            return;
        }
        let store = self.store().await;
        for words in ["LOCK TABLE tenant", "LOCK TABLE schedule", "LOCK TABLE job"] {
            store.server_write().await.unwrap().run(words, Vec::new()).await.unwrap();
        }
        store.close().await;
    }

    async fn store(&self) -> Store {
        Store::open(&self.config.store_url(), program::registry()).await.unwrap()
    }

    /// Waits until this process has no database open: else SQLite would not recover the file when the program starts.
    async fn let_go(&self) {
        let open = || {
            let files = std::fs::read_dir("/proc/self/fd").into_iter().flatten();
            let mut files = files.filter_map(|file| file.ok()?.path().read_link().ok());
            files.any(|file| file.starts_with(&self.config.data.directory))
        };
        let gone = async {
            while open() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(HANGS, gone).await.expect("this process keeps a database open");
    }

    /// A session of somebody who opens a page.
    async fn session(&self, who: &str, module: &str) -> Api {
        let token = self.jira.page_token(who, module, None).await.unwrap();
        let made = Api { token, ..self.api.clone() }.post("/api/v1/session/bearer", json!({})).await;
        Api { token: made["token"].as_str().unwrap().to_owned(), ..self.api.clone() }
    }

    /// Installs the app, defines fields, has the directory read, and meets whoever is in it. The first program is
    /// killed too.
    async fn join(&mut self) -> Serving {
        let serving = self.serve().await;
        self.jira.forge().install(demo::app(), Some(&self.api.origin)).unwrap();
        self.jira.deliveries_settled().await;
        let admin = self.session("admin", "settings-page").await;
        let mut fields = BTreeMap::new();
        for entity in ["customer", "organization"] {
            let mut ids: [String; FIELDS] = Default::default();
            for (id, (name, kind)) in
                ids.iter_mut().zip([("Alone", "text"), ("Left", "longText"), ("Right", "longText")])
            {
                let made = admin.post("/api/v1/fields", json!({"entity": entity, "type": kind, "name": name})).await;
                made["id"].as_str().unwrap().clone_into(id);
            }
            fields.insert(entity, ids);
        }
        self.kill(serving).await;
        self.finish_jobs().await;
        let serving = self.serve().await;
        self.api = self.session("agent", "customers-page").await;
        for (entity, ids) in fields {
            let page = self.api.get(&format!("/api/v1/{entity}s?limit=100")).await;
            for item in page["items"].as_array().unwrap().iter().take(CUSTOMERS) {
                let id = item.get("accountId").or(item.get("id")).unwrap().as_str().unwrap().to_owned();
                let path = format!("/api/v1/{entity}s/{id}");
                self.owners.push(Owner { entity, path, fields: ids.clone(), log: Vec::new(), attempts: Vec::new() });
            }
        }
        assert!(self.owners.iter().map(|owner| owner.entity).collect::<BTreeSet<_>>().len() == 2);
        serving
    }

    /// Has some owners written to, and kills the program in the middle of it; answers who they are.
    async fn write_until_killed(&mut self, serving: Serving) -> Vec<usize> {
        let chosen = rand::seq::index::sample(&mut self.random, self.owners.len(), WRITTEN_AT_ONCE).into_vec();
        let (killed, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
        let mut writers = tokio::task::JoinSet::new();
        for place in chosen.iter().chain(chosen.first()).copied() {
            let owner = &self.owners[place];
            let writer = Writer {
                api: self.api.clone(),
                path: format!("{}/values", owner.path),
                fields: owner.fields.clone(),
                versions: owner.standing().map(|standing| standing.map_or(0, |(_, version)| version)),
                numbers: self.numbers.clone(),
                random: StdRng::seed_from_u64(self.random.random()),
                killed: killed.clone(),
                acknowledged: acknowledged.clone(),
            };
            writers.spawn(async move { (place, writer.run().await) });
        }
        tokio::select! {
            () = acknowledged.notified() => {}
            Some(ended) = writers.join_next() => panic!("a writer ended before the kill: {:?}", ended.err()),
        }
        // No wait for anything: when the kill comes is the experiment itself.
        tokio::time::sleep(Duration::from_millis(self.random.random_range(MILLIS))).await;
        killed.store(true, Ordering::SeqCst);
        self.kill(serving).await;
        self.tally.kills += 1;
        while let Some(ended) = writers.join_next().await {
            let (place, attempts) = ended.unwrap();
            self.owners[place].attempts.extend(attempts);
        }
        chosen
    }

    /// Compares what the program shows of these owners with what was acknowledged and what was tried.
    async fn verify(&mut self, written: &[usize]) {
        let shown = written.iter().map(async |place| {
            let owner = &self.owners[*place];
            let after = owner.log.last().map_or(0, |change| change.id);
            tokio::join!(self.api.history(owner, after), self.api.values(owner))
        });
        let shown = futures::future::join_all(shown).await;
        for (place, (changes, values)) in written.iter().zip(shown) {
            let owner = &mut self.owners[*place];
            owner.settle(&changes, &mut self.tally);
            owner.stands(&values);
        }
        // The search was written while the program died, and has each of them.
        for owner in written.iter().map(|place| &self.owners[*place]) {
            let id = owner.path.rsplit('/').next().unwrap();
            // The smallest are also the numbers of places, which are words of all values.
            for number in owner.standing().iter().flatten().map(|(number, _)| *number).filter(|number| *number > 9) {
                let found = self.api.finds(&format!("{number}+{number}")).await;
                assert!(found.iter().any(|found| found == id), "{number} of {id} is not found: {found:?}");
            }
        }
    }

    /// Reads every history anew, from its beginning.
    async fn retrace(&mut self) {
        for owner in &mut self.owners {
            let known = std::mem::take(&mut owner.log);
            owner.follow(&self.api.history(owner, 0).await);
            assert_eq!(owner.log, known);
            owner.stands(&self.api.values(owner).await);
        }
    }

    /// Does all that the killed programs left, once their leases have ended.
    async fn finish_jobs(&self) {
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let program = world::open(&self.config, &clock).await;
        let mut left = Vec::new();
        for _ in 0..10 {
            clock.advance(PAST_ANY_LEASE);
            program.runner.drain().await.unwrap();
            left = jobs::waiting(&program.store).await.unwrap();
            if left.is_empty() {
                break;
            }
        }
        assert_eq!(left, [], "jobs cannot be finished");
        program.close().await.unwrap();
    }

    async fn end(self) {
        let violations = self.jira.contract_violations();
        assert!(violations.is_empty(), "{violations:#?}");
        for database in self.databases {
            database.remove().await;
        }
        self.jira.shutdown().await;
    }
}
