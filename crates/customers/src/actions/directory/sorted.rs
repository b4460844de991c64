//! The directory in memory: sorted, with where each record stands. It is read whole, so it is read seldom: only when
//! what it was read from has changed, and then behind whoever is being answered.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use host::PROFILES;
use kernel::{AccountId, Cx, Fault, OrganizationId, ProjectId, Result, TenantId};
use store::{Scoped, changes};
use vault::{Exit, Open};
use zeroize::Zeroizing;

use super::{name_keys, names, organization_place};
use crate::Room;
use crate::sql;

/// What the change sequence calls the directory.
const DIRECTORY: &str = "directory";
/// Rows read from the store in one statement.
const READ_PAGE: u32 = 1_000;
/// How long a sorted directory serves before somebody looks whether it still stands.
const FRESH: Duration = Duration::from_secs(30);
/// How long it serves while it is looked at and, where something changed, read anew; an older one is waited for.
const SERVED: Duration = Duration::from_secs(120);
/// Names that nobody asks for leave the memory after so long.
const IDLE: Duration = Duration::from_secs(300);
/// Tenants whose directory is kept sorted in memory.
const CACHED_TENANTS: u64 = 64;

/// One line of the sorted directory: what is searched, sorted and asked by, wiped when dropped.
pub(crate) struct Line<I> {
    pub(crate) id: I,
    sort: Zeroizing<String>,
    pub(crate) search: Zeroizing<String>,
    pub(crate) name: Zeroizing<String>,
    pub(crate) email: Option<Zeroizing<String>>,
    pub(crate) active: bool,
    pub(crate) time_zone: Option<String>,
    /// Whether it was merged into another one.
    pub(crate) merged: bool,
}

/// A tenant's directory, sorted.
pub(crate) struct Sorted {
    pub(crate) customers: Vec<Line<AccountId>>,
    pub(crate) organizations: Vec<Line<OrganizationId>>,
    pub(crate) members: HashMap<OrganizationId, Vec<AccountId>>,
    pub(crate) memberships: HashMap<AccountId, Vec<OrganizationId>>,
    /// The service projects that each is a customer of.
    pub(crate) projects: HashMap<AccountId, Vec<ProjectId>>,
    /// Who was merged, and into whom.
    pub(crate) merged: HashMap<AccountId, AccountId>,
    customer_places: HashMap<AccountId, usize>,
    organization_places: HashMap<OrganizationId, usize>,
}

/// The name of an organization, as Jira told it; it leaves through an exit.
pub(crate) struct Name(Zeroizing<String>);

impl Name {
    pub(crate) fn release(mut self, _exit: &Exit) -> String {
        std::mem::take(&mut self.0)
    }
}

impl From<Open<String>> for Name {
    fn from(name: Open<String>) -> Self {
        Self(Zeroizing::new(name.peek().clone()))
    }
}

impl Sorted {
    /// Where a customer stands.
    pub(crate) fn customer(&self, id: &AccountId) -> Option<usize> {
        self.customer_places.get(id).copied()
    }

    /// Where an organization stands.
    pub(crate) fn organization(&self, id: &OrganizationId) -> Option<usize> {
        self.organization_places.get(id).copied()
    }

    /// What an organization is called.
    pub(crate) fn organization_name(&self, id: &OrganizationId) -> Option<Name> {
        let line = self.organizations.get(self.organization(id)?)?;
        Some(Name(line.name.clone()))
    }
}

/// Sorted directories of this node.
pub(crate) type Cache = moka::future::Cache<TenantId, Arc<Kept>>;

/// A sorted directory, and what it was read from.
pub(crate) struct Kept {
    sorted: Arc<Sorted>,
    /// The number of the last change that whoever made it told of.
    change: i64,
    stamp: Stamp,
    /// When it was last seen to stand, in microseconds.
    seen_at: AtomicI64,
    renewing: AtomicBool,
}

/// How many rows there are of a kind, and when the newest of them was written.
type Rows = (i64, Option<i64>);

/// Changes with whatever a directory is read from.
#[derive(PartialEq)]
struct Stamp {
    people: Rows,
    rows: [Rows; 5],
}

/// An empty cache.
pub(crate) fn cache() -> Cache {
    moka::future::Cache::builder().max_capacity(CACHED_TENANTS).time_to_idle(IDLE).build()
}

