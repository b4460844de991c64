//! What `forge lint` says of a manifest beyond its schema.
//!
//! Start reading at [`check`].
#![expect(clippy::indexing_slicing, reason = "only JSON values are indexed, which answer null for what they have not")]

use std::collections::BTreeSet;

use serde_json::Value;
use url::{Host, Url};

use super::{
    carried,
    manifest::{ENTITY_PROPERTY, Manifest, UiKind},
};
use crate::state::PROPERTY_TYPES;

/// Scopes that only allow a token to be handed over; they open no API by themselves.
pub(super) const TOKEN_SCOPES: [&str; 2] = ["read:app-system-token", "read:app-user-token"];

/// Longest key of a remote, an endpoint or a resource that Forge takes.
const KEY_CHARS: usize = 23;
/// Most scheduled triggers that Forge allows an app.
const SCHEDULED_MAX: usize = 5;
const INTERVALS: [&str; 4] = ["fiveMinute", "hour", "day", "week"];
/// Values that all an app's entity properties may declare together; it was 30 until 2026.
const INDEXED_MAX: usize = 100;
/// The module by which an app's data moves to another region.
pub(super) const RESIDENCY: &str = "migration:dataResidency";
/// How long a migration takes at most, unless the module says so.
pub(super) const RESIDENCY_HOURS: f64 = 1.5;
/// The regions that a remote may have addresses for.
const REGIONS: [&str; 11] = ["EU", "US", "AU", "DE", "SG", "CA", "IN", "KR", "JP", "GB", "CH"];
const OTHER_MODULES: [&str; 6] =
    ["endpoint", "trigger", "scheduledTrigger", "preUninstall", ENTITY_PROPERTY, RESIDENCY];
const UNLICENSED: [&str; 3] = ["customer", "unlicensed", "anonymous"];

/// Events that an app may subscribe to here, with the scope that each needs.
const EVENTS: &[(&str, Option<&str>)] = &[
    ("avi:forge:installed:app", None),
    ("avi:forge:upgraded:app", None),
    ("avi:jira:created:issue", Some("read:jira-work")),
    ("avi:jira:updated:issue", Some("read:jira-work")),
    ("avi:jira:deleted:issue", Some("read:jira-work")),
    ("avi:jira:assigned:issue", Some("read:jira-work")),
    ("avi:jira:commented:issue", Some("read:jira-work")),
    ("avi:jira:deleted:comment", Some("read:jira-work")),
    ("avi:jira:mentioned:comment", Some("read:jira-work")),
    ("avi:jira:created:attachment", Some("read:jira-work")),
    ("avi:jira:deleted:attachment", Some("read:jira-work")),
    ("avi:jira:created:issuelink", Some("read:jira-work")),
    ("avi:jira:deleted:issuelink", Some("read:jira-work")),
    ("avi:jira:created:user", Some("read:jira-user")),
    ("avi:jira:updated:user", Some("read:jira-user")),
    ("avi:jira:deleted:user", Some("read:jira-user")),
];

/// Adds every fault to the list.
pub(super) fn check(root: &Value, manifest: &Manifest, faults: &mut Vec<String>) {
    app(manifest, faults);
    known_modules(root, faults);
    keys(manifest, faults);
    remotes(root, manifest, faults);
    endpoints(manifest, faults);
    triggers(manifest, faults);
    pages(manifest, faults);
    properties(manifest, faults);
    residency(manifest, faults);
    carried::check(root, manifest, faults);
}

fn app(manifest: &Manifest, faults: &mut Vec<String>) {
    let uuid = manifest.app_id.strip_prefix("ari:cloud:ecosystem::app/");
    if !manifest.app_id.is_empty() && uuid.is_none_or(|id| uuid::Uuid::parse_str(id).is_err()) {
        faults.push("app.id: must be ari:cloud:ecosystem::app/<uuid>".to_owned());
    }
    for scope in &manifest.scopes {
        if scope.contains(char::is_whitespace) || !scope.contains(':') {
            faults.push(format!("permissions.scopes: `{scope}` is not a scope"));
        }
    }
}

fn known_modules(root: &Value, faults: &mut Vec<String>) {
    for part in root.as_object().into_iter().flat_map(|object| object.keys()) {
        let known = ["app", "permissions", "remotes", "resources", "modules", "connectModules"];
        if !known.contains(&part.as_str()) {
            faults.push(format!("{part}: this host has nothing of that name"));
        }
    }
    for name in root["modules"].as_object().into_iter().flat_map(|object| object.keys()) {
        let shown = UiKind::ALL.iter().any(|kind| kind.name() == name);
        if !shown && !OTHER_MODULES.contains(&name.as_str()) {
            faults.push(format!("modules.{name}: this host does not offer modules of that type"));
        }
    }
}

