//! What is held about a customer, why, until when, and who saw it: for the person themselves, and for administrators, who see
//! what the person sees and, of who saw it, names besides.
//!
//! It never tells what the support team keeps to itself: how many such fields there are, and nothing else of them. Start at
//! [`read_held`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use kernel::{AccountId, Cx, DataClass, Fault, Result};
use store::{holding, ledger};
use uuid::Uuid;
use vault::Open;
use web::{After, Reading, Told};

use crate::Room;
use crate::actions::directory::{self, CustomerRecord};
use crate::actions::fields::{self, OpenField};
use crate::actions::reach::Reach;
use crate::actions::turned::Turned;
use crate::actions::values::{self, OpenChange, OpenValue};
use crate::actions::{access, history, webhooks};
use crate::model::{Entity, FieldId, FieldType, Owner, Permission, Value};
use crate::sql;
use crate::webhooks::receiver::ReceiverBody;

/// Changes, and readings, of one copy: years of an ordinary person's. What is left out is said.
const COPIED: usize = 5_000;
/// Of them, read in one statement.
const COPIED_PAGE: u32 = 500;

/// Classes that may hold something of a person's where no row says whose it is: they are told with why and until when, and
/// without a number. A test of the whole program knows every other class.
const ALSO: [&str; 7] =
    ["search-index", "import-file", "import-undo", "webhook-delivery", "idempotent-answer", "session", "ledger"];
/// The class of what is kept of merges.
const MERGES: &str = "merge";
/// The class of the record of readings.
const READINGS: &str = "reading";
/// The classes that lie outside the database.
const IN_FILES: [&str; 1] = ["search-index"];
const IN_OBJECTS: [&str; 1] = ["import-file"];

/// Who asks about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// They themselves.
    Person,
    /// An administrator of Jira.
    Administrator,
}

/// Where something lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lies {
    Database,
    Files,
    Objects,
}

/// One class of what is held.
pub(crate) struct HeldClass {
    pub(crate) class: &'static DataClass,
    /// How many entries; none where no entry says whose it is.
    pub(crate) entries: Option<u64>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) lies: Lies,
}

/// What is held about a person.
pub(crate) struct Held {
    pub(crate) region: String,
    /// Since when the site uses Steward: nothing is older.
    pub(crate) site_since: Timestamp,
    pub(crate) classes: Vec<HeldClass>,
    /// The values that the person may see.
    pub(crate) values: Vec<OpenValue>,
    pub(crate) fields: BTreeMap<FieldId, OpenField>,
    /// How many fields hold something that only the support team sees.
    pub(crate) hidden: usize,
    /// Into whom they were merged, and who into them: told to administrators alone.
    pub(crate) merged_into: Option<AccountId>,
    pub(crate) merged_from: Vec<AccountId>,
}

/// The account that a value may name.
pub(crate) fn account_of(value: &Value) -> Option<AccountId> {
    match value {
        Value::Text(text) => AccountId::new(text.as_str()).ok(),
        _ => None,
    }
}

impl Held {
    /// Those whom its values name.
    pub(crate) fn people(&self) -> Vec<AccountId> {
        let of_people =
            |value: &&OpenValue| self.fields.get(&value.field).is_some_and(|field| field.kind == FieldType::User);
        self.values.iter().filter(of_people).filter_map(|value| account_of(value.value.peek())).collect()
    }
}

/// Lets in the person and administrators. To whoever may see customers it is said that this is not theirs; to everybody else
/// the person is not there.
pub(crate) async fn admit(cx: &Cx, room: &Room, account: &AccountId) -> Result<Asker> {
    if cx.person() == Some(account) {
        return Ok(Asker::Person);
    }
    if !access::permissions_about(cx, room, Entity::Customer).await?.contains(&Permission::Browse) {
        return Err(Fault::not_found());
    }
    if !cx.standing().admin {
        return Err(Fault::refused("What is held about somebody is for them and for administrators of Jira."));
    }
    match directory::exists(cx, room, &Owner::Customer(account.clone())).await? {
        true => Ok(Asker::Administrator),
        false => Err(Fault::not_found()),
    }
}

/// What is held about a person.
pub(crate) async fn read_held(cx: &Cx, room: &Room, account: &AccountId) -> Result<(Asker, Held)> {
    let asker = admit(cx, room, account).await?;
    let owner = Owner::Customer(account.clone());
    let own = Reach::own(cx, room, account).await?;
    let all = fields::all(cx, room).await?;
    let fields: BTreeMap<FieldId, OpenField> =
        all.into_iter().filter(|field| field.entity == Entity::Customer).map(|field| (field.id, field)).collect();
    let keys = access::owner_keys(cx, room, &owner).await?;
    let (mut values, mut hidden) = (Vec::new(), 0);
    let turned = Turned::of(fields.values());
    for sealed in sql::value_list(&mut room.shared.store.read(cx).await?, &owner).await? {
        let value = turned.value(values::open_value(&keys, &owner, sealed)?);
        match fields.get(&value.field) {
            _ if value.value.peek().is_empty() => {}
            Some(field) if own.sees(field) => values.push(value),
            _ => hidden += 1,
        }
    }
    let merges = sql::merge_list(&mut room.shared.store.read(cx).await?, account).await?;
    let standing = || merges.iter().filter(|merge| merge.undone_at.is_none());
    let known = room.shared.host.sites.of(cx.tenant()).await?;
    let merges_since = merges.iter().map(|merge| merge.at).min();
    let held = Held {
        region: known.region.clone(),
        site_since: known.created_at,
        classes: classes(cx, room, account, (merges.len() as u64, merges_since)).await?,
        values,
        fields,
        hidden,
        merged_into: standing().find(|merge| merge.merged == *account).map(|merge| merge.kept.clone()),
        merged_from: standing().filter(|merge| merge.kept == *account).map(|merge| merge.merged.clone()).collect(),
    };
    Ok((asker, held))
}

