//! Which fields a query may name: the tenant's own that the caller may see, and those that the directory knows.

use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{Entity, FieldBody, FieldId, FieldType, ProductId};

use super::ast::{FieldName, field_word};
use super::mistake::Mistake;
use super::text::{fold, nearest};

/// What the directory knows of everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum BuiltIn {
    /// The name in Jira.
    Name,
    /// The e-mail address in Jira.
    Email,
    /// The account's or organization's id.
    Id,
    /// The organizations of a customer, by name or id.
    Organization,
    /// The service projects that a customer is one of.
    Project,
    /// Whether the account is in use.
    Active,
    /// Whether the customer was merged into another one.
    Merged,
    /// The time zone in Jira.
    TimeZone,
    /// How many customers belong to an organization.
    Members,
    /// When any of its values last changed.
    Updated,
    /// The products that an organization is entitled to today.
    Entitlement,
    /// First days of all that it was given.
    EntitlementStarts,
    /// Last days of all that it was given.
    EntitlementEnds,
    /// Limits of all that it was given.
    EntitlementLimit,
}

/// What a field holds, as far as a query cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FieldKind)]
pub(crate) enum Kind {
    /// Text of any kind, addresses too.
    Text,
    /// A number.
    Number,
    /// A day.
    Date,
    /// An instant.
    DateTime,
    /// Yes or no.
    Boolean,
    /// One option.
    Select,
    /// Some options.
    MultiSelect,
    /// A telephone number.
    Phone,
    /// A person.
    User,
    /// Organizations of a customer.
    Organization,
    /// Products of an organization.
    Product,
    /// Service projects of a customer.
    Project,
}

impl From<FieldType> for Kind {
    fn from(kind: FieldType) -> Self {
        match kind {
            FieldType::Text | FieldType::LongText | FieldType::Url | FieldType::Email => Self::Text,
            FieldType::Number => Self::Number,
            FieldType::Date => Self::Date,
            FieldType::DateTime => Self::DateTime,
            FieldType::Boolean => Self::Boolean,
            FieldType::Select => Self::Select,
            FieldType::MultiSelect => Self::MultiSelect,
            FieldType::Phone => Self::Phone,
            FieldType::User => Self::User,
        }
    }
}

impl Kind {
    /// Whether `<` means something.
    pub(crate) fn is_ordered(self) -> bool {
        matches!(self, Self::Number | Self::Date | Self::DateTime)
    }

    /// Whether `~` means something.
    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Select | Self::MultiSelect | Self::Phone | Self::Organization)
    }
}

/// What a customer's service projects are called.
pub(crate) const PROJECT: &str = "project";

const OF_CUSTOMERS: [(BuiltIn, &str, Kind); 9] = [
    (BuiltIn::Name, "name", Kind::Text),
    (BuiltIn::Email, "email", Kind::Text),
    (BuiltIn::Organization, "organization", Kind::Organization),
    (BuiltIn::Project, PROJECT, Kind::Project),
    (BuiltIn::Updated, "updated", Kind::DateTime),
    (BuiltIn::Active, "active", Kind::Boolean),
    (BuiltIn::Merged, "merged", Kind::Boolean),
    (BuiltIn::TimeZone, "timeZone", Kind::Text),
    (BuiltIn::Id, "accountId", Kind::Text),
];

const OF_ORGANIZATIONS: [(BuiltIn, &str, Kind); 8] = [
    (BuiltIn::Name, "name", Kind::Text),
    (BuiltIn::Members, "members", Kind::Number),
    (BuiltIn::Entitlement, "entitlement", Kind::Product),
    (BuiltIn::EntitlementEnds, "entitlement.ends", Kind::Date),
    (BuiltIn::EntitlementStarts, "entitlement.starts", Kind::Date),
    (BuiltIn::EntitlementLimit, "entitlement.limit", Kind::Number),
    (BuiltIn::Updated, "updated", Kind::DateTime),
    (BuiltIn::Id, "id", Kind::Text),
];

