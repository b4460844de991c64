//! From a file and the environment to a [`Config`]. What is wrong is told by file, line, column and key, and never by
//! the words that stand there: they may be a password.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use config::{ConfigError, FileFormat};

use super::{Config, ConfigFault};

/// What names of ours in the environment begin with.
const PREFIX: &str = "STEWARD_";
/// Between a section and a key; names without it, such as `STEWARD_CONFIG`, are no settings.
const BETWEEN: &str = "__";
/// Settings that are lists; in the environment with commas between.
const LISTS: [&str; 5] = ["forge.apps", "forge.sites", "forge.api_bases", "connect.sites", "realm.regions"];
/// Every setting: the only words of a broken file that may be repeated.
const KEYS: [&str; 66] = [
    "server.origin",
    "server.listen",
    "server.tls_certificate",
    "server.tls_key",
    "server.behind_proxy",
    "server.proxy_on_other_machine",
    "server.metrics_token",
    "data.directory",
    "data.database",
    "data.shelf",
    "data.root_key",
    "data.root_key_service.address",
    "data.root_key_service.mount",
    "data.root_key_service.key",
    "data.root_key_service.namespace",
    "data.root_key_service.ca_file",
    "data.root_key_service.token_file",
    "data.root_key_service.approle_mount",
    "data.root_key_service.role_id",
    "data.root_key_service.secret_id_file",
    "data.former_root_key",
    "data.former_root_key_service.address",
    "data.former_root_key_service.mount",
    "data.former_root_key_service.key",
    "data.former_root_key_service.namespace",
    "data.former_root_key_service.ca_file",
    "data.former_root_key_service.token_file",
    "data.former_root_key_service.approle_mount",
    "data.former_root_key_service.role_id",
    "data.former_root_key_service.secret_id_file",
    "data.region",
    "forge.apps",
    "forge.sites",
    "forge.jwks",
    "forge.api_bases",
    "forge.graphql",
    "sign_in.authority",
    "sign_in.granted_sites",
    "connect.key",
    "connect.sites",
    "connect.install_keys",
    "connect.authorization",
    "connect.bridge",
    "objects.directory",
    "objects.endpoint",
    "objects.bucket",
    "objects.region",
    "objects.prefix",
    "objects.access_key",
    "objects.secret_key",
    "objects.secret_key_file",
    "objects.path_style",
    "objects.ca_file",
    "realm.secret_file",
    "realm.regions",
    "network.allow_private",
    "network.allow_loopback",
    "log.level",
    "log.format",
    "traces.address",
    "traces.authorization_file",
    "traces.ratio",
    "jobs.workers",
    "api.requests_per_minute",
    "imports.file_bytes",
    "imports.look_ups",
];

impl Config {
    /// Reads the file, lays the environment over it, and checks the whole.
    pub fn read(file: &Path) -> Result<Self, ConfigFault> {
        Self::read_with(file, std::env::vars_os())
    }

    /// The same with another environment than this process has.
    pub fn read_with(
        file: &Path,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigFault> {
        if !file.exists() {
            return Err(ConfigFault(format!(
                "{} is not there. Run `steward init` to make one, or name another with --config.",
                file.display()
            )));
        }
        let text = std::fs::read_to_string(file)
            .map_err(|error| ConfigFault(format!("{}: it cannot be read: {error}", file.display())))?;
        let read =
            lay(&text, &settings(environment)?).map_err(|why| ConfigFault(format!("{}{why}", file.display())))?;
        let wrong = read.mistakes();
        if wrong.is_empty() {
            return Ok(read);
        }
        Err(ConfigFault(format!("{}:\n- {}", file.display(), wrong.join("\n- "))))
    }
}

/// Our settings in an environment, empty ones left out.
fn settings(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<BTreeMap<String, String>, ConfigFault> {
    let ours = environment.into_iter().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        (name.starts_with(PREFIX) && name.contains(BETWEEN) && !value.is_empty()).then_some((name, value))
    });
    ours.map(|(name, value)| match value.into_string() {
        Ok(value) => Ok((name, value)),
        Err(_) => Err(ConfigFault(format!("{name}: it is not UTF-8"))),
    })
    .collect()
}

