//! Making customers and organizations, and who belongs where: POST /customers, /organizations and below them.

use axum::extract::State;
use host::Personal;
use kernel::{AccountId, Fault, OrganizationId, ProjectId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Path, Principal, Problem, ProblemBody, Reply, scope};

use crate::Room;
use crate::actions::adding;
use crate::http::people::CustomerView;

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new()
        .routes(routes!(create_customer))
        .routes(routes!(create_organization))
        .routes(routes!(add_members))
        .routes(routes!(remove_member))
        .routes(routes!(add_to_project))
}

/// A new customer.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewCustomer {
    /// Their e-mail address: Jira invites them by it.
    #[schema(value_type = String, example = "ana.ferreira@example.com", max_length = 255)]
    email: Personal,
    /// Their name.
    #[schema(value_type = String, example = "Ana Ferreira", min_length = 1, max_length = 255)]
    display_name: Personal,
    /// Service projects that they may use, by id; at most 10.
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 10)]
    project_ids: Vec<ProjectId>,
    /// Organizations that they belong to; at most 10.
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 10)]
    organization_ids: Vec<OrganizationId>,
}

/// A place that Jira did not put them into.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlaceRefused {
    /// Where it stands in the request.
    #[schema(example = "/projectIds/0")]
    pointer: String,
    /// Why.
    problem: ProblemBody,
}

pub(crate) fn places(refused: Vec<(String, Fault)>) -> Vec<PlaceRefused> {
    refused
        .into_iter()
        .map(|(pointer, fault)| PlaceRefused { pointer, problem: ProblemBody::of(&fault, None) })
        .collect()
}

/// A customer who was made.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CustomerMade {
    /// The customer.
    customer: CustomerView,
    /// Places that Jira did not put them into; the customer stands all the same.
    refused: Vec<PlaceRefused>,
}

/// Make a customer
///
/// Jira makes the account and invites the customer; it is Jira that judges whether the caller may. 409 `email_in_use`: somebody
/// has the address already. 409 `jira_answer_lost`: Jira did not say whether it made them; sent again, whoever it made is answered, if
/// Jira tells their address.
#[utoipa::path(post, path = "/customers", tag = "customers", security(("token" = ["customers:write"]), ("bearer" = []), ("session" = [])), request_body = NewCustomer,
    responses((status = 201, body = CustomerMade), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn create_customer(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::CustomersWrite>,
    Json(input): Json<NewCustomer>,
) -> Result<Reply, Problem> {
    let wanted = adding::NewCustomer {
        email: input.email,
        name: input.display_name,
        projects: input.project_ids,
        organizations: input.organization_ids,
    };
    let added = adding::create_customer(&cx, &room, wanted).await?;
    let location = format!("/api/v1/customers/{}", added.made.account);
    Ok(Reply::created(&location, |exit| CustomerMade {
        customer: CustomerView::of(added.made, exit),
        refused: places(added.refused),
    }))
}

/// A new organization.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewOrganization {
    /// Its name, as no other organization has it.
    #[schema(value_type = String, example = "Zürich Bahn AG", min_length = 1, max_length = 255)]
    name: Personal,
    /// Service projects that its people may use, by id; at most 10.
    #[serde(default)]
    #[schema(value_type = Vec<String>, max_items = 10)]
    project_ids: Vec<ProjectId>,
}

/// An organization that was made.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OrganizationMade {
    /// Its id.
    organization_id: String,
    /// Projects that Jira did not add it to; the organization stands all the same.
    refused: Vec<PlaceRefused>,
}

/// Make an organization
///
/// 409 `name_in_use`: there is one of this name. 409 `jira_answer_lost`: Jira did not say whether it made it; sent again, the one that
/// it made is answered.
#[utoipa::path(post, path = "/organizations", tag = "organizations", security(("token" = ["organizations:write"]), ("bearer" = []), ("session" = [])), request_body = NewOrganization,
    responses((status = 201, body = OrganizationMade), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn create_organization(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::OrganizationsWrite>,
    Json(input): Json<NewOrganization>,
) -> Result<Reply, Problem> {
    let added = adding::create_organization(&cx, &room, input.name, input.project_ids).await?;
    let location = format!("/api/v1/organizations/{}", added.made);
    Ok(Reply::created(&location, |_| OrganizationMade {
        organization_id: added.made.to_string(),
        refused: places(added.refused),
    }))
}

/// Accounts.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Accounts {
    /// 1 to 50 of them.
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 50)]
    account_ids: Vec<AccountId>,
}

/// Add members to an organization
///
/// Members stay what they are.
#[utoipa::path(post, path = "/organizations/{organizationId}/members", tag = "organizations", security(("token" = ["organizations:write"]), ("bearer" = []), ("session" = [])), request_body = Accounts,
    params(("organizationId" = String, Path)),
    responses((status = 204), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn add_members(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::OrganizationsWrite>,
    Path(id): Path<OrganizationId>,
    Json(input): Json<Accounts>,
) -> Result<Reply, Problem> {
    adding::add_members(&cx, &room, &id, input.account_ids).await?;
    Ok(Reply::empty())
}

/// Remove a member from an organization
#[utoipa::path(delete, path = "/organizations/{organizationId}/members/{accountId}", tag = "organizations", security(("token" = ["organizations:write"]), ("bearer" = []), ("session" = [])),
    params(("organizationId" = String, Path), ("accountId" = String, Path)),
    responses((status = 204), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
#[web::boxed]
async fn remove_member(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::OrganizationsWrite>,
    Path((id, account)): Path<(OrganizationId, AccountId)>,
) -> Result<Reply, Problem> {
    adding::remove_member(&cx, &room, &id, &account).await?;
    Ok(Reply::empty())
}

/// Add customers to a service project
///
/// Needed only where a project is not open to all customers.
#[utoipa::path(post, path = "/projects/{projectId}/customers", tag = "customers", security(("token" = ["customers:write"]), ("bearer" = []), ("session" = [])), request_body = Accounts,
    params(("projectId" = String, Path)),
    responses((status = 204), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn add_to_project(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::CustomersWrite>,
    Path(project): Path<ProjectId>,
    Json(input): Json<Accounts>,
) -> Result<Reply, Problem> {
    adding::add_to_project(&cx, &room, &project, input.account_ids).await?;
    Ok(Reply::empty())
}
