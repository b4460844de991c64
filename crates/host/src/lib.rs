//! Jira: the only room that knows its protocols.
//!
//! Calls come in through [`Inbound`] (Forge's invocation tokens, webhooks of sites that an operator joined) and [`Connect`], people are judged by [`Callers`], Jira is called
//! through [`Jira`], and whatever leaves the program leaves through [`Door`]. No other room builds an address of
//! Jira's, a document of Atlassian's format, a query or a token. Names and addresses of people stay in [`People`],
//! a sealed cache. Start at [`Host`].

pub mod address;
mod caller;
pub mod client;
pub mod connect;
pub mod customer_token;
mod customers;
mod data_center;
pub mod door;
pub mod events;
mod fault;
pub mod forge;
mod hints;
mod hooks;
mod install;
pub mod issue_property;
mod joining;
pub mod jql;
#[cfg(any(test, feature = "fuzzing"))]
pub mod laws;
pub mod limits;
pub mod markup;
mod people;
mod personal;
mod realm;
mod requests;
mod schema;
mod service;
mod settling;
mod sign_in;
mod silence;
mod sites;
mod sql;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use jobs::{Handler, Schedule};
use kernel::{Clock, Fault, Result};
use store::Store;
use url::Url;
use vault::Vault;

pub use address::Networks;
pub use caller::Callers;
pub use client::{As, Cloud, Jira};
pub use connect::{Connect, ConnectConfig};
pub use customers::{Comer, Customers, Stranger};
pub use door::{Door, DoorConfig, Lookup, OperatorDoor, Outward, Purpose, SystemLookup, ask_self, store_client};
pub use install::{Call, ForgeHeaders, Inbound};
pub use joining::{
    ClientLook, Deployment, Finding, Hook, HookAddress, Joined, Joining, Listed, Look, Probe, Probed, Telling,
};
pub use people::{PROFILES, People, Profile};
pub use personal::Personal;
pub use realm::{MoveCode, MoveHook, Named};
pub use requests::RequestCounts;
pub use schema::ROOM;
pub use service::{Login, OauthClient};
pub use sign_in::{Attempt, SignIn, Signed};
pub use sites::{Known, Site, Sites};
pub use store::tenants::Mode;

/// How often profiles that would end are refreshed.
const REFRESH_EVERY: Duration = Duration::from_secs(6 * 3600);

/// How often each site is asked whether it still is there.
const LOOK_EVERY: Duration = Duration::from_secs(24 * 3600);

/// What the operator says of Forge and of outward calls.
pub struct HostConfig {
    /// Our Forge apps' ARIs: the audiences that tokens must be for. Without one, no site joins by Forge.
    pub apps: Vec<String>,
    /// Sites that may become tenants, by cloud id or origin; empty: each that installs one of the apps.
    pub sites: Vec<String>,
    /// Where Forge publishes its signing keys.
    pub signing_keys: Url,
    /// Prefixes, ending in `/`, of the API bases that tokens may name.
    pub api_bases: Vec<Url>,
    /// Where tokens to act as a person are asked for.
    pub graphql: Url,
    /// Where people sign in and say what they grant: the origin of the authorization server.
    pub sign_in: Url,
    /// What lists the sites that a person granted access to.
    pub granted_sites: Url,
    /// Where browsers come back to from signing in; none where nobody signs in. Data Center asks for it with each refresh too.
    pub callback: Option<Url>,
    /// The region that new tenants are given.
    pub region: String,
    /// Servers of the same operator's in other regions.
    pub regions: Vec<Url>,
    /// Which networks may be called.
    pub networks: Networks,
    /// Names the program to those whom it calls.
    pub user_agent: String,
    /// Certificate authorities beside the system's, DER.
    pub authorities: Vec<Vec<u8>>,
    /// How names are looked up; the system's way unless a test lies.
    pub lookup: Arc<dyn Lookup>,
    /// Ways to what the operator runs beside this server.
    pub operator: Vec<OperatorDoor>,
    /// The Connect app, if this server is one.
    pub connect: Option<ConnectConfig>,
    /// The time that waits for Jira are waited by; the machine's unless a test has its own.
    pub timer: Arc<dyn limits::Timer>,
}

