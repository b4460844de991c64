//! Who may be the same person twice: what two have alike, found without comparing everybody with everybody. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::query::text;

/// What more share than these is a desk's, a company's or a common name: it tells nothing of a person.
const SHARED: usize = 8;
/// Neighbours that a name is compared with, in each of two orders: the work grows with the names, not with their square.
const NEIGHBOURS: usize = 10;
/// Two letters in sixteen, or one in eight.
const ALIKE: f64 = 0.87;
/// Names with fewer letters are alike by chance.
const LETTERS: usize = 7;
/// Pairs that are told: more is a site's other problem.
pub(crate) const PAIRS: usize = 2_000;

/// What two people have alike, the most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LikenessReason)]
pub(crate) enum Reason {
    /// An e-mail address, without regard to case.
    Email,
    /// A telephone number.
    Phone,
    /// All words of their names.
    SameName,
    /// Names that differ by a letter or two.
    LikeName,
}

/// What is known of one person.
#[derive(Default)]
pub(crate) struct Marks {
    pub(crate) name: Zeroizing<String>,
    pub(crate) emails: Vec<Zeroizing<String>>,
    /// As they are stored: E.164.
    pub(crate) phones: Vec<Zeroizing<String>>,
}

/// Two people by their places, the first one first, and why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) first: usize,
    pub(crate) second: usize,
    pub(crate) reasons: BTreeSet<Reason>,
}

/// The likeliest pairs first; and whether there are more than are told.
pub(crate) fn pairs(people: &[Marks]) -> (Vec<Pair>, bool) {
    let mut found: BTreeMap<(usize, usize), BTreeSet<Reason>> = BTreeMap::new();
    let mut note = |a: usize, b: usize, reason: Reason| {
        if a != b {
            found.entry((a.min(b), a.max(b))).or_default().insert(reason);
        }
    };
    let emails = people.iter().map(|one| one.emails.iter().map(|email| Zeroizing::new(email.to_lowercase())).collect());
    equal(emails, |a, b| note(a, b, Reason::Email));
    let phones = people.iter().map(|one| one.phones.clone());
    equal(phones, |a, b| note(a, b, Reason::Phone));
    let names: Vec<Zeroizing<String>> = people.iter().map(|one| name_words(&one.name)).collect();
    let whole = names.iter().map(|name| if is_telling(name) { vec![name.clone()] } else { Vec::new() });
    equal(whole, |a, b| note(a, b, Reason::SameName));
    alike(&names, |a, b| note(a, b, Reason::LikeName));
    let mut pairs: Vec<Pair> =
        found.into_iter().map(|((first, second), reasons)| Pair { first, second, reasons }).collect();
    // More reasons tell more than one; then the most telling one.
    pairs.sort_by(|a, b| {
        let rank = |pair: &Pair| (std::cmp::Reverse(pair.reasons.len()), pair.reasons.first().copied());
        rank(a).cmp(&rank(b)).then((a.first, a.second).cmp(&(b.first, b.second)))
    });
    let more = pairs.len() > PAIRS;
    pairs.truncate(PAIRS);
    (pairs, more)
}

/// The words of a name without case and accents, in one order: `Lovelace, Ada` is `ada lovelace`.
fn name_words(name: &str) -> Zeroizing<String> {
    let folded = text::fold(name);
    let mut words: Vec<&str> = text::words(&folded).collect();
    words.sort_unstable();
    Zeroizing::new(words.join(" "))
}

/// A first name alone is many people's.
fn is_telling(name: &str) -> bool {
    name.contains(' ') && name.chars().filter(|c| c.is_alphanumeric()).count() >= LETTERS
}

/// Tells each two that have a mark in common, unless too many have it.
fn equal(marks: impl Iterator<Item = Vec<Zeroizing<String>>>, mut tell: impl FnMut(usize, usize)) {
    let mut marked: Vec<(Zeroizing<String>, usize)> = marks
        .enumerate()
        .flat_map(|(place, marks)| marks.into_iter().map(move |mark| (mark, place)))
        .filter(|(mark, _)| !mark.is_empty())
        .collect();
    marked.sort_by(|a, b| (a.0.as_str(), a.1).cmp(&(b.0.as_str(), b.1)));
    // Who has the same twice has it once.
    marked.dedup();
    for having in marked.chunk_by(|a, b| a.0 == b.0).filter(|having| having.len() <= SHARED) {
        for (nth, (_, a)) in having.iter().enumerate() {
            having.iter().skip(nth + 1).for_each(|(_, b)| tell(*a, *b));
        }
    }
}