/// The sorted directory. What was changed here, on whichever node, is in it. What Jira says besides, of names for example, is answered from one that is
/// two minutes old at most, and looked at behind.
pub(crate) async fn sorted(cx: &Cx, room: &Room) -> Result<Arc<Sorted>> {
    let kept = match room.directory.get(&cx.tenant()).await {
        Some(kept) => kept,
        None => return Ok(read_once(cx, room).await?.sorted.clone()),
    };
    if last_change(cx, room).await? != kept.change {
        // Of several who see it, the first takes the old one away, and all get the same new one.
        if is_standing(cx, room, &kept).await {
            forget(cx, room).await;
        }
        return Ok(read_once(cx, room).await?.sorted.clone());
    }
    let age = kept.age(cx);
    if age < micros(FRESH) {
        return Ok(kept.sorted.clone());
    }
    if age >= micros(SERVED) {
        return Ok(renewed(cx, room, &kept).await?.sorted.clone());
    }
    if !kept.renewing.swap(true, Ordering::Relaxed) {
        let (cx, room, kept) = (cx.clone(), room.clone(), kept.clone());
        tokio::spawn(async move {
            if let Err(fault) = renewed(&cx, &room, &kept).await {
                tracing::warn!(event = "directory_not_renewed", tenant = %cx.tenant(), code = fault.code());
            }
            kept.renewing.store(false, Ordering::Relaxed);
        });
    }
    Ok(kept.sorted.clone())
}

/// Tells all nodes, by the transaction that changes the directory, that a sorted one stands no more.
pub(crate) async fn changed(scoped: &mut Scoped, cx: &Cx) -> Result<()> {
    changes::record(scoped, cx, DIRECTORY, "").await.map(drop)
}

async fn last_change(cx: &Cx, room: &Room) -> Result<i64> {
    changes::last_of(&mut room.shared.store.read(cx).await?, DIRECTORY, "").await
}

