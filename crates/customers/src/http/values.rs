//! /customers/{accountId}/values and /history, and the same for organizations.

use std::collections::BTreeMap;

use axum::extract::State;
use kernel::{AccountId, OrganizationId, limits};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vault::Exit;
use web::{Caller, IfMatch, Json, Page, PageQuery, Path, Person, Problem, ProblemBody, Query, Reply};

use crate::Room;
use crate::actions::directory;
use crate::actions::directory::Names;
use crate::actions::values::{self, OpenChange, OpenValue, ValueSet, Written};
use crate::model::{Action, FieldId, Owner, Value};

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new()
        .routes(routes!(customer_values, customer_patch))
        .routes(routes!(customer_put))
        .routes(routes!(customer_history))
        .routes(routes!(customer_restore))
        .routes(routes!(organization_values, organization_patch))
        .routes(routes!(organization_put))
        .routes(routes!(organization_history))
        .routes(routes!(organization_restore))
}

/// Somebody.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PersonView {
    /// Their account.
    account_id: String,
    /// Their name, as Jira has it; null when Jira no longer says it.
    display_name: Option<String>,
}

impl PersonView {
    pub(crate) fn of(account: &AccountId, names: &Names, _exit: &Exit) -> Self {
        Self { account_id: account.to_string(), display_name: names.get(account).map(|name| name.peek().name.clone()) }
    }
}

/// A value as it stands.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ValueView {
    /// Of which field.
    field_id: String,
    /// The value, or null.
    value: Value,
    /// Changes with each change; the value's ETag is `"v<version>"`.
    version: i64,
    /// When it was last changed.
    updated_at: String,
    /// By whom.
    updated_by: PersonView,
}

impl ValueView {
    fn of(stored: OpenValue, names: &Names, exit: &Exit) -> Self {
        Self {
            field_id: stored.field.to_string(),
            value: stored.value.release(exit),
            version: stored.version,
            updated_at: stored.updated_at.to_string(),
            updated_by: PersonView::of(&stored.updated_by, names, exit),
        }
    }
}

/// All values of one customer or organization.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ValueSetView {
    /// Changes with each change of any of them; the ETag is `"v<version>"`.
    version: i64,
    /// The values that were ever written.
    values: Vec<ValueView>,
}

impl ValueSetView {
    pub(crate) fn of(set: ValueSet, names: &Names, exit: &Exit) -> Self {
        Self {
            version: set.version,
            values: set.values.into_iter().map(|value| ValueView::of(value, names, exit)).collect(),
        }
    }
}

/// Values to write.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ValuesInput {
    /// By field id; null empties.
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    values: BTreeMap<FieldId, Value>,
}

/// A value to write.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ValueInput {
    /// The value; null empties.
    value: Value,
}

/// What stands, of the values that were to be written.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ConflictsView {
    conflicts: Vec<ValueView>,
}

/// What stands instead of the value that was to be written.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CurrentView {
    current: Option<ValueView>,
}

/// One change of one value.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChangeView {
    /// Names the change.
    id: String,
    /// Of which field.
    field_id: String,
    /// The field's name.
    field_name: String,
    /// What it was.
    from: Value,
    /// What it became.
    to: Value,
    /// When.
    at: String,
    /// By whom.
    by: PersonView,
    /// How.
    action: Action,
}

/// Which changes.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HistoryQuery {
    /// Only changes of this field.
    #[param(value_type = Option<String>)]
    field_id: Option<FieldId>,
}

async fn read(room: &Room, caller: Caller, owner: Owner) -> Result<Reply, Problem> {
    let set = values::read_values(&caller.cx, room, &owner).await?;
    let names = authors(room, &caller, set.values.iter().map(|value| &value.updated_by)).await?;
    let version = set.version;
    Ok(Reply::ok(|exit| ValueSetView::of(set, &names, exit)).version(version))
}

pub(crate) async fn authors<'a>(
    room: &Room,
    caller: &Caller,
    accounts: impl Iterator<Item = &'a AccountId>,
) -> Result<Names, Problem> {
    let accounts: Vec<AccountId> = accounts.cloned().collect();
    Ok(directory::names(&caller.cx, room, &accounts).await?)
}

