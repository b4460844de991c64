//! Saved views: a person's own, which nobody else meets, and shared ones.
//!
//! Kept is a query with ids, so that it outlives names; what is shown is that query as it reads now. A view whose field
//! is gone stays a view, and says what is gone. Only its owner, or whoever may configure, changes a shared view.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use kernel::{AccountId, Cx, Fault, FieldFault, Result};
use store::{Scoped, changes, ledger};
use vault::{Keys, Open, Place};

use crate::Room;
use crate::actions::fields::{OpenField, too_many};
use crate::actions::products::{self, OpenProduct};
use crate::actions::queries::{self, ask};
use crate::actions::{access, exports};
use crate::model::{Entity, FieldId, Permission, View, ViewBody, ViewColumn, ViewId};
use crate::query::{Mistake, lasting, parse};
use crate::sql::views::{self as sql, SealedView};
use crate::{rules, schema};

/// Views that one person keeps for themselves, for customers or for organizations: more than a menu shows well.
const OWN: usize = 100;
/// Shared views, for customers or for organizations.
const SHARED: usize = 200;
/// Columns of a view: all fields that an entity may have, and what the directory knows.
const COLUMNS: usize = rules::FIELDS_PER_ENTITY + 10;
/// Widths of columns, in CSS pixels: a few letters, and a wide screen.
pub(crate) const WIDTHS: std::ops::RangeInclusive<u16> = 60..=1_200;

type OpenView = View<Open<ViewBody>>;

/// What somebody wants a view to be.
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) query: String,
    pub(crate) columns: Vec<ViewColumn>,
    pub(crate) shared: bool,
}

/// A view as one person sees it now.
pub(crate) struct Shown {
    pub(crate) view: OpenView,
    /// The query as it reads now.
    pub(crate) query: String,
    /// Fields that it names and that are gone, or not for this reader; with their names where they may be told.
    pub(crate) gone: BTreeMap<FieldId, Option<String>>,
    pub(crate) mine: bool,
    pub(crate) may_change: bool,
    pub(crate) is_default: bool,
}

/// A view as a list or an export takes it.
pub(crate) struct AsAsked {
    pub(crate) query: String,
    /// Those that are still there; none: the usual ones.
    pub(crate) columns: Option<Vec<String>>,
}

/// What came of writing a view: itself, or what is wrong with its query.
pub(crate) type Written = Result<Shown, Vec<Mistake>>;

fn place(id: ViewId) -> Place {
    Place::new(&schema::SAVED_VIEW_BODY, sql::view_row(id))
}

fn open(keys: &Keys, sealed: SealedView) -> Result<OpenView> {
    let body = keys.open(&place(sealed.id), &sealed.body)?;
    Ok(sealed.with(|_| body))
}

fn viewer(cx: &Cx) -> Result<&AccountId> {
    cx.person().ok_or_else(|| Fault::refused("Only people have views."))
}

/// What decides how one person sees views.
struct Sight {
    fields: Vec<OpenField>,
    products: Vec<OpenProduct>,
    configures: bool,
    viewer: Option<AccountId>,
}

impl Sight {
    async fn of(cx: &Cx, room: &Room) -> Result<Self> {
        Ok(Self {
            fields: queries::nameable(cx, room).await?,
            products: products::nameable(cx, room).await?,
            configures: access::permissions(cx, room).await?.contains(&Permission::Configure),
            viewer: cx.person().cloned(),
        })
    }

    fn owns<B>(&self, view: &View<B>) -> bool {
        self.viewer.as_ref() == Some(&view.owner)
    }

    fn sees<B>(&self, view: &View<B>) -> bool {
        view.shared || self.owns(view)
    }

    /// A view that is not for this person is as one that never was.
    fn check_change<B>(&self, view: &View<B>) -> Result<()> {
        if !self.sees(view) {
            return Err(Fault::not_found());
        }
        if self.owns(view) || self.configures {
            return Ok(());
        }
        Err(Fault::refused(
            "Only its owner, and whoever may change Steward's settings, changes a shared view. Save a copy of your own.",
        ))
    }

