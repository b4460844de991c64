//! Tenants: one row an installation. States: `active`, `locked` (nothing opens, nothing is lost),
//! `gone` (its keys are leaving the shelf, its rows follow).

use jiff::Timestamp;
use kernel::{Column, Fault, Result, RowName, Sealed, TenantId};

use crate::row::Row;
use crate::scoped::{Scoped, Server};
use crate::stores::Store;
use crate::{args, schema};

/// The sealed column of the site's addresses; its row is [`row_name`].
pub static SITE: &Column = &schema::TENANT_SITE;

/// The row's name in associated data.
pub fn row_name(tenant: TenantId) -> RowName {
    RowName::new().uuid(tenant.0)
}

/// Whether a tenant's data may be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// In use.
    Active,
    /// Nothing is served; it can come back.
    Locked,
    /// It left. Its keys are destroyed.
    Gone,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Locked => "locked",
            Self::Gone => "gone",
        }
    }

    fn parse(name: &str) -> Result<Self> {
        [Self::Active, Self::Locked, Self::Gone]
            .into_iter()
            .find(|state| state.name() == name)
            .ok_or_else(|| Fault::broken("tenant_state", "an unknown state"))
    }
}

/// How Steward is joined to the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A Forge app's remote.
    Forge,
}

/// A tenant as stored. `S` is what the site's column opens to; only `host` knows it.
pub struct Tenant<S> {
    /// Its id.
    pub id: TenantId,
    /// The host's name for the installation.
    pub installation: String,
    /// The host's name for the site.
    pub cloud: String,
    /// Whether it is served.
    pub state: State,
    /// Where its data lies.
    pub region: String,
    /// The site's addresses.
    pub site: Sealed<S>,
    /// Since when it is one.
    pub created_at: Timestamp,
    /// Since when it is in this state.
    pub state_at: Timestamp,
}

const BY_INSTALLATION: &str = "SELECT tenant, installation, cloud, state, region, site, created_at, state_at \
     FROM tenant WHERE installation = $1";
const BY_ID: &str = "SELECT tenant, installation, cloud, state, region, site, created_at, state_at \
     FROM tenant WHERE tenant = $1";
const LIST: &str = "SELECT tenant, installation, cloud, state, region, site, created_at, state_at \
     FROM tenant WHERE tenant > $1 ORDER BY tenant LIMIT $2";
const STATE_OF: &str = "SELECT state FROM tenant WHERE tenant = $1";
const LIST_IDS: &str = "SELECT tenant FROM tenant WHERE tenant > $1 AND state = 'active' ORDER BY tenant LIMIT $2";
const INSERT: &str = "INSERT INTO tenant (tenant, installation, cloud, mode, state, region, site, created_at, state_at, \
     change_seq, ledger_seq, ledger_hash) VALUES ($1, $2, $3, 'forge', 'active', $4, $5, $6, $6, 0, 0, $7) \
     ON CONFLICT (installation) DO NOTHING";
const SET_STATE: &str = "UPDATE tenant SET state = $2, state_at = $3 WHERE tenant = $1 AND state <> 'gone'";
const SET_SITE: &str = "UPDATE tenant SET site = $2, cloud = $3 WHERE tenant = $1";
const CLEAR_SITE: &str = "UPDATE tenant SET site = $2, cloud = '' WHERE tenant = $1 AND state = 'gone'";

fn tenant<S>(row: &Row) -> Result<Tenant<S>> {
    Ok(Tenant {
        id: TenantId(row.uuid("tenant")?),
        installation: row.text("installation")?,
        cloud: row.text("cloud")?,
        state: State::parse(&row.text("state")?)?,
        region: row.text("region")?,
        site: row.sealed("site")?,
        created_at: row.instant("created_at")?,
        state_at: row.instant("state_at")?,
    })
}

/// The tenant of an installation.
pub async fn by_installation<S>(store: &Store, installation: &str) -> Result<Option<Tenant<S>>> {
    let mut server = store.server_read().await?;
    server.row(BY_INSTALLATION, args![installation]).await?.as_ref().map(tenant).transpose()
}

/// A tenant by id.
pub async fn by_id<S>(store: &Store, id: TenantId) -> Result<Option<Tenant<S>>> {
    let mut server = store.server_read().await?;
    server.row(BY_ID, args![id]).await?.as_ref().map(tenant).transpose()
}

/// Tenants in the order of their ids, after `after`.
pub async fn list<S>(store: &Store, after: TenantId, limit: u32) -> Result<Vec<Tenant<S>>> {
    let mut server = store.server_read().await?;
    server.rows(LIST, args![after, limit]).await?.iter().map(tenant).collect()
}

/// A tenant's state, if there is such a tenant.
pub async fn state_of(store: &Store, id: TenantId) -> Result<Option<State>> {
    let mut server = store.server_read().await?;
    server.row(STATE_OF, args![id]).await?.map(|row| State::parse(&row.text("state")?)).transpose()
}

/// Active tenants' ids after `after`, within the caller's transaction.
pub async fn list_ids(server: &mut Server, after: TenantId, limit: u32) -> Result<Vec<TenantId>> {
    server.rows(LIST_IDS, args![after, limit]).await?.iter().map(|row| Ok(TenantId(row.uuid("tenant")?))).collect()
}

/// What a new tenant needs.
pub struct NewTenant<'a, S> {
    /// Its id; the site is sealed under it.
    pub id: TenantId,
    /// The host's name for the installation: unique.
    pub installation: &'a str,
    /// The host's name for the site.
    pub cloud: &'a str,
    /// Where its data lies.
    pub region: &'a str,
    /// The site's addresses.
    pub site: Sealed<S>,
    /// Now.
    pub at: Timestamp,
}

/// Makes a tenant; false when the installation has one already (an event told twice).
pub async fn install<S>(store: &Store, new: NewTenant<'_, S>) -> Result<bool> {
    let mut server = store.server_write().await?;
    let none: &[u8] = &[];
    let made =
        server.run(INSERT, args![new.id, new.installation, new.cloud, new.region, new.site, new.at, none]).await?;
    server.commit().await?;
    Ok(made == 1)
}

/// Changes the state, in the transaction that says so on the ledger. A tenant that is gone stays gone.
pub async fn set_state(scoped: &mut Scoped, state: State, at: Timestamp) -> Result<bool> {
    Ok(scoped.run(SET_STATE, args![state.name(), at]).await? == 1)
}

/// Changes the site's addresses.
pub async fn set_site<S>(scoped: &mut Scoped, site: Sealed<S>, cloud: &str) -> Result<()> {
    scoped.run(SET_SITE, args![site, cloud]).await?;
    Ok(())
}

/// Forgets the site's addresses of a tenant that left.
pub(crate) async fn clear_site(scoped: &mut Scoped) -> Result<()> {
    let nothing: &[u8] = &[];
    scoped.run(CLEAR_SITE, args![nothing]).await?;
    Ok(())
}
