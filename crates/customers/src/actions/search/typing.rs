//! Words as somebody types them, over every field that they may see.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kernel::{Cx, Fault, FieldFault, Result};
use search::{Hit, Sought, Wanted, term};
use vault::Open;
use zeroize::Zeroizing;

use super::document::{self, tag_of};
use super::{Ready, of_key, ready};
use crate::Room;
use crate::actions::directory::{self, Sorted};
use crate::actions::fields::OpenField;
use crate::actions::records::Reader;
use crate::actions::turned::Turned;
use crate::actions::{access, queries};
use crate::model::{Entity, FieldId, Permission, Value};
use crate::query::catalogue::BuiltIn;
use crate::query::text;
use crate::query::typed::Reads;
use crate::rules::{TEXT_CHARS, phone};

/// Words that are looked for at once.
const WORDS: usize = 10;
/// Names are what people look for first, then addresses, then the rest.
const NAME: u16 = 6;
const EMAIL: u16 = 4;
const VALUE: u16 = 3;

/// A record that was found.
pub(crate) struct Found {
    pub(crate) entity: Entity,
    pub(crate) id: String,
    pub(crate) name: Zeroizing<String>,
    pub(crate) email: Option<Zeroizing<String>>,
    /// The field that it was found by, and what that holds; none for names and addresses.
    pub(crate) field: Option<(FieldId, Open<Value>)>,
}

/// A value that is to be shown: of the record at a place, of a field, beside the hit of a number.
type Wish = (usize, FieldId, usize);

/// What somebody may look into.
struct Sight {
    fields: Vec<OpenField>,
    entities: BTreeSet<&'static str>,
}

impl Sight {
    async fn of(cx: &Cx, room: &Room) -> Result<Self> {
        let mut entities = BTreeSet::new();
        for entity in [Entity::Customer, Entity::Organization] {
            if access::held(cx, room, Some(entity)).await?.contains(&Permission::Browse) {
                entities.insert(entity.name());
            }
        }
        Ok(Self { fields: queries::queryable(cx, room).await?, entities })
    }

    fn weights(&self) -> HashMap<String, u16> {
        let own = self.fields.iter().map(|field| (document::tag(field.id), VALUE));
        let of_directory = [(BuiltIn::Name, NAME), (BuiltIn::Email, EMAIL), (BuiltIn::Id, VALUE)];
        own.chain(of_directory.into_iter().map(|(it, weight)| (tag_of(it).to_owned(), weight))).collect()
    }

    /// What somebody types, in the ways that it may be meant: neighbouring groups of digits are one telephone number; then each word is
    /// one. None: there is no word in it.
    fn ways(&self, written: &str) -> Vec<Vec<Wanted>> {
        let folded = text::fold(written);
        let typing = folded.chars().next_back().is_some_and(char::is_alphanumeric) && !written.ends_with(' ');
        let words: Vec<&str> = text::words(&folded).take(WORDS).collect();
        let Some(last) = words.len().checked_sub(1) else { return Vec::new() };
        let each = words.iter().enumerate().map(|(place, word)| self.wanted(word, typing && place == last));
        self.numbers(&words, typing).into_iter().chain([each.collect()]).collect()
    }

    /// The words, of which several neighbouring ones are one number; none where there is no such.
    fn numbers(&self, words: &[&str], typing: bool) -> Option<Vec<Wanted>> {
        let (mut wanted, mut done, mut found) = (Vec::new(), 0, false);
        for group in words.chunk_by(|one, next| is_digits(one) && is_digits(next)) {
            done += group.len();
            let open = typing && done == words.len();
            match number(group).filter(|_| group.len() > 1) {
                Some(word) => {
                    found = true;
                    wanted.push(Wanted { word, open, facts: Vec::new(), also: None });
                }
                None => {
                    let last = group.len() - 1;
                    let each = group.iter().enumerate();
                    wanted.extend(each.map(|(place, word)| self.wanted(word, open && place == last)));
                }
            }
        }
        found.then_some(wanted)
    }

    /// A word, with the options whose labels have it, and with the number that it is a part of.
    fn wanted(&self, word: &str, open: bool) -> Wanted {
        let mut facts = Vec::new();
        for field in &self.fields {
            let tag = document::tag(field.id);
            for option in &field.body.peek().options {
                let label = text::fold(&option.label);
                let has = text::words(&label).any(|of| if open { of.starts_with(word) } else { of == word });
                if has {
                    facts.push((document::exact_fact(&tag, &option.id.to_string()), tag.clone()));
                }
            }
        }
        let also = if is_digits(word) { number(&[word]) } else { None };
        Wanted { word: word.to_owned(), open, facts, also }
    }
}

fn is_digits(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_digit())
}

