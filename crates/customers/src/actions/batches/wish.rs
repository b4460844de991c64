//! What may be asked of an import or a bulk action in which state.

use crate::model::ImportState;

/// What somebody wants of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Carry it out, or go on with it.
    Run,
    /// Stop for now.
    Pause,
    /// Give it up.
    Cancel,
    /// Take back what it wrote.
    Undo,
}

impl Wish {
    /// What it makes of one in this state; else what to do first.
    pub(super) fn leads(self, state: ImportState) -> Result<ImportState, &'static str> {
        use ImportState::{Cancelled, Checked, Checking, Done, Paused, Running, Undoing, Uploading};
        match (self, state) {
            (Self::Run, Checked | Paused | Running) => Ok(Running),
            (Self::Run, _) => Err("only a dry run that is done can be carried out."),
            (Self::Pause, Running) => Ok(Paused),
            (Self::Pause, _) => Err("only what runs can be paused."),
            (Self::Cancel, Uploading | Checking | Checked | Running | Paused) => Ok(Cancelled),
            (Self::Cancel, _) => Err("it is at its end."),
            (Self::Undo, Done | Cancelled | Undoing) => Ok(Undoing),
            (Self::Undo, _) => Err("finish or cancel it, then it can be undone."),
        }
    }

    /// As the ledger says it, of a bulk action or else of an import.
    pub(super) fn kind(self, bulk: bool) -> &'static str {
        match (bulk, self) {
            (false, Self::Run) => "customers.import_started",
            (false, Self::Pause) => "customers.import_paused",
            (false, Self::Cancel) => "customers.import_cancelled",
            (false, Self::Undo) => "customers.import_undo_started",
            (true, Self::Run) => "customers.bulk_action_started",
            (true, Self::Pause) => "customers.bulk_action_paused",
            (true, Self::Cancel) => "customers.bulk_action_cancelled",
            (true, Self::Undo) => "customers.bulk_action_undo_started",
        }
    }
}
