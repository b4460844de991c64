//! A root key that takes a call: what it unwrapped outlives it for a while, and what is destroyed does not.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use kernel::{KeyClass, Kind, TenantId};
use vault::{FileRootKey, Rewrap, Rewrapped, RootKey, RootKeyFault, Roots, Subject, Vault};
use zeroize::Zeroizing;

use crate::shelf::{MemoryShelf, now, place, vault};

/// A root key in versions somewhere else: reachable, away, or refusing.
struct Far {
    key: FileRootKey,
    version: Mutex<u8>,
    answers: Mutex<Option<RootKeyFault>>,
    calls: AtomicUsize,
}

impl Far {
    fn new(folder: &Path) -> Arc<Self> {
        let path = folder.join("far.key");
        FileRootKey::create(&path).unwrap();
        let key = FileRootKey::read(&path).unwrap();
        Arc::new(Self { key, version: Mutex::new(1), answers: Mutex::new(None), calls: AtomicUsize::new(0) })
    }

    fn away(&self) {
        *self.answers.lock().unwrap() = Some(RootKeyFault::Unavailable("it is away".to_owned()));
    }

    fn refuses(&self) {
        *self.answers.lock().unwrap() = Some(RootKeyFault::Withheld("it is gone".to_owned()));
    }

    fn back(&self) {
        *self.answers.lock().unwrap() = None;
    }

    fn asked(&self) -> Result<(), RootKeyFault> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        match &*self.answers.lock().unwrap() {
            None => Ok(()),
            Some(RootKeyFault::Unavailable(why)) => Err(RootKeyFault::Unavailable(why.clone())),
            Some(_) => Err(RootKeyFault::Withheld("it is gone".to_owned())),
        }
    }
}

#[async_trait]
impl RootKey for Far {
    fn name(&self) -> &str {
        "far"
    }

    fn far(&self) -> bool {
        true
    }

    async fn newest(&self) -> Result<Vec<u8>, RootKeyFault> {
        self.asked()?;
        Ok(vec![*self.version.lock().unwrap()])
    }

    async fn wrap(&self, associated: &[u8], key: &[u8]) -> Result<Vec<u8>, RootKeyFault> {
        self.asked()?;
        let version = *self.version.lock().unwrap();
        Ok([vec![version], self.key.wrap(associated, key).await?].concat())
    }

