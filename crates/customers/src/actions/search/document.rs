//! A record as the index finds it: its words and its facts.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Bound;

use host::Profile;
use jiff::Timestamp;
use jiff::civil::Date;
use kernel::{AccountId, Cx, Result};
use search::{Document, Snapshot, term};
use vault::Open;

use crate::Room;
use crate::actions::directory::{self, Line, Sorted};
use crate::actions::entitlements;
use crate::actions::fields;
use crate::actions::records::AT_ONCE;
use crate::actions::turned::Turned;
use crate::actions::{access, values};
use crate::model::{Entity, FieldId, Owner, Value};
use crate::query::catalogue::{BuiltIn, Kind};
use crate::query::evaluate::Entitled;
use crate::query::text;
use crate::rules::phone;
use crate::sql;

/// How terms are made of records, by number: where another one wrote them, all are written anew.
const FORM: u8 = 1;
/// Words of one value that are found by: a book is not looked for by its last page.
const WORDS: usize = 2_000;
/// A tag for those whom fields name, and as whom they are found.
const NAMED: &str = "named";
/// Letters of the mark of a name.
const MARK: usize = 16;

/// A tag for what the directory knows.
pub(crate) fn tag_of(built_in: BuiltIn) -> &'static str {
    match built_in {
        BuiltIn::Name => "name",
        BuiltIn::Email => "email",
        BuiltIn::Id => "id",
        BuiltIn::Active => "active",
        BuiltIn::Merged => "merged",
        BuiltIn::TimeZone => "zone",
        BuiltIn::Members => "members",
        BuiltIn::Organization => "organization",
        BuiltIn::Project => "project",
        BuiltIn::Updated => "updated",
        BuiltIn::Entitlement => "entitlement",
        BuiltIn::EntitlementStarts => "entitlement.starts",
        BuiltIn::EntitlementEnds => "entitlement.ends",
        BuiltIn::EntitlementLimit => "entitlement.limit",
    }
}

/// A tag for a field of the tenant's.
pub(crate) fn tag(field: FieldId) -> String {
    field.0.simple().to_string()
}

/// Whether nothing behind [`term::CUT_BYTES`] was lost, and the fact that a text is.
pub(crate) fn text_fact(tag: &str, folded: &str) -> (String, bool) {
    let (cut, whole) = term::cut(folded);
    (term::fact(tag, &format!("t{cut}")), whole)
}

pub(crate) fn exact_fact(tag: &str, id: &str) -> String {
    term::fact(tag, &format!("x{id}"))
}

pub(crate) fn truth_fact(tag: &str, truth: bool) -> String {
    term::fact(tag, if truth { "b1" } else { "b0" })
}

pub(crate) fn number_fact(tag: &str, number: f64) -> String {
    term::fact(tag, &format!("n{}", term::number(number)))
}

pub(crate) fn day_fact(tag: &str, day: Date) -> String {
    term::fact(tag, &format!("d{}", term::integer(days(day))))
}

/// To the microsecond; what is finer is looked at.
pub(crate) fn instant_fact(tag: &str, at: Timestamp) -> String {
    term::fact(tag, &format!("m{}", term::integer(at.as_microsecond())))
}

fn days(day: Date) -> i64 {
    day.duration_since(Date::ZERO).as_hours() / 24
}

/// Something is held.
pub(crate) fn present(tag: &str) -> String {
    term::fact(tag, "p")
}

/// Something was written, perhaps nothing: the field's default does not stand.
pub(crate) fn stored(tag: &str) -> String {
    term::fact(tag, "s")
}

/// Not all words of the text are found by.
pub(crate) fn cut_off(tag: &str) -> String {
    term::fact(tag, "l")
}

/// Whom a field names, and a mark of the name that its record is found by; the name itself is only words.
fn named(id: &str, profile: Option<&Profile>) -> String {
    let mut hasher = DefaultHasher::new();
    profile.map(|profile| &profile.name).hash(&mut hasher);
    term::fact(NAMED, &format!("{:0MARK$x}{id}", hasher.finish()))
}

