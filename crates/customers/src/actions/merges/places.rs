//! What a merge and its undoing do in Jira: the kept one joins the other's organizations, and leaves them again. What is
//! wanted is noted in the transaction of the merge, or of its undoing; a job does one after the other, and notes each before
//! Jira is asked and when it answered. Whatever happens to this process, it goes on from there.
//!
//! Jira takes each of these calls twice as well as once; one that does not answer is asked ever more seldom. Nobody is let out while somebody may still be asking for them to be
//! let in: their claim is waited for. Start at [`go_on`].

use std::time::Duration;

use ::jobs::enqueue;
use host::client::Power;
use host::{As, Jira};
use jiff::{SignedDuration, Timestamp};
use kernel::{AccountId, Cx, Fault, Kind, OrganizationId, Result};
use serde_json::{Value, json};
use store::{Scoped, changes, ledger};
use vault::Keys;

use super::{place, with};
use crate::Room;
use crate::actions::announce::announce_members_of;
use crate::actions::{access, adding, directory};
use crate::model::{Author, Entity, MergeBody, MergeId, Permission};
use crate::webhooks::event::EventKind;
use crate::{jobs, sql};

/// For so long Jira is asked for one organization.
const ASKING: Duration = Duration::from_secs(20);
/// After so long whoever was asking asks no more.
const CLAIM: SignedDuration = SignedDuration::from_secs(40);
/// How long a Jira that did not answer is left alone at first, twice as long each time, and at most.
const FIRST_PAUSE: SignedDuration = CLAIM;
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(15);

/// In which direction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Join,
    Leave,
}

/// What Jira is asked for, in whose name, and until when that may take.
struct Asked {
    way: Way,
    organization: OrganizationId,
    kept: AccountId,
    by: AccountId,
    until: i64,
}

/// Why the caller may let nobody into organizations or out of them, as far as that is known before; none if they may.
pub(super) async fn refused(cx: &Cx, room: &Room) -> Result<Option<&'static str>> {
    let may = async {
        access::require_about(cx, room, Entity::Organization, Permission::Edit).await?;
        adding::jira(cx, room).hand(Power::Agent).await.map(drop)
    };
    match may.await {
        Ok(()) => Ok(None),
        Err(fault) if fault.kind() == Kind::Refused => Ok(Some(fault.code())),
        Err(fault) => Err(fault),
    }
}

/// Why Jira did not take somebody, in words.
pub(crate) fn why(code: &str) -> Fault {
    match code {
        "refused" => Fault::refused("Jira does not let you change who belongs to organizations."),
        "not_found" => Fault::invalid("unknown", "Jira knows this organization no longer."),
        _ => Fault::invalid("jira_rejected", "Jira does not take this person."),
    }
}

/// Lets a job do what is under way, in the transaction that notes it.
pub(super) async fn carry_out(scoped: &mut Scoped, cx: &Cx, id: MergeId, version: i64) -> Result<()> {
    come(scoped, cx, Turn::first(id), &format!("{id} {version}"), cx.now()).await
}

/// A merge's turn to go on.
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    id: MergeId,
    /// How often in a row Jira did not answer.
    unanswered: i64,
}

impl Turn {
    fn first(id: MergeId) -> Self {
        Self { id, unanswered: 0 }
    }

    /// None of another job's payload.
    pub(crate) fn of(payload: &Value) -> Option<Self> {
        let id = payload.get("merge").and_then(Value::as_str).and_then(|id| id.parse().ok()).map(MergeId)?;
        Some(Self { id, unanswered: payload.get("unanswered").and_then(Value::as_i64).unwrap_or(0) })
    }

    /// After Jira answered.
    pub(crate) fn next(self) -> Value {
        Self::first(self.id).payload()
    }

    fn payload(self) -> Value {
        json!({"merge": self.id.to_string(), "unanswered": self.unanswered})
    }
}

