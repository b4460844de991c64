//! /fields/{id}/type-changes and /type-changes: what becomes of a field's values under another type, and the change itself.

use axum::extract::State;
use kernel::{Cx, Fault};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vault::Exit;
use web::{Json, Page, PageQuery, Path, Principal, Problem, ProblemBody, Query, Reply, Way, scope};

use crate::Room;
use crate::actions::batches::OpenBatch;
use crate::actions::batches::report::{Called, Place};
use crate::actions::conversions::report;
use crate::actions::conversions::{self, Wanted, Wish};
use crate::conversion::How;
use crate::files::Format;
use crate::http::values::{AuthorView, Authors, authors};
use crate::imports::plan::{Outcome, PlannedRow};
use crate::model::{Entity, FieldId, FieldType, ImportId, ImportState};
use crate::sql::Made;

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new()
        .routes(routes!(list_type_changes, begin_type_change))
        .routes(routes!(read_type_change))
        .routes(routes!(run_type_change))
        .routes(routes!(cancel_type_change))
        .routes(routes!(undo_type_change))
        .routes(routes!(list_type_change_rows))
        .routes(routes!(export_type_change_report))
        .routes(routes!(list_type_change_kept))
}

/// What a field's type is to become.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TypeChangeInput {
    /// What it is to hold.
    #[serde(rename = "type")]
    to: FieldType,
    /// How values are written, where their text leaves a choice.
    #[serde(default)]
    reading: How,
    /// Of a select field: labels of options, besides those that it has.
    #[serde(default)]
    options: Vec<String>,
    /// Of a select field: whether what values say and no option is called becomes an option.
    #[serde(default)]
    create_options: bool,
}

/// How far a change of type is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum TypeChangeState {
    /// A preview reads the values.
    Checking,
    /// The preview is done.
    Checked,
    /// The type is changed; values are written anew.
    Running,
    /// It was left before anything changed.
    Cancelled,
    /// All is done.
    Done,
    /// The type is what it was; values go back.
    Undoing,
    /// They did.
    Undone,
}

/// How many values came to what.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TypeChangeCounts {
    /// They convert.
    changed: i64,
    /// Nothing is held.
    unchanged: i64,
    /// They do not: the value is emptied, and history keeps it.
    refused: i64,
    /// Written after the preview, and did not convert.
    overtaken: i64,
}

/// A change of a field's type.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TypeChangeView {
    /// Its id.
    id: String,
    /// Of which field.
    field_id: String,
    /// As the field was called.
    field_name: String,
    /// Whose values.
    entity: Entity,
    /// The type before.
    from: FieldType,
    /// The type after.
    to: FieldType,
    /// How values are written.
    reading: How,
    /// Of a select field: the labels of its options afterwards, as far as the preview is.
    options: Vec<String>,
    /// How far it is.
    state: TypeChangeState,
    /// Values read by the preview.
    rows_read: i64,
    /// Values of the preview, by what comes of them.
    rows: TypeChangeCounts,
    /// Values written anew.
    values_written: i64,
    /// Values that went back.
    values_returned: i64,
    /// Values that somebody changed since: converted back, and listed.
    values_kept: i64,
    /// Who began it.
    created_by: AuthorView,
    /// When.
    created_at: String,
    /// When its last step was.
    updated_at: String,
    /// Until when it can be undone, as long as the type does not change again; null when it cannot.
    undo_until: Option<String>,
}

impl TypeChangeView {
    fn of(change: OpenBatch, authors: &Authors, exit: &Exit) -> Self {
        let undo_until = conversions::undo_until(&change).map(|at| at.to_string());
        let turn = change.plan.and_then(|plan| plan.release(exit).turn).unwrap_or_default();
        Self {
            id: change.id.to_string(),
            field_id: change.field.map(|field| field.to_string()).unwrap_or_default(),
            field_name: change.name.release(exit),
            entity: change.entity,
            from: turn.from,
            to: turn.to,
            reading: turn.how,
            options: turn.options.into_iter().filter(|option| !option.retired).map(|option| option.label).collect(),
            state: match change.state {
                ImportState::Uploading | ImportState::Checking => TypeChangeState::Checking,
                ImportState::Checked => TypeChangeState::Checked,
                ImportState::Running | ImportState::Paused => TypeChangeState::Running,
                ImportState::Cancelled => TypeChangeState::Cancelled,
                ImportState::Done => TypeChangeState::Done,
                ImportState::Undoing => TypeChangeState::Undoing,
                ImportState::Undone => TypeChangeState::Undone,
            },
            rows_read: change.cursor,
            rows: TypeChangeCounts {
                changed: change.counts.changed,
                unchanged: change.counts.unchanged,
                refused: change.counts.refused,
                overtaken: change.counts.overtaken,
            },
            values_written: change.written,
            values_returned: change.returned,
            values_kept: change.kept,
            created_by: AuthorView::of(&change.author, authors, exit),
            created_at: change.created_at.to_string(),
            updated_at: change.updated_at.to_string(),
            undo_until,
        }
    }
}

