//! `steward customers import` as a program, against a server that runs: what it prints, how it ends, what it leaves.

use serde_json::{Value, json};

use crate::imports::{customers, value};
use crate::site::written;
use crate::world::{Actor, World};

on_both!(the_command_line_imports_and_says_how_it_went, the_command_line_makes_customers_if_it_is_told);

/// Runs the command against the world's own server; answers its exit code, and what it printed.
async fn command(world: &World, token: &str, arguments: &[&str]) -> (i32, String) {
    run(token, &[arguments, &["--server", world.config.server.origin.as_str()]].concat()).await
}

/// Runs the command as it is.
async fn run(token: &str, arguments: &[&str]) -> (i32, String) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_steward"));
    command.args(arguments).env_remove("STEWARD_SERVER").env_remove("STEWARD_CONFIG");
    let output = command.env("STEWARD_TOKEN", token).output().await.unwrap();
    let printed = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8_lossy(&printed).into_owned())
}

async fn the_command_line_imports_and_says_how_it_went(world: &World) {
    let plan = world.admin().defines_text("Plan", "agents").await;
    let people = customers(world, 2).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    let path = path.to_str().unwrap();
    let script = world.script("Importer", &["imports:write"]).await;
    world.program.start();
    let import = ["customers", "import", path];
    let (good, bad) = (format!("{},Gold\n", people[0].0), "712020:nobody-at-all-is-this,Gold\n");
    std::fs::write(path, format!("Account ID,Plan\n{good}{bad}")).unwrap();
    let (code, said) = command(world, &script.secret, &[&import[..], &["--dry-run"]].concat()).await;
    assert_eq!(code, 3, "{said}");
    assert!(
        said.contains("1 rows change, 0 stay as they are, 1 are refused.") && said.contains("line 3: Jira knows"),
        "{said}"
    );
    let (code, said) = command(world, &script.secret, &import).await;
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("Nothing was written."), "{said}");
    assert_eq!(value(world, &people[0].0, &plan).await, Value::Null);
    let (code, said) = command(world, &script.secret, &[&import[..], &["--partial", "--json"]].concat()).await;
    let told: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}"));
    assert_eq!((code, &told["state"], &told["valuesWritten"]), (3, &json!("done"), &json!(1)));
    assert_eq!(value(world, &people[0].0, &plan).await, "Gold");
    std::fs::write(path, format!("Account ID,Plan\n{good}")).unwrap();
    let (code, said) = command(world, &script.secret, &import).await;
    assert_eq!((code, said.contains("0 rows change, 1 stay as they are")), (0, true), "{said}");
    // What is wrong is said, and leaves nothing behind.
    std::fs::write(path, "").unwrap();
    let (code, said) = command(world, &script.secret, &import).await;
    assert!(code == 1 && said.contains("/file: The file holds no row"), "{said}");
    let (code, said) = command(world, "stwa_no_token", &import).await;
    assert!(code == 1 && said.contains("401") && !said.contains("stwa_no_token"), "{said}");
    let listed = world.admin().get("/api/v1/imports").await.expect(200).body;
    let states: Vec<&str> =
        listed["items"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["cancelled", "cancelled", "done", "cancelled", "cancelled"]);
    // The program's own runner may be at the last slice.
    while world.program.runner.due().await.unwrap() > 0 {
        world.program.runner.drain().await.unwrap();
        tokio::task::yield_now().await;
    }
}

async fn the_command_line_makes_customers_if_it_is_told(world: &World) {
    world.admin().defines_text("Plan", "agents").await;
    let project = world.jira.state().read().service_desks.values().next().unwrap().project_id.clone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    let path = path.to_str().unwrap();
    std::fs::write(path, "E-mail,Name,Plan\nada@engine.example,Ada,Gold\nada@localhost,Nobody,Gold\n").unwrap();
    let script = world.script("Importer", &["imports:write", "customers:write"]).await;
    world.program.start();
    let import = ["customers", "import", path];
    let (code, said) = command(world, &script.secret, &[&import[..], &["--dry-run"]].concat()).await;
    assert!(code == 3 && said.contains("0 rows change, 0 stay as they are, 2 are refused."), "{said}");
    let (code, said) = command(world, &script.secret, &[&import[..], &["--project", &project]].concat()).await;
    assert!(code == 2 && said.contains("--make-customers"), "{code} {said}");
    let make = ["--make-customers", "--project", &project];
    let (code, said) = command(world, &script.secret, &[&import[..], &make, &["--dry-run"]].concat()).await;
    assert!(code == 0 && said.contains("2 rows are about customers who will be made in Jira."), "{code} {said}");
    // One of them Jira does not take: that is known when it was asked.
    let (code, said) = command(world, &script.secret, &[&import[..], &make].concat()).await;
    assert!(
        code == 3 && said.contains("1 customers made in Jira.") && said.contains("1 values written"),
        "{code} {said}"
    );
    assert!(
        said.contains("1 more rows were refused by Jira:") && said.contains("line 3: Jira does not take"),
        "{said}"
    );
    let elsewhere = ["--make-customers", "--project", "999999"];
    let (code, said) = command(world, &script.secret, &[&import[..], &elsewhere].concat()).await;
    assert!(code == 1 && said.contains("/makeCustomers/projectIds/0: There is no service project"), "{code} {said}");
    while world.program.runner.due().await.unwrap() > 0 {
        world.program.runner.drain().await.unwrap();
        tokio::task::yield_now().await;
    }
}

