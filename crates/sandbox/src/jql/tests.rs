//! What queries find, and what they are told.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeMap, sync::Arc};

use serde_json::json;

use super::{Bound, parse, run};
use crate::{
    Config, Source,
    auth::Caller,
    config::Faults,
    events::Actor,
    state::{
        FieldValue, NewIssue, PropertyIndex, State, base_seed,
        model::{Account, AccountType, Organization, Project, ProjectKind, ROLE_TEAM, RoleActor, USERS_GROUP},
    },
};

const ME: &str = "agent";

fn site() -> State {
    let clock = || "2026-11-18T10:30:00Z".parse().unwrap();
    let config = Config {
        faults: Faults::none(),
        clock: Arc::new(clock),
        source: Source::Seed(Box::default()),
        ..Config::default()
    };
    let state = State::new(&config);
    let mut seed = base_seed();
    seed.accounts = vec![
        Account::new(ME, AccountType::Atlassian, "Bob Agent", "bob@example.com"),
        Account::new("carla", AccountType::Customer, "Carla", "carla@example.com"),
    ];
    for group in seed.groups.iter_mut().filter(|g| g.name == USERS_GROUP) {
        group.members.insert(ME.to_owned());
    }
    let project = |id: &str, key: &str, team: bool| Project {
        id: id.to_owned(),
        key: key.to_owned(),
        name: format!("Project {key}"),
        description: String::new(),
        kind: ProjectKind::ServiceDesk,
        lead: ME.to_owned(),
        issue_type_ids: vec!["10001".to_owned(), "10002".to_owned()],
        workflow_id: "10001".to_owned(),
        roles: if team { BTreeMap::from([(ROLE_TEAM, vec![RoleActor::User(ME.to_owned())])]) } else { BTreeMap::new() },
        open_to_licensed: false,
    };
    seed.projects = vec![project("1", "HELP", true), project("2", "SECRET", false)];
    seed.organizations = vec![Organization {
        id: "30".to_owned(),
        uuid: String::new(),
        name: "Acme \"East\"".to_owned(),
        members: ["carla".to_owned()].into(),
        properties: BTreeMap::new(),
    }];
    seed.property_indexes = vec![PropertyIndex {
        property_key: "steward".to_owned(),
        path: "region.code".to_owned(),
        kind: "string".to_owned(),
        alias: None,
        app: None,
    }];
    state.load(seed);
    let actor = Actor::person(ME);
    let new = |project: &str, kind: &str, summary: &str, fields| NewIssue {
        project_id: project.to_owned(),
        issue_type_id: kind.to_owned(),
        summary: summary.to_owned(),
        channel: "api".to_owned(),
        fields,
        properties: BTreeMap::new(),
    };
    let make = |n: NewIssue| state.create_issue(&actor, n).unwrap().id;
    // HELP-1: urgent, Carla's, of Acme, with a property and a note.
    let one = make(new(
        "1",
        "10002",
        "Printer on fire",
        vec![
            FieldValue::Priority(Some("1".to_owned())),
            FieldValue::Reporter(Some("carla".to_owned())),
            FieldValue::Assignee(Some(ME.to_owned())),
            FieldValue::Labels(vec!["hot".to_owned()]),
            FieldValue::Organizations(vec!["30".to_owned()]),
            FieldValue::Due(Some(jiff::civil::date(2026, 11, 20))),
            FieldValue::Description(Some(crate::adf::from_text("The fire brigade was called"))),
        ],
    ));
    let note = crate::adf::from_text("Ask the insurance");
    state.add_comment(&actor, one, note, false, None, BTreeMap::new()).unwrap();
    state.set_property(&actor, one, "steward", json!({"region": {"code": "EU"}})).unwrap();
    // HELP-2: low, resolved. HELP-3: a child of the first, unassigned. SECRET-1: not to be seen.
    let two = make(new("1", "10001", "New keyboard", vec![FieldValue::Priority(Some("5".to_owned()))]));
    state.transition_issue(&actor, two, "11", Vec::new()).unwrap();
    state.transition_issue(&actor, two, "61", Vec::new()).unwrap_err();
    state.transition_issue(&actor, two, "21", Vec::new()).unwrap();
    state.transition_issue(&actor, two, "51", Vec::new()).unwrap();
    make(new("1", "10001", "Call the firemen", vec![FieldValue::Parent(Some(one))]));
    make(new("2", "10001", "Printer secrets", vec![]));
    state
}

fn find(state: &State, jql: &str) -> Result<Vec<String>, Vec<String>> {
    let caller = Caller::person(ME);
    let store = state.read();
    run(state, &store, &caller, jql, Bound::Required, &[]).map(|found| found.iter().map(|i| i.key.clone()).collect())
}

