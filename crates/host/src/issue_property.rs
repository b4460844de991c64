//! What stands on issues for Jira's search and automation: the property's key, and the places in it that hosts index.
//!
//! Hosts index what an app declared before anybody defined a field: a fixed number of places, each of one type. Forge's
//! manifest and Connect's descriptor declare them; a test compares both with [`Slot::all`].

use kernel::{Cx, Result};
use store::tenants::Mode;

use crate::Host;

/// The property's key. Letters alone: automation reaches it by its name.
pub const KEY: &str = "stewardCustomers";
/// The property that says who raised a request for a customer, where Jira knows the account alone that did it for them: `{"accountId": …}`,
/// and nothing else.
pub const RAISED_BY: &str = "stewardRaisedBy";
/// Begins the names by which JQL knows its places. An alias takes no dot.
const ALIAS: &str = "steward";

/// How automation writes a value that stands in the property: `{{issue.properties.stewardCustomers.customer.tier}}`.
pub fn smart_value(of: &str, name: &str) -> String {
    format!("{{{{issue.properties.{KEY}.{of}.{name}}}}}")
}

/// What a place is indexed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SlotKind {
    /// As it stands: compared whole.
    String,
    /// A number, in order.
    Number,
    /// A day or an instant, in order.
    Date,
}

impl SlotKind {
    /// How many places there are of each type: thirty, which every Forge takes.
    const ALL: [(Self, u8); 3] = [(Self::String, 16), (Self::Number, 7), (Self::Date, 7)];

    /// As hosts name the type.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Date => "date",
        }
    }

    fn alias(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::Number => "Number",
            Self::Date => "Date",
        }
    }
}

/// A place in the property that hosts index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    /// What it holds.
    pub kind: SlotKind,
    number: u8,
}

impl Slot {
    /// All places.
    pub fn all() -> impl Iterator<Item = Self> {
        SlotKind::ALL.into_iter().flat_map(|(kind, count)| (1..=count).map(move |number| Self { kind, number }))
    }

    /// Its name in the property: `string1`.
    pub fn path(self) -> String {
        format!("{}{}", self.kind.name(), self.number)
    }

    /// Its name in JQL: `stewardString1`.
    pub fn alias(self) -> String {
        format!("{ALIAS}{}{}", self.kind.alias(), self.number)
    }

    /// By its name in the property.
    pub fn parse(path: &str) -> Option<Self> {
        Self::all().find(|slot| slot.path() == path)
    }
}

impl Host {
    /// Whether the site's search knows the property's places: only an app can declare them.
    pub async fn searches_properties(&self, cx: &Cx) -> Result<bool> {
        Ok(matches!(self.sites.of(cx.tenant()).await?.mode, Mode::Forge | Mode::Connect))
    }

    /// Whether what the site tells of issues is all that is needed. Webhooks may be lost, or never have been asked for: there
    /// changed issues are looked for as well.
    pub async fn tells_of_issues(&self, cx: &Cx) -> Result<bool> {
        Ok(self.sites.of(cx.tenant()).await?.mode == Mode::Forge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_by_their_names() {
        assert_eq!(Slot::all().count(), 30, "Forge's older bound");
        for slot in Slot::all() {
            assert_eq!(Slot::parse(&slot.path()), Some(slot));
            assert!(slot.alias().chars().all(|c| c.is_ascii_alphanumeric()));
        }
        assert_eq!(smart_value("customer", "tier"), "{{issue.properties.stewardCustomers.customer.tier}}");
        assert_eq!(Slot::parse("string17"), None);
        assert_eq!(Slot::parse("string1").map(Slot::alias).as_deref(), Some("stewardString1"));
    }
}
