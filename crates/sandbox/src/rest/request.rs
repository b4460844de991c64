//! Reading requests as Jira reads them: query parameters that may repeat, JSON bodies with Jira's
//! refusals, and offsets of pages.

use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Request},
    http::request::Parts,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::error::ApiError;

/// Query parameters in order, repeats kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// The first value of a name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// All values of a name, each also split at commas.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        self.all(name).flat_map(|v| v.split(',')).map(str::trim).filter(|v| !v.is_empty()).map(str::to_owned).collect()
    }

    /// All values of a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Whether a name has the value `true`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// Whether `expand` names this.
    pub(crate) fn expands(&self, what: &str) -> bool {
        self.list("expand").iter().any(|e| e == what)
    }

    /// A number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<usize>, ApiError> {
        self.get(name)
            .filter(|v| !v.is_empty())
            .map(|v| {
                v.parse::<usize>().map_err(|_| ApiError::bad(format!("The value for '{name}' is not a number: {v}")))
            })
            .transpose()
    }

    /// `startAt` and `maxResults`, the latter within 1 and `most`.
    pub(crate) fn page(&self, default: usize, most: usize) -> Result<(usize, usize), ApiError> {
        let start = self.number("startAt")?.unwrap_or(0);
        let size = self.number("maxResults")?.unwrap_or(default).min(most);
        Ok((start, size))
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(url::form_urlencoded::parse(query.as_bytes()).map(|(n, v)| (n.into_owned(), v.into_owned())).collect()))
    }
}

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let Json(value) = Json::<T>::from_request(request, state).await?;
        Ok(Self(value))
    }
}

/// The platform's page of values with its total.
pub(crate) fn page_bean(url: &str, values: Vec<Value>, start: usize, size: usize) -> Value {
    let total = values.len();
    let values: Vec<Value> = values.into_iter().skip(start).take(size).collect();
    let last = start + values.len() >= total;
    let mut page = json!({
        "self": format!("{url}{}startAt={start}&maxResults={size}", joint(url)),
        "maxResults": size,
        "startAt": start,
        "total": total,
        "isLast": last,
        "values": values,
    });
    if !last && let Some(object) = page.as_object_mut() {
        let next = start + size;
        object.insert("nextPage".to_owned(), json!(format!("{url}{}startAt={next}&maxResults={size}", joint(url))));
    }
    page
}

fn joint(url: &str) -> char {
    if url.contains('?') { '&' } else { '?' }
}
