//! What search sees: a copy of the issues that lags behind writes, as Jira's index does.
//!
//! It must never be used to answer anything but a search.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, OnceLock},
};

use jiff::Timestamp;

use super::issue::Issue;
use crate::adf;

/// An issue as search knows it.
pub struct IndexEntry {
    /// The version that was indexed.
    pub issue: Arc<Issue>,
    words: OnceLock<IndexedText>,
}

/// Lower-case text of an issue, for `~`.
pub struct IndexedText {
    /// Summary.
    pub summary: String,
    /// Description.
    pub description: String,
    /// Comments, one string each, with whether each is public.
    pub comments: Vec<(bool, String)>,
}

impl IndexEntry {
    /// An entry for this version of an issue.
    #[must_use]
    pub fn new(issue: Arc<Issue>) -> Self {
        Self { issue, words: OnceLock::new() }
    }

    /// The text, made at first use: most searches never ask for it.
    pub fn text(&self) -> &IndexedText {
        self.words.get_or_init(|| IndexedText {
            summary: self.issue.summary.to_lowercase(),
            description: self.issue.description.as_ref().map(|d| adf::plain_text(d).to_lowercase()).unwrap_or_default(),
            comments: self.issue.comments.iter().map(|c| (c.public, adf::plain_text(&c.body).to_lowercase())).collect(),
        })
    }
}

struct Pending {
    due: Timestamp,
    id: u64,
    issue: Option<Arc<Issue>>,
}

/// The index.
#[derive(Default)]
pub struct SearchIndex {
    entries: BTreeMap<u64, Arc<IndexEntry>>,
    by_project: HashMap<String, BTreeSet<u64>>,
    pending: Vec<Pending>,
}

impl SearchIndex {
    /// All entries, by id.
    pub fn all(&self) -> impl Iterator<Item = &Arc<IndexEntry>> {
        self.entries.values()
    }

    /// The entries of one project, by id.
    pub fn of_project(&self, project_id: &str) -> impl Iterator<Item = &Arc<IndexEntry>> {
        self.by_project.get(project_id).into_iter().flatten().filter_map(|id| self.entries.get(id))
    }

    /// One entry.
    #[must_use]
    pub fn get(&self, id: u64) -> Option<&Arc<IndexEntry>> {
        self.entries.get(&id)
    }

    /// Whether some write is not yet visible.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        !self.pending.is_empty()
    }

    pub(super) fn put(&mut self, issue: Arc<Issue>) {
        let newer = self.entries.get(&issue.id).is_none_or(|e| e.issue.revision <= issue.revision);
        if newer {
            self.by_project.entry(issue.project_id.clone()).or_default().insert(issue.id);
            self.entries.insert(issue.id, Arc::new(IndexEntry::new(issue)));
        }
    }

    fn remove(&mut self, id: u64) {
        if let Some(entry) = self.entries.remove(&id)
            && let Some(set) = self.by_project.get_mut(&entry.issue.project_id)
        {
            set.remove(&id);
        }
    }

    pub(super) fn queue(&mut self, due: Timestamp, id: u64, issue: Option<Arc<Issue>>) {
        self.pending.push(Pending { due, id, issue });
    }

    /// Makes visible what is due.
    pub(super) fn catch_up(&mut self, now: Timestamp) {
        // Removals are never overtaken by an older write: an id is not used again, so a write that
        // comes due after its removal finds the removal still queued or done, and must not return.
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending).into_iter().partition(|p| p.due <= now);
        self.pending = later;
        let removed: BTreeSet<u64> = due.iter().filter(|p| p.issue.is_none()).map(|p| p.id).collect();
        for change in due {
            match change.issue {
                Some(issue) if !removed.contains(&change.id) => self.put(issue),
                _ => self.remove(change.id),
            }
        }
        self.pending.retain(|p| !removed.contains(&p.id));
    }
}
