//! The bytes of a ciphertext: `format (1) | key class (1) | key version (4, big-endian) | nonce (12) | sealed | tag (16)`,
//! and of its associated data: each part with its length (8, big-endian) before it.

use kernel::{KeyClass, TenantId};

/// The one format so far.
pub(crate) const FORMAT: u8 = 1;
pub(crate) const HEADER_BYTES: usize = 6;
pub(crate) const NONCE_BYTES: usize = 12;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) class: KeyClass,
    pub(crate) version: u32,
}

impl Header {
    pub(crate) fn bytes(self) -> [u8; HEADER_BYTES] {
        let [a, b, c, d] = self.version.to_be_bytes();
        [FORMAT, self.class.code(), a, b, c, d]
    }

    /// The header and what follows it.
    pub(crate) fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>()?;
        let [format, class, version @ ..] = *header;
        if format != FORMAT {
            return None;
        }
        Some((Self { class: KeyClass::from_code(class)?, version: u32::from_be_bytes(version) }, rest))
    }
}

/// Joins parts so that no two lists of parts give the same bytes.
pub(crate) fn length_prefixed(parts: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    append_length_prefixed(parts, &mut joined);
    joined
}

fn append_length_prefixed(parts: &[&[u8]], to: &mut Vec<u8>) {
    for part in parts {
        to.extend_from_slice(&(part.len() as u64).to_be_bytes());
        to.extend_from_slice(part);
    }
}

/// What a wrapped tenant key is bound to.
pub(crate) fn wrapping_context(tenant: TenantId, class: KeyClass, version: u32) -> Vec<u8> {
    length_prefixed(&[b"steward tenant key 1", tenant.0.as_bytes(), class.name().as_bytes(), &version.to_be_bytes()])
}

/// The half of a record's associated data that its key decides; the other half is [`associated_data`]'s.
pub(crate) fn bound_to_key(tenant: TenantId, header: Header, subject: Option<&str>) -> Vec<u8> {
    length_prefixed(&[
        b"steward sealed value",
        &[FORMAT],
        tenant.0.as_bytes(),
        header.class.name().as_bytes(),
        &header.version.to_be_bytes(),
        // Nobody's and somebody's differ even if somebody had an empty id.
        &[u8::from(subject.is_some())],
        subject.unwrap_or_default().as_bytes(),
    ])
}

/// Everything that a record is bound to: its key's half, and where it lies.
pub(crate) fn associated_data(key_half: &[u8], data_class: &str, table: &str, column: &str, row: &[u8]) -> Vec<u8> {
    let parts = [data_class.as_bytes(), table.as_bytes(), column.as_bytes(), row];
    let mut bytes = Vec::with_capacity(key_half.len() + parts.iter().map(|part| part.len() + 8).sum::<usize>());
    bytes.extend_from_slice(key_half);
    append_length_prefixed(&parts, &mut bytes);
    bytes
}
