//! Apps on the pages: their frames, their own pages, and the settings where an admin says where their
//! servers are.

use axum::{
    Form,
    extract::{Path, State as Shared},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use minijinja::{Value, context};
use serde::Deserialize;

use super::{Refusal, message, not_found, page, session::Viewer};
use crate::{
    App,
    access::Access,
    forge::{Installation, Place, UiKind, UiModule},
};

/// The frames of modules of these kinds that the viewer is shown at this place.
pub(super) fn frames(app: &App, viewer: &Viewer, kinds: &[UiKind], place: &Place) -> Vec<Value> {
    let installed = app.forge.installed();
    installed
        .iter()
        .flat_map(|one| one.manifest.ui.iter().map(move |module| (one, module)))
        .filter(|(_, module)| kinds.contains(&module.kind))
        .filter(|(one, module)| app.forge.open(one, module, viewer.id(), place).is_ok())
        .map(|(one, module)| frame(app, one, module, place))
        .collect()
}

fn frame(app: &App, one: &Installation, module: &UiModule, place: &Place) -> Value {
    let (resource, entry) = module.resource.split_once('/').unwrap_or((&module.resource, "index"));
    let configured = module
        .endpoint
        .as_deref()
        .and_then(|key| one.manifest.endpoint(key))
        .is_none_or(|endpoint| one.remote_address(&endpoint.remote).is_some());
    // Jira shows a panel where somebody added it, and a context opened to whoever opened it last.
    let added = module.kind == UiKind::IssuePanel;
    let kept = format!("{}/{}/{}", one.app_uuid(), module.key, place.issue.as_deref().filter(|_| added).unwrap_or("*"));
    context! {
        added, kept,
        app => one.app_uuid(), app_name => one.name.as_str(), environment => one.environment_uuid(),
        module => module.key.as_str(),
        title => if module.title.is_empty() { one.name.as_str() } else { module.title.as_str() },
        issue => place.issue.clone(), project => place.project.clone(), portal => place.portal.clone(), page => place.page.clone(),
        src => format!("{}/forge/cdn/{}/{resource}/{entry}.html", app.forge.frames_url(), one.app_uuid()),
        configured,
    }
}

pub(super) async fn global_page(
    Shared(app): Shared<App>,
    viewer: Viewer,
    Path((id, environment, key)): Path<(String, String, String)>,
) -> Response {
    let installed = app.forge.installation(&id).filter(|one| one.environment_uuid() == environment);
    app_page(&app, &viewer, installed.as_deref(), &key, (UiKind::GlobalPage, Place::default()))
}

pub(super) async fn admin_page(
    Shared(app): Shared<App>,
    viewer: Viewer,
    Path((id, key)): Path<(String, String)>,
) -> Response {
    let installed = app.forge.installation(&id);
    app_page(&app, &viewer, installed.as_deref(), &key, (UiKind::AdminPage, Place::default()))
}

pub(super) async fn project_page(
    Shared(app): Shared<App>,
    viewer: Viewer,
    Path((project, id, key)): Path<(String, String, String)>,
) -> Response {
    let installed = app.forge.installation(&id);
    let place = Place { project: Some(project), ..Place::default() };
    app_page(&app, &viewer, installed.as_deref(), &key, (UiKind::ProjectPage, place))
}

/// The pages that apps have in a project, for its navigation.
pub(super) fn project_pages(app: &App, viewer: &Viewer, project: &str) -> Vec<Value> {
    let place = Place { project: Some(project.to_owned()), ..Place::default() };
    let installed = app.forge.installed();
    installed
        .iter()
        .flat_map(|one| one.manifest.ui.iter().map(move |module| (one, module)))
        .filter(|(_, module)| module.kind == UiKind::ProjectPage)
        .filter(|(one, module)| app.forge.open(one, module, viewer.id(), &place).is_ok())
        .map(|(one, module)| {
            let href = format!("/jira/servicedesk/projects/{project}/apps/{}/{}", one.app_uuid(), module.key);
            context! { href, title => module.title.as_str() }
        })
        .collect()
}

fn app_page(
    app: &App,
    viewer: &Viewer,
    installed: Option<&Installation>,
    key: &str,
    (kind, place): (UiKind, Place),
) -> Response {
    let found = installed.and_then(|one| Some((one, one.manifest.module(key).filter(|m| m.kind == kind)?)));
    let Some((one, module)) = found else { return not_found(app, viewer, "page") };
    if let Err(why) = app.forge.open(one, module, viewer.id(), &place) {
        return message(app, viewer, StatusCode::FORBIDDEN, "You can’t open this page", &sentence(&why.to_string()));
    }
    let content = context! {
        title => module.title.as_str(), frame => frame(app, one, module, &place),
        settings => kind == UiKind::AdminPage, project => place.project.clone(), app_name => one.name.as_str(),
    };
    page(app, viewer, "app_page.html", content)
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default() + "."
}

/// Who may manage apps.
fn admin(app: &App, viewer: &Viewer) -> Result<(), Refusal> {
    if Access::new(&app.state.read(), &viewer.caller).site_admin() {
        return Ok(());
    }
    Err(message(app, viewer, StatusCode::FORBIDDEN, "You can’t manage apps", "Only Jira administrators can.").into())
}

pub(super) async fn settings(Shared(app): Shared<App>, viewer: Viewer) -> Response {
    match admin(&app, &viewer) {
        Ok(()) => list(&app, &viewer, None),
        Err(refused) => *refused,
    }
}

/// A fault of what was typed, to show beside it.
struct Fault<'a> {
    app: &'a str,
    remote: &'a str,
    typed: &'a str,
    why: String,
}

