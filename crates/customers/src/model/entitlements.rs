//! Products, and organizations' entitlements to them.

use jiff::Timestamp;
use kernel::own_id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroize;

use super::{Action, Author};

own_id!(
    /// A product.
    ProductId
);

/// Who sees entitlements to a product besides agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ProductAudience {
    /// Nobody else.
    Agents,
    /// The customers of an entitled organization.
    CustomerView,
}

impl ProductAudience {
    /// As stored.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Agents => "agents",
            Self::CustomerView => "customerView",
        }
    }

    /// From the store.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Agents, Self::CustomerView].into_iter().find(|audience| audience.name() == name)
    }
}

/// A product, with its name sealed or opened.
pub(crate) struct Product<N> {
    pub(crate) id: ProductId,
    pub(crate) audience: ProductAudience,
    /// Changes with every change of it.
    pub(crate) version: i64,
    /// Whether it is given to nobody anew.
    pub(crate) retired: bool,
    pub(crate) name: N,
}

/// What an organization is entitled to of one product: sealed as one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Zeroize)]
pub(crate) struct Terms {
    /// The first day, `2026-01-31`; none: since ever.
    pub(crate) starts: Option<String>,
    /// The last day; none: for good.
    pub(crate) ends: Option<String>,
    /// How many.
    pub(crate) limit: Option<f64>,
    /// Of what: seats, hours.
    pub(crate) unit: Option<String>,
    /// For agents alone.
    pub(crate) note: Option<String>,
}

/// An entitlement as it stands; no terms: it was withdrawn.
pub(crate) struct Entitlement<T> {
    pub(crate) product: ProductId,
    /// The sealed or opened [`Terms`], or none.
    pub(crate) terms: T,
    /// The tenant's change number of its last change.
    pub(crate) version: i64,
    pub(crate) updated_at: Timestamp,
    pub(crate) updated_by: Author,
}

/// What an entitlement was and what it became.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Zeroize)]
pub(crate) struct TermsChange {
    pub(crate) from: Option<Terms>,
    pub(crate) to: Option<Terms>,
}

/// One change of one entitlement: `C` is the [`TermsChange`], sealed or opened.
pub(crate) struct EntitlementEntry<C> {
    /// The change's number; names the entry within its organization.
    pub(crate) id: i64,
    pub(crate) product: ProductId,
    pub(crate) change: C,
    pub(crate) at: Timestamp,
    pub(crate) by: Author,
    pub(crate) action: Action,
}

/// What an entitlement is on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EntitlementState)]
pub(crate) enum EntitlementState {
    /// Its first day is yet to come.
    Upcoming,
    /// In force.
    Active,
    /// In force, and its last day is within 30 days.
    Expiring,
    /// Its last day is over.
    Expired,
}
