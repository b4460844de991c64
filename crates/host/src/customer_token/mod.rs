//! Tokens that a customer's own site signs: whose address somebody has who comes from there. Pure; the clock is a value.
//!
//! A token never chooses its algorithm, its key's address or whom it is for: the key says the first, and nothing is fetched. It must never be
//! taken twice, which is for the caller to see to ([`hash`]). Start at [`key_id`], then [`verify`].

mod key;

use std::time::Duration;

use aws_lc_rs::digest;
use jiff::Timestamp;
use jsonwebtoken::{Validation, errors::ErrorKind};
use serde::Deserialize;
use serde_json::Value;

pub use key::{Algorithm, CustomerKey, KeyText};

use crate::forge::token as forge;
use crate::personal::Personal;

/// How far the clock of a customer's site and ours may be apart.
pub const LEEWAY: Duration = Duration::from_secs(30);
/// The longest that a token may live: it is made for one click. Far shorter than its hash is remembered.
pub const LONGEST_LIFE: Duration = Duration::from_secs(300);
/// An address, a name and some claims of the site's own.
pub const TOKEN_BYTES: usize = 8 * 1024;
/// Key ids of ours are UUIDs; others' in a JWK may be longer.
pub const KID_BYTES: usize = 128;
/// The longest address that mail knows (RFC 5321).
const EMAIL_BYTES: usize = 254;

/// Why a token is refused. Whoever sent it learns nothing of this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not a JWT, or too long.
    Malformed,
    /// Another algorithm than the key's.
    Algorithm,
    /// A key id of no known shape, or none.
    KeyId,
    /// The signature does not fit.
    Signature,
    /// For somebody else, or for more than one.
    Audience,
    /// A claim is missing or of the wrong shape.
    Claims,
    /// It names no address, or one that the site itself has not verified.
    Address,
    /// It lives too long, or ends before it begins.
    Life,
    /// Past its end.
    Expired,
    /// Before its beginning, or issued in the future.
    Early,
}

impl Refusal {
    /// For the log and for administrators.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::KeyId => "key_id",
            Self::Signature => "signature",
            Self::Audience => "audience",
            Self::Claims => "claims",
            Self::Address => "address",
            Self::Life => "life",
            Self::Expired => "expired",
            Self::Early => "early",
        }
    }

    /// Whether whoever sent it holds the key: only then is the reason somebody's to read.
    pub fn is_signed(self) -> bool {
        !matches!(self, Self::Malformed | Self::Algorithm | Self::KeyId | Self::Signature)
    }
}

#[derive(Deserialize)]
struct Claims {
    aud: Audience,
    iat: i64,
    exp: i64,
    nbf: Option<i64>,
    email: Option<String>,
    email_verified: Option<Value>,
    sub: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// The id of the key that a token says it is signed with. Nothing else of an unverified header is looked at.
pub fn key_id(token: &str) -> Result<String, Refusal> {
    if token.len() > TOKEN_BYTES {
        return Err(Refusal::Malformed);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|error| refusal(&error))?;
    header.kid.filter(|kid| is_key_id(kid)).ok_or(Refusal::KeyId)
}

/// Whether a text may be a key's id: plain characters, of which none could climb a path.
pub fn is_key_id(kid: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    (1..=KID_BYTES).contains(&kid.len()) && kid.chars().all(plain) && kid.chars().any(|c| c.is_ascii_alphanumeric())
}

/// Verifies a token by the key that its id names, and answers the address that it is about. `audience` is the installation's own
/// sign-in address.
pub fn verify(token: &str, key: &CustomerKey, audience: &str, now: Timestamp) -> Result<Personal, Refusal> {
    if token.len() > TOKEN_BYTES {
        return Err(Refusal::Malformed);
    }
    let algorithm = key.algorithm().of_tokens();
    forge::header(token, algorithm).map_err(|refused| match refused {
        forge::Refusal::Algorithm => Refusal::Algorithm,
        _ => Refusal::Malformed,
    })?;
    let mut validation = Validation::new(algorithm);
    // The library reads the machine's clock and takes one audience of many; both are checked below.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation.set_required_spec_claims(&["exp", "aud"]);
    let verifies = key.verifies().ok_or(Refusal::Signature)?;
    let claims = jsonwebtoken::decode::<Claims>(token, &verifies, &validation).map_err(|error| refusal(&error))?.claims;
    times(&claims, now)?;
    let named = match &claims.aud {
        Audience::One(one) => Some(one),
        Audience::Many(many) if many.len() == 1 => many.first(),
        Audience::Many(_) => None,
    };
    if named.is_none_or(|named| named != audience) {
        return Err(Refusal::Audience);
    }
    address(claims)
}

fn times(claims: &Claims, now: Timestamp) -> Result<(), Refusal> {
    let (now, leeway) = (now.as_second(), LEEWAY.as_secs().cast_signed());
    let life = claims.exp.checked_sub(claims.iat).ok_or(Refusal::Life)?;
    if life <= 0 || life > LONGEST_LIFE.as_secs().cast_signed() {
        return Err(Refusal::Life);
    }
    if claims.exp.saturating_add(leeway) <= now {
        return Err(Refusal::Expired);
    }
    let latest = now.saturating_add(leeway);
    if claims.iat > latest || claims.nbf.is_some_and(|nbf| nbf > latest) {
        return Err(Refusal::Early);
    }
    Ok(())
}

/// `email`; where there is none, `sub`. An address that the site says it has not verified could be anybody's.
fn address(claims: Claims) -> Result<Personal, Refusal> {
    if claims.email_verified.is_some_and(|verified| verified != Value::Bool(true)) {
        return Err(Refusal::Address);
    }
    let subject = claims.sub.and_then(|sub| sub.as_str().map(str::to_owned));
    let text = claims.email.or(subject).ok_or(Refusal::Address)?;
    let halves = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    let plain = !text.chars().any(|sign| sign.is_whitespace() || sign.is_control());
    if halves && plain && text.len() <= EMAIL_BYTES { Ok(Personal::from(text)) } else { Err(Refusal::Address) }
}

/// By what a token is known again: what it signs, since a signature may be written in more than one way.
pub fn hash(token: &str) -> Vec<u8> {
    let signed = token.rsplit_once('.').map_or(token, |(signed, _)| signed);
    digest::digest(&digest::SHA256, signed.as_bytes()).as_ref().to_vec()
}

fn refusal(error: &jsonwebtoken::errors::Error) -> Refusal {
    match error.kind() {
        ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm | ErrorKind::InvalidAlgorithmName => {
            Refusal::Algorithm
        }
        ErrorKind::InvalidSignature => Refusal::Signature,
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) | ErrorKind::Json(_) => Refusal::Claims,
        _ => Refusal::Malformed,
    }
}

#[cfg(test)]
mod tests;
