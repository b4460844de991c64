//! Atlassian's authorization server, as far as three-legged OAuth 2.0 needs it: `/authorize`, where a person says yes;
//! `/oauth/token`, with refresh tokens that rotate; and which sites a token opens.
//!
//! At Atlassian it has two origins of its own, `auth.atlassian.com` and `api.atlassian.com`; here it shares the
//! site's, as the gateway does. It is no kinder: whoever knows only the portal has no account there and gets no code, a code is good once and for
//! its client, address and challenge alone, and a refresh token that was used is good no more.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use aws_lc_rs::digest;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use minijinja::context;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{
    App, auth,
    config::OauthClient,
    pages::{self, people::Person},
    state::{
        AppToken,
        model::{AccountId, AccountType},
    },
};

/// How long a code is good.
const CODE_LASTS: SignedDuration = SignedDuration::from_mins(5);
/// How long an access token is good.
const TOKEN_LASTS: SignedDuration = SignedDuration::from_hours(1);
/// How long a refresh token that nobody uses is good.
const REFRESH_LASTS: SignedDuration = SignedDuration::from_hours(90 * 24);

/// What a person said yes to.
#[derive(Clone)]
pub(crate) struct Grant {
    pub(crate) client: String,
    pub(crate) account: AccountId,
    pub(crate) scopes: Vec<String>,
    pub(crate) until: Timestamp,
}

/// What a code stands for; the challenge is the hash of its verifier.
pub(crate) struct Code {
    pub(crate) grant: Grant,
    pub(crate) redirect: String,
    pub(crate) challenge: Option<String>,
}

/// Codes and refresh tokens that were handed out.
#[derive(Default)]
pub(crate) struct Grants {
    codes: Mutex<HashMap<String, Code>>,
    refresh: Mutex<HashMap<String, Grant>>,
}

impl Grants {
    pub(crate) fn put_code(&self, code: String, stands_for: Code) {
        self.codes.lock().unwrap_or_else(PoisonError::into_inner).insert(code, stands_for);
    }

    /// Taken away by the first who brings it, whether they may have it or not.
    pub(crate) fn take_code(&self, code: &str) -> Option<Code> {
        self.codes.lock().unwrap_or_else(PoisonError::into_inner).remove(code)
    }

    pub(crate) fn put_refresh(&self, token: String, grant: Grant) {
        self.refresh.lock().unwrap_or_else(PoisonError::into_inner).insert(token, grant);
    }

    pub(crate) fn take_refresh(&self, token: &str) -> Option<Grant> {
        self.refresh.lock().unwrap_or_else(PoisonError::into_inner).remove(token)
    }

    /// The refresh tokens that are still taken.
    pub(crate) fn refresh_tokens(&self) -> Vec<String> {
        self.refresh.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// Takes back what somebody granted to apps.
    pub(crate) fn take_back(&self, account: &str) {
        self.codes.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, code| code.grant.account != account);
        self.refresh.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, grant| grant.account != account);
    }
}

pub(crate) fn router(app: &App) -> Router {
    Router::new()
        .route("/authorize", get(ask))
        .route("/authorize/accept", get(accept))
        .route("/oauth/token", post(token))
        .route("/oauth/token/accessible-resources", get(sites))
        .with_state(app.clone())
}

/// What a form or a query says.
pub(crate) type Fields = HashMap<String, String>;

pub(crate) fn fields(encoded: &[u8]) -> Fields {
    form_urlencoded::parse(encoded).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

pub(crate) fn field<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).map(String::as_str).unwrap_or_default()
}

/// The client that asks, if it asks as Atlassian wants it. What is wrong is shown, and nobody is sent anywhere.
fn client<'a>(app: &'a App, asked: &Fields) -> Result<&'a OauthClient, &'static str> {
    let client = app.config.oauth.iter().find(|client| client.id == field(asked, "client_id"));
    let client = client.ok_or("No app has this client_id.")?;
    if client.callback != field(asked, "redirect_uri") {
        return Err("redirect_uri is not the app's callback.");
    }
    if field(asked, "response_type") != "code" || field(asked, "audience") != "api.atlassian.com" {
        return Err("response_type must be code, and audience api.atlassian.com.");
    }
    if field(asked, "state").is_empty() || field(asked, "scope").is_empty() {
        return Err("state and scope are needed.");
    }
    if !["", "S256"].contains(&field(asked, "code_challenge_method")) {
        return Err("code_challenge_method must be S256.");
    }
    Ok(client)
}

