//! What the rooms share, and how their routes become one server.

use std::ops::Deref;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::FromRef;
use host::client::RoleId;
use kernel::{Clock, Cx, Fault, Result, limits};
use store::Store;
use tower_http::limit::RequestBodyLimitLayer;
use url::Url;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use vault::Vault;

use crate::once::InFlight;
use crate::pace::Pace;
use crate::{
    connect, customer_keys_http, customer_sign_in, forge, headers, hooks, once, pace, pages, session_http, sign_in,
    token_http,
};

/// What an operator decides about the web side.
#[derive(Clone)]
pub struct WebConfig {
    /// Where people and Forge reach this server.
    pub origin: Url,
    /// Whether a request counts as arriving over TLS: our own listener speaks it, or a declared proxy in front does.
    pub secure: bool,
    /// Whether a declared proxy stands in front, which says where requests come from.
    pub behind_proxy: bool,
}

/// Which project roles a room's permissions name: `host` asks Jira for these and no others.
#[async_trait]
pub trait RoleSource: Send + Sync {
    /// Role ids in use by the context's tenant.
    async fn roles_in_use(&self, cx: &Cx) -> Result<Vec<RoleId>>;
}

/// What every HTTP room has at hand: one pointer, which each request takes.
#[derive(Clone)]
pub struct Shared(Arc<SharedParts>);

/// What stands behind a [`Shared`].
pub struct SharedParts {
    /// The way to Jira.
    pub host: host::Host,
    /// The rows.
    pub store: Store,
    /// What is too much for a row.
    pub blobs: store::Blobs,
    /// The keys.
    pub vault: Vault,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The operator's decisions.
    pub config: Arc<WebConfig>,
    /// Rooms whose permissions name project roles.
    pub roles: Vec<Arc<dyn RoleSource>>,
    /// How fast scripts may ask.
    pub pace: Arc<Pace>,
    /// What this node is doing once.
    pub in_flight: InFlight,
    /// Who saw whose values.
    pub readings: crate::Readings,
    /// Waits for what changes.
    pub watch: crate::Watch,
    /// Wakes the job runner of this node.
    pub wake: Arc<dyn Fn() + Send + Sync>,
}

impl Deref for Shared {
    type Target = SharedParts;

    fn deref(&self) -> &SharedParts {
        &self.0
    }
}

impl From<SharedParts> for Shared {
    fn from(parts: SharedParts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Shared {
    pub(crate) async fn roles_in_use(&self, cx: &Cx) -> Result<Vec<RoleId>> {
        let mut roles = Vec::new();
        for source in &self.roles {
            roles.extend(source.roles_in_use(cx).await?);
        }
        roles.sort();
        roles.dedup();
        Ok(roles)
    }
}

/// The whole server, ready to be listened with.
pub struct Server {
    /// Every route, with the layers around them.
    pub router: Router,
    /// What the routes are, as OpenAPI.
    pub openapi: OpenApi,
}

/// Joins the rooms' API routes (already nested under /api/v1 and bound to their state), the operator's routes (health,
/// metrics, what Forge calls beside this room's doors) and this room's own; `describe` has the last word on what is said of them. `bulky`
/// routes bound their bodies themselves.
pub fn serve_routes(
    shared: Shared,
    api: OpenApiRouter<()>,
    operator: Router,
    bulky: Router,
    describe: impl FnOnce(&mut OpenApi),
) -> Server {
    let own = session_http::routes().merge(token_http::routes()).merge(customer_keys_http::routes());
    let own = own.with_state(shared.clone());
    let (router, mut openapi) = api.merge(OpenApiRouter::new().nest("/api/v1", own)).split_for_parts();
    describe(&mut openapi);
    let router = router
        .layer(axum::middleware::from_fn_with_state(shared.clone(), once::once))
        .layer(axum::middleware::from_fn(pace::tell));
    let description = openapi.to_pretty_json().unwrap_or_default();
    let router = router
        .route(
            "/openapi.json",
            axum::routing::get(move || {
                let description = description.clone();
                async move { ([(axum::http::header::CONTENT_TYPE, "application/json")], description) }
            }),
        )
        .merge(forge::routes().with_state(shared.clone()))
        .merge(hooks::routes().with_state(shared.clone()))
        .merge(connect::routes(&shared))
        .merge(customer_sign_in::routes(&shared))
        .merge(sign_in::routes().with_state(shared.clone()))
        .merge(pages::routes().with_state(shared.clone()))
        .merge(operator)
        .fallback(|| async { crate::Problem(Fault::not_found()) })
        .method_not_allowed_fallback(|| async {
            crate::Problem(Fault::invalid(
                "method",
                "This address does not take that method; /openapi.json says which it takes.",
            ))
        })
        // The body extractor names the limit in words; this is the wall behind it.
        .layer(RequestBodyLimitLayer::new(forge::EVENT_BYTES.max(limits::BODY_BYTES)))
        .merge(bulky);
    Server { router: headers::around(router), openapi }
}

impl FromRef<Shared> for Arc<WebConfig> {
    fn from_ref(shared: &Shared) -> Self {
        shared.config.clone()
    }
}
