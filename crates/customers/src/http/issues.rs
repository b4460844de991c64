//! /settings/in-jira: which fields stand on issues in Jira, and how the writing of them is; for Jira's administrators.

use axum::extract::State;
use host::issue_property;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vault::Exit;
use web::{Admin, IfMatch, Path, Problem, ProblemBody, Reply};

use crate::Room;
use crate::actions::fields::OpenField;
use crate::actions::issues;
use crate::model::{Entity, FieldId, FieldType};

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new()
        .routes(routes!(read_in_jira))
        .routes(routes!(put_field_on_issues, take_field_off_issues))
        .routes(routes!(send_issues_again))
}

/// A field that stands on issues.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FieldOnIssuesView {
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
    /// Its name in JQL; null where the site's search cannot know it.
    #[schema(example = "stewardString1")]
    alias: Option<String>,
    /// How automation writes it.
    #[schema(example = "{{issue.properties.stewardCustomers.customer.tier}}")]
    smart_value: String,
    /// Changes with each change of the field; the ETag is `"v<version>"`.
    version: i64,
}

impl FieldOnIssuesView {
    fn of(field: OpenField, searchable: bool, exit: &Exit) -> Option<Self> {
        let (on, slot) = issues::standing(&field)?;
        let smart_value = issue_property::smart_value(field.entity.name(), &on.name);
        Some(Self {
            field_id: field.id.to_string(),
            entity: field.entity,
            kind: field.kind,
            alias: searchable.then(|| slot.alias()),
            smart_value,
            version: field.version,
            name: field.body.release(exit).name,
        })
    }
}

/// An issue onto which Jira does not let the values be written.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct IssueFailureView {
    /// The issue's id.
    issue_id: String,
    /// Why, as a code: `refused`, `not_found`, `too_long`, `jira_rejected`, or what was wrong with its values.
    #[schema(example = "refused")]
    code: Option<String>,
}

/// Which fields stand on issues, and how the writing is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct InJiraView {
    /// The issues' property that they stand in.
    #[schema(example = "stewardCustomers")]
    property_key: &'static str,
    /// Whether the site's search knows them: only an app can declare them to it.
    searchable: bool,
    /// The fields that stand there.
    fields: Vec<FieldOnIssuesView>,
    /// Issues that are known.
    known: i64,
    /// Those that are yet to be written.
    waiting: i64,
    /// Those that Jira does not take; they are tried again when something of theirs changes.
    failed: i64,
    /// The first twenty of those.
    failures: Vec<IssueFailureView>,
    /// Until when Jira is left alone, while it is busy or refuses.
    held_until: Option<String>,
    /// Why, as a code.
    #[schema(example = "jira_rate_limited")]
    held_because: Option<String>,
    /// Whether issues are being looked for.
    finding: bool,
    /// When they were last looked for to the end.
    found_at: Option<String>,
}

/// Read which fields stand on issues
///
/// And how far the writing of them is.
#[utoipa::path(get, path = "/settings/in-jira", tag = "settings",
    responses((status = 200, body = InJiraView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody)))]
#[web::boxed]
async fn read_in_jira(State(room): State<Room>, Admin(caller): Admin) -> Result<Reply, Problem> {
    let state = issues::state(&caller.cx, &room).await?;
    let (held_until, held_because) = match state.held {
        Some((until, why)) => (Some(until.to_string()), why),
        None => (None, None),
    };
    Ok(Reply::ok(|exit| InJiraView {
        property_key: issue_property::KEY,
        searchable: state.searchable,
        fields: state
            .fields
            .into_iter()
            .filter_map(|field| FieldOnIssuesView::of(field, state.searchable, exit))
            .collect(),
        known: state.known,
        waiting: state.waiting,
        failed: state.failed,
        failures: state.failures.into_iter().map(|(issue_id, code)| IssueFailureView { issue_id, code }).collect(),
        held_until,
        held_because,
        finding: state.finding,
        found_at: state.found_at.map(|at| at.to_string()),
    }))
}

/// Have a field's values stand on issues
///
/// On each request of the customer, for JQL and automation. Everybody who may read the issue in Jira can then read them there, so that only a
/// field that customers may see is taken. One that stands there already stays where it stands.
#[utoipa::path(put, path = "/settings/in-jira/fields/{fieldId}", tag = "settings",
    params(("fieldId" = String, Path, description = "Field id"), ("If-Match" = String, Header, description = "The field's ETag")),
    responses((status = 200, body = FieldOnIssuesView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 412, body = ProblemBody), (status = 422, body = ProblemBody), (status = 428, body = ProblemBody)))]
#[web::boxed]
async fn put_field_on_issues(
    State(room): State<Room>,
    Admin(caller): Admin,
    Path(id): Path<FieldId>,
    before: IfMatch,
) -> Result<Reply, Problem> {
    let field = issues::choose(&caller.cx, &room, id, before.required()?).await?;
    let searchable = room.shared.host.searches_properties(&caller.cx).await?;
    let version = field.version;
    Ok(Reply::ok(|exit| FieldOnIssuesView::of(field, searchable, exit)).version(version))
}

/// Take a field's values off issues
#[utoipa::path(delete, path = "/settings/in-jira/fields/{fieldId}", tag = "settings",
    params(("fieldId" = String, Path, description = "Field id"), ("If-Match" = String, Header, description = "The field's ETag")),
    responses((status = 204), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 412, body = ProblemBody), (status = 428, body = ProblemBody)))]
#[web::boxed]
async fn take_field_off_issues(
    State(room): State<Room>,
    Admin(caller): Admin,
    Path(id): Path<FieldId>,
    before: IfMatch,
) -> Result<Reply, Problem> {
    let field = issues::take_off(&caller.cx, &room, id, before.required()?).await?;
    Ok(Reply::empty().version(field.version))
}

/// Write all values onto issues once more
///
/// Whatever somebody else wrote into the property is overwritten, and issues that Jira did not take are tried again.
#[utoipa::path(post, path = "/settings/in-jira/send", tag = "settings",
    responses((status = 204), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody)))]
#[web::boxed]
async fn send_issues_again(State(room): State<Room>, Admin(caller): Admin) -> Result<Reply, Problem> {
    issues::send_again(&caller.cx, &room).await?;
    Ok(Reply::empty())
}
