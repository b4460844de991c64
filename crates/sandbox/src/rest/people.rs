//! People and groups. Whoever may not browse users is told of none.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use serde_json::{Value, json};

use super::{
    Shape,
    error::ApiError,
    property,
    request::{Body, Params, page_bean},
};
use crate::{
    App,
    auth::Caller,
    state::{
        Store,
        model::{Account, Group},
    },
};

/// Only so many accounts are looked at by a search, as Jira has it.
const SEARCHED: usize = 1000;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/rest/api/3/myself", get(myself))
        .route("/rest/api/3/user", get(user))
        .route("/rest/api/3/user/search", get(search))
        .route("/rest/api/3/users/search", get(all))
        .route("/rest/api/3/user/assignable/search", get(assignable))
        .route("/rest/api/3/user/bulk", get(bulk))
        .route("/rest/api/3/user/groups", get(groups_of))
        .route("/rest/api/3/user/properties", get(property_keys))
        .route("/rest/api/3/user/properties/{propertyKey}", get(property_get).put(property_put).delete(property_delete))
        .route("/rest/api/3/group/bulk", get(groups))
        .route("/rest/api/3/groups/picker", get(picker))
        .route("/rest/api/3/group/member", get(members))
}

async fn myself(State(app): State<App>, caller: Caller, params: Params) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let account = store.account(caller.account()).ok_or_else(ApiError::unauthorized)?;
    let shape = Shape::new(&store, &app.state, &caller);
    let mut value = shape.user_full(account);
    if let Some(object) = value.as_object_mut() {
        let groups: Vec<Value> = groups_with(&store, caller.account()).map(|g| shape.group_name(g)).collect();
        let listed = if params.expands("groups") { json!(groups) } else { json!([]) };
        object.insert("groups".to_owned(), json!({"size": groups.len(), "items": listed}));
        object.insert("applicationRoles".to_owned(), json!({"size": 1, "items": []}));
        object.insert("expand".to_owned(), json!("groups,applicationRoles"));
    }
    Ok(Json(value))
}

fn groups_with<'a>(store: &'a Store, account_id: &'a str) -> impl Iterator<Item = &'a Group> {
    store.groups.values().filter(move |g| g.members.contains(account_id))
}

fn need_browse(shape: &Shape<'_>) -> Result<(), ApiError> {
    if shape.caller.is_anonymous() {
        Err(ApiError::unauthorized())
    } else if shape.access.licensed() {
        Ok(())
    } else {
        Err(ApiError::forbidden("You do not have permission to browse users."))
    }
}

fn no_user() -> ApiError {
    ApiError::not_found("Specified user does not exist or you do not have required permissions")
}

async fn user(State(app): State<App>, caller: Caller, params: Params) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let id = params.get("accountId").unwrap_or_default();
    if caller.account() != id || caller.is_anonymous() {
        need_browse(&shape)?;
    }
    if id.is_empty() {
        return Err(ApiError::bad("Either the accountId or the key query parameter has to be provided"));
    }
    let account = store.account(id).ok_or_else(no_user)?;
    Ok(Json(shape.user_full(account)))
}

/// Whether somebody is meant by a part of a name or of an address that the caller may see. By a whole address Jira finds also who hides it, and shows
/// it no more than otherwise.
fn named(account: &Account, query: &str, shape: &Shape<'_>) -> bool {
    if query.contains('@') && account.email.eq_ignore_ascii_case(query) {
        return true;
    }
    let query = query.to_lowercase();
    account.display_name.to_lowercase().split_whitespace().any(|w| w.starts_with(&query))
        || account.display_name.to_lowercase().starts_with(&query)
        || shape.email(account).is_some_and(|e| e.to_lowercase().starts_with(&query))
}

