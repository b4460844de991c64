//! Pure decisions: who may what, which values are valid, what a change of a definition may do.

pub mod adding;
pub mod copies;
pub mod entitlements;
pub mod issues;
pub mod phone;

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use kernel::{AccountId, FieldFault, Standing, Token, TokenScope};
use url::Url;

use crate::model::{
    Action, Entity, FieldAudience, FieldBody, FieldOption, FieldType, Holder, Permission, Permissions, Value,
};

/// A panel of more fields than this helps nobody.
pub const FIELDS_PER_ENTITY: usize = 200;
/// Sections of one entity.
pub const SECTIONS_PER_ENTITY: usize = 50;
/// Options of one field, retired ones included.
pub const OPTIONS_PER_FIELD: usize = 500;
/// Characters of a field's, section's or option's name.
pub const NAME_CHARS: usize = 100;
/// Characters of a field's help.
pub const HELP_CHARS: usize = 1_000;
/// Characters of a one-line value; Jira's own limit for such fields.
pub const TEXT_CHARS: usize = 255;
/// Characters of a long value; Jira's own limit for such fields.
pub const LONG_TEXT_CHARS: usize = 32_767;
/// Characters of an address; what browsers agree on.
pub const URL_CHARS: usize = 2_048;
/// Greatest magnitude of a number: beyond it a double no longer holds every integer.
pub const NUMBER_MAX: f64 = 9_007_199_254_740_991.0;
/// Projects that a field is limited to.
pub const PROJECTS_PER_FIELD: usize = 200;
/// Holders of one permission.
pub const HOLDERS_PER_PERMISSION: usize = 50;

fn fault(pointer: &str, code: &'static str, detail: impl Into<String>, limit: Option<usize>) -> FieldFault {
    FieldFault { pointer: pointer.to_owned(), code, detail: detail.into(), limit: limit.map(|limit| limit as u64) }
}

/// What somebody may do. Configuring is never lost to Jira's administrators, so that nobody can lock a site out.
pub fn permissions_of(standing: &Standing, granted: &Permissions) -> BTreeSet<Permission> {
    let holds = |holders: &[Holder]| {
        holders.iter().any(|holder| match holder {
            Holder::Agents => standing.agent,
            Holder::JiraAdmins => standing.admin,
            Holder::Group { id, .. } => standing.groups.contains(id),
            Holder::ProjectRole { id, .. } => standing.roles.contains(id),
        })
    };
    let mut may = BTreeSet::new();
    if standing.admin || holds(&granted.configure) {
        may.extend([Permission::Configure, Permission::Edit, Permission::Browse]);
    }
    if holds(&granted.edit) {
        may.extend([Permission::Edit, Permission::Browse]);
    }
    if holds(&granted.browse) {
        may.insert(Permission::Browse);
    }
    may
}

/// What an API token may do with customers or with organizations; with neither named, what it may do with both.
pub fn permissions_of_token(token: &Token, about: Option<Entity>) -> BTreeSet<Permission> {
    let scopes = |entity| match entity {
        Entity::Customer => (TokenScope::CustomersRead, TokenScope::CustomersWrite),
        Entity::Organization => (TokenScope::OrganizationsRead, TokenScope::OrganizationsWrite),
    };
    let about = match about {
        Some(entity) => vec![entity],
        None => vec![Entity::Customer, Entity::Organization],
    };
    let mut may = BTreeSet::new();
    if about.iter().all(|entity| token.may(scopes(*entity).0)) {
        may.insert(Permission::Browse);
    }
    if about.iter().all(|entity| token.may(scopes(*entity).1)) {
        may.insert(Permission::Edit);
    }
    if token.may(TokenScope::FieldsWrite) {
        may.insert(Permission::Configure);
    }
    may
}

/// Holders fit for a permission.
pub fn check_holders(pointer: &str, holders: &[Holder]) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    if holders.len() > HOLDERS_PER_PERMISSION {
        faults.push(fault(
            pointer,
            "too_many",
            format!("A permission has at most {HOLDERS_PER_PERMISSION} holders."),
            Some(HOLDERS_PER_PERMISSION),
        ));
    }
    for (place, holder) in holders.iter().enumerate() {
        let (Holder::Group { id, name } | Holder::ProjectRole { id, name }) = holder else { continue };
        let legal = !id.is_empty() && id.len() <= 64 && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !legal {
            faults.push(fault(
                &format!("{pointer}/{place}/id"),
                "format",
                "Name a group or role by its id, as /settings/holders lists it.",
                None,
            ));
        }
        if name.chars().count() > TEXT_CHARS {
            faults.push(fault(
                &format!("{pointer}/{place}/name"),
                "too_long",
                format!("A name has at most {TEXT_CHARS} characters."),
                Some(TEXT_CHARS),
            ));
        }
    }
    faults
}

