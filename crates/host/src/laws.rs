//! Laws of what reads bytes from outside: for the fuzzers in `fuzz/`, and for the seeds that they left, which the tests try
//! again. Compiled for these two only.
//!
//! Each takes whatever bytes and panics where a law is broken. A law says what must hold of each input, not what a certain
//! one gives: those are the rows beside each reader.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use crate::connect::{qsh, token as connect};
use crate::customer_token::{self as customers, Algorithm, CustomerKey};
use crate::events;
use crate::forge::token as forge;
use crate::hooks;
use crate::markup::Document;

/// A secret of the least length that is taken.
const SECRET_TEXT: &str = "0123456789abcdef0123456789abcdef";
const SECRET: &[u8] = SECRET_TEXT.as_bytes();
const SITE: &str = "a-site";
const PREFIX: &str = "https://api.example.com/ex/jira/";
/// Where customers of an installation sign in.
const SIGN_IN: &str = "https://steward.example/portal/01900000-0000-7000-8000-000000000000/sign-in";
/// An instant in 2026, in seconds.
const NOW: i64 = 1_780_000_000;

/// Tokens, in headers and queries, and the claims of such as are signed well.
pub fn token(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let text = text.as_ref();
    if let Ok(token) = forge::bearer(Some(text)) {
        assert!(!token.is_empty() && text.contains(token), "a bearer token stands in its header");
        if let Ok(kid) = forge::key_id(token) {
            assert!(!kid.contains("..") && !kid.starts_with('/') && !kid.contains("//"), "a key id climbs");
        }
    }
    let (header, query) = text.split_once('\n').unwrap_or(("", text));
    if let Ok(carried) = connect::carried(Some(header), query) {
        if let Ok(site) = connect::claimed(&carried) {
            assert!(!site.is_empty() && site.bytes().all(|byte| byte.is_ascii_graphic()), "a site's id is one word");
        }
        if let Ok(kid) = connect::key_id(&carried) {
            assert!(!kid.is_empty() && !kid.contains(['/', '.', '%', '\\']), "a key id is one segment");
        }
        assert!(connect::requested(&carried, SECRET, SITE, qsh::CONTEXT, now()).is_err() || signed_by_us(&carried));
    }
    let of_request = qsh::of("GET", header, query);
    assert!(of_request.len() == 64 && of_request != qsh::CONTEXT);
    claims_of_connect(data);
    claims_of_forge(data);
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap_or_default()
}

fn mac(secret: &[u8], text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    URL_SAFE_NO_PAD.encode(hmac::sign(&key, text.as_bytes()))
}

fn signed_by_us(token: &str) -> bool {
    token.rsplit_once('.').is_some_and(|(what, signature)| mac(SECRET, what) == signature)
}

/// What is believed of claims is what another reader reads in them.
fn claims_of_connect(claims: &[u8]) {
    let what = format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#), URL_SAFE_NO_PAD.encode(claims));
    let token = format!("{what}.{}", mac(SECRET, &what));
    if connect::in_context(&token, SECRET, SITE, now()).is_ok() {
        // What nobody looks at need not even be text: this reader takes none of it then.
        let Ok(read) = serde_json::from_slice::<Value>(claims) else { return };
        let number = |name: &str| read.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN);
        #[expect(clippy::cast_precision_loss, reason = "seconds of this century")]
        let (latest, earliest) = ((NOW + 3) as f64, (NOW - 3) as f64);
        assert!(number("iat") <= latest && number("exp") > earliest, "believed at another time");
        assert_eq!(read.get("iss").and_then(Value::as_str), Some(SITE), "believed of another site");
        assert_eq!(read.get("qsh").and_then(Value::as_str), Some(qsh::CONTEXT), "believed for another request");
    }
}

fn claims_of_forge(claims: &[u8]) {
    let Ok(prefix) = Url::parse(PREFIX) else { return };
    let rules = forge::Rules { audiences: vec!["an-app".to_owned()], api_bases: vec![prefix] };
    if let Ok(invocation) = forge::unsigned(claims, &rules, now()) {
        let base = invocation.api_base.as_str();
        let cloud = base.strip_prefix(PREFIX).unwrap_or_default();
        assert_eq!(cloud, invocation.cloud, "an API base leads elsewhere");
        assert!(!cloud.is_empty() && !cloud.contains(['/', '.', '?', '#', '@']), "an API base leads elsewhere");
        assert!(!invocation.installation.is_empty() && !invocation.jti.is_empty());
        if let Some(site) = invocation.site_url {
            assert!(site.path() == "/" && site.query().is_none() && site.username().is_empty());
        }
    }
}

