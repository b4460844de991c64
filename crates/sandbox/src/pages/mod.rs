//! The site's own pages, as a person sees them: agents' queues and issues, the customers' portal,
//! the settings of apps, and those of the sandbox.
//!
//! Plain pages, rendered here, that work without scripts but for the apps' frames. They show and do
//! nothing that [`crate::access`] does not allow. Start reading at [`router`]; `agent` and `portal`
//! are the two halves, `apps` the frames, `settings` the sandbox's own.

mod agent;
mod apps;
mod avatar;
mod describe;
mod document;
mod forms;
mod images;
mod issue;
pub(crate) mod people;
mod portal;
mod reply;
mod request;
mod scoped_token;
pub(crate) mod session;
mod settings;
mod sign_in;

use std::sync::LazyLock;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path},
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use minijinja::{Environment, Value, context};

use crate::{App, access::Access, context_path, forge::UiKind, rest::upload::MAX_UPLOAD, state::model::AccountType};
use people::Person;
use session::Viewer;

/// The templates. Their names end in `.html`, so that everything put into them is escaped.
static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    for (name, source) in [
        ("base.html", include_str!("../../templates/base.html")),
        ("parts.html", include_str!("../../templates/parts.html")),
        ("sign_in.html", include_str!("../../templates/sign_in.html")),
        ("authorize.html", include_str!("../../templates/authorize.html")),
        ("message.html", include_str!("../../templates/message.html")),
        ("projects.html", include_str!("../../templates/projects.html")),
        ("queue.html", include_str!("../../templates/queue.html")),
        ("search.html", include_str!("../../templates/search.html")),
        ("issue.html", include_str!("../../templates/issue.html")),
        ("connect_page.html", include_str!("../../templates/connect_page.html")),
        ("app_page.html", include_str!("../../templates/app_page.html")),
        ("settings.html", include_str!("../../templates/settings.html")),
        ("faults.html", include_str!("../../templates/faults.html")),
        ("deliveries.html", include_str!("../../templates/deliveries.html")),
        ("delivery.html", include_str!("../../templates/delivery.html")),
        ("site_people.html", include_str!("../../templates/site_people.html")),
        ("site_person.html", include_str!("../../templates/site_person.html")),
        ("site_groups.html", include_str!("../../templates/site_groups.html")),
        ("site_projects.html", include_str!("../../templates/site_projects.html")),
        ("site_project.html", include_str!("../../templates/site_project.html")),
        ("apps.html", include_str!("../../templates/apps.html")),
        ("portals.html", include_str!("../../templates/portals.html")),
        ("portal.html", include_str!("../../templates/portal.html")),
        ("create.html", include_str!("../../templates/create.html")),
        ("requests.html", include_str!("../../templates/requests.html")),
        ("request.html", include_str!("../../templates/request.html")),
        ("profile.html", include_str!("../../templates/profile.html")),
    ] {
        if let Err(error) = templates.add_template(name, source) {
            tracing::error!(%error, name, "a template is broken");
        }
    }
    templates
});

const STATIC: [(&str, &str, &str); 4] = [
    ("site.css", "text/css; charset=utf-8", include_str!("../../static/site.css")),
    ("page.js", "text/javascript; charset=utf-8", include_str!("../../static/page.js")),
    ("connect-host.js", "text/javascript; charset=utf-8", include_str!("../../static/connect-host.js")),
    ("host.js", "text/javascript; charset=utf-8", include_str!("../../static/host.js")),
];

/// A page that says why something was not done.
type Refusal = Box<Response>;

