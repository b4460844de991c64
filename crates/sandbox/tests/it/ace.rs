//! An app that was not written here is installed: one by Atlassian's own framework, npm `atlassian-connect-express`, in
//! `tests/contract/ace`. It proves what the site signs, and the site proves what it signs.

use std::{path::PathBuf, process::Stdio};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::support::{AGENT, As, Site, calm};

const APP: &str = "com.example.foreign";

struct Foreign {
    lines: Lines<BufReader<ChildStdout>>,
    url: String,
    /// Ends with the test.
    _process: Child,
}

impl Foreign {
    /// Starts the app; nothing where there is no Node.
    async fn start(install_keys: &str) -> Option<Self> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/contract/ace");
        if Command::new("node").arg("--version").stdout(Stdio::null()).status().await.is_err() {
            assert!(std::env::var_os("CI").is_none(), "node is missing");
            eprintln!("SKIPPED: node is not installed");
            return None;
        }
        if !folder.join("node_modules/atlassian-connect-express/package.json").exists() {
            let npm = ["ci", "--no-audit", "--no-fund", "--ignore-scripts"];
            let installed = Command::new("npm").args(npm).current_dir(&folder).status().await.unwrap();
            assert!(installed.success(), "npm ci failed");
        }
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut process = Command::new("node")
            .arg("app.js")
            .current_dir(&folder)
            .env("PORT", free.to_string())
            .env("NODE_ENV", "production")
            .env("CONNECT_KEYS_CDN_URL", install_keys.trim_end_matches('/'))
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
    async fn says(&mut self, what: &str) -> Value {
        loop {
            let line = self.lines.next_line().await.unwrap().unwrap();
            let said: Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(found) = said.get(what) {
                return json!({"value": found, "all": said});
            }
        }
    }
}

#[tokio::test]
async fn an_app_by_atlassians_framework_works_here() {
    let site = Site::start(calm()).await;
    let jira = &site.running;
    let connect = jira.connect();
    let Some(mut app) = Foreign::start(&connect.install_keys_url()).await else { return };
    let installed = connect.install(&format!("{}/atlassian-connect.json", app.url), None).await.unwrap();
    assert_eq!(app.says("installed").await["value"], installed.client_key);

    // It is told of an issue.
    let summary = "Told by a webhook";
    let fields = json!({"project": {"key": "HELP"}, "issuetype": {"name": "Incident"}, "summary": summary});
    let made =
        site.expect(201, As::Person("bob"), "POST", "/rest/api/3/issue", Some(json!({ "fields": fields }))).await;
    let issue = made["key"].as_str().unwrap().to_owned();
    assert_eq!(app.says("webhook").await["all"]["issue"], issue);

    // Its page is opened, and asks the site: as itself, what its scopes let it.
    let http = &site.http;
    let page = jira.connect_page(APP, AGENT, "hello", Some(&issue)).unwrap();
    let shown: Value = http.get(&page.url).send().await.unwrap().json().await.unwrap();
    assert_eq!(shown["person"], AGENT, "{shown}");
    assert_eq!(
        (&shown["me"]["accountId"], &shown["summary"]),
        (&json!(installed.account_id), &json!(summary)),
        "{shown}"
    );
    assert_eq!(shown["refused"], 403, "READ does not write: {shown}");
    assert_eq!(shown["kept"], json!({ "issue": issue }), "{shown}");
    // What was signed for one page opens no other; a context token opens what takes one, and no page.
    let other = page.url.replace(&format!("issue={issue}"), "issue=HELP-9");
    assert_eq!(http.get(&other).send().await.unwrap().status(), 401);
    let api = http.get(format!("{}/hello?jwt={}", app.url, page.token)).send().await.unwrap();
    assert_eq!(api.status(), 401);

    // A new secret; an uninstall.
    connect.install(&format!("{}/atlassian-connect.json", app.url), None).await.unwrap();
    app.says("installed").await;
    // So does the framework answer a signature that does not fit.
    assert_eq!(http.get(&page.url).send().await.unwrap().status(), 400, "signed with the secret before");
    let page = jira.connect_page(APP, AGENT, "hello", Some(&issue)).unwrap();
    assert_eq!(http.get(&page.url).send().await.unwrap().status(), 200);
    connect.uninstall(APP).await.unwrap();
    assert_eq!(app.says("uninstalled").await["value"], installed.client_key);
    assert!(jira.connect_page(APP, AGENT, "hello", None).is_err());
    site.end().await;
}
