//! The things of this room: fields, sections, values, history, permissions.

mod entitlements;
mod imports;
mod issues;
mod merges;
mod views;

use kernel::{AccountId, Actor, Fault, OrganizationId, Result, TokenId, own_id};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroize;

use crate::conversion::PastType;

pub(crate) use entitlements::{
    Entitlement, EntitlementEntry, EntitlementState, Product, ProductAudience, ProductId, Terms, TermsChange,
};
pub(crate) use imports::{Act, ActKind, Counts, Import, ImportPlan, ImportState, MadePerson, MadeState, Turn};
pub use issues::{CopiedTo, OnIssues};
pub(crate) use merges::{Merge, MergeBody, MergeId};
pub(crate) use views::{View, ViewBody, ViewColumn, ViewId};

own_id!(
    /// A field.
    FieldId
);
own_id!(
    /// A section of fields.
    SectionId
);
own_id!(
    /// An option of a select field.
    OptionId
);

own_id!(
    /// An import of a file.
    ImportId
);

/// Whom a field describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Entity {
    /// A person who asks for help.
    Customer,
    /// A JSM organization.
    Organization,
}

impl Entity {
    /// As stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Organization => "organization",
        }
    }

    /// From the store.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Customer, Self::Organization].into_iter().find(|entity| entity.name() == name)
    }
}

/// Whose values: one customer's or one organization's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A customer.
    Customer(AccountId),
    /// An organization.
    Organization(OrganizationId),
}

impl Owner {
    /// Which of the two.
    pub fn entity(&self) -> Entity {
        match self {
            Self::Customer(_) => Entity::Customer,
            Self::Organization(_) => Entity::Organization,
        }
    }

    /// The host's id.
    pub fn id(&self) -> &str {
        match self {
            Self::Customer(id) => id.as_str(),
            Self::Organization(id) => id.as_str(),
        }
    }
}

/// What a field holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum FieldType {
    /// One line, at most 255 characters.
    #[default]
    Text,
    /// Several lines, at most 32,767 characters.
    LongText,
    /// A decimal number.
    Number,
    /// A day, `2026-01-31`.
    Date,
    /// An instant, RFC 3339.
    DateTime,
    /// Yes or no.
    Boolean,
    /// One of the field's options, by id.
    Select,
    /// Some of the field's options, by id.
    MultiSelect,
    /// An http or https address.
    Url,
    /// An e-mail address.
    Email,
    /// A telephone number; kept as E.164.
    Phone,
    /// A Jira account, by id.
    User,
}

impl FieldType {
    const NAMES: [(Self, &'static str); 12] = [
        (Self::Text, "text"),
        (Self::LongText, "longText"),
        (Self::Number, "number"),
        (Self::Date, "date"),
        (Self::DateTime, "dateTime"),
        (Self::Boolean, "boolean"),
        (Self::Select, "select"),
        (Self::MultiSelect, "multiSelect"),
        (Self::Url, "url"),
        (Self::Email, "email"),
        (Self::Phone, "phone"),
        (Self::User, "user"),
    ];

    /// Each of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::NAMES.into_iter().map(|(kind, _)| kind)
    }

    /// As stored.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(kind, _)| *kind == self).map_or("text", |(_, name)| name)
    }

    /// From the store.
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }

    /// Whether it has options.
    pub fn has_options(self) -> bool {
        matches!(self, Self::Select | Self::MultiSelect)
    }
}

/// Who sees a field besides agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum FieldAudience {
    /// Nobody else.
    Agents,
    /// The customer may see it.
    CustomerView,
    /// The customer may change it.
    CustomerEdit,
}

impl FieldAudience {
    /// As stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Agents => "agents",
            Self::CustomerView => "customerView",
            Self::CustomerEdit => "customerEdit",
        }
    }

    /// From the store.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Agents, Self::CustomerView, Self::CustomerEdit].into_iter().find(|audience| audience.name() == name)
    }
}

