//! Properties of apps, kept for them by the site: by Forge's API, and by Connect's. Only the app itself reaches them.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use serde_json::{Value, json};

use super::{error::ApiError, property, request::Body};
use crate::{App, auth::Caller};

/// What the site is called by in Connect's calls: a property that Jira itself keeps, for the Forge app that carries the Connect app on.
const CLIENT_KEY: &str = "connect_client_key_019cdff3-8bfb-71fe-9628-875b700aebb8";
/// Longest key, in characters.
const MAX_KEY: usize = 127;
/// How many an app keeps, as Connect's source has it; of Forge's nothing is known.
const MAX_KEPT: usize = 100;

const FORGE: &str = "/rest/forge/1/app/properties";

/// A JSON body, or why it is none.
type Sent = Result<Body<Value>, ApiError>;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(FORGE, get(keys))
        .route("/rest/forge/1/app/properties/{propertyKey}", get(one).put(put).delete(delete))
        .route("/rest/atlassian-connect/1/addons/{addonKey}/properties", get(connect_keys))
        .route(
            "/rest/atlassian-connect/1/addons/{addonKey}/properties/{propertyKey}",
            get(connect_one).put(connect_put).delete(connect_delete),
        )
}

/// The Forge app that calls.
fn forge_app(caller: &Caller) -> Result<String, ApiError> {
    caller.app_id().filter(|_| caller.is_app_itself()).map(str::to_owned).ok_or_else(|| {
        if caller.is_anonymous() {
            ApiError::unauthorized()
        } else {
            ApiError::forbidden("Only the app itself can access its properties.")
        }
    })
}

/// The Connect app of this key, if it calls itself, or the Forge app that carries it on does.
fn connect_app(app: &App, caller: &Caller, key: String) -> Result<String, ApiError> {
    let Some(id) = caller.app_id().filter(|_| caller.is_app_itself()) else {
        let words = "Access to this resource must be authenticated as an app.";
        return Err(ApiError::operation(StatusCode::UNAUTHORIZED, words));
    };
    let carries = || {
        app.forge
            .installation(id)
            .is_some_and(|one| one.manifest.connect.as_ref().is_some_and(|carried| carried.key == key))
    };
    if id == key || carries() {
        Ok(key)
    } else {
        Err(ApiError::operation(StatusCode::NOT_FOUND, "Add-on with key does not exist."))
    }
}

/// 404 for a property.
fn missing() -> ApiError {
    ApiError::operation(StatusCode::NOT_FOUND, "Property with key not found.")
}

fn check_key(key: &str) -> Result<(), ApiError> {
    if key.chars().count() > MAX_KEY {
        let words = format!("The property key cannot be longer than {MAX_KEY} characters.");
        return Err(ApiError::operation(StatusCode::BAD_REQUEST, &words));
    }
    Ok(())
}

/// The keys of an app, below the address of its properties.
fn listed(app: &App, owner: &str, path: &str) -> Json<Value> {
    let url = format!("{}{path}", app.state.site_url());
    let store = app.state.read();
    let none = std::collections::BTreeMap::new();
    Json(property::keys(store.app_properties.get(owner).unwrap_or(&none), &url))
}

fn read(app: &App, owner: &str, key: &str) -> Result<Json<Value>, ApiError> {
    check_key(key)?;
    let store = app.state.read();
    let properties = store.app_properties.get(owner).ok_or_else(missing)?;
    property::one(properties, key).map(Json).map_err(|_| missing())
}

fn keep(app: &App, owner: String, key: String, sent: Sent) -> Result<(StatusCode, Json<Value>), ApiError> {
    check_key(&key)?;
    let Body(value) = sent.map_err(ApiError::into_operation)?;
    property::check(&key, &value).map_err(ApiError::into_operation)?;
    let mut store = app.state.write();
    let kept = store.app_properties.entry(owner).or_default();
    if kept.len() >= MAX_KEPT && !kept.contains_key(&key) {
        let words = format!("Maximum number of properties allowed to be stored ({MAX_KEPT}) has been reached.");
        return Err(ApiError::operation(StatusCode::CONFLICT, &words));
    }
    let (status, word) = match kept.insert(key, value) {
        Some(_) => (StatusCode::OK, "updated"),
        None => (StatusCode::CREATED, "created"),
    };
    let said = json!({"message": format!("Property {word}."), "statusCode": status.as_u16()});
    Ok((status, Json(said)))
}

fn forget(app: &App, owner: &str, key: &str) -> Result<StatusCode, ApiError> {
    check_key(key)?;
    let removed = app.state.write().app_properties.get_mut(owner).and_then(|kept| kept.remove(key)).is_some();
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(missing()) }
}

async fn keys(State(app): State<App>, caller: Caller) -> Result<Json<Value>, ApiError> {
    let owner = forge_app(&caller)?;
    Ok(listed(&app, &owner, FORGE))
}

async fn one(State(app): State<App>, caller: Caller, Path(key): Path<String>) -> Result<Json<Value>, ApiError> {
    let owner = forge_app(&caller)?;
    read(&app, &owner, &key)
}

async fn put(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    sent: Sent,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let owner = forge_app(&caller)?;
    keep(&app, owner, key, sent)
}

async fn delete(State(app): State<App>, caller: Caller, Path(key): Path<String>) -> Result<StatusCode, ApiError> {
    let owner = forge_app(&caller)?;
    forget(&app, &owner, &key)
}

async fn connect_keys(
    State(app): State<App>,
    caller: Caller,
    Path(addon): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let owner = connect_app(&app, &caller, addon)?;
    Ok(listed(&app, &owner, &format!("/rest/atlassian-connect/1/addons/{owner}/properties")))
}

async fn connect_one(
    State(app): State<App>,
    caller: Caller,
    Path((addon, key)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let owner = connect_app(&app, &caller, addon)?;
    if key == CLIENT_KEY {
        let value = app.connect.client_key(&owner).ok_or_else(missing)?;
        return Ok(Json(json!({"key": key, "value": value})));
    }
    read(&app, &owner, &key)
}

async fn connect_put(
    State(app): State<App>,
    caller: Caller,
    Path((addon, key)): Path<(String, String)>,
    sent: Sent,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let owner = connect_app(&app, &caller, addon)?;
    keep(&app, owner, key, sent)
}

async fn connect_delete(
    State(app): State<App>,
    caller: Caller,
    Path((addon, key)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let owner = connect_app(&app, &caller, addon)?;
    forget(&app, &owner, &key)
}
