//! Groups: made and deleted. Who is in them stands on people's pages.

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
    Mistakes, NAME_MAX, Paging, admin, base, paged, people, shown,
};
use crate::{App, state::groups::is_built_in};

/// Where the page is.
pub(super) const HERE: &str = "/sandbox/settings/groups";
const NOT_YOURS: &str = "You can’t manage groups";

pub(super) async fn list(Shared(app): Shared<App>, viewer: Viewer, Query(paging): Query<Paging>) -> Response {
    match admin(&app, &viewer, NOT_YOURS) {
        Ok(()) => listed(&app, &viewer, &paging, (&Fields::new(), &Mistakes::default())),
        Err(refused) => *refused,
    }
}

fn listed(app: &App, viewer: &Viewer, paging: &Paging, form: (&Fields, &Mistakes)) -> Response {
    let content = {
        let store = app.state.read();
        let (rows, pages) = paged(store.groups.values().collect(), paging.page);
        let rows: Vec<Template> = rows
            .into_iter()
            .map(|group| {
                context! {
                    name => group.name.as_str(), size => group.members.len(), built_in => is_built_in(&group.name),
                    href => format!("{}?{}", people::HERE, base("group", &group.name).trim_end_matches('&')),
                }
            })
            .collect();
        context! { title => "Groups", here => HERE, rows, pages, done => paging.done.as_str() }
    };
    shown(app, viewer, "site_groups.html", form, content)
}

/// Makes a group, or deletes one.
pub(super) async fn act(Shared(app): Shared<App>, viewer: Viewer, Form(fields): Form<Fields>) -> Response {
    if let Err(refused) = admin(&app, &viewer, NOT_YOURS).and_then(|()| genuine(&app, &viewer, &fields)) {
        return *refused;
    }
    let mut mistakes = Mistakes::default();
    let act = field(&fields, "act");
    let acted = match act {
        "add" => {
            let name = mistakes.text(&fields, "name", "name", NAME_MAX);
            if mistakes.none() { app.state.create_group(&name) } else { Ok(()) }
        }
        "delete" => app.state.delete_group(field(&fields, "group")),
        _ => return back(HERE),
    };
    if let Err(error) = acted {
        mistakes.refused(if act == "add" { "name" } else { "group" }, error);
    }
    if mistakes.none() {
        back(&format!("{HERE}?done={act}"))
    } else {
        listed(&app, &viewer, &Paging::default(), (&fields, &mistakes))
    }
}
