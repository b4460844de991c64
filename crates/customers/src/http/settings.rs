//! /settings/permissions, and the groups and roles to choose from.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vault::{Exit, Open};
use web::{IfMatch, Json, Page, Person, Problem, ProblemBody, Query, Reply};

use crate::Room;
use crate::actions::{access, directory};
use crate::http::people::SearchQuery;
use crate::model::{Holder, Permission, Permissions};

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new().routes(routes!(read_permissions, change_permissions)).routes(routes!(list_holders))
}

/// Who holds which permission.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PermissionsView {
    /// Who may see customers' and organizations' fields.
    browse: Vec<Holder>,
    /// Who may change values; they may see them too.
    edit: Vec<Holder>,
    /// Who may define fields and permissions; Jira administrators always may.
    configure: Vec<Holder>,
    /// Changes with each change; the ETag is `"v<version>"`.
    version: i64,
}

impl PermissionsView {
    fn of(version: i64, granted: Open<Permissions>, exit: &Exit) -> Self {
        let Permissions { browse, edit, configure } = granted.release(exit);
        Self { browse, edit, configure, version }
    }
}

/// Who is to hold which permission.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PermissionsInput {
    /// Who may see.
    browse: Vec<Holder>,
    /// Who may change values.
    edit: Vec<Holder>,
    /// Who may define.
    configure: Vec<Holder>,
}

/// Read the permissions
#[utoipa::path(get, path = "/settings/permissions", tag = "settings",
    responses((status = 200, body = PermissionsView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody)))]
#[web::boxed]
async fn read_permissions(State(room): State<Room>, Person(caller): Person) -> Result<Reply, Problem> {
    access::require(&caller.cx, &room, Permission::Configure).await?;
    let (version, granted) = access::granted(&caller.cx, &room).await?;
    Ok(Reply::ok(|exit| PermissionsView::of(version, granted, exit)).version(version))
}

/// Replace the permissions
#[utoipa::path(put, path = "/settings/permissions", tag = "settings", request_body = PermissionsInput,
    params(("If-Match" = String, Header, description = "ETag of the permissions")),
    responses((status = 200, body = PermissionsView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 412, body = ProblemBody), (status = 422, body = ProblemBody), (status = 428, body = ProblemBody)))]
#[web::boxed]
async fn change_permissions(
    State(room): State<Room>,
    Person(caller): Person,
    before: IfMatch,
    Json(input): Json<PermissionsInput>,
) -> Result<Reply, Problem> {
    access::require(&caller.cx, &room, Permission::Configure).await?;
    let wanted = Permissions { browse: input.browse, edit: input.edit, configure: input.configure };
    let (version, granted) = access::grant_permissions(&caller.cx, &room, wanted, before.required()?).await?;
    Ok(Reply::ok(|exit| PermissionsView::of(version, granted, exit)).version(version))
}

/// List groups and project roles to choose from
#[utoipa::path(get, path = "/settings/holders", tag = "settings", params(SearchQuery),
    responses((status = 200, body = Page<Holder>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody)))]
#[web::boxed]
async fn list_holders(
    State(room): State<Room>,
    Person(caller): Person,
    Query(query): Query<SearchQuery>,
) -> Result<Reply, Problem> {
    access::require(&caller.cx, &room, Permission::Configure).await?;
    let found = directory::find_holders(&caller.cx, &room, query.text()?).await?;
    Ok(Reply::ok(|_| Page { items: found, next_cursor: None }))
}
