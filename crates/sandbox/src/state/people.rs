//! Changes to people: accounts, customers of desks, organizations.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    State, StateError,
    model::{Account, AccountId, AccountType, Organization, USERS_GROUP},
    store::Store,
};
use crate::events::{Actor, EventKind};

/// Accounts that a site takes.
const MAX_ACCOUNTS: usize = 1_000_000;
/// Longest address, in characters.
pub(crate) const ADDRESS_MAX: usize = 254;

/// Why nobody is removed from a desk that is open to all.
pub(crate) const OPEN_ACCESS: &str = "Customers cannot be removed from a service desk with open access.";

/// Whether a text is an e-mail address, as far as Jira looks.
pub(crate) fn is_address(email: &str) -> bool {
    email
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !email.contains(char::is_whitespace))
}

impl Store {
    pub(super) fn put_account(&mut self, mut account: Account) {
        self.give_name(&mut account);
        if !account.email.is_empty() {
            self.by_email.insert(account.email.to_lowercase(), account.account_id.clone());
        }
        self.accounts.insert(account.account_id.clone(), account);
    }

    fn put_organization(&mut self, uuid: String, name: &str) -> Organization {
        let organization = Organization {
            id: self.next_id().to_string(),
            uuid,
            name: name.to_owned(),
            members: BTreeSet::new(),
            properties: BTreeMap::new(),
        };
        self.organizations.insert(organization.id.clone(), organization.clone());
        organization
    }

    /// Whether a search of people knows this account already.
    pub(crate) fn is_found(&self, account_id: &str, now: Timestamp) -> bool {
        self.found_from.get(account_id).is_none_or(|from| *from <= now)
    }
}

impl State {
    /// Adds an account (people, and the accounts of apps).
    pub fn add_account(&self, actor: &Actor, account: Account) {
        let account_id = account.account_id.clone();
        self.write().put_account(account);
        self.emit(actor, EventKind::UserCreated { account_id });
    }

    /// Changes an account.
    pub fn edit_account(
        &self,
        actor: &Actor,
        account_id: &str,
        f: impl FnOnce(&mut Account),
    ) -> Result<(), StateError> {
        let mut store = self.write();
        let account = store.accounts.get_mut(account_id).ok_or(StateError::NotFound)?;
        f(account);
        store.rename(account_id);
        drop(store);
        self.emit(actor, EventKind::UserUpdated { account_id: account_id.to_owned() });
        Ok(())
    }

    /// Creates a portal-only customer; a taken address is a conflict.
    pub fn create_customer(&self, actor: &Actor, email: &str, name: &str) -> Result<Account, StateError> {
        let id = format!("qm:{}:{}", self.cloud_id, self.random_uuid());
        let mut account = Account::new(&id, AccountType::Customer, name, email);
        account.email_visible = false;
        self.create_person(actor, account)
    }

    /// Creates a person with a licence; a taken address is a conflict.
    pub fn create_colleague(&self, actor: &Actor, email: &str, name: &str) -> Result<Account, StateError> {
        let id = format!("712020:{}", self.random_uuid());
        self.create_person(actor, Account::new(&id, AccountType::Atlassian, name, email))
    }

    fn create_person(&self, actor: &Actor, account: Account) -> Result<Account, StateError> {
        let id = account.account_id.clone();
        let mut store = self.write();
        if store.account_by_email(&account.email).is_some() {
            return Err(StateError::Conflict("An account already exists for this email address.".to_owned()));
        }
        if store.accounts.len() >= MAX_ACCOUNTS {
            return Err(StateError::Full(format!("This site has {MAX_ACCOUNTS} accounts, and takes no more.")));
        }
        store.put_account(account.clone());
        if account.account_type == AccountType::Atlassian
            && let Some(users) = store.groups.get_mut(USERS_GROUP)
        {
            users.members.insert(id.clone());
        }
        // A Data Center asks its database.
        if store.names.is_none() {
            let from = self.now().checked_add(self.faults.search_lag()).unwrap_or(Timestamp::MAX);
            store.found_from.insert(id.clone(), from);
        }
        drop(store);
        self.emit(actor, EventKind::UserCreated { account_id: id });
        Ok(account)
    }

    /// Adds customers to a desk, or removes them; from an open one nobody can be removed.
    pub fn change_desk_customers(
        &self,
        desk_id: &str,
        add: &[AccountId],
        remove: &[AccountId],
    ) -> Result<(), StateError> {
        let mut store = self.write();
        let desk = store.service_desks.get_mut(desk_id).ok_or(StateError::NotFound)?;
        if desk.open_access && !remove.is_empty() {
            return Err(StateError::Conflict(OPEN_ACCESS.to_owned()));
        }
        desk.customers.extend(add.iter().cloned());
        for id in remove {
            desk.customers.remove(id);
        }
        Ok(())
    }

    /// Creates an organization, also where there is one of that name.
    pub fn create_organization(&self, actor: &Actor, name: &str) -> Organization {
        let uuid = self.random_uuid().to_string();
        let made = self.write().put_organization(uuid, name);
        self.emit(actor, EventKind::OrganizationChanged { organization_id: made.id.clone() });
        made
    }

    /// The organization of that name, in whichever case; creates it where there is none.
    pub fn organization_called(&self, actor: &Actor, name: &str) -> Organization {
        let uuid = self.random_uuid().to_string();
        let mut store = self.write();
        if let Some(there) = store.organizations.values().find(|one| one.name.eq_ignore_ascii_case(name)) {
            return there.clone();
        }
        let made = store.put_organization(uuid, name);
        drop(store);
        self.emit(actor, EventKind::OrganizationChanged { organization_id: made.id.clone() });
        made
    }

    /// Deletes an organization, from desks and requests too.
    pub fn delete_organization(&self, actor: &Actor, id: &str) -> Result<(), StateError> {
        let mut store = self.write();
        store.organizations.shift_remove(id).ok_or(StateError::NotFound)?;
        for desk in store.service_desks.values_mut() {
            desk.organizations.remove(id);
        }
        drop(store);
        self.emit(actor, EventKind::OrganizationChanged { organization_id: id.to_owned() });
        Ok(())
    }

    /// Changes an organization.
    pub fn edit_organization<T>(
        &self,
        actor: &Actor,
        id: &str,
        f: impl FnOnce(&mut Organization) -> T,
    ) -> Result<T, StateError> {
        let mut store = self.write();
        let answer = f(store.organizations.get_mut(id).ok_or(StateError::NotFound)?);
        drop(store);
        self.emit(actor, EventKind::OrganizationChanged { organization_id: id.to_owned() });
        Ok(answer)
    }

    /// Sets a user property (`None` deletes it); answers whether it was there before.
    pub fn set_user_property(&self, account_id: &str, key: &str, value: Option<Value>) -> Result<bool, StateError> {
        let mut store = self.write();
        let account = store.accounts.get_mut(account_id).ok_or(StateError::NotFound)?;
        Ok(match value {
            Some(value) => account.properties.insert(key.to_owned(), value).is_some(),
            None => account.properties.remove(key).is_some(),
        })
    }
}
