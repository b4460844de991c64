//! Customers, organizations, members and requests made from Steward's pages: in Jira first, as whoever wants it, and
//! here at once.

mod lost;

use axum::http::Method;
use serde_json::{Value, json};

use crate::site::{Browser, joins, signs_in_through};
use crate::world::World;

on_both!(
    an_administrator_makes_a_customer,
    whoever_was_made_stays_in_the_lists,
    a_customer_who_is_there_already_is_said,
    what_cannot_be_made_is_said_where_it_stands,
    organizations_and_their_members_come_and_go,
    a_request_is_raised_for_a_customer,
    a_script_makes_customers,
);

/// The service projects, by key, as the API gives them.
async fn projects(world: &World) -> Vec<(String, String)> {
    let listed = world.admin().get("/api/v1/projects").await.expect(200).body;
    let text = |project: &Value, name: &str| project[name].as_str().unwrap().to_owned();
    listed["items"].as_array().unwrap().iter().map(|project| (text(project, "key"), text(project, "id"))).collect()
}

/// The project in which the demo's agent works.
async fn project_of_agent(world: &World) -> String {
    let issue = world.issue();
    let key = issue.split('-').next().unwrap();
    projects(world).await.into_iter().find(|(known, _)| known == key).unwrap().1
}

async fn first_organization(world: &World) -> String {
    let listed = world.agent().get("/api/v1/organizations?limit=1").await.expect(200).body;
    listed["items"][0]["id"].as_str().unwrap().to_owned()
}

async fn an_administrator_makes_a_customer(world: &World) {
    let (project, organization) = (project_of_agent(world).await, first_organization(world).await);
    let wanted = json!({
        "email": "grace.hopper@navy.example", "displayName": "Grace Hopper",
        "projectIds": [project, project], "organizationIds": [organization],
    });
    let made = world.admin().post("/api/v1/customers", wanted).await.expect(201);
    assert_eq!(made.body["refused"], json!([]), "{}", made.text);
    let customer = &made.body["customer"];
    assert_eq!(customer["displayName"], "Grace Hopper");
    assert_eq!(customer["emailAddress"], "grace.hopper@navy.example");
    assert_eq!(customer["organizations"][0]["id"], organization);
    let account = customer["accountId"].as_str().unwrap();
    assert_eq!(made.headers["location"], format!("/api/v1/customers/{account}"));

    // Jira has them, and so do the lists, without waiting for the hour.
    let state = world.jira.state();
    assert_eq!(state.read().account(account).unwrap().display_name, "Grace Hopper");
    let found = world.agent().get("/api/v1/customers?search=hopper").await.expect(200).body;
    assert_eq!(found["items"][0]["accountId"], account, "{found}");
    let members = world.agent().get(&format!("/api/v1/organizations/{organization}")).await.expect(200).body;
    assert!(members.to_string().contains(account), "{members}");
    let field = world.admin().defines_text("Ship", "agents").await;
    world.agent().writes(account, &field, json!("Hopper")).await.expect(200);
}

/// No list of Jira's has somebody who is in no project: they are a customer all the same, until their account is closed.
async fn whoever_was_made_stays_in_the_lists(world: &World) {
    let admin = world.admin();
    let make = async |email: &str, name: &str| {
        let wanted = json!({"email": email, "displayName": name});
        let made = admin.post("/api/v1/customers", wanted).await.expect(201).body;
        made["customer"]["accountId"].as_str().unwrap().to_owned()
    };
    let (grace, left) =
        (make("grace@navy.example", "Grace Hopper").await, make("left@navy.example", "Left Hopper").await);
    // Whom an agent wrote of beside a request, and who is in no project, is one too.
    let known = world.customer().account();
    let field = admin.defines_text("Ship", "agents").await;
    world.agent().writes(&known, &field, json!("Hopper")).await.expect(200);
    let change = |change: &dyn Fn(&mut sandbox::state::Store)| change(&mut world.jira.state().write());
    change(&|store| {
        store.accounts.get_mut(&left).unwrap().active = false;
        for desk in store.service_desks.values_mut() {
            desk.customers.retain(|account| *account != known);
        }
        for organization in store.organizations.values_mut() {
            organization.members.retain(|account| *account != known);
        }
    });
    for _ in 0..2 {
        world.clock.advance(std::time::Duration::from_secs(3_700));
        world.program.runner.drain().await.unwrap();
    }
    let found = admin.get("/api/v1/customers?search=hopper").await.expect(200).body;
    let found: Vec<&str> =
        found["items"].as_array().unwrap().iter().map(|item| item["accountId"].as_str().unwrap()).collect();
    assert!(found.contains(&grace.as_str()), "who was made vanished: {found:?}");
    assert!(found.contains(&known.as_str()), "who has values vanished: {found:?}");
    assert!(!found.contains(&left.as_str()), "whose account was closed stays: {found:?}");
}

