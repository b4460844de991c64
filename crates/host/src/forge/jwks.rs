//! The keys that Forge signs with: fetched through the door, kept by id.
//!
//! An unknown id makes one fetch every half minute at most, so that nobody can make us call out at will. While the
//! host of the keys is down, known keys go on for a bounded time. Start at [`SigningKeys::key`].

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, KeyAlgorithm, PublicKeyUse};
use kernel::{Clock, Fault, Result, TenantId};
use reqwest::Method;
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::token::{Refusal, is_key_id};
use crate::door::{Door, Outward, Purpose};
use crate::fault::unexpected;

/// A key withdrawn is refused after this long at the latest.
const FRESH: Duration = Duration::from_secs(600);
/// How long known keys serve while no newer ones can be had.
const STALE: Duration = Duration::from_secs(24 * 3600);
/// Between two fetches, whatever the reason.
const BETWEEN: Duration = Duration::from_secs(30);
const FETCH_TIME: Duration = Duration::from_secs(4);
/// Forge publishes a handful of keys of some 500 bytes.
const BODY_BYTES: usize = 128 * 1024;
const KEYS: usize = 64;
/// RSA moduli that are neither broken nor a way to burn our time.
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

#[derive(Default)]
struct Known {
    keys: HashMap<String, Arc<DecodingKey>>,
    fetched_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
}

/// What to do for one look-up: pure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Answer from memory.
    Serve,
    /// Fetch, then answer; fall back on memory.
    Fetch,
    /// There is nothing, and it is too early to ask again.
    Wait,
}

fn step(has: bool, fetched_at: Option<Timestamp>, tried_at: Option<Timestamp>, now: Timestamp) -> Step {
    // A clock that was set back makes an age negative; that is not young.
    let within = |at: Option<Timestamp>, age: Duration| {
        at.is_some_and(|at| {
            let passed = now.duration_since(at);
            !passed.is_negative() && passed.unsigned_abs() < age
        })
    };
    if has && within(fetched_at, FRESH) {
        Step::Serve
    } else if within(tried_at, BETWEEN) {
        if has && within(fetched_at, STALE) { Step::Serve } else { Step::Wait }
    } else {
        Step::Fetch
    }
}

/// The published keys.
pub struct SigningKeys {
    url: Url,
    door: Door,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
}

impl SigningKeys {
    pub(crate) fn new(url: Url, door: Door, clock: Arc<dyn Clock>) -> Self {
        Self { url, door, clock, known: Mutex::new(Known::default()) }
    }

    /// The key of an id. Unknown: `Unauthenticated`. None to be had at all: `Busy`, code `token_keys_unavailable`.
    pub async fn key(&self, kid: &str) -> Result<Arc<DecodingKey>> {
        // One fetch at a time: whoever comes meanwhile waits here and finds its result.
        let mut known = self.known.lock().await;
        let now = self.clock.now();
        match step(known.keys.contains_key(kid), known.fetched_at, known.tried_at, now) {
            Step::Serve | Step::Wait => {}
            Step::Fetch => {
                known.tried_at = Some(now);
                match self.fetch().await {
                    Ok(keys) => {
                        known.keys = keys;
                        known.fetched_at = Some(now);
                    }
                    Err(fault) => tracing::warn!(event = "invocation_keys_unavailable", code = fault.code()),
                }
            }
        }
        let usable = step(true, known.fetched_at, Some(now), now) == Step::Serve;
        if !usable {
            return Err(Fault::busy(
                "token_keys_unavailable",
                "Your session with Jira cannot be confirmed at the moment. Try again.",
                Some(BETWEEN),
            ));
        }
        known.keys.get(kid).cloned().ok_or_else(|| Refusal::UnknownKey.fault())
    }

    async fn fetch(&self) -> Result<HashMap<String, Arc<DecodingKey>>> {
        let mut call = Outward::new(Method::GET, self.url.clone());
        call.time = FETCH_TIME;
        call.body_limit = BODY_BYTES;
        let reply = self.door.send(TenantId::SERVER, Purpose::InvocationKeys, call).await?;
        if !reply.status.is_success() {
            return Err(unexpected("the signing keys' address answers without success"));
        }
        read(&reply.body)
    }
}

#[derive(Deserialize)]
struct Published {
    keys: Vec<serde_json::Value>,
}

