//! Values: reading, and writing without overwriting anybody.

use std::collections::BTreeMap;

use kernel::{AccountId, Cx, Fault, FieldFault, Result};
use store::{Scoped, changes, ledger};
use vault::{Keys, Open, Place};

use crate::Room;
use crate::actions::announce::announce;
use crate::actions::fields::{self, OpenField};
use crate::actions::reach::{Reach, check_merged, reach};
use crate::actions::turned::{Turned, check_kinds};
use crate::actions::{access, directory};
use crate::model::{
    Action, Author, Change, Entity, FieldId, FieldType, HistoryEntry, Owner, Permission, Stored, Value,
};
use crate::webhooks::event::{Event, EventKind};
use crate::{rules, schema, sql};

/// Values written by one request; a panel has fewer.
const WRITES_AT_ONCE: usize = rules::FIELDS_PER_ENTITY;

/// An opened value.
pub(crate) type OpenValue = Stored<Open<Value>>;
/// An opened change.
pub(crate) type OpenChange = HistoryEntry<Open<Change>>;

/// All of an owner's values that the caller may see.
pub(crate) struct ValueSet {
    pub(crate) version: i64,
    pub(crate) values: Vec<OpenValue>,
}

/// What became of a write.
pub(crate) enum Written<T> {
    /// It stands.
    Done(T),
    /// Somebody was faster: what stands now, of the values that were to be written.
    Conflict(Vec<OpenValue>),
}

fn value_place(owner: &Owner, field: FieldId) -> Place {
    let column = match owner.entity() {
        Entity::Customer => &schema::CUSTOMER_VALUE_VALUE,
        Entity::Organization => &schema::ORGANIZATION_VALUE_VALUE,
    };
    Place::new(column, sql::value_row(owner, field))
}

pub(crate) fn change_place(owner: &Owner, id: i64) -> Place {
    let column = match owner.entity() {
        Entity::Customer => &schema::CUSTOMER_HISTORY_CHANGE,
        Entity::Organization => &schema::ORGANIZATION_HISTORY_CHANGE,
    };
    Place::new(column, sql::history_row(owner, id))
}

/// Whether something of an owner's does not open as what an erased person left does not: their salt is gone, for good. What
/// was damaged where it lies cannot be told from it. Of an organization it is never so.
pub(crate) fn is_erased(owner: &Owner, fault: &Fault) -> bool {
    matches!(owner, Owner::Customer(_)) && fault.code() == vault::SHUT
}

/// Opens what lies in an owner's values. What an erased person left reads as emptied: their rows may still lie there, and
/// must fail nothing that shows others beside them.
pub(crate) fn open_value(keys: &Keys, owner: &Owner, sealed: sql::SealedValue) -> Result<OpenValue> {
    let place = value_place(owner, sealed.field);
    let value = match keys.open(&place, &sealed.value) {
        Err(fault) if is_erased(owner, &fault) => keys.open(&place, &keys.seal(&place, &Value::Empty)?)?,
        opened => opened?,
    };
    Ok(Stored {
        field: sealed.field,
        value,
        version: sealed.version,
        updated_at: sealed.updated_at,
        updated_by: sealed.updated_by,
    })
}

pub(crate) fn set_version(values: &[sql::SealedValue]) -> i64 {
    values.iter().map(|value| value.version).max().unwrap_or(0)
}

/// Reads what the caller may see of an owner's values.
pub(crate) async fn read_values(cx: &Cx, room: &Room, owner: &Owner) -> Result<ValueSet> {
    let reach = reach(cx, room, owner, Permission::Browse).await?;
    read_within(cx, room, owner, &reach).await
}

async fn read_within(cx: &Cx, room: &Room, owner: &Owner, reach: &Reach) -> Result<ValueSet> {
    let fields = visible(cx, room, owner.entity(), reach).await?;
    let keys = access::owner_keys(cx, room, owner).await?;
    let sealed = sql::value_list(&mut room.shared.store.read(cx).await?, owner).await?;
    let version = set_version(&sealed);
    let turned = Turned::of(fields.values());
    let values = sealed
        .into_iter()
        .filter(|value| fields.contains_key(&value.field))
        .map(|value| open_value(&keys, owner, value).map(|value| turned.value(value)))
        .collect::<Result<_>>()?;
    Ok(ValueSet { version, values })
}

