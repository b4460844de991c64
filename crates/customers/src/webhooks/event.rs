//! What receivers are told of, and how a message says it.

use jiff::Timestamp;
use kernel::{Fault, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;
use zeroize::Zeroize;

use crate::model::{Action, Author, Change, Entity, FieldId, ProductId};

/// What happened. Names are stored and sent: one never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, Zeroize)]
pub(crate) enum EventKind {
    /// A customer's value was set, cleared, restored or converted.
    #[serde(rename = "customer.value.changed")]
    CustomerValueChanged,
    /// An organization's value was.
    #[serde(rename = "organization.value.changed")]
    OrganizationValueChanged,
    /// Jira says that somebody belongs to an organization now.
    #[serde(rename = "organization.member.added")]
    MemberAdded,
    /// Jira says that somebody no longer does.
    #[serde(rename = "organization.member.removed")]
    MemberRemoved,
    /// An organization was given an entitlement that it did not have.
    #[serde(rename = "organization.entitlement.added")]
    EntitlementAdded,
    /// What an organization is entitled to has other terms now.
    #[serde(rename = "organization.entitlement.changed")]
    EntitlementChanged,
    /// An organization is no longer entitled to it.
    #[serde(rename = "organization.entitlement.removed")]
    EntitlementRemoved,
    /// A customer was merged into another one.
    #[serde(rename = "customer.merged")]
    CustomerMerged,
    /// That was taken back.
    #[serde(rename = "customer.unmerged")]
    CustomerUnmerged,
    /// A field was defined.
    #[serde(rename = "field.defined")]
    FieldDefined,
    /// A field's definition was changed.
    #[serde(rename = "field.changed")]
    FieldChanged,
    /// A field was retired.
    #[serde(rename = "field.retired")]
    FieldRetired,
    /// A retired field was taken back into use.
    #[serde(rename = "field.restored")]
    FieldRestored,
    /// An administrator tries a receiver out. Sent to that one, whatever it listens to.
    #[serde(rename = "webhook.test")]
    Test,
}

impl EventKind {
    /// Those that a receiver listens to.
    pub(crate) const CHOSEN: [Self; 13] = [
        Self::CustomerValueChanged,
        Self::OrganizationValueChanged,
        Self::MemberAdded,
        Self::MemberRemoved,
        Self::EntitlementAdded,
        Self::EntitlementChanged,
        Self::EntitlementRemoved,
        Self::CustomerMerged,
        Self::CustomerUnmerged,
        Self::FieldDefined,
        Self::FieldChanged,
        Self::FieldRetired,
        Self::FieldRestored,
    ];

    /// As stored and sent.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CustomerValueChanged => "customer.value.changed",
            Self::OrganizationValueChanged => "organization.value.changed",
            Self::MemberAdded => "organization.member.added",
            Self::MemberRemoved => "organization.member.removed",
            Self::EntitlementAdded => "organization.entitlement.added",
            Self::EntitlementChanged => "organization.entitlement.changed",
            Self::EntitlementRemoved => "organization.entitlement.removed",
            Self::CustomerMerged => "customer.merged",
            Self::CustomerUnmerged => "customer.unmerged",
            Self::FieldDefined => "field.defined",
            Self::FieldChanged => "field.changed",
            Self::FieldRetired => "field.retired",
            Self::FieldRestored => "field.restored",
            Self::Test => "webhook.test",
        }
    }

    /// From the store.
    pub(crate) fn parse(name: &str) -> Result<Self> {
        Self::CHOSEN
            .into_iter()
            .chain([Self::Test])
            .find(|kind| kind.name() == name)
            .ok_or_else(|| Fault::broken("customers_row", "webhook_event.kind is not from its closed set"))
    }

    /// That a value of one of these changed.
    pub(crate) fn value_changed(entity: Entity) -> Self {
        match entity {
            Entity::Customer => Self::CustomerValueChanged,
            Entity::Organization => Self::OrganizationValueChanged,
        }
    }

    /// What became of an entitlement that was in force before, or was not, and is in force now, or is not.
    pub(crate) fn entitlement_written(before: bool, now: bool) -> Self {
        match (before, now) {
            (_, false) => Self::EntitlementRemoved,
            (false, true) => Self::EntitlementAdded,
            (true, true) => Self::EntitlementChanged,
        }
    }

    /// Whether it is told of a product.
    pub(crate) fn is_of_entitlement(self) -> bool {
        matches!(self, Self::EntitlementAdded | Self::EntitlementChanged | Self::EntitlementRemoved)
    }

    /// Whose value changed, if that is what happened.
    pub(crate) fn entity_of_value(self) -> Option<Entity> {
        match self {
            Self::CustomerValueChanged => Some(Entity::Customer),
            Self::OrganizationValueChanged => Some(Entity::Organization),
            _ => None,
        }
    }
}

/// Something that happened, by ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// The tenant's change number: grows with time, with gaps.
    pub(crate) seq: i64,
    /// Names its message, on every try and replay alike.
    pub(crate) id: Uuid,
    pub(crate) kind: EventKind,
    /// Of a value: the customer's account or the organization. Of a member and an entitlement: the organization. Of a merge: the
    /// account that was kept.
    pub(crate) owner: Option<String>,
    /// The member's account; of a merge, the account that was merged.
    pub(crate) member: Option<String>,
    pub(crate) field: Option<FieldId>,
    /// Of an entitlement.
    pub(crate) product: Option<ProductId>,
    pub(crate) by: Option<Author>,
    pub(crate) at: Timestamp,
}

