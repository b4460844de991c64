//! What an app says of itself in its `atlassian-connect.json`, checked as the host checked it before an install.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::{
    forge,
    state::{PROPERTY_TYPES, PropertyIndex},
};

/// As long as a key may be.
const KEY_CHARS: usize = 64;
/// What an app may ask for; each but the last three includes those before it.
const LADDER: [&str; 5] = ["READ", "WRITE", "DELETE", "PROJECT_ADMIN", "ADMIN"];
const BESIDE: [&str; 3] = ["NONE", "ACT_AS_USER", "ACCESS_EMAIL_ADDRESSES"];
/// Kinds of page that the site shows.
const PAGES: [&str; 9] = [
    "jiraIssueContexts",
    "jiraIssueGlances",
    "webPanels",
    "generalPages",
    "adminPages",
    "configurePage",
    "serviceDeskPortalProfilePanels",
    "serviceDeskPortalRequestViewPanels",
    "dialogs",
];

/// Where a web panel stands beside an issue.
const RIGHT_OF_ISSUE: &str = "atl.jira.view.issue.right.context";

/// Why a descriptor is not one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescriptorError(pub String);

impl std::fmt::Display for DescriptorError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the descriptor: {}", self.0)
    }
}

impl std::error::Error for DescriptorError {}

/// A page of an app's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Type of its module.
    pub kind: String,
    /// Its key.
    pub key: String,
    /// The name shown.
    pub name: String,
    /// Its address below the base, with `{…}` for what the page is about.
    pub url: String,
    /// Where a web panel says that it stands.
    pub location: Option<String>,
    /// For whom it is shown, as it was written.
    pub(super) conditions: Vec<Value>,
}

impl Page {
    /// Whether the page of an issue shows it in its right column.
    pub(super) fn beside_issues(&self) -> bool {
        match self.kind.as_str() {
            "jiraIssueContexts" | "jiraIssueGlances" => true,
            "webPanels" => self.location.as_deref() == Some(RIGHT_OF_ISSUE),
            _ => false,
        }
    }
}

/// A webhook that an app declares.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Hook {
    pub(super) event: String,
    pub(super) url: String,
    #[serde(default)]
    pub(super) filter: String,
    #[serde(default)]
    pub(super) exclude_body: bool,
    #[serde(default)]
    pub(super) property_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    key: String,
    name: Option<String>,
    base_url: String,
    authentication: Authentication,
    #[serde(default)]
    lifecycle: BTreeMap<String, String>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    api_migrations: BTreeMap<String, bool>,
    #[serde(default)]
    modules: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Authentication {
    #[serde(rename = "type")]
    kind: String,
}

/// A descriptor that may be installed.
#[derive(Debug, Clone)]
pub struct Descriptor {
    /// The app's key.
    pub key: String,
    /// Its name.
    pub name: String,
    /// What its addresses stand below; no slash at its end.
    pub base_url: String,
    /// What it asks for.
    pub scopes: Vec<String>,
    /// Its pages.
    pub pages: Vec<Page>,
    pub(super) lifecycle: BTreeMap<String, String>,
    pub(super) hooks: Vec<Hook>,
    pub(super) properties: Vec<PropertyIndex>,
}

fn wrong<T>(why: impl Into<String>) -> Result<T, DescriptorError> {
    Err(DescriptorError(why.into()))
}

