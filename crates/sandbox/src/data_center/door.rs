//! The door of a Data Center: who calls, what there is in this version, how much somebody may ask; and the turning of
//! what goes in and out.
//!
//! A wrong personal access token is no error: whoever brings it is nobody, and only the header `X-AUSERNAME` of the
//! answer says so. Passwords are refused, as where an administrator switched Basic authentication off.

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};

use super::{
    operations::{self, Kind, Operation, Scope},
    person::Api,
    turn::{self, Out},
};
use crate::{
    App,
    auth::{self, Caller, Means},
    gateway::{self, Befallen},
    line::Cut,
    rest::{MAX_BODY, error::ApiError, permission, version_two},
    state::Store,
};

/// Marks a request that passed the door.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AtDoor;

const SECOND: &str = "/rest/api/2/";
const LATEST: &str = "/rest/api/latest/";
const THIRD: &str = "/rest/api/3/";
/// What only Cloud has outside `/rest`.
const CLOUDS: [&str; 16] = [
    "/ex/jira",
    "/graphql",
    "/authorize",
    "/oauth/",
    "/oauth2/",
    "/connect/",
    "/sandbox/approvals",
    "/sandbox/connect",
    "/sandbox/scoped-token",
    "/sandbox/token",
    "/plugins/servlet/ac/",
    "/app/report-accounts",
    "/_edge/",
    "/forge/",
    "/jira/apps",
    "/jira/settings/apps",
];
/// Pages whose callers are known by more than a cookie.
const SECURE: &str = "/secure/attachment/";
/// Where a person's picture is.
const AVATAR: &str = "/secure/useravatar";

/// A caller, and what their token for a client is good for.
pub(super) struct Known {
    caller: Caller,
    scope: Scope,
}

pub(super) async fn door(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if CLOUDS.iter().any(|prefix| path.starts_with(prefix)) {
        return not_there(&path);
    }
    let line = request.extensions().get::<ConnectInfo<Cut>>().map(|ConnectInfo(line)| line.clone());
    let afterwards = match gateway::misfortune(&app, request.method().clone(), path.clone(), line).await {
        Befallen::Instead(answer) => return misfortune(answer),
        Befallen::Afterwards(what) => Some(what),
        Befallen::Nothing => None,
    };
    let answer = served(app, request, &path, next).await;
    match afterwards {
        Some(what) => what.befalls(answer),
        None => answer,
    }
}

async fn served(app: App, mut request: Request, path: &str, next: Next) -> Response {
    if path == AVATAR {
        return match picture(&app, request.uri()) {
            Some(uri) => {
                *request.uri_mut() = uri;
                next.run(request).await
            }
            None => StatusCode::NOT_FOUND.into_response(),
        };
    }
    if path.starts_with("/rest/") || path.starts_with(SECURE) {
        return Box::pin(called(app, request, next)).await;
    }
    next.run(request).await
}

