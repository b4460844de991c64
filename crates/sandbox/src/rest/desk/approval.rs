//! Approvals: list, read, answer; and the sandbox's own door by which somebody is asked.

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{DeskBody, page, request::visible};
use crate::{
    App,
    auth::Caller,
    pages::people,
    rest::{Shape, error::ApiError, request::Params},
    state::{Approval, Decision, Issue},
};

/// What is asked unless something else is said.
const NAME: &str = "Approval";

pub(super) fn routes() -> Router<App> {
    const ALL: &str = "/rest/servicedeskapi/request/{issueIdOrKey}/approval";
    Router::new().route(ALL, get(list)).route(&format!("{ALL}/{{approvalId}}"), get(one).post(answer))
}

fn none() -> ApiError {
    ApiError::desk_not_found("The approval does not exist.", "sd.approval.error.not.found")
}

fn path(issue: &Issue) -> String {
    format!("request/{}/approval", issue.id)
}

fn written(shape: &Shape<'_>, issue: &Issue, approval: &Approval) -> Value {
    let approvers = approval.approvers.iter();
    let approvers = approvers
        .map(|(id, said)| json!({"approver": shape.desk_user(id), "approverDecision": said.key()}))
        .collect::<Vec<_>>();
    let mut made = json!({
        "id": approval.id.to_string(),
        "name": approval.name,
        "finalDecision": approval.decision().key(),
        "canAnswerApproval": approval.awaits(shape.caller.account()),
        "approvers": approvers,
        "createdDate": shape.date(approval.created_at),
        "_links": {"self": shape.desk_url(&format!("{}/{}", path(issue), approval.id))},
    });
    if let (Some(at), Some(object)) = (approval.completed_at, made.as_object_mut()) {
        object.insert("completedDate".to_owned(), shape.date(at));
    }
    made
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let bounds = page::bounds(&params)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let issue = visible(&shape, &key)?;
    let all: Vec<&Approval> = store.approvals.values().filter(|one| one.issue_id == issue.id).collect();
    Ok(Json(page::page(app.state.site_url(), &path(&issue), &all, bounds, |one| written(&shape, &issue, one))))
}

fn shown(app: &App, caller: &Caller, key: &str, id: &str) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, caller);
    let issue = visible(&shape, key)?;
    let found = id.parse::<u64>().ok().and_then(|id| store.approvals.get(&id));
    let approval = found.filter(|one| one.issue_id == issue.id).ok_or_else(none)?;
    Ok(Json(written(&shape, &issue, approval)))
}

async fn one(
    State(app): State<App>,
    caller: Caller,
    Path((key, id)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    shown(&app, &caller, &key, &id)
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Said {
    Approve,
    Decline,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    decision: Said,
}

async fn answer(
    State(app): State<App>,
    caller: Caller,
    Path((key, id)): Path<(String, String)>,
    DeskBody(body): DeskBody<Answer>,
) -> Result<Json<Value>, ApiError> {
    let issue = visible(&Shape::new(&app.state.read(), &app.state, &caller), &key)?;
    decide(&app, &caller, &issue, &id, &body.decision)?;
    shown(&app, &caller, &key, &id)
}

fn decide(app: &App, caller: &Caller, issue: &Issue, id: &str, said: &Said) -> Result<(), ApiError> {
    let now = app.state.now();
    let me = caller.account();
    let id = id.parse::<u64>().map_err(|_| none())?;
    let mut store = app.state.write();
    let approval = store.approvals.get_mut(&id).filter(|one| one.issue_id == issue.id).ok_or_else(none)?;
    if !approval.asks(me) {
        return Err(ApiError::desk_forbidden());
    }
    if !approval.awaits(me) {
        let words = "The approval has been answered already.";
        return Err(ApiError::desk(StatusCode::CONFLICT, words, "sd.approval.error.already.answered"));
    }
    let decision = match said {
        Said::Approve => Decision::Approved,
        Said::Decline => Decision::Declined,
    };
    for (_, theirs) in approval.approvers.iter_mut().filter(|(who, _)| who == me) {
        *theirs = decision;
    }
    if approval.decision() != Decision::Pending {
        approval.completed_at = Some(now);
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    issue: String,
    name: Option<String>,
    approvers: Vec<String>,
    /// How many must say yes; all, unless said.
    needed: Option<usize>,
}

/// `POST /sandbox/approvals`: asks people, as a step of a workflow would.
pub(in crate::rest) async fn ask(State(app): State<App>, body: Bytes) -> Response {
    match asked(&app, &body) {
        Ok(made) => (StatusCode::CREATED, Json(made)).into_response(),
        Err((status, why)) => (status, Json(json!({"error": why}))).into_response(),
    }
}

fn asked(app: &App, body: &[u8]) -> Result<Value, (StatusCode, String)> {
    let wrong = |why: String| (StatusCode::UNPROCESSABLE_ENTITY, why);
    let missing = |why: String| (StatusCode::NOT_FOUND, why);
    let asked: Asked = serde_json::from_slice(body).map_err(|why| wrong(why.to_string()))?;
    let now = app.state.now();
    let mut store = app.state.write();
    let issue = store.issue(&asked.issue).filter(|issue| issue.request_type_id.is_some());
    let issue_id = issue.ok_or_else(|| missing(format!("{} is no request", asked.issue)))?.id;
    let mut approvers: Vec<(String, Decision)> = Vec::new();
    for who in &asked.approvers {
        let found = people::find(&store, who).ok_or_else(|| missing(format!("nobody here is “{who}”")))?;
        if approvers.iter().any(|(id, _)| *id == found) {
            return Err(wrong(format!("“{who}” is asked twice")));
        }
        approvers.push((found, Decision::Pending));
    }
    let needed = asked.needed.unwrap_or(approvers.len());
    if needed == 0 || needed > approvers.len() {
        return Err(wrong("needed: at least one, and no more than are asked".to_owned()));
    }
    let id = store.next_id();
    let name = asked.name.unwrap_or_else(|| NAME.to_owned());
    let approval = Approval { id, issue_id, name, created_at: now, completed_at: None, approvers, needed };
    store.approvals.insert(id, approval);
    Ok(json!({"id": id.to_string()}))
}
