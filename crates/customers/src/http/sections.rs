//! /sections

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vault::Exit;
use web::{IfMatch, Json, Page, Path, Principal, Problem, ProblemBody, Query, Reply, scope};

use crate::Room;
use crate::actions::access;
use crate::actions::fields::sections_within;
use crate::actions::reach::Reach;
use crate::actions::sections::{self, OpenSection};
use crate::model::{Entity, Permission, SectionId};

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new().routes(routes!(list_sections, make_section)).routes(routes!(change_section, delete_section))
}

/// A section of fields.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SectionView {
    /// Its id.
    id: String,
    /// Whose fields it groups.
    entity: Entity,
    /// Its name.
    #[schema(example = "Contract")]
    name: String,
    /// Its place.
    position: i64,
    /// Changes with each change; the ETag is `"v<version>"`.
    version: i64,
}

impl SectionView {
    pub(crate) fn of(section: OpenSection, exit: &Exit) -> Self {
        Self {
            id: section.id.to_string(),
            entity: section.entity,
            name: section.name.release(exit),
            position: section.position,
            version: section.version,
        }
    }
}

/// Which sections.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SectionQuery {
    /// Only those of customers, or of organizations.
    entity: Option<Entity>,
}

/// List sections
#[utoipa::path(get, path = "/sections", tag = "fields", security(("token" = ["fields:read"]), ("bearer" = []), ("session" = [])), params(SectionQuery),
    responses((status = 200, body = Page<SectionView>), (status = 401, body = ProblemBody)))]
#[web::boxed]
async fn list_sections(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::FieldsRead>,
    Query(query): Query<SectionQuery>,
) -> Result<Reply, Problem> {
    let reach = Reach::to_definitions(&cx, &room).await?;
    let visible = if reach.is_agent() { None } else { Some(sections_within(&cx, &room, &reach).await?) };
    let sections: Vec<OpenSection> = sections::all(&cx, &room)
        .await?
        .into_iter()
        .filter(|section| query.entity.is_none_or(|entity| section.entity == entity))
        .filter(|section| visible.as_ref().is_none_or(|ids| ids.contains(&section.id)))
        .collect();
    Ok(Reply::ok(|exit| Page {
        items: sections.into_iter().map(|section| SectionView::of(section, exit)).collect(),
        next_cursor: None,
    }))
}

/// A new section.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewSection {
    /// Whose fields it groups.
    entity: Entity,
    /// Its name, 1 to 100 characters, unique for its entity.
    #[schema(example = "Contract", min_length = 1, max_length = 100)]
    name: String,
}

/// Make a section
#[utoipa::path(post, path = "/sections", tag = "fields", security(("token" = ["fields:write"]), ("bearer" = []), ("session" = [])), request_body = NewSection,
    responses((status = 201, body = SectionView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn make_section(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::FieldsWrite>,
    Json(input): Json<NewSection>,
) -> Result<Reply, Problem> {
    let section = sections::make_section(&cx, &room, input.entity, &input.name).await?;
    let (location, version) = (format!("/api/v1/sections/{}", section.id), section.version);
    Ok(Reply::created(&location, |exit| SectionView::of(section, exit)).version(version))
}

/// A section as somebody wants it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SectionInput {
    /// Its name.
    #[schema(example = "Contract", min_length = 1, max_length = 100)]
    name: String,
    /// Its place, 0 to 1,000.
    #[schema(minimum = 0, maximum = 1000)]
    position: u16,
}

/// Rename or move a section
#[utoipa::path(put, path = "/sections/{id}", tag = "fields", security(("token" = ["fields:write"]), ("bearer" = []), ("session" = [])), request_body = SectionInput,
    params(("id" = String, Path, description = "Section id"), ("If-Match" = String, Header, description = "The section's ETag")),
    responses((status = 200, body = SectionView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 412, body = ProblemBody), (status = 422, body = ProblemBody), (status = 428, body = ProblemBody)))]
#[web::boxed]
async fn change_section(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::FieldsWrite>,
    Path(id): Path<SectionId>,
    before: IfMatch,
    Json(input): Json<SectionInput>,
) -> Result<Reply, Problem> {
    access::require(&cx, &room, Permission::Configure).await?;
    let position = i64::from(input.position);
    let section = sections::change_section(&cx, &room, id, before.required()?, &input.name, position).await?;
    let version = section.version;
    Ok(Reply::ok(|exit| SectionView::of(section, exit)).version(version))
}

/// Delete a section
///
/// Its fields stay, outside any section.
#[utoipa::path(delete, path = "/sections/{id}", tag = "fields", security(("token" = ["fields:write"]), ("bearer" = []), ("session" = [])),
    params(("id" = String, Path, description = "Section id"), ("If-Match" = String, Header, description = "The section's ETag")),
    responses((status = 204), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 412, body = ProblemBody), (status = 428, body = ProblemBody)))]
#[web::boxed]
async fn delete_section(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::FieldsWrite>,
    Path(id): Path<SectionId>,
    before: IfMatch,
) -> Result<Reply, Problem> {
    access::require(&cx, &room, Permission::Configure).await?;
    sections::delete_section(&cx, &room, id, before.required()?).await?;
    Ok(Reply::empty())
}
