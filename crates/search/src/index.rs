//! One index: opened or made in a folder, written to, looked into through snapshots.

use std::collections::HashMap;
use std::fs::{self, File};
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use fixedbitset::FixedBitSet;
use kernel::{Column, Fault, Result, RowName};
use tantivy::index::SegmentId;
use tantivy::indexer::{IndexWriter, LogMergePolicy, MergePolicy, NoMergePolicy};
use tantivy::postings::TermInfo;
use tantivy::schema::{Field, IndexRecordOption, NumericOptions, STORED, Schema, TextFieldIndexing, TextOptions};
use tantivy::{IndexReader, ReloadPolicy, Searcher, SegmentMeta, SegmentReader, TantivyDocument, Term};
use vault::{Keys, Place};

use crate::folder::Folder;
use crate::set::Set;
use crate::tiers::{Postings, Run, Words};

/// Memory that documents gather in before they become a segment: the least that tantivy takes.
const WRITER_BYTES: usize = 15_000_000;
/// The file whose lock says that the folder is in use. It holds nothing.
const LOCK: &str = "lock";
/// Where tantivy says which segments there are.
const META: &str = "meta.json";

/// A record as it is found.
pub struct Document {
    /// Which record.
    pub key: String,
    /// Whatever tells its owner that it must be written anew.
    pub stamp: u64,
    /// Its terms; see [`crate::term`].
    pub terms: Vec<String>,
}

#[derive(Clone, Copy)]
struct Fields {
    key: Field,
    stamp: Field,
    terms: Field,
}

/// The keys and stamps of one segment's records, in their order, and its words.
pub(crate) struct Records {
    pub(crate) keys: Vec<Box<str>>,
    pub(crate) stamps: Vec<u64>,
    pub(crate) words: Words,
}

/// An index in a folder of its own.
pub struct Index {
    folder: Folder,
    keys: Keys,
    column: &'static Column,
    /// Sealed when this was opened: opens for as long as the files do.
    probe: Vec<u8>,
    fields: Fields,
    reader: IndexReader,
    writer: Mutex<IndexWriter>,
    records: RwLock<HashMap<SegmentId, Arc<Records>>>,
    current: RwLock<Arc<Snapshot>>,
    _lock: File,
}

/// What an index held at one moment.
pub struct Snapshot {
    pub(crate) segments: Vec<(SegmentReader, Arc<Records>)>,
    alive: Arc<Vec<FixedBitSet>>,
    position: i64,
    fields: Fields,
    _searcher: Searcher,
}

pub(crate) fn broken(error: impl std::error::Error + Send + Sync + 'static) -> Fault {
    Fault::broken("search_index", error)
}

/// The version of the key that the index in a folder was last written under; none if there is no index.
pub fn key_version(path: &Path) -> Option<u32> {
    vault::key_of(&fs::read(path.join(META)).ok()?).map(|(_, version)| version)
}

fn schema() -> (Schema, Fields) {
    let raw = TextFieldIndexing::default()
        .set_tokenizer("raw")
        .set_index_option(IndexRecordOption::Basic)
        .set_fieldnorms(false);
    let text = TextOptions::default().set_indexing_options(raw);
    let mut schema = Schema::builder();
    let key = schema.add_text_field("key", text.clone() | STORED);
    let stamp = schema.add_u64_field("stamp", NumericOptions::default().set_fast());
    let terms = schema.add_text_field("terms", text);
    (schema.build(), Fields { key, stamp, terms })
}

fn lock(path: &Path) -> Result<File> {
    fs::create_dir_all(path).map_err(broken)?;
    let file = File::create(path.join(LOCK)).map_err(broken)?;
    file.try_lock().map_err(broken)?;
    Ok(file)
}

fn clear(path: &Path) -> Result<()> {
    for entry in fs::read_dir(path).map_err(broken)?.flatten() {
        if entry.file_name() != LOCK {
            fs::remove_file(entry.path()).map_err(broken)?;
        }
    }
    Ok(())
}

fn probe_place(column: &'static Column) -> Place {
    Place::new(column, RowName::new().text("probe").text("probe"))
}