fn keys(manifest: &Manifest, faults: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    let modules = manifest
        .ui
        .iter()
        .map(|module| &module.key)
        .chain(manifest.endpoints.iter().map(|endpoint| &endpoint.key))
        .chain(manifest.triggers.iter().map(|trigger| &trigger.key))
        .chain(manifest.scheduled.iter().map(|scheduled| &scheduled.key))
        .chain(manifest.pre_uninstall.iter().map(|(key, _)| key))
        .chain(manifest.properties.iter().map(|(key, _)| key))
        .chain(manifest.residency.iter().map(|residency| &residency.key))
        .chain(manifest.connect.iter().flat_map(|carried| &carried.modules));
    for key in modules {
        if !well_formed(key) {
            faults.push(format!("modules: the key `{key}` must match ^[a-zA-Z0-9_-]+$"));
        }
        if !seen.insert(key) {
            faults.push(format!("modules: the key `{key}` is used twice"));
        }
    }
    let short = manifest
        .remotes
        .iter()
        .map(|remote| ("remotes", &remote.key))
        .chain(manifest.resources.iter().map(|resource| ("resources", &resource.key)))
        .chain(manifest.endpoints.iter().map(|endpoint| ("modules.endpoint", &endpoint.key)));
    for (place, key) in short {
        if !well_formed(key) || key.len() > KEY_CHARS {
            faults.push(format!("{place}: the key `{key}` must be at most {KEY_CHARS} of a-z, A-Z, 0-9, _ and -"));
        }
    }
}

fn well_formed(key: &str) -> bool {
    key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

fn remotes(root: &Value, manifest: &Manifest, faults: &mut Vec<String>) {
    let external = &root["permissions"]["external"];
    for remote in &manifest.remotes {
        let place = format!("remotes.{}", remote.key);
        match (&remote.base_url, &remote.configurable) {
            (None, None) => faults.push(format!("{place}: `baseUrl` is missing")),
            (Some(url), _) => {
                if let Err(reason) = check_address(url) {
                    faults.push(format!("{place}.baseUrl: {reason}"));
                }
            }
            _ => {}
        }
        for (region, url) in &remote.regions {
            if !REGIONS.contains(&region.as_str()) {
                faults.push(format!("{place}.baseUrl: `{region}` is not one of default, {}", REGIONS.join(", ")));
            }
            if let Err(reason) = check_address(url) {
                faults.push(format!("{place}.baseUrl.{region}: {reason}"));
            }
        }
        if remote.configurable.is_none() {
            continue;
        }
        if external["configurable"]["enabled"].as_bool() != Some(true) {
            faults.push(format!("{place}.configurable: needs permissions.external.configurable.enabled: true"));
        }
        for side in ["backend", "client"] {
            let used = external["fetch"][side].as_array().into_iter().flatten();
            if used.clone().any(|item| item["remote"].as_str() == Some(remote.key.as_str())) {
                faults.push(format!(
                    "permissions.external.fetch.{side}: the customer-managed remote `{}` cannot be used here",
                    remote.key
                ));
            }
        }
    }
}

/// A remote's address: https, or plain http on this machine only, where the sandbox runs.
///
/// # Errors
/// Why it cannot be one.
pub(super) fn check_address(address: &str) -> Result<Url, String> {
    let url = Url::parse(address).map_err(|error| format!("`{address}` is not an address: {error}"))?;
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => return Err(format!("`{address}` has no host")),
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        _ => return Err(format!("`{address}` must begin with https://")),
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(format!("`{address}` must be an origin and a path only"));
    }
    Ok(url)
}

fn endpoints(manifest: &Manifest, faults: &mut Vec<String>) {
    for endpoint in &manifest.endpoints {
        let place = format!("modules.endpoint.{}", endpoint.key);
        if manifest.remote(&endpoint.remote).is_none() {
            faults.push(format!("{place}: there is no remote `{}`", endpoint.remote));
        }
        if endpoint.route.as_deref().is_some_and(|path| !path.starts_with('/')) {
            faults.push(format!("{place}.route.path: must begin with /"));
        }
        let wanted = [
            (endpoint.system_token, "appSystemToken", TOKEN_SCOPES[0]),
            (endpoint.user_token, "appUserToken", TOKEN_SCOPES[1]),
        ];
        for (on, name, scope) in wanted {
            if on && !manifest.scopes.contains(scope) {
                faults.push(format!("{place}.auth.{name}: needs the scope {scope}"));
            }
        }
    }
}

