//! As whom Jira says that a request was raised for a customer, by how the site is joined: as whoever raised it where Jira lets an
//! app act as them; else as the account, with whoever it was named by id in a property, and nobody by name anywhere.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use sandbox::state::Issue;
use serde_json::{Value, json};

use crate::world::{CONNECT_APP, Joined, World};

/// The property's key, which automation knows.
const RAISED_BY: &str = "stewardRaisedBy";
/// What a description begins with that the account wrote.
const FIRST_LINE: &str = "Raised by the support team on the customer's behalf.";
const WORDS: &str = "Since this morning.";

/// The request that the agent raises for the customer on a page of ours.
async fn raised(world: &World) -> Arc<Issue> {
    let agent = world.agent();
    let customer = world.known_as(&world.jira.visitor("customer").unwrap().account_id).await;
    let issue = world.issue();
    let project = {
        let state = world.jira.state();
        let store = state.read();
        store.project(issue.split('-').next().unwrap()).unwrap().id.clone()
    };
    let kinds = agent.get(&format!("/api/v1/projects/{project}/request-types")).await.expect(200).body;
    for kind in kinds["items"].as_array().unwrap() {
        let kind = kind["id"].as_str().unwrap();
        let form = agent.get(&format!("/api/v1/projects/{project}/request-types/{kind}")).await.expect(200).body;
        if form["missing"] == json!([]) && form["described"] == json!(true) {
            let wanted = json!({
                "accountId": customer, "projectId": project, "requestTypeId": kind, "summary": "Cannot sign in",
                "description": WORDS,
            });
            let made = agent.post("/api/v1/requests", wanted).await.expect(201).body;
            return world.jira.state().read().issue(made["issueKey"].as_str().unwrap()).unwrap().clone();
        }
    }
    panic!("the demo has no type that can be raised here: {kinds}")
}

/// The text of the description's paragraphs.
fn paragraphs(issue: &Issue) -> Vec<String> {
    let blocks = issue.description.as_ref().unwrap()["content"].as_array().unwrap();
    let text = |block: &Value| block["content"][0]["text"].as_str().unwrap_or_default().to_owned();
    blocks.iter().map(text).collect()
}

async fn as_the_account(joined: Joined) {
    let world = World::joined_by(joined, Vec::new()).await;
    let issue = Box::pin(raised(&world)).await;
    let (admin, agent) = (world.jira.visitor("admin").unwrap(), world.jira.visitor("agent").unwrap());
    assert_eq!(issue.creator, admin.account_id, "the site was joined with the administrator's token");
    let named = &issue.properties[RAISED_BY];
    assert_eq!(named, &json!({"accountId": world.agent().account()}));
    assert_eq!(paragraphs(&issue), [FIRST_LINE, WORDS]);
    let written = format!("{}{named}", issue.description.as_ref().unwrap());
    for name in [&agent.display_name, &agent.email, &agent.username, &agent.user_key] {
        assert!(name.is_empty() || !written.contains(name.as_str()), "{written} names somebody");
    }
    world.end().await;
}

async fn as_the_person(joined: Joined) {
    let world = World::joined_by(joined, Vec::new()).await;
    let issue = Box::pin(raised(&world)).await;
    assert_eq!(issue.creator, world.agent().account());
    assert_eq!((issue.properties.get(RAISED_BY), paragraphs(&issue)), (None, vec![WORDS.to_owned()]));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_a_token_of_cloud() {
    Box::pin(as_the_account(Joined::CloudToken)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_a_token_of_data_center() {
    Box::pin(as_the_account(Joined::DataCenter)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_forge() {
    Box::pin(as_the_person(Joined::Forge)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_connect() {
    Box::pin(as_the_person(Joined::Connect)).await;
}

/// An app that was installed before it asked for that has no token of anybody's.
#[tokio::test(flavor = "multi_thread")]
async fn by_connect_that_may_act_as_nobody() {
    let world = World::unjoined(Vec::new()).await;
    let asked = Request::get("/connect/atlassian-connect.json").body(Body::empty()).unwrap();
    let mut descriptor = world.send(asked).await.expect(200).body;
    descriptor["scopes"] = json!(["READ", "WRITE"]);
    let listener = tokio::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let before = format!("http://{}/", listener.local_addr().unwrap());
    let told = descriptor.to_string();
    let router = axum::Router::new().route("/", axum::routing::get(move || async move { told }));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    world.jira.connect().install(&before, None).await.unwrap();
    world.program.runner.drain().await.unwrap();

    let issue = Box::pin(raised(&world)).await;
    let app = world.jira.connect().installation(CONNECT_APP).unwrap();
    assert_eq!(issue.creator, app.account_id);
    world.end().await;
}
