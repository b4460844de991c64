//! The way to what the operator runs beside Steward: a key service.
//!
//! It is the door's own client under the door's own rules, but for three: the one origin that it goes to is the
//! operator's word, so that private networks and this machine are allowed; it follows no redirect; and its lines on
//! the outward-call ledger are written after the call, since what seals them may be what the call fetches. It must never
//! carry a tenant's data in the clear, nor go anywhere else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use kernel::{Clock, Fault, Result};
use store::outward::hour_of;
use url::Url;

use super::{Authorities, Outward, Purpose, Reply, Wire, shape};
use crate::address::Networks;
use crate::door::SystemLookup;
use crate::fault::{door_refuses, unreachable};

/// Wherever the operator says; metadata services never, plain HTTP on this machine alone.
const NETWORKS: Networks = Networks { private: true, loopback: true };

/// A client for the operator's object store at `endpoint`, which is a part of the database and on no ledger: it gets
/// sealed bytes alone. Whoever uses it keeps it to that origin.
///
/// # Errors
/// `outward_refused` for an address that no configuration can make right.
pub fn store_client(endpoint: &Url, authority: Option<Vec<Vec<u8>>>) -> Result<reqwest::Client> {
    shape(endpoint, NETWORKS)?;
    let authorities = authority.map_or(Authorities::System(Vec::new()), Authorities::Only);
    let agent = concat!("Steward/", env!("CARGO_PKG_VERSION"));
    Ok(Wire::new(NETWORKS, Arc::new(SystemLookup), authorities, agent)?.client())
}

struct Inner {
    wire: Wire,
    networks: Networks,
    purpose: Purpose,
    origin: Url,
    clock: Arc<dyn Clock>,
    /// Calls of an hour that are not on the ledger yet. An entry an hour, gone when the door writes its counts.
    made: Mutex<HashMap<Timestamp, i64>>,
}

/// A way to one origin; cheap to clone.
#[derive(Clone)]
pub struct OperatorDoor(Arc<Inner>);

impl OperatorDoor {
    /// To `address`, for a purpose that belongs to no tenant. With `authority` (DER certificates) only those vouch for it; without, the
    /// system's.
    ///
    /// # Errors
    /// `outward_refused` for an address that no configuration can make right.
    pub fn new(
        purpose: Purpose,
        address: &Url,
        authority: Option<Vec<Vec<u8>>>,
        user_agent: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        Self::within(NETWORKS, purpose, address, authority, user_agent, clock)
    }

    /// The same, no further than these networks: also where a name leads to.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn within(
        networks: Networks,
        purpose: Purpose,
        address: &Url,
        authority: Option<Vec<Vec<u8>>>,
        user_agent: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        shape(address, networks)?;
        let authorities = authority.map_or(Authorities::System(Vec::new()), Authorities::Only);
        let wire = Wire::new(networks, Arc::new(SystemLookup), authorities, user_agent)?;
        let inner = Inner { wire, networks, purpose, origin: address.clone(), clock, made: Mutex::default() };
        Ok(Self(Arc::new(inner)))
    }

    /// Makes a call.
    ///
    /// # Errors
    /// As [`Door::send`](super::Door::send).
    pub async fn send(&self, call: Outward) -> Result<Reply> {
        let Inner { wire, networks, purpose, origin, clock, made } = &*self.0;
        shape(&call.url, *networks)?;
        if call.url.origin() != origin.origin() {
            return Err(door_refuses("an origin that is not configured for this purpose"));
        }
        *made.lock().unwrap_or_else(PoisonError::into_inner).entry(hour_of(clock.now())).or_insert(0) += 1;
        metrics::counter!("steward_outward_calls_total", "purpose" => purpose.code()).increment(1);
        let time = call.time;
        tokio::time::timeout(time, wire.exchange(&call))
            .await
            .unwrap_or_else(|_| Err(unreachable("outward_timeout", format!("no whole answer within {time:?}"))))
    }

    /// Hands over what is not on the ledger yet: host, purpose, and how many calls in which hour.
    pub(super) fn take_made(&self) -> Result<(&str, &'static str, HashMap<Timestamp, i64>)> {
        let host = self.0.origin.host_str().ok_or_else(|| Fault::broken("door", "no host"))?;
        let made = std::mem::take(&mut *self.0.made.lock().unwrap_or_else(PoisonError::into_inner));
        Ok((host, self.0.purpose.code(), made))
    }

    /// Takes back what could not be written.
    pub(super) fn give_back(&self, hour_at: Timestamp, calls: i64) {
        *self.0.made.lock().unwrap_or_else(PoisonError::into_inner).entry(hour_at).or_insert(0) += calls;
    }
}
