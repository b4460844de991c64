//! The door: every outward call of the program goes through [`Door::send`].
//!
//! It writes host, purpose and tenant to the outward-call ledger before the call leaves, and refuses what nobody
//! configured: foreign origins, plain HTTP beyond this machine, addresses inside walls, and wherever a redirect or
//! a name points there. It must never follow a redirect with credentials to another origin, and never log a URL.
//! Start at [`Door::send`].

mod counts;
mod health;
mod operator;
mod resolver;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use kernel::{Clock, Result, TenantId};
use reqwest::header::{HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode};
use store::Store;
use store::tenants::Mode;
use tracing::Instrument;
use tracing::field::Empty;
use url::{Origin, Url};
use vault::Vault;

use crate::address::Networks;
use crate::fault::{door_refuses, unreachable};
use crate::sites::Sites;
use counts::Counts;
pub use health::ask_self;
pub use operator::{OperatorDoor, store_client};
pub use resolver::{Lookup, SystemLookup};
pub(crate) use wire::shape;
use wire::{Authorities, Wire};

/// What a call may take when its maker says nothing: Forge gives a page 25 s in all.
const CALL_TIME: Duration = Duration::from_secs(20);
/// The longest that a caller may ask for.
const LONGEST_CALL: Duration = Duration::from_secs(60);
/// Hops of a GET. Jira's own are one (attachments, tasks).
const REDIRECTS: usize = 3;
/// A page of 100 issues with long texts stays below it.
const BODY_BYTES: usize = 8 * 1024 * 1024;
/// How often counts are written.
const FLUSH_EVERY: Duration = Duration::from_secs(5);

/// Why a call leaves: a closed list, whose codes stand in the outward-call ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Jira's platform API.
    Jira,
    /// Jira Service Management's API.
    ServiceDesk,
    /// The keys that Forge signs its invocations with.
    InvocationKeys,
    /// The key that a Connect install is signed with.
    InstallKeys,
    /// A token to act as a person who is not there.
    PersonToken,
    /// The same, of a Connect app.
    ConnectToken,
    /// Which site of Connect's a Forge installation goes on from.
    ClientKey,
    /// Who a person is that signs in on our own pages, and what they grant us.
    SignIn,
    /// A site, or where its people sign in, that an operator looks at from the command line, before or after joining it. Goes by an
    /// [`OperatorDoor`].
    Joining,
    /// The operator's key service, which wraps tenants' keys. Goes by an [`OperatorDoor`].
    KeyService,
    /// A running server of Steward's, from the command line. Goes by an [`OperatorDoor`].
    Server,
    /// Traces, to the operator's collector. Goes by an [`OperatorDoor`].
    Traces,
    /// A site on its way to another region of the same operator's.
    Region,
    /// What happened, told to a receiver that the tenant's administrators named.
    Webhook,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Jira,
        Self::ServiceDesk,
        Self::InvocationKeys,
        Self::InstallKeys,
        Self::PersonToken,
        Self::ConnectToken,
        Self::ClientKey,
        Self::SignIn,
        Self::Joining,
        Self::KeyService,
        Self::Server,
        Self::Traces,
        Self::Region,
        Self::Webhook,
    ];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Jira => "jira.platform",
            Self::ServiceDesk => "jira.service_desk",
            Self::InvocationKeys => "forge.invocation_keys",
            Self::InstallKeys => "connect.install_keys",
            Self::PersonToken => "forge.person_token",
            Self::ConnectToken => "connect.person_token",
            Self::ClientKey => "connect.client_key",
            Self::SignIn => "atlassian.sign_in",
            Self::Joining => "operator.joining",
            Self::KeyService => "operator.key_service",
            Self::Server => "operator.server",
            Self::Traces => "operator.traces",
            Self::Region => "operator.region",
            Self::Webhook => "tenant.webhook",
        }
    }
}

