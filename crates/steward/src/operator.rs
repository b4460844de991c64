//! What an operator's machines ask: is it alive, is it ready, how does it fare.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use kernel::Clock;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use store::Store;
use tokio_util::sync::CancellationToken;
use vault::Vault;

use crate::telemetry::Metrics;

#[derive(Clone)]
pub(crate) struct Operator {
    pub(crate) store: Store,
    pub(crate) shelf: Store,
    pub(crate) vault: Vault,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Metrics,
    pub(crate) metrics_token: Option<SecretString>,
    /// Then this machine is also whoever the proxy speaks for.
    pub(crate) behind_proxy: bool,
    pub(crate) stopping: CancellationToken,
}

pub(crate) fn routes(operator: Operator) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(operator)
}

/// Ready when the databases take writes, the root key opens the shelf, and nobody asked it to stop.
async fn ready(State(operator): State<Operator>) -> Response {
    let checks = [
        ("database", operator.store.ping_write().await.is_ok()),
        ("shelf", operator.shelf.ping().await.is_ok()),
        ("rootKey", operator.vault.prove(operator.clock.now()).await.is_ok()),
        ("notStopping", !operator.stopping.is_cancelled()),
    ];
    let ready = checks.iter().all(|(_, good)| *good);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body: serde_json::Map<String, serde_json::Value> =
        checks.into_iter().map(|(name, good)| (name.to_owned(), json!(good))).collect();
    (status, axum::Json(body)).into_response()
}

/// Prometheus text, for this machine, or for whoever has the token; behind a proxy for the token alone.
async fn metrics(
    State(operator): State<Operator>,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
) -> Response {
    let peer = peer.map(|axum::Extension(ConnectInfo(peer))| peer);
    if !may_read(operator.metrics_token.as_ref(), operator.behind_proxy, peer, &headers) {
        return StatusCode::NOT_FOUND.into_response();
    }
    if let Ok(counts) = jobs::waiting(&operator.store).await {
        for (state, count) in counts {
            metrics::gauge!("steward_jobs", "state" => state).set(f64::from(i32::try_from(count).unwrap_or(i32::MAX)));
        }
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], operator.metrics.render()).into_response()
}

fn may_read(token: Option<&SecretString>, behind_proxy: bool, peer: Option<SocketAddr>, headers: &HeaderMap) -> bool {
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match token {
        Some(token) => sent.and_then(|sent| sent.strip_prefix("Bearer ")).is_some_and(|sent| same(sent, token)),
        None => !behind_proxy && peer.is_some_and(|peer| peer.ip().is_loopback()),
    }
}

/// Compared by hash, so that the time it takes says nothing of the token.
fn same(sent: &str, token: &SecretString) -> bool {
    let hash = |text: &str| vault::fingerprint(text.as_bytes());
    hash(sent) == hash(token.expose_secret())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn who_reads_metrics() {
        #[track_caller]
        fn check(token: Option<&str>, behind_proxy: bool, peer: &str, sent: Option<&str>, expected: bool) {
            let token = token.map(SecretString::from);
            let mut headers = HeaderMap::new();
            if let Some(sent) = sent {
                headers.insert(header::AUTHORIZATION, sent.parse().unwrap());
            }
            let peer = Some(peer.parse().unwrap());
            assert_eq!(may_read(token.as_ref(), behind_proxy, peer, &headers), expected);
        }
        let (here, there) = ("127.0.0.1:9", "203.0.113.7:9");
        check(None, false, here, None, true);
        check(None, false, there, None, false);
        // What a proxy on this machine passes on comes from this machine.
        check(None, true, here, None, false);
        check(None, true, there, None, false);
        check(Some("t"), true, here, None, false);
        check(Some("t"), true, here, Some("Bearer t"), true);
        check(Some("t"), false, there, Some("Bearer t"), true);
        check(Some("t"), false, here, Some("Bearer x"), false);
        assert!(!may_read(None, false, None, &HeaderMap::new()));
    }
}
