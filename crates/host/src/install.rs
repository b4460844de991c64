//! What comes in from Forge: proven, tied to a tenant, and settled in one transaction.
//!
//! A verified token of an installation that is not known makes its tenant: with a customer-managed remote, `installed`
//! is told before anybody typed our address. But of a site that had the Connect app it takes that one's place. An installation that left stays gone; installing again is another
//! installation. Start at [`Inbound::verify`].

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::digest;
use futures::FutureExt;
use jiff::SignedDuration;
use jobs::{Handler, Outcome};
use kernel::{AccountId, Clock, Cx, Fault, KeyClass, Result, Sealed, TenantId};
use moka::future::Cache;
use serde_json::{Value, json};
use store::tenants::{self, Mode, NewTenant, State};
use store::{Scoped, Store, ledger, outbox};
use url::Url;
use vault::{Place, Subject, Vault};

use crate::client::authorize::no_access;
use crate::client::{As, BACKGROUND, Cloud, Jira};
use crate::connect::{self, ClientKeys};
use crate::data_center::Users;
use crate::events::{self, INSTALLED_TOPIC};
use crate::forge::jwks::SigningKeys;
use crate::forge::token::{self, Invocation, Refusal, Rules};
use crate::service::Services;
use crate::settling::Settling;
use crate::sites::{Known, Site, SiteText, Sites};
use crate::sql::{self, TokenRow};
use crate::tokens::{Presented, Tokens};

/// Installations whose tenant is kept in memory; it never changes.
const KNOWN_INSTALLATIONS: u64 = 10_000;
const INSTALLATION_TIME: Duration = Duration::from_secs(600);
/// Tenants looked through at once.
const TENANTS: u32 = 200;
/// A tenant that was not welcomed in its first day never will be.
const NEW_FOR: SignedDuration = SignedDuration::from_hours(24);

/// The headers of a call from Forge that matter.
#[derive(Clone, Copy, Default)]
pub struct ForgeHeaders<'a> {
    /// `authorization`.
    pub authorization: Option<&'a str>,
    /// `x-forge-oauth-system`.
    pub system_token: Option<&'a str>,
    /// `x-forge-oauth-user`.
    pub user_token: Option<&'a str>,
}

/// A call from Forge that was verified, and not yet settled: its token may have been used before.
pub struct Call {
    /// Whose.
    pub tenant: TenantId,
    /// The tenant's site.
    pub known: Arc<Known>,
    /// What the token says.
    pub invocation: Invocation,
    system_token: Option<Presented>,
    user_token: Option<Presented>,
}

impl Call {
    /// The person who calls. Anonymous visitors share one id and are nobody.
    pub fn person(&self) -> Result<&AccountId> {
        self.invocation
            .principal
            .as_ref()
            .ok_or_else(|| Fault::unauthenticated("person_required", "Sign in to Jira to use this page."))
    }
}

/// The door in; cheap to clone.
#[derive(Clone)]
pub struct Inbound(pub(crate) Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) rules: Rules,
    /// Cloud ids and origins of sites that may become tenants; empty: all.
    pub(crate) allowed: Vec<String>,
    pub(crate) region: String,
    pub(crate) keys: SigningKeys,
    /// How Jira is asked which site of Connect's calls, if this server is a Connect app too.
    pub(crate) client_keys: Option<ClientKeys>,
    pub(crate) sites: Sites,
    pub(crate) tokens: Tokens,
    pub(crate) services: Services,
    pub(crate) users: Users,
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tenants: Cache<String, TenantId>,
    pub(crate) settling: Settling,
}

pub(crate) fn tenant_cache() -> Cache<String, TenantId> {
    Cache::builder().max_capacity(KNOWN_INSTALLATIONS).time_to_live(INSTALLATION_TIME).build()
}