async fn search(State(app): State<App>, caller: Caller, params: Params) -> Result<Json<Value>, ApiError> {
    let (start, size) = params.page(50, 1000)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let (query, id) = (params.get("query"), params.get("accountId"));
    if query.is_none() && id.is_none() && params.get("property").is_none() {
        return Err(ApiError::bad("A query parameter is required: 'query', 'accountId' or 'property'."));
    }
    if !shape.access.licensed() {
        return Ok(Json(json!([])));
    }
    let now = app.state.now();
    let found = store
        .accounts
        .values()
        .filter(|a| a.active && store.is_found(&a.account_id, now))
        .filter(|a| id.is_none_or(|id| a.account_id == id))
        .filter(|a| query.is_none_or(|q| named(a, q, &shape)))
        .filter(|a| params.get("property").is_none_or(|p| has_property(a, p)))
        .take(SEARCHED)
        .skip(start)
        .take(size)
        .map(|a| shape.user_full(a));
    Ok(Json(found.collect()))
}

/// `key.path=value`, as Jira's users are searched by property.
fn has_property(account: &Account, query: &str) -> bool {
    let Some((path, wanted)) = query.split_once('=') else { return false };
    account.properties.iter().any(|(key, value)| {
        let Some(rest) = path.strip_prefix(key.as_str()) else { return false };
        let found = rest.split('.').filter(|step| !step.is_empty()).try_fold(value, |value, step| value.get(step));
        match found {
            Some(Value::String(text)) => text == wanted,
            Some(other) => format!("{other}") == wanted,
            None => false,
        }
    })
}

async fn all(State(app): State<App>, caller: Caller, params: Params) -> Result<Json<Value>, ApiError> {
    let (start, size) = params.page(50, 1000)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    if !shape.access.licensed() {
        return Err(ApiError::forbidden("You do not have permission to browse users."));
    }
    Ok(Json(store.accounts.values().skip(start).take(size).map(|a| shape.user_full(a)).collect()))
}

async fn assignable(State(app): State<App>, caller: Caller, params: Params) -> Result<Json<Value>, ApiError> {
    let (start, size) = params.page(50, 1000)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let project = match (params.get("project"), params.get("issueKey").or(params.get("issueId"))) {
        (Some(key), _) => store.project(key),
        (None, Some(key)) => store.issue(key).and_then(|i| store.projects.get(&i.project_id)),
        (None, None) => return Err(ApiError::bad("Project or issue key is required.")),
    };
    let project = project
        .filter(|p| shape.access.browse_project(p))
        .ok_or_else(|| ApiError::not_found("No project could be found."))?;
    let query = params.get("query").unwrap_or_default();
    let found = store
        .accounts
        .values()
        .filter(|a| a.active)
        .filter(|a| {
            let person = Caller::person(&a.account_id);
            crate::access::Access::new(&store, &person).worker(project)
        })
        .filter(|a| query.is_empty() || named(a, query, &shape))
        .skip(start)
        .take(size)
        .map(|a| shape.user_full(a));
    Ok(Json(found.collect()))
}

async fn bulk(State(app): State<App>, caller: Caller, params: Params) -> Result<Json<Value>, ApiError> {
    let (start, size) = params.page(10, 200)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    if !shape.access.licensed() {
        return Err(ApiError::unauthorized());
    }
    let ids: Vec<&str> = params.all("accountId").collect();
    if ids.is_empty() {
        return Err(ApiError::bad("At least one accountId is required."));
    }
    let values = ids.iter().filter_map(|id| store.account(id)).map(|a| shape.user_full(a)).collect();
    Ok(Json(page_bean(&shape.url("user/bulk"), values, start, size)))
}

async fn groups_of(State(app): State<App>, caller: Caller, params: Params) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    need_browse(&shape)?;
    let account = store.account(params.get("accountId").unwrap_or_default()).ok_or_else(no_user)?;
    Ok(Json(groups_with(&store, &account.account_id).map(|g| shape.group_name(g)).collect()))
}