    async fn unwrap(&self, associated: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, RootKeyFault> {
        self.asked()?;
        self.key.unwrap(associated, &wrapped[1..]).await
    }
}

fn later(hours: i64) -> Timestamp {
    now() + jiff::SignedDuration::from_hours(hours)
}

/// Asks anew, as after the half minute in which derived keys are kept.
async fn asks(vault: &Vault, tenant: TenantId, at: Timestamp) -> Result<(), Kind> {
    let fresh = vault.keys_of(tenant, KeyClass::Data, Subject::Person(&crate::shelf::person("x")), at).await;
    fresh.map(|_| ()).map_err(|fault| fault.kind())
}

#[tokio::test]
async fn what_was_unwrapped_goes_on_while_the_service_is_away_and_new_keys_wait() {
    let (shelf, folder) = (MemoryShelf::new(), tempfile::tempdir().unwrap());
    let far = Far::new(folder.path());
    let vault = Vault::new(shelf.clone(), far.clone());
    let (known, unknown) = (TenantId::fresh(), TenantId::fresh());
    vault.keys_of(known, KeyClass::Data, Subject::Tenant, now()).await.unwrap();
    let before = far.calls.load(Ordering::SeqCst);
    assert_eq!(asks(&vault, known, now()).await, Ok(()));
    assert_eq!(far.calls.load(Ordering::SeqCst), before, "asked again within the hour");

    far.away();
    assert_eq!(asks(&vault, known, later(12)).await, Ok(()));
    let fault = vault.keys_of(unknown, KeyClass::Data, Subject::Tenant, now()).await.err().unwrap();
    assert_eq!((fault.kind(), fault.code()), (Kind::Busy, "root_key_unavailable"));
    assert!(fault.retry_after().is_some_and(|after| after >= Duration::from_secs(1)));
    assert_eq!(vault.rotate(known, KeyClass::Data, now()).await.unwrap_err().kind(), Kind::Busy);
    far.back();
    vault.keys_of(unknown, KeyClass::Data, Subject::Tenant, now()).await.unwrap();
    assert_eq!(vault.versions(known, KeyClass::Data).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_service_that_refuses_is_heeded_within_the_hour() {
    let (shelf, folder) = (MemoryShelf::new(), tempfile::tempdir().unwrap());
    let far = Far::new(folder.path());
    let vault = Vault::new(shelf.clone(), far.clone());
    let tenant = TenantId::fresh();
    vault.keys_of(tenant, KeyClass::Data, Subject::Tenant, now()).await.unwrap();
    far.refuses();
    assert_eq!(asks(&vault, tenant, later(1)).await, Err(Kind::Broken));
    // From then on nothing of it is in memory: not even a service that is away brings it back.
    far.away();
    assert_eq!(asks(&vault, tenant, now()).await, Err(Kind::Busy));
}

#[tokio::test]
async fn a_destroyed_or_moved_key_is_not_found_in_memory() {
    let (shelf, folder) = (MemoryShelf::new(), tempfile::tempdir().unwrap());
    let far = Far::new(folder.path());
    let vault = Vault::new(shelf.clone(), far.clone());
    let other_node = Vault::new(shelf.clone(), far.clone());
    let (left, moved) = (TenantId::fresh(), TenantId::fresh());
    for node in [&vault, &other_node] {
        node.keys_of(left, KeyClass::Data, Subject::Tenant, now()).await.unwrap();
    }
    shelf.copy_keys(left, moved);
    assert_eq!(asks(&vault, moved, now()).await, Err(Kind::Broken));
    shelf.mark_gone(left);
    vault.destroy_tenant(left).await.unwrap();
    far.away();
    // The other node was told nothing: it asks the shelf all the same.
    assert_eq!(asks(&vault, left, now()).await, Err(Kind::NotFound));
    assert_eq!(asks(&other_node, left, now()).await, Err(Kind::NotFound));
}

#[tokio::test]
async fn keys_move_between_root_keys_and_to_a_newer_version() {
    let (shelf, folder) = (MemoryShelf::new(), tempfile::tempdir().unwrap());
    let file = vault(&shelf, folder.path());
    let tenants: Vec<TenantId> = (0..3).map(|_| TenantId::fresh()).collect();
    let mut sealed = Vec::new();
    for tenant in &tenants {
        let keys = file.keys_of(*tenant, KeyClass::Data, Subject::Tenant, now()).await.unwrap();
        file.rotate(*tenant, KeyClass::Data, now()).await.unwrap();
        sealed.push((*tenant, keys.seal(&place(), &"hello".to_owned()).unwrap()));
    }
    let file_root: Arc<dyn RootKey> = Arc::new(FileRootKey::read(&folder.path().join("root.key")).unwrap());
    let far = Far::new(folder.path());
    let opens = async |roots: Roots| {
        let vault = Vault::with_roots(shelf.clone(), roots);
        for (tenant, sealed) in &sealed {
            let keys = vault.keys_of(*tenant, KeyClass::Data, Subject::Tenant, now()).await?;
            assert_eq!(keys.open(&place(), sealed).unwrap().peek(), "hello");
        }
        Ok::<(), kernel::Fault>(())
    };

    // Before: the service alone opens nothing, and says which root key it lacks.
    let fault = opens(Roots::new(far.clone())).await.unwrap_err();
    assert_eq!(fault.code(), "vault_root_key");
    assert!(fault.private_source().unwrap().to_string().contains(file_root.name()));

    let both = Roots::new(far.clone()).with_former(Some(file_root.clone()));
    let rewrap = Rewrap::new(shelf.clone(), both.clone());
    let census = async || rewrap.census().await.unwrap().into_values().collect::<Vec<_>>();
    opens(both.clone()).await.unwrap();
    assert_eq!(rewrap.run(u64::MAX, |_| {}).await.unwrap(), Rewrapped { moved: 6, seen: 6, shut: 0 });
    assert_eq!(rewrap.run(u64::MAX, |_| {}).await.unwrap(), Rewrapped { moved: 0, seen: 6, shut: 0 });
    assert_eq!(census().await, [6]);
    opens(Roots::new(far.clone())).await.unwrap();

    *far.version.lock().unwrap() = 2;
    assert_eq!(rewrap.run(4, |_| {}).await.unwrap().moved, 4);
    assert_eq!(rewrap.run(u64::MAX, |_| {}).await.unwrap().moved, 2);
    assert!(shelf.contents().iter().all(|wrapped| wrapped.starts_with(b"\x02\x03far\x02")));
    opens(Roots::new(far.clone())).await.unwrap();

    // A service that goes away in the middle: what is moved stays moved, and the next run goes on.
    let back = Rewrap::new(shelf.clone(), Roots::new(file_root.clone()).with_former(Some(far.clone())));
    let stopped = back.run(u64::MAX, |done| {
        if done.moved == 2 {
            far.away();
        }
    });
    assert_eq!(stopped.await.unwrap_err().kind(), Kind::Busy);
    far.back();
    assert_eq!(census().await, [4, 2]);
    opens(Roots::new(far.clone()).with_former(Some(file_root.clone()))).await.unwrap();
    assert_eq!(back.run(u64::MAX, |_| {}).await.unwrap(), Rewrapped { moved: 4, seen: 6, shut: 0 });
    opens(Roots::new(file_root.clone())).await.unwrap();
}

#[tokio::test]
async fn wraps_from_before_names_open_and_are_given_one() {
    let (shelf, folder) = (MemoryShelf::new(), tempfile::tempdir().unwrap());
    let tenant = TenantId::fresh();
    let file = vault(&shelf, folder.path());
    file.keys_of(tenant, KeyClass::Data, Subject::Tenant, now()).await.unwrap();
    shelf.take_names_away();
    assert_eq!(shelf.contents()[0].len(), 60);
    let file_root: Arc<dyn RootKey> = Arc::new(FileRootKey::read(&folder.path().join("root.key")).unwrap());
    let fresh = Vault::new(shelf.clone(), file_root.clone());
    fresh.keys_of(tenant, KeyClass::Data, Subject::Tenant, now()).await.unwrap();
    let rewrap = Rewrap::new(shelf.clone(), Roots::new(file_root.clone()));
    assert_eq!(rewrap.census().await.unwrap().into_keys().collect::<Vec<_>>(), [None]);
    assert_eq!(rewrap.run(u64::MAX, |_| {}).await.unwrap().moved, 1);
    assert_eq!(rewrap.census().await.unwrap().into_keys().collect::<Vec<_>>(), [Some(file_root.name().to_owned())]);
    // One that nobody opens is counted, and does not stop the others.
    shelf.damage(tenant);
    shelf.take_names_away();
    assert_eq!(rewrap.run(u64::MAX, |_| {}).await.unwrap(), Rewrapped { moved: 0, seen: 1, shut: 1 });
}
