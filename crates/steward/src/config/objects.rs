//! `[objects]`: where objects lie, if not in the data folder.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::{Host, Url};

/// Characters of a bucket's name, as S3 has it.
const BUCKET_CHARS: std::ops::RangeInclusive<usize> = 3..=63;

/// A bucket of a server that speaks S3; without an endpoint, a folder in the data directory.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ObjectsConfig {
    /// A folder instead of the one in the data directory: one that all nodes reach, by the same path or another.
    pub directory: Option<PathBuf>,
    /// `https://s3.example.com`.
    pub endpoint: Option<Url>,
    /// The bucket.
    pub bucket: Option<String>,
    /// What requests are signed for.
    pub region: String,
    /// What all names begin with, where a bucket is shared.
    pub prefix: Option<String>,
    /// The access key's id.
    pub access_key: Option<String>,
    /// The secret access key. Better given by `STEWARD_OBJECTS__SECRET_KEY` or a file.
    pub secret_key: Option<SecretString>,
    /// Or a file that holds it.
    pub secret_key_file: Option<PathBuf>,
    /// Whether the bucket stands in the path of an address; else in its host.
    pub path_style: bool,
    /// The authority of the server's certificate in PEM, if it is the operator's own.
    pub ca_file: Option<PathBuf>,
}

impl Default for ObjectsConfig {
    fn default() -> Self {
        Self {
            directory: None,
            endpoint: None,
            bucket: None,
            // What servers take that have no regions.
            region: "us-east-1".to_owned(),
            prefix: None,
            access_key: None,
            secret_key: None,
            secret_key_file: None,
            path_style: true,
            ca_file: None,
        }
    }
}

impl ObjectsConfig {
    /// Each mistake in a sentence that says what to do.
    pub(super) fn mistakes(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut say = |text: &str| wrong.push(text.to_owned());
        let Some(endpoint) = &self.endpoint else {
            let given = self.bucket.is_some() || self.access_key.is_some() || self.secret_key.is_some();
            if given || self.secret_key_file.is_some() || self.prefix.is_some() || self.ca_file.is_some() {
                say(
                    "objects.endpoint: it is missing; the others go with it. Without all of them, objects lie in the data directory.",
                );
            }
            return wrong;
        };
        if self.directory.is_some() {
            say("objects: directory or endpoint, not both.");
        }
        let bare = endpoint.username().is_empty() && endpoint.password().is_none() && endpoint.path() == "/";
        if !bare || endpoint.query().is_some() || !["http", "https"].contains(&endpoint.scheme()) {
            say("objects.endpoint: an address without a path; write https://host or https://host:port.");
        } else if endpoint.scheme() == "http" && !on_this_machine(endpoint) {
            say("objects.endpoint: without TLS on this machine only; write https://.");
        }
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        match &self.bucket {
            Some(bucket) if BUCKET_CHARS.contains(&bucket.len()) && bucket.chars().all(legal) => {}
            Some(_) => say("objects.bucket: 3 to 63 small letters, digits, dots and hyphens."),
            None => say("objects.bucket: it is missing."),
        }
        if self.access_key.as_deref().is_none_or(str::is_empty) {
            say("objects.access_key: it is missing.");
        }
        match (&self.secret_key, &self.secret_key_file) {
            (None, None) => say(
                "objects.secret_key: it is missing; give it by STEWARD_OBJECTS__SECRET_KEY or name a file in secret_key_file.",
            ),
            (Some(_), Some(_)) => say("objects: secret_key or secret_key_file, not both."),
            _ => {}
        }
        let parts = self.prefix.iter().flat_map(|prefix| prefix.trim_matches('/').split('/'));
        if parts.into_iter().any(|part| part.is_empty() || part == "." || part == "..") {
            say("objects.prefix: names with a slash between, such as steward/eu.");
        }
        wrong
    }

    /// The secret access key, from where it is.
    pub fn secret(&self) -> std::io::Result<SecretString> {
        match (&self.secret_key, &self.secret_key_file) {
            (_, Some(file)) => Ok(SecretString::from(std::fs::read_to_string(file)?.trim_end())),
            (Some(key), None) => Ok(SecretString::from(key.expose_secret())),
            (None, None) => Ok(SecretString::from(String::new())),
        }
    }
}

fn on_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let mistakes = toml::from_str::<ObjectsConfig>(text).unwrap().mistakes();
        match expected {
            Some(words) => assert!(mistakes.iter().any(|text| text.contains(words)), "{mistakes:?}"),
            None => assert!(mistakes.is_empty(), "{mistakes:?}"),
        }
    }

    #[test]
    fn what_a_bucket_needs() {
        let with = |endpoint: &str, rest: &str| {
            format!("endpoint = \"{endpoint}\"\nbucket = \"steward\"\naccess_key = \"a\"\n{rest}")
        };
        let secret = "secret_key = \"hunter2\"";
        check("", None);
        check(&with("https://s3.example.com", secret), None);
        check(&with("https://s3.example.com", "secret_key_file = \"/f\"\nprefix = \"steward/eu\""), None);
        check(&with("http://127.0.0.1:8333", secret), None);
        check(&with("http://[::1]:8333", secret), None);
        check(&with("http://localhost:8333", secret), None);
        check(&with("http://s3.example.com", secret), Some("https://"));
        check(&with("http://10.0.0.8:8333", secret), Some("https://"));
        check(&with("https://s3.example.com/bucket", secret), Some("without a path"));
        check(&with("https://a:hunter2@s3.example.com", secret), Some("without a path"));
        check(&with("ftp://s3.example.com", secret), Some("without a path"));
        check(&with("https://s3.example.com", ""), Some("secret_key: it is missing"));
        check(&with("https://s3.example.com", "secret_key = \"a\"\nsecret_key_file = \"/f\""), Some("not both"));
        check(&with("https://s3.example.com", &format!("{secret}\nprefix = \"a/../b\"")), Some("objects.prefix"));
        check("directory = \"/srv/objects\"", None);
        check(&with("https://s3.example.com", &format!("{secret}\ndirectory = \"/srv\"")), Some("not both"));
        check("bucket = \"steward\"", Some("objects.endpoint: it is missing"));
        check("endpoint = \"https://s3.example.com\"", Some("objects.bucket: it is missing"));
        check("endpoint = \"https://s3.example.com\"\nbucket = \"Steward\"", Some("small letters"));
        let mistakes = toml::from_str::<ObjectsConfig>(&with("https://a:hunter2@s3", secret)).unwrap().mistakes();
        assert!(mistakes.iter().all(|text| !text.contains("hunter2")));
    }
}
