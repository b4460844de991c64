//! The disk is full, and then it is not: what was acknowledged stays, what cannot be kept is refused in words that say so,
//! reading goes on, and nobody needs to start the program anew.
//!
//! The data directory is a small file system in memory of its own, in a mount namespace that a process holds open while
//! programs come and go in it; the test reaches it through that process.

use std::path::PathBuf;
use std::process::Stdio;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::writers::Api;
use super::{Experiment, HANGS, Serving, launch_by};

/// Room for the databases of a small site, and a little more.
const BYTES: usize = 48 << 20;
/// Refusals in a row after which nothing fits any more: room that was there before is used up first.
const REFUSED: usize = 20;
/// Far more writes than fit.
const WRITES: usize = 20_000;
/// Of a value that takes a page or two.
const VALUE_CHARS: usize = 6_000;

/// The small disk, and who holds it open.
struct Disk {
    holder: tokio::process::Child,
    seen_from_here: PathBuf,
}

impl Disk {
    /// Where mounting is not allowed to this user there is no such disk.
    async fn mounted_on(folder: &std::path::Path) -> Option<Self> {
        let mut command = tokio::process::Command::new("unshare");
        let script = "mount -t tmpfs -o size=$1 steward \"$2\" && echo mounted && exec sleep infinity";
        command
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", &BYTES.to_string()])
            .arg(folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut holder = command.spawn().unwrap();
        let mut said = BufReader::new(holder.stdout.take().unwrap()).lines();
        if said.next_line().await.unwrap().as_deref() != Some("mounted") {
            let missing =
                "SKIPPED: a full disk needs leave to mount in a namespace of one's own (unshare --user --mount)";
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{missing}");
            eprintln!("{missing}");
            return None;
        }
        let root = PathBuf::from(format!("/proc/{}/root", holder.id().unwrap()));
        Some(Self { holder, seen_from_here: root.join(folder.strip_prefix("/").unwrap()) })
    }

    fn command(&self) -> tokio::process::Command {
        let mut command = tokio::process::Command::new("nsenter");
        command.args([
            "--target",
            &self.holder.id().unwrap().to_string(),
            "--user",
            "--mount",
            "--preserve-credentials",
        ]);
        command.arg(env!("CARGO_BIN_EXE_steward"));
        command
    }

    /// Takes all room that is left.
    fn fills(&self) {
        let mut ballast = std::fs::File::create(self.seen_from_here.join("ballast")).unwrap();
        let full = loop {
            if let Err(error) = std::io::Write::write_all(&mut ballast, &[b'x'; 4096]) {
                break error;
            }
        };
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    }

    fn has_room_again(&self) {
        std::fs::remove_file(self.seen_from_here.join("ballast")).unwrap();
    }
}

struct Site {
    experiment: Experiment,
    disk: Disk,
    admin: Api,
    field: String,
    owners: Vec<String>,
    /// What was acknowledged last of each owner, and its version.
    standing: Vec<(String, i64)>,
}

impl Site {
    async fn serve(&self) -> Serving {
        launch_by(self.disk.command(), &self.experiment.file, &self.experiment.config).await
    }

    /// One write; whether it was acknowledged. What is refused is refused as something that passes.
    async fn writes(&mut self, at: usize, number: usize) -> bool {
        let place = at % self.owners.len();
        let path = format!("/api/v1/customers/{}/values/{}", self.owners[place], self.field);
        let value = format!("{number} {}", "x".repeat(VALUE_CHARS));
        let body = json!({"value": value});
        let (status, answer) = self.admin.ask(Method::PUT, &path, Some(self.standing[place].1), body).await.unwrap();
        match status {
            200 => {
                let shown = self.admin.get(&format!("/api/v1/customers/{}/values", self.owners[place])).await;
                let version = of_field(&shown, &self.field)["version"].as_i64().unwrap();
                self.standing[place] = (value, version);
                true
            }
            _ => {
                assert_eq!((status, &answer["code"]), (503, &json!("store_unavailable")), "{answer}");
                assert!(answer["detail"].as_str().unwrap().contains("try again"), "{answer}");
                false
            }
        }
    }

    /// Writes until nothing more fits; answers how much did.
    async fn writes_until_full(&mut self) -> usize {
        let (mut written, mut refused) = (0, 0);
        for number in 0..WRITES {
            if self.writes(number, number).await {
                written += 1;
                refused = 0;
            } else {
                refused += 1;
            }
            if refused == REFUSED {
                return written;
            }
        }
        panic!("the disk does not fill");
    }

