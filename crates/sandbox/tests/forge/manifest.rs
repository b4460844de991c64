//! The manifest that we deploy, and what Forge would refuse.

use std::path::PathBuf;

use sandbox::forge::Manifest;
use serde_json::Value;

use crate::site;

/// Atlassian's schema, if this machine has it. In CI it must be there.
fn schema() -> Option<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/specs/forge-manifest-13.7.0.json");
    if path.exists() {
        return Some(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap());
    }
    assert!(std::env::var_os("CI").is_none(), "{} is missing", path.display());
    eprintln!("SKIPPED: {} is not there", path.display());
    None
}

#[test]
fn ours_is_valid() {
    let manifest = Manifest::parse(&site::deployed()).unwrap();
    assert_eq!(manifest.app_id, site::APP_ID);
    let keys: Vec<&str> = manifest.ui.iter().map(|module| module.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "customer-panel",
            "customers-page",
            "settings-page",
            "project-customers",
            "portal-profile",
            "portal-header",
            "portal-request",
            "portal-menu"
        ]
    );
    assert!(manifest.remote("backend").unwrap().base_url.is_none());
    let Some(schema) = schema() else { return };
    let yaml: Value = serde_yaml_ng::from_str(&site::deployed()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<String> = validator.iter_errors(&yaml).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    let broken: Value =
        serde_yaml_ng::from_str(&site::deployed().replace("interval: hour", "interval: hourly")).unwrap();
    assert!(!validator.is_valid(&broken), "the schema is not looked at");
}

#[test]
fn ours_for_several_regions_is_valid() {
    let ours = site::regional();
    let manifest = Manifest::parse(&ours).unwrap();
    let remote = manifest.remote("backend").unwrap();
    assert!(remote.configurable.is_none() && remote.regions.len() == 2);
    assert_eq!(manifest.residency[0].path, "/forge/migration");
    let rows = [
        ("      EU: https", "      ZZ: https", "remotes.backend.baseUrl: `ZZ` is not one of default, EU"),
        ("EU: https://", "EU: http://", "remotes.backend.baseUrl.EU: "),
        ("remote: backend\n      path", "remote: other\n      path", "regions: there is no remote `other`"),
        ("path: /forge/migration", "path: forge/migration", "regions.path: must begin with /"),
        ("Hours: 1.5", "Hours: 0.7", "regions.maxMigrationDurationHours: 0.5 to 24"),
        ("Hours: 1.5", "Hours: 24.5", "regions.maxMigrationDurationHours: 0.5 to 24"),
        ("- key: regions", "- key: ui", "the key `ui` is used twice"),
        (
            "      US: https://steward-us.example.com\n      EU: https://steward-eu.example.com\n",
            "",
            "the remote `backend` has no addresses of regions",
        ),
    ];
    for (from, to, expected) in rows {
        assert!(ours.contains(from), "{from}");
        let error = Manifest::parse(&ours.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(expected), "{from} → {error}");
    }
    let Some(schema) = schema() else { return };
    let validator = jsonschema::validator_for(&schema).unwrap();
    let read = |text: &str| serde_yaml_ng::from_str::<Value>(text).unwrap();
    let faults: Vec<String> = validator.iter_errors(&read(&ours)).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(!validator.is_valid(&read(&ours.replace("Hours: 1.5", "Hours: 0.7"))), "the schema is not looked at");
}

