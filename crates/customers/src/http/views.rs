//! /views: lists as people saved them.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vault::Exit;
use web::{IfMatch, Json, Page, Path, Person, Problem, ProblemBody, Query, Reply};

use crate::Room;
use crate::actions::views::{self, Shown, Wanted};
use crate::http::queries::{mistaken, zone};
use crate::model::{Entity, ViewColumn, ViewId};

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new()
        .routes(routes!(list_views, make_view))
        .routes(routes!(read_view, change_view, delete_view))
        .routes(routes!(restore_view))
        .routes(routes!(choose_default, drop_default))
}

/// One column of a view.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ViewColumn)]
struct ColumnView {
    /// `name`, `email`, `organizations`, `timeZone`, `active`, `members`, `entitlements`, or the id of a field.
    #[schema(example = "name")]
    key: String,
    /// In CSS pixels, 60 to 1,200; null or left out: as wide as the list makes it.
    #[schema(minimum = 60, maximum = 1200)]
    width: Option<u16>,
    /// Whether it stays in sight at the beginning of each row.
    #[serde(default)]
    pinned: bool,
}

impl From<ColumnView> for ViewColumn {
    fn from(ColumnView { key, width, pinned }: ColumnView) -> Self {
        Self { key, width, pinned }
    }
}

/// A field that a view names and that is retired, or not for the reader.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct GoneView {
    /// The field.
    field_id: String,
    /// Its name; null where there is none to tell.
    name: Option<String>,
}

/// A saved view.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SavedView {
    /// Its id.
    id: String,
    /// Of what it is a list.
    entity: Entity,
    /// Its name.
    #[schema(example = "Renewals this month")]
    name: String,
    /// Its query as it reads now: fields and options by the names that they have, people by their account ids. Empty: all.
    query: String,
    /// Its columns, in their order; empty: the list's own.
    columns: Vec<ColumnView>,
    /// Whether everybody who may browse sees it.
    shared: bool,
    /// Whether the reader made it.
    mine: bool,
    /// Whether the reader may change it.
    may_change: bool,
    /// Whether the reader's list begins with it.
    is_default: bool,
    /// Fields that it names and that are gone. Their columns are left out of lists; a query that names one finds nothing
    /// until it is changed.
    gone: Vec<GoneView>,
    /// Changes with each change; the ETag is `"v<version>"`.
    version: i64,
}

impl SavedView {
    fn of(shown: Shown, exit: &Exit) -> Self {
        let Shown { view, query, gone, mine, may_change, is_default } = shown;
        let mut body = view.body.release(exit);
        let columns = std::mem::take(&mut body.columns);
        Self {
            id: view.id.to_string(),
            entity: view.entity,
            name: std::mem::take(&mut body.name),
            query,
            columns: columns
                .into_iter()
                .map(|ViewColumn { key, width, pinned }| ColumnView { key, width, pinned })
                .collect(),
            shared: view.shared,
            mine,
            may_change,
            is_default,
            gone: gone.into_iter().map(|(id, name)| GoneView { field_id: id.to_string(), name }).collect(),
            version: view.version,
        }
    }
}

/// Which views.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ViewQuery {
    /// Of customers, or of organizations.
    entity: Entity,
}

/// List saved views
///
/// The caller's own and shared ones, by name.
#[utoipa::path(get, path = "/views", tag = "views", params(ViewQuery),
    responses((status = 200, body = Page<SavedView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody)))]
#[web::boxed]
async fn list_views(
    State(room): State<Room>,
    Person(caller): Person,
    Query(query): Query<ViewQuery>,
) -> Result<Reply, Problem> {
    let views = views::list_views(&caller.cx, &room, query.entity).await?;
    Ok(Reply::ok(|exit| Page {
        items: views.into_iter().map(|shown| SavedView::of(shown, exit)).collect(),
        next_cursor: None,
    }))
}

/// A new view.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewView {
    /// Of what it is a list.
    entity: Entity,
    /// Its name, 1 to 100 characters; among the caller's own, and among shared ones, no two have the same.
    #[schema(example = "Renewals this month", min_length = 1, max_length = 100)]
    name: String,
    /// A query, as lists take it. Kept are fields, options and people by their ids.
    #[serde(default)]
    query: String,
    /// Its columns, in their order; left out: the list's own.
    #[serde(default)]
    columns: Vec<ColumnView>,
    /// Whether everybody who may browse sees it.
    #[serde(default)]
    shared: bool,
}

