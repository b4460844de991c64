//! Two nodes, processes of their own, behind a real nginx with the configuration that docs/operate.md shows. Scripts write
//! through it while nodes are killed, started, and asked to stop.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use steward::config::Config;
use steward::demo;
use tokio::sync::Semaphore;
use vault::FileRootKey;

use crate::databases::Database;
use crate::killed::{Serving, launch, toml};
use crate::world;

/// Who writes at once, each to a field of its own.
const WRITERS: usize = 4;
/// Acknowledgements of all writers together in each part of the experiment.
const WRITES: u32 = 40;
/// What hangs for so long fails; nothing is measured by it.
const HANGS: Duration = Duration::from_secs(60);

/// Addresses that are free, all different.
fn addresses<const N: usize>() -> [SocketAddr; N] {
    let taken = std::array::from_fn::<_, N, _>(|_| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    taken.map(|listener| listener.local_addr().unwrap())
}

/// nginx, if there is one.
fn nginx(folder: &Path, front: SocketAddr, nodes: [SocketAddr; 2]) -> Option<tokio::process::Child> {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operate.md");
    let manual = std::fs::read_to_string(manual).unwrap();
    let (_, shown) = manual.split_once("```nginx\n").expect("docs/operate.md shows a configuration of nginx");
    let (shown, _) = shown.split_once("```").unwrap();
    // The same, but for addresses, and without TLS, which needs a certificate.
    let kept = shown.lines().filter(|line| !line.trim_start().starts_with("ssl_")).collect::<Vec<_>>().join("\n");
    let server = kept
        .replace("listen 443 ssl;", &format!("listen {front};"))
        .replace("10.0.0.11:8443", &nodes[0].to_string())
        .replace("10.0.0.12:8443", &nodes[1].to_string());
    assert!(server.contains(&nodes[1].to_string()) && server.contains(&format!("listen {front};")), "{server}");
    let here = folder.display();
    let config = format!(
        "daemon off;\nworker_processes 1;\npid {here}/pid;\nerror_log {here}/error.log;\n\
         events {{ worker_connections 256; }}\nhttp {{\naccess_log off;\nclient_body_temp_path {here};\n\
         proxy_temp_path {here};\nfastcgi_temp_path {here};\nuwsgi_temp_path {here};\nscgi_temp_path {here};\n{server}\n}}\n"
    );
    let path = folder.join("nginx.conf");
    std::fs::write(&path, config).unwrap();
    let mut command = tokio::process::Command::new("nginx");
    command.arg("-c").arg(&path).arg("-p").arg(folder).arg("-e").arg(folder.join("error.log"));
    // A group of its own, so that its workers end with it.
    command.stdin(Stdio::null()).process_group(0).kill_on_drop(true);
    match command.spawn() {
        Ok(child) => Some(child),
        Err(_) => {
            let missing = "SKIPPED: needs nginx";
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{missing}");
            eprintln!("{missing}");
            None
        }
    }
}

#[derive(Clone)]
struct Api {
    client: reqwest::Client,
    origin: String,
    token: String,
}

impl Api {
    /// Status and body; nothing if the line broke.
    async fn ask(
        &self,
        method: reqwest::Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Option<(u16, Value)> {
        let mut request = self.client.request(method, format!("{}{path}", self.origin)).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, serde_json::from_slice(&answer.bytes().await.ok()?).unwrap_or(Value::Null)))
    }

    async fn must(&self, method: reqwest::Method, path: &str, body: Value) -> Value {
        let (status, body) = self.ask(method, path, &[], body).await.unwrap();
        assert!((200..300).contains(&status), "{path}: {status} {body}");
        body
    }
}

/// A script that writes 1, 2, 3, … to one field of a customer, and sends what was not acknowledged again, with its key.
struct Script {
    api: Api,
    customer: String,
    field: String,
    told: Arc<Semaphore>,
    unanswered: Arc<AtomicUsize>,
    end: Arc<AtomicBool>,
}

impl Script {
    /// Answers the last number, which was acknowledged.
    async fn write(&self) -> u64 {
        let mut number = 0;
        while !self.end.load(Ordering::SeqCst) {
            number += 1;
            self.acknowledged(number).await;
            self.told.add_permits(1);
        }
        number
    }

    async fn acknowledged(&self, number: u64) {
        let key = format!("{}-{number}", self.field);
        let item = json!({"accountId": self.customer, "values": {self.field.as_str(): number.to_string()}});
        loop {
            let headers = [("idempotency-key", key.as_str())];
            let ask = json!({"items": [item]});
            match self.api.ask(reqwest::Method::POST, "/api/v1/customers/values:bulk", &headers, ask).await {
                Some((200, body)) => return assert_eq!(body["items"][0]["status"], 200, "{body}"),
                // Done by a node that died before it could keep its answer: not done again, and said so.
                Some((409, body)) if body["code"] == "idempotency_answer_lost" => return,
                // A node is gone.
                None | Some((500.., _)) => {
                    self.unanswered.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                }
                // It began at a node that died, and PostgreSQL has not found out yet that nobody is left to end it: answered,
                // and asked again, perhaps until long after.
                Some((409, body)) if body["code"] == "idempotency_in_progress" => tokio::task::yield_now().await,
                Some((status, body)) => panic!("{status} {body}"),
            }
        }
    }
}