/// What befell a request, as this site says it: of a limit, no more than when to come again.
fn misfortune(answer: Response) -> Response {
    if answer.status() != StatusCode::TOO_MANY_REQUESTS {
        return answer;
    }
    let wait = answer.headers().get(header::RETRY_AFTER).cloned();
    let mut told = (StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded.").into_response();
    if let Some(wait) = wait {
        told.headers_mut().insert(header::RETRY_AFTER, wait);
    }
    told.headers_mut().insert(HeaderName::from_static(gateway::FAULT), HeaderValue::from_static("1"));
    told
}

fn not_there(path: &str) -> Response {
    ApiError::no_resource(path).into_response()
}

/// The site's address of a picture.
fn picture(app: &App, uri: &Uri) -> Option<Uri> {
    let asked: Vec<(String, String)> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let key = asked.iter().find(|(name, _)| name == "ownerId").map(|(_, key)| key)?;
    let store = app.state.read();
    format!("/avatars/user/{}", store.by_user_key(key)?.account_id).parse().ok()
}

async fn called(app: App, mut request: Request, next: Next) -> Response {
    let known = match identify(&app, request.headers()) {
        Ok(known) => known,
        Err(refusal) => return refusal,
    };
    let name = username(&app.state.read(), &known.caller);
    if let Err(refused) = app.server_limits.admit(&app, known.caller.account_id.as_deref()) {
        return signed(refused, &name);
    }
    request.extensions_mut().insert(known.caller.clone());
    request.extensions_mut().insert(AtDoor);
    let answer = match operation(&app, &mut request, &known) {
        Err(refusal) => refusal,
        Ok(None) => next.run(request).await,
        Ok(Some(found)) => turned(&app, request, next, found, &known.caller).await,
    };
    signed(app.server_limits.settle(&app, known.caller.account_id.as_deref(), answer), &name)
}

/// The name that the answer says it was given to.
fn username(store: &Store, caller: &Caller) -> String {
    store.account(caller.account()).map_or_else(|| "anonymous".to_owned(), |account| account.username.clone())
}

fn signed(mut answer: Response, name: &str) -> Response {
    // A name that is no header value is written as browsers write addresses.
    let plain = HeaderValue::from_str(name).ok().filter(|_| name.is_ascii());
    let written = plain.or_else(|| {
        let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        HeaderValue::from_str(&encoded).ok()
    });
    if let Some(value) = written {
        answer.headers_mut().insert("x-ausername", value);
    }
    answer
}

#[expect(clippy::result_large_err, reason = "the refusal is the finished answer, made once")]
fn identify(app: &App, headers: &HeaderMap) -> Result<Known, Response> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (scheme, secret) = given.split_once(' ').unwrap_or((given, ""));
    if scheme.eq_ignore_ascii_case("basic") {
        let told = "Basic Authentication has been disabled on this instance.";
        return Err(
            (StatusCode::FORBIDDEN, [("x-authentication-denied-reason", "BASIC_AUTH_DISABLED")], told).into_response()
        );
    }
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(bearer(app, secret.trim()));
    }
    let caller = auth::session(&app.state, headers).unwrap_or_else(Caller::anonymous);
    Ok(Known { caller, scope: Scope::Admin })
}

fn bearer(app: &App, secret: &str) -> Known {
    let now = app.state.now();
    let store = app.state.read();
    let of = |account_id: &str| Caller { account_id: Some(account_id.to_owned()), means: Means::ApiToken };
    if let Some(account) = store.token_account(secret, now) {
        return Known { caller: of(&account.account_id), scope: Scope::Admin };
    }
    let grant = store.app_tokens.get(secret).filter(|grant| grant.expires_at > now);
    let active = |id: &str| store.account(id).is_some_and(|account| account.active);
    match grant.filter(|grant| active(&grant.account_id)) {
        Some(grant) => {
            let scope = grant.scopes.iter().filter_map(|name| Scope::named(name)).max().unwrap_or(Scope::None);
            Known { caller: of(&grant.account_id), scope }
        }
        None => Known { caller: Caller::anonymous(), scope: Scope::Admin },
    }
}

/// The operation, if this is one of the site's handlers'; none if it is answered in this room.
#[expect(clippy::result_large_err, reason = "the refusal is the finished answer, made once")]
fn operation(app: &App, request: &mut Request, known: &Known) -> Result<Option<Operation>, Response> {
    let path = request.uri().path().to_owned();
    if path.starts_with(SECURE) {
        return Ok(None);
    }
    let asked = request.uri().path_and_query().map(|asked| asked.as_str().to_owned()).unwrap_or_default();
    let asked = match asked.strip_prefix(LATEST) {
        Some(rest) => format!("{SECOND}{rest}"),
        None => asked,
    };
    let (path, query) = asked.split_once('?').map_or((asked.as_str(), None), |(path, query)| (path, Some(query)));
    let version = app.config.deployment.data_center().map(|server| server.version).unwrap_or_default();
    let found = operations::find(version, request.method().as_str(), path).map_err(|other_methods| {
        let status = if other_methods { StatusCode::METHOD_NOT_ALLOWED } else { StatusCode::NOT_FOUND };
        if other_methods { status.into_response() } else { not_there(path) }
    })?;
    if found.scope > known.scope {
        let told =
            json!({"errorMessages": ["The access token does not have the scope that this needs."], "errors": {}});
        return Err((StatusCode::FORBIDDEN, axum::Json(told)).into_response());
    }
    if found.kind == Kind::Experimental && !opted_in(request.headers()) {
        return Err(ApiError::experimental().into_response());
    }
    let query =
        queried(found.pattern, query, &app.state.read()).map_err(axum::response::IntoResponse::into_response)?;
    let path = match path.strip_prefix(SECOND) {
        Some(rest) if found.kind != Kind::Own => format!("{THIRD}{rest}"),
        _ => path.to_owned(),
    };
    let written = if query.is_empty() { path } else { format!("{path}?{query}") };
    if let Ok(uri) = written.parse::<Uri>() {
        *request.uri_mut() = uri;
    }
    Ok((found.kind != Kind::Own).then_some(found))
}

