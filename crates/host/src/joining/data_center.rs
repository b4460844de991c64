//! What a Data Center says of an account.

use kernel::Result;
use reqwest::Method;
use serde::Deserialize;

use super::look::{Finding, IN_PROJECTS, Look, Mine, PROJECTS, Probe, in_projects, is_one};
use crate::service::Login;

const SIGN_IN: Probe = Probe {
    code: "sign_in",
    what: "The token signs in",
    needed_for: "everything",
    finding: Finding::Lacks,
    mend: "Make one as the account that Steward shall use: its picture at the top right, Profile, Personal Access Tokens, \
           Create token. A proxy between must let the headers Authorization and X-AUSERNAME pass.",
    blocks: true,
};
const ADMINISTER: Probe = Probe {
    code: "administer",
    what: "Administer Jira",
    needed_for: "webhooks, members of project roles",
    finding: Finding::Unknown,
    mend: "Grant it to a group of the account: Administration, System, Global permissions, Jira Administrators.",
    blocks: true,
};
const BROWSE_USERS: Probe = Probe {
    code: "browse_users",
    what: "Browse Users",
    needed_for: "names and groups of people",
    finding: Finding::Unknown,
    mend: "Grant it to a group of the account: Administration, System, Global permissions.",
    blocks: true,
};
const AGENT: Probe = Probe {
    code: "service_agent",
    what: "Service Desk Agent",
    needed_for: "customers, requests and organizations of a service project",
    finding: Finding::Unknown,
    mend: "Give the account access to Jira Service Management (Administration, Applications, Application access), and add it to \
           the Service Desk Team of each service project: Project settings, Users and roles.",
    blocks: true,
};
const ORGANIZATIONS: Probe = Probe {
    code: "organizations",
    what: "Organizations can be read",
    needed_for: "organizations and who belongs to them",
    finding: Finding::Unknown,
    mend: "Jira Service Management must be on this server, and the account must have access to it.",
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
           role Administrators there: Project settings, Users and roles.",
    blocks: false,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Project {
    id: String,
    #[serde(default)]
    project_type_key: String,
}

/// Nothing can be said of a token that is none.
fn blind() -> Vec<Probe> {
    vec![SIGN_IN, ADMINISTER, BROWSE_USERS, AGENT, ORGANIZATIONS, EDIT_ISSUES, ADMINISTER_PROJECTS]
}

impl Look {
    /// What an account may here, one question for each.
    pub(super) async fn dc_rights(&self, login: &Login) -> Result<Vec<Probe>> {
        let me = self.ask(Method::GET, "rest/api/2/myself", Some(login), None).await?;
        if !me.is_success() || me.is_nobodys() {
            return Ok(blind());
        }
        let mine: Option<Mine> = self.get("rest/api/2/mypermissions", Some(login)).await?;
        let has = |key: &str| is_one(mine.as_ref().is_some_and(|mine| mine.has(key)));
        let organizations =
            self.ask(Method::GET, "rest/servicedeskapi/organization?limit=1", Some(login), None).await?;
        let [agent, edit, administer] = self.dc_projects(login).await?;
        Ok(vec![
            Probe { finding: Finding::Has, ..SIGN_IN },
            Probe { finding: has("ADMINISTER"), ..ADMINISTER },
            Probe { finding: has("USER_PICKER"), ..BROWSE_USERS },
            Probe { finding: agent, ..AGENT },
            Probe { finding: is_one(organizations.is_success()), ..ORGANIZATIONS },
            Probe { finding: edit, ..EDIT_ISSUES },
            Probe { finding: administer, ..ADMINISTER_PROJECTS },
        ])
    }

    /// What it may in how many of the service projects that it sees: asked of each, since Data Center has no question about many.
    async fn dc_projects(&self, login: &Login) -> Result<[Finding; IN_PROJECTS.len()]> {
        let seen: Option<Vec<Project>> = self.get("rest/api/2/project", Some(login)).await?;
        let service = seen.into_iter().flatten().filter(|project| project.project_type_key == "service_desk");
        let is_number = |project: &Project| project.id.chars().all(|sign| sign.is_ascii_digit());
        let (mut all, mut held) = (0, [0; IN_PROJECTS.len()]);
        for project in service.filter(is_number).take(PROJECTS) {
            let path = format!("rest/api/2/mypermissions?projectId={}", project.id);
            let mine: Option<Mine> = self.get(&path, Some(login)).await?;
            all += 1;
            for (count, key) in held.iter_mut().zip(IN_PROJECTS) {
                *count += usize::from(mine.as_ref().is_some_and(|mine| mine.has(key)));
            }
        }
        Ok(in_projects(held, all))
    }
}
