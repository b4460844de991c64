//! What one segment has of one word: its terms in tiers, the nearest first. Start at [`Tiers::of`].
//!
//! The words of a segment are held as a list, so that of the thousands that begin alike none is read from the dictionary.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use kernel::Result;
use tantivy::InvertedIndexReader;
use tantivy::postings::{BlockSegmentPostings, TermInfo};
use tantivy::termdict::{TermDictionary, TermOrdinal};

use crate::fuzzy::{self, Like};
use crate::index::{after, broken};
use crate::look::Wanted;
use crate::term;

/// How near a term is to a word, in steps that a field's weight multiplies. The steps down to mistakes are greater than what
/// the weights of two fields differ by: a word that is nearer comes first, whatever field it is in.
const SAME: u16 = 32;
const BEGINS: u16 = 16;
const ONE_MISTAKE: u16 = 4;
const TWO_MISTAKES: u16 = 1;

/// Where the records of a term are written, and how many they are.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    from: u32,
    to: u32,
    pub(crate) records: u32,
}

impl Run {
    pub(crate) fn of(info: &TermInfo) -> Result<Self> {
        let [from, to] = [info.postings_range.start, info.postings_range.end].map(u32::try_from);
        Ok(Self { from: from.map_err(broken)?, to: to.map_err(broken)?, records: info.doc_freq })
    }

    /// As tantivy has it.
    pub(crate) fn info(self) -> TermInfo {
        let postings_range = self.from as usize..self.to as usize;
        TermInfo { doc_freq: self.records, postings_range, positions_range: 0..0 }
    }
}

/// All words of a segment in the dictionary's order, so that no term must be read to know its field and its records.
pub(crate) struct Words {
    /// Where they begin in the dictionary.
    first: TermOrdinal,
    /// With the number of each word's tag.
    runs: Vec<(Run, u16)>,
    tags: Vec<Box<str>>,
}

impl Words {
    /// Reads them once.
    pub(crate) fn read(terms: &TermDictionary) -> Result<Self> {
        let first = place_of(terms, term::words_from("").as_bytes())?;
        let mut made = Self { first, runs: Vec::new(), tags: Vec::new() };
        let mut known: HashMap<Box<str>, u16> = HashMap::new();
        let mut all = terms.range().ge(term::words_from("")).into_stream().map_err(broken)?;
        while all.advance() {
            let tag = term::word_and_tag(all.key()).map_or("", |(_, tag)| tag);
            let number = match known.get(tag) {
                Some(number) => *number,
                None => {
                    let number = u16::try_from(made.tags.len()).map_err(broken)?;
                    known.insert(tag.into(), number);
                    made.tags.push(tag.into());
                    number
                }
            };
            made.runs.push((Run::of(all.value())?, number));
        }
        Ok(made)
    }

    /// From one place in the dictionary to another.
    fn between(&self, from: TermOrdinal, to: TermOrdinal) -> &[(Run, u16)] {
        let [from, to] =
            [from, to].map(|place| usize::try_from(place.saturating_sub(self.first)).unwrap_or(usize::MAX));
        self.runs.get(from..to).unwrap_or_default()
    }
}

/// A term.
pub(crate) struct Term<'a> {
    pub(crate) run: Run,
    pub(crate) tag: &'a str,
}

/// The terms of one segment that are a word, or stand for it, by how near they are; of one tier in the dictionary's order.
pub(crate) struct Tiers<'a>(pub(crate) BTreeMap<Reverse<u16>, Vec<Term<'a>>>);

/// With how many mistakes a word is looked for.
#[derive(Clone, Copy)]
pub(crate) enum With {
    /// So many, or fewer.
    UpTo(u8),
    /// So many; the records that have the word as it is written are known already.
    Just(u8),
}

/// A segment's words with what each tag weighs.
struct Weights<'a> {
    words: &'a Words,
    weights: Vec<Option<(&'a str, u16)>>,
}

impl<'a> Weights<'a> {
    fn between(&self, from: TermOrdinal, to: TermOrdinal) -> impl Iterator<Item = (Term<'a>, u16)> {
        self.words.between(from, to).iter().filter_map(|(run, tag)| {
            let (tag, weight) = (*self.weights.get(usize::from(*tag))?)?;
            Some((Term { run: *run, tag }, weight))
        })
    }
}

