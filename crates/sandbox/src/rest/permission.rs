//! What a person may do: one's own permissions, and those of others for apps.

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Shape,
    error::ApiError,
    request::{Body, Params},
};
use crate::{
    App,
    access::Access,
    auth::Caller,
    state::{Issue, model::Project},
};

/// Projects or issues that one check may name.
const MAX_CHECKED: usize = 1000;

/// Permission keys with name and description. `true` are global.
const PERMISSIONS: &[(&str, bool, &str)] = &[
    ("ADMINISTER", true, "Administer Jira"),
    ("SYSTEM_ADMIN", true, "Administer Jira (system)"),
    ("USER_PICKER", true, "Browse users and groups"),
    ("BULK_CHANGE", true, "Make bulk changes"),
    ("BROWSE_PROJECTS", false, "Browse Projects"),
    ("ADMINISTER_PROJECTS", false, "Administer Projects"),
    ("CREATE_ISSUES", false, "Create Issues"),
    ("EDIT_ISSUES", false, "Edit Issues"),
    ("DELETE_ISSUES", false, "Delete Issues"),
    ("ASSIGN_ISSUES", false, "Assign Issues"),
    ("ASSIGNABLE_USER", false, "Assignable User"),
    ("TRANSITION_ISSUES", false, "Transition Issues"),
    ("LINK_ISSUES", false, "Link Issues"),
    ("ADD_COMMENTS", false, "Add Comments"),
    ("EDIT_ALL_COMMENTS", false, "Edit All Comments"),
    ("DELETE_ALL_COMMENTS", false, "Delete All Comments"),
    ("VIEW_READONLY_WORKFLOW", false, "View Read-Only Workflow"),
    ("SERVICEDESK_AGENT", false, "Service Desk Agent"),
];

/// Every key, separated by commas: what is asked where no key can be named.
pub(crate) fn every_key() -> String {
    PERMISSIONS.iter().map(|(key, _, _)| *key).collect::<Vec<_>>().join(",")
}

pub(super) fn routes() -> Router<App> {
    Router::new().route("/rest/api/3/mypermissions", get(mine)).route("/rest/api/3/permissions/check", post(check))
}

/// Whether a caller has a permission, by the key that Jira gives it; nothing for a key that is none.
pub(crate) fn held(access: &Access<'_>, key: &str, project: Option<&Project>) -> Option<bool> {
    PERMISSIONS.iter().any(|(known, _, _)| *known == key).then(|| holds(access, key, project))
}

fn holds(access: &Access<'_>, key: &str, project: Option<&Project>) -> bool {
    let any = |f: &dyn Fn(&Project) -> bool| project.is_some_and(f);
    match key {
        "ADMINISTER" | "SYSTEM_ADMIN" => access.site_admin(),
        "USER_PICKER" | "BULK_CHANGE" => access.licensed(),
        "BROWSE_PROJECTS" | "VIEW_READONLY_WORKFLOW" => any(&|p| access.browse_project(p)),
        "ADMINISTER_PROJECTS" | "DELETE_ISSUES" | "EDIT_ALL_COMMENTS" | "DELETE_ALL_COMMENTS" => {
            any(&|p| access.project_admin(p))
        }
        "SERVICEDESK_AGENT" => any(&|p| p.kind == crate::state::model::ProjectKind::ServiceDesk && access.worker(p)),
        _ => any(&|p| access.worker(p)),
    }
}