impl Index {
    /// Opens what lies in a folder; none if nothing does, or nothing that opens under these keys and is whole.
    ///
    /// # Errors
    /// The folder is in use by another process, or cannot be written.
    pub fn open(path: &Path, keys: &Keys, column: &'static Column) -> Result<Option<Self>> {
        let lock = lock(path)?;
        // Under a key of an older week, there may be names in it that are older than that.
        if key_version(path) != Some(keys.newest()) {
            return Ok(None);
        }
        let folder = Folder::new(path.to_owned(), keys.clone(), column);
        let (schema, fields) = schema();
        let found = match tantivy::Index::open(folder.clone()) {
            Ok(found) if found.schema() == schema => found,
            _ => return Ok(None),
        };
        // Anything that does not open shows here or when the segments are read.
        Ok(Self::with(found, folder, keys, column, fields, lock).ok().filter(|index| index.position() >= 0))
    }

    /// Makes an empty one, in place of whatever lay in the folder. Its position is -1 until it is filled.
    ///
    /// # Errors
    /// The folder is in use by another process, or cannot be written.
    pub fn create(path: &Path, keys: &Keys, column: &'static Column) -> Result<Self> {
        let lock = lock(path)?;
        clear(path)?;
        let folder = Folder::new(path.to_owned(), keys.clone(), column);
        let (schema, fields) = schema();
        let made = tantivy::Index::create(folder.clone(), schema, tantivy::IndexSettings::default()).map_err(broken)?;
        Self::with(made, folder, keys, column, fields, lock)
    }

    fn with(
        index: tantivy::Index,
        folder: Folder,
        keys: &Keys,
        column: &'static Column,
        fields: Fields,
        lock: File,
    ) -> Result<Self> {
        let writer = index.writer_with_num_threads(1, WRITER_BYTES).map_err(broken)?;
        writer.set_merge_policy(Box::new(NoMergePolicy));
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into().map_err(broken)?;
        let records = HashMap::new();
        let position = position(&index)?;
        let (snapshot, records) = Snapshot::take(&reader, fields, position, &records)?;
        Ok(Self {
            folder,
            keys: keys.clone(),
            column,
            probe: keys.seal_file(&probe_place(column), b"probe")?,
            fields,
            reader,
            writer: Mutex::new(writer),
            records: RwLock::new(records),
            current: RwLock::new(Arc::new(snapshot)),
            _lock: lock,
        })
    }

    /// Whether these keys open what this was opened or made with.
    pub fn opens_with(&self, keys: &Keys) -> bool {
        keys.open_file(&probe_place(self.column), &self.probe).is_ok()
    }

    /// Whether what is written from now on would lie under newer keys than these.
    pub fn is_behind(&self, keys: &Keys) -> bool {
        self.keys.newest() < keys.newest()
    }

    /// What its owner said how far it is; -1 before that.
    pub fn position(&self) -> i64 {
        self.snapshot().position
    }

    /// Memory that its files take.
    pub fn held_bytes(&self) -> usize {
        self.folder.held_bytes()
    }

    /// What it holds now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts documents in the place of those of the same keys, takes others out, and says how far it is then. What was
    /// taken out is in no file afterwards. Blocks: not for a thread that others wait on.
    pub fn write(&self, documents: Vec<Document>, removed: &[String], position: i64) -> Result<()> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = documents.iter().map(|document| &document.key).chain(removed);
        for key in keys {
            writer.delete_term(Term::from_field_text(self.fields.key, key));
        }
        for document in documents {
            let mut written = TantivyDocument::default();
            written.add_text(self.fields.key, document.key);
            written.add_u64(self.fields.stamp, document.stamp);
            for term in document.terms {
                written.add_text(self.fields.terms, term);
            }
            writer.add_document(written).map_err(broken)?;
        }
        commit(&mut writer, position)?;
        self.reload(position)?;
        // One that is being filled is settled at its end.
        if position < 0 {
            return Ok(());
        }
        let together = groups(&writer, !removed.is_empty())?;
        self.merge(&mut writer, &together, position)
    }

    /// Makes one segment of all, so that a look has one place to look into: for when much was written. Blocks.
    pub fn settle(&self) -> Result<()> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let all = writer.index().searchable_segment_ids().map_err(broken)?;
        if all.len() < 2 {
            return Ok(());
        }
        self.merge(&mut writer, &[all], self.position())
    }

    /// Makes one segment of each of these groups. Nobody else merges: two at once over the same segments would leave
    /// behind, for a while, a file with what was taken out.
    fn merge(&self, writer: &mut IndexWriter, together: &[Vec<SegmentId>], position: i64) -> Result<()> {
        let together: Vec<_> = together.iter().filter(|some| !some.is_empty()).collect();
        if together.is_empty() {
            return Ok(());
        }
        for some in together {
            writer.merge(some).wait().map_err(broken)?;
        }
        // A reader that is not told keeps the files of before alive.
        self.reload(position)?;
        writer.garbage_collect_files().wait().map(drop).map_err(broken)
    }

    fn reload(&self, position: i64) -> Result<()> {
        self.reader.reload().map_err(broken)?;
        let before = self.records.read().unwrap_or_else(PoisonError::into_inner).clone();
        let (snapshot, records) = Snapshot::take(&self.reader, self.fields, position, &before)?;
        *self.records.write().unwrap_or_else(PoisonError::into_inner) = records;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
        Ok(())
    }
}

