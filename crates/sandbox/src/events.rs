//! What happened on the site, told to whoever listens: webhooks and Forge triggers.
//!
//! An event carries the issue as it was right after the change, since deliveries are late. It must
//! never be built outside `state/`, where the change itself is made.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::state::{Attachment, Comment, History, Issue, Link, model::AccountId};

/// Who does something: an account, and the app through which it does it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actor {
    /// The account; none for the site itself.
    pub account_id: Option<AccountId>,
    /// Id of the app whose token was used, for `selfGenerated`.
    pub app_id: Option<String>,
}

impl Actor {
    /// A person in the product's own pages.
    #[must_use]
    pub fn person(account_id: &str) -> Self {
        Self { account_id: Some(account_id.to_owned()), app_id: None }
    }

    /// The account id, or Jira's word for nobody.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.account_id.clone().unwrap_or_else(|| "unidentified".to_owned())
    }
}

/// One change.
#[derive(Debug, Clone)]
pub struct Event {
    /// Position in the site's history, from 1.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: Actor,
    /// What.
    pub kind: EventKind,
}

/// What changed. Issues are snapshots taken right after the change (before it, for deletions).
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names are Jira's own event names; fields repeat the model")]
pub enum EventKind {
    IssueCreated { issue: Arc<Issue> },
    IssueUpdated { issue: Arc<Issue>, history: History },
    IssueDeleted { issue: Arc<Issue> },
    CommentCreated { issue: Arc<Issue>, comment: Comment },
    CommentUpdated { issue: Arc<Issue>, comment: Comment },
    CommentDeleted { issue: Arc<Issue>, comment: Comment },
    AttachmentCreated { issue: Arc<Issue>, attachment: Attachment },
    AttachmentDeleted { issue: Arc<Issue>, attachment: Attachment },
    PropertySet { issue: Arc<Issue>, key: String, value: Value },
    PropertyDeleted { issue: Arc<Issue>, key: String },
    LinkCreated { link: Link },
    LinkDeleted { link: Link },
    UserCreated { account_id: AccountId },
    UserUpdated { account_id: AccountId },
    UserDeleted { account_id: AccountId },
    OrganizationChanged { organization_id: String },
    ProjectCreated { project_id: String },
}

impl EventKind {
    /// The issue concerned, if one.
    #[must_use]
    pub fn issue(&self) -> Option<&Arc<Issue>> {
        match self {
            Self::IssueCreated { issue }
            | Self::IssueUpdated { issue, .. }
            | Self::IssueDeleted { issue }
            | Self::CommentCreated { issue, .. }
            | Self::CommentUpdated { issue, .. }
            | Self::CommentDeleted { issue, .. }
            | Self::AttachmentCreated { issue, .. }
            | Self::AttachmentDeleted { issue, .. }
            | Self::PropertySet { issue, .. }
            | Self::PropertyDeleted { issue, .. } => Some(issue),
            _ => None,
        }
    }

    /// Jira's `webhookEvent` word.
    #[must_use]
    pub fn webhook_event(&self) -> &'static str {
        match self {
            Self::IssueCreated { .. } => "jira:issue_created",
            Self::IssueUpdated { .. } => "jira:issue_updated",
            Self::IssueDeleted { .. } => "jira:issue_deleted",
            Self::CommentCreated { .. } => "comment_created",
            Self::CommentUpdated { .. } => "comment_updated",
            Self::CommentDeleted { .. } => "comment_deleted",
            Self::AttachmentCreated { .. } => "attachment_created",
            Self::AttachmentDeleted { .. } => "attachment_deleted",
            Self::PropertySet { .. } => "issue_property_set",
            Self::PropertyDeleted { .. } => "issue_property_deleted",
            Self::LinkCreated { .. } => "issuelink_created",
            Self::LinkDeleted { .. } => "issuelink_deleted",
            Self::UserCreated { .. } => "user_created",
            Self::UserUpdated { .. } => "user_updated",
            Self::UserDeleted { .. } => "user_deleted",
            Self::OrganizationChanged { .. } => "organization_changed",
            Self::ProjectCreated { .. } => "project_created",
        }
    }

    /// The Forge event name, where Forge has one.
    #[must_use]
    pub fn forge_event(&self) -> Option<&'static str> {
        Some(match self {
            Self::IssueCreated { .. } => "avi:jira:created:issue",
            Self::IssueUpdated { .. } => "avi:jira:updated:issue",
            Self::IssueDeleted { .. } => "avi:jira:deleted:issue",
            Self::CommentCreated { .. } => "avi:jira:commented:issue",
            Self::CommentDeleted { .. } => "avi:jira:deleted:comment",
            Self::AttachmentCreated { .. } => "avi:jira:created:attachment",
            Self::AttachmentDeleted { .. } => "avi:jira:deleted:attachment",
            Self::LinkCreated { .. } => "avi:jira:created:issuelink",
            Self::LinkDeleted { .. } => "avi:jira:deleted:issuelink",
            _ => return None,
        })
    }
}
