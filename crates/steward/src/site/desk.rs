//! What a command on sites has open, and how it finds a site among those that are joined.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use host::{Host, Joining, Listed, Look, Mode};
use kernel::{Actor, Clock, Cx, RequestId, Standing, SystemClock, TenantId};
use store::tenants::State;
use url::Url;
use vault::Vault;

use crate::cli::{stores, told};
use crate::config::Config;
use crate::join::StoreShelf;
use crate::keys::{RootKeys, Transit};

/// Since when sites are silent.
pub(super) type Silent = BTreeMap<TenantId, jiff::Timestamp>;

/// What a command has open.
pub(super) struct Desk {
    pub(super) config: Config,
    pub(super) host: Host,
    pub(super) clock: Arc<dyn Clock>,
    databases: Vec<store::Store>,
}

impl Desk {
    /// Opens what is there; a database that is older than this program is brought up to date, as at a start.
    pub(super) async fn open(file: &Path) -> anyhow::Result<Self> {
        let config = Config::read(file)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let keys = RootKeys::open(&config.data, &clock)?;
        let (store, shelf) = stores(&config).await?;
        for database in [&store, &shelf] {
            database.migrate().await.map_err(told)?;
        }
        let joined = Arc::new(StoreShelf { shelf: shelf.clone(), store: store.clone() });
        let vault = Vault::with_roots(joined, keys.roots);
        vault.prove(clock.now()).await.map_err(told)?;
        let mut of_host = config.host().map_err(told)?;
        of_host.operator = keys.services.iter().map(Transit::way).collect();
        let host = Host::new(of_host, store.clone(), vault, clock.clone()).map_err(told)?;
        Ok(Self { config, host, clock, databases: vec![store, shelf] })
    }

    /// A look at the site of an address.
    pub(super) fn look(&self, typed: &str) -> anyhow::Result<Look> {
        let of_host = self.config.host().map_err(told)?;
        let address = Joining::address_in(of_host.networks, typed).map_err(said)?;
        let gateway = of_host.api_bases.first().context("forge.api_bases names no address")?;
        Look::at(&address, gateway, of_host.networks, &of_host.user_agent, self.clock.clone()).map_err(said)
    }

    /// The sites of a list that are silent, and since when.
    pub(super) async fn silent(&self, all: &[Listed]) -> anyhow::Result<Silent> {
        let mut silent = Silent::new();
        for listed in all.iter().filter(|listed| listed.state == State::Active) {
            if let Some(since) = self.joining().silent_since(&self.cx(listed.tenant)).await.map_err(told)? {
                silent.insert(listed.tenant, since);
            }
        }
        Ok(silent)
    }

    /// Ends a look: what it called is written on the outward-call ledger.
    pub(super) async fn looked(&self, look: &Look) -> anyhow::Result<()> {
        for way in look.ways() {
            self.host.door.note_made(&way).await.map_err(told)?;
        }
        Ok(())
    }

    /// The context of an operator at the command line.
    pub(super) fn cx(&self, tenant: TenantId) -> Cx {
        let actor = Actor::System("operator");
        Cx::mint(tenant, actor, Standing::default(), self.clock.clone(), RequestId::fresh())
    }

    pub(super) fn joining(&self) -> &Joining {
        &self.host.joining
    }

    /// Writes what was called, and lets go.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.host.door.flush().await.map_err(told)?;
        for database in self.databases {
            database.close().await;
        }
        Ok(())
    }

    /// Where Jira sends a tenant's webhooks.
    pub(super) fn hook_url(&self, tenant: TenantId) -> anyhow::Result<Url> {
        Ok(self.config.server.origin.join(&format!("hooks/{tenant}"))?)
    }

    pub(super) fn sign_in_url(&self, tenant: TenantId) -> anyhow::Result<Url> {
        Ok(self.config.server.origin.join(&format!("sign-in/{tenant}"))?)
    }

    pub(super) fn callback(&self) -> anyhow::Result<Url> {
        Ok(self.config.server.origin.join("sign-in/callback")?)
    }
}

/// A fault as its public half: it says what to do, and quotes nothing.
pub(super) fn said(fault: kernel::Fault) -> anyhow::Error {
    match fault.fields().first() {
        Some(field) => anyhow!("{}: {}", field.pointer.trim_start_matches('/'), field.detail),
        None if fault.kind() == kernel::Kind::Broken => told(fault),
        None => anyhow!("{}", fault.text()),
    }
}

/// Whether it names the site of this id and this address: by either, or by its host alone.
pub(crate) fn is_named(id: &str, address: Option<&str>, named: &str) -> bool {
    let named = named.trim().trim_end_matches('/');
    let address = address.map(|address| address.trim_end_matches('/'));
    let host = address.and_then(|address| address.split_once("://")).map(|(_, host)| host);
    id == named || address == Some(named) || host == Some(named)
}

/// The site that an address or an id names, among those that are served.
pub(super) fn find<'a>(all: &'a [Listed], named: &str) -> anyhow::Result<&'a Listed> {
    let is_it = |listed: &&Listed| {
        let address = address_of(listed).map(Url::as_str);
        listed.state != State::Gone && is_named(&listed.tenant.to_string(), address, named)
    };
    all.iter().find(is_it).ok_or_else(|| anyhow!("no site is joined as {named}; `steward site list` shows them"))
}

/// The same, if it was joined by a token.
pub(super) fn find_by_token<'a>(all: &'a [Listed], named: &str) -> anyhow::Result<&'a Listed> {
    let listed = find(all, named)?;
    match listed.mode {
        Mode::CloudToken | Mode::DataCenter => Ok(listed),
        Mode::Forge => {
            Err(anyhow!("{named} is joined by its Forge app: it has no token, and leaves by uninstalling the app"))
        }
        Mode::Connect => {
            Err(anyhow!("{named} is joined by its Connect app: it has no token, and leaves by uninstalling the app"))
        }
    }
}

/// The same, if an operator may end it: also one that left without a word, as far as can be seen.
pub(super) async fn find_to_leave<'a>(desk: &Desk, all: &'a [Listed], named: &str) -> anyhow::Result<&'a Listed> {
    let listed = find(all, named)?;
    if listed.mode.is_by_operator() || desk.silent(std::slice::from_ref(listed)).await?.contains_key(&listed.tenant) {
        return Ok(listed);
    }
    find_by_token(all, named)
}

pub(super) fn address_of(listed: &Listed) -> Option<&Url> {
    listed.known.as_ref().and_then(|known| known.site.url.as_ref())
}
