//! The door that the webhooks of a site knock at which an operator joined. Jira waits for the answer and asks again when
//! there is none: it is given as soon as the ids are queued. Whatever is not such a site's own telling is answered as an
//! address at which there is nothing, the same to the byte.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use kernel::{Fault, TenantId};

use crate::caller::{door_cx, header};
use crate::forge::EVENT_BYTES;
use crate::reply::Problem;
use crate::router::Shared;

/// With what Jira signs (WebSub's name for it).
const SIGNATURE: &str = "x-hub-signature";

pub(crate) fn routes() -> Router<Shared> {
    let hooks = Router::new().route("/hooks/{site}", post(hook)).route("/hooks/{site}/{address}", post(hook_at));
    hooks.layer(DefaultBodyLimit::max(EVENT_BYTES))
}

async fn hook(
    State(shared): State<Shared>,
    Path(site): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    take(&shared, &site, (None, ""), &headers, &body).await
}

/// Where a Data Center tells, and any Jira that something became of an issue, which the query names: the address holds a
/// secret, which is all the proof there is where nothing is signed.
async fn hook_at(
    State(shared): State<Shared>,
    Path((site, address)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    take(&shared, &site, (Some(address.as_str()), query.as_deref().unwrap_or_default()), &headers, &body).await
}

async fn take(
    shared: &Shared,
    site: &str,
    (address, query): (Option<&str>, &str),
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<StatusCode, Problem> {
    let tenant: TenantId = site.parse().map_err(|_| Fault::not_found())?;
    let cx = door_cx(shared, tenant, "webhook");
    shared.host.inbound.accept_hook(&cx, address, query, header(headers, SIGNATURE), body).await?;
    (shared.wake)();
    Ok(StatusCode::NO_CONTENT)
}
