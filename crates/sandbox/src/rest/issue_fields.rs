//! Fields of an issue as callers write them, checked as Jira checks them.

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::{Shape, error::ApiError};
use crate::{
    adf,
    state::{
        FieldValue,
        model::{FIELD_ORGANIZATIONS, FIELD_PARTICIPANTS, FIELD_REQUEST_TYPE, FieldKind, Project},
    },
    wiki,
};

/// Longest summary, in characters.
const MAX_SUMMARY: usize = 255;
/// Longest label, in characters.
const MAX_LABEL: usize = 255;

/// Jira's words for what is no document.
pub(super) const NOT_ADF: &str = "Operation value must be an Atlassian Document (see the Atlassian Document Format)";

type Faults = Vec<(String, String)>;

/// An ADF body within Jira's length.
pub(super) fn document(value: &Value) -> Result<Value, String> {
    adf::check(value).map_err(|_| NOT_ADF.to_owned())?;
    within_length(&adf::plain_text(value))?;
    Ok(value.clone())
}

/// Wiki text within Jira's length, as a document: a longer one is not even read.
pub(super) fn wiki_text(text: &str) -> Result<Value, String> {
    within_length(text)?;
    Ok(wiki::to_adf(text))
}

fn within_length(text: &str) -> Result<(), String> {
    if text.chars().count() > adf::MAX_TEXT {
        return Err(format!(
            "The entered text is too long. It exceeds the allowed limit of {} characters.",
            adf::MAX_TEXT
        ));
    }
    Ok(())
}

/// The fields of a create or an edit. `project` and `issuetype` of a create are not among them.
pub(super) fn read(
    fields: &Map<String, Value>,
    shape: &Shape<'_>,
    project: &Project,
    creating: bool,
) -> Result<Vec<FieldValue>, ApiError> {
    let mut out = Vec::new();
    let mut faults: Faults = Vec::new();
    for (name, value) in fields {
        if creating && matches!(name.as_str(), "project" | "issuetype" | "summary") {
            continue;
        }
        match one(name, value, shape, project) {
            Ok(field) => out.push(field),
            Err(fault) => faults.push((name.clone(), fault)),
        }
    }
    if faults.is_empty() { Ok(out) } else { Err(ApiError::fields(faults)) }
}

/// A summary.
pub(super) fn summary(value: Option<&Value>) -> Result<String, String> {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    if text.trim().is_empty() {
        return Err("You must specify a summary of the issue.".to_owned());
    }
    if text.chars().count() > MAX_SUMMARY {
        return Err(format!("Summary must be less than {MAX_SUMMARY} characters."));
    }
    if text.contains(['\n', '\r']) {
        return Err("The summary is invalid because it contains newline characters.".to_owned());
    }
    Ok(text.to_owned())
}

fn one(name: &str, value: &Value, shape: &Shape<'_>, project: &Project) -> Result<FieldValue, String> {
    let store = shape.store;
    Ok(match name {
        "summary" => FieldValue::Summary(summary(Some(value))?),
        "description" => FieldValue::Description(optional_document(value)?),
        "environment" => FieldValue::Environment(optional_document(value)?),
        "assignee" => {
            let id = user(value, shape)?;
            if let Some(id) = &id {
                let person = crate::auth::Caller::person(id);
                if !crate::access::Access::new(store, &person).worker(project) {
                    return Err(format!("User '{}' cannot be assigned issues.", store.display_name(id)));
                }
            }
            FieldValue::Assignee(id)
        }
        "reporter" => FieldValue::Reporter(user(value, shape)?),
        "priority" => FieldValue::Priority(named(value, "Priority id or name is not valid", |id, name| {
            store.priorities.values().find(|p| p.id == id || p.name.eq_ignore_ascii_case(name)).map(|p| p.id.clone())
        })?),
        "resolution" => FieldValue::Resolution(named(value, "Resolution id or name is not valid", |id, name| {
            store.resolutions.values().find(|r| r.id == id || r.name.eq_ignore_ascii_case(name)).map(|r| r.id.clone())
        })?),
        "issuetype" => FieldValue::IssueType(issue_type(value, shape, project)?),
        "labels" => FieldValue::Labels(labels(value)?),
        "components" => FieldValue::Components(
            value
                .as_array()
                .ok_or("data was not an array")?
                .iter()
                .filter_map(|c| c.get("name").and_then(Value::as_str).map(str::to_owned))
                .collect(),
        ),
        "duedate" => FieldValue::Due(match value {
            Value::Null => None,
            Value::String(text) => {
                Some(text.parse::<Date>().map_err(|_| format!("Error parsing date string: {text}"))?)
            }
            _ => return Err("data was not a string".to_owned()),
        }),
        "parent" => FieldValue::Parent(parent(value, shape, project)?),
        FIELD_PARTICIPANTS => FieldValue::Participants(
            value
                .as_array()
                .ok_or("data was not an array")?
                .iter()
                .map(|v| user(v, shape)?.ok_or_else(|| "User is missing".to_owned()))
                .collect::<Result<_, _>>()?,
        ),
        FIELD_ORGANIZATIONS => FieldValue::Organizations(organizations(value, shape)?),
        FIELD_REQUEST_TYPE => match value {
            Value::Null => FieldValue::RequestType(None),
            value => {
                let id = value.as_str().or_else(|| value.get("id").and_then(Value::as_str)).unwrap_or_default();
                let known = store.request_types.get(id).filter(|t| {
                    store.service_desks.get(&t.service_desk_id).is_some_and(|d| d.project_id == project.id)
                });
                let kind = known.ok_or("The request type is not valid.")?;
                FieldValue::RequestType(Some(kind.id.clone()))
            }
        },
        _ => custom(name, value, shape)?,
    })
}