/// How long Jira is left alone that had not answered so often before.
fn pause(unanswered: i64) -> SignedDuration {
    FIRST_PAUSE.saturating_mul(1 << unanswered.clamp(0, 20)).min(LONGEST_PAUSE)
}

async fn come(scoped: &mut Scoped, cx: &Cx, turn: Turn, key: &str, at: Timestamp) -> Result<()> {
    enqueue(scoped, cx, jobs::MERGE, key, &turn.payload(), at).await.map(drop)
}

/// Refuses a merge while an earlier one of the same is still taken back: what that one leaves, this one would join.
pub(super) async fn check_settled(scoped: &mut Scoped, keys: &Keys, kept: &AccountId) -> Result<()> {
    for merge in sql::merge_list(scoped, kept).await? {
        if merge.is_undone() && merge.kept == *kept && keys.open(&place(merge.id), &merge.body)?.peek().is_under_way() {
            let text = "An earlier merge is still being taken back in Jira. Try again in a moment.";
            return Err(Fault::invalid("under_way", text));
        }
    }
    Ok(())
}

/// Does what is next; false when nothing is left, or it is not the time.
pub(crate) async fn go_on(cx: &Cx, room: &Room, turn: Turn) -> Result<bool> {
    let id = turn.id;
    let Some(asked) = ask(cx, room, turn).await? else { return Ok(false) };
    let refused = match told(cx, room, &asked).await {
        Ok(()) => None,
        // Whether it was done is not known: it is asked for again.
        Err(fault) if fault.kind() == Kind::Busy => {
            let wanted = fault.retry_after().and_then(|after| SignedDuration::try_from(after).ok()).unwrap_or_default();
            let at = later(cx, pause(turn.unanswered).max(wanted)).max(kernel::from_micros(asked.until));
            let turn = Turn { unanswered: turn.unanswered.saturating_add(1), ..turn };
            let mut scoped = room.shared.store.write(cx).await?;
            come(&mut scoped, cx, turn, &format!("{id} at {}", kernel::micros(at)), at).await?;
            scoped.commit().await?;
            return Ok(false);
        }
        Err(fault) if fault.kind() == Kind::Broken => return Err(fault),
        Err(fault) => Some(fault.code()),
    };
    note(cx, room, id, &asked, refused).await?;
    Ok(true)
}

