//! docs/api.md and the README do what they say: their shell lines are run, against the whole program.

use std::path::Path;
use std::process::Command;

use crate::world::World;

/// What stands between "```sh" and "```", in its order.
fn shell_lines(document: &str) -> String {
    let mut inside = false;
    let mut lines = String::new();
    for line in document.lines() {
        match (inside, line) {
            (false, "```sh") => inside = true,
            (true, "```") => inside = false,
            (true, line) => lines.push_str(&format!("{line}\n")),
            (false, _) => {}
        }
    }
    lines
}

/// Runs shell lines while the world answers. What is missing here is said, and fails in CI.
async fn run(lines: String, environment: Vec<(&'static str, String)>) -> Option<String> {
    let absent: Vec<_> = ["bash", "curl", "jq"]
        .into_iter()
        .filter(|tool| Command::new(tool).arg("--version").output().is_err())
        .collect();
    if !absent.is_empty() {
        let missing = format!("SKIPPED: shell lines of the documents are not run: {} is missing", absent.join(", "));
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{missing}");
        eprintln!("{missing}");
        return None;
    }
    let running = tokio::task::spawn_blocking(move || {
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c", &lines]).envs(environment);
        command.env_remove("http_proxy").env_remove("https_proxy").output().unwrap()
    });
    let output = running.await.unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{wrong}");
    Some(said.into_owned())
}

fn document(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lines_of_the_api_document_run() {
    let world = World::start().await;
    let script =
        world.script("Documented", &["customers:write", "organizations:write", "fields:write", "imports:write"]).await;
    // An import's jobs run while the lines wait for them.
    world.program.start();
    let lines = shell_lines(&document("docs/api.md"));
    assert!(lines.lines().count() > 20, "{lines}");
    let origin = world.config.server.origin.as_str().trim_end_matches('/').to_owned();
    if let Some(said) = run(lines, vec![("STEWARD", origin), ("TOKEN", script.secret.clone())]).await {
        // The bulk's two outcomes, and the section that was made once although it was sent twice.
        assert!(
            said.lines().any(|line| line.starts_with("200\t")) && said.lines().any(|line| line.starts_with("404\t"))
        );
        let sections = world.admin().get("/api/v1/sections").await.expect(200).body;
        assert_eq!(sections["items"].as_array().unwrap().iter().filter(|s| s["name"] == "Contract").count(), 1);
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lines_of_the_readme_run() {
    let world = World::start().await;
    let readme = document("README.md");
    let (_, part) = readme.split_once("### From a script").unwrap();
    let (part, _) = part.split_once("\n## ").unwrap();
    let address = |url: &str| url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let lines = shell_lines(part)
        .replace("127.0.0.1:7800", &address(world.jira.url().as_ref()))
        .replace("127.0.0.1:7801", &address(world.config.server.origin.as_str()));
    if let Some(said) = run(lines, Vec::new()).await {
        assert!(said.contains("\"items\""), "{said}");
    }
    world.end().await;
}
