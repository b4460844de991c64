//! Registering webhooks: of apps (dynamic, they end after 30 days) and of admins (with a secret).

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, put},
};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Shape,
    error::ApiError,
    request::{Body, Params, page_bean},
};
use crate::{App, Registration, auth::Caller, jql};

/// How long a dynamic webhook lasts.
const LASTS: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Dynamic webhooks that one app may have.
const MAX_PER_APP: usize = 100;
/// Events of dynamic webhooks.
const DYNAMIC_EVENTS: [&str; 8] = [
    "jira:issue_created",
    "jira:issue_updated",
    "jira:issue_deleted",
    "comment_created",
    "comment_updated",
    "comment_deleted",
    "issue_property_set",
    "issue_property_deleted",
];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rest/api/3/webhook", get(list).post(register).delete(unregister))
        .route("/rest/api/3/webhook/refresh", put(refresh))
        .route("/rest/api/3/webhook/failed", get(failed))
        .route("/rest/webhooks/1.0/webhook", get(admin_list).post(admin_create))
        .route("/rest/webhooks/1.0/webhook/{id}", get(admin_one).put(admin_edit).delete(admin_delete))
}

fn app_of(caller: &Caller) -> Result<String, ApiError> {
    caller
        .app_id()
        .map(str::to_owned)
        .ok_or_else(|| ApiError::forbidden("Only Connect and OAuth 2.0 apps can use this operation."))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Registering {
    url: String,
    webhooks: Vec<Wanted>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    events: Vec<String>,
    jql_filter: String,
    #[serde(default)]
    field_ids_filter: Vec<String>,
    #[serde(default)]
    issue_property_keys_filter: Vec<String>,
}

async fn register(
    State(app): State<App>,
    caller: Caller,
    Body(body): Body<Registering>,
) -> Result<Json<Value>, ApiError> {
    let app_id = app_of(&caller)?;
    if url::Url::parse(&body.url).is_err() {
        return Err(ApiError::bad("The URL is not valid."));
    }
    let now = app.state.now();
    let mut results = Vec::new();
    for wanted in body.webhooks {
        let mut errors = Vec::new();
        if wanted.events.is_empty() {
            errors.push("Unable to register a webhook without events.".to_owned());
        }
        for event in wanted.events.iter().filter(|e| !DYNAMIC_EVENTS.contains(&e.as_str())) {
            errors.push(format!("Unsupported event: {event}"));
        }
        {
            let store = app.state.read();
            let owned = store.webhooks.values().filter(|h| h.is_dynamic_of(&app_id)).count();
            if owned >= MAX_PER_APP {
                errors.push("The maximum number of webhooks per app has been reached.".to_owned());
            }
            if let Err(mut faults) = jql::run(&app.state, &store, &caller, &wanted.jql_filter, jql::Bound::Free, &[]) {
                errors.append(&mut faults);
            }
        }
        if !errors.is_empty() {
            results.push(json!({"errors": errors}));
            continue;
        }
        let mut store = app.state.write();
        let id = store.next_id();
        store.webhooks.insert(
            id,
            Registration {
                id,
                name: String::new(),
                url: body.url.clone(),
                events: wanted.events,
                jql: wanted.jql_filter,
                secret: None,
                enabled: true,
                exclude_body: false,
                app_id: Some(app_id.clone()),
                connect_app: None,
                expires_at: now.checked_add(LASTS).ok(),
                field_ids: wanted.field_ids_filter,
                property_keys: wanted.issue_property_keys_filter,
                updated_at: now,
                updated_by: caller.account().to_owned(),
            },
        );
        results.push(json!({"createdWebhookId": id}));
    }
    Ok(Json(json!({"webhookRegistrationResult": results})))
}

async fn list(State(app): State<App>, caller: Caller, params: Params) -> Result<Json<Value>, ApiError> {
    let (start, size) = params.page(100, 100)?;
    let app_id = app_of(&caller)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let values = store
        .webhooks
        .values()
        .filter(|h| h.is_dynamic_of(&app_id))
        .map(|h| {
            let mut value = json!({
                "id": h.id,
                "url": h.url,
                "jqlFilter": h.jql,
                "events": h.events,
                "expirationDate": h.expires_at.map_or(0, jiff::Timestamp::as_millisecond),
            });
            if let Some(object) = value.as_object_mut() {
                if !h.field_ids.is_empty() {
                    object.insert("fieldIdsFilter".to_owned(), json!(h.field_ids));
                }
                if !h.property_keys.is_empty() {
                    object.insert("issuePropertyKeysFilter".to_owned(), json!(h.property_keys));
                }
            }
            value
        })
        .collect();
    Ok(Json(page_bean(&shape.url("webhook"), values, start, size)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ids {
    webhook_ids: Vec<u64>,
}

async fn unregister(State(app): State<App>, caller: Caller, Body(ids): Body<Ids>) -> Result<StatusCode, ApiError> {
    let app_id = app_of(&caller)?;
    app.state.write().webhooks.retain(|id, h| !h.is_dynamic_of(&app_id) || !ids.webhook_ids.contains(id));
    Ok(StatusCode::ACCEPTED)
}

async fn refresh(State(app): State<App>, caller: Caller, Body(ids): Body<Ids>) -> Result<Json<Value>, ApiError> {
    let app_id = app_of(&caller)?;
    let end = app.state.now().checked_add(LASTS).map_err(|_| ApiError::bad("No such date."))?;
    let mut store = app.state.write();
    for hook in store.webhooks.values_mut() {
        if hook.is_dynamic_of(&app_id) && ids.webhook_ids.contains(&hook.id) {
            hook.expires_at = Some(end);
        }
    }
    Ok(Json(json!({"expirationDate": end.as_millisecond()})))
}

async fn failed(caller: Caller) -> Result<Json<Value>, ApiError> {
    app_of(&caller)?;
    // Only deliveries that all retries lost 72 hours ago are listed, and none is kept that long.
    Ok(Json(json!({"values": [], "maxResults": 100})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AdminHook {
    name: String,
    url: String,
    #[serde(default)]
    events: Vec<String>,
    #[serde(default)]
    filters: Value,
    #[serde(default)]
    exclude_body: bool,
    #[serde(default = "enabled")]
    enabled: bool,
    secret: Option<String>,
}

fn enabled() -> bool {
    true
}

impl AdminHook {
    fn jql(&self) -> String {
        let filter = self.filters.get("issue-related-events-section").and_then(Value::as_str);
        filter.unwrap_or_default().to_owned()
    }
}

fn admin(app: &App, caller: &Caller) -> Result<(), ApiError> {
    let store = app.state.read();
    if caller.is_anonymous() {
        Err(ApiError::unauthorized())
    } else if Shape::new(&store, &app.state, caller).access.site_admin() {
        Ok(())
    } else {
        Err(ApiError::forbidden("You must be an administrator to manage webhooks."))
    }
}

fn written(app: &App, hook: &Registration) -> Value {
    json!({
        "name": hook.name,
        "url": hook.url,
        "excludeBody": hook.exclude_body,
        "filters": {"issue-related-events-section": hook.jql},
        "events": hook.events,
        "enabled": hook.enabled,
        "isSigned": hook.secret.is_some(),
        "self": format!("{}/rest/webhooks/1.0/webhook/{}", app.state.site_url(), hook.id),
        "lastUpdatedUser": hook.updated_by,
        "lastUpdated": hook.updated_at.as_millisecond(),
    })
}

fn no_hook() -> ApiError {
    ApiError::not_found("The webhook does not exist.")
}

async fn admin_list(State(app): State<App>, caller: Caller) -> Result<Json<Value>, ApiError> {
    admin(&app, &caller)?;
    let store = app.state.read();
    let own = store.webhooks.values().filter(|h| h.app_id.is_none());
    Ok(Json(own.map(|h| written(&app, h)).collect()))
}

async fn admin_create(
    State(app): State<App>,
    caller: Caller,
    Body(hook): Body<AdminHook>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    admin(&app, &caller)?;
    if url::Url::parse(&hook.url).is_err() || hook.name.trim().is_empty() {
        return Err(ApiError::bad("A webhook needs a name and a valid URL."));
    }
    jql::parse(&hook.jql()).map_err(ApiError::bad)?;
    let now = app.state.now();
    let mut store = app.state.write();
    let id = store.next_id();
    let registration = Registration {
        id,
        jql: hook.jql(),
        name: hook.name,
        url: hook.url,
        events: hook.events,
        secret: hook.secret.filter(|s| !s.is_empty()),
        enabled: hook.enabled,
        exclude_body: hook.exclude_body,
        app_id: None,
        connect_app: None,
        expires_at: None,
        field_ids: Vec::new(),
        property_keys: Vec::new(),
        updated_at: now,
        updated_by: caller.account().to_owned(),
    };
    let answer = written(&app, &registration);
    store.webhooks.insert(id, registration);
    Ok((StatusCode::CREATED, Json(answer)))
}

async fn admin_one(State(app): State<App>, caller: Caller, Path(id): Path<u64>) -> Result<Json<Value>, ApiError> {
    admin(&app, &caller)?;
    let store = app.state.read();
    let hook = store.webhooks.get(&id).filter(|h| h.app_id.is_none()).ok_or_else(no_hook)?;
    Ok(Json(written(&app, hook)))
}

async fn admin_edit(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<u64>,
    Body(new): Body<AdminHook>,
) -> Result<Json<Value>, ApiError> {
    admin(&app, &caller)?;
    jql::parse(&new.jql()).map_err(ApiError::bad)?;
    let now = app.state.now();
    let mut store = app.state.write();
    let hook = store.webhooks.get_mut(&id).filter(|h| h.app_id.is_none()).ok_or_else(no_hook)?;
    hook.jql = new.jql();
    hook.name = new.name;
    hook.url = new.url;
    hook.events = new.events;
    hook.enabled = new.enabled;
    hook.exclude_body = new.exclude_body;
    hook.updated_at = now;
    hook.updated_by = caller.account().to_owned();
    if new.secret.is_some() {
        hook.secret = new.secret.filter(|s| !s.is_empty());
    }
    Ok(Json(written(&app, hook)))
}

async fn admin_delete(State(app): State<App>, caller: Caller, Path(id): Path<u64>) -> Result<StatusCode, ApiError> {
    admin(&app, &caller)?;
    let mut store = app.state.write();
    if store.webhooks.get(&id).is_none_or(|h| h.app_id.is_some()) {
        return Err(no_hook());
    }
    store.webhooks.remove(&id);
    Ok(StatusCode::NO_CONTENT)
}
