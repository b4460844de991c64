//! Words as somebody types them: the records that have all of them, the nearest first.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use kernel::{Fault, Result};
use tantivy::SegmentReader;

use crate::fuzzy::Like;
use crate::index::{Snapshot, after, each_posting};
use crate::term;

/// How near a term is to a word, in steps that a field's weight multiplies.
const SAME: u16 = 8;
const BEGINS: u16 = 4;
const ALIKE: u16 = 1;

/// A word that is looked for, and facts that stand for it: options whose label has the word.
pub struct Wanted {
    /// Folded as the words of the index are.
    pub word: String,
    /// It may go on: it is the last one, and still being typed.
    pub open: bool,
    /// Terms of facts, with their tags.
    pub facts: Vec<(String, String)>,
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

/// What was found for one record so far.
#[derive(Clone, Copy, Default)]
struct Found {
    /// Of all words before.
    total: u16,
    /// Of this word; 0: not found.
    best: u16,
    /// Which tag the first word was found in.
    tag: u16,
    /// Which tag this word was.
    best_tag: u16,
}

/// A record that is nearer than others is greater: by its score, then by its place. With it, the first word's tag.
type Near = (u16, Reverse<(usize, usize)>, u16);

/// Tags and what they weigh, each asked for once.
struct Tags<'a> {
    weigh: &'a dyn Fn(&str) -> Option<u16>,
    known: HashMap<String, Option<(u16, u16)>>,
    names: Vec<String>,
}

impl Tags<'_> {
    /// Its weight and number.
    fn of(&mut self, tag: &str) -> Option<(u16, u16)> {
        if let Some(known) = self.known.get(tag) {
            return *known;
        }
        let made = (self.weigh)(tag).and_then(|weight| {
            let number = u16::try_from(self.names.len()).ok()?;
            self.names.push(tag.to_owned());
            Some((weight, number))
        });
        self.known.insert(tag.to_owned(), made);
        made
    }
}

fn broken(error: std::io::Error) -> Fault {
    Fault::broken("search_index", error)
}

impl Snapshot {
    /// The records that have all words, the nearest first; with mistakes in the words only where too few have them as
    /// they are written.
    pub fn look(&self, sought: &Sought<'_>) -> Result<Vec<Hit>> {
        let found = self.look_once(sought, false)?;
        if found.len() >= sought.limit {
            return Ok(found);
        }
        let mut all = found;
        for hit in self.look_once(sought, true)? {
            if all.len() < sought.limit && !all.iter().any(|known| known.key == hit.key) {
                all.push(hit);
            }
        }
        Ok(all)
    }

    fn look_once(&self, sought: &Sought<'_>, fuzzy: bool) -> Result<Vec<Hit>> {
        let mut tags = Tags { weigh: sought.weigh, known: HashMap::new(), names: Vec::new() };
        let mut lowest: BinaryHeap<Reverse<Near>> = BinaryHeap::new();
        for (place, (segment, records)) in self.segments.iter().enumerate() {
            let mut found = vec![Found::default(); records.keys.len()];
            for (at, word) in sought.words.iter().enumerate() {
                self.find_word(segment, word, fuzzy, &mut tags, &mut found)?;
                for one in &mut found {
                    let still = at == 0 || one.total > 0;
                    one.total = if still && one.best > 0 { one.total.saturating_add(one.best) } else { 0 };
                    if at == 0 {
                        one.tag = one.best_tag;
                    }
                    one.best = 0;
                }
            }
            for (document, one) in found.iter().enumerate() {
                if one.total == 0 || !self.is_alive(place, document) {
                    continue;
                }
                lowest.push(Reverse((one.total, Reverse((place, document)), one.tag)));
                if lowest.len() > sought.limit {
                    lowest.pop();
                }
            }
        }
        let hits = lowest.into_sorted_vec().into_iter().filter_map(|Reverse((_, Reverse((place, document)), tag))| {
            let key = self.segments.get(place)?.1.keys.get(document)?;
            Some(Hit { key: key.to_string(), tag: tags.names.get(usize::from(tag))?.clone() })
        });
        Ok(hits.collect())
    }

    fn find_word(
        &self,
        segment: &SegmentReader,
        wanted: &Wanted,
        fuzzy: bool,
        tags: &mut Tags<'_>,
        found: &mut [Found],
    ) -> Result<()> {
        let inverted =
            segment.inverted_index(self.terms_field()).map_err(|error| Fault::broken("search_index", error))?;
        let mut mark = |info: &_, score: u16, tag: u16| {
            each_posting(&inverted, info, |document| {
                if let Some(one) = found.get_mut(document as usize)
                    && score > one.best
                {
                    (one.best, one.best_tag) = (score, tag);
                }
            })
        };
        let cut = term::cut(&wanted.word).0.as_bytes();
        let beginning = term::words_from(&wanted.word);
        let end = if wanted.open { after(&beginning) } else { after(&format!("{beginning}\0")) };
        let mut terms = inverted.terms().range().ge(&beginning).lt(end).into_stream().map_err(broken)?;
        while terms.advance() {
            let Some((word, tag)) = term::word_and_tag(terms.key()) else { continue };
            let Some((weight, number)) = tags.of(tag) else { continue };
            let near = if word == cut { SAME } else { BEGINS };
            mark(terms.value(), near * weight, number)?;
        }
        for (fact, tag) in &wanted.facts {
            if let Some((weight, number)) = tags.of(tag)
                && let Some(info) = inverted.terms().get(fact).map_err(broken)?
            {
                mark(&info, BEGINS * weight, number)?;
            }
        }
        if fuzzy && let Some(like) = Like::new(&wanted.word, wanted.open) {
            let mut terms = inverted.terms().search(like).into_stream().map_err(broken)?;
            while terms.advance() {
                let Some((_, tag)) = term::word_and_tag(terms.key()) else { continue };
                let Some((weight, number)) = tags.of(tag) else { continue };
                mark(terms.value(), ALIKE * weight, number)?;
            }
        }
        Ok(())
    }
}
