//! /settings/in-jira/copies: which values are copied into issues' own fields when a request is made; for Jira's administrators.

use axum::extract::State;
use host::client::IssueFieldKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vault::Exit;
use web::{Admin, IfMatch, Json, Path, Problem, ProblemBody, Reply};

use crate::Room;
use crate::actions::copies;
use crate::actions::fields::OpenField;
use crate::model::{Entity, FieldId, FieldType};

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new()
        .routes(routes!(read_copies))
        .routes(routes!(put_copy, remove_copy))
        .routes(routes!(list_issue_fields))
}

/// What a field of an issue holds.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum IssueFieldType {
    /// One line of text, 255 characters.
    Line,
    /// Lines of text.
    Paragraph,
    /// An address of a page.
    Url,
    /// A number.
    Number,
    /// A day.
    Date,
    /// An instant.
    DateTime,
    /// One of its options; a value that is none of them is refused by Jira.
    Select,
    /// Some of its options.
    MultiSelect,
    /// Labels; what separates words becomes `_`.
    Labels,
}

impl From<IssueFieldKind> for IssueFieldType {
    fn from(kind: IssueFieldKind) -> Self {
        match kind {
            IssueFieldKind::Line => Self::Line,
            IssueFieldKind::Paragraph => Self::Paragraph,
            IssueFieldKind::Url => Self::Url,
            IssueFieldKind::Number => Self::Number,
            IssueFieldKind::Date => Self::Date,
            IssueFieldKind::DateTime => Self::DateTime,
            IssueFieldKind::Select => Self::Select,
            IssueFieldKind::MultiSelect => Self::MultiSelect,
            IssueFieldKind::Labels => Self::Labels,
        }
    }
}

/// A field of Jira's that values can be copied into.
#[derive(Serialize, ToSchema)]
struct IssueFieldView {
    /// Its id.
    #[schema(example = "customfield_10050")]
    id: String,
    /// Its name in Jira.
    #[schema(example = "Support tier")]
    name: String,
    /// What it holds.
    #[serde(rename = "type")]
    kind: IssueFieldType,
    /// The types of field whose values fit.
    takes: Vec<FieldType>,
}

/// The fields of Jira's that values can be copied into.
#[derive(Serialize, ToSchema)]
struct IssueFieldsView {
    /// By name.
    items: Vec<IssueFieldView>,
}

/// A field whose values are copied.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CopyView {
    /// The field.
    field_id: String,
    /// Whom it describes.
    entity: Entity,
    /// What it holds.
    #[serde(rename = "type")]
    kind: FieldType,
    /// Its name.
    #[schema(example = "Tier")]
    name: String,
    /// The field of Jira's that its values are copied into.
    #[schema(example = "customfield_10050")]
    issue_field_id: String,
    /// The name that this had when it was chosen.
    #[schema(example = "Support tier")]
    issue_field_name: String,
    /// Requests that were made before are left alone.
    since: String,
    /// Changes with each change of the field; the ETag is `"v<version>"`.
    version: i64,
}

impl CopyView {
    fn of(field: OpenField, exit: &Exit) -> Option<Self> {
        let to = copies::rule(&field)?.clone();
        Some(Self {
            field_id: field.id.to_string(),
            entity: field.entity,
            kind: field.kind,
            issue_field_id: to.id,
            issue_field_name: to.name,
            since: to.since.to_string(),
            version: field.version,
            name: field.body.release(exit).name,
        })
    }
}

/// A value that Jira did not take.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CopyFailureView {
    /// The issue's id.
    issue_id: String,
    /// The field whose value it was.
    field_id: String,
    /// Why, as a code: `jira_rejected` (no such option, or the field is not on the issue's screen), `refused`, `too_long`.
    #[schema(example = "jira_rejected")]
    code: String,
    /// When.
    at: String,
}

/// Which values are copied when a request is made.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CopiesView {
    /// The rules.
    copies: Vec<CopyView>,
    /// What Jira did not take within the last 30 days: the newest twenty.
    failures: Vec<CopyFailureView>,
}

/// What a field's values are copied into.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CopyInput {
    /// The field of Jira's, by its id.
    #[schema(example = "customfield_10050", max_length = 255)]
    issue_field_id: String,
}

/// Read which values are copied when a request is made
#[utoipa::path(get, path = "/settings/in-jira/copies", tag = "settings",
    responses((status = 200, body = CopiesView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody)))]
#[web::boxed]
async fn read_copies(State(room): State<Room>, Admin(caller): Admin) -> Result<Reply, Problem> {
    let state = copies::state(&caller.cx, &room).await?;
    Ok(Reply::ok(|exit| CopiesView {
        copies: state.fields.into_iter().filter_map(|field| CopyView::of(field, exit)).collect(),
        failures: state
            .failures
            .into_iter()
            .map(|one| CopyFailureView {
                issue_id: one.issue,
                field_id: one.field.to_string(),
                code: one.code,
                at: one.at.to_string(),
            })
            .collect(),
    }))
}

/// List the fields of Jira's that values can be copied into
///
/// As Jira has them now; with each the types of field whose values fit.
#[utoipa::path(get, path = "/settings/in-jira/issue-fields", tag = "settings",
    responses((status = 200, body = IssueFieldsView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 503, body = ProblemBody)))]
#[web::boxed]
async fn list_issue_fields(State(room): State<Room>, Admin(caller): Admin) -> Result<Reply, Problem> {
    let found = copies::targets(&caller.cx, &room).await?;
    let items = found
        .into_iter()
        .map(|field| IssueFieldView {
            takes: copies::takes(field.kind),
            kind: field.kind.into(),
            id: field.id,
            name: field.name,
        })
        .collect();
    Ok(Reply::ok(|_| IssueFieldsView { items }))
}

/// Have a field's values copied when a request is made
///
/// Into a field of the issue's own that is empty then, once. Everybody who may read the issue in Jira can then read them there, so that only a
/// field that customers may see is taken. Requests that were made before are left alone.
#[utoipa::path(put, path = "/settings/in-jira/copies/{fieldId}", tag = "settings", request_body = CopyInput,
    params(("fieldId" = String, Path, description = "Field id"), ("If-Match" = String, Header, description = "The field's ETag")),
    responses((status = 200, body = CopyView), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 412, body = ProblemBody), (status = 422, body = ProblemBody), (status = 428, body = ProblemBody), (status = 503, body = ProblemBody)))]
#[web::boxed]
async fn put_copy(
    State(room): State<Room>,
    Admin(caller): Admin,
    Path(id): Path<FieldId>,
    before: IfMatch,
    Json(input): Json<CopyInput>,
) -> Result<Reply, Problem> {
    let field = copies::choose(&caller.cx, &room, id, before.required()?, &input.issue_field_id).await?;
    let version = field.version;
    Ok(Reply::ok(|exit| CopyView::of(field, exit)).version(version))
}

/// Have a field's values copied no more
///
/// What was copied stays in Jira.
#[utoipa::path(delete, path = "/settings/in-jira/copies/{fieldId}", tag = "settings",
    params(("fieldId" = String, Path, description = "Field id"), ("If-Match" = String, Header, description = "The field's ETag")),
    responses((status = 204), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 412, body = ProblemBody), (status = 428, body = ProblemBody)))]
#[web::boxed]
async fn remove_copy(
    State(room): State<Room>,
    Admin(caller): Admin,
    Path(id): Path<FieldId>,
    before: IfMatch,
) -> Result<Reply, Problem> {
    let field = copies::remove(&caller.cx, &room, id, before.required()?).await?;
    Ok(Reply::empty().version(field.version))
}
