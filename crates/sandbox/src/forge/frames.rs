//! Apps' Custom UI, served from an origin of its own, with the bridge put in first.
//!
//! The frame's page runs under a policy like Forge's: scripts from its own files only, nothing inline,
//! no connection but to its own origin, and no parent but the site. Start reading at [`file`].

use axum::{
    Router,
    extract::{Path, State as Shared},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::App;

/// The frame's half of the bridge.
const BRIDGE: &str = include_str!("../../static/bridge.js");
const BRIDGE_PATH: &str = "/forge/bridge.js";

pub(super) fn router(app: &App) -> Router {
    Router::new()
        .route(BRIDGE_PATH, get(bridge))
        .route("/forge/cdn/{app}/{resource}/", get(index))
        .route("/forge/cdn/{app}/{resource}/{*path}", get(file))
        .with_state(app.clone())
}

async fn bridge(Shared(app): Shared<App>) -> Response {
    // The frame must know its parent's origin before anything else runs, and cannot ask for it.
    let script = BRIDGE.replace("{{site}}", &origin(app.state.site_url()));
    with_headers(&app, "text/javascript; charset=utf-8", false, script.into_bytes())
}

async fn index(Shared(app): Shared<App>, Path((id, resource)): Path<(String, String)>) -> Response {
    serve(&app, &id, &resource, "index.html")
}

async fn file(Shared(app): Shared<App>, Path((id, resource, path)): Path<(String, String, String)>) -> Response {
    serve(&app, &id, &resource, &path)
}

fn serve(app: &App, id: &str, resource: &str, path: &str) -> Response {
    let Some(installation) = app.forge.installation(id) else {
        return refusal(app, StatusCode::NOT_FOUND, "This app is not installed.");
    };
    // The resources are a map by name, but a name that climbs is nobody's.
    let climbs = path.split('/').any(|part| part == ".." || part.is_empty());
    let found = (!climbs).then(|| (installation.resources)(&format!("{resource}/{path}"))).flatten();
    let Some(bytes) = found else {
        return refusal(app, StatusCode::NOT_FOUND, "The app has no such file.");
    };
    let mime = mime_guess::from_path(path).first_or_octet_stream();
    let inline_styles = installation.manifest.inline_styles;
    if mime.essence_str() == "text/html" {
        let html = inject(&String::from_utf8_lossy(&bytes));
        return with_headers(app, "text/html; charset=utf-8", inline_styles, html.into_bytes());
    }
    let kind = match mime.type_() {
        mime_guess::mime::TEXT => format!("{}; charset=utf-8", mime.essence_str()),
        _ => mime.essence_str().to_owned(),
    };
    with_headers(app, &kind, inline_styles, bytes)
}

/// The bridge must be there before the app's first script, so it goes to the top of the head.
fn inject(html: &str) -> String {
    let script = format!("<script src=\"{BRIDGE_PATH}\"></script>");
    let lower = html.to_ascii_lowercase();
    let at = lower
        .find("<head")
        .and_then(|head| Some(head + lower.get(head..)?.find('>')? + 1))
        .filter(|at| html.is_char_boundary(*at))
        .unwrap_or_default();
    let (before, after) = html.split_at(at);
    format!("{before}{script}{after}")
}

fn refusal(app: &App, status: StatusCode, text: &str) -> Response {
    let mut response = with_headers(app, "text/plain; charset=utf-8", false, text.into());
    *response.status_mut() = status;
    response
}

fn with_headers(app: &App, kind: &str, inline_styles: bool, body: Vec<u8>) -> Response {
    let inline = if inline_styles { " 'unsafe-inline'" } else { "" };
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'{inline}; img-src 'self' data: blob:; \
         font-src 'self' data:; media-src 'self' data: blob:; connect-src 'self'; base-uri 'self'; \
         form-action 'none'; frame-ancestors {}",
        origin(app.state.site_url())
    );
    let mut response = body.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}

/// Scheme, host and port of an address.
pub(crate) fn origin(url: &str) -> String {
    url::Url::parse(url).map_or_else(|_| "'none'".to_owned(), |url| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bridge_comes_before_every_script() {
        let rows = [
            (
                "<!doctype html><html><head><script src=a.js></script></head>",
                "<!doctype html><html><head><script src=\"/forge/bridge.js\"></script><script src=a.js></script></head>",
            ),
            ("<HEAD lang=\"en\">x", "<HEAD lang=\"en\"><script src=\"/forge/bridge.js\"></script>x"),
            ("<p>ß", "<script src=\"/forge/bridge.js\"></script><p>ß"),
        ];
        for (html, expected) in rows {
            assert_eq!(inject(html), expected);
        }
    }
}
