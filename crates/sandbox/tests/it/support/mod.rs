//! A small site for tests, and a client that speaks as one of its people.

use std::{path::PathBuf, sync::Arc};

use jiff::Timestamp;
use sandbox::{
    Config, Faults, Running, Source,
    state::{
        AppToken, PropertyIndex, Seed, base_seed,
        model::{
            ADMIN_GROUP, Account, AccountType, CustomField, FieldKind, Organization, Project, ProjectKind, Queue,
            ROLE_ADMINISTRATORS, ROLE_CUSTOMERS, ROLE_MEMBERS, ROLE_TEAM, RequestType, RequestTypeField, RoleActor,
            ServiceDesk, USERS_GROUP,
        },
    },
};
use serde_json::Value;

use crate::kept_keys::kept_keys;

pub(crate) const ADMIN: &str = "5be24ad8b1653240376955d0";
pub(crate) const AGENT: &str = "5be24ad8b1653240376955d1";
pub(crate) const OTHER: &str = "5be24ad8b1653240376955d2";
pub(crate) const CARLA: &str = "qm:11223344-a1b2-4c3d-8e4f-112233445566:carla";
pub(crate) const DAVID: &str = "qm:11223344-a1b2-4c3d-8e4f-112233445566:david";
pub(crate) const APP: &str = "557058:0c6bd6f8-8f0e-4d3e-9d5f-b5a2f6a1a001";

/// Atlassian's files, if this machine has them. In CI they must be there.
pub(crate) fn specs() -> Option<PathBuf> {
    shared("specs")
}

/// A folder or file beside the project.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is missing", path.display());
    eprintln!("SKIPPED: {} is not there", path.display());
    None
}

fn person(id: &str, kind: AccountType, name: &str) -> Account {
    let first = name.split(' ').next().unwrap().to_lowercase();
    let mut account = Account::new(id, kind, name, &format!("{first}@example.com"));
    account.api_tokens = vec![format!("{first}-token")];
    account
}

/// Two desks (HELP closed, OPEN open), one software project; an admin, an agent of HELP, another
/// licensed person, two customers of one organization, an app.
pub(crate) fn seed() -> Seed {
    let mut seed = base_seed();
    let mut app = Account::new(APP, AccountType::App, "Steward", "");
    app.email_visible = false;
    seed.accounts = vec![
        person(ADMIN, AccountType::Atlassian, "Alice Admin"),
        person(AGENT, AccountType::Atlassian, "Bob Agent"),
        person(OTHER, AccountType::Atlassian, "Olga Other"),
        person(CARLA, AccountType::Customer, "Carla Customer"),
        person(DAVID, AccountType::Customer, "David Customer"),
        app,
    ];
    seed.accounts[3].email_visible = false;
    for group in &mut seed.groups {
        if group.name == ADMIN_GROUP {
            group.members = [ADMIN.to_owned()].into();
        } else if group.name == USERS_GROUP {
            group.members = [ADMIN, AGENT, OTHER].map(str::to_owned).into();
        }
    }
    let user = |id: &str| RoleActor::User(id.to_owned());
    let project = |id: &str, key: &str, name: &str, kind: ProjectKind, agents: &[&str]| Project {
        id: id.to_owned(),
        key: key.to_owned(),
        name: name.to_owned(),
        description: format!("The project {name}"),
        kind,
        lead: ADMIN.to_owned(),
        issue_type_ids: ["10001", "10002", "10005", "10006", "10000", "10008"].map(str::to_owned).into(),
        workflow_id: if kind == ProjectKind::ServiceDesk { "10001" } else { "10002" }.to_owned(),
        roles: [
            (ROLE_ADMINISTRATORS, vec![user(ADMIN), RoleActor::Group(ADMIN_GROUP.to_owned())]),
            (
                if kind == ProjectKind::ServiceDesk { ROLE_TEAM } else { ROLE_MEMBERS },
                agents.iter().map(|a| user(a)).collect(),
            ),
            (ROLE_CUSTOMERS, vec![]),
        ]
        .into(),
        open_to_licensed: kind == ProjectKind::Software,
    };
    seed.projects = vec![
        project("10000", "HELP", "Help Desk", ProjectKind::ServiceDesk, &[AGENT]),
        project("10001", "OPEN", "Open Desk", ProjectKind::ServiceDesk, &[ADMIN]),
        project("10002", "DEV", "Development", ProjectKind::Software, &[AGENT, OTHER]),
    ];
    seed.custom_fields.push(CustomField {
        id: "customfield_10050".to_owned(),
        name: "Asset tag".to_owned(),
        kind: FieldKind::Text,
        options: Vec::new(),
    });
    let field = |id: &str, name: &str, required| RequestTypeField {
        field_id: id.to_owned(),
        name: name.to_owned(),
        description: String::new(),
        required,
        valid_values: vec![],
    };
    let kind = |id: &str, desk: &str, name: &str| RequestType {
        id: id.to_owned(),
        name: name.to_owned(),
        description: "What it is for".to_owned(),
        help_text: String::new(),
        service_desk_id: desk.to_owned(),
        issue_type_id: "10001".to_owned(),
        groups: vec!["General".to_owned()],
        fields: vec![
            field("summary", "What do you need?", true),
            field("description", "Why?", false),
            field("customfield_10050", "Asset tag", false),
        ],
    };
    seed.request_types = vec![kind("25", "1", "Get IT help"), kind("26", "2", "Ask a question")];
    let desk = |id: &str, project: &str, open| ServiceDesk {
        id: id.to_owned(),
        project_id: project.to_owned(),
        open_access: open,
        customers: [CARLA.to_owned()].into(),
        organizations: ["30".to_owned()].into(),
        queues: vec![Queue {
            id: "5".to_owned(),
            name: "All open".to_owned(),
            jql: "resolution = Unresolved ORDER BY created DESC".to_owned(),
            fields: ["issuekey", "summary", "reporter"].map(str::to_owned).into(),
        }],
    };
    seed.service_desks = vec![desk("1", "10000", false), desk("2", "10001", true)];
    seed.organizations = vec![Organization {
        id: "30".to_owned(),
        uuid: "d0f0a0f4-7c4e-4f5a-8f4a-000000000030".to_owned(),
        name: "Acme".to_owned(),
        members: [CARLA, DAVID].map(str::to_owned).into(),
        properties: [].into(),
    }];
    seed.property_indexes = vec![PropertyIndex {
        property_key: "steward".to_owned(),
        path: "region".to_owned(),
        kind: "string".to_owned(),
        alias: Some("stewardRegion".to_owned()),
        app: None,
    }];
    seed
}

