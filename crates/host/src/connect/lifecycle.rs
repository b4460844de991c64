//! Installs and uninstalls: signed by Atlassian with a key of its own, taken once each.
//!
//! A token signs no body. What a body says is taken because Atlassian alone sends it, over TLS and with a token that is used
//! up by it; so nothing in one may lead beyond the site that the token names: its addresses are held to the operator's
//! list, and another tenant's name is never given. Start at [`Connect::install`].

use std::sync::Arc;

use jiff::Timestamp;
use kernel::{Cx, Fault, KeyClass, Result, TenantId};
use serde::Deserialize;
use serde_json::json;
use store::tenants::{self, Mode, NewTenant, State};
use store::{ledger, outbox};
use url::Url;
use vault::{Place, Subject};

use super::secrets::{self, Shared};
use super::token::{self, Refusal};
use super::{Connect, Request, name_of};
use crate::events::INSTALLED_TOPIC;
use crate::install::not_allowed;
use crate::sites::{Known, Site, SiteText};
use crate::sql;

/// Where Atlassian's own sites are.
const ATLASSIAN: [&str; 2] = [".atlassian.net", ".jira.com"];
/// How Forge names the installation that a Connect app becomes when it moves.
const FORGE_INSTALLATION: &str = "ari:cloud:ecosystem::installation/";
/// Atlassian's ids of clients and installations are far shorter.
const ID_CHARS: usize = 256;

/// An install that was proven, and not yet taken.
pub struct Installing {
    /// The site's tenant, made if it was not there.
    pub tenant: TenantId,
    token_hash: Vec<u8>,
    body: Body,
    site: Site,
}

/// An uninstall that was proven, and not yet taken.
pub struct Uninstalling {
    /// The site's tenant.
    pub tenant: TenantId,
    token_hash: Vec<u8>,
    known: Arc<Known>,
}

/// What a lifecycle call tells. Unknown fields come and go.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    key: String,
    client_key: String,
    #[serde(default)]
    shared_secret: String,
    #[serde(default)]
    base_url: String,
    display_url: Option<String>,
    oauth_client_id: Option<String>,
    installation_id: Option<String>,
    /// Where Atlassian's libraries look for a token too; we do not, and one more token is one too many.
    jwt: Option<serde::de::IgnoredAny>,
}

/// A proven lifecycle call.
struct Proven {
    body: Body,
    issued_at: Timestamp,
    token_hash: Vec<u8>,
}

impl Connect {
    async fn prove(&self, request: &Request<'_>, body: &[u8]) -> Result<Proven> {
        let config = &self.0.config;
        let token = token::carried(request.authorization, request.query).map_err(Refusal::fault)?;
        let kid = token::key_id(&token).map_err(Refusal::fault)?;
        let body: Body = serde_json::from_slice(body)
            .map_err(|_| Fault::invalid("body_malformed", "The body is not what Connect tells of an install."))?;
        if body.jwt.is_some() {
            return Err(Refusal::Twice.fault());
        }
        let key = self.0.keys.key(&kid).await?;
        let now = self.0.clock.now();
        let issued_at = token::installed(&token, &key, &body.client_key, &config.ours, &request.hash(), now)
            .map_err(Refusal::fault)?;
        if body.key != config.app {
            return Err(Fault::invalid_field("/key", "unknown", "This server is another app's."));
        }
        Ok(Proven { body, issued_at, token_hash: secrets::token_hash(&token) })
    }

    /// Proves an install, and makes a tenant of the site if it has none. Whoever asks mints a context of the tenant and goes
    /// on with [`accept_install`](Self::accept_install).
    ///
    /// # Errors
    /// `Unauthenticated` with `token_missing`, `token_invalid`, `token_expired`, `token_replayed`, `site_not_allowed`; `Busy`
    /// with `token_keys_unavailable`; `Invalid` for a body that lacks something.
    pub async fn install(&self, request: &Request<'_>, body: &[u8]) -> Result<Installing> {
        let Proven { body, issued_at, token_hash } = self.prove(request, body).await?;
        if !secrets::is_secret(&body.shared_secret) {
            return Err(Fault::invalid_field(
                "/sharedSecret",
                "format",
                "A secret has 32 to 128 letters, digits and signs.",
            ));
        }
        let site = self.site_of(&body)?;
        let name = name_of(&body.client_key);
        let found = tenants::by_name::<SiteText>(&self.0.store, &name).await?;
        let tenant = match found {
            Some(row) if row.state != State::Gone => row.id,
            // Told before the site left: what it installed is gone again.
            Some(row) if issued_at <= row.state_at => return Err(Refusal::Replayed.fault()),
            _ => self.join(&body.client_key, &name, &site).await?,
        };
        self.0.sites.of(tenant).await?;
        Ok(Installing { tenant, token_hash, body, site })
    }

