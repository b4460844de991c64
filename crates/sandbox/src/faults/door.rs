//! `/sandbox/faults`: what is in force, with every knob; other faults; back to how the site began.
//!
//! It is the sandbox's own, not Jira's: no fault ever strikes it.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    routing::get,
};
use serde_json::{Value, json};

use super::{Control, plan, read::read as read_document};
use crate::App;

/// Largest document, in bytes: the most rules there may be, at the longest.
const MAX_BODY: usize = 256 * 1024;

pub(crate) fn router(app: &App) -> Router {
    Router::new()
        .route("/sandbox/faults", get(read).put(command).delete(take_back))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(app.clone())
}

/// What is in force, how often each rule was met, and every knob.
pub(crate) fn told(control: &Control) -> Value {
    let now = (control.clock)();
    let in_force = control.in_force();
    let met: Vec<Value> = in_force
        .faults
        .requests
        .iter()
        .zip(&in_force.met)
        .map(|(rule, met)| {
            json!({
                "matched": met.matched,
                "struck": met.struck,
                "left": rule.next.map(|next| next.saturating_sub(met.struck)),
                "ended": in_force.ended(rule, *met, now),
            })
        })
        .collect();
    json!({
        "faults": plan::write(&in_force.faults, in_force.seed),
        "since": in_force.since.to_string(),
        "met": met,
        "knobs": plan::knobs(),
    })
}

async fn read(State(app): State<App>) -> Json<Value> {
    Json(told(app.state.faults()))
}

async fn command(State(app): State<App>, body: Bytes) -> Result<Json<Value>, (StatusCode, Json<Value>)> {
    let (faults, seed) =
        read_document(&body).map_err(|mistakes| (StatusCode::BAD_REQUEST, Json(json!({"errors": mistakes}))))?;
    app.state.faults().command(faults, seed);
    Ok(Json(told(app.state.faults())))
}

async fn take_back(State(app): State<App>) -> Json<Value> {
    app.state.faults().take_back();
    Json(told(app.state.faults()))
}
