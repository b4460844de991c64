//! Defining fields.

use std::collections::BTreeSet;

use kernel::{Cx, Fault, FieldFault, Result};
use store::{Scoped, changes, ledger};
use uuid::Uuid;
use vault::{Keys, Open, Place};

use crate::Room;
use crate::actions::access;
use crate::actions::announce::announce_field;
use crate::actions::reach::Reach;
use crate::actions::{copies, issues};
use crate::model::{Entity, Field, FieldAudience, FieldBody, FieldId, FieldType, Permission, SectionId};
use crate::rules::issues::check_choice;
use crate::webhooks::event::EventKind;
use crate::{rules, schema, sql};

/// A field whose body is open.
pub(crate) type OpenField = Field<Open<FieldBody>>;

/// What somebody wants a field to be.
pub(crate) struct Wanted {
    pub(crate) entity: Entity,
    pub(crate) kind: FieldType,
    pub(crate) section: Option<SectionId>,
    pub(crate) required: bool,
    pub(crate) audience: FieldAudience,
    pub(crate) body: FieldBody,
}

pub(crate) fn place(id: FieldId) -> Place {
    Place::new(&schema::FIELD_BODY, kernel::RowName::new().uuid(id.0))
}

fn open(keys: &Keys, sealed: sql::SealedField) -> Result<OpenField> {
    let body = keys.open(&place(sealed.id), &sealed.body)?;
    Ok(sealed.with(|_| body))
}

/// All fields, retired ones too, in their order. Asks for no permission: what of it leaves is the caller's business.
pub(crate) async fn all(cx: &Cx, room: &Room) -> Result<Vec<OpenField>> {
    let keys = access::tenant_keys(cx, room).await?;
    let sealed = sql::field_list(&mut room.shared.store.read(cx).await?).await?;
    sealed.into_iter().map(|field| open(&keys, field)).collect()
}

/// All fields within the caller's transaction.
pub(crate) async fn all_in(scoped: &mut Scoped, keys: &Keys) -> Result<Vec<OpenField>> {
    sql::field_list(scoped).await?.into_iter().map(|field| open(keys, field)).collect()
}

/// One field within the caller's transaction.
pub(crate) async fn in_transaction(scoped: &mut Scoped, keys: &Keys, id: FieldId) -> Result<Option<OpenField>> {
    sql::field_get(scoped, id).await?.map(|field| open(keys, field)).transpose()
}

/// One field.
pub(crate) async fn read_field(cx: &Cx, room: &Room, id: FieldId) -> Result<OpenField> {
    let keys = access::tenant_keys(cx, room).await?;
    in_transaction(&mut room.shared.store.read(cx).await?, &keys, id).await?.ok_or_else(Fault::not_found)
}

/// Defines a new field, at the end of its entity's.
pub(crate) async fn define_field(cx: &Cx, room: &Room, wanted: Wanted) -> Result<OpenField> {
    access::require(cx, room, Permission::Configure).await?;
    let mut body = wanted.body;
    body.options = rules::merge_options(&[], body.options, fresh_option).map_err(Fault::invalid_fields)?;
    let body = check(wanted.entity, wanted.audience, wanted.kind, &body)?;
    let id = FieldId::fresh();
    let keys = access::tenant_keys(cx, room).await?;
    let hash = access::name_hash(cx, room, "field name", &body.name).await?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let sealed = keys.seal(&place(id), &body)?;
    let mut scoped = room.shared.store.write(cx).await?;
    let version = changes::record(&mut scoped, cx, "field", &id.to_string()).await?;
    let standing = sql::field_list(&mut scoped).await?;
    let of_entity: Vec<_> = standing.iter().filter(|field| field.entity == wanted.entity).collect();
    if of_entity.len() >= rules::FIELDS_PER_ENTITY {
        return Err(too_many("fields", rules::FIELDS_PER_ENTITY));
    }
    check_unique(&mut scoped, wanted.entity, &hash, None).await?;
    check_section(&mut scoped, wanted.entity, wanted.section).await?;
    let field = Field {
        id,
        entity: wanted.entity,
        kind: wanted.kind,
        section: wanted.section,
        position: of_entity.iter().map(|field| field.position + 1).max().unwrap_or(0),
        required: wanted.required,
        audience: wanted.audience,
        version,
        retired: false,
        body: sealed,
    };
    sql::field_insert(&mut scoped, field, &hash).await?;
    note(&mut scoped, cx, "customers.field_defined", actor, id).await?;
    announce_field(&mut scoped, cx, EventKind::FieldDefined, id, version).await?;
    scoped.commit().await?;
    read_field(cx, room, id).await
}