#[test]
fn queries_find_what_they_say() {
    let state = site();
    let check = |jql: &str, expected: &[&str]| {
        let mut found = find(&state, jql).unwrap_or_else(|faults| vec![faults.join("; ")]);
        if !jql.to_lowercase().contains("order by") {
            found.sort();
        }
        assert_eq!(found, expected, "{jql}");
    };
    check("project = HELP", &["HELP-1", "HELP-2", "HELP-3"]);
    check("project = help AND type = Incident", &["HELP-1"]);
    check("projectType = service_desk AND key = HELP-1", &["HELP-1"]);
    check("projecttype in (software)", &[]);
    check("project in (HELP) and issuetype not in (Incident)", &["HELP-2", "HELP-3"]);
    check("status = Resolved OR priority = Highest", &["HELP-1", "HELP-2"]);
    check("NOT (statusCategory = Done)", &["HELP-1", "HELP-3"]);
    check("! statusCategory = Done && priority >= High", &["HELP-1"]);
    check("priority < Medium", &["HELP-2"]);
    check("resolution = Unresolved", &["HELP-1", "HELP-3"]);
    check("resolution is not EMPTY", &["HELP-2"]);
    check("resolution in (Done, Unresolved)", &["HELP-1", "HELP-2", "HELP-3"]);
    check("assignee = currentUser()", &["HELP-1"]);
    check("assignee is null", &["HELP-2", "HELP-3"]);
    check("assignee != agent", &[]);
    check("assignee in (agent, EMPTY)", &["HELP-1", "HELP-2", "HELP-3"]);
    check("reporter = carla", &["HELP-1"]);
    check("reporter in membersOf(\"jira-users\")", &["HELP-2", "HELP-3"]);
    check("reporter in organizationMembers('Acme \"East\"')", &["HELP-1"]);
    check("Organizations = \"Acme \\\"East\\\"\"", &["HELP-1"]);
    check("labels = hot", &["HELP-1"]);
    check("labels is EMPTY", &["HELP-2", "HELP-3"]);
    check("summary ~ printer", &["HELP-1"]);
    check("summary ~ print", &[]);
    check("summary ~ 'fire*'", &["HELP-1", "HELP-3"]);
    check("summary !~ printer", &["HELP-2", "HELP-3"]);
    check("description ~ '\"fire brigade\"'", &["HELP-1"]);
    check("comment ~ insurance", &["HELP-1"]);
    check("text ~ \"insurance\" AND text ~ fire", &["HELP-1"]);
    check("key in (HELP-1, help-3)", &["HELP-1", "HELP-3"]);
    check("parent = HELP-1", &["HELP-3"]);
    check("created >= -1d", &["HELP-1", "HELP-2", "HELP-3"]);
    check("created < startOfDay()", &[]);
    check("created <= endOfWeek() AND updated > startOfMonth('-1')", &["HELP-1", "HELP-2", "HELP-3"]);
    check("resolved >= '2026/11/18 10:00'", &["HELP-2"]);
    check("due <= \"2w\"", &["HELP-1"]);
    check("description is not EMPTY AND comment is not EMPTY", &["HELP-1"]);
    check("due is EMPTY", &["HELP-2", "HELP-3"]);
    check("status WAS 'In Progress'", &["HELP-2"]);
    check("status was not in ('In Progress')", &["HELP-1", "HELP-3"]);
    check("issue.property[steward].region.code = EU", &["HELP-1"]);
    check("cf[10002] = 30", &["HELP-1"]);
    check("project = HELP ORDER BY priority DESC, key", &["HELP-1", "HELP-3", "HELP-2"]);
    check("project = HELP order by key desc", &["HELP-3", "HELP-2", "HELP-1"]);
    check("key is not EMPTY ORDER BY summary", &["HELP-3", "HELP-2", "HELP-1"]);
}

#[test]
fn faults_are_in_jiras_words() {
    let state = site();
    let check = |jql: &str, word: &str| {
        let faults = find(&state, jql).unwrap_err();
        assert!(faults.iter().any(|f| f.contains(word)), "{jql}: {faults:?}");
    };
    check("", "Unbounded JQL queries are not allowed here");
    check("ORDER BY created", "Unbounded JQL");
    check("project = NONE", "The value 'NONE' does not exist for the field 'project'.");
    // What may not be seen is not told apart from what isn't there.
    check("project = SECRET", "The value 'SECRET' does not exist for the field 'project'.");
    check("key = SECRET-1", "The value 'SECRET-1' does not exist");
    check("projectType = garden", "The value 'garden' does not exist for the field 'projectType'.");
    check("colour = red", "Field 'colour' does not exist or you do not have permission to view it.");
    check("project ~ HELP", "The operator '~' is not supported by the 'project' field.");
    check("summary = x", "The operator '=' is not supported by the 'summary' field.");
    check("project", "Expecting operator before the end of the query");
    check("project HELP", "Expecting operator but got 'HELP'");
    check("project =", "Expecting either a value, list or function before the end of the query");
    check("project = HELP status = Closed", "Expecting either 'OR' or 'AND' but got 'status'");
    check("reporter = bob@example.com", "'@' is a reserved JQL character");
    check("created > yesterday", "Date value 'yesterday' for field 'created' is invalid");
    check("created > tomorrow()", "Unable to find JQL function 'tomorrow()'");
    check("summary ~ '*x'", "not allowed to start with '*'");
    check("project = HELP ORDER BY text", "Not able to sort using field 'text'");
    let both = find(&state, "project = NONE AND status = Nowhere").unwrap_err();
    assert_eq!(both.len(), 2);
}

#[test]
fn a_hostile_query_is_refused_and_not_followed() {
    let deep = format!("{}project = X{}", "(".repeat(5000), ")".repeat(5000));
    assert!(parse(&deep).is_err());
    assert!(parse(&"! ".repeat(40_000)).is_err());
    assert!(parse(&format!("{}project = X", "NOT ".repeat(4000))).is_ok());
}
