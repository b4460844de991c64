//! Sites that an operator joins with an account's token, and no Forge app, Cloud and Data Center: looked at before anything is said,
//! joined, looked at again, given another token, left.
//!
//! It must never send a token to a place that has not said it is a Jira, but for the gateway that the configuration names, and never keep one that was not proven. Start at
//! [`Look::at`] and [`ClientLook`] for what is proven, and at [`Joining::join`] for what is then kept.

mod client;
mod cloud;
mod data_center;
mod look;
mod scopes;
mod telling;

use jiff::Timestamp;
use kernel::{Cx, Fault, KeyClass, Result, TenantId};
use serde_json::json;
use store::tenants::{self, Mode, NewTenant, State, Tenant};
use store::{Store, ledger, outbox};
use url::Url;
use vault::{Place, Subject, Vault};
use zeroize::Zeroizing;

use crate::address::Networks;
use crate::door;
use crate::events::INSTALLED_TOPIC;
use crate::service::{Login, OauthClient, Services, hook_secret};
use crate::sites::{Known, Site, SiteText, Sites};
use crate::sql;

pub use client::ClientLook;
pub use look::{Deployment, Finding, Look, Probe, Probed};
pub use telling::{Hook, HookAddress, Telling};

/// Parts of a path that a Data Center may live below, at most: `https://example.com/tools/jira` has two.
const LEVELS: usize = 3;
/// Tenants read at once.
const PAGE: u32 = 200;

pub(crate) struct Parts {
    pub(crate) region: String,
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    pub(crate) sites: Sites,
    pub(crate) services: Services,
}

/// Joining sites; cheap to clone.
#[derive(Clone)]
pub struct Joining(std::sync::Arc<Parts>);

/// A tenant, for its operator's eyes.
pub struct Listed {
    /// The tenant.
    pub tenant: TenantId,
    /// How it is joined.
    pub mode: Mode,
    /// Whether it is served.
    pub state: State,
    /// Its addresses; absent once it left, or while it is locked.
    pub known: Option<std::sync::Arc<Known>>,
    /// Since when it is a tenant.
    pub created_at: jiff::Timestamp,
}

/// A site that was joined just now.
pub struct Joined {
    /// What Jira is to sign its webhooks with.
    pub hook_secret: Zeroizing<String>,
}

fn row_name(tenant: TenantId) -> kernel::RowName {
    tenants::row_name(tenant)
}

