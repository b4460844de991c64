//! Who does not come in, and that all of them read the same.

use axum::http::Method;
use sandbox::events::Actor;
use sandbox::state::model::{Account, AccountType};
use serde_json::json;

use super::{Joined, SignKey, Visitor, edit};

/// Each of these reads the same page, to the byte; what the key says differs.
pub(super) async fn everybody_else_reads_the_same(joined: &mut Joined<'_>, key: &SignKey, email: &str, refused: &str) {
    let world = joined.world;
    let state = world.jira.state();
    let nobody = Actor::default();
    let (agent, admin) = (world.jira.visitor("agent").unwrap(), world.jira.visitor("admin").unwrap());
    let double = |id: &str, email: &str| {
        let mut account = Account::new(id, AccountType::Customer, "Ana Twice", email);
        account.email_visible = false;
        state.add_account(&nobody, account);
    };
    double("qm:1:1", "twice@shop.example");
    double("qm:1:2", "TWICE@shop.example");
    let closed = state.create_customer(&nobody, "closed@shop.example", "Cleo Closed").unwrap().account_id;
    edit(world, &closed, |account| account.active = false);
    let mut employee = Account::new("712020:employee", AccountType::Atlassian, "Emil Employee", "emil@shop.example");
    employee.email_visible = true;
    state.add_account(&nobody, employee);
    let now = key.now();
    let signed = [
        ("nobody@shop.example", "unknown_address"),
        (&email[..email.len() - 1], "unknown_address"),
        (&format!("x{email}"), "unknown_address"),
        ("twice@shop.example", "several_accounts"),
        ("closed@shop.example", "unknown_address"),
        (&agent.email, "works_here"),
        ("emil@shop.example", "no_customer"),
    ];
    let mut thief = Visitor::of(world);
    for (address, reason) in signed {
        let answer = thief.posts(key, &key.token(address), None).await;
        assert_eq!((answer.status, answer.text.as_str()), (401, refused), "{address}");
        assert_eq!(joined.reason(key).await, reason, "{address}");
    }
    // On Data Center the stand-in's administrator works as an agent too.
    thief.posts(key, &key.token(&admin.email), None).await.expect(401);
    for (claims, reason) in [
        (json!({"aud": "https://elsewhere.example", "iat": now, "exp": now + 60, "email": email}), "audience"),
        (json!({"aud": key.audience, "iat": now, "exp": now + 301, "email": email}), "life"),
        (json!({"aud": key.audience, "iat": now - 200, "exp": now - 100, "email": email}), "expired"),
        (json!({"aud": key.audience, "iat": now + 60, "exp": now + 90, "email": email}), "early"),
        (json!({"aud": key.audience, "iat": now, "exp": now + 60, "name": "Ana"}), "address"),
        (json!({"aud": key.audience, "iat": now, "exp": now + 60, "email": email, "email_verified": false}), "address"),
    ] {
        let answer = thief.posts(key, &key.signs(&claims), None).await;
        assert_eq!((answer.status, answer.text.as_str()), (401, refused), "{claims}");
        assert_eq!(joined.reason(key).await, reason, "{claims}");
    }
    let good = || key.token(email);
    let other = joined.key("Another").await;
    let wrong_signature = SignKey { secret: "stwk_another".to_owned(), ..key.clone() };
    let unknown_key = SignKey { kid: uuid::Uuid::new_v4().to_string(), ..key.clone() };
    let crossed = SignKey { kid: other.kid.clone(), ..key.clone() };
    let unknown_site = SignKey { path: format!("/portal/{}/sign-in", kernel::TenantId::fresh()), ..key.clone() };
    let no_site = SignKey { path: "/portal/none/sign-in".to_owned(), ..key.clone() };
    for (to, token) in [
        (key, wrong_signature.token(email)),
        (key, unknown_key.token(email)),
        (key, crossed.token(email)),
        (key, String::new()),
        (key, "a.b.c".to_owned()),
        (key, format!("{}x", good())),
        (&unknown_site, good()),
        (&no_site, good()),
    ] {
        let answer = thief.posts(to, &token, None).await;
        assert_eq!((answer.status, answer.text.as_str()), (401, refused), "{token}");
    }
    let (body, form) = (format!("token={}", good()), "application/x-www-form-urlencoded");
    for (path, kind, body) in [
        (format!("{}?token={}", key.path, good()), form, body.as_str()),
        (format!("{}?token={}", key.path, good()), form, ""),
        (key.path.clone(), "application/json", body.as_str()),
        (key.path.clone(), form, &format!("{body}&{body}")),
    ] {
        let answer = thief.sends(&path, kind, body).await;
        assert_eq!((answer.status, answer.text.as_str()), (401, refused), "{path} {kind}");
    }
    thief.gets("/api/v1/me").await.expect(401);
    let hints = [thief.gets(&key.path).await.expect(200).text, thief.gets(&unknown_site.path).await.expect(200).text];
    assert_eq!(hints[0], hints[1]);
    // The address in other letters is the same address.
    thief.posts(key, &key.token(&email.to_uppercase()), None).await.expect(200);
    joined.asks(Method::DELETE, &format!("/api/v1/customer-keys/{}", other.id), None).await.expect(204);
}