fn constant(text: &str) -> Result<Url> {
    Url::parse(text).map_err(|error| Fault::broken("host_config", error))
}

impl HostConfig {
    /// Atlassian's own addresses; public networks only.
    pub fn atlassian(apps: Vec<String>, region: String) -> Result<Self> {
        Ok(Self {
            apps,
            sites: Vec::new(),
            signing_keys: constant("https://forge.cdn.prod.atlassian-dev.net/.well-known/jwks.json")?,
            api_bases: vec![constant("https://api.atlassian.com/ex/jira/")?],
            graphql: constant("https://api.atlassian.com/graphql")?,
            sign_in: constant("https://auth.atlassian.com/")?,
            granted_sites: constant("https://api.atlassian.com/oauth/token/accessible-resources")?,
            callback: None,
            region,
            regions: Vec::new(),
            networks: Networks::default(),
            user_agent: concat!("Steward/", env!("CARGO_PKG_VERSION")).to_owned(),
            authorities: Vec::new(),
            lookup: Arc::new(SystemLookup),
            operator: Vec::new(),
            connect: None,
            timer: Arc::new(limits::SystemTimer::default()),
        })
    }

    fn check(&self) -> Result<()> {
        let wrong = |why: &'static str| Err(Fault::broken("host_config", why));
        if self.apps.iter().any(|app| !app.starts_with("ari:cloud:ecosystem::app/")) {
            return wrong("apps: name each as ari:cloud:ecosystem::app/…");
        }
        if self.api_bases.is_empty() || self.api_bases.iter().any(|base| !base.as_str().ends_with('/')) {
            return wrong("api_bases: name at least one, ending in /");
        }
        let fixed = [&self.signing_keys, &self.graphql, &self.sign_in, &self.granted_sites];
        for url in self.api_bases.iter().chain(fixed).chain(&self.regions) {
            door::shape(url, self.networks)?;
        }
        if let Some(connect) = &self.connect {
            if !connect.install_keys.as_str().ends_with('/') {
                return wrong("connect.install_keys: it must end in /");
            }
            for url in [&connect.install_keys, &connect.authorization] {
                door::shape(url, self.networks)?;
            }
        }
        Ok(())
    }
}

/// This room, put together; cheap to clone.
#[derive(Clone)]
pub struct Host {
    /// The way out.
    pub door: Door,
    /// The way in.
    pub inbound: Inbound,
    /// What Jira says of people.
    pub callers: Callers,
    /// Jira itself; see [`Jira::for_tenant`].
    pub cloud: Cloud,
    /// Names and addresses.
    pub people: People,
    /// Tenants' sites.
    pub sites: Sites,
    /// Customers who come with their own site's word.
    pub customers: Customers,
    /// Sites that an operator joins.
    pub joining: Joining,
    /// People who sign in on our own pages.
    pub sign_in: SignIn,
    /// Sites that have the Connect app, if this server is one.
    pub connect: Option<Connect>,
}

