//! Those whom Jira made for an import: listed, and taken out of their places again when it is undone. Accounts stay: nobody
//! can unmake one.

use host::client::ACCOUNTS_AT_ONCE;
use kernel::{AccountId, Cx, Fault, Kind, Result};
use store::changes;

use super::making::{self, hand, places_of};
use super::require;
use crate::Room;
use crate::actions::announce::announce_members_of;
use crate::actions::batches::deeds::Deed;
use crate::actions::batches::report::{Called, called};
use crate::actions::batches::{author_of, author_pseudonym, note, plan_place, save, stop};
use crate::actions::{access, directory};
use crate::imports::mapping::Places;
use crate::model::{Entity, Import, ImportId, ImportPlan, ImportState, MadePerson, MadeState};
use crate::sql::{self, SealedImport};
use crate::webhooks::event::EventKind;

/// Those who were made, or may have been, in the order of the file; how they are called, and where to go on.
pub(crate) async fn list_made(
    cx: &Cx,
    room: &Room,
    id: ImportId,
    after: i64,
    limit: u32,
) -> Result<(Vec<MadePerson>, Called, Option<i64>)> {
    require(cx)?;
    super::find(cx, room, id).await?;
    let mut made = sql::import_made_list(&mut room.shared.store.read(cx).await?, id, after, limit + 1).await?;
    let more = made.len() > limit as usize;
    made.truncate(limit as usize);
    let next = if more { made.last().map(|person| person.row) } else { None };
    let accounts = made.iter().filter_map(|person| person.account.as_ref().map(AccountId::as_str));
    let called = called(cx, room, Entity::Customer, accounts).await?;
    Ok((made, called, next))
}

/// Whether undoing it can take access away: somebody was made, and put somewhere.
pub(crate) fn gave_access<N, P>(import: &Import<N, P>, plan: Option<&ImportPlan>) -> bool {
    let places = plan.and_then(|plan| places_of(plan).ok().flatten());
    import.people > 0 && places.is_some_and(|places| !is_nowhere(&places))
}

fn is_nowhere(places: &Places) -> bool {
    places.projects.is_empty() && places.organizations.is_empty()
}

pub(super) fn nothing_to_take() -> Fault {
    let text = "Nobody was made by this import and put into a project or an organization: there is no access to take.";
    Fault::invalid("nothing_to_take", text)
}

/// Refuses whoever may not take people out of these places.
pub(super) async fn may_take(cx: &Cx, room: &Room, places: &Places) -> Result<()> {
    if is_nowhere(places) {
        return Err(nothing_to_take());
    }
    making::may(cx, room, places).await
}

/// Takes some out of their places; none when nobody is left in one, else whether it goes on.
pub(crate) async fn take_access(cx: &Cx, room: &Room, seen: &SealedImport) -> Result<Option<bool>> {
    let id = seen.id;
    let limit = u32::try_from(ACCOUNTS_AT_ONCE).unwrap_or(1);
    let standing = sql::import_made_standing(&mut room.shared.store.read(cx).await?, id, limit).await?;
    let people: Vec<(Vec<u8>, AccountId)> =
        standing.into_iter().filter_map(|person| Some((person.address, person.account?))).collect();
    let Some(plan) = seen.plan.as_ref().filter(|_| !people.is_empty()) else { return Ok(None) };
    let plan = access::tenant_keys(cx, room).await?.open(&plan_place(id), plan)?;
    let Some(places) = places_of(plan.peek())? else { return Ok(None) };
    let accounts: Vec<AccountId> = people.iter().map(|(_, account)| account.clone()).collect();
    let mut deeds = Vec::new();
    let mut kept = Vec::new();
    let refused = match hand(cx, room, seen, &places).await? {
        None => true,
        Some((jira, desks)) => {
            let served = places.projects.iter().cloned().zip(desks);
            deeds.extend(served.map(|(project, desk)| Deed::Unserve(project, desk)));
            deeds.extend(places.organizations.iter().cloned().map(Deed::Leave));
            let mut refused = false;
            for deed in &deeds {
                match deed.tell(&jira, &accounts).await {
                    Ok(those) => kept.push(those),
                    Err(fault) if fault.kind() == Kind::Refused => refused = true,
                    Err(fault) => return Err(fault),
                }
                if refused {
                    break;
                }
            }
            refused
        }
    };
    if refused {
        // It can be begun again, or without this.
        stop(cx, room, id, ImportState::Undoing, ImportState::Cancelled, "refused_by_jira").await?;
        return Ok(Some(false));
    }
    let actor = author_pseudonym(cx, room, &seen.author).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    changes::take_turn(&mut scoped).await?;
    let Some(import) = sql::import_get(&mut scoped, id).await? else { return Ok(Some(false)) };
    if import.state != ImportState::Undoing {
        return Ok(Some(false));
    }
    let (mut left, mut staying) = (Vec::new(), 0);
    for (address, account) in &people {
        let out = kept.iter().all(|kept| !kept.contains(account));
        staying += usize::from(!out);
        let state = if out { MadeState::Taken } else { MadeState::Kept };
        sql::import_made_set(&mut scoped, id, address, state).await?;
        for (deed, kept) in deeds.iter().zip(&kept) {
            match deed {
                _ if kept.contains(account) => {}
                Deed::Leave(of) => {
                    if sql::membership_delete(&mut scoped, of, account).await? {
                        left.push((of.clone(), account.clone()));
                    }
                }
                Deed::Unserve(project, _) => sql::project_customer_delete(&mut scoped, project, account).await?,
                Deed::Join(_) | Deed::Serve(..) => {}
            }
        }
    }
    announce_members_of(&mut scoped, cx, EventKind::MemberRemoved, left, Some(author_of(&import))).await?;
    let object = format!("{id} accounts={} kept={staying}", people.len() - staying);
    note(&mut scoped, cx, "customers.import_access_taken", actor, &object).await?;
    save(&mut scoped, cx, import).await?;
    directory::changed(&mut scoped, cx).await?;
    scoped.commit().await?;
    Ok(Some(true))
}
