//! Jira as Steward calls it, Cloud and Data Center: [`Jira`] acts for one tenant, as the app or as a person.
//!
//! Replies are typed and carry only the fields that are used. Jira's own words never reach a caller. It must never
//! build an address from text: paths are templates whose places are filled with typed ids. Start at [`Jira::for_tenant`];
//! the operations stand in the modules by what they are about.

mod access;
pub(crate) mod authorize;
mod call;
mod comments;
mod data_center;
mod desk_changes;
mod desks;
mod ids;
mod issue_fields;
mod issues;
mod own_requests;
mod users;

use std::sync::Arc;
use std::time::Duration;

use kernel::{AccountId, Clock, Cx};
use url::Url;

pub use access::{PermissionQuery, Permissions, Project, ProjectGrants, Rights, Role, RoleActors, ServerInfo};
pub use comments::{Comment, NewComment};
pub use desk_changes::{ACCOUNTS_AT_ONCE, NewRequest, Power, Raised, RequestField, RequestType};
pub use desks::{Customer, Organization, Page, Request, ServiceDesk};
pub use ids::{CommentId, GroupId, IssueKey, IssueRef, PropertyKey, RequestTypeId, RoleId, ServiceDeskId};
pub use issue_fields::{IssueField, IssueFieldKind};
pub use issues::{Issue, IssueFields, Search, SearchPage};
pub use own_requests::{OWN_REQUESTS, OwnRequest, OwnRequests, Progressing};
pub use users::{ACCOUNTS_LOOKED_AT, AccountKind, Group, User};

pub use crate::fault::ANSWER_LOST;
pub(crate) use authorize::ACCESS_MISSING;
pub(crate) use call::{ACCESS_ENDED, is_nobody};

use crate::connect::Signing;
use crate::data_center::Users;
use crate::door::Door;
use crate::limits::Limits;
use crate::limits::pauses::Moment;
use crate::service::Services;
use crate::sign_in::SignIn;
use crate::sites::Sites;
use crate::tokens::Tokens;

/// What a page waits for Jira when nothing else is said.
pub const INTERACTIVE: Duration = Duration::from_secs(10);
/// What a job waits for Jira.
pub const BACKGROUND: Duration = Duration::from_secs(120);

/// As whom a call is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum As {
    /// As Steward's own account on the site.
    App,
    /// As a person: with the token that their page brought, else with one asked for.
    Person(AccountId),
}

/// What all tenants' calls share; cheap to clone.
#[derive(Clone)]
pub struct Cloud(pub(crate) Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) door: Door,
    pub(crate) sites: Sites,
    pub(crate) tokens: Tokens,
    pub(crate) limits: Limits,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) graphql: Url,
    pub(crate) services: Services,
    pub(crate) sign_in: SignIn,
    pub(crate) connect: Option<Signing>,
    pub(crate) users: Users,
}

/// Jira of one tenant, for one request or job.
pub struct Jira<'a> {
    cloud: &'a Cloud,
    cx: &'a Cx,
    by: As,
    until: Moment,
    background: bool,
}

impl<'a> Jira<'a> {
    /// Jira of the context's tenant, with an interactive caller's patience.
    pub fn for_tenant(cloud: &'a Cloud, cx: &'a Cx, by: As) -> Self {
        Self { cloud, cx, by, until: cloud.0.limits.timer().now() + INTERACTIVE, background: false }
    }

    /// Waits for so long, all calls together, and no longer: then `Busy`.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.until = self.cloud.0.limits.timer().now() + time;
        self
    }

    /// For work that nobody waits for: with more patience, and the last of an hour's points left to people.
    #[must_use]
    pub fn in_background(self) -> Self {
        Self { background: true, ..self.within(BACKGROUND) }
    }

    /// The same, as somebody else, within the same time.
    #[must_use]
    pub fn acting(&self, by: As) -> Self {
        Self { cloud: self.cloud, cx: self.cx, by, until: self.until, background: self.background }
    }
}
