//! Webhooks of administrators, by the API of the version: until 9 without a secret, since 10 with one, which stands in
//! the configuration. A secret in another place is ignored, and what is sent then is not signed.

use axum::{
    Extension, Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::door;
use crate::{
    App, Registration,
    auth::Caller,
    jql,
    rest::{Shape, error::ApiError, request::Body},
};

/// The events that there are.
const EVENTS: [&str; 25] = [
    "jira:issue_created",
    "jira:issue_updated",
    "jira:issue_deleted",
    "jira:worklog_updated",
    "comment_created",
    "comment_updated",
    "comment_deleted",
    "worklog_created",
    "worklog_updated",
    "worklog_deleted",
    "issuelink_created",
    "issuelink_deleted",
    "project_created",
    "project_updated",
    "project_deleted",
    "jira:version_created",
    "jira:version_updated",
    "jira:version_deleted",
    "jira:version_released",
    "jira:version_unreleased",
    "user_created",
    "user_updated",
    "user_deleted",
    "sprint_created",
    "sprint_closed",
];
/// What filters of issues are kept by.
const SECTION: &str = "issue-related-events-section";

pub(super) fn routes() -> Router<App> {
    const OLD: &str = "/rest/webhooks/1.0/webhook";
    const NEW: &str = "/rest/jira-webhook/1.0/webhooks";
    Router::new()
        .route(OLD, get(old_list).post(old_make))
        .route(&format!("{OLD}/{{id}}"), get(old_one).put(old_edit).delete(delete))
        .route(NEW, get(new_list).post(new_make))
        .route(&format!("{NEW}/{{id}}"), get(new_one).put(new_edit).delete(delete))
}

/// What a webhook is to be.
struct Wanted {
    name: String,
    url: String,
    events: Vec<String>,
    jql: String,
    exclude_body: bool,
    enabled: bool,
    secret: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Old {
    name: String,
    url: String,
    #[serde(default)]
    events: Vec<String>,
    #[serde(default)]
    filters: Map<String, Value>,
    #[serde(default)]
    exclude_body: bool,
    enabled: Option<bool>,
}

impl From<Old> for Wanted {
    fn from(given: Old) -> Self {
        let jql = given.filters.get(SECTION).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (name, url, events) = (given.name, given.url, given.events);
        let enabled = given.enabled.unwrap_or(true);
        Self { name, url, events, jql, exclude_body: given.exclude_body, enabled, secret: None }
    }
}

#[derive(Deserialize)]
struct New {
    name: String,
    url: String,
    #[serde(default)]
    events: Vec<String>,
    active: Option<bool>,
    #[serde(default)]
    configuration: Map<String, Value>,
}

impl From<New> for Wanted {
    fn from(given: New) -> Self {
        let told = |key: &str| given.configuration.get(key).and_then(Value::as_str);
        // Filters are JSON within a text.
        let filters: Map<String, Value> =
            told("FILTERS").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let jql = filters.get(SECTION).and_then(Value::as_str).unwrap_or_default().to_owned();
        let secret = told("SECRET").filter(|secret| !secret.is_empty()).map(str::to_owned);
        let exclude_body = told("EXCLUDE_BODY") == Some("true");
        let enabled = given.active.unwrap_or(true);
        Self { jql, exclude_body, enabled, secret, name: given.name, url: given.url, events: given.events }
    }
}

#[expect(clippy::result_large_err, reason = "the refusal is the finished answer, made once")]
fn admin(app: &App, caller: &Caller) -> Result<(), Response> {
    let store = app.state.read();
    if caller.is_anonymous() {
        return Err((StatusCode::UNAUTHORIZED, Json(door::nobody())).into_response());
    }
    if Shape::new(&store, &app.state, caller).access.site_admin() {
        return Ok(());
    }
    Err(ApiError::forbidden("You must have the Jira Administrators global permission.").into_response())
}

fn check(wanted: &Wanted) -> Result<(), ApiError> {
    let good = url::Url::parse(&wanted.url).is_ok_and(|url| ["http", "https"].contains(&url.scheme()));
    if wanted.name.trim().is_empty() || !good {
        return Err(ApiError::bad("A webhook needs a name and a valid URL."));
    }
    if let Some(event) = wanted.events.iter().find(|event| !EVENTS.contains(&event.as_str())) {
        return Err(ApiError::bad(format!("There is no event {event}.")));
    }
    jql::parse(&wanted.jql).map(drop).map_err(ApiError::bad)
}

fn none() -> Response {
    ApiError::not_found("The webhook does not exist.").into_response()
}

type Write = fn(&App, &Registration) -> Value;

fn old(app: &App, hook: &Registration) -> Value {
    let store = app.state.read();
    let by = store.account(&hook.updated_by);
    json!({
        "name": hook.name,
        "url": hook.url,
        "excludeBody": hook.exclude_body,
        "filters": {SECTION: hook.jql},
        "events": hook.events,
        "enabled": hook.enabled,
        "self": format!("{}/rest/webhooks/1.0/webhook/{}", app.state.site_url(), hook.id),
        "lastUpdatedUser": by.map(|account| account.user_key.clone()),
        "lastUpdatedDisplayName": by.map(|account| account.display_name.clone()),
        "lastUpdated": hook.updated_at.as_millisecond(),
    })
}

/// The secret is told nobody again.
fn new(_: &App, hook: &Registration) -> Value {
    let at = hook.updated_at.as_millisecond();
    json!({
        "id": hook.id,
        "name": hook.name,
        "createdDate": at,
        "updatedDate": at,
        "url": hook.url,
        "events": hook.events,
        "configuration": {
            "EXCLUDE_BODY": hook.exclude_body.to_string(),
            "FILTERS": json!({SECTION: hook.jql}).to_string(),
        },
        "active": hook.enabled,
        "scopeType": "global",
        "sslVerificationRequired": true,
    })
}

fn list(app: &App, caller: &Caller, write: Write) -> Response {
    if let Err(refused) = admin(app, caller) {
        return refused;
    }
    let hooks: Vec<Registration> = app.state.read().webhooks.values().cloned().collect();
    Json(hooks.iter().map(|hook| write(app, hook)).collect::<Value>()).into_response()
}

fn one(app: &App, caller: &Caller, id: u64, write: Write) -> Response {
    if let Err(refused) = admin(app, caller) {
        return refused;
    }
    let hook = app.state.read().webhooks.get(&id).cloned();
    hook.map_or_else(none, |hook| Json(write(app, &hook)).into_response())
}

fn put(app: &App, caller: &Caller, id: Option<u64>, wanted: Wanted, write: Write) -> Response {
    if let Err(refused) = admin(app, caller) {
        return refused;
    }
    if let Err(refused) = check(&wanted) {
        return refused.into_response();
    }
    let now = app.state.now();
    let mut store = app.state.write();
    let kept = match id {
        Some(id) => match store.webhooks.get(&id) {
            // A change that names no secret leaves the one that is there.
            Some(hook) => wanted.secret.clone().or_else(|| hook.secret.clone()),
            None => return none(),
        },
        None => wanted.secret,
    };
    let number = id.unwrap_or_else(|| store.next_id());
    let hook = Registration {
        id: number,
        name: wanted.name,
        url: wanted.url,
        events: wanted.events,
        jql: wanted.jql,
        secret: kept,
        enabled: wanted.enabled,
        exclude_body: wanted.exclude_body,
        app_id: None,
        connect_app: None,
        expires_at: None,
        field_ids: Vec::new(),
        property_keys: Vec::new(),
        updated_at: now,
        updated_by: caller.account().to_owned(),
    };
    store.webhooks.insert(number, hook.clone());
    drop(store);
    let status = if id.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    (status, Json(write(app, &hook))).into_response()
}

async fn old_list(State(app): State<App>, Extension(caller): Extension<Caller>) -> Response {
    list(&app, &caller, old)
}

async fn new_list(State(app): State<App>, Extension(caller): Extension<Caller>) -> Response {
    list(&app, &caller, new)
}

async fn old_one(State(app): State<App>, Extension(caller): Extension<Caller>, Path(id): Path<u64>) -> Response {
    one(&app, &caller, id, old)
}

async fn new_one(State(app): State<App>, Extension(caller): Extension<Caller>, Path(id): Path<u64>) -> Response {
    one(&app, &caller, id, new)
}

async fn old_make(State(app): State<App>, Extension(caller): Extension<Caller>, Body(given): Body<Old>) -> Response {
    put(&app, &caller, None, given.into(), old)
}

async fn new_make(State(app): State<App>, Extension(caller): Extension<Caller>, Body(given): Body<New>) -> Response {
    put(&app, &caller, None, given.into(), new)
}

async fn old_edit(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<u64>,
    Body(given): Body<Old>,
) -> Response {
    put(&app, &caller, Some(id), given.into(), old)
}

async fn new_edit(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<u64>,
    Body(given): Body<New>,
) -> Response {
    put(&app, &caller, Some(id), given.into(), new)
}

async fn delete(State(app): State<App>, Extension(caller): Extension<Caller>, Path(id): Path<u64>) -> Response {
    if let Err(refused) = admin(&app, &caller) {
        return refused;
    }
    match app.state.write().webhooks.remove(&id) {
        Some(_) => StatusCode::NO_CONTENT.into_response(),
        None => none(),
    }
}
