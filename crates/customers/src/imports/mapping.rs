//! What each column of a file is: guessed from the headers, chosen by an administrator, checked as a whole.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use kernel::{FieldFault, OrganizationId, ProjectId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroize;

use super::cells::{Dates, Decimal, Reading};
use super::text::{Delimiter, Encoding};
use crate::model::{Entity, FieldId};
use crate::rules::adding::{PLACES_AT_ONCE, check_few};
use crate::rules::name_key;
use crate::rules::phone::check_country;

/// Characters between the options of a multi-select.
const BETWEEN_CHARS: usize = 5;

/// What to do where a cell is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ImportEmptyCells)]
pub(crate) enum EmptyCells {
    /// The value stays what it is.
    #[default]
    Leave,
    /// The value is emptied.
    Clear,
}

/// Where customers are put whom Jira makes because a row names them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ImportMakeCustomers)]
pub(crate) struct MakeCustomers {
    /// Service projects that they may use, by id; at most 10.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub(crate) project_ids: Vec<String>,
    /// Organizations that they belong to, by id; at most 10.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub(crate) organization_ids: Vec<String>,
}

/// How a file is to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ImportSettings)]
pub(crate) struct Settings {
    /// How characters are written; detected if left out.
    #[serde(default)]
    pub(crate) encoding: Option<Encoding>,
    /// What stands between cells; detected if left out.
    #[serde(default)]
    pub(crate) delimiter: Option<Delimiter>,
    /// One for each column of the file, in their order: `accountId`, `email`, `displayName` (of customers who are made),
    /// `organizationId`, `name`, a field's id, or null to leave the column out.
    pub(crate) columns: Vec<Option<String>>,
    /// How days are written.
    #[serde(default)]
    pub(crate) dates: Dates,
    /// How fractions are written.
    #[serde(default)]
    pub(crate) decimal: Decimal,
    /// What stands between several options of one cell; `;` if left out.
    #[serde(default)]
    pub(crate) list_separator: Option<String>,
    /// IANA name of the zone of dates with time that name none; UTC if left out.
    #[serde(default)]
    pub(crate) time_zone: Option<String>,
    /// Country (ISO 3166-1 alpha-2) of telephone numbers that name none; each field's own if left out.
    #[serde(default)]
    #[schema(example = "DE")]
    pub(crate) country: Option<String>,
    /// What an empty cell means.
    #[serde(default)]
    pub(crate) empty_cells: EmptyCells,
    /// Customers whose address nobody has are made in Jira, and put there; left out, their rows are refused. It is not
    /// remembered: it is said each time.
    #[serde(default)]
    pub(crate) make_customers: Option<MakeCustomers>,
}

impl Zeroize for Settings {
    fn zeroize(&mut self) {
        // Ids and words of closed sets: nothing that somebody made up.
        *self = Self::default();
    }
}

/// What a column is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// It is left out.
    Nothing,
    /// The customer's account id, or the organization's id.
    Id,
    /// The customer's address.
    Email,
    /// The organization's name.
    Name,
    /// What a customer is called who is made.
    DisplayName,
    /// A field.
    Field(FieldId),
}

impl Target {
    fn parse(text: Option<&str>, entity: Entity) -> Option<Self> {
        Some(match (text, entity) {
            (None, _) => Self::Nothing,
            (Some("accountId"), Entity::Customer) | (Some("organizationId"), Entity::Organization) => Self::Id,
            (Some("email"), Entity::Customer) => Self::Email,
            (Some("displayName"), Entity::Customer) => Self::DisplayName,
            (Some("name"), Entity::Organization) => Self::Name,
            (Some(id), _) => Self::Field(id.parse().ok()?),
        })
    }
}

/// A field, as far as mapping needs it.
pub(crate) struct Known<'a> {
    pub(crate) id: FieldId,
    pub(crate) name: &'a str,
    pub(crate) retired: bool,
}