/// An option of a select field. Renaming keeps its id; retiring keeps the values that hold it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Zeroize)]
pub struct FieldOption {
    /// Its id.
    pub id: String,
    /// What people read.
    pub label: String,
    /// Whether it can no longer be chosen.
    pub retired: bool,
}

/// The sealed part of a field: everything that people made up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Zeroize)]
pub struct FieldBody {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub help: Option<String>,
    /// What it may hold, where it has options.
    pub options: Vec<FieldOption>,
    /// What a new customer's or organization's panel offers.
    pub default: Value,
    /// Project ids that it is limited to; empty: all.
    pub projects: Vec<String>,
    /// The country of telephone numbers that name none (ISO 3166-1 alpha-2).
    #[serde(default)]
    pub country: Option<String>,
    /// Types that it had before, oldest first.
    #[serde(default)]
    pub past: Vec<PastType>,
    /// Whether values of before its last change of type are still being written anew.
    #[serde(default)]
    pub turning: bool,
    /// How its values stand on issues in Jira, if they do.
    #[serde(default)]
    pub on_issues: Option<OnIssues>,
    /// Where its values are copied when a request is made, if they are.
    #[serde(default)]
    pub copied_to: Option<CopiedTo>,
}

/// A field.
pub struct Field<B> {
    /// Its id.
    pub id: FieldId,
    /// Whom it describes.
    pub entity: Entity,
    /// What it holds.
    pub kind: FieldType,
    /// Its section.
    pub section: Option<SectionId>,
    /// Its place among its entity's fields.
    pub position: i64,
    /// Whether it may not be emptied.
    pub required: bool,
    /// Who sees it.
    pub audience: FieldAudience,
    /// Changes with every change of it.
    pub version: i64,
    /// Whether it is out of use; its values are kept.
    pub retired: bool,
    /// The sealed or opened part.
    pub body: B,
}

impl<B> Field<B> {
    /// The same field with another body.
    pub fn with<C>(self, make: impl FnOnce(B) -> C) -> Field<C> {
        Field {
            id: self.id,
            entity: self.entity,
            kind: self.kind,
            section: self.section,
            position: self.position,
            required: self.required,
            audience: self.audience,
            version: self.version,
            retired: self.retired,
            body: make(self.body),
        }
    }
}

/// A section.
pub struct Section<B> {
    /// Its id.
    pub id: SectionId,
    /// Whose fields it groups.
    pub entity: Entity,
    /// Its place.
    pub position: i64,
    /// Changes with every change of it.
    pub version: i64,
    /// The sealed or opened name.
    pub name: B,
}

/// What a field holds, as JSON: null, a string, a number, a truth, a list of option ids.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Zeroize, ToSchema)]
#[serde(untagged)]
pub enum Value {
    /// Nothing.
    #[default]
    Empty,
    /// Yes or no.
    Bool(bool),
    /// A number.
    Number(f64),
    /// Text, a date, an instant, an address, an option's or account's id.
    Text(String),
    /// Options' ids.
    List(Vec<String>),
}

impl Value {
    /// Whether it is nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::Empty
    }
}

/// Who wrote something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Author {
    /// A person.
    Person(AccountId),
    /// An API token.
    Token(TokenId),
    /// An import; who started it, it says itself.
    Import(ImportId),
    /// A bulk action; who began it, it says itself.
    BulkAction(ImportId),
}

/// Begins a bulk action's id there.
const BULK_AUTHOR: &str = "bulk:";
/// Begins an import's id there.
const IMPORT_AUTHOR: &str = "import:";
/// Begins a token's id where accounts' ids stand too; Jira's begin with a number or with `qm`.
const TOKEN_AUTHOR: &str = "token:";

impl Author {
    /// The one who acts, if they are somebody who writes.
    pub fn of(actor: &Actor) -> Option<Self> {
        match actor {
            Actor::Person(account) => Some(Self::Person(account.clone())),
            Actor::Token(token) => Some(Self::Token(token.id)),
            Actor::System(_) => None,
        }
    }

