//! Projects, roles and permissions.

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt;
use kernel::{AccountId, IssueId, Kind, ProjectId, Result};
use serde::Deserialize;
use serde_json::json;

use super::call::Call;
use super::desks::Page;
use super::{GroupId, IssueRef, Jira, RoleId};
use crate::fault::unexpected;
use crate::personal::Personal;

/// Projects on a page: Jira gives 50 at most.
const PAGE: u32 = 50;
/// Jira's bound for the projects and issues of one check.
const CHECKED: usize = 1000;

/// A project.
#[derive(Deserialize)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Its key.
    pub key: String,
    /// Its name.
    pub name: Personal,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Projects {
    #[serde(default)]
    start_at: u32,
    #[serde(default)]
    is_last: bool,
    #[serde(default)]
    values: Vec<Project>,
}

/// A project role.
pub struct Role {
    /// Its id.
    pub id: RoleId,
    /// Its name.
    pub name: Personal,
}

#[derive(Deserialize)]
struct RoleAnswer {
    #[serde(default)]
    actors: Vec<Actor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Actor {
    actor_user: Option<ActorUser>,
    actor_group: Option<ActorGroup>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ActorUser {
    account_id: Option<AccountId>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ActorGroup {
    group_id: Option<GroupId>,
}

/// Who holds a role in a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleActors {
    /// Accounts.
    pub accounts: BTreeSet<AccountId>,
    /// Groups, by id.
    pub groups: BTreeSet<GroupId>,
}

/// What to check.
#[derive(Clone, Debug, Default)]
pub struct PermissionQuery<'a> {
    /// For whom; for the caller when absent.
    pub account: Option<&'a AccountId>,
    /// Global permissions, such as `ADMINISTER`.
    pub global: &'a [&'a str],
    /// Project permissions, such as `SERVICEDESK_AGENT`.
    pub project: &'a [&'a str],
    /// In these projects.
    pub projects: &'a [ProjectId],
    /// On these issues.
    pub issues: &'a [IssueId],
}

/// What somebody may on a site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// Administer Jira.
    pub admin: bool,
    /// Be an agent in some service project.
    pub agent: bool,
}

/// What is granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Global permissions.
    pub global: BTreeSet<String>,
    /// By project permission.
    pub project: BTreeMap<String, ProjectGrants>,
}

/// Where a project permission is granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectGrants {
    /// In these projects.
    pub projects: BTreeSet<ProjectId>,
    /// On these issues.
    pub issues: BTreeSet<IssueId>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Granted {
    #[serde(default)]
    global_permissions: Vec<String>,
    #[serde(default)]
    project_permissions: Vec<GrantedProject>,
}

#[derive(Deserialize)]
struct GrantedProject {
    permission: String,
    #[serde(default)]
    projects: Vec<u64>,
    #[serde(default)]
    issues: Vec<u64>,
}

#[derive(Deserialize)]
pub(super) struct Mine {
    permissions: BTreeMap<String, MyPermission>,
}

impl Mine {
    /// Those that are held.
    pub(super) fn held(self) -> impl Iterator<Item = String> {
        self.permissions.into_iter().filter(|(_, mine)| mine.have_permission).map(|(key, _)| key)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MyPermission {
    #[serde(default)]
    have_permission: bool,
}

/// What the site says of itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerInfo {
    /// Where people see it.
    pub base_url: String,
    /// `Cloud`, or `Server`, which Data Center still calls itself.
    pub deployment_type: String,
    /// What the site is called.
    #[serde(default)]
    pub server_title: Option<Personal>,
}

fn numbers<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<u64> {
    ids.take(CHECKED).filter_map(|id| id.parse().ok()).collect()
}

impl Jira<'_> {
    /// Service projects that the caller may see.
    pub async fn service_projects(&self, start: u32) -> Result<Page<Project>> {
        if self.is_data_center().await? {
            return self.dc_service_projects().boxed().await;
        }
        let call = Call::get("/rest/api/3/project/search")
            .query("typeKey", "service_desk")
            .query("orderBy", "key")
            .query("startAt", start.to_string())
            .query("maxResults", PAGE.to_string());
        let page: Projects = self.call(call).await?;
        let count = u32::try_from(page.values.len()).unwrap_or(u32::MAX);
        let next = (!page.is_last && count > 0).then(|| page.start_at.saturating_add(count));
        Ok(Page { items: page.values, next })
    }

    /// The roles that a project has. In company-managed projects they are the site's, the same in each; the site's
    /// whole list would ask for a permission that nothing else of ours needs.
    pub async fn roles(&self, project: &ProjectId) -> Result<Vec<Role>> {
        let call = Call::get("/rest/api/3/project/{project}/role").place(project.as_str());
        let roles: BTreeMap<Personal, String> = self.call(call).await?;
        roles
            .into_iter()
            .map(|(name, address)| {
                let id = address.rsplit('/').next().unwrap_or_default();
                Ok(Role { id: RoleId::new(id)?, name })
            })
            .collect()
    }

    /// Who holds a role in a project.
    pub async fn role_actors(&self, project: &ProjectId, role: &RoleId) -> Result<RoleActors> {
        if self.is_data_center().await? {
            return self.dc_role_actors(project, role).boxed().await;
        }
        let call = Call::get("/rest/api/3/project/{project}/role/{role}").place(project.as_str()).place(role.as_str());
        let answer: RoleAnswer = match self.call(call).await {
            Ok(answer) => answer,
            // A role that this project does not have is held by nobody in it.
            Err(fault) if fault.kind() == kernel::Kind::NotFound => return Ok(RoleActors::default()),
            Err(fault) => return Err(fault),
        };
        let mut actors = RoleActors::default();
        for actor in answer.actors {
            actors.accounts.extend(actor.actor_user.and_then(|user| user.account_id));
            actors.groups.extend(actor.actor_group.and_then(|group| group.group_id));
        }
        Ok(actors)
    }