/// Tells each two whose names are nearly the same, looking among neighbours.
fn alike(names: &[Zeroizing<String>], mut tell: impl FnMut(usize, usize)) {
    let telling: Vec<usize> =
        (0..names.len()).filter(|place| names.get(*place).is_some_and(|n| is_telling(n))).collect();
    let forward = |place: usize| names.get(place).cloned().unwrap_or_default();
    let backward = |place: usize| Zeroizing::new(forward(place).chars().rev().collect::<String>());
    let orders: [&dyn Fn(usize) -> Zeroizing<String>; 2] = [&forward, &backward];
    for order in orders {
        let mut keyed: Vec<(Zeroizing<String>, usize)> = telling.iter().map(|place| (order(*place), *place)).collect();
        keyed.sort_by(|a, b| (a.0.as_str(), a.1).cmp(&(b.0.as_str(), b.1)));
        // The same name once: many of one name would push what is nearly it out of sight.
        keyed.dedup_by(|a, b| a.0 == b.0);
        for (nth, (name, place)) in keyed.iter().enumerate() {
            for (other, of) in keyed.iter().skip(nth + 1).take(NEIGHBOURS) {
                let words = |text: &str| text.split(' ').count();
                if words(name) == words(other) && strsim::normalized_damerau_levenshtein(name, other) >= ALIKE {
                    tell(*place, *of);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "a test stops where it is wrong")]
    use super::*;

    fn person(name: &str, emails: &[&str], phones: &[&str]) -> Marks {
        let own = |texts: &[&str]| texts.iter().map(|text| Zeroizing::new((*text).to_owned())).collect();
        Marks { name: Zeroizing::new(name.to_owned()), emails: own(emails), phones: own(phones) }
    }

    #[track_caller]
    fn check(a: Marks, b: Marks, expected: &[Reason]) {
        let (found, more) = pairs(&[a, person("Somebody Else", &[], &[]), b]);
        assert!(!more);
        let reasons: Vec<Reason> = found.iter().flat_map(|pair| pair.reasons.iter().copied()).collect();
        assert_eq!(reasons, expected);
        assert!(found.iter().all(|pair| (pair.first, pair.second) == (0, 2)));
    }

    #[test]
    fn two_are_alike_by_what_they_share() {
        use Reason::{Email, LikeName, Phone, SameName};
        let none: [&str; 0] = [];
        for (a, b, expected) in [
            (person("Ana", &["ana@example.com"], &none), person("A.", &["ANA@Example.com"], &none), vec![Email]),
            // Who wrote it so wanted two.
            (person("Ana", &["ana+shop@example.com"], &none), person("A.", &["ana@example.com"], &none), vec![]),
            (person("Ana", &none, &["+4940123456"]), person("Bo", &none, &["+4940123456"]), vec![Phone]),
            (person("Ada Lovelace", &none, &none), person("LOVELACE, Ada", &none, &none), vec![SameName]),
            (person("Zoë Müller", &none, &none), person("Zoe Muller", &none, &none), vec![SameName]),
            (person("Jonathan Brandt", &none, &none), person("Jonathon Brandt", &none, &none), vec![LikeName]),
            // The first letter is another one: neighbours when they are read backwards.
            (person("Katharina Olsen", &none, &none), person("Catharina Olsen", &none, &none), vec![LikeName]),
            (person("Ana", &none, &none), person("Ana", &none, &none), vec![]),
            (person("Jan Bo", &none, &none), person("Jan Bu", &none, &none), vec![]),
            (person("", &[""], &[""]), person("", &[""], &[""]), vec![]),
            (
                person("Ana Ferreira", &["a@example.com"], &["+4940123456"]),
                person("Ferreira Ana", &["a@example.com"], &["+4940123456"]),
                vec![Email, Phone, SameName],
            ),
        ] {
            check(a, b, &expected);
        }
    }

    #[test]
    fn what_many_share_tells_nothing() {
        let desk: Vec<Marks> = (0..=SHARED).map(|_| person("Front Desk", &["info@example.com"], &[])).collect();
        assert_eq!(pairs(&desk).0, []);
        let few: Vec<Marks> = (0..SHARED).map(|_| person("Front Desk", &["info@example.com"], &[])).collect();
        assert_eq!(pairs(&few).0.len(), SHARED * (SHARED - 1) / 2);
    }

    #[test]
    fn the_likeliest_come_first_and_no_more_than_are_told() {
        let mut people = vec![person("Anna Lindqvist", &[], &[]), person("Anna Lindqwist", &[], &[])];
        for nth in 0..=PAIRS {
            let email = format!("{nth}@example.com");
            people.push(person(&format!("A{nth}"), &[&email], &[]));
            people.push(person(&format!("B{nth}"), &[&email], &[]));
        }
        people.push(person("Same Person", &["p@example.com"], &["+4940123456"]));
        people.push(person("Person Same", &["p@example.com"], &["+4940123456"]));
        let (found, more) = pairs(&people);
        assert!(more);
        assert_eq!(found.len(), PAIRS);
        assert_eq!(found[0].reasons.len(), 3);
        assert!(found.iter().all(|pair| !pair.reasons.contains(&Reason::LikeName)));
    }
}