/// Of a server with two sites a token says which one is meant; whoever names the other is told before anything is sent.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_says_which_site_is_meant() {
    let mut world = World::start().await;
    let second = crate::world::site(&world.clock, "22222222-2222-4222-8222-222222222222", Some(&world.jira)).await;
    world.admit(&second).await;
    world.join(&second).await;
    let plan = world.admin().defines_text("Plan", "agents").await;
    let first = customers(&world, 1).await.remove(0).0;
    let script = world.script("Importer", &["imports:write"]).await;
    let of_second = Actor {
        world: &world,
        jira: &second,
        who: "admin".to_owned(),
        module: "settings-page".to_owned(),
        issue: None,
    };
    let wanted = json!({"name": "Importer", "scopes": ["imports:write"]});
    let of_second =
        of_second.post("/api/v1/tokens", wanted).await.expect(201).body["secret"].as_str().unwrap().to_owned();
    let config = written(&world);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.csv");
    std::fs::write(&path, format!("Account ID,Plan\n{first},Gold\n")).unwrap();
    let import = ["customers", "import", path.to_str().unwrap()];
    let here = ["--config", config.to_str().unwrap()];
    let begun = async || world.admin().get("/api/v1/imports").await.expect(200).body["items"].as_array().unwrap().len();
    world.program.start();

    // The second site with a token of the first: by its address, with and without a slash, and by its host.
    let (one, two) = (world.jira.url(), second.url());
    for named in [two.as_str(), &format!("{two}/"), two.split_once("://").unwrap().1] {
        let (code, said) = run(&script.secret, &[&import[..], &here, &["--site", named]].concat()).await;
        let told = format!("--site: the token is of {one}");
        assert!(code == 1 && said.contains(&told) && said.contains(&format!("not of {named}.")), "{code} {said}");
    }
    let (code, said) = run(&of_second, &[&import[..], &here, &["--site", &one]].concat()).await;
    assert!(code == 1 && said.contains(&format!("--site: the token is of {two}")), "{code} {said}");
    let (code, said) = run("stwa_no_token", &[&import[..], &here, &["--site", &two]].concat()).await;
    assert!(code == 1 && said.contains("401"), "{code} {said}");
    assert_eq!(begun().await, 0, "nothing was sent");

    // The site's own token, by its address on the server's machine, then by its id from elsewhere.
    let site = ["--site", &one, "--json"];
    let (code, said) = run(&script.secret, &[&import[..], &here, &site].concat()).await;
    let told: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}"));
    assert_eq!((code, &told["state"], &told["valuesWritten"]), (0, &json!("done"), &json!(1)));
    assert_eq!(value(&world, &first, &plan).await, "Gold");
    let id = world.tenant().await.to_string();
    let (code, said) = command(&world, &script.secret, &[&import[..], &["--site", &id]].concat()).await;
    assert!(code == 0 && said.contains("0 rows change, 1 stay as they are"), "{code} {said}");

    // Without a server to ask.
    let nowhere = folder.path().join("steward.toml");
    let (code, said) =
        run(&script.secret, &[&import[..], &["--config", nowhere.to_str().unwrap(), "--site", &one]].concat()).await;
    assert!(code == 1 && said.contains("without --server, the configuration on this machine"), "{code} {said}");
    while world.program.runner.due().await.unwrap() > 0 {
        world.program.runner.drain().await.unwrap();
        tokio::task::yield_now().await;
    }
    second.shutdown().await;
    world.end().await;
}
