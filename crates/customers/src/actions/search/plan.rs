//! What a query can be narrowed to by the index, before any value is opened.
//!
//! [`crate::query::evaluate`] stays the meaning. A plan holds every record that is meant, and says whether it holds others
//! too; those are looked at. Laws: `steward/tests/it/search.rs` asks the same of both.

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use search::{Set, Snapshot, term};

use kernel::Result;

use super::document::{
    cut_off, day_fact, exact_fact, instant_fact, number_fact, present, stored, tag, tag_of, text_fact, truth_fact,
};
use super::{Ready, of_key};
use crate::actions::directory::Sorted;
use crate::actions::records;
use crate::model::Entity;
use crate::query::catalogue::{BuiltIn, Kind};
use crate::query::moment::Moment;
use crate::query::text;
use crate::query::typed::{Comparison, Field, Node, Own, Says, Scalar, Test, Typed, Wanted};

/// A day in any time zone lies within so much of the same day in UTC.
const ANYWHERE: SignedDuration = SignedDuration::from_hours(38);

/// The places of the records that a query may mean, in order, and whether it means them all; none if the index tells
/// nothing of it.
pub(crate) fn places_meant(
    ready: &Ready,
    sorted: &Sorted,
    entity: Entity,
    typed: &Typed,
) -> Result<Option<(Vec<usize>, bool)>> {
    let Some(filter) = &typed.filter else { return Ok(None) };
    let plan = Plan { snapshot: &ready.snapshot, sorted, typed };
    let set = plan.node(filter)?;
    if !set.is_exact() && set.len() == plan.snapshot.all().len() {
        return Ok(None);
    }
    let keys = ready.snapshot.keys(&set).filter(|key| of_key(key).is_some_and(|(of, _)| of == entity));
    let mut places: Vec<usize> = keys.filter_map(|key| ready.places.get(key).copied()).collect();
    places.sort_unstable();
    Ok(Some((places, set.is_exact())))
}

struct Plan<'a> {
    snapshot: &'a Snapshot,
    sorted: &'a Sorted,
    typed: &'a Typed,
}

