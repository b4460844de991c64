//! The tables of the site and the look-ups that everything else uses.
//!
//! It must never emit events or read the clock: those are [`super::State`]'s.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    approval::Approval,
    files::Shelf,
    index::SearchIndex,
    issue::{Comment, Issue, Link},
    model::{
        ADMIN_GROUP, Account, AccountId, AccountType, CustomField, Group, IssueType, LinkType, Organization, Priority,
        Project, RequestType, Resolution, Role, RoleActor, ServiceDesk, Status, Transition, USERS_GROUP, Workflow,
    },
    names::Names,
    seed::PropertyIndex,
    session::{AppToken, ScopedToken, Session},
};
use crate::{data_center::Deployment, webhooks::Registration};

/// First id given to things made on the site.
const FIRST_ID: u64 = 10_000;

/// Everything on the site. Maps keep the order in which things were made, as Jira lists them.
#[derive(Default)]
pub struct Store {
    /// People and apps by account id.
    pub accounts: IndexMap<AccountId, Account>,
    /// Account ids by lower-case address.
    pub(super) by_email: HashMap<String, AccountId>,
    /// From when on a search of people finds those who were just made: on Cloud it is behind, as search of issues is.
    pub(super) found_from: HashMap<AccountId, Timestamp>,
    /// Who people are on Data Center; none on Cloud.
    pub(crate) names: Option<Names>,
    /// Groups by name.
    pub groups: IndexMap<String, Group>,
    /// Projects by id.
    pub projects: IndexMap<String, Project>,
    /// Roles by id.
    pub roles: IndexMap<u64, Role>,
    /// Statuses by id.
    pub statuses: IndexMap<String, Status>,
    /// Workflows by id.
    pub workflows: IndexMap<String, Workflow>,
    /// Issue types by id.
    pub issue_types: IndexMap<String, IssueType>,
    /// Priorities by id, the most urgent first.
    pub priorities: IndexMap<String, Priority>,
    /// Resolutions by id.
    pub resolutions: IndexMap<String, Resolution>,
    /// Link types by id.
    pub link_types: IndexMap<String, LinkType>,
    /// Custom fields by id.
    pub custom_fields: IndexMap<String, CustomField>,
    /// Request types by id.
    pub request_types: IndexMap<String, RequestType>,
    /// Service desks by id.
    pub service_desks: IndexMap<String, ServiceDesk>,
    /// Organizations by id.
    pub organizations: IndexMap<String, Organization>,
    /// Issues by id.
    pub issues: BTreeMap<u64, Arc<Issue>>,
    pub(super) keys: HashMap<String, u64>,
    pub(super) last_number: HashMap<String, u64>,
    /// Links by id.
    pub links: BTreeMap<u64, Link>,
    /// Links by either end.
    pub(super) links_of: HashMap<u64, BTreeSet<u64>>,
    /// Children by parent.
    pub(super) children: HashMap<u64, BTreeSet<u64>>,
    /// Properties that apps declared searchable.
    pub property_indexes: Vec<PropertyIndex>,
    /// What search sees.
    pub index: SearchIndex,
    /// Tokens of apps.
    pub app_tokens: HashMap<String, AppToken>,
    /// API tokens that have scopes.
    pub scoped_tokens: HashMap<String, ScopedToken>,
    /// Sessions of the site's own pages, by cookie value.
    pub sessions: HashMap<String, Session>,
    /// App properties by app id.
    pub app_properties: HashMap<String, BTreeMap<String, Value>>,
    /// Approvals of requests by id.
    pub approvals: BTreeMap<u64, Approval>,
    pub(super) files: Shelf,
    /// Webhooks by id.
    pub webhooks: BTreeMap<u64, Registration>,
    last_id: u64,
    /// Desks' customers in the order of their names, as they were read since the last change of anything.
    listed: Mutex<HashMap<String, Arc<[AccountId]>>>,
}

impl Store {
    /// An empty site.
    pub(super) fn on(deployment: Deployment) -> Self {
        Self { names: deployment.data_center().map(|_| Names::default()), ..Self::default() }
    }

