//! Bulk actions: one change to many customers or organizations. What was chosen is frozen when a preview begins; the preview
//! says of each record what would change, or why it would not; then it is carried out by a job, and taken back as one.
//!
//! It refuses whoever may not edit, and shows one to its author and to administrators alone. The job does not ask again what
//! the author may: Jira does, where it is Jira that changes.

pub(crate) mod check;
pub(crate) mod places;
pub(crate) mod report;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use kernel::{Cx, Fault, FieldFault, OrganizationId, ProjectId, Result};
use store::changes;
use uuid::Uuid;
use zeroize::Zeroizing;

use host::client::Power;

use crate::Room;
use crate::actions::batches::{self, OpenBatch, Wish, owner_of, staged};
use crate::actions::lists::{Asked, Finder};
use crate::actions::reach::Reach;
use crate::actions::values;
use crate::actions::{access, adding, directory};
use crate::model::{
    Act, Author, Counts, Entity, FieldId, Import, ImportId, ImportPlan, ImportState, Permission, Value,
};
use crate::rules;
use crate::sql::{self, SealedImport};

/// Records that are named one by one: with ids of the greatest length they fit a request's body.
pub(crate) const IDS: usize = 5_000;
/// Records that are left out of what a query finds, one by one.
pub(crate) const EXCEPTIONS: usize = 5_000;
/// Bulk actions of one site that are not at their end; each keeps what was chosen.
const UNFINISHED: i64 = 20;
/// One that nothing happened to for so long has lost what was chosen.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A preview that its author began this long ago and did nothing with gives way to their next one.
const LEFT: SignedDuration = SignedDuration::from_hours(1);
/// Earlier ones of the same author that are looked at for such.
const LOOKED_AT: u32 = 50;
/// Records of one page whose values are written here: a transaction of a fraction of a second.
const PAGE_RECORDS: usize = 200;

/// Which records.
pub(crate) enum Selection {
    /// These.
    Ids(Vec<String>),
    /// What a list finds now, but for these.
    Found(Box<Asked>, BTreeSet<String>),
}

/// Pages of the choice that are laid at once.
const LAID_AT_ONCE: usize = 8;

fn page_records(act: &Act) -> usize {
    match act {
        Act::SetValue { .. } => PAGE_RECORDS,
        _ => host::client::ACCOUNTS_AT_ONCE,
    }
}

fn too_many(pointer: &str, limit: usize) -> Fault {
    Fault::invalid_fields(vec![FieldFault {
        pointer: pointer.to_owned(),
        code: "too_many",
        detail: format!("At most {limit} at once. Narrow the list, and take the rest in a second step."),
        limit: Some(limit as u64),
    }])
}

/// The ids that are meant, each once.
async fn chosen(cx: &Cx, room: &Room, entity: Entity, selection: Selection) -> Result<Vec<String>> {
    let ids = match selection {
        Selection::Ids(ids) => {
            if ids.len() > IDS {
                return Err(too_many("/selection/ids", IDS));
            }
            let mut seen = BTreeSet::new();
            for (place, id) in ids.iter().enumerate() {
                if owner_of(entity, id).is_err() {
                    return Err(Fault::invalid_field(format!("/selection/ids/{place}"), "format", "This is no id."));
                }
            }
            ids.into_iter().filter(|id| seen.insert(id.clone())).collect()
        }
        Selection::Found(asked, except) => {
            if except.len() > EXCEPTIONS {
                return Err(too_many("/selection/except", EXCEPTIONS));
            }
            let sorted = directory::sorted(cx, room).await?;
            let finder = Finder::new(cx, room, &sorted, entity, &asked).await?;
            let places = finder.first(0, room.limits.bulk_records + except.len() + 1).await?;
            let ids = places.into_iter().filter_map(|place| finder.id(place)).filter(|id| !except.contains(*id));
            ids.map(str::to_owned).collect::<Vec<_>>()
        }
    };
    match ids.len() {
        0 => Err(Fault::invalid_field("/selection", "empty", "Nothing is chosen.")),
        count if count > room.limits.bulk_records => Err(too_many("/selection", room.limits.bulk_records)),
        _ => Ok(ids),
    }
}

/// What is wanted, checked as far as it is the same for all records; and the fields that it names, as they are now.
struct Checked {
    act: Act,
    fields: Vec<(Uuid, i64)>,
    /// What the field is called; empty where no field is meant.
    name: String,
}

async fn check(cx: &Cx, room: &Room, entity: Entity, act: Act) -> Result<Checked> {
    match act {
        Act::SetValue { field, value } => check_value(cx, room, entity, field, value).await,
        Act::AddToOrganization(ref organization) | Act::RemoveFromOrganization(ref organization) => {
            only_customers(entity)?;
            check_organization(cx, room, organization).await?;
            Ok(Checked { act, fields: Vec::new(), name: String::new() })
        }
        Act::AddToProject(ref project) => {
            only_customers(entity)?;
            check_project(cx, room, project).await?;
            Ok(Checked { act, fields: Vec::new(), name: String::new() })
        }
    }
}

