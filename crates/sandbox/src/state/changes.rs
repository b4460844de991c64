//! Changes to issues. Each takes the lock once, makes one new version, queues it for search, and
//! emits one event.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    FieldValue, State, StateError,
    issue::{ChangeItem, Comment, History, Issue, Link, PUBLIC_COMMENT_PROPERTY, Visibility},
    model::StatusCategory,
    store::Store,
};
use crate::events::{Actor, EventKind};

/// What a new issue needs.
#[derive(Debug, Clone)]
pub struct NewIssue {
    /// Project id.
    pub project_id: String,
    /// Issue type id.
    pub issue_type_id: String,
    /// One line.
    pub summary: String,
    /// `portal`, `email`, `api` or `jira`.
    pub channel: String,
    /// Everything else.
    pub fields: Vec<FieldValue>,
    /// Entity properties set with it.
    pub properties: BTreeMap<String, Value>,
}

/// Where a resolution is set when a status of the category Done is entered.
const DEFAULT_RESOLUTION: &str = "Done";

impl State {
    /// Makes visible to search what is due by now.
    pub fn catch_up_search(&self) {
        let now = self.now();
        if self.read().index.is_behind() {
            self.write().index.catch_up(now);
        }
    }

    pub(super) fn store_version(&self, store: &mut Store, issue: Issue) -> Arc<Issue> {
        let issue = Arc::new(issue);
        store.put_issue(issue.clone());
        self.queue_for_search(store, issue.id, Some(issue.clone()));
        issue
    }

    fn queue_for_search(&self, store: &mut Store, id: u64, issue: Option<Arc<Issue>>) {
        let lag = self.faults.search_lag();
        if lag.is_zero() && !store.index.is_behind() {
            store.index.queue(self.now(), id, issue);
            store.index.catch_up(self.now());
            return;
        }
        let due = self.now().checked_add(lag).unwrap_or(Timestamp::MAX);
        store.index.queue(due, id, issue);
    }

    /// Creates an issue in the first status of its project's workflow.
    pub fn create_issue(&self, actor: &Actor, new: NewIssue) -> Result<Arc<Issue>, StateError> {
        let now = self.now();
        let mut store = self.write();
        let project = store.projects.get(&new.project_id).ok_or(StateError::NotFound)?;
        let key = project.key.clone();
        let workflow = store.workflows.get(&project.workflow_id).ok_or(StateError::NotFound)?;
        let status_id = workflow.status_ids.first().ok_or(StateError::NotFound)?.clone();
        let id = store.next_id();
        let number = store.last_number.entry(new.project_id.clone()).or_default();
        *number += 1;
        let mut issue = Issue {
            id,
            key: format!("{key}-{number}"),
            project_id: new.project_id,
            issue_type_id: new.issue_type_id,
            status_id,
            status_changed_at: now,
            summary: new.summary,
            description: None,
            environment: None,
            reporter: actor.account_id.clone(),
            creator: actor.account(),
            assignee: None,
            priority_id: store.priorities.get("3").map(|p| p.id.clone()),
            resolution_id: None,
            resolved_at: None,
            created_at: now,
            updated_at: now,
            due: None,
            labels: Vec::new(),
            components: Vec::new(),
            parent: None,
            request_type_id: None,
            channel: new.channel,
            participants: Vec::new(),
            organizations: Vec::new(),
            custom: BTreeMap::new(),
            comments: Vec::new(),
            changelog: Vec::new(),
            properties: new.properties,
            worklogs: Vec::new(),
            attachments: Vec::new(),
            revision: 1,
        };
        for field in new.fields {
            // What a new issue starts with is no change: the history begins empty.
            let _ = field.apply(&mut issue, &store);
        }
        let issue = self.store_version(&mut store, issue);
        drop(store);
        self.emit(actor, EventKind::IssueCreated { issue: issue.clone() });
        Ok(issue)
    }

    /// Sets fields. Nothing changed: no version, no event.
    pub fn edit_issue(&self, actor: &Actor, issue_id: u64, fields: Vec<FieldValue>) -> Result<Arc<Issue>, StateError> {
        let store = self.write();
        let before = store.issues.get(&issue_id).ok_or(StateError::NotFound)?.clone();
        let mut issue = Issue::clone(&before);
        let items: Vec<ChangeItem> = fields.into_iter().filter_map(|f| f.apply(&mut issue, &store)).collect();
        if items.is_empty() {
            return Ok(before);
        }
        self.record(store, actor, issue, items)
    }

