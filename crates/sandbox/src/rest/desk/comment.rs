//! Comments on a request. Customers write and read public ones only; bodies are wiki text.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use serde::Deserialize;
use serde_json::Value;

use super::{DeskBody, page, request::visible};
use crate::{
    App, adf,
    auth::Caller,
    rest::{Shape, error::ApiError, request::Params},
    state::{Comment, Issue},
    wiki,
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rest/servicedeskapi/request/{issueIdOrKey}/comment", get(list).post(add))
        .route("/rest/servicedeskapi/request/{issueIdOrKey}/comment/{commentId}", get(one))
}

#[derive(Deserialize)]
struct NewComment {
    body: Option<String>,
    public: Option<bool>,
}

/// What may be said with something else that is done to a request.
#[derive(Deserialize)]
pub(super) struct Additional {
    pub(super) body: Option<String>,
}

/// Wiki text within Jira's length.
pub(super) fn text(body: Option<&str>) -> Result<Value, ApiError> {
    let body = body.unwrap_or_default();
    if body.trim().is_empty() {
        return Err(ApiError::desk_bad("The comment body can not be empty.", "sd.comment.error.empty"));
    }
    if body.chars().count() > adf::MAX_TEXT {
        return Err(ApiError::desk_bad(
            format!("The comment exceeds the limit of {} characters.", adf::MAX_TEXT),
            "sd.comment.error.too.long",
        ));
    }
    Ok(wiki::to_adf(body))
}

async fn add(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    DeskBody(new): DeskBody<NewComment>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let public = new.public.unwrap_or(true);
    let (issue, body) = {
        let store = app.state.read();
        let shape = Shape::new(&store, &app.state, &caller);
        let issue = visible(&shape, &key)?;
        if !public && !shape.access.work_on(&issue) {
            return Err(ApiError::desk_forbidden());
        }
        (issue, text(new.body.as_deref())?)
    };
    let comment = app
        .state
        .add_comment(&caller.actor(), issue.id, body, public, None, BTreeMap::new())
        .map_err(|e| ApiError::from(e).into_desk())?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    Ok((StatusCode::CREATED, Json(shape.request_comment(&issue, &comment, &[]))))
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let bounds = page::bounds(&params)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let issue = visible(&shape, &key)?;
    let public = params.get("public") != Some("false");
    let internal = params.get("internal") != Some("false");
    let seen: Vec<&Comment> = issue
        .comments
        .iter()
        .filter(|c| shape.access.see_comment(&issue, c))
        .filter(|c| if c.public { public } else { internal })
        .collect();
    let expand = params.list("expand");
    let path = format!("request/{}/comment", issue.id);
    Ok(Json(page::page(app.state.site_url(), &path, &seen, bounds, |c| shape.request_comment(&issue, c, &expand))))
}

async fn one(
    State(app): State<App>,
    caller: Caller,
    Path((key, id)): Path<(String, String)>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let issue = visible(&shape, &key)?;
    let comment = seen(&shape, &issue, &id)?;
    Ok(Json(shape.request_comment(&issue, comment, &params.list("expand"))))
}

/// A comment that the caller may see.
pub(super) fn seen<'i>(shape: &Shape<'_>, issue: &'i Issue, id: &str) -> Result<&'i Comment, ApiError> {
    issue.comments.iter().find(|c| c.id.to_string() == id).filter(|c| shape.access.see_comment(issue, c)).ok_or_else(
        || ApiError::desk_not_found(format!("The comment with id {id} does not exist."), "sd.comment.error.not.exist"),
    )
}
