//! What Jira made and nobody heard of: the line was cut, or an error was answered although it was done. Whoever asks for the same
//! again is answered what it made, with an `Idempotency-Key` or without; what it did not make is made then.

use std::time::Duration;

use axum::http::Method;
use sandbox::events::Actor;
use sandbox::faults::{Misfortune, RequestFault};
use serde_json::{Value, json};

use super::{first_organization, project_of_agent};
use crate::imports::customers;
use crate::world::{Answer, Script, World};

on_both!(
    an_organization_is_there_once,
    an_organization_that_is_found_at_once_is_answered_at_once,
    a_key_answers_what_was_made,
    what_was_not_made_is_made_later,
    of_many_who_ask_at_once_one_asks_jira,
    a_customer_is_there_once,
    a_customer_whose_address_is_withheld_is_there_once,
    whoever_was_a_customer_before_was_not_made,
    a_request_is_there_once,
    a_request_of_a_key_is_there_once,
);

const CUSTOMER: &str = "/rest/servicedeskapi/customer";
const ORGANIZATION: &str = "/rest/servicedeskapi/organization";
const REQUEST: &str = "/rest/servicedeskapi/request";
/// Longer than what may still be under way is waited for.
const SETTLED: Duration = Duration::from_secs(61);
/// How long the search is behind, where it is.
const LAG: Duration = Duration::from_secs(30);

/// What may become of the answer to something that is done.
fn lost() -> [Misfortune; 5] {
    let stumble = |status| Misfortune::Stumble { status };
    [Misfortune::Lose, stumble(500), stumble(502), stumble(503), stumble(504)]
}

fn once(method: Method, path: &str, what: Misfortune) -> RequestFault {
    RequestFault { method: Some(method), path: Some(path.to_owned()), next: Some(1), chance: 1.0, what }
}

/// Befalls what is asked next, and keeps search behind.
fn befalls(world: &World, requests: Vec<RequestFault>, lag: Duration) {
    let faults = sandbox::Faults { requests, search_lag: (lag, lag), ..sandbox::Faults::none() };
    world.jira.state().faults().command(faults, None);
}

/// A look into Jira's list that fails, and is not tried again by itself.
fn unseen() -> RequestFault {
    once(Method::GET, ORGANIZATION, Misfortune::Error { status: 501 })
}

#[track_caller]
fn unheard(answer: Answer) {
    let answer = answer.expect(409);
    assert_eq!(answer.body["code"], "jira_answer_lost", "{}", answer.text);
    assert!(!answer.headers.contains_key("retry-after"), "nobody is told to send it again by themselves");
}

/// Ids of the organizations of this name in Jira.
fn organizations(world: &World, name: &str) -> Vec<String> {
    let state = world.jira.state();
    let store = state.read();
    let named = store.organizations.iter().filter(|(_, organization)| organization.name == name);
    named.map(|(id, _)| id.clone()).collect()
}

/// Accounts of this address in Jira.
fn accounts(world: &World, email: &str) -> Vec<String> {
    let state = world.jira.state();
    let store = state.read();
    let of = store.accounts.values().filter(|account| account.email.eq_ignore_ascii_case(email));
    of.map(|account| account.account_id.clone()).collect()
}

/// Keys of the issues with this summary in Jira.
fn requests(world: &World, summary: &str) -> Vec<String> {
    let state = world.jira.state();
    let store = state.read();
    let named = store.issues.values().filter(|issue| issue.summary == summary);
    named.map(|issue| issue.key.clone()).collect()
}

async fn noted(world: &World, kind: &str) -> usize {
    let cx = world.reader().await;
    let entries = store::ledger::list(&mut world.program.store.read(&cx).await.unwrap(), 0, 1_000).await.unwrap();
    entries.iter().filter(|entry| entry.kind == kind).count()
}

async fn an_organization_is_there_once(world: &World) {
    let project = project_of_agent(world).await;
    let agent = world.agent();
    for (number, what) in lost().into_iter().take(2).enumerate() {
        let name = format!("Unheard {number} AG");
        let wanted = json!({"name": name, "projectIds": [project]});
        befalls(world, vec![once(Method::POST, ORGANIZATION, what), unseen()], Duration::ZERO);
        unheard(agent.post("/api/v1/organizations", wanted.clone()).await);
        let there = organizations(world, &name);
        assert_eq!(there.len(), 1, "Jira did it");
        // The lists show it without waiting for the hour.
        world.clock.advance(Duration::from_secs(5 * 60));
        world.program.runner.drain().await.unwrap();
        let listed = agent.get("/api/v1/organizations?search=unheard").await.expect(200).text;
        assert!(listed.contains(&name), "{listed}");
        let made = agent.post("/api/v1/organizations", wanted.clone()).await.expect(201).body;
        assert_eq!(made, json!({"organizationId": there[0], "refused": []}));
        assert_eq!(organizations(world, &name), there);
        let desk = world.jira.state().read().desk_of(&project).unwrap().clone();
        assert!(desk.organizations.contains(&there[0]), "it was put where it belongs");
        // From now on it is one of this name.
        let again = agent.post("/api/v1/organizations", wanted).await.expect(409);
        assert_eq!(again.body["code"], "name_in_use");
    }
    assert_eq!(noted(world, "customers.organization_added").await, 2);
}

