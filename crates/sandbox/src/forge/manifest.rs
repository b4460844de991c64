//! A Forge app's `manifest.yml`: read, and refused where Forge would refuse it.
//!
//! `forge deploy` checks a manifest against Atlassian's schema and then lints what a schema cannot
//! say: references between parts, scopes that an event or a token needs, what a customer-managed
//! remote may not be used for. The lint is here; the schema is not part of the product (the tests
//! check against it). All faults are told at once, each with its place. Start reading at
//! [`Manifest::parse`].
#![expect(clippy::indexing_slicing, reason = "only JSON values are indexed, which answer null for what they have not")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{carried, carried::Carried, lint};
use crate::state::PropertyIndex;

/// Module types that can be shown, with their manifest names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UiKind {
    /// A panel on the issue view, below the description.
    IssuePanel,
    /// A collapsible group in the issue view's right column.
    IssueContext,
    /// A page of the app under Apps.
    GlobalPage,
    /// A page under the site's app settings.
    AdminPage,
    /// A page of the app in each project.
    ProjectPage,
    /// A panel on a customer's portal profile.
    PortalProfilePanel,
    /// A panel at the top of the portal's pages.
    PortalHeader,
    /// A panel below a request's conversation on the portal.
    PortalRequestDetail,
    /// An item of the portal's user menu, which opens a dialog.
    PortalUserMenuAction,
}

/// The module that has properties indexed.
pub(super) const ENTITY_PROPERTY: &str = "jira:entityProperty";

/// The portal's pages, by the names that modules know them by.
pub(crate) const PORTAL_PAGES: [&str; 7] =
    ["help_center", "portal", "create_request", "view_request", "my_requests", "approvals", "profile"];

impl UiKind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::IssuePanel,
        Self::IssueContext,
        Self::GlobalPage,
        Self::AdminPage,
        Self::ProjectPage,
        Self::PortalProfilePanel,
        Self::PortalHeader,
        Self::PortalRequestDetail,
        Self::PortalUserMenuAction,
    ];

    /// The manifest's name of the type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::IssuePanel => "jira:issuePanel",
            Self::IssueContext => "jira:issueContext",
            Self::GlobalPage => "jira:globalPage",
            Self::AdminPage => "jira:adminPage",
            Self::ProjectPage => "jira:projectPage",
            Self::PortalProfilePanel => "jiraServiceManagement:portalProfilePanel",
            Self::PortalHeader => "jiraServiceManagement:portalHeader",
            Self::PortalRequestDetail => "jiraServiceManagement:portalRequestDetail",
            Self::PortalUserMenuAction => "jiraServiceManagement:portalUserMenuAction",
        }
    }

    /// Whether it needs an issue to be shown on.
    #[must_use]
    pub fn on_issue(self) -> bool {
        matches!(self, Self::IssuePanel | Self::IssueContext | Self::PortalRequestDetail)
    }

    /// Whether it is shown on the portal.
    #[must_use]
    pub fn on_portal(self) -> bool {
        matches!(
            self,
            Self::PortalProfilePanel | Self::PortalHeader | Self::PortalRequestDetail | Self::PortalUserMenuAction
        )
    }
}

/// A module with a Custom UI resource.
#[derive(Debug, Clone)]
pub struct UiModule {
    /// Where it is shown.
    pub kind: UiKind,
    /// Unique key.
    pub key: String,
    /// Title shown.
    pub title: String,
    /// Key of its resource.
    pub resource: String,
    /// Key of the endpoint that answers its `invokeRemote`, if any.
    pub endpoint: Option<String>,
    /// Who without a licence may open it: `customer`, `unlicensed`, `anonymous`.
    pub unlicensed_access: Vec<String>,
    /// `small` … `max`, when given.
    pub viewport: Option<String>,
    /// The portal's pages that a header is shown on; all, if there are none.
    pub pages: Vec<String>,
}

/// A remote backend.
#[derive(Debug, Clone)]
pub struct Remote {
    /// Unique key.
    pub key: String,
    /// Fixed or default address.
    pub base_url: Option<String>,
    /// Addresses of regions, where it has some.
    pub regions: BTreeMap<String, String>,
    /// Present on a customer-managed remote.
    pub configurable: Option<Configurable>,
}

/// What the admin sees of a customer-managed remote.
#[derive(Debug, Clone)]
pub struct Configurable {
    /// Name shown.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Host patterns that an address must match; empty: any.
    pub patterns: Vec<String>,
}

/// An endpoint of a remote.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Unique key.
    pub key: String,
    /// Key of its remote.
    pub remote: String,
    /// Path for triggers; UI calls name their own.
    pub route: Option<String>,
    /// Sends the app's token along.
    pub system_token: bool,
    /// Sends the viewer's token along.
    pub user_token: bool,
}

/// A subscription to events.
#[derive(Debug, Clone)]
pub struct Trigger {
    /// Unique key.
    pub key: String,
    /// Key of the endpoint called.
    pub endpoint: String,
    /// Event names.
    pub events: Vec<String>,
    /// Leaves out events that the app caused itself.
    pub ignore_self: bool,
}

