//! Connect: what it says, how it proves that it is Connect, and how Jira is called through it. It ends on 2027-01-31 and
//! takes no new apps, so that it is off unless the operator names an app key.
//!
//! [`token`] and [`qsh`] are pure: which token proves what. [`Connect`] keeps what an install brings, judges each call that
//! names a site, and signs calls to Jira. It must never believe a body beyond what Connect itself would be harmed by:
//! tokens sign method, path and query, and no body. Start at [`Connect::claim`] for a call, at [`Connect::install`] for an install.

mod client_key;
mod descriptor;
mod held;
mod keys;
mod lifecycle;
mod outward;
pub mod qsh;
mod secrets;
pub mod token;

use std::sync::Arc;
use std::time::Duration;

use kernel::{Clock, Cx, Fault, Kind, Result, TenantId};
use moka::future::Cache;
use serde_json::Value;
use store::{Store, outbox, tenants};
use url::Url;
use vault::Vault;

pub(crate) use client_key::ClientKeys;
pub use descriptor::{ModulePage, PAGES};
pub use lifecycle::{Installing, Uninstalling};
pub(crate) use outward::{Granted, Signer, Signing, asking};
pub(crate) use secrets::{Secrets, Shared};
use token::{Caller, Refusal};

use crate::door::Door;
use crate::events;
use crate::hints;
use crate::sites::{Known, SiteText, Sites};
use crate::sql;

/// How long another node may take for a site whose tenant is another one now, because it left and came back.
const NAME_TIME: Duration = Duration::from_secs(30);
/// Sites whose tenants are known by heart.
const NAMES: u64 = 10_000;

/// What the operator says of Connect.
#[derive(Clone)]
pub struct ConnectConfig {
    /// The app's key, as sites have it installed.
    pub app: String,
    /// Where sites reach this server: the descriptor's `baseUrl`.
    pub ours: Url,
    /// Origins of the sites that may join; empty: those at Atlassian's own addresses.
    pub sites: Vec<Url>,
    /// Under what the keys of installs are fetched, by their ids; ends in `/`.
    pub install_keys: Url,
    /// The authorization server, which gives tokens to act as a person.
    pub authorization: Url,
    /// The script that joins a page to the Jira around it.
    pub bridge: Url,
}

impl ConnectConfig {
    /// Atlassian's own addresses.
    pub fn atlassian(app: String, ours: Url) -> Result<Self> {
        let constant = |text: &str| Url::parse(text).map_err(|error| Fault::broken("connect_config", error));
        Ok(Self {
            app,
            ours,
            sites: Vec::new(),
            install_keys: constant("https://connect-install-keys.atlassian.com/")?,
            authorization: constant(token::AUTHORIZATION_SERVER)?,
            bridge: constant("https://connect-cdn.atl-paas.net/all.js")?,
        })
    }
}

/// What of a request a token may be bound to.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, as it was sent.
    pub path: &'a str,
    /// The query, as it was sent, without its `?`.
    pub query: &'a str,
    /// The value of `Authorization`.
    pub authorization: Option<&'a str>,
}

impl Request<'_> {
    fn hash(&self) -> String {
        qsh::of(self.method, self.path, self.query)
    }
}

/// A token that names a tenant; nothing of it is proven.
pub struct Claim {
    /// The tenant that it names.
    pub tenant: TenantId,
    token: String,
    client_key: String,
}

/// A proven call of a site's.
pub struct Visit {
    /// The site.
    pub known: Arc<Known>,
    /// Who calls, and from which issue.
    pub caller: Caller,
}

pub(crate) struct Parts {
    pub(crate) config: ConnectConfig,
    pub(crate) region: String,
    pub(crate) keys: keys::InstallKeys,
    pub(crate) secrets: Secrets,
    pub(crate) sites: Sites,
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) names: Cache<String, TenantId>,
}

pub(crate) fn names() -> Cache<String, TenantId> {
    Cache::builder().max_capacity(NAMES).time_to_live(NAME_TIME).build()
}

pub(crate) fn keys(config: &ConnectConfig, door: &Door, clock: &Arc<dyn Clock>) -> keys::InstallKeys {
    keys::InstallKeys::new(config.install_keys.clone(), door.clone(), clock.clone())
}

/// The Connect app of this server; cheap to clone.
#[derive(Clone)]
pub struct Connect(pub(crate) Arc<Parts>);

/// The further name of a site's tenant.
pub(crate) fn name_of(client_key: &str) -> String {
    format!("{}:{client_key}", tenants::Mode::Connect.name())
}

impl Connect {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The script that a page loads to speak with the Jira around it.
    pub fn bridge(&self) -> &Url {
        &self.0.config.bridge
    }

