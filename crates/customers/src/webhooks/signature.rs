//! Signatures of Standard Webhooks: HMAC-SHA-256 over `id.timestamp.body`, one for each secret that is good.

use aws_lc_rs::{hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::{Fault, Result};

/// Begins a secret, so that scanners of sources know it.
const PREFIX: &str = "whsec_";
/// Bytes of a secret: as many as the hash has; the specification asks for 24 to 64.
const SECRET_BYTES: usize = 32;

/// A new secret, as its owner gets it.
pub(crate) fn make_secret() -> Result<String> {
    let mut secret = [0; SECRET_BYTES];
    rand::fill(&mut secret).map_err(|_| Fault::broken("webhook_random", "no randomness"))?;
    Ok(format!("{PREFIX}{}", STANDARD.encode(secret)))
}

/// The `webhook-signature` of a message: one for each secret, separated by spaces. `timestamp` is in Unix seconds.
pub(crate) fn sign(secrets: &[&str], id: &str, timestamp: i64, body: &[u8]) -> Result<String> {
    let mut signatures = Vec::with_capacity(secrets.len());
    for secret in secrets {
        let key = secret.strip_prefix(PREFIX).and_then(|encoded| STANDARD.decode(encoded).ok());
        let key = key.ok_or_else(|| Fault::broken("webhook_secret", "a secret that is none of ours"))?;
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
        context.update(format!("{id}.{timestamp}.").as_bytes());
        context.update(body);
        signatures.push(format!("v1,{}", STANDARD.encode(context.sign())));
    }
    Ok(signatures.join(" "))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_published_vectors() {
        // Of the specification and of its reference library; kept for ever.
        #[track_caller]
        fn check(secret: &str, id: &str, at: i64, body: &str, expected: &str) {
            assert_eq!(sign(&[secret], id, at, body.as_bytes()).unwrap(), expected);
        }
        check(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        );
        check(
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            r#"{"email":"test@example.com","username":"test_user"}"#,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        );
    }

    #[test]
    fn two_secrets_make_two_signatures() {
        let (old, new) = (make_secret().unwrap(), make_secret().unwrap());
        assert_ne!(old, new);
        let one = |secret: &str| sign(&[secret], "msg_1", 1, b"{}").unwrap();
        assert_eq!(sign(&[&new, &old], "msg_1", 1, b"{}").unwrap(), format!("{} {}", one(&new), one(&old)));
        assert!(sign(&["whsec_?"], "msg_1", 1, b"{}").is_err());
        assert!(sign(&["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "msg_1", 1, b"{}").is_err());
    }
}
