//! Customers put into organizations and projects, and taken out, some at a time: first in Jira, then noted here with the place
//! that the job goes on from. Jira takes each of these calls twice as well as once, so that one whose answer was lost is made
//! again. Where Jira refuses somebody, the others are put in all the same, and be it nobody; where it does not let this be done,
//! or the place is no more, the job stops and says so.

use std::collections::BTreeSet;

use host::client;
use host::{As, Jira};
use kernel::{AccountId, Cx, Fault, Kind, Result};
use store::{Scoped, changes};
use uuid::Uuid;
use vault::Keys;

use super::act_of;
use crate::Room;
use crate::actions::announce::announce_members_of;
use crate::actions::batches::deeds::Deed;
use crate::actions::batches::{Step, author_of, author_pseudonym, note, plan_place, run, save, staged, stop};
use crate::actions::{access, adding, directory};
use crate::imports::plan::{Outcome, PlannedRow, Refusal};
use crate::model::{Act, Author, FieldId, ImportState};
use crate::sql::{self, Made, SealedImport};
use crate::webhooks::event::EventKind;

/// Pages of one slice of the job: each is a call to Jira, within its limits.
const PAGES_A_SLICE: usize = 20;
/// What is told of somebody whom Jira does not take.
const NOT_TAKEN: &str = "Jira does not take this person.";

/// In which direction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Forth,
    Back,
}

/// What is the same for all pages of a slice.
struct Work<'a> {
    cx: &'a Cx,
    room: &'a Room,
    jira: Jira<'a>,
    deed: Deed,
    keys: Keys,
    actor: Option<Vec<u8>>,
    seen: &'a SealedImport,
}

/// What one that Jira stops is before and after.
fn stopped(state: ImportState) -> (ImportState, ImportState) {
    match state {
        ImportState::Undoing => (ImportState::Undoing, ImportState::Cancelled),
        _ => (ImportState::Running, ImportState::Paused),
    }
}

/// Carries out a slice; true when there is more.
pub(crate) async fn carry_out(cx: &Cx, room: &Room, seen: SealedImport) -> Result<bool> {
    let Some(work) = Work::of(cx, room, &seen, Way::Forth).await? else { return Ok(false) };
    let mut more = true;
    for number in (seen.cursor..).take(PAGES_A_SLICE) {
        more = match number >= seen.pages {
            true => run::finish(cx, room, &seen, work.actor.clone()).await?,
            false => work.page(number).await?,
        };
        if !more || number >= seen.pages {
            break;
        }
    }
    Ok(more)
}

/// Takes a slice back; true when there is more.
pub(crate) async fn take_back(cx: &Cx, room: &Room, seen: SealedImport) -> Result<bool> {
    let Some(work) = Work::of(cx, room, &seen, Way::Back).await? else { return Ok(false) };
    let mut more = true;
    for _ in 0..PAGES_A_SLICE {
        more = work.returns().await?;
        if !more {
            break;
        }
    }
    Ok(more)
}

impl<'a> Work<'a> {
    /// None where what is meant is no more; then it was stopped.
    async fn of(cx: &'a Cx, room: &'a Room, seen: &'a SealedImport, way: Way) -> Result<Option<Self>> {
        let keys = access::tenant_keys(cx, room).await?;
        let Some(sealed) = &seen.plan else { return Ok(None) };
        let plan = keys.open(&plan_place(seen.id), sealed)?;
        let person = match &seen.author {
            Author::Person(account) => Some(account),
            Author::Token(_) | Author::Import(_) | Author::BulkAction(_) => None,
        };
        let app = Jira::for_tenant(&room.shared.host.cloud, cx, As::App).in_background();
        let jira = app.hand_for(person).await?;
        let deed = match (act_of(plan.peek())?, way) {
            (Act::AddToOrganization(of), Way::Forth) | (Act::RemoveFromOrganization(of), Way::Back) => {
                Deed::Join(of.clone())
            }
            (Act::RemoveFromOrganization(of), Way::Forth) | (Act::AddToOrganization(of), Way::Back) => {
                Deed::Leave(of.clone())
            }
            (Act::AddToProject(project), way) => match adding::desk_of(&app, "/projectId", project).await {
                Ok(desk) if way == Way::Forth => Deed::Serve(project.clone(), desk),
                Ok(desk) => Deed::Unserve(project.clone(), desk),
                Err(fault) if fault.kind() == Kind::Invalid => {
                    let (from, to) = stopped(seen.state);
                    stop(cx, room, seen.id, from, to, "refused_by_jira").await?;
                    return Ok(None);
                }
                Err(fault) => return Err(fault),
            },
            (Act::SetValue { .. }, _) => {
                return Err(Fault::broken("customers_bulk_action", "nothing that Jira is asked"));
            }
        };
        let actor = author_pseudonym(cx, room, &seen.author).await?;
        Ok(Some(Self { cx, room, jira, deed, keys, actor, seen }))
    }

