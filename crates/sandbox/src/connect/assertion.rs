//! The authorization server's side of `ACT_AS_USER`: an app asks for a token to act as a person with an assertion that it
//! signs (RFC 7523). Customers of the portal have no such token, as with Atlassian.

use axum::{
    Form, Json, Router,
    extract::State as Shared,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::json;

use super::token;
use crate::{
    App,
    state::{AppToken, model::AccountType},
};

/// The only audience of an assertion, whatever this sandbox's address.
const AUDIENCE: &str = "https://oauth-2-authorization-server.services.atlassian.com";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const CLIENT: &str = "urn:atlassian:connect:clientid:";
const PERSON: &str = "urn:atlassian:connect:useraccountid:";
/// Lifetime of a token.
const LIFETIME: SignedDuration = SignedDuration::from_mins(15);

#[derive(Deserialize)]
struct Asked {
    grant_type: String,
    assertion: String,
    #[serde(default)]
    scope: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    tnt: String,
    aud: String,
    iat: i64,
    exp: i64,
}

pub(super) fn router() -> Router<App> {
    Router::new().route("/oauth2/token", post(grant))
}

fn refused(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response()
}

async fn grant(Shared(app): Shared<App>, Form(asked): Form<Asked>) -> Response {
    if asked.grant_type != GRANT {
        return refused("unsupported_grant_type");
    }
    match granted(&app, &asked) {
        Some((token, grant)) => {
            app.state.put_app_token(&token, grant);
            Json(json!({"access_token": token, "expires_in": LIFETIME.as_secs(), "token_type": "Bearer"}))
                .into_response()
        }
        None => refused("invalid_grant"),
    }
}

fn granted(app: &App, asked: &Asked) -> Option<(String, AppToken)> {
    let client = token::issuer(&asked.assertion)?.strip_prefix(CLIENT)?.to_owned();
    let installed = app.connect.installed().into_iter().find(|one| one.oauth_client == client && one.enabled)?;
    let claims: Claims =
        installed.secrets.iter().find_map(|secret| token::verified::<Claims>(&asked.assertion, secret))?;
    let now = app.state.now();
    let lives = claims.iat <= now.as_second() && claims.exp > now.as_second() && claims.exp - claims.iat <= 60;
    let fits = claims.iss.starts_with(CLIENT) && claims.aud == AUDIENCE && claims.tnt == app.state.site_url();
    let may = installed.descriptor.scopes.iter().any(|scope| scope == "ACT_AS_USER");
    let person = claims.sub.strip_prefix(PERSON)?;
    let licensed =
        app.state.read().account(person).is_some_and(|a| a.active && a.account_type == AccountType::Atlassian);
    if !(lives && fits && may && licensed) {
        return None;
    }
    let granted = installed.descriptor.granted();
    let asked_for: Vec<&str> = asked.scope.split(' ').filter(|scope| !scope.is_empty()).collect();
    let scopes = granted.into_iter().filter(|scope| asked_for.is_empty() || asked_for.contains(&scope.as_str()));
    let token = format!("{}{}", app.state.random_uuid().simple(), app.state.random_uuid().simple());
    let grant = AppToken {
        app_id: installed.descriptor.key.clone(),
        account_id: person.to_owned(),
        on_behalf: true,
        scopes: scopes.collect(),
        expires_at: now.checked_add(LIFETIME).ok()?,
        at_site: true,
    };
    Some((token, grant))
}
