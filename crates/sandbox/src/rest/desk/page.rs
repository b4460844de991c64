//! Pages of this API: `start`, `limit`, `isLastPage`, and links.

use serde_json::{Value, json};

use crate::rest::{error::ApiError, request::Params};

/// Values on a page unless said otherwise.
const DEFAULT_LIMIT: usize = 50;
/// Most values on a page.
const MAX_LIMIT: usize = 100;

/// `start` and `limit` of a request.
pub(super) fn bounds(params: &Params) -> Result<(usize, usize), ApiError> {
    let start = params.number("start").map_err(ApiError::into_desk)?.unwrap_or(0);
    let limit = params.number("limit").map_err(ApiError::into_desk)?.unwrap_or(DEFAULT_LIMIT);
    if limit == 0 {
        return Err(ApiError::desk_bad("The limit must be at least 1.", "sd.error.paging.limit"));
    }
    Ok((start, limit.min(MAX_LIMIT)))
}

/// A page of `values`, made lazily: only those on the page are written.
pub(super) fn page<T>(
    site: &str,
    path: &str,
    values: &[T],
    (start, limit): (usize, usize),
    mut write: impl FnMut(&T) -> Value,
) -> Value {
    let shown: Vec<Value> = values.iter().skip(start).take(limit).map(&mut write).collect();
    let last = start + shown.len() >= values.len();
    let url = format!("{site}/rest/servicedeskapi/{path}");
    let joint = if path.contains('?') { '&' } else { '?' };
    let mut links = json!({"self": url, "base": site, "context": ""});
    if let Some(object) = links.as_object_mut() {
        if !last {
            let next = start + limit;
            object.insert("next".to_owned(), json!(format!("{url}{joint}limit={limit}&start={next}")));
        }
        if start > 0 {
            let before = start.saturating_sub(limit);
            object.insert("prev".to_owned(), json!(format!("{url}{joint}limit={limit}&start={before}")));
        }
    }
    json!({
        "_expands": [],
        "size": shown.len(),
        "start": start,
        "limit": limit,
        "isLastPage": last,
        "_links": links,
        "values": shown,
    })
}
