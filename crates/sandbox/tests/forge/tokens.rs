//! Invocation tokens, and the OAuth tokens that go with them.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use reqwest::StatusCode;
use sandbox::Running;
use serde_json::{Value, json};

use crate::{
    remote::Remote,
    site::{self, APP_ID, client, token},
};

fn issue_key(site: &Running, project: &str) -> String {
    let state = site.state();
    let store = state.read();
    store.issues.values().find(|issue| issue.key.starts_with(project)).unwrap().key.clone()
}

async fn decode(site: &Running, token: &str) -> Result<Value, jsonwebtoken::errors::Error> {
    let url = site.forge().jwks_url();
    let keys: JwkSet = client().get(url).send().await.unwrap().json().await.unwrap();
    let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let key = DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&[APP_ID]);
    rules.set_issuer(&["forge/invocation-token"]);
    rules.set_required_spec_claims(&["exp", "nbf", "aud", "iss"]);
    rules.validate_nbf = true;
    rules.leeway = 0;
    jsonwebtoken::decode::<Value>(token, &key, &rules).map(|data| data.claims)
}

#[tokio::test]
async fn an_invocation_token_says_who_calls_from_where() {
    let remote = Remote::start().await;
    let site = site::start(site::config(&remote.url)).await;
    let key = issue_key(&site, "CARE");
    let request = json!({"user": "agent", "module": "customer-panel", "issue": key});
    let (status, answer) = token(&site, &request).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert!(answer.get("headers").is_none());
    let given = answer["token"].as_str().unwrap();
    let claims = decode(&site, given).await.unwrap();

    let state = site.state();
    let (agent, id, project) = {
        let store = state.read();
        let issue = store.issue(&key).unwrap();
        let agent = store.accounts.values().find(|a| a.display_name == "Jonas Brandt").unwrap();
        (agent.account_id.clone(), issue.id.to_string(), issue.project_id.clone())
    };
    let api = format!("{}/ex/jira/{}", site.url(), state.cloud_id());
    let installed = site.forge().installation(APP_ID).unwrap();
    assert_eq!(claims["principal"], agent);
    assert_eq!(claims["aud"], APP_ID);
    assert_eq!(claims["app"]["id"], APP_ID);
    assert_eq!(claims["app"]["appVersion"], "1.0.0");
    assert_eq!(claims["app"]["apiBaseUrl"], api);
    assert_eq!(claims["app"]["installationId"], installed.installation_id());
    assert!(installed.installation_id().starts_with("ari:cloud:ecosystem::installation/"));
    assert_eq!(
        claims["app"]["installation"],
        json!({
            "id": installed.installation_id(),
            "contexts": [{"name": "jira", "apiBaseUrl": api, "cloudId": state.cloud_id()}],
        })
    );
    assert_eq!(claims["app"]["environment"], json!({"type": "DEVELOPMENT", "id": installed.environment_id()}));
    assert_eq!(claims["app"]["module"], json!({"type": "jira:issueContext", "key": "customer-panel"}));
    assert_eq!(claims["context"]["cloudId"], state.cloud_id());
    assert_eq!(claims["context"]["siteUrl"], site.url());
    assert_eq!(claims["context"]["moduleKey"], "customer-panel");
    let extension = &claims["context"]["extension"];
    assert_eq!(extension["type"], "jira:issueContext");
    assert_eq!((&extension["issue"]["id"], &extension["issue"]["key"]), (&json!(id), &json!(key)));
    assert_eq!(extension["project"], json!({"id": project, "key": "CARE", "type": "service_desk"}));
    let (iat, nbf, exp) = (&claims["iat"], &claims["nbf"], &claims["exp"]);
    assert_eq!(iat, nbf);
    assert_eq!(exp.as_i64().unwrap() - iat.as_i64().unwrap(), 25);

    let (_, again) = token(&site, &request).await;
    assert_ne!(site::claims(again["token"].as_str().unwrap())["jti"], claims["jti"]);
    let mut forged: Vec<String> = given.split('.').map(str::to_owned).collect();
    let payload = serde_json::to_vec(&json!({"aud": APP_ID, "iss": "forge/invocation-token", "exp": 9e9, "nbf": 1}));
    forged[1] = {
        use base64::Engine as _;
        base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(payload.unwrap())
    };
    assert!(decode(&site, &forged.join(".")).await.is_err());
    site.shutdown().await;
}