impl<'a> Tiers<'a> {
    /// Of a word, in the fields that weigh something.
    pub(crate) fn of(
        terms: &TermDictionary,
        words: &'a Words,
        wanted: &'a Wanted,
        with: With,
        weigh: &dyn Fn(&str) -> Option<u16>,
    ) -> Result<Self> {
        let mut made = Self(BTreeMap::new());
        let weights = words.tags.iter().map(|tag| weigh(tag).map(|weight| (tag.as_ref(), weight)));
        let weights = Weights { words, weights: weights.collect() };
        let (With::UpTo(mistakes) | With::Just(mistakes)) = with;
        if mistakes == 0 || matches!(with, With::UpTo(_)) {
            for word in [Some(&wanted.word), wanted.also.as_ref()].into_iter().flatten() {
                made.as_written(terms, (word.as_str(), wanted.open), &weights)?;
            }
            for (fact, tag) in &wanted.facts {
                if let Some(weight) = weigh(tag)
                    && let Some(info) = terms.get(fact).map_err(broken)?
                {
                    made.push(Term { run: Run::of(&info)?, tag }, BEGINS, weight);
                }
            }
        }
        let mistakes = mistakes.min(fuzzy::forgiven(&wanted.word));
        if mistakes > 0 {
            let like = Like::new(&wanted.word, wanted.open, mistakes);
            let mut alike = terms.search(&like).into_stream().map_err(broken)?;
            while alike.advance() {
                let word = term::word_and_tag(alike.key()).map_or(b"".as_slice(), |(word, _)| word);
                if word.starts_with(term::AS_IT_IS.as_bytes()) {
                    continue;
                }
                let near = match like.mistakes_in(word) {
                    Some(1) => ONE_MISTAKE,
                    Some(2) => TWO_MISTAKES,
                    _ => continue,
                };
                let place = alike.term_ord();
                weights.between(place, place + 1).for_each(|(term, weight)| made.push(term, near, weight));
            }
        }
        Ok(made)
    }

    fn as_written(&mut self, terms: &TermDictionary, (word, open): (&str, bool), weights: &Weights<'a>) -> Result<()> {
        let beginning = term::words_from(word);
        let whole = format!("{beginning}\0");
        let from = place_of(terms, beginning.as_bytes())?;
        let longer = place_of(terms, &after(&whole))?;
        weights.between(from, longer).for_each(|(term, weight)| self.push(term, SAME, weight));
        if open {
            let end = place_of(terms, &after(&beginning))?;
            weights.between(longer, end).for_each(|(term, weight)| self.push(term, BEGINS, weight));
        }
        Ok(())
    }

    fn push(&mut self, term: Term<'a>, near: u16, weight: u16) {
        let score = near.saturating_mul(weight);
        if score > 0 {
            self.0.entry(Reverse(score)).or_default().push(term);
        }
    }

    /// The terms with how near they are, the nearest first.
    pub(crate) fn terms(&self) -> impl Iterator<Item = (u16, &Term<'a>)> {
        self.0.iter().flat_map(|(score, terms)| terms.iter().map(|term| (score.0, term)))
    }
}

/// The place of the first term that is not before a key.
fn place_of(terms: &TermDictionary, key: &[u8]) -> Result<TermOrdinal> {
    let mut behind = terms.range().ge(key).into_stream().map_err(broken)?;
    Ok(if behind.advance() { behind.term_ord() } else { terms.num_terms() as TermOrdinal })
}

/// Reads the records of terms, one term after the other.
pub(crate) struct Postings<'a> {
    inverted: &'a InvertedIndexReader,
    blocks: BlockSegmentPostings,
}

impl<'a> Postings<'a> {
    pub(crate) fn new(inverted: &'a InvertedIndexReader) -> Self {
        Self { inverted, blocks: BlockSegmentPostings::empty() }
    }

    /// The records of a term in their order, those that were taken out too, until `each` says no.
    pub(crate) fn each(&mut self, run: Run, mut each: impl FnMut(u32) -> bool) -> Result<()> {
        self.inverted.reset_block_postings_from_terminfo(&run.info(), &mut self.blocks).map_err(broken)?;
        while !self.blocks.docs().is_empty() {
            if !self.blocks.docs().iter().all(|document| each(*document)) {
                break;
            }
            self.blocks.advance();
        }
        Ok(())
    }
}
