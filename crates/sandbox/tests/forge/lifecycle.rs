//! Installing, moving, upgrading and uninstalling.

use reqwest::StatusCode;
use sandbox::state::AppToken;
use serde_json::{Value, json};

use crate::{
    remote::{Answer, Remote},
    site::{self, APP_ID, Browser, client, token},
};

#[tokio::test]
async fn an_app_is_told_of_its_life() {
    let remote = Remote::start().await;
    let site = site::start(site::config(&remote.url)).await;
    let first = site.forge().installation(APP_ID).unwrap().installation_id();
    let arrived = remote.wait("/forge/events", 1).await;
    let installed = &arrived[0].body["payload"];
    assert_eq!(installed["app"]["version"], "1.0.0");
    assert!(first.ends_with(installed["id"].as_str().unwrap()));
    assert!(installed["installerAccountId"].is_string());

    site.forge().upgrade(site::app(site::manifest())).unwrap();
    let arrived = remote.wait("/forge/events", 2).await;
    let upgraded = &arrived[1].body["payload"];
    assert_eq!((&upgraded["id"], &upgraded["app"]["version"]), (&installed["id"], &json!("2.0.0")));
    assert_eq!(site.forge().installation(APP_ID).unwrap().installation_id(), first);
    assert!(site.forge().install(site::app(site::manifest()), None).is_err(), "it is there already");

    let request = json!({"user": "agent", "module": "customers-page", "headers": true});
    let (_, answer) = token(&site, &request).await;
    let system = answer["headers"]["x-forge-oauth-system"].as_str().unwrap().to_owned();
    let base = format!("{}/ex/jira/{}", site.url(), site.state().cloud_id());
    let call = async || {
        client().get(format!("{base}/rest/api/3/project/search")).bearer_auth(&system).send().await.unwrap().status()
    };
    assert_eq!(call().await, StatusCode::OK);
    // The remote is told, and not asked.
    remote.answers([Answer::Json(500, json!({}))]);
    site.forge().uninstall(APP_ID).await.unwrap();
    let told = remote.wait("/forge/uninstall", 1).await;
    assert_eq!(told[0].body["payload"]["context"]["moduleKey"], "before-uninstall");
    assert!(told[0].header("x-forge-oauth-system").is_some());
    assert_eq!(call().await, StatusCode::UNAUTHORIZED);
    let (status, _) = token(&site, &request).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let frame = format!("{}/forge/cdn/6f2c1a52-9d0e-4b57-8a33-51c7f0e2d914/main/index.html", site.forge().frames_url());
    assert_eq!(client().get(&frame).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    assert!(site.forge().uninstall(APP_ID).await.is_err());

    site.forge().install(site::app(site::manifest()), Some(&remote.url)).unwrap();
    assert_ne!(site.forge().installation(APP_ID).unwrap().installation_id(), first);
    assert_eq!(client().get(&frame).send().await.unwrap().status(), StatusCode::OK);
    site.shutdown().await;
}

#[tokio::test]
async fn connect_tells_first_of_an_app_that_carries_one_of_its_own_on() {
    let remote = Remote::start().await;
    let manifest = site::carrying().replace("https://steward.example.com", &remote.url);
    let mut config = site::config(&remote.url);
    config.forge.apps = vec![(site::app(manifest), None)];
    let site = site::start(config.clone()).await;
    remote.wait("/forge/events", 1).await;
    let arrived = remote.arrived();
    let paths: Vec<&str> = arrived.iter().map(|one| one.uri.path()).collect();
    assert_eq!(paths[..3], ["/connect/installed", "/connect/enabled", "/forge/events"]);
    let (told, forge) = (&arrived[0].body, site.forge().installation(APP_ID).unwrap());
    assert_eq!(told["installationId"], forge.installation_id());
    assert_eq!((&told["key"], &told["eventType"]), (&json!("com.example.steward"), &json!("installed")));
    let carried = site.connect().installation("com.example.steward").unwrap();
    assert_eq!(carried.descriptor.scopes, ["ACT_AS_USER", "READ", "WRITE"]);
    assert_eq!(told["sharedSecret"], carried.secret());
    assert!(carried.descriptor.pages.is_empty());
    // Connect's scopes open nothing to Forge's tokens.
    assert!(!forge.manifest.product_scopes().iter().any(|scope| scope.contains("connect")));
    // It reaches what the app that it carries on keeps, and nothing of another.
    let token = AppToken {
        app_id: APP_ID.to_owned(),
        account_id: carried.account_id.clone(),
        on_behalf: false,
        scopes: Vec::new(),
        expires_at: site.state().now() + jiff::SignedDuration::from_hours(1),
        at_site: false,
    };
    site.state().put_app_token("itself", token);
    for (key, status) in [("com.example.steward", 201), ("com.example.other", 404)] {
        let api = format!("{}/ex/jira/{}", site.url(), site.state().cloud_id());
        let property = format!("{api}/rest/atlassian-connect/1/addons/{key}/properties/moved");
        let kept = client().put(property).bearer_auth("itself").json(&true).send().await.unwrap();
        assert_eq!(kept.status().as_u16(), status);
    }
    site.shutdown().await;

    // What is not taken is not installed.
    remote.answers([Answer::Json(500, json!({}))]);
    let error = sandbox::start(config).await.err().unwrap().to_string();
    assert!(error.contains("the app answered “installed” with 500"), "{error}");
    assert_eq!(remote.arrived().iter().filter(|one| one.uri.path() == "/forge/events").count(), 1);
}

#[tokio::test]
async fn an_admin_says_where_the_server_is() {
    let (one, other) = (Remote::start().await, Remote::start().await);
    let mut config = site::config(&one.url);
    config.forge.apps = vec![(site::app(site::manifest()), None)];
    let site = site::start(config).await;
    let agent = Browser::sign_in(&site, "agent").await;
    let admin = Browser::sign_in(&site, "admin").await;
    let call = json!({"path": "/ping", "method": "GET"});
    let (_, told) = agent.invoke(call.clone()).await;
    assert!(told["message"].as_str().unwrap().contains("has not been configured"), "{told}");
    let path = "/jira/settings/apps/6f2c1a52-9d0e-4b57-8a33-51c7f0e2d914/remote";
    let (status, page) = admin.post(path, &[("remote", "backend"), ("address", "http://10.0.0.1")]).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.contains("must begin with https:") && page.contains("aria-invalid"), "{page}");
    let (status, _) = agent.post(path, &[("remote", "backend"), ("address", &one.url)]).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, _) = admin.post_bare(path, &[("remote", "backend"), ("address", &one.url)]).await;
    assert_ne!(status, StatusCode::SEE_OTHER, "without the page's token nothing is changed");
    for remote in [&one, &other] {
        let (status, _) = admin.post(path, &[("remote", "backend"), ("address", &remote.url)]).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        let (_, told) = agent.invoke(call.clone()).await;
        assert_eq!(told["success"], true, "{told}");
        assert_eq!(remote.wait("/ping", 1).await.len(), 1);
    }
    let uninstall = "/jira/settings/apps/6f2c1a52-9d0e-4b57-8a33-51c7f0e2d914/uninstall";
    assert_eq!(agent.post(uninstall, &[]).await.0, StatusCode::FORBIDDEN);
    assert_eq!(admin.post(uninstall, &[]).await.0, StatusCode::SEE_OTHER);
    let (_, page) = admin.get("/jira/settings/apps").await;
    assert!(page.contains("No app is installed."));
    site.shutdown().await;
}