/// All whom fields name.
fn people_named(snapshot: &Snapshot) -> Result<Vec<AccountId>> {
    let (all, people) = (term::facts(NAMED), RefCell::new(BTreeSet::new()));
    snapshot.between(&all, Bound::Unbounded, Bound::Unbounded, |fact| {
        people.borrow_mut().extend(fact.get(all.len() + MARK..).and_then(|id| AccountId::new(id).ok()));
        false
    })?;
    Ok(people.into_inner().into_iter().collect())
}

/// The keys of records whose fields name somebody who is called otherwise by now.
pub(super) async fn naming_otherwise(cx: &Cx, room: &Room, snapshot: &Snapshot) -> Result<Vec<String>> {
    let people = people_named(snapshot)?;
    let names = directory::names(cx, room, &people).await?;
    let stands = people.iter().map(|account| named(account.as_str(), names.get(account).map(Open::peek)));
    let stands: BTreeSet<String> = stands.collect();
    let all = term::facts(NAMED);
    let otherwise = snapshot.between(&all, Bound::Unbounded, Bound::Unbounded, |fact| !stands.contains(fact))?;
    Ok(snapshot.keys(&otherwise).map(str::to_owned).collect())
}

/// What tells that a record of the directory must be written anew.
pub(super) fn stamp(sorted: &Sorted, entity: Entity, place: usize) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    FORM.hash(&mut hasher);
    match entity {
        Entity::Customer => {
            let customer = sorted.customers.get(place)?;
            line(customer).hash(&mut hasher);
            for project in sorted.projects.get(&customer.id).into_iter().flatten() {
                project.as_str().hash(&mut hasher);
            }
        }
        Entity::Organization => {
            let organization = sorted.organizations.get(place)?;
            line(organization).hash(&mut hasher);
            sorted.members.get(&organization.id).map_or(0, Vec::len).hash(&mut hasher);
        }
    }
    Some(hasher.finish())
}

fn line<I>(line: &Line<I>) -> (&str, Option<&str>, bool, bool, Option<&str>) {
    (&line.name, line.email.as_ref().map(|email| email.as_str()), line.active, line.merged, line.time_zone.as_deref())
}

/// Makes documents of records.
pub(super) struct Maker<'a> {
    cx: &'a Cx,
    room: &'a Room,
    sorted: &'a Sorted,
    kinds: BTreeMap<FieldId, Kind>,
    turned: Turned,
}

impl<'a> Maker<'a> {
    pub(super) async fn new(cx: &'a Cx, room: &'a Room, sorted: &'a Sorted) -> Result<Self> {
        // Of all fields, retired ones too: they can be brought back.
        let fields = fields::all(cx, room).await?;
        let kinds = fields.iter().map(|field| (field.id, field.kind.into())).collect();
        Ok(Self { cx, room, sorted, kinds, turned: Turned::of(&fields) })
    }

    /// The documents of records that stand in the directory.
    pub(super) async fn documents(&self, some: &[(Entity, usize)]) -> Result<Vec<Document>> {
        let mut documents = Vec::with_capacity(some.len());
        for entity in [Entity::Customer, Entity::Organization] {
            let places: Vec<usize> = some.iter().filter(|(of, _)| *of == entity).map(|(_, place)| *place).collect();
            for places in places.chunks(AT_ONCE) {
                documents.extend(self.of(entity, places).await?);
            }
        }
        Ok(documents)
    }