async fn classes(
    cx: &Cx,
    room: &Room,
    account: &AccountId,
    (merges, merges_since): (u64, Option<Timestamp>),
) -> Result<Vec<HeldClass>> {
    let store = &room.shared.store;
    let known = store.registry().classes();
    let (readings, readings_since) = room.shared.readings.count(cx, account).await?;
    let lies = |name: &str| match name {
        name if IN_FILES.contains(&name) => Lies::Files,
        name if IN_OBJECTS.contains(&name) => Lies::Objects,
        _ => Lies::Database,
    };
    let mut found: Vec<HeldClass> = holding::of_person(store, cx, account)
        .await?
        .into_iter()
        .map(|held| HeldClass {
            class: held.class,
            entries: Some(held.rows),
            since: held.since,
            lies: lies(held.class.name),
        })
        .collect();
    let counted = [(MERGES, merges, merges_since), (READINGS, readings, readings_since)];
    let counted = counted.into_iter().map(|(name, entries, since)| (name, Some(entries), since));
    for (name, entries, since) in counted.chain(ALSO.into_iter().map(|name| (name, None, None))) {
        let (class, _) =
            known.get(name).ok_or_else(|| Fault::broken("customers_classes", "a class that is not registered"))?;
        found.push(HeldClass { class, entries, since, lies: lies(name) });
    }
    Ok(found)
}

/// Who saw a person's values.
pub(crate) enum Readings {
    /// As the person is told.
    Told(Vec<Told>),
    /// Each reader by themselves, as an administrator is.
    Each(Vec<Reading>),
}

/// Names of receivers, by their ids.
pub(crate) type Receivers = BTreeMap<Uuid, Open<ReceiverBody>>;

/// Who saw a person's values: newest first, with the receivers that they name, and where to go on.
pub(crate) async fn read_readings(
    cx: &Cx,
    room: &Room,
    account: &AccountId,
    after: After,
    limit: u32,
) -> Result<(Readings, Receivers, Option<After>)> {
    let asker = admit(cx, room, account).await?;
    let (found, next) = match asker {
        Asker::Person => {
            let (told, next) = room.shared.readings.told(cx, account, after, limit).await?;
            (Readings::Told(told), next)
        }
        Asker::Administrator => {
            let (each, next) = room.shared.readings.list(cx, account, after, limit).await?;
            (Readings::Each(each), next)
        }
    };
    Ok((found, receivers(cx, room).await?, next))
}

/// The receivers that stand. There are 20 at most.
async fn receivers(cx: &Cx, room: &Room) -> Result<Receivers> {
    let keys = access::tenant_keys(cx, room).await?;
    let sealed = sql::webhooks::webhook_list(&mut room.shared.store.read(cx).await?).await?;
    sealed.into_iter().map(|one| webhooks::open(&keys, one).map(|one| (one.id.0, one.body))).collect()
}

/// A person's own copy of what is held about them.
pub(crate) struct Copied {
    pub(crate) held: Held,
    pub(crate) record: CustomerRecord,
    pub(crate) changes: Vec<OpenChange>,
    /// Whether there are older ones that it does not have.
    pub(crate) more_changes: bool,
    pub(crate) readings: Vec<Told>,
    pub(crate) receivers: Receivers,
    pub(crate) more_readings: bool,
}

/// Gathers a copy, and writes on the ledger that it leaves. It holds what the person may see, whoever takes it.
pub(crate) async fn prepare_copy(cx: &Cx, room: &Room, account: &AccountId) -> Result<Copied> {
    let (_, held) = read_held(cx, room, account).await?;
    let record = directory::record(cx, room, account).await?;
    // A customer is told nothing of another one.
    let record = CustomerRecord { merged_into: None, ..record };
    let owner = Owner::Customer(account.clone());
    let keys = access::owner_keys(cx, room, &owner).await?;
    let own = Reach::own(cx, room, account).await?;
    let (mut changes, mut before, mut more_changes) = (Vec::new(), i64::MAX, true);
    while more_changes && changes.len() < COPIED {
        let mut scoped = room.shared.store.read(cx).await?;
        let page = sql::history_list(&mut scoped, &owner, None, before, COPIED_PAGE).await?;
        more_changes = page.len() == COPIED_PAGE as usize;
        before = page.last().map_or(before, |entry| entry.id);
        for entry in page.into_iter().filter(|entry| held.fields.get(&entry.field).is_some_and(|one| own.sees(one))) {
            changes.extend(history::open_unless_erased(&keys, &owner, entry)?);
        }
    }
    let (mut readings, mut after) = (Vec::new(), Some(After::default()));
    while let Some(from) = after.filter(|_| readings.len() < COPIED) {
        let (page, next) = room.shared.readings.told(cx, account, from, COPIED_PAGE).await?;
        readings.extend(page);
        after = next;
    }
    let receivers = receivers(cx, room).await?;
    let actor = access::actor_pseudonym(cx, room).await?;
    let subject = Some(access::pseudonym(cx, room, account).await?);
    let object = format!("values={} changes={} readings={}", held.values.len(), changes.len(), readings.len());
    let mut scoped = room.shared.store.write(cx).await?;
    let entry = ledger::Entry { kind: "customers.person_copied", actor, subject, object: Some(&object) };
    ledger::append(&mut scoped, cx, entry).await?;
    scoped.commit().await?;
    Ok(Copied { held, record, changes, more_changes, readings, receivers, more_readings: after.is_some() })
}
