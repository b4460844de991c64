//! Calls to Jira as a Connect app: each signed for itself, or with a token to act as a person.

use bytes::Bytes;
use jiff::Timestamp;
use kernel::{AccountId, Fault, Result};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::{Secrets, Shared, qsh, token};
use crate::door::Outward;
use crate::fault::unexpected;

/// As whom an app asks for tokens (RFC 7523).
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// What a person's token may be used for.
const SCOPE: &str = "READ WRITE";

/// What calls through Connect are made with; cheap to clone.
#[derive(Clone)]
pub(crate) struct Signing {
    pub(crate) app: String,
    pub(crate) authorization: Url,
    pub(crate) secrets: Secrets,
}

/// Signs the calls of one site. No `Debug`, wiped on drop.
pub(crate) struct Signer {
    secret: Zeroizing<String>,
    app: String,
    client_key: String,
}

impl Signing {
    pub(crate) fn signer(&self, shared: &Shared) -> Signer {
        let secret = Zeroizing::new(shared.secret().to_owned());
        Signer { secret, app: self.app.clone(), client_key: shared.client_key().to_owned() }
    }
}

/// What the authorization server answers.
#[derive(Deserialize)]
pub(crate) struct Granted {
    pub(crate) access_token: String,
    pub(crate) expires_in: u64,
}

impl Signer {
    /// The value of `Authorization` for one call below a site's address.
    pub(crate) fn header(&self, method: &Method, base: &Url, url: &Url, now: Timestamp) -> Result<HeaderValue> {
        let path = below(base, url)?;
        let hash = qsh::of(method.as_str(), path, url.query().unwrap_or_default());
        let signed = token::sign(self.secret.as_bytes(), &self.app, &self.client_key, &hash, now)
            .map_err(|refusal| Fault::broken("connect_sign", format!("{refusal:?}")))?;
        let mut value = HeaderValue::try_from(format!("JWT {signed}"))
            .map_err(|_| Fault::broken("connect_sign", "a token that is no header"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// An address's path below a base, as it is sent.
fn below<'a>(base: &Url, url: &'a Url) -> Result<&'a str> {
    let prefix = base.path().strip_suffix('/').unwrap_or(base.path());
    let path = url.path().strip_prefix(prefix).filter(|path| path.starts_with('/'));
    path.filter(|_| url.origin() == base.origin()).ok_or_else(|| unexpected("a call beside the site that signs it"))
}

/// Asks for a token to act as a person.
pub(crate) fn asking(
    signing: &Signing,
    signer: &Signer,
    oauth_client: &str,
    person: &AccountId,
    site: &Url,
    now: Timestamp,
) -> Result<Outward> {
    // As the install named it: without the slash that an address as a value has.
    let site = site.as_str().trim_end_matches('/');
    let assertion = token::assertion(signer.secret.as_bytes(), oauth_client, person, site, now)
        .map_err(|refusal| Fault::broken("connect_sign", format!("{refusal:?}")))?;
    let url = signing.authorization.join("/oauth2/token").map_err(|error| Fault::broken("connect_token", error))?;
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", GRANT)
        .append_pair("assertion", &assertion)
        .append_pair("scope", SCOPE)
        .finish();
    let mut call = Outward::new(Method::POST, url);
    call.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    call.body = Some(Bytes::from(form));
    Ok(call)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_of_an_address_is_signed() {
        #[track_caller]
        fn check(base: &str, url: &str, expected: Option<&str>) {
            let (base, url) = (Url::parse(base).unwrap(), Url::parse(url).unwrap());
            assert_eq!(below(&base, &url).ok(), expected, "{base} {url}");
        }
        check("https://acme.atlassian.net", "https://acme.atlassian.net/rest/api/3/myself", Some("/rest/api/3/myself"));
        check("https://acme.example/jira", "https://acme.example/jira/rest/a%20b?c=d", Some("/rest/a%20b"));
        check("https://acme.example/jira/", "https://acme.example/jira/rest", Some("/rest"));
        check("https://acme.example/jira", "https://acme.example/jirafe/rest", None);
        check("https://acme.example/jira", "https://acme.example/rest", None);
        check("https://acme.example", "https://other.example/rest", None);
        check("https://acme.example", "https://acme.example:444/rest", None);
    }
}