impl Inbound {
    /// Proves that Forge calls, and for which tenant. Nothing is settled yet: whoever asks mints a context of the
    /// tenant and goes on with [`settle`](Self::settle) or one of the `accept_…`.
    ///
    /// # Errors
    /// `Unauthenticated` with `token_missing`, `token_invalid`, `token_expired`, `tenant_gone`, `tenant_locked`,
    /// `site_not_allowed`; `Busy`
    /// with `token_keys_unavailable`, and while Jira does not say whether it is a site of Connect's that calls.
    pub async fn verify(&self, headers: &ForgeHeaders<'_>) -> Result<Call> {
        let parts = &self.0;
        let bearer = token::bearer(headers.authorization).map_err(Refusal::fault)?;
        let kid = token::key_id(bearer).map_err(Refusal::fault)?;
        let key = parts.keys.key(&kid).await?;
        let invocation = token::verify(bearer, &key, &parts.rules, parts.clock.now()).map_err(Refusal::fault)?;
        let system_token = Presented::read(headers.system_token);
        let tenant = self.tenant_of(&invocation, system_token.as_ref()).await?;
        Ok(Call {
            tenant,
            known: parts.sites.of(tenant).await?,
            invocation,
            system_token,
            user_token: Presented::read(headers.user_token),
        })
    }

    async fn tenant_of(&self, invocation: &Invocation, system: Option<&Presented>) -> Result<TenantId> {
        let parts = &self.0;
        if let Some(tenant) = parts.tenants.get(&invocation.installation).await {
            return Ok(tenant);
        }
        let tenant = match tenants::by_installation::<SiteText>(&parts.store, &invocation.installation).await? {
            Some(row) => row.id,
            None => match tenants::by_name::<SiteText>(&parts.store, &invocation.installation).await? {
                Some(row) => self.takes_over(row.id, invocation).await?,
                None => match self.former(invocation, system).await? {
                    Some(tenant) => self.takes_over(tenant, invocation).await?,
                    None => self.install(invocation).await?,
                },
            },
        };
        parts.tenants.insert(invocation.installation.clone(), tenant).await;
        Ok(tenant)
    }

    /// The tenant of a site of Connect's that nobody told the installation's name of: Jira says which site it was. It is asked only while there are
    /// such sites, and a tenant of its own is made only when it said no: nothing would ever join the two.
    async fn former(&self, invocation: &Invocation, system: Option<&Presented>) -> Result<Option<TenantId>> {
        let parts = &self.0;
        let Some(client_keys) = &parts.client_keys else { return Ok(None) };
        if !may_join(&parts.allowed, invocation) || !tenants::any_in_mode(&parts.store, Mode::Connect).await? {
            return Ok(None);
        }
        let said = client_keys.of(invocation, system).boxed().await;
        let elsewhere = !matches!(said, Ok(Some(_))) && self.is_elsewhere(invocation).await?;
        let client_key = match said {
            Ok(Some(client_key)) => client_key,
            // Whoever looks at a page may send any token along with it, to which Jira says no. Where the page stands is signed.
            _ if elsewhere => return Ok(None),
            Ok(None) if invocation.site_url.is_none() => return Ok(None),
            Ok(None) => return Err(no_access()),
            Err(fault) => return Err(fault),
        };
        let row = tenants::by_name::<SiteText>(&parts.store, &connect::name_of(&client_key)).await?;
        // Who went on to Forge before was installed anew, and who left is gone.
        Ok(row.filter(|row| row.mode == Mode::Connect && row.state != State::Gone).map(|row| row.id))
    }

    /// Whether a page stands on a site that is none of Connect's here.
    async fn is_elsewhere(&self, invocation: &Invocation) -> Result<bool> {
        let (parts, Some(url)) = (&self.0, &invocation.site_url) else { return Ok(false) };
        let mut after = TenantId::SERVER;
        loop {
            let some = tenants::list::<SiteText>(&parts.store, after, TENANTS).await?;
            let Some(last) = some.last() else { return Ok(true) };
            after = last.id;
            for row in some.into_iter().filter(|row| row.mode == Mode::Connect && row.state == State::Active) {
                if is_at(&parts.sites.of(row.id).await?.site, url) {
                    return Ok(false);
                }
            }
        }
    }

