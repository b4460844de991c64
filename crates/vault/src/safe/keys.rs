//! A subject's keys, and what they seal and open.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::hmac;
use kernel::{AccountId, Column, Fault, KeyClass, Result, RowName, Sealed, TenantId, limits};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroize;

use crate::hazmat::aead::Cipher;
use crate::hazmat::format::{Header, associated_data, bound_to_key};
use crate::hazmat::kdf::{self, Secret, Use};
use crate::hazmat::nonce;
use crate::hazmat::plain::Plain;

/// Whose key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject<'a> {
    /// The tenant's own: nobody's personal data.
    Tenant,
    /// One person's: destroying their salt erases it, in old backups too.
    Person(&'a AccountId),
    /// A cache of this server's that mixes what belongs to many people. Its salt goes whenever one person's does
    /// ([`super::vault::Vault::destroy_subject`]): all copies of the cache, on every node, are unreadable from then on
    /// and made anew.
    Cache(Cache),
}

/// The caches that lie under a salt of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cache {
    /// The search index.
    Search,
}

impl Cache {
    /// All of them.
    pub(crate) const ALL: [Self; 1] = [Self::Search];

    /// On the shelf. No account id begins with a star.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Search => "*search",
        }
    }
}

impl Subject<'_> {
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Tenant => None,
            Self::Person(account) => Some(account.as_str()),
            Self::Cache(cache) => Some(cache.name()),
        }
    }
}

/// Where a ciphertext lies: a sealed column of the registry, and the row's name.
pub struct Place {
    column: &'static Column,
    row: RowName,
}

impl Place {
    /// A column and a row.
    pub fn new(column: &'static Column, row: RowName) -> Self {
        Self { column, row }
    }
}

struct Version {
    cipher: Cipher,
    hash: hmac::Key,
    /// What of the associated data is the same for all that these keys seal.
    bound: Vec<u8>,
}

pub(crate) struct KeySet {
    class: KeyClass,
    versions: BTreeMap<u32, Version>,
    newest: u32,
    /// Whose own data these open.
    person: Option<Arc<AccountId>>,
}

/// The keys of one subject (or of the tenant itself), of one class. Cheap to clone; holds no bytes that leave it.
#[derive(Clone)]
pub struct Keys(pub(crate) Arc<KeySet>);

/// The code of the fault that a ciphertext does not open: under a person's keys, perhaps because their salt is gone.
pub const SHUT: &str = "vault_open";

fn unusable() -> Fault {
    Fault::broken("vault_key", "a key could not be derived")
}

/// Bytes of a sealed file: far below what one nonce may seal, and above any segment of an index that memory should hold.
pub const FILE_BYTES: usize = 1 << 30;
/// Short values fill whole steps of so many bytes, so that a ciphertext's length does not tell `true` from `false`.
const SHORT_STEP: usize = 32;
/// From here on the steps are larger: a longer text says less by its length.
const SHORT_BYTES: usize = 256;
const LONG_STEP: usize = 256;

/// Fills the step with spaces, which JSON ignores after a document.
fn pad(record: &mut Plain, before: usize) {
    const SPACES: [u8; LONG_STEP] = [b' '; LONG_STEP];
    let length = record.as_slice().len() - before;
    let step = if length <= SHORT_BYTES { SHORT_STEP } else { LONG_STEP };
    let missing = length.next_multiple_of(step) - length;
    record.extend(SPACES.get(..missing).unwrap_or_default());
}

impl KeySet {
    pub(crate) fn derive(
        tenant: TenantId,
        class: KeyClass,
        subject: Option<&str>,
        salt: &[u8],
        tenant_keys: &BTreeMap<u32, Secret>,
    ) -> Result<Self> {
        let mut versions = BTreeMap::new();
        for (version, key) in tenant_keys {
            let record = kdf::derive(key, salt, Use::Record).map_err(|_| unusable())?;
            let hash = kdf::derive(key, salt, Use::Hash).map_err(|_| unusable())?;
            versions.insert(
                *version,
                Version {
                    cipher: Cipher::record(&record).map_err(|_| unusable())?,
                    hash: hmac::Key::new(hmac::HMAC_SHA256, hash.as_slice()),
                    bound: bound_to_key(tenant, Header { class, version: *version }, subject),
                },
            );
        }
        let newest = *versions.last_key_value().ok_or_else(unusable)?.0;
        // A cache's name is no account, and what is sealed as a name or a credential is Jira's, not what people gave.
        let person =
            subject.filter(|_| class == KeyClass::Data).and_then(|name| AccountId::new(name).ok()).map(Arc::new);
        Ok(Self { class, versions, newest, person })
    }
}

