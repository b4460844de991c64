//! Search as it was: pages by offset, and how many there are in all. The index lags as Cloud's does.

use axum::{
    Extension, Json, Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{door, person::Api};
use crate::{
    App,
    auth::Caller,
    jql::{self, Bound},
    rest::{
        Extras, Selection, Shape,
        error::ApiError,
        issue,
        request::{Body, Params},
    },
};

/// Issues on a page unless said otherwise.
const PAGE: usize = 50;
/// Most issues on a page, unless an administrator changes it.
const MAX_PAGE: usize = 1000;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/rest/api/2/search", get(by_query).post(by_body))
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Search {
    #[serde(default)]
    jql: String,
    #[serde(default)]
    start_at: usize,
    max_results: Option<usize>,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default)]
    expand: Vec<String>,
    validate_query: Option<bool>,
}

async fn by_query(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    params: Params,
) -> Result<Response, ApiError> {
    let search = Search {
        jql: params.get("jql").unwrap_or_default().to_owned(),
        start_at: params.number("startAt")?.unwrap_or(0),
        max_results: params.number("maxResults")?,
        fields: params.list("fields"),
        expand: params.list("expand"),
        validate_query: params.get("validateQuery").map(|given| given != "false"),
    };
    Box::pin(found(&app, &caller, search)).await
}

async fn by_body(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Body(search): Body<Search>,
) -> Result<Response, ApiError> {
    Box::pin(found(&app, &caller, search)).await
}

async fn found(app: &App, caller: &Caller, search: Search) -> Result<Response, ApiError> {
    let answer = Json(find(app, caller, &search)?).into_response();
    Ok(door::out(app, answer, caller, Api::Platform).await)
}

fn find(app: &App, caller: &Caller, search: &Search) -> Result<Value, ApiError> {
    let navigable = Selection::parse(&["*navigable".to_owned()], Selection::all());
    let selection = Selection::parse(&search.fields, navigable);
    let extras = issue::extras(&search.expand, Vec::new())?;
    let size = search.max_results.unwrap_or(PAGE).min(MAX_PAGE);
    app.state.catch_up_search();
    let store = app.state.read();
    // What is not there is left out, and no mistake, for whoever asks so.
    let bound = if search.validate_query == Some(false) { Bound::Lenient } else { Bound::Free };
    let found = jql::run(&app.state, &store, caller, &search.jql, bound, &[]).map_err(ApiError::bad_all)?;
    let shape = Shape::new(&store, &app.state, caller);
    // Names and types come once, beside the issues.
    let each = Extras { names: false, schema: false, ..extras.clone() };
    let issues: Vec<Value> =
        found.iter().skip(search.start_at).take(size).map(|issue| shape.issue(issue, &selection, &each)).collect();
    let mut answer = json!({
        "expand": "schema,names",
        "startAt": search.start_at,
        "maxResults": size,
        "total": found.len(),
        "issues": issues,
    });
    if let Some(object) = answer.as_object_mut() {
        if extras.names {
            object.insert("names".to_owned(), shape.field_names());
        }
        if extras.schema {
            object.insert("schema".to_owned(), shape.field_schema());
        }
    }
    Ok(answer)
}
