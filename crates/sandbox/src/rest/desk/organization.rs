//! Organizations: their members, properties, and the desks that they use.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    DeskBody, agents,
    customer::{AccountIds, known},
    page, portal, signed_in,
};
use crate::{
    App,
    auth::Caller,
    data_center::Deployment,
    rest::{Shape, error::ApiError, request::Params},
    state::model::{AccountId, Organization},
};

/// Longest value of a property, in characters of its JSON.
const MAX_VALUE: usize = 32_768;
/// Longest name, in characters.
const MAX_NAME: usize = 200;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rest/servicedeskapi/organization", get(list).post(create))
        .route("/rest/servicedeskapi/organization/{organizationId}", get(one).delete(delete))
        .route("/rest/servicedeskapi/organization/{organizationId}/user", get(members).post(join).delete(leave))
        .route("/rest/servicedeskapi/organization/{organizationId}/property", get(property_keys))
        .route(
            "/rest/servicedeskapi/organization/{organizationId}/property/{propertyKey}",
            get(property_get).put(property_put).delete(property_delete),
        )
        .route(
            "/rest/servicedeskapi/servicedesk/{serviceDeskId}/organization",
            get(of_desk).post(attach).delete(detach),
        )
}

fn no_organization(id: &str) -> ApiError {
    ApiError::desk_not_found(
        format!("The organization with id {id} does not exist."),
        "sd.organisation.error.not.exist",
    )
}

/// An organization that the caller may see: agents all, customers their own.
fn visible<'a>(shape: &Shape<'a>, id: &str) -> Result<&'a Organization, ApiError> {
    signed_in(shape.caller)?;
    shape
        .store
        .organizations
        .get(id)
        .filter(|o| shape.access.any_agent() || o.members.contains(shape.caller.account()))
        .ok_or_else(|| no_organization(id))
}

/// The same, to change: agents only.
fn changeable(app: &App, caller: &Caller, id: &str) -> Result<(), ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, caller);
    visible(&shape, id)?;
    if shape.access.any_agent() { Ok(()) } else { Err(ApiError::desk_forbidden()) }
}

async fn list(State(app): State<App>, caller: Caller, params: Params) -> Result<Json<Value>, ApiError> {
    signed_in(&caller)?;
    let bounds = page::bounds(&params)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let member = params.get("accountId");
    let found: Vec<&Organization> = store
        .organizations
        .values()
        .filter(|o| visible(&shape, &o.id).is_ok())
        .filter(|o| member.is_none_or(|id| o.members.contains(id)))
        .collect();
    let site = app.state.site_url();
    Ok(Json(page::page(site, "organization", &found, bounds, |o| shape.organization(o))))
}

#[derive(Deserialize)]
struct NewOrganization {
    name: String,
}

async fn create(
    State(app): State<App>,
    caller: Caller,
    DeskBody(new): DeskBody<NewOrganization>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    signed_in(&caller)?;
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(ApiError::desk_bad(
            format!("The organization name must have 1 to {MAX_NAME} characters."),
            "sd.organisation.error.invalid.name",
        ));
    }
    if !Shape::new(&app.state.read(), &app.state, &caller).access.any_agent() {
        return Err(ApiError::desk_forbidden());
    }
    // Cloud answers the one that is there; what Data Center does is documented nowhere, and two of a name are the less kind.
    let organization = match app.config.deployment {
        Deployment::Cloud => app.state.organization_called(&caller.actor(), name),
        Deployment::DataCenter(_) => app.state.create_organization(&caller.actor(), name),
    };
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    Ok((StatusCode::CREATED, Json(shape.organization(&organization))))
}

async fn one(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    Ok(Json(shape.organization(visible(&shape, &id)?)))
}

