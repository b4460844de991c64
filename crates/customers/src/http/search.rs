//! /search: customers and organizations by words of any field, as somebody types them.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vault::Exit;
use web::{Person, Problem, ProblemBody, Query, Reply, Way};

use crate::Room;
use crate::actions::search;
use crate::model::{Entity, Value};

/// Results of a search, at most and unless fewer are asked for.
const SHOWN: u32 = 20;

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new().routes(routes!(search_records))
}

/// What to look for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct LookQuery {
    /// Words; each must be found somewhere in a record, and the last may be only begun. At most 255 characters, of which
    /// the first 10 words count.
    #[serde(default)]
    q: String,
    /// How many, 1 to 20; 20 if left out.
    #[param(minimum = 1, maximum = 20)]
    limit: Option<u32>,
}

/// The field that a record was found by.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FoundByView {
    /// The field.
    id: String,
    /// What it holds.
    #[schema(value_type = Option<serde_json::Value>)]
    value: Value,
}

/// A record that was found.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FoundView {
    /// Customer or organization.
    entity: Entity,
    /// Account or organization id.
    id: String,
    /// The name, as Jira has it.
    name: String,
    /// The address, where Jira tells it.
    email: Option<String>,
    /// The field that the first word was found in; null where that is the name or the address.
    field: Option<FoundByView>,
}

impl FoundView {
    fn of(mut found: search::Found, exit: &Exit) -> Self {
        Self {
            entity: found.entity,
            id: found.id,
            name: std::mem::take(&mut found.name),
            email: found.email.take().map(|mut email| std::mem::take(&mut *email)),
            field: found.field.map(|(id, value)| FoundByView { id: id.to_string(), value: value.release(exit) }),
        }
    }
}

/// What was found.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LookView {
    /// The nearest first.
    items: Vec<FoundView>,
    /// False while the index is still being built: ask again in a moment.
    ready: bool,
}

/// Search customers and organizations
///
/// By words of every field that the caller may see. Case and accents do not matter; where too few records have the words
/// as they are written, one mistake is forgiven in words from 4 letters on, and two from 8.
#[utoipa::path(get, path = "/search", tag = "queries", params(LookQuery),
    responses((status = 200, body = LookView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn search_records(
    State(room): State<Room>,
    Person(caller): Person,
    Query(query): Query<LookQuery>,
) -> Result<Reply, Problem> {
    let limit = web::rows_asked(query.limit, SHOWN, SHOWN)?;
    let (found, ready) = search::look(&caller.cx, &room, query.q.trim_start(), limit as usize).await?;
    let shown = Reply::shown(Way::Search, |exit| LookView {
        items: found.into_iter().map(|one| FoundView::of(one, exit)).collect(),
        ready,
    });
    Ok(shown.recorded(&caller.cx, &room.shared).await?)
}
