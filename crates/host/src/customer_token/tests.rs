//! Tokens of customers' sites that are taken, and each reason for which one is refused; keys that are taken, and those that are not.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};

use super::*;

const AUDIENCE: &str = "https://steward.example/portal/01900000-0000-7000-8000-000000000000/sign-in";
const SECRET: &str = "stwk_01900000000070008000000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const KID: &str = "0193a6f2-7c00-7a10-b3d4-9e8f7a6b5c41";

fn pem(kind: &str, der: &[u8]) -> String {
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", STANDARD.encode(der))
}

/// A pair: what signs, and the public half as PEM and JWK.
struct Pair {
    signs: EncodingKey,
    pem: String,
    jwk: Value,
}

fn rsa_pair(size: KeySize) -> Pair {
    let pair = KeyPair::generate(size).unwrap();
    let der = AsDer::<Pkcs8V1Der>::as_der(&pair).unwrap();
    let public = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let spki = AsDer::<PublicKeyX509Der>::as_der(pair.public_key()).unwrap();
    let (n, e) = (URL_SAFE_NO_PAD.encode(&public.n), URL_SAFE_NO_PAD.encode(&public.e));
    Pair {
        signs: EncodingKey::from_rsa_pem(pem("PRIVATE KEY", der.as_ref()).as_bytes()).unwrap(),
        pem: pem("PUBLIC KEY", spki.as_ref()),
        jwk: json!({"kty": "RSA", "n": n, "e": e, "kid": "site-1", "use": "sig", "alg": "RS256"}),
    }
}

fn ec_pair() -> Pair {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let der = pair.to_pkcs8v1().unwrap();
    let point = pair.public_key().as_ref();
    let spki = AsDer::<PublicKeyX509Der>::as_der(pair.public_key()).unwrap();
    let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(point.get(range).unwrap());
    Pair {
        signs: EncodingKey::from_ec_pem(pem("PRIVATE KEY", der.as_ref()).as_bytes()).unwrap(),
        pem: pem("PUBLIC KEY", spki.as_ref()),
        jwk: json!({"kty": "EC", "crv": "P-256", "x": part(1..33), "y": part(33..65)}),
    }
}

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn claims() -> Value {
    let at = now().as_second();
    json!({"aud": AUDIENCE, "iat": at, "exp": at + 120, "email": "ana@acme.example", "name": "Ana", "plan": [1]})
}

/// The claims with one of them set, or taken away by `null`.
fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    let object = claims.as_object_mut().unwrap();
    if value.is_null() {
        object.remove(name);
    } else {
        object.insert(name.to_owned(), value);
    }
    claims
}

fn signed(algorithm: jsonwebtoken::Algorithm, by: &EncodingKey, claims: &Value) -> String {
    let mut header = Header::new(algorithm);
    header.kid = Some(KID.to_owned());
    jsonwebtoken::encode(&header, claims, by).unwrap()
}

fn by_secret(claims: &Value) -> String {
    signed(jsonwebtoken::Algorithm::HS256, &EncodingKey::from_secret(SECRET.as_bytes()), claims)
}

fn judge(token: &str, key: &CustomerKey) -> Result<String, Refusal> {
    key_id(token)?;
    verify(token, key, AUDIENCE, now()).map(|email| email.peek().to_owned())
}

/// The token with another header.
fn reheaded(token: &str, header: &Value) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
}

