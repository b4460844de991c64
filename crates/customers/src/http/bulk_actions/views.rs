//! What is said of bulk actions.

use std::collections::BTreeSet;

use kernel::{Cx, Fault, OrganizationId, ProjectId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vault::{Exit, Open};
use web::{Problem, Reply};

use crate::Room;
use crate::actions::batches::OpenBatch;
use crate::actions::batches::report::Called;
use crate::actions::bulk_actions::{self, Selection};
use crate::http::lists;
use crate::http::values::{AuthorView, Authors};
use crate::imports::plan::{Outcome, PlannedRow};
use crate::model::{Act, Entity, FieldId, ImportState, Value};
use crate::sql::Made;

/// Which records: those that are named, or else all that a list finds.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SelectionInput {
    /// These, by `accountId` or organization's id: 1 to 5,000. Left out: what `query` and `search` find now, at most 100,000.
    #[schema(max_items = 5000)]
    ids: Option<Vec<String>>,
    /// A query, as of the list; left out, everything.
    query: Option<String>,
    /// What is searched, as of the list.
    search: Option<String>,
    /// But for these, at most 5,000.
    #[serde(default)]
    #[schema(max_items = 5000)]
    except: BTreeSet<String>,
}

impl SelectionInput {
    /// Which are meant, or the reply that says what is wrong with the query.
    pub(super) async fn read(
        self,
        cx: &Cx,
        room: &Room,
        time_zone: Option<&str>,
        entity: Entity,
    ) -> Result<Result<Selection, Reply>, Problem> {
        if let Some(ids) = self.ids {
            if self.query.is_some() || self.search.is_some() || !self.except.is_empty() {
                let detail = "Send ids alone, or what a list is asked for.";
                return Err(Fault::invalid_field("/selection", "ambiguous", detail).into());
            }
            return Ok(Ok(Selection::Ids(ids)));
        }
        let asked = lists::asked(cx, room, time_zone, entity, self.query.as_deref(), self.search.as_deref()).await?;
        Ok(asked.map(|asked| Selection::Found(Box::new(asked), self.except)))
    }
}

/// What is to be done with each.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "camelCase", deny_unknown_fields)]
pub(super) enum BulkChange {
    /// Set a field to one value.
    SetValue {
        /// The field.
        #[serde(rename = "fieldId")]
        #[schema(value_type = String)]
        field_id: FieldId,
        /// The value; null empties.
        value: Value,
    },
    /// Let customers into an organization.
    AddToOrganization {
        /// Which.
        #[serde(rename = "organizationId")]
        #[schema(value_type = String)]
        organization_id: OrganizationId,
    },
    /// Take customers out of an organization.
    RemoveFromOrganization {
        /// Which.
        #[serde(rename = "organizationId")]
        #[schema(value_type = String)]
        organization_id: OrganizationId,
    },
    /// Let customers use a service project. It is not taken back as one: Jira does not say who could before.
    AddToProject {
        /// Which.
        #[serde(rename = "projectId")]
        #[schema(value_type = String)]
        project_id: ProjectId,
    },
}

impl From<BulkChange> for Act {
    fn from(change: BulkChange) -> Self {
        match change {
            BulkChange::SetValue { field_id, value } => Self::SetValue { field: field_id, value },
            BulkChange::AddToOrganization { organization_id } => Self::AddToOrganization(organization_id),
            BulkChange::RemoveFromOrganization { organization_id } => Self::RemoveFromOrganization(organization_id),
            BulkChange::AddToProject { project_id } => Self::AddToProject(project_id),
        }
    }
}

impl From<Act> for BulkChange {
    fn from(act: Act) -> Self {
        match act {
            Act::SetValue { field, value } => Self::SetValue { field_id: field, value },
            Act::AddToOrganization(organization_id) => Self::AddToOrganization { organization_id },
            Act::RemoveFromOrganization(organization_id) => Self::RemoveFromOrganization { organization_id },
            Act::AddToProject(project_id) => Self::AddToProject { project_id },
        }
    }
}

/// A bulk change.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct BulkActionInput {
    /// Which records.
    pub(super) selection: SelectionInput,
    /// What is to be done with each.
    pub(super) change: BulkChange,
}

/// How far a bulk change is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum BulkActionState {
    /// A preview looks at each record.
    Checking,
    /// The preview is done.
    Checked,
    /// It is carried out.
    Running,
    /// It stopped, by somebody's wish or for the reason that it tells, and can go on.
    Paused,
    /// It was left; what was changed before stays until it is undone.
    Cancelled,
    /// All is done.
    Done,
    /// It is being taken back.
    Undoing,
    /// It was.
    Undone,
}

/// How many records came to what.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BulkActionCounts {
    /// They change; once it ran, they did.
    changed: i64,
    /// They are so already.
    unchanged: i64,
    /// They cannot; each says why.
    refused: i64,
    /// Somebody changed them between the preview and the run: they were left.
    overtaken: i64,
}

