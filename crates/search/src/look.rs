//! Words as somebody types them: the records that have all of them, the nearest first.
//!
//! One word is looked for tier by tier: only the nearest terms are read, and of each only as many records as are wanted.
//! Several words need each word's records: those of the rarest, then what the others have of them. Start at
//! [`Snapshot::look`].

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashSet};
use std::sync::Arc;

use fixedbitset::FixedBitSet;
use kernel::Result;
use tantivy::postings::SegmentPostings;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, InvertedIndexReader, TERMINATED};

use crate::fuzzy;
use crate::index::{Records, Snapshot, broken};
use crate::tiers::{Postings, Run, Term, Tiers, With};

/// What a step from one posting to a wanted one costs in postings that are read through.
const STEP: u64 = 32;

/// A word that is looked for, and what stands for it: options whose label has the word, and another word.
pub struct Wanted {
    /// Folded as the words of the index are.
    pub word: String,
    /// It may go on: it is the last one, and still being typed.
    pub open: bool,
    /// Terms of facts, with their tags.
    pub facts: Vec<(String, String)>,
    /// Another word that stands for it, which may go on as it may, and in which no mistake is forgiven.
    pub also: Option<String>,
}

/// What is looked for.
pub struct Sought<'a> {
    /// Each must be found somewhere in a record.
    pub words: &'a [Wanted],
    /// What a field weighs, by its tag; none: it is not looked into, and nothing of it shows.
    pub weigh: &'a dyn Fn(&str) -> Option<u16>,
    /// How many records.
    pub limit: usize,
}

/// A record that was found.
#[derive(Debug, PartialEq, Eq)]
pub struct Hit {
    /// Which.
    pub key: String,
    /// The tag of the field that the first word was found in.
    pub tag: String,
}

/// A record that has all words up to now, and how near it is by all of them.
struct Candidate {
    document: u32,
    total: u16,
}

/// A record that is nearer than others is greater: by its score, then by its place.
type Near = (u16, Reverse<(usize, u32)>);

/// Where a record lies: its segment, and its number there.
type Place = (usize, u32);

/// A segment that is looked into.
struct Part<'s> {
    place: usize,
    inverted: Arc<InvertedIndexReader>,
    records: &'s Records,
    alive: &'s FixedBitSet,
}

impl Snapshot {
    /// The records that have all words, the nearest first. Where too few have a word as it is written, then those that have
    /// it with one mistake, and where these are too few, with two; of several words, which tell a record apart by
    /// themselves, only where none has them.
    pub fn look(&self, sought: &Sought<'_>) -> Result<Vec<Hit>> {
        let mut parts = Vec::new();
        for (place, ((segment, records), alive)) in self.segments.iter().zip(self.alive()).enumerate() {
            let inverted = segment.inverted_index(self.terms_field()).map_err(broken)?;
            parts.push(Part { place, inverted, records, alive });
        }
        let found = match sought.words {
            [word] => look_for_one(&parts, word, sought)?,
            words => {
                let most = words.iter().map(|wanted| fuzzy::forgiven(&wanted.word)).max().unwrap_or_default();
                let mut found = Vec::new();
                for mistakes in 0..=most {
                    if found.is_empty() {
                        found = look_for_several(&parts, mistakes, sought)?;
                    }
                }
                found
            }
        };
        let hits = found.into_iter().filter_map(|((place, document), tag)| {
            let key = parts.get(place)?.records.keys.get(document as usize)?;
            Some(Hit { key: key.to_string(), tag: tag.to_owned() })
        });
        Ok(hits.collect())
    }
}

