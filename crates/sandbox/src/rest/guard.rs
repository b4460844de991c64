//! What every call passes on its way in and out: identity, scope, limits; and the contract check on
//! the answer, and on what was asked.

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::{error::ApiError, scopes};
use crate::{
    App,
    auth::{self, Caller},
    connect::AsSent,
    contract::Asked,
    data_center::AtDoor,
    gateway::ThroughGateway,
    limits::Call,
};

/// Response header that says how many objects an answer read, for the points of apps. Taken off
/// again before the answer leaves.
pub(super) const OBJECTS_READ: &str = "x-sandbox-objects-read";

/// What the site itself says to an app that asks for more than its descriptor does.
const NO_SCOPE: &str = "The app does not have the scope that this operation needs.";

/// Marks an answer that was given before the operation: the files describe operations, not the gates before them.
#[derive(Debug, Clone, Copy)]
pub(super) struct BeforeOperation;

pub(super) async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(|p| p.as_str().to_owned()).unwrap_or_default();
    let method = request.method().clone();
    let call = match admit(&app, &mut request, &path) {
        Ok(call) => call,
        // Refused before the operation, so not checked either.
        Err(refusal) => return refusal,
    };
    let mut asked = None;
    if app.contract.is_some() {
        match Asked::read(&path, request).await {
            Ok((read, whole)) => {
                asked = Some(read);
                request = whole;
            }
            Err(refusal) => return app.limits.settle(&call, refusal.into_response()),
        }
    }
    let answer = app.limits.settle(&call, next.run(request).await);
    match (&app.contract, asked) {
        (Some(contract), Some(asked)) if answer.extensions().get::<BeforeOperation>().is_none() => {
            contract.check(method.as_str(), &path, &asked, answer).await
        }
        _ => answer,
    }
}

#[expect(clippy::result_large_err, reason = "the refusal is the finished answer, made once")]
fn admit(app: &App, request: &mut Request, path: &str) -> Result<Call, Response> {
    // A Data Center's own door has been passed already: it knows the caller, and its limits are others.
    if request.extensions().get::<AtDoor>().is_some() {
        let caller = request.extensions().get::<Caller>().cloned().unwrap_or_else(Caller::anonymous);
        return Ok(Call::new(request, path, &caller, &app.state));
    }
    let gateway = request.extensions().get::<ThroughGateway>().is_some();
    let sent = request.extensions().get::<AsSent>().map_or_else(|| request.uri().clone(), |sent| sent.0.clone());
    let of_connect = match gateway {
        true => None,
        false => {
            let found = app.connect.caller(&app.state, request.method(), &sent, request.headers());
            found.map_err(axum::response::IntoResponse::into_response)?
        }
    };
    let caller = match of_connect {
        Some(caller) => caller,
        None => auth::identify(&app.state, request.headers(), gateway)
            .map_err(axum::response::IntoResponse::into_response)?,
    };
    if let Some(scopes) = caller.scopes()
        && !scopes::allow(request.method().as_str(), path, scopes)
    {
        // The gateway and the site say it each in its own way.
        let refused = if gateway { ApiError::scope() } else { ApiError::forbidden(NO_SCOPE) };
        return Err(refused.into_response());
    }
    let call = Call::new(request, path, &caller, &app.state);
    app.limits.admit(&call)?;
    request.extensions_mut().insert::<Caller>(caller);
    Ok(call)
}
