//! /me, /customers, /organizations, /projects, /users

use axum::extract::State;
use host::RequestCounts;
use kernel::{AccountId, Fault, FieldFault, OrganizationId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vault::Exit;
use web::{Page, Path, Person, Principal, Problem, ProblemBody, Query, Reply, scope};

use crate::Room;
use crate::actions::directory::{CustomerRecord, Name, OrganizationRecord};
use crate::actions::{access, directory, queries};
use crate::http::entitlements::{EntitlementView, Showing};
use crate::model::{Entity, Permission};
use crate::rules::TEXT_CHARS;

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new()
        .routes(routes!(read_me))
        .routes(routes!(list_projects))
        .routes(routes!(find_users))
        .routes(routes!(read_customer))
        .routes(routes!(read_organization))
}

/// What to look for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// Part of a name or address; at most 255 characters.
    query: Option<String>,
}

impl SearchQuery {
    /// The text, trimmed; empty when there is none.
    pub(crate) fn text(&self) -> Result<&str, Fault> {
        text_of(self.query.as_deref())
    }
}

/// Whom to look for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UserQuery {
    /// Part of a name or address; at most 255 characters.
    query: Option<String>,
    /// `true`: only who has exactly this account id, name or address; case and accents make no difference.
    #[serde(default)]
    exact: bool,
}

fn text_of(query: Option<&str>) -> Result<&str, Fault> {
    let text = query.unwrap_or_default().trim();
    if text.chars().count() > TEXT_CHARS {
        return Err(Fault::invalid_fields(vec![FieldFault {
            pointer: "/query".to_owned(),
            code: "too_long",
            detail: format!("A query has at most {TEXT_CHARS} characters."),
            limit: Some(TEXT_CHARS as u64),
        }]));
    }
    Ok(text)
}

/// What somebody is to Steward.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Role {
    /// Asks for help.
    Customer,
    /// Gives it.
    Agent,
    /// Administers Jira.
    Admin,
}

/// The caller.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MeView {
    /// Their account.
    account_id: String,
    /// What they are here.
    role: Role,
    /// Their name, as Jira has it.
    display_name: Option<String>,
    /// Their time zone, as Jira has it.
    time_zone: Option<String>,
    /// Their language, as Jira has it.
    locale: Option<String>,
    /// What they may do.
    permissions: Vec<Permission>,
    /// Their Jira.
    site_url: String,
}

/// Read who calls
#[utoipa::path(get, path = "/me", tag = "people", responses((status = 200, body = MeView), (status = 401, body = ProblemBody)))]
#[web::boxed]
async fn read_me(State(room): State<Room>, Person(caller): Person) -> Result<Reply, Problem> {
    let permissions = access::permissions(&caller.cx, &room).await?;
    let mut names = directory::names(&caller.cx, &room, std::slice::from_ref(&caller.account)).await?;
    let standing = caller.cx.standing();
    let role = match (standing.admin, standing.agent || !permissions.is_empty()) {
        (true, _) => Role::Admin,
        (false, true) => Role::Agent,
        (false, false) => Role::Customer,
    };
    Ok(Reply::ok(|exit| {
        let name = names.remove(&caller.account).map(|name| name.release(exit));
        MeView {
            account_id: caller.account.to_string(),
            role,
            time_zone: caller.from.time_zone.or_else(|| name.as_ref().and_then(|name| name.time_zone.clone())),
            locale: caller.from.locale.or_else(|| name.as_ref().and_then(|name| name.locale.clone())),
            display_name: name.map(|name| name.name.clone()),
            permissions: permissions.into_iter().collect(),
            site_url: caller.from.site_url,
        }
    }))
}

/// A service project.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProjectView {
    /// Its id.
    id: String,
    /// Its key.
    key: String,
    /// Its name.
    name: String,
}

/// List service projects
#[utoipa::path(get, path = "/projects", tag = "people", security(("token" = ["customers:read"]), ("bearer" = []), ("session" = [])),
    responses((status = 200, body = Page<ProjectView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody)))]
#[web::boxed]
async fn list_projects(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::CustomersRead>,
) -> Result<Reply, Problem> {
    access::require_about(&cx, &room, Entity::Customer, Permission::Browse).await?;
    let projects = directory::service_projects(&cx, &room).await?;
    Ok(Reply::ok(|exit| Page {
        items: projects
            .into_iter()
            .map(|project| ProjectView {
                id: project.id.to_string(),
                key: project.key,
                name: project.name.release(exit),
            })
            .collect(),
        next_cursor: None,
    }))
}

/// Somebody to choose.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserView {
    /// Their account.
    account_id: String,
    /// Their name.
    display_name: String,
}

/// Find people for a field of type `user`
#[utoipa::path(get, path = "/users", tag = "people", params(UserQuery),
    responses((status = 200, body = Page<UserView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody)))]
