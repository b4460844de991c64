//! What a site of Cloud says of an account.

use futures::FutureExt;
use kernel::Result;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::look::{Finding, IN_PROJECTS, Look, Mine, PROJECTS, Probe, in_projects, is_one};
use crate::service::Login;

const SIGN_IN: Probe = Probe {
    code: "sign_in",
    what: "The account signs in",
    needed_for: "everything",
    finding: Finding::Lacks,
    mend: "Check the e-mail address and the token at id.atlassian.com, Security, API tokens; a service account's at \
           admin.atlassian.com, Directory, Service accounts.",
    blocks: true,
};
const ADMINISTER: Probe = Probe {
    code: "administer",
    what: "Administer Jira",
    needed_for: "asking what a person may, webhooks",
    finding: Finding::Unknown,
    mend: "Put the account into a group that administers Jira, at admin.atlassian.com.",
    blocks: true,
};
const BROWSE_USERS: Probe = Probe {
    code: "browse_users",
    what: "Browse users and groups",
    needed_for: "names and groups of people",
    finding: Finding::Unknown,
    mend: "Grant it in Jira's settings, System, Global permissions.",
    blocks: true,
};
const AGENT: Probe = Probe {
    code: "service_agent",
    what: "Service Desk Agent",
    needed_for: "customers, requests and organizations of a service project",
    finding: Finding::Unknown,
    mend: "Give the account a Jira Service Management licence, and make it a member of each service project's team.",
    blocks: true,
};
const ORGANIZATIONS: Probe = Probe {
    code: "organizations",
    what: "Organizations can be read",
    needed_for: "organizations and who belongs to them",
    finding: Finding::Unknown,
    mend: "Jira Service Management must be on this site, and the account must have its licence.",
    blocks: true,
};
const EDIT_ISSUES: Probe = Probe {
    code: "edit_issues",
    what: "Edit Issues",
    needed_for: "values on the requests of a service project",
    finding: Finding::Unknown,
    mend: "Where it is missing, values do not stand on a project's requests and are not copied into their fields; all else works. \
           Grant it to the Service Desk Team or to the account: Project settings, Permissions.",
    blocks: false,
};
const ADMINISTER_PROJECTS: Probe = Probe {
    code: "administer_projects",
    what: "Administer Projects",
    needed_for: "letting customers into a service project",
    finding: Finding::Unknown,
    mend: "Where it is missing, Jira refuses to let customers into a project from Steward; all else works. Give the account the \
           role Administrators there: Project settings, Access.",
    blocks: false,
};

#[derive(Deserialize)]
struct Projects {
    values: Vec<Project>,
}

#[derive(Deserialize)]
struct Project {
    id: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Granted {
    #[serde(default)]
    project_permissions: Vec<GrantedProject>,
}

#[derive(Deserialize)]
struct GrantedProject {
    permission: String,
    #[serde(default)]
    projects: Vec<u64>,
}

impl Granted {
    /// In how many projects each of [`IN_PROJECTS`] is held.
    fn held(&self) -> [usize; IN_PROJECTS.len()] {
        IN_PROJECTS.map(|key| {
            let of_it = self.project_permissions.iter().filter(|grant| grant.permission == key);
            of_it.map(|grant| grant.projects.len()).sum()
        })
    }
}

/// What cannot be said of an account that does not sign in, or of a token that lacks a scope.
const RIGHTS: [Probe; 6] = [ADMINISTER, BROWSE_USERS, AGENT, ORGANIZATIONS, EDIT_ISSUES, ADMINISTER_PROJECTS];

impl Look {
    /// What an account may here, one question for each; and whether its token is taken by itself alone.
    pub(super) async fn cloud_rights(&mut self, cloud: &str, login: &Login) -> Result<(bool, Vec<Probe>)> {
        let Some(bare) = self.is_taken(cloud, login).boxed().await? else {
            self.base = None;
            return Ok((false, [SIGN_IN].into_iter().chain(RIGHTS).collect()));
        };
        let as_taken = if bare { login.bare() } else { login.clone() };
        let mut probes = vec![Probe { finding: Finding::Has, ..SIGN_IN }];
        // A classic token has no scopes: what its account may, it may.
        let scopes = if self.base.is_some() { self.scopes(&as_taken).boxed().await? } else { Vec::new() };
        let all = scopes.iter().all(|scope| scope.finding == Finding::Has);
        probes.extend(scopes);
        probes.extend(if all { self.rights(&as_taken).boxed().await? } else { RIGHTS.to_vec() });
        Ok((bare, probes))
    }

