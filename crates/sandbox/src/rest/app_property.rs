//! Properties of an app, kept for it by the site. Only the app itself reaches them.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use serde_json::{Value, json};

use super::{error::ApiError, property, request::Body};
use crate::{App, auth::Caller};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rest/forge/1/app/properties", get(keys))
        .route("/rest/forge/1/app/properties/{propertyKey}", get(one).put(put).delete(delete))
}

fn app_of(caller: &Caller) -> Result<String, ApiError> {
    caller.app_id().filter(|_| caller.is_app_itself()).map(str::to_owned).ok_or_else(|| {
        if caller.is_anonymous() {
            ApiError::unauthorized()
        } else {
            ApiError::forbidden("Only the app itself can access its properties.")
        }
    })
}

async fn keys(State(app): State<App>, caller: Caller) -> Result<Json<Value>, ApiError> {
    let id = app_of(&caller)?;
    let url = format!("{}/rest/forge/1/app/properties", app.state.site_url());
    let store = app.state.read();
    let none = std::collections::BTreeMap::new();
    Ok(Json(property::keys(store.app_properties.get(&id).unwrap_or(&none), &url)))
}

async fn one(State(app): State<App>, caller: Caller, Path(key): Path<String>) -> Result<Json<Value>, ApiError> {
    let id = app_of(&caller)?;
    let store = app.state.read();
    let properties = store.app_properties.get(&id).ok_or_else(|| property::missing(&key))?;
    property::one(properties, &key).map(Json)
}

async fn put(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Body(value): Body<Value>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let id = app_of(&caller)?;
    property::check(&key, &value)?;
    let existed = app.state.write().app_properties.entry(id).or_default().insert(key, value).is_some();
    let (status, word) = if existed { (StatusCode::OK, "updated") } else { (StatusCode::CREATED, "created") };
    let said = json!({"message": format!("Property {word}."), "statusCode": status.as_u16()});
    Ok((status, Json(said)))
}

async fn delete(State(app): State<App>, caller: Caller, Path(key): Path<String>) -> Result<StatusCode, ApiError> {
    let id = app_of(&caller)?;
    let removed = app.state.write().app_properties.get_mut(&id).and_then(|p| p.remove(&key)).is_some();
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(property::missing(&key)) }
}
