//! Properties of an app, kept for it by the site. Only the app itself reaches them.
//!
//! Of a Connect app's there is the one that Jira itself keeps: what the site is called by, for the Forge app that carries the Connect app on.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use serde_json::{Value, json};

use super::{error::ApiError, property, request::Body};
use crate::{App, auth::Caller};

/// What the site is called by in Connect's calls. Nobody can write it.
const CLIENT_KEY: &str = "connect_client_key_019cdff3-8bfb-71fe-9628-875b700aebb8";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rest/atlassian-connect/1/addons/{addonKey}/properties/{propertyKey}", get(of_connect))
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

/// For the Connect app itself, and for the Forge app whose manifest has its key.
async fn of_connect(
    State(app): State<App>,
    caller: Caller,
    Path((connect_app, key)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let itself = caller.app_id().filter(|_| caller.is_app_itself()).ok_or_else(|| {
        ApiError::operation(StatusCode::UNAUTHORIZED, "Access to this resource must be authenticated as an app.")
    })?;
    let carried = app.forge.installation(itself).and_then(|forge| forge.manifest.connect.clone());
    let own = itself == connect_app || carried.is_some_and(|carried| carried.key == connect_app);
    let kept = app.connect.client_key(&connect_app).filter(|_| own && key == CLIENT_KEY);
    let value = kept.ok_or_else(|| ApiError::operation(StatusCode::NOT_FOUND, "Property with key not found."))?;
    Ok(Json(json!({"key": key, "value": value})))
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
