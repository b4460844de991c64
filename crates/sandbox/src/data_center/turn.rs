//! What Data Center says differently from the site's handlers, which are Cloud's: people by name and key instead of
//! account ids, wiki text instead of documents, and nothing that Cloud alone has. Turned on the way in and on the way out.
//!
//! No account id may leave by this door, and none is understood. Values of entity properties are apps' own and are never
//! touched.

use serde_json::{Map, Value, json};

use super::person::{self, Api};
use crate::{
    rest::{error::ApiError, version_two},
    state::{
        Store,
        model::{FIELD_PARTICIPANTS, FieldKind},
    },
};

/// What Cloud alone says, wherever it stands.
const CLOUDS: [&str; 11] = [
    "jsdPublic",
    "groupId",
    "hierarchyLevel",
    "simplified",
    "isPrivate",
    "style",
    "scimManaged",
    "statuscategorychangedate",
    "restrictionStatus",
    "uuid",
    "accountType",
];
/// How a text names somebody on Cloud.
const BY_ACCOUNT: &str = "[~accountid:";
/// How a text names somebody here.
const BY_NAME: &str = "[~";

/// What answers are turned for.
pub(super) struct Out<'a> {
    pub(super) store: &'a Store,
    pub(super) site: &'a str,
    /// Whether the reader is somebody: addresses are for those who are signed in.
    pub(super) addresses: bool,
    pub(super) api: Api,
}

impl Out<'_> {
    /// Turns an answer.
    pub(super) fn turn(&self, value: &mut Value) {
        version_two::texts(value, &format!("{}/rest/api/3/", self.site), &format!("{}/rest/api/2/", self.site));
        self.people(value);
    }

    fn people(&self, value: &mut Value) {
        match value {
            Value::Array(list) => list.iter_mut().for_each(|item| self.people(item)),
            Value::String(text) => self.text(text),
            Value::Object(object) => match object.get("accountId").and_then(Value::as_str) {
                Some(id) => {
                    let rest = self.somebody(id, object);
                    *value = rest;
                }
                None => self.object(object),
            },
            _ => {}
        }
    }

    /// The person, with what else stood beside the id (groups, locale).
    fn somebody(&self, id: &str, object: &Map<String, Value>) -> Value {
        let api = if object.contains_key("_links") { Api::Desk } else { self.api };
        let Some(account) = self.store.account(id) else { return person::lost("unknown") };
        let mut value = person::written(account, self.site, api, self.addresses);
        for name in ["locale", "groups", "applicationRoles", "expand"] {
            if let (Some(kept), Some(written)) = (object.get(name), value.as_object_mut()) {
                let mut kept = kept.clone();
                self.people(&mut kept);
                written.insert(name.to_owned(), kept);
            }
        }
        value
    }

    fn object(&self, object: &mut Map<String, Value>) {
        object.retain(|name, _| !CLOUDS.contains(&name.as_str()));
        self.actor(object);
        self.file(object);
        self.address_of_group(object);
        if object.contains_key("fromString") {
            self.change(object);
        }
        for (name, value) in object.iter_mut() {
            // What apps keep, and what the category of a field is called, is not ours to read.
            if name != "properties" && name != "property" {
                self.people(value);
            }
        }
        if let Some(Value::Object(fields)) = object.get_mut("fields") {
            fields.remove("statusCategory");
        }
    }

    /// Who holds a role.
    fn actor(&self, object: &mut Map<String, Value>) {
        let user = object
            .remove("actorUser")
            .and_then(|user| user.get("accountId").and_then(Value::as_str).map(str::to_owned));
        if let Some(account) = user.and_then(|id| self.store.account(&id).cloned()) {
            object.insert("name".to_owned(), json!(account.username));
        }
        object.remove("actorGroup");
    }

    /// Files lie below `/secure`, and nowhere in the API.
    fn file(&self, object: &mut Map<String, Value>) {
        let Some(name) = object.get("filename").and_then(Value::as_str) else { return };
        let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string();
        let last = |value: Option<&Value>| {
            let found = value.and_then(Value::as_str).and_then(|url| url.rsplit('/').next());
            found.map(str::to_owned)
        };
        let place = |id: &str| json!(format!("{}/secure/attachment/{id}/{name}", self.site));
        if let Some(id) = last(object.get("content")) {
            object.insert("content".to_owned(), place(&id));
        }
        if let Some(Value::Object(links)) = object.get_mut("_links")
            && let Some(id) = last(links.get("jiraRest"))
        {
            links.remove("self");
            links.insert("content".to_owned(), place(&id));
        }
    }

    /// Groups are called by their names.
    fn address_of_group(&self, object: &mut Map<String, Value>) {
        let grouped = object.get("self").and_then(Value::as_str).is_some_and(|own| own.contains("/group?groupId="));
        if let Some(name) = object.get("name").and_then(Value::as_str).filter(|_| grouped) {
            let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
            object.insert("self".to_owned(), json!(format!("{}/rest/api/2/group?groupname={name}", self.site)));
        }
    }

    /// What changed: people by their keys.
    fn change(&self, object: &mut Map<String, Value>) {
        object.remove("fieldId");
        for side in ["from", "to"] {
            if let Some(Value::String(ids)) = object.get_mut(side) {
                let keys: Vec<&str> = ids.split(", ").map(|id| person::key_of(self.store, id)).collect();
                *ids = keys.join(", ");
            }
        }
    }

    fn text(&self, text: &mut String) {
        if text.contains(BY_ACCOUNT) {
            *text = replaced(text, BY_ACCOUNT, |id| {
                let name = self.store.account(id).map_or(id, |account| account.username.as_str());
                format!("{BY_NAME}{name}]")
            });
        } else if let Some((before, id)) = text.split_once("?accountId=") {
            // An address of somebody, with the id as it stands.
            let name = self.store.account(id).map_or("", |account| account.username.as_str());
            let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
            *text = format!("{before}?username={name}");
        }
    }
}

