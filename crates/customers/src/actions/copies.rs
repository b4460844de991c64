//! Rules that copy values into an issue's own fields when it is made: which there are, and what Jira did not take.
//!
//! A rule is part of the definition of its field. It acts once, on issues made after it, and only where the field in Jira is empty:
//! what a customer or an agent wrote there stays. `jobs/copies.rs` copies. Start at [`choose`].

use host::client::{IssueField, IssueFieldKind};
use host::{As, Jira};
use jiff::{SignedDuration, Timestamp};
use jobs::enqueue;
use kernel::{Cx, Fault, IssueId, Result};
use serde_json::json;
use store::{Scoped, changes};
use vault::Keys;

use crate::Room;
use crate::actions::fields::{self, OpenField};
use crate::actions::issues;
use crate::jobs::copies::COPY;
use crate::model::{CopiedTo, FieldBody, FieldId, FieldType};
use crate::rules::copies::{check_copy, fits};
use crate::rules::issues::slot_kind;
use crate::sql::issues as marks;

/// Copies that Jira did not take, told on the page.
const FAILURES_TOLD: u32 = 20;
/// They are told for so long.
const FAILURES_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How far back issues are looked for when the first rule is made.
const FIRST_MINUTES: u32 = 5;

/// The rules, and how they do.
pub(crate) struct State {
    /// Fields that are copied.
    pub(crate) fields: Vec<OpenField>,
    /// The newest that Jira did not take.
    pub(crate) failures: Vec<marks::CopyFailure>,
}

/// Where a field is copied to, if what it is still allows that.
pub(crate) fn rule(field: &OpenField) -> Option<&CopiedTo> {
    let to = field.body.peek().copied_to.as_ref()?;
    check_copy((field.kind, field.audience, field.retired), to.kind).ok().map(|()| to)
}

/// The fields that are copied.
pub(crate) async fn copied(cx: &Cx, room: &Room) -> Result<Vec<OpenField>> {
    Ok(fields::all(cx, room).await?.into_iter().filter(|field| rule(field).is_some()).collect())
}

/// Since when what Jira did not take is told.
pub(crate) fn told_since(cx: &Cx) -> Timestamp {
    cx.now().checked_sub(FAILURES_KEPT).unwrap_or(Timestamp::MIN)
}

/// How it is, for administrators.
pub(crate) async fn state(cx: &Cx, room: &Room) -> Result<State> {
    let fields = copied(cx, room).await?;
    let failures = marks::copy_failures(&mut room.shared.store.read(cx).await?, told_since(cx), FAILURES_TOLD).await?;
    Ok(State { fields, failures })
}

/// The fields of Jira's that a value can be copied into.
pub(crate) async fn targets(cx: &Cx, room: &Room) -> Result<Vec<IssueField>> {
    Jira::for_tenant(&room.shared.host.cloud, cx, As::App).issue_fields().await
}

/// The types of field whose values fit into one of Jira's.
pub(crate) fn takes(target: IssueFieldKind) -> Vec<FieldType> {
    FieldType::all().filter(|kind| slot_kind(*kind).is_some() && fits(*kind, target)).collect()
}

/// Has a field that has version `before` copied into one of Jira's from now on.
pub(crate) async fn choose(cx: &Cx, room: &Room, id: FieldId, before: i64, target: &str) -> Result<OpenField> {
    let target = targets(cx, room).await?.into_iter().find(|one| one.id == target).ok_or_else(|| {
        let detail = "Jira has no such field, or none that values can be copied into. Read the list of fields again.";
        Fault::invalid_field("/issueFieldId", "unknown", detail)
    })?;
    let place = |field: &OpenField, others: &[OpenField]| {
        check_copy((field.kind, field.audience, field.retired), target.kind)
            .map_err(|wrong| Fault::invalid_fields(vec![wrong]))?;
        if others.iter().filter_map(rule).any(|other| other.id == target.id) {
            let detail = "Another field is copied there already. Remove that first.";
            return Err(Fault::invalid_field("/issueFieldId", "taken", detail));
        }
        let copied_to = CopiedTo { id: target.id, name: target.name, kind: target.kind, since: cx.now() };
        Ok(FieldBody { copied_to: Some(copied_to), ..field.body.peek().clone() })
    };
    issues::change(cx, room, (id, before), "customers.field_copied_to_issues", place).await
}

/// Has it copied no more. What was copied stays in Jira.
pub(crate) async fn remove(cx: &Cx, room: &Room, id: FieldId, before: i64) -> Result<OpenField> {
    let place = |field: &OpenField, _: &[OpenField]| Ok(FieldBody { copied_to: None, ..field.body.peek().clone() });
    issues::change(cx, room, (id, before), "customers.field_copied_no_more", place).await
}

/// What follows from another rule: whether new issues are of interest.
pub(crate) async fn settle(scoped: &mut Scoped, cx: &Cx, keys: &Keys) -> Result<()> {
    let copying = fields::all_in(scoped, keys).await?.iter().any(|field| rule(field).is_some());
    let seq = changes::latest(scoped).await?;
    marks::sending_copies(scoped, copying, seq).await?;
    if copying {
        // Where Jira tells of no issue, this begins the row of looks that goes on by itself.
        issues::find(scoped, cx, &format!("copies {seq}"), &json!({"minutes": FIRST_MINUTES}), cx.now()).await?;
    }
    Ok(())
}

/// Has an issue that was made just now looked at; once, however often it is told of within a day.
pub(crate) async fn made(scoped: &mut Scoped, cx: &Cx, issue: &IssueId) -> Result<()> {
    enqueue(scoped, cx, COPY, issue.as_str(), &json!({"issue": issue.as_str()}), cx.now()).await.map(drop)
}
