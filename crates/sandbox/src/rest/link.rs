//! Links between issues, and their types.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    Shape,
    error::ApiError,
    issue::{visible, workable},
    issue_fields::document,
    request::Body,
};
use crate::{
    App,
    auth::Caller,
    state::{Issue, Link},
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rest/api/3/issueLink", post(create))
        .route("/rest/api/3/issueLink/{linkId}", get(one).delete(delete))
        .route("/rest/api/3/issueLinkType", get(types))
        .route("/rest/api/3/issueLinkType/{issueLinkTypeId}", get(kind))
}

async fn create(State(app): State<App>, caller: Caller, Body(body): Body<Value>) -> Result<StatusCode, ApiError> {
    let (type_id, inward, outward, comment) = {
        let store = app.state.read();
        let shape = Shape::new(&store, &app.state, &caller);
        let part = |path: &str| body.pointer(path).and_then(Value::as_str);
        let kind = store
            .link_types
            .values()
            .find(|t| part("/type/id") == Some(&t.id) || part("/type/name") == Some(&t.name))
            .ok_or_else(|| {
                let name = part("/type/name").unwrap_or_default();
                ApiError::not_found(format!("No issue link type with name '{name}' found."))
            })?;
        let end = |name: &str| -> Result<Arc<Issue>, ApiError> {
            let key = part(&format!("/{name}/key")).or(part(&format!("/{name}/id")));
            workable(&shape, key.unwrap_or_default())
        };
        // In a request the inward issue is the one that blocks: Jira reads "inwardIssue blocks
        // outwardIssue" from the creator's side.
        let (blocking, blocked) = (end("inwardIssue")?, end("outwardIssue")?);
        let comment = match body.pointer("/comment/body") {
            None | Some(Value::Null) => None,
            Some(text) => Some(document(text).map_err(|why| ApiError::field("comment", why))?),
        };
        (kind.id.clone(), blocked.id, blocking.id, comment)
    };
    let actor = caller.actor();
    app.state.link_issues(&actor, &type_id, inward, outward)?;
    if let Some(text) = comment {
        app.state.add_comment(&actor, outward, text, true, None, std::collections::BTreeMap::new())?;
    }
    Ok(StatusCode::CREATED)
}

fn visible_link(shape: &Shape<'_>, id: &str) -> Result<Link, ApiError> {
    let none = || ApiError::not_found(format!("No issue link with id '{id}' exists."));
    let link = id.parse().ok().and_then(|id: u64| shape.store.links.get(&id)).ok_or_else(none)?;
    for end in [link.inward, link.outward] {
        visible(shape, &end.to_string()).map_err(|_| none())?;
    }
    Ok(link.clone())
}

async fn one(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let link = visible_link(&shape, &id)?;
    let kind = store.link_types.get(&link.type_id).ok_or_else(ApiError::no_issue)?;
    let inward = visible(&shape, &link.outward.to_string())?;
    let outward = visible(&shape, &link.inward.to_string())?;
    Ok(Json(json!({
        "id": link.id.to_string(),
        "self": shape.url(&format!("issueLink/{}", link.id)),
        "type": shape.link_type(kind),
        "inwardIssue": shape.linked(&inward),
        "outwardIssue": shape.linked(&outward),
    })))
}

async fn delete(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let link = {
        let store = app.state.read();
        let shape = Shape::new(&store, &app.state, &caller);
        let link = visible_link(&shape, &id)?;
        workable(&shape, &link.outward.to_string())?;
        link
    };
    app.state.unlink_issues(&caller.actor(), link.id)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn types(State(app): State<App>, caller: Caller) -> Json<Value> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let types: Vec<Value> = store.link_types.values().map(|t| shape.link_type(t)).collect();
    Json(json!({"issueLinkTypes": types}))
}

async fn kind(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    store
        .link_types
        .get(&id)
        .map(|t| Json(shape.link_type(t)))
        .ok_or_else(|| ApiError::not_found(format!("No issue link type with id '{id}' found.")))
}