/// The fields of customers, or of organizations, that are within reach.
pub(crate) async fn visible(
    cx: &Cx,
    room: &Room,
    entity: Entity,
    reach: &Reach,
) -> Result<BTreeMap<FieldId, OpenField>> {
    Ok(fields::all(cx, room)
        .await?
        .into_iter()
        .filter(|field| field.entity == entity && reach.sees(field))
        .map(|field| (field.id, field))
        .collect())
}

/// Who writes, under which pseudonyms and keys: fetched before the transaction, which then waits for nothing else.
pub(crate) struct Writer<'a> {
    cx: &'a Cx,
    owner: &'a Owner,
    author: Author,
    actor: Option<Vec<u8>>,
    subject: Option<Vec<u8>>,
    keys: Keys,
}

impl<'a> Writer<'a> {
    pub(crate) async fn prepare(cx: &'a Cx, room: &Room, owner: &'a Owner) -> Result<Self> {
        let author = Author::of(cx.actor()).ok_or_else(|| Fault::refused("Only somebody changes values."))?;
        Ok(Self {
            cx,
            owner,
            author,
            actor: access::actor_pseudonym(cx, room).await?,
            subject: match owner {
                Owner::Customer(account) => Some(access::pseudonym(cx, room, account).await?),
                Owner::Organization(_) => None,
            },
            keys: access::owner_keys(cx, room, owner).await?,
        })
    }

    /// With what was fetched for many at once, the pseudonyms of who acts and whom it is about among it.
    pub(crate) fn with(
        cx: &'a Cx,
        owner: &'a Owner,
        author: Author,
        (actor, subject): (Option<Vec<u8>>, Option<Vec<u8>>),
        keys: Keys,
    ) -> Self {
        Self { cx, owner, author, actor, subject, keys }
    }

    /// Writes one checked value over `held` in the caller's transaction, unless it is what stands already.
    async fn put(
        &self,
        scoped: &mut Scoped,
        held: Option<&OpenValue>,
        field: FieldId,
        to: &Value,
        restoring: bool,
    ) -> Result<()> {
        let (cx, owner) = (self.cx, self.owner);
        let from = held.map(|held| held.value.peek().clone()).unwrap_or_default();
        if from == *to {
            return Ok(());
        }
        let version = changes::record(scoped, cx, owner.entity().name(), owner.id()).await?;
        let action = rules::action_of(to, restoring);
        self.write(scoped, held, field, to, action, version).await?;
        ledger::append(scoped, cx, self.entry(action, &self.object(field))).await?;
        announce(scoped, cx, &[self.event(field, version)]).await
    }

    /// What receivers of webhooks are told of a change.
    pub(crate) fn event(&self, field: FieldId, version: i64) -> Event {
        Event {
            owner: Some(self.owner.id().to_owned()),
            field: Some(field),
            by: Some(self.author.clone()),
            ..Event::new(EventKind::value_changed(self.owner.entity()), version, self.cx.now())
        }
    }

    /// Seals one checked value over `held`, and what history keeps of it, under a number that was taken.
    pub(crate) fn seal(
        &self,
        held: Option<&OpenValue>,
        field: FieldId,
        to: &Value,
        action: Action,
        version: i64,
    ) -> Result<sql::Write<'a>> {
        let from = held.map(|held| held.value.peek().clone()).unwrap_or_default();
        let value = Stored {
            field,
            value: self.keys.seal(&value_place(self.owner, field), to)?,
            version,
            updated_at: self.cx.now(),
            updated_by: self.author.clone(),
        };
        let change = self.keys.seal(&change_place(self.owner, version), &Change { from, to: to.clone() })?;
        Ok(sql::Write { owner: self.owner, value, before: held.map_or(0, |held| held.version), change, action })
    }

    /// Seals and writes one.
    pub(crate) async fn write(
        &self,
        scoped: &mut Scoped,
        held: Option<&OpenValue>,
        field: FieldId,
        to: &Value,
        action: Action,
        version: i64,
    ) -> Result<()> {
        let write = self.seal(held, field, to, action, version)?;
        write_sealed(scoped, self.owner.entity(), vec![write]).await
    }

    /// Whose values it writes.
    pub(crate) fn owner(&self) -> &'a Owner {
        self.owner
    }

    /// Opens what lies in the owner's values.
    pub(crate) fn open(&self, sealed: sql::SealedValue) -> Result<OpenValue> {
        open_value(&self.keys, self.owner, sealed)
    }

    /// Which thing the ledger says was changed.
    pub(crate) fn object(&self, field: FieldId) -> String {
        format!("{} {field}", self.owner.entity().name())
    }

    /// What the ledger says of a change.
    pub(crate) fn entry<'e>(&self, action: Action, object: &'e str) -> ledger::Entry<'e> {
        let kind = match action {
            Action::Set => "customers.value_set",
            Action::Cleared => "customers.value_cleared",
            Action::Restored => "customers.value_restored",
            Action::Converted => "customers.value_converted",
            Action::Merged => "customers.value_merged",
        };
        ledger::Entry { kind, actor: self.actor.clone(), subject: self.subject.clone(), object: Some(object) }
    }
}