#[test]
fn each_algorithm_is_taken_by_its_own_key() {
    let secret = CustomerKey::secret(SECRET);
    assert_eq!(judge(&by_secret(&claims()), &secret), Ok("ana@acme.example".to_owned()));
    for (pair, algorithm) in
        [(rsa_pair(KeySize::Rsa2048), jsonwebtoken::Algorithm::RS256), (ec_pair(), jsonwebtoken::Algorithm::ES256)]
    {
        let token = signed(algorithm, &pair.signs, &claims());
        for pasted in [
            pair.pem.clone(),
            format!("\r\n{}\r\n", pair.pem),
            pair.jwk.to_string(),
            json!({"keys": [pair.jwk]}).to_string(),
        ] {
            let (key, _) = CustomerKey::pasted(&pasted).unwrap();
            assert_eq!(judge(&token, &key), Ok("ana@acme.example".to_owned()), "{pasted}");
            // As it is sealed and opened again.
            let again = CustomerKey::of(&key.text()).unwrap();
            assert_eq!(judge(&token, &again), Ok("ana@acme.example".to_owned()), "{pasted}");
            assert_eq!(judge(&by_secret(&claims()), &key), Err(Refusal::Algorithm));
        }
        assert_eq!(judge(&token, &secret), Err(Refusal::Algorithm));
    }
    assert!(judge(&by_secret(&claims()), &CustomerKey::of(&secret.text()).unwrap()).is_ok());
    let other = CustomerKey::pasted(&rsa_pair(KeySize::Rsa2048).pem).unwrap().0;
    let token = signed(jsonwebtoken::Algorithm::RS256, &rsa_pair(KeySize::Rsa2048).signs, &claims());
    assert_eq!(judge(&token, &other), Err(Refusal::Signature));
}

#[test]
fn claims_that_are_taken() {
    #[track_caller]
    fn check(claims: &Value, expected: &str) {
        assert_eq!(judge(&by_secret(claims), &CustomerKey::secret(SECRET)).as_deref(), Ok(expected), "{claims}");
    }
    let at = now().as_second();
    check(&with("aud", json!([AUDIENCE])), "ana@acme.example");
    check(&with("email_verified", json!(true)), "ana@acme.example");
    check(&with("name", Value::Null), "ana@acme.example");
    check(&with("sub", json!("user-17")), "ana@acme.example");
    check(&with("sub", json!(17)), "ana@acme.example");
    // The case is the site's; whose it is, Jira says.
    check(&with("email", json!("Ana@ACME.example")), "Ana@ACME.example");
    check(&with("exp", json!(at + 300)), "ana@acme.example");
    check(&with("nbf", json!(at + 30)), "ana@acme.example");
    let mut claims = with("iat", json!(at - 150));
    claims["exp"] = json!(at - 29);
    check(&claims, "ana@acme.example");
    let mut claims = with("iat", json!(at + 30));
    claims["exp"] = json!(at + 90);
    check(&claims, "ana@acme.example");
    let mut claims = with("email", Value::Null);
    claims["sub"] = json!("bo@acme.example");
    check(&claims, "bo@acme.example");
}

#[test]
fn claims_that_are_refused() {
    #[track_caller]
    fn check(claims: &Value, expected: Refusal) {
        assert_eq!(judge(&by_secret(claims), &CustomerKey::secret(SECRET)), Err(expected), "{claims}");
    }
    let at = now().as_second();
    check(&with("aud", Value::Null), Refusal::Claims);
    check(&with("aud", json!("https://steward.example/")), Refusal::Audience);
    check(&with("aud", json!(format!("{AUDIENCE}/"))), Refusal::Audience);
    check(&with("aud", json!(AUDIENCE.replace("0000000000", "0000000001"))), Refusal::Audience);
    check(&with("aud", json!([AUDIENCE, "another"])), Refusal::Audience);
    check(&with("aud", json!([])), Refusal::Audience);
    check(&with("exp", Value::Null), Refusal::Claims);
    check(&with("iat", Value::Null), Refusal::Claims);
    check(&with("exp", json!("soon")), Refusal::Claims);
    check(&with("exp", json!(at + 301)), Refusal::Life);
    check(&with("exp", json!(at)), Refusal::Life);
    check(&with("exp", json!(at - 1)), Refusal::Life);
    check(&with("iat", json!(i64::MIN)), Refusal::Life);
    check(&with("nbf", json!(at + 31)), Refusal::Early);
    let mut late = with("iat", json!(at - 150));
    late["exp"] = json!(at - 30);
    check(&late, Refusal::Expired);
    let mut early = with("iat", json!(at + 31));
    early["exp"] = json!(at + 90);
    check(&early, Refusal::Early);
    check(&with("email", Value::Null), Refusal::Address);
    check(&with("email", json!("ana")), Refusal::Address);
    check(&with("email", json!("@acme.example")), Refusal::Address);
    check(&with("email", json!("ana@")), Refusal::Address);
    check(&with("email", json!("ana @acme.example")), Refusal::Address);
    check(&with("email", json!("ana@acme.example\u{0}")), Refusal::Address);
    check(&with("email", json!(format!("{}@acme.example", "a".repeat(250)))), Refusal::Address);
    check(&with("email", json!(["ana@acme.example"])), Refusal::Claims);
    for unverified in [json!(false), json!("false"), json!("true"), json!(1)] {
        check(&with("email_verified", unverified), Refusal::Address);
    }
}

