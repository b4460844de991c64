//! Tokens signed by libraries that were not written here, by the very lines that docs/customer-sign-in.md tells: npm `jsonwebtoken` and PyPI `PyJWT`.

use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::EncodingKey;
use serde_json::json;
use tokio::process::Command;

use super::{Joined, SignKey, Visitor};
use crate::world::World;

/// A site's own pair.
pub(super) struct Pair {
    pub(super) signs: EncodingKey,
    pub(super) jwk: String,
}

pub(super) fn ec_pair() -> Pair {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let der = STANDARD.encode(pair.to_pkcs8v1().unwrap());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
    let point = pair.public_key().as_ref();
    let [x, y] = [&point[1..33], &point[33..65]].map(|part| URL_SAFE_NO_PAD.encode(part));
    Pair {
        signs: EncodingKey::from_ec_pem(pem.as_bytes()).unwrap(),
        jwk: json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": "site-1"}).to_string(),
    }
}

/// What stands in the document for the reader's own.
const AUDIENCE: &str = "https://steward.example.com/portal/0193a6f2-7c00-7000-8000-000000000000/sign-in";
const KID: &str = "5f0c1d2e-8a3b-4c5d-9e6f-7a8b9c0d1e2f";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/contract/signing")
}

/// The document's example in a language, with this key's own words in it.
fn example(language: &str, key: &SignKey) -> String {
    let document =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/customer-sign-in.md"));
    let document = document.unwrap();
    let (_, rest) = document.split_once(&format!("```{language}\n")).unwrap();
    let (code, _) = rest.split_once("```").unwrap();
    assert!(code.contains(AUDIENCE) && code.contains(KID), "{code}");
    code.replace(AUDIENCE, &key.audience).replace(KID, &key.kid)
}

async fn node() -> Option<Command> {
    if !folder().join("node_modules/jsonwebtoken/package.json").exists() {
        let mut install = Command::new("npm");
        install.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(folder());
        if !install.status().await.is_ok_and(|installed| installed.success()) {
            return None;
        }
    }
    Some(Command::new("node"))
}

async fn python() -> Option<Command> {
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("python-signing");
    let (python, stamp) = (home.join("bin/python"), home.join("stamp"));
    let pinned = std::fs::read(folder().join("requirements.txt")).unwrap();
    if !std::fs::read(&stamp).is_ok_and(|made| made == pinned) {
        let made = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home).output().await;
        if !made.is_ok_and(|made| made.status.success()) {
            return None;
        }
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r"]);
        let installed = install.arg(folder().join("requirements.txt")).output().await.unwrap();
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
        std::fs::write(&stamp, pinned).unwrap();
    }
    Some(Command::new(python))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_document_tells_a_site_to_do_works() {
    let world = World::unjoined(Vec::new()).await;
    let mut joined = Joined::of(&world).await;
    let key = joined.key("Documented").await;
    let email = world.jira.visitor("customer").unwrap().email;
    let (node, python) = (node().await, python().await);
    for (command, flag, language, call) in [
        (node, "-e", "js", "\nprocess.stdout.write(portalToken(process.argv[1], 'Ana'));\n"),
        (python, "-c", "python", "\nimport sys\n\nsys.stdout.write(portal_token(sys.argv[1], \"Ana\"))\n"),
    ] {
        let Some(mut command) = command else {
            assert!(std::env::var_os("CI").is_none(), "what signs in {language} is missing");
            eprintln!("SKIPPED: node with npm, or python3 with venv, is not installed");
            continue;
        };
        command.arg(flag).arg(example(language, &key) + call).arg(&email);
        let signed = command.env("STEWARD_SECRET", &key.secret).current_dir(folder()).output().await.unwrap();
        assert!(signed.status.success(), "{}", String::from_utf8_lossy(&signed.stderr));
        let token = String::from_utf8(signed.stdout).unwrap();
        // They sign by the machine's clock; the world's stands where it stood.
        let told: serde_json::Value = {
            let claims = token.split('.').nth(1).unwrap();
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
        };
        world.clock.set(jiff::Timestamp::from_second(told["iat"].as_i64().unwrap()).unwrap());
        let mut visitor = Visitor::of(&world);
        visitor.posts(&key, &token, None).await.expect(200);
        assert_eq!(visitor.gets("/api/v1/me").await.expect(200).body["role"], "customer");
    }
    world.program.runner.drain().await.unwrap();
    world.end().await;
}
