//! The root keys of a server: the one that wraps, and, while keys move, a former one that still opens what it wrapped.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Fault, KeyClass, Result, TenantId};
use zeroize::Zeroizing;

use crate::hazmat::format::{named_wrap, read_wrap, wrapping_context};
use crate::hazmat::kdf::{KEY_BYTES, Secret};
use crate::root::{RootKey, RootKeyFault};

/// When to try again: a key service that was restarted answers, and one that was sealed waits for people.
const AGAIN: Duration = Duration::from_secs(5);

/// The root keys; cheap to clone.
#[derive(Clone)]
pub struct Roots {
    current: Arc<dyn RootKey>,
    former: Option<Arc<dyn RootKey>>,
}

pub(crate) fn root_fault(fault: RootKeyFault) -> Fault {
    match fault {
        RootKeyFault::Unavailable(why) => Fault::busy(
            "root_key_unavailable",
            "The service that keeps this server's key does not answer at the moment. Try again shortly.",
            Some(AGAIN),
        )
        .because(why),
        other => Fault::broken("vault_root_key", other),
    }
}

impl Roots {
    /// One root key, which wraps and opens.
    pub fn new(current: Arc<dyn RootKey>) -> Self {
        Self { current, former: None }
    }

    /// Beside it another one, which opens what it wrapped and wraps nothing.
    #[must_use]
    pub fn with_former(mut self, former: Option<Arc<dyn RootKey>>) -> Self {
        self.former = former;
        self
    }

    /// The name of the root key that wraps.
    pub fn current_name(&self) -> &str {
        self.current.name()
    }

    pub(crate) async fn wrap(&self, tenant: TenantId, class: KeyClass, version: u32, key: &Secret) -> Result<Vec<u8>> {
        let context = wrapping_context(tenant, class, version);
        let wrapped = self.current.wrap(&context, key.as_slice()).await.map_err(root_fault)?;
        named_wrap(self.current.name(), &wrapped).ok_or_else(|| {
            Fault::broken("vault_root_key", "a root key's name, or what it wrapped, has an impossible length")
        })
    }

    pub(crate) async fn unwrap(&self, tenant: TenantId, class: KeyClass, version: u32, bytes: &[u8]) -> Result<Secret> {
        let context = wrapping_context(tenant, class, version);
        let (name, wrapped) =
            read_wrap(bytes).ok_or_else(|| Fault::broken("vault_key", "a wrapped key of no known format"))?;
        let key = match name {
            Some(name) => self.named(name)?.unwrap(&context, wrapped).await,
            None => self.unwrap_unnamed(&context, wrapped).await,
        };
        let key = key.map_err(root_fault)?;
        let secret: [u8; KEY_BYTES] =
            key.as_slice().try_into().map_err(|_| Fault::broken("vault_key", "a wrapped key of the wrong length"))?;
        Ok(Zeroizing::new(secret))
    }

    /// Whether a key lies under another root key than the current one, or under an older version of it. `newest` is
    /// [`Roots::newest`].
    pub(crate) fn is_stale(&self, bytes: &[u8], newest: &[u8]) -> bool {
        !read_wrap(bytes)
            .is_some_and(|(name, wrapped)| name == Some(self.current.name()) && wrapped.starts_with(newest))
    }

    /// How what is wrapped now begins.
    pub(crate) async fn newest(&self) -> Result<Vec<u8>> {
        self.current.newest().await.map_err(root_fault)
    }

    /// Whether unwrapping these bytes is a call that may fail.
    pub(crate) fn is_far(&self, bytes: &[u8]) -> bool {
        let name = read_wrap(bytes).and_then(|(name, _)| name);
        name.and_then(|name| self.named(name).ok()).is_some_and(|root| root.far())
    }

    fn all(&self) -> impl Iterator<Item = &Arc<dyn RootKey>> {
        std::iter::once(&self.current).chain(&self.former)
    }

    fn named(&self, name: &str) -> Result<&Arc<dyn RootKey>> {
        self.all().find(|root| root.name() == name).ok_or_else(|| {
            Fault::broken(
                "vault_root_key",
                format!(
                    "a key is wrapped by the root key {}, and the configuration does not name that one",
                    printable(name)
                ),
            )
        })
    }

    /// The few keys that say nothing: each file that there is. No stranger chose them, and the tag decides.
    async fn unwrap_unnamed(&self, context: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, RootKeyFault> {
        for root in self.all().filter(|root| root.before_names()) {
            if let Ok(key) = root.unwrap(context, wrapped).await {
                return Ok(key);
            }
        }
        Err(RootKeyFault::Refused)
    }
}

/// A name from the shelf, for a terminal or a log.
pub(crate) fn printable(name: &str) -> String {
    name.chars().map(|sign| if sign.is_ascii_graphic() { sign } else { '?' }).collect()
}