#[tokio::test]
async fn an_admin_says_it_on_the_apps_own_page() {
    let remote = Remote::start().await;
    let mut config = site::config(&remote.url);
    config.forge.apps = vec![(site::app(site::manifest()), None)];
    let site = site::start(config).await;
    let agent = Browser::sign_in(&site, "agent").await;
    let admin = Browser::sign_in(&site, "admin").await;
    let path = "/forge/bridge/remotes";
    let frame = |module: &str| json!({"app": APP_ID, "module": module});
    let change = |module: &str, key: &str, endpoint: Value| json!({"frame": frame(module), "remotes": [{"key": key, "configured": {"endpoint": endpoint}}]});
    let (_, told) = admin.bridge(path, &json!({"frame": frame("settings-page")}), &admin.page_token).await;
    assert_eq!(told, json!({"results": [{"key": "backend", "configured": {"endpoint": null}}]}));
    let (status, _) = agent.bridge(path, &json!({"frame": frame("customers-page")}), &agent.page_token).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let here = Value::from(remote.url.as_str());
    let refused = [
        (&agent, change("customers-page", "backend", here.clone()), 403, "Only an administrator"),
        (&agent, change("settings-page", "backend", here.clone()), 403, "administrators see"),
        (&admin, change("settings-page", "other", here.clone()), 400, "Remote other is not configurable"),
        (&admin, change("settings-page", "backend", "http://10.0.0.1".into()), 400, "must begin with https:"),
        (&admin, change("settings-page", "backend", "nowhere".into()), 400, ""),
    ];
    for (browser, body, status, words) in refused {
        let (found, told) = browser.bridge_put(path, &body, &browser.page_token).await;
        assert_eq!(found.as_u16(), status, "{told}");
        assert!(told["message"].as_str().unwrap().contains(words), "{told}");
    }
    let right = change("settings-page", "backend", here);
    assert_eq!(admin.bridge_put(path, &right, &agent.page_token).await.0, StatusCode::FORBIDDEN);
    let call = json!({"path": "/ping", "method": "GET"});
    let (_, told) = agent.invoke(call.clone()).await;
    assert!(told["message"].as_str().unwrap().contains("has not been configured"), "nothing refused was kept: {told}");
    assert_eq!(admin.bridge_put(path, &right, &admin.page_token).await.0, StatusCode::OK);
    let (_, told) = agent.invoke(call.clone()).await;
    assert_eq!(told["success"], true, "{told}");
    let nowhere = change("settings-page", "backend", Value::Null);
    assert_eq!(admin.bridge_put(path, &nowhere, &admin.page_token).await.0, StatusCode::OK);
    let (_, told) = agent.invoke(call).await;
    assert!(told["message"].as_str().unwrap().contains("has not been configured"), "{told}");
    site.shutdown().await;
}

#[tokio::test]
async fn a_remote_with_a_fixed_address() {
    let remote = Remote::start().await;
    let manifest: String = site::manifest()
        .replace("    configurable:\n      name: Steward server\n", &format!("    baseUrl: {}\n", remote.url))
        .lines()
        .filter(|line| !line.contains("description: Address"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut config = site::config(&remote.url);
    config.forge.apps = vec![(site::app(manifest), None)];
    let site = site::start(config).await;
    let agent = Browser::sign_in(&site, "agent").await;
    let (_, told) = agent.invoke(json!({"path": "/ping", "method": "GET"})).await;
    assert_eq!(told["success"], Value::Bool(true), "{told}");
    let installed = site.forge().installation(APP_ID).unwrap();
    assert!(installed.set_remote_address("backend", Some("https://other.example.com")).is_err());
    site.shutdown().await;
}
