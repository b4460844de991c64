//! The key that signs installs, published under its id as PEM. The sandbox's own; the private half goes
//! nowhere but into the folder that keeps it, if there is one.

use std::path::Path;

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    signature::KeyPair as _,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::Value;

use crate::keys::pem;

pub(super) struct InstallKey {
    pub(super) kid: String,
    /// The public half, as it is published.
    pub(super) pem: String,
    encoding: EncodingKey,
}

impl InstallKey {
    /// Kept in a folder if there is one.
    pub(super) fn open(kept: Option<&Path>) -> Result<Self, String> {
        let pair = crate::keys::pair(kept, "connect")?;
        let encoding = crate::keys::signer(&pair)?;
        let public: PublicKeyX509Der<'_> =
            pair.public_key().as_der().map_err(|_| "no public half of the RSA key".to_owned())?;
        let kid = crate::keys::id(public.as_ref()).to_string();
        Ok(Self { kid, pem: pem("PUBLIC KEY", public.as_ref()), encoding })
    }

    pub(super) fn sign(&self, claims: &Value) -> Result<String, String> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.encoding).map_err(|_| "signing failed".to_owned())
    }
}
