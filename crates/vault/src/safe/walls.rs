//! A ciphertext moved along any dimension of what it is bound to does not open: properties over random places.
//!
//! The dimensions are moved one at a time and with the key held the same wherever that can be done, so that it is the
//! binding that refuses and not merely another key.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::sync::Arc;

use kernel::{
    Audience, Column, ColumnKind, DataClass, Export, KeyClass, Kind, Retention, RowName, TenantId, sealed_column,
};
use proptest::prelude::*;
use zeroize::Zeroizing;

use super::keys::{KeySet, Keys, Place};

const fn data_class(name: &'static str) -> DataClass {
    DataClass {
        name,
        purpose: "Something to seal.",
        audience: Audience::Tenant,
        retention: Retention::Tenancy,
        regional: true,
        export: Export::Never,
    }
}

static VALUE: DataClass = data_class("value");
static NAME: DataClass = data_class("name");
static HERE: Column = sealed_column("customer_value", "value", KeyClass::Data, &VALUE);
static OTHER_TABLE: Column = sealed_column("organization_value", "value", KeyClass::Data, &VALUE);
static OTHER_COLUMN: Column = sealed_column("customer_value", "previous", KeyClass::Data, &VALUE);
static OTHER_DATA_CLASS: Column = sealed_column("customer_value", "value", KeyClass::Data, &NAME);
/// The same letters, cut elsewhere between the table's and the column's name.
static SHIFTED: Column = sealed_column("customer_valuev", "alue", KeyClass::Data, &VALUE);
static CREDENTIAL: Column = sealed_column("customer_value", "value", KeyClass::Credential, &VALUE);
static NOT_SEALED: Column = Column::new("customer_value", "plain", ColumnKind::Bytes, &VALUE);

#[derive(Clone, Debug)]
struct Owner {
    tenant: TenantId,
    class: KeyClass,
    subject: Option<String>,
    salt: Vec<u8>,
    versions: BTreeMap<u32, [u8; 32]>,
}

impl Owner {
    fn keys(&self) -> Keys {
        let versions = self.versions.iter().map(|(version, key)| (*version, Zeroizing::new(*key))).collect();
        Keys(Arc::new(KeySet::derive(self.tenant, self.class, self.subject.as_deref(), &self.salt, &versions).unwrap()))
    }
}

prop_compose! {
    fn owner()(
        tenant in any::<u128>(),
        subject in proptest::option::of("[a-z0-9:-]{1,40}"),
        salt in any::<[u8; 32]>(),
        key in any::<[u8; 32]>(),
        version in 1..u32::MAX,
    ) -> Owner {
        Owner {
            tenant: TenantId(uuid::Uuid::from_u128(tenant)),
            class: KeyClass::Data,
            salt: if subject.is_some() { salt.to_vec() } else { Vec::new() },
            subject,
            versions: BTreeMap::from([(version, key)]),
        }
    }
}

fn refuses(keys: &Keys, column: &'static Column, row: &RowName, bytes: &[u8]) -> Result<(), TestCaseError> {
    match keys.open_bytes(&Place::new(column, row.clone()), bytes) {
        Ok(_) => Err(TestCaseError::fail("a moved ciphertext opened")),
        Err(fault) => {
            // One answer for every reason.
            prop_assert_eq!((fault.kind(), fault.code()), (Kind::Broken, "vault_open"));
            Ok(())
        }
    }
}

