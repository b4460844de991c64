//! The pages of our own origin: the UI's files, with a policy that lets nothing in from elsewhere.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum_extra::extract::CookieJar;
use rust_embed::RustEmbed;

use crate::caller::{cookie_name, door_cx};
use crate::router::Shared;
use crate::session::{self, Kind};

#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
struct Ui;

/// A file of the built UI, uncompressed: for a host that serves it as its own (the demo's Forge).
pub fn ui_file(path: &str) -> Option<Vec<u8>> {
    Ui::get(path).map(|file| file.data.into_owned())
}

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/", get(|| async { Redirect::permanent("/app/") }))
        .route("/app", get(|| async { Redirect::permanent("/app/") }))
        .route("/app/", get(index))
        .route("/app/{*path}", get(file))
}

async fn index(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let response = answer("index.html", &headers);
    let ancestors = site_of(&shared, &headers).await.unwrap_or_else(|| "'none'".to_owned());
    under_policy(response, "", &ancestors)
}

/// A page under the policy of our pages: scripts from here and `scripts`, framed by `ancestors` alone.
pub(crate) fn under_policy(mut response: Response, scripts: &str, ancestors: &str) -> Response {
    let policy = format!(
        "default-src 'none'; script-src 'self' {scripts}; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The page with a script before its own, for a host that speaks with its frames through one.
pub(crate) fn text_with(script: &str) -> Option<String> {
    let page = ui_file("index.html").and_then(|page| String::from_utf8(page).ok())?;
    // A URL's text has neither a quote nor an angle bracket in it.
    Some(page.replacen(
        "<script ",
        &format!("<script src=\"{}\"></script>\n    <script ", script.replace('&', "&amp;")),
        1,
    ))
}

/// A page, or the word that this build has none.
pub(crate) fn page(text: Option<Bytes>) -> Response {
    match text {
        Some(text) => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response(),
        None => missing("index.html"),
    }
}

/// Who may frame the page: exactly the site that the session came from, and without a session nobody.
async fn site_of(shared: &Shared, headers: &HeaderMap) -> Option<String> {
    let jar = CookieJar::from_headers(headers);
    let token = jar.get(cookie_name(shared.config.secure))?.value();
    let cx = door_cx(shared, session::claimed_tenant(Kind::Cookie, token).ok()?, "page");
    let (_, context) = session::find(shared, &cx, Kind::Cookie, token).await.ok()?;
    let site = url::Url::parse(&context.peek().site_url).ok()?;
    site.origin().is_tuple().then(|| site.origin().ascii_serialization())
}

async fn file(Path(path): Path<String>, headers: HeaderMap) -> Response {
    answer(&path, &headers)
}

pub(crate) fn answer(path: &str, headers: &HeaderMap) -> Response {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let encoded = [("br", ".br"), ("gzip", ".gz")]
        .into_iter()
        .filter(|(name, _)| accepted.split(',').any(|offer| offer.trim().split(';').next() == Some(*name)))
        .find_map(|(name, ending)| Ui::get(&format!("{path}{ending}")).map(|file| (file, Some(name))));
    let Some((file, encoding)) = encoded.or_else(|| Ui::get(path).map(|file| (file, None))) else {
        return missing(path);
    };
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let mut response = file.data.into_owned().into_response();
    let out = response.headers_mut();
    let mut put = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            out.insert(name, value);
        }
    };
    let charset = if kind.type_() == "text" { "; charset=utf-8" } else { "" };
    put(header::CONTENT_TYPE, &format!("{}{charset}", kind.essence_str()));
    put(header::VARY, "Accept-Encoding");
    // The UI's build puts a hash of the content into each asset's name.
    let caching = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    put(header::CACHE_CONTROL, caching);
    if let Some(encoding) = encoding {
        put(header::CONTENT_ENCODING, encoding);
    }
    response
}

fn missing(path: &str) -> Response {
    if path == "index.html" {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "This build of Steward has no pages in it. Run `make ui` and build again.\n",
        )
            .into_response();
    }
    StatusCode::NOT_FOUND.into_response()
}