    async fn of(&self, entity: Entity, places: &[usize]) -> Result<Vec<Document>> {
        let owners: Vec<(usize, Owner)> = places
            .iter()
            .filter_map(|place| {
                Some((
                    *place,
                    match entity {
                        Entity::Customer => Owner::Customer(self.sorted.customers.get(*place)?.id.clone()),
                        Entity::Organization => Owner::Organization(self.sorted.organizations.get(*place)?.id.clone()),
                    },
                ))
            })
            .collect();
        let mut held = self.values(&owners.iter().map(|(_, owner)| owner.clone()).collect::<Vec<_>>()).await?;
        let people: Vec<AccountId> = held
            .values()
            .flatten()
            .filter_map(|(field, value)| match (self.kinds.get(field)?, value) {
                (Kind::User, Value::Text(account)) => AccountId::new(account).ok(),
                _ => None,
            })
            .collect();
        let names = directory::names(self.cx, self.room, &people).await?;
        let organizations = owners.iter().filter_map(|(_, owner)| match owner {
            Owner::Organization(id) => Some(id),
            Owner::Customer(_) => None,
        });
        let organizations: Vec<_> = organizations.collect();
        let mut entitled = entitlements::entitled(self.cx, self.room, &organizations).await?;
        let mut documents = Vec::new();
        for (place, owner) in owners {
            let mut terms = Terms::default();
            match &owner {
                Owner::Customer(_) => {
                    let Some(line) = self.sorted.customers.get(place) else { continue };
                    terms.line(line);
                    terms.present(tag_of(BuiltIn::Active));
                    terms.fact(truth_fact(tag_of(BuiltIn::Active), line.active));
                    terms.present(tag_of(BuiltIn::Merged));
                    terms.fact(truth_fact(tag_of(BuiltIn::Merged), line.merged));
                    if let Some(zone) = &line.time_zone {
                        terms.text(tag_of(BuiltIn::TimeZone), zone);
                    }
                    if let Some(email) = &line.email {
                        terms.text(tag_of(BuiltIn::Email), email);
                    }
                    terms.text(tag_of(BuiltIn::Id), line.id.as_str());
                    for project in self.sorted.projects.get(&line.id).into_iter().flatten() {
                        terms.present(tag_of(BuiltIn::Project));
                        terms.fact(exact_fact(tag_of(BuiltIn::Project), project.as_str()));
                    }
                }
                Owner::Organization(id) => {
                    let Some(line) = self.sorted.organizations.get(place) else { continue };
                    terms.line(line);
                    terms.text(tag_of(BuiltIn::Id), id.as_str());
                    let members = self.sorted.members.get(id).map_or(0, Vec::len);
                    terms.present(tag_of(BuiltIn::Members));
                    terms.fact(number_fact(tag_of(BuiltIn::Members), members as f64));
                    terms.entitled(&entitled.remove(id.as_str()).unwrap_or_default());
                }
            }
            for (field, value) in held.remove(owner.id()).unwrap_or_default() {
                if let Some(kind) = self.kinds.get(&field) {
                    let name = |account: &str| {
                        let account = AccountId::new(account).ok()?;
                        names.get(&account).map(|profile| -> &Profile { profile.peek() })
                    };
                    terms.value(&tag(field), *kind, &value, name);
                }
            }
            let stamp = stamp(self.sorted, entity, place).unwrap_or_default();
            documents.push(Document {
                key: super::key(entity, owner.id()),
                stamp,
                terms: terms.0.into_iter().collect(),
            });
        }
        Ok(documents)
    }

    /// The values of these owners, opened: keys are asked for those who have some.
    async fn values(&self, owners: &[Owner]) -> Result<BTreeMap<String, Vec<(FieldId, Value)>>> {
        let sealed = sql::value_list_of(&mut self.room.shared.store.read(self.cx).await?, owners).await?;
        let having: BTreeSet<&str> = sealed.iter().map(|(owner, _)| owner.as_str()).collect();
        let owners: Vec<&Owner> = owners.iter().filter(|owner| having.contains(owner.id())).collect();
        let keys = access::keys_of_owners(self.cx, self.room, &owners).await?;
        let mut held: BTreeMap<String, Vec<(FieldId, Value)>> = BTreeMap::new();
        for (id, value) in sealed {
            let Some((owner, keys)) = keys.get(id.as_str()) else { continue };
            // What opens for nobody any more is an erased person's: nothing is found by it, and all else still is.
            let Ok(opened) = values::open_value(keys, owner, value) else { continue };
            let opened = self.turned.value(opened);
            held.entry(id).or_default().push((opened.field, opened.value.peek().clone()));
        }
        Ok(held)
    }
}

