//! The program's only HTTP client, and what it asks of an address before it connects. It must never log a URL: a query
//! may hold a name.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kernel::{Fault, Result};
use reqwest::header::AUTHORIZATION;
use rustls_platform_verifier::Verifier;
use url::{Host, Url};

use super::resolver::{self, Lookup};
use super::{Outward, Reply};
use crate::address::{Networks, judge};
use crate::fault::{door_refuses, unreachable};

/// Connecting takes one round trip or two; what takes longer is down.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// Who vouches for the other side.
#[derive(Clone)]
pub(super) enum Authorities {
    /// The system's authorities and these, DER.
    System(Vec<Vec<u8>>),
    /// These alone.
    Only(Vec<Vec<u8>>),
}

pub(super) struct Wire(reqwest::Client);

impl Wire {
    pub(super) fn new(
        networks: Networks,
        lookup: Arc<dyn Lookup>,
        authorities: Authorities,
        user_agent: &str,
    ) -> Result<Self> {
        let guard = resolver::Guard { networks, lookup };
        #[expect(clippy::disallowed_methods, reason = "this is the door that outward calls go through")]
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(authorities)?)
            .dns_resolver(Arc::new(guard))
            .redirect(reqwest::redirect::Policy::none())
            // A proxy would look names up behind our back.
            .no_proxy()
            .referer(false)
            .connect_timeout(CONNECT_TIME)
            .user_agent(user_agent)
            .build()
            .map_err(|error| Fault::broken("door", error))?;
        Ok(Self(http))
    }

    /// The client itself, for what speaks a protocol of its own to the operator's store.
    pub(super) fn client(self) -> reqwest::Client {
        self.0
    }

    /// One hop, its whole body read. Whoever calls has judged the address.
    pub(super) async fn exchange(&self, call: &Outward) -> Result<Reply> {
        let mut request = self.0.request(call.method.clone(), call.url.clone()).headers(call.headers.clone());
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
        if call.body_limit == 0 {
            return Ok(Reply { status, headers, body: Bytes::new() });
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > call.body_limit {
                return Err(Fault::broken("outward_too_large", "an answer longer than its bound"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, headers, body: body.freeze() })
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
    let mut why = bare.to_string();
    let mut cause = std::error::Error::source(&bare);
    while let Some(inner) = cause {
        why = format!("{why}: {inner}");
        cause = inner.source();
    }
    match (bare.is_timeout(), bare.is_connect()) {
        (true, _) => unreachable("outward_timeout", why),
        (_, true) => unreachable("outward_connect", why),
        _ => unreachable("outward_interrupted", why),
    }
}

fn tls(authorities: Authorities) -> Result<rustls::ClientConfig> {
    let broken = |error: rustls::Error| Fault::broken("door_tls", error);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(broken)?;
    let authorities = match authorities {
        Authorities::System(beside) => beside,
        Authorities::Only(authorities) => {
            let mut roots = rustls::RootCertStore::empty();
            for authority in authorities {
                roots.add(authority.into()).map_err(broken)?;
            }
            return Ok(builder.with_root_certificates(roots).with_no_client_auth());
        }
    };
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