/// Where customers are put who are made, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) projects: Vec<ProjectId>,
    pub(crate) organizations: Vec<OrganizationId>,
}

impl MakeCustomers {
    /// The same, each id once; or all that is wrong with them.
    pub(crate) fn places(&self) -> Result<Places, Vec<FieldFault>> {
        let mut faults = Vec::new();
        let projects = ids("/makeCustomers/projectIds", &self.project_ids, &mut faults, |id| ProjectId::new(id).ok());
        let organizations = ids("/makeCustomers/organizationIds", &self.organization_ids, &mut faults, |id| {
            OrganizationId::new(id).ok()
        });
        if faults.is_empty() { Ok(Places { projects, organizations }) } else { Err(faults) }
    }
}

fn ids<T: Ord + Clone>(
    pointer: &str,
    texts: &[String],
    faults: &mut Vec<FieldFault>,
    read: impl Fn(&str) -> Option<T>,
) -> Vec<T> {
    let mut found = Vec::new();
    for (place, text) in texts.iter().enumerate().take(PLACES_AT_ONCE) {
        match read(text) {
            Some(id) => found.push(id),
            None => faults.push(fault(format!("{pointer}/{place}"), "format", "This is no id.")),
        }
    }
    if let Err(wrong) = check_few(pointer, texts.to_vec(), PLACES_AT_ONCE) {
        faults.push(wrong);
    }
    let mut seen = BTreeSet::new();
    found.into_iter().filter(|id| seen.insert(id.clone())).collect()
}

/// How a file is read, checked.
pub(crate) struct Mapping {
    pub(crate) targets: Vec<Target>,
    pub(crate) reading: Reading,
    pub(crate) empty_cells: EmptyCells,
    /// Where customers are put who are made; none: nobody is made.
    pub(crate) make: Option<Places>,
}

impl Mapping {
    /// The cell of the first column that is this.
    pub(crate) fn cell<'c>(&self, cells: &'c [String], wanted: &Target) -> Option<&'c str> {
        let at = self.targets.iter().position(|target| target == wanted)?;
        cells.get(at).map(String::as_str)
    }
}

