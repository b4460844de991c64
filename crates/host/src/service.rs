//! With what a site was joined that has no Forge app: the account that Steward calls it with, the secret that its
//! webhooks are signed with, the client that people sign in through. Sealed under keys of the class `credential`, read
//! anew for each use, so that a replaced token is felt at once on every node; never logged, never in an answer.

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use kernel::{Cx, Fault, KeyClass, Result, RowName, Sealed};
use reqwest::header::HeaderValue;
use serde::{Deserialize, Serialize};
use store::{Scoped, Store};
use vault::{Keys, Open, Place, Subject, Vault};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::client::authorize::header;
use crate::schema;
use crate::sql::{self, ServiceRow};

/// Atlassian's API tokens are about 200 characters.
const TOKEN_CHARS: usize = 1024;
/// The longest address that mail knows (RFC 5321).
const ACCOUNT_CHARS: usize = 254;
/// As much as the hash that is made with it.
const HOOK_BYTES: usize = 32;
/// Webhooks that come so soon after one that was noted are not: the note is for eyes, and a busy site tells often.
const HEARD: SignedDuration = SignedDuration::from_mins(1);

/// An account's e-mail address and API token; of a Data Center a personal access token alone, and of some service accounts theirs. No `Debug`, wiped on drop.
#[derive(Clone, Default, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct Login {
    /// Empty where the token says by itself whose it is.
    account: String,
    token: String,
}

impl Login {
    /// Checks the shapes; the error names the field and never quotes it.
    pub fn new(account: &str, token: &str) -> Result<Self> {
        let (account, token) = (account.trim(), token.trim());
        let plain = |text: &str| text.chars().all(|sign| sign.is_ascii_graphic());
        // A colon would end the account where the two are written together (RFC 7617).
        if !account.contains('@') || account.len() > ACCOUNT_CHARS || account.contains(':') || !plain(account) {
            return Err(Fault::invalid_field("/account", "format", "The account is named by its e-mail address."));
        }
        Ok(Self { account: account.to_owned(), token: token_in(token)? })
    }

    /// The token without its account, as some service accounts' are taken.
    pub(crate) fn bare(&self) -> Self {
        Self { account: String::new(), token: self.token.clone() }
    }

    /// Whether the token says by itself whose it is.
    pub(crate) fn is_bare(&self) -> bool {
        self.account.is_empty()
    }

    /// A personal access token of Data Center; likewise.
    pub fn personal(token: &str) -> Result<Self> {
        Ok(Self { account: String::new(), token: token_in(token.trim())? })
    }

    /// The value of `Authorization`.
    pub(crate) fn header(&self) -> Result<HeaderValue> {
        if self.account.is_empty() {
            return header(&self.token);
        }
        let pair = Zeroizing::new(format!("{}:{}", self.account, self.token));
        let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
        let mut value =
            HeaderValue::try_from(text.as_str()).map_err(|_| Fault::broken("login", "a login that is no header"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

fn token_in(text: &str) -> Result<String> {
    if text.is_empty() || text.len() > TOKEN_CHARS || !text.chars().all(|sign| sign.is_ascii_graphic()) {
        return Err(Fault::invalid_field(
            "/token",
            "format",
            format!("This is no token: it is one line of at most {TOKEN_CHARS} letters, digits and signs."),
        ));
    }
    Ok(text.to_owned())
}

/// A client of Atlassian's authorization server, or of a Data Center's own, as the developer console shows it. No `Debug`, wiped on drop.
#[derive(Clone, Default, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct OauthClient {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl OauthClient {
    /// Checks the shapes; the error names the field and never quotes it.
    pub fn new(id: &str, secret: &str) -> Result<Self> {
        let (id, secret) = (id.trim(), secret.trim());
        for (field, text) in [("/client", id), ("/secret", secret)] {
            if text.is_empty() || text.len() > TOKEN_CHARS || !text.chars().all(|sign| sign.is_ascii_graphic()) {
                return Err(Fault::invalid_field(field, "format", "Copy it from the app's page, Settings."));
            }
        }
        Ok(Self { id: id.to_owned(), secret: secret.to_owned() })
    }
}

/// A new secret for webhooks.
pub(crate) fn hook_secret() -> Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0; HOOK_BYTES]);
    rand::fill(bytes.as_mut()).map_err(|_| Fault::broken("hook_random", "no randomness"))?;
    Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_ref())))
}

/// The credentials of all tenants; cheap to clone.
#[derive(Clone)]
pub(crate) struct Services {
    store: Store,
    vault: Vault,
}

fn row_name(cx: &Cx) -> RowName {
    RowName::new().uuid(cx.tenant().0)
}

impl Services {
    pub(crate) fn new(store: Store, vault: Vault) -> Self {
        Self { store, vault }
    }

    async fn keys(&self, cx: &Cx) -> Result<Keys> {
        self.vault.keys(cx, KeyClass::Credential, Subject::Tenant).await
    }

