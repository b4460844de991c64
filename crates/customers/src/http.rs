//! One file an endpoint family: extract, act, reply. What is said in JSON is described here and nowhere else.

mod bulk;
mod exports;
mod fields;
mod lists;
mod panel;
mod people;
mod queries;
mod sections;
mod settings;
mod values;

use utoipa_axum::router::OpenApiRouter;

use crate::Room;

/// This room's routes, relative to /api/v1.
pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new()
        .merge(people::routes())
        .merge(lists::routes())
        .merge(queries::routes())
        .merge(exports::routes())
        .merge(fields::routes())
        .merge(sections::routes())
        .merge(values::routes())
        .merge(bulk::routes())
        .merge(panel::routes())
        .merge(settings::routes())
}
