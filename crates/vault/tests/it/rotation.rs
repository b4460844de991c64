//! Versions: made, used, sealed anew, shared between nodes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use kernel::{KeyClass, Kind, TenantId};
use vault::{FileRootKey, Subject, Vault, key_of};

use crate::shelf::{MemoryShelf, again, now, person, place, vault};

#[tokio::test]
async fn a_rotated_key_seals_and_the_old_one_still_opens() {
    let (shelf, folder) = (MemoryShelf::new(), tempfile::tempdir().unwrap());
    let vault = vault(&shelf, folder.path());
    let tenant = TenantId::fresh();
    let keys = vault.keys_of(tenant, KeyClass::Data, Subject::Tenant, now()).await.unwrap();
    let old = keys.seal(&place(), &"hello".to_owned()).unwrap();

    assert_eq!(vault.rotate(tenant, KeyClass::Data, now()).await.unwrap(), 2);
    let keys = vault.keys_of(tenant, KeyClass::Data, Subject::Tenant, now()).await.unwrap();
    assert_eq!(keys.newest(), 2);
    assert_eq!(keys.open(&place(), &old).unwrap().peek(), "hello");
    let fresh = keys.reseal(&place(), old.as_bytes()).unwrap().unwrap();
    assert_eq!(key_of(&fresh), Some((KeyClass::Data, 2)));
    assert_eq!(keys.open(&place(), &again(&fresh)).unwrap().peek(), "hello");

    vault.destroy_version(tenant, KeyClass::Data, 1).await.unwrap();
    let keys = vault.keys_of(tenant, KeyClass::Data, Subject::Tenant, now()).await.unwrap();
    assert_eq!(keys.open(&place(), &old).err().unwrap().code(), "vault_open");
    assert_eq!(keys.open(&place(), &again(&fresh)).unwrap().peek(), "hello");
    assert_eq!(vault.versions(tenant, KeyClass::Data).await.unwrap().len(), 1);
}

#[tokio::test]
async fn nodes_that_rotate_at_once_make_one_version() {
    let (shelf, folder) = (MemoryShelf::new(), tempfile::tempdir().unwrap());
    let nodes: Vec<Vault> = (0..8).map(|_| vault(&shelf, folder.path())).collect();
    let tenant = TenantId::fresh();
    nodes.first().unwrap().keys_of(tenant, KeyClass::Data, Subject::Tenant, now()).await.unwrap();
    shelf.shut_gate();
    let rotations: Vec<_> = nodes
        .iter()
        .map(|node| {
            let node = node.clone();
            tokio::spawn(async move { node.rotate(tenant, KeyClass::Data, now()).await.unwrap() })
        })
        .collect();
    // All of them have read the shelf before one of them writes.
    shelf.at_gate.acquire_many(9).await.unwrap().forget();
    shelf.open_gate();
    for rotation in rotations {
        assert_eq!(rotation.await.unwrap(), 2);
    }
    let versions = nodes.first().unwrap().versions(tenant, KeyClass::Data).await.unwrap();
    assert_eq!(versions.iter().map(|age| age.version).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn nodes_that_make_the_first_version_and_a_salt_at_once_agree() {
    let (shelf, folder) = (MemoryShelf::new(), tempfile::tempdir().unwrap());
    let tenant = TenantId::fresh();
    let nodes: Vec<Vault> = (0..8).map(|_| vault(&shelf, folder.path())).collect();
    let made: Vec<_> = nodes
        .into_iter()
        .map(|node| {
            tokio::spawn(async move {
                node.keys_of(tenant, KeyClass::Data, Subject::Person(&person("alice")), now()).await.unwrap()
            })
        })
        .collect();
    let mut keys = Vec::new();
    for node in made {
        keys.push(node.await.unwrap());
    }
    for sealer in &keys {
        let sealed = sealer.seal(&place(), &"hello".to_owned()).unwrap();
        for opener in &keys {
            assert_eq!(opener.open(&place(), &sealed).unwrap().peek(), "hello");
        }
    }
}

#[tokio::test]
async fn waiters_share_one_derivation_and_each_hears_of_its_failure() {
    let (shelf, folder) = (MemoryShelf::new(), tempfile::tempdir().unwrap());
    let vault = Arc::new(vault(&shelf, folder.path()));
    let tenant = TenantId::fresh();
    vault.keys_of(tenant, KeyClass::Data, Subject::Tenant, now()).await.unwrap();
    vault.forget(tenant).await;
    let before = shelf.key_reads.load(Ordering::SeqCst);
    for _ in 0..100 {
        vault.keys_of(tenant, KeyClass::Data, Subject::Tenant, now()).await.unwrap();
    }
    assert_eq!(shelf.key_reads.load(Ordering::SeqCst), before + 1);

    vault.forget(tenant).await;
    shelf.down.store(true, Ordering::SeqCst);
    let waiting = (0..8).map(|_| vault.keys_of(tenant, KeyClass::Data, Subject::Tenant, now()));
    for answer in futures::future::join_all(waiting).await {
        assert_eq!(answer.err().unwrap().kind(), Kind::Busy);
    }
    shelf.down.store(false, Ordering::SeqCst);
    vault.keys_of(tenant, KeyClass::Data, Subject::Tenant, now()).await.unwrap();
}

#[tokio::test]
async fn the_shelf_holds_no_key_in_the_clear_and_opens_under_no_other_root() {
    let (shelf, folder, other) = (MemoryShelf::new(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let tenant = TenantId::fresh();
    let here = vault(&shelf, folder.path());
    let keys = here.keys_of(tenant, KeyClass::Data, Subject::Tenant, now()).await.unwrap();
    here.prove(now()).await.unwrap();
    let sealed = keys.seal(&place(), &"hello".to_owned()).unwrap();

    let foreign = vault(&shelf, other.path());
    for answer in
        [foreign.keys_of(tenant, KeyClass::Data, Subject::Tenant, now()).await.map(drop), foreign.prove(now()).await]
    {
        assert_eq!(answer.unwrap_err().code(), "vault_root_key");
    }
    // A shelf of one's own does not help: whoever makes a key of the same name cannot open what another sealed.
    let elsewhere = vault(&MemoryShelf::new(), folder.path());
    let keys = elsewhere.keys_of(tenant, KeyClass::Data, Subject::Tenant, now()).await.unwrap();
    assert_eq!(keys.open(&place(), &sealed).err().unwrap().code(), "vault_open");
    let text = std::fs::read_to_string(folder.path().join("root.key")).unwrap();
    let root = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text.trim()).unwrap();
    assert!(shelf.contents().iter().all(|stored| !stored.windows(8).any(|window| root.starts_with(window))));
    drop(FileRootKey::read(&folder.path().join("root.key")).unwrap());
}
