//! A site as one gets it: an administrator, an agent and a customer, a service desk with one request
//! type, a software project, and not one issue.
//!
//! The sandbox makes no projects or people by its pages, so an empty site would be of no use.

use crate::state::{
    Seed, base_seed,
    model::{
        ADMIN_GROUP, Account, AccountType, Project, ProjectKind, Queue, ROLE_ADMINISTRATORS, ROLE_CUSTOMERS,
        ROLE_MEMBERS, ROLE_TEAM, RequestType, RequestTypeField, RoleActor, ServiceDesk, USERS_GROUP,
    },
};

const ADMIN: &str = "5b10a2844c20165700ede21a";
const AGENT: &str = "5b10ac8d82e05b22cc7d4ef5";
const CUSTOMER: &str = "qm:11223344-a1b2-4c3d-8e4f-112233445566:5b10ac8d82e05b22cc7d4c01";

fn person(id: &str, kind: AccountType, name: &str, role: &str) -> Account {
    let mut account = Account::new(id, kind, name, &format!("{role}@example.com"));
    account.api_tokens = vec![format!("{role}-token")];
    account
}

fn project(id: &str, key: &str, name: &str, kind: ProjectKind, types: &[&str]) -> Project {
    let (workflow, team) = match kind {
        ProjectKind::ServiceDesk => ("10001", ROLE_TEAM),
        ProjectKind::Software => ("10002", ROLE_MEMBERS),
    };
    let user = |id: &str| RoleActor::User(id.to_owned());
    Project {
        id: id.to_owned(),
        key: key.to_owned(),
        name: name.to_owned(),
        description: String::new(),
        kind,
        lead: ADMIN.to_owned(),
        issue_type_ids: types.iter().map(|id| (*id).to_owned()).collect(),
        workflow_id: workflow.to_owned(),
        roles: [
            (ROLE_ADMINISTRATORS, vec![user(ADMIN), RoleActor::Group(ADMIN_GROUP.to_owned())]),
            (team, vec![user(AGENT)]),
            (ROLE_CUSTOMERS, Vec::new()),
        ]
        .into(),
        open_to_licensed: kind == ProjectKind::Software,
    }
}

/// The site.
pub(crate) fn seed() -> Seed {
    let mut seed = base_seed();
    seed.accounts = vec![
        person(ADMIN, AccountType::Atlassian, "Ada Admin", "admin"),
        person(AGENT, AccountType::Atlassian, "Aron Agent", "agent"),
        person(CUSTOMER, AccountType::Customer, "Clara Customer", "customer"),
    ];
    for group in &mut seed.groups {
        let members: &[&str] = match group.name.as_str() {
            ADMIN_GROUP => &[ADMIN],
            USERS_GROUP => &[ADMIN, AGENT],
            _ => &[],
        };
        group.members = members.iter().map(|id| (*id).to_owned()).collect();
    }
    seed.projects = vec![
        project("10000", "SUP", "Support", ProjectKind::ServiceDesk, &["10001", "10002", "10003", "10004", "10005"]),
        project("10001", "DEV", "Development", ProjectKind::Software, &["10000", "10005", "10006", "10007", "10008"]),
    ];
    let field = |id: &str, name: &str, required| RequestTypeField {
        field_id: id.to_owned(),
        name: name.to_owned(),
        description: String::new(),
        required,
        valid_values: Vec::new(),
    };
    seed.request_types = vec![RequestType {
        id: "1".to_owned(),
        name: "Ask a question".to_owned(),
        description: "Anything that you want to know or need.".to_owned(),
        help_text: String::new(),
        service_desk_id: "1".to_owned(),
        issue_type_id: "10001".to_owned(),
        groups: vec!["General".to_owned()],
        fields: vec![field("summary", "What is it about?", true), field("description", "Tell us more", false)],
    }];
    seed.service_desks = vec![ServiceDesk {
        id: "1".to_owned(),
        project_id: "10000".to_owned(),
        open_access: true,
        customers: [CUSTOMER.to_owned()].into(),
        organizations: [].into(),
        queues: vec![Queue {
            id: "1".to_owned(),
            name: "All open".to_owned(),
            jql: "resolution = Unresolved ORDER BY created DESC".to_owned(),
            fields: ["issuekey", "summary", "reporter", "created"].map(str::to_owned).into(),
        }],
    }];
    seed
}