pub(crate) fn router(app: &App) -> Router {
    Router::new()
        .route("/", get(sign_in::choose))
        .route("/sandbox/login", get(sign_in::sign_in))
        .route("/sandbox/logout", post(sign_in::sign_out))
        .route("/sandbox/scoped-token", post(scoped_token::make))
        .route("/sandbox/static/{file}", get(file))
        .route("/avatars/user/{id}", get(images::user))
        .route("/avatars/project/{id}", get(images::project))
        .route("/avatars/issuetype/{id}", get(images::issue_type))
        .route("/avatars/priority/{id}", get(images::priority))
        .route("/jira/projects", get(agent::projects))
        .route("/jira/people/{id}", get(agent::person))
        .route("/jira/servicedesk/projects/{key}", get(agent::first_queue))
        .route("/jira/servicedesk/projects/{key}/queues", get(agent::first_queue))
        .route("/jira/servicedesk/projects/{key}/queues/{id}", get(agent::queue))
        .route("/jira/servicedesk/projects/{key}/apps/{app}/{module}", get(apps::project_page))
        .route("/jira/software/projects/{key}", get(agent::software))
        .route("/issues", get(agent::search))
        .route("/issues/", get(agent::search))
        .route("/browse/{key}", get(issue::view))
        .route("/browse/{key}/comment", post(forms::comment_as_agent))
        .route("/browse/{key}/transition", post(forms::transition_as_agent))
        .route("/browse/{key}/assignee", post(forms::assign))
        .route("/secure/attachment/{id}/{name}", get(reply::file))
        .route("/jira/apps/{app}/{environment}/{module}", get(apps::global_page))
        .route("/jira/settings/apps", get(apps::settings))
        .route("/jira/settings/apps/{app}/{module}", get(apps::admin_page))
        .route("/jira/settings/apps/{app}/remote", post(apps::set_remote))
        .route("/jira/settings/apps/{app}/uninstall", post(apps::uninstall))
        .route("/servicedesk/customer", get(portal::portals))
        .route("/servicedesk/customer/portals", get(portal::portals))
        .route("/servicedesk/customer/portal/{id}", get(portal::portal))
        .route("/servicedesk/customer/portal/{id}/create/{type}", get(portal::create).post(forms::create_request))
        .route("/servicedesk/customer/portal/{id}/{key}", get(request::view))
        .route(
            "/servicedesk/customer/portal/{id}/{key}/comment",
            post(reply::send).layer(DefaultBodyLimit::max(MAX_UPLOAD)),
        )
        .route("/servicedesk/customer/portal/{id}/{key}/transition", post(forms::transition_as_customer))
        .route("/servicedesk/customer/user/requests", get(portal::requests))
        .route("/servicedesk/customer/user/profile", get(portal::profile))
        .merge(settings::router())
        .with_state(app.clone())
}

async fn file(Path(name): Path<String>) -> Response {
    match STATIC.iter().find(|(file, _, _)| *file == name) {
        Some((_, kind, content)) => {
            let headers = [
                (header::CONTENT_TYPE, *kind),
                (header::CACHE_CONTROL, "no-cache"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ];
            (headers, *content).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A page for somebody, with the frame around it.
pub(crate) fn page(app: &App, viewer: &Viewer, template: &str, content: Value) -> Response {
    let on_portal = portal::place(&viewer.path);
    let framed = |kind| on_portal.as_ref().map(|place| apps::frames(app, viewer, &[kind], place)).unwrap_or_default();
    let (headers, actions) = (framed(UiKind::PortalHeader), framed(UiKind::PortalUserMenuAction));
    let shell = {
        let store = app.state.read();
        let access = Access::new(&store, &viewer.caller);
        let licensed = access.licensed();
        let installed = app.forge.installed();
        let app_pages: Vec<Value> = installed
            .iter()
            .flat_map(|one| one.manifest.ui.iter().map(move |module| (one, module)))
            .filter(|(_, module)| module.kind == UiKind::GlobalPage)
            .map(|(one, module)| {
                let href = format!("/jira/apps/{}/{}/{}", one.app_uuid(), one.environment_uuid(), module.key);
                context! { href, title => module.title.as_str(), app => one.name.as_str() }
            })
            .collect();
        context! {
            site => app.state.site_name(),
            frames => app.forge.frames_url(),
            me => Person::of(&store, viewer.id()),
            portal_only => viewer.account.account_type == AccountType::Customer || !licensed,
            licensed,
            site_admin => access.site_admin(),
            app_pages => if licensed { app_pages } else { Vec::new() },
            zone => viewer.account.time_zone.as_str(),
            color_mode => viewer.color_mode.as_str(),
            page_token => viewer.page_token.as_str(),
            path => viewer.path.as_str(),
            portal_headers => headers, portal_actions => actions,
        }
    };
    render(app, template, context! { ..content, ..shell }, StatusCode::OK)
}

/// A page for somebody with a message instead of what was asked for.
pub(crate) fn message(app: &App, viewer: &Viewer, status: StatusCode, title: &str, text: &str) -> Response {
    let mut response = page(app, viewer, "message.html", context! { title, text });
    *response.status_mut() = status;
    response
}

/// What is shown for a thing that isn't there or may not be seen: the same words for both.
fn not_found(app: &App, viewer: &Viewer, what: &str) -> Response {
    let text =
        format!("This {what} may have been removed, or {} may not have access to it.", viewer.account.display_name);
    message(app, viewer, StatusCode::NOT_FOUND, &format!("We can’t find that {what}"), &text)
}

pub(crate) fn render(app: &App, template: &str, content: Value, status: StatusCode) -> Response {
    let made = TEMPLATES.get_template(template).and_then(|found| found.render(content));
    let html = match made {
        Ok(html) => context_path::linked(&app.config.context_path, html),
        Err(error) => {
            tracing::error!(%error, template, "a page could not be made");
            return (StatusCode::INTERNAL_SERVER_ERROR, "This page is broken.").into_response();
        }
    };
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; frame-src 'self' {} {}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        app.forge.frames_url(),
        app.connect.framed().join(" ")
    );
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}
