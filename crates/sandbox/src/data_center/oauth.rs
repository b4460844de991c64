//! The OAuth 2.0 provider of a Data Center: the site itself asks the person, and its own address takes the token.
//!
//! A code is good once, for its client, address and challenge alone; a refresh token too, and it must come with the
//! address of the client, which Cloud's does not ask for.

use aws_lc_rs::digest;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use minijinja::context;
use serde_json::json;
use url::form_urlencoded;

use super::operations::Scope;
use crate::{
    App, auth,
    config::OauthClient,
    oauth::{Code, Fields, Grant, back, field, fields},
    pages::{self, people::Person},
    state::AppToken,
};

/// How long a code is good.
const CODE_LASTS: SignedDuration = SignedDuration::from_mins(10);
/// How long an access token is good.
const TOKEN_LASTS: SignedDuration = SignedDuration::from_hours(2);
/// How long a refresh token that nobody uses is good.
const REFRESH_LASTS: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Most that a client may ask for, as an administrator would have let it.
const MOST: Scope = Scope::Write;
/// Where people say yes.
const CONSENT: &str = "/plugins/servlet/oauth2/consent";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rest/oauth2/latest/authorize", get(ask))
        .route(CONSENT, get(consent))
        .route(&format!("{CONSENT}/accept"), get(accept))
        .route("/rest/oauth2/latest/token", post(token))
        .route("/rest/oauth2/latest/revoke", post(revoke))
}

/// The client that asks. Whom nobody knows is shown so, and sent nowhere.
fn client<'a>(app: &'a App, asked: &Fields) -> Result<&'a OauthClient, &'static str> {
    let client = app.config.oauth.iter().find(|client| client.id == field(asked, "client_id"));
    let client = client.ok_or("invalid_client: no incoming link has this client_id.")?;
    if client.callback != field(asked, "redirect_uri") {
        return Err("invalid_redirect_uri: redirect_uri is not the client's.");
    }
    Ok(client)
}

/// What is wrong with the question, as the client is told.
fn wrong(asked: &Fields) -> Option<(&'static str, &'static str)> {
    if field(asked, "response_type") != "code" {
        return Some(("unsupported_response_type", "response_type must be code"));
    }
    match Scope::named(field(asked, "scope")) {
        Some(scope) if scope <= MOST && scope > Scope::None => {}
        _ => return Some(("invalid_scope", "The requested scope is invalid, unknown or not allowed for the client")),
    }
    let challenged = !field(asked, "code_challenge").is_empty();
    let method = field(asked, "code_challenge_method");
    let good = if challenged { ["S256", "plain"].contains(&method) } else { method.is_empty() };
    (!good).then_some(("invalid_request", "code_challenge and code_challenge_method go together"))
}

async fn ask(State(app): State<App>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let asked = fields(query.as_bytes());
    match (client(&app, &asked), wrong(&asked)) {
        (Err(why), _) => (StatusCode::BAD_REQUEST, why).into_response(),
        (Ok(_), Some((error, told))) => back(&asked, &[("error", error), ("error_description", told)]),
        (Ok(_), None) => Redirect::to(&format!("{CONSENT}?{query}")).into_response(),
    }
}