async fn groups(State(app): State<App>, caller: Caller, params: Params) -> Result<Json<Value>, ApiError> {
    let (start, size) = params.page(50, 50)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    need_browse(&shape)?;
    let ids: Vec<&str> = params.all("groupId").collect();
    let names: Vec<&str> = params.all("groupName").collect();
    let values = store
        .groups
        .values()
        .filter(|g| {
            (ids.is_empty() && names.is_empty())
                || ids.contains(&g.group_id.as_str())
                || names.contains(&g.name.as_str())
        })
        .map(|g| json!({"name": g.name, "groupId": g.group_id}))
        .collect();
    Ok(Json(page_bean(&shape.url("group/bulk"), values, start, size)))
}

async fn picker(State(app): State<App>, caller: Caller, params: Params) -> Result<Json<Value>, ApiError> {
    let size = params.number("maxResults")?.unwrap_or(20);
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let query = params.get("query").unwrap_or_default().to_lowercase();
    let found: Vec<&Group> = store
        .groups
        .values()
        .filter(|_| shape.access.licensed())
        .filter(|g| g.name.to_lowercase().contains(&query))
        .collect();
    let shown: Vec<Value> = found
        .iter()
        .take(size)
        .map(|g| json!({"name": g.name, "html": g.name, "labels": [], "groupId": g.group_id}))
        .collect();
    Ok(Json(json!({
        "header": format!("Showing {} of {} matching groups", shown.len(), found.len()),
        "total": found.len(),
        "groups": shown,
    })))
}

async fn members(State(app): State<App>, caller: Caller, params: Params) -> Result<Json<Value>, ApiError> {
    let (start, size) = params.page(50, 50)?;
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    need_browse(&shape)?;
    let group = store
        .groups
        .values()
        .find(|g| params.get("groupId") == Some(&g.group_id) || params.get("groupname") == Some(&g.name))
        .ok_or_else(|| ApiError::not_found("The specified group does not exist."))?;
    let inactive = params.flag("includeInactiveUsers");
    let values = group
        .members
        .iter()
        .filter(|id| store.account(id).is_some_and(|a| a.active || inactive))
        .map(|id| shape.user(id))
        .collect();
    let url = shape.url(&format!("group/member?groupId={}", group.group_id));
    Ok(Json(page_bean(&url, values, start, size)))
}

/// Whose properties are meant: one's own, or for admins and apps anyone's.
fn property_owner(shape: &Shape<'_>, params: &Params) -> Result<Account, ApiError> {
    let id = params.get("accountId").unwrap_or_default();
    if shape.caller.is_anonymous() {
        return Err(ApiError::unauthorized());
    }
    let account = shape.store.account(id).ok_or_else(no_user)?;
    let own = shape.caller.account() == id;
    if own || shape.access.site_admin() || shape.caller.is_app_itself() {
        Ok(account.clone())
    } else {
        Err(ApiError::forbidden("You do not have permission to access the user's properties."))
    }
}

async fn property_keys(State(app): State<App>, caller: Caller, params: Params) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let shape = Shape::new(&store, &app.state, &caller);
    let account = property_owner(&shape, &params)?;
    let url = shape.url("user/properties");
    Ok(Json(property::keys(&account.properties, &url)))
}

async fn property_get(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    params: Params,
) -> Result<Json<Value>, ApiError> {
    let store = app.state.read();
    let account = property_owner(&Shape::new(&store, &app.state, &caller), &params)?;
    property::one(&account.properties, &key).map(Json)
}

async fn property_put(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    params: Params,
    Body(value): Body<Value>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let account = property_owner(&Shape::new(&app.state.read(), &app.state, &caller), &params)?;
    property::check(&key, &value)?;
    let existed = app.state.set_user_property(&account.account_id, &key, Some(value))?;
    Ok((if existed { StatusCode::OK } else { StatusCode::CREATED }, Json(Value::Null)))
}

async fn property_delete(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    params: Params,
) -> Result<StatusCode, ApiError> {
    let account = property_owner(&Shape::new(&app.state.read(), &app.state, &caller), &params)?;
    if app.state.set_user_property(&account.account_id, &key, None)? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(property::missing(&key))
    }
}
