//! Fields, sections, permissions.

use std::collections::BTreeMap;

use kernel::{Fault, Result, Sealed};
use store::{Row, Scoped, args};

use crate::model::{Entity, Field, FieldAudience, FieldBody, FieldId, FieldType, Permissions, Section, SectionId};

const FIELD_LIST: &str = "SELECT id, entity, kind, section, position, required, audience, version, retired, body \
     FROM field WHERE tenant = $1 ORDER BY entity, position, id LIMIT 1000";
const FIELD_GET: &str = "SELECT id, entity, kind, section, position, required, audience, version, retired, body \
     FROM field WHERE tenant = $1 AND id = $2";
const FIELD_BY_HASH: &str = "SELECT id FROM field WHERE tenant = $1 AND entity = $2 AND name_hash = $3";
const FIELD_INSERT: &str = "INSERT INTO field (tenant, id, entity, kind, section, position, required, audience, \
     version, retired, body, name_hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
const FIELD_UPDATE: &str = "UPDATE field SET section = $3, position = $4, required = $5, audience = $6, version = $7, \
     retired = $8, body = $9, name_hash = $10, kind = $12 WHERE tenant = $1 AND id = $2 AND version = $11";
const FIELD_MOVE: &str = "UPDATE field SET position = $3, version = $4 WHERE tenant = $1 AND id = $2";
const FIELD_UNSECTION: &str = "UPDATE field SET section = NULL, version = $3 WHERE tenant = $1 AND section = $2";
const SECTION_LIST: &str =
    "SELECT id, entity, position, version, name FROM section WHERE tenant = $1 ORDER BY entity, position, id LIMIT 200";
const SECTION_BY_HASH: &str = "SELECT id FROM section WHERE tenant = $1 AND entity = $2 AND name_hash = $3";
const SECTION_INSERT: &str = "INSERT INTO section (tenant, id, entity, position, version, name, name_hash) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";
const SECTION_UPDATE: &str = "UPDATE section SET position = $3, version = $4, name = $5, name_hash = $6 \
     WHERE tenant = $1 AND id = $2 AND version = $7";
const SECTION_DELETE: &str = "DELETE FROM section WHERE tenant = $1 AND id = $2 AND version = $3";
const PERMISSION_GET: &str = "SELECT version, body FROM permission WHERE tenant = $1";
const PERMISSION_PUT: &str = "INSERT INTO permission (tenant, version, body) VALUES ($1, $2, $3) \
     ON CONFLICT (tenant) DO UPDATE SET version = excluded.version, body = excluded.body \
     WHERE permission.version = $4";

const FIELD_KINDS: &str = "SELECT id, kind FROM field WHERE tenant = $1 AND entity = $2 LIMIT 1000";

pub(crate) type SealedField = Field<Sealed<FieldBody>>;
pub(crate) type SealedSection = Section<Sealed<String>>;

/// Fields of organizations were once given to customers to change, who never could: they are ones that members see.
fn audience(entity: Entity, stored: &str) -> Option<FieldAudience> {
    match (entity, FieldAudience::parse(stored)?) {
        (Entity::Organization, FieldAudience::CustomerEdit) => Some(FieldAudience::CustomerView),
        (_, audience) => Some(audience),
    }
}

fn field(row: &Row) -> Result<SealedField> {
    let strange = |column: &str| Fault::broken("customers_row", format!("field.{column} is not from its closed set"));
    let entity = Entity::parse(&row.text("entity")?).ok_or_else(|| strange("entity"))?;
    Ok(Field {
        id: FieldId(row.uuid("id")?),
        entity,
        kind: FieldType::parse(&row.text("kind")?).ok_or_else(|| strange("kind"))?,
        section: row.opt_uuid("section")?.map(SectionId),
        position: row.int("position")?,
        required: row.bool("required")?,
        audience: audience(entity, &row.text("audience")?).ok_or_else(|| strange("audience"))?,
        version: row.int("version")?,
        retired: row.bool("retired")?,
        body: row.sealed("body")?,
    })
}

fn section(row: &Row) -> Result<SealedSection> {
    Ok(Section {
        id: SectionId(row.uuid("id")?),
        entity: Entity::parse(&row.text("entity")?)
            .ok_or_else(|| Fault::broken("customers_row", "section.entity is not from its closed set"))?,
        position: row.int("position")?,
        version: row.int("version")?,
        name: row.sealed("name")?,
    })
}

/// All fields; their number is bounded by the rules.
pub(crate) async fn field_list(scoped: &mut Scoped) -> Result<Vec<SealedField>> {
    scoped.rows(FIELD_LIST, Vec::new()).await?.iter().map(field).collect()
}