#[test]
fn tokens_that_are_refused() {
    let secret = CustomerKey::secret(SECRET);
    #[track_caller]
    fn check(token: &str, key: &CustomerKey, expected: Refusal) {
        assert_eq!(judge(token, key), Err(expected), "{token}");
    }
    let good = by_secret(&claims());
    check("", &secret, Refusal::Malformed);
    check("a.b.c", &secret, Refusal::Malformed);
    check(&"a".repeat(TOKEN_BYTES + 1), &secret, Refusal::Malformed);
    // Changed, cut, signed by nobody, by somebody else.
    let (signed_part, _) = good.rsplit_once('.').unwrap();
    check(&format!("{signed_part}."), &secret, Refusal::Signature);
    check(signed_part, &secret, Refusal::Malformed);
    let other = by_secret(&with("email", json!("bo@acme.example")));
    let (_, signature) = other.rsplit_once('.').unwrap();
    check(&format!("{signed_part}.{signature}"), &secret, Refusal::Signature);
    check(&good, &CustomerKey::secret("stwk_another"), Refusal::Signature);
    check(&good, &CustomerKey::secret(""), Refusal::Signature);
    // An algorithm that is not the key's, whatever the token calls it.
    for algorithm in ["none", "None", "NONE", "HS384", "HS512", "RS256", "ES256", "PS256", "RS1", ""] {
        check(
            &reheaded(&good, &json!({"alg": algorithm, "kid": KID})),
            &secret,
            if algorithm == "RS1" || algorithm.is_empty() || algorithm.eq_ignore_ascii_case("none") {
                judged_header(algorithm)
            } else {
                Refusal::Algorithm
            },
        );
    }
    // A public key as a secret, in each form in which it lies about.
    let pair = rsa_pair(KeySize::Rsa2048);
    let (key, _) = CustomerKey::pasted(&pair.pem).unwrap();
    for form in
        [pair.pem.as_bytes(), pair.pem.trim().as_bytes(), pair.jwk.to_string().as_bytes(), &key.material_for_tests()]
    {
        let forged = signed(jsonwebtoken::Algorithm::HS256, &EncodingKey::from_secret(form), &claims());
        check(&forged, &key, Refusal::Algorithm);
    }
    // Key ids that lead elsewhere, or nowhere; other ways to name a key are not looked at.
    for kid in ["", "../key", "a/b", "https://x.example/k", "a b", "..", "-", "ключ", &"k".repeat(KID_BYTES + 1)] {
        check(&reheaded(&good, &json!({"alg": "HS256", "kid": kid})), &secret, Refusal::KeyId);
    }
    check(&reheaded(&good, &json!({"alg": "HS256"})), &secret, Refusal::KeyId);
    let led_astray = json!({"alg": "HS256", "kid": KID, "jku": "https://x.example/", "x5u": "https://x.example/"});
    check(&reheaded(&good, &led_astray), &secret, Refusal::Signature);
    check(
        &reheaded(&good, &json!({"alg": "HS256", "kid": KID, "crit": ["b64"], "b64": false})),
        &secret,
        Refusal::Malformed,
    );
}

/// A name of no algorithm that the library knows fails where the header is read.
fn judged_header(_: &str) -> Refusal {
    Refusal::Claims
}

