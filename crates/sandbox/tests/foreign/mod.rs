//! An app that was not written here: one by Atlassian's own framework, npm `atlassian-connect-express`, in `tests/contract/ace`;
//! other rooms' tests share this file.

use std::{path::PathBuf, process::Stdio};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

pub(crate) struct Foreign {
    lines: Lines<BufReader<ChildStdout>>,
    pub(crate) url: String,
    /// Ends with the test.
    _process: Child,
}

impl Foreign {
    /// Starts the app; nothing where there is no Node. The keys of installs are at `install_keys`; the rest of its environment is
    /// `further`.
    pub(crate) async fn start(install_keys: &str, further: &[(&str, &str)]) -> Option<Self> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/contract/ace");
        if Command::new("node").arg("--version").stdout(Stdio::null()).status().await.is_err() {
            assert!(std::env::var_os("CI").is_none(), "node is missing");
            eprintln!("SKIPPED: node is not installed");
            return None;
        }
        // Rooms' tests run beside each other, and installing begins by taking away what is there.
        let turn = std::fs::File::open(folder.join("package-lock.json")).unwrap();
        turn.lock().unwrap();
        if !folder.join("node_modules/atlassian-connect-express/package.json").exists() {
            let npm = ["ci", "--no-audit", "--no-fund", "--ignore-scripts"];
            let installed = Command::new("npm").args(npm).current_dir(&folder).status().await.unwrap();
            assert!(installed.success(), "npm ci failed");
        }
        drop(turn);
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut process = Command::new("node")
            .arg("app.js")
            .current_dir(&folder)
            .env("PORT", free.to_string())
            .env("NODE_ENV", "production")
            .env("CONNECT_KEYS_CDN_URL", install_keys.trim_end_matches('/'))
            .envs(further.iter().copied())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut app = Self { lines, url: format!("http://127.0.0.1:{free}"), _process: process };
        app.says("ready").await;
        Some(app)
    }

    /// Waits until the app says that something happened.
    pub(crate) async fn says(&mut self, what: &str) -> Value {
        loop {
            let line = self.lines.next_line().await.unwrap().unwrap();
            let said: Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(found) = said.get(what) {
                return json!({"value": found, "all": said});
            }
        }
    }
}
