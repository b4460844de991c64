//! Customers whom Jira makes because a row of an import names them. Jira's call is not the same when it is done twice: what it
//! is asked is noted before, what it answered after, so that a try that follows a lost answer looks for whom the lost one made.
//!
//! It makes nobody whom it finds, guesses nobody, and holds no address but that of the staged row. Start at [`Making::page`].

use std::collections::BTreeMap;

use host::client::{ACCOUNTS_AT_ONCE, Customer, Power, ServiceDeskId};
use host::{As, Jira, Personal, Profile};
use jiff::Timestamp;
use kernel::{AccountId, Cx, Fault, KeyClass, Kind, Result};
use store::{changes, ledger};
use vault::{Keys, Subject};

use crate::Room;
use crate::actions::announce::announce_members_of;
use crate::actions::batches::deeds::Deed;
use crate::actions::batches::{author_of, save, stop};
use crate::actions::{access, adding, directory};
use crate::imports::mapping::Places;
use crate::imports::plan::{Newcomer, Outcome, PlannedRow, Refusal};
use crate::model::{Author, Entity, ImportPlan, ImportState, MadePerson, MadeState, Permission};
use crate::sql::{self, SealedImport};
use crate::webhooks::event::EventKind;

/// People of one slice of the job, two or three calls each: a minute of a Jira that is not at its best. As many are put into
/// their places by one call.
const PEOPLE_A_SLICE: usize = ACCOUNTS_AT_ONCE;

/// How far a page is.
pub(crate) enum Step {
    /// Each of its people is settled: who they are.
    Ready(BTreeMap<i64, MadePerson>),
    /// The next slice goes on.
    More,
    /// It was stopped, or goes another way by now.
    Stopped,
}

/// Where those who are made are put, as the dry run was told; none where nobody is made.
pub(crate) fn places_of(plan: &ImportPlan) -> Result<Option<Places>> {
    plan.settings.make_customers.as_ref().map(|make| make.places().map_err(Fault::invalid_fields)).transpose()
}

/// Refuses whoever may not make customers and put them there. Asked of whoever begins the dry run and the run.
pub(super) async fn may(cx: &Cx, room: &Room, places: &Places) -> Result<()> {
    if cx.token().is_some() {
        // An import's own scope brings no other.
        access::require_about(cx, room, Entity::Customer, Permission::Edit).await?;
        if !places.organizations.is_empty() {
            access::require_about(cx, room, Entity::Organization, Permission::Edit).await?;
        }
    }
    let jira = adding::jira(cx, room);
    adding::desks_of(&jira, "/makeCustomers/projectIds", &places.projects).await?;
    for (place, organization) in places.organizations.iter().enumerate() {
        if directory::organization_name(cx, room, organization).await?.is_none() {
            let detail = "Jira knows no organization of this id.";
            return Err(Fault::invalid_field(format!("/makeCustomers/organizationIds/{place}"), "unknown", detail));
        }
    }
    jira.hand(Power::Administrator).await.map(drop).map_err(adding::only_administrators)
}

