//! Projects and project roles.

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::get,
};
use serde_json::{Value, json};

use super::{
    Shape,
    error::ApiError,
    request::{Params, page_bean},
};
use crate::{App, auth::Caller, state::model::Project};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rest/api/3/project", get(list))
        .route("/rest/api/3/project/search", get(search))
        .route("/rest/api/3/project/{projectIdOrKey}", get(one))
        .route("/rest/api/3/project/{projectIdOrKey}/statuses", get(statuses))
        .route("/rest/api/3/project/{projectIdOrKey}/role", get(roles))
        .route("/rest/api/3/project/{projectIdOrKey}/role/{id}", get(role))
        .route("/rest/api/3/role", get(site_roles))
}

fn visible<'a>(shape: &Shape<'a>, key: &str) -> Result<&'a Project, ApiError> {
    shape
        .store
        .project(key)
        .filter(|p| shape.access.browse_project(p))
        .ok_or_else(|| ApiError::not_found(format!("No project could be found with key '{key}'.")))
}

async fn list(State(app): State<App>, caller: Caller) -> Json<Value> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let seen = store.projects.values().filter(|p| shape.access.browse_project(p));
    Json(seen.map(|p| shape.project_brief(p)).collect())
}

async fn search(State(app): State<App>, caller: Caller, params: Params) -> Result<Json<Value>, ApiError> {
    let (start, size) = params.page(50, 100)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let query = params.get("query").unwrap_or_default().to_lowercase();
    let (ids, keys) = (params.list("id"), params.list("keys"));
    let kinds = params.list("typeKey");
    let values = store
        .projects
        .values()
        .filter(|p| shape.access.browse_project(p))
        .filter(|p| query.is_empty() || p.name.to_lowercase().contains(&query) || p.key.to_lowercase().contains(&query))
        .filter(|p| ids.is_empty() || ids.contains(&p.id))
        .filter(|p| keys.is_empty() || keys.contains(&p.key))
        .filter(|p| kinds.is_empty() || kinds.iter().any(|k| k == p.kind.key()))
        .map(|p| {
            let mut value = shape.project_brief(p);
            if let Some(object) = value.as_object_mut() {
                object.insert("style".to_owned(), json!("classic"));
                object.insert("isPrivate".to_owned(), json!(false));
                if params.expands("lead") {
                    object.insert("lead".to_owned(), shape.user(&p.lead));
                }
                if params.expands("description") {
                    object.insert("description".to_owned(), json!(p.description));
                }
            }
            value
        })
        .collect();
    Ok(Json(page_bean(&shape.url("project/search"), values, start, size)))
}

async fn one(State(app): State<App>, caller: Caller, Path(key): Path<String>) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let project = visible(&shape, &key)?;
    Ok(Json(shape.project(project)))
}

async fn statuses(State(app): State<App>, caller: Caller, Path(key): Path<String>) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let project = visible(&shape, &key)?;
    let statuses: Vec<Value> = store
        .workflows
        .get(&project.workflow_id)
        .into_iter()
        .flat_map(|w| &w.status_ids)
        .filter_map(|id| store.statuses.get(id))
        .map(|s| shape.status(s))
        .collect();
    let types = project.issue_type_ids.iter().filter_map(|id| store.issue_types.get(id));
    Ok(Json(
        types
            .map(|t| {
                json!({
                    "self": shape.url(&format!("issuetype/{}", t.id)),
                    "id": t.id,
                    "name": t.name,
                    "subtask": t.hierarchy_level < 0,
                    "statuses": statuses,
                })
            })
            .collect(),
    ))
}

async fn roles(State(app): State<App>, caller: Caller, Path(key): Path<String>) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    Ok(Json(shape.role_urls(visible(&shape, &key)?)))
}

async fn role(
    State(app): State<App>,
    caller: Caller,
    Path((key, id)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let project = visible(&shape, &key)?;
    if !shape.access.project_admin(project) && !shape.access.site_admin() {
        return Err(ApiError::unauthorized());
    }
    let role = id
        .parse()
        .ok()
        .and_then(|id: u64| store.roles.get(&id))
        .ok_or_else(|| ApiError::not_found(format!("Can't retrieve a project role with id: {id}")))?;
    Ok(Json(shape.role(role, Some(project))))
}

async fn site_roles(State(app): State<App>, caller: Caller) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    if caller.is_anonymous() {
        return Err(ApiError::unauthorized());
    }
    if !shape.access.licensed() {
        return Err(ApiError::forbidden("You must have global administrator rights."));
    }
    Ok(Json(store.roles.values().map(|r| shape.role(r, None)).collect()))
}
