//! Connect's tokens beside Atlassian's own library, npm `atlassian-jwt`: what it signs we believe, what we sign it
//! believes, by a script in `tests/contract/atlassianjwt`.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use host::connect::{qsh, token};
use jiff::Timestamp;
use jsonwebtoken::DecodingKey;
use kernel::AccountId;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

const SECRET: &str = "0123456789abcdef0123456789abcdef-acme";
const SITE: &str = "6f2b1c7e-0f0e-3a53-9d6b-2f6f4b1f3c11";
const APP: &str = "com.steward.app";
const KID: &str = "2f1d7a0c-6f0d-4b8e-9a58-6d1c5c1f0a77";
const PERSON: &str = "5b10ac8d82e05b22cc7d4ef5";

/// The folder of the script with the library in it, or nothing where there is no Node.
fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/contract/atlassianjwt");
    if Command::new("node").arg("--version").stdout(Stdio::null()).status().is_err() {
        assert!(std::env::var_os("CI").is_none(), "node is missing");
        eprintln!("SKIPPED: node is not installed");
        return None;
    }
    if !folder.join("node_modules/atlassian-jwt/package.json").exists() {
        let npm = ["ci", "--no-audit", "--no-fund", "--ignore-scripts"];
        assert!(Command::new("npm").args(npm).current_dir(&folder).status().unwrap().success(), "npm ci failed");
    }
    Some(folder)
}

/// What requests may look like: method, path, query.
fn requests() -> Vec<(&'static str, String, String)> {
    let texts = ["", "a", "A", "z", "1,2", "a b", "é€", "%", "+", "&=", "!'()*", "~-._", "/?#", "日本", "😀"];
    let paths = ["/", "/rest/api/3/search", "/a/", "/a&b=c", "/a%20b", "/%2f/..", "/A(b)"];
    let mut requests = vec![("GET", "/".to_owned(), String::new()), ("POST", "/installed".to_owned(), String::new())];
    for (n, name) in texts.iter().enumerate() {
        for (m, value) in texts.iter().enumerate() {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair(name, value).append_pair("jwt", "x").append_pair(texts[(n + m) % texts.len()], "2");
            query.append_pair(name, texts[(m + 7) % texts.len()]);
            let method = ["GET", "put", "DELETE"][m % 3];
            requests.push((method, paths[(n + m) % paths.len()].to_owned(), query.finish()));
        }
    }
    requests
}

#[test]
fn atlassians_own_library_and_ours_believe_each_other() {
    let Some(folder) = folder() else { return };
    let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
    let ours = Url::parse("https://steward.example/").unwrap();
    let requests = requests();
    let hashes: Vec<String> = requests.iter().map(|(method, path, query)| qsh::of(method, path, query)).collect();
    let person = AccountId::new(PERSON.to_owned()).unwrap();
    let mut tokens: Vec<String> =
        hashes.iter().map(|hash| token::sign(SECRET.as_bytes(), APP, SITE, hash, now).unwrap()).collect();
    tokens.push(token::assertion(SECRET.as_bytes(), "c1", &person, "https://acme.atlassian.net", now).unwrap());

    let at = now.as_second();
    let asked = json!({
        "secret": SECRET,
        "claims": {"iss": SITE, "iat": at, "exp": at + 180, "sub": PERSON},
        "requests": requests.iter().map(|(method, path, query)| {
            let mark = if query.is_empty() { "" } else { "?" };
            json!({"method": method, "url": format!("{path}{mark}{query}")})
        }).collect::<Vec<_>>(),
        "install": {"method": "POST", "url": "/connect/installed", "kid": KID, "audience": "https://steward.example"},
        "tokens": tokens,
    });
    let mut script = Command::new("node");
    let mut script =
        script.arg("both.mjs").current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    script.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
    let answer = script.wait_with_output().unwrap();
    assert!(answer.status.success());
    let answer: Value = serde_json::from_slice(&answer.stdout).unwrap();

    for (n, request) in requests.iter().enumerate() {
        assert_eq!(answer["hashes"][n], hashes[n], "{request:?}");
        let theirs = answer["signed"][n].as_str().unwrap();
        assert_eq!(token::claimed(theirs), Ok(SITE.to_owned()));
        let caller = token::requested(theirs, SECRET.as_bytes(), SITE, &hashes[n], now).unwrap();
        assert_eq!(caller.person.unwrap().as_str(), PERSON);
        let seen = json!({"iss": APP, "aud": [SITE], "iat": at, "exp": at + 180, "qsh": hashes[n]});
        assert_eq!(answer["verified"][n], seen);
    }
    let assertion = &answer["verified"][requests.len()];
    assert_eq!(assertion["sub"], format!("urn:atlassian:connect:useraccountid:{PERSON}"));
    assert_eq!(assertion["exp"], at + 60);

    let install = answer["install"].as_str().unwrap();
    assert_eq!(token::key_id(install), Ok(KID.to_owned()));
    let key = DecodingKey::from_rsa_pem(answer["publicKey"].as_str().unwrap().as_bytes()).unwrap();
    let hash = qsh::of("POST", "/connect/installed", "");
    assert_eq!(token::installed(install, &key, SITE, &ours, &hash, now), Ok(now));
}