async fn check_value(cx: &Cx, room: &Room, entity: Entity, field: FieldId, value: Value) -> Result<Checked> {
    let wrong = |fault: FieldFault| Fault::invalid_fields(vec![fault]);
    let reach = Reach::Agent;
    let fields = values::visible(cx, room, entity, &reach).await?;
    let defined = values::writable(&fields, &reach, field, "/change/fieldId").map_err(wrong)?;
    let body = defined.body.peek();
    let value =
        rules::check_value("/change/value", defined.kind, body, defined.required, &value, None).map_err(wrong)?;
    let named = values::people_named(&fields, &BTreeMap::from([(field, value.clone())]));
    let accounts: Vec<_> = named.iter().map(|(_, account)| account.clone()).collect();
    if !accounts.is_empty() {
        let known = directory::names(cx, room, &accounts).await?;
        let unknown = values::people_unknown(&named, &known, |_| "/change/value".to_owned());
        if !unknown.is_empty() {
            return Err(Fault::invalid_fields(unknown));
        }
    }
    Ok(Checked {
        act: Act::SetValue { field, value },
        fields: vec![(field.0, defined.version)],
        name: body.name.clone(),
    })
}

fn only_customers(entity: Entity) -> Result<()> {
    match entity {
        Entity::Customer => Ok(()),
        Entity::Organization => {
            Err(Fault::invalid_field("/change/type", "not_allowed", "Only customers are put into places."))
        }
    }
}

async fn check_organization(cx: &Cx, room: &Room, organization: &OrganizationId) -> Result<()> {
    access::require_about(cx, room, Entity::Organization, Permission::Edit).await?;
    if directory::organization_name(cx, room, organization).await?.is_none() {
        let detail = "Jira knows no organization of this id.";
        return Err(Fault::invalid_field("/change/organizationId", "unknown", detail));
    }
    adding::jira(cx, room).hand(Power::Agent).await.map(drop)
}

async fn check_project(cx: &Cx, room: &Room, project: &ProjectId) -> Result<()> {
    let jira = adding::jira(cx, room);
    adding::desk_of(&jira, "/change/projectId", project).await?;
    jira.hand(Power::AdministratorOf(project)).await.map(drop)
}

/// Begins a preview: what is chosen is frozen, and each record is looked at; nothing changes.
pub(crate) async fn begin(
    cx: &Cx,
    room: &Room,
    entity: Entity,
    selection: Selection,
    wanted: Act,
) -> Result<OpenBatch> {
    access::require_about(cx, room, entity, Permission::Edit).await?;
    let author = Author::of(cx.actor()).ok_or_else(|| Fault::refused("Only somebody changes values."))?;
    let Checked { act, fields, name } = check(cx, room, entity, wanted).await?;
    let ids = chosen(cx, room, entity, selection).await?;
    let keys = access::tenant_keys(cx, room).await?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let id = ImportId::fresh();
    // The ids of a page's records lie in the place of a file's part.
    let choice =
        (0..).zip(ids.chunks(page_records(&act))).map(|(number, some)| (number, Zeroizing::new(some.join("\n"))));
    let choice: Vec<(i64, Zeroizing<String>)> = choice.collect();
    let mut pieces = Vec::with_capacity(choice.len());
    for some in choice.chunks(LAID_AT_ONCE) {
        let lay = some.iter().map(|(number, text)| staged::lay_part(cx, room, &keys, (id, *number), text.as_bytes()));
        pieces.extend(some.iter().map(|(number, _)| *number).zip(futures::future::try_join_all(lay).await?));
    }
    let kind = act.kind();
    let plan = ImportPlan { fields, act: Some(act), ..ImportPlan::default() };
    let count = |length: usize| i64::try_from(length).map_err(|error| Fault::broken("customers_bulk_action", error));
    let mut scoped = room.shared.store.write(cx).await?;
    let version = changes::record(&mut scoped, cx, "import", &id.to_string()).await?;
    leave_earlier(&mut scoped, cx, entity, &author).await?;
    let since = cx.now().checked_sub(FORGOTTEN).unwrap_or(Timestamp::MIN);
    if sql::bulk_action_unfinished(&mut scoped, since).await? >= UNFINISHED {
        let text = format!("{UNFINISHED} bulk changes are not at their end here. Finish or leave one.");
        return Err(Fault::invalid("too_many", text));
    }
    let batch = Import {
        id,
        entity,
        field: None,
        act: Some(kind),
        state: ImportState::Checking,
        reason: None,
        author,
        parts: count(pieces.len())?,
        bytes: count(ids.len())?,
        utf8: true,
        cursor: 0,
        pages: 0,
        counts: Counts::default(),
        written: 0,
        returned: 0,
        kept: 0,
        people: 0,
        takes_access: false,
        version,
        created_at: cx.now(),
        updated_at: cx.now(),
        name: keys.seal(&batches::name_place(id), &name)?,
        plan: Some(keys.seal(&batches::plan_place(id), &plan)?),
    };
    sql::import_insert(&mut scoped, batch).await?;
    for (number, piece) in pieces {
        staged::put_part(&mut scoped, (id, number), piece, cx.now()).await?;
    }
    let object = format!("{} {} {id} records={}", entity.name(), kind.name(), ids.len());
    batches::note(&mut scoped, cx, "customers.bulk_action_previewed", actor, &object).await?;
    batches::carry_on(&mut scoped, cx, id, version).await?;
    scoped.commit().await?;
    (room.shared.wake)();
    read(cx, room, entity, id).await
}