/// The word that a telephone number is found by of which somebody types these digits; none for so few that they are in nearly all.
fn number(groups: &[&str]) -> Option<String> {
    let digits = phone::joined(groups.iter().copied());
    (digits.len() >= phone::FOUND_BY).then(|| term::as_it_is(&digits))
}

/// The records nearest to what somebody types; none, and false, while there is no index yet.
pub(crate) async fn look(cx: &Cx, room: &Room, written: &str, limit: usize) -> Result<(Vec<Found>, bool)> {
    let sight = Sight::of(cx, room).await?;
    if sight.entities.is_empty() {
        access::require(cx, room, Permission::Browse).await?;
    }
    if written.chars().count() > TEXT_CHARS {
        return Err(Fault::invalid_fields(vec![FieldFault {
            pointer: "/q".to_owned(),
            code: "too_long",
            detail: format!("A text to search for has at most {TEXT_CHARS} characters."),
            limit: Some(TEXT_CHARS as u64),
        }]));
    }
    let sorted = directory::sorted(cx, room).await?;
    let Some(ready) = ready(cx, room, &sorted).await? else { return Ok((Vec::new(), false)) };
    let weights = sight.weights();
    let mut hits: Vec<Hit> = Vec::new();
    for words in sight.ways(written) {
        let weigh = |tag: &str| weights.get(tag).copied();
        // Of both entities as many are asked for as are wanted: one may not be shown.
        for hit in ready.snapshot.look(&Sought { words: &words, weigh: &weigh, limit: limit * 2 })? {
            if !hits.iter().any(|known| known.key == hit.key) {
                hits.push(hit);
            }
        }
    }
    let fields: HashMap<String, &OpenField> =
        sight.fields.iter().map(|field| (document::tag(field.id), field)).collect();
    let mut found = Vec::new();
    let mut wanted: BTreeMap<&'static str, (Entity, Vec<Wish>)> = BTreeMap::new();
    for hit in hits {
        let (Some((entity, id)), Some(place)) = (of_key(&hit.key), ready.places.get(&hit.key)) else { continue };
        if !sight.entities.contains(entity.name()) || found.len() == limit {
            continue;
        }
        // Who was merged is found under whom they were merged into.
        let merged = entity == Entity::Customer && sorted.customers.get(*place).is_some_and(|line| line.merged);
        let Some((name, email)) = names(&sorted, entity, *place).filter(|_| !merged) else { continue };
        if let Some(field) = fields.get(&hit.tag) {
            wanted.entry(entity.name()).or_insert_with(|| (entity, Vec::new())).1.push((*place, field.id, found.len()));
        }
        found.push(Found { entity, id: id.to_owned(), name, email, field: None });
    }
    let turned = Turned::of(&sight.fields);
    for (entity, places) in wanted.into_values() {
        let reads = Reads { own: places.iter().map(|(_, field, _)| *field).collect(), ..Reads::default() };
        let reader = Reader { cx, room, sorted: &sorted, entity, reads: &reads, turned: &turned };
        let records = reader.read(&places.iter().map(|(place, ..)| *place).collect::<Vec<_>>()).await?;
        for (mut record, (_, field, at)) in records.into_iter().zip(places) {
            if let (Some(value), Some(one)) = (record.own.values.remove(&field), found.get_mut(at)) {
                one.field = Some((field, value));
            }
        }
    }
    Ok((found, true))
}

fn names(sorted: &Sorted, entity: Entity, place: usize) -> Option<(Zeroizing<String>, Option<Zeroizing<String>>)> {
    match entity {
        Entity::Customer => sorted.customers.get(place).map(|line| (line.name.clone(), line.email.clone())),
        Entity::Organization => sorted.organizations.get(place).map(|line| (line.name.clone(), None)),
    }
}

/// The places of one entity's records that have all these words somewhere that the caller may see.
pub(crate) async fn places_of(
    cx: &Cx,
    room: &Room,
    ready: &Ready,
    entity: Entity,
    texts: &[String],
) -> Result<BTreeSet<usize>> {
    let sight = Sight::of(cx, room).await?;
    let weights = sight.weights();
    let mut all = ready.snapshot.all();
    for text in texts {
        let ways = sight.ways(text);
        if ways.is_empty() {
            continue;
        }
        let mut any = ready.snapshot.none();
        for words in ways {
            let mut having = ready.snapshot.all();
            for wanted in words {
                having = having.and(&ready.snapshot.having_word(&wanted, &|tag| weights.contains_key(tag))?);
            }
            any = any.or(&having);
        }
        all = all.and(&any);
    }
    let keys = ready.snapshot.keys(&all).filter(|key| of_key(key).is_some_and(|(of, _)| of == entity));
    Ok(keys.filter_map(|key| ready.places.get(key).copied()).collect())
}