/// Tokens of customers' sites, and the keys that somebody pastes for them: the first line is a token, the rest a key, or the claims of a token
/// that is signed well.
pub fn customer_token(data: &[u8]) {
    let (token, rest) = first_line(data);
    let (token, pasted) = (String::from_utf8_lossy(token), String::from_utf8_lossy(rest));
    // Which bit is changed is the input's to choose.
    let turn = data.iter().fold(0_usize, |turn, byte| turn.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    if let Ok(kid) = customers::key_id(&token) {
        assert!(customers::is_key_id(&kid) && !kid.contains(['/', '%', '\\']), "a key id is one segment");
    }
    let secret = CustomerKey::secret(SECRET_TEXT);
    assert!(!is_taken(&token, &secret) || signed_by_us(&token), "a token that nobody signed is believed");
    taken_as_it_was_signed(&token, &secret, turn);
    claims_of_customers(rest, &secret, turn);
    let Ok((key, kid)) = CustomerKey::pasted(&pasted) else { return };
    assert!(kid.is_none_or(|kid| customers::is_key_id(&kid)), "a key's id is one segment");
    assert!(key.algorithm() != Algorithm::Hs256, "a secret is kept as a public key");
    if let Ok(read) = serde_json::from_str::<Value>(pasted.trim()) {
        let private = ["/d", "/keys/0/d"].iter().any(|half| read.pointer(half).is_some());
        assert!(!private, "a private key is kept");
    }
    let again = CustomerKey::of(&key.text()).is_ok_and(|again| is_taken(&token, &again) == is_taken(&token, &key));
    assert!(again, "a key that was sealed judges otherwise");
    taken_as_it_was_signed(&token, &key, turn);
    // Whoever can read a public key could sign with it, if it were taken for a secret.
    let claims = format!(r#"{{"aud":"{SIGN_IN}","iat":{NOW},"exp":{},"email":"ana@acme.example"}}"#, NOW + 120);
    assert!(!is_taken(&with_secret(pasted.as_bytes(), claims.as_bytes()), &key), "a public key is taken for a secret");
}

fn is_taken(token: &str, key: &CustomerKey) -> bool {
    customers::verify(token, key, SIGN_IN, now()).is_ok()
}

/// A token of these claims, signed with a secret.
fn with_secret(secret: &[u8], claims: &[u8]) -> String {
    let header = r#"{"alg":"HS256","kid":"a-key"}"#;
    let what = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    format!("{what}.{}", mac(secret, &what))
}

/// What is taken is taken as it was signed: changed by one bit, or signed by nobody, it is refused.
fn taken_as_it_was_signed(token: &str, key: &CustomerKey, turn: usize) {
    if !is_taken(token, key) {
        return;
    }
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 3, "a token has three parts");
    let &[header, payload, signature] = parts.as_slice() else { return };
    let unsigned = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"a-key"}"#);
    for changed in [
        format!("{}.{payload}.{signature}", changed(header, turn)),
        format!("{header}.{}.{signature}", changed(payload, turn)),
        format!("{header}.{payload}.{}", changed(signature, turn)),
        format!("{header}.{payload}."),
        format!("{header}.{payload}"),
        format!("{unsigned}.{payload}."),
        format!("{unsigned}.{payload}.{signature}"),
    ] {
        assert!(!is_taken(&changed, key), "what nobody signed is believed: {changed}");
    }
}

/// A part of a token with one of its bits changed.
fn changed(part: &str, turn: usize) -> String {
    let mut bytes = URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
    let bit = turn.checked_rem(bytes.len() * 8).unwrap_or_default();
    if let Some(byte) = bytes.get_mut(bit / 8) {
        *byte ^= 1_u8 << (bit % 8);
    }
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What is believed of claims is what another reader reads in them.
fn claims_of_customers(claims: &[u8], secret: &CustomerKey, turn: usize) {
    assert!(!is_taken(&with_secret(b"another secret", claims), secret), "another's signature is believed");
    let token = with_secret(SECRET, claims);
    let Ok(address) = customers::verify(&token, secret, SIGN_IN, now()) else { return };
    taken_as_it_was_signed(&token, secret, turn);
    let Ok(read) = serde_json::from_slice::<Value>(claims) else { return };
    let number = |name: &str| read.get(name).and_then(Value::as_i64);
    let lives = matches!((number("iat"), number("exp")), (Some(iat), Some(exp))
        if exp > iat && exp - iat <= 300 && exp > NOW - 30 && iat <= NOW + 30);
    assert!(lives, "believed at another time, or for too long");
    assert!(number("nbf").is_none_or(|begins| begins <= NOW + 30), "believed before it begins");
    let audience = match read.get("aud") {
        Some(Value::Array(many)) if many.len() == 1 => many.first(),
        other => other,
    };
    assert_eq!(audience.and_then(Value::as_str), Some(SIGN_IN), "believed of somebody else's");
    let word = |name: &str| read.get(name).and_then(Value::as_str);
    assert!(word("email").or_else(|| word("sub")) == Some(address.peek()), "another address is believed");
    let verified = read.get("email_verified").is_none_or(|said| said.is_null() || *said == Value::Bool(true));
    assert!(verified, "an address that nobody verified is believed");
}

/// The first line, and what follows; without a line's end there is none.
fn first_line(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (data.get(..end).unwrap_or_default(), data.get(end + 1..).unwrap_or_default()),
        None => (&[], data),
    }
}

