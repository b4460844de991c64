//! What is destroyed does not open again, at once, whatever this node had in memory.

use std::sync::Arc;

use kernel::{KeyClass, Kind, TenantId};
use vault::{Destroyed, Subject};

use crate::shelf::{MemoryShelf, again, now, person, place, vault};

#[tokio::test]
async fn a_destroyed_persons_values_stay_shut_and_others_open() {
    let (shelf, folder) = (MemoryShelf::new(), tempfile::tempdir().unwrap());
    let vault = vault(&shelf, folder.path());
    let tenant = TenantId::fresh();
    let (alice, bob) = (person("alice"), person("bob"));
    let sealed_by = async |account| {
        let keys = vault.keys_of(tenant, KeyClass::Data, Subject::Person(account), now()).await.unwrap();
        keys.seal(&place(), &"hello".to_owned()).unwrap()
    };
    let (of_alice, of_bob) = (sealed_by(&alice).await, sealed_by(&bob).await);

    assert!(vault.destroy_subject(tenant, &alice).await.unwrap());
    assert!(!vault.destroy_subject(tenant, &alice).await.unwrap());
    // Whoever asks for her keys now gets others, under a new salt.
    let keys = vault.keys_of(tenant, KeyClass::Data, Subject::Person(&alice), now()).await.unwrap();
    assert_eq!(keys.open(&place(), &of_alice).err().unwrap().code(), "vault_open");
    let keys = vault.keys_of(tenant, KeyClass::Data, Subject::Person(&bob), now()).await.unwrap();
    assert_eq!(keys.open(&place(), &of_bob).unwrap().peek(), "hello");
}

#[tokio::test]
async fn a_departed_tenants_keys_are_gone_and_none_are_made() {
    let (shelf, folder) = (MemoryShelf::new(), tempfile::tempdir().unwrap());
    let vault = vault(&shelf, folder.path());
    let (leaving, staying) = (TenantId::fresh(), TenantId::fresh());
    let alice = person("alice");
    for tenant in [leaving, staying] {
        vault.keys_of(tenant, KeyClass::Data, Subject::Person(&alice), now()).await.unwrap();
        vault.keys_of(tenant, KeyClass::Credential, Subject::Tenant, now()).await.unwrap();
        vault.rotate(tenant, KeyClass::Credential, now()).await.unwrap();
    }
    shelf.mark_gone(leaving);
    assert_eq!(vault.destroy_tenant(leaving).await.unwrap(), Destroyed { keys: 3, salts: 1 });
    assert_eq!(vault.destroy_tenant(leaving).await.unwrap(), Destroyed { keys: 0, salts: 0 });
    for class in KeyClass::ALL {
        let fault = vault.keys_of(leaving, class, Subject::Tenant, now()).await.err().unwrap();
        assert_eq!(fault.kind(), Kind::NotFound);
        assert_eq!(vault.rotate(leaving, class, now()).await.unwrap_err().kind(), Kind::NotFound);
        assert!(vault.versions(leaving, class).await.unwrap().is_empty());
    }
    vault.keys_of(staying, KeyClass::Credential, Subject::Tenant, now()).await.unwrap();
    assert_eq!(vault.versions(staying, KeyClass::Credential).await.unwrap().len(), 2);
}

/// A derivation that had read the shelf before the destruction, and ends after it, must leave nothing in memory.
#[tokio::test]
async fn a_derivation_under_way_does_not_bring_a_destroyed_key_back() {
    let (shelf, folder) = (MemoryShelf::new(), tempfile::tempdir().unwrap());
    let vault = Arc::new(vault(&shelf, folder.path()));
    let tenant = TenantId::fresh();
    let keys = vault.keys_of(tenant, KeyClass::Data, Subject::Tenant, now()).await.unwrap();
    let sealed = keys.seal(&place(), &"hello".to_owned()).unwrap();
    vault.rotate(tenant, KeyClass::Data, now()).await.unwrap();
    shelf.at_gate.forget_permits(1000);

    shelf.shut_gate();
    let slow = vault.clone();
    let derivation =
        tokio::spawn(async move { slow.keys_of(tenant, KeyClass::Data, Subject::Tenant, now()).await.map(drop) });
    shelf.at_gate.acquire().await.unwrap().forget();
    vault.destroy_version(tenant, KeyClass::Data, 1).await.unwrap();
    shelf.open_gate();
    derivation.await.unwrap().unwrap();

    let keys = vault.keys_of(tenant, KeyClass::Data, Subject::Tenant, now()).await.unwrap();
    assert_eq!(keys.open(&place(), &again(sealed.as_bytes())).err().unwrap().code(), "vault_open");
}

#[tokio::test]
async fn the_keys_of_many_are_those_of_each_and_are_not_kept() {
    let (shelf, folder) = (MemoryShelf::new(), tempfile::tempdir().unwrap());
    let vault = vault(&shelf, folder.path());
    let clock = Arc::new(kernel::ManualClock::new(now()));
    let cx = kernel::Cx::mint(
        TenantId::fresh(),
        kernel::Actor::System("test"),
        kernel::Standing::default(),
        clock,
        kernel::RequestId::fresh(),
    );
    let people = ["alice", "bob", "carol", "alice"].map(person);
    let met = vault.keys(&cx, KeyClass::Data, Subject::Person(&people[1])).await.unwrap();
    let of_bob = met.seal(&place(), &"bob's".to_owned()).unwrap();
    let named: Vec<_> = people.iter().collect();
    let keys = vault.keys_of_people(&cx, KeyClass::Data, &named).await.unwrap();
    assert_eq!(keys.len(), 4, "one each, in their order");
    assert_eq!(keys[1].open(&place(), &of_bob).unwrap().peek(), "bob's");
    let of_alice = keys[0].seal(&place(), &"alice's".to_owned()).unwrap();
    assert_eq!(keys[3].open(&place(), &of_alice).unwrap().peek(), "alice's");
    assert_eq!(keys[2].open(&place(), &of_alice).err().unwrap().code(), "vault_open");
    let alone = vault.keys(&cx, KeyClass::Data, Subject::Person(&people[0])).await.unwrap();
    assert_eq!(alone.open(&place(), &of_alice).unwrap().peek(), "alice's");
    assert!(vault.destroy_subject(cx.tenant(), &people[0]).await.unwrap());
    let anew = vault.keys_of_people(&cx, KeyClass::Data, &named).await.unwrap();
    assert_eq!(anew[0].open(&place(), &of_alice).err().unwrap().code(), "vault_open");
    shelf.mark_gone(cx.tenant());
    assert_eq!(vault.keys_of_people(&cx, KeyClass::Data, &named).await.err().unwrap().kind(), Kind::NotFound);
}
