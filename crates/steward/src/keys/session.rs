//! How this server proves itself to a key service: a token from a file, which somebody else may write anew, or an
//! AppRole. It must never say a token, a role's secret, or anything that it read from such a file.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderValue;
use serde::Deserialize;
use vault::RootKeyFault;
use zeroize::Zeroizing;

use crate::config::KeyServiceConfig;

/// Others than the owner's group can read such a file: then anybody on the machine is this server.
const EVERYBODY: u32 = 0o007;
/// A token, a secret id: some dozens of bytes. What is longer is another file.
const SECRET_BYTES: u64 = 4096;

/// How it proves itself.
pub(super) enum Login {
    /// A token that lies in a file.
    TokenFile(PathBuf),
    /// A role, and a file with its secret.
    AppRole { mount: String, role_id: String, secret_id_file: PathBuf },
}

/// What the service said of a token.
#[derive(Deserialize)]
pub(super) struct Lease {
    #[serde(alias = "ttl", alias = "lease_duration")]
    pub(super) seconds: i64,
    #[serde(default)]
    pub(super) renewable: bool,
    #[serde(default)]
    pub(super) policies: Vec<String>,
}

/// A token in use.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) bearer: HeaderValue,
    pub(super) since: Timestamp,
    /// When half of it is over; `None` if it never ends, or nothing prolongs it.
    pub(super) renew_at: Option<Timestamp>,
}

impl Session {
    pub(super) fn new(bearer: HeaderValue, lease: &Lease, now: Timestamp) -> Self {
        let half = SignedDuration::from_secs(lease.seconds / 2);
        let renew_at = (lease.seconds > 0 && lease.renewable).then(|| now + half);
        Self { bearer, since: now, renew_at }
    }
}

impl Login {
    pub(super) fn of(config: &KeyServiceConfig) -> Option<Self> {
        match (&config.token_file, &config.role_id, &config.secret_id_file) {
            (Some(file), None, None) => Some(Self::TokenFile(file.clone())),
            (None, Some(role_id), Some(file)) => Some(Self::AppRole {
                mount: config.approle_mount.clone(),
                role_id: role_id.clone(),
                secret_id_file: file.clone(),
            }),
            _ => None,
        }
    }
}

/// What a token goes as.
pub(super) fn bearer(token: &str) -> Result<HeaderValue, RootKeyFault> {
    let text = Zeroizing::new(format!("Bearer {token}"));
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| RootKeyFault::Unavailable("the key service's token holds signs that no token has".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Reads a file that holds one secret.
pub(super) fn secret(setting: &str, path: &Path) -> Result<Zeroizing<String>, RootKeyFault> {
    let wrong = |why: String| RootKeyFault::Unavailable(format!("{setting}: {}: {why}", path.display()));
    let about = std::fs::metadata(path).map_err(|error| wrong(format!("it cannot be read: {error}")))?;
    let mode = about.mode() & 0o777;
    if mode & EVERYBODY != 0 {
        return Err(wrong(format!(
            "it has mode {mode:04o}, so that everybody here can read it; run `chmod 600` on it"
        )));
    }
    if about.len() > SECRET_BYTES {
        return Err(wrong(format!("it is longer than {SECRET_BYTES} bytes, which no token and no secret is")));
    }
    let text = std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|error| wrong(format!("it cannot be read: {error}")))?;
    let trimmed = Zeroizing::new(text.trim().to_owned());
    if trimmed.is_empty() { Err(wrong("it is empty".to_owned())) } else { Ok(trimmed) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[track_caller]
    fn check(content: &str, mode: u32, expected: Result<&str, &str>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        match (secret("data.root_key_service.token_file", &path), expected) {
            (Ok(read), Ok(expected)) => assert_eq!(read.as_str(), expected),
            (Err(fault), Err(words)) => {
                let told = fault.to_string();
                assert!(told.contains(words) && told.contains("token_file"), "{told}");
                assert!(content.trim().is_empty() || !told.contains(content.trim()), "{told}");
            }
            (read, _) => assert_eq!(read.map(|_| ()).map_err(|fault| fault.to_string()), Ok(())),
        }
    }

    #[test]
    fn files_of_secrets() {
        check("s.token\n", 0o600, Ok("s.token"));
        check("s.token", 0o440, Ok("s.token"));
        check("s.token", 0o644, Err("mode 0644"));
        check("\n", 0o600, Err("empty"));
        check(&"x".repeat(5000), 0o600, Err("4096 bytes"));
        assert!(secret("token_file", Path::new("/nowhere/token")).unwrap_err().to_string().contains("cannot be read"));
    }

    #[test]
    fn a_token_is_renewed_when_half_of_it_is_over() {
        let now: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        let renewed = |seconds, renewable| {
            let lease = Lease { seconds, renewable, policies: Vec::new() };
            Session::new(HeaderValue::from_static("x"), &lease, now).renew_at
        };
        assert_eq!(renewed(3600, true), Some("2026-03-01T00:30:00Z".parse().unwrap()));
        assert_eq!(renewed(3600, false), None);
        assert_eq!(renewed(0, true), None);
        assert!(!format!("{:?}", bearer("s.secret").unwrap()).contains("s.secret"));
        assert!(bearer("two\nlines").is_err());
    }
}
