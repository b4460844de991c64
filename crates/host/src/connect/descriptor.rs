//! What the app is, as Connect reads it from us: its pages, what it is told, what it may do.

use serde_json::{Value, json};

use super::Connect;
use crate::events::NAMES_ISSUE;
use crate::hooks;
use crate::issue_property::{self, Slot};

/// Where the descriptor is read.
const DESCRIPTOR: &str = "/connect/atlassian-connect.json";
/// Where our pages are, each under its module's key.
const PAGES_AT: &str = "/connect/";

/// One page of ours in Jira.
pub struct ModulePage {
    /// The module's key, the last part of its address.
    pub key: &'static str,
    /// The type of module that shows it.
    module: &'static str,
    name: Option<&'static str>,
    query: &'static str,
}

/// The pages.
pub const PAGES: [ModulePage; 4] = [
    ModulePage {
        key: "customer-panel",
        module: "jiraIssueContexts",
        name: Some("Customer"),
        query: "?issue={issue.id}&issueKey={issue.key}",
    },
    ModulePage { key: "customers-page", module: "generalPages", name: Some("Customers"), query: "" },
    ModulePage { key: "settings-page", module: "adminPages", name: Some("Steward settings"), query: "" },
    ModulePage { key: "portal-profile", module: "serviceDeskPortalProfilePanels", name: None, query: "" },
];

impl Connect {
    /// The descriptor. It reads as itself and as people. What somebody changes in Jira from our pages it does as them where they have a
    /// licence, else as itself, as it writes values onto issues. To make customers Connect would want all that an administrator may do: that
    /// it does not ask for.
    pub fn descriptor(&self) -> Value {
        let config = &self.0.config;
        let ours = config.ours.as_str().trim_end_matches('/');
        let mut modules = serde_json::Map::new();
        for page in &PAGES {
            modules.insert(page.module.to_owned(), json!([described(page)]));
        }
        modules.insert("webhooks".to_owned(), told());
        modules.insert("jiraEntityProperties".to_owned(), indexed());
        json!({
            "key": config.app,
            "name": "Steward",
            "description": "Your own fields about customers and organizations, beside the request.",
            "vendor": {"name": "Steward", "url": ours},
            "links": {"self": format!("{ours}{DESCRIPTOR}")},
            "baseUrl": ours,
            "authentication": {"type": "jwt"},
            "apiVersion": 1,
            "apiMigrations": {"signed-install": true, "gdpr": true, "context-qsh": true},
            "lifecycle": {
                "installed": "/connect/installed",
                "uninstalled": "/connect/uninstalled",
                "enabled": "/connect/enabled",
                "disabled": "/connect/disabled",
            },
            "scopes": ["READ", "WRITE", "ACT_AS_USER"],
            "modules": modules,
        })
    }
}

/// What it is told: of accounts what became of them, of issues which one something became of, and not a word of it.
fn told() -> Value {
    let accounts = hooks::ACCOUNT_EVENTS.iter().map(|event| json!({"event": event, "url": "/connect/webhook"}));
    let issue = format!("/connect/issue?{NAMES_ISSUE}=${{issue.id}}");
    let issues =
        hooks::ISSUE_EVENTS.iter().map(|event| json!({"event": event, "url": issue.as_str(), "excludeBody": true}));
    accounts.chain(issues).collect()
}

/// What search is to know of our property on issues.
fn indexed() -> Value {
    let extractions: Vec<Value> = Slot::all()
        .map(|slot| json!({"objectName": slot.path(), "type": slot.kind.name(), "alias": slot.alias()}))
        .collect();
    json!([{
        "key": "customers-on-issues",
        "name": {"value": "Customers' values"},
        "entityType": "issue",
        "keyConfigurations": [{"propertyKey": issue_property::KEY, "extractions": extractions}],
    }])
}

fn described(page: &ModulePage) -> Value {
    let url = format!("{PAGES_AT}{}{}", page.key, page.query);
    match (page.module, page.name) {
        ("jiraIssueContexts", Some(name)) => json!({
            "key": page.key,
            "name": {"value": name},
            "icon": {"width": 24, "height": 24, "url": "/connect/favicon.svg"},
            "content": {"type": "label", "label": {"value": name}},
            "target": {"type": "web_panel", "url": url},
        }),
        (_, Some(name)) => json!({"key": page.key, "name": {"value": name}, "url": url}),
        (_, None) => json!({"key": page.key, "url": url}),
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::print_stderr,
        reason = "tests, of which one says why it cannot start"
    )]
    use super::*;

    /// Each module by the schema that Atlassian publishes for it.
    #[test]
    fn modules_are_as_atlassian_describes_them() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/specs/forge-manifest-13.7.0.json");
        let Ok(text) = std::fs::read(file) else {
            assert!(std::env::var_os("CI").is_none(), "{file} is missing");
            eprintln!("SKIPPED: {file} is missing");
            return;
        };
        let manifest: Value = serde_json::from_slice(&text).unwrap();
        let pages = PAGES.iter().map(|page| (page.module, json!([described(page)])));
        let mut hooks = told();
        for (at, hook) in hooks.as_array_mut().unwrap().iter_mut().enumerate() {
            // A manifest has names for them, a descriptor has none.
            hook["key"] = json!(format!("hook-{at}"));
        }
        for (module, modules) in pages.chain([("jiraEntityProperties", indexed()), ("webhooks", hooks)]) {
            let pointer = format!("/definitions/ModuleSchema/properties/connect-jira:{module}");
            assert!(manifest.pointer(&pointer).is_some(), "{pointer}");
            let schema = json!({"$ref": format!("#{pointer}"), "definitions": manifest["definitions"]});
            let valid = jsonschema::validator_for(&schema).unwrap();
            let wrong: Vec<String> = valid.iter_errors(&modules).map(|error| error.to_string()).collect();
            assert!(wrong.is_empty(), "{module}: {wrong:?}");
        }
    }
}