    /// Asks Jira, and stops the job where it does not let this be done; none then. Answers those whom it does not take. An
    /// undoing that is stopped can be begun again.
    async fn told(&self, accounts: &[AccountId]) -> Result<Option<BTreeSet<AccountId>>> {
        if accounts.is_empty() {
            return Ok(Some(BTreeSet::new()));
        }
        let told = match self.deed.tell(&self.jira, accounts).await {
            Ok(refused) => Some(refused),
            Err(fault) if fault.kind() == Kind::Refused => None,
            Err(fault) => return Err(fault),
        };
        if let Some(refused) = told
            && (refused.len() < accounts.len() || !self.is_closed(accounts).await?)
        {
            return Ok(Some(refused));
        }
        let (from, to) = stopped(self.seen.state);
        stop(self.cx, self.room, self.seen.id, from, to, "refused_by_jira").await?;
        Ok(None)
    }

    /// Whether it is for the place that Jira took none of these, and not for each of them.
    async fn is_closed(&self, accounts: &[AccountId]) -> Result<bool> {
        let asked = match &self.deed {
            Deed::Join(of) | Deed::Leave(of) => self.jira.organization(of).await.map(drop),
            Deed::Serve(project, _) => {
                adding::desk_of(&adding::jira(self.cx, self.room), "/projectId", project).await.map(drop)
            }
            // Whoever has an account is let out, unless the desk is open to everybody.
            Deed::Unserve(..) => {
                let known = adding::jira(self.cx, self.room).users(accounts).await?;
                return Ok(known.iter().any(|user| user.active));
            }
        };
        match asked {
            Ok(()) => Ok(false),
            Err(fault) if matches!(fault.kind(), Kind::Invalid | Kind::NotFound | Kind::Refused) => Ok(true),
            Err(fault) => Err(fault),
        }
    }

    /// Carries out one page; false when it goes another way by now.
    async fn page(&self, number: i64) -> Result<bool> {
        let (cx, room, id) = (self.cx, self.room, self.seen.id);
        let Some((mut rows, at)) = staged::page(cx, room, id, number).await? else {
            stop(cx, room, id, ImportState::Running, ImportState::Cancelled, "file_gone").await?;
            return Ok(false);
        };
        let due = |row: &&PlannedRow| row.outcome == Outcome::Changed;
        let accounts = rows.iter().filter(due).filter_map(|row| row.owner.as_deref()).map(AccountId::new);
        let accounts = accounts.collect::<Result<Vec<_>>>()?;
        // Somebody may have stopped it: then Jira is not asked.
        let now = sql::import_get(&mut room.shared.store.read(cx).await?, id).await?;
        if !now.is_some_and(|now| now.state == ImportState::Running && now.cursor == number) {
            return Ok(false);
        }
        let Some(refused) = self.told(&accounts).await? else { return Ok(false) };
        let done: Vec<_> = accounts.into_iter().filter(|account| !refused.contains(account)).collect();
        for row in rows.iter_mut() {
            let account = row.owner.as_deref().and_then(|id| AccountId::new(id).ok());
            if account.is_some_and(|account| refused.contains(&account)) {
                row.refuse(Refusal::of_row("jira_rejected", NOT_TAKEN));
            }
        }
        let laid = match refused.is_empty() {
            true => None,
            false => Some(staged::lay_page(cx, room, &self.keys, (id, number), &rows).await?),
        };
        let mut scoped = room.shared.store.write(cx).await?;
        changes::take_turn(&mut scoped).await?;
        let Some(mut batch) = sql::import_get(&mut scoped, id).await? else { return Ok(false) };
        // What Jira did is noted even if somebody stopped it meanwhile; another node may have noted it before.
        let open = [ImportState::Running, ImportState::Paused, ImportState::Cancelled];
        if batch.cursor != number || !open.contains(&batch.state) {
            return Ok(false);
        }
        if let Some(laid) = laid {
            sql::import_page_drop(&mut scoped, id, number, number + 1).await?;
            staged::put_page(&mut scoped, (id, number), laid, at).await?;
        }
        self.note_here(&mut scoped, &batch, &done, Way::Forth).await?;
        let count =
            |length: usize| i64::try_from(length).map_err(|error| Fault::broken("customers_bulk_action", error));
        batch.counts.add(Outcome::Changed, -count(refused.len())?);
        batch.counts.add(Outcome::Refused, count(refused.len())?);
        batch.written += count(done.len())?;
        batch.cursor = number + 1;
        if !done.is_empty() {
            let object = format!("{id} page={number} customers={}", done.len());
            note(&mut scoped, cx, Step::Written.of(&batch), self.actor.clone(), &object).await?;
        }
        let goes_on = batch.state == ImportState::Running;
        save(&mut scoped, cx, batch).await?;
        scoped.commit().await?;
        Ok(goes_on)
    }

