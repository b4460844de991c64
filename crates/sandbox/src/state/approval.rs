//! Approvals of requests: who is asked whether a request may go on, and what each said.

use jiff::Timestamp;

use super::model::AccountId;

/// What somebody said, or all of them together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nothing yet.
    Pending,
    /// Yes.
    Approved,
    /// No.
    Declined,
}

impl Decision {
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Declined => "declined",
        }
    }
}

/// Asks some people whether a request may go on.
#[derive(Debug, Clone)]
pub struct Approval {
    /// Site-wide id.
    pub id: u64,
    /// The request.
    pub issue_id: u64,
    /// What is asked.
    pub name: String,
    /// When they were asked.
    pub created_at: Timestamp,
    /// When it was decided.
    pub completed_at: Option<Timestamp>,
    /// Who is asked, with what they said.
    pub approvers: Vec<(AccountId, Decision)>,
    /// How many must say yes.
    pub needed: usize,
}

impl Approval {
    /// What comes of it: no as soon as one says no, yes once enough say yes.
    #[must_use]
    pub fn decision(&self) -> Decision {
        let said = |what: Decision| self.approvers.iter().filter(|(_, said)| *said == what).count();
        if said(Decision::Declined) > 0 {
            Decision::Declined
        } else if said(Decision::Approved) >= self.needed {
            Decision::Approved
        } else {
            Decision::Pending
        }
    }

    /// Whether somebody is asked.
    #[must_use]
    pub fn asks(&self, who: &str) -> bool {
        self.approvers.iter().any(|(id, _)| id == who)
    }

    /// Whether somebody is asked and can still answer.
    #[must_use]
    pub fn awaits(&self, who: &str) -> bool {
        let silent = self.approvers.iter().any(|(id, said)| id == who && *said == Decision::Pending);
        silent && self.decision() == Decision::Pending
    }
}