impl Joining {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(std::sync::Arc::new(parts))
    }

    /// The address of a site as somebody types it: with or without `https://`, with whatever page was open.
    ///
    /// # Errors
    /// `Invalid`, with what to write; what this server's configuration does not let it call is refused here, before
    /// anything is sent.
    pub fn address_in(networks: Networks, typed: &str) -> Result<Url> {
        let typed = typed.trim();
        let wrong = |why: &str| {
            Fault::invalid_field(
                "/address",
                "format",
                format!("{why} Write https://name.atlassian.net, or https://jira.example.com/path."),
            )
        };
        let text = if typed.contains("://") { typed.to_owned() } else { format!("https://{typed}") };
        let mut url = Url::parse(&text).map_err(|_| wrong("This is no address."))?;
        if url.host_str().is_none_or(|host| !host.contains('.') && host != "localhost") {
            return Err(wrong("This is no address of a site."));
        }
        // Whatever page was open: no more of its path than a Data Center may live below.
        let parts = url.path_segments().into_iter().flatten().filter(|part| !part.is_empty()).take(LEVELS);
        let path: String = parts.map(|part| format!("/{part}")).collect();
        url.set_path(&format!("{path}/"));
        url.set_query(None);
        url.set_fragment(None);
        door::shape(&url, networks).map_err(|_| {
            Fault::invalid_field(
                "/address",
                "not_allowed",
                "This server may not call this address: it needs https://, a public one, and no credentials in it. \
                 network.allow_private and network.allow_loopback in the configuration say otherwise.",
            )
        })?;
        Ok(url)
    }

    /// Every tenant, in the order of their joining.
    pub async fn list(&self) -> Result<Vec<Listed>> {
        let (mut all, mut after) = (Vec::new(), TenantId::SERVER);
        loop {
            let rows: Vec<Tenant<SiteText>> = tenants::list(&self.0.store, after, PAGE).await?;
            let Some(last) = rows.last() else { return Ok(all) };
            after = last.id;
            for row in rows {
                let known = if row.state == State::Active { Some(self.0.sites.of(row.id).await?) } else { None };
                let Tenant { id: tenant, mode, state, created_at, .. } = row;
                all.push(Listed { tenant, mode, state, known, created_at });
            }
        }
    }

    /// Since when the context's tenant's site neither calls nor takes a call, as far as was seen once a day.
    pub async fn silent_since(&self, cx: &Cx) -> Result<Option<jiff::Timestamp>> {
        sql::silence(&mut self.0.store.read(cx).await?).await
    }

    /// Makes the context's tenant of a site that was looked at, whatever the installation before it was.
    ///
    /// # Errors
    /// `site_joined` (Conflict) for a site that is a tenant already.
    pub async fn join(&self, cx: &Cx, probed: &Probed, login: &Login, client: Option<&OauthClient>) -> Result<Joined> {
        let parts = &self.0;
        let mode = probed.deployment.mode();
        let mut before = 0_u32;
        for listed in self.list().await? {
            match &listed.known {
                // Connect tells no id of the site. Several of Data Center may live at one origin.
                Some(known)
                    if known.cloud == probed.cloud || (mode != Mode::DataCenter && is_at(known, &probed.site)) =>
                {
                    return Err(joined_already(known.mode));
                }
                _ => before += 1,
            }
        }
        let hook = hook_secret()?;
        let brought = parts.services.seal(cx, &probed.taken(login), &hook, client).await?;
        let keys = parts.vault.keys(cx, KeyClass::Data, Subject::Tenant).await?;
        let site = Site { url: Some(probed.site.clone()), api_base: probed.api_base.clone() };
        // Two operators who join one site at once claim the same name, and one of them is told.
        let installation = format!("{}:{}:{before}", mode.name(), probed.cloud);
        let new = NewTenant {
            id: cx.tenant(),
            installation: &installation,
            cloud: &probed.cloud,
            mode,
            region: &parts.region,
            site: keys.seal(&Place::new(tenants::SITE, row_name(cx.tenant())), &SiteText::from(&site))?,
            at: cx.now(),
        };
        if !tenants::install(&parts.store, new).await? {
            parts.vault.destroy_tenant(cx.tenant()).await?;
            return Err(joined_already(mode));
        }
        let mut scoped = parts.services.write(cx).await?;
        sql::service_put(&mut scoped, cx, brought).await?;
        ledger::append(&mut scoped, cx, ledger::Entry { kind: "tenant.installed", ..ledger::Entry::default() }).await?;
        outbox::put(&mut scoped, cx, INSTALLED_TOPIC, &json!({})).await?;
        scoped.commit().await?;
        Ok(Joined { hook_secret: hook })
    }

    /// The account and token that the context's tenant is called with.
    pub async fn login(&self, cx: &Cx) -> Result<Login> {
        Ok(self.0.services.login(cx).await?.peek().clone())
    }

    /// What Jira signs the context's tenant's webhooks with.
    pub async fn hook_secret(&self, cx: &Cx) -> Result<Zeroizing<String>> {
        Ok(Zeroizing::new(self.0.services.hook(cx).await?.peek().clone()))
    }

    /// When a webhook of the context's tenant last came and was proven, to the minute; whether Jira reaches this server at all.
    pub async fn heard_at(&self, cx: &Cx) -> Result<Option<Timestamp>> {
        self.0.services.heard_at(cx).await
    }

    /// Whether people can sign in.
    pub async fn has_client(&self, cx: &Cx) -> Result<bool> {
        Ok(self.0.services.client(cx).await?.is_some())
    }

    /// Puts another account or token, which was looked at, in the place of the one before. The next call takes it; where it is
    /// taken elsewhere than the one before, so does each other node within half a minute. True if it is.
    pub async fn replace(&self, cx: &Cx, probed: &Probed, login: &Login) -> Result<bool> {
        let sealed = self.0.services.seal_login(cx, &probed.taken(login)).await?;
        let known = self.0.sites.of(cx.tenant()).await?;
        let site = Site { url: known.site.url.clone(), api_base: probed.api_base.clone() };
        let moves = site != known.site;
        let keys = self.0.vault.keys(cx, KeyClass::Data, Subject::Tenant).await?;
        let place = Place::new(tenants::SITE, row_name(cx.tenant()));
        let site = moves.then(|| keys.seal(&place, &SiteText::from(&site))).transpose()?;
        let mut scoped = self.0.services.write(cx).await?;
        sql::service_login(&mut scoped, cx, sealed).await?;
        if let Some(site) = site {
            tenants::set_site(&mut scoped, site, &known.cloud).await?;
        }
        let entry = ledger::Entry { kind: "host.credential_replaced", ..ledger::Entry::default() };
        ledger::append(&mut scoped, cx, entry).await?;
        scoped.commit().await?;
        self.0.sites.forget(cx.tenant()).await;
        Ok(moves)
    }

    /// Says through which client people sign in.
    pub async fn set_client(&self, cx: &Cx, client: &OauthClient) -> Result<()> {
        let sealed = self.0.services.seal_client(cx, client).await?;
        let mut scoped = self.0.services.write(cx).await?;
        sql::service_client(&mut scoped, cx, sealed).await?;
        let entry = ledger::Entry { kind: "host.sign_in_set", ..ledger::Entry::default() };
        ledger::append(&mut scoped, cx, entry).await?;
        scoped.commit().await
    }

    /// The context's tenant leaves: nothing of it opens from now on; its keys and rows are destroyed by the server.
    pub async fn leave(&self, cx: &Cx) -> Result<()> {
        self.0.sites.depart(cx, self.0.services.write(cx).await?).await
    }
}

/// Whether a tenant's site is the one at this address.
fn is_at(known: &Known, site: &Url) -> bool {
    let addresses = [known.site.url.as_ref(), Some(&known.site.api_base)];
    addresses.into_iter().flatten().any(|one| one.origin() == site.origin())
}

fn joined_already(mode: Mode) -> Fault {
    let how = match mode {
        Mode::Forge => "by its Forge app, which does more than a token can",
        Mode::CloudToken | Mode::DataCenter => "by a token; `steward site token` replaces it",
        Mode::Connect => "by its Connect app; uninstall that in Jira first",
    };
    Fault::duplicate("site_joined", format!("This site is joined already, {how}."))
}
