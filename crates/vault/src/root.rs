//! The root key: the operator's, never in the data directory's backups. A file here; one in a key service, which
//! takes an outward call, is another implementation of [`RootKey`].

use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::hazmat::aead::Cipher;
use crate::hazmat::kdf::{self, KEY_BYTES, Secret, Use};

/// Enough that no two files of an operator share a name.
const NAME_BYTES: usize = 8;

/// What keeps the root key from being used; says what to do, never a byte of it.
#[derive(Debug)]
pub enum RootKeyFault {
    /// The file cannot be read.
    Unreadable(std::io::Error),
    /// Others than its owner can reach the file.
    TooWide(u32),
    /// The file holds something else.
    Malformed,
    /// The key does not open what it should have wrapped: another root key, or a damaged shelf.
    Refused,
    /// A key service cannot be asked at the moment, or does not let this server in. It may be otherwise soon.
    Unavailable(String),
    /// A key service was asked and will not: its key is gone, or is told not to open anything that old.
    Withheld(String),
}

impl std::fmt::Display for RootKeyFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "the root key file cannot be read: {error}"),
            Self::TooWide(mode) => {
                write!(f, "the root key file has mode {mode:04o}; run `chmod 600` on it, and replace the key if others read it")
            }
            Self::Malformed => f.write_str("the root key file does not hold 32 bytes in base64; restore it, or run `steward init` for a new server"),
            Self::Refused => f.write_str("the root key does not open the key shelf: this is another server's root key, or the shelf is damaged"),
            Self::Unavailable(why) | Self::Withheld(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for RootKeyFault {}

/// Wraps and unwraps tenants' keys.
#[async_trait]
pub trait RootKey: Send + Sync {
    /// What it is called in front of each key that it wraps: 255 bytes at most, and the same for as long as it opens
    /// them.
    fn name(&self) -> &str;
    /// Whether it may have wrapped keys that name no root key: those of the time before names.
    fn before_names(&self) -> bool {
        false
    }
    /// Whether using it is a call that may fail: what it unwrapped is then kept for longer.
    fn far(&self) -> bool {
        false
    }
    /// How a key begins that it wraps now. What begins otherwise lies under an older version of it.
    async fn newest(&self) -> Result<Vec<u8>, RootKeyFault> {
        Ok(Vec::new())
    }
    /// Wraps 32 bytes, bound to `associated`.
    async fn wrap(&self, associated: &[u8], key: &[u8]) -> Result<Vec<u8>, RootKeyFault>;
    /// Unwraps them.
    async fn unwrap(&self, associated: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, RootKeyFault>;
}

/// A root key in a file: 32 bytes in base64, mode 0600.
pub struct FileRootKey {
    cipher: Cipher,
    name: String,
}

impl FileRootKey {
    /// Makes a new key in a new file; an existing file is never overwritten.
    pub fn create(path: &Path) -> Result<(), RootKeyFault> {
        use std::io::Write;
        let mut key = Zeroizing::new([0u8; KEY_BYTES]);
        aws_lc_rs::rand::fill(key.as_mut_slice()).map_err(|_| RootKeyFault::Malformed)?;
        let text = Zeroizing::new(STANDARD.encode(key.as_slice()) + "\n");
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(RootKeyFault::Unreadable)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(RootKeyFault::Unreadable)
    }

    /// Reads the key; refuses a file that others can reach.
    pub fn read(path: &Path) -> Result<Self, RootKeyFault> {
        let mut file = std::fs::File::open(path).map_err(RootKeyFault::Unreadable)?;
        let mode = file.metadata().map_err(RootKeyFault::Unreadable)?.mode() & 0o777;
        if mode & 0o177 != 0 {
            return Err(RootKeyFault::TooWide(mode));
        }
        let mut text = Zeroizing::new(String::new());
        // A key file is 45 bytes; one that is much longer is something else.
        std::io::Read::by_ref(&mut file).take(256).read_to_string(&mut text).map_err(RootKeyFault::Unreadable)?;
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| RootKeyFault::Malformed)?);
        let key: Secret = Zeroizing::new(bytes.as_slice().try_into().map_err(|_| RootKeyFault::Malformed)?);
        let named = kdf::derive(&key, &[], Use::Name).map_err(|_| RootKeyFault::Malformed)?;
        let name = format!("file:{}", hex::encode(named.first_chunk::<NAME_BYTES>().unwrap_or(&[0; NAME_BYTES])));
        Ok(Self { cipher: Cipher::wrapping(&key).map_err(|_| RootKeyFault::Malformed)?, name })
    }
}

#[async_trait]
impl RootKey for FileRootKey {
    fn name(&self) -> &str {
        &self.name
    }

    fn before_names(&self) -> bool {
        true
    }

    async fn wrap(&self, associated: &[u8], key: &[u8]) -> Result<Vec<u8>, RootKeyFault> {
        self.cipher.wrap(associated, key).map_err(|_| RootKeyFault::Refused)
    }

    async fn unwrap(&self, associated: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, RootKeyFault> {
        let key = self.cipher.open(associated, wrapped).map_err(|_| RootKeyFault::Refused)?;
        Ok(Zeroizing::new(key.as_slice().to_vec()))
    }
}
