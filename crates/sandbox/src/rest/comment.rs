//! Comments on issues. Each POST adds one: Jira knows no idempotency.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Shape,
    error::ApiError,
    issue::{visible, workable},
    issue_fields::document,
    property,
    request::{Body, Params, page_bean},
};
use crate::{
    App,
    auth::Caller,
    state::{Comment, Issue, PUBLIC_COMMENT_PROPERTY, Visibility},
};

/// Comments that one read by ids may name.
const MAX_LISTED: usize = 1000;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rest/api/3/issue/{issueIdOrKey}/comment", get(list).post(add))
        .route("/rest/api/3/issue/{issueIdOrKey}/comment/{id}", get(one).put(edit).delete(delete))
        .route("/rest/api/3/comment/list", post(by_ids))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewComment {
    body: Option<Value>,
    #[serde(default)]
    visibility: Option<Value>,
    #[serde(default)]
    properties: Vec<NewProperty>,
}

#[derive(Deserialize)]
struct NewProperty {
    key: String,
    value: Value,
}

fn visibility(value: Option<&Value>, shape: &Shape<'_>) -> Result<Option<Visibility>, ApiError> {
    let Some(value) = value.filter(|v| !v.is_null()) else { return Ok(None) };
    let part = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    let (kind, name, identifier) = (part("type"), part("value"), part("identifier"));
    let found = match kind {
        "role" => shape
            .store
            .roles
            .values()
            .find(|r| r.name == name || r.id.to_string() == identifier)
            .map(|r| Visibility::Role(r.name.clone())),
        "group" => shape
            .store
            .groups
            .values()
            .find(|g| g.name == name || g.group_id == identifier)
            .map(|g| Visibility::Group(g.name.clone())),
        _ => None,
    };
    found.map(Some).ok_or_else(|| ApiError::field("commentLevel", format!("{kind}: {name} does not exist.")))
}

fn body(value: Option<&Value>) -> Result<Value, ApiError> {
    match value {
        None | Some(Value::Null) => Err(ApiError::field("comment", "Comment body can not be empty!")),
        Some(value) => document(value).map_err(|why| ApiError::field("comment", why)),
    }
}

fn visible_comment(shape: &Shape<'_>, issue: &Issue, id: &str) -> Result<Comment, ApiError> {
    issue
        .comments
        .iter()
        .find(|c| c.id.to_string() == id)
        .filter(|c| shape.access.see_comment(issue, c))
        .cloned()
        .ok_or_else(|| ApiError::not_found(format!("Can not find a comment for the id: {id}.")))
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let (start, size) = params.page(5000, 5000)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let issue = visible(&shape, &key)?;
    let mut seen: Vec<&Comment> = issue.comments.iter().filter(|c| shape.access.see_comment(&issue, c)).collect();
    match params.get("orderBy") {
        None | Some("created" | "+created") => {}
        Some("-created") => seen.reverse(),
        Some(_) => return Err(ApiError::bad("The orderBy parameter is not valid.")),
    }
    let comments: Vec<Value> =
        seen.iter().skip(start).take(size).map(|c| shape.comment(&issue, c, params.expands("properties"))).collect();
    Ok(Json(json!({
        "startAt": start,
        "maxResults": size,
        "total": seen.len(),
        "comments": comments,
    })))
}

async fn add(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Body(new): Body<NewComment>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let (issue, text, limit) = {
        let store = app.state.read();
        let shape = Shape::new(&store, &app.state, &caller);
        let issue = workable(&shape, &key)?;
        (issue, body(new.body.as_ref())?, visibility(new.visibility.as_ref(), &shape)?)
    };
    let properties: BTreeMap<String, Value> = new
        .properties
        .into_iter()
        .map(|p| property::check(&p.key, &p.value).map(|()| (p.key, p.value)))
        .collect::<Result<_, _>>()?;
    let actor = caller.actor();
    let comment = app.state.add_comment(&actor, issue.id, text, true, limit, properties)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    Ok((StatusCode::CREATED, Json(shape.comment(&issue, &comment, false))))
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
    let comment = visible_comment(&shape, &issue, &id)?;
    Ok(Json(shape.comment(&issue, &comment, params.expands("properties"))))
}

/// The issue and comment to change: one's own, or any for those who administer the project.
fn changeable(app: &App, caller: &Caller, key: &str, id: &str) -> Result<(u64, u64), ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, caller);
    let issue = workable(&shape, key)?;
    let comment = visible_comment(&shape, &issue, id)?;
    let admin = store.projects.get(&issue.project_id).is_some_and(|p| shape.access.project_admin(p));
    if comment.author == caller.account() || admin {
        Ok((issue.id, comment.id))
    } else {
        Err(ApiError::bad("You do not have the permission to edit this comment."))
    }
}

async fn edit(
    State(app): State<App>,
    caller: Caller,
    Path((key, id)): Path<(String, String)>,
    Body(new): Body<NewComment>,
) -> Result<Json<Value>, ApiError> {
    let (issue, comment) = changeable(&app, &caller, &key, &id)?;
    let text = body(new.body.as_ref())?;
    let limit = {
        let store = app.state.read();
        visibility(new.visibility.as_ref(), &Shape::new(&store, &app.state, &caller))?
    };
    for p in &new.properties {
        property::check(&p.key, &p.value)?;
    }
    let comment = app.state.edit_comment(&caller.actor(), issue, comment, |c| {
        c.body = text;
        c.visibility = limit;
        for p in new.properties {
            if p.key == PUBLIC_COMMENT_PROPERTY {
                c.public = p.value.get("internal") != Some(&Value::Bool(true));
            }
            c.properties.insert(p.key, p.value);
        }
    })?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let issue = visible(&shape, &key)?;
    Ok(Json(shape.comment(&issue, &comment, false)))
}

async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path((key, id)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let (issue, comment) = changeable(&app, &caller, &key, &id)?;
    app.state.delete_comment(&caller.actor(), issue, comment)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Ids {
    ids: Vec<u64>,
}

async fn by_ids(
    State(app): State<App>,
    caller: Caller,
    params: Params,
    Body(wanted): Body<Ids>,
) -> Result<Json<Value>, ApiError> {
    if wanted.ids.len() > MAX_LISTED {
        return Err(ApiError::bad(format!("At most {MAX_LISTED} ids are allowed.")));
    }
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let values: Vec<Value> = wanted
        .ids
        .iter()
        .filter_map(|id| store.comment(*id))
        .filter(|(issue, c)| shape.access.browse(issue) && shape.access.see_comment(issue, c))
        .map(|(issue, c)| shape.comment(issue, c, params.expands("properties")))
        .collect();
    let size = values.len().max(1);
    Ok(Json(page_bean(&shape.url("comment/list"), values, 0, size)))
}
