//! Accounts and groups of the platform.

use futures::FutureExt;
use kernel::{AccountId, Result};
use serde::Deserialize;

use super::call::Call;
use super::{GroupId, Jira};
use crate::personal::Personal;

/// Accounts in one bulk call: its address stays below 8 KB with the longest ids.
const BULK_USERS: usize = 45;
/// Accounts that are looked at for one address: far more than can begin with a whole one by chance.
pub const ACCOUNTS_LOOKED_AT: usize = 50;
/// Accounts that a search answers with: a picker's screen.
const PICK: u32 = 20;

/// What an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountKind {
    /// A person with a login at Atlassian.
    Atlassian,
    /// A portal-only customer.
    Customer,
    /// An app.
    App,
    /// Anything newer.
    #[serde(other)]
    Unknown,
}

/// An account.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Its id.
    pub account_id: AccountId,
    /// What it is.
    #[serde(default = "unknown")]
    pub account_type: AccountKind,
    /// The name.
    pub display_name: Option<Personal>,
    /// The address, where the person's settings let it be seen.
    pub email_address: Option<Personal>,
    /// False for closed and deactivated accounts.
    #[serde(default)]
    pub active: bool,
    /// IANA name of their time zone.
    pub time_zone: Option<String>,
    /// Language tag.
    pub locale: Option<String>,
}

fn unknown() -> AccountKind {
    AccountKind::Unknown
}

/// A group.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Its id.
    pub group_id: Option<GroupId>,
    /// Its name.
    pub name: Personal,
}

#[derive(Deserialize)]
struct Users {
    #[serde(default)]
    values: Vec<User>,
}

#[derive(Deserialize)]
struct Groups {
    #[serde(default)]
    groups: Vec<Group>,
}

impl Jira<'_> {
    /// One account.
    pub async fn user(&self, account: &AccountId) -> Result<User> {
        if self.is_data_center().await? {
            return self.dc_user(account).boxed().await;
        }
        self.call(Call::get("/rest/api/3/user").query("accountId", account.as_str())).await
    }

    /// Who calls.
    pub async fn myself(&self) -> Result<User> {
        self.call(Call::get("/rest/api/3/myself")).await
    }

    /// Accounts by id, in few calls; those that are not there are left out.
    pub async fn users(&self, accounts: &[AccountId]) -> Result<Vec<User>> {
        if self.is_data_center().await? {
            return self.dc_users(accounts).boxed().await;
        }
        let mut all = Vec::with_capacity(accounts.len());
        for some in accounts.chunks(BULK_USERS) {
            let mut call = Call::get("/rest/api/3/user/bulk").query("maxResults", BULK_USERS.to_string());
            for account in some {
                call = call.query("accountId", account.as_str());
            }
            all.extend(self.call::<Users>(call).await?.values);
        }
        Ok(all)
    }

    /// Accounts whose name or address matches: one screen of them.
    pub async fn user_search(&self, query: &str) -> Result<Vec<User>> {
        if self.is_data_center().await? {
            return self.dc_user_search(query).boxed().await;
        }
        let call = Call::get("/rest/api/3/user/search").query("query", query).query("maxResults", PICK.to_string());
        self.call(call).await
    }

    /// Accounts whose address may be this one: the first [`ACCOUNTS_LOOKED_AT`] that Jira finds by it. It finds by beginnings, and tells only of those
    /// in use.
    pub async fn users_like(&self, address: &Personal) -> Result<Vec<User>> {
        let most = ACCOUNTS_LOOKED_AT.to_string();
        if self.is_data_center().await? {
            return self.dc_users_like(address, most).boxed().await;
        }
        let call = Call::get("/rest/api/3/user/search").query("query", address.peek()).query("maxResults", most);
        self.call(call).await
    }

    /// Whether an account has a licence to work in Jira Service Management. Cloud says so of nobody: there, permissions are asked for.
    pub async fn is_licensed_agent(&self, account: &AccountId) -> Result<bool> {
        if !self.is_data_center().await? {
            return Ok(false);
        }
        self.dc_is_licensed_agent(account).boxed().await
    }

    /// The account with exactly this address, as far as Jira tells the caller addresses. Jira's search may be behind.
    pub async fn account_of_address(&self, email: &Personal) -> Result<Option<AccountId>> {
        let found = if self.is_data_center().await? {
            self.dc_accounts_like(email).boxed().await?
        } else {
            let query = Call::get("/rest/api/3/user/search").query("query", email.peek());
            self.call::<Vec<User>>(query.query("maxResults", PICK.to_string())).await?
        };
        let wanted = email.peek().to_lowercase();
        let has = |user: &User| user.email_address.as_ref().is_some_and(|one| one.peek().to_lowercase() == wanted);
        Ok(found.into_iter().find(has).map(|user| user.account_id))
    }

    /// The groups that an account is in.
    pub async fn groups_of(&self, account: &AccountId) -> Result<Vec<Group>> {
        if self.is_data_center().await? {
            return self.dc_groups_of(account).boxed().await;
        }
        self.call(Call::get("/rest/api/3/user/groups").query("accountId", account.as_str())).await
    }

    /// Groups whose name matches: one screen of them.
    pub async fn group_search(&self, query: &str) -> Result<Vec<Group>> {
        if self.is_data_center().await? {
            return self.dc_group_search(query).boxed().await;
        }
        let call = Call::get("/rest/api/3/groups/picker").query("query", query).query("maxResults", PICK.to_string());
        self.call::<Groups>(call).await.map(|found| found.groups)
    }
}