async fn an_organization_that_is_found_at_once_is_answered_at_once(world: &World) {
    for (number, what) in lost().into_iter().enumerate() {
        let name = format!("Unheard {number} AG");
        befalls(world, vec![once(Method::POST, ORGANIZATION, what)], Duration::ZERO);
        let made = world.agent().post("/api/v1/organizations", json!({"name": name})).await.expect(201).body;
        assert_eq!(organizations(world, &name), [made["organizationId"].as_str().unwrap()]);
    }
}

async fn a_key_answers_what_was_made(world: &World) {
    let script = world.script("Sync", &["organizations:write"]).await;
    for (number, what) in lost().into_iter().enumerate() {
        let (name, key) = (format!("Unheard {number} AG"), format!("key-{number}"));
        let ask = || script.posts_once(&key, "/api/v1/organizations", json!({"name": name}));
        befalls(world, vec![once(Method::POST, ORGANIZATION, what), unseen()], Duration::ZERO);
        unheard(ask().await);
        let made = ask().await.expect(201);
        assert_eq!(organizations(world, &name), [made.body["organizationId"].as_str().unwrap()]);
        let again = ask().await.expect(201);
        assert_eq!((&again.headers["idempotency-replayed"], &again.text), (&"true".parse().unwrap(), &made.text));
        assert_eq!(organizations(world, &name).len(), 1);
    }
}

/// An error says as little where nothing was done.
async fn what_was_not_made_is_made_later(world: &World) {
    let script = world.script("Sync", &["organizations:write"]).await;
    let ask = || script.posts_once("key", "/api/v1/organizations", json!({"name": "Later AG"}));
    befalls(world, vec![once(Method::POST, ORGANIZATION, Misfortune::Error { status: 503 })], Duration::ZERO);
    unheard(ask().await);
    unheard(ask().await);
    assert!(organizations(world, "Later AG").is_empty(), "what may be under way is waited for");
    world.clock.advance(SETTLED);
    ask().await.expect(201);
    assert_eq!(organizations(world, "Later AG").len(), 1);
    // Whom nobody heard of a day ago nobody waits for.
    befalls(world, vec![once(Method::POST, ORGANIZATION, Misfortune::Error { status: 503 })], Duration::ZERO);
    unheard(script.post("/api/v1/organizations", json!({"name": "Tomorrow AG"})).await);
    world.clock.advance(Duration::from_secs(24 * 3_600));
    // Jira's access, which lasts some hours, comes with whatever it tells.
    let somebody = world.jira.visitor("agent").unwrap().account_id;
    world.jira.state().edit_account(&Actor::default(), &somebody, |_| {}).unwrap();
    world.jira.deliveries_settled().await;
    world.program.runner.drain().await.unwrap();
    script.post("/api/v1/organizations", json!({"name": "Tomorrow AG"})).await.expect(201);
    assert_eq!(organizations(world, "Tomorrow AG").len(), 1);
    world.program.runner.drain().await.unwrap();
}

async fn of_many_who_ask_at_once_one_asks_jira(world: &World) {
    let script = world.script("Sync", &["organizations:write"]).await;
    let all = (0..8).map(|_| script.post("/api/v1/organizations", json!({"name": "At once AG"})));
    let answers = futures::future::join_all(all).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!((made, organizations(world, "At once AG").len()), (1, 1));
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        let code = answer.body["code"].as_str().unwrap();
        assert_eq!(answer.status, 409, "{}", answer.text);
        assert!(["idempotency_in_progress", "name_in_use"].contains(&code), "{}", answer.text);
    }
}

async fn a_customer_is_there_once(world: &World) {
    let organization = first_organization(world).await;
    let admin = world.admin();
    for (number, what) in lost().into_iter().enumerate() {
        let email = format!("unheard.{number}@example.com");
        let wanted = json!({"email": email, "displayName": "Unheard", "organizationIds": [organization]});
        let ask = || admin.post("/api/v1/customers", wanted.clone());
        befalls(world, vec![once(Method::POST, CUSTOMER, what)], LAG);
        unheard(ask().await);
        assert_eq!(accounts(world, &email).len(), 1, "Jira did it");
        // Jira says that the address is taken, and not yet by whom.
        unheard(ask().await);
        world.clock.advance(LAG);
        let made = ask().await.expect(201).body;
        assert_eq!(accounts(world, &email), [made["customer"]["accountId"].as_str().unwrap()]);
        assert_eq!((&made["customer"]["emailAddress"], &made["refused"]), (&json!(email), &json!([])));
        assert_eq!(made["customer"]["organizations"][0]["id"], organization);
        assert_eq!(ask().await.expect(409).body["code"], "email_in_use");
    }
    // Where the search is not behind, the answer is not either.
    befalls(world, vec![once(Method::POST, CUSTOMER, Misfortune::Lose)], Duration::ZERO);
    admin.post("/api/v1/customers", json!({"email": "now@example.com", "displayName": "Now"})).await.expect(201);
    assert_eq!(noted(world, "customers.customer_added").await, lost().len() + 1);
    world.program.runner.drain().await.unwrap();
}