/// Back to the app.
pub(crate) fn back(asked: &Fields, answer: &[(&str, &str)]) -> Response {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(answer)
        .append_pair("state", field(asked, "state"))
        .finish();
    let redirect = field(asked, "redirect_uri");
    let joint = if redirect.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{redirect}{joint}{query}")).into_response()
}

/// Where one chooses whom to be, and comes back to the app's question from.
fn who_are_you(query: &str) -> String {
    let to = form_urlencoded::Serializer::new(String::new()).append_pair("to", &format!("/authorize?{query}")).finish();
    format!("/?{to}")
}

/// Whether somebody can sign in here: customers of the portal alone have their account with the site, and none at Atlassian.
fn has_account(app: &App, account: &str) -> bool {
    app.state.read().account(account).is_some_and(|account| account.account_type != AccountType::Customer)
}

/// What whoever has no account is told. The app hears nothing of it.
fn no_account(app: &App, headers: &HeaderMap, query: &str) -> Response {
    let content = context! {
        site => app.state.site_name(),
        color_mode => pages::session::color_mode(headers),
        frames => app.forge.frames_url(),
        title => "We can’t log you in",
        text => "There is no Atlassian account with your email address. A customer of the help center logs in there.",
        portal_only => true,
        somebody_else => who_are_you(query),
        bare => true,
    };
    pages::render(app, "message.html", content, StatusCode::FORBIDDEN)
}

async fn ask(State(app): State<App>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let asked = fields(query.as_bytes());
    if let Err(why) = client(&app, &asked) {
        return (StatusCode::BAD_REQUEST, why).into_response();
    }
    let Some(account) = auth::session(&app.state, &headers).and_then(|caller| caller.account_id) else {
        return Redirect::to(&who_are_you(&query)).into_response();
    };
    if !has_account(&app, &account) {
        return no_account(&app, &headers, &query);
    }
    let scopes: Vec<String> = field(&asked, "scope").split(' ').map(str::to_owned).collect();
    let content = {
        let store = app.state.read();
        context! {
            site => app.state.site_name(),
            color_mode => pages::session::color_mode(&headers),
            frames => app.forge.frames_url(),
            me => Person::of(&store, &account),
            scopes => scopes.iter().filter(|scope| *scope != "offline_access").cloned().collect::<Vec<_>>(),
            stays => scopes.iter().any(|scope| scope == "offline_access"),
            accept => format!("/authorize/accept?{query}"),
            deny => format!("/authorize/accept?{query}&deny=1"),
            somebody_else => who_are_you(&query),
            bare => true,
        }
    };
    pages::render(&app, "authorize.html", content, StatusCode::OK)
}

async fn accept(State(app): State<App>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let asked = fields(query.as_bytes());
    let client = match client(&app, &asked) {
        Ok(client) => client,
        Err(why) => return (StatusCode::BAD_REQUEST, why).into_response(),
    };
    let account = auth::session(&app.state, &headers).and_then(|caller| caller.account_id);
    let Some(account) = account.filter(|_| field(&asked, "deny").is_empty()) else {
        let why = [("error", "access_denied"), ("error_description", "User did not authorize the request")];
        return back(&asked, &why);
    };
    if !has_account(&app, &account) {
        return no_account(&app, &headers, &query);
    }
    let code = app.state.random_uuid().simple().to_string();
    let challenge = asked.get("code_challenge").cloned();
    let grant = Grant {
        client: client.id.clone(),
        account,
        scopes: field(&asked, "scope").split(' ').map(str::to_owned).collect(),
        until: app.state.now() + CODE_LASTS,
    };
    let handed_out = Code { grant, redirect: field(&asked, "redirect_uri").to_owned(), challenge };
    app.grants.put_code(code.clone(), handed_out);
    back(&asked, &[("code", &code)])
}