async fn patch(
    room: &Room,
    caller: Caller,
    owner: Owner,
    before: IfMatch,
    input: ValuesInput,
) -> Result<Reply, Problem> {
    values::reach(&caller.cx, room, &owner, crate::model::Permission::Edit).await?;
    match values::write_values(&caller.cx, room, &owner, before.required()?, input.values).await? {
        Written::Done(set) => {
            let names = authors(room, &caller, set.values.iter().map(|value| &value.updated_by)).await?;
            let version = set.version;
            Ok(Reply::ok(|exit| ValueSetView::of(set, &names, exit)).version(version))
        }
        Written::Conflict(standing) => {
            let names = authors(room, &caller, standing.iter().map(|value| &value.updated_by)).await?;
            Ok(Reply::conflict(CONFLICT, caller.cx.request(), |exit| ConflictsView {
                conflicts: standing.into_iter().map(|value| ValueView::of(value, &names, exit)).collect(),
            }))
        }
    }
}

const CONFLICT: &str =
    "Somebody changed this since you opened it. Nothing of yours was written; what stands now is in this answer.";

async fn written(room: &Room, caller: &Caller, written: Written<OpenValue>) -> Result<Reply, Problem> {
    match written {
        Written::Done(value) => {
            let names = authors(room, caller, std::iter::once(&value.updated_by)).await?;
            let version = value.version;
            Ok(Reply::ok(|exit| ValueView::of(value, &names, exit)).version(version))
        }
        Written::Conflict(standing) => {
            let names = authors(room, caller, standing.iter().map(|value| &value.updated_by)).await?;
            Ok(Reply::conflict(CONFLICT, caller.cx.request(), |exit| CurrentView {
                current: standing.into_iter().next().map(|value| ValueView::of(value, &names, exit)),
            }))
        }
    }
}

async fn put(
    room: &Room,
    caller: Caller,
    owner: Owner,
    field: FieldId,
    before: IfMatch,
    input: ValueInput,
) -> Result<Reply, Problem> {
    values::reach(&caller.cx, room, &owner, crate::model::Permission::Edit).await?;
    let outcome = values::write_value(&caller.cx, room, &owner, field, before.required()?, input.value).await?;
    written(room, &caller, outcome).await
}

async fn history(
    room: &Room,
    caller: Caller,
    owner: Owner,
    query: HistoryQuery,
    page: PageQuery,
) -> Result<Reply, Problem> {
    let before = match &page.cursor {
        None => i64::MAX,
        Some(cursor) => cursor
            .parse()
            .map_err(|_| kernel::Fault::invalid_field("/cursor", "format", "Send `nextCursor` as it was answered."))?,
    };
    let limit = page.limit()?.min(limits::PAGE_MAX);
    let (changes, fields, next) = values::read_history(&caller.cx, room, &owner, query.field_id, before, limit).await?;
    let names = authors(room, &caller, changes.iter().map(|change| &change.by)).await?;
    Ok(Reply::ok(|exit| Page {
        items: changes
            .into_iter()
            .map(|entry: OpenChange| {
                let change = entry.change.release(exit);
                ChangeView {
                    id: entry.id.to_string(),
                    field_id: entry.field.to_string(),
                    field_name: fields
                        .get(&entry.field)
                        .map(|field| field.body.peek().name.clone())
                        .unwrap_or_default(),
                    from: change.from,
                    to: change.to,
                    at: entry.at.to_string(),
                    by: PersonView::of(&entry.by, &names, exit),
                    action: entry.action,
                }
            })
            .collect(),
        next_cursor: next.map(|id| id.to_string()),
    }))
}

async fn restore(room: &Room, caller: Caller, owner: Owner, change: i64, before: IfMatch) -> Result<Reply, Problem> {
    values::reach(&caller.cx, room, &owner, crate::model::Permission::Edit).await?;
    let outcome = values::restore_value(&caller.cx, room, &owner, change, before.required()?).await?;
    written(room, &caller, outcome).await
}

