//! Tokens that are accepted, and each reason for which one is refused.

#![expect(clippy::unwrap_used, reason = "tests")]

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};

use super::*;

const APP: &str = "ari:cloud:ecosystem::app/77334c21-3dd0-474f-a53f-28b4eeee5a71";

pub(crate) struct Key {
    pub(crate) signs: EncodingKey,
    pub(crate) verifies: DecodingKey,
    pub(crate) public_pem: String,
}

fn pem(kind: &str, der: &[u8]) -> String {
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", STANDARD.encode(der))
}

pub(crate) fn key() -> Key {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der>::as_der(&pair).unwrap();
    let public = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let spki = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der>::as_der(pair.public_key()).unwrap();
    Key {
        signs: EncodingKey::from_rsa_pem(pem("PRIVATE KEY", der.as_ref()).as_bytes()).unwrap(),
        verifies: DecodingKey::from_rsa_raw_components(&public.n, &public.e),
        public_pem: pem("PUBLIC KEY", spki.as_ref()),
    }
}

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn rules() -> Rules {
    Rules {
        audiences: vec![APP.to_owned()],
        api_bases: vec![Url::parse("https://api.atlassian.com/ex/jira/").unwrap()],
    }
}

fn claims() -> Value {
    let at = now().as_second();
    json!({
        "iss": ISSUER, "aud": APP, "iat": at, "nbf": at, "exp": at + 25, "jti": "d8a496253ec8c18a",
        "principal": "655362:312d3308-8954-42b0-aa38-771a10c88656",
        "app": {
            "id": APP, "appVersion": "2.0.0",
            "installationId": "ari:cloud:ecosystem::installation/0a3a7799-53ae-4a5b-9e7e-03338980abb5",
            "apiBaseUrl": "https://api.atlassian.com/ex/jira/d0d52620-3203-4cfa-8db5-f2587155f0dd",
            "environment": {"type": "PRODUCTION", "id": "e"},
            "module": {"type": "core:endpoint", "key": "backend"},
            "unheardOf": {"deep": [1, 2, 3]},
        },
        "context": {
            "cloudId": "d0d52620-3203-4cfa-8db5-f2587155f0dd", "localId": "l", "moduleKey": "customer-panel",
            "siteUrl": "https://acme.atlassian.net/some/path?x=1",
            "extension": {"type": "jira:issuePanel", "issue": {"id": "10001", "key": "HELP-7"}, "project": {"id": "10000"}},
        },
        "futureClaim": true,
    })
}

fn sign(key: &Key, claims: &Value) -> String {
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some("forge/invocation-token/1".to_owned());
    jsonwebtoken::encode(&header, claims, &key.signs).unwrap()
}

fn judge(key: &Key, token: &str, at: Timestamp) -> Result<Invocation, Refusal> {
    key_id(token)?;
    verify(token, &key.verifies, &rules(), at)
}

/// The claims with one of them set, or taken away by `null`.
fn with(pointer: &str, value: Value) -> Value {
    let mut claims = claims();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let object = claims.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        object.remove(name);
    } else {
        object.insert(name.to_owned(), value);
    }
    claims
}

#[test]
fn a_good_token_is_understood() {
    let key = key();
    let invocation = judge(&key, &sign(&key, &claims()), now()).unwrap();
    assert_eq!(invocation.installation, "ari:cloud:ecosystem::installation/0a3a7799-53ae-4a5b-9e7e-03338980abb5");
    assert_eq!(invocation.cloud, "d0d52620-3203-4cfa-8db5-f2587155f0dd");
    assert_eq!(invocation.site_url.unwrap().as_str(), "https://acme.atlassian.net/");
    assert_eq!(invocation.module, "customer-panel");
    assert_eq!(invocation.principal.unwrap().as_str(), "655362:312d3308-8954-42b0-aa38-771a10c88656");
    assert_eq!(invocation.extension.issue.unwrap().as_str(), "10001");
    assert_eq!(invocation.extension.issue_key.unwrap().as_str(), "HELP-7");
    assert_eq!(invocation.extension.project.unwrap().as_str(), "10000");
}

#[test]
fn variants_that_are_good_too() {
    let key = key();
    for claims in [
        with("/aud", json!([APP, "another"])),
        with("/nbf", Value::Null),
        with("/context", Value::Null),
        with("/app/module", Value::Null),
        with("/app/id", Value::Null),
        with("/app/apiBaseUrl", json!("https://api.atlassian.com/ex/jira/d0d52620-3203-4cfa-8db5-f2587155f0dd/")),
    ] {
        assert!(judge(&key, &sign(&key, &claims), now()).is_ok(), "{claims}");
    }
    // Anonymous visitors and events are nobody.
    for principal in [Value::Null, json!("unidentified"), json!("")] {
        let invocation = judge(&key, &sign(&key, &with("/principal", principal)), now()).unwrap();
        assert_eq!(invocation.principal, None);
    }
}