/// The file's text with the environment over it. The error goes on where the file's name ends.
fn lay(text: &str, environment: &BTreeMap<String, String>) -> Result<Config, String> {
    if let Err(error) = text.parse::<toml::Table>() {
        return Err(place(text, error.span().map_or(0, |span| span.start)));
    }
    let mut builder = config::Config::builder().add_source(config::File::from_str(text, FileFormat::Toml));
    for (name, value) in environment {
        let key = name.strip_prefix(PREFIX).unwrap_or(name).to_lowercase().replace(BETWEEN, ".");
        // Text stays text: a token of digits keeps its zeroes, and becomes a number only where one is wanted.
        let value = if LISTS.contains(&key.as_str()) {
            config::Value::from(value.split(',').map(|part| part.trim().to_owned()).collect::<Vec<_>>())
        } else {
            config::Value::from(value.clone())
        };
        builder =
            builder.set_override(&key, value).map_err(|_| format!(": {name} in the environment names no setting"))?;
    }
    let built = builder.build().map_err(|error| format!(": {}", reason(&error)))?;
    serde_path_to_error::deserialize(built).map_err(|error| {
        let path = error.path().to_string();
        let reason = reason(error.inner());
        if path == "." { format!(": {reason}") } else { format!(": {path}: {reason}") }
    })
}

/// Where a file stops being TOML.
fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let of = key_at(text, line).map(|key| format!(", at {key}")).unwrap_or_default();
    format!(", line {line}, column {column}{of}: it is not TOML. Text stands in quotes, each key once.")
}

/// The setting that a line is about, if it is one of ours.
fn key_at(text: &str, line: usize) -> Option<&'static str> {
    let lines: Vec<&str> = text.lines().take(line).map(str::trim).collect();
    let section = lines.iter().rev().find_map(|line| line.strip_prefix('[')?.strip_suffix(']')).unwrap_or_default();
    let key = lines.last()?.split('=').next()?.trim();
    let full = format!("{section}.{key}");
    KEYS.into_iter().find(|known| *known == full)
}

