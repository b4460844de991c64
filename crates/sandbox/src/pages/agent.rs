//! Pages for people who work on the site: projects, queues, search.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State as Shared},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use minijinja::{Value, context};
use serde::Deserialize;

use super::{
    Refusal,
    describe::{self, Row},
    message, not_found, page,
    people::Person,
    session::Viewer,
};
use crate::{
    App,
    access::Access,
    jql,
    state::{Issue, Store, model::ProjectKind},
};

/// Rows of one page of a list.
const ROWS: usize = 50;

/// Only people with a licence see Jira itself; others are shown the portal.
pub(super) fn licensed(app: &App, viewer: &Viewer) -> Result<(), Refusal> {
    if Access::new(&app.state.read(), &viewer.caller).licensed() {
        return Ok(());
    }
    let text = format!("{} has no Jira licence and uses the portal instead.", viewer.account.display_name);
    Err(message(app, viewer, StatusCode::FORBIDDEN, "This page is for the team", &text).into())
}

pub(super) async fn projects(Shared(app): Shared<App>, viewer: Viewer) -> Response {
    if let Err(refused) = licensed(&app, &viewer) {
        return *refused;
    }
    let projects: Vec<Value> = {
        let store = app.state.read();
        let access = Access::new(&store, &viewer.caller);
        store
            .projects
            .values()
            .filter(|project| access.browse_project(project))
            .map(|project| {
                let service = project.kind == ProjectKind::ServiceDesk;
                let part = if service { "servicedesk" } else { "software" };
                let issues = store.index.of_project(&project.id);
                let open = issues.filter(|entry| !is_done(&store, &entry.issue)).count();
                context! {
                    id => project.id.as_str(), key => project.key.as_str(), name => project.name.as_str(),
                    description => project.description.as_str(), service, open,
                    lead => Person::of(&store, &project.lead),
                    href => format!("/jira/{part}/projects/{}", project.key),
                }
            })
            .collect()
    };
    page(&app, &viewer, "projects.html", context! { title => "Projects", projects })
}

fn is_done(store: &Store, issue: &Issue) -> bool {
    describe::status(store, &issue.status_id).category == "done"
}

pub(super) async fn first_queue(Shared(app): Shared<App>, viewer: Viewer, Path(key): Path<String>) -> Response {
    if let Err(refused) = licensed(&app, &viewer) {
        return *refused;
    }
    let found = {
        let store = app.state.read();
        let access = Access::new(&store, &viewer.caller);
        let project = store.project(&key).filter(|project| access.worker(project));
        project.and_then(|project| {
            let queue = store.desk_of(&project.id)?.queues.first()?;
            Some(format!("/jira/servicedesk/projects/{}/queues/{}", project.key, queue.id))
        })
    };
    found.map_or_else(|| not_found(&app, &viewer, "project"), |to| Redirect::to(&to).into_response())
}

#[derive(Deserialize)]
pub(super) struct Paging {
    page: Option<usize>,
}

pub(super) async fn queue(
    Shared(app): Shared<App>,
    viewer: Viewer,
    Path((key, id)): Path<(String, String)>,
    Query(paging): Query<Paging>,
) -> Response {
    if let Err(refused) = licensed(&app, &viewer) {
        return *refused;
    }
    let found = {
        let store = app.state.read();
        let access = Access::new(&store, &viewer.caller);
        store.project(&key).filter(|project| access.worker(project)).cloned().and_then(|project| {
            let desk = store.desk_of(&project.id)?;
            Some((project, desk.id.clone(), desk.queues.clone()))
        })
    };
    let Some((project, desk, queues)) = found else { return not_found(&app, &viewer, "project") };
    let Some(queue) = queues.iter().find(|queue| queue.id == id) else {
        return not_found(&app, &viewer, "queue");
    };
    let find = |jql: &str| jql::search(&app.state, &viewer.caller, &scoped(&project.key, jql));
    let list: Vec<Value> = queues
        .iter()
        .map(|one| {
            let count = find(&one.jql).map(|found| found.len()).unwrap_or_default();
            let href = format!("/jira/servicedesk/projects/{}/queues/{}", project.key, one.id);
            context! { name => one.name.as_str(), href, count, current => one.id == queue.id }
        })
        .collect();
    let (rows, pages, faults) = match find(&queue.jql) {
        Ok(found) => {
            let (rows, pages) = rows(&app.state.read(), &found, paging.page);
            (rows, pages, Vec::new())
        }
        Err(faults) => (Vec::new(), Value::UNDEFINED, faults),
    };
    let content = context! {
        title => format!("{} · {}", queue.name, project.name),
        heading => queue.name.as_str(), project => context! { id => project.id, key => project.key.as_str(), name => project.name },
        desk, queues => list, rows, pages, faults,
        search => scoped(&project.key, &queue.jql), app_pages_here => super::apps::project_pages(&app, &viewer, &project.key),
    };
    page(&app, &viewer, "queue.html", content)
}

