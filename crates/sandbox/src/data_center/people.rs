//! People by name and key. Whoever may not browse users is told of none.

use axum::{
    Extension, Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::get,
};
use serde_json::{Value, json};

use super::{
    config::Version,
    door,
    person::{self, Api},
};
use crate::{
    App,
    access::Access,
    auth::Caller,
    rest::{error::ApiError, request::Params},
    state::{
        Issue, Store,
        model::{Account, AccountType, Project},
    },
};

/// People on a page unless said otherwise, and at most.
const PAGE: usize = 50;
const MAX_PAGE: usize = 1000;
/// From here on suggestions are of the first hundred who fit the name, and no longer of those who may.
const SUGGESTS_ANYBODY: Version = Version { major: 8, minor: 19, patch: 1 };
/// How many that is, pages before it counted in.
const SUGGESTED: usize = 100;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rest/api/2/user", get(user))
        .route("/rest/api/2/user/search", get(search))
        .route("/rest/api/2/user/assignable/search", get(assignable))
        .route("/rest/api/2/user/viewissue/search", get(viewing))
}

fn write(app: &App, account: &Account) -> Value {
    let mut value = person::written(account, app.state.site_url(), Api::Platform, true);
    if let Some(object) = value.as_object_mut() {
        object.insert("locale".to_owned(), json!(account.locale));
        object.insert("deleted".to_owned(), json!(false));
    }
    value
}

#[expect(clippy::result_large_err, reason = "the refusal is the finished answer, made once")]
fn may_browse(store: &Store, caller: &Caller) -> Result<(), Response> {
    if caller.is_anonymous() {
        return Err((StatusCode::UNAUTHORIZED, Json(door::nobody())).into_response());
    }
    if Access::new(store, caller).licensed() {
        return Ok(());
    }
    Err(ApiError::forbidden("You do not have permission to browse users.").into_response())
}

async fn user(State(app): State<App>, Extension(caller): Extension<Caller>, params: Params) -> Response {
    let store = app.state.read();
    let (name, key) = (params.get("username"), params.get("key"));
    let found = match (name, key) {
        (Some(name), None) => store.by_username(name).ok_or(format!("The user named '{name}' does not exist")),
        (None, Some(key)) => store.by_user_key(key).ok_or(format!("The user with the key '{key}' does not exist")),
        (None, None) => {
            return ApiError::bad("Either the 'username' or the 'key' query parameter has to be provided")
                .into_response();
        }
        (Some(_), Some(_)) => {
            return ApiError::bad("Either the 'username' or the 'key' query parameter has to be provided, not both")
                .into_response();
        }
    };
    let own = found.as_ref().is_ok_and(|account| account.account_id == caller.account());
    if !own && let Err(refused) = may_browse(&store, &caller) {
        return refused;
    }
    let account = match found {
        Ok(account) => account,
        Err(told) => return ApiError::not_found(told).into_response(),
    };
    let mut value = write(&app, account);
    if let Some(object) = value.as_object_mut() {
        let groups: Vec<&str> = store
            .groups
            .values()
            .filter(|g| g.members.contains(&account.account_id))
            .map(|g| g.name.as_str())
            .collect();
        let site = app.state.site_url();
        let listed: Vec<Value> = groups
            .iter()
            .filter(|_| params.expands("groups"))
            .map(|name| json!({"name": name, "self": format!("{site}/rest/api/2/group?groupname={name}")}))
            .collect();
        object.insert("groups".to_owned(), json!({"size": groups.len(), "items": listed}));
        let roles = licences(&store, account);
        let shown: &[Value] = if params.expands("applicationRoles") { &roles } else { &[] };
        object.insert("applicationRoles".to_owned(), json!({"size": roles.len(), "items": shown}));
        object.insert("expand".to_owned(), json!("groups,applicationRoles"));
    }
    Json(value).into_response()
}

/// What somebody has a licence for: agents for Service Management, whoever works here for the rest; customers for nothing.
fn licences(store: &Store, account: &Account) -> Vec<Value> {
    let caller = Caller::person(&account.account_id);
    let access = Access::new(store, &caller);
    let mut held = Vec::new();
    if access.licensed() {
        held.push(json!({"key": "jira-software", "name": "Jira Software"}));
        if access.any_agent() {
            held.push(json!({"key": "jira-servicedesk", "name": "Jira Service Desk"}));
        }
    }
    held
}

/// Whether somebody is meant by a part of a name: the beginning of the name, of a word of the name shown, or of the
/// address. A full stop means everybody.
fn named(account: &Account, query: &str) -> bool {
    let query = query.to_lowercase();
    query == "."
        || account.username.to_lowercase().starts_with(&query)
        || account.display_name.to_lowercase().starts_with(&query)
        || account.display_name.to_lowercase().split_whitespace().any(|word| word.starts_with(&query))
        || account.email.to_lowercase().starts_with(&query)
}

