//! Service levels of a request: until it is answered first, and until it is resolved. They are counted around the clock from when
//! it was raised, and never pause.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::get,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{page, request::visible};
use crate::{
    App,
    access::Access,
    auth::Caller,
    rest::{Shape, error::ApiError, request::Params},
    state::Issue,
};

const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: i64 = 60_000;

struct Level {
    id: &'static str,
    name: &'static str,
    goal_ms: i64,
    /// When it was reached, if it was.
    reached: fn(&Shape<'_>, &Issue) -> Option<Timestamp>,
}

/// What each desk has.
static LEVELS: [Level; 2] = [
    Level { id: "1", name: "Time to resolution", goal_ms: 40 * HOUR_MS, reached: |_, issue| issue.resolved_at },
    Level { id: "2", name: "Time to first response", goal_ms: 8 * HOUR_MS, reached: first_response },
];

pub(super) fn routes() -> Router<App> {
    const ALL: &str = "/rest/servicedeskapi/request/{issueIdOrKey}/sla";
    Router::new().route(ALL, get(list)).route(&format!("{ALL}/{{slaMetricId}}"), get(one))
}

/// The first public comment of somebody who works there; a request that was resolved without one was answered by that.
fn first_response(shape: &Shape<'_>, issue: &Issue) -> Option<Timestamp> {
    let theirs = |author: &str| Access::new(shape.store, &Caller::person(author)).work_on(issue);
    let answers = issue.comments.iter().filter(|comment| {
        comment.public && issue.reporter.as_ref() != Some(&comment.author) && theirs(&comment.author)
    });
    answers.map(|comment| comment.created_at).chain(issue.resolved_at).min()
}

fn duration(ms: i64) -> Value {
    let (sign, length) = if ms < 0 { ("-", -ms) } else { ("", ms) };
    let friendly = format!("{sign}{}h {}m", length / HOUR_MS, length % HOUR_MS / MINUTE_MS);
    json!({"millis": ms, "friendly": friendly})
}

fn path(issue: &Issue) -> String {
    format!("request/{}/sla", issue.id)
}

fn written(shape: &Shape<'_>, issue: &Issue, level: &Level) -> Value {
    let reached = (level.reached)(shape, issue);
    let begun = issue.created_at.as_millisecond();
    let elapsed = (reached.unwrap_or_else(|| shape.state.now()).as_millisecond() - begun).max(0);
    let breach = Timestamp::from_millisecond(begun + level.goal_ms).unwrap_or(issue.created_at);
    let mut cycle = json!({
        "startTime": shape.date(issue.created_at),
        "breachTime": shape.date(breach),
        "breached": elapsed > level.goal_ms,
        "goalDuration": duration(level.goal_ms),
        "elapsedTime": duration(elapsed),
        "remainingTime": duration(level.goal_ms - elapsed),
    });
    let mut made = json!({
        "id": level.id,
        "name": level.name,
        "completedCycles": [],
        "slaDisplayFormat": "NEW_SLA_FORMAT",
        "_links": {"self": shape.desk_url(&format!("{}/{}", path(issue), level.id))},
    });
    if let (Some(parts), Some(whole)) = (cycle.as_object_mut(), made.as_object_mut()) {
        if let Some(at) = reached {
            parts.insert("stopTime".to_owned(), shape.date(at));
            whole.insert("completedCycles".to_owned(), json!([parts]));
        } else {
            parts.insert("paused".to_owned(), json!(false));
            parts.insert("withinCalendarHours".to_owned(), json!(true));
            whole.insert("ongoingCycle".to_owned(), json!(parts));
        }
    }
    made
}

/// A request of a desk that the caller works for: customers are not told how long they should have waited.
fn worked_on(shape: &Shape<'_>, key: &str) -> Result<Arc<Issue>, ApiError> {
    let issue = visible(shape, key)?;
    if shape.access.work_on(&issue) { Ok(issue) } else { Err(ApiError::desk_forbidden()) }
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let bounds = page::bounds(&params)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let issue = worked_on(&shape, &key)?;
    let write = |level: &Level| written(&shape, &issue, level);
    Ok(Json(page::page(app.state.site_url(), &path(&issue), &LEVELS, bounds, write)))
}

async fn one(
    State(app): State<App>,
    caller: Caller,
    Path((key, id)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let issue = worked_on(&shape, &key)?;
    let missing = || ApiError::desk_not_found("The SLA does not exist.", "sd.sla.error.not.found");
    let level = LEVELS.iter().find(|level| level.id == id).ok_or_else(missing)?;
    Ok(Json(written(&shape, &issue, level)))
}