fn list(app: &App, viewer: &Viewer, fault: Option<&Fault<'_>>) -> Response {
    let apps: Vec<Value> = app.forge.installed().iter().map(|one| describe(one, fault)).collect();
    let mut response = page(app, viewer, "apps.html", context! { title => "Manage apps", apps });
    if fault.is_some() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    response
}

fn describe(one: &Installation, fault: Option<&Fault<'_>>) -> Value {
    let remotes: Vec<Value> = one
        .manifest
        .remotes
        .iter()
        .map(|remote| {
            let fault = fault.filter(|f| f.app == one.app_uuid() && f.remote == remote.key);
            let address = one.remote_address(&remote.key).map(String::from);
            let managed = remote.configurable.as_ref();
            context! {
                key => remote.key.as_str(),
                name => managed.map_or(remote.key.as_str(), |m| m.name.as_str()),
                description => managed.map(|m| m.description.as_str()),
                patterns => managed.map(|m| m.patterns.clone()).unwrap_or_default(),
                managed => managed.is_some(),
                address,
                typed => fault.map(|f| f.typed),
                fault => fault.map(|f| f.why.as_str()),
            }
        })
        .collect();
    let pages: Vec<Value> = one
        .manifest
        .ui
        .iter()
        .filter(|module| module.kind == UiKind::AdminPage)
        .map(|module| context! { title => module.title.as_str(), href => format!("/jira/settings/apps/{}/{}", one.app_uuid(), module.key) })
        .collect();
    context! {
        id => one.app_uuid(), name => one.name.as_str(), version => one.app_version(),
        installation => one.installation_id(), scopes => one.manifest.scopes.iter().cloned().collect::<Vec<_>>(),
        remotes, pages,
    }
}

#[derive(Deserialize)]
pub(super) struct RemoteForm {
    #[serde(rename = "_token")]
    token: String,
    remote: String,
    #[serde(default)]
    address: String,
}

pub(super) async fn set_remote(
    Shared(app): Shared<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Form(form): Form<RemoteForm>,
) -> Response {
    if let Err(refused) = admin(&app, &viewer) {
        return *refused;
    }
    let Some(one) = app.forge.installation(&id).filter(|_| viewer.owns(&form.token)) else {
        return not_found(&app, &viewer, "app");
    };
    let typed = form.address.trim();
    match one.set_remote_address(&form.remote, (!typed.is_empty()).then_some(typed)) {
        Ok(()) => Redirect::to("/jira/settings/apps").into_response(),
        Err(why) => {
            let fault = Fault { app: one.app_uuid(), remote: &form.remote, typed, why: why.to_string() };
            list(&app, &viewer, Some(&fault))
        }
    }
}

#[derive(Deserialize)]
pub(super) struct UninstallForm {
    #[serde(rename = "_token")]
    token: String,
}

pub(super) async fn uninstall(
    Shared(app): Shared<App>,
    viewer: Viewer,
    Path(id): Path<String>,
    Form(form): Form<UninstallForm>,
) -> Response {
    if let Err(refused) = admin(&app, &viewer) {
        return *refused;
    }
    if !viewer.owns(&form.token) {
        return not_found(&app, &viewer, "app");
    }
    match app.forge.uninstall(&id).await {
        Ok(()) => Redirect::to("/jira/settings/apps").into_response(),
        Err(_) => not_found(&app, &viewer, "app"),
    }
}