impl Version {
    fn associated(&self, place: &Place) -> Vec<u8> {
        let column = place.column;
        associated_data(&self.bound, column.class.name, column.table, column.name, place.row.as_bytes())
    }
}

impl Keys {
    /// Seals a value for one place, under the newest version.
    pub fn seal<T: Serialize>(&self, place: &Place, value: &T) -> Result<Sealed<T>> {
        let write = |record: &mut Plain| {
            let before = record.as_slice().len();
            serde_json::to_writer(&mut *record, value).map_err(|error| Fault::broken("vault_encode", error))?;
            pad(record, before);
            Ok(())
        };
        Ok(Sealed::from_stored(self.seal_written(place, write)?))
    }

    /// Seals a whole file of at most [`FILE_BYTES`]. `place` names a column that stands for the files, and the file.
    pub fn seal_file(&self, place: &Place, plain: &[u8]) -> Result<Vec<u8>> {
        self.seal_bounded(place, FILE_BYTES, |record| {
            record.reserve(plain.len());
            record.extend(plain);
            Ok(())
        })
    }

    /// Opens a whole file. What comes back is the caller's to wipe.
    pub fn open_file(&self, place: &Place, sealed: &[u8]) -> Result<Vec<u8>> {
        Ok(self.open_bytes(place, sealed)?.into_opened())
    }

    /// Opens what lies in one place.
    pub fn open<T: DeserializeOwned + Zeroize + Default>(&self, place: &Place, sealed: &Sealed<T>) -> Result<Open<T>> {
        let plain = self.open_bytes(place, sealed.as_bytes())?;
        serde_json::from_slice(plain.as_slice())
            .map(|value| Open { value, person: self.0.person.clone() })
            .map_err(|_| Fault::broken("vault_decode", "a sealed value does not hold what its column says"))
    }

    /// Seals again under the newest version; `None` when it already lies there.
    pub fn reseal(&self, place: &Place, bytes: &[u8]) -> Result<Option<Vec<u8>>> {
        match Header::read(bytes) {
            Some((header, _)) if header.version == self.0.newest => Ok(None),
            _ => {
                let plain = self.open_bytes(place, bytes)?;
                self.seal_bytes(place, plain.as_slice()).map(Some)
            }
        }
    }

    pub(crate) fn seal_bytes(&self, place: &Place, plain: &[u8]) -> Result<Vec<u8>> {
        self.seal_written(place, |record| {
            record.extend(plain);
            Ok(())
        })
    }

    fn seal_written(&self, place: &Place, write: impl FnOnce(&mut Plain) -> Result<()>) -> Result<Vec<u8>> {
        self.seal_bounded(place, limits::SEALED_PLAIN_BYTES, write)
    }

    /// Seals where it lies what `write` appends.
    fn seal_bounded(
        &self,
        place: &Place,
        bound: usize,
        write: impl FnOnce(&mut Plain) -> Result<()>,
    ) -> Result<Vec<u8>> {
        if place.column.sealed != Some(self.0.class) {
            return Err(Fault::broken("vault_class", "a column sealed under another class of keys"));
        }
        let failed = |_| Fault::broken("vault_seal", "sealing failed");
        let version = self.0.newest;
        let keys = self.0.versions.get(&version).ok_or_else(unusable)?;
        let nonce = nonce::for_record().map_err(failed)?;
        let mut record = Plain::new();
        record.extend(&Header { class: self.0.class, version }.bytes());
        record.extend(&nonce);
        let clear = record.as_slice().len();
        write(&mut record)?;
        if record.as_slice().len() - clear > bound {
            return Err(Fault::invalid("too_long", "A value is longer than can be kept."));
        }
        keys.cipher.seal_record(nonce, &keys.associated(place), record, clear).map_err(failed)
    }