/// Why a value is not taken, without the value. Only texts that quote names of keys are passed on.
fn reason(error: &ConfigError) -> String {
    match error {
        ConfigError::At { error, .. } => reason(error),
        ConfigError::Type { expected, .. } => format!("it must be {expected}"),
        ConfigError::NotFound(key) => format!("{key} is missing"),
        ConfigError::Message(text) if text.starts_with("missing field `") => text.clone(),
        ConfigError::Message(text) if text.starts_with("unknown field `") => {
            "there is no such setting; `steward init` writes a file with those that there are".to_owned()
        }
        _ => "it is not what is expected there".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use secrecy::ExposeSecret;

    use super::*;

    const WHOLE: &str = r#"
[server]
origin = "https://steward.example.com"
listen = "127.0.0.1:8443"
[data]
directory = "/var/lib/steward"
root_key = "/etc/steward/root.key"
[forge]
apps = ["ari:cloud:ecosystem::app/1"]
"#;

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[track_caller]
    fn refused(text: &str, pairs: &[(&str, &str)]) -> String {
        match lay(text, &variables(pairs)) {
            Ok(_) => panic!("it was taken"),
            Err(why) => why,
        }
    }

    #[test]
    fn a_broken_file_is_told_by_its_place_alone() {
        #[track_caller]
        fn check(line: &str, expected: &str) {
            let why = refused(&WHOLE.replace("[forge]", &format!("{line}\n[forge]")), &[]);
            assert!(why.starts_with(expected), "{why}");
            for secret in ["hunter2", "steward:", "c2VjcmV0"] {
                assert!(!why.contains(secret), "{why}");
            }
        }
        check("database = postgres://steward:hunter2@db/main", ", line 8, column 12, at data.database: it is not TOML");
        check("database = \"postgres://steward:hunter2@db/main", ", line 8, column ");
        check("postgres://steward:hunter2@db/main?a=b", ", line 8, column ");
        check("hunter2=c2VjcmV0 c2VjcmV0", ", line 8, column ");
        check("shelf = \"hunter2\"\nshelf = \"hunter2\"", ", line 9, column ");
        check("database = [\"postgres://steward:hunter2@db/main\"]", ": data.database: ");
        check("database = {hunter2 = \"postgres://steward:hunter2@db/main\"}", ": data.database");
    }

    #[test]
    fn a_value_of_another_kind_is_told_by_its_key_alone() {
        #[track_caller]
        fn check(name: &str, value: &str, key: &str) {
            let why = refused(WHOLE, &[(name, value)]);
            assert!(why.contains(key), "{why}");
            assert!(!why.contains(value), "{why}");
        }
        check("STEWARD_JOBS__WORKERS", "hunter2", "jobs.workers");
        check("STEWARD_API__REQUESTS_PER_MINUTE", "hunter2", "api.requests_per_minute");
        check("STEWARD_IMPORTS__FILE_BYTES", "hunter2", "imports.file_bytes");
        check("STEWARD_IMPORTS__LOOK_UPS", "hunter2", "imports.look_ups");
        check("STEWARD_SERVER__BEHIND_PROXY", "hunter2", "server.behind_proxy");
        check("STEWARD_SERVER__ORIGIN", "hunter2", "server.origin");
        check("STEWARD_SERVER__LISTEN", "hunter2", "server.listen");
        check("STEWARD_LOG__FORMAT", "hunter2", "log.format");
        check("STEWARD_FORGE__JWKS", "hunter2", "forge.jwks");
        check("STEWARD_SERVER__NONSENSE", "hunter2", "server.nonsense");
        let why = refused(&WHOLE.replace("root_key", "rootkey"), &[]);
        assert!(why.contains("rootkey") || why.contains("root_key"), "{why}");
        let service = "[data.root_key_service]\naddress = \"hunter2\"\ntoken_file = \"/t\"\n[forge]";
        let why = refused(&WHOLE.replace("[forge]", service), &[]);
        assert!(why.contains("data.root_key_service.address") && !why.contains("hunter2"), "{why}");
        let why = refused(&WHOLE.replace("[forge]", "[data.root_key_service]\ntoken = \"hunter2\"\n[forge]"), &[]);
        assert!(why.contains("data.root_key_service") && !why.contains("hunter2"), "{why}");
    }

    #[test]
    fn the_environment_goes_over_the_file_and_text_stays_text() {
        let pairs = [
            ("STEWARD_SERVER__METRICS_TOKEN", "000123"),
            ("STEWARD_DATA__DATABASE", "1e5"),
            ("STEWARD_DATA__SHELF", "true"),
            ("STEWARD_SERVER__BEHIND_PROXY", "true"),
            ("STEWARD_JOBS__WORKERS", "7"),
            ("STEWARD_FORGE__APPS", "a, b"),
            ("STEWARD_FORGE__SITES", "one"),
        ];
        let read = lay(WHOLE, &variables(&pairs)).unwrap_or_else(|why| panic!("{why}"));
        let secret = |value: &Option<secrecy::SecretString>| value.as_ref().unwrap().expose_secret().to_owned();
        assert_eq!(secret(&read.server.metrics_token), "000123");
        assert_eq!(secret(&read.data.database), "1e5");
        assert_eq!(secret(&read.data.shelf), "true");
        assert!(read.server.behind_proxy);
        assert_eq!(read.jobs.workers, 7);
        assert_eq!(read.forge.apps, ["a", "b"]);
        assert_eq!(read.forge.sites, ["one"]);
    }

    #[test]
    fn every_setting_is_known() {
        for key in KEYS {
            let name = format!("{PREFIX}{}", key.to_uppercase().replace('.', BETWEEN));
            let section = key.rsplit_once('.').map_or("", |(section, _)| section);
            let whole = if section.ends_with("_service") {
                WHOLE.replace("[forge]", &format!("[{section}]\naddress = \"https://bao\"\n[forge]"))
            } else {
                WHOLE.to_owned()
            };
            if let Err(why) = lay(&whole, &variables(&[(&name, "1")])) {
                assert!(!why.contains("no such setting"), "{key}: {why}");
            }
        }
    }

    /// The rows of docs/operate.md, "Settings": a setting and its default.
    fn documented() -> Vec<(String, String)> {
        let text = include_str!("../../../../docs/operate.md");
        let section = text.split("\n## ").find(|section| section.starts_with("Settings")).unwrap();
        let rows = section.lines().filter(|line| line.starts_with("| `"));
        rows.map(|row| {
            let cells: Vec<String> = row.split('|').map(|cell| cell.trim().replace('`', "")).collect();
            (cells.get(1).unwrap().clone(), cells.get(2).unwrap().clone())
        })
        .collect()
    }

    #[test]
    fn the_guide_names_every_setting_with_its_default() {
        let documented = documented();
        assert_eq!(documented.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), KEYS);
        let services = "[data.root_key_service]\naddress = \"https://bao\"\n\
                        [data.former_root_key_service]\naddress = \"https://bao\"\n[forge]";
        let least = WHOLE.replace("listen = \"127.0.0.1:8443\"\n", "").replace("[forge]", services);
        let read = lay(&least, &BTreeMap::new()).unwrap_or_else(|why| panic!("{why}"));
        let service = read.data.root_key_service.unwrap();
        let defaults = BTreeMap::from([
            ("server.listen", read.server.listen.to_string()),
            ("server.behind_proxy", read.server.behind_proxy.to_string()),
            ("server.proxy_on_other_machine", read.server.proxy_on_other_machine.to_string()),
            ("data.root_key_service.mount", service.mount.clone()),
            ("data.root_key_service.key", service.key.clone()),
            ("data.root_key_service.approle_mount", service.approle_mount.clone()),
            ("data.former_root_key_service.mount", service.mount),
            ("data.former_root_key_service.key", service.key),
            ("data.former_root_key_service.approle_mount", service.approle_mount),
            ("data.region", read.data.region),
            ("forge.jwks", read.forge.jwks.to_string()),
            ("forge.api_bases", read.forge.api_bases.iter().map(ToString::to_string).collect()),
            ("forge.graphql", read.forge.graphql.to_string()),
            ("sign_in.authority", read.sign_in.authority.to_string()),
            ("sign_in.granted_sites", read.sign_in.granted_sites.to_string()),
            ("connect.install_keys", read.connect.install_keys.to_string()),
            ("connect.authorization", read.connect.authorization.to_string()),
            ("connect.bridge", read.connect.bridge.to_string()),
            ("objects.region", read.objects.region),
            ("objects.path_style", read.objects.path_style.to_string()),
            ("network.allow_private", read.network.allow_private.to_string()),
            ("network.allow_loopback", read.network.allow_loopback.to_string()),
            ("log.level", read.log.level),
            ("log.format", format!("{:?}", read.log.format).to_lowercase()),
            ("traces.ratio", read.traces.ratio.to_string()),
            ("jobs.workers", read.jobs.workers.to_string()),
            ("api.requests_per_minute", read.api.requests_per_minute.to_string()),
            ("imports.file_bytes", read.imports.file_bytes.to_string()),
            ("imports.look_ups", read.imports.look_ups.to_string()),
        ]);
        let needed = [
            "server.origin",
            "data.directory",
            "data.root_key_service.address",
            "data.former_root_key_service.address",
        ];
        for (key, said) in &documented {
            let expected = match defaults.get(key.as_str()) {
                Some(default) => default.as_str(),
                None if needed.contains(&key.as_str()) => "needed",
                None => "none",
            };
            assert_eq!(said, expected, "{key}");
        }
    }
}
