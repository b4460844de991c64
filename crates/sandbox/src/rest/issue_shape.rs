//! How the platform writes an issue: which fields are asked, and each field's form.

use serde_json::{Map, Value, json};

use super::shape::Shape;
use crate::state::{
    Attachment, Comment, History, Issue, Link, Visibility,
    model::{FIELD_ORGANIZATIONS, FIELD_PARTICIPANTS, FIELD_REQUEST_TYPE, ROLE_ADMINISTRATORS},
};

/// System fields in the order in which Jira lists them, with the name shown and the type of value.
pub(crate) const SYSTEM_FIELDS: &[(&str, &str, &str)] = &[
    ("summary", "Summary", "string"),
    ("description", "Description", "string"),
    ("environment", "Environment", "string"),
    ("issuetype", "Issue Type", "issuetype"),
    ("project", "Project", "project"),
    ("status", "Status", "status"),
    ("statuscategorychangedate", "Status Category Changed", "datetime"),
    ("statusCategory", "Status Category", "statusCategory"),
    ("priority", "Priority", "priority"),
    ("resolution", "Resolution", "resolution"),
    ("resolutiondate", "Resolved", "datetime"),
    ("assignee", "Assignee", "user"),
    ("reporter", "Reporter", "user"),
    ("creator", "Creator", "user"),
    ("created", "Created", "datetime"),
    ("updated", "Updated", "datetime"),
    ("duedate", "Due date", "date"),
    ("labels", "Labels", "array"),
    ("components", "Components", "array"),
    ("issuelinks", "Linked Issues", "array"),
    ("subtasks", "Sub-tasks", "array"),
    ("parent", "Parent", "issuelink"),
    ("attachment", "Attachment", "array"),
    ("comment", "Comment", "comments-page"),
    ("worklog", "Log Work", "array"),
];

/// Fields that `*navigable` leaves out.
const NOT_NAVIGABLE: &[&str] = &["comment", "worklog", "attachment"];

/// Which fields a caller asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selection {
    all: bool,
    navigable: bool,
    with: Vec<String>,
    without: Vec<String>,
}

impl Selection {
    /// Everything.
    pub(crate) fn all() -> Self {
        Self { all: true, navigable: false, with: Vec::new(), without: Vec::new() }
    }

    /// From `fields` as given; none given: `default`.
    pub(crate) fn parse(given: &[String], default: Self) -> Self {
        if given.is_empty() {
            return default;
        }
        let mut selection = Self { all: false, navigable: false, with: Vec::new(), without: Vec::new() };
        for name in given {
            match name.as_str() {
                "*all" => selection.all = true,
                "*navigable" => selection.navigable = true,
                other => match other.strip_prefix('-') {
                    Some(out) => selection.without.push(out.to_owned()),
                    None => selection.with.push(other.to_owned()),
                },
            }
        }
        // Only exclusions: everything else.
        if selection.with.is_empty() && !selection.navigable && !selection.without.is_empty() {
            selection.all = true;
        }
        selection
    }

    /// Only the id: what search answers by default.
    pub(crate) fn id_only() -> Self {
        Self { all: false, navigable: false, with: vec!["id".to_owned()], without: Vec::new() }
    }

    /// Whether nothing but id and key is asked.
    pub(crate) fn light(&self) -> bool {
        !self.all && !self.navigable && self.with.iter().all(|f| f == "id" || f == "key")
    }

    /// Whether nothing but the id is asked.
    pub(crate) fn is_id_only(&self) -> bool {
        self.light() && !self.with.iter().any(|f| f == "key")
    }

    fn has(&self, field: &str) -> bool {
        if self.without.iter().any(|f| f == field) {
            return false;
        }
        self.all || (self.navigable && !NOT_NAVIGABLE.contains(&field)) || self.with.iter().any(|f| f == field)
    }
}

/// What is asked of an issue beyond its fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extras {
    pub(crate) changelog: bool,
    pub(crate) names: bool,
    pub(crate) schema: bool,
    pub(crate) transitions: bool,
    pub(crate) properties: Vec<String>,
}

