//! /portal and /me/requests: the customer portal's own.

use axum::extract::State;
use host::client::{OwnRequest, Progressing};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vault::Exit;
use web::{Page, Person, Problem, ProblemBody, Query, Reply};

use crate::Room;
use crate::actions::portal;

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new().routes(routes!(read_portal)).routes(routes!(list_own_requests))
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
struct OwnRequestsQuery {
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// List one's own requests
///
/// What the caller reported or takes part in, in all service projects, newest change first, as Jira has it now; twenty at most on a page, fewer where some
/// that its search found are the caller's no more. Nothing of them is kept here.
#[utoipa::path(get, path = "/me/requests", tag = "portal", params(OwnRequestsQuery),
    security(("bearer" = []), ("session" = []), ("customer" = [])),
    responses((status = 200, body = Page<OwnRequestView>), (status = 401, body = ProblemBody), (status = 422, body = ProblemBody), (status = 503, body = ProblemBody)))]
#[web::boxed]
async fn list_own_requests(
    State(room): State<Room>,
    Person(caller): Person,
    Query(query): Query<OwnRequestsQuery>,
) -> Result<Reply, Problem> {
    let page = portal::own_requests(&caller.cx, &room, query.cursor.as_deref()).await?;
    Ok(Reply::ok(|exit| Page {
        items: page.items.into_iter().map(|request| OwnRequestView::of(request, exit)).collect(),
        next_cursor: page.next,
    }))
}
