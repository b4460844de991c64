//! What operators are told: every setting and every metric in docs/operate.md, and no other; the same of Grafana's board;
//! the unit, as systemd reads it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tokio::net::UnixDatagram;

use crate::rekey::{self, Server};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// Words that begin so, cut where they end.
fn words(text: &str, beginning: &str) -> BTreeSet<String> {
    let ends = |sign: char| !(sign.is_ascii_lowercase() || sign == '_');
    text.match_indices(beginning)
        .map(|(at, _)| text[at..].split(ends).next().unwrap().to_owned())
        .map(|name| ["_count", "_bucket", "_sum"].iter().fold(name, |name, end| name.trim_end_matches(end).to_owned()))
        .collect()
}

/// The metrics that the program counts, from its sources: `counter!("steward_…"`.
fn counted() -> BTreeSet<String> {
    fn walk(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text: String = std::fs::read_to_string(&path).unwrap().split_whitespace().collect();
                for kind in ["counter!(\"", "gauge!(\"", "histogram!(\""] {
                    found.extend(text.split(kind).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
                }
            }
        }
    }
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        let source = entry.unwrap().path().join("src");
        if source.is_dir() {
            walk(&source, &mut found);
        }
    }
    assert!(found.len() > 5, "the metrics were not found: {found:?}");
    found
}

#[test]
fn the_board_and_the_guide_name_the_metrics_that_there_are() {
    let counted = counted();
    let of_guide = words(&read("docs/operate.md"), "steward_");
    assert_eq!(of_guide, counted, "docs/operate.md names others than the program counts");
    let board: serde_json::Value = serde_json::from_str(&read("deploy/grafana/steward.json")).unwrap();
    let panels = board["panels"].as_array().unwrap();
    let expressions: Vec<&str> = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap())
        .map(|target| target["expr"].as_str().unwrap())
        .collect();
    assert_eq!(words(&expressions.join("\n"), "steward_"), counted, "the board shows others than the program counts");
}

/// The next word to the supervisor, or the end of a program that says none.
async fn told(child: &mut tokio::process::Child, socket: &UnixDatagram) -> String {
    let mut word = [0; 256];
    tokio::select! {
        length = socket.recv(&mut word) => String::from_utf8_lossy(&word[..length.unwrap()]).trim().to_owned(),
        status = child.wait() => panic!("it ended: {status:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_supervisor_hears_that_it_serves_and_that_it_stops() {
    let server = Server::new().await;
    let socket = UnixDatagram::bind(server.folder.path().join("notify")).unwrap();
    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_steward"))
        .args(["serve", "--config"])
        .arg(server.configure("serve.toml", rekey::FILE))
        .env("NOTIFY_SOCKET", server.folder.path().join("notify"))
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    assert_eq!(told(&mut child, &socket).await, "READY=1");
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    // Asked to reload, it goes on, with or without a certificate.
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(told(&mut child, &socket).await, "STOPPING=1");
    assert!(child.wait().await.unwrap().success());
}

#[test]
fn systemd_reads_the_unit_without_a_complaint() {
    let present = Command::new("systemd-analyze").arg("--version").output().is_ok_and(|output| output.status.success());
    if !present {
        let missing = "SKIPPED: needs systemd-analyze to read deploy/systemd/steward.service";
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{missing}");
        eprintln!("{missing}");
        return;
    }
    // It looks whether the program is there: any program will do.
    let unit = read("deploy/systemd/steward.service").replace("/usr/local/bin/steward", env!("CARGO_BIN_EXE_steward"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("steward.service");
    std::fs::write(&path, unit).unwrap();
    let verified = Command::new("systemd-analyze").arg("verify").arg(&path).output().unwrap();
    let told = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert!(verified.status.success() && told.is_empty(), "{told}");
    let rated = Command::new("systemd-analyze").args(["security", "--offline=true"]).arg(&path).output().unwrap();
    let told = String::from_utf8_lossy(&rated.stdout).into_owned();
    let last = told.lines().rfind(|line| line.contains("exposure level")).unwrap();
    let level: f32 = last.split_whitespace().find_map(|word| word.parse().ok()).unwrap();
    assert!(level < 2.0, "{last}");
}
