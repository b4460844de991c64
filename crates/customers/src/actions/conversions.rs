//! Changing a field's type: a preview reads every value and says what becomes of it; the change itself is one write to the
//! definition, after which everybody reads the new type (`crate::conversion`); a job then writes the values anew; and for 30
//! days all of it is taken back as one. It is kept as an import is, whose file is the values that stand: with its states,
//! its report, its list of what was changed.

mod check;
pub(crate) mod report;
mod run;
mod undo;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use kernel::{Cx, Fault, FieldFault, Result};
use store::{Scoped, changes};
use uuid::Uuid;
use vault::Keys;

use crate::Room;
use crate::actions::announce::announce_field;
use crate::actions::batches::plan_place;
use crate::actions::batches::{self, OpenBatch};
use crate::actions::fields::{self, OpenField};
use crate::actions::{access, copies, issues};
use crate::conversion::{self, How};
use crate::imports::mapping::Settings;
use crate::model::{
    Author, Counts, Entity, Field, FieldBody, FieldId, FieldOption, FieldType, Import, ImportId, ImportPlan,
    ImportState, Permission, Turn,
};
use crate::rules;
use crate::rules::copies::fits;
use crate::rules::issues::slot_kind;
use crate::sql::{self, SealedImport};
use crate::webhooks::event::EventKind;

/// How long a change of type can be undone, counted from its last step: as an import.
const UNDO: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Characters between several options.
const SEPARATOR_CHARS: usize = 5;
/// Changes of one field's type that are looked at for one that is not at its end; only the latest can be.
const LATEST: u32 = 1;
/// Values that are read, and written, at once: a transaction of a fraction of a second.
const AT_ONCE: u32 = 200;
/// Such transactions of one slice of the job.
const BATCHES_A_SLICE: usize = 50;

/// What somebody wants a field's type to be.
pub(crate) struct Wanted {
    pub(crate) to: FieldType,
    pub(crate) how: How,
    /// Labels of options that it has then, besides those that it has.
    pub(crate) options: Vec<String>,
    /// Whether what values say and no option is called becomes one.
    pub(crate) create: bool,
}

/// What may be done with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Change the type.
    Run,
    /// Leave it.
    Cancel,
    /// Take it back.
    Undo,
}

/// Whoever defines fields and may see their values.
async fn require(cx: &Cx, room: &Room, entity: Entity, needed: Permission) -> Result<()> {
    access::require(cx, room, Permission::Configure).await?;
    access::require_about(cx, room, entity, needed).await
}

async fn find(cx: &Cx, room: &Room, id: ImportId) -> Result<(SealedImport, FieldId)> {
    access::require(cx, room, Permission::Configure).await?;
    let found = sql::import_get(&mut room.shared.store.read(cx).await?, id).await?;
    let change = found.and_then(|change| change.field.map(|field| (change, field))).ok_or_else(Fault::not_found)?;
    access::require_about(cx, room, change.0.entity, Permission::Browse).await?;
    Ok(change)
}

/// One change of a type.
pub(crate) async fn read_change(cx: &Cx, room: &Room, id: ImportId) -> Result<OpenBatch> {
    let (change, _) = find(cx, room, id).await?;
    batches::open(&access::tenant_keys(cx, room).await?, change)
}

/// Changes of a field's type, newest first, and where to go on.
pub(crate) async fn list_changes(
    cx: &Cx,
    room: &Room,
    field: FieldId,
    before: Option<ImportId>,
    limit: u32,
) -> Result<(Vec<OpenBatch>, Option<ImportId>)> {
    access::require(cx, room, Permission::Configure).await?;
    let field = fields::read_field(cx, room, field).await?;
    access::require_about(cx, room, field.entity, Permission::Browse).await?;
    let before = before.map_or(Uuid::max(), |id| id.0);
    let mut scoped = room.shared.store.read(cx).await?;
    let mut page = sql::type_change_list(&mut scoped, field.id, before, limit + 1).await?;
    drop(scoped);
    let more = page.len() > limit as usize;
    page.truncate(limit as usize);
    let next = if more { page.last().map(|change| change.id) } else { None };
    let keys = access::tenant_keys(cx, room).await?;
    Ok((page.into_iter().map(|change| batches::open(&keys, change)).collect::<Result<_>>()?, next))
}