    pub(crate) fn open_bytes(&self, place: &Place, bytes: &[u8]) -> Result<Plain> {
        // One answer for every reason: a moved, cut, foreign or retired ciphertext is simply not one.
        let refused = || Fault::broken(SHUT, "a ciphertext does not open where it lies");
        let (header, body) = Header::read(bytes).ok_or_else(refused)?;
        if header.class != self.0.class {
            return Err(refused());
        }
        let keys = self.0.versions.get(&header.version).ok_or_else(refused)?;
        keys.cipher.open(&keys.associated(place), body).map_err(|_| refused())
    }

    /// A keyed hash, for uniqueness, look-ups without the text, and pseudonyms. Keys of [`KeyClass::Index`] only:
    /// those are not rotated.
    pub fn hash(&self, domain: &str, text: &[u8]) -> Result<[u8; 32]> {
        if self.0.class != KeyClass::Index {
            return Err(Fault::broken("vault_class", "hashes are made with keys of the index class"));
        }
        let keys = self.0.versions.get(&self.0.newest).ok_or_else(unusable)?;
        let input = crate::hazmat::format::length_prefixed(&[domain.as_bytes(), text]);
        hmac::sign(&keys.hash, &input).as_ref().try_into().map_err(|_| unusable())
    }

    /// The version that seals now.
    pub fn newest(&self) -> u32 {
        self.0.newest
    }
}

/// A value in the open. It has no `Debug`, `Display`, `Serialize` or `Clone`, and is wiped when dropped; it is looked
/// at for decisions and leaves only through an [`Exit`], which then knows whose it was.
pub struct Open<T: Zeroize + Default> {
    value: T,
    /// Whose it is, of what lay under a person's own data keys.
    person: Option<Arc<AccountId>>,
}

impl<T: Zeroize + Default> Open<T> {
    /// For a decision or a further sealing; never for a reply.
    pub fn peek(&self) -> &T {
        &self.value
    }

    /// The same in another form, if `form` gives one; what was is wiped.
    #[must_use]
    pub fn reshape(self, form: impl FnOnce(&T) -> Option<T>) -> Self {
        match form(&self.value) {
            Some(value) => Self { value, person: self.person.clone() },
            None => self,
        }
    }

    /// Lets it go out, through an audited exit, which notes whose it is.
    pub fn release(mut self, exit: &Exit) -> T {
        if let Some(person) = &self.person {
            exit.shows(person);
        }
        std::mem::take(&mut self.value)
    }
}

impl<T: Zeroize + Default> Drop for Open<T> {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}

/// The right to let values out. Made by `web::reply` alone: for the reply to a permitted caller, and for an export while
/// it is sent. The tidy test holds it to that. It knows whose values went through it: nothing of a person's leaves
/// without whoever made the exit being able to say so.
pub struct Exit(Tally);

/// Whose values went through an exit. Cheap to clone; lets nothing out itself.
#[derive(Clone, Default)]
pub struct Tally(Arc<Mutex<BTreeSet<AccountId>>>);

impl Exit {
    /// Opens the exit. Callers: see the tidy test.
    pub fn audited() -> Self {
        Self(Tally::default())
    }

    /// Notes that something of a person's leaves which lay under other keys than their own: a row of a report, or a
    /// name that a query about values found.
    pub fn shows(&self, person: &AccountId) {
        let mut people = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !people.contains(person) {
            people.insert(person.clone());
        }
    }

    /// Whose values go through it, from now on and before.
    pub fn tally(&self) -> Tally {
        self.0.clone()
    }
}

impl Tally {
    /// Those who were noted since it was last asked.
    pub fn take(&self) -> BTreeSet<AccountId> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: usize) {
        let mut record = Plain::new();
        record.extend(b"header");
        record.extend(text.as_bytes());
        pad(&mut record, 6);
        assert_eq!(record.as_slice().len() - 6, expected);
        assert!(record.as_slice().starts_with(format!("header{text}").as_bytes()));
    }

    #[test]
    fn lengths_come_in_steps() {
        check("true", 32);
        check("false", 32);
        check(&"x".repeat(32), 32);
        check(&"x".repeat(33), 64);
        check(&"x".repeat(256), 256);
        check(&"x".repeat(257), 512);
        check(&"x".repeat(1025), 1280);
    }
}
