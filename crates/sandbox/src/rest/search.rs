//! Search by JQL: pages by token, no total, an index that lags; and the old search, which is gone.

use axum::{
    Json, Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Selection, Shape,
    error::ApiError,
    guard::OBJECTS_READ,
    issue::extras,
    request::{Body, Params},
};
use crate::{
    App,
    auth::Caller,
    jql::{self, Bound},
};

/// Issues on a page unless said otherwise.
const DEFAULT_PAGE: usize = 50;
/// Most issues on a page with fields.
const MAX_PAGE: usize = 100;
/// Most issues on a page of ids and keys.
const MAX_LIGHT_PAGE: usize = 5000;
/// Most issues to reconcile.
const MAX_RECONCILED: usize = 50;
/// How long a page token is good.
const TOKEN_LASTS: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Queries that one parse may name.
const MAX_PARSED: usize = 50;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rest/api/3/search/jql", get(by_query).post(by_body))
        .route("/rest/api/3/search/approximate-count", post(count))
        .route("/rest/api/3/search", get(removed).post(removed))
        .route("/rest/api/3/jql/parse", post(parse))
}

async fn removed() -> ApiError {
    ApiError::gone(
        "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046",
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Search {
    #[serde(default)]
    jql: String,
    #[serde(default)]
    fields: Vec<String>,
    max_results: Option<usize>,
    next_page_token: Option<String>,
    #[serde(default)]
    expand: String,
    #[serde(default)]
    properties: Vec<String>,
    #[serde(default, rename = "fieldsByKeys")]
    _fields_by_keys: bool,
    #[serde(default)]
    reconcile_issues: Vec<u64>,
}

async fn by_query(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, ApiError> {
    let reconcile = params
        .list("reconcileIssues")
        .iter()
        .map(|id| id.parse().map_err(|_| ApiError::bad("reconcileIssues must be issue ids.")))
        .collect::<Result<_, _>>()?;
    let search = Search {
        jql: params.get("jql").unwrap_or_default().to_owned(),
        fields: params.list("fields"),
        max_results: params.number("maxResults")?,
        next_page_token: params.get("nextPageToken").map(str::to_owned),
        expand: params.get("expand").unwrap_or_default().to_owned(),
        properties: params.list("properties"),
        _fields_by_keys: false,
        reconcile_issues: reconcile,
    };
    find(&app, &caller, search)
}

async fn by_body(State(app): State<App>, caller: Caller, Body(search): Body<Search>) -> Result<Response, ApiError> {
    find(&app, &caller, search)
}

fn find(app: &App, caller: &Caller, search: Search) -> Result<Response, ApiError> {
    if search.reconcile_issues.len() > MAX_RECONCILED {
        return Err(ApiError::bad(format!("The number of issues to reconcile exceeds the limit of {MAX_RECONCILED}.")));
    }
    let selection = Selection::parse(&search.fields, Selection::id_only());
    let expand: Vec<String> = search.expand.split(',').map(|s| s.trim().to_owned()).collect();
    let extras = extras(&expand, search.properties)?;
    let light = selection.light() && extras.properties.is_empty() && !extras.changelog;
    let most = if light { MAX_LIGHT_PAGE } else { MAX_PAGE };
    let size = match search.max_results {
        Some(0) => return Err(ApiError::bad("The value of maxResults must be greater than 0.")),
        size => size.unwrap_or(DEFAULT_PAGE).min(most),
    };
    let start = match &search.next_page_token {
        Some(token) => read_token(token, &search.jql, app.state.now())?,
        None => 0,
    };
    app.state.catch_up_search();
    let store = app.state.read();
    let found = jql::run(&app.state, &store, caller, &search.jql, Bound::Required, &search.reconcile_issues)
        .map_err(ApiError::bad_all)?;
    let shape = Shape::new(&store, &app.state, caller);
    // Names and types come once, beside the issues.
    let each = super::Extras { names: false, schema: false, ..extras.clone() };
    let issues: Vec<Value> = found
        .iter()
        .skip(start)
        .take(size)
        .map(|issue| {
            if selection.is_id_only() && each.properties.is_empty() && !each.changelog {
                json!({"id": issue.id.to_string()})
            } else {
                shape.issue(issue, &selection, &each)
            }
        })
        .collect();
    let end = start + issues.len();
    let last = end >= found.len();
    let read = issues.len();
    let mut answer = json!({"issues": issues, "isLast": last});
    if let Some(object) = answer.as_object_mut() {
        if !last {
            let token = write_token(end, &search.jql, app.state.now());
            object.insert("nextPageToken".to_owned(), json!(token));
        }
        if extras.names {
            object.insert("names".to_owned(), shape.field_names());
        }
        if extras.schema {
            object.insert("schema".to_owned(), shape.field_schema());
        }
    }
    Ok(([(OBJECTS_READ, read.to_string())], Json(answer)).into_response())
}

fn fingerprint(jql: &str) -> u64 {
    // FNV-1a: a token is bound to its query by accident-proofing only.
    jql.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn write_token(start: usize, jql: &str, now: Timestamp) -> String {
    let text = format!("{start}:{}:{:x}", now.as_second(), fingerprint(jql));
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

fn read_token(token: &str, jql: &str, now: Timestamp) -> Result<usize, ApiError> {
    let refused = || ApiError::bad("The provided next page token is invalid or expired.");
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(token).map_err(|_| refused())?;
    let text = String::from_utf8(decoded).map_err(|_| refused())?;
    let mut parts = text.split(':');
    let start = parts.next().and_then(|p| p.parse().ok()).ok_or_else(refused)?;
    let issued: i64 = parts.next().and_then(|p| p.parse().ok()).ok_or_else(refused)?;
    let same = parts.next() == Some(&format!("{:x}", fingerprint(jql)));
    let issued = Timestamp::from_second(issued).map_err(|_| refused())?;
    let fresh = issued.checked_add(TOKEN_LASTS).is_ok_and(|end| now <= end);
    if same && fresh { Ok(start) } else { Err(refused()) }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    #[serde(default)]
    jql: String,
}

async fn count(State(app): State<App>, caller: Caller, Body(query): Body<Count>) -> Result<Json<Value>, ApiError> {
    app.state.catch_up_search();
    let store = app.state.read();
    let found = jql::run(&app.state, &store, &caller, &query.jql, Bound::Required, &[]).map_err(ApiError::bad_all)?;
    Ok(Json(json!({"count": found.len()})))
}

#[derive(Deserialize)]
struct Queries {
    queries: Vec<String>,
}

async fn parse(
    State(app): State<App>,
    caller: Caller,
    params: Params,
    Body(body): Body<Queries>,
) -> Result<Json<Value>, ApiError> {
    if body.queries.is_empty() || body.queries.len() > MAX_PARSED {
        return Err(ApiError::bad(format!("Between 1 and {MAX_PARSED} queries are expected.")));
    }
    let strict = params.get("validation").is_none_or(|v| v == "strict");
    let store = app.state.read();
    let parsed: Vec<Value> = body
        .queries
        .iter()
        .map(|query| {
            let fault = if strict {
                jql::run(&app.state, &store, &caller, query, Bound::Free, &[]).err()
            } else {
                jql::parse(query).err().map(|fault| vec![fault])
            };
            match fault {
                None => json!({"query": query}),
                Some(errors) => json!({"query": query, "errors": errors}),
            }
        })
        .collect();
    Ok(Json(json!({"queries": parsed})))
}