/// Save a view
#[utoipa::path(post, path = "/views", tag = "views", request_body = NewView,
    responses((status = 201, body = SavedView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn make_view(
    State(room): State<Room>,
    Person(caller): Person,
    Json(input): Json<NewView>,
) -> Result<Reply, Problem> {
    let zone = zone(&caller.cx, &room, caller.from.time_zone.as_deref()).await?;
    let NewView { entity, name, query, columns, shared } = input;
    let wanted =
        Wanted { name, query: query.clone(), columns: columns.into_iter().map(ViewColumn::from).collect(), shared };
    let shown = match views::make_view(&caller.cx, &room, entity, wanted, zone).await? {
        Ok(shown) => shown,
        Err(mistakes) => return Ok(mistaken(&mistakes, &query)),
    };
    let (location, version) = (format!("/api/v1/views/{}", shown.view.id), shown.view.version);
    Ok(Reply::created(&location, |exit| SavedView::of(shown, exit)).version(version))
}

fn shown(shown: Shown) -> Reply {
    let version = shown.view.version;
    Reply::ok(|exit| SavedView::of(shown, exit)).version(version)
}

/// Read a saved view
#[utoipa::path(get, path = "/views/{viewId}", tag = "views", params(("viewId" = String, Path, description = "View id")),
    responses((status = 200, body = SavedView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
#[web::boxed]
async fn read_view(State(room): State<Room>, Person(caller): Person, Path(id): Path<ViewId>) -> Result<Reply, Problem> {
    Ok(shown(views::read_view(&caller.cx, &room, id).await?))
}

/// A view as somebody wants it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ViewInput {
    /// Its name.
    #[schema(example = "Renewals this month", min_length = 1, max_length = 100)]
    name: String,
    /// Its query. One that is sent as it was read stays what it is, also where it names a field that is gone.
    #[serde(default)]
    query: String,
    /// Its columns, in their order; left out: the list's own.
    #[serde(default)]
    columns: Vec<ColumnView>,
    /// Whether everybody who may browse sees it.
    #[serde(default)]
    shared: bool,
}

/// Change a saved view
///
/// A shared view is changed by whoever made it, and by those who may configure.
#[utoipa::path(put, path = "/views/{viewId}", tag = "views", request_body = ViewInput,
    params(("viewId" = String, Path, description = "View id"), ("If-Match" = String, Header, description = "The view's ETag")),
    responses((status = 200, body = SavedView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 412, body = ProblemBody), (status = 422, body = ProblemBody), (status = 428, body = ProblemBody)))]
#[web::boxed]
async fn change_view(
    State(room): State<Room>,
    Person(caller): Person,
    Path(id): Path<ViewId>,
    before: IfMatch,
    Json(input): Json<ViewInput>,
) -> Result<Reply, Problem> {
    let zone = zone(&caller.cx, &room, caller.from.time_zone.as_deref()).await?;
    let ViewInput { name, query, columns, shared } = input;
    let columns = columns.into_iter().map(ViewColumn::from).collect();
    let wanted = Wanted { name, query: query.clone(), columns, shared };
    Ok(match views::change_view(&caller.cx, &room, id, before.required()?, wanted, zone).await? {
        Ok(changed) => shown(changed),
        Err(mistakes) => mistaken(&mistakes, &query),
    })
}

/// Delete a saved view
///
/// It can be restored for 30 days.
#[utoipa::path(delete, path = "/views/{viewId}", tag = "views",
    params(("viewId" = String, Path, description = "View id"), ("If-Match" = String, Header, description = "The view's ETag")),
    responses((status = 204), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 412, body = ProblemBody), (status = 428, body = ProblemBody)))]
#[web::boxed]
async fn delete_view(
    State(room): State<Room>,
    Person(caller): Person,
    Path(id): Path<ViewId>,
    before: IfMatch,
) -> Result<Reply, Problem> {
    views::delete_view(&caller.cx, &room, id, before.required()?).await?;
    Ok(Reply::empty())
}

/// Restore a deleted view
///
/// One that stands stays as it is.
#[utoipa::path(post, path = "/views/{viewId}/restore", tag = "views", params(("viewId" = String, Path, description = "View id")),
    responses((status = 200, body = SavedView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn restore_view(
    State(room): State<Room>,
    Person(caller): Person,
    Path(id): Path<ViewId>,
) -> Result<Reply, Problem> {
    Ok(shown(views::restore_view(&caller.cx, &room, id).await?))
}

/// Begin with a view
///
/// The caller's list begins with it from now on; another's does not.
#[utoipa::path(put, path = "/views/{viewId}/default", tag = "views", params(("viewId" = String, Path, description = "View id")),
    responses((status = 204), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
#[web::boxed]
async fn choose_default(
    State(room): State<Room>,
    Person(caller): Person,
    Path(id): Path<ViewId>,
) -> Result<Reply, Problem> {
    views::choose_default(&caller.cx, &room, id, true).await?;
    Ok(Reply::empty())
}

/// Begin with everything again
#[utoipa::path(delete, path = "/views/{viewId}/default", tag = "views", params(("viewId" = String, Path, description = "View id")),
    responses((status = 204), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
#[web::boxed]
async fn drop_default(
    State(room): State<Room>,
    Person(caller): Person,
    Path(id): Path<ViewId>,
) -> Result<Reply, Problem> {
    views::choose_default(&caller.cx, &room, id, false).await?;
    Ok(Reply::empty())
}