    /// Takes some back; false when nothing is left, or it goes another way by now.
    async fn returns(&self) -> Result<bool> {
        let (cx, room, id) = (self.cx, self.room, self.seen.id);
        let limit = u32::try_from(client::ACCOUNTS_AT_ONCE).unwrap_or(1);
        let made = sql::import_change_list(&mut room.shared.store.read(cx).await?, id, "made", i64::MAX, limit).await?;
        let accounts = made.iter().map(|made| AccountId::new(made.owner.as_str())).collect::<Result<Vec<_>>>()?;
        let Some(refused) = self.told(&accounts).await? else { return Ok(false) };
        let mut scoped = room.shared.store.write(cx).await?;
        changes::take_turn(&mut scoped).await?;
        let Some(mut batch) = sql::import_get(&mut scoped, id).await? else { return Ok(false) };
        if batch.state != ImportState::Undoing {
            return Ok(false);
        }
        let still = sql::import_change_list(&mut scoped, id, "made", i64::MAX, limit).await?;
        if still.first().map(|made| made.id) != made.first().map(|made| made.id) {
            // Another node noted it.
            return Ok(true);
        }
        let (mut done, mut states) = (Vec::new(), Vec::new());
        for (made, account) in made.iter().zip(&accounts) {
            if refused.contains(account) {
                states.push((made.id, "kept"));
                batch.kept += 1;
            } else {
                states.push((made.id, "returned"));
                batch.returned += 1;
                done.push(account.clone());
            }
        }
        sql::import_changes_set(&mut scoped, id, states).await?;
        self.note_here(&mut scoped, &batch, &done, Way::Back).await?;
        let end = made.is_empty();
        if end {
            batch.state = ImportState::Undone;
        }
        let step = if end { Step::Undone } else { Step::Returned };
        let object = format!("{id} returned={} kept={}", batch.returned, batch.kept);
        note(&mut scoped, cx, step.of(&batch), self.actor.clone(), &object).await?;
        save(&mut scoped, cx, batch).await?;
        scoped.commit().await?;
        Ok(!end)
    }

    /// Notes in the directory what Jira did; and of what is carried out, what is needed to take it back.
    async fn note_here(&self, scoped: &mut Scoped, batch: &SealedImport, done: &[AccountId], way: Way) -> Result<()> {
        let cx = self.cx;
        directory::changed(scoped, cx).await?;
        let (mut joined, mut left, mut made) = (Vec::new(), Vec::new(), Vec::new());
        match &self.deed {
            Deed::Join(of) => {
                sql::customers_put(scoped, done, cx.now()).await?;
                let new = sql::memberships_put(scoped, of, done, cx.now()).await?;
                joined.extend(new.into_iter().map(|account| (of.clone(), account)));
                made.extend(done);
            }
            Deed::Leave(of) => {
                for account in done {
                    if sql::membership_delete(scoped, of, account).await? {
                        left.push((of.clone(), account.clone()));
                    }
                }
                made.extend(done);
            }
            Deed::Serve(project, _) => {
                for account in done {
                    // Who was let in by somebody else meanwhile stays when this is taken back.
                    if !sql::project_customer_exists(scoped, project, account).await? {
                        made.push(account);
                    }
                }
                sql::customers_put(scoped, done, cx.now()).await?;
                sql::project_customers_put(scoped, project, done, cx.now()).await?;
            }
            Deed::Unserve(project, _) => {
                for account in done {
                    sql::project_customer_delete(scoped, project, account).await?;
                }
            }
        }
        let count = u32::try_from(made.len()).map_err(|error| Fault::broken("customers_bulk_action", error))?;
        if way == Way::Forth && count > 0 {
            let numbers = changes::reserve(scoped, count).await?..;
            // A membership is no field: it goes by the organization that the plan names.
            let made = made.into_iter().zip(numbers).map(|(account, number)| Made {
                id: number,
                owner: account.as_str().to_owned(),
                field: FieldId(Uuid::nil()),
            });
            sql::import_changes_put(scoped, batch.id, &made.collect::<Vec<_>>(), cx.now()).await?;
        }
        let by = Some(author_of(batch));
        announce_members_of(scoped, cx, EventKind::MemberAdded, joined, by.clone()).await?;
        announce_members_of(scoped, cx, EventKind::MemberRemoved, left, by).await
    }
}
