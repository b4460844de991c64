//! Canaries in every field, then every byte that was written searched: both databases, their logs, ours, error bodies;
//! in the clear, in base64, in hex and percent-encoded. On sites of the kinds that keep different secrets: where Jira vouches for people, and where they
//! sign in.
//!
//! Here is the search; `planted` is what is looked for, `joined` what a site that an operator joined has beside it.

mod joined;
mod many;
mod newcomers;
mod planted;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use tracing_subscriber::fmt::MakeWriter;

use crate::world::{Answer, Joined, World};

/// Everything that the program logs, at its most talkative.
#[derive(Clone, Default)]
pub(crate) struct Log(pub(crate) Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        self.clone()
    }
}

pub(crate) fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        let config = steward::config::LogConfig { level: "trace".to_owned(), format: steward::config::LogFormat::Json };
        steward::telemetry::log_to(&config, None, log.clone()).unwrap();
        log
    })
}

/// Words that occur nowhere else, and all the ways in which they could lie about.
pub(crate) struct Canaries(pub(crate) Vec<String>);

impl Canaries {
    fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn plant(&mut self, what: &str) -> String {
        let word = format!("zq{what}{}", self.0.len());
        self.0.push(word.clone());
        word
    }

    /// A word that is like no other by itself.
    fn keep<'w>(&mut self, word: &'w str) -> &'w str {
        self.0.push(word.to_owned());
        word
    }

    fn forms(&self) -> Vec<(String, Vec<u8>)> {
        let mut forms = Vec::new();
        for word in &self.0 {
            forms.push((word.clone(), word.clone().into_bytes()));
            forms.push((format!("hex of {word}"), hex::encode(word).into_bytes()));
            forms.push((format!("UTF-16 of {word}"), word.encode_utf16().flat_map(u16::to_le_bytes).collect()));
            // As a database keeps a number that it is told of as one.
            if let Ok(number) = word.parse::<f64>() {
                forms.push((format!("bytes of {word}"), number.to_be_bytes().to_vec()));
                forms.push((format!("turned bytes of {word}"), number.to_le_bytes().to_vec()));
            }
            // Base64 depends on what stands before: the inner part of each of the three positions.
            for lead in 0..3 {
                let padded = [vec![b'.'; lead], word.clone().into_bytes()].concat();
                for (name, engine) in [("base64", &STANDARD_NO_PAD), ("base64url", &URL_SAFE_NO_PAD)] {
                    let coded = engine.encode(&padded);
                    let inner = &coded[(lead * 4).div_ceil(3)..coded.len() - 2];
                    forms.push((format!("{name} of {word}"), inner.as_bytes().to_vec()));
                }
            }
        }
        forms
    }

    #[track_caller]
    pub(crate) fn search(&self, place: &str, bytes: &[u8]) {
        self.searcher().search(place, bytes);
    }

    fn searcher(&self) -> Searcher {
        let (names, forms): (Vec<_>, Vec<_>) = self.forms().into_iter().unzip();
        Searcher { names, forms: AhoCorasick::new(forms).unwrap() }
    }
}

/// All forms of all canaries, looked for in one pass.
struct Searcher {
    names: Vec<String>,
    forms: AhoCorasick,
}

impl Searcher {
    #[track_caller]
    fn search(&self, place: &str, bytes: &[u8]) {
        if let Some(found) = self.forms.find(bytes) {
            panic!("{} lies in {place}", self.names[found.pattern()]);
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() {
                found.push(path);
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_lies_in_the_clear_on_sqlite() {
    Box::pin(on_sqlite(Joined::Forge)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_lies_in_the_clear_of_a_cloud_site_by_token_on_sqlite() {
    Box::pin(on_sqlite(Joined::CloudToken)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_lies_in_the_clear_of_a_data_center_on_sqlite() {
    Box::pin(on_sqlite(Joined::DataCenter)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_lies_in_the_clear_on_postgres() {
    Box::pin(on_postgres(Joined::Forge)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_lies_in_the_clear_of_a_data_center_on_postgres() {
    Box::pin(on_postgres(Joined::DataCenter)).await;
}

async fn on_sqlite(joined: Joined) {
    log();
    let world = World::joined_by(joined, Vec::new()).await;
    let canaries = Box::pin(planted::use_everything(&world, joined)).await;
    let folder = world.folder.path().to_owned();
    // Searched twice: while it runs, with the write-ahead log, and as it lies after the end.
    search_files(&canaries, &folder.join("data"));
    let kept = tempfile::tempdir().unwrap();
    copy(&folder, kept.path());
    world.end().await;
    search_files(&canaries, kept.path());
    canaries.search("the log", &log().0.lock().unwrap());
}

async fn on_postgres(joined: Joined) {
    log();
    let Some(world) = World::joined_on_postgres(joined).await else { return };
    let canaries = Box::pin(planted::use_everything(&world, joined)).await;
    // Everything that the server wrote: tables, indexes, write-ahead log, its own log.
    let server = postgres_folder();
    world.program.store.ping_write().await.unwrap();
    search_files(&canaries, &server);
    world.end().await;
    canaries.search("the log", &log().0.lock().unwrap());
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let name = file.strip_prefix(from).unwrap().to_string_lossy().replace('/', "_");
        std::fs::copy(&file, to.join(name)).unwrap();
    }
}

pub(crate) fn search_files(canaries: &Canaries, folder: &Path) {
    let files = files(folder);
    assert!(!files.is_empty(), "there is something to search");
    let searcher = canaries.searcher();
    let mut bytes_searched = 0;
    for file in files {
        // A file may go while it is looked for: PostgreSQL recycles its logs.
        let Ok(bytes) = std::fs::read(&file) else { continue };
        bytes_searched += bytes.len();
        searcher.search(&file.display().to_string(), &bytes);
    }
    assert!(bytes_searched > 100_000, "only {bytes_searched} bytes were searched");
}

pub(crate) fn checked(canaries: &Canaries, answer: Answer) {
    assert!(answer.status >= 400, "{}", answer.text);
    canaries.search("an error body", answer.text.as_bytes());
}

/// Where the PostgreSQL server keeps all that it writes: its socket lies in the same folder.
pub(crate) fn postgres_folder() -> PathBuf {
    let url = url::Url::parse(&std::env::var("STEWARD_TEST_POSTGRES").unwrap()).unwrap();
    let socket = url.query_pairs().find(|(name, _)| name == "host").unwrap().1.into_owned();
    Path::new(&socket).parent().unwrap().to_owned()
}
