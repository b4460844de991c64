//! The directory: customers and organizations as Jira has them, cached for a week at most, sorted and searched in
//! memory for minutes.

mod sorted;

use std::collections::{BTreeMap, HashSet};

use host::client::{AccountKind, Project, Role};
use host::jql::Whose;
use host::{As, Jira, PROFILES, Personal, Profile, RequestCounts};
use kernel::{AccountId, Cx, Fault, KeyClass, OrganizationId, Result};
use vault::{Keys, Open, Place, Subject};

use crate::Room;
use crate::actions::access;
use crate::actions::entitlements::OpenEntitlement;
use crate::model::{Entity, Holder, Owner, Permission};
use crate::{rules, schema, sql};

pub(crate) use sorted::{Cache, Line, Name, Sorted, cache, changed, sorted};

/// People's names, by account; who is not in it has none that Jira tells.
pub(crate) type Names = BTreeMap<AccountId, Open<Profile>>;

/// Members shown with an organization.
const MEMBERS_SHOWN: usize = 50;
/// Results of a picker.
const PICKED: usize = 20;

/// A customer as shown.
pub(crate) struct CustomerRecord {
    pub(crate) account: AccountId,
    pub(crate) name: Option<Open<Profile>>,
    /// The address as the viewer sees it in Jira, where Steward itself is not told it.
    pub(crate) email_seen: Option<Personal>,
    pub(crate) organizations: Vec<(OrganizationId, Name)>,
    /// Into whom they were merged.
    pub(crate) merged_into: Option<AccountId>,
    pub(crate) counts: Option<RequestCounts>,
}

/// An organization as shown.
pub(crate) struct OrganizationRecord {
    pub(crate) id: OrganizationId,
    pub(crate) name: Name,
    pub(crate) member_count: usize,
    pub(crate) counts: Option<RequestCounts>,
    pub(crate) members: Option<Vec<CustomerRecord>>,
    /// Where it is one of a list.
    pub(crate) entitlements: Vec<OpenEntitlement>,
}

pub(crate) fn organization_place(id: &OrganizationId) -> Place {
    Place::new(&schema::ORGANIZATION_BODY, sql::organization_row(id))
}

/// The keys that organizations' names lie under.
pub(crate) async fn name_keys(cx: &Cx, room: &Room) -> Result<Keys> {
    room.shared.vault.keys(cx, KeyClass::Names, Subject::Tenant).await
}

/// The names of people.
pub(crate) async fn names(cx: &Cx, room: &Room, accounts: &[AccountId]) -> Result<Names> {
    let mut wanted: Vec<AccountId> = accounts.to_vec();
    wanted.sort();
    wanted.dedup();
    let mut names = Names::new();
    for some in wanted.chunks(PROFILES) {
        names.extend(room.shared.host.people.profiles(cx, some).await?);
    }
    Ok(names)
}

/// Whether there is such a customer or organization. Anybody that Jira knows can have asked for something.
pub(crate) async fn exists(cx: &Cx, room: &Room, owner: &Owner) -> Result<bool> {
    match owner {
        Owner::Customer(account) => {
            if sql::customer_exists(&mut room.shared.store.read(cx).await?, account).await? {
                return Ok(true);
            }
            Ok(names(cx, room, std::slice::from_ref(account)).await?.contains_key(account))
        }
        Owner::Organization(id) => Ok(organization_name(cx, room, id).await?.is_some()),
    }
}

/// The ids of those of these owners of one kind that there are. Of people whom the directory does not know, Jira is asked.
pub(crate) async fn known(cx: &Cx, room: &Room, owners: &[Owner]) -> Result<HashSet<String>> {
    let mut known = sql::known_of(&mut room.shared.store.read(cx).await?, owners).await?;
    let asked = owners.iter().filter_map(|owner| match owner {
        Owner::Customer(account) if !known.contains(account.as_str()) => Some(account.clone()),
        _ => None,
    });
    let asked: Vec<AccountId> = asked.collect();
    known.extend(names(cx, room, &asked).await?.into_keys().map(String::from));
    Ok(known)
}

/// An organization's name: from the cache, else from Jira.
pub(crate) async fn organization_name(cx: &Cx, room: &Room, id: &OrganizationId) -> Result<Option<Open<String>>> {
    let keys = name_keys(cx, room).await?;
    if let Some(sealed) = sql::organization_get(&mut room.shared.store.read(cx).await?, id).await? {
        return keys.open(&organization_place(id), &sealed).map(Some);
    }
    match jira(cx, room, As::App).organization(id).await {
        Ok(organization) => {
            let sealed = keys.seal(&organization_place(id), &organization.name.peek().to_owned())?;
            let opened = keys.open(&organization_place(id), &sealed)?;
            let mut scoped = room.shared.store.write(cx).await?;
            sql::organization_put(&mut scoped, id, sealed, cx.now()).await?;
            scoped.commit().await?;
            Ok(Some(opened))
        }
        Err(fault) if fault.kind() == kernel::Kind::NotFound => Ok(None),
        Err(fault) => Err(fault),
    }
}