impl Host {
    /// Puts it together. Nothing is called yet.
    pub fn new(config: HostConfig, store: Store, vault: Vault, clock: Arc<dyn Clock>) -> Result<Self> {
        config.check()?;
        let sites = Sites::new(store.clone(), vault.clone(), clock.clone());
        let tokens = tokens::Tokens::new(store.clone(), vault.clone());
        let services = service::Services::new(store.clone(), vault.clone());
        let users = data_center::Users::new(store.clone(), vault.clone());
        let gateway = config.api_bases.first().cloned();
        let gateway = gateway.ok_or_else(|| Fault::broken("host_config", "api_bases: name at least one"))?;
        let mut fixed = vec![
            (Purpose::InvocationKeys, config.signing_keys.clone()),
            (Purpose::PersonToken, config.graphql.clone()),
            (Purpose::SignIn, config.sign_in.clone()),
            (Purpose::SignIn, config.granted_sites.clone()),
            (Purpose::SignIn, gateway.clone()),
            (Purpose::Jira, gateway.clone()),
            (Purpose::ServiceDesk, gateway.clone()),
        ];
        fixed.extend(config.regions.iter().map(|url| (Purpose::Region, url.clone())));
        if let Some(connect) = &config.connect {
            fixed.push((Purpose::InstallKeys, connect.install_keys.clone()));
            fixed.push((Purpose::ConnectToken, connect.authorization.clone()));
            fixed.extend(config.api_bases.iter().map(|url| (Purpose::ClientKey, url.clone())));
        }
        let door_config = DoorConfig {
            networks: config.networks,
            fixed,
            user_agent: config.user_agent,
            authorities: config.authorities,
            lookup: config.lookup,
            operator: config.operator,
        };
        let door = Door::new(door_config, store.clone(), vault.clone(), sites.clone(), clock.clone())?;
        let sign_in = SignIn::new(sign_in::Parts {
            authority: config.sign_in,
            callback: config.callback,
            granted_sites: config.granted_sites,
            gateway,
            door: door.clone(),
            services: services.clone(),
            tokens: tokens.clone(),
            users: users.clone(),
            store: store.clone(),
            vault: vault.clone(),
        });
        let secrets = sites.secrets();
        let signing = config.connect.as_ref().map(|connect| connect::Signing {
            app: connect.app.clone(),
            authorization: connect.authorization.clone(),
            secrets: secrets.clone(),
        });
        let cloud = Cloud(Arc::new(client::Parts {
            door: door.clone(),
            sites: sites.clone(),
            tokens: tokens.clone(),
            limits: limits::Limits::new(config.timer),
            clock: clock.clone(),
            graphql: config.graphql,
            services: services.clone(),
            sign_in: sign_in.clone(),
            connect: signing,
            users: users.clone(),
        }));
        let client_keys =
            config.connect.as_ref().map(|connect| connect::ClientKeys { app: connect.app.clone(), door: door.clone() });
        let connect = config.connect.map(|of_connect| {
            Connect::new(connect::Parts {
                keys: connect::keys(&of_connect, &door, &clock),
                config: of_connect,
                region: config.region.clone(),
                secrets,
                sites: sites.clone(),
                store: store.clone(),
                vault: vault.clone(),
                clock: clock.clone(),
                names: connect::names(),
            })
        });
        let joining = Joining::new(joining::Parts {
            region: config.region.clone(),
            store: store.clone(),
            vault: vault.clone(),
            sites: sites.clone(),
            services: services.clone(),
        });
        let inbound = Inbound(Arc::new(install::Parts {
            rules: forge::token::Rules { audiences: config.apps, api_bases: config.api_bases },
            allowed: config.sites,
            region: config.region,
            keys: forge::jwks::SigningKeys::new(config.signing_keys, door.clone(), clock.clone()),
            client_keys,
            sites: sites.clone(),
            tokens,
            services,
            users,
            store: store.clone(),
            vault: vault.clone(),
            clock,
            tenants: install::tenant_cache(),
            settling: settling::Settling::new(store.clone()),
        }));
        let callers = Callers::new(cloud.clone());
        Ok(Self {
            door,
            inbound,
            customers: Customers::new(cloud.clone(), callers.clone()),
            callers,
            people: People::new(store, vault, cloud.clone()),
            cloud,
            sites,
            joining,
            sign_in,
            connect,
        })
    }

    /// This room's jobs.
    pub fn handlers(&self) -> Vec<Arc<dyn Handler>> {
        let mut handlers = people::handlers(&self.people);
        handlers.push(Arc::new(install::LearnSite { inbound: self.inbound.clone(), cloud: self.cloud.clone() }));
        let store = self.inbound.0.store.clone();
        handlers.push(Arc::new(silence::LookForSilence { cloud: self.cloud.clone(), store: store.clone() }));
        handlers.push(Arc::new(hints::LookAgain(store)));
        handlers
    }

    /// This room's schedules.
    pub fn schedules(&self) -> Vec<Schedule> {
        vec![
            Schedule { kind: people::REFRESH_KIND, every: REFRESH_EVERY, per_tenant: true },
            Schedule { kind: silence::LOOK_KIND, every: LOOK_EVERY, per_tenant: true },
        ]
    }
}