fn wrong(pointer: &str, code: &'static str, detail: impl Into<String>, limit: Option<u64>) -> FieldFault {
    FieldFault { pointer: pointer.to_owned(), code, detail: detail.into(), limit }
}

/// What is asked for, checked as a whole; answers the options that the field is to have.
fn check(field: &OpenField, wanted: &Wanted) -> Result<Vec<FieldOption>> {
    let mut faults = Vec::new();
    if let Err(why) = conversion::may_turn(field.kind, wanted.to) {
        faults.push(wrong("/type", "not_convertible", why, None));
    }
    if TimeZone::get(&wanted.how.time_zone).is_err() {
        faults.push(wrong("/reading/timeZone", "unknown", "Send an IANA name, such as Europe/Berlin.", None));
    }
    let separator = wanted.how.list_separator.as_str();
    if separator.trim() != separator || separator.is_empty() || separator.chars().count() > SEPARATOR_CHARS {
        let detail = format!("Between options stand 1 to {SEPARATOR_CHARS} characters, without spaces around them.");
        faults.push(wrong("/reading/listSeparator", "format", detail, Some(SEPARATOR_CHARS as u64)));
    }
    let body = field.body.peek();
    let mut options = if wanted.to.has_options() { body.options.clone() } else { Vec::new() };
    if !wanted.to.has_options() && !wanted.options.is_empty() {
        faults.push(wrong("/options", "not_allowed", "Only select fields have options.", None));
    }
    for (place, label) in wanted.options.iter().enumerate() {
        match rules::check_name(&format!("/options/{place}"), label) {
            Ok(label) => add_option(&mut options, &label),
            Err(fault) => faults.push(fault),
        }
    }
    if options.len() > rules::OPTIONS_PER_FIELD {
        let detail = format!("A field has at most {} options.", rules::OPTIONS_PER_FIELD);
        faults.push(wrong("/options", "too_many", detail, Some(rules::OPTIONS_PER_FIELD as u64)));
    }
    if wanted.to.has_options() && !wanted.create && options.iter().all(|option| option.retired) {
        let detail = "Name the options that the field is to have, or let what the values say become options.";
        faults.push(wrong("/options", "required", detail, None));
    }
    if faults.is_empty() { Ok(options) } else { Err(Fault::invalid_fields(faults)) }
}

/// Adds an option of this name, unless there is one.
fn add_option(options: &mut Vec<FieldOption>, label: &str) {
    if options.iter().all(|option| rules::name_key(&option.label) != rules::name_key(label)) {
        options.push(FieldOption { id: Uuid::now_v7().to_string(), label: label.to_owned(), retired: false });
    }
}

fn ongoing() -> Fault {
    Fault::invalid("type_change_running", "The field's type is being changed. Wait until that is done.")
}

/// Begins a preview: every value is read, nothing changes. One of the same field that was not carried out is left.
pub(crate) async fn begin_change(cx: &Cx, room: &Room, field: FieldId, wanted: Wanted) -> Result<OpenBatch> {
    access::require(cx, room, Permission::Configure).await?;
    let field = fields::read_field(cx, room, field).await?;
    access::require_about(cx, room, field.entity, Permission::Browse).await?;
    if field.retired {
        return Err(Fault::invalid("retired", "This field is retired. Restore it to change its type."));
    }
    let options = check(&field, &wanted)?;
    let author = Author::of(cx.actor()).ok_or_else(|| Fault::refused("Only somebody changes a field."))?;
    let keys = access::tenant_keys(cx, room).await?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let id = ImportId::fresh();
    let name = keys.seal(&batches::name_place(id), &field.body.peek().name)?;
    let mut scoped = room.shared.store.write(cx).await?;
    let version = changes::record(&mut scoped, cx, "import", &id.to_string()).await?;
    leave_earlier(&mut scoped, cx, field.id).await?;
    let turn = Turn {
        from: field.kind,
        to: wanted.to,
        how: wanted.how,
        options,
        create: wanted.create && wanted.to.has_options(),
        default: field.body.peek().default.clone(),
        seen: version,
        since: 0,
        undone: 0,
    };
    let fields = vec![(field.id.0, field.version)];
    let plan = ImportPlan { settings: Settings::default(), headers: Vec::new(), fields, turn: Some(turn), act: None };
    let change = Import {
        id,
        entity: field.entity,
        field: Some(field.id),
        act: None,
        state: ImportState::Checking,
        reason: None,
        author,
        parts: 0,
        bytes: 0,
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
        name,
        plan: Some(keys.seal(&plan_place(id), &plan)?),
    };
    sql::import_insert(&mut scoped, change).await?;
    let object = format!("{} {id}", field.id);
    batches::note(&mut scoped, cx, "customers.type_change_previewed", actor, &object).await?;
    batches::carry_on(&mut scoped, cx, id, version).await?;
    scoped.commit().await?;
    (room.shared.wake)();
    read_change(cx, room, id).await
}

