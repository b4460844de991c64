//! Values and their history. Customers' and organizations' lie in tables of the same shape: a person's are under that
//! person's key, an organization's under the tenant's.

use kernel::{Fault, Result, RowName, Sealed};
use store::{Row, Scoped, args};

use crate::model::{Action, Author, Change, Entity, FieldId, HistoryEntry, Owner, Stored, Value};

struct Words {
    list: &'static str,
    list_of: &'static str,
    list_of_one: &'static str,
    list_of_field: &'static str,
    get: &'static str,
    insert: &'static str,
    update: &'static str,
    history_insert: &'static str,
    history_list: &'static str,
    history_of_field: &'static str,
    history_of: &'static str,
}

macro_rules! words {
    ($values:literal, $history:literal) => {
        Words {
            list: concat!(
                "SELECT field, value, version, updated_at, updated_by FROM ",
                $values,
                " WHERE tenant = $1 AND owner = $2 ORDER BY field LIMIT 1000"
            ),
            list_of: concat!(
                "WITH asked (tenant, owner) AS (VALUES {rows}) ",
                "SELECT held.owner, field, value, version, updated_at, updated_by FROM asked CROSS JOIN ",
                $values,
                " AS held WHERE asked.tenant = $1 AND held.tenant = asked.tenant AND held.owner = asked.owner",
                " ORDER BY held.owner, field"
            ),
            list_of_one: concat!(
                "WITH asked (tenant, owner, field) AS (VALUES {rows}) ",
                "SELECT held.owner, held.field, value, version, updated_at, updated_by FROM asked CROSS JOIN ",
                $values,
                " AS held WHERE asked.tenant = $1 AND held.tenant = asked.tenant AND held.owner = asked.owner",
                " AND held.field = asked.field"
            ),
            list_of_field: concat!(
                "SELECT owner, field, value, version, updated_at, updated_by FROM ",
                $values,
                " WHERE tenant = $1 AND field = $2 AND owner > $3 AND version >= $4 AND version < $5 ORDER BY owner LIMIT $6"
            ),
            get: concat!(
                "SELECT field, value, version, updated_at, updated_by FROM ",
                $values,
                " WHERE tenant = $1 AND owner = $2 AND field = $3"
            ),
            insert: concat!(
                "INSERT INTO ",
                $values,
                " (tenant, owner, field, value, version, updated_at, updated_by) VALUES {rows}",
                " ON CONFLICT (tenant, owner, field) DO NOTHING"
            ),
            update: concat!(
                "WITH new (tenant, owner, field, value, version, updated_at, updated_by, stood) AS (VALUES {rows}) INSERT INTO ",
                $values,
                " (tenant, owner, field, value, version, updated_at, updated_by) SELECT held.tenant, held.owner, held.field,",
                " new.value, new.version, new.updated_at, new.updated_by FROM new CROSS JOIN ",
                $values,
                " AS held WHERE new.tenant = $1 AND held.tenant = new.tenant AND held.owner = new.owner",
                " AND held.field = new.field AND held.version = new.stood",
                " ON CONFLICT (tenant, owner, field) DO UPDATE SET value = excluded.value, version = excluded.version,",
                " updated_at = excluded.updated_at, updated_by = excluded.updated_by"
            ),
            history_insert: concat!(
                "INSERT INTO ",
                $history,
                " (tenant, owner, id, field, change, action, at, actor) VALUES {rows}"
            ),
            history_list: concat!(
                "SELECT id, field, change, action, at, actor FROM ",
                $history,
                " WHERE tenant = $1 AND owner = $2 AND id < $3 ORDER BY id DESC LIMIT $4"
            ),
            history_of_field: concat!(
                "SELECT id, field, change, action, at, actor FROM ",
                $history,
                " WHERE tenant = $1 AND owner = $2 AND id < $3 AND field = $5 ORDER BY id DESC LIMIT $4"
            ),
            history_of: concat!(
                "WITH asked (tenant, owner, id) AS (VALUES {rows}) ",
                "SELECT held.owner, held.id, field, change, action, at, actor FROM asked CROSS JOIN ",
                $history,
                " AS held WHERE asked.tenant = $1 AND held.tenant = asked.tenant AND held.owner = asked.owner",
                " AND held.id = asked.id"
            ),
        }
    };
}

static CUSTOMER: Words = words!("customer_value", "customer_history");
static ORGANIZATION: Words = words!("organization_value", "organization_history");

fn words(owner: &Owner) -> &'static Words {
    words_of(owner.entity())
}

fn words_of(entity: Entity) -> &'static Words {
    match entity {
        Entity::Customer => &CUSTOMER,
        Entity::Organization => &ORGANIZATION,
    }
}

/// The row's name of a value in associated data.
pub(crate) fn value_row(owner: &Owner, field: FieldId) -> RowName {
    RowName::new().text(owner.id()).uuid(field.0)
}

/// The row's name of a change in associated data.
pub(crate) fn history_row(owner: &Owner, id: i64) -> RowName {
    RowName::new().text(owner.id()).int(id)
}

pub(crate) type SealedValue = Stored<Sealed<Value>>;
pub(crate) type SealedChange = HistoryEntry<Sealed<Change>>;

fn stored(row: &Row) -> Result<SealedValue> {
    Ok(Stored {
        field: FieldId(row.uuid("field")?),
        value: row.sealed("value")?,
        version: row.int("version")?,
        updated_at: row.instant("updated_at")?,
        updated_by: Author::parse(&row.text("updated_by")?)?,
    })
}