async fn consent(State(app): State<App>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let asked = fields(query.as_bytes());
    if client(&app, &asked).is_err() || wrong(&asked).is_some() {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let here =
        form_urlencoded::Serializer::new(String::new()).append_pair("to", &format!("{CONSENT}?{query}")).finish();
    let Some(account) = auth::session(&app.state, &headers).and_then(|caller| caller.account_id) else {
        return Redirect::to(&format!("/?{here}")).into_response();
    };
    let me = Person::of(&app.state.read(), &account);
    let content = context! {
            site => app.state.site_name(),
            color_mode => pages::session::color_mode(&headers),
            frames => app.forge.frames_url(),
            me => me,
            scopes => vec![field(&asked, "scope").to_owned()],
            stays => true,
            accept => format!("{CONSENT}/accept?{query}"),
            deny => format!("{CONSENT}/accept?{query}&deny=1"),
            somebody_else => format!("/?{here}"),
            bare => true,
    };
    pages::render(&app, "authorize.html", content, StatusCode::OK)
}

async fn accept(State(app): State<App>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let asked = fields(query.unwrap_or_default().as_bytes());
    let client = match client(&app, &asked) {
        Ok(client) if wrong(&asked).is_none() => client,
        _ => return StatusCode::BAD_REQUEST.into_response(),
    };
    let account = auth::session(&app.state, &headers).and_then(|caller| caller.account_id);
    let Some(account) = account.filter(|_| field(&asked, "deny").is_empty()) else {
        return back(&asked, &[("error", "access_denied"), ("error_description", "User denied the access")]);
    };
    let code = app.state.random_uuid().simple().to_string();
    let grant = Grant {
        client: client.id.clone(),
        account,
        scopes: vec![field(&asked, "scope").to_owned()],
        until: app.state.now() + CODE_LASTS,
    };
    let plain = field(&asked, "code_challenge_method") == "plain";
    let challenge = asked.get("code_challenge").map(|text| if plain { hashed(text) } else { text.clone() });
    app.grants.put_code(code.clone(), Code { grant, redirect: field(&asked, "redirect_uri").to_owned(), challenge });
    back(&asked, &[("code", &code)])
}

fn hashed(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

fn refused(status: StatusCode, error: &str, told: &str) -> Response {
    (status, Json(json!({"error": error, "error_description": told}))).into_response()
}

/// Takes forms only.
async fn token(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    let asked = fields(&body);
    let known = app.config.oauth.iter().find(|client| client.id == field(&asked, "client_id"));
    let Some(client) = known.filter(|client| client.secret == field(&asked, "client_secret")) else {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client", "Client authentication failed");
    };
    let now = app.state.now();
    let same_address = client.callback == field(&asked, "redirect_uri");
    let grant = match field(&asked, "grant_type") {
        "authorization_code" => app
            .grants
            .take_code(field(&asked, "code"))
            .filter(|code| {
                code.redirect == field(&asked, "redirect_uri")
                    && code.challenge.as_deref().is_none_or(|wanted| wanted == hashed(field(&asked, "code_verifier")))
            })
            .map(|code| code.grant),
        // Only taken by a question that is right otherwise: a client that forgot its address keeps it.
        "refresh_token" if same_address => app.grants.take_refresh(field(&asked, "refresh_token")),
        "refresh_token" => None,
        _ => return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type", "The grant type is not supported"),
    };
    let active = |account: &str| app.state.read().account(account).is_some_and(|account| account.active);
    match grant.filter(|grant| grant.client == client.id && grant.until > now && active(&grant.account)) {
        Some(grant) => hand_out(&app, grant),
        None => refused(
            StatusCode::BAD_REQUEST,
            "invalid_grant",
            "The provided authorization grant is invalid, expired or revoked",
        ),
    }
}

fn hand_out(app: &App, grant: Grant) -> Response {
    let secret = || format!("{}{}", app.state.random_uuid().simple(), app.state.random_uuid().simple());
    let (access, refresh, now) = (secret(), secret(), app.state.now());
    app.state.put_app_token(
        &access,
        AppToken {
            app_id: grant.client.clone(),
            account_id: grant.account.clone(),
            on_behalf: true,
            scopes: grant.scopes.clone(),
            expires_at: now + TOKEN_LASTS,
            at_site: true,
        },
    );
    app.grants.put_refresh(refresh.clone(), Grant { until: now + REFRESH_LASTS, ..grant });
    Json(json!({
        "access_token": access,
        "token_type": "bearer",
        "expires_in": TOKEN_LASTS.as_secs(),
        "refresh_token": refresh,
        "created_at": now.as_second(),
    }))
    .into_response()
}

/// Always well, whether there was such a token or not.
async fn revoke(State(app): State<App>, body: Bytes) -> Response {
    let asked = fields(&body);
    let known = app.config.oauth.iter().find(|client| client.id == field(&asked, "client_id"));
    if known.is_none_or(|client| client.secret != field(&asked, "client_secret")) {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client", "Client authentication failed");
    }
    let token = field(&asked, "token");
    app.grants.take_refresh(token);
    app.state.write().app_tokens.remove(token);
    StatusCode::OK.into_response()
}
