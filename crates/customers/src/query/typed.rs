//! A query as it is evaluated: fields and values of their types, moments, nothing left to look up.

use std::collections::BTreeSet;

use jiff::{Timestamp, Zoned};

use crate::model::{FieldId, Value};

use super::catalogue::{BuiltIn, Kind};
use super::moment::Moment;
use super::text::Word;

/// A query with its meaning.
pub(crate) struct Typed {
    pub(crate) filter: Option<Node>,
    pub(crate) order: Vec<Sort>,
    /// The moment that it was asked at, in the viewer's time zone.
    pub(crate) now: Zoned,
}

pub(crate) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Test(Test),
}

/// One positive statement; what negates is a [`Node::Not`], so that each record either matches or does not.
pub(crate) struct Test {
    /// Of any organization of a customer.
    pub(crate) organization: bool,
    pub(crate) field: Field,
    pub(crate) says: Says,
}

/// A field, as far as evaluation needs it.
pub(crate) enum Field {
    BuiltIn(BuiltIn),
    Own(Own),
}

pub(crate) struct Own {
    pub(crate) id: FieldId,
    pub(crate) kind: Kind,
    /// What stands where nobody wrote anything.
    pub(crate) default: Value,
    /// Options in their order: id and folded label.
    pub(crate) options: Vec<(String, String)>,
    /// Whether values of before a change of its type are still being written anew: an index may not say yet what stands.
    pub(crate) turning: bool,
}

pub(crate) enum Says {
    Present,
    AnyOf(Vec<Wanted>),
    Order(Comparison, Scalar),
    Contains(Vec<Word>),
    /// Part of a telephone number.
    Digits(String),
    Was {
        any_of: Vec<Wanted>,
        window: Window,
        by: Option<String>,
    },
    Changed {
        from: Option<Vec<Wanted>>,
        to: Option<Vec<Wanted>>,
        window: Window,
        by: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy)]
pub(crate) enum Scalar {
    Number(f64),
    Moment(Moment),
}

/// A value that a field is compared with.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    Empty,
    /// Folded text.
    Text(String),
    /// An id, or a telephone number as it is stored.
    Exact(String),
    /// An organization, by id or folded name.
    Organization {
        id: String,
        name: String,
    },
    Number(f64),
    Truth(bool),
    Moment(Moment),
}

/// From an instant on, up to before another.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Window {
    pub(crate) from: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
}

pub(crate) struct Sort {
    pub(crate) field: Field,
    pub(crate) descending: bool,
}

/// Which values a query looks at: what is not named here need not be opened.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    pub(crate) own: BTreeSet<FieldId>,
    pub(crate) own_history: BTreeSet<FieldId>,
    pub(crate) organizations: BTreeSet<FieldId>,
    pub(crate) organizations_history: BTreeSet<FieldId>,
    /// Instants of changes, of a record itself and of its organizations.
    pub(crate) updated: bool,
    pub(crate) organizations_updated: bool,
    /// Entitlements, of a record itself and of its organizations.
    pub(crate) entitlements: bool,
    pub(crate) organizations_entitlements: bool,
}

impl Typed {
    /// The query that asks for everything, in the usual order.
    pub(crate) fn everything(now: Zoned) -> Self {
        Self { filter: None, order: Vec::new(), now }
    }

    /// Whether it asks of merged customers: else they are left out.
    pub(crate) fn asks_of_merged(&self) -> bool {
        self.filter.as_ref().is_some_and(Node::asks_of_merged)
    }

    /// Whether being found by it says what somebody's own values are, or were.
    pub(crate) fn tells_values(&self) -> bool {
        let mut reads = Reads::default();
        if let Some(filter) = &self.filter {
            filter.reads(&mut reads);
        }
        !reads.own.is_empty() || !reads.own_history.is_empty()
    }

    pub(crate) fn reads(&self) -> Reads {
        let mut reads = Reads::default();
        if let Some(filter) = &self.filter {
            filter.reads(&mut reads);
        }
        for sort in &self.order {
            reads.field(false, &sort.field, false);
        }
        reads
    }
}

impl Reads {
    /// Whether what was before is read, which lies with each record alone.
    pub(crate) fn has_history(&self) -> bool {
        !self.own_history.is_empty() || !self.organizations_history.is_empty()
    }

    fn field(&mut self, organization: bool, field: &Field, history: bool) {
        match (field, organization, history) {
            (Field::Own(own), false, false) => drop(self.own.insert(own.id)),
            (Field::Own(own), false, true) => drop(self.own_history.insert(own.id)),
            (Field::Own(own), true, false) => drop(self.organizations.insert(own.id)),
            (Field::Own(own), true, true) => drop(self.organizations_history.insert(own.id)),
            (Field::BuiltIn(BuiltIn::Updated), false, _) => self.updated = true,
            (Field::BuiltIn(BuiltIn::Updated), true, _) => self.organizations_updated = true,
            (Field::BuiltIn(built_in), of_organizations, _) if built_in.is_entitlement() => {
                if of_organizations {
                    self.organizations_entitlements = true;
                } else {
                    self.entitlements = true;
                }
            }
            (Field::BuiltIn(_), _, _) => {}
        }
    }
}

impl Node {
    fn asks_of_merged(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::asks_of_merged),
            Self::Not(inner) => inner.asks_of_merged(),
            Self::Test(test) => matches!(test.field, Field::BuiltIn(BuiltIn::Merged)),
        }
    }

    fn reads(&self, reads: &mut Reads) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.reads(reads)),
            Self::Not(inner) => inner.reads(reads),
            Self::Test(test) => {
                let history = matches!(test.says, Says::Was { .. } | Says::Changed { .. });
                reads.field(test.organization, &test.field, history);
            }
        }
    }
}
