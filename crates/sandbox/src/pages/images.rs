//! Avatars and icons, whose addresses the APIs give out too.

use axum::{
    extract::{Path, State as Shared},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{avatar, document::escape};
use crate::App;

pub(super) async fn user(Shared(app): Shared<App>, Path(id): Path<String>) -> Response {
    let name = app.state.read().account(&id).map(|account| account.display_name.clone());
    name.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |name| svg(avatar::svg(&id, &name)))
}

pub(super) async fn project(Shared(app): Shared<App>, Path(id): Path<String>) -> Response {
    let key = app.state.read().projects.get(&id).map(|project| project.key.clone());
    key.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |key| svg(avatar::tile(&id, &key)))
}

pub(super) async fn issue_type(Shared(app): Shared<App>, Path(id): Path<String>) -> Response {
    let known = app.state.read().issue_types.get(&id).map(|kind| kind.name.clone());
    let Some(name) = known else { return StatusCode::NOT_FOUND.into_response() };
    let (colour, shape) = match name.as_str() {
        "Incident" => {
            ("#C9372C", "<path d=\"M8 4v5M8 11.5v.5\" stroke=\"#fff\" stroke-width=\"2\" stroke-linecap=\"round\"/>")
        }
        "Bug" => ("#C9372C", "<circle cx=\"8\" cy=\"8\" r=\"3\" fill=\"#fff\"/>"),
        "Question" => (
            "#5E4DB2",
            "<path d=\"M6 6.2a2 2 0 1 1 2.6 2c-.5.2-.6.5-.6 1M8 11.5v.3\" stroke=\"#fff\" stroke-width=\"1.6\" fill=\"none\" stroke-linecap=\"round\"/>",
        ),
        "Epic" => ("#5E4DB2", "<path d=\"M9 3 5 8.7h3L7 13l4-5.7H8z\" fill=\"#fff\"/>"),
        "Story" => ("#1F845A", "<path d=\"M5.5 4h5v8L8 9.8 5.5 12z\" fill=\"#fff\"/>"),
        "Change" => (
            "#974F0C",
            "<path d=\"M4.5 6.5h6L9 5M11.5 9.5h-6L7 11\" stroke=\"#fff\" stroke-width=\"1.6\" fill=\"none\"/>",
        ),
        _ => ("#0C66E4", "<path d=\"m4.8 8.2 2.2 2.2 4.2-4.6\" stroke=\"#fff\" stroke-width=\"1.8\" fill=\"none\"/>"),
    };
    svg(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\" width=\"16\" height=\"16\">\
         <rect width=\"16\" height=\"16\" rx=\"3\" fill=\"{colour}\"/>{shape}</svg>"
    ))
}

pub(super) async fn priority(Shared(app): Shared<App>, Path(id): Path<String>) -> Response {
    let known = app.state.read().priorities.get(&id).map(|priority| priority.colour.clone());
    let Some(colour) = known else { return StatusCode::NOT_FOUND.into_response() };
    let mut safe = String::new();
    escape(&colour, &mut safe);
    let path = match id.as_str() {
        "1" => "M4 8.5 8 5l4 3.5M4 12.5 8 9l4 3.5",
        "2" => "M4 10 8 6.5l4 3.5",
        "4" => "M4 6.5 8 10l4-3.5",
        "5" => "M4 4 8 7.5 12 4M4 8 8 11.5 12 8",
        _ => "M4 6.5h8M4 9.5h8",
    };
    svg(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\" width=\"16\" height=\"16\">\
         <path d=\"{path}\" stroke=\"{safe}\" stroke-width=\"2\" fill=\"none\" stroke-linecap=\"round\"/></svg>"
    ))
}

fn svg(picture: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, "private, max-age=600"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, picture).into_response()
}
