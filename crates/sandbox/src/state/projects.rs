//! Changes to projects, their roles and their desks. Jira tells of a new project; of roles, customers and request types it
//! tells nobody.

use std::collections::BTreeSet;

use super::{
    State, StateError,
    model::{
        ADMIN_GROUP, AccountId, AccountType, Project, ProjectKind, Queue, ROLE_ADMINISTRATORS, ROLE_CUSTOMERS,
        RequestType, RequestTypeField, RoleActor, ServiceDesk,
    },
    store::Store,
};
use crate::events::{Actor, EventKind};

/// Projects that a site takes.
const MAX_PROJECTS: usize = 500;
/// People and groups that may hold one role of one project.
const MAX_ACTORS: usize = 500;
/// Request types that a desk may have.
const MAX_REQUEST_TYPES: usize = 100;
/// Shortest and longest key of a project.
const KEY: std::ops::RangeInclusive<usize> = 2..=10;

/// A project to be made.
#[derive(Debug, Clone)]
pub struct NewProject {
    /// Upper-case key.
    pub key: String,
    /// Name shown.
    pub name: String,
    /// Service or software project.
    pub kind: ProjectKind,
    /// Leads it, administers it and works in it.
    pub lead: AccountId,
}

/// What is wrong with a key, in a sentence; none if nothing is.
pub(crate) fn key_fault(key: &str) -> Option<String> {
    let length = key.chars().count();
    if !KEY.contains(&length) {
        let (least, most) = (KEY.start(), KEY.end());
        return Some(format!("The key may have {least} to {most} characters; this has {length}."));
    }
    let good = key.starts_with(|c: char| c.is_ascii_uppercase())
        && key.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    (!good).then(|| "The key must be capital letters and digits, a letter first.".to_owned())
}

/// The queue that a new desk has.
pub(crate) fn first_queue() -> Queue {
    Queue {
        id: "1".to_owned(),
        name: "All open".to_owned(),
        jql: "resolution = Unresolved ORDER BY created DESC".to_owned(),
        fields: ["issuekey", "summary", "reporter", "created"].map(str::to_owned).into(),
    }
}

/// A request type that asks what it is about, and for more.
pub(crate) fn request_type(id: &str, desk: &str, issue_type: &str, (name, about): (&str, &str)) -> RequestType {
    let field = |id: &str, name: &str, required| RequestTypeField {
        field_id: id.to_owned(),
        name: name.to_owned(),
        description: String::new(),
        required,
        valid_values: Vec::new(),
    };
    RequestType {
        id: id.to_owned(),
        name: name.to_owned(),
        description: about.to_owned(),
        help_text: String::new(),
        service_desk_id: desk.to_owned(),
        issue_type_id: issue_type.to_owned(),
        groups: vec!["General".to_owned()],
        fields: vec![field("summary", "What is it about?", true), field("description", "Tell us more", false)],
    }
}

/// The request type that a new desk has.
pub(crate) const FIRST_TYPE: (&str, &str) = ("Ask a question", "Anything that you want to know or need.");

/// The next of ids that are numbers.
fn next_of<'a>(ids: impl Iterator<Item = &'a String>) -> String {
    (ids.filter_map(|id| id.parse::<u64>().ok()).max().unwrap_or_default() + 1).to_string()
}

impl Store {
    /// Workflow and issue types of a new project: those that every site is born with, else those of another of its kind.
    fn scheme(&self, kind: ProjectKind) -> Option<(String, Vec<String>)> {
        let (workflow, types) = kind.scheme();
        let known: Vec<String> =
            types.iter().filter(|id| self.issue_types.contains_key(**id)).map(|id| (*id).to_owned()).collect();
        if self.workflows.contains_key(workflow) && !known.is_empty() {
            return Some((workflow.to_owned(), known));
        }
        let alike = self.projects.values().find(|project| project.kind == kind)?;
        Some((alike.workflow_id.clone(), alike.issue_type_ids.clone()))
    }
}

