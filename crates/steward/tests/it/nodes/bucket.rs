//! Two nodes that share a bucket and no folder: a file that one took the other reads, and what the other found out the first
//! tells.

use std::process::Stdio;

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use steward::config::ObjectsConfig;
use steward::program::Program;

use super::ask;
use crate::imports::{counts, value};
use crate::objects::s3;
use crate::site::written;
use crate::world::{self, Answer, World};

/// The operator says that objects lie in a bucket from now on.
async fn adopts(world: &World, objects: &ObjectsConfig, secret: &str) {
    let file = written(world);
    let text = |value: &Option<String>| value.clone().unwrap();
    let lines = format!(
        "[objects]\nendpoint = \"{}\"\nbucket = \"{}\"\nprefix = \"{}\"\naccess_key = \"{}\"\nsecret_key = \"{secret}\"\n",
        objects.endpoint.as_ref().unwrap(),
        text(&objects.bucket),
        text(&objects.prefix),
        text(&objects.access_key),
    );
    std::fs::write(&file, std::fs::read_to_string(&file).unwrap() + &lines).unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_steward"));
    command.args(["objects", "--config"]).arg(&file).arg("adopt").stdin(Stdio::null());
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// As the administrator, at a node of choice.
async fn admin(world: &World, node: &Program, method: Method, path: &str, body: Option<Value>) -> Answer {
    let token = world.admin().token().await;
    ask(node, method, path, &token, body.map(|body| ("", body))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_put_there_the_other_reads() {
    let Some([endpoint, bucket, access_key, secret_key]) = s3() else { return };
    let Some(world) = World::start_on_postgres().await else { return };
    let objects = ObjectsConfig {
        endpoint: Some(endpoint.parse().unwrap()),
        bucket: Some(bucket),
        prefix: Some(format!("test/{}", uuid::Uuid::now_v7())),
        access_key: Some(access_key),
        secret_key: Some(secret_key.clone().into()),
        ..ObjectsConfig::default()
    };
    adopts(&world, &objects, &secret_key).await;
    let folder = tempfile::tempdir().unwrap();
    let mut nodes = Vec::new();
    for name in ["one", "two"] {
        let mut config = world.config.clone();
        config.objects = objects.clone();
        config.data.directory = folder.path().join(name);
        std::fs::create_dir(&config.data.directory).unwrap();
        nodes.push(world::open(&config, &world.clock).await);
    }
    let (one, two) = (&nodes[0], &nodes[1]);
    let plan = world.admin().defines_text("Plan", "agents").await;
    let owner = world.customer().account();

    // A file that one took is looked at and checked by the other.
    let begun = json!({"entity": "customer", "fileName": "people.csv"});
    let made = admin(&world, one, Method::POST, "/api/v1/imports", Some(begun)).await.expect(201).body;
    let at = |path: &str| format!("/api/v1/imports/{}{path}", made["id"].as_str().unwrap());
    let part = json!({"base64": STANDARD.encode(format!("Account ID,Plan\r\n{owner},Gold\r\n"))});
    admin(&world, one, Method::PUT, &at("/parts/0"), Some(part)).await.expect(200);
    let preview = admin(&world, two, Method::GET, &at("/preview"), None).await.expect(200).body;
    assert_eq!(preview["suggested"]["columns"], json!(["accountId", plan]), "{preview}");
    admin(&world, two, Method::POST, &at("/check"), Some(preview["suggested"].clone())).await.expect(200);
    two.runner.drain().await.unwrap();

    // What that found lies there too: the first tells it, and carries it out.
    let checked = admin(&world, one, Method::GET, &at(""), None).await.expect(200).body;
    assert_eq!((&checked["state"], counts(&checked)), (&json!("checked"), [1, 0, 0, 0]), "{checked}");
    let report = admin(&world, one, Method::POST, &at("/report"), None).await.expect(200).text;
    assert!(report.contains(&format!("2,changed,{owner},{owner},Plan,")) && report.contains("Gold"), "{report}");
    admin(&world, one, Method::POST, &at("/run"), None).await.expect(200);
    one.runner.drain().await.unwrap();
    let done = admin(&world, two, Method::GET, &at(""), None).await.expect(200).body;
    assert_eq!((&done["state"], &done["valuesWritten"]), (&json!("done"), &json!(1)), "{done}");
    assert_eq!(value(&world, &owner, &plan).await, "Gold");
    for name in ["one", "two"] {
        assert!(!folder.path().join(name).join("objects").exists(), "nothing lies in a folder of {name}'s");
    }
    for node in nodes {
        node.close().await.unwrap();
    }
    world.end().await;
}
