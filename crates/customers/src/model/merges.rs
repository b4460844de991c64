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

/// What a merge changed, by ids.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Zeroize)]
pub(crate) struct MergeBody {
    /// Fields of the kept one that were written, and under which numbers.
    pub(crate) written: Vec<(String, i64)>,
    /// Organizations that the kept one joined by it.
    pub(crate) joined: Vec<String>,
}
