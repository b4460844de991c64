//! A site of the generated company with our app on it, and a browser on that site.

use std::{sync::Arc, time::Duration};

use reqwest::{StatusCode, header};
use sandbox::{
    Config, Faults, Running, Source,
    forge::{ForgeApp, ForgeConfig},
};
use serde_json::{Value, json};

use crate::kept_keys::kept_keys;

pub(crate) const APP_ID: &str = "ari:cloud:ecosystem::app/6f2c1a52-9d0e-4b57-8a33-51c7f0e2d914";

/// The manifest that we deploy, with all that this host offers beyond it: writing, and more events of issues.
pub(crate) fn manifest() -> String {
    let scopes = "  scopes:\n    - write:servicedesk-request\n";
    let ours = "        - avi:jira:deleted:issue\n      filter:\n        ignoreSelf: true\n";
    let events = "        - avi:jira:deleted:issue\n        - avi:jira:assigned:issue\n        \
                  - avi:jira:commented:issue\n        - avi:jira:deleted:comment\n";
    let wider = deployed().replace("  scopes:\n", scopes).replace(ours, events);
    assert!(wider.contains(scopes) && wider.contains(events));
    wider
}

/// The manifest that we deploy.
pub(crate) fn deployed() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/forge/manifest.yml");
    std::fs::read_to_string(path).unwrap()
}

/// The same for several regions, as docs/install-forge.md says to make it.
pub(crate) fn regional() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/forge/regions.yml");
    let regions = std::fs::read_to_string(path).unwrap();
    let (remotes, module) = regions.split_once("\nmodules:\n").unwrap();
    let deployed = deployed();
    let (head, rest) = deployed.split_once("  external:\n").unwrap();
    let (_, rest) = rest.split_once("\nresources:\n").unwrap();
    let rest = rest.replacen("\nmodules:\n", &format!("\nmodules:\n{module}"), 1);
    format!("{head}\n{remotes}\n\nresources:\n{rest}")
}

/// The same for sites that still have the Connect app, as docs/connect.md says to make it.
pub(crate) fn carrying() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/forge/connect.yml");
    let connect = std::fs::read_to_string(path).unwrap();
    let part = |name: &str| {
        let (_, rest) = connect.split_once(&format!("\n{name}:\n")).unwrap();
        rest.split("\n\n").next().unwrap().trim_end().to_owned()
    };
    let deployed = deployed();
    let (head, rest) = deployed.split_once("  external:\n").unwrap();
    let (_, rest) = rest.split_once("\nresources:\n").unwrap();
    let head = head.replacen("\n  runtime:\n", &format!("\n{}\n  runtime:\n", part("app")), 1).replacen(
        "  scopes:\n",
        &format!("{}\n", part("permissions")),
        1,
    );
    let rest =
        rest.replacen("\nmodules:\n", &format!("\nconnectModules:\n{}\n\nmodules:\n", part("connectModules")), 1);
    format!("{head}\nremotes:\n{}\n\nresources:\n{rest}", part("remotes"))
}

pub(crate) fn app(manifest_yaml: String) -> ForgeApp {
    ForgeApp {
        name: "Steward".to_owned(),
        manifest_yaml,
        resources: Arc::new(|path| match path {
            "main/index.html" => Some(b"<!doctype html><head><script src=app.js></script></head>".to_vec()),
            "main/app.js" => Some(b"window.started = true;".to_vec()),
            _ => None,
        }),
    }
}

/// Nothing goes wrong, everything is quick; retries after 20 ms.
pub(crate) fn config(remote: &str) -> Config {
    Config {
        site_name: "Nordlicht".to_owned(),
        source: Source::Demo(1),
        faults: Faults::none(),
        keys: kept_keys(),
        forge: ForgeConfig {
            apps: vec![(app(manifest()), Some(remote.to_owned()))],
            event_retry: Duration::from_millis(20),
            ..ForgeConfig::default()
        },
        ..Config::default()
    }
}

pub(crate) async fn start(config: Config) -> Running {
    sandbox::start(config).await.unwrap()
}

