//! Words as somebody types them: the records that have all of them, the nearest first.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use kernel::Result;
use tantivy::postings::TermInfo;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, InvertedIndexReader, SegmentReader};

use crate::fuzzy::Like;
use crate::index::{Snapshot, after, broken, each_posting};
use crate::term;

/// How near a term is to a word, in steps that a field's weight multiplies.
const SAME: u16 = 8;
const BEGINS: u16 = 4;
const ALIKE: u16 = 1;
/// What a step from one posting to a wanted one costs in postings that are read through.
const STEP: u64 = 4;

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

/// How near a word is in one record, and the number of the tag it was found in; 0: it is not in it.
type Mark = (u16, u16);

/// A record that has all words up to now.
struct Candidate {
    document: u32,
    /// Of all words.
    total: u16,
    /// Which tag the first word was found in.
    tag: u16,
}

/// The terms of one segment that are a word, or stand for it.
#[derive(Default)]
struct Terms {
    /// With how near each is, and its tag.
    found: Vec<(TermInfo, Mark)>,
    /// How many records all of them name.
    postings: u64,
}

/// A record that is nearer than others is greater: by its score, then by its place. With it, the first word's tag.
type Near = (u16, Reverse<(usize, u32)>, u16);

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

impl Terms {
    fn push(&mut self, info: &TermInfo, near: u16, (weight, tag): (u16, u16)) {
        self.postings += u64::from(info.doc_freq);
        self.found.push((info.clone(), (near * weight, tag)));
    }

    /// What each record of the segment has of it.
    fn marks(&self, inverted: &InvertedIndexReader, documents: u32) -> Result<Vec<Mark>> {
        let mut marks = vec![(0, 0); documents as usize];
        for (info, mark) in &self.found {
            each_posting(inverted, info, |document| {
                if let Some(best) = marks.get_mut(document as usize).filter(|best| mark.0 > best.0) {
                    *best = *mark;
                }
            })?;
        }
        Ok(marks)
    }

    /// What some records have of it, which stand in their order.
    fn marks_of(&self, inverted: &InvertedIndexReader, documents: u32, some: &[Candidate]) -> Result<Vec<Mark>> {
        if (self.found.len() * some.len()) as u64 * STEP > self.postings {
            let all = self.marks(inverted, documents)?;
            return Ok(some.iter().map(|one| all.get(one.document as usize).copied().unwrap_or_default()).collect());
        }
        let mut marks = vec![(0, 0); some.len()];
        for (info, mark) in &self.found {
            let postings = inverted.read_postings_from_terminfo(info, IndexRecordOption::Basic);
            let mut postings = postings.map_err(broken)?;
            for (one, best) in some.iter().zip(&mut marks) {
                if postings.doc() < one.document {
                    postings.seek(one.document);
                }
                if postings.doc() == one.document && mark.0 > best.0 {
                    *best = *mark;
                }
            }
        }
        Ok(marks)
    }
}

impl Snapshot {
    /// The records that have all words, the nearest first. Where too few have a word as it is written, then those that have
    /// it with mistakes; of several words, which tell a record apart by themselves, only where none has them.
    pub fn look(&self, sought: &Sought<'_>) -> Result<Vec<Hit>> {
        let mut all = self.look_once(sought, false)?;
        if all.len() >= sought.limit || (sought.words.len() > 1 && !all.is_empty()) {
            return Ok(all);
        }
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
        for (place, (segment, _)) in self.segments.iter().enumerate() {
            for one in self.candidates(segment, sought.words, fuzzy, &mut tags)? {
                let near = (one.total, Reverse((place, one.document)), one.tag);
                let is_full = lowest.len() >= sought.limit;
                if is_full && lowest.peek().is_none_or(|Reverse(last)| near < *last) {
                    continue;
                }
                if self.is_alive(place, one.document as usize) {
                    lowest.push(Reverse(near));
                    if is_full {
                        lowest.pop();
                    }
                }
            }
        }
        let hits = lowest.into_sorted_vec().into_iter().filter_map(|Reverse((_, Reverse((place, document)), tag))| {
            let key = self.segments.get(place)?.1.keys.get(document as usize)?;
            Some(Hit { key: key.to_string(), tag: tags.names.get(usize::from(tag))?.clone() })
        });
        Ok(hits.collect())
    }

    /// The records of a segment that have all words: those of the rarest word, and of them those that have the next.
    fn candidates(
        &self,
        segment: &SegmentReader,
        words: &[Wanted],
        fuzzy: bool,
        tags: &mut Tags<'_>,
    ) -> Result<Vec<Candidate>> {
        let inverted = segment.inverted_index(self.terms_field()).map_err(broken)?;
        let mut terms = Vec::new();
        for (at, word) in words.iter().enumerate() {
            let found = terms_of(&inverted, word, fuzzy, tags)?;
            if found.postings == 0 {
                return Ok(Vec::new());
            }
            terms.push((at, found));
        }
        terms.sort_by_key(|(_, found)| found.postings);
        let mut candidates: Option<Vec<Candidate>> = None;
        for (at, found) in &terms {
            let with = |document: u32, before: Option<&Candidate>, (near, tag): Mark| Candidate {
                document,
                total: before.map_or(0, |it| it.total).saturating_add(near),
                tag: before.filter(|_| *at != 0).map_or(tag, |it| it.tag),
            };
            candidates = Some(match candidates {
                None => {
                    let marks = found.marks(&inverted, segment.max_doc())?;
                    let marked = (0..).zip(marks).filter(|(_, mark)| mark.0 > 0);
                    marked.map(|(document, mark)| with(document, None, mark)).collect()
                }
                Some(before) => {
                    let marks = found.marks_of(&inverted, segment.max_doc(), &before)?;
                    let both = before.iter().zip(marks).filter(|(_, mark)| mark.0 > 0);
                    both.map(|(one, mark)| with(one.document, Some(one), mark)).collect()
                }
            });
        }
        Ok(candidates.unwrap_or_default())
    }
}

fn terms_of(inverted: &InvertedIndexReader, wanted: &Wanted, fuzzy: bool, tags: &mut Tags<'_>) -> Result<Terms> {
    let mut all = Terms::default();
    let cut = term::cut(&wanted.word).0.as_bytes();
    let beginning = term::words_from(&wanted.word);
    let end = if wanted.open { after(&beginning) } else { after(&format!("{beginning}\0")) };
    let mut terms = inverted.terms().range().ge(&beginning).lt(end).into_stream().map_err(broken)?;
    while terms.advance() {
        let Some((word, tag)) = term::word_and_tag(terms.key()) else { continue };
        if let Some(tag) = tags.of(tag) {
            all.push(terms.value(), if word == cut { SAME } else { BEGINS }, tag);
        }
    }
    for (fact, tag) in &wanted.facts {
        if let Some(tag) = tags.of(tag)
            && let Some(info) = inverted.terms().get(fact).map_err(broken)?
        {
            all.push(&info, BEGINS, tag);
        }
    }
    if fuzzy && let Some(like) = Like::new(&wanted.word, wanted.open) {
        let mut terms = inverted.terms().search(like).into_stream().map_err(broken)?;
        while terms.advance() {
            let Some((_, tag)) = term::word_and_tag(terms.key()) else { continue };
            if let Some(tag) = tags.of(tag) {
                all.push(terms.value(), ALIKE, tag);
            }
        }
    }
    Ok(all)
}
