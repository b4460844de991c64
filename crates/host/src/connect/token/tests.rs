//! Tokens that are accepted, and each reason for which one is refused.

#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};

use super::*;
use crate::forge::token::tests::key;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef-acme";
const SITE: &str = "6f2b1c7e-0f0e-3a53-9d6b-2f6f4b1f3c11";
const APP: &str = "com.steward.app";
const KID: &str = "2f1d7a0c-6f0d-4b8e-9a58-6d1c5c1f0a77";

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn ours() -> Url {
    Url::parse("https://steward.example/").unwrap()
}

fn page() -> String {
    qsh::of("GET", "/connect/panel", "issue=HELP-7")
}

/// The claims of a good token for `hash`, with `changed` laid over them; `null` takes a claim away.
fn claims(hash: &str, changed: &Value) -> Value {
    let at = now().as_second();
    let mut claims = json!({
        "iss": SITE, "iat": at, "exp": at + 180, "qsh": hash, "sub": "5b10ac8d82e05b22cc7d4ef5",
        "aud": ["https://steward.example"],
        "context": {"jira": {"issue": {"id": 10001, "key": "HELP-7"}, "project": {"id": "10000"}}, "new": [1]},
        "future": true,
    });
    let object = claims.as_object_mut().unwrap();
    object.extend(changed.as_object().unwrap().clone());
    object.retain(|_, value| !value.is_null());
    claims
}

fn signed(algorithm: Algorithm, claims: &Value, key: &EncodingKey) -> String {
    let mut header = Header::new(algorithm);
    header.kid = Some(KID.to_owned());
    jsonwebtoken::encode(&header, claims, key).unwrap()
}

fn by_secret(claims: &Value) -> String {
    signed(Algorithm::HS256, claims, &EncodingKey::from_secret(SECRET))
}

/// As a page load is judged: whose is it, and is it so.
fn judge(token: &str) -> Result<Caller, Refusal> {
    let site = claimed(token)?;
    if site != SITE {
        return Err(Refusal::Issuer);
    }
    requested(token, SECRET, &site, &page(), now())
}

#[test]
fn a_page_is_understood() {
    let caller = judge(&by_secret(&claims(&page(), &json!({})))).unwrap();
    assert_eq!(caller.person.unwrap().as_str(), "5b10ac8d82e05b22cc7d4ef5");
    assert_eq!(caller.issue.unwrap().as_str(), "10001");
    assert_eq!(caller.issue_key.unwrap().as_str(), "HELP-7");
    assert_eq!(caller.project.unwrap().as_str(), "10000");
    let nobody = judge(&by_secret(&claims(&page(), &json!({"sub": null, "context": null, "aud": null})))).unwrap();
    assert_eq!(nobody, Caller { person: None, issue: None, issue_key: None, project: None });
}

#[test]
fn pages_that_are_refused() {
    #[track_caller]
    fn check(changed: &Value, expected: Refusal) {
        assert_eq!(judge(&by_secret(&claims(&page(), changed))), Err(expected));
    }
    let at = now().as_second();
    check(&json!({"iss": "another-site"}), Refusal::Issuer);
    check(&json!({"iss": null}), Refusal::Claims);
    check(&json!({"iss": ""}), Refusal::Claims);
    check(&json!({"iss": [SITE, "another-site"]}), Refusal::Claims);
    check(&json!({"iss": "x".repeat(257)}), Refusal::Claims);
    check(&json!({"exp": null}), Refusal::Claims);
    check(&json!({"iat": null}), Refusal::Claims);
    check(&json!({"qsh": null}), Refusal::Claims);
    check(&json!({"qsh": 7}), Refusal::Claims);
    check(&json!({"sub": "not an account"}), Refusal::Claims);
    check(&json!({"exp": at, "iat": at}), Refusal::Claims);
    check(&json!({"exp": at - 3, "iat": at - 60}), Refusal::Expired);
    check(&json!({"iat": at + 4}), Refusal::Early);
    check(&json!({"nbf": at + 4}), Refusal::Early);
    check(&json!({"qsh": qsh::CONTEXT}), Refusal::Request);
    check(&json!({"qsh": qsh::of("GET", "/connect/panel", "issue=HELP-8")}), Refusal::Request);
    check(&json!({"qsh": qsh::of("POST", "/connect/panel", "issue=HELP-7")}), Refusal::Request);
    check(&json!({"qsh": page().to_uppercase()}), Refusal::Request);
    check(&json!({"big": "x".repeat(16 * 1024)}), Refusal::Malformed);
}

#[test]
fn clocks_may_be_three_seconds_apart() {
    let at = now().as_second();
    for changed in [json!({"exp": at - 2, "iat": at - 60}), json!({"iat": at + 3}), json!({"nbf": at + 3})] {
        judge(&by_secret(&claims(&page(), &changed))).unwrap();
    }
}

#[test]
fn tokens_of_another_make_are_refused() {
    let (good, key) = (claims(&page(), &json!({})), key());
    let secret = EncodingKey::from_secret(SECRET);
    assert_eq!(judge(&signed(Algorithm::HS384, &good, &secret)), Err(Refusal::Algorithm));
    assert_eq!(judge(&signed(Algorithm::RS256, &good, &key.signs)), Err(Refusal::Algorithm));
    let other = EncodingKey::from_secret(b"another-secret-that-is-long-enough!!");
    assert_eq!(judge(&signed(Algorithm::HS256, &good, &other)), Err(Refusal::Signature));

    let token = by_secret(&good);
    let (head, rest) = token.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    let unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"; // {"alg":"none","typ":"JWT"}
    assert_eq!(judge(&format!("{unsigned}.{body}.")), Err(Refusal::Algorithm));
    assert_eq!(judge(&format!("{unsigned}.{body}.{signature}")), Err(Refusal::Algorithm));
    assert_eq!(judge(&format!("{head}.{body}.")), Err(Refusal::Signature));
    for garbage in ["", "a", "a.b.c", &format!("{head}.{body}"), &format!("{token}.x")] {
        assert_eq!(judge(garbage), Err(Refusal::Malformed), "{garbage}");
    }

    for secret in [&b""[..], b"short", &[b'x'; 129]] {
        assert_eq!(requested(&token, secret, SITE, &page(), now()), Err(Refusal::Secret));
        assert_eq!(sign(secret, APP, SITE, &page(), now()), Err(Refusal::Secret));
    }
}

