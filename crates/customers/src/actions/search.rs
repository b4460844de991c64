//! Finding by an index: words as somebody types them, and what a query can be narrowed by.
//!
//! An index is this node's own cache, in files under a key that goes every week and with every erased person. Before each
//! look it catches up with the tenant's change sequence and with the directory, so that it says what stands. Where there is
//! none yet it is built beside, and meanwhile records are looked at one by one. Start at [`ready`].

mod document;
mod plan;
mod typing;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{AccountId, Cx, Fault, KeyClass, OrganizationId, Result, TenantId};
use store::{Store, changes, tenants};
use tokio::sync::Mutex;
use vault::{Cache, Keys, Subject, Vault};

use crate::Room;
use crate::actions::directory::Sorted;
use crate::model::{Entity, Owner};
use crate::schema;

pub(crate) use plan::places_meant;
pub(crate) use typing::{Found, look, places_of};

/// Indexes that are open at once: the words of as many sites lie in memory.
const OPEN_INDEXES: u64 = 32;
/// Records written at once; what a slice's documents take stays small.
const SLICE: usize = 1_000;
/// Records up to which an index is built while somebody waits: a moment.
const BUILT_AT_ONCE: usize = 2_000;
/// Changes read in one statement.
const CHANGES: u32 = 1_000;
/// Changes from which on building anew is no more work than catching up.
const TOO_MANY: usize = 20_000;

/// The indexes of this node. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Indexes {
    folder: PathBuf,
    open: moka::future::Cache<TenantId, Arc<Mutex<Held>>>,
}

#[derive(Default)]
struct Held {
    index: Option<Arc<search::Index>>,
    view: Option<View>,
    building: bool,
}

/// What an index was last brought to.
struct View {
    sorted: Arc<Sorted>,
    places: Arc<Places>,
    /// Up to where the change sequence was read: further than the index says where nothing in it changed.
    seen: i64,
}

/// Where records stand in the sorted directory, by their keys in the index.
pub(crate) type Places = HashMap<String, usize>;

/// An index that says what stands.
pub(crate) struct Ready {
    pub(crate) snapshot: Arc<search::Snapshot>,
    pub(crate) places: Arc<Places>,
}

impl Indexes {
    /// In a folder of its own, made when first needed.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, open: moka::future::Cache::builder().max_capacity(OPEN_INDEXES).build() }
    }

    /// Takes away the indexes of this node that no one can use any more: of tenants that left, through whichever node,
    /// and those under a key of an older week. Answers how many.
    pub(crate) async fn sweep(&self, store: &Store, vault: &Vault) -> Result<usize> {
        let folder = self.folder.clone();
        let named = blocking(move || match std::fs::read_dir(&folder) {
            Ok(found) => Ok(found.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(broken(error)),
        });
        let mut taken = 0;
        for tenant in named.await?.iter().filter_map(|name| name.parse().ok().map(TenantId)) {
            let here = tenants::state_of(store, tenant).await?.is_some_and(|state| state != tenants::State::Gone);
            let newest = vault.versions(tenant, KeyClass::Names).await?.last().map(|key| key.version);
            let folder = self.folder_of(tenant);
            let under = blocking(move || Ok(search::key_version(&folder))).await?;
            if !here || under != newest {
                store::TenantFiles::remove(self, tenant).await?;
                taken += 1;
            }
        }
        Ok(taken)
    }

    fn folder_of(&self, tenant: TenantId) -> PathBuf {
        self.folder.join(tenant.to_string())
    }
}

#[async_trait]
impl store::TenantFiles for Indexes {
    async fn remove(&self, tenant: TenantId) -> Result<u64> {
        self.open.invalidate(&tenant).await;
        let folder = self.folder_of(tenant);
        blocking(move || {
            let count = std::fs::read_dir(&folder).map_or(0, |files| files.count() as u64);
            match std::fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(broken(error)),
                _ => Ok(count),
            }
        })
        .await
    }
}

