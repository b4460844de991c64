//! One change of one field of an issue, and the history entry it makes.

use jiff::civil::Date;
use serde_json::Value;

use super::{
    issue::{ChangeItem, Issue},
    model::AccountId,
    store::Store,
};
use crate::adf;

/// A field with its new value. References must be valid: the callers check them against the store.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names are Jira's field names; values are as in `Issue`")]
pub enum FieldValue {
    Summary(String),
    Description(Option<Value>),
    Environment(Option<Value>),
    Assignee(Option<AccountId>),
    Reporter(Option<AccountId>),
    Priority(Option<String>),
    IssueType(String),
    Labels(Vec<String>),
    Components(Vec<String>),
    Due(Option<Date>),
    Parent(Option<u64>),
    Resolution(Option<String>),
    RequestType(Option<String>),
    Participants(Vec<AccountId>),
    Organizations(Vec<String>),
    Custom(String, Value),
}

struct Written {
    id: Option<String>,
    text: Option<String>,
}

impl FieldValue {
    fn field(&self) -> (&str, &str) {
        match self {
            Self::Summary(_) => ("summary", "summary"),
            Self::Description(_) => ("description", "description"),
            Self::Environment(_) => ("environment", "environment"),
            Self::Assignee(_) => ("assignee", "assignee"),
            Self::Reporter(_) => ("reporter", "reporter"),
            Self::Priority(_) => ("priority", "priority"),
            Self::IssueType(_) => ("issuetype", "issuetype"),
            Self::Labels(_) => ("labels", "labels"),
            Self::Components(_) => ("Component", "components"),
            Self::Due(_) => ("duedate", "duedate"),
            Self::Parent(_) => ("IssueParentAssociation", "parent"),
            Self::Resolution(_) => ("resolution", "resolution"),
            Self::RequestType(_) => ("Request Type", super::model::FIELD_REQUEST_TYPE),
            Self::Participants(_) => ("Request participants", super::model::FIELD_PARTICIPANTS),
            Self::Organizations(_) => ("Organizations", super::model::FIELD_ORGANIZATIONS),
            Self::Custom(id, _) => (id, id),
        }
    }

    fn written(&self, store: &Store) -> Written {
        let both = |id: &Option<String>, text: Option<String>| Written { id: id.clone(), text };
        let plain = |text: Option<String>| Written { id: None, text };
        match self {
            Self::Summary(text) => plain(Some(text.clone())),
            Self::Description(doc) | Self::Environment(doc) => plain(doc.as_ref().map(adf::plain_text)),
            Self::Assignee(id) | Self::Reporter(id) => both(id, id.as_ref().map(|id| store.display_name(id))),
            Self::Priority(id) => both(id, id.as_ref().and_then(|id| store.priorities.get(id)).map(|p| p.name.clone())),
            Self::IssueType(id) => both(&Some(id.clone()), store.issue_types.get(id).map(|t| t.name.clone())),
            Self::Resolution(id) => {
                both(id, id.as_ref().and_then(|id| store.resolutions.get(id)).map(|r| r.name.clone()))
            }
            Self::RequestType(id) => {
                both(id, id.as_ref().and_then(|id| store.request_types.get(id)).map(|r| r.name.clone()))
            }
            Self::Labels(words) | Self::Components(words) => plain(Some(words.join(" "))),
            Self::Due(date) => {
                let text = date.map(|d| d.to_string());
                both(&text, text.clone())
            }
            Self::Parent(id) => {
                both(&id.map(|id| id.to_string()), id.and_then(|id| store.issues.get(&id)).map(|i| i.key.clone()))
            }
            Self::Participants(ids) => Written {
                id: Some(ids.join(", ")),
                text: Some(ids.iter().map(|id| store.display_name(id)).collect::<Vec<_>>().join(", ")),
            },
            Self::Organizations(ids) => Written {
                id: Some(ids.join(", ")),
                text: Some(
                    ids.iter()
                        .filter_map(|id| store.organizations.get(id))
                        .map(|o| o.name.clone())
                        .collect::<Vec<_>>()
                        .join(", "),
                ),
            },
            Self::Custom(_, value) => plain(match value {
                Value::Null => None,
                Value::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            }),
        }
    }

    fn current(&self, issue: &Issue) -> Self {
        match self {
            Self::Summary(_) => Self::Summary(issue.summary.clone()),
            Self::Description(_) => Self::Description(issue.description.clone()),
            Self::Environment(_) => Self::Environment(issue.environment.clone()),
            Self::Assignee(_) => Self::Assignee(issue.assignee.clone()),
            Self::Reporter(_) => Self::Reporter(issue.reporter.clone()),
            Self::Priority(_) => Self::Priority(issue.priority_id.clone()),
            Self::IssueType(_) => Self::IssueType(issue.issue_type_id.clone()),
            Self::Labels(_) => Self::Labels(issue.labels.clone()),
            Self::Components(_) => Self::Components(issue.components.clone()),
            Self::Due(_) => Self::Due(issue.due),
            Self::Parent(_) => Self::Parent(issue.parent),
            Self::Resolution(_) => Self::Resolution(issue.resolution_id.clone()),
            Self::RequestType(_) => Self::RequestType(issue.request_type_id.clone()),
            Self::Participants(_) => Self::Participants(issue.participants.clone()),
            Self::Organizations(_) => Self::Organizations(issue.organizations.clone()),
            Self::Custom(id, _) => Self::Custom(id.clone(), issue.custom.get(id).cloned().unwrap_or(Value::Null)),
        }
    }

    /// Sets the field; answers what changed, if anything did.
    pub(super) fn apply(self, issue: &mut Issue, store: &Store) -> Option<ChangeItem> {
        let before = self.current(issue);
        if before == self {
            return None;
        }
        let (old, new) = (before.written(store), self.written(store));
        let (field, field_id) = self.field();
        let item = ChangeItem {
            field: field.to_owned(),
            field_id: field_id.to_owned(),
            from: old.id,
            from_string: old.text,
            to: new.id,
            to_string: new.text,
        };
        match self {
            Self::Summary(v) => issue.summary = v,
            Self::Description(v) => issue.description = v,
            Self::Environment(v) => issue.environment = v,
            Self::Assignee(v) => issue.assignee = v,
            Self::Reporter(v) => issue.reporter = v,
            Self::Priority(v) => issue.priority_id = v,
            Self::IssueType(v) => issue.issue_type_id = v,
            Self::Labels(v) => issue.labels = v,
            Self::Components(v) => issue.components = v,
            Self::Due(v) => issue.due = v,
            Self::Parent(v) => issue.parent = v,
            Self::Resolution(v) => issue.resolution_id = v,
            Self::RequestType(v) => issue.request_type_id = v,
            Self::Participants(v) => issue.participants = v,
            Self::Organizations(v) => issue.organizations = v,
            Self::Custom(id, Value::Null) => {
                issue.custom.remove(&id);
            }
            Self::Custom(id, value) => {
                issue.custom.insert(id, value);
            }
        }
        Some(item)
    }
}
