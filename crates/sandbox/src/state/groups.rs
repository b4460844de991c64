//! Groups and who is in them, who may sign in, and with which tokens. Jira tells nobody of these but of an account's change.

use std::collections::BTreeSet;

use super::{
    State, StateError,
    model::{ADMIN_GROUP, AccountType, Group, RoleActor, USERS_GROUP},
    store::Store,
};
use crate::events::Actor;

/// Groups that a site takes.
const MAX_GROUPS: usize = 1000;
/// API tokens that one person may have.
const MAX_TOKENS: usize = 10;

/// Groups that every site has.
pub(crate) fn is_built_in(name: &str) -> bool {
    name == ADMIN_GROUP || name == USERS_GROUP
}

impl Store {
    /// Whether the site would have an active administrator without this account.
    fn administered_without(&self, account_id: &str) -> bool {
        let active = |id: &str| self.account(id).is_some_and(|account| account.active);
        let group = self.groups.get(ADMIN_GROUP);
        group.is_some_and(|group| group.members.iter().any(|id| id != account_id && active(id)))
    }
}

impl State {
    /// Makes a group; names are unique in any case.
    pub fn create_group(&self, name: &str) -> Result<(), StateError> {
        let group_id = self.random_uuid().to_string();
        let mut store = self.write();
        if store.groups.values().any(|group| group.name.eq_ignore_ascii_case(name)) {
            return Err(StateError::Conflict("A group with this name already exists.".to_owned()));
        }
        if store.groups.len() >= MAX_GROUPS {
            return Err(StateError::Full(format!("This site has {MAX_GROUPS} groups, and takes no more.")));
        }
        let group = Group { group_id, name: name.to_owned(), members: BTreeSet::new() };
        store.groups.insert(name.to_owned(), group);
        Ok(())
    }

    /// Deletes a group, from the roles of projects too.
    pub fn delete_group(&self, name: &str) -> Result<(), StateError> {
        if is_built_in(name) {
            return Err(StateError::Conflict("Every site has this group.".to_owned()));
        }
        let mut store = self.write();
        store.groups.shift_remove(name).ok_or(StateError::NotFound)?;
        for actors in store.projects.values_mut().flat_map(|project| project.roles.values_mut()) {
            actors.retain(|actor| !matches!(actor, RoleActor::Group(group) if group == name));
        }
        Ok(())
    }

    /// Puts somebody into a group, or takes them out. One active administrator stays.
    pub fn change_group(&self, name: &str, account_id: &str, member: bool) -> Result<(), StateError> {
        let mut store = self.write();
        let account = store.account(account_id).ok_or(StateError::NotFound)?;
        if account.account_type != AccountType::Atlassian {
            return Err(StateError::Invalid("Customers and apps are in no groups.".to_owned()));
        }
        if !member && name == ADMIN_GROUP && !store.administered_without(account_id) {
            return Err(last_administrator());
        }
        let group = store.groups.get_mut(name).ok_or(StateError::NotFound)?;
        if member {
            group.members.insert(account_id.to_owned());
        } else {
            group.members.remove(account_id);
        }
        Ok(())
    }

    /// Activates an account, or deactivates it. One active administrator stays.
    pub fn set_active(&self, actor: &Actor, account_id: &str, active: bool) -> Result<(), StateError> {
        {
            let store = self.read();
            if !active && store.is_site_admin(account_id) && !store.administered_without(account_id) {
                return Err(last_administrator());
            }
        }
        self.edit_account(actor, account_id, |account| account.active = active)
    }

    /// Gives somebody another API token; on Data Center, a personal access token.
    pub fn give_token(&self, account_id: &str) -> Result<(), StateError> {
        let made = format!("{}{}", self.random_uuid().simple(), self.random_uuid().simple());
        let personal = self.read().names.is_some();
        let secret = if personal { self.make_token(account_id, "Given", None)?.1 } else { made };
        let mut store = self.write();
        let account = store.accounts.get_mut(account_id).ok_or(StateError::NotFound)?;
        if !personal && account.api_tokens.len() >= MAX_TOKENS {
            return Err(StateError::Conflict(format!("A person can have at most {MAX_TOKENS} tokens.")));
        }
        account.api_tokens.push(secret);
        Ok(())
    }
}

fn last_administrator() -> StateError {
    StateError::Conflict("Nobody would administer this site any more.".to_owned())
}