impl BuiltIn {
    /// Whether an organization may hold several of it, which give no order, and whose history is Steward's own.
    pub(crate) fn is_entitlement(self) -> bool {
        matches!(self, Self::Entitlement | Self::EntitlementStarts | Self::EntitlementEnds | Self::EntitlementLimit)
    }
}

/// What the directory knows of one entity, by the names that queries use.
pub(crate) fn built_in(entity: Entity) -> &'static [(BuiltIn, &'static str, Kind)] {
    match entity {
        Entity::Customer => &OF_CUSTOMERS,
        Entity::Organization => &OF_ORGANIZATIONS,
    }
}

/// A field of the tenant's, opened.
#[derive(Clone, Copy)]
pub(crate) struct Known<'f> {
    pub(crate) id: FieldId,
    pub(crate) kind: FieldType,
    pub(crate) body: &'f FieldBody,
}

/// What a name in a query leads to.
#[derive(Clone, Copy)]
pub(crate) enum Named<'f> {
    BuiltIn(BuiltIn, Kind),
    Own(Known<'f>),
}

impl Named<'_> {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::BuiltIn(_, kind) => *kind,
            Self::Own(known) => known.kind.into(),
        }
    }
}

/// The fields of one entity's queries; retired ones and those that the caller may not see are not in it.
pub(crate) struct Catalogue<'f> {
    pub(crate) entity: Entity,
    pub(crate) own: Vec<Known<'f>>,
    /// Of customers' organizations; empty in queries of organizations.
    pub(crate) organizations: Vec<Known<'f>>,
    /// Products, by id and name, retired ones too: organizations may still be entitled to them.
    pub(crate) products: Vec<(ProductId, &'f str)>,
    /// Service projects, by id, key and name; Jira is asked for them where a query names one.
    pub(crate) projects: Vec<[&'f str; 3]>,
}

impl<'f> Catalogue<'f> {
    /// The fields of one scope, and whom they describe.
    pub(crate) fn scope(&self, organization: bool) -> (Entity, &[Known<'f>]) {
        if organization { (Entity::Organization, &self.organizations) } else { (self.entity, &self.own) }
    }

    /// The field that a name means. What the directory knows comes first; a field of the tenant's that is called the
    /// same is reached by its id.
    pub(crate) fn find(&self, name: &FieldName) -> Result<Named<'f>, Mistake> {
        let unknown = || Mistake::new("unknown_field", name.span, "There is no such field.");
        if name.organization && self.entity == Entity::Organization {
            return Err(unknown().meant(Some(field_word(&name.name))));
        }
        let (entity, own) = self.scope(name.organization);
        let wanted = fold(&name.name);
        if let Some((built_in, _, kind)) = built_in(entity).iter().find(|(_, known, _)| *fold(known) == *wanted) {
            return Ok(Named::BuiltIn(*built_in, *kind));
        }
        let by_name = own.iter().find(|known| *fold(&known.body.name) == *wanted);
        let found = by_name.or_else(|| own.iter().find(|known| known.id.to_string() == name.name));
        found.copied().map(Named::Own).ok_or_else(|| unknown().meant(self.meant(name)))
    }

    fn meant(&self, name: &FieldName) -> Option<String> {
        let (entity, own) = self.scope(name.organization);
        let names = own.iter().map(|known| known.body.name.as_str());
        let names = names.chain(built_in(entity).iter().map(|(_, name, _)| *name));
        let scope = if name.organization { "organization." } else { "" };
        if let Some(near) = nearest(&name.name, names) {
            return Some(format!("{scope}{}", field_word(near)));
        }
        // Perhaps it is a field of the organizations.
        if name.organization || self.entity == Entity::Organization {
            return None;
        }
        let theirs = built_in(Entity::Organization).iter().filter(|(built_in, ..)| built_in.is_entitlement());
        let elsewhere = self.organizations.iter().map(|known| known.body.name.as_str());
        let elsewhere = elsewhere.chain(theirs.map(|(_, name, _)| *name));
        nearest(&name.name, elsewhere).map(|near| format!("organization.{}", field_word(near)))
    }
}
