//! What a page's frame asks of its host: its context, and calls of the app's remote.
//!
//! The parent page posts here with the viewer's session and the page's token; the frame itself never
//! can. Whether the viewer may open the module is decided anew with each call. Start reading at
//! [`invoke`].

use std::collections::BTreeMap;

use axum::{
    Json,
    body::Bytes,
    extract::State as Shared,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Host, Installation, Place, UiModule, payload,
    remote::{self, Call},
    token::Origin,
};
use crate::{App, pages};

/// Largest request that Forge carries from a page: 500 KB.
const REQUEST_MAX: usize = 500 * 1000;
/// Methods that `invokeRemote` has.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
/// What may be put around the largest request: the frame's place and the envelope.
const ENVELOPE_MAX: usize = 16 * 1024;

/// Where the frame stands, as the parent page says.
#[derive(Debug, Deserialize)]
pub(super) struct Frame {
    app: String,
    module: String,
    issue: Option<String>,
    project: Option<String>,
    portal: Option<String>,
    page: Option<String>,
}

#[derive(Debug, Deserialize)]
struct InvokeRequest {
    frame: Frame,
    input: Input,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    path: Option<String>,
    method: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<Value>,
    invoke_type: Option<String>,
}

/// A refusal that the frame sees as a rejected promise.
pub(super) struct Rejected(pub(super) StatusCode, pub(super) String);

impl IntoResponse for Rejected {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"message": self.1}))).into_response()
    }
}

pub(super) fn reject<T>(status: StatusCode, message: impl Into<String>) -> Result<T, Rejected> {
    Err(Rejected(status, message.into()))
}

