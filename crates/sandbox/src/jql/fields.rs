//! The fields that JQL knows, what values an issue has in each, and what words name them.

use jiff::Timestamp;
use serde_json::Value;

use crate::state::{
    IndexEntry, Issue, PropertyIndex, Store,
    model::{FIELD_ORGANIZATIONS, FIELD_PARTICIPANTS, FIELD_REQUEST_TYPE, FieldKind},
};

/// A field of JQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field {
    Project,
    ProjectType,
    IssueType,
    Status,
    StatusCategory,
    Resolution,
    Priority,
    Reporter,
    Assignee,
    Creator,
    Labels,
    Component,
    Key,
    Parent,
    RequestType,
    Participants,
    Organizations,
    Summary,
    Description,
    Comment,
    Text,
    Created,
    Updated,
    Resolved,
    Due,
    Custom(String, FieldKind),
    Property(PropertyIndex),
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// By identity of listed values.
    Values,
    /// By identity, and in order (priority).
    Ordered,
    /// People.
    Users,
    /// Instants.
    Instants,
    /// Words.
    Words,
    /// Numbers.
    Numbers,
}

impl Field {
    /// The field of a name in any case; custom fields by name or as `cf[10010]`.
    pub(super) fn find(name: &str, store: &Store) -> Option<Self> {
        let lower = name.to_lowercase();
        Some(match lower.as_str() {
            "project" => Self::Project,
            "projecttype" => Self::ProjectType,
            "issuetype" | "type" => Self::IssueType,
            "status" => Self::Status,
            "statuscategory" => Self::StatusCategory,
            "resolution" => Self::Resolution,
            "priority" => Self::Priority,
            "reporter" => Self::Reporter,
            "assignee" => Self::Assignee,
            "creator" => Self::Creator,
            "labels" => Self::Labels,
            "component" => Self::Component,
            "key" | "id" | "issue" | "issuekey" => Self::Key,
            "parent" => Self::Parent,
            "summary" => Self::Summary,
            "description" => Self::Description,
            "comment" => Self::Comment,
            "text" => Self::Text,
            "created" | "createddate" => Self::Created,
            "updated" | "updateddate" => Self::Updated,
            "resolved" | "resolutiondate" => Self::Resolved,
            "due" | "duedate" => Self::Due,
            "request-channel-type" => return None,
            _ => return Self::other(name, &lower, store),
        })
    }

