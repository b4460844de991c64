//! The key that signs invocation tokens, and its public half as a JWKS.
//!
//! A fresh RSA key per sandbox: nothing signed here is ever worth anything elsewhere. The private
//! half must never leave this module. Start reading at [`SigningKey::generate`].

use aws_lc_rs::{
    encoding::AsDer,
    rsa::{KeyPair, KeySize},
    signature::KeyPair as _,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use serde_json::{Value, json};

/// Why a key could not be made or a token not signed.
#[derive(Debug)]
pub(super) struct KeyError(&'static str);

impl std::fmt::Display for KeyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
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
    /// A new 2048-bit key, with an id of the form that Forge uses (`forge/invocation-token/<uuid>`).
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub(super) fn generate() -> Result<Self, KeyError> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError("no RSA key"))?;
        let der = pair.as_der().map_err(|_| KeyError("no PKCS#8 of the RSA key"))?;
        // jsonwebtoken takes PKCS#8 only as PEM.
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            wrap(&STANDARD.encode(der.as_ref()))
        );
        let encoding = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| KeyError("the RSA key cannot sign"))?;
        let public = pair.public_key();
        Ok(Self {
            kid: format!("forge/invocation-token/{}", uuid::Uuid::new_v4()),
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
        jsonwebtoken::encode(&header, claims, &self.encoding).map_err(|_| KeyError("signing failed"))
    }
}

/// PEM lines are 64 characters.
fn wrap(base64: &str) -> String {
    let mut lines = String::with_capacity(base64.len() + base64.len() / 64 + 1);
    for (at, character) in base64.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            lines.push('\n');
        }
        lines.push(character);
    }
    lines
}
