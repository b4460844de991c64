//! `POST /sandbox/token`: an invocation token as a real page would be given it, for scripts.
//!
//! It exists only on a sandbox. It gives nothing that signing in as that person and opening that page
//! would not give.

use axum::{
    Json,
    body::Bytes,
    extract::State as Shared,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;

use super::{OpenError, Place, token::Origin};
use crate::{App, pages::people};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenRequest {
    user: String,
    module: String,
    issue: Option<String>,
    project: Option<String>,
    portal: Option<String>,
    page: Option<String>,
    #[serde(default)]
    headers: bool,
}

pub(super) async fn token(Shared(app): Shared<App>, body: Bytes) -> Response {
    let request: TokenRequest = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(why) => return refusal(StatusCode::UNPROCESSABLE_ENTITY, &why.to_string()),
    };
    let host = &app.forge;
    let Some(account_id) = people::find(&app.state.read(), &request.user) else {
        return refusal(
            StatusCode::NOT_FOUND,
            &format!(
                "nobody here is “{}”: give an account id, an e-mail address, or admin, agent or customer",
                request.user
            ),
        );
    };
    let Some((installation, module)) = host.find_module(&request.module) else {
        let installed = host.installed();
        let keys: Vec<&str> =
            installed.iter().flat_map(|one| &one.manifest.ui).map(|module| module.key.as_str()).collect();
        return refusal(
            StatusCode::NOT_FOUND,
            &format!("no installed app has a module “{}”; there are: {}", request.module, keys.join(", ")),
        );
    };
    let place = Place { issue: request.issue, project: request.project, portal: request.portal, page: request.page };
    let context = match host.open(&installation, &module, &account_id, &place) {
        Ok(context) => context,
        Err(error) => {
            let status = match error {
                OpenError::Refused(_) => StatusCode::FORBIDDEN,
                OpenError::IssueMissing | OpenError::ProjectMissing => StatusCode::UNPROCESSABLE_ENTITY,
                _ => StatusCode::NOT_FOUND,
            };
            return refusal(status, &error.to_string());
        }
    };
    let endpoint = module.endpoint.as_deref().and_then(|key| installation.manifest.endpoint(key));
    let origin = Origin::Page { module: &module, account_id: &account_id, context };
    let made = host
        .invocation_token(&installation, &origin)
        .and_then(|token| Ok((token, host.oauth_headers(&installation, endpoint, Some(&account_id))?)));
    match made {
        Ok((token, oauth)) if request.headers => {
            let mut headers = serde_json::Map::new();
            for (name, value) in [("x-forge-oauth-system", oauth.system), ("x-forge-oauth-user", oauth.user)] {
                if let Some(value) = value {
                    headers.insert(name.to_owned(), value.into());
                }
            }
            Json(json!({"token": token, "headers": headers})).into_response()
        }
        Ok((token, _)) => Json(json!({"token": token})).into_response(),
        Err(why) => refusal(StatusCode::INTERNAL_SERVER_ERROR, &why),
    }
}

fn refusal(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"error": message}))).into_response()
}