    fn record(
        &self,
        mut store: std::sync::RwLockWriteGuard<'_, Store>,
        actor: &Actor,
        mut issue: Issue,
        items: Vec<ChangeItem>,
    ) -> Result<Arc<Issue>, StateError> {
        let now = self.now();
        let id = store.next_id();
        let history = History { id, author: actor.account(), created_at: now, items };
        issue.changelog.push(history.clone());
        issue.updated_at = now;
        issue.revision += 1;
        let issue = self.store_version(&mut store, issue);
        drop(store);
        self.emit(actor, EventKind::IssueUpdated { issue: issue.clone(), history });
        Ok(issue)
    }

    /// Takes a transition that the issue has now, with fields of its screen. Entering a done status
    /// resolves it, leaving one clears the resolution.
    pub fn transition_issue(
        &self,
        actor: &Actor,
        issue_id: u64,
        transition_id: &str,
        fields: Vec<FieldValue>,
    ) -> Result<Arc<Issue>, StateError> {
        let now = self.now();
        let store = self.write();
        let mut issue = Issue::clone(store.issues.get(&issue_id).ok_or(StateError::NotFound)?);
        let to = store
            .transitions_of(&issue)
            .into_iter()
            .find(|t| t.id == transition_id)
            .map(|t| t.to.clone())
            .ok_or_else(|| {
                StateError::Invalid(format!(
                    "It seems that you have tried to perform a workflow operation ({transition_id}) that is not valid for the current state of this issue ({}).",
                    issue.key
                ))
            })?;
        let name = |id: &str| store.statuses.get(id).map(|s| s.name.clone());
        let mut items = vec![ChangeItem {
            field: "status".to_owned(),
            field_id: "status".to_owned(),
            from: Some(issue.status_id.clone()),
            from_string: name(&issue.status_id),
            to: Some(to.clone()),
            to_string: name(&to),
        }];
        let done = store.statuses.get(&to).is_some_and(|s| s.category == StatusCategory::Done);
        items.extend(fields.into_iter().filter_map(|f| f.apply(&mut issue, &store)));
        if done && issue.resolution_id.is_none() {
            let resolution = store
                .resolutions
                .values()
                .find(|r| r.name == DEFAULT_RESOLUTION)
                .or_else(|| store.resolutions.values().next())
                .map(|r| r.id.clone());
            items.extend(FieldValue::Resolution(resolution).apply(&mut issue, &store));
        } else if !done {
            items.extend(FieldValue::Resolution(None).apply(&mut issue, &store));
        }
        issue.resolved_at = done.then(|| issue.resolved_at.unwrap_or(now));
        issue.status_id = to;
        issue.status_changed_at = now;
        self.record(store, actor, issue, items)
    }

    /// Deletes an issue with its links; its sub-tasks must be gone or named with it.
    pub fn delete_issue(&self, actor: &Actor, issue_id: u64) -> Result<(), StateError> {
        let mut store = self.write();
        let issue = store.take_issue(issue_id).ok_or(StateError::NotFound)?;
        self.queue_for_search(&mut store, issue_id, None);
        drop(store);
        self.emit(actor, EventKind::IssueDeleted { issue });
        Ok(())
    }

    /// Changes an issue outside its history (comments, properties); `f` says the event.
    fn touch<T>(
        &self,
        actor: &Actor,
        issue_id: u64,
        f: impl FnOnce(&mut Issue, &mut Store) -> Result<T, StateError>,
        event: impl FnOnce(Arc<Issue>, &T) -> Option<EventKind>,
    ) -> Result<T, StateError> {
        let now = self.now();
        let mut store = self.write();
        let mut issue = Issue::clone(store.issues.get(&issue_id).ok_or(StateError::NotFound)?);
        let answer = f(&mut issue, &mut store)?;
        issue.updated_at = now;
        issue.revision += 1;
        let issue = self.store_version(&mut store, issue);
        drop(store);
        if let Some(kind) = event(issue, &answer) {
            self.emit(actor, kind);
        }
        Ok(answer)
    }

    /// Adds a comment (each call adds one: Jira knows no idempotency). A property
    /// `sd.public.comment` with `{"internal":true}` makes it internal, as `public: false` does.
    pub fn add_comment(
        &self,
        actor: &Actor,
        issue_id: u64,
        body: Value,
        public: bool,
        visibility: Option<Visibility>,
        mut properties: BTreeMap<String, Value>,
    ) -> Result<Comment, StateError> {
        let now = self.now();
        let internal = properties.get(PUBLIC_COMMENT_PROPERTY).and_then(|v| v.get("internal")).and_then(Value::as_bool);
        let public = internal.map_or(public, |internal| !internal);
        if !public {
            properties.insert(PUBLIC_COMMENT_PROPERTY.to_owned(), json!({"internal": true}));
        }
        let author = actor.account();
        self.touch(
            actor,
            issue_id,
            |issue, store| {
                let comment = Comment {
                    id: store.next_id(),
                    author: author.clone(),
                    update_author: author,
                    body,
                    created_at: now,
                    updated_at: now,
                    public,
                    visibility,
                    properties,
                };
                issue.comments.push(comment.clone());
                Ok(comment)
            },
            |issue, comment| Some(EventKind::CommentCreated { issue, comment: comment.clone() }),
        )
    }

