//! The portal: what customers see of the desks, and their own profile.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State as Shared},
    response::Response,
};
use minijinja::{Value, context};
use serde::Deserialize;

use super::{apps, describe, not_found, page, session::Viewer};
use crate::{
    App,
    access::Access,
    forge::{Place, UiKind},
    state::{
        Issue, Store,
        model::{RequestType, ServiceDesk},
    },
};

/// Requests listed on one page.
const ROWS: usize = 50;

/// Which of the portal's pages an address is; none if it is not one of them.
pub(super) fn place(path: &str) -> Option<Place> {
    let path = path.split('?').next().unwrap_or_default();
    let mut parts = path.strip_prefix("/servicedesk/customer")?.split('/').filter(|part| !part.is_empty());
    let (page, portal) = match (parts.next(), parts.next(), parts.next()) {
        (None | Some("portals"), ..) => ("help_center", None),
        (Some("user"), Some("requests"), _) => ("my_requests", None),
        (Some("user"), Some("profile"), _) => ("profile", None),
        (Some("portal"), Some(desk), None) => ("portal", Some(desk)),
        (Some("portal"), Some(desk), Some("create")) => ("create_request", Some(desk)),
        (Some("portal"), Some(desk), Some(_)) => ("view_request", Some(desk)),
        _ => return None,
    };
    Some(Place { portal: portal.map(str::to_owned), page: Some(page.to_owned()), ..Place::default() })
}

pub(super) async fn portals(Shared(app): Shared<App>, viewer: Viewer) -> Response {
    let (desks, recent) = {
        let store = app.state.read();
        let access = Access::new(&store, &viewer.caller);
        let desks: Vec<Value> = store
            .service_desks
            .values()
            .filter(|desk| access.use_portal(desk))
            .filter_map(|desk| Some(desk_of(&store, desk)?.0))
            .collect();
        let mine = mine(&store, &access, "open");
        (desks, mine.iter().take(5).map(|issue| describe::row(&store, issue)).collect::<Vec<_>>())
    };
    page(&app, &viewer, "portals.html", context! { title => "Help center", desks, recent })
}

/// A desk as the portal shows it, with its request types by group.
fn desk_of(store: &Store, desk: &ServiceDesk) -> Option<(Value, Vec<Value>)> {
    let project = store.projects.get(&desk.project_id)?;
    let types: Vec<&RequestType> =
        store.request_types.values().filter(|kind| kind.service_desk_id == desk.id).collect();
    let mut groups: Vec<&str> = Vec::new();
    for group in types.iter().flat_map(|kind| &kind.groups) {
        if !groups.contains(&group.as_str()) {
            groups.push(group);
        }
    }
    let grouped: Vec<Value> = groups
        .into_iter()
        .map(|group| {
            let within: Vec<Value> = types
                .iter()
                .filter(|kind| kind.groups.iter().any(|g| g == group))
                .map(|kind| context! { id => kind.id.as_str(), name => kind.name.as_str(), description => kind.description.as_str(), issue_type => kind.issue_type_id.as_str() })
                .collect();
            context! { name => group, types => within }
        })
        .collect();
    let about = context! {
        id => desk.id.as_str(), name => project.name.as_str(), description => project.description.as_str(),
        project => project.id.as_str(),
    };
    Some((about, grouped))
}

pub(super) async fn portal(Shared(app): Shared<App>, viewer: Viewer, Path(id): Path<String>) -> Response {
    let found = {
        let store = app.state.read();
        let access = Access::new(&store, &viewer.caller);
        let desk = store.service_desks.get(&id).filter(|desk| access.use_portal(desk));
        desk.and_then(|desk| desk_of(&store, desk))
    };
    let Some((desk, groups)) = found else { return not_found(&app, &viewer, "portal") };
    let title = desk.get_attr("name").unwrap_or_default();
    page(&app, &viewer, "portal.html", context! { title, desk, groups })
}

