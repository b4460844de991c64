//! Whether a query means a record, and where the record stands in the query's order. Synchronous and pure.
//!
//! Each record either matches or does not: `!=`, `NOT IN` and `!~` are the complements of their positives, so that a
//! record with nothing in the field matches them.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use vault::Open;
use zeroize::{Zeroize, Zeroizing};

use crate::model::{Change, FieldId, Value};
use crate::rules::entitlements::in_force;

use super::catalogue::{BuiltIn, Kind};
use super::moment::Moment;
use super::text;
use super::typed::{Comparison, Field, Node, Own, Says, Scalar, Sort, Test, Typed, Wanted, Window};

/// Characters by which two texts are put in order; what is alike up to there is ordered by name.
const SORTED_CHARS: usize = 100;

/// Looked at, never let out.
pub(crate) trait Peek<T> {
    fn look(&self) -> &T;
}

impl<T: Zeroize + Default> Peek<T> for Open<T> {
    fn look(&self) -> &T {
        self.peek()
    }
}

/// One change of a value.
pub(crate) struct Past<C> {
    pub(crate) at: Timestamp,
    /// Who made it, as stored: an account id, or a token's.
    pub(crate) by: String,
    pub(crate) change: C,
}

/// What an organization is entitled to of one product, as far as queries look at it.
pub(crate) struct Entitled {
    /// The product's id.
    pub(crate) product: String,
    pub(crate) starts: Option<Date>,
    pub(crate) ends: Option<Date>,
    pub(crate) limit: Option<f64>,
}

/// Opened.
pub(crate) type OpenFacts = Facts<Open<Value>, Open<Change>>;

/// What is known of one customer or organization: of values and history what the query reads, and no more.
pub(crate) struct Facts<V, C> {
    pub(crate) id: String,
    pub(crate) name: Zeroizing<String>,
    pub(crate) email: Option<Zeroizing<String>>,
    pub(crate) active: bool,
    pub(crate) merged: bool,
    pub(crate) time_zone: Option<String>,
    /// Ids of the service projects that a customer is one of.
    pub(crate) projects: Vec<String>,
    pub(crate) members: usize,
    pub(crate) updated: Option<Timestamp>,
    pub(crate) entitlements: Vec<Entitled>,
    pub(crate) values: BTreeMap<FieldId, V>,
    /// Oldest first.
    pub(crate) history: BTreeMap<FieldId, Vec<Past<C>>>,
}

impl<V, C> Default for Facts<V, C> {
    fn default() -> Self {
        Self {
            id: String::new(),
            name: Zeroizing::default(),
            email: None,
            active: false,
            merged: false,
            time_zone: None,
            projects: Vec::new(),
            members: 0,
            updated: None,
            entitlements: Vec::new(),
            values: BTreeMap::new(),
            history: BTreeMap::new(),
        }
    }
}

/// A record: a customer with their organizations, or an organization.
pub(crate) struct Record<V, C> {
    pub(crate) own: Facts<V, C>,
    pub(crate) organizations: Vec<Arc<Facts<V, C>>>,
}

