//! Attachments of issues: upload, describe, fetch, delete.

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    Shape,
    error::ApiError,
    issue::workable,
    request::Params,
    upload::{MAX_UPLOAD, Refusal, Upload},
};
use crate::{
    App,
    auth::Caller,
    media,
    state::{
        Attachment, Issue,
        files::{Files, MAX_FILE},
    },
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rest/api/3/attachment/meta", get(meta))
        .route("/rest/api/3/attachment/{id}", get(one).delete(delete))
        .route("/rest/api/3/attachment/content/{id}", get(content))
        .route("/rest/api/3/issue/{issueIdOrKey}/attachments", post(attach).layer(DefaultBodyLimit::max(MAX_UPLOAD)))
}

async fn meta(caller: Caller) -> Result<Json<Value>, ApiError> {
    if caller.is_anonymous() {
        return Err(ApiError::unauthorized());
    }
    Ok(Json(json!({"enabled": true, "uploadLimit": MAX_FILE})))
}

fn no_attachment(id: &str) -> ApiError {
    ApiError::not_found(format!("The attachment with id '{id}' does not exist"))
}

/// An attachment of an issue that the caller may browse. Customers browse none: they use the portal's API.
fn visible(shape: &Shape<'_>, id: &str) -> Result<(std::sync::Arc<Issue>, Attachment), ApiError> {
    id.parse()
        .ok()
        .and_then(|id| shape.store.attachment(id))
        .filter(|(issue, file)| shape.access.browse(issue) && shape.access.see_attachment(issue, file))
        .map(|(issue, file)| (issue.clone(), file.clone()))
        .ok_or_else(|| no_attachment(id))
}

async fn one(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let (_, file) = visible(&shape, &id)?;
    let mut value = shape.attachment(&file);
    if let Some(object) = value.as_object_mut() {
        // Here, and here alone, the id is a number.
        object.insert("id".to_owned(), json!(file.id));
    }
    Ok(Json(value))
}

async fn content(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (file, bytes) = {
        let store = app.state.read();
        let (_, file) = visible(&Shape::new(&store, &app.state, &caller), &id)?;
        let bytes = store.file(file.id).ok_or_else(|| no_attachment(&id))?;
        (file, bytes)
    };
    if params.get("redirect") == Some("false") {
        return Ok(media::serve(&file, bytes, &headers));
    }
    Ok(Redirect::to(&media::address(&app, &file)).into_response())
}

async fn attach(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    upload: Result<Upload, Refusal>,
) -> Result<Response, ApiError> {
    let id = workable(&Shape::new(&app.state.read(), &app.state, &caller), &key)?.id;
    let Upload(files) = match upload {
        Ok(upload) => upload,
        Err(refusal) => return Ok(refusal.into_response()),
    };
    let made = app.state.attach(&caller.actor(), id, Files::Sent(files), None)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    Ok(Json(made.files.iter().map(|file| shape.attachment(file)).collect::<Value>()).into_response())
}

async fn delete(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let (issue, file) = {
        let store = app.state.read();
        let shape = Shape::new(&store, &app.state, &caller);
        let (issue, file) = visible(&shape, &id)?;
        let admin = store.projects.get(&issue.project_id).is_some_and(|p| shape.access.project_admin(p));
        let own = file.author == caller.account() && shape.access.work_on(&issue);
        if !own && !admin {
            return Err(ApiError::forbidden("You do not have permission to delete attachments in this project."));
        }
        (issue.id, file.id)
    };
    app.state.detach(&caller.actor(), issue, file)?;
    Ok(StatusCode::NO_CONTENT)
}
