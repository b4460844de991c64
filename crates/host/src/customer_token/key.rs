//! The keys that customers' sites sign with: a secret that we made, or a public key that somebody pasted. Pure.
//!
//! What is pasted is brought into one form and looked at by the library before it is kept. A private key is told for one and goes no further.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{PublicEncryptingKey, PublicKey, PublicKeyComponents};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use kernel::{Fault, Result};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::is_key_id;

/// A JWK of 4,096 bits with its certificates is some 4 KB.
pub(super) const PASTED_BYTES: usize = 16 * 1024;
/// RSA keys that are neither broken nor a way to burn our time.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// An uncompressed point of P-256.
const POINT_BYTES: usize = 65;
/// A `SubjectPublicKeyInfo` of P-256 up to its point (RFC 5480).
const P256_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// How a customer's site signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// With a secret that both have.
    Hs256,
    /// With an RSA key of its own.
    Rs256,
    /// With a P-256 key of its own.
    Es256,
}

impl Algorithm {
    const ALL: [Self; 3] = [Self::Hs256, Self::Rs256, Self::Es256];

    /// As JOSE calls it, and as stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    pub(super) fn of_tokens(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Hs256 => jsonwebtoken::Algorithm::HS256,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
        }
    }
}

/// A key, as it is sealed. No `Debug`, wiped on drop.
#[derive(Clone, Default, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct KeyText {
    algorithm: String,
    /// The secret as it was told; of a public key its bytes, in base64.
    material: String,
}

/// A key that tokens are verified with. Wiped on drop.
#[derive(Clone, ZeroizeOnDrop)]
pub struct CustomerKey {
    #[zeroize(skip)]
    algorithm: Algorithm,
    /// The secret's own bytes; an RSA key as RFC 8017 writes it; a point of P-256.
    material: Vec<u8>,
}

fn wrong(code: &'static str, detail: &'static str) -> Fault {
    Fault::invalid_field("/publicKey", code, detail)
}

fn no_key() -> Fault {
    wrong("format", "This is no public key: paste one as PEM (`-----BEGIN PUBLIC KEY-----`) or as a JWK.")
}

fn too_weak() -> Fault {
    wrong("too_weak", "An RSA key has 2,048 to 8,192 bits, and an odd exponent above 1.")
}

fn only_these() -> Fault {
    wrong("unsupported", "A public key is an RSA key (RS256) or one on the curve P-256 (ES256).")
}

impl CustomerKey {
    /// A secret, as it was told.
    pub fn secret(text: &str) -> Self {
        Self { algorithm: Algorithm::Hs256, material: text.as_bytes().to_vec() }
    }