/// Gives up what was only looked at, and refuses where a change is under way.
async fn leave_earlier(scoped: &mut Scoped, cx: &Cx, field: FieldId) -> Result<()> {
    for mut earlier in sql::type_change_list(scoped, field, Uuid::max(), LATEST).await? {
        match earlier.state {
            ImportState::Running | ImportState::Undoing => return Err(ongoing()),
            ImportState::Checking | ImportState::Checked => {
                earlier.state = ImportState::Cancelled;
                sql::import_page_drop(scoped, earlier.id, 0, i64::MAX).await?;
                batches::save(scoped, cx, earlier).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Until when a change can be taken back.
pub(crate) fn undo_until<N, P>(change: &Import<N, P>) -> Option<Timestamp> {
    match change.state {
        ImportState::Running | ImportState::Done => change.updated_at.checked_add(UNDO).ok(),
        _ => None,
    }
}

/// Does with it what somebody wants.
pub(crate) async fn move_change(cx: &Cx, room: &Room, id: ImportId, wish: Wish) -> Result<OpenBatch> {
    let (seen, field) = find(cx, room, id).await?;
    require(cx, room, seen.entity, Permission::Edit).await?;
    let keys = access::tenant_keys(cx, room).await?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let name = fields::read_field(cx, room, field).await?;
    let hash = access::name_hash(cx, room, "field name", &name.body.peek().name).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    let number = match wish {
        Wish::Cancel => changes::take_turn(&mut scoped).await.map(|()| 0)?,
        Wish::Run | Wish::Undo => changes::record(&mut scoped, cx, "field", &field.to_string()).await?,
    };
    let mut change = sql::import_get(&mut scoped, id).await?.ok_or_else(Fault::not_found)?;
    let field = fields::in_transaction(&mut scoped, &keys, field).await?.ok_or_else(Fault::not_found)?;
    let sealed = change.plan.take().ok_or_else(Fault::not_found)?;
    let mut plan = keys.open(&plan_place(id), &sealed)?.peek().clone();
    let turn = plan.turn.as_mut().ok_or_else(Fault::not_found)?;
    let refused = |text: &str| Fault::invalid("type_change_state", format!("It is {}: {text}", change.state.name()));
    let (kind, told) = match (wish, change.state) {
        (Wish::Cancel, ImportState::Checking | ImportState::Checked) => {
            sql::import_page_drop(&mut scoped, id, 0, i64::MAX).await?;
            (ImportState::Cancelled, "customers.type_change_cancelled")
        }
        (Wish::Cancel, _) => return Err(refused("only a preview is left; what was carried out is undone.")),
        (Wish::Run, ImportState::Checked) => {
            let as_seen = plan.fields.iter().all(|(_, version)| *version == field.version) && !field.retired;
            if !as_seen {
                let text = "The field changed since the preview. Look at another one: nothing changes that nobody saw.";
                return Err(Fault::invalid("fields_changed", text));
            }
            turn.since = number;
            let body =
                conversion::turn((field.kind, field.body.peek()), turn.to, turn.options.clone(), &turn.how, number);
            write_field(&mut scoped, cx, (&keys, &hash), &field, (turn.to, &body), number).await?;
            (ImportState::Running, "customers.type_changed")
        }
        (Wish::Run, _) => return Err(refused("only a preview that is done can be carried out.")),
        (Wish::Undo, ImportState::Running | ImportState::Done) => {
            let last = field.body.peek().past.last().filter(|past| past.until == turn.since);
            let Some(past) = last else {
                let text = "The field's type changed again since. What its values were is in the history.";
                return Err(Fault::invalid("type_changed_since", text));
            };
            if undo_until(&change).is_none_or(|until| until < cx.now()) {
                return Err(Fault::invalid("nothing_to_undo", "It is more than 30 days ago."));
            }
            turn.undone = number;
            let (from, options) = (turn.from, past.options.clone());
            let mut body = conversion::turn((field.kind, field.body.peek()), from, options, &turn.how, number);
            body.default = turn.default.clone();
            write_field(&mut scoped, cx, (&keys, &hash), &field, (from, &body), number).await?;
            (ImportState::Undoing, "customers.type_change_undo_started")
        }
        (Wish::Undo, _) => return Err(refused("there is nothing to undo.")),
    };
    change.state = kind;
    change.plan = Some(keys.seal(&plan_place(id), &plan)?);
    batches::note(&mut scoped, cx, told, actor, &format!("{} {id}", field.id)).await?;
    if wish != Wish::Cancel {
        announce_field(&mut scoped, cx, EventKind::FieldChanged, field.id, number).await?;
    }
    batches::carry_on(&mut scoped, cx, id, change.version).await?;
    batches::save(&mut scoped, cx, change).await?;
    scoped.commit().await?;
    (room.shared.wake)();
    read_change(cx, room, id).await
}

/// Writes a field under another type, or with another body.
async fn write_field(
    scoped: &mut Scoped,
    cx: &Cx,
    (keys, hash): (&Keys, &[u8]),
    field: &OpenField,
    (kind, body): (FieldType, &FieldBody),
    number: i64,
) -> Result<()> {
    // A place on issues is of one type: a field of another one is taken off, and can be chosen anew.
    let on_issues = body.on_issues.clone();
    let kept = on_issues.clone().filter(|_| slot_kind(kind).is_some() && slot_kind(kind) == slot_kind(field.kind));
    let copied_to = body.copied_to.clone();
    let copied = copied_to.clone().filter(|to| fits(kind, to.kind));
    let body = FieldBody { on_issues: kept, copied_to: copied, ..body.clone() };
    let sealed = keys.seal(&fields::place(field.id), &body)?;
    let new = Field {
        id: field.id,
        entity: field.entity,
        kind,
        section: field.section,
        position: field.position,
        required: field.required,
        audience: field.audience,
        version: number,
        retired: field.retired,
        body: sealed,
    };
    fields::write(scoped, new, hash, field.version).await?;
    if on_issues.is_some() {
        issues::settle_choice(scoped, cx, keys).await?;
    }
    if copied_to.is_some() {
        copies::settle(scoped, cx, keys).await?;
    }
    Ok(())
}

/// Ends the work on a field's values: indexes say what stands again.
async fn settle(scoped: &mut Scoped, cx: &Cx, (keys, hash): (&Keys, &[u8]), field: FieldId) -> Result<()> {
    let number = changes::record(scoped, cx, "field", &field.to_string()).await?;
    let Some(field) = fields::in_transaction(scoped, keys, field).await? else { return Ok(()) };
    let body = FieldBody { turning: false, ..field.body.peek().clone() };
    write_field(scoped, cx, (keys, hash), &field, (field.kind, &body), number).await
}

/// Does a slice of what its state says; true when there is more. May run twice.
pub(crate) async fn go_on(cx: &Cx, room: &Room, change: SealedImport, field: FieldId) -> Result<bool> {
    match change.state {
        ImportState::Checking => check::slice(cx, room, change, field).await,
        ImportState::Running => run::slice(cx, room, change, field).await,
        ImportState::Undoing => undo::slice(cx, room, change, field).await,
        _ => Ok(false),
    }
}

fn turn_of(keys: &Keys, change: &SealedImport) -> Result<(ImportPlan, Turn)> {
    let sealed = change.plan.as_ref().ok_or_else(Fault::not_found)?;
    let plan = keys.open(&plan_place(change.id), sealed)?.peek().clone();
    let turn = plan.turn.clone().ok_or_else(|| Fault::broken("customers_type_change", "no turn in its plan"))?;
    Ok((plan, turn))
}
