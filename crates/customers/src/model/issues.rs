//! What of a field lies on issues in Jira.

use host::client::IssueFieldKind;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

/// The field of an issue in Jira that a field's values are copied into when a request is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Zeroize)]
pub struct CopiedTo {
    /// Its id: `customfield_10050`.
    pub id: String,
    /// Its name in Jira when it was chosen.
    pub name: String,
    /// What it holds.
    #[zeroize(skip)]
    pub kind: IssueFieldKind,
    /// Requests that were made earlier are left alone.
    #[zeroize(skip)]
    pub since: Timestamp,
}

/// How a field's values stand on issues.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Zeroize)]
pub struct OnIssues {
    /// Their name there; made of the field's when it was chosen.
    pub name: String,
    /// The place that search knows, as the host names it.
    pub slot: String,
}
