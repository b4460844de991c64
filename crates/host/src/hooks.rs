//! Webhooks of a site that an operator joined: proven by their signature, or by an address that nobody else was told where
//! a Data Center does not sign; reduced to ids, taken once.
//!
//! Whatever is wrong with one (no such site, no signature, another secret) is answered as if there were nothing here, the
//! same to the byte. Nothing of one is believed but ids; whoever subscribes fetches the rest, so that a repeated or
//! a late one does no harm. Start at [`Inbound::accept_hook`].

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Cx, Fault, Result};
use serde_json::Value;
use store::outbox;
use store::tenants::Mode;

use crate::events;
use crate::hints;
use crate::install::Inbound;
use crate::sql;

/// What Jira is asked to tell of accounts, each of interest to a job here.
pub(crate) const ACCOUNT_EVENTS: [&str; 2] = ["user_updated", "user_deleted"];
/// Of issues it is asked to tell which one something became of, at another address and without a body, which would bring
/// customers' words for nothing.
pub(crate) const ISSUE_EVENTS: [&str; 3] = ["jira:issue_created", "jira:issue_updated", "jira:issue_deleted"];

/// Begins what the secrets in addresses are derived from; the second is of those at which unsigned ones are taken, the third
/// of those at which issues are named.
const SIGNED_AT: &[u8] = b"steward webhook address 1 signed ";
const UNSIGNED_AT: &[u8] = b"steward webhook address 1 unsigned ";
const ISSUES_AT: &[u8] = b"steward webhook address 1 issues ";

/// The only method of signing that is believed, whatever the header names.
const METHOD: &str = "sha256=";

impl Inbound {
    /// Takes a webhook: in one transaction, what it names goes to the outbox, as ids. One that was taken before is taken
    /// again without effect.
    ///
    /// # Errors
    /// `NotFound` for whatever is not a webhook of the context's tenant; `Busy` or `Broken` for what is not its fault.
    /// `address` is the secret part of the address that it came to, where there is one; `query` is what follows it.
    pub async fn accept_hook(
        &self,
        cx: &Cx,
        address: Option<&str>,
        query: &str,
        signature: Option<&str>,
        body: &[u8],
    ) -> Result<()> {
        let parts = &self.0;
        let known = parts.sites.of(cx.tenant()).await.map_err(|_| Fault::not_found())?;
        if !known.mode.is_by_operator() {
            return Err(Fault::not_found());
        }
        let secret = parts.services.hook(cx).await?;
        if address.is_some_and(|address| same(&address_issues(secret.peek()), address)) {
            // A signature of no body is the same for every telling, and not every Jira may sign nothing: the address is what
            // proves one. A signature that comes must fit.
            if signature.is_some() && !signed(secret.peek(), signature, body) {
                return Err(Fault::not_found());
            }
            parts.services.heard(cx).await?;
            return match events::named_issue(query) {
                Some(issue) => hints::take(&parts.store, cx, &issue).await,
                None => Ok(()),
            };
        }
        let proven = match (known.mode, address) {
            (Mode::CloudToken, None) => signed(secret.peek(), signature, body),
            (Mode::DataCenter, Some(address)) => {
                let at = |derived: String| same(&derived, address);
                at(address_unsigned(secret.peek()))
                    || (at(address_signed(secret.peek())) && signed(secret.peek(), signature, body))
            }
            _ => false,
        };
        if !proven {
            return Err(Fault::not_found());
        }
        parts.services.heard(cx).await?;
        let Ok(json) = serde_json::from_slice::<Value>(body) else { return Ok(()) };
        let told = match known.mode {
            Mode::DataCenter => match events::read_hook_key(&json) {
                Some((verb, key)) => Some(events::of_account(verb, &parts.users.account(cx, key).await?)),
                None => None,
            },
            _ => events::read_hook(&json),
        };
        let Some(told) = told else { return Ok(()) };
        let hash = digest::digest(&digest::SHA256, body);
        let mut scoped = parts.store.write(cx).await?;
        // The body carries its instant: only the same telling has the same hash, whatever its headers say.
        if sql::invocation_record(&mut scoped, cx, hash.as_ref()).await? {
            outbox::put(&mut scoped, cx, told.topic, &told.body).await?;
        }
        scoped.commit().await
    }
}

fn derived(purpose: &[u8], secret: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    URL_SAFE_NO_PAD.encode(hmac::sign(&key, purpose).as_ref())
}

/// The end of the address at which a signature is asked for. Whoever learns it cannot tell the other one.
pub(crate) fn address_signed(secret: &str) -> String {
    derived(SIGNED_AT, secret)
}

/// The end of the address at which none is: where Jira does not sign, that nobody else knows it is all the proof there is.
/// What is told there makes Steward ask Jira again, and nothing more.
pub(crate) fn address_unsigned(secret: &str) -> String {
    derived(UNSIGNED_AT, secret)
}

/// The end of the address at which issues are named, on Cloud too. Likewise: it makes Steward ask Jira for that issue.
pub(crate) fn address_issues(secret: &str) -> String {
    derived(ISSUES_AT, secret)
}

fn same(one: &str, other: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

/// Compared by the library, in constant time.
pub(crate) fn signed(secret: &str, signature: Option<&str>, body: &[u8]) -> bool {
    let tag = signature.and_then(|sent| sent.strip_prefix(METHOD)).and_then(|tag| hex::decode(tag).ok());
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    tag.is_some_and(|tag| hmac::verify(&key, body, &tag).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures() {
        #[track_caller]
        fn check(signature: Option<&str>, body: &str, expected: bool) {
            assert_eq!(signed("It's a Secret to Everybody", signature, body.as_bytes()), expected, "{signature:?}");
        }
        // The vector that the host's documentation gives.
        let good = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9";
        check(Some(good), "Hello World!", true);
        check(Some(&good.to_uppercase().replace("SHA256", "sha256")), "Hello World!", true);
        check(Some(good), "Hello World", false);
        check(Some(good.trim_end_matches('9')), "Hello World!", false);
        check(Some(good.trim_start_matches("sha256=")), "Hello World!", false);
        check(Some(&good.replace("sha256", "sha1")), "Hello World!", false);
        check(Some("sha256="), "Hello World!", false);
        check(Some(""), "Hello World!", false);
        check(None, "Hello World!", false);
        assert!(!signed("another", Some(good), b"Hello World!"));
    }
}
