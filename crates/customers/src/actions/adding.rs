//! Customers, organizations and members made in Jira: it is Jira's to say who may, and what stands.
//!
//! Each is one change there, which is then noted in the directory here, so that it shows at once and not within the
//! hour. What Jira makes would be there twice if it were asked twice: `asking` notes what it is asked.

use futures::FutureExt;
use host::client::{ACCOUNTS_AT_ONCE, ANSWER_LOST, Customer, Organization, Power, ServiceDeskId};
use host::{As, Jira, Personal, Profile};
use jiff::{SignedDuration, Timestamp};
use kernel::{AccountId, Cx, Fault, FieldFault, Kind, OrganizationId, ProjectId, Result};
use serde_json::json;
use store::ledger;

use crate::Room;
use crate::actions::access;
use crate::actions::announce::announce_members;
use crate::actions::asking::{self, Asking, Thing};
use crate::actions::directory::{self, CustomerRecord};
use crate::actions::reach::reach;
use crate::jobs;
use crate::model::{Entity, Owner, Permission};
use crate::rules::adding::{PLACES_AT_ONCE, check_address, check_few, check_line};
use crate::sql;
use crate::webhooks::event::EventKind;

/// What the ledger calls it that a customer was made.
const MADE: &str = "customers.customer_added";
/// For so long Jira's search may not know whom Jira made. After that, it withholds the address.
pub(crate) const BEHIND: SignedDuration = SignedDuration::from_mins(10);
/// The directory is read again once for all that was not heard of in so long: a reading of a big site takes minutes.
const READ_AGAIN_MICROS: i64 = 5 * 60 * 1_000_000;

/// A customer as somebody wants them.
pub(crate) struct NewCustomer {
    pub(crate) email: Personal,
    pub(crate) name: Personal,
    pub(crate) projects: Vec<ProjectId>,
    pub(crate) organizations: Vec<OrganizationId>,
}

/// What was made, and what Jira refused of the rest, by place in the request.
pub(crate) struct Added<T> {
    pub(crate) made: T,
    pub(crate) refused: Vec<(String, Fault)>,
}

pub(crate) fn jira<'a>(cx: &'a Cx, room: &'a Room) -> Jira<'a> {
    Jira::for_tenant(&room.shared.host.cloud, cx, As::App)
}

/// Collects what is wrong with each field.
fn read<T>(faults: &mut Vec<FieldFault>, field: Result<T, FieldFault>) -> Option<T> {
    field.map_err(|fault| faults.push(fault)).ok()
}

/// Jira's refusal in words that say whom to ask.
fn refused_by_jira(fault: Fault, who: &'static str) -> Fault {
    if fault.kind() == Kind::Refused { Fault::refused(who) } else { fault }
}

/// All desks, each with its project.
async fn desks(jira: &Jira<'_>) -> Result<Vec<(ProjectId, ServiceDeskId)>> {
    let mut known = Vec::new();
    let mut start = Some(0);
    while let Some(from) = start {
        let page = jira.service_desks(from).await?;
        known.extend(page.items.into_iter().map(|desk| (desk.project_id, desk.id)));
        start = page.next;
    }
    Ok(known)
}

fn no_service_project(pointer: &str) -> FieldFault {
    let detail = "There is no service project of this id.".to_owned();
    FieldFault { pointer: pointer.to_owned(), code: "unknown", detail, limit: None }
}

/// The desks of these projects; one that is no service project is told at its place.
pub(crate) async fn desks_of(jira: &Jira<'_>, pointer: &str, projects: &[ProjectId]) -> Result<Vec<ServiceDeskId>> {
    let known = if projects.is_empty() { Vec::new() } else { desks(jira).await? };
    let mut faults = Vec::new();
    let mut found = Vec::new();
    for (place, project) in projects.iter().enumerate() {
        match known.iter().find(|(of, _)| of == project) {
            Some((_, desk)) => found.push(desk.clone()),
            None => faults.push(no_service_project(&format!("{pointer}/{place}"))),
        }
    }
    if faults.is_empty() { Ok(found) } else { Err(Fault::invalid_fields(faults)) }
}

