//! An issue and what hangs on it: comments, history, work, attachments, links.
//!
//! Start reading at [`Issue`].

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::model::AccountId;

/// Property of a comment that makes it an internal note when its value is `{"internal": true}`.
pub const PUBLIC_COMMENT_PROPERTY: &str = "sd.public.comment";

/// An issue (a request, where it has a request type).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Issue {
    /// Site-wide id.
    pub id: u64,
    /// `KEY-n`.
    pub key: String,
    /// Its project's id.
    pub project_id: String,
    /// Issue type id.
    pub issue_type_id: String,
    /// Status id.
    pub status_id: String,
    /// When it last changed status (or was created).
    pub status_changed_at: Timestamp,
    /// One line.
    pub summary: String,
    /// ADF document.
    pub description: Option<Value>,
    /// ADF document.
    pub environment: Option<Value>,
    /// On whose behalf.
    pub reporter: Option<AccountId>,
    /// Who typed it.
    pub creator: AccountId,
    /// Who works on it.
    pub assignee: Option<AccountId>,
    /// Priority id.
    pub priority_id: Option<String>,
    /// Resolution id; set while resolved.
    pub resolution_id: Option<String>,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When anything on it last changed.
    pub updated_at: Timestamp,
    /// Due date.
    pub due: Option<Date>,
    /// Labels.
    pub labels: Vec<String>,
    /// Component names.
    pub components: Vec<String>,
    /// Parent issue's id (epic or parent of a sub-task).
    pub parent: Option<u64>,
    /// Request type id, on service projects.
    pub request_type_id: Option<String>,
    /// Channel the request came by: `portal`, `email`, `api`, `jira`.
    pub channel: String,
    /// Request participants.
    pub participants: Vec<AccountId>,
    /// Organization ids it is shared with.
    pub organizations: Vec<String>,
    /// Other custom fields, by id, in API form.
    #[serde(default)]
    pub custom: BTreeMap<String, Value>,
    /// Comments, oldest first.
    #[serde(default)]
    pub comments: Vec<Comment>,
    /// History, oldest first.
    #[serde(default)]
    pub changelog: Vec<History>,
    /// Entity properties.
    #[serde(default)]
    pub properties: BTreeMap<String, Value>,
    /// Work logged.
    #[serde(default)]
    pub worklogs: Vec<Worklog>,
    /// Attachments (metadata only).
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    /// Counts the versions of this issue; the search index uses it to tell newer from older.
    #[serde(default)]
    pub revision: u64,
}

/// Who may see a comment beyond its being public or internal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "type", content = "value")]
pub enum Visibility {
    /// Holders of a project role, by name.
    Role(String),
    /// Members of a group, by name.
    Group(String),
}

/// A comment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Comment {
    /// Site-wide id.
    pub id: u64,
    /// Who wrote it.
    pub author: AccountId,
    /// Who last edited it.
    pub update_author: AccountId,
    /// ADF document.
    pub body: Value,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub updated_at: Timestamp,
    /// False for internal notes.
    pub public: bool,
    /// Further restriction.
    pub visibility: Option<Visibility>,
    /// Comment properties.
    #[serde(default)]
    pub properties: BTreeMap<String, Value>,
}

/// One entry of the history.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct History {
    /// Site-wide id.
    pub id: u64,
    /// Who did it.
    pub author: AccountId,
    /// When.
    pub created_at: Timestamp,
    /// What.
    pub items: Vec<ChangeItem>,
}

/// One changed field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeItem {
    /// Name of the field.
    pub field: String,
    /// Id of the field.
    pub field_id: String,
    /// Id of the old value.
    pub from: Option<String>,
    /// Old value as text.
    pub from_string: Option<String>,
    /// Id of the new value.
    pub to: Option<String>,
    /// New value as text.
    pub to_string: Option<String>,
}

/// Work logged.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Worklog {
    /// Site-wide id.
    pub id: u64,
    /// Who worked.
    pub author: AccountId,
    /// ADF document.
    pub comment: Option<Value>,
    /// When the work began.
    pub started_at: Timestamp,
    /// How long, in seconds.
    pub spent_s: u64,
}

/// An attachment's metadata; its bytes are kept beside, those of an archive not at all.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attachment {
    /// Site-wide id.
    pub id: u64,
    /// File name.
    pub filename: String,
    /// Who added it.
    pub author: AccountId,
    /// When.
    pub created_at: Timestamp,
    /// Bytes.
    pub size: u64,
    /// Media type.
    pub mime_type: String,
    /// The comment that it came with, and by which customers see it; none: they don't.
    #[serde(default)]
    pub comment_id: Option<u64>,
}

/// A link between two issues: `outward` *blocks* `inward`, in the words of its type.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Link {
    /// Site-wide id.
    pub id: u64,
    /// Link type id.
    pub type_id: String,
    /// The issue that "is blocked by".
    pub inward: u64,
    /// The issue that "blocks".
    pub outward: u64,
}
