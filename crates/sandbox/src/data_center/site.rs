//! What the site says of itself, and of who is signed in.

use axum::{
    Extension, Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde_json::{Value, json};

use super::{config::Version, door};
use crate::{App, auth::Caller, rest::Shape};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rest/api/2/serverInfo", get(server_info))
        .route("/rest/servicedeskapi/info", get(info))
        .route("/rest/auth/1/session", get(session))
}

fn version(app: &App) -> Version {
    app.config.deployment.data_center().map(|server| server.version).unwrap_or_default()
}

/// `10.3.0` is build 1003000.
fn build(version: Version) -> u32 {
    u32::from(version.major) * 100_000 + u32::from(version.minor) * 1000 + u32::from(version.patch)
}

async fn server_info(State(app): State<App>, Extension(caller): Extension<Caller>) -> Json<Value> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let version = version(&app);
    let mut told = json!({
        "baseUrl": app.state.site_url(),
        "version": version.to_string(),
        "versionNumbers": [version.major, version.minor, version.patch],
        "deploymentType": "Server",
        "buildNumber": build(version),
        "buildDate": "2026-05-20T00:00:00.000+0000",
        "databaseBuildNumber": build(version),
        "scmInfo": "0000000000000000000000000000000000000000",
        "serverTitle": app.state.site_name(),
    });
    // The time is nobody's business who is not signed in.
    if let Some(object) = told.as_object_mut().filter(|_| !caller.is_anonymous()) {
        object.insert("serverTime".to_owned(), json!(shape.instant(app.state.now())));
    }
    Json(told)
}

async fn info(State(app): State<App>) -> Json<Value> {
    let version = version(&app);
    Json(json!({
        "version": version.of_service_management().to_string(),
        "platformVersion": version.to_string(),
        "buildDate": {"iso8601": "2026-05-20T00:00:00+0000", "jira": "2026-05-20T00:00:00.000+0000", "friendly": "20/May/26 12:00 AM", "epochMillis": 1_779_235_200_000_i64},
        "buildChangeSet": "0000000000000000",
        "isLicensedForUse": true,
        "_links": {"self": format!("{}/rest/servicedeskapi/info", app.state.site_url())},
    }))
}

async fn session(State(app): State<App>, Extension(caller): Extension<Caller>) -> Response {
    let store = app.state.read();
    match store.account(caller.account()) {
        Some(account) => {
            let own = format!("{}/rest/api/2/user?username={}", app.state.site_url(), account.username);
            Json(json!({"self": own, "name": account.username, "loginInfo": {"loginCount": 1}})).into_response()
        }
        None => (StatusCode::UNAUTHORIZED, Json(door::nobody())).into_response(),
    }
}
