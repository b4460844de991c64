//! The keys that installs are signed with: each fetched through the door by its id, and kept.
//!
//! An id has no path in it ([`token::key_id`](super::token::key_id)), and fetches are bounded, so that nobody can have us call out at will or
//! elsewhere. Start at [`InstallKeys::key`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::DecodingKey;
use kernel::{Clock, Fault, Result, TenantId};
use moka::future::Cache;
use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderValue};
use url::Url;

use super::token::Refusal;
use crate::door::{Door, Outward, Purpose};
use crate::fault::{shared, unexpected};

/// A key withdrawn is refused after this long at the latest.
const FRESH: Duration = Duration::from_secs(600);
/// Atlassian has a handful at a time.
const KEYS: u64 = 64;
const FETCH_TIME: Duration = Duration::from_secs(4);
/// A key of 8192 bits is 1.4 KB of PEM.
const BODY_BYTES: usize = 8 * 1024;
/// Fetches within [`WINDOW`], whoever asks: installs are rare, and ids are free to invent.
const FETCHES: u32 = 20;
const WINDOW: SignedDuration = SignedDuration::from_secs(60);

/// The published keys.
pub(crate) struct InstallKeys {
    base: Url,
    door: Door,
    clock: Arc<dyn Clock>,
    known: Cache<String, Arc<DecodingKey>>,
    spent: Mutex<(Option<Timestamp>, u32)>,
}

impl InstallKeys {
    pub(crate) fn new(base: Url, door: Door, clock: Arc<dyn Clock>) -> Self {
        let known = Cache::builder().max_capacity(KEYS).time_to_live(FRESH).build();
        Self { base, door, clock, known, spent: Mutex::new((None, 0)) }
    }

    /// The key of an id that has its proper shape. Unknown: `Unauthenticated`. None to be had: `Busy`, code
    /// `token_keys_unavailable`.
    pub(crate) async fn key(&self, kid: &str) -> Result<Arc<DecodingKey>> {
        let fetching = async {
            if !self.spend() {
                return Err(unavailable("too many different key ids within a minute"));
            }
            self.fetch(kid).await.map(Arc::new)
        };
        // One fetch at a time for an id: whoever comes meanwhile finds its result. A failure is not kept.
        self.known.try_get_with(kid.to_owned(), fetching).boxed().await.map_err(|fault| shared(&fault))
    }

    /// Whether one more fetch is allowed now.
    fn spend(&self) -> bool {
        let now = self.clock.now();
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, count) = &mut *spent;
        let within = since.is_some_and(|since| now >= since && now.duration_since(since) < WINDOW);
        if !within {
            (*since, *count) = (Some(now), 0);
        }
        *count += 1;
        *count <= FETCHES
    }

    async fn fetch(&self, kid: &str) -> Result<DecodingKey> {
        let url = self.base.join(kid).map_err(|_| unexpected("an id of a key that makes no address"))?;
        let mut call = Outward::new(Method::GET, url);
        call.time = FETCH_TIME;
        call.body_limit = BODY_BYTES;
        call.headers.insert(ACCEPT, HeaderValue::from_static("text/plain"));
        let reply = self.door.send(TenantId::SERVER, Purpose::InstallKeys, call).await;
        let reply = reply.map_err(|fault| unavailable(fault.code()))?;
        match reply.status.as_u16() {
            200 => {}
            400 | 403 | 404 => return Err(Refusal::UnknownKey.fault()),
            _ => return Err(unavailable("the keys' address answers without success")),
        }
        // The library refuses, when it verifies, moduli of fewer than 2048 bits and of more than 8192.
        DecodingKey::from_rsa_pem(&reply.body).map_err(|_| unavailable("what is published is no RSA key"))
    }
}

fn unavailable(why: &'static str) -> Fault {
    Fault::busy(
        "token_keys_unavailable",
        "The key that this was signed with cannot be fetched at the moment. Try again.",
        Some(Duration::from_secs(30)),
    )
    .because(why)
}
