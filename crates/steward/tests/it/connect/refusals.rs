//! What is no install, and is refused: by us, and by Atlassian's own framework, npm `atlassian-connect-express`, which is asked the
//! same. Where we are stricter, the row says why.

use host::connect::qsh;
use jsonwebtoken::{Algorithm, EncodingKey};
use kernel::{Clock, SystemClock};
use serde_json::{Value, json};

use super::{Forger, INSTALLED, KID, SECRET, SITE_KEY, claims, signed, unsigned, with};
use crate::foreign::Foreign;

/// Where the framework takes installs.
const THEIRS: &str = "/installed";

/// A token that proves no install.
struct Wrong {
    what: &'static str,
    token: Option<String>,
    /// What we say of it.
    code: &'static str,
    /// Why we refuse what the framework takes.
    stricter: Option<&'static str>,
}

/// Such tokens, for a server at `ours` that takes installs at `target`.
fn wrong(forger: &Forger, ours: &str, target: &str, now: i64) -> Vec<Wrong> {
    let claims = claims(ours, target, now);
    let row = |what, token: String| Wrong { what, token: Some(token), code: "token_invalid", stricter: None };
    let sign = |changes: Value| forger.signed(&with(&claims, changes));
    let kid = |kid: Option<&str>| signed(Algorithm::RS256, kid, &claims, &forger.key);
    let stricter = |why, wrong: Wrong| Wrong { stricter: Some(why), ..wrong };
    let secret = EncodingKey::from_secret(SECRET.as_bytes());
    let published = EncodingKey::from_secret(forger.published.as_bytes());
    vec![
        Wrong { what: "none at all", token: None, code: "token_missing", stricter: None },
        row("signed by nobody", unsigned(&claims)),
        row("another algorithm", signed(Algorithm::HS256, Some(KID), &claims, &secret)),
        row("the public key as a secret", signed(Algorithm::HS256, Some(KID), &claims, &published)),
        row("another of RSA's", signed(Algorithm::RS512, Some(KID), &claims, &forger.key)),
        row("a key of somebody else's", signed(Algorithm::RS256, Some(KID), &claims, &forger.strangers)),
        row("no key id", kid(None)),
        row("a key id that nobody published", kid(Some("0000"))),
        row("a key id that is a path", kid(Some(&format!("../{KID}")))),
        row("a key id that is an address", kid(Some("https://evil.example/k"))),
        row("for another server", sign(json!({"aud": ["https://other.example"]}))),
        row("for another first", sign(json!({"aud": ["https://other.example", ours]}))),
        row("for nobody", sign(json!({"aud": null}))),
        row("for another request", sign(json!({"qsh": qsh::of("POST", "/connect/uninstalled", "")}))),
        row("for any request", sign(json!({"qsh": "context-qsh"}))),
        row("for no request", sign(json!({"qsh": null}))),
        row("of another site", sign(json!({"iss": "another"}))),
        Wrong { code: "token_expired", ..row("late", sign(json!({"iat": now - 200, "exp": now - 4}))) },
        stricter("a token says when it begins (RFC 7519, 4.1.5)", row("early", sign(json!({"nbf": now + 60})))),
        stricter(
            "when it was issued decides whether an uninstall came after it",
            row("issued later", sign(json!({"iat": now + 60, "exp": now + 240}))),
        ),
        stricter("that it was used is remembered for less", row("good for a day", sign(json!({"exp": now + 86_400})))),
        row("longer than any", sign(json!({"pad": "x".repeat(20_000)}))),
    ]
}

