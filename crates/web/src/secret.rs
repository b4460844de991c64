//! Tokens of ours: how they look, and how they are known again. One names its kind and its tenant and holds 256 random
//! bits; it goes to its owner once, and of it only a hash is kept.

use aws_lc_rs::{digest, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Fault, Result, TenantId};

const SECRET_BYTES: usize = 32;
/// The secret in base64.
const SECRET_CHARS: usize = 43;
/// Bytes of the checksum that ends an API token: enough that a chance match is one in four billion.
const CHECKSUM_BYTES: usize = 4;
/// The checksum in base64.
const CHECKSUM_CHARS: usize = 6;

/// Begins an API token.
const API_TOKEN: &str = "stwa";

/// Tells a token of ours from the host's.
pub(crate) fn is_ours(token: &str) -> bool {
    token.starts_with("stw")
}

/// A new token of the kind that begins with `prefix`.
pub(crate) fn make(prefix: &str, tenant: TenantId) -> Result<String> {
    let mut secret = [0; SECRET_BYTES];
    rand::fill(&mut secret).map_err(|_| Fault::broken("secret_random", "no randomness"))?;
    Ok(format!("{prefix}_{}_{}", tenant.0.simple(), URL_SAFE_NO_PAD.encode(secret)))
}

/// The tenant that a token names, if it is one of the kind that begins with `prefix`.
pub(crate) fn tenant_of(prefix: &str, token: &str) -> Option<TenantId> {
    let rest = token.strip_prefix(prefix)?.strip_prefix('_')?;
    let (tenant, secret) = rest.split_once('_')?;
    (secret.len() == SECRET_CHARS).then(|| tenant.parse().ok()).flatten()
}

/// A new API token: it ends in a checksum, so that a scanner of sources and logs can tell one without asking us.
pub(crate) fn make_api_token(tenant: TenantId) -> Result<String> {
    let token = make(API_TOKEN, tenant)?;
    let checksum = checksum(&token);
    Ok(token + &checksum)
}

/// Whether it looks like an API token, sound or not.
pub(crate) fn is_api_token(token: &str) -> bool {
    token.strip_prefix(API_TOKEN).is_some_and(|rest| rest.starts_with('_'))
}

/// The tenant that an API token names, if its checksum is right.
pub(crate) fn tenant_of_api_token(token: &str) -> Option<TenantId> {
    let (body, sent) = token.split_at_checked(token.len().checked_sub(CHECKSUM_CHARS)?)?;
    (checksum(body) == sent).then(|| tenant_of(API_TOKEN, body)).flatten()
}

/// The first bytes of the SHA-256 of all that stands before it.
fn checksum(body: &str) -> String {
    let whole = digest::digest(&digest::SHA256, body.as_bytes());
    URL_SAFE_NO_PAD.encode(whole.as_ref().get(..CHECKSUM_BYTES).unwrap_or_default())
}

/// What is kept of a token.
pub(crate) fn hash(token: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, token.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn an_api_token_is_told_from_everything_else() {
        #[track_caller]
        fn check(token: &str, expected: Option<TenantId>) {
            assert_eq!(tenant_of_api_token(token), expected);
        }
        let tenant = TenantId::fresh();
        let token = make_api_token(tenant).unwrap();
        assert_eq!(token.len(), "stwa_".len() + 32 + 1 + SECRET_CHARS + CHECKSUM_CHARS);
        check(&token, Some(tenant));
        for (place, letter) in token.char_indices() {
            let other = if letter == 'A' { 'B' } else { 'A' };
            let changed: String =
                token.chars().enumerate().map(|(at, c)| if at == place { other } else { c }).collect();
            check(&changed, None);
        }
        for cut in 0..token.len() {
            check(token.get(..cut).unwrap(), None);
        }
        check(&make("stwa", tenant).unwrap(), None);
        check(&make("stwb", tenant).unwrap(), None);
        check("", None);
        check("stwa_ääääää", None);
    }

    #[test]
    fn the_form_of_a_token_is_fixed() {
        // What scanners are configured with: never change it.
        let token = "stwa_0190000000007000800000000000000a_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        assert_eq!(checksum(token), "jEAjCw");
    }
}
