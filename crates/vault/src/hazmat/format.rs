//! The bytes of a ciphertext: `format (1) | key class (1) | key version (4, big-endian) | nonce (12) | sealed | tag (16)`,
//! and of its associated data: each part with its length (8, big-endian) before it.

use kernel::{KeyClass, TenantId};

/// The one format so far.
pub(crate) const FORMAT: u8 = 1;
pub(crate) const HEADER_BYTES: usize = 6;
pub(crate) const NONCE_BYTES: usize = 12;
pub(crate) const TAG_BYTES: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) class: KeyClass,
    pub(crate) version: u32,
}

impl Header {
    pub(crate) fn write(self, to: &mut Vec<u8>) {
        to.push(FORMAT);
        to.push(self.class.code());
        to.extend_from_slice(&self.version.to_be_bytes());
    }

    /// The header and what follows it.
    pub(crate) fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>()?;
        let [format, class, version @ ..] = *header;
        if format != FORMAT {
            return None;
        }
        Some((
            Self {
                class: KeyClass::from_code(class)?,
                version: u32::from_be_bytes(version),
            },
            rest,
        ))
    }
}

/// Everything that a ciphertext is bound to.
pub(crate) struct Binding<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) header: Header,
    pub(crate) subject: Option<&'a str>,
    pub(crate) data_class: &'a str,
    pub(crate) table: &'a str,
    pub(crate) column: &'a str,
    pub(crate) row: &'a [u8],
}

/// Joins parts so that no two lists of parts give the same bytes.
pub(crate) fn length_prefixed(parts: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        joined.extend_from_slice(&(part.len() as u64).to_be_bytes());
        joined.extend_from_slice(part);
    }
    joined
}

/// What a wrapped tenant key is bound to.
pub(crate) fn wrapping_context(tenant: TenantId, class: KeyClass, version: u32) -> Vec<u8> {
    length_prefixed(&[b"steward tenant key 1", tenant.0.as_bytes(), class.name().as_bytes(), &version.to_be_bytes()])
}

impl Binding<'_> {
    pub(crate) fn associated_data(&self) -> Vec<u8> {
        length_prefixed(&[
            b"steward sealed value",
            &[FORMAT],
            self.tenant.0.as_bytes(),
            self.header.class.name().as_bytes(),
            &self.header.version.to_be_bytes(),
            // Nobody's and somebody's differ even if somebody had an empty id.
            &[u8::from(self.subject.is_some())],
            self.subject.unwrap_or_default().as_bytes(),
            self.data_class.as_bytes(),
            self.table.as_bytes(),
            self.column.as_bytes(),
            self.row,
        ])
    }
}
