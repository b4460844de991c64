//! Signing in on our own pages, at a site that an operator joined by a token: to Atlassian or the Data Center itself, back with a
//! code, and a session.
//!
//! What binds the two halves is a secret in the browser's own cookie; nothing is kept here meanwhile. It must never send a
//! browser to an address that came with the request. Start at [`begin`].

use std::sync::LazyLock;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use host::Attempt;
use kernel::{Fault, Kind, Result, TenantId};
use minijinja::{Environment, context};
use serde::Deserialize;
use url::Url;

use crate::caller::door_cx;
use crate::reply::status_of;
use crate::router::Shared;
use crate::session::{self, Context};
use crate::{secret, session_http};

/// Begins the secret of an attempt.
const ATTEMPT: &str = "stws";
/// Time for a password, a second factor, and to read what is granted.
const ATTEMPT_SECONDS: u32 = 900;
/// For how long a browser remembers at which site its owner signs in: as browsers do, at most.
const SITE_SECONDS: u32 = 400 * 24 * 3600;

/// The pages. Their names end in `.html`, so that what is put into them is escaped.
static PAGES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    if let Err(error) = pages.add_template("page.html", include_str!("page.html")) {
        tracing::error!(event = "page_broken", %error);
    }
    pages
});

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/sign-in", get(start))
        .route("/sign-in/style.css", get(style))
        .route("/sign-in/callback", get(callback))
        .route("/sign-in/{site}", get(begin))
}

async fn style() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    (headers, include_str!("style.css")).into_response()
}

/// What a page says, and the one thing to do next.
pub(crate) struct Said<'a> {
    pub(crate) status: StatusCode,
    pub(crate) title: &'a str,
    pub(crate) text: &'a str,
    /// Where its button leads, and the button's words.
    pub(crate) next: Option<(&'a str, &'a str)>,
    /// Whether it goes there by itself.
    pub(crate) at_once: bool,
}

