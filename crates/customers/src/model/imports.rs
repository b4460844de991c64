//! Imports: what one is, how far it is, what it was told.

use jiff::Timestamp;
use kernel::{AccountId, OrganizationId, ProjectId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroize;

use super::{Author, Entity, FieldId, FieldOption, FieldType, ImportId, Value};
use crate::conversion::How;
use crate::imports::mapping::Settings;
use crate::imports::plan::{Outcome, PlannedRow};

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ImportState {
    /// Its file arrives, or waits to be told how it is read.
    Uploading,
    /// A dry run reads it.
    Checking,
    /// The dry run is done: the report says what would change.
    Checked,
    /// Values are written.
    Running,
    /// Somebody, or a change of the fields, stopped it; it can go on.
    Paused,
    /// It was given up; what was written before stays until it is undone.
    Cancelled,
    /// All is written that was to be.
    Done,
    /// Values go back to what they were.
    Undoing,
    /// They are.
    Undone,
}

impl ImportState {
    const NAMES: [(Self, &'static str); 9] = [
        (Self::Uploading, "uploading"),
        (Self::Checking, "checking"),
        (Self::Checked, "checked"),
        (Self::Running, "running"),
        (Self::Paused, "paused"),
        (Self::Cancelled, "cancelled"),
        (Self::Done, "done"),
        (Self::Undoing, "undoing"),
        (Self::Undone, "undone"),
    ];

    /// As stored.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(state, _)| *state == self).map_or("cancelled", |(_, name)| name)
    }

    /// From the store.
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known)| *known == name).map(|(state, _)| *state)
    }
}

/// How many rows came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows whose values change.
    pub changed: i64,
    /// Rows of customers whom Jira makes.
    pub made: i64,
    /// Rows that say what stands.
    pub unchanged: i64,
    /// Rows that cannot be taken.
    pub refused: i64,
    /// Rows that somebody was faster than.
    pub overtaken: i64,
}

impl Counts {
    /// What these rows come to.
    pub(crate) fn of_rows(rows: &[PlannedRow]) -> Self {
        let mut counts = Self::default();
        for row in rows {
            counts.add(row.outcome, 1);
        }
        counts
    }

    pub(crate) fn of(&self, outcome: Outcome) -> i64 {
        match outcome {
            Outcome::Changed => self.changed,
            Outcome::Made => self.made,
            Outcome::Unchanged => self.unchanged,
            Outcome::Refused => self.refused,
            Outcome::Overtaken => self.overtaken,
        }
    }

    pub(crate) fn add(&mut self, outcome: Outcome, rows: i64) {
        *match outcome {
            Outcome::Changed => &mut self.changed,
            Outcome::Made => &mut self.made,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Refused => &mut self.refused,
            Outcome::Overtaken => &mut self.overtaken,
        } += rows;
    }

    pub(crate) fn total(&self) -> i64 {
        self.changed + self.made + self.unchanged + self.refused + self.overtaken
    }

    /// These instead of those.
    pub(crate) fn replace(&mut self, those: Self, these: Self) {
        for (outcome, count) in [
            (Outcome::Changed, these.changed - those.changed),
            (Outcome::Made, these.made - those.made),
            (Outcome::Unchanged, these.unchanged - those.unchanged),
            (Outcome::Refused, these.refused - those.refused),
            (Outcome::Overtaken, these.overtaken - those.overtaken),
        ] {
            self.add(outcome, count);
        }
    }
}

/// What a dry run was told and what it saw: the run holds to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ImportPlan {
    /// How the file is read.
    pub(crate) settings: Settings,
    /// Its headers.
    pub(crate) headers: Vec<String>,
    /// The fields that columns are, with the versions of their definitions.
    pub(crate) fields: Vec<(uuid::Uuid, i64)>,
    /// Of a change of a field's type, what it is.
    #[serde(default)]
    pub(crate) turn: Option<Turn>,
    /// Of a bulk action, what it does.
    #[serde(default)]
    pub(crate) act: Option<Act>,
}

/// What a bulk action does to each record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Act {
    /// Sets a field, or clears it.
    SetValue {
        /// Which.
        field: FieldId,
        /// To what; empty clears.
        value: Value,
    },
    /// Lets customers into an organization.
    AddToOrganization(OrganizationId),
    /// Takes customers out of it.
    RemoveFromOrganization(OrganizationId),
    /// Lets customers use a service project.
    AddToProject(ProjectId),
}

impl Act {
    /// Which of them.
    pub(crate) fn kind(&self) -> ActKind {
        match self {
            Self::SetValue { .. } => ActKind::SetValue,
            Self::AddToOrganization(_) => ActKind::AddToOrganization,
            Self::RemoveFromOrganization(_) => ActKind::RemoveFromOrganization,
            Self::AddToProject(_) => ActKind::AddToProject,
        }
    }
}

/// Which kind of bulk action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActKind {
    /// A field's value.
    SetValue,
    /// Into an organization.
    AddToOrganization,
    /// Out of one.
    RemoveFromOrganization,
    /// Into a service project.
    AddToProject,
}