#[test]
fn ours_that_carries_the_connect_app_on_is_valid() {
    let ours = site::carrying();
    let manifest = Manifest::parse(&ours).unwrap();
    let carried = manifest.connect.as_ref().unwrap();
    assert_eq!((carried.key.as_str(), carried.remote.as_deref()), ("com.example.steward", Some("backend")));
    assert_eq!(carried.lifecycle["installed"], "/connect/installed");
    let remote = manifest.remote("backend").unwrap();
    assert_eq!(remote.base_url.as_deref(), Some("https://steward.example.com"));
    // Once every site has moved: the key alone stays.
    let (head, rest) = ours.split_once("connectModules:\n").unwrap();
    let (block, rest) = rest.split_once("\n\nmodules:\n").unwrap();
    let without = format!("{head}modules:\n{rest}");
    let moved = without.replacen("    remote: backend\n  runtime", "  runtime", 1);
    assert!(Manifest::parse(&moved).unwrap().connect.unwrap().remote.is_none());
    let error = Manifest::parse(&without).unwrap_err().to_string();
    assert!(error.contains("connectModules: is missing"), "{error}");
    let rows = [
        ("    remote: backend\n  runtime", "  runtime", "app.connect.remote: is missing"),
        (
            "    remote: backend\n  runtime",
            "    remote: other\n  runtime",
            "app.connect.remote: there is no remote `other`",
        ),
        (
            "    baseUrl: https://steward.example.com\n",
            "    configurable: {name: Server, description: Yours}\n",
            "app.connect.remote: Connect remotes cannot be configurable",
        ),
        ("key: com.example.steward", "key: com example", "app.connect.key: must be 1 to 90"),
        ("act-as-user:connect-jira", "act:connect-jira", "`act:connect-jira` is not a scope of Connect's"),
        ("- key: connect-lifecycle", "- key: lifecycle", "modules: the key `lifecycle` is used twice"),
        (
            "    - key: connect-lifecycle\n      installed",
            "    - installed",
            "connectModules.jira:lifecycle: `key` is missing",
        ),
        ("installed: /connect", "installed: connect", "connectModules.jira:lifecycle.installed: must begin with /"),
        ("      enabled:", "      upgraded:", "connectModules.jira:lifecycle: there is no event `upgraded`"),
        (
            block,
            "  jira:webhooks: []",
            "connectModules.jira:webhooks: this host does not carry modules of that type on",
        ),
    ];
    for (from, to, expected) in rows {
        assert!(ours.contains(from), "{from}");
        let error = Manifest::parse(&ours.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(expected), "{from} → {error}");
    }
    let alone = ours.replacen("  connect:\n", "  description: none\n  was:\n", 1);
    let error = Manifest::parse(&alone).unwrap_err().to_string();
    assert!(error.contains("connectModules: needs `app.connect`"), "{error}");

    let Some(schema) = schema() else { return };
    let validator = jsonschema::validator_for(&schema).unwrap();
    let read = |text: &str| serde_yaml_ng::from_str::<Value>(text).unwrap();
    for text in [&ours, &moved] {
        let faults: Vec<String> = validator.iter_errors(&read(text)).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }
    let misspelt = ours.replacen("    remote: backend\n  runtime", "    remotes: backend\n  runtime", 1);
    assert!(!validator.is_valid(&read(&misspelt)), "the schema is not looked at");
    // What stands in `connectModules` has a schema of its own.
    let pointer = "/definitions/ModuleSchema/properties/connect-jira:lifecycle";
    assert!(schema.pointer(pointer).is_some(), "{pointer}");
    let own = serde_json::json!({"$ref": format!("#{pointer}"), "definitions": schema["definitions"]});
    let own = jsonschema::validator_for(&own).unwrap();
    let lifecycle = &read(&ours)["connectModules"]["jira:lifecycle"];
    assert!(own.is_valid(lifecycle), "{lifecycle}");
    assert!(!own.is_valid(&serde_json::json!([{"installed": "/connect/installed"}])), "the schema is not looked at");
}

#[test]
fn broken_ones_are_refused_with_their_place() {
    let ours = site::manifest();
    let rows = [
        ("app/6f2c1a52", "app/nobody-6f2c1a52", "app.id: must be ari:cloud:ecosystem::app/<uuid>"),
        ("remote: backend", "remote: backendd", "modules.endpoint.ui: there is no remote `backendd`"),
        ("endpoint: schedule", "endpoint: nowhere", "modules.scheduledTrigger.hourly: there is no endpoint `nowhere`"),
        ("endpoint: schedule", "endpoint: ui", "modules.scheduledTrigger.hourly: the endpoint `ui` has no route.path"),
        ("interval: hour", "interval: hourly", "modules.scheduledTrigger.hourly.interval: must be one of"),
        ("avi:jira:created:issue", "avi:jira:create:issue", "there is no event `avi:jira:create:issue`"),
        ("    - read:jira-work\n", "", "the event `avi:jira:created:issue` needs the scope read:jira-work"),
        (
            "    - read:app-user-token\n",
            "",
            "modules.endpoint.ui.auth.appUserToken: needs the scope read:app-user-token",
        ),
        (
            "enabled: true\n\nremotes",
            "enabled: false\n\nremotes",
            "needs permissions.external.configurable.enabled: true",
        ),
        ("key: settings-page", "key: customers-page", "modules: the key `customers-page` is used twice"),
        ("resource: main\n      resolver", "resource: side\n      resolver", "there is no resource `side`"),
        ("jira:adminPage", "jira:adminpage", "modules.jira:adminpage: this host does not offer modules of that type"),
        ("[customer, unlicensed]", "[everyone]", "unlicensedAccess: `everyone` is not one of"),
        ("key: backend\n", "key: the-backend-of-our-own-steward\n", "must be at most 23"),
        ("path: /forge/events", "path: forge/events", "modules.endpoint.events.route.path: must begin with /"),
        ("modules:", "modules: [", "manifest.yml: not YAML"),
    ];
    for (from, to, expected) in rows {
        assert!(ours.contains(from), "{from}");
        let error = Manifest::parse(&ours.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.starts_with("the Forge manifest is refused:") && error.contains(expected), "{from} → {error}");
    }
}

#[tokio::test]
async fn a_site_does_not_start_with_a_broken_one() {
    let mut config = site::config("http://127.0.0.1:1");
    config.forge.apps = vec![(site::app("app: {}".to_owned()), None)];
    let error = sandbox::start(config).await.err().unwrap().to_string();
    assert!(error.contains("app: `id` is missing"), "{error}");
}
