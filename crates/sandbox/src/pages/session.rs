//! Who looks at a page, and the proof that a form was sent from one of ours.
//!
//! Start reading at [`Viewer`].

use std::sync::LazyLock;

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    hmac::{self, HMAC_SHA256, Key},
    rand::SystemRandom,
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};

use crate::{
    App,
    auth::{self, Caller},
    state::{SESSION_COOKIE, model::Account},
};

/// Header (or form field `_token`) that carries the page's token.
pub(crate) const TOKEN_HEADER: &str = "x-page-token";
const MODE_COOKIE: &str = "color-mode";

/// Signs page tokens; lives as long as the program, as its sessions do. `None` if the system gives
/// no randomness: then no form is accepted.
static PAGE_KEY: LazyLock<Option<Key>> = LazyLock::new(|| Key::generate(HMAC_SHA256, &SystemRandom::new()).ok());

/// Someone who is signed in and looks at a page.
#[derive(Debug, Clone)]
pub(crate) struct Viewer {
    pub(crate) caller: Caller,
    pub(crate) account: Account,
    pub(crate) page_token: String,
    /// `light`, `dark`, or empty for the system's.
    pub(crate) color_mode: String,
    /// Path and query of the page.
    pub(crate) path: String,
}

impl Viewer {
    pub(crate) fn id(&self) -> &str {
        &self.account.account_id
    }

    /// Whether a form's token is this session's.
    pub(crate) fn owns(&self, token: &str) -> bool {
        same(&self.page_token, token)
    }
}

impl FromRequestParts<App> for Viewer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let sign_in = || {
            let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("to", &path).finish();
            Redirect::to(&format!("/?{query}")).into_response()
        };
        let caller = auth::session(&app.state, &parts.headers).ok_or_else(sign_in)?;
        let account = app.state.read().account(caller.account()).filter(|a| a.active).cloned();
        let account = account.ok_or_else(sign_in)?;
        let page_token = page_token(&parts.headers).ok_or_else(sign_in)?;
        Ok(Self { caller, account, page_token, color_mode: color_mode(&parts.headers), path })
    }
}

/// `light` or `dark` when the reader chose one.
pub(crate) fn color_mode(headers: &HeaderMap) -> String {
    cookie(headers, MODE_COOKIE).filter(|mode| mode == "light" || mode == "dark").unwrap_or_default()
}

/// The viewer's account id, when the request carries the page's token too.
pub(crate) fn checked_viewer(app: &App, headers: &HeaderMap) -> Option<String> {
    let caller = auth::session(&app.state, headers)?;
    let sent = headers.get(TOKEN_HEADER)?.to_str().ok()?;
    same(&page_token(headers)?, sent).then_some(caller.account_id).flatten()
}

/// A token that only pages of this session know: bound to the cookie, so it needs no storage.
fn page_token(headers: &HeaderMap) -> Option<String> {
    let session = cookie(headers, SESSION_COOKIE)?;
    Some(hex::encode(hmac::sign(PAGE_KEY.as_ref()?, session.as_bytes())))
}

pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value.to_owned())
}

fn same(one: &str, other: &str) -> bool {
    verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}
