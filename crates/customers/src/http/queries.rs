//! /queries: what is wrong with a query, and what may stand where somebody is typing one.

use axum::extract::State;
use jiff::tz::TimeZone;
use kernel::{Cx, Fault, FieldFault};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vault::Exit;
use web::{Json, Person, Principal, Problem, ProblemBody, Query, Reply, scope};

use crate::Room;
use crate::actions::{directory, queries};
use crate::model::Entity;
use crate::query::Mistake;
use crate::query::catalogue::Kind;
use crate::query::complete::Offer;
use crate::query::mistake::{byte_at, utf16};

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new().routes(routes!(check_query)).routes(routes!(complete_query))
}

/// One mistake in a query. Places are counted in UTF-16 code units, as JavaScript counts them.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MistakeView {
    /// Stable code.
    #[schema(example = "unknown_field")]
    code: &'static str,
    /// Where it begins.
    offset: usize,
    /// How long it is; 0 where something is missing.
    length: usize,
    /// What is wrong, and what to do.
    detail: String,
    /// What may stand there, in words.
    expected: Vec<&'static str>,
    /// What may have been meant, as it would stand in the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<String>,
    /// The bound that was passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<usize>,
}

impl MistakeView {
    fn of(mistake: &Mistake, written: &str, exit: &Exit) -> Self {
        let offset = utf16(written, mistake.span.start);
        Self {
            code: mistake.code,
            offset,
            length: utf16(written, mistake.span.end) - offset,
            detail: mistake.detail.clone(),
            expected: mistake.expected.iter().map(|expected| expected.words()).collect(),
            suggestion: mistake.suggestion(exit),
            limit: mistake.limit,
        }
    }
}

/// The mistakes of a query, beside the problem.
#[derive(Serialize)]
struct MistakesView {
    mistakes: Vec<MistakeView>,
}

/// The reply to a query that means nothing.
pub(crate) fn mistaken(mistakes: &[Mistake], written: &str) -> Reply {
    let faults = mistakes.iter().map(|mistake| FieldFault {
        pointer: "/query".to_owned(),
        code: mistake.code,
        detail: mistake.detail.clone(),
        limit: mistake.limit.map(|limit| limit as u64),
    });
    let fault = Fault::invalid_fields(faults.collect());
    Reply::invalid(&fault, |exit| MistakesView {
        mistakes: mistakes.iter().map(|mistake| MistakeView::of(mistake, written, exit)).collect(),
    })
}

/// The time zone that the caller reads dates in: their page's, else Jira's, else UTC.
pub(crate) async fn zone(cx: &Cx, room: &Room, page: Option<&str>) -> Result<TimeZone, Fault> {
    let known = |name: &str| TimeZone::get(name).ok();
    if let Some(zone) = page.and_then(known) {
        return Ok(zone);
    }
    let Some(account) = cx.person() else { return Ok(TimeZone::UTC) };
    let names = directory::names(cx, room, std::slice::from_ref(account)).await?;
    let zone = names.get(account).and_then(|name| name.peek().time_zone.as_deref()).and_then(known);
    Ok(zone.unwrap_or(TimeZone::UTC))
}

/// A query to check.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct QueryInput {
    /// Of what.
    entity: Entity,
    /// The query.
    query: String,
}

/// What became of a query.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CheckView {
    /// The query in one spelling, with people by their account ids; null if it means nothing.
    normal: Option<String>,
    /// What is wrong with it.
    mistakes: Vec<MistakeView>,
}

/// Check a query
///
/// Tells each mistake with its place, and of a query without one its normal form. Runs nothing. An API token needs the scope that reads
/// what the query is about.
#[utoipa::path(post, path = "/queries/check", tag = "queries", request_body = QueryInput,
    security(("token" = ["customers:read"]), ("token" = ["organizations:read"]), ("bearer" = []), ("session" = [])),
    responses((status = 200, body = CheckView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn check_query(
    State(room): State<Room>,
    Principal { cx, time_zone, .. }: Principal<scope::EitherRead>,
    Json(input): Json<QueryInput>,
) -> Result<Reply, Problem> {
    let zone = zone(&cx, &room, time_zone.as_deref()).await?;
    Ok(match queries::ask(&cx, &room, input.entity, &input.query, zone).await? {
        Ok(question) => Reply::ok(|_| CheckView { normal: Some(question.normal), mistakes: Vec::new() }),
        Err(mistakes) => Reply::ok(|exit| CheckView {
            normal: None,
            mistakes: mistakes.iter().map(|mistake| MistakeView::of(mistake, &input.query, exit)).collect(),
        }),
    })
}

/// Where somebody is typing.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct CompletionQuery {
    /// Of what.
    entity: Entity,
    /// The query as far as it is written.
    #[serde(default)]
    query: String,
    /// Where, in UTF-16 code units from its beginning; at the end if left out.
    cursor: Option<usize>,
}

/// One thing that may stand there.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ItemView {
    /// What it is.
    kind: Offer,
    /// As people read it.
    label: String,
    /// As it is put into the query.
    insert: String,
    /// Of a field, what it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    holds: Option<Kind>,
}

/// What may stand there.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CompletionsView {
    /// Where what it replaces begins, in UTF-16 code units.
    offset: usize,
    /// How long that is.
    length: usize,
    /// What may stand there, the likeliest first; at most 50.
    items: Vec<ItemView>,
}

/// List what may stand at a place of a query
#[utoipa::path(get, path = "/queries/completions", tag = "queries", params(CompletionQuery),
    responses((status = 200, body = CompletionsView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn complete_query(
    State(room): State<Room>,
    Person(caller): Person,
    Query(asked): Query<CompletionQuery>,
) -> Result<Reply, Problem> {
    let cursor = asked.cursor.map_or(asked.query.len(), |cursor| byte_at(&asked.query, cursor));
    let completion = queries::complete(&caller.cx, &room, asked.entity, &asked.query, cursor).await?;
    let offset = utf16(&asked.query, completion.replaces.start);
    Ok(Reply::ok(|_| CompletionsView {
        offset,
        length: utf16(&asked.query, completion.replaces.end) - offset,
        items: completion
            .items
            .into_iter()
            .map(|item| ItemView { kind: item.offer, label: item.label, insert: item.insert, holds: item.kind })
            .collect(),
    }))
}
