//! The things a Jira site is made of, as plain data: people, projects, and the configuration that
//! issues refer to. Issues themselves are in [`super::issue`].
//!
//! These types are the storage format of a [`super::Seed`] too; they must never know HTTP or JSON
//! shapes of an API (those are made in `rest/`). Start reading at [`Project`].

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Atlassian account id, as Jira writes it (`5be2…`, `557058:uuid`, `qm:uuid:id` for customers).
pub type AccountId = String;

/// Group whose members hold "Administer Jira".
pub const ADMIN_GROUP: &str = "jira-administrators";
/// Group whose members have a Jira licence.
pub const USERS_GROUP: &str = "jira-users";
/// Role id of project administrators.
pub const ROLE_ADMINISTRATORS: u64 = 10002;
/// Role id of the agents of a service project.
pub const ROLE_TEAM: u64 = 10101;
/// Role id of portal customers.
pub const ROLE_CUSTOMERS: u64 = 10100;
/// Role id of members of software projects.
pub const ROLE_MEMBERS: u64 = 10103;
/// Role id that gives apps access to every project.
pub const ROLE_APPS: u64 = 10003;

/// Custom field id: request participants.
pub const FIELD_PARTICIPANTS: &str = "customfield_10026";
/// Custom field id: organizations.
pub const FIELD_ORGANIZATIONS: &str = "customfield_10002";
/// Custom field id: request type.
pub const FIELD_REQUEST_TYPE: &str = "customfield_10010";

/// What kind of account this is, as `accountType` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountType {
    /// A licensed or managed Atlassian account.
    Atlassian,
    /// A portal-only customer.
    Customer,
    /// The account that an app acts as.
    App,
}

impl AccountType {
    /// The word that the APIs use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Atlassian => "atlassian",
            Self::Customer => "customer",
            Self::App => "app",
        }
    }
}

/// A person or an app.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    /// Primary key.
    pub account_id: AccountId,
    /// Licensed, customer or app.
    pub account_type: AccountType,
    /// Name shown.
    pub display_name: String,
    /// Login address; empty for apps.
    pub email: String,
    /// Whether others see the address (profile visibility). Site admins see customers' addresses anyway.
    pub email_visible: bool,
    /// IANA name.
    pub time_zone: String,
    /// For example `en_GB`.
    pub locale: String,
    /// False for deactivated accounts.
    pub active: bool,
    /// API tokens with which this person may sign in by Basic; on Data Center, personal access tokens.
    #[serde(default)]
    pub api_tokens: Vec<String>,
    /// On Data Center, the name with which this person signs in; given at the start where it is empty.
    #[serde(default)]
    pub username: String,
    /// On Data Center, what stays when the name changes; given at the start where it is empty.
    #[serde(default)]
    pub user_key: String,
    /// User properties.
    #[serde(default)]
    pub properties: BTreeMap<String, Value>,
}

impl Account {
    /// An active account with a visible address, UTC and British English.
    #[must_use]
    pub fn new(account_id: &str, account_type: AccountType, name: &str, email: &str) -> Self {
        Self {
            account_id: account_id.to_owned(),
            account_type,
            display_name: name.to_owned(),
            email: email.to_owned(),
            email_visible: true,
            time_zone: "Etc/UTC".to_owned(),
            locale: "en_GB".to_owned(),
            active: true,
            api_tokens: Vec::new(),
            username: String::new(),
            user_key: String::new(),
            properties: BTreeMap::new(),
        }
    }
}

/// A group of accounts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Group {
    /// UUID.
    pub group_id: String,
    /// Unique name.
    pub name: String,
    /// Account ids.
    pub members: BTreeSet<AccountId>,
}

/// Type of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectKind {
    /// Jira Service Management.
    ServiceDesk,
    /// Jira software.
    Software,
}

impl ProjectKind {
    /// Jira's word for it.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::ServiceDesk => "service_desk",
            Self::Software => "software",
        }
    }

    /// Id of the role of those who work in such a project.
    #[must_use]
    pub fn team(self) -> u64 {
        match self {
            Self::ServiceDesk => ROLE_TEAM,
            Self::Software => ROLE_MEMBERS,
        }
    }

    /// Ids of the workflow and of the issue types that such a project has on a new site.
    pub(crate) fn scheme(self) -> (&'static str, [&'static str; 5]) {
        match self {
            Self::ServiceDesk => ("10001", ["10001", "10002", "10003", "10004", "10005"]),
            Self::Software => ("10002", ["10000", "10005", "10006", "10007", "10008"]),
        }
    }
}

/// Who holds a project role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleActor {
    /// One account.
    User(AccountId),
    /// All members of a group, by name.
    Group(String),
}

/// A project.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Project {
    /// Decimal id.
    pub id: String,
    /// Upper-case key.
    pub key: String,
    /// Name shown.
    pub name: String,
    /// Plain text.
    pub description: String,
    /// Service or software project.
    pub kind: ProjectKind,
    /// Project lead.
    pub lead: AccountId,
    /// Issue types in use.
    pub issue_type_ids: Vec<String>,
    /// The workflow of all its issue types.
    pub workflow_id: String,
    /// Role id to actors.
    pub roles: BTreeMap<u64, Vec<RoleActor>>,
    /// Whether every licensed user may browse it (software projects usually).
    pub open_to_licensed: bool,
}