impl State {
    /// Makes a project as an administrator of Jira does; a service project with its desk, one queue and one request type.
    pub fn create_project(&self, actor: &Actor, new: NewProject) -> Result<(), StateError> {
        let mut store = self.write();
        let taken = |what: &str| Err(StateError::Conflict(format!("A project with that {what} already exists.")));
        if store.project(&new.key).is_some() {
            return taken("key");
        }
        if store.projects.values().any(|project| project.name.eq_ignore_ascii_case(&new.name)) {
            return taken("name");
        }
        if store.projects.len() >= MAX_PROJECTS {
            return Err(StateError::Full(format!("This site has {MAX_PROJECTS} projects, and takes no more.")));
        }
        let Some((workflow_id, issue_type_ids)) = store.scheme(new.kind) else {
            return Err(StateError::Invalid("This site has no workflow for such a project.".to_owned()));
        };
        let id = next_of(store.projects.keys());
        let lead = RoleActor::User(new.lead.clone());
        if new.kind == ProjectKind::ServiceDesk {
            let desk = next_of(store.service_desks.keys());
            let kind = next_of(store.request_types.keys());
            if let Some(issue_type) = issue_type_ids.first() {
                store.request_types.insert(kind.clone(), request_type(&kind, &desk, issue_type, FIRST_TYPE));
            }
            let made = ServiceDesk {
                id: desk.clone(),
                project_id: id.clone(),
                open_access: true,
                customers: BTreeSet::new(),
                organizations: BTreeSet::new(),
                queues: vec![first_queue()],
            };
            store.service_desks.insert(desk, made);
        }
        let project = Project {
            id: id.clone(),
            key: new.key,
            name: new.name,
            description: String::new(),
            kind: new.kind,
            lead: new.lead,
            issue_type_ids,
            workflow_id,
            roles: [
                (ROLE_ADMINISTRATORS, vec![lead.clone(), RoleActor::Group(ADMIN_GROUP.to_owned())]),
                (new.kind.team(), vec![lead]),
                (ROLE_CUSTOMERS, Vec::new()),
            ]
            .into(),
            open_to_licensed: new.kind == ProjectKind::Software,
        };
        store.projects.insert(id.clone(), project);
        drop(store);
        self.emit(actor, EventKind::ProjectCreated { project_id: id });
        Ok(())
    }

    fn edit_project(&self, id: &str, f: impl FnOnce(&mut Project) -> Result<(), StateError>) -> Result<(), StateError> {
        f(self.write().projects.get_mut(id).ok_or(StateError::NotFound)?)
    }

    /// Gives a role of a project to somebody, or to a group.
    pub fn add_role(&self, project_id: &str, role: u64, actor: RoleActor) -> Result<(), StateError> {
        if let RoleActor::User(id) = &actor {
            let colleague = self.read().account(id).is_some_and(|one| one.account_type == AccountType::Atlassian);
            if !colleague {
                return Err(StateError::Invalid("Only people with an Atlassian account hold roles.".to_owned()));
            }
        }
        self.edit_project(project_id, |project| {
            let actors = project.roles.entry(role).or_default();
            if actors.len() >= MAX_ACTORS {
                return Err(StateError::Full(format!("At most {MAX_ACTORS} people and groups hold one role.")));
            }
            if !actors.contains(&actor) {
                actors.push(actor);
            }
            Ok(())
        })
    }

    /// Takes a role of a project from somebody, or from a group.
    pub fn remove_role(&self, project_id: &str, role: u64, actor: &RoleActor) -> Result<(), StateError> {
        self.edit_project(project_id, |project| {
            project.roles.entry(role).or_default().retain(|one| one != actor);
            Ok(())
        })
    }

    /// Whether everybody with a licence browses a project.
    pub fn open_project(&self, project_id: &str, open: bool) -> Result<(), StateError> {
        self.edit_project(project_id, |project| {
            project.open_to_licensed = open;
            Ok(())
        })
    }

    fn edit_desk(&self, id: &str, f: impl FnOnce(&mut ServiceDesk)) -> Result<(), StateError> {
        f(self.write().service_desks.get_mut(id).ok_or(StateError::NotFound)?);
        Ok(())
    }

    /// Whether anybody may raise requests at a desk, or only its customers.
    pub fn open_desk(&self, desk_id: &str, open: bool) -> Result<(), StateError> {
        self.edit_desk(desk_id, |desk| desk.open_access = open)
    }

    /// Lets an organization use a desk, or no longer.
    pub fn change_desk_organization(&self, desk_id: &str, organization: &str, uses: bool) -> Result<(), StateError> {
        self.edit_desk(desk_id, |desk| {
            if uses {
                desk.organizations.insert(organization.to_owned());
            } else {
                desk.organizations.remove(organization);
            }
        })
    }

    /// Another request type of a desk, of the first issue type of its project.
    pub fn create_request_type(&self, desk_id: &str, name: &str, about: &str) -> Result<(), StateError> {
        let mut store = self.write();
        let of_desk = || store.request_types.values().filter(|one| one.service_desk_id == desk_id);
        if of_desk().count() >= MAX_REQUEST_TYPES {
            return Err(StateError::Full(format!("A desk has at most {MAX_REQUEST_TYPES} request types.")));
        }
        if of_desk().any(|one| one.name.eq_ignore_ascii_case(name)) {
            return Err(StateError::Conflict("This desk has a request type of this name.".to_owned()));
        }
        let desk = store.service_desks.get(desk_id).ok_or(StateError::NotFound)?;
        let project = store.projects.get(&desk.project_id).ok_or(StateError::NotFound)?;
        let issue_type = project.issue_type_ids.first().ok_or(StateError::NotFound)?.clone();
        let id = next_of(store.request_types.keys());
        store.request_types.insert(id.clone(), request_type(&id, desk_id, &issue_type, (name, about)));
        Ok(())
    }
}
