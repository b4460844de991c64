//! What a look finds is what reading every record would find: the same, in the same order, by the same fields.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use jiff::Timestamp;
use kernel::{Audience, Column, DataClass, Export, Fault, KeyClass, Result, Retention, TenantId, sealed_column};
use levenshtein_automata::{DFA, Distance, LevenshteinAutomatonBuilder};
use proptest::prelude::*;
use search::{Document, Index, Sought, Wanted, term};
use vault::{Cache, FileRootKey, KeyShelf, Keys, ShelfKey, Subject, Vault};

static CLASS: DataClass = DataClass {
    name: "search-index",
    purpose: "What is tested.",
    audience: Audience::Nobody,
    retention: Retention::Server,
    regional: false,
    export: Export::Never,
};
static COLUMN: Column = sealed_column("search_index", "file", KeyClass::Names, &CLASS);

/// Fields and what they weigh; one is hidden.
const FIELDS: [(&str, Option<u16>); 4] = [("name", Some(6)), ("email", Some(4)), ("note", Some(3)), ("secret", None)];

/// A shelf of keys in memory.
#[derive(Default)]
struct Shelf {
    keys: Mutex<BTreeMap<u32, Vec<u8>>>,
    salt: Mutex<Option<Vec<u8>>>,
}

fn unusable<T>(_: T) -> Fault {
    Fault::broken("test_shelf", "a lock is poisoned")
}

#[async_trait]
impl KeyShelf for Shelf {
    async fn keys(&self, _: TenantId, _: KeyClass) -> Result<Vec<ShelfKey>> {
        let keys = self.keys.lock().map_err(unusable)?;
        let key = |(version, wrapped): (&u32, &Vec<u8>)| ShelfKey {
            version: *version,
            wrapped: wrapped.clone(),
            created_at: Timestamp::UNIX_EPOCH,
        };
        Ok(keys.iter().map(key).collect())
    }

    async fn put_key(&self, _: TenantId, _: KeyClass, version: u32, wrapped: &[u8], _: Timestamp) -> Result<bool> {
        Ok(self.keys.lock().map_err(unusable)?.insert(version, wrapped.to_vec()).is_none())
    }

    async fn drop_key(&self, _: TenantId, _: KeyClass, _: u32) -> Result<()> {
        Ok(())
    }

    async fn drop_tenant(&self, _: TenantId) -> Result<(u64, u64)> {
        Ok((0, 0))
    }

    async fn is_gone(&self, _: TenantId) -> Result<bool> {
        Ok(false)
    }

    async fn salt(&self, _: TenantId, _: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.salt.lock().map_err(unusable)?.clone())
    }

    async fn put_salt(&self, _: TenantId, _: &str, salt: &[u8], _: Timestamp) -> Result<Vec<u8>> {
        *self.salt.lock().map_err(unusable)? = Some(salt.to_vec());
        Ok(salt.to_vec())
    }

    async fn drop_salt(&self, _: TenantId, _: &str) -> Result<bool> {
        Ok(false)
    }
}

fn keys(folder: &std::path::Path) -> Keys {
    let root = folder.join("root.key");
    FileRootKey::create(&root).unwrap();
    let root = Arc::new(FileRootKey::read(&root).unwrap());
    let vault = Vault::new(Arc::new(Shelf::default()), root);
    let subject = Subject::Cache(Cache::Search);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let keys = vault.keys_of(TenantId::fresh(), KeyClass::Names, subject, Timestamp::UNIX_EPOCH);
    runtime.block_on(keys).unwrap()
}

/// A record's words, each with the number of its field, and whether it has the option.
type Record = (Vec<(usize, String)>, bool);

fn option() -> (String, String) {
    (term::fact("tier", "gold"), "tier".to_owned())
}

fn weigh(tag: &str) -> Option<u16> {
    if tag == "tier" { Some(5) } else { FIELDS.iter().find(|(name, _)| *name == tag).and_then(|(_, weight)| *weight) }
}