fn later(cx: &Cx, by: SignedDuration) -> Timestamp {
    cx.now().checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Chooses what is next, and notes that Jira is being asked.
async fn ask(cx: &Cx, room: &Room, turn: Turn) -> Result<Option<Asked>> {
    let id = turn.id;
    let keys = access::tenant_keys(cx, room).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    changes::take_turn(&mut scoped).await?;
    let Some(merge) = sql::merge_get(&mut scoped, id).await? else { return Ok(None) };
    let mut body = keys.open(&place(id), &merge.body)?.peek().clone();
    if let Some(until) = body.asked.as_ref().map(|(_, until)| kernel::from_micros(*until))
        && until > cx.now()
    {
        // Somebody asks, or died of it.
        come(&mut scoped, cx, turn, &format!("{id} at {}", kernel::micros(until)), until).await?;
        scoped.commit().await?;
        return Ok(None);
    }
    body.ask_again(merge.is_undone());
    let undoer = body.undone_by.clone().map(AccountId::new).transpose()?;
    let (way, by, left) = match merge.is_undone() {
        true => (Way::Leave, undoer.unwrap_or_else(|| merge.by.clone()), &mut body.leaves),
        false => (Way::Join, merge.by.clone(), &mut body.joins),
    };
    if left.is_empty() {
        return Ok(None);
    }
    let organization = OrganizationId::new(left.remove(0))?;
    let until = kernel::micros(later(cx, CLAIM));
    body.asked = Some((organization.to_string(), until));
    let asked = Asked { way, organization, kept: merge.kept.clone(), by, until };
    save(&mut scoped, &keys, &merge, &body).await?;
    scoped.commit().await?;
    Ok(Some(asked))
}

/// Asks Jira, in the name of whoever wanted it where the site lets an app.
async fn told(cx: &Cx, room: &Room, asked: &Asked) -> Result<()> {
    let app = Jira::for_tenant(&room.shared.host.cloud, cx, As::App).within(ASKING);
    let jira = app.hand_for(Some(&asked.by)).await?;
    let kept = std::slice::from_ref(&asked.kept);
    match asked.way {
        Way::Join => jira.add_members(&asked.organization, kept).await,
        Way::Leave => jira.remove_members(&asked.organization, kept).await,
    }
}

/// Notes what came of it, with the merge and in the directory.
async fn note(cx: &Cx, room: &Room, id: MergeId, asked: &Asked, refused: Option<&'static str>) -> Result<()> {
    let Asked { organization, kept, .. } = asked;
    let keys = access::tenant_keys(cx, room).await?;
    let actor = Some(access::pseudonym(cx, room, &asked.by).await?);
    let subject = Some(access::pseudonym(cx, room, kept).await?);
    let mut scoped = room.shared.store.write(cx).await?;
    changes::take_turn(&mut scoped).await?;
    let Some(merge) = sql::merge_get(&mut scoped, id).await? else { return Ok(()) };
    let mut body = keys.open(&place(id), &merge.body)?.peek().clone();
    if body.asked != Some((organization.to_string(), asked.until)) {
        // It took longer than it may: somebody else asks by now, and notes it.
        return Ok(());
    }
    body.asked = None;
    match (refused, asked.way) {
        (Some(code), _) => body.refused.push((organization.to_string(), code.to_owned())),
        // Somebody undid the merge meanwhile.
        (None, Way::Join) if merge.is_undone() => body.leaves.push(organization.to_string()),
        (None, Way::Join) => body.joined.push(organization.to_string()),
        (None, Way::Leave) => {}
    }
    save(&mut scoped, &keys, &merge, &body).await?;
    // Whoever looks at the kept one sees it.
    changes::record(&mut scoped, cx, Entity::Customer.name(), kept.as_str()).await?;
    if refused.is_none() {
        let by = Some(Author::Person(asked.by.clone()));
        let kind = match asked.way {
            Way::Join => {
                sql::customers_put(&mut scoped, [kept], cx.now()).await?;
                let new = sql::memberships_put(&mut scoped, organization, [kept], cx.now()).await?;
                let new = new.into_iter().map(|account| (organization.clone(), account)).collect();
                announce_members_of(&mut scoped, cx, EventKind::MemberAdded, new, by).await?;
                "customers.members_added"
            }
            Way::Leave => {
                if sql::membership_delete(&mut scoped, organization, kept).await? {
                    let gone = vec![(organization.clone(), kept.clone())];
                    announce_members_of(&mut scoped, cx, EventKind::MemberRemoved, gone, by).await?;
                }
                "customers.member_removed"
            }
        };
        let object = format!("organization {organization}");
        ledger::append(&mut scoped, cx, ledger::Entry { kind, actor, subject, object: Some(&object) }).await?;
        directory::changed(&mut scoped, cx).await?;
    }
    scoped.commit().await
}

/// Writes what is under way anew, in the caller's transaction, which has the tenant's turn.
async fn save(scoped: &mut Scoped, keys: &Keys, merge: &sql::SealedMerge, body: &MergeBody) -> Result<()> {
    let sealed = keys.seal(&place(merge.id), body)?;
    if sql::merge_update(scoped, with(merge, sealed), merge.version).await? {
        return Ok(());
    }
    Err(Fault::conflict("Somebody changed this merge at the same moment."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_bound() {
        let claims: Vec<i64> = (0..7).map(|unanswered| pause(unanswered).as_secs() / 40).collect();
        assert_eq!(claims, [1, 2, 4, 8, 16, 22, 22]);
        assert_eq!(pause(i64::MAX), LONGEST_PAUSE);
    }
}
