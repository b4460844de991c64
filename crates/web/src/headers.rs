//! What surrounds every request: an id, a time limit, a net under panics, one typed log line, metrics, and the headers
//! that Atlassian and browsers ask for.

use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use kernel::{Fault, RequestId, limits};
use tracing::Instrument;
use tracing::field::Empty;

use crate::reply::Problem;

/// How many headers are put on each answer.
const PUT_HEADERS: usize = 7;

tokio::task_local! {
    static REQUEST: RequestId;
}

/// A year, as Atlassian's security requirements ask.
const HSTS: &str = "max-age=31536000; includeSubDomains";

/// The id of the request being answered, if one is.
pub(crate) fn current_request() -> Option<String> {
    REQUEST.try_with(ToString::to_string).ok()
}

/// The id that a context minted now should carry.
pub(crate) fn request_id() -> RequestId {
    REQUEST.try_with(|id| *id).unwrap_or_else(|_| RequestId::fresh())
}

/// Goes on with a request in a task of its own, under the same id.
pub(crate) fn within<T>(id: RequestId, going_on: impl Future<Output = T>) -> impl Future<Output = T> {
    REQUEST.scope(id, going_on).in_current_span()
}

pub(crate) fn around(router: Router) -> Router {
    router.layer(middleware::from_fn(one_request))
}

async fn one_request(request: Request, next: Next) -> Response {
    let id = RequestId::fresh();
    let method = request.method().clone();
    // The route as written, never the path as sent: paths carry ids.
    let route = request.extensions().get::<MatchedPath>().map_or("none".to_owned(), |path| path.as_str().to_owned());
    // Forge carries nothing but application/json to a page, problems included; who asks for that gets them so.
    let plain_json = asks_for_json(request.headers());
    let span = tracing::info_span!(
        target: kernel::SPANS,
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = %method,
        http.route = route,
        http.response.status_code = Empty,
        steward.request = %id,
        forge.trace = forge_trace(request.headers()),
    );
    let started = Instant::now();
    let answer = std::panic::AssertUnwindSafe(next.run(request)).catch_unwind();
    let timed = tokio::time::timeout(limits::REQUEST_TIME, answer);
    let mut response = REQUEST
        .scope(id, async {
            match timed.await {
                Ok(Ok(response)) => response,
                Ok(Err(_panic)) => Problem(Fault::broken("panicked", "a handler panicked")).into_response(),
                Err(_elapsed) => {
                    Problem(Fault::busy("too_slow", "This took too long. Try again.", None)).into_response()
                }
            }
        })
        .instrument(span.clone())
        .await;
    let status = response.status().as_u16();
    span.record("http.response.status_code", status);
    if response.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    drop(span);
    let took = started.elapsed();
    tracing::info!(
        event = "request",
        request = %id,
        method = %method,
        route,
        status,
        micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
    );
    metrics::histogram!("steward_http_request_seconds", "route" => route, "method" => method.to_string(), "status" => status.to_string())
        .record(took.as_secs_f64());
    put_headers(response.headers_mut(), id);
    let problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/problem+json");
    if problem && plain_json {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    response
}

/// The number by which Atlassian finds a call of Forge's, if one stands there: 16 or 32 hexadecimal digits.
fn forge_trace(headers: &HeaderMap) -> Option<&str> {
    let sent = headers.get("x-b3-traceid")?.to_str().ok()?;
    (matches!(sent.len(), 16 | 32) && sent.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(sent)
}

fn asks_for_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|kind| kind.trim().split(';').next() == Some("application/json"))
}

fn put_headers(headers: &mut HeaderMap, id: RequestId) {
    headers.reserve(PUT_HEADERS);
    let mut default = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(header::STRICT_TRANSPORT_SECURITY, HSTS);
    default(header::REFERRER_POLICY, "no-referrer");
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(header::CACHE_CONTROL, "no-store");
    default(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    default(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
}
