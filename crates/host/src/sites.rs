//! The sites behind tenants: which addresses are theirs, and whether they are served.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kernel::{Clock, Cx, Fault, KeyClass, Result, TenantId};
use moka::future::Cache;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::tenants::{self, Mode, State, Tenant};
use store::{Scoped, Store, ledger, outbox};
use url::Url;
use vault::{Place, Subject, Vault};
use zeroize::Zeroize;

use crate::connect::Secrets;
use crate::events::GONE_TOPIC;
use crate::fault::shared;

/// Sites kept in memory.
const KNOWN_SITES: u64 = 10_000;
/// How long another node's change may take to be felt here; this node's is felt at once.
const SITE_TIME: Duration = Duration::from_secs(30);

/// The addresses of a tenant's site.
#[derive(Clone, PartialEq, Eq)]
pub struct Site {
    /// Where people see it; unknown until a page of ours was opened there.
    pub url: Option<Url>,
    /// Where its API is called.
    pub api_base: Url,
}

/// The same, as sealed in the tenant's row.
#[derive(Default, Serialize, Deserialize, Zeroize)]
pub(crate) struct SiteText {
    url: Option<String>,
    api_base: String,
}

impl From<&Site> for SiteText {
    fn from(site: &Site) -> Self {
        Self { url: site.url.as_ref().map(Url::to_string), api_base: site.api_base.to_string() }
    }
}

impl SiteText {
    fn parse(&self) -> Result<Site> {
        let url = |text: &str| Url::parse(text).map_err(|error| Fault::broken("site", error));
        Ok(Site { url: self.url.as_deref().map(url).transpose()?, api_base: url(&self.api_base)? })
    }
}

/// A tenant that is served, and its site.
pub struct Known {
    /// The tenant.
    pub tenant: TenantId,
    /// The host's id of the site.
    pub cloud: String,
    /// The host's id of the installation.
    pub installation: String,
    /// Where its data lies.
    pub region: String,
    /// How it is joined.
    pub mode: Mode,
    /// Its addresses.
    pub site: Site,
    /// Since when it is a tenant.
    pub created_at: Timestamp,
}

/// Tenants and their sites; cheap to clone.
#[derive(Clone)]
pub struct Sites {
    store: Store,
    vault: Vault,
    clock: Arc<dyn Clock>,
    known: Cache<TenantId, Arc<Known>>,
    /// Held open no longer than the site is known.
    secrets: Secrets,
}

impl Sites {
    /// Over the rows of a store.
    pub fn new(store: Store, vault: Vault, clock: Arc<dyn Clock>) -> Self {
        let known = Cache::builder().max_capacity(KNOWN_SITES).time_to_live(SITE_TIME).build();
        let secrets = Secrets::new(store.clone(), vault.clone());
        Self { store, vault, clock, known, secrets }
    }

    /// The secrets that sites with Connect share with this server.
    pub(crate) fn secrets(&self) -> Secrets {
        self.secrets.clone()
    }

    /// The site of a tenant that is served. Gone or unknown: `Unauthenticated`, code `tenant_gone`; locked:
    /// `tenant_locked`.
    pub async fn of(&self, tenant: TenantId) -> Result<Arc<Known>> {
        let looking = async {
            let row = tenants::by_id(&self.store, tenant).await?.ok_or_else(gone)?;
            self.open(row).await
        };
        self.known.try_get_with(tenant, looking).await.map_err(|fault| shared(&fault))
    }

    /// Forgets what is kept in memory of a tenant, after a change.
    pub async fn forget(&self, tenant: TenantId) {
        self.secrets.forget(tenant);
        self.known.invalidate(&tenant).await;
    }

    /// Ends a tenant, as [`depart`](Self::depart), for whoever moved it to another region.
    pub async fn end(&self, cx: &Cx) -> Result<()> {
        let scoped = self.store.beyond(cx).await?;
        self.depart(cx, scoped).await
    }

    /// The tenant is gone, the ledger says so and the outbox tells it, in the caller's transaction, which is committed.
    /// From then on nothing opens; the keys are destroyed by whoever handles [`GONE_TOPIC`].
    pub(crate) async fn depart(&self, cx: &Cx, mut scoped: Scoped) -> Result<()> {
        if tenants::set_state(&mut scoped, State::Gone, cx.now()).await? {
            ledger::append(&mut scoped, cx, ledger::Entry { kind: "tenant.gone", ..ledger::Entry::default() }).await?;
            outbox::put(&mut scoped, cx, GONE_TOPIC, &json!({})).await?;
        }
        scoped.commit().await?;
        self.forget(cx.tenant()).await;
        self.vault.forget(cx.tenant()).await;
        Ok(())
    }

    /// Opens a tenant's row, if it is served.
    pub(crate) async fn open(&self, row: Tenant<SiteText>) -> Result<Arc<Known>> {
        match row.state {
            State::Active | State::Moving => {}
            State::Moved => return Err(moved()),
            State::Arriving => return Err(arriving()),
            State::Gone => return Err(gone()),
            State::Locked => {
                return Err(Fault::unauthenticated("tenant_locked", "This installation is locked. Ask its operator."));
            }
        }
        let keys = self.vault.keys_of(row.id, KeyClass::Data, Subject::Tenant, self.clock.now()).await?;
        let site = keys.open(&Place::new(tenants::SITE, tenants::row_name(row.id)), &row.site)?;
        Ok(Arc::new(Known {
            tenant: row.id,
            cloud: row.cloud,
            installation: row.installation,
            region: row.region,
            mode: row.mode,
            site: site.peek().parse()?,
            created_at: row.created_at,
        }))
    }
}

fn moved() -> Fault {
    Fault::unauthenticated("tenant_moved", "This site is served in another region by now. Reload the page.")
}

fn arriving() -> Fault {
    Fault::busy(
        "site_arriving",
        "This site is moving to this region and is not served here yet. Try again shortly.",
        Some(Duration::from_secs(60)),
    )
}

pub(crate) fn gone() -> Fault {
    Fault::unauthenticated("tenant_gone", "Steward was uninstalled from this site, or never was installed there.")
}
