//! The files themselves, as browsers and clients fetch them: from another origin than the site, by a
//! ticket that lasts minutes, as Jira's media service has it.
//!
//! Whatever somebody uploaded must never act as a page of the site: it is served as a download under
//! a policy that allows nothing. Start reading at [`address`] and [`serve`].

use std::sync::LazyLock;

use aws_lc_rs::{
    hmac::{self, HMAC_SHA256, Key},
    rand::SystemRandom,
};
use axum::{
    Router,
    body::Body,
    extract::{Path, Query, State as Shared},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use http_range_header::parse_range_header;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::{App, state::Attachment};

/// How long a ticket is good, in seconds.
const TICKET_S: i64 = 600;
/// What a file name may have unescaped in a header (RFC 5987).
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Signs tickets; lives as long as the program, as the files do. `None` if the system gives no
/// randomness: then no ticket is good.
static TICKET_KEY: LazyLock<Option<Key>> = LazyLock::new(|| Key::generate(HMAC_SHA256, &SystemRandom::new()).ok());

pub(crate) fn router(app: &App) -> Router {
    Router::new().route("/media/{id}/{name}", get(fetch)).with_state(app.clone())
}

fn text(id: u64, until: i64) -> String {
    format!("{id}.{until}")
}

/// Where a file can be fetched for some minutes, by whoever has the address.
pub(crate) fn address(app: &App, file: &Attachment) -> String {
    let until = app.state.now().as_second() + TICKET_S;
    let tag = TICKET_KEY.as_ref().map(|key| hex::encode(hmac::sign(key, text(file.id, until).as_bytes())));
    format!(
        "{}/media/{}/{}?until={until}&ticket={}",
        app.forge.frames_url(),
        file.id,
        utf8_percent_encode(&file.filename, NAME),
        tag.unwrap_or_default(),
    )
}

#[derive(Deserialize)]
struct Ticket {
    until: i64,
    ticket: String,
}

async fn fetch(
    Shared(app): Shared<App>,
    Path((id, _)): Path<(u64, String)>,
    Query(ticket): Query<Ticket>,
    headers: HeaderMap,
) -> Response {
    let tag = hex::decode(&ticket.ticket).unwrap_or_default();
    let good =
        TICKET_KEY.as_ref().is_some_and(|key| hmac::verify(key, text(id, ticket.until).as_bytes(), &tag).is_ok());
    if !good || ticket.until < app.state.now().as_second() {
        return (StatusCode::FORBIDDEN, "The ticket is not good, or no longer.").into_response();
    }
    let found = {
        let store = app.state.read();
        store.attachment(id).map(|(_, file)| file.clone()).zip(store.file(id))
    };
    found.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |(file, bytes)| serve(&file, bytes, &headers))
}

/// A file, or the part of it that was asked for.
pub(crate) fn serve(file: &Attachment, bytes: Bytes, asked: &HeaderMap) -> Response {
    let size = bytes.len() as u64;
    let range = asked.get(header::RANGE).and_then(|value| value.to_str().ok()).and_then(|value| {
        // What is no range is ignored; one that lies outside is told.
        parse_range_header(value).ok().map(|parsed| parsed.validate(size))
    });
    let (status, part, shown) = match range {
        None => (StatusCode::OK, bytes, None),
        // Several ranges at once are answered with the whole, as is allowed.
        Some(Ok(ranges)) if ranges.len() != 1 => (StatusCode::OK, bytes, None),
        Some(Ok(ranges)) => {
            let (from, to) = ranges.first().map_or((0, 0), |range| (*range.start(), *range.end()));
            let end = usize::try_from(to).unwrap_or(usize::MAX).saturating_add(1).min(bytes.len());
            let start = usize::try_from(from).unwrap_or(usize::MAX).min(end);
            (StatusCode::PARTIAL_CONTENT, bytes.slice(start..end), Some(format!("bytes {from}-{to}/{size}")))
        }
        Some(Err(_)) => (StatusCode::RANGE_NOT_SATISFIABLE, Bytes::new(), Some(format!("bytes */{size}"))),
    };
    let mut response = (status, Body::from(part)).into_response();
    let headers = response.headers_mut();
    let name = format!("attachment; filename*=UTF-8''{}", utf8_percent_encode(&file.filename, NAME));
    for (header, value) in [
        (header::CONTENT_TYPE, Some(file.mime_type.as_str())),
        (header::CONTENT_DISPOSITION, Some(name.as_str())),
        (header::ACCEPT_RANGES, Some("bytes")),
        (header::CONTENT_RANGE, shown.as_deref()),
        (header::X_CONTENT_TYPE_OPTIONS, Some("nosniff")),
        (header::CONTENT_SECURITY_POLICY, Some("default-src 'none'; sandbox")),
        (header::CACHE_CONTROL, Some("private, no-store")),
    ] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(header, value);
        }
    }
    response
}