fn triggers(manifest: &Manifest, faults: &mut Vec<String>) {
    let routed = |key: &str, place: String, faults: &mut Vec<String>| match manifest.endpoint(key) {
        None => faults.push(format!("{place}: there is no endpoint `{key}`")),
        Some(endpoint) if endpoint.route.is_none() => {
            faults.push(format!("{place}: the endpoint `{key}` has no route.path"));
        }
        Some(_) => {}
    };
    for trigger in &manifest.triggers {
        let place = format!("modules.trigger.{}", trigger.key);
        routed(&trigger.endpoint, place.clone(), faults);
        if trigger.events.is_empty() {
            faults.push(format!("{place}: `events` is empty"));
        }
        for event in &trigger.events {
            match EVENTS.iter().find(|(name, _)| name == event) {
                None => faults.push(format!("{place}: there is no event `{event}`")),
                Some((_, Some(scope))) if !manifest.scopes.contains(*scope) => {
                    faults.push(format!("{place}: the event `{event}` needs the scope {scope}"));
                }
                Some(_) => {}
            }
        }
    }
    for scheduled in &manifest.scheduled {
        let place = format!("modules.scheduledTrigger.{}", scheduled.key);
        routed(&scheduled.endpoint, place.clone(), faults);
        if !INTERVALS.contains(&scheduled.interval.as_str()) {
            faults.push(format!("{place}.interval: must be one of {}", INTERVALS.join(", ")));
        }
    }
    if manifest.scheduled.len() > SCHEDULED_MAX {
        faults.push(format!("modules.scheduledTrigger: at most {SCHEDULED_MAX}"));
    }
    for (key, endpoint) in &manifest.pre_uninstall {
        routed(endpoint, format!("modules.preUninstall.{key}"), faults);
    }
}

fn residency(manifest: &Manifest, faults: &mut Vec<String>) {
    if manifest.residency.len() > 1 {
        faults.push(format!("modules.{RESIDENCY}: at most one"));
    }
    for residency in &manifest.residency {
        let place = format!("modules.{RESIDENCY}.{}", residency.key);
        match manifest.remote(&residency.remote) {
            None => faults.push(format!("{place}: there is no remote `{}`", residency.remote)),
            Some(remote) if remote.configurable.is_some() => {
                faults.push(format!("{place}: the customer-managed remote `{}` cannot be used here", residency.remote))
            }
            Some(remote) if remote.regions.is_empty() => {
                faults.push(format!("{place}: the remote `{}` has no addresses of regions", residency.remote));
            }
            Some(_) => {}
        }
        if !residency.path.starts_with('/') {
            faults.push(format!("{place}.path: must begin with /"));
        }
        let halves = residency.hours * 2.0;
        if !(1.0..=48.0).contains(&halves) || halves.fract() != 0.0 {
            faults.push(format!("{place}.maxMigrationDurationHours: 0.5 to 24, in steps of 0.5"));
        }
    }
}

fn pages(manifest: &Manifest, faults: &mut Vec<String>) {
    for module in &manifest.ui {
        let place = format!("modules.{}.{}", module.kind.name(), module.key);
        let resource = module.resource.split('/').next().unwrap_or_default();
        if !manifest.resources.iter().any(|known| known.key == resource) {
            faults.push(format!("{place}: there is no resource `{}`", module.resource));
        }
        if let Some(endpoint) = &module.endpoint
            && manifest.endpoint(endpoint).is_none()
        {
            faults.push(format!("{place}.resolver: there is no endpoint `{endpoint}`"));
        }
        for access in &module.unlicensed_access {
            if !UNLICENSED.contains(&access.as_str()) {
                faults.push(format!("{place}.unlicensedAccess: `{access}` is not one of {}", UNLICENSED.join(", ")));
            } else if !module.kind.on_portal() {
                faults.push(format!("{place}.unlicensedAccess: only modules of the portal take it"));
            }
        }
    }
}

fn properties(manifest: &Manifest, faults: &mut Vec<String>) {
    let declared: Vec<_> =
        manifest.properties.iter().flat_map(|(key, values)| values.iter().map(move |v| (key, v))).collect();
    if declared.len() > INDEXED_MAX {
        faults.push(format!("modules.{ENTITY_PROPERTY}: at most {INDEXED_MAX} values"));
    }
    let mut aliases = BTreeSet::new();
    for (key, value) in declared {
        let place = format!("modules.{ENTITY_PROPERTY}.{key}");
        if !PROPERTY_TYPES.contains(&value.kind.as_str()) {
            faults.push(format!("{place}: `{}` is not one of {}", value.kind, PROPERTY_TYPES.join(", ")));
        }
        let Some(alias) = &value.alias else { continue };
        if !well_formed(alias) {
            faults.push(format!("{place}: the alias `{alias}` must match ^[a-zA-Z0-9_-]+$"));
        }
        if !aliases.insert(alias.to_lowercase()) {
            faults.push(format!("{place}: the alias `{alias}` is used twice"));
        }
    }
}
