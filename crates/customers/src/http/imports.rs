//! /imports: files of customers and organizations.

mod views;

use std::borrow::Cow;

use axum::extract::{Request, State};
use axum::http::header;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::{Cx, Fault, limits};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Page, PageQuery, Path, Principal, Problem, ProblemBody, Query, Reply, Way, scope};

use crate::Room;
use crate::actions::batches::report::Place;
use crate::actions::batches::{OpenBatch, Wish};
use crate::actions::imports::{self, kept, made, report};
use crate::files::Format;
use crate::http::values::authors;
use crate::imports::mapping::Settings;
use crate::model::ImportId;
use views::{
    ImportInput, ImportRowView, ImportView, KeptView, MadeView, PartInput, PreviewQuery, PreviewView, RowsQuery,
    UndoQuery,
};

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new()
        .routes(routes!(list_imports, begin_import))
        .routes(routes!(read_import))
        .routes(routes!(put_import_part))
        .routes(routes!(preview_import))
        .routes(routes!(check_import))
        .routes(routes!(run_import))
        .routes(routes!(pause_import))
        .routes(routes!(cancel_import))
        .routes(routes!(undo_import))
        .routes(routes!(list_import_rows))
        .routes(routes!(export_import_report))
        .routes(routes!(list_import_kept))
        .routes(routes!(list_import_made))
}

async fn shown(cx: &Cx, room: &Room, import: OpenBatch) -> Result<Reply, Problem> {
    let authors = authors(cx, room, std::iter::once(&import.author)).await?;
    Ok(Reply::ok(|exit| ImportView::of(import, &authors, exit)))
}

/// List imports
///
/// Newest first. Administrators, and API tokens with the scope.
#[utoipa::path(get, path = "/imports", tag = "imports", security(("token" = ["imports:write"]), ("bearer" = []), ("session" = [])),
    params(PageQuery), responses((status = 200, body = Page<ImportView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody)))]
#[web::boxed]
async fn list_imports(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::ImportsWrite>,
    Query(page): Query<PageQuery>,
) -> Result<Reply, Problem> {
    let before = page.cursor.as_deref().map(|cursor| cursor.parse().map(ImportId).map_err(|_| wrong_cursor()));
    let (found, next) = imports::list_imports(&cx, &room, before.transpose()?, page.limit()?).await?;
    let authors = authors(&cx, &room, found.iter().map(|import| &import.author)).await?;
    Ok(Reply::ok(|exit| Page {
        items: found.into_iter().map(|import| ImportView::of(import, &authors, exit)).collect(),
        next_cursor: next.map(|id| id.to_string()),
    }))
}

fn wrong_cursor() -> Fault {
    Fault::invalid_field("/cursor", "format", "Send `nextCursor` as it was answered.")
}