    /// As stored.
    pub fn stored(&self) -> String {
        match self {
            Self::Person(account) => account.as_str().to_owned(),
            Self::Token(id) => format!("{TOKEN_AUTHOR}{id}"),
            Self::Import(id) => format!("{IMPORT_AUTHOR}{id}"),
            Self::BulkAction(id) => format!("{BULK_AUTHOR}{id}"),
        }
    }

    /// From the store.
    pub fn parse(stored: &str) -> Result<Self> {
        if let Some(id) = stored.strip_prefix(IMPORT_AUTHOR) {
            return id.parse().map(Self::Import).map_err(|error| Fault::broken("customers_row", error));
        }
        if let Some(id) = stored.strip_prefix(BULK_AUTHOR) {
            return id.parse().map(Self::BulkAction).map_err(|error| Fault::broken("customers_row", error));
        }
        match stored.strip_prefix(TOKEN_AUTHOR).map(str::parse) {
            Some(Ok(id)) => Ok(Self::Token(id)),
            Some(Err(error)) => Err(Fault::broken("customers_row", error)),
            None => AccountId::new(stored).map(Self::Person),
        }
    }
}

/// A value as it stands.
pub struct Stored<V> {
    /// Of which field.
    pub field: FieldId,
    /// The sealed or opened value.
    pub value: V,
    /// The tenant's change number of its last change.
    pub version: i64,
    /// When.
    pub updated_at: jiff::Timestamp,
    /// By whom.
    pub updated_by: Author,
}

/// How a value came to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// Somebody wrote it.
    Set,
    /// Somebody emptied it.
    Cleared,
    /// Somebody went back to an earlier one.
    Restored,
    /// The field's type changed.
    Converted,
    /// Another customer, who had it, was merged into this one.
    Merged,
}

impl Action {
    /// As stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Cleared => "cleared",
            Self::Restored => "restored",
            Self::Converted => "converted",
            Self::Merged => "merged",
        }
    }

    /// From the store.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Set, Self::Cleared, Self::Restored, Self::Converted, Self::Merged]
            .into_iter()
            .find(|action| action.name() == name)
    }
}

/// What a value was and what it became: sealed together, because one without the other is no history.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Zeroize)]
pub struct Change {
    /// Before.
    pub from: Value,
    /// After.
    pub to: Value,
}

/// One change of one value: `C` is the [`Change`], sealed or opened.
pub struct HistoryEntry<C> {
    /// The change's number; names the entry within its owner.
    pub id: i64,
    /// Of which field.
    pub field: FieldId,
    /// From what to what.
    pub change: C,
    /// When.
    pub at: jiff::Timestamp,
    /// By whom.
    pub by: Author,
    /// How.
    pub action: Action,
}

/// What somebody may do here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Permission {
    /// See customers' and organizations' fields.
    Browse,
    /// Change values.
    Edit,
    /// Define fields and permissions.
    Configure,
}

/// Who holds a permission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Zeroize, ToSchema)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Holder {
    /// Every agent of a service project.
    Agents,
    /// Every Jira administrator.
    JiraAdmins,
    /// A group.
    Group {
        /// The host's id.
        id: String,
        /// As it was called when it was chosen.
        #[serde(default)]
        name: String,
    },
    /// A project role, in any service project.
    ProjectRole {
        /// The host's id.
        id: String,
        /// As it was called when it was chosen.
        #[serde(default)]
        name: String,
    },
}

/// Who holds which permission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Zeroize)]
pub struct Permissions {
    /// Who may see.
    pub browse: Vec<Holder>,
    /// Who may change values.
    pub edit: Vec<Holder>,
    /// Who may define.
    pub configure: Vec<Holder>,
}

impl Default for Permissions {
    fn default() -> Self {
        Self { browse: vec![Holder::Agents], edit: vec![Holder::Agents], configure: vec![Holder::JiraAdmins] }
    }
}
