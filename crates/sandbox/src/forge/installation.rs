//! An app on this site: what was deployed, its ids, and where its remotes are.
//!
//! Start reading at [`Installation`].

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use url::Url;

use super::{
    Resources, lint,
    manifest::{Manifest, Remote},
};

/// An installed app. Ids are those of Atlassian's resource identifiers (ARIs).
pub struct Installation {
    /// Name shown.
    pub name: String,
    /// The deployed manifest.
    pub manifest: Manifest,
    /// Account that the app acts as.
    pub account_id: String,
    /// Major version; grows with each upgrade.
    pub version: u32,
    pub(super) resources: Resources,
    pub(super) installation_uuid: String,
    pub(super) environment_uuid: String,
    /// Addresses that an admin typed, by remote key; shared by all versions of one installation.
    pub(super) addresses: Arc<RwLock<BTreeMap<String, Url>>>,
    /// The region that it is installed in, if in one; shared likewise.
    pub(super) region: Arc<RwLock<Option<String>>>,
}

/// Why an address cannot be a remote's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressError {
    /// The manifest has no remote of that key.
    NoRemote(String),
    /// The manifest fixes the remote's address.
    Fixed(String),
    /// It is no address that Forge would call.
    Invalid(String),
    /// It matches none of the supported patterns.
    Pattern(Vec<String>),
}

impl std::fmt::Display for AddressError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoRemote(key) => write!(f, "The app has no remote “{key}”."),
            Self::Fixed(key) => write!(f, "The address of the remote “{key}” is fixed by the app."),
            Self::Invalid(why) => f.write_str(why),
            Self::Pattern(patterns) => {
                write!(f, "The address must match one of: {}.", patterns.join(", "))
            }
        }
    }
}

impl std::error::Error for AddressError {}

impl Installation {
    /// `ari:cloud:ecosystem::app/<uuid>`.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.manifest.app_id
    }

    /// The UUID of the app.
    #[must_use]
    pub fn app_uuid(&self) -> &str {
        self.manifest.app_id.rsplit('/').next().unwrap_or_default()
    }

    /// `ari:cloud:ecosystem::installation/<uuid>`: new with each installation, kept by upgrades.
    #[must_use]
    pub fn installation_id(&self) -> String {
        format!("ari:cloud:ecosystem::installation/{}", self.installation_uuid)
    }

    /// UUID of the environment.
    #[must_use]
    pub fn environment_uuid(&self) -> &str {
        &self.environment_uuid
    }

    /// `ari:cloud:ecosystem::environment/<app uuid>/<uuid>`.
    #[must_use]
    pub fn environment_id(&self) -> String {
        format!("ari:cloud:ecosystem::environment/{}/{}", self.app_uuid(), self.environment_uuid)
    }

    /// The version as tokens say it.
    #[must_use]
    pub fn app_version(&self) -> String {
        format!("{}.0.0", self.version)
    }

    /// Where a remote is: what the admin typed, else what the manifest says; none when it is
    /// customer-managed and nobody has configured it yet.
    #[must_use]
    pub fn remote_address(&self, key: &str) -> Option<Url> {
        let typed = self.addresses.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        let region = self.region();
        typed.or_else(|| {
            let remote = self.manifest.remote(key)?;
            let pinned = region.and_then(|region| remote.regions.get(&region));
            pinned.or(remote.base_url.as_ref()).and_then(|url| Url::parse(url).ok())
        })
    }

    /// The region that it is installed in, if in one.
    #[must_use]
    pub fn region(&self) -> Option<String> {
        self.region.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets a customer-managed remote's address; `None` goes back to the manifest's.
    ///
    /// # Errors
    /// As an admin would be told.
    pub fn set_remote_address(&self, key: &str, address: Option<&str>) -> Result<(), AddressError> {
        let remote = self.manifest.remote(key).ok_or_else(|| AddressError::NoRemote(key.to_owned()))?;
        let url = address.map(|address| check(remote, address)).transpose()?;
        if url.is_none() && remote.configurable.is_none() {
            return Err(AddressError::Fixed(key.to_owned()));
        }
        let mut addresses = self.addresses.write().unwrap_or_else(PoisonError::into_inner);
        match url {
            Some(url) => addresses.insert(key.to_owned(), url),
            None => addresses.remove(key),
        };
        Ok(())
    }
}

/// Whether an admin may give this remote that address.
pub(super) fn check(remote: &Remote, address: &str) -> Result<Url, AddressError> {
    let configurable = remote.configurable.as_ref().ok_or_else(|| AddressError::Fixed(remote.key.clone()))?;
    let url = lint::check_address(address.trim()).map_err(AddressError::Invalid)?;
    let host = url.host_str().unwrap_or_default();
    let patterns = &configurable.patterns;
    if !patterns.is_empty() && !patterns.iter().any(|pattern| matches(pattern, host)) {
        return Err(AddressError::Pattern(patterns.clone()));
    }
    Ok(url)
}

/// `*.example.com` matches every host below example.com, not example.com itself; a pattern without
/// a star matches that host only. A scheme in the pattern says nothing more: only https is taken.
fn matches(pattern: &str, host: &str) -> bool {
    let pattern = pattern.split_once("://").map_or(pattern, |(_, rest)| rest);
    let pattern = pattern.trim_end_matches('/').to_lowercase();
    match pattern.strip_prefix('*') {
        Some("") => true,
        Some(suffix) => host.strip_suffix(suffix).is_some_and(|start| !start.is_empty()),
        None => host == pattern,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic is the failure of a test")]
    use super::*;
    use crate::forge::Configurable;

    #[test]
    fn addresses_of_a_customer_managed_remote() {
        let remote = |patterns: &[&str]| Remote {
            key: "backend".to_owned(),
            base_url: None,
            regions: BTreeMap::new(),
            configurable: Some(Configurable {
                name: "Server".to_owned(),
                description: "It".to_owned(),
                patterns: patterns.iter().map(|p| (*p).to_owned()).collect(),
            }),
        };
        let any = remote(&[]);
        let rows = [
            ("https://steward.example.com", true),
            ("https://steward.example.com:8443/base", true),
            ("http://127.0.0.1:9000", true),
            ("http://[::1]:9000", true),
            ("http://steward.example.com", false),
            ("http://10.0.0.1", false),
            ("ftp://x.example.com", false),
            ("https://user:pass@x.example.com", false),
            ("https://x.example.com/?q", false),
            ("steward.example.com", false),
            ("", false),
        ];
        for (address, good) in rows {
            assert_eq!(check(&any, address).is_ok(), good, "{address}");
        }
        let ours = remote(&["*.example.com", "https://one.test"]);
        let rows = [
            ("https://a.example.com", true),
            ("https://a.b.example.com", true),
            ("https://example.com", false),
            ("https://evilexample.com", false),
            ("https://a.example.com.evil.test", false),
            ("https://one.test", true),
            ("https://two.test", false),
            ("http://127.0.0.1:1", false),
        ];
        for (address, good) in rows {
            assert_eq!(check(&ours, address).is_ok(), good, "{address}");
        }
        let fixed = Remote { configurable: None, base_url: Some("https://a.test".to_owned()), ..any };
        assert_eq!(check(&fixed, "https://b.test").unwrap_err(), AddressError::Fixed("backend".to_owned()));
    }
}
