//! The key that signs invocation tokens, and its public half as a JWKS.
//!
//! An RSA key of the sandbox's own: nothing signed here is ever worth anything elsewhere. The private
//! half leaves this module for nothing but the folder that keeps it, if there is one. Start reading at [`SigningKey::open`].

use std::path::Path;

use aws_lc_rs::signature::KeyPair as _;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use serde_json::{Value, json};

/// Why a key could not be made or a token not signed.
#[derive(Debug)]
pub(super) struct KeyError(String);

impl std::fmt::Display for KeyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for KeyError {}

/// An RSA key with its id.
pub(super) struct SigningKey {
    kid: String,
    encoding: EncodingKey,
    modulus: String,
    exponent: String,
}

impl SigningKey {
    /// A 2048-bit key, kept in a folder if there is one. Its id has the form that Forge uses
    /// (`forge/invocation-token/<uuid>`) and is the key's own: another key never has it.
    ///
    /// # Errors
    /// When the system gives no randomness, or the folder cannot be used.
    pub(super) fn open(kept: Option<&Path>) -> Result<Self, KeyError> {
        let pair = crate::keys::pair(kept, "forge").map_err(KeyError)?;
        let encoding = crate::keys::signer(&pair).map_err(KeyError)?;
        let public = pair.public_key();
        let id = crate::keys::id(public.as_ref());
        Ok(Self {
            kid: format!("forge/invocation-token/{id}"),
            encoding,
            modulus: URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero()),
            exponent: URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero()),
        })
    }

    /// The public half as a JSON Web Key Set.
    #[must_use]
    pub(super) fn jwks(&self) -> Value {
        json!({"keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256",
            "kid": self.kid, "n": self.modulus, "e": self.exponent,
        }]})
    }

    /// Signs claims as RS256.
    ///
    /// # Errors
    /// When signing fails.
    pub(super) fn sign<T: Serialize>(&self, claims: &T) -> Result<String, KeyError> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.encoding).map_err(|_| KeyError("signing failed".to_owned()))
    }
}
