//! What the pages' forms do. Each checks the page's token, then what the person may, then acts, and
//! sends back to the page.

use std::collections::{BTreeMap, HashMap};

use axum::{
    Form,
    extract::{Path, State as Shared},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use minijinja::Value as Template;

use super::{Refusal, message, not_found, portal, session::Viewer};
use crate::{
    App,
    access::Access,
    adf,
    events::Actor,
    state::{FieldValue, Issue, NewIssue, StateError},
};

/// Longest summary that Jira takes.
const SUMMARY_MAX: usize = 255;

pub(super) type Fields = HashMap<String, String>;

pub(super) fn field<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).map(|value| value.trim()).unwrap_or_default()
}

/// Whether the form came from one of our pages.
pub(super) fn genuine(app: &App, viewer: &Viewer, fields: &Fields) -> Result<(), Refusal> {
    if viewer.owns(field(fields, "_token")) {
        return Ok(());
    }
    let text = "Go back, reload the page and send it again.";
    Err(message(app, viewer, StatusCode::FORBIDDEN, "This form has expired", text).into())
}

/// The issue, if the viewer may act on it on this side of the desk.
pub(super) fn reachable(app: &App, viewer: &Viewer, key: &str, as_agent: bool) -> Result<u64, Refusal> {
    let found = {
        let store = app.state.read();
        let access = Access::new(&store, &viewer.caller);
        let may = |issue: &Issue| if as_agent { access.work_on(issue) } else { access.see_request(issue) };
        store.issue(key).filter(|issue| may(issue)).map(|issue| issue.id)
    };
    found.ok_or_else(|| not_found(app, viewer, if as_agent { "issue" } else { "request" }).into())
}

pub(super) fn refused(app: &App, viewer: &Viewer, error: StateError) -> Refusal {
    let text = match error {
        StateError::NotFound => "It is no longer there.".to_owned(),
        StateError::Conflict(why) | StateError::Invalid(why) | StateError::Full(why) => why,
    };
    message(app, viewer, StatusCode::CONFLICT, "That didn’t work", &text).into()
}

pub(super) fn back(to: &str) -> Response {
    Redirect::to(to).into_response()
}

/// Text of a comment as a document, unless it is empty or too long.
pub(super) fn written(app: &App, viewer: &Viewer, text: &str) -> Result<serde_json::Value, Refusal> {
    let length = text.chars().count();
    if length == 0 || length > adf::MAX_TEXT {
        let why = if length == 0 {
            "Write something first.".to_owned()
        } else {
            format!("A comment may have {} characters; this has {length}.", adf::MAX_TEXT)
        };
        return Err(message(app, viewer, StatusCode::UNPROCESSABLE_ENTITY, "Your comment was not added", &why).into());
    }
    Ok(adf::from_text(text))
}

pub(super) async fn comment_as_agent(
    Shared(app): Shared<App>,
    viewer: Viewer,
    Path(key): Path<String>,
    Form(fields): Form<Fields>,
) -> Response {
    let act = || -> Result<Response, Refusal> {
        genuine(&app, &viewer, &fields)?;
        let id = reachable(&app, &viewer, &key, true)?;
        let body = written(&app, &viewer, field(&fields, "text"))?;
        let public = field(&fields, "audience") != "internal";
        app.state
            .add_comment(&viewer.caller.actor(), id, body, public, None, BTreeMap::new())
            .map_err(|error| refused(&app, &viewer, error))?;
        Ok(back(&format!("/browse/{key}?done=comment#latest")))
    };
    act().unwrap_or_else(|refusal| *refusal)
}

/// A customer's reply to "Waiting for customer" puts the request back with support, as the rule that
/// every desk is born with does.
pub(super) fn answer_reopens(app: &App, actor: &Actor, id: u64) {
    let step = {
        let store = app.state.read();
        let waiting =
            |issue: &Issue| store.statuses.get(&issue.status_id).is_some_and(|s| s.name == "Waiting for customer");
        let issue = store.issues.get(&id).filter(|issue| waiting(issue));
        issue.and_then(|issue| {
            let steps = store.transitions_of(issue);
            steps.into_iter().find(|step| step.name == "Respond to support").map(|step| step.id.clone())
        })
    };
    if let Some(step) = step {
        // The comment stands even when the rule finds the request moved in the meantime.
        let _ = app.state.transition_issue(actor, id, &step, Vec::new());
    }
}

pub(super) async fn transition_as_agent(
    Shared(app): Shared<App>,
    viewer: Viewer,
    Path(key): Path<String>,
    Form(fields): Form<Fields>,
) -> Response {
    let act = || -> Result<Response, Refusal> {
        genuine(&app, &viewer, &fields)?;
        let id = reachable(&app, &viewer, &key, true)?;
        app.state
            .transition_issue(&viewer.caller.actor(), id, field(&fields, "transition"), Vec::new())
            .map_err(|error| refused(&app, &viewer, error))?;
        Ok(back(&format!("/browse/{key}?done=transition")))
    };
    act().unwrap_or_else(|refusal| *refusal)
}

