//! A root key in a real OpenBao: wraps and their versions, logins and their ends, and what is told when it is not
//! there.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that cannot go on fails"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kernel::{Clock, ManualClock, SystemClock};
use reqwest::Method;
use serde_json::json;
use vault::{RootKey, RootKeyFault};

use super::{Transit, probe};
use crate::config::KeyServiceConfig;
use crate::doctor::Finding;
use openbao::{Bao, Wire};

#[path = "../../tests/openbao/mod.rs"]
mod openbao;

fn service(lines: &str) -> Transit {
    on_clock(lines, Arc::new(SystemClock))
}

fn on_clock(lines: &str, clock: Arc<dyn Clock>) -> Transit {
    let config: KeyServiceConfig = toml::from_str(lines).unwrap();
    Transit::new(&config, clock).unwrap()
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(SystemClock.now()))
}

fn past_the_login_pause(clock: &ManualClock) {
    clock.advance(Duration::from_secs(11));
}

async fn works(service: &Transit) -> Result<(), String> {
    let wrapped = service.wrap(b"here", &[9; 32]).await.map_err(|fault| fault.to_string())?;
    let unwrapped = service.unwrap(b"here", &wrapped).await.map_err(|fault| fault.to_string())?;
    assert_eq!(unwrapped.as_slice(), [9; 32]);
    Ok(())
}

#[tokio::test]
async fn a_wrap_is_bound_to_its_place_and_names_its_version() {
    let Some(bao) = Bao::here() else { return };
    let key = bao.key().await;
    let service = service(&key.toml(None));
    assert_eq!(service.name(), format!("transit:transit/{}", key.name));
    let old = service.wrap(b"here", &[7; 32]).await.unwrap();
    assert_eq!(service.unwrap(b"here", &old).await.unwrap().as_slice(), [7; 32]);
    assert!(matches!(service.unwrap(b"them", &old).await, Err(RootKeyFault::Refused)));
    let mut bent = old.clone();
    let place = bent.len() - 3;
    bent[place] = if bent[place] == b'A' { b'B' } else { b'A' };
    assert!(service.unwrap(b"here", &bent).await.is_err());

    assert_eq!(service.newest().await.unwrap(), b"vault:v1:");
    key.rotate().await;
    assert_eq!(service.newest().await.unwrap(), b"vault:v2:");
    assert!(!old.starts_with(b"vault:v2:"));
    assert_eq!(service.unwrap(b"here", &old).await.unwrap().as_slice(), [7; 32]);
    let new = service.wrap(b"here", &[7; 32]).await.unwrap();
    key.shut_before(2).await;
    assert_eq!(service.unwrap(b"here", &new).await.unwrap().as_slice(), [7; 32]);
    let told = service.unwrap(b"here", &old).await.unwrap_err();
    assert!(matches!(&told, RootKeyFault::Withheld(why) if why.contains("min_decryption_version")), "{told}");
}

#[tokio::test]
async fn logins_that_end_are_made_anew() {
    let Some(bao) = Bao::here() else { return };
    let key = bao.key().await;
    let clock = clock();
    let service = on_clock(&key.toml(None), clock.clone());
    works(&service).await.unwrap();
    key.revoke_logins().await;
    // Not at once again and again: a role whose policy is wrong would log in with every call.
    assert!(works(&service).await.unwrap_err().contains("permits no encrypt"));
    past_the_login_pause(&clock);
    works(&service).await.unwrap();
}

#[tokio::test]
async fn a_token_in_a_file_is_renewed_and_read_anew() {
    let Some(bao) = Bao::here() else { return };
    let key = bao.key().await;
    let first = key.token("1h").await;
    let file = key.write("token", &first);
    let clock = clock();
    let lines = format!("address = \"{}\"\nkey = \"{}\"\ntoken_file = {file:?}\n", bao.plain(), key.name);
    let service = on_clock(&lines, clock.clone());
    works(&service).await.unwrap();

    let renewed_at = async |token: &str| {
        let told = bao.ask(Method::POST, "auth/token/lookup", json!({"token": token})).await;
        told["data"]["last_renewal_time"].as_i64()
    };
    service.renew_if_due().await;
    assert_eq!(renewed_at(&first).await, None);
    clock.advance(Duration::from_secs(31 * 60));
    service.renew_if_due().await;
    assert!(renewed_at(&first).await.is_some());
    works(&service).await.unwrap();

    bao.ask(Method::POST, "auth/token/revoke", json!({"token": first})).await;
    past_the_login_pause(&clock);
    let told = works(&service).await.unwrap_err();
    assert!(told.contains("token_file") && !told.contains(&first), "{told}");
    key.write("token", &key.token("1h").await);
    past_the_login_pause(&clock);
    works(&service).await.unwrap();
}

