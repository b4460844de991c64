//! Attachments: their bytes, in memory and bounded, and files laid aside until a request takes them.
//!
//! An attachment is shown to customers by the comment it came with, and by nothing else.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use bytes::Bytes;
use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    State, StateError,
    issue::{Attachment, ChangeItem, Comment, History, Issue, PUBLIC_COMMENT_PROPERTY},
    model::AccountId,
    store::Store,
};
use crate::events::{Actor, EventKind};

/// Largest file, in bytes: what a Jira takes that nobody has configured.
pub const MAX_FILE: u64 = 10 * 1024 * 1024;
/// Bytes of all files together: a stand-in lives in memory.
pub const MAX_FILES: u64 = 256 * 1024 * 1024;
/// Files in one upload, as Jira has it.
pub const MAX_AT_ONCE: usize = 60;
/// How long a file that no request has taken is kept.
const LAID_ASIDE: SignedDuration = SignedDuration::from_hours(1);

/// A file as it was sent.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// Its name, without a path.
    pub filename: String,
    /// Media type.
    pub mime_type: String,
    /// Its content.
    pub bytes: Bytes,
}

/// Where the files of a new attachment come from.
pub(crate) enum Files {
    /// Sent with the call.
    Sent(Vec<NewFile>),
    /// Laid aside before for this desk, by these ids.
    LaidAside(String, Vec<String>),
}

/// What is said with new files. The files are as public as it is.
pub(crate) struct Saying {
    /// ADF document.
    pub(crate) body: Value,
    /// False for an internal note.
    pub(crate) public: bool,
}

/// What attaching made.
pub(crate) struct Attached {
    pub(crate) issue: Arc<Issue>,
    pub(crate) files: Vec<Attachment>,
    pub(crate) comment: Option<Comment>,
}

struct LaidAside {
    file: NewFile,
    owner: AccountId,
    desk_id: String,
    at: Timestamp,
}

/// The bytes.
#[derive(Default)]
pub(super) struct Shelf {
    kept: HashMap<u64, Bytes>,
    laid_aside: IndexMap<String, LaidAside>,
}

impl Shelf {
    fn size(&self) -> u64 {
        let aside = self.laid_aside.values().map(|one| one.file.bytes.len() as u64);
        self.kept.values().map(|bytes| bytes.len() as u64).chain(aside).sum()
    }

    fn room_for(&self, files: &[NewFile]) -> Result<(), StateError> {
        let more: u64 = files.iter().map(|file| file.bytes.len() as u64).sum();
        if self.size() + more <= MAX_FILES {
            return Ok(());
        }
        let limit = MAX_FILES / 1024 / 1024;
        Err(StateError::Full(format!("This stand-in keeps {limit} MB of files in memory; delete some first.")))
    }

    pub(super) fn forget(&mut self, issue: &Issue) {
        for file in &issue.attachments {
            self.kept.remove(&file.id);
        }
    }

    fn take(&mut self, owner: &str, desk_id: &str, ids: &[String], now: Timestamp) -> Result<Vec<NewFile>, StateError> {
        let owned = |id: &String| {
            self.laid_aside
                .get(id)
                .is_some_and(|one| one.owner == owner && one.desk_id == desk_id && one.at + LAID_ASIDE > now)
        };
        if let Some(unknown) = ids.iter().find(|id| !owned(id)) {
            return Err(StateError::Invalid(format!("No temporary attachment was found for the id {unknown}.")));
        }
        Ok(ids.iter().filter_map(|id| self.laid_aside.shift_remove(id)).map(|one| one.file).collect())
    }
}

impl Store {
    /// The bytes of an attachment; none for one that came with an archive, which has no bytes.
    pub(crate) fn file(&self, id: u64) -> Option<Bytes> {
        self.files.kept.get(&id).cloned()
    }

