//! The two addresses of a site: its own, and `api.atlassian.com/ex/jira/{cloudId}`, whose paths are
//! answered here too. Apps' tokens are good only at the second.

use axum::{
    Router,
    extract::{Request, State},
    http::Uri,
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};

use crate::{App, rest::error::ApiError};

/// Marks a request that came by the gateway's paths.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ThroughGateway;

const PREFIX: &str = "/ex/jira/";

/// Puts the gateway in front of a site. Rewriting must happen before routing, so the site's router
/// is only a fallback of the outer one.
pub(crate) fn wrap(site: Router, app: &App) -> Router {
    Router::new().fallback_service(site).layer(middleware::from_fn_with_state(app.clone(), rewrite))
}

async fn rewrite(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let path_and_query = request.uri().path_and_query().map(|p| p.as_str().to_owned()).unwrap_or_default();
    if let Some(rest) = path_and_query.strip_prefix(PREFIX) {
        let (cloud_id, rest) = rest.split_once('/').unwrap_or((rest, ""));
        if cloud_id != app.state.cloud_id() {
            return ApiError::no_such_cloud().into_response();
        }
        let Ok(uri) = format!("/{rest}").parse::<Uri>() else {
            return ApiError::no_such_cloud().into_response();
        };
        *request.uri_mut() = uri;
        request.extensions_mut().insert(ThroughGateway);
    }
    if app.state.chance(app.config.faults.unavailable) {
        return ApiError::unavailable().into_response();
    }
    next.run(request).await
}