impl Event {
    /// Something that happened now; made whole with the other parts by struct update.
    pub(crate) fn new(kind: EventKind, seq: i64, at: Timestamp) -> Self {
        Self { seq, id: Uuid::now_v7(), kind, owner: None, member: None, field: None, product: None, by: None, at }
    }

    /// Its `webhook-id`.
    pub(crate) fn message_id(&self) -> String {
        format!("msg_{}", self.id.simple())
    }
}

/// What a message says of a value, where its receiver may know.
pub(crate) struct Told<'a> {
    pub(crate) action: Action,
    pub(crate) change: Option<&'a Change>,
}

/// The body of an event's message: the same bytes on every try, as long as its history is there.
pub(crate) fn message(event: &Event, told: Option<&Told<'_>>) -> Vec<u8> {
    let mut data = serde_json::Map::new();
    let mut put = |key: &str, value: serde_json::Value| data.insert(key.to_owned(), value);
    let (owner, member) = match event.kind {
        EventKind::CustomerMerged | EventKind::CustomerUnmerged => ("keptId", "mergedId"),
        EventKind::CustomerValueChanged => ("accountId", "accountId"),
        _ => ("organizationId", "accountId"),
    };
    if let Some(id) = &event.owner {
        put(owner, json!(id));
    }
    if let Some(account) = &event.member {
        put(member, json!(account));
    }
    if let Some(field) = event.field {
        put("fieldId", json!(field.to_string()));
    }
    if let Some(product) = event.product {
        put("productId", json!(product.to_string()));
    }
    match &event.by {
        Some(Author::Person(account)) => drop(put("by", json!({"accountId": account.as_str()}))),
        Some(Author::Token(token)) => drop(put("by", json!({"tokenId": token.to_string()}))),
        Some(Author::BulkAction(id)) => drop(put("by", json!({"bulkActionId": id.to_string()}))),
        Some(Author::Import(import)) => drop(put("by", json!({"importId": import.to_string()}))),
        None => {}
    }
    if let Some(told) = told {
        put("action", json!(told.action));
        if let Some(change) = told.change {
            put("from", json!(change.from));
            put("to", json!(change.to));
        }
    }
    let body = json!({
        "type": event.kind.name(),
        "timestamp": event.at.to_string(),
        "sequence": event.seq,
        "data": data,
    });
    body.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use kernel::AccountId;

    use super::*;
    use crate::model::Value;

    #[test]
    fn a_name_is_what_it_was_and_the_same_in_every_place() {
        for kind in EventKind::CHOSEN.into_iter().chain([EventKind::Test]) {
            assert_eq!(json!(kind), json!(kind.name()));
            assert_eq!(EventKind::parse(kind.name()).unwrap(), kind);
        }
        assert!(EventKind::parse("customer.born").is_err());
    }

    #[test]
    fn an_entitlement_is_added_changed_or_removed() {
        for (before, now, expected) in [
            (false, true, EventKind::EntitlementAdded),
            (true, true, EventKind::EntitlementChanged),
            (true, false, EventKind::EntitlementRemoved),
        ] {
            assert_eq!(EventKind::entitlement_written(before, now), expected);
        }
    }

    #[test]
    fn a_message_names_ids_and_tells_values_only_when_it_is_given_them() {
        #[track_caller]
        fn check(event: &Event, told: Option<&Told<'_>>, expected: serde_json::Value) {
            let said: serde_json::Value = serde_json::from_slice(&message(event, told)).unwrap();
            assert_eq!(said["data"], expected);
            assert_eq!(said["sequence"], 7);
            assert_eq!(said["timestamp"], "2026-11-22T09:00:00Z");
        }
        let at: Timestamp = "2026-11-22T09:00:00Z".parse().unwrap();
        let field = FieldId(Uuid::nil());
        let by = Some(Author::Person(AccountId::new("ag:1").unwrap()));
        let new = |kind| Event { field: Some(field), by: by.clone(), ..Event::new(kind, 7, at) };
        let value = Event { owner: Some("cu:1".to_owned()), ..new(EventKind::CustomerValueChanged) };
        let known = json!({"accountId": "cu:1", "fieldId": field.to_string(), "by": {"accountId": "ag:1"}});
        check(&value, None, known.clone());
        let mut told = Told { action: Action::Set, change: None };
        let mut expected = known;
        expected["action"] = json!("set");
        check(&value, Some(&told), expected.clone());
        let change = Change { from: Value::Empty, to: Value::Text("Gold".to_owned()) };
        told.change = Some(&change);
        expected["from"] = json!(null);
        expected["to"] = json!("Gold");
        check(&value, Some(&told), expected);
        let member = Event {
            owner: Some("17".to_owned()),
            member: Some("cu:1".to_owned()),
            ..Event::new(EventKind::MemberAdded, 7, at)
        };
        check(&member, None, json!({"organizationId": "17", "accountId": "cu:1"}));
        let entitlement = Event {
            owner: Some("17".to_owned()),
            product: Some(ProductId(Uuid::nil())),
            ..Event::new(EventKind::EntitlementAdded, 7, at)
        };
        check(&entitlement, None, json!({"organizationId": "17", "productId": Uuid::nil().to_string()}));
        let merge = Event {
            owner: Some("cu:1".to_owned()),
            member: Some("cu:2".to_owned()),
            ..Event::new(EventKind::CustomerMerged, 7, at)
        };
        check(&merge, None, json!({"keptId": "cu:1", "mergedId": "cu:2"}));
        check(&Event::new(EventKind::Test, 7, at), None, json!({}));
    }
}
