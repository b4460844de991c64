//! /customers/values:read and /organizations/values:read: what a page of a table shows.

use axum::extract::State;
use kernel::{AccountId, Cx, OrganizationId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Principal, Problem, ProblemBody, Reply, Way, scope};

use crate::Room;
use crate::actions::rows;
use crate::http::values::{ValueView, authors};
use crate::model::{Entity, FieldId, Owner};

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new().routes(routes!(read_customer_rows)).routes(routes!(read_organization_rows))
}

/// Which values of which customers.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CustomerRows {
    /// Accounts.
    #[schema(value_type = Vec<String>, max_items = 100)]
    ids: Vec<AccountId>,
    /// Ids of fields.
    #[schema(value_type = Vec<String>, max_items = 200)]
    fields: Vec<FieldId>,
}

/// Which values of which organizations.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OrganizationRows {
    /// Ids of organizations.
    #[schema(value_type = Vec<String>, max_items = 100)]
    ids: Vec<OrganizationId>,
    /// Ids of fields.
    #[schema(value_type = Vec<String>, max_items = 200)]
    fields: Vec<FieldId>,
}

/// The values of one record.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RowView {
    /// The record.
    id: String,
    /// Changes with each change of any of its values; as an ETag it is `"v<version>"`.
    version: i64,
    /// Of the fields that were asked for, those that were ever written.
    values: Vec<ValueView>,
}

/// The values of some records.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RowsView {
    /// One for each record, in the order in which they were asked for.
    items: Vec<RowView>,
}

async fn read(cx: &Cx, room: &Room, entity: Entity, owners: &[Owner], fields: &[FieldId]) -> Result<Reply, Problem> {
    let rows = rows::read_rows(cx, room, entity, owners, fields).await?;
    let authors = authors(cx, room, rows.iter().flat_map(|row| &row.values).map(|value| &value.updated_by)).await?;
    let shown = Reply::shown(Way::Table, |exit| RowsView {
        items: owners
            .iter()
            .zip(rows)
            .map(|(owner, row)| RowView {
                id: owner.id().to_owned(),
                version: row.version,
                values: row.values.into_iter().map(|value| ValueView::of(value, &authors, exit)).collect(),
            })
            .collect(),
    });
    Ok(shown.recorded(cx, &room.shared).await?)
}

/// Read values of many customers
///
/// Of up to 100 at once, as a page of a list has them.
#[utoipa::path(post, path = "/customers/values:read", tag = "customers", security(("token" = ["customers:read"]), ("bearer" = []), ("session" = [])), request_body = CustomerRows,
    responses((status = 200, body = RowsView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn read_customer_rows(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::CustomersRead>,
    Json(input): Json<CustomerRows>,
) -> Result<Reply, Problem> {
    let owners: Vec<Owner> = input.ids.into_iter().map(Owner::Customer).collect();
    read(&cx, &room, Entity::Customer, &owners, &input.fields).await
}

/// Read values of many organizations
///
/// Of up to 100 at once, as a page of a list has them.
#[utoipa::path(post, path = "/organizations/values:read", tag = "organizations", security(("token" = ["organizations:read"]), ("bearer" = []), ("session" = [])), request_body = OrganizationRows,
    responses((status = 200, body = RowsView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn read_organization_rows(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::OrganizationsRead>,
    Json(input): Json<OrganizationRows>,
) -> Result<Reply, Problem> {
    let owners: Vec<Owner> = input.ids.into_iter().map(Owner::Organization).collect();
    read(&cx, &room, Entity::Organization, &owners, &input.fields).await
}