/// Of the records that have a word, each tier is nearer than the next, and within a tier those that come first are wanted.
fn look_for_one<'a>(parts: &'a [Part<'a>], word: &'a Wanted, sought: &Sought<'_>) -> Result<Vec<(Place, &'a str)>> {
    let mut found: Vec<(Place, &str)> = Vec::new();
    let mut known: HashSet<Place> = HashSet::new();
    for mistakes in 0..=fuzzy::forgiven(&word.word) {
        if found.len() >= sought.limit {
            break;
        }
        let mut all = Vec::new();
        for part in parts {
            let terms = part.inverted.terms();
            all.push((part, Tiers::of(terms, &part.records.words, word, With::Just(mistakes), sought.weigh)?));
        }
        let scores: BTreeSet<_> = all.iter().flat_map(|(_, tiers)| tiers.0.keys().copied()).collect();
        for score in scores {
            for (part, tiers) in &all {
                let Some(terms) = tiers.0.get(&score) else { continue };
                let wanted = sought.limit.saturating_sub(found.len());
                for (document, tag) in part.first(terms, wanted, &known)? {
                    known.insert((part.place, document));
                    found.push(((part.place, document), tag));
                }
            }
        }
    }
    Ok(found)
}

/// The records that have all words, with as many mistakes or fewer: all of them, of which the nearest are kept.
fn look_for_several<'a>(parts: &'a [Part<'a>], mistakes: u8, sought: &Sought<'a>) -> Result<Vec<(Place, &'a str)>> {
    let mut lowest: BinaryHeap<Reverse<Near>> = BinaryHeap::new();
    // What each segment has of the first word, by which a record is shown.
    let mut first = Vec::new();
    for part in parts {
        let mut words = Vec::new();
        for word in sought.words {
            let terms = part.inverted.terms();
            words.push(Tiers::of(terms, &part.records.words, word, With::UpTo(mistakes), sought.weigh)?);
        }
        for one in part.having(&words)? {
            let near = (one.total, Reverse((part.place, one.document)));
            if lowest.len() < sought.limit {
                lowest.push(Reverse(near));
            } else if let Some(mut last) = lowest.peek_mut()
                && near > last.0
            {
                *last = Reverse(near);
            }
        }
        first.push(words.into_iter().next());
    }
    let found: Vec<Place> = lowest.into_sorted_vec().into_iter().map(|Reverse((_, Reverse(place)))| place).collect();
    let mut tags = BTreeMap::new();
    for (part, tiers) in parts.iter().zip(&first) {
        let Some(tiers) = tiers else { continue };
        let some = found.iter().filter(|(place, _)| *place == part.place).map(|(_, document)| *document);
        for (document, tag) in part.tags(tiers, some.collect())? {
            tags.insert((part.place, document), tag);
        }
    }
    Ok(found.into_iter().filter_map(|place| Some((place, *tags.get(&place)?))).collect())
}

