//! /customers/{accountId}/values and /history, and the same for organizations.

use std::collections::BTreeMap;

use axum::extract::State;
use kernel::{AccountId, Cx, OrganizationId, TokenId, limits};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vault::{Exit, Open};
use web::{IfMatch, Json, Page, PageQuery, Path, Principal, Problem, ProblemBody, Query, Reply, Way, scope};

use crate::Room;
use crate::actions::directory::Names;
use crate::actions::reach::reach;
use crate::actions::turned::Turned;
use crate::actions::values::{self, OpenChange, OpenValue, ValueSet, Written};
use crate::actions::{access, directory, history};
use crate::model::{Action, Author, FieldId, ImportId, Owner, Value};
use crate::sql;

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

/// Somebody, or an API token.
#[derive(Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuthorView {
    /// Their account; null for an API token.
    account_id: Option<String>,
    /// The API token; left out for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_id: Option<String>,
    /// The import that they made it with; left out where they wrote it themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    import_id: Option<String>,
    /// The bulk action that they made it with; left out where they wrote it themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    bulk_action_id: Option<String>,
    /// Their name, as Jira has it, or the token's; null when Jira no longer says it, and where a token's name is not
    /// the reader's business.
    display_name: Option<String>,
}

/// Names of those who wrote something.
pub(crate) struct Authors {
    people: Names,
    tokens: BTreeMap<TokenId, Open<String>>,
    /// Who began each import and each bulk action.
    batches: BTreeMap<ImportId, Author>,
}