/// A project role.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Role {
    /// One of the `ROLE_…` constants, or the site's own.
    pub id: u64,
    /// Name shown.
    pub name: String,
    /// Plain text.
    pub description: String,
}

/// Category of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusCategory {
    /// To Do.
    New,
    /// In Progress.
    Indeterminate,
    /// Done.
    Done,
}

impl StatusCategory {
    /// All categories.
    pub const ALL: [Self; 3] = [Self::New, Self::Indeterminate, Self::Done];

    /// Jira's numeric id.
    #[must_use]
    pub fn id(self) -> u64 {
        match self {
            Self::New => 2,
            Self::Indeterminate => 4,
            Self::Done => 3,
        }
    }

    /// Jira's key.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Indeterminate => "indeterminate",
            Self::Done => "done",
        }
    }

    /// Name shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "To Do",
            Self::Indeterminate => "In Progress",
            Self::Done => "Done",
        }
    }

    /// Jira's colour name.
    #[must_use]
    pub fn colour(self) -> &'static str {
        match self {
            Self::New => "blue-gray",
            Self::Indeterminate => "yellow",
            Self::Done => "green",
        }
    }
}

/// A status.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// Decimal id.
    pub id: String,
    /// Name shown.
    pub name: String,
    /// Plain text.
    pub description: String,
    /// Its category.
    pub category: StatusCategory,
}

/// One step of a workflow.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Transition {
    /// Decimal id, unique within the workflow.
    pub id: String,
    /// Name of the button.
    pub name: String,
    /// Statuses it starts from; empty: from any other.
    pub from: Vec<String>,
    /// Status it leads to.
    pub to: String,
    /// Whether customers see it on the portal.
    pub customer: bool,
}

/// A workflow: the first status is the initial one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Workflow {
    /// Decimal id.
    pub id: String,
    /// Name shown.
    pub name: String,
    /// Status ids, the initial one first.
    pub status_ids: Vec<String>,
    /// Its steps.
    pub transitions: Vec<Transition>,
}

/// An issue type.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IssueType {
    /// Decimal id.
    pub id: String,
    /// Name shown.
    pub name: String,
    /// Plain text.
    pub description: String,
    /// 1 epic, 0 standard, -1 sub-task.
    pub hierarchy_level: i8,
}

/// A priority.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Priority {
    /// Decimal id; lower is more urgent.
    pub id: String,
    /// Name shown.
    pub name: String,
    /// Plain text.
    pub description: String,
    /// `#rrggbb`.
    pub colour: String,
}

/// A resolution.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Resolution {
    /// Decimal id.
    pub id: String,
    /// Name shown.
    pub name: String,
    /// Plain text.
    pub description: String,
}

/// A type of issue link.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LinkType {
    /// Decimal id.
    pub id: String,
    /// Name shown.
    pub name: String,
    /// Words read from the inward end ("is blocked by").
    pub inward: String,
    /// Words read from the outward end ("blocks").
    pub outward: String,
}

/// Value type of a custom field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// One line of text.
    Text,
    /// ADF.
    Paragraph,
    /// JSON number.
    Number,
    /// `YYYY-MM-DD`.
    Date,
    /// Option object `{value}`.
    Select,
    /// Users (request participants).
    Users,
    /// Organizations.
    Organizations,
    /// Request type.
    RequestType,
}

/// A custom field.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CustomField {
    /// `customfield_NNNNN`.
    pub id: String,
    /// Name shown, also in JQL.
    pub name: String,
    /// Value type.
    pub kind: FieldKind,
    /// What may be chosen in it, where it is a select.
    #[serde(default)]
    pub options: Vec<String>,
}

/// A field of a request type, as the portal asks it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RequestTypeField {
    /// System field id or `customfield_…`.
    pub field_id: String,
    /// Label on the portal.
    pub name: String,
    /// Help under it.
    pub description: String,
    /// Whether it must be filled.
    pub required: bool,
    /// Values to choose from: (id, label).
    #[serde(default)]
    pub valid_values: Vec<(String, String)>,
}

/// A request type of a service desk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RequestType {
    /// Decimal id.
    pub id: String,
    /// Name shown.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// Help above the form.
    pub help_text: String,
    /// Its desk.
    pub service_desk_id: String,
    /// The issue type it makes.
    pub issue_type_id: String,
    /// Portal group names.
    pub groups: Vec<String>,
    /// Its form.
    pub fields: Vec<RequestTypeField>,
}

/// A queue of a service desk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Queue {
    /// Decimal id.
    pub id: String,
    /// Name shown.
    pub name: String,
    /// Its JQL, without the project clause.
    pub jql: String,
    /// Columns.
    pub fields: Vec<String>,
}

/// A service desk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServiceDesk {
    /// Decimal id.
    pub id: String,
    /// Its project.
    pub project_id: String,
    /// True: anyone may become its customer; false: only those added.
    pub open_access: bool,
    /// Customers added to it.
    pub customers: BTreeSet<AccountId>,
    /// Organizations added to it, by id.
    pub organizations: BTreeSet<String>,
    /// Its queues.
    pub queues: Vec<Queue>,
}

/// An organization of customers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Organization {
    /// Decimal id.
    pub id: String,
    /// Atlassian-wide id.
    pub uuid: String,
    /// Name shown.
    pub name: String,
    /// Members' account ids.
    pub members: BTreeSet<AccountId>,
    /// Organization properties.
    #[serde(default)]
    pub properties: BTreeMap<String, Value>,
}