/// Jira as whoever wanted the import, with a job's patience, and the desks that are meant; none where one is no more.
pub(super) async fn hand<'a>(
    cx: &'a Cx,
    room: &'a Room,
    import: &SealedImport,
    places: &Places,
) -> Result<Option<(Jira<'a>, Vec<ServiceDeskId>)>> {
    let person = match &import.author {
        Author::Person(account) => Some(account),
        Author::Token(_) | Author::Import(_) | Author::BulkAction(_) => None,
    };
    let app = Jira::for_tenant(&room.shared.host.cloud, cx, As::App).in_background();
    match adding::desks_of(&app, "/makeCustomers/projectIds", &places.projects).await {
        Ok(desks) => Ok(Some((app.hand_for(person).await?, desks))),
        Err(fault) if matches!(fault.kind(), Kind::Invalid | Kind::Refused) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// What is the same for all people of a slice.
pub(crate) struct Making<'a> {
    cx: &'a Cx,
    room: &'a Room,
    import: &'a SealedImport,
    jira: Jira<'a>,
    places: Places,
    desks: Vec<ServiceDeskId>,
    actor: Option<Vec<u8>>,
    hashes: Keys,
    /// People that this slice may still settle.
    left: usize,
}

impl<'a> Making<'a> {
    /// None where it was stopped, because a place is no more.
    pub(crate) async fn of(
        cx: &'a Cx,
        room: &'a Room,
        import: &'a SealedImport,
        places: Places,
        actor: Option<Vec<u8>>,
    ) -> Result<Option<Self>> {
        let Some((jira, desks)) = hand(cx, room, import, &places).await? else {
            stop(cx, room, import.id, ImportState::Running, ImportState::Paused, "refused_by_jira").await?;
            return Ok(None);
        };
        let hashes = room.shared.vault.keys(cx, KeyClass::Index, Subject::Tenant).await?;
        Ok(Some(Self { cx, room, import, jira, places, desks, actor, hashes, left: PEOPLE_A_SLICE }))
    }

    /// Has those made who are named by the rows of a page, and puts them into their places.
    pub(crate) async fn page(&mut self, number: i64, rows: &[PlannedRow]) -> Result<Step> {
        let mut people = BTreeMap::new();
        for row in rows.iter().filter(|row| row.outcome == Outcome::Made) {
            let Some(newcomer) = &row.newcomer else { continue };
            let address = address_hash(&self.hashes, &newcomer.email)?;
            let mut known = self.known(&address).await?;
            if known.as_ref().is_none_or(|person| person.state == MadeState::Asked) {
                if self.left == 0 {
                    return Ok(if self.put_into_places().await? { Step::More } else { Step::Stopped });
                }
                match self.person((number, row.row), &address, newcomer, known.map(|person| person.asked_at)).await {
                    Ok(true) => self.left -= 1,
                    Ok(false) => return Ok(Step::Stopped),
                    // What was done is progress: the next slice waits, with all its tries.
                    Err(fault) if fault.kind() == Kind::Busy && self.left < PEOPLE_A_SLICE => return Ok(Step::More),
                    Err(fault) => return Err(fault),
                }
                known = self.known(&address).await?;
            }
            people.extend(known.map(|person| (row.row, person)));
        }
        if !people.is_empty() && !self.put_into_places().await? {
            return Ok(Step::Stopped);
        }
        // Who is in which places is known by now.
        for person in people.values_mut() {
            if let Some(known) = self.known(&person.address).await? {
                *person = known;
            }
        }
        Ok(Step::Ready(people))
    }

    async fn known(&self, address: &[u8]) -> Result<Option<MadePerson>> {
        sql::import_made_get(&mut self.room.shared.store.read(self.cx).await?, self.import.id, address).await
    }

    /// Settles who the person of a row is; false when it was stopped, or goes another way by now.
    async fn person(
        &self,
        (page, row): (i64, i64),
        address: &[u8],
        newcomer: &Newcomer,
        asked_before: Option<Timestamp>,
    ) -> Result<bool> {
        let (email, name) = (Personal::from(newcomer.email.clone()), Personal::from(newcomer.name.clone()));
        let asked_at = asked_before.unwrap_or_else(|| self.cx.now());
        let settled = |state, account: Option<AccountId>, reason: Option<&str>| {
            let reason = reason.map(str::to_owned);
            MadePerson { address: address.to_vec(), row, state, account, reason, asked_at }
        };
        let there = match self.jira.account_of_address(&email).await {
            Ok(there) => there,
            Err(fault) => return self.refused(address, asked_before, fault).await,
        };
        let asking = settled(MadeState::Asked, None, None);
        if let Some(account) = there {
            // Whoever came since a look that found nobody, and Jira was asked for them: that was us.
            let state = if asked_before.is_some() { MadeState::Made } else { MadeState::Found };
            return self.note(settled(state, Some(account), None), newcomer).await.map(|()| true);
        }
        if !self.goes_on(page, &asking).await? {
            return Ok(false);
        }
        let person = match self.jira.create_customer(&email, &name).await {
            Ok(Customer { account_id, .. }) => settled(MadeState::Made, Some(account_id), None),
            Err(fault) if fault.kind() == Kind::Conflict && asked_before.is_none() => {
                settled(MadeState::Refused, None, Some("email_in_use"))
            }
            // Whom the first asking made, a search that is behind may not know.
            Err(fault) if fault.kind() == Kind::Conflict && self.cx.now().duration_since(asked_at) < adding::BEHIND => {
                let text = "Jira does not say yet whom it made.";
                return Err(Fault::busy("customer_not_found_yet", text, None).because("search is behind"));
            }
            Err(fault) if fault.kind() == Kind::Conflict => settled(MadeState::Refused, None, Some("answer_lost")),
            Err(fault) if fault.kind() == Kind::Invalid => settled(MadeState::Refused, None, Some("jira_rejected")),
            Err(fault) => return self.refused(address, asked_before, fault).await,
        };
        self.note(person, newcomer).await.map(|()| true)
    }

    /// Jira lets nobody be made by this hand: then the import pauses. Anything else is a fault, after which it is tried again.
    async fn refused(&self, address: &[u8], asked_before: Option<Timestamp>, fault: Fault) -> Result<bool> {
        if !matches!(fault.kind(), Kind::Refused | Kind::NotFound) {
            return Err(fault);
        }
        let (cx, room, id) = (self.cx, self.room, self.import.id);
        // An earlier asking may have made somebody all the same.
        if asked_before.is_none() {
            let mut scoped = room.shared.store.write(cx).await?;
            changes::take_turn(&mut scoped).await?;
            sql::import_made_unask(&mut scoped, id, address).await?;
            scoped.commit().await?;
        }
        stop(cx, room, id, ImportState::Running, ImportState::Paused, "refused_by_jira").await?;
        Ok(false)
    }

    /// Notes that Jira is being asked; false when somebody stopped the import: then it is not.
    async fn goes_on(&self, page: i64, asking: &MadePerson) -> Result<bool> {
        let mut scoped = self.room.shared.store.write(self.cx).await?;
        changes::take_turn(&mut scoped).await?;
        let Some(now) = sql::import_get(&mut scoped, self.import.id).await? else { return Ok(false) };
        if now.state != ImportState::Running || now.cursor != page {
            return Ok(false);
        }
        sql::import_made_ask(&mut scoped, self.import.id, asking).await?;
        scoped.commit().await?;
        Ok(true)
    }

    /// Jira withholds the address of whoever it just made; here the file says it.
    async fn keep_name(&self, account: &AccountId, newcomer: &Newcomer) -> Result<()> {
        let profile = Profile {
            name: newcomer.name.clone(),
            email: Some(newcomer.email.clone()),
            active: true,
            ..Profile::default()
        };
        self.room.shared.host.people.keep(self.cx, &[(account.clone(), profile)]).await
    }

    /// Notes what became of somebody, whoever stopped the import meanwhile.
    async fn note(&self, person: MadePerson, newcomer: &Newcomer) -> Result<()> {
        let (cx, room, id) = (self.cx, self.room, self.import.id);
        let made = person.account.as_ref().filter(|_| person.state == MadeState::Made);
        let subject = match made {
            Some(account) => {
                self.keep_name(account, newcomer).await?;
                Some(access::pseudonym(cx, room, account).await?)
            }
            None => None,
        };
        let mut scoped = room.shared.store.write(cx).await?;
        changes::take_turn(&mut scoped).await?;
        let Some(mut import) = sql::import_get(&mut scoped, id).await? else { return Ok(()) };
        let before = sql::import_made_get(&mut scoped, id, &person.address).await?;
        if before.is_some_and(|before| before.state != MadeState::Asked) {
            // Another node noted it.
            return Ok(());
        }
        sql::import_made_put(&mut scoped, id, &person, cx.now()).await?;
        if let Some(account) = made {
            sql::customers_made(&mut scoped, [account], cx.now()).await?;
            let object = format!("import {id}");
            let (kind, actor) = ("customers.customer_added", self.actor.clone());
            ledger::append(&mut scoped, cx, ledger::Entry { kind, actor, subject, object: Some(&object) }).await?;
            import.people += 1;
            save(&mut scoped, cx, import).await?;
        }
        scoped.commit().await
    }

    /// Puts those who were made where they belong; false when Jira does not let anybody be put there: then it was stopped.
    async fn put_into_places(&self) -> Result<bool> {
        let mut read = self.room.shared.store.read(self.cx).await?;
        let made = sql::import_made_unplaced(&mut read, self.import.id).await?;
        drop(read);
        let made: Vec<(Vec<u8>, AccountId)> =
            made.into_iter().filter_map(|person| Some((person.address, person.account?))).collect();
        let served = self.places.projects.iter().cloned().zip(self.desks.iter().cloned());
        let deeds = served.map(|(project, desk)| Deed::Serve(project, desk));
        let deeds: Vec<Deed> = deeds.chain(self.places.organizations.iter().cloned().map(Deed::Join)).collect();
        for some in made.chunks(ACCOUNTS_AT_ONCE) {
            let accounts: Vec<AccountId> = some.iter().map(|(_, account)| account.clone()).collect();
            let mut refused = Vec::with_capacity(deeds.len());
            for deed in &deeds {
                match deed.tell(&self.jira, &accounts).await {
                    Ok(those) => refused.push(those),
                    Err(fault) if fault.kind() == Kind::Refused => {
                        let (from, to) = (ImportState::Running, ImportState::Paused);
                        stop(self.cx, self.room, self.import.id, from, to, "refused_by_jira").await?;
                        return Ok(false);
                    }
                    Err(fault) => return Err(fault),
                }
            }
            let mut scoped = self.room.shared.store.write(self.cx).await?;
            changes::take_turn(&mut scoped).await?;
            let mut joined = Vec::new();
            for (address, account) in some {
                let everywhere = refused.iter().all(|refused| !refused.contains(account));
                let state = if everywhere { MadeState::Placed } else { MadeState::Partly };
                sql::import_made_set(&mut scoped, self.import.id, address, state).await?;
            }
            for (deed, refused) in deeds.iter().zip(&refused) {
                let taken = accounts.iter().filter(|account| !refused.contains(account));
                match deed {
                    Deed::Join(of) => {
                        let new = sql::memberships_put(&mut scoped, of, taken, self.cx.now()).await?;
                        joined.extend(new.into_iter().map(|account| (of.clone(), account)));
                    }
                    Deed::Serve(project, _) => {
                        sql::project_customers_put(&mut scoped, project, taken, self.cx.now()).await?;
                    }
                    Deed::Leave(_) | Deed::Unserve(..) => {}
                }
            }
            let by = Some(author_of(self.import));
            announce_members_of(&mut scoped, self.cx, EventKind::MemberAdded, joined, by).await?;
            directory::changed(&mut scoped, self.cx).await?;
            scoped.commit().await?;
        }
        Ok(true)
    }
}

/// What stands for an address.
pub(super) fn address_hash(hashes: &Keys, email: &str) -> Result<Vec<u8>> {
    hashes.hash("import address", email.to_lowercase().as_bytes()).map(|hash| hash.to_vec())
}

/// Tells in each row who its person is, or why nobody.
pub(crate) fn settle(rows: &mut [PlannedRow], people: &BTreeMap<i64, MadePerson>) {
    for row in rows.iter_mut().filter(|row| row.newcomer.is_some()) {
        let Some(person) = people.get(&row.row) else { continue };
        row.owner = person.account.as_ref().map(|account| account.as_str().to_owned());
        match person.state {
            MadeState::Refused => row.refuse(why(person.reason.as_deref())),
            MadeState::Found => {
                row.newcomer = None;
                row.outcome = row.came_to();
            }
            MadeState::Partly => {
                row.newcomer = None;
                let detail = "Jira made this person, and did not take them into each project and organization.";
                row.refusals = vec![Refusal::of_row("jira_rejected", detail)];
            }
            MadeState::Asked | MadeState::Made | MadeState::Placed | MadeState::Taken | MadeState::Kept => {
                row.newcomer = None;
            }
        }
    }
}

/// Why somebody was not made.
fn why(reason: Option<&str>) -> Refusal {
    let detail = match reason {
        Some("email_in_use") => {
            "Somebody has an account with this address, and Jira does not say who. Use the account id."
        }
        Some("answer_lost") => {
            "Jira was asked to make this person, and its answer was lost. Somebody has an account with this address now, and Jira does not say who. Use the account id."
        }
        _ => "Jira does not take this person: look at the address and the name.",
    };
    Refusal::of_row(reason.unwrap_or("jira_rejected"), detail)
}