macro_rules! endpoints {
    ($owner:ident, $id:ty, $tag:literal, $param:literal, $base:literal,
     $values:ident $values_title:literal, $patch:ident $patch_title:literal, $put:ident $put_title:literal,
     $history:ident $history_title:literal, $restore:ident $restore_title:literal) => {
        #[doc = $values_title]
        #[utoipa::path(get, path = concat!($base, "/values"), tag = $tag, params(($param = String, Path)),
            responses((status = 200, body = ValueSetView), (status = 401, body = ProblemBody), (status = 404, body = ProblemBody)))]
        async fn $values(State(room): State<Room>, Person(caller): Person, Path(id): Path<$id>) -> Result<Reply, Problem> {
            read(&room, caller, Owner::$owner(id)).await
        }

        #[doc = $patch_title]
        #[doc = ""]
        #[doc = "All or none are written. `If-Match` takes the ETag of the whole set; 412 tells what stands now."]
        #[utoipa::path(patch, path = concat!($base, "/values"), tag = $tag, request_body = ValuesInput,
            params(($param = String, Path), ("If-Match" = String, Header, description = "ETag of the value set")),
            responses((status = 200, body = ValueSetView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
                (status = 404, body = ProblemBody), (status = 412, body = ProblemBody), (status = 422, body = ProblemBody), (status = 428, body = ProblemBody)))]
        async fn $patch(State(room): State<Room>, Person(caller): Person, Path(id): Path<$id>, before: IfMatch, Json(input): Json<ValuesInput>) -> Result<Reply, Problem> {
            patch(&room, caller, Owner::$owner(id), before, input).await
        }

        #[doc = $put_title]
        #[doc = ""]
        #[doc = "`If-Match` takes the value's own ETag, `\"v0\"` if it was never written; 412 tells what stands now."]
        #[utoipa::path(put, path = concat!($base, "/values/{fieldId}"), tag = $tag, request_body = ValueInput,
            params(($param = String, Path), ("fieldId" = String, Path), ("If-Match" = String, Header, description = "ETag of the value")),
            responses((status = 200, body = ValueView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
                (status = 404, body = ProblemBody), (status = 412, body = ProblemBody), (status = 422, body = ProblemBody), (status = 428, body = ProblemBody)))]
        async fn $put(State(room): State<Room>, Person(caller): Person, Path((id, field)): Path<($id, FieldId)>, before: IfMatch, Json(input): Json<ValueInput>) -> Result<Reply, Problem> {
            put(&room, caller, Owner::$owner(id), field, before, input).await
        }

        #[doc = $history_title]
        #[utoipa::path(get, path = concat!($base, "/history"), tag = $tag, params(($param = String, Path), HistoryQuery, PageQuery),
            responses((status = 200, body = Page<ChangeView>), (status = 401, body = ProblemBody), (status = 404, body = ProblemBody)))]
        async fn $history(State(room): State<Room>, Person(caller): Person, Path(id): Path<$id>, Query(query): Query<HistoryQuery>, Query(page): Query<PageQuery>) -> Result<Reply, Problem> {
            history(&room, caller, Owner::$owner(id), query, page).await
        }

        #[doc = $restore_title]
        #[doc = ""]
        #[doc = "Sets the field back to what that change made of it. `If-Match` takes the value's ETag."]
        #[utoipa::path(post, path = concat!($base, "/history/{changeId}/restore"), tag = $tag,
            params(($param = String, Path), ("changeId" = String, Path), ("If-Match" = String, Header, description = "ETag of the value")),
            responses((status = 200, body = ValueView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
                (status = 404, body = ProblemBody), (status = 412, body = ProblemBody), (status = 422, body = ProblemBody), (status = 428, body = ProblemBody)))]
        async fn $restore(State(room): State<Room>, Person(caller): Person, Path((id, change)): Path<($id, i64)>, before: IfMatch) -> Result<Reply, Problem> {
            restore(&room, caller, Owner::$owner(id), change, before).await
        }
    };
}

endpoints!(Customer, AccountId, "customers", "accountId", "/customers/{accountId}",
    customer_values "Read a customer's values", customer_patch "Write some of a customer's values",
    customer_put "Write one of a customer's values", customer_history "List changes of a customer's values",
    customer_restore "Restore a customer's value from a change");

endpoints!(Organization, OrganizationId, "organizations", "organizationId", "/organizations/{organizationId}",
    organization_values "Read an organization's values", organization_patch "Write some of an organization's values",
    organization_put "Write one of an organization's values", organization_history "List changes of an organization's values",
    organization_restore "Restore an organization's value from a change");