impl Descriptor {
    /// Reads one. Only private apps with signed installs are taken, as Atlassian did to the end.
    ///
    /// # Errors
    /// [`DescriptorError`], which names the field.
    pub fn parse(text: &[u8]) -> Result<Self, DescriptorError> {
        let mut json = serde_json::Deserializer::from_slice(text);
        let raw: Raw = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| DescriptorError(format!("{}: {}", error.path(), error.inner())))?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if raw.key.is_empty() || raw.key.len() > KEY_CHARS || !raw.key.chars().all(plain) {
            return wrong(format!("key: at most {KEY_CHARS} letters, digits, dots and dashes"));
        }
        let base = Url::parse(&raw.base_url).ok().filter(|url| url.query().is_none() && url.fragment().is_none());
        let Some(base) = base else { return wrong("baseUrl: it is no address") };
        let here = matches!(base.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        if base.scheme() != "https" && !(here && base.scheme() == "http") {
            return wrong("baseUrl: it must begin with https://, but on this machine");
        }
        if raw.authentication.kind != "jwt" {
            return wrong("authentication.type: only jwt is here");
        }
        if raw.api_migrations.get("signed-install") != Some(&true) {
            return wrong("apiMigrations.signed-install: it must be true");
        }
        for needed in ["installed", "uninstalled"] {
            if !raw.lifecycle.contains_key(needed) {
                return wrong(format!("lifecycle.{needed}: an app with jwt must have it"));
            }
        }
        if let Some((event, _)) = raw.lifecycle.iter().find(|(_, path)| !path.starts_with('/')) {
            return wrong(format!("lifecycle.{event}: it must begin with /"));
        }
        let unknown =
            raw.scopes.iter().find(|scope| !LADDER.contains(&scope.as_str()) && !BESIDE.contains(&scope.as_str()));
        if let Some(scope) = unknown {
            return wrong(format!("scopes: {scope} is none"));
        }
        let mut pages = Vec::new();
        let mut hooks = Vec::new();
        let mut properties = Vec::new();
        for (kind, modules) in &raw.modules {
            // A module type that takes one may be given without a list around it.
            let listed = modules.as_array().cloned().unwrap_or_else(|| vec![modules.clone()]);
            for module in listed {
                if kind == "webhooks" {
                    let hook: Hook = serde_json::from_value(module)
                        .map_err(|error| DescriptorError(format!("modules.webhooks: {error}")))?;
                    hooks.push(hook);
                } else if kind == "jiraEntityProperties" {
                    properties.extend(indexed(&module)?);
                } else if PAGES.contains(&kind.as_str()) {
                    pages.push(page(kind, &module)?);
                }
            }
        }
        let mut keys: Vec<&str> = pages.iter().map(|page| page.key.as_str()).collect();
        keys.sort_unstable();
        if let Some(twice) = keys.windows(2).find(|pair| pair.first() == pair.last()).and_then(|pair| pair.first()) {
            return wrong(format!("modules: the key {twice} is there twice"));
        }
        Ok(Self {
            name: raw.name.unwrap_or_else(|| raw.key.clone()),
            key: raw.key,
            base_url: raw.base_url.trim_end_matches('/').to_owned(),
            scopes: raw.scopes,
            pages,
            lifecycle: raw.lifecycle,
            hooks,
            properties,
        })
    }

    /// What a Forge app carries on of a Connect app, if it does: its lifecycle and what it may do, at the address of its remote.
    pub(super) fn carried(app: &forge::Installation) -> Option<Self> {
        let carried = app.manifest.connect.as_ref()?;
        let base = app.remote_address(carried.remote.as_deref()?)?;
        Some(Self {
            key: carried.key.clone(),
            name: app.name.clone(),
            base_url: base.as_str().trim_end_matches('/').to_owned(),
            scopes: app.manifest.connect_scopes(),
            pages: Vec::new(),
            lifecycle: carried.lifecycle.clone(),
            hooks: Vec::new(),
            properties: Vec::new(),
        })
    }

    /// What it may do: what it asked for, and what that includes.
    pub(super) fn granted(&self) -> Vec<String> {
        let highest = LADDER.iter().rposition(|scope| self.scopes.iter().any(|asked| asked == scope));
        let included = LADDER.iter().take(highest.map_or(0, |at| at + 1)).map(|scope| (*scope).to_owned());
        let beside = self.scopes.iter().filter(|scope| BESIDE.contains(&scope.as_str())).cloned();
        included.chain(beside).chain(["NONE".to_owned()]).collect()
    }

    /// An address of the app's.
    pub(super) fn address(&self, path: &str) -> String {
        let slash = if path.starts_with('/') { "" } else { "/" };
        format!("{}{slash}{path}", self.base_url)
    }

    /// Path and query of an address of the app's, below its base.
    pub(super) fn below(&self, url: &str) -> Option<(String, String)> {
        let (base, url) = (Url::parse(&self.base_url).ok()?, Url::parse(url).ok()?);
        let prefix = base.path().trim_end_matches('/');
        let path = url.path().strip_prefix(prefix).filter(|_| base.origin() == url.origin())?;
        Some((path.to_owned(), url.query().unwrap_or_default().to_owned()))
    }