/// The desk of one service project, which the request names there.
pub(crate) async fn desk_of(jira: &Jira<'_>, pointer: &str, project: &ProjectId) -> Result<ServiceDeskId> {
    let found = desks(jira).await?.into_iter().find(|(of, _)| of == project);
    found.map(|(_, desk)| desk).ok_or_else(|| Fault::invalid_fields(vec![no_service_project(pointer)]))
}

/// Makes a customer in Jira, and puts them into projects and organizations. Where Jira takes the person and not one of
/// the places, the person stands, and the place is told.
pub(crate) async fn create_customer(cx: &Cx, room: &Room, wanted: NewCustomer) -> Result<Added<CustomerRecord>> {
    access::require_about(cx, room, Entity::Customer, Permission::Edit).await?;
    if !wanted.organizations.is_empty() {
        access::require_about(cx, room, Entity::Organization, Permission::Edit).await?;
    }
    let mut faults = Vec::new();
    let email = read(&mut faults, check_address("/email", wanted.email.peek()).map(Personal::from));
    let name = read(&mut faults, check_line("/displayName", wanted.name.peek(), "A name").map(Personal::from));
    let projects = read(&mut faults, check_few("/projectIds", wanted.projects, PLACES_AT_ONCE));
    let organizations = read(&mut faults, check_few("/organizationIds", wanted.organizations, PLACES_AT_ONCE));
    let (Some(email), Some(name), Some(projects), Some(organizations)) = (email, name, projects, organizations) else {
        return Err(Fault::invalid_fields(faults));
    };
    let jira = jira(cx, room);
    let desks = desks_of(&jira, "/projectIds", &projects).await?;
    let by = jira.hand(Power::Administrator).await.map_err(only_administrators)?;
    let address = email.peek().to_lowercase();
    let mut asking = Asking::of(cx, room, Thing::Customer, &[address.as_str()]).await?;
    let asked_at = asking.before();
    let first = made_before(&by, &email, &name).boxed();
    let make = async {
        match by.create_customer(&email, &name).await {
            // Whom the asking before made, Jira's search may not know yet.
            Err(fault) if fault.kind() == Kind::Conflict && asked_at.is_some_and(|at| is_behind(cx, at)) => {
                Err(asking::lost(fault.code()))
            }
            made => made,
        }
    };
    let second = made_now(cx, room, &by, &email, &name).boxed();
    let customer = asking.settle(first, make.boxed(), second).await.map_err(only_administrators)?;
    let accounts = std::slice::from_ref(&customer.account_id);

    let mut refused = Vec::new();
    let mut served = Vec::new();
    for (place, (project, desk)) in projects.iter().zip(&desks).enumerate() {
        match add_to_desk(&jira, project, desk, accounts).await {
            Ok(()) => served.push(project.clone()),
            Err(fault) => refused.push((format!("/projectIds/{place}"), fault)),
        }
    }
    let mut joined = Vec::new();
    for (place, organization) in organizations.iter().enumerate() {
        match join(&jira, organization, accounts).await {
            Ok(()) => joined.push((organization.clone(), customer.account_id.clone())),
            Err(fault) => refused.push((format!("/organizationIds/{place}"), fault)),
        }
    }
    // Jira withholds the address of whoever it just made; here it was typed.
    let profile = Profile {
        name: name.peek().to_owned(),
        email: Some(email.peek().to_owned()),
        active: true,
        ..Profile::from(&customer)
    };
    room.shared.host.people.keep(cx, &[(customer.account_id.clone(), profile)]).await?;
    note(cx, room, MADE, &joined, &served, accounts, Some(&asking)).await?;
    let made = directory::record(cx, room, &customer.account_id).await?;
    Ok(Added { made, refused })
}

