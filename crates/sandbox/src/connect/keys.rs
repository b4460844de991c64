//! The key that signs installs, published under its id as PEM. A fresh one per sandbox; the private half never leaves.

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rsa::{KeyPair, KeySize},
    signature::KeyPair as _,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::Value;

/// Characters of a line of PEM.
const LINE: usize = 64;

pub(super) struct InstallKey {
    pub(super) kid: String,
    /// The public half, as it is published.
    pub(super) pem: String,
    encoding: EncodingKey,
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut lines = String::new();
    let mut rest = text.as_str();
    while let Some((line, after)) = rest.split_at_checked(LINE.min(rest.len())).filter(|(line, _)| !line.is_empty()) {
        lines.push_str(line);
        lines.push('\n');
        rest = after;
    }
    format!("-----BEGIN {label}-----\n{lines}-----END {label}-----\n")
}

impl InstallKey {
    pub(super) fn generate() -> Result<Self, String> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| "no RSA key".to_owned())?;
        let private = pair.as_der().map_err(|_| "no PKCS#8 of the RSA key".to_owned())?;
        let encoding = EncodingKey::from_rsa_pem(pem("PRIVATE KEY", private.as_ref()).as_bytes())
            .map_err(|_| "the RSA key cannot sign".to_owned())?;
        let public: PublicKeyX509Der<'_> =
            pair.public_key().as_der().map_err(|_| "no public half of the RSA key".to_owned())?;
        Ok(Self { kid: uuid::Uuid::new_v4().to_string(), pem: pem("PUBLIC KEY", public.as_ref()), encoding })
    }

    pub(super) fn sign(&self, claims: &Value) -> Result<String, String> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.encoding).map_err(|_| "signing failed".to_owned())
    }
}
