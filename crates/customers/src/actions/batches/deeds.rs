//! What Jira is asked to do with some people at once. It takes each of these calls twice as well as once, so that one whose
//! answer was lost is made again.

use std::collections::BTreeSet;

use host::Jira;
use host::client::ServiceDeskId;
use kernel::{AccountId, Fault, Kind, OrganizationId, ProjectId, Result};

/// What Jira is asked to do.
pub(crate) enum Deed {
    /// Into an organization.
    Join(OrganizationId),
    /// Out of it.
    Leave(OrganizationId),
    /// Onto a project's desk.
    Serve(ProjectId, ServiceDeskId),
    /// Off it.
    Unserve(ProjectId, ServiceDeskId),
}

impl Deed {
    async fn ask(&self, jira: &Jira<'_>, accounts: &[AccountId]) -> Result<()> {
        match self {
            Self::Join(of) => jira.add_members(of, accounts).await,
            Self::Leave(of) => jira.remove_members(of, accounts).await,
            Self::Serve(_, desk) => jira.add_desk_customers(desk, accounts).await,
            Self::Unserve(_, desk) => jira.remove_desk_customers(desk, accounts).await,
        }
    }

    /// Asks Jira for all at once; where it does not take them so, for each. Answers those whom it does not take. At most
    /// [`host::client::ACCOUNTS_AT_ONCE`].
    pub(crate) async fn tell(&self, jira: &Jira<'_>, accounts: &[AccountId]) -> Result<BTreeSet<AccountId>> {
        let mut refused = BTreeSet::new();
        match self.ask(jira, accounts).await {
            Ok(()) => return Ok(refused),
            Err(fault) if !of_somebody(&fault) => return Err(fault),
            Err(_) => {}
        }
        for account in accounts {
            match self.ask(jira, std::slice::from_ref(account)).await {
                Ok(()) => {}
                Err(fault) if of_somebody(&fault) => drop(refused.insert(account.clone())),
                Err(fault) => return Err(fault),
            }
        }
        Ok(refused)
    }
}

/// Whether it may be one of several whom Jira does not take, and the others it would.
fn of_somebody(fault: &Fault) -> bool {
    matches!(fault.kind(), Kind::Invalid | Kind::NotFound | Kind::Conflict)
}
