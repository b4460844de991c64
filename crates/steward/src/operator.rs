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

/// Prometheus text, for this machine, or for whoever has the token.
async fn metrics(
    State(operator): State<Operator>,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
) -> Response {
    let local = peer.is_some_and(|axum::Extension(ConnectInfo(peer))| peer.ip().is_loopback());
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let allowed = match &operator.metrics_token {
        Some(token) => sent.and_then(|sent| sent.strip_prefix("Bearer ")).is_some_and(|sent| same(sent, token)),
        None => local,
    };
    if !allowed {
        return StatusCode::NOT_FOUND.into_response();
    }
    if let Ok(counts) = jobs::waiting(&operator.store).await {
        for (state, count) in counts {
            metrics::gauge!("steward_jobs", "state" => state).set(f64::from(i32::try_from(count).unwrap_or(i32::MAX)));
        }
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], operator.metrics.render()).into_response()
}

/// Compared by hash, so that the time it takes says nothing of the token.
fn same(sent: &str, token: &SecretString) -> bool {
    let hash = |text: &str| vault::fingerprint(text.as_bytes());
    hash(sent) == hash(token.expose_secret())
}
