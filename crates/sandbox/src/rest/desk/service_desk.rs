//! Service desks.

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::get,
};
use serde_json::Value;

use super::{page, portal, signed_in};
use crate::{
    App,
    auth::Caller,
    rest::{Shape, error::ApiError, request::Params},
    state::model::ServiceDesk,
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rest/servicedeskapi/servicedesk", get(list))
        .route("/rest/servicedeskapi/servicedesk/{serviceDeskId}", get(one))
}

async fn list(State(app): State<App>, caller: Caller, params: Params) -> Result<Json<Value>, ApiError> {
    signed_in(&caller)?;
    let bounds = page::bounds(&params)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let desks: Vec<&ServiceDesk> = store.service_desks.values().filter(|d| shape.access.use_portal(d)).collect();
    let page = page::page(app.state.site_url(), "servicedesk", &desks, bounds, |d| shape.desk(d));
    Ok(Json(page))
}

async fn one(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    Ok(Json(shape.desk(portal(&shape, &id)?)))
}
