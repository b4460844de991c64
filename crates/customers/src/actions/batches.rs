//! Work on many records that is looked at first, carried out by a job, and undone as one: an import of a file, a change of a
//! field's type, a bulk action. What they share is here: the record of how far one is, its staged rows, its run and its way
//! back. It is kept in the tables of imports, which were first.
//!
//! Whatever happens to this process, a job goes on where the last committed page ended: a page's rows, its place, its ledger
//! line and what is needed to take it back are one transaction.

pub(crate) mod deeds;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod staged;
pub(crate) mod standing;
pub(crate) mod undo;
mod wish;

use jiff::{SignedDuration, Timestamp};
use kernel::{Cx, Fault, Result};
use serde_json::json;
use store::{Scoped, changes, ledger};
use vault::{Keys, Open, Place};

use crate::Room;
use crate::actions::fields::{self, OpenField};
use crate::actions::{access, bulk_actions, conversions, imports};
use crate::model::{ActKind, Author, Entity, Import, ImportId, ImportPlan, ImportState, Owner};
use crate::sql::{self, SealedImport};
use crate::{jobs, schema};

pub(crate) use wish::Wish;

/// How long what was done can be taken back, counted from its last step.
const UNDO: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What the ledger is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Written,
    Done,
    Returned,
    Undone,
}

impl Step {
    /// As the ledger says it of this one.
    pub(crate) fn of<N, P>(self, batch: &Import<N, P>) -> &'static str {
        match (batch.act.is_some(), self) {
            (false, Self::Written) => "customers.import_written",
            (false, Self::Done) => "customers.import_done",
            (false, Self::Returned) => "customers.import_returned",
            (false, Self::Undone) => "customers.import_undone",
            (true, Self::Written) => "customers.bulk_action_written",
            (true, Self::Done) => "customers.bulk_action_done",
            (true, Self::Returned) => "customers.bulk_action_returned",
            (true, Self::Undone) => "customers.bulk_action_undone",
        }
    }
}

/// Who history says it was.
pub(crate) fn author_of<N, P>(batch: &Import<N, P>) -> Author {
    if batch.act.is_some() { Author::BulkAction(batch.id) } else { Author::Import(batch.id) }
}

/// Until when what ended can be taken back.
pub(crate) fn undo_until(updated_at: Timestamp) -> Option<Timestamp> {
    updated_at.checked_add(UNDO).ok()
}

/// The owner of a planned row.
pub(crate) fn owner_of(entity: Entity, id: &str) -> Result<Owner> {
    Ok(match entity {
        Entity::Customer => Owner::Customer(kernel::AccountId::new(id)?),
        Entity::Organization => Owner::Organization(kernel::OrganizationId::new(id)?),
    })
}

pub(crate) fn wrong_state(batch: &SealedImport, wanted: &'static str) -> Fault {
    let what = if batch.act.is_some() { "bulk change" } else { "import" };
    Fault::invalid("import_state", format!("This {what} is {}; {wanted}", batch.state.name()))
}

/// An import whose name and plan are open.
pub(crate) type OpenBatch = Import<Open<String>, Open<ImportPlan>>;

pub(crate) fn name_place(id: ImportId) -> Place {
    Place::new(&schema::IMPORT_NAME, sql::import_row(id))
}

pub(crate) fn plan_place(id: ImportId) -> Place {
    Place::new(&schema::IMPORT_PLAN, sql::import_row(id))
}

pub(crate) fn open(keys: &Keys, sealed: SealedImport) -> Result<OpenBatch> {
    let id = sealed.id;
    Ok(Import {
        name: keys.open(&name_place(id), &sealed.name)?,
        plan: sealed.plan.map(|plan| keys.open(&plan_place(id), &plan)).transpose()?,
        id,
        entity: sealed.entity,
        field: sealed.field,
        act: sealed.act,
        state: sealed.state,
        reason: sealed.reason,
        author: sealed.author,
        parts: sealed.parts,
        bytes: sealed.bytes,
        utf8: sealed.utf8,
        cursor: sealed.cursor,
        pages: sealed.pages,
        counts: sealed.counts,
        written: sealed.written,
        returned: sealed.returned,
        kept: sealed.kept,
        people: sealed.people,
        takes_access: sealed.takes_access,
        version: sealed.version,
        created_at: sealed.created_at,
        updated_at: sealed.updated_at,
    })
}

/// Writes an import anew, in the caller's transaction, which has the tenant's turn.
pub(crate) async fn save(scoped: &mut Scoped, cx: &Cx, mut import: SealedImport) -> Result<()> {
    let before = import.version;
    import.version = changes::record(scoped, cx, "import", &import.id.to_string()).await?;
    import.updated_at = cx.now();
    if !sql::import_update(scoped, import, before).await? {
        return Err(Fault::conflict("Somebody changed this import at the same moment. Read it again."));
    }
    Ok(())
}

/// Lets a job go on with it.
pub(crate) async fn carry_on(scoped: &mut Scoped, cx: &Cx, id: ImportId, version: i64) -> Result<()> {
    let key = format!("{id} {version}");
    ::jobs::enqueue(scoped, cx, jobs::IMPORT, &key, &json!({"import": id.to_string()}), cx.now()).await.map(drop)
}

pub(crate) async fn note(
    scoped: &mut Scoped,
    cx: &Cx,
    kind: &'static str,
    actor: Option<Vec<u8>>,
    object: &str,
) -> Result<()> {
    ledger::append(scoped, cx, ledger::Entry { kind, actor, subject: None, object: Some(object) }).await.map(drop)
}

