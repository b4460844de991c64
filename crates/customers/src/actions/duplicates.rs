//! Customers that may be the same person twice. What they are told by lies in memory while it is looked at, and nowhere
//! else; what is kept is which two have what alike, by ids, for as long as nothing changed.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use kernel::{AccountId, Cx, Fault, Result, TenantId};
use store::{changes, ledger};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::Room;
use crate::actions::directory::{self, CustomerRecord, Sorted};
use crate::actions::reach::reach;
use crate::actions::turned::Turned;
use crate::actions::{access, fields, values};
use crate::likeness::{self, Marks, Reason};
use crate::model::{Entity, FieldType, Owner, Permission, Value};
use crate::sql;

/// Values read in one statement.
const VALUES_PAGE: u32 = 500;
/// Tenants whose pairs stay in memory: some kilobytes of ids each.
const CACHED_TENANTS: u64 = 64;

/// Two customers, and what they have alike.
pub(crate) struct Told {
    pub(crate) first: CustomerRecord,
    pub(crate) second: CustomerRecord,
    pub(crate) reasons: BTreeSet<Reason>,
}

/// A page of pairs.
pub(crate) struct Page {
    pub(crate) pairs: Vec<Told>,
    pub(crate) next: Option<String>,
    /// Whether there are more than are told at all, or may be.
    pub(crate) more: bool,
}

pub(crate) struct Found {
    sorted: Arc<Sorted>,
    /// The change sequence's number that it was found at.
    latest: i64,
    pairs: Vec<(AccountId, AccountId, BTreeSet<Reason>)>,
    more: bool,
}

/// What was found, by tenant; who asks while it is looked for waits for the same answer.
pub(crate) type Cache = moka::future::Cache<TenantId, Arc<Mutex<Option<Arc<Found>>>>>;

/// An empty cache.
pub(crate) fn cache() -> Cache {
    moka::future::Cache::builder().max_capacity(CACHED_TENANTS).build()
}

/// Pairs behind the one that `cursor` names, the likeliest first, without those that somebody said are not the same.
pub(crate) async fn list_duplicates(cx: &Cx, room: &Room, cursor: Option<&str>, limit: usize) -> Result<Page> {
    access::require_about(cx, room, Entity::Customer, Permission::Edit).await?;
    let found = found(cx, room).await?;
    let dismissed: BTreeSet<(AccountId, AccountId)> =
        sql::dismissal_list(&mut room.shared.store.read(cx).await?).await?.into_iter().collect();
    let from = match cursor {
        None => 0,
        Some(cursor) => {
            let place = found.pairs.iter().position(|(a, b, _)| cursor_of(a, b) == cursor);
            let expired =
                || Fault::invalid_field("/cursor", "expired", "The list changed. Start again without a cursor.");
            place.ok_or_else(expired)? + 1
        }
    };
    let standing = found.pairs.iter().skip(from).filter(|(a, b, _)| !dismissed.contains(&ordered(a, b)));
    let mut page: Vec<_> = standing.take(limit + 1).collect();
    let next = page.len() > limit;
    page.truncate(limit);
    let next = page.last().filter(|_| next).map(|(a, b, _)| cursor_of(a, b));
    let accounts: Vec<AccountId> = page.iter().flat_map(|(a, b, _)| [a.clone(), b.clone()]).collect();
    let mut records = directory::records(cx, room, &found.sorted, &accounts).await?.into_iter();
    let mut pairs = Vec::with_capacity(page.len());
    for (_, _, reasons) in page {
        if let (Some(first), Some(second)) = (records.next(), records.next()) {
            pairs.push(Told { first, second, reasons: reasons.clone() });
        }
    }
    Ok(Page { pairs, next, more: found.more })
}

fn cursor_of(first: &AccountId, second: &AccountId) -> String {
    format!("{first}~{second}")
}

/// As a pair is kept: the smaller id first.
fn ordered(a: &AccountId, b: &AccountId) -> (AccountId, AccountId) {
    if a <= b { (a.clone(), b.clone()) } else { (b.clone(), a.clone()) }
}

/// Notes that two are not the same, or takes that back.
pub(crate) async fn dismiss(cx: &Cx, room: &Room, a: &AccountId, b: &AccountId, is: bool) -> Result<()> {
    let by = cx.person().cloned().ok_or_else(|| Fault::refused("Only people say who is not the same."))?;
    for account in [a, b] {
        reach(cx, room, &Owner::Customer(account.clone()), Permission::Browse).await?;
    }
    access::require_about(cx, room, Entity::Customer, Permission::Edit).await?;
    if a == b {
        return Err(Fault::invalid_field("/otherId", "same", "Name two customers."));
    }
    let actor = access::actor_pseudonym(cx, room).await?;
    let (first, second) = ordered(a, b);
    let mut scoped = room.shared.store.write(cx).await?;
    changes::take_turn(&mut scoped).await?;
    if is {
        sql::dismissal_put(&mut scoped, (&first, &second), cx.now(), &by).await?;
    } else if !sql::dismissal_delete(&mut scoped, (&first, &second)).await? {
        return Err(Fault::not_found());
    }
    let kind = if is { "customers.duplicate_dismissed" } else { "customers.duplicate_recalled" };
    ledger::append(&mut scoped, cx, ledger::Entry { kind, actor, ..ledger::Entry::default() }).await?;
    scoped.commit().await
}