fn commit(writer: &mut IndexWriter, position: i64) -> Result<()> {
    let mut prepared = writer.prepare_commit().map_err(broken)?;
    prepared.set_payload(&position.to_string());
    prepared.commit().map(drop).map_err(broken)
}

/// Segments that are better one: those of which something was taken out, or else as many small ones as tantivy would
/// merge. What tantivy tells of a segment keeps its files while it is held, so that nothing but names leaves here.
fn groups(writer: &IndexWriter, taken_out: bool) -> Result<Vec<Vec<SegmentId>>> {
    let segments = writer.index().searchable_segment_metas().map_err(broken)?;
    if taken_out {
        return Ok(vec![segments.iter().filter(|it| it.has_deletes()).map(SegmentMeta::id).collect()]);
    }
    Ok(LogMergePolicy::default().compute_merge_candidates(&segments).into_iter().map(|some| some.0).collect())
}

fn position(index: &tantivy::Index) -> Result<i64> {
    let payload = index.load_metas().map_err(broken)?.payload;
    Ok(payload.and_then(|text| text.parse().ok()).unwrap_or(-1))
}

impl Snapshot {
    fn take(
        reader: &IndexReader,
        fields: Fields,
        position: i64,
        known: &HashMap<SegmentId, Arc<Records>>,
    ) -> Result<(Self, HashMap<SegmentId, Arc<Records>>)> {
        let searcher = reader.searcher();
        let (mut segments, mut records, mut alive) = (Vec::new(), HashMap::new(), Vec::new());
        for segment in searcher.segment_readers() {
            let held = match known.get(&segment.segment_id()) {
                Some(held) => held.clone(),
                None => Arc::new(Records::read(segment, fields)?),
            };
            let mut there = FixedBitSet::with_capacity(segment.max_doc() as usize);
            for document in segment.doc_ids_alive() {
                there.insert(document as usize);
            }
            records.insert(segment.segment_id(), held.clone());
            segments.push((segment.clone(), held));
            alive.push(there);
        }
        Ok((Self { segments, alive: Arc::new(alive), position, fields, _searcher: searcher }, records))
    }

    /// How far its owner said it was.
    pub fn position(&self) -> i64 {
        self.position
    }

    /// All records, or none.
    pub fn all(&self) -> Set {
        Set { parts: self.alive.to_vec(), alive: self.alive.clone(), exact: true }
    }

    /// No record.
    pub fn none(&self) -> Set {
        let parts = self.alive.iter().map(|alive| FixedBitSet::with_capacity(alive.len())).collect();
        Set { parts, alive: self.alive.clone(), exact: true }
    }

    /// The records that have a term.
    pub fn with(&self, term: &str) -> Result<Set> {
        self.fill(|segment, set| {
            if let Some(info) = dictionary(segment, self.fields)?.terms().get(term).map_err(broken)? {
                postings(segment, self.fields, &info, |document| set.insert(document as usize))?;
            }
            Ok(())
        })
    }

    /// The records that have a term of a range that begins with `within`, and of which `keep` says yes.
    pub fn between(
        &self,
        within: &str,
        from: Bound<&str>,
        to: Bound<&str>,
        keep: impl Fn(&str) -> bool,
    ) -> Result<Set> {
        self.fill(|segment, set| {
            let inverted = dictionary(segment, self.fields)?;
            let range = match from {
                Bound::Included(text) => inverted.terms().range().ge(text),
                Bound::Excluded(text) => inverted.terms().range().gt(text),
                Bound::Unbounded => inverted.terms().range().ge(within),
            };
            let range = match to {
                Bound::Included(text) => range.le(text),
                Bound::Excluded(text) => range.lt(text),
                Bound::Unbounded => range.lt(after(within)),
            };
            let mut terms = range.into_stream().map_err(broken)?;
            while terms.advance() {
                if std::str::from_utf8(terms.key()).is_ok_and(&keep) {
                    postings(segment, self.fields, terms.value(), |document| set.insert(document as usize))?;
                }
            }
            Ok(())
        })
    }

