//! Customers: accounts without a licence, and who of them may use a desk.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::Value;

use super::{DeskBody, administrators, agents, experimental, page, signed_in};
use crate::{
    App,
    auth::Caller,
    rest::{Shape, error::ApiError, request::Params},
    state::{StateError, Store, model::AccountId, people},
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rest/servicedeskapi/customer", post(create))
        .route("/rest/servicedeskapi/servicedesk/{serviceDeskId}/customer", get(list).post(add).delete(remove))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewCustomer {
    email: Option<String>,
    display_name: Option<String>,
    full_name: Option<String>,
}

async fn create(
    State(app): State<App>,
    caller: Caller,
    params: Params,
    DeskBody(new): DeskBody<NewCustomer>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    signed_in(&caller)?;
    {
        let store = app.state.read();
        let shape = Shape::new(&store, &app.state, &caller);
        if !shape.access.site_admin() && !caller.is_app_itself() {
            return Err(ApiError::desk_forbidden());
        }
    }
    let email = new.email.unwrap_or_default();
    if !people::is_address(&email) {
        return Err(ApiError::desk_bad("The email address is not valid.", "sd.customer.create.error.invalid.email"));
    }
    let name = new.display_name.or(new.full_name).unwrap_or_default();
    if name.trim().is_empty() {
        return Err(ApiError::desk_bad("The display name must not be empty.", "sd.customer.create.error.invalid.name"));
    }
    let account = app.state.create_customer(&caller.actor(), &email, &name).map_err(|why| {
        let StateError::Conflict(message) = why else { return ApiError::from(why).into_desk() };
        let status =
            if params.flag("strictConflictStatusCode") { StatusCode::CONFLICT } else { StatusCode::BAD_REQUEST };
        ApiError::desk(status, message, "sd.customer.create.error.duplicate")
    })?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    Ok((StatusCode::CREATED, Json(shape.desk_user(&account.account_id))))
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    experimental(&headers)?;
    let bounds = page::bounds(&params)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let desk = agents(&shape, &id)?;
    let query = params.get("query").unwrap_or_default().to_lowercase();
    let all = store.desk_customers(desk);
    let is_found = |id: &&AccountId| {
        query.is_empty()
            || store.account(id).is_some_and(|a| {
                a.display_name.to_lowercase().contains(&query)
                    || shape.email(a).is_some_and(|e| e.to_lowercase().contains(&query))
            })
    };
    let found: Vec<&AccountId> = all.iter().filter(is_found).collect();
    let path = format!("servicedesk/{}/customer", desk.id);
    Ok(Json(page::page(app.state.site_url(), &path, &found, bounds, |id| shape.desk_user(id))))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccountIds {
    #[serde(default)]
    pub(super) account_ids: Vec<AccountId>,
}

/// Refuses ids that no account has.
pub(super) fn known(store: &Store, ids: &[AccountId]) -> Result<(), ApiError> {
    if ids.is_empty() {
        return Err(ApiError::desk_bad("No account ids were given.", "sd.error.accountids.empty"));
    }
    match ids.iter().find(|id| store.account(id).is_none()) {
        None => Ok(()),
        Some(id) => {
            Err(ApiError::desk_bad(format!("There is no user with the account id {id}."), "sd.error.user.not.found"))
        }
    }
}

async fn add(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    DeskBody(body): DeskBody<AccountIds>,
) -> Result<StatusCode, ApiError> {
    let (desk, there, unknown) = {
        let store = app.state.read();
        let shape = Shape::new(&store, &app.state, &caller);
        let desk = administrators(&shape, &id)?;
        let there: Vec<AccountId> = body.account_ids.iter().filter(|id| store.account(id).is_some()).cloned().collect();
        (desk.id.clone(), there, known(&store, &body.account_ids).err())
    };
    // Those whom it knows are added whatever is said of the others.
    app.state.change_desk_customers(&desk, &there, &[]).map_err(ApiError::from)?;
    match unknown {
        Some(refused) => Err(refused),
        None => Ok(StatusCode::NO_CONTENT),
    }
}

async fn remove(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
    DeskBody(body): DeskBody<AccountIds>,
) -> Result<StatusCode, ApiError> {
    experimental(&headers)?;
    let desk = {
        let store = app.state.read();
        let shape = Shape::new(&store, &app.state, &caller);
        let desk = administrators(&shape, &id)?;
        if desk.open_access {
            return Err(ApiError::desk_bad(people::OPEN_ACCESS, "sd.customer.remove.error.open.access"));
        }
        known(&store, &body.account_ids)?;
        desk.id.clone()
    };
    app.state.change_desk_customers(&desk, &[], &body.account_ids).map_err(ApiError::from)?;
    Ok(StatusCode::NO_CONTENT)
}