/// Writes sealed values, in few statements, in a transaction that has the tenant's turn.
pub(crate) async fn write_sealed(scoped: &mut Scoped, entity: Entity, writes: Vec<sql::Write<'_>>) -> Result<()> {
    if sql::values_write(scoped, entity, writes).await? {
        return Ok(());
    }
    Err(Fault::conflict("Somebody changed this value at the same moment. Read it again."))
}

/// The types that values are checked against.
pub(crate) fn kinds<'i>(
    fields: &BTreeMap<FieldId, OpenField>,
    ids: impl IntoIterator<Item = &'i FieldId>,
) -> Vec<(FieldId, FieldType)> {
    ids.into_iter().filter_map(|id| fields.get(id).map(|field| (*id, field.kind))).collect()
}

/// A field that this write may touch, or why not.
pub(crate) fn writable<'f>(
    fields: &'f BTreeMap<FieldId, OpenField>,
    reach: &Reach,
    id: FieldId,
    pointer: &str,
) -> Result<&'f OpenField, FieldFault> {
    let wrong = |code, detail: &str| {
        Err(FieldFault { pointer: pointer.to_owned(), code, detail: detail.to_owned(), limit: None })
    };
    match fields.get(&id) {
        None => wrong("unknown", "There is no such field here."),
        Some(field) if field.retired => wrong("retired", "This field is retired. Restore it to change its values."),
        Some(field) if !reach.writes(field) => wrong("read_only", "You may see this field, but not change it."),
        Some(field) => Ok(field),
    }
}

/// Writes some of an owner's values, all or none, if the whole set still has version `before`.
pub(crate) async fn write_values(
    cx: &Cx,
    room: &Room,
    owner: &Owner,
    before: i64,
    wanted: BTreeMap<FieldId, Value>,
) -> Result<Written<ValueSet>> {
    if wanted.len() > WRITES_AT_ONCE {
        return Err(fields::too_many("values in one request", WRITES_AT_ONCE));
    }
    let reach = reach(cx, room, owner, Permission::Edit).await?;
    let fields = visible(cx, room, owner.entity(), &reach).await?;
    let writer = Writer::prepare(cx, room, owner).await?;
    check_people(cx, room, &fields, &wanted, |id| format!("/values/{id}")).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    // The first statement takes the tenant's turn, so that what is read next stays true until the commit.
    changes::take_turn(&mut scoped).await?;
    if reach.is_agent() {
        check_merged(&mut scoped, owner).await?;
    }
    check_kinds(&mut scoped, owner.entity(), &kinds(&fields, wanted.keys())).await?;
    let sealed = sql::value_list(&mut scoped, owner).await?;
    let version = set_version(&sealed);
    let turned = Turned::of(fields.values());
    let mut held = BTreeMap::new();
    for value in sealed.into_iter().filter(|value| wanted.contains_key(&value.field)) {
        held.insert(value.field, turned.value(open_value(&writer.keys, owner, value)?));
    }
    if version != before {
        held.retain(|field, _| fields.contains_key(field));
        return Ok(Written::Conflict(held.into_values().collect()));
    }
    let mut faults = Vec::new();
    let mut checked = Vec::new();
    for (id, value) in &wanted {
        let pointer = format!("/values/{id}");
        let now = held.get(id).map(|held| held.value.peek());
        match writable(&fields, &reach, *id, &pointer)
            .and_then(|field| rules::check_value(&pointer, field.kind, field.body.peek(), field.required, value, now))
        {
            Ok(value) => checked.push((*id, value)),
            Err(wrong) => faults.push(wrong),
        }
    }
    if !faults.is_empty() {
        return Err(Fault::invalid_fields(faults));
    }
    for (id, value) in &checked {
        writer.put(&mut scoped, held.get(id), *id, value, false).await?;
    }
    scoped.commit().await?;
    read_within(cx, room, owner, &reach).await.map(Written::Done)
}