impl Part<'_> {
    /// The first records that have one of some terms and are not known yet, each with the first of its terms' tags.
    fn first<'t>(&self, terms: &[Term<'t>], wanted: usize, known: &HashSet<Place>) -> Result<BTreeMap<u32, &'t str>> {
        let mut held = BTreeMap::new();
        if wanted == 0 {
            return Ok(held);
        }
        let mut postings = Postings::new(&self.inverted);
        for term in terms {
            postings.each(term.run, |document| {
                if held.len() >= wanted && held.last_key_value().is_some_and(|(last, _)| *last <= document) {
                    return false;
                }
                if self.alive.contains(document as usize) && !known.contains(&(self.place, document)) {
                    held.entry(document).or_insert(term.tag);
                    if held.len() > wanted {
                        held.pop_last();
                    }
                }
                true
            })?;
        }
        Ok(held)
    }

    /// The records that have all words: those of the rarest word, and of them those that have the next.
    fn having(&self, words: &[Tiers<'_>]) -> Result<Vec<Candidate>> {
        let mut all = Vec::new();
        for tiers in words {
            let terms: Vec<(u16, Run)> = tiers.terms().map(|(score, term)| (score, term.run)).collect();
            let postings: u64 = terms.iter().map(|(_, run)| u64::from(run.records)).sum();
            if postings == 0 {
                return Ok(Vec::new());
            }
            all.push((postings, terms));
        }
        all.sort_by_key(|(postings, _)| *postings);
        let mut all = all.into_iter();
        let Some((_, rarest)) = all.next() else { return Ok(Vec::new()) };
        let tiers = self.sets(&rarest)?;
        let mut any = FixedBitSet::with_capacity(self.alive.len());
        tiers.iter().for_each(|(_, set)| any.union_with(set));
        any.intersect_with(self.alive);
        let mut candidates: Vec<Candidate> = Vec::new();
        candidates.extend(any.ones().filter_map(|document| {
            Some(Candidate { document: u32::try_from(document).ok()?, total: score_in(&tiers, document)? })
        }));
        for (postings, terms) in all {
            if (terms.len() * candidates.len()) as u64 * STEP > postings {
                let tiers = self.sets(&terms)?;
                candidates.retain_mut(|one| match score_in(&tiers, one.document as usize) {
                    Some(score) => {
                        one.total = one.total.saturating_add(score);
                        true
                    }
                    None => false,
                });
            } else {
                candidates = self.among(candidates, &terms)?;
            }
        }
        Ok(candidates)
    }

    /// The records of terms, a set for each tier.
    fn sets(&self, terms: &[(u16, Run)]) -> Result<Vec<(u16, FixedBitSet)>> {
        let mut sets: Vec<(u16, FixedBitSet)> = Vec::new();
        let mut postings = Postings::new(&self.inverted);
        for tier in terms.chunk_by(|(one, _), (next, _)| one == next) {
            let mut set = FixedBitSet::with_capacity(self.alive.len());
            for (_, run) in tier {
                postings.each(*run, |document| {
                    set.insert(document as usize);
                    true
                })?;
            }
            sets.extend(tier.first().map(|(score, _)| (*score, set)));
        }
        Ok(sets)
    }

    /// Those of few records that have a word: looked up in its terms, the nearest first.
    fn among(&self, few: Vec<Candidate>, terms: &[(u16, Run)]) -> Result<Vec<Candidate>> {
        let mut scores = vec![0; few.len()];
        for (score, run) in terms {
            let mut postings = self.postings(*run)?;
            for (one, best) in few.iter().zip(&mut scores).filter(|(_, best)| **best == 0) {
                if is_in(&mut postings, one.document) {
                    *best = *score;
                }
            }
        }
        let both = few.into_iter().zip(scores).filter(|(_, score)| *score > 0);
        Ok(both.map(|(one, score)| Candidate { total: one.total.saturating_add(score), ..one }).collect())
    }

    /// The tag of the nearest term that each of some records has, the first of equals.
    fn tags<'t>(&self, tiers: &Tiers<'t>, mut some: Vec<u32>) -> Result<Vec<(u32, &'t str)>> {
        some.sort_unstable();
        let mut tags = Vec::new();
        for (_, term) in tiers.terms() {
            if some.is_empty() {
                break;
            }
            let mut postings = self.postings(term.run)?;
            some.retain(|document| {
                let is_in = is_in(&mut postings, *document);
                if is_in {
                    tags.push((*document, term.tag));
                }
                !is_in
            });
        }
        Ok(tags)
    }

    fn postings(&self, run: Run) -> Result<SegmentPostings> {
        self.inverted.read_postings_from_terminfo(&run.info(), IndexRecordOption::Basic).map_err(broken)
    }
}

/// Whether a record is among postings, which are read on up to it.
fn is_in(postings: &mut SegmentPostings, document: u32) -> bool {
    if postings.doc() < document {
        postings.seek(document);
    }
    postings.doc() == document && document != TERMINATED
}

fn score_in(tiers: &[(u16, FixedBitSet)], document: usize) -> Option<u16> {
    tiers.iter().find(|(_, set)| set.contains(document)).map(|(score, _)| *score)
}