/// A queue's JQL within its project; its order stays at the end.
fn scoped(key: &str, jql: &str) -> String {
    let at = jql.to_ascii_lowercase().find("order by").unwrap_or(jql.len());
    let (filter, order) = jql.split_at(at);
    let filter = filter.trim();
    let filter = if filter.is_empty() { String::new() } else { format!(" AND ({filter})") };
    format!("project = \"{key}\"{filter} {order}").trim().to_owned()
}

fn rows(store: &Store, found: &[Arc<Issue>], page: Option<usize>) -> (Vec<Row>, Value) {
    let last = found.len().div_ceil(ROWS).max(1);
    let page = page.unwrap_or(1).clamp(1, last);
    let start = (page - 1) * ROWS;
    let rows: Vec<Row> = found.iter().skip(start).take(ROWS).map(|issue| describe::row(store, issue)).collect();
    let pages = context! {
        total => found.len(), page, last,
        from => if rows.is_empty() { 0 } else { start + 1 }, until => start + rows.len(),
    };
    (rows, pages)
}

#[derive(Deserialize)]
pub(super) struct Search {
    jql: Option<String>,
    page: Option<usize>,
}

pub(super) async fn search(Shared(app): Shared<App>, viewer: Viewer, Query(query): Query<Search>) -> Response {
    if let Err(refused) = licensed(&app, &viewer) {
        return *refused;
    }
    let jql = query.jql.unwrap_or_else(|| "ORDER BY updated DESC".to_owned());
    let (rows, pages, faults) = match jql::search(&app.state, &viewer.caller, &jql) {
        Ok(found) => {
            let (rows, pages) = rows(&app.state.read(), &found, query.page);
            (rows, pages, Vec::new())
        }
        Err(faults) => (Vec::new(), Value::UNDEFINED, faults),
    };
    let base = url::form_urlencoded::Serializer::new(String::new()).append_pair("jql", &jql).finish();
    let content = context! { title => "Search issues", jql, rows, pages, faults, base };
    page(&app, &viewer, "search.html", content)
}

pub(super) async fn software(Shared(app): Shared<App>, viewer: Viewer, Path(key): Path<String>) -> Response {
    if let Err(refused) = licensed(&app, &viewer) {
        return *refused;
    }
    let key = app.state.read().project(&key).map(|project| project.key.clone());
    let Some(key) = key else { return not_found(&app, &viewer, "project") };
    let jql = format!("project = {key} ORDER BY updated DESC");
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("jql", &jql).finish();
    Redirect::to(&format!("/issues/?{query}")).into_response()
}

/// A person: what they reported. Jira's own page shows more; a demo needs the link to lead somewhere.
pub(super) async fn person(Shared(app): Shared<App>, viewer: Viewer, Path(id): Path<String>) -> Response {
    if let Err(refused) = licensed(&app, &viewer) {
        return *refused;
    }
    if app.state.read().account(&id).is_none() {
        return not_found(&app, &viewer, "person");
    }
    let jql = format!("reporter = \"{id}\" ORDER BY created DESC");
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("jql", &jql).finish();
    Redirect::to(&format!("/issues/?{query}")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_stays_in_its_project() {
        let rows = [
            ("", "project = \"A\""),
            ("ORDER BY created", "project = \"A\" ORDER BY created"),
            ("a = 1 OR b = 2 order by x", "project = \"A\" AND (a = 1 OR b = 2) order by x"),
        ];
        for (jql, expected) in rows {
            assert_eq!(scoped("A", jql), expected);
        }
    }
}