/// To an app itself Jira tells no customer's address: that there is one is all that can be said, when a search cannot be behind.
async fn a_customer_whose_address_is_withheld_is_there_once(world: &World) {
    let script = world.script("Sign-ups", &["customers:write"]).await;
    let wanted = json!({"email": "sign.up@example.com", "displayName": "Sign Up"});
    let ask = || script.posts_once("key", "/api/v1/customers", wanted.clone());
    befalls(world, vec![once(Method::POST, CUSTOMER, Misfortune::Stumble { status: 500 })], Duration::ZERO);
    unheard(ask().await);
    world.clock.advance(SETTLED);
    unheard(ask().await);
    world.clock.advance(Duration::from_secs(10 * 60));
    assert_eq!(ask().await.expect(409).body["code"], "email_in_use");
    assert_eq!(accounts(world, "sign.up@example.com").len(), 1);
    world.program.runner.drain().await.unwrap();
}

async fn whoever_was_a_customer_before_was_not_made(world: &World) {
    let known = customers(world, 100).await.into_iter().find(|(_, email)| !email.is_empty()).unwrap().1;
    let wanted = json!({"email": known, "displayName": "Not their name"});
    befalls(world, vec![once(Method::POST, CUSTOMER, Misfortune::Lose)], Duration::ZERO);
    let refused = world.admin().post("/api/v1/customers", wanted).await.expect(409);
    assert_eq!(refused.body["code"], "email_in_use");
    assert_eq!(noted(world, "customers.customer_added").await, 0);
}

/// A request that can be raised here for the demo's customer.
async fn wanted(world: &World, summary: &str) -> Value {
    let project = project_of_agent(world).await;
    let agent = world.agent();
    let kinds = agent.get(&format!("/api/v1/projects/{project}/request-types")).await.expect(200).body;
    for kind in kinds["items"].as_array().unwrap() {
        let kind = kind["id"].as_str().unwrap();
        let form = agent.get(&format!("/api/v1/projects/{project}/request-types/{kind}")).await.expect(200).body;
        if form["missing"] == json!([]) && form["described"] == json!(true) {
            return json!({
                "accountId": world.customer().account(), "projectId": project, "requestTypeId": kind,
                "summary": summary, "description": "Since this morning.",
            });
        }
    }
    panic!("the demo has no type that can be raised here: {kinds}")
}

async fn a_request_is_there_once(world: &World) {
    let agent = world.agent();
    for (number, what) in lost().into_iter().enumerate() {
        let summary = format!("Cannot sign in {number}");
        let wanted = wanted(world, &summary).await;
        let ask = || agent.post("/api/v1/requests", wanted.clone());
        befalls(world, vec![once(Method::POST, REQUEST, what.clone())], LAG);
        unheard(ask().await);
        let there = requests(world, &summary);
        assert_eq!(there.len(), 1, "Jira did it");
        unheard(ask().await);
        assert_eq!(requests(world, &summary), there, "a search that is behind is waited for");
        world.clock.advance(LAG);
        let made = ask().await.expect(201).body;
        assert_eq!((made["issueKey"].as_str().unwrap(), requests(world, &summary)), (&*there[0], there.clone()));
        // It was heard of: the same again is another one.
        ask().await.expect(201);
        assert_eq!(requests(world, &summary).len(), 2);
        // Where the search is not behind, the answer is not either.
        world.clock.advance(SETTLED * 2);
        befalls(world, vec![once(Method::POST, REQUEST, what)], Duration::ZERO);
        ask().await.expect(201);
        assert_eq!(requests(world, &summary).len(), 3);
    }
    assert_eq!(noted(world, "customers.request_raised").await, 3 * lost().len());
    world.program.runner.drain().await.unwrap();
}

async fn a_request_of_a_key_is_there_once(world: &World) {
    let bearer = world.agent().post("/api/v1/session/bearer", json!({})).await.expect(200).body;
    let session = Script { world, id: String::new(), secret: bearer["token"].as_str().unwrap().to_owned() };
    let wanted = wanted(world, "Cannot sign in").await;
    let ask = |key: &'static str| session.posts_once(key, "/api/v1/requests", wanted.clone());
    befalls(world, vec![once(Method::POST, REQUEST, Misfortune::Lose)], LAG);
    unheard(ask("one").await);
    world.clock.advance(LAG);
    let made = ask("one").await.expect(201);
    assert_eq!(requests(world, "Cannot sign in"), [made.body["issueKey"].as_str().unwrap()]);
    assert_eq!(ask("one").await.expect(201).text, made.text);
    assert_eq!(requests(world, "Cannot sign in").len(), 1);
    // Another key is another request.
    ask("two").await.expect(201);
    assert_eq!(requests(world, "Cannot sign in").len(), 2);
    world.program.runner.drain().await.unwrap();
}