/// What a good token does not make good: a change of the body, our answer, and why we refuse what the framework takes.
fn wrong_bodies() -> [(Value, u16, Option<&'static str>); 6] {
    [
        (json!({"sharedSecret": "short"}), 422, Some("what is signed with it proves nothing (RFC 7518, 3.2)")),
        (json!({"key": "another.app"}), 422, Some("it is told to another app")),
        (json!({"clientKey": "another"}), 401, None),
        (json!({"baseUrl": "https://evil.example"}), 401, None),
        (json!({"baseUrl": "http://169.254.169.254/"}), 401, None),
        (json!({"displayUrl": "javascript:alert(1)"}), 422, Some("pages link to it")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn installs_are_proven_and_taken_once() {
    let forger = Forger::start().await;
    let (claims, body) = (forger.claims(), forger.body());
    let good = forger.signed(&claims);
    for Wrong { what, token, code, .. } in wrong(&forger, &forger.ours(), INSTALLED, forger.now()) {
        let answer = forger.installs(INSTALLED, token.as_deref(), &body).await;
        assert_eq!((answer.status, answer.body["code"].as_str()), (401, Some(code)), "{what}: {}", answer.text);
    }
    let twice = forger.installs(&format!("{INSTALLED}?jwt={good}"), Some(&good), &body).await.expect(401);
    assert_eq!(twice.body["code"], "token_invalid");
    forger.installs(INSTALLED, Some(&good), &with(&body, json!({"jwt": good}))).await.expect(401);
    for (change, status, _) in wrong_bodies() {
        let answer = forger.installs(INSTALLED, Some(&good), &with(&body, change.clone())).await;
        assert_eq!(answer.status, status, "{change}: {}", answer.text);
    }
    let all = || store::tenants::list::<Value>(&forger.world.program.store, kernel::TenantId::SERVER, 10);
    assert_eq!(all().await.unwrap().len(), 0, "nothing came of it");

    // The audience may have a slash at its end; the token may come in the query.
    let slashed = forger.signed(&with(&claims, json!({"aud": format!("{}/", forger.ours())})));
    forger.installs(&format!("{INSTALLED}?jwt={slashed}"), None, &body).await.expect(204);
    let replayed = forger.installs(&format!("{INSTALLED}?jwt={slashed}"), None, &body).await.expect(401);
    assert_eq!(replayed.body["code"], "token_replayed");
    let replayed =
        forger.installs(INSTALLED, Some(&slashed), &with(&body, json!({"sharedSecret": "e".repeat(40)}))).await;
    assert_eq!(replayed.expect(401).body["code"], "token_replayed");
    assert_eq!(all().await.unwrap().len(), 1);
    assert!(forger.world.jira.contract_violations().is_empty());
}

/// Tells the framework's app of an install; whether it takes it.
async fn takes(app: &mut Foreign, target: &str, token: Option<&str>, body: &Value) -> bool {
    #[expect(clippy::disallowed_methods, reason = "a client of the foreign app")]
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.post(format!("{}{target}", app.url)).json(body);
    if let Some(token) = token {
        request = request.header("authorization", format!("JWT {token}"));
    }
    // It hangs up on a head that is too long.
    let Ok(answer) = request.send().await else { return false };
    let status = answer.status().as_u16();
    if status == 204 {
        assert_eq!(app.says("installed").await["value"], SITE_KEY);
        return true;
    }
    assert!((400..500).contains(&status), "{status}");
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn atlassians_framework_refuses_no_more() {
    let forger = Forger::start().await;
    let keys = forger.world.config.connect.install_keys.to_string();
    let Some(mut app) = Foreign::start(&keys, &[]).await else { return };
    // The framework reads the machine's clock.
    let (ours, now, body) = (app.url.clone(), SystemClock.now().as_second(), forger.body());
    let good = forger.signed(&claims(&ours, THEIRS, now));
    assert!(takes(&mut app, THEIRS, Some(&good), &body).await, "what the forger signs is an install");
    for Wrong { what, token, stricter, .. } in wrong(&forger, &ours, THEIRS, now) {
        assert_eq!(takes(&mut app, THEIRS, token.as_deref(), &body).await, stricter.is_some(), "{what}");
    }
    for (change, _, stricter) in wrong_bodies() {
        let changed = with(&body, change.clone());
        assert_eq!(takes(&mut app, THEIRS, Some(&good), &changed).await, stricter.is_some(), "{change}");
    }
    // It takes one token twice, and one of two tokens: a proxy may have seen the other, and whoever read one could use it again.
    assert!(takes(&mut app, THEIRS, Some(&good), &body).await);
    assert!(takes(&mut app, &format!("{THEIRS}?jwt={good}"), Some(&good), &body).await);
    assert!(takes(&mut app, THEIRS, Some(&good), &with(&body, json!({"jwt": good}))).await);
    forger.world.end().await;
}
