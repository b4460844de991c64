//! Ciphertexts, hashes and wrapped keys of format 1, fixed for ever: whatever a server stored under it must open.
//! The file was made by another implementation, so that it also says that ours does what its comments say.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::{Audience, Column, DataClass, Export, KeyClass, Retention, RowName, TenantId, sealed_column};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::hazmat::aead::Cipher;
use crate::hazmat::format::{Header, associated_data, bound_to_key, wrapping_context};
use crate::hazmat::kdf::{self, Secret, Use};
use crate::hazmat::plain::Plain;
use crate::safe::keys::{KeySet, Keys, Place};
use crate::{FileRootKey, RootKey};

const FILE: &str = include_str!("../vectors/format-1.json");

#[derive(Deserialize)]
struct Vectors<'a> {
    #[serde(borrow)]
    sealed: Vec<SealedVector<'a>>,
    hashes: Vec<HashVector>,
    wrapped: Vec<WrappedVector>,
}

#[derive(Deserialize)]
struct SealedVector<'a> {
    name: String,
    tenant: TenantId,
    key_class: String,
    version: u32,
    tenant_key: String,
    subject: Option<String>,
    salt: String,
    data_class: &'a str,
    table: &'a str,
    column: &'a str,
    row: Vec<Named>,
    nonce: String,
    plain: String,
    ciphertext: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Named {
    Uuid(uuid::Uuid),
    Text(String),
    Int(i64),
    Bytes(String),
}

#[derive(Deserialize)]
struct HashVector {
    tenant_key: String,
    salt: String,
    subject: Option<String>,
    domain: String,
    text: String,
    hash: String,
}

#[derive(Deserialize)]
struct WrappedVector {
    root_key: String,
    tenant: TenantId,
    key_class: String,
    version: u32,
    key: String,
    wrapped: String,
}

fn vectors() -> Vectors<'static> {
    serde_json::from_str(FILE).unwrap()
}

fn class(name: &str) -> KeyClass {
    KeyClass::ALL.into_iter().find(|class| class.name() == name).unwrap()
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

fn secret(text: &str) -> Secret {
    Zeroizing::new(bytes(text).try_into().unwrap())
}

impl SealedVector<'static> {
    fn keys(&self) -> Keys {
        let tenant_keys = BTreeMap::from([(self.version, secret(&self.tenant_key))]);
        let set = KeySet::derive(
            self.tenant,
            class(&self.key_class),
            self.subject.as_deref(),
            &bytes(&self.salt),
            &tenant_keys,
        );
        Keys(Arc::new(set.unwrap()))
    }

    fn row(&self) -> RowName {
        self.row.iter().fold(RowName::new(), |row, column| match column {
            Named::Uuid(value) => row.uuid(*value),
            Named::Text(value) => row.text(value),
            Named::Int(value) => row.int(*value),
            Named::Bytes(value) => row.bytes(&bytes(value)),
        })
    }

    fn column(&self) -> &'static Column {
        let data_class = Box::leak(Box::new(DataClass {
            name: self.data_class,
            purpose: "A vector.",
            audience: Audience::Nobody,
            retention: Retention::Server,
            regional: false,
            export: Export::Never,
        }));
        Box::leak(Box::new(sealed_column(self.table, self.column, class(&self.key_class), data_class)))
    }
}

#[test]
fn every_stored_ciphertext_opens() {
    for vector in vectors().sealed {
        let place = Place::new(vector.column(), vector.row());
        let opened = vector.keys().open_bytes(&place, &bytes(&vector.ciphertext));
        assert_eq!(hex::encode(opened.unwrap().as_slice()), vector.plain, "{}", vector.name);
        let (key_class, version) = crate::key_of(&bytes(&vector.ciphertext)).unwrap();
        assert_eq!((key_class.name(), version), (vector.key_class.as_str(), vector.version), "{}", vector.name);
    }
}

#[test]
fn the_same_nonce_gives_the_same_bytes() {
    for vector in vectors().sealed {
        let header = Header { class: class(&vector.key_class), version: vector.version };
        let bound = bound_to_key(vector.tenant, header, vector.subject.as_deref());
        let (row, nonce) = (vector.row(), bytes(&vector.nonce));
        let associated = associated_data(&bound, vector.data_class, vector.table, vector.column, row.as_bytes());
        let key = kdf::derive(&secret(&vector.tenant_key), &bytes(&vector.salt), Use::Record).unwrap();
        let mut record = Plain::new();
        record.extend(&header.bytes());
        record.extend(&nonce);
        let clear = record.as_slice().len();
        record.extend(&bytes(&vector.plain));
        let cipher = Cipher::record(&key).unwrap();
        let sealed = cipher.seal_record(nonce.try_into().unwrap(), &associated, record, clear).unwrap();
        assert_eq!(hex::encode(sealed), vector.ciphertext, "{}", vector.name);
    }
}

#[test]
fn every_stored_hash_is_found_again() {
    for vector in vectors().hashes {
        let tenant_keys = BTreeMap::from([(1, secret(&vector.tenant_key))]);
        let subject = vector.subject.as_deref();
        let set = KeySet::derive(TenantId::SERVER, KeyClass::Index, subject, &bytes(&vector.salt), &tenant_keys);
        let hash = Keys(Arc::new(set.unwrap())).hash(&vector.domain, vector.text.as_bytes()).unwrap();
        assert_eq!(hex::encode(hash), vector.hash, "{}", vector.domain);
    }
}

#[tokio::test]
async fn every_wrapped_key_unwraps() {
    let folder = tempfile::tempdir().unwrap();
    for vector in vectors().wrapped {
        let path = folder.path().join(format!("{}-{}", vector.key_class, vector.version));
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).unwrap();
        file.write_all(STANDARD.encode(bytes(&vector.root_key)).as_bytes()).unwrap();
        let root = FileRootKey::read(&path).unwrap();
        let context = wrapping_context(vector.tenant, class(&vector.key_class), vector.version);
        let key = root.unwrap(&context, &bytes(&vector.wrapped)).await.unwrap();
        assert_eq!(hex::encode(key.as_slice()), vector.key);
        let elsewhere = wrapping_context(vector.tenant, class(&vector.key_class), vector.version + 1);
        assert!(root.unwrap(&elsewhere, &bytes(&vector.wrapped)).await.is_err());
    }
}