    /// The tenant of a site that moves here from Connect, which told the name of its installation here, or Jira did which site it was. A page says
    /// which site it is, and must say the same.
    async fn takes_over(&self, tenant: TenantId, invocation: &Invocation) -> Result<TenantId> {
        let parts = &self.0;
        let known = parts.sites.of(tenant).await?;
        let same =
            known.mode != Mode::Connect || invocation.site_url.as_ref().is_none_or(|url| is_at(&known.site, url));
        if same && may_join(&parts.allowed, invocation) { Ok(tenant) } else { Err(not_allowed()) }
    }

    async fn install(&self, invocation: &Invocation) -> Result<TenantId> {
        let parts = &self.0;
        if !may_join(&parts.allowed, invocation) {
            return Err(not_allowed());
        }
        let (id, now) = (TenantId::fresh(), parts.clock.now());
        let keys = parts.vault.keys_of(id, KeyClass::Data, Subject::Tenant, now).await?;
        let site = Site { url: invocation.site_url.clone(), api_base: invocation.api_base.clone() };
        let new = NewTenant {
            id,
            installation: &invocation.installation,
            cloud: &invocation.cloud,
            mode: Mode::Forge,
            region: &parts.region,
            site: keys.seal(&Place::new(tenants::SITE, tenants::row_name(id)), &SiteText::from(&site))?,
            at: now,
        };
        if tenants::install(&parts.store, new).await? {
            return Ok(id);
        }
        // Another call of the same installation was first: the keys just made are nobody's.
        parts.vault.destroy_tenant(id).await?;
        tenants::by_installation::<SiteText>(&parts.store, &invocation.installation)
            .await?
            .map(|row| row.id)
            .ok_or_else(|| Fault::broken("install", "an installation that is there and is not"))
    }

    /// Settles a person's call: its token is used up, the tokens that came with it are kept, all in one transaction, which it may
    /// share with other calls of the tenant's.
    ///
    /// # Errors
    /// `token_replayed` (Unauthenticated).
    pub async fn settle(&self, cx: &Cx, call: &Call) -> Result<()> {
        let brought = self.seal(cx, call).await?;
        if !brought.tells_of_site(call) {
            of_its_tenant(cx, call)?;
            return self.0.settling.settle(cx, is_young(cx, call), hash_of(&call.invocation), brought).await;
        }
        let mut scoped = self.opened(cx, call, &brought).await?;
        self.settle_in(&mut scoped, cx, call, brought).await?;
        scoped.commit().await?;
        self.settled(call).await;
        Ok(())
    }

    /// Takes an event: in one transaction, what it names goes to the outbox, as ids. The call is settled with it.
    /// What is not of interest is taken and forgotten.
    pub async fn accept_event(&self, cx: &Cx, call: &Call, body: &[u8]) -> Result<()> {
        let body: Value =
            serde_json::from_slice(body).map_err(|_| Fault::invalid("event_malformed", "The body is not JSON."))?;
        let told = events::read(&body);
        let brought = self.seal(cx, call).await?;
        let mut scoped = self.opened(cx, call, &brought).await?;
        let welcomed = self.settle_in(&mut scoped, cx, call, brought).await?;
        if let Some(told) = told.filter(|told| !(welcomed && told.topic == INSTALLED_TOPIC)) {
            outbox::put(&mut scoped, cx, told.topic, &told.body).await?;
        }
        scoped.commit().await?;
        self.settled(call).await;
        Ok(())
    }

    /// Takes the hourly call, which brings the newest token to act as the app.
    pub async fn accept_schedule(&self, cx: &Cx, call: &Call) -> Result<()> {
        self.settle(cx, call).await
    }

