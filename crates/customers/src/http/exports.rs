//! /customers/export and /organizations/export: what a list shows, as a file.

use axum::extract::State;
use kernel::Cx;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Principal, Problem, ProblemBody, Reply, Way, scope};

use crate::Room;
use crate::actions::exports::{self, Format};
use crate::actions::views;
use crate::http::lists::asked;
use crate::model::{Entity, ViewId};

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new().routes(routes!(export_customers)).routes(routes!(export_organizations))
}

/// What to export, and as what.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ExportInput {
    /// What the file is to be.
    format: Format,
    /// A saved view that the caller sees: its query and its columns, unless others are sent along.
    #[schema(value_type = Option<String>)]
    view: Option<ViewId>,
    /// A query, as lists take it; its order is the file's.
    query: Option<String>,
    /// Part of a name or address.
    search: Option<String>,
    /// Columns in their order: `name`, `email`, `organizations`, `timeZone`, `active`, `members`, and ids of fields. All
    /// if left out. The id of the record always comes first.
    columns: Option<Vec<String>>,
}

async fn export(
    cx: &Cx,
    room: &Room,
    time_zone: Option<&str>,
    entity: Entity,
    input: &ExportInput,
) -> Result<Reply, Problem> {
    let (mut query, mut columns) = (input.query.clone(), input.columns.clone());
    if let Some(view) = input.view {
        let view = views::as_asked(cx, room, entity, view).await?;
        query = query.or(Some(view.query));
        columns = columns.or(view.columns);
    }
    let asked = match asked(cx, room, time_zone, entity, query.as_deref(), input.search.as_deref()).await? {
        Ok(asked) => asked,
        Err(mistaken) => return Ok(mistaken),
    };
    let export = exports::prepare_export(cx, room, entity, &asked, columns.as_deref(), input.format).await?;
    let (name, kind) = (export.file_name(), export.format().content_type());
    Ok(Reply::export((cx, &room.shared, Way::Export), &name, kind, |exit| export.stream(exit))?)
}

/// Export customers
///
/// What the list shows under the same query, in its order, as a file. Who exported how many records with which columns
/// is written on the ledger before the file leaves. A file that breaks off while it is sent ends without its last piece.
#[utoipa::path(post, path = "/customers/export", tag = "customers", security(("token" = ["customers:read"]), ("bearer" = []), ("session" = [])), request_body = ExportInput,
    responses((status = 200, description = "The file: CSV, XLSX or JSON", content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), (Object = "application/json"))),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn export_customers(
    State(room): State<Room>,
    Principal { cx, time_zone, .. }: Principal<scope::CustomersRead>,
    Json(input): Json<ExportInput>,
) -> Result<Reply, Problem> {
    export(&cx, &room, time_zone.as_deref(), Entity::Customer, &input).await
}

/// Export organizations
///
/// As customers are exported.
#[utoipa::path(post, path = "/organizations/export", tag = "organizations", security(("token" = ["organizations:read"]), ("bearer" = []), ("session" = [])), request_body = ExportInput,
    responses((status = 200, description = "The file: CSV, XLSX or JSON", content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), (Object = "application/json"))),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn export_organizations(
    State(room): State<Room>,
    Principal { cx, time_zone, .. }: Principal<scope::OrganizationsRead>,
    Json(input): Json<ExportInput>,
) -> Result<Reply, Problem> {
    export(&cx, &room, time_zone.as_deref(), Entity::Organization, &input).await
}