/// What each field of an entity holds.
pub(crate) async fn field_kinds(scoped: &mut Scoped, entity: Entity) -> Result<BTreeMap<FieldId, FieldType>> {
    let rows = scoped.rows(FIELD_KINDS, args![entity.name()]).await?;
    let kind = |row: &Row| {
        let strange = || Fault::broken("customers_row", "field.kind is not from its closed set");
        Ok((FieldId(row.uuid("id")?), FieldType::parse(&row.text("kind")?).ok_or_else(strange)?))
    };
    rows.iter().map(kind).collect()
}

pub(crate) async fn field_get(scoped: &mut Scoped, id: FieldId) -> Result<Option<SealedField>> {
    scoped.row(FIELD_GET, args![id.0]).await?.as_ref().map(field).transpose()
}

/// The field that has this name, retired ones included.
pub(crate) async fn field_named(scoped: &mut Scoped, entity: Entity, hash: &[u8]) -> Result<Option<FieldId>> {
    scoped.row(FIELD_BY_HASH, args![entity.name(), hash]).await?.map(|row| Ok(FieldId(row.uuid("id")?))).transpose()
}

pub(crate) async fn field_insert(scoped: &mut Scoped, field: SealedField, hash: &[u8]) -> Result<()> {
    let words = args![
        field.id.0,
        field.entity.name(),
        field.kind.name(),
        field.section.map(|id| id.0),
        field.position,
        field.required,
        field.audience.name(),
        field.version,
        field.retired,
        field.body,
        hash,
    ];
    scoped.run(FIELD_INSERT, words).await.map(drop)
}

/// Writes the field if it still has version `before`.
pub(crate) async fn field_update(scoped: &mut Scoped, field: SealedField, hash: &[u8], before: i64) -> Result<bool> {
    let words = args![
        field.id.0,
        field.section.map(|id| id.0),
        field.position,
        field.required,
        field.audience.name(),
        field.version,
        field.retired,
        field.body,
        hash,
        before,
        field.kind.name(),
    ];
    Ok(scoped.run(FIELD_UPDATE, words).await? == 1)
}

pub(crate) async fn field_move(scoped: &mut Scoped, id: FieldId, position: i64, version: i64) -> Result<()> {
    scoped.run(FIELD_MOVE, args![id.0, position, version]).await.map(drop)
}

/// Takes the fields of a section out of it.
pub(crate) async fn field_unsection(scoped: &mut Scoped, id: SectionId, version: i64) -> Result<()> {
    scoped.run(FIELD_UNSECTION, args![id.0, version]).await.map(drop)
}

/// All sections; their number is bounded by the rules.
pub(crate) async fn section_list(scoped: &mut Scoped) -> Result<Vec<SealedSection>> {
    scoped.rows(SECTION_LIST, Vec::new()).await?.iter().map(section).collect()
}

pub(crate) async fn section_named(scoped: &mut Scoped, entity: Entity, hash: &[u8]) -> Result<Option<SectionId>> {
    scoped.row(SECTION_BY_HASH, args![entity.name(), hash]).await?.map(|row| Ok(SectionId(row.uuid("id")?))).transpose()
}

pub(crate) async fn section_insert(scoped: &mut Scoped, section: SealedSection, hash: &[u8]) -> Result<()> {
    let words = args![section.id.0, section.entity.name(), section.position, section.version, section.name, hash];
    scoped.run(SECTION_INSERT, words).await.map(drop)
}

pub(crate) async fn section_update(
    scoped: &mut Scoped,
    section: SealedSection,
    hash: &[u8],
    before: i64,
) -> Result<bool> {
    let words = args![section.id.0, section.position, section.version, section.name, hash, before];
    Ok(scoped.run(SECTION_UPDATE, words).await? == 1)
}

pub(crate) async fn section_delete(scoped: &mut Scoped, id: SectionId, before: i64) -> Result<bool> {
    Ok(scoped.run(SECTION_DELETE, args![id.0, before]).await? == 1)
}

pub(crate) async fn permission_get(scoped: &mut Scoped) -> Result<Option<(i64, Sealed<Permissions>)>> {
    scoped.row(PERMISSION_GET, Vec::new()).await?.map(|row| Ok((row.int("version")?, row.sealed("body")?))).transpose()
}

/// Writes the permissions if they still have version `before` (0: never written).
pub(crate) async fn permission_put(
    scoped: &mut Scoped,
    version: i64,
    body: Sealed<Permissions>,
    before: i64,
) -> Result<bool> {
    Ok(scoped.run(PERMISSION_PUT, args![version, body, before]).await? == 1)
}
