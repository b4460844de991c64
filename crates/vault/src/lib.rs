//! Seals, opens, rotates and destroys.
//!
//! Keys hang in a chain: the operator's root key wraps each tenant's keys; a tenant's key and a subject's salt
//! give the key that a record lies under. A ciphertext says which version of which family of keys it is under
//! and is bound to the place where it lies; moved anywhere else, it does not open. Nothing here tries keys.
//!
//! [`safe`] is what other rooms use; `hazmat` is private. Start at [`Vault`].

mod hazmat;
mod process;
mod root;
mod safe;
mod shelf;
#[cfg(test)]
mod vectors;

pub use process::{HardeningReport, harden_process};
pub use root::{FileRootKey, RootKey, RootKeyFault};
pub use safe::channel::{Channel, ChannelFault, Line, Said};
pub use safe::keys::{Cache, Exit, FILE_BYTES, Keys, Open, Place, SHUT, Subject, Tally};
pub use safe::objects::ObjectKey;
pub use safe::rewrap::{Rewrap, Rewrapped};
pub use safe::roots::Roots;
pub use safe::vault::{Destroyed, KeyAge, Vault};
pub use shelf::{KeyShelf, ShelfKey, Wrap, WrapShelf};

/// How many bytes of a ciphertext say which key it lies under; see [`key_of`].
pub const HEADER_BYTES: usize = hazmat::format::HEADER_BYTES;

/// The key family and version that a ciphertext, or its first [`HEADER_BYTES`], names.
pub fn key_of(ciphertext: &[u8]) -> Option<(kernel::KeyClass, u32)> {
    hazmat::format::Header::read(ciphertext).map(|(header, _)| (header.class, header.version))
}

/// The header that a ciphertext of this key family and version starts with.
pub fn header_of(class: kernel::KeyClass, version: u32) -> Vec<u8> {
    hazmat::format::Header { class, version }.bytes().to_vec()
}

/// SHA-256, for comparing secrets without comparing them byte by byte.
pub fn fingerprint(bytes: &[u8]) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref().to_vec()
}