/// Whether Jira's search may not know yet whom it made then.
fn is_behind(cx: &Cx, asked_at: Timestamp) -> bool {
    cx.now().duration_since(asked_at) < BEHIND
}

/// Whom an earlier asking made.
async fn made_before(by: &Jira<'_>, email: &Personal, name: &Personal) -> Result<Option<Customer>> {
    let found = by.account_of_address(email).await?;
    let display_name = Some(name.clone());
    Ok(found.map(|account_id| Customer {
        account_id,
        display_name,
        email_address: None,
        active: true,
        time_zone: None,
    }))
}

/// Whom an asking made whose answer was lost just now: whoever is a customer here already was there before it.
async fn made_now(cx: &Cx, room: &Room, by: &Jira<'_>, email: &Personal, name: &Personal) -> Result<Option<Customer>> {
    let Some(made) = made_before(by, email, name).await? else { return Ok(None) };
    if sql::customer_exists(&mut room.shared.store.read(cx).await?, &made.account_id).await? {
        return Err(Fault::duplicate("email_in_use", "Somebody has an account with this e-mail address already."));
    }
    Ok(Some(made))
}

pub(crate) fn only_administrators(fault: Fault) -> Fault {
    refused_by_jira(
        fault,
        "Jira lets only its administrators make customers. Ask one of them, or let the customer sign up in the portal.",
    )
}

async fn add_to_desk(jira: &Jira<'_>, project: &ProjectId, desk: &ServiceDeskId, accounts: &[AccountId]) -> Result<()> {
    let only = |fault| refused_by_jira(fault, "Jira lets only the project's administrators add customers to it.");
    jira.hand(Power::AdministratorOf(project))
        .await
        .map_err(only)?
        .add_desk_customers(desk, accounts)
        .await
        .map_err(only)
}

async fn join(jira: &Jira<'_>, organization: &OrganizationId, accounts: &[AccountId]) -> Result<()> {
    let only = |fault| refused_by_jira(fault, "Jira does not let you change who belongs to organizations.");
    jira.hand(Power::Agent).await.map_err(only)?.add_members(organization, accounts).await.map_err(only)
}

/// Makes an organization in Jira, and lets its people use projects.
pub(crate) async fn create_organization(
    cx: &Cx,
    room: &Room,
    name: Personal,
    projects: Vec<ProjectId>,
) -> Result<Added<OrganizationId>> {
    access::require_about(cx, room, Entity::Organization, Permission::Edit).await?;
    let mut faults = Vec::new();
    let name = read(&mut faults, check_line("/name", name.peek(), "A name"));
    let projects = read(&mut faults, check_few("/projectIds", projects, PLACES_AT_ONCE));
    let (Some(name), Some(projects)) = (name, projects) else { return Err(Fault::invalid_fields(faults)) };
    let mut asking = Asking::of(cx, room, Thing::Organization, &[name.as_str()]).await?;
    let name = Personal::from(name);
    // One that was asked for and not heard of may be here by now.
    let is_new = asking.before().is_none();
    if is_new {
        refuse_name_in_use(cx, room, &name).await?;
    }
    let jira = jira(cx, room);
    let desks = desks_of(&jira, "/projectIds", &projects).await?;
    let only = |fault| refused_by_jira(fault, "Jira does not let you make organizations.");
    let by = jira.hand(Power::Agent).await.map_err(only)?;
    let look = || organization_called(&jira, &name).boxed();
    let make = async {
        // Whoever asked for the same at the same time may have it by now.
        if is_new {
            refuse_name_in_use(cx, room, &name).await?;
        }
        by.create_organization(&name).await
    };
    let made = match asking.settle(look(), make.boxed(), look()).await {
        Err(fault) if fault.code() == ANSWER_LOST => {
            read_directory_again(cx, room).await?;
            return Err(fault);
        }
        made => made.map_err(only)?,
    };
    let mut refused = Vec::new();
    for (place, (project, desk)) in projects.iter().zip(&desks).enumerate() {
        let only = |fault| refused_by_jira(fault, "Jira lets only the project's agents add organizations to it.");
        let shared = match jira.hand(Power::AgentIn(project)).await {
            Ok(by) => by.add_desk_organization(desk, &made.id).await,
            Err(fault) => Err(fault),
        };
        if let Err(fault) = shared.map_err(only) {
            refused.push((format!("/projectIds/{place}"), fault));
        }
    }
    let keys = directory::name_keys(cx, room).await?;
    let sealed = directory::seal_name(&keys, &made.id, made.name.peek())?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    sql::organization_put(&mut scoped, &made.id, sealed, cx.now()).await?;
    let object = format!("organization {}", made.id);
    let entry = ledger::Entry { kind: "customers.organization_added", actor, subject: None, object: Some(&object) };
    ledger::append(&mut scoped, cx, entry).await?;
    asking.heard(&mut scoped).await?;
    directory::changed(&mut scoped, cx).await?;
    scoped.commit().await?;
    Ok(Added { made: made.id, refused })
}

