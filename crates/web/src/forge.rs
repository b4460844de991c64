//! The doors that Forge knocks at by itself: events, schedules, the end of an installation. Each answers as soon as
//! the ids are queued: Forge waits five seconds and no longer. A page's frame reaches these addresses too, with a genuine token: it is refused.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;

use crate::caller::{door_cx, forge_headers};
use crate::reply::Problem;
use crate::router::Shared;

/// Forge's own bound for an event.
pub(crate) const EVENT_BYTES: usize = 5_000_000;

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/forge/events", post(event))
        .route("/forge/schedule", post(schedule))
        .route("/forge/uninstall", post(uninstall))
        .layer(DefaultBodyLimit::max(EVENT_BYTES))
}

async fn event(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Result<StatusCode, Problem> {
    let call = shared.host.inbound.verify(&forge_headers(&headers)).await?;
    call.invocation.not_of_a_page()?;
    let cx = door_cx(&shared, call.tenant, "forge");
    shared.host.inbound.accept_event(&cx, &call, &body).await?;
    (shared.wake)();
    Ok(StatusCode::NO_CONTENT)
}

async fn schedule(State(shared): State<Shared>, headers: HeaderMap) -> Result<StatusCode, Problem> {
    let call = shared.host.inbound.verify(&forge_headers(&headers)).await?;
    call.invocation.not_of_a_page()?;
    let cx = door_cx(&shared, call.tenant, "forge");
    shared.host.inbound.accept_schedule(&cx, &call).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn uninstall(State(shared): State<Shared>, headers: HeaderMap) -> Result<StatusCode, Problem> {
    let call = shared.host.inbound.verify(&forge_headers(&headers)).await?;
    call.invocation.not_of_a_page()?;
    let cx = door_cx(&shared, call.tenant, "forge");
    shared.host.inbound.accept_uninstall(&cx, &call).await?;
    (shared.wake)();
    Ok(StatusCode::NO_CONTENT)
}