impl ActKind {
    const NAMES: [(Self, &'static str); 4] = [
        (Self::SetValue, "setValue"),
        (Self::AddToOrganization, "addToOrganization"),
        (Self::RemoveFromOrganization, "removeFromOrganization"),
        (Self::AddToProject, "addToProject"),
    ];

    /// As stored.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(kind, _)| *kind == self).map_or("setValue", |(_, name)| name)
    }

    /// From the store.
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }

    /// Whether it is Jira that is changed.
    pub fn is_in_jira(self) -> bool {
        self != Self::SetValue
    }
}

/// What a change of a field's type was told, and when it came to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Turn {
    pub(crate) from: FieldType,
    pub(crate) to: FieldType,
    pub(crate) how: How,
    /// What may be chosen afterwards.
    pub(crate) options: Vec<FieldOption>,
    /// Whether what values say and no option is called becomes one.
    pub(crate) create: bool,
    /// The default as it was.
    pub(crate) default: Value,
    /// The last change that the preview knows of.
    pub(crate) seen: i64,
    /// The change number of the change of type; 0 before.
    pub(crate) since: i64,
    /// That of its undoing; 0 before.
    pub(crate) undone: i64,
}

impl Zeroize for ImportPlan {
    fn zeroize(&mut self) {
        self.headers.zeroize();
        self.fields.clear();
        if let Some(turn) = &mut self.turn {
            turn.options.zeroize();
            turn.default.zeroize();
        }
        if let Some(Act::SetValue { value, .. }) = &mut self.act {
            value.zeroize();
        }
    }
}

/// An import, a change of a field's type, or a bulk action: `N` is its file's name and `P` its plan, sealed or opened.
pub struct Import<N, P> {
    /// Its id.
    pub id: ImportId,
    /// Whose values.
    pub entity: Entity,
    /// The field whose type changes, where that is what it is: then nothing was imported, and the values that stand are
    /// read instead of a file.
    pub field: Option<FieldId>,
    /// What is done, where it is a bulk action: then the records that were chosen stand where a file would.
    pub act: Option<ActKind>,
    /// How far it is.
    pub state: ImportState,
    /// Why it stopped by itself: a code.
    pub reason: Option<String>,
    /// Who began it.
    pub author: Author,
    /// Parts of the file that arrived; of a bulk action, pieces of its choice.
    pub parts: i64,
    /// Bytes of the file that arrived; of a bulk action, records that were chosen.
    pub bytes: i64,
    /// Whether all of them may be UTF-8.
    pub utf8: bool,
    /// While checking, how many rows of the file were read; while running, how many pages of the plan were carried out.
    pub cursor: i64,
    /// Pages of the plan.
    pub pages: i64,
    /// Rows by outcome.
    pub counts: Counts,
    /// Values written.
    pub written: i64,
    /// Values that went back.
    pub returned: i64,
    /// Values that did not go back: somebody changed them since.
    pub kept: i64,
    /// Accounts that Jira made for it.
    pub people: i64,
    /// Whether undoing takes their access away, too.
    pub takes_access: bool,
    /// Changes with every step.
    pub version: i64,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When its last step was.
    pub updated_at: Timestamp,
    /// What its file is called.
    pub name: N,
    /// What the dry run was told.
    pub plan: Option<P>,
}

/// What became of somebody who was to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ImportMadeState)]
pub enum MadeState {
    /// Jira was asked, and did not answer yet.
    Asked,
    /// The account is there, in none of its places yet.
    Made,
    /// The account is there, in its projects and organizations.
    Placed,
    /// The same, but for places that Jira did not take it into.
    Partly,
    /// Somebody of this address was there already.
    Found,
    /// Jira did not make it.
    Refused,
    /// Undone: out of its places again.
    Taken,
    /// Undone, but Jira did not take it out of each place.
    Kept,
}

impl MadeState {
    const NAMES: [(Self, &'static str); 8] = [
        (Self::Asked, "asked"),
        (Self::Made, "made"),
        (Self::Placed, "placed"),
        (Self::Partly, "partly"),
        (Self::Found, "found"),
        (Self::Refused, "refused"),
        (Self::Taken, "taken"),
        (Self::Kept, "kept"),
    ];

    /// As stored.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(state, _)| *state == self).map_or("asked", |(_, name)| name)
    }

    /// From the store.
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, known)| *known == name).map(|(state, _)| *state)
    }
}

/// Somebody who was to be made.
pub struct MadePerson {
    /// A keyed hash of their address: it stays the same when the file is read otherwise.
    pub address: Vec<u8>,
    /// The row that names them, from 1.
    pub row: i64,
    /// What became of it.
    pub state: MadeState,
    /// The account, where there is one.
    pub account: Option<AccountId>,
    /// Why not, as a code.
    pub reason: Option<String>,
    /// When Jira was first asked.
    pub asked_at: Timestamp,
}
