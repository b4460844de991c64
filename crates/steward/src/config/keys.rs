//! Where the root key is: a file, or a key of a key service. One wraps; beside it a former one may still open.

use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

use super::DataConfig;
use crate::keys::Named;

/// The longest that a mount, a key or a role is called: together they fit the name that stands before a wrapped key.
const NAME_LENGTH: usize = 100;

/// A key in the transit engine of OpenBao or Vault.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyServiceConfig {
    /// Where the service is: `https://bao.internal:8200`. Its network may be private; without TLS on this machine only.
    pub address: Url,
    /// Where the transit engine is mounted.
    #[serde(default = "default_mount")]
    pub mount: String,
    /// The key's name.
    #[serde(default = "default_key")]
    pub key: String,
    /// The namespace that the engine and the login are in, if any.
    pub namespace: Option<String>,
    /// The certificate authority of the service, in PEM; then no other vouches for it. Without: the system's.
    pub ca_file: Option<PathBuf>,
    /// A file with a token, which somebody may write anew at any time (an agent of the service does).
    pub token_file: Option<PathBuf>,
    /// Instead of a token: where the AppRole method is mounted.
    #[serde(default = "default_approle")]
    pub approle_mount: String,
    /// The role's id.
    pub role_id: Option<String>,
    /// A file with the role's secret id.
    pub secret_id_file: Option<PathBuf>,
}

fn default_mount() -> String {
    "transit".to_owned()
}

fn default_key() -> String {
    "steward".to_owned()
}

fn default_approle() -> String {
    "approle".to_owned()
}

impl DataConfig {
    /// The root key that wraps.
    pub(crate) fn current_root_key(&self) -> anyhow::Result<Named<'_>> {
        named(self.root_key.as_ref(), self.root_key_service.as_deref())
            .ok_or_else(|| anyhow::anyhow!("data: name the root key: root_key or root_key_service"))
    }

    /// The one that opens what it wrapped, while keys move.
    pub(crate) fn former_root_key(&self) -> Option<Named<'_>> {
        named(self.former_root_key.as_ref(), self.former_root_key_service.as_deref())
    }

    pub(super) fn key_mistakes(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let services = [
            ("root_key_service", self.root_key.is_some(), &self.root_key_service),
            ("former_root_key_service", self.former_root_key.is_some(), &self.former_root_key_service),
        ];
        for (setting, file, service) in services {
            let Some(service) = service else { continue };
            if file {
                wrong.push(format!(
                    "data: either {} or {setting}, not both. To move from one to the other, give the new one that name \
                     and the old one its former_ name; then run `steward rekey`.",
                    setting.trim_end_matches("_service")
                ));
            }
            wrong.extend(service.mistakes().into_iter().map(|why| format!("data.{setting}.{why}")));
        }
        if self.root_key.is_none() && self.root_key_service.is_none() {
            wrong
                .push("data: name the root key: root_key for a file, or a section [data.root_key_service].".to_owned());
        }
        for (setting, file) in [("root_key", &self.root_key), ("former_root_key", &self.former_root_key)] {
            if file.as_ref().is_some_and(|file| file.starts_with(&self.directory)) {
                wrong.push(format!(
                    "data.{setting}: keep it outside data.directory, or a backup of the data holds its key."
                ));
            }
        }
        wrong
    }
}

fn named<'a>(file: Option<&'a PathBuf>, service: Option<&'a KeyServiceConfig>) -> Option<Named<'a>> {
    service.map(Named::Service).or_else(|| file.map(|path| Named::File(path)))
}

