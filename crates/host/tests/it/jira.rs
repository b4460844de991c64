//! The client against the stand-in Jira: each operation once, faults, limits, tokens.

use std::collections::BTreeSet;
use std::time::Duration;

use host::client::{IssueRef, NewComment, PermissionQuery, PropertyKey, RoleId, Search};
use host::jql::Whose;
use host::markup::Document;
use host::{As, Jira};
use kernel::{AccountId, Kind};
use serde_json::json;
use vault::Exit;

use crate::databases::Database;
use crate::world::{World, shared};

#[tokio::test]
async fn a_days_work() {
    let database = Database::sqlite().await.unwrap();
    let contract = shared("specs");
    let checked = contract.is_some();
    let world = World::with(&database, |config| config.contract = contract).await;
    let (id, key, reporter) = world.some_request();
    let (_, cx, agent) = world.enter("agent", "customer-panel", Some(&key)).await;
    let app = Jira::for_tenant(&world.host.cloud, &cx, As::App).within(Duration::from_secs(60));
    let issue_ref = IssueRef::parse(&key).unwrap();

    let issue = app.issue(&issue_ref).await.unwrap();
    assert_eq!(issue.id.as_str(), id);
    assert_eq!(issue.fields.reporter.unwrap().account_id, reporter);
    assert!(issue.fields.created.is_some() && issue.fields.summary.is_some() && issue.fields.status.is_some());
    let ids = world.issue_ids(120);
    let bulk = app.issues(&ids).await.unwrap();
    assert_eq!(bulk.len(), ids.len());

    // A search by pages finds each issue once.
    let projects = world.host.callers.service_projects(&cx).await.unwrap();
    let jql = format!("project in ({}) ORDER BY created DESC", projects[0]);
    let (mut found, mut next) = (BTreeSet::new(), None);
    for _ in 0..3 {
        let page = app.search(Search { jql: &jql, next: next.as_deref(), reconcile: &[], limit: 5 }).await.unwrap();
        for issue in page.issues {
            assert!(found.insert(issue.id), "an issue on two pages");
        }
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert!(found.len() > 5);
    let counts = world.host.request_counts(&cx, As::App, Whose::Customer(&reporter)).await.unwrap();
    assert!(counts.open + counts.closed >= 1);
    assert!(counts.open_url.unwrap().as_str().starts_with(&world.jira.url()));

    // Comments with the id of a message, properties.
    let message = PropertyKey::new("steward.message").unwrap();
    let new = |public| NewComment {
        body: Document::from_text("Hello\n\nWorld"),
        public,
        properties: vec![(message.clone(), json!({"id": "m-1"}))],
    };
    let written = app.add_comment(&issue_ref, new(true)).await.unwrap();
    let internal = app.add_comment(&issue_ref, new(false)).await.unwrap();
    assert_eq!((written.public, internal.public), (Some(true), Some(false)));
    let (comments, total) = app.comments(&issue_ref, 0).await.unwrap();
    assert_eq!(total as usize, comments.len());
    assert!(comments.iter().any(|comment| comment.id == written.id && comment.body.text() == "Hello\nWorld"));
    let property = PropertyKey::new("steward.test").unwrap();
    assert_eq!(app.issue_property(&issue_ref, &property).await.unwrap(), None);
    app.set_issue_property(&issue_ref, &property, &json!({"a": 1})).await.unwrap();
    assert_eq!(app.issue_property(&issue_ref, &property).await.unwrap(), Some(json!({"a": 1})));
    assert!(app.delete_issue_property(&issue_ref, &property).await.unwrap());
    assert!(!app.delete_issue_property(&issue_ref, &property).await.unwrap());

    // Desks, customers, organizations, requests.
    let desks = app.service_desks(0).await.unwrap();
    let desk = &desks.items[0];
    let customers = app.desk_customers(&desk.id, "", 0).await.unwrap();
    assert!(!customers.items.is_empty());
    let (mut organizations, mut start) = (Vec::new(), 0);
    loop {
        let page = app.organizations(None, start).await.unwrap();
        organizations.extend(page.items);
        match page.next {
            Some(next) => start = next,
            None => break,
        }
    }
    let organization = app.organization(&organizations[0].id).await.unwrap();
    assert!(organization.name == organizations[0].name);
    let member = &app.organization_users(&organization.id, 0).await.unwrap().items[0];
    let of_member = app.organizations(Some(&member.account_id), 0).await.unwrap();
    assert!(of_member.items.iter().any(|one| one.id == organization.id));
    world.host.request_counts(&cx, As::App, Whose::Organization(&organization.id)).await.unwrap();
    let request = app.request(&issue_ref).await.unwrap();
    assert_eq!(request.reporter.unwrap().account_id, reporter);
    app.participants(&issue_ref, 0).await.unwrap();

    // Accounts, groups, roles, permissions.
    assert_eq!(app.user(&agent).await.unwrap().account_id, agent);
    let users = app.users(&[agent.clone(), reporter.clone(), AccountId::new("nobody-here").unwrap()]).await.unwrap();
    assert_eq!(users.len(), 2);
    let name = users[0].display_name.clone().unwrap().release(&Exit::audited());
    assert!(!app.user_search(name.split(' ').next().unwrap()).await.unwrap().is_empty());
    let groups = app.groups_of(&agent).await.unwrap();
    assert!(!groups.is_empty());
    assert!(!app.group_search("").await.unwrap().is_empty());
    let projects = app.service_projects(0).await.unwrap();
    let roles = app.roles(&projects.items[0].id).await.unwrap();
    let team = &world.team_roles()[0];
    assert!(roles.iter().any(|role| role.id == *team));
    let mut held = false;
    for project in &projects.items {
        held |= app.role_actors(&project.id, team).await.unwrap().accounts.contains(&agent);
    }
    assert!(held);
    let unknown = RoleId::new("99999").unwrap();
    assert!(app.role_actors(&projects.items[0].id, &unknown).await.unwrap().accounts.is_empty());
    let project_ids: Vec<_> = projects.items.iter().map(|project| project.id.clone()).collect();
    let query = PermissionQuery {
        account: Some(&agent),
        global: &["ADMINISTER"],
        project: &["SERVICEDESK_AGENT"],
        projects: &project_ids,
        issues: &[],
    };
    let granted = app.check_permissions(query).await.unwrap();
    assert!(granted.global.is_empty());
    assert!(!granted.project["SERVICEDESK_AGENT"].projects.is_empty());
    assert_eq!(app.server_info().await.unwrap().deployment_type, "Cloud");

    // As the person, with the token that the page brought.
    let person = app.acting(As::Person(agent.clone()));
    assert_eq!(person.myself().await.unwrap().account_id, agent);
    assert!(person.my_permissions(&["BROWSE_PROJECTS"], Some(&issue_ref)).await.unwrap().contains("BROWSE_PROJECTS"));
    // As somebody who is not there, with a token that is asked for.
    let customer = app.acting(As::Person(reporter.clone()));
    assert_eq!(customer.request(&issue_ref).await.unwrap().issue_id.as_str(), id);

    let violations = world.jira.contract_violations();
    assert!(violations.is_empty(), "{violations:?}");
    assert!(!checked || world.jira.contract_seen().len() > 20);
}

#[tokio::test]
async fn faults_are_told_apart_and_say_nothing_of_jiras() {
    let database = Database::sqlite().await.unwrap();
    let world = World::start(&database).await;
    let (_, cx, _) = world.enter("agent", "customers-page", None).await;
    let app = Jira::for_tenant(&world.host.cloud, &cx, As::App);
    let missing = IssueRef::parse("NOSUCH-1").unwrap();
    let fault = app.issue(&missing).await.err().unwrap();
    assert_eq!(fault.kind(), Kind::NotFound);
    let fault = app.count("this is no query (").await.err().unwrap();
    assert_eq!((fault.kind(), fault.code()), (Kind::Invalid, "jira_rejected"));
    let source = fault.private_source().unwrap().to_string();
    assert_eq!(source, "Jira answered 400");
    let nobody = AccountId::new("5be24ba3f91c106033269289").unwrap();
    let fault = app.acting(As::Person(nobody)).myself().await.err().unwrap();
    assert_eq!(fault.kind(), Kind::Refused);
    // A tenant that was never given access.
    let empty = Database::sqlite().await.unwrap();
    let fresh = World::start(&empty).await;
    let page = fresh.page("agent", "customers-page", None).await;
    let mut bare = page.forge();
    (bare.system_token, bare.user_token) = (None, None);
    let call = fresh.host.inbound.verify(&bare).await.unwrap();
    let cx = fresh.cx(call.tenant);
    fresh.host.inbound.settle(&cx, &call).await.unwrap();
    let fault = Jira::for_tenant(&fresh.host.cloud, &cx, As::App).myself().await.err().unwrap();
    assert_eq!((fault.kind(), fault.code()), (Kind::Busy, "jira_access_missing"));
}

#[tokio::test]
async fn a_token_that_was_taken_back_is_renewed() {
    let database = Database::sqlite().await.unwrap();
    let world = World::start(&database).await;
    let page = world.page("agent", "customers-page", None).await;
    let mut headers = page.forge();
    headers.user_token = Some("a-token-that-jira-took-back");
    let call = world.host.inbound.verify(&headers).await.unwrap();
    let cx = world.cx(call.tenant);
    world.host.inbound.settle(&cx, &call).await.unwrap();
    let agent = call.person().unwrap().clone();
    let person = Jira::for_tenant(&world.host.cloud, &cx, As::Person(agent.clone()));
    assert_eq!(person.myself().await.unwrap().account_id, agent);
}

#[tokio::test]
async fn an_own_token_that_jira_refuses_gives_way_to_the_next() {
    let database = Database::sqlite().await.unwrap();
    let world = World::start(&database).await;
    // Beside a genuine invocation, something that claims to live longer than any token of Forge's.
    let forged = world.long_lived_text();
    let page = world.page("agent", "customers-page", None).await;
    let mut headers = page.forge();
    headers.system_token = Some(&forged);
    let call = world.host.inbound.verify(&headers).await.unwrap();
    let cx = world.cx(call.tenant);
    world.host.inbound.settle(&cx, &call).await.unwrap();
    let app = Jira::for_tenant(&world.host.cloud, &cx, As::App);
    // Genuine ones do not replace it as long as nothing speaks against it.
    world.enter("agent", "customers-page", None).await;
    let fault = app.server_info().await.err().unwrap();
    assert_eq!((fault.kind(), fault.code()), (Kind::Busy, "jira_access_ended"));
    world.enter("agent", "customers-page", None).await;
    assert_eq!(app.server_info().await.unwrap().deployment_type, "Cloud");
}

#[tokio::test]
async fn our_own_pace_stays_below_jiras_limits() {
    let database = Database::sqlite().await.unwrap();
    let world = World::start(&database).await;
    let (_, key, _) = world.some_request();
    let (_, cx, _) = world.enter("agent", "customer-panel", Some(&key)).await;
    let issue = IssueRef::parse(&key).unwrap();
    let property = PropertyKey::new("steward.pace").unwrap();
    let app = Jira::for_tenant(&world.host.cloud, &cx, As::App).within(Duration::from_secs(30));
    let writes = (0..25).map(|n| {
        let (app, issue, property) = (&app, &issue, &property);
        async move { app.set_issue_property(issue, property, &json!(n)).await }
    });
    let written = futures::future::join_all(writes).await;
    assert!(written.iter().all(Result::is_ok));

    // Without patience: told when to come back, at once.
    let hasty = Jira::for_tenant(&world.host.cloud, &cx, As::App).within(Duration::from_millis(20));
    let tries = (0..20).map(|n| {
        let (hasty, issue, property) = (&hasty, &issue, &property);
        async move { hasty.set_issue_property(issue, property, &json!(n)).await }
    });
    let refused = futures::future::join_all(tries).await.into_iter().filter_map(Result::err).next().unwrap();
    assert_eq!((refused.kind(), refused.code()), (Kind::Busy, "jira_rate_limited"));
    assert!(refused.retry_after().is_some());
}

#[tokio::test]
async fn a_refusal_of_jiras_pauses_and_is_told() {
    let database = Database::sqlite().await.unwrap();
    // Jira's hour of points is nearly over for everybody.
    let world = World::with(&database, |config| config.rate_limits.points_per_hour = 12).await;
    let (_, cx, _) = world.enter("agent", "customers-page", None).await;
    let app = Jira::for_tenant(&world.host.cloud, &cx, As::App).within(Duration::from_secs(5));
    let mut fault = None;
    for _ in 0..20 {
        if let Err(refused) = app.myself().await {
            fault = Some(refused);
            break;
        }
    }
    let fault = fault.unwrap();
    assert_eq!((fault.kind(), fault.code()), (Kind::Busy, "jira_rate_limited"));
    // The pause reaches every endpoint, and no call is made while it lasts.
    let other = app.server_info().await.err().unwrap();
    assert_eq!(other.code(), "jira_rate_limited");
    assert!(other.retry_after().unwrap() > Duration::from_secs(1));
}

#[tokio::test]
async fn the_last_of_an_hours_points_is_left_to_people() {
    let database = Database::sqlite().await.unwrap();
    let world = World::with(&database, |config| config.rate_limits.points_per_hour = 60).await;
    let (_, cx, _) = world.enter("agent", "customers-page", None).await;
    let person = || Jira::for_tenant(&world.host.cloud, &cx, As::App).within(Duration::from_secs(5));
    let mut held_back = None;
    for _ in 0..60 {
        if let Err(fault) = person().in_background().within(Duration::from_secs(5)).myself().await {
            held_back = Some(fault);
            break;
        }
    }
    let fault = held_back.unwrap();
    assert_eq!((fault.kind(), fault.code()), (Kind::Busy, "jira_rate_limited"));
    assert!(fault.retry_after().unwrap() > Duration::from_secs(1));
    // Some of the hour is left, and whoever waits gets it.
    person().myself().await.unwrap();
    person().server_info().await.unwrap();
}
