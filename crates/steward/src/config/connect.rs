//! What an operator says of the Connect app.

use serde::Deserialize;
use url::Url;

use super::url;

/// As long as Connect lets a key be.
const APP_KEY_CHARS: usize = 64;

/// The Connect app that it is. Connect ends on 2027-01-31 and takes no new private apps.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectSection {
    /// The app's key, as sites have it installed. Without one no such call is taken.
    pub key: Option<String>,
    /// Origins of the sites that may join. Empty: each at `*.atlassian.net` and `*.jira.com`.
    pub sites: Vec<Url>,
    /// Under what the keys of installs are published.
    pub install_keys: Url,
    /// The authorization server, which gives tokens to act as a person.
    pub authorization: Url,
    /// The script that joins a page to the Jira around it.
    pub bridge: Url,
}

impl Default for ConnectSection {
    fn default() -> Self {
        Self {
            key: None,
            sites: Vec::new(),
            install_keys: url("https://connect-install-keys.atlassian.com/"),
            authorization: url("https://oauth-2-authorization-server.services.atlassian.com"),
            bridge: url("https://connect-cdn.atl-paas.net/all.js"),
        }
    }
}

impl ConnectSection {
    /// What `host` needs to know of it, if it is on.
    pub(super) fn host(&self, ours: &Url) -> Option<host::ConnectConfig> {
        self.key.clone().map(|app| host::ConnectConfig {
            app,
            ours: ours.clone(),
            sites: self.sites.clone(),
            install_keys: self.install_keys.clone(),
            authorization: self.authorization.clone(),
            bridge: self.bridge.clone(),
        })
    }

    pub(super) fn mistakes(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let plain = |key: &str| {
            let signs = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '-' | '_');
            (1..=APP_KEY_CHARS).contains(&key.len()) && key.chars().all(signs)
        };
        if self.key.as_deref().is_some_and(|key| !plain(key)) {
            wrong.push(format!(
                "connect.key: an app's key has at most {APP_KEY_CHARS} letters, digits, dots and dashes."
            ));
        }
        if !self.install_keys.path().ends_with('/') {
            wrong.push("connect.install_keys: it must end in /: a key's id follows.".to_owned());
        }
        if self.sites.iter().any(|site| site.path() != "/" || !matches!(site.scheme(), "https" | "http")) {
            wrong.push("connect.sites: an origin has no path; write https://name.atlassian.net.".to_owned());
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_is_wrong_with_it() {
        #[track_caller]
        fn check(lines: &str, expected: Option<&str>) {
            let section: ConnectSection = toml::from_str(lines).unwrap();
            let mistakes = section.mistakes();
            match expected {
                Some(words) => assert!(mistakes.iter().any(|text| text.contains(words)), "{mistakes:?}"),
                None => assert!(mistakes.is_empty(), "{mistakes:?}"),
            }
        }
        check("", None);
        check("key = 'com.acme.steward'", None);
        check("key = 'com acme'", Some("connect.key"));
        check(&format!("key = '{}'", "k".repeat(APP_KEY_CHARS + 1)), Some("connect.key"));
        check("install_keys = 'https://keys.example/path'", Some("connect.install_keys"));
        check("sites = ['https://acme.atlassian.net']", None);
        check("sites = ['https://acme.atlassian.net/jira']", Some("connect.sites"));
    }
}