    fn site_of(&self, body: &Body) -> Result<Site> {
        let wrong = |field: &'static str| Fault::invalid_field(field, "format", "This is no address of a site.");
        let api_base = address(&body.base_url).ok_or_else(|| wrong("/baseUrl"))?;
        if !may_join(&self.0.config.sites, &api_base) {
            return Err(not_allowed());
        }
        let url = match body.display_url.as_deref().filter(|url| !url.is_empty()) {
            Some(display) => address(display).ok_or_else(|| wrong("/displayUrl"))?,
            None => api_base.clone(),
        };
        Ok(Site { url: Some(url), api_base })
    }

    async fn join(&self, client_key: &str, name: &str, site: &Site) -> Result<TenantId> {
        let parts = &self.0;
        let (id, now) = (TenantId::fresh(), parts.clock.now());
        let keys = parts.vault.keys_of(id, KeyClass::Data, Subject::Tenant, now).await?;
        let new = NewTenant {
            id,
            // A site that comes back after it left is another installation under the same name.
            installation: &format!("{}:{id}", Mode::Connect.name()),
            cloud: client_key,
            mode: Mode::Connect,
            region: &parts.region,
            site: keys.seal(&Place::new(tenants::SITE, tenants::row_name(id)), &SiteText::from(site))?,
            at: now,
        };
        if tenants::install_named(&parts.store, new, name).await? {
            parts.names.invalidate(client_key).await;
            return Ok(id);
        }
        // Another call of the same site was first: the keys just made are nobody's.
        parts.vault.destroy_tenant(id).await?;
        let row = tenants::by_name::<SiteText>(&parts.store, name).await?;
        row.map(|row| row.id).ok_or_else(|| Fault::broken("connect_install", "a site that is there and is not"))
    }

    /// Takes an install: the token is used up, the secret kept, the site's addresses too, all in one transaction. What was
    /// signed with the secret before is taken a while longer.
    ///
    /// # Errors
    /// `token_replayed` (Unauthenticated).
    pub async fn accept_install(&self, cx: &Cx, installing: &Installing) -> Result<()> {
        let (parts, body) = (&self.0, &installing.body);
        let known = parts.sites.of(cx.tenant()).await?;
        // A site that went on to Forge is called as Forge says.
        let moves = known.mode == Mode::Connect && known.site != installing.site;
        let sealed_site =
            if moves {
                let keys = parts.vault.keys(cx, KeyClass::Data, Subject::Tenant).await?;
                Some(keys.seal(
                    &Place::new(tenants::SITE, tenants::row_name(cx.tenant())),
                    &SiteText::from(&installing.site),
                )?)
            } else {
                None
            };
        let shared = Shared::new(&body.client_key, &body.shared_secret, id(body.oauth_client_id.as_deref()));
        let keys = parts.secrets.keys(cx).await?;
        let mut scoped = parts.store.write(cx).await?;
        if !sql::invocation_record(&mut scoped, cx, &installing.token_hash).await? {
            return Err(Refusal::Replayed.fault());
        }
        parts.secrets.put(&mut scoped, cx, &keys, shared).await?;
        if let Some(site) = sealed_site {
            tenants::set_site(&mut scoped, site, &known.cloud).await?;
        }
        let forge = id(body.installation_id.as_deref()).filter(|id| id.starts_with(FORGE_INSTALLATION));
        if let Some(installation) = forge {
            // From now on Forge's calls are this tenant's. A name that is somebody's stays theirs.
            tenants::give_name(&mut scoped, installation, cx.now()).await?;
        }
        let is_new = ledger::list(&mut scoped, 0, 1).await?.is_empty();
        let kind = if is_new { "tenant.installed" } else { "host.credential_replaced" };
        ledger::append(&mut scoped, cx, ledger::Entry { kind, ..ledger::Entry::default() }).await?;
        if is_new {
            outbox::put(&mut scoped, cx, INSTALLED_TOPIC, &json!({})).await?;
        }
        scoped.commit().await?;
        parts.secrets.forget(cx.tenant());
        if moves {
            parts.sites.forget(cx.tenant()).await;
        }
        Ok(())
    }

