//! Who may open a module where, and the context that it is then given.
//!
//! Both the pages and `/sandbox/token` decide by [`Host::open`], so that a script gets a token only
//! where a person would have got the page.

use serde_json::{Value, json};

use super::{Host, Installation, UiKind, UiModule, manifest::PORTAL_PAGES, payload};
use crate::{
    access::Access,
    auth::Caller,
    state::{
        Issue, Store,
        model::{AccountType, Project},
    },
};

/// Where on the site a module is opened.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// Key or id of the issue, for modules of the issue view.
    pub issue: Option<String>,
    /// Key or id of a project, where the page stands in one.
    pub project: Option<String>,
    /// Id of the service desk, on the portal's pages that belong to one.
    pub portal: Option<String>,
    /// Which of the portal's pages it is.
    pub page: Option<String>,
}

/// Why a module does not open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenError {
    /// Nobody has this account.
    NoPerson(String),
    /// There is no such issue.
    NoIssue(String),
    /// There is no such project.
    NoProject(String),
    /// The module stands on an issue and none was named.
    IssueMissing,
    /// The module stands in a project and none was named.
    ProjectMissing,
    /// This person is not shown the module there.
    Refused(&'static str),
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoPerson(who) => write!(f, "nobody here is “{who}”"),
            Self::NoIssue(key) => write!(f, "there is no issue “{key}”"),
            Self::NoProject(key) => write!(f, "there is no project “{key}”"),
            Self::ProjectMissing => f.write_str("this module is shown in a project: name one"),
            Self::IssueMissing => f.write_str("this module is shown on an issue: name one"),
            Self::Refused(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for OpenError {}

impl Host {
    /// The context of a module as `view.getContext()` answers it, if this person is shown the module
    /// there.
    pub(crate) fn open(
        &self,
        app: &Installation,
        module: &UiModule,
        account_id: &str,
        place: &Place,
    ) -> Result<Value, OpenError> {
        let Some(site) = self.site.get() else {
            return Err(OpenError::Refused("the site has not started"));
        };
        let store = site.state.read();
        let account = store
            .account(account_id)
            .filter(|account| account.active && account.account_type != AccountType::App)
            .ok_or_else(|| OpenError::NoPerson(account_id.to_owned()))?;
        let caller = Caller::person(account_id);
        let access = Access::new(&store, &caller);
        let extension = match module.kind {
            UiKind::IssuePanel | UiKind::IssueContext => {
                let key = place.issue.as_deref().ok_or(OpenError::IssueMissing)?;
                let issue = store.issue(key).ok_or_else(|| OpenError::NoIssue(key.to_owned()))?;
                if !access.licensed() || !access.browse(issue) {
                    return Err(OpenError::Refused("this person may not see this issue in Jira"));
                }
                issue_extension(&store, module.kind, issue)
            }
            UiKind::GlobalPage if access.licensed() => json!({"type": module.kind.name()}),
            UiKind::GlobalPage => {
                return Err(OpenError::Refused("only people with a Jira licence see apps' pages"));
            }
            UiKind::AdminPage if access.site_admin() => json!({"type": module.kind.name()}),
            UiKind::AdminPage => {
                return Err(OpenError::Refused("only Jira administrators see apps' settings"));
            }
            UiKind::ProjectPage => {
                let key = place.project.as_deref().ok_or(OpenError::ProjectMissing)?;
                let project = store.project(key).ok_or_else(|| OpenError::NoProject(key.to_owned()))?;
                if !access.licensed() || !access.browse_project(project) {
                    return Err(OpenError::Refused("this person may not see this project in Jira"));
                }
                json!({"type": module.kind.name()})
            }
            UiKind::PortalProfilePanel
            | UiKind::PortalHeader
            | UiKind::PortalRequestDetail
            | UiKind::PortalUserMenuAction => {
                let word = match account.account_type {
                    _ if access.licensed() => None,
                    AccountType::Customer => Some("customer"),
                    _ => Some("unlicensed"),
                };
                if word.is_some_and(|word| !module.unlicensed_access.iter().any(|a| a == word)) {
                    return Err(OpenError::Refused("the app does not show this to people without a licence"));
                }
                portal_extension(&store, &access, module, place)?
            }
        };
        let mut extension = extension;
        add_project(&store, &mut extension, place)?;
        Ok(json!({
            "accountId": account_id,
            "cloudId": site.state.cloud_id(),
            "siteUrl": site.state.site_url(),
            "moduleKey": module.key,
            "localId": local_id(app, module, &extension),
            "environmentId": app.environment_uuid(),
            "environmentType": "DEVELOPMENT",
            "locale": account.locale.replace('_', "-"),
            "timezone": account.time_zone,
            "extension": extension,
        }))
    }
}

/// One panel on one issue keeps its id; another issue has another.
fn local_id(app: &Installation, module: &UiModule, extension: &Value) -> String {
    let place = extension.pointer("/issue/id").and_then(Value::as_str).unwrap_or("site");
    format!(
        "ari:cloud:ecosystem::extension/{}/{}/static/{}/{place}",
        app.app_uuid(),
        app.environment_uuid(),
        module.key
    )
}

fn issue_extension(store: &Store, kind: UiKind, issue: &Issue) -> Value {
    let issue_type = store.issue_types.get(&issue.issue_type_id);
    let mut extension = json!({
        "type": kind.name(),
        "issue": {
            "id": issue.id.to_string(), "key": issue.key,
            "type": issue_type.map(|t| t.name.as_str()), "typeId": issue.issue_type_id,
        },
        "project": store.projects.get(&issue.project_id).map(project),
    });
    if kind == UiKind::IssuePanel {
        payload::set(&mut extension, "isNewToIssue", Value::Bool(false));
    }
    extension
}

/// What the portal tells its modules: which page it is, of which desk, and on a request's page which request.
fn portal_extension(store: &Store, access: &Access<'_>, module: &UiModule, place: &Place) -> Result<Value, OpenError> {
    let mut extension = json!({"type": module.kind.name()});
    let page = match module.kind {
        UiKind::PortalProfilePanel => "profile",
        UiKind::PortalRequestDetail => "view_request",
        _ => place.page.as_deref().unwrap_or("help_center"),
    };
    if !PORTAL_PAGES.contains(&page) {
        return Err(OpenError::Refused("the portal has no such page"));
    }
    if !module.pages.is_empty() && !module.pages.iter().any(|one| one == page) {
        return Err(OpenError::Refused("the app shows this on other pages of the portal"));
    }
    payload::set(&mut extension, "page", page.into());
    let mut desk = match place.portal.as_deref() {
        None => None,
        Some(id) => {
            let desk = store.service_desks.get(id).filter(|desk| access.use_portal(desk));
            Some(desk.ok_or(OpenError::Refused("this person may not use this portal"))?)
        }
    };
    if module.kind == UiKind::PortalRequestDetail {
        let key = place.issue.as_deref().ok_or(OpenError::IssueMissing)?;
        let issue = store.issue(key).ok_or_else(|| OpenError::NoIssue(key.to_owned()))?;
        if !access.see_request(issue) {
            return Err(OpenError::Refused("this person may not see this request on the portal"));
        }
        desk = store.desk_of(&issue.project_id);
        let kind = issue.request_type_id.as_deref().and_then(|id| id.parse::<u64>().ok());
        payload::set(&mut extension, "request", json!({"key": issue.key, "typeId": kind}));
    }
    if let Some(id) = desk.and_then(|desk| desk.id.parse::<u64>().ok()) {
        payload::set(&mut extension, "portal", json!({"id": id}));
    }
    Ok(extension)
}

fn project(project: &Project) -> Value {
    json!({"id": project.id, "key": project.key, "type": project.kind.key()})
}

fn add_project(store: &Store, extension: &mut Value, place: &Place) -> Result<(), OpenError> {
    let Some(key) = place.project.as_deref() else { return Ok(()) };
    let found = store.project(key).ok_or_else(|| OpenError::NoProject(key.to_owned()))?;
    if extension.get("project").is_none_or(Value::is_null) {
        payload::set(extension, "project", project(found));
    }
    Ok(())
}