/// Changes a field that has version `before`. Its type and its entity stay what they are.
pub(crate) async fn change_field(cx: &Cx, room: &Room, id: FieldId, before: i64, wanted: Wanted) -> Result<OpenField> {
    access::require(cx, room, Permission::Configure).await?;
    let keys = access::tenant_keys(cx, room).await?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let hash = access::name_hash(cx, room, "field name", &wanted.body.name).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    let version = changes::record(&mut scoped, cx, "field", &id.to_string()).await?;
    let old = in_transaction(&mut scoped, &keys, id).await?.ok_or_else(Fault::not_found)?;
    check_version(&old, before)?;
    let mut faults = Vec::new();
    for (pointer, same, detail) in [
        (
            "/type",
            old.kind == wanted.kind,
            "A type changes with its values: see what becomes of them under type-changes.",
        ),
        ("/entity", old.entity == wanted.entity, "This stays what it was. Make a new field instead."),
    ] {
        if !same {
            let (pointer, detail) = (pointer.to_owned(), detail.to_owned());
            faults.push(FieldFault { pointer, code: "fixed", detail, limit: None });
        }
    }
    let mut body = wanted.body;
    (body.past, body.turning) = (old.body.peek().past.clone(), old.body.peek().turning);
    let (on_issues, copied_to) = (old.body.peek().on_issues.clone(), old.body.peek().copied_to.clone());
    let stays = check_choice(old.kind, wanted.audience, old.retired).is_ok();
    (body.on_issues, body.copied_to) = (on_issues.clone().filter(|_| stays), copied_to.clone().filter(|_| stays));
    match rules::merge_options(&old.body.peek().options, std::mem::take(&mut body.options), fresh_option) {
        Ok(options) => body.options = options,
        Err(wrong) => faults.extend(wrong),
    }
    if !faults.is_empty() {
        return Err(Fault::invalid_fields(faults));
    }
    let body = check(old.entity, wanted.audience, old.kind, &body)?;
    check_unique(&mut scoped, old.entity, &hash, Some(id)).await?;
    check_section(&mut scoped, old.entity, wanted.section).await?;
    let sealed = keys.seal(&place(id), &body)?;
    let field = Field {
        section: wanted.section,
        required: wanted.required,
        audience: wanted.audience,
        version,
        ..old.with(|_| sealed)
    };
    write(&mut scoped, field, &hash, before).await?;
    if on_issues.is_some() {
        issues::settle_choice(&mut scoped, cx, &keys).await?;
    }
    if copied_to.is_some() {
        copies::settle(&mut scoped, cx, &keys).await?;
    }
    note(&mut scoped, cx, "customers.field_changed", actor, id).await?;
    announce_field(&mut scoped, cx, EventKind::FieldChanged, id, version).await?;
    scoped.commit().await?;
    read_field(cx, room, id).await
}

/// Retires a field, or takes it back into use. Its values are kept either way.
pub(crate) async fn retire_field(cx: &Cx, room: &Room, id: FieldId, before: i64, retired: bool) -> Result<OpenField> {
    access::require(cx, room, Permission::Configure).await?;
    let keys = access::tenant_keys(cx, room).await?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let name = read_field(cx, room, id).await?;
    let hash = access::name_hash(cx, room, "field name", &name.body.peek().name).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    let version = changes::record(&mut scoped, cx, "field", &id.to_string()).await?;
    let old = in_transaction(&mut scoped, &keys, id).await?.ok_or_else(Fault::not_found)?;
    check_version(&old, before)?;
    // What is out of use stands on no issue, and is chosen anew when it is back.
    let (on_issues, copied) = (old.body.peek().on_issues.is_some(), old.body.peek().copied_to.is_some());
    let body = FieldBody { on_issues: None, copied_to: None, ..old.body.peek().clone() };
    let sealed = keys.seal(&place(id), &body)?;
    write(&mut scoped, Field { retired, version, ..old.with(|_| sealed) }, &hash, before).await?;
    if on_issues {
        issues::settle_choice(&mut scoped, cx, &keys).await?;
    }
    if copied {
        copies::settle(&mut scoped, cx, &keys).await?;
    }
    let (kind, event) = if retired {
        ("customers.field_retired", EventKind::FieldRetired)
    } else {
        ("customers.field_restored", EventKind::FieldRestored)
    };
    note(&mut scoped, cx, kind, actor, id).await?;
    announce_field(&mut scoped, cx, event, id, version).await?;
    scoped.commit().await?;
    read_field(cx, room, id).await
}