    /// Whatever was acknowledged stands, and nothing else.
    async fn stands(&self) {
        for (owner, (value, version)) in self.owners.iter().zip(&self.standing) {
            let shown = self.admin.get(&format!("/api/v1/customers/{owner}/values")).await;
            let one = of_field(&shown, &self.field);
            assert_eq!(one["version"].as_i64().unwrap_or(0), *version, "{owner}");
            assert!(one["value"].as_str().unwrap_or_default() == value, "{owner} has another value");
        }
    }
}

fn of_field(shown: &Value, field: &str) -> Value {
    let values = shown["values"].as_array().unwrap();
    values.iter().find(|value| value["fieldId"] == field).cloned().unwrap_or_default()
}

async fn site() -> Option<Site> {
    let experiment = Experiment::start(Vec::new(), 21).await;
    let disk = Disk::mounted_on(&experiment.config.data.directory).await?;
    let serving = launch_by(disk.command(), &experiment.file, &experiment.config).await;
    experiment.jira.forge().install(steward::demo::app(), Some(&experiment.api.origin)).unwrap();
    experiment.jira.deliveries_settled().await;
    let admin = experiment.session("admin", "settings-page").await;
    let field = json!({"entity": "customer", "type": "longText", "name": "Kept", "audience": "agents"});
    let field = admin.post("/api/v1/fields", field).await["id"].as_str().unwrap().to_owned();
    // The directory is read by a job of the program's own.
    let listed = async {
        loop {
            let page = admin.get("/api/v1/customers?limit=5").await;
            let found = page["items"].as_array().unwrap();
            if found.len() == 5 {
                return found.iter().map(|one| one["accountId"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
            }
            tokio::task::yield_now().await;
        }
    };
    let owners = tokio::time::timeout(HANGS, listed).await.expect("the directory is not read");
    let standing = vec![(String::new(), 0); owners.len()];
    serving.stop().await;
    Some(Site { experiment, disk, admin, field, owners, standing })
}

async fn ready(site: &Site) -> Value {
    let (_, body) = site.admin.ask(Method::GET, "/readyz", None, Value::Null).await.unwrap();
    body["database"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_and_forgets_nothing() {
    let _turn = super::TURN.lock().await;
    let Some(mut site) = site().await else { return };
    let serving = site.serve().await;
    for at in 0..site.owners.len() {
        assert!(site.writes(at, at).await);
    }
    site.disk.fills();
    let written = site.writes_until_full().await;
    assert_eq!(ready(&site).await, false);
    site.stands().await;
    // A file is refused as a whole, and its part can be sent again.
    let begun = json!({"entity": "customer", "fileName": "full.csv"});
    let (status, refused) = site.admin.ask(Method::POST, "/api/v1/imports", None, begun.clone()).await.unwrap();
    assert_eq!(status, 503, "{refused}");

    site.disk.has_room_again();
    assert_eq!(ready(&site).await, true);
    for at in 0..site.owners.len() {
        assert!(site.writes(at, at).await, "there is room again");
    }
    let import = site.admin.post("/api/v1/imports", begun).await["id"].as_str().unwrap().to_owned();
    let part = format!("/api/v1/imports/{import}/parts/0");
    let file = format!("Account ID,Kept\n{},{}\n", site.owners[0], "y".repeat(400_000));
    let body = json!({"base64": STANDARD.encode(file)});
    site.disk.fills();
    let (status, refused) = site.admin.ask(Method::PUT, &part, None, body.clone()).await.unwrap();
    assert_eq!(status, 503, "{refused}");
    site.disk.has_room_again();
    let (status, sent) = site.admin.ask(Method::PUT, &part, None, body).await.unwrap();
    assert_eq!(status, 200, "{sent}");

    // Killed while it is full, and started when there is room.
    site.disk.fills();
    let again = site.writes_until_full().await;
    serving.dies().await;
    site.disk.has_room_again();
    let serving = site.serve().await;
    site.stands().await;
    assert!(site.writes(0, 0).await);
    let found = site.admin.get("/api/v1/search?q=xxxx").await;
    assert!(found["items"].is_array(), "{found}");
    eprintln!("{written} and {again} writes fitted into what was left of {BYTES} bytes");
    serving.stop().await;
    site.experiment.end().await;
}
