//! Words that are nearly the one that was written, among the terms of words.

use std::sync::OnceLock;

use levenshtein_automata::{DFA, Distance, LevenshteinAutomatonBuilder, SINK_STATE};
use tantivy_fst::Automaton;

use crate::term::AS_IT_IS;

/// Letters that a word has at least before one mistake in it is forgiven, and before two are.
const ONE_FROM: usize = 4;
const TWO_FROM: usize = 8;

/// Making these takes milliseconds, using them microseconds.
fn builder(mistakes: u8) -> &'static LevenshteinAutomatonBuilder {
    static ONE: OnceLock<LevenshteinAutomatonBuilder> = OnceLock::new();
    static TWO: OnceLock<LevenshteinAutomatonBuilder> = OnceLock::new();
    let place = if mistakes == 1 { &ONE } else { &TWO };
    place.get_or_init(|| LevenshteinAutomatonBuilder::new(mistakes, true))
}

/// How many mistakes in a word are forgiven: none in words too short to be mistaken in, and in those that are looked for as they are.
pub(crate) fn forgiven(word: &str) -> u8 {
    if word.starts_with(AS_IT_IS) {
        return 0;
    }
    match word.chars().count() {
        0..ONE_FROM => 0,
        ONE_FROM..TWO_FROM => 1,
        _ => 2,
    }
}

/// Accepts the terms of words that are like one word.
pub(crate) struct Like(DFA);

#[derive(Clone, Copy)]
pub(crate) enum State {
    Before,
    Within(u32),
    /// In the tag of a word that is alike.
    Behind,
    Nowhere,
}

impl Like {
    /// With one mistake or two. `open`: whatever begins like it is like it.
    pub(crate) fn new(word: &str, open: bool, mistakes: u8) -> Self {
        let builder = builder(mistakes);
        Self(if open { builder.build_prefix_dfa(word) } else { builder.build_dfa(word) })
    }

    /// How many mistakes tell a word from it; none if they are too many.
    pub(crate) fn mistakes_in(&self, word: &[u8]) -> Option<u8> {
        match self.0.eval(word) {
            Distance::Exact(mistakes) => Some(mistakes),
            Distance::AtLeast(_) => None,
        }
    }

    fn is_alike(&self, state: u32) -> bool {
        matches!(self.0.distance(state), Distance::Exact(_))
    }
}

impl Automaton for Like {
    type State = State;

    fn start(&self) -> State {
        State::Before
    }

    fn is_match(&self, state: &State) -> bool {
        matches!(state, State::Behind)
    }

    fn can_match(&self, state: &State) -> bool {
        !matches!(state, State::Nowhere)
    }

    fn accept(&self, state: &State, byte: u8) -> State {
        match (*state, byte) {
            (State::Before, b'w') => State::Within(self.0.initial_state()),
            (State::Behind, _) => State::Behind,
            (State::Within(state), 0) if self.is_alike(state) => State::Behind,
            (State::Within(state), byte) if byte != 0 => match self.0.transition(state, byte) {
                SINK_STATE => State::Nowhere,
                next => State::Within(next),
            },
            _ => State::Nowhere,
        }
    }
}