impl AuthorView {
    pub(crate) fn of(author: &Author, authors: &Authors, _exit: &Exit) -> Self {
        let (view, batch) = match author {
            Author::Import(id) => (Self { import_id: Some(id.to_string()), ..Self::default() }, Some(id)),
            Author::BulkAction(id) => (Self { bulk_action_id: Some(id.to_string()), ..Self::default() }, Some(id)),
            Author::Person(_) | Author::Token(_) => (Self::default(), None),
        };
        match batch.and_then(|id| authors.batches.get(id)).unwrap_or(author) {
            Author::Person(account) => Self {
                account_id: Some(account.to_string()),
                display_name: authors.people.get(account).map(|name| name.peek().name.clone()),
                ..view
            },
            Author::Token(id) => Self {
                token_id: Some(id.to_string()),
                display_name: authors.tokens.get(id).map(|name| name.peek().clone()),
                ..view
            },
            Author::Import(_) | Author::BulkAction(_) => view,
        }
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
    updated_by: AuthorView,
}

impl ValueView {
    pub(crate) fn of(stored: OpenValue, authors: &Authors, exit: &Exit) -> Self {
        Self {
            field_id: stored.field.to_string(),
            value: stored.value.release(exit),
            version: stored.version,
            updated_at: stored.updated_at.to_string(),
            updated_by: AuthorView::of(&stored.updated_by, authors, exit),
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
    pub(crate) fn of(set: ValueSet, authors: &Authors, exit: &Exit) -> Self {
        Self {
            version: set.version,
            values: set.values.into_iter().map(|value| ValueView::of(value, authors, exit)).collect(),
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
    /// What it was, as people read it, where the field was of another type then; else left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    from_text: Option<String>,
    /// What it became, in the same way.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_text: Option<String>,
    /// When.
    at: String,
    /// By whom.
    by: AuthorView,
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

async fn read(room: &Room, cx: &Cx, owner: Owner) -> Result<Reply, Problem> {
    let set = values::read_values(cx, room, &owner).await?;
    let authors = authors(cx, room, set.values.iter().map(|value| &value.updated_by)).await?;
    let version = set.version;
    let shown = Reply::shown(Way::Page, |exit| ValueSetView::of(set, &authors, exit));
    Ok(shown.recorded(cx, &room.shared).await?.version(version))
}

pub(crate) async fn authors<'a>(
    cx: &Cx,
    room: &Room,
    all: impl Iterator<Item = &'a Author>,
) -> Result<Authors, Problem> {
    let (mut people, mut tokens, mut batches) = (Vec::new(), Vec::new(), BTreeMap::new());
    for author in all {
        let author = match author {
            Author::Import(id) | Author::BulkAction(id) => match batches.get(id).cloned() {
                Some(began) => began,
                None => {
                    let batch = sql::import_get(&mut room.shared.store.read(cx).await?, *id).await?;
                    let began = batch.map_or_else(|| author.clone(), |batch| batch.author);
                    batches.insert(*id, began.clone());
                    began
                }
            },
            Author::Person(_) | Author::Token(_) => author.clone(),
        };
        match author {
            Author::Person(account) => people.push(account),
            Author::Token(id) => tokens.push(id),
            Author::Import(_) | Author::BulkAction(_) => {}
        }
    }
    // What the support team's people, and scripts, are called is nothing for customers: they know themselves.
    let standing = cx.standing();
    let works_here = cx.token().is_some() || standing.agent || standing.admin;
    let told = works_here || !access::permissions_about_any(cx, room).await?.is_empty();
    people.retain(|account| told || Some(account) == cx.person());
    Ok(Authors {
        people: directory::names(cx, room, &people).await?,
        tokens: if told && !tokens.is_empty() {
            web::token_names(&room.shared, cx, tokens).await?
        } else {
            BTreeMap::new()
        },
        batches,
    })
}

async fn patch(room: &Room, cx: &Cx, owner: Owner, before: IfMatch, input: ValuesInput) -> Result<Reply, Problem> {
    reach(cx, room, &owner, crate::model::Permission::Edit).await?;
    match values::write_values(cx, room, &owner, before.required()?, input.values).await? {
        Written::Done(set) => {
            let authors = authors(cx, room, set.values.iter().map(|value| &value.updated_by)).await?;
            let version = set.version;
            let shown = Reply::shown(Way::Page, |exit| ValueSetView::of(set, &authors, exit));
            Ok(shown.recorded(cx, &room.shared).await?.version(version))
        }
        Written::Conflict(standing) => {
            let authors = authors(cx, room, standing.iter().map(|value| &value.updated_by)).await?;
            let shown = Reply::conflict_shown(Way::Page, CONFLICT, cx.request(), |exit| ConflictsView {
                conflicts: standing.into_iter().map(|value| ValueView::of(value, &authors, exit)).collect(),
            });
            Ok(shown.recorded(cx, &room.shared).await?)
        }
    }
}

const CONFLICT: &str =
    "Somebody changed this since you opened it. Nothing of yours was written; what stands now is in this answer.";

async fn written(room: &Room, cx: &Cx, written: Written<OpenValue>) -> Result<Reply, Problem> {
    match written {
        Written::Done(value) => {
            let authors = authors(cx, room, std::iter::once(&value.updated_by)).await?;
            let version = value.version;
            let shown = Reply::shown(Way::Page, |exit| ValueView::of(value, &authors, exit));
            Ok(shown.recorded(cx, &room.shared).await?.version(version))
        }
        Written::Conflict(standing) => {
            let authors = authors(cx, room, standing.iter().map(|value| &value.updated_by)).await?;
            let shown = Reply::conflict_shown(Way::Page, CONFLICT, cx.request(), |exit| CurrentView {
                current: standing.into_iter().next().map(|value| ValueView::of(value, &authors, exit)),
            });
            Ok(shown.recorded(cx, &room.shared).await?)
        }
    }
}

async fn put(
    room: &Room,
    cx: &Cx,
    owner: Owner,
    field: FieldId,
    before: IfMatch,
    input: ValueInput,
) -> Result<Reply, Problem> {
    reach(cx, room, &owner, crate::model::Permission::Edit).await?;
    let outcome = values::write_value(cx, room, &owner, field, before.required()?, input.value).await?;
    written(room, cx, outcome).await
}

async fn read_changes(
    room: &Room,
    cx: &Cx,
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
    let (changes, fields, next) = history::read_history(cx, room, &owner, query.field_id, before, limit).await?;
    let authors = authors(cx, room, changes.iter().map(|change| &change.by)).await?;
    let turned = Turned::of(fields.values());
    let shown = Reply::shown(Way::History, |exit| Page {
        items: changes
            .into_iter()
            .map(|entry: OpenChange| {
                let change = entry.change.release(exit);
                let (from_text, to_text) = turned.then(entry.field, (entry.id, entry.action), &change);
                ChangeView {
                    id: entry.id.to_string(),
                    field_id: entry.field.to_string(),
                    field_name: fields
                        .get(&entry.field)
                        .map(|field| field.body.peek().name.clone())
                        .unwrap_or_default(),
                    from: change.from,
                    to: change.to,
                    from_text,
                    to_text,
                    at: entry.at.to_string(),
                    by: AuthorView::of(&entry.by, &authors, exit),
                    action: entry.action,
                }
            })
            .collect(),
        next_cursor: next.map(|id| id.to_string()),
    });
    Ok(shown.recorded(cx, &room.shared).await?)
}

async fn restore(room: &Room, cx: &Cx, owner: Owner, change: i64, before: IfMatch) -> Result<Reply, Problem> {
    reach(cx, room, &owner, crate::model::Permission::Edit).await?;
    let outcome = history::restore_value(cx, room, &owner, change, before.required()?).await?;
    written(room, cx, outcome).await
}

macro_rules! endpoints {
    ($owner:ident, $id:ty, $tag:literal, $param:literal, $base:literal, $read:ident $read_scope:literal, $write:ident $write_scope:literal,
     $values:ident $values_title:literal, $patch:ident $patch_title:literal, $put:ident $put_title:literal,
     $history:ident $history_title:literal, $restore:ident $restore_title:literal) => {
        #[doc = $values_title]
        #[utoipa::path(get, path = concat!($base, "/values"), tag = $tag, security(("token" = [$read_scope]), ("bearer" = []), ("session" = [])), params(($param = String, Path)),
            responses((status = 200, body = ValueSetView), (status = 401, body = ProblemBody), (status = 404, body = ProblemBody)))]
        #[web::boxed]
        async fn $values(State(room): State<Room>, Principal { cx, .. }: Principal<scope::$read>, Path(id): Path<$id>) -> Result<Reply, Problem> {
            read(&room, &cx, Owner::$owner(id)).await
        }

        #[doc = $patch_title]
        #[doc = ""]
        #[doc = "All or none are written. `If-Match` takes the ETag of the whole set; 412 tells what stands now."]
        #[utoipa::path(patch, path = concat!($base, "/values"), tag = $tag, security(("token" = [$write_scope]), ("bearer" = []), ("session" = [])), request_body = ValuesInput,
            params(($param = String, Path), ("If-Match" = String, Header, description = "ETag of the value set")),
            responses((status = 200, body = ValueSetView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
                (status = 404, body = ProblemBody), (status = 412, body = ProblemBody), (status = 422, body = ProblemBody), (status = 428, body = ProblemBody)))]
        #[web::boxed]
        async fn $patch(State(room): State<Room>, Principal { cx, .. }: Principal<scope::$write>, Path(id): Path<$id>, before: IfMatch, Json(input): Json<ValuesInput>) -> Result<Reply, Problem> {
            patch(&room, &cx, Owner::$owner(id), before, input).await
        }

        #[doc = $put_title]
        #[doc = ""]
        #[doc = "`If-Match` takes the value's own ETag, `\"v0\"` if it was never written; 412 tells what stands now."]
        #[utoipa::path(put, path = concat!($base, "/values/{fieldId}"), tag = $tag, security(("token" = [$write_scope]), ("bearer" = []), ("session" = [])), request_body = ValueInput,
            params(($param = String, Path), ("fieldId" = String, Path), ("If-Match" = String, Header, description = "ETag of the value")),
            responses((status = 200, body = ValueView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
                (status = 404, body = ProblemBody), (status = 412, body = ProblemBody), (status = 422, body = ProblemBody), (status = 428, body = ProblemBody)))]
        #[web::boxed]
        async fn $put(State(room): State<Room>, Principal { cx, .. }: Principal<scope::$write>, Path((id, field)): Path<($id, FieldId)>, before: IfMatch, Json(input): Json<ValueInput>) -> Result<Reply, Problem> {
            put(&room, &cx, Owner::$owner(id), field, before, input).await
        }

        #[doc = $history_title]
        #[utoipa::path(get, path = concat!($base, "/history"), tag = $tag, security(("token" = [$read_scope]), ("bearer" = []), ("session" = [])), params(($param = String, Path), HistoryQuery, PageQuery),
            responses((status = 200, body = Page<ChangeView>), (status = 401, body = ProblemBody), (status = 404, body = ProblemBody)))]
        #[web::boxed]
        async fn $history(State(room): State<Room>, Principal { cx, .. }: Principal<scope::$read>, Path(id): Path<$id>, Query(query): Query<HistoryQuery>, Query(page): Query<PageQuery>) -> Result<Reply, Problem> {
            read_changes(&room, &cx, Owner::$owner(id), query, page).await
        }

