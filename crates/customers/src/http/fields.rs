//! /fields

use axum::extract::State;
use kernel::Fault;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vault::Exit;
use web::{IfMatch, Json, Page, Path, Principal, Problem, ProblemBody, Query, Reply, scope};

use crate::Room;
use crate::actions::access;
use crate::actions::fields::{self, OpenField, Wanted};
use crate::actions::reach::Reach;
use crate::model::{Entity, FieldAudience, FieldBody, FieldId, FieldOption, FieldType, Permission, SectionId, Value};

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new()
        .routes(routes!(list_fields, define_field))
        .routes(routes!(get_field, change_field, retire_field))
        .routes(routes!(restore_field))
        .routes(routes!(order_fields))
}

/// An option of a select field.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OptionView {
    /// Stays the same through renames.
    id: String,
    /// What people read.
    #[schema(example = "Gold")]
    label: String,
    /// No longer to be chosen; values that hold it keep it.
    retired: bool,
}

/// A field.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FieldView {
    /// Its id.
    id: String,
    /// Whom it describes.
    entity: Entity,
    /// What it holds.
    #[serde(rename = "type")]
    kind: FieldType,
    /// Its name, unique for its entity.
    #[schema(example = "Tier")]
    name: String,
    /// What it is for.
    help: Option<String>,
    /// Its section.
    section_id: Option<String>,
    /// Its place.
    position: i64,
    /// Whether it may not be emptied.
    required: bool,
    /// What an empty panel offers.
    default: Value,
    /// What may be chosen.
    options: Vec<OptionView>,
    /// Who sees it besides agents.
    audience: FieldAudience,
    /// Project ids that it is limited to; empty: all.
    projects: Vec<String>,
    /// Of telephone numbers: the country (ISO 3166-1 alpha-2) of those that name none; null: they must name one.
    #[schema(example = "DE")]
    country: Option<String>,
    /// Whether it is out of use.
    retired: bool,
    /// Changes with each change; the ETag is `"v<version>"`.
    version: i64,
}

impl FieldView {
    pub(crate) fn of(field: OpenField, exit: &Exit) -> Self {
        let body = field.body.release(exit);
        Self {
            id: field.id.to_string(),
            entity: field.entity,
            kind: field.kind,
            name: body.name,
            help: body.help,
            section_id: field.section.map(|id| id.to_string()),
            position: field.position,
            required: field.required,
            default: body.default,
            options: body
                .options
                .into_iter()
                .map(|option| OptionView { id: option.id, label: option.label, retired: option.retired })
                .collect(),
            audience: field.audience,
            projects: body.projects,
            // It may have been a field of numbers before.
            country: body.country.filter(|_| field.kind == FieldType::Phone),
            retired: field.retired,
            version: field.version,
        }
    }
}

/// An option as somebody wants it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OptionInput {
    /// The option's id; left out for a new one.
    #[serde(default)]
    id: Option<String>,
    /// What people read.
    #[schema(example = "Gold")]
    label: String,
    /// Whether it can no longer be chosen.
    #[serde(default)]
    retired: bool,
}

/// A field as somebody wants it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FieldInput {
    /// Whom it describes; fixed once made.
    entity: Entity,
    /// What it holds; fixed once made.
    #[serde(rename = "type")]
    kind: FieldType,
    /// Its name, 1 to 100 characters, unique for its entity.
    #[schema(example = "Tier", min_length = 1, max_length = 100)]
    name: String,
    /// What it is for, at most 1,000 characters.
    #[serde(default)]
    help: Option<String>,
    /// Its section.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    section_id: Option<SectionId>,
    /// Whether it may not be emptied.
    #[serde(default)]
    required: bool,
    /// What an empty panel offers.
    #[serde(default)]
    default: Value,
    /// What may be chosen; every option there is must be listed.
    #[serde(default)]
    options: Vec<OptionInput>,
    /// Who sees it besides agents. `customerEdit` is for customers' own fields: an organization has one value for all its members.
    #[serde(default = "agents")]
    audience: FieldAudience,
    /// Project ids that it is limited to; empty: all.
    #[serde(default)]
    projects: Vec<String>,
    /// Of telephone numbers: the country (ISO 3166-1 alpha-2) of those that name none; left out, they must name one.
    #[serde(default)]
    #[schema(example = "DE")]
    country: Option<String>,
}

fn agents() -> FieldAudience {
    FieldAudience::Agents
}

impl From<FieldInput> for Wanted {
    fn from(input: FieldInput) -> Self {
        let options = input.options.into_iter().map(|option| FieldOption {
            id: option.id.unwrap_or_default(),
            label: option.label,
            retired: option.retired,
        });
        Self {
            entity: input.entity,
            kind: input.kind,
            section: input.section_id,
            required: input.required,
            audience: input.audience,
            body: FieldBody {
                name: input.name,
                help: input.help,
                options: options.collect(),
                default: input.default,
                projects: input.projects,
                country: input.country,
                ..FieldBody::default()
            },
        }
    }
}

/// Which fields.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FieldQuery {
    /// Only fields of customers, or of organizations.
    entity: Option<Entity>,
    /// `true`: only retired ones. Default: only those in use.
    #[serde(default)]
    retired: bool,
}

/// List fields
///
/// A customer is shown the fields that they may see of their own; `/me/organizations` has those of their organizations.
#[utoipa::path(get, path = "/fields", tag = "fields", security(("token" = ["fields:read"]), ("bearer" = []), ("session" = [])), params(FieldQuery),
    responses((status = 200, body = Page<FieldView>), (status = 401, body = ProblemBody)))]