#[tokio::test]
async fn a_service_that_is_away_is_told_apart_from_one_that_refuses() {
    let Some(bao) = Bao::here() else { return };
    let key = bao.key().await;
    let wire = Wire::lay(&bao, |_| {}).await;
    let service = service(&key.toml(Some(&wire)));
    works(&service).await.unwrap();
    assert!(wire.pieces.load(Ordering::SeqCst) >= 3);
    wire.cut();
    let told = service.wrap(b"here", &[7; 32]).await.unwrap_err();
    assert!(matches!(&told, RootKeyFault::Unavailable(why) if why.contains("does not answer")), "{told}");
    wire.mend();
    works(&service).await.unwrap();
}

fn texts(findings: Vec<Finding>) -> String {
    let text = |finding| match finding {
        Finding::Good(text) => format!("ok {text}\n"),
        Finding::Warning(text) => format!("warning {text}\n"),
        Finding::Bad(text) => format!("wrong {text}\n"),
    };
    findings.into_iter().map(text).collect()
}

#[tokio::test]
async fn doctor_proves_the_service_or_says_how_to_mend_it() {
    let Some(bao) = Bao::here() else { return };
    let key = bao.key().await;
    let lines = key.toml(None);
    let told = async |lines: &str| texts(probe::examine(&service(lines)).await);
    #[track_caller]
    fn check(told: &str, expected: &str) {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    check(&told(&lines).await, "ok root key: transit:transit/");
    // What the policy lacks is told in the words that mend it.
    let needed = format!("path \"transit/decrypt/{}\" {{ capabilities = [\"update\"] }}", key.name);
    for operations in [["encrypt"], ["decrypt"]] {
        key.permit(&operations).await;
        let told = told(&lines).await;
        check(&told, "wrong root key: ");
        check(&told, &needed);
    }
    key.permit(&["encrypt", "decrypt"]).await;
    let missing = told(&lines.replace(&key.name, "not-there")).await;
    check(&missing, "If the key is not there yet: `bao write -f transit/keys/not-there`");
    check(&told(&lines.replace("role_id = \"", "role_id = \"x")).await, "refuses the login of this server's role");
    let secret = key.folder.path().join("secret-id");
    let missing = lines.replace(secret.to_str().unwrap(), "/nowhere/secret-id");
    check(&told(&missing).await, "root_key_service.secret_id_file: /nowhere/secret-id: it cannot be read");
    // Its certificate is nobody's but its own authority's.
    let without = lines.lines().filter(|line| !line.starts_with("ca_file")).collect::<Vec<_>>().join("\n");
    check(&told(&without).await, "does not answer");
    check(&told(&without).await, "Name the authority of its certificate as ca_file");
    let token = key.write("root", &std::fs::read_to_string(bao.authority().with_file_name("root-token")).unwrap());
    let as_root = |key: &str, mount: &str| {
        format!("address = \"{}\"\nkey = \"{key}\"\nmount = \"{mount}\"\ntoken_file = {token:?}\n", bao.plain())
    };
    check(
        &told(&as_root(&key.name, "transit")).await,
        "warning root key: the token of the key service may do everything",
    );
    check(&told(&as_root(&key.name, "elsewhere")).await, "no transit engine at elsewhere");
    // A key that heeds no associated data would let wraps be moved.
    let rsa = format!("{}-rsa", key.name);
    bao.ask(Method::POST, &format!("transit/keys/{rsa}"), json!({"type": "rsa-2048"})).await;
    check(&told(&as_root(&rsa, "transit")).await, "wrong root key: ");
    assert!(Path::new(&token).exists());
}
