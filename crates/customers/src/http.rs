//! One file an endpoint family: extract, act, reply. What is said in JSON is described here and nowhere else.

mod adding;
mod bulk;
mod bulk_actions;
mod changes;
mod copies;
mod duplicates;
mod entitlements;
mod exports;
mod fields;
mod imports;
mod issues;
mod lists;
mod panel;
mod people;
mod person;
mod portal;
mod products;
mod queries;
mod requests;
mod rows;
mod search;
mod sections;
mod settings;
mod type_changes;
mod values;
mod views;
mod webhooks;

use utoipa_axum::router::OpenApiRouter;

use crate::Room;

/// This room's routes, relative to /api/v1.
pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new()
        .merge(people::routes())
        .merge(person::routes())
        .merge(portal::routes())
        .merge(adding::routes())
        .merge(changes::routes())
        .merge(requests::routes())
        .merge(lists::routes())
        .merge(queries::routes())
        .merge(search::routes())
        .merge(exports::routes())
        .merge(fields::routes())
        .merge(type_changes::routes())
        .merge(sections::routes())
        .merge(products::routes())
        .merge(entitlements::routes())
        .merge(values::routes())
        .merge(rows::routes())
        .merge(bulk::routes())
        .merge(bulk_actions::routes())
        .merge(imports::routes())
        .merge(views::routes())
        .merge(duplicates::routes())
        .merge(panel::routes())
        .merge(settings::routes())
        .merge(webhooks::routes())
        .merge(issues::routes())
        .merge(copies::routes())
}
