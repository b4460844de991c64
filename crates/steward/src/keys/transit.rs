//! A root key in the transit engine of OpenBao or Vault: it never leaves the service, which wraps and unwraps by
//! request. What a key is bound to goes along as associated data, so that the service refuses it anywhere else.
//!
//! The engine's own `rewrap` takes no associated data: keys go to a newer version by being unwrapped and wrapped, and
//! a policy needs no more than `update` on `encrypt` and `decrypt`. It must never log what it sends or is sent. Start at
//! [`Transit::new`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use host::door::{Outward, Reply};
use host::{OperatorDoor, Purpose};
use jiff::SignedDuration;
use kernel::Clock;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::Url;
use vault::{RootKey, RootKeyFault};
use zeroize::Zeroizing;

use super::session::{Lease, Login, Session, bearer, secret};
use crate::config::KeyServiceConfig;

/// A service in the same network answers in milliseconds; a page waits for this.
const CALL_TIME: Duration = Duration::from_secs(5);
/// Answers are some hundred bytes.
const ANSWER_BYTES: usize = 64 * 1024;
/// A login that is younger does not get better by another one.
const LOGIN_PAUSE: SignedDuration = SignedDuration::from_secs(10);
/// Between two looks at whether a token wants renewing; a shorter lease is renewed by the use that finds it ended.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Of a service's own words: enough for a sentence.
const QUOTED: usize = 200;
/// What the engine writes in front of a ciphertext, before the version.
const PREFIX: &str = "vault:v";

struct Inner {
    way: OperatorDoor,
    address: Url,
    mount: String,
    key: String,
    name: String,
    namespace: Option<HeaderValue>,
    login: Login,
    session: Mutex<Option<Session>>,
    clock: Arc<dyn Clock>,
    /// So that an outage is one line in the log, and its end another.
    answers: AtomicBool,
}

/// A root key in a key service; cheap to clone.
#[derive(Clone)]
pub(crate) struct Transit(Arc<Inner>);

#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

#[derive(Deserialize)]
struct Authenticated {
    auth: Auth,
}

#[derive(Deserialize)]
struct Auth {
    client_token: String,
    #[serde(flatten)]
    lease: Lease,
}

#[derive(Deserialize)]
struct Encrypted {
    ciphertext: String,
}

#[derive(Deserialize)]
struct Decrypted {
    plaintext: String,
}

impl Transit {
    /// Reads the authority's certificate; calls nothing yet.
    pub(crate) fn new(config: &KeyServiceConfig, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        use anyhow::Context;
        let authority = config.ca_file.as_ref().map(|path| {
            super::authority(path)
                .with_context(|| format!("root_key_service.ca_file: {} is no certificate in PEM", path.display()))
        });
        let agent = concat!("Steward/", env!("CARGO_PKG_VERSION"));
        let way = OperatorDoor::new(Purpose::KeyService, &config.address, authority.transpose()?, agent, clock.clone())
            .map_err(|fault| anyhow::anyhow!("root_key_service.address: {}", crate::doctor::cause(&fault)))?;
        let namespace = config.namespace.as_deref().map(HeaderValue::from_str).transpose();
        Ok(Self(Arc::new(Inner {
            way,
            address: config.address.clone(),
            mount: config.mount.clone(),
            key: config.key.clone(),
            name: format!("transit:{}/{}", config.mount, config.key),
            namespace: namespace.context("root_key_service.namespace: it holds signs that no namespace has")?,
            login: Login::of(config).context("root_key_service: give token_file, or role_id and secret_id_file")?,
            session: Mutex::default(),
            clock,
            answers: AtomicBool::new(true),
        })))
    }

    /// The way that its calls take, for the ledger.
    pub(crate) fn way(&self) -> OperatorDoor {
        self.0.way.clone()
    }

    /// The policy that this server's token needs, no more and no less.
    pub(crate) fn policy(&self) -> String {
        let Inner { mount, key, .. } = &*self.0;
        format!(
            "path \"{mount}/encrypt/{key}\" {{ capabilities = [\"update\"] }}\n\
             path \"{mount}/decrypt/{key}\" {{ capabilities = [\"update\"] }}"
        )
    }