/// The terms of one record, each once.
#[derive(Default)]
struct Terms(BTreeSet<String>);

impl Terms {
    fn fact(&mut self, fact: String) {
        self.0.insert(fact);
    }

    fn present(&mut self, tag: &str) {
        self.fact(present(tag));
    }

    fn entitled(&mut self, all: &[Entitled]) {
        for one in all {
            self.present(tag_of(BuiltIn::Entitlement));
            self.fact(exact_fact(tag_of(BuiltIn::Entitlement), &one.product));
            for (built_in, day) in [(BuiltIn::EntitlementStarts, one.starts), (BuiltIn::EntitlementEnds, one.ends)] {
                if let Some(day) = day {
                    self.present(tag_of(built_in));
                    self.fact(day_fact(tag_of(built_in), day));
                }
            }
            if let Some(limit) = one.limit {
                self.present(tag_of(BuiltIn::EntitlementLimit));
                self.fact(number_fact(tag_of(BuiltIn::EntitlementLimit), limit));
            }
        }
    }

    fn line<I>(&mut self, line: &Line<I>) {
        self.text(tag_of(BuiltIn::Name), &line.name);
    }

    fn words(&mut self, tag: &str, folded: &str) {
        let mut words = text::words(folded);
        for word in words.by_ref().take(WORDS) {
            self.0.insert(term::word(tag, word));
        }
        if words.next().is_some() {
            self.fact(cut_off(tag));
        }
    }

    fn text(&mut self, tag: &str, written: &str) {
        let folded = text::fold(written);
        self.present(tag);
        self.fact(text_fact(tag, &folded).0);
        self.words(tag, &folded);
    }

    fn value<'n>(&mut self, tag: &str, kind: Kind, value: &Value, name: impl Fn(&str) -> Option<&'n Profile>) {
        self.fact(stored(tag));
        match (kind, value) {
            (Kind::Text, Value::Text(written)) => self.text(tag, written),
            (Kind::Number, Value::Number(number)) => {
                self.present(tag);
                self.fact(number_fact(tag, *number));
                self.words(tag, &number.to_string());
            }
            (Kind::Boolean, Value::Bool(truth)) => {
                self.present(tag);
                self.fact(truth_fact(tag, *truth));
            }
            (Kind::Date, Value::Text(written)) => {
                if let Ok(day) = written.parse() {
                    self.present(tag);
                    self.fact(day_fact(tag, day));
                    self.0.insert(term::word(tag, written));
                }
            }
            (Kind::DateTime, Value::Text(written)) => {
                if let Ok(at) = written.parse() {
                    self.present(tag);
                    self.fact(instant_fact(tag, at));
                    self.0.insert(term::word(tag, written.split('T').next().unwrap_or_default()));
                }
            }
            (Kind::Select | Kind::Phone | Kind::User, Value::Text(id)) => {
                self.present(tag);
                self.fact(exact_fact(tag, id));
                if kind == Kind::Phone {
                    self.0.extend(phone::ends(id).map(|end| term::word(tag, &term::as_it_is(end))));
                }
                if kind == Kind::User {
                    let profile = name(id);
                    self.fact(named(id, profile));
                    if let Some(profile) = profile {
                        self.words(tag, &text::fold(&profile.name));
                    }
                }
            }
            (Kind::MultiSelect, Value::List(ids)) => {
                for id in ids {
                    self.present(tag);
                    self.fact(exact_fact(tag, id));
                }
            }
            _ => {}
        }
    }
}
