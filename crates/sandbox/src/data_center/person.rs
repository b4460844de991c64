//! How Data Center writes people: by name and key, and with their address for everybody who is signed in.

use serde_json::{Map, Value, json};

use crate::state::{Store, model::Account};

/// Sizes in which avatars are offered, and their words.
const AVATARS: [(&str, &str); 4] = [("16x16", "xsmall"), ("24x24", "small"), ("32x32", "medium"), ("48x48", "large")];

/// Who the API shape is of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    Platform,
    Desk,
}

fn enc(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Where somebody's picture is.
pub(super) fn avatars(site: &str, key: &str) -> Value {
    let urls: Map<String, Value> = AVATARS
        .iter()
        .map(|(size, word)| {
            ((*size).to_owned(), json!(format!("{site}/secure/useravatar?size={word}&ownerId={}", enc(key))))
        })
        .collect();
    Value::Object(urls)
}

/// Somebody.
pub(super) fn written(account: &Account, site: &str, api: Api, addresses: bool) -> Value {
    let own = format!("{site}/rest/api/2/user?username={}", enc(&account.username));
    let mut value = json!({
        "name": account.username,
        "key": account.user_key,
        "displayName": account.display_name,
        "active": account.active,
        "timeZone": account.time_zone,
    });
    let Some(object) = value.as_object_mut() else { return value };
    if addresses && !account.email.is_empty() {
        object.insert("emailAddress".to_owned(), json!(account.email));
    }
    match api {
        Api::Platform => {
            object.insert("self".to_owned(), json!(own));
            object.insert("avatarUrls".to_owned(), avatars(site, &account.user_key));
        }
        Api::Desk => {
            let links = json!({"jiraRest": own, "avatarUrls": avatars(site, &account.user_key), "self": own});
            object.insert("_links".to_owned(), links);
        }
    }
    value
}

/// Somebody who is no more: the name of an account that the site has lost.
pub(super) fn lost(display_name: &str) -> Value {
    json!({"name": display_name, "key": display_name, "displayName": display_name, "active": false})
}

/// The key of an account id, or the id itself where it is nobody's.
pub(super) fn key_of<'a>(store: &'a Store, account_id: &'a str) -> &'a str {
    store.account(account_id).map_or(account_id, |account| account.user_key.as_str())
}