/// The pairs of now: those of before, where nothing changed.
async fn found(cx: &Cx, room: &Room) -> Result<Arc<Found>> {
    let sorted = directory::sorted(cx, room).await?;
    let latest = changes::latest(&mut room.shared.store.read(cx).await?).await?;
    let held = room.duplicates.get_with(cx.tenant(), async { Arc::default() }).await;
    let mut held = held.lock().await;
    if let Some(found) = held.as_ref()
        && found.latest == latest
        && Arc::ptr_eq(&found.sorted, &sorted)
    {
        return Ok(found.clone());
    }
    let found = Arc::new(look(cx, room, sorted, latest).await?);
    *held = Some(found.clone());
    Ok(found)
}

async fn look(cx: &Cx, room: &Room, sorted: Arc<Sorted>, latest: i64) -> Result<Found> {
    // Whoever was merged already is nobody's duplicate.
    let places: Vec<usize> = (0..sorted.customers.len())
        .filter(|place| sorted.customers.get(*place).is_some_and(|line| !line.merged))
        .collect();
    let mut marks: Vec<Marks> = places
        .iter()
        .filter_map(|place| sorted.customers.get(*place))
        .map(|line| Marks { name: line.name.clone(), emails: line.email.iter().cloned().collect(), phones: Vec::new() })
        .collect();
    let at: HashMap<&str, usize> = places
        .iter()
        .enumerate()
        .filter_map(|(nth, place)| Some((sorted.customers.get(*place)?.id.as_str(), nth)))
        .collect();
    let whole = read_values(cx, room, |owner, kind, value| {
        let Some(mark) = at.get(owner).and_then(|nth| marks.get_mut(*nth)) else { return };
        match kind {
            FieldType::Email => mark.emails.push(value),
            _ => mark.phones.push(value),
        }
    })
    .await?;
    drop(at);
    let looked = tokio::task::spawn_blocking(move || likeness::pairs(&marks)).await;
    let (pairs, more) = looked.map_err(|error| Fault::broken("duplicates_look", error))?;
    let id = |nth: usize| Some(sorted.customers.get(*places.get(nth)?)?.id.clone());
    let pairs = pairs.into_iter().filter_map(|pair| Some((id(pair.first)?, id(pair.second)?, pair.reasons))).collect();
    Ok(Found { latest, pairs, more: more || !whole, sorted })
}

/// Tells the addresses and telephone numbers that stand in fields of customers; false where there are more than are looked at.
async fn read_values(cx: &Cx, room: &Room, mut tell: impl FnMut(&str, FieldType, Zeroizing<String>)) -> Result<bool> {
    let all = fields::all(cx, room).await?;
    let turned = Turned::of(&all);
    let mut left = room.limits.duplicate_values;
    for field in all.iter().filter(|field| field.entity == Entity::Customer && !field.retired) {
        if !matches!(field.kind, FieldType::Email | FieldType::Phone) {
            continue;
        }
        let mut after = String::new();
        loop {
            let of = (Entity::Customer, field.id);
            let mut scoped = room.shared.store.read(cx).await?;
            let page = sql::value_list_of_field(&mut scoped, of, &after, (0, i64::MAX), VALUES_PAGE).await?;
            drop(scoped);
            let full = page.len() == VALUES_PAGE as usize;
            if left == 0 && !page.is_empty() {
                return Ok(false);
            }
            left = left.saturating_sub(page.len());
            let owners = page.iter().map(|(owner, _)| AccountId::new(owner.as_str()).map(Owner::Customer));
            let owners = owners.collect::<Result<Vec<Owner>>>()?;
            let keys = access::keys_of_owners(cx, room, &owners.iter().collect::<Vec<_>>()).await?;
            for (id, sealed) in page {
                after.clone_from(&id);
                let Some((owner, keys)) = keys.get(id.as_str()) else { continue };
                // What opens for nobody any more is an erased person's.
                let Ok(opened) = values::open_value(keys, owner, sealed) else { continue };
                if let Value::Text(text) = turned.value(opened).value.peek() {
                    tell(&id, field.kind, Zeroizing::new(text.clone()));
                }
            }
            if !full {
                break;
            }
        }
    }
    Ok(true)
}
