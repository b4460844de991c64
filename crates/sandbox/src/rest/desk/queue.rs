//! Queues of a desk and the issues in them.

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::get,
};
use serde_json::{Value, json};

use super::{agents, page};
use crate::{
    App,
    auth::Caller,
    jql::{self, Bound},
    rest::{Extras, Selection, Shape, error::ApiError, request::Params},
    state::model::{Queue, ServiceDesk},
};

pub(super) fn routes() -> Router<App> {
    const DESK: &str = "/rest/servicedeskapi/servicedesk/{serviceDeskId}";
    Router::new()
        .route(&format!("{DESK}/queue"), get(list))
        .route(&format!("{DESK}/queue/{{queueId}}"), get(one))
        .route(&format!("{DESK}/queue/{{queueId}}/issue"), get(issues))
}

/// The whole query of a queue: its own clause within its project.
pub(crate) fn jql(shape: &Shape<'_>, desk: &ServiceDesk, queue: &Queue) -> String {
    let key = shape.store.projects.get(&desk.project_id).map(|p| p.key.as_str()).unwrap_or_default();
    let lower = queue.jql.to_lowercase();
    let (filter, order) = match lower.find("order by") {
        Some(at) => queue.jql.split_at(at),
        None => (queue.jql.as_str(), ""),
    };
    let filter = filter.trim();
    let filter = if filter.is_empty() { String::new() } else { format!(" AND ({filter})") };
    format!("project = \"{key}\"{filter} {order}").trim_end().to_owned()
}

fn written(app: &App, shape: &Shape<'_>, desk: &ServiceDesk, queue: &Queue, count: bool) -> Value {
    let query = jql(shape, desk, queue);
    let path = format!("servicedesk/{}/queue/{}", desk.id, queue.id);
    let mut value = json!({
        "id": queue.id,
        "name": queue.name,
        "jql": query,
        "fields": queue.fields,
        "_links": {"self": shape.desk_url(&path)},
    });
    if let (true, Some(object)) = (count, value.as_object_mut()) {
        let found = jql::run(&app.state, shape.store, shape.caller, &query, Bound::Required, &[]);
        object.insert("issueCount".to_owned(), json!(found.map(|f| f.len()).unwrap_or_default()));
    }
    value
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let bounds = page::bounds(&params)?;
    app.state.catch_up_search();
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let desk = agents(&shape, &id)?;
    let count = params.flag("includeCount");
    let path = format!("servicedesk/{}/queue", desk.id);
    Ok(Json(page::page(app.state.site_url(), &path, &desk.queues, bounds, |q| written(&app, &shape, desk, q, count))))
}

fn no_queue(id: &str) -> ApiError {
    ApiError::desk_not_found(format!("The queue with id {id} does not exist."), "sd.queue.error.not.exist")
}

async fn one(
    State(app): State<App>,
    caller: Caller,
    Path((desk, id)): Path<(String, String)>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    app.state.catch_up_search();
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let desk = agents(&shape, &desk)?;
    let queue = desk.queues.iter().find(|q| q.id == id).ok_or_else(|| no_queue(&id))?;
    Ok(Json(written(&app, &shape, desk, queue, params.flag("includeCount"))))
}

async fn issues(
    State(app): State<App>,
    caller: Caller,
    Path((desk, id)): Path<(String, String)>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let bounds = page::bounds(&params)?;
    app.state.catch_up_search();
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let desk = agents(&shape, &desk)?;
    let queue = desk.queues.iter().find(|q| q.id == id).ok_or_else(|| no_queue(&id))?;
    let query = jql(&shape, desk, queue);
    let found = jql::run(&app.state, &store, &caller, &query, Bound::Required, &[])
        .map_err(|faults| ApiError::desk_bad(faults.join(" "), "sd.queue.error.jql"))?;
    let selection = Selection::parse(&queue.fields, Selection::all());
    let path = format!("servicedesk/{}/queue/{}/issue", desk.id, queue.id);
    Ok(Json(page::page(app.state.site_url(), &path, &found, bounds, |issue| {
        shape.issue(issue, &selection, &Extras::default())
    })))
}