/// Webhooks and events: what they tell is ids and words of ours, and nothing that somebody wrote.
pub fn webhook(data: &[u8]) {
    let (signature, body) = first_line(data);
    let signature = std::str::from_utf8(signature).ok();
    if hooks::signed("a secret", signature, body) {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"a secret");
        let good = format!("sha256={}", hex::encode(hmac::sign(&key, body)));
        assert!(signature.is_some_and(|sent| sent.eq_ignore_ascii_case(&good)), "another signature is believed");
    }
    if let Some(issue) = std::str::from_utf8(body).ok().and_then(events::named_issue) {
        assert!(issue.as_str().chars().all(|sign| sign.is_ascii_digit()), "an address names no id");
    }
    let Ok(json) = serde_json::from_slice::<Value>(body) else { return };
    for told in [events::read(&json), events::read_hook(&json)].into_iter().flatten() {
        let fields = told.body.as_object().into_iter().flatten();
        for (name, value) in fields {
            let plain = |text: &str| text.chars().all(|sign| sign.is_ascii_alphanumeric() || "-_:.".contains(sign));
            let small = |text: &str| (1..=255).contains(&text.len());
            let fits = value.is_boolean() || value.as_str().is_some_and(|text| small(text) && plain(text));
            assert!(fits, "{name} is no id");
        }
    }
    if let Some((verb, key)) = events::read_hook_key(&json) {
        assert!(!verb.is_empty() && !key.is_empty());
    }
}

fn letters(text: &str) -> String {
    text.chars().filter(|sign| !sign.is_whitespace()).collect()
}

/// Atlassian's documents: written again they say the same, word for word, and are then a form that stays.
pub fn adf(data: &[u8]) {
    let Ok(json) = serde_json::from_slice::<Value>(data) else { return };
    let once = Document::from_adf(&json);
    let written = once.to_adf();
    let twice = Document::from_adf(&written);
    assert_eq!(letters(&once.text()), letters(&twice.text()), "words are lost in writing");
    assert!(once.mentions() == twice.mentions(), "somebody is mentioned no more");
    assert_eq!(written, twice.to_adf(), "writing it again makes another document");
}

/// Documents as wiki text: plain words mean nothing in it.
pub fn wiki(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let wiki = Document::from_text(&text).to_wiki();
    let mut signs = wiki.chars();
    let mut plain = String::new();
    while let Some(sign) = signs.next() {
        let sign = if sign == '\\' { signs.next().unwrap_or('\\') } else { sign };
        plain.push(sign);
    }
    assert_eq!(letters(&plain), letters(&text), "words are lost in writing");
    let bare = wiki.replace("\\\\", "").replace("\\{", "").replace("\\[", "").replace("\\!", "").replace("\\|", "");
    assert!(!bare.contains(['{', '[', '!', '|']), "plain words mean something");
    if let Ok(json) = serde_json::from_str::<Value>(&text) {
        let wiki = Document::from_adf(&json).to_wiki();
        // A brace behind a backslash is one that somebody wrote.
        let marks = wiki.replace("\\\\", "").replace("\\{", "");
        assert!(marks.matches("{code").count().is_multiple_of(2), "code is left open");
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
    use std::path::{Path, PathBuf};

    use super::{CustomerKey, is_taken};

    fn seeds(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(name)
    }

    /// A law of what is taken says nothing while nothing is.
    #[test]
    fn tokens_among_the_seeds_are_taken() {
        for name in ["rsa-pem", "rsa-jwk", "ec-pem", "ec-jwk-in-a-set"] {
            let seed = std::fs::read_to_string(seeds("customer_token").join(name)).unwrap();
            let (token, pasted) = seed.split_once('\n').unwrap();
            let (key, _) = CustomerKey::pasted(pasted).unwrap();
            assert!(is_taken(token, &key), "{name}");
        }
        let secret = CustomerKey::secret(super::SECRET_TEXT);
        for name in ["claims", "claims-of-a-subject"] {
            let claims = std::fs::read(seeds("customer_token").join(name)).unwrap();
            assert!(is_taken(&super::with_secret(super::SECRET, &claims), &secret), "{name}");
        }
    }

    #[test]
    fn what_the_fuzzers_found() {
        #[track_caller]
        fn check(name: &str, law: fn(&[u8])) {
            let folder = seeds(name);
            let mut tried = 0;
            for entry in std::fs::read_dir(&folder).unwrap() {
                law(&std::fs::read(entry.unwrap().path()).unwrap());
                tried += 1;
            }
            assert!(tried > 0, "{} is empty", folder.display());
        }
        check("token", super::token);
        check("customer_token", super::customer_token);
        check("webhook", super::webhook);
        check("adf", super::adf);
        check("wiki", super::wiki);
    }
}
