//! Requests raised for a customer, from where the customer is looked at.

use futures::FutureExt;
use host::client::{NewRequest, Power, RequestField, RequestType, RequestTypeId};
use host::markup::Document;
use kernel::{AccountId, Cx, Fault, Kind, ProjectId, Result};
use store::{changes, ledger};
use url::Url;

use crate::Room;
use crate::actions::access;
use crate::actions::adding::{desk_of, jira};
use crate::actions::asking::{Asking, Thing, asker};
use crate::actions::reach::reach;
use crate::model::{Owner, Permission};
use crate::rules::adding::{check_line, check_text};

/// What the form here can fill in.
const FILLED: [&str; 2] = ["summary", "description"];

/// A request type, and what its form asks for.
pub(crate) struct Form {
    /// Names of fields that must be filled and are not here.
    pub(crate) missing: Vec<RequestField>,
    /// Whether it has a description.
    pub(crate) described: bool,
    /// The portal's own form.
    pub(crate) portal: Option<Url>,
}

/// A request as somebody wants it.
pub(crate) struct Wanted<'a> {
    pub(crate) project: &'a ProjectId,
    pub(crate) kind: &'a RequestTypeId,
    pub(crate) customer: &'a AccountId,
    pub(crate) summary: &'a str,
    pub(crate) description: &'a str,
}

/// What may be asked for in a service project, as whoever asks sees it.
pub(crate) async fn request_types(cx: &Cx, room: &Room, project: &ProjectId) -> Result<Vec<RequestType>> {
    access::require(cx, room, Permission::Browse).await?;
    let jira = jira(cx, room);
    let desk = desk_of(&jira, "/projectId", project).await?;
    let by = jira.hand(Power::AgentIn(project)).await?;
    let mut kinds = Vec::new();
    let mut start = Some(0);
    while let Some(from) = start {
        let page = by.request_types(&desk, from).await?;
        kinds.extend(page.items);
        start = page.next;
    }
    Ok(kinds)
}

/// What a request type's form asks for.
pub(crate) async fn form(cx: &Cx, room: &Room, project: &ProjectId, kind: &RequestTypeId) -> Result<Form> {
    access::require(cx, room, Permission::Browse).await?;
    let jira = jira(cx, room);
    let desk = desk_of(&jira, "/projectId", project).await?;
    let by = jira.hand(Power::AgentIn(project)).await?;
    let fields = by.request_fields(&desk, kind).await?;
    Ok(Form {
        described: fields.iter().any(|field| field.field_id == "description"),
        missing: fields
            .into_iter()
            .filter(|field| field.required && !FILLED.contains(&field.field_id.as_str()))
            .collect(),
        portal: jira.portal_form(&desk, kind).await?,
    })
}

/// Raises a request for a customer; answers its key. Nothing of its text is kept here, and of one
/// that nobody heard of a keyed hash alone.
pub(crate) async fn raise_request(cx: &Cx, room: &Room, wanted: Wanted<'_>) -> Result<(String, Option<Url>)> {
    access::require(cx, room, Permission::Edit).await?;
    reach(cx, room, &Owner::Customer(wanted.customer.clone()), Permission::Edit).await?;
    let summary = check_line("/summary", wanted.summary, "A summary");
    let description = check_text("/description", wanted.description);
    let (summary, description) = match (summary, description) {
        (Ok(summary), Ok(description)) => (summary, description),
        (summary, description) => {
            return Err(Fault::invalid_fields(summary.err().into_iter().chain(description.err()).collect()));
        }
    };
    let jira = jira(cx, room);
    let desk = desk_of(&jira, "/projectId", wanted.project).await?;
    let only = |fault: Fault| {
        match fault.kind() {
        Kind::Refused => Fault::refused("Jira lets only the project's agents raise requests for customers."),
        Kind::Invalid => Fault::invalid(
            "jira_rejected",
            "Jira did not take the request. Either the customer may not use this project (add them to it first), or its form asks for more.",
        )
        .because(fault.code()),
        _ => fault,
    }
    };
    let by = jira.hand(Power::AgentIn(wanted.project)).await.map_err(only)?;
    let document = (!description.is_empty()).then(|| Document::from_text(&description));
    let new = NewRequest {
        desk: &desk,
        kind: wanted.kind,
        customer: wanted.customer,
        summary: &summary,
        description: document.as_ref(),
    };
    let by_whom = asker(cx);
    let whose = [by_whom.as_str(), wanted.customer.as_str()];
    let what = [wanted.project.as_str(), wanted.kind.as_str(), summary.as_str(), description.as_str()];
    let parts = [whose.as_slice(), what.as_slice()].concat();
    let mut asking = Asking::of(cx, room, Thing::Request, &parts).await?;
    let since = asking.since();
    let look = || by.raised_since(&new, wanted.project, since).boxed();
    let raised = asking.settle(look(), by.raise_request(&new).boxed(), look()).await.map_err(only)?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let subject = Some(access::pseudonym(cx, room, wanted.customer).await?);
    let object = format!("issue {}", raised.issue_id);
    let mut scoped = room.shared.store.write(cx).await?;
    changes::take_turn(&mut scoped).await?;
    let entry = ledger::Entry { kind: "customers.request_raised", actor, subject, object: Some(&object) };
    ledger::append(&mut scoped, cx, entry).await?;
    asking.heard(&mut scoped).await?;
    scoped.commit().await?;
    let url = jira.issue_page(&raised.issue_key).await?;
    Ok((raised.issue_key.as_str().to_owned(), url))
}