    fn show(&self, view: OpenView, default: Option<ViewId>) -> Shown {
        let body = view.body.peek();
        let (query, mut named) = self.read(view.entity, &body.query);
        named.extend(body.columns.iter().filter_map(|column| column.key.parse::<FieldId>().ok()));
        let gone = named
            .into_iter()
            .filter_map(|id| match self.fields.iter().find(|field| field.id == id) {
                Some(field) if !field.retired => None,
                Some(field) => Some((id, Some(field.body.peek().name.clone()))),
                None => Some((id, None)),
            })
            .collect();
        let mine = self.owns(&view);
        Shown { query, gone, mine, may_change: mine || self.configures, is_default: default == Some(view.id), view }
    }

    /// A kept query as it reads now, and the fields that it names.
    fn read(&self, entity: Entity, kept: &str) -> (String, BTreeSet<FieldId>) {
        match parse(kept) {
            Ok(mut query) => {
                let named =
                    lasting::by_names(&mut query, &queries::catalogue(&self.fields, &self.products, &[], entity));
                (query.to_string(), named)
            }
            // It was a query when it was kept; the empty one reads as nothing.
            Err(_) => (kept.to_owned(), BTreeSet::new()),
        }
    }
}

/// The views that the caller sees: shared ones and their own, by name.
pub(crate) async fn list_views(cx: &Cx, room: &Room, entity: Entity) -> Result<Vec<Shown>> {
    access::require_about(cx, room, entity, Permission::Browse).await?;
    let viewer = viewer(cx)?;
    let keys = access::tenant_keys(cx, room).await?;
    let (sealed, default) = {
        let mut scoped = room.shared.store.read(cx).await?;
        let views = sql::view_list(&mut scoped, entity, viewer.as_str()).await?;
        (views, sql::view_default(&mut scoped, viewer, entity).await?)
    };
    let sight = Sight::of(cx, room).await?;
    let shown: Result<Vec<Shown>> =
        sealed.into_iter().map(|view| Ok(sight.show(open(&keys, view)?, default))).collect();
    let mut shown = shown?;
    shown.sort_by_cached_key(|shown| rules::name_key(&shown.view.body.peek().name));
    Ok(shown)
}

/// One view.
pub(crate) async fn read_view(cx: &Cx, room: &Room, id: ViewId) -> Result<Shown> {
    let sight = Sight::of(cx, room).await?;
    let viewer = viewer(cx)?;
    let keys = access::tenant_keys(cx, room).await?;
    let mut scoped = room.shared.store.read(cx).await?;
    let view = standing(&mut scoped, id).await?;
    if !sight.sees(&view) {
        return Err(Fault::not_found());
    }
    let default = sql::view_default(&mut scoped, viewer, view.entity).await?;
    drop(scoped);
    access::require_about(cx, room, view.entity, Permission::Browse).await?;
    Ok(sight.show(open(&keys, view)?, default))
}

/// What a view asks of its entity's list. An API token sees shared views.
pub(crate) async fn as_asked(cx: &Cx, room: &Room, entity: Entity, id: ViewId) -> Result<AsAsked> {
    access::require_about(cx, room, entity, Permission::Browse).await?;
    let sight = Sight::of(cx, room).await?;
    let keys = access::tenant_keys(cx, room).await?;
    let view = standing(&mut room.shared.store.read(cx).await?, id).await?;
    if !sight.sees(&view) || view.entity != entity {
        return Err(Fault::not_found());
    }
    let shown = sight.show(open(&keys, view)?, None);
    let columns: Vec<String> = shown.view.body.peek().columns.iter().map(|column| column.key.clone()).collect();
    let here = |key: &String| key.parse().is_ok_and(|id| !shown.gone.contains_key(&id)) || is_built_in(entity, key);
    let columns = (!columns.is_empty()).then(|| columns.into_iter().filter(here).collect());
    Ok(AsAsked { query: shown.query, columns })
}

async fn standing(scoped: &mut Scoped, id: ViewId) -> Result<SealedView> {
    sql::view_get(scoped, id).await?.filter(|view| view.deleted_at.is_none()).ok_or_else(Fault::not_found)
}

fn is_built_in(entity: Entity, key: &str) -> bool {
    exports::built_in(entity).iter().any(|(known, _)| *known == key)
}

