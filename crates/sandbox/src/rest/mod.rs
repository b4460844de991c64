//! The REST APIs: platform version 3, service management, app properties and webhooks.
//!
//! Paths are written exactly as Atlassian's OpenAPI writes them: the path pattern is the name of an
//! operation in the scope table, in the rate limits and in the contract check. One file a resource;
//! each handler reads, asks [`crate::access`], changes [`crate::state`], and answers.

mod app_property;
mod attachment;
mod comment;
mod desk;
pub(crate) mod error;
mod guard;
pub(crate) mod issue;
mod issue_fields;
mod issue_shape;
mod link;
mod people;
pub(crate) mod permission;
mod project;
mod property;
pub(crate) mod request;
mod scopes;
mod search;
mod shape;
mod site;
mod transition;
pub(crate) mod upload;
pub(crate) mod version_two;
mod webhook;

use axum::{
    Router,
    extract::{DefaultBodyLimit, OriginalUri},
    middleware,
};

use self::error::ApiError;
use crate::App;

pub(crate) use issue_shape::{Extras, Selection};
pub(crate) use shape::Shape;

/// Largest body that Jira reads outside attachments, in bytes.
pub(crate) const MAX_BODY: usize = 5 * 1024 * 1024;

/// All of them.
pub(crate) fn router(app: &App) -> Router {
    Router::new()
        .merge(site::routes())
        .merge(people::routes())
        .merge(project::routes())
        .merge(issue::routes())
        .merge(comment::routes())
        .merge(attachment::routes())
        .merge(property::routes())
        .merge(transition::routes())
        .merge(link::routes())
        .merge(search::routes())
        .merge(permission::routes())
        .merge(webhook::routes())
        .merge(app_property::routes())
        .merge(desk::routes())
        .route_layer(middleware::from_fn_with_state(app.clone(), guard::guard))
        .route("/_edge/tenant_info", axum::routing::get(site::tenant_info))
        .route("/sandbox/approvals", axum::routing::post(desk::ask_for_approval))
        .route("/rest/{*rest}", axum::routing::any(no_resource))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(app.clone())
}

async fn no_resource(OriginalUri(uri): OriginalUri) -> ApiError {
    ApiError::no_resource(uri.path())
}
