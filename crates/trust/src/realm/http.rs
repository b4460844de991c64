//! The two doors: what Forge calls, and what other regions say.

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{DefaultBodyLimit, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use host::{MoveCode, MoveHook, Named};
use kernel::{Cx, Fault, Kind, Result};
use serde_json::json;
use store::blobs::OBJECT_BYTES;
use vault::Said;
use web::{Problem, door_cx, forge_headers};

use super::Realm;
use super::hooks::Refused;
use super::peer::PATH;
use super::said::{HEAD_BYTES, unframed};

/// A hook says less than a hundred bytes.
const HOOK_BYTES: usize = 16 * 1024;
/// The longest that another region says: a whole object, or a page of rows; and what sealing adds.
const SAID_BYTES: usize = OBJECT_BYTES + HEAD_BYTES + 1024;

#[derive(Clone)]
struct Doors {
    realm: Realm,
    shared: web::Shared,
}

/// What Forge calls; and, of bodies of any size once its headers are proven, what other regions say.
pub(super) fn routes(realm: &Realm, shared: &web::Shared) -> (Router, Router) {
    let doors = Doors { realm: realm.clone(), shared: shared.clone() };
    let hooks = Router::new()
        .route("/forge/migration/schedule", post(schedule))
        .route("/forge/migration/start", post(start))
        .route("/forge/migration/status", get(status))
        .route("/forge/migration/commit", post(commit))
        .route("/forge/migration/rollback", post(rollback))
        .layer(DefaultBodyLimit::max(HOOK_BYTES))
        .with_state(doors.clone());
    let regions = Router::new().route(PATH, post(said)).layer(DefaultBodyLimit::disable()).with_state(doors);
    (hooks, regions)
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Coded(code, why) => {
                let body = json!({"errorResponseCode": code.code(), "detail": why});
                (StatusCode::UNPROCESSABLE_ENTITY, axum::Json(body)).into_response()
            }
            // Asking again does not mend it, and each wrong field is named.
            Self::Fault(fault) if fault.kind() == Kind::Invalid => {
                let fields = fault.fields().iter();
                let fields: Vec<_> = fields
                    .map(|field| json!({"pointer": field.pointer, "detail": field.detail, "limit": field.limit}))
                    .collect();
                let body =
                    json!({"errorResponseCode": MoveCode::Failed.code(), "detail": fault.text(), "fields": fields});
                (StatusCode::BAD_REQUEST, axum::Json(body)).into_response()
            }
            Self::Fault(fault) => Problem(fault).into_response(),
        }
    }
}

type Heard = std::result::Result<StatusCode, Refused>;

/// Proves that Forge calls, and uses its token up.
async fn proven(doors: &Doors, headers: &HeaderMap) -> Result<(Cx, MoveHook)> {
    let inbound = &doors.shared.host.inbound;
    let hook = inbound.verify_move(&forge_headers(headers)).await?;
    let cx = door_cx(&doors.shared, hook.tenant, "forge");
    inbound.settle_move(&cx, &hook).await?;
    Ok((cx, hook))
}

async fn schedule(State(doors): State<Doors>, headers: HeaderMap, body: Bytes) -> Heard {
    let (cx, hook) = proven(&doors, &headers).await?;
    doors.realm.schedule(&cx, &hook, &Named::read(&body, true)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn start(State(doors): State<Doors>, headers: HeaderMap, body: Bytes) -> Heard {
    let (cx, hook) = proven(&doors, &headers).await?;
    doors.realm.start(&cx, &hook, &Named::read(&body, true)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn status(
    State(doors): State<Doors>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> std::result::Result<Response, Refused> {
    let (cx, _) = proven(&doors, &headers).await?;
    let status = doors.realm.status(&cx, Named::of_query(query.as_deref()).as_deref()).await?;
    let mut body = json!({"status": status.status});
    if let (Some(code), Some(body)) = (status.code, body.as_object_mut()) {
        body.insert("errorResponseCode".to_owned(), json!(code.code()));
    }
    Ok(axum::Json(body).into_response())
}

async fn commit(State(doors): State<Doors>, headers: HeaderMap, body: Bytes) -> Heard {
    let (cx, _) = proven(&doors, &headers).await?;
    doors.realm.hear_commit(&cx, &Named::read(&body, false)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn rollback(State(doors): State<Doors>, headers: HeaderMap, body: Bytes) -> Heard {
    let (cx, _) = proven(&doors, &headers).await?;
    doors.realm.hear_rollback(&cx, &Named::read(&body, false)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What another region says. Nothing of a body is read before its headers are proven.
async fn said(State(doors): State<Doors>, request: Request) -> std::result::Result<Response, Problem> {
    let (parts, body): (_, Body) = request.into_parts();
    let heard = doors.realm.gate(&parts.headers, doors.shared.clock.now())?;
    let body = to_bytes(body, SAID_BYTES).await.map_err(|_| Fault::not_found())?;
    let plain = heard.line.open(Said::Ask, &[&heard.gate], &body)?;
    let (ask, behind) = unframed(&plain)?;
    let cx_of = |tenant| door_cx(&doors.shared, tenant, "realm");
    let answer = doors.realm.receive(cx_of, &heard, ask, behind).await?;
    let answer = serde_json::to_vec(&answer).map_err(|error| Fault::broken("realm_said", error))?;
    let sealed = heard.line.seal(Said::Answer, &[&heard.gate], &answer)?;
    let mut response = sealed.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    Ok(response)
}
