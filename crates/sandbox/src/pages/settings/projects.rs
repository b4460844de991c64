//! Projects and their desks: found, and added.

use axum::{
    Form,
    extract::{Query, State as Shared},
    response::Response,
};
use minijinja::{Value as Template, context};

use super::{
    super::{
        forms::{Fields, back, field, genuine},
        session::Viewer,
    },
    Mistakes, NAME_MAX, Paging, admin, paged, shown,
};
use crate::{
    App,
    state::{NewProject, model::ProjectKind, projects::key_fault},
};

/// Where the page is.
pub(super) const HERE: &str = "/sandbox/settings/projects";
pub(super) const NOT_YOURS: &str = "You can’t manage projects";

pub(super) async fn list(Shared(app): Shared<App>, viewer: Viewer, Query(paging): Query<Paging>) -> Response {
    match admin(&app, &viewer, NOT_YOURS) {
        Ok(()) => listed(&app, &viewer, &paging, (&Fields::new(), &Mistakes::default())),
        Err(refused) => *refused,
    }
}

fn listed(app: &App, viewer: &Viewer, paging: &Paging, form: (&Fields, &Mistakes)) -> Response {
    let content = {
        let store = app.state.read();
        let (rows, pages) = paged(store.projects.values().collect(), paging.page);
        let rows: Vec<Template> = rows
            .into_iter()
            .map(|project| {
                let desk = store.desk_of(&project.id);
                context! {
                    id => project.id.as_str(), key => project.key.as_str(), name => project.name.as_str(),
                    service => project.kind == ProjectKind::ServiceDesk,
                    desk => desk.map(|desk| desk.id.clone()), open => desk.map(|desk| desk.open_access),
                    lead => store.display_name(&project.lead),
                }
            })
            .collect();
        context! { title => "Projects and desks", here => HERE, rows, pages }
    };
    shown(app, viewer, "site_projects.html", form, content)
}

/// Adds a project, led by whoever adds it.
pub(super) async fn add(Shared(app): Shared<App>, viewer: Viewer, Form(fields): Form<Fields>) -> Response {
    if let Err(refused) = admin(&app, &viewer, NOT_YOURS).and_then(|()| genuine(&app, &viewer, &fields)) {
        return *refused;
    }
    let mut mistakes = Mistakes::default();
    let name = mistakes.text(&fields, "name", "name", NAME_MAX);
    let key = field(&fields, "key").to_ascii_uppercase();
    if let Some(why) = key_fault(&key) {
        mistakes.add("key", why);
    }
    let kind = match field(&fields, "kind") {
        "software" => ProjectKind::Software,
        _ => ProjectKind::ServiceDesk,
    };
    if mistakes.none() {
        let new = NewProject { key: key.clone(), name, kind, lead: viewer.id().to_owned() };
        if let Err(error) = app.state.create_project(&viewer.caller.actor(), new) {
            mistakes.refused("key", error);
        }
    }
    if mistakes.none() {
        back(&format!("{HERE}/{key}?done=added"))
    } else {
        listed(&app, &viewer, &Paging::default(), (&fields, &mistakes))
    }
}
