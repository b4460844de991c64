//! Saved views, and which of them a list begins with for whom.

use jiff::Timestamp;
use kernel::{AccountId, Fault, Result, RowName, Sealed};
use store::{Row, Scoped, args};

use crate::model::{Entity, View, ViewBody, ViewId};

const LIST: &str = "SELECT id, entity, owner, shared, version, deleted_at, body FROM saved_view WHERE tenant = $1 \
     AND entity = $2 AND deleted_at IS NULL AND (shared OR owner = $3) ORDER BY id LIMIT 1000";
const GET: &str = "SELECT id, entity, owner, shared, version, deleted_at, body FROM saved_view \
     WHERE tenant = $1 AND id = $2";
const INSERT: &str = "INSERT INTO saved_view (tenant, id, entity, owner, shared, version, deleted_at, body) \
     VALUES ($1, $2, $3, $4, $5, $6, NULL, $7)";
const UPDATE: &str = "UPDATE saved_view SET shared = $3, version = $4, deleted_at = $5, body = $6 \
     WHERE tenant = $1 AND id = $2 AND version = $7";
const DEFAULT_GET: &str =
    "SELECT saved_view FROM saved_view_default WHERE tenant = $1 AND account = $2 AND entity = $3";
const DEFAULT_PUT: &str = "INSERT INTO saved_view_default (tenant, account, entity, saved_view) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (tenant, account, entity) DO UPDATE SET saved_view = excluded.saved_view";
const DEFAULT_DROP: &str = "DELETE FROM saved_view_default WHERE tenant = $1 AND account = $2 AND saved_view = $3";

pub(crate) type SealedView = View<Sealed<ViewBody>>;

/// The row's name of a view in associated data.
pub(crate) fn view_row(id: ViewId) -> RowName {
    RowName::new().uuid(id.0)
}

fn view(row: &Row) -> Result<SealedView> {
    Ok(View {
        id: ViewId(row.uuid("id")?),
        entity: Entity::parse(&row.text("entity")?)
            .ok_or_else(|| Fault::broken("customers_row", "saved_view.entity is not from its closed set"))?,
        owner: AccountId::new(row.text("owner")?)?,
        shared: row.bool("shared")?,
        version: row.int("version")?,
        deleted_at: row.opt_instant("deleted_at")?,
        body: row.sealed("body")?,
    })
}

/// The views that stand and that this person sees: shared ones, and their own. Their number is bounded by the actions.
pub(crate) async fn view_list(scoped: &mut Scoped, entity: Entity, viewer: &str) -> Result<Vec<SealedView>> {
    scoped.rows(LIST, args![entity.name(), viewer]).await?.iter().map(view).collect()
}

/// Any view, a deleted one too.
pub(crate) async fn view_get(scoped: &mut Scoped, id: ViewId) -> Result<Option<SealedView>> {
    scoped.row(GET, args![id.0]).await?.as_ref().map(view).transpose()
}

pub(crate) async fn view_insert(scoped: &mut Scoped, view: SealedView) -> Result<()> {
    let View { id, entity, owner, shared, version, body, .. } = view;
    scoped.run(INSERT, args![id.0, entity.name(), &owner, shared, version, body]).await.map(drop)
}

/// Writes a view that has version `before`.
pub(crate) async fn view_update(scoped: &mut Scoped, view: SealedView, before: i64) -> Result<bool> {
    let deleted_at: Option<Timestamp> = view.deleted_at;
    let words = args![view.id.0, view.shared, view.version, deleted_at, view.body, before];
    Ok(scoped.run(UPDATE, words).await? == 1)
}

/// The view that this person's list begins with; it may no longer be there.
pub(crate) async fn view_default(scoped: &mut Scoped, account: &AccountId, entity: Entity) -> Result<Option<ViewId>> {
    let row = scoped.row(DEFAULT_GET, args![account, entity.name()]).await?;
    row.map(|row| Ok(ViewId(row.uuid("saved_view")?))).transpose()
}

pub(crate) async fn view_default_put(
    scoped: &mut Scoped,
    account: &AccountId,
    entity: Entity,
    id: ViewId,
) -> Result<()> {
    scoped.run(DEFAULT_PUT, args![account, entity.name(), id.0]).await.map(drop)
}

pub(crate) async fn view_default_drop(scoped: &mut Scoped, account: &AccountId, id: ViewId) -> Result<()> {
    scoped.run(DEFAULT_DROP, args![account, id.0]).await.map(drop)
}
