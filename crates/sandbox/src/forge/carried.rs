//! A Connect app that a manifest carries on, for sites that move to Forge with what they have: its key, what it may do, and its lifecycle below a
//! remote of the app's.
//!
//! Only the lifecycle is carried on here: Connect's pages, webhooks and declared properties are refused, since Forge has its own. Start reading at
//! [`Carried`].
#![expect(clippy::indexing_slicing, reason = "only JSON values are indexed, which answer null for what they have not")]

use std::collections::BTreeMap;

use serde_json::Value;

use super::manifest::Manifest;

/// Longest key of a Connect app that Forge takes.
const KEY_CHARS: usize = 90;
/// The type of module that is carried on.
const LIFECYCLE: &str = "jira:lifecycle";
/// What Connect tells an app of its life.
const EVENTS: [&str; 4] = ["installed", "uninstalled", "enabled", "disabled"];
/// How a scope of Connect's ends in a manifest.
const CONNECTS: &str = ":connect-jira";
const SCOPES: [&str; 7] =
    ["read", "write", "delete", "project-admin", "admin", "act-as-user", "access-email-addresses"];

/// A Connect app that a manifest carries on.
#[derive(Debug, Clone)]
pub struct Carried {
    /// The Connect app's key.
    pub key: String,
    /// Key of the remote that Connect calls; none where nothing but the key is left of Connect.
    pub remote: Option<String>,
    /// Keys of the modules of Connect's.
    pub modules: Vec<String>,
    /// Where Connect tells of each event, below the remote's address.
    pub lifecycle: BTreeMap<String, String>,
}

impl Manifest {
    /// What the Connect app that is carried on may do, as its descriptor would write it.
    pub(crate) fn connect_scopes(&self) -> Vec<String> {
        let of_connect = self.scopes.iter().filter_map(|scope| scope.strip_suffix(CONNECTS));
        of_connect.map(|scope| scope.to_uppercase().replace('-', "_")).collect()
    }
}

/// Whether a scope opens nothing but what Connect's own calls ask for.
pub(super) fn is_connects(scope: &str) -> bool {
    scope.ends_with(CONNECTS)
}

pub(super) fn read(root: &Value) -> Option<Carried> {
    let connect = root["app"].get("connect")?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let modules = root["connectModules"][LIFECYCLE].as_array().map(Vec::as_slice).unwrap_or_default();
    let said = modules.iter().filter_map(Value::as_object).flatten().filter(|(name, _)| *name != "key");
    Some(Carried {
        key: text(&connect["key"]).unwrap_or_default(),
        remote: text(&connect["remote"]),
        modules: modules.iter().map(|module| text(&module["key"]).unwrap_or_default()).collect(),
        lifecycle: said.filter_map(|(event, path)| Some((event.clone(), text(path)?))).collect(),
    })
}

pub(super) fn check(root: &Value, manifest: &Manifest, faults: &mut Vec<String>) {
    for scope in &manifest.scopes {
        if scope.strip_suffix(CONNECTS).is_some_and(|name| !SCOPES.contains(&name)) {
            faults.push(format!("permissions.scopes: `{scope}` is not a scope of Connect's"));
        }
    }
    let modules = root["connectModules"].as_object();
    for name in modules.into_iter().flat_map(|modules| modules.keys()) {
        if name != LIFECYCLE {
            faults.push(format!("connectModules.{name}: this host does not carry modules of that type on"));
        }
    }
    let Some(carried) = &manifest.connect else {
        if modules.is_some() {
            faults.push("connectModules: needs `app.connect`, with the remote that its paths stand below".to_owned());
        }
        return;
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if carried.key.is_empty() || carried.key.len() > KEY_CHARS || !carried.key.chars().all(plain) {
        faults.push(format!("app.connect.key: must be 1 to {KEY_CHARS} of a-z, A-Z, 0-9, ., - and _"));
    }
    match carried.remote.as_deref().map(|key| (key, manifest.remote(key))) {
        // Once the app has moved, its key alone stays.
        None if modules.is_none() => {}
        None => faults.push("app.connect.remote: is missing, and connectModules stand below it".to_owned()),
        Some((key, None)) => faults.push(format!("app.connect.remote: there is no remote `{key}`")),
        Some((_, Some(remote))) if remote.configurable.is_some() => {
            faults.push("app.connect.remote: Connect remotes cannot be configurable".to_owned());
        }
        Some(_) => {}
    }
    if carried.remote.is_some() && carried.modules.is_empty() {
        faults.push("connectModules: is missing, and app.connect names a remote for it".to_owned());
    }
    if carried.modules.iter().any(String::is_empty) {
        faults.push(format!("connectModules.{LIFECYCLE}: `key` is missing"));
    }
    for (event, path) in &carried.lifecycle {
        if !EVENTS.contains(&event.as_str()) {
            faults.push(format!("connectModules.{LIFECYCLE}: there is no event `{event}`"));
        } else if !path.starts_with('/') {
            faults.push(format!("connectModules.{LIFECYCLE}.{event}: must begin with /"));
        }
    }
}
