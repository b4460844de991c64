//! The collector that traces go to.

use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

/// Where traces go, if anywhere.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TracesConfig {
    /// A collector that takes OpenTelemetry over HTTP; spans go to `v1/traces` below it. Without one nothing is traced.
    pub address: Option<Url>,
    /// A file whose words are sent as `Authorization`.
    pub authorization_file: Option<PathBuf>,
    /// Which part of requests and jobs is traced, from 0 to 1.
    pub ratio: f64,
}

impl Default for TracesConfig {
    fn default() -> Self {
        Self { address: None, authorization_file: None, ratio: 1.0 }
    }
}

impl TracesConfig {
    pub(super) fn mistakes(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if let Some(address) = &self.address {
            if !address.username().is_empty() || address.password().is_some() {
                wrong.push("traces.address: no credentials stand in it; give authorization_file.".to_owned());
            }
            if address.query().is_some() || address.fragment().is_some() {
                wrong.push("traces.address: a host and perhaps a path; write http://127.0.0.1:4318.".to_owned());
            }
            let local = address.host_str().is_some_and(super::on_this_machine);
            if address.scheme() != "https" && !(address.scheme() == "http" && local) {
                wrong.push("traces.address: it must start with https://, on another machine than this one.".to_owned());
            }
        } else if self.authorization_file.is_some() {
            wrong.push("traces.authorization_file: it goes with traces.address.".to_owned());
        }
        if !(0.0..=1.0).contains(&self.ratio) {
            wrong.push("traces.ratio: 0 to 1.".to_owned());
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
            let mistakes = toml::from_str::<TracesConfig>(lines).unwrap().mistakes();
            match expected {
                Some(words) => assert!(mistakes.iter().any(|text| text.contains(words)), "{mistakes:?}"),
                None => assert!(mistakes.is_empty(), "{mistakes:?}"),
            }
        }
        check("", None);
        check("address = 'http://127.0.0.1:4318'", None);
        check("address = 'http://[::1]:4318/'\nratio = 0.1", None);
        check("address = 'https://otlp.example.com/otlp'\nauthorization_file = '/etc/steward/otlp'", None);
        check("address = 'http://otlp.example.com'", Some("https://"));
        check("address = 'https://me:hunter2@otlp.example.com'", Some("no credentials"));
        check("address = 'https://otlp.example.com/?key=1'", Some("a host"));
        check("authorization_file = '/etc/steward/otlp'", Some("goes with"));
        check("ratio = 1.5", Some("0 to 1"));
        check("ratio = nan", Some("0 to 1"));
    }
}