struct Nodes {
    files: [PathBuf; 2],
    config: Config,
}

impl Nodes {
    async fn start(&self, number: usize) -> Serving {
        launch(&self.files[number], &self.config).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_come_and_go_and_nothing_is_lost_or_done_twice() {
    let Some(main) = Database::postgres().await else { return };
    let databases = vec![main, Database::postgres().await.unwrap()];
    let folder = tempfile::tempdir().unwrap();
    let [front, one, two] = addresses();
    let Some(mut proxy) = nginx(folder.path(), front, [one, two]) else { return };
    FileRootKey::create(&folder.path().join("root.key")).unwrap();
    let jira = world::site_of_its_own().await;
    let files = [("one", one), ("two", two)].map(|(name, listen)| {
        let mut config = world::config(&folder.path().join(name), &databases, &[&jira], listen);
        std::fs::create_dir_all(&config.data.directory).unwrap();
        config.server.origin = format!("http://{front}").parse().unwrap();
        config.server.behind_proxy = true;
        config.objects.directory = Some(folder.path().join("objects"));
        config.data.root_key = Some(folder.path().join("root.key"));
        let file = folder.path().join(format!("{name}.toml"));
        std::fs::write(&file, toml(&config)).unwrap();
        file
    });
    let nodes = Nodes { files, config: world::config(folder.path(), &databases, &[&jira], one) };
    // Both at once, on empty databases: one of them makes the tables.
    let (mut first, mut second) = tokio::join!(nodes.start(0), nodes.start(1));

    let origin = format!("http://{front}");
    jira.forge().install(demo::app(), Some(&origin)).unwrap();
    jira.deliveries_settled().await;
    #[expect(clippy::disallowed_methods, reason = "a client of the program's own API")]
    let client = reqwest::Client::builder().no_proxy().timeout(HANGS).build().unwrap();
    let admin = async || {
        let token = jira.page_token("admin", "settings-page", None).await.unwrap();
        Api { client: client.clone(), origin: origin.clone(), token }
    };
    let mut fields = Vec::new();
    for number in 0..WRITERS {
        let field = json!({"entity": "customer", "type": "text", "name": format!("Writer {number}")});
        let made = admin().await.must(reqwest::Method::POST, "/api/v1/fields", field).await;
        fields.push(made["id"].as_str().unwrap().to_owned());
    }
    let scopes = json!({"name": "Writers", "scopes": ["customers:read", "customers:write"]});
    let made = admin().await.must(reqwest::Method::POST, "/api/v1/tokens", scopes).await;
    let api = Api { token: made["secret"].as_str().unwrap().to_owned(), ..admin().await };
    let customer = jira.visitor("customer").unwrap().account_id;

    let (told, unanswered) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let end = Arc::new(AtomicBool::new(false));
    let mut writers = tokio::task::JoinSet::new();
    for field in fields {
        let script = Script {
            api: api.clone(),
            customer: customer.clone(),
            field: field.clone(),
            told: told.clone(),
            unanswered: unanswered.clone(),
            end: end.clone(),
        };
        writers.spawn(async move { (field, script.write().await) });
    }
    let further = async || {
        let written = tokio::time::timeout(HANGS, told.acquire_many(WRITES)).await;
        written.expect("writes go on").unwrap().forget();
    };
    further().await;
    // A node dies in the middle of everything; the other serves on; it comes back.
    first.kill().await;
    further().await;
    first = nodes.start(0).await;
    further().await;
    // Maintenance, one after the other: nobody notices.
    let before = unanswered.load(Ordering::SeqCst);
    second.stop().await;
    further().await;
    second = nodes.start(1).await;
    further().await;
    first.stop().await;
    further().await;
    assert_eq!(unanswered.load(Ordering::SeqCst), before, "requests failed while a node was stopped gently");
    end.store(true, Ordering::SeqCst);

    while let Some(written) = writers.join_next().await {
        let (field, last) = written.unwrap();
        let mut history = Vec::new();
        let mut next = String::new();
        loop {
            let path = format!("/api/v1/customers/{customer}/history?limit=100{next}");
            let page = api.must(reqwest::Method::GET, &path, Value::Null).await;
            let items = page["items"].as_array().unwrap().clone();
            history.extend(items.into_iter().filter(|item| item["fieldId"] == *field).map(|item| item["to"].clone()));
            match page["nextCursor"].as_str() {
                Some(cursor) => next = format!("&cursor={cursor}"),
                None => break,
            }
        }
        history.reverse();
        let expected: Vec<Value> = (1..=last).map(|number| json!(number.to_string())).collect();
        assert_eq!(history, expected, "each once, in order");
    }
    second.stop().await;
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(proxy.id().unwrap().try_into().unwrap()).unwrap(),
        rustix::process::Signal::TERM,
    )
    .unwrap();
    proxy.wait().await.unwrap();
    for database in databases {
        database.remove().await;
    }
    jira.shutdown().await;
}
