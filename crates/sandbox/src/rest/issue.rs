//! Issues: create, read, edit, delete, history, and many at once.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::{get, post, put},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Extras, Selection, Shape,
    error::ApiError,
    guard::OBJECTS_READ,
    issue_fields, property,
    request::{Body, Params, page_bean},
};
use crate::{
    App,
    auth::Caller,
    state::{FieldValue, Issue, NewIssue, model::ProjectKind},
};

/// Issues that one bulk read may name.
const MAX_BULK: usize = 100;
/// Properties that one read may ask.
const MAX_PROPERTIES: usize = 5;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rest/api/3/issue", post(create))
        .route("/rest/api/3/issue/bulkfetch", post(bulk_fetch))
        .route("/rest/api/3/issue/{issueIdOrKey}", get(read).put(edit).delete(delete))
        .route("/rest/api/3/issue/{issueIdOrKey}/assignee", put(assign))
        .route("/rest/api/3/issue/{issueIdOrKey}/changelog", get(changelog))
        .route("/rest/api/3/issue/{issueIdOrKey}/worklog", get(worklog))
}

/// The issue that the caller may browse.
pub(crate) fn visible(shape: &Shape<'_>, key: &str) -> Result<std::sync::Arc<Issue>, ApiError> {
    shape.store.issue(key).filter(|issue| shape.access.browse(issue)).cloned().ok_or_else(ApiError::no_issue)
}

/// The same, for a change.
pub(super) fn workable(shape: &Shape<'_>, key: &str) -> Result<std::sync::Arc<Issue>, ApiError> {
    let issue = visible(shape, key)?;
    if shape.caller.is_anonymous() {
        return Err(ApiError::unauthorized());
    }
    if !shape.access.work_on(&issue) {
        return Err(ApiError::forbidden("You do not have permission to edit issues in this project."));
    }
    Ok(issue)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Update {
    #[serde(default)]
    fields: Map<String, Value>,
    #[serde(default)]
    update: Map<String, Value>,
    #[serde(default)]
    properties: Vec<Property>,
    #[serde(default, rename = "historyMetadata")]
    _history_metadata: Value,
    #[serde(default)]
    transition: Value,
}

#[derive(Deserialize)]
struct Property {
    key: String,
    value: Value,
}

async fn create(State(app): State<App>, caller: Caller, Body(body): Body<Update>) -> Result<Response, ApiError> {
    let new = {
        let store = app.state.read();
        let shape = Shape::new(&store, &app.state, &caller);
        let named = body.fields.get("project");
        let key = named
            .and_then(|p| p.get("key").or(p.get("id")))
            .and_then(Value::as_str)
            .ok_or_else(|| ApiError::field("project", "Specify a valid project ID or key"))?;
        let project = store
            .project(key)
            .filter(|p| shape.access.browse_project(p))
            .ok_or_else(|| ApiError::field("project", "valid project is required"))?;
        if !shape.access.worker(project) {
            return Err(ApiError::field("project", "You cannot create issues in this project."));
        }
        let mut faults = Vec::new();
        let kind = body.fields.get("issuetype").unwrap_or(&Value::Null);
        let issue_type_id = issue_fields::issue_type(kind, &shape, project)
            .map_err(|why| faults.push(("issuetype".to_owned(), why)))
            .unwrap_or_default();
        let summary = issue_fields::summary(body.fields.get("summary"))
            .map_err(|why| faults.push(("summary".to_owned(), why)))
            .unwrap_or_default();
        if !faults.is_empty() {
            return Err(ApiError::fields(faults));
        }
        let mut fields = issue_fields::read(&body.fields, &shape, project, true)?;
        fields.extend(operations(&body.update, &shape, None, project)?);
        let subtask = store.issue_types.get(&issue_type_id).is_some_and(|t| t.hierarchy_level < 0);
        if subtask && !fields.iter().any(|f| matches!(f, FieldValue::Parent(Some(_)))) {
            return Err(ApiError::field(
                "parent",
                "Issue type is a sub-task but parent issue key or id not specified.",
            ));
        }
        NewIssue {
            project_id: project.id.clone(),
            issue_type_id,
            summary,
            channel: if project.kind == ProjectKind::ServiceDesk { "jira" } else { "api" }.to_owned(),
            fields,
            properties: properties(body.properties)?,
        }
    };
    let issue = app.state.create_issue(&caller.actor(), new)?;
    let url = format!("{}/rest/api/3/issue/{}", app.state.site_url(), issue.id);
    let created = json!({"id": issue.id.to_string(), "key": issue.key, "self": url});
    Ok((StatusCode::CREATED, Json(created)).into_response())
}

fn properties(list: Vec<Property>) -> Result<BTreeMap<String, Value>, ApiError> {
    list.into_iter().map(|p| property::check(&p.key, &p.value).map(|()| (p.key, p.value))).collect()
}

/// The `update` form: `{"labels": [{"add": "x"}]}` and `set` for every field.
fn operations(
    update: &Map<String, Value>,
    shape: &Shape<'_>,
    issue: Option<&Issue>,
    project: &crate::state::model::Project,
) -> Result<Vec<FieldValue>, ApiError> {
    let mut out = Vec::new();
    for (name, list) in update {
        let list = list.as_array().ok_or_else(|| ApiError::field(name.clone(), "Operations must be an array"))?;
        let mut labels = issue.map(|i| i.labels.clone()).unwrap_or_default();
        for operation in list {
            let (verb, value) = operation
                .as_object()
                .and_then(|o| o.iter().next())
                .ok_or_else(|| ApiError::field(name.clone(), "One operation is expected"))?;
            match (verb.as_str(), value.as_str()) {
                ("set", _) => {
                    let one: Map<String, Value> = [(name.clone(), value.clone())].into_iter().collect();
                    out.extend(issue_fields::read(&one, shape, project, false)?);
                }
                ("add", Some(label)) if name == "labels" => {
                    if !labels.iter().any(|l| l == label) {
                        labels.push(label.to_owned());
                    }
                }
                ("remove", Some(label)) if name == "labels" => labels.retain(|l| l != label),
                _ => {
                    return Err(ApiError::field(name.clone(), format!("Field does not support update '{verb}'")));
                }
            }
        }
        if name == "labels" && list.iter().all(|o| o.get("set").is_none()) {
            let one: Map<String, Value> = [("labels".to_owned(), json!(labels))].into_iter().collect();
            out.extend(issue_fields::read(&one, shape, project, false)?);
        }
    }
    Ok(out)
}

async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let issue = visible(&shape, &key)?;
    let selection = Selection::parse(&params.list("fields"), Selection::all());
    let extras = extras(&params.list("expand"), params.list("properties"))?;
    Ok(Json(shape.issue(&issue, &selection, &extras)))
}