/// A call at intervals.
#[derive(Debug, Clone)]
pub struct Scheduled {
    /// Unique key.
    pub key: String,
    /// Key of the endpoint called.
    pub endpoint: String,
    /// `fiveMinute`, `hour`, `day` or `week`.
    pub interval: String,
}

/// How an app's data moves to another region (`migration:dataResidency`).
#[derive(Debug, Clone)]
pub struct Residency {
    /// Unique key.
    pub key: String,
    /// Key of the remote whose hooks are called.
    pub remote: String,
    /// What stands before each hook's name.
    pub path: String,
    /// How long it may take at most, in hours.
    pub hours: f64,
}

/// A folder of static files.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Unique key.
    pub key: String,
    /// Folder, relative to the manifest.
    pub path: String,
}

/// A manifest that Forge would deploy.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// `ari:cloud:ecosystem::app/<uuid>`.
    pub app_id: String,
    /// Whether its pages may have inline styles (`permissions.content.styles`).
    pub inline_styles: bool,
    /// OAuth scopes.
    pub scopes: BTreeSet<String>,
    /// Remotes.
    pub remotes: Vec<Remote>,
    /// Resources.
    pub resources: Vec<Resource>,
    /// Modules with a page.
    pub ui: Vec<UiModule>,
    /// Endpoints.
    pub endpoints: Vec<Endpoint>,
    /// Event triggers.
    pub triggers: Vec<Trigger>,
    /// Scheduled triggers.
    pub scheduled: Vec<Scheduled>,
    /// Key and endpoint of the call before uninstalling.
    pub pre_uninstall: Vec<(String, String)>,
    /// Properties of issues that search is to know, each under its module's key.
    pub properties: Vec<(String, Vec<PropertyIndex>)>,
    /// How its data moves to another region.
    pub residency: Vec<Residency>,
    /// The Connect app that it carries on.
    pub connect: Option<Carried>,
}

/// What is wrong with a manifest: one line a fault, `place: reason`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestError(pub Vec<String>);

