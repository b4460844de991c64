//! The doors that Connect knocks at: the descriptor, the lifecycle, webhooks, and our pages in Jira's frames. They are there
//! when the operator named an app key, and else there is nothing at these addresses.
//!
//! A page is shown to whoever has a token that was signed for its very address; it holds no data. Its calls to the API carry
//! a context token, which is taken there ([`crate::caller`]) and not here.

use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use host::Connect;
use host::connect::{PAGES, Request, Visit};
use kernel::Fault;
use url::Url;

use crate::caller::{self, door_cx};
use crate::pages;
use crate::reply::Problem;
use crate::router::Shared;

/// What Connect tells of an install is two kilobytes.
const LIFECYCLE_BYTES: usize = 64 * 1024;

/// What a handler here has at hand.
struct Parts {
    shared: Shared,
    connect: Connect,
    /// Our page with the bridge in it, once it was put together.
    page: OnceLock<Option<Bytes>>,
}

/// One pointer to it, which each request takes.
type Doors = Arc<Parts>;

impl Parts {
    fn page(&self) -> Option<Bytes> {
        let put_together = || pages::text_with(self.connect.bridge().as_str()).map(Bytes::from);
        // While the UI is worked on, its files lie on disk, and change.
        if cfg!(debug_assertions) { put_together() } else { self.page.get_or_init(put_together).clone() }
    }
}

pub(crate) fn routes(shared: &Shared) -> Router {
    let Some(connect) = shared.host.connect.clone() else { return Router::new() };
    let lifecycle = Router::new()
        .route("/connect/installed", post(installed))
        .route("/connect/uninstalled", post(uninstalled))
        .route("/connect/enabled", post(acknowledge))
        .route("/connect/disabled", post(acknowledge))
        .layer(DefaultBodyLimit::max(LIFECYCLE_BYTES));
    let hooks = Router::new()
        .route("/connect/webhook", post(webhook))
        .route("/connect/issue", post(issue))
        .layer(DefaultBodyLimit::max(crate::forge::EVENT_BYTES));
    let pages = Router::new()
        .route("/connect/atlassian-connect.json", get(descriptor))
        .route("/connect/favicon.svg", get(|headers: HeaderMap| async move { pages::answer("favicon.svg", &headers) }))
        .route("/connect/assets/{*path}", get(asset))
        .route("/connect/{page}", get(page));
    lifecycle.merge(hooks).merge(pages).with_state(Arc::new(Parts {
        shared: shared.clone(),
        connect,
        page: OnceLock::new(),
    }))
}

fn request<'a>(method: &'a Method, uri: &'a Uri, headers: &'a HeaderMap) -> Request<'a> {
    Request {
        method: method.as_str(),
        path: uri.path(),
        query: uri.query().unwrap_or_default(),
        authorization: caller::header(headers, header::AUTHORIZATION.as_str()),
    }
}

async fn descriptor(State(doors): State<Doors>) -> Response {
    Json(doors.connect.descriptor()).into_response()
}

async fn installed(
    State(doors): State<Doors>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let Parts { shared, connect, .. } = &*doors;
    let installing = connect.install(&request(&method, &uri, &headers), &body).await?;
    let cx = door_cx(shared, installing.tenant, "connect");
    connect.accept_install(&cx, &installing).await?;
    (shared.wake)();
    Ok(StatusCode::NO_CONTENT)
}

async fn uninstalled(
    State(doors): State<Doors>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let Parts { shared, connect, .. } = &*doors;
    if let Some(uninstalling) = connect.uninstall(&request(&method, &uri, &headers), &body).await? {
        let cx = door_cx(shared, uninstalling.tenant, "connect");
        connect.accept_uninstall(&cx, &uninstalling).await?;
        (shared.wake)();
    }
    Ok(StatusCode::NO_CONTENT)
}

/// `enabled` and `disabled`: Jira shows our pages and takes our calls, or does not. Nothing is held back here meanwhile: the two come late and in any
/// order, and the former is promised after an install alone (docs/connect.md says what then becomes of jobs).
async fn acknowledge(
    State(doors): State<Doors>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    proven(&doors, &request(&method, &uri, &headers)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn webhook(
    State(doors): State<Doors>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let Parts { shared, connect, .. } = &*doors;
    let request = request(&method, &uri, &headers);
    let claim = connect.claim(&request).await?;
    let cx = door_cx(shared, claim.tenant, "connect");
    connect.accept_hook(&cx, &claim, &request, &body).await?;
    (shared.wake)();
    Ok(StatusCode::NO_CONTENT)
}

/// Something became of an issue, which the query names.
async fn issue(
    State(doors): State<Doors>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let Parts { shared, connect, .. } = &*doors;
    let request = request(&method, &uri, &headers);
    let claim = connect.claim(&request).await?;
    let cx = door_cx(shared, claim.tenant, "connect");
    connect.accept_issue(&cx, &claim, &request).await?;
    (shared.wake)();
    Ok(StatusCode::NO_CONTENT)
}

async fn proven(doors: &Parts, request: &Request<'_>) -> Result<Visit, Fault> {
    let claim = doors.connect.claim(request).await?;
    let cx = door_cx(&doors.shared, claim.tenant, "connect");
    doors.connect.requested(&cx, &claim, request).await
}

async fn page(
    State(doors): State<Doors>,
    Path(key): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if PAGES.iter().all(|page| page.key != key) {
        return Err(Fault::not_found().into());
    }
    let known = proven(&doors, &request(&method, &uri, &headers)).await?.known;
    let site = &known.site;
    let origin = |url: &Url| url.origin().is_tuple().then(|| url.origin().ascii_serialization());
    // Framed by this site alone, at whichever of its two addresses it is looked at.
    let mut ancestors: Vec<String> =
        [Some(&site.api_base), site.url.as_ref()].into_iter().flatten().filter_map(origin).collect();
    ancestors.dedup();
    let scripts = origin(doors.connect.bridge()).unwrap_or_default();
    Ok(pages::under_policy(pages::page(doors.page()), &scripts, &ancestors.join(" ")))
}

async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    pages::answer(&format!("assets/{path}"), &headers)
}