/// Begin an import
///
/// Its file comes next, in parts; then the dry run, then the run. At most five imports of a site are not at their end.
#[utoipa::path(post, path = "/imports", tag = "imports", request_body = ImportInput,
    security(("token" = ["imports:write"]), ("bearer" = []), ("session" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes it be done once, however often it is sent")),
    responses((status = 201, body = ImportView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn begin_import(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::ImportsWrite>,
    Json(input): Json<ImportInput>,
) -> Result<Reply, Problem> {
    let import = imports::begin_import(&cx, &room, input.entity, &input.file_name).await?;
    let authors = authors(&cx, &room, std::iter::once(&import.author)).await?;
    let location = format!("/api/v1/imports/{}", import.id);
    Ok(Reply::created(&location, |exit| ImportView::of(import, &authors, exit)))
}

/// Read an import
#[utoipa::path(get, path = "/imports/{importId}", tag = "imports", security(("token" = ["imports:write"]), ("bearer" = []), ("session" = [])),
    params(("importId" = String, Path)),
    responses((status = 200, body = ImportView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
#[web::boxed]
async fn read_import(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::ImportsWrite>,
    Path(id): Path<ImportId>,
) -> Result<Reply, Problem> {
    let import = imports::read_import(&cx, &room, id).await?;
    shown(&cx, &room, import).await
}

/// Send a part of the file
///
/// Up to 524,288 bytes, numbered from 0 in their order; a part that is sent again is not added twice. As bytes, or as JSON
/// with base64.
#[utoipa::path(put, path = "/imports/{importId}/parts/{part}", tag = "imports",
    security(("token" = ["imports:write"]), ("bearer" = []), ("session" = [])),
    params(("importId" = String, Path), ("part" = i64, Path, description = "The part's number, from 0")),
    request_body(content((PartInput = "application/json"), (Vec<u8> = "application/octet-stream"))),
    responses((status = 200, body = ImportView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 413, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn put_import_part(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::ImportsWrite>,
    Path((id, part)): Path<(ImportId, i64)>,
    request: Request,
) -> Result<Reply, Problem> {
    imports::require(&cx)?;
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let as_json = kind.starts_with("application/json");
    let too_large = || Fault::invalid("too_large", format!("A request body has at most {} bytes.", limits::BODY_BYTES));
    let body = axum::body::to_bytes(request.into_body(), limits::BODY_BYTES).await.map_err(|_| too_large())?;
    let bytes: Cow<'_, [u8]> = if as_json {
        let wrong = || Fault::invalid_field("/base64", "format", "Send {\"base64\": …}, or the bytes themselves.");
        let input: PartInput = serde_json::from_slice(&body).map_err(|_| wrong())?;
        STANDARD.decode(input.base64).map_err(|_| wrong())?.into()
    } else {
        (&*body).into()
    };
    let import = imports::put_part(&cx, &room, id, part, &bytes).await?;
    shown(&cx, &room, import).await
}

/// Look at the beginning of the file
///
/// What it is taken for, its first rows, and what its columns seem to be.
#[utoipa::path(get, path = "/imports/{importId}/preview", tag = "imports",
    security(("token" = ["imports:write"]), ("bearer" = []), ("session" = [])), params(("importId" = String, Path), PreviewQuery),
    responses((status = 200, body = PreviewView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn preview_import(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::ImportsWrite>,
    Path(id): Path<ImportId>,
    Query(query): Query<PreviewQuery>,
) -> Result<Reply, Problem> {
    let preview = imports::preview(&cx, &room, id, query.encoding, query.delimiter).await?;
    Ok(Reply::ok(|_| PreviewView::of(preview)))
}

/// Begin the dry run
///
/// Nothing is changed. When `state` is `checked`, the report says of each row what would change. It may be made again with
/// other settings. `makeCustomers` is for administrators of Jira, and tokens that have `customers:write`, too.
#[utoipa::path(post, path = "/imports/{importId}/check", tag = "imports", request_body = Settings,
    security(("token" = ["imports:write"]), ("bearer" = []), ("session" = [])), params(("importId" = String, Path)),
    responses((status = 200, body = ImportView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn check_import(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::ImportsWrite>,
    Path(id): Path<ImportId>,
    Json(settings): Json<Settings>,
) -> Result<Reply, Problem> {
    let import = imports::start_check(&cx, &room, id, settings).await?;
    shown(&cx, &room, import).await
}

async fn moved(cx: &Cx, room: &Room, id: ImportId, wish: Wish) -> Result<Reply, Problem> {
    let import = imports::move_import(cx, room, id, wish, false).await?;
    shown(cx, room, import).await
}

/// Carry it out
///
/// Writes what the dry run said, or goes on after a pause. A value that changed since the dry run is not overwritten: its
/// row becomes `overtaken`.
#[utoipa::path(post, path = "/imports/{importId}/run", tag = "imports",
    security(("token" = ["imports:write"]), ("bearer" = []), ("session" = [])), params(("importId" = String, Path)),
    responses((status = 200, body = ImportView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn run_import(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::ImportsWrite>,
    Path(id): Path<ImportId>,
) -> Result<Reply, Problem> {
    moved(&cx, &room, id, Wish::Run).await
}

/// Pause it
///
/// What was written stays; `run` goes on where it stopped.
#[utoipa::path(post, path = "/imports/{importId}/pause", tag = "imports",
    security(("token" = ["imports:write"]), ("bearer" = []), ("session" = [])), params(("importId" = String, Path)),
    responses((status = 200, body = ImportView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn pause_import(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::ImportsWrite>,
    Path(id): Path<ImportId>,
) -> Result<Reply, Problem> {
    moved(&cx, &room, id, Wish::Pause).await
}

/// Give it up
///
/// What was written before stays, and can be undone. The file is dropped.
#[utoipa::path(post, path = "/imports/{importId}/cancel", tag = "imports",
    security(("token" = ["imports:write"]), ("bearer" = []), ("session" = [])), params(("importId" = String, Path)),
    responses((status = 200, body = ImportView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn cancel_import(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::ImportsWrite>,
    Path(id): Path<ImportId>,
) -> Result<Reply, Problem> {
    moved(&cx, &room, id, Wish::Cancel).await
}

/// Undo it
///
/// Each value goes back to what it was, unless somebody changed it since: those are listed under `kept`. For 30 days. With
/// `takeAccess`, customers whom Jira made for it lose the access that it gave them; a token then needs `customers:write`, too.
#[utoipa::path(post, path = "/imports/{importId}/undo", tag = "imports",
    security(("token" = ["imports:write"]), ("bearer" = []), ("session" = [])), params(("importId" = String, Path), UndoQuery),
    responses((status = 200, body = ImportView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn undo_import(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::ImportsWrite>,
    Path(id): Path<ImportId>,
    Query(query): Query<UndoQuery>,
) -> Result<Reply, Problem> {
    let import = imports::move_import(&cx, &room, id, Wish::Undo, query.take_access).await?;
    shown(&cx, &room, import).await
}

/// List customers who were made
///
/// In the order of the file, for 30 days. After an undo, `taken` and `kept` say who lost the access that the import gave them.
#[utoipa::path(get, path = "/imports/{importId}/made", tag = "imports",
    security(("token" = ["imports:write"]), ("bearer" = []), ("session" = [])), params(("importId" = String, Path), PageQuery),
    responses((status = 200, body = Page<MadeView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn list_import_made(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::ImportsWrite>,
    Path(id): Path<ImportId>,
    Query(page): Query<PageQuery>,
) -> Result<Reply, Problem> {
    let after = page.cursor.as_deref().map(|cursor| cursor.parse::<i64>().map_err(|_| wrong_cursor())).transpose()?;
    let (made, called, next) = made::list_made(&cx, &room, id, after.unwrap_or_default(), page.limit()?).await?;
    Ok(Reply::ok(|exit| Page {
        items: made.into_iter().map(|person| MadeView::of(person, &called, exit)).collect(),
        next_cursor: next.map(|row| row.to_string()),
    }))
}

/// List the report's rows
///
/// In the order of the file. The report is gone a week after the dry run.
#[utoipa::path(get, path = "/imports/{importId}/rows", tag = "imports",
    security(("token" = ["imports:write"]), ("bearer" = []), ("session" = [])), params(("importId" = String, Path), RowsQuery),
    responses((status = 200, body = Page<ImportRowView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn list_import_rows(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::ImportsWrite>,
    Path(id): Path<ImportId>,
    Query(query): Query<RowsQuery>,
) -> Result<Reply, Problem> {
    let limit = PageQuery { cursor: None, limit: query.limit }.limit()?;
    let place = query.cursor.as_deref().map(|cursor| Place::parse(cursor).ok_or_else(wrong_cursor)).transpose()?;
    let place = place.unwrap_or_default();
    let (rows, next) = report::read_rows(&cx, &room, id, query.outcome, place, limit as usize).await?;
    let shown = Reply::shown(Way::Import, |exit| Page {
        items: rows.release(exit).map(|row| ImportRowView::of(row, exit)).collect(),
        next_cursor: next.map(|next| next.to_string()),
    });
    Ok(shown.recorded(&cx, &room.shared).await?)
}

/// Export the report
///
/// As CSV: a line for each value that changes and for each thing that is wrong. Who took it is written on the ledger.
#[utoipa::path(post, path = "/imports/{importId}/report", tag = "imports",
    security(("token" = ["imports:write"]), ("bearer" = []), ("session" = [])), params(("importId" = String, Path)),
    responses((status = 200, description = "The file", content((String = "text/csv"))), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody)))]
#[web::boxed]
async fn export_import_report(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::ImportsWrite>,
    Path(id): Path<ImportId>,
) -> Result<Reply, Problem> {
    let report = report::prepare_report(&cx, &room, id).await?;
    let of = (&cx, &room.shared, Way::Import);
    Ok(Reply::export(of, "import-report.csv", Format::Csv.content_type(), |exit| report.stream(exit))?)
}

/// List values that did not go back
///
/// After an undo: somebody had changed them since the import.
#[utoipa::path(get, path = "/imports/{importId}/kept", tag = "imports",
    security(("token" = ["imports:write"]), ("bearer" = []), ("session" = [])), params(("importId" = String, Path), PageQuery),
    responses((status = 200, body = Page<KeptView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn list_import_kept(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::ImportsWrite>,
    Path(id): Path<ImportId>,
    Query(page): Query<PageQuery>,
) -> Result<Reply, Problem> {
    let before = page.cursor.as_deref().map(|cursor| cursor.parse::<i64>().map_err(|_| wrong_cursor())).transpose()?;
    let (kept, next) = kept::list_kept(&cx, &room, id, before, page.limit()?).await?;
    Ok(Reply::ok(|_| Page {
        items: kept.into_iter().map(KeptView::of).collect(),
        next_cursor: next.map(|id| id.to_string()),
    }))
}