#[test]
fn doors_of_forges_own_are_closed_to_pages() {
    let key = key();
    let heard = |principal: Value, kind: Value| {
        let mut claims = with("/principal", principal);
        if let Some(extension) = claims.pointer_mut("/context/extension") {
            *extension = if kind.is_null() { json!({}) } else { json!({"type": kind}) };
        }
        judge(&key, &sign(&key, &claims), now()).unwrap().not_of_a_page().is_ok()
    };
    for kind in ["trigger", "core:trigger", "scheduledTrigger", "preUninstall", "migration:dataResidency"] {
        assert!(heard(Value::Null, json!(kind)), "{kind}");
        assert!(!heard(json!("655362:312d"), json!(kind)), "{kind}");
    }
    assert!(heard(Value::Null, Value::Null));
    // An anonymous visitor of the portal is nobody, and looks at a page all the same.
    for kind in ["jira:issuePanel", "jira:globalPage", "jiraServiceManagement:portalHeader", "something:new"] {
        assert!(!heard(Value::Null, json!(kind)), "{kind}");
    }
    assert!(!heard(json!("655362:312d"), Value::Null));
}

#[test]
fn claims_that_are_refused() {
    let key = key();
    #[track_caller]
    fn check(key: &Key, pointer: &str, value: Value, expected: Refusal) {
        let found = judge(key, &sign(key, &with(pointer, value.clone())), now()).unwrap_err();
        assert_eq!(found, expected, "{pointer} = {value}");
    }
    let at = now().as_second();
    check(&key, "/iss", json!("forge/another"), Refusal::Issuer);
    check(&key, "/iss", json!(["forge/another"]), Refusal::Issuer);
    check(&key, "/iss", Value::Null, Refusal::Claims);
    check(&key, "/aud", json!("ari:cloud:ecosystem::app/foreign"), Refusal::Audience);
    check(&key, "/aud", json!([]), Refusal::Audience);
    check(&key, "/aud", Value::Null, Refusal::Claims);
    check(&key, "/app/id", json!("ari:cloud:ecosystem::app/foreign"), Refusal::Audience);
    check(&key, "/exp", Value::Null, Refusal::Claims);
    check(&key, "/iat", Value::Null, Refusal::Claims);
    check(&key, "/jti", Value::Null, Refusal::Claims);
    check(&key, "/jti", json!(""), Refusal::Claims);
    check(&key, "/jti", json!("x".repeat(257)), Refusal::Claims);
    check(&key, "/app", Value::Null, Refusal::Claims);
    check(&key, "/app/installationId", Value::Null, Refusal::Claims);
    check(&key, "/app/installationId", json!("with space"), Refusal::Claims);
    check(&key, "/app/apiBaseUrl", Value::Null, Refusal::Claims);
    check(&key, "/context/cloudId", json!("another"), Refusal::Claims);
    check(&key, "/principal", json!("<script>"), Refusal::Claims);
    check(&key, "/iat", json!(at + 16), Refusal::Early);
    check(&key, "/iat", json!(at + 25), Refusal::Life);
    check(&key, "/exp", json!(at), Refusal::Life);
    check(&key, "/exp", json!(at + 601), Refusal::Life);
    check(&key, "/exp", json!(i64::MAX), Refusal::Life);
    check(&key, "/nbf", json!(at + 16), Refusal::Early);
    for base in [
        "https://evil.example/ex/jira/1",
        "https://api.atlassian.com.evil.example/ex/jira/1",
        "https://api.atlassian.com@evil.example/ex/jira/1",
        "https://user:pass@api.atlassian.com/ex/jira/1",
        "http://api.atlassian.com/ex/jira/1",
        "https://api.atlassian.com:8443/ex/jira/1",
        "https://api.atlassian.com/ex/confluence/1",
        "https://api.atlassian.com/ex/jira/",
        "https://api.atlassian.com/ex/jira/../../admin",
        "https://api.atlassian.com/ex/jira/1/rest",
        "https://api.atlassian.com/ex/jira/1?x=2",
        "https://api.atlassian.com/ex/jira/1#x",
        "not an address",
    ] {
        check(&key, "/app/apiBaseUrl", json!(base), Refusal::ApiBase);
    }
}

#[test]
fn times_by_our_own_clock() {
    let key = key();
    let token = sign(&key, &claims());
    #[track_caller]
    fn check(key: &Key, token: &str, seconds: i64, expected: Option<Refusal>) {
        let at = now().checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap();
        assert_eq!(judge(key, token, at).err(), expected, "{seconds} s");
    }
    check(&key, &token, 0, None);
    check(&key, &token, 24, None);
    check(&key, &token, 39, None);
    check(&key, &token, 40, Some(Refusal::Expired));
    check(&key, &token, 100_000, Some(Refusal::Expired));
    check(&key, &token, -15, None);
    check(&key, &token, -16, Some(Refusal::Early));
}