/// Whether the fields are still those that the dry run saw.
pub(super) fn same_fields(fields: &[OpenField], plan: &ImportPlan) -> bool {
    plan.fields.iter().all(|(id, version)| {
        fields.iter().any(|field| field.id.0 == *id && field.version == *version && !field.retired)
    })
}

/// The pseudonym of whoever began it: lines of the job are theirs.
pub(crate) async fn author_pseudonym(cx: &Cx, room: &Room, author: &Author) -> Result<Option<Vec<u8>>> {
    match author {
        Author::Person(account) => access::pseudonym(cx, room, account).await.map(Some),
        Author::Token(id) => web::token_pseudonym(cx, &room.shared.vault, *id).await.map(Some),
        Author::Import(_) | Author::BulkAction(_) => Ok(None),
    }
}

/// Whether the plan is still the one that was begun with: after another dry run was asked for, what was read under the old
/// settings is nothing to write. The job then begins anew.
pub(super) fn same_plan(seen: &SealedImport, now: &SealedImport) -> Result<()> {
    let bytes = |import: &SealedImport| import.plan.as_ref().map(|plan| plan.as_bytes().to_vec());
    if bytes(seen) == bytes(now) {
        return Ok(());
    }
    Err(Fault::busy("import_planned_anew", "The import was planned anew meanwhile.", None))
}

/// Does a slice of what its state says. True: there is more. May run twice: each step stands or falls with its place.
pub(crate) async fn go_on(cx: &Cx, room: &Room, id: ImportId) -> Result<bool> {
    let Some(batch) = sql::import_get(&mut room.shared.store.read(cx).await?, id).await? else { return Ok(false) };
    if let Some(field) = batch.field {
        return conversions::go_on(cx, room, batch, field).await;
    }
    let in_jira = batch.act.is_some_and(ActKind::is_in_jira);
    match batch.state {
        ImportState::Checking if batch.act.is_some() => bulk_actions::check::slice(cx, room, batch).await,
        ImportState::Checking => imports::check::slice(cx, room, batch).await,
        ImportState::Running if in_jira => bulk_actions::places::carry_out(cx, room, batch).await,
        ImportState::Undoing if in_jira => bulk_actions::places::take_back(cx, room, batch).await,
        ImportState::Running => run::slice(cx, room, batch).await,
        ImportState::Undoing => undo::slice(cx, room, batch).await,
        ImportState::Done | ImportState::Cancelled => staged::drop_file(cx, room, id).await,
        ImportState::Uploading | ImportState::Checked | ImportState::Paused | ImportState::Undone => Ok(false),
    }
}

/// Stops it by itself, for a reason that its page explains.
pub(crate) async fn stop(
    cx: &Cx,
    room: &Room,
    id: ImportId,
    from: ImportState,
    to: ImportState,
    why: &'static str,
) -> Result<()> {
    let mut scoped = room.shared.store.write(cx).await?;
    changes::take_turn(&mut scoped).await?;
    let Some(mut import) = sql::import_get(&mut scoped, id).await? else { return Ok(()) };
    if import.state == from {
        import.state = to;
        import.reason = Some(why.to_owned());
        save(&mut scoped, cx, import).await?;
        scoped.commit().await?;
    }
    Ok(())
}

async fn read(cx: &Cx, room: &Room, id: ImportId) -> Result<OpenBatch> {
    let found = sql::import_get(&mut room.shared.store.read(cx).await?, id).await?.ok_or_else(Fault::not_found)?;
    open(&access::tenant_keys(cx, room).await?, found)
}

/// Moves one on, for whoever may. Undoing takes away the access of those who were made, if it is said.
pub(crate) async fn advance(cx: &Cx, room: &Room, id: ImportId, wish: Wish, takes_access: bool) -> Result<OpenBatch> {
    let seen = read(cx, room, id).await?;
    let fresh = match (&seen.plan, wish) {
        (Some(plan), Wish::Run) => same_fields(&fields::all(cx, room).await?, plan.peek()),
        _ => true,
    };
    let actor = access::actor_pseudonym(cx, room).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    changes::take_turn(&mut scoped).await?;
    let mut import = sql::import_get(&mut scoped, id).await?.ok_or_else(Fault::not_found)?;
    let before = import.state;
    import.state = wish.leads(import.state).map_err(|first| wrong_state(&import, first))?;
    if !fresh {
        let text = "Fields changed since it was looked at. Look again: nothing is written that nobody saw.";
        return Err(Fault::invalid("fields_changed", text));
    }
    // One that is being undone may have nothing left but to say so.
    let anew = wish == Wish::Undo && before != ImportState::Undoing;
    let takes = takes_access && !sql::import_made_standing(&mut scoped, id, 1).await?.is_empty();
    if anew && !takes && sql::import_change_list(&mut scoped, id, "made", i64::MAX, 1).await?.is_empty() {
        let text = "There is nothing to undo: it wrote nothing, or it is more than 30 days ago.";
        return Err(Fault::invalid("nothing_to_undo", text));
    }
    if before == ImportState::Checked {
        import.cursor = 0;
    }
    if wish == Wish::Undo {
        import.takes_access = takes || import.takes_access && !anew;
    }
    import.reason = None;
    note(&mut scoped, cx, wish.kind(import.act.is_some()), actor, &id.to_string()).await?;
    carry_on(&mut scoped, cx, id, import.version).await?;
    save(&mut scoped, cx, import).await?;
    scoped.commit().await?;
    (room.shared.wake)();
    read(cx, room, id).await
}