/// Gives up what the same author only looked at, a while ago: a window that was closed says nothing.
async fn leave_earlier(scoped: &mut store::Scoped, cx: &Cx, entity: Entity, author: &Author) -> Result<()> {
    let before = cx.now().checked_sub(LEFT).unwrap_or(Timestamp::MIN);
    for mut earlier in sql::bulk_action_list(scoped, entity, Some(author), Uuid::max(), LOOKED_AT).await? {
        if earlier.state == ImportState::Checked && earlier.updated_at < before {
            earlier.state = ImportState::Cancelled;
            batches::carry_on(scoped, cx, earlier.id, earlier.version).await?;
            batches::save(scoped, cx, earlier).await?;
        }
    }
    Ok(())
}

/// Whether the caller administers Steward here, and sees everybody's.
async fn oversees(cx: &Cx, room: &Room) -> Result<bool> {
    Ok(cx.token().is_none() && access::permissions(cx, room).await?.contains(&Permission::Configure))
}

/// A bulk action that the caller may see: their own, or anybody's if they administer Steward.
async fn find(cx: &Cx, room: &Room, entity: Entity, id: ImportId) -> Result<SealedImport> {
    access::require_about(cx, room, entity, Permission::Edit).await?;
    let found = sql::import_get(&mut room.shared.store.read(cx).await?, id).await?;
    let batch = found.filter(|batch| batch.act.is_some() && batch.entity == entity).ok_or_else(Fault::not_found)?;
    if Author::of(cx.actor()).as_ref() == Some(&batch.author) || oversees(cx, room).await? {
        return Ok(batch);
    }
    Err(Fault::not_found())
}

/// One bulk action.
pub(crate) async fn read(cx: &Cx, room: &Room, entity: Entity, id: ImportId) -> Result<OpenBatch> {
    let batch = find(cx, room, entity, id).await?;
    batches::open(&access::tenant_keys(cx, room).await?, batch)
}

/// The caller's own, everybody's for administrators; newest first, and where to go on.
pub(crate) async fn list(
    cx: &Cx,
    room: &Room,
    entity: Entity,
    before: Option<ImportId>,
    limit: u32,
) -> Result<(Vec<OpenBatch>, Option<ImportId>)> {
    access::require_about(cx, room, entity, Permission::Edit).await?;
    let own = Author::of(cx.actor()).ok_or_else(|| Fault::refused("Only somebody changes values."))?;
    let by = if oversees(cx, room).await? { None } else { Some(&own) };
    let before = before.map_or(Uuid::max(), |id| id.0);
    let mut page = sql::bulk_action_list(&mut room.shared.store.read(cx).await?, entity, by, before, limit + 1).await?;
    let more = page.len() > limit as usize;
    page.truncate(limit as usize);
    let next = if more { page.last().map(|batch| batch.id) } else { None };
    let keys = access::tenant_keys(cx, room).await?;
    Ok((page.into_iter().map(|batch| batches::open(&keys, batch)).collect::<Result<_>>()?, next))
}

/// Moves one on.
pub(crate) async fn advance(cx: &Cx, room: &Room, entity: Entity, id: ImportId, wish: Wish) -> Result<OpenBatch> {
    let batch = find(cx, room, entity, id).await?;
    if wish == Wish::Run || wish == Wish::Undo {
        let open = batches::open(&access::tenant_keys(cx, room).await?, batch)?;
        ask_jira(cx, room, open.plan.as_ref().and_then(|plan| plan.peek().act.as_ref())).await?;
    }
    batches::advance(cx, room, id, wish, false).await
}

/// Whether Jira would let the caller, who perhaps is not the author: the job asks no more.
async fn ask_jira(cx: &Cx, room: &Room, act: Option<&Act>) -> Result<()> {
    match act {
        Some(Act::AddToOrganization(organization) | Act::RemoveFromOrganization(organization)) => {
            check_organization(cx, room, organization).await
        }
        Some(Act::AddToProject(project)) => check_project(cx, room, project).await,
        Some(Act::SetValue { .. }) | None => Ok(()),
    }
}

/// Until when it can be taken back.
pub(crate) fn undo_until<N, P>(batch: &Import<N, P>) -> Option<Timestamp> {
    let ended = matches!(batch.state, ImportState::Done | ImportState::Cancelled) && batch.written > 0;
    ended.then(|| batches::undo_until(batch.updated_at)).flatten()
}

/// What a plan says is to be done.
fn act_of(plan: &ImportPlan) -> Result<&Act> {
    plan.act.as_ref().ok_or_else(|| Fault::broken("customers_bulk_action", "a plan that does nothing"))
}
