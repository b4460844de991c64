//! People: who calls, what Jira says of them, what they may see.
//!
//! What Jira says is kept for a minute at most, so that a right that was taken away in Jira is gone here as soon.
//! Start at [`Callers::standing`].

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use kernel::{AccountId, Cx, IssueId, Kind, ProjectId, Result, Standing, TenantId};
use moka::future::Cache;

use crate::client::{As, Cloud, IssueRef, Jira, Project, RoleActors, RoleId};
use crate::fault::shared;
use crate::sign_in::{SIGN_IN_OVER, ended};

/// How long a right outlives its end in Jira.
const STANDING_TIME: Duration = Duration::from_secs(60);
/// People looked at within a minute, and issues.
const STANDINGS: u64 = 20_000;
/// Pages of 50 service projects that are looked at: a thousand, which is what one permission check takes.
const PROJECT_PAGES: usize = 20;
/// Pages of participants.
const PARTICIPANT_PAGES: usize = 4;

/// What is asked of Jira about people; cheap to clone.
#[derive(Clone)]
pub struct Callers {
    cloud: Cloud,
    standings: Cache<(TenantId, AccountId), Arc<Standing>>,
    projects: Cache<TenantId, Arc<Vec<ProjectId>>>,
    projects_named: Cache<TenantId, Arc<Vec<Project>>>,
    actors: Cache<(TenantId, ProjectId, RoleId), Arc<RoleActors>>,
    visible: Cache<(TenantId, AccountId, String), bool>,
}

fn minute<K, V>() -> Cache<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder().max_capacity(STANDINGS).time_to_live(STANDING_TIME).build()
}

impl Callers {
    pub(crate) fn new(cloud: Cloud) -> Self {
        Self {
            cloud,
            standings: minute(),
            projects: minute(),
            projects_named: minute(),
            actors: minute(),
            visible: minute(),
        }
    }

    /// The same of somebody who is not there. Data Center says it to the person alone: who did not sign in has no standing.
    pub async fn standing(&self, cx: &Cx, account: &AccountId) -> Result<Standing> {
        match self.standing_of_caller(cx, account, &[]).await {
            Err(fault) if fault.code() == SIGN_IN_OVER => Ok(Standing::default()),
            asked => asked,
        }
    }

    /// What Jira says of whoever calls: administrator, agent, groups; and of the named roles, those that they hold in any
    /// service project. Asked as the app, or where Jira answers that to them alone, as themselves.
    ///
    /// # Errors
    /// `sign_in_over` where it is asked as themselves, and Jira does not let Steward any more.
    pub async fn standing_of_caller(&self, cx: &Cx, account: &AccountId, roles: &[RoleId]) -> Result<Standing> {
        let key = (cx.tenant(), account.clone());
        // On the heap: what is asked of Jira is large, and every request waits in it.
        let asked = self.standings.try_get_with(key, Box::pin(self.ask(cx, account))).await;
        let mut standing = Standing::clone(&*asked.map_err(|fault| shared(&fault))?);
        if !roles.is_empty() {
            standing.roles = self.roles(cx, account, &standing.groups, roles).await?;
        }
        Ok(standing)
    }

    /// Forgets what is kept of a person.
    pub async fn forget(&self, tenant: TenantId, account: &AccountId) {
        self.standings.invalidate(&(tenant, account.clone())).await;
    }

    async fn ask(&self, cx: &Cx, account: &AccountId) -> Result<Arc<Standing>> {
        let jira = Jira::for_tenant(&self.cloud, cx, As::App);
        let projects = self.service_projects(cx).await?;
        // Never kept: whoever signs in again is who they are at once.
        let rights = jira.rights_of(account, &projects).boxed().await?.ok_or_else(ended)?;
        let groups = match jira.groups_of(account).await {
            Ok(groups) => groups.into_iter().filter_map(|group| group.group_id).map(String::from).collect(),
            // Portal-only customers are in no group, and Jira says so in its own way.
            Err(fault) if fault.kind() == Kind::NotFound => BTreeSet::new(),
            Err(fault) => return Err(fault),
        };
        Ok(Arc::new(Standing { admin: rights.admin, agent: rights.agent, groups, roles: BTreeSet::new() }))
    }