    /// A new site-wide id.
    pub fn next_id(&mut self) -> u64 {
        self.last_id = self.last_id.max(FIRST_ID) + 1;
        self.last_id
    }

    pub(super) fn id_taken(&mut self, id: u64) {
        self.last_id = self.last_id.max(id);
    }

    /// An account.
    #[must_use]
    pub fn account(&self, id: &str) -> Option<&Account> {
        self.accounts.get(id)
    }

    /// An account by address, in any case.
    #[must_use]
    pub fn account_by_email(&self, email: &str) -> Option<&Account> {
        self.by_email.get(&email.to_lowercase()).and_then(|id| self.accounts.get(id))
    }

    /// The name shown for an account; the id itself for one that is gone.
    #[must_use]
    pub fn display_name(&self, id: &str) -> String {
        self.account(id).map_or_else(|| id.to_owned(), |a| a.display_name.clone())
    }

    /// Whether an account is in a group.
    #[must_use]
    pub fn in_group(&self, group: &str, account_id: &str) -> bool {
        self.groups.get(group).is_some_and(|g| g.members.contains(account_id))
    }

    /// Whether an account administers the site.
    #[must_use]
    pub fn is_site_admin(&self, account_id: &str) -> bool {
        self.in_group(ADMIN_GROUP, account_id)
    }

    /// Whether an account has a licence: an active Atlassian account in the users' or admins' group.
    #[must_use]
    pub fn is_licensed(&self, account_id: &str) -> bool {
        self.account(account_id).is_some_and(|a| a.account_type == AccountType::Atlassian && a.active)
            && (self.in_group(USERS_GROUP, account_id) || self.in_group(ADMIN_GROUP, account_id))
    }

    /// Whether an account holds a role in a project, itself or by a group.
    #[must_use]
    pub fn holds_role(&self, project: &Project, role: u64, account_id: &str) -> bool {
        project.roles.get(&role).is_some_and(|actors| {
            actors.iter().any(|actor| match actor {
                RoleActor::User(id) => id == account_id,
                RoleActor::Group(name) => self.in_group(name, account_id),
            })
        })
    }

    /// A project by id or by key in any case.
    #[must_use]
    pub fn project(&self, id_or_key: &str) -> Option<&Project> {
        self.projects.get(id_or_key).or_else(|| self.projects.values().find(|p| p.key.eq_ignore_ascii_case(id_or_key)))
    }

    /// An issue by id or by key in any case.
    #[must_use]
    pub fn issue(&self, id_or_key: &str) -> Option<&Arc<Issue>> {
        match id_or_key.parse::<u64>() {
            Ok(id) => self.issues.get(&id),
            Err(_) => self
                .keys
                .get(id_or_key)
                .or_else(|| self.keys.get(&id_or_key.to_ascii_uppercase()))
                .and_then(|id| self.issues.get(id)),
        }
    }

    /// The desk of a project.
    #[must_use]
    pub fn desk_of(&self, project_id: &str) -> Option<&ServiceDesk> {
        self.service_desks.values().find(|d| d.project_id == project_id)
    }

