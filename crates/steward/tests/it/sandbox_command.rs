//! `steward sandbox` as a program: it says when it is ready, is a Jira, hosts an app from disk, and stops when asked.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

const MANIFEST: &str = "
app: {id: 'ari:cloud:ecosystem::app/7d1f5d0a-3f58-4a5e-9f4e-0c2f6a3b1c11', runtime: {name: nodejs22.x}}
permissions:
  scopes: ['read:jira-work', 'read:app-system-token']
  external: {configurable: {enabled: true}}
remotes:
  - key: backend
    operations: [storage, compute]
    configurable: {name: Server, description: Its address}
resources:
  - {key: main, path: built}
modules:
  jira:globalPage:
    - {key: hello, title: Hello, resource: main}
  endpoint:
    - {key: ep, remote: backend, route: {path: /events}, auth: {appSystemToken: {enabled: true}}}
  trigger:
    - {key: t, endpoint: ep, events: ['avi:forge:installed:app']}
";

#[tokio::test]
async fn the_sandbox_is_a_command_of_its_own() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("manifest.yml"), MANIFEST).unwrap();
    std::fs::create_dir(folder.path().join("built")).unwrap();
    std::fs::write(folder.path().join("built/index.html"), "<!doctype html><title>Hello</title>").unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_steward"));
    command.args(["sandbox", "--port", "0", "--empty", "--json", "--calm", "--site-name", "Mine", "--forge-app"]);
    command.arg(folder.path().join("manifest.yml"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready: Value = serde_json::from_str(&lines.next_line().await.unwrap().expect("it starts")).unwrap();

    #[expect(clippy::disallowed_methods, reason = "a client of the stand-in Jira")]
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = |path: &str| format!("{}{path}", ready["jira"].as_str().unwrap());
    let agent = &ready["users"]["agent"];
    let as_agent = |request: reqwest::RequestBuilder| {
        request.basic_auth(agent["email"].as_str().unwrap(), agent["apiToken"].as_str())
    };
    let me: Value = as_agent(client.get(url("/rest/api/3/myself"))).send().await.unwrap().json().await.unwrap();
    assert_eq!(me["accountId"], agent["accountId"]);
    let new = json!({"fields": {"project": {"key": "SUP"}, "summary": "First", "issuetype": {"name": "Question"}}});
    let made = as_agent(client.post(url("/rest/api/3/issue"))).json(&new).send().await.unwrap();
    assert_eq!(made.json::<Value>().await.unwrap()["key"], "SUP-1");
    let info: Value = client.get(url("/rest/api/3/serverInfo")).send().await.unwrap().json().await.unwrap();
    assert_eq!(info["serverTitle"], "Mine");

    assert_eq!(ready["apps"][0]["id"], "ari:cloud:ecosystem::app/7d1f5d0a-3f58-4a5e-9f4e-0c2f6a3b1c11");
    let page = format!("{}/forge/cdn/7d1f5d0a-3f58-4a5e-9f4e-0c2f6a3b1c11/main/", ready["frames"].as_str().unwrap());
    let page = client.get(page).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("<title>Hello</title>") && page.contains("/forge/bridge.js"), "{page}");

    let asked = format!("kill -TERM {}", child.id().unwrap());
    assert!(tokio::process::Command::new("sh").args(["-c", &asked]).status().await.unwrap().success());
    assert!(child.wait().await.unwrap().success());
    assert!(lines.next_line().await.unwrap().is_none(), "one line and nothing else");
}

#[tokio::test]
async fn it_listens_where_it_is_told_and_names_itself_as_others_reach_it() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_steward"));
    command.args(["sandbox", "--port", "0", "--empty", "--json", "--calm", "--listen", "127.0.0.2"]);
    command.args(["--url", "http://jira.test:8080"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready: Value = serde_json::from_str(&lines.next_line().await.unwrap().expect("it starts")).unwrap();
    assert_eq!(ready["jira"], "http://jira.test:8080");
    let listens: std::net::SocketAddr = ready["listen"].as_str().unwrap().parse().unwrap();
    assert_eq!(listens.ip().to_string(), "127.0.0.2");

    #[expect(clippy::disallowed_methods, reason = "a client of the stand-in Jira")]
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let info = client.get(format!("http://{listens}/rest/api/3/serverInfo")).send().await.unwrap();
    assert_eq!(info.json::<Value>().await.unwrap()["baseUrl"], "http://jira.test:8080");
    let frames = url::Url::parse(ready["frames"].as_str().unwrap()).unwrap();
    assert_eq!(frames.host_str(), Some("jira.test"));
    tokio::net::TcpStream::connect((listens.ip(), frames.port().unwrap())).await.unwrap();
}
