//! The program is killed while it writes, over and over, and nothing that it acknowledged is lost, nothing is half
//! written.
//!
//! The real binary serves a site; writers change values of several customers and organizations at once; SIGKILL ends
//! it after a seeded time; started again, it must show, for every field, the last acknowledged value or a later one
//! that was tried, with a history that says the same. Now and then the databases are looked at from inside, while
//! nobody serves. `STEWARD_KILLS` lowers the number of kills for a laptop. Start at [`kill_over_and_over`].

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kernel::{Clock, Cx, ManualClock, SystemClock, TenantId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Method;
use serde_json::{Value, json};
use steward::config::Config;
use steward::{demo, program};
use store::{Store, StoreUrl, args, changes, ledger, tenants};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::{Mutex, Notify};
use vault::FileRootKey;

use crate::databases::Database;
use crate::world;

/// Kills of each database's program; fewer only where `STEWARD_KILLS` says so.
const KILLS: u32 = 200;
/// From a round's first acknowledgement to the kill: from the middle of the next commits to some dozen commits later.
const MILLIS: RangeInclusive<u64> = 3..=60;
/// Owners written to in one round; the first of them by two writers who compete.
const WRITTEN_AT_ONCE: usize = 6;
/// Customers who take part; each one's first value also makes a key of theirs on the shelf.
const CUSTOMERS: usize = 30;
/// Rounds between two looks into the databases.
const LOOK_EVERY: u32 = 10;
/// Fields of an owner: the first is written alone, the others always together.
const FIELDS: usize = 3;
/// Longer than a page of a database, so that a write touches several.
const LONG: usize = 5_000;
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

#[derive(Default)]
struct Tally {
    kills: u32,
    acknowledged: usize,
    unanswered: usize,
    durable: usize,
    starting: Vec<Duration>,
}

/// A customer or an organization.
struct Owner {
    entity: &'static str,
    path: String,
    fields: [String; FIELDS],
    /// What was found in its history so far, oldest first.
    log: Vec<Change>,
    /// What was tried since.
    attempts: Vec<Attempt>,
}

/// One entry of a history: the change's id, which is the value's version too, of which field, and to which number.
#[derive(Clone, Debug, PartialEq)]
struct Change {
    id: i64,
    place: usize,
    number: u64,
}

/// One write: of one field, or of two at once.
#[derive(Debug)]
struct Attempt {
    places: &'static [usize],
    /// No other write has it.
    number: u64,
    /// The versions that were answered, as far as the answer showed this write and not a later one; none if the
    /// program was killed before it answered.
    versions: Option<Vec<Option<i64>>>,
}

const ALONE: &[usize] = &[0];
const TOGETHER: &[usize] = &[1, 2];

/// The text that a write of this number puts into a field: no two are alike in any part.
fn text(place: usize, number: u64) -> String {
    let word = format!("{number}.{place} ");
    let text = if place == 0 { word.repeat(10) } else { word.repeat(LONG / word.len()) };
    text.trim_end().to_owned()
}

/// The number of the write that a value is of, checked to the last letter; none for an empty one.
fn number(place: usize, value: &Value) -> Option<u64> {
    let standing = value.as_str()?;
    let number = standing.split('.').next().unwrap().parse().unwrap();
    assert_eq!(standing, text(place, number), "a value is mixed");
    Some(number)
}

/// Somebody's way to the API.
#[derive(Clone)]
struct Api {
    client: reqwest::Client,
    origin: String,
    token: String,
}

impl Api {
    /// Status and body. An answer that breaks off is none.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        version: Option<i64>,
        body: Value,
    ) -> reqwest::Result<(u16, Value)> {
        let mut request = self.client.request(method, format!("{}{path}", self.origin)).bearer_auth(&self.token);
        if let Some(version) = version {
            request = request.header("if-match", format!("\"v{version}\""));
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        Ok((status, serde_json::from_slice(&answer.bytes().await?).unwrap_or(Value::Null)))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask(Method::GET, path, None, Value::Null).await.unwrap();
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let (status, body) = self.ask(Method::POST, path, None, body).await.unwrap();
        assert!(matches!(status, 200 | 201), "{path}: {status} {body}");
        body
    }

    /// An owner's history after a change, oldest first, each with the number that it was changed from.
    async fn history(&self, owner: &Owner, after: i64) -> Vec<(Change, Option<u64>)> {
        let mut found = Vec::new();
        let mut cursor = Some(String::new());
        while let Some(next) = cursor {
            let page = self.get(&format!("{}/history?limit=100{next}", owner.path)).await;
            cursor = page["nextCursor"].as_str().map(|next| format!("&cursor={next}"));
            for item in page["items"].as_array().unwrap() {
                let id = item["id"].as_str().unwrap().parse().unwrap();
                if id <= after {
                    cursor = None;
                    break;
                }
                let place = owner.fields.iter().position(|field| item["fieldId"] == **field).unwrap();
                let to = number(place, &item["to"]).expect("nobody empties a field here");
                found.push((Change { id, place, number: to }, number(place, &item["from"])));
            }
        }
        found.reverse();
        found
    }
}

/// The program, serving in a process of its own.
struct Serving {
    child: tokio::process::Child,
    log: tokio::task::JoinHandle<Vec<String>>,
}

impl Serving {
    /// Kills it, and fails if it had ended by itself or had something serious to say.
    async fn kill(mut self) {
        self.child.start_kill().unwrap();
        let status = self.child.wait().await.unwrap();
        let log = self.log.await.unwrap();
        assert_eq!(status.signal(), Some(9), "{log:#?}");
        let serious: Vec<_> =
            log.iter().filter(|line| line.contains("\"ERROR\"") || line.contains("panicked")).collect();
        assert!(serious.is_empty(), "{serious:#?}");
    }
}

/// Writes to one owner until the program does not answer any more.
struct Writer {
    api: Api,
    path: String,
    fields: [String; FIELDS],
    versions: [i64; FIELDS],
    numbers: Arc<AtomicU64>,
    random: StdRng,
    killed: Arc<AtomicBool>,
    acknowledged: Arc<Notify>,
}

impl Writer {
    async fn run(mut self) -> Vec<Attempt> {
        let mut attempts = Vec::new();
        loop {
            let number = self.numbers.fetch_add(1, Ordering::Relaxed);
            let places = if self.random.random_bool(0.5) { ALONE } else { TOGETHER };
            match self.write(places, number).await {
                Ok((200, body)) => {
                    attempts.push(Attempt { places, number, versions: Some(self.learn(places, number, &body)) });
                    self.acknowledged.notify_one();
                }
                // The one who competes was faster: nothing was written.
                Ok((412, _)) => match self.api.ask(Method::GET, &self.path, None, Value::Null).await {
                    Ok((200, body)) => drop(self.learn(places, number, &body)),
                    Ok((status, body)) => panic!("{status} {body}"),
                    Err(error) => return self.ended(&error, attempts),
                },
                Ok((status, body)) => panic!("a write was answered with {status}: {body}"),
                Err(error) => {
                    attempts.push(Attempt { places, number, versions: None });
                    return self.ended(&error, attempts);
                }
            }
        }
    }

    fn ended(&self, error: &reqwest::Error, attempts: Vec<Attempt>) -> Vec<Attempt> {
        assert!(self.killed.load(Ordering::SeqCst), "the program failed before it was killed: {error:?}");
        attempts
    }

    async fn write(&self, places: &[usize], number: u64) -> reqwest::Result<(u16, Value)> {
        if let [place] = places {
            let path = format!("{}/{}", self.path, self.fields[*place]);
            return self
                .api
                .ask(Method::PUT, &path, Some(self.versions[*place]), json!({"value": text(*place, number)}))
                .await;
        }
        let values: serde_json::Map<_, _> =
            places.iter().map(|place| (self.fields[*place].clone(), json!(text(*place, number)))).collect();
        let version = self.versions.iter().max().copied();
        self.api.ask(Method::PATCH, &self.path, version, json!({"values": values})).await
    }

    /// Takes the versions from an answer: one value, or all of them. Answers those of this write: beside a competitor,
    /// what stands may be newer.
    fn learn(&mut self, places: &[usize], number: u64, body: &Value) -> Vec<Option<i64>> {
        let values = body["values"].as_array().map_or(std::slice::from_ref(body), Vec::as_slice);
        let of = |place: &usize| values.iter().find(|value| value["fieldId"] == self.fields[*place]);
        let learned: Vec<_> =
            (0..FIELDS).map(|place| of(&place).map(|value| value["version"].as_i64().unwrap())).collect();
        let own = |place: &usize| {
            let value = of(place)?;
            (value["value"] == text(*place, number)).then(|| value["version"].as_i64().unwrap())
        };
        let own = places.iter().map(own).collect();
        for (version, learned) in self.versions.iter_mut().zip(learned) {
            *version = learned.unwrap_or(*version);
        }
        own
    }
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

fn toml(config: &Config) -> String {
    let (server, data, forge) = (&config.server, &config.data, &config.forge);
    format!(
        "[server]\norigin = \"{}\"\nlisten = \"{}\"\n[data]\ndirectory = {:?}\nroot_key = {:?}\n\
         [forge]\napps = {:?}\njwks = \"{}\"\napi_bases = [\"{}\"]\ngraphql = \"{}\"\n[network]\nallow_loopback = true\n",
        server.origin,
        server.listen,
        data.directory,
        data.root_key,
        forge.apps,
        forge.jwks,
        forge.api_bases[0],
        forge.graphql,
    )
}

impl Experiment {
    async fn start(databases: Vec<Database>, seed: u64) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        FileRootKey::create(&folder.path().join("root.key")).unwrap();
        // On the system's clock, as the program; its limits would only make jobs wait.
        let jira = sandbox::Config {
            source: sandbox::Source::Demo(1),
            faults: sandbox::Faults::none(),
            rate_limits: sandbox::RateLimits { enabled: false, ..Default::default() },
            contract: world::specs(),
            ..Default::default()
        };
        let jira = sandbox::start(jira).await.unwrap();
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

    /// Starts the program and waits until it says that it serves.
    async fn serve(&mut self) -> Serving {
        self.let_go().await;
        let began = Instant::now();
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_steward"));
        command.arg("serve").arg("--config").arg(&self.file);
        // Whatever is set for tests is unknown to the program, which would refuse it.
        for (variable, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STEWARD_")) {
            command.env_remove(variable);
        }
        for (variable, url) in
            [("STEWARD_DATA__DATABASE", self.config.store_url()), ("STEWARD_DATA__SHELF", self.config.shelf_url())]
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
        let ready = self.api.get("/readyz").await;
        self.tally.starting.push(began.elapsed());
        assert_eq!(ready["database"], true, "{ready}");
        if self.session_made.elapsed() > SESSION_TIME {
            self.api.token = self.session("agent", "customers-page").await.token;
            self.session_made = Instant::now();
        }
        Serving { child, log }
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
        for place in written {
            let owner = &mut self.owners[*place];
            let after = owner.log.last().map_or(0, |change| change.id);
            let changes = self.api.history(owner, after).await;
            owner.settle(&changes, &mut self.tally);
            owner.stands(&self.api.get(&format!("{}/values", owner.path)).await);
        }
    }

    /// Reads every history anew, from its beginning.
    async fn retrace(&mut self) {
        for owner in &mut self.owners {
            let known = std::mem::take(&mut owner.log);
            owner.follow(&self.api.history(owner, 0).await);
            assert_eq!(owner.log, known);
            owner.stands(&self.api.get(&format!("{}/values", owner.path)).await);
        }
    }

    /// Looks into the databases while nobody serves. What PostgreSQL keeps of its own files is its affair: it was not
    /// killed.
    async fn look_inside(&mut self, goes_on: bool) {
        let store = self.store().await;
        let shelf = Store::open(&self.config.shelf_url(), program::shelf_registry()).await.unwrap();
        if self.databases.is_empty() {
            for store in [&store, &shelf] {
                let mut server = store.server_read().await.unwrap();
                let sound = server.row("PRAGMA integrity_check", Vec::new()).await.unwrap().unwrap();
                assert_eq!(sound.text("integrity_check").unwrap(), "ok");
                assert!(server.row("PRAGMA foreign_key_check", Vec::new()).await.unwrap().is_none());
            }
        }
        let tenant = tenants::list::<host::Site>(&store, TenantId::SERVER, 2).await.unwrap().first().unwrap().id;
        let changes = self.rows_agree(&store, tenant).await;
        if !goes_on {
            assert_eq!(changes, self.owners.iter().map(|owner| owner.log.len()).sum::<usize>());
        }
        self.look_at_jobs(&store, goes_on).await;
        store.close().await;
        shelf.close().await;
    }

    /// Each value has exactly its history, and the change sequence and the ledger say the same. Answers how many
    /// changes there are.
    async fn rows_agree(&self, store: &Store, tenant: TenantId) -> usize {
        const ROWS: [(&str, &str, &str); 2] = [
            (
                "customer",
                "SELECT owner, field, version FROM customer_value WHERE tenant = $1",
                "SELECT owner, field, id AS version FROM customer_history WHERE tenant = $1 ORDER BY id",
            ),
            (
                "organization",
                "SELECT owner, field, version FROM organization_value WHERE tenant = $1",
                "SELECT owner, field, id AS version FROM organization_history WHERE tenant = $1 ORDER BY id",
            ),
        ];
        let actor = kernel::Actor::System("test");
        let cx =
            Cx::mint(tenant, actor, kernel::Standing::default(), Arc::new(SystemClock), kernel::RequestId::fresh());
        let mut scoped = store.read(&cx).await.unwrap();
        let (mut last, mut versions) = (BTreeMap::new(), BTreeSet::new());
        for (entity, values, histories) in ROWS {
            let mut newest = [BTreeMap::new(), BTreeMap::new()];
            for (newest, words) in newest.iter_mut().zip([values, histories]) {
                for row in scoped.rows(words, Vec::new()).await.unwrap() {
                    let (owner, version) = (row.text("owner").unwrap(), row.int("version").unwrap());
                    newest.insert((owner.clone(), row.uuid("field").unwrap()), version);
                    if words == histories {
                        assert!(versions.insert(version), "two changes of one version");
                        last.insert((entity.to_owned(), owner), version);
                    }
                }
            }
            let [values, histories] = newest;
            assert_eq!(values, histories, "a value is not what its history ends with");
        }
        let mut noted = changes::since(&mut scoped, 0, u32::MAX).await.unwrap();
        let sequence = noted.last().unwrap().seq;
        noted.retain(|change| ["customer", "organization"].contains(&change.kind.as_str()));
        let noted: BTreeMap<_, _> =
            noted.into_iter().map(|change| ((change.kind, change.row_id), change.seq)).collect();
        assert_eq!(noted, last, "the change sequence does not say what the histories say");
        let entries = ledger::list(&mut scoped, 0, u32::MAX).await.unwrap();
        assert_eq!(ledger::first_break(&entries), None);
        let written = entries.iter().filter(|entry| entry.kind == "customers.value_set").count();
        assert_eq!(written, versions.len(), "the ledger does not have each change once");
        let head = "SELECT ledger_seq, ledger_hash, change_seq FROM tenant WHERE tenant = $1";
        let head = scoped.row(head, Vec::new()).await.unwrap().unwrap();
        assert_eq!(head.int("change_seq").unwrap(), sequence);
        assert_eq!(head.int("ledger_seq").unwrap(), i64::try_from(entries.len()).unwrap());
        assert_eq!(head.bytes("ledger_hash").unwrap(), entries.last().unwrap().hash);
        versions.len()
    }

    /// No job vanished, none was laid aside, and a schedule moved if and only if its job is there. While it goes on,
    /// all schedules are made due, so that their jobs begin, and are killed too.
    async fn look_at_jobs(&mut self, store: &Store, goes_on: bool) {
        let mut server = store.server_write().await.unwrap();
        let mut jobs = BTreeMap::new();
        for row in server.rows("SELECT kind, key, state FROM job", Vec::new()).await.unwrap() {
            let key = (row.text("kind").unwrap(), row.text("key").unwrap());
            jobs.insert(key, row.text("state").unwrap());
        }
        let lost: Vec<_> = self.jobs.iter().filter(|known| !jobs.contains_key(known)).collect();
        assert!(lost.is_empty(), "jobs are lost: {lost:?}");
        let wrong = |state: &String| if goes_on { state == "dead" } else { state != "done" };
        assert!(!jobs.values().any(wrong), "{jobs:#?}");
        let mut schedules = BTreeMap::new();
        for row in server.rows("SELECT name, next_at FROM schedule", Vec::new()).await.unwrap() {
            schedules.insert(row.text("name").unwrap(), row.int("next_at").unwrap());
        }
        for (name, due) in &self.due {
            let moved = schedules.get(name).expect("a schedule is lost") != due;
            assert_eq!(jobs.contains_key(&(name.clone(), format!("schedule {due}"))), moved, "{name}");
        }
        if goes_on {
            let now = SystemClock.now();
            server.run("UPDATE schedule SET next_at = $1", args![now]).await.unwrap();
            self.due = schedules.into_keys().map(|name| (name, kernel::micros(now))).collect();
        }
        self.jobs = jobs.into_keys().collect();
        server.commit().await.unwrap();
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

impl Owner {
    /// Number and version of what stands, by its history.
    fn standing(&self) -> [Option<(u64, i64)>; FIELDS] {
        let mut standing = [None; FIELDS];
        for change in &self.log {
            standing[change.place] = Some((change.number, change.id));
        }
        standing
    }

    /// Takes further changes into the log: each goes on from what stood, under a greater id.
    fn follow(&mut self, changes: &[(Change, Option<u64>)]) {
        let mut standing = self.standing();
        for (change, from) in changes {
            let before = standing[change.place].replace((change.number, change.id));
            assert_eq!(*from, before.map(|(number, _)| number), "the history is broken at {change:?}");
            assert!(self.log.last().is_none_or(|last| last.id < change.id), "{change:?}");
            self.log.push(change.clone());
        }
    }

    /// Finds every acknowledged write among the new changes, every other one whole or not at all, and nothing else.
    fn settle(&mut self, changes: &[(Change, Option<u64>)], tally: &mut Tally) {
        self.follow(changes);
        let mut explained = 0;
        for attempt in std::mem::take(&mut self.attempts) {
            let found = |place: &usize| {
                let own = |change: &Change| change.place == *place && change.number == attempt.number;
                changes.iter().find(|(change, _)| own(change)).map(|(change, _)| change.id)
            };
            let found: Vec<Option<i64>> = attempt.places.iter().map(found).collect();
            let whole = found.iter().all(Option::is_some);
            explained += found.iter().flatten().count();
            match &attempt.versions {
                Some(versions) => {
                    tally.acknowledged += 1;
                    assert!(whole, "an acknowledged write is lost: {attempt:?}, found {found:?} of {}", self.path);
                    let differs = |(version, found)| Option::is_some(version) && version != found;
                    assert!(!versions.iter().zip(&found).any(differs), "{attempt:?}, found {found:?}");
                }
                None => {
                    tally.unanswered += 1;
                    tally.durable += usize::from(whole);
                    assert!(whole || found.iter().all(Option::is_none), "half written: {attempt:?}, found {found:?}");
                }
            }
        }
        assert_eq!(explained, changes.len(), "nobody tried this: {changes:?}");
    }

    /// What is shown is what the history ends with.
    fn stands(&self, shown: &Value) {
        let standing = self.standing();
        for (place, field) in self.fields.iter().enumerate() {
            let value = shown["values"].as_array().unwrap().iter().find(|value| value["fieldId"] == **field);
            let value =
                value.map(|value| (number(place, &value["value"]).unwrap(), value["version"].as_i64().unwrap()));
            assert_eq!(value, standing[place], "{} {field}", self.path);
        }
        assert_eq!(shown["version"], standing.iter().flatten().map(|(_, version)| *version).max().unwrap_or(0));
    }
}