fn broken(error: impl std::error::Error + Send + Sync + 'static) -> Fault {
    Fault::broken("search_index", error)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(broken)?
}

/// A record's key in the index.
pub(crate) fn key(entity: Entity, id: &str) -> String {
    match entity {
        Entity::Customer => format!("c{id}"),
        Entity::Organization => format!("o{id}"),
    }
}

/// Which record a key is of.
pub(crate) fn of_key(key: &str) -> Option<(Entity, &str)> {
    let entity = match key.get(..1)? {
        "c" => Entity::Customer,
        _ => Entity::Organization,
    };
    Some((entity, key.get(1..)?))
}

fn owner(key: &str) -> Option<Owner> {
    let (entity, id) = of_key(key)?;
    Some(match entity {
        Entity::Customer => Owner::Customer(AccountId::new(id).ok()?),
        Entity::Organization => Owner::Organization(OrganizationId::new(id).ok()?),
    })
}

/// The index, if it can say now what stands in this directory; none while it is built. Nothing of a search fails because
/// of its index: what cannot be had is done without, and the log says so.
pub(crate) async fn ready(cx: &Cx, room: &Room, sorted: &Arc<Sorted>) -> Result<Option<Ready>> {
    match try_ready(cx, room, sorted).await {
        Err(fault) if fault.code() == "search_index" => {
            tracing::warn!(event = "search_index_unusable", tenant = %cx.tenant());
            let held = held(cx, room).await;
            held.lock().await.index = None;
            Ok(None)
        }
        other => other,
    }
}

async fn held(cx: &Cx, room: &Room) -> Arc<Mutex<Held>> {
    room.indexes.open.get_with(cx.tenant(), async { Arc::default() }).await
}

async fn try_ready(cx: &Cx, room: &Room, sorted: &Arc<Sorted>) -> Result<Option<Ready>> {
    let keys = room.shared.vault.keys(cx, KeyClass::Names, Subject::Cache(Cache::Search)).await?;
    let shared = held(cx, room).await;
    let mut held = shared.lock().await;
    if held.building {
        return Ok(None);
    }
    if held.index.as_ref().is_some_and(|index| !index.opens_with(&keys) || index.is_behind(&keys)) {
        held.index = None;
    }
    if held.index.is_none() {
        let (folder, with) = (room.indexes.folder_of(cx.tenant()), keys.clone());
        let found = blocking(move || search::Index::open(&folder, &with, &schema::SEARCH_FILE)).await?;
        held.index = found.filter(|index| index.position() >= 0).map(Arc::new);
        held.view = None;
    }
    let caught_up = match held.index.clone() {
        Some(index) => catch_up(cx, room, &index, sorted, &mut held.view).await?,
        None => false,
    };
    if !caught_up {
        held.index = None;
        if sorted.customers.len() + sorted.organizations.len() > BUILT_AT_ONCE {
            held.building = true;
            let (cx, room, sorted, shared) = (cx.clone(), room.clone(), sorted.clone(), shared.clone());
            tokio::spawn(async move {
                let built = build(&cx, &room, &sorted, &keys).await;
                let mut held = shared.lock().await;
                held.building = false;
                match built {
                    Ok(index) => (held.index, held.view) = (Some(index), None),
                    Err(fault) => {
                        tracing::warn!(event = "search_index_not_built", tenant = %cx.tenant(), code = fault.code());
                    }
                }
            });
            return Ok(None);
        }
        let index = build(cx, room, sorted, &keys).await?;
        (held.index, held.view) = (Some(index.clone()), None);
        catch_up(cx, room, &index, sorted, &mut held.view).await?;
    }
    let (Some(index), Some(view)) = (&held.index, &held.view) else { return Ok(None) };
    Ok(Some(Ready { snapshot: index.snapshot(), places: view.places.clone() }))
}

fn places(sorted: &Sorted) -> Places {
    let customers = sorted.customers.iter().enumerate();
    let organizations = sorted.organizations.iter().enumerate();
    let customers = customers.map(|(place, line)| (key(Entity::Customer, line.id.as_str()), place));
    let organizations = organizations.map(|(place, line)| (key(Entity::Organization, line.id.as_str()), place));
    customers.chain(organizations).collect()
}