    /// The app is being uninstalled: the tenant is gone, in the transaction that uses the token up.
    pub async fn accept_uninstall(&self, cx: &Cx, call: &Call) -> Result<()> {
        // Also while it is copied to another region: that ends then.
        let mut scoped = self.0.store.note(cx).await?;
        self.use_up(&mut scoped, cx, call).await?;
        self.0.sites.depart(cx, scoped).await
    }

    /// For settling a call: it leaves behind what reading does, unless it tells something new of the site.
    async fn opened(&self, cx: &Cx, call: &Call, brought: &Brought) -> Result<Scoped> {
        let store = &self.0.store;
        if brought.tells_of_site(call) { store.write(cx).await } else { store.note(cx).await }
    }

    async fn use_up(&self, scoped: &mut Scoped, cx: &Cx, call: &Call) -> Result<()> {
        of_its_tenant(cx, call)?;
        use_up(scoped, cx, &call.invocation).await
    }

    /// Seals what the call brought, before the transaction begins.
    async fn seal(&self, cx: &Cx, call: &Call) -> Result<Brought> {
        let tokens = &self.0.tokens;
        let system = match &call.system_token {
            Some(token) => Some(tokens.seal_system(cx, token).await?),
            None => None,
        };
        let user = match (&call.user_token, &call.invocation.principal) {
            (Some(token), Some(account)) => {
                let row = tokens.seal_user(cx, account, token, token.expires_at(cx.now())).await?;
                Some((account.clone(), row))
            }
            _ => None,
        };
        let site = match moved(call) {
            Some(site) => Some(self.seal_site(cx, &site).await?),
            None => None,
        };
        Ok(Brought { system, user, site })
    }

    /// Answers whether the tenant was welcomed just now.
    async fn settle_in(&self, scoped: &mut Scoped, cx: &Cx, call: &Call, brought: Brought) -> Result<bool> {
        self.use_up(scoped, cx, call).await?;
        if let Some(row) = brought.system {
            sql::system_token_keep(scoped, cx, row).await?;
        }
        if let Some((account, row)) = brought.user {
            sql::user_token_keep(scoped, cx, &account, row).await?;
        }
        if let Some(site) = brought.site {
            tenants::set_site(scoped, site, &call.invocation.cloud).await?;
        }
        if call.known.mode == Mode::Connect {
            // It has the name already where Connect told it.
            tenants::give_name(scoped, &call.invocation.installation, cx.now()).await?;
            // Two first calls may come at once.
            if tenants::set_mode(scoped, Mode::Forge).await? {
                let entry = ledger::Entry { kind: "tenant.moved", ..ledger::Entry::default() };
                ledger::append(scoped, cx, entry).await?;
            }
        }
        welcome(scoped, cx, is_young(cx, call)).await
    }

    async fn settled(&self, call: &Call) {
        if moved(call).is_some() {
            self.0.sites.forget(call.tenant).await;
        }
    }

    async fn seal_site(&self, cx: &Cx, site: &Site) -> Result<Sealed<SiteText>> {
        let keys = self.0.vault.keys(cx, KeyClass::Data, Subject::Tenant).await?;
        keys.seal(&Place::new(tenants::SITE, tenants::row_name(cx.tenant())), &SiteText::from(site))
    }
}

/// Whether this is an address of the site.
fn is_at(site: &Site, url: &Url) -> bool {
    [Some(&site.api_base), site.url.as_ref()].into_iter().flatten().any(|one| one.origin() == url.origin())
}

fn of_its_tenant(cx: &Cx, call: &Call) -> Result<()> {
    if call.tenant == cx.tenant() { Ok(()) } else { Err(Fault::broken("install", "a call settled for another tenant")) }
}

/// By what a token is known again.
fn hash_of(invocation: &Invocation) -> Vec<u8> {
    digest::digest(&digest::SHA256, invocation.jti.as_bytes()).as_ref().to_vec()
}

