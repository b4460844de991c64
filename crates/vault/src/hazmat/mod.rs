//! The dangerous half: bytes of keys, nonces, formats. Private to the crate; whoever edits it changes what every
//! stored byte means. The vectors in vectors/format-1.json are fixed for ever.

pub(crate) mod aead;
pub(crate) mod chunks;
pub(crate) mod format;
pub(crate) mod kdf;
pub(crate) mod nonce;
pub(crate) mod plain;