/// Writes one value, if it still has version `before` (0: never written).
pub(crate) async fn write_value(
    cx: &Cx,
    room: &Room,
    owner: &Owner,
    id: FieldId,
    before: i64,
    wanted: Value,
) -> Result<Written<OpenValue>> {
    let reach = reach(cx, room, owner, Permission::Edit).await?;
    write_one(cx, room, owner, &reach, id, before, wanted, false).await
}

#[expect(clippy::too_many_arguments, reason = "one write has this many parts; a struct would only rename them")]
pub(crate) async fn write_one(
    cx: &Cx,
    room: &Room,
    owner: &Owner,
    reach: &Reach,
    id: FieldId,
    before: i64,
    wanted: Value,
    restoring: bool,
) -> Result<Written<OpenValue>> {
    let fields = visible(cx, room, owner.entity(), reach).await?;
    let field = match fields.get(&id) {
        Some(_) => writable(&fields, reach, id, "/value").map_err(|wrong| Fault::invalid_fields(vec![wrong]))?,
        None => return Err(Fault::not_found()),
    };
    check_people(cx, room, &fields, &BTreeMap::from([(id, wanted.clone())]), |_| "/value".to_owned()).await?;
    let writer = Writer::prepare(cx, room, owner).await?;
    let mut scoped = room.shared.store.write(cx).await?;
    changes::take_turn(&mut scoped).await?;
    if reach.is_agent() {
        check_merged(&mut scoped, owner).await?;
    }
    check_kinds(&mut scoped, owner.entity(), &kinds(&fields, [&id])).await?;
    let turned = Turned::of([field]);
    let held = sql::value_get(&mut scoped, owner, id).await?;
    let held = held.map(|held| open_value(&writer.keys, owner, held).map(|held| turned.value(held))).transpose()?;
    if held.as_ref().map_or(0, |held| held.version) != before {
        return Ok(Written::Conflict(held.into_iter().collect()));
    }
    let now = held.as_ref().map(|held| held.value.peek());
    let value = rules::check_value("/value", field.kind, field.body.peek(), field.required, &wanted, now)
        .map_err(|wrong| Fault::invalid_fields(vec![wrong]))?;
    writer.put(&mut scoped, held.as_ref(), id, &value, restoring).await?;
    let stands = sql::value_get(&mut scoped, owner, id).await?;
    scoped.commit().await?;
    match stands {
        Some(stands) => open_value(&writer.keys, owner, stands).map(|stands| Written::Done(turned.value(stands))),
        // Emptying what was never written: nothing stands, and nothing needs to.
        None => {
            let sealed = writer.keys.seal(&value_place(owner, id), &Value::Empty)?;
            let nothing =
                Stored { field: id, value: sealed, version: 0, updated_at: cx.now(), updated_by: writer.author };
            Ok(Written::Done(open_value(&access::owner_keys(cx, room, owner).await?, owner, nothing)?))
        }
    }
}

/// The people that values name.
pub(crate) fn people_named(
    fields: &BTreeMap<FieldId, OpenField>,
    wanted: &BTreeMap<FieldId, Value>,
) -> Vec<(FieldId, AccountId)> {
    wanted
        .iter()
        .filter(|(id, _)| fields.get(id).is_some_and(|field| field.kind == FieldType::User))
        .filter_map(|(id, value)| match value {
            Value::Text(text) => AccountId::new(text.trim()).ok().map(|account| (*id, account)),
            _ => None,
        })
        .collect()
}

/// Those of them that the site does not know.
pub(crate) fn people_unknown(
    named: &[(FieldId, AccountId)],
    known: &directory::Names,
    pointer: impl Fn(FieldId) -> String,
) -> Vec<FieldFault> {
    named
        .iter()
        .filter(|(_, account)| !known.contains_key(account))
        .map(|(id, _)| FieldFault {
            pointer: pointer(*id),
            code: "unknown",
            detail: "Jira knows no person of this accountId.".to_owned(),
            limit: None,
        })
        .collect()
}

/// A person named by a value must be one that the site knows.
async fn check_people(
    cx: &Cx,
    room: &Room,
    fields: &BTreeMap<FieldId, OpenField>,
    wanted: &BTreeMap<FieldId, Value>,
    pointer: impl Fn(FieldId) -> String,
) -> Result<()> {
    let named = people_named(fields, wanted);
    if named.is_empty() {
        return Ok(());
    }
    let accounts: Vec<AccountId> = named.iter().map(|(_, account)| account.clone()).collect();
    let known = directory::names(cx, room, &accounts).await?;
    let unknown = people_unknown(&named, &known, pointer);
    if unknown.is_empty() { Ok(()) } else { Err(Fault::invalid_fields(unknown)) }
}
