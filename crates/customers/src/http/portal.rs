//! /portal, /me/requests and /me/organizations: the customer portal's own.

use axum::extract::State;
use host::client::{OwnRequest, Progressing};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vault::Exit;
use web::{Page, Person, Problem, ProblemBody, Query, Reply};

use crate::Room;
use crate::actions::directory::{self, Names};
use crate::actions::fields::OpenField;
use crate::actions::person::account_of;
use crate::actions::portal::{self, OwnOrganization};
use crate::actions::values::OpenValue;
use crate::http::fields::FieldView;
use crate::http::sections::SectionView;
use crate::imports::cells;
use crate::model::Value;

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new()
        .routes(routes!(read_portal))
        .routes(routes!(list_own_requests))
        .routes(routes!(list_own_organizations))
}

/// The site that the portal belongs to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PortalView {
    /// What it is called in Jira; null when Jira does not say.
    site_name: Option<String>,
    /// Where Jira's own portals are; null while the site's address is not known.
    #[schema(example = "https://example.atlassian.net/servicedesk/customer/portals")]
    jira_portal_url: Option<String>,
}

/// Read which site the portal belongs to
#[utoipa::path(get, path = "/portal", tag = "portal",
    security(("bearer" = []), ("session" = []), ("customer" = [])),
    responses((status = 200, body = PortalView), (status = 401, body = ProblemBody)))]
#[web::boxed]
async fn read_portal(State(room): State<Room>, Person(caller): Person) -> Result<Reply, Problem> {
    let portal = portal::read_portal(&caller.cx, &room).await?;
    Ok(Reply::ok(|exit| PortalView {
        site_name: portal.site.server_title.map(|title| title.release(exit)).filter(|title| !title.is_empty()),
        jira_portal_url: portal.home.map(String::from),
    }))
}

/// Whether a request is done.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum RequestProgress {
    /// Not yet.
    Open,
    /// Done.
    Done,
}

/// What somebody is to a request of theirs.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum RequestPart {
    /// They raised it, or it was raised for them.
    Reporter,
    /// They take part in it.
    Participant,
}

/// A request of one's own.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OwnRequestView {
    /// Its key, today.
    #[schema(example = "CARE-42")]
    key: String,
    /// What it is about.
    summary: String,
    /// Its status, as Jira tells customers.
    status: String,
    /// Whether it is done.
    progress: RequestProgress,
    /// What the caller is to it.
    part: RequestPart,
    /// When it was raised; null where Jira does not say.
    created_at: Option<String>,
    /// When it was last changed; null where Jira does not say.
    updated_at: Option<String>,
    /// Its page in Jira's portal; null while the site's address is not known.
    url: Option<String>,
}

impl OwnRequestView {
    fn of(request: OwnRequest, exit: &Exit) -> Self {
        Self {
            key: request.key.to_string(),
            summary: request.summary.release(exit),
            status: request.status.release(exit),
            progress: match request.progress {
                Progressing::Open => RequestProgress::Open,
                Progressing::Done => RequestProgress::Done,
            },
            part: if request.is_reporter { RequestPart::Reporter } else { RequestPart::Participant },
            created_at: request.created_at.map(|at| at.to_string()),
            updated_at: request.updated_at.map(|at| at.to_string()),
            url: request.url.map(String::from),
        }
    }
}

/// Where to go on.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OwnListQuery {
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// List one's own requests
///
/// What the caller reported or takes part in, in all service projects, newest change first, as Jira has it now; twenty at most on a page, fewer where some
/// that its search found are the caller's no more. Nothing of them is kept here.
#[utoipa::path(get, path = "/me/requests", tag = "portal", params(OwnListQuery),
    security(("bearer" = []), ("session" = []), ("customer" = [])),
    responses((status = 200, body = Page<OwnRequestView>), (status = 401, body = ProblemBody), (status = 422, body = ProblemBody), (status = 503, body = ProblemBody)))]
