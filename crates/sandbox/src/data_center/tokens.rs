//! Personal access tokens, of whoever is signed in. The secret is told once.

use axum::{
    Extension, Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::{delete, get},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::door;
use crate::{
    App,
    auth::Caller,
    rest::{Shape, error::ApiError, request::Body},
    state::PersonalToken,
};

/// Longest life that may be asked for, in days.
const MAX_DAYS: u32 = 365;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rest/pat/latest/tokens", get(list).post(make))
        .route("/rest/pat/latest/tokens/{tokenId}", delete(revoke))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct NewToken {
    name: String,
    expiration_duration: Option<u32>,
}

fn write(shape: &Shape<'_>, token: &PersonalToken) -> Value {
    json!({
        "id": token.id,
        "name": token.name,
        "createdAt": shape.instant(token.created_at),
        "expiringAt": token.expires_at.map(|end| shape.instant(end)),
    })
}

fn nobody() -> Response {
    (StatusCode::UNAUTHORIZED, Json(door::nobody())).into_response()
}

async fn list(State(app): State<App>, Extension(caller): Extension<Caller>) -> Response {
    if caller.is_anonymous() {
        return nobody();
    }
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    Json(store.tokens_of(caller.account()).iter().map(|token| write(&shape, token)).collect::<Value>()).into_response()
}

async fn make(State(app): State<App>, Extension(caller): Extension<Caller>, Body(new): Body<NewToken>) -> Response {
    if caller.is_anonymous() {
        return nobody();
    }
    if new.name.trim().is_empty() {
        return ApiError::bad("Token name cannot be empty").into_response();
    }
    if new.expiration_duration.is_some_and(|days| days == 0 || days > MAX_DAYS) {
        return ApiError::bad(format!("The expiry must be between 1 and {MAX_DAYS} days")).into_response();
    }
    match app.state.make_token(caller.account(), &new.name, new.expiration_duration) {
        Err(why) => ApiError::from(why).into_response(),
        Ok((token, secret)) => {
            let store = app.state.read();
            let mut value = write(&Shape::new(&store, &app.state, &caller), &token);
            if let Some(object) = value.as_object_mut() {
                object.insert("rawToken".to_owned(), json!(secret));
            }
            (StatusCode::CREATED, Json(value)).into_response()
        }
    }
}

async fn revoke(State(app): State<App>, Extension(caller): Extension<Caller>, Path(id): Path<u64>) -> Response {
    if caller.is_anonymous() {
        return nobody();
    }
    match app.state.revoke_token(caller.account(), id) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(_) => ApiError::not_found("Token does not exist").into_response(),
    }
}