    /// Where it is, for a person.
    pub(crate) fn place(&self) -> String {
        format!("{} at {}", self.0.name, self.0.address)
    }

    /// Renews the token in time, and notices an outage before somebody needs a key, for ever: spawn it.
    pub(crate) async fn keep_ready(&self) {
        let mut every = tokio::time::interval(LOOK_EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            self.renew_if_due().await;
            // Both say what they find by themselves: one that a service is gone, the other that it works again.
            if self.0.answers.load(Ordering::SeqCst) {
                let _ = self.health().await;
            } else {
                let _ = self.newest().await;
            }
        }
    }

    /// Renews a token that is half over. One that cannot be renewed is replaced at its next use.
    pub(super) async fn renew_if_due(&self) {
        let mut session = self.0.session.lock().await;
        let now = self.0.clock.now();
        let Some(held) = session.clone().filter(|held| held.renew_at.is_some_and(|at| at <= now)) else { return };
        let renewed = self.exchange(Method::POST, "auth/token/renew-self", Some(&held.bearer), Some(&json!({}))).await;
        // Away for a moment: the token is good for as long again.
        let Ok(reply) = renewed else { return };
        let renewed = serde_json::from_slice::<Authenticated>(&reply.body).ok().filter(|_| reply.status.is_success());
        *session = renewed.map(|renewed| Session::new(held.bearer, &renewed.auth.lease, now));
    }

    /// A token that the service takes; `refused` is the one that it did not.
    async fn token(&self, refused: Option<&HeaderValue>) -> Result<Option<HeaderValue>, RootKeyFault> {
        let mut session = self.0.session.lock().await;
        let now = self.0.clock.now();
        match (&*session, refused) {
            (Some(held), None) => return Ok(Some(held.bearer.clone())),
            // Somebody else replaced it meanwhile.
            (Some(held), Some(refused)) if held.bearer != *refused => return Ok(Some(held.bearer.clone())),
            (Some(held), Some(_)) if now.duration_since(held.since) < LOGIN_PAUSE => return Ok(None),
            _ => {}
        }
        let made = self.log_in().await?;
        let again = refused.is_some_and(|refused| *refused == made.bearer);
        *session = Some(made.clone());
        Ok((!again).then_some(made.bearer))
    }

    async fn log_in(&self) -> Result<Session, RootKeyFault> {
        let now = self.0.clock.now();
        match &self.0.login {
            Login::TokenFile(path) => {
                let bearer = bearer(&secret("root_key_service.token_file", path)?)?;
                let lease = self.lease(&bearer).await?;
                Ok(Session::new(bearer, &lease, now))
            }
            Login::AppRole { mount, role_id, secret_id_file } => {
                let secret_id = secret("root_key_service.secret_id_file", secret_id_file)?;
                let path = format!("auth/{mount}/login");
                let body = json!({"role_id": role_id, "secret_id": secret_id.as_str()});
                let reply = self.exchange(Method::POST, &path, None, Some(&body)).await?;
                if reply.status.is_client_error() {
                    let why = words(&reply);
                    return Err(self.away(format!("the key service refuses the login of this server's role: {why}")));
                }
                let made: Authenticated = self.read(&path, &reply)?;
                Ok(Session::new(bearer(&Zeroizing::new(made.auth.client_token))?, &made.auth.lease, now))
            }
        }
    }

    /// What the service says of a token.
    async fn lease(&self, bearer: &HeaderValue) -> Result<Lease, RootKeyFault> {
        let path = "auth/token/lookup-self";
        let reply = self.exchange(Method::GET, path, Some(bearer), None).await?;
        if reply.status == StatusCode::FORBIDDEN {
            return Err(
                self.away("the key service does not know the token in token_file: it ended, or was revoked".to_owned())
            );
        }
        Ok(self.read::<Answer<Lease>>(path, &reply)?.data)
    }

    /// The policies of the token in use.
    pub(super) async fn policies(&self) -> Result<Vec<String>, RootKeyFault> {
        match self.token(None).await? {
            Some(bearer) => Ok(self.lease(&bearer).await?.policies),
            None => Ok(Vec::new()),
        }
    }