/// What the operator says of outward calls.
pub struct DoorConfig {
    /// Which networks may be called.
    pub networks: Networks,
    /// Origins that belong to a purpose and not to a tenant: the signing keys', the token service's.
    pub fixed: Vec<(Purpose, Url)>,
    /// Names the program.
    pub user_agent: String,
    /// Certificate authorities beside the system's, DER.
    pub authorities: Vec<Vec<u8>>,
    /// How names are looked up.
    pub lookup: Arc<dyn Lookup>,
    /// Ways to what the operator runs, whose calls are written on the ledger here.
    pub operator: Vec<OperatorDoor>,
}

/// One call.
pub struct Outward {
    /// The method.
    pub method: Method,
    /// Whereto.
    pub url: Url,
    /// Headers, without credentials.
    pub headers: HeaderMap,
    /// The value of `Authorization`.
    pub authorization: Option<HeaderValue>,
    /// What is sent.
    pub body: Option<Bytes>,
    /// How long it may take, all hops and the whole body included.
    pub time: Duration,
    /// How long the answer's body may be. 0: it is not read at all.
    pub body_limit: usize,
}

impl Outward {
    /// A call with the usual bounds.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            authorization: None,
            body: None,
            time: CALL_TIME,
            body_limit: BODY_BYTES,
        }
    }
}

/// What came back.
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, whole.
    pub body: Bytes,
}

/// What a tenant's own addresses may lead to: never a private network. This machine only where it is the demo's.
fn public(networks: Networks) -> Networks {
    Networks { private: false, ..networks }
}

struct Inner {
    wire: Wire,
    /// For addresses that tenants name: what the operator allows of private networks is not theirs to reach.
    public: Wire,
    networks: Networks,
    operator: Vec<OperatorDoor>,
    fixed: Vec<(Purpose, Origin)>,
    sites: Sites,
    counts: Counts,
    clock: Arc<dyn Clock>,
}

/// The one way out; cheap to clone.
#[derive(Clone)]
pub struct Door(Arc<Inner>);

impl Door {
    /// Builds the program's only HTTP client.
    pub fn new(config: DoorConfig, store: Store, vault: Vault, sites: Sites, clock: Arc<dyn Clock>) -> Result<Self> {
        let authorities = Authorities::System(config.authorities);
        let wire = Wire::new(config.networks, config.lookup.clone(), authorities.clone(), &config.user_agent)?;
        let public = Wire::new(public(config.networks), config.lookup, authorities, &config.user_agent)?;
        Ok(Self(Arc::new(Inner {
            wire,
            public,
            networks: config.networks,
            operator: config.operator,
            fixed: config.fixed.into_iter().map(|(purpose, url)| (purpose, url.origin())).collect(),
            sites,
            counts: Counts::new(store, vault),
            clock,
        })))
    }

    /// Makes a call for a tenant ([`TenantId::SERVER`] for the server itself). Follows up to three redirects of a
    /// GET, each hop under the same rules.
    ///
    /// # Errors
    /// `outward_refused` (Broken) for what the rules forbid; `outward_timeout`, `outward_connect` and
    /// `outward_interrupted` (Busy) for what did not work out; `outward_too_large` (Broken) for a body beyond its
    /// bound. An answer of any status is not an error.
    pub async fn send(&self, tenant: TenantId, purpose: Purpose, call: Outward) -> Result<Reply> {
        let time = call.time.min(LONGEST_CALL);
        let span = tracing::info_span!(
            target: kernel::SPANS,
            "outward",
            otel.name = purpose.code(),
            otel.kind = "client",
            otel.status_code = Empty,
            http.request.method = %call.method,
            http.response.status_code = Empty,
            steward.fault = Empty,
        );
        let answer = tokio::time::timeout(time, self.hops(tenant, purpose, call))
            .instrument(span.clone())
            .await
            .unwrap_or_else(|_| Err(unreachable("outward_timeout", format!("no whole answer within {time:?}"))));
        match &answer {
            Ok(reply) => {
                span.record("http.response.status_code", reply.status.as_u16());
            }
            Err(fault) => {
                span.record("steward.fault", fault.code()).record("otel.status_code", "ERROR");
            }
        }
        answer
    }