    /// The records that have a word, or what stands for it, in a field that `may` be looked into.
    pub fn having_word(&self, wanted: &crate::Wanted, may: &dyn Fn(&str) -> bool) -> Result<Set> {
        let mut set = self.none();
        for word in [Some(&wanted.word), wanted.also.as_ref()].into_iter().flatten() {
            let beginning = crate::term::words_from(word);
            let beginning = if wanted.open { beginning } else { format!("{beginning}\0") };
            let having = self.between(&beginning, Bound::Unbounded, Bound::Unbounded, |term| {
                crate::term::word_and_tag(term.as_bytes()).is_some_and(|(_, tag)| may(tag))
            })?;
            set = set.or(&having);
        }
        for (fact, _) in wanted.facts.iter().filter(|(_, tag)| may(tag)) {
            set = set.or(&self.with(fact)?);
        }
        Ok(set)
    }

    fn fill(&self, mut one: impl FnMut(&SegmentReader, &mut FixedBitSet) -> Result<()>) -> Result<Set> {
        let mut set = self.none();
        for (((segment, _), part), alive) in self.segments.iter().zip(&mut set.parts).zip(self.alive.iter()) {
            one(segment, part)?;
            part.intersect_with(alive);
        }
        Ok(set)
    }

    /// The keys of some records.
    pub fn keys<'s>(&'s self, set: &'s Set) -> impl Iterator<Item = &'s str> {
        self.segments
            .iter()
            .zip(&set.parts)
            .flat_map(|((_, records), part)| part.ones().filter_map(|place| records.keys.get(place).map(AsRef::as_ref)))
    }

    /// The records with these keys.
    pub fn having(&self, is_wanted: impl Fn(&str) -> bool) -> Set {
        let mut set = self.none();
        for (((_, records), part), alive) in self.segments.iter().zip(&mut set.parts).zip(self.alive.iter()) {
            for (place, key) in records.keys.iter().enumerate().filter(|(place, _)| alive.contains(*place)) {
                part.set(place, is_wanted(key));
            }
        }
        set
    }

    /// All keys with their stamps.
    pub fn stamps(&self) -> HashMap<&str, u64> {
        let mut stamps = HashMap::new();
        for ((_, records), alive) in self.segments.iter().zip(self.alive.iter()) {
            stamps.extend(
                alive.ones().filter_map(|place| Some((records.keys.get(place)?.as_ref(), *records.stamps.get(place)?))),
            );
        }
        stamps
    }

    pub(crate) fn alive(&self) -> &[FixedBitSet] {
        &self.alive
    }

    pub(crate) fn terms_field(&self) -> Field {
        self.fields.terms
    }
}

/// What follows everything that begins so; terms are UTF-8, in which no byte is the greatest.
pub(crate) fn after(beginning: &str) -> Vec<u8> {
    let mut bytes = beginning.as_bytes().to_vec();
    if let Some(last) = bytes.last_mut() {
        *last = last.saturating_add(1);
    }
    bytes
}

fn dictionary(segment: &SegmentReader, fields: Fields) -> Result<Arc<tantivy::InvertedIndexReader>> {
    segment.inverted_index(fields.terms).map_err(broken)
}

/// Each record that has a term, those that were taken out too.
fn postings(segment: &SegmentReader, fields: Fields, term: &TermInfo, mut each: impl FnMut(u32)) -> Result<()> {
    Postings::new(&*dictionary(segment, fields)?).each(Run::of(term)?, |document| {
        each(document);
        true
    })
}

impl Records {
    fn read(segment: &SegmentReader, fields: Fields) -> Result<Self> {
        let stamps = segment.fast_fields().u64("stamp").map_err(broken)?;
        let store = segment.get_store_reader(1).map_err(broken)?;
        let words = Words::read(dictionary(segment, fields)?.terms())?;
        let mut records = Self { keys: Vec::new(), stamps: Vec::new(), words };
        for document in 0..segment.max_doc() {
            use tantivy::schema::Value;
            // A record that was taken out is not read again; its place stays.
            let key = if segment.is_deleted(document) {
                Box::default()
            } else {
                let stored: TantivyDocument = store.get(document).map_err(broken)?;
                stored.get_first(fields.key).and_then(|key| key.as_str()).unwrap_or_default().into()
            };
            records.keys.push(key);
            records.stamps.push(stamps.first(document).unwrap_or_default());
        }
        Ok(records)
    }
}
