//! What a caller may see and do, by project role, as the default permission schemes of Jira and
//! Jira Service Management have it.
//!
//! Customers reach requests only through the portal's API: the platform's API shows them nothing.
//! It must never answer "forbidden" for what may not be known: the callers turn `false` into 404.

use crate::{
    auth::{Caller, Means},
    state::{
        Attachment, Comment, Issue, Store, Visibility,
        model::{Project, ProjectKind, ROLE_ADMINISTRATORS, ServiceDesk},
    },
};

/// A caller's view of the store.
#[derive(Clone, Copy)]
pub(crate) struct Access<'a> {
    store: &'a Store,
    caller: &'a Caller,
}

impl<'a> Access<'a> {
    pub(crate) fn new(store: &'a Store, caller: &'a Caller) -> Self {
        Self { store, caller }
    }

    /// Administer Jira.
    pub(crate) fn site_admin(&self) -> bool {
        match &self.caller.means {
            Means::Anonymous => false,
            Means::App { on_behalf: false, scopes, .. } => scopes.iter().any(|s| s == "manage:jira-configuration"),
            _ => self.store.is_site_admin(self.caller.account()),
        }
    }

    /// A licensed person or an app itself.
    pub(crate) fn licensed(&self) -> bool {
        self.caller.is_app_itself() || self.store.is_licensed(self.caller.account())
    }

    /// Administer this project.
    pub(crate) fn project_admin(&self, project: &Project) -> bool {
        self.caller.is_app_itself()
            || (self.licensed() && self.store.holds_role(project, ROLE_ADMINISTRATORS, self.caller.account()))
    }

    /// Works in this project: an agent of a service project, a member of a software project.
    pub(crate) fn worker(&self, project: &Project) -> bool {
        if self.project_admin(project) {
            return true;
        }
        self.licensed()
            && (self.store.holds_role(project, project.kind.team(), self.caller.account())
                || (project.kind == ProjectKind::Software && project.open_to_licensed))
    }

    /// Browse this project.
    pub(crate) fn browse_project(&self, project: &Project) -> bool {
        self.worker(project) || (project.open_to_licensed && self.licensed())
    }

    /// Browse this issue through the platform.
    pub(crate) fn browse(&self, issue: &Issue) -> bool {
        self.project_of(issue).is_some_and(|p| self.browse_project(p))
    }

    /// Work on this issue.
    pub(crate) fn work_on(&self, issue: &Issue) -> bool {
        self.project_of(issue).is_some_and(|p| self.worker(p))
    }

    fn project_of(&self, issue: &Issue) -> Option<&'a Project> {
        self.store.projects.get(&issue.project_id)
    }

    /// Whether the caller is one of the customers of this request, or asked to approve it.
    pub(crate) fn customer_of(&self, issue: &Issue) -> bool {
        let me = self.caller.account();
        if self.caller.is_anonymous() || issue.request_type_id.is_none() {
            return false;
        }
        issue.reporter.as_deref() == Some(me)
            || issue.participants.iter().any(|p| p == me)
            || self.store.approvals.values().any(|one| one.issue_id == issue.id && one.asks(me))
            || issue
                .organizations
                .iter()
                .any(|id| self.store.organizations.get(id).is_some_and(|o| o.members.contains(me)))
    }

    /// See this request through the portal's API.
    pub(crate) fn see_request(&self, issue: &Issue) -> bool {
        issue.request_type_id.is_some() && (self.browse(issue) || self.customer_of(issue))
    }

    /// See this comment. Internal notes are for those who browse the issue, never for customers.
    pub(crate) fn see_comment(&self, issue: &Issue, comment: &Comment) -> bool {
        if !comment.public && !self.browse(issue) {
            return false;
        }
        match &comment.visibility {
            None => true,
            Some(Visibility::Group(name)) => self.store.in_group(name, self.caller.account()),
            Some(Visibility::Role(name)) => self.project_of(issue).is_some_and(|project| {
                self.store
                    .roles
                    .values()
                    .filter(|r| r.name == *name)
                    .any(|role| self.store.holds_role(project, role.id, self.caller.account()))
            }),
        }
    }

    /// See this attachment: whoever browses the issue all (but those of comments kept from them), customers what
    /// came with a comment that they see.
    pub(crate) fn see_attachment(&self, issue: &Issue, file: &Attachment) -> bool {
        match file.comment_id.and_then(|id| issue.comments.iter().find(|comment| comment.id == id)) {
            Some(comment) => self.see_comment(issue, comment),
            None => self.browse(issue),
        }
    }

    /// Works for this desk.
    pub(crate) fn agent(&self, desk: &ServiceDesk) -> bool {
        self.store.projects.get(&desk.project_id).is_some_and(|p| self.worker(p))
    }

    /// Use this desk's portal.
    pub(crate) fn use_portal(&self, desk: &ServiceDesk) -> bool {
        self.agent(desk) || (!self.caller.is_anonymous() && self.store.is_desk_customer(desk, self.caller.account()))
    }

    /// An agent of any desk.
    pub(crate) fn any_agent(&self) -> bool {
        self.store.service_desks.values().any(|desk| self.agent(desk))
    }
}