    fn other(name: &str, lower: &str, store: &Store) -> Option<Self> {
        let number = lower.strip_prefix("cf[").and_then(|r| r.strip_suffix(']'));
        let custom = store.custom_fields.values().find(|f| match number {
            Some(number) => f.id == format!("customfield_{number}"),
            None => f.name.to_lowercase() == lower || f.id == lower,
        });
        if let Some(field) = custom {
            return Some(match field.id.as_str() {
                FIELD_PARTICIPANTS => Self::Participants,
                FIELD_ORGANIZATIONS => Self::Organizations,
                FIELD_REQUEST_TYPE => Self::RequestType,
                _ => Self::Custom(field.id.clone(), field.kind),
            });
        }
        let property = store.property_indexes.iter().find(|index| {
            index.alias.as_ref().is_some_and(|a| a.to_lowercase() == lower)
                || name == format!("issue.property[{}].{}", index.property_key, index.path)
        });
        property.cloned().map(Self::Property)
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Priority => Kind::Ordered,
            Self::Reporter | Self::Assignee | Self::Creator | Self::Participants => Kind::Users,
            Self::Summary | Self::Description | Self::Comment | Self::Text => Kind::Words,
            Self::Created | Self::Updated | Self::Resolved | Self::Due => Kind::Instants,
            Self::Custom(_, kind) => match kind {
                FieldKind::Text | FieldKind::Paragraph => Kind::Words,
                FieldKind::Number => Kind::Numbers,
                FieldKind::Date => Kind::Instants,
                FieldKind::Users => Kind::Users,
                _ => Kind::Values,
            },
            Self::Property(index) => match index.kind.as_str() {
                "number" => Kind::Numbers,
                "text" => Kind::Words,
                "date" => Kind::Instants,
                "user" => Kind::Users,
                _ => Kind::Values,
            },
            _ => Kind::Values,
        }
    }

    /// The identities of an issue's values; empty when the field is.
    pub(super) fn values(&self, issue: &Issue, store: &Store) -> Vec<String> {
        let one = |value: Option<&String>| value.cloned().into_iter().collect();
        match self {
            Self::Project => vec![issue.project_id.clone()],
            Self::ProjectType => {
                store.projects.get(&issue.project_id).map(|p| p.kind.key().to_owned()).into_iter().collect()
            }
            Self::IssueType => vec![issue.issue_type_id.clone()],
            Self::Status => vec![issue.status_id.clone()],
            Self::StatusCategory => {
                store.statuses.get(&issue.status_id).map(|s| s.category.id().to_string()).into_iter().collect()
            }
            Self::Resolution => one(issue.resolution_id.as_ref()),
            Self::Priority => one(issue.priority_id.as_ref()),
            Self::Reporter => one(issue.reporter.as_ref()),
            Self::Assignee => one(issue.assignee.as_ref()),
            Self::Creator => vec![issue.creator.clone()],
            Self::Labels => issue.labels.clone(),
            Self::Component => issue.components.iter().map(|c| c.to_lowercase()).collect(),
            Self::Key => vec![issue.id.to_string()],
            Self::Parent => issue.parent.map(|p| p.to_string()).into_iter().collect(),
            Self::RequestType => one(issue.request_type_id.as_ref()),
            Self::Participants => issue.participants.clone(),
            Self::Organizations => issue.organizations.clone(),
            Self::Custom(id, _) => json_values(issue.custom.get(id)),
            Self::Property(index) => {
                let whole = issue.properties.get(&index.property_key);
                let found =
                    whole.and_then(|value| index.path.split('.').try_fold(value, |value, step| value.get(step)));
                json_values(found)
            }
            _ => Vec::new(),
        }
    }

    /// The instant of an issue's value.
    pub(super) fn instant(&self, issue: &Issue, store: &Store) -> Option<Timestamp> {
        match self {
            Self::Created => Some(issue.created_at),
            Self::Updated => Some(issue.updated_at),
            Self::Resolved => issue.resolved_at,
            Self::Due => issue.due.and_then(|d| d.to_zoned(jiff::tz::TimeZone::UTC).ok()).map(|z| z.timestamp()),
            _ => self.values(issue, store).first().and_then(|text| {
                text.parse::<Timestamp>().ok().or_else(|| {
                    let day = text.parse::<jiff::civil::Date>().ok()?;
                    day.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|z| z.timestamp())
                })
            }),
        }
    }

    /// The lower-case texts in which `~` looks.
    pub(super) fn texts<'a>(
        &self,
        entry: &'a IndexEntry,
        store: &Store,
        internal: bool,
    ) -> Vec<std::borrow::Cow<'a, str>> {
        let text = entry.text();
        let comments = text.comments.iter().filter(|(public, _)| *public || internal);
        match self {
            Self::Summary => vec![text.summary.as_str().into()],
            Self::Description => vec![text.description.as_str().into()],
            Self::Comment => comments.map(|(_, c)| c.as_str().into()).collect(),
            Self::Text => [text.summary.as_str().into(), text.description.as_str().into()]
                .into_iter()
                .chain(comments.map(|(_, c)| c.as_str().into()))
                .collect(),
            _ => self.values(&entry.issue, store).into_iter().map(|v| v.to_lowercase().into()).collect(),
        }
    }
}

/// The identities in a JSON value: strings, numbers, options, people, and lists of them.
fn json_values(value: Option<&Value>) -> Vec<String> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items.iter().flat_map(|v| json_values(Some(v))).collect(),
        Some(Value::Object(object)) => match ["value", "accountId", "id"].iter().find_map(|k| object.get(*k)) {
            Some(inner) => json_values(Some(inner)),
            None if object.get("type").and_then(Value::as_str) == Some("doc") => {
                vec![crate::adf::plain_text(&Value::Object(object.clone()))]
            }
            None => Vec::new(),
        },
        Some(other) => vec![other.to_string()],
    }
}