    /// Whether the service is there and unsealed; asked without a token.
    pub(super) async fn health(&self) -> Result<(), RootKeyFault> {
        #[derive(Deserialize)]
        struct Health {
            initialized: bool,
            sealed: bool,
        }
        let reply = self.exchange_any(Method::GET, "sys/health", None, None).await?;
        let health: Health = serde_json::from_slice(&reply.body)
            .map_err(|_| self.away("what answers there is neither OpenBao nor Vault".to_owned()))?;
        match (health.initialized, health.sealed) {
            (false, _) => {
                Err(self.away("the key service is there and not initialized: run `bao operator init`".to_owned()))
            }
            (_, true) => Err(self.away("the key service is sealed: run `bao operator unseal`".to_owned())),
            _ => Ok(()),
        }
    }

    /// An operation of the engine on this key, with a token, once more with another if the service refuses that one.
    async fn operate<T: DeserializeOwned>(&self, operation: &str, body: &Value) -> Result<T, RootKeyFault> {
        let path = format!("{}/{operation}/{}", self.0.mount, self.0.key);
        let denied = || {
            self.away(format!(
                "the key service permits no {operation}. If the key is not there yet: `bao write -f {}/keys/{}`. Else the \
                 policy of this server's token needs\n{}",
                self.0.mount,
                self.0.key,
                self.policy()
            ))
        };
        let first = self.token(None).await?.ok_or_else(denied)?;
        let mut reply = self.exchange(Method::POST, &path, Some(&first), Some(body)).await?;
        if reply.status == StatusCode::FORBIDDEN {
            let other = self.token(Some(&first)).await?.ok_or_else(denied)?;
            reply = self.exchange(Method::POST, &path, Some(&other), Some(body)).await?;
        }
        if reply.status == StatusCode::FORBIDDEN {
            return Err(denied());
        }
        let read: Answer<T> = self.read(&path, &reply)?;
        if !self.0.answers.swap(true, Ordering::SeqCst) {
            tracing::info!(event = "root_key_available", key = self.0.name);
        }
        metrics::gauge!("steward_key_service_up").set(1.0);
        Ok(read.data)
    }

    /// A call whose answer the service itself gave: that it is sealed, on standby or overloaded ends it here.
    async fn exchange(
        &self,
        method: Method,
        path: &str,
        bearer: Option<&HeaderValue>,
        body: Option<&Value>,
    ) -> Result<Reply, RootKeyFault> {
        let reply = self.exchange_any(method, path, bearer, body).await?;
        match reply.status.as_u16() {
            503 => Err(self.away("the key service is sealed or in maintenance: run `bao operator unseal`".to_owned())),
            429 | 472 | 473 | 500.. => {
                Err(self.away(format!("the key service answers {}: {}", reply.status, words(&reply))))
            }
            _ => Ok(reply),
        }
    }