/// `view.getContext()`.
pub(super) async fn context(
    Shared(app): Shared<App>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Rejected> {
    let viewer = viewer(&app, &headers)?;
    let frame: Frame = parse(&body)?;
    let (_, _, context) = opened(&app.forge, &frame, &viewer)?;
    Ok(Json(context))
}

/// `invokeRemote()`.
pub(super) async fn invoke(Shared(app): Shared<App>, headers: HeaderMap, body: Bytes) -> Result<Json<Value>, Rejected> {
    let viewer = viewer(&app, &headers)?;
    if body.len() > REQUEST_MAX + ENVELOPE_MAX {
        return reject(StatusCode::PAYLOAD_TOO_LARGE, too_large());
    }
    let InvokeRequest { frame, input } = parse(&body)?;
    let (installation, module, context) = opened(&app.forge, &frame, &viewer)?;
    let call = prepare(&app.forge, &installation, &module, &viewer, context, input)?;
    match call.send(&app.http).await {
        Ok(answer) => {
            let success = (200..300).contains(&answer.status);
            let mut response = json!({"status": answer.status, "headers": answer.headers});
            if let Some(body) = answer.body {
                payload::set(&mut response, "body", body);
            }
            let part = if success { "payload" } else { "error" };
            Ok(Json(json!({"success": success, part: response})))
        }
        Err(error) => reject(StatusCode::BAD_GATEWAY, error.to_string()),
    }
}

fn too_large() -> String {
    format!("Request payload is too large: at most {} KB", REQUEST_MAX / 1000)
}

fn prepare(
    host: &Host,
    installation: &Installation,
    module: &UiModule,
    viewer: &str,
    context: Value,
    input: Input,
) -> Result<Call, Rejected> {
    let bad = StatusCode::BAD_REQUEST;
    if input.invoke_type.as_deref() != Some("ui-remote-fetch") {
        return reject(bad, "Only invokeRemote is offered: this app has no functions or services");
    }
    let method = input.method.unwrap_or_else(|| "GET".to_owned()).to_ascii_uppercase();
    if !METHODS.contains(&method.as_str()) {
        return reject(bad, format!("Method {method} is not one of {}", METHODS.join(", ")));
    }
    if input.body.as_ref().is_some_and(|body| !body.is_object() && !body.is_array()) {
        return reject(bad, "The body must be a valid JSON object");
    }
    let size = input.body.as_ref().map_or(0, |body| body.to_string().len());
    if size > REQUEST_MAX {
        return reject(StatusCode::PAYLOAD_TOO_LARGE, too_large());
    }
    let endpoint = module.endpoint.as_deref().and_then(|key| installation.manifest.endpoint(key));
    let Some(endpoint) = endpoint else {
        return reject(bad, format!("Module {} has no resolver endpoint", module.key));
    };
    let Some(base) = installation.remote_address(&endpoint.remote) else {
        return reject(bad, format!("Remote {} has not been configured by an administrator", endpoint.remote));
    };
    let Some(url) = input.path.as_deref().and_then(|path| remote::resolve(&base, path)) else {
        return reject(bad, "The path must stay on the remote");
    };
    let origin = Origin::Page { module, account_id: viewer, context };
    let internal = |why: String| {
        tracing::error!(%why, "invocation failed");
        Rejected(StatusCode::INTERNAL_SERVER_ERROR, "An unexpected error happened".to_owned())
    };
    Ok(Call {
        url,
        method: method.parse().map_err(|_| internal("method".to_owned()))?,
        headers: input.headers,
        body: input.body.filter(|_| method != "GET"),
        invocation_token: host.invocation_token(installation, &origin).map_err(internal)?,
        oauth: host.oauth_headers(installation, Some(endpoint), Some(viewer)).map_err(internal)?,
        timeout: host.settings.invoke_timeout,
    })
}

#[derive(Debug, Deserialize)]
struct ProductRequest {
    frame: Frame,
    #[serde(rename = "restPath")]
    path: String,
    method: Option<String>,
    body: Option<String>,
}

/// `requestJira()`: the site's own API as the viewer, within the app's scopes.
pub(super) async fn product(
    Shared(app): Shared<App>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Rejected> {
    let viewer = viewer(&app, &headers)?;
    let request: ProductRequest = parse(&body)?;
    let (installation, _, _) = opened(&app.forge, &request.frame, &viewer)?;
    let internal = |why: String| Rejected(StatusCode::INTERNAL_SERVER_ERROR, why);
    let token = app.forge.user_token(&installation, &viewer).map_err(internal)?;
    let Some(token) = token else {
        return reject(StatusCode::FORBIDDEN, "The app has no scope for Jira");
    };
    let base = app.forge.api_base_url().map_err(internal)?;
    if !request.path.starts_with("/rest/") {
        return reject(StatusCode::BAD_REQUEST, "The path must begin with /rest/");
    }
    let url = url::Url::parse(&format!("{base}{}", request.path)).ok();
    let Some(url) = url.filter(|url| url.as_str().starts_with(&base)) else {
        return reject(StatusCode::BAD_REQUEST, "The path must stay on the site");
    };
    let method = request.method.unwrap_or_else(|| "GET".to_owned());
    let Ok(method) = method.to_ascii_uppercase().parse() else {
        return reject(StatusCode::BAD_REQUEST, "That is no method");
    };
    let mut call = app.http.request(method, url).bearer_auth(token);
    if let Some(body) = request.body {
        call = call.header("content-type", "application/json").body(body);
    }
    let answer = call.timeout(app.forge.settings.invoke_timeout).send().await;
    let Ok(answer) = answer else { return reject(StatusCode::BAD_GATEWAY, "Jira did not answer") };
    let status = answer.status();
    let kind = answer.headers().get("content-type").and_then(|v| v.to_str().ok()).map(str::to_owned);
    let text = answer.text().await.unwrap_or_default();
    Ok(Json(json!({
        "status": status.as_u16(), "statusText": status.canonical_reason().unwrap_or_default(),
        "headers": {"content-type": kind.unwrap_or_else(|| "application/json".to_owned())},
        "body": text, "isAttachment": false,
    })))
}

pub(super) fn viewer(app: &App, headers: &HeaderMap) -> Result<String, Rejected> {
    pages::session::checked_viewer(app, headers)
        .ok_or_else(|| Rejected(StatusCode::FORBIDDEN, "Sign in again and reload the page".to_owned()))
}

pub(super) fn parse<T: for<'a> Deserialize<'a>>(body: &[u8]) -> Result<T, Rejected> {
    serde_json::from_slice(body).map_err(|error| Rejected(StatusCode::BAD_REQUEST, error.to_string()))
}

pub(super) fn opened(
    host: &Host,
    frame: &Frame,
    viewer: &str,
) -> Result<(std::sync::Arc<Installation>, UiModule, Value), Rejected> {
    let installation = host
        .installation(&frame.app)
        .ok_or_else(|| Rejected(StatusCode::NOT_FOUND, "The app is not installed".to_owned()))?;
    let module = installation
        .manifest
        .module(&frame.module)
        .cloned()
        .ok_or_else(|| Rejected(StatusCode::NOT_FOUND, "The app has no such module".to_owned()))?;
    let place = Place {
        issue: frame.issue.clone(),
        project: frame.project.clone(),
        portal: frame.portal.clone(),
        page: frame.page.clone(),
    };
    let context = host
        .open(&installation, &module, viewer, &place)
        .map_err(|error| Rejected(StatusCode::FORBIDDEN, error.to_string()))?;
    Ok((installation, module, context))
}
