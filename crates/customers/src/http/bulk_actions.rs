//! /customers/bulk-actions, and the same for organizations: one change to many, previewed, carried out by a job, taken back.

mod views;

use axum::extract::State;
use kernel::{Cx, Fault};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Page, PageQuery, Path, Principal, Problem, ProblemBody, Query, Reply, Way, scope};

use crate::Room;
use crate::actions::batches::report::Place;
use crate::actions::batches::{OpenBatch, Wish};
use crate::actions::bulk_actions::{self, report};
use crate::http::values::authors;
use crate::model::{Entity, ImportId};
use views::{BulkActionInput, BulkActionKeptView, BulkActionRowView, BulkActionRowsQuery, BulkActionView};

pub(crate) fn routes() -> OpenApiRouter<Room> {
    let routes = OpenApiRouter::new()
        .routes(routes!(customers_list, customers_begin))
        .routes(routes!(customers_read))
        .routes(routes!(customers_run))
        .routes(routes!(customers_pause))
        .routes(routes!(customers_cancel))
        .routes(routes!(customers_undo))
        .routes(routes!(customers_rows))
        .routes(routes!(customers_kept));
    routes
        .routes(routes!(organizations_list, organizations_begin))
        .routes(routes!(organizations_read))
        .routes(routes!(organizations_run))
        .routes(routes!(organizations_pause))
        .routes(routes!(organizations_cancel))
        .routes(routes!(organizations_undo))
        .routes(routes!(organizations_rows))
        .routes(routes!(organizations_kept))
}

fn wrong_cursor() -> Fault {
    Fault::invalid_field("/cursor", "format", "Send `nextCursor` as it was answered.")
}

async fn view(cx: &Cx, room: &Room, batch: OpenBatch) -> Result<Reply, Problem> {
    let authors = authors(cx, room, std::iter::once(&batch.author)).await?;
    let organization = report::organization_called(cx, room, &batch).await?;
    Ok(Reply::ok(|exit| BulkActionView::of(batch, organization, &authors, exit)))
}

async fn list(cx: &Cx, room: &Room, entity: Entity, page: &PageQuery) -> Result<Reply, Problem> {
    let before = page.cursor.as_deref().map(|cursor| cursor.parse().map(ImportId).map_err(|_| wrong_cursor()));
    let (found, next) = bulk_actions::list(cx, room, entity, before.transpose()?, page.limit()?).await?;
    let authors = authors(cx, room, found.iter().map(|batch| &batch.author)).await?;
    let mut called = Vec::with_capacity(found.len());
    for batch in &found {
        called.push(report::organization_called(cx, room, batch).await?);
    }
    Ok(Reply::ok(|exit| Page {
        items: found
            .into_iter()
            .zip(called)
            .map(|(batch, organization)| BulkActionView::of(batch, organization, &authors, exit))
            .collect(),
        next_cursor: next.map(|id| id.to_string()),
    }))
}

async fn begin(
    cx: &Cx,
    room: &Room,
    time_zone: Option<&str>,
    (entity, base): (Entity, &str),
    input: BulkActionInput,
) -> Result<Reply, Problem> {
    let selection = match input.selection.read(cx, room, time_zone, entity).await? {
        Ok(selection) => selection,
        Err(mistaken) => return Ok(mistaken),
    };
    let batch = bulk_actions::begin(cx, room, entity, selection, input.change.into()).await?;
    let location = format!("/api/v1{base}/{}", batch.id);
    let authors = authors(cx, room, std::iter::once(&batch.author)).await?;
    let organization = report::organization_called(cx, room, &batch).await?;
    Ok(Reply::created(&location, |exit| BulkActionView::of(batch, organization, &authors, exit)))
}

async fn advance(cx: &Cx, room: &Room, (entity, id): (Entity, ImportId), wish: Wish) -> Result<Reply, Problem> {
    let batch = bulk_actions::advance(cx, room, entity, id, wish).await?;
    view(cx, room, batch).await
}

async fn rows(cx: &Cx, room: &Room, of: (Entity, ImportId), query: BulkActionRowsQuery) -> Result<Reply, Problem> {
    let limit = PageQuery { cursor: None, limit: query.limit }.limit()?;
    let place = query.cursor.as_deref().map(|cursor| Place::parse(cursor).ok_or_else(wrong_cursor)).transpose()?;
    let place = place.unwrap_or_default();
    let (rows, called, next) = report::read_rows(cx, room, of, query.outcome, place, limit as usize).await?;
    let shown = Reply::shown(Way::BulkAction, |exit| Page {
        items: rows.release(exit).map(|row| BulkActionRowView::of(row, &called, exit)).collect(),
        next_cursor: next.map(|next| next.to_string()),
    });
    Ok(shown.recorded(cx, &room.shared).await?)
}