/// A configuration with the small site and no misfortune.
pub(crate) fn calm() -> Config {
    let source = Source::Seed(Box::new(seed()));
    Config { source, faults: Faults::none(), contract: specs(), keys: kept_keys(), ..Config::default() }
}

pub(crate) struct Site {
    pub(crate) running: Running,
    pub(crate) http: reqwest::Client,
}

/// How a call is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum As<'a> {
    Nobody,
    /// First name, lower case.
    Person(&'a str),
    /// A Bearer token at the gateway.
    Token(&'a str),
}

impl Site {
    pub(crate) async fn start(config: Config) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let running = sandbox::start(config).await.unwrap();
        Self { running, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    pub(crate) fn token(&self, token: &str, account: &str, scopes: &[&str]) {
        let now: Timestamp = self.running.state().now();
        self.running.state().put_app_token(
            token,
            AppToken {
                app_id: "app-1".to_owned(),
                account_id: account.to_owned(),
                on_behalf: account != APP,
                scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
                expires_at: now + jiff::SignedDuration::from_hours(1),
                at_site: false,
            },
        );
    }

    pub(crate) async fn raw(&self, who: As<'_>, method: &str, path: &str, body: Option<Value>) -> reqwest::Response {
        let base = match who {
            As::Token(_) => format!("{}/ex/jira/{}", self.running.url(), self.running.state().cloud_id()),
            _ => self.running.url(),
        };
        let url = format!("{base}{path}");
        let mut request = self.http.request(method.parse().unwrap(), url);
        request = match who {
            As::Nobody => request,
            As::Person(name) => request.basic_auth(format!("{name}@example.com"), Some(format!("{name}-token"))),
            As::Token(token) => request.bearer_auth(token),
        };
        request = request.header("X-ExperimentalApi", "opt-in");
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap()
    }

    pub(crate) async fn call(&self, who: As<'_>, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let answer = self.raw(who, method, path, body).await;
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// The same, with the status expected.
    pub(crate) async fn expect(
        &self,
        status: u16,
        who: As<'_>,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Value {
        let (got, value) = self.call(who, method, path, body).await;
        assert_eq!(got, status, "{method} {path}: {value}");
        value
    }

    /// Ends the site; every answer so far must have kept the contract.
    pub(crate) async fn end(self) {
        let violations = self.running.contract_violations();
        assert!(violations.is_empty(), "{violations:#?}");
        self.running.shutdown().await;
    }
}

/// A client's script does its day against a calm site: it must say that it is done, and each answer keep the contract.
pub(crate) async fn a_days_work(script: &mut tokio::process::Command) {
    a_days_work_on(calm(), script).await;
}

/// The same on the site of this configuration.
pub(crate) async fn a_days_work_on(config: Config, script: &mut tokio::process::Command) {
    let site = Site::start(config).await;
    let output = script.env("JIRA_URL", site.running.url()).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    eprintln!("{said}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("the day is done"), "{said}");
    site.end().await;
}

/// A clock that a test moves.
#[derive(Clone)]
pub(crate) struct Hand(Arc<std::sync::atomic::AtomicI64>);

impl Hand {
    pub(crate) fn new() -> Self {
        Self(Arc::new(std::sync::atomic::AtomicI64::new(1_795_000_000_000)))
    }

    pub(crate) fn clock(&self) -> sandbox::Clock {
        let at = self.0.clone();
        Arc::new(move || Timestamp::from_millisecond(at.load(std::sync::atomic::Ordering::SeqCst)).unwrap())
    }

    pub(crate) fn forward(&self, ms: i64) {
        self.0.fetch_add(ms, std::sync::atomic::Ordering::SeqCst);
    }
}
