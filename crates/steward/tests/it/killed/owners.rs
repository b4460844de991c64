//! Owners of values: what was written to them, and whether a history says the same.

use serde_json::Value;

use super::{FIELDS, Tally};

/// Longer than a page of a database, so that a write touches several.
const LONG: usize = 5_000;

/// A customer or an organization.
pub(super) struct Owner {
    pub(super) entity: &'static str,
    pub(super) path: String,
    pub(super) fields: [String; FIELDS],
    /// What was found in its history so far, oldest first.
    pub(super) log: Vec<Change>,
    /// What was tried since.
    pub(super) attempts: Vec<Attempt>,
}

/// One entry of a history: the change's id, which is the value's version too, of which field, and to which number.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Change {
    pub(super) id: i64,
    pub(super) place: usize,
    pub(super) number: u64,
}

/// One write: of one field, or of two at once.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) places: &'static [usize],
    /// No other write has it.
    pub(super) number: u64,
    /// The versions that were answered, as far as the answer showed this write and not a later one; none if the
    /// program was killed before it answered.
    pub(super) versions: Option<Vec<Option<i64>>>,
}

pub(super) const ALONE: &[usize] = &[0];
pub(super) const TOGETHER: &[usize] = &[1, 2];

/// The text that a write of this number puts into a field: no two are alike in any part.
pub(super) fn text(place: usize, number: u64) -> String {
    let word = format!("{number}.{place} ");
    let text = if place == 0 { word.repeat(10) } else { word.repeat(LONG / word.len()) };
    text.trim_end().to_owned()
}

/// The number of the write that a value is of, checked to the last letter; none for an empty one.
pub(super) fn number(place: usize, value: &Value) -> Option<u64> {
    let standing = value.as_str()?;
    let number = standing.split('.').next().unwrap().parse().unwrap();
    assert_eq!(standing, text(place, number), "a value is mixed");
    Some(number)
}

impl Owner {
    /// Number and version of what stands, by its history.
    pub(super) fn standing(&self) -> [Option<(u64, i64)>; FIELDS] {
        let mut standing = [None; FIELDS];
        for change in &self.log {
            standing[change.place] = Some((change.number, change.id));
        }
        standing
    }

    /// Takes further changes into the log: each goes on from what stood, under a greater id.
    pub(super) fn follow(&mut self, changes: &[(Change, Option<u64>)]) {
        let mut standing = self.standing();
        for (change, from) in changes {
            let before = standing[change.place].replace((change.number, change.id));
            assert_eq!(*from, before.map(|(number, _)| number), "the history is broken at {change:?}");
            assert!(self.log.last().is_none_or(|last| last.id < change.id), "{change:?}");
            self.log.push(change.clone());
        }
    }

    /// Finds every acknowledged write among the new changes, every other one whole or not at all, and nothing else.
    pub(super) fn settle(&mut self, changes: &[(Change, Option<u64>)], tally: &mut Tally) {
        self.follow(changes);
        let mut explained = 0;
        for attempt in std::mem::take(&mut self.attempts) {
            let found = |place: &usize| {
                let own = |change: &Change| change.place == *place && change.number == attempt.number;
                changes.iter().find(|(change, _)| own(change)).map(|(change, _)| change.id)
            };
            let found: Vec<Option<i64>> = attempt.places.iter().map(found).collect();
            let whole = found.iter().all(Option::is_some);
            explained += found.iter().flatten().count();
            match &attempt.versions {
                Some(versions) => {
                    tally.acknowledged += 1;
                    assert!(whole, "an acknowledged write is lost: {attempt:?}, found {found:?} of {}", self.path);
                    let differs = |(version, found)| Option::is_some(version) && version != found;
                    assert!(!versions.iter().zip(&found).any(differs), "{attempt:?}, found {found:?}");
                }
                None => {
                    tally.unanswered += 1;
                    tally.durable += usize::from(whole);
                    assert!(whole || found.iter().all(Option::is_none), "half written: {attempt:?}, found {found:?}");
                }
            }
        }
        assert_eq!(explained, changes.len(), "nobody tried this: {changes:?}");
    }

    /// What is shown is what the history ends with.
    pub(super) fn stands(&self, shown: &Value) {
        let standing = self.standing();
        for (place, field) in self.fields.iter().enumerate() {
            let value = shown["values"].as_array().unwrap().iter().find(|value| value["fieldId"] == **field);
            let value =
                value.map(|value| (number(place, &value["value"]).unwrap(), value["version"].as_i64().unwrap()));
            assert_eq!(value, standing[place], "{} {field}", self.path);
        }
        assert_eq!(shown["version"], standing.iter().flatten().map(|(_, version)| *version).max().unwrap_or(0));
    }
}
