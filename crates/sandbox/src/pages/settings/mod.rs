//! The sandbox's own settings, for Jira's administrators: faults, deliveries, people and groups, projects and desks.
//!
//! The pages lie below `/sandbox/`, which no fault strikes. They change the site by what the APIs change it by, so that Jira's
//! events follow. Start reading at [`router`].

mod deliveries;
mod faults;
mod groups;
mod people;
mod project;
mod projects;

use std::collections::BTreeMap;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    response::{Redirect, Response},
    routing::get,
};
use minijinja::{Value as Template, context};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Refusal,
    forms::{Fields, field},
    message, page,
    session::Viewer,
};
use crate::{App, access::Access, state::StateError};

/// Rows of one page of a list.
const ROWS: usize = 50;
/// Longest name of a person, a group or a project, in characters.
const NAME_MAX: usize = 255;
/// Largest form, in bytes.
const FORM_BYTES: usize = 64 * 1024;

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/sandbox/settings", get(|| async { Redirect::to(deliveries::HERE) }))
        .route("/sandbox/settings/faults", get(faults::show).post(faults::act))
        .route(deliveries::HERE, get(deliveries::list).post(deliveries::act))
        .route("/sandbox/settings/deliveries/{id}", get(deliveries::one))
        .route(people::HERE, get(people::list).post(people::add))
        .route("/sandbox/settings/people/{id}", get(people::one).post(people::act))
        .route(groups::HERE, get(groups::list).post(groups::act))
        .route(projects::HERE, get(projects::list).post(projects::add))
        .route("/sandbox/settings/projects/{key}", get(project::one).post(project::act))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
}

/// Only Jira's administrators see these pages.
fn admin(app: &App, viewer: &Viewer, title: &str) -> Result<(), Refusal> {
    if Access::new(&app.state.read(), &viewer.caller).site_admin() {
        return Ok(());
    }
    Err(message(app, viewer, StatusCode::FORBIDDEN, title, "Only Jira administrators can.").into())
}

/// What is wrong with a form, by field; beside no field stands what concerns it as a whole.
#[derive(Default)]
struct Mistakes(BTreeMap<&'static str, String>);

impl Mistakes {
    fn none(&self) -> bool {
        self.0.is_empty()
    }

    fn add(&mut self, name: &'static str, why: impl Into<String>) {
        self.0.entry(name).or_insert_with(|| why.into());
    }

    /// What the site refused.
    fn refused(&mut self, name: &'static str, error: StateError) {
        match error {
            StateError::NotFound => self.add(name, "It is no longer there."),
            StateError::Conflict(why) | StateError::Invalid(why) | StateError::Full(why) => self.add(name, why),
        }
    }

    /// A text that must be there, of so many characters at most.
    fn text(&mut self, fields: &Fields, name: &'static str, label: &str, max: usize) -> String {
        let value = field(fields, name);
        let length = value.chars().count();
        if length == 0 {
            self.add(name, format!("The {label} is missing."));
        } else if length > max {
            self.add(name, format!("The {label} may have {max} characters; this has {length}."));
        } else if value.chars().any(char::is_control) {
            self.add(name, format!("The {label} may have no line breaks or other control characters."));
        }
        value.to_owned()
    }
}

/// A settings page; with mistakes, it says that nothing was done.
fn shown(
    app: &App,
    viewer: &Viewer,
    template: &str,
    (typed, mistakes): (&Fields, &Mistakes),
    content: Template,
) -> Response {
    let content = context! {
        ..content,
        ..context! {
            typed => Template::from_pairs(typed.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
            mistakes => Template::from_pairs(mistakes.0.iter().map(|(name, why)| (*name, why.as_str()))),
        }
    };
    let mut response = page(app, viewer, template, content);
    if !mistakes.none() {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    response
}

/// Which page of a list, and what was done before it.
#[derive(Deserialize, Default)]
struct Paging {
    page: Option<usize>,
    #[serde(default)]
    done: String,
}

/// One page of what was found, with what the paging shows.
fn paged<T>(found: Vec<T>, page: Option<usize>) -> (Vec<T>, Template) {
    let total = found.len();
    let last = total.div_ceil(ROWS).max(1);
    let page = page.unwrap_or(1).clamp(1, last);
    let start = (page - 1) * ROWS;
    let rows: Vec<T> = found.into_iter().skip(start).take(ROWS).collect();
    let pages = context! { total, page, last, from => start + 1, until => start + rows.len() };
    (rows, pages)
}

/// A query for the links of a list's other pages.
fn base(name: &str, value: &str) -> String {
    if value.is_empty() {
        return String::new();
    }
    url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish() + "&"
}

/// What JSON says, as templates take it.
fn template(value: &Value) -> Template {
    match value {
        Value::Null => Template::from(()),
        Value::Bool(yes) => Template::from(*yes),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Template::from(whole),
            None => Template::from(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => Template::from(text.as_str()),
        Value::Array(items) => Template::from(items.iter().map(template).collect::<Vec<_>>()),
        Value::Object(object) => {
            Template::from_pairs(object.iter().map(|(name, value)| (name.as_str(), template(value))))
        }
    }
}
