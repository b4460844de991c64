//! Tenants: one row an installation. States: `active`, `locked` (nothing opens, nothing is lost),
//! `gone` (its keys are leaving the shelf, its rows follow); and those of a site on its way to another region
//! ([`crate::realm`]): `moving`, `moved`, `arriving`.
//!
//! Beside the name of its installation a tenant may have others, by which the host calls it too; they go with its rows.

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
    /// It is being copied to another region: read as before, and not written.
    Moving,
    /// It is served in another region, or may be: nothing is served here, and nothing is lost yet.
    Moved,
    /// It is being copied here from another region: nothing is served yet.
    Arriving,
}

impl State {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Locked => "locked",
            Self::Gone => "gone",
            Self::Moving => "moving",
            Self::Moved => "moved",
            Self::Arriving => "arriving",
        }
    }

    pub(crate) fn parse(name: &str) -> Result<Self> {
        [Self::Active, Self::Locked, Self::Gone, Self::Moving, Self::Moved, Self::Arriving]
            .into_iter()
            .find(|state| state.name() == name)
            .ok_or_else(|| Fault::broken("tenant_state", "an unknown state"))
    }
}

/// How Steward is joined to the site. What differs by it ends in `host`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A Forge app's remote: Jira's own tokens come with its calls.
    Forge,
    /// A Cloud site that an operator joined with an account's API token; people sign in by OAuth.
    CloudToken,
    /// A Connect app, which shares a secret with the site. Ends on 2027-01-31.
    Connect,
    /// A Jira Data Center that an operator joined with an account's personal access token; people sign in by its OAuth.
    DataCenter,
}

impl Mode {
    const ALL: [Self; 4] = [Self::Forge, Self::CloudToken, Self::Connect, Self::DataCenter];

    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forge => "forge",
            Self::CloudToken => "cloud-token",
            Self::Connect => "connect",
            Self::DataCenter => "data-center",
        }
    }

    /// Whether an operator joined it at the command line, so that it has a token, a webhook, and people who sign in on our
    /// own pages.
    pub fn is_by_operator(self) -> bool {
        matches!(self, Self::CloudToken | Self::DataCenter)
    }

    fn parse(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.name() == name)
            .ok_or_else(|| Fault::broken("tenant_mode", "an unknown mode"))
    }
}

/// A tenant as stored. `S` is what the site's column opens to; only `host` knows it.
pub struct Tenant<S> {
    /// Its id.
    pub id: TenantId,
    /// The host's name for the installation.
    pub installation: String,
    /// The host's name for the site.
    pub cloud: String,
    /// How it is joined.
    pub mode: Mode,
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

const BY_INSTALLATION: &str = "SELECT tenant, installation, cloud, mode, state, region, site, created_at, state_at \
     FROM tenant WHERE installation = $1";
const BY_NAME: &str = "SELECT tenant, installation, cloud, mode, state, region, site, created_at, state_at \
     FROM tenant WHERE tenant IN (SELECT tenant FROM tenant_name WHERE name = $1)";
const BY_ID: &str = "SELECT tenant, installation, cloud, mode, state, region, site, created_at, state_at \
     FROM tenant WHERE tenant = $1";
const LIST: &str = "SELECT tenant, installation, cloud, mode, state, region, site, created_at, state_at \
     FROM tenant WHERE tenant > $1 ORDER BY tenant LIMIT $2";
const STATE_OF: &str = "SELECT state FROM tenant WHERE tenant = $1";
const LIST_IDS: &str = "SELECT tenant FROM tenant WHERE tenant > $1 AND state = 'active' ORDER BY tenant LIMIT $2";
const INSERT: &str = "INSERT INTO tenant (tenant, installation, cloud, mode, state, region, site, created_at, state_at, \
     change_seq, ledger_seq, ledger_hash) VALUES ($1, $2, $3, $8, 'active', $4, $5, $6, $6, 0, 0, $7) \
     ON CONFLICT (installation) DO NOTHING";
const SET_STATE: &str = "UPDATE tenant SET state = $2, state_at = $3 WHERE tenant = $1 AND state <> 'gone'";
const SET_SITE: &str = "UPDATE tenant SET site = $2, cloud = $3 WHERE tenant = $1";
const SET_MODE: &str = "UPDATE tenant SET mode = $2 WHERE tenant = $1 AND mode <> $2";
const ANY_IN_MODE: &str = "SELECT tenant FROM tenant WHERE mode = $1 AND state <> 'gone' LIMIT 1";
const NAME: &str = "INSERT INTO tenant_name (tenant, name, given_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING";
const DROP_GONE_NAME: &str = "DELETE FROM tenant_name WHERE name = $1 \
     AND tenant IN (SELECT tenant FROM tenant WHERE state = 'gone')";
const CLEAR_SITE: &str = "UPDATE tenant SET site = $2, cloud = '' WHERE tenant = $1 AND state = 'gone'";

fn tenant<S>(row: &Row) -> Result<Tenant<S>> {
    Ok(Tenant {
        id: TenantId(row.uuid("tenant")?),
        installation: row.text("installation")?,
        cloud: row.text("cloud")?,
        mode: Mode::parse(&row.text("mode")?)?,
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

/// The tenant that has this further name. One that left may have it still.
pub async fn by_name<S>(store: &Store, name: &str) -> Result<Option<Tenant<S>>> {
    let mut server = store.server_read().await?;
    server.row(BY_NAME, args![name]).await?.as_ref().map(tenant).transpose()
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

/// Whether any tenant that has not left is joined in this way.
pub async fn any_in_mode(store: &Store, mode: Mode) -> Result<bool> {
    let mut server = store.server_read().await?;
    Ok(server.row(ANY_IN_MODE, args![mode.name()]).await?.is_some())
}

/// What a new tenant needs.
pub struct NewTenant<'a, S> {
    /// Its id; the site is sealed under it.
    pub id: TenantId,
    /// The host's name for the installation: unique.
    pub installation: &'a str,
    /// The host's name for the site.
    pub cloud: &'a str,
    /// How it is joined.
    pub mode: Mode,
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
    let made = insert(&mut server, new).await?;
    server.commit().await?;
    Ok(made)
}

/// Makes a tenant with a further name; false, and nothing made, when another tenant has the name. One that left gives
/// it up.
pub async fn install_named<S>(store: &Store, new: NewTenant<'_, S>, name: &str) -> Result<bool> {
    let (id, at) = (new.id, new.at);
    let mut server = store.server_write().await?;
    let made = insert(&mut server, new).await?;
    server.run(DROP_GONE_NAME, args![name]).await?;
    let named = server.run(NAME, args![id, name, at]).await? == 1;
    if !(made && named) {
        return Ok(false);
    }
    server.commit().await?;
    Ok(true)
}

async fn insert<S>(server: &mut Server, new: NewTenant<'_, S>) -> Result<bool> {
    let none: &[u8] = &[];
    let values = args![new.id, new.installation, new.cloud, new.region, new.site, new.at, none, new.mode.name()];
    Ok(server.run(INSERT, values).await? == 1)
}

/// Gives the tenant a further name; false when somebody has it already, itself included.
pub async fn give_name(scoped: &mut Scoped, name: &str, at: Timestamp) -> Result<bool> {
    Ok(scoped.run(NAME, args![name, at]).await? == 1)
}

/// The site goes on in another way; false when it does already.
pub async fn set_mode(scoped: &mut Scoped, mode: Mode) -> Result<bool> {
    Ok(scoped.run(SET_MODE, args![mode.name()]).await? == 1)
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
