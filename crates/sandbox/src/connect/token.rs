//! Connect's tokens: what the site signs, and what apps sign to it. The hash of a request is written by hand, as each
//! implementation of it is; the vectors of Atlassian's libraries hold it.

use aws_lc_rs::digest;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Installation;

/// Lifetime of the tokens that the site signs for one request, in seconds.
const LIFETIME_S: i64 = 180;
/// The same of those that a page asks for.
const CONTEXT_LIFETIME_S: i64 = 900;
/// How far an app's clock may be ahead or behind, in seconds.
const LEEWAY_S: i64 = 30;
/// What stands in the hash's place where a token fits any request.
const CONTEXT: &str = "context-qsh";
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The hash of a request, whose path stands below the base address of whoever is called.
pub(super) fn hash(method: &str, path: &str, query: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, canonical(method, path, query).as_bytes()))
}

fn canonical(method: &str, path: &str, query: &str) -> String {
    let path = format!("/{}", path.trim_start_matches('/')).replace('&', "%26");
    let path = if path.len() > 1 { path.strip_suffix('/').unwrap_or(&path) } else { &path };
    let mut named: std::collections::BTreeMap<String, Vec<String>> = std::collections::BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "jwt") {
        named.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    let encoded = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
    let parts: Vec<String> = named
        .into_iter()
        .map(|(name, mut values)| {
            values.sort();
            let values: Vec<String> = values.iter().map(|value| encoded(value)).collect();
            format!("{}={}", encoded(&name), values.join(","))
        })
        .collect();
    format!("{}&{path}&{}", method.to_ascii_uppercase(), parts.join("&"))
}

/// What the site signs for one request to an app. `context` is what a page shows.
pub(super) fn of_site(
    app: &Installation,
    hash: &str,
    account_id: Option<&str>,
    context: &Value,
    now: Timestamp,
) -> Option<String> {
    signed(app, hash, account_id, context, now, LIFETIME_S)
}

/// What the site gives a page that asks for it.
pub(super) fn of_context(app: &Installation, account_id: &str, context: &Value, now: Timestamp) -> Option<String> {
    signed(app, CONTEXT, Some(account_id), context, now, CONTEXT_LIFETIME_S)
}

fn signed(
    app: &Installation,
    hash: &str,
    account_id: Option<&str>,
    context: &Value,
    now: Timestamp,
    lifetime_s: i64,
) -> Option<String> {
    let mut claims = json!({
        "iss": app.client_key, "iat": now.as_second(), "exp": now.as_second() + lifetime_s, "qsh": hash,
    });
    let object = claims.as_object_mut()?;
    if let Some(account_id) = account_id {
        object.insert("sub".to_owned(), json!(account_id));
    }
    if !context.is_null() {
        object.insert("context".to_owned(), context.clone());
    }
    let key = EncodingKey::from_secret(app.secret().as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).ok()
}

/// Which app a token says it is of. Nothing is proven.
pub(super) fn issuer(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Issuer {
        iss: String,
    }
    jsonwebtoken::dangerous::insecure_decode::<Issuer>(token).ok().map(|decoded| decoded.claims.iss)
}

#[derive(Deserialize)]
struct Claims {
    iat: i64,
    exp: i64,
    qsh: String,
    aud: Option<Value>,
}

/// Whether a token is an app's own, for the request of this hash.
pub(super) fn is_apps(token: &str, secret: &str, app: &Installation, hash: &str, now: Timestamp) -> bool {
    let Some(claims) = verified::<Claims>(token, secret) else { return false };
    let now = now.as_second();
    let for_us = match &claims.aud {
        None => true,
        Some(Value::String(one)) => *one == app.client_key,
        Some(Value::Array(many)) => many.iter().any(|one| *one == app.client_key),
        Some(_) => false,
    };
    for_us && claims.qsh == hash && claims.exp + LEEWAY_S > now && claims.iat <= now + LEEWAY_S
}

/// The claims of a token that is signed with a secret; its times are the caller's to judge, by the site's clock.
pub(super) fn verified<T: serde::de::DeserializeOwned>(token: &str, secret: &str) -> Option<T> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.set_required_spec_claims(&["exp", "iss"]);
    let key = DecodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::decode::<T>(token, &key, &validation).ok().map(|decoded| decoded.claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_as_atlassians_libraries_do() {
        let check = |method: &str, path: &str, query: &str, expected: &str| {
            assert_eq!(hash(method, path, query), expected, "{method} {path}?{query}");
        };
        check("GET", "/test", "param=value", "be16910858a41fd19ea5c1b4e9decca9a784d1024cb00b2158defe2f29dc86dd");
        check("GET", "", "", "c88caad15a1c1a900b8ac08aa9686f4e8184539bea1deda36e2f649430df3239");
        check(
            "get",
            "/path/to/service/",
            "zee_last=param&jwt=x&repeated=parameter+1&first=param&repeated=parameter%202",
            "e52bb281606c3bd9ca16cfe96fe2df78f5d9ffa126f06befd750dfa10fa1a897",
        );
    }
}