/// Makes a view of the caller's.
pub(crate) async fn make_view(cx: &Cx, room: &Room, entity: Entity, wanted: Wanted, zone: TimeZone) -> Result<Written> {
    access::require_about(cx, room, entity, Permission::Browse).await?;
    let sight = Sight::of(cx, room).await?;
    let owner = viewer(cx)?.clone();
    let (name, columns) = check(&sight, entity, &wanted, &[])?;
    let query = match keep(cx, room, entity, &wanted.query, zone).await? {
        Ok(query) => query,
        Err(mistakes) => return Ok(Err(mistakes)),
    };
    let keys = access::tenant_keys(cx, room).await?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let id = ViewId::fresh();
    let body = keys.seal(&place(id), &ViewBody { name: name.clone(), query, columns })?;
    let mut scoped = room.shared.store.write(cx).await?;
    let version = changes::record(&mut scoped, cx, "view", &id.to_string()).await?;
    let view = View { id, entity, owner, shared: wanted.shared, version, deleted_at: None, body };
    check_room(&mut scoped, &keys, &view, &name).await?;
    sql::view_insert(&mut scoped, view).await?;
    note(&mut scoped, cx, "customers.view_made", actor, id).await?;
    scoped.commit().await?;
    read_view(cx, room, id).await.map(Ok)
}

/// Changes a view that has version `before`. A query that is sent as it reads now stays what it is, also where a field of
/// it is gone.
pub(crate) async fn change_view(
    cx: &Cx,
    room: &Room,
    id: ViewId,
    before: i64,
    wanted: Wanted,
    zone: TimeZone,
) -> Result<Written> {
    let sight = Sight::of(cx, room).await?;
    let keys = access::tenant_keys(cx, room).await?;
    let old = open(&keys, standing(&mut room.shared.store.read(cx).await?, id).await?)?;
    sight.check_change(&old)?;
    access::require_about(cx, room, old.entity, Permission::Browse).await?;
    if !wanted.shared && !sight.owns(&old) {
        return Err(Fault::refused("Only its owner takes a shared view back for themselves. Delete it instead."));
    }
    let (name, columns) = check(&sight, old.entity, &wanted, &old.body.peek().columns)?;
    let query = if sight.read(old.entity, &old.body.peek().query).0 == wanted.query.trim() {
        old.body.peek().query.clone()
    } else {
        match keep(cx, room, old.entity, &wanted.query, zone).await? {
            Ok(query) => query,
            Err(mistakes) => return Ok(Err(mistakes)),
        }
    };
    let body = keys.seal(&place(id), &ViewBody { name: name.clone(), query, columns })?;
    let view = View { shared: wanted.shared, ..old.with(|_| body) };
    put(cx, room, &keys, view, before, Some(&name), "customers.view_changed").await?;
    read_view(cx, room, id).await.map(Ok)
}

/// Deletes a view that has version `before`. It can be taken back until the sweep takes it.
pub(crate) async fn delete_view(cx: &Cx, room: &Room, id: ViewId, before: i64) -> Result<()> {
    let keys = access::tenant_keys(cx, room).await?;
    let view = standing(&mut room.shared.store.read(cx).await?, id).await?;
    Sight::of(cx, room).await?.check_change(&view)?;
    access::require_about(cx, room, view.entity, Permission::Browse).await?;
    let view = View { deleted_at: Some(cx.now()), ..view };
    put(cx, room, &keys, view, before, None, "customers.view_deleted").await
}

/// Takes a deleted view back; one that stands stays as it is.
pub(crate) async fn restore_view(cx: &Cx, room: &Room, id: ViewId) -> Result<Shown> {
    let keys = access::tenant_keys(cx, room).await?;
    let view = sql::view_get(&mut room.shared.store.read(cx).await?, id).await?.ok_or_else(Fault::not_found)?;
    Sight::of(cx, room).await?.check_change(&view)?;
    access::require_about(cx, room, view.entity, Permission::Browse).await?;
    if view.deleted_at.is_some() {
        let before = view.version;
        let name = keys.open(&place(id), &view.body)?;
        let view = View { deleted_at: None, ..view };
        put(cx, room, &keys, view, before, Some(&name.peek().name), "customers.view_restored").await?;
    }
    read_view(cx, room, id).await
}

/// Makes a view the one that the caller's list begins with, or no longer.
pub(crate) async fn choose_default(cx: &Cx, room: &Room, id: ViewId, chosen: bool) -> Result<()> {
    let viewer = viewer(cx)?;
    let entity = read_view(cx, room, id).await?.view.entity;
    let mut scoped = room.shared.store.write(cx).await?;
    changes::take_turn(&mut scoped).await?;
    if chosen {
        sql::view_default_put(&mut scoped, viewer, entity, id).await?;
    } else {
        sql::view_default_drop(&mut scoped, viewer, id).await?;
    }
    scoped.commit().await
}