/// Puts an entity's active fields in a new order; all of them must be named, once each.
pub(crate) async fn order_fields(cx: &Cx, room: &Room, entity: Entity, ids: &[FieldId]) -> Result<()> {
    access::require(cx, room, Permission::Configure).await?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    let version = changes::record(&mut scoped, cx, "field", entity.name()).await?;
    let standing = sql::field_list(&mut scoped).await?;
    let active: BTreeSet<_> =
        standing.iter().filter(|field| field.entity == entity && !field.retired).map(|field| field.id).collect();
    let named: BTreeSet<_> = ids.iter().copied().collect();
    if named != active || named.len() != ids.len() {
        return Err(Fault::invalid_field(
            "/ids",
            "incomplete",
            "Name every field in use, once each. Somebody may have added or retired one: read the fields again.",
        ));
    }
    for (position, id) in (0..).zip(ids) {
        if standing.iter().any(|field| field.id == *id && field.position != position) {
            sql::field_move(&mut scoped, *id, position, version).await?;
        }
    }
    let entry =
        ledger::Entry { kind: "customers.fields_ordered", actor, object: Some(entity.name()), ..Default::default() };
    ledger::append(&mut scoped, cx, entry).await?;
    scoped.commit().await
}

/// A definition as it is kept, or everything that is wrong with it.
fn check(entity: Entity, audience: FieldAudience, kind: FieldType, body: &FieldBody) -> Result<FieldBody> {
    match (rules::check_audience(entity, audience), rules::check_body(kind, body)) {
        (Ok(()), Ok(body)) => Ok(body),
        (audience, body) => {
            let faults = audience.err().into_iter().chain(body.err().into_iter().flatten());
            Err(Fault::invalid_fields(faults.collect()))
        }
    }
}

fn fresh_option() -> String {
    Uuid::now_v7().to_string()
}

pub(crate) fn too_many(what: &str, limit: usize) -> Fault {
    Fault::invalid_fields(vec![FieldFault {
        pointer: String::new(),
        code: "too_many",
        detail: format!("There are at most {limit} {what}."),
        limit: Some(limit as u64),
    }])
}

pub(crate) fn check_version<B>(field: &Field<B>, before: i64) -> Result<()> {
    if field.version == before {
        return Ok(());
    }
    Err(Fault::conflict("Somebody changed this field since you opened it. Read it again."))
}

async fn check_unique(scoped: &mut Scoped, entity: Entity, hash: &[u8], except: Option<FieldId>) -> Result<()> {
    match sql::field_named(scoped, entity, hash).await? {
        Some(other) if Some(other) != except => Err(Fault::invalid_field(
            "/name",
            "not_unique",
            "Another field has this name, perhaps a retired one: rename or restore that one.",
        )),
        _ => Ok(()),
    }
}

async fn check_section(scoped: &mut Scoped, entity: Entity, wanted: Option<SectionId>) -> Result<()> {
    let Some(wanted) = wanted else { return Ok(()) };
    if sql::section_list(scoped).await?.iter().any(|section| section.id == wanted && section.entity == entity) {
        return Ok(());
    }
    Err(Fault::invalid_field("/sectionId", "unknown", "There is no such section of this kind."))
}

pub(crate) async fn write(scoped: &mut Scoped, field: sql::SealedField, hash: &[u8], before: i64) -> Result<()> {
    if sql::field_update(scoped, field, hash, before).await? {
        return Ok(());
    }
    Err(Fault::conflict("Somebody changed this field since you opened it. Read it again."))
}

pub(crate) async fn note(
    scoped: &mut Scoped,
    cx: &Cx,
    kind: &'static str,
    actor: Option<Vec<u8>>,
    id: FieldId,
) -> Result<()> {
    let object = id.to_string();
    let entry = ledger::Entry { kind, actor, subject: None, object: Some(&object) };
    ledger::append(scoped, cx, entry).await.map(drop)
}

/// The sections that hold a field which the caller may see.
pub(crate) async fn sections_within(cx: &Cx, room: &Room, reach: &Reach) -> Result<BTreeSet<SectionId>> {
    let fields = all(cx, room).await?.into_iter().filter(|field| reach.sees(field));
    Ok(fields.filter_map(|field| field.section).collect())
}