async fn delete(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    {
        let store = app.state.read();
        let shape = Shape::new(&store, &app.state, &caller);
        visible(&shape, &id)?;
        if !shape.access.site_admin() && !caller.is_app_itself() {
            return Err(ApiError::desk_forbidden());
        }
    }
    app.state.delete_organization(&caller.actor(), &id).map_err(|_| no_organization(&id))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn members(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let bounds = page::bounds(&params)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let organization = visible(&shape, &id)?;
    let ids: Vec<&AccountId> = organization.members.iter().collect();
    let path = format!("organization/{id}/user");
    Ok(Json(page::page(app.state.site_url(), &path, &ids, bounds, |id| shape.desk_user(id))))
}

async fn join(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    DeskBody(body): DeskBody<AccountIds>,
) -> Result<StatusCode, ApiError> {
    changeable(&app, &caller, &id)?;
    known(&app.state.read(), &body.account_ids)?;
    app.state
        .edit_organization(&caller.actor(), &id, |o| o.members.extend(body.account_ids))
        .map_err(|_| no_organization(&id))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn leave(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    DeskBody(body): DeskBody<AccountIds>,
) -> Result<StatusCode, ApiError> {
    changeable(&app, &caller, &id)?;
    known(&app.state.read(), &body.account_ids)?;
    app.state
        .edit_organization(&caller.actor(), &id, |o| {
            o.members.retain(|m| !body.account_ids.contains(m));
        })
        .map_err(|_| no_organization(&id))?;
    Ok(StatusCode::NO_CONTENT)
}

fn no_property(key: &str) -> ApiError {
    ApiError::desk_not_found(format!("The property with key '{key}' does not exist."), "sd.property.error.not.exist")
}

async fn property_keys(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    changeable(&app, &caller, &id)?;
    let store = app.state.read();
    let organization = store.organizations.get(&id).ok_or_else(|| no_organization(&id))?;
    let url = format!("{}/rest/servicedeskapi/organization/{id}/property", app.state.site_url());
    Ok(Json(crate::rest::property::keys(&organization.properties, &url)))
}

async fn property_get(
    State(app): State<App>,
    caller: Caller,
    Path((id, key)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    changeable(&app, &caller, &id)?;
    let store = app.state.read();
    let organization = store.organizations.get(&id).ok_or_else(|| no_organization(&id))?;
    let value = organization.properties.get(&key).ok_or_else(|| no_property(&key))?;
    Ok(Json(json!({"key": key, "value": value})))
}

async fn property_put(
    State(app): State<App>,
    caller: Caller,
    Path((id, key)): Path<(String, String)>,
    DeskBody(value): DeskBody<Value>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    changeable(&app, &caller, &id)?;
    if value.to_string().chars().count() > MAX_VALUE || key.chars().count() > 255 {
        return Err(ApiError::desk_bad("The property is too long.", "sd.property.error.too.long"));
    }
    let existed = app
        .state
        .edit_organization(&caller.actor(), &id, |o| o.properties.insert(key, value).is_some())
        .map_err(|_| no_organization(&id))?;
    Ok((if existed { StatusCode::OK } else { StatusCode::CREATED }, Json(Value::Null)))
}

async fn property_delete(
    State(app): State<App>,
    caller: Caller,
    Path((id, key)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    changeable(&app, &caller, &id)?;
    let existed = app
        .state
        .edit_organization(&caller.actor(), &id, |o| o.properties.remove(&key).is_some())
        .map_err(|_| no_organization(&id))?;
    if existed { Ok(StatusCode::NO_CONTENT) } else { Err(no_property(&key)) }
}

async fn of_desk(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let bounds = page::bounds(&params)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let desk = portal(&shape, &id)?;
    let member = params.get("accountId");
    let found: Vec<&Organization> = desk
        .organizations
        .iter()
        .filter_map(|id| store.organizations.get(id))
        .filter(|o| visible(&shape, &o.id).is_ok())
        .filter(|o| member.is_none_or(|id| o.members.contains(id)))
        .collect();
    let path = format!("servicedesk/{}/organization", desk.id);
    let site = app.state.site_url();
    Ok(Json(page::page(site, &path, &found, bounds, |o| shape.organization(o))))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrganizationId {
    organization_id: u64,
}

fn desk_and_organization(
    app: &App,
    caller: &Caller,
    desk: &str,
    organization: u64,
) -> Result<(String, String), ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, caller);
    let desk = agents(&shape, desk)?;
    let organization = visible(&shape, &organization.to_string())?;
    Ok((desk.id.clone(), organization.id.clone()))
}

async fn attach(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    DeskBody(body): DeskBody<OrganizationId>,
) -> Result<StatusCode, ApiError> {
    let (desk, organization) = desk_and_organization(&app, &caller, &id, body.organization_id)?;
    app.state.change_desk_organization(&desk, &organization, true).map_err(ApiError::from)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn detach(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    DeskBody(body): DeskBody<OrganizationId>,
) -> Result<StatusCode, ApiError> {
    let (desk, organization) = desk_and_organization(&app, &caller, &id, body.organization_id)?;
    app.state.change_desk_organization(&desk, &organization, false).map_err(ApiError::from)?;
    Ok(StatusCode::NO_CONTENT)
}