fn document(key: &str, record: &Record) -> Document {
    let (words, has_option) = record;
    let mut terms: Vec<String> =
        words.iter().filter_map(|(field, word)| Some(term::word(FIELDS.get(*field)?.0, word))).collect();
    terms.extend(has_option.then(|| option().0));
    terms.sort_unstable();
    terms.dedup();
    Document { key: key.to_owned(), stamp: 0, terms }
}

fn forgiven(word: &str) -> usize {
    match word.len() {
        _ if word.starts_with(term::AS_IT_IS) => 0,
        0..4 => 0,
        4..8 => 1,
        _ => 2,
    }
}

/// What tells how many mistakes are in a word; none where none is forgiven.
fn like(wanted: &Wanted, most: usize) -> Option<DFA> {
    static BUILDERS: OnceLock<[LevenshteinAutomatonBuilder; 2]> = OnceLock::new();
    let builders = BUILDERS.get_or_init(|| [1, 2].map(|mistakes| LevenshteinAutomatonBuilder::new(mistakes, true)));
    let builder = builders.get(most.min(forgiven(&wanted.word)).checked_sub(1)?)?;
    Some(if wanted.open { builder.build_prefix_dfa(&wanted.word) } else { builder.build_dfa(&wanted.word) })
}

/// How near a word is in a record, and in which field: the nearest, and of equals the first.
fn mark(wanted: &Wanted, like: Option<&DFA>, record: &Document) -> Option<(u16, String)> {
    let mut best: Option<(u16, String)> = None;
    let mut with = |near: u16, tag: &str| {
        if let Some(score) = weigh(tag).map(|weight| near * weight)
            && best.as_ref().is_none_or(|(known, _)| score > *known)
        {
            best = Some((score, tag.to_owned()));
        }
    };
    let words: Vec<(&str, &str)> =
        record.terms.iter().filter_map(|term| term.strip_prefix('w')?.split_once('\0')).collect();
    for asked in [Some(&wanted.word), wanted.also.as_ref()].into_iter().flatten() {
        for (word, tag) in &words {
            if *word == asked.as_str() {
                with(32, tag);
            } else if wanted.open && word.starts_with(asked.as_str()) {
                with(16, tag);
            }
        }
    }
    for (fact, tag) in &wanted.facts {
        if record.terms.contains(fact) {
            with(16, tag);
        }
    }
    for (word, tag) in words.iter().filter(|(word, _)| !word.starts_with(term::AS_IT_IS)) {
        match like.map(|like| like.eval(word)) {
            Some(Distance::Exact(1)) => with(4, tag),
            Some(Distance::Exact(2)) => with(1, tag),
            _ => {}
        }
    }
    best
}

/// Every record is read, in the order in which they lie.
fn read_all(records: &[&Document], words: &[Wanted], limit: usize) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for most in 0..=words.iter().map(|wanted| forgiven(&wanted.word)).max().unwrap_or_default() {
        if all.len() >= limit || (words.len() > 1 && !all.is_empty()) {
            break;
        }
        let likes: Vec<Option<DFA>> = words.iter().map(|wanted| like(wanted, most)).collect();
        let mut found = Vec::new();
        for record in records.iter().filter(|record| all.iter().all(|(key, _)| *key != record.key)) {
            let marks: Option<Vec<_>> =
                words.iter().zip(&likes).map(|(wanted, like)| mark(wanted, like.as_ref(), record)).collect();
            let Some(marks) = marks else { continue };
            let total: u16 = marks.iter().map(|(score, _)| score).sum();
            found.extend(marks.into_iter().next().map(|(_, tag)| (total, record.key.clone(), tag)));
        }
        found.sort_by_key(|(total, ..)| std::cmp::Reverse(*total));
        all.extend(found.into_iter().map(|(_, key, tag)| (key, tag)));
        all.truncate(limit);
    }
    all
}

fn a_word() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[ab]{1,4}", 2 => "ab[abc]{3,4}", 2 => "abcabc[abc]{2,4}", 1 => "#[ab]{1,4}", 1 => "#abcabc[abc]{2,4}"]
}