fn opted_in(headers: &HeaderMap) -> bool {
    let value = headers.get("x-experimentalapi").and_then(|value| value.to_str().ok()).unwrap_or_default();
    matches!(value, "opt-in" | "true")
}

/// The query as the site's handlers read it.
fn queried(pattern: &str, query: Option<&str>, store: &Store) -> Result<String, ApiError> {
    let query = query.unwrap_or_default();
    let pairs = || url::form_urlencoded::parse(query.as_bytes());
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    match pattern {
        // All are told, always: which ones cannot be asked.
        "/rest/api/2/mypermissions" => {
            out.extend_pairs(pairs().filter(|(name, _)| name != "permissions"));
            out.append_pair("permissions", &permission::every_key());
        }
        _ if pattern.starts_with("/rest/api/2/user/properties") => {
            let found = pairs().find_map(|(name, value)| match &*name {
                "username" => store.by_username(&value),
                "userKey" => store.by_user_key(&value),
                _ => None,
            });
            let account = found.ok_or_else(|| ApiError::not_found("The user does not exist."))?;
            out.append_pair("accountId", &account.account_id);
        }
        "/rest/servicedeskapi/organization" | "/rest/api/2/group/member" => {
            out.extend_pairs(pairs().filter(|(name, _)| name != "accountId" && name != "groupId"));
        }
        _ => return Ok(query.to_owned()),
    }
    Ok(out.finish())
}

async fn turned(app: &App, mut request: Request, next: Next, found: Operation, caller: &Caller) -> Response {
    // Values of entity properties look like anything.
    let opaque = found.pattern.contains("/properties") || found.pattern.contains("/property");
    let desk = found.pattern.starts_with("/rest/servicedeskapi/");
    if !opaque && version_two::is_json(request.headers()) {
        let method = request.method().clone();
        request = match sent(app, request, &method, found).await {
            Ok(request) => request,
            Err(refusal) => return refusal.into_response(),
        };
    }
    let answer = next.run(request).await;
    if !version_two::is_json(answer.headers())
        || (opaque && answer.status().is_success() && !found.pattern.ends_with('s'))
    {
        return answer;
    }
    let api = if desk { Api::Desk } else { Api::Platform };
    out(app, answer, caller, api).await
}

async fn sent(app: &App, request: Request, method: &Method, found: Operation) -> Result<Request, ApiError> {
    let (mut parts, body) = request.into_parts();
    let bytes = to_bytes(body, MAX_BODY).await.map_err(|_| ApiError::too_large("The request body is too large."))?;
    let turned = match serde_json::from_slice::<Value>(&bytes) {
        Ok(mut value) => {
            turn::sent(&mut value, method.as_str(), found.pattern, &app.state.read())?;
            if found.pattern.starts_with(SECOND) {
                version_two::documents(&mut value, parts.uri.path(), &version_two::written(app))?;
            }
            Bytes::from(value.to_string())
        }
        // What is no JSON is refused where all such is.
        Err(_) => bytes,
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Request::from_parts(parts, Body::from(turned)))
}

/// Turns an answer.
pub(super) async fn out(app: &App, answer: Response, caller: &Caller, api: Api) -> Response {
    let (mut parts, body) = answer.into_parts();
    let Ok(bytes) = to_bytes(body, version_two::MAX_ANSWER).await else {
        return ApiError::gateway(500).into_response();
    };
    let turned = match serde_json::from_slice::<Value>(&bytes) {
        Ok(mut value) => {
            if parts.status == StatusCode::UNAUTHORIZED && api == Api::Platform {
                value = nobody();
            }
            let store = app.state.read();
            let site = app.state.site_url();
            Out { store: &store, site, addresses: !caller.is_anonymous(), api }.turn(&mut value);
            Bytes::from(value.to_string())
        }
        Err(_) => bytes,
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(turned))
}

/// What nobody is told who must be somebody.
pub(super) fn nobody() -> Value {
    json!({"message": "Client must be authenticated to access this resource.", "status-code": 401})
}