#[web::boxed]
async fn list_fields(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::FieldsRead>,
    Query(query): Query<FieldQuery>,
) -> Result<Reply, Problem> {
    let reach = Reach::to_definitions(&cx, &room).await?;
    let fields = fields::all(&cx, &room).await?;
    let shown: Vec<OpenField> = fields
        .into_iter()
        .filter(|field| query.entity.is_none_or(|entity| field.entity == entity))
        .filter(|field| field.retired == query.retired)
        .filter(|field| reach.sees(field))
        .collect();
    Ok(Reply::ok(|exit| Page {
        items: shown.into_iter().map(|field| FieldView::of(field, exit)).collect(),
        next_cursor: None,
    }))
}

/// Define a field
#[utoipa::path(post, path = "/fields", tag = "fields", security(("token" = ["fields:write"]), ("bearer" = []), ("session" = [])), request_body = FieldInput,
    responses((status = 201, body = FieldView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn define_field(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::FieldsWrite>,
    Json(input): Json<FieldInput>,
) -> Result<Reply, Problem> {
    let field = fields::define_field(&cx, &room, input.into()).await?;
    let (location, version) = (format!("/api/v1/fields/{}", field.id), field.version);
    Ok(Reply::created(&location, |exit| FieldView::of(field, exit)).version(version))
}

/// Read a field
#[utoipa::path(get, path = "/fields/{id}", tag = "fields", security(("token" = ["fields:read"]), ("bearer" = []), ("session" = [])), params(("id" = String, Path, description = "Field id")),
    responses((status = 200, body = FieldView), (status = 401, body = ProblemBody), (status = 404, body = ProblemBody)))]
#[web::boxed]
async fn get_field(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::FieldsRead>,
    Path(id): Path<FieldId>,
) -> Result<Reply, Problem> {
    let reach = Reach::to_definitions(&cx, &room).await?;
    let field = fields::read_field(&cx, &room, id).await?;
    if !reach.sees(&field) {
        return Err(Fault::not_found().into());
    }
    let version = field.version;
    Ok(Reply::ok(|exit| FieldView::of(field, exit)).version(version))
}

/// Change a field
///
/// The whole field is replaced. Its type and entity are fixed. Options are renamed, moved and retired by their ids, and
/// never left out.
#[utoipa::path(put, path = "/fields/{id}", tag = "fields", security(("token" = ["fields:write"]), ("bearer" = []), ("session" = [])), request_body = FieldInput,
    params(("id" = String, Path, description = "Field id"), ("If-Match" = String, Header, description = "The field's ETag")),
    responses((status = 200, body = FieldView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 412, body = ProblemBody), (status = 422, body = ProblemBody), (status = 428, body = ProblemBody)))]
#[web::boxed]
async fn change_field(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::FieldsWrite>,
    Path(id): Path<FieldId>,
    before: IfMatch,
    Json(input): Json<FieldInput>,
) -> Result<Reply, Problem> {
    access::require(&cx, &room, Permission::Configure).await?;
    let field = fields::change_field(&cx, &room, id, before.required()?, input.into()).await?;
    let version = field.version;
    Ok(Reply::ok(|exit| FieldView::of(field, exit)).version(version))
}

/// Retire a field
///
/// Its values are kept, and come back with it.
#[utoipa::path(delete, path = "/fields/{id}", tag = "fields", security(("token" = ["fields:write"]), ("bearer" = []), ("session" = [])),
    params(("id" = String, Path, description = "Field id"), ("If-Match" = String, Header, description = "The field's ETag")),
    responses((status = 204), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 412, body = ProblemBody), (status = 428, body = ProblemBody)))]
#[web::boxed]
async fn retire_field(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::FieldsWrite>,
    Path(id): Path<FieldId>,
    before: IfMatch,
) -> Result<Reply, Problem> {
    access::require(&cx, &room, Permission::Configure).await?;
    let field = fields::retire_field(&cx, &room, id, before.required()?, true).await?;
    Ok(Reply::empty().version(field.version))
}

/// Take a retired field back into use
#[utoipa::path(post, path = "/fields/{id}/restore", tag = "fields", security(("token" = ["fields:write"]), ("bearer" = []), ("session" = [])),
    params(("id" = String, Path, description = "Field id"), ("If-Match" = String, Header, description = "The field's ETag")),
    responses((status = 200, body = FieldView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 412, body = ProblemBody), (status = 428, body = ProblemBody)))]
#[web::boxed]
async fn restore_field(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::FieldsWrite>,
    Path(id): Path<FieldId>,
    before: IfMatch,
) -> Result<Reply, Problem> {
    access::require(&cx, &room, Permission::Configure).await?;
    let field = fields::retire_field(&cx, &room, id, before.required()?, false).await?;
    let version = field.version;
    Ok(Reply::ok(|exit| FieldView::of(field, exit)).version(version))
}

/// A new order.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OrderInput {
    /// Whose fields.
    entity: Entity,
    /// All fields in use, in the new order.
    #[schema(value_type = Vec<String>)]
    ids: Vec<FieldId>,
}

/// Put fields in a new order
#[utoipa::path(post, path = "/fields/order", tag = "fields", security(("token" = ["fields:write"]), ("bearer" = []), ("session" = [])), request_body = OrderInput,
    responses((status = 204), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn order_fields(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::FieldsWrite>,
    Json(input): Json<OrderInput>,
) -> Result<Reply, Problem> {
    fields::order_fields(&cx, &room, input.entity, &input.ids).await?;
    Ok(Reply::empty())
}
