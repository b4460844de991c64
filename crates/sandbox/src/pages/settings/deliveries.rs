//! Deliveries of webhooks and of Forge's events, by hand: what went where and what came of it; one sent again, one that
//! waits sent now or taken back.

use axum::{
    Form,
    extract::{Path, Query, State as Shared},
    http::StatusCode,
    response::Response,
};
use minijinja::{Value as Template, context};
use serde::Deserialize;
use serde_json::Value;

use super::{
    super::{
        forms::{Fields, back, field, genuine},
        not_found, page,
        session::Viewer,
    },
    admin, base, paged,
};
use crate::{
    App,
    deliveries::{Attempt, Delivery, KEPT, Stand, What, beginning},
};

/// Where the page is.
pub(super) const HERE: &str = "/sandbox/settings/deliveries";
const NOT_YOURS: &str = "You can’t see deliveries";
/// Bytes of a body that are shown.
const BODY_SHOWN: usize = 64 * 1024;

#[derive(Deserialize, Default)]
pub(super) struct Asked {
    #[serde(default)]
    which: String,
    page: Option<usize>,
    #[serde(default)]
    done: String,
}

pub(super) async fn list(Shared(app): Shared<App>, viewer: Viewer, Query(asked): Query<Asked>) -> Response {
    match admin(&app, &viewer, NOT_YOURS) {
        Ok(()) => listed(&app, &viewer, &asked, None),
        Err(refused) => *refused,
    }
}

fn listed(app: &App, viewer: &Viewer, asked: &Asked, problem: Option<&str>) -> Response {
    let found = app.deliveries.list(|delivery| match asked.which.as_str() {
        "waiting" => matches!(delivery.stand, Stand::Waiting(_) | Stand::UnderWay),
        "failed" => matches!(delivery.stand, Stand::NotTaken | Stand::Dropped | Stand::Lost),
        _ => true,
    });
    let (rows, pages) = paged(found, asked.page);
    let rows: Vec<Template> = rows.iter().map(described).collect();
    let content = context! {
        title => "Deliveries", here => HERE, rows, pages, base => base("which", &asked.which),
        which => asked.which.as_str(), done => asked.done.as_str(), problem,
        any => app.deliveries.count() > 0, kept => KEPT,
    };
    answer(app, viewer, "deliveries.html", content, problem)
}

fn answer(app: &App, viewer: &Viewer, template: &str, content: Template, problem: Option<&str>) -> Response {
    let mut response = page(app, viewer, template, content);
    if problem.is_some() {
        *response.status_mut() = StatusCode::CONFLICT;
    }
    response
}

pub(super) async fn one(Shared(app): Shared<App>, viewer: Viewer, Path(id): Path<String>) -> Response {
    match admin(&app, &viewer, NOT_YOURS) {
        Ok(()) => single(&app, &viewer, &id, None),
        Err(refused) => *refused,
    }
}

fn single(app: &App, viewer: &Viewer, id: &str, problem: Option<&str>) -> Response {
    let found = id.parse().ok().and_then(|id| app.deliveries.one(id));
    let Some(delivery) = found else { return not_found(app, viewer, "delivery") };
    let (identifier, module) = match &delivery.made.what {
        What::Webhook(told) => (Some(told.identifier.as_str()), None),
        What::Forge(event) => (None, Some(event.module.as_str())),
    };
    let (body, size) = match &delivery.made.body {
        Some(bytes) => (pretty(bytes), bytes.len()),
        None => (String::new(), 0),
    };
    let content = context! {
        title => format!("Delivery {}", delivery.id), here => HERE, one => described(&delivery), problem,
        identifier, module, size, shortened => body.len() > BODY_SHOWN, shown => BODY_SHOWN,
        body => beginning(&body, BODY_SHOWN),
        attempts => delivery.attempts.iter().map(attempt).collect::<Vec<_>>(),
    };
    answer(app, viewer, "delivery.html", content, problem)
}

/// JSON with a line for each of its parts; anything else as it is.
fn pretty(bytes: &[u8]) -> String {
    let read: Option<Value> = serde_json::from_slice(bytes).ok();
    let written = read.and_then(|value| serde_json::to_string_pretty(&value).ok());
    written.unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned())
}

fn attempt(one: &Attempt) -> Template {
    context! {
        at => format!("{:.0}", one.at), ms => one.took.as_millis().to_string(), status => one.status, said => one.said.as_str(),
    }
}

fn described(delivery: &Delivery) -> Template {
    let (category, words) = match delivery.stand {
        Stand::Waiting(_) if delivery.attempts.is_empty() => ("new", "Waiting"),
        Stand::Waiting(_) => ("new", "To be tried again"),
        Stand::UnderWay => ("indeterminate", "On its way"),
        Stand::Taken => ("done", "Taken"),
        Stand::NotTaken => ("failed", "Not taken"),
        Stand::Dropped => ("failed", "Dropped by hand"),
        Stand::Lost => ("failed", "Lost by a fault"),
    };
    let until = match delivery.stand {
        Stand::Waiting(until) => Some(format!("{until:.0}")),
        _ => None,
    };
    context! {
        id => delivery.id, at => format!("{:.0}", delivery.at), event => delivery.made.event.as_str(),
        to => delivery.made.to.as_str(), url => delivery.made.url.as_str(), again_of => delivery.made.again_of,
        stand => context! { category, name => words }, until, waits => matches!(delivery.stand, Stand::Waiting(_)),
        forge => matches!(delivery.made.what, What::Forge(_)),
        tries => delivery.attempts.len(), last => delivery.attempts.last().map(attempt),
    }
}

/// One button of one delivery.
pub(super) async fn act(Shared(app): Shared<App>, viewer: Viewer, Form(fields): Form<Fields>) -> Response {
    if let Err(refused) = admin(&app, &viewer, NOT_YOURS).and_then(|()| genuine(&app, &viewer, &fields)) {
        return *refused;
    }
    let id = field(&fields, "delivery");
    let Some(delivery) = id.parse().ok().and_then(|id| app.deliveries.one(id)) else {
        return not_found(&app, &viewer, "delivery");
    };
    let waits = |does: bool| if does { Ok(()) } else { Err("It does not wait any more.") };
    let (done, acted) = match field(&fields, "act") {
        "again" => {
            let sent = match &delivery.made.what {
                What::Webhook(told) => crate::webhooks::again(&app, told, delivery.id),
                What::Forge(event) => app.forge.again(event, delivery.id),
            };
            ("again", sent)
        }
        "now" => ("now", waits(app.deliveries.hurry(delivery.id))),
        "drop" => ("drop", waits(app.deliveries.take_back(delivery.id))),
        _ => return back(HERE),
    };
    match acted {
        Ok(()) => back(&format!("{HERE}?done={done}")),
        Err(problem) if field(&fields, "from") == "one" => single(&app, &viewer, id, Some(problem)),
        Err(problem) => listed(&app, &viewer, &Asked::default(), Some(problem)),
    }
}