/// One thing that a field holds.
enum Fact<'a> {
    Text(&'a str),
    Exact(&'a str),
    Organization { id: &'a str, name: &'a str },
    Number(f64),
    Truth(bool),
    Day(Date),
    Instant(Timestamp),
}

impl Typed {
    /// Whether the record is meant.
    pub(crate) fn matches<V: Peek<Value>, C: Peek<Change>>(&self, record: &Record<V, C>) -> bool {
        self.filter.as_ref().is_none_or(|filter| self.holds(filter, record))
    }

    fn holds<V: Peek<Value>, C: Peek<Change>>(&self, node: &Node, record: &Record<V, C>) -> bool {
        match node {
            Node::All(parts) => parts.iter().all(|part| self.holds(part, record)),
            Node::Any(parts) => parts.iter().any(|part| self.holds(part, record)),
            Node::Not(inner) => !self.holds(inner, record),
            Node::Test(test) if test.organization => {
                let none = test.says.takes_empty() && record.organizations.is_empty();
                none || record.organizations.iter().any(|facts| self.says(test, facts, &[]))
            }
            Node::Test(test) => self.says(test, &record.own, &record.organizations),
        }
    }

    /// Whether a record of which nothing is known but these organizations has what is asked for.
    pub(crate) fn holds_of_nothing(&self, test: &Test, organizations: &[Arc<OpenFacts>]) -> bool {
        self.says(test, &OpenFacts::default(), organizations)
    }

    fn says<V: Peek<Value>, C: Peek<Change>>(
        &self,
        test: &Test,
        facts: &Facts<V, C>,
        organizations: &[Arc<Facts<V, C>>],
    ) -> bool {
        let held = || held(&test.field, facts, organizations, self.now.date());
        match &test.says {
            Says::Present => !held().is_empty(),
            Says::AnyOf(wanted) => self.any_of(&held(), wanted),
            Says::Order(comparison, scalar) => held().iter().any(|fact| self.compare(fact, *comparison, *scalar)),
            Says::Contains(words) => held().iter().any(|fact| match fact {
                Fact::Text(text) | Fact::Organization { name: text, .. } => text::contains(text, words),
                Fact::Exact(id) => label(&test.field, id).is_some_and(|label| text::contains(label, words)),
                _ => false,
            }),
            Says::Digits(digits) => {
                held().iter().any(|fact| matches!(fact, Fact::Exact(number) if number.contains(digits)))
            }
            Says::Was { any_of, window, by } => {
                let Field::Own(own) = &test.field else { return false };
                self.was(own, changes(own, facts), any_of, *window, by.as_deref())
            }
            Says::Changed { from, to, window, by } => {
                let Field::Own(own) = &test.field else { return false };
                let side = |value: &Value, wanted: &Option<Vec<Wanted>>| {
                    wanted.as_ref().is_none_or(|wanted| self.any_of(&of_value(own, value), wanted))
                };
                changes(own, facts).iter().any(|past| {
                    let change = past.change.look();
                    window.overlaps(Some(past.at), past.at.checked_add(jiff::SignedDuration::from_micros(1)).ok())
                        && by.as_deref().is_none_or(|by| by == past.by)
                        && side(&change.from, from)
                        && side(&change.to, to)
                })
            }
        }
    }

    fn any_of(&self, held: &[Fact<'_>], wanted: &[Wanted]) -> bool {
        let empty = held.is_empty() && wanted.iter().any(|wanted| matches!(wanted, Wanted::Empty));
        empty
            || held.iter().any(|fact| {
                // Once, however long the list is.
                let folded = match fact {
                    Fact::Text(text) | Fact::Organization { name: text, .. } => text::fold(text),
                    _ => Zeroizing::default(),
                };
                wanted.iter().any(|wanted| self.is(fact, &folded, wanted))
            })
    }

    fn is(&self, fact: &Fact<'_>, folded: &str, wanted: &Wanted) -> bool {
        match (fact, wanted) {
            (Fact::Text(_), Wanted::Text(wanted)) => folded == wanted,
            (Fact::Exact(id), Wanted::Exact(wanted)) => id == wanted,
            (Fact::Organization { id, .. }, Wanted::Organization { id: wanted, name }) => {
                id == wanted || folded == name
            }
            (Fact::Number(number), Wanted::Number(wanted)) => number == wanted,
            (Fact::Truth(truth), Wanted::Truth(wanted)) => truth == wanted,
            (fact, Wanted::Moment(moment)) => self.beside(fact, *moment) == Some(Ordering::Equal),
            _ => false,
        }
    }

    fn compare(&self, fact: &Fact<'_>, comparison: Comparison, scalar: Scalar) -> bool {
        let order = match (fact, scalar) {
            (Fact::Number(number), Scalar::Number(wanted)) => number.partial_cmp(&wanted),
            (fact, Scalar::Moment(moment)) => self.beside(fact, moment),
            _ => None,
        };
        order.is_some_and(|order| match comparison {
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
        })
    }

    /// Days are compared as days: an instant beside a day is its day in the viewer's time zone.
    fn beside(&self, fact: &Fact<'_>, moment: Moment) -> Option<Ordering> {
        match (fact, moment) {
            (Fact::Day(day), moment) => Some(day.cmp(&moment.day(&self.now))),
            (Fact::Instant(at), Moment::Instant(wanted)) => Some(at.cmp(&wanted)),
            (Fact::Instant(at), Moment::Day(day)) => Some(Moment::Instant(*at).day(&self.now).cmp(&day)),
            _ => None,
        }
    }

    /// Whether the value was one of these at some instant of the window: before its first change what that came from,
    /// after each what it became, up to now.
    fn was<C: Peek<Change>>(
        &self,
        own: &Own,
        changes: &[Past<C>],
        any_of: &[Wanted],
        window: Window,
        by: Option<&str>,
    ) -> bool {
        let now = self.now.timestamp().checked_add(jiff::SignedDuration::from_micros(1)).ok();
        let first = changes.first();
        let before = first.map_or(&Value::Empty, |past| &past.change.look().from);
        let initial = by.is_none()
            && window.overlaps(None, first.map(|past| past.at).or(now))
            && self.any_of(&of_value(own, before), any_of);
        initial
            || changes.iter().enumerate().any(|(place, past)| {
                let until = changes.get(place + 1).map(|next| next.at).or(now);
                by.is_none_or(|by| by == past.by)
                    && window.overlaps(Some(past.at), until)
                    && self.any_of(&of_value(own, &past.change.look().to), any_of)
            })
    }

    /// Where a record stands; what has nothing stands last, whichever the direction.
    pub(crate) fn keys<V: Peek<Value>, C: Peek<Change>>(&self, record: &Record<V, C>) -> Keys {
        let today = self.now.date();
        Keys(self.order.iter().map(|sort| (key(sort, record, today), sort.descending)).collect())
    }
}

impl Says {
    /// Whether a customer without organizations has what is asked for: nothing.
    pub(crate) fn takes_empty(&self) -> bool {
        matches!(self, Self::AnyOf(wanted) if wanted.iter().any(|wanted| matches!(wanted, Wanted::Empty)))
    }
}

impl Window {
    /// Whether a stretch of time, without its last instant, has an instant in it.
    fn overlaps(self, from: Option<Timestamp>, until: Option<Timestamp>) -> bool {
        let begins = self.from.max(from);
        let ends = match (self.until, until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        match (begins, ends) {
            (Some(begins), Some(ends)) => begins < ends,
            _ => true,
        }
    }
}

fn changes<'f, V, C>(own: &Own, facts: &'f Facts<V, C>) -> &'f [Past<C>] {
    facts.history.get(&own.id).map(Vec::as_slice).unwrap_or_default()
}

fn label<'f>(field: &'f Field, id: &str) -> Option<&'f str> {
    let Field::Own(own) = field else { return None };
    own.options.iter().find(|(known, _)| known == id).map(|(_, label)| label.as_str())
}