#[web::boxed]
async fn list_own_requests(
    State(room): State<Room>,
    Person(caller): Person,
    Query(query): Query<OwnListQuery>,
) -> Result<Reply, Problem> {
    let page = portal::own_requests(&caller.cx, &room, query.cursor.as_deref()).await?;
    Ok(Reply::ok(|exit| Page {
        items: page.items.into_iter().map(|request| OwnRequestView::of(request, exit)).collect(),
        next_cursor: page.next,
    }))
}

/// A value of an organization's that is shared with its members.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SharedValueView {
    /// The field.
    field_id: String,
    /// The value.
    value: Value,
    /// As people read it: options and people by their names.
    text: String,
    /// When it was last changed.
    updated_at: String,
}

impl SharedValueView {
    fn of(stored: OpenValue, fields: &[OpenField], names: &Names, exit: &Exit) -> Self {
        let value = stored.value.release(exit);
        let field = fields.iter().find(|field| field.id == stored.field);
        let name = account_of(&value).and_then(|account| names.get(&account)).map(|name| name.peek().name.as_str());
        let text = field.map(|field| cells::written(field.kind, field.body.peek(), &value, name)).unwrap_or_default();
        Self { field_id: stored.field.to_string(), value, text, updated_at: stored.updated_at.to_string() }
    }
}

/// An organization that the caller belongs to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OwnOrganizationView {
    /// Its id.
    id: String,
    /// Its name, as Jira has it.
    #[schema(example = "Harbour Logistics")]
    name: String,
    /// What is shared of it with its members; what is empty is left out.
    values: Vec<SharedValueView>,
}

impl OwnOrganizationView {
    fn of(organization: OwnOrganization, fields: &[OpenField], names: &Names, exit: &Exit) -> Self {
        let values = organization.values.into_iter();
        Self {
            id: organization.id.to_string(),
            name: organization.name.release(exit),
            values: values.map(|value| SharedValueView::of(value, fields, names, exit)).collect(),
        }
    }
}

/// Organizations that the caller belongs to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OwnOrganizationsView {
    /// By name; twenty at most.
    items: Vec<OwnOrganizationView>,
    /// Send it as `cursor` for the next page; null on the last.
    next_cursor: Option<String>,
    /// The fields that are shared with members, in their order; none for whoever belongs to no organization.
    fields: Vec<FieldView>,
    /// The sections of these fields.
    sections: Vec<SectionView>,
}

/// List one's own organizations
///
/// Those that the caller belongs to, as Jira has it now (a Data Center's as they were read within the hour), by name, with what is shared with their members: values of fields that
/// customers see, of the projects whose customer the caller is. Who wrote them is not told.
#[utoipa::path(get, path = "/me/organizations", tag = "portal", params(OwnListQuery),
    security(("bearer" = []), ("session" = []), ("customer" = [])),
    responses((status = 200, body = OwnOrganizationsView), (status = 401, body = ProblemBody), (status = 422, body = ProblemBody), (status = 503, body = ProblemBody)))]
#[web::boxed]
async fn list_own_organizations(
    State(room): State<Room>,
    Person(caller): Person,
    Query(query): Query<OwnListQuery>,
) -> Result<Reply, Problem> {
    let page = portal::own_organizations(&caller.cx, &room, query.cursor.as_deref()).await?;
    let names = directory::names(&caller.cx, &room, &page.people()).await?;
    Ok(Reply::ok(|exit| {
        let items = page.items.into_iter();
        OwnOrganizationsView {
            items: items.map(|one| OwnOrganizationView::of(one, &page.fields, &names, exit)).collect(),
            next_cursor: page.next.map(|id| id.to_string()),
            fields: page.fields.into_iter().map(|field| FieldView::of(field, exit)).collect(),
            sections: page.sections.into_iter().map(|section| SectionView::of(section, exit)).collect(),
        }
    }))
}