impl std::fmt::Display for ManifestError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the Forge manifest is refused:")?;
        for fault in &self.0 {
            write!(f, "\n  {fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ManifestError {}

impl Manifest {
    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// All faults found, each with its place.
    pub fn parse(yaml: &str) -> Result<Self, ManifestError> {
        let root: Value = serde_yaml_ng::from_str(yaml)
            .map_err(|error| ManifestError(vec![format!("manifest.yml: not YAML: {error}")]))?;
        let mut faults = Vec::new();
        let manifest = Self::read(&root, &mut faults);
        lint::check(&root, &manifest, &mut faults);
        if faults.is_empty() { Ok(manifest) } else { Err(ManifestError(faults)) }
    }

    fn read(root: &Value, faults: &mut Vec<String>) -> Self {
        let modules = &root["modules"];
        Self {
            app_id: text(&root["app"], "id", "app", faults),
            inline_styles: strings(&root["permissions"]["content"]["styles"])
                .iter()
                .any(|style| style == "unsafe-inline"),
            scopes: strings(&root["permissions"]["scopes"]).into_iter().collect(),
            remotes: list(
                &root["remotes"],
                |value, place| Remote {
                    key: text(value, "key", place, faults),
                    base_url: base_url(&value["baseUrl"]),
                    regions: regions(&value["baseUrl"]),
                    configurable: value.get("configurable").map(|c| Configurable {
                        name: text(c, "name", &format!("{place}.configurable"), faults),
                        description: text(c, "description", &format!("{place}.configurable"), faults),
                        patterns: strings(&c["supportedPatterns"]),
                    }),
                },
                "remotes",
            ),
            resources: list(
                &root["resources"],
                |value, place| Resource {
                    key: text(value, "key", place, faults),
                    path: text(value, "path", place, faults),
                },
                "resources",
            ),
            ui: UiKind::ALL.iter().flat_map(|&kind| ui_modules(kind, &modules[kind.name()], faults)).collect(),
            endpoints: list(
                &modules["endpoint"],
                |value, place| Endpoint {
                    key: text(value, "key", place, faults),
                    remote: text(value, "remote", place, faults),
                    route: optional(&value["route"]["path"]),
                    system_token: enabled(&value["auth"]["appSystemToken"]),
                    user_token: enabled(&value["auth"]["appUserToken"]),
                },
                "modules.endpoint",
            ),
            triggers: list(
                &modules["trigger"],
                |value, place| Trigger {
                    key: text(value, "key", place, faults),
                    endpoint: text(value, "endpoint", place, faults),
                    events: strings(&value["events"]),
                    ignore_self: value["filter"]["ignoreSelf"].as_bool().unwrap_or(false),
                },
                "modules.trigger",
            ),
            scheduled: list(
                &modules["scheduledTrigger"],
                |value, place| Scheduled {
                    key: text(value, "key", place, faults),
                    endpoint: text(value, "endpoint", place, faults),
                    interval: text(value, "interval", place, faults),
                },
                "modules.scheduledTrigger",
            ),
            pre_uninstall: list(
                &modules["preUninstall"],
                |value, place| (text(value, "key", place, faults), text(value, "endpoint", place, faults)),
                "modules.preUninstall",
            ),
            properties: list(
                &modules[ENTITY_PROPERTY],
                |value, place| (text(value, "key", place, faults), property(value, place, faults)),
                &format!("modules.{ENTITY_PROPERTY}"),
            ),
            residency: list(
                &modules[lint::RESIDENCY],
                |value, place| Residency {
                    key: text(value, "key", place, faults),
                    remote: text(value, "remote", place, faults),
                    path: optional(&value["path"]).unwrap_or_default(),
                    hours: value["maxMigrationDurationHours"].as_f64().unwrap_or(lint::RESIDENCY_HOURS),
                },
                "modules.migration:dataResidency",
            ),
            connect: carried::read(root),
        }
    }

    /// The module with this key.
    #[must_use]
    pub fn module(&self, key: &str) -> Option<&UiModule> {
        self.ui.iter().find(|module| module.key == key)
    }

    /// The endpoint with this key.
    #[must_use]
    pub fn endpoint(&self, key: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.key == key)
    }

    /// The remote with this key.
    #[must_use]
    pub fn remote(&self, key: &str) -> Option<&Remote> {
        self.remotes.iter().find(|remote| remote.key == key)
    }

    /// Scopes that open a product's API; without one of these, Forge mints no token at all.
    #[must_use]
    pub fn product_scopes(&self) -> Vec<String> {
        let opens = |scope: &&String| !lint::TOKEN_SCOPES.contains(&scope.as_str()) && !carried::is_connects(scope);
        self.scopes.iter().filter(opens).cloned().collect()
    }
}

/// What a module declares of an issue's property. Those of projects and of people cannot be searched by JQL.
fn property(value: &Value, place: &str, faults: &mut Vec<String>) -> Vec<PropertyIndex> {
    let key = text(value, "propertyKey", place, faults);
    let indexes = list(
        &value["values"],
        |part, place| PropertyIndex {
            property_key: key.clone(),
            path: text(part, "path", place, faults),
            kind: text(part, "type", place, faults),
            alias: optional(&part["searchAlias"]),
            app: None,
        },
        &format!("{place}.values"),
    );
    if value["entityType"].as_str().unwrap_or("issue") == "issue" { indexes } else { Vec::new() }
}

fn ui_modules(kind: UiKind, value: &Value, faults: &mut Vec<String>) -> Vec<UiModule> {
    list(
        value,
        |value, place| {
            if value.get("function").is_some() {
                faults.push(format!("{place}: functions are not run here; give it a `resource`"));
            }
            let module = UiModule {
                kind,
                key: text(value, "key", place, faults),
                // A header has none: it stands for itself.
                title: match kind {
                    UiKind::PortalHeader => String::new(),
                    _ => title(&value["title"], place, faults),
                },
                resource: text(value, "resource", place, faults),
                endpoint: optional(&value["resolver"]["endpoint"]),
                unlicensed_access: strings(&value["unlicensedAccess"]),
                viewport: optional(&value["viewportSize"]),
                pages: strings(&value["pages"]),
            };
            if kind == UiKind::IssuePanel {
                text(value, "icon", place, faults);
            }
            if kind == UiKind::IssueContext {
                text(value, "label", place, faults);
            }
            module
        },
        &format!("modules.{}", kind.name()),
    )
}

fn list<T>(value: &Value, mut read: impl FnMut(&Value, &str) -> T, place: &str) -> Vec<T> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().enumerate().map(|(at, item)| read(item, &format!("{place}[{at}]"))).collect()
}

fn text(value: &Value, key: &str, place: &str, faults: &mut Vec<String>) -> String {
    match value.get(key).and_then(Value::as_str) {
        Some(found) if !found.is_empty() => found.to_owned(),
        _ => {
            faults.push(format!("{place}: `{key}` is missing"));
            String::new()
        }
    }
}

/// A title may be an i18n reference, whose translations this host does not load.
fn title(value: &Value, place: &str, faults: &mut Vec<String>) -> String {
    match value {
        Value::String(title) if !title.is_empty() => title.clone(),
        _ => {
            faults.push(format!("{place}: `title` must be a text here (translations are not loaded)"));
            String::new()
        }
    }
}

fn optional(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn strings(value: &Value) -> Vec<String> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn enabled(value: &Value) -> bool {
    value["enabled"].as_bool().unwrap_or(false)
}

fn regions(value: &Value) -> BTreeMap<String, String> {
    let all = value.as_object().into_iter().flatten().filter(|(region, _)| *region != "default");
    all.filter_map(|(region, url)| Some((region.clone(), url.as_str()?.to_owned()))).collect()
}

/// One address, or one a region of which a site without residency uses the default.
fn base_url(value: &Value) -> Option<String> {
    optional(value).or_else(|| optional(&value["default"]))
}
