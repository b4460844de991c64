//! Merges of customers.

use jiff::Timestamp;
use kernel::{AccountId, own_id};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

own_id!(
    /// A merge.
    MergeId
);

/// A merge, with its body sealed or opened.
pub(crate) struct Merge<B> {
    pub(crate) id: MergeId,
    /// Who is found under the other one now.
    pub(crate) merged: AccountId,
    pub(crate) kept: AccountId,
    /// Who did it.
    pub(crate) by: AccountId,
    pub(crate) at: Timestamp,
    pub(crate) undone_at: Option<Timestamp>,
    pub(crate) version: i64,
    pub(crate) body: B,
}

/// What a merge changed, by ids, and what is under way in Jira because of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Zeroize)]
pub(crate) struct MergeBody {
    /// Fields of the kept one that were written, and under which numbers.
    pub(crate) written: Vec<(String, i64)>,
    /// Organizations that the kept one joined by it.
    pub(crate) joined: Vec<String>,
    /// Those that it is still to join.
    #[serde(default)]
    pub(crate) joins: Vec<String>,
    /// Those that it is still to leave, because the merge was undone.
    #[serde(default)]
    pub(crate) leaves: Vec<String>,
    /// The one of which Jira may be asked just now, and until when: whoever asks has had its answer by then, or died.
    #[serde(default)]
    pub(crate) asked: Option<(String, i64)>,
    /// Those of which Jira did not take it, with the fault's code.
    #[serde(default)]
    pub(crate) refused: Vec<(String, String)>,
    /// Who undid it.
    #[serde(default)]
    pub(crate) undone_by: Option<String>,
}

impl<B> Merge<B> {
    /// Whether it was taken back.
    pub(crate) fn is_undone(&self) -> bool {
        self.undone_at.is_some()
    }
}

impl MergeBody {
    /// Whether something is left to be done in Jira.
    pub(crate) fn is_under_way(&self) -> bool {
        self.asked.is_some() || !self.joins.is_empty() || !self.leaves.is_empty()
    }

    /// Organizations that the kept one is still to join, or to leave if the merge was undone.
    pub(crate) fn under_way(&self, undone: bool) -> Vec<String> {
        let left = if undone { &self.leaves } else { &self.joins };
        self.asked.iter().map(|(organization, _)| organization).chain(left).cloned().collect()
    }

    /// Takes back what was asked for and never heard of: asked again, Jira does the same.
    pub(crate) fn ask_again(&mut self, undone: bool) {
        if let Some((organization, _)) = self.asked.take() {
            // Of one that was undone, Jira may have done either: it is left.
            if undone { self.leaves.insert(0, organization) } else { self.joins.insert(0, organization) }
        }
    }

    /// Jira is not asked for what is left, for this reason.
    pub(crate) fn refuse(&mut self, code: &str) {
        let left = self.joins.drain(..).chain(self.leaves.drain(..));
        self.refused.extend(left.map(|organization| (organization, code.to_owned())));
    }

    /// The merge is undone: what was joined is to be left, and what Jira was never asked for is not joined.
    pub(crate) fn undo(&mut self, by: &AccountId) {
        self.leaves = std::mem::take(&mut self.joined);
        self.joins.clear();
        self.refused.clear();
        self.undone_by = Some(by.to_string());
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn named(some: &[&str]) -> Vec<String> {
        some.iter().map(|one| (*one).to_owned()).collect()
    }

    #[test]
    fn what_was_never_asked_for_is_not_left_and_what_may_have_been_is() {
        let asked = Some(("2".to_owned(), 7));
        let mut body = MergeBody { joined: named(&["1"]), joins: named(&["3"]), asked, ..MergeBody::default() };
        assert_eq!(body.under_way(false), ["2", "3"]);
        body.undo(&AccountId::new("somebody").unwrap());
        assert_eq!((body.under_way(true), body.joins.len(), body.joined.len()), (named(&["2", "1"]), 0, 0));
        body.ask_again(true);
        assert_eq!((&body.asked, &body.leaves), (&None, &named(&["2", "1"])));
        assert!(body.is_under_way());
    }

    #[test]
    fn one_of_before_has_nothing_under_way() {
        let body: MergeBody = serde_json::from_str(r#"{"written":[["f",3]],"joined":["1"]}"#).unwrap();
        assert!(!body.is_under_way());
    }
}