#[test]
fn signatures_and_headers_that_are_refused() {
    let (ours, foreign) = (key(), key());
    #[track_caller]
    fn check(key: &Key, token: &str, expected: &[Refusal]) {
        let found = judge(key, token, now()).unwrap_err();
        assert!(expected.contains(&found), "{found:?} for {token}");
    }
    let good = sign(&ours, &claims());
    let mut parts = good.split('.');
    let (header, payload, signature) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());

    // Signed by somebody else, or changed afterwards.
    check(&ours, &sign(&foreign, &claims()), &[Refusal::Signature]);
    let changed = encode(&with("/principal", json!("another")));
    check(&ours, &format!("{header}.{changed}.{signature}"), &[Refusal::Signature]);
    let tail: String = signature.chars().rev().collect();
    check(&ours, &format!("{header}.{payload}.{tail}"), &[Refusal::Signature, Refusal::Malformed]);
    check(&ours, &format!("{header}.{payload}."), &[Refusal::Signature]);

    // The public key as a shared secret; no signature at all; other families.
    let secret = EncodingKey::from_secret(ours.public_pem.as_bytes());
    let mut hmac = Header::new(Algorithm::HS256);
    hmac.kid = Some("forge/invocation-token/1".to_owned());
    check(&ours, &jsonwebtoken::encode(&hmac, &claims(), &secret).unwrap(), &[Refusal::Algorithm]);
    for algorithm in ["none", "None", "nOnE", "HS256", "PS256", "ES256", "EdDSA", "RS512", "rs256"] {
        let header = encode(&json!({"alg": algorithm, "typ": "JWT", "kid": "forge/invocation-token/1"}));
        check(&ours, &format!("{header}.{payload}.{signature}"), &[Refusal::Algorithm]);
        check(&ours, &format!("{header}.{payload}."), &[Refusal::Algorithm]);
    }
    // Even past the header's look, the verification itself takes RS256 only.
    let hmac_token = jsonwebtoken::encode(&hmac, &claims(), &secret).unwrap();
    assert_eq!(verify(&hmac_token, &ours.verifies, &rules(), now()), Err(Refusal::Algorithm));

    // Key ids that are missing, climb, or are addresses.
    for kid in [
        json!(null),
        json!(""),
        json!("../../etc/passwd"),
        json!("a/../b"),
        json!("/a"),
        json!("a/"),
        json!("a//b"),
        json!("https://evil.example/key"),
        json!("a b"),
        json!("a\u{0}b"),
        json!("a%2fb"),
        json!("x".repeat(129)),
        json!("a/b/c/d/e"),
        json!("."),
        json!("a\\b"),
    ] {
        let header = encode(&json!({"alg": "RS256", "typ": "JWT", "kid": kid}));
        check(&ours, &format!("{header}.{payload}.{signature}"), &[Refusal::KeyId]);
    }
    // Keys and addresses that the header brings along are not looked at; critical extensions are not understood.
    let brought =
        encode(&json!({"alg": "RS256", "kid": "k", "jku": "https://evil.example/", "x5u": "https://evil.example/"}));
    check(&ours, &format!("{brought}.{payload}.{signature}"), &[Refusal::Signature]);
    let critical = encode(&json!({"alg": "RS256", "kid": "k", "crit": ["b64"], "b64": false}));
    check(&ours, &format!("{critical}.{payload}.{signature}"), &[Refusal::Malformed]);

    for garbage in ["", "a", "a.b", "a.b.c", "..", "a.b.c.d", "{}.{}.{}", "é.é.é"] {
        check(&ours, garbage, &[Refusal::Malformed]);
    }
}

#[test]
fn authorization_headers() {
    #[track_caller]
    fn check(header: Option<&str>, expected: Result<&str, Refusal>) {
        assert_eq!(bearer(header), expected);
    }
    check(Some("Bearer abc"), Ok("abc"));
    check(Some("bearer abc"), Ok("abc"));
    check(None, Err(Refusal::Missing));
    check(Some("abc"), Err(Refusal::Malformed));
    check(Some("Basic abc"), Err(Refusal::Malformed));
    check(Some("Bearer "), Err(Refusal::Malformed));
    let long = format!("Bearer {}", "x".repeat(TOKEN_BYTES + 1));
    check(Some(&long), Err(Refusal::Malformed));
}

proptest::proptest! {
    #[test]
    fn no_text_passes_or_panics(token in "\\PC{0,200}") {
        proptest::prop_assert!(key_id(&token).is_err());
    }
}