fn jira<'a>(cx: &'a Cx, room: &'a Room, by: As) -> Jira<'a> {
    Jira::for_tenant(&room.shared.host.cloud, cx, by)
}

/// Customers as shown, in the order asked for.
pub(crate) async fn records(
    cx: &Cx,
    room: &Room,
    sorted: &Sorted,
    accounts: &[AccountId],
) -> Result<Vec<CustomerRecord>> {
    let mut names = names(cx, room, accounts).await?;
    let mut records = Vec::with_capacity(accounts.len());
    for account in accounts {
        let of = sorted.memberships.get(account).into_iter().flatten();
        let organizations = of.filter_map(|id| Some((id.clone(), sorted.organization_name(id)?))).collect();
        records.push(CustomerRecord {
            account: account.clone(),
            name: names.remove(account),
            email_seen: None,
            organizations,
            merged_into: sorted.merged.get(account).cloned(),
            counts: None,
        });
    }
    Ok(records)
}

/// One customer, as the directory has them; without counts.
pub(crate) async fn record(cx: &Cx, room: &Room, account: &AccountId) -> Result<CustomerRecord> {
    let name = names(cx, room, std::slice::from_ref(account)).await?.remove(account);
    let email_seen = match &name {
        Some(name) if name.peek().email.is_some() => None,
        _ => email_seen(cx, room, account).await,
    };
    Ok(CustomerRecord {
        account: account.clone(),
        name,
        email_seen,
        organizations: organizations_of(cx, room, account)
            .await?
            .into_iter()
            .map(|(id, name)| (id, name.into()))
            .collect(),
        merged_into: sql::merged_into(&mut room.shared.store.read(cx).await?, account).await?,
        counts: None,
    })
}

/// What Jira shows the viewer. It is theirs to see, perhaps not their colleague's, so it is not kept; and without it
/// the rest still stands.
async fn email_seen(cx: &Cx, room: &Room, account: &AccountId) -> Option<Personal> {
    let viewer = cx.person()?.clone();
    jira(cx, room, As::Person(viewer)).user(account).await.ok()?.email_address.take()
}

/// One customer, with counts, for whoever may see them.
pub(crate) async fn read_customer(cx: &Cx, room: &Room, account: &AccountId) -> Result<CustomerRecord> {
    let owner = Owner::Customer(account.clone());
    let reach = crate::actions::reach::reach(cx, room, &owner, Permission::Browse).await?;
    let counts = counts(cx, room, &owner).await.ok();
    let record = record(cx, room, account).await?;
    // A customer is told nothing of another one.
    let merged_into = record.merged_into.filter(|_| reach.is_agent());
    Ok(CustomerRecord { counts, merged_into, ..record })
}

/// The organizations of a customer: as Jira has them now, or as the directory read them where Jira does not tell.
pub(crate) async fn organizations_of(
    cx: &Cx,
    room: &Room,
    account: &AccountId,
) -> Result<Vec<(OrganizationId, Open<String>)>> {
    let mut organizations = Vec::new();
    if !room.shared.host.tells_organizations(cx).await? {
        let sorted = sorted(cx, room).await?;
        for id in sorted.memberships.get(account).into_iter().flatten() {
            if let Some(name) = organization_name(cx, room, id).await? {
                organizations.push((id.clone(), name));
            }
        }
        return Ok(organizations);
    }
    let keys = name_keys(cx, room).await?;
    let asked = jira(cx, room, As::App);
    let mut start = Some(0);
    while let Some(from) = start {
        let page = asked.organizations(Some(account), from).await?;
        for organization in page.items {
            let sealed = keys.seal(&organization_place(&organization.id), &organization.name.peek().to_owned())?;
            let name = keys.open(&organization_place(&organization.id), &sealed)?;
            organizations.push((organization.id, name));
        }
        start = page.next;
    }
    Ok(organizations)
}

/// How many requests an owner has open and closed, as the viewer sees them in Jira.
pub(crate) async fn counts(cx: &Cx, room: &Room, owner: &Owner) -> Result<RequestCounts> {
    room.shared.host.request_counts(cx, viewer(cx), whose(owner)).await
}