/// What the headers suggest, as it would be sent back: names of the directory in several forms, fields by name or id, and
/// the headers of our own exports.
pub(crate) fn guess(headers: &[String], entity: Entity, fields: &[Known<'_>]) -> Vec<Option<String>> {
    let identities: &[(&str, &[&str])] = match entity {
        Entity::Customer => &[
            ("accountId", &["account id", "accountid", "account_id", "jira account id", "atlassian account id"]),
            ("email", &["e-mail", "email", "e-mail address", "email address", "emailaddress", "mail"]),
            ("displayName", &["name", "display name", "displayname", "full name", "customer name"]),
        ],
        Entity::Organization => &[
            ("organizationId", &["organization id", "organizationid", "organisation id", "organization_id", "id"]),
            ("name", &["name", "organization", "organisation", "organization name", "company"]),
        ],
    };
    let mut taken = BTreeSet::new();
    headers
        .iter()
        .map(|header| {
            let key = name_key(super::cells::without_prefix(header));
            let field = fields.iter().filter(|field| !field.retired);
            let field = field.into_iter().find(|field| name_key(field.name) == key || field.id.to_string() == key);
            // A field that is called as the directory is still a field; but an account id is one thing only.
            let identity = identities.iter().find(|(_, names)| names.contains(&key.as_str()));
            let found = match (field, identity) {
                // A name is whatever somebody called a field so.
                (Some(field), None | Some(("displayName", _))) => field.id.to_string(),
                (_, Some((name, _))) => (*name).to_owned(),
                (None, None) => return None,
            };
            taken.insert(found.clone()).then_some(found)
        })
        .collect()
}

fn fault(pointer: String, code: &'static str, detail: &str) -> FieldFault {
    FieldFault { pointer, code, detail: detail.to_owned(), limit: None }
}

/// Settings that fit the file and the fields, or all that is wrong with them.
pub(crate) fn check(
    settings: &Settings,
    width: usize,
    entity: Entity,
    fields: &[Known<'_>],
) -> Result<Mapping, Vec<FieldFault>> {
    let mut faults = Vec::new();
    if settings.columns.len() != width {
        let detail = format!("The file has {width} columns; send one entry for each, null to leave it out.");
        faults.push(fault("/columns".to_owned(), "length", &detail));
    }
    let mut targets: Vec<Target> = Vec::with_capacity(settings.columns.len());
    for (place, column) in settings.columns.iter().enumerate() {
        let pointer = format!("/columns/{place}");
        let target = match Target::parse(column.as_deref(), entity) {
            Some(Target::Field(id)) => match fields.iter().find(|field| field.id == id) {
                Some(field) if field.retired => {
                    faults.push(fault(pointer, "retired", "This field is retired. Restore it to import into it."));
                    Target::Nothing
                }
                Some(_) => Target::Field(id),
                None => {
                    faults.push(fault(pointer, "unknown", "There is no such field here."));
                    Target::Nothing
                }
            },
            Some(target) => target,
            None => {
                faults.push(fault(
                    pointer,
                    "unknown",
                    "A column is named as the documentation says, or by a field's id.",
                ));
                Target::Nothing
            }
        };
        if target != Target::Nothing && targets.contains(&target) {
            faults.push(fault(
                format!("/columns/{place}"),
                "not_unique",
                "An earlier column is the same. Leave one out.",
            ));
        }
        targets.push(target);
    }
    if !targets.iter().any(|target| matches!(target, Target::Id | Target::Email | Target::Name)) {
        let detail = match entity {
            Entity::Customer => "Say which column is the account id or the e-mail address.",
            Entity::Organization => "Say which column is the organization's id or name.",
        };
        faults.push(fault("/columns".to_owned(), "required", detail));
    }
    let make = settings.make_customers.as_ref().and_then(|make| {
        if entity != Entity::Customer {
            let detail = "An import of organizations makes nobody. Make them in Jira first.";
            faults.push(fault("/makeCustomers".to_owned(), "not_allowed", detail));
        } else if !targets.contains(&Target::Email) {
            let detail = "Say which column is the e-mail address: whom Jira makes, it knows by that.";
            faults.push(fault("/columns".to_owned(), "required", detail));
        }
        make.places().map_err(|wrong| faults.extend(wrong)).ok()
    });
    // Whoever makes people may do no more than that.
    let writes = targets.iter().any(|target| matches!(target, Target::Field(_)));
    if faults.is_empty() && !writes && make.is_none() {
        faults.push(fault("/columns".to_owned(), "required", "Say for at least one column which field it is."));
    }
    let between = settings.list_separator.clone().unwrap_or_else(|| ";".to_owned());
    if between.trim().is_empty() || between.chars().count() > BETWEEN_CHARS {
        let detail = format!("A separator has 1 to {BETWEEN_CHARS} characters that are no spaces.");
        faults.push(fault("/listSeparator".to_owned(), "format", &detail));
    }
    let country = check_country("/country", settings.country.as_deref()).unwrap_or_else(|wrong| {
        faults.push(wrong);
        None
    });
    let zone = match settings.time_zone.as_deref() {
        None => Some(TimeZone::UTC),
        Some(name) => TimeZone::get(name).ok(),
    };
    match zone {
        Some(zone) if faults.is_empty() => Ok(Mapping {
            targets,
            reading: Reading {
                dates: settings.dates,
                decimal: settings.decimal,
                between: between.trim().to_owned(),
                zone,
                country,
            },
            empty_cells: settings.empty_cells,
            make,
        }),
        Some(_) => Err(faults),
        None => {
            faults.push(fault("/timeZone".to_owned(), "unknown", "Send an IANA name, such as Europe/Berlin."));
            Err(faults)
        }
    }
}
