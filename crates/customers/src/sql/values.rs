//! Values and their history. Customers' and organizations' lie in tables of the same shape: a person's are under that
//! person's key, an organization's under the tenant's.

use jiff::Timestamp;
use kernel::{Fault, Result, RowName, Sealed};
use store::{Row, Scoped, args};

use crate::model::{Action, Author, Change, Entity, FieldId, HistoryEntry, Owner, Stored, Value};

struct Words {
    list: &'static str,
    list_of: &'static str,
    list_of_field: &'static str,
    get: &'static str,
    insert: &'static str,
    update: &'static str,
    history_insert: &'static str,
    history_list: &'static str,
    history_of_field: &'static str,
    history_get: &'static str,
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
                "SELECT owner, field, value, version, updated_at, updated_by FROM ",
                $values,
                " WHERE tenant = $1 AND owner IN (",
                "$2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, ",
                "$22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, ",
                "$41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51",
                ") ORDER BY owner, field LIMIT 50000"
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
                " (tenant, owner, field, value, version, updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                " ON CONFLICT (tenant, owner, field) DO NOTHING"
            ),
            update: concat!(
                "UPDATE ",
                $values,
                " SET value = $4, version = $5, updated_at = $6, updated_by = $7",
                " WHERE tenant = $1 AND owner = $2 AND field = $3 AND version = $8"
            ),
            history_insert: concat!(
                "INSERT INTO ",
                $history,
                " (tenant, owner, id, field, change, action, at, actor) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
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
            history_get: concat!(
                "SELECT id, field, change, action, at, actor FROM ",
                $history,
                " WHERE tenant = $1 AND owner = $2 AND id = $3"
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

/// Owners whose values are read in one statement: as many as it has placeholders.
pub(crate) const OWNERS: usize = 50;

/// The values of up to [`OWNERS`] owners of one kind, with whose they are.
pub(crate) async fn value_list_of(scoped: &mut Scoped, owners: &[Owner]) -> Result<Vec<(String, SealedValue)>> {
    let (Some(first), true) = (owners.first(), owners.len() <= OWNERS) else {
        return if owners.is_empty() {
            Ok(Vec::new())
        } else {
            Err(Fault::broken("customers_owners", "more owners than the statement has places for"))
        };
    };
    // A place that is left over asks for the first once more.
    let ids = owners.iter().chain(std::iter::repeat(first)).take(OWNERS);
    let places = ids.map(|owner| store::Value::from(owner.id())).collect();
    scoped.rows(words(first).list_of, places).await?.iter().map(|row| Ok((row.text("owner")?, stored(row)?))).collect()
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

/// Writes a value that still has version `before` (0: never written); false when somebody was faster.
pub(crate) async fn value_put(scoped: &mut Scoped, owner: &Owner, new: SealedValue, before: i64) -> Result<bool> {
    let mut values = args![owner.id(), new.field.0, new.value, new.version, new.updated_at, new.updated_by.stored()];
    let changed = if before == 0 {
        scoped.run(words(owner).insert, values).await?
    } else {
        values.extend(args![before]);
        scoped.run(words(owner).update, values).await?
    };
    Ok(changed == 1)
}

/// One change, on its way into the history.
pub(crate) struct NewChange {
    pub(crate) id: i64,
    pub(crate) field: FieldId,
    pub(crate) change: Sealed<Change>,
    pub(crate) action: Action,
    pub(crate) at: Timestamp,
    pub(crate) by: Author,
}

pub(crate) async fn history_insert(scoped: &mut Scoped, owner: &Owner, new: NewChange) -> Result<()> {
    let values = args![owner.id(), new.id, new.field.0, new.change, new.action.name(), new.at, new.by.stored()];
    scoped.run(words(owner).history_insert, values).await.map(drop)
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
    scoped.row(words(owner).history_get, args![owner.id(), id]).await?.as_ref().map(change).transpose()
}
