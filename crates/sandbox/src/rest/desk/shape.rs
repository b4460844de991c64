//! How this API writes people, dates, organizations, requests and comments.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use super::page;
use crate::{
    adf,
    rest::Shape,
    state::{
        Attachment, Comment, Issue,
        model::{Organization, RequestType, ServiceDesk},
    },
    wiki,
};

impl Shape<'_> {
    /// An address of this API.
    pub(super) fn desk_url(&self, path: &str) -> String {
        format!("{}/rest/servicedeskapi/{path}", self.state.site_url())
    }

    /// A date in its four forms.
    pub(super) fn date(&self, at: Timestamp) -> Value {
        let zone = self
            .store
            .account(self.caller.account())
            .and_then(|a| TimeZone::get(&a.time_zone).ok())
            .unwrap_or(TimeZone::UTC);
        let zoned = at.to_zoned(zone.clone());
        let days = (self.state.now().to_zoned(zone).date() - zoned.date()).get_days();
        let friendly = match days {
            0 => zoned.strftime("Today %-I:%M %p"),
            1 => zoned.strftime("Yesterday %-I:%M %p"),
            2..=6 => zoned.strftime("%A %-I:%M %p"),
            _ => zoned.strftime("%d/%b/%y %-I:%M %p"),
        };
        json!({
            "iso8601": zoned.strftime("%Y-%m-%dT%H:%M:%S%z").to_string(),
            "jira": self.instant(at),
            "friendly": friendly.to_string(),
            "epochMillis": at.as_millisecond(),
        })
    }

    /// A person. The address is there only where it may be seen.
    pub(super) fn desk_user(&self, account_id: &str) -> Value {
        let Some(account) = self.store.account(account_id) else {
            return json!({"accountId": account_id, "displayName": "Former user", "active": false});
        };
        let mut user = json!({
            "accountId": account.account_id,
            "displayName": account.display_name,
            "active": account.active,
            "timeZone": account.time_zone,
            "_links": {
                "self": self.url(&format!("user?accountId={account_id}")),
                "jiraRest": self.url(&format!("user?accountId={account_id}")),
                "avatarUrls": self.avatars(account_id),
            },
        });
        if let (Some(email), Some(object)) = (self.email(account), user.as_object_mut()) {
            object.insert("emailAddress".to_owned(), json!(email));
        }
        user
    }

    /// An organization.
    pub(super) fn organization(&self, organization: &Organization) -> Value {
        json!({
            "id": organization.id,
            "uuid": organization.uuid,
            "name": organization.name,
            "scimManaged": false,
            "_links": {"self": self.desk_url(&format!("organization/{}", organization.id))},
        })
    }

    /// A desk.
    pub(super) fn desk(&self, desk: &ServiceDesk) -> Value {
        let project = self.store.projects.get(&desk.project_id);
        json!({
            "id": desk.id,
            "projectId": desk.project_id,
            "projectName": project.map(|p| p.name.as_str()).unwrap_or_default(),
            "projectKey": project.map(|p| p.key.as_str()).unwrap_or_default(),
            "projectTypeKey": "service_desk",
            "_links": {"self": self.desk_url(&format!("servicedesk/{}", desk.id))},
        })
    }

    /// A request type.
    pub(super) fn request_type(&self, kind: &RequestType) -> Value {
        let path = format!("servicedesk/{}/requesttype/{}", kind.service_desk_id, kind.id);
        json!({
            "_expands": ["field"],
            "id": kind.id,
            "name": kind.name,
            "description": kind.description,
            "helpText": kind.help_text,
            "issueTypeId": kind.issue_type_id,
            "serviceDeskId": kind.service_desk_id,
            "portalId": kind.service_desk_id,
            "groupIds": self.group_ids(kind),
            "canCreateRequest": true,
            "restrictionStatus": "OPEN",
            "_links": {"self": self.desk_url(&path)},
        })
    }

    /// Portal groups have no ids of their own here: they are numbered in the order of their desk.
    pub(super) fn group_names(&self, desk_id: &str) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        let kinds = self.store.request_types.values().filter(|t| t.service_desk_id == desk_id);
        for name in kinds.flat_map(|t| &t.groups) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    fn group_ids(&self, kind: &RequestType) -> Vec<String> {
        let names = self.group_names(&kind.service_desk_id);
        kind.groups.iter().filter_map(|g| names.iter().position(|n| n == g)).map(|at| (at + 1).to_string()).collect()
    }

    /// A status with its date.
    pub(super) fn request_status(&self, status_id: &str, at: Timestamp) -> Value {
        let status = self.store.statuses.get(status_id);
        json!({
            "status": status.map(|s| s.name.as_str()).unwrap_or_default(),
            "statusCategory":
                status.map_or_else(|| "UNDEFINED".to_owned(), |s| s.category.key().to_uppercase()),
            "statusDate": self.date(at),
        })
    }

    /// A comment. Its body is wiki text. `expand` as the caller gave it.
    pub(super) fn request_comment(&self, issue: &Issue, comment: &Comment, expand: &[String]) -> Value {
        let path = format!("request/{}/comment/{}", issue.id, comment.id);
        let mut value = json!({
            "_expands": ["attachment", "renderedBody"],
            "id": comment.id.to_string(),
            "body": wiki::from_adf(&comment.body),
            "public": comment.public,
            "author": self.desk_user(&comment.author),
            "created": self.date(comment.created_at),
            "_links": {"self": self.desk_url(&path)},
        });
        let Some(object) = value.as_object_mut() else { return value };
        let wants = |what: &str| expand.iter().any(|name| name == what);
        if wants("renderedBody") {
            object.insert("renderedBody".to_owned(), json!({"html": html(&adf::plain_text(&comment.body))}));
        }
        if wants("attachment") {
            let files: Vec<&Attachment> =
                issue.attachments.iter().filter(|file| file.comment_id == Some(comment.id)).collect();
            let path = format!("comment/{}/attachment", comment.id);
            object.insert("attachments".to_owned(), self.attachments(issue, &files, &path, (0, 50)));
        }
        value
    }

    /// A request. `expand` as the caller gave it.
    pub(super) fn request(&self, issue: &Issue, expand: &[String]) -> Value {
        let site = self.state.site_url();
        let kind = issue.request_type_id.as_ref().and_then(|id| self.store.request_types.get(id));
        let desk = self.store.desk_of(&issue.project_id);
        let desk_id = desk.map(|d| d.id.as_str()).unwrap_or_default();
        let mut value = json!({
            "_expands": [
                "participant", "status", "sla", "requestType", "serviceDesk", "attachment",
                "action", "comment",
            ],
            "issueId": issue.id.to_string(),
            "issueKey": issue.key,
            "summary": issue.summary,
            "requestTypeId": issue.request_type_id,
            "serviceDeskId": desk_id,
            "createdDate": self.date(issue.created_at),
            "reporter": self.desk_user(issue.reporter.as_deref().unwrap_or("unknown")),
            "requestFieldValues": self.request_fields(issue),
            "currentStatus": self.request_status(&issue.status_id, issue.status_changed_at),
            "_links": {
                "web": format!("{site}/servicedesk/customer/portal/{desk_id}/{}", issue.key),
                "agent": format!("{site}/browse/{}", issue.key),
                "jiraRest": self.url(&format!("issue/{}", issue.id)),
                "self": self.desk_url(&format!("request/{}", issue.id)),
            },
        });
        let Some(object) = value.as_object_mut() else { return value };
        for name in expand {
            let path = format!("request/{}/{name}", issue.id);
            let expanded = match name.as_str() {
                "serviceDesk" => desk.map(|d| self.desk(d)),
                "requestType" => kind.map(|k| self.request_type(k)),
                "participant" => Some((
                    "participants",
                    page::page(site, &path, &issue.participants, (0, 50), |id| self.desk_user(id)),
                ))
                .map(|(key, page)| {
                    object.insert(key.to_owned(), page);
                    Value::Null
                }),
                "status" => {
                    let history = self.request_statuses(issue);
                    Some(page::page(site, &path, &history, (0, 50), Clone::clone))
                }
                "comment" => {
                    let seen: Vec<&Comment> =
                        issue.comments.iter().filter(|c| self.access.see_comment(issue, c)).collect();
                    let page = page::page(site, &path, &seen, (0, 50), |c| self.request_comment(issue, c, &[]));
                    object.insert("comments".to_owned(), page);
                    None
                }
                "attachment" => {
                    let page = self.attachments(issue, &self.seen_attachments(issue), "attachment", (0, 50));
                    object.insert("attachments".to_owned(), page);
                    None
                }
                "action" => {
                    object.insert(
                        "actions".to_owned(),
                        json!({
                            "addAttachment": {"allowed": true},
                            "addComment": {"allowed": true},
                            "addParticipant": {"allowed": true},
                            "removeParticipant": {"allowed": true},
                        }),
                    );
                    None
                }
                _ => None,
            };
            if let Some(expanded) = expanded.filter(|v| !v.is_null()) {
                object.insert(name.clone(), expanded);
            }
        }
        value
    }

    fn request_fields(&self, issue: &Issue) -> Value {
        let kind = issue.request_type_id.as_ref().and_then(|id| self.store.request_types.get(id));
        let fields = kind.map(|k| k.fields.as_slice()).unwrap_or_default();
        let written = fields.iter().map(|field| {
            let mut value = json!({"fieldId": field.field_id, "label": field.name});
            let text = match field.field_id.as_str() {
                "summary" => json!(issue.summary),
                "description" => {
                    let doc = issue.description.as_ref();
                    json!(doc.map(wiki::from_adf).unwrap_or_default())
                }
                "duedate" => json!(issue.due.map(|d| d.to_string())),
                "labels" => json!(issue.labels),
                "priority" => issue
                    .priority_id
                    .as_ref()
                    .and_then(|id| self.store.priorities.get(id))
                    .map_or(Value::Null, |p| self.priority(p)),
                id => issue.custom.get(id).cloned().unwrap_or(Value::Null),
            };
            if let Some(object) = value.as_object_mut() {
                if let ("description", Some(doc)) = (field.field_id.as_str(), issue.description.as_ref()) {
                    object.insert("renderedValue".to_owned(), json!({"html": html(&adf::plain_text(doc))}));
                }
                object.insert("value".to_owned(), text);
            }
            value
        });
        written.collect()
    }

    /// The statuses that a request had, the newest first.
    pub(super) fn request_statuses(&self, issue: &Issue) -> Vec<Value> {
        let mut changes: Vec<(String, Timestamp)> = Vec::new();
        let mut first = issue.status_id.clone();
        for entry in &issue.changelog {
            for item in entry.items.iter().filter(|i| i.field_id == "status") {
                if changes.is_empty() {
                    first = item.from.clone().unwrap_or_default();
                }
                changes.push((item.to.clone().unwrap_or_default(), entry.created_at));
            }
        }
        changes.insert(0, (first, issue.created_at));
        changes.iter().rev().map(|(id, at)| self.request_status(id, *at)).collect()
    }
}

fn html(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<p>{}</p>", escaped.replace('\n', "<br/>"))
}