    async fn row(&self, cx: &Cx) -> Result<ServiceRow> {
        let row = sql::service(&mut self.store.read(cx).await?).await?;
        row.ok_or_else(|| Fault::broken("service", "a site that was joined by a token, and no token"))
    }

    /// The account and its token.
    pub(crate) async fn login(&self, cx: &Cx) -> Result<Open<Login>> {
        let row = self.row(cx).await?;
        self.keys(cx).await?.open(&Place::new(&schema::SERVICE_LOGIN, row_name(cx)), &row.login)
    }

    /// What webhooks are signed with.
    pub(crate) async fn hook(&self, cx: &Cx) -> Result<Open<String>> {
        let row = self.row(cx).await?;
        self.keys(cx).await?.open(&Place::new(&schema::SERVICE_HOOK, row_name(cx)), &row.hook)
    }

    /// When a proven webhook last came, to the minute.
    pub(crate) async fn heard_at(&self, cx: &Cx) -> Result<Option<Timestamp>> {
        sql::service_heard_at(&mut self.store.read(cx).await?).await
    }

    /// Remembers that one came.
    pub(crate) async fn heard(&self, cx: &Cx) -> Result<()> {
        if self.heard_at(cx).await?.is_some_and(|last| cx.now().duration_since(last) < HEARD) {
            return Ok(());
        }
        let mut scoped = self.store.write(cx).await?;
        sql::service_heard(&mut scoped, cx).await?;
        scoped.commit().await
    }

    /// What people sign in through, if that was set up.
    pub(crate) async fn client(&self, cx: &Cx) -> Result<Option<Open<OauthClient>>> {
        let Some(client) = self.row(cx).await?.client else { return Ok(None) };
        self.keys(cx).await?.open(&Place::new(&schema::SERVICE_CLIENT, row_name(cx)), &client).map(Some)
    }

    /// Seals what a new site is joined with, before its transaction begins.
    pub(crate) async fn seal(
        &self,
        cx: &Cx,
        login: &Login,
        hook: &Zeroizing<String>,
        client: Option<&OauthClient>,
    ) -> Result<ServiceRow> {
        let keys = self.keys(cx).await?;
        let place = |column| Place::new(column, row_name(cx));
        Ok(ServiceRow {
            login: keys.seal(&place(&schema::SERVICE_LOGIN), login)?,
            hook: keys.seal(&place(&schema::SERVICE_HOOK), &**hook)?,
            client: client.map(|client| keys.seal(&place(&schema::SERVICE_CLIENT), client)).transpose()?,
        })
    }

    pub(crate) async fn seal_login(&self, cx: &Cx, login: &Login) -> Result<Sealed<Login>> {
        self.keys(cx).await?.seal(&Place::new(&schema::SERVICE_LOGIN, row_name(cx)), login)
    }

    pub(crate) async fn seal_client(&self, cx: &Cx, client: &OauthClient) -> Result<Sealed<OauthClient>> {
        self.keys(cx).await?.seal(&Place::new(&schema::SERVICE_CLIENT, row_name(cx)), client)
    }

    pub(crate) async fn write(&self, cx: &Cx) -> Result<Scoped> {
        self.store.write(cx).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins() {
        #[track_caller]
        fn check(account: &str, token: &str, expected: Option<&str>) {
            let made = Login::new(account, token);
            let wrong = made.as_ref().err().map(|fault| fault.fields().first().map(|field| field.pointer.as_str()));
            assert_eq!(wrong.flatten(), expected, "{account} {token}");
        }
        check("steward@acme.example", "ATATT3x-_=1", None);
        check(" steward@acme.example\n", "ATATT3x\n", None);
        check("steward", "t", Some("/account"));
        check("a:b@acme.example", "t", Some("/account"));
        check("a b@acme.example", "t", Some("/account"));
        check("a@acme.example", "", Some("/token"));
        check("a@acme.example", "two words", Some("/token"));
        check("a@acme.example", &"t".repeat(TOKEN_CHARS + 1), Some("/token"));
    }

    #[test]
    fn a_personal_token_stands_alone() {
        let text = |login: Result<Login>| {
            let header = login.and_then(|login| login.header()).ok()?;
            header.to_str().ok().map(str::to_owned)
        };
        assert_eq!(text(Login::personal(" NjA4+/= \n")).as_deref(), Some("Bearer NjA4+/="));
        assert_eq!(text(Login::personal("two words")), None);
        assert_eq!(text(Login::personal("")), None);
    }

    #[test]
    fn a_login_is_written_as_the_standard_says() {
        // RFC 7617, with an account that is an address.
        let login = Login::new("aladdin@example.com", "opensesame");
        let header = login.and_then(|login| login.header());
        let text = header.ok().and_then(|header| header.to_str().map(str::to_owned).ok());
        assert_eq!(text.as_deref(), Some("Basic YWxhZGRpbkBleGFtcGxlLmNvbTpvcGVuc2VzYW1l"));
    }
}
