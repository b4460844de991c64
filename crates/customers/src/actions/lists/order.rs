//! Orders that were worked out, kept while somebody pages through them.
//!
//! To put a list in order all that matches is read. It is read once: the order stays for a while with the keys that it
//! goes by, and what changed since is put where it belongs now. So a page is right however old the order is.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kernel::{AccountId, Cx, Fault, OrganizationId, Result, TenantId};
use store::changes;
use tokio::sync::Mutex;

use super::Finder;
use crate::actions::directory::Sorted;
use crate::actions::records::AT_ONCE;
use crate::model::{Author, Entity};
use crate::query::evaluate::Keys;

/// Places of all orders together that are kept; an order of a large site has a hundred thousand.
const KEPT_PLACES: u64 = 1_000_000;
/// An order that nobody pages through leaves the memory after so long.
const IDLE: Duration = Duration::from_secs(120);
/// Changed records from which on working it out anew is no more work.
const TOO_MANY: usize = 2_000;
/// Changes read in one statement.
const CHANGES: u32 = 1_000;

/// The orders of this node.
pub(crate) type Orders = moka::future::Cache<Question, Arc<Order>>;

/// What an order answers, and for whom: fields and functions mean what they mean to one viewer.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    tenant: TenantId,
    entity: Entity,
    viewer: String,
    zone: Option<String>,
    query: String,
    search: Vec<String>,
    /// Conditions may be about the time that passes; an order alone is not.
    minute: Option<i64>,
}

pub(crate) struct Order {
    weight: u32,
    state: Mutex<State>,
}

struct State {
    sorted: Arc<Sorted>,
    /// Up to where the change sequence is in it.
    seen: i64,
    places: Vec<(Keys, usize)>,
}

/// An empty cache.
pub(crate) fn orders() -> Orders {
    moka::future::Cache::builder()
        .weigher(|_, order: &Arc<Order>| order.weight)
        .max_capacity(KEPT_PLACES)
        .time_to_idle(IDLE)
        .build()
}

/// The places of up to `limit` records that match, in the query's order, behind the one at `after`.
pub(super) async fn behind(finder: &Finder<'_>, after: Option<usize>, limit: usize) -> Result<Vec<usize>> {
    let made = async { work_out(finder).await.map(Arc::new) };
    let order = finder.room.orders.try_get_with(question(finder.cx, finder), made).await.map_err(|_: Arc<Fault>| {
        Fault::busy("order_unavailable", "The list cannot be put in this order just now. Try again.", None)
    })?;
    let mut state = order.state.lock().await;
    if !caught_up(finder, &mut state).await? {
        *state = work_out(finder).await?.state.into_inner();
    }
    let from = match after {
        None => 0,
        // It may no longer be meant; what follows is what stands behind it now.
        Some(place) => match finder.reader(&finder.asked.typed.reads()).read(&[place]).await?.first() {
            Some(record) => {
                let entry = (finder.asked.typed.keys(record), place);
                state.places.partition_point(|held| *held <= entry)
            }
            None => 0,
        },
    };
    Ok(state.places.iter().skip(from).take(limit).map(|(_, place)| *place).collect())
}

fn question(cx: &Cx, finder: &Finder<'_>) -> Question {
    let typed = &finder.asked.typed;
    Question {
        tenant: cx.tenant(),
        entity: finder.entity,
        viewer: Author::of(cx.actor()).map(|author| author.stored()).unwrap_or_default(),
        zone: typed.now.time_zone().iana_name().map(str::to_owned),
        query: finder.asked.written.clone(),
        search: finder.asked.search.clone(),
        minute: typed.filter.is_some().then(|| cx.now().as_second() / 60),
    }
}

/// Reads all that may be meant, and puts what is meant in order.
async fn work_out(finder: &Finder<'_>) -> Result<Order> {
    // What changes while it is read is seen again afterwards.
    let seen = changes::latest(&mut finder.room.shared.store.read(finder.cx).await?).await?;
    let mut places = Vec::new();
    let mut candidates = finder.candidates(0);
    loop {
        let some: Vec<usize> = candidates.by_ref().take(AT_ONCE).collect();
        if some.is_empty() {
            break;
        }
        places.extend(entries(finder, &some).await?);
    }
    places.sort_unstable();
    let weight = u32::try_from(places.len()).unwrap_or(u32::MAX).max(1);
    Ok(Order { weight, state: Mutex::new(State { sorted: finder.sorted.clone(), seen, places }) })
}

/// Of up to [`AT_ONCE`] places those that are meant, with the keys that they are ordered by.
async fn entries(finder: &Finder<'_>, some: &[usize]) -> Result<Vec<(Keys, usize)>> {
    let typed = &finder.asked.typed;
    let reads = typed.reads();
    let records = finder.reader(&reads).read(some).await?;
    let meant = records.iter().zip(some).filter(|(record, _)| typed.matches(record));
    Ok(meant.map(|(record, place)| (typed.keys(record), *place)).collect())
}

/// Brings an order to what stands now; false if that is more than working it out anew.
async fn caught_up(finder: &Finder<'_>, state: &mut State) -> Result<bool> {
    if !Arc::ptr_eq(&state.sorted, finder.sorted) {
        return Ok(false);
    }
    let reads = finder.asked.typed.reads();
    let through = !reads.organizations.is_empty()
        || !reads.organizations_history.is_empty()
        || reads.organizations_updated
        || reads.organizations_entitlements;
    let mut seen = state.seen;
    let mut changed = BTreeSet::new();
    loop {
        let some = changes::since(&mut finder.room.shared.store.read(finder.cx).await?, seen, CHANGES).await?;
        let more = some.len() == CHANGES as usize;
        for change in some {
            seen = change.seq;
            let place = match (change.kind.as_str(), finder.entity) {
                ("customer", Entity::Customer) => {
                    AccountId::new(change.row_id).ok().and_then(|id| finder.sorted.customer(&id))
                }
                ("organization", Entity::Organization) => {
                    OrganizationId::new(change.row_id).ok().and_then(|id| finder.sorted.organization(&id))
                }
                // A field means something else now, or the organizations that customers are asked about do.
                ("field", _) => return Ok(false),
                ("organization", Entity::Customer) if through => return Ok(false),
                _ => None,
            };
            changed.extend(place);
        }
        if changed.len() > TOO_MANY {
            return Ok(false);
        }
        if !more {
            break;
        }
    }
    if !changed.is_empty() {
        state.places.retain(|(_, place)| !changed.contains(place));
        let candidates: Vec<usize> = changed.into_iter().filter(|place| finder.is_searched(*place)).collect();
        for some in candidates.chunks(AT_ONCE) {
            for entry in entries(finder, some).await? {
                let at = state.places.partition_point(|held| *held < entry);
                state.places.insert(at, entry);
            }
        }
    }
    state.seen = seen;
    Ok(true)
}