fn a_record() -> impl Strategy<Value = Record> {
    (prop::collection::vec((0..FIELDS.len(), a_word()), 0..8), prop::bool::weighted(0.2))
}

/// A word, whether it may go on, whether the option's label has it, and another word that stands for it.
type Asked = (String, bool, bool, Option<String>);

fn asked() -> impl Strategy<Value = Vec<Asked>> {
    let also = prop::option::weighted(0.2, prop_oneof!["#[ab]{1,4}", "#abcabc[abc]{2,4}"]);
    let word = (a_word(), prop::bool::weighted(0.2), also);
    (prop::collection::vec(word, 1..4), any::<bool>()).prop_map(|(words, open)| {
        let last = words.len() - 1;
        let made = words.into_iter().enumerate();
        made.map(|(place, (word, has_option, also))| (word, open && place == last, has_option, also)).collect()
    })
}

fn wanted((word, open, has_option, also): &Asked) -> Wanted {
    let facts = has_option.then(option).into_iter().collect();
    Wanted { word: word.clone(), open: *open, facts, also: also.clone() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_look_finds_what_reading_all_finds(
        slices in prop::collection::vec(prop::collection::vec(a_record(), 1..60), 1..4),
        taken in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
        sought in prop::collection::vec((asked(), 1..40usize), 40),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let index = Index::create(&folder.path().join("index"), &keys(folder.path()), &COLUMN).unwrap();
        let mut there: BTreeMap<String, Document> = BTreeMap::new();
        for (number, slice) in slices.iter().enumerate() {
            let key = |place| format!("r{number}-{place}");
            let made = || slice.iter().enumerate().map(|(place, record)| document(&key(place), record));
            index.write(made().collect(), &[], 0).unwrap();
            there.extend(made().map(|document| (document.key.clone(), document)));
        }
        // Written anew, without a word: the old place stays among the others, and is no longer of any record.
        for one in taken {
            let key = there.keys().nth(one.index(there.len())).cloned().unwrap();
            let empty = || Document { key: key.clone(), stamp: 1, terms: Vec::new() };
            index.write(vec![empty()], &[], 0).unwrap();
            there.insert(key.clone(), empty());
        }
        let snapshot = index.snapshot();
        let all = snapshot.all();
        let records: Vec<&Document> = snapshot.keys(&all).filter_map(|key| there.get(key)).collect();
        prop_assert_eq!(records.len(), there.len());
        for (asked, limit) in &sought {
            let words: Vec<Wanted> = asked.iter().map(wanted).collect();
            let found = snapshot.look(&Sought { words: &words, weigh: &weigh, limit: *limit }).unwrap();
            let found: Vec<(String, String)> = found.into_iter().map(|hit| (hit.key, hit.tag)).collect();
            prop_assert_eq!(found, read_all(&records, &words, *limit), "{:?}, {} at most", asked, limit);
        }
    }
}

#[test]
fn an_index_settles_after_many_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    let index = Index::create(&path, &keys(folder.path()), &COLUMN).unwrap();
    let segments = || {
        let files = std::fs::read_dir(&path).unwrap().map(|file| file.unwrap().path());
        files.filter(|file| file.extension().is_some_and(|it| it == "store")).count()
    };
    for slice in 0..80 {
        let made = (0..100).map(|number| {
            let terms = (0..20).map(|word| term::word("name", &format!("{}", number * word * slice))).collect();
            Document { key: format!("r{slice}-{number}"), stamp: 0, terms }
        });
        index.write(made.collect(), &[], 0).unwrap();
        assert!(segments() < 16, "eight of a size are made one");
    }
    index.settle().unwrap();
    assert_eq!((segments(), index.snapshot().all().len()), (1, 8_000));
    index.write(Vec::new(), &["r7-7".into()], 1).unwrap();
    assert_eq!((segments(), index.snapshot().all().len()), (1, 7_999), "nothing is left of the file that held it");
}