/// The usable keys of a published set; keys of other kinds are passed over.
fn read(body: &[u8]) -> Result<HashMap<String, Arc<DecodingKey>>> {
    let published: Published =
        serde_json::from_slice(body).map_err(|_| unexpected("signing keys that are no key set"))?;
    if published.keys.len() > KEYS {
        return Err(unexpected("more signing keys than anybody needs"));
    }
    let mut keys = HashMap::new();
    for value in published.keys {
        let Ok(jwk) = serde_json::from_value::<Jwk>(value) else { continue };
        if let Some((kid, key)) = usable(&jwk) {
            keys.entry(kid).or_insert_with(|| Arc::new(key));
        }
    }
    Ok(keys)
}

fn usable(jwk: &Jwk) -> Option<(String, DecodingKey)> {
    use base64::Engine;
    let kid = jwk.common.key_id.clone().filter(|kid| is_key_id(kid))?;
    let signs = jwk.common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
    let rs256 = jwk.common.key_algorithm.is_none_or(|algorithm| algorithm == KeyAlgorithm::RS256);
    let AlgorithmParameters::RSA(rsa) = &jwk.algorithm else { return None };
    let modulus = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(&rsa.n).ok()?;
    if !signs || !rs256 || !MODULUS_BITS.contains(&(modulus.len() * 8)) {
        return None;
    }
    Some((kid, DecodingKey::from_rsa_components(&rsa.n, &rsa.e).ok()?))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn when_keys_are_fetched() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let ago = |seconds: i64| Some(now - jiff::SignedDuration::from_secs(seconds));
        #[track_caller]
        fn check(has: bool, fetched: Option<Timestamp>, tried: Option<Timestamp>, now: Timestamp, expected: Step) {
            assert_eq!(step(has, fetched, tried, now), expected);
        }
        check(false, None, None, now, Step::Fetch);
        check(true, ago(1), ago(1), now, Step::Serve);
        check(true, ago(599), ago(599), now, Step::Serve);
        check(true, ago(600), ago(600), now, Step::Fetch);
        // An unknown id: at once, then once in half a minute.
        check(false, ago(100), ago(100), now, Step::Fetch);
        check(false, ago(100), ago(29), now, Step::Wait);
        check(false, ago(100), ago(30), now, Step::Fetch);
        // The host is down: known keys serve for a day.
        check(true, ago(3600), ago(10), now, Step::Serve);
        check(true, ago(86_399), ago(10), now, Step::Serve);
        check(true, ago(86_400), ago(10), now, Step::Wait);
        // A clock that was set back does not make old keys young for ever.
        check(true, ago(-50), ago(-50), now, Step::Fetch);
    }

    #[test]
    fn which_keys_are_usable() {
        use base64::Engine;
        let modulus = |bits: usize| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(vec![0xc1; bits / 8]);
        let set = serde_json::json!({"keys": [
            {"kty": "RSA", "kid": "forge/invocation-token/good", "n": modulus(2048), "e": "AQAB", "alg": "RS256", "use": "sig"},
            {"kty": "RSA", "kid": "bare", "n": modulus(4096), "e": "AQAB"},
            {"kty": "RSA", "kid": "short", "n": modulus(1024), "e": "AQAB"},
            {"kty": "RSA", "kid": "huge", "n": modulus(16384), "e": "AQAB"},
            {"kty": "RSA", "kid": "encrypts", "n": modulus(2048), "e": "AQAB", "use": "enc"},
            {"kty": "RSA", "kid": "ps", "n": modulus(2048), "e": "AQAB", "alg": "PS256"},
            {"kty": "RSA", "kid": "../climbs", "n": modulus(2048), "e": "AQAB"},
            {"kty": "RSA", "n": modulus(2048), "e": "AQAB"},
            {"kty": "oct", "kid": "secret", "k": "c2VjcmV0"},
            {"kty": "new", "kid": "unheard-of"},
        ]});
        let mut found: Vec<String> = read(set.to_string().as_bytes()).unwrap().into_keys().collect();
        found.sort();
        assert_eq!(found, ["bare", "forge/invocation-token/good"]);
        let many: Vec<_> = (0..65).map(|n| serde_json::json!({"kid": n.to_string()})).collect();
        assert!(read(serde_json::json!({ "keys": many }).to_string().as_bytes()).is_err());
        assert!(read(b"<html>").is_err());
    }
}
