//! `[realm]`: the operator's servers in other regions, to which sites may move.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kernel::{Fault, Result};
use serde::Deserialize;
use url::Url;
use vault::Channel;

use super::DataConfig;

/// Letters and digits of a region's name. Atlassian's have two.
const NAME_CHARS: std::ops::RangeInclusive<usize> = 2..=16;

/// Where sites may move to; nowhere unless it names regions.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RealmConfig {
    /// A file of mode 0600 with 32 bytes in base64, the same at all regions.
    pub secret_file: Option<PathBuf>,
    /// The other regions, each `NAME=https://host`, by the names that Atlassian gives them.
    pub regions: Vec<String>,
}

impl RealmConfig {
    fn read(&self) -> Vec<(String, std::result::Result<Url, ()>)> {
        let read = |one: &String| {
            let (name, address) = one.split_once('=').unwrap_or((one, ""));
            (name.trim().to_owned(), address.trim().parse().map_err(|_| ()))
        };
        self.regions.iter().map(read).collect()
    }

    /// Each region with where it is reached.
    pub(super) fn addresses(&self) -> BTreeMap<String, Url> {
        self.read().into_iter().filter_map(|(name, address)| Some((name, address.ok()?))).collect()
    }

    pub(super) fn mistakes(&self, own: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.secret_file.is_some() == self.regions.is_empty() {
            wrong.push("realm: secret_file and regions go together; one of them is missing.".to_owned());
        }
        let plain =
            |name: &str| NAME_CHARS.contains(&name.len()) && name.chars().all(|sign| sign.is_ascii_alphanumeric());
        if !self.regions.is_empty() && !plain(own) {
            wrong.push(
                "data.region: with realm.regions it is Atlassian's name of the region, such as EU or US.".to_owned(),
            );
        }
        let read = self.read();
        for (place, (name, address)) in read.iter().enumerate() {
            if !plain(name) {
                wrong.push(
                    "realm.regions: write each as EU=https://host, by Atlassian's name of the region.".to_owned(),
                );
                continue;
            }
            if name == own || read.iter().take(place).any(|(other, _)| other == name) {
                wrong.push(format!("realm.regions: {name} is this server's own region, or there twice."));
            }
            match address {
                Ok(address) => {
                    let local = address.host_str().is_some_and(super::on_this_machine);
                    if address.scheme() != "https" && !(address.scheme() == "http" && local) {
                        wrong.push(format!("realm.regions: the address of {name} must start with https://."));
                    }
                    if address.path() != "/" || address.query().is_some() || !address.username().is_empty() {
                        wrong.push(format!("realm.regions: the address of {name} is an origin; write https://host or https://host:port."));
                    }
                }
                Err(()) => {
                    wrong.push(format!("realm.regions: the address of {name} is none; write {name}=https://host."))
                }
            }
        }
        wrong
    }

    /// The regions, with the secret read.
    pub(crate) fn regions(&self, data: &DataConfig) -> Result<Option<trust::Regions>> {
        let Some(file) = self.secret_file.as_ref().filter(|_| !self.regions.is_empty()) else { return Ok(None) };
        let channel = Channel::read(file).map_err(|error| {
            Fault::broken("realm_secret", format!("realm.secret_file, {}: {error}", file.display()))
        })?;
        Ok(Some(trust::Regions { own: data.region.clone(), others: self.addresses(), channel }))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_is_wrong_with_it() {
        #[track_caller]
        fn check(own: &str, lines: &str, expected: Option<&str>) {
            let mistakes = toml::from_str::<RealmConfig>(lines).unwrap().mistakes(own);
            match expected {
                Some(words) => assert!(mistakes.iter().any(|text| text.contains(words)), "{mistakes:?}"),
                None => assert!(mistakes.is_empty(), "{mistakes:?}"),
            }
        }
        let with = |regions: &str| format!("secret_file = '/etc/steward/realm.secret'\nregions = [{regions}]");
        check("self-hosted", "", None);
        check("US", &with("'EU=https://steward-eu.example.com', 'AU = https://steward-au.example.com:8443/'"), None);
        check("US", &with("'EU=http://127.0.0.1:8444'"), None);
        check("US", "secret_file = '/etc/steward/realm.secret'", Some("go together"));
        check("US", "regions = ['EU=https://steward-eu.example.com']", Some("go together"));
        check("self-hosted", &with("'EU=https://steward-eu.example.com'"), Some("data.region"));
        check("US", &with("'EU=http://steward-eu.example.com'"), Some("https://"));
        check("US", &with("'EU=https://steward-eu.example.com/base'"), Some("an origin"));
        check("US", &with("'EU=https://me@steward-eu.example.com'"), Some("an origin"));
        check("US", &with("'US=https://steward-eu.example.com'"), Some("own region"));
        check("US", &with("'EU=https://a.example.com', 'EU=https://b.example.com'"), Some("there twice"));
        check("US", &with("'EU'"), Some("is none"));
        check("US", &with("'https://a.example.com'"), Some("write each"));
    }
}
