//! The site's configuration: serverInfo, fields, priorities, statuses, issue types, resolutions, labels.

use std::collections::BTreeSet;

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::get,
};
use serde_json::{Value, json};

use super::{
    Shape,
    error::ApiError,
    issue_shape::SYSTEM_FIELDS,
    request::{Params, page_bean},
};
use crate::{
    App,
    auth::Caller,
    state::model::{CustomField, FieldKind, StatusCategory},
};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rest/api/3/serverInfo", get(server_info))
        .route("/rest/api/3/field", get(fields))
        .route("/rest/api/3/priority", get(priorities))
        .route("/rest/api/3/status", get(statuses))
        .route("/rest/api/3/status/{idOrName}", get(status))
        .route("/rest/api/3/statuscategory", get(categories))
        .route("/rest/api/3/issuetype", get(issue_types))
        .route("/rest/api/3/resolution", get(resolutions))
        .route("/rest/api/3/label", get(labels))
}

/// The site's id, for anybody: outside the API's documents, limits and scopes.
pub(super) async fn tenant_info(State(app): State<App>) -> Json<Value> {
    Json(json!({"cloudId": app.state.cloud_id()}))
}

async fn server_info(State(app): State<App>, caller: Caller) -> Json<Value> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let url = app.state.site_url();
    Json(json!({
        "baseUrl": url,
        "displayUrl": url,
        "displayUrlServicedeskHelpCenter": format!("{url}/servicedesk/customer"),
        "version": "1001.0.0-SNAPSHOT",
        "versionNumbers": [1001, 0, 0],
        "deploymentType": "Cloud",
        "buildNumber": 100_286,
        "buildDate": "2026-11-01T00:00:00.000+0000",
        "serverTime": shape.instant(app.state.now()),
        "scmInfo": "0000000000000000000000000000000000000000",
        "serverTitle": app.state.site_name(),
        "serverTimeZone": "Etc/UTC",
    }))
}

/// The type of a custom field.
pub(super) fn custom_schema(field: &CustomField) -> Value {
    let (kind, items, key) = match field.kind {
        FieldKind::Text => ("string", None, "com.atlassian.jira.plugin.system.customfieldtypes:textfield"),
        FieldKind::Paragraph => ("string", None, "com.atlassian.jira.plugin.system.customfieldtypes:textarea"),
        FieldKind::Number => ("number", None, "com.atlassian.jira.plugin.system.customfieldtypes:float"),
        FieldKind::Date => ("date", None, "com.atlassian.jira.plugin.system.customfieldtypes:datepicker"),
        FieldKind::Select => ("option", None, "com.atlassian.jira.plugin.system.customfieldtypes:select"),
        FieldKind::Users => ("array", Some("user"), "com.atlassian.servicedesk:sd-request-participants"),
        FieldKind::Organizations => {
            ("array", Some("sd-customerorganization"), "com.atlassian.servicedesk:sd-customer-organizations")
        }
        FieldKind::RequestType => ("sd-customerrequesttype", None, "com.atlassian.servicedesk:vp-origin"),
    };
    let number: u64 = field.id.trim_start_matches("customfield_").parse().unwrap_or_default();
    match items {
        Some(items) => json!({"type": kind, "items": items, "custom": key, "customId": number}),
        None => json!({"type": kind, "custom": key, "customId": number}),
    }
}

async fn fields(State(app): State<App>) -> Json<Value> {
    let store = app.state.read();
    let mut all: Vec<Value> = SYSTEM_FIELDS
        .iter()
        .map(|(id, name, kind)| {
            json!({
                "id": id, "key": id, "name": name, "custom": false, "orderable": true,
                "navigable": true, "searchable": true, "clauseNames": [id],
                "schema": {"type": kind, "system": id},
            })
        })
        .collect();
    all.extend(store.custom_fields.values().map(|field| {
        let number = field.id.trim_start_matches("customfield_");
        json!({
            "id": field.id, "key": field.id, "name": field.name, "custom": true,
            "orderable": true, "navigable": true, "searchable": true,
            "clauseNames": [format!("cf[{number}]"), field.name],
            "schema": custom_schema(field),
        })
    }));
    Json(json!(all))
}

async fn priorities(State(app): State<App>, caller: Caller) -> Json<Value> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let list: Vec<Value> = store
        .priorities
        .values()
        .map(|p| {
            let mut value = shape.priority(p);
            if let Some(object) = value.as_object_mut() {
                object.insert("statusColor".to_owned(), json!(p.colour));
                object.insert("description".to_owned(), json!(p.description));
            }
            value
        })
        .collect();
    Json(json!(list))
}

async fn statuses(State(app): State<App>, caller: Caller) -> Json<Value> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    Json(store.statuses.values().map(|s| shape.status(s)).collect())
}

async fn status(
    State(app): State<App>,
    caller: Caller,
    Path(id_or_name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    store
        .statuses
        .values()
        .find(|s| s.id == id_or_name || s.name.eq_ignore_ascii_case(&id_or_name))
        .map(|s| Json(shape.status(s)))
        .ok_or_else(|| ApiError::not_found("The status does not exist."))
}

async fn categories(State(app): State<App>, caller: Caller) -> Json<Value> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    Json(StatusCategory::ALL.into_iter().map(|c| shape.status_category(c)).collect())
}

async fn issue_types(State(app): State<App>, caller: Caller) -> Json<Value> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    Json(store.issue_types.values().map(|t| shape.issue_type(t)).collect())
}

async fn resolutions(State(app): State<App>, caller: Caller) -> Json<Value> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    Json(store.resolutions.values().map(|r| shape.resolution(r)).collect())
}

async fn labels(State(app): State<App>, caller: Caller, params: Params) -> Result<Json<Value>, ApiError> {
    let (start, size) = params.page(1000, 1000)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let labels: BTreeSet<&String> =
        store.issues.values().filter(|i| shape.access.browse(i)).flat_map(|i| &i.labels).collect();
    let values = labels.into_iter().map(|l| json!(l)).collect();
    Ok(Json(page_bean(&shape.url("label"), values, start, size)))
}