#[web::boxed]
async fn find_users(
    State(room): State<Room>,
    Person(caller): Person,
    Query(query): Query<UserQuery>,
) -> Result<Reply, Problem> {
    access::require(&caller.cx, &room, Permission::Browse).await?;
    let text = text_of(query.query.as_deref())?;
    let found = match query.exact {
        true => queries::users_called(&caller.cx, &room, text).await?,
        false => directory::find_users(&caller.cx, &room, text).await?,
    };
    Ok(Reply::ok(|exit| Page {
        items: found
            .into_iter()
            .map(|(account, name)| UserView {
                account_id: account.to_string(),
                display_name: std::mem::take(&mut name.release(exit).name),
            })
            .collect(),
        next_cursor: None,
    }))
}

/// An organization, in short.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrganizationName {
    /// Its id.
    id: String,
    /// Its name, as Jira has it.
    name: String,
}

impl OrganizationName {
    pub(crate) fn of(id: &OrganizationId, name: Name, exit: &Exit) -> Self {
        Self { id: id.to_string(), name: name.release(exit) }
    }
}

/// How many requests, and where to see them.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CountsView {
    /// Not done yet.
    open: u64,
    /// Done.
    closed: u64,
    /// Jira's search for the open ones.
    open_url: Option<String>,
    /// Jira's search for the closed ones.
    closed_url: Option<String>,
}

impl From<RequestCounts> for CountsView {
    fn from(counts: RequestCounts) -> Self {
        Self {
            open: counts.open,
            closed: counts.closed,
            open_url: counts.open_url.map(String::from),
            closed_url: counts.closed_url.map(String::from),
        }
    }
}

/// A customer.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CustomerView {
    /// Their account.
    account_id: String,
    /// Their name, as Jira has it; null when Jira no longer says it.
    display_name: Option<String>,
    /// Their e-mail address; null where they or Jira withhold it.
    email_address: Option<String>,
    /// Whether the account is in use.
    active: bool,
    /// Their time zone.
    time_zone: Option<String>,
    /// The organizations that they belong to.
    organizations: Vec<OrganizationName>,
    /// The customer into whom they were merged; left out while they are themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    merged_into: Option<String>,
    /// Their requests; only where one customer is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<CountsView>,
}

impl CustomerView {
    pub(crate) fn of(record: CustomerRecord, exit: &Exit) -> Self {
        let mut name = record.name.map(|name| name.release(exit));
        Self {
            account_id: record.account.to_string(),
            display_name: name.as_mut().map(|name| std::mem::take(&mut name.name)),
            email_address: name
                .as_mut()
                .and_then(|name| name.email.take())
                .or_else(|| record.email_seen.map(|email| email.release(exit))),
            active: name.as_ref().is_some_and(|name| name.active),
            time_zone: name.as_mut().and_then(|name| name.time_zone.take()),
            organizations: record
                .organizations
                .into_iter()
                .map(|(id, name)| OrganizationName { id: id.to_string(), name: name.release(exit) })
                .collect(),
            merged_into: record.merged_into.map(|account| account.to_string()),
            counts: record.counts.map(CountsView::from),
        }
    }
}

/// Read a customer
#[utoipa::path(get, path = "/customers/{accountId}", tag = "customers", security(("token" = ["customers:read"]), ("bearer" = []), ("session" = [])), params(("accountId" = String, Path)),
    responses((status = 200, body = CustomerView), (status = 401, body = ProblemBody), (status = 404, body = ProblemBody)))]
#[web::boxed]
async fn read_customer(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::CustomersRead>,
    Path(id): Path<AccountId>,
) -> Result<Reply, Problem> {
    let record = directory::read_customer(&cx, &room, &id).await?;
    Ok(Reply::ok(|exit| CustomerView::of(record, exit)))
}

/// An organization.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrganizationView {
    /// Its id.
    id: String,
    /// Its name, as Jira has it.
    name: String,
    /// How many customers belong to it.
    member_count: usize,
    /// What it is entitled to, without notes; only in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    entitlements: Option<Vec<EntitlementView>>,
    /// Its requests; only where one organization is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<CountsView>,
    /// Its first members; only where one organization is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<Vec<CustomerView>>,
}

impl OrganizationView {
    pub(crate) fn of(record: OrganizationRecord, showing: Option<&Showing<'_>>, exit: &Exit) -> Self {
        Self {
            id: record.id.to_string(),
            name: record.name.release(exit),
            member_count: record.member_count,
            entitlements: showing.map(|showing| EntitlementView::of_all(record.entitlements, showing, exit)),
            counts: record.counts.map(CountsView::from),
            members: record
                .members
                .map(|members| members.into_iter().map(|member| CustomerView::of(member, exit)).collect()),
        }
    }
}

/// Read an organization
#[utoipa::path(get, path = "/organizations/{organizationId}", tag = "organizations", security(("token" = ["organizations:read"]), ("bearer" = []), ("session" = [])), params(("organizationId" = String, Path)),
    responses((status = 200, body = OrganizationView), (status = 401, body = ProblemBody), (status = 404, body = ProblemBody)))]
#[web::boxed]
async fn read_organization(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::OrganizationsRead>,
    Path(id): Path<OrganizationId>,
) -> Result<Reply, Problem> {
    let record = directory::read_organization(&cx, &room, &id).await?;
    Ok(Reply::ok(|exit| OrganizationView::of(record, None, exit)))
}
