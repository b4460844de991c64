//! /customers/values:bulk, and the same for organizations.

use std::collections::BTreeMap;

use axum::extract::State;
use kernel::{AccountId, Cx, Fault, OrganizationId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Json, Principal, Problem, ProblemBody, Reply, scope, version_of_etag};

use crate::Room;
use crate::actions::bulk::{self, Item};
use crate::model::{Entity, FieldId, Owner, Value};

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new().routes(routes!(customers_bulk)).routes(routes!(organizations_bulk))
}

/// Values of one customer.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CustomerItem {
    /// Whose.
    #[schema(value_type = String)]
    account_id: AccountId,
    /// By field id; null empties. What is not named stays as it is.
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    values: BTreeMap<FieldId, Value>,
    /// The ETag of the set that you read; left out, whatever stands is written over, and history keeps it.
    #[schema(example = "\"v12\"")]
    if_match: Option<String>,
}

/// Values of many customers: at most 1,000 items, and 5,000 values together.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CustomersBulk {
    /// One for each customer.
    #[schema(max_items = 1000)]
    items: Vec<CustomerItem>,
}

/// Values of one organization.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OrganizationItem {
    /// Whose.
    #[schema(value_type = String)]
    organization_id: OrganizationId,
    /// By field id; null empties. What is not named stays as it is.
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    values: BTreeMap<FieldId, Value>,
    /// The ETag of the set that you read; left out, whatever stands is written over, and history keeps it.
    #[schema(example = "\"v12\"")]
    if_match: Option<String>,
}

/// Values of many organizations: at most 1,000 items, and 5,000 values together.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OrganizationsBulk {
    /// One for each organization.
    #[schema(max_items = 1000)]
    items: Vec<OrganizationItem>,
}

/// What became of one item.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BulkOutcome {
    /// The item's `accountId` or `organizationId`.
    id: String,
    /// The status that a request of its own would have had: 200, 404, 412, 422 or 503.
    status: u16,
    /// The version of the set that stands now; left out where nothing was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<i64>,
    /// Why nothing was written. Pointers go from the item on; at most ten errors are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<ProblemBody>,
}

/// What became of each item, in the order of the request.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BulkView {
    /// Items whose values stand now as they were sent.
    written: usize,
    /// Items of which nothing was written.
    refused: usize,
    /// The items.
    items: Vec<BulkOutcome>,
}

fn item(owner: Owner, values: BTreeMap<FieldId, Value>, if_match: Option<&str>, place: usize) -> Result<Item, Fault> {
    let before = match if_match {
        None => None,
        Some(text) => Some(version_of_etag(text).ok_or_else(|| {
            let pointer = format!("/items/{place}/ifMatch");
            Fault::invalid_field(pointer, "format", "Send the ETag as it was answered, such as \"v12\".")
        })?),
    };
    Ok(Item { owner, before, wanted: values })
}

async fn write(room: &Room, cx: &Cx, entity: Entity, items: Vec<Item>) -> Result<Reply, Problem> {
    let outcomes = bulk::write_bulk(cx, room, entity, &items).await?;
    let written = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    Ok(Reply::ok(|_| BulkView {
        written,
        refused: outcomes.len() - written,
        items: items
            .iter()
            .zip(outcomes)
            .map(|(item, outcome)| {
                let id = item.owner.id().to_owned();
                match outcome {
                    Ok(version) => BulkOutcome { id, status: 200, version: Some(version), problem: None },
                    Err(fault) => {
                        let problem = ProblemBody::of(&fault, None);
                        BulkOutcome { id, status: problem.status, version: None, problem: Some(problem) }
                    }
                }
            })
            .collect(),
    }))
}

/// Write values of many customers
///
/// Each item is written whole or not at all, and one that is refused keeps no other back: look at each item's status.
#[utoipa::path(post, path = "/customers/values:bulk", tag = "customers", request_body = CustomersBulk,
    security(("token" = ["customers:write"]), ("bearer" = []), ("session" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes it be done once, however often it is sent")),
    responses((status = 200, body = BulkView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 409, body = ProblemBody), (status = 413, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn customers_bulk(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::CustomersWrite>,
    Json(input): Json<CustomersBulk>,
) -> Result<Reply, Problem> {
    let items = input.items.into_iter().enumerate();
    let items: Result<Vec<Item>, Fault> = items
        .map(|(at, sent)| item(Owner::Customer(sent.account_id), sent.values, sent.if_match.as_deref(), at))
        .collect();
    write(&room, &cx, Entity::Customer, items?).await
}

/// Write values of many organizations
///
/// Each item is written whole or not at all, and one that is refused keeps no other back: look at each item's status.
#[utoipa::path(post, path = "/organizations/values:bulk", tag = "organizations", request_body = OrganizationsBulk,
    security(("token" = ["organizations:write"]), ("bearer" = []), ("session" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes it be done once, however often it is sent")),
    responses((status = 200, body = BulkView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 409, body = ProblemBody), (status = 413, body = ProblemBody), (status = 422, body = ProblemBody)))]
#[web::boxed]
async fn organizations_bulk(
    State(room): State<Room>,
    Principal { cx, .. }: Principal<scope::OrganizationsWrite>,
    Json(input): Json<OrganizationsBulk>,
) -> Result<Reply, Problem> {
    let items = input.items.into_iter().enumerate();
    let items: Result<Vec<Item>, Fault> = items
        .map(|(at, sent)| item(Owner::Organization(sent.organization_id), sent.values, sent.if_match.as_deref(), at))
        .collect();
    write(&room, &cx, Entity::Organization, items?).await
}
