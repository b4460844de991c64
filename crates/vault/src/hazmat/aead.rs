//! AES-256-GCM-SIV for records: a repeated nonce would show that two plaintexts are equal and nothing more, and
//! a busy table draws more random nonces than plain GCM allows. AES-256-GCM for wrapping keys.

use aws_lc_rs::aead::{AES_256_GCM, AES_256_GCM_SIV, Aad, Algorithm, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;

use super::format::NONCE_BYTES;
use super::kdf::Secret;
use super::nonce;
use super::plain::Plain;

/// A key ready for use.
pub(crate) struct Cipher(LessSafeKey);

impl Cipher {
    pub(crate) fn record(key: &Secret) -> Result<Self, Unspecified> {
        Self::new(&AES_256_GCM_SIV, key)
    }

    pub(crate) fn wrapping(key: &Secret) -> Result<Self, Unspecified> {
        Self::new(&AES_256_GCM, key)
    }

    fn new(algorithm: &'static Algorithm, key: &Secret) -> Result<Self, Unspecified> {
        Ok(Self(LessSafeKey::new(UnboundKey::new(algorithm, key.as_slice())?)))
    }

    /// Encrypts what follows the first `clear` bytes of `record`, which end with the nonce, where it lies; appends the
    /// tag.
    pub(crate) fn seal_record(
        &self,
        nonce: [u8; NONCE_BYTES],
        associated: &[u8],
        mut record: Plain,
        clear: usize,
    ) -> Result<Vec<u8>, Unspecified> {
        let body = record.as_mut_slice().get_mut(clear..).ok_or(Unspecified)?;
        let tag =
            self.0.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(associated), body)?;
        let mut sealed = record.into_ciphertext();
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Wraps a key: `nonce | ciphertext | tag`.
    pub(crate) fn wrap(&self, associated: &[u8], key: &[u8]) -> Result<Vec<u8>, Unspecified> {
        self.seal_with_nonce(nonce::for_wrap()?, associated, key)
    }

    fn seal_with_nonce(
        &self,
        nonce: [u8; NONCE_BYTES],
        associated: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, Unspecified> {
        let mut record = Plain::new();
        record.extend(&nonce);
        record.extend(plain);
        self.seal_record(nonce, associated, record, NONCE_BYTES)
    }

    /// Opens `nonce | ciphertext | tag`.
    pub(crate) fn open(&self, associated: &[u8], bytes: &[u8]) -> Result<Plain, Unspecified> {
        let (nonce, rest) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(Unspecified)?;
        let mut plain = Plain::from_vec(rest.to_vec());
        let length = self
            .0
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(associated), plain.as_mut_slice())?
            .len();
        plain.truncate(length);
        Ok(plain)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

    use zeroize::Zeroizing;

    use super::*;

    fn key(text: &str) -> Secret {
        Zeroizing::new(hex::decode(text).unwrap().try_into().unwrap())
    }

    #[track_caller]
    fn check(cipher: &Cipher, nonce: &str, associated: &str, plain: &str, result: &str) {
        let [nonce, associated, plain] = [nonce, associated, plain].map(|text| hex::decode(text).unwrap());
        let sealed = cipher.seal_with_nonce(nonce.clone().try_into().unwrap(), &associated, &plain).unwrap();
        assert_eq!(hex::encode(&sealed), hex::encode(nonce) + result);
        assert_eq!(cipher.open(&associated, &sealed).unwrap().as_slice(), plain);
    }

    /// RFC 8452, appendix C.2 (AEAD_AES_256_GCM_SIV).
    #[test]
    fn records_agree_with_rfc_8452() {
        let cipher = Cipher::record(&key(&format!("01{}", "00".repeat(31)))).unwrap();
        let nonce = format!("03{}", "00".repeat(11));
        let block = |first: &str| format!("{first}{}", "00".repeat(15));
        check(&cipher, &nonce, "", "", "07f5f4169bbf55a8400cd47ea6fd400f");
        check(&cipher, &nonce, "", "0100000000000000", "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28");
        check(
            &cipher,
            &nonce,
            "",
            &(block("01") + &block("02")),
            "4a6a9db4c8c6549201b9edb53006cba821ec9cf850948a7c86c68ac7539d027fe819e63abcd020b006a976397632eb5d",
        );
        check(&cipher, &nonce, "01", "0200000000000000", "1de22967237a813291213f267e3b452f02d01ae33e4ec854");
        check(
            &cipher,
            &nonce,
            "01",
            &(block("02") + &block("03")),
            "07dad364bfc2b9da89116d7bef6daaaf6f255510aa654f920ac81b94e8bad365aea1bad12702e1965604374aab96dbbc",
        );
    }

    /// McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13, 14 and 16.
    #[test]
    fn wraps_agree_with_the_gcm_specification() {
        let zeroes = Cipher::wrapping(&key(&"00".repeat(32))).unwrap();
        let nonce = "00".repeat(12);
        check(&zeroes, &nonce, "", "", "530f8afbc74536b9a963b4f1c4cb738b");
        check(
            &zeroes,
            &nonce,
            "",
            &"00".repeat(16),
            "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
        );
        check(
            &Cipher::wrapping(&key(&"feffe9928665731c6d6a8f9467308308".repeat(2))).unwrap(),
            "cafebabefacedbaddecaf888",
            "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525\
             b16aedf5aa0de657ba637b39",
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838\
             c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
        );
    }

    #[test]
    fn one_key_wrapped_twice_looks_different() {
        let cipher = Cipher::wrapping(&key(&"11".repeat(32))).unwrap();
        assert_ne!(cipher.wrap(b"", b"the same").unwrap(), cipher.wrap(b"", b"the same").unwrap());
    }
}