/// One value of a preview.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TypeChangeRowView {
    /// The `accountId` or organization's id.
    owner_id: String,
    /// Their name; null when nobody says it any more.
    owner_name: Option<String>,
    /// What comes of it.
    outcome: Outcome,
    /// What it was, as people read it.
    from: String,
    /// What it becomes, as people read it; null where it does not convert.
    to: Option<String>,
    /// Why it does not convert.
    detail: Option<String>,
}

impl TypeChangeRowView {
    fn of(row: &PlannedRow, called: &Called, _exit: &Exit) -> Self {
        let owner_id = row.owner.clone().unwrap_or_default();
        let change = row.changes.first();
        Self {
            owner_name: called.get(&owner_id).cloned(),
            owner_id,
            outcome: row.outcome,
            from: report::said(change.map(|change| &change.from)).unwrap_or_default().to_owned(),
            to: report::said(change.map(|change| &change.to)).map(str::to_owned),
            detail: row.refusals.first().map(|refusal| refusal.detail.clone()),
        }
    }
}

/// A value that did not go back to what it was.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TypeChangeKeptView {
    /// The `accountId` or organization's id.
    owner_id: String,
    /// Their name; null when nobody says it any more.
    owner_name: Option<String>,
    /// The change that the change of type made, in the history.
    change_id: String,
}

impl TypeChangeKeptView {
    fn of(made: Made, called: &Called, _exit: &Exit) -> Self {
        Self { owner_name: called.get(&made.owner).cloned(), owner_id: made.owner, change_id: made.id.to_string() }
    }
}

/// Which values.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TypeChangeRowsQuery {
    /// Only values that came to this.
    outcome: Option<Outcome>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// Values a page, 1 to 100; 50 if left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

fn wrong_cursor() -> Fault {
    Fault::invalid_field("/cursor", "format", "Send `nextCursor` as it was answered.")
}

async fn shown(cx: &Cx, room: &Room, change: OpenBatch) -> Result<Reply, Problem> {
    let authors = authors(cx, room, std::iter::once(&change.author)).await?;
    Ok(Reply::ok(|exit| TypeChangeView::of(change, &authors, exit)))
}