/// What a customer may do with their own value of a field, and with that of an organization which they belong to.
pub fn customer_may(audience: FieldAudience, entity: Entity, edit: bool) -> bool {
    match audience {
        FieldAudience::Agents => false,
        FieldAudience::CustomerView => !edit,
        // An organization has one value for all its members: none of them writes it over the others'.
        FieldAudience::CustomerEdit => !edit || entity == Entity::Customer,
    }
}

/// Whether fields of an entity can have this audience.
pub fn check_audience(entity: Entity, audience: FieldAudience) -> Result<(), FieldFault> {
    match (entity, audience) {
        (Entity::Organization, FieldAudience::CustomerEdit) => Err(fault(
            "/audience",
            "not_allowed",
            "An organization has one value for all its members, so customers do not change it. Choose `agents` or `customerView`.",
            None,
        )),
        _ => Ok(()),
    }
}

/// Whether a field stands in the panel of an issue of this project.
pub fn applies_to_project(projects: &[String], project: &str) -> bool {
    projects.is_empty() || projects.iter().any(|id| id == project)
}

/// A name in the form that uniqueness is judged by: spaces folded, case folded.
pub fn name_key(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// A name fit for a field, a section or an option.
pub fn check_name(pointer: &str, name: &str) -> Result<String, FieldFault> {
    let name = name.trim();
    if name.is_empty() {
        return Err(fault(pointer, "required", "Give it a name.", None));
    }
    if name.chars().count() > NAME_CHARS {
        return Err(fault(
            pointer,
            "too_long",
            format!("A name has at most {NAME_CHARS} characters."),
            Some(NAME_CHARS),
        ));
    }
    if name.chars().any(char::is_control) {
        return Err(fault(pointer, "format", "A name stands on one line, without control characters.", None));
    }
    Ok(name.to_owned())
}

/// A definition as somebody wants it; checked as a whole, with every mistake named.
pub fn check_body(kind: FieldType, body: &FieldBody) -> Result<FieldBody, Vec<FieldFault>> {
    let mut faults = Vec::new();
    let name = check_name("/name", &body.name).unwrap_or_else(|wrong| {
        faults.push(wrong);
        String::new()
    });
    let help = body.help.as_deref().map(str::trim).filter(|help| !help.is_empty()).map(str::to_owned);
    if help.as_ref().is_some_and(|help| help.chars().count() > HELP_CHARS) {
        faults.push(fault(
            "/help",
            "too_long",
            format!("A help text has at most {HELP_CHARS} characters."),
            Some(HELP_CHARS),
        ));
    }
    if !kind.has_options() && !body.options.is_empty() {
        faults.push(fault("/options", "not_allowed", "Only select fields have options.", None));
    }
    if kind.has_options() && body.options.iter().all(|option| option.retired) {
        faults.push(fault("/options", "required", "Add at least one option that can be chosen.", None));
    }
    if body.options.len() > OPTIONS_PER_FIELD {
        faults.push(fault(
            "/options",
            "too_many",
            format!("A field has at most {OPTIONS_PER_FIELD} options."),
            Some(OPTIONS_PER_FIELD),
        ));
    }
    if body.projects.len() > PROJECTS_PER_FIELD {
        faults.push(fault(
            "/projects",
            "too_many",
            format!("A field is limited to at most {PROJECTS_PER_FIELD} projects."),
            Some(PROJECTS_PER_FIELD),
        ));
    }
    for (place, project) in body.projects.iter().enumerate() {
        if kernel::ProjectId::new(project.as_str()).is_err() {
            faults.push(fault(&format!("/projects/{place}"), "format", "A project is named by its id.", None));
        }
    }
    let country = phone::check_country("/country", body.country.as_deref()).unwrap_or_else(|wrong| {
        faults.push(wrong);
        None
    });
    if country.is_some() && kind != FieldType::Phone {
        faults.push(fault("/country", "not_allowed", "Only fields of telephone numbers have a country.", None));
    }
    let options = check_options(&body.options, &mut faults);
    let checked = FieldBody { name, help, options, country, default: Value::Empty, ..body.clone() };
    let default = match check_value("/default", kind, &checked, false, &body.default, None) {
        Ok(default) => default,
        Err(wrong) => {
            faults.push(wrong);
            Value::Empty
        }
    };
    if faults.is_empty() { Ok(FieldBody { default, ..checked }) } else { Err(faults) }
}

fn check_options(options: &[FieldOption], faults: &mut Vec<FieldFault>) -> Vec<FieldOption> {
    let mut seen = BTreeSet::new();
    let mut checked = Vec::with_capacity(options.len());
    for (place, option) in options.iter().enumerate() {
        let pointer = format!("/options/{place}/label");
        match check_name(&pointer, &option.label) {
            Ok(label) => {
                if !seen.insert(name_key(&label)) {
                    faults.push(fault(&pointer, "not_unique", "Two options of one field cannot share a label.", None));
                }
                checked.push(FieldOption { label, ..option.clone() });
            }
            Err(wrong) => faults.push(wrong),
        }
    }
    checked
}

/// Lays new options over old ones: ids are kept, none is lost, new ones get an id from `fresh_id`.
pub fn merge_options(
    old: &[FieldOption],
    new: Vec<FieldOption>,
    mut fresh_id: impl FnMut() -> String,
) -> Result<Vec<FieldOption>, Vec<FieldFault>> {
    let mut faults = Vec::new();
    let mut used = BTreeSet::new();
    let mut merged = Vec::with_capacity(new.len());
    for (place, mut option) in new.into_iter().enumerate() {
        if option.id.is_empty() {
            option.id = fresh_id();
        } else if !old.iter().any(|known| known.id == option.id) {
            faults.push(fault(
                &format!("/options/{place}/id"),
                "unknown",
                "This field has no option of this id; leave the id out to add one.",
                None,
            ));
        }
        if !used.insert(option.id.clone()) {
            faults.push(fault(&format!("/options/{place}/id"), "not_unique", "An option is listed twice.", None));
        }
        merged.push(option);
    }
    for lost in old.iter().filter(|known| !used.contains(&known.id)) {
        faults.push(fault(
            "/options",
            "missing",
            format!("Option {} is not listed. Options are not deleted: set `retired` on it.", lost.id),
            None,
        ));
    }
    if faults.is_empty() { Ok(merged) } else { Err(faults) }
}

/// Brings a value into its stored form, or says what is wrong with it. `held` is what the field holds now: a retired
/// option that is already there may stay.
pub fn check_value(
    pointer: &str,
    kind: FieldType,
    body: &FieldBody,
    required: bool,
    value: &Value,
    held: Option<&Value>,
) -> Result<Value, FieldFault> {
    let value = match value {
        Value::Text(text) if text.trim().is_empty() => &Value::Empty,
        Value::List(items) if items.is_empty() => &Value::Empty,
        other => other,
    };
    if value.is_empty() {
        if required {
            return Err(fault(pointer, "required", "This field cannot be empty.", None));
        }
        return Ok(Value::Empty);
    }
    let wrong = |detail: &str| Err(fault(pointer, "format", detail, None));
    match (kind, value) {
        (FieldType::Text, Value::Text(text)) => {
            let text = text.trim();
            if text.chars().any(char::is_control) {
                return wrong("A text stands on one line, without control characters.");
            }
            bounded(pointer, text, TEXT_CHARS)
        }
        (FieldType::LongText, Value::Text(text)) => {
            if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
                return wrong("A text has no control characters but line breaks and tabs.");
            }
            bounded(pointer, text.trim_end(), LONG_TEXT_CHARS)
        }
        (FieldType::Number, Value::Number(number)) => {
            if !number.is_finite() || number.abs() > NUMBER_MAX {
                return Err(fault(
                    pointer,
                    "too_large",
                    "A number lies between -9007199254740991 and 9007199254740991.",
                    Some(NUMBER_MAX as usize),
                ));
            }
            Ok(Value::Number(*number))
        }
        (FieldType::Number, _) => wrong("Send a number, such as 12.5."),
        (FieldType::Date, Value::Text(text)) => match text.trim().parse::<Date>() {
            Ok(date) if (1..=9999).contains(&date.year()) => Ok(Value::Text(date.to_string())),
            _ => wrong("A date is written 2026-01-31."),
        },
        (FieldType::DateTime, Value::Text(text)) => match text.trim().parse::<Timestamp>() {
            Ok(at) => Ok(Value::Text(at.to_string())),
            Err(_) => wrong("A date with time is written 2026-01-31T13:45:00Z, or with an offset such as +01:00."),
        },
        (FieldType::Boolean, Value::Bool(truth)) => Ok(Value::Bool(*truth)),
        (FieldType::Boolean, _) => wrong("Send true or false."),
        (FieldType::Select, Value::Text(id)) => {
            let held = matches!(held, Some(Value::Text(now)) if now == id);
            check_option(pointer, body, id, held)?;
            Ok(Value::Text(id.clone()))
        }
        (FieldType::MultiSelect, Value::List(ids)) => check_options_chosen(pointer, body, ids, held),
        (FieldType::MultiSelect, _) => wrong("Send a list of option ids."),
        (FieldType::Url, Value::Text(text)) => check_url(pointer, text.trim()),
        (FieldType::Email, Value::Text(text)) => match text.trim().parse::<email_address::EmailAddress>() {
            Ok(address) => bounded(pointer, address.as_str(), TEXT_CHARS),
            Err(_) => wrong("An e-mail address is written name@example.com."),
        },
        (FieldType::Phone, Value::Text(text)) => check_phone(pointer, text, body.country.as_deref()),
        (FieldType::User, Value::Text(text)) => match AccountId::new(text.trim()) {
            Ok(id) => Ok(Value::Text(id.as_str().to_owned())),
            Err(_) => wrong("Send a person's accountId."),
        },
        _ => wrong("Send a string."),
    }
}