    /// What somebody may on the site, where these are its service projects. Asked about them as the app; on Data Center,
    /// which answers such questions only to whom they are about, as themselves: none for whoever did not sign in here, and for whom Jira lets nobody
    /// act any more.
    pub async fn rights_of(&self, account: &AccountId, projects: &[ProjectId]) -> Result<Option<Rights>> {
        if self.is_data_center().await? {
            return self.dc_rights_of(account).boxed().await;
        }
        let agent: &[&str] = if projects.is_empty() { &[] } else { &["SERVICEDESK_AGENT"] };
        let query =
            PermissionQuery { account: Some(account), global: &["ADMINISTER"], project: agent, projects, issues: &[] };
        let granted = match self.check_permissions(query).await {
            Ok(granted) => granted,
            // An account that Jira does not know, or no longer, has no standing.
            Err(fault) if matches!(fault.kind(), Kind::NotFound | Kind::Invalid) => return Ok(Some(Rights::default())),
            Err(fault) => return Err(fault),
        };
        Ok(Some(Rights {
            admin: granted.global.contains("ADMINISTER"),
            agent: granted.project.get("SERVICEDESK_AGENT").is_some_and(|grants| !grants.projects.is_empty()),
        }))
    }

    /// Whether somebody sees an issue in Jira, asked about them as the app. Data Center has two questions that sound like it, and neither may be
    /// believed (docs/decisions/0038): `user/viewissue/search` suggests people and has not looked at issues since 8.19.1, `user/permission/search` left with 9.0.
    /// There it is no.
    pub async fn is_told_to_browse(&self, account: &AccountId, issue: &IssueId) -> Result<bool> {
        if self.is_data_center().await? {
            return Ok(false);
        }
        let query = PermissionQuery {
            account: Some(account),
            project: &["BROWSE_PROJECTS"],
            issues: std::slice::from_ref(issue),
            ..PermissionQuery::default()
        };
        match self.check_permissions(query).await {
            Ok(granted) => {
                Ok(granted.project.get("BROWSE_PROJECTS").is_some_and(|grants| grants.issues.contains(issue)))
            }
            Err(fault) if matches!(fault.kind(), Kind::NotFound | Kind::Invalid) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// Whether somebody has a permission in a project.
    pub(super) async fn holds(&self, account: &AccountId, permission: &str, project: &ProjectId) -> Result<bool> {
        if self.is_data_center().await? {
            return self.dc_holds(account, permission, project).boxed().await;
        }
        let asked = PermissionQuery {
            account: Some(account),
            project: &[permission],
            projects: std::slice::from_ref(project),
            ..PermissionQuery::default()
        };
        let granted = self.check_permissions(asked).await?;
        Ok(granted.project.get(permission).is_some_and(|grants| grants.projects.contains(project)))
    }

    /// Which permissions are granted; not on Data Center. Jira answers for a thousand projects and a thousand issues at most.
    pub async fn check_permissions(&self, query: PermissionQuery<'_>) -> Result<Permissions> {
        if query.projects.len() > CHECKED || query.issues.len() > CHECKED {
            return Err(unexpected("a permission check beyond Jira's bound"));
        }
        let mut ask = json!({
            "globalPermissions": query.global,
            "projectPermissions": [],
        });
        if let (Some(account), Some(ask)) = (query.account, ask.as_object_mut()) {
            ask.insert("accountId".to_owned(), account.as_str().into());
        }
        if let (false, Some(ask)) = (query.project.is_empty(), ask.as_object_mut()) {
            let project = json!([{
                "permissions": query.project,
                "projects": numbers(query.projects.iter().map(ProjectId::as_str)),
                "issues": numbers(query.issues.iter().map(IssueId::as_str)),
            }]);
            ask.insert("projectPermissions".to_owned(), project);
        }
        let granted: Granted = self.call(Call::post("/rest/api/3/permissions/check", ask)).await?;
        let mut permissions =
            Permissions { global: granted.global_permissions.into_iter().collect(), ..Permissions::default() };
        for project in granted.project_permissions {
            let grants: &mut ProjectGrants = permissions.project.entry(project.permission).or_default();
            for id in project.projects {
                grants.projects.insert(ProjectId::new(id.to_string())?);
            }
            for id in project.issues {
                grants.issues.insert(IssueId::new(id.to_string())?);
            }
        }
        Ok(permissions)
    }

    /// Which of these permissions the caller has, on an issue if one is named.
    pub async fn my_permissions(&self, permissions: &[&str], issue: Option<&IssueRef>) -> Result<BTreeSet<String>> {
        let mut call = Call::get("/rest/api/3/mypermissions").query("permissions", permissions.join(","));
        call = match issue {
            Some(IssueRef::Id(id)) => call.query("issueId", id.as_str()),
            Some(IssueRef::Key(key)) => call.query("issueKey", key.as_str()),
            None => call,
        };
        let mine: Mine = self.call(call).await?;
        // Data Center answers all that there are, whatever is asked for.
        Ok(mine.held().filter(|key| permissions.contains(&key.as_str())).collect())
    }

    /// What the site says of itself.
    pub async fn server_info(&self) -> Result<ServerInfo> {
        self.call(Call::get("/rest/api/3/serverInfo")).await
    }
}
