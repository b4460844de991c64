//! A request as its customers see it: the public conversation, and nothing internal.

use axum::{
    extract::{Path, Query, State as Shared},
    response::Response,
};
use minijinja::{Value, context};
use serde::Deserialize;

use super::{apps, describe, not_found, page, people::Person, session::Viewer};
use crate::{
    App,
    access::Access,
    forge::{Place, UiKind},
    state::{Issue, files::MAX_FILE},
};

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    done: String,
}

pub(super) async fn view(
    Shared(app): Shared<App>,
    viewer: Viewer,
    Path((desk_id, key)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Response {
    let content = {
        let store = app.state.read();
        let access = Access::new(&store, &viewer.caller);
        let issue = store.issue(&key).filter(|issue| access.see_request(issue)).cloned();
        let desk = store.service_desks.get(&desk_id);
        issue.zip(desk).filter(|(issue, desk)| desk.project_id == issue.project_id).map(|(issue, desk)| {
            let issue: &Issue = &issue;
            let steps: Vec<Value> = store
                .transitions_of(issue)
                .into_iter()
                .filter(|step| step.customer)
                .map(|step| context! { id => step.id.as_str(), name => step.name.as_str() })
                .collect();
            let people: Vec<Person> = issue.participants.iter().map(|id| Person::of(&store, id)).collect();
            let shared: Vec<String> = issue
                .organizations
                .iter()
                .filter_map(|id| store.organizations.get(id))
                .map(|o| o.name.clone())
                .collect();
            context! {
                title => format!("{} {}", issue.key, issue.summary),
                row => describe::row(&store, issue),
                desk => context! {
                    id => desk.id.as_str(),
                    name => store.projects.get(&desk.project_id).map(|p| p.name.clone()),
                },
                description => describe::description(issue),
                comments => describe::comments(&store, &access, issue, true),
                max_file_mb => MAX_FILE / 1024 / 1024,
                steps, people, shared, done => asked.done,
                agent => access.work_on(issue),
            }
        })
    };
    match content {
        Some(content) => {
            let place = Place { issue: Some(key), portal: Some(desk_id), ..Place::default() };
            let panels = apps::frames(&app, &viewer, &[UiKind::PortalRequestDetail], &place);
            page(&app, &viewer, "request.html", context! { panels, ..content })
        }
        None => not_found(&app, &viewer, "request"),
    }
}
