//! Request types and their fields.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::HeaderMap,
    routing::get,
};
use serde_json::{Value, json};

use super::{experimental, page, portal, signed_in};
use crate::{
    App,
    auth::Caller,
    rest::{Shape, error::ApiError, request::Params, site},
    state::model::{RequestType, RequestTypeField},
};

pub(super) fn routes() -> Router<App> {
    const DESK: &str = "/rest/servicedeskapi/servicedesk/{serviceDeskId}";
    Router::new()
        .route("/rest/servicedeskapi/requesttype", get(all))
        .route(&format!("{DESK}/requesttype"), get(of_desk))
        .route(&format!("{DESK}/requesttype/{{requestTypeId}}"), get(one))
        .route(&format!("{DESK}/requesttype/{{requestTypeId}}/field"), get(fields))
        .route(&format!("{DESK}/requesttypegroup"), get(groups))
}

fn named(kind: &RequestType, query: &str) -> bool {
    query.is_empty() || kind.name.to_lowercase().contains(query) || kind.description.to_lowercase().contains(query)
}

async fn all(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    experimental(&headers)?;
    signed_in(&caller)?;
    let bounds = page::bounds(&params)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let query = params.get("searchQuery").unwrap_or_default().to_lowercase();
    let desks: Vec<&str> = params.all("serviceDeskId").collect();
    let found: Vec<&RequestType> = store
        .request_types
        .values()
        .filter(|t| portal(&shape, &t.service_desk_id).is_ok())
        .filter(|t| desks.is_empty() || desks.contains(&t.service_desk_id.as_str()))
        .filter(|t| named(t, &query))
        .collect();
    let site = app.state.site_url();
    Ok(Json(page::page(site, "requesttype", &found, bounds, |t| shape.request_type(t))))
}

async fn of_desk(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let bounds = page::bounds(&params)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let desk = portal(&shape, &id)?;
    let query = params.get("searchQuery").unwrap_or_default().to_lowercase();
    let found: Vec<&RequestType> =
        store.request_types.values().filter(|t| t.service_desk_id == desk.id && named(t, &query)).collect();
    let path = format!("servicedesk/{}/requesttype", desk.id);
    Ok(Json(page::page(app.state.site_url(), &path, &found, bounds, |t| shape.request_type(t))))
}

/// A request type of a desk that the caller may use.
pub(super) fn visible<'a>(shape: &Shape<'a>, desk: &str, id: &str) -> Result<&'a RequestType, ApiError> {
    let desk = portal(shape, desk)?;
    shape.store.request_types.get(id).filter(|t| t.service_desk_id == desk.id).ok_or_else(|| {
        ApiError::desk_not_found(
            format!("The request type with id {id} does not exist."),
            "sd.requesttype.error.not.exist",
        )
    })
}

async fn one(
    State(app): State<App>,
    caller: Caller,
    Path((desk, id)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    Ok(Json(shape.request_type(visible(&shape, &desk, &id)?)))
}

fn field(shape: &Shape<'_>, field: &RequestTypeField) -> Value {
    let values: Vec<Value> = field
        .valid_values
        .iter()
        .map(|(value, label)| json!({"value": value, "label": label, "children": []}))
        .collect();
    let schema = match shape.store.custom_fields.get(&field.field_id) {
        Some(custom) => site::custom_schema(custom),
        None => {
            let kind = crate::rest::issue_shape::SYSTEM_FIELDS
                .iter()
                .find(|(id, _, _)| *id == field.field_id)
                .map_or("string", |(_, _, kind)| kind);
            json!({"type": kind, "system": field.field_id})
        }
    };
    json!({
        "fieldId": field.field_id,
        "name": field.name,
        "description": field.description,
        "required": field.required,
        "visible": true,
        "defaultValues": [],
        "presetValues": [],
        "validValues": values,
        "jiraSchema": schema,
    })
}

async fn fields(
    State(app): State<App>,
    caller: Caller,
    Path((desk, id)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let kind = visible(&shape, &desk, &id)?;
    let agent = store.service_desks.get(&kind.service_desk_id).is_some_and(|d| shape.access.agent(d));
    let fields: Vec<Value> = kind.fields.iter().map(|f| field(&shape, f)).collect();
    Ok(Json(json!({
        "requestTypeFields": fields,
        "canRaiseOnBehalfOf": agent,
        "canAddRequestParticipants": true,
    })))
}

async fn groups(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let bounds = page::bounds(&params)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let desk = portal(&shape, &id)?;
    let names: Vec<(usize, &str)> = shape.group_names(&desk.id).into_iter().enumerate().collect();
    let path = format!("servicedesk/{}/requesttypegroup", desk.id);
    Ok(Json(page::page(
        app.state.site_url(),
        &path,
        &names,
        bounds,
        |(at, name)| json!({"id": (at + 1).to_string(), "name": name}),
    )))
}