    /// Finds the tenant that a request's token names. Nothing is proven: whoever asks mints a context of the tenant and
    /// goes on with [`requested`](Self::requested) or [`in_context`](Self::in_context).
    ///
    /// # Errors
    /// `Unauthenticated` with `token_missing` or `token_invalid`; a site that is not here answers as one that never was.
    pub async fn claim(&self, request: &Request<'_>) -> Result<Claim> {
        let token = token::carried(request.authorization, request.query).map_err(Refusal::fault)?;
        let client_key = token::claimed(&token).map_err(Refusal::fault)?;
        let tenant = match self.0.names.get(&client_key).await {
            Some(tenant) => tenant,
            None => {
                let row = tenants::by_name::<SiteText>(&self.0.store, &name_of(&client_key)).await?;
                let tenant = row.ok_or_else(|| Refusal::Issuer.fault())?.id;
                self.0.names.insert(client_key.clone(), tenant).await;
                tenant
            }
        };
        Ok(Claim { tenant, token, client_key })
    }

    /// Proves a request that was signed for itself: a page, a webhook, `enabled` or `disabled`. `cx` is the claim's
    /// tenant's.
    ///
    /// # Errors
    /// `Unauthenticated` with `token_expired` or `token_invalid`.
    pub async fn requested(&self, cx: &Cx, claim: &Claim, request: &Request<'_>) -> Result<Visit> {
        let hash = request.hash();
        let judge =
            |secret: &str| token::requested(&claim.token, secret.as_bytes(), &claim.client_key, &hash, cx.now());
        self.visit(cx, claim, judge).await
    }

    /// Proves a call of a page's to our API by the token that it asked its frame for. For nothing else: such a token fits
    /// every request until it ends.
    ///
    /// # Errors
    /// As [`requested`](Self::requested).
    pub async fn in_context(&self, cx: &Cx, claim: &Claim) -> Result<Visit> {
        let judge = |secret: &str| token::in_context(&claim.token, secret.as_bytes(), &claim.client_key, cx.now());
        self.visit(cx, claim, judge).await
    }

    async fn visit(
        &self,
        cx: &Cx,
        claim: &Claim,
        judge: impl Fn(&str) -> Result<Caller, Refusal> + Send,
    ) -> Result<Visit> {
        if claim.tenant != cx.tenant() {
            return Err(Fault::broken("connect", "a claim judged for another tenant"));
        }
        let known = self.0.sites.of(cx.tenant()).await.map_err(unseen)?;
        let secrets = &self.0.secrets;
        let by_held = secrets.held(cx.tenant()).map(|shared| judged_by(shared.peek(), cx, &judge));
        let judged = match by_held {
            // Nothing is held; or another node took a new secret meanwhile.
            None | Some(Err(Refusal::Signature)) => {
                let read = secrets.read(cx).await?.ok_or_else(|| Refusal::Issuer.fault())?;
                let judged = judged_by(read.peek(), cx, &judge);
                // Whoever signs wrongly has nothing held.
                if judged.is_ok() {
                    secrets.hold(cx.tenant(), read);
                }
                judged
            }
            Some(judged) => judged,
        };
        let caller = judged.map_err(Refusal::fault)?;
        Ok(Visit { known, caller })
    }

    /// Takes a webhook: in one transaction, what it names goes to the outbox, as ids. One that was taken before is taken
    /// again without effect; its body is not signed, so that nothing of it is believed but ids.
    ///
    /// # Errors
    /// As [`requested`](Self::requested).
    pub async fn accept_hook(&self, cx: &Cx, claim: &Claim, request: &Request<'_>, body: &[u8]) -> Result<()> {
        self.requested(cx, claim, request).await?;
        let told = serde_json::from_slice::<Value>(body).ok().and_then(|body| events::read_hook(&body));
        let Some(told) = told else { return Ok(()) };
        let mut scoped = self.0.store.write(cx).await?;
        if sql::invocation_record(&mut scoped, cx, &secrets::hash(body)).await? {
            outbox::put(&mut scoped, cx, told.topic, &told.body).await?;
        }
        scoped.commit().await
    }

    /// Takes what is told of an issue. Its id stands in the address, which the token is signed for; there is no body.
    ///
    /// # Errors
    /// As [`requested`](Self::requested).
    pub async fn accept_issue(&self, cx: &Cx, claim: &Claim, request: &Request<'_>) -> Result<()> {
        self.requested(cx, claim, request).await?;
        match events::named_issue(request.query) {
            Some(issue) => hints::take(&self.0.store, cx, &issue).await,
            None => Ok(()),
        }
    }
}

fn judged_by(shared: &Shared, cx: &Cx, judge: impl Fn(&str) -> Result<Caller, Refusal>) -> Result<Caller, Refusal> {
    match (judge(shared.secret()), shared.former(cx.now())) {
        // What was signed before the site had the new secret still comes in for a while.
        (Err(Refusal::Signature), Some(former)) => judge(former),
        (judged, _) => judged,
    }
}

/// A site that left or is locked is not told from one that never was: nothing is proven yet.
fn unseen(fault: Fault) -> Fault {
    if fault.kind() == Kind::Unauthenticated { Refusal::Issuer.fault() } else { fault }
}