fn held<'a, V: Peek<Value>, C>(
    field: &'a Field,
    facts: &'a Facts<V, C>,
    organizations: &'a [Arc<Facts<V, C>>],
    today: Date,
) -> Vec<Fact<'a>> {
    let all = || facts.entitlements.iter();
    match field {
        Field::BuiltIn(BuiltIn::Name) => vec![Fact::Text(&facts.name)],
        Field::BuiltIn(BuiltIn::Email) => facts.email.as_ref().map(|email| Fact::Text(email)).into_iter().collect(),
        Field::BuiltIn(BuiltIn::Id) => vec![Fact::Text(&facts.id)],
        Field::BuiltIn(BuiltIn::Active) => vec![Fact::Truth(facts.active)],
        Field::BuiltIn(BuiltIn::Merged) => vec![Fact::Truth(facts.merged)],
        Field::BuiltIn(BuiltIn::TimeZone) => facts.time_zone.as_deref().map(Fact::Text).into_iter().collect(),
        Field::BuiltIn(BuiltIn::Project) => facts.projects.iter().map(|id| Fact::Exact(id)).collect(),
        Field::BuiltIn(BuiltIn::Members) => vec![Fact::Number(facts.members as f64)],
        Field::BuiltIn(BuiltIn::Updated) => facts.updated.map(Fact::Instant).into_iter().collect(),
        Field::BuiltIn(BuiltIn::Entitlement) => {
            let held = all().filter(|entitled| in_force(entitled.starts, entitled.ends, today));
            held.map(|entitled| Fact::Exact(&entitled.product)).collect()
        }
        Field::BuiltIn(BuiltIn::EntitlementStarts) => all().filter_map(|one| one.starts.map(Fact::Day)).collect(),
        Field::BuiltIn(BuiltIn::EntitlementEnds) => all().filter_map(|one| one.ends.map(Fact::Day)).collect(),
        Field::BuiltIn(BuiltIn::EntitlementLimit) => all().filter_map(|one| one.limit.map(Fact::Number)).collect(),
        Field::BuiltIn(BuiltIn::Organization) => {
            organizations.iter().map(|facts| Fact::Organization { id: &facts.id, name: &facts.name }).collect()
        }
        Field::Own(own) => of_value(own, facts.values.get(&own.id).map_or(&own.default, Peek::look)),
    }
}

