//! Files, from the site's own address: for whoever may see their issue, or the request that they came with.

use axum::{
    Extension, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::get,
};

use crate::{App, access::Access, auth::Caller, media};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/secure/attachment/{id}/{name}", get(file))
}

async fn file(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((id, _)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let store = app.state.read();
    let access = Access::new(&store, &caller);
    let found = id.parse().ok().and_then(|id| store.attachment(id)).filter(|(issue, file)| {
        (access.browse(issue) || access.see_request(issue)) && access.see_attachment(issue, file)
    });
    match found.and_then(|(_, file)| store.file(file.id).map(|bytes| (file, bytes))) {
        Some((file, bytes)) => media::serve(file, bytes, &headers),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
