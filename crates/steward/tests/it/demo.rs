//! The demo as a newcomer starts it: the real program, what it says when it is ready, and what it leaves behind.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

/// What hangs for so long fails; nothing is measured by it.
const HANGS: Duration = Duration::from_secs(120);

struct Demo {
    child: Child,
    steward: String,
    jira: String,
    users: Value,
    client: reqwest::Client,
}

impl Demo {
    /// `temporary` is where it makes what it throws away.
    async fn start(temporary: &Path, options: &[&str]) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_steward"));
        command.arg("demo").arg("--json").args(options).env("TMPDIR", temporary).env_remove("PORT");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(HANGS, lines.next_line()).await.expect("it does not get ready").unwrap();
        let said: Value = serde_json::from_str(&line.expect("it ended")).unwrap();
        let text = |key: &str| said[key].as_str().unwrap().to_owned();
        #[expect(clippy::disallowed_methods, reason = "a newcomer's script")]
        let client = reqwest::Client::builder().no_proxy().timeout(HANGS).build().unwrap();
        Self { steward: text("steward"), jira: text("jira"), users: said["users"].clone(), child, client }
    }

    /// Asks for a token as the page would be given it, and uses it once.
    async fn ask(&self, user: &str, method: reqwest::Method, path: &str, change: Option<(&str, Value)>) -> Value {
        let asked = json!({"user": user, "module": "customers-page"});
        let given = self.client.post(format!("{}/sandbox/token", self.jira)).json(&asked).send().await.unwrap();
        let token: Value = given.json().await.unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.steward));
        request = request.bearer_auth(token["token"].as_str().unwrap());
        if let Some((version, body)) = change {
            request = request.header("if-match", version).json(&body);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    fn customer(&self) -> &str {
        self.users["customer"]["accountId"].as_str().unwrap()
    }

    /// Asks it to stop, as Ctrl-C and a service manager do.
    async fn stop(mut self) {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let ended = tokio::time::timeout(HANGS, self.child.wait()).await.expect("it does not stop").unwrap();
        assert!(ended.success(), "{ended}");
    }
}

/// A field of customers that takes any text.
fn text_field(fields: &Value) -> &str {
    let fields = fields["items"].as_array().unwrap();
    let field = fields.iter().find(|field| field["entity"] == "customer" && field["type"] == "text");
    field.expect("the demo defines one")["id"].as_str().unwrap()
}

/// The ETag of what stands in it.
fn version(values: &Value, field: &str) -> String {
    let stands = values["values"].as_array().unwrap().iter().find(|value| value["fieldId"] == field);
    format!("\"v{}\"", stands.map_or(0, |value| value["version"].as_i64().unwrap()))
}

fn entries(folder: &Path) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_its_data_where_it_is_told_and_goes_on_from_there() {
    let (temporary, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = kept.path().to_str().unwrap();
    let demo = Demo::start(temporary.path(), &["--data", folder]).await;
    for role in ["admin", "agent", "customer"] {
        for key in ["accountId", "displayName", "email", "signIn"] {
            assert!(demo.users[role][key].is_string(), "{role} {key}: {}", demo.users);
        }
    }
    let customer = demo.customer().to_owned();
    let path = format!("/api/v1/customers/{customer}/values");
    let before = demo.ask("agent", reqwest::Method::GET, &path, None).await;
    let fields = demo.ask("agent", reqwest::Method::GET, "/api/v1/fields", None).await;
    let (field, version) = (text_field(&fields), version(&before, text_field(&fields)));
    let change = (version.as_str(), json!({"value": "kept by a newcomer"}));
    demo.ask("agent", reqwest::Method::PUT, &format!("{path}/{field}"), Some(change)).await;
    let stood = demo.ask("agent", reqwest::Method::GET, &path, None).await;
    demo.stop().await;

    let demo = Demo::start(temporary.path(), &["--data", folder]).await;
    assert_eq!(demo.customer(), customer);
    assert_eq!(demo.ask("agent", reqwest::Method::GET, &path, None).await, stood);
    demo.stop().await;
    assert_eq!(entries(temporary.path()), Vec::<std::path::PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_folder_nothing_stays() {
    let temporary = tempfile::tempdir().unwrap();
    let demo = Demo::start(temporary.path(), &[]).await;
    assert_eq!(entries(temporary.path()).len(), 1);
    let path = format!("/api/v1/customers/{}/values", demo.customer());
    demo.ask("agent", reqwest::Method::GET, &path, None).await;
    demo.stop().await;
    assert_eq!(entries(temporary.path()), Vec::<std::path::PathBuf>::new());
}