/// The same of several, in their order. Counts are Jira's to give: who of them it does not count now has none.
pub(crate) async fn counts_of(cx: &Cx, room: &Room, owners: &[Owner]) -> Vec<Option<RequestCounts>> {
    let several: Vec<Whose<'_>> = owners.iter().map(whose).collect();
    match room.shared.host.request_counts_of(cx, viewer(cx), &several).await {
        Ok(counted) => counted.into_iter().map(Result::ok).collect(),
        Err(_) => owners.iter().map(|_| None).collect(),
    }
}

fn viewer(cx: &Cx) -> As {
    cx.person().map_or(As::App, |viewer| As::Person(viewer.clone()))
}

fn whose(owner: &Owner) -> Whose<'_> {
    match owner {
        Owner::Customer(account) => Whose::Customer(account),
        Owner::Organization(id) => Whose::Organization(id),
    }
}

/// One organization, with counts and its first members.
pub(crate) async fn read_organization(cx: &Cx, room: &Room, id: &OrganizationId) -> Result<OrganizationRecord> {
    access::require_about(cx, room, Entity::Organization, Permission::Browse).await?;
    let name = organization_name(cx, room, id).await?.ok_or_else(Fault::not_found)?;
    let sorted = sorted(cx, room).await?;
    let members = sorted.members.get(id).cloned().unwrap_or_default();
    let shown: Vec<AccountId> = members.iter().take(MEMBERS_SHOWN).cloned().collect();
    let owner = Owner::Organization(id.clone());
    Ok(OrganizationRecord {
        id: id.clone(),
        name: name.into(),
        member_count: members.len(),
        counts: counts(cx, room, &owner).await.ok(),
        entitlements: Vec::new(),
        // An API token for organizations alone is not told of people.
        members: match access::permissions_about(cx, room, Entity::Customer).await?.contains(&Permission::Browse) {
            true => Some(records(cx, room, &sorted, &shown).await?),
            false => None,
        },
    })
}

/// People to choose for a field.
pub(crate) async fn find_users(cx: &Cx, room: &Room, query: &str) -> Result<Vec<(AccountId, Open<Profile>)>> {
    if query.is_empty() {
        return Ok(Vec::new());
    }
    // A page that has an id and wants the name asks by the id.
    if let Ok(account) = AccountId::new(query)
        && let Some(name) = names(cx, room, std::slice::from_ref(&account)).await?.remove(&account)
    {
        return Ok(vec![(account, name)]);
    }
    let found = jira(cx, room, As::App).user_search(query).await?;
    let accounts: Vec<AccountId> = found
        .iter()
        .filter(|user| user.active && user.account_type != AccountKind::App)
        .take(PICKED)
        .map(|user| user.account_id.clone())
        .collect();
    let mut names = names(cx, room, &accounts).await?;
    Ok(accounts.into_iter().filter_map(|account| names.remove(&account).map(|name| (account, name))).collect())
}

/// The project roles of the site's service projects. Jira has one list of roles for all projects that it manages
/// classically, so the first service project tells it.
async fn roles(cx: &Cx, room: &Room) -> Result<Vec<Role>> {
    match room.shared.host.callers.service_projects(cx).await?.first() {
        Some(project) => jira(cx, room, As::App).roles(project).await,
        None => Ok(Vec::new()),
    }
}

/// Groups and project roles to choose for a permission.
pub(crate) async fn find_holders(cx: &Cx, room: &Room, query: &str) -> Result<Vec<Holder>> {
    let jira = jira(cx, room, As::App);
    let (groups, roles) = futures::try_join!(jira.group_search(query), roles(cx, room))?;
    let wanted = rules::name_key(query);
    let mut holders: Vec<Holder> = roles
        .into_iter()
        .filter(|role| role.name.peek().to_lowercase().contains(&wanted))
        .map(|role| Holder::ProjectRole { id: role.id.as_str().to_owned(), name: role.name.peek().to_owned() })
        .collect();
    holders.extend(groups.into_iter().take(PICKED).filter_map(|group| {
        Some(Holder::Group { id: group.group_id?.as_str().to_owned(), name: group.name.peek().to_owned() })
    }));
    Ok(holders)
}

/// Names of organizations, for what the sync writes.
pub(crate) fn seal_name(keys: &Keys, id: &OrganizationId, name: &str) -> Result<kernel::Sealed<String>> {
    keys.seal(&organization_place(id), &name.to_owned())
}

/// The site's service projects.
pub(crate) async fn service_projects(cx: &Cx, room: &Room) -> Result<Vec<Project>> {
    let jira = jira(cx, room, As::App);
    let mut projects = Vec::new();
    let mut start = Some(0);
    while let Some(from) = start {
        let page = jira.service_projects(from).await?;
        projects.extend(page.items);
        start = page.next;
    }
    Ok(projects)
}
