//! A site's content as data: what a generator or the archive makes, and [`State::load`] takes.
//!
//! [`base_seed`] is the configuration that every Jira has from its first day (statuses, priorities,
//! roles, link types, custom fields); generators add people, projects and issues to it.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    State,
    issue::{Issue, Link},
    model::{
        ADMIN_GROUP, Account, CustomField, FIELD_ORGANIZATIONS, FIELD_PARTICIPANTS, FIELD_REQUEST_TYPE, FieldKind,
        Group, IssueType, LinkType, Organization, Priority, Project, ROLE_ADMINISTRATORS, ROLE_APPS, ROLE_CUSTOMERS,
        ROLE_MEMBERS, ROLE_TEAM, RequestType, Resolution, Role, ServiceDesk, Status, StatusCategory, Transition,
        USERS_GROUP, Workflow,
    },
};

/// A part of an entity property that JQL may search, as an app's manifest declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PropertyIndex {
    /// Property key.
    pub property_key: String,
    /// Dotted path in the value.
    pub path: String,
    /// `string`, `text`, `number`, `date` or `user`.
    pub kind: String,
    /// Name usable in JQL instead of `issue.property[key].path`.
    pub alias: Option<String>,
    /// The app that declared it; it goes with the app.
    #[serde(default)]
    pub app: Option<String>,
}

/// Types that a part may be declared with.
pub(crate) const PROPERTY_TYPES: [&str; 5] = ["number", "string", "text", "user", "date"];

/// Everything on a site. Ids are the maker's choice; they must be unique, and references must hold.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each field lists the model type of its name")]
pub struct Seed {
    pub accounts: Vec<Account>,
    pub groups: Vec<Group>,
    pub roles: Vec<Role>,
    pub projects: Vec<Project>,
    pub statuses: Vec<Status>,
    pub workflows: Vec<Workflow>,
    pub issue_types: Vec<IssueType>,
    pub priorities: Vec<Priority>,
    pub resolutions: Vec<Resolution>,
    pub link_types: Vec<LinkType>,
    pub custom_fields: Vec<CustomField>,
    pub request_types: Vec<RequestType>,
    pub service_desks: Vec<ServiceDesk>,
    pub organizations: Vec<Organization>,
    pub issues: Vec<Issue>,
    pub links: Vec<Link>,
    pub property_indexes: Vec<PropertyIndex>,
}

impl State {
    /// What an app declares searchable from now on, in place of what it declared before. A Data Center takes none: only an app of
    /// Cloud's can declare.
    pub(crate) fn declare_properties(&self, app: &str, indexes: Vec<PropertyIndex>) {
        let mut store = self.write();
        store.property_indexes.retain(|index| index.app.as_deref() != Some(app));
        if store.names.is_none() {
            let own = indexes.into_iter().map(|index| PropertyIndex { app: Some(app.to_owned()), ..index });
            store.property_indexes.extend(own);
        }
    }

    /// Puts a seed on the site. Search sees it at once; no event is emitted.
    pub fn load(&self, seed: Seed) {
        let mut store = self.write();
        for account in seed.accounts {
            store.put_account(account);
        }
        store.founded();
        store.groups.extend(seed.groups.into_iter().map(|g| (g.name.clone(), g)));
        store.roles.extend(seed.roles.into_iter().map(|r| (r.id, r)));
        store.projects.extend(seed.projects.into_iter().map(|p| (p.id.clone(), p)));
        store.statuses.extend(seed.statuses.into_iter().map(|s| (s.id.clone(), s)));
        store.workflows.extend(seed.workflows.into_iter().map(|w| (w.id.clone(), w)));
        store.issue_types.extend(seed.issue_types.into_iter().map(|t| (t.id.clone(), t)));
        store.priorities.extend(seed.priorities.into_iter().map(|p| (p.id.clone(), p)));
        store.resolutions.extend(seed.resolutions.into_iter().map(|r| (r.id.clone(), r)));
        store.link_types.extend(seed.link_types.into_iter().map(|t| (t.id.clone(), t)));
        store.custom_fields.extend(seed.custom_fields.into_iter().map(|f| (f.id.clone(), f)));
        store.request_types.extend(seed.request_types.into_iter().map(|t| (t.id.clone(), t)));
        store.service_desks.extend(seed.service_desks.into_iter().map(|d| (d.id.clone(), d)));
        for organization in seed.organizations {
            if let Ok(id) = organization.id.parse() {
                store.id_taken(id);
            }
            store.organizations.insert(organization.id.clone(), organization);
        }
        for issue in seed.issues {
            let issue = Arc::new(issue);
            store.index.put(issue.clone());
            store.put_issue(issue);
        }
        for link in seed.links {
            store.put_link(link);
        }
        // Only an app of Cloud can declare what search finds of its properties.
        if store.names.is_none() {
            store.property_indexes.extend(seed.property_indexes);
        }
    }
}

fn status(id: &str, name: &str, category: StatusCategory) -> Status {
    Status { id: id.to_owned(), name: name.to_owned(), description: String::new(), category }
}

fn step(id: &str, name: &str, from: &[&str], to: &str, customer: bool) -> Transition {
    Transition {
        id: id.to_owned(),
        name: name.to_owned(),
        from: from.iter().map(|s| (*s).to_owned()).collect(),
        to: to.to_owned(),
        customer,
    }
}