    /// Edits a comment: `f` changes it. The edit is the actor's.
    pub fn edit_comment(
        &self,
        actor: &Actor,
        issue_id: u64,
        comment_id: u64,
        f: impl FnOnce(&mut Comment),
    ) -> Result<Comment, StateError> {
        let now = self.now();
        self.touch(
            actor,
            issue_id,
            |issue, _| {
                let comment = issue.comments.iter_mut().find(|c| c.id == comment_id).ok_or(StateError::NotFound)?;
                f(comment);
                comment.updated_at = now;
                comment.update_author = actor.account();
                Ok(comment.clone())
            },
            |issue, comment| Some(EventKind::CommentUpdated { issue, comment: comment.clone() }),
        )
    }

    /// Deletes a comment.
    pub fn delete_comment(&self, actor: &Actor, issue_id: u64, comment_id: u64) -> Result<(), StateError> {
        self.touch(
            actor,
            issue_id,
            |issue, _| {
                let at = issue.comments.iter().position(|c| c.id == comment_id).ok_or(StateError::NotFound)?;
                Ok(issue.comments.remove(at))
            },
            |issue, comment| Some(EventKind::CommentDeleted { issue, comment: comment.clone() }),
        )
        .map(drop)
    }

    /// Sets a property of a comment (`None` deletes it); answers whether it was there before.
    /// No event: Jira sends none.
    pub fn set_comment_property(
        &self,
        actor: &Actor,
        issue_id: u64,
        comment_id: u64,
        key: &str,
        value: Option<Value>,
    ) -> Result<bool, StateError> {
        self.touch(
            actor,
            issue_id,
            |issue, _| {
                let comment = issue.comments.iter_mut().find(|c| c.id == comment_id).ok_or(StateError::NotFound)?;
                let before = match value {
                    Some(value) => comment.properties.insert(key.to_owned(), value),
                    None => comment.properties.remove(key),
                };
                let internal = comment.properties.get(PUBLIC_COMMENT_PROPERTY);
                comment.public = internal.and_then(|v| v.get("internal")) != Some(&Value::Bool(true));
                Ok(before.is_some())
            },
            |_, _| None,
        )
    }

    /// Sets an issue property; answers whether it existed before.
    pub fn set_property(&self, actor: &Actor, issue_id: u64, key: &str, value: Value) -> Result<bool, StateError> {
        let (name, kept) = (key.to_owned(), value.clone());
        self.touch(
            actor,
            issue_id,
            |issue, _| Ok(issue.properties.insert(key.to_owned(), value).is_some()),
            |issue, _| Some(EventKind::PropertySet { issue, key: name, value: kept }),
        )
    }

    /// Deletes an issue property.
    pub fn delete_property(&self, actor: &Actor, issue_id: u64, key: &str) -> Result<(), StateError> {
        self.touch(
            actor,
            issue_id,
            |issue, _| issue.properties.remove(key).map(drop).ok_or(StateError::NotFound),
            |issue, ()| Some(EventKind::PropertyDeleted { issue, key: key.to_owned() }),
        )
    }

    /// Links two issues: `outward` blocks `inward`.
    pub fn link_issues(&self, actor: &Actor, type_id: &str, inward: u64, outward: u64) -> Result<Link, StateError> {
        let mut store = self.write();
        if !store.issues.contains_key(&inward) || !store.issues.contains_key(&outward) {
            return Err(StateError::NotFound);
        }
        let id = store.next_id();
        let link = Link { id, type_id: type_id.to_owned(), inward, outward };
        store.put_link(link.clone());
        drop(store);
        self.emit(actor, EventKind::LinkCreated { link: link.clone() });
        Ok(link)
    }

    /// Removes a link.
    pub fn unlink_issues(&self, actor: &Actor, link_id: u64) -> Result<(), StateError> {
        let link = self.write().take_link(link_id).ok_or(StateError::NotFound)?;
        self.emit(actor, EventKind::LinkDeleted { link });
        Ok(())
    }
}