    async fn hops(&self, tenant: TenantId, purpose: Purpose, mut call: Outward) -> Result<Reply> {
        let first = call.url.origin();
        for _ in 0..=REDIRECTS {
            let reply = self.hop(tenant, purpose, &call).await?;
            let target = reply.headers.get(LOCATION).filter(|_| reply.status.is_redirection());
            let Some(target) = target.filter(|_| call.method == Method::GET) else {
                return Ok(reply);
            };
            let target = target.to_str().map_err(|_| door_refuses("a redirect that is not text"))?;
            call.url = call.url.join(target).map_err(|_| door_refuses("a redirect that is no address"))?;
            if call.url.origin() != first {
                call.authorization = None;
            }
        }
        Err(door_refuses("too many redirects"))
    }

    async fn hop(&self, tenant: TenantId, purpose: Purpose, call: &Outward) -> Result<Reply> {
        self.check(tenant, purpose, &call.url).await?;
        let host = call.url.host_str().ok_or_else(|| door_refuses("no host"))?;
        self.0.counts.note(tenant, purpose.code(), host, self.0.clock.now(), 1).await?;
        metrics::counter!("steward_outward_calls_total", "purpose" => purpose.code()).increment(1);
        let wire = if purpose == Purpose::Webhook { &self.0.public } else { &self.0.wire };
        wire.exchange(call).await
    }

    /// Whether a receiver may have this address, as far as the address tells.
    ///
    /// # Errors
    /// `outward_refused` (Broken): neither https nor this machine where it is allowed, or a private network.
    pub fn check_receiver(&self, url: &Url) -> Result<()> {
        shape(url, public(self.0.networks))
    }

    async fn check(&self, tenant: TenantId, purpose: Purpose, url: &Url) -> Result<()> {
        if purpose == Purpose::Webhook {
            return self.check_receiver(url);
        }
        shape(url, self.0.networks)?;
        let origin = url.origin();
        let fixed = self.0.fixed.iter().any(|(of, allowed)| *of == purpose && *allowed == origin);
        let allowed = match purpose {
            Purpose::InvocationKeys
            | Purpose::InstallKeys
            | Purpose::PersonToken
            | Purpose::ConnectToken
            | Purpose::ClientKey
            | Purpose::Region => fixed,
            // Data Center is its own authorization server.
            Purpose::SignIn if !fixed => {
                let known = self.0.sites.of(tenant).await?;
                known.is_data_center() && known.site.api_base.origin() == origin
            }
            Purpose::SignIn => true,
            Purpose::KeyService | Purpose::Joining | Purpose::Server | Purpose::Traces | Purpose::Webhook => false,
            Purpose::Jira | Purpose::ServiceDesk => {
                let known = self.0.sites.of(tenant).await?;
                known.site.api_base.origin() == origin
                    || known.site.url.as_ref().is_some_and(|site| site.origin() == origin)
                    // Where what people granted is taken; Forge's sites have it as their API base.
                    || (fixed && known.mode == Mode::CloudToken)
            }
        };
        if allowed { Ok(()) } else { Err(door_refuses("an origin that is not configured for this purpose")) }
    }

    /// Writes the counts that wait; the last thing at shutdown.
    pub async fn flush(&self) -> Result<()> {
        for way in &self.0.operator {
            self.note_made(way).await?;
        }
        self.0.counts.flush(self.0.clock.now()).await
    }

    /// Writes on the ledger which calls an operator's way made that are not there yet.
    pub async fn note_made(&self, way: &OperatorDoor) -> Result<()> {
        let (host, purpose, made) = way.take_made()?;
        let mut written = Ok(());
        for (hour_at, calls) in made {
            if written.is_ok() {
                // On the heap: what carries this future about must fit a stack.
                written = self.0.counts.note(TenantId::SERVER, purpose, host, hour_at, calls).boxed().await;
            }
            if written.is_err() {
                way.give_back(hour_at, calls);
            }
        }
        written
    }

    /// Writes counts every few seconds, for ever: spawn it, and [`flush`](Self::flush) once it is ended.
    pub async fn keep_counting(&self) {
        let mut every = tokio::time::interval(FLUSH_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            if let Err(fault) = self.flush().await {
                tracing::warn!(event = "outward_counts_wait", code = fault.code());
            }
        }
    }
}
