//! What Forge tells apps of a change on the site, in the shapes of its event reference.
//!
//! A payload has ids and a few fields; an app that wants more reads the API. Start reading at [`of`].

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use crate::{
    events::{Event, EventKind},
    state::{Attachment, ChangeItem, Comment, History, Issue, Link, Store, model::AccountId},
};

/// The Forge events of a change, with the payload for this app.
pub(super) fn of(event: &Event, store: &Store, site: &str, app_id: &str) -> Vec<(&'static str, Value)> {
    let told = match &event.kind {
        EventKind::IssueCreated { issue } => vec![("avi:jira:created:issue", with_issue(store, site, issue))],
        EventKind::IssueUpdated { issue, history } => updated(store, site, issue, history),
        EventKind::IssueDeleted { issue } => vec![("avi:jira:deleted:issue", with_issue(store, site, issue))],
        EventKind::CommentCreated { issue, comment } | EventKind::CommentUpdated { issue, comment } => {
            commented(store, site, issue, comment)
        }
        EventKind::CommentDeleted { issue, comment } => {
            let mut payload = with_issue(store, site, issue);
            set(&mut payload, "comment", comment_of(comment));
            vec![("avi:jira:deleted:comment", payload)]
        }
        EventKind::AttachmentCreated { issue, attachment } => {
            vec![("avi:jira:created:attachment", attachment_of(issue, attachment))]
        }
        EventKind::AttachmentDeleted { issue, attachment } => {
            vec![("avi:jira:deleted:attachment", attachment_of(issue, attachment))]
        }
        EventKind::LinkCreated { link } => vec![("avi:jira:created:issuelink", link_of(store, link))],
        EventKind::LinkDeleted { link } => vec![("avi:jira:deleted:issuelink", link_of(store, link))],
        EventKind::UserCreated { account_id } => vec![("avi:jira:created:user", user_of(account_id))],
        EventKind::UserUpdated { account_id } => vec![("avi:jira:updated:user", user_of(account_id))],
        EventKind::UserDeleted { account_id } => vec![("avi:jira:deleted:user", user_of(account_id))],
        EventKind::PropertySet { .. }
        | EventKind::PropertyDeleted { .. }
        | EventKind::OrganizationChanged { .. }
        | EventKind::ProjectCreated { .. } => Vec::new(),
    };
    let own = event.actor.app_id.as_deref() == Some(app_id);
    told.into_iter()
        .map(|(name, mut payload)| {
            set(&mut payload, "eventType", name.into());
            set(&mut payload, "selfGenerated", own.into());
            set(&mut payload, "timestamp", event.at.as_millisecond().to_string().into());
            if let Some(account_id) = &event.actor.account_id {
                set(&mut payload, "atlassianId", account_id.as_str().into());
                if payload.get("associatedUsers").is_none() {
                    set(&mut payload, "associatedUsers", users(&[Some(account_id)]));
                }
            }
            (name, payload)
        })
        .collect()
}

/// Puts a field into an object.
pub(super) fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}

fn updated(store: &Store, site: &str, issue: &Issue, history: &History) -> Vec<(&'static str, Value)> {
    let mut payload = with_issue(store, site, issue);
    let changelog = |items: Vec<Value>| json!({"id": history.id.to_string(), "items": items});
    set(&mut payload, "changelog", changelog(history.items.iter().map(change).collect()));
    let status = history.items.iter().find(|item| item.field_id == "status");
    if let Some(item) = status {
        let both = [&item.from, &item.to];
        let statuses: Vec<Value> = both.into_iter().flatten().map(|id| status_of(store, id)).collect();
        set(&mut payload, "associatedStatuses", json!({"associatedStatuses": statuses}));
    }
    let kind = match status.and_then(|item| item.to.as_ref()) {
        Some(id) if store.statuses.get(id).is_some_and(|s| s.category.key() == "done") => "issue_resolved",
        Some(_) => "issue_generic",
        None => "issue_updated",
    };
    set(&mut payload, "jiraEventTypeName", kind.into());
    let assigned = history.items.iter().find(|item| item.field_id == "assignee").map(|item| {
        let author = Some(&history.author);
        set(&mut payload, "associatedUsers", users(&[author, item.from.as_ref(), item.to.as_ref()]));
        let mut assigned = payload.clone();
        set(&mut assigned, "changelog", changelog(vec![change(item)]));
        if let Some(fields) = assigned.as_object_mut() {
            fields.remove("jiraEventTypeName");
            fields.remove("associatedStatuses");
        }
        ("avi:jira:assigned:issue", assigned)
    });
    std::iter::once(("avi:jira:updated:issue", payload)).chain(assigned).collect()
}