impl KeyServiceConfig {
    fn mistakes(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let address = &self.address;
        if address.path() != "/" || address.query().is_some() {
            wrong.push("address: it has no path; write https://host:port.".to_owned());
        }
        if !address.username().is_empty() || address.password().is_some() {
            wrong.push(
                "address: no credentials stand in it; give token_file, or role_id and secret_id_file.".to_owned(),
            );
        }
        let local = match address.host() {
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost",
            None => false,
        };
        if address.scheme() != "https" && !(address.scheme() == "http" && local) {
            wrong.push("address: it must start with https://, on another machine than this one.".to_owned());
        }
        let names = [("mount", &self.mount), ("key", &self.key), ("approle_mount", &self.approle_mount)];
        for (setting, name) in names {
            let plain = |part: &str| {
                !part.is_empty()
                    && part.chars().all(|sign| sign.is_ascii_alphanumeric() || "-_.".contains(sign))
                    && part != ".."
            };
            if name.len() > NAME_LENGTH || !name.split('/').all(plain) || (setting == "key" && name.contains('/')) {
                wrong.push(format!(
                    "{setting}: letters, digits, - _ . and (in a mount) / between, {NAME_LENGTH} signs at most."
                ));
            }
        }
        match (&self.token_file, &self.role_id, &self.secret_id_file) {
            (Some(_), None, None) | (None, Some(_), Some(_)) => {}
            _ => wrong
                .push("token_file: give it, or role_id and secret_id_file; one of the two ways to log in.".to_owned()),
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn data(text: &str) -> DataConfig {
        toml::from_str(&format!("directory = \"/var/lib/steward\"\n{text}")).unwrap()
    }

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let wrong = data(text).key_mistakes();
        match expected {
            Some(words) => assert!(wrong.iter().any(|text| text.contains(words)), "{wrong:?}"),
            None => assert!(wrong.is_empty(), "{wrong:?}"),
        }
    }

    #[test]
    fn one_root_key_wraps() {
        let service = "[root_key_service]\naddress = \"https://bao.internal:8200\"\ntoken_file = \"/run/token\"\n";
        let former = service.replace("[root", "[former_root");
        check("root_key = \"/etc/steward/root.key\"", None);
        check(service, None);
        check("", Some("name the root key"));
        check(&format!("root_key = \"/k\"\n{service}"), Some("either root_key or root_key_service"));
        check(&format!("former_root_key = \"/k\"\n{service}"), None);
        check(&format!("root_key = \"/k\"\n{former}"), None);
        check(&format!("root_key = \"/k\"\nformer_root_key = \"/j\"\n{former}"), Some("either former_root_key or"));
        check("root_key = \"/var/lib/steward/root.key\"", Some("data.root_key: keep it outside"));
        check(
            "root_key = \"/k\"\nformer_root_key = \"/var/lib/steward/k\"",
            Some("data.former_root_key: keep it outside"),
        );
    }

    #[test]
    fn where_a_service_is_and_how_to_log_in() {
        #[track_caller]
        fn with(lines: &str, expected: Option<&str>) {
            check(&format!("[root_key_service]\n{lines}"), expected);
        }
        let token = "token_file = \"/run/token\"";
        let at = |address: &str| format!("address = \"{address}\"\n{token}");
        with(&at("https://10.0.0.8:8200"), None);
        with(&at("http://127.0.0.1:8200"), None);
        with(&at("http://localhost:8200"), None);
        with(&at("http://10.0.0.8:8200"), Some("root_key_service.address: it must start with https://"));
        with(&at("https://bao/v1"), Some("address: it has no path"));
        with(&at("https://steward:hunter2@bao"), Some("address: no credentials"));
        with("address = \"https://bao\"", Some("token_file: give it, or role_id"));
        with("address = \"https://bao\"\nrole_id = \"r\"", Some("token_file: give it, or role_id"));
        with("address = \"https://bao\"\nrole_id = \"r\"\nsecret_id_file = \"/s\"", None);
        with(&format!("address = \"https://bao\"\nrole_id = \"r\"\n{token}"), Some("one of the two ways"));
        with(&format!("{}\nmount = \"kms/transit\"", at("https://bao")), None);
        with(&format!("{}\nmount = \"../sys\"", at("https://bao")), Some("mount: letters"));
        with(&format!("{}\nkey = \"a/b\"", at("https://bao")), Some("key: letters"));
        with(&format!("{}\nkey = \"\"", at("https://bao")), Some("key: letters"));
        let told = data(&format!("[root_key_service]\n{}", at("https://steward:hunter2@bao"))).key_mistakes();
        assert!(told.iter().all(|text| !text.contains("hunter2")));
    }
}