/// Writes a view over the one of version `before`. With a name, what stands beside it is looked at too.
async fn put(
    cx: &Cx,
    room: &Room,
    keys: &Keys,
    view: SealedView,
    before: i64,
    name: Option<&str>,
    kind: &'static str,
) -> Result<()> {
    let actor = access::actor_pseudonym(cx, room).await?;
    let id = view.id;
    let mut scoped = room.shared.store.write(cx).await?;
    let version = changes::record(&mut scoped, cx, "view", &id.to_string()).await?;
    if let Some(name) = name {
        check_room(&mut scoped, keys, &view, name).await?;
    }
    if !sql::view_update(&mut scoped, View { version, ..view }, before).await? {
        return Err(Fault::conflict("Somebody changed this view since you opened it. Read it again."));
    }
    note(&mut scoped, cx, kind, actor, id).await?;
    scoped.commit().await
}

/// Whether there is room for a view of this name beside those that its owner sees with it.
async fn check_room(scoped: &mut Scoped, keys: &Keys, view: &SealedView, name: &str) -> Result<()> {
    let others: Vec<SealedView> = sql::view_list(scoped, view.entity, view.owner.as_str())
        .await?
        .into_iter()
        .filter(|other| other.shared == view.shared && other.id != view.id)
        .collect();
    let (limit, what) = if view.shared { (SHARED, "shared views") } else { (OWN, "views of your own") };
    if others.len() >= limit {
        return Err(too_many(what, limit));
    }
    let wanted = rules::name_key(name);
    for other in others {
        if rules::name_key(&open(keys, other)?.body.peek().name) == wanted {
            return Err(Fault::invalid_field("/name", "not_unique", "Another view has this name."));
        }
    }
    Ok(())
}

/// The query as it is kept, or what is wrong with it.
async fn keep(
    cx: &Cx,
    room: &Room,
    entity: Entity,
    written: &str,
    zone: TimeZone,
) -> Result<Result<String, Vec<Mistake>>> {
    if written.trim().is_empty() {
        return Ok(Ok(String::new()));
    }
    Ok(ask(cx, room, entity, written, zone).await?.map(|question| question.lasting))
}

/// The name and the columns, checked; `stood` are columns that may stay although they are gone.
fn check(sight: &Sight, entity: Entity, wanted: &Wanted, stood: &[ViewColumn]) -> Result<(String, Vec<ViewColumn>)> {
    let mut faults = Vec::new();
    let name = rules::check_name("/name", &wanted.name).unwrap_or_else(|wrong| {
        faults.push(wrong);
        String::new()
    });
    if wanted.columns.len() > COLUMNS {
        return Err(too_many("columns", COLUMNS));
    }
    let mut seen = BTreeSet::new();
    for (at, column) in wanted.columns.iter().enumerate() {
        let mut wrong = |part: &str, code, detail: &str, limit| {
            let pointer = format!("/columns/{at}/{part}");
            faults.push(FieldFault { pointer, code, detail: detail.to_owned(), limit });
        };
        let own = |field: &&OpenField| field.entity == entity && field.id.to_string() == column.key;
        let known = is_built_in(entity, &column.key)
            || sight.fields.iter().any(|field| own(&field) && !field.retired)
            || stood.iter().any(|stood| stood.key == column.key);
        if !known {
            wrong(
                "key",
                "unknown",
                "There is no such column. Columns are named as in the lists, fields by their id.",
                None,
            );
        } else if !seen.insert(&column.key) {
            wrong("key", "not_unique", "A column stands in a view once.", None);
        }
        if column.width.is_some_and(|width| !WIDTHS.contains(&width)) {
            let detail = format!("A column is {} to {} pixels wide.", WIDTHS.start(), WIDTHS.end());
            wrong("width", "range", &detail, Some(u64::from(*WIDTHS.end())));
        }
    }
    if faults.is_empty() { Ok((name, wanted.columns.clone())) } else { Err(Fault::invalid_fields(faults)) }
}

async fn note(scoped: &mut Scoped, cx: &Cx, kind: &'static str, actor: Option<Vec<u8>>, id: ViewId) -> Result<()> {
    let object = id.to_string();
    ledger::append(scoped, cx, ledger::Entry { kind, actor, subject: None, object: Some(&object) }).await.map(drop)
}