impl Plan<'_> {
    /// Nothing is known.
    fn any(&self) -> Set {
        self.snapshot.all().or_more()
    }

    fn node(&self, node: &Node) -> Result<Set> {
        Ok(match node {
            Node::All(parts) => {
                let mut all = self.snapshot.all();
                for part in parts {
                    all = all.and(&self.node(part)?);
                }
                all
            }
            Node::Any(parts) => {
                let mut any = self.snapshot.none();
                for part in parts {
                    any = any.or(&self.node(part)?);
                }
                any
            }
            Node::Not(inner) => self.node(inner)?.others(),
            Node::Test(test) if test.organization => {
                let organizations = self.test(test)?;
                let wanted: HashSet<&str> =
                    self.snapshot.keys(&organizations).filter_map(|key| key.strip_prefix('o')).collect();
                let none = test.says.takes_empty();
                let members = self.customers(|ids| {
                    if ids.is_empty() { none } else { ids.iter().any(|id| wanted.contains(id.as_str())) }
                });
                if organizations.is_exact() { members } else { members.or_more() }
            }
            Node::Test(test) => self.test(test)?,
        })
    }

    /// The customers whose organizations are such.
    fn customers(&self, is: impl Fn(&[kernel::OrganizationId]) -> bool) -> Set {
        let there: HashSet<&str> = self.sorted.organizations.iter().map(|line| line.id.as_str()).collect();
        let memberships: BTreeMap<&str, Vec<kernel::OrganizationId>> = self
            .sorted
            .memberships
            .iter()
            .map(|(account, ids)| {
                let known = ids.iter().filter(|id| there.contains(id.as_str()));
                (account.as_str(), known.cloned().collect())
            })
            .collect();
        self.snapshot.having(|key| {
            key.strip_prefix('c').is_some_and(|id| is(memberships.get(id).map(Vec::as_slice).unwrap_or_default()))
        })
    }

    fn test(&self, test: &Test) -> Result<Set> {
        match &test.field {
            Field::BuiltIn(BuiltIn::Updated) => Ok(self.any()),
            Field::BuiltIn(BuiltIn::Organization) => Ok(self.organization(test)),
            Field::BuiltIn(BuiltIn::Entitlement) => self.entitlement(test),
            Field::BuiltIn(built_in) => {
                let kind = match built_in {
                    BuiltIn::Active | BuiltIn::Merged => Kind::Boolean,
                    BuiltIn::Members | BuiltIn::EntitlementLimit => Kind::Number,
                    BuiltIn::EntitlementStarts | BuiltIn::EntitlementEnds => Kind::Date,
                    _ => Kind::Text,
                };
                self.says(tag_of(*built_in), kind, &[], &test.says, true)
            }
            Field::Own(own) => self.own(test, own),
        }
    }

    /// The index knows what was given, and not what is in force today: of those who have it some are meant.
    fn entitlement(&self, test: &Test) -> Result<Set> {
        match &test.says {
            Says::AnyOf(_) if test.says.takes_empty() => Ok(self.any()),
            Says::Present | Says::AnyOf(_) => {
                let tag = tag_of(BuiltIn::Entitlement);
                Ok(self.says(tag, Kind::Product, &[], &test.says, true)?.or_more())
            }
            _ => Ok(self.any()),
        }
    }

    /// By what the directory knows of each customer's organizations.
    fn organization(&self, test: &Test) -> Set {
        if matches!(test.says, Says::Was { .. } | Says::Changed { .. }) {
            return self.any();
        }
        let meant: HashSet<&str> = self
            .sorted
            .organizations
            .iter()
            .filter(|line| {
                let facts = Arc::new(records::facts(line.id.as_str(), *line));
                self.typed.holds_of_nothing(test, &[facts])
            })
            .map(|line| line.id.as_str())
            .collect();
        let none = self.typed.holds_of_nothing(test, &[]);
        self.customers(|ids| if ids.is_empty() { none } else { ids.iter().any(|id| meant.contains(id.as_str())) })
    }

    fn own(&self, test: &Test, own: &Own) -> Result<Set> {
        let tag = tag(own.id);
        if own.turning || matches!(test.says, Says::Was { .. } | Says::Changed { .. }) {
            return Ok(self.any());
        }
        let written = self.snapshot.with(&stored(&tag))?;
        let said = self.says(&tag, own.kind, &own.options, &test.says, false)?.and(&written);
        // Where nothing was written, the default stands.
        Ok(if self.typed.holds_of_nothing(test, &[]) { said.or(&written.others()) } else { said })
    }

    fn says(&self, tag: &str, kind: Kind, options: &[(String, String)], says: &Says, directory: bool) -> Result<Set> {
        Ok(match says {
            Says::Present => self.snapshot.with(&present(tag))?,
            Says::AnyOf(wanted) => {
                let mut any = self.snapshot.none();
                for wanted in wanted {
                    any = any.or(&self.is(tag, kind, wanted)?);
                }
                any
            }
            Says::Order(comparison, Scalar::Number(number)) => {
                self.range(tag, "n", *comparison, &number_fact(tag, *number))?
            }
            Says::Order(comparison, Scalar::Moment(moment)) if kind == Kind::Date => {
                self.range(tag, "d", *comparison, &day_fact(tag, moment.day(&self.typed.now)))?
            }
            Says::Order(comparison, Scalar::Moment(moment)) => {
                let Some((first, last)) = within(*moment) else { return Ok(self.any()) };
                let bound = match comparison {
                    Comparison::Less | Comparison::LessOrEqual => last,
                    Comparison::Greater | Comparison::GreaterOrEqual => first,
                };
                let open = match comparison {
                    Comparison::Less | Comparison::LessOrEqual => Comparison::LessOrEqual,
                    Comparison::Greater | Comparison::GreaterOrEqual => Comparison::GreaterOrEqual,
                };
                self.range(tag, "m", open, &instant_fact(tag, bound))?.or_more()
            }
            Says::Contains(words) if kind == Kind::Text || directory => {
                let mut all = self.snapshot.all();
                for wanted in words {
                    let (word, begins) = wanted.parts();
                    let long = term::cut(word).0.len() < word.len();
                    let having = if begins {
                        let ending = format!("\0{tag}");
                        self.snapshot.between(&term::words_from(word), Bound::Unbounded, Bound::Unbounded, |term| {
                            term.ends_with(&ending)
                        })?
                    } else {
                        self.snapshot.with(&term::word(tag, word))?
                    };
                    all = all.and(&if long { having.or_more() } else { having });
                }
                let unread = self.snapshot.with(&cut_off(tag))?;
                if unread.is_empty() { all } else { all.or(&unread.or_more()) }
            }
            Says::Contains(words) => {
                let mut any = self.snapshot.none();
                for (id, _) in options.iter().filter(|(_, label)| text::contains(label, words)) {
                    any = any.or(&self.snapshot.with(&exact_fact(tag, id))?);
                }
                any
            }
            Says::Digits(digits) => {
                let start = exact_fact(tag, "");
                let has = |term: &str| term.strip_prefix(&start).is_some_and(|number| number.contains(digits.as_str()));
                self.snapshot.between(&start, Bound::Unbounded, Bound::Unbounded, has)?
            }
            Says::Was { .. } | Says::Changed { .. } => self.any(),
        })
    }

    fn is(&self, tag: &str, kind: Kind, wanted: &Wanted) -> Result<Set> {
        Ok(match wanted {
            Wanted::Empty => self.snapshot.with(&present(tag))?.others(),
            Wanted::Text(folded) => {
                let (fact, whole) = text_fact(tag, folded);
                let having = self.snapshot.with(&fact)?;
                // What is just as long as the cut may have gone on.
                if whole && folded.len() < term::CUT_BYTES - 4 { having } else { having.or_more() }
            }
            Wanted::Exact(id) => self.snapshot.with(&exact_fact(tag, id))?,
            Wanted::Number(number) => self.snapshot.with(&number_fact(tag, *number))?,
            Wanted::Truth(truth) => self.snapshot.with(&truth_fact(tag, *truth))?,
            Wanted::Moment(moment) if kind == Kind::Date => {
                self.snapshot.with(&day_fact(tag, moment.day(&self.typed.now)))?
            }
            Wanted::Moment(moment) => {
                let Some((first, last)) = within(*moment) else { return Ok(self.any()) };
                let (first, last) = (instant_fact(tag, first), instant_fact(tag, last));
                let within = term::fact(tag, "m");
                self.snapshot.between(&within, Bound::Included(&first), Bound::Included(&last), |_| true)?.or_more()
            }
            Wanted::Organization { .. } => self.any(),
        })
    }

    fn range(&self, tag: &str, letter: &str, comparison: Comparison, bound: &str) -> Result<Set> {
        let (from, to) = match comparison {
            Comparison::Less => (Bound::Unbounded, Bound::Excluded(bound)),
            Comparison::LessOrEqual => (Bound::Unbounded, Bound::Included(bound)),
            Comparison::Greater => (Bound::Excluded(bound), Bound::Unbounded),
            Comparison::GreaterOrEqual => (Bound::Included(bound), Bound::Unbounded),
        };
        self.snapshot.between(&term::fact(tag, letter), from, to, |_| true)
    }
}

/// Instants between which a moment lies, in whichever time zone its day is meant.
fn within(moment: Moment) -> Option<(Timestamp, Timestamp)> {
    let (first, last) = match moment {
        Moment::Instant(at) => (at, at),
        Moment::Day(day) => {
            let at = day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
            (at, at)
        }
    };
    Some((first.checked_sub(ANYWHERE).ok()?, last.checked_add(ANYWHERE).ok()?))
}