    /// An attachment and its issue.
    pub(crate) fn attachment(&self, id: u64) -> Option<(&Arc<Issue>, &Attachment)> {
        self.issues.values().find_map(|issue| issue.attachments.iter().find(|a| a.id == id).map(|a| (issue, a)))
    }
}

fn changed(file: &Attachment, added: bool) -> ChangeItem {
    let (id, name) = (Some(file.id.to_string()), Some(file.filename.clone()));
    let (from, from_string, to, to_string) = if added { (None, None, id, name) } else { (id, name, None, None) };
    ChangeItem { field: "Attachment".to_owned(), field_id: "attachment".to_owned(), from, from_string, to, to_string }
}

impl State {
    /// Lays files aside for a desk until a request takes them; answers their ids and names.
    pub(crate) fn lay_aside(
        &self,
        owner: &str,
        desk_id: &str,
        files: Vec<NewFile>,
    ) -> Result<Vec<(String, String)>, StateError> {
        let now = self.now();
        let mut store = self.write();
        store.files.laid_aside.retain(|_, one| one.at + LAID_ASIDE > now);
        store.files.room_for(&files)?;
        let mut told = Vec::new();
        for file in files {
            let id = format!("temp{}", self.random_uuid().simple());
            told.push((id.clone(), file.filename.clone()));
            let one = LaidAside { file, owner: owner.to_owned(), desk_id: desk_id.to_owned(), at: now };
            store.files.laid_aside.insert(id, one);
        }
        Ok(told)
    }

    /// Attaches files, with a comment if something is said: all of it or nothing.
    pub(crate) fn attach(
        &self,
        actor: &Actor,
        issue_id: u64,
        files: Files,
        saying: Option<Saying>,
    ) -> Result<Attached, StateError> {
        let now = self.now();
        let author = actor.account();
        let mut store = self.write();
        let mut issue = Issue::clone(store.issues.get(&issue_id).ok_or(StateError::NotFound)?);
        let files = match files {
            Files::Sent(files) => {
                store.files.room_for(&files)?;
                files
            }
            Files::LaidAside(desk_id, ids) => store.files.take(&author, &desk_id, &ids, now)?,
        };
        let comment = saying.map(|saying| Comment {
            id: store.next_id(),
            author: author.clone(),
            update_author: author.clone(),
            body: saying.body,
            created_at: now,
            updated_at: now,
            public: saying.public,
            visibility: None,
            properties: if saying.public {
                BTreeMap::new()
            } else {
                [(PUBLIC_COMMENT_PROPERTY.to_owned(), json!({"internal": true}))].into()
            },
        });
        let mut made = Vec::new();
        for file in files {
            let attachment = Attachment {
                id: store.next_id(),
                filename: file.filename,
                author: author.clone(),
                created_at: now,
                size: file.bytes.len() as u64,
                mime_type: file.mime_type,
                comment_id: comment.as_ref().map(|comment| comment.id),
            };
            store.files.kept.insert(attachment.id, file.bytes);
            made.push(attachment);
        }
        let history = History {
            id: store.next_id(),
            author,
            created_at: now,
            items: made.iter().map(|file| changed(file, true)).collect(),
        };
        issue.attachments.extend(made.iter().cloned());
        issue.comments.extend(comment.clone());
        if !made.is_empty() {
            issue.changelog.push(history.clone());
        }
        issue.updated_at = now;
        issue.revision += 1;
        let issue = self.store_version(&mut store, issue);
        drop(store);
        for attachment in &made {
            self.emit(actor, EventKind::AttachmentCreated { issue: issue.clone(), attachment: attachment.clone() });
        }
        if !made.is_empty() {
            self.emit(actor, EventKind::IssueUpdated { issue: issue.clone(), history });
        }
        if let Some(comment) = &comment {
            self.emit(actor, EventKind::CommentCreated { issue: issue.clone(), comment: comment.clone() });
        }
        Ok(Attached { issue, files: made, comment })
    }