pub(crate) fn page(said: &Said<'_>) -> Response {
    let content = context! {
        title => said.title, text => said.text, href => said.next.map(|next| next.0), action => said.next.map(|next| next.1),
        at_once => said.at_once,
    };
    let made = PAGES.get_template("page.html").and_then(|page| page.render(content));
    let html = match made {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(event = "page_broken", %error);
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let mut response = (said.status, Html(html)).into_response();
    let policy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

/// What went wrong, in the fault's own public words, and a way to try again where that helps.
pub(crate) fn failed(fault: &Fault, again: Option<&str>) -> Response {
    let cause = fault.private_source().map(ToString::to_string);
    tracing::info!(event = "sign_in_failed", code = fault.code(), cause = cause.as_deref());
    let (title, text) = match fault.kind() {
        Kind::NotFound => ("There is no such site here", "Check the address that you were given to sign in."),
        Kind::Broken => {
            ("You are not signed in", "Something is wrong on this server. Its operator finds it in the log.")
        }
        _ => ("You are not signed in", fault.text()),
    };
    let next = again.map(|address| (address, "Sign in again"));
    page(&Said { status: status_of(fault), title, text, next, at_once: false })
}

/// How a cookie of signing in is called, after what it holds.
fn cookie_name(shared: &Shared, name: &str) -> String {
    if shared.config.secure { format!("__Host-steward-{name}") } else { format!("steward-{name}") }
}

/// A cookie's header: for so many seconds, or none to take it away.
fn cookie(shared: &Shared, name: &str, value: String, seconds: u32) -> String {
    let cookie = Cookie::build((cookie_name(shared, name), value))
        .http_only(true)
        .secure(shared.config.secure)
        // It must come back with the browser, which Atlassian's pages send here.
        .same_site(SameSite::Lax)
        .path("/")
        .build();
    format!("{cookie}; Max-Age={seconds}")
}

fn cookie_value(shared: &Shared, headers: &HeaderMap, name: &str) -> Option<String> {
    CookieJar::from_headers(headers).get(&cookie_name(shared, name)).map(|cookie| cookie.value().to_owned())
}

fn with_cookies(mut response: Response, cookies: &[String]) -> Response {
    for cookie in cookies {
        if let Ok(value) = HeaderValue::from_str(cookie) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
    response
}

fn callback_url(shared: &Shared) -> Result<Url> {
    shared.config.origin.join("sign-in/callback").map_err(|error| Fault::broken("sign_in", error))
}

fn address_of(tenant: TenantId) -> String {
    format!("/sign-in/{tenant}")
}

/// To the site at which this browser signed in last.
async fn start(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let last = cookie_value(&shared, &headers, "site").and_then(|site| site.parse::<TenantId>().ok());
    if let Some(tenant) = last {
        return Redirect::to(&address_of(tenant)).into_response();
    }
    page(&Said {
        status: StatusCode::OK,
        title: "Sign in to Steward",
        text: "Open Steward from Jira: it signs you in. If your site has no Steward in Jira, use the address for signing in \
               that your administrator gave you; this browser remembers it.",
        next: None,
        at_once: false,
    })
}

async fn begin(State(shared): State<Shared>, Path(site): Path<String>) -> Response {
    match begin_at(&shared, &site).await {
        Ok(response) => response,
        Err(fault) => failed(&fault, None),
    }
}

async fn begin_at(shared: &Shared, site: &str) -> Result<Response> {
    let tenant: TenantId = site.parse().map_err(|_| Fault::not_found())?;
    let known = shared.host.sites.of(tenant).await.map_err(|_| Fault::not_found())?;
    if !known.mode.is_by_operator() {
        return Err(Fault::not_found());
    }
    let cx = door_cx(shared, tenant, "sign_in");
    let secret = secret::make(ATTEMPT, tenant)?;
    let away = shared.host.sign_in.begin(&cx, &known, &Attempt::of(&secret), &callback_url(shared)?).await?;
    let cookies = [cookie(shared, "sign-in", secret, ATTEMPT_SECONDS)];
    Ok(with_cookies(Redirect::to(away.as_str()).into_response(), &cookies))
}

/// How Atlassian sends a browser back.
#[derive(Deserialize)]
struct Answer {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

async fn callback(State(shared): State<Shared>, headers: HeaderMap, Query(answer): Query<Answer>) -> Response {
    let secret = cookie_value(&shared, &headers, "sign-in").unwrap_or_default();
    let tenant = secret::tenant_of(ATTEMPT, &secret);
    let again = tenant.map_or_else(|| "/sign-in".to_owned(), address_of);
    let used_up = cookie(&shared, "sign-in", String::new(), 0);
    let response = match finish(&shared, tenant, &secret, &answer).await {
        Ok(response) => response,
        Err(fault) => failed(&fault, Some(&again)),
    };
    with_cookies(response, &[used_up])
}

async fn finish(shared: &Shared, tenant: Option<TenantId>, secret: &str, answer: &Answer) -> Result<Response> {
    let attempt = Attempt::of(secret);
    let theirs = answer.state.as_deref().is_some_and(|state| attempt.is_answered_by(state));
    let Some(tenant) = tenant.filter(|_| theirs) else {
        return Err(Fault::unauthenticated(
            "sign_in_over",
            "Signing in took too long, or was begun in another browser. Sign in again.",
        ));
    };
    if answer.error.is_some() {
        return Err(Fault::unauthenticated(
            "sign_in_denied",
            "You did not let Steward read Jira as you, so that it cannot show you what you may see.",
        ));
    }
    let known = shared.host.sites.of(tenant).await.map_err(|_| Fault::not_found())?;
    let cx = door_cx(shared, tenant, "sign_in");
    let code = answer.code.as_deref().unwrap_or_default();
    let signed = shared.host.sign_in.finish(&cx, &known, &attempt, code, &callback_url(shared)?).await?;
    let context = Context {
        site_url: known.site.url.as_ref().map(ToString::to_string).unwrap_or_default(),
        locale: signed.locale,
        time_zone: signed.time_zone,
    };
    let made = session::make(shared, &cx, session::Kind::Cookie, &signed.account, &context).await?;
    let cookies = [
        session_http::session_cookie(shared, made.token).to_string(),
        cookie(shared, "site", tenant.to_string(), SITE_SECONDS),
    ];
    // A page of ours goes on, and no redirect: with one, the browser would still count it as Atlassian's doing and keep the
    // session's cookie to itself.
    let welcome = page(&Said {
        status: StatusCode::OK,
        title: "You are signed in",
        text: "Steward opens by itself.",
        next: Some(("/app/", "Open Steward")),
        at_once: true,
    });
    Ok(with_cookies(welcome, &cookies))
}
