//! Bytes that only the vault can turn back into a `T`.

use std::marker::PhantomData;

/// A ciphertext of a `T`, as it lies in a column. Opening it takes the vault, the tenant's key and
/// the place where it lies; reading a row never does.
pub struct Sealed<T> {
    bytes: Vec<u8>,
    of: PhantomData<fn() -> T>,
}

impl<T> Sealed<T> {
    /// Wraps what a column held. Nothing is checked here: that is what opening does.
    pub fn from_stored(bytes: Vec<u8>) -> Self {
        Self { bytes, of: PhantomData }
    }

    /// The bytes as a column holds them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, for binding to a statement.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Self::from_stored(self.bytes.clone())
    }
}
