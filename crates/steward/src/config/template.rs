//! The file that `steward init` writes: a configuration that lacks only what nobody else can know.

use std::path::Path;

use url::Url;

/// What the template says until somebody edits it: `steward doctor` finds it.
pub(crate) const UNTOUCHED_ORIGIN: &str = "https://steward.example.com";
/// The file for a role's secret id, beside the configuration.
pub(crate) const SECRET_ID: &str = "key-service-secret-id";
/// Likewise: no role has this id.
pub(crate) const UNTOUCHED_ROLE: &str = "the role_id that `bao read auth/approle/role/steward/role-id` tells";
/// Likewise: no app has this id.
pub(crate) const UNTOUCHED_APP: &str = "ari:cloud:ecosystem::app/00000000-0000-0000-0000-000000000000";

/// How the file that `steward init` writes names the root key.
pub enum RootKeyLines<'a> {
    /// A file.
    File(&'a Path),
    /// A key service at this address; the folder is for the files of its login.
    Service(&'a Url, &'a Path),
}

impl RootKeyLines<'_> {
    /// The lines within `[data]`, and the section after it.
    fn lines(&self) -> (String, String) {
        match self {
            Self::File(path) => (
                format!("# Never in the backups of the directory above.\nroot_key = \"{}\"\n", path.display()),
                String::new(),
            ),
            Self::Service(address, folder) => (
                String::new(),
                format!(
                    "\n# The root key: a key of OpenBao's or Vault's transit engine. `steward doctor` tries it, and says what its\n\
                     # policy lacks.\n[data.root_key_service]\naddress = \"{1}\"\nmount = \"transit\"\nkey = \"steward\"\n\
                     # The authority of its certificate, if it is your own.\n# ca_file = \"{0}/key-service-ca.pem\"\n\
                     # An AppRole; or instead of these two lines a token: token_file = \"{0}/key-service-token\"\n\
                     role_id = \"{UNTOUCHED_ROLE}\"\nsecret_id_file = \"{0}/{SECRET_ID}\"\n",
                    folder.display(),
                    address.as_str().trim_end_matches('/'),
                ),
            ),
        }
    }
}

/// The file that `steward init` writes.
pub fn template(directory: &Path, root_key: &RootKeyLines<'_>) -> String {
    let (of_data, section) = root_key.lines();
    format!(
        r#"# Steward. Environment variables go over this file: STEWARD_SERVER__ORIGIN sets server.origin.
# `steward doctor` says what is wrong with it.

[server]
# Where people and Forge reach this server.
origin = "{UNTOUCHED_ORIGIN}"
listen = "0.0.0.0:8443"
# Its own TLS; or, if a proxy in front of it speaks TLS, without these two lines:
#   listen = "127.0.0.1:8443"
#   behind_proxy = true
# A proxy on another machine or in another container cannot reach 127.0.0.1. Then listen on an address that only the
# proxy reaches (whoever else does, speaks to Steward without TLS) and say so:
#   proxy_on_other_machine = true
tls_certificate = "/etc/steward/tls/fullchain.pem"
tls_key = "/etc/steward/tls/privkey.pem"
# Who reads /metrics sends this as a bearer token. Without it: this machine only, and behind a proxy nobody.
# metrics_token = "…"          or STEWARD_SERVER__METRICS_TOKEN

[data]
directory = "{directory}"
{of_data}region = "EU"
# PostgreSQL instead of the files in the directory: two databases, backed up apart; on another machine with
# sslmode=verify-full.
# database = "postgres://…"    or STEWARD_DATA__DATABASE
# shelf = "postgres://…"       or STEWARD_DATA__SHELF
{section}
[forge]
# The id of the app that you registered; see deploy/forge. Sites that `steward site add` joins by a token need none:
# then leave this section out.
apps = ["{UNTOUCHED_APP}"]
# Sites that may become tenants, by cloud id (https://<site>/_edge/tenant_info tells it) or origin. Without this line any
# site that installs the app and names this server becomes a tenant: name yours if others can install the app.
# sites = ["https://example.atlassian.net"]
"#,
        directory = directory.display()
    )
}