proptest! {
    #[test]
    fn a_ciphertext_opens_where_it_lies_and_nowhere_else(
        owner in owner(),
        names in proptest::collection::vec("[a-z0-9]{0,12}", 1..4),
        plain in proptest::collection::vec(any::<u8>(), 0..600),
        other_tenant in any::<u128>(),
        other_subject in "[a-z0-9:-]{1,40}",
    ) {
        let keys = owner.keys();
        let row = names.iter().fold(RowName::new(), |row, name| row.text(name));
        let sealed = keys.seal_bytes(&Place::new(&HERE, row.clone()), &plain).unwrap();
        let opened = keys.open_bytes(&Place::new(&HERE, row.clone()), &sealed).unwrap();
        prop_assert_eq!(opened.as_slice(), &plain);

        for elsewhere in [&OTHER_TABLE, &OTHER_COLUMN, &OTHER_DATA_CLASS, &SHIFTED] {
            refuses(&keys, elsewhere, &row, &sealed)?;
        }
        refuses(&keys, &HERE, &row.clone().text(""), &sealed)?;
        refuses(&keys, &HERE, &names.iter().skip(1).fold(RowName::new(), |row, name| row.text(name)), &sealed)?;
        // The same letters in one part where there were several.
        if names.len() > 1 {
            refuses(&keys, &HERE, &RowName::new().text(&names.concat()), &sealed)?;
        }

        let moved = Owner { tenant: TenantId(uuid::Uuid::from_u128(other_tenant)), ..owner.clone() };
        if moved.tenant != owner.tenant {
            refuses(&moved.keys(), &HERE, &row, &sealed)?;
        }
        let moved = Owner { subject: Some(other_subject), ..owner.clone() };
        if moved.subject != owner.subject {
            refuses(&moved.keys(), &HERE, &row, &sealed)?;
        }
        if owner.subject.is_some() {
            refuses(&Owner { subject: None, ..owner.clone() }.keys(), &HERE, &row, &sealed)?;
            refuses(&Owner { salt: vec![0; 32], ..owner.clone() }.keys(), &HERE, &row, &sealed)?;
        }
    }

    #[test]
    fn neither_another_class_nor_another_version_of_keys_opens_it(
        owner in owner(),
        plain in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let (version, key) = owner.versions.first_key_value().map(|(version, key)| (*version, *key)).unwrap();
        let row = RowName::new().text("row");
        let sealed = owner.keys().seal_bytes(&Place::new(&HERE, row.clone()), &plain).unwrap();

        for class in [KeyClass::Credential, KeyClass::Names, KeyClass::Index] {
            let keys = Owner { class, ..owner.clone() }.keys();
            refuses(&keys, &HERE, &row, &sealed)?;
            // Nor when its header says so: the same key bytes, the class rewritten.
            let mut relabelled = sealed.clone();
            relabelled[1] = class.code();
            refuses(&keys, &HERE, &row, &relabelled)?;
        }
        let mut versions = owner.versions.clone();
        versions.insert(version - 1, key);
        versions.insert(version + 1, key);
        let keys = Owner { versions, ..owner.clone() }.keys();
        prop_assert!(keys.open_bytes(&Place::new(&HERE, row.clone()), &sealed).is_ok());
        for version in [version - 1, version + 1] {
            let mut relabelled = sealed.clone();
            relabelled[2..6].copy_from_slice(&version.to_be_bytes());
            refuses(&keys, &HERE, &row, &relabelled)?;
        }
        let retired = Owner { versions: BTreeMap::from([(version + 1, [9; 32])]), ..owner.clone() };
        refuses(&retired.keys(), &HERE, &row, &sealed)?;
    }

    #[test]
    fn no_bit_can_be_flipped_and_no_byte_lost_or_added(
        owner in owner(),
        plain in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let keys = owner.keys();
        let row = RowName::new().text("row");
        let sealed = keys.seal_bytes(&Place::new(&HERE, row.clone()), &plain).unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            refuses(&keys, &HERE, &row, &flipped)?;
        }
        for length in 0..sealed.len() {
            refuses(&keys, &HERE, &row, &sealed[..length])?;
            refuses(&keys, &HERE, &row, &sealed[length + 1..])?;
        }
        let mut longer = sealed.clone();
        longer.push(0);
        refuses(&keys, &HERE, &row, &longer)?;
    }

    #[test]
    fn sealing_anew_keeps_the_value_and_leaves_the_old_key_behind(
        owner in owner(),
        plain in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let (version, key) = owner.versions.first_key_value().map(|(version, key)| (*version, *key)).unwrap();
        let place = || Place::new(&HERE, RowName::new().text("row"));
        let old = owner.keys().seal_bytes(&place(), &plain).unwrap();
        let both = Owner { versions: BTreeMap::from([(version, key), (version + 1, [9; 32])]), ..owner.clone() }.keys();
        let fresh = both.reseal(&place(), &old).unwrap().unwrap();
        prop_assert_eq!(crate::key_of(&fresh), Some((KeyClass::Data, version + 1)));
        prop_assert!(both.reseal(&place(), &fresh).unwrap().is_none());
        let only_new = Owner { versions: BTreeMap::from([(version + 1, [9; 32])]), ..owner.clone() }.keys();
        let opened = only_new.open_bytes(&place(), &fresh).unwrap();
        prop_assert_eq!(opened.as_slice(), &plain);
        prop_assert!(only_new.open_bytes(&place(), &old).is_err());
    }
}

#[test]
fn a_column_seals_only_under_its_own_class_of_keys() {
    let owner = Owner {
        tenant: TenantId::fresh(),
        class: KeyClass::Data,
        subject: None,
        salt: Vec::new(),
        versions: BTreeMap::from([(1, [1; 32])]),
    };
    for column in [&CREDENTIAL, &NOT_SEALED] {
        let fault = owner.keys().seal_bytes(&Place::new(column, RowName::new()), b"x").unwrap_err();
        assert_eq!(fault.code(), "vault_class");
    }
    assert_eq!(owner.keys().hash("email", b"x").unwrap_err().code(), "vault_class");
}

#[test]
fn a_value_longer_than_the_bound_is_told_so() {
    let owner = Owner {
        tenant: TenantId::fresh(),
        class: KeyClass::Data,
        subject: None,
        salt: Vec::new(),
        versions: BTreeMap::from([(1, [1; 32])]),
    };
    let place = || Place::new(&HERE, RowName::new());
    let bound = vec![b'x'; kernel::limits::SEALED_PLAIN_BYTES];
    assert!(owner.keys().seal_bytes(&place(), &bound).is_ok());
    let fault = owner.keys().seal_bytes(&place(), &[bound.as_slice(), b"x"].concat()).unwrap_err();
    assert_eq!((fault.kind(), fault.code()), (Kind::Invalid, "too_long"));
}

#[test]
fn hashes_differ_by_domain_text_subject_and_tenant() {
    let owner = |tenant: u128, subject: Option<&str>| {
        Owner {
            tenant: TenantId(uuid::Uuid::from_u128(tenant)),
            class: KeyClass::Index,
            salt: subject.map(|_| vec![3; 32]).unwrap_or_default(),
            subject: subject.map(str::to_owned),
            versions: BTreeMap::from([(1, [u8::try_from(tenant).unwrap(); 32])]),
        }
        .keys()
    };
    let hashes = [
        owner(1, None).hash("email", b"ab").unwrap(),
        owner(1, None).hash("email", b"abc").unwrap(),
        owner(1, None).hash("emaila", b"b").unwrap(),
        owner(1, Some("person")).hash("email", b"ab").unwrap(),
        owner(2, None).hash("email", b"ab").unwrap(),
    ];
    let distinct: std::collections::BTreeSet<_> = hashes.iter().collect();
    assert_eq!(distinct.len(), hashes.len());
    assert_eq!(hashes[0], owner(1, None).hash("email", b"ab").unwrap());
}