fn bounded(pointer: &str, text: &str, limit: usize) -> Result<Value, FieldFault> {
    if text.chars().count() > limit {
        return Err(fault(pointer, "too_long", format!("This field holds at most {limit} characters."), Some(limit)));
    }
    Ok(Value::Text(text.to_owned()))
}

fn check_option(pointer: &str, body: &FieldBody, id: &str, held: bool) -> Result<(), FieldFault> {
    match body.options.iter().find(|option| option.id == id) {
        Some(option) if option.retired && !held => {
            Err(fault(pointer, "retired", "This option can no longer be chosen.", None))
        }
        Some(_) => Ok(()),
        None => Err(fault(pointer, "unknown", "This field has no option of this id.", None)),
    }
}

fn check_options_chosen(
    pointer: &str,
    body: &FieldBody,
    ids: &[String],
    held: Option<&Value>,
) -> Result<Value, FieldFault> {
    let mut chosen = Vec::new();
    for (place, id) in ids.iter().enumerate() {
        let held = matches!(held, Some(Value::List(now)) if now.contains(id));
        check_option(&format!("{pointer}/{place}"), body, id, held)?;
        if !chosen.contains(id) {
            chosen.push(id.clone());
        }
    }
    // The field's order, so that equal choices are equal values.
    chosen.sort_by_key(|id| body.options.iter().position(|option| option.id == *id));
    Ok(Value::List(chosen))
}

fn check_url(pointer: &str, text: &str) -> Result<Value, FieldFault> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => {
            bounded(pointer, url.as_str(), URL_CHARS)
        }
        _ => Err(fault(pointer, "format", "An address starts with https:// or http://.", None)),
    }
}

fn check_phone(pointer: &str, text: &str, country: Option<&str>) -> Result<Value, FieldFault> {
    match phone::read(text, country) {
        Some(number) => Ok(Value::Text(number)),
        None => {
            let detail = if country.is_some() { phone::WITH_COUNTRY } else { phone::WITHOUT_COUNTRY };
            Err(fault(pointer, "format", detail, None))
        }
    }
}

/// What to call a change in the history.
pub fn action_of(to: &Value, restoring: bool) -> Action {
    match (restoring, to.is_empty()) {
        (true, _) => Action::Restored,
        (false, true) => Action::Cleared,
        (false, false) => Action::Set,
    }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