async fn forget(cx: &Cx, room: &Room) {
    room.directory.invalidate(&cx.tenant()).await;
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

impl Kept {
    fn age(&self, cx: &Cx) -> i64 {
        kernel::micros(cx.now()) - self.seen_at.load(Ordering::Relaxed)
    }
}

/// The same one where nothing changed, else a new one. While that is read, the old one serves whoever does not wait.
async fn renewed(cx: &Cx, room: &Room, kept: &Arc<Kept>) -> Result<Arc<Kept>> {
    let now = kernel::micros(cx.now());
    if stamp(cx, room).await? == kept.stamp {
        kept.seen_at.store(now, Ordering::Relaxed);
        return Ok(kept.clone());
    }
    if kept.age(cx) < micros(SERVED) {
        let fresh = Arc::new(read(cx, room).await?);
        // Where it was forgotten meanwhile, something was made that this reading may not have seen.
        if is_standing(cx, room, kept).await {
            room.directory.insert(cx.tenant(), fresh.clone()).await;
        }
        return Ok(fresh);
    }
    // Of several who wait, the first takes the old one away, and all get the same new one.
    if is_standing(cx, room, kept).await {
        forget(cx, room).await;
    }
    read_once(cx, room).await
}

async fn is_standing(cx: &Cx, room: &Room, kept: &Arc<Kept>) -> bool {
    room.directory.get(&cx.tenant()).await.is_some_and(|standing| Arc::ptr_eq(&standing, kept))
}

async fn read_once(cx: &Cx, room: &Room) -> Result<Arc<Kept>> {
    room.directory.try_get_with(cx.tenant(), async { read(cx, room).await.map(Arc::new) }).await.map_err(
        |_: Arc<Fault>| {
            Fault::busy("directory_unavailable", "The list of customers cannot be read just now. Try again.", None)
        },
    )
}

async fn stamp(cx: &Cx, room: &Room) -> Result<Stamp> {
    let people = room.shared.host.people.stamp(cx).await?;
    Ok(Stamp { people, rows: sql::directory_stamp(&mut room.shared.store.read(cx).await?).await? })
}

async fn read(cx: &Cx, room: &Room) -> Result<Kept> {
    // What changes while it is read is seen as a change afterwards.
    let (change, stamp) = (last_change(cx, room).await?, stamp(cx, room).await?);
    let seen_at = kernel::micros(cx.now()).into();
    Ok(Kept { sorted: Arc::new(read_sorted(cx, room).await?), change, stamp, seen_at, renewing: false.into() })
}

async fn read_sorted(cx: &Cx, room: &Room) -> Result<Sorted> {
    let merged = sql::merges_standing(&mut room.shared.store.read(cx).await?).await?;
    let merged: HashMap<AccountId, AccountId> = merged.into_iter().collect();
    let accounts = read_accounts(cx, room).await?;
    let mut customers = Vec::with_capacity(accounts.len());
    for some in accounts.chunks(PROFILES) {
        let names = names(cx, room, some).await?;
        customers.extend(some.iter().map(|account| {
            let name = names.get(account).map(Open::peek);
            let shown = name.map_or(account.as_str(), |name| &name.name);
            let email = name.and_then(|name| name.email.as_deref());
            Line {
                id: account.clone(),
                sort: Zeroizing::new(shown.to_lowercase()),
                search: Zeroizing::new(format!("{shown}\n{}", email.unwrap_or_default()).to_lowercase()),
                name: Zeroizing::new(shown.to_owned()),
                email: email.map(|email| Zeroizing::new(email.to_owned())),
                active: name.is_some_and(|name| name.active),
                time_zone: name.and_then(|name| name.time_zone.clone()),
                merged: merged.contains_key(account),
            }
        }));
    }
    customers.sort_by(|a, b| (&*a.sort, &a.id).cmp(&(&*b.sort, &b.id)));
    let organizations = read_organizations(cx, room).await?;
    let (members, memberships) = read_memberships(cx, room).await?;
    let projects = read_projects(cx, room).await?;
    let customer_places = customers.iter().enumerate().map(|(place, line)| (line.id.clone(), place)).collect();
    let organization_places = organizations.iter().enumerate().map(|(place, line)| (line.id.clone(), place)).collect();
    Ok(Sorted {
        customers,
        organizations,
        members,
        memberships,
        projects,
        merged,
        customer_places,
        organization_places,
    })
}

async fn read_accounts(cx: &Cx, room: &Room) -> Result<Vec<AccountId>> {
    let mut accounts: Vec<AccountId> = Vec::new();
    loop {
        let after = accounts.last().map(|account| account.as_str().to_owned()).unwrap_or_default();
        let page = sql::customer_list(&mut room.shared.store.read(cx).await?, &after, READ_PAGE).await?;
        let full = page.len() == READ_PAGE as usize;
        accounts.extend(page);
        if !full {
            return Ok(accounts);
        }
    }
}

async fn read_organizations(cx: &Cx, room: &Room) -> Result<Vec<Line<OrganizationId>>> {
    let keys = name_keys(cx, room).await?;
    let mut lines: Vec<Line<OrganizationId>> = Vec::new();
    let mut after = String::new();
    loop {
        let page = sql::organization_list(&mut room.shared.store.read(cx).await?, &after, READ_PAGE).await?;
        let full = page.len() == READ_PAGE as usize;
        for (id, sealed) in page {
            let name = keys.open(&organization_place(&id), &sealed)?;
            let lower = Zeroizing::new(name.peek().to_lowercase());
            after = id.as_str().to_owned();
            lines.push(Line {
                id,
                sort: lower.clone(),
                search: lower,
                name: Zeroizing::new(name.peek().clone()),
                email: None,
                active: true,
                time_zone: None,
                merged: false,
            });
        }
        if !full {
            break;
        }
    }
    lines.sort_by(|a, b| (&*a.sort, &a.id).cmp(&(&*b.sort, &b.id)));
    Ok(lines)
}

type Members = (HashMap<OrganizationId, Vec<AccountId>>, HashMap<AccountId, Vec<OrganizationId>>);

async fn read_memberships(cx: &Cx, room: &Room) -> Result<Members> {
    let (mut members, mut memberships): Members = Default::default();
    let mut after = (String::new(), String::new());
    loop {
        let place = (after.0.as_str(), after.1.as_str());
        let page = sql::membership_list(&mut room.shared.store.read(cx).await?, place, READ_PAGE).await?;
        let full = page.len() == READ_PAGE as usize;
        for (organization, account) in page {
            after = (organization.as_str().to_owned(), account.as_str().to_owned());
            memberships.entry(account.clone()).or_default().push(organization.clone());
            members.entry(organization).or_default().push(account);
        }
        if !full {
            return Ok((members, memberships));
        }
    }
}

async fn read_projects(cx: &Cx, room: &Room) -> Result<HashMap<AccountId, Vec<ProjectId>>> {
    let mut projects: HashMap<AccountId, Vec<ProjectId>> = HashMap::new();
    let mut after = (String::new(), String::new());
    loop {
        let place = (after.0.as_str(), after.1.as_str());
        let page = sql::project_customer_list(&mut room.shared.store.read(cx).await?, place, READ_PAGE).await?;
        let full = page.len() == READ_PAGE as usize;
        for (project, account) in page {
            after = (project.as_str().to_owned(), account.as_str().to_owned());
            projects.entry(account).or_default().push(project);
        }
        if !full {
            return Ok(projects);
        }
    }
}
