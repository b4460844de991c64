//! Requests: raise, list, read; participants, statuses and transitions.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    DeskBody, comment,
    customer::{AccountIds, known},
    page, request_type, signed_in,
};
use crate::{
    App,
    access::Access,
    auth::Caller,
    rest::{Shape, error::ApiError, issue_fields, request::Params},
    state::{
        FieldValue, Issue, NewIssue,
        model::{AccountId, StatusCategory},
    },
};

pub(super) fn routes() -> Router<App> {
    const ONE: &str = "/rest/servicedeskapi/request/{issueIdOrKey}";
    Router::new()
        .route("/rest/servicedeskapi/request", get(list).post(create))
        .route(ONE, get(one))
        .route(&format!("{ONE}/participant"), get(participants).post(join).delete(leave))
        .route(&format!("{ONE}/status"), get(statuses))
        .route(&format!("{ONE}/transition"), get(transitions).post(take))
}

/// The request that the caller may see.
pub(super) fn visible(shape: &Shape<'_>, key: &str) -> Result<Arc<Issue>, ApiError> {
    signed_in(shape.caller)?;
    shape.store.issue(key).filter(|i| shape.access.see_request(i)).cloned().ok_or_else(|| {
        ApiError::desk_not_found(
            "The request you are trying to view does not exist or you do not have permission to view it.",
            "sd.request.error.not.exist",
        )
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct NewRequest {
    service_desk_id: Value,
    request_type_id: Value,
    #[serde(default)]
    request_field_values: Map<String, Value>,
    #[serde(default)]
    request_participants: Vec<AccountId>,
    raise_on_behalf_of: Option<AccountId>,
    #[serde(default)]
    is_adf_request: bool,
    #[serde(default)]
    channel: Option<String>,
    #[serde(default, rename = "form")]
    _form: Value,
}

fn id_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

async fn create(
    State(app): State<App>,
    caller: Caller,
    DeskBody(body): DeskBody<NewRequest>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    signed_in(&caller)?;
    let new = new_issue(&app, &caller, body)?;
    let issue = app.state.create_issue(&caller.actor(), new).map_err(|e| ApiError::from(e).into_desk())?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    Ok((StatusCode::CREATED, Json(shape.request(&issue, &[]))))
}

fn new_issue(app: &App, caller: &Caller, body: NewRequest) -> Result<NewIssue, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, caller);
    // Unlike where one is read, Jira calls a request type that is none a bad request.
    let kind =
        request_type::visible(&shape, &id_of(&body.service_desk_id), &id_of(&body.request_type_id)).map_err(|_| {
            ApiError::desk_bad("The service desk or request type does not exist.", "sd.request.create.error.not.found")
        })?;
    let desk = store.service_desks.get(&kind.service_desk_id).ok_or_else(ApiError::no_issue)?;
    let project = store.projects.get(&desk.project_id).ok_or_else(ApiError::no_issue)?;
    let agent = shape.access.agent(desk);
    let reporter = match body.raise_on_behalf_of {
        Some(_) if !agent => return Err(ApiError::desk_forbidden()),
        Some(id) => {
            known(&store, std::slice::from_ref(&id))?;
            if !store.is_desk_customer(desk, &id) && !worker(&shape, desk, &id) {
                return Err(ApiError::desk_bad(
                    "The user you want to raise the request on behalf of is not a customer of the service desk.",
                    "sd.request.create.error.not.customer",
                ));
            }
            id
        }
        None => caller.account().to_owned(),
    };
    if !body.request_participants.is_empty() {
        known(&store, &body.request_participants)?;
    }
    let bad = |why: String| ApiError::desk_bad(why, "sd.validation.error.invalid.field");
    for field in kind.fields.iter().filter(|f| f.required) {
        let given = body.request_field_values.get(&field.field_id);
        if given.is_none_or(|v| v.is_null() || v.as_str().is_some_and(|t| t.trim().is_empty())) {
            return Err(bad(format!("The field '{}' is required.", field.field_id)));
        }
    }
    if let Some(unknown) = body.request_field_values.keys().find(|id| !kind.fields.iter().any(|f| f.field_id == **id)) {
        return Err(bad(format!(
            "Your request could not be created. The field '{unknown}' is not on the request type."
        )));
    }
    let summary = issue_fields::summary(body.request_field_values.get("summary")).map_err(bad)?;
    let mut values = body.request_field_values;
    values.shift_remove("summary");
    if let (false, Some(Value::String(text))) = (body.is_adf_request, values.get("description")) {
        let document = issue_fields::wiki_text(text).map_err(|why| bad(format!("description: {why}")))?;
        values.insert("description".to_owned(), document);
    }
    let mut fields = issue_fields::read(&values, &shape, project, false).map_err(ApiError::into_desk)?;
    let mut organizations: Vec<String> = store
        .organizations_of(&reporter)
        .filter(|o| desk.organizations.contains(&o.id))
        .map(|o| o.id.clone())
        .collect();
    // A request is shared by itself only when there is no choice between organizations.
    if organizations.len() > 1 {
        organizations.clear();
    }
    fields.extend([
        FieldValue::Reporter(Some(reporter)),
        FieldValue::Participants(body.request_participants),
        FieldValue::Organizations(organizations),
        FieldValue::RequestType(Some(kind.id.clone())),
    ]);
    Ok(NewIssue {
        project_id: project.id.clone(),
        issue_type_id: kind.issue_type_id.clone(),
        summary,
        channel: body.channel.unwrap_or_else(|| "api".to_owned()),
        fields,
        properties: BTreeMap::new(),
    })
}

fn worker(shape: &Shape<'_>, desk: &crate::state::model::ServiceDesk, id: &str) -> bool {
    Access::new(shape.store, &Caller::person(id)).agent(desk)
}

async fn list(State(app): State<App>, caller: Caller, params: Params) -> Result<Json<Value>, ApiError> {
    signed_in(&caller)?;
    let bounds = page::bounds(&params)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let wanted = params.list("requestOwnership");
    let owns = |kind: &str| {
        wanted.is_empty() && kind != "ORGANIZATION"
            || wanted.iter().any(|w| w == kind || w == "ALL_REQUESTS")
            || (kind == "ORGANIZATION" && wanted.iter().any(|w| w == "ALL_ORGANIZATIONS"))
    };
    let me = caller.account();
    let mine: Vec<&str> = store.organizations_of(me).map(|o| o.id.as_str()).collect();
    let chosen = params.get("organizationId");
    let approves = wanted.iter().any(|w| w == "APPROVER");
    let asked = |id: u64| {
        store.approvals.values().filter(|one| one.issue_id == id && one.asks(me)).any(|one| {
            match params.get("approvalStatus") {
                Some("MY_PENDING_APPROVAL") => one.awaits(me),
                Some("MY_HISTORY_APPROVAL") => !one.awaits(me),
                _ => true,
            }
        })
    };
    let term = params.get("searchTerm").unwrap_or_default().to_lowercase();
    let mut found: Vec<&Arc<Issue>> = store
        .issues
        .values()
        .filter(|i| i.request_type_id.is_some())
        .filter(|i| {
            (owns("OWNED_REQUESTS") && i.reporter.as_deref() == Some(me))
                || (owns("PARTICIPATED_REQUESTS") && i.participants.iter().any(|p| p == me))
                || (approves && asked(i.id))
                || (owns("ORGANIZATION")
                    && i.organizations.iter().any(|o| mine.contains(&o.as_str()) && chosen.is_none_or(|c| c == o)))
        })
        .filter(|i| {
            let done = store.statuses.get(&i.status_id).is_some_and(|s| s.category == StatusCategory::Done);
            match params.get("requestStatus") {
                Some("OPEN_REQUESTS") => !done,
                Some("CLOSED_REQUESTS") => done,
                _ => true,
            }
        })
        .filter(|i| {
            params.get("serviceDeskId").is_none_or(|id| store.desk_of(&i.project_id).is_some_and(|d| d.id == id))
        })
        .filter(|i| params.get("requestTypeId").is_none_or(|id| i.request_type_id.as_deref() == Some(id)))
        .filter(|i| term.is_empty() || i.summary.to_lowercase().contains(&term))
        .collect();
    found.sort_by_key(|i| std::cmp::Reverse(i.updated_at));
    let expand = params.list("expand");
    Ok(Json(page::page(app.state.site_url(), "request", &found, bounds, |i| shape.request(i, &expand))))
}

async fn one(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let issue = visible(&shape, &key)?;
    Ok(Json(shape.request(&issue, &params.list("expand"))))
}

fn participants_page(app: &App, caller: &Caller, issue: &Issue, bounds: (usize, usize)) -> Json<Value> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, caller);
    let path = format!("request/{}/participant", issue.id);
    Json(page::page(app.state.site_url(), &path, &issue.participants, bounds, |id| shape.desk_user(id)))
}