/// Uses a token up.
pub(crate) async fn use_up(scoped: &mut Scoped, cx: &Cx, invocation: &Invocation) -> Result<()> {
    let fresh = sql::invocation_record(scoped, cx, &hash_of(invocation)).await?;
    if fresh { Ok(()) } else { Err(Refusal::Replayed.fault()) }
}

/// Whether the tenant may still have to be welcomed.
fn is_young(cx: &Cx, call: &Call) -> bool {
    cx.now().duration_since(call.known.created_at) < NEW_FOR
}

/// The first call of a new tenant is also its installation, whatever else it is.
pub(crate) async fn welcome(scoped: &mut Scoped, cx: &Cx, young: bool) -> Result<bool> {
    if !young || !ledger::list(scoped, 0, 1).await?.is_empty() {
        return Ok(false);
    }
    ledger::append(scoped, cx, ledger::Entry { kind: "tenant.installed", ..ledger::Entry::default() }).await?;
    outbox::put(scoped, cx, INSTALLED_TOPIC, &json!({})).await?;
    Ok(true)
}

pub(crate) fn not_allowed() -> Fault {
    Fault::unauthenticated("site_not_allowed", "This Steward server does not serve this site. Ask its operator.")
}

/// Whether the operator lets this site become a tenant. Both of what is compared is signed by Forge; events tell no
/// origin, so that a site allowed by its origin alone joins with its first page.
fn may_join(allowed: &[String], invocation: &Invocation) -> bool {
    let origin = invocation.site_url.as_ref().map(Url::origin);
    let is_it = |site: &String| {
        *site == invocation.cloud
            || origin.as_ref().is_some_and(|origin| Url::parse(site).is_ok_and(|site| site.origin() == *origin))
    };
    allowed.is_empty() || allowed.iter().any(is_it)
}

/// What a call brought, sealed.
pub(crate) struct Brought {
    pub(crate) system: Option<TokenRow>,
    pub(crate) user: Option<(AccountId, TokenRow)>,
    site: Option<Sealed<SiteText>>,
}

impl Brought {
    /// Whether the call says something new of its site. Such a call is settled by itself.
    fn tells_of_site(&self, call: &Call) -> bool {
        self.site.is_some() || call.known.mode == Mode::Connect
    }
}

/// The site's addresses, if the token says others than are known.
fn moved(call: &Call) -> Option<Site> {
    let site = Site {
        url: call.invocation.site_url.clone().or_else(|| call.known.site.url.clone()),
        api_base: call.invocation.api_base.clone(),
    };
    (site != call.known.site).then_some(site)
}

/// The job that asks a new site for its address, where no page told it.
pub(crate) struct LearnSite {
    pub(crate) inbound: Inbound,
    pub(crate) cloud: Cloud,
}

#[async_trait]
impl Handler for LearnSite {
    fn kind(&self) -> &'static str {
        "host.learn_site"
    }

    fn topic(&self) -> Option<&'static str> {
        Some(INSTALLED_TOPIC)
    }

    async fn run(&self, cx: &Cx, _: &Value) -> Result<Outcome> {
        let parts = &self.inbound.0;
        let known = parts.sites.of(cx.tenant()).await?;
        if known.site.url.is_some() {
            return Ok(Outcome::Done);
        }
        let info = Jira::for_tenant(&self.cloud, cx, As::App).within(BACKGROUND).server_info().await?;
        let url = Url::parse(&info.base_url).map_err(|_| crate::fault::unexpected("a site's address that is none"))?;
        let site = Site { url: Some(url), api_base: known.site.api_base.clone() };
        let sealed = self.inbound.seal_site(cx, &site).await?;
        let mut scoped = parts.store.write(cx).await?;
        tenants::set_site(&mut scoped, sealed, &known.cloud).await?;
        scoped.commit().await?;
        parts.sites.forget(cx.tenant()).await;
        Ok(Outcome::Done)
    }
}