#[test]
fn keys_that_are_refused() {
    #[track_caller]
    fn check(pasted: &str, expected: &str) {
        let fault = CustomerKey::pasted(pasted).err().unwrap_or_else(|| unreachable!("{pasted} was taken"));
        let field = fault.fields().first().unwrap();
        assert_eq!((field.pointer.as_str(), field.code), ("/publicKey", expected), "{pasted}");
        assert!(!field.detail.contains(pasted) || pasted.is_empty());
    }
    let (rsa, ec) = (rsa_pair(KeySize::Rsa2048), ec_pair());
    let changed = |jwk: &Value, name: &str, value: Value| {
        let mut jwk = jwk.clone();
        jwk[name] = value;
        jwk.to_string()
    };
    check("", "format");
    check("ssh-rsa AAAAB3NzaC1yc2E", "format");
    check("{", "format");
    check("{}", "unsupported");
    check(&pem("PUBLIC KEY", b"nothing"), "unsupported");
    check(&rsa.pem.replace("PUBLIC", "PRIVATE"), "private_key");
    check(&pem("EC PRIVATE KEY", b"x"), "private_key");
    check(&changed(&rsa.jwk, "d", json!("AQAB")), "private_key");
    check(&json!({"keys": [{"kty": "EC", "d": "x"}]}).to_string(), "private_key");
    check(&pem("CERTIFICATE", b"x"), "certificate");
    check(&json!({"keys": [rsa.jwk, ec.jwk]}).to_string(), "too_many");
    check(&json!({"keys": []}).to_string(), "format");
    check(&json!({"kty": "oct", "k": "c2VjcmV0"}).to_string(), "secret");
    check(&changed(&rsa.jwk, "use", json!("enc")), "unsupported");
    check(&changed(&rsa.jwk, "alg", json!("RS512")), "unsupported");
    check(&changed(&ec.jwk, "alg", json!("RS256")), "unsupported");
    check(&changed(&rsa.jwk, "kid", json!("a/../b")), "key_id");
    // An exponent of 1 signs whatever one likes; a short modulus is broken in an afternoon.
    check(&changed(&rsa.jwk, "e", json!("AQ")), "too_weak");
    check(&changed(&rsa.jwk, "e", json!("Ag")), "too_weak");
    let n = URL_SAFE_NO_PAD.decode(rsa.jwk["n"].as_str().unwrap()).unwrap();
    let mut short = n.get(..128).unwrap().to_vec();
    *short.last_mut().unwrap() |= 1;
    check(&changed(&rsa.jwk, "n", json!(URL_SAFE_NO_PAD.encode(short))), "too_weak");
    check(&changed(&ec.jwk, "crv", json!("P-384")), "unsupported");
    check(&changed(&ec.jwk, "y", ec.jwk["x"].clone()), "format");
    check(&changed(&ec.jwk, "x", json!("AA")), "format");
    let other = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    let spki = AsDer::<PublicKeyX509Der>::as_der(other.public_key()).unwrap();
    check(&pem("PUBLIC KEY", spki.as_ref()), "unsupported");
    check(&format!("{{\"kty\":\"RSA\",\"n\":\"{}\"}}", "A".repeat(20_000)), "too_long");
}

#[test]
fn a_key_keeps_the_id_that_its_jwk_gives_it() {
    let (rsa, ec) = (rsa_pair(KeySize::Rsa2048), ec_pair());
    let kid = |pasted: &str| CustomerKey::pasted(pasted).unwrap().1;
    assert_eq!(kid(&rsa.jwk.to_string()).as_deref(), Some("site-1"));
    assert_eq!(kid(&ec.jwk.to_string()), None);
    assert_eq!(kid(&rsa.pem), None);
}

#[test]
fn a_token_is_known_again_by_what_it_signs() {
    let token = by_secret(&claims());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    assert_eq!(hash(&token), hash(&format!("{signed}.{}", signature.replace('A', "B"))));
    assert_ne!(hash(&token), hash(&by_secret(&with("iat", json!(now().as_second() - 1)))));
}