    /// The organizations of an account.
    pub fn organizations_of<'a>(&'a self, account_id: &'a str) -> impl Iterator<Item = &'a Organization> + 'a {
        self.organizations.values().filter(move |o| o.members.contains(account_id))
    }

    /// Whether an account may use a desk's portal: added to it, of one of its organizations, or,
    /// where it is open, anyone.
    #[must_use]
    pub fn is_desk_customer(&self, desk: &ServiceDesk, account_id: &str) -> bool {
        desk.open_access
            || desk.customers.contains(account_id)
            || desk
                .organizations
                .iter()
                .any(|id| self.organizations.get(id).is_some_and(|o| o.members.contains(account_id)))
    }

    /// Who uses a desk: its own customers and its organizations' people, by their names. Kept for who reads it page by page.
    pub fn desk_customers(&self, desk: &ServiceDesk) -> Arc<[AccountId]> {
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let list = listed.entry(desk.id.clone()).or_insert_with(|| {
            let organizations = desk.organizations.iter().filter_map(|id| self.organizations.get(id));
            let people: BTreeSet<&AccountId> =
                desk.customers.iter().chain(organizations.flat_map(|organization| &organization.members)).collect();
            let mut people: Vec<&AccountId> = people.into_iter().filter(|id| self.account(id).is_some()).collect();
            people.sort_by_cached_key(|id| self.display_name(id).to_lowercase());
            people.into_iter().cloned().collect()
        });
        list.clone()
    }

    /// Something changes.
    pub(super) fn forget_lists(&mut self) {
        self.listed.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Links of an issue, oldest first.
    pub fn links_of(&self, issue_id: u64) -> impl Iterator<Item = &Link> {
        self.links_of.get(&issue_id).into_iter().flatten().filter_map(|id| self.links.get(id))
    }

    /// Issues whose parent is this one, by id.
    pub fn children_of(&self, issue_id: u64) -> impl Iterator<Item = &Arc<Issue>> {
        self.children.get(&issue_id).into_iter().flatten().filter_map(|id| self.issues.get(id))
    }

    /// The transitions that an issue has now.
    #[must_use]
    pub fn transitions_of(&self, issue: &Issue) -> Vec<&Transition> {
        self.projects
            .get(&issue.project_id)
            .and_then(|p| self.workflows.get(&p.workflow_id))
            .into_iter()
            .flat_map(|w| &w.transitions)
            .filter(|t| if t.from.is_empty() { t.to != issue.status_id } else { t.from.contains(&issue.status_id) })
            .collect()
    }

    /// A comment and its issue.
    #[must_use]
    pub fn comment(&self, comment_id: u64) -> Option<(&Arc<Issue>, &Comment)> {
        self.issues.values().find_map(|issue| issue.comments.iter().find(|c| c.id == comment_id).map(|c| (issue, c)))
    }

    pub(super) fn put_issue(&mut self, issue: Arc<Issue>) {
        self.id_taken(issue.id);
        for id in issue
            .comments
            .iter()
            .map(|c| c.id)
            .chain(issue.changelog.iter().map(|h| h.id))
            .chain(issue.attachments.iter().map(|a| a.id))
        {
            self.id_taken(id);
        }
        if let Some(number) = issue.key.rsplit('-').next().and_then(|n| n.parse::<u64>().ok()) {
            let last = self.last_number.entry(issue.project_id.clone()).or_default();
            *last = (*last).max(number);
        }
        self.keys.insert(issue.key.clone(), issue.id);
        let before = self.issues.insert(issue.id, issue.clone()).and_then(|i| i.parent);
        if before != issue.parent
            && let Some(set) = before.and_then(|p| self.children.get_mut(&p))
        {
            set.remove(&issue.id);
        }
        if let Some(parent) = issue.parent {
            self.children.entry(parent).or_default().insert(issue.id);
        }
    }

    pub(super) fn take_issue(&mut self, id: u64) -> Option<Arc<Issue>> {
        let issue = self.issues.remove(&id)?;
        self.keys.remove(&issue.key);
        self.files.forget(&issue);
        if let Some(set) = issue.parent.and_then(|p| self.children.get_mut(&p)) {
            set.remove(&id);
        }
        for link in self.links_of.remove(&id).unwrap_or_default() {
            self.take_link(link);
        }
        Some(issue)
    }

    pub(super) fn put_link(&mut self, link: Link) {
        self.id_taken(link.id);
        for end in [link.inward, link.outward] {
            self.links_of.entry(end).or_default().insert(link.id);
        }
        self.links.insert(link.id, link);
    }

    pub(super) fn take_link(&mut self, id: u64) -> Option<Link> {
        let link = self.links.remove(&id)?;
        for end in [link.inward, link.outward] {
            if let Some(set) = self.links_of.get_mut(&end) {
                set.remove(&id);
            }
        }
        Some(link)
    }
}
