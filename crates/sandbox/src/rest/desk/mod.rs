//! The API of service management, as portals and agents' tools use it.
//!
//! Customers see only requests that they reported, take part in, or share through an organization,
//! and of those only public comments. Refusals are in this API's own shape.

mod approval;
mod attachment;
mod comment;
mod customer;
mod organization;
mod page;
mod queue;
mod request;
mod request_type;
mod service_desk;
mod shape;
mod sla;

use axum::{
    Json, Router,
    extract::{FromRequest, Request, State},
    http::HeaderMap,
    routing::get,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Shape, error::ApiError};
use crate::{App, auth::Caller, state::model::ServiceDesk};

pub(super) use approval::ask as ask_for_approval;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rest/servicedeskapi/info", get(info))
        .merge(service_desk::routes())
        .merge(customer::routes())
        .merge(organization::routes())
        .merge(request_type::routes())
        .merge(request::routes())
        .merge(comment::routes())
        .merge(attachment::routes())
        .merge(approval::routes())
        .merge(sla::routes())
        .merge(queue::routes())
}

/// A JSON body, refused in this API's shape.
pub(super) struct DeskBody<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for DeskBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let Json(value) =
            Json::<T>::from_request(request, state).await.map_err(|rejection| ApiError::from(rejection).into_desk())?;
        Ok(Self(value))
    }
}

/// Refuses experimental operations without the header.
fn experimental(headers: &HeaderMap) -> Result<(), ApiError> {
    let value = headers.get("x-experimentalapi").and_then(|v| v.to_str().ok()).unwrap_or_default();
    if matches!(value, "opt-in" | "true") { Ok(()) } else { Err(ApiError::experimental()) }
}

/// Refuses anonymous callers.
fn signed_in(caller: &Caller) -> Result<(), ApiError> {
    if caller.is_anonymous() { Err(ApiError::desk_unauthorized()) } else { Ok(()) }
}

fn no_desk(id: &str) -> ApiError {
    ApiError::desk_not_found(format!("The Service Desk with id {id} does not exist."), "sd.servicedesk.error.not.exist")
}

/// A desk (by id, or by its project's id or key) that the caller may use.
fn portal<'a>(shape: &Shape<'a>, id: &str) -> Result<&'a ServiceDesk, ApiError> {
    signed_in(shape.caller)?;
    let store = shape.store;
    // By its own id, or by its project's id or key, said or unsaid which.
    let project = |id: &str| store.project(id).and_then(|p| store.desk_of(&p.id));
    let found = match id.split_once(':') {
        Some(("serviceDeskId", id)) => store.service_desks.get(id),
        Some(("projectId" | "projectKey", id)) => project(id),
        _ => store.service_desks.get(id).or_else(|| project(id)),
    };
    found.filter(|desk| shape.access.use_portal(desk)).ok_or_else(|| no_desk(id))
}

/// A desk for which the caller works.
fn agents<'a>(shape: &Shape<'a>, id: &str) -> Result<&'a ServiceDesk, ApiError> {
    let desk = portal(shape, id)?;
    if shape.access.agent(desk) { Ok(desk) } else { Err(ApiError::desk_forbidden()) }
}

/// The desk, for whoever administers its project. A new site's administrators hold that role in each.
fn administrators<'a>(shape: &Shape<'a>, id: &str) -> Result<&'a ServiceDesk, ApiError> {
    let desk = portal(shape, id)?;
    let project = shape.store.projects.get(&desk.project_id).ok_or_else(ApiError::desk_forbidden)?;
    if shape.access.project_admin(project) || shape.access.site_admin() {
        Ok(desk)
    } else {
        Err(ApiError::desk_forbidden())
    }
}

async fn info(State(app): State<App>) -> Json<Value> {
    Json(json!({
        "version": "1001.0.0-SNAPSHOT",
        "platformVersion": "1001.0.0-SNAPSHOT",
        "buildChangeSet": "0000000000000000",
        "isLicensedForUse": true,
        "_links": {"self": format!("{}/rest/servicedeskapi/info", app.state.site_url())},
    }))
}
