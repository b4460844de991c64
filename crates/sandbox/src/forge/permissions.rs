//! `permissions.remote` of the bridge: where an app's customer-managed remotes are, told to and set by administrators
//! from the app's own page.
//!
//! The page around the frame asks the administrator first, in words that the app cannot choose; here it is decided
//! anew whether it is one. A change is whole or nothing. Start reading at [`set`].

use axum::{
    Json,
    body::Bytes,
    extract::State as Shared,
    http::{HeaderMap, StatusCode},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Installation,
    installation::check,
    invoke::{Frame, Rejected, opened, parse, reject, viewer},
};
use crate::{App, access::Access, auth::Caller};

#[derive(Debug, Deserialize)]
struct Asked {
    frame: Frame,
    keys: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct Change {
    frame: Frame,
    remotes: Vec<RemoteChange>,
}

#[derive(Debug, Deserialize)]
struct RemoteChange {
    key: String,
    configured: Configured,
}

#[derive(Debug, Deserialize)]
struct Configured {
    endpoint: Option<String>,
}

/// `permissions.remote.get()`: customer-managed remotes alone; the address of a fixed one is the manifest's.
pub(super) async fn get(Shared(app): Shared<App>, headers: HeaderMap, body: Bytes) -> Result<Json<Value>, Rejected> {
    let viewer = viewer(&app, &headers)?;
    let Asked { frame, keys } = parse(&body)?;
    let installation = for_admin(&app, &frame, &viewer)?;
    let results: Vec<Value> = installation
        .manifest
        .remotes
        .iter()
        .filter(|remote| remote.configurable.is_some())
        .filter(|remote| keys.as_ref().is_none_or(|keys| keys.contains(&remote.key)))
        .map(|remote| {
            let endpoint = installation.remote_address(&remote.key).map(|url| url.to_string());
            json!({"key": remote.key, "configured": {"endpoint": endpoint}})
        })
        .collect();
    Ok(Json(json!({"results": results})))
}

/// `permissions.remote.set()`, after the administrator agreed.
pub(super) async fn set(Shared(app): Shared<App>, headers: HeaderMap, body: Bytes) -> Result<Json<Value>, Rejected> {
    let viewer = viewer(&app, &headers)?;
    let Change { frame, remotes } = parse(&body)?;
    let installation = for_admin(&app, &frame, &viewer)?;
    for change in &remotes {
        let Some(remote) = installation.manifest.remote(&change.key).filter(|remote| remote.configurable.is_some())
        else {
            return reject(StatusCode::BAD_REQUEST, format!("Remote {} is not configurable", change.key));
        };
        if let Some(endpoint) = &change.configured.endpoint {
            check(remote, endpoint).map_err(|why| Rejected(StatusCode::BAD_REQUEST, why.to_string()))?;
        }
    }
    for change in &remotes {
        installation
            .set_remote_address(&change.key, change.configured.endpoint.as_deref())
            .map_err(|why| Rejected(StatusCode::BAD_REQUEST, why.to_string()))?;
    }
    Ok(Json(json!({})))
}

fn for_admin(app: &App, frame: &Frame, viewer: &str) -> Result<std::sync::Arc<Installation>, Rejected> {
    let (installation, _, _) = opened(&app.forge, frame, viewer)?;
    if !Access::new(&app.state.read(), &Caller::person(viewer)).site_admin() {
        return reject(StatusCode::FORBIDDEN, "Only an administrator may read or set remotes");
    }
    Ok(installation)
}
