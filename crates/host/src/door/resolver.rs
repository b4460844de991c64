//! Names to addresses, checked at the moment of connecting.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::address::{Networks, judge};

/// Looks names up. The door's own asks the system; tests put one that lies in its place.
pub trait Lookup: Send + Sync + 'static {
    /// The addresses of a name.
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The system's resolver.
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            // The port plays no part in a look-up; the connector puts its own.
            Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
        })
    }
}

/// Whether a name means this machine, whatever the network says (RFC 6761).
pub(crate) fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// Gives the connector only addresses that the rules allow. A name with even one address that they do not allow is
/// refused whole: it is either misconfigured or a trap.
pub(crate) struct Guard {
    pub(crate) networks: Networks,
    pub(crate) lookup: Arc<dyn Lookup>,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (networks, lookup, name) = (self.networks, self.lookup.clone(), name.as_str().to_owned());
        Box::pin(async move {
            let found = if is_localhost(&name) {
                vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
            } else {
                lookup.lookup(name).await?
            };
            if found.is_empty() || !found.iter().all(|address| judge(*address, networks)) {
                return Err(Box::new(NotAllowed) as _);
            }
            let addresses: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

/// A name led where the door does not go.
#[derive(Debug)]
pub(crate) struct NotAllowed;

impl std::fmt::Display for NotAllowed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a name that leads to an address outside the allowed networks")
    }
}

impl std::error::Error for NotAllowed {}