/// What `expand` and `properties` ask for.
pub(crate) fn extras(expand: &[String], properties: Vec<String>) -> Result<Extras, ApiError> {
    if properties.len() > MAX_PROPERTIES {
        return Err(ApiError::bad(format!(
            "The number of requested properties exceeds the limit of {MAX_PROPERTIES}."
        )));
    }
    let has = |what: &str| expand.iter().any(|e| e == what);
    Ok(Extras {
        changelog: has("changelog"),
        names: has("names"),
        schema: has("schema"),
        transitions: has("transitions"),
        properties,
    })
}

async fn edit(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    params: Params,
    Body(body): Body<Update>,
) -> Result<Response, ApiError> {
    let (id, fields) = {
        let store = app.state.read();
        let shape = Shape::new(&store, &app.state, &caller);
        let issue = workable(&shape, &key)?;
        if !body.transition.is_null() {
            return Err(ApiError::bad("The transition cannot be set by an edit."));
        }
        let project = store.projects.get(&issue.project_id).ok_or_else(ApiError::no_issue)?;
        let both = body.fields.keys().find(|k| body.update.contains_key(*k));
        if let Some(name) = both {
            return Err(ApiError::field(
                name.clone(),
                "Field cannot be referenced in both the fields object and the update object.",
            ));
        }
        let mut fields = issue_fields::read(&body.fields, &shape, project, false)?;
        fields.extend(operations(&body.update, &shape, Some(&issue), project)?);
        (issue.id, fields)
    };
    let actor = caller.actor();
    app.state.edit_issue(&actor, id, fields)?;
    for (key, value) in properties(body.properties)? {
        app.state.set_property(&actor, id, &key, value)?;
    }
    if !params.flag("returnIssue") {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let issue = visible(&shape, &key)?;
    Ok(Json(shape.issue(&issue, &Selection::all(), &Extras::default())).into_response())
}

async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    params: Params,
) -> Result<StatusCode, ApiError> {
    let ids = {
        let store = app.state.read();
        let shape = Shape::new(&store, &app.state, &caller);
        let issue = visible(&shape, &key)?;
        let project = store.projects.get(&issue.project_id).ok_or_else(ApiError::no_issue)?;
        if !shape.access.project_admin(project) {
            return Err(ApiError::forbidden("You do not have permission to delete issues in this project."));
        }
        let subtasks: Vec<u64> = store
            .children_of(issue.id)
            .filter(|c| store.issue_types.get(&c.issue_type_id).is_some_and(|t| t.hierarchy_level < 0))
            .map(|c| c.id)
            .collect();
        if !subtasks.is_empty() && !params.flag("deleteSubtasks") {
            return Err(ApiError::bad(format!(
                "The issue '{}' has subtasks.  You must specify the 'deleteSubtasks' parameter to delete this issue and all its subtasks.",
                issue.key
            )));
        }
        subtasks.into_iter().chain([issue.id]).collect::<Vec<_>>()
    };
    for id in ids {
        app.state.delete_issue(&caller.actor(), id)?;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn assign(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Body(user): Body<Value>,
) -> Result<StatusCode, ApiError> {
    let (id, fields) = {
        let store = app.state.read();
        let shape = Shape::new(&store, &app.state, &caller);
        let issue = workable(&shape, &key)?;
        let project = store.projects.get(&issue.project_id).ok_or_else(ApiError::no_issue)?;
        let one: Map<String, Value> = [("assignee".to_owned(), user)].into_iter().collect();
        (issue.id, issue_fields::read(&one, &shape, project, false)?)
    };
    app.state.edit_issue(&caller.actor(), id, fields)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn changelog(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let (start, size) = params.page(100, 100)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let issue = visible(&shape, &key)?;
    let values = issue.changelog.iter().map(|h| shape.history(h)).collect();
    let url = shape.url(&format!("issue/{}/changelog", issue.id));
    Ok(Json(page_bean(&url, values, start, size)))
}

async fn worklog(State(app): State<App>, caller: Caller, Path(key): Path<String>) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let issue = visible(&shape, &key)?;
    Ok(Json(shape.worklogs(&issue)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct BulkFetch {
    issue_ids_or_keys: Vec<String>,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default)]
    expand: Vec<String>,
    #[serde(default)]
    properties: Vec<String>,
    #[serde(default, rename = "fieldsByKeys")]
    _fields_by_keys: bool,
}

async fn bulk_fetch(State(app): State<App>, caller: Caller, Body(body): Body<BulkFetch>) -> Result<Response, ApiError> {
    if body.issue_ids_or_keys.is_empty() {
        return Err(ApiError::bad("The issueIdsOrKeys must not be empty."));
    }
    if body.issue_ids_or_keys.len() > MAX_BULK {
        return Err(ApiError::bad(format!("The number of issues exceeds the limit of {MAX_BULK}.")));
    }
    let default = Selection::parse(&["*navigable".to_owned()], Selection::all());
    let selection = Selection::parse(&body.fields, default);
    let extras = extras(&body.expand, body.properties)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let mut found = BTreeMap::new();
    let mut errors = Vec::new();
    for name in &body.issue_ids_or_keys {
        match visible(&shape, name) {
            Ok(issue) => {
                found.insert(issue.id, issue);
            }
            Err(_) => errors.push(json!({
                "id": name,
                "errorMessage": "Issue does not exist or you do not have permission to see it.",
            })),
        }
    }
    let issues: Vec<Value> = found.values().map(|issue| shape.issue(issue, &selection, &extras)).collect();
    let read = [(OBJECTS_READ, issues.len().to_string())];
    Ok((read, Json(json!({"issues": issues, "issueErrors": errors}))).into_response())
}
