//! `POST /sandbox/scoped-token`: an API token with scopes, as Atlassian's pages of accounts and of service accounts make them, for
//! scripts. It exists only on a sandbox.

use axum::{
    Json,
    body::Bytes,
    extract::State as Shared,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;

use super::people;
use crate::{App, state::ScopedToken};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    user: String,
    scopes: Vec<String>,
    #[serde(default)]
    alone: bool,
}

pub(super) async fn make(Shared(app): Shared<App>, body: Bytes) -> Response {
    let wanted: Wanted = match serde_json::from_slice(&body) {
        Ok(wanted) => wanted,
        Err(why) => {
            return (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"error": why.to_string()}))).into_response();
        }
    };
    let found = people::find(&app.state.read(), &wanted.user);
    let Some(account_id) = found else {
        return (StatusCode::NOT_FOUND, Json(json!({"error": "nobody here is called so"}))).into_response();
    };
    let token = ScopedToken { account_id, scopes: wanted.scopes, alone: wanted.alone };
    Json(json!({"token": app.state.give_scoped_token(token)})).into_response()
}