/// A bulk change.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BulkActionView {
    /// Its id.
    id: String,
    /// Of what.
    entity: Entity,
    /// What is done with each record; null when nobody knows it any more.
    change: Option<BulkChange>,
    /// What the field was called, or what the organization is; null otherwise.
    called: Option<String>,
    /// How far it is.
    state: BulkActionState,
    /// Why it stopped by itself: `fields_changed`, `file_gone`, `refused_by_jira`.
    reason: Option<String>,
    /// Records that were chosen.
    records: i64,
    /// Records that were looked at, by what comes of them.
    rows: BulkActionCounts,
    /// While running: how much of it was carried out, 0 to 1.
    done: f64,
    /// Records that were changed.
    written: i64,
    /// Records that went back.
    returned: i64,
    /// Records that did not: somebody changed them since, or Jira refused.
    kept: i64,
    /// Who began it.
    created_by: AuthorView,
    /// When.
    created_at: String,
    /// When its last step was.
    updated_at: String,
    /// Until when it can be undone; null when it cannot.
    undo_until: Option<String>,
}

impl BulkActionView {
    pub(super) fn of(batch: OpenBatch, organization: Option<Open<String>>, authors: &Authors, exit: &Exit) -> Self {
        let undo_until = bulk_actions::undo_until(&batch).map(|at| at.to_string());
        let running = matches!(batch.state, ImportState::Running | ImportState::Paused) && batch.pages > 0;
        #[expect(clippy::cast_precision_loss, reason = "a share of at most some thousand pages")]
        let done = if running { batch.cursor as f64 / batch.pages as f64 } else { 0.0 };
        let field = Some(batch.name.release(exit)).filter(|name| !name.is_empty());
        Self {
            id: batch.id.to_string(),
            entity: batch.entity,
            change: batch.plan.and_then(|plan| plan.release(exit).act.clone()).map(BulkChange::from),
            called: field.or_else(|| organization.map(|name| name.release(exit))),
            state: match batch.state {
                ImportState::Uploading | ImportState::Checking => BulkActionState::Checking,
                ImportState::Checked => BulkActionState::Checked,
                ImportState::Running => BulkActionState::Running,
                ImportState::Paused => BulkActionState::Paused,
                ImportState::Cancelled => BulkActionState::Cancelled,
                ImportState::Done => BulkActionState::Done,
                ImportState::Undoing => BulkActionState::Undoing,
                ImportState::Undone => BulkActionState::Undone,
            },
            reason: batch.reason,
            records: batch.bytes,
            rows: BulkActionCounts {
                changed: batch.counts.changed,
                unchanged: batch.counts.unchanged,
                refused: batch.counts.refused,
                overtaken: batch.counts.overtaken,
            },
            done,
            written: batch.written,
            returned: batch.returned,
            kept: batch.kept,
            created_by: AuthorView::of(&batch.author, authors, exit),
            created_at: batch.created_at.to_string(),
            updated_at: batch.updated_at.to_string(),
            undo_until,
        }
    }
}

/// What becomes of one record.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BulkActionRowView {
    /// The `accountId` or organization's id.
    owner_id: String,
    /// Their name; null when nobody says it any more.
    owner_name: Option<String>,
    /// What comes of it.
    outcome: Outcome,
    /// What the field holds; null where none is meant.
    from: Value,
    /// What it is to hold.
    to: Value,
    /// Why it does not change, or was left.
    detail: Option<String>,
}

impl BulkActionRowView {
    pub(super) fn of(row: &PlannedRow, called: &Called, _exit: &Exit) -> Self {
        let owner_id = row.owner.clone().unwrap_or_default();
        let change = row.changes.first();
        Self {
            owner_name: called.get(&owner_id).cloned(),
            owner_id,
            outcome: row.outcome,
            from: change.map(|change| change.from.clone()).unwrap_or_default(),
            to: change.map(|change| change.to.clone()).unwrap_or_default(),
            detail: row.refusals.first().map(|refusal| refusal.detail.clone()),
        }
    }
}

/// A record that did not go back to what it was.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BulkActionKeptView {
    /// The `accountId` or organization's id.
    owner_id: String,
    /// Their name; null when nobody says it any more.
    owner_name: Option<String>,
    /// Names the change that was made to it; of a field, the one in the history.
    change_id: String,
}

impl BulkActionKeptView {
    pub(super) fn of(made: Made, called: &Called, _exit: &Exit) -> Self {
        Self { owner_name: called.get(&made.owner).cloned(), owner_id: made.owner, change_id: made.id.to_string() }
    }
}

/// Which records.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(super) struct BulkActionRowsQuery {
    /// Only records that came to this.
    pub(super) outcome: Option<Outcome>,
    /// `nextCursor` of the page before.
    pub(super) cursor: Option<String>,
    /// Records a page, 1 to 100; 50 if left out.
    #[param(minimum = 1, maximum = 100)]
    pub(super) limit: Option<u32>,
}
