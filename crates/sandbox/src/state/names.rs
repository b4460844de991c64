//! Who people are on Data Center: a name, with which they sign in and which an administrator may change, and a key,
//! which stays; and the personal access tokens that they made.
//!
//! Keys are as old sites have them: before 8.4 a key was the name of the day, and stays after a change of the name; since
//! then it is `JIRAUSER` and a number. On Cloud there are none of these, and no look-up finds anybody.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::{
    State, StateError,
    model::{Account, AccountId, AccountType},
    store::Store,
};

/// First number of a key.
const FIRST_KEY: usize = 10_000;
/// Tokens that one person may have, as Data Center has it unless told otherwise.
const MAX_TOKENS: usize = 10;

/// Names, keys and tokens.
#[derive(Default)]
pub(crate) struct Names {
    by_name: HashMap<String, AccountId>,
    by_key: HashMap<String, AccountId>,
    /// Which name an account is found by.
    found_by: HashMap<AccountId, String>,
    tokens: HashMap<String, PersonalToken>,
    /// Whether the site runs: who comes now gets a key of today.
    founded: bool,
}

/// A personal access token, by its secret.
#[derive(Debug, Clone)]
pub struct PersonalToken {
    /// Its number.
    pub id: u64,
    /// Whose it is.
    pub account_id: AccountId,
    /// What it is called.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
}

impl Store {
    /// Somebody by name, in any case.
    #[must_use]
    pub fn by_username(&self, name: &str) -> Option<&Account> {
        self.names.as_ref()?.by_name.get(&name.to_lowercase()).and_then(|id| self.account(id))
    }

    /// Somebody by key.
    #[must_use]
    pub fn by_user_key(&self, key: &str) -> Option<&Account> {
        self.names.as_ref()?.by_key.get(key).and_then(|id| self.account(id))
    }

    /// Whoever a query means: on Cloud by account id; on Data Center by name, by key, and by the name shown.
    pub(crate) fn meant(&self, text: &str) -> Option<&Account> {
        if self.names.is_none() {
            return self.account(text);
        }
        self.by_username(text)
            .or_else(|| self.by_user_key(text))
            .or_else(|| self.accounts.values().find(|account| account.display_name.eq_ignore_ascii_case(text)))
    }

    pub(super) fn give_name(&mut self, account: &mut Account) {
        let at = self.accounts.len();
        let Some(names) = &mut self.names else { return };
        if account.username.is_empty() {
            account.username = names.free(&name_of(account));
        }
        if account.user_key.is_empty() {
            account.user_key = names.key_of(account, at);
        }
        names.by_key.insert(account.user_key.clone(), account.account_id.clone());
        names.find(account);
    }

    /// After a change of an account: it is found by its name of now.
    pub(super) fn rename(&mut self, account_id: &str) {
        if let (Some(names), Some(account)) = (&mut self.names, self.accounts.get(account_id)) {
            names.find(account);
        }
    }

    /// The site runs from now on; what API tokens people were given are personal access tokens.
    pub(super) fn founded(&mut self) {
        let given: Vec<(AccountId, String)> = self
            .accounts
            .values()
            .flat_map(|account| account.api_tokens.iter().map(|token| (account.account_id.clone(), token.clone())))
            .collect();
        for (account_id, secret) in given {
            let id = self.next_id();
            if let Some(names) = &mut self.names {
                let token = PersonalToken {
                    id,
                    account_id,
                    name: "Given".to_owned(),
                    created_at: Timestamp::UNIX_EPOCH,
                    expires_at: None,
                };
                names.tokens.insert(secret, token);
            }
        }
        if let Some(names) = &mut self.names {
            names.founded = true;
        }
    }

    /// Who a personal access token stands for.
    pub(crate) fn token_account(&self, secret: &str, now: Timestamp) -> Option<&Account> {
        let token = self.names.as_ref()?.tokens.get(secret)?;
        let good = token.expires_at.is_none_or(|end| end > now);
        self.account(&token.account_id).filter(|account| good && account.active)
    }

    /// Somebody's tokens, oldest first.
    pub(crate) fn tokens_of(&self, account_id: &str) -> Vec<PersonalToken> {
        let all = self.names.iter().flat_map(|names| names.tokens.values());
        let mut own: Vec<PersonalToken> = all.filter(|token| token.account_id == account_id).cloned().collect();
        own.sort_by_key(|token| token.id);
        own
    }
}

impl Names {
    fn find(&mut self, account: &Account) {
        let name = account.username.to_lowercase();
        if let Some(before) = self.found_by.insert(account.account_id.clone(), name.clone()) {
            self.by_name.remove(&before);
        }
        self.by_name.insert(name, account.account_id.clone());
    }

    fn free(&self, name: &str) -> String {
        let taken = |name: &String| self.by_name.contains_key(name);
        let numbered = (2_u32..).map(|number| format!("{name}{number}"));
        std::iter::once(name.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
    }

    fn key_of(&self, account: &Account, at: usize) -> String {
        let today = format!("JIRAUSER{}", FIRST_KEY + at);
        let key = match at % 4 {
            _ if self.founded => today,
            0 => account.username.to_lowercase(),
            1 if account.account_type != AccountType::Customer => earlier_name(account).unwrap_or(today),
            _ => today,
        };
        if self.by_key.contains_key(&key) { format!("JIRAUSER{}", FIRST_KEY * 10 + at) } else { key }
    }
}

/// Customers sign in by their address, colleagues by what is before the `@`.
fn name_of(account: &Account) -> String {
    let address = account.email.to_lowercase();
    match (account.account_type, address.split_once('@')) {
        (AccountType::Customer, Some(_)) => address,
        (_, Some((name, _))) => name.to_owned(),
        _ => account.display_name.to_lowercase().split_whitespace().collect::<Vec<_>>().join("-"),
    }
}

/// `jbrandt` of Jonas Brandt: how names were made when the site was young.
fn earlier_name(account: &Account) -> Option<String> {
    let shown = account.display_name.to_lowercase();
    let (first, last) = (shown.chars().next()?, shown.split_whitespace().last()?);
    let name = format!("{first}{last}");
    (name.is_ascii() && name != account.username).then_some(name)
}

impl State {
    /// Makes a personal access token; answers its secret too.
    pub(crate) fn make_token(
        &self,
        account_id: &str,
        name: &str,
        days: Option<u32>,
    ) -> Result<(PersonalToken, String), StateError> {
        let secret = format!("{}{}", self.random_uuid().simple(), self.random_uuid().simple());
        let now = self.now();
        let mut store = self.write();
        if store.tokens_of(account_id).len() >= MAX_TOKENS {
            return Err(StateError::Conflict(format!("You can have at most {MAX_TOKENS} tokens.")));
        }
        let id = store.next_id();
        let expires_at = days.and_then(|days| now.checked_add(SignedDuration::from_hours(24 * i64::from(days))).ok());
        let token =
            PersonalToken { id, account_id: account_id.to_owned(), name: name.to_owned(), created_at: now, expires_at };
        let names = store.names.as_mut().ok_or(StateError::NotFound)?;
        names.tokens.insert(secret.clone(), token.clone());
        Ok((token, secret))
    }

    /// Revokes one of somebody's tokens.
    pub(crate) fn revoke_token(&self, account_id: &str, id: u64) -> Result<(), StateError> {
        let mut store = self.write();
        let names = store.names.as_mut().ok_or(StateError::NotFound)?;
        let before = names.tokens.len();
        names.tokens.retain(|_, token| token.id != id || token.account_id != account_id);
        if names.tokens.len() == before { Err(StateError::NotFound) } else { Ok(()) }
    }
}
