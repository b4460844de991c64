//! What comes in: bodies, paths, queries and preconditions, with errors that name the field and never quote what was
//! sent.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use kernel::{Fault, FieldFault, limits};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use crate::reply::Problem;

/// A JSON body.
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Fault::invalid("media_type", "Send `Content-Type: application/json`.").into());
        }
        let bytes = axum::body::to_bytes(request.into_body(), limits::BODY_BYTES).await.map_err(|_| too_large())?;
        parse(&bytes).map(Json).map_err(Problem)
    }
}

pub(crate) fn too_large() -> Problem {
    Fault::invalid("too_large", format!("A request body has at most {} bytes.", limits::BODY_BYTES)).into()
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let (line, column) = (error.inner().line(), error.inner().column());
        Fault::invalid_field(
            pointer(&error),
            "format",
            format!("This is not of the form that /openapi.json describes (line {line}, column {column})."),
        )
    })?;
    reader.end().map_err(|_| Fault::invalid("format", "There is more after the JSON document."))?;
    Ok(parsed)
}

/// The path as a JSON pointer. Keys that the caller made up (a field that we do not know, a key of a map) are not
/// quoted back: what is wrong then is the object that holds them.
fn pointer(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    use serde_path_to_error::Segment;
    let made_up = error.inner().to_string().starts_with("unknown field");
    let segments: Vec<&Segment> = error.path().iter().collect();
    let known = segments.len() - usize::from(made_up && !segments.is_empty());
    let mut text = String::new();
    for segment in segments.into_iter().take(known) {
        match segment {
            Segment::Seq { index } => text.push_str(&format!("/{index}")),
            Segment::Map { key } if is_known_key(key) => text.push_str(&format!("/{key}")),
            Segment::Map { .. } | Segment::Enum { .. } | Segment::Unknown => break,
        }
    }
    text
}

/// Keys of our own objects are words; keys of maps are our ids.
fn is_known_key(key: &str) -> bool {
    uuid::Uuid::parse_str(key).is_ok() || key.len() <= 20 && key.chars().all(|c| c.is_ascii_alphabetic())
}

/// Path parameters; one that is not of its form is a thing that is not there.
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(_) => Err(Fault::not_found().into()),
        }
    }
}

/// Query parameters.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(_) => {
                Err(Fault::invalid("query", "A query parameter is not of the form that /openapi.json describes.")
                    .into())
            }
        }
    }
}

/// Which page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub struct PageQuery {
    /// `nextCursor` of the page before.
    pub cursor: Option<String>,
    /// Rows a page, 1 to 100; 50 if left out.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
}

impl PageQuery {
    /// Rows a page; out of bounds is a fault.
    pub fn limit(&self) -> Result<u32, Fault> {
        rows_asked(self.limit, limits::PAGE_DEFAULT, limits::PAGE_MAX)
    }
}

/// How many rows are answered where `asked` are asked for; fewer than one, or more than `most`, is a fault.
pub fn rows_asked(asked: Option<u32>, default: u32, most: u32) -> Result<u32, Fault> {
    match asked.unwrap_or(default) {
        rows if (1..=most).contains(&rows) => Ok(rows),
        _ => Err(Fault::invalid_fields(vec![FieldFault {
            pointer: "/limit".to_owned(),
            code: "out_of_range",
            detail: format!("A page has 1 to {most} rows."),
            limit: Some(u64::from(most)),
        }])),
    }
}

/// The version that the caller read, from `If-Match: "v12"`.
pub struct IfMatch(Option<i64>);

impl IfMatch {
    /// The version; a change without one is refused with 428.
    pub fn required(&self) -> Result<i64, Fault> {
        self.0.ok_or_else(Fault::precondition_required)
    }
}

/// The version that an ETag of ours says.
pub fn version_of_etag(etag: &str) -> Option<i64> {
    let version: i64 = etag.trim().strip_prefix("\"v")?.strip_suffix('"')?.parse().ok()?;
    (version >= 0).then_some(version)
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else { return Ok(Self(None)) };
        match value.to_str().ok().and_then(version_of_etag) {
            Some(version) => Ok(Self(Some(version))),
            None => {
                Err(Fault::invalid_field("/If-Match", "format", "Send the ETag as it was answered, such as \"v12\".")
                    .into())
            }
        }
    }
}