async fn kept(cx: &Cx, room: &Room, of: (Entity, ImportId), page: &PageQuery) -> Result<Reply, Problem> {
    let before = page.cursor.as_deref().map(|cursor| cursor.parse::<i64>().map_err(|_| wrong_cursor())).transpose()?;
    let (kept, called, next) = report::list_kept(cx, room, of, before, page.limit()?).await?;
    Ok(Reply::ok(|exit| Page {
        items: kept.into_iter().map(|made| BulkActionKeptView::of(made, &called, exit)).collect(),
        next_cursor: next.map(|id| id.to_string()),
    }))
}

macro_rules! endpoints {
    ($entity:expr, $tag:literal, $base:literal, $scope:ident $scope_name:literal, $many:literal,
     $list:ident, $begin:ident, $read:ident, $run:ident, $pause:ident, $cancel:ident, $undo:ident, $rows:ident, $kept:ident) => {
        #[doc = concat!("List bulk changes of ", $many)]
        #[doc = ""]
        #[doc = "The caller's own, newest first; administrators of Steward see everybody's."]
        #[utoipa::path(get, path = $base, tag = $tag, security(("token" = [$scope_name]), ("bearer" = []), ("session" = [])), params(PageQuery),
            responses((status = 200, body = Page<BulkActionView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody)))]
        #[web::boxed]
        async fn $list(State(room): State<Room>, Principal { cx, .. }: Principal<scope::$scope>, Query(page): Query<PageQuery>) -> Result<Reply, Problem> {
            list(&cx, &room, $entity, &page).await
        }

        #[doc = concat!("Preview a change of many ", $many)]
        #[doc = ""]
        #[doc = "What is chosen is frozen, and a job looks at each record; nothing changes. Of a query that names what the caller does not know, \
                 the mistakes are answered. A change of who belongs to an organization needs the right to change organizations too."]
        #[utoipa::path(post, path = $base, tag = $tag, security(("token" = [$scope_name]), ("bearer" = []), ("session" = [])), request_body = BulkActionInput,
            params(("Idempotency-Key" = Option<String>, Header, description = "Makes it be done once, however often it is sent")),
            responses((status = 201, body = BulkActionView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody),
                (status = 413, body = ProblemBody), (status = 422, body = ProblemBody)))]
        #[web::boxed]
        async fn $begin(State(room): State<Room>, Principal { cx, time_zone, .. }: Principal<scope::$scope>, Json(input): Json<BulkActionInput>) -> Result<Reply, Problem> {
            begin(&cx, &room, time_zone.as_deref(), ($entity, $base), input).await
        }

        #[doc = concat!("Read a bulk change of ", $many)]
        #[utoipa::path(get, path = concat!($base, "/{bulkActionId}"), tag = $tag, security(("token" = [$scope_name]), ("bearer" = []), ("session" = [])),
            params(("bulkActionId" = String, Path)),
            responses((status = 200, body = BulkActionView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
        #[web::boxed]
        async fn $read(State(room): State<Room>, Principal { cx, .. }: Principal<scope::$scope>, Path(id): Path<ImportId>) -> Result<Reply, Problem> {
            let batch = bulk_actions::read(&cx, &room, $entity, id).await?;
            view(&cx, &room, batch).await
        }

        #[doc = concat!("Carry out a bulk change of ", $many)]
        #[doc = ""]
        #[doc = "As it was previewed, by a job that goes on whatever happens to the server; also after a pause. Records that somebody changed since \
                 the preview are left and told."]
        #[utoipa::path(post, path = concat!($base, "/{bulkActionId}/run"), tag = $tag, security(("token" = [$scope_name]), ("bearer" = []), ("session" = [])),
            params(("bulkActionId" = String, Path)),
            responses((status = 200, body = BulkActionView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
                (status = 422, body = ProblemBody)))]
        #[web::boxed]
        async fn $run(State(room): State<Room>, Principal { cx, .. }: Principal<scope::$scope>, Path(id): Path<ImportId>) -> Result<Reply, Problem> {
            advance(&cx, &room, ($entity, id), Wish::Run).await
        }

        #[doc = concat!("Pause a bulk change of ", $many)]
        #[utoipa::path(post, path = concat!($base, "/{bulkActionId}/pause"), tag = $tag, security(("token" = [$scope_name]), ("bearer" = []), ("session" = [])),
            params(("bulkActionId" = String, Path)),
            responses((status = 200, body = BulkActionView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
                (status = 422, body = ProblemBody)))]
        #[web::boxed]
        async fn $pause(State(room): State<Room>, Principal { cx, .. }: Principal<scope::$scope>, Path(id): Path<ImportId>) -> Result<Reply, Problem> {
            advance(&cx, &room, ($entity, id), Wish::Pause).await
        }

        #[doc = concat!("Leave a bulk change of ", $many)]
        #[doc = ""]
        #[doc = "What was changed before stays until it is undone."]
        #[utoipa::path(post, path = concat!($base, "/{bulkActionId}/cancel"), tag = $tag, security(("token" = [$scope_name]), ("bearer" = []), ("session" = [])),
            params(("bulkActionId" = String, Path)),
            responses((status = 200, body = BulkActionView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
                (status = 422, body = ProblemBody)))]
        #[web::boxed]
        async fn $cancel(State(room): State<Room>, Principal { cx, .. }: Principal<scope::$scope>, Path(id): Path<ImportId>) -> Result<Reply, Problem> {
            advance(&cx, &room, ($entity, id), Wish::Cancel).await
        }

        #[doc = concat!("Undo a bulk change of ", $many)]
        #[doc = ""]
        #[doc = "For 30 days. What somebody changed since stays, and is listed under `kept`."]
        #[utoipa::path(post, path = concat!($base, "/{bulkActionId}/undo"), tag = $tag, security(("token" = [$scope_name]), ("bearer" = []), ("session" = [])),
            params(("bulkActionId" = String, Path)),
            responses((status = 200, body = BulkActionView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
                (status = 422, body = ProblemBody)))]
        #[web::boxed]
        async fn $undo(State(room): State<Room>, Principal { cx, .. }: Principal<scope::$scope>, Path(id): Path<ImportId>) -> Result<Reply, Problem> {
            advance(&cx, &room, ($entity, id), Wish::Undo).await
        }

        #[doc = concat!("List what becomes of each of the ", $many, " of a bulk change")]
        #[doc = ""]
        #[doc = "Gone a week after the preview."]
        #[utoipa::path(get, path = concat!($base, "/{bulkActionId}/rows"), tag = $tag, security(("token" = [$scope_name]), ("bearer" = []), ("session" = [])),
            params(("bulkActionId" = String, Path), BulkActionRowsQuery),
            responses((status = 200, body = Page<BulkActionRowView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
                (status = 422, body = ProblemBody)))]
        #[web::boxed]
        async fn $rows(State(room): State<Room>, Principal { cx, .. }: Principal<scope::$scope>, Path(id): Path<ImportId>, Query(query): Query<BulkActionRowsQuery>) -> Result<Reply, Problem> {
            rows(&cx, &room, ($entity, id), query).await
        }

        #[doc = concat!("List ", $many, " that did not go back to what they were")]
        #[doc = ""]
        #[doc = "After undoing: somebody changed them since, or Jira refused."]
        #[utoipa::path(get, path = concat!($base, "/{bulkActionId}/kept"), tag = $tag, security(("token" = [$scope_name]), ("bearer" = []), ("session" = [])),
            params(("bulkActionId" = String, Path), PageQuery),
            responses((status = 200, body = Page<BulkActionKeptView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
                (status = 422, body = ProblemBody)))]
        #[web::boxed]
        async fn $kept(State(room): State<Room>, Principal { cx, .. }: Principal<scope::$scope>, Path(id): Path<ImportId>, Query(page): Query<PageQuery>) -> Result<Reply, Problem> {
            kept(&cx, &room, ($entity, id), &page).await
        }
    };
}

endpoints!(Entity::Customer, "customers", "/customers/bulk-actions", CustomersWrite "customers:write", "customers",
    customers_list, customers_begin, customers_read, customers_run, customers_pause, customers_cancel, customers_undo, customers_rows, customers_kept);

endpoints!(Entity::Organization, "organizations", "/organizations/bulk-actions", OrganizationsWrite "organizations:write", "organizations",
    organizations_list, organizations_begin, organizations_read, organizations_run, organizations_pause, organizations_cancel, organizations_undo,
    organizations_rows, organizations_kept);
