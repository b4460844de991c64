//! What is asked otherwise of a Jira Data Center: version 2 of the API alone, people by name and not by id, no bulk calls, no
//! question about what somebody else may. Each operation's own module says what it is for and comes here when the site is one.

use std::collections::BTreeSet;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt};
use kernel::{AccountId, Fault, IssueId, Kind, ProjectId, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::access::{Mine, Project, Rights, RoleActors};
use super::call::{ACCESS_ENDED, Call};
use super::desks::{Customer, Page};
use super::issues::{FIELDS, Issue, Search, SearchPage};
use super::users::{Group, User};
use super::{As, Jira, RoleId};
use crate::personal::Personal;
use crate::sign_in::SIGN_IN_OVER;
use crate::sites::Known;
use store::tenants::Mode;

/// People asked for at once: Data Center has no call for many, and its nodes are somebody's own machines.
const AT_ONCE: usize = 8;
/// What Data Center calls the licence of agents.
const AGENTS_ROLE: &str = "jira-servicedesk";
/// Accounts that a search answers with, as on Cloud.
const PICK: u32 = 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypedProject {
    #[serde(flatten)]
    project: Project,
    #[serde(default)]
    project_type_key: String,
}

#[derive(Deserialize)]
struct RoleAnswer {
    #[serde(default)]
    actors: Vec<Actor>,
}

#[derive(Deserialize)]
struct Actor {
    #[serde(rename = "type")]
    kind: String,
    name: Personal,
}

#[derive(Deserialize)]
struct WithGroups {
    #[serde(default)]
    groups: Groups,
}

#[derive(Default, Deserialize)]
struct Groups {
    #[serde(default)]
    items: Vec<GroupName>,
}

#[derive(Deserialize)]
struct GroupName {
    name: Personal,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WithRoles {
    #[serde(default)]
    application_roles: ApplicationRoles,
}

#[derive(Default, Deserialize)]
struct ApplicationRoles {
    #[serde(default)]
    items: Vec<ApplicationRole>,
}

#[derive(Deserialize)]
struct ApplicationRole {
    key: String,
}

#[derive(Deserialize)]
struct PickedGroups {
    #[serde(default)]
    groups: Vec<GroupName>,
}

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    issues: Vec<Issue>,
    #[serde(default)]
    total: u64,
}

impl Known {
    /// Whether this is a Data Center.
    pub(crate) fn is_data_center(&self) -> bool {
        self.mode == Mode::DataCenter
    }
}

impl Jira<'_> {
    pub(super) async fn is_data_center(&self) -> Result<bool> {
        // On the heap: every operation asks it first, and what carries those about must fit a stack.
        Ok(self.cloud.0.sites.of(self.cx.tenant()).boxed().await?.is_data_center())
    }

    /// What a person is called in queries and bodies: by id on Cloud, by name on Data Center.
    pub(crate) async fn called(&self, account: &AccountId) -> Result<Zeroizing<String>> {
        if !self.is_data_center().await? {
            return Ok(Zeroizing::new(account.as_str().to_owned()));
        }
        let users = &self.cloud.0.users;
        if let Some(name) = users.name(self.cx, account).await? {
            return Ok(name);
        }
        // Its answer introduces them.
        self.dc_user(account).boxed().await?;
        users.name(self.cx, account).await?.ok_or_else(Fault::not_found)
    }

    /// The body that names accounts, in each kind's own words.
    pub(super) async fn accounts_body(&self, accounts: &[AccountId]) -> Result<Value> {
        if !self.is_data_center().await? {
            return Ok(json!({"accountIds": accounts}));
        }
        let mut names = Vec::with_capacity(accounts.len());
        for account in accounts {
            names.push(self.called(account).await?.to_string());
        }
        Ok(json!({"usernames": names}))
    }

    pub(super) async fn dc_service_projects(&self) -> Result<Page<Project>> {
        let all: Vec<TypedProject> = self.call(Call::get("/rest/api/2/project")).await?;
        let service = all.into_iter().filter(|project| project.project_type_key == "service_desk");
        Ok(Page { items: service.map(|typed| typed.project).collect(), next: None })
    }

    pub(super) async fn dc_role_actors(&self, project: &ProjectId, role: &RoleId) -> Result<RoleActors> {
        let call = Call::get("/rest/api/2/project/{project}/role/{role}").place(project.as_str()).place(role.as_str());
        let answer: RoleAnswer = match self.call(call).await {
            Ok(answer) => answer,
            Err(fault) if fault.kind() == Kind::NotFound => return Ok(RoleActors::default()),
            Err(fault) => return Err(fault),
        };
        let mut actors = RoleActors::default();
        let mut people = Vec::new();
        for actor in answer.actors {
            match actor.kind.as_str() {
                "atlassian-group-role-actor" => {
                    actors.groups.insert(self.cloud.0.users.group(self.cx, actor.name.peek()).await?);
                }
                "atlassian-user-role-actor" => people.push(actor.name),
                _ => {}
            }
        }
        let asking: Vec<BoxFuture<'_, _>> = people.iter().map(|name| self.dc_known_as(name).boxed()).collect();
        let people: Vec<Option<User>> = futures::stream::iter(asking).buffered(AT_ONCE).try_collect().await?;
        actors.accounts.extend(people.into_iter().flatten().map(|user| user.account_id));
        Ok(actors)
    }

    /// Which of these permissions the caller has: in a project if one is named, else anywhere.
    pub(super) async fn dc_permissions_in(
        &self,
        permissions: &[&str],
        project: Option<&ProjectId>,
    ) -> Result<BTreeSet<String>> {
        let mut call = Call::get("/rest/api/2/mypermissions");
        if let Some(project) = project {
            call = call.query("projectId", project.as_str());
        }
        let mine: Mine = self.call(call).await?;
        Ok(mine.held().filter(|key| permissions.contains(&key.as_str())).collect())
    }

    /// What somebody may on the site, which Jira says to them alone; none where Steward may not ask as them.
    pub(super) async fn dc_rights_of(&self, account: &AccountId) -> Result<Option<Rights>> {
        let person = self.acting(As::Person(account.clone()));
        match person.dc_permissions_in(&["ADMINISTER", "SERVICEDESK_AGENT"], None).await {
            Ok(held) => {
                Ok(Some(Rights { admin: held.contains("ADMINISTER"), agent: held.contains("SERVICEDESK_AGENT") }))
            }
            // Granted once, and taken back or ended; or granted, and the account itself was closed.
            Err(fault) if [SIGN_IN_OVER, ACCESS_ENDED].contains(&fault.code()) => Ok(None),
            // Never granted, or signed out. Whom Jira itself refuses may nothing.
            Err(fault) if fault.kind() == Kind::Refused => {
                let granted = self.cloud.0.sign_in.is_granted(self.cx, account).await?;
                Ok(granted.then(Rights::default))
            }
            Err(fault) => Err(fault),
        }
    }

    /// Whether somebody has a permission in a project. Jira says so to them alone.
    pub(super) async fn dc_holds(&self, account: &AccountId, permission: &str, project: &ProjectId) -> Result<bool> {
        let person = self.acting(As::Person(account.clone()));
        Ok(person.dc_permissions_in(&[permission], Some(project)).await?.contains(permission))
    }

    pub(super) async fn dc_issues(&self, issues: &[IssueId]) -> Result<Vec<Issue>> {
        let count = u32::try_from(issues.len()).unwrap_or(u32::MAX);
        Ok(self.dc_find(&crate::jql::issues(issues), 0, count).await?.issues)
    }

    async fn dc_find(&self, jql: &str, start: u32, limit: u32) -> Result<Found> {
        let ask = json!({
            "jql": jql, "startAt": start, "maxResults": limit, "fields": FIELDS,
            // Issues that are gone are left out, and not an error.
            "validateQuery": false,
        });
        self.call(Call::post("/rest/api/2/search", ask)).await
    }

    /// Data Center pages by place; its index is the database's, so there is nothing to reconcile.
    pub(super) async fn dc_search(&self, search: &Search<'_>, limit: u32) -> Result<SearchPage> {
        let start = search
            .next
            .map_or(Ok(0), str::parse)
            .map_err(|_| Fault::invalid("jira_rejected", "This is no place in a search."))?;
        let found = self.dc_find(search.jql, start, limit).await?;
        let end = start.saturating_add(u32::try_from(found.issues.len()).unwrap_or(u32::MAX));
        let more = !found.issues.is_empty() && u64::from(end) < found.total;
        Ok(SearchPage { issues: found.issues, next: more.then(|| end.to_string()) })
    }

    pub(super) async fn dc_count(&self, jql: &str) -> Result<u64> {
        Ok(self.dc_find(jql, 0, 0).await?.total)
    }

    pub(super) async fn dc_user(&self, account: &AccountId) -> Result<User> {
        let key = self.cloud.0.users.key(self.cx, account).await?;
        self.call(Call::get("/rest/api/2/user").query("key", key.as_str())).await
    }

    async fn dc_found(&self, account: &AccountId) -> Result<Option<User>> {
        found(self.dc_user(account).await)
    }

    async fn dc_known_as(&self, name: &Personal) -> Result<Option<User>> {
        found(self.call(Call::get("/rest/api/2/user").query("username", name.peek())).await)
    }

    pub(super) async fn dc_users(&self, accounts: &[AccountId]) -> Result<Vec<User>> {
        let asking: Vec<BoxFuture<'_, _>> = accounts.iter().map(|account| self.dc_found(account).boxed()).collect();
        let users: Vec<Option<User>> = futures::stream::iter(asking).buffered(AT_ONCE).try_collect().await?;
        Ok(users.into_iter().flatten().collect())
    }

    pub(super) async fn dc_user_search(&self, query: &str) -> Result<Vec<User>> {
        let call = Call::get("/rest/api/2/user/search").query("username", query).query("maxResults", PICK.to_string());
        self.call(call).await
    }

    pub(super) async fn dc_users_like(&self, address: &Personal, most: String) -> Result<Vec<User>> {
        self.call(Call::get("/rest/api/2/user/search").query("username", address.peek()).query("maxResults", most))
            .await
    }

    pub(super) async fn dc_groups_of(&self, account: &AccountId) -> Result<Vec<Group>> {
        let key = self.cloud.0.users.key(self.cx, account).await?;
        let call = Call::get("/rest/api/2/user").query("key", key.as_str()).query("expand", "groups");
        let user: WithGroups = self.call(call).await?;
        self.dc_groups(user.groups.items).await
    }

    pub(super) async fn dc_is_licensed_agent(&self, account: &AccountId) -> Result<bool> {
        let key = self.cloud.0.users.key(self.cx, account).await?;
        let call = Call::get("/rest/api/2/user").query("key", key.as_str()).query("expand", "applicationRoles");
        let user: WithRoles = self.call(call).await?;
        Ok(user.application_roles.items.iter().any(|role| role.key == AGENTS_ROLE))
    }

    pub(super) async fn dc_group_search(&self, query: &str) -> Result<Vec<Group>> {
        let call = Call::get("/rest/api/2/groups/picker").query("query", query).query("maxResults", PICK.to_string());
        let found: PickedGroups = self.call(call).await?;
        self.dc_groups(found.groups).await
    }

    async fn dc_groups(&self, named: Vec<GroupName>) -> Result<Vec<Group>> {
        let mut groups = Vec::with_capacity(named.len());
        for GroupName { name } in named {
            groups.push(Group { group_id: Some(self.cloud.0.users.group(self.cx, name.peek()).await?), name });
        }
        Ok(groups)
    }

    /// Accounts that an address may be of, closed ones too.
    pub(super) async fn dc_accounts_like(&self, email: &Personal) -> Result<Vec<User>> {
        let call =
            Call::get("/rest/api/2/user/search").query("username", email.peek()).query("includeInactive", "true");
        self.call(call).await
    }

    /// Makes a customer. Data Center tells an address that is taken no differently from one that is none, so it is looked
    /// for first.
    pub(super) async fn dc_create_customer(&self, email: &Personal, name: &Personal) -> Result<Customer> {
        if self.account_of_address(email).boxed().await?.is_some() {
            return Err(Fault::duplicate("email_in_use", "Somebody has an account with this e-mail address already."));
        }
        let ask = json!({"email": email.peek(), "fullName": name.peek()});
        self.call(Call::post("/rest/servicedeskapi/customer", ask).experimental().makes()).await
    }
}

/// What is not there is left out.
fn found<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(fault) if fault.kind() == Kind::NotFound => Ok(None),
        Err(fault) => Err(fault),
    }
}