/// A text with each `{opening}…]` written anew.
fn replaced(text: &str, opening: &str, write: impl Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(opening) {
        out.push_str(before);
        match after.split_once(']') {
            Some((inner, after)) => {
                out.push_str(&write(inner));
                rest = after;
            }
            None => {
                out.push_str(opening);
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Turns what somebody sends to the operation of this pattern.
///
/// # Errors
/// In the words of the API: nobody is called so, or an account id was given.
pub(super) fn sent(value: &mut Value, method: &str, pattern: &str, store: &Store) -> Result<(), ApiError> {
    mentions(value, store);
    let Value::Object(object) = value else { return Ok(()) };
    match pattern {
        "/rest/api/2/issue" | "/rest/api/2/issue/{issueIdOrKey}" | "/rest/api/2/issue/{issueIdOrKey}/transitions" => {
            fields(object, store)
        }
        "/rest/api/2/issue/{issueIdOrKey}/assignee" => {
            let sent = Value::Object(std::mem::take(object));
            *value = user("assignee", &sent, store)?;
            if value.is_null() {
                *value = json!({"accountId": null});
            }
            Ok(())
        }
        "/rest/servicedeskapi/request" => request(object, store),
        "/rest/servicedeskapi/customer" => {
            known_names(object, &["email", "fullName"])?;
            if let Some(name) = object.remove("fullName") {
                object.insert("displayName".to_owned(), name);
            }
            Ok(())
        }
        _ if pattern.starts_with("/rest/servicedeskapi/") && method != "PUT" => usernames(object, store),
        _ => Ok(()),
    }
}

/// In texts, people are named by their names.
fn mentions(value: &mut Value, store: &Store) {
    match value {
        Value::String(text) if text.contains(BY_NAME) => {
            *text = replaced(text, BY_NAME, |name| match store.by_username(name) {
                Some(account) => format!("{BY_ACCOUNT}{}]", account.account_id),
                None => format!("{BY_NAME}{name}]"),
            });
        }
        Value::Array(list) => list.iter_mut().for_each(|item| mentions(item, store)),
        Value::Object(object) => {
            object.iter_mut().filter(|(name, _)| *name != "properties").for_each(|(_, item)| mentions(item, store));
        }
        _ => {}
    }
}

/// Fields that hold people, and whether several.
fn of_people(store: &Store) -> impl Iterator<Item = (&str, bool)> {
    let custom = store.custom_fields.values().filter(|field| field.kind == FieldKind::Users);
    [("assignee", false), ("reporter", false), (FIELD_PARTICIPANTS, true)]
        .into_iter()
        .chain(custom.map(|field| (field.id.as_str(), true)))
}

fn fields(object: &mut Map<String, Value>, store: &Store) -> Result<(), ApiError> {
    for (name, several) in of_people(store) {
        if let Some(given) = object.get_mut("fields").and_then(|fields| fields.get_mut(name)) {
            *given = person_field(name, given, several, store)?;
        }
        let operations = object.get_mut("update").and_then(|update| update.get_mut(name)).and_then(Value::as_array_mut);
        for given in operations.into_iter().flatten().filter_map(|operation| operation.get_mut("set")) {
            *given = person_field(name, given, several, store)?;
        }
    }
    Ok(())
}

fn person_field(name: &str, given: &Value, several: bool, store: &Store) -> Result<Value, ApiError> {
    match given {
        Value::Array(list) if several => list.iter().map(|one| user(name, one, store)).collect(),
        given => user(name, given, store),
    }
}

/// `{"name": …}`; nobody by null, by an empty name, and by -1, which is whoever a project's default is.
fn user(field: &str, given: &Value, store: &Store) -> Result<Value, ApiError> {
    if given.is_null() {
        return Ok(Value::Null);
    }
    match given.get("name") {
        Some(Value::Null) => Ok(Value::Null),
        Some(Value::String(name)) if name.is_empty() || name == "-1" => Ok(Value::Null),
        Some(Value::String(name)) => match store.by_username(name) {
            Some(account) => Ok(json!({"accountId": account.account_id})),
            None => Err(ApiError::field(field, format!("User '{name}' does not exist."))),
        },
        _ => Err(ApiError::field(field, "expected 'name' property to be a string")),
    }
}

fn account_of(name: &Value, store: &Store) -> Result<Value, ApiError> {
    let name = name.as_str().unwrap_or_default();
    store.by_username(name).map(|account| json!(account.account_id)).ok_or_else(|| {
        ApiError::desk_bad(format!("User with username {name} does not exist."), "sd.user.error.not.exist")
    })
}

fn request(object: &mut Map<String, Value>, store: &Store) -> Result<(), ApiError> {
    known_names(
        object,
        &["serviceDeskId", "requestTypeId", "requestFieldValues", "requestParticipants", "raiseOnBehalfOf"],
    )?;
    if let Some(name) = object.get_mut("raiseOnBehalfOf").filter(|name| !name.is_null()) {
        *name = account_of(name, store)?;
    }
    if let Some(Value::Array(names)) = object.get_mut("requestParticipants") {
        for name in names {
            *name = account_of(name, store)?;
        }
    }
    Ok(())
}

fn usernames(object: &mut Map<String, Value>, store: &Store) -> Result<(), ApiError> {
    // An empty list, as clients of both send it, names nobody.
    if object.remove("accountIds").is_some_and(|ids| ids.as_array().is_none_or(|ids| !ids.is_empty())) {
        return Err(unrecognized("accountIds"));
    }
    if let Some(given) = object.remove("usernames") {
        let names = given.as_array().ok_or_else(|| unrecognized("usernames"))?;
        let ids: Vec<Value> = names.iter().map(|name| account_of(name, store)).collect::<Result<_, _>>()?;
        object.insert("accountIds".to_owned(), json!(ids));
    }
    Ok(())
}

/// This API reads strictly.
fn known_names(object: &Map<String, Value>, known: &[&str]) -> Result<(), ApiError> {
    match object.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(unrecognized(name)),
        None => Ok(()),
    }
}

fn unrecognized(name: &str) -> ApiError {
    ApiError::desk_bad(format!("Unrecognized field \"{name}\", not marked as ignorable"), "sd.error.invalid.json")
}