    /// Finds out where and how a token is taken: a classic one at the site, one that has scopes at the gateway alone, a service
    /// account's there with its account or by itself. Whether by itself; none where it is taken nowhere.
    async fn is_taken(&mut self, cloud: &str, login: &Login) -> Result<Option<bool>> {
        if !login.is_bare() && self.knows(login).await? {
            return Ok(Some(false));
        }
        self.base = Some(self.gateway_of(cloud)?);
        // A gateway that this server does not reach takes nothing.
        if !login.is_bare() && self.knows(login).await.unwrap_or(false) {
            return Ok(Some(false));
        }
        Ok(self.knows(&login.bare()).await.unwrap_or(false).then_some(true))
    }

    /// Whether somebody signs in by this; a token without the scope to say who is one all the same.
    async fn knows(&self, login: &Login) -> Result<bool> {
        let answer = self.ask(Method::GET, "rest/api/3/myself", Some(login), None).await?;
        Ok(answer.is_success() || (self.base.is_some() && answer.lacks_scope()))
    }

    async fn rights(&self, login: &Login) -> Result<Vec<Probe>> {
        let mine: Option<Mine> =
            self.get("rest/api/3/mypermissions?permissions=ADMINISTER,USER_PICKER", Some(login)).await?;
        let has = |key: &str| is_one(mine.as_ref().is_some_and(|mine| mine.has(key)));
        let organizations =
            self.ask(Method::GET, "rest/servicedeskapi/organization?limit=1", Some(login), None).await?;
        let [agent, edit, administer] = self.cloud_projects(login).await?;
        Ok(vec![
            Probe { finding: has("ADMINISTER"), ..ADMINISTER },
            Probe { finding: has("USER_PICKER"), ..BROWSE_USERS },
            Probe { finding: agent, ..AGENT },
            Probe { finding: is_one(organizations.is_success()), ..ORGANIZATIONS },
            Probe { finding: edit, ..EDIT_ISSUES },
            Probe { finding: administer, ..ADMINISTER_PROJECTS },
        ])
    }

    /// What it may in how many of the service projects that it sees.
    async fn cloud_projects(&self, login: &Login) -> Result<[Finding; IN_PROJECTS.len()]> {
        let path = format!("rest/api/3/project/search?typeKey=service_desk&maxResults={PROJECTS}");
        let seen: Option<Projects> = self.get(&path, Some(login)).await?;
        let ids: Vec<u64> =
            seen.iter().flat_map(|seen| &seen.values).filter_map(|project| project.id.parse().ok()).collect();
        if ids.is_empty() {
            return Ok(in_projects([0; IN_PROJECTS.len()], 0));
        }
        let ask = json!({"projectPermissions": [{"permissions": IN_PROJECTS, "projects": ids}]});
        let granted = self.ask(Method::POST, "rest/api/3/permissions/check", Some(login), Some(ask)).await?;
        let granted: Granted = granted.read()?.unwrap_or_default();
        Ok(in_projects(granted.held(), ids.len()))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn each_permission_is_counted_for_itself() {
        let granted: Granted = serde_json::from_value(json!({"globalPermissions": [], "projectPermissions": [
            {"permission": "EDIT_ISSUES", "projects": [1, 3], "issues": []},
            {"permission": "SERVICEDESK_AGENT", "projects": [1, 2, 3], "issues": []},
            {"permission": "ADMINISTER_PROJECTS", "issues": []},
        ]}))
        .unwrap();
        assert_eq!(in_projects(granted.held(), 3), [Finding::Has, Finding::Partly(2, 3), Finding::Lacks]);
        assert_eq!(in_projects(granted.held(), 0), [Finding::Lacks, Finding::Unknown, Finding::Unknown]);
        assert_eq!(in_projects(Granted::default().held(), 3), [Finding::Lacks, Finding::Lacks, Finding::Lacks]);
    }
}
