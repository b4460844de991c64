//! A site as one gets it: an administrator, an agent and a customer, a service desk with one request
//! type, a software project, and not one issue. Its administrator makes more of them on the settings' pages.

use crate::state::{
    Seed, base_seed,
    model::{
        ADMIN_GROUP, Account, AccountType, Project, ProjectKind, ROLE_ADMINISTRATORS, ROLE_CUSTOMERS, RoleActor,
        ServiceDesk, USERS_GROUP,
    },
    projects::{FIRST_TYPE, first_queue, request_type},
};

const ADMIN: &str = "5b10a2844c20165700ede21a";
const AGENT: &str = "5b10ac8d82e05b22cc7d4ef5";
const CUSTOMER: &str = "qm:11223344-a1b2-4c3d-8e4f-112233445566:5b10ac8d82e05b22cc7d4c01";

fn person(id: &str, kind: AccountType, name: &str, role: &str) -> Account {
    let mut account = Account::new(id, kind, name, &format!("{role}@example.com"));
    account.api_tokens = vec![format!("{role}-token")];
    account
}

fn project(id: &str, key: &str, name: &str, kind: ProjectKind) -> Project {
    let (workflow, types) = kind.scheme();
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
            (kind.team(), vec![user(AGENT)]),
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
        project("10000", "SUP", "Support", ProjectKind::ServiceDesk),
        project("10001", "DEV", "Development", ProjectKind::Software),
    ];
    seed.request_types = vec![request_type("1", "1", "10001", FIRST_TYPE)];
    seed.service_desks = vec![ServiceDesk {
        id: "1".to_owned(),
        project_id: "10000".to_owned(),
        open_access: true,
        customers: [CUSTOMER.to_owned()].into(),
        organizations: [].into(),
        queues: vec![first_queue()],
    }];
    seed
}