    /// Deletes an attachment with its bytes.
    pub(crate) fn detach(&self, actor: &Actor, issue_id: u64, attachment_id: u64) -> Result<(), StateError> {
        let now = self.now();
        let mut store = self.write();
        let mut issue = Issue::clone(store.issues.get(&issue_id).ok_or(StateError::NotFound)?);
        let at = issue.attachments.iter().position(|a| a.id == attachment_id).ok_or(StateError::NotFound)?;
        let attachment = issue.attachments.remove(at);
        store.files.kept.remove(&attachment.id);
        let items = vec![changed(&attachment, false)];
        let history = History { id: store.next_id(), author: actor.account(), created_at: now, items };
        issue.changelog.push(history.clone());
        issue.updated_at = now;
        issue.revision += 1;
        let issue = self.store_version(&mut store, issue);
        drop(store);
        self.emit(actor, EventKind::AttachmentDeleted { issue: issue.clone(), attachment });
        self.emit(actor, EventKind::IssueUpdated { issue, history });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::{Config, Faults, fresh, state::NewIssue};

    fn site() -> (State, u64, Arc<AtomicI64>) {
        let at = Arc::new(AtomicI64::new(1_795_000_000));
        let clock = at.clone();
        let config = Config {
            clock: Arc::new(move || Timestamp::from_second(clock.load(Ordering::Relaxed)).unwrap()),
            faults: Faults::none(),
            ..Config::default()
        };
        let state = State::new(&config);
        state.load(fresh::seed());
        let new = NewIssue {
            project_id: "10000".to_owned(),
            issue_type_id: "10001".to_owned(),
            summary: "One".to_owned(),
            channel: "api".to_owned(),
            fields: Vec::new(),
            properties: BTreeMap::new(),
        };
        let issue = state.create_issue(&Actor::default(), new).unwrap().id;
        (state, issue, at)
    }

    fn files(count: usize) -> Vec<NewFile> {
        let bytes = Bytes::from(vec![0; usize::try_from(MAX_FILE).unwrap()]);
        vec![NewFile { filename: "a.bin".to_owned(), mime_type: "application/octet-stream".to_owned(), bytes }; count]
    }

    #[test]
    fn all_files_together_have_a_bound_and_what_goes_makes_room() {
        let (state, issue, _) = site();
        let fits = usize::try_from(MAX_FILES / MAX_FILE).unwrap();
        let attach = |count| state.attach(&Actor::default(), issue, Files::Sent(files(count)), None);
        assert!(matches!(attach(fits + 1).err(), Some(StateError::Full(_))));
        assert!(state.read().issues[&issue].attachments.is_empty(), "nothing half-done");
        let first = attach(fits - 1).unwrap().files[0].id;
        state.lay_aside("me", "1", files(1)).unwrap();
        assert!(matches!(state.lay_aside("me", "1", files(1)), Err(StateError::Full(_))));
        state.detach(&Actor::default(), issue, first).unwrap();
        assert_eq!(attach(1).unwrap().files.len(), 1);
        state.delete_issue(&Actor::default(), issue).unwrap();
        assert_eq!(state.lay_aside("me", "1", files(fits - 1)).unwrap().len(), fits - 1);
    }

    #[test]
    fn what_nobody_takes_is_not_kept() {
        let (state, issue, clock) = site();
        let me = Actor::person("me");
        let aside = |state: &State| state.lay_aside("me", "1", files(1)).unwrap().remove(0).0;
        let take = |id: &str| state.attach(&me, issue, Files::LaidAside("1".to_owned(), vec![id.to_owned()]), None);
        let (old, other) = (aside(&state), aside(&state));
        assert!(state.attach(&me, issue, Files::LaidAside("2".to_owned(), vec![old.clone()]), None).is_err());
        assert!(take(&other).is_ok());
        clock.fetch_add(3_600, Ordering::Relaxed);
        assert!(matches!(take(&old).err(), Some(StateError::Invalid(_))));
    }
}