    /// Proves an uninstall; nothing if the site is not here, or no longer.
    ///
    /// # Errors
    /// As [`install`](Self::install).
    pub async fn uninstall(&self, request: &Request<'_>, body: &[u8]) -> Result<Option<Uninstalling>> {
        let Proven { body, issued_at, token_hash } = self.prove(request, body).await?;
        let row = tenants::by_name::<SiteText>(&self.0.store, &name_of(&body.client_key)).await?;
        let Some(row) = row.filter(|row| row.state != State::Gone) else { return Ok(None) };
        // Tokens count in seconds. One of an installation before this one must not end it.
        if issued_at.as_second() < row.created_at.as_second() {
            return Err(Refusal::Replayed.fault());
        }
        Ok(Some(Uninstalling { tenant: row.id, token_hash, known: self.0.sites.of(row.id).await? }))
    }

    /// Takes an uninstall: the tenant is gone, in the transaction that uses the token up. One that went on to Forge stays, and
    /// loses Connect's secret alone.
    ///
    /// # Errors
    /// `token_replayed` (Unauthenticated).
    pub async fn accept_uninstall(&self, cx: &Cx, uninstalling: &Uninstalling) -> Result<()> {
        let mut scoped = self.0.store.write(cx).await?;
        if !sql::invocation_record(&mut scoped, cx, &uninstalling.token_hash).await? {
            return Err(Refusal::Replayed.fault());
        }
        if uninstalling.known.mode == Mode::Connect {
            return self.0.sites.depart(cx, scoped).await;
        }
        sql::connect_secret_drop(&mut scoped).await?;
        let entry = ledger::Entry { kind: "host.connect_left", ..ledger::Entry::default() };
        ledger::append(&mut scoped, cx, entry).await?;
        scoped.commit().await?;
        self.0.secrets.forget(cx.tenant());
        Ok(())
    }
}

/// Whether the operator lets this site become a tenant.
fn may_join(allowed: &[Url], site: &Url) -> bool {
    if !allowed.is_empty() {
        return allowed.iter().any(|one| one.origin() == site.origin());
    }
    let atlassians = site.host_str().is_some_and(|host| ATLASSIAN.iter().any(|end| host.ends_with(end)));
    atlassians && site.scheme() == "https" && site.port().is_none()
}

/// A site's address, with nothing in it that an address of a site has not.
fn address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && matches!(url.scheme(), "https" | "http")
        && url.host_str().is_some();
    bare.then_some(url)
}

fn id(text: Option<&str>) -> Option<&str> {
    text.filter(|text| (1..=ID_CHARS).contains(&text.len()) && text.chars().all(|sign| sign.is_ascii_graphic()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn which_sites_join() {
        #[track_caller]
        fn check(allowed: &[&str], site: &str, expected: bool) {
            let allowed: Vec<Url> = allowed.iter().map(|one| Url::parse(one).unwrap()).collect();
            assert_eq!(address(site).is_some_and(|site| may_join(&allowed, &site)), expected, "{site}");
        }
        check(&[], "https://acme.atlassian.net", true);
        check(&[], "https://acme.jira.com/", true);
        check(&[], "http://acme.atlassian.net", false);
        check(&[], "https://acme.atlassian.net:8443", false);
        check(&[], "https://atlassian.net", false);
        check(&[], "https://acme.atlassian.net.evil.example", false);
        check(&[], "https://evilatlassian.net", false);
        check(&[], "https://user@acme.atlassian.net", false);
        check(&[], "https://acme.atlassian.net?a", false);
        check(&[], "ftp://acme.atlassian.net", false);
        check(&[], "https://169.254.169.254", false);
        let only = ["https://acme.atlassian.net"];
        check(&only, "https://acme.atlassian.net", true);
        check(&only, "https://other.atlassian.net", false);
        check(&["http://127.0.0.1:8080"], "http://127.0.0.1:8080", true);
        check(&["http://127.0.0.1:8080"], "http://127.0.0.1:8081", false);
    }
}
