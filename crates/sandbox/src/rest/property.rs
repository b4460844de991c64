//! Entity properties of issues and of comments.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use serde_json::{Value, json};

use super::{Shape, error::ApiError, request::Body};
use crate::{App, auth::Caller};

/// Longest key, in characters.
const MAX_KEY: usize = 255;
/// Longest value, in characters of its JSON.
const MAX_VALUE: usize = 32_768;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rest/api/3/issue/{issueIdOrKey}/properties", get(issue_keys))
        .route(
            "/rest/api/3/issue/{issueIdOrKey}/properties/{propertyKey}",
            get(issue_get).put(issue_put).delete(issue_delete),
        )
        .route("/rest/api/3/comment/{commentId}/properties", get(comment_keys))
        .route(
            "/rest/api/3/comment/{commentId}/properties/{propertyKey}",
            get(comment_get).put(comment_put).delete(comment_delete),
        )
}

/// Refuses keys and values that Jira refuses.
pub(super) fn check(key: &str, value: &Value) -> Result<(), ApiError> {
    if key.chars().count() > MAX_KEY {
        return Err(ApiError::bad(format!("The property key must be shorter than or equal to {MAX_KEY} characters.")));
    }
    if value.to_string().chars().count() > MAX_VALUE {
        return Err(ApiError::bad(format!(
            "The property value must be shorter than or equal to {MAX_VALUE} characters."
        )));
    }
    Ok(())
}

/// 404 for a property.
pub(super) fn missing(key: &str) -> ApiError {
    ApiError::not_found(format!("Property with key '{key}' does not exist."))
}

/// The keys, each with its address.
pub(super) fn keys(properties: &BTreeMap<String, Value>, url: &str) -> Value {
    let keys: Vec<Value> = properties.keys().map(|key| json!({"self": format!("{url}/{key}"), "key": key})).collect();
    json!({"keys": keys})
}

/// One property.
pub(super) fn one(properties: &BTreeMap<String, Value>, key: &str) -> Result<Value, ApiError> {
    let value = properties.get(key).ok_or_else(|| missing(key))?;
    Ok(json!({"key": key, "value": value}))
}

/// The id of an issue that the caller may browse, and whether it may be changed.
fn issue_id(app: &App, caller: &Caller, key: &str, write: bool) -> Result<u64, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, caller);
    let issue = store.issue(key).filter(|i| shape.access.browse(i)).ok_or_else(ApiError::no_issue)?;
    if write && !shape.access.work_on(issue) {
        return Err(ApiError::forbidden("You do not have permission to edit issues in this project."));
    }
    Ok(issue.id)
}

async fn issue_keys(State(app): State<App>, caller: Caller, Path(key): Path<String>) -> Result<Json<Value>, ApiError> {
    let id = issue_id(&app, &caller, &key, false)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let issue = store.issues.get(&id).ok_or_else(ApiError::no_issue)?;
    Ok(Json(keys(&issue.properties, &shape.url(&format!("issue/{id}/properties")))))
}

async fn issue_get(
    State(app): State<App>,
    caller: Caller,
    Path((issue, key)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let id = issue_id(&app, &caller, &issue, false)?;
    let store = app.state.read();
    let issue = store.issues.get(&id).ok_or_else(ApiError::no_issue)?;
    one(&issue.properties, &key).map(Json)
}

async fn issue_put(
    State(app): State<App>,
    caller: Caller,
    Path((issue, key)): Path<(String, String)>,
    Body(value): Body<Value>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let id = issue_id(&app, &caller, &issue, true)?;
    check(&key, &value)?;
    let existed = app.state.set_property(&caller.actor(), id, &key, value)?;
    Ok((if existed { StatusCode::OK } else { StatusCode::CREATED }, Json(Value::Null)))
}

async fn issue_delete(
    State(app): State<App>,
    caller: Caller,
    Path((issue, key)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let id = issue_id(&app, &caller, &issue, true)?;
    app.state.delete_property(&caller.actor(), id, &key).map_err(|_| missing(&key))?;
    Ok(StatusCode::NO_CONTENT)
}

/// The issue and comment that the caller may see, and whether it may be changed.
fn comment_of(
    app: &App,
    caller: &Caller,
    comment: &str,
    write: bool,
) -> Result<(u64, u64, BTreeMap<String, Value>), ApiError> {
    let none = || ApiError::not_found(format!("Can not find a comment for the id: {comment}."));
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, caller);
    let (issue, comment) = comment
        .parse()
        .ok()
        .and_then(|id| store.comment(id))
        .filter(|(issue, c)| shape.access.browse(issue) && shape.access.see_comment(issue, c))
        .ok_or_else(none)?;
    if write && !shape.access.work_on(issue) {
        return Err(ApiError::forbidden("You do not have permission to edit this comment."));
    }
    Ok((issue.id, comment.id, comment.properties.clone()))
}

async fn comment_keys(
    State(app): State<App>,
    caller: Caller,
    Path(comment): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let (_, id, properties) = comment_of(&app, &caller, &comment, false)?;
    let url = format!("{}/rest/api/3/comment/{id}/properties", app.state.site_url());
    Ok(Json(keys(&properties, &url)))
}

async fn comment_get(
    State(app): State<App>,
    caller: Caller,
    Path((comment, key)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let (_, _, properties) = comment_of(&app, &caller, &comment, false)?;
    one(&properties, &key).map(Json)
}

async fn comment_put(
    State(app): State<App>,
    caller: Caller,
    Path((comment, key)): Path<(String, String)>,
    Body(value): Body<Value>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let (issue, id, _) = comment_of(&app, &caller, &comment, true)?;
    check(&key, &value)?;
    let existed = app.state.set_comment_property(&caller.actor(), issue, id, &key, Some(value))?;
    Ok((if existed { StatusCode::OK } else { StatusCode::CREATED }, Json(Value::Null)))
}

async fn comment_delete(
    State(app): State<App>,
    caller: Caller,
    Path((comment, key)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let (issue, id, _) = comment_of(&app, &caller, &comment, true)?;
    if app.state.set_comment_property(&caller.actor(), issue, id, &key, None)? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(missing(&key))
    }
}