async fn a_customer_who_is_there_already_is_said(world: &World) {
    let wanted = json!({"email": "ada@lovelace.example", "displayName": "Ada Lovelace"});
    world.admin().post("/api/v1/customers", wanted.clone()).await.expect(201);
    let again = world.admin().post("/api/v1/customers", wanted.clone()).await.expect(409);
    assert_eq!(again.body["code"], "email_in_use");
    assert!(!again.text.contains("lovelace"), "an error quotes nothing");
    // Jira lets administrators alone; the agent is told whom to ask.
    let agent = world.agent().post("/api/v1/customers", wanted).await.expect(403);
    assert!(agent.body["detail"].as_str().unwrap().contains("only its administrators"), "{}", agent.text);
}

async fn what_cannot_be_made_is_said_where_it_stands(world: &World) {
    let admin = world.admin();
    let pointers = |body: &Value| -> Vec<String> {
        body["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
    };
    let long = "x".repeat(300);
    let wrong = json!({"email": "not an address", "displayName": long, "projectIds": vec!["1"; 11]});
    let refused = admin.post("/api/v1/customers", wrong).await.expect(422);
    assert_eq!(pointers(&refused.body), ["/email", "/displayName", "/projectIds"]);
    let elsewhere = json!({"email": "new@example.com", "displayName": "New", "projectIds": ["999999"]});
    let refused = admin.post("/api/v1/customers", elsewhere).await.expect(422);
    assert_eq!(pointers(&refused.body), ["/projectIds/0"]);
    assert!(world.jira.state().read().accounts.values().all(|a| a.display_name != "New"), "nothing was half done");
    // The place that Jira refuses is told, and the customer stands.
    let elsewhere = json!({"email": "new@example.com", "displayName": "New", "organizationIds": ["999999"]});
    let made = admin.post("/api/v1/customers", elsewhere).await.expect(201).body;
    assert_eq!(made["refused"][0]["pointer"], "/organizationIds/0");
    assert_eq!(made["refused"][0]["problem"]["status"], 404);
    // Ten megabytes of a name are refused before they are read.
    let huge = json!({"email": "new@example.com", "displayName": "x".repeat(10 << 20)});
    admin.post("/api/v1/customers", huge).await.expect(413);
    admin.post("/api/v1/organizations", json!({"name": " "})).await.expect(422);
}

async fn organizations_and_their_members_come_and_go(world: &World) {
    let project = project_of_agent(world).await;
    let agent = world.agent();
    let wanted = json!({"name": "Zürich Bahn AG", "projectIds": [project]});
    let made = agent.post("/api/v1/organizations", wanted.clone()).await.expect(201).body;
    assert_eq!(made["refused"], json!([]));
    let id = made["organizationId"].as_str().unwrap().to_owned();
    assert_eq!(agent.post("/api/v1/organizations", wanted).await.expect(409).body["code"], "name_in_use");

    let account = world.customer().account();
    let path = format!("/api/v1/organizations/{id}/members");
    agent.post(&path, json!({"accountIds": [account]})).await.expect(204);
    agent.post(&path, json!({"accountIds": [account]})).await.expect(204);
    let members = agent.get(&format!("/api/v1/organizations/{id}")).await.expect(200).body;
    assert_eq!((&members["memberCount"], &members["members"][0]["accountId"]), (&json!(1), &json!(account)));
    let found =
        agent.get("/api/v1/customers?query=organization%20%3D%20%22Z%C3%BCrich%20Bahn%20AG%22").await.expect(200);
    assert_eq!(found.body["items"][0]["accountId"], account, "{}", found.text);

    agent.ask(Method::DELETE, &format!("{path}/{account}"), None, None).await.expect(204);
    let members = agent.get(&format!("/api/v1/organizations/{id}")).await.expect(200).body;
    assert_eq!(members["memberCount"], 0);
    assert!(world.jira.state().read().organizations[&id].members.is_empty());
    agent.post(&path, json!({"accountIds": []})).await.expect(422);
    agent.post(&path, json!({"accountIds": ["5b10ac8d82e05b22cc7d4000"]})).await.expect(422);
    agent.post("/api/v1/organizations/999999/members", json!({"accountIds": [account]})).await.expect(404);
    world.customer().post(&path, json!({"accountIds": [account]})).await.expect(403);
}

async fn a_request_is_raised_for_a_customer(world: &World) {
    let project = project_of_agent(world).await;
    let agent = world.agent();
    let kinds = agent.get(&format!("/api/v1/projects/{project}/request-types")).await.expect(200).body;
    let mut raised = None;
    for kind in kinds["items"].as_array().unwrap() {
        let kind = kind["id"].as_str().unwrap();
        let form = agent.get(&format!("/api/v1/projects/{project}/request-types/{kind}")).await.expect(200).body;
        let wanted = json!({
            "accountId": world.customer().account(), "projectId": project, "requestTypeId": kind,
            "summary": "Cannot sign in", "description": "Since *this* morning.\n\nNo h1. markup",
        });
        if form["missing"] == json!([]) && form["described"] == json!(true) {
            raised = Some(agent.post("/api/v1/requests", wanted).await.expect(201).body);
        } else if form["missing"] != json!([]) {
            let refused = agent.post("/api/v1/requests", wanted).await.expect(422);
            assert_eq!(refused.body["code"], "jira_rejected");
            assert!(form["portalUrl"].as_str().unwrap().contains("/servicedesk/customer/portal/"));
        }
    }
    let key = raised.expect("the demo has a type that can be raised here")["issueKey"].as_str().unwrap().to_owned();
    let state = world.jira.state();
    let issue = state.read().issue(&key).unwrap().clone();
    assert_eq!(issue.summary, "Cannot sign in");
    assert_eq!(issue.reporter.as_deref(), Some(&*world.customer().account()));
    let wrong = json!({"accountId": world.customer().account(), "projectId": project, "requestTypeId": "999999", "summary": "x"});
    let refused = agent.post("/api/v1/requests", wrong.clone()).await.expect(422);
    assert_eq!(refused.body["code"], "jira_rejected");
    world.customer().post("/api/v1/requests", wrong).await.expect(403);
}

async fn a_script_makes_customers(world: &World) {
    let script = world.script("Sign-ups", &["customers:write"]).await;
    let wanted = json!({"email": "sign.up@example.com", "displayName": "Sign Up"});
    script.post("/api/v1/customers", wanted).await.expect(201);
    script.post("/api/v1/organizations", json!({"name": "Not in its scopes"})).await.expect(403);
    let placed = json!({"email": "b@example.com", "displayName": "B", "organizationIds": ["1"]});
    script.post("/api/v1/customers", placed).await.expect(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_jira_cannot_judge_the_person_steward_asks_it_first() {
    let world = World::unjoined(Vec::new()).await;
    let joined = joins(&world).await;
    let site = joined["id"].as_str().unwrap();
    signs_in_through(&world).await;
    let (mut agent, mut admin) = (Browser::of(&world, "agent"), Browser::of(&world, "admin"));
    let (agents, admins) = (agent.signs_in(site).await, admin.signs_in(site).await);
    let made = json!({"email": "new@example.com", "displayName": "New"});
    let refused = agent.asks(Method::POST, "/api/v1/customers", Some(&agents), Some(made.clone())).await.expect(403);
    assert!(refused.text.contains("only its administrators"), "{}", refused.text);
    admin.asks(Method::POST, "/api/v1/customers", Some(&admins), Some(made)).await.expect(201);

    // The account that the site was joined with may do this anywhere; the agent, only where they work.
    let listed = admin.goes("/api/v1/projects").await.expect(200).body;
    let own = world.issue().split('-').next().unwrap().to_owned();
    let mut elsewhere = 0;
    for project in listed["items"].as_array().unwrap() {
        let path = format!("/api/v1/projects/{}/request-types", project["id"].as_str().unwrap());
        let works = {
            let (state, account) = (world.jira.state(), world.agent().account());
            let store = state.read();
            let project = store.project(project["id"].as_str().unwrap()).unwrap();
            store.holds_role(project, sandbox::state::model::ROLE_TEAM, &account)
        };
        assert!(works || project["key"] != own.as_str());
        elsewhere += usize::from(!works);
        agent.goes(&path).await.expect(if works { 200 } else { 403 });
        admin.goes(&path).await.expect(200);
    }
    assert!(elsewhere > 0, "the demo has a project in which the agent does not work");
    world.end().await;
}