    /// A public key that somebody pasted, and the id that its JWK gives it.
    ///
    /// # Errors
    /// `Invalid` at `/publicKey`; what was pasted is not quoted.
    pub fn pasted(text: &str) -> Result<(Self, Option<String>)> {
        let text = text.trim();
        if text.len() > PASTED_BYTES {
            return Err(wrong("too_long", "A public key has at most 16 KB."));
        }
        if text.starts_with('{') { jwk(text) } else { Ok((pem(text)?, None)) }
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// For sealing.
    pub fn text(&self) -> KeyText {
        let material = match self.algorithm {
            Algorithm::Hs256 => String::from_utf8_lossy(&self.material).into_owned(),
            Algorithm::Rs256 | Algorithm::Es256 => STANDARD.encode(&self.material),
        };
        KeyText { algorithm: self.algorithm.name().to_owned(), material }
    }

    /// As it was sealed.
    pub fn of(text: &KeyText) -> Result<Self> {
        let unreadable = || Fault::broken("customer_key", "a key that is none");
        let algorithm = Algorithm::parse(&text.algorithm).ok_or_else(unreadable)?;
        let material = match algorithm {
            Algorithm::Hs256 => text.material.as_bytes().to_vec(),
            Algorithm::Rs256 | Algorithm::Es256 => STANDARD.decode(&text.material).map_err(|_| unreadable())?,
        };
        Ok(Self { algorithm, material })
    }

    #[cfg(test)]
    pub(super) fn material_for_tests(&self) -> Vec<u8> {
        self.material.clone()
    }

    pub(super) fn verifies(&self) -> Option<DecodingKey> {
        let made = match self.algorithm {
            Algorithm::Hs256 => DecodingKey::from_secret(&self.material),
            Algorithm::Rs256 => DecodingKey::from_rsa_der(&self.material),
            Algorithm::Es256 => DecodingKey::from_ec_der(&self.material),
        };
        (!self.material.is_empty()).then_some(made)
    }
}

fn pem(text: &str) -> Result<CustomerKey> {
    if text.contains("PRIVATE KEY-----") {
        return Err(wrong(
            "private_key",
            "This is a private key. It must stay where it signs; paste the public key that belongs to it. Make a new pair: this one has now been shown to somebody else.",
        ));
    }
    if text.contains("CERTIFICATE-----") {
        return Err(wrong(
            "certificate",
            "This is a certificate. Paste the public key alone: `openssl x509 -pubkey -noout`.",
        ));
    }
    let body = text
        .strip_prefix("-----BEGIN PUBLIC KEY-----")
        .and_then(|rest| rest.trim_end().strip_suffix("-----END PUBLIC KEY-----"))
        .ok_or_else(no_key)?;
    let body: String = body.chars().filter(|sign| !sign.is_ascii_whitespace()).collect();
    let der = STANDARD.decode(body).map_err(|_| no_key())?;
    match der.strip_prefix(&P256_PREFIX) {
        Some(point) => p256(point.to_vec()),
        None => rsa(&der, only_these),
    }
}

fn jwk(text: &str) -> Result<(CustomerKey, Option<String>)> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|_| no_key())?;
    if value.get("d").is_some() || value.pointer("/keys/0/d").is_some() {
        return Err(wrong(
            "private_key",
            "This is a private key. It must stay where it signs; paste the public key that belongs to it. Make a new pair: this one has now been shown to somebody else.",
        ));
    }
    let jwk: Jwk = if value.get("keys").is_some() {
        let JwkSet { mut keys } = serde_json::from_value(value).map_err(|_| no_key())?;
        match (keys.pop(), keys.is_empty()) {
            (Some(one), true) => one,
            (None, _) => return Err(no_key()),
            (Some(_), false) => return Err(wrong("too_many", "This set has more than one key. Paste each by itself.")),
        }
    } else {
        serde_json::from_value(value).map_err(|_| only_these())?
    };
    if jwk.common.public_key_use.as_ref().is_some_and(|used| *used != PublicKeyUse::Signature) {
        return Err(wrong("unsupported", "This key is not for signatures (`use` is not `sig`)."));
    }
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| no_key());
    let key = match &jwk.algorithm {
        AlgorithmParameters::RSA(parts) => {
            let components = PublicKeyComponents { n: bytes(&parts.n)?, e: bytes(&parts.e)? };
            let der: PublicKeyX509Der<'static> = components.as_der().map_err(|_| too_weak())?;
            rsa(der.as_ref(), too_weak)?
        }
        AlgorithmParameters::EllipticCurve(parts) if parts.curve == EllipticCurve::P256 => {
            let mut point = vec![4];
            point.extend(bytes(&parts.x)?);
            point.extend(bytes(&parts.y)?);
            p256(point)?
        }
        AlgorithmParameters::OctetKey(_) => {
            return Err(wrong("secret", "This is a secret. Secrets are made here: leave the public key out."));
        }
        _ => return Err(only_these()),
    };
    let named = match jwk.common.key_algorithm {
        None => true,
        Some(KeyAlgorithm::RS256) => key.algorithm == Algorithm::Rs256,
        Some(KeyAlgorithm::ES256) => key.algorithm == Algorithm::Es256,
        Some(_) => false,
    };
    if !named {
        return Err(wrong("unsupported", "This key is for another algorithm (`alg`) than RS256 or ES256."));
    }
    match jwk.common.key_id {
        Some(kid) if !is_key_id(&kid) => Err(wrong(
            "key_id",
            "The key's `kid` has at most 128 letters, digits and `-_.:`. Change it, or leave it out.",
        )),
        kid => Ok((key, kid)),
    }
}

/// An RSA key, as `SubjectPublicKeyInfo`. The library looks at it as a whole; `refusal` is what it is told when the library does not take it.
fn rsa(der: &[u8], refusal: fn() -> Fault) -> Result<CustomerKey> {
    let key = PublicKey::from_der(der).map_err(|_| refusal())?;
    let whole: PublicKeyX509Der<'static> = key.as_der().map_err(|_| only_these())?;
    let sized = PublicEncryptingKey::from_der(whole.as_ref()).map_err(|_| too_weak())?;
    if !RSA_BITS.contains(&sized.key_size_bits()) {
        return Err(too_weak());
    }
    Ok(CustomerKey { algorithm: Algorithm::Rs256, material: key.as_ref().to_vec() })
}

/// A point, if it lies on the curve.
fn p256(point: Vec<u8>) -> Result<CustomerKey> {
    let off = || wrong("format", "This key does not lie on the curve P-256.");
    if point.len() != POINT_BYTES || ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).is_err() {
        return Err(off());
    }
    Ok(CustomerKey { algorithm: Algorithm::Es256, material: point })
}