impl Shape<'_> {
    /// The issue.
    pub(crate) fn issue(&self, issue: &Issue, selection: &Selection, extras: &Extras) -> Value {
        let mut value = json!({
            "expand": "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations",
            "id": issue.id.to_string(),
            "self": self.url(&format!("issue/{}", issue.id)),
            "key": issue.key,
        });
        let Some(object) = value.as_object_mut() else { return value };
        if !selection.light() {
            object.insert("fields".to_owned(), Value::Object(self.fields(issue, selection)));
        }
        if extras.changelog {
            let histories: Vec<Value> = issue.changelog.iter().rev().map(|h| self.history(h)).collect();
            object.insert(
                "changelog".to_owned(),
                json!({
                    "startAt": 0,
                    "maxResults": histories.len(),
                    "total": histories.len(),
                    "histories": histories,
                }),
            );
        }
        if extras.names {
            object.insert("names".to_owned(), self.field_names());
        }
        if extras.schema {
            object.insert("schema".to_owned(), self.field_schema());
        }
        if extras.transitions {
            object.insert("transitions".to_owned(), self.transitions(issue));
        }
        if !extras.properties.is_empty() {
            let all = extras.properties.iter().any(|p| p == "*all");
            let properties: Map<String, Value> = issue
                .properties
                .iter()
                .filter(|(key, _)| all || extras.properties.contains(key))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            object.insert("properties".to_owned(), Value::Object(properties));
        }
        value
    }

    fn fields(&self, issue: &Issue, selection: &Selection) -> Map<String, Value> {
        let mut fields = Map::new();
        for (id, _, _) in SYSTEM_FIELDS {
            if selection.has(id)
                && let Some(value) = self.system_field(issue, id)
            {
                fields.insert((*id).to_owned(), value);
            }
        }
        for field in self.store.custom_fields.values() {
            if selection.has(&field.id) {
                let value = self.custom_field(issue, &field.id);
                fields.insert(field.id.clone(), value);
            }
        }
        fields
    }

    fn system_field(&self, issue: &Issue, id: &str) -> Option<Value> {
        let store = self.store;
        Some(match id {
            "summary" => json!(issue.summary),
            "description" => json!(issue.description),
            "environment" => json!(issue.environment),
            "issuetype" => self.issue_type(store.issue_types.get(&issue.issue_type_id)?),
            "project" => self.project_brief(store.projects.get(&issue.project_id)?),
            "status" => self.status(store.statuses.get(&issue.status_id)?),
            "statusCategory" => self.status_category(store.statuses.get(&issue.status_id)?.category),
            "statuscategorychangedate" => json!(self.instant(issue.status_changed_at)),
            "priority" => issue
                .priority_id
                .as_ref()
                .and_then(|id| store.priorities.get(id))
                .map_or(Value::Null, |p| self.priority(p)),
            "resolution" => issue
                .resolution_id
                .as_ref()
                .and_then(|id| store.resolutions.get(id))
                .map_or(Value::Null, |r| self.resolution(r)),
            "resolutiondate" => json!(issue.resolved_at.map(|at| self.instant(at))),
            "assignee" => self.user_or_null(issue.assignee.as_deref()),
            "reporter" => self.user_or_null(issue.reporter.as_deref()),
            "creator" => self.user(&issue.creator),
            "created" => json!(self.instant(issue.created_at)),
            "updated" => json!(self.instant(issue.updated_at)),
            "duedate" => json!(issue.due.map(|d| d.to_string())),
            "labels" => json!(issue.labels),
            "components" => issue.components.iter().map(|name| json!({"name": name})).collect::<Value>(),
            "issuelinks" => store.links_of(issue.id).filter_map(|link| self.link_from(issue, link)).collect::<Value>(),
            "subtasks" => store
                .children_of(issue.id)
                .filter(|child| self.is_subtask(child) && self.access.browse(child))
                .map(|child| self.linked(child))
                .collect::<Value>(),
            "parent" => {
                let parent = store.issues.get(&issue.parent?)?;
                if !self.access.browse(parent) {
                    return None;
                }
                self.linked(parent)
            }
            "attachment" => issue.attachments.iter().map(|file| self.attachment(file)).collect::<Value>(),
            "comment" => {
                let comments: Vec<Value> = issue
                    .comments
                    .iter()
                    .filter(|c| self.access.see_comment(issue, c))
                    .map(|c| self.comment(issue, c, false))
                    .collect();
                json!({
                    "self": self.url(&format!("issue/{}/comment", issue.id)),
                    "maxResults": comments.len(),
                    "total": comments.len(),
                    "startAt": 0,
                    "comments": comments,
                })
            }
            "worklog" => self.worklogs(issue),
            _ => return None,
        })
    }

    fn is_subtask(&self, issue: &Issue) -> bool {
        self.store.issue_types.get(&issue.issue_type_id).is_some_and(|t| t.hierarchy_level < 0)
    }

    fn custom_field(&self, issue: &Issue, id: &str) -> Value {
        match id {
            FIELD_PARTICIPANTS => issue.participants.iter().map(|p| self.user(p)).collect(),
            FIELD_ORGANIZATIONS => issue
                .organizations
                .iter()
                .filter_map(|id| self.store.organizations.get(id))
                .map(|o| {
                    json!({
                        "id": o.id,
                        "name": o.name,
                        "uuid": o.uuid,
                        "_links": {"self": format!(
                            "{}/rest/servicedeskapi/organization/{}", self.state.site_url(), o.id
                        )},
                    })
                })
                .collect(),
            FIELD_REQUEST_TYPE => self.request_type_field(issue),
            _ => issue.custom.get(id).cloned().unwrap_or(Value::Null),
        }
    }

    fn request_type_field(&self, issue: &Issue) -> Value {
        let Some(kind) = issue.request_type_id.as_ref().and_then(|id| self.store.request_types.get(id)) else {
            return Value::Null;
        };
        let site = self.state.site_url();
        let mut value = json!({
            "_links": {
                "jiraRest": self.url(&format!("issue/{}", issue.id)),
                "web": format!("{site}/servicedesk/customer/portal/{}/{}", kind.service_desk_id, issue.key),
                "agent": format!("{site}/browse/{}", issue.key),
                "self": format!("{site}/rest/servicedeskapi/request/{}", issue.id),
            },
            "requestType": {
                "_expands": ["field"],
                "id": kind.id,
                "name": kind.name,
                "description": kind.description,
                "helpText": kind.help_text,
                "issueTypeId": kind.issue_type_id,
                "serviceDeskId": kind.service_desk_id,
                "portalId": kind.service_desk_id,
                "groupIds": [],
            },
        });
        if let (Some(status), Some(object)) = (self.store.statuses.get(&issue.status_id), value.as_object_mut()) {
            object.insert(
                "currentStatus".to_owned(),
                json!({
                    "status": status.name,
                    "statusCategory": status.category.key().to_uppercase(),
                    "statusDate": {
                        "iso8601": self.instant(issue.status_changed_at),
                        "jira": self.instant(issue.status_changed_at),
                        "epochMillis": issue.status_changed_at.as_millisecond(),
                    },
                }),
            );
        }
        value
    }

    /// An attachment.
    pub(crate) fn attachment(&self, file: &Attachment) -> Value {
        json!({
            "self": self.url(&format!("attachment/{}", file.id)),
            "id": file.id.to_string(),
            "filename": file.filename,
            "author": self.user(&file.author),
            "created": self.instant(file.created_at),
            "size": file.size,
            "mimeType": file.mime_type,
            "content": self.url(&format!("attachment/content/{}", file.id)),
        })
    }

    /// Another issue as links and parents name it.
    pub(crate) fn linked(&self, issue: &Issue) -> Value {
        let names = ["summary", "status", "priority", "issuetype"];
        let fields: Map<String, Value> = names
            .iter()
            .filter_map(|id| self.system_field(issue, id).map(|v| ((*id).to_owned(), v)))
            .filter(|(_, value)| !value.is_null())
            .collect();
        json!({
            "id": issue.id.to_string(),
            "key": issue.key,
            "self": self.url(&format!("issue/{}", issue.id)),
            "fields": fields,
        })
    }

    fn link_from(&self, issue: &Issue, link: &Link) -> Option<Value> {
        let kind = self.store.link_types.get(&link.type_id)?;
        // Seen from the blocking (outward) issue, the other end is listed as `outwardIssue`.
        let (end, other) =
            if link.outward == issue.id { ("outwardIssue", link.inward) } else { ("inwardIssue", link.outward) };
        let other = self.store.issues.get(&other)?;
        if !self.access.browse(other) {
            return None;
        }
        Some(json!({
            "id": link.id.to_string(),
            "self": self.url(&format!("issueLink/{}", link.id)),
            "type": self.link_type(kind),
            end: self.linked(other),
        }))
    }

    /// One entry of the history.
    pub(crate) fn history(&self, history: &History) -> Value {
        let items: Vec<Value> = history
            .items
            .iter()
            .map(|item| {
                let custom = item.field_id.starts_with("customfield_");
                let mut value = Map::new();
                value.insert("field".to_owned(), json!(item.field));
                value.insert("fieldtype".to_owned(), json!(if custom { "custom" } else { "jira" }));
                value.insert("fieldId".to_owned(), json!(item.field_id));
                let ends = [
                    ("from", &item.from),
                    ("fromString", &item.from_string),
                    ("to", &item.to),
                    ("toString", &item.to_string),
                ];
                for (name, end) in ends {
                    value.insert(name.to_owned(), json!(end));
                }
                Value::Object(value)
            })
            .collect();
        json!({
            "id": history.id.to_string(),
            "author": self.user(&history.author),
            "created": self.instant(history.created_at),
            "items": items,
        })
    }

    /// A comment.
    pub(crate) fn comment(&self, issue: &Issue, comment: &Comment, properties: bool) -> Value {
        let mut value = json!({
            "self": self.url(&format!("issue/{}/comment/{}", issue.id, comment.id)),
            "id": comment.id.to_string(),
            "author": self.user(&comment.author),
            "body": comment.body,
            "updateAuthor": self.user(&comment.update_author),
            "created": self.instant(comment.created_at),
            "updated": self.instant(comment.updated_at),
        });
        let Some(object) = value.as_object_mut() else { return value };
        if self.store.desk_of(&issue.project_id).is_some() {
            object.insert("jsdPublic".to_owned(), json!(comment.public));
        }
        if let Some(visibility) = &comment.visibility {
            object.insert("visibility".to_owned(), self.visibility(visibility));
        }
        if properties {
            let list: Vec<Value> =
                comment.properties.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
            object.insert("properties".to_owned(), json!(list));
        }
        value
    }

    fn visibility(&self, visibility: &Visibility) -> Value {
        match visibility {
            Visibility::Role(name) => {
                let id = self.store.roles.values().find(|r| r.name == *name).map_or(ROLE_ADMINISTRATORS, |r| r.id);
                json!({"type": "role", "value": name, "identifier": id.to_string()})
            }
            Visibility::Group(name) => {
                let id = self.store.groups.get(name).map(|g| g.group_id.clone());
                json!({"type": "group", "value": name, "identifier": id})
            }
        }
    }

    /// The work logged on an issue, in one page.
    pub(crate) fn worklogs(&self, issue: &Issue) -> Value {
        let worklogs: Vec<Value> = issue
            .worklogs
            .iter()
            .map(|w| {
                json!({
                    "self": self.url(&format!("issue/{}/worklog/{}", issue.id, w.id)),
                    "id": w.id.to_string(),
                    "issueId": issue.id.to_string(),
                    "author": self.user(&w.author),
                    "updateAuthor": self.user(&w.author),
                    "comment": w.comment,
                    "started": self.instant(w.started_at),
                    "created": self.instant(w.started_at),
                    "updated": self.instant(w.started_at),
                    "timeSpent": format!("{}m", w.spent_s / 60),
                    "timeSpentSeconds": w.spent_s,
                })
            })
            .collect();
        json!({
            "startAt": 0,
            "maxResults": worklogs.len(),
            "total": worklogs.len(),
            "worklogs": worklogs,
        })
    }

    /// The transitions that the issue has now.
    pub(crate) fn transitions(&self, issue: &Issue) -> Value {
        self.store
            .transitions_of(issue)
            .into_iter()
            .filter_map(|t| {
                let to = self.store.statuses.get(&t.to)?;
                Some(json!({
                    "id": t.id,
                    "name": t.name,
                    "to": self.status(to),
                    "hasScreen": false,
                    "isGlobal": t.from.is_empty(),
                    "isInitial": false,
                    "isAvailable": true,
                    "isConditional": false,
                    "looped": false,
                }))
            })
            .collect()
    }

    /// Field ids to names.
    pub(crate) fn field_names(&self) -> Value {
        let system = SYSTEM_FIELDS.iter().map(|(id, name, _)| ((*id).to_owned(), json!(name)));
        let custom = self.store.custom_fields.values().map(|f| (f.id.clone(), json!(f.name)));
        Value::Object(system.chain(custom).collect())
    }

    /// Field ids to types.
    pub(crate) fn field_schema(&self) -> Value {
        let system = SYSTEM_FIELDS.iter().map(|(id, _, kind)| ((*id).to_owned(), json!({"type": kind, "system": id})));
        let custom = self.store.custom_fields.values().map(|f| {
            let schema = super::site::custom_schema(f);
            (f.id.clone(), schema)
        });
        Value::Object(system.chain(custom).collect())
    }
}