#[tokio::test]
async fn a_token_is_given_only_where_the_page_would_open() {
    let remote = Remote::start().await;
    let site = site::start(site::config(&remote.url)).await;
    let (care, it) = (issue_key(&site, "CARE"), issue_key(&site, "IT-"));
    let (own, others) = {
        let customer = site.visitor("customer").unwrap().account_id;
        let state = site.state();
        let store = state.read();
        let own = store.issues.values().find(|issue| issue.reporter.as_ref() == Some(&customer)).unwrap();
        let others = store.issues.values().find(|issue| {
            issue.key.starts_with("CARE-")
                && issue.reporter.as_ref() != Some(&customer)
                && issue.organizations.is_empty()
                && !issue.participants.contains(&customer)
        });
        (own.key.clone(), others.unwrap().key.clone())
    };
    let rows = [
        (json!({"user": "agent", "module": "project-customers"}), 422, "in a project: name one"),
        (json!({"user": "agent", "module": "project-customers", "project": "CARE"}), 200, ""),
        (json!({"user": "agent", "module": "project-customers", "project": "NOPE"}), 404, "no project"),
        (
            json!({"user": "customer", "module": "project-customers", "project": "CARE"}),
            403,
            "may not see this project",
        ),
        (json!({"user": "customer", "module": "portal-header"}), 200, ""),
        (json!({"user": "customer", "module": "portal-header", "page": "my_requests"}), 200, ""),
        (json!({"user": "customer", "module": "portal-header", "page": "profile"}), 403, "on other pages"),
        (json!({"user": "customer", "module": "portal-menu", "page": "profile"}), 200, ""),
        (json!({"user": "customer", "module": "portal-menu", "page": "nowhere"}), 403, "no such page"),
        (json!({"user": "customer", "module": "portal-menu", "portal": "999"}), 403, "may not use this portal"),
        (json!({"user": "customer", "module": "portal-request"}), 422, "on an issue: name one"),
        (json!({"user": "customer", "module": "portal-request", "issue": own}), 200, ""),
        (json!({"user": "customer", "module": "portal-request", "issue": others}), 403, "may not see this request"),
        (json!({"user": "nobody", "module": "customers-page"}), 404, "nobody here is “nobody”"),
        (
            json!({"user": "agent", "module": "no-such"}),
            404,
            "no installed app has a module “no-such”; there are: customer-panel",
        ),
        (json!({"user": "agent", "module": "customer-panel", "issue": "CARE-99999"}), 404, "there is no issue"),
        (json!({"user": "agent", "module": "customer-panel"}), 422, "name one"),
        (json!({"user": "agent", "modul": "x"}), 422, "unknown field"),
        (json!({"user": "agent", "module": "customer-panel", "issue": it}), 403, "may not see this issue"),
        (json!({"user": "customer", "module": "customer-panel", "issue": care}), 403, "may not see this issue"),
        (json!({"user": "customer", "module": "customers-page"}), 403, "licence"),
        (json!({"user": "agent", "module": "settings-page"}), 403, "administrators"),
        (json!({"user": "admin", "module": "settings-page"}), 200, ""),
        (json!({"user": "agent", "module": "customers-page"}), 200, ""),
        (json!({"user": "customer", "module": "portal-profile"}), 200, ""),
        (json!({"user": "greta.hoffmann@nordlicht.example", "module": "portal-profile"}), 200, ""),
    ];
    for (request, status, words) in rows {
        let (found, answer) = token(&site, &request).await;
        assert_eq!(found.as_u16(), status, "{request} {answer}");
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(error.contains(words), "{request} {error}");
    }
    site.shutdown().await;
}

async fn myself(base: &str, token: &str) -> (StatusCode, Value) {
    let answer = client().get(format!("{base}/rest/api/3/myself")).bearer_auth(token).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test]
async fn oauth_tokens_act_as_the_app_and_as_the_person() {
    let remote = Remote::start().await;
    let site = site::start(site::config(&remote.url)).await;
    let request = json!({"user": "agent", "module": "customers-page", "headers": true});
    let (_, answer) = token(&site, &request).await;
    let claims = site::claims(answer["token"].as_str().unwrap());
    let base = claims["app"]["apiBaseUrl"].as_str().unwrap();
    let system = answer["headers"]["x-forge-oauth-system"].as_str().unwrap();
    let user = answer["headers"]["x-forge-oauth-user"].as_str().unwrap();
    let (status, me) = myself(base, system).await;
    assert_eq!((status, me["accountType"].as_str()), (StatusCode::OK, Some("app")), "{me}");
    let (_, me) = myself(base, user).await;
    assert_eq!(me["displayName"], "Jonas Brandt");
    let left = site::claims(system)["exp"].as_i64().unwrap() - site.state().now().as_second();
    assert!((2 * 3600..=4 * 3600).contains(&left), "{left}");
    let (_, again) = token(&site, &request).await;
    assert_eq!(again["headers"], answer["headers"], "Forge hands the same tokens out again");
    site.shutdown().await;
}

