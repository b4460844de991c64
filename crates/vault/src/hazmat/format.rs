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

/// The format of a wrapped key that says which root key wrapped it: `2 | length of the name (1) | name | wrapped`.
const NAMED_WRAP: u8 = 2;
/// A wrapped key from before names is so long, `nonce | 32 bytes | tag`, and a named one always longer.
const UNNAMED_WRAP_BYTES: usize = NONCE_BYTES + 32 + 16;

/// Puts the root key's name before what it wrapped; `None` for a name that does not fit.
pub(crate) fn named_wrap(root: &str, wrapped: &[u8]) -> Option<Vec<u8>> {
    let length = u8::try_from(root.len()).ok().filter(|length| *length > 0)?;
    if wrapped.len() < UNNAMED_WRAP_BYTES {
        return None;
    }
    let mut bytes = vec![NAMED_WRAP, length];
    bytes.extend_from_slice(root.as_bytes());
    bytes.extend_from_slice(wrapped);
    Some(bytes)
}

/// The name of the root key, if one stands there, and what it wrapped; `None` for what is no wrapped key.
pub(crate) fn read_wrap(bytes: &[u8]) -> Option<(Option<&str>, &[u8])> {
    if bytes.len() == UNNAMED_WRAP_BYTES {
        return Some((None, bytes));
    }
    let (&[format, length], rest) = bytes.split_first_chunk::<2>()?;
    let (name, wrapped) = rest.split_at_checked(usize::from(length))?;
    (format == NAMED_WRAP && length > 0).then_some(())?;
    Some((Some(std::str::from_utf8(name).ok()?), wrapped))
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_a_root_key_wrapped_is_read_under_its_name(name in "[a-z:/0-9]{1,255}", wrapped in prop::collection::vec(any::<u8>(), 60..200)) {
            let bytes = named_wrap(&name, &wrapped).unwrap_or_default();
            prop_assert_eq!(read_wrap(&bytes), Some((Some(name.as_str()), wrapped.as_slice())));
        }

        #[test]
        fn a_wrap_from_before_names_is_never_taken_for_a_named_one(bytes in prop::collection::vec(any::<u8>(), 60)) {
            prop_assert_eq!(read_wrap(&bytes), Some((None, bytes.as_slice())));
        }
    }

    #[test]
    fn what_does_not_fit_is_no_wrap() {
        assert_eq!(named_wrap("", &[0; 60]), None);
        assert_eq!(named_wrap(&"x".repeat(256), &[0; 60]), None);
        assert_eq!(named_wrap("x", &[0; 59]), None);
        for bytes in [&[][..], &[2], &[2, 9, b'x'], &[1, 1, b'x', 0], &[2, 0, 7], &[2, 1, 0xff, 0]] {
            assert_eq!(read_wrap(bytes), None);
        }
    }
}
