//! Sections of fields.

use kernel::{Cx, Fault, Result};
use store::{Scoped, changes, ledger};
use vault::{Open, Place};

use crate::Room;
use crate::actions::access;
use crate::actions::fields::too_many;
use crate::model::{Entity, Permission, Section, SectionId};
use crate::{rules, schema, sql};

/// A section whose name is open.
pub(crate) type OpenSection = Section<Open<String>>;

fn place(id: SectionId) -> Place {
    Place::new(&schema::SECTION_NAME, kernel::RowName::new().uuid(id.0))
}

/// All sections, in their order. Asks for no permission: what of it leaves is the caller's business.
pub(crate) async fn all(cx: &Cx, room: &Room) -> Result<Vec<OpenSection>> {
    let keys = access::tenant_keys(cx, room).await?;
    let sealed = sql::section_list(&mut room.shared.store.read(cx).await?).await?;
    sealed
        .into_iter()
        .map(|section| {
            Ok(Section {
                id: section.id,
                entity: section.entity,
                position: section.position,
                version: section.version,
                name: keys.open(&place(section.id), &section.name)?,
            })
        })
        .collect()
}

async fn one(cx: &Cx, room: &Room, id: SectionId) -> Result<OpenSection> {
    all(cx, room).await?.into_iter().find(|section| section.id == id).ok_or_else(Fault::not_found)
}

/// Makes a section, after the others.
pub(crate) async fn make_section(cx: &Cx, room: &Room, entity: Entity, name: &str) -> Result<OpenSection> {
    access::require(cx, room, Permission::Configure).await?;
    let name = rules::check_name("/name", name).map_err(|wrong| Fault::invalid_fields(vec![wrong]))?;
    let id = SectionId::fresh();
    let keys = access::tenant_keys(cx, room).await?;
    let hash = access::name_hash(cx, room, "section name", &name).await?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let sealed = keys.seal(&place(id), &name)?;
    let mut scoped = room.shared.store.write(cx).await?;
    let version = changes::record(&mut scoped, cx, "section", &id.to_string()).await?;
    let standing = sql::section_list(&mut scoped).await?;
    let of_entity: Vec<_> = standing.iter().filter(|section| section.entity == entity).collect();
    if of_entity.len() >= rules::SECTIONS_PER_ENTITY {
        return Err(too_many("sections", rules::SECTIONS_PER_ENTITY));
    }
    check_unique(&mut scoped, entity, &hash, None).await?;
    let position = of_entity.iter().map(|section| section.position + 1).max().unwrap_or(0);
    sql::section_insert(&mut scoped, Section { id, entity, position, version, name: sealed }, &hash).await?;
    note(&mut scoped, cx, "customers.section_made", actor, id).await?;
    scoped.commit().await?;
    one(cx, room, id).await
}

/// Renames or moves a section that has version `before`.
pub(crate) async fn change_section(
    cx: &Cx,
    room: &Room,
    id: SectionId,
    before: i64,
    name: &str,
    position: i64,
) -> Result<OpenSection> {
    access::require(cx, room, Permission::Configure).await?;
    let name = rules::check_name("/name", name).map_err(|wrong| Fault::invalid_fields(vec![wrong]))?;
    let keys = access::tenant_keys(cx, room).await?;
    let hash = access::name_hash(cx, room, "section name", &name).await?;
    let entity = one(cx, room, id).await?.entity;
    let actor = access::actor_pseudonym(cx, room).await?;
    let sealed = keys.seal(&place(id), &name)?;
    let mut scoped = room.shared.store.write(cx).await?;
    let version = changes::record(&mut scoped, cx, "section", &id.to_string()).await?;
    check_unique(&mut scoped, entity, &hash, Some(id)).await?;
    if !sql::section_update(&mut scoped, Section { id, entity, position, version, name: sealed }, &hash, before).await?
    {
        return Err(changed());
    }
    note(&mut scoped, cx, "customers.section_changed", actor, id).await?;
    scoped.commit().await?;
    one(cx, room, id).await
}

/// Deletes a section that has version `before`; its fields stay, outside any section.
pub(crate) async fn delete_section(cx: &Cx, room: &Room, id: SectionId, before: i64) -> Result<()> {
    access::require(cx, room, Permission::Configure).await?;
    one(cx, room, id).await?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    let version = changes::record(&mut scoped, cx, "section", &id.to_string()).await?;
    if !sql::section_delete(&mut scoped, id, before).await? {
        return Err(changed());
    }
    sql::field_unsection(&mut scoped, id, version).await?;
    note(&mut scoped, cx, "customers.section_deleted", actor, id).await?;
    scoped.commit().await
}

async fn note(scoped: &mut Scoped, cx: &Cx, kind: &'static str, actor: Option<Vec<u8>>, id: SectionId) -> Result<()> {
    let object = id.to_string();
    ledger::append(scoped, cx, ledger::Entry { kind, actor, subject: None, object: Some(&object) }).await.map(drop)
}

fn changed() -> Fault {
    Fault::conflict("Somebody changed this section since you opened it. Read it again.")
}

async fn check_unique(scoped: &mut Scoped, entity: Entity, hash: &[u8], except: Option<SectionId>) -> Result<()> {
    match sql::section_named(scoped, entity, hash).await? {
        Some(other) if Some(other) != except => {
            Err(Fault::invalid_field("/name", "not_unique", "Another section has this name."))
        }
        _ => Ok(()),
    }
}