#[tokio::test]
async fn without_a_product_scope_no_token_is_minted() {
    let remote = Remote::start().await;
    let mut config = site::config(&remote.url);
    let mut manifest = site::manifest();
    for scope in [
        "read:jira-work",
        "read:jira-user",
        "write:jira-work",
        "read:servicedesk-request",
        "write:servicedesk-request",
        "manage:servicedesk-customer",
    ] {
        manifest = manifest.replace(&format!("    - {scope}\n"), "");
    }
    let start = manifest.find("    - key: person-events").unwrap();
    let end = manifest.find("  scheduledTrigger:").unwrap();
    manifest.replace_range(start..end, "\n");
    config.forge.apps = vec![(site::app(manifest), Some(remote.url.clone()))];
    let site = site::start(config).await;
    let (_, answer) = token(&site, &json!({"user": "agent", "module": "customers-page", "headers": true})).await;
    assert_eq!(answer["headers"], json!({}));
    let installed = remote.wait("/forge/events", 1).await;
    assert_eq!(installed[0].header("x-forge-oauth-system"), None);
    site.shutdown().await;
}

#[tokio::test]
async fn a_remote_may_act_as_somebody_who_is_not_there() {
    let remote = Remote::start().await;
    let site = site::start(site::config(&remote.url)).await;
    let (_, answer) = token(&site, &json!({"user": "agent", "module": "customers-page", "headers": true})).await;
    let system = answer["headers"]["x-forge-oauth-system"].as_str().unwrap().to_owned();
    let user = answer["headers"]["x-forge-oauth-user"].as_str().unwrap().to_owned();
    let state = site.state();
    let customer =
        state.read().accounts.values().find(|a| a.display_name == "Amélie Fournier").unwrap().account_id.clone();
    let ask = async |bearer: &str, context: String, who: &str| {
        let query = "mutation m($input: OfflineUserAuthTokenInput!) { offlineUserAuthToken(input: $input) { success errors { message } authToken { token ttl } } }";
        let body = json!({"query": query, "variables": {"input": {"contextIds": [context], "userId": who}}});
        let request = client().post(format!("{}/graphql", site.url())).bearer_auth(bearer).json(&body);
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json::<Value>().await.unwrap())
    };
    let context = format!("ari:cloud:jira::site/{}", state.cloud_id());
    let (_, answer) = ask(&system, context.clone(), &customer).await;
    let answer = &answer["data"]["offlineUserAuthToken"];
    assert_eq!(answer["success"], true, "{answer}");
    let ttl = answer["authToken"]["ttl"].as_i64().unwrap();
    assert!((2 * 3600..=4 * 3600).contains(&ttl), "{ttl}");
    let api = format!("{}/ex/jira/{}", site.url(), state.cloud_id());
    let (_, me) = myself(&api, answer["authToken"]["token"].as_str().unwrap()).await;
    assert_eq!(me["accountId"], customer, "{me}");
    for (context, who) in [(context.clone(), "nobody"), ("ari:cloud:jira::site/other".to_owned(), customer.as_str())] {
        let (_, answer) = ask(&system, context, who).await;
        assert_eq!(answer["data"]["offlineUserAuthToken"]["success"], false, "{answer}");
    }
    let (status, _) = ask(&user, context.clone(), &customer).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "only the app itself may ask");
    let (status, _) = ask("forged", context, &customer).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    site.shutdown().await;
}

#[tokio::test]
async fn accounts_are_reported() {
    let remote = Remote::start().await;
    let mut config = site::config(&remote.url);
    let manifest =
        site::manifest().replace("    - read:jira-work\n", "    - read:jira-work\n    - report:personal-data\n");
    config.forge.apps = vec![(site::app(manifest), Some(remote.url.clone()))];
    let site = site::start(config).await;
    let (_, answer) = token(&site, &json!({"user": "agent", "module": "customers-page", "headers": true})).await;
    let bearer = answer["headers"]["x-forge-oauth-system"].as_str().unwrap().to_owned();
    let report = async |accounts: Value| {
        let request = client().post(format!("{}/app/report-accounts/", site.url())).bearer_auth(&bearer);
        let answer = request.json(&json!({"accounts": accounts})).send().await.unwrap();
        let cycle = answer.headers().get("cycle-period").map(|v| v.to_str().unwrap().to_owned());
        (answer.status().as_u16(), cycle, answer.json::<Value>().await.unwrap_or_default())
    };
    let one = |id: &str| json!({"accountId": id, "updatedAt": "2026-01-01T00:00:00Z"});
    let (status, cycle, _) = report(json!([one("5be24ad8b1653240376955d2")])).await;
    assert_eq!((status, cycle.as_deref()), (204, Some("P7D")));
    let (status, _, body) = report(json!([one("5be24ad8b1653240376955d2"), one("5be24ba3f91c106033269289")])).await;
    assert_eq!(
        (status, body),
        (200, json!({"accounts": [{"accountId": "5be24ba3f91c106033269289", "status": "closed"}]}))
    );
    for accounts in [
        json!([]),
        json!(vec![one("a"); 91]),
        json!([one("unknown")]),
        json!([one("a b")]),
        json!([{"accountId": "a"}]),
    ] {
        let (status, _, body) = report(accounts).await;
        assert_eq!(status, 400);
        assert!(body["errorMessage"].is_string());
    }
    site.shutdown().await;
}