        #[doc = $restore_title]
        #[doc = ""]
        #[doc = "Sets the field back to what that change made of it. `If-Match` takes the value's ETag."]
        #[utoipa::path(post, path = concat!($base, "/history/{changeId}/restore"), tag = $tag, security(("token" = [$write_scope]), ("bearer" = []), ("session" = [])),
            params(($param = String, Path), ("changeId" = String, Path), ("If-Match" = String, Header, description = "ETag of the value")),
            responses((status = 200, body = ValueView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
                (status = 404, body = ProblemBody), (status = 412, body = ProblemBody), (status = 422, body = ProblemBody), (status = 428, body = ProblemBody)))]
        #[web::boxed]
        async fn $restore(State(room): State<Room>, Principal { cx, .. }: Principal<scope::$write>, Path((id, change)): Path<($id, i64)>, before: IfMatch) -> Result<Reply, Problem> {
            restore(&room, &cx, Owner::$owner(id), change, before).await
        }
    };
}

endpoints!(Customer, AccountId, "customers", "accountId", "/customers/{accountId}",
    CustomersRead "customers:read", CustomersWrite "customers:write",
    customer_values "Read a customer's values", customer_patch "Write some of a customer's values",
    customer_put "Write one of a customer's values", customer_history "List changes of a customer's values",
    customer_restore "Restore a customer's value from a change");

endpoints!(Organization, OrganizationId, "organizations", "organizationId", "/organizations/{organizationId}",
    OrganizationsRead "organizations:read", OrganizationsWrite "organizations:write",
    organization_values "Read an organization's values", organization_patch "Write some of an organization's values",
    organization_put "Write one of an organization's values", organization_history "List changes of an organization's values",
    organization_restore "Restore an organization's value from a change");