fn optional_document(value: &Value) -> Result<Option<Value>, String> {
    if value.is_null() { Ok(None) } else { document(value).map(Some) }
}

/// `{"accountId"}` or `{"id"}`, null for nobody.
fn user(value: &Value, shape: &Shape<'_>) -> Result<Option<String>, String> {
    if value.is_null() {
        return Ok(None);
    }
    let id = ["accountId", "id"].iter().find_map(|k| value.get(*k));
    match id {
        Some(Value::Null) => Ok(None),
        Some(Value::String(id)) if shape.store.account(id).is_some_and(|a| a.active) => Ok(Some(id.clone())),
        Some(Value::String(_)) => Err("Specify a valid value for the user.".to_owned()),
        _ => Err("expected Object containing an accountId property".to_owned()),
    }
}

fn named(value: &Value, refusal: &str, find: impl Fn(&str, &str) -> Option<String>) -> Result<Option<String>, String> {
    if value.is_null() {
        return Ok(None);
    }
    let part = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or("\u{0}");
    find(part("id"), part("name")).map(Some).ok_or_else(|| refusal.to_owned())
}

/// An issue type of the project.
pub(super) fn issue_type(value: &Value, shape: &Shape<'_>, project: &Project) -> Result<String, String> {
    named(value, "Specify a valid issue type", |id, name| {
        project
            .issue_type_ids
            .iter()
            .filter_map(|t| shape.store.issue_types.get(t))
            .find(|t| t.id == id || t.name.eq_ignore_ascii_case(name))
            .map(|t| t.id.clone())
    })?
    .ok_or_else(|| "Specify an issue type".to_owned())
}

fn labels(value: &Value) -> Result<Vec<String>, String> {
    let mut labels = Vec::new();
    for label in value.as_array().ok_or("data was not an array")? {
        let label = label.as_str().ok_or("data was not a string")?;
        if label.contains(char::is_whitespace) {
            return Err(format!("The label '{label}' contains spaces which is invalid."));
        }
        if label.is_empty() || label.chars().count() > MAX_LABEL {
            return Err(format!("The label must have 1 to {MAX_LABEL} characters."));
        }
        if !labels.iter().any(|l| l == label) {
            labels.push(label.to_owned());
        }
    }
    Ok(labels)
}

fn parent(value: &Value, shape: &Shape<'_>, project: &Project) -> Result<Option<u64>, String> {
    if value.is_null() {
        return Ok(None);
    }
    let name = ["key", "id"].iter().find_map(|k| value.get(*k)).and_then(Value::as_str);
    let issue = name
        .and_then(|name| shape.store.issue(name))
        .filter(|issue| shape.access.browse(issue))
        .ok_or("Could not find issue by id or key.")?;
    let epic = shape.store.issue_types.get(&issue.issue_type_id).is_some_and(|t| t.hierarchy_level > 0);
    if issue.project_id != project.id && !epic {
        return Err("Given parent issue does not belong to the same project.".to_owned());
    }
    Ok(Some(issue.id))
}

fn organizations(value: &Value, shape: &Shape<'_>) -> Result<Vec<String>, String> {
    let mut ids = Vec::new();
    for item in value.as_array().ok_or("data was not an array")? {
        let id = match item {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.clone(),
            other => match other.get("id") {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Number(number)) => number.to_string(),
                _ => return Err("An organization id is expected.".to_owned()),
            },
        };
        if !shape.store.organizations.contains_key(&id) {
            return Err(format!("Organization with id {id} does not exist."));
        }
        ids.push(id);
    }
    Ok(ids)
}

fn custom(name: &str, value: &Value, shape: &Shape<'_>) -> Result<FieldValue, String> {
    let field = shape
        .store
        .custom_fields
        .get(name)
        .ok_or_else(|| format!("Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."))?;
    let good = value.is_null()
        || match field.kind {
            FieldKind::Text => value.as_str().is_some_and(|t| t.chars().count() <= MAX_SUMMARY),
            FieldKind::Paragraph => {
                document(value)?;
                true
            }
            FieldKind::Number => value.is_number(),
            FieldKind::Date => value.as_str().is_some_and(|t| t.parse::<Date>().is_ok()),
            FieldKind::Select => {
                let chosen = value.get("value").and_then(Value::as_str);
                let known = chosen.is_some_and(|chosen| field.options.iter().any(|option| option == chosen));
                if !known {
                    return Err(format!("Option value '{}' is not valid", chosen.unwrap_or_default()));
                }
                true
            }
            FieldKind::Users | FieldKind::Organizations | FieldKind::RequestType => value.is_array(),
        };
    if good {
        Ok(FieldValue::Custom(name.to_owned(), value.clone()))
    } else {
        Err(format!("Operation value is not valid for the field '{}'.", field.name))
    }
}
