//! Whose values a caller reaches, and which of them: whoever holds the permission all of them, a customer those of their own
//! and of their organizations that are shared with the customers of their projects.

use std::collections::BTreeSet;

use kernel::{AccountId, Cx, Fault, ProjectId, Result};
use store::Scoped;

use crate::Room;
use crate::actions::fields::OpenField;
use crate::actions::{access, directory};
use crate::model::{Entity, Owner, Permission};
use crate::{rules, sql};

/// What the caller may do with an owner's values.
pub(crate) enum Reach {
    /// Whoever holds the permission.
    Agent,
    /// A customer with their own, who is one of these projects'.
    Own(BTreeSet<ProjectId>),
    /// The same with what is of an organization that they belong to. Whoever makes it asked Jira which those are.
    Member(BTreeSet<ProjectId>),
}

impl Reach {
    /// A customer's with their own.
    pub(crate) async fn own(cx: &Cx, room: &Room, account: &AccountId) -> Result<Self> {
        Ok(Self::Own(sql::projects_of_customer(&mut room.shared.store.read(cx).await?, account).await?))
    }

    /// A customer's with what is of organizations that they belong to.
    pub(crate) async fn member(cx: &Cx, room: &Room, account: &AccountId) -> Result<Self> {
        Ok(Self::Member(sql::projects_of_customer(&mut room.shared.store.read(cx).await?, account).await?))
    }

    /// The caller's to what fields there are. Of organizations' fields a customer is told with their values alone: whoever belongs to
    /// none is told of none.
    pub(crate) async fn to_definitions(cx: &Cx, room: &Room) -> Result<Self> {
        match cx.person() {
            _ if access::sees_definitions(cx, room).await? => Ok(Self::Agent),
            Some(account) => Self::own(cx, room, account).await,
            None => Ok(Self::Own(BTreeSet::new())),
        }
    }

    /// Whether it is more than a customer's with their own.
    pub(crate) fn is_agent(&self) -> bool {
        matches!(self, Self::Agent)
    }

    pub(crate) fn sees(&self, field: &OpenField) -> bool {
        self.may(field, false)
    }

    pub(crate) fn writes(&self, field: &OpenField) -> bool {
        self.may(field, true)
    }

    /// A field that is limited to projects is for their customers alone.
    fn may(&self, field: &OpenField, edit: bool) -> bool {
        let (entity, projects) = match self {
            Self::Agent => return true,
            Self::Own(projects) => (Entity::Customer, projects),
            Self::Member(projects) => (Entity::Organization, projects),
        };
        let limits = &field.body.peek().projects;
        let here = limits.is_empty() || projects.iter().any(|of| rules::applies_to_project(limits, of.as_str()));
        !field.retired && field.entity == entity && here && rules::customer_may(field.audience, entity, edit)
    }
}

/// Lets in whoever holds the permission, and a customer to their own record; to everybody else the owner is not there.
pub(crate) async fn reach(cx: &Cx, room: &Room, owner: &Owner, needed: Permission) -> Result<Reach> {
    let held = access::permissions_about(cx, room, owner.entity()).await?;
    if held.contains(&needed) {
        if directory::exists(cx, room, owner).await? {
            if needed == Permission::Edit {
                check_merged(&mut room.shared.store.read(cx).await?, owner).await?;
            }
            return Ok(Reach::Agent);
        }
        return Err(Fault::not_found());
    }
    if let Owner::Customer(account) = owner
        && Some(account) == cx.person()
    {
        return Reach::own(cx, room, account).await;
    }
    if held.contains(&Permission::Browse) {
        access::require_about(cx, room, owner.entity(), needed).await?;
    }
    Err(Fault::not_found())
}

/// What is written to somebody who was merged would be written where nobody looks. Asked again in the transaction that writes:
/// they may have been merged since.
pub(crate) async fn check_merged(scoped: &mut Scoped, owner: &Owner) -> Result<()> {
    if let Owner::Customer(account) = owner
        && sql::merged_into(scoped, account).await?.is_some()
    {
        let text = "This customer was merged into another one. Change that one, or undo the merge.";
        return Err(Fault::invalid("merged", text));
    }
    Ok(())
}
