//! Transitions of an issue.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use serde_json::{Map, Value, json};

use super::{
    Shape,
    error::ApiError,
    issue::{visible, workable},
    issue_fields,
    request::Body,
};
use crate::{App, auth::Caller};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/rest/api/3/issue/{issueIdOrKey}/transitions", get(list).post(take))
}

async fn list(State(app): State<App>, caller: Caller, Path(key): Path<String>) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let issue = visible(&shape, &key)?;
    let transitions = if shape.access.work_on(&issue) { shape.transitions(&issue) } else { json!([]) };
    Ok(Json(json!({"expand": "transitions", "transitions": transitions})))
}

async fn take(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Body(body): Body<Value>,
) -> Result<StatusCode, ApiError> {
    let (id, transition, fields, comments) = {
        let store = app.state.read();
        let shape = Shape::new(&store, &app.state, &caller);
        let issue = workable(&shape, &key)?;
        let project = store.projects.get(&issue.project_id).ok_or_else(ApiError::no_issue)?;
        let transition = match body.pointer("/transition/id") {
            Some(Value::String(id)) => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            _ => return Err(ApiError::bad("Missing 'transition' identifier")),
        };
        let none = Map::new();
        let given = body.get("fields").and_then(Value::as_object).unwrap_or(&none);
        let fields = issue_fields::read(given, &shape, project, false)?;
        let mut comments = Vec::new();
        for added in body.pointer("/update/comment").and_then(Value::as_array).into_iter().flatten() {
            let text = added.pointer("/add/body").unwrap_or(&Value::Null);
            let text = issue_fields::document(text).map_err(|why| ApiError::field("comment", why))?;
            comments.push(text);
        }
        (issue.id, transition, fields, comments)
    };
    let actor = caller.actor();
    app.state.transition_issue(&actor, id, &transition, fields)?;
    for text in comments {
        app.state.add_comment(&actor, id, text, true, None, std::collections::BTreeMap::new())?;
    }
    Ok(StatusCode::NO_CONTENT)
}