pub(crate) async fn value_list(scoped: &mut Scoped, owner: &Owner) -> Result<Vec<SealedValue>> {
    scoped.rows(words(owner).list, args![owner.id()]).await?.iter().map(stored).collect()
}

/// The values of some owners of one kind, with whose they are; one's in the order of fields.
pub(crate) async fn value_list_of(scoped: &mut Scoped, owners: &[Owner]) -> Result<Vec<(String, SealedValue)>> {
    let Some(first) = owners.first() else { return Ok(Vec::new()) };
    let keys: Vec<_> = owners.iter().map(|owner| args![owner.id()]).collect();
    let rows = scoped.rows_of(words(first).list_of, &keys).await?;
    rows.iter().map(|row| Ok((row.text("owner")?, stored(row)?))).collect()
}

/// The values of one each of an owner's fields, with whose they are, in no order.
pub(crate) async fn value_list_of_one(
    scoped: &mut Scoped,
    entity: Entity,
    named: Vec<(&str, FieldId)>,
) -> Result<Vec<(String, SealedValue)>> {
    let keys: Vec<_> = named.into_iter().map(|(owner, field)| args![owner, field.0]).collect();
    let rows = scoped.rows_of(words_of(entity).list_of_one, &keys).await?;
    rows.iter().map(|row| Ok((row.text("owner")?, stored(row)?))).collect()
}

/// Values of one field that were written from number `from` up to, and without, `below`, in the order of their owners,
/// those behind `after`.
pub(crate) async fn value_list_of_field(
    scoped: &mut Scoped,
    (entity, field): (Entity, FieldId),
    after: &str,
    (from, below): (i64, i64),
    limit: u32,
) -> Result<Vec<(String, SealedValue)>> {
    let text = words_of(entity).list_of_field;
    let rows = scoped.rows(text, args![field.0, after, from, below, limit]).await?;
    rows.iter().map(|row| Ok((row.text("owner")?, stored(row)?))).collect()
}

pub(crate) async fn value_get(scoped: &mut Scoped, owner: &Owner, field: FieldId) -> Result<Option<SealedValue>> {
    scoped.row(words(owner).get, args![owner.id(), field.0]).await?.as_ref().map(stored).transpose()
}

/// A value on its way to where it lies, and the change on its way into the history: both under the value's version.
pub(crate) struct Write<'o> {
    pub(crate) owner: &'o Owner,
    pub(crate) value: SealedValue,
    /// The version of what is overwritten; 0: never written.
    pub(crate) before: i64,
    pub(crate) change: Sealed<Change>,
    pub(crate) action: Action,
}

/// Writes values of one kind of owner that still have the version that they are written over, and their history. False when
/// somebody was faster at one of them: then nothing of it may be committed.
pub(crate) async fn values_write(scoped: &mut Scoped, entity: Entity, writes: Vec<Write<'_>>) -> Result<bool> {
    let words = words_of(entity);
    let count = writes.len() as u64;
    let (mut inserts, mut updates, mut history) = (Vec::new(), Vec::new(), Vec::with_capacity(writes.len()));
    for Write { owner, value, before, change, action } in writes {
        let (owner, by) = (owner.id(), value.updated_by.stored());
        history.push(args![owner, value.version, value.field.0, change, action.name(), value.updated_at, by.as_str()]);
        let mut row = args![owner, value.field.0, value.value, value.version, value.updated_at, by];
        if before == 0 {
            inserts.push(row);
        } else {
            row.extend(args![before]);
            updates.push(row);
        }
    }
    let written = scoped.run_rows(words.insert, inserts).await? + scoped.run_rows(words.update, updates).await?;
    if written == count {
        scoped.run_rows(words.history_insert, history).await?;
    }
    Ok(written == count)
}

fn change(row: &Row) -> Result<SealedChange> {
    Ok(HistoryEntry {
        id: row.int("id")?,
        field: FieldId(row.uuid("field")?),
        change: row.sealed("change")?,
        at: row.instant("at")?,
        by: Author::parse(&row.text("actor")?)?,
        action: Action::parse(&row.text("action")?)
            .ok_or_else(|| Fault::broken("customers_row", "history.action is not from its closed set"))?,
    })
}

/// Changes older than `before`, newest first.
pub(crate) async fn history_list(
    scoped: &mut Scoped,
    owner: &Owner,
    field: Option<FieldId>,
    before: i64,
    limit: u32,
) -> Result<Vec<SealedChange>> {
    let mut values = args![owner.id(), before, limit];
    let text = match field {
        None => words(owner).history_list,
        Some(field) => {
            values.extend(args![field.0]);
            words(owner).history_of_field
        }
    };
    scoped.rows(text, values).await?.iter().map(change).collect()
}

pub(crate) async fn history_get(scoped: &mut Scoped, owner: &Owner, id: i64) -> Result<Option<SealedChange>> {
    Ok(history_list_of(scoped, owner.entity(), vec![(owner.id(), id)]).await?.pop().map(|(_, change)| change))
}

/// Changes by their owners and numbers, with whose they are, in no order.
pub(crate) async fn history_list_of(
    scoped: &mut Scoped,
    entity: Entity,
    named: Vec<(&str, i64)>,
) -> Result<Vec<(String, SealedChange)>> {
    let keys: Vec<_> = named.into_iter().map(|(owner, id)| args![owner, id]).collect();
    let rows = scoped.rows_of(words_of(entity).history_of, &keys).await?;
    rows.iter().map(|row| Ok((row.text("owner")?, change(row)?))).collect()
}