fn page(app: &App, found: Vec<&Account>, params: &Params) -> Response {
    match params.page(PAGE, MAX_PAGE) {
        Ok((start, size)) => {
            let shown: Vec<Value> =
                found.into_iter().skip(start).take(size).map(|account| write(app, account)).collect();
            Json(shown).into_response()
        }
        Err(refused) => refused.into_response(),
    }
}

async fn search(State(app): State<App>, Extension(caller): Extension<Caller>, params: Params) -> Response {
    let Some(query) = params.get("username").filter(|query| !query.is_empty()) else {
        return ApiError::bad("The username query parameter was not provided").into_response();
    };
    let store = app.state.read();
    if let Err(refused) = may_browse(&store, &caller) {
        return refused;
    }
    let active = params.get("includeActive") != Some("false");
    let inactive = params.flag("includeInactive");
    let mut found: Vec<&Account> = store
        .accounts
        .values()
        .filter(|account| account.account_type != AccountType::App)
        .filter(|account| if account.active { active } else { inactive })
        .filter(|account| named(account, query))
        .collect();
    found.sort_by_key(|account| account.display_name.to_lowercase());
    page(&app, found, &params)
}

async fn assignable(State(app): State<App>, Extension(caller): Extension<Caller>, params: Params) -> Response {
    let store = app.state.read();
    if let Err(refused) = may_browse(&store, &caller) {
        return refused;
    }
    let access = Access::new(&store, &caller);
    let project = match (params.get("project"), params.get("issueKey")) {
        (Some(key), _) => store.project(key),
        (None, Some(key)) => store.issue(key).and_then(|issue| store.projects.get(&issue.project_id)),
        (None, None) => return ApiError::bad("Project or issue key is required.").into_response(),
    };
    let Some(project) = project.filter(|project| access.browse_project(project)) else {
        return ApiError::not_found("No project could be found.").into_response();
    };
    let query = params.get("username").unwrap_or_default();
    let found: Vec<&Account> = store
        .accounts
        .values()
        .filter(|account| account.active)
        .filter(|account| Access::new(&store, &Caller::person(&account.account_id)).worker(project))
        .filter(|account| query.is_empty() || named(account, query))
        .collect();
    page(&app, found, &params)
}

/// "Users with browse permission": until 8.19.1 those who may see the issue. Since then Jira matches names and does not ask what they may, so that
/// this suggests and says nothing of rights (Atlassian's article on changed user suggestions, JRASERVER-76439).
async fn viewing(State(app): State<App>, Extension(caller): Extension<Caller>, params: Params) -> Response {
    let store = app.state.read();
    if let Err(refused) = may_browse(&store, &caller) {
        return refused;
    }
    let access = Access::new(&store, &caller);
    let (project, issue): (Option<&Project>, Option<&Issue>) = match (params.get("issueKey"), params.get("projectKey"))
    {
        (Some(key), _) => {
            let Some(issue) = store.issue(key).filter(|issue| access.browse(issue)) else {
                return ApiError::not_found("Issue does not exist or you do not have permission to see it.")
                    .into_response();
            };
            (store.projects.get(&issue.project_id), Some(issue))
        }
        (None, Some(key)) => (store.project(key).filter(|project| access.browse_project(project)), None),
        (None, None) => return ApiError::bad("Either a project or an issue key must be provided.").into_response(),
    };
    let Some(project) = project else { return ApiError::not_found("No project could be found.").into_response() };
    let (start, size) = match params.page(PAGE, MAX_PAGE) {
        Ok(page) => page,
        Err(refused) => return refused.into_response(),
    };
    let query = params.get("username").unwrap_or_default();
    let version = app.config.deployment.data_center().map(|server| server.version).unwrap_or_default();
    let suggests = version >= SUGGESTS_ANYBODY;
    let may = |account: &Account| {
        let person = Caller::person(&account.account_id);
        let access = Access::new(&store, &person);
        suggests || issue.map_or_else(|| access.browse_project(project), |issue| access.browse(issue))
    };
    let mut found: Vec<&Account> = store
        .accounts
        .values()
        .filter(|account| account.active && account.account_type != AccountType::App)
        .filter(|account| !query.is_empty() && named(account, query))
        .filter(|account| may(account))
        .collect();
    found.sort_by_key(|account| account.display_name.to_lowercase());
    let most = if suggests { SUGGESTED } else { MAX_PAGE };
    let shown: Vec<Value> =
        found.into_iter().take(most).skip(start).take(size).map(|account| write(&app, account)).collect();
    Json(shown).into_response()
}
