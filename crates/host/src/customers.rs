//! Customers who come with their own site's word for their e-mail address: which account of Jira's they are, and whether they still are no more
//! than a customer.
//!
//! It must never take one for another: an address that is not exactly this one, that two accounts have, or that Jira withholds, is nobody's here. Agents and
//! administrators do not come in this way. Start at [`Customers::by_address`].

use std::sync::Arc;
use std::time::Duration;

use kernel::{AccountId, Cx, Kind, Result, TenantId};
use moka::future::Cache;

use crate::caller::Callers;
use crate::client::{ACCOUNTS_LOOKED_AT, AccountKind, As, Cloud, Jira, User};
use crate::fault::shared;
use crate::jql;
use crate::personal::Personal;

/// How long somebody who was closed in Jira, or began to work there, goes on here.
const STILL_TIME: Duration = Duration::from_secs(60);
/// Customers looked at within a minute.
const STILL_KEPT: u64 = 20_000;

/// Why nobody comes in by an address. Whoever asked learns nothing of this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// Nobody has this address.
    Unknown,
    /// Jira finds somebody by it, and does not say that they have it.
    Withheld,
    /// More than one account has it, or too many are like it to be sure.
    Several,
    /// The account is not in use.
    Inactive,
    /// An agent's or an administrator's.
    Works,
    /// Nobody who ever asked for help.
    NoCustomer,
}

impl Stranger {
    /// For the log and for administrators.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unknown => "unknown_address",
            Self::Withheld => "address_withheld",
            Self::Several => "several_accounts",
            Self::Inactive => "account_inactive",
            Self::Works => "works_here",
            Self::NoCustomer => "no_customer",
        }
    }
}

/// Who came.
#[derive(Debug)]
pub struct Comer {
    /// Their account.
    pub account: AccountId,
    /// Language tag.
    pub locale: Option<String>,
    /// IANA name of their time zone.
    pub time_zone: Option<String>,
}

/// Customers by their address; cheap to clone.
#[derive(Clone)]
pub struct Customers(Arc<Parts>);

struct Parts {
    cloud: Cloud,
    callers: Callers,
    still: Cache<(TenantId, AccountId), bool>,
}

/// The letters A to Z have no case in an address; whatever else differs makes another one. Other scripts' rules of case would make
/// two addresses one.
fn same_address(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Of those whom Jira found, the one whose address this is.
fn the_one<'u>(found: &'u [User], email: &str) -> Result<&'u User, Stranger> {
    let mut theirs =
        found.iter().filter(|user| user.email_address.as_ref().is_some_and(|own| same_address(own.peek(), email)));
    match (theirs.next(), theirs.next()) {
        (Some(_), Some(_)) => Err(Stranger::Several),
        // There may be another one on the page that was not asked for.
        (Some(_), None) if found.len() >= ACCOUNTS_LOOKED_AT => Err(Stranger::Several),
        (Some(one), None) => Ok(one),
        (None, _) if found.iter().any(|user| user.email_address.is_none()) => Err(Stranger::Withheld),
        (None, _) => Err(Stranger::Unknown),
    }
}

impl Customers {
    pub(crate) fn new(cloud: Cloud, callers: Callers) -> Self {
        let still = Cache::builder().max_capacity(STILL_KEPT).time_to_live(STILL_TIME).build();
        Self(Arc::new(Parts { cloud, callers, still }))
    }

    /// The customer who has this address, as Jira knows them now.
    pub async fn by_address(&self, cx: &Cx, email: &Personal) -> Result<Result<Comer, Stranger>> {
        let jira = Jira::for_tenant(&self.0.cloud, cx, As::App);
        let found = jira.users_like(email).await?;
        let user = match the_one(&found, email.peek()) {
            Ok(user) => user,
            Err(stranger) => return Ok(Err(stranger)),
        };
        if let Some(stranger) = self.is_none(cx, &jira, user).await? {
            return Ok(Err(stranger));
        }
        if user.account_type != AccountKind::Customer && !self.asks_for_help(cx, &jira, user, email).await? {
            return Ok(Err(Stranger::NoCustomer));
        }
        self.0.still.insert((cx.tenant(), user.account_id.clone()), true).await;
        Ok(Ok(Comer {
            account: user.account_id.clone(),
            locale: user.locale.clone(),
            time_zone: user.time_zone.clone(),
        }))
    }

    /// Whether somebody who came in is still no more and no less than a customer. Believed for a minute.
    pub async fn is_still_one(&self, cx: &Cx, account: &AccountId) -> Result<bool> {
        // On the heap: what is asked of Jira is large, and waits in whoever asks.
        let asking = Box::pin(async {
            let jira = Jira::for_tenant(&self.0.cloud, cx, As::App);
            match jira.user(account).await {
                Ok(user) => Ok(self.is_none(cx, &jira, &user).await?.is_none()),
                Err(fault) if fault.kind() == Kind::NotFound => Ok(false),
                Err(fault) => Err(fault),
            }
        });
        self.0.still.try_get_with((cx.tenant(), account.clone()), asking).await.map_err(|fault| shared(&fault))
    }

