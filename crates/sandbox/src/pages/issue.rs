//! The issue view: what an agent works on, with the apps' panels beside it.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State as Shared},
    response::{IntoResponse, Redirect, Response},
};
use minijinja::{Value, context};
use serde::Deserialize;

use super::{agent::licensed, apps, describe, not_found, page, people::Person, session::Viewer};
use crate::{
    App,
    access::Access,
    connect::{Installation, Page},
    forge::{Place, UiKind},
    state::{
        Issue, Store,
        model::{ProjectKind, ROLE_MEMBERS, ROLE_TEAM},
    },
};

/// People offered as assignees; more are found by Jira's own search, which the page has not.
const ASSIGNEES_MAX: usize = 200;

#[derive(Deserialize)]
pub(super) struct Asked {
    /// What a form on this page just did.
    #[serde(default)]
    done: String,
}

pub(super) async fn view(
    Shared(app): Shared<App>,
    viewer: Viewer,
    Path(key): Path<String>,
    Query(asked): Query<Asked>,
) -> Response {
    let content = {
        let store = app.state.read();
        let access = Access::new(&store, &viewer.caller);
        let Some(issue) = store.issue(&key).cloned() else {
            drop(store);
            return not_found(&app, &viewer, "issue");
        };
        if !access.licensed() && access.customer_of(&issue) {
            // A customer who follows an agent's link is shown the same request on the portal.
            if let Some(desk) = store.desk_of(&issue.project_id) {
                let to = format!("/servicedesk/customer/portal/{}/{}", desk.id, issue.key);
                return Redirect::to(&to).into_response();
            }
        }
        if !access.browse(&issue) {
            drop(store);
            return match licensed(&app, &viewer) {
                Err(refused) => *refused,
                Ok(()) => not_found(&app, &viewer, "issue"),
            };
        }
        describe_issue(&store, &access, &issue, &asked.done)
    };
    let connect_panels = connect_panels(&app, &viewer, &key);
    let place = Place { issue: Some(key), ..Place::default() };
    let kinds = [UiKind::IssuePanel, UiKind::IssueContext];
    let panels = apps::frames(&app, &viewer, &kinds, &place);
    page(&app, &viewer, "issue.html", context! { panels, connect_panels, ..content })
}

/// Closed until somebody opens them, as those of Forge: whoever did is not asked again.
fn connect_panels(app: &App, viewer: &Viewer, issue: &str) -> Vec<Value> {
    let described = |(one, module): (Arc<Installation>, Page)| {
        let of = &one.descriptor;
        context! {
            app => of.key.as_str(), app_name => of.name.as_str(), module => module.key.as_str(), title => module.name.as_str(),
            issue, kept => format!("connect/{}/{}", of.key, module.key),
        }
    };
    app.connect.panels(&viewer.id().to_owned(), issue).into_iter().map(described).collect()
}

fn describe_issue(store: &Store, access: &Access<'_>, issue: &Issue, done: &str) -> Value {
    let project = store.projects.get(&issue.project_id);
    let service = project.is_some_and(|p| p.kind == ProjectKind::ServiceDesk);
    let people = |ids: &[String]| -> Vec<Person> { ids.iter().map(|id| Person::of(store, id)).collect() };
    let organizations: Vec<String> = issue
        .organizations
        .iter()
        .filter_map(|id| store.organizations.get(id))
        .map(|organization| organization.name.clone())
        .collect();
    let transitions: Vec<Value> = store
        .transitions_of(issue)
        .into_iter()
        .map(|step| context! { id => step.id.as_str(), name => step.name.as_str(), to => describe::status(store, &step.to) })
        .collect();
    let parent = issue.parent.and_then(|id| store.issues.get(&id)).filter(|p| access.browse(p));
    let children: Vec<describe::Row> = store
        .children_of(issue.id)
        .filter(|child| access.browse(child))
        .map(|child| describe::row(store, child))
        .collect();
    let attachments: Vec<Value> = issue
        .attachments
        .iter()
        .filter(|file| access.see_attachment(issue, file))
        .map(|file| describe::file(store, file))
        .collect();
    context! {
        title => format!("{} {}", issue.key, issue.summary),
        done,
        row => describe::row(store, issue),
        project => project.map(|p| context! {
            id => p.id.as_str(), key => p.key.as_str(), name => p.name.as_str(),
            href => format!("/jira/{}/projects/{}", if service { "servicedesk" } else { "software" }, p.key),
        }),
        service,
        description => describe::description(issue),
        comments => describe::comments(store, access, issue, false),
        may_work => access.work_on(issue),
        transitions,
        assignees => assignees(store, issue),
        participants => people(&issue.participants),
        organizations, attachments,
        links => links(store, access, issue),
        parent => parent.map(|p| describe::row(store, p)),
        children,
        labels => issue.labels.clone(), components => issue.components.clone(),
        due => issue.due.map(|date| date.to_string()),
        channel => issue.channel.as_str(),
        resolved => issue.resolved_at.map(describe::instant),
    }
}

fn links(store: &Store, access: &Access<'_>, issue: &Issue) -> Vec<Value> {
    store
        .links_of(issue.id)
        .filter_map(|link| {
            let kind = store.link_types.get(&link.type_id)?;
            let (words, other) =
                if link.outward == issue.id { (&kind.outward, link.inward) } else { (&kind.inward, link.outward) };
            let other = store.issues.get(&other).filter(|other| access.browse(other))?;
            Some(context! { words, row => describe::row(store, other) })
        })
        .collect()
}

fn assignees(store: &Store, issue: &Issue) -> Vec<Person> {
    let Some(project) = store.projects.get(&issue.project_id) else { return Vec::new() };
    let role = match project.kind {
        ProjectKind::ServiceDesk => ROLE_TEAM,
        ProjectKind::Software => ROLE_MEMBERS,
    };
    let mut people: Vec<Person> = store
        .accounts
        .values()
        .filter(|a| a.active && store.holds_role(project, role, &a.account_id))
        .take(ASSIGNEES_MAX)
        .map(|a| Person::of(store, &a.account_id))
        .collect();
    if let Some(id) = &issue.assignee
        && !people.iter().any(|person| person.id == *id)
    {
        people.insert(0, Person::of(store, id));
    }
    people
}
