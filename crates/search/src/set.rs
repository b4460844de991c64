//! Records of a snapshot, and whether they are just those that were meant or some more.

use std::sync::Arc;

use fixedbitset::FixedBitSet;

/// Some of a snapshot's records.
#[derive(Clone)]
pub struct Set {
    /// One a segment.
    pub(crate) parts: Vec<FixedBitSet>,
    /// Which are there at all, one a segment.
    pub(crate) alive: Arc<Vec<FixedBitSet>>,
    /// False: there may be some in it that are not meant. Never the other way round.
    pub(crate) exact: bool,
}

impl Set {
    /// Marks it as holding perhaps more than what is meant.
    #[must_use]
    pub fn or_more(mut self) -> Self {
        self.exact = false;
        self
    }

    /// Whether it holds what is meant and nothing else.
    pub fn is_exact(&self) -> bool {
        self.exact
    }

    /// Those in both.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        for (part, with) in self.parts.iter_mut().zip(&other.parts) {
            part.intersect_with(with);
        }
        self.exact &= other.exact;
        self
    }

    /// Those in either.
    #[must_use]
    pub fn or(mut self, other: &Self) -> Self {
        for (part, with) in self.parts.iter_mut().zip(&other.parts) {
            part.union_with(with);
        }
        self.exact &= other.exact;
        self
    }

    /// All others. Of a set that may hold too much, nothing is known of its others: all of them.
    #[must_use]
    pub fn others(mut self) -> Self {
        for (part, alive) in self.parts.iter_mut().zip(self.alive.iter()) {
            if self.exact {
                part.toggle_range(..);
                part.intersect_with(alive);
            } else {
                part.clone_from(alive);
            }
        }
        self
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.count_ones(..)).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(FixedBitSet::is_clear)
    }
}