    /// The tenant's service projects, as the app sees them.
    pub async fn service_projects(&self, cx: &Cx) -> Result<Arc<Vec<ProjectId>>> {
        let asking = async {
            let named = self.projects_named(cx).await?;
            Ok(Arc::new(named.iter().map(|project| project.id.clone()).collect::<Vec<_>>()))
        };
        self.projects.try_get_with(cx.tenant(), asking).await.map_err(|fault: Arc<kernel::Fault>| shared(&fault))
    }

    /// The same, with their keys and names.
    pub async fn projects_named(&self, cx: &Cx) -> Result<Arc<Vec<Project>>> {
        let asking = async {
            let jira = Jira::for_tenant(&self.cloud, cx, As::App);
            let (mut all, mut start) = (Vec::new(), 0);
            for _ in 0..PROJECT_PAGES {
                let page = jira.service_projects(start).await?;
                all.extend(page.items);
                let Some(next) = page.next else { break };
                start = next;
            }
            Ok(Arc::new(all))
        };
        self.projects_named.try_get_with(cx.tenant(), asking).await.map_err(|fault| shared(&fault))
    }

    async fn roles(
        &self,
        cx: &Cx,
        account: &AccountId,
        groups: &BTreeSet<String>,
        roles: &[RoleId],
    ) -> Result<BTreeSet<String>> {
        let jira = Jira::for_tenant(&self.cloud, cx, As::App);
        let projects = self.service_projects(cx).await?;
        let mut held = BTreeSet::new();
        for role in roles {
            for project in projects.iter() {
                let key = (cx.tenant(), project.clone(), role.clone());
                let asking = async { jira.role_actors(project, role).await.map(Arc::new) };
                let actors = self.actors.try_get_with(key, asking).await.map_err(|fault| shared(&fault))?;
                if actors.accounts.contains(account)
                    || actors.groups.iter().any(|group| groups.contains(group.as_str()))
                {
                    held.insert(role.as_str().to_owned());
                    break;
                }
            }
        }
        Ok(held)
    }

    /// Whether a person sees an issue: as an issue, or as a request of theirs. A yes is kept for a minute.
    pub async fn may_see_issue(&self, cx: &Cx, person: &AccountId, issue: &IssueRef) -> Result<bool> {
        let key = (cx.tenant(), person.clone(), issue.as_str().to_owned());
        if self.visible.get(&key).await == Some(true) {
            return Ok(true);
        }
        let sees = match self.sees_itself(cx, person, issue).await {
            // Jira gives no token for some accounts; then the app asks about them.
            Err(fault) if fault.kind() == Kind::Refused => self.is_told_to_see(cx, person, issue).await?,
            result => result?,
        };
        if sees {
            self.visible.insert(key, true).await;
        }
        Ok(sees)
    }

    async fn sees_itself(&self, cx: &Cx, person: &AccountId, issue: &IssueRef) -> Result<bool> {
        let jira = Jira::for_tenant(&self.cloud, cx, As::Person(person.clone()));
        if found(jira.issue(issue).await.map(drop))? {
            return Ok(true);
        }
        found(jira.request(issue).await.map(drop))
    }

    async fn is_told_to_see(&self, cx: &Cx, person: &AccountId, issue: &IssueRef) -> Result<bool> {
        let app = Jira::for_tenant(&self.cloud, cx, As::App);
        let id: IssueId = match app.issue(issue).await {
            Ok(issue) => issue.id,
            Err(fault) if fault.kind() == Kind::NotFound => return Ok(false),
            Err(fault) => return Err(fault),
        };
        if app.is_told_to_browse(person, &id).await? {
            return Ok(true);
        }
        let issue = IssueRef::Id(id);
        let request = match app.request(&issue).await {
            Ok(request) => request,
            Err(fault) if fault.kind() == Kind::NotFound => return Ok(false),
            Err(fault) => return Err(fault),
        };
        if request.reporter.is_some_and(|reporter| reporter.account_id == *person) {
            return Ok(true);
        }
        let mut start = 0;
        for _ in 0..PARTICIPANT_PAGES {
            let page = app.participants(&issue, start).await?;
            if page.items.iter().any(|participant| participant.account_id == *person) {
                return Ok(true);
            }
            let Some(next) = page.next else { break };
            start = next;
        }
        Ok(false)
    }
}

fn found(result: Result<()>) -> Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(fault) if matches!(fault.kind(), Kind::NotFound) => Ok(false),
        Err(fault) => Err(fault),
    }
}