/// Jira would make a second one, which nobody could tell from the first, or answer the first as if it were made.
async fn refuse_name_in_use(cx: &Cx, room: &Room, name: &Personal) -> Result<()> {
    let sorted = directory::sorted(cx, room).await?;
    if sorted.organizations.iter().any(|line| line.name.trim() == name.peek()) {
        return Err(Fault::duplicate("name_in_use", "There is an organization of this name already."));
    }
    Ok(())
}

/// The organization of this name, in Jira's own list. None had it here, so whichever has it came since, as it was asked for.
async fn organization_called(jira: &Jira<'_>, name: &Personal) -> Result<Option<Organization>> {
    let mut start = Some(0);
    while let Some(from) = start {
        let page = jira.organizations(None, from).await?;
        if let Some(found) = page.items.into_iter().find(|organization| organization.name.peek().trim() == name.peek())
        {
            return Ok(Some(found));
        }
        start = page.next;
    }
    Ok(None)
}

/// Lets the directory be read soon, so that the lists show what Jira made and nobody heard of.
async fn read_directory_again(cx: &Cx, room: &Room) -> Result<()> {
    let slot = kernel::micros(cx.now()).div_euclid(READ_AGAIN_MICROS) + 1;
    let at = kernel::from_micros(slot.saturating_mul(READ_AGAIN_MICROS));
    let mut scoped = room.shared.store.write(cx).await?;
    ::jobs::enqueue(&mut scoped, cx, jobs::SYNC, &format!("unheard {slot}"), &json!({}), at).await?;
    scoped.commit().await
}

fn accounts_given(accounts: Vec<AccountId>) -> Result<Vec<AccountId>> {
    let accounts =
        check_few("/accountIds", accounts, ACCOUNTS_AT_ONCE).map_err(|fault| Fault::invalid_fields(vec![fault]))?;
    if accounts.is_empty() {
        return Err(Fault::invalid_field("/accountIds", "required", "Name at least one account."));
    }
    Ok(accounts)
}

/// Lets people into an organization.
pub(crate) async fn add_members(
    cx: &Cx,
    room: &Room,
    organization: &OrganizationId,
    accounts: Vec<AccountId>,
) -> Result<()> {
    access::require_about(cx, room, Entity::Organization, Permission::Edit).await?;
    let accounts = accounts_given(accounts)?;
    directory::organization_name(cx, room, organization).await?.ok_or_else(Fault::not_found)?;
    for (place, account) in accounts.iter().enumerate() {
        if !directory::exists(cx, room, &Owner::Customer(account.clone())).await? {
            let detail = "Jira knows no such account.";
            return Err(Fault::invalid_field(format!("/accountIds/{place}"), "unknown", detail));
        }
    }
    join(&jira(cx, room), organization, &accounts).await?;
    let joined: Vec<_> = accounts.iter().map(|account| (organization.clone(), account.clone())).collect();
    note(cx, room, "customers.members_added", &joined, &[], &accounts, None).await
}

