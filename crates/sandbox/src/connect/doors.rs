//! The host's own addresses: the keys of installs, and what only a sandbox has: installing by an address, and the address of
//! a page as somebody would be shown it.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State as Shared},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{InstallError, Installation, frames::Place};
use crate::{App, pages::people};

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/connect/install-keys/{kid}", get(install_key))
        .route("/sandbox/connect", get(list).post(install))
        .route("/sandbox/connect/{key}", axum::routing::delete(uninstall))
        .route("/sandbox/connect/{key}/disable", post(disable))
        .route("/sandbox/connect/{key}/page", post(page))
}

async fn install_key(Shared(app): Shared<App>, Path(kid): Path<String>) -> Response {
    let key = &app.connect.key;
    if kid != key.kid {
        return StatusCode::NOT_FOUND.into_response();
    }
    ([(header::CONTENT_TYPE, "text/plain")], key.pem.clone()).into_response()
}

fn described(app: &Installation) -> Value {
    json!({
        "key": app.descriptor.key, "name": app.descriptor.name, "baseUrl": app.descriptor.base_url,
        "clientKey": app.client_key, "enabled": app.enabled, "scopes": app.descriptor.scopes,
        "pages": app.descriptor.pages.iter().map(|page| page.key.as_str()).collect::<Vec<_>>(),
    })
}

fn refusal(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"error": message}))).into_response()
}

fn failed(error: &InstallError) -> Response {
    let status = match error {
        InstallError::NotInstalled(_) => StatusCode::NOT_FOUND,
        InstallError::Host(_) => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    refusal(status, &error.to_string())
}

async fn list(Shared(app): Shared<App>) -> Json<Value> {
    let apps: Vec<Value> = app.connect.installed().iter().map(|one| described(one)).collect();
    Json(json!({ "apps": apps }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Installing {
    url: String,
    installation_id: Option<String>,
}

async fn install(Shared(app): Shared<App>, body: Bytes) -> Response {
    let asked: Installing = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(why) => return refusal(StatusCode::UNPROCESSABLE_ENTITY, &why.to_string()),
    };
    match app.connect.install(&asked.url, asked.installation_id.as_deref()).await {
        Ok(installed) => (StatusCode::CREATED, Json(described(&installed))).into_response(),
        Err(error) => failed(&error),
    }
}

async fn uninstall(Shared(app): Shared<App>, Path(key): Path<String>) -> Response {
    match app.connect.uninstall(&key).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => failed(&error),
    }
}

async fn disable(Shared(app): Shared<App>, Path(key): Path<String>) -> Response {
    match app.connect.disable(&key).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => failed(&error),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PageAsked {
    user: String,
    module: String,
    issue: Option<String>,
}

async fn page(Shared(app): Shared<App>, Path(key): Path<String>, body: Bytes) -> Response {
    let asked: PageAsked = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(why) => return refusal(StatusCode::UNPROCESSABLE_ENTITY, &why.to_string()),
    };
    let Some(account_id) = people::find(&app.state.read(), &asked.user) else {
        return refusal(StatusCode::NOT_FOUND, &format!("nobody here is “{}”", asked.user));
    };
    let Some(installed) = app.connect.installation(&key) else {
        return refusal(StatusCode::NOT_FOUND, &format!("{key} is not installed"));
    };
    match app.connect.open(&installed, &asked.module, &account_id, &Place { issue: asked.issue }) {
        Ok(opened) => Json(json!({"url": opened.url, "token": opened.token})).into_response(),
        Err(why) => refusal(StatusCode::FORBIDDEN, why),
    }
}