pub(super) async fn create(
    Shared(app): Shared<App>,
    viewer: Viewer,
    Path((id, kind)): Path<(String, String)>,
) -> Response {
    creation(&app, &viewer, &id, &kind, Value::UNDEFINED, Vec::new())
}

/// The form for a new request, with what was typed and what was wrong with it.
pub(super) fn creation(
    app: &App,
    viewer: &Viewer,
    desk_id: &str,
    type_id: &str,
    typed: Value,
    faults: Vec<(String, String)>,
) -> Response {
    let found = {
        let store = app.state.read();
        let access = Access::new(&store, &viewer.caller);
        let desk = store.service_desks.get(desk_id).filter(|desk| access.use_portal(desk));
        desk.and_then(|desk| {
            let kind = store.request_types.get(type_id).filter(|k| k.service_desk_id == desk.id)?;
            let organizations: Vec<Value> = store
                .organizations_of(viewer.id())
                .filter(|o| desk.organizations.contains(&o.id))
                .map(|o| context! { id => o.id.as_str(), name => o.name.as_str() })
                .collect();
            let fields: Vec<Value> = kind
                .fields
                .iter()
                .map(|field| {
                    let fault = faults.iter().find(|(id, _)| *id == field.field_id).map(|(_, why)| why);
                    context! {
                        id => field.field_id.as_str(), name => field.name.as_str(), help => field.description.as_str(),
                        required => field.required, values => field.valid_values.clone(),
                        long => store.custom_fields.get(&field.field_id).is_none() && field.field_id == "description",
                        typed => typed.get_attr(&field.field_id).ok(), fault,
                    }
                })
                .collect();
            let content = context! {
                title => kind.name.as_str(), desk => desk_of(&store, desk)?.0,
                kind => context! { id => kind.id.as_str(), name => kind.name.as_str(), description => kind.description.as_str(), help => kind.help_text.as_str() },
                fields, organizations, failed => !faults.is_empty(),
            };
            Some(content)
        })
    };
    match found {
        Some(content) => page(app, viewer, "create.html", content),
        None => not_found(app, viewer, "form"),
    }
}

#[derive(Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    status: String,
}

pub(super) async fn requests(Shared(app): Shared<App>, viewer: Viewer, Query(which): Query<Which>) -> Response {
    let status = match which.status.as_str() {
        status @ ("closed" | "all") => status,
        _ => "open",
    };
    let (rows, total) = {
        let store = app.state.read();
        let access = Access::new(&store, &viewer.caller);
        let mine = mine(&store, &access, status);
        (mine.iter().take(ROWS).map(|issue| describe::row(&store, issue)).collect::<Vec<_>>(), mine.len())
    };
    page(&app, &viewer, "requests.html", context! { title => "Requests", rows, total, which => status })
}

/// The viewer's requests, own and shared, the last changed first.
fn mine(store: &Store, access: &Access<'_>, status: &str) -> Vec<Arc<Issue>> {
    let mut found: Vec<Arc<Issue>> = store
        .issues
        .values()
        .filter(|issue| access.customer_of(issue))
        .filter(|issue| {
            let done = describe::status(store, &issue.status_id).category == "done";
            status == "all" || done == (status == "closed")
        })
        .cloned()
        .collect();
    found.sort_by_key(|issue| std::cmp::Reverse(issue.updated_at));
    found
}

pub(super) async fn profile(Shared(app): Shared<App>, viewer: Viewer) -> Response {
    let content = {
        let store = app.state.read();
        let organizations: Vec<String> = store.organizations_of(viewer.id()).map(|o| o.name.clone()).collect();
        context! {
            title => "Profile", email => viewer.account.email.as_str(), language => viewer.account.locale.replace('_', "-"),
            time_zone => viewer.account.time_zone.as_str(), organizations,
        }
    };
    let panels = apps::frames(&app, &viewer, &[UiKind::PortalProfilePanel], &Place::default());
    page(&app, &viewer, "profile.html", context! { panels, ..content })
}
