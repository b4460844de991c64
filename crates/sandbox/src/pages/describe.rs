//! Issues as the pages show them: rows of lists, and the parts of a conversation.

use jiff::Timestamp;
use minijinja::{Value, context};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    document,
    people::{self, Person},
};
use crate::{
    access::Access,
    state::{Attachment, Issue, Store},
};

/// One issue in a list.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) key: String,
    pub(super) summary: String,
    pub(super) issue_type: Option<Named>,
    pub(super) priority: Option<Named>,
    pub(super) status: Status,
    pub(super) reporter: Option<Person>,
    pub(super) assignee: Option<Person>,
    pub(super) created: String,
    pub(super) updated: String,
    pub(super) desk: Option<String>,
    pub(super) project: String,
    pub(super) request_type: Option<String>,
}

/// Something with a name and a picture.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) id: String,
    pub(super) name: String,
}

/// A status, with the word for its look.
#[derive(Debug, Clone)]
pub(super) struct Status {
    pub(super) name: String,
    pub(super) category: &'static str,
}

impl From<Named> for Value {
    fn from(named: Named) -> Self {
        context! { id => named.id, name => named.name }
    }
}

impl From<Status> for Value {
    fn from(status: Status) -> Self {
        context! { name => status.name, category => status.category }
    }
}

impl From<Row> for Value {
    fn from(row: Row) -> Self {
        context! {
            key => row.key, summary => row.summary, issue_type => row.issue_type,
            priority => row.priority, status => row.status, reporter => row.reporter,
            assignee => row.assignee, created => row.created, updated => row.updated,
            desk => row.desk, project => row.project, request_type => row.request_type,
        }
    }
}

pub(super) fn status(store: &Store, id: &str) -> Status {
    store.statuses.get(id).map_or_else(
        || Status { name: id.to_owned(), category: "new" },
        |status| Status { name: status.name.clone(), category: status.category.key() },
    )
}

pub(super) fn row(store: &Store, issue: &Issue) -> Row {
    let person = |id: &Option<String>| id.as_deref().map(|id| Person::of(store, id));
    let project = store.projects.get(&issue.project_id);
    Row {
        key: issue.key.clone(),
        summary: issue.summary.clone(),
        issue_type: store
            .issue_types
            .get(&issue.issue_type_id)
            .map(|kind| Named { id: kind.id.clone(), name: kind.name.clone() }),
        priority: issue
            .priority_id
            .as_ref()
            .and_then(|id| store.priorities.get(id))
            .map(|priority| Named { id: priority.id.clone(), name: priority.name.clone() }),
        status: status(store, &issue.status_id),
        reporter: person(&issue.reporter),
        assignee: person(&issue.assignee),
        created: instant(issue.created_at),
        updated: instant(issue.updated_at),
        desk: store.desk_of(&issue.project_id).map(|desk| desk.id.clone()),
        project: project.map(|p| p.name.clone()).unwrap_or_default(),
        request_type: issue
            .request_type_id
            .as_ref()
            .and_then(|id| store.request_types.get(id))
            .map(|kind| kind.name.clone()),
    }
}

/// For `<time datetime>`: the reader's own zone is put in by the page's script.
pub(super) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The comments that the viewer may see, oldest first. `public_only` for the portal.
pub(super) fn comments(store: &Store, access: &Access<'_>, issue: &Issue, public_only: bool) -> Vec<Value> {
    issue
        .comments
        .iter()
        .filter(|comment| access.see_comment(issue, comment))
        .filter(|comment| !public_only || (comment.public && comment.visibility.is_none()))
        .map(|comment| {
            context! {
                id => comment.id,
                author => Person::of(store, &comment.author),
                team => people::is_agent(store, &comment.author),
                at => instant(comment.created_at),
                edited => comment.updated_at != comment.created_at,
                internal => !comment.public,
                files => issue.attachments.iter().filter(|f| f.comment_id == Some(comment.id)).map(|f| file(store, f)).collect::<Vec<_>>(),
                body => Value::from_safe_string(document::to_html(&comment.body)),
            }
        })
        .collect()
}

/// An attachment; without an address when its bytes are not here.
pub(super) fn file(store: &Store, file: &Attachment) -> Value {
    let name = utf8_percent_encode(&file.filename, NON_ALPHANUMERIC);
    context! {
        id => file.id,
        name => file.filename.as_str(),
        kb => file.size.div_ceil(1024),
        at => instant(file.created_at),
        href => store.file(file.id).is_some().then(|| format!("/secure/attachment/{}/{name}", file.id)),
    }
}

pub(super) fn description(issue: &Issue) -> Value {
    let html = issue.description.as_ref().map(document::to_html).unwrap_or_default();
    Value::from_safe_string(html)
}