fn of_value<'a>(own: &Own, value: &'a Value) -> Vec<Fact<'a>> {
    let one = match (own.kind, value) {
        (Kind::Number, Value::Number(number)) => Some(Fact::Number(*number)),
        (Kind::Boolean, Value::Bool(truth)) => Some(Fact::Truth(*truth)),
        (Kind::Date, Value::Text(text)) => text.parse().ok().map(Fact::Day),
        (Kind::DateTime, Value::Text(text)) => text.parse().ok().map(Fact::Instant),
        (Kind::Select | Kind::Phone | Kind::User, Value::Text(text)) => Some(Fact::Exact(text)),
        (Kind::MultiSelect, Value::List(ids)) => return ids.iter().map(|id| Fact::Exact(id)).collect(),
        (Kind::Text, Value::Text(text)) => Some(Fact::Text(text)),
        _ => None,
    };
    one.into_iter().collect()
}

/// Where a record stands among others, by the fields of the query's order.
#[derive(Debug, PartialEq)]
pub(crate) struct Keys(Vec<(Option<Key>, bool)>);

#[derive(Debug, PartialEq)]
enum Key {
    Number(f64),
    Text(Zeroizing<String>),
}

impl Eq for Keys {}

impl PartialOrd for Keys {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Keys {
    fn cmp(&self, other: &Self) -> Ordering {
        for ((a, descending), (b, _)) in self.0.iter().zip(&other.0) {
            let order = match (a, b) {
                (None, None) => Ordering::Equal,
                (None, Some(_)) => return Ordering::Greater,
                (Some(_), None) => return Ordering::Less,
                (Some(Key::Number(a)), Some(Key::Number(b))) => a.total_cmp(b),
                (Some(Key::Text(a)), Some(Key::Text(b))) => a.cmp(b),
                (Some(Key::Number(_)), Some(Key::Text(_))) => Ordering::Less,
                (Some(Key::Text(_)), Some(Key::Number(_))) => Ordering::Greater,
            };
            if order.is_ne() {
                return if *descending { order.reverse() } else { order };
            }
        }
        Ordering::Equal
    }
}

fn key<V: Peek<Value>, C>(sort: &Sort, record: &Record<V, C>, today: Date) -> Option<Key> {
    let text = |text: &str| {
        let folded = text::fold(text);
        Key::Text(Zeroizing::new(folded.chars().take(SORTED_CHARS).collect()))
    };
    let place = |id: &str| match &sort.field {
        Field::Own(own) => own.options.iter().position(|(known, _)| known == id),
        Field::BuiltIn(_) => None,
    };
    match held(&sort.field, &record.own, &record.organizations, today).first()? {
        Fact::Text(held) | Fact::Organization { name: held, .. } => Some(text(held)),
        // Options stand in the order that the administrator gave them.
        Fact::Exact(id) => Some(place(id).map_or_else(|| text(id), |place| Key::Number(place as f64))),
        Fact::Number(number) => Some(Key::Number(*number)),
        Fact::Truth(truth) => Some(Key::Number(f64::from(u8::from(*truth)))),
        Fact::Day(day) => Some(Key::Text(Zeroizing::new(day.to_string()))),
        // Milliseconds since 1970 are exact in a double for as long as the calendar goes.
        Fact::Instant(at) => Some(Key::Number(at.as_millisecond() as f64)),
    }
}