/// The configuration of a new site: two groups, the roles, two workflows (`10001` for service
/// projects: Waiting for support → In progress → Waiting for customer → Resolved → Closed; `10002`
/// for software projects: To Do → In Progress → Done), issue types, priorities, resolutions, link
/// types and the service management fields.
#[must_use]
pub fn base_seed() -> Seed {
    use StatusCategory::{Done, Indeterminate, New};
    let group =
        |name: &str, id: &str| Group { group_id: id.to_owned(), name: name.to_owned(), members: BTreeSet::new() };
    let role =
        |id, name: &str, description: &str| Role { id, name: name.to_owned(), description: description.to_owned() };
    let issue_type = |id: &str, name: &str, description: &str, hierarchy_level| IssueType {
        id: id.to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
        hierarchy_level,
    };
    let priority = |id: &str, name: &str, colour: &str| Priority {
        id: id.to_owned(),
        name: name.to_owned(),
        description: String::new(),
        colour: colour.to_owned(),
    };
    let resolution = |id: &str, name: &str, description: &str| Resolution {
        id: id.to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
    };
    let link = |id: &str, name: &str, inward: &str, outward: &str| LinkType {
        id: id.to_owned(),
        name: name.to_owned(),
        inward: inward.to_owned(),
        outward: outward.to_owned(),
    };
    let field = |id: &str, name: &str, kind| CustomField {
        id: id.to_owned(),
        name: name.to_owned(),
        kind,
        options: Vec::new(),
    };
    let ids = |ids: &[&str]| ids.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    Seed {
        groups: vec![
            group(ADMIN_GROUP, "6f5a8d2e-0c4b-4f0e-9a61-2c2b7f1d9a01"),
            group(USERS_GROUP, "6f5a8d2e-0c4b-4f0e-9a61-2c2b7f1d9a02"),
        ],
        roles: vec![
            role(ROLE_ADMINISTRATORS, "Administrators", "People who administer a project."),
            role(ROLE_APPS, "atlassian-addons-project-access", "Apps' access to projects."),
            role(ROLE_CUSTOMERS, "Service Desk Customers", "Customers of a service project."),
            role(ROLE_TEAM, "Service Desk Team", "Agents of a service project."),
            role(ROLE_MEMBERS, "Member", "People who work in a software project."),
        ],
        statuses: vec![
            status("10000", "Waiting for support", New),
            status("3", "In Progress", Indeterminate),
            status("10001", "Waiting for customer", Indeterminate),
            status("10002", "Escalated", Indeterminate),
            status("5", "Resolved", Done),
            status("6", "Closed", Done),
            status("10003", "To Do", New),
            status("10004", "Done", Done),
        ],
        workflows: vec![
            Workflow {
                id: "10001".to_owned(),
                name: "Service request".to_owned(),
                status_ids: ids(&["10000", "3", "10001", "10002", "5", "6"]),
                transitions: vec![
                    step("11", "Start work", &["10000", "10002"], "3", false),
                    step("21", "Respond to customer", &["10000", "3", "10002"], "10001", false),
                    step("31", "Respond to support", &["10001"], "10000", true),
                    step("41", "Escalate", &["10000", "3", "10001"], "10002", true),
                    step("51", "Resolve this issue", &["10000", "3", "10001", "10002"], "5", true),
                    step("61", "Back to in progress", &["5"], "3", false),
                    step("71", "Reopen", &["5"], "10000", true),
                    step("81", "Close", &["5"], "6", false),
                ],
            },
            Workflow {
                id: "10002".to_owned(),
                name: "Software".to_owned(),
                status_ids: ids(&["10003", "3", "10004"]),
                transitions: vec![
                    step("11", "To Do", &[], "10003", false),
                    step("21", "In Progress", &[], "3", false),
                    step("31", "Done", &[], "10004", false),
                ],
            },
        ],
        issue_types: vec![
            issue_type("10001", "Service Request", "A request for help or service.", 0),
            issue_type("10002", "Incident", "Something is broken.", 0),
            issue_type("10003", "Question", "Something to find out.", 0),
            issue_type("10004", "Change", "A change to a service.", 0),
            issue_type("10005", "Task", "A piece of work.", 0),
            issue_type("10006", "Bug", "A defect.", 0),
            issue_type("10007", "Story", "Something a user wants.", 0),
            issue_type("10000", "Epic", "A large piece of work.", 1),
            issue_type("10008", "Sub-task", "A part of an issue.", -1),
        ],
        priorities: vec![
            priority("1", "Highest", "#d04437"),
            priority("2", "High", "#f15c75"),
            priority("3", "Medium", "#f79232"),
            priority("4", "Low", "#707070"),
            priority("5", "Lowest", "#999999"),
        ],
        resolutions: vec![
            resolution("10000", "Done", "Work has been completed."),
            resolution("10001", "Won't Do", "This won't be actioned."),
            resolution("10002", "Duplicate", "It exists already."),
            resolution("10003", "Cannot Reproduce", "It could not be seen again."),
        ],
        link_types: vec![
            link("10000", "Blocks", "is blocked by", "blocks"),
            link("10001", "Cloners", "is cloned by", "clones"),
            link("10002", "Duplicate", "is duplicated by", "duplicates"),
            link("10003", "Relates", "relates to", "relates to"),
        ],
        custom_fields: vec![
            field(FIELD_PARTICIPANTS, "Request participants", FieldKind::Users),
            field(FIELD_ORGANIZATIONS, "Organizations", FieldKind::Organizations),
            field(FIELD_REQUEST_TYPE, "Request Type", FieldKind::RequestType),
            CustomField {
                options: ids(&["Gold", "Silver", "Bronze"]),
                ..field("customfield_10060", "Service level", FieldKind::Select)
            },
            field("customfield_10061", "Contract", FieldKind::Text),
            field("customfield_10062", "Contract ends", FieldKind::Date),
            field("customfield_10063", "Seats", FieldKind::Number),
        ],
        ..Seed::default()
    }
}