    async fn exchange_any(
        &self,
        method: Method,
        path: &str,
        bearer: Option<&HeaderValue>,
        body: Option<&Value>,
    ) -> Result<Reply, RootKeyFault> {
        let mut url = self.0.address.clone();
        // Fails for addresses without a host alone, which no configuration has.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().push("v1").extend(path.split('/'));
        }
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static("x-vault-request"), HeaderValue::from_static("true"));
        if let Some(namespace) = &self.0.namespace {
            headers.insert(HeaderName::from_static("x-vault-namespace"), namespace.clone());
        }
        let body = body.map(|body| Bytes::from(body.to_string()));
        let call = Outward {
            headers,
            authorization: bearer.cloned(),
            body,
            time: CALL_TIME,
            body_limit: ANSWER_BYTES,
            ..Outward::new(method, url)
        };
        self.0.way.send(call).await.map_err(|fault| {
            let cause = fault.private_source().map_or_else(|| fault.code().to_owned(), ToString::to_string);
            let hint =
                if cause.contains("UnknownIssuer") { ". Name the authority of its certificate as ca_file" } else { "" };
            self.away(format!("the key service at {} does not answer: {cause}{hint}", self.0.address))
        })
    }

    fn read<T: DeserializeOwned>(&self, path: &str, reply: &Reply) -> Result<T, RootKeyFault> {
        if !reply.status.is_success() {
            return Err(self.refusal(path, reply));
        }
        serde_json::from_slice(&reply.body)
            .map_err(|_| self.away(format!("what the key service answers to {path} is not what OpenBao and Vault say")))
    }

    /// What a refusal means; of the service's own words only known ones decide.
    fn refusal(&self, path: &str, reply: &Reply) -> RootKeyFault {
        let (said, key) = (words(reply), &self.0.key);
        if said.contains("message authentication failed") {
            return RootKeyFault::Refused;
        }
        if said.contains("too old") {
            return RootKeyFault::Withheld(format!(
                "the key service opens no keys of so old a version of {key}: lower its min_decryption_version, run \
                 `steward rekey`, and raise it again"
            ));
        }
        if said.contains("key not found") {
            return RootKeyFault::Withheld(format!(
                "the key service has no key {key}: restore it, or for a new server run `bao write -f {}/keys/{key}`",
                self.0.mount
            ));
        }
        if reply.status == StatusCode::NOT_FOUND {
            return RootKeyFault::Withheld(format!(
                "the key service has no transit engine at {}: run `bao secrets enable -path={0} transit`, or mend mount",
                self.0.mount
            ));
        }
        if reply.status == StatusCode::FORBIDDEN {
            return self.away(format!("the key service does not permit {path}"));
        }
        RootKeyFault::Withheld(format!("the key service refuses {path}: {said}"))
    }

    /// It cannot be used now: told once in the log, until it answers again.
    fn away(&self, why: String) -> RootKeyFault {
        metrics::gauge!("steward_key_service_up").set(0.0);
        if self.0.answers.swap(false, Ordering::SeqCst) {
            tracing::error!(event = "root_key_unavailable", key = self.0.name, reason = why);
        }
        RootKeyFault::Unavailable(why)
    }
}

/// The service's own words, for the operator's log: one sentence of printable signs.
fn words(reply: &Reply) -> String {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<String>,
    }
    let said = serde_json::from_slice::<Errors>(&reply.body).ok().and_then(|said| said.errors.into_iter().next());
    let said = said.unwrap_or_else(|| reply.status.to_string());
    said.chars().filter(|sign| !sign.is_control()).take(QUOTED).collect()
}

#[async_trait]
impl RootKey for Transit {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn far(&self) -> bool {
        true
    }

    async fn newest(&self) -> Result<Vec<u8>, RootKeyFault> {
        // The version of a fresh ciphertext: asking for it needs no permission beside those to wrap.
        let probe = self.wrap(b"steward probe", &[]).await?;
        let end = probe.iter().skip(PREFIX.len()).position(|byte| *byte == b':');
        let length = end.map_or(probe.len(), |end| PREFIX.len() + end + 1);
        Ok(probe.get(..length).unwrap_or_default().to_vec())
    }

    async fn wrap(&self, associated: &[u8], key: &[u8]) -> Result<Vec<u8>, RootKeyFault> {
        let plaintext = Zeroizing::new(STANDARD.encode(key));
        let body = json!({"plaintext": plaintext.as_str(), "associated_data": STANDARD.encode(associated)});
        let Encrypted { ciphertext } = self.operate("encrypt", &body).await?;
        if ciphertext.starts_with(PREFIX) { Ok(ciphertext.into_bytes()) } else { Err(RootKeyFault::Malformed) }
    }

    async fn unwrap(&self, associated: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, RootKeyFault> {
        let ciphertext = std::str::from_utf8(wrapped).map_err(|_| RootKeyFault::Refused)?;
        let body = json!({"ciphertext": ciphertext, "associated_data": STANDARD.encode(associated)});
        let Decrypted { plaintext } = self.operate("decrypt", &body).await?;
        let plaintext = Zeroizing::new(plaintext);
        STANDARD.decode(plaintext.as_bytes()).map(Zeroizing::new).map_err(|_| RootKeyFault::Refused)
    }
}
