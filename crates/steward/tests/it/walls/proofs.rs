//! What looks like a proof and is none: what opens Jira, what another page was given, a cookie by itself, a session of whom Jira lets nobody act for any more.

use axum::body::Body;
use axum::http::{HeaderName, Method, Request, header};
use serde_json::json;

use super::{Things, body, filled, on_sites, operations, things};
use crate::world::{Answer, Joined, World};

on_sites!(
    connect Connect: no_token_but_a_pages_opens_anything;
    cloud_by_token CloudToken: what_opens_jira_opens_nothing_here, a_cookie_alone_changes_nothing;
    data_center DataCenter: what_opens_jira_opens_nothing_here, a_cookie_alone_changes_nothing, without_its_grant_a_session_opens_nothing;
);

/// An operation as it is asked with these headers and nothing else.
async fn asks(world: &World, method: &Method, path: &str, things: &Things, headers: &[(HeaderName, &str)]) -> Answer {
    let mut request = Request::builder()
        .method(method.clone())
        .uri(filled(path, things))
        .header(header::IF_MATCH, "\"v1\"")
        .header(header::CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let sent = body(method, path, things).unwrap_or(json!({}));
    world.send(request.body(Body::from(sent.to_string())).unwrap()).await
}

/// Over Connect no token but a context token opens the API.
async fn no_token_but_a_pages_opens_anything(world: &World, _: Joined) {
    let things = things(world).await;
    let page = world.admin().connect_page();
    let of_a_page = page.url.split_once("jwt=").unwrap().1;
    let (signed, _) = page.token.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", of_a_page.rsplit_once('.').unwrap().1);
    for (method, path) in operations(world) {
        for token in [of_a_page, &forged, &format!("{signed}."), "a.b.c"] {
            let request = Request::builder()
                .method(method.clone())
                .uri(filled(&path, &things))
                .header(header::IF_MATCH, "\"v1\"")
                .header(header::CONTENT_TYPE, "application/json")
                .header(header::AUTHORIZATION, format!("JWT {token}"));
            let sent = body(&method, &path, &things).unwrap_or(json!({}));
            let answer = world.send(request.body(Body::from(sent.to_string())).unwrap()).await;
            assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text);
        }
    }
}

/// The account's token, what people granted to us, and their session at Jira: each opens that Jira, and nothing here.
async fn what_opens_jira_opens_nothing_here(world: &World, _: Joined) {
    let things = things(world).await;
    world.agent().get("/api/v1/me").await.expect(200);
    let admin = world.jira.visitor("admin").unwrap();
    let own = admin.api_token.clone().unwrap();
    let theirs = world.jira.state().open_session(&admin.account_id);
    let granted = world.jira.granted_tokens();
    assert!(granted.len() >= 3, "an administrator, an agent and a customer signed in");
    let basic = {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(format!("{}:{own}", admin.email))
    };
    let mut proofs = vec![
        (header::AUTHORIZATION, format!("Bearer {own}")),
        (header::AUTHORIZATION, format!("Basic {basic}")),
        (header::COOKIE, format!("tenant.session.token={theirs}; steward={theirs}; steward-portal={theirs}")),
    ];
    proofs.extend(granted.iter().map(|token| (header::AUTHORIZATION, format!("Bearer {token}"))));
    for (method, path) in operations(world) {
        for (name, value) in &proofs {
            let answer = asks(world, &method, &path, &things, &[(name.clone(), value)]).await;
            // A cookie of our own name is asked for the page's token before anybody looks what it is.
            let asked = name == header::COOKIE && answer.status == 403 && answer.text.contains("X-CSRF-Token");
            assert!(answer.status == 401 || asked, "{method} {path} with {name}: {} {}", answer.status, answer.text);
        }
    }
}

/// A change comes from a page of ours, or it is none: another site that has the browser send its cookie knows no token, and somebody else's does not fit.
async fn a_cookie_alone_changes_nothing(world: &World, _: Joined) {
    let things = things(world).await;
    let admin = world.session(&world.jira, "admin").await;
    let agents = world.session(&world.jira, "agent").await.csrf;
    let csrf = HeaderName::from_static("x-csrf-token");
    let cookie = (header::COOKIE, admin.cookie.as_str());
    let mut tried = 0;
    for (method, path) in operations(world).into_iter().filter(|(method, _)| *method != Method::GET) {
        // A session begins with a ticket, whatever cookie comes along.
        if path == "/api/v1/session" && method == Method::POST {
            continue;
        }
        tried += 1;
        for sent in [vec![], vec![(csrf.clone(), "")], vec![(csrf.clone(), agents.as_str())]] {
            let headers = [vec![cookie.clone()], sent].concat();
            let answer = asks(world, &method, &path, &things, &headers).await;
            assert_eq!(answer.status, 403, "{method} {path}: {}", answer.text);
            assert!(answer.text.contains("X-CSRF-Token"), "{method} {path}: {}", answer.text);
        }
        // An agent's cookie is no customer's, on whatever page.
        let portal = [
            cookie.clone(),
            (csrf.clone(), admin.csrf.as_str()),
            (HeaderName::from_static("x-steward-session"), "customer"),
        ];
        assert_eq!(asks(world, &method, &path, &things, &portal).await.status, 401, "{method} {path}");
    }
    assert!(tried > 30, "{tried}");
    // With its own it does.
    world.admin().post("/api/v1/sections", json!({"entity": "customer", "name": "Own"})).await.expect(201);
}

/// On Data Center a person's rights are what Jira tells to them: whoever took back what they granted is asked to sign in again, everywhere, and is not
/// taken for a customer; who does, goes on.
async fn without_its_grant_a_session_opens_nothing(world: &World, _: Joined) {
    let things = things(world).await;
    for who in ["admin", "agent", "customer"] {
        let session = world.session(&world.jira, who).await;
        assert!(world.jira.take_back_grants(who));
        let account = kernel::AccountId::new(session.account.clone()).unwrap();
        world.program.host().callers.forget(world.tenant().await, &account).await;
        let headers = [
            (header::COOKIE, session.cookie.as_str()),
            (HeaderName::from_static("x-csrf-token"), session.csrf.as_str()),
        ];
        for (method, path) in operations(world) {
            if path == "/api/v1/session" && method == Method::POST {
                continue;
            }
            let answer = asks(world, &method, &path, &things, &headers).await;
            assert_eq!(answer.status, 401, "{who}: {method} {path}: {}", answer.text);
            assert_eq!(answer.body["code"], "sign_in_over", "{who}: {method} {path}");
            assert!(!answer.text.contains("anary"), "{who}: {method} {path}: {}", answer.text);
        }
        // In another browser, perhaps: what they grant now is theirs wherever they are signed in.
        world.forget_session(&world.jira, who).await;
        world.session(&world.jira, who).await;
        let answer = asks(world, &Method::GET, "/api/v1/me", &things, &headers).await.expect(200);
        assert_eq!((&answer.body["role"], &answer.body["accountId"]), (&json!(who), &json!(session.account)));
    }
}