pub(super) async fn transition_as_customer(
    Shared(app): Shared<App>,
    viewer: Viewer,
    Path((desk, key)): Path<(String, String)>,
    Form(fields): Form<Fields>,
) -> Response {
    let act = || -> Result<Response, Refusal> {
        genuine(&app, &viewer, &fields)?;
        let id = reachable(&app, &viewer, &key, false)?;
        let step = field(&fields, "transition");
        let offered = {
            let store = app.state.read();
            store
                .issues
                .get(&id)
                .is_some_and(|issue| store.transitions_of(issue).into_iter().any(|one| one.customer && one.id == step))
        };
        if !offered {
            let why = StateError::Invalid("This is no longer possible for this request.".to_owned());
            return Err(refused(&app, &viewer, why));
        }
        app.state
            .transition_issue(&viewer.caller.actor(), id, step, Vec::new())
            .map_err(|error| refused(&app, &viewer, error))?;
        Ok(back(&format!("/servicedesk/customer/portal/{desk}/{key}?done=transition")))
    };
    act().unwrap_or_else(|refusal| *refusal)
}

pub(super) async fn assign(
    Shared(app): Shared<App>,
    viewer: Viewer,
    Path(key): Path<String>,
    Form(fields): Form<Fields>,
) -> Response {
    let act = || -> Result<Response, Refusal> {
        genuine(&app, &viewer, &fields)?;
        let id = reachable(&app, &viewer, &key, true)?;
        let who = Some(field(&fields, "assignee")).filter(|who| !who.is_empty());
        let unknown = who.is_some_and(|who| {
            let store = app.state.read();
            !store.is_licensed(who)
        });
        if unknown {
            let why = StateError::Invalid("This person cannot be assigned issues.".to_owned());
            return Err(refused(&app, &viewer, why));
        }
        let change = FieldValue::Assignee(who.map(str::to_owned));
        app.state
            .edit_issue(&viewer.caller.actor(), id, vec![change])
            .map_err(|error| refused(&app, &viewer, error))?;
        Ok(back(&format!("/browse/{key}?done=assignee")))
    };
    act().unwrap_or_else(|refusal| *refusal)
}

pub(super) async fn create_request(
    Shared(app): Shared<App>,
    viewer: Viewer,
    Path((desk_id, type_id)): Path<(String, String)>,
    Form(fields): Form<Fields>,
) -> Response {
    if let Err(refusal) = genuine(&app, &viewer, &fields) {
        return *refusal;
    }
    let found = {
        let store = app.state.read();
        let access = Access::new(&store, &viewer.caller);
        let desk = store.service_desks.get(&desk_id).filter(|desk| access.use_portal(desk)).cloned();
        let kind = store.request_types.get(&type_id).filter(|k| k.service_desk_id == desk_id).cloned();
        let shared = field(&fields, "organization");
        let may_share = store.organizations_of(viewer.id()).any(|o| o.id == shared);
        desk.zip(kind).map(|(desk, kind)| {
            let share = may_share && desk.organizations.contains(shared);
            (desk, kind, share.then(|| shared.to_owned()))
        })
    };
    let Some((desk, kind, share)) = found else { return not_found(&app, &viewer, "form") };
    let mut faults = Vec::new();
    for asked in &kind.fields {
        let value = field(&fields, &asked.field_id);
        let length = value.chars().count();
        if asked.required && value.is_empty() {
            faults.push((asked.field_id.clone(), "This is needed.".to_owned()));
        } else if asked.field_id == "summary" && length > SUMMARY_MAX {
            faults.push((asked.field_id.clone(), format!("At most {SUMMARY_MAX} characters; this has {length}.")));
        } else if length > adf::MAX_TEXT {
            faults.push((asked.field_id.clone(), format!("At most {} characters.", adf::MAX_TEXT)));
        } else if !value.is_empty()
            && !asked.valid_values.is_empty()
            && !asked.valid_values.iter().any(|(id, _)| id == value)
        {
            faults.push((asked.field_id.clone(), "Choose one of the values.".to_owned()));
        }
    }
    if !faults.is_empty() {
        let mut response = portal::creation(
            &app,
            &viewer,
            &desk_id,
            &type_id,
            Template::from_pairs(fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
            faults,
        );
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        return response;
    }
    let mut values = vec![FieldValue::RequestType(Some(kind.id.clone()))];
    if let Some(organization) = share {
        values.push(FieldValue::Organizations(vec![organization]));
    }
    for asked in kind.fields.iter().filter(|asked| !field(&fields, &asked.field_id).is_empty()) {
        let value = field(&fields, &asked.field_id);
        match asked.field_id.as_str() {
            "summary" => {}
            "description" => values.push(FieldValue::Description(Some(adf::from_text(value)))),
            "priority" => values.push(FieldValue::Priority(Some(value.to_owned()))),
            custom => values.push(FieldValue::Custom(custom.to_owned(), value.into())),
        }
    }
    let summary = Some(field(&fields, "summary")).filter(|text| !text.is_empty()).unwrap_or(&kind.name);
    let new = NewIssue {
        project_id: desk.project_id.clone(),
        issue_type_id: kind.issue_type_id.clone(),
        summary: summary.to_owned(),
        channel: "portal".to_owned(),
        fields: values,
        properties: BTreeMap::new(),
    };
    match app.state.create_issue(&viewer.caller.actor(), new) {
        Ok(issue) => back(&format!("/servicedesk/customer/portal/{desk_id}/{}?done=created", issue.key)),
        Err(error) => *refused(&app, &viewer, error),
    }
}
