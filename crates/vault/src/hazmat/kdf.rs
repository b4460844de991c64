//! Keys from keys: HKDF-SHA256, one label a use.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf;
use zeroize::Zeroizing;

use super::format::length_prefixed;

pub(crate) const KEY_BYTES: usize = 32;

/// Thirty-two secret bytes, wiped when dropped.
pub(crate) type Secret = Zeroizing<[u8; KEY_BYTES]>;

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// What a derived key is for; part of the derivation, so that no two uses share a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Record,
    Hash,
    /// Of a root key: what it is called, which tells nothing of it.
    Name,
}

impl Use {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Record => b"record",
            Self::Hash => b"hash",
            Self::Name => b"name",
        }
    }
}

/// Derives the key for `purpose` of a subject (its `salt`), or of the tenant itself (an empty salt).
pub(crate) fn derive(tenant_key: &Secret, salt: &[u8], purpose: Use) -> Result<Secret, Unspecified> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    let info = length_prefixed(&[b"steward key 1", purpose.label()]);
    hkdf_sha256(tenant_key.as_slice(), salt, &info, key.as_mut_slice())?;
    Ok(key)
}

pub(crate) fn hkdf_sha256(secret: &[u8], salt: &[u8], info: &[u8], to: &mut [u8]) -> Result<(), Unspecified> {
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret).expand(&[info], Length(to.len()))?.fill(to)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use super::*;

    /// RFC 5869, appendix A: cases 1 and 3.
    #[test]
    fn agrees_with_rfc_5869() {
        let check = |secret: &[u8], salt: &str, info: &str, expected: &str| {
            let expected = hex::decode(expected).unwrap();
            let mut key = vec![0; expected.len()];
            hkdf_sha256(secret, &hex::decode(salt).unwrap(), &hex::decode(info).unwrap(), &mut key).unwrap();
            assert_eq!(hex::encode(key), hex::encode(expected));
        };
        check(
            &[0x0b; 22],
            "000102030405060708090a0b0c",
            "f0f1f2f3f4f5f6f7f8f9",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        );
        check(
            &[0x0b; 22],
            "",
            "",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        );
    }

    #[test]
    fn no_two_uses_share_a_key() {
        let key = Zeroizing::new([7; KEY_BYTES]);
        let record = derive(&key, b"salt", Use::Record).unwrap();
        let hash = derive(&key, b"salt", Use::Hash).unwrap();
        let name = derive(&key, b"salt", Use::Name).unwrap();
        assert_ne!(record.as_slice(), hash.as_slice());
        assert!(name.as_slice() != record.as_slice() && name.as_slice() != hash.as_slice());
        assert_ne!(record.as_slice(), derive(&key, b"", Use::Record).unwrap().as_slice());
    }
}
