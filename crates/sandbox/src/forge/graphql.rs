//! `POST /graphql`: the one mutation of Atlassian's gateway that a remote needs, which gives a token
//! as somebody who isn't there.
//!
//! The query is not interpreted: whatever asks for `offlineUserAuthToken` is answered with all of its
//! fields, anything else is refused.
#![expect(clippy::indexing_slicing, reason = "only JSON values are indexed, which answer null for what they have not")]

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use axum::{
    Json,
    extract::State as Shared,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{App, state::model::AccountType};

/// Calls that Forge allows an app in a minute.
const CALLS_MAX: usize = 1000;
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// Times of the last calls, by app.
#[derive(Default)]
pub(super) struct Calls(Mutex<std::collections::HashMap<String, VecDeque<Timestamp>>>);

impl Calls {
    /// Counts a call; false when the app has had its share of this minute.
    fn count(&self, app_id: &str, now: Timestamp) -> bool {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let times = calls.entry(app_id.to_owned()).or_default();
        while times.front().is_some_and(|at| now.duration_since(*at) >= MINUTE) {
            times.pop_front();
        }
        if times.len() >= CALLS_MAX {
            return false;
        }
        times.push_back(now);
        true
    }
}

pub(super) async fn graphql(Shared(app): Shared<App>, headers: HeaderMap, Json(request): Json<Value>) -> Response {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    let now = app.state.now();
    let grant = app.state.read().app_tokens.get(bearer).filter(|grant| grant.expires_at > now).cloned();
    let Some(grant) = grant.filter(|grant| !grant.on_behalf) else {
        let body = json!({"code": 401, "message": "Unauthorized"});
        return (StatusCode::UNAUTHORIZED, Json(body)).into_response();
    };
    if !request["query"].as_str().is_some_and(|query| query.contains("offlineUserAuthToken")) {
        let message = "Validation error: this gateway has only offlineUserAuthToken";
        return Json(json!({"errors": [{"message": message}], "data": null})).into_response();
    }
    if !app.forge.offline_calls.count(&grant.app_id, now) {
        let body = json!({"errors": [{"message": "Rate limit exceeded"}], "data": null});
        return (StatusCode::TOO_MANY_REQUESTS, Json(body)).into_response();
    }
    let answer = match offline_token(&app, &grant.app_id, &request["variables"]["input"]) {
        Ok((token, ttl)) => {
            json!({"success": true, "errors": null, "authToken": {"token": token, "ttl": ttl}})
        }
        Err(message) => {
            json!({"success": false, "errors": [{"message": message}], "authToken": null})
        }
    };
    Json(json!({"data": {"offlineUserAuthToken": answer}})).into_response()
}

fn offline_token(app: &App, app_id: &str, input: &Value) -> Result<(String, i64), String> {
    let context = format!("ari:cloud:jira::site/{}", app.state.cloud_id());
    let contexts = input["contextIds"].as_array().map(Vec::as_slice).unwrap_or_default();
    if contexts.is_empty() || contexts.iter().any(|id| id.as_str() != Some(context.as_str())) {
        return Err("The app is not installed in this context".to_owned());
    }
    let user = input["userId"].as_str().unwrap_or_default();
    let person = {
        let store = app.state.read();
        store.account(user).is_some_and(|a| a.active && a.account_type != AccountType::App)
    };
    if !person {
        return Err("The user cannot be impersonated".to_owned());
    }
    let installation =
        app.forge.installation(app_id).ok_or_else(|| "The app is not installed in this context".to_owned())?;
    let token = app.forge.user_token(&installation, user)?;
    let token = token.ok_or_else(|| "The app has no scope for Jira".to_owned())?;
    let ttl = app.forge.seconds_left(&token);
    Ok((token, ttl))
}