/// List changes of a field's type
///
/// Newest first.
#[utoipa::path(get, path = "/fields/{id}/type-changes", tag = "fields", security(("token" = ["fields:write"]), ("bearer" = []), ("session" = [])),
    params(("id" = String, Path, description = "Field id"), PageQuery),
    responses((status = 200, body = Page<TypeChangeView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
#[web::boxed]
async fn list_type_changes(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::FieldsWrite>,
    Path(id): Path<FieldId>,
    Query(page): Query<PageQuery>,
) -> Result<Reply, Problem> {
    let before = page.cursor.as_deref().map(|cursor| cursor.parse().map(ImportId).map_err(|_| wrong_cursor()));
    let (found, next) = conversions::list_changes(&cx, &room, id, before.transpose()?, page.limit()?).await?;
    let authors = authors(&cx, &room, found.iter().map(|change| &change.author)).await?;
    Ok(Reply::ok(|exit| Page {
        items: found.into_iter().map(|change| TypeChangeView::of(change, &authors, exit)).collect(),
        next_cursor: next.map(|id| id.to_string()),
    }))
}

/// Preview a change of a field's type
///
/// Every value is read; nothing changes. Another preview of the same field takes this one's place. A token needs the scope
/// that reads the values too.
#[utoipa::path(post, path = "/fields/{id}/type-changes", tag = "fields", request_body = TypeChangeInput,
    security(("token" = ["fields:write"]), ("bearer" = []), ("session" = [])),
    params(("id" = String, Path, description = "Field id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes it be done once, however often it is sent")),
    responses((status = 201, body = TypeChangeView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn begin_type_change(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::FieldsWrite>,
    Path(id): Path<FieldId>,
    Json(input): Json<TypeChangeInput>,
) -> Result<Reply, Problem> {
    let TypeChangeInput { to, reading, options, create_options } = input;
    let wanted = Wanted { to, how: reading, options, create: create_options };
    let change = conversions::begin_change(&cx, &room, id, wanted).await?;
    let location = format!("/api/v1/type-changes/{}", change.id);
    let authors = authors(&cx, &room, std::iter::once(&change.author)).await?;
    Ok(Reply::created(&location, |exit| TypeChangeView::of(change, &authors, exit)))
}

/// Read a change of a field's type
#[utoipa::path(get, path = "/type-changes/{typeChangeId}", tag = "fields", security(("token" = ["fields:write"]), ("bearer" = []), ("session" = [])),
    params(("typeChangeId" = String, Path)),
    responses((status = 200, body = TypeChangeView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
#[web::boxed]
async fn read_type_change(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::FieldsWrite>,
    Path(id): Path<ImportId>,
) -> Result<Reply, Problem> {
    let change = conversions::read_change(&cx, &room, id).await?;
    shown(&cx, &room, change).await
}

async fn moved(cx: &Cx, room: &Room, id: ImportId, wish: Wish) -> Result<Reply, Problem> {
    let change = conversions::move_change(cx, room, id, wish).await?;
    shown(cx, room, change).await
}

/// Change the type as previewed
///
/// From then on everybody reads the new type; values are written anew one after another. What does not convert is empty then,
/// and stays in the history. A token needs the scope that writes the values too.
#[utoipa::path(post, path = "/type-changes/{typeChangeId}/run", tag = "fields", security(("token" = ["fields:write"]), ("bearer" = []), ("session" = [])),
    params(("typeChangeId" = String, Path)),
    responses((status = 200, body = TypeChangeView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn run_type_change(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::FieldsWrite>,
    Path(id): Path<ImportId>,
) -> Result<Reply, Problem> {
    moved(&cx, &room, id, Wish::Run).await
}

/// Leave a preview
#[utoipa::path(post, path = "/type-changes/{typeChangeId}/cancel", tag = "fields", security(("token" = ["fields:write"]), ("bearer" = []), ("session" = [])),
    params(("typeChangeId" = String, Path)),
    responses((status = 200, body = TypeChangeView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn cancel_type_change(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::FieldsWrite>,
    Path(id): Path<ImportId>,
) -> Result<Reply, Problem> {
    moved(&cx, &room, id, Wish::Cancel).await
}

/// Undo a change of a field's type
///
/// The field has its former type again, and each value what it was, for 30 days. Values that somebody wrote since are
/// converted back and listed under `kept`.
#[utoipa::path(post, path = "/type-changes/{typeChangeId}/undo", tag = "fields", security(("token" = ["fields:write"]), ("bearer" = []), ("session" = [])),
    params(("typeChangeId" = String, Path)),
    responses((status = 200, body = TypeChangeView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn undo_type_change(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::FieldsWrite>,
    Path(id): Path<ImportId>,
) -> Result<Reply, Problem> {
    moved(&cx, &room, id, Wish::Undo).await
}

/// List what becomes of each value
///
/// Gone a week after the preview.
#[utoipa::path(get, path = "/type-changes/{typeChangeId}/rows", tag = "fields", security(("token" = ["fields:write"]), ("bearer" = []), ("session" = [])),
    params(("typeChangeId" = String, Path), TypeChangeRowsQuery),
    responses((status = 200, body = Page<TypeChangeRowView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn list_type_change_rows(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::FieldsWrite>,
    Path(id): Path<ImportId>,
    Query(query): Query<TypeChangeRowsQuery>,
) -> Result<Reply, Problem> {
    let limit = PageQuery { cursor: None, limit: query.limit }.limit()?;
    let place = query.cursor.as_deref().map(|cursor| Place::parse(cursor).ok_or_else(wrong_cursor)).transpose()?;
    let place = place.unwrap_or_default();
    let (rows, called, next) = report::read_rows(&cx, &room, id, query.outcome, place, limit as usize).await?;
    let shown = Reply::shown(Way::TypeChange, |exit| Page {
        items: rows.release(exit).map(|row| TypeChangeRowView::of(row, &called, exit)).collect(),
        next_cursor: next.map(|next| next.to_string()),
    });
    Ok(shown.recorded(&cx, &room.shared).await?)
}

/// Export what becomes of each value
///
/// As CSV: a line for each value that is held. Who took it is written on the ledger.
#[utoipa::path(post, path = "/type-changes/{typeChangeId}/report", tag = "fields", security(("token" = ["fields:write"]), ("bearer" = []), ("session" = [])),
    params(("typeChangeId" = String, Path)),
    responses((status = 200, description = "The file", content((String = "text/csv"))), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody)))]
#[web::boxed]
async fn export_type_change_report(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::FieldsWrite>,
    Path(id): Path<ImportId>,
) -> Result<Reply, Problem> {
    let report = report::prepare_report(&cx, &room, id).await?;
    let of = (&cx, &room.shared, Way::TypeChange);
    Ok(Reply::export(of, "type-change.csv", Format::Csv.content_type(), |exit| report.stream(exit))?)
}

/// List values that did not go back to what they were
///
/// After undoing: somebody had changed them since. They were converted back.
#[utoipa::path(get, path = "/type-changes/{typeChangeId}/kept", tag = "fields", security(("token" = ["fields:write"]), ("bearer" = []), ("session" = [])),
    params(("typeChangeId" = String, Path), PageQuery),
    responses((status = 200, body = Page<TypeChangeKeptView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn list_type_change_kept(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::FieldsWrite>,
    Path(id): Path<ImportId>,
    Query(page): Query<PageQuery>,
) -> Result<Reply, Problem> {
    let before = page.cursor.as_deref().map(|cursor| cursor.parse::<i64>().map_err(|_| wrong_cursor())).transpose()?;
    let (kept, called, next) = report::list_kept(&cx, &room, id, before, page.limit()?).await?;
    Ok(Reply::ok(|exit| Page {
        items: kept.into_iter().map(|made| TypeChangeKeptView::of(made, &called, exit)).collect(),
        next_cursor: next.map(|id| id.to_string()),
    }))
}
