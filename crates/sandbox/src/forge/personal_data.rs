//! `POST /app/report-accounts/`: apps say whose personal data they hold, and hear whose account has
//! been closed or changed since.
//!
//! Start reading at [`report`].

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use axum::{
    Json,
    body::Bytes,
    extract::State as Shared,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::{
    App,
    events::{Event, EventKind},
};

/// Accounts in one report.
const ACCOUNTS_MAX: usize = 90;
/// How often an account may be reported.
const CYCLE: &str = "P7D";
const SCOPE: &str = "report:personal-data";
/// Atlassian's account for tests that is always closed.
const ALWAYS_CLOSED: &str = "5be24ba3f91c106033269289";
/// Atlassian's account for tests that is always active.
const ALWAYS_ACTIVE: &str = "5be24ad8b1653240376955d2";
const ID_CHARS_MAX: usize = 128;

/// When each account last changed.
#[derive(Default)]
pub(super) struct Changes(Mutex<HashMap<String, Timestamp>>);

impl Changes {
    /// Remembers changes of accounts.
    pub(super) fn note(&self, event: &Event) {
        if let EventKind::UserUpdated { account_id } | EventKind::UserDeleted { account_id } = &event.kind {
            let mut changes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            changes.insert(account_id.clone(), event.at);
        }
    }

    fn since(&self, account_id: &str, at: Timestamp) -> bool {
        let changes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        changes.get(account_id).is_some_and(|changed| *changed > at)
    }
}

#[derive(Deserialize)]
struct Report {
    accounts: Vec<Reported>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reported {
    account_id: String,
    updated_at: Timestamp,
}

pub(super) async fn report(Shared(app): Shared<App>, headers: HeaderMap, body: Bytes) -> Response {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    let now = app.state.now();
    let grant = app.state.read().app_tokens.get(bearer).filter(|grant| grant.expires_at > now).cloned();
    let Some(grant) = grant else {
        let body = json!({"code": 401, "message": "Unauthorized"});
        return (StatusCode::UNAUTHORIZED, Json(body)).into_response();
    };
    if !grant.scopes.iter().any(|scope| scope == SCOPE) {
        let body = json!({"code": 401, "message": "Unauthorized; scope does not match"});
        return (StatusCode::UNAUTHORIZED, Json(body)).into_response();
    }
    let report: Report = match serde_json::from_slice(&body) {
        Ok(report) => report,
        Err(why) => return bad(&why.to_string()),
    };
    if report.accounts.is_empty() || report.accounts.len() > ACCOUNTS_MAX {
        return bad(&format!("accounts: between 1 and {ACCOUNTS_MAX} are taken"));
    }
    let mut told = Vec::new();
    for Reported { account_id, updated_at } in &report.accounts {
        if !is_account_id(account_id) {
            return bad("accountId is not an account id");
        }
        let (known, active) = {
            let store = app.state.read();
            let account = store.account(account_id);
            (account.is_some(), account.is_some_and(|account| account.active))
        };
        let status = if account_id == ALWAYS_CLOSED || (known && !active) {
            "closed"
        } else if account_id != ALWAYS_ACTIVE && app.forge.personal_data.since(account_id, *updated_at) {
            "updated"
        } else {
            continue;
        };
        told.push(json!({"accountId": account_id, "status": status}));
    }
    let cycle = [("cycle-period", CYCLE)];
    if told.is_empty() {
        return (StatusCode::NO_CONTENT, cycle).into_response();
    }
    (cycle, Json(json!({"accounts": told}))).into_response()
}

fn is_account_id(id: &str) -> bool {
    (1..=ID_CHARS_MAX).contains(&id.len())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == ':')
        && id != "unknown"
}

fn bad(message: &str) -> Response {
    let body = json!({"errorType": "BAD_REQUEST", "errorMessage": message});
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