fn refused(status: StatusCode, error: &str, description: &str) -> Response {
    (status, Json(json!({"error": error, "error_description": description}))).into_response()
}

/// Takes forms and JSON, as Atlassian does.
async fn token(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let asked = if kind.starts_with("application/json") {
        serde_json::from_slice::<Fields>(&body).unwrap_or_default()
    } else {
        fields(&body)
    };
    let known = app.config.oauth.iter().find(|client| client.id == field(&asked, "client_id"));
    let Some(client) = known.filter(|client| client.secret == field(&asked, "client_secret")) else {
        return refused(StatusCode::UNAUTHORIZED, "access_denied", "Unauthorized");
    };
    let now = app.state.now();
    match field(&asked, "grant_type") {
        "authorization_code" => {
            let good = app.grants.take_code(field(&asked, "code")).filter(|code| {
                code.grant.client == client.id
                    && code.grant.until > now
                    && code.redirect == field(&asked, "redirect_uri")
                    && code.challenge.as_deref().is_none_or(|challenge| challenge == challenge_of(&asked))
            });
            match good {
                Some(code) => hand_out(&app, code.grant),
                None => refused(StatusCode::FORBIDDEN, "invalid_grant", "Invalid authorization code"),
            }
        }
        "refresh_token" => {
            let kept = app.grants.take_refresh(field(&asked, "refresh_token"));
            let active = |account: &str| app.state.read().account(account).is_some_and(|account| account.active);
            match kept.filter(|grant| grant.client == client.id && grant.until > now && active(&grant.account)) {
                Some(grant) => hand_out(&app, grant),
                None => refused(StatusCode::FORBIDDEN, "unauthorized_client", "refresh_token is invalid"),
            }
        }
        _ => refused(StatusCode::BAD_REQUEST, "unsupported_grant_type", "Unsupported grant type"),
    }
}

fn challenge_of(asked: &Fields) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, field(asked, "code_verifier").as_bytes()))
}

fn hand_out(app: &App, grant: Grant) -> Response {
    let secret = || format!("{}{}", app.state.random_uuid().simple(), app.state.random_uuid().simple());
    let (access, now) = (secret(), app.state.now());
    let scope = grant.scopes.join(" ");
    let mut answer = json!({
        "access_token": access, "expires_in": TOKEN_LASTS.as_secs(), "token_type": "Bearer", "scope": scope,
    });
    app.state.put_app_token(
        &access,
        AppToken {
            app_id: grant.client.clone(),
            account_id: grant.account.clone(),
            on_behalf: true,
            scopes: grant.scopes.clone(),
            expires_at: now + TOKEN_LASTS,
            at_site: false,
        },
    );
    if grant.scopes.iter().any(|scope| scope == "offline_access")
        && let Some(object) = answer.as_object_mut()
    {
        let refresh = secret();
        object.insert("refresh_token".to_owned(), json!(refresh));
        let grant = Grant { until: now + REFRESH_LASTS, ..grant };
        app.grants.put_refresh(refresh, grant);
    }
    Json(answer).into_response()
}

/// The sites that a token opens: this one.
async fn sites(State(app): State<App>, headers: HeaderMap) -> Response {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = bearer.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    let (store, now) = (app.state.read(), app.state.now());
    let Some(grant) = store.app_tokens.get(token).filter(|grant| grant.expires_at > now) else {
        let answer = json!({"code": 401, "message": "Unauthorized"});
        return (StatusCode::UNAUTHORIZED, Json(answer)).into_response();
    };
    let scopes: Vec<&String> = grant.scopes.iter().filter(|scope| *scope != "offline_access").collect();
    let site: Value = json!({
        "id": app.state.cloud_id(), "name": app.state.site_name(), "url": app.state.site_url(), "scopes": scopes,
        "avatarUrl": format!("{}/avatars/site.png", app.state.site_url()),
    });
    Json(json!([site])).into_response()
}