    /// Forgets what is kept of a person.
    pub async fn forget(&self, tenant: TenantId, account: &AccountId) {
        self.0.still.invalidate(&(tenant, account.clone())).await;
    }

    async fn is_none(&self, cx: &Cx, jira: &Jira<'_>, user: &User) -> Result<Option<Stranger>> {
        if !user.active {
            return Ok(Some(Stranger::Inactive));
        }
        if user.account_type == AccountKind::App {
            return Ok(Some(Stranger::NoCustomer));
        }
        let standing = self.0.callers.standing(cx, &user.account_id).await?;
        let works = standing.admin || standing.agent || jira.is_licensed_agent(&user.account_id).await?;
        Ok(works.then_some(Stranger::Works))
    }

    /// Whether a person with an account of their own is a customer of some desk, or ever asked for something.
    async fn asks_for_help(&self, cx: &Cx, jira: &Jira<'_>, user: &User, email: &Personal) -> Result<bool> {
        let projects = self.0.callers.service_projects(cx).await?;
        if projects.is_empty() {
            return Ok(false);
        }
        // One question, which answers for most; desks are asked one by one.
        let name = jira.called(&user.account_id).await?;
        if jira.count(&jql::reported_by(&name, &projects)).await? > 0 {
            return Ok(true);
        }
        // The first fifty, which is what Jira tells at once: it allows five such looks a second.
        for desk in jira.service_desks(0).await?.items {
            let found = match jira.desk_customers(&desk.id, email.peek(), 0).await {
                Ok(found) => found,
                // A desk at which Steward's account is no agent tells it of nobody.
                Err(fault) if matches!(fault.kind(), Kind::Refused | Kind::NotFound) => continue,
                Err(fault) => return Err(fault),
            };
            if found.items.iter().any(|customer| customer.account_id == user.account_id) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_address_is_one_persons_or_nobodys() {
        #[track_caller]
        fn check(found: &[(&str, Option<&str>)], asked: &str, expected: Result<&str, Stranger>) {
            let users: Vec<Value> = found
                .iter()
                .map(|(id, email)| json!({"accountId": id, "accountType": "customer", "emailAddress": email, "active": true}))
                .collect();
            let users: Vec<User> = serde_json::from_value(json!(users)).unwrap();
            assert_eq!(the_one(&users, asked).map(|user| user.account_id.as_str()), expected, "{asked}");
        }
        let ana = ("a", Some("ana@acme.example"));
        check(&[ana], "ana@acme.example", Ok("a"));
        check(&[ana], "Ana@ACME.example", Ok("a"));
        check(&[], "ana@acme.example", Err(Stranger::Unknown));
        // Jira looks for beginnings.
        check(&[("b", Some("ana@acme.example.org")), ana], "ana@acme.example", Ok("a"));
        check(&[("b", Some("ana@acme.example.org"))], "ana@acme.example", Err(Stranger::Unknown));
        check(&[ana], "ana@acme.exampl", Err(Stranger::Unknown));
        check(&[ana], "ana+1@acme.example", Err(Stranger::Unknown));
        check(&[ana, ("b", Some("ANA@acme.example"))], "ana@acme.example", Err(Stranger::Several));
        check(&[("b", None)], "ana@acme.example", Err(Stranger::Withheld));
        check(&[("b", None), ana], "ana@acme.example", Ok("a"));
        // Letters that only look alike, or that some languages call the same: the Kelvin sign, a long s, a dotless i.
        check(&[("k", Some("kim@acme.example"))], "\u{212a}im@acme.example", Err(Stranger::Unknown));
        check(&[("s", Some("sam@acme.example"))], "\u{17f}am@acme.example", Err(Stranger::Unknown));
        check(&[("i", Some("ida@acme.example"))], "\u{131}da@acme.example", Err(Stranger::Unknown));
        check(&[("o", Some("öl@acme.example"))], "ÖL@acme.example", Err(Stranger::Unknown));
        let many: Vec<(String, String)> =
            (0..ACCOUNTS_LOOKED_AT).map(|n| (format!("m{n}"), format!("ana@acme.example{n}"))).collect();
        let mut many: Vec<(&str, Option<&str>)> =
            many.iter().map(|(id, email)| (id.as_str(), Some(email.as_str()))).collect();
        check(&many, "ana@acme.example1", Err(Stranger::Several));
        many.truncate(ACCOUNTS_LOOKED_AT - 1);
        check(&many, "ana@acme.example1", Ok("m1"));
    }
}