/// Asks for a token as a script would.
pub(crate) async fn token(site: &Running, request: &Value) -> (StatusCode, Value) {
    let answer = client().post(format!("{}/sandbox/token", site.url())).json(request).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

pub(crate) fn client() -> reqwest::Client {
    // The provider may have been chosen by another test of this program.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

/// The payload of a token, unverified.
pub(crate) fn claims(token: &str) -> Value {
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// Somebody's browser.
pub(crate) struct Browser {
    http: reqwest::Client,
    site: String,
    cookie: String,
    pub(crate) page_token: String,
}

impl Browser {
    pub(crate) async fn sign_in(site: &Running, who: &str) -> Self {
        let http = client();
        let answer = http.get(format!("{}/sandbox/login?user={who}", site.url())).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"));
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let mut browser = Self { http, site: site.url(), cookie, page_token: String::new() };
        let (_, page) = browser.get("/servicedesk/customer/portals").await;
        let start = page.split("page-token\" content=\"").nth(1).unwrap();
        browser.page_token = start.split('"').next().unwrap().to_owned();
        browser
    }

    pub(crate) async fn fetch(&self, path: &str) -> reqwest::Response {
        let request = self.http.get(format!("{}{path}", self.site));
        request.header(header::COOKIE, &self.cookie).send().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, String) {
        let answer = self.fetch(path).await;
        (answer.status(), answer.text().await.unwrap())
    }

    /// Sends a form with the page's token.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (StatusCode, String) {
        let mut all = vec![("_token", self.page_token.as_str())];
        all.extend_from_slice(fields);
        self.post_bare(path, &all).await
    }

    pub(crate) async fn post_bare(&self, path: &str, fields: &[(&str, &str)]) -> (StatusCode, String) {
        let request = self.http.post(format!("{}{path}", self.site)).form(fields);
        let answer = request.header(header::COOKIE, &self.cookie).send().await.unwrap();
        let location = answer.headers().get("location").map(|l| l.to_str().unwrap().to_owned());
        let status = answer.status();
        (status, location.unwrap_or(answer.text().await.unwrap()))
    }

    /// A form with files, as the portal's reply is.
    pub(crate) async fn reply(&self, path: &str, text: &str, file: Option<(&str, &[u8])>) -> (StatusCode, String) {
        use reqwest::multipart::{Form, Part};
        // Left empty, a browser sends the field for files nonetheless, without a name.
        let (name, bytes) = file.unwrap_or(("", b""));
        let form = Form::new()
            .text("_token", self.page_token.clone())
            .text("text", text.to_owned())
            .part("file", Part::bytes(bytes.to_vec()).file_name(name.to_owned()));
        let request = self.http.post(format!("{}{path}", self.site)).multipart(form);
        let answer = request.header(header::COOKIE, &self.cookie).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    /// What the page's script sends for a frame.
    pub(crate) async fn bridge(&self, path: &str, body: &Value, token: &str) -> (StatusCode, Value) {
        self.bridge_by(reqwest::Method::POST, path, body, token).await
    }

    /// The same, for what changes something of the host's.
    pub(crate) async fn bridge_put(&self, path: &str, body: &Value, token: &str) -> (StatusCode, Value) {
        self.bridge_by(reqwest::Method::PUT, path, body, token).await
    }

    async fn bridge_by(&self, method: reqwest::Method, path: &str, body: &Value, token: &str) -> (StatusCode, Value) {
        let request = self.http.request(method, format!("{}{path}", self.site)).json(body);
        let answer = request.header(header::COOKIE, &self.cookie).header("x-page-token", token).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    pub(crate) async fn invoke(&self, input: Value) -> (StatusCode, Value) {
        let frame = json!({"app": APP_ID, "module": "customers-page"});
        let body = json!({"frame": frame, "input": with_type(input)});
        self.bridge("/forge/bridge/invoke", &body, &self.page_token).await
    }
}

fn with_type(mut input: Value) -> Value {
    if input["invokeType"].is_null() {
        input["invokeType"] = "ui-remote-fetch".into();
    }
    input
}