async fn participants(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let bounds = page::bounds(&params)?;
    let issue = visible(&Shape::new(&app.state.read(), &app.state, &caller), &key)?;
    Ok(participants_page(&app, &caller, &issue, bounds))
}

fn change_participants(
    app: &App,
    caller: &Caller,
    key: &str,
    ids: &[AccountId],
    change: impl FnOnce(&mut Vec<AccountId>),
) -> Result<Json<Value>, ApiError> {
    let (id, mut list) = {
        let store = app.state.read();
        let shape = Shape::new(&store, &app.state, caller);
        let issue = visible(&shape, key)?;
        known(&store, ids)?;
        (issue.id, issue.participants.clone())
    };
    change(&mut list);
    let issue = app
        .state
        .edit_issue(&caller.actor(), id, vec![FieldValue::Participants(list)])
        .map_err(|e| ApiError::from(e).into_desk())?;
    Ok(participants_page(app, caller, &issue, (0, 50)))
}

async fn join(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    DeskBody(body): DeskBody<AccountIds>,
) -> Result<Json<Value>, ApiError> {
    let ids = body.account_ids;
    change_participants(&app, &caller, &key, &ids, |list| {
        list.extend(ids.iter().filter(|id| !list.contains(id)).cloned().collect::<Vec<_>>());
    })
}

