//! Raising a request for a customer: what may be asked for, and asking.

use axum::extract::State;
use host::client::RequestTypeId;
use kernel::{AccountId, ProjectId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Page, Path, Person, Problem, ProblemBody, Reply};

use crate::Room;
use crate::actions::requests::{self, Wanted};

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new().routes(routes!(list_request_types)).routes(routes!(read_form)).routes(routes!(raise_request))
}

/// What may be asked for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RequestTypeView {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// What it is for.
    description: Option<String>,
}

/// List a service project's request types
#[utoipa::path(get, path = "/projects/{projectId}/request-types", tag = "people", params(("projectId" = String, Path)),
    responses((status = 200, body = Page<RequestTypeView>), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn list_request_types(
    State(room): State<Room>,
    Person(caller): Person,
    Path(project): Path<ProjectId>,
) -> Result<Reply, Problem> {
    let kinds = requests::request_types(&caller.cx, &room, &project).await?;
    Ok(Reply::ok(|exit| Page {
        items: kinds
            .into_iter()
            .map(|kind| RequestTypeView {
                id: kind.id.to_string(),
                name: kind.name.release(exit),
                description: kind.description.map(|text| text.release(exit)).filter(|text| !text.is_empty()),
            })
            .collect(),
        next_cursor: None,
    }))
}

/// What a request type's form asks for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FormView {
    /// Whether a description can be given.
    described: bool,
    /// Names of fields that must be filled and that `POST /requests` cannot fill; empty: it can be raised there.
    missing: Vec<String>,
    /// The portal's own form, where everything can be filled.
    portal_url: Option<String>,
}

/// Read what a request type's form asks for
#[utoipa::path(get, path = "/projects/{projectId}/request-types/{requestTypeId}", tag = "people",
    params(("projectId" = String, Path), ("requestTypeId" = String, Path)),
    responses((status = 200, body = FormView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn read_form(
    State(room): State<Room>,
    Person(caller): Person,
    Path((project, kind)): Path<(ProjectId, RequestTypeId)>,
) -> Result<Reply, Problem> {
    let form = requests::form(&caller.cx, &room, &project, &kind).await?;
    Ok(Reply::ok(|exit| FormView {
        described: form.described,
        missing: form.missing.into_iter().map(|field| field.name.release(exit)).collect(),
        portal_url: form.portal.map(String::from),
    }))
}

/// A new request.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewRequest {
    /// For whom.
    #[schema(value_type = String, example = "5b10ac8d82e05b22cc7d4ef5")]
    account_id: AccountId,
    /// In which service project.
    #[schema(value_type = String, example = "10001")]
    project_id: ProjectId,
    /// What for.
    #[schema(value_type = String, example = "25")]
    request_type_id: RequestTypeId,
    /// In a line.
    #[schema(example = "Cannot sign in", min_length = 1, max_length = 255)]
    summary: String,
    /// In full. Goes to Jira as plain paragraphs.
    #[serde(default)]
    #[schema(max_length = 32767)]
    description: String,
}

/// A request that was raised.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RequestMade {
    /// Its key, today.
    issue_key: String,
    /// Where people see it.
    url: Option<String>,
}

/// Raise a request for a customer
///
/// It is Jira that judges whether the caller may. Nothing of the text is kept here. 409 `jira_answer_lost`: Jira did not say whether it
/// raised it; sent again, the one that it raised is answered.
#[utoipa::path(post, path = "/requests", tag = "people", request_body = NewRequest,
    responses((status = 201, body = RequestMade), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn raise_request(
    State(room): State<Room>,
    Person(caller): Person,
    Json(input): Json<NewRequest>,
) -> Result<Reply, Problem> {
    let wanted = Wanted {
        project: &input.project_id,
        kind: &input.request_type_id,
        customer: &input.account_id,
        summary: &input.summary,
        description: &input.description,
    };
    let (key, url) = requests::raise_request(&caller.cx, &room, wanted).await?;
    let location = format!("/api/v1/panel?issue={key}");
    Ok(Reply::created(&location, |_| RequestMade { issue_key: key, url: url.map(String::from) }))
}