/// What we signed ourselves, under the same secret, does not come back as a call of the site's.
#[test]
fn our_own_tokens_are_not_the_sites() {
    let call = sign(SECRET, APP, SITE, &page(), now()).unwrap();
    assert_eq!(requested(&call, SECRET, SITE, &page(), now()), Err(Refusal::Issuer));
    let person = AccountId::new("5b10ac8d82e05b22cc7d4ef5".to_owned()).unwrap();
    let ask = assertion(SECRET, "client", &person, "https://acme.atlassian.net", now()).unwrap();
    assert!(requested(&ask, SECRET, SITE, &page(), now()).is_err());
}

#[test]
fn a_context_token_is_for_the_api_only() {
    let token = by_secret(&claims(qsh::CONTEXT, &json!({})));
    assert!(in_context(&token, SECRET, SITE, now()).is_ok());
    assert_eq!(judge(&token), Err(Refusal::Request));
    let of_a_page = by_secret(&claims(&page(), &json!({})));
    assert_eq!(in_context(&of_a_page, SECRET, SITE, now()), Err(Refusal::Request));
    assert_eq!(in_context(&token, SECRET, "another-site", now()), Err(Refusal::Issuer));
}

#[test]
fn installs() {
    let (good, stranger) = (key(), key());
    let hash = qsh::of("POST", "/connect/installed", "");
    let judge = |token: &str| {
        assert_eq!(key_id(token)?, KID);
        installed(token, &good.verifies, SITE, &ours(), &hash, now()).map(drop)
    };
    let check = |changed: Value, expected: Result<(), Refusal>| {
        let token = signed(Algorithm::RS256, &claims(&hash, &changed), &good.signs);
        assert_eq!(judge(&token), expected, "{changed}");
    };
    check(json!({}), Ok(()));
    check(json!({"aud": "https://steward.example/"}), Ok(()));
    check(json!({"aud": ["https://steward.example", "https://other.example"]}), Ok(()));
    check(json!({"aud": ["https://other.example", "https://steward.example"]}), Err(Refusal::Audience));
    check(json!({"aud": "https://steward.example.evil.example"}), Err(Refusal::Audience));
    check(json!({"aud": []}), Err(Refusal::Audience));
    check(json!({"aud": null}), Err(Refusal::Audience));
    check(json!({"iss": "another-site"}), Err(Refusal::Issuer));
    check(json!({"qsh": qsh::CONTEXT}), Err(Refusal::Request));
    check(json!({"qsh": qsh::of("POST", "/connect/uninstalled", "")}), Err(Refusal::Request));
    check(json!({"exp": now().as_second() - 3, "iat": 0}), Err(Refusal::Expired));

    let claims = claims(&hash, &json!({}));
    assert_eq!(judge(&signed(Algorithm::RS256, &claims, &stranger.signs)), Err(Refusal::Signature));
    assert_eq!(judge(&by_secret(&claims)), Err(Refusal::Algorithm));
    // The public key is no secret: whoever signs HS256 with it is not Atlassian.
    let confused = signed(Algorithm::HS256, &claims, &EncodingKey::from_secret(good.public_pem.as_bytes()));
    assert_eq!(judge(&confused), Err(Refusal::Algorithm));
    assert_eq!(installed(&confused, &good.verifies, SITE, &ours(), &hash, now()), Err(Refusal::Algorithm));
}

#[test]
fn ids_of_keys_are_one_plain_segment() {
    let key = key();
    let judge = |kid: Option<&str>| {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = kid.map(str::to_owned);
        key_id(&jsonwebtoken::encode(&header, &claims("", &json!({})), &key.signs).unwrap())
    };
    assert_eq!(judge(Some(KID)).as_deref(), Ok(KID));
    let long = "a".repeat(129);
    for kid in ["", ".", "..", "a/b", "/a", "../a", "a?b", "a#b", "a%2fb", "https://evil.example", "a b", "é", &long] {
        assert_eq!(judge(Some(kid)), Err(Refusal::KeyId), "{kid}");
    }
    assert_eq!(judge(None), Err(Refusal::KeyId));
}

#[test]
fn where_a_token_is_carried() {
    #[track_caller]
    fn check(authorization: Option<&str>, query: &str, expected: Result<&str, Refusal>) {
        assert_eq!(carried(authorization, query).as_deref(), expected.as_ref().copied());
    }
    check(Some("JWT abc"), "", Ok("abc"));
    check(Some("jwt  abc "), "a=1", Ok("abc"));
    check(None, "a=1&jwt=abc", Ok("abc"));
    check(Some("Basic abc"), "jwt=abc", Ok("abc"));
    check(None, "a=1", Err(Refusal::Missing));
    check(Some("JWT"), "", Err(Refusal::Missing));
    check(Some("Bearer abc"), "JWT=abc", Err(Refusal::Missing));
    check(Some("JWT abc"), "jwt=abc", Err(Refusal::Twice));
    check(None, "jwt=abc&%6Awt=def", Err(Refusal::Twice));
}
