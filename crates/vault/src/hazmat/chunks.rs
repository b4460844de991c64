//! Objects: AES-256-GCM over chunks, under a key that seals one object and nothing else.
//!
//! `format (1) | chunk | chunk …`, each chunk its ciphertext and tag. A chunk's nonce is its number and whether it is the last:
//! a chunk that is moved, left out or cut off does not open. Nonces are no chance here because no key is used twice.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use zeroize::Zeroizing;

use super::format::{NONCE_BYTES, length_prefixed};
use super::kdf::Secret;

/// The one format so far.
const FORMAT: u8 = 1;
/// Plain bytes of a chunk.
const CHUNK_BYTES: usize = 65_536;
const TAG_BYTES: usize = 16;

fn nonce(number: usize, last: bool) -> Result<Nonce, Unspecified> {
    let number = u32::try_from(number).map_err(|_| Unspecified)?.to_be_bytes();
    let mut bytes = [0; NONCE_BYTES];
    for (place, byte) in bytes.iter_mut().zip(number.into_iter().chain([u8::from(last)])) {
        *place = byte;
    }
    Ok(Nonce::assume_unique_for_key(bytes))
}

fn associated(name: &[u8]) -> Vec<u8> {
    length_prefixed(&[b"steward object", &[FORMAT], name])
}

fn cipher(key: &Secret) -> Result<LessSafeKey, Unspecified> {
    Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_slice())?))
}

/// Seals an object. `key` must have sealed nothing before.
pub(crate) fn seal(key: &Secret, name: &[u8], plain: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let (cipher, associated) = (cipher(key)?, associated(name));
    let chunks = plain.len().div_ceil(CHUNK_BYTES).max(1);
    let mut sealed = Vec::with_capacity(1 + plain.len() + chunks * TAG_BYTES);
    sealed.push(FORMAT);
    for number in 0..chunks {
        let start = number * CHUNK_BYTES;
        let chunk = plain.get(start..plain.len().min(start + CHUNK_BYTES)).ok_or(Unspecified)?;
        let mut chunk = Zeroizing::new(chunk.to_vec());
        let nonce = nonce(number, number + 1 == chunks)?;
        let tag = cipher.seal_in_place_separate_tag(nonce, Aad::from(&associated), chunk.as_mut_slice())?;
        sealed.extend_from_slice(&chunk);
        sealed.extend_from_slice(tag.as_ref());
    }
    Ok(sealed)
}

/// Opens a whole object.
pub(crate) fn open(key: &Secret, name: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let (cipher, associated) = (cipher(key)?, associated(name));
    let (&format, body) = sealed.split_first().ok_or(Unspecified)?;
    if format != FORMAT {
        return Err(Unspecified);
    }
    let chunks = body.len().div_ceil(CHUNK_BYTES + TAG_BYTES).max(1);
    let mut plain = Zeroizing::new(Vec::with_capacity(body.len()));
    let mut chunk = Zeroizing::new(Vec::with_capacity(CHUNK_BYTES + TAG_BYTES));
    for number in 0..chunks {
        let start = number * (CHUNK_BYTES + TAG_BYTES);
        chunk.clear();
        chunk.extend_from_slice(body.get(start..body.len().min(start + CHUNK_BYTES + TAG_BYTES)).ok_or(Unspecified)?);
        let nonce = nonce(number, number + 1 == chunks)?;
        let opened = cipher.open_in_place(nonce, Aad::from(&associated), chunk.as_mut_slice())?;
        plain.extend_from_slice(opened);
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

    use super::*;

    fn key(byte: u8) -> Secret {
        Zeroizing::new([byte; 32])
    }

    /// Made by another program: Python's `cryptography`, AESGCM, nonce and associated data as above.
    #[test]
    fn what_was_sealed_once_opens_for_ever() {
        let sealed = hex::decode(include_str!("../../vectors/object-1.hex").trim()).unwrap();
        assert_eq!(open(&key(7), b"name", &sealed).unwrap().as_slice(), b"a small object");
        assert_eq!(seal(&key(7), b"name", b"a small object").unwrap(), sealed);
    }

    #[test]
    fn every_length_comes_back() {
        for length in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 3 * CHUNK_BYTES + 7] {
            let plain: Vec<u8> = (0..length).map(|place| (place % 251) as u8).collect();
            let sealed = seal(&key(1), b"n", &plain).unwrap();
            assert_eq!(open(&key(1), b"n", &sealed).unwrap().as_slice(), plain, "{length}");
        }
    }

    #[test]
    fn what_is_not_whole_and_in_its_place_does_not_open() {
        let chunk = CHUNK_BYTES + TAG_BYTES;
        let sealed = seal(&key(1), b"n", &vec![5; 3 * CHUNK_BYTES]).unwrap();
        let shut = |bytes: &[u8]| assert!(open(&key(1), b"n", bytes).is_err());
        // Cut after a chunk, in one, to nothing; a chunk left out; two chunks exchanged; a bit turned; another format.
        shut(&sealed[..1 + 2 * chunk]);
        shut(&sealed[..sealed.len() - 1]);
        shut(&[]);
        shut(&[FORMAT]);
        shut(&[&sealed[..1 + chunk], &sealed[1 + 2 * chunk..]].concat());
        shut(
            &[&sealed[..1], &sealed[1 + chunk..1 + 2 * chunk], &sealed[1..1 + chunk], &sealed[1 + 2 * chunk..]]
                .concat(),
        );
        let mut turned = sealed.clone();
        turned[chunk] ^= 1;
        shut(&turned);
        let mut other = sealed.clone();
        other[0] = 2;
        shut(&other);
        // Lengthened, under another name, with another key.
        shut(&[&sealed[..], &[0; 40]].concat());
        assert!(open(&key(1), b"m", &sealed).is_err());
        assert!(open(&key(2), b"n", &sealed).is_err());
    }
}