fn commented(store: &Store, site: &str, issue: &Issue, comment: &Comment) -> Vec<(&'static str, Value)> {
    let mut payload = with_issue(store, site, issue);
    set(&mut payload, "comment", comment_of(comment));
    let mut mentioned = Vec::new();
    mentions(&comment.body, &mut mentioned);
    mentioned.retain(|id| *id != comment.author);
    let mention = (!mentioned.is_empty()).then(|| {
        let mut payload = payload.clone();
        set(&mut payload, "mentionedAccountIds", json!(mentioned));
        ("avi:jira:mentioned:comment", payload)
    });
    std::iter::once(("avi:jira:commented:issue", payload)).chain(mention).collect()
}

fn mentions(node: &Value, found: &mut Vec<String>) {
    if node.get("type").is_some_and(|kind| kind == "mention")
        && let Some(id) = node.pointer("/attrs/id").and_then(Value::as_str)
        && !found.iter().any(|known| known == id)
    {
        found.push(id.to_owned());
    }
    for child in node.get("content").and_then(Value::as_array).into_iter().flatten() {
        mentions(child, found);
    }
}

fn with_issue(store: &Store, site: &str, issue: &Issue) -> Value {
    let person = |id: &Option<AccountId>| id.as_ref().map(|id| json!({"accountId": id}));
    let project = store.projects.get(&issue.project_id);
    let issue_type = store.issue_types.get(&issue.issue_type_id);
    json!({"issue": {
        "id": issue.id.to_string(),
        "key": issue.key,
        "fields": {
            "summary": issue.summary,
            "issuetype": issue_type.map(|t| json!({
                "self": format!("{site}/rest/api/2/issuetype/{}", t.id),
                "id": t.id, "name": t.name, "description": t.description,
                "subtask": t.hierarchy_level < 0,
            })),
            "creator": {"accountId": issue.creator},
            "created": date(issue.created_at),
            "project": project.map(|p| json!({
                "self": format!("{site}/rest/api/2/project/{}", p.id),
                "id": p.id, "key": p.key, "name": p.name,
            })),
            "reporter": person(&issue.reporter),
            "assignee": person(&issue.assignee),
            "updated": date(issue.updated_at),
            "status": status_of(store, &issue.status_id),
        },
    }})
}

fn status_of(store: &Store, id: &str) -> Value {
    store.statuses.get(id).map_or_else(
        || json!({"id": id}),
        |status| {
            json!({
                "id": status.id, "name": status.name, "description": status.description,
                "statusCategory": {
                    "id": status.category.id(), "key": status.category.key(),
                    "name": status.category.name(), "colorName": status.category.colour(),
                },
            })
        },
    )
}

fn comment_of(comment: &Comment) -> Value {
    json!({
        "id": comment.id.to_string(),
        "author": {"accountId": comment.author},
        "updateAuthor": {"accountId": comment.update_author},
        "body": comment.body,
        "created": date(comment.created_at),
        "updated": date(comment.updated_at),
        "jsdPublic": comment.public,
    })
}

fn attachment_of(issue: &Issue, file: &Attachment) -> Value {
    json!({"attachment": {
        "id": file.id.to_string(),
        "issueId": issue.id.to_string(),
        "fileName": file.filename,
        "createDate": date(file.created_at),
        "size": file.size,
        "mimeType": file.mime_type,
        "author": {"accountId": file.author},
    }})
}

fn change(item: &ChangeItem) -> Value {
    json!({
        "field": item.field, "fieldId": item.field_id,
        "from": item.from, "fromString": item.from_string,
        "to": item.to, "toString": item.to_string,
    })
}

fn link_of(store: &Store, link: &Link) -> Value {
    let project = |id: u64| store.issues.get(&id).map(|issue| issue.project_id.clone());
    json!({
        "id": link.id.to_string(),
        "sourceIssueId": link.outward.to_string(),
        "destinationIssueId": link.inward.to_string(),
        "sourceProjectId": project(link.outward),
        "destinationProjectId": project(link.inward),
        "issueLinkType": store.link_types.get(&link.type_id).map(|kind| json!({
            "id": kind.id, "name": kind.name, "inward": kind.inward, "outward": kind.outward,
        })),
    })
}

fn user_of(account_id: &str) -> Value {
    json!({"user": {"accountId": account_id}})
}

fn users(ids: &[Option<&AccountId>]) -> Value {
    let mut known: Vec<&AccountId> = Vec::new();
    for id in ids.iter().flatten() {
        if !known.contains(id) {
            known.push(id);
        }
    }
    let users: Vec<Value> = known.iter().map(|id| json!({"accountId": id})).collect();
    json!({"associatedUsers": users})
}

/// Jira's own way of writing an instant.
fn date(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.3f%z").to_string()
}
