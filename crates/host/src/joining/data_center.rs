//! What a Data Center says of itself and of an account, and how it is told to tell: by the resource of webhooks that it has.

use kernel::Result;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::look::{
    Finding, HOOK_NAME, Hook, HookAddress, IN_PROJECTS, Look, Mine, PROJECTS, Probe, in_projects, is_one,
};
use crate::hooks::{self, address_signed, address_unsigned};
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

fn id_of(hook: &Value) -> Option<String> {
    let id = match hook.get("id") {
        Some(Value::Number(id)) => id.to_string(),
        Some(Value::String(id)) => id.clone(),
        _ => hook.get("self").and_then(Value::as_str)?.rsplit('/').next()?.to_owned(),
    };
    (!id.is_empty() && id.chars().all(|sign| sign.is_ascii_digit())).then_some(id)
}

/// Where webhooks are registered, and whether what they send is signed.
#[derive(Clone, Copy)]
struct Resource {
    path: &'static str,
    signs: bool,
}

/// Jira 10 and later.
const SIGNING: Resource = Resource { path: "rest/jira-webhook/1.0/webhooks", signs: true };
/// Until Jira 9.
const UNSIGNED: Resource = Resource { path: "rest/webhooks/1.0/webhook", signs: false };

impl Resource {
    /// What it is given.
    fn url(self, hook: Hook<'_>) -> Option<Url> {
        let end = if self.signs { address_signed(hook.secret) } else { address_unsigned(hook.secret) };
        let mut url = hook.url.clone();
        url.path_segments_mut().ok()?.pop_if_empty().push(&end);
        Some(url)
    }
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

    /// Which of the two resources this one has: asked, since a version that is told can be a proxy's or an early one's.
    async fn dc_hooks_at(&self, login: &Login) -> Result<Resource> {
        let asked = self.ask(Method::GET, SIGNING.path, Some(login), None).await?;
        Ok(if asked.is_not_there() { UNSIGNED } else { SIGNING })
    }

    /// Tells Jira where to send. An account that may not is no error, its administrator can.
    pub(super) async fn dc_register(&self, login: &Login, hook: Hook<'_>) -> Result<bool> {
        self.drop_hooks(login, hook).await?;
        let at = self.dc_hooks_at(login).await?;
        let Some(url) = at.url(hook) else { return Ok(false) };
        let ask = if at.signs {
            json!({
                "name": HOOK_NAME, "url": url, "events": hooks::EVENTS, "active": true, "scopeType": "global",
                // A secret in any other place is passed over in silence.
                "configuration": {"SECRET": hook.secret, "EXCLUDE_BODY": "false"},
            })
        } else {
            json!({"name": HOOK_NAME, "url": url, "events": hooks::EVENTS, "enabled": true, "excludeBody": false})
        };
        Ok(self.ask(Method::POST, at.path, Some(login), Some(ask)).await?.is_success())
    }

    /// Our webhooks' own addresses in Jira, wherever they were made.
    pub(super) async fn dc_hooks(&self, login: &Login, hook: Hook<'_>) -> Result<Vec<String>> {
        let ours: Vec<Url> = [SIGNING, UNSIGNED].iter().filter_map(|at| at.url(hook)).collect();
        let at = self.dc_hooks_at(login).await?;
        let all: Option<Vec<Value>> = self.get(at.path, Some(login)).await?;
        let is_ours = |hook: &&Value| {
            hook.get("url").and_then(Value::as_str).is_some_and(|url| ours.iter().any(|one| one.as_str() == url))
        };
        let ids = all.iter().flatten().filter(is_ours).filter_map(id_of);
        Ok(ids.map(|id| format!("{}/{id}", at.path)).collect())
    }

    pub(super) async fn dc_drop(&self, login: &Login, path: &str) -> Result<()> {
        self.ask(Method::DELETE, path, Some(login), None).await.map(drop)
    }

    /// What an administrator pastes where the account may not.
    pub(super) async fn dc_by_hand(&self, login: &Login, hook: Hook<'_>) -> Result<Option<HookAddress>> {
        let at = self.dc_hooks_at(login).await?;
        Ok(at.url(hook).map(|url| HookAddress { url, secret: at.signs.then(|| hook.secret.to_owned()) }))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn ids_of_webhooks() {
        #[track_caller]
        fn check(hook: Value, id: Option<&str>) {
            assert_eq!(id_of(&hook).as_deref(), id, "{hook}");
        }
        check(json!({"id": 7}), Some("7"));
        check(json!({"id": "8"}), Some("8"));
        check(json!({"self": "https://jira.acme.example/rest/webhooks/1.0/webhook/12"}), Some("12"));
        check(json!({"self": "https://jira.acme.example/rest/webhooks/1.0/webhook/12x"}), None);
        check(json!({"id": "../9"}), None);
        check(json!({}), None);
    }

    #[test]
    fn addresses_have_an_end_that_nobody_guesses() {
        let url = Url::parse("https://steward.acme.example/hooks/0").unwrap();
        let hook = Hook { url: &url, secret: "s" };
        let (new, old) = (SIGNING.url(hook).unwrap(), UNSIGNED.url(hook).unwrap());
        let part = |at: &Url| at.path_segments().unwrap().next_back().unwrap().len();
        // 32 bytes in base64.
        assert!(old != new && part(&old) == 43 && part(&new) == 43);
    }
}