/// Builds it from what stands. What changes meanwhile is caught up with afterwards.
async fn build(cx: &Cx, room: &Room, sorted: &Arc<Sorted>, keys: &Keys) -> Result<Arc<search::Index>> {
    let position = changes::latest(&mut room.shared.store.read(cx).await?).await?;
    let (folder, with) = (room.indexes.folder_of(cx.tenant()), keys.clone());
    let index = Arc::new(blocking(move || search::Index::create(&folder, &with, &schema::SEARCH_FILE)).await?);
    let maker = document::Maker::new(cx, room, sorted).await?;
    // In the directory's order: what is equally near is told by name.
    let all: Vec<(Entity, usize)> = (0..sorted.customers.len())
        .map(|place| (Entity::Customer, place))
        .chain((0..sorted.organizations.len()).map(|place| (Entity::Organization, place)))
        .collect();
    for some in all.chunks(SLICE) {
        let documents = maker.documents(some).await?;
        let index = index.clone();
        // Until the last slice is in, it is nothing that could be opened.
        blocking(move || index.write(documents, &[], -1)).await?;
    }
    let done = index.clone();
    blocking(move || {
        done.write(Vec::new(), &[], position)?;
        done.settle()
    })
    .await?;
    Ok(index)
}

/// Brings an index to what stands; false if that is more than building it anew.
async fn catch_up(
    cx: &Cx,
    room: &Room,
    index: &Arc<search::Index>,
    sorted: &Arc<Sorted>,
    view: &mut Option<View>,
) -> Result<bool> {
    let mut position = view.as_ref().map_or(i64::MIN, |view| view.seen).max(index.position());
    let mut changed: BTreeMap<String, Option<Owner>> = BTreeMap::new();
    loop {
        let some = changes::since(&mut room.shared.store.read(cx).await?, position, CHANGES).await?;
        let more = some.len() == CHANGES as usize;
        for change in some {
            position = change.seq;
            let entity = [Entity::Customer, Entity::Organization].into_iter().find(|it| it.name() == change.kind);
            if let Some(entity) = entity {
                let key = key(entity, &change.row_id);
                changed.insert(key.clone(), owner(&key));
            }
        }
        if changed.len() > TOO_MANY {
            return Ok(false);
        }
        if !more {
            break;
        }
    }
    let mut removed = Vec::new();
    let places = match view {
        Some(view) if Arc::ptr_eq(&view.sorted, sorted) => view.places.clone(),
        _ => {
            let places = Arc::new(places(sorted));
            let snapshot = index.snapshot();
            // Names of others come along with the directory, and are in none of its lines.
            for key in document::naming_otherwise(cx, room, &snapshot).await? {
                changed.entry(key).or_insert(None);
            }
            let mut known = snapshot.stamps();
            for (key, place) in places.iter() {
                let Some((entity, _)) = of_key(key) else { continue };
                if known.remove(key.as_str()) != document::stamp(sorted, entity, *place) {
                    changed.entry(key.clone()).or_insert(None);
                }
            }
            removed.extend(known.into_keys().map(str::to_owned));
            places
        }
    };
    if changed.len() > TOO_MANY {
        return Ok(false);
    }
    let wanted: Vec<(Entity, usize)> =
        changed.keys().filter_map(|key| Some((of_key(key)?.0, *places.get(key)?))).collect();
    if !wanted.is_empty() || !removed.is_empty() {
        let maker = document::Maker::new(cx, room, sorted).await?;
        let mut documents = Vec::new();
        for some in wanted.chunks(SLICE) {
            documents.extend(maker.documents(some).await?);
        }
        let index = index.clone();
        blocking(move || index.write(documents, &removed, position)).await?;
    }
    *view = Some(View { sorted: sorted.clone(), places, seen: position });
    Ok(true)
}
