//! Saved views: a list as somebody likes to see it.

use jiff::Timestamp;
use kernel::{AccountId, own_id};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::Entity;

own_id!(
    /// A saved view.
    ViewId
);

/// A view, with its body sealed or opened.
pub(crate) struct View<B> {
    pub(crate) id: ViewId,
    pub(crate) entity: Entity,
    /// Who made it.
    pub(crate) owner: AccountId,
    /// Whether everybody who may browse sees it.
    pub(crate) shared: bool,
    /// Changes with every change of it.
    pub(crate) version: i64,
    /// When it was deleted; it can be taken back for a while.
    pub(crate) deleted_at: Option<Timestamp>,
    pub(crate) body: B,
}

impl<B> View<B> {
    /// The same view with another body.
    pub(crate) fn with<C>(self, make: impl FnOnce(B) -> C) -> View<C> {
        View {
            id: self.id,
            entity: self.entity,
            owner: self.owner,
            shared: self.shared,
            version: self.version,
            deleted_at: self.deleted_at,
            body: make(self.body),
        }
    }
}

/// The sealed part of a view: everything that people made up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Zeroize)]
pub(crate) struct ViewBody {
    pub(crate) name: String,
    /// A query whose fields, options and people stand by their ids, so that it outlives their names.
    pub(crate) query: String,
    /// In their order; none: the list's own.
    pub(crate) columns: Vec<ViewColumn>,
}

/// One column of a view.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Zeroize)]
pub(crate) struct ViewColumn {
    /// What the directory knows, by its name, or the id of a field.
    pub(crate) key: String,
    /// In CSS pixels; none: as wide as the list makes it.
    pub(crate) width: Option<u16>,
    /// Whether it stays in sight at the beginning of each row.
    pub(crate) pinned: bool,
}