async fn mine(State(app): State<App>, caller: Caller, params: Params) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let wanted = params.list("permissions");
    if wanted.is_empty() {
        return Err(ApiError::bad("The 'permissions' query parameter is required."));
    }
    if let Some(unknown) = wanted.iter().find(|w| !PERMISSIONS.iter().any(|(key, _, _)| key == &w.as_str())) {
        return Err(ApiError::bad(format!("Unrecognized permission: {unknown}")));
    }
    let issue = params.get("issueKey").or(params.get("issueId"));
    let named = params.get("projectKey").or(params.get("projectId"));
    let mut projects: Vec<&Project> = match (issue, named) {
        (Some(key), _) => {
            let issue = super::issue::visible(&shape, key)?;
            store.projects.get(&issue.project_id).into_iter().collect()
        }
        (None, Some(key)) => {
            let project = store.project(key).filter(|p| shape.access.browse_project(p));
            vec![project.ok_or_else(|| ApiError::not_found(format!("No project could be found with key '{key}'.")))?]
        }
        // Without context: whether in any project.
        (None, None) => store.projects.values().collect(),
    };
    projects.dedup_by(|a, b| a.id == b.id);
    let permissions: Map<String, Value> = PERMISSIONS
        .iter()
        .enumerate()
        .filter(|(_, (key, _, _))| wanted.iter().any(|w| w == key))
        .map(|(at, (key, global, name))| {
            let have = if *global {
                holds(&shape.access, key, None)
            } else {
                projects.iter().any(|p| holds(&shape.access, key, Some(p)))
            };
            let value = json!({
                "id": at.to_string(),
                "key": key,
                "name": name,
                "type": if *global { "GLOBAL" } else { "PROJECT" },
                "description": name,
                "havePermission": have,
            });
            ((*key).to_owned(), value)
        })
        .collect();
    Ok(Json(json!({"permissions": permissions})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Check {
    account_id: Option<String>,
    #[serde(default)]
    global_permissions: Vec<String>,
    #[serde(default)]
    project_permissions: Vec<ProjectCheck>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProjectCheck {
    permissions: Vec<String>,
    #[serde(default)]
    projects: Vec<u64>,
    #[serde(default)]
    issues: Vec<u64>,
}

async fn check(State(app): State<App>, caller: Caller, Body(body): Body<Check>) -> Result<Json<Value>, ApiError> {
    let named: usize = body.project_permissions.iter().map(|p| p.projects.len() + p.issues.len()).sum();
    if named > MAX_CHECKED {
        return Err(ApiError::bad(format!("At most {MAX_CHECKED} projects and issues can be checked.")));
    }
    let store = app.state.read();
    let own = Shape::new(&store, &app.state, &caller);
    let person = match &body.account_id {
        Some(id) if *id != caller.account() => {
            if !own.access.site_admin() && !caller.is_app_itself() {
                return Err(ApiError::forbidden("You are not permitted to check permissions of other users."));
            }
            if store.account(id).is_none() {
                return Err(ApiError::bad(format!("User with account ID {id} does not exist.")));
            }
            Caller::person(id)
        }
        _ => caller.clone(),
    };
    let access = Access::new(&store, &person);
    let known = |key: &str, global: bool| PERMISSIONS.iter().any(|(k, g, _)| *k == key && *g == global);
    let mut unknown: Vec<&String> = body.global_permissions.iter().filter(|k| !known(k, true)).collect();
    unknown.extend(body.project_permissions.iter().flat_map(|p| &p.permissions).filter(|k| !known(k, false)));
    if let Some(key) = unknown.first() {
        return Err(ApiError::bad(format!("Unrecognized permission: {key}")));
    }
    let global: Vec<&String> = body.global_permissions.iter().filter(|k| holds(&access, k, None)).collect();
    let mut grants = Vec::new();
    for asked in &body.project_permissions {
        for key in &asked.permissions {
            let projects: Vec<u64> = asked
                .projects
                .iter()
                .copied()
                .filter(|id| holds(&access, key, store.projects.get(&id.to_string())))
                .collect();
            let issues: Vec<u64> = asked
                .issues
                .iter()
                .copied()
                .filter(|id| {
                    let project = |i: &Issue| store.projects.get(&i.project_id);
                    holds(&access, key, store.issues.get(id).and_then(|i| project(i)))
                })
                .collect();
            grants.push(json!({"permission": key, "projects": projects, "issues": issues}));
        }
    }
    Ok(Json(json!({"globalPermissions": global, "projectPermissions": grants})))
}