/// Takes somebody out of an organization. Whoever is not in it stays out.
pub(crate) async fn remove_member(
    cx: &Cx,
    room: &Room,
    organization: &OrganizationId,
    account: &AccountId,
) -> Result<()> {
    access::require_about(cx, room, Entity::Organization, Permission::Edit).await?;
    directory::organization_name(cx, room, organization).await?.ok_or_else(Fault::not_found)?;
    let only = |fault| refused_by_jira(fault, "Jira does not let you change who belongs to organizations.");
    let by = jira(cx, room).hand(Power::Agent).await.map_err(only)?;
    by.remove_members(organization, std::slice::from_ref(account)).await.map_err(only)?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let subject = Some(access::pseudonym(cx, room, account).await?);
    let mut scoped = room.shared.store.write(cx).await?;
    if sql::membership_delete(&mut scoped, organization, account).await? {
        announce_members(&mut scoped, cx, EventKind::MemberRemoved, vec![(organization.clone(), account.clone())])
            .await?;
    }
    let object = format!("organization {organization}");
    let entry = ledger::Entry { kind: "customers.member_removed", actor, subject, object: Some(&object) };
    ledger::append(&mut scoped, cx, entry).await?;
    directory::changed(&mut scoped, cx).await?;
    scoped.commit().await?;
    Ok(())
}

/// Lets people use a service project.
pub(crate) async fn add_to_project(cx: &Cx, room: &Room, project: &ProjectId, accounts: Vec<AccountId>) -> Result<()> {
    access::require_about(cx, room, Entity::Customer, Permission::Edit).await?;
    let accounts = accounts_given(accounts)?;
    for account in &accounts {
        reach(cx, room, &Owner::Customer(account.clone()), Permission::Edit).await?;
    }
    let jira = jira(cx, room);
    let desk = desk_of(&jira, "/projectId", project).await?;
    add_to_desk(&jira, project, &desk, &accounts).await?;
    note(cx, room, "customers.project_customers_added", &[], std::slice::from_ref(project), &accounts, None).await
}

/// Notes here what Jira did: these are customers, of these projects; those joined; the ledger has a line for each person.
async fn note(
    cx: &Cx,
    room: &Room,
    kind: &'static str,
    joined: &[(OrganizationId, AccountId)],
    served: &[ProjectId],
    accounts: &[AccountId],
    asking: Option<&Asking<'_>>,
) -> Result<()> {
    let actor = access::actor_pseudonym(cx, room).await?;
    let mut subjects = Vec::with_capacity(accounts.len());
    for account in accounts {
        subjects.push(access::pseudonym(cx, room, account).await?);
    }
    let object = joined.first().map(|(organization, _)| format!("organization {organization}"));
    let mut scoped = room.shared.store.write(cx).await?;
    match kind {
        MADE => sql::customers_made(&mut scoped, accounts, cx.now()).await?,
        _ => sql::customers_put(&mut scoped, accounts, cx.now()).await?,
    }
    for project in served {
        sql::project_customers_put(&mut scoped, project, accounts, cx.now()).await?;
    }
    let mut new = Vec::new();
    for (organization, account) in joined {
        let joined = sql::memberships_put(&mut scoped, organization, [account], cx.now()).await?;
        new.extend(joined.into_iter().map(|account| (organization.clone(), account)));
    }
    announce_members(&mut scoped, cx, EventKind::MemberAdded, new).await?;
    let entry =
        |subject| ledger::Entry { kind, actor: actor.clone(), subject: Some(subject), object: object.as_deref() };
    ledger::append_all(&mut scoped, cx, subjects.into_iter().map(entry).collect()).await?;
    if let Some(asking) = asking {
        asking.heard(&mut scoped).await?;
    }
    directory::changed(&mut scoped, cx).await?;
    scoped.commit().await?;
    Ok(())
}
