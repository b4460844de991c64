//! The door: every outward call of the program goes through [`Door::send`].
//!
//! It writes host, purpose and tenant to the outward-call ledger before the call leaves, and refuses what nobody
//! configured: foreign origins, plain HTTP beyond this machine, addresses inside walls, and wherever a redirect or
//! a name points there. It must never follow a redirect with credentials to another origin, and never log a URL.
//! Start at [`Door::send`].

mod counts;
mod resolver;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kernel::{Clock, Fault, Result, TenantId};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode};
use rustls_platform_verifier::Verifier;
use store::Store;
use url::{Host, Origin, Url};
use vault::Vault;

use crate::address::{Networks, judge};
use crate::fault::{door_refuses, unreachable};
use crate::sites::Sites;
use counts::Counts;
pub use resolver::{Lookup, SystemLookup};

/// Connecting takes one round trip or two; what takes longer is down.
const CONNECT_TIME: Duration = Duration::from_secs(5);
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
    /// A token to act as a person who is not there.
    PersonToken,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Jira, Self::ServiceDesk, Self::InvocationKeys, Self::PersonToken];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Jira => "jira.platform",
            Self::ServiceDesk => "jira.service_desk",
            Self::InvocationKeys => "forge.invocation_keys",
            Self::PersonToken => "forge.person_token",
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
    /// How long the answer's body may be.
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

struct Inner {
    http: reqwest::Client,
    networks: Networks,
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
        let guard = resolver::Guard { networks: config.networks, lookup: config.lookup };
        #[expect(clippy::disallowed_methods, reason = "this is the door that outward calls go through")]
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(config.authorities)?)
            .dns_resolver(Arc::new(guard))
            .redirect(reqwest::redirect::Policy::none())
            // A proxy would look names up behind our back.
            .no_proxy()
            .referer(false)
            .connect_timeout(CONNECT_TIME)
            .user_agent(config.user_agent)
            .build()
            .map_err(|error| Fault::broken("door", error))?;
        Ok(Self(Arc::new(Inner {
            http,
            networks: config.networks,
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
        tokio::time::timeout(time, self.hops(tenant, purpose, call))
            .await
            .unwrap_or_else(|_| Err(unreachable("outward_timeout", format!("no whole answer within {time:?}"))))
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
        self.0.counts.note(tenant, purpose.code(), host, self.0.clock.now()).await?;
        metrics::counter!("steward_outward_calls_total", "purpose" => purpose.code()).increment(1);
        let mut request = self.0.http.request(call.method.clone(), call.url.clone()).headers(call.headers.clone());
        if let Some(authorization) = &call.authorization {
            let mut value = authorization.clone();
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        if let Some(body) = &call.body {
            request = request.body(body.clone());
        }
        let mut response = request.send().await.map_err(failed)?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > call.body_limit {
                return Err(Fault::broken("outward_too_large", "an answer longer than its bound"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, headers, body: body.freeze() })
    }

    async fn check(&self, tenant: TenantId, purpose: Purpose, url: &Url) -> Result<()> {
        shape(url, self.0.networks)?;
        let origin = url.origin();
        let fixed = self.0.fixed.iter().any(|(of, allowed)| *of == purpose && *allowed == origin);
        let allowed = match purpose {
            Purpose::InvocationKeys | Purpose::PersonToken => fixed,
            Purpose::Jira | Purpose::ServiceDesk => {
                let known = self.0.sites.of(tenant).await?;
                known.site.api_base.origin() == origin
                    || known.site.url.as_ref().is_some_and(|site| site.origin() == origin)
            }
        };
        if allowed { Ok(()) } else { Err(door_refuses("an origin that is not configured for this purpose")) }
    }

    /// Writes the counts that wait; the last thing at shutdown.
    pub async fn flush(&self) -> Result<()> {
        self.0.counts.flush(self.0.clock.now()).await
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

/// What can be told from the address alone.
pub(crate) fn shape(url: &Url, networks: Networks) -> Result<()> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(door_refuses("credentials in an address"));
    }
    let (literal, local) = match url.host() {
        Some(Host::Ipv4(address)) => (Some(address.into()), address.is_loopback()),
        Some(Host::Ipv6(address)) => (Some(address.into()), address.is_loopback()),
        Some(Host::Domain(name)) => (None, resolver::is_localhost(name)),
        None => return Err(door_refuses("no host")),
    };
    match url.scheme() {
        "https" => {}
        "http" if local && networks.loopback => {}
        _ => return Err(door_refuses("neither https nor a permitted local address")),
    }
    // The connector asks no resolver for a literal address.
    if literal.is_some_and(|address| !judge(address, networks)) {
        return Err(door_refuses("an address outside the allowed networks"));
    }
    Ok(())
}

fn failed(error: reqwest::Error) -> Fault {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(inner) = cause {
        if inner.is::<resolver::NotAllowed>() {
            return door_refuses("a name that leads outside the allowed networks");
        }
        cause = inner.source();
    }
    // The URL may carry a query with a person's name.
    let bare = error.without_url();
    match (bare.is_timeout(), bare.is_connect()) {
        (true, _) => unreachable("outward_timeout", bare.to_string()),
        (_, true) => unreachable("outward_connect", bare.to_string()),
        _ => unreachable("outward_interrupted", bare.to_string()),
    }
}

fn tls(authorities: Vec<Vec<u8>>) -> Result<rustls::ClientConfig> {
    let broken = |error: rustls::Error| Fault::broken("door_tls", error);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(broken)?;
    let authorities: Vec<_> = authorities.into_iter().map(rustls::pki_types::CertificateDer::from).collect();
    Ok(match Verifier::new_with_extra_roots(authorities, provider) {
        Ok(verifier) => builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth(),
        Err(error) => {
            // No authority at all: every https call will fail, which a demo on this machine alone does not need.
            tracing::warn!(event = "outward_no_authorities", reason = %error);
            builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
        }
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[track_caller]
    fn check(url: &str, private: bool, loopback: bool, allowed: bool) {
        let judged = shape(&Url::parse(url).unwrap(), Networks { private, loopback });
        assert_eq!(judged.is_ok(), allowed, "{url}");
    }

    #[test]
    fn addresses_as_written() {
        check("https://api.atlassian.com/x", false, false, true);
        check("http://api.atlassian.com/x", true, true, false);
        check("ftp://api.atlassian.com/x", true, true, false);
        check("https://user@api.atlassian.com/", true, true, false);
        check("https://:secret@api.atlassian.com/", true, true, false);
        check("http://127.0.0.1:8080/", false, true, true);
        check("http://127.0.0.1:8080/", true, false, false);
        check("http://localhost:8080/", false, true, true);
        check("http://jira.localhost:8080/", false, true, true);
        check("http://notlocalhost:8080/", true, true, false);
        check("http://[::1]:8080/", false, true, true);
        // Decimal, octal, hexadecimal and short forms are addresses all the same.
        check("https://2130706433/", false, false, false);
        check("https://0x7f.1/", false, false, false);
        check("https://0177.0.0.1/", false, false, false);
        check("https://2852039166/", true, true, false);
        check("https://169.254.169.254/latest/meta-data", true, true, false);
        check("https://[::ffff:169.254.169.254]/", true, true, false);
        check("https://[fd00:ec2::254]/", true, true, false);
        check("https://10.0.0.8/", false, true, false);
        check("https://10.0.0.8/", true, false, true);
        check("https://[::ffff:10.0.0.8]/", false, false, false);
    }
}