    /// A page by its key.
    #[must_use]
    pub fn page(&self, key: &str) -> Option<&Page> {
        self.pages.iter().find(|page| page.key == key)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Declared {
    #[serde(default)]
    entity_type: Option<String>,
    key_configurations: Vec<KeyConfiguration>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyConfiguration {
    property_key: String,
    extractions: Vec<Extraction>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extraction {
    object_name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    alias: Option<String>,
}

/// What of an issue's properties search is to know.
fn indexed(module: &Value) -> Result<Vec<PropertyIndex>, DescriptorError> {
    let declared: Declared = serde_json::from_value(module.clone())
        .map_err(|error| DescriptorError(format!("modules.jiraEntityProperties: {error}")))?;
    let mut found = Vec::new();
    for key in declared.key_configurations {
        for part in key.extractions {
            let kind = part.kind.to_lowercase();
            if !PROPERTY_TYPES.contains(&kind.as_str()) {
                return wrong(format!("modules.jiraEntityProperties: {} is no type", part.kind));
            }
            let (path, alias) = (part.object_name, part.alias);
            found.push(PropertyIndex { property_key: key.property_key.clone(), path, kind, alias, app: None });
        }
    }
    let of_issues = declared.entity_type.is_none_or(|kind| kind.eq_ignore_ascii_case("issue"));
    Ok(if of_issues { found } else { Vec::new() })
}

fn page(kind: &str, module: &Value) -> Result<Page, DescriptorError> {
    let text = |pointers: &[&str]| {
        pointers.iter().find_map(|pointer| module.pointer(pointer).and_then(Value::as_str)).map(str::to_owned)
    };
    let need = |field: &str, pointers: &[&str]| {
        text(pointers).ok_or_else(|| DescriptorError(format!("modules.{kind}: {field} is missing")))
    };
    let key = need("key", &["/key"])?;
    Ok(Page {
        url: need("url", &["/url", "/target/url"])?,
        name: text(&["/name/value"]).unwrap_or_else(|| key.clone()),
        location: text(&["/location"]),
        conditions: match module.get("conditions") {
            None => Vec::new(),
            Some(Value::Array(all)) => all.clone(),
            Some(one) => vec![one.clone()],
        },
        kind: kind.to_owned(),
        key,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use serde_json::json;

    use super::*;

    fn base() -> Value {
        json!({
            "key": "com.acme.app", "baseUrl": "https://app.acme.example/x/", "authentication": {"type": "jwt"},
            "apiMigrations": {"signed-install": true},
            "lifecycle": {"installed": "/in", "uninstalled": "/out"}, "scopes": ["WRITE", "ACT_AS_USER"],
            "modules": {"generalPages": [{"key": "p", "url": "/p", "name": {"value": "P"}}], "unheardOf": [{}]},
        })
    }

    #[test]
    fn what_stands_beside_issues() {
        let panel = |url: &str| json!({"type": "web_panel", "url": url});
        let mut descriptor = base();
        descriptor["modules"] = json!({
            "generalPages": [{"key": "page", "url": "/p"}],
            "jiraIssueContexts": [{"key": "context", "target": panel("/c")}],
            "jiraIssueGlances": {"key": "glance", "target": panel("/g")},
            "webPanels": [
                {"key": "right", "url": "/r", "location": "atl.jira.view.issue.right.context"},
                {"key": "left", "url": "/l", "location": "atl.jira.view.issue.left.context"},
                {"key": "nowhere", "url": "/n"},
            ],
        });
        let read = Descriptor::parse(descriptor.to_string().as_bytes()).unwrap();
        let beside = read.pages.iter().filter(|page| page.beside_issues());
        assert_eq!(beside.map(|page| page.key.as_str()).collect::<Vec<_>>(), ["context", "glance", "right"]);
    }

    #[test]
    fn what_may_be_installed() {
        let good = Descriptor::parse(base().to_string().as_bytes()).unwrap();
        assert_eq!(good.address("in"), "https://app.acme.example/x/in");
        assert_eq!(good.below("https://app.acme.example/x/a?b=c"), Some(("/a".to_owned(), "b=c".to_owned())));
        assert_eq!(good.below("https://other.example/x/a"), None);
        assert_eq!(good.granted(), ["READ", "WRITE", "ACT_AS_USER", "NONE"]);
        let rows = [
            ("/key", json!("a b"), "key"),
            ("/baseUrl", json!("http://app.acme.example"), "baseUrl"),
            ("/baseUrl", json!("x"), "baseUrl"),
            ("/authentication", json!({"type": "none"}), "authentication"),
            ("/apiMigrations", json!({}), "signed-install"),
            ("/lifecycle", json!({"installed": "/in"}), "uninstalled"),
            ("/lifecycle/installed", json!("in"), "installed"),
            ("/scopes", json!(["ALL"]), "ALL"),
            ("/modules/generalPages/0/url", json!(null), "url"),
            ("/modules/webPanels", json!([{"key": "p", "url": "/q"}]), "twice"),
            ("/modules/webhooks", json!([{"url": "/q"}]), "event"),
            (
                "/modules/jiraEntityProperties",
                json!([{"keyConfigurations": [{"propertyKey": "k", "extractions": [{"objectName": "a", "type": "truth"}]}]}]),
                "truth",
            ),
        ];
        for (pointer, value, expected) in rows {
            let mut wrong = base();
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            match wrong.pointer_mut(parent).unwrap() {
                Value::Array(list) => list[name.parse::<usize>().unwrap()] = value,
                other => other[name] = value,
            }
            let error = Descriptor::parse(wrong.to_string().as_bytes()).unwrap_err();
            assert!(error.0.contains(expected), "{pointer}: {error}");
        }
    }
}