async fn leave(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    DeskBody(body): DeskBody<AccountIds>,
) -> Result<Json<Value>, ApiError> {
    let ids = body.account_ids;
    change_participants(&app, &caller, &key, &ids, |list| list.retain(|id| !ids.contains(id)))
}

async fn statuses(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let bounds = page::bounds(&params)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let issue = visible(&shape, &key)?;
    let all = shape.request_statuses(&issue);
    let path = format!("request/{}/status", issue.id);
    Ok(Json(page::page(app.state.site_url(), &path, &all, bounds, Clone::clone)))
}

/// The transitions that the caller may take: agents all, customers those of the portal.
fn available(shape: &Shape<'_>, issue: &Issue) -> Vec<(String, String)> {
    let agent = shape.access.work_on(issue);
    shape
        .store
        .transitions_of(issue)
        .into_iter()
        .filter(|t| agent || t.customer)
        .map(|t| (t.id.clone(), t.name.clone()))
        .collect()
}

async fn transitions(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let bounds = page::bounds(&params)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let issue = visible(&shape, &key)?;
    let path = format!("request/{}/transition", issue.id);
    let all = available(&shape, &issue);
    Ok(Json(page::page(app.state.site_url(), &path, &all, bounds, |(id, name)| json!({"id": id, "name": name}))))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Taken {
    id: Value,
    additional_comment: Option<comment::Additional>,
}

async fn take(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    DeskBody(body): DeskBody<Taken>,
) -> Result<StatusCode, ApiError> {
    let id = id_of(&body.id);
    let (issue, said) = {
        let store = app.state.read();
        let shape = Shape::new(&store, &app.state, &caller);
        let issue = visible(&shape, &key)?;
        if !available(&shape, &issue).iter().any(|(t, _)| *t == id) {
            return Err(ApiError::desk_bad(
                format!("The transition with id {id} is not available for this request."),
                "sd.request.transition.error.not.available",
            ));
        }
        let said = match body.additional_comment {
            Some(added) => Some(comment::text(added.body.as_deref())?),
            None => None,
        };
        (issue.id, said)
    };
    let actor = caller.actor();
    let desk = |e| ApiError::from(e).into_desk();
    app.state.transition_issue(&actor, issue, &id, Vec::new()).map_err(desk)?;
    if let Some(text) = said {
        app.state.add_comment(&actor, issue, text, true, None, BTreeMap::new()).map_err(desk)?;
    }
    Ok(StatusCode::NO_CONTENT)
}
